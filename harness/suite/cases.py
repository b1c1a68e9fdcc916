"""What a suite declares, before targets, rows and axes are put together: the nouns that reading and expanding share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from harness.model import Expectation, Json, Place, Require
from harness.suite import template
from harness.suite.axes import Axis
from harness.suite.body import Layer, merged
from harness.suite.template import Template
from harness.text.names import slug


class Note(NamedTuple):
    """Something worth knowing that is no complaint."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: note: {self.message}"


class Choice(NamedTuple):
    """Combinations of axis values: of a ``skip`` row (with its ``why``), or of ``only``."""

    axes: Mapping[str, Json]
    place: Place
    why: str = ""


class Share(NamedTuple):
    """``require:``; ``passed`` of ``attempts`` (5 of 5 when both are None)."""

    passed: int | None = None
    attempts: int | None = None

    def of(self, attempts: int) -> Require:
        """What that share means for a number of attempts, rounded up."""
        if self.passed is None:
            return Require()
        return Require(-(-self.passed * attempts // self.attempts) if self.attempts else self.passed)


class Xfail(NamedTuple):
    """``targets`` are globs of ``provider/model`` or of the model; empty: all."""

    why: str
    targets: Sequence[str] = ()


class TurnPlan(NamedTuple):
    """One request of a case, as far as it is known before rows and axes are: templates may still wait in it."""

    contents: Sequence[Json]
    replies: Mapping[str, Json] | None
    expect: Sequence[Expectation]
    capture: Mapping[str, str]
    place: Place


@dataclass(frozen=True)
class Case:
    """One thing a user asks for. Templates for rows may still wait in ``id``, the axes, the layers and the turns.

    ``folder`` is its part of a cassette's path, unique in the suite. ``rows`` is ``({},)`` without ``each``.
    ``rows_in_file``: they came as they are from a file, whose hash the suite keeps; those that stand in the suite may hold
    ``${env:}``. ``expects_refusal``: it expects an HTTP 400 or an error, so requests that the API refuses are what it wants.
    """

    id: str
    place: Place
    folder: str
    axes: Mapping[str, Axis]
    layers: Sequence[Layer]
    turns: Sequence[TurnPlan]
    require: Share
    rows: Sequence[Mapping[str, Json]] = ({},)
    rows_in_file: bool = False
    about: str = ""
    tags: Sequence[str] = ()
    repeat: int | None = None
    xfail: Xfail | None = None
    skip: str | None = None
    only: Sequence[Choice] = ()
    waive: Mapping[str, str] = field(default_factory=dict)
    agree: Literal["shape", "text"] | None = None
    cassette: Path | None = None
    expects_refusal: bool = False

    @cached_property
    def body(self) -> Mapping[str, Json]:
        """The request body, without what axes put in."""
        return merged(self.layers)

    @cached_property
    def templated(self) -> bool:
        """Whether rows change what is sent or expected."""
        parts = [[turn.contents, turn.replies, [each.parameter for each in turn.expect]] for turn in self.turns]
        return self.body_templated or template.waits(parts)

    @cached_property
    def body_templated(self) -> bool:
        """Whether rows change the body."""
        return template.waits(self.body)

    @cached_property
    def swept_by_row(self) -> bool:
        """Whether rows change the values of axes."""
        return any(template.waits(axis.values) for axis in self.axes.values())

    def named(self, row: Mapping[str, Json]) -> str:
        """The id for a row, as it stands in trial ids."""
        return (
            slug(template.as_text(template.fill(self.id, {"row": row}))) if isinstance(self.id, Template) else self.id
        )


@dataclass(frozen=True)
class Suite:
    """One YAML file, one feature."""

    name: str
    file: str
    folder: Path
    place: Place
    cases: Sequence[Case]
    about: str = ""
    tags: Sequence[str] = ()
    repeat: int | None = None
    skips: Sequence[Choice] = ()
    compare: Mapping[str, Json] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    """The files that ``${file:}`` and ``each`` read, by name, with the SHA-256 of what they held."""
