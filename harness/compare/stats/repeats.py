"""What repeats of a case say: at least one of k attempts passes (pass@k), all of k pass (pass^k)."""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.special import comb

from harness.compare.stats.evidence import Counts, Vector


def pass_at(passed: Counts, judged: Counts, k: int) -> float:
    """The mean chance over cells that at least one of ``k`` attempts passes. Unbiased, however many more a cell has.

    Raises ValueError where a cell has fewer than ``k``: what they would have been is not known.
    """
    failed = np.asarray(judged) - np.asarray(passed)
    return float(np.mean(1 - _share(failed, judged, k)))


def pass_all(passed: Counts, judged: Counts, k: int) -> float:
    """The mean chance over cells that all of ``k`` attempts pass; as ``pass_at``."""
    return float(np.mean(_share(passed, judged, k)))


def _share(of: object, judged: Counts, k: int) -> Vector:
    """Of all ways to choose ``k`` attempts of each cell, the part that chooses from ``of`` only."""
    if np.min(judged) < k:
        raise ValueError(f"a cell has {np.min(judged)} attempts, fewer than {k}")
    return cast("Vector", comb(of, k) / comb(judged, k))
