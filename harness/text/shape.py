"""Checks values against Python types, and makes a JSON Schema of a type for editors.

The types are those of ``typing``: TypedDict, Literal, unions, ``list[T]``, ``dict[str, T]``, ``Any``, the JSON scalars, and
``Annotated[T, "what it is"]``. Other notes for ``Annotated``: ``Spelled`` (a text that matches a pattern), ``AtLeast`` (a number
with a minimum), ``TypeLabel`` (a short name of a long union), ``Beside`` (a key that means nothing alone), ``Named`` (a mapping with keys from a registry), ``Offered`` and
``ForEditors`` (what editors offer). A key of a TypedDict that ends with a star stands for all keys with that start.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from msgspec import Struct
from msgspec.structs import replace

from harness.model import Json
from harness.text.amounts import some
from harness.text.yamltext import Path, scalar


class Later(str):
    """A text that becomes a value later (``${row.x}``). It is allowed in place of any value."""

    __slots__ = ()


class ShapeFinding(Struct, frozen=True):
    """A value that the type does not allow. With ``key``, the key itself is wrong, not its value. With ``allowed``, the value is
    allowed, and nearly one that is offered."""

    path: Path
    message: str
    hint: str = ""
    key: bool = False
    allowed: bool = False


def findings(value: Json, kind: Any) -> list[ShapeFinding]:
    """Everything in ``value`` that the type does not allow."""
    return _wrong(_found(_shape(kind), value))


def misspelled(value: Json, kind: Any) -> list[ShapeFinding]:
    """Every name of an enum (``STOPP``) in ``value`` that is not offered, and nearly one that is. It is allowed: it may be newer."""
    return [found for found in _found(_shape(kind), value) if found.allowed]


def _holds(shape: _Shape, value: Json) -> bool:
    return shape.accepts(value) and not _found(shape, value)


def _found(shape: _Shape, value: Json) -> list[ShapeFinding]:
    found: list[ShapeFinding] = []
    shape.check(value, (), found)
    return found


def _wrong(found: Iterable[ShapeFinding]) -> list[ShapeFinding]:
    return [finding for finding in found if not finding.allowed]


def fit(value: Json, kind: Any) -> Json:
    """The value, with texts converted to numbers or booleans where the type requires them, and numbers to texts.

    This is needed because all values of a CSV file are texts, and those of a JSONL file are not.
    """
    for wrong in findings(value, kind):
        value = value if wrong.key else _replaced(value, wrong.path)
    return value


def json_schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type, for editors."""
    definitions: dict[str, Any] = {"template": _TEMPLATE_SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_shape(kind).schema(definitions),
        "$defs": definitions,
    }


def without(value: Json, wrong: Collection[Path], path: Path = ()) -> Json:
    """The value without what stands at those paths (items of lists become None so that indexes stay). ``path``: that of ``value``."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if (*path, key) not in wrong}
        return {key: without(item, wrong, (*path, key)) for key, item in kept.items()}
    if isinstance(value, list):
        items = [(item, (*path, index)) for index, item in enumerate(value)]
        return [None if at in wrong else without(item, wrong, at) for item, at in items]
    return value


_NAME_OF_ENUM = re.compile(r"[A-Z][A-Z0-9_]{3,}|[a-z_]{4,}")


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that is most similar; empty if none is, by ``cutoff`` from 0 to 1."""
    names = list(known)
    if word in names:
        return word
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, names, 1, cutoff)), "")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """``did you mean "..."?``; if no known word is similar, the list of known words, or nothing if it is over 300 characters."""
    names = list(known)
    listed = ", ".join(names)
    return suggestion(word, names, cutoff) or (f"known here: {listed}" if names and len(listed) <= 300 else "")


