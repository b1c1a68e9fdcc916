"""Attacks on the program from outside, with figures: ``make attack``. Not part of CI: it takes minutes.

Each module in here has ``attack() -> Iterator[Figures]``. All figures except ``tries`` must be 0.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """What one attack found, as counts over its ``tries``."""

    attack: str
    tries: int
    lost: int = 0
    """Answers that were received but are in no file."""
    twice: int = 0
    """Answers that were requested or written again without need."""
    leaked: int = 0
    """Keys in a file or in the output."""
    internal_errors: int = 0
    """Exits with code 3, tracebacks, and commands that did not end in time."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.leaked or self.internal_errors)
