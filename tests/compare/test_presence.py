"""The exact test of presence, against counting all ways to divide the answers; the correction for many tests."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from harness.compare.stats.exact import more_pairs, presence
from harness.compare.stats.multiple_comparisons import counting


def brute(strata: list[tuple[int, int, int]]) -> float:
    """The two-sided p value by listing, in each case, which of its answers show it on the reference."""
    ways = [
        [len(set(chosen) & set(range(reference + candidate))) for chosen in combinations(range(2 * answers), answers)]
        for answers, reference, candidate in strata
    ]
    seen = sum(reference for _, reference, _ in strata)
    totals = [sum(way) for way in product(*ways)]
    low, high = sum(total <= seen for total in totals), sum(total >= seen for total in totals)
    return min(1.0, 2 * min(low, high) / len(totals))


@pytest.mark.parametrize(
    "strata",
    [
        [(1, 1, 0)] * 6,
        [(1, 1, 0)] * 4 + [(1, 0, 1)],
        [(2, 2, 0), (2, 1, 1)],
        [(3, 3, 0), (3, 2, 1)],
        [(2, 0, 1), (1, 0, 1), (3, 0, 2)],
    ],
)
def test_it_is_the_share_of_all_ways_that_are_as_extreme(strata: list[tuple[int, int, int]]) -> None:
    counted = {key: strata.count(key) for key in strata}
    assert presence(counted).p == pytest.approx(brute(strata))


def test_many_answers_are_close_to_few_of_the_same_shares() -> None:
    assert presence({(4, 3, 2): 60}).p == pytest.approx(presence({(4, 3, 2): 101}).p, abs=0.02)
    assert presence({(2, 2, 0): 500}).p < 1e-12


def test_three_of_any_number_is_never_sure() -> None:
    assert presence({(1, 1, 0): 3}).p == 0.25


def test_tests_that_can_never_be_significant_do_not_count() -> None:
    assert counting([2**-9], 0.05) == 1
    assert counting([2**-9] * 5 + [0.5] * 100, 0.05) == 5
    assert counting([], 0.05) == 1


def test_how_many_more_pairs_would_decide() -> None:
    assert more_pairs(4, 0, 4, 0.05) == 2  # 2 * 2**-6 < 0.05
    assert more_pairs(2, 0, 4, 0.05) == 8
    assert more_pairs(8, 4, 12, 0.05) > 12
