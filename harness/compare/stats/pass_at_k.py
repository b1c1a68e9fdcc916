"""pass@k: at least one of k attempts passes. pass^k: all of k attempts pass. As the mean over cells.

Both are the unbiased estimators over all subsets of k attempts. pass@k: Chen et al. 2021, "Evaluating Large Language Models
Trained on Code"; pass^k: Yao et al. 2024, "tau-bench".
"""

from __future__ import annotations

import numpy as np
from scipy.special import comb

from harness.compare.stats.evidence import Counts


def pass_at(passed: Counts, judged: Counts, k: int) -> float:
    """pass@k, 0 to 1. Cells may have more attempts; raises ValueError where one has fewer than ``k``."""
    return 1 - pass_all(np.asarray(judged) - np.asarray(passed), judged, k)


def pass_all(passed: Counts, judged: Counts, k: int) -> float:
    """pass^k, 0 to 1: the share of subsets of ``k`` attempts that all passed. Raises ValueError as ``pass_at``."""
    if np.min(judged) < k:
        raise ValueError(f"a cell has {np.min(judged)} attempts, fewer than {k}")
    return float(np.mean(comb(passed, k) / comb(judged, k)))
