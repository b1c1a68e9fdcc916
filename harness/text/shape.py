"""One strict door for text: a Python type says what may be written, refuses the rest, and prints the editor's JSON Schema.

Types are what ``typing`` offers: TypedDict, Literal, unions, ``list[T]``, ``dict[str, T]``, ``Any``, the JSON scalars, and
``Annotated[T, "what it is"]``. Other notes that may stand in ``Annotated``: ``Spelled`` (text of a certain spelling),
``AtLeast`` (a number that is not below another), ``TypeLabel`` (short words for a long union), ``Named`` (keys from a registry),
``Deferred`` (a type made when it is first needed).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from harness.model import Json
from harness.text.yamltext import Path, scalar


class Later(str):
    """Text that becomes a value later (``${row.x}``): it may stand wherever a value may."""

    __slots__ = ()


class Spelled(NamedTuple):
    """A note for ``Annotated[str, ...]``: the text must match ``pattern`` as a whole; ``what`` says so in words."""

    pattern: str
    what: str


class AtLeast(NamedTuple):
    """A note for ``Annotated[float, ...]``: a finite number that is not below ``least``."""

    least: float


class TypeLabel(NamedTuple):
    """A note for ``Annotated``: how a message names a type whose own words would be long."""

    words: str


class Deferred(NamedTuple):
    """A note for ``Annotated[Any, ...]``: the type that ``make`` returns, made when it is first needed."""

    make: Callable[[], Any]


class Named(NamedTuple):
    """A note for ``Annotated[dict[str, Any], ...]``: a mapping whose keys are looked up one by one.

    ``find`` gives the type of a key's value, None for a key that is not known; ``names`` gives every known key.
    """

    find: Callable[[str], Any]
    names: Callable[[], Iterable[str]]


class ShapeFinding(NamedTuple):
    """Something that may not stand where it stands. ``key``: the key itself is wrong, not its value."""

    path: Path
    message: str
    hint: str = ""
    key: bool = False


def findings(value: Json, kind: Any, path: Path = ()) -> list[ShapeFinding]:
    """Everything in ``value`` that the type does not allow; ``path`` is put before each place."""
    found: list[ShapeFinding] = []
    _shape(kind).look(value, path, found)
    return found


def fit(value: Json, kind: Any) -> Json:
    """The value with texts turned into the numbers and booleans that the type asks for, and numbers into text.

    Rows of a CSV file are all text, those of a JSONL file are not.
    """
    for wrong in findings(value, kind):
        value = value if wrong.key else _replaced(value, wrong.path)
    return value


def json_schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type, for editors."""
    definitions: dict[str, Any] = {"template": _TEMPLATE}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_shape(kind).schema(definitions),
        "$defs": definitions,
    }


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean "..."?``, or what is known when nothing is near (as far as that fits on a line)."""
    from difflib import get_close_matches

    names = list(known)
    by_lower = {name.lower(): name for name in reversed(names)}
    close = [name for name in by_lower if word and name.startswith(word.lower())][:1]
    close = close or get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{by_lower[close[0]]}"?'
    listed = ", ".join(names)
    return f"known here: {listed}" if names and len(listed) <= 300 else ""


_TEMPLATE = {"type": "string", "pattern": r"\$\{", "description": "${row.x}, ${env:A|B}, ${file:path} or ${capture.x}"}


def _replaced(value: Json, path: Path) -> Json:
    if not path:
        if isinstance(value, str):
            return scalar(value)
        return json.dumps(value) if isinstance(value, int | float) else value
    step, *rest = path
    if isinstance(value, Mapping) and step in value:
        return {**value, step: _replaced(value[step], tuple(rest))}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _replaced(value[step], tuple(rest)), *value[step + 1 :]]
    return value


# --- shapes: what a type means ----------------------------------------------------------------------------


class _Shape:
    """Anything at all."""

    def accepts(self, value: Json) -> bool:  # noqa: ARG002
        """Whether the value is of the right sort (a mapping, a text ...), however wrong it may be inside."""
        return True

    def words(self) -> str:
        return "any value"

    def look(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        if not self.accepts(value) and not isinstance(value, Later):
            found.append(self.refusal(value, path))
        elif not isinstance(value, Later):
            self.inside(value, path, found)

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        return ShapeFinding(path, f"expected {self.words()}, got {shown(value)}")

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        """Complain about what is inside a value of the right sort."""

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {}


def shown(value: Json) -> str:
    """A value in words, short enough for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{value}"' if len(value) <= 60 else f'the text "{value[:57]}..."'
        case int() if value.bit_length() > 64:
            return f"a number of {value.bit_length()} bits"
        case int() | float():
            return f"the number {value}"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


class _Scalar(_Shape):
    def __init__(self, name: str, types: tuple[type, ...], schema_type: str, without: tuple[type, ...] = ()) -> None:
        self.name, self.types, self.schema_type, self.without = name, types, schema_type, without

    def accepts(self, value: Json) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return isinstance(value, self.types) and not isinstance(value, self.without)
        most = 2**63 - 1 if self.types == (int,) else sys.float_info.max
        return isinstance(value, self.types) and abs(value) <= most

    def words(self) -> str:
        return self.name

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"type": self.schema_type}


