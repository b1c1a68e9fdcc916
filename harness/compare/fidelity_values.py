"""One change for each pair of values: ``status 400 -> 401`` and ``status 200 -> 500`` are two changes at one path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.compare.fidelity_changes import AnswerPair, Change
from harness.compare.fidelity_claims import KINDS, by_case, details, with_values
from harness.compare.fidelity_facts import Fact, FactKind
from harness.text.grouping import gathered, grouped

Values = tuple[str, str]
"""The values before and after."""
_FACTS: Mapping[str, FactKind] = {kind: fact for fact, kind in KINDS.items() if kind != "ignored"}


def by_values(change: Change, pairs: Sequence[AnswerPair], level: float) -> tuple[list[Change], list[Change]]:
    """The changes that are surely no chance, and those that are too rare to tell.

    Pairs of values that are too rare alone are one change where they are many together.
    """
    values = _values(change, pairs)
    found = _each(change, values)
    if len(found) == 1:
        return found, []
    sure = [one for one in found if _is_sure(one, pairs, level)]
    rare = [one for one in found if one not in sure]
    if not rare:
        return sure, []
    rest = _together(change, rare, values) if len(rare) > 1 else rare[0]
    if not sure or (len(rare) > 1 and _is_sure(rest, pairs, level)):
        return [*sure, rest], []
    return sure, [one for one in rare if len(one.hits) > len(one.opposite)]


def each_value(change: Change, pairs: Sequence[AnswerPair]) -> list[Change]:
    """A change for each pair of values; the change itself if it has none."""
    return _each(change, _values(change, pairs))


_OF_STRUCTURE = ("dropped", "added", "retyped")


def by_error_status(change: Change, pairs: Sequence[AnswerPair]) -> list[Change]:
    """A change for each status, where only errors show it and it is about their structure; else the change itself."""
    statuses = {at: _error_status(pairs[at]) for at in {*change.able, *change.hits, *change.opposite}}
    if change.kind not in _OF_STRUCTURE or not all(statuses[at] for at in change.hits):
        return [change]
    places = gathered((status, at) for at, status in statuses.items())
    return [
        replace(change.within(places[status]), message=", ".join(filter(None, [change.message, f"at HTTP {status}"])))
        for status in sorted({statuses[at] for at in change.hits})
    ]


def _error_status(pair: AnswerPair) -> str:
    """The status of the reference, if it is an error; else empty."""
    facts = pair.reference.facts
    return "" if facts.outcome != "error" else next(fact.detail for fact in facts.shape if fact.kind == "status")


def _each(change: Change, values: Mapping[int, Values]) -> list[Change]:
    moves = grouped(change.hits if values else (), values.__getitem__)
    return [_one(change, move, hits, values) for move, hits in sorted(moves.items())] or [change]


def _values(change: Change, pairs: Sequence[AnswerPair]) -> dict[int, Values]:
    """The values in each pair that has them."""
    kind = _FACTS.get(change.kind)
    if kind is None or not change.before:
        return {}
    fact = Fact(kind, change.path)
    shapes = {
        at: (pairs[at].reference.facts.shape, pairs[at].candidate.facts.shape) for at in {*change.able, *change.hits}
    }
    return {at: details(fact, *both) for at, both in shapes.items()}


def _one(change: Change, move: Values, hits: Sequence[int], values: Mapping[int, Values]) -> Change:
    before, after = move
    able = [at for at in values if values[at][0] == before]
    back = [at for at in values if values[at] == (after, before)]
    return replace(with_values(change, before, after), hits=hits, able=sorted(able), opposite=sorted(back))


def _together(change: Change, rare: Iterable[Change], values: Mapping[int, Values]) -> Change:
    hits = sorted(at for one in rare for at in one.hits)
    before, after = (sorted({values[at][side] for at in hits}) for side in (0, 1))
    able = sorted(at for at in values if values[at][0] in before)
    found = with_values(change, ", ".join(before), ", ".join(after))
    return replace(found, hits=hits, able=able, opposite=[at for one in rare for at in one.opposite])


def _is_sure(change: Change, pairs: Sequence[AnswerPair], level: float) -> bool:
    from harness.compare.stats.exact import presence

    hits, opposite = frozenset(change.hits), frozenset(change.opposite)
    strata = Counter(
        (len(members), len(hits.intersection(members)), len(opposite.intersection(members)))
        for members in by_case(pairs).values()
    )
    return presence(strata).p <= level


def is_valued(kind: str) -> bool:
    """Whether a change of this kind has values before and after, or a direction."""
    return kind in _FACTS or kind in ("renamed", "timing")
