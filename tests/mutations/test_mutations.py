"""Faults that are put into real answers are noticed, and lawful changes are not. ``python -m tests.mutations`` says more."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge.registry import all_rules
from tests.mutations import registry
from tests.mutations.__main__ import AIM, SHIPPED, main, play, play_lawful
from tests.mutations.trying import Sample, mean, samples

KNOWN = frozenset(all_rules())


@pytest.fixture(scope="module")
def shipped() -> list[Sample]:
    return samples([SHIPPED])


def test_every_rule_has_a_class() -> None:
    assert all_rules().keys() - registry.faults().keys() == set()


def test_every_public_case_has_a_class(shared: Path) -> None:
    classes = {*registry.faults(), *registry.readings(), *registry.lawful_changes()}
    assert {path.name for path in (shared / "cases").iterdir() if path.is_dir()} - classes == set()


def test_faults_in_shipped_answers_are_noticed(shipped: list[Sample]) -> None:
    tallies = play(shipped, "[!0-9]*", tries=4)
    named = {kind: frozenset[str]().union(*(one.rules for one in registry.faults()[kind])) for kind in tallies}
    judged = {kind: tally for kind, tally in tallies.items() if named[kind] <= KNOWN}
    assert len(judged) > len(KNOWN) / 2
    assert all(tally.tried for tally in judged.values())
    assert mean(judged) >= 0.95, [line for tally in judged.values() for line in tally.missed]


def test_lawful_changes_of_shipped_answers_pass(shipped: list[Sample]) -> None:
    tallies = play_lawful(shipped, tries=5)
    assert [line for tally in tallies.values() for line in tally.missed] == []
    assert sum(tally.tried > 0 for tally in tallies.values()) > 20


def test_files_made_of_shipped_answers_are_read(shipped: list[Sample]) -> None:
    tallies = [tally for kind, tally in play(shipped, "[0-9]*", tries=5).items() if kind in registry.readings()]
    assert tallies
    assert [tally.kind for tally in tallies if tally.missed or not tally.tried] == []


def test_the_table_names_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--only", "usage-s*", "--tries", "2", "--recordings", str(SHIPPED / "usage")])
    assert "usage-sum" in capsys.readouterr().out


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2])
def test_faults_in_real_answers_are_noticed(shared: Path, seed: int) -> None:
    pool = samples([SHIPPED, shared / "recordings"])
    tallies = play(pool, seed=seed, tries=60)
    changes = play_lawful(pool, seed=seed, tries=60)
    assert mean(tallies) >= AIM, [line for tally in tallies.values() for line in tally.missed[:3]]
    assert [line for tally in changes.values() for line in tally.missed] == []
