"""A migration: its bottom line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words

if TYPE_CHECKING:
    from harness.compare.migration import Migration


def bottom_line(document: Migration) -> tuple[str, list[str]]:
    """Whether to switch and the first reason, in a sentence that says where answers were simulated; the other reasons."""
    verdict, (first, *others) = document.bottom_line
    made_up = " (SIMULATED answers: this says nothing about Gemini)" if document.simulated else ""
    return words.printable(f"{verdict}: {first}{made_up}"), [words.printable(reason) for reason in others]
