"""The cells that both sides have, as arrays with one entry per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

from harness.compare.stats.evidence import Counts, PairedEvidence, Scope, Vector
from harness.compare.stats.numbers import numbers
from harness.compare.stats.rates import Attempts, rates
from harness.results.groups import STREAM_ONLY, Group, case_numbers
from harness.results.measures import Measures
from harness.results.rows import LARGEST

Rows = slice | Sequence[int]
"""Positions of cells."""
Columns = tuple[NDArray[Any], ...]
"""One entry per cell each."""


class PairedCells:
    """The cells that both sides have, each pair at the same place of both lists."""

    def __init__(self, reference: Sequence[Group], candidate: Sequence[Group]) -> None:
        self._sides = reference, candidate
        self._cases = np.asarray(case_numbers(candidate), np.int64)
        judged = [np.array([cell.judged for cell in side], bool) for side in self._sides]
        self._lost = ~(judged[0] & judged[1])
        self._columns: dict[str, Columns] = {}

    def evidence(self, measure: str, rows: Rows, margin: float, scope: Scope) -> PairedEvidence | None:
        """The evidence on a measure in these of the cells, None where none of them has it on both sides. That on seconds, tokens or dollars
        is always about cases like these."""
        if measure not in self._columns:
            column = _attempts if measure == "pass_rate" else self._numbers
            self._columns[measure] = (*column(self._sides[0], measure), *column(self._sides[1], measure))
        cases, *columns = (column[rows] for column in (self._cases, *self._columns[measure]))
        if measure == "pass_rate":
            return _rate_evidence(cases, *columns, margin=margin, scope=scope)
        return _number_evidence(cases, *columns, margin=margin)

    def _numbers(self, cells: Sequence[Group], measure: str) -> Columns:
        """See ``side``. The time and cost of a failed request are not those of an answer."""
        found = side(cells[0].samples if cells else Measures(), [cell.at for cell in cells], measure)
        found[0][self._lost] = 0.0
        if measure in STREAM_ONLY:
            found[0][[at for at, cell in enumerate(cells) if not cell.streamed]] = 0.0
        return found


def _attempts(cells: Sequence[Group], _: str) -> Columns:
    """The attempts that passed, and those that were judged."""
    return tuple(np.array(list(map(of, cells)), np.int64) for of in (attrgetter("passed"), attrgetter("judged")))


def _rate_evidence(cases: Counts, *columns: NDArray[Any], margin: float, scope: Scope) -> PairedEvidence | None:
    """``columns``: those of both sides, see ``_attempts``."""
    known = np.flatnonzero((columns[1] > 0) & (columns[3] > 0))
    if not known.size:
        return None
    owners, passed, judged, passed_after, judged_after = (column[known] for column in (np.asarray(cases), *columns))
    sides = {"reference": Attempts(passed, judged), "candidate": Attempts(passed_after, judged_after)}
    found = rates(owners, *sides.values(), margin=margin, scope=scope)
    k = min(int(np.min(side.judged)) for side in sides.values())
    shares = {name: {"pass@k": pass_at(*side, k), "pass^k": pass_all(*side, k)} for name, side in sides.items()}
    return replace(found, repeats={"k": k, **shares}) if k > 1 else found


def _number_evidence(cases: Counts, *columns: NDArray[Any], margin: float) -> PairedEvidence | None:
    """``columns``: those of both sides, see ``side``."""
    known = np.flatnonzero(columns[0] * columns[3])
    if not known.size:
        return None
    owners, sizes, means, noises, sizes_after, means_after, noises_after = (
        column[known] for column in (np.asarray(cases), *columns)
    )
    pairs = int(np.minimum(sizes, sizes_after).sum())
    return numbers(owners, means, means_after, margin=margin, noise=noises + noises_after, pairs=pairs)


def faults(measures: Measures, groups: Sequence[int], name: str) -> int:
    """How many attempts of these groups have a measure that is a fault: negative, or over ``LARGEST``."""
    owners, values = np.asarray(measures.groups), np.asarray(measures.column(name))
    wrong = owners[(values < 0) | (values > LARGEST)]
    return int(np.isin(wrong, np.asarray(groups)).sum()) if wrong.size else 0


def side(measures: Measures, groups: Sequence[int], name: str) -> tuple[Vector, Vector, Vector]:
    """A measure of these groups, in their order: how many attempts have it, their mean (nan where none has), and the variance of that mean
    (nan for fewer than two). What is negative, or over ``LARGEST``, is not measured."""
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
    order = np.asarray(groups, np.int64)
    return sizes[order], means[order], noises[order]


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
