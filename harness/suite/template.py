"""Placeholders: ``${row.x}``, ``${env:A|B}``, ``${file:path}``, ``${capture.name}``, and ``$${`` for the characters ``${``.

They are filled in two steps. ``Reader.resolve`` replaces ``env`` and ``file`` while a suite is read; placeholders in their
content are not replaced. A text with ``row`` or ``capture`` becomes a ``Template``, which ``fill`` completes later.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from harness.errors import HarnessError
from harness.model import Json
from harness.text import yamltext
from harness.text.jsontext import strict
from harness.text.project import Outside, Project, Unreadable
from harness.text.shape import Later, nearest
from harness.text.yamltext import Path as Route


class Reference(NamedTuple):
    """A placeholder that is filled later: ``row`` and a column, or ``capture`` and a name."""

    scope: Literal["row", "capture"]
    name: str

    def __str__(self) -> str:
        return f"${{{self.scope}.{self.name}}}"


class Template(Later):
    """A text with references to rows or captures. As a ``str`` it is the text of the suite."""

    __slots__ = ("parts",)
    parts: tuple[str | Reference, ...]

    def __new__(cls, parts: Sequence[str | Reference]) -> Template:
        made = super().__new__(cls, "".join(map(str, parts)))
        made.parts = tuple(parts)
        return made


class Undefined(HarnessError):
    """A ``${row.x}`` or ``${capture.x}`` that is not defined. The message names what is defined."""

    exit_code = 4


def references(value: Json) -> Iterator[tuple[Route, Reference]]:
    """Every (path, reference) in a value."""
    if isinstance(value, Template):
        yield from (((), part) for part in value.parts if isinstance(part, Reference))
    elif isinstance(value, (dict, list, tuple)) and has_references(value):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from (((key, *route), reference) for route, reference in references(item))


def has_references(value: Json) -> bool:
    """Whether the value contains a reference to a row or a capture."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if isinstance(item, Template) and any(isinstance(part, Reference) for part in item.parts):
                return True
        elif isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, (list, tuple)):
            pending += item
    return False


def fill(value: Json, scope: Mapping[str, Mapping[str, Json]]) -> Json:
    """The value with references replaced by the values in ``scope``: ``{"row": {...}}`` or ``{"capture": {...}}``.

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


def _filled(template: Template, scope: Mapping[str, Mapping[str, Json]]) -> Json:
    parts = [
        _look_up(part, scope[part.scope]) if isinstance(part, Reference) and part.scope in scope else part
        for part in template.parts
    ]
    if len(parts) == 1:
        return Template(parts) if isinstance(parts[0], Reference) else parts[0]
    texts = [part if isinstance(part, Reference) else as_text(part) for part in parts]
    if any(isinstance(part, Reference) for part in texts):
        return Template(texts)
    return "".join(map(str, texts))


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


# --- reading: env and file ------------------------------------------------------------------------------------

_MARK = re.compile(r"\$\$\{|\$\{([^{}\n]*)(\})?")

_IN_KEY = re.compile(r"\$\{(row\.|capture\.|env:|file:)[^{}\n]*\}")

Complain = Callable[[Route, str, str, str], None]
"""Takes the path of the value, the text to point at, the message and a hint."""


class Reader:
    """Fills in ``${env:}`` and ``${file:}`` while a suite is read. Files are relative to the suite's ``folder``, must be in its
    project (unless ``anywhere`` is set), and are read once."""

    def __init__(self, folder: Path, environ: Mapping[str, str], complain: Complain, *, anywhere: bool = False) -> None:
        self.project, self.environ, self.complain = Project(folder, anywhere), environ, complain
        self.files: dict[str, bytes | Unreadable] = {}

    def resolve(self, value: Json, route: Route = ()) -> Json:
        """The value with ``${env:}`` and ``${file:}`` filled in. Texts with other references become ``Template``. Errors are
        passed to ``complain``; nothing is raised."""
        if isinstance(value, str):
            return self.text(value, route) if "${" in value else value
        if isinstance(value, Mapping):
            return self.mapping(value, route)
        if isinstance(value, list):
            items = [self.resolve(item, (*route, index)) for index, item in enumerate(value)]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def mapping(self, value: Mapping[str, Json], route: Route) -> Json:
        for key in value:
            if found := _IN_KEY.search(key):
                self.complain(
                    route, found[0], f"{found[0]} is not filled in here", "only values are filled in, not keys"
                )
        made = {key: self.resolve(item, (*route, key)) for key, item in value.items()}
        return made if any(made[key] is not item for key, item in value.items()) else value

    def text(self, text: str, route: Route) -> Json:
        whole = _MARK.fullmatch(text)
        if whole and whole[2] and whole[1].startswith("file:"):
            return self.file(whole[1][5:], route, text)
        parts = [part for part in self.parts(text, route) if part != ""]
        if any(isinstance(part, Reference) for part in parts):
            return Template(parts)
        return "".join(map(str, parts))

    def parts(self, text: str, route: Route) -> Iterator[str | Reference]:
        end = 0
        for mark in _MARK.finditer(text):
            yield text[end : mark.start()]
            yield "${" if mark[0] == "$${" else self.part(mark, route)
            end = mark.end()
        yield text[end:]

    def part(self, mark: re.Match[str], route: Route) -> str | Reference:
        inside = mark[1]
        if not mark[2]:
            self.complain(route, mark[0], "${ is never closed", "write $${ for the characters ${")
        elif inside.startswith(("row.", "capture.")):
            scope, _, name = inside.partition(".")
            return Reference("row" if scope == "row" else "capture", name)
        elif inside.startswith("env:"):
            return self.variable(inside[4:], mark[0], route)
        elif inside.startswith("file:"):
            return as_text(self.file(inside[5:], (*route, "text"), mark[0]))
        else:
            known = "known here: ${row.x}, ${env:A|B}, ${file:path}, ${capture.name}; write $${ for the characters ${"
            self.complain(route, mark[0], f"{mark[0]} is not a known placeholder", known)
        return mark[0]

    def variable(self, names: str, written: str, route: Route) -> str:
        wanted = [name.strip() for name in names.split("|")]
        for name in wanted:
            if self.environ.get(name):
                return self.environ[name]
        self.complain(route, written, f"{' and '.join(wanted)}: not set in the environment", "")
        return written

    def file(self, name: str, route: Route, written: str) -> Json:
        """The content of a file: parsed if its place needs a value, base64 under ``inlineData.data``, otherwise its text."""
        content = self.bytes(name.strip(), route, written)
        if content is None:
            return written
        if route[-2:] == ("inlineData", "data"):
            return base64.b64encode(content).decode()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.complain(route, written, f"{name} is not UTF-8 text (byte {error.start})", "")
            return written
        return self.parsed(text, name, route, written) if _wants_value(route) else text

    def bytes(self, name: str, route: Route, written: str) -> bytes | None:
        if name not in self.files:
            try:
                self.files[name] = self.project.read(name)
            except Unreadable as error:
                self.files[name] = error
        content = self.files[name]
        if isinstance(content, bytes):
            return content
        hint = "" if isinstance(content, Outside) else self.nearest_file(name)
        self.complain(route, written, f"cannot read {name}: {content}", hint)
        return None

    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file that was read, by name."""
        return {name: sha256(content).hexdigest() for name, content in self.files.items() if isinstance(content, bytes)}

    def nearest_file(self, name: str) -> str:
        """``did you mean`` with a file of the same folder; else where files are looked up."""
        folder = self.project.folder
        try:
            names = sorted(path.name for path in (folder / name).parent.iterdir() if path.is_file())
        except (OSError, ValueError):
            return f"files are looked up from {folder}"
        near = nearest(Path(name).name, names)
        return near if near.startswith("did") else f"files are looked up from {folder}"

    def parsed(self, text: str, name: str, route: Route, written: str) -> Json:
        if name.endswith((".yaml", ".yml")):
            document = yamltext.read(text, name)
            for complaint in document.complaints:
                self.complain(route, written, f"{complaint.place}: {complaint.message}", complaint.hint)
            return document.value
        if name.endswith(".json"):
            try:
                return strict(text)
            except ValueError as error:
                self.complain(route, written, f"{name} is not JSON: {error}", "")
                return written
        return text

    def rows(self, name: str, route: Route, written: str) -> list[Mapping[str, Json]]:
        """The rows of a CSV, JSONL or JSON file, as mappings. The values of a CSV file are text."""
        content = self.bytes(name, route, written)
        if content is None:
            return []
        try:
            found = list(_rows(content.decode("utf-8-sig"), name))
        except UnicodeDecodeError as error:
            found = [f"{name}:{1 + content.count(10, 0, error.start)}: not UTF-8 text (byte {error.start})"]
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


