"""What a configuration of promptfoo is made of: its text with places, the files that it names, its prompts and its tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from harness.errors import UsageError
from harness.importers.promptfoo_assertions import NotCarried, from_text
from harness.importers.to_suite import without_templates
from harness.model import Json
from harness.suite.template import DataRow, data_rows
from harness.text import yamltext
from harness.text.jsontext import mapped
from harness.text.project import Outside, Project, Unreadable

Route: TypeAlias = tuple[str | int, ...]
"""The keys and numbers on the way to a value in a file."""
MOST_COMBINATIONS = 10_000
MOST_BYTES = 2_000_000
"""A larger file is no configuration."""
_FILE = "file://"
_MEDIA = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".pdf", ".mp3", ".wav", ".mp4")
_TABLES = (".yaml", ".yml", ".json", ".jsonl", ".csv")
_CODE = (".js", ".mjs", ".cjs", ".ts", ".py", ".rb")


@dataclass(frozen=True)
class Source:
    """One file of YAML, JSON or CSV, whose values have places."""

    project: Project
    document: yamltext.Document

    @property
    def value(self) -> Any:
        return self.document.value

    def at(self, *route: str | int) -> str:
        """The place of a value, for messages: ``promptfooconfig.yaml:12``."""
        place = self.document.place(route)
        return f"{place.file}:{place.line}"

    def named(self, name: str) -> Source:
        """The file that ``file://NAME`` names. Raises NotCarried."""
        path = self.project.folder / name.removeprefix(_FILE)
        return read(path, self.project, _text(self.project, name))

    def content(self, value: Any) -> Any:
        """The value, or the content of the file that it names: data for JSON and YAML, else text. Raises NotCarried."""
        if not (isinstance(value, str) and value.startswith(_FILE)):
            return value
        if value.endswith((".json", ".yaml", ".yml")):
            return self.named(value).value
        return _text(self.project, value)

    def resolved(self, value: Any) -> Any:
        """The value, or that at the place in the same file which ``{$ref: "#/a/b"}`` names."""
        route = value.get("$ref") if isinstance(value, Mapping) else None
        if not (isinstance(route, str) and route.startswith("#/")):
            return value
        found = self.value
        for step in route[2:].split("/"):
            found = found.get(step) if isinstance(found, Mapping) else None
        return value if found is None else found


def read(path: Path, project: Project, text: str) -> Source:
    """The values of a file with that text. Raises NotCarried if it is not valid."""
    document = yamltext.read(text, str(path))
    if document.complaints:
        raise NotCarried(str(document.complaints[0]))
    return Source(project, document)


def listed(value: Any, route: Route = ()) -> Iterator[tuple[Route, Any]]:
    """The items of a list, or a value alone, each with its route."""
    if isinstance(value, list):
        yield from (((*route, index), item) for index, item in enumerate(value))
    else:
        yield route, value


def open_config(path: Path) -> Source:
    """The configuration at that path. Raises UsageError."""
    project = Project(path.parent)
    try:
        source = read(path, project, _text(project, path.name))
    except NotCarried as fault:
        raise UsageError(str(fault)) from fault
    if not isinstance(source.value, Mapping):
        raise UsageError(f"{path}: expected a configuration of promptfoo, with prompts, providers and tests")
    return source


def is_config(path: Path) -> bool:
    """Whether the file is a configuration of promptfoo: by its name, or since it states prompts and providers."""
    if re.fullmatch(r"promptfoo-?config.*\.(ya?ml|json|[cm]?[jt]s)", path.name):
        return True
    if path.suffix not in (".yaml", ".yml", ".json") or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return False
    text = path.read_text("utf-8", "replace")
    if not all(
        re.search(rf"^\s*[\"']?({words})[\"']?\s*:", text, re.MULTILINE) for words in ("prompts", "providers|targets")
    ):
        return False
    value = yamltext.read(text, str(path)).value
    return isinstance(value, Mapping) and "prompts" in value and not {"providers", "targets"}.isdisjoint(value)


def _text(project: Project, name: str) -> str:
    name = name.removeprefix(_FILE)
    if name.partition(":")[0].endswith(_CODE):
        raise NotCarried(f"{name} is code, which is not executed here")
    if name.endswith(_MEDIA):
        raise NotCarried(f"{name} is a medium; write `files: [{name}]` into the case")
    try:
        return project.read(name).decode("utf-8-sig")
    except (Unreadable, UnicodeDecodeError) as fault:
        reason = "it lies outside of the project; copy it into it" if isinstance(fault, Outside) else fault
        raise NotCarried(f"{name} cannot be read: {reason}") from None


