"""Patterns of the configuration keep personal data out of everything that is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.model import Chunk, Exchange
from harness.text.personal import PersonalPattern, Redaction
from harness.transport.redacting import redacted, redacted_request
from tests.endpoint import Endpoint, Script, stream
from tests.endpoint import answer as whole
from tests.exchanges import answer, chunk, exchange, request, sse

EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
PERSON = "Anna Kowalska"
MAIL = "anna.kowalska@example.com"
PATTERNS = Redaction(
    (PersonalPattern("email", EMAIL, "[email]"), PersonalPattern("name", r"Anna\s+Kowalska", "Customer"))
)
PROMPT = f"Write to {PERSON} at {MAIL}, please."
ANSWER = f"Dear {PERSON}, we wrote to {MAIL}."
USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 9, "totalTokenCount": 14}
END: dict[str, Any] = {"finish": "STOP", "usageMetadata": USAGE, "modelVersion": "gemini-2.5-flash"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(folder: Path, url: str, redact: str) -> None:
    text = f'provider = "mine"\n[providers.mine]\nbase_url = "{url}"\nauth = "none"\nrecord_host = "gw.example"\n[redact]\n{redact}\n'
    (folder / "harness.toml").write_text(text, "utf-8")


def suite(folder: Path, transport: str, expected: str, prompt: str = PROMPT) -> None:
    case = {"id": "mail", "model": "gemini-2.5-flash", "transport": transport, "prompt": prompt}
    expect = {"text": {"contains": expected}, "functionCalls": 0}
    (folder / "suites").mkdir(exist_ok=True)
    text = f"suite: a\ncases: {json.dumps([{**case, 'expect': expect}])}\n"
    (folder / "suites" / "a.yaml").write_text(text, "utf-8")


def written(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "suites"]
    return "\n".join(path.read_text("utf-8") for path in files if path.name != "harness.toml")


SPLIT = [
    chunk({"text": "Dear Anna Kow"}, modelVersion="gemini-2.5-flash"),
    chunk({"text": "alska, we wrote to anna.kowal"}, modelVersion="gemini-2.5-flash"),
    chunk({"text": "ska@example.com."}, **END),
]
ENDPOINTS: dict[str, Script] = {
    "unary": whole(answer(ANSWER, usageMetadata=USAGE), headers={"x-user": MAIL}),
    "stream": stream([sse(event) for event in SPLIT], 0.01),
}


@pytest.mark.parametrize("transport", ENDPOINTS)
def test_nothing_personal_is_written(folder: Path, transport: str, capsys: pytest.CaptureFixture[str]) -> None:
    redact = f"email = '{EMAIL}'\nname = {{pattern = 'Anna\\s+Kowalska', replacement = 'Customer'}}"
    with Endpoint(ENDPOINTS[transport]) as server:
        configure(folder, server.url, redact)
        suite(folder, transport, "Dear Customer, we wrote to [email].")
        reports = [f"--format={kind}:report.{kind}" for kind in ("html", "junit", "json", "markdown")]
        assert main(["run", "--record-mode", "once", *reports]) == 0
        assert MAIL.encode() in server.request
    assert main(["run", *reports, "-v"]) == 0, capsys.readouterr().out
    assert len(list(folder.rglob("run.jsonl"))) == 2
    assert list((folder / "cassettes").rglob("*.yaml"))
    assert not any(secret in written(folder) + capsys.readouterr().out for secret in (PERSON, MAIL, "kowalska", "Kow"))


def test_a_live_run_writes_nothing_personal(folder: Path) -> None:
    with Endpoint(ENDPOINTS["stream"]) as server:
        configure(folder, server.url, f"email = '{EMAIL}'")
        suite(folder, "stream", MAIL)  # what the suite expects is personal too
        assert main(["run", "--live", "--format", "html:report.html"]) == 1
    assert MAIL not in written(folder)
    assert "[email]" in written(folder)


def test_checking_and_pricing_find_the_recording(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Endpoint(ENDPOINTS["unary"]) as server:
        configure(folder, server.url, f"email = '{EMAIL}'")
        suite(folder, "unary", "[email]")
        main(["run", "--record-mode", "once"])
    assert main(["cassettes", "stale"]) == 0
    assert main(["cassettes", "check"]) == 0, capsys.readouterr().out


def test_an_import_is_redacted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(folder, "https://gw.example", f"email = '{EMAIL}'")
    body = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    (folder / "suites").mkdir()
    (folder / "suites" / "log.jsonl").write_text(
        json.dumps({"url": url, "request": body, "response": answer(ANSWER)}), "utf-8"
    )
    assert main(["import", "suites/log.jsonl", "--suite", "in"]) == 0
    (folder / "suites" / "log.jsonl").unlink()
    assert "Write to Anna Kowalska at [email], please." in (folder / "suites" / "in.yaml").read_text("utf-8")
    assert MAIL not in written(folder) + (folder / "suites" / "in.yaml").read_text("utf-8")
    assert main(["run", "suites/in.yaml"]) == 0, capsys.readouterr().out


def test_a_slow_pattern_stops_the_trial(folder: Path) -> None:
    with Endpoint(whole(answer("a" * 40_000 + "!"))) as server:
        configure(folder, server.url, "slow = '(a|aa)+\\?'")
        suite(folder, "unary", "a")
        assert main(["run", "--record-mode", "once"]) == 4
    assert not list((folder / "cassettes").rglob("*.yaml"))
    assert "took over 1 s" in written(folder)
    assert "aaaa" not in written(folder)


@pytest.mark.parametrize(
    ("redact", "complaint"),
    [
        ("email = '['", "redact.email: '[' is not a regular expression: unterminated character set at position 0"),
        ("email = 'x*'", "redact.email: 'x*' matches an empty text, so it would match everywhere"),
        (
            "email = {pattern = 'Ann', replacement = 'Anna'}",
            "redact.email: its replacement 'Anna' matches the pattern itself",
        ),
        ("email = {patern = 'Ann'}", 'redact.email.patern: unknown key, did you mean "pattern"?'),
        ("email = {replacement = 'x'}", "redact.email.pattern: missing"),
        ("email = 7", "redact.email: expected a regular expression, or {pattern, replacement}, got the number 7"),
    ],
)
def test_a_wrong_pattern_is_named(
    folder: Path, redact: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(folder, "https://gw.example", redact)
    suite(folder, "unary", "x")
    assert main(["run"]) == 4
    assert complaint in capsys.readouterr().err


def test_a_pattern_that_changes_a_status_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Endpoint(ENDPOINTS["unary"]) as server:
        configure(folder, server.url, "word = 'passed|failed'")
        suite(folder, "unary", "Dear")
        assert main(["run", "--live"]) == 4
    complaint = (
        "a/mail@mine/gemini-2.5-flash#1: a pattern of [redact] changes what a saved run is read by (Invalid enum value"
    )
    assert complaint in capsys.readouterr().err


# --- what a redacted exchange is ----------------------------------------------------------------------------


def test_an_address_is_redacted() -> None:
    sent = request({}, path="/v1beta/models/m:generateContent?user=anna.k%40example.com&alt=sse")
    assert redacted_request(sent, PATTERNS).url.endswith(":generateContent?user=%5Bemail%5D&alt=sse")


def test_pictures_and_signatures_stay_as_they_are() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "anna@example.com"}, "thoughtSignature": "anna@example.com"}
    given = exchange(chunk(part))
    assert redacted(given, PATTERNS) == given


def test_names_of_members_are_redacted() -> None:
    given = exchange(chunk({"functionCall": {"name": "send", "args": {MAIL: [MAIL]}}}))
    assert b"anna" not in redacted(given, PATTERNS).content


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_a_match_over_events_is_replaced_in_the_first(framing: str) -> None:
    content = sse(*SPLIT) if framing == "sse" else json.dumps(SPLIT).encode()
    found = redacted(exchange(content, request({}, stream=True)), PATTERNS)
    assert not found.verbatim
    values = (
        json.loads(found.content)
        if framing == "array"
        else [json.loads(line[6:]) for line in found.content.split(b"\r\n\r\n")[:-1]]
    )
    assert [value["candidates"][0]["content"]["parts"][0]["text"] for value in values] == [
        "Dear Customer",
        ", we wrote to [email]",
        ".",
    ]


def test_thoughts_and_answer_are_texts_of_their_own() -> None:
    given = exchange(
        sse(chunk({"text": "mail anna@exam", "thought": True}), chunk({"text": "ple.com is down"})),
        request({}, stream=True),
    )
    assert redacted(given, PATTERNS) == given


def test_events_keep_the_times_at_which_they_were_whole() -> None:
    body = sse(*SPLIT)
    cut = len(sse(SPLIT[0])) + 5
    given = Exchange(
        request({}, stream=True),
        200,
        {},
        [Chunk(body[:cut], 0.1), Chunk(body[cut:], 0.3)],
        0.05,
        exchange(b"").provenance,
    )
    first, second = redacted(given, PATTERNS).chunks
    assert (first.at, second.at) == (0.1, 0.3)
    assert first.data == sse(chunk({"text": "Dear Customer"}, modelVersion="gemini-2.5-flash")).replace(
        b": ", b":"
    ).replace(b", ", b",").replace(b"data:{", b"data: {")


@pytest.mark.parametrize(
    "body", [b"", b"<html>anna@example.com", b"\xff\xfeanna@example.com", b"data: anna@example.com\n\n"]
)
def test_what_is_no_json_is_redacted_as_text(body: bytes) -> None:
    assert b"anna" not in redacted(exchange(body), PATTERNS).content
