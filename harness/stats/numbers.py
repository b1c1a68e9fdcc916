"""Seconds, tokens, dollars on both sides of the same cells: the paired bootstrap, clustered by case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.stats.evidence import CONFIDENCE, Evidence, Vector, by_case, deviation, share
from harness.stats.signs import central, grouped, least_p, parts, reached, sampled_p


def numbers(
    cases: Sequence[int],
    reference: Sequence[float] | Vector,
    candidate: Sequence[float] | Vector,
    *,
    margin: float,
    confidence: float = CONFIDENCE,
    noise: Sequence[float] | None = None,
    pairs: int | None = None,
) -> Evidence:
    """Cells by case: which case each belongs to, its mean on either side. The mean over cells, and the ratio of the means.

    ``noise``: the variance of each cell's difference that comes from its attempts (nan: one attempt only). ``pairs``: how many
    attempts both sides have; by default one a cell.
    """
    one, other = np.asarray(reference, float), np.asarray(candidate, float)
    before, after, cells = by_case(cases, one, other, np.ones(one.size))
    differences = after - before
    whole = before.sum()
    known: dict[str, Any] = {
        "pairs": one.size if pairs is None else pairs,
        "cases": cells.size,
        "reference": float(one.mean()),
        "candidate": float(other.mean()),
        "estimate": float(other.mean() - one.mean()),
        "change": float(after.sum() / whole - 1) if whole > 0 else None if after.any() else 0.0,
        "margin": margin,
        "least_p": least_p(int(np.count_nonzero(differences))),
    }
    by_cell = differences / cells
    if np.ptp(by_cell) <= 1e-12 * np.abs(by_cell).max():
        p = sampled_p(differences) if differences.any() else None
        return Evidence(**known, p=p, constant=True)
    known |= _spread(before, after, cells, noise)
    known |= _chance(before, after, cells, margin, confidence)
    return Evidence(**known)


def _chance(before: Vector, after: Vector, cells: Vector, margin: float, confidence: float) -> dict[str, object]:
    before, after, cells = grouped(before), grouped(after), grouped(cells)
    one, other = parts(before), parts(after)
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = other / one - 1
    found: dict[str, object] = {
        "p": reached(other - one, after - before),
        "interval": central((other - one) / parts(cells), confidence),
    }
    if before.sum() <= 0:
        return found
    unknown = np.isnan(changes)
    beyond = max(np.count_nonzero(unknown | (changes >= margin)), np.count_nonzero(unknown | (changes <= -margin)))
    known = None if unknown.any() else central(changes, confidence)
    return {**found, "change_interval": known, "p_outside": float((1 + beyond) / (1 + changes.size))}


def _spread(before: Vector, after: Vector, cells: Vector, noise: Sequence[float] | None) -> dict[str, float | None]:
    typical = cells.mean()
    spread = deviation((after - before) / typical)
    ratio = after.sum() / before.sum() if before.sum() > 0 else None
    relative = None if ratio is None else deviation((after - ratio * before) / before.mean())
    found = {"spread": spread, "change_spread": relative}
    if noise is not None and spread:
        # A case's difference is a mean over its cells: the noise of each cell counts by the square of its share.
        part = float(np.mean(noise)) / float(typical)
        found["noise"] = None if np.isnan(part) else share(part, spread**2)
    return found
