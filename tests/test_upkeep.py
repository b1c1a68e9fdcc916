"""What is wrong with a folder of cassettes, and how an interrupted recording is saved."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from harness import journal
from harness.cassette import document, dump, read
from harness.errors import CannotAsk, CassetteError
from harness.play import finish
from harness.upkeep import Recovered, Unanswered, inspect, recover
from tests.asked import body, exchange, request, slot


def good(path: Path, answer: object = b'{"says": "hi"}') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump([document(exchange(answer), (0, 0, 0))]), "utf-8")
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
    assert [(each.path.name, each.kind) for each in found] == [
        ("2.yaml", "unreadable"),
        ("3.yaml", "unfinished"),
        ("4.yaml", "secret"),
        ("5.yaml", "non-standard"),
        ("6.yaml", "non-standard"),
    ]
    messages = [each.message for each in found]
    assert messages[0] == "not decodable at line 2, column 1: did not find expected node content"
    assert messages[1] == f"its recording is not finished; run: gemini-harness cassettes recover {tmp_path / '3.yaml'}"
    assert messages[2] == "line 29: a Google API key"
    assert "pytest-recording" in messages[3]
    assert "stock vcrpy cannot load it" in messages[4]


def test_a_known_secret_is_found_where_a_reader_would_not_look(tmp_path: Path) -> None:
    path = good(tmp_path / "a.yaml")
    path.write_text(path.read_text().replace("generateContent\n", "generateContent?key=hunter2hunter2\n"))
    (finding,) = inspect([path], secrets={"MY_KEY": "hunter2hunter2"})
    assert (finding.kind, finding.message) == ("secret", "line 5: the value of MY_KEY")


def test_recover_folds_journals_in(tmp_path: Path) -> None:
    path = unfinished(tmp_path / "deep" / "a.yaml")
    good(tmp_path / "b.yaml")
    assert recover([tmp_path]) == [Recovered(path, 1)]
    assert len(read(path).interactions) == 1
    assert recover([tmp_path]) == []
    assert inspect([tmp_path]) == []


def test_recover_leaves_a_running_recording_alone(tmp_path: Path) -> None:
    path = unfinished(tmp_path / "a.yaml")
    with closing(journal.own(path.parent)), pytest.raises(CassetteError, match="is being recorded by another process"):
        recover([path])
    assert journal.journal_of(path).exists()


def test_stale_says_what_changed_without_asking_anybody(tmp_path: Path) -> None:
    path = good(tmp_path / "a.yaml")
    asked = [(request(), slot(path)), (request(body("ho")), slot(path)), (request(), slot(tmp_path / "none.yaml"))]
    tapes = Unanswered()
    assert finish(tapes.send(*asked[0])).content == b'{"says": "hi"}'
    for each in asked[1:]:
        with pytest.raises(CannotAsk):
            finish(tapes.send(*each))
    assert tapes.asked == 3
    assert [(each.path.name, each.kind, list(each.changes)) for each in tapes.findings] == [
        ("a.yaml", "stale", ['$.contents[0].parts[0].text: was "hi", now "ho"']),
        ("none.yaml", "missing", []),
    ]
