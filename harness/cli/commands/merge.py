"""``merge``: the parts of one run as one."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from harness.cli import printing, reading
from harness.compare.gates import exit_code
from harness.config import load as load_config
from harness.report import Report
from harness.results.load import load
from harness.run.merge import merge


def main(options: Namespace) -> int:
    printing.check(options, "run")
    reports = Path(options.reports) if options.reports else load_config(Path()).reports
    merged = merge([reading.run(each, options) for each in options.runs], reports, partial=options.partial)
    saved = load(merged.path)
    report = Report(
        run=merged.run,
        summary=merged.summary,
        rows=saved.rows,
        rows_of=saved.rows_of,
        interrupted=merged.interrupted,
        seconds=merged.seconds,
        gates=merged.run["gates"],
    )
    printing.show(report, "run", options)
    code = exit_code(merged.summary, merged.run["gates"], interrupted=merged.interrupted)
    if code == 5:
        sys.stderr.write("nothing ran: that is not a success\n")
    return code
