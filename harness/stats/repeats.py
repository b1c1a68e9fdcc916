"""What repeats of a case say: at least one of k attempts passes (pass@k), all of k pass (pass^k)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from scipy.special import comb

from harness.stats.evidence import Vector


def pass_at(passed: Sequence[int], judged: Sequence[int], k: int) -> float:
    """The mean chance over cells that at least one of ``k`` attempts passes. Unbiased; every cell needs ``k`` attempts."""
    failed = np.asarray(judged) - np.asarray(passed)
    return float(np.mean(1 - _ways(failed, k) / _ways(np.asarray(judged), k)))


def pass_all(passed: Sequence[int], judged: Sequence[int], k: int) -> float:
    """The mean chance over cells that all of ``k`` attempts pass. Unbiased; every cell needs ``k`` attempts."""
    return float(np.mean(_ways(np.asarray(passed), k) / _ways(np.asarray(judged), k)))


def _ways(of: object, k: int) -> Vector:
    return cast("Vector", comb(of, k))
