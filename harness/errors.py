"""Everything that can go wrong, as one tree.

HarnessError                 something a user can act on; ``exit_code`` says how a command ends
├── UsageError          4    a command line or configuration that makes no sense
├── SuiteError          4    one or more complaints about a suite, each with its place
├── CannotAsk           6    we never got an answer to judge
│   ├── MissingKey           no credential; names the environment variable
│   ├── NetworkFault         refused, reset, cut, timed out
│   │   └── NoConnection     nothing could be asked
│   ├── GivenUp              others before it proved that asking is in vain
│   ├── CeilingReached       asking on would cost more than was allowed
│   ├── NoRecording          replay only, and no such interaction on tape
│   └── StaleRecording       the tape answers another request; says what changed
├── CassetteError       6    a cassette that cannot be read or written
│   ├── BadCassette          not decodable, or not a cassette
│   ├── UnfinishedCassette   a journal was left behind
│   ├── CannotWrite          the disk refuses, or another process records it
│   └── SecretOnTape         a write that still holds a credential, refused
└── RunError            4    a saved run that cannot be read
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar


class HarnessError(Exception):
    """A failure that a user can act on. The text is the message, ready to print."""

    exit_code: ClassVar[int] = 3


class UsageError(HarnessError):
    """The command line or the configuration makes no sense."""

    exit_code = 4


class SuiteError(HarnessError):
    """A suite that cannot be played. Holds every complaint, not only the first."""

    exit_code = 4

    def __init__(self, complaints: Sequence[object]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n\n".join(str(complaint) for complaint in self.complaints))


class CannotAsk(HarnessError):
    """No answer to judge: the network, a key or a recording is missing. Never a mark against a feature."""

    exit_code = 6


class MissingKey(CannotAsk):
    """No credential for a provider. The message names the variables that were looked at."""


class NetworkFault(CannotAsk):
    """The connection was refused, reset, cut or timed out before an answer was complete."""


class NoConnection(NetworkFault):
    """No connection came about, so nothing was asked."""


class GivenUp(CannotAsk):
    """Earlier trials proved that this one would be asked in vain, so it was not. The message says how."""


class CeilingReached(CannotAsk):
    """The next trial would cost more than is left of the ceiling; it was not begun."""


class NoRecording(CannotAsk):
    """Replay only, and the cassette does not hold this interaction."""


class StaleRecording(CannotAsk):
    """The cassette holds this slot for another request. ``changes`` says what differs, by JSON path."""

    def __init__(self, message: str, changes: Sequence[str] = ()) -> None:
        self.changes = tuple(changes)
        super().__init__(message)


class CassetteError(HarnessError):
    """A cassette that cannot be read or written."""

    exit_code = 6


class BadCassette(CassetteError):
    """The file cannot be decoded, or is not a cassette. It is never overwritten."""


class UnfinishedCassette(CassetteError):
    """A recording was interrupted; its journal is still there. ``cassettes recover`` folds it in."""


class CannotWrite(CassetteError):
    """What is answered cannot be kept: the disk refuses, or another process records it. Nothing more is asked."""


class SecretOnTape(CassetteError):
    """The interaction still holds a credential. Nothing was written."""


class RunError(HarnessError):
    """A saved run that cannot be read."""

    exit_code = 4


_FIRST = (2, 3, 4, 1, 6, 7, 5, 0)


def first(codes: Iterable[int]) -> int:
    """Where several exit codes hold, the one that is told."""
    return min(codes, key=_FIRST.index)