# --- placeholders ---------------------------------------------------------------------------------------


def with_placeholders(value: Json) -> Json:
    """The value with ``{{name}}`` as ``${row.name}``, in all of its texts. Raises NotCarried for what is more than a variable."""
    return mapped(value, lambda text: _placed(text) if isinstance(text, str) else text)


_VARIABLE = re.compile(r"\{\{-?\s*(?!env\.)(\w+(?:\.\w+)*)\s*-?\}\}")
"""``{{country}}``, ``{{user.name}}``."""


def _placed(text: str) -> str:
    made = re.sub(r"\{\{-?\s*env\.(\w+)\s*-?\}\}", r"${env:\1}", text.replace("${", "$${"))
    return _complete(_VARIABLE.sub(lambda found: f"${{row.{_column(found)}}}", made))


def _complete(text: str) -> str:
    """The text, if no template remains in it. Raises NotCarried."""
    for begin, end in ("{{", "}}"), ("{%", "%}"), ("{#", "#}"):
        inside, closed, _ = text.partition(begin)[2].partition(end)
        if closed:
            raise NotCarried(f"the template {begin + inside + end!r} is more than the name of a variable")
    return text


def _column(found: re.Match[str]) -> str:
    """The column with the value of a variable, or a member of it: ``user__name``."""
    return found[1].replace(".", "__")


def cell(row: Mapping[str, Json], column: str) -> Json:
    """The value of a column of ``${row.COLUMN}``, empty if the row has none."""
    if column in row:
        return row[column]
    name, *steps = column.split("__")
    value = row.get(name, "")
    for step in steps:
        value = value.get(step, "") if isinstance(value, Mapping) else ""
    return value


def names_in(value: Json) -> list[str]:
    """The names of all ``${row.name}``, in their order."""
    return list(dict.fromkeys(re.findall(r"\$\{row\.(\w+)\}", json.dumps(value, ensure_ascii=False))))


# --- prompts --------------------------------------------------------------------------------------------


class Prompt(NamedTuple):
    """A prompt as keys of a case: ``prompt`` and perhaps ``system``, or ``request`` with the turns. Filters call it by its ``names``."""

    label: str
    keys: Mapping[str, Json]
    names: tuple[str, ...]


def prompts(source: Source) -> Iterator[tuple[str, Prompt | NotCarried]]:
    """The prompts, each with its place."""
    for route, one in listed(source.value.get("prompts", []), ("prompts",)):
        where = source.at(*route)
        try:
            for label, text in _prompt_texts(source, one):
                yield where, Prompt(label, _prompt_keys(text), tuple(_prompt_names(one, label)))
        except NotCarried as fault:
            yield where, fault


def _prompt_names(stated: Any, label: str) -> Iterator[str]:
    given = [stated.get(key) for key in ("label", "id", "raw")] if isinstance(stated, Mapping) else [stated]
    for name in filter(None, (label, *map(str, filter(None, given)))):
        yield from {name, name.removeprefix(_FILE)}


def _prompt_texts(source: Source, stated: Any) -> Iterator[tuple[str, str]]:
    label = ""
    if isinstance(stated, Mapping):
        label = str(stated.get("label") or "")
        stated = stated.get("raw") or stated.get("id") or ""
    if not isinstance(stated, str) or stated.startswith("exec:"):
        raise NotCarried(f"a prompt that is not text or a file: {stated!r}")
    if not (stated.startswith(_FILE) or re.fullmatch(r"[\w./*-]+\.(txt|md|j2|json|ya?ml|jsonl|csv|js|py)", stated)):
        yield label, stated
        return
    name = stated.removeprefix(_FILE)
    found = _matching(source.project.folder, name) if "*" in name else [name]
    if not found:
        raise NotCarried(f"no file is named {name}")
    for path in map(Path, found):
        content = _text(source.project, path.as_posix())
        if path.suffix in (".yaml", ".yml", ".json") and (several := _prompts_listed(content)):
            for item in several:
                yield from _prompt_texts(source, item)
            continue
        texts = re.split(r"^---$", content, flags=re.MULTILINE) if path.suffix in (".txt", ".md", ".j2") else [content]
        for number, text in enumerate(filter(str.strip, texts), 1):
            yield label or (f"{path.stem}-{number}" if len(texts) > 1 else path.stem), text