def suggestion(word: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """``did you mean "..."?``; empty if no known word is similar."""
    by_lower = {name.lower(): name for name in reversed(known)}
    starts = [name for name in by_lower if word and name.startswith(word.lower())]
    close = min(starts, key=len, default="") or closest(word.lower(), by_lower, cutoff)
    return f'did you mean "{by_lower[close]}"?' if close else ""


@cache
def _other_words() -> Mapping[str, str]:
    """Ours -> words of other tools."""
    from pathlib import Path as File

    from harness.text import safeyaml

    return dict(safeyaml.load(File(__file__).with_name("other_words.yaml").read_bytes()))


def meant(word: str, known: Collection[str], cutoff: float = 0.85) -> str:
    """``did you mean``, for a word of another tool, or nearly one, that is called otherwise here; empty for any other word."""
    here = {name: theirs.split() for name, theirs in _other_words().items() if name.partition(":")[0] in known}
    ours = {word: name for name, theirs in here.items() for word in theirs}
    name = ours.get(closest(word, ours, cutoff), "")
    return f"write {name}" if ":" in name else name and f'did you mean "{name}"?'


def _unknown(key: str, value: Json, path: Path, shapes: Mapping[str, _Shape]) -> ShapeFinding:
    """``shapes``: the known keys, and what may stand under them; the key may be one of theirs (``write matrix: {model: ...}``), or a name of
    yours with a list (``write axes: {tone: ...}``). Or the keys of its value are known here (``write temperature here``)."""
    known = [name.replace("*", "PATH") for name in shapes]
    below = [f"{name}: {{{key}: ...}}" for name, shape in shapes.items() if key in _keys(shape)]
    near = meant(str(key), known, 1.0 if below else 0.85)
    if below and not near and (close := closest(key, known, 0.85)):
        near = f'did you mean "{close}"?'
    if not below and not closest(key, known):
        if inner := [name for name in value if name in known] if isinstance(value, Mapping) else []:
            near = f"write {', '.join(inner)} here, without {key}:"
        elif not near and isinstance(value, list):
            below = [f"{name}: {{{key}: ...}}" for name, shape in shapes.items() if _takes_any_key(shape, value)]
    hint = f"{f'{near} or ' if '?' in near else ''}write {' or '.join(below)}" if below else near
    return ShapeFinding((*path, key), f'unknown key "{key}"', hint or nearest(str(key), known), key=True)


_TEMPLATE_SCHEMA = {"type": "string", "pattern": r"\$\{"}
"""The schema of a text that becomes a value later, in the schemas that :func:`json_schema` makes."""
_TEMPLATE = {"$ref": "#/$defs/template"}
"""A reference to it."""


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


class _Shape(Struct, frozen=True):
    """A shape that allows any value; the base of all others."""

    def accepts(self, value: Json) -> bool:  # noqa: ARG002
        """Whether the value has the right type (a mapping, a text ...). Its items are not checked."""
        return True

    def words(self) -> str:
        return "any value"

    def check(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        if not self.accepts(value) and not isinstance(value, Later):
            found.append(self.refusal(value, path))
        elif not isinstance(value, Later):
            self.inside(value, path, found)

    def texts(self) -> list[str]:
        """The texts of a list of words."""
        return []

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        near = suggestion(value, self.texts()) if isinstance(value, str) else ""
        return ShapeFinding(path, f"expected {self.words()}, got {shown(value)}", near or _how_to_write(self, value))

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        """Check the items of a value that has the right type."""

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {}


def _inline(value: Json) -> str:
    """The beginning of a value, on one line of YAML."""
    if isinstance(value, str | int | float):  # quick, since every number of a CSV file comes here
        return json.dumps(value, ensure_ascii=False)
    import yaml

    plain = json.loads(json.dumps([value], default=str))
    text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    text = text.strip()[1:-1].replace("'...'", "...")
    return text if len(text) <= 60 else f"{text[:57]}..."


def shown(value: Json) -> str:
    """Describe a value in words, short enough for a message."""
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
        case Mapping():
            return "a mapping"
        case _:  # TOML has dates
            return f"the value {value}"


class _Scalar(_Shape, frozen=True):
    name: str
    types: tuple[type, ...]
    schema_type: str
    without: tuple[type, ...] = ()

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


class _Words(_Shape, frozen=True):
    """One of a list of words or other scalars."""

    allowed: tuple[Any, ...]

    def accepts(self, value: Json) -> bool:
        return any(value == item and type(value) is type(item) for item in self.allowed)

    def words(self) -> str:
        quoted = [f'"{item}"' if isinstance(item, str) else str(item).lower() for item in self.allowed]
        return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"

    def texts(self) -> list[str]:
        return [item for item in self.allowed if isinstance(item, str)]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"enum": list(self.allowed)}


class Spelled(_Shape, frozen=True):
    """A note for ``Annotated[str, ...]``: the whole text must match ``pattern``. ``what`` describes it in messages."""

    pattern: str
    what: str

    def accepts(self, value: Json) -> bool:
        return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None

    def words(self) -> str:
        return self.what

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "string", "pattern": f"^({self.pattern})$", "description": self.what}


