"""What the shape of the language cannot say about a suite: ids, rows, turns, schemas, requests that the API would refuse,
levels that a model does not have, rows of the matrix that mean nothing. Each complaint at its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from harness import jsonpath, language, shape, template
from harness.axes import Axis, covers
from harness.checks import find_check, parameters
from harness.matrix import Pair, Selection, filled, pairs
from harness.model import Expectation, Json, Place
from harness.names import slug
from harness.shape import nearest
from harness.suite import Case, Choice, Note, Suite
from harness.template import Reference, Template
from harness.yamltext import Complaint, Document
from harness.yamltext import Path as Route

_Table = Mapping[str, Json]


class Listener(Protocol):
    """Who is told: the suite's reader."""

    document: Document
    complaints: list[Complaint]
    notes: list[Note]
    wrong: set[Route]

    def complain(self, route: Route, message: str, hint: str = "", *, key: bool = False) -> None: ...
    def point_at(self, route: Route, text: str, message: str, hint: str) -> None: ...
    def add(self, place: Place, message: str, hint: str = "") -> None: ...


def check(suite: Suite, root: _Table, tell: Listener) -> None:
    """Tell everything that is wrong with a suite whose shape is right (what was wrong in shape has been taken out)."""
    tables = [table for table in root.get("cases", []) if isinstance(table, Mapping) and "id" in table]
    indexes = [
        index for index, table in enumerate(root.get("cases", [])) if isinstance(table, Mapping) and "id" in table
    ]
    _literal(("defaults",), root.get("defaults", {}), tell, _waived(suite.cases))
    for index, table, case in zip(indexes, tables, suite.cases, strict=True):
        _Sense(suite, case, table, ("cases", index), root, tell).check()
    if root.get("cases") == []:
        tell.complain(("cases",), "there are no cases")
    _unique(suite, indexes, tell)
    _matrix(suite, tell)
    _compare(suite, root, tell)
    for route in (("repeat",), ("defaults", "repeat")):
        _at_least_one(route, root, tell)


def _at_least_one(route: Route, table: _Table, tell: Listener) -> None:
    value: Json = table
    for step in route:
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, int) and value < 1:
        tell.complain(route, f"repeat must be at least 1, got {value}")


# --- one case -------------------------------------------------------------------------------------------------------


