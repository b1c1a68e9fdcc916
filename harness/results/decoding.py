"""Decodes the lines of a run file into the types of `rows`. Raises ValueError for any other type.

Run files are untrusted input. They are checked here and nowhere else: types, the size of numbers, and dates. Fields that a
function does not need are skipped, not decoded. Import this module only where runs are read: playing a run does not need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast

from msgspec import DecodeError, Raw, Struct, ValidationError, convert
from msgspec.json import Decoder

from harness.model import Json
from harness.results.rows import LARGEST, BriefRow, EndingRow, JudgedRow, Row, RunRow
from harness.text.jsontext import DEEPEST, is_deeper, may_be_deeper

_LARGEST_NUMBER = 1e15
"""The limit for numbers in the header and the last line: larger than any that occurs, and exact as a float."""
ATTEMPTS = 1_000_000
"""The limit for attempts at one case. Attempts are kept as the bits of an integer."""
_DEEPEST_ROW = DEEPEST + 20
"""Levels of nesting in a row, which holds answers of up to ``DEEPEST`` levels."""
_YEARS = range(1970, 9000)
T = TypeVar("T")


class UndecodableLine(ValueError):
    """A line that is cut off, or that is not JSON."""


class _Decoders(Struct, frozen=True):
    row: Callable[[bytes], Any]
    judged: Callable[[bytes], Any]
    brief: Callable[[bytes], Any]
    ending: Callable[[bytes], Any]
    parts: Callable[[bytes], Any]
    axes: Callable[[bytes], Any]
    any: Callable[[bytes], Any]


@cache
def _decoders() -> _Decoders:
    kinds = (Row, JudgedRow, BriefRow, EndingRow, dict[str, Raw], dict[str, Json], Any)
    return _Decoders(*[Decoder(kind).decode for kind in kinds])


def row(line: bytes) -> Row:
    """A trial with its turns."""
    found = _decoded(_decoders().row, line)
    return cast("Row", _checked(found, _untyped(found)))


def judged(line: bytes) -> Row:
    """A trial without its turns."""
    found = _decoded(_decoders().judged, line)
    return cast("Row", _checked(found, _untyped(found)))


def brief(line: bytes) -> Row:
    """A trial without its turns. Its verdicts are complete only if one of them did not pass."""
    found = _decoded(_decoders().brief, line)
    for verdict in found["verdicts"]:
        if verdict["status"] != "passed":
            return judged(line)
    return cast("Row", _checked(found, found["axes"].values()))


def ending(line: bytes) -> EndingRow | None:
    """The last line without its groups; None if this is not the last line."""
    try:
        if "totals" not in _decoded(_decoders().parts, line):
            return None
    except ValueError:
        return None
    found = cast("EndingRow", _decoded(_decoders().ending, line))
    _check_values(found)
    return found


def axes(text: bytes) -> dict[str, Json]:
    """The swept values of a trial."""
    found: dict[str, Json] = _decoded(_decoders().axes, text)
    if may_be_deeper(text) and is_deeper(found):
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return found


def value(line: bytes) -> Json:
    """Any JSON value."""
    found = _decoded(_decoders().any, line)
    if may_be_deeper(line, _DEEPEST_ROW) and is_deeper(found, _DEEPEST_ROW):
        raise ValueError(f"nested more than {_DEEPEST_ROW} levels deep")
    return found


def run(header: Mapping[str, Any]) -> RunRow:
    """The header of a run. Raises ValueError."""
    _check_values(header)
    found = convert(header, RunRow)
    if found["started"]:
        instant(found["started"])
    repeat, shard = found.get("options", {}).get("repeat"), found["selection"].get("shard")
    if repeat is not None and not 1 <= repeat < ATTEMPTS:
        raise ValueError("Expected a number of attempts - at `$.options.repeat`")
    if shard is not None and not (len(shard) == 2 and 1 <= shard[0] <= shard[1] < ATTEMPTS):
        raise ValueError("Expected a part and how many there are - at `$.selection.shard`")
    return cast("RunRow", header)


def instant(text: str) -> datetime:
    """A date and time in ISO 8601; UTC if it names no zone. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.year not in _YEARS:
        raise ValueError(f"Expected a date and time, got {text[:40]!r}")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _decoded(decode: Callable[[bytes], T], line: bytes) -> T:
    try:
        return decode(line)
    except ValidationError:
        raise
    except (DecodeError, UnicodeDecodeError) as fault:
        raise UndecodableLine(str(fault)) from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def _checked(found: dict[str, Any], untyped: Iterable[Json]) -> dict[str, Any]:
    """The row. Raises ValueError for numbers out of range and for JSON that is nested too deep."""
    if not 0 <= found["attempt"] < ATTEMPTS:
        raise ValueError("Expected the number of an attempt - at `$.attempt`")
    known = [measure for measure in found["measures"].values() if measure is not None]
    if known and not -LARGEST <= min(known) <= max(known) <= LARGEST:
        raise ValueError("Expected numbers of a plausible size - at `$.measures`")
    for value in untyped:
        if isinstance(value, dict | list) and is_deeper(value, _DEEPEST_ROW):
            raise ValueError(f"nested more than {_DEEPEST_ROW} levels deep")
    return found


def _untyped(found: dict[str, Any]) -> Iterator[Json]:
    """The parts of a row that may hold any JSON."""
    yield from found["axes"].values()
    for verdict in found["verdicts"]:
        yield verdict.get("expected")
        yield verdict.get("actual")
    for turn in found.get("turns", ()):
        yield turn["request"]
        yield turn["response"]


def _check_values(found: Json) -> None:
    """Raises ValueError for a text with a zero byte (it cannot be a file name), and for a number out of range."""
    if is_deeper(found, _DEEPEST_ROW):
        raise ValueError(f"nested more than {_DEEPEST_ROW} levels deep")
    for scalar in _scalars(found):
        if isinstance(scalar, str) and "\0" in scalar:
            raise ValueError(f"Expected text without a zero byte, got {scalar[:40]!r}")
        if isinstance(scalar, int | float) and not -_LARGEST_NUMBER <= scalar <= _LARGEST_NUMBER:
            raise ValueError("Expected a number of a plausible size")


def _scalars(found: Json) -> Iterator[Json]:
    if isinstance(found, Mapping):
        for value in found.values():
            yield from _scalars(value)
    elif isinstance(found, list):
        for value in found:
            yield from _scalars(value)
    else:
        yield found
