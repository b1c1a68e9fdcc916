"""Renews the definition from a document that Google publishes: the Gemini API's OpenAPI document, or the discovery document of it or of Vertex AI.

What the document says of a message replaces what was known of it. Names of messages and enums stay, since rules and reports use
them: the walk begins at the request and the answer (of Vertex AI, at the answer), and follows the fields. Discovery documents have no enum numbers: known ones
are kept, new values have none. A document in the form of ``definition.json`` is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.gemini.definition import SCALARS, Table, dumps, validated
from harness.model import Json
from harness.text.jsontext import an_object, strict

ROOTS = ("GenerateContentRequest", "GenerateContentResponse")
_PREFIX = re.compile(
    r"^(?:GoogleAiGenerativelanguageV1beta|GoogleCloudAiplatformV1(?:beta1)?|GenerativeLanguage)(?=[A-Z])"
)
_FORMATS = {
    "byte": "bytes",
    **dict.fromkeys(("int64", "uint64"), "int64"),
    "google-duration": "duration",
    **dict.fromkeys(("date-time", "google-datetime"), "datetime"),
}
_PLAIN = {"integer": "int32", "number": "number", "boolean": "boolean", "any": "any", "object": "object"}


@dataclass(frozen=True, slots=True)
class Renewal:
    """A new definition, and what it changes: paths such as ``Candidate.score``, or ``HarmCategory: NEW_VALUE``."""

    table: Table
    before: str
    added: list[str]
    removed: list[str]
    changed: list[str]
    file: str = ""
    """Where it is written."""

    @property
    def is_older(self) -> bool:
        """Whether the document is older than what was known."""
        latest = [
            max(re.findall(r"\b20\d{6}\b", text.partition("; ")[0]), default="")
            for text in (self.revision, self.before)
        ]
        return "" < latest[0] < latest[1]

    def to_json(self) -> dict[str, Json]:
        changes = {"added": self.added, "removed": self.removed, "changed": self.changed}
        return {"version": 1, "file": self.file, "before": self.before, "after": self.revision, **changes}

    @property
    def text(self) -> str:
        return dumps(self.table)

    @property
    def revision(self) -> str:
        return self.table["revision"]


def renewed(content: bytes, old: Table) -> Renewal:
    """The definition that a document makes of the old one. Raises ValueError that says, after the document's name, why it is none."""
    document = _decoded(content)
    if isinstance(document.get("messages"), dict):
        table = validated(document)
    else:
        try:
            schemas = _schemas(document)
            vertex = any(name.startswith("GoogleCloudAiplatform") for name in schemas)
            walk = _Walk(schemas, old, vertex).messages()
            table = validated(_merged(walk, old, _revision(document), vertex=vertex))
        except (TypeError, AttributeError, KeyError, RecursionError):
            raise ValueError("this is no definition: its schemas have another form") from None
    before, after = dict(_facts(old)), dict(_facts(table))
    return Renewal(
        table,
        old["revision"],
        [name for name in after if name not in before],
        [name for name in before if name not in after],
        [f"{name}: {before[name]} -> {after[name]}" for name in after if before.get(name, after[name]) != after[name]],
    )