class _List(_Shape, frozen=True):
    item: _Shape

    def accepts(self, value: Json) -> bool:
        return isinstance(value, list)

    def words(self) -> str:
        return "a list" if type(self.item) is _Shape else f"a list in which each item is {self.item.words()}"

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for index, item in enumerate(value):
            self.item.check(item, (*path, index), found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": _or_template(self.item, definitions)}


class _AnyMapping(_Shape, frozen=True):
    def accepts(self, value: Json) -> bool:
        return isinstance(value, Mapping)

    def words(self) -> str:
        return "a mapping"


class _Map(_AnyMapping, frozen=True):
    """A mapping with free keys."""

    item: _Shape

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for key, item in value.items():
            self.item.check(item, (*path, key), found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": _or_template(self.item, definitions)}


class _Fields(_AnyMapping, frozen=True, dict=True):
    """A mapping with known keys: a TypedDict. Its keys are resolved when they are first needed, so it may contain itself."""

    kind: Any

    @cached_property
    def hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.kind, include_extras=True)

    @cached_property
    def fields(self) -> Mapping[str, _Shape]:
        return {name: _shape(hint) for name, hint in self.hints.items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """The required keys. The type's own ``__required_keys__`` ignores ``Required`` in annotations that are text."""
        either_way = {name for name, hint in self.hints.items() if get_origin(hint) in (Required, NotRequired)}
        stated = {name for name in either_way if get_origin(self.hints[name]) is Required}
        return frozenset(stated | (self.kind.__required_keys__ - either_way))

    def words(self) -> str:
        names = list(self.fields)
        return f"a mapping with {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for key, item in value.items():
            if shape := self.fields.get(key) or self.of_prefix(str(key)):
                before = len(found)
                shape.check(item, (*path, key), found)
                if found[before:] and isinstance(item, list) and "any" in self.fields and not found[-1].hint:
                    found[-1] = replace(found[-1], hint=f"write any: [{{{key}: ...}}, ...]")
            else:
                found.append(_unknown(key, item, path, self.fields))
        if self.beside and value.keys() <= self.beside.keys():
            found.append(ShapeFinding(path, *next(iter(self.beside.values()))))
        missing = sorted(self.required - value.keys())
        found.extend(ShapeFinding(path, f'the key "{name}" is missing') for name in missing)

    @cached_property
    def beside(self) -> Mapping[str, tuple[str, str]]:
        """The keys that mean nothing alone -> message and hint."""
        return {name: (shape.message, shape.hint) for name, shape in self.fields.items() if isinstance(shape, Beside)}

    def of_prefix(self, key: str) -> _Shape | None:
        """The shape of a key that only has a known start: ``request.*`` stands for every key that starts with ``request.``."""
        return next((shape for name, shape in self.prefixed if key.startswith(name) and key != name), None)

    @cached_property
    def prefixed(self) -> Sequence[tuple[str, _Shape]]:
        return [(name[:-1], shape) for name, shape in self.fields.items() if name.endswith("*")]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        is_ours = self.kind.__module__.startswith("harness.")
        name = self.kind.__name__ if is_ours else f"{self.kind.__module__}.{self.kind.__name__}"
        return defined(name, definitions, lambda: self.definition(definitions))

    def definition(self, definitions: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "object"}
        if self.kind.__doc__:
            made["description"] = self.kind.__doc__
        shapes = {name: _or_template(shape, definitions) for name, shape in self.fields.items()}
        made["properties"] = {name: schema for name, schema in shapes.items() if not name.endswith("*")}
        if self.prefixed:
            made["patternProperties"] = {f"^{re.escape(start)}.": shapes[f"{start}*"] for start, _ in self.prefixed}
        if self.required:
            made["required"] = sorted(self.required)
        return {**made, "additionalProperties": False}


class _OneOf(_Shape, frozen=True):
    members: tuple[_Shape, ...]

    def accepts(self, value: Json) -> bool:
        return any(member.accepts(value) for member in self.members)

    def words(self) -> str:
        return " or ".join(dict.fromkeys(member.words() for member in self.members))

    def texts(self) -> list[str]:
        return [text for member in self.members for text in member.texts()]

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        """Report the findings of the member that fits best: fewest unknown keys, then fewest findings."""
        best: list[ShapeFinding] = []
        for member in self.candidates(value):
            findings: list[ShapeFinding] = []
            member.inside(value, path, findings)
            if not findings:
                return
            best = min(best, findings, key=_badness) if best else findings
        lists = (shape for shape in self.members if isinstance(shape, _List) and isinstance(shape.item, _AnyMapping))
        whole = [shape for shape in lists if isinstance(value, Mapping) and _wrong(best) and any(_ways(shape, value))]
        found.extend([whole[0].refusal(value, path)] if whole else best)

    def candidates(self, value: Json) -> Sequence[_Shape]:
        """The members to which a value may belong.

        If the union has a mapping with free keys and one with known keys, the one with known keys is the only candidate if
        the value has one of them, and is no candidate otherwise.
        """
        fitting = [member for member in self.members if member.accepts(value)]
        free = [member for member in fitting if isinstance(member, _Map)]
        if not free or not isinstance(value, Mapping):
            return fitting
        known = [member for member in fitting if isinstance(member, _Fields) and member.fields.keys() & value.keys()]
        return known or free

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [member.schema(definitions) for member in self.members]}


def _badness(findings: Sequence[ShapeFinding]) -> tuple[int, int, int]:
    return sum(finding.key for finding in findings), len(_wrong(findings)), len(findings)


class _Wrapped(_Shape, frozen=True, kw_only=True):
    """Another shape, with something added."""

    shape: _Shape = _Shape()

    def accepts(self, value: Json) -> bool:
        return self.shape.accepts(value)

    def words(self) -> str:
        return self.shape.words()

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        return replace(self.shape.refusal(value, path), message=f"expected {self.words()}, got {shown(value)}")

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        self.shape.inside(value, path, found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return self.shape.schema(definitions)


class Beside(_Wrapped, frozen=True):
    """A note for a key of a TypedDict that means nothing without another key. ``message``, ``hint``: on a mapping that has no other."""

    message: str
    hint: str


class AtLeast(_Wrapped, frozen=True):
    """A note for ``Annotated[float, ...]`` and ``Annotated[int, ...]``: a finite number of at least ``least`` (with ``above``: a
    greater one), and of at most ``most``."""

    least: float
    above: bool = False
    most: float = sys.float_info.max

    def accepts(self, value: Json) -> bool:
        return (
            self.shape.accepts(value) and self.least <= value <= self.most and not (self.above and value == self.least)
        )

    def words(self) -> str:
        least, most = f"{self.least:g}", f"{self.most:,}"
        if self.most == sys.float_info.max:
            return f"{self.shape.words()} {'above' if self.above else 'that is at least'} {least}"
        between = f"above {least} and at most {most}" if self.above else f"from {least} to {most}"
        return f"{self.shape.words()} {between}"

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        made = {**self.shape.schema(definitions), "minimum": self.least}
        return made if self.most == sys.float_info.max else {**made, "maximum": self.most}


class TypeLabel(_Wrapped, frozen=True):
    """A note for ``Annotated``: the name of the type in messages, if its own description would be long. ``doc``: a text for editors."""

    label: str = ""
    doc: str = ""

    def words(self) -> str:
        return self.label or self.shape.words()

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        made = self.shape.schema(definitions)
        return {**made, **_description(self.doc)}


class Offered(_Wrapped, frozen=True):
    """A note for ``Annotated``: values that editors offer; all others stay valid.

    ``values`` maps a value to what is known of it. ``name`` is the name of the list in a JSON Schema. ``within`` are keys for
    the same values, where a mapping may stand instead of the text: ``{in: [STOP]}``.
    """

    name: str
    values: Callable[[], Mapping[str, str]]
    within: Sequence[str] = ()

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        super().inside(value, path, found)
        for at, name in self._names(value, path):
            known = self.values()
            if name not in known and (near := closest(name.upper(), known, 0.8)):
                hint = f'did you mean "{near}"?'
                found.append(ShapeFinding(at, f'"{name}" is no value that is known here', hint, allowed=True))

    def refusal(self, value: Json, path: Path) -> ShapeFinding:
        found = super().refusal(value, path)
        return replace(found, hint=f"write a name: {some(list(self.values()))}") if type(value) is int else found

    def _names(self, value: Json, path: Path) -> Iterator[tuple[Path, str]]:
        """The names of enums in it, as a text or under the words for one."""
        if isinstance(value, str) and _NAME_OF_ENUM.fullmatch(value):
            yield path, value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._names(item, (*path, index))
        elif isinstance(value, dict):
            for word in self.within:
                if word in value:
                    yield from self._names(value[word], (*path, word))

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        values, made = self.values(), self.shape.schema(definitions)
        definitions[self.name] = {"enum": list(values), "enumDescriptions": list(values.values())}
        these = {"$ref": f"#/$defs/{self.name}"}
        inside = {"anyOf": [these, {"type": "array", "items": {"anyOf": [these, {}]}}, {}]}
        within = {"properties": dict.fromkeys(self.within, inside)} if self.within else {}
        return {"anyOf": [these, *made.get("anyOf", [made])], **within}


class ForEditors(_Wrapped, frozen=True):
    """A note for ``Annotated``: a JSON Schema that knows more than the type. What ``make`` refers to, it adds to its argument."""

    make: Callable[[dict[str, Any]], dict[str, Any]]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        return self.make(definitions)


class Named(_AnyMapping, frozen=True):
    """A note for ``Annotated[dict[str, Any], ...]``: a mapping whose keys are looked up one by one.

    ``find`` returns the type of a key's value, or None for an unknown key. ``names`` returns every known key. In a JSON
    Schema, ``name`` is the name of the mapping, and ``about`` describes a key. ``meant``: what a value that is no mapping may stand for.
    """

    find: Callable[[str], Any]
    names: Callable[[], Iterable[str]]
    name: str
    about: Callable[[str], str]
    meant: Callable[[Json], Iterable[Json]] = lambda _: ()

    def inside(self, value: Json, path: Path, found: list[ShapeFinding]) -> None:
        for key, item in value.items():
            kind = self.find(key)
            if kind is None:
                found.append(_unknown(key, item, path, dict.fromkeys(self.names(), _Shape())))
            else:
                _shape(kind).check(item, (*path, key), found)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        def value(key: str) -> dict[str, Any]:
            return {**_or_template(_shape(self.find(key)), definitions), **_description(self.about(key))}

        made = {"type": "object", "additionalProperties": False}
        return defined(
            self.name, definitions, lambda: {**made, "properties": {key: value(key) for key in self.names()}}
        )


def _keys(shape: _Shape) -> Collection[str]:
    """The known keys of a mapping, if nothing else may stand here."""
    if isinstance(shape, _Wrapped):
        return _keys(shape.shape)
    return shape.fields if isinstance(shape, _Fields) else list(shape.names()) if isinstance(shape, Named) else ()


def _takes_any_key(shape: _Shape, value: Json) -> bool:
    """Whether it is a mapping with free keys for values like this."""
    if isinstance(shape, _Wrapped):
        return _takes_any_key(shape.shape, value)
    return isinstance(shape, _Map) and type(shape.item) is not _Shape and _holds(shape.item, value)


def _how_to_write(shape: _Shape, value: Json) -> str:
    """``write {max: 3s}``, for a value that fits if it is written otherwise; empty if none fits, or too many do."""
    items = value if isinstance(value, list) and isinstance(shape, _AnyMapping) else []
    if items and all(isinstance(item, Mapping) and len(item) == 1 for item in items):
        whole = {key: inner for item in items for key, inner in item.items()}
        return f"write its items without hyphens: {_inline(whole)}"
    if value is None and isinstance(shape, _AnyMapping):
        return "is what belongs to it indented below it?"
    if isinstance(value, str) and shape.accepts({}) and re.search(r"\.(json|ya?ml)$", value):
        return f"did you mean ${{file:{value}}}?"
    if isinstance(value, str) and (key := value.partition(":")[0]) in _keys(shape) and key != value:
        return f"write a blank after the colon of each key: {key}: ..."
    ways = list(dict.fromkeys(map(_inline, _ways(shape, value))))
    if 1 <= len(ways) <= 4:
        return f"write {' or '.join(ways)}"
    return "write a hyphen before each item" if isinstance(shape, _List) and isinstance(value, Mapping) else ""


def _ways(shape: _Shape, value: Json) -> Iterator[Json]:
    """What the shape allows and the value can be meant as: ``3s`` as ``{max: 3s}``, the text ``3`` as a number."""
    names = value if isinstance(value, list) else [value]
    if isinstance(shape, _OneOf):
        plain = [way for member in shape.members if isinstance(member, _Scalar) for way in _ways(member, value)]
        yield from plain or chain.from_iterable(_ways(member, value) for member in shape.members)
    elif isinstance(shape, _List):
        fits = value is not None and not isinstance(value, list) and _holds(shape.item, value)
        yield from ([item] for item in ([value] if fits else _ways(shape.item, value)))
    elif names and all(isinstance(name, str) and name in _keys(shape) for name in names):
        yield dict.fromkeys(names, "...")
    elif isinstance(shape, Named):
        yield from shape.meant(value)
    elif isinstance(shape, _Fields) and (limits := _as_limits(value)) and _holds(shape, limits):
        yield limits
    elif isinstance(shape, _Fields) and not isinstance(value, Mapping) and value not in ("yes", "no"):
        other = "" if isinstance(value, bool) else ...  # a key that takes anything is hardly the one that is meant
        typed = (key for key, inner in shape.fields.items() if inner.accepts(value) and not inner.accepts(other))
        yield from ({key: value} for key in typed if _holds(shape, {key: value}))
    elif isinstance(shape, _Map) and isinstance(value, str) and not shape.item.accepts({}):
        yield from [{"NAME": value}] * _holds(shape.item, value)
    elif (isinstance(value, str | float) or type(value) is int) and _holds(shape, other := _replaced(value, ())):
        yield other
    elif isinstance(shape, _Wrapped):
        yield from filter(shape.accepts, _ways(shape.shape, value))


def _as_limits(value: Json) -> dict[str, Json]:
    """The words of a predicate for ``> 5``, ``<= 2s`` or ``4xx``; empty for any other value."""
    found = re.fullmatch(r"([<>])=?\s*(\d[\d.]*[a-z%]*)|([1-5])xx", value) if isinstance(value, str) else None
    if found and found[3]:
        return {"min": int(f"{found[3]}00"), "max": int(f"{found[3]}99")}
    return {"min" if found[1] == ">" else "max": scalar(found[2])} if found else {}


def defined(name: str, definitions: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A reference to a definition of a JSON Schema, which is made first if it is missing. Definitions may contain themselves."""
    if name not in definitions:
        definitions[name] = {}
        definitions[name].update(make())
    return {"$ref": f"#/$defs/{name}"}


def _description(doc: str) -> Mapping[str, str]:
    """A text for editors; also as Markdown, which ``yaml-language-server`` reads, if it is more than plain text."""
    if not doc:
        return {}
    markdown = re.sub("(?<!`)``(?!`)", "`", doc)
    return {"description": doc, "markdownDescription": markdown} if {"`", "\n"} & {*doc} else {"description": doc}


def _or_template(shape: _Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a shape that ``${...}`` may replace."""
    made = shape.schema(definitions)
    if shape.accepts("${"):
        return made
    doc: dict[str, Any] = {name: made.pop(name) for name in ("description", "markdownDescription") if name in made}
    members = made["anyOf"] if made.keys() == {"anyOf"} else [made]
    return {**doc, "anyOf": [*members, _TEMPLATE]}


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
        added = TypeLabel(doc=note) if isinstance(note, str) else note
        if isinstance(added, _Wrapped):
            shape = replace(added, shape=shape)
        elif isinstance(added, _Shape):
            shape = added
    return shape


def _generic(kind: Any, origin: Any, arguments: Sequence[Any]) -> _Shape:
    if origin is Literal:
        return _Words(tuple(arguments))
    if origin in (Union, UnionType):
        return _union([_shape(member) for member in arguments])
    if kind is list or origin is list:
        return _List(_shape(arguments[0]) if arguments else _Shape())
    if kind is dict or origin in (dict, Mapping):
        return _Map(_shape(arguments[1]) if arguments else _Shape())
    raise TypeError(f"{kind!r} is not a type that shapes support")


def _union(members: Iterable[_Shape]) -> _Shape:
    flat = tuple(chain.from_iterable(one.members if isinstance(one, _OneOf) else (one,) for one in members))
    if _SCALARS[float] in flat:
        flat = tuple(member for member in flat if member is not _SCALARS[int])
    return next((member for member in flat if type(member) is _Shape), None) or _OneOf(flat)
