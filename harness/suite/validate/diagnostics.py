"""Who is told what makes no sense: the suite's reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from harness.model import Json, Place
from harness.suite.matrix import MOST_ATTEMPTS
from harness.text.project import Project
from harness.text.yamltext import Document
from harness.text.yamltext import Path as Route

Table = Mapping[str, Json]


class Diagnostics(Protocol):
    """Takes complaints, at a route into the document or at a place."""

    document: Document
    project: Project
    wrong: set[Route]

    def complain(self, route: Route, message: str, hint: str = "", *, key: bool = False) -> None: ...
    def point_at(self, route: Route, text: str, message: str, hint: str) -> None: ...
    def add(self, place: Place, message: str, hint: str = "") -> None: ...


def some_attempts(route: Route, table: Table, tell: Diagnostics) -> None:
    """Complains about a number of attempts, at that route into the table, that is below 1 or above what is played."""
    value: Json = table
    for step in route:
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, int) and value < 1:
        tell.complain(route, f"repeat must be at least 1, got {value}")
    if isinstance(value, int) and value > MOST_ATTEMPTS:
        tell.complain(route, f"repeat must be at most {MOST_ATTEMPTS:,}, got {value:,}")
