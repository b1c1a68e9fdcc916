"""The official definition of the API: messages, fields, types and enum values, as one table.

``definition.json`` holds names and types only, and its own revision. It is made from the discovery document
at ``https://generativelanguage.googleapis.com/$discovery/OPENAPI3_0?version=v1beta`` (needs no key), its ``vertex`` part from
``aiplatform.v1beta1.json`` in google-api-python-client, what is newer (``turnToken``, ``score``, ``billablePromptUsage``,
``SERVICE_TIER_STANDARD`` in batches) from recordings in the tests of googleapis/js-genai and tidyverse/ellmer, enum numbers
from the proto classes of google-ai-generativelanguage and google-cloud-aiplatform. A type is a scalar
(``string bytes int32 int64 number boolean datetime duration``), ``enum NAME``, a message, ``map TYPE``, ``object`` (free
JSON object), ``any``, with ``[]`` behind it for a list. ``use`` puts a renewed file of the same form in its place (see ``renewal``).

Answers (:func:`walk`) are compared with the fields that servers send, including those of Vertex AI. Requests (see ``canonical``) are
compared with what the Gemini API accepts: more spellings, but fewer fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypedDict, cast
from urllib.parse import urlsplit

from msgspec import Struct

from harness.model import Json
from harness.text import safeyaml
from harness.text.jsontext import strict
from harness.text.names import snake

STATUSES: Mapping[str, int] = safeyaml.load(Path(__file__).with_name("statuses.yaml").read_bytes())
"""The names of google.rpc.Code, without OK: what ``error.status`` may be, and the HTTP status of each (google/rpc/code.proto)."""

Kind = Literal["unknown-field", "unknown-value", "wrong-type"]


class DefinitionFinding(Struct, frozen=True):
    """One difference between an answer and the definition. ``at`` is a JSON path into the checked value."""

    kind: Kind
    at: str
    expected: Json
    actual: Json


def walk(message: str, value: Json) -> list[DefinitionFinding]:
    """Unknown fields, unknown enum values and wrong types of an answer, as proto3 JSON is read.

    null counts as absent, int64 may be a string, base64 may use either alphabet, enums may be numbers. The content of ``object``
    and ``any`` is not checked. Raises KeyError for a message that is not defined.
    """
    found: _Found = []
    _checker(message)(value, found)
    return [DefinitionFinding(kind, _path(segments), expected, actual) for kind, segments, expected, actual in found]


COLLECTIONS = {
    "models": "Model",
    "cachedContents": "CachedContent",
    "files": "File",
    "fileSearchStores": "FileSearchStore",
    "documents": "Document",
    "batches": "Operation",
    "operations": "Operation",
}
"""Collection of resources -> the message that is one of them."""
CALLS = {
    "countTokens": "CountTokensResponse",
    "embedContent": "EmbedContentResponse",
    "batchEmbedContents": "BatchEmbedContentsResponse",
    "predict": "PredictResponse",
    "predictLongRunning": "Operation",
    "batchGenerateContent": "Operation",
    "asyncBatchEmbedContent": "Operation",
    "uploadToFileSearchStore": "Operation",
    "importFile": "Operation",
}
"""Method of the API that generates nothing at once -> the message that answers it."""


@lru_cache(1000)
def answer_of(method: str, url: str) -> tuple[str, str]:
    """A call that generates nothing, as the method of the API (``countTokens``) or the collection (``cachedContents``) that its
    address names, and the message that answers it. That is empty where it is not known."""
    *_, holder, last = ("", *urlsplit(url).path.split("/"))
    collection = last if last in COLLECTIONS else holder if holder in COLLECTIONS else ""
    if (call := last.partition(":")[2]) or not collection:
        return call, CALLS.get(call, "")
    one = COLLECTIONS[collection]
    if last != collection:
        return collection, "Empty" if method.upper() == "DELETE" else one
    created = "CreateFileResponse" if one == "File" else one
    return collection, f"List{one}sResponse" if method.upper() == "GET" else created


def name_enums(message: str, value: Json, *, vertex: bool = False) -> Json:
    """A copy of the value with enum numbers replaced by their names. Unknown numbers stay.

    The two APIs number some enums differently: ``vertex`` reads them as Vertex AI does.
    """
    return _with_enums(message, value, lambda enum, one: _numbers(enum, vertex).get(one, one) if is_int(one) else one)


def number_enums(message: str, value: Json) -> Json:
    """A copy of the value with the names of enum values replaced by their numbers. Names without a number stay."""
    return _with_enums(message, value, _number_of)


def _number_of(enum: str, value: Json) -> Json:
    number = table()["enums"].get(enum, {}).get(value) if isinstance(value, str) else None
    return value if number is None else number


def fields(message: str, *, vertex: bool = False) -> Mapping[str, str]:
    """Field -> type of a message, in camelCase. Raises KeyError for a message that is not defined."""
    known = table()
    if vertex and message in known["vertex"]:
        return {**known["messages"].get(message, {}), **known["vertex"][message]}
    return known["messages"][message]


def enum_values(name: str, *, vertex: bool = False) -> tuple[str, ...]:
    """The values of an enum, the unspecified one first; with ``vertex``, those that only Vertex AI has come last.

    Raises KeyError for an unknown enum.
    """
    known = table()
    if vertex and name in known["vertexEnums"]:
        return tuple({**known["enums"].get(name, {}), **known["vertexEnums"][name]})
    return tuple(known["enums"][name])


@cache
def revision() -> str:
    """The revisions of the definition from which the table was made."""
    return table()["revision"]


# --- the file ---------------------------------------------------------------------------------------------------


class Table(TypedDict):
    """The definition as a file holds it. An enum value has its number, or None where that is not known."""

    revision: str
    messages: dict[str, dict[str, str]]
    vertex: dict[str, dict[str, str]]
    enums: dict[str, dict[str, int | None]]
    vertexEnums: dict[str, dict[str, int | None]]


SHIPPED = Path(__file__).with_name("definition.json")
_in_use: list[tuple[Path, str]] = [(SHIPPED, "")]


def use(file: Path | None) -> None:
    """Take the definition from this file from now on; None: the one that ships. Raises ValueError with the reason why it is none."""
    text = "" if file is None else file.read_text(encoding="utf-8")
    if (file or SHIPPED, text) != _in_use[0]:
        if text:
            validated(strict(text))
        _in_use[0] = (file or SHIPPED, text)
        for cached in (table, _numbers, _values, _checker, spellings, revision):
            cached.cache_clear()


def validated(value: Json) -> Table:
    """The value, if it is a definition. Raises ValueError that says what is missing or wrong."""
    parts = value if isinstance(value, dict) else {}
    wrong = [
        name for name in Table.__annotations__ if not isinstance(parts.get(name), str if name == "revision" else dict)
    ]
    if wrong:
        raise ValueError(f"this is no definition: {wrong[0]} is missing or of another type")
    messages, enums = {**parts["messages"], **parts["vertex"]}, {**parts["enums"], **parts["vertexEnums"]}
    for name in ("GenerateContentRequest", "GenerateContentResponse"):
        if not messages.get(name):
            raise ValueError(f"this is no definition of the Gemini API: it has no {name}")
    for message, names in (*parts["messages"].items(), *parts["vertex"].items()):
        for name, kind in names.items() if isinstance(names, dict) else [("", names)]:
            if not _is_type(kind, messages, enums):
                raise ValueError(f"this definition is not complete: {message}.{name} has the unknown type {kind!r}")
    return cast("Table", value)


def _is_type(kind: Json, messages: Mapping[str, Json], enums: Mapping[str, Json]) -> bool:
    if not isinstance(kind, str):
        return False
    bare = kind.removesuffix("[]").removeprefix("map ")
    if bare.startswith("enum "):
        return isinstance(enums.get(bare[5:]), dict)
    return bare in SCALARS or bare in messages


def dumps(table: Table) -> str:
    """The text of a file: a message or an enum a line, so that a change shows in few lines."""
    parts = [f' "revision": {json.dumps(table["revision"])}']
    for name in ("messages", "vertex", "enums", "vertexEnums"):
        rows = [f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in sorted(table[name].items())]
        parts.append(f' "{name}": {{\n' + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


@cache
def table() -> Table:
    """The definition in use. Messages and enums that a renewed file lacks, since it is older than the harness, are those that ship."""
    shipped, text = json.loads(SHIPPED.read_bytes()), _in_use[0][1]
    renewed = json.loads(text) if text else {}
    more = {name: {**shipped[name], **renewed[name]} for name in ("messages", "enums") if renewed}
    return cast("Table", {**shipped, **renewed, **more})


@cache
def _numbers(enum: str, vertex: bool) -> Mapping[int, str]:
    ours, theirs = table()["enums"].get(enum, {}), table()["vertexEnums"].get(enum, {})
    numbered = (theirs or ours) if vertex else (ours or theirs)
    return {number: name for name, number in numbered.items() if number is not None}


@cache
def _values(enum: str) -> frozenset[str]:
    known = table()
    return frozenset(known["enums"].get(enum, ())) | frozenset(known["vertexEnums"].get(enum, ()))


# --- answers ------------------------------------------------------------------------------------------------

_Found = list[tuple[Kind, list[str | int], Json, Json]]
_Check = Callable[[Json, _Found], None]

_BYTES = r"[A-Za-z0-9+/_-]*={0,2}"
_DATETIME = r"\d{4}-(?:0\d|1[0-2])-[0-3]\dT[0-2]\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_DURATION = r"-?\d+(\.\d{1,9})?s"
_INTEGER = r"-?\d+"


def is_int(value: Json) -> bool:
    """Whether JSON writes a whole number: 3 or 3.0."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    if isinstance(value, str):
        return value in ("NaN", "Infinity", "-Infinity")
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(pattern: str) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


