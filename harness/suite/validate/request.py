"""Requests that the API would refuse, by the rules of ``harness.gemini.request_rules``, and what it would ignore about them.

Looked at is what a case states, for every model that it is asked with. Quiet are cases that expect the refusal (``http: 400``),
that waive ``request-known``, and combinations that ``skip``, ``only`` or ``xfail`` takes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial

from msgspec import Struct, field
from msgspec.structs import replace

from harness.gemini.canonical import reading
from harness.gemini.models import catalogue, facts
from harness.gemini.request_rules import RequestRefusal, refusals
from harness.gemini.request_view import RequestView
from harness.model import Json, Place, Step
from harness.suite import template
from harness.suite.axes import Axis
from harness.suite.body import SHORT_FORMS
from harness.suite.cases import Case, Suite
from harness.suite.matrix import Combination, combinations_for, steps
from harness.suite.template import row_label
from harness.suite.validate.body import near
from harness.suite.validate.diagnostics import Diagnostics, Table, named
from harness.text.names import snake
from harness.text.shape import closest
from harness.text.yamltext import Path as Route

_EXPECT = "expect http: 400 if that is what the case is about"
_ELSEWHERE = "contents_missing"
"""A rule that another part of the validation holds: it says more about it."""


_Fault = tuple[Combination, RequestRefusal]
"""A combination, and a rule that its request breaks."""


class _Finding(Struct, frozen=True):
    """A rule that requests of some models break at one place."""

    broken: RequestRefusal
    message: str
    place: Place
    models: dict[str, None]

    @property
    def path(self) -> str:
        """``tools[0].functionDeclarations[1].name``."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.broken.at).lstrip(".")

    @property
    def complaint(self) -> str:
        who = f"{named(self.models)} would refuse" if self.broken.by_model else "the API refuses"
        return f"{who} {self.path}: {self.message}"

    @property
    def note(self) -> str:
        on = f" on {named(self.models)}" if self.broken.by_model else ""
        message = (
            f"{self.message}{on}" if self.broken.ignored else f"the API may refuse {self.path}{on}: {self.message}"
        )
        return f"{message}; {self.broken.instead}" if self.broken.instead else message


class RequestLint(Struct):
    """Collects the faults of all cases of a suite, and reports each once with all models that it concerns."""

    suite: Suite
    diagnostics: Diagnostics
    found: dict[tuple[Place | None, str, str], _Finding] = field(default_factory=dict)
    known: dict[tuple[str, bool, str], Sequence[RequestRefusal]] = field(default_factory=dict)
    """Model, whether it is a stream, and request, but for texts -> the rules that it breaks."""

    def look_at(self, case: Case) -> None:
        """What the API would refuse or ignore about the requests of a case; of its rows, the first with a fault."""
        by_row = _by_row(case)
        for number, row in enumerate(case.rows if by_row else case.rows[:1], 1):
            try:
                faults = list(self.faults(case, row))
            except template.Undefined:
                return  # that has its own complaint
            self.keep(case, faults, f"{row_label(row, number)}: " if by_row else "")
            if any(not broken.ignored for _, broken in faults):
                return

    def keep(self, case: Case, faults: Iterable[_Fault], before: str = "") -> None:
        """Adds faults at their places; what is only worth a note, at the first."""
        for pair, broken in faults:
            message, placing = before + broken.message, Placing(self.diagnostics, case)
            axis = placing.axis(broken.at)
            if axis and axis.swept and (broken.by_model or axis.name == "thinking"):
                continue  # it is left out of the matrix
            place = None if broken.ignored or not broken.sure else placing.of(broken.at)
            key = (place, broken.rule, message)
            if key not in self.found:
                self.found[key] = _Finding(broken, message, place or placing.of(broken.at), {})
            self.found[key].models[pair.target.model] = None

    def faults(self, case: Case, row: Mapping[str, Json]) -> Iterator[_Fault]:
        """The faults of each request that differs in its model or its body. Raises Undefined."""
        if (asking := _asking(case)) is None:
            return
        light, seen = _alone(case, case.turns[asking]), set[tuple[str, bool, str]]()
        waiting = [at for at, it in template.references(case.body) if not self.diagnostics.names_wrong(it.name)]
        for pair in filter(partial(self.is_looked_at, case), combinations_for(case, row)):
            step = next(steps(light, row, pair))
            written = {**step.body, "contents": step.contents}
            asked = (pair.target.model, pair.axes.get("transport") == "stream", repr(written))
            if asked not in self.known:
                self.known[asked] = _refusals(*asked[:2], written)
            if asked not in seen:
                seen.add(asked)
                # What is wrong with a payload is complained about where it is written (``literal``), but for what waited for its value.
                found = (one for one in self.known[asked] if one.rule != "payload" or _is_among(one.at, waiting))
                yield from ((pair, broken) for broken in found)

    def is_looked_at(self, case: Case, pair: Combination) -> bool:
        """Whether a combination is sent, as far as ``skip`` and ``only`` say, and expected to pass."""
        left_out = case.skip is not None or (case.only and not any(map(pair.chosen_by, case.only)))
        failing = case.xfail is not None and case.xfail.applies_to(pair.target)
        return not (left_out or failing or any(map(pair.chosen_by, self.suite.skips)))

    def report(self) -> None:
        """Hands over what was found: refusals as complaints, the rest as notes, each text once; nothing for a line that has a
        complaint already."""
        wrong = {complaint.place.line for complaint in self.diagnostics.complaints}
        for finding in self.found.values():
            if finding.place.line in wrong:
                continue
            if finding.broken.ignored or not finding.broken.sure:
                self.diagnostics.note(finding.place, finding.note)
            else:
                instead = finding.broken.instead or "give a value per model" * finding.broken.by_model
                self.diagnostics.add(finding.place, finding.complaint, f"{instead}; {_EXPECT}" if instead else _EXPECT)


