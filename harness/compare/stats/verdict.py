"""From evidence to a verdict: better, worse, same, or cannot tell, and how many more cases would decide.

*better* and *worse*: the test of no difference rejects. *same*: an equivalence test rejects a change as large as the margin. Both
are corrected by Holm's procedure. The number of cases needed comes from a power analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from harness.compare.stats.evidence import CONFIDENCE, PairedEvidence, Vector
from harness.compare.stats.multiple_comparisons import corrected

ALPHA = 1 - CONFIDENCE
POWER = 0.8
"""The probability with which ``needs_cases`` more cases give a verdict, if the observed difference is the true one."""
MAX_CASES = 1_000_000
MIN_CASES_TO_PLAN = 4
"""With fewer cases the standard deviation is too uncertain to plan how many it would take."""

VerdictName = Literal["better", "worse", "same", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict on one measure.

    ``p`` is corrected for the other comparisons of the report. ``needs`` and ``needs_cases``: how many more pairs of attempts,
    and how many more cases, would give a verdict; None where that is not known, or not needed.
    """

    evidence: PairedEvidence
    verdict: VerdictName
    p: float | None
    comparisons: int
    """How many comparisons the correction counts."""
    effect: float | None
    """Cohen's d for paired samples: the estimate in standard deviations of a case's difference."""
    detectable: float | None
    """The smallest difference, in the measure's unit, that this number of cases shows with a power of 80%."""
    min_cases: int = 0
    """Fewer cases than this can never be significant."""
    needs: int | None = None
    needs_cases: int | None = None
    needs_repeats: int | None = None
    """Instead of more cases: how many more attempts at each. None where more attempts alone are not enough, or not known to be."""


def assess(evidence: Sequence[PairedEvidence], rising: Sequence[bool]) -> list[Assessment]:
    """A verdict on each comparison of one report; ``rising``: whether more is better.

    *same*: the change lies within its margin. *better*, *worse*: the difference is significant after the correction. Where
    both hold, the verdict is *same*: the difference is certain, but too small to matter. See `harness.compare.stats` for the
    error rates.
    """
    different, size = corrected(
        [_or_one(comparison.p) for comparison in evidence], [comparison.least_p for comparison in evidence], ALPHA
    )
    equal, _ = corrected(
        [_or_one(comparison.p_outside) for comparison in evidence],
        [2.0**-comparison.cases for comparison in evidence],
        ALPHA / 2,
    )
    verdicts = zip(evidence, rising, different, equal, strict=True)
    return [
        _assessment(comparison, size, p, _verdict(comparison, p, outside, up))
        for comparison, up, p, outside in verdicts
    ]


def _or_one(p: float | None) -> float:
    return 1.0 if p is None else p


def _verdict(evidence: PairedEvidence, p: float, outside: float, rising: bool) -> VerdictName:
    if evidence.constant:
        within = evidence.change is not None and abs(evidence.change) < evidence.margin
        same = within and evidence.cases >= min_cases(ALPHA)
    else:
        same = outside <= ALPHA / 2
    if same:
        return "same"
    if p > ALPHA:
        return "cannot tell"
    return "better" if (evidence.estimate > 0) == rising else "worse"


def _assessment(evidence: PairedEvidence, size: int, p: float, verdict: VerdictName) -> Assessment:
    level = ALPHA / size
    cases = _cases_needed(evidence, level) if verdict == "cannot tell" else None
    more = None if cases is None else max(cases - evidence.cases, 1)
    return Assessment(
        evidence=evidence,
        verdict=verdict,
        p=None if evidence.p is None else p,
        comparisons=size,
        effect=evidence.estimate / evidence.spread if evidence.spread else None,
        detectable=_detectable(evidence, level),
        min_cases=min_cases(level),
        needs=None if more is None else round(more * evidence.pairs / evidence.cases),
        needs_cases=more,
        needs_repeats=_repeats_needed(evidence, level, cases),
    )