class _Sense:
    def __init__(self, suite: Suite, case: Case, table: _Table, route: Route, root: _Table, tell: Listener) -> None:
        self.suite, self.case, self.table, self.route, self.root, self.tell = suite, case, table, route, root, tell
        self.written: _Table = tell.document.value["cases"][route[1]]

    def check(self) -> None:
        self.id()
        self.asking()
        self.turns()
        if self.references():
            self.expectations()
        self.conflicts()
        if not self.case.expects_refusal:
            _literal(self.route, self.table, self.tell, language.REQUEST_KNOWN in self.case.waive)
            self.thinking()
        self.small_things()

    def id(self) -> None:
        written = self.table["id"]
        if not isinstance(written, Template) and slug(written) != written:
            hint = f'try "{slug(written)}"' if slug(written) else ""
            self.tell.complain((*self.route, "id"), "an id is one word of letters, digits and . _ + -", hint)

    def asking(self) -> None:
        """There is something to ask, and it is said once."""
        if "turns" in self.written and "prompt" in self.written:
            self.tell.complain((*self.route, "prompt"), "a case has a prompt or turns, not both", key=True)
        if "turns" in self.written and not self.written["turns"]:
            self.tell.complain((*self.route, "turns"), "there are no turns")
        sent = any(turn.contents or turn.replies for turn in self.case.turns)
        unread = any(len(route) > 2 and route[:2] == self.route for route in self.tell.wrong)
        if not sent and not unread and not self.case.expects_refusal:
            self.tell.complain(
                (*self.route, "id"), "this case asks nothing: it has no prompt, turns or request.contents"
            )

    def turns(self) -> None:
        for number, turn in enumerate(self.table.get("turns", [])):
            at: Route = (*self.route, "turns", number)
            if turn is None or any(route[: len(at)] == at for route in self.tell.wrong):
                continue
            if ("user" in turn) == ("reply" in turn):
                self.tell.complain(at, "a turn has either user: or reply:")
            if number == 0 and "reply" in turn:
                self.tell.complain((*at, "reply"), "the first turn has no function call to reply to", key=True)
            for name, path in turn.get("capture", {}).items():
                if said := jsonpath.complaint(path):
                    self.tell.complain((*at, "capture", name), f"not a JSONPath: {said}")

    # ${row.x} and ${capture.x}

    def references(self) -> bool:
        """Whether every reference is defined. Complains at each that is not."""
        parts = {key: value for key, value in self.table.items() if key not in ("turns", "each")}
        found = [
            self.defined(parts, self.route, set()),
            self.defined(self.used_defaults(), ("defaults",), set()),
        ]
        captured: set[str] = set()
        for number, turn in enumerate(self.table.get("turns", [])):
            found.append(self.defined(turn, (*self.route, "turns", number), captured))
            captured |= set(turn.get("capture", ())) if turn else set()
        return all(found)

    def used_defaults(self) -> _Table:
        """The defaults that this case does not replace."""
        defaults = self.root.get("defaults", {})
        taken = [(line.check, id(line.parameter)) for turn in self.case.turns for line in turn.expect]
        expect = {name: value for name, value in defaults.get("expect", {}).items() if (name, id(value)) in taken}
        kept = {key: value for key, value in defaults.items() if key not in self.table or key == "request"}
        return {**kept, "expect": expect}

    def defined(self, value: Json, route: Route, captured: set[str]) -> bool:
        missing = 0
        for inner, reference in template.references(value):
            capture = reference.scope == "capture"
            said = self.missing_capture(reference, captured) if capture else self.missing_column(reference)
            missing += said is not None
            if said and (*route, *inner) not in self.tell.wrong:
                self.tell.point_at((*route, *inner), str(reference), *said)
        return not missing

    def missing_capture(self, reference: Reference, captured: set[str]) -> tuple[str, str] | None:
        if reference.name in captured:
            return None
        return f"{reference} is not defined here: no earlier turn captures it", nearest(
            reference.name, sorted(captured)
        )

    def missing_column(self, reference: Reference) -> tuple[str, str] | None:
        if "each" not in self.written:
            return f"{reference} is not defined: {self.case.id} has no rows (each:)", ""
        if (*self.route, "each") in self.tell.wrong:
            return None
        alone = Template([reference])
        for number, row in enumerate(self.case.rows, 1):
            try:
                template.fill(alone, {"row": row})
            except template.Undefined:
                where = "" if len(self.case.rows) == 1 else f" in row {number}"
                return f"{reference} is not defined{where}", nearest(reference.name, row)
        return None

    # expectations

    def expectations(self) -> None:
        for turn in self.case.turns:
            for line in turn.expect:
                self.parameter(line)

    def parameter(self, line: Expectation) -> None:
        """What the shape cannot refuse; where rows fill it in, the shape again, row by row."""
        kind = language.parameter(line.check)
        if not template.waits(line.parameter):
            self.refused(line, kind, line.parameter, "")
            return
        for number, row in enumerate(self.case.rows, 1):
            value = filled(line, {"row": row}).parameter
            if template.waits(value):
                return
            wrong = shape.findings(value, kind)
            for each in wrong:
                self.tell.add(line.place, f"row {number}: {line.check}: {each.message}", each.hint)
            if wrong or self.refused(line, kind, value, f"row {number}: "):
                return

    def refused(self, line: Expectation, kind: object, value: Json, before: str) -> bool:
        found = parameters.complaints(kind, value, self.suite.folder)
        for inner, said in found:
            place = line.place if before else self.inside(line.place, inner)
            self.tell.add(place, f"{before}{line.check}: {said}")
        return bool(found)

    def inside(self, place: Place, inner: Route) -> Place:
        """The place of a value inside an expectation that stands at ``place``."""
        for route in _expectation_routes(self.tell.document, self.route):
            if self.tell.document.place(route, key=True) == place:
                return self.tell.document.place((*route, *inner)) if inner else place
        return place

    # requests

    def conflicts(self) -> None:
        """A short form and the literal field that it becomes, side by side."""
        request = self.table.get("request")
        if not isinstance(request, Mapping):
            return
        config = request.get("generationConfig")
        config = config if isinstance(config, Mapping) else {}
        for key, field, body in (
            ("system", "systemInstruction", request),
            ("tools", "tools", request),
            ("schema", "responseSchema", config),
            ("jsonSchema", "responseJsonSchema", config),
        ):
            if key in self.table and field in body:
                self.tell.complain(
                    (*self.route, key), f"{key}: and request's {field} both say this; keep one", key=True
                )
        if "schema" in self.table and "jsonSchema" in self.table:
            self.tell.complain((*self.route, "jsonSchema"), "schema: and jsonSchema: both say this; keep one", key=True)

    def thinking(self) -> None:
        """Pairs of model and thinking that this case itself states and the model refuses."""
        axis = self.case.axes.get("thinking")
        if axis is not None and axis.swept:
            return
        place = axis.place if axis is not None else self.thinking_place()
        try:
            for pair in _pairs(self.case):
                if reason := pair.refusal(self.case):
                    hint = "expect http: 400 if that is what the case is about, or give a value per model"
                    self.tell.add(place, f"{pair.target.model} would refuse this: {reason}", hint)
        except template.Undefined:
            return

    def thinking_place(self) -> Place:
        for route in (self.route, ("defaults",)):
            at: Route = (*route, "request", "generationConfig", "thinkingConfig")
            if self.tell.document.place(at) != self.tell.document.place(at[:-1]):
                return self.tell.document.place(at)
        return self.case.place

    def small_things(self) -> None:
        _at_least_one((*self.route, "repeat"), {"cases": {self.route[1]: self.table}}, self.tell)
        share = self.case.require
        if share.attempts is not None and (share.passed or 0) > share.attempts:
            self.tell.complain((*self.route, "require"), f"{share.passed} of {share.attempts} attempts can never pass")
        transport = self.case.axes.get("transport")
        if "agree" in self.table and not (transport and transport.swept):
            self.tell.complain(
                (*self.route, "agree"), "there is nothing to agree with: write transport: [unary, stream]"
            )
        if self.case.cassette is not None and not self.case.cassette.is_file():
            self.tell.complain((*self.route, "cassette"), f"there is no file {self.case.cassette}")
        self.only()
        self.expected_failures()

    def expected_failures(self) -> None:
        """Globs of ``xfail`` that can match no model of this case (those with a provider are known only later)."""
        if self.case.xfail is None or "xfail" not in self.table or _templated(self.case.axes):
            return
        models = sorted({pair.target.model for pair in _pairs(self.case)})
        for index, glob in enumerate(self.case.xfail.targets):
            if models and "/" not in glob and not any(covers("model", glob, model) for model in models):
                at: Route = (*self.route, "xfail", "targets", index)
                self.tell.complain(at, f'"{glob}" matches no model of this case', nearest(glob, models))

    def only(self) -> None:
        if not self.case.only or self.case.axes.keys() & _templated(self.case.axes):
            return
        combinations = list(_pairs(self.case))
        for choice in self.case.only:
            if combinations and not any(pair.chosen_by(choice) for pair in combinations):
                self.tell.add(choice.place, "this matches no combination of the matrix", _values(combinations, choice))