_SCALARS: Mapping[Any, _Shape] = {
    Any: _Shape(),
    object: _Shape(),
    str: _Scalar("text", (str,), "string"),
    bool: _Scalar("true or false", (bool,), "boolean"),
    int: _Scalar("a whole number", (int,), "integer", (bool,)),
    float: _Scalar("a number", (int, float), "number", (bool,)),
    None: _Scalar("nothing (null)", (NoneType,), "null"),
    NoneType: _Scalar("nothing (null)", (NoneType,), "null"),
}


class _Words(_Shape):
    """One of a few words (or other scalars)."""

    def __init__(self, allowed: tuple[Any, ...]) -> None:
        self.allowed = allowed

    def accepts(self, value: Json) -> bool:
        return any(value == each and type(value) is type(each) for each in self.allowed)

    def words(self) -> str:
        quoted = [f'"{each}"' if isinstance(each, str) else str(each).lower() for each in self.allowed]
        return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        near = nearest(value, self.texts()) if isinstance(value, str) else ""
        return ShapeFinding(
            path, f"expected {self.words()}, got {shown(value)}", near if near.startswith("did") else ""
        )

    def texts(self) -> list[str]:
        return [each for each in self.allowed if isinstance(each, str)]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"enum": list(self.allowed)}


class _Spelling(_Shape):
    def __init__(self, spelled: Spelled) -> None:
        self.spelled = spelled

    def accepts(self, value: Json) -> bool:
        return isinstance(value, str) and re.fullmatch(self.spelled.pattern, value) is not None

    def words(self) -> str:
        return self.spelled.what

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "string", "pattern": f"^({self.spelled.pattern})$", "description": self.spelled.what}


class _Bounded(_Shape):
    """A number from ``least`` on."""

    def __init__(self, least: float) -> None:
        self.least = least

    def accepts(self, value: Json) -> bool:
        return _SCALARS[float].accepts(value) and self.least <= value <= sys.float_info.max

    def words(self) -> str:
        return f"a number that is at least {self.least:g}"

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {**_SCALARS[float].schema(definitions), "minimum": self.least}


