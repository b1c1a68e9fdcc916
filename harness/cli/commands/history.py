"""``history``: the results of the saved runs over time."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.errors import UsageError
from harness.results import history_lines
from harness.results.history import PastRuns

ABOUT = "show the results of the saved runs over time: a line per run, suite and target"
EXAMPLES = (
    "gemini-harness history --last 10",
    "gemini-harness history --suite thinking-levels --format html:history.html",
)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--last", metavar="N", type=shared.positive, default=20, help="only the latest N runs (default: %(default)s)")
    add("--since", metavar="DATE", help="only runs that started then or later: 2026-11-21, or with a time (UTC)")
    add("--suite", metavar="NAME", help="only this suite")
    add("--target", metavar="TARGET", help="only this provider/model, or this model at any provider")
    add("-k", metavar="CASE", dest="case", help="a line per run and group of this case (or of the group with this id)")
    add("--sql", metavar="SELECT", help="print the result of a query over the tables runs, lines and groups")
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "history")
    since = None if options.since is None else _instant(options.since)
    reports = saved_run.folder(options)
    with PastRuns(reports) as past:
        if options.sql is not None:
            sys.stderr.writelines(f"note: {note}\n" for note in past.notes)
            printing.show(past.query(options.sql), "history", options)
            return 0
        chosen = {name: getattr(options, name) for name in ("suite", "target", "case")}
        entries, earlier = past.entries(**chosen, since=since, last=options.last)
    if not entries:
        sys.stderr.writelines(f"note: {note}\n" for note in past.notes)
        asked = since is not None or any(value is not None for value in chosen.values())
        what = "has anything of that" if asked else "has a trial yet: `gemini-harness run` saves one"
        sys.stderr.write(f"no saved run in {reports}/ {what}\n")
        return 5
    printing.show(history_lines.History(list(history_lines.lines(entries)), past.notes, earlier), "history", options)
    return 0


def _instant(text: str) -> str:
    """A date, or a date and a time, in the form of the ``started`` of runs, or its beginning. Raises UsageError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text}: write a date, as in 2026-11-21, or 2026-11-21T10:00") from None
    if re.fullmatch(r"[\d-]+", text):
        return f"{at:%Y-%m-%d}"
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC).isoformat(timespec="seconds")