def _expectation_routes(document: Document, case: Route) -> Iterator[Route]:
    table: Json = document.value["cases"][case[1]]
    for name in table.get("expect", {}) if isinstance(table.get("expect"), Mapping) else {}:
        yield (*case, "expect", name)
    for number, turn in enumerate(table.get("turns") or []):
        expect = turn.get("expect") if isinstance(turn, Mapping) else None
        for name in expect if isinstance(expect, Mapping) else {}:
            yield (*case, "turns", number, "expect", name)
    defaults = document.value.get("defaults")
    expect = defaults.get("expect") if isinstance(defaults, Mapping) else None
    for name in expect if isinstance(expect, Mapping) else {}:
        yield ("defaults", "expect", name)


def _templated(axes: Mapping[str, Axis]) -> set[str]:
    return {name for name, axis in axes.items() if template.waits(axis.values)}


def _pairs(case: Case) -> Iterator[Pair]:
    """The combinations that the suite itself states, over all rows where rows change them."""
    for row in case.rows if _templated(case.axes) else case.rows[:1]:
        yield from pairs(case, row, Selection(default_provider=""))


# --- literal bodies and schemas ---------------------------------------------------------------------------------------

_JSON_SCHEMA_ONLY = {
    *(
        "$ref",
        "$defs",
        "$schema",
        "$id",
        "$anchor",
        "additionalProperties",
        "patternProperties",
        "const",
        "oneOf",
        "allOf",
    ),
    *("not", "if", "then", "else", "prefixItems", "unevaluatedProperties", "exclusiveMinimum", "exclusiveMaximum"),
}


