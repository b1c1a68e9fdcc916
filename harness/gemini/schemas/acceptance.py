"""Accepts most valid values without ``jsonschema``, whose import and whose walk take longer than anything else in a replay.

It never rejects: where it does not accept a value, ``jsonschema`` judges it and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from operator import ge, le
from typing import Final, NamedTuple

from harness.gemini.schemas.formats import FORMATS
from harness.model import Json
from harness.text import patterns

Accepts = Callable[[Json], bool]
"""True for a value that is certainly valid."""
Make = Callable[[Json, Json, "Scope"], "Accepts | None"]
"""What a keyword has, its schema and its scope -> the test for values; None where the library has to judge."""
_DEPTH: Final = 50
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class Scope(NamedTuple):
    """What a schema stands in: how many levels may follow; the tests of ``$defs`` by their references; the references in use."""

    depth: int
    named: dict[str, Accepts]
    used: set[str]


def acceptance(schema: Json, outer: Scope | None = None) -> Accepts | None:
    """The test for a schema in JSON Schema 2020-12. None if it holds a keyword that is not tested here, or may be invalid."""
    scope = Scope(outer.depth - 1, outer.named, outer.used) if outer else Scope(_DEPTH, {}, set())
    if not isinstance(schema, dict) or not scope.depth:
        return None
    tests = []
    for keyword, wanted in schema.items():
        make = _TESTS.get(keyword)
        test = make(wanted, schema, scope) if make else None
        if test is None:
            return None
        tests.append(test)
    if not outer and not scope.used <= scope.named.keys():
        return None
    if len(tests) == 1:
        return tests[0]

    def accepts(value: Json) -> bool:
        for test in tests:  # noqa: SIM110 - a generator for each value takes longer than the tests
            if not test(value):
                return False
        return True

    return accepts


def _type(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
    names = wanted if isinstance(wanted, list) else [wanted]
    if not _distinct_texts(names) or not names or not _TYPES.keys() >= set(names):
        return None
    types = frozenset(kind for name in names for kind in _TYPES[name])
    return lambda value: type(value) in types


def _properties(wanted: Json, _schema: Json, scope: Scope) -> Accepts | None:
    if not isinstance(wanted, dict):
        return None
    tests = [(name, acceptance(schema, scope)) for name, schema in wanted.items()]
    known = [(name, test) for name, test in tests if test is not None]
    if len(known) < len(tests):
        return None

    def accepts(value: Json) -> bool:
        if isinstance(value, dict):
            for name, test in known:
                if name in value and not test(value[name]):
                    return False
        return True

    return accepts


def _required(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
    if not _distinct_texts(wanted):
        return None
    names = frozenset(wanted)
    return lambda value: not isinstance(value, dict) or value.keys() >= names


def _additional(wanted: Json, schema: Json, scope: Scope) -> Accepts | None:
    declared = schema.get("properties", {})
    if wanted is True:
        return lambda _: True
    accepts = (lambda _: False) if wanted is False else acceptance(wanted, scope)
    if accepts is None or not isinstance(declared, dict):
        return None
    return lambda value: (
        not isinstance(value, dict) or all(name in declared or accepts(item) for name, item in value.items())
    )


def _items(wanted: Json, _schema: Json, scope: Scope) -> Accepts | None:
    accepts = acceptance(wanted, scope)
    return accepts and (lambda value: not isinstance(value, list) or all(map(accepts, value)))


def _any_of(wanted: Json, _schema: Json, scope: Scope) -> Accepts | None:
    known = _each(wanted, scope)
    return (lambda value: any(accepts(value) for accepts in known)) if known else None


def _prefix_items(wanted: Json, _schema: Json, scope: Scope) -> Accepts | None:
    known = _each(wanted, scope)
    if not known:
        return None
    return lambda value: (
        not isinstance(value, list) or all(test(item) for test, item in zip(known, value, strict=False))
    )


def _each(schemas: Json, scope: Scope) -> list[Accepts]:
    """The tests of schemas in a list; empty if one has none."""
    tests = [acceptance(schema, scope) for schema in schemas] if isinstance(schemas, list) else []
    known = [test for test in tests if test is not None]
    return known if len(known) == len(tests) else []


def _defs(wanted: Json, _schema: Json, scope: Scope) -> Accepts | None:
    if scope.depth < _DEPTH or not isinstance(wanted, dict):
        return None
    for name, schema in wanted.items():
        test = acceptance(schema, scope)
        if test is None or not name.replace("-", "_").isidentifier():  # others are escaped in references
            return None
        scope.named[f"#/$defs/{name}"] = test
    return lambda _: True


def _ref(wanted: Json, _schema: Json, scope: Scope) -> Accepts | None:
    if not isinstance(wanted, str):
        return None
    scope.used.add(wanted)
    return lambda value: scope.named[wanted](value)  # noqa: PLW0108 - it may be named later


def _enum(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
    if not isinstance(wanted, list) or not {type(item) for item in wanted} <= {str, int}:
        return None
    values = frozenset((type(item), item) for item in wanted)
    return lambda value: type(value) in (str, int) and (type(value), value) in values


def _pattern(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
    if not isinstance(wanted, str) or patterns.complaint(wanted):
        return None
    return lambda value: not isinstance(value, str) or patterns.search(wanted, value) is not None


def _unique(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
    return (lambda value: not isinstance(value, list) or _distinct_texts(value)) if type(wanted) is bool else None


def _format(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
    return FORMATS.get(wanted, lambda _: True) if isinstance(wanted, str) else None


def _distinct_texts(wanted: Json) -> bool:
    return (
        isinstance(wanted, list) and all(isinstance(name, str) for name in wanted) and len(set(wanted)) == len(wanted)
    )


def _size(kind: type[Sized], fits: Callable[[int, int], bool]) -> Make:
    def make(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
        if type(wanted) is not int or wanted < 0:
            return None
        return lambda value: not isinstance(value, kind) or fits(len(value), wanted)

    return make


def _bound(fits: Callable[[Json, Json], bool]) -> Make:
    def make(wanted: Json, _schema: Json, _scope: Scope) -> Accepts | None:
        if type(wanted) not in (int, float):
            return None
        return lambda value: type(value) not in (int, float) or fits(value, wanted)

    return make


_TESTS: Final[Mapping[str, Make]] = {
    "type": _type,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "items": _items,
    "prefixItems": _prefix_items,
    "uniqueItems": _unique,
    "$defs": _defs,
    "$ref": _ref,
    "anyOf": _any_of,
    "enum": _enum,
    "format": _format,
    "pattern": _pattern,
    "minItems": _size(list, ge),
    "maxItems": _size(list, le),
    "minLength": _size(str, ge),
    "maxLength": _size(str, le),
    "minProperties": _size(dict, ge),
    "maxProperties": _size(dict, le),
    "minimum": _bound(ge),
    "maximum": _bound(le),
}
