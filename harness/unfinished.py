"""Runs that did not come to their end: which there are, what of one is kept, and its file made ready to go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import RunError
from harness.matrix import Expansion
from harness.rows import VERSION, RunRow, SittingRow, SuiteRow, dumps
from harness.store import NAME, Claim, RunWriter, SavedRun, load, may_pass, replacing, saved_runs


def latest(reports: Path) -> SavedRun:
    """The last run there that lacks trials, or its last line. Raises RunError, with the latest runs, where none does."""
    names = saved_runs(reports)
    for name in reversed(names):
        try:
            saved = load(reports / name, reports)
        except RunError:  # damaged, or of another version: not one that can go on; nor is a copy
            continue
        if name == saved.run["id"] and "options" in saved.run and is_unfinished(saved):
            return saved
    said = f"; the latest are {', '.join(names[-3:])} (run --resume ID asks again what one of them could not)"
    raise RunError(f"no run in {reports}/ was cut short{said if names else ': no run has been saved there yet'}")


def is_unfinished(saved: SavedRun) -> bool:
    """Whether trials of the run, or its last line, are missing."""
    last = last_line(saved.path)
    return b'"totals":' not in last or b'"interrupted":true' in last or _count(saved) < saved.run.get("planned", 0)


def last_line(path: Path) -> bytes:
    """The last line of a file, as far as 64 MiB go."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        step = 1 << 16
        while True:
            file.seek(max(size - step, 0))
            text = file.read()
            _, newline, last = text.rstrip(b"\n").rpartition(b"\n")
            if newline or step >= min(size, 1 << 26):
                return last
            step *= 8


def _count(saved: SavedRun) -> int:
    return sum(1 for _ in saved.lines())


def done(saved: SavedRun) -> frozenset[str]:
    """The ids of the trials that need not be played again: all but those that could not be asked or judged."""
    return frozenset(row["id"] for _, row in saved.lines() if not may_pass(row))


def reopen(saved: SavedRun, kept: frozenset[str]) -> RunWriter:
    """Take the run up again: its file with the trials that are kept, ready for those that are not.

    What could not be asked, a line that was cut off and the last line go. The file is replaced in one step. Raises
    RunError where another process plays the run, and where the file cannot be written; it is then as it was.
    """
    claim = Claim(saved.path.parent)
    try:
        saved = load(saved.path)  # as it is now that nobody else writes it
        _check_kept(saved, kept)
        seconds = (saved.ending or {}).get("seconds")
        sitting: SittingRow = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+00:00", "kept": len(kept), "seconds": None}
        if seconds is not None:
            earlier = [each["seconds"] or 0.0 for each in saved.run.get("resumed", ())]
            sitting["seconds"] = round(seconds - sum(earlier), 3)
        run: RunRow = {**saved.run, "resumed": [*saved.run.get("resumed", []), sitting]}
        with replacing(saved.path) as out:
            out.write(dumps({"version": VERSION, "run": run}).encode() + b"\n")
            out.writelines(line for line, row in saved.lines() if not may_pass(row))
        return RunWriter(saved.path.resolve().parents[1], run, (claim, len(kept)))
    except OSError as error:
        claim.close()
        raise RunError(f"cannot write the run to {saved.path}: {error.strerror or error}") from error
    except BaseException:
        claim.close()
        raise


def _check_kept(saved: SavedRun, kept: frozenset[str]) -> None:
    if done(saved) != kept:
        raise RunError(f"run {saved.run['id']} was played on by another process just now; try again")


def check(saved: SavedRun, suites: Sequence[SuiteRow], trials: Expansion, kept: frozenset[str]) -> None:
    """Raises RunError where the suites, or what they make, are not what the run began with, and for a file that was moved."""
    if saved.path.resolve().parts[-2:] != (saved.run["id"], NAME):
        raise RunError(f"{saved.path} is a copy: a run is resumed where it was saved, as {saved.run['id']}/{NAME}")
    changed = sorted(set(_changes(_hashes(saved.run["suites"]), _hashes(suites))))
    if changed:
        said = "".join(f"\n  {each}" for each in changed)
        raise RunError(
            f"run {saved.run['id']} cannot be resumed, since its trials would not be the same any more:{said}\n"
            "put that back, or play the suites anew without --resume"
        )
    strange = kept.difference(trial.id for trial in trials)
    if strange or len(trials) != saved.run.get("planned"):
        told = f"{min(strange)} is not among them" if strange else f"it began with {saved.run.get('planned', 0):,}"
        raise RunError(
            f"run {saved.run['id']} cannot be resumed: its suites make {len(trials):,} trials now, and {told}; "
            "was the configuration changed? Play the suites anew without --resume"
        )


def _hashes(suites: Sequence[SuiteRow]) -> Mapping[tuple[str, str], str]:
    """(suite, file) -> SHA-256, data files included."""
    found = {(each["suite"], each["file"]): each["sha256"] for each in suites}
    for each in suites:
        found |= {(each["suite"], name): digest for name, digest in each.get("files", {}).items()}
    return found


def _changes(before: Mapping[tuple[str, str], str], now: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for suite, file in before.keys() | now.keys():
        then, digest = before.get((suite, file)), now.get((suite, file))
        if then != digest:
            how = "is new" if then is None else "is gone" if digest is None else "was changed"
            yield f"{file} {how} (suite {suite})"
