"""``baseline``: keep a run in the repository, for ``compare baseline last``."""

from __future__ import annotations

import hashlib
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.cli import options as shared
from harness.cli import saved_run
from harness.config import load as load_config
from harness.errors import UsageError
from harness.report import words
from harness.results import baseline
from harness.results.load import SavedRun, load
from harness.text import amounts

ABOUT = "keep a run in the repository, small enough for it, for `compare baseline last`"
EXAMPLES = (
    "gemini-harness baseline set last",
    "gemini-harness baseline show",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        metavar="set|show",
        choices=("set", "show"),
        help="set: keep a run as the baseline; show: what is kept",
    )
    parser.add_argument("run", metavar="RUN", nargs="?", help="for set: a saved run: its path, its id, or last")
    shared.reports_folder(parser)


def main(options: Namespace) -> int:
    target = baseline.path(load_config(Path()).folder)
    if (options.action == "set") != bool(options.run):
        raise UsageError("baseline set takes a run, as in `baseline set last`; baseline show takes none")
    if options.action == "set":
        saved = saved_run.find(options.run, options)
        trials = baseline.keep(saved, target)
        size = f"{target.stat().st_size / 1024:,.0f} KiB"
        kept = f"{amounts.count(trials, 'trial')} ({words.totals(saved.summary().totals())}), {size}"
        sys.stdout.write(f"{target}: run {saved.run['id']}, {kept}, without bodies\n")
        sys.stdout.write("commit it; then: gemini-harness compare baseline last\n")
        return 0
    if not target.is_file():
        raise UsageError(
            f"there is no baseline {target} yet; `gemini-harness baseline set last` keeps the last run as one"
        )
    for line in _shown(load(target)):
        sys.stdout.write(f"{line}\n")
    return 0


def _shown(saved: SavedRun) -> Iterator[str]:
    summary = saved.summary()
    run = saved.run
    sources = Counter(source for _, source, _ in summary.provenance)
    yield f"{saved.path}: run {run['id']} of {run['started'][:10]}, {amounts.count(summary.trials, 'trial')}"
    yield f"  from {', '.join(sources) or 'nobody'}; targets: {', '.join(run['targets'])}"
    yield f"  {words.totals(summary.totals())}"
    for suite in run["suites"]:
        now = _hash(Path(suite["file"]))
        state = "" if now == suite["sha256"] else "; it is missing now" if now is None else "; it has changed since"
        yield f"  {suite['file']}{state}"


def _hash(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None
