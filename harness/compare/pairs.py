"""The cells of two sides, side by side: which group of the one belongs to which of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from harness.results.groups import Group, Groups

NONE = -1
"""In place of a group's number: that side does not have the cell."""


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
    """Cells by the numbers of their groups on both sides: ``rows`` in ``base``, ``twins`` in ``candidate``. Pairs are made when asked for."""

    def __init__(self, base: Groups, candidate: Groups, rows: Sequence[int], twins: Sequence[int]) -> None:
        self.base, self.candidate, self.rows, self.twins = base, candidate, rows, twins

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> Pair:  # type: ignore[override]
        return Pair(_group(self.base, self.rows[at]), _group(self.candidate, self.twins[at]))

    def __iter__(self) -> Iterator[Pair]:
        return (self[at] for at in range(len(self)))

    @property
    def sides(self) -> tuple[tuple[Groups, Sequence[int]], tuple[Groups, Sequence[int]]]:
        """The reference and the candidate: groups, and the numbers of the cells among them."""
        return (self.base, self.rows), (self.candidate, self.twins)

    @cached_property
    def both(self) -> Pairs:
        """The cells that both sides have."""
        if NONE not in self.rows and NONE not in self.twins:
            return self
        return self._chosen([at for at in range(len(self)) if self.rows[at] != NONE != self.twins[at]])

    def unlike(self) -> Iterator[Pair]:
        """The cells that both have and that did not come out alike, or are not judged alike: most did, and share what says so."""
        (before, was), (after, now) = (
            ([groups.tallies[row] for row in rows], [groups.settings[row] for row in rows])
            for groups, rows in self.sides
        )
        for at, (tally, other, asked, also) in enumerate(zip(before, after, was, now, strict=True)):
            if (tally, asked) != (other, also):
                yield self[at]

    def of(self, suite: str | None) -> Pairs:
        """The cells of that suite; None: all."""
        return self if suite is None else self._chosen([at for at, pair in enumerate(self) if pair.suite == suite])

    def _chosen(self, places: Sequence[int]) -> Pairs:
        rows, twins = ([side[at] for at in places] for side in (self.rows, self.twins))
        return Pairs(self.base, self.candidate, rows, twins)


def _group(groups: Groups, row: int) -> Group | None:
    return None if row == NONE else Group(groups, row)
