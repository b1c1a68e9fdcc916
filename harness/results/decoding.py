"""The lines of a run file, decoded: what comes out is of the types that `rows` states, or ValueError is raised.

Run files are other people's. They are checked here and nowhere else, so that nobody after this meets another type, a
number that nothing can be, or a date that is none. What is not asked for is skipped, not decoded. Import this where runs
are read back: a run that is played needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from msgspec import DecodeError, Raw, ValidationError, convert
from msgspec.json import Decoder

from harness.model import Json
from harness.results.rows import LARGEST, BriefRow, EndingRow, JudgedRow, Row, RunRow
from harness.text.jsontext import DEEPEST, is_deeper

_MOST = 1e15
"""More than any number that a run says of itself can be, and exact as a float."""
ATTEMPTS = 1_000_000
"""Of one trial: they are kept as the bits of a number."""
_INSIDE = DEEPEST + 20
"""Levels of a row: an answer stands in it some levels down."""
_YEARS = range(1970, 9000)
T = TypeVar("T")


class UndecodableLine(ValueError):
    """A line that is cut off, or no JSON at all."""


class _Decoders(NamedTuple):
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
    """A trial with all that was said."""
    found = _decoded(_decoders().row, line)
    return cast("Row", _sound(found, _untyped(found)))


def judged(line: bytes) -> Row:
    """A trial without its turns."""
    found = _decoded(_decoders().judged, line)
    return cast("Row", _sound(found, _untyped(found)))


def brief(line: bytes) -> Row:
    """A trial without its turns, and its verdicts in full only where one did not hold."""
    found = _decoded(_decoders().brief, line)
    for verdict in found["verdicts"]:
        if verdict["status"] != "passed":
            return judged(line)
    return cast("Row", _sound(found, found["axes"].values()))


def ending(line: bytes) -> EndingRow | None:
    """The last line without its groups; None where the line is another."""
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
    if is_deeper(found):
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return found


def value(line: bytes) -> Json:
    """Any JSON value."""
    found = _decoded(_decoders().any, line)
    if is_deeper(found, _INSIDE):
        raise ValueError(f"nested more than {_INSIDE} levels deep")
    return found


def run(header: Mapping[str, Any]) -> RunRow:
    """What a run says of itself."""
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
    """A date and time in ISO 8601; UTC where it does not say."""
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


def _sound(found: dict[str, Any], untyped: Iterable[Json]) -> dict[str, Any]:
    """The row. Raises ValueError for numbers that decode and are none, and for what no walk would come out of."""
    if not 0 <= found["attempt"] < ATTEMPTS:
        raise ValueError("Expected the number of an attempt - at `$.attempt`")
    known = [measure for measure in found["measures"].values() if measure is not None]
    if known and not -LARGEST <= min(known) <= max(known) <= LARGEST:
        raise ValueError("Expected numbers of a size that can be - at `$.measures`")
    for value in untyped:
        if isinstance(value, dict | list) and is_deeper(value, _INSIDE):
            raise ValueError(f"nested more than {_INSIDE} levels deep")
    return found


def _untyped(found: dict[str, Any]) -> Iterator[Json]:
    """What of a row may be any JSON."""
    yield from found["axes"].values()
    for verdict in found["verdicts"]:
        yield verdict.get("expected")
        yield verdict.get("actual")
    for turn in found.get("turns", ()):
        yield turn["request"]
        yield turn["response"]


def _check_values(found: Json) -> None:
    """Raises ValueError where any value in it is no text of a file's name, or no number that anything can be."""
    if is_deeper(found, _INSIDE):
        raise ValueError(f"nested more than {_INSIDE} levels deep")
    for scalar in _scalars(found):
        if isinstance(scalar, str) and "\0" in scalar:
            raise ValueError(f"Expected text without a zero byte, got {scalar[:40]!r}")
        if isinstance(scalar, int | float) and not -_MOST <= scalar <= _MOST:
            raise ValueError("Expected a number of a size that can be")


def _scalars(found: Json) -> Iterator[Json]:
    if isinstance(found, Mapping):
        for value in found.values():
            yield from _scalars(value)
    elif isinstance(found, list):
        for value in found:
            yield from _scalars(value)
    else:
        yield found
