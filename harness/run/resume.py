"""Resumes unfinished runs: finds them, checks that they are still the same, keeps finished trials and reopens the file."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from harness.disk import FolderLock
from harness.errors import RunError, os_errors_as
from harness.model import Trial
from harness.results.load import SavedRun, load, saved_runs
from harness.results.rows import Row, RunRow, SittingRow, SuiteRow, TurnRow
from harness.results.store import NAME, RunWriter, keep_lines, may_pass
from harness.suite.matrix import Expansion
from harness.transport.matching import address, differences, moved

Sent = Callable[[Trial, Sequence[TurnRow]], Iterator[Mapping[str, Any]]]
"""(trial, its saved turns) -> the ``url`` and the ``request`` of each turn, as they would be saved now."""
_NAMED = 3
"""Changed requests that a message lists."""


def latest(reports: Path, command: str = "run") -> SavedRun:
    """The newest run of this command that lacks trials or its last line. Raises RunError, which lists the latest runs, if
    there is none."""
    mine = []
    for name, saved in runs_of(command, reports):
        mine.append(name)
        with suppress(RunError):  # its last line is damaged
            if name == saved.run["id"] and not saved.is_finished():
                return saved
    what = "migration" if command == "migrate" else "run"
    newest = f"; the latest are {', '.join(mine[2::-1])} ({command} --resume ID plays again what got no answer)"
    raise RunError(
        f"no {what} in {reports}/ was cut short{newest if mine else f': no {what} that can be resumed has been saved there'}"
    )


def runs_of(command: str, reports: Path) -> Iterator[tuple[str, SavedRun]]:
    """The saved runs that this command made and whose options are known, newest first, each with the name of its folder."""
    for name in reversed(saved_runs(reports)):
        try:
            saved = load(reports / name, reports)
        except RunError:  # a damaged run, or one of another version
            continue
        if command_of(saved.run) == command and "options" in saved.run:
            yield name, saved


def command_of(run: RunRow) -> str:
    """The command that made the run, and that resumes it."""
    return "migrate" if "migration" in run else "run"


def resume(run: RunRow) -> str:
    """The command line that resumes the run."""
    return f"gemini-harness {command_of(run)} --resume {run['id']}"


# --- what is kept -------------------------------------------------------------------------------------


class CompletedTrials(Struct):
    """The trials of a run that need not be played again: all but those that could not be asked or judged.

    ``attempts``: group -> its attempts, as bits (see ``Group.played``). ``answered``: group -> the position in the file of
    the line of a trial that got an answer. ``places``: the position of each line that is kept.
    """

    attempts: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    places: array[int] = field(default_factory=lambda: array("Q"))

    def __len__(self) -> int:
        return len(self.places)

    def add(self, row: Row, at: int) -> None:
        """Add a trial, unless the same trial is there already."""
        group, attempt = row.group, 1 << row.attempt
        before = self.attempts.get(group, 0)
        if before & attempt:
            return
        self.attempts[group] = before | attempt
        if row.provenance is not None:
            self.answered.setdefault(group, at)
        self.places.append(at)


def kept(saved: SavedRun) -> CompletedTrials:
    """The trials of the run that are kept. Reads the file once."""
    found = CompletedTrials()
    for at, _, row in saved.lines():
        if not may_pass(row):
            found.add(row, at)
    return found


def reopen(saved: SavedRun, kept: CompletedTrials, claim: FolderLock) -> RunWriter:
    """Reopen the run for writing: its file with the trials that are kept.

    Trials that could not be asked, an incomplete line and the last line are removed. The file is replaced in one step. Raises
    RunError if it cannot be written; the file is then unchanged.
    """
    seconds = (saved.ending or {}).get("seconds")
    open_session: SittingRow = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+00:00",
        "kept": len(kept),
        "seconds": None,
    }
    if seconds is not None:
        earlier = [session["seconds"] or 0.0 for session in saved.run.get("resumed", ())]
        open_session["seconds"] = round(seconds - sum(earlier), 3)
    run: RunRow = {**saved.run, "resumed": [*saved.run.get("resumed", []), open_session]}
    run.pop("gates", None)
    with os_errors_as(RunError, f"cannot write the run to {saved.path}"):
        keep_lines(saved.path, kept.places, run)
    return RunWriter(saved.path.resolve().parents[1], run, (claim, len(kept)))


# --- whether the run is the same -----------------------------------------------------------------------


def check(saved: SavedRun, suites: Sequence[SuiteRow], trials: Expansion, kept: CompletedTrials, sent: Sent) -> None:
    """Raises RunError if the suites, the trials or the requests differ from those at the start of the run, or if the file was
    moved.

    Requests may change with the environment or the configuration, which are not saved. So for each case and target the
    requests of one kept trial are compared. Attempts and the rows of a data file need no comparison of their own: the hashes
    of the files cover them.
    """
    if saved.path.resolve().parts[-2:] != (saved.run["id"], NAME):
        raise RunError(
            f"{saved.path} is a copy: a run can only be resumed where it was saved, as {saved.run['id']}/{NAME}"
        )
    changed = changed_files(saved.run["suites"], suites)
    if changed:
        lines = "".join(f"\n  {line}" for line in changed)
        raise RunError(
            f"run {saved.run['id']} cannot be resumed, because its suites have changed:{lines}\n"
            "undo that, or run the suites again without --resume"
        )
    strange, cells, changes = dict(kept.attempts), set[tuple[int, int, str]](), list[str]()
    for group in trials.groups():
        if not strange.get(group.id, 0) & ~group.played:
            strange.pop(group.id, None)
        cell = (id(group.case), 0 if group.case.rows_in_file else group.row, group.cell.id)
        if group.id in kept.answered and cell not in cells:
            cells.add(cell)
            turns = saved.row_at(kept.answered[group.id]).turns or []
            changes += changed_request(trials.first(group), turns, sent)
    _check_trials(saved.run, len(trials), strange)
    _check_requests(saved.run, changes)


def _check_trials(run: RunRow, now: int, strange: Mapping[str, int]) -> None:
    if "whole" in run:
        raise RunError(
            f"run {run['id']} cannot be resumed: it stopped early because its answer was known, after {run.get('planned', 0):,} of "
            f"{run['whole']:,} trials; to play them all, run the suites again without --until-told"
        )
    if strange or now != run.get("planned"):
        difference = f"{min(strange)} is not among them" if strange else f"it began with {run.get('planned', 0):,}"
        raise RunError(
            f"run {run['id']} cannot be resumed: its suites make {now:,} trials now, and {difference}; "
            "was the configuration changed? Run the suites again without --resume"
        )


def _check_requests(run: RunRow, changes: Sequence[str]) -> None:
    if changes:
        more = f"\n  and {len(changes) - _NAMED:,} more" if len(changes) > _NAMED else ""
        raise RunError(
            f"run {run['id']} cannot be resumed, because it would now send other requests than when it began:"
            + "".join(f"\n  {change}" for change in changes[:_NAMED])
            + f"{more}\nset the variables of the suites (${{env:...}}) and the configuration as they were then, or run the "
            "suites again without --resume"
        )


def changed_request(trial: Trial, turns: Sequence[TurnRow], sent: Sent) -> Iterator[str]:
    """One line for the first request of the trial that differs from the saved one; nothing if all are the same."""
    for number, (then, now) in enumerate(zip(turns, sent(trial, turns), strict=False), 1):
        found = list(differences(then.request, now["request"]))
        if moved(then.url, now["url"]):
            found.insert(0, f"address: was {address(then.url)}, now {address(now['url'])}")
        if found:
            turn = f", turn {number}" if number > 1 else ""
            more = f" (and {len(found) - 1} more changes)" if len(found) > 1 else ""
            yield f"{trial.place}: {trial.group}{turn}: {found[0]}{more}"
            return


def changed_files(before: Sequence[SuiteRow], now: Sequence[SuiteRow]) -> list[str]:
    """A line for each file of the suites that is not the same."""
    then, here = _hashes(before), _hashes(now)
    found = []
    for suite, file in then | here:
        was, digest = then.get((suite, file)), here.get((suite, file))
        if was != digest:
            how = "is new" if was is None else "is gone" if digest is None else "was changed"
            found.append(f"{file} {how} (suite {suite})")
    return sorted(found)


def _hashes(suites: Sequence[SuiteRow]) -> dict[tuple[str, str], str]:
    """(suite, file) -> SHA-256, also of data files."""
    found = {(suite["suite"], suite["file"]): suite["sha256"] for suite in suites}
    for suite in suites:
        found |= {(suite["suite"], name): digest for name, digest in suite.get("files", {}).items()}
    return found
