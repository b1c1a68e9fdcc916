"""Keys in every place and form, through every command that writes or prints. None may appear in its output.

A loopback gateway repeats the key of the request in its answers, as careless gateways do. Every file that the commands
create and everything that they print is searched.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import yaml

from tests.attack import Figures

KEY = "canary/odd+key=1&more<2>'x"
SECRETS = {
    "ODD_NAME": KEY,
    "GATEWAY_APIKEY": "canary-gateway-77aa",
    "SERVICE_TOKEN": "canary-token-88bb",
    "SIGNING_SECRET": "c0ffee0ddba11c0ffee0ddba11",
    "DB_URL": "postgres://me:canary-password-99cc@db.example/x",
    "FTP_PROXY": "me:canary-proxy-00dd@proxy.example:3128",
    "WEBHOOK_URL": "https://hooks.example/x?api_key=canary-webhook-11ee",
}
LITERAL = ["AIza" + "SyCanary0123456789Canary0123456789abcd"[:35], "sk-canary0123456789canary0123456789"]
"""Keys that are in suites and recordings, but in no variable."""
HIDDEN = [KEY, *LITERAL, SECRETS["SIGNING_SECRET"], *re.findall(r"canary-[a-z]+-\w{4}", " ".join(SECRETS.values()))]
FORMS: Mapping[str, Callable[[str], str]] = {
    "raw": str,
    "json": lambda key: json.dumps(json.dumps(key))[3:-3],
    "url": lambda key: quote(key, safe=""),
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
    "base64": lambda key: b64encode(f"user:{key}".encode()).decode(),
    "url64": lambda key: urlsafe_b64encode(f"{{{key}}}".encode()).decode(),
    "u": lambda key: "".join(f"\\u{ord(character):04x}" for character in key),
    "percent": lambda key: "".join(f"%{ord(character):02X}" for character in key),
    "html": escape,
}
PLACES = ("text", "thought", "member", "value", "error", "header", "split")
FORMATS = ("table", "json", "markdown", "html:out.html", "junit:out.xml", "csv:out.csv", "github")


# --- a gateway that gives the key back ----------------------------------------------------------------


class _Gateway(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked = body["contents"][0]["parts"][0]["text"].split()
        form, place = (asked[1], asked[2]) if asked[0] == "echo" else ("raw", "text")
        echo = FORMS[form](self.headers.get("x-goog-api-key", ""))
        parts: list[list[dict[str, Any]]] = [[{"text": f"your key is {echo}."}]]
        if place == "thought":
            parts = [[{"text": f"the key {echo}", "thought": True}, {"text": "Oslo"}]]
        elif place in ("member", "value"):
            args = {echo: 1} if place == "member" else {"deep": [{"er": echo}]}
            parts = [[{"functionCall": {"name": "use", "args": args}}]]
        elif place == "split":
            parts = [[{"text": f"your key is {echo[:9]}"}], [{"text": f"{echo[9:]}."}]]
        events: list[dict[str, Any]] = [
            {"candidates": [{"content": {"role": "model", "parts": some}, "index": 0}], "modelVersion": "m"}
            for some in parts
        ]
        events[-1]["candidates"][0]["finishReason"] = "STOP"
        self._send(place, echo, events, stream="alt=sse" in self.path)

    def _send(self, place: str, echo: str, events: list[dict[str, Any]], *, stream: bool) -> None:
        whole: object = events[0]
        if place == "error":
            whole = {"error": {"code": 400, "message": f"key {echo} is not valid", "status": "INVALID_ARGUMENT"}}
        text = json.dumps(whole)
        if stream and place != "error":
            text = "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in events)
        data = text.encode()
        self.send_response(400 if place == "error" else 200)
        self.send_header("content-type", "text/event-stream" if stream and place != "error" else "application/json")
        if place == "header":
            self.send_header("via", echo)
            self.send_header("x-echo", echo)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def _gateway() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


# --- the project, and what is searched -----------------------------------------------------------------


class _Project:
    """A folder with suites and recordings that contain keys. Commands wrote everything else in it."""

    def __init__(self, folder: Path, gateway: str) -> None:
        self.folder, self.given = folder, folder / "given"
        self.printed: dict[str, str] = {}
        self.internal = 0
        self.given.mkdir()
        row = f'[providers.echo]\nbase_url = "{gateway}"\nkeys = ["ODD_NAME"]\n'
        (folder / "harness.toml").write_text(row)
        self._give("echo.yaml", _echo())
        self._give("own.yaml", _own())
        self._give("checked.yaml", _checked())
        self._give("bad.yaml", {"suite": "bad", "cases": [{"id": "a", "promt": LITERAL[0], LITERAL[1]: KEY}]})
        (self.given / "raising.py").write_text(
            'import os\n\n\ndef leaks(result):\n    raise RuntimeError(os.environ["SERVICE_TOKEN"])\n'
        )
        for name, item in _recordings().items():
            self._give(name, {"version": 1, "interactions": [item]})
        (self.given / "curl.sh").write_text(
            f"curl 'https://gw.example/v1beta/models/m:generateContent?key={LITERAL[1]}' "
            f"-H 'Authorization: Bearer {SECRETS['GATEWAY_APIKEY']}' "
            '-d \'{"contents":[{"parts":[{"text":"hi"}]}]}\'\n'
        )

    def _give(self, name: str, value: object) -> None:
        (self.given / name).write_text(yaml.safe_dump(value, sort_keys=False, width=1000))

    @property
    def runs(self) -> list[str]:
        return sorted(path.parent.name for path in (self.folder / "reports").glob("*/run.jsonl"))

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **SECRETS, "NO_COLOR": "1"}

    def call(self, *words: str, module: str = "harness", within: str = "") -> None:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.folder / within,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.printed[f"{len(self.printed)} {' '.join(words)}"] = done.stdout + done.stderr
        self.internal += done.returncode == 3 and module == "harness"

    @contextmanager
    def serving(self, *words: str) -> Iterator[str]:
        """A command that serves, and its address. What it prints is kept."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "harness", *words],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        first = process.stdout.readline()
        try:
            found = re.search(r"http://[\w.:]+", first)
            assert found, first
            yield found[0]
        finally:
            process.terminate()
            self.printed[" ".join(words)] = first + process.communicate(timeout=20)[0]

    def leaks(self) -> Iterator[str]:
        """Where a key is: the command that printed it, the file, or the name of a file."""
        for command, text in self.printed.items():
            if found := _found(text.encode()):
                yield f"printed by {command}: {found}"
        for path in self.folder.rglob("*"):
            if self.given in path.parents or not path.is_file() or path.suffix == ".pyc":
                continue
            if found := _found(path.read_bytes()) or _found(str(path.relative_to(self.folder)).encode()):
                yield f"{path.relative_to(self.folder)}: {found}"


