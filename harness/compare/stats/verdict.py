"""From evidence to a verdict: better, worse, same, or cannot tell, and how many more cases would decide.

*better* and *worse*: the test of no difference rejects, corrected for the other comparisons of the report. *same*: the 95% interval
lies within the margin. How many more cases it takes is a range: if there is a difference such as the observed one, and if there
is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from harness.compare.stats.evidence import CONFIDENCE, Ends, PairedEvidence, Typical, Vector
from harness.compare.stats.multiple_comparisons import Corrected, holm, or_one, shared_signs
from harness.text.grouping import gathered

ALPHA = 1 - CONFIDENCE
POWER = 0.8
"""The probability of a verdict with as many cases as it needs."""
MAX_CASES = 1_000_000
MIN_CASES_TO_PLAN = 4
"""With fewer cases the standard deviation is too uncertain to plan how many it would take."""

VerdictName = Literal["better", "worse", "same", "cannot tell"]
Needs = tuple[int, int | None]
"""How many more: at least, and at most (None: more than can be planned). One is for a difference as observed, one for none."""


class Question(NamedTuple):
    """What a report asks of the evidence on a measure, over all cells or (``suite``) those of one suite."""

    measure: str
    suite: str | None
    evidence: PairedEvidence

    @property
    def family(self) -> Literal["main", "measure", "part"]:
        """What is corrected together: pass rates over all candidates, measures of one candidate, and questions about suites.

        The pass rate over all cells is the primary question: other measures, and single suites, make it no less certain.
        """
        return "part" if self.suite is not None else "main" if self.measure == "pass_rate" else "measure"


@dataclass(frozen=True)
class Difference:
    """The verdict on one measure, over all cells or (``suite``) those of one suite. What it takes time to compute is computed when it is
    asked for.

    ``p`` is corrected for other comparisons of the report. ``comparisons``: how many the correction counts. ``level``: that at which
    ``evidence.p`` was tested. ``alpha``: the level of the whole report: 5%, or less where a run could have stopped earlier.
    """

    measure: str
    suite: str | None
    evidence: PairedEvidence
    verdict: VerdictName
    p: float | None
    comparisons: int
    level: float
    alpha: float

    @property
    def ends(self) -> Ends:
        """The intervals at the level at which the verdict was found, so they agree with it."""
        return self.evidence.ends(1 - self.level)

    @cached_property
    def typical(self) -> Typical | None:
        return self.evidence.typical(1 - self.level) if self.evidence.typical and self.suite is None else None

    @property
    def detectable(self) -> float | None:
        """The smallest difference, in the measure's unit, that this number of cases shows with a power of 80%; None where there is none."""
        return _detectable(self.evidence, self.level)

    @cached_property
    def needs_cases(self) -> Needs | None:
        """How many more cases would give a verdict; None where that is not known, or not needed."""
        return _cases_needed(self.evidence, self.level, self.alpha) if self.verdict == "cannot tell" else None

    @property
    def needs(self) -> Needs | None:
        """The same in pairs of attempts."""
        return _times(self.needs_cases, self.evidence.pairs / self.evidence.cases)

    @cached_property
    def needs_repeats(self) -> Needs | None:
        """How many more attempts at each case, instead of more cases. None where these are not enough, or not known to be.

        On these cases an attempt at any of them is worth as much as one at another case.
        """
        seen = self.evidence
        if seen.scope == "these cases":
            return _times(self.needs_cases, seen.pairs / seen.cases**2)
        return _repeats_needed(seen, self.level, self.alpha) if self.needs_cases else None


def assess(reports: Sequence[Sequence[Question]], alpha: float = ALPHA) -> list[list[Difference]]:
    """A verdict on each question about each candidate; ``reports``: the questions about one candidate each.

    *same* is not corrected: more questions make no claim of equality less certain. Where a difference is certain and within the margin,
    it is *same*.
    ``alpha``: less than 5% for a run that could have stopped at several looks.
    """
    flat = [(at, question) for at, report in enumerate(reports) for question in report]
    families = gathered(
        ((question.family, report * (question.family == "measure")), place)
        for place, (report, question) in enumerate(flat)
    )
    found: dict[int, Corrected] = {}
    for (family, _), members in families.items():
        asked = [flat[place][1].evidence for place in members]
        if family == "measure":
            corrected = [
                Corrected(min(1.0, one.p * len(reports)), one.level, one.size * len(reports))
                for one in shared_signs(asked, alpha / len(reports))
            ]
        else:
            corrected = holm([or_one(one.p) for one in asked], [one.least_p for one in asked], alpha)
        found |= dict(zip(members, corrected, strict=True))
    assessed = iter([_difference(question, found[place], alpha) for place, (_, question) in enumerate(flat)])
    return [[next(assessed) for _ in report] for report in reports]