def _prompts_listed(content: str) -> list[Any]:
    """The prompts that a file of YAML or JSON lists; none if it holds a chat or one text."""
    value = yamltext.read(content, "the prompts").value
    is_listed = isinstance(value, list) and all(
        isinstance(item, str) or (isinstance(item, Mapping) and "role" not in item) for item in value
    )
    return value if is_listed else []


def _prompt_keys(text: str) -> Mapping[str, Json]:
    if re.match(r"\s*(\[\s*\{|- *role:)", text):
        document = yamltext.read(text, "the prompt")
        if isinstance(document.value, list):
            return _chat(document.value)
    return {"prompt": with_placeholders(text.strip())}


def _chat(messages: list[Any]) -> Mapping[str, Json]:
    """A conversation of ``{role, content}``, as chat APIs have it, or of ``{role, parts}``, as Gemini has it."""
    system: list[Mapping[str, Json]] = []
    turns: list[dict[str, Any]] = []
    for message in with_placeholders(messages):
        if not isinstance(message, Mapping) or not ({"content", "parts"} & message.keys()):
            raise NotCarried("a message of the chat has no content and no parts")
        parts = message.get("parts") or _parts(message["content"])
        if message.get("role") in ("system", "developer"):
            system += parts
        else:
            turns.append({"role": "model" if message.get("role") in ("assistant", "model") else "user", "parts": parts})
    plain = len(turns) == 1 and all(list(part) == ["text"] for part in (*turns[0]["parts"], *system))
    if plain and len(turns[0]["parts"]) == 1:
        first = {"system": "\n".join(part["text"] for part in system)} if system else {}
        return {**first, "prompt": turns[0]["parts"][0]["text"]}
    return {"request": ({"systemInstruction": {"parts": system}} if system else {}) | {"contents": turns}}


