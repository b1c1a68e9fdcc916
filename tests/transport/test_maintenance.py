"""What is wrong with a folder of cassettes, and how an interrupted recording is saved."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import CannotAsk, CassetteError
from harness.run.play import finish
from harness.transport import journal
from harness.transport.cassette import document, dump, read
from harness.transport.cassette.maintenance import Recovered, ReplayProbe, inspect, recover
from tests.factories import body, exchange, request, slot


def good(path: Path, answer: object = b'{"message": "hi"}') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump([document(exchange(answer), (0, 0, 0))]), "utf-8")
    return path


def with_credential(path: Path, credential: str) -> Path:
    """A cassette with a header, or a parameter in its address, that recording leaves out."""
    name, _, value = credential.partition(": ")
    item = document(exchange(b'{"message": "hi"}'), None)
    if credential.startswith("?"):
        item["request"]["uri"] += credential
    else:
        item["request"]["headers"][name] = [value]
    path.write_text(dump([item]), "utf-8")
    return path


def unfinished(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    journal.append(path, document(exchange(b"1"), (0, 0, 0)))
    return path


def test_a_good_folder_has_no_findings(tmp_path: Path) -> None:
    good(tmp_path / "a" / "one.yaml")
    good(tmp_path / "two.yaml", b"\xff\x00")
    (tmp_path / "README.md").write_text("not a cassette")
    assert inspect([tmp_path]) == []


def test_every_kind_of_trouble_is_named(tmp_path: Path) -> None:
    (tmp_path / "2.yaml").write_text("interactions: [")
    unfinished(tmp_path / "3.yaml")
    good(tmp_path / "4.yaml", b'{"echo": "AIza' + b"x" * 35 + b'"}')
    metadata = good(tmp_path / "5.yaml")
    metadata.write_text(metadata.read_text() + "metadata: {a: 1}\n")
    parsed = good(tmp_path / "6.yaml")
    parsed.write_text(
        parsed.read_text()
        .replace("  request:\n    body:", "  request:\n    parsed_body:")
        .replace("    body: |-", "    parsed_body: |-")
    )
    found = inspect([tmp_path])
    assert [(finding.path.name, finding.kind) for finding in found] == [
        ("2.yaml", "unreadable"),
        ("3.yaml", "unfinished"),
        ("4.yaml", "secret"),
        ("5.yaml", "non-standard"),
        ("6.yaml", "non-standard"),
    ]
    messages = [finding.message for finding in found]
    assert messages[0] == "not decodable at line 2, column 1: did not find expected node content"
    assert messages[1] == f"its recording is not finished; run: gemini-harness cassettes recover {tmp_path / '3.yaml'}"
    assert messages[2].startswith("interaction 0: a Google API key in the response's body, at byte 10; remove it")
    assert "pytest-recording" in messages[3]
    assert "stock vcrpy cannot load it" in messages[4]


def test_a_known_secret_is_found_where_a_reader_would_not_look(tmp_path: Path) -> None:
    path = good(tmp_path / "a.yaml")
    path.write_text(path.read_text().replace("generateContent\n", "generateContent?key=hunter2hunter2\n"))
    (finding,) = inspect([path])
    assert finding.kind == "secret"
    assert finding.message.startswith(
        "interaction 0: a value under ?key= that is not masked, line 5; replace it by REDACTED"
    )
    path.write_text(f"# hunter2hunter2\n{good(path).read_text()}")
    (finding,) = inspect([path], secrets={"MY_KEY": "hunter2hunter2"})
    assert finding.message.startswith("line 1: the value of MY_KEY; remove it")


@pytest.mark.parametrize(
    "value", ["gw_9f8e7d6c5b4a", "hunter2-hunter2", "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"]
)
@pytest.mark.parametrize("header", ["x-goog-api-key: {}", "Authorization: Bearer {}", "X-Api-Key: {}", "?key={}"])
def test_whatever_stands_in_the_place_of_a_key_is_a_key(tmp_path: Path, header: str, value: str) -> None:
    path = with_credential(tmp_path / "a.yaml", header.format(value))
    (finding,) = inspect([path])
    assert (finding.kind, value in finding.message) == ("secret", False)
    assert "is not masked" in finding.message


@pytest.mark.parametrize(
    "value", ["", "***", "XXXXXXXXXX", "<your key>", "REDACTED", "$GEMINI_API_KEY", "YOUR_API_KEY"]
)
@pytest.mark.parametrize("header", ["x-goog-api-key: {}", "Authorization: Bearer {}", "?key={}"])
def test_what_was_put_in_the_place_of_a_key_is_fine(tmp_path: Path, header: str, value: str) -> None:
    assert inspect([with_credential(tmp_path / "a.yaml", header.format(value))]) == []


def test_recover_folds_journals_in(tmp_path: Path) -> None:
    path = unfinished(tmp_path / "deep" / "a.yaml")
    good(tmp_path / "b.yaml")
    assert recover([tmp_path]) == [Recovered(path, 1)]
    assert len(read(path).interactions) == 1
    assert recover([tmp_path]) == []
    assert inspect([tmp_path]) == []


def test_recover_leaves_a_running_recording_alone(tmp_path: Path) -> None:
    path = unfinished(tmp_path / "a.yaml")
    with (
        closing(journal.lock_folder(path.parent)),
        pytest.raises(CassetteError, match="is being recorded by another process"),
    ):
        recover([path])
    assert journal.journal_of(path).exists()


def test_stale_says_what_changed_without_asking_anybody(tmp_path: Path) -> None:
    path = good(tmp_path / "a.yaml")
    asked = [(request(), slot(path)), (request(body("ho")), slot(path)), (request(), slot(tmp_path / "none.yaml"))]
    tapes = ReplayProbe()
    assert finish(tapes.send(*asked[0])).content == b'{"message": "hi"}'
    for call in asked[1:]:
        with pytest.raises(CannotAsk):
            finish(tapes.send(*call))
    assert tapes.asked == 3
    assert [(finding.path.name, finding.kind, list(finding.changes)) for finding in tapes.findings] == [
        ("a.yaml", "stale", ['$.contents[0].parts[0].text: was "hi", now "ho"']),
        ("none.yaml", "missing", []),
    ]


NAMED = """
suite: capitals
cases:
  - id: norway
    model: [gemini-3.8-flash, gemini-3.6-flash]
    prompt: What is the capital of Norway? One word.
    cassette: theirs.yaml
    expect: {text: {icontains: oslo}}
