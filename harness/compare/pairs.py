"""Pairs of cells: which group of the reference belongs to which group of the candidate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from harness.results.groups import Group, Groups

NONE = -1
"""Stands in place of a group's number where a side does not have the cell."""


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


class Pairs(Sequence[Pair]):
    """Pairs of cells, kept as group numbers: ``base_rows`` in ``base``, ``candidate_rows`` in ``candidate``.

    A `Pair` is created only when it is read, so that many cells take little memory.
    """

    def __init__(
        self, base: Groups, candidate: Groups, base_rows: Sequence[int], candidate_rows: Sequence[int]
    ) -> None:
        self.base, self.candidate, self.base_rows, self.candidate_rows = base, candidate, base_rows, candidate_rows

    def __len__(self) -> int:
        return len(self.base_rows)

    def __getitem__(self, at: int) -> Pair:  # type: ignore[override]
        return Pair(_group(self.base, self.base_rows[at]), _group(self.candidate, self.candidate_rows[at]))

    def __iter__(self) -> Iterator[Pair]:
        return (self[at] for at in range(len(self)))

    @property
    def sides(self) -> tuple[tuple[Groups, Sequence[int]], tuple[Groups, Sequence[int]]]:
        """(groups, numbers of the cells among them) of the reference and of the candidate."""
        return (self.base, self.base_rows), (self.candidate, self.candidate_rows)

    @cached_property
    def both(self) -> Pairs:
        """The cells that both sides have."""
        if NONE not in self.base_rows and NONE not in self.candidate_rows:
            return self
        return self._subset([at for at in range(len(self)) if self.base_rows[at] != NONE != self.candidate_rows[at]])

    def differing(self) -> Iterator[Pair]:
        """The cells whose tallies or requests differ between the sides. Call it on ``both`` only.

        Equal cells share one tally object, so comparing them is fast.
        """
        (before, was), (after, now) = (
            ([groups.tallies[row] for row in rows], [groups.settings[row] for row in rows])
            for groups, rows in self.sides
        )
        for at, (tally, candidate_tally, asked, candidate_asked) in enumerate(
            zip(before, after, was, now, strict=True)
        ):
            if (tally, asked) != (candidate_tally, candidate_asked):
                yield self[at]

    def of(self, suite: str | None) -> Pairs:
        """The cells of one suite; all cells for None."""
        return self if suite is None else self._subset([at for at, pair in enumerate(self) if pair.suite == suite])

    def _subset(self, places: Sequence[int]) -> Pairs:
        base_rows, candidate_rows = ([side[at] for at in places] for side in (self.base_rows, self.candidate_rows))
        return Pairs(self.base, self.candidate, base_rows, candidate_rows)


def _group(groups: Groups, row: int) -> Group | None:
    return None if row == NONE else Group(groups, row)
