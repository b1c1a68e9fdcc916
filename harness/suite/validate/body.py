"""Literal bodies and schemas: what the API would refuse about them, and what is no schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.gemini.canonical import RequestFinding, request_findings
from harness.gemini.schemas.spelling import KEYWORDS
from harness.model import Json
from harness.suite import language, template
from harness.suite.body import SHORT_FORMS, at_path
from harness.suite.cases import Case
from harness.suite.validate.diagnostics import Diagnostics, Table
from harness.text import shape
from harness.text.jsontext import value_at
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
    for key in ("request", "tools", "schema"):
        value = table.get(key)
        if key == "tools" and isinstance(value, list):
            value = [tool if isinstance(tool, Mapping) else {} for tool in value]
        elif not isinstance(value, Mapping):
            continue
        _findings(route, key, value, diagnostics)


def refused(body: Json) -> list[RequestFinding]:
    """What the API would refuse about a body, but for what still waits for a value."""
    return [found for found in request_findings(body) if not isinstance(value_at(body, found.at), shape.Later)]


def near(body: Json, found: RequestFinding) -> str:
    """What may have been meant instead of a name or a value that is refused."""
    if found.kind == "second-kind":
        return "write it as a part of its own"
    name = found.name if found.kind == "unknown-field" else value_at(body, found.at)
    return nearest(name, found.known) if isinstance(name, str) else ""


def _findings(route: Route, key: str, value: Json, diagnostics: Diagnostics) -> None:
    above = SHORT_FORMS.get(key, ())
    body = at_path(above, value)
    other = "jsonSchema:" if key == "schema" else "responseJsonSchema"
    for found in refused(body):
        at = (*route, key, *found.at[len(above) :])
        hint = f"did you mean {other}? that one takes JSON Schema" if "responseSchema" in found.at else ""
        if found.kind == "unknown-field":
            hint = hint if found.name in KEYWORDS["json_schema_only"] else ""
            diagnostics.complain(at, f'the API has no field "{found.name}" here', hint or near(body, found), key=True)
        elif found.kind == "not-repeating":
            hint = hint if found.name == "type" else ""
            diagnostics.complain(at, f'the API takes no list for "{found.name}"', hint)
        else:
            diagnostics.complain(at, f"the API refuses this: {found.message}", near(body, found))


def _schema(route: Route, schema: Json, diagnostics: Diagnostics) -> None:
    from harness.gemini import schemas

    if template.has_references(schema):
        return
    try:
        schemas.check_schema(schema)
    except schemas.SchemaProblem as problem:
        diagnostics.complain(route, f"this is not a schema: {problem}")