def _waived(cases: Sequence[Case]) -> bool:
    """Whether nobody minds what the API would refuse about the defaults."""
    return bool(cases) and all(case.expects_refusal or language.REQUEST_KNOWN in case.waive for case in cases)


def _literal(route: Route, table: _Table, tell: Listener, waived: bool) -> None:
    """What the API would refuse about the literal parts of a body, and what is no schema."""
    for key in ("schema", "jsonSchema"):
        if isinstance(table.get(key), Mapping):
            _schema((*route, key), table[key], tell)
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
        _findings(at, body, inner, tell)


def _findings(route: Route, body: Json, inner: int, tell: Listener) -> None:
    from harness import definition

    for found in definition.request_findings(body):
        if isinstance(_value(body, found.at), shape.Later):
            continue
        at = (*route, *found.at[inner:])
        in_schema = "responseSchema" in found.at or (inner and True)
        if found.kind == "unknown-field":
            hint = nearest(str(found.name), found.known)
            if in_schema and found.name in _JSON_SCHEMA_ONLY:
                hint = _json_schema_hint(bool(inner))
            tell.complain(at, f'the API has no field "{found.name}" here', hint, key=True)
        elif found.kind == "not-repeating":
            hint = _json_schema_hint(bool(inner)) if in_schema and found.name == "type" else ""
            tell.complain(at, f'the API takes no list for "{found.name}"', hint)
        else:
            tell.complain(
                at, f"the API refuses this: {found.message}", _near_value(_value(body, found.at), found.known)
            )


def _near_value(value: Json, known: Iterable[str]) -> str:
    return nearest(value, known) if isinstance(value, str) else ""


def _json_schema_hint(sugar: bool) -> str:
    return f"did you mean {'jsonSchema:' if sugar else 'responseJsonSchema'}? that one takes JSON Schema"


def _value(body: Json, at: Sequence[str | int]) -> Json:
    for step in at:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _schema(route: Route, schema: Json, tell: Listener) -> None:
    from harness import dialect

    if template.waits(schema):
        return
    try:
        dialect.check_schema(schema)
    except dialect.SchemaProblem as problem:
        tell.complain(route, f"this is not a schema: {problem}")


# --- the suite as a whole -----------------------------------------------------------------------------------------------


def _unique(suite: Suite, indexes: Sequence[int], tell: Listener) -> None:
    seen: dict[str, Place] = {}
    for index, case in zip(indexes, suite.cases, strict=True):
        for number, row in enumerate(case.rows, 1):
            try:
                name = case.named(row)
            except template.Undefined:
                break
            if name in seen:
                _twice(case, index, number, name, seen[name], tell)
                break
            seen[name] = case.place


def _twice(case: Case, index: int, number: int, name: str, first: Place, tell: Listener) -> None:
    hint = ""
    if first == case.place:
        column = next(iter(case.rows[0]), "column")
        message = f'row {number} has the id "{name}" again'
        hint = "" if isinstance(case.id, Template) else f"write the row into the id: {name}-${{row.{column}}}"
    else:
        message = f'the id "{name}" is taken; the first is in line {first.line}'
    tell.complain(("cases", index, "id"), message, hint)


