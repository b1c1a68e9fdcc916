"""From evidence to a word: better, worse, same, or cannot tell and how much more it would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from harness.compare.stats.evidence import CONFIDENCE, PairedEvidence, Vector
from harness.compare.stats.family import corrected

ALPHA = 1 - CONFIDENCE
POWER = 0.8
"""The chance with which as many cases as are asked for would settle it, if what was seen is how it is."""
MOST = 1_000_000
FEWEST_TO_PLAN = 4
"""Fewer cases do not show how far their numbers scatter, and so not how many it would take."""

Word = Literal["better", "worse", "same", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict on one measure. ``p`` is corrected for the other comparisons of the report, ``needs`` counts pairs of attempts."""

    evidence: PairedEvidence
    verdict: Word
    p: float | None
    comparisons: int
    """How many comparisons the correction reckons with."""
    effect: float | None
    """The estimate in standard deviations of a case's difference."""
    detectable: float | None
    """The smallest difference, in the measure's unit, that so many cases show with a power of 80%."""
    fewest: int = 0
    """Fewer cases than this say nothing, whatever they show."""
    needs: int | None = None
    needs_cases: int | None = None
    needs_repeats: int | None = None
    """Instead of more cases: so many more attempts at each. None where repeats alone will not do, or cannot be known to."""


def assess(evidence: Sequence[PairedEvidence], rising: Sequence[bool]) -> list[Assessment]:
    """A verdict on each comparison of one report; ``rising`` says where more is better.

    *same*: the change lies within its margin. *better*, *worse*: chance alone would not do that, once the other comparisons
    are reckoned with. How often they are wrong is told in `harness.stats`. Where both hold it is *same*: certain, but too small to matter.
    """
    different, size = corrected([_chance(each.p) for each in evidence], [each.least_p for each in evidence], ALPHA)
    equal, _ = corrected(
        [_chance(each.p_outside) for each in evidence], [2.0**-each.cases for each in evidence], ALPHA / 2
    )
    verdicts = zip(evidence, rising, different, equal, strict=True)
    return [_assessed(each, size, p, _word(each, p, outside, up)) for each, up, p, outside in verdicts]


def _chance(p: float | None) -> float:
    return 1.0 if p is None else p


def _word(evidence: PairedEvidence, p: float, outside: float, rising: bool) -> Word:
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


def _assessed(evidence: PairedEvidence, size: int, p: float, word: Word) -> Assessment:
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
        fewest=fewest(level),
        needs=None if more is None else round(more * evidence.pairs / evidence.cases),
        needs_cases=more,
        needs_repeats=_repeats_needed(evidence, level, cases),
    )


def fewest(level: float) -> int:
    """The fewest cases that can show a difference at this level: all of them to one side."""
    return int(np.ceil(1 - np.log2(level)))


def _detectable(evidence: PairedEvidence, level: float) -> float | None:
    if evidence.spread is None or evidence.cases < fewest(level):
        return None
    cases = np.array([evidence.cases], float)
    error = _error(evidence.spread, cases, evidence.prior)
    return float(((_surely(level, cases) + ndtri(POWER)) * error)[0])


def _error(spread: float | Vector, cases: Vector, prior: int) -> Vector:
    """The standard error of the mean over so many cases."""
    return np.asarray(np.sqrt(spread**2 * cases + prior) / (cases + prior), np.float64)


def _surely(level: float, cases: Vector) -> Vector:
    """Standard errors from 0 that chance seldom reaches (``level``), where the error itself is found from so many cases."""
    return np.asarray(stdtrit(np.maximum(cases - 1, 1), 1 - level / 2), np.float64)


def _settled(evidence: PairedEvidence, cases: Vector, level: float, narrower: float | Vector = 1.0) -> Vector:
    """The chance that so many cases say *same*, or *different*, if what was seen is how it is; a spread that many times as large."""
    chance = np.zeros(np.broadcast(cases, narrower).shape)
    sure = _surely(level, cases)
    if evidence.spread is not None and evidence.estimate:
        error, chances = _errors(evidence.spread * narrower, cases, evidence.prior)
        beyond = ndtr((abs(evidence.estimate) - sure * error) / chances)
        chance = np.where(cases >= fewest(level), beyond, 0.0)
    if evidence.change_spread is not None and evidence.change is not None:
        error, chances = _errors(evidence.change_spread * narrower, cases, evidence.prior)
        room = evidence.margin - sure * np.maximum(error, _least_error(evidence, cases))
        inside = ndtr((room - evidence.change) / chances) + ndtr((room + evidence.change) / chances) - 1
        chance = np.maximum(chance, inside)
    return np.asarray(chance, np.float64)


def _errors(spread: float | Vector, cases: Vector, prior: int) -> tuple[Vector, Vector]:
    """The standard error that so many cases will be reckoned with, and how far their mean scatters (never quite 0)."""
    return _error(spread, cases, prior), np.maximum(spread, 1e-9) / np.sqrt(cases)


def _least_error(evidence: PairedEvidence, cases: Vector) -> Vector:
    """Of a pass rate: that of a share as large as the margin (see ``rates.Shift.outside``)."""
    share = evidence.margin * (1 - evidence.margin) if evidence.prior else 0.0
    return np.asarray(np.sqrt(max(share, 0.0) / cases), np.float64)


def _cases_needed(evidence: PairedEvidence, level: float) -> int | None:
    """Cases in all after which it would be settled, one way or the other; None where that cannot be known."""
    if evidence.constant:
        return fewest(level) if 1 < evidence.cases < fewest(level) else None
    if evidence.cases < (2 if evidence.prior else FEWEST_TO_PLAN):
        return None
    tried = np.unique(np.geomspace(max(evidence.cases, fewest(level)), MOST, 600).round())
    enough = _settled(evidence, tried, level) >= POWER
    return int(tried[enough.argmax()]) if enough.any() else None


def _repeats_needed(evidence: PairedEvidence, level: float, cases: int | None) -> int | None:
    """More attempts at each case that narrow the spread as much as more cases would."""
    if cases is None or evidence.noise is None:
        return None
    times = np.geomspace(1, MOST, 600)
    narrower = np.sqrt(1 - evidence.noise + evidence.noise / times)
    enough = _settled(evidence, np.array([evidence.cases], float), level, narrower) >= POWER
    if not enough.any():
        return None
    return max(1, int(np.ceil(evidence.pairs / evidence.cases * (times[enough.argmax()] - 1))))
