"""``noise``: how many cells of a run change by themselves, and the smallest change that its suite can see."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.compare.noise import NoiseReport, noise, replays_itself
from harness.errors import UsageError
from harness.report import words

ABOUT = "show how many cells of a run change by themselves, and the smallest change that its suite can see"
EXAMPLES = ("gemini-harness noise last",)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("run", metavar="RUN", nargs="+", help="a saved run with repeats, or two runs that asked the same")
    shared.repeatable(parser, "--target", "PROVIDER/MODEL", "only this target (repeatable)")
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "noise")
    runs = [saved_run.find(name, options) for name in options.run]
    ids = [saved.run["id"] for saved in runs]
    if len(set(ids)) < len(ids):
        raise UsageError(f"run {ids[0]} is named twice: name one run with repeats, or two different runs")
    summaries = [saved.summary() for saved in runs]
    known = {group.target for summary in summaries for group in summary.groups.values()}
    for target in options.target:
        if target not in known:
            raise UsageError(f"--target: run {ids[0]} has no target {target}; it has {', '.join(sorted(known))}")
    found = [one for one in noise(summaries) if not options.target or one.target in options.target]
    if not found:
        sys.stderr.write("nothing to compare: no cell was judged twice; run with --repeat 3, or name two runs\n")
        return 5
    if replays_itself(summaries):
        raise UsageError(
            "these attempts replay the same recordings, which show no noise: record again (--record-mode all), or run with --live"
        )
    notes = [note for saved, summary in zip(runs, summaries, strict=True) for note in saved_run.notes(saved, summary)]
    notes += [f"answers: {words.provenance(summary)}" for summary in summaries]
    simulated = any(words.simulated(summary) for summary in summaries)
    printing.show(NoiseReport(ids, simulated, found, list(dict.fromkeys(notes))), "noise", options)
    return 0