def _found(data: bytes) -> str | None:
    plain = re.sub(
        rb"\\+u00([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})", lambda code: bytes.fromhex((code[1] or code[2]).decode()), data
    )
    views = (data, plain, plain.replace(b"\\", b""))
    for key in HIDDEN:
        for form, spell in FORMS.items():
            spelled = spell(key)
            spelled = spelled[8:-4] if form in ("base64", "url64") else spelled  # what depends on the key alone
            if any(spelled.encode() in view for view in views):
                return f"{form} of {key[:10]}..."
    return None


def _echo() -> object:
    cases = [
        {"id": f"{form}-{place}", "prompt": f"echo {form} {place}", "expect": {"text": {"equals": "Oslo"}}}
        for form in FORMS
        for place in PLACES
    ]
    defaults = {"provider": "echo", "model": "m"}
    return {"suite": "echo", "defaults": defaults, "matrix": {"transport": ["unary", "stream"]}, "cases": cases}


def _own() -> object:
    """Keys in texts of the user."""
    token = "${env:SERVICE_TOKEN}"
    cases = [
        {"id": "prompt", "prompt": f"my key is {LITERAL[0]} and {LITERAL[1]}"},
        {"id": "variable", "prompt": f"say {token}", "about": f"about {LITERAL[0]}"},
        {"id": "member", "prompt": "x", "request": {"labels": {LITERAL[1]: token}}},
        {"id": "model", "prompt": "x", "model": SECRETS["GATEWAY_APIKEY"]},
        {"id": "password", "prompt": "${env:DB_URL}"},
        {"id": "skipped", "prompt": "x", "skip": f"because of {LITERAL[1]}"},
        {"id": "xfail", "prompt": "x", "xfail": f"because of {LITERAL[0]}", "expect": {"text": "no"}},
    ]
    return {"suite": "own", "defaults": {"provider": "echo", "model": "m"}, "cases": cases}


