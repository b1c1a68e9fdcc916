"""``--resume``: restores the options with which a run began, and refuses others that contradict them."""

from __future__ import annotations

from argparse import Namespace
from collections import deque
from typing import Any, cast

from harness.cli import from_options
from harness.errors import RunError, UsageError
from harness.model import Json
from harness.results.load import SavedRun
from harness.results.rows import OptionsRow, RunRow
from harness.run.resume import command_of, latest, resume

_NAMES = {"run": "run of suites", "migrate": "migration"}
_SPELLED = {"paths": "PATH", "keyword": "-k", "old": "OLD", "new": "NEW"}


def defaults(options: Namespace) -> dict[str, Any]:
    """The options of the command that decide what is played, how it is judged, and its gates; each with its default."""
    return {name: options.default_of(name) for name in OptionsRow.__annotations__ if hasattr(options, name)}


def given(options: Namespace) -> dict[str, Json]:
    """The options that were given, as the header of a run keeps them."""
    return {name: value for name, plain in defaults(options).items() if (value := getattr(options, name)) != plain}


def chosen(options: Namespace) -> SavedRun:
    """The run that ``--resume`` names. Sets the options to those with which it began.

    Raises RunError if there is no such run or it cannot be resumed, UsageError for an option that contradicts.
    """
    command = options.command
    if options.resume:
        from harness.cli import saved_run

        saved = saved_run.find(options.resume, options)
    else:
        saved = latest(from_options.config(options).reports, command)
    began = _options(saved, command)
    for name, value in given(options).items():
        if value != began.get(name):
            raise UsageError(_contradiction(saved.run, name, value, began.get(name)))
    for name, plain in defaults(options).items():
        setattr(options, name, began.get(name, plain))
    return saved


def _options(saved: SavedRun, command: str) -> dict[str, Json]:
    run = saved.run
    if "options" in run:
        if command_of(run) != command:
            raise RunError(f"run {run['id']} is not a {_NAMES[command]}; go on with it: {resume(run)}")
        began = cast("dict[str, Json]", run["options"])
        if command == "migrate" and not (began.get("old") and began.get("new")):
            raise RunError(f"run {run['id']} does not say which models it compares; run the suites again")
        return began
    if run["front"] == "merge":
        deque(saved.rows(), maxlen=0)  # the last line names its parts
        parts = ", ".join(part["id"] for part in saved.run["parts"])
        remedy = f"resume those of {parts} that were cut short, and merge them again"
        raise RunError(f"run {run['id']} cannot be resumed: it was merged from others; {remedy}")
    if run["front"] != "cli":
        why = f"it was played by {run['front']}, which sends the missing requests when it runs again"
    else:
        why = f"gemini-harness {run['harness']} did not save the options it was started with"
    raise RunError(f"run {run['id']} cannot be resumed: {why}; run the suites again")


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
