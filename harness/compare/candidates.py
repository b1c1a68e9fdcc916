"""Several candidates against one reference: a comparison each, their verdicts corrected for all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.compare.comparison import Comparison
from harness.compare.verdicts import corrected


@dataclass(frozen=True, slots=True)
class Comparisons:
    """``each``: a comparison per candidate, in the order of the run. ``notes``: what holds for all of them; they keep their own."""

    axis: str
    reference: str
    each: Sequence[Comparison]
    notes: Sequence[str] = ()

    @property
    def simulated(self) -> bool:
        return any(each.simulated for each in self.each)

    @property
    def corrected_for(self) -> int:
        """How many verdicts the correction of each reckons with: those that could ever tell."""
        return max((found.found.comparisons for each in self.each for found in each.differences), default=0)

    def fields(self) -> Iterator[tuple[str, Any]]:
        """The document of ``compare --format json`` but for ``comparisons``, which are documents of two sides."""
        yield "version", 1
        yield "axis", self.axis
        yield "reference", self.reference
        yield "candidates", [each.candidate for each in self.each]
        yield "corrected_for", self.corrected_for
        yield "notes", list(self.notes)


def together(axis: str, each: Sequence[Comparison]) -> Comparisons:
    """Comparisons with one reference as one report: each verdict has to be surer, and what all of them note is noted once."""
    found = corrected([one.differences for one in each])
    common = [note for note in each[0].notes if all(note in one.notes for one in each)]
    return Comparisons(
        axis=axis,
        reference=each[0].reference,
        each=[
            replace(one, differences=some, notes=[note for note in one.notes if note not in common])
            for one, some in zip(each, found, strict=True)
        ],
        notes=common,
    )
