"""The answer as JSON: its validity, the order of its keys, and its values."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from msgspec.structs import replace

from harness.answer.structured import NotJsonAnswer, schema_of, value_of, violations_of
from harness.errors import SuiteError
from harness.gemini import schemas
from harness.judge.checks.parameters import JsonPath, Refuse
from harness.judge.predicates import ABSENT, Absent, Predicate, differs
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch
from harness.text import jsonpath, yamltext
from harness.text.jsontext import strict
from harness.text.project import Project, Unreadable, read


def _schema_complaint(valid: Any, project: Project) -> str | None:
    if valid in ("request", "none"):
        return None
    try:
        schemas.check_schema(read_schema(project.find(valid)) if isinstance(valid, str) else valid)
    except Unreadable as problem:
        return f"cannot read the schema {project.folder / valid}: {problem}"
    except (SuiteError, schemas.SchemaProblem) as problem:
        return str(problem)
    return None


class JsonWords(TypedDict, total=False):
    """What the JSON value of the answer must be."""

    valid: Annotated[
        Literal["request", "none"] | str | dict[str, Any],
        "the schema for the value: request (the schema that was sent), a file beside the suite, or a literal schema",
        Refuse(_schema_complaint, early=True),
    ]
    order: Annotated[
        Literal["request"] | list[str],
        "the order of keys: request (the propertyOrdering of the schema that was sent, else the order of its properties), or a list of the keys of the top object",
    ]
    at: Annotated[
        dict[JsonPath, Predicate], "JSONPath -> the predicate that every value selected by the path must satisfy"
    ]
    equals: Annotated[Any, "the whole value"]


@check("json")
def json(evidence: Evidence, expected: JsonWords) -> Iterator[Mismatch]:
    """The answer text is one JSON value, with only white space around it, and it is as the keys below describe.

    Schemas may be in either dialect (``STRING`` or ``string``, ``nullable``, ``propertyOrdering``). The value of an enum
    answer (``text/x.enum``) is its word, without quotes. An empty mapping (``{}``) only requires that the text is JSON.

    A mismatch has a reason, which ``--measures json`` counts in every cell: ``no answer`` (no text: an error, a block),
    ``not JSON``, ``fence`` (of Markdown), ``cut`` (at the output limit, or in the middle), ``missing key``, ``wrong type``,
    ``extra value`` (a key or a value that the schema does not list), ``wrong order`` or ``wrong value``.

        json:
          valid: request
          order: request
          at:
            $.total: {approx: 118.40, abs: 0.01}
            $.lines[*].sku: {matches: '^[A-Z]{3}-'}
    """
    try:
        value = value_of(evidence)
    except NotJsonAnswer as problem:
        cut = evidence.reply.finish_reason == "MAX_TOKENS"
        hint = "; it was truncated at the output limit (finishReason MAX_TOKENS): raise maxOutputTokens" if cut else ""
        text = evidence.reply.text[:200]
        yield Mismatch("json", dict(expected), text, f"{problem}{hint}", reason=problem.reason)
        return
    yield from _broken(evidence, value, expected.get("valid", "none"))
    yield from _disordered(evidence, value, expected.get("order"))
    if "equals" in expected:
        yield from _wrong_value("json", value, {"equals": expected["equals"]})
    for path, predicate in expected.get("at", {}).items():
        for at, found in _places(value, path):
            yield from _hinted(path, value, found, _wrong_value(at, found, predicate))


@check("path")
def path(evidence: Evidence, expected: dict[JsonPath, Predicate]) -> Iterator[Mismatch]:
    """Any value of the response, by JSONPath (RFC 9535).

    The chunks of a stream are merged first. An error answer is ``{error: ...}``. Every value that a path selects must
    satisfy the predicate; a path that selects nothing is one absent value.

        path:
          $.candidates[0].index: 0
          $.modelStatus: {present: true}
    """
    error = {} if evidence.reply.error is None else {"error": evidence.reply.error}
    yield from selected({**evidence.reply.response, **error}, expected, "")


def selected(value: Json, expected: Mapping[str, Any], prefix: str) -> Iterator[Mismatch]:
    """The mismatches of ``value`` with a mapping from JSONPaths to predicates. ``prefix`` stands before each place."""
    for path, predicate in expected.items():
        for at, found in _places(value, path):
            yield from _hinted(path, value, found, differs(f"{prefix}{at}", found, predicate))


def _hinted(path: str, value: Json, found: Json | Absent, wrong: Iterator[Mismatch]) -> Iterator[Mismatch]:
    """The mismatches; where the path finds nothing, with one that is spelled almost so and does."""
    for mismatch in wrong:
        near = jsonpath.hint(path, value) if found is ABSENT else ""
        yield replace(mismatch, message=f"{mismatch.message}{near}") if near else mismatch


def _places(value: Json, path: str) -> Sequence[tuple[str, Json | Absent]]:
    return jsonpath.find(path, value) or [(path, ABSENT)]


def _wrong_value(at: str, found: Json | Absent, predicate: Any) -> Iterator[Mismatch]:
    reason = "missing key" if found is ABSENT else "wrong value"
    return (replace(mismatch, reason=reason) for mismatch in differs(at, found, predicate))


def _broken(evidence: Evidence, value: Json, valid: str | Mapping[str, Any]) -> Iterator[Mismatch]:
    if valid == "none":
        return
    try:
        if valid == "request":
            _sent_schema(evidence, "valid")
            found = violations_of(evidence)
        else:
            found = schemas.violations(read_schema(evidence.folder / valid) if isinstance(valid, str) else valid, value)
        for violation in found:
            yield violation.mismatch(f"{violation.message} ({violation.keyword} of the schema)")
    except schemas.SchemaProblem as problem:
        raise SuiteError([f"json: valid: this is not a valid schema: {problem}"]) from None


def _disordered(evidence: Evidence, value: Json, order: str | list[str] | None) -> Iterator[Mismatch]:
    if order == "request":
        found = schemas.order_violations(_sent_schema(evidence, "order"), value, stated_only=False)
    else:
        found = list(schemas.key_order(order or (), value)) if isinstance(value, Mapping) else []
    for violation in found:
        yield violation.mismatch(violation.message)


def _sent_schema(evidence: Evidence, word: str) -> Json:
    found = schema_of(evidence)
    if found is None:
        raise SuiteError([f"json: {{{word}: request}}: this request sends no schema; give the case one (schema: ...)"])
    return found.schema


@lru_cache(maxsize=64)
def read_schema(file: Path) -> Json:
    """The schema in a JSON or YAML file. Raises SuiteError if the file cannot be read."""
    try:
        return _decoded(read(file).decode("utf-8-sig"), file)
    except Unreadable as problem:
        raise SuiteError([f"cannot read the schema {file}: {problem}"]) from None
    except ValueError as problem:
        raise SuiteError([f"{file} holds no schema: {problem}"]) from None


def _decoded(text: str, file: Path) -> Json:
    if file.suffix not in (".yaml", ".yml"):
        return strict(text)
    document = yamltext.read(text, str(file))
    if document.complaints:
        raise ValueError(str(document.complaints[0].message))
    return document.value
