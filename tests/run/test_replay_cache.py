"""The cache beside the cassettes changes how long a replay takes, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.cli import playing
from harness.cli.main import main
from harness.judge import invariants, judging
from harness.judge.registry import Rule, all_rules
from harness.model import Evidence, Mismatch
from harness.results.load import saved_runs
from harness.run.replay_cache import FOLDER, NAME
from harness.text import plainyaml

CACHE = Path("cassettes", FOLDER, NAME)
TOTAL = '"totalTokenCount": '


@pytest.fixture
def _project(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few recorded cases, one of whose answers breaks a rule. Replays of any length use the cache."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(playing, "CACHED_FROM", 1)
    cassette().write_text(cassette().read_text().replace(TOTAL, f"{TOTAL}9"))


pytestmark = pytest.mark.usefixtures("_project")


def cassette() -> Path:
    return next(Path("cassettes", "wrong").rglob("*.yaml"))


def replayed(*options: str) -> list[dict[str, Any]]:
    """The trials of a replay, as they are saved."""
    assert main(["run", "-q", *options]) == 1
    written = Path("reports", saved_runs(Path("reports"))[-1], "run.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in written if line.startswith(b'{"id"')]


def broken(rows: list[dict[str, Any]]) -> set[str]:
    return {verdict["check"] for row in rows for verdict in row["verdicts"] if verdict["status"] == "failed"}


def unexpected(*_: object, **__: object) -> Any:
    raise AssertionError("this is in the cache")


def test_a_second_replay_takes_cassettes_and_findings_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = replayed()
    assert "invariant:usage-sum" in broken(first)
    monkeypatch.setattr(plainyaml, "read", unexpected)
    monkeypatch.setattr(judging, "_applicable", unexpected)
    assert replayed() == first
    assert replayed("-j", "2") == first


def test_processes_fill_the_cache_together(monkeypatch: pytest.MonkeyPatch) -> None:
    first = replayed("-j", "2")
    monkeypatch.setattr(plainyaml, "read", unexpected)
    monkeypatch.setattr(judging, "_applicable", unexpected)
    assert replayed() == first


def test_a_changed_cassette_is_read_again_even_with_the_size_and_time_of_before() -> None:
    before = cassette().stat()
    assert "text" in broken(replayed())
    cassette().write_text(cassette().read_text().replace("Oslo", "Rome"))
    os.utime(cassette(), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "Rome" in json.dumps(replayed())


def test_under_strict_nothing_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    replayed()
    monkeypatch.setattr(judging, "_applicable", unexpected)
    assert main(["run", "-q", "--strict"]) == 3


def test_a_short_replay_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "CACHED_FROM", 9)
    assert len(replayed()) == 8
    assert not CACHE.parent.exists()


def test_git_ignores_it_and_nothing_takes_it_for_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    replayed()
    assert CACHE.with_name(".gitignore").read_text() == "*\n"
    capsys.readouterr()
    main(["audit", "cassettes"])
    assert NAME not in capsys.readouterr().out


def _halved() -> None:
    CACHE.write_bytes(CACHE.read_bytes()[: CACHE.stat().st_size // 2])


def _text() -> None:
    CACHE.write_text("this is no database")


def _folder() -> None:
    CACHE.unlink()
    CACHE.mkdir()


def _file_in_the_place_of_the_folder() -> None:
    shutil.rmtree(CACHE.parent)
    CACHE.parent.write_text("")


def _deleted() -> None:
    shutil.rmtree(CACHE.parent)


def _of_another_version() -> None:
    import sqlite3

    with closing(sqlite3.connect(CACHE)) as entries, entries:
        entries.execute("UPDATE entries SET value = x'81a474797065'")


@pytest.mark.parametrize(
    "damage", [_halved, _text, _folder, _file_in_the_place_of_the_folder, _deleted, _of_another_version]
)
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_damaged_cache_costs_time_only(damage: Any, processes: str) -> None:
    first = replayed()
    damage()
    assert replayed("-j", processes) == first
    assert replayed("-j", processes) == first


def test_rules_of_other_packages_always_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def never_content(evidence: Evidence) -> Iterator[Mismatch]:
        asked.append(evidence)
        yield Mismatch("text", "another", "this", "it could be better")

    rule = Rule("never-content", never_content, "warn")
    monkeypatch.setitem(all_rules(), rule.id, rule)
    first = replayed()
    assert replayed() == first
    assert "invariant:never-content" in broken(first)
    assert len(asked) == 2 * len(first)


def test_rules_see_nothing_but_what_the_key_is_made_of() -> None:
    sources = [file.read_text() for file in Path(invariants.__path__[0]).glob("*.py")]
    seen = {name for text in sources for name in re.findall(r"\bevidence\.(\w+)", text)}
    assert seen <= {"exchange", "reply", "request_body", "model", "transport", "expects", "operation", "audit", "memo"}
    assert {"exchange", "reply"} <= seen