def _matrix(suite: Suite, tell: Listener) -> None:
    combinations = [pair for case in suite.cases if not _templated(case.axes) for pair in _pairs(case)]
    for choice in suite.skips:
        if combinations and not any(pair.chosen_by(choice) for pair in combinations):
            tell.add(choice.place, "this skip row matches nothing in the matrix", _values(combinations, choice))
    models = {pair.target.model for pair in combinations}
    for axis in {id(axis): axis for case in suite.cases for axis in case.axes.values()}.values():
        _sweep(axis, models, tell)
    _left(suite, tell)


def _values(combinations: Sequence[Pair], choice: Choice) -> str:
    """The nearest name for a value that no combination has."""
    for name, wanted in choice.axes.items():
        if name not in ("model", "provider") and not any(name in pair.axes for pair in combinations):
            return f"there is no axis {name} here"
        known = {
            str({**pair.axes, "model": pair.target.model, "provider": pair.target.provider}.get(name))
            for pair in combinations
        }
        if str(wanted) not in known:
            return nearest(str(wanted), sorted(known))
    return ""


def _sweep(axis: Axis, models: set[str], tell: Listener) -> None:
    lists = list(axis.values.values()) if axis.per_model else [axis.values]
    for values in lists:
        if isinstance(values, list | tuple):
            if not values:
                tell.add(axis.place, f"{axis.name} has no values")
            shown = [str(each).lower() for each in values]
            twice = next((each for each in shown if shown.count(each) > 1), None)
            if twice is not None:
                tell.add(axis.place, f"{axis.name} has the value {twice} twice")
    if axis.per_model and axis.source == "matrix" and models:
        for glob in axis.values:
            if not any(glob in _globs(axis, model) for model in models):
                tell.add(axis.place, f'"{glob}" matches no model of this suite', nearest(glob, sorted(models)))


def _globs(axis: Axis, model: str) -> set[str]:
    from fnmatch import fnmatchcase

    return {glob for glob in axis.values if fnmatchcase(model, glob)}


def _left(suite: Suite, tell: Listener) -> None:
    """A case of which nothing is left to play."""
    for case in suite.cases:
        thinking = case.axes.get("thinking")
        if thinking is None or not thinking.swept or _templated(case.axes):
            continue
        combinations = list(_pairs(case))
        if combinations and all(pair.refusal(case) for pair in combinations):
            tell.add(case.place, "nothing is left of this case: no model of it takes any of its thinking values")


def _compare(suite: Suite, root: _Table, tell: Listener) -> None:
    compare = root.get("compare")
    if not isinstance(compare, Mapping):
        return
    by = compare.get("by")
    if by is not None:
        _baseline(suite, str(by), compare.get("baseline"), tell)
    gate = compare.get("gate")
    for index, name in enumerate(gate.get("hard", ()) if isinstance(gate, Mapping) else ()):
        if isinstance(name, str) and find_check(name) is None:
            from harness.checks import all_checks

            tell.complain(
                ("compare", "gate", "hard", index), f'there is no check "{name}"', nearest(name, all_checks())
            )


def _baseline(suite: Suite, by: str, baseline: Json, tell: Listener) -> None:
    if by not in language.AXES:
        tell.complain(("compare", "by"), f'there is no axis "{by}"', nearest(by, language.AXES))
        return
    known: dict[str, None] = {}
    for case in suite.cases:
        if by in case.axes and not _templated(case.axes):
            values = [case.axes[by].values]
            values = list(case.axes[by].values.values()) if case.axes[by].per_model else values
            for each in values:
                known.update(dict.fromkeys(map(str, each if isinstance(each, list | tuple) else [each])))
    if baseline is not None and known and str(baseline) not in known:
        tell.complain(
            ("compare", "baseline"), f"{baseline} is no value of {by} in this suite", nearest(str(baseline), known)
        )
    elif not known and suite.cases:
        tell.complain(("compare", "by"), f"no case of this suite says {by}:, so there is nothing to compare")
