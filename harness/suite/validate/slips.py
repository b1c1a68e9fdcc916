"""Notes on values that are allowed and hardly ever meant: another unit, or the notation of another tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from harness.model import Json
from harness.suite.validate.diagnostics import Diagnostics
from harness.text.jsontext import is_number
from harness.text.shape import as_limits

_TIMES = {"latency", "ttft", "gap", "duration"}
_ANY_VALUE = {"at", "path", "args", "each", "first", "last"}
_QUOTED = re.compile("[“„‘«].*[”“’»]", re.DOTALL)  # noqa: RUF001


def slips(diagnostics: Diagnostics) -> None:
    """A note at each such value of the document."""
    for route, value in _scalars(diagnostics.document.value, ()):
        above, key = ("", "", *route)[-2:]
        if message := _slip(above, key, value):
            diagnostics.note(diagnostics.document.place(route), message)
        elif isinstance(value, str) and _QUOTED.fullmatch(value):
            place = diagnostics.document.place(route)
            line = diagnostics.document.lines[place.line - 1]
            if line[place.column - 1 :].startswith(value[0]):  # no quotes of YAML are around it
                message = f"the quotes {value[0]}{value[-1]} are a part of this text; YAML knows only \" and '"
                diagnostics.note(place, message)


def _scalars(value: Json, route: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    if isinstance(value, Mapping | list):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            if key not in ("request", "schema", "jsonSchema", "vars"):
                yield from _scalars(item, (*route, key))
    else:
        yield route, value


def _slip(above: str | int, key: str | int, value: Json) -> str:
    """What is odd about a value under these last two keys; empty if nothing is."""
    if (
        key in ("min", "max") and above in _TIMES and is_number(value) and value >= 300
    ):  # no first byte is waited for longer
        return f"{value} are seconds; write {value}ms if milliseconds are meant"
    if key == "http" and type(value) is int and not 100 <= value < 600:
        return f"{value} is no HTTP status; a range is written {{min: 400, max: 499}}"
    if not isinstance(value, str):
        return ""
    if key == "matches" and (found := re.fullmatch(r"/(.+)/([gimsuy]*)", value)):
        written = json.dumps("(?i)" * ("i" in found[2]) + found[1], ensure_ascii=False)
        return f"an expression stands without slashes: {written}"
    if key == "mimeType" and not re.search("[/$]", value):
        return "a MIME type has a slash, as in image/png"
    if above in _ANY_VALUE and (limits := as_limits(value)):
        return f"this is compared as a text; write the limit as {json.dumps(limits)}"
    return ""
