"""Accepts most valid values without ``jsonschema``, whose import and whose walk take longer than anything else in a replay.

It never rejects: where it does not accept a value, ``jsonschema`` judges it and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from operator import ge, le
from typing import Final

from harness.gemini.schemas.formats import FORMATS
from harness.model import Json

Accepts = Callable[[Json], bool]
"""True for a value that is certainly valid."""
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


def acceptance(schema: Json, depth: int = _DEPTH) -> Accepts | None:
    """The test for a schema in JSON Schema 2020-12. None if it holds a keyword that is not tested here, or may be invalid."""
    if not isinstance(schema, dict) or not depth:
        return None
    tests = []
    for keyword, wanted in schema.items():
        make = _TESTS.get(keyword)
        test = make(wanted, schema, depth - 1) if make else None
        if test is None:
            return None
        tests.append(test)
    if len(tests) == 1:
        return tests[0]

    def accepts(value: Json) -> bool:
        for test in tests:  # noqa: SIM110 - a generator for each value takes longer than the tests
            if not test(value):
                return False
        return True

    return accepts


def _type(wanted: Json, _schema: Json, _depth: int) -> Accepts | None:
    names = wanted if isinstance(wanted, list) else [wanted]
    if not _distinct_texts(names) or not names or not _TYPES.keys() >= set(names):
        return None
    types = frozenset(kind for name in names for kind in _TYPES[name])
    return lambda value: type(value) in types


def _properties(wanted: Json, _schema: Json, depth: int) -> Accepts | None:
    if not isinstance(wanted, dict):
        return None
    tests = [(name, acceptance(schema, depth)) for name, schema in wanted.items()]
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


def _required(wanted: Json, _schema: Json, _depth: int) -> Accepts | None:
    if not _distinct_texts(wanted):
        return None
    names = frozenset(wanted)
    return lambda value: not isinstance(value, dict) or value.keys() >= names


def _additional(wanted: Json, schema: Json, _depth: int) -> Accepts | None:
    declared = schema.get("properties", {})
    if wanted is True:
        return lambda _: True
    if wanted is not False or not isinstance(declared, dict):
        return None
    return lambda value: not isinstance(value, dict) or value.keys() <= declared.keys()


def _items(wanted: Json, _schema: Json, depth: int) -> Accepts | None:
    accepts = acceptance(wanted, depth)
    return accepts and (lambda value: not isinstance(value, list) or all(map(accepts, value)))


def _any_of(wanted: Json, _schema: Json, depth: int) -> Accepts | None:
    if not isinstance(wanted, list) or not wanted:
        return None
    tests = [acceptance(schema, depth) for schema in wanted]
    known = [test for test in tests if test is not None]
    return (lambda value: any(accepts(value) for accepts in known)) if len(known) == len(tests) else None


def _enum(wanted: Json, _schema: Json, _depth: int) -> Accepts | None:
    if not _distinct_texts(wanted):
        return None
    values = frozenset(wanted)
    return lambda value: isinstance(value, str) and value in values


def _format(wanted: Json, _schema: Json, _depth: int) -> Accepts | None:
    return FORMATS.get(wanted, lambda _: True) if isinstance(wanted, str) else None


def _distinct_texts(wanted: Json) -> bool:
    return (
        isinstance(wanted, list) and all(isinstance(name, str) for name in wanted) and len(set(wanted)) == len(wanted)
    )


def _size(kind: type[Sized], fits: Callable[[int, int], bool]) -> Callable[[Json, Json, int], Accepts | None]:
    def make(wanted: Json, _schema: Json, _depth: int) -> Accepts | None:
        if type(wanted) is not int or wanted < 0:
            return None
        return lambda value: not isinstance(value, kind) or fits(len(value), wanted)

    return make


def _bound(fits: Callable[[Json, Json], bool]) -> Callable[[Json, Json, int], Accepts | None]:
    def make(wanted: Json, _schema: Json, _depth: int) -> Accepts | None:
        if type(wanted) not in (int, float):
            return None
        return lambda value: type(value) not in (int, float) or fits(value, wanted)

    return make


_TESTS: Final[Mapping[str, Callable[[Json, Json, int], Accepts | None]]] = {
    "type": _type,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "enum": _enum,
    "format": _format,
    "minItems": _size(list, ge),
    "maxItems": _size(list, le),
    "minLength": _size(str, ge),
    "maxLength": _size(str, le),
    "minProperties": _size(dict, ge),
    "maxProperties": _size(dict, le),
    "minimum": _bound(ge),
    "maximum": _bound(le),
}
