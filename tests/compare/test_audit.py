"""The audit: recordings are checked against the invariants, without a suite."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.cli.main import main
from harness.compare.audit import Audit, AuditFinding, audit
from harness.judge.recorded import CHAT, operation
from harness.model import Exchange
from harness.report import View, find
from harness.transport.cassette import Interaction, Recorded, Tape, Unread
from tests.exchanges import answer, exchange, request, sse


def tape(name: str, *exchanges: Exchange) -> Tape:
    return Tape(Path(name), [Interaction(index, exchange, None) for index, exchange in enumerate(exchanges)], {})


ERROR = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}


def test_the_document() -> None:
    embedding = request(path="/v1beta/models/gemini-embedding-2:embedContent")
    streamed = exchange(sse(answer("a"), answer("b")), request(stream=True))
    document = audit(
        [
            tape(
                "one.yaml",
                exchange(answer()),
                exchange({"embedding": {"values": [1.0]}}, embedding),
                exchange(ERROR, status=429),
            ),
            replace(
                tape("two.yaml", replace(streamed, verbatim=False)),
                unanswered=[Recorded(request()), Recorded(embedding)],
                unread=[Unread("entry 7", "no request")],
            ),
        ],
        {"three.yaml": "a HAR file, not a vcrpy cassette"},
    ).to_json()
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}
    assert document == {
        "version": 1,
        "files": 3,
        "interactions": 4,
        "native_interactions": 4,
        "compatible_interactions": 0,
        "simulated": 0,
        "unanswered": 1,
        "not_judged": {},
        "formats": [{"format": "vcrpy", "files": 2, "native_interactions": 4}],
        "unread": [{"file": "two.yaml", "where": "entry 7", "reason": "no request"}],
        "passed_over": {},
        "unreadable": [{"file": "three.yaml", "reason": "a HAR file, not a vcrpy cassette"}],
        "normalised": ["two.yaml"],
        "findings": [
            {
                "file": "two.yaml",
                "index": 0,
                "rule": "stream-end",
                "severity": "error",
                "at": "events[1]",
                "expected": "nothing after the end",
                "actual": [{"text": "b"}],
                "message": "content came after the finishReason in events[0]",
                "id": "",
            }
        ],
        "exchanges": [
            exchange_row("one.yaml", 0, "generateContent", 200, "STOP", usage),
            {
                **exchange_row("one.yaml", 1, "embedContent", 200, None, {}),
                "model": "gemini-embedding-2",
            },
            exchange_row("one.yaml", 2, "generateContent", 429, None, {}),
            exchange_row("two.yaml", 0, "streamGenerateContent", 200, "STOP", usage),
        ],
    }


def test_exchanges_of_other_apis_are_counted_by_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = BROKEN.replace("models/gemini-2.5-flash:generateContent", "interactions/i1?alt=sse")
    Path("interactions.yaml").write_text(whole)
    assert main(["audit", "interactions.yaml"]) == 5
    line = "of other APIs, not judged: 1 exchange (generativelanguage.googleapis.com/v1beta/interactions 1)"
    assert line in " ".join(capsys.readouterr().out.split())


BROKEN = """
interactions:
- request:
    method: POST
    uri: https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent
    headers: {content-type: [application/json]}
    body: '{"contents": [{"parts": [{"text": "hi"}]}]}'
  response:
    status: {code: 200, message: OK}
    headers: {content-type: [application/json]}
    body: {string: '{"candidates": [{"content": {"parts": [{"text": "x"}], "role": "model"}, "finishReason": "STOP"}],
      "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 9}}'}
version: 1
"""


def test_github_annotations_name_recordings_and_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    Path("tapes").mkdir()
    Path("tapes/a.yaml").write_text(BROKEN, "utf-8")
    Path("tapes/b.yaml").write_text("not: a tape", "utf-8")
    assert main(["audit", "tapes", "--format", "github"]) == 1
    broken, unreadable, closing = capsys.readouterr().out.splitlines()
    assert broken.startswith("::error file=tapes/a.yaml,line=1,title=usage-sum in interaction 0::$.usageMetadata")
    assert unreadable.startswith("::warning file=tapes/b.yaml,line=1,title=unreadable::")
    assert closing.startswith(
        "::notice title=What recordings break::2 files; 1 unreadable file; 1 native of 1 interaction; 1 error"
    )
    summary = Path("summary.md").read_text("utf-8")
    assert "| `usage-sum` | error | 1 |" in summary
    assert "#### tapes/a.yaml interaction 0\n\n- error `usage-sum` at `$.usageMetadata.totalTokenCount`: " in summary
    assert "- unreadable: 1 file: " in summary


def test_a_finding_in_a_saved_run_names_its_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = answer(usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 9})
    trials = ["capitals/norway@google/gemini-2.5-flash#1", "capitals/norway@google/gemini-2.5-flash#2"]
    turn = {"url": request().url, "request": request().body, "response": wrong}
    rows = [{"id": trial, "turns": [turn]} for trial in trials]
    (tmp_path / "run.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in [{"version": 1, "run": {}}, *rows]))
    assert main(["audit", str(tmp_path / "run.jsonl")]) == 1
    out = capsys.readouterr().out
    assert all(f"interaction {place} ({trial})\n* error usage-sum" in out for place, trial in enumerate(trials))


def test_a_summary_shows_errors_first_and_counts_the_rest() -> None:
    found = [
        AuditFinding("a.yaml", n, "rule", "warn" if n else "error", "", None, None, f"number {n}") for n in range(30)
    ]
    out = io.StringIO()
    find("markdown", "audit")(Audit(files=1, findings=list(reversed(found))), View(), out)
    assert re.findall(r"number (\d+)", out.getvalue())[:2] == ["0", "29"]
    assert "and 10 more (-v shows all)" in out.getvalue()


def test_a_frequent_rule_hides_no_other() -> None:
    found = [AuditFinding("a.yaml", n, "usage-sum", "error", "", None, None, f"sum {n}") for n in range(30)]
    found += [AuditFinding("a.yaml", 30, "wire-known", "warn", "", None, None, "a rare field")]
    out = io.StringIO()
    find("table", "audit")(Audit(files=1, findings=found), View(), out)
    assert "a rare field" in out.getvalue()
    assert out.getvalue().index("usage-sum   error") < out.getvalue().index("sum 0")


def exchange_row(
    file: str, index: int, operation_name: str, status: int, reason: str | None, usage: object
) -> dict[str, object]:
    return {
        "file": file,
        "index": index,
        "model": "gemini-2.5-flash",
        "operation": operation_name,
        "status": status,
        "finishReason": reason,
        "stream": operation_name.startswith("stream"),
        "usage": usage,
    }


@pytest.mark.parametrize(
    ("path", "native"),
    [
        ("/v1beta/models/gemini-2.5-pro:generateContent?alt=json", ("gemini-2.5-pro", "generateContent")),
        ("/gw/v1/models/m:streamGenerateContent?alt=sse", ("m", "streamGenerateContent")),
        ("/v1/projects/p/locations/l/publishers/google/models/m:generateContent", ("m", "generateContent")),
        ("/v1/projects/p/locations/l/endpoints/123:generateContent", ("123", "generateContent")),
        ("/v1beta/models/m:countTokens", None),
        ("/v1beta/openai/chat/completions", ("gemini-2.5-flash", CHAT)),
        ("/v1beta/models", None),
    ],
)
def test_native_exchanges_are_recognised_by_their_path(path: str, native: tuple[str, str] | None) -> None:
    assert operation(request(path=path)) == native


def test_what_a_format_lost_breaks_no_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the query, nor the headers, nor the model, nor the request are in these; the answers are healthy."""
    monkeypatch.chdir(tmp_path)
    stream = sse(answer("a")).decode()
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    asked = {"contents": [{"parts": [{"text": "hi"}]}]}
    Path("a.json").write_text(json.dumps({"path": path, "asked": asked, "came": stream}), "utf-8")
    Path("b.json").write_text(json.dumps(answer("a")), "utf-8")
    Path("c.sse").write_text(stream, "utf-8", newline="")
    Path("d.bin").write_bytes(b"\0\1")
    Path("e.json").write_text("{}", "utf-8")
    Path("LICENSE.txt").write_text("Terms: you may\n\n   copy: this\n", "utf-8")
    Path("cut.txt").write_text(f"POST {path}\n{{[", "utf-8")
    assert main(["audit", "."]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "in the form of the API; record the HTTP messages: cut.txt" in out
    assert "unreadable: 1 file: by shape: no request or answer of Gemini is in it: e.json" in out
    assert (
        "read: by shape 1 in 1 file, bare JSON 1 in 1 file, SSE text 1 in 1 file * no recordings, passed over: 2 files"
        in out
    )
    assert "5 files; 2 unreadable files; 3 native of 3 interactions; 0 errors; 0 warnings" in out


def test_a_har_without_bodies_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = {"method": "POST", "url": request().url, "headers": [], "postData": {"text": '{"contents": []}'}}
    entry = {"request": asked, "response": {"status": 200, "headers": [], "content": {"size": 0}}}
    Path("a.har").write_text(json.dumps({"log": {"entries": [entry, {"request": 1}]}}), "utf-8")
    assert main(["audit", "a.har"]) == 5
    out = " ".join(capsys.readouterr().out.split())
    assert "without an answer, not judged: 1 request; HAR keeps answers only if it is exported with content" in out
    assert "unreadable: 1 part of files that are read otherwise: a.har entry 1: " in out
