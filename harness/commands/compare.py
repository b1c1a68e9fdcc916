"""``compare``: two runs, or two targets of one run."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from harness.commands import printing, reading
from harness.compare import Comparison, compare_runs, compare_targets
from harness.errors import UsageError
from harness.rows import RunRow
from harness.store import SavedRun
from harness.summary import Summary, summarise


def main(options: Namespace) -> int:
    printing.check(options, "comparison")
    base = reading.run(options.base, options)
    if options.candidate:
        comparison = _two_runs(base, reading.run(options.candidate, options))
    else:
        comparison = _two_targets(summarise(base.rows()), options.target, base)
    printing.show(comparison, "comparison", options)
    if not comparison.paired:
        sys.stderr.write("nothing to compare: the two sides have no cell in common\n")
        return 5
    return 0


def _two_runs(base: SavedRun, candidate: SavedRun) -> Comparison:
    names = (f"run {base.run['id']}", f"run {candidate.run['id']}")
    comparison = compare_runs(summarise(base.rows()), summarise(candidate.rows()), names)
    notes = [*base.notes, *candidate.notes, *_changed(base.run, candidate.run), *comparison.notes]
    return replace(comparison, notes=notes)


def _changed(base: RunRow, candidate: RunRow) -> Iterator[str]:
    before = {each["suite"]: each["sha256"] for each in base["suites"]}
    for suite in candidate["suites"]:
        if before.get(suite["suite"], suite["sha256"]) != suite["sha256"]:
            yield f"the suite {suite['suite']} was changed between the two runs: a flip may be the suite's"


def _two_targets(summary: Summary, asked: list[str], base: SavedRun) -> Comparison:
    targets = [target for target, _ in summary.by_target()]
    chosen = asked or (targets if len(targets) == 2 else [])
    unknown = [each for each in chosen if each not in targets]
    if len(chosen) != 2 or unknown:
        wrong = (
            f"{unknown[0]} is not a target of this run"
            if unknown
            else "name the two targets with --target, reference first"
        )
        raise UsageError(f"{wrong}; run {base.run['id']} has {', '.join(targets) or 'none'}")
    return compare_targets(summary, chosen[0], chosen[1])
