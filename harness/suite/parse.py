"""A suite: YAML text in, cases out, or every complaint at once.

``parse`` takes four steps: it reads the YAML (``yamltext``), fills in ``${...}`` (``template``), checks the types of the language
(``language``, ``shape``), and validates what types cannot say (``validate``). What one step refuses is left out of the next, so that
one mistake has one complaint.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from harness.errors import SuiteError
from harness.judge.predicates import holds
from harness.model import Expectation, Json, Place, Step
from harness.suite import language, template, turns, validate
from harness.suite.axes import Axis, AxisSource, selected_models, value_names
from harness.suite.body import Layer, at_path, merge, short_forms, tool_list
from harness.suite.cases import Case, Choice, Share, Suite, Xfail
from harness.suite.matrix import TooMany
from harness.suite.template import Template
from harness.suite.validate.diagnostics import Diagnostics
from harness.text import shape, yamltext
from harness.text.jsontext import value_at
from harness.text.names import safe_filename, slug
from harness.text.project import Project, Unreadable, read
from harness.text.yamltext import Complaint
from harness.text.yamltext import Path as Route

# --- the front door -------------------------------------------------------------------------------------------


Variables = Mapping[str, Json]
"""Name -> value of ``${var.name}``."""


def load(
    path: Path,
    environ: Mapping[str, str] | None = None,
    *,
    anywhere: bool = False,
    variables: Variables | None = None,
) -> Suite:
    """Read and parse a suite file. Raises SuiteError, also for a file that cannot be read."""
    try:
        text = read(path).decode("utf-8-sig")
    except Unreadable as error:
        raise SuiteError([Complaint(Place(str(path), 1), f"cannot be read: {error}")]) from error
    except UnicodeDecodeError as error:
        raise SuiteError([_wrong_encoding(path, error)]) from error
    return parse(text, str(path), path.parent, environ, anywhere=anywhere, variables=variables)


def _wrong_encoding(path: Path, error: UnicodeDecodeError) -> Complaint:
    before, byte = error.object[: error.start], error.object[error.start]
    found = "UTF-16" if error.object.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else f"no UTF-8 text: byte 0x{byte:02X}"
    column = len(before) - before.rfind(b"\n")
    place = Place(str(path), before.count(b"\n") + 1, column)
    return Complaint(place, f"this is {found}", hint="save the file as UTF-8")


def parse(
    text: str,
    file: str,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    anywhere: bool = False,
    variables: Variables | None = None,
) -> Suite:
    """The suite that the text declares. ``folder`` is where files are looked up (default: the file's own). ``variables`` replace
    the defaults that the suite has under ``vars:``.

    Raises SuiteError with every complaint. Reads the files of its project that the suite names, and nothing else; with
    ``anywhere`` those outside of it too.
    """
    folder = Path(file).parent if folder is None else folder
    diagnostics = Diagnostics(yamltext.read(text, file), Project(folder, anywhere))
    if diagnostics.document.value is None and not diagnostics.complaints:
        diagnostics.complain((), "the file is empty: a suite is a mapping that starts with the key suite:, its name")
    if diagnostics.document.value is not None:
        suite = _SuiteReading(diagnostics, os.environ if environ is None else environ, variables or {}).suite()
        if suite is not None and not diagnostics.complaints:
            return suite
    raise SuiteError(diagnostics.in_order())


# --- reading ----------------------------------------------------------------------------------------------------

_Table = Mapping[str, Json]


def _instead(root: Json) -> str:
    """What to do with a file of another tool; empty for any other."""
    keys = root.keys() if isinstance(root, Mapping) else set()
    if "interactions" in keys:
        return "these are recordings: `gemini-harness import` makes a suite of them, `audit` checks them"
    if {"prompts", "providers"} <= keys:
        return "this is a configuration of promptfoo: `gemini-harness import` makes suites of it"
    return ""


class _SuiteReading:
    """One suite while it is read: what is sound is handed on, what is not is a complaint."""

    def __init__(self, diagnostics: Diagnostics, environ: Mapping[str, str], variables: Variables) -> None:
        project, root = diagnostics.project, diagnostics.document.value
        self.diagnostics = diagnostics
        defaults = root.get("vars") if isinstance(root, Mapping) else None
        stated = {**(defaults if isinstance(defaults, Mapping) else {}), **variables}
        self.files = template.Reader(project, environ, diagnostics.point_at, stated)
        self.place = diagnostics.document.place
        self.plain: Case | None = None

    # the whole

    def suite(self) -> Suite | None:
        root = self.diagnostics.document.value
        if not isinstance(root, Mapping) or "suite" not in root:
            self.diagnostics.complain(
                (), "a suite is a mapping that starts with the key suite:, its name", _instead(root)
            )
            return None
        self.diagnostics.tree = self.sound(self.resolved(root))
        return self.built(self.diagnostics.tree)

    def resolved(self, root: _Table) -> _Table:
        """``${env:}`` and ``${file:}`` put in everywhere but under ``each``, whose files are rows."""
        made: _Table = self.files.resolve(_without_each(root))
        for route, reference in template.references(made):
            if not _may_wait(route):
                self.diagnostics.point_at(
                    route,
                    str(reference),
                    f"{reference} cannot stand here",
                    "it fills in what is sent and expected only",
                )
        return made

    def sound(self, root: _Table) -> _Table:
        """The tree without what the language does not allow, which is complained about."""
        found = shape.findings(root, language.SuiteWords)
        for finding in found:
            if finding.path not in self.diagnostics.wrong:
                hint = language.belongs(finding.path, finding.hint) if finding.key else finding.hint
                self.diagnostics.complain(finding.path, finding.message, hint, key=finding.key)
        self.diagnostics.wrong |= {finding.path for finding in found}
        wrong = {_whole(route) for route in self.diagnostics.wrong}
        pruned = shape.without(root, wrong) if wrong else root
        return pruned if isinstance(pruned, Mapping) else {}

    def built(self, root: _Table) -> Suite | None:
        name = root.get("suite")
        if isinstance(name, str) and slug(name) != name:
            self.diagnostics.complain(
                ("suite",), "a suite's name is one word of letters, digits and . _ + -", f'try "{slug(name)}"'
            )
        cases = [
            case
            for index, table in enumerate(root.get("cases", []))
            if isinstance(table, Mapping) and (case := self.case(index, table, root))
        ]
        suite = Suite(
            name=str(name),
            file=self.diagnostics.document.file,
            folder=self.diagnostics.project.folder,
            place=self.place(("suite",)),
            cases=tuple(_in_own_folders(cases)),
            about=root.get("about", ""),
            skips=tuple(self.choices(root.get("matrix", {}).get("skip", ()), ("matrix", "skip"))),
            compare=root.get("compare"),
        )
        try:
            validate.check(suite, self.diagnostics)
        except TooMany as fault:
            self.diagnostics.add(fault.place, fault.message)
        return replace(suite, files=self.files.digests(), notes=tuple(self.diagnostics.notes))

    # one case

    def case(self, index: int, table: _Table, root: _Table) -> Case | None:
        route: Route = ("cases", index)
        if "id" not in table:
            return None
        defaults = root.get("defaults", {})
        is_plain = _is_plain(table) and "files" not in defaults
        if is_plain and self.plain is not None:
            return self.as_plain(self.plain, index, table)
        asked = {**{key: root[key] for key in ("require", "xfail", "repeat") if key in root}, **defaults, **table}
        axes = self.axes(route, table, root)
        plans = tuple(self.turns(route, table, defaults, axes))
        case = Case(
            index=index,
            id=table["id"],
            place=self.place((*route, "id")),
            folder=_plain_name(table["id"]),
            axes=axes,
            layers=tuple(self.layers(table, defaults, axes)),
            turns=plans,
            rows=self.rows(route),
            rows_in_file=template.referenced_file(self.diagnostics.document.value["cases"][index].get("each"))
            is not None,
            about=table.get("about", ""),
            tags=(*root.get("tags", ()), *table.get("tags", ())),
            repeat=asked.get("repeat"),
            require=_share(asked.get("require", "all")),
            xfail=_xfail(asked.get("xfail")),
            skip=table.get("skip"),
            only=tuple(self.choices(_listed(table.get("only", [])), (*route, "only"))),
            waive={**root.get("waive", {}), **defaults.get("waive", {}), **table.get("waive", {})},
            agree=asked.get("agree"),
            cassette=self.diagnostics.project.folder / table["cassette"] if "cassette" in table else None,
            expects_refusal=any(_refusal(plan.expect) for plan in plans if plan.call is None),
            plain=is_plain,
        )
        self.plain = case if is_plain else self.plain
        return case

    def as_plain(self, other: Case, index: int, table: _Table) -> Case:
        """A plain case, made of another one."""
        (turn,), place = other.turns, self.place(("cases", index, "id"))
        turn = replace(turn, contents=[*turn.contents[:-1], turns.content("user", table["prompt"])], place=place)
        return replace(other, index=index, id=table["id"], place=place, folder=_plain_name(table["id"]), turns=(turn,))

    def axes(self, route: Route, table: _Table, root: _Table) -> dict[str, Axis]:
        """The matrix's axes first, in its order; a case's own value replaces that of the matrix or the defaults."""
        sources: Sequence[tuple[AxisSource, Route, _Table]] = [
            ("matrix", ("matrix",), root.get("matrix", {})),
            ("case", route, table),
            ("defaults", ("defaults",), root.get("defaults", {})),
        ]
        found: dict[str, Axis | None] = {}
        for source, at, words in sources:
            for name, keys, values in language.axes_in(words):
                if source != "defaults" or name not in found:
                    found[name] = self.axis(name, (*at, *keys), values, source)
        for kind in _OTHER_SCHEMA.keys() & table.keys():
            found.pop(_OTHER_SCHEMA[kind], None)
        return {name: axis for name, axis in found.items() if axis is not None}

    def axis(self, name: str, at: Route, values: Json, source: AxisSource) -> Axis | None:
        """None for a key of the body that holds one value: it is a part of the body, not an axis."""
        place = self.place(at)
        if name in language.BODY_AXES:
            if not _several(name, values):
                return None
            values = [self.value_of(name, value, (*at, number)) for number, value in enumerate(values)]
        if name == "model" and isinstance(values, Mapping):
            return Axis(name, selected_models(values), source, place)
        if name in language.AXES:
            return Axis(name, values, source, place)
        written = value_at(self.diagnostics.document.value, at)
        return Axis(name, values, source, place, value_names(values, written), typed=False)

    def value_of(self, name: str, value: Json, at: Route) -> Json:
        """A value of an axis that is a part of the body, as it is sent."""
        if name == "files":
            return self.media(at, value)
        return tool_list(value) if name == "tools" else value

    def layers(self, table: _Table, defaults: _Table, axes: Mapping[str, Axis]) -> Iterator[Layer]:
        """The body's layers, later ones on top. A case's schema of either kind replaces the defaults' of either kind."""
        if "request" in defaults:
            yield Layer("defaults.request", defaults["request"])
        stated = {*table, *axes}
        taken = stated | (_OTHER_SCHEMA.keys() if _OTHER_SCHEMA.keys() & stated else set())
        kept = {key: value for key, value in defaults.items() if key not in taken}
        yield from short_forms(kept, "defaults.", defaults)
        if "request" in table:
            yield Layer("request", table["request"])
        yield from short_forms({key: value for key, value in table.items() if key not in axes}, "", table)
        for name in axes:
            if name in language.BODY_AXES:
                yield from short_forms({name: template.reference("axis", name)}, "axis ", table)
            elif name.startswith("request."):
                yield Layer(f"axis {name}", at_path(name.split(".")[1:], template.reference("axis", name)))

    def turns(self, route: Route, table: _Table, defaults: _Table, axes: Mapping[str, Axis]) -> Iterator[Step]:
        literal = _listed(merge(defaults.get("request", {}), table.get("request", {})).get("contents", []))
        if "turns" in table:
            conversation = [((*route, "turns", number), turn) for number, turn in enumerate(table["turns"]) if turn]
        else:
            conversation = [(route, _prompt(table, defaults, axes))]
        judged = [at for at, turn in conversation if "call" not in turn] or [at for at, _ in conversation]
        for number, (at, turn) in enumerate(conversation):
            shared = table.get("expect", {}) if at == judged[-1] else {}
            expect = self.expectations({**shared, **turn.get("expect", {})}, at, {} if "call" in turn else defaults)
            yield self.turn(at, turn, [] if number else literal, expect)
        for number, turn in enumerate(table.get("finally", ())):
            at = (*route, "finally", number)
            if turn is not None:
                last = self.turn(at, turn, [], self.expectations(turn.get("expect", {}), at, {}))
                yield replace(last, cleanup=True)

    def turn(self, at: Route, turn: _Table, before: Sequence[Json], expect: Sequence[Expectation]) -> Step:
        files = self.media((*at, "files"), turn.get("files", []))
        asks = "user" in turn or files
        return Step(
            transport="unary",
            contents=[*before, *([turns.content("user", turn.get("user"), files)] if asks else [])],
            replies=turn.get("reply"),
            expect=expect,
            capture=turn.get("capture", {}),
            place=self.place(at if len(at) > 2 else (*at, "id")),
            body=turn.get("request", {}),
            script=[turns.content("model", turn["model"])] if "model" in turn else None,
            call=turns.api_call(turn),
        )

    def media(self, at: Route, items: Json) -> list[Json]:
        """The parts of ``files:``."""
        if isinstance(items, Template):
            return [items]
        return [self.files.part_of(item, (*at, number)) for number, item in enumerate(items) if item is not None]

    def expectations(self, own: _Table, route: Route, defaults: _Table) -> Sequence[Expectation]:
        """A step's own lines, then those of the defaults that it does not replace: none of them where it expects an error."""
        lines = [self.expectation(name, value, route, route[:2]) for name, value in own.items()]
        if not _refusal(lines):
            more = {name: value for name, value in defaults.get("expect", {}).items() if name not in own}
            lines += [self.expectation(name, value, ("defaults",)) for name, value in more.items()]
        return tuple(lines)

    def expectation(self, name: str, value: Json, *above: Route) -> Expectation:
        """A line of the first of these tables that has it: the turn itself, or the case above it."""
        for route in above:
            place = self.place((*route, "expect", name), key=True)
            if place != self.place(route):
                break
        self.diagnostics.expected[place] = (*route, "expect", name)
        return Expectation(name, value, place)

    def choices(self, rows: Sequence[Json], route: Route) -> Iterator[Choice]:
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping):
                continue
            axes = {name: value for name, _, value in language.axes_in(row)}
            yield Choice(axes, self.place((*route, index)), row.get("why", ""))

    def rows(self, route: Route) -> Sequence[Mapping[str, Json]]:
        """The rows of ``each``, read from the document as it was written: a file of rows is not a text to put in."""
        at = (*route, "each")
        written = self.diagnostics.document.value["cases"][route[1]].get("each")
        if written is None or self.diagnostics.is_wrong(at):
            return ({},)
        name = template.referenced_file(written)
        if isinstance(written, str) and name is None:
            self.diagnostics.complain(
                at, f"expected rows, got the text {written}", f"did you mean ${{file:{written}}}?"
            )
            return ({},)
        rows = self.files.rows(name, at, written) if name is not None else self.files.resolve(written, at)
        if not rows and at not in self.diagnostics.wrong:
            self.diagnostics.complain(at, "there are no rows")
            self.diagnostics.wrong.add(at)
        return tuple(rows) or ({},)


