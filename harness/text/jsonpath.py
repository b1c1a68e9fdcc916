"""JSONPath (RFC 9535). Simple paths such as ``$.a.b[0]`` are evaluated here, all others by ``jsonpath-rfc9535``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache, partialmethod

from harness.model import Json
from harness.text import patterns, shape

_PLAIN = r"(?a)\$(?:\.[A-Za-z_]\w*|\[(?:0|-?[1-9]\d*)\])*"
_STEP = r"(?a)\.(\w+)|\[(-?\d+)\]"
_NAME = r"(?a)[A-Za-z_]\w*"

Step = str | int


def find(path: str, value: Json) -> list[tuple[str, Json]]:
    """The (place, value) pairs that the path selects, in order. Raises ValueError for an invalid path."""
    steps = _plain_steps(path)
    if steps is None:
        return [(place(node.location), node.value) for node in _query(path).find(value)]
    return _walk(steps, value)


def complaint(path: str) -> str | None:
    """Why this is not a valid JSONPath; None if it is."""
    try:
        if _plain_steps(path) is None:
            _query(path)
    except ValueError as problem:
        return str(problem)
    return None


def place(location: Iterable[Step]) -> str:
    """The path that selects exactly this location, such as ``$.lines[0]['unit price']``."""
    return "$" + "".join(_written(step) for step in location)


def is_below(path: str, other: str) -> bool:
    """Whether the path is the other one or below it."""
    return path == other or path.startswith((f"{other}.", f"{other}["))


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if re.fullmatch(_NAME, step):
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _walk(steps: Sequence[Step], value: Json) -> list[tuple[str, Json]]:
    location: list[Step] = []
    for step in steps:
        if isinstance(step, str) and isinstance(value, Mapping) and step in value:
            location.append(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            location.append(step % len(value))
        else:
            return []
        value = value[step]
    return [(place(location), value)]


def hint(path: str, value: Json) -> str:
    """``; did you mean $.a.b?`` where a simple path finds nothing, and one with almost these names does; else empty."""
    meant: list[Step] = []
    for step in _plain_steps(path) or ():
        spelled = {name.lower(): name for name in value} if isinstance(value, Mapping) and step not in value else {}
        meant.append(spelled.get(shape.closest(str(step).lower(), spelled, 0.85), step))
        if not _walk(meant[-1:], value):
            return ""
        value = value[meant[-1]]
    return f"; did you mean {place(meant)}?" if meant and place(meant) != path else ""


@lru_cache(maxsize=1024)
def _plain_steps(path: str) -> tuple[Step, ...] | None:
    if not re.fullmatch(_PLAIN, path):
        return None
    return tuple(found[1] or int(found[2]) for found in re.finditer(_STEP, path))


@lru_cache(maxsize=1024)
def _query(path: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  the library carries no types
    import jsonpath_rfc9535 as library

    try:
        return _environment().compile(path)
    except library.JSONPathError as problem:
        raise ValueError(f"{path!r} is not a JSONPath (RFC 9535): {problem}; write it like $.lines[*].sku") from None


@cache
def _environment():  # type: ignore[no-untyped-def]  # noqa: ANN202  the library carries no types
    """The library's environment, with a time limit for its functions ``match`` and ``search``."""
    from jsonpath_rfc9535 import JSONPathEnvironment
    from jsonpath_rfc9535.function_extensions import Match, Search

    environment = JSONPathEnvironment()
    for name, kind in (("match", Match), ("search", Search)):
        bounded = type(kind.__name__, (kind,), {"__call__": partialmethod(_found, whole=name == "match")})
        environment.function_extensions[name] = bounded()
    return environment


def _found(_function: object, text: Json, pattern: Json, *, whole: bool) -> bool:
    from iregexp_check import check
    from jsonpath_rfc9535.function_extensions._pattern import map_re

    if not (isinstance(text, str) and isinstance(pattern, str) and check(pattern)):
        return False
    try:
        return patterns.found_by_regex(map_re(pattern), text, whole=whole, written=pattern)
    except patterns.BadPattern:
        return False