def min_cases(level: float) -> int:
    """The fewest cases that can be significant at this level, if all of them differ in the same direction."""
    return int(np.ceil(1 - np.log2(level)))


def _detectable(evidence: PairedEvidence, level: float) -> float | None:
    if evidence.spread is None or evidence.cases < min_cases(level):
        return None
    cases = np.array([evidence.cases], float)
    error = _error(evidence.spread, cases, evidence.prior)
    return float(((_critical_value(level, cases) + ndtri(POWER)) * error)[0])


def _error(spread: float | Vector, cases: Vector, prior: int) -> Vector:
    """The standard error of the mean over this many cases, with ``prior`` pseudo-cases."""
    return np.asarray(np.sqrt(spread**2 * cases + prior) / (cases + prior), np.float64)


def _critical_value(level: float, cases: Vector) -> Vector:
    """The two-sided critical value of Student's t at this level, with ``cases - 1`` degrees of freedom."""
    return np.asarray(stdtrit(np.maximum(cases - 1, 1), 1 - level / 2), np.float64)


def _power(evidence: PairedEvidence, cases: Vector, level: float, narrower: float | Vector = 1.0) -> Vector:
    """The probability that this many cases give *same*, or a difference, if the observed difference is the true one.

    ``narrower``: a factor for the observed standard deviation.
    """
    chance = np.zeros(np.broadcast(cases, narrower).shape)
    critical = _critical_value(level, cases)
    if evidence.spread is not None and evidence.estimate:
        error, chances = _errors(evidence.spread * narrower, cases, evidence.prior)
        beyond = ndtr((abs(evidence.estimate) - critical * error) / chances)
        chance = np.where(cases >= min_cases(level), beyond, 0.0)
    if evidence.change_spread is not None and evidence.change is not None:
        error, chances = _errors(evidence.change_spread * narrower, cases, evidence.prior)
        room = evidence.margin - critical * np.maximum(error, _least_error(evidence, cases))
        inside = ndtr((room - evidence.change) / chances) + ndtr((room + evidence.change) / chances) - 1
        chance = np.maximum(chance, inside)
    return np.asarray(chance, np.float64)


def _errors(spread: float | Vector, cases: Vector, prior: int) -> tuple[Vector, Vector]:
    """The standard error that the test uses for this many cases, and the true one of their mean (never exactly 0)."""
    return _error(spread, cases, prior), np.maximum(spread, 1e-9) / np.sqrt(cases)


def _least_error(evidence: PairedEvidence, cases: Vector) -> Vector:
    """For a pass rate, the standard error of a proportion as large as the margin (see ``rates.Shift.outside``); else 0."""
    share = evidence.margin * (1 - evidence.margin) if evidence.prior else 0.0
    return np.asarray(np.sqrt(max(share, 0.0) / cases), np.float64)


def _cases_needed(evidence: PairedEvidence, level: float) -> int | None:
    """The total number of cases that would give a verdict with ``POWER``; None where that cannot be known."""
    if evidence.constant:
        return min_cases(level) if 1 < evidence.cases < min_cases(level) else None
    if evidence.cases < (2 if evidence.prior else MIN_CASES_TO_PLAN):
        return None
    tried = np.unique(np.geomspace(max(evidence.cases, min_cases(level)), MAX_CASES, 600).round())
    enough = _power(evidence, tried, level) >= POWER
    return int(tried[enough.argmax()]) if enough.any() else None


def _repeats_needed(evidence: PairedEvidence, level: float, cases: int | None) -> int | None:
    """How many more attempts at each case would give a verdict with ``POWER``; None where that cannot be known."""
    if cases is None or evidence.noise is None:
        return None
    times = np.geomspace(1, MAX_CASES, 600)
    narrower = np.sqrt(1 - evidence.noise + evidence.noise / times)
    enough = _power(evidence, np.array([evidence.cases], float), level, narrower) >= POWER
    if not enough.any():
        return None
    return max(1, int(np.ceil(evidence.pairs / evidence.cases * (times[enough.argmax()] - 1))))
