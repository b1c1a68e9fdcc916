"""The line of a trial that passed in all, and as little of it as a summary needs: most lines of most runs are such.

`msgspec` skips the rest without making anything of it. Import this where runs are read back: a run that is played needs none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from harness.results.decoding import ATTEMPTS, axes
from harness.results.groups import Attempt, CellSettings, Origin
from harness.results.rows import LARGEST, OutcomeRow


class _Held(Struct, gc=False):
    """A check that held. See ``VerdictRow``."""

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
    """See ``TrialRow``."""

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
    verdicts: list[_Held]
    measures: dict[str, Annotated[float, Meta(ge=-LARGEST, le=LARGEST)] | None]
    provenance: _Provenance | None
    error: None
    outcome: Raw
    unpriced: str | None = None

    def asked(self) -> CellSettings:
        """Raises ValueError."""
        return CellSettings(
            self.suite, self.target, _axes(bytes(self.axes)), self.streamed, self.require, self.xfail, self.skip
        )

    def came_out(self) -> Attempt:
        checks = tuple(dict.fromkeys([verdict.check for verdict in self.verdicts]))
        source, origin = self.provenance, None
        if source is not None:
            heard = source.mode, source.recorded_from, source.simulated
            origin = Origin(heard, source.timing, (source.recorded_at or "")[:10])
        return Attempt("passed", checks, (), 0, None, origin, self.unpriced)

    def answer(self) -> OutcomeRow | None:
        """The shape of the last answer. Raises ValueError."""
        found: OutcomeRow | None = _outcome(self.outcome)
        return found


decode = Decoder(PassedRow).decode
"""A line. Raises ValueError where it is none of a trial that passed, all of whose checks held."""


@lru_cache(maxsize=4096)
def _axes(text: bytes) -> bytes:
    """The text, once it is known to hold axes. Raises ValueError."""
    axes(text)
    return text


_outcome = Decoder(OutcomeRow | None).decode
