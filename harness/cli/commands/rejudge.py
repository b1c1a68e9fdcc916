"""``rejudge``: judge the answers of a saved run by what its suites expect now."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from harness.cli import from_options, printing, saved_run
from harness.cli import options as shared
from harness.cli.commands import compare
from harness.compare.gates import evaluate_run
from harness.errors import RunError
from harness.results.load import SavedRun
from harness.results.rows import RunRow
from harness.results.store import RunWriter
from harness.results.summary import Summary
from harness.run.rejudging import rejudged
from harness.run.session import Judge, Plan
from harness.text import amounts
from harness.transport.recorder import Player

ABOUT = "judge the answers of a saved run by what its suites expect now, and show what changes; nothing is sent"
EXAMPLES = (
    "gemini-harness rejudge last",
    "gemini-harness rejudge baseline --strict --format markdown:changes.md",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a saved run: its path, its id, or last")
    shared.strict(parser)
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "comparison")
    saved = saved_run.find(options.run, options)
    places = {row.id: at for at, _, row in saved.lines()}
    plan = _plan(saved, places, options)
    code, name = _judged(plan, saved, places, options)
    compare.main(Namespace(**{**compare.DEFAULTS, **vars(options), "base": str(saved.path), "candidate": name}))
    sys.stderr.write(f"the verdicts of today are run {name}: gemini-harness report {name}\n")
    return code


def _plan(saved: SavedRun, places: Mapping[str, int], options: Namespace) -> Plan:
    """The trials of the run as their suites make them now. Raises RunError if none of them is left, SuiteError."""
    files = [row["file"] for row in saved.run["suites"] if Path(row["file"]).is_file()]
    if not files:
        names = ", ".join(row["file"] for row in saved.run["suites"]) or "no suite"
        raise RunError(
            f"run {saved.run['id']} played {names}, which is not here: call this in the folder where it was played"
        )
    chosen = saved.run["selection"]
    given = Namespace(
        paths=files,
        var=chosen.get("var", []),
        cassettes=chosen.get("cassettes"),
        target=chosen.get("targets", []),
        provider=chosen.get("providers", []),
        model=chosen.get("models", []),
        repeat=chosen.get("repeat"),
        reports=options.reports,
    )
    plan = from_options.plan(given)
    groups = {trial.rpartition("#")[0] for trial in places}
    left = plan.trials.where(lambda group: group.id in groups)
    if not len(left):
        raise RunError(
            f"no trial of run {saved.run['id']} is in its suites now: were cases or targets renamed? Run the suites again"
        )
    return replace(plan, trials=left)


def _judged(plan: Plan, saved: SavedRun, places: Mapping[str, int], options: Namespace) -> tuple[int, str]:
    judge = Judge(plan.config, bool(options.strict or saved.run["selection"].get("strict")))
    before = saved.run
    header: RunRow = {
        **plan.header(before["record_mode"], "rejudge", {}),
        "selection": before["selection"],
        "rejudged": before["id"],
    }
    del header["options"]  # it cannot be resumed
    cassettes = Player(plan.config.providers, redaction=plan.config.redact)
    summary, interrupted = Summary(), False
    with RunWriter(plan.config.reports, judge.leaks.hidden(header)) as writer:
        try:
            for trial in (trial for trial in plan.trials if trial.id in places):
                row = rejudged(trial, saved.row_at(places[trial.id]), judge, cassettes)
                writer.append(row)
                summary.add(row)
        except KeyboardInterrupt:
            interrupted = True
        run = writer.run
        run["gates"] = evaluate_run([], run, summary)
        notes = [
            f"the answers of run {before['id']}, judged again; nothing was sent",
            *_apart(plan, places, summary),
            *plan.notes,
        ]
        writer.close(summary, interrupted=interrupted, notes=notes)
    return summary.exit_code(run["gates"], interrupted=interrupted), run["id"]


def _apart(plan: Plan, places: Mapping[str, int], summary: Summary) -> Iterator[str]:
    if gone := len(places) - summary.trials:
        yield f"{amounts.count(gone, 'trial')} of the run {'is' if gone == 1 else 'are'} not in the suites now, and left out"
    if new := len(plan.trials) - summary.trials:
        yield f"{amounts.count(new, 'attempt')} of the suites {'is' if new == 1 else 'are'} not in the run, and left out"
