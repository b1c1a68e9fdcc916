"""Checks and invariants, found by their decorators: one small function each, in a file of ``checks/`` or ``invariants/``.

A check is a generator that yields the mismatches it finds. None means that it holds; an exception means that the check
itself is broken. Its name is the YAML key, the type of its second parameter makes the editor's schema (see ``shape``), and
its docstring is its reference page::

    @check("finishReason")
    def finish_reason(evidence: Evidence, expected: Predicate) -> Iterator[Mismatch]:
        '''The final ``finishReason`` of candidate 0.'''
        yield from holds("finishReason", evidence.reply.finish_reason, expected)

A rule (an invariant) is the same without a parameter, and is held against every answer::

    @rule("usage-sum", "error")
    def usage_sum(evidence: Evidence) -> Iterator[Mismatch]: ...

Checks and rules from other packages: an entry point in the group ``gemini_harness.checks`` that names a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_type_hints

from harness import extensions
from harness.model import CheckFunction, RuleFunction

RuleSeverity = Literal["error", "warn", "outcome"]


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check."""

    name: str
    function: CheckFunction
    doc: str

    @property
    def parameter(self) -> Any:
        """The annotation of the second argument: what the suite may write under this key."""
        hints = get_type_hints(self.function, include_extras=True)
        return next(hint for name, hint in hints.items() if name not in ("evidence", "return"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered invariant. ``of_bytes`` rules are silent where another tool normalised the body.

    An ``outcome`` rule is an error in a trial that does not expect the condition, and no finding in ``audit``.
    """

    id: str
    function: RuleFunction
    severity: RuleSeverity
    of_bytes: bool
    doc: str


_checks: dict[str, Check] = {}
_rules: dict[str, Rule] = {}


def check(name: str) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check under its YAML key. Raises ValueError for a name that is taken."""

    def register(function: CheckFunction) -> CheckFunction:
        if name in _checks:
            raise ValueError(f"two checks are called {name!r}")
        _checks[name] = Check(name, function, (function.__doc__ or "").strip())
        return function

    return register


def rule(id: str, severity: RuleSeverity, *, of_bytes: bool = False) -> Callable[[RuleFunction], RuleFunction]:
    """Register an invariant under its stable id. Raises ValueError for an id that is taken."""

    def register(function: RuleFunction) -> RuleFunction:
        if id in _rules:
            raise ValueError(f"two rules are called {id!r}")
        _rules[id] = Rule(id, function, severity, of_bytes, (function.__doc__ or "").strip())
        return function

    return register


@cache
def _load() -> None:
    """Ours, and other packages'."""
    for name in ("harness.judge.checks", "harness.judge.invariants"):
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{name}.{module.name}")
    extensions.load("checks")


def find_check(name: str) -> Check | None:
    """The check of that YAML key."""
    _load()
    return _checks.get(name)


def all_checks() -> Mapping[str, Check]:
    """Every check, other packages' included, by name."""
    _load()
    return _checks


def all_rules() -> Mapping[str, Rule]:
    """Every invariant, other packages' included, by id, in order of registration."""
    _load()
    return _rules


def names_like(name: str) -> tuple[str, ...]:
    """The names that verdicts have: of invariants where it is spelled as one of those, ``invariant:ID``; else of checks."""
    if name.startswith("invariant:"):
        return tuple(f"invariant:{rule}" for rule in all_rules())
    return tuple(all_checks())
