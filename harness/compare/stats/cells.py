"""The cells that both sides have, as arrays with one entry per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.special import comb

from harness.compare.stats.evidence import Counts, PairedEvidence, Scope, Vector
from harness.compare.stats.numbers import numbers
from harness.compare.stats.rates import Attempts, rates
from harness.results.measures import Measures
from harness.results.rows import LARGEST

Rows = slice | Sequence[int]
"""Positions of cells."""


def rate_evidence(
    cases: Counts, reference: Attempts, candidate: Attempts, rows: Rows, margin: float, scope: Scope
) -> PairedEvidence | None:
    """The evidence on the pass rate in those of these cells that were judged on both sides; None where there are none."""
    columns = [np.asarray(column)[rows] for column in (cases, *reference, *candidate)]
    known = np.flatnonzero((columns[2] > 0) & (columns[4] > 0))
    if not known.size:
        return None
    owners, passed, judged, passed_after, judged_after = (column[known] for column in columns)
    sides = {"reference": Attempts(passed, judged), "candidate": Attempts(passed_after, judged_after)}
    found = rates(owners, *sides.values(), margin=margin, scope=scope)
    k = min(int(np.min(side.judged)) for side in sides.values())
    shares = {name: {"pass@k": pass_at(*side, k), "pass^k": pass_all(*side, k)} for name, side in sides.items()}
    return replace(found, repeats={"k": k, **shares}) if k > 1 else found


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


def number_evidence(
    cases: Counts, reference: SideMeasures, candidate: SideMeasures, rows: Rows, margin: float, _: Scope
) -> PairedEvidence | None:
    """The evidence on seconds, tokens or dollars, always about cases like these, in those of these cells in which both sides have
    them; None where there are none."""
    owners, *columns = (np.asarray(column)[rows] for column in (cases, *reference, *candidate))
    known = np.flatnonzero(columns[0] * columns[3])
    if not known.size:
        return None
    sizes, means, noises, sizes_after, means_after, noises_after = (column[known] for column in columns)
    pairs = int(np.minimum(sizes, sizes_after).sum())
    return numbers(owners[known], means, means_after, margin=margin, noise=noises + noises_after, pairs=pairs)


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