"""


def test_what_a_named_file_lacks_is_recorded_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("suites").mkdir()
    Path("suites/capitals.yaml").write_text(NAMED)
    asked = body("What is the capital of Norway? One word.")
    candidate = {"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10}
    answer = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3.8-flash", "responseId": "a"}
    item = document(
        exchange(answer, request(asked, "https://g.example/v1beta/models/gemini-3.8-flash:generateContent")), None
    )
    del item["response"]["x-recording"]
    Path("suites/theirs.yaml").write_text(before := dump([item]))

    assert main(["run", "--provider", "simulator", "--record-mode", "new_episodes"]) == 0
    assert "suites/theirs.yaml stays as it is" in capsys.readouterr().err
    assert Path("suites/theirs.yaml").read_text() == before
    assert Path("cassettes/capitals/norway/simulator.gemini-3.6-flash.yaml").is_file()
    assert main(["run", "--provider", "simulator"]) == 0
    assert main(["cassettes", "check"]) == 0
    capsys.readouterr()
    for mode, cost in (("once", "costs nothing"), ("new_episodes", "costs nothing"), ("all", "asks 1 trial")):
        assert main(["run", "--provider", "simulator", "--record-mode", mode, "--dry-run"]) == 0
        assert cost in capsys.readouterr().out, mode
