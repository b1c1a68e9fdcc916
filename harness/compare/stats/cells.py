"""The cells that both sides have, in arrays: what all of them say, or some, as far as it is known on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.compare.stats.evidence import CONFIDENCE, Counts, PairedEvidence, Vector
from harness.compare.stats.numbers import numbers
from harness.compare.stats.rates import Attempts, rates
from harness.compare.stats.repeats import pass_all, pass_at
from harness.results.measures import ELSEWHERE, Measures

Rows = slice | Sequence[int]
"""Which of the cells: mostly they follow each other."""


class Verdicts(NamedTuple):
    """How many attempts passed, of how many that were judged. ``cases`` numbers the case of each cell."""

    cases: Counts
    reference: Attempts
    candidate: Attempts

    def of(self, rows: Rows) -> Verdicts:
        """Of these cells those that were judged on both sides."""
        columns = [np.asarray(each)[rows] for each in (self.cases, *self.reference, *self.candidate)]
        known = np.flatnonzero((columns[2] > 0) & (columns[4] > 0))
        cases, passed, judged, passed_after, judged_after = (each[known] for each in columns)
        return Verdicts(cases, Attempts(passed, judged), Attempts(passed_after, judged_after))

    def evidence(self, margin: float, confidence: float = CONFIDENCE) -> PairedEvidence | None:
        """None of no cells."""
        return rates(*self, margin=margin, confidence=confidence) if len(self.cases) else None

    def repeats(self) -> dict[str, Any] | None:
        """``k``, and pass@k and pass^k on both sides; None unless every cell has several attempts."""
        sides = {"reference": self.reference, "candidate": self.candidate}
        k = min(int(np.min(side.judged)) for side in sides.values()) if len(self.cases) else 0
        if k < 2:
            return None
        return {"k": k} | {
            name: {"pass@k": pass_at(*side, k), "pass^k": pass_all(*side, k)} for name, side in sides.items()
        }


class SideMeasures(NamedTuple):
    """A measure of one side, cell by cell: how many attempts have it, their mean, the variance of the mean (nan of less than two)."""

    sizes: Vector
    means: Vector
    noises: Vector


def side(measures: Measures, groups: Sequence[int], name: str) -> SideMeasures:
    """What these groups say of a measure."""
    rows = np.arange(groups.start, groups.stop) if isinstance(groups, range) else np.asarray(groups, np.int64)
    shelf, row = (np.asarray(each)[rows] for each in (measures.table, measures.row))
    means = np.full(rows.size, np.nan)
    for number, each in enumerate(measures.tables):
        if name in each.names:
            here = np.flatnonzero(shelf == number)
            means[here] = np.asarray(each.values)[each.names.index(name) :: len(each.names)][row[here]]
    found = SideMeasures(np.asarray(~np.isnan(means), np.float64), means, np.full(rows.size, np.nan))
    if measures.several:
        for at in np.flatnonzero(shelf == ELSEWHERE):
            several = measures.moments(int(rows[at]), name)
            if several.size:
                found.sizes[at], found.means[at], found.noises[at] = several.size, several.mean, several.noise
    return found


class Measured(NamedTuple):
    """Seconds, tokens, dollars. ``cases`` numbers the case of each cell."""

    cases: Counts
    reference: SideMeasures
    candidate: SideMeasures

    def of(self, rows: Rows) -> Measured:
        """Of these cells those that both sides have a number of."""
        cases, *columns = (np.asarray(each)[rows] for each in (self.cases, *self.reference, *self.candidate))
        known = np.flatnonzero(columns[0] * columns[3])
        kept = [each[known] for each in columns]
        return Measured(cases[known], SideMeasures(*kept[:3]), SideMeasures(*kept[3:]))

    def evidence(self, margin: float, confidence: float = CONFIDENCE) -> PairedEvidence | None:
        """None of no cells."""
        one, other = self.reference, self.candidate
        if not len(self.cases):
            return None
        return numbers(
            self.cases,
            one.means,
            other.means,
            margin=margin,
            noise=one.noises + other.noises,
            pairs=int(np.minimum(one.sizes, other.sizes).sum()),
            confidence=confidence,
        )
