"""``sweep``: pass rate and cost at each thinking level, budget or other ordered value, and the cheapest value that is enough."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.cli.commands.compare import margin
from harness.compare.sweeps import Sweep, Sweeps, sweeps, swept
from harness.compare.verdicts import MARGINS
from harness.errors import UsageError
from harness.extensions import check_statistics
from harness.report import words
from harness.results.load import SavedRun
from harness.results.summary import Summary
from harness.text import amounts
from harness.text.shape import nearest

ABOUT = "show pass rate and cost at each thinking level, budget or other ordered value, and the cheapest that is enough"
EXAMPLES = (
    "gemini-harness sweep",
    "gemini-harness sweep last --axis thinking",
)


def add_options(parser: ArgumentParser) -> None:
    shared.run(parser)
    add = parser.add_argument
    shared.repeatable(parser, "--axis", "NAME", "only this axis, such as thinking (repeatable)")
    shared.repeatable(parser, "--suite", "NAME", "only this suite (repeatable)")
    add(
        "--margin",
        metavar="N",
        default="2pp",
        help="a pass rate up to this far below the best counts as equal (default: 2pp)",
    )
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "sweep")
    measure, share = margin(options.margin if "=" in options.margin else f"pass_rate={options.margin}")
    if measure != "pass_rate":
        raise UsageError("--margin: a sweep goes by pass rates, as in 5pp")
    saved = saved_run.find(options.run, options)
    summary = saved.summary()
    _check(options, summary, saved)
    check_statistics()
    document = swept_run(summary, saved, options.axis, options.suite, share)
    if not document.sweeps:
        sys.stderr.write(f"{nothing(summary, saved)}\n")
        return 5
    printing.show(document, "sweep", options)
    return 0


def swept_run(
    summary: Summary,
    saved: SavedRun,
    axes: Sequence[str] = (),
    suites: Sequence[str] = (),
    share: float = MARGINS["pass_rate"],
) -> Sweeps:
    """The sweeps of a run: of the named axes and suites, or of all."""
    found = sweeps(summary, axes, suites, share)
    answers, simulated = words.provenance(summary), words.simulated(summary)
    return Sweeps(saved.run["id"], answers, simulated, found, [*saved_run.notes(saved, summary), *_left_out(found)])


def _check(options: Namespace, summary: Summary, saved: SavedRun) -> None:
    """Raises UsageError for an axis or a suite that the run does not have."""
    suites = list(dict.fromkeys(group.suite for group in summary.groups.values()))
    for asked, known, what in ((options.axis, swept(summary), "swept axis"), (options.suite, suites, "suite")):
        for name in asked:
            if name not in known:
                raise UsageError(f"run {saved.run['id']} has no {what} {name!r}; {nearest(name, known)}".rstrip("; "))


def nothing(summary: Summary, saved: SavedRun) -> str:
    there = "; ".join(f"{axis}: {', '.join(values)}" for axis, values in swept(summary).items())
    return (
        f"run {saved.run['id']} holds no sweep: a sweep needs one target with three or more values of an ordered axis "
        f"(thinking, temperature ...). The run has {there or 'no axis'}; gemini-harness compare takes any two values"
    )


def _left_out(found: list[Sweep]) -> list[str]:
    return [
        f"{cell.target}, {cell.axis}{f' in {cell.suite}' if cell.suite else ''}: "
        f"{amounts.count(cell.left_out, 'cell')} left out, not judged at every value"
        for cell in found
        if cell.left_out
    ]
