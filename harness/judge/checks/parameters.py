"""Finds errors in a check's parameter before any request is sent: in predicates, JSONPaths, files and schemas.

``shape`` has checked the types before. A parameter type brings its own test: ``Annotated[str, "what it is", Refuse(complaint)]``.
The predicate types need none, because this module knows their words.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints, is_typeddict

from msgspec import Struct

from harness.judge import predicates
from harness.judge.predicates import DurationWords, NumberWords, ShareWords, TextWords, Unit, Words
from harness.text import jsonpath
from harness.text.jsontext import is_number
from harness.text.project import Project
from harness.text.shape import Later, findings, nearest


class Refuse(Struct, frozen=True):
    """A note for ``Annotated``. ``complaint`` takes the value and the suite's project; it returns the error, or None."""

    complaint: Callable[[Any, Project], str | None]
    early: bool = False
    """Whether the value must be known before the first request is sent, so that no capture may fill it in."""


def _too_low(least: int, what: str, value: Any, _: Project) -> str | None:
    return f"{value} is no {what}: these begin at {least}" if is_number(value) and value < least else None


def _mime_complaint(value: Any, _: Project) -> str | None:
    return f"{value!r} is no MIME type, such as image/png" if isinstance(value, str) and "/" not in value else None


def _function_complaint(value: Any, project: Project) -> str | None:
    file, _, name = str(value).rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        return f"{value!r} does not name a function; write file.py:function"
    return project.complaint(file) or _name_complaint(file, project.read(file), name)


def _name_complaint(file: str, source: bytes, name: str) -> str | None:
    """Why a Python file does not define this name; None if it does. The file is compiled and not run."""
    try:
        with warnings.catch_warnings(action="ignore"):
            code = compile(source, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as fault:
        at = f":{fault.lineno}" if isinstance(fault, SyntaxError) and fault.lineno else ""
        return f"{file}{at} is not Python: {fault.msg if isinstance(fault, SyntaxError) else fault}"
    if name in code.co_names or ("*",) in code.co_consts:
        return None
    return f"{file} has no function {name!r}, {nearest(name, code.co_names)}".removesuffix(", ")


Count: TypeAlias = Annotated[predicates.NumberPredicate, Refuse(partial(_too_low, 0, "count"))]
HttpStatus: TypeAlias = Annotated[predicates.NumberPredicate, Refuse(partial(_too_low, 100, "HTTP status"))]
MimeType: TypeAlias = Annotated[predicates.TextPredicate, Refuse(_mime_complaint)]
JsonPath: TypeAlias = Annotated[str, "a JSONPath (RFC 9535)", Refuse(lambda value, _: jsonpath.complaint(value))]
FunctionRef: TypeAlias = Annotated[str, "file.py:function", Refuse(_function_complaint, early=True)]

_UNITS: dict[Any, Unit] = {Words: "", NumberWords: "", TextWords: "", DurationWords: "s", ShareWords: "%"}


Complaint: TypeAlias = tuple[tuple[str | int, ...], str]
"""The path inside the parameter, and the message."""


def complaints(annotation: Any, value: Any, project: Project, at: tuple[str | int, ...] = ()) -> Iterator[Complaint]:
    """Every complaint about a value of the type ``annotation`` (a check's ``parameter``), which stands at ``at``. Files must be in
    the suite's project. Values that are not known yet (``${row.x}``) are not checked."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(value, Later):
        if "${capture." in value and _early(annotation):
            yield at, f"{value} cannot stand here: the file must be known before the first request is sent"
        return
    if origin is Annotated:
        messages = (note.complaint(value, project) for note in inner[1:] if isinstance(note, Refuse))
        yield from ((at, message) for message in messages if message)
        yield from complaints(inner[0], value, project, at)
    elif origin in (Union, UnionType):
        member = next((member for member in inner if not findings(value, member)), None)
        yield from complaints(member, value, project, at)
    elif origin is list:
        for index, item in enumerate(value):
            yield from complaints(inner[0], item, project, (*at, index))
    elif origin is dict:
        for key, item in value.items():
            yield from complaints(inner[0], key, project, (*at, key))
            yield from complaints(inner[1], item, project, (*at, key))
    elif is_typeddict(annotation):
        yield from _walk_words(annotation, value, project, at)


def _early(annotation: Any) -> bool:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return any(isinstance(note, Refuse) and note.early for note in inner) or _early(inner[0])
    return origin in (Union, UnionType) and any(map(_early, inner))


def _walk_words(
    words: Any, value: Mapping[str, Any], project: Project, at: tuple[str | int, ...]
) -> Iterator[Complaint]:
    hints = _hints(words)
    counts = NumberWords.__annotations__.keys() <= hints.keys()
    own = {word for word in value if words in _UNITS or (counts and word in NumberWords.__annotations__)}
    known = {word: value[word] for word in value if word in own}
    if known or (not value and words in _UNITS):
        yield from ((at, message) for message in predicates.complaints(known, _UNITS.get(words, "")))
    for word, item in value.items():
        if word in hints and word not in own:
            yield from complaints(hints[word], item, project, (*at, word))


_hints = cache(partial(get_type_hints, include_extras=True))