def is_same(evidence: PairedEvidence, confidence: float = CONFIDENCE) -> bool:
    """Whether the interval lies within the margin, and enough cases were seen to exclude rare changes as large.

    A change that doubles a number in a share of the cases is as large as the margin if the share is. So the share that may
    stay unseen has to be smaller than the margin, for pass rates and numbers alike.
    """
    if evidence.change is None or abs(evidence.change) > evidence.margin:
        return False
    if evidence.unseen((1 + confidence) / 2) > evidence.margin:
        return False
    ends = (evidence.change, evidence.change) if evidence.constant else evidence.ends(confidence).change
    return ends is not None and -evidence.margin <= ends[0] <= ends[1] <= evidence.margin


def _difference(question: Question, corrected: Corrected, alpha: float) -> Difference:
    evidence, level = question.evidence, corrected.level
    verdict: VerdictName = "cannot tell"
    if is_same(evidence, 1 - alpha):
        verdict, level = "same", alpha
    elif corrected.p <= alpha:
        verdict = "better" if (evidence.estimate > 0) == evidence.is_rate else "worse"
    p = None if evidence.p is None else corrected.p
    return Difference(*question, verdict, p, corrected.size, level, alpha)


def _times(needs: Needs | None, factor: float) -> Needs | None:
    if needs is None:
        return None
    low, high = needs
    return math.ceil(low * factor - 1e-9), None if high is None else math.ceil(high * factor - 1e-9)


def enough_cases(margin: float, alpha: float = ALPHA) -> int:
    """The fewest cases, or attempts, after which no case that differs shows that fewer than ``margin`` of them do."""
    return int(np.ceil(np.log(alpha / 2) / np.log1p(-min(margin, 0.999))))


def _detectable(evidence: PairedEvidence, level: float) -> float | None:
    if not evidence.spread or evidence.chances < evidence.min_cases(level):
        return None
    cases = np.array([evidence.cases], float)
    needed = float((_critical_value(level, _chances(evidence, cases)) + ndtri(POWER))[0])
    found = 0.0
    for _ in range(50):  # the scatter that a difference adds makes it larger, ever less so
        spread = _spread_with(evidence, found)
        found = needed * float(_error(spread, cases, evidence.prior)[0])
    return None if evidence.is_rate and found > 1 else found


def _spread_with(evidence: PairedEvidence, difference: float) -> float:
    """The standard deviation of a case's difference if the sides differ by so much.

    A pass rate moves towards a half, or past it. A number grows by a factor, and its scatter with it: more in cases with larger values.
    """
    spread = evidence.spread or 0.0
    if evidence.is_rate:
        rate = (evidence.reference + evidence.candidate) / 2
        before = max(rate, 1 - rate)
        after = max(before - difference, 0.0)
        added = max(after * (1 - after) - before * (1 - before), 0.0) * evidence.cases / evidence.pairs
        return math.sqrt(spread**2 + added)
    grown = min(difference / evidence.reference, 1.0) if evidence.reference > 0 else 0.0
    return math.hypot(spread * (1 + grown / 2), evidence.cases_apart * grown)


def _chances(evidence: PairedEvidence, cases: Vector) -> Vector:
    """How many independent chances so many cases are: attempts where these cases are given, else cases."""
    return cases * (evidence.chances / evidence.cases)


def _error(spread: float | Vector, cases: Vector, prior: float) -> Vector:
    """The standard error of the mean over this many cases, with ``prior`` pseudo-cases."""
    return np.asarray(np.sqrt(spread**2 * cases + prior) / (cases + prior), np.float64)


def _critical_value(level: float, chances: Vector) -> Vector:
    """The two-sided critical value of Student's t at this level, with ``chances - 1`` degrees of freedom."""
    return np.asarray(stdtrit(np.maximum(chances - 1, 1), 1 - level / 2), np.float64)


HIDDEN = 0.25
"""A sample without a verdict shows too small a difference: by about so many standard errors (see the table of *How many more*)."""


def _power(
    evidence: PairedEvidence,
    cases: Vector,
    level: float,
    alpha: float,
    *,
    differs: bool = False,
    narrower: float | Vector = 1.0,
    least: float = 0.0,
) -> Vector:
    """The probability that this many cases give *same*, or a difference, over all standard deviations that are possible.

    ``differs``: there is a difference such as the observed one; else there is none. ``narrower``: a factor for the standard
    deviations. ``least``: the smallest one that is possible, in those of the sample.
    """
    chances, now = _chances(evidence, cases), np.array([evidence.cases], float)
    wider = evidence.wider() if evidence.wider else np.ones(1)
    factors = np.maximum(wider, least)[:, None] * narrower
    more = HIDDEN * np.sign(evidence.estimate)
    seen = np.zeros((len(factors), np.broadcast(chances, narrower).size))
    if evidence.spread:
        truth = differs * (evidence.estimate + more * _error(evidence.spread, now, evidence.prior))
        error, true_error = _errors(evidence.spread * factors, cases, evidence.prior)
        beyond = ndtr((np.abs(truth) - _critical_value(level, chances) * error) / true_error)
        seen = np.where(chances >= evidence.min_cases(level), beyond, 0.0)
    if evidence.change_spread is not None and evidence.change is not None:
        truth = differs * (evidence.change + more * _error(evidence.change_spread, now, evidence.prior))
        error, true_error = _errors(evidence.change_spread * factors, cases, evidence.prior)
        room = evidence.margin - _critical_value(alpha, chances) * error
        inside = ndtr((room - truth) / true_error) + ndtr((room + truth) / true_error) - 1
        enough = chances >= enough_cases(evidence.margin, alpha)
        seen = np.maximum(seen, np.where(enough, inside, 0.0))
    return np.asarray(seen.mean(axis=0), np.float64)


