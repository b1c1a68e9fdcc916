"""A worker reads the suites of its machine, plays the cases that are wanted, and sends home rows and recordings. Here without Ray."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.cli.main import main
from harness.config import load
from harness.errors import UsageError
from harness.run import session
from harness.run.case_worker import CaseWorker, Facts, Finished, Parcel, Recorded, WorkerSetup, facts_of
from harness.run.cluster import setup
from harness.run.session import Plan, RecordPolicy
from harness.run.shared_limits import SharedLimits
from harness.suite.matrix import Selection
from tests.run.test_shared_limits import Handle

SUITE = """
suite: s
defaults: {model: gemini-2.5-flash}
cases:
  - {id: peru, repeat: 3, prompt: What is the capital of Peru? One word., expect: {text: {icontains: lima}}}
  - id: talk
    turns:
      - user: What is the capital of ${env:COUNTRY}?
      - user: Are you sure?
"""
PERU, TALK = "s/peru@simulator/gemini-2.5-flash", "s/talk@simulator/gemini-2.5-flash"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTRY", "Chile")
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "s.yaml").write_text(SUITE)
    (tmp_path / "harness.toml").write_text('provider = "simulator"\n')
    return tmp_path


def planned() -> Plan:
    config = load(Path())
    return session.plan([], Selection(cassettes_dir=config.cassettes), config)


def setup_of(policy: RecordPolicy) -> WorkerSetup:
    return setup(planned(), policy, workers=1, since=None)


def played(asked: WorkerSetup, *wanted: Mapping[str, int]) -> tuple[Facts, list[Parcel]]:
    """The facts of a worker, and what it sends home for these attempts of groups."""

    async def play() -> tuple[Facts, list[Parcel]]:
        worker = CaseWorker()
        facts = await worker.begin(asked, "gw1", Handle(SharedLimits()))
        found = [parcel for cases in wanted async for parcels in worker.play(cases) for parcel in parcels]
        await worker.stop()
        return facts, found

    return asyncio.run(play())


def ids(parcels: list[Parcel]) -> list[str]:
    return sorted(parcel.id for parcel in parcels if isinstance(parcel, Finished))


def test_the_wanted_attempts_are_played_and_no_others(here: Path) -> None:
    facts, parcels = played(setup_of(RecordPolicy(live=True)), {TALK: 0b10}, {PERU: 0b1010})
    assert ids(parcels) == [f"{PERU}#1", f"{PERU}#3", f"{TALK}#1"]
    rows = [json.loads(parcel.row) for parcel in parcels if isinstance(parcel, Finished)]
    assert {row["status"] for row in rows} == {"passed"}
    assert facts == facts_of(planned())


def test_recordings_go_home_and_not_to_the_disk(here: Path) -> None:
    _, parcels = played(setup_of(RecordPolicy("once")), {TALK: 0b10})
    *recorded, row = parcels
    assert isinstance(row, Finished), "the row comes after what was recorded for it"
    assert [isinstance(one, Recorded) and one.interaction is None for one in recorded] == [True, False, True, False]
    assert not (here / "cassettes").exists()


def test_variables_of_suites_go_along_and_no_others(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "a-key-of-nobody")
    monkeypatch.setenv("UNREAD", "1")
    assert setup_of(RecordPolicy()).environment == {"COUNTRY": "Chile", "GEMINI_API_KEY": "a-key-of-nobody"}


def test_recorded_cassettes_are_facts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = facts_of(planned()).cassettes
    assert main(["run", "-q", "--record-mode", "once"]) == 0
    after = facts_of(planned()).cassettes
    assert list(before) == list(after) == ["cassettes/s/peru", "cassettes/s/talk"]
    assert set(before.values()) == {""}
    assert "" not in after.values()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": Path("/no/such/folder")}, "/no/such/folder: No such file or directory"),
        ({"files": [Path("suites/gone.yaml")]}, "suites/gone.yaml"),
    ],
)
def test_a_machine_that_cannot_play_says_why(here: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        played(replace(setup_of(RecordPolicy()), **change))
