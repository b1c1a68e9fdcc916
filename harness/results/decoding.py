"""Decodes the lines of a run file into the types of `rows`. Raises ValueError for any other type.

Run files are untrusted input. They are checked here and nowhere else: types, the size of numbers, and dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from msgspec import DecodeError, Raw, ValidationError, convert, field
from msgspec.json import Decoder

from harness.model import Json
from harness.results.rows import ATTEMPTS, LARGEST, EndingRow, Row, RunRow, TurnRow
from harness.text.jsontext import DEEPEST, is_deeper, may_be_deeper, values_in

_LARGEST_NUMBER = 1e15
"""The limit for numbers in the header and the last line: larger than any that occurs, and exact as a float."""
_DEEPEST_ROW = DEEPEST + 20
"""Levels of nesting in a row, which holds answers of up to ``DEEPEST`` levels."""
_YEARS = range(1970, 9000)


_decoder: Callable[[Any], Decoder[Any]] = cache(Decoder)


class UndecodableLine(ValueError):
    """A line that is cut off, or that is not JSON."""


def row(line: bytes) -> Row:
    """A trial."""
    found: Row = _decoded(Row, line)
    known = [measure for measure in found.measures.values() if measure is not None]
    if known and not -LARGEST <= min(known) <= max(known) <= LARGEST:
        raise ValueError("Expected numbers of a plausible size - at `$.measures`")
    if may_be_deeper(line, _DEEPEST_ROW):
        _check_depth(_decoded(Any, line))
    return found


class _WithoutTurns(Row, frozen=True, kw_only=True):
    """A row whose turns are passed over, which takes half as long."""

    turns: list[TurnRow] | None = field(default=None, name="-")


def own(line: bytes) -> Row:
    """A trial that another process of this run has just written, without its turns: the line has them."""
    found: Row = _decoded(_WithoutTurns, line)
    return found


def ending(line: bytes) -> EndingRow | None:
    """The last line without its groups; None if this is not the last line."""
    try:
        if "totals" not in _decoded(dict[str, Raw], line):
            return None
    except ValueError:
        return None
    found: EndingRow = _decoded(EndingRow, line)
    _check_values(found)
    return found


def value(line: bytes) -> Json:
    """Any JSON value."""
    found: Json = _decoded(Any, line)
    if may_be_deeper(line, _DEEPEST_ROW):
        _check_depth(found)
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


def _decoded(kind: Any, line: bytes) -> Any:
    try:
        return _decoder(kind).decode(line)
    except ValidationError:
        raise
    except (DecodeError, UnicodeDecodeError) as fault:
        raise UndecodableLine(str(fault)) from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def _check_depth(found: Json) -> None:
    if is_deeper(found, _DEEPEST_ROW):
        raise ValueError(f"nested more than {_DEEPEST_ROW} levels deep")


def _check_values(found: Json) -> None:
    """Raises ValueError for a text with a zero byte (it cannot be a file name), and for a number out of range."""
    _check_depth(found)
    for scalar in values_in(found):
        if isinstance(scalar, str) and "\0" in scalar:
            raise ValueError(f"Expected text without a zero byte, got {scalar[:40]!r}")
        if isinstance(scalar, int | float) and not -_LARGEST_NUMBER <= scalar <= _LARGEST_NUMBER:
            raise ValueError("Expected a number of a plausible size")
