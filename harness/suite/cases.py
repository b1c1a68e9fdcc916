"""What a suite declares, before targets, rows and axes are combined. ``parse`` makes these values; ``matrix`` expands them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from harness.model import Json, Place, Step, Target
from harness.suite import template, turns
from harness.suite.axes import Axis, axis_matches
from harness.suite.body import Layer, merged
from harness.suite.template import Template
from harness.text.names import slug
from harness.text.yamltext import Complaint

MOST_ATTEMPTS = 100_000
"""The most attempts of one trial."""


class Choice(Struct, frozen=True):
    """A row of ``skip`` (with its ``why``) or of ``only``: combinations of axis values."""

    axes: Mapping[str, Json]
    place: Place
    why: str = ""


class Share(Struct, frozen=True):
    """``require:`` of a case: ``passed`` of ``attempts`` must pass; all of them if both are None."""

    passed: int | None = None
    attempts: int | None = None

    def of(self, attempts: int) -> int | None:
        """The number that must pass out of ``attempts``, rounded up; None: all."""
        if self.passed is None or not self.attempts:
            return self.passed
        return -(-self.passed * attempts // self.attempts)


class Xfail(Struct, frozen=True):
    """``xfail:`` of a case. ``targets`` are globs of ``provider/model`` or of the model; empty means all."""

    why: str
    targets: Sequence[str] = ()

    def applies_to(self, target: Target) -> bool:
        """Whether the failure is expected there. For a target whose provider is not known yet, the model decides."""
        globs = self.targets if target.provider else [glob.rpartition("/")[2] for glob in self.targets]
        return not globs or any(
            axis_matches("model", glob, name) for glob in globs for name in (str(target), target.model)
        )


class Case(Struct, frozen=True, dict=True):
    """One case of a suite, the one at ``index`` in the document. ``id``, the axes, the layers and the turns may contain templates for rows.

    ``folder`` is its part of the path of a cassette, unique in the suite. ``rows`` is ``({},)`` without ``each``.
    ``rows_in_file``: the rows are the unchanged content of a file, whose hash the suite keeps; rows in the suite itself may
    contain ``${env:}``. ``expects_refusal``: the case expects an HTTP 400 or an error, so it may send an invalid request.
    ``plain``: its id and the text of its prompt are its own, all else is the same in every plain case of the suite.
    """

    index: int
    id: str
    place: Place
    folder: str
    axes: Mapping[str, Axis]
    layers: Sequence[Layer]
    turns: Sequence[Step]
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
    plain: bool = False

    @cached_property
    def body(self) -> Mapping[str, Json]:
        """The request body, without what axes add. Placeholders are not filled in."""
        return merged(self.layers)

    def layers_in(self, scope: template.Scope) -> Sequence[Layer]:
        """The layers of the request body for one row and one combination. Raises Undefined."""
        return [Layer(layer.origin, template.fill(layer.body, scope)) for layer in self.layers]

    def body_in(self, scope: template.Scope) -> Mapping[str, Json]:
        """The request body, without what axes add, for one row and one combination. Raises Undefined."""
        return merged(self.layers_in(scope)) if self.body_templated else self.body

    @cached_property
    def templated(self) -> bool:
        """Whether rows or axes change what is sent or expected, other than through axes with values of their own type."""
        return self.body_templated or any(template.has_references(turns.templated(turn)) for turn in self.turns)

    @cached_property
    def body_templated(self) -> bool:
        """Whether rows or axes with free values change the body."""
        return any(template.has_references(layer.body) for layer in self.layers)

    @cached_property
    def axes_by_row(self) -> frozenset[str]:
        """The axes whose values wait for rows."""
        return frozenset(name for name, axis in self.axes.items() if template.has_references(axis.values))

    def named(self, row: Mapping[str, Json]) -> str:
        """The id for a row, as trial ids show it."""
        return (
            slug(template.as_text(template.fill(self.id, {"row": row}))) if isinstance(self.id, Template) else self.id
        )


class Suite(Struct, frozen=True):
    """One YAML file, one feature."""

    name: str
    file: str
    folder: Path
    place: Place
    cases: Sequence[Case]
    about: str = ""
    skips: Sequence[Choice] = ()
    compare: Mapping[str, Json] | None = None
    notes: Sequence[Complaint] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Name of each file that ``${file:}`` and ``each`` read -> SHA-256 of its content."""

    @property
    def distinct(self) -> Sequence[tuple[Case, int]]:
        """The cases, each with the number of those that it stands for: the first plain one stands for all plain ones."""
        plain = [case for case in self.cases if case.plain]
        return [(case, len(plain) if case.plain else 1) for case in self.cases if not case.plain or case is plain[0]]
