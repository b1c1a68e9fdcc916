"""Decodes the line of a trial that passed every check, and only the fields that a summary needs. Most lines are such.

`msgspec` skips the other fields without creating objects. Import this module only where runs are read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from harness.results.decoding import ATTEMPTS, axes
from harness.results.groups import Attempt, CellSettings, Origin
from harness.results.rows import LARGEST, OutcomeRow


class _PassedCheck(Struct, gc=False):
    """A check that passed. See ``VerdictRow``."""

    check: str
    status: Literal["passed"]


class _Place(Struct, gc=False):
    """See ``PlaceRow``."""

    file: str
    line: int


class _Provenance(Struct, gc=False):
    """See ``ProvenanceRow``."""

    mode: str
    recorded_from: str
    recorded_at: str | None
    timing: str
    simulated: bool


class PassedRow(Struct, gc=False):
    """A trial that passed. See ``TrialRow``."""

    group: str
    suite: str
    case: str
    target: str
    axes: Raw
    attempt: Annotated[int, Meta(ge=0, lt=ATTEMPTS)]
    streamed: bool
    place: _Place
    require: int | None
    xfail: None
    skip: str | None
    agree: Literal["shape", "text"] | None
    status: Literal["passed"]
    verdicts: list[_PassedCheck]
    measures: dict[str, Annotated[float, Meta(ge=-LARGEST, le=LARGEST)] | None]
    provenance: _Provenance | None
    error: None
    outcome: Raw
    unpriced: str | None = None

    def settings(self) -> CellSettings:
        """The settings of the trial's group. Raises ValueError."""
        return CellSettings(
            self.suite, self.target, _axes(bytes(self.axes)), self.streamed, self.require, self.xfail, self.skip
        )

    def attempt_outcome(self) -> Attempt:
        """How the attempt came out."""
        checks = tuple(dict.fromkeys([verdict.check for verdict in self.verdicts]))
        provenance, origin = self.provenance, None
        if provenance is not None:
            source = provenance.mode, provenance.recorded_from, provenance.simulated
            origin = Origin(source, provenance.timing, (provenance.recorded_at or "")[:10])
        return Attempt("passed", checks, (), 0, None, origin, self.unpriced)

    def answer(self) -> OutcomeRow | None:
        """The shape of the last answer. Raises ValueError."""
        found: OutcomeRow | None = _outcome(self.outcome)
        return found


decode = Decoder(PassedRow).decode
"""Decodes a line. Raises ValueError unless the trial and all its checks passed."""


@lru_cache(maxsize=4096)
def _axes(text: bytes) -> bytes:
    """The text, checked to hold axes. Raises ValueError."""
    axes(text)
    return text


_outcome = Decoder(OutcomeRow | None).decode
