"""For programs: exactly one JSON document; rows are streamed from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO, get_args

from harness.compare.comparison import Comparison, Comparisons
from harness.report import Kind, Report, View, output
from harness.results.rows import VERSION, dumps, without_turns
from harness.text import jsontext


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
        line = jsontext.fast(value).decode() or dumps(value)
        yield f"{',' if number else ''}\n  {line}"
    yield "\n ]"


def write_document(document: Any, _view: View, out: TextIO) -> None:
    """One JSON document, small enough to be encoded at once."""
    out.write(dumps(document.to_json(), indent=1) + "\n")


for _kind in get_args(Kind):
    if _kind not in ("run", "comparison", "comparisons"):
        output("json", of=_kind)(write_document)
