"""Cases of reading, as public reports tell them: a file that is made of a real exchange is read, imported or refused as it should be."""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from harness import importers
from harness.answer import reply
from harness.cli.main import main
from harness.errors import BadCassette
from harness.judge.recorded import operation
from harness.model import Exchange
from harness.transport import cassette
from harness.transport.cassette import Recorded
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import reading


def _command(*arguments: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    out = StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = main(list(arguments))
    return code, out.getvalue()


def _interaction(d: Draft) -> Object:
    return {
        "request": {"method": "POST", "uri": d.url, "headers": {}, "body": json.dumps(d.body)},
        "response": {
            "status": {"code": d.status, "message": ""},
            "headers": {"content-type": [d.headers.get("content-type", "application/json")]},
            "body": {"string": d.bytes()},
        },
    }


def _har(d: Draft, content: Object, *headers: Object) -> str:
    request = {"method": "POST", "url": d.url, "headers": [], "postData": {"text": json.dumps(d.body)}}
    response = {"status": d.status, "headers": list(headers), "content": content}
    return json.dumps({"log": {"version": "1.2", "entries": [{"request": request, "response": response}]}})


def _exchanges(name: str, text: str | bytes) -> list[Exchange]:
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [one.exchange for one in cassette.read(path).interactions]


def _requests(name: str, text: str) -> list[Recorded]:
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, "utf-8")
        return [one for one in importers.read(path) if isinstance(one, Recorded)]


def _is_the_same(d: Draft, found: Sequence[Exchange]) -> bool:
    """Whether one exchange was read, with the request and the answer of the draft."""
    return len(found) == 1 and found[0].request.body == d.body and reply.read(found[0]).response == d.reply.response


def _cassette(items: list[Any]) -> str:
    return yaml.safe_dump({"interactions": items, "version": 1})


@reading("11b-zstd-body")
def zstd(d: Draft) -> bool:
    import zstandard

    need(d.status == 200)
    item = _interaction(d)
    item["response"]["headers"]["content-encoding"] = ["zstd"]
    item["response"]["body"]["string"] = zstandard.ZstdCompressor().compress(d.bytes())
    return _is_the_same(d, _exchanges("a.yaml", _cassette([item])))


@reading("13d-har-br-capital")
def har_with_a_decoded_body(d: Draft) -> bool:
    need(d.status == 200)
    content = {"text": b64encode(d.bytes()).decode(), "encoding": "base64"}
    return _is_the_same(d, _exchanges("a.har", _har(d, content, {"name": "Content-Encoding", "value": "br"})))


@reading("13c-har-stream-without-content")
def har_without_content(d: Draft) -> bool:
    """It is counted as a request without an answer."""
    need(d.status == 200)
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.har")
        path.write_text(_har(d, {"size": 0, "mimeType": "text/event-stream"}), "utf-8")
        tape = cassette.read(path)
    return not tape.interactions and len(tape.unanswered) == 1


@reading("12b-interactions-empty-list")
def nothing_recorded(_d: Draft) -> bool:
    try:
        _exchanges("a.yaml", _cassette([]))
    except BadCassette as refusal:
        return "no request or answer" in str(refusal)
    return False


@reading("22b-interactions-stream")
def another_api(d: Draft) -> bool:
    """It is read, and not taken for ``generateContent``."""
    item = _interaction(d)
    item["request"] |= {
        "uri": "https://generativelanguage.googleapis.com/v1beta/interactions?alt=sse",
        "body": '{"input": "Hi"}',
    }
    events = [{"event_type": "content.delta", "delta": {"type": "text", "text": text}} for text in ("Hel", "lo")]
    item["response"]["body"]["string"] = "".join(
        f"event: content.delta\ndata: {json.dumps(event)}\n\n" for event in events
    )
    return [operation(one.request) for one in _exchanges("a.yaml", _cassette([item]))] == [None]


# --- commands -----------------------------------------------------------------------------------------


def _asks_the_same(d: Draft, found: Sequence[Recorded]) -> bool:
    return (
        len(found) == 1 and found[0].request.body == d.body and operation_of(found[0]) == operation(d.exchange.request)
    )


def operation_of(asked: Recorded) -> tuple[str, str]:
    """Model and operation of a request."""
    return asked.request.model, asked.request.url.partition("?")[0].rpartition(":")[2]


@reading("14b-powershell")
def powershell(d: Draft) -> bool:
    need("'" not in json.dumps(d.body) and "$" not in d.url)
    text = json.dumps(d.body).replace("`", "``").replace('"', '`"').replace("$", "`$")
    lines = [
        f'Invoke-WebRequest -UseBasicParsing -Uri "{d.url}"',
        '-Method "POST"',
        '-ContentType "application/json"',
        f'-Body "{text}"',
    ]
    return _asks_the_same(d, _requests("a.ps1", " `\n".join(lines)))


