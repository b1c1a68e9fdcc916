"""pass@k: at least one of k attempts passes. pass^k: all of k attempts pass.

Both are the unbiased estimators over all subsets of k attempts. pass@k: Chen et al. 2021, "Evaluating Large Language Models
Trained on Code"; pass^k: Yao et al. 2024, "tau-bench".
"""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.special import comb

from harness.compare.stats.evidence import Counts, Vector


def pass_at(passed: Counts, judged: Counts, k: int) -> float:
    """The probability that at least one of ``k`` attempts passes, as the mean over cells. Cells may have more attempts.

    Raises ValueError where a cell has fewer than ``k`` attempts.
    """
    failed = np.asarray(judged) - np.asarray(passed)
    return float(np.mean(1 - _share(failed, judged, k)))


def pass_all(passed: Counts, judged: Counts, k: int) -> float:
    """The probability that all of ``k`` attempts pass, as the mean over cells. Raises ValueError as ``pass_at``."""
    return float(np.mean(_share(passed, judged, k)))


def _share(of: object, judged: Counts, k: int) -> Vector:
    """For each cell, the fraction of all subsets of ``k`` attempts that lie within its first ``of`` attempts."""
    if np.min(judged) < k:
        raise ValueError(f"a cell has {np.min(judged)} attempts, fewer than {k}")
    return cast("Vector", comb(of, k) / comb(judged, k))