# --- small parts --------------------------------------------------------------------------------------------------


def _without_each(root: _Table) -> _Table:
    """The suite with ``each: ${file:...}`` left out: rows are read apart."""
    cases = root.get("cases")
    if not isinstance(cases, list):
        return root
    kept = [
        {**case, "each": []} if isinstance(case, Mapping) and isinstance(case.get("each"), str) else case
        for case in cases
    ]
    return {**root, "cases": kept}


def _whole(route: Route) -> Route:
    """What is taken out for something wrong at that route: under ``expect`` the line, of a choice the row, of an axis all of it."""
    for index, step in enumerate(route[:-1]):
        if step in ("expect", "skip", "only"):
            return route[: index + 2]
        if step in language.AXES or str(step).startswith("request."):
            return route[: index + 1]
        if step == "axes":
            return route[: index + 2]
    return route


_WAITING = {
    **dict.fromkeys(("id", "prompt", "system", "schema", "jsonSchema", *language.AXES), 0),
    **dict.fromkeys(("request", "expect", "reply", "axes", "files"), 1),
    **dict.fromkeys(("user", "model", "call", "body", "upload"), 0),
    **dict.fromkeys(("tools", "until"), 2),
}
"""Keys of a case or a turn under which placeholders that are filled later may stand, and how far below the key."""


