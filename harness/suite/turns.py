"""The turns of a case: what is asked, scripted or called, before rows and axes are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from harness.judge.predicates.quantities import quantity
from harness.model import Expectation, Json, Place
from harness.suite.template import Template

Table = Mapping[str, Json]

METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT")

_DEFAULT_EVERY, _DEFAULT_LIMIT = "5s", "2m"


class CallPlan(NamedTuple):
    """A call of the API. ``until`` maps JSONPaths to predicates; ``every`` and ``limit`` are seconds."""

    method: str
    path: str
    body: Json = None
    upload: str | None = None
    until: Mapping[str, Json] | None = None
    every: float = 0
    limit: float = 0


class TurnPlan(Struct, frozen=True):
    """One turn of a case. It may contain templates. See ``model.Step`` for the meaning of its fields; ``body`` is what the turn
    adds to the body of the case."""

    contents: Sequence[Json]
    replies: Json
    expect: Sequence[Expectation]
    capture: Mapping[str, str]
    place: Place
    body: Mapping[str, Json] = {}
    script: Sequence[Json] | None = None
    call: CallPlan | None = None
    cleanup: bool = False

    @property
    def templated(self) -> Sequence[Json]:
        """Everything that rows and axes may change, but for the body of the case."""
        return [
            self.contents,
            self.replies,
            self.body,
            self.script,
            self.call,
            [line.parameter for line in self.expect],
        ]


def user_content(text: Json, files: Sequence[Json] = ()) -> Json:
    """A user's turn: its files, then a text or literal parts."""
    parts = text if isinstance(text, list) else [] if text is None else [{"text": text}]
    return {"role": "user", "parts": [*files, *(part for part in parts if part is not None)]}


def model_content(text: Json) -> Json:
    """A scripted turn of the model: a text or literal parts."""
    parts = text if isinstance(text, list) else [{"text": text}]
    return {"role": "model", "parts": [part for part in parts if part is not None]}


def call_plan(table: Table) -> CallPlan | None:
    """The call of a turn; None without one, or if its text is not understood: see ``call_problem``."""
    written = table.get("call")
    if not isinstance(written, str) or call_problem(written):
        return None
    method, path = split_call(written)
    until = table.get("until")
    until = until if isinstance(until, Mapping) else {}
    return CallPlan(method, path, table.get("body"), table.get("upload"), until.get("path"), *wait(until))


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