def _curl(d: Draft, before: str = "", after: str = "") -> str:
    return f"curl {before} {shlex.quote(d.url)} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(d.body))} {after}\n"


@reading("14d-docs-redirect-and-pipe")
def redirected_and_piped(d: Draft) -> bool:
    after = d.random.choice(
        ["2> /dev/null | jq -r '.candidates[0]' | base64 --decode > a.png", "| tee answer.json", "> a.json 2>&1"]
    )
    return _asks_the_same(d, _requests("a.sh", _curl(d, after=after)))


@reading("14e-curl-write-out-option")
def options_with_values(d: Draft) -> bool:
    before = d.random.choice(
        [r"-s -w '\nHTTP %{http_code}\n' --http1.1", "--retry-all-errors --retry 3", "-sS --max-time 30 -o /tmp/a"]
    )
    return _asks_the_same(d, _requests("a.sh", _curl(d, before)))


# --- secrets ------------------------------------------------------------------------------------------


def _key(d: Draft) -> str:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(d.random.choice(letters) for _ in range(35))


def _checked(item: Object) -> bool:
    """Whether ``cassettes check`` names a secret."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_text(_cassette([item]), "utf-8")
        code, said = _command("cassettes", "check", str(path))
    return code == 1 and "secret" in said


@reading("28b-key-in-body")
def key_in_the_answer(d: Draft) -> bool:
    d.events[0]["note"] = f"used AIza{_key(d)}"
    return _checked(_interaction(d))


@reading("28d-gateway-key-in-header")
def key_in_a_header(d: Draft) -> bool:
    item = _interaction(d)
    item["request"]["headers"][d.random.choice(["x-goog-api-key", "X-Goog-Api-Key", "authorization"])] = [
        f"sk-{_key(d)}"
    ]
    return _checked(item)


@reading("28c-key-in-curl")
def key_in_a_command(d: Draft) -> bool:
    """It is written nowhere."""
    key = f"sk-{_key(d)}"
    sign = "&" if "?" in d.url else "?"
    d.url += f"{sign}key={key}"
    with TemporaryDirectory() as folder, chdir(folder):
        path = Path("a.sh")
        path.write_text(_curl(d, f"-H 'Authorization: Bearer {key}'"), "utf-8")
        code, said = _command("import", str(path))
        written = "".join(file.read_text("utf-8") for file in Path().rglob("*") if file.is_file() and file != path)
    return code in (0, 5) and key not in written + said


# --- suites -------------------------------------------------------------------------------------------


def _suite(text: str, *arguments: str, **files: str) -> tuple[int, str]:
    with TemporaryDirectory() as folder:
        for name, content in {"suite.yaml": text, **files}.items():
            Path(folder, name.replace("_", ".")).write_text(content, "utf-8")
        command, *options = arguments
        return _command(command, str(Path(folder, "suite.yaml")), *options)


@reading("20b-empty-key-skip-missing")
def nothing_ran(d: Draft) -> bool:
    """It is no success."""
    case = {"id": "a", "model": d.model, "provider": "google", "prompt": "hi"}
    code, _ = _suite(json.dumps({"suite": "k", "cases": [case]}), "run", "--skip-missing", "--no-save")
    return code != 0


@reading("34a-flag-for-tool-combination")
def search_and_functions_without_the_flag(d: Draft) -> bool:
    need(d.declarations() and d.generation >= (3, 0))
    tools = ["googleSearch", {"functionDeclarations": [{"name": "get_weather", "description": "The weather."}]}]
    case = {"id": "a", "model": "gemini-3.6-flash", "provider": "google", "prompt": "hi", "tools": tools}
    code, said = _suite(json.dumps({"suite": "combo", "cases": [case]}), "check")
    return "includeServerSideToolInvocations" in said and code == 4


@reading("35u-norway-rows")
def rows_as_written(d: Draft) -> bool:
    values = d.random.sample(["NO", "yes", "1.10", "007", "null", "0x1F", "1e3", "true"], 4)
    rows = "code,n\n" + "".join(f"{value},1\n" for value in values)
    case = {"id": "${row.code}", "each": "${file:d.csv}", "model": d.model, "prompt": "${row.code}"}
    _, said = _suite(json.dumps({"suite": "b", "cases": [case]}), "list", d_csv=rows)
    return all(f"b/{value}" in said for value in values)
