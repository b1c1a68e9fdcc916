"""The registry of faults, and the decorators that fill it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.simulator.errors import Refusal
from harness.simulator.request import Ask
from harness.simulator.traffic import Sent

Refuse = Callable[[Ask], Refusal]
Edit = Callable[[list[Any], Ask], list[Any] | None]
Rewire = Callable[[Sent, str], Sent]
Forget = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``rule`` is the invariant that detects it. Exactly one of the last four fields is set.

    ``refuse`` makes the error that replaces the answer. ``forget`` makes the request without what is dropped. ``edit`` changes
    a copy of the response values (one, or one per chunk). ``rewire`` changes the bytes, headers and times that are sent; its second
    argument is the framing (``json``, ``sse`` or ``array``).
    """

    name: str
    about: str
    rule: str = ""
    refuse: Refuse | None = None
    forget: Forget | None = None
    edit: Callable[[list[Any], Ask], list[Any]] | None = None
    rewire: Rewire | None = None


FAULTS: dict[str, Fault] = {}
CHAT_FAULTS: dict[str, Fault] = {}
"""Faults that only chat completions can have."""


def refuses(name: str, about: str, refuse: Refuse) -> None:
    FAULTS[name] = Fault(name, about, "http-status", refuse=refuse)


def forgets(name: str, about: str, *fields: str, rule: str = "") -> None:
    """Register the loss of these fields of the request."""

    def kept(body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {key: value for key, value in body.items() if key not in fields}

    FAULTS[name] = Fault(name, about, rule, forget=kept)


def loses(forget: Forget) -> Forget:
    """Register a loss of parts of the request. Name and description as for ``edits``."""
    name = forget.__name__.replace("_", "-")
    FAULTS[name] = Fault(name, _first_line(forget), forget=forget)
    return forget


def edits(rule: str = "", into: dict[str, Fault] = FAULTS) -> Callable[[Edit], Edit]:
    """Register a change of response values. The function's name is the fault's name, the first line of its docstring its
    description. It returns the new list, or None if it changed the values in place."""

    def register(edit: Edit) -> Edit:
        def whole(values: list[Any], ask: Ask) -> list[Any]:
            changed = edit(values, ask)
            return values if changed is None else changed

        name = edit.__name__.strip("_").replace("_", "-")
        into[name] = Fault(name, _first_line(edit), rule, edit=whole)
        return edit

    return register


def rewires(rule: str = "", into: dict[str, Fault] = FAULTS) -> Callable[[Rewire], Rewire]:
    """Register a change of the bytes that are sent. Name and description as for ``edits``."""

    def register(rewire: Rewire) -> Rewire:
        name = rewire.__name__.strip("_").replace("_", "-")
        into[name] = Fault(name, _first_line(rewire), rule, rewire=rewire)
        return rewire

    return register


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
