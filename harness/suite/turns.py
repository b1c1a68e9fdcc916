"""The turns of a case: what is asked, scripted or called. They are the steps of its trials, once rows and axes are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from harness.judge.predicates.predicate_types import quantity
from harness.model import ApiCall, Json, Poll, Step
from harness.suite.template import Scope, Template, as_text, fill

Table = Mapping[str, Json]

METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT")
_DEFAULT_EVERY, _DEFAULT_LIMIT = "5s", "2m"


_OF_TURN, _OF_CALL = ("body", "contents", "replies", "script"), ("path", "body", "upload")
"""The fields of a turn, and of its call, that rows and axes may change."""


def templated(turn: Step) -> Sequence[Json]:
    """Everything of a turn that rows and axes may change, but for the body of the case."""
    call = turn.call
    of_call = [call.poll and call.poll.wanted, *(getattr(call, name) for name in _OF_CALL)] if call else []
    return [*(getattr(turn, name) for name in _OF_TURN), of_call, [line.parameter for line in turn.expect]]


def filled(turn: Step, scope: Scope) -> Step:
    """The turn with the references to these scopes filled in, but for what it expects. Raises Undefined."""
    changed = {name: fill(getattr(turn, name), scope) for name in _OF_TURN}
    return replace(turn, **changed, call=turn.call and _filled_call(turn.call, scope))


def _filled_call(call: ApiCall, scope: Scope) -> ApiCall:
    changed = {name: fill(getattr(call, name), scope) for name in _OF_CALL}
    if isinstance(changed["path"], int | float):
        changed["path"] = as_text(changed["path"])
    return replace(call, **changed, poll=call.poll and replace(call.poll, wanted=fill(call.poll.wanted, scope)))


def content(role: str, text: Json, files: Sequence[Json] = ()) -> Json:
    """A turn of the user or, scripted, of the model: its files, then a text or literal parts."""
    parts = text if isinstance(text, list) else [] if text is None else [{"text": text}]
    return {"role": role, "parts": [*files, *(part for part in parts if part is not None)]}


def api_call(table: Table) -> ApiCall | None:
    """The call of a turn; None without one, or if its text is not understood: see ``call_problem``."""
    written = table.get("call")
    if not isinstance(written, str) or call_problem(written):
        return None
    until = table.get("until")
    until = until if isinstance(until, Mapping) else {}
    poll = Poll(until["path"], *wait(until)) if until.get("path") else None
    return ApiCall(*split_call(written), table.get("body"), table.get("upload"), poll)


def wait(until: Table) -> tuple[float, float]:
    """Seconds between two calls, and for all of them."""
    return quantity(until.get("every", _DEFAULT_EVERY), "s"), quantity(until.get("for", _DEFAULT_LIMIT), "s")


def call_problem(written: str) -> str | None:
    """What is wrong with the text of a call; None if nothing is."""
    literal = written.parts if isinstance(written, Template) else [written]
    if not re.fullmatch(rf"({'|'.join(METHODS)})\s+\S(.|\n)*", written) or not isinstance(literal[0], str):
        return f"expected a method ({', '.join(METHODS)}) and a path, as in POST cachedContents"
    rest = [split_call(literal[0])[1], *(part for part in literal[1:] if isinstance(part, str))]
    return "a path has no spaces" if any(re.search(r"\s", text) for text in rest) else None


def meant_call(written: str) -> str:
    """``did you mean``, for a method in lower case."""
    method, _, path = written.partition(" ")
    return f'did you mean "{method.upper()} {path}"?' if method.upper() in METHODS and path and method.islower() else ""


def split_call(written: str) -> tuple[str, str]:
    """Method and path. A Template stays one."""
    method, _, path = written.partition(" ")
    if not isinstance(written, Template):
        return method, path.strip()
    first, *rest = written.parts
    assert isinstance(first, str)
    parts = [first.partition(" ")[2].lstrip(), *rest]
    return method, Template([part for part in parts if part != ""])