SCALARS: Mapping[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "int32": lambda value: is_int(value) and -(2**31) <= value < 2**31,
    "int64": lambda value: is_int(value) or (isinstance(value, str) and re.fullmatch(_INTEGER, value) is not None),
    "number": _is_number,
    "bytes": _is_text(_BYTES),
    "datetime": _is_text(_DATETIME),
    "duration": _is_text(_DURATION),
    "object": lambda value: isinstance(value, dict),
    "any": lambda _value: True,
}


@cache
def scalars() -> Mapping[str, Mapping[str, str]]:
    """Scalar type -> ``words`` for people, ``api`` in messages of the API."""
    read: Mapping[str, Mapping[str, str]] = safeyaml.load(Path(__file__).with_name("scalars.yaml").read_bytes())
    return read


@cache
def _checker(kind: str) -> _Check:
    """The function that checks a value of this type. Cached, since messages refer to each other."""
    if kind.endswith("[]"):
        return _items_checker(kind[:-2], list, "a list")
    if kind.startswith("enum "):
        return _enum_checker(kind[5:])
    if kind.startswith("map "):
        return _items_checker(kind[4:], dict, "an object")
    if kind in SCALARS:
        return _scalar_checker(kind, SCALARS[kind])
    return _message_checker(kind)


def _scalar_checker(kind: str, holds: Callable[[Json], bool]) -> _Check:
    def check(value: Json, found: _Found) -> None:
        if not holds(value):
            found.append(("wrong-type", [], kind, value))

    return check


