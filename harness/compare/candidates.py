"""Compares several candidates with one reference; the verdicts are corrected for all comparisons together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.compare.comparison import Comparison
from harness.compare.verdicts import corrected


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Several candidates against one reference.

    ``comparisons``: one per candidate, in the order of the run. ``notes``: the notes that all comparisons share; each
    comparison keeps its other notes.
    """

    axis: str
    reference: str
    comparisons: Sequence[Comparison]
    notes: Sequence[str] = ()

    @property
    def simulated(self) -> bool:
        return any(comparison.simulated for comparison in self.comparisons)

    @property
    def corrected_for(self) -> int:
        """How many verdicts on pass rates the correction counts: those that can be significant at all."""
        rates = [comparison.overall.get("pass_rate") for comparison in self.comparisons]
        return max((rate.found.comparisons for rate in rates if rate), default=0)

    def fields(self) -> Iterator[tuple[str, Any]]:
        """The fields of ``compare --format json``, except ``comparisons``, whose items are documents of two sides."""
        yield "version", 1
        yield "axis", self.axis
        yield "reference", self.reference
        yield "candidates", [comparison.candidate for comparison in self.comparisons]
        yield "corrected_for", self.corrected_for
        yield "notes", list(self.notes)


def combine(axis: str, comparisons: Sequence[Comparison]) -> Comparisons:
    """Comparisons with one reference as one report.

    The verdicts are corrected for all comparisons together. Notes that all of them share appear once.
    """
    found = corrected([comparison.differences for comparison in comparisons])
    common = [note for note in comparisons[0].notes if all(note in comparison.notes for comparison in comparisons)]
    return Comparisons(
        axis=axis,
        reference=comparisons[0].reference,
        comparisons=[
            replace(comparison, differences=some, notes=[note for note in comparison.notes if note not in common])
            for comparison, some in zip(comparisons, found, strict=True)
        ],
        notes=common,
    )
