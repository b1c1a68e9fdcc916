"""Request and answer in files of their own are read as one exchange, by every command, and never with the wrong one."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import main
from harness.simulator import replay
from harness.transport import cassette
from harness.transport.cassette import attachments

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
ASKED = {"contents": [{"role": "user", "parts": [{"text": "Capital of Norway?"}]}]}
ANSWERED = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 1, "totalTokenCount": 5},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "a",
}
SENT = {"url": URL, "method": "POST", "body": ASKED}
RECEIVED = {"status": 200, "headers": {"content-type": "application/json"}, "body": ANSWERED}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: Any) -> None:
    """Files in ``recordings/``, of JSON or text."""
    for name, content in files.items():
        path = Path("recordings", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def audited(capsys: pytest.CaptureFixture[str]) -> Any:
    main(["audit", "recordings", "--format", "json"])
    return json.loads(capsys.readouterr().out)


STREAM = f"data: {json.dumps(ANSWERED)}\n\n"


@pytest.mark.parametrize(
    ("request_name", "answer_name", "asked", "answered"),
    [
        ("x.request.json", "x.response.json", ASKED, ANSWERED),
        ("request-1.json", "response-1.txt", SENT, STREAM),
        ("prompt.json", "answer.json", SENT, ANSWERED),
        ("1/req/7.json", "1/resp/7.json", ASKED, RECEIVED),
        ("oneRequest.json", "oneResponse.json", SENT, STREAM),
        ("in/7.json", "out/7.json", ASKED, ANSWERED),
        ("raw/1_c.txt", "raw/1_s.txt", ASKED, ANSWERED),
        ("x.json", "x.golden.json", ASKED, ANSWERED),
        ("x.json", "x.response.json", SENT, STREAM),
    ],
)
def test_a_pair_is_one_exchange_everywhere(
    capsys: pytest.CaptureFixture[str], request_name: str, answer_name: str, asked: Any, answered: Any
) -> None:
    write(**{request_name: asked, answer_name: answered})
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"], found["findings"]) == (1, 0, [])
    assert main(["import", "recordings"]) == 0
    (case,) = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    assert (case["id"], case["model"]) == ("capital-of-norway", "gemini-2.5-flash")
    assert case.get("transport", "unary") == ("stream" if asked is SENT else "unary")
    assert main(["run"]) == 0
    (interaction,) = cassette.read(Path("recordings", answer_name)).interactions
    assert interaction.exchange.request.body == ASKED
    assert len(replay.load([Path("recordings")]).answers) == 1


@pytest.mark.parametrize(
    "files",
    [
        {"x.request.json": ASKED, "y.response.json": ANSWERED},
        {"request-1.json": ASKED, "response-2.json": ANSWERED},
        {"a/req/1.json": ASKED, "b/resp/1.json": ANSWERED},
        {"request-to-response.json": ASKED, "response-to-response.json": ANSWERED},
        {"x.response.json": ASKED, "x.request.json": ANSWERED},
    ],
    ids=["names", "numbers", "folders", "two words", "wrong way round"],
)
def test_files_with_other_names_are_no_pair(capsys: pytest.CaptureFixture[str], files: dict[str, Any]) -> None:
    write(**files)
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"], found["unread"]) == (1, 1, [])


def test_of_several_answers_none_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    write(**{"x.request.json": ASKED, "x.response.json": ANSWERED, "x.output.json": ANSWERED, "x.result.md": "# text"})
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"], len(found["unread"])) == (2, 1, 3)
    reason = "x.output.json, x.request.json, x.response.json are named alike: leave one request and one answer"
    assert found["unread"][0]["reason"].startswith(reason)


def test_pairs_in_an_archive_are_exchanges(capsys: pytest.CaptureFixture[str]) -> None:
    Path("recordings").mkdir()
    with zipfile.ZipFile("recordings/all.zip", "w") as archive:
        for name, content in {"1/x.request.json": SENT, "1/x.response.json": ANSWERED, "req/7.json": ASKED, "resp/7.json": ANSWERED}.items():  # fmt: skip
            archive.writestr(name, json.dumps(content))
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"], found["findings"]) == (2, 0, [])
    tape = cassette.read(Path("recordings/all.zip"))
    assert [one.exchange.request.body for one in tape.interactions] == [ASKED, ASKED]


def test_rows_of_a_batch_are_put_together_by_their_keys(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [{"key": key, "request": {"contents": [{"parts": [{"text": key}]}]}} for key in ("a", "b", "c")]
    answered = [{"key": key, "response": {**ANSWERED, "responseId": key}} for key in ("b", "a")]
    write(**{"input.jsonl": "\n".join(json.dumps(row) for row in asked)})
    write(**{"output.jsonl": "\n".join(json.dumps(row) for row in answered)})
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"]) == (2, 1)
    tape = cassette.read(Path("recordings/output.jsonl"))
    assert [one.exchange.request.body["contents"][0]["parts"][0]["text"] for one in tape.interactions] == ["b", "a"]


def test_rows_with_other_keys_are_no_pair_by_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [{"key": key, "request": {"contents": [{"parts": [{"text": key}]}]}} for key in ("a", "b")]
    answered = [{"key": key, "response": {**ANSWERED, "responseId": key}} for key in ("b", "c")]
    write(**{"input.jsonl": "\n".join(json.dumps(row) for row in asked)})
    write(**{"output.jsonl": "\n".join(json.dumps(row) for row in answered)})
    assert audited(capsys)["unanswered"] == 1
    tape = cassette.read(Path("recordings/output.jsonl"))
    bodies = [one.exchange.request.body for one in tape.interactions]
    assert [body and body["contents"][0]["parts"][0]["text"] for body in bodies] == ["b", None]


@pytest.mark.parametrize("name", ["x.request.sh", "x.sh"])
def test_a_command_is_imported_with_the_answer_beside_it(name: str) -> None:
    command = f"curl '{URL}' -H 'x-goog-api-key: AIza-not-to-be-kept' -d '{json.dumps(ASKED)}'"
    write(**{name: command, "x.response.txt": STREAM})
    assert main(["import", "recordings"]) == 0
    assert main(["run"]) == 0
    written = "".join(path.read_text() for path in Path().rglob("*.yaml"))
    assert "Oslo" in written
    assert "not-to-be-kept" not in written


@pytest.mark.parametrize("name", ["meta.json", "x.metadata.json", "x_meta.json"])
def test_a_file_about_a_pair_says_where_it_was_sent(capsys: pytest.CaptureFixture[str], name: str) -> None:
    write(
        **{
            "x.request.json": ASKED,
            "x.response.json": {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}},
        }
    )
    write(**{name: {"url": URL, "status": 429, "took_ms": 80}})
    found = audited(capsys)
    assert (found["unreadable"], found["unanswered"], len(found["exchanges"])) == ([], 0, 1)
    (interaction,) = cassette.read(Path("recordings", "x.response.json")).interactions
    assert (interaction.exchange.request.url, interaction.exchange.status) == (URL, 429)


def test_packed_halves_are_a_pair(capsys: pytest.CaptureFixture[str]) -> None:
    write(**{"request.json": ASKED})
    Path("recordings/request.json.gz").write_bytes(gzip.compress(Path("recordings/request.json").read_bytes()))
    Path("recordings/request.json").unlink()
    Path("recordings/response.txt.gz").write_bytes(gzip.compress(STREAM.encode()))
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"], found["findings"]) == (1, 0, [])


# --- bodies that a recording names ------------------------------------------------------------------------------

PLACE = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
LISTED = {"exchanges": [{"url": PLACE, "requestBody": "bodies/1.req", "responseBody": "bodies/1.res"}]}
MOCK = [
    {
        "request": {"method": "POST", "endpoint": PLACE, "body": ASKED},
        "response": {"status": 200, "bodyFile": "a/1.json"},
    }
]
STUB = {
    "request": {"url": PLACE, "method": "POST", "body": ASKED},
    "response": {"status": 200, "bodyFileName": "1.json"},
}
SHEET = f"POST {PLACE}\nContent-Type: application/json\n\n{json.dumps(ASKED)}\n\n<> 2026.200.json\n"


@pytest.mark.parametrize(
    "files",
    [
        {"manifest.json": LISTED, "bodies/1.req": ASKED, "bodies/1.res": ANSWERED},
        {"imposter.json": MOCK, "a/1.json": ANSWERED},
        {"mappings/a.json": STUB, "__files/1.json": ANSWERED},
        {"log.http": SHEET, "2026.200.json": ANSWERED},
        {"ask.sh": f"curl -s {PLACE} -d '{json.dumps(ASKED)}' > 1.json\n", "1.json": ANSWERED},
    ],
    ids=["a manifest", "a mock", "WireMock", "JetBrains", "a script"],
)
def test_a_body_that_a_recording_names_is_read_once(capsys: pytest.CaptureFixture[str], files: dict[str, Any]) -> None:
    write(**files)
    found = audited(capsys)
    assert (found["native_interactions"], found["unanswered"], found["findings"]) == (1, 0, [])
    assert main(["import", "recordings"]) == 0
    assert main(["run"]) == 0
    assert len(replay.load([Path("recordings")]).answers) == 1


def test_an_answer_that_a_list_only_mentions_is_still_read(capsys: pytest.CaptureFixture[str]) -> None:
    write(**{"index.json": {"count": 2, "first": {"file": "a.json", "note": "an answer"}, "second": "missing.json"}})
    write(**{"a.json": ANSWERED, "other.json": {"see": "a.json", **SENT, "response": RECEIVED}})
    assert audited(capsys)["native_interactions"] == 2


def test_nothing_but_a_body_gets_into_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    write(**{"manifest.json": {"url": PLACE, "request": "keys.json", "response": "a.json"}})
    write(**{"keys.json": {"not": "to be kept"}, "a.json": ANSWERED})
    assert audited(capsys)["native_interactions"] == 1
    (found,) = cassette.read(Path("recordings/manifest.json")).interactions
    assert b"to be kept" not in found.exchange.request.content


@pytest.mark.parametrize("link", ["recordings/bodies", "__files"])
def test_no_link_leads_to_a_body_in_another_folder(capsys: pytest.CaptureFixture[str], link: str) -> None:
    name = "1.json" if link == "__files" else "bodies/1.json"
    write(**{"a.json": {**STUB, "response": {"status": 200, "bodyFileName": name}}, "../elsewhere/1.json": ANSWERED})
    Path(link).symlink_to(Path("elsewhere").resolve())
    assert audited(capsys)["unanswered"] == 1


def test_a_long_file_that_is_named_many_times_is_not_read_each_time() -> None:
    write(**{"1.json": ANSWERED})
    near = attachments.FilesBeside(Path("recordings/log.http"), left=1_000)
    assert 1 < attachments.included(b"<> 1.json\n" * 50, near).count(b"candidates") < 10