def _errors(spread: float | Vector, cases: Vector, prior: float) -> tuple[Vector, Vector]:
    """The standard error that the test uses for this many cases, and the true one of their mean (never exactly 0)."""
    return _error(spread, cases, prior), np.asarray(np.maximum(spread, 1e-9) / np.sqrt(cases), np.float64)


Power = Callable[[Vector], Vector]
"""Numbers -> the probability of a verdict with each of them, which grows with them."""
STEP = 11


def _more(tried: Vector, powers: Sequence[Power], less: float) -> Needs | None:
    """The smallest of the tried numbers with enough power in each case, less what there is; None where no number is enough."""
    found = [_first(tried, power) for power in powers]
    reached = [max(1, int(np.ceil(number - less))) for number in found if number is not None]
    if not reached:
        return None
    return min(reached), max(reached) if len(reached) == len(powers) else None


def _first(tried: Vector, power: Power) -> float | None:
    """The smallest of the tried numbers with enough power: one in ``STEP`` of them, then those between two."""
    ends = np.arange(tried.size - 1, -1, -STEP)[::-1]
    enough = power(tried[ends]) >= POWER
    if not enough[-1]:
        return None
    end = int(ends[enough.argmax()])
    between = tried[max(end - STEP + 1, 0) : end + 1]
    return float(between[(power(between) >= POWER).argmax()])


def _cases_needed(evidence: PairedEvidence, level: float, alpha: float) -> Needs | None:
    """How many more cases would give a verdict; None where that cannot be known."""
    constant = _constant_needs(evidence, level, alpha) if evidence.constant else None
    if evidence.chances < (2 if evidence.prior else MIN_CASES_TO_PLAN) or not evidence.spread:
        return constant
    tried = np.unique(np.geomspace(evidence.cases + 1, MAX_CASES, 120).round())
    powers: list[Power] = (
        [] if evidence.constant else [lambda cases: _power(evidence, cases, level, alpha, differs=True)]
    )
    powers.append(lambda cases: _power(evidence, cases, level, alpha))
    if (rare := _rare(evidence, alpha)) > 1:
        powers.append(lambda cases: _power(evidence, cases, level, alpha, least=rare))
    found = _more(tried, powers, evidence.cases)
    return found if constant is None or found is None else (constant[0], found[1])


LONG = 5
"""A rare answer may be so many times as long, or as dear, as the others."""


def _rare(evidence: PairedEvidence, alpha: float) -> float:
    """The factor by which rare long answers would widen the scatter of numbers, if they are as frequent as half of such reports miss.

    Where there are enough cases to call the sides the same, the plan is for what they show.
    """
    if evidence.wider is None or not evidence.change_spread or evidence.chances >= enough_cases(evidence.margin, alpha):
        return 1.0
    share = 1 - 0.5 ** (1 / (2 * evidence.chances))
    scatter = np.sqrt(2 * share * (1 - share)) * (LONG - 1) / (1 + (LONG - 1) * share)
    return max(1.0, float(scatter) / evidence.change_spread)


def _constant_needs(evidence: PairedEvidence, level: float, alpha: float) -> Needs | None:
    """Enough cases to be the same if they go on like this; for a difference, enough to be significant."""
    if evidence.cases < 2 or evidence.change is None:
        return None
    within = abs(evidence.change) < evidence.margin
    enough = enough_cases(evidence.margin, alpha) * evidence.cases / evidence.chances
    wanted = enough if within else evidence.min_cases(level)
    more = int(np.ceil(wanted - evidence.cases))
    return (more, more) if more > 0 else None


def _repeats_needed(evidence: PairedEvidence, level: float, alpha: float) -> Needs | None:
    """How many more attempts at each case would give a verdict about cases like these; None where that cannot be known."""
    noise = evidence.noise
    if noise is None or not evidence.spread:
        return None
    now, made = np.array([evidence.cases], float), evidence.pairs / evidence.cases

    def power(differs: bool) -> Power:
        return lambda repeats: _power(
            evidence, now, level, alpha, narrower=np.sqrt(1 - noise + noise * made / repeats), differs=differs
        )

    return _more(np.geomspace(1, MAX_CASES, 120) * made, [power(True), power(False)], made)


def chance_to_hold(limit: float, confidence: float | None, rate: float, attempts: int) -> float:
    """How often a pass rate that stays at ``rate`` seems to move by less than ``limit``, with this confidence (0 to 1) if any."""
    error = np.sqrt(2 * rate * (1 - rate) / attempts)
    sure = 0.0 if confidence is None else float(ndtri(confidence))
    return float(ndtr(limit / error - sure))
