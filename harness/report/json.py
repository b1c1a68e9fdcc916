"""For programs: exactly one JSON document; rows are streamed from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.compare.candidates import Comparisons
from harness.compare.comparison import Comparison
from harness.report import Report, View, output
from harness.results import history_lines
from harness.results.history_lines import History, QueryResult
from harness.results.rows import VERSION, dumps, without_turns

if TYPE_CHECKING:
    from harness.compare.compatible import Compatibility
    from harness.compare.drift import Drift
    from harness.compare.fidelity_changes import Fidelity
    from harness.compare.migration import Migration
    from harness.compare.noise import NoiseReport
    from harness.compare.scoreboard import Scoreboard
    from harness.compare.sweeps import Sweeps
    from harness.gemini.capabilities import Probe
    from harness.gemini.renewal import Renewal
    from harness.gemini.sheets import Sheets
    from harness.judge.audit import Audit


@output("json", of="run")
def run_json(report: Report, _view: View, out: TextIO) -> None:
    """One JSON document: run, results, groups, totals, cost, gates."""
    ended = {"interrupted": report.interrupted, "playing": report.playing}
    run = {**report.run, "notes": [*report.run["notes"], *report.notes], **ended}
    out.write(f'{{"version":{VERSION},"run":{dumps(run)},"results":[')
    for number, row in enumerate(report.rows()):
        out.write(",\n" if number else "\n")
        out.write(dumps(without_turns(row)))
    groups = [group.row() for group in report.summary.groups.values()]
    cost = report.summary.cost(report.run.get("prices"))
    other = f'"price_as":{dumps(report.price_as.to_json())},' if report.price_as else ""
    ending = f'"totals":{dumps(report.summary.totals())},"cost":{dumps(cost)},{other}"gates":{dumps(report.gates)}'
    out.write(f'\n],"groups":{dumps(groups)},{ending}}}\n')


@output("json", of="comparison")
def comparison_json(comparison: Comparison, _view: View, out: TextIO) -> None:
    """One JSON document: cells, flips, verdicts, gates."""
    out.write("{")
    for number, (name, value) in enumerate(comparison.fields()):
        out.write(f"{',' if number else ''}\n {dumps(name)}: ")
        out.writelines(_items(value) if isinstance(value, Iterator) else [dumps(value, indent=1)])
    out.write("\n}\n")


@output("json", of="comparisons")
def comparisons_json(document: Comparisons, view: View, out: TextIO) -> None:
    """One JSON document: a comparison per candidate, each as it would be alone."""
    fields = [f" {dumps(name)}: {dumps(value)},\n" for name, value in document.fields()]
    out.write(f'{{\n{"".join(fields)} "comparisons": [\n')
    for number, comparison in enumerate(document.comparisons):
        out.write(",\n" if number else "")
        comparison_json(comparison, view, out)
    out.write("]}\n")


def _items(values: Iterator[object]) -> Iterator[str]:
    """A JSON list, one element a line, as the elements come."""
    yield "["
    for number, value in enumerate(values):
        yield f"{',' if number else ''}\n  {_line(value)}"
    yield "\n ]"


def _line(value: object) -> str:
    """`dumps` of an element. For plain values ``msgspec`` takes a tenth of the time."""
    from msgspec.json import encode

    try:
        return encode(value).decode()
    except (TypeError, ValueError):
        return dumps(value)


@output("json", of="audit")
def audit_json(audit: Audit, _view: View, out: TextIO) -> None:
    """One JSON document: findings, and every native exchange."""
    out.write(dumps(audit.document(), indent=1) + "\n")


@output("json", of="catalogue")
def catalogue_json(document: Sheets, _view: View, out: TextIO) -> None:
    """One JSON document: a sheet per model."""
    rows = [sheet.to_json() for sheet in document.sheets]
    out.write(dumps({"version": VERSION, "models": rows}, indent=1) + "\n")


@output("json", of="probe")
def probe_json(probe: Probe, _view: View, out: TextIO) -> None:
    """One JSON document: every question with its answer, and how many differ."""
    out.write(dumps({"version": VERSION, **probe.to_json()}, indent=1) + "\n")


@output("json", of="history")
def history_json(history: History, _view: View, out: TextIO) -> None:
    """One JSON document: a line per run, suite and target, and what changed."""
    lines = [history_lines.row(line) for line in history.lines]
    document = {"version": VERSION, "history": lines, "earlier": history.earlier, "notes": list(history.notes)}
    out.write(dumps(document, indent=1) + "\n")


@output("json", of="query")
def query_json(answer: QueryResult, _view: View, out: TextIO) -> None:
    """One JSON document: columns and rows."""
    out.write(dumps({"version": VERSION, "columns": list(answer.columns), "rows": list(answer.rows)}, indent=1) + "\n")


@output("json", of="sweep")
def sweep_json(document: Sweeps, _view: View, out: TextIO) -> None:
    """One JSON document: sweeps with their points and knees."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="migration")
def migration_json(document: Migration, _view: View, out: TextIO) -> None:
    """One JSON document: that of a comparison, and what changes."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="fidelity")
def fidelity_json(document: Fidelity, _view: View, out: TextIO) -> None:
    """One JSON document: the changes of every feature, and what cannot be told."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="drift")
def drift_json(document: Drift, _view: View, out: TextIO) -> None:
    """One JSON document: what the definition does not know, with its first sighting."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="renewal")
def renewal_json(document: Renewal, _view: View, out: TextIO) -> None:
    """One JSON document: what a new definition adds and removes."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="scoreboard")
def scoreboard_json(document: Scoreboard, _view: View, out: TextIO) -> None:
    """One JSON document: a row per feature, a cell per target."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="compatible")
def compatible_json(document: Compatibility, _view: View, out: TextIO) -> None:
    """One JSON document: the state of every feature on every side."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


@output("json", of="noise")
def noise_json(document: NoiseReport, _view: View, out: TextIO) -> None:
    """One JSON document: flips, unstable cells and the smallest visible changes of every target."""
    out.write(dumps(document.to_json(), indent=1) + "\n")