def _refusals(model: str, stream: bool, body: Mapping[str, Json]) -> Sequence[RequestRefusal]:
    """What is wrong with the payload of a request, or else the rules that it breaks."""
    read, broken = reading(body)
    if not read or broken:
        return [RequestRefusal("payload", one.at, one.message, near(body, one)) for one in broken]
    found = refusals(RequestView(model, facts(model), read), stream=stream)
    return [broken for broken in found if broken.rule != _ELSEWHERE]


def _is_among(at: Route, places: Sequence[Route]) -> bool:
    """Whether it is one of these places, above one or below one."""
    return any(at[: len(place)] == place or place[: len(at)] == at for place in places)


def _by_row(case: Case) -> bool:
    """Whether rows change anything that a rule looks at: not the texts of prompts and system instructions."""
    asking = _asking(case)
    if case.axes_by_row or asking is None or not case.templated:
        return bool(case.axes_by_row)
    turn = case.turns[asking]
    found = template.references({"body": case.body, "more": turn.body, "contents": turn.contents})
    rows = (route for route, reference in found if reference.scope == "row")
    return any(route[-1] != "text" for route in rows)


def _asking(case: Case) -> int | None:
    """The number of the first turn that asks the model; None where the case only makes other calls."""
    turns = enumerate(case.turns)
    return next((n for n, turn in turns if turn.contents and turn.call is None and turn.script is None), None)


def _alone(case: Case, turn: Step) -> Case:
    """The case with that turn only, as far as the rules look at it: texts and data do not matter, but that they are there."""
    return replace(case, turns=[replace(turn, contents=_light(turn.contents), replies=None, expect=())])


