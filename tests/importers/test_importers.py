"""``import``: recordings of other tools and curl commands become a suite with the same requests, and its cassettes."""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.cli.main import main
from harness.config import load
from harness.importers import curl, http_files
from harness.importers.to_suite import build_suite
from harness.model import Request
from harness.run.play import prepare
from harness.suite.matrix import Selection, expand
from harness.suite.parse import load as load_suite
from harness.suite.parse import parse
from harness.transport.cassette import Recorded, Unread
from harness.transport.redaction import Leaks
from tests.growth import grows_evenly

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent?key=AIza-not-to-be-kept"
BODY: Mapping[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "Capital of Norway? One word."}]}],
    "generationConfig": {"temperature": 0},
}
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1, "totalTokenCount": 8},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}


TEXT = '{"contents":[{"parts":[{"text":"hi"}]}]}'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def interaction(answer: Any = ANSWER, status: int = 200, body: Any = BODY, url: str = URL) -> dict[str, Any]:
    return {
        "request": {"method": "POST", "uri": url, "body": json.dumps(body), "headers": {"x-goog-api-key": ["SECRET"]}},
        "response": {
            "status": {"code": status, "message": ""},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": json.dumps(answer)},
        },
    }


def vcrpy(path: Path, *interactions: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump({"version": 1, "interactions": list(interactions)}))


def har(path: Path, *, encoding: str | None = None) -> None:
    text = json.dumps(ANSWER)
    if encoding == "base64":
        import base64

        text = base64.b64encode(text.encode()).decode()
    content = {"mimeType": "application/json", "text": text} | ({"encoding": encoding} if encoding else {})
    entry = {
        "request": {
            "method": "POST",
            "url": URL,
            "headers": [{"name": "X-Goog-Api-Key", "value": "SECRET"}],
            "postData": {"mimeType": "application/json", "text": json.dumps(BODY)},
        },
        "response": {
            "status": 200,
            "headers": [
                {"name": "content-encoding", "value": "gzip"},
                {"name": "content-type", "value": "application/json"},
            ],
            "content": content,
        },
    }
    page = {"request": {"method": "GET", "url": "https://example.com/", "headers": []}, "response": {"status": 200}}
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": [page, entry]}}))


def suite(name: str = "imported") -> Any:
    return yaml.safe_load(Path(f"suites/{name}.yaml").read_text())


def written() -> str:
    return "".join(path.read_text() for path in Path().rglob("*.yaml") if path.parts[0] in ("suites", "cassettes"))


def test_a_vcrpy_cassette_becomes_a_case_that_passes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vcrpy(project / "norway.yaml", interaction())
    assert main(["import", "norway.yaml"]) == 0
    assert "suites/imported.yaml: 1 case, 1 answer on cassettes\n" in capsys.readouterr().out
    assert suite()["cases"] == [
        {
            "id": "capital-of-norway-one-word",
            "provider": "google",
            "model": "gemini-2.5-flash",
            "prompt": "Capital of Norway? One word.",
            "request": {"generationConfig": {"temperature": 0}},
            "expect": {"finishReason": "STOP"},
        }
    ]
    assert main(["run", "suites/imported.yaml"]) == 0
    out = capsys.readouterr().out
    assert "1 passed (1 trial)" in out
    assert "recorded from google" in out


def test_imported_answers_are_kept_and_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vcrpy(project / "norway.yaml", interaction())
    main(["import", "norway.yaml"])
    assert main(["run", "suites/imported.yaml", "--record-mode", "all"]) == 0
    assert "1 cassette of another tool was replayed, not recorded again: cassettes/imported/" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", [None, "base64"])
def test_a_har_file_becomes_cases_without_its_other_traffic(
    project: Path, capsys: pytest.CaptureFixture[str], encoding: str | None
) -> None:
    har(project / "session.har", encoding=encoding)
    assert main(["import", "session.har"]) == 0
    assert "left out: session.har, request 0: not a native generateContent request: GET /\n" in capsys.readouterr().out
    assert main(["run", "--strict"]) == 0


def test_no_key_is_imported(project: Path) -> None:
    vcrpy(project / "a.yaml", interaction())
    har(project / "b.har")
    assert main(["import", "a.yaml", "b.har"]) == 0
    assert "SECRET" not in written()
    assert "AIza" not in written()


def test_a_secret_in_a_body_leaves_the_request_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "a-very-secret-key")
    vcrpy(project / "a.yaml", interaction(body={"contents": [{"parts": [{"text": "my key is a-very-secret-key"}]}]}))
    assert main(["import", "a.yaml"]) == 5
    captured = capsys.readouterr()
    assert "it holds the value of GEMINI_API_KEY in the request's body" in captured.out
    assert captured.err.startswith("nothing was imported")
    assert not Path("suites").exists()


