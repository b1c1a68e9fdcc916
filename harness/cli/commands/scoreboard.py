"""``scoreboard``: which features work at which target, from saved runs and recordings."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.cli.saved_run import Named, is_at
from harness.compare.scoreboard import (
    Scoreboard,
    ScoredTrial,
    from_rows,
    from_tapes,
    scoreboard,
)
from harness.errors import RunError, UsageError
from harness.report import words
from harness.text.amounts import count, some
from harness.transport.recordings import tapes

ABOUT = "show which features work at which target, with the trial that shows it, from saved runs and recordings"
EXAMPLES = (
    "gemini-harness scoreboard last --format html:scoreboard.html --format json:scoreboard.json",
    "gemini-harness scoreboard reports/ --since 2026-11-01",
)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "paths",
        metavar="RUN",
        nargs="*",
        help="saved runs (a path, an id, or last), recordings, or folders of them; the latest trial counts (default: last)",
    )
    add("--since", metavar="DATE", type=shared.day, help="leave out what is older, as in 2026-12-01")
    shared.repeatable(parser, "--target", "PROVIDER[/MODEL]", "only this provider or target (repeatable)")
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "scoreboard")
    found = _named(options)
    notes: list[str] = []
    trials = _trials(found, notes)
    if not trials:
        raise UsageError(_no_trial(found, notes))
    document = replace(_document(trials, options), notes=[*_sources(found), *notes], command=_again(options))
    printing.show(document, "scoreboard", options)
    if not document.rows:
        sys.stderr.write("nothing to show: no trial is left with these options\n")
        return 5
    return 0


def _named(options: Namespace) -> Named:
    """The runs and recordings that are named; without any, the last run. Raises RunError, UsageError."""
    if options.paths:
        return saved_run.named(options.paths, options)
    try:
        return saved_run.named(["last"], options)
    except RunError as fault:
        raise UsageError(f"{fault}: play suites with `gemini-harness run` first, or name recordings") from fault


def _document(trials: Sequence[ScoredTrial], options: Namespace) -> Scoreboard:
    if not any(trial.features for trial in trials):
        raise UsageError(
            "no trial has a tag, so there is no feature to show: write tags: [...] in the suites "
            "(`gemini-harness list tags` prints the vocabulary), and play them again"
        )
    targets = list(dict.fromkeys(trial.target for trial in trials))
    for name in options.target:
        if not any(is_at(target, name) for target in targets):
            raise UsageError(f"--target {name}: there is no such target; there are {some(targets, 8)}")
    since = options.since.isoformat() if options.since else ""
    return scoreboard(
        trial
        for trial in trials
        if trial.date >= since and (not options.target or any(is_at(trial.target, name) for name in options.target))
    )


def _no_trial(found: Named, notes: Sequence[str]) -> str:
    runs = [f"run {saved.run['id']} holds no trial" for saved in found.runs]
    recordings = [f"no exchange of generateContent is in {name}" for name in found.recordings]
    why = "; ".join([*runs, *recordings, *notes])
    return f"nothing to show: {why}. Name a run that has played, or recordings of generateContent"


def _trials(found: Named, notes: list[str]) -> list[ScoredTrial]:
    """The trials. Adds to ``notes`` what was left out."""
    unreadable: dict[str, str] = {}
    left_out: list[str] = []
    runs = (from_rows(saved.run, saved.rows()) for saved in found.runs)
    recorded = from_tapes(tapes(found.recordings, unreadable), left_out)
    trials = list(chain(*runs, recorded))
    notes += saved_run.unreadable(unreadable)
    if left_out:
        notes.append(
            f"{count(len(left_out), 'refusal')} on cassettes of suites left out, since a suite may expect them: "
            "play the suites with `gemini-harness run`, and name the run"
        )
    if found.recordings and trials:
        notes.append(
            "in recordings, an answer works if it breaks no invariant, and its features are what its request asks for"
        )
    if untagged := sum(not trial.features for trial in trials):
        notes.append(f"{count(untagged, 'trial')} without a tag left out")
    return trials


def _sources(found: Named) -> Iterator[str]:
    """Where the evidence is from, and whether the runs can be put side by side."""
    for saved in found.runs:
        yield from saved_run.notes(saved, saved.summary())
    suites = [{suite["suite"] for suite in saved.run["suites"]} for saved in found.runs]
    everywhere = set.intersection(*suites) if suites else set()
    if alone := sorted(set().union(*suites) - everywhere):
        yield f"the runs are of different suites ({some(alone)} not in all of them): a cell says what was asked of its own target only"


def _again(options: Namespace) -> str:
    more = words.given(since=options.since, target=options.target, reports=options.reports)
    return words.command("scoreboard", *(options.paths or ["last"]), *more)
