"""Literal bodies and schemas: what the API would refuse about them, and what is no schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.gemini.definition import RequestFinding
from harness.gemini.schemas.spelling import KEYWORDS
from harness.model import Json
from harness.suite import language, template
from harness.suite.cases import Case
from harness.suite.validate.diagnostics import Diagnostics, Table
from harness.text import shape
from harness.text.shape import nearest
from harness.text.yamltext import Path as Route


def waived(cases: Sequence[Case]) -> bool:
    """Whether nobody minds what the API would refuse about the defaults."""
    return bool(cases) and all(case.expects_refusal or language.REQUEST_KNOWN in case.waive for case in cases)


def literal(route: Route, table: Table, diagnostics: Diagnostics, waived: bool) -> None:
    """What the API would refuse about the literal parts of a body, and what is no schema."""
    for key in ("schema", "jsonSchema"):
        if isinstance(table.get(key), Mapping):
            _schema((*route, key), table[key], diagnostics)
    if waived:
        return
    bodies: list[tuple[Route, Json, int]] = []
    if isinstance(table.get("request"), Mapping):
        bodies.append(((*route, "request"), table["request"], 0))
    if "tools" in table:
        tools = [tool if isinstance(tool, Mapping) else {} for tool in table["tools"]]
        bodies.append((route, {"tools": tools}, 0))
    if isinstance(table.get("schema"), Mapping):
        bodies.append(((*route, "schema"), {"generationConfig": {"responseSchema": table["schema"]}}, 2))
    for at, body, inner in bodies:
        _findings(at, body, inner, diagnostics)


def refused(body: Json) -> Iterator[RequestFinding]:
    """What the API would refuse about a body, but for what still waits for a value."""
    from harness.gemini import definition

    for found in definition.request_findings(body):
        if not isinstance(_value(body, found.at), shape.Later):
            yield found


def near(body: Json, found: RequestFinding) -> str:
    """What may have been meant instead of a name or a value that is refused."""
    name = found.name if found.kind == "unknown-field" else _value(body, found.at)
    return nearest(name, found.known) if isinstance(name, str) else ""


def _findings(route: Route, body: Json, inner: int, diagnostics: Diagnostics) -> None:
    for found in refused(body):
        at = (*route, *found.at[inner:])
        in_schema = "responseSchema" in found.at or (inner and True)
        if found.kind == "unknown-field":
            hint = near(body, found)
            if in_schema and found.name in KEYWORDS["json_schema_only"]:
                hint = _json_schema_hint(bool(inner))
            diagnostics.complain(at, f'the API has no field "{found.name}" here', hint, key=True)
        elif found.kind == "not-repeating":
            hint = _json_schema_hint(bool(inner)) if in_schema and found.name == "type" else ""
            diagnostics.complain(at, f'the API takes no list for "{found.name}"', hint)
        else:
            diagnostics.complain(at, f"the API refuses this: {found.message}", near(body, found))


def _json_schema_hint(sugar: bool) -> str:
    return f"did you mean {'jsonSchema:' if sugar else 'responseJsonSchema'}? that one takes JSON Schema"


def _value(body: Json, at: Sequence[str | int]) -> Json:
    for step in at:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _schema(route: Route, schema: Json, diagnostics: Diagnostics) -> None:
    from harness.gemini import schemas

    if template.has_references(schema):
        return
    try:
        schemas.check_schema(schema)
    except schemas.SchemaProblem as problem:
        diagnostics.complain(route, f"this is not a schema: {problem}")