def _enum_checker(enum: str) -> _Check:
    names, numbers = _values(enum), _numbers(enum, False).keys() | _numbers(enum, True).keys()

    def check(value: Json, found: _Found) -> None:
        if isinstance(value, str):
            if value not in names:
                found.append(("unknown-value", [], enum, value))
        elif not is_int(value):
            found.append(("wrong-type", [], f"a value of {enum}", value))
        elif value not in numbers:
            found.append(("unknown-value", [], enum, value))

    return check


def _items_checker(kind: str, holder: type[list[Json]] | type[dict[str, Json]], words: str) -> _Check:
    """The check of a list or a map."""
    check_item = _checker(kind)

    def check(value: Json, found: _Found) -> None:
        if not isinstance(value, holder):
            found.append(("wrong-type", [], words, value))
            return
        if kind == "number" and {*map(type, value)} <= {int, float}:  # the thousands of a vector
            return
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            before = len(found)
            check_item(item, found)
            if len(found) > before:
                for finding in found[before:]:
                    finding[1].append(key)

    return check


def _message_checker(message: str) -> _Check:
    kinds = fields(message, vertex=True)
    checks: dict[str, _Check] = {}  # to ask ``_checker`` for each field takes longer than most checks

    def check(value: Json, found: _Found) -> None:
        if not isinstance(value, dict):
            found.append(("wrong-type", [], f"an object ({message})", value))
            return
        for key, field in value.items():
            if field is None:
                continue
            before = len(found)
            if check_field := checks.get(key):
                check_field(field, found)
            elif kind := kinds.get(key):
                checks[key] = _checker(kind)
                checks[key](field, found)
            else:
                found.append(("unknown-field", [], message, field))
            if len(found) > before:
                for finding in found[before:]:
                    finding[1].append(key)

    return check


def _path(segments: Sequence[str | int]) -> str:
    """A JSON path from segments in reverse order (innermost first)."""
    return "$" + "".join(
        f"[{segment}]" if isinstance(segment, int) else f".{segment}" for segment in reversed(segments)
    )


def _with_enums(kind: str, value: Json, convert: Callable[[str, Json], Json]) -> Json:
    """A copy of a value of this type with its enum values converted. ``convert``: (enum, value) -> value."""
    if kind.endswith("[]"):
        return [_with_enums(kind[:-2], item, convert) for item in value] if isinstance(value, list) else value
    if kind.startswith("enum "):
        return convert(kind[5:], value)
    if kind.startswith("map ") or kind in SCALARS or not isinstance(value, dict):
        return value
    kinds = fields(kind, vertex=True)
    return {key: _with_enums(kinds[key], item, convert) if key in kinds else item for key, item in value.items()}


@cache
def spellings(message: str) -> Mapping[str, tuple[str, str]]:
    """Field of a message in either spelling -> its name in camelCase, and its type."""
    known = {name: (name, kind) for name, kind in fields(message).items()}
    return {**{snake(name): field for name, field in known.items()}, **known}
