"""The cells that both sides have, as arrays with one entry per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import comb

from harness.compare.stats.evidence import Counts, PairedEvidence, Scope, Vector
from harness.compare.stats.numbers import numbers
from harness.compare.stats.rates import Attempts, rates
from harness.results.measures import Measures
from harness.results.rows import LARGEST

Rows = slice | Sequence[int]
"""Positions of cells."""


class Verdicts(NamedTuple):
    """The passed and judged attempts of each cell, on both sides. ``cases``: the number of each cell's case."""

    cases: Counts
    reference: Attempts
    candidate: Attempts

    def of(self, rows: Rows) -> Verdicts:
        """Those of these cells that were judged on both sides."""
        columns = [np.asarray(column)[rows] for column in (self.cases, *self.reference, *self.candidate)]
        known = np.flatnonzero((columns[2] > 0) & (columns[4] > 0))
        cases, passed, judged, passed_after, judged_after = (column[known] for column in columns)
        return Verdicts(cases, Attempts(passed, judged), Attempts(passed_after, judged_after))

    def evidence(self, margin: float, scope: Scope) -> PairedEvidence | None:
        """The evidence on the pass rate; None where there are no cells."""
        if not len(self.cases):
            return None
        return replace(rates(*self, margin=margin, scope=scope), repeats=self._repeats())

    def _repeats(self) -> dict[str, Any] | None:
        sides = {"reference": self.reference, "candidate": self.candidate}
        k = min(int(np.min(side.judged)) for side in sides.values())
        if k < 2:
            return None
        return {"k": k} | {
            name: {"pass@k": pass_at(*side, k), "pass^k": pass_all(*side, k)} for name, side in sides.items()
        }


class SideMeasures(NamedTuple):
    """A measure on one side, three arrays with one entry per cell.

    ``sizes``: how many attempts have the measure; ``means``: their mean; ``noises``: the variance of that mean, nan for
    fewer than two attempts.
    """

    sizes: Vector
    means: Vector
    noises: Vector


def faults(measures: Measures, groups: Sequence[int], name: str) -> int:
    """How many attempts of these groups have a measure that is a fault: negative, or over ``LARGEST``."""
    owners, values = np.asarray(measures.groups), np.asarray(measures.column(name))
    wrong = owners[(values < 0) | (values > LARGEST)]
    return int(np.isin(wrong, np.asarray(groups)).sum()) if wrong.size else 0


def side(measures: Measures, groups: Sequence[int], name: str) -> SideMeasures:
    """A measure of these groups, in their order; mean nan where a group does not have it. What is negative, or over ``LARGEST``, is not measured."""
    owners, values = np.asarray(measures.groups, np.int64), np.asarray(measures.column(name))
    known = np.flatnonzero((values >= 0) & (values <= LARGEST))
    owners, values = owners[known], values[known]
    number = 1 + max(groups, default=-1)
    owners, values = owners[owners < number], values[owners < number]
    sizes = np.bincount(owners, minlength=number).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(owners, values, number) / sizes
        means += np.bincount(owners, values - means[owners], number) / sizes  # equal values have exactly their mean
        noises = np.bincount(owners, (values - means[owners]) ** 2, number) / (sizes - 1) / sizes
    return SideMeasures(*(column[np.asarray(groups, np.int64)] for column in (sizes, means, noises)))


class Measured(NamedTuple):
    """A measure in seconds, tokens or dollars, on both sides. ``cases``: the number of each cell's case."""

    cases: Counts
    reference: SideMeasures
    candidate: SideMeasures

    def of(self, rows: Rows) -> Measured:
        """Those of these cells in which both sides have the measure."""
        cases, *columns = (np.asarray(column)[rows] for column in (self.cases, *self.reference, *self.candidate))
        known = np.flatnonzero(columns[0] * columns[3])
        kept = [column[known] for column in columns]
        return Measured(cases[known], SideMeasures(*kept[:3]), SideMeasures(*kept[3:]))

    def evidence(self, margin: float, _: Scope) -> PairedEvidence | None:
        """The evidence on the measure, always about cases like these; None where there are no cells."""
        reference, candidate = self.reference, self.candidate
        if not len(self.cases):
            return None
        return numbers(
            self.cases,
            reference.means,
            candidate.means,
            margin=margin,
            noise=reference.noises + candidate.noises,
            pairs=int(np.minimum(reference.sizes, candidate.sizes).sum()),
        )


# --- pass@k and pass^k: at least one, or all, of k attempts pass ----------------------------------------
#
# Both are the unbiased estimators over all subsets of k attempts, as the mean over cells. pass@k: Chen et al. 2021, "Evaluating Large
# Language Models Trained on Code"; pass^k: Yao et al. 2024, "tau-bench".


def pass_at(passed: Counts, judged: Counts, k: int) -> float:
    """pass@k, 0 to 1. Each cell has ``k`` attempts or more."""
    return 1 - pass_all(np.asarray(judged) - np.asarray(passed), judged, k)


def pass_all(passed: Counts, judged: Counts, k: int) -> float:
    """pass^k, 0 to 1: the share of subsets of ``k`` attempts that all passed."""
    return float(np.mean(comb(passed, k) / comb(judged, k)))