def _light(value: Json, name: str | int = "") -> Json:
    if isinstance(value, Mapping):
        return {key: _light(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_light(item) for item in value]
    return {"text": "...", "data": "AAAA"}.get(str(name), value) if value else value


# --- places -------------------------------------------------------------------------------------------------------


class Placing(Struct, frozen=True):
    """Finds where a case, or its defaults, wrote something of the canonical body."""

    diagnostics: Diagnostics
    case: Case

    def axis(self, at: Route) -> Axis | None:
        """The axis that sets a value of the body: its own, or one that is a path of the body."""
        own = str(at[1]) if len(at) > 1 and at[0] == "generationConfig" else ""
        own = "thinking" if own == "thinkingConfig" else own
        return self.case.axes.get(own) or self.case.axes.get(f"request.{'.'.join(map(str, at))}")

    def of(self, at: Route) -> Place:
        """The place of the last layer that wrote it; of the nearest value above it, if it is not there; else that of the case."""
        if axis := self.axis(at):
            return axis.place
        found = [written for route, table in self.tables() for written in _written(table, at, route)]
        longest = max(found, key=lambda written: written[0], default=None)
        if longest and longest[0]:
            return self.diagnostics.document.place(longest[1])
        start = f"request.{'.'.join(map(str, at))}."
        if axis := next((axis for name, axis in self.case.axes.items() if name.startswith(start)), None):
            return axis.place
        asking = _asking(self.case)
        return self.case.place if asking is None else self.case.turns[asking].place

    def tables(self) -> Iterator[tuple[Route, Table]]:
        """The turn that asks, the case and the defaults: the nearest first."""
        tree, route = self.diagnostics.tree, ("cases", self.case.index)
        case = tree["cases"][self.case.index]
        asking = _asking(self.case) or 0
        if turns := case.get("turns", [])[asking : asking + 1]:
            yield (*route, "turns", asking), turns[0] or {}
        yield route, case
        yield ("defaults",), tree.get("defaults", {})


def _written(table: Table, at: Route, route: Route) -> Iterator[tuple[int, Route]]:
    """The places in a table, with the number of steps of ``at`` that are there."""
    for key, prefix in {**SHORT_FORMS, "request": ()}.items():
        if key in table and at[: len(prefix)] == prefix:
            steps = _steps(table[key], at[len(prefix) :])
            yield len(prefix) + len(steps), (*route, key, *steps)
    if at[:1] == ("contents",) and at[2:3] == ("parts",) and "files" in table:
        steps = _steps(table["files"], at[3:4])
        yield 3 * len(steps), (*route, "files", *steps)


def _steps(value: Json, at: Route) -> Route:
    """The part of ``at`` that is there, in the spelling of the suite."""
    steps: list[str | int] = []
    for step in at:
        if isinstance(value, Mapping):
            name = next((name for name in (step, snake(str(step))) if name in value), None)
        else:
            name = step if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
        if name is None and not (step == 0 and isinstance(value, Mapping)):
            break
        if name is not None:
            steps.append(name)
            value = value[name]
    return tuple(steps)


# --- names of models ----------------------------------------------------------------------------------------------


def misspelled_models(suite: Suite, diagnostics: Diagnostics) -> None:
    """A note for each model whose name is nearly that of a known one. A name with another number may be a newer model."""
    for case, _ in suite.distinct:
        axis = case.axes.get("model")
        names = axis.for_model("") if axis and not template.has_references(axis.values) else ()
        if axis and not any(line.check in ("http", "error") for turn in case.turns for line in turn.expect):
            for message in filter(None, map(no_such_model, map(str, names))):
                diagnostics.note(axis.place, message)


def no_such_model(model: str) -> str:
    """What to say of a model whose name is nearly that of a known one, or of several; empty of any other."""
    if odd := re.search(r"[*?,]", model):
        return f'the name of a model holds no "{odd[0]}"; write {{name: "{model}"}}, or a list'
    near = _near(model)
    return f'there is no model "{model}" in the catalogue; did you mean "{near}"?' if near else ""


@lru_cache(maxsize=1024)
def _near(model: str) -> str:
    """A known model with almost this name; empty if there is none, or if the model is known."""
    known = catalogue().names
    if (bare := model.rpartition(":")[2].removeprefix("models/")) != model and facts(bare):
        return bare
    if facts(model) or f"{model}-preview" in known:
        return "" if facts(model) else f"{model}-preview"
    return closest(model, (name for name in known if _digits(name) == _digits(model)), 0.85)


def _digits(name: str) -> str:
    return "".join(char for char in name if char.isdigit())
