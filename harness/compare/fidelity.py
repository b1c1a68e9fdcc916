"""What the candidate changes against the reference, field by field: paired answers in, a document of claims out.

Two answers of one model differ anyway. So a change is claimed only where it is more frequent in one direction than chance allows:
an exact test per fact over all pairs, stratified by case (`stats.exact`), so that a report without any true change makes a
claim with a probability of at most 5%. What differs in too few pairs is listed as not known, with how many more would decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import floor
from operator import attrgetter
from typing import get_args

from harness.compare.fidelity_changes import (
    INSTEAD,
    Answer,
    AnswerPair,
    Change,
    ChangeKind,
    FeatureFidelity,
    Fidelity,
    FidelityOptions,
    ReadTurns,
)
from harness.compare.fidelity_claims import (
    TIMES,
    FactCounts,
    by_case,
    changes_of,
    claimed_facts,
    counted_facts,
    is_explained,
    other_orders,
    with_ignored,
)
from harness.compare.fidelity_evidence import Evidence, evidence_of, finished, shown, with_renames
from harness.compare.fidelity_facts import Fact, Shape
from harness.compare.fidelity_values import by_error_status, by_values, each_value
from harness.compare.gates.gate import Gate, GateResult
from harness.errors import UsageError
from harness.text.amounts import count
from harness.text.grouping import gathered, grouped
from harness.text.jsonpath import is_below

_COUNTED = frozenset({"path", "header", "framing", "status", "follows", "model"})
_FEW = 3
"""The fewest pairs of a kind for which a gate waits."""


def pair_answers(reference: Iterable[Answer], candidate: Iterable[Answer]) -> list[AnswerPair]:
    """The n-th answer to a question on one side with the n-th on the other. Answers without a partner are left out."""
    waiting = {case: iter(answers) for case, answers in grouped(candidate, attrgetter("case")).items()}
    partners = ((answer, next(waiting.get(answer.case, iter(())), None)) for answer in reference)
    return [AnswerPair(answer, partner) for answer, partner in partners if partner is not None]


def fidelity(
    pairs: Sequence[AnswerPair],
    names: tuple[str, str],
    read: tuple[ReadTurns, ReadTurns],
    options: FidelityOptions = FidelityOptions(),  # noqa: B008  frozen
) -> Fidelity:
    """What the candidate changes. ``read``: how to read the turns of the reference and of the candidate, for evidence."""
    from harness.compare.stats.exact import presence

    counted = counted_facts(pairs, options)
    claimed, level = claimed_facts(counted)
    seen = with_ignored(changes_of(((fact, counted[fact].is_less) for fact in claimed), pairs), pairs)
    split = [by_values(change, pairs, level) for change in seen if not is_explained(change, seen, pairs)]
    seen = [change for sure, _ in split for change in sure]
    evidence = evidence_of(pairs, read, seen)
    seen = [*with_renames(seen, evidence), *other_orders(pairs, options)]
    changes = [finished(change, evidence, options) for change in seen]
    sure = frozenset(claimed)
    left = {fact: counts for fact, counts in counted.items() if fact not in sure}
    rare = [change for _, some in split for change in some]
    unsure = [*rare, *(change for change in _unsure(left, changes, pairs) if not _is_claimed(change, rare))]
    more = evidence_of(pairs, read, unsure)
    by_feature = gathered((name, at) for at, pair in enumerate(pairs) for name in pair.reference.features)
    sizes = Counter((len(members), len(members), 0) for members in by_case(pairs).values())
    return Fidelity(
        reference=names[0],
        candidate=names[1],
        overall=_feature("all", range(len(pairs)), changes, unsure, pairs),
        features=[_feature(name, members, changes, unsure, pairs) for name, members in sorted(by_feature.items())],
        unsure=sorted(
            (_unsure_change(change, level, pairs, more) for change in unsure),
            key=lambda change: (change.needs, _WORST.index(change.kind), change.path, change.message),
        ),
        enough=presence(sizes).p <= level,
    )


# --- one feature ------------------------------------------------------------------------------------------


def _feature(
    name: str, members: Sequence[int], seen: Sequence[Change], unsure: Sequence[Change], pairs: Sequence[AnswerPair]
) -> FeatureFidelity:
    inside = frozenset(members)
    changes = [change.within(inside) for change in seen]
    open_ = sum(_lost(change, inside, pairs) for change in unsure)
    total = sum(_size(_shape(pairs[at]), "$") for at in members)
    lost = [(change, _lost(change, inside, pairs)) for change in seen]
    known = sum(loss for change, loss in lost if change.known)
    whole = sum(loss for _, loss in lost)
    return FeatureFidelity(
        feature=name,
        pairs=len(members),
        kept=_share_kept(whole, total),
        kept_new=_share_kept(whole - known, total),
        kept_least=_share_kept(whole + open_, total),
        changes=sorted(
            (replace(change, trials=_trials(change.hits, pairs)) for change in changes if change.hits), key=_badness
        ),
    )


def _lost(change: Change, inside: Collection[int], pairs: Sequence[AnswerPair]) -> int:
    """How much of what the reference shows is lost in these pairs."""
    return sum(_loss(change, _shape(pairs[at])) for at in change.hits if at in inside)


_WORST: Sequence[ChangeKind] = get_args(ChangeKind)
_WHOLE, _OF_BODIES = ("model", "ignored", "status"), ("dropped", "retyped", "renamed", "value")
_HARM = (
    re.compile(r"\$$|\$\.candidates$|\$\.candidates\[\*\]\.(content|finishReason)\b"),
    re.compile(
        r"header |\$\.candidates\[\*\]\.(?!index|avgLogprobs|safetyRatings|finishMessage)|\$\.promptFeedback|\$\.error(?!\.message)"
    ),
    re.compile(r"\$\.usageMetadata(\.\w+TokenCount)?$"),
)
"""The fields that callers read most come first: the answer, facts about it, counts of tokens. All other fields follow."""


def _badness(change: Change) -> tuple[bool, int, int, int, int, str, str]:
    whole = change.kind in _WHOLE or (change.kind == "added" and change.path in INSTEAD)
    of_bodies = change.kind in _OF_BODIES or (change.kind == "header" and not change.cosmetic)
    group = 0 if whole else 1 if of_bodies else 2
    harm = next((rank for rank, of in enumerate(_HARM) if of.match(change.path)), len(_HARM)) if group == 1 else 0
    kind = _WORST.index(change.kind)
    return change.cosmetic, group, harm, kind, -change.pairs, change.path, change.message


EVIDENCE = 5
"""Trials that a change names."""


def _trials(hits: Sequence[int], pairs: Sequence[AnswerPair]) -> list[str]:
    return list(dict.fromkeys(pairs[at].candidate.at[0] for at in hits))[:EVIDENCE]


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
    if change.path == "status":
        return _size(reference, "$")
    return max(1, _size(reference, change.path)) if change.kind in ("dropped", "renamed") else 1


def _share_kept(lost: int, total: int) -> float:
    return max(0.0, 1 - lost / total) if total else 0.0


# --- what is not known --------------------------------------------------------------------------------------


_HIDES = ("dropped", "added", "renamed", "retyped")
"""Changes after which nothing below their path can be compared."""


def _unsure(left: Mapping[Fact, FactCounts], seen: Sequence[Change], pairs: Sequence[AnswerPair]) -> list[Change]:
    """What differs in one direction only, in at least half of the pairs, yet in too few of them; of statuses, any. Of errors, half of
    those with one status are enough: a gateway may rewrite one kind of error only."""
    directions = [
        (fact, counts.is_less) for fact, counts in left.items() if fact.path not in TIMES and counts.has_one_direction
    ]
    found = [one for change in changes_of(directions, pairs) for one in each_value(change, pairs)]
    found = [one for change in found for one in ([change] if _is_open(change) else by_error_status(change, pairs))]
    found = [change for change in found if _is_open(change) and not _is_claimed(change, seen)]
    return [change for change in found if not is_explained(change, [*seen, *found], pairs)]


def _is_claimed(change: Change, seen: Sequence[Change]) -> bool:
    """Whether the change, or one that takes its place away, is claimed."""
    same = attrgetter("kind", "path", "before", "after")
    hidden = any(is_below(change.path, other.path) for other in seen if other.kind in _HIDES)
    return hidden or any(same(other) == same(change) for other in seen)


def _is_open(change: Change) -> bool:
    if not change.hits or change.opposite or (".args." in change.path and len(change.hits) < _FEW):
        return False  # once or twice, a model chooses other arguments by itself
    number = change.path.startswith("stream ") or change.kind == "value"
    enough = 2 * len(change.hits) >= len(change.able) and len(change.hits) >= (_FEW if number else 1)
    return enough or change.path == "status"


def _unsure_change(change: Change, level: float, pairs: Sequence[AnswerPair], evidence: Evidence) -> Change:
    from harness.compare.stats.exact import more_pairs

    needs = more_pairs(change.pairs, len(change.opposite), change.of, level)
    return replace(shown(change, evidence), needs=needs, trials=_trials(change.hits, pairs))


# --- gates ------------------------------------------------------------------------------------------------


def kept_gate(text: str) -> Gate:
    """``kept=99%``. Raises UsageError."""
    name, _, number = text.partition("=")
    try:
        share = float(number.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if name != "kept" or not number.endswith("%") or not 0 <= share <= 1:
        raise UsageError(f"--gate {text}: expected kept= with a percentage from 0% to 100%, as in kept=100%")
    return Gate("kept", "min", share)


def gated(document: Fidelity, gate: Gate) -> GateResult:
    """Whether every feature keeps at least this share. Known changes do not count."""
    worst = min([document.overall, *document.features], key=lambda feature: feature.kept_new)
    kept = percent(worst.kept_new)
    if gate.crossed(worst.kept_new, worst.kept_new):
        return GateResult(gate, True, f"{worst.feature} keeps {kept}")
    waits = [change for change in document.unsure if change.pairs == change.of >= _FEW]
    if not document.enough or waits:
        few = f"{count(document.overall.pairs, 'pair')} are too few to claim a change"
        why = f"{waits[0].path} differs in {count(waits[0].of, 'pair')}, needs {waits[0].needs} more" if waits else few
        return GateResult(gate, None, why)
    return GateResult(gate, False, f"the least is {kept}, of {worst.feature}")


def percent(share: float) -> str:
    """A share, rounded down, so that only everything is 100%."""
    return f"{floor(share * 1000) / 10:g}%"
