"""Tries mutations on real exchanges and compares what the rules find before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle
from pathlib import Path
from random import Random

from msgspec.structs import replace

from harness.errors import BadCassette
from harness.judge.judging import RuleViolation, violations
from harness.judge.recorded import evidence, operation, other_call
from harness.model import Exchange
from harness.transport import cassette
from tests.mutations.draft import Draft, Unsuited
from tests.mutations.registry import Mutation

UNFIT = (Unsuited, LookupError, AttributeError, TypeError, ValueError, StopIteration)
"""What a mutation raises in an answer that does not hold what it changes. Recordings of others hold anything."""

Seen = frozenset[tuple[str, str]]
"""(rule, message) of everything that the rules find."""


@dataclass
class Sample:
    """One recorded exchange. ``name`` is its file and index."""

    name: str
    exchange: Exchange

    @cached_property
    def found(self) -> Seen:
        """What the rules find without a mutation."""
        return frozenset((one.rule.id, one.mismatch.message) for one in judged(self.exchange))

    @cached_property
    def healthy(self) -> bool:
        """Whether no rule finds an error in it."""
        return not any(one.severity == "error" and one.rule.severity != "outcome" for one in judged(self.exchange))


@dataclass
class Tally:
    """What came of the tries of one class. ``missed`` names the tries that no rule noticed, with what else was found."""

    kind: str
    tried: int = 0
    errors: int = 0
    warnings: int = 0
    missed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the tries, how many were noticed: 0 to 1."""
        return (self.errors + self.warnings) / self.tried if self.tried else 0.0


def judged(exchange: Exchange) -> list[RuleViolation]:
    """What an audit finds, and the outcomes that a case reports where it expects nothing."""
    audited = evidence(exchange)
    outcomes = (one for one in violations(replace(audited, audit=False)) if one.rule.severity == "outcome")
    return [*violations(audited), *outcomes]


def samples(folders: Sequence[Path]) -> list[Sample]:
    """The native exchanges of every readable recording below these folders, one of each answer."""
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    found = {
        sample.exchange.content + sample.exchange.request.content: sample for path in files for sample in _samples(path)
    }
    return list(found.values())


def _samples(path: Path) -> Iterator[Sample]:
    try:
        tape = cassette.read(path)
    except BadCassette:
        return
    for interaction in tape.interactions:
        if operation(interaction.exchange.request) or other_call(interaction.exchange):
            yield Sample(f"{path.name}#{interaction.index}", interaction.exchange)


def tried(kind: str, mutations: Sequence[Mutation], pool: Sequence[Sample], *, seed: int, tries: int) -> Tally:
    """Try the mutations of a class in turn, ``tries`` times altogether, each on answers that it fits."""
    tally = Tally(kind)
    sources = cycle([_mutated(mutation, pool, f"{seed}:{mutation}") for mutation in mutations])
    for source in [next(sources) for _ in range(tries)]:
        for mutation, sample, exchange in source:
            _count(tally, mutation, sample, exchange)
            break
    return tally


def _mutated(mutation: Mutation, pool: Sequence[Sample], seed: str) -> Iterator[tuple[Mutation, Sample, Exchange]]:
    for sample, random in _shuffled(pool, seed):
        if sample.healthy and (exchange := _changed(mutation, sample, random)) is not None:
            yield mutation, sample, exchange


def _shuffled(pool: Sequence[Sample], seed: str) -> Iterator[tuple[Sample, Random]]:
    random = Random(seed)
    for sample in random.sample(pool, len(pool)):
        yield sample, random


def _changed(mutation: Mutation, sample: Sample, random: Random) -> Exchange | None:
    try:
        draft = Draft.of(sample.exchange, random)
        before = draft.built()
        mutation.change(draft)
        after = draft.built()
    except UNFIT:
        return None
    return after if after != before else None


def _count(tally: Tally, mutation: Mutation, sample: Sample, exchange: Exchange) -> None:
    new = [one for one in judged(exchange) if (one.rule.id, one.mismatch.message) not in sample.found]
    named = {one.severity for one in new if one.rule.id in mutation.rules}
    tally.tried += 1
    tally.errors += "error" in named
    tally.warnings += named == {"warn"}
    if not named:
        others = ", ".join(sorted({one.rule.id for one in new})) or "nothing"
        tally.missed.append(f"{mutation.change.__name__} in {sample.name}: {others}")


def disturbed(kind: str, mutations: Sequence[Mutation], pool: Sequence[Sample], *, seed: int, tries: int) -> Tally:
    """Try lawful changes. ``missed`` names those after which a rule speaks that did not before."""
    tally = Tally(kind)
    for source in [_mutated(mutation, pool, f"{seed}:{mutation}") for mutation in mutations]:
        for (mutation, sample, exchange), _ in zip(source, range(tries), strict=False):
            tally.tried += 1
            before = {rule for rule, _ in sample.found} | mutation.rules
            new = [one for one in judged(exchange) if one.rule.id not in before]
            if new:
                shown = "; ".join(f"{one.rule.id}: {one.mismatch.message}" for one in new[:2])
                tally.missed.append(f"{mutation.change.__name__} in {sample.name}: {shown[:200]}")
    return tally


def read_as_it_should(
    kind: str, check: Callable[[Draft], bool], pool: Sequence[Sample], *, seed: int, tries: int
) -> Tally:
    """Try a case of reading. A try that is not read as it should be counts as missed."""
    tally = Tally(kind)
    for sample, random in _shuffled(pool, f"{seed}:{kind}"):
        if tally.tried == tries:
            break
        try:
            right = check(Draft.of(sample.exchange, random))
        except UNFIT:
            continue
        tally.tried += 1
        tally.errors += right
        if not right:
            tally.missed.append(sample.name)
    return tally


def mean(tallies: Mapping[str, Tally]) -> float:
    """Over classes, each of the same weight."""
    return sum(tally.share for tally in tallies.values()) / len(tallies) if tallies else 0.0
