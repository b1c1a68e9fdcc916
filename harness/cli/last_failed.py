"""``--last-failed``: plays again what failed in a saved run, with the options of that run."""

from __future__ import annotations

from argparse import Namespace
from typing import cast

from harness.cli import from_options, saved_run
from harness.cli.resume_options import defaults
from harness.errors import RunError, UsageError
from harness.model import Json
from harness.report import words
from harness.results.load import SavedRun
from harness.run.resume import command_of, runs_of
from harness.suite.matrix import Expansion


def choose(options: Namespace) -> None:
    """Give every option that was left out the value that it had in that run. ``options.last_failed`` becomes the run's id.

    Raises RunError where there is no such run, or it was not played by ``run``.
    """
    saved = saved_run.find(options.last_failed, options) if options.last_failed else _latest(options)
    if "options" not in saved.run or command_of(saved.run) != "run":
        raise RunError(f"run {saved.run['id']} was not made by `gemini-harness run`, so its options are not known")
    began = cast("dict[str, Json]", saved.run["options"])
    for name, plain in defaults(options).items():
        if getattr(options, name) == plain and name != "last_failed":
            setattr(options, name, began.get(name, plain))
    options.last_failed = saved.run["id"]


def narrowed(trials: Expansion, options: Namespace) -> Expansion:
    """Those of the trials whose group failed in the run. Raises UsageError where none is left."""
    failed = _failed(saved_run.find(options.last_failed, options), options)
    if not failed:
        raise UsageError(f"nothing failed in run {options.last_failed}, so there is nothing to play again")
    found = trials.where(lambda group: group.id in failed)
    if not len(found):
        some = ", ".join(sorted(failed)[:3])
        raise UsageError(
            f"no case is left that failed in run {options.last_failed}: {some} are not in these suites now"
        )
    return found


def _failed(saved: SavedRun, options: Namespace) -> set[str]:
    """The groups that failed in the run, and those that it left out of the ones that it was to play again."""
    groups = saved.summary().groups
    failed = {group.id for group in groups.values() if group.status in words.WRONG}
    before = cast("dict[str, Json]", saved.run.get("options", {})).get("last_failed")
    if before is None:
        return failed
    try:
        return failed | (_failed(saved_run.find(str(before), options), options) - set(groups))
    except RunError:  # that run was removed
        return failed


def _latest(options: Namespace) -> SavedRun:
    reports = from_options.config(options).reports
    for _, saved in runs_of("run", reports):
        return saved
    raise RunError(f"no run in {reports}/ yet: --last-failed plays again what failed in a saved run")
