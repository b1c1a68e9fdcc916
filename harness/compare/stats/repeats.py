"""What repeats show: how far attempts at the same cell disagree, and the smallest change that can be seen through it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv, ndtri

from harness.compare.stats.evidence import CONFIDENCE, Interval, min_cases
from harness.compare.stats.rates import clopper_pearson
from harness.compare.stats.verdict import ALPHA, POWER

SEEN = float(ndtri(1 - ALPHA / 2) + ndtri(POWER))
"""In standard errors: a change as large as this is significant in 80% of comparisons."""


def share_of_flips(passed: Sequence[int], judged: Sequence[int]) -> list[float]:
    """For each cell, the share of pairs of its attempts that disagree, without bias; 2 attempts or more each."""
    held, of = np.asarray(passed, float), np.asarray(judged, float)
    return [float(share) for share in 2 * held * (of - held) / (of * (of - 1))]


def flip_interval_of(passed: int, judged: int) -> Interval:
    """The interval of the probability that two attempts disagree, from that of the pass rate; it holds the share that was seen."""
    low, high = clopper_pearson(passed, judged, CONFIDENCE)
    ends = [2 * rate * (1 - rate) for rate in (low, high)]
    [seen] = share_of_flips([passed], [judged])
    return min(*ends, seen), max(0.5 if low <= 0.5 <= high else max(ends), seen)


def spread_of_flips(shares: Sequence[float], passed: Sequence[int], judged: Sequence[int]) -> Interval:
    """The interval of the mean share over cells; with no flip at all, what that many pairs could have hidden.

    Too few cells show no scatter between them: then the mean of the ends of each, which is wider.
    """
    from harness.compare.stats.numbers import mean_interval

    if not any(shares):
        return 0.0, float(1 - (1 - CONFIDENCE) ** (1 / sum(of // 2 for of in judged)))
    found = mean_interval(range(len(shares)), list(shares))
    if found is None:
        lows, highs = zip(*map(flip_interval_of, passed, judged), strict=True)
        found = float(np.mean(lows)), float(np.mean(highs))
    return max(found[0], 0.0), min(found[1], 1.0)


def visible_rate(shares: Sequence[float], repeats: int) -> float:
    """The smallest change of the pass rate that two runs with this number of repeats show, on these cells.

    A cell's variance is half of its share of flips. Where nothing flips by itself, ``min_cases`` attempts or more have to fail.
    """
    error = math.sqrt(sum(share / repeats for share in shares)) / len(shares)
    attempts, least = len(shares) * repeats, min_cases(ALPHA, mid_p=True)
    if attempts < least:
        return 1.0
    return min(1.0, max(SEEN * error, float(betaincinv(least, attempts - least + 1, POWER))))


def visible_number(values: Sequence[Sequence[float]], repeats: int) -> float:
    """The smallest relative change of a mean that two runs with this number of repeats show; ``values``: the attempts of each cell."""
    whole = sum(float(np.mean(of)) for of in values)
    varied = (of for of in values if max(of) > min(of))  # equal numbers have a variance by rounding
    variance = sum(2 * float(np.var(of, ddof=1)) / repeats for of in varied)
    return SEEN * math.sqrt(variance) / whole if whole > 0 else math.inf
