"""From evidence to a word: better, worse, same, or cannot tell and how much more it would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from harness.stats.evidence import CONFIDENCE, Evidence, Vector
from harness.stats.family import corrected

ALPHA = 1 - CONFIDENCE
POWER = 0.8
"""The chance with which as many cases as are asked for would settle it, if what was seen is how it is."""
MOST = 1_000_000

Word = Literal["better", "worse", "same", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict on one measure. ``p`` is corrected for the other comparisons of the report, ``needs`` counts pairs of attempts."""

    evidence: Evidence
    verdict: Word
    p: float | None
    comparisons: int
    """How many comparisons the correction reckons with."""
    effect: float | None
    """The estimate in standard deviations of a case's difference."""
    detectable: float | None
    """The smallest difference, in the measure's unit, that so many cases show with a power of 80%."""
    needs: int | None = None
    needs_cases: int | None = None
    needs_repeats: int | None = None
    """Instead of more cases: so many more attempts at each. None where repeats alone will not do, or cannot be known to."""


def assess(evidence: Sequence[Evidence], rising: Sequence[bool]) -> list[Assessment]:
    """A verdict on each comparison of one report; ``rising`` says where more is better.

    *same*: the change lies within its margin. *better*, *worse*: chance alone would not do that, once the other comparisons
    are reckoned with. Both are wrong at most once in twenty reports. Where both hold it is *same*: certain, but too small to matter.
    """
    different, size = corrected([_chance(each.p) for each in evidence], [each.least_p for each in evidence], ALPHA)
    equal, _ = corrected(
        [_chance(each.p_outside) for each in evidence], [2.0**-each.cases for each in evidence], ALPHA / 2
    )
    verdicts = zip(evidence, rising, different, equal, strict=True)
    return [_assessed(each, size, p, _word(each, p, outside, up)) for each, up, p, outside in verdicts]


def _chance(p: float | None) -> float:
    return 1.0 if p is None else p


def _word(evidence: Evidence, p: float, outside: float, rising: bool) -> Word:
    if evidence.constant:
        within = evidence.change is not None and abs(evidence.change) < evidence.margin
        same = within and evidence.cases >= fewest(ALPHA)
    else:
        same = outside <= ALPHA / 2
    if same:
        return "same"
    if p > ALPHA:
        return "cannot tell"
    return "better" if (evidence.estimate > 0) == rising else "worse"


def _assessed(evidence: Evidence, size: int, p: float, word: Word) -> Assessment:
    level = ALPHA / size
    cases = _cases_needed(evidence, level) if word == "cannot tell" else None
    more = None if cases is None else max(cases - evidence.cases, 1)
    return Assessment(
        evidence=evidence,
        verdict=word,
        p=None if evidence.p is None else p,
        comparisons=size,
        effect=evidence.estimate / evidence.spread if evidence.spread else None,
        detectable=_detectable(evidence, level),
        needs=None if more is None else round(more * evidence.pairs / evidence.cases),
        needs_cases=more,
        needs_repeats=_repeats_needed(evidence, cases),
    )


def fewest(level: float) -> int:
    """The fewest cases that can show a difference at this level: all of them to one side."""
    return int(np.ceil(1 - np.log2(level)))


def _reach(level: float) -> float:
    """Standard errors between no difference and one that is found with ``POWER``."""
    return float(ndtri(1 - level / 2) + ndtri(POWER))


def _error(spread: float, cases: Vector, prior: int) -> Vector:
    """The standard error of the mean over so many cases."""
    return np.asarray(np.sqrt(spread**2 * cases + prior) / (cases + prior), np.float64)


def _detectable(evidence: Evidence, level: float) -> float | None:
    if evidence.spread is None or evidence.cases < fewest(level):
        return None
    return float(_reach(level) * _error(evidence.spread, np.array([evidence.cases], float), evidence.prior)[0])


def _cases_needed(evidence: Evidence, level: float) -> int | None:
    """Cases in all after which it would be settled, one way or the other; None where that cannot be known."""
    if evidence.cases < 2:
        return None
    if evidence.constant:
        return fewest(level) if evidence.cases < fewest(level) else None
    tried = np.unique(np.geomspace(max(evidence.cases, fewest(level)), MOST, 600).round())
    gaps = [(evidence.spread, abs(evidence.estimate))]
    if evidence.change is not None:
        gaps.append((evidence.change_spread, evidence.margin - abs(evidence.change)))
    found = [
        _first(tried, spread, gap, level, evidence.prior) for spread, gap in gaps if spread is not None and gap > 0
    ]
    return min((each for each in found if each is not None), default=None)


def _first(tried: Vector, spread: float, gap: float, level: float, prior: int) -> int | None:
    enough = _reach(level) * _error(spread, tried, prior) <= gap
    return int(tried[enough.argmax()]) if enough.any() else None


def _repeats_needed(evidence: Evidence, cases: int | None) -> int | None:
    """More attempts at each case that narrow the spread as much as more cases would."""
    if cases is None or evidence.noise is None or evidence.cases < fewest(ALPHA / 2):
        return None
    room = evidence.cases / cases - (1 - evidence.noise)
    if room <= 0:
        return None
    repeats = evidence.pairs / evidence.cases
    return max(1, int(np.ceil(repeats * (evidence.noise / room - 1))))
