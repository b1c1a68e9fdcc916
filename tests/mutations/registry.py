"""The mutations, found by their decorators."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from tests import mutations
from tests.mutations.draft import Draft

Change = Callable[[Draft], None]


@dataclass(frozen=True)
class Mutation:
    """``kind`` is the class. ``rules``: of a fault, those that may name it; of a lawful change, those that may speak."""

    kind: str
    rules: frozenset[str]
    change: Change

    def __str__(self) -> str:
        return f"{self.kind}: {self.change.__name__}"


_faults: dict[str, list[Mutation]] = {}
_lawful: dict[str, list[Mutation]] = {}
_readings: dict[str, Callable[[Draft], bool]] = {}


def fault(kind: str, rules: str = "") -> Callable[[Change], Change]:
    """Register a fault of a class. ``rules`` may name it; without any, the rule of that name."""
    return _register(_faults, kind, rules or kind)


def lawful(kind: str = "", but: str = "") -> Callable[[Change], Change]:
    """Register a change after which no rule speaks, ``but`` these."""
    return _register(_lawful, kind, but)


def reading(case: str) -> Callable[[Callable[[Draft], bool]], Callable[[Draft], bool]]:
    """Register a case of reading: whether a file that is made of this exchange is read, or refused, as it should be."""

    def register(function: Callable[[Draft], bool]) -> Callable[[Draft], bool]:
        _readings[case] = function
        return function

    return register


def _register(into: dict[str, list[Mutation]], kind: str, rules: str) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        name = kind or change.__name__.replace("_", "-")
        into.setdefault(name, []).append(Mutation(name, frozenset(rules.split()), change))
        return change

    return register


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(mutations.__path__):
        if module.name.startswith(("faults_", "lawful", "readings")):
            importlib.import_module(f"{mutations.__name__}.{module.name}")


def faults() -> Mapping[str, list[Mutation]]:
    """Class -> its mutations."""
    _load()
    return dict(sorted(_faults.items()))


def lawful_changes() -> Mapping[str, list[Mutation]]:
    """Class -> its mutations."""
    _load()
    return _lawful


def readings() -> Mapping[str, Callable[[Draft], bool]]:
    """Case -> whether it is read as it should be."""
    _load()
    return _readings
