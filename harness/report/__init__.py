"""Writes documents as text: a file or a package per format, and ``content`` for what documents say.

In: a document and a view (width, colour, measures). Out: text.
May import: ``compare``, ``results``, ``suite``, ``judge``, ``answer``, ``gemini``, ``text``, ``extensions``.

A document is a `Report` for the kind ``run``, and an object of ``compare``, ``judge`` or ``results`` for each other kind of `Kind`.
Documents for readers are lists of blocks, composed once for all formats: see ``blocks``. Another format registers a function::

    @output("csv", of="run")
    def run_csv(report: Report, view: View, out: TextIO) -> None:
        '''A line per trial, for a spreadsheet.'''

Formats of other packages: an entry point in the group ``gemini_harness.formats`` that names a module.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from msgspec import Struct

from harness import extensions
from harness.errors import UsageError
from harness.results.groups import Group
from harness.results.rows import VERSION, GateRow, Row, RowsOf, RunRow, without_turns
from harness.results.summary import Summary

if TYPE_CHECKING:
    from harness.results.repricing import Repricing

Kind = Literal[
    "run",
    "comparison",
    "audit",
    "history",
    "sweep",
    "migration",
    "catalogue",
    "probe",
    "fidelity",
    "drift",
    "renewal",
    "scoreboard",
    "compatible",
    "noise",
]
MEASURES = ("thoughtsTokenCount", "totalTokenCount", "ttft_s", "latency_s")
"""The measures that a cell shows with its verdict, by default."""


class Report(Struct, frozen=True):
    """A run, finished or not. ``rows`` reads the trials from disk at every call; they are not kept in memory."""

    run: RunRow
    summary: Summary
    rows: Callable[[], Iterable[Row]]
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    """Whether the run has not finished, or not yet."""
    playing: bool = False
    """Whether another process still plays it."""
    seconds: float | None = None
    """How long the run took; None: not known."""
    gates: Sequence[GateRow] = ()
    """The results of the run's gates."""
    rows_of: RowsOf | None = None
    """Reads the trials of some groups, if there is a quicker way than to read all; else None."""
    price_as: Repricing | None = None
    """What the same tokens would have cost on another model, if that was asked for."""

    def attempts(self, groups: Collection[str]) -> Iterable[Row]:
        """The trials of these groups, with requests and responses."""
        if self.rows_of is not None:
            return self.rows_of(groups)
        return (row for row in self.rows() if row.group in groups)

    def forgiven(self, group: Group) -> GateRow | None:
        """The pass rate gate that forgives this group, since it holds although too few attempts of the group passed.

        None where the group fails the run.
        """
        rates = (gate for gate in self.gates if gate["name"] == "pass_rate" and gate["crossed"] is False)
        mine = (gate for gate in rates if gate["suite"] in (None, group.suite))
        return next(mine, None) if group.failed_by_rate else None

    def to_json(self) -> dict[str, Any]:
        """The document of ``run --format json``: run, results, groups, totals, cost, gates. Long lists are iterators."""
        ended = {"interrupted": self.interrupted, "playing": self.playing}
        return {
            "version": VERSION,
            "run": {**self.run, "notes": [*self.run["notes"], *self.notes], **ended},
            "results": map(without_turns, self.rows()),
            "groups": (group.row() for group in self.summary.groups.values()),
            "totals": self.summary.totals(),
            "cost": self.summary.cost(self.run.get("prices")),
            **({"price_as": self.price_as.to_json()} if self.price_as else {}),
            "gates": self.gates,
        }


class View(Struct, frozen=True):
    """How to show a document. The limits are for formats that people read; None: no limit.

    ``width``: in columns; ``details``: how many failed groups, or flips, are shown in full; ``cases``: rows in the tables of a
    run; ``answer``: characters of a failed answer, by default about a screenful.
    """

    width: int = 80
    color: bool = False
    measures: tuple[str, ...] = MEASURES
    details: int | None = 20
    cases: int | None = 100
    answer: int | None = 1_600
    quiet: bool = False
    """Show only the totals, on a terminal."""
    display_path: Callable[[str], str] = str
    """File -> the path that the reader uses. GitHub needs paths relative to the root of the repository."""
    home: str = ""
    """The address of the list of runs, where a page is served."""
    format: str = ""
    """The format for which a document of blocks is composed."""

    @property
    def page(self) -> bool:
        """Whether the format can fold, filter, draw, and open trials."""
        return self.format == "html"


Writer = Callable[[Any, View, TextIO], None]


_formats: dict[str, dict[Kind, Writer]] = {}


def output(name: str, *, of: Kind) -> Callable[[Writer], Writer]:
    """Register the writer of a kind of document in a format. Raises ValueError if there is one already."""

    def register(writer: Writer) -> Writer:
        kinds = _formats.setdefault(name, {})
        if of in kinds:
            raise ValueError(f"two formats of a {of} are called {name!r}")
        kinds[of] = writer
        return writer

    return register


@cache
def _load() -> None:
    import pkgutil

    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    extensions.load("formats")


def all_formats() -> Mapping[str, Mapping[Kind, Writer]]:
    """Every format by name: its writers by the kind of document, in the order of `Kind`."""
    _load()
    return {
        name: {kind: writers[kind] for kind in get_args(Kind) if kind in writers}
        for name, writers in sorted(_formats.items())
    }


def find(name: str, of: Kind) -> Writer:
    """The writer of a format. Raises UsageError, with the nearest name, if the format has none for this kind."""
    if of not in _formats.get(name, {}):
        _import(name, of)
    writer = _formats.get(name, {}).get(of)
    if writer is None:
        from harness.text.shape import nearest

        names = (known for known, writers in all_formats().items() if of in writers)
        raise UsageError(f"no format {name!r} for a{'n' * of.startswith('a')} {of}; {nearest(name, names)}")
    return writer


def _import(name: str, of: Kind) -> None:
    """Import only the module of that format, or of that document of blocks, so that a table does not wait for the others."""
    if name not in extensions.modules_in(__path__):
        _load()
        return
    importlib.import_module(f"{__name__}.{name}")
    if of not in _formats.get(name, {}) and of in extensions.modules_in(f"{path}/content" for path in __path__):
        importlib.import_module(f"{__name__}.content.{of}")