def test_the_same_request_again_is_another_attempt(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = json.loads(json.dumps(ANSWER).replace("STOP", "MAX_TOKENS"))
    vcrpy(project / "a.yaml", interaction(), interaction(cut), interaction({"error": {"code": 429}}, 429))
    assert main(["import", "a.yaml"]) == 0
    (case,) = suite()["cases"]
    assert case["repeat"] == 2
    assert case["expect"] == {"finishReason": {"in": ["STOP", "MAX_TOKENS"]}}
    assert f"is left out, and only audit judges it: HTTP 429 of {case['id']}\n" in capsys.readouterr().out


def test_a_recorded_error_is_expected(project: Path) -> None:
    error = {"error": {"code": 400, "message": "no such field", "status": "INVALID_ARGUMENT"}}
    vcrpy(project / "a.yaml", interaction(error, 400))
    assert main(["import", "a.yaml"]) == 0
    (case,) = suite()["cases"]
    assert case["expect"] == {"http": 400, "error": {"status": "INVALID_ARGUMENT"}}
    assert main(["run"]) == 0


FLASH, PRO, LITE = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite"


def asked_of(model: str, answer: Any = ANSWER, status: int = 200) -> dict[str, Any]:
    served = {**answer, "modelVersion": model} if status == 200 else answer
    return interaction(served, status, url=ASK.replace(FLASH, model))


def test_one_prompt_asked_of_several_models_is_one_case(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = {"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}
    vcrpy(project / "a.yaml", asked_of(FLASH), asked_of(LITE, refused, 404), asked_of(PRO))
    assert main(["import", "a.yaml"]) == 0
    out = capsys.readouterr().out
    assert "2 cases, 3 answers on cassettes\n" in out
    assert "note: capital-of-norway-one-word and capital-of-norway-one-word-2 send the same" in out
    assert suite()["cases"] == [
        {
            "id": "capital-of-norway-one-word",
            "prompt": "Capital of Norway? One word.",
            "expect": {"finishReason": "STOP"},
        },
        {
            "id": "capital-of-norway-one-word-2",
            "model": LITE,
            "prompt": "Capital of Norway? One word.",
            "expect": {"http": 404, "error": {"status": "NOT_FOUND"}},
        },
    ]
    assert suite()["defaults"]["model"] == [FLASH, PRO]
    before = written()
    assert main(["import", "a.yaml"]) == 0
    assert written() == before
    capsys.readouterr()
    assert main(["run"]) == 0
    table = capsys.readouterr().out
    assert re.search(r"\ncapital-of-norway-one-word +pass +pass\n", table)
    assert re.search(r"\ncapital-of-norway-one-word-2 +pass\n", table)


def test_a_model_that_a_case_cannot_ask_is_left_out_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    little = {**BODY, "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}
    asked = ["gemini-3.6-flash", "gemini-3.8-flash", "gemini-3.5-flash-lite"]
    vcrpy(project / "a.yaml", *(interaction(body=little, url=ASK.replace(FLASH, model)) for model in asked))
    assert main(["import", "a.yaml"]) == 0
    assert (
        "left out: a.yaml, request 1: gemini-3.8-flash would refuse generationConfig.thinkingConfig"
        in capsys.readouterr().out
    )
    (case,) = suite()["cases"]
    assert case["model"] == ["gemini-3.6-flash", "gemini-3.5-flash-lite"]


def test_models_that_end_differently_are_one_case_with_either_reason(project: Path) -> None:
    cut = json.loads(json.dumps(ANSWER).replace("STOP", "SAFETY"))
    vcrpy(project / "a.yaml", asked_of(FLASH), asked_of(PRO, cut))
    assert main(["import", "a.yaml"]) == 0
    (case,) = suite()["cases"]
    assert (case["model"], case["expect"]) == ([FLASH, PRO], {"finishReason": {"in": ["STOP", "SAFETY"]}})


CURL = r"""
curl "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse" \
  -H "x-goog-api-key: $GEMINI_API_KEY" \
  -H 'Content-Type: application/json' \
  --no-buffer \
  -X POST \
  -d '{
    "contents": [{"parts": [{"text": "Explain ${this} & that; it'"'"'s short"}]}]
  }' && echo done
"""


def test_a_curl_command_becomes_a_case_to_be_recorded(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "docs.sh").write_text("#!/bin/sh\necho hello\n" + CURL)
    assert main(["import", "docs.sh", "--suite", "docs"]) == 0
    out = capsys.readouterr().out
    assert "note: without an answer, to be recorded: explain-this-that-it-s\n" in out
    assert out.endswith("now: gemini-harness run suites/docs.yaml --record-mode once\n")
    (case,) = suite("docs")["cases"]
    assert (case["model"], case["transport"]) == ("gemini-3-flash-preview", "stream")
    assert case["request"]["contents"][0]["parts"][0]["text"] == "Explain $${this} & that; it's short"
    assert main(["run"]) == 6
    assert "record it: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("""--data-raw $'{"contents":[{"parts":[{"text":"it\\'s \\u0041"}]}]}'""", "it's A"),
        ("""--json '{"contents":[{"parts":[{"text":"plain"}]}]}'""", "plain"),
        ("-d @body.json", "from a file"),
    ],
)
def test_curl_data_in_every_form(project: Path, data: str, text: str) -> None:
    (project / "body.json").write_text('{"contents": [{"parts": [{"text": "from a file"}]}]}')
    (project / "a.txt").write_text(f"curl '{URL}' {data}\n")
    assert main(["import", "a.txt"]) == 0
    assert suite()["cases"][0]["request"]["contents"] == [{"parts": [{"text": text}]}]


def test_a_long_body_is_written_to_its_own_file(project: Path) -> None:
    long = {
        "contents": [{"role": "user", "parts": [{"text": "word ${row.x} \r\n" * 500}]}],
        "tools": [{"googleSearch": {}}] * 200,
    }
    vcrpy(project / "a.yaml", interaction(body=long))
    assert main(["import", "a.yaml"]) == 0
    assert suite()["cases"][0]["prompt"] == "${file:imported/word-row.x-word-row.x-word.txt}"
    assert main(["run"]) in (0, 1)
    assert main(["cassettes", "stale"]) == 0


@pytest.mark.parametrize(
    ("file", "head"), [("harness.toml", "providers"), ("pyproject.toml", "tool.gemini-harness.providers")]
)
def test_a_host_without_a_provider_is_noted_with_the_lines_to_add(
    project: Path, capsys: pytest.CaptureFixture[str], file: str, head: str
) -> None:
    if file == "pyproject.toml":
        (project / file).write_text("[tool.gemini-harness]\n")
    url = "https://gateway.example:8443/gemini/v1/models/gemini-2.5-flash:generateContent"
    vcrpy(project / "a.yaml", interaction(url=url), interaction())
    assert main(["import", "a.yaml"]) == 0
    out = capsys.readouterr().out
    assert "note: no provider is configured for gateway.example: live runs of these cases ask google; to ask it" in out
    assert main(["run"]) == 0
    lines = textwrap.dedent("\n".join(line for line in out.splitlines() if line.startswith("    ")))
    assert lines == (
        f"[{head}.gateway-example]\n"
        'base_url = "https://gateway.example:8443/gemini"\n'
        'path = "/v1/models/{model}:{method}"\n'
        'keys = ["GATEWAY_EXAMPLE_API_KEY"]'
    )
    with (project / file).open("a") as configuration:
        configuration.write(lines)
    assert main(["import", "a.yaml"]) == 4
    assert "or write in its place with --replace" in capsys.readouterr().err
    assert main(["import", "a.yaml", "--replace"]) == 0
    assert "no provider" not in capsys.readouterr().out
    assert suite()["cases"][0]["provider"] == ["gateway-example", "google"]
    assert main(["run"]) == 0


def test_the_header_of_a_variable_is_in_the_lines_to_add(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://gateway.example/v1beta/models/gemini-2.5-flash:generateContent"
    body = '{"contents": [{"parts": [{"text": "hi"}]}]}'
    (project / "a.sh").write_text(f"curl {url} -H \"Authorization: Bearer $KEY\" -d '{body}'\n")
    assert main(["import", "a.sh"]) == 0
    out = capsys.readouterr().out
    assert '    auth = "bearer"\n' in out
    assert "a key was recorded" not in out


def test_the_header_of_a_gateways_key_is_in_the_lines_to_add(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = interaction(url="https://gateway.example/v1beta/models/gemini-2.5-flash:generateContent")
    recorded["request"]["headers"] = {"X-Corp-Key": ["gw-9f8e-7d6c-5b4a"]}
    vcrpy(project / "a.yaml", recorded)
    assert main(["import", "a.yaml"]) == 0
    lines = textwrap.dedent("\n".join(line for line in capsys.readouterr().out.splitlines() if line[:4] == "    "))
    assert lines.endswith('auth = "x-corp-key"')
    (project / "harness.toml").write_text(lines)
    provider = load(project).providers["gateway-example"]
    assert provider.headers("K") == {"x-corp-key": "K"}
    assert main(["import", "a.yaml", "--replace"]) == 0
    assert "no case uses cassettes/imported/" in (out := capsys.readouterr().out)
    assert "`gemini-harness cassettes prune` removes it" in out


def test_the_provider_of_the_host_is_used(project: Path) -> None:
    (project / "harness.toml").write_text('[providers.mine]\nbase_url = "https://gateway.example"\n')
    vcrpy(project / "a.yaml", interaction(url=URL.replace("generativelanguage.googleapis.com", "gateway.example")))
    assert main(["import", "a.yaml"]) == 0
    assert suite()["cases"][0]["provider"] == "mine"
    assert main(["run"]) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.har", '{"log": {"entries": [{"request": 1}]}}', "entry 0 is not readable"),
        ("a.yaml", "interactions: [", "not decodable"),
        ("a.yaml", "", "empty"),
        (
            "a.yaml",
            f"version: 1\ninteractions:\n- request: {{uri: '{URL}', body: {json.dumps(TEXT)}}}\n  response: 3\n",
            "not readable: TypeError",
        ),
        ("a.yaml", "http_interactions: []", "Ruby VCR: no request or answer"),
        ("a.sh", "curl 'unclosed\n", "not a command line that can be read"),
        ("a.sh", "curl --silent\n", "a curl command that is not understood"),
        ("a.sh", f"curl {URL} -d @missing.json\n", "which cannot be read"),
        ("a.sh", f"curl -G {URL} -d '{{}}'\n", "sends its data in the address, not in a body"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, message: str
) -> None:
    (project / name).write_text(content)
    assert main(["import", name]) == 4
    assert f"left out: {name}: " in (out := capsys.readouterr().out)
    assert message in out


def test_half_of_a_character_is_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.sh").write_text(f"curl {URL} -d '{TEXT}'".replace("hi", r"\ud800"))
    assert main(["import", "a.sh"]) == 5
    assert "it holds half of a character, '\\ud800', which a suite cannot hold" in capsys.readouterr().out


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vcrpy(project / "a.yaml", interaction())
    assert main(["import", "a.yaml"]) == 0
    suite_file = Path("suites/imported.yaml")
    suite_file.write_text(suite_file.read_text("utf-8") + "# mine\n", "utf-8")
    assert main(["import", "a.yaml"]) == 4
    assert "exists already, and is another; choose another name with --suite" in capsys.readouterr().err
    assert suite_file.read_text("utf-8").endswith("# mine\n")
    assert main(["import", "a.yaml", "--suite", "no/name"]) == 4
    assert main(["import", "nowhere"]) == 4


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)


@example("1e3", "0E0")
@example("", "\n")
@example("a\n\n", "b\n\n")
@example("\n a\n\n", "a \n\n\n")
@given(TEXTS, TEXTS)
def test_any_text_is_sent_as_it_was_recorded(prompt: str, system: str) -> None:
    body: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        "systemInstruction": {"parts": [{"text": system}]},
    }
    request = Request("google", "gemini-2.5-flash", "POST", URL, {}, body, json.dumps(body).encode(), "unary")
    swapped = {**body, "systemInstruction": body["contents"][0], "contents": [{"parts": [{"text": system}]}]}
    second = replace(request, body=swapped, content=json.dumps(swapped).encode())
    result = build_suite("any", [("any.har", [Recorded(request), Recorded(second)])], load(Path("/"), {}), Leaks({}))
    assert (result.cases, result.left_out) == (2, [])
    text = next(text for path, text in result.files.items() if path.suffix == ".yaml")
    suite = parse(text, "any.yaml", Path("/suites"), {})
    trials = expand([suite], Selection(cassettes_dir=Path("/c"), default_provider="google"))
    assert [prepare(trial, load(Path("/"), {})).body for trial in trials] == [body, swapped]


@pytest.mark.nightly
def test_imported_recordings_fail_only_where_the_audit_does(
    shared: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs fail only by the invariants that ``audit`` finds broken in the recordings."""
    recordings = str(shared.resolve() / "recordings")
    assert main(["import", recordings, "--suite", "recorded"]) == 0
    capsys.readouterr()
    assert main(["audit", recordings, "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    faulty = {finding["rule"] for finding in found["findings"] if finding["severity"] == "error"}
    main(["run", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert len(document["groups"]) > 450
    assert document["totals"]["error"] == 0
    failing = {
        verdict["check"]
        for result in document["results"]
        for verdict in result["verdicts"]
        if verdict["status"] == "failed" and verdict["severity"] == "error"
    }
    assert failing == {f"invariant:{rule}" for rule in faulty}


ASK = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
PAGE = r"""
# How to ask; don't worry

It's easy with curl (don't forget your key):

```bash
# don't share it
export MODEL="gemini-2.5-flash"
curl "https://generativelanguage.googleapis.com/v1beta/models/${MODEL}:generateContent" \
  -H "x-goog-api-key: $GEMINI_API_KEY" \
  -d '{"contents":[{"parts":[{"text":"1"}]}]}' 2> /dev/null | jq -r .candidates > out.json
```

That's it. curl is a tool that can't think.
curl doesn't need more. Here's another's:

    $ curl -sSXPOST --http1.1 -w '\n%{http_code}' ASK?key=$KEY -d "{\"contents\":[{\"parts\":[{\"text\":\"2\"}]}]}"

```
curl 'https://never.closed.example
curl ASK -d @- <<'END'
{"contents":[{"parts":[{"text":"3"}]}],}
END
cat << EOF > request.json
{"contents": [{"parts": [{"text": "4"}]},]}
EOF
OUT=$(curl -s "ASK" -d '@request.json')
curl.exe ASK ^
  --json "{\"contents\":[{\"parts\":[{\"text\":\"5\"}]}]}"
curl ASK -d '{"contents":[{"parts":[{"inline_data":{"data":"'$(base64 it.png)'"}}]}]}'
```
Or `curl ASK -d '{"contents":[{"parts":[{"text":"6"}]}]}'`, that's all.
""".replace("ASK", ASK)


def test_all_curl_commands_on_a_page_are_imported_or_reported(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "page.md").write_text(PAGE)
    assert main(["import", "page.md"]) == 0
    out = capsys.readouterr().out
    texts = [case["request"]["contents"][0]["parts"][0]["text"] for case in suite()["cases"]]
    assert texts == ["1", "2", "3", "4", "5", "6"]
    assert "left out: page.md: line 20: not a command line that can be read: " in out
    assert "left out: page.md: line 30: its body holds $(base64 it.png), whose value only a shell would know" in out
    assert out.count("left out") == 2


def test_each_call_of_a_powershell_function_is_a_request(project: Path) -> None:
    body = "(@{contents=@(@{parts=@(@{text=$Say})})} | ConvertTo-Json -Depth 9)"
    (project / "a.ps1").write_text(
        f"function Ask([string]$Say, [string]$Model = 'gemini-2.5-flash') {{\n"
        f'  irm "{ASK.replace("gemini-2.5-flash", "$($Model)")}" -Method Post -Body {body}\n}}\n'
        "Ask -Say 'Hello'\nAsk -Say 'Bye' -Model gemini-2.5-pro\n"
    )
    assert main(["import", "a.ps1"]) == 0
    assert [(case["id"], case.get("model")) for case in suite()["cases"]] == [
        ("hello", None),
        ("bye", "gemini-2.5-pro"),
    ]


def test_a_powershell_command_is_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "a.ps1").write_text("$x = 1\nInvoke-RestMethod -Uri $address -Method Post\n")
    assert main(["import", "a.ps1"]) == 4
    assert (
        "left out: a.ps1: line 2: Invoke-RestMethod of PowerShell is not read: its address is $address; copy"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("place", ["?key=", "Authorization", "x-goog-api-key", "body", "echo", "model", "name"])
def test_import_never_writes_the_key_of_a_recording(
    project: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    key = "sk-abcdefghijklmnopqrstuvwxyz0123456789" if place in ("model", "name") else "gw-9f8e-7d6c-5b4a"
    recorded = interaction()
    recorded["request"]["uri"] = ASK.replace("gemini-2.5-flash", key) if place == "model" else ASK
    recorded["request"]["headers"] = {"x-goog-api-key": [key]}
    if place == "?key=":
        recorded["request"] |= {"uri": f"{ASK}?key={key}", "headers": {}}
    elif place == "Authorization":
        recorded["request"]["headers"] = {"Authorization": [f"Bearer {key}"]}
    elif place == "body":
        recorded["request"]["body"] = json.dumps({"contents": [{"parts": [{"text": f"my key is {key}"}]}]})
    elif place == "echo":
        recorded["response"]["body"]["string"] = json.dumps({**ANSWER, "news": f"{key} is not valid"})
    file = f"{key}.yaml" if place == "name" else "a.yaml"
    vcrpy(project / file, recorded)
    code = main(["import", file])
    out = capsys.readouterr().out
    assert key not in written()
    if place == "name":
        assert code == 0
    elif place in ("body", "echo", "model"):
        assert (code, "it holds" in out) == (5, True)
    else:
        assert (
            code,
            f"a key was recorded with capital-of-norway-one-word ({place.lower()}) and was not copied" in out,
        ) == (0, True)
    assert not any(key in str(path) for path in Path().rglob("*") if path != Path(file))


def test_a_model_name_is_sent_as_it_was_recorded(project: Path) -> None:
    vcrpy(project / "a.yaml", interaction(url=ASK.replace("gemini-2.5-flash", "bad%20model")))
    assert main(["import", "a.yaml"]) == 0
    assert suite()["cases"][0]["model"] == "bad model"
    trial = next(iter(expand([load_suite(Path("suites/imported.yaml"))], Selection())))
    assert prepare(trial, load(Path())).url == ASK.replace("gemini-2.5-flash", "bad%20model")
    assert main(["run"]) in (0, 1)


def test_an_entry_without_an_answer_is_left_to_record(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    har(project / "a.har")
    whole = json.loads((project / "a.har").read_text())
    del whole["log"]["entries"][1]["response"]["content"]["text"]
    (project / "a.har").write_text(json.dumps(whole))
    assert main(["import", "a.har"]) == 0
    assert "note: without an answer, to be recorded: capital-of-norway-one-word\n" in capsys.readouterr().out


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def test_what_cases_share_stands_under_defaults(project: Path) -> None:
    config = {"generationConfig": {"temperature": 0}, "systemInstruction": {"parts": [{"text": "Be brief."}]}}
    bodies = [
        asked("Capital of Norway?", **config),
        asked("Capital of Norway?", **config, tools=[{"googleSearch": {}}]),
    ]
    vcrpy(project / "a.yaml", *(interaction(body=body) for body in bodies), interaction(body=asked("Hi!", **config)))
    assert main(["import", "a.yaml"]) == 0
    assert suite()["defaults"] == {
        "provider": "google",
        "model": "gemini-2.5-flash",
        "expect": {"finishReason": "STOP"},
        "request": config,
    }
    assert suite()["cases"] == [
        {"id": "capital-of-norway", "prompt": "Capital of Norway?"},
        {"id": "capital-of-norway-2", "prompt": "Capital of Norway?", "request": {"tools": [{"googleSearch": {}}]}},
        {"id": "hi", "prompt": "Hi!"},
    ]
    assert main(["run", "--strict"]) == 0


CALL = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]},
            "finishReason": "STOP",
        }
    ]
}


@pytest.mark.parametrize(("status", "shared"), [(400, True), (404, False)])
def test_what_most_cases_expect_stands_under_defaults(project: Path, status: int, shared: bool) -> None:
    declared = {"tools": [{"functionDeclarations": [{"name": "look"}]}]}
    refused = {
        "error": {"code": status, "message": "No.", "status": "NOT_FOUND" if status == 404 else "INVALID_ARGUMENT"}
    }
    usage = {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}}
    vcrpy(
        project / "a.yaml",
        interaction(body=asked("One?")),
        interaction(body=asked("Two?", **declared), answer={**CALL, **usage}),
        interaction(body=asked("Three?"), answer=refused, status=status),
    )
    assert main(["import", "a.yaml"]) == 0
    expected = [case.get("expect") for case in suite()["cases"]]
    assert (suite()["defaults"].get("expect") == {"finishReason": "STOP"}) is shared
    assert (expected[0] is None) is shared
    assert expected[1] == {**({} if shared else {"finishReason": "STOP"}), "functionCalls": [{"name": "look"}]}
    assert main(["run"]) == 0


def test_prompts_that_begin_alike_have_telling_ids(project: Path) -> None:
    prompts = ["What is the capital of Peru?", "What is the capital of Norway?", "What is the capital of Norway?"]
    bodies = [{**asked(prompt), "generationConfig": {"seed": place}} for place, prompt in enumerate(prompts)]
    vcrpy(project / "a.yaml", *(interaction(body=body) for body in bodies))
    assert main(["import", "a.yaml"]) == 0
    ids = [case["id"] for case in yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]]
    assert ids == [
        "what-is-the-capital-of",
        "what-is-the-capital-of-norway",
        "what-is-the-capital-of-norway-2",
    ]


def test_a_second_import_changes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vcrpy(project / "a.yaml", interaction())
    (project / "b.json").write_text(
        json.dumps({"ask": "/v1beta/models/m:generateContent", "q": asked("Hi"), "a": ANSWER})
    )
    assert main(["import", "a.yaml", "b.json"]) == 0
    before = {path: (path.read_bytes()) for path in Path().rglob("*") if path.is_file()}
    assert main(["import", "a.yaml", "b.json"]) == 0
    assert {path: (path.read_bytes()) for path in Path().rglob("*") if path.is_file()} == before


def test_an_import_that_was_killed_is_repeated(project: Path) -> None:
    vcrpy(project / "a.yaml", interaction())
    assert main(["import", "a.yaml"]) == 0
    (cassette_file,) = Path("cassettes").rglob("*.yaml")
    cassette_file.write_text("half", "utf-8")
    Path("suites/imported.yaml").unlink()  # it is written last
    assert main(["import", "a.yaml"]) == 0
    assert main(["run"]) == 0


QUOTED = TEXT.replace('"', '\\"')
FORMS = {
    "notebook": f"!curl '{ASK}' -d '{TEXT}'",
    "no-break space": f"curl\u00a0'{ASK}' -d '{TEXT}'",
    "typographic quotes": f"curl \u201c{ASK}\u201d -H \u201ca: b\u201d -d \u2018{TEXT}\u2019",
    "page": f"<!DOCTYPE html><pre><span>curl</span> &quot;{ASK}&quot; -d &#39;{TEXT.replace(chr(34), '&quot;')}&#39;</pre>",
    "held document": f'B=$(cat <<EOF\n{TEXT}\nEOF\n)\ncurl {ASK} -d "$B"',
    "read document": f"read -r -d '' B <<'EOF'\n{TEXT}\nEOF\ncurl {ASK} -d \"$B\"",
    "echo": f"echo '{TEXT}' | curl {ASK} -d @-",
    "cat": f"cat <<EOF | curl {ASK} -d @-\n{TEXT}\nEOF",
    "jq": f"jq -n '{TEXT}' | \\\n curl {ASK} -d @-",
    "blank after the mark": f"curl {ASK} \\ \n -d '{TEXT}'",
    "cmd": f'curl.exe "{ASK}" ^\r\n  -d "{QUOTED}"',
    "japanese": f"\u6b21\u306ecurl {ASK} -d '{TEXT}' \u3092",
    "upload": f"curl -T body.json {ASK}",
    "json heredoc": f"curl {ASK} --json @- <<'EOF'\n{TEXT}\nEOF",
    "encoded": f"curl {ASK} --data-urlencode '{TEXT}'",
    "path of the program": f"sudo -u app /usr/bin/curl -s {ASK} -d '{TEXT}'",
    "default of a variable": f"curl {ASK.replace('gemini-2.5-flash', '${MODEL:-gemini-2.5-flash}')} -d '{TEXT}'",
    "written before": f"echo '{TEXT}' > asked.json\ncurl {ASK} -d @asked.json",
    "doubled quotes": f'curl "{ASK}" ^\r\n -d "{TEXT.replace(chr(34), chr(34) * 2)}"',
    "wget": f"wget -qO- --header='Content-Type: application/json' --post-data='{TEXT}' \"{ASK}\" | jq .",
    "wget with blanks": f"wget -q -O out.json -T30 -t 2 --timeout=5 --method POST --body-data '{TEXT}' {ASK}",
    "wget file": f"wget {ASK} --post-file body.json",
    "standard input": f"curl {ASK} -d @- < body.json",
    "powershell parameter": f"param(\n  [string]$Say = 'hi',\n  [int]$N = 1)\nirm {ASK} -Method Post -Body (@{{contents=@(@{{parts=@(@{{text=$Say}})}})}} | ConvertTo-Json -Depth 9)",
    "powershell function": f"function Ask {{\n  param([Parameter(Mandatory)][string]$Say)\n  irm {ASK} -Method Post -Body (@{{contents=@(@{{parts=@(@{{text=$Say}})}})}} | ConvertTo-Json -Depth 9)\n}}\nAsk -Say 'hi'",
    "powershell writes": f"$b = '{TEXT}'\n[IO.File]::WriteAllText(\"$PWD\\asked.json\", $b)\ncurl.exe {ASK} -d \"@asked.json\"",
    "powershell text": f"Invoke-WebRequest -UseBasicParsing -Uri \"{ASK}\" `\r\n-Method \"POST\" `\r\n-Body \"{TEXT.replace(chr(34), '`' + chr(34))}\"",
    "powershell table": f"$b = @{{contents=@(@{{parts=@(@{{text='hi'}})}})}} | ConvertTo-Json -Depth 9\nirm {ASK} -Method Post -Body $b",
    "powershell document": f"$m = 'gemini-2.5-flash'\n$b = @'\n{TEXT}\n'@\n(irm \"{ASK.replace('gemini-2.5-flash', '$($m)')}\" -Body $b).candidates",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_command_is_read_in_every_form(project: Path, form: str) -> None:
    (project / "body.json").write_text(TEXT)
    (project / "template.json").write_text(TEXT.replace("hi", "${SAY}"))
    (project / "a.txt").write_text(FORMS[form], "utf-8")
    assert main(["import", "a.txt"]) == 0
    (case,) = suite()["cases"]
    assert (case["id"], case["model"], case["request"]) == ("hi", "gemini-2.5-flash", json.loads(TEXT))


def test_a_folder_of_scripts_is_imported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "docs").mkdir()
    for number, form in enumerate(("echo", "cmd", "powershell text", "page")):
        suffix = ("sh", "cmd", "ps1", "html")[number]
        (project / f"docs/{number}.{suffix}").write_text(FORMS[form].replace("hi", f"hi {number}"), "utf-8")
    (project / "docs/README.md").write_text("curl is a tool.\n")
    assert main(["import", "docs"]) == 0
    assert [case["id"] for case in suite()["cases"]] == ["hi-0", "hi-1", "hi-2", "hi-3"]
    assert "left out" not in capsys.readouterr().out


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_any_script_is_read_or_refused_with_a_reason(form: str, data: st.DataObject) -> None:
    text = FORMS[form]
    at = data.draw(st.integers(0, len(text)))
    cut = text[:at] + data.draw(st.text(max_size=4)) + text[at + data.draw(st.integers(0, 30)) :]
    curl.read(Path("a.sh"), curl.as_text(cut))


# --- chat completions ---------------------------------------------------------------------------------

CHAT = {
    "model": "google/gemini-2.5-flash",
    "messages": [{"role": "system", "content": "One word."}, {"role": "user", "content": "Capital of Norway?"}],
    "temperature": 0,
}
COMPLETION = {
    "id": "r",
    "object": "chat.completion",
    "model": "google/gemini-2.5-flash",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Oslo"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8},
}
CHAT_URL = "https://gateway.example/api/v1/chat/completions"


def test_a_chat_completion_becomes_a_case_that_passes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vcrpy(project / "a.yaml", interaction(COMPLETION, body=CHAT, url=CHAT_URL))
    assert main(["import", "a.yaml"]) == 0
    (case,) = yaml.safe_load((project / "suites/imported.yaml").read_text())["cases"]
    assert (case["provider"], case["model"]) == ("google-openai", "google/gemini-2.5-flash")
    assert case["prompt"] == "Capital of Norway?"
    assert case["request"]["systemInstruction"] == {"parts": [{"text": "One word."}]}
    assert main(["run", "suites/imported.yaml"]) == 0


def test_a_chat_completion_is_left_out_where_it_would_change(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vcrpy(project / "a.yaml", interaction(COMPLETION, body={**CHAT, "store": True}, url=CHAT_URL))
    assert main(["import", "a.yaml"]) == 5
    assert "a suite would send another body: $.store: removed: was true" in capsys.readouterr().out


BRUNO = """\
meta {
  name: ask
  type: http
}
post {
  url: {{base}}/v1beta/models/{{model}}:generateContent
  body: json
}
body:json {
  {"contents": [{"parts": [{"text": "What is new?"}]}]}
}
"""


def test_a_model_that_is_a_variable_is_to_be_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "ask.bru").write_text(BRUNO)
    assert main(["import", "ask.bru"]) == 0
    assert "note: the model of what-is-new is not recorded, or is a variable: write it" in capsys.readouterr().out


HTTP = """\
@host = https://generativelanguage.googleapis.com
@base = {{host}}/v1beta
@model = gemini-2.5-flash

### The capital
# @name capital
< {% request.variables.set("x", "y") %}
POST {{base}}/models/{{model}}:generateContent
    ?alt=json
Content-Type: application/json
x-goog-api-key: {{$dotenv GEMINI_API_KEY}}

{"contents": [{"parts": [{"text": "Capital of Norway?"}]}]}

> {%
  client.test("ok", () => client.assert(response.status === 200))
%}

### of an older tool
POST /v1beta/models/gemini-2.5-pro:generateContent HTTP/1.1
Host: generativelanguage.googleapis.com

< ./body.json

### with variables in the file
POST {{base}}/models/{{model}}:streamGenerateContent?alt=sse&key={{key}}

<@ body.json
"""


def calls(name: str = "imported") -> list[tuple[str, str]]:
    """(what the address calls, text of the prompt) of each case of a suite."""
    trials = expand([load_suite(Path(f"suites/{name}.yaml"))], Selection())
    requests = [prepare(trial, load(Path())) for trial in trials]
    return [(one.url.rpartition("/")[2], one.body["contents"][0]["parts"][0]["text"]) for one in requests]


def test_requests_of_editors_are_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("body.json").write_text('{"contents": [{"parts": [{"text": "Say {{model}}."}]}]}')
    Path("api.http").write_text(HTTP)
    assert main(["import", "api.http"]) == 0
    assert "left out" not in capsys.readouterr().out
    assert calls() == [
        ("gemini-2.5-flash:generateContent", "Capital of Norway?"),
        ("gemini-2.5-pro:generateContent", "Say {{model}}."),
        ("gemini-2.5-flash:streamGenerateContent?alt=sse", "Say gemini-2.5-flash."),
    ]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("@model = gemini-2.5-flash\n", "", "line 7: its address holds {{model}}, which the file does not set"),
        ("of Norway", "of {{$randomCity}}", "line 8: its body holds {{$randomCity}}, which the file does not set"),
        ("< ./body.json", "< ./no.json", "line 20: it sends no.json, which cannot be read"),
        ("< ./body.json", "< ../no.json", "line 20: it sends ../no.json, which lies outside of the project"),
        ("< ./body.json", "< pipe", "line 20: it sends pipe, which cannot be read: it is not a regular file"),
        ("@base = {{host}}", "@base = {{base}}", "line 8: its address holds {{base}}"),
    ],
)
def test_a_request_of_an_editor_that_cannot_be_sent_is_listed(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, reason: str
) -> None:
    Path("body.json").write_text('{"contents": [{"parts": [{"text": "hi"}]}]}')
    os.mkfifo("pipe")
    Path("api.rest").write_text(HTTP.replace(old, new))
    assert main(["import", "api.rest"]) == 0
    assert f"left out: api.rest: {reason}" in capsys.readouterr().out


def test_a_command_that_sends_a_pipe_waits_for_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe")
    Path("a.sh").write_text(f"curl {ASK} -d @pipe\n")
    assert main(["import", "a.sh"]) == 4
    assert "it sends pipe, which cannot be read: it is not a regular file" in capsys.readouterr().out


@pytest.mark.parametrize("piece", ["< {%\n", "{{", "@a = ", " ", "{{a}}", "###\n", "< "])
def test_a_hostile_file_of_requests_is_read_in_time(piece: str) -> None:
    def work(size: int) -> None:
        http_files.read(Path("a.http"), f"POST https://a/{piece * size}x\n\n{piece * size}\n".encode())

    assert grows_evenly(work, 5_000)


def test_a_file_of_requests_that_unfolds_to_much_is_refused() -> None:
    doubled = "".join(f"@v{level} = {{{{v{level - 1}}}}}{{{{v{level - 1}}}}}\n" for level in range(1, 60))
    (refused,) = http_files.read(Path("a.http"), f"@v0 = long\n{doubled}".encode())
    assert isinstance(refused, Unread)
    assert "more than 50,000,000 characters" in refused.reason


@given(st.lists(st.sampled_from([*HTTP.splitlines(), "{{", "< {%", "###", "POST", "< ."]), max_size=12))
def test_files_of_requests_never_break_the_reader(lines: list[str]) -> None:
    http_files.read(Path("nowhere/a.http"), "\n".join(lines).encode())
