"""All errors, as one tree below `HarnessError`: what a user can act on.

``exit_code``: how a command ends. Those below a class have its code, unless they name their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar


class HarnessError(Exception):
    """A failure that a user can act on. The text is the message, ready to print."""

    exit_code: ClassVar[int] = 3


class UsageError(HarnessError):
    """The command line or the configuration is faulty."""

    exit_code = 4


NOT_AVAILABLE = "not available: "
"""How the reason begins for which a trial is skipped that the dialect of its provider cannot express."""


class NotAvailable(UsageError):
    """The dialect of the provider cannot express what a case asks. ``what``: what it cannot."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{NOT_AVAILABLE}{what}")


class SuiteError(HarnessError):
    """A suite that cannot be played. ``complaints`` holds all of them, not only the first."""

    exit_code = 4

    def __init__(self, complaints: Sequence[object]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n\n".join(str(complaint) for complaint in self.complaints))


class CannotAsk(HarnessError):
    """There is no answer to judge: the network, a key or a recording is missing. It does not count against a feature."""

    exit_code = 6


class MissingKey(CannotAsk):
    """No credential for a provider. The message names the environment variables that were read."""


class RefusedKey(CannotAsk):
    """The provider refuses the credential. The message says how it was sent, and what else to try."""


class NetworkFault(CannotAsk):
    """The connection was refused, reset, cut or timed out before an answer was complete."""


class NoConnection(NetworkFault):
    """There was no connection, so nothing was sent."""


class BatchFailed(CannotAsk):
    """A job of the Batch API was refused, cannot be looked at, or ended without an answer to the request."""


class GivenUp(CannotAsk):
    """Not sent, because earlier requests to the provider failed in a way that would repeat. The message says how."""


class CeilingReached(CannotAsk):
    """The next trial would cost more than is left of the ceiling, so it was not started."""


class NoRecording(CannotAsk):
    """Replay only, and the cassette lacks this interaction."""


class StaleRecording(CannotAsk):
    """The recording in this slot is of another request. ``changes``: what differs, by JSON path."""

    def __init__(self, message: str, changes: Sequence[str] = ()) -> None:
        self.changes = tuple(changes)
        super().__init__(message)


class CannotJudge(HarnessError):
    """A check lacks what it needs to judge an answer, such as the price of a model, or a usable answer of the model that it asks."""

    exit_code = 6


class CassetteError(HarnessError):
    """A cassette that cannot be read or written."""

    exit_code = 6


class BadCassette(CassetteError):
    """The file cannot be decoded, or is not a cassette. It is never overwritten."""


class UnfinishedCassette(CassetteError):
    """A recording was interrupted, and its journal is still there. ``cassettes recover`` saves its exchanges."""


class CannotWrite(CassetteError):
    """Answers cannot be recorded: the disk cannot be written, or another process records. No further request is sent."""


class SecretOnTape(CassetteError):
    """The interaction contains a credential. Nothing was written."""


class RunError(HarnessError):
    """A saved run that cannot be read."""

    exit_code = 4


@contextmanager
def os_errors_as(kind: type[HarnessError], what: str, more: str = "") -> Iterator[None]:
    """Raises ``kind`` where the block raises OSError: ``what``, as in *cannot write run.json*, then the reason of the system."""
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or error}{more}") from error


def cause(fault: BaseException) -> str:
    """The name of an error in messages and saved runs: ``no-recording`` for `NoRecording`."""
    name = type(fault).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def trace(fault: BaseException) -> str:
    """The traceback of an error, as text."""
    from traceback import format_exception

    return "".join(format_exception(fault))


_FIRST = (2, 3, 4, 1, 6, 7, 5, 0)


def first(codes: Iterable[int]) -> int:
    """The exit code of a command to which several apply."""
    return min(codes, key=_FIRST.index)
