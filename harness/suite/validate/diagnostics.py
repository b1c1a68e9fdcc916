"""Complaints about a suite, each at its place in the document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from harness.model import Json, Place
from harness.text.project import Project
from harness.text.yamltext import Complaint, Document
from harness.text.yamltext import Path as Route

Table = Mapping[str, Json]
MOST_NAMED = 5
"""The most models that a message names."""


class Diagnostics(Struct):
    """The document of a suite, and what is wrong with it.

    ``tree`` is the document with its ``${...}`` filled in, without what the language does not allow. ``wrong`` holds the routes
    that have a complaint, so that one mistake has one complaint.
    """

    document: Document
    project: Project
    tree: Table = field(default_factory=dict)
    wrong: set[Route] = field(default_factory=set)
    complaints: list[Complaint] = field(default_factory=list)
    notes: dict[Complaint, None] = field(default_factory=dict)
    sound: set[tuple[str, int]] = field(default_factory=set)
    """Checks, and the identities of their parameters in the tree that are right: those of the defaults are of every case."""
    expected: dict[Place, Route] = field(default_factory=dict)
    """Place of an expectation -> its route."""

    def __post_init__(self) -> None:
        self.complaints = [*self.document.complaints, *self.complaints]

    def complain(self, route: Route, message: str, hint: str = "", *, key: bool = False) -> None:
        """At a route into the document; ``key``: at the key there, not its value."""
        self.add(self.document.place(route, key=key), message, hint)

    def add(self, place: Place, message: str, hint: str = "") -> None:
        """At a place; the same complaint is kept once."""
        complaint = self.document.complaint(place, message, hint)
        if complaint not in self.complaints:
            self.complaints.append(complaint)

    def note(self, place: Place, message: str) -> None:
        """A note at a place; the same note is kept once."""
        self.notes[Complaint(place, message)] = None

    def is_wrong(self, route: Route) -> bool:
        """Whether something is wrong at this route or below it."""
        return any(wrong[: len(route)] == route for wrong in self.wrong)

    def names_wrong(self, name: str) -> bool:
        """Whether something of that name, such as an axis, has a complaint."""
        return any(name in route for route in self.wrong)

    def complained(self, place: Place) -> bool:
        """Whether there is a complaint at this place."""
        return any(complaint.place == place for complaint in self.complaints)

    def point_at(self, route: Route, text: str, message: str, hint: str) -> None:
        """At a piece of text inside the value at that route."""
        place = self.document.place(route)
        for number in range(place.line, min(place.line + 50, len(self.document.lines)) + 1):
            column = self.document.lines[number - 1].find(text, place.column - 1 if number == place.line else 0)
            if column >= 0:
                place = Place(place.file, number, column + 1)
                break
        self.wrong.add(route)
        self.add(place, message, hint)

    def in_order(self) -> Sequence[Complaint]:
        """The complaints from the top of the document to its end."""
        return sorted(self.complaints, key=lambda complaint: (complaint.place.line, complaint.place.column))


def named(models: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and 7 others``."""
    names = list(models)
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
