"""A migration: its bottom line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words

if TYPE_CHECKING:
    from harness.compare.migration import Migration


def bottom_line(document: Migration) -> tuple[str, list[str]]:
    """(whether to switch, with the first reason and a note on simulated answers; the other reasons)."""
    verdict, (first, *others) = document.bottom_line
    made_up = " (SIMULATED answers: this says nothing about Gemini)" if document.simulated else ""
    return words.printable(f"{verdict}: {first}{made_up}"), [words.printable(reason) for reason in others]
