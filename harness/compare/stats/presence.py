"""Whether one side shows something more often than the other: an exact test, stratified by case.

In a stratum (a case) both sides have the same number of answers. The test is that of `exact.divisions`, where the observed outcome counts
whole, so that no claim is too frequent. With one answer a side it is McNemar's exact test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from scipy.special import bdtrc, ndtri

from harness.compare.stats import exact

Strata = Mapping[tuple[int, int, int], int]
"""(answers a side, how many on the reference show it, how many on the candidate) -> the number of such cases."""


def presence(strata: Strata) -> exact.Tail:
    """The test of no difference between the sides."""
    if all(answers == 1 for answers, _, _ in strata):
        return _binomial(strata.get((1, 1, 0), 0), strata.get((1, 0, 1), 0))
    more = sum((candidate - reference) * number for (_, reference, candidate), number in strata.items())
    steps = [
        exact.division(answers, answers, reference + candidate, answers, number)
        for (answers, reference, candidate), number in strata.items()
    ]
    found = exact.tail(more, steps)
    return exact.Tail(min(1.0, found.p + found.at), min(1.0, 2 * found.least))


def _binomial(there: int, back: int) -> exact.Tail:
    """Faster, and exact in the farthest tail."""
    tosses = there + back
    p = min(1.0, 2 * float(bdtrc(max(there, back) - 1, tosses, 0.5))) if tosses else 1.0
    return exact.Tail(p, min(1.0, 2 * 0.5**tosses))


def more_pairs(more: int, fewer: int, of: int, level: float) -> int:
    """How many more pairs would decide, if they are like those so far: ``more`` differ in one direction, ``fewer`` in the other."""
    decide = math.ceil(math.log2(2 / level))
    if fewer:
        decide = math.ceil((float(ndtri(1 - level / 2)) * (more + fewer) / (more - fewer)) ** 2)
    return max(1, math.ceil(decide * of / (more + fewer)) - of)