def _may_wait(route: Route) -> bool:
    inner = {"cases": 2, "defaults": 1}.get(str(route[0]), len(route))
    if route[inner : inner + 1] in (("turns",), ("finally",)):
        inner += 2
    if len(route) <= inner:
        return False
    key = str(route[inner])
    return key.startswith("request.") or len(route) - inner > _WAITING.get(key, len(route))


def _is_plain(table: _Table) -> bool:
    """Whether a case has an id and a prompt only, both without placeholders."""
    return (
        table.keys() == {"id", "prompt"} and type(table["id"]) is type(table["prompt"]) is str and bool(table["prompt"])
    )


def _listed(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else [value]


_OTHER_SCHEMA = {"schema": "jsonSchema", "jsonSchema": "schema"}


def _several(name: str, values: Json) -> bool:
    """Whether a key of the body holds several values: a list, or for keys that hold lists a list of lists."""
    if not isinstance(values, list):
        return False
    return name not in ("tools", "files") or (bool(values) and all(isinstance(value, list) for value in values))


def _prompt(table: _Table, defaults: _Table, axes: Mapping[str, Axis]) -> _Table:
    """What a case without turns asks, as a turn. Its checks are those of the case."""
    words = {"prompt": "user", "files": "files"}
    values = {**defaults, **table, **{name: template.reference("axis", name) for name in words if name in axes}}
    return {turn_key: values[key] for key, turn_key in words.items() if key in values}


def _share(text: Json) -> Share:
    if text in ("all", "none"):
        return Share() if text == "all" else Share(0)
    passed, _, attempts = str(text).partition("/")
    return Share(int(passed), int(attempts))


def _xfail(value: Json) -> Xfail | None:
    words = {"why": value} if isinstance(value, str) else value
    if not words:
        return None
    return Xfail(words.get("why", ""), tuple(target for target in words.get("targets", ()) if target is not None))


def _refusal(lines: Iterable[Expectation]) -> bool:
    """Whether the lines expect an HTTP 400, or an error of any kind."""
    for line in lines:
        if line.check == "http" and not template.has_references(line.parameter) and holds(400, line.parameter):
            return True
        if line.check == "error" and line.parameter != "none":
            return True
    return False


def _plain_name(id: str) -> str:
    """A case's folder: its id, with ``${row.x}`` as ``x``."""
    parts = id.parts if isinstance(id, Template) else (id,)
    return slug("".join(part if isinstance(part, str) else part.name for part in parts)) or "case"


def _in_own_folders(cases: Sequence[Case]) -> Iterator[Case]:
    """The cases with folder names that differ even where upper and lower case are one, and that fit a file system."""
    seen: set[str] = set()
    for case in cases:
        folder = safe_filename(case.folder)
        if folder.casefold() in seen:
            folder = safe_filename(case.folder, salt=case.id)
        seen.add(folder.casefold())
        yield case if folder == case.folder else replace(case, folder=folder)
