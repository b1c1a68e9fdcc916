"""A migration: its bottom line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.render import words

if TYPE_CHECKING:
    from harness.migration import Migration


def bottom_line(document: Migration) -> str:
    """Whether to switch, in a sentence that says where answers were simulated."""
    made_up = " (SIMULATED answers: this says nothing about Gemini)" if document.simulated else ""
    return words.printable(f"{document.bottom_line}{made_up}")
