"""The line of a trial that passed in all, and as little of it as a summary needs: most lines of most runs are such.

`msgspec` skips the rest without making anything of it. Import this where runs are read back: a run that is played needs none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from msgspec import Raw, Struct
from msgspec.json import Decoder

from harness.rows import BriefVerdictRow, OutcomeRow, PlaceRow

Broken = tuple[tuple[str, bool], ...]
"""Checks, each with whether it broke."""


class Source(Struct, gc=False):
    """See ``ProvenanceRow``."""

    mode: str
    recorded_from: str
    recorded_at: str | None
    timing: str
    simulated: bool


class Passed(Struct, gc=False):
    """See ``TrialRow``."""

    id: str
    group: str
    suite: str
    case: str
    target: str
    axes: Raw
    attempt: int
    streamed: bool
    place: Raw
    require: int | None
    xfail: None
    skip: str | None
    agree: Literal["shape", "text"] | None
    status: Literal["passed"]
    verdicts: Raw
    measures: dict[str, float | None]
    provenance: Source | None
    error: None
    outcome: Raw
    unpriced: str | None = None

    def checks(self) -> Broken | None:
        """The checks, where all of them held; None where one did not. Raises ValueError."""
        return _checks(bytes(self.verdicts))

    def stands(self) -> PlaceRow:
        """One object for equal places. Raises ValueError."""
        return _place(bytes(self.place))

    def swept(self) -> dict[str, Any]:
        """The axis values; one object for equal ones, not to be written to. Raises ValueError."""
        return _axes(bytes(self.axes))

    def answer(self) -> OutcomeRow | None:
        """The shape of the last answer. Raises ValueError."""
        found: OutcomeRow | None = _outcome(bytes(self.outcome))
        return found


decode = Decoder(Passed).decode
"""A line. Raises ValueError where it is none of a trial that passed."""


@lru_cache(maxsize=1024)
def _checks(verdicts: bytes) -> Broken | None:
    """Most trials of a run say the same bytes."""
    rows = _verdict_rows(verdicts)
    held = all(row["status"] == "passed" for row in rows)
    return tuple(dict.fromkeys((row["check"], False) for row in rows)) if held else None


@lru_cache(maxsize=1024)
def _place(text: bytes) -> PlaceRow:
    return _place_row(text)


@lru_cache(maxsize=1024)
def _axes(text: bytes) -> dict[str, Any]:
    return _values(text)


_verdict_rows = Decoder(list[BriefVerdictRow]).decode
_outcome = Decoder(OutcomeRow | None).decode
_place_row = Decoder(PlaceRow).decode
_values = Decoder(dict[str, Any]).decode