class _List(_Shape):
    def __init__(self, item: _Shape) -> None:
        self.item = item

    def accepts(self, value: Json) -> bool:
        return isinstance(value, list)

    def words(self) -> str:
        return "a list" if type(self.item) is _Shape else f"a list of which each item is {self.item.words()}"

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for index, each in enumerate(value):
            self.item.look(each, (*path, index), found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": _or_template(self.item, definitions)}


class _AnyMapping(_Shape):
    def accepts(self, value: Json) -> bool:
        return isinstance(value, Mapping)

    def words(self) -> str:
        return "a mapping"


class _Map(_AnyMapping):
    """A mapping with free keys."""

    def __init__(self, item: _Shape) -> None:
        self.item = item

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for key, each in value.items():
            self.item.look(each, (*path, key), found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": _or_template(self.item, definitions)}


class _Fields(_AnyMapping):
    """A mapping with known keys: a TypedDict. Its keys are looked at when they are first needed, so it may hold itself."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    @cached_property
    def hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.kind, include_extras=True)

    @cached_property
    def fields(self) -> Mapping[str, _Shape]:
        return {name: _shape(hint) for name, hint in self.hints.items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """Its own ``__required_keys__`` cannot see ``Required`` where annotations are text."""
        either_way = {name for name, hint in self.hints.items() if get_origin(hint) in (Required, NotRequired)}
        stated = {name for name in either_way if get_origin(self.hints[name]) is Required}
        return frozenset(stated | (self.kind.__required_keys__ - either_way))

    def words(self) -> str:
        names = list(self.fields)
        return f"a mapping with {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        fields = self.fields
        for key, each in value.items():
            if key in fields:
                fields[key].look(each, (*path, key), found)
            else:
                found.append(ShapeFinding((*path, key), f'unknown key "{key}"', nearest(str(key), fields), key=True))
        found.extend(
            ShapeFinding(path, f'the key "{name}" is missing') for name in sorted(self.required - value.keys())
        )

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        name = self.kind.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name].update(self.definition(definitions))
        return {"$ref": f"#/$defs/{name}"}

    def definition(self, definitions: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "object"}
        if self.kind.__doc__:
            made["description"] = self.kind.__doc__
        made["properties"] = {name: _or_template(each, definitions) for name, each in self.fields.items()}
        if self.required:
            made["required"] = sorted(self.required)
        return {**made, "additionalProperties": False}


class _OneOf(_Shape):
    def __init__(self, members: tuple[_Shape, ...]) -> None:
        self.members = members

    def accepts(self, value: Json) -> bool:
        return any(each.accepts(value) for each in self.members)

    def words(self) -> str:
        return " or ".join(dict.fromkeys(each.words() for each in self.members))

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        texts = [text for each in self.members if isinstance(each, _Words) for text in each.texts()]
        near = nearest(value, texts) if isinstance(value, str) and texts else ""
        return ShapeFinding(
            path, f"expected {self.words()}, got {shown(value)}", near if near.startswith("did") else ""
        )

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        """The complaints of the member that fits best: fewest unknown keys, then fewest complaints."""
        best: list[ShapeFinding] | None = None
        for member in self.meant(value):
            complaints: list[ShapeFinding] = []
            member.inside(value, path, complaints)
            if not complaints:
                return
            best = complaints if best is None else min(best, complaints, key=_badness)
        found.extend(best or ())

    def meant(self, value: Json) -> Sequence[_Shape]:
        """The members that a value may be meant for. Beside a mapping with free keys, one with known keys is meant only
        where the value has one of them, and then it alone."""
        fitting = [member for member in self.members if member.accepts(value)]
        free = [member for member in fitting if isinstance(member, _Map)]
        if not free or not isinstance(value, Mapping):
            return fitting
        return [each for each in fitting if isinstance(each, _Fields) and each.fields.keys() & value.keys()] or free

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [each.schema(definitions) for each in self.members]}


def _badness(complaints: Sequence[ShapeFinding]) -> tuple[int, int]:
    return sum(each.key for each in complaints), len(complaints)


class _Described(_Shape):
    """Another shape, and what it is for or how it is called."""

    def __init__(self, shape: _Shape, doc: str = "", said: str = "") -> None:
        self.shape, self.doc, self.said = shape, doc, said

    def accepts(self, value: Json) -> bool:
        return self.shape.accepts(value)

    def words(self) -> str:
        return self.said or self.shape.words()

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        return self.shape.refusal(value, path)._replace(message=f"expected {self.words()}, got {shown(value)}")

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        self.shape.inside(value, path, found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        made = self.shape.schema(definitions)
        return {**made, "description": self.doc} if self.doc else made


class _Registry(_AnyMapping):
    """A mapping whose keys are looked up one by one."""

    def __init__(self, named: Named) -> None:
        self.named = named

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for key, each in value.items():
            kind = self.named.find(key)
            if kind is None:
                found.append(
                    ShapeFinding((*path, key), f'unknown key "{key}"', nearest(str(key), self.named.names()), key=True)
                )
            else:
                _shape(kind).look(each, (*path, key), found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        known = {name: _or_template(_shape(self.named.find(name)), definitions) for name in self.named.names()}
        return {"type": "object", "properties": known, "additionalProperties": False}


class _Waiting(_Shape):
    """A shape that is made when it is first needed."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred

    @property
    def shape(self) -> _Shape:
        return _shape(self.deferred.make())

    def accepts(self, value: Json) -> bool:
        return self.shape.accepts(value)

    def words(self) -> str:
        return self.shape.words()

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        self.shape.inside(value, path, found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return self.shape.schema(definitions)


def _or_template(shape: _Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a shape where ``${...}`` may stand for it."""
    made = shape.schema(definitions)
    if shape.accepts("${"):
        return made
    doc = {"description": made.pop("description")} if "description" in made else {}
    return {**doc, "anyOf": [made, {"$ref": "#/$defs/template"}]}


# --- from types to shapes -----------------------------------------------------------------------------------


@cache
def _shape(kind: Any) -> _Shape:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if is_typeddict(kind):
        return _Fields(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(_shape(arguments[0]), arguments[1:])
    if origin in (Required, NotRequired):
        return _shape(arguments[0])
    return _generic(kind, origin, arguments)


def _annotated(shape: _Shape, notes: Sequence[Any]) -> _Shape:
    for note in notes:
        if isinstance(note, Spelled):
            shape = _Spelling(note)
        elif isinstance(note, AtLeast):
            shape = _Bounded(note.least)
        elif isinstance(note, Deferred):
            shape = _Waiting(note)
        elif isinstance(note, Named):
            shape = _Registry(note)
        elif isinstance(note, TypeLabel):
            shape = _Described(shape, said=note.words)
        elif isinstance(note, str):
            shape = _Described(shape, note)
    return shape


def _generic(kind: Any, origin: Any, arguments: Sequence[Any]) -> _Shape:
    if origin is Literal:
        return _Words(tuple(arguments))
    if origin in (Union, UnionType):
        return _union([_shape(each) for each in arguments])
    if kind is list or origin is list:
        return _List(_shape(arguments[0]) if arguments else _Shape())
    if kind is dict or origin in (dict, Mapping):
        return _Map(_shape(arguments[1]) if arguments else _Shape())
    raise TypeError(f"{kind!r} cannot say what a suite may hold")


def _union(members: Iterable[_Shape]) -> _Shape:
    flat = tuple(_flattened(members))
    if _SCALARS[float] in flat:
        flat = tuple(each for each in flat if each is not _SCALARS[int])
    return next((each for each in flat if type(each) is _Shape), None) or _OneOf(flat)


def _flattened(members: Iterable[_Shape]) -> Iterator[_Shape]:
    for each in members:
        yield from each.members if isinstance(each, _OneOf) else (each,)
