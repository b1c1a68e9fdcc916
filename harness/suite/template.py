"""Placeholders: ``${row.x}``, ``${axis.x}``, ``${model}``, ``${var.x}``, ``${env:A|B}``, ``${file:path}``, ``${capture.x}``, and
``$${`` for the characters ``${``.

They are filled in two steps. ``Reader.resolve`` replaces ``var``, ``env`` and ``file`` while a suite is read; placeholders in
their content are not replaced. A text with any other becomes a ``Template``, which ``fill`` completes later: with the row, the
axes and the target when trials are made, with captures during the run. So does a file whose name holds one of these.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal

from msgspec import Struct

from harness.errors import HarnessError
from harness.gemini import media
from harness.model import Json
from harness.text import yamltext
from harness.text.jsontext import strict, values_in
from harness.text.project import Outside, Project, Unreadable
from harness.text.shape import Later, nearest, suggestion
from harness.text.yamltext import Path as Route

ScopeName = Literal["row", "axis", "capture", "target"]
Scope = Mapping[str, Mapping[str, Json]]
"""Values by the name of their scope and their own name."""


class Reference(Struct, frozen=True):
    """A placeholder that is filled later: a column of ``row``, an ``axis``, a ``capture``, or ``model`` and ``provider`` of the
    ``target``."""

    scope: ScopeName
    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}" if self.scope == "target" else f"${{{self.scope}.{self.name}}}"


class FileReference(Struct, frozen=True):
    """A file that is read later, because its name holds references. ``load`` takes the name and returns the value; it raises
    Undefined if the file cannot be read."""

    name: Template
    load: Callable[[str], Json]

    def __str__(self) -> str:
        return f"${{file:{self.name}}}"


Part = str | Reference | FileReference


class Template(Later):
    """A text with parts that are filled later. As a ``str`` it is the text of the suite."""

    __slots__ = ("parts",)
    parts: tuple[Part, ...]
    exist: ClassVar[bool] = False
    """Whether this process has made any, so that values need not be searched for them."""

    def __new__(cls, parts: Sequence[Part]) -> Template:
        Template.exist = True
        made = super().__new__(cls, "".join(map(str, parts)))
        made.parts = tuple(parts)
        return made


def reference(scope: ScopeName, name: str) -> Template:
    """A value that is exactly one reference."""
    return Template([Reference(scope, name)])


class Undefined(HarnessError):
    """A placeholder that is not defined. The message names what is defined."""

    exit_code = 4


def references(value: Json) -> Iterator[tuple[Route, Reference]]:
    """Every (path, reference) in a value."""
    for route, template in _templates(value):
        yield from ((route, reference) for reference in _references_in(template))


def late_files(value: Json) -> Iterator[tuple[Route, FileReference]]:
    """Every (path, file) in a value whose name is only known later."""
    for route, template in _templates(value):
        yield from ((route, part) for part in template.parts if isinstance(part, FileReference))


def _templates(value: Json) -> Iterator[tuple[Route, Template]]:
    if isinstance(value, Template):
        yield (), value
    elif isinstance(value, dict | list | tuple) and has_references(value):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from (((key, *route), template) for route, template in _templates(item))


def _references_in(template: Template) -> Iterator[Reference]:
    for part in template.parts:
        if isinstance(part, FileReference):
            yield from _references_in(part.name)
        elif isinstance(part, Reference):
            yield part


def has_references(value: Json) -> bool:
    """Whether the value contains a placeholder that is filled later."""
    return Template.exist and any(isinstance(item, Template) for item in values_in(value))


def fill(value: Json, scope: Scope) -> Json:
    """The value with references replaced by the values in ``scope``: ``{"row": {...}, "axis": {...}}`` or ``{"capture": {...}}``.

    A text that is exactly one reference becomes the value itself; in a longer text, values are written as text. References to
    other scopes are kept. A value without references is returned unchanged. Raises Undefined.
    """
    if isinstance(value, Template):
        return _filled(value, scope)
    if isinstance(value, dict):
        filled = {key: fill(item, scope) for key, item in value.items()}
        return filled if any(filled[key] is not item for key, item in value.items()) else value
    if isinstance(value, (list, tuple)):
        items = [fill(item, scope) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _filled(template: Template, scope: Scope) -> Json:
    parts = [part if isinstance(part, str) else _filled_part(part, scope) for part in template.parts]
    if len(parts) == 1:
        return Template(parts) if isinstance(parts[0], Reference | FileReference) else parts[0]
    texts = [part if isinstance(part, Reference | FileReference) else as_text(part) for part in parts]
    if any(not isinstance(part, str) for part in texts):
        return Template(texts)
    return "".join(map(str, texts))


def _filled_part(part: Reference | FileReference, scope: Scope) -> Json:
    if isinstance(part, Reference):
        return _look_up(part, scope[part.scope]) if part.scope in scope else part
    name = _filled(part.name, scope)
    return FileReference(name, part.load) if isinstance(name, Template) else part.load(as_text(name))


def _look_up(reference: Reference, values: Mapping[str, Json]) -> Json:
    if reference.name in values:
        return values[reference.name]
    value: Json = values
    for step in reference.name.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Undefined(f"{reference} is not defined; {nearest(reference.name, values) or 'nothing is'}")
    return value


_json = json.JSONEncoder(ensure_ascii=False).encode


def as_text(value: Json) -> str:
    """A value inside a longer text: texts unchanged, everything else as JSON."""
    return value if isinstance(value, str) else _json(value)


# --- reading: var, env and file -------------------------------------------------------------------------------

_MARK = re.compile(r"\$\$\{|\$\{((?:\$\{[^{}\n]*\}|[^{}\n])*)(\})?")

_IN_KEY = re.compile(r"\$\{(row\.|axis\.|capture\.|var\.|env:|file:)[^{}\n]*\}")

_SCOPES: Mapping[str, ScopeName] = {"row": "row", "axis": "axis", "capture": "capture"}

_KNOWN = (
    "known here: ${row.x}, ${axis.x}, ${model}, ${provider}, ${var.x}, ${env:A|B}, ${file:path}, ${capture.x}; "
    "write $${ for the characters ${"
)

Complain = Callable[[Route, str, str, str], None]
"""Takes the path of the value, the text to point at, the message and a hint."""


class FileProblem(Exception):
    """A file cannot be used. ``hint`` may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class Reader:
    """Fills in ``${var.x}``, ``${env:}`` and ``${file:}`` while a suite is read. Files are those of its project, and are read once.
    ``variables`` are the values of ``${var.x}``."""

    def __init__(
        self,
        project: Project,
        environ: Mapping[str, str],
        complain: Complain,
        variables: Mapping[str, Json],
    ) -> None:
        self.project, self.environ, self.complain, self.variables = project, environ, complain, variables
        self.files: dict[str, bytes | Unreadable] = {}
        self.read_later: dict[str, str] = {}
        """Name -> SHA-256 of files that are read when trials are made. Their content is not kept."""

    def resolve(self, value: Json, route: Route = ()) -> Json:
        """The value with ``${var.x}``, ``${env:}`` and ``${file:}`` filled in, as plain lists and dicts. Texts with other references
        become ``Template``. Errors are passed to ``complain``; nothing is raised."""
        if isinstance(value, str):
            return self.text(value, route) if "${" in value else value
        if isinstance(value, Mapping):
            return self.mapping(value, route)
        if isinstance(value, list):
            return [self.resolve(item, (*route, index)) for index, item in enumerate(value)]
        return value

    def mapping(self, value: Mapping[str, Json], route: Route) -> Json:
        for key in value:
            if found := _IN_KEY.search(key):
                self.complain(
                    route, found[0], f"{found[0]} is not filled in here", "only values are filled in, not keys"
                )
        return {key: self.resolve(item, (*route, key)) for key, item in value.items()}

    def text(self, text: str, route: Route) -> Json:
        whole = _MARK.fullmatch(text)
        if whole and whole[2] and whole[1].startswith("file:"):
            value = self.named_file(whole[1][5:], route, text)
            return Template([value]) if isinstance(value, FileReference) else value
        if whole and whole[2] and whole[1].startswith("var."):
            return self.variable(whole[1][4:], text, route)
        parts = [part for part in self.parts(text, route) if part != ""]
        return "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else Template(parts)

    def parts(self, text: str, route: Route) -> Iterator[Part]:
        end = 0
        for mark in _MARK.finditer(text):
            yield text[end : mark.start()]
            yield "${" if mark[0] == "$${" else self.part(mark, route)
            end = mark.end()
        yield text[end:]

    def part(self, mark: re.Match[str], route: Route) -> Part:
        inside = mark[1]
        scope, _, name = inside.partition(".")
        if not mark[2]:
            self.complain(route, mark[0], "${ is never closed", "write $${ for the characters ${")
        elif scope in _SCOPES and name:
            return Reference(_SCOPES[scope], name)
        elif inside in ("model", "provider"):
            return Reference("target", inside)
        elif scope == "var" and name:
            return as_text(self.variable(name, mark[0], route))
        elif inside.startswith("env:"):
            return self.environment(inside[4:], mark[0], route)
        elif inside.startswith("file:"):
            value = self.named_file(inside[5:], (*route, "text"), mark[0])
            return value if isinstance(value, FileReference) else as_text(value)
        else:
            self.complain(route, mark[0], f"{mark[0]} is not a known placeholder", _KNOWN)
        return mark[0]

    def variable(self, name: str, written: str, route: Route) -> Json:
        if name in self.variables:
            return self.variables[name]
        hint = f"give it with --var {name}=VALUE, or a default under vars:"
        self.complain(route, written, f"{written} has no value", suggestion(name, list(self.variables)) or hint)
        return written

    def environment(self, names: str, written: str, route: Route) -> str:
        wanted = [name.strip() for name in names.split("|")]
        for name in wanted:
            if self.environ.get(name):
                return self.environ[name]
        self.complain(route, written, f"{' and '.join(wanted)}: not set in the environment", "")
        return written

    def named_file(self, name: str, route: Route, written: str) -> Json:
        """The content of a file."""
        return self.file(self.text(name, route), partial(self.content, route=route), route, written)

    def file(self, name: Json, read: Callable[[str], Json], route: Route, written: str) -> Json:
        """What ``read`` makes of a file; a FileReference if its name holds references to rows, axes or captures; ``written`` if
        ``read`` raises FileProblem, which is passed to ``complain``."""
        if isinstance(name, Template):
            return FileReference(name, partial(self.later, read))
        try:
            return read(as_text(name))
        except FileProblem as problem:
            self.complain(route, written, str(problem), problem.hint)
            return written

    def later(self, read: Callable[[str], Json], name: str) -> Json:
        """What ``read`` makes of a file whose name is only known now. Raises Undefined."""
        fresh = name.strip() not in self.files
        try:
            return read(name)
        except FileProblem as problem:
            raise Undefined(f"{problem}{f'; {problem.hint}' if problem.hint else ''}") from None
        finally:
            if fresh and isinstance(content := self.files.pop(name.strip(), None), bytes):
                self.read_later[name.strip()] = sha256(content).hexdigest()

    def content(self, name: str, route: Route) -> Json:
        """The content of a file: parsed if its place needs a value, base64 under ``inlineData.data``, otherwise its text.
        Raises FileProblem."""
        content = self.bytes(name.strip())
        if route[-2:] == ("inlineData", "data"):
            return base64.b64encode(content).decode()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FileProblem(f"{name} is not UTF-8 text (byte {error.start})") from None
        return parsed(text, name) if _wants_value(route) else text

    def part_of(self, item: Json, route: Route) -> Json:
        """The part of a prompt for an item of ``files:``: a name or an address, or ``{path, uri, mimeType}``."""
        stated = item if isinstance(item, Mapping) else {"path": item}
        if ("path" in stated) == ("uri" in stated) or "" in stated.values():
            self.complain(route, str(item), "a file has either a path: or a uri:", "")
            return {}
        if "uri" in stated:
            return media.address_part(stated["uri"], stated.get("mimeType"))
        name = stated["path"]
        part = self.file(name, partial(self.media, mime=stated.get("mimeType")), route, str(name))
        return Template([part]) if isinstance(part, FileReference) else part

    def media(self, name: str, mime: str | None) -> Json:
        """The part of a prompt that holds a file or names its address. Raises FileProblem."""
        if media.is_address(name):
            return media.address_part(name, mime)
        return media.inline_part(name, self.bytes(name.strip()), mime)

    def bytes(self, name: str) -> bytes:
        """The content of a file. Raises FileProblem."""
        if name not in self.files:
            try:
                self.files[name] = self.project.read(name)
            except Unreadable as error:
                self.files[name] = error
        content = self.files[name]
        if isinstance(content, bytes):
            return content
        raise FileProblem(
            f"cannot read {name}: {content}", "" if isinstance(content, Outside) else self.nearest_file(name)
        )

    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file that was read, by name."""
        found = {
            name: sha256(content).hexdigest() for name, content in self.files.items() if isinstance(content, bytes)
        }
        return {**found, **self.read_later}

    def nearest_file(self, name: str) -> str:
        """``did you mean`` with a file of the same folder; else where files are looked up."""
        folder = self.project.folder
        try:
            names = sorted(path.name for path in (folder / name).parent.iterdir() if path.is_file())
        except (OSError, ValueError):
            return f"files are looked up from {folder}"
        return suggestion(Path(name).name, names) or f"files are looked up from {folder}"

    def rows(self, name: str, route: Route, written: str) -> list[Mapping[str, Json]]:
        """The rows of a CSV, JSONL or JSON file, as mappings. The values of a CSV file are text."""
        content = self.file(name, self.bytes, route, written)
        if not isinstance(content, bytes):
            return []
        try:
            found = list(data_rows(content.decode("utf-8-sig"), name))
        except UnicodeDecodeError as error:
            line = 1 + content.count(10, 0, error.start)
            found = [f"{name}:{line}: not UTF-8 text (byte {error.start}); save it as UTF-8"]
        errors = [row for row in found if isinstance(row, str)] if found else [f"{name} holds no rows"]
        for message in errors[:_MOST_ERRORS]:
            self.complain(route, written, message, "")
        return [] if errors else [row for row in found if not isinstance(row, str)]


class DataRow(dict[str, Json]):
    """A row with its place: ``capitals.csv:3``."""

    __slots__ = ("at",)

    def __init__(self, values: Mapping[str, Json], at: str) -> None:
        super().__init__(values)
        self.at = at


def row_label(row: Mapping[str, Json], number: int) -> str:
    """``row 2``, or ``row 2 (capitals.csv:3)`` if the row comes from a file."""
    return f"row {number} ({row.at})" if isinstance(row, DataRow) else f"row {number}"


def parsed(text: str, name: str) -> Json:
    """The value of a JSON or YAML file; the text of any other. Raises FileProblem."""
    if name.endswith((".yaml", ".yml")):
        document = yamltext.read(text, name)
        for complaint in document.complaints:
            raise FileProblem(f"{complaint.place}: {complaint.message}", complaint.hint)
        return document.value
    if name.endswith(".json"):
        try:
            return strict(text)
        except ValueError as error:
            raise FileProblem(f"{name} is not JSON: {error}") from None
    return text


def referenced_file(text: Json) -> str | None:
    """The name of the file, if the text is exactly ``${file:name}``; else None."""
    whole = _MARK.fullmatch(text) if isinstance(text, str) else None
    return whole[1][5:].strip() if whole and whole[2] and whole[1].startswith("file:") else None


_VALUES = {"request", "schema", "jsonSchema", "reply", "tools", "valid", "body", "model", "response"}


def _wants_value(route: Route) -> bool:
    """Whether a file at that place is parsed: under request, schema and others, but not where the API needs text."""
    inside = _VALUES.isdisjoint(route) and not any(str(step).startswith("request.") for step in route)
    return not inside and route[-1] not in ("text", "data", "code")


_MOST_ERRORS = 10
"""The most errors that are reported for one file of rows."""


def data_rows(text: str, name: str) -> Iterator[DataRow | str]:
    """Each row of a CSV, JSONL or JSON file, or a text that says what is wrong with it: its place, a colon, and the reason."""
    if name.endswith(".csv"):
        yield from _csv_rows(text, name)
    elif name.endswith((".jsonl", ".ndjson")):
        yield from _json_lines(text, name)
    elif name.endswith(".json"):
        yield from _json_list(text, name)
    else:
        yield f"{name}: rows come from .csv, .jsonl or .json"


def _csv_rows(text: str, name: str) -> Iterator[DataRow | str]:
    import csv

    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # of the whole process: never lower it
    separator = next((mark for mark in ",;\t" if mark in text.partition("\n")[0]), ",")  # spreadsheets write them all
    spaced = all(column.startswith(" ") for column in text.partition("\n")[0].split(separator)[1:])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=spaced)
    try:
        header = next(reader, [])
        if twice := next((column for column in header if header.count(column) > 1), None):
            yield f'{name}:1: two columns have the same name, "{twice}"'
            return
        for row in reader:
            if row and len(row) != len(header):
                yield f"{name}:{reader.line_num}: expected a value for each of {len(header)} columns, got {len(row)}"
            elif row:
                yield DataRow(dict(zip(header, row, strict=True)), f"{name}:{reader.line_num}")
    except csv.Error as error:
        yield f"{name}:{reader.line_num}: {error}"


def _json_lines(text: str, name: str) -> Iterator[DataRow | str]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _row(strict(line), f"{name}:{number}")
            except ValueError as error:
                yield f"{name}:{number}: not JSON: {_fault(error)}"


def _json_list(text: str, name: str) -> Iterator[DataRow | str]:
    try:
        values = strict(text)
    except ValueError as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        yield f"{name}{line}: not JSON: {_fault(error)}"
        return
    if not isinstance(values, list):
        yield f"{name} must hold a list of objects, one for each row"
        return
    yield from (_row(value, f"{name}, item {number}") for number, value in enumerate(values, 1))


def _fault(error: ValueError) -> str:
    return f"{error.msg} (column {error.colno})" if isinstance(error, json.JSONDecodeError) else str(error)


def _row(value: Json, at: str) -> DataRow | str:
    return DataRow(value, at) if isinstance(value, dict) else f"{at}: a row must be an object"
