"""One case: is there something to ask, is everything defined, can it be expected, would the model take it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from harness.judge.checks import parameters
from harness.model import Expectation, Json, Place, Target
from harness.suite import language, template
from harness.suite.axes import THINKING_KEYS, Axis
from harness.suite.body import SHORT_FORMS
from harness.suite.cases import MOST_ATTEMPTS, Case, Choice, Suite
from harness.suite.matrix import (
    Combination,
    axis_for,
    combinations_for,
    fill_expectation,
    scope_of,
)
from harness.suite.template import Reference, Template, row_label
from harness.suite.validate import axes
from harness.suite.validate.body import literal, waived
from harness.suite.validate.diagnostics import Diagnostics, Table
from harness.suite.validate.turns import TurnsValidator
from harness.text import shape
from harness.text.jsontext import an_object
from harness.text.names import slug
from harness.text.shape import nearest, suggestion
from harness.text.yamltext import Path as Route

_TIMED = frozenset({"latency", "ttft", "stream"})
"""Checks of times."""
_MOST_PAIRS = 50
"""Combinations of one row whose files and bodies are looked at."""


class CaseValidator:
    """Looks at one case: ``table`` is what was written of it, at ``route``; ``case`` what was made of that."""

    def __init__(self, suite: Suite, case: Case, diagnostics: Diagnostics) -> None:
        self.suite, self.case, self.diagnostics = suite, case, diagnostics
        self.route: Route = ("cases", case.index)
        self.table: Table = diagnostics.tree["cases"][case.index]
        self.written: Table = diagnostics.document.value["cases"][case.index]

    def check(self) -> None:
        ignored = waived([self.case])
        self.id()
        axes.names(self.table, self.route, self.diagnostics)
        axes.values(self.case, self.diagnostics)
        self.asking()
        TurnsValidator(self.table, self.route, self.diagnostics).check(refused=ignored)
        if self.references():
            for turn in self.case.turns:
                for line in turn.expect:
                    self.parameter(line)
            self.filled_axes()
            self.uploads()
        self.conflicts()
        if not self.case.expects_refusal:
            literal(self.route, self.table, self.diagnostics, ignored)
        self.small_things()

    def complain(self, at: str, message: str, hint: str = "", *, key: bool = False) -> None:
        """At a key of the case."""
        self.diagnostics.complain((*self.route, at), message, hint, key=key)

    def id(self) -> None:
        written = self.table["id"]
        if not isinstance(written, Template) and slug(written) != written:
            hint = f'try "{slug(written)}"' if slug(written) else ""
            self.complain("id", "an id is one word of letters, digits and . _ + -", hint)
        for _, reference in template.references(written):
            if reference.scope != "row":
                message = f"{reference} cannot stand in an id, which shows axes and targets by itself"
                self.diagnostics.point_at((*self.route, "id"), str(reference), message, "")

    def asking(self) -> None:
        """There is something to ask, and it stands there once."""
        if "turns" in self.written and "prompt" in self.written:
            self.complain("prompt", "a case has a prompt or turns, not both", key=True)
        if "turns" in self.written and not self.written["turns"]:
            self.complain("turns", "there are no turns")
        sent = any(turn.contents or turn.replies or turn.call for turn in self.case.turns if not turn.cleanup)
        sent = sent or any("call" in turn for turn in self.table.get("turns", []) if turn)
        if not sent and not self.diagnostics.is_wrong(self.route) and not self.case.expects_refusal:
            self.complain("id", "this case asks nothing: it has no prompt, turns or request.contents")

    # ${row.x} and ${capture.x}

    def references(self) -> bool:
        """Whether every reference is defined. Complains at each that is not."""
        parts = {key: value for key, value in self.table.items() if key not in ("turns", "each", "finally")}
        found = [
            self.defined(parts, self.route, set()),
            self.defined(self.used_defaults(), ("defaults",), set()),
        ]
        captured: set[str] = set()
        for key in ("turns", "finally"):
            for number, turn in enumerate(self.table.get(key, [])):
                found.append(self.defined(turn, (*self.route, key, number), captured))
                captured |= set(turn.get("capture", ())) if turn else set()
        return all(found) and self.late_files()

    def late_files(self) -> bool:
        """Whether every file whose name holds rows or axes can be read. Complains about the first that cannot, at each place."""
        written = template.late_files({key: value for key, value in self.table.items() if key != "each"})
        places = [
            *((self.diagnostics.document.place((*self.route, *route)), file) for route, file in written),
            *((self.case.place, file) for _, file in template.late_files(self.used_defaults())),
            *((turn.place, file) for turn in self.case.turns for _, file in template.late_files(turn.contents)),
            *((axis.place, file) for axis in self.case.axes.values() for _, file in template.late_files(axis.values)),
        ]
        for place, file in places:
            if any(reference.scope == "capture" for _, reference in template.references(file.name)):
                continue
            try:
                for _, scope in self.scopes():
                    template.fill(Template([file]), scope)
            except template.Undefined as problem:
                self.diagnostics.add(place, str(problem))
                return False
        return True

    def uploads(self) -> None:
        """Whether every file that rows name can be uploaded. Complains about the first that cannot, of each call."""
        for turn in self.case.turns:
            named = turn.call.upload if turn.call else None
            if not template.has_references(named) or any(it.scope == "capture" for _, it in template.references(named)):
                continue
            for before, scope in self.scopes():
                name = template.fill(named, scope)
                wrong = [finding.message for finding in shape.findings(name, str)]
                if problem := wrong[0] if wrong else self.diagnostics.project.complaint(name):
                    self.diagnostics.add(turn.place, f"{before}upload: {problem}")
                    break

    def scopes(self) -> Iterator[tuple[str, template.Scope]]:
        """(name of the row, what placeholders stand for), for every row and every combination that the suite itself states."""
        for number, row in enumerate(self.case.rows, 1):
            pairs = [*islice(combinations_for(self.case, row), _MOST_PAIRS)] or [Combination(Target("", ""), {}, {})]
            before = f"{row_label(row, number)}: " if "each" in self.written else ""
            yield from ((before, scope_of(row, pair)) for pair in pairs)

    def used_defaults(self) -> Table:
        """The defaults that this case does not replace."""
        defaults = self.diagnostics.tree.get("defaults", {})
        taken = [(line.check, id(line.parameter)) for turn in self.case.turns for line in turn.expect]
        expect = {name: value for name, value in defaults.get("expect", {}).items() if (name, id(value)) in taken}
        kept = {key: value for key, value in defaults.items() if key not in self.table or key == "request"}
        return {**kept, "expect": expect}

    def defined(self, value: Json, route: Route, captured: set[str]) -> bool:
        missing = 0
        for inner, reference in template.references(value):
            problem = self.missing(reference, captured)
            missing += problem is not None
            if problem and (*route, *inner) not in self.diagnostics.wrong:
                self.diagnostics.point_at((*route, *inner), str(reference), *problem)
        return not missing

    def missing(self, reference: Reference, captured: set[str]) -> tuple[str, str] | None:
        """Why a reference is not defined, and a hint."""
        if reference.scope == "capture" and reference.name not in captured:
            message = f"{reference} is not defined here: no earlier turn captures it"
            return message, nearest(reference.name, sorted(captured))
        if reference.scope == "axis" and not self.diagnostics.names_wrong(reference.name):
            return self.missing_axis(reference)
        return self.missing_column(reference) if reference.scope == "row" else None

    def missing_axis(self, reference: Reference) -> tuple[str, str] | None:
        axis, model = self.case.axes.get(reference.name), self.case.axes.get("model")
        if axis is None and reference.name not in ("model", "provider"):
            return f"{reference} is not an axis of {self.case.id}", nearest(reference.name, self.case.axes)
        if axis is None or not axis.per_model or model is None:
            return None
        lacking = next((name for name in model.for_model("") if not axis.for_model(str(name))), None)
        return (f"{reference} has no value for {lacking}", "") if lacking else None

    def missing_column(self, reference: Reference) -> tuple[str, str] | None:
        if "each" not in self.written:
            return f"{reference} is not defined: {self.case.id} has no rows (each:)", ""
        if (*self.route, "each") in self.diagnostics.wrong:
            return None
        alone = Template([reference])
        for number, row in enumerate(self.case.rows, 1):
            try:
                template.fill(alone, {"row": row})
            except template.Undefined:
                where = "" if len(self.case.rows) == 1 else f" in {row_label(row, number)}"
                return f"{reference} is not defined{where}", nearest(reference.name, row)
        return None

    # expectations

    def parameter(self, line: Expectation) -> None:
        """What the shape cannot refuse; where rows fill it in, the shape again, row by row."""
        known, sound = (line.check, id(line.parameter)), self.diagnostics.sound
        if known in sound:
            return
        kind = language.parameter(line.check)
        if not template.has_references(line.parameter):
            if not self.refused(line, kind, line.parameter, ""):
                sound.add(known)
            return
        for before, scope in self.scopes():
            try:
                value = fill_expectation(line, scope).parameter
            except template.Undefined:
                return  # the reference has its own complaint
            wrong = shape.findings(value, kind)
            for finding in wrong:
                self.diagnostics.add(line.place, f"{before}{line.check}: {finding.message}", finding.hint)
            if wrong or self.refused(line, kind, value, before):
                return

    def refused(self, line: Expectation, kind: object, value: Json, before: str) -> bool:
        found = list(parameters.complaints(kind, value, self.diagnostics.project))
        for inner, problem in found:
            place = line.place if before else self.inside(line.place, inner)
            self.diagnostics.add(place, f"{before}{line.check}: {problem}")
        for slip in () if found else shape.misspelled(value, kind):
            self.diagnostics.note(self.inside(line.place, slip.path), f"{line.check}: {slip.message}; {slip.hint}")
        return bool(found)

    def inside(self, place: Place, inner: Route) -> Place:
        """The place of a value inside an expectation that stands at ``place``."""
        return self.diagnostics.document.place((*self.diagnostics.expected[place], *inner)) if inner else place

    # requests

    def conflicts(self) -> None:
        """A short form and the literal field that it becomes, side by side."""
        if "schema" in self.table and "jsonSchema" in self.table:
            self.complain("jsonSchema", "schema: and jsonSchema: both say this; keep one", key=True)
        request = an_object(self.table.get("request"))
        for key, (*above, field) in SHORT_FORMS.items():
            if key in self.table and field in (an_object(request.get(above[0])) if above else request):
                self.complain(key, f"{key}: and request's {field} both say this; keep one", key=True)

    def small_things(self) -> None:
        share = self.case.require
        if share.attempts is not None and (share.passed or 0) > share.attempts:
            self.complain("require", f"{share.passed} of {share.attempts} attempts can never pass")
        if (share.attempts or 0) > MOST_ATTEMPTS:
            self.complain("require", f"require: at most {MOST_ATTEMPTS:,} attempts are played")
        transport = self.case.axes.get("transport")
        transports = set(transport.for_model("")) if transport else {"unary"}
        if transports == {"batch"}:
            self.untimed()
        if "agree" in self.table and transports and not {"unary", "stream"} <= transports:
            self.complain("agree", "there is nothing to agree with: write transport: [unary, stream]")
        if wrong := "cassette" in self.table and self.diagnostics.project.complaint(self.table["cassette"]):
            self.complain("cassette", wrong)
        self.only()

    def untimed(self) -> None:
        """Complain of checks that no answer of a batch can pass."""
        lines = [line for turn in self.case.turns for line in turn.expect if line.check in _TIMED]
        for check, place in {line.check: line.place for line in lines}.items():
            self.diagnostics.add(
                place,
                f"an answer from a batch has no times, so {check} cannot hold: leave it out, or write transport: unary",
            )

    def only(self) -> None:
        if self.case.only:
            combinations = [] if self.case.axes_by_row else list(combinations_of(self.case))
            for choice in self.case.only:
                unmatched(choice, combinations, "this matches no combination of the matrix", self.diagnostics)

    # values of axes that come from rows

    def filled_axes(self) -> None:
        """What the shape of the language refuses in the values of axes, once the rows are in them."""
        for name in self.case.axes_by_row:
            axis = self.case.axes[name]
            for number, row in enumerate(self.case.rows, 1):
                wrong = shape.findings(axis_for(axis, row).values, language.axis_type(name))
                for finding in wrong:
                    message = f"{row_label(row, number)}: {name}: {finding.message}"
                    self.diagnostics.add(axis.place, message, finding.hint)
                if wrong:
                    break


def combinations_of(case: Case) -> Iterator[Combination]:
    """The combinations that the suite itself states, over all rows where rows change them."""
    for row in case.rows if case.axes_by_row else case.rows[:1]:
        yield from combinations_for(case, row)


def unmatched(choice: Choice, combinations: Sequence[Combination], message: str, diagnostics: Diagnostics) -> None:
    """Complains about a row of ``skip`` or ``only`` that holds values per model (it says itself which models it means), that
    means none of the combinations (where there are any), or whose lists hold a value that means none."""
    for name, value in choice.axes.items():
        if value == {} or Axis(name, value, "case", choice.place).per_model:
            near = suggestion(next(iter(value), ""), THINKING_KEYS) if name == "thinking" else ""
            hint = near or "name the model beside it: {model: ..., ...}"
            diagnostics.add(choice.place, f"{name} has no values per model here", hint)
            return
    if not combinations:
        return
    if not any(pair.chosen_by(choice) for pair in combinations):
        diagnostics.add(choice.place, message, _nearest_value(combinations, choice))
        return
    for name, values in choice.axes.items():
        for value in values if isinstance(values, list | tuple) else ():
            alone = replace(choice, axes={**choice.axes, name: value})
            if not any(pair.chosen_by(alone) for pair in combinations):
                diagnostics.add(
                    choice.place, f"{name}: {value} matches nothing here", _nearest_value(combinations, alone)
                )


def _nearest_value(combinations: Sequence[Combination], choice: Choice) -> str:
    """The nearest name for a value that no combination has."""
    for name, wanted in choice.axes.items():
        values = [{**pair.values, **pair.swept}[name] for pair in combinations if name in pair.values]
        if not values:
            return f"there is no axis {name} here"
        known = {str(value) for value in values if value is not None}
        if str(wanted) not in known:
            return nearest(str(wanted), sorted(known))
    return ""
