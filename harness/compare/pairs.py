"""Pairs of cells: which group of the reference belongs to which group of the candidate."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from harness.results.groups import Group


class Pair(NamedTuple):
    """One cell on both sides; None where a side does not have it."""

    reference: Group | None
    candidate: Group | None

    @property
    def side(self) -> Group:
        """The candidate, or the reference where there is no candidate."""
        side = self.candidate or self.reference
        assert side is not None
        return side

    @property
    def id(self) -> str:
        return self.side.id

    @property
    def suite(self) -> str:
        return self.side.suite


class Pairs(list[Pair]):
    """The pairs of cells of a comparison."""

    @cached_property
    def both(self) -> Pairs:
        """The cells that both sides have."""
        return Pairs([pair for pair in self if pair.reference and pair.candidate])

    @property
    def sides(self) -> tuple[list[Group], list[Group]]:
        """The cells of the reference, and those of the candidate. Those of ``both`` are in the same order."""
        return [pair.reference for pair in self if pair.reference], [pair.candidate for pair in self if pair.candidate]

    def of(self, suite: str | None) -> Pairs:
        """The cells of one suite; all cells for None."""
        return self if suite is None else Pairs([pair for pair in self if pair.suite == suite])
