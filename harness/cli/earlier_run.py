"""``--resume`` and ``--last-failed``: take over the options of an earlier run. The first continues it, and refuses options that
contradict; the second plays again what failed in it."""

from __future__ import annotations

from argparse import Namespace
from collections import deque
from typing import Any, cast

from harness.cli import saved_run
from harness.errors import RunError, UsageError
from harness.model import Json
from harness.report import words
from harness.results.load import SavedRun
from harness.results.rows import OptionsRow, RunRow
from harness.run.resume import command_of, latest, resume, runs_of
from harness.suite.matrix import Expansion

_NAMES = {"run": "run of suites", "migrate": "migration"}
_SPELLED = {"paths": "PATH", "keyword": "-k", "old": "OLD", "new": "NEW"}


def _defaults(options: Namespace) -> dict[str, Any]:
    """The options of the command that decide what is played, how it is judged, and its gates; each with its default."""
    return {name: options.default_of(name) for name in OptionsRow.__annotations__ if hasattr(options, name)}


def given(options: Namespace) -> dict[str, Json]:
    """The options that were given, as the header of a run keeps them."""
    return {name: value for name, plain in _defaults(options).items() if (value := getattr(options, name)) != plain}


def _began(saved: SavedRun) -> dict[str, Json]:
    """The options that the run was given."""
    return cast("dict[str, Json]", saved.run.get("options", {}))


def _take_over(options: Namespace, saved: SavedRun) -> None:
    """Give every option that was left out the value that it had in that run."""
    began = _began(saved)
    for name, plain in _defaults(options).items():
        if getattr(options, name) == plain:
            setattr(options, name, began.get(name, plain))


# --- to continue it -----------------------------------------------------------------------------------


def resumed(options: Namespace) -> SavedRun:
    """The run that ``--resume`` names. Sets the options to those with which it began.

    Raises RunError if there is no such run or it cannot be resumed, UsageError for an option that contradicts.
    """
    if options.resume:
        saved = saved_run.find(options.resume, options)
    else:
        saved = latest(saved_run.folder(options), options.command)
    _check_resumable(saved, options.command)
    began = _began(saved)
    for name, value in given(options).items():
        if value != began.get(name):
            raise UsageError(_contradiction(saved.run, name, value, began.get(name)))
    _take_over(options, saved)
    return saved


def _check_resumable(saved: SavedRun, command: str) -> None:
    run, began = saved.run, _began(saved)
    if "options" in run:
        if command_of(run) != command:
            raise RunError(f"run {run['id']} is not a {_NAMES[command]}; go on with it: {resume(run)}")
        if command == "migrate" and not (began.get("old") and began.get("new")):
            raise RunError(f"run {run['id']} does not say which models it compares; run the suites again")
        return
    if run["front"] == "merge":
        deque(saved.rows(), maxlen=0)  # the last line names its parts
        parts = ", ".join(part["id"] for part in saved.run["parts"])
        why = f"it was merged from others; resume those of {parts} that were cut short, and merge them again"
    else:
        why = "it does not say with which options it began, as one that pytest played; run the suites again"
    raise RunError(f"run {run['id']} cannot be resumed: {why}")


def _contradiction(run: RunRow, name: str, value: Json, began: Json) -> str:
    spelled = _SPELLED.get(name, f"--{name.replace('_', '-')}")
    option = spelled if value is True else f"{spelled} {_text(value)}"
    then = "without it" if began in (None, [], False) else f"with {spelled} {_text(began)}"
    return (
        f"run {run['id']} began {then}, so {option} cannot apply to the rest of it: leave it out, "
        "or start a new run without --resume"
    )


def _text(value: Json) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


# --- to play again what failed in it ------------------------------------------------------------------


def take_over_failed(options: Namespace) -> None:
    """Take over the options of the run that ``--last-failed`` names. ``options.last_failed`` becomes the run's id.

    Raises RunError where there is no such run, or it was not played by ``run``.
    """
    saved = saved_run.find(options.last_failed, options) if options.last_failed else _latest(options)
    if "options" not in saved.run or command_of(saved.run) != "run":
        raise RunError(f"run {saved.run['id']} was not made by `gemini-harness run`, so its options are not known")
    _take_over(options, saved)
    options.last_failed = saved.run["id"]


def _latest(options: Namespace) -> SavedRun:
    reports = saved_run.folder(options)
    for _, saved in runs_of("run", reports):
        return saved
    raise RunError(f"no run in {reports}/ yet: --last-failed plays again what failed in a saved run")


def only_failed(trials: Expansion, options: Namespace) -> Expansion:
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
    before = _began(saved).get("last_failed")
    if before is None:
        return failed
    try:
        return failed | (_failed(saved_run.find(str(before), options), options) - set(groups))
    except RunError:  # that run was removed
        return failed
