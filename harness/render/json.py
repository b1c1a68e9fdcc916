"""For programs: exactly one JSON document, the rows streamed from where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from harness.compare import Comparison
from harness.render import Report, View, output
from harness.rows import VERSION, dumps, without_turns

if TYPE_CHECKING:
    from harness.audit import Audit


@output("json", of="run")
def run_json(report: Report, _view: View, out: TextIO) -> None:
    """One JSON document: run, results, groups, totals, cost."""
    run = {**report.run, "notes": [*report.run["notes"], *report.notes], "interrupted": report.interrupted}
    out.write(f'{{"version":{VERSION},"run":{dumps(run)},"results":[')
    for number, row in enumerate(report.rows()):
        out.write(",\n" if number else "\n")
        out.write(dumps(without_turns(row)))
    groups = [group.row() for group in report.summary.groups.values()]
    cost = report.summary.cost(report.run.get("prices"))
    out.write(f'\n],"groups":{dumps(groups)},"totals":{dumps(report.summary.totals())},"cost":{dumps(cost)}}}\n')


@output("json", of="comparison")
def comparison_json(comparison: Comparison, _view: View, out: TextIO) -> None:
    """One JSON document: cells, flips, verdicts, gates."""
    out.write(dumps(comparison.to_json(), indent=1) + "\n")


@output("json", of="audit")
def audit_json(audit: Audit, _view: View, out: TextIO) -> None:
    """One JSON document: findings, and every native exchange."""
    out.write(dumps(audit.document(), indent=1) + "\n")