def referenced_file(text: Json) -> str | None:
    """The name of the file, if the text is exactly ``${file:name}``; else None."""
    whole = _MARK.fullmatch(text) if isinstance(text, str) else None
    return whole[1][5:].strip() if whole and whole[2] and whole[1].startswith("file:") else None


_VALUES = {"request", "schema", "jsonSchema", "reply", "tools", "valid"}


def _wants_value(route: Route) -> bool:
    """Whether a file at that place is parsed: under request, schema and others, but not where the API needs text."""
    return not _VALUES.isdisjoint(route) and route[-1] not in ("text", "data", "code")


_MOST_ERRORS = 10
"""The most errors that are reported for one file of rows."""


def _rows(text: str, name: str) -> Iterator[DataRow | str]:
    """Each row, or a text that says what is wrong with it."""
    if name.endswith(".csv"):
        yield from _csv_rows(text, name)
    elif name.endswith((".jsonl", ".ndjson")):
        yield from _json_lines(text, name)
    elif name.endswith(".json"):
        yield from _json_list(text, name)
    else:
        yield f"{name}: rows come from .csv, .jsonl or .json"


def _csv_rows(text: str, name: str) -> Iterator[DataRow | str]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # of the whole process: never lower it
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if twice := next((column for column in header if header.count(column) > 1), None):
            yield f'{name}:1: two columns have the same name, "{twice}"'
            return
        for row in reader:
            if row and len(row) != len(header):
                yield f"{name}:{reader.line_num}: {len(row)} values for {len(header)} columns"
            elif row:
                yield DataRow(dict(zip(header, row, strict=True)), f"{name}:{reader.line_num}")
    except csv.Error as error:
        yield f"{name}:{reader.line_num}: {error}"


def _json_lines(text: str, name: str) -> Iterator[DataRow | str]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _row(strict(line), f"{name}:{number}")
            except json.JSONDecodeError as error:
                yield f"{name}:{number}: not JSON: {error.msg} (column {error.colno})"
            except ValueError as error:
                yield f"{name}:{number}: not JSON: {error}"


def _json_list(text: str, name: str) -> Iterator[DataRow | str]:
    try:
        values = strict(text)
    except json.JSONDecodeError as error:
        yield f"{name}:{error.lineno}: not JSON: {error.msg} (column {error.colno})"
        return
    except ValueError as error:
        yield f"{name} is not JSON: {error}"
        return
    if not isinstance(values, list):
        yield f"{name} must hold a list of objects, one for each row"
        return
    yield from (_row(value, f"{name}, item {number}") for number, value in enumerate(values, 1))


def _row(value: Json, at: str) -> DataRow | str:
    return DataRow(value, at) if isinstance(value, dict) else f"{at}: a row must be an object"
