"""Documents become text: one file per format, or a package with a file per kind of document; functions are found by their decorator.

In: a document and a view (width, colour, measures). Out: text.
May import: ``compare``, ``results``, ``suite``, ``judge``, ``answer``, ``gemini``, ``text``, ``extensions``.

A document is a `Report` (``run``), a ``comparison.Comparison`` (``comparison``), ``candidates.Comparisons`` (``comparisons``),
an ``audit.Audit`` (``audit``), a ``history_lines.History`` (``history``), a ``history_lines.QueryResult`` (``query``), ``sweeps.Sweeps`` (``sweep``) or a
``migration.Migration`` (``migration``)::

    @output("table", of="run")
    def table(report: Report, view: View, out: TextIO) -> None:
        '''The comparison table for a terminal.'''

Formats of other packages: an entry point in the group ``gemini_harness.formats`` that names a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from harness import extensions
from harness.errors import UsageError
from harness.results.groups import Group
from harness.results.rows import GateRow, Row, RunRow
from harness.results.summary import Summary

if TYPE_CHECKING:
    from harness.compare.comparison import RowsOf

Kind = Literal["run", "comparison", "comparisons", "audit", "history", "query", "sweep", "migration"]
MEASURES = ("thoughtsTokenCount", "totalTokenCount", "ttft_s", "latency_s")
"""What a cell shows beside its verdict unless other measures are asked for."""


@dataclass(frozen=True, slots=True)
class Report:
    """A run, finished or not. ``rows`` reads the trials anew each time (from disk: they are not held in memory)."""

    run: RunRow
    summary: Summary
    rows: Callable[[], Iterable[Row]]
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    """Whether it did not come to its end, or not yet."""
    playing: bool = False
    """Whether another process still plays it."""
    seconds: float | None = None
    """How long the run took, where that is known."""
    gates: Sequence[GateRow] = ()
    """What the run was held to, answered."""
    rows_of: RowsOf | None = None
    """Reads the trials of some groups, where that is quicker than to read all."""

    def attempts(self, groups: Collection[str]) -> Iterable[Row]:
        """The trials of these groups, with what was said."""
        if self.rows_of is not None:
            return self.rows_of(groups, turns=True)
        return (row for row in self.rows() if row["group"] in groups)

    def forgiven(self, group: Group) -> GateRow | None:
        """The gate that holds, though this group failed for want of attempts that passed; None where it fails the run."""
        rates = (each for each in self.gates if each["name"] == "pass_rate" and each["crossed"] is False)
        mine = (each for each in rates if each["suite"] in (None, group.suite))
        return next(mine, None) if group.failed_by_rate else None


@dataclass(frozen=True, slots=True)
class View:
    """How to show it: in tables and lists that people read, of what is much a part; None: all.

    ``details``: failing groups, or flips, that are shown in full; ``cases``: rows in the tables of a run; ``answer``: characters of
    an answer that failed, about a screenful.
    """

    width: int = 80
    color: bool = False
    measures: tuple[str, ...] = MEASURES
    details: int | None = 20
    cases: int | None = 100
    answer: int | None = 1_600
    quiet: bool = False
    """Only the totals, where the format is for people."""
    named: Callable[[str], str] = str
    """How a file is called by who reads the report: GitHub counts from the root of the repository."""


Writer = Callable[[Any, View, TextIO], None]


@dataclass(frozen=True, slots=True)
class Format:
    """A registered format: ``writers`` by the kind of document, in the order of `Kind`."""

    name: str
    writers: Mapping[Kind, Writer]

    @property
    def doc(self) -> str:
        """What it is, in a line."""
        writer = next(iter(self.writers.values()))
        return (writer.__doc__ or "").strip().partition("\n")[0]


_formats: dict[str, dict[Kind, Writer]] = {}


def output(name: str, *, of: Kind) -> Callable[[Writer], Writer]:
    """Register how a kind of document is written in a format. Raises ValueError where that is taken."""

    def register(writer: Writer) -> Writer:
        kinds = _formats.setdefault(name, {})
        if of in kinds:
            raise ValueError(f"two formats of a {of} are called {name!r}")
        kinds[of] = writer
        return writer

    return register


@cache
def _load() -> None:
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    extensions.load("formats")


def all_formats() -> Mapping[str, Format]:
    """Every format by name."""
    _load()
    return {
        name: Format(name, {kind: writers[kind] for kind in get_args(Kind) if kind in writers})
        for name, writers in sorted(_formats.items())
    }


def find(name: str, of: Kind) -> Writer:
    """The writer of a format. Raises UsageError, with the nearest name, where there is none for this kind."""
    if of not in _formats.get(name, {}):
        _import(name, of)
    writer = _formats.get(name, {}).get(of)
    if writer is None:
        from difflib import get_close_matches

        names = [each.name for each in all_formats().values() if of in each.writers]
        near = get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise UsageError(f"no format {name!r} for a {of}; {hint}")
    return writer


def _import(name: str, of: Kind) -> None:
    """Only the file of that format, and within it that of the kind: a table need not wait for the others to be imported."""
    if name not in _modules(__path__):
        _load()
        return
    found = importlib.import_module(f"{__name__}.{name}")
    if of in _modules(getattr(found, "__path__", ())):
        importlib.import_module(f"{__name__}.{name}.{of}")


def _modules(path: Iterable[str]) -> set[str]:
    return {module.name for module in pkgutil.iter_modules(path)}