def _parts(content: Any) -> list[Mapping[str, Json]]:
    if isinstance(content, str):
        return [{"text": content}]
    parts = [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
    if not parts or any("text" not in part for part in parts):
        raise NotCarried("a message of the chat holds more than text")
    return [{"text": part["text"]} for part in parts]


# --- tests ----------------------------------------------------------------------------------------------


class Test(NamedTuple):
    """One test: its values, its route in ``source``, and the rows of its variables (one, or more where a variable is a list)."""

    stated: Mapping[str, Any]
    source: Source
    route: Route
    rows: list[dict[str, Json]]
    line: str = ""  # the place of a test that is a line of a table

    def at(self, *route: str | int) -> str:
        return self.line or self.source.at(*self.route, *route)


_Found: TypeAlias = Iterator[Test | tuple[str, NotCarried]]


def tests(source: Source, shared: Mapping[str, Any]) -> _Found:
    """The tests, also those in other files. ``shared`` holds the variables of ``defaultTest``. What cannot be read comes with its place."""
    scenarios = source.value.get("scenarios") or []
    yield from _tests(source, ("tests",), source.value.get("tests", [] if scenarios else [{}]), shared)
    yield from _in_scenarios(source, ("scenarios",), scenarios, shared)


def _in_scenarios(source: Source, route: Route, stated: Any, shared: Mapping[str, Any]) -> _Found:
    for place, one in listed(stated, route):
        try:
            if isinstance(one, str):
                named = source.named(one)
                yield from _in_scenarios(named, (), named.value, shared)
            else:
                yield from _entries_with_tests(source, place, one, shared)
        except NotCarried as fault:
            yield source.at(*place), fault


def _entries_with_tests(source: Source, route: Route, stated: Any, shared: Mapping[str, Any]) -> _Found:
    """Every test of a scenario with every entry of its ``config``."""
    if not isinstance(stated, Mapping):
        raise NotCarried("a scenario is a mapping with config and tests")
    found = list(_tests(source, (*route, "tests"), stated.get("tests", []), {}))
    for (_, entry), test in product(listed(source.content(stated.get("config"))), found):
        yield _with_entry(entry, test, shared) if isinstance(test, Test) else test


def _with_entry(entry: Any, test: Test, shared: Mapping[str, Any]) -> Test:
    """A test of a scenario with one entry of its config, which is a partial test."""
    if not isinstance(entry, Mapping):
        raise NotCarried(f"an entry of a scenario's config is not a mapping: {entry!r}")
    values = {**shared, **_variables(test.source, entry), **_variables(test.source, test.stated)}
    asserted = [one for part in (entry, test.stated) for _, one in listed(part.get("assert") or [])]
    stated = {**entry, **test.stated, "vars": values, "assert": asserted}
    return Test(stated, test.source, test.route, _rows(test.source, values))


def _tests(source: Source, route: Route, stated: Any, shared: Mapping[str, Any]) -> _Found:
    for place, one in listed(stated, route):
        try:
            if isinstance(one, Mapping) and "path" not in one:
                yield _test(source, place, one, shared)
                continue
            for file in _files(source, one["path"] if isinstance(one, Mapping) else one):
                yield from _tests_in(file, source, shared)
        except NotCarried as fault:
            yield source.at(*place), fault


def _files(source: Source, name: Any) -> list[str]:
    if not isinstance(name, str) or re.match(r"(?!file:)\w+://", name):
        raise NotCarried(f"they are not in a file of this folder: {name}")
    name = name.removeprefix(_FILE)
    folder = source.project.folder
    if (folder / name).is_dir():
        return [file for file in _matching(folder, f"{name}/*") if file.endswith(_TABLES)]
    return _matching(folder, name) if "*" in name else [name]


def _matching(folder: Path, name: str) -> list[str]:
    """The files in a folder that a name with ``*`` stands for. Raises NotCarried."""
    try:
        return [path.relative_to(folder).as_posix() for path in sorted(folder.glob(name))]
    except (ValueError, NotImplementedError) as fault:
        raise NotCarried(f"{name} names no files of this folder: {fault}") from None


def _tests_in(name: str, source: Source, shared: Mapping[str, Any]) -> _Found:
    if name.endswith((".csv", ".jsonl")):
        for row in data_rows(_text(source.project, name), str(source.project.folder / name)):
            if isinstance(row, str):
                where, _, reason = row.partition(": ")
                yield where, NotCarried(reason)
            else:
                test = _test_of_cells(row, source, shared) if name.endswith(".csv") else _test(source, (), row, shared)
                yield test._replace(line=row.at)
    else:
        found = source.named(name)
        yield from _tests(found, (), found.value, shared)


def _variables(source: Source, stated: Mapping[str, Any]) -> Mapping[str, Any]:
    found = source.content(stated.get("vars")) or {}
    if not isinstance(found, Mapping):
        raise NotCarried("its vars are not a mapping")
    return found


def _test(source: Source, route: Route, one: Mapping[str, Any], shared: Mapping[str, Any]) -> Test:
    return Test(one, source, route, _rows(source, {**shared, **_variables(source, one)}))


def _test_of_cells(row: DataRow, source: Source, shared: Mapping[str, Any]) -> Test:
    """A row of a CSV file. Its ``__expected`` columns are assertions; a text that one expects becomes the column ``expected``."""
    values: dict[str, Json] = {**shared, **{key: text for key, text in row.items() if key and key[:2] != "__"}}
    stated: dict[str, Any] = {"assert": []}
    for key, text in row.items():
        if key.startswith("__expected") and text:
            stated["assert"].append(_as_column(from_text(text.strip()), key.removeprefix("__"), values))
        elif key.startswith("__") and text:
            stated[key.removeprefix("__")] = text
    return Test(stated, source, (), [values])


def _as_column(assertion: dict[str, Any], column: str, values: dict[str, Json]) -> dict[str, Any]:
    if assertion["type"] in ("equals", "contains", "icontains", "starts-with") and column not in values:
        values[column] = assertion["value"]
        return {**assertion, "value": f"{{{{{column}}}}}"}
    return assertion


def _rows(source: Source, variables: Mapping[str, Any]) -> list[dict[str, Json]]:
    """A row for every combination of those variables that are lists, as promptfoo does it."""
    values = {name: source.content(value) for name, value in variables.items()}
    lists = [[item for _, item in listed(value)] for value in values.values()]
    if not all(lists):
        raise NotCarried("one of its variables is an empty list")
    if prod(map(len, lists)) > MOST_COMBINATIONS:
        raise NotCarried(f"its variables have over {MOST_COMBINATIONS:,} combinations")
    rows = [dict(zip(values, map(without_templates, combination), strict=True)) for combination in product(*lists)]
    return [mapped(row, partial(_rendered, row=row)) for row in rows]


def _rendered(value: Json, row: Mapping[str, Json]) -> Json:
    """A text of a variable, in which ``{{other}}`` stands for another variable. Raises NotCarried for any other template."""
    if not isinstance(value, str) or "{" not in value:
        return value
    return _complete(_VARIABLE.sub(lambda found: str(cell(row, _column(found))), value))
