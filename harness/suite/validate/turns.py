"""The turns of a case: does each say one thing, and can it be sent where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.judge.checks import parameters
from harness.model import Json
from harness.suite import language, template
from harness.suite.template import Template
from harness.suite.turns import call_problem, meant_call, wait
from harness.suite.validate.body import literal
from harness.suite.validate.diagnostics import Diagnostics, Table
from harness.text import jsonpath, shape
from harness.text.yamltext import Path as Route

_OF_CALLS = ("body", "upload", "until")
_MOST_POLLS = 1000
_OF_CONVERSATION = ("user", "reply", "model", "files", "request")


class TurnsValidator:
    """Looks at ``turns:`` and ``finally:`` of the case at ``route``."""

    def __init__(self, table: Table, route: Route, diagnostics: Diagnostics) -> None:
        self.table, self.route, self.diagnostics = table, route, diagnostics

    def check(self, *, refused: bool) -> None:
        """``refused``: the API may refuse what the turns add to the body."""
        turns = self.table.get("turns", [])
        for number, turn in enumerate(turns):
            at: Route = (*self.route, "turns", number)
            if turn is not None and not self.diagnostics.is_wrong(at):
                self.turn(turn, at)
                self.position(turn, at, turns)
                self.body(turn, at, refused=refused)
        for number, turn in enumerate(self.table.get("finally", [])):
            at = (*self.route, "finally", number)
            if turn is not None and not self.diagnostics.is_wrong(at):
                self.call(turn, at)
                self.captures(turn, at)

    def turn(self, turn: Table, at: Route) -> None:
        self.captures(turn, at)
        if "call" in turn:
            self.call(turn, at)
            return
        self.misplaced(turn, at, _OF_CALLS, "belongs to a call:, and this turn has none")
        if ("user" in turn or "files" in turn) == ("reply" in turn) and ("reply" in turn or "model" not in turn):
            self.diagnostics.complain(at, "a turn has either user: or reply:")
        if "model" in turn:
            why = "has no answer to look at: this turn states it with model:"
            self.misplaced(turn, at, ("expect", "capture"), why)

    def misplaced(self, turn: Table, at: Route, keys: Sequence[str], why: str) -> None:
        """Complains about each of these keys that the turn has."""
        for key in keys:
            if key in turn:
                self.diagnostics.complain((*at, key), f"{key}: {why}", key=True)

    def position(self, turn: Table, at: Route, turns: list[Json]) -> None:
        """A turn that cannot stand where it does."""
        before = [earlier for earlier in turns[: int(at[-1])] if earlier and "call" not in earlier]
        if "reply" in turn and not before:
            self.diagnostics.complain((*at, "reply"), "the first turn has no function call to reply to", key=True)
        later = turns[int(at[-1]) + 1 :]
        if "model" in turn and all(after and ("model" in after or "call" in after) for after in later):
            self.diagnostics.complain((*at, "model"), "nothing is asked after this scripted answer", key=True)

    def body(self, turn: Table, at: Route, *, refused: bool) -> None:
        """What a turn adds to the body."""
        if "contents" in turn.get("request", {}):
            self.diagnostics.complain(
                (*at, "request", "contents"), "contents are those of the conversation: write user:", key=True
            )
        literal(at, {"request": turn.get("request")}, self.diagnostics, refused)

    def call(self, turn: Table, at: Route) -> None:
        self.misplaced(turn, at, _OF_CONVERSATION, "belongs to the conversation, and this turn is a call:")
        if "call" not in turn:
            self.diagnostics.complain(at, "expected call:, as in call: DELETE ${capture.cache}")
        elif problem := call_problem(turn["call"]):
            self.diagnostics.complain((*at, "call"), problem, meant_call(turn["call"]))
        elif "upload" in turn and not turn["call"].startswith("POST "):
            self.diagnostics.complain((*at, "upload"), "upload: belongs to a POST, as in call: POST files", key=True)
        upload = turn.get("upload")
        stated = upload if isinstance(upload, str) and not isinstance(upload, Template) else None
        if problem := stated and self.diagnostics.project.complaint(stated):
            self.diagnostics.complain((*at, "upload"), problem)
        self.until(turn.get("until"), (*at, "until"))

    def until(self, until: Json, at: Route) -> None:
        if not isinstance(until, Mapping) or not isinstance(until.get("path"), Mapping):
            return
        path, kind = until["path"], language.parameter("path")
        if not path:
            self.diagnostics.complain((*at, "path"), "path: names nothing to wait for")
        for finding in shape.findings(path, kind):
            self.diagnostics.complain((*at, "path", *finding.path), finding.message, finding.hint, key=finding.key)
        if not template.has_references(path):
            for inner, problem in parameters.complaints(kind, path, self.diagnostics.project):
                self.diagnostics.complain((*at, "path", *inner), problem)
        self.pace(*wait(until), at)

    def pace(self, every: float, limit: float, at: Route) -> None:
        if every <= 0:
            self.diagnostics.complain((*at, "every"), "the wait between two calls must be longer than 0")
        elif limit / every > _MOST_POLLS:
            self.diagnostics.complain(
                at, f"these are up to {limit / every:,.0f} calls; at most {_MOST_POLLS:,} are made"
            )

    def captures(self, turn: Table, at: Route) -> None:
        for name, path in turn.get("capture", {}).items():
            if problem := jsonpath.complaint(path):
                self.diagnostics.complain((*at, "capture", name), f"not a JSONPath: {problem}")