def _checked() -> object:
    case = {"id": "raises", "prompt": "x", "provider": "echo", "model": "m", "expect": {"python": "raising.py:leaks"}}
    return {"suite": "checked", "cases": [case]}


def _recordings() -> Mapping[str, object]:
    return {
        f"{place}.tape.yaml": {
            "request": {
                "method": "POST",
                "uri": f"https://gw.example/v1beta/models/m:generateContent{'?key=' + key if place == 'query' else ''}",
                "headers": {"x-goog-api-key": [key]} if place == "header" else {},
                "body": json.dumps({"contents": [{"parts": [{"text": key if place == "asked" else "hi"}]}]}),
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"content-type": ["application/json"]},
                "body": {"string": json.dumps({"candidates": [{"content": {"parts": [{"text": key}]}}]})},
            },
        }
        for place, key in {"query": LITERAL[1], "header": LITERAL[0], "asked": KEY, "answered": KEY}.items()
    }


# --- the attack ---------------------------------------------------------------------------------------


def attack() -> Iterator[Figures]:
    with tempfile.TemporaryDirectory(prefix="canaries-") as folder, _gateway() as gateway:
        project = _Project(Path(folder), gateway)
        _past_commands(project)
        _past_servers(project)
        leaks = list(project.leaks())
        for leak in leaks:
            print(leak, file=sys.stderr)
        tries = len(project.printed) * len(HIDDEN) * len(FORMS)
        yield Figures("canary keys", tries, leaked=len(leaks), internal_errors=project.internal)


def _past_commands(project: _Project) -> None:
    echo, own, checked = (f"given/{name}.yaml" for name in ("echo", "own", "checked"))
    call = project.call
    call("run", "-v", "--live", echo, "--reports", "reports")
    for name in FORMATS:
        call("report", "last", "--format", name, "-v")
    call("run", "--live", own, "-v")
    call("report", "last", "--format", "json")
    call("run", "--record-mode", "all", "-v", echo, own)
    call("run", "-v", "--live", checked)
    call("run", "-v", echo, own)
    call("run", "--dry-run", echo, own)
    call("run", "--dry-run", own, "--format", "json:dry.json")
    call("list", echo, own)
    call("check", "given/bad.yaml")
    for case in ("own/prompt", "own/variable", "own/member", "own/model", "own/password"):
        call("show", case, own)
    runs = project.runs
    call("compare", runs[0], runs[-1], "--format", "html:compared.html")
    call("compare", runs[1], runs[1], "--format", "json:compared.json")
    call("migrate", "echo/m", f"echo/{SECRETS['GATEWAY_APIKEY']}", own, "--old-record-mode", "once", "-v")
    call("history", "--format", "json:history.json")
    call("import", "given", "-v")
    call("import", "given/curl.sh", "--suite", "curl")
    call("cassettes", "check", "given", "cassettes")
    call("cassettes", "recover")
    call("audit", "given", "--format", "json:audit.json")
    call("run", "--live", own, "--model", LITERAL[1], "--target", f"{KEY}/x")
    for row in (f'keys = ["{LITERAL[1]}"]', f'path = "/x?key={LITERAL[1]}"', f'key = "{LITERAL[0]}"'):
        (project.given / "harness.toml").write_text(f'[providers.bad]\nbase_url = "https://a.example"\n{row}\n')
        call("list", "providers", within="given")
    (project.given / "harness.toml").unlink()
    call(echo, own, "-v", "-rA", "--harness-live", "-p", "no:xdist", module="pytest")


def _past_servers(project: _Project) -> None:
    with project.serving("view", "--port", "0") as address:
        pages = ["/", "/history", *(f"/run/{run}" for run in project.runs)]
        for page in pages:
            with urlopen(address + page) as response:
                project.printed[f"view {page}"] = response.read().decode()
    with project.serving("simulate", "--port", "0") as address:
        asked = Request(
            f"{address}/v1beta/models/gemini-2.5-flash:generateContent?key={LITERAL[1]}",
            json.dumps({"contents": [{"parts": [{"text": LITERAL[0]}]}]}).encode(),
            {"x-goog-api-key": SECRETS["GATEWAY_APIKEY"], "content-type": "application/json"},
        )
        urlopen(asked).close()
