"""Which facts differ more often than chance allows: the tests of a report, corrected for everything that it compares.

Numbers are many and vary by themselves, so they share a fifth of the probability of a wrong claim; what is there or not has the rest.
Each part is corrected by Holm's method, and facts that always differ together are one test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness.compare.fidelity_claims import FactCounts
from harness.compare.fidelity_facts import Fact
from harness.compare.verdicts import ALPHA
from harness.text.grouping import grouped

_OF_NUMBERS = 0.2 * ALPHA
OF_THE_REST = ALPHA - _OF_NUMBERS
"""The probability of any wrong claim on what is there or not: a field, a type, a value, a header."""


class FactTest(NamedTuple):
    """``p``: of no difference between the sides; ``level``: what it must not exceed for a claim."""

    p: float
    level: float

    @property
    def claims(self) -> bool:
        return self.p <= self.level


def tests(counted: Mapping[Fact, FactCounts]) -> dict[Fact, FactTest]:
    """The test of each fact."""
    numbers = {fact: counts for fact, counts in counted.items() if fact.kind == "number"}
    others = {fact: counts for fact, counts in counted.items() if fact.kind != "number"}
    return {**_family(others, OF_THE_REST), **_family(numbers, _OF_NUMBERS)}


def strictest(found: Mapping[Fact, FactTest]) -> float:
    """The level that any claim on what is there or not keeps."""
    return min((test.level for fact, test in found.items() if fact.kind != "number"), default=OF_THE_REST)


def _family(counted: Mapping[Fact, FactCounts], alpha: float) -> dict[Fact, FactTest]:
    from harness.compare.stats.multiple_comparisons import holm
    from harness.compare.stats.presence import presence

    found = {fact: presence(counts.strata) for fact, counts in counted.items()}
    alike = grouped(counted, lambda fact: counted[fact].pattern)
    corrected = holm(
        [min(found[fact].p for fact in facts) for facts in alike.values()],
        [min(found[fact].least_p for fact in facts) for facts in alike.values()],
        alpha,
    )
    levels = {pattern: one.level for pattern, one in zip(alike, corrected, strict=True)}
    return {fact: FactTest(found[fact].p, levels[counted[fact].pattern]) for fact in counted}
