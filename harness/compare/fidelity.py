"""What the candidate changes against the reference, field by field: paired answers in, a document of claims out.

Two answers of one model differ anyway. So a change is claimed only where it is more frequent in one direction than chance allows:
an exact test per fact over all pairs, stratified by case (`stats.presence`), so that a report without any true change makes a
claim with a probability of at most 5%. What differs in too few pairs is listed as not known, with how many more would decide.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import floor

from harness.compare.fidelity_changes import (
    Answer,
    AnswerPair,
    Change,
    ChangeKind,
    FeatureFidelity,
    Fidelity,
    FidelityGate,
    FidelityOptions,
    ReadTurns,
    UnsureChange,
)
from harness.compare.fidelity_claims import (
    TIMES,
    FactCounts,
    Sight,
    by_case,
    counted_facts,
    grouped,
    is_explained,
    is_less,
    matters,
    other_orders,
    seen_in,
    with_ignored,
)
from harness.compare.fidelity_evidence import Evidence, finished, with_renames
from harness.compare.fidelity_facts import Fact, Shape, is_below
from harness.compare.verdicts import ALPHA
from harness.errors import UsageError
from harness.text.amounts import count

_COUNTED = frozenset({"path", "header", "framing", "status", "follows", "model"})
_FEW = 3
"""The fewest pairs of a kind for which a gate waits."""


def pair_answers(reference: Iterable[Answer], candidate: Iterable[Answer]) -> list[AnswerPair]:
    """The n-th answer to a question on one side with the n-th on the other. Answers without a partner are left out."""
    waiting: dict[str, list[Answer]] = defaultdict(list)
    for answer in candidate:
        waiting[answer.case].append(answer)
    turns = {case: iter(answers) for case, answers in waiting.items()}
    found = []
    for answer in reference:
        partner = next(turns[answer.case], None) if answer.case in turns else None
        if partner is not None:
            found.append(AnswerPair(answer, partner))
    return found


def fidelity(
    pairs: Sequence[AnswerPair],
    names: tuple[str, str],
    read: tuple[ReadTurns, ReadTurns],
    options: FidelityOptions = FidelityOptions(),  # noqa: B008  frozen
) -> Fidelity:
    """What the candidate changes. ``read``: how to read the turns of the reference and of the candidate, for evidence."""
    from harness.compare.stats.multiple_comparisons import counting
    from harness.compare.stats.presence import presence

    counted = counted_facts(pairs, options)
    tested = {fact: presence(counts.strata) for fact, counts in counted.items()}
    least = {counts.pattern: tested[fact].least_p for fact, counts in counted.items()}
    level = ALPHA / counting(list(least.values()), ALPHA)
    claimed = [(fact, is_less(counted[fact].strata)) for fact, test in tested.items() if test.p <= level]
    seen = [seen_in(kind, path, facts, pairs) for (kind, path), facts in grouped(claimed).items()]
    seen = with_ignored([sight for sight in seen if matters(sight)], pairs)
    seen = [sight for sight in seen if not is_explained(sight, seen, pairs)]
    evidence = Evidence(pairs, read, seen)
    seen = [*with_renames(seen, evidence), *other_orders(pairs, options)]
    shown = [replace(sight, change=finished(sight, evidence, options)) for sight in seen]
    left = [fact for fact, test in tested.items() if test.p > level]
    sizes = Counter((len(members), len(members), 0) for members in by_case(pairs).values())
    return Fidelity(
        reference=names[0],
        candidate=names[1],
        overall=_feature("all", range(len(pairs)), shown, pairs),
        features=[_feature(name, members, shown, pairs) for name, members in _members(pairs).items()],
        unsure=_unsure(left, counted, shown, pairs, level),
        enough=presence(sizes).p <= level,
    )


def _members(pairs: Sequence[AnswerPair]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        for feature in pair.reference.features:
            found[feature].append(at)
    return dict(sorted(found.items()))


# --- one feature ------------------------------------------------------------------------------------------


def _feature(name: str, members: Sequence[int], seen: Sequence[Sight], pairs: Sequence[AnswerPair]) -> FeatureFidelity:
    """The changes within some pairs, the worst first."""
    inside = frozenset(members)
    own = [(sight, [at for at in sight.hits if at in inside]) for sight in seen]
    changes = [_within(sight, hits, inside, pairs) for sight, hits in own if hits]
    total = sum(_size(_shape(pairs[at]), "$") for at in members)
    lost = [(sight, sum(_loss(sight.change, _shape(pairs[at])) for at in hits)) for sight, hits in own]
    new = sum(loss for sight, loss in lost if not sight.change.known)
    return FeatureFidelity(
        feature=name,
        pairs=len(members),
        kept=_share_kept(sum(loss for _, loss in lost), total),
        kept_new=_share_kept(new, total),
        changes=sorted(changes, key=_badness),
    )


_WORST: Sequence[ChangeKind] = (
    "model",
    "ignored",
    "status",
    "dropped",
    "retyped",
    "renamed",
    "value",
    "framing",
    "timing",
    "added",
    "header",
    "order",
)
"""What breaks callers most, first: another answer, then less of it, then another shape, then more of it."""


def _badness(change: Change) -> tuple[bool, int, int, str]:
    return change.note, _WORST.index(change.kind), -change.pairs, change.path


def _within(sight: Sight, hits: Sequence[int], inside: frozenset[int], pairs: Sequence[AnswerPair]) -> Change:
    from harness.compare.stats import wilson

    of = sum(at in inside for at in sight.able)
    trials = dict.fromkeys(pairs[at].candidate.at[0] for at in hits)
    return replace(
        sight.change,
        pairs=len(hits),
        of=of,
        trials=list(trials)[:EVIDENCE],
        reverse=sum(at in inside for at in sight.opposite),
        interval=wilson(len(hits), max(of, len(hits))),
    )


EVIDENCE = 5
"""Trials that a change names."""


def _shape(pair: AnswerPair) -> Shape:
    return pair.reference.facts.shape


@lru_cache(maxsize=65536)
def _size(shape: Shape, path: str) -> int:
    """How much there is to keep at and below a path; ``$``: of the whole answer."""
    if path == "$":
        return sum(fact.kind in _COUNTED for fact in shape)
    return sum(fact.kind == "path" and is_below(fact.path, path) for fact in shape)


def _loss(change: Change, reference: Shape) -> int:
    if change.note:
        return 0
    if change.kind == "status":
        return _size(reference, "$")
    return max(1, _size(reference, change.path)) if change.kind in ("dropped", "renamed") else 1


def _share_kept(lost: int, total: int) -> float:
    return max(0.0, 1 - lost / total) if total else 0.0


# --- what is not known --------------------------------------------------------------------------------------


def _unsure(
    left: Sequence[Fact],
    counted: Mapping[Fact, FactCounts],
    seen: Sequence[Sight],
    pairs: Sequence[AnswerPair],
    level: float,
) -> list[UnsureChange]:
    """What differs in one direction only, in at least half of the pairs, yet in too few of them. The nearest to a claim first."""
    directions = [
        (fact, is_less(counted[fact].strata))
        for fact in left
        if fact.path not in TIMES and counted[fact].has_one_direction
    ]
    sights = [seen_in(kind, path, facts, pairs) for (kind, path), facts in grouped(directions).items()]
    claimed = [sight.change.path for sight in seen]
    sights = [sight for sight in sights if sight.hits and not is_explained(sight, seen, pairs)]
    found = [
        _unsure_change(sight, level)
        for sight in sights
        if _is_open(sight) and not any(is_below(sight.change.path, path) for path in claimed)
    ]
    return sorted(found, key=lambda change: (change.needs, change.path))


def _is_open(sight: Sight) -> bool:
    number = sight.change.path.startswith("stream ") or sight.change.kind == "value"
    return not sight.opposite and 2 * len(sight.hits) >= len(sight.able) and len(sight.hits) >= (_FEW if number else 1)


def _unsure_change(sight: Sight, level: float) -> UnsureChange:
    from harness.compare.stats.presence import more_pairs

    change, hits, able = sight.change, len(sight.hits), len(sight.able)
    return UnsureChange(change.kind, change.path, hits, able, more_pairs(hits, 0, able, level))


# --- gates ------------------------------------------------------------------------------------------------


def kept_limit(gate: str) -> float:
    """``kept=99%`` as a share. Raises UsageError."""
    name, _, number = gate.partition("=")
    try:
        share = float(number.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if name != "kept" or not number.endswith("%") or not 0 <= share <= 1:
        raise UsageError(f"--gate {gate}: expected kept= with a percentage from 0% to 100%, as in kept=100%")
    return share


def gated(document: Fidelity, gate: str) -> FidelityGate:
    """Whether every feature keeps at least this share. Known changes do not count."""
    limit = kept_limit(gate)
    worst = min([document.overall, *document.features], key=lambda feature: feature.kept_new)
    kept = percent(worst.kept_new)
    if worst.kept_new < limit:
        return FidelityGate(gate, True, f"crossed: {worst.feature} keeps {kept}")
    waits = [change for change in document.unsure if change.pairs == change.of >= _FEW]
    if not document.enough or waits:
        few = f"{count(document.overall.pairs, 'pair')} are too few to claim a change"
        why = f"{waits[0].path} differs in {count(waits[0].of, 'pair')}, needs {waits[0].needs} more" if waits else few
        return FidelityGate(gate, None, f"cannot tell: {why}")
    return FidelityGate(gate, False, f"holds: the least is {kept}, of {worst.feature}")


def percent(share: float) -> str:
    """A share, rounded down, so that only everything is 100%."""
    return f"{floor(share * 1000) / 10:g}%"