def _decoded(content: bytes) -> dict[str, Json]:
    if content.lstrip()[:1] == b"<":
        raise ValueError("this is HTML or XML, not a definition; use the address of the JSON document itself")
    if not content.strip():
        raise ValueError("this is empty")
    try:
        document = strict(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("this is not text in UTF-8") from None
    except ValueError as fault:
        raise ValueError(f"this is not valid JSON, or was cut off ({fault})") from None
    if not isinstance(document, dict):
        raise ValueError("this is JSON, but no object")  # noqa: TRY004 - of a document, not of an argument
    if isinstance(document.get("error"), dict):
        message = str(document["error"].get("message"))[:160]
        raise ValueError(f"this is an error of the API: {message}")  # noqa: TRY004 - as above
    return document


def _schemas(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name -> schema, of either form. Raises ValueError for a document of another API."""
    components = document.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else document.get("schemas")
    if not isinstance(schemas, dict):
        raise ValueError(  # noqa: TRY004 - as above
            "this is JSON, but no definition of an API: it has neither components.schemas nor schemas"
        )
    if not all(any(_bare(name) == root for name in schemas) for root in ROOTS):
        title = an_object(document.get("info")).get("title") or document.get("title") or "another API"
        raise ValueError(
            f"this is the definition of {str(title)[:80]}, which has no {ROOTS[1]}; expected the Gemini API"
        )
    return schemas


def _revision(document: Mapping[str, Any]) -> str:
    info = an_object(document.get("info", document))
    found = info.get("x-google-revision") or document.get("revision") or info.get("version")
    return str(found or "unknown")


def _bare(name: str) -> str:
    return _PREFIX.sub("", name)


# --- from schemas to types ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walk:
    """Follows the fields from the roots. ``found``: message -> field -> type; ``enums``: enum -> values."""

    schemas: Mapping[str, Any]
    old: Table
    vertex: bool
    found: dict[str, dict[str, str]] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)

    def messages(self) -> _Walk:
        for root in ROOTS[self.vertex :]:
            self._message(root, next(name for name in self.schemas if _bare(name) == root))
        return self

    def _message(self, name: str, schema: str) -> None:
        if name in self.found:
            return
        known = {**self.old["vertex"].get(name, {}), **self.old["messages"].get(name, {})}
        self.found[name] = fields = {}
        for key, value in an_object(self.schemas[schema].get("properties")).items():
            hint = known.get(key, "").removesuffix("[]").removeprefix("map ")
            fields[key] = self._type(an_object(value), hint, f"{name}.{key[:1].upper()}{key[1:]}")

    def _type(self, schema: Mapping[str, Any], hint: str, place: str) -> str:
        """The type of a schema. ``hint``: the known type of the field; ``place``: the name of an enum without a name."""
        if target := _target(schema):
            return self._named(target, hint)
        if "enum" in schema:
            return self._enum(schema, hint, place)
        kind = schema.get("type", "any")
        if kind == "array":
            return f"{self._type(an_object(schema.get('items')), hint, place)}[]"
        if kind == "object" and (of := an_object(schema.get("additionalProperties"))) and ("type" in of or _target(of)):
            inside = self._type(of, hint, place)
            return "object" if inside == "any" else f"map {inside}"
        if kind == "string":
            return _FORMATS.get(schema.get("format", ""), "string")
        return _FORMATS.get(schema.get("format", ""), _PLAIN.get(kind, "any"))

    def _named(self, target: str, hint: str) -> str:
        schema = self.schemas.get(target)
        if not isinstance(schema, dict):
            raise ValueError(  # noqa: TRY004 - as above
                f"this definition is not complete: it refers to {target}, which is not in it"
            )
        if "enum" in schema or ("properties" not in schema and schema.get("type") != "object"):
            return self._type(schema, hint, _bare(target))
        if hint == "object" or schema.get("additionalProperties"):
            return "object"
        name = hint if hint and " " not in hint and hint not in SCALARS else _bare(target)
        self._message(name, target)
        return name

    def _enum(self, schema: Mapping[str, Any], hint: str, place: str) -> str:
        name = hint.removeprefix("enum ") if hint.startswith("enum ") else place
        self.enums[name] = [str(value) for value in schema["enum"]]
        return f"enum {name}"


def _target(schema: Mapping[str, Any]) -> str:
    """The name of the schema that is referred to; empty if none is."""
    inside = schema.get("allOf")
    first = inside[0] if isinstance(inside, list) and inside else schema
    return str(an_object(first).get("$ref", "")).rpartition("/")[2]


def _merged(walk: _Walk, old: Table, revision: str, *, vertex: bool) -> Table:
    """The old table with the messages and enums that were found. Those of Vertex AI stand beside those of the Gemini API."""
    gemini_revision, _, vertex_revision = old["revision"].partition("; Vertex AI ")
    if not vertex:
        numbered = {name: _numbered(values, old["enums"].get(name, {})) for name, values in walk.enums.items()}
        revision = f"Gemini API {revision}; Vertex AI {vertex_revision}"
        messages, enums = {**old["messages"], **walk.found}, {**old["enums"], **numbered}
        return {**old, "revision": revision, "messages": messages, "enums": enums}
    more = {
        name: {key: kind for key, kind in fields.items() if key not in old["messages"].get(name, {})}
        for name, fields in walk.found.items()
    }
    own = {name: values for name, values in walk.enums.items() if set(values) - set(old["enums"].get(name, {}))}
    own |= {name: walk.enums[name] for name in old["vertexEnums"] if name in walk.enums}
    numbers = {name: _numbered(values, old["vertexEnums"].get(name, {})) for name, values in own.items()}
    return {
        **old,
        "revision": f"{gemini_revision}; Vertex AI {revision}",
        "vertex": {
            **old["vertex"],
            **{name: fields for name, fields in more.items() if fields or name not in old["messages"]},
        },
        "vertexEnums": {**old["vertexEnums"], **numbers},
    }


def _numbered(values: list[str], known: Mapping[str, int | None]) -> dict[str, int | None]:
    return {value: known.get(value) for value in values}


def _facts(table: Table) -> Iterator[tuple[str, str]]:
    """(path, type) of every field, and (enum: value, empty) of every enum value."""
    for fields, mark in ((table["messages"], ""), (table["vertex"], " (Vertex AI)")):
        for message, kinds in fields.items():
            yield from ((f"{message}.{name}{mark}", kind) for name, kind in kinds.items())
    for enums in (table["enums"], table["vertexEnums"]):
        for enum, values in enums.items():
            yield from ((f"{enum}: {value}", "") for value in values)
