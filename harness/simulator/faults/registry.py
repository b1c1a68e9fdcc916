"""The registry of faults, and the decorators that fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.simulator.errors import Refusal
from harness.simulator.request import Ask
from harness.simulator.traffic import Sent

Refuse = Callable[[Ask], Refusal]
Edit = Callable[[list[Any], Ask], list[Any] | None]
Rewire = Callable[[Sent, str], Sent]


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure. ``rule`` is the invariant that names it. Exactly one of the last four is set.

    ``refuse`` makes the error that is answered instead; ``forget`` are the fields of the request that do not arrive;
    ``edit`` changes the response values (one, or one a chunk; a private copy); ``rewire`` changes what is sent, given the
    framing (``json``, ``sse`` or ``array``).
    """

    name: str
    about: str
    rule: str = ""
    refuse: Refuse | None = None
    forget: tuple[str, ...] = ()
    edit: Callable[[list[Any], Ask], list[Any]] | None = None
    rewire: Rewire | None = None


FAULTS: dict[str, Fault] = {}


def refuses(name: str, about: str, refuse: Refuse) -> None:
    FAULTS[name] = Fault(name, about, "http-status", refuse=refuse)


def forgets(name: str, about: str, *fields: str, rule: str = "") -> None:
    FAULTS[name] = Fault(name, about, rule, forget=fields)


def edits(rule: str = "") -> Callable[[Edit], Edit]:
    """Register a change of response values. The function's name is the fault's, its docstring's first line what it does; it
    returns the new list, or None where it changed them in place."""

    def register(edit: Edit) -> Edit:
        def whole(values: list[Any], ask: Ask) -> list[Any]:
            changed = edit(values, ask)
            return values if changed is None else changed

        name = edit.__name__.strip("_").replace("_", "-")
        FAULTS[name] = Fault(name, _first_line(edit), rule, edit=whole)
        return edit

    return register


def rewires(rule: str = "") -> Callable[[Rewire], Rewire]:
    """Register a change of what is sent; named and described as under ``edits``."""

    def register(rewire: Rewire) -> Rewire:
        name = rewire.__name__.strip("_").replace("_", "-")
        FAULTS[name] = Fault(name, _first_line(rewire), rule, rewire=rewire)
        return rewire

    return register


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
