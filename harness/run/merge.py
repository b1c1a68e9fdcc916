"""Merges the parts of one run, such as the shards of several machines, into one run with the totals of the unsharded run.

Cases are distributed over the shards in turn, so the merge takes a case of each shard in turn. The order is then that of the
unsharded run. Lines are copied unchanged, and no row stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, groupby, zip_longest
from pathlib import Path

from harness.compare.gates import evaluate_run
from harness.disk import is_locked, replacing
from harness.errors import RunError, os_errors_as
from harness.model import Json
from harness.results.decoding import instant
from harness.results.load import SavedRun, load
from harness.results.measures import total
from harness.results.rows import PartRow, Row, RunRow, SuiteRow, dumps
from harness.results.store import NAME, header_line, last_line, may_pass, run_row
from harness.results.summary import Summary
from harness.run.resume import resume

_Trial = tuple[int, bytes, Row]
"""A line of a part: its position, its bytes, its row."""
_LACKS = "merged in part: "
"""The beginning of the notes of a merged run that say what it lacks."""
_OF_THE_MACHINE = frozenset({"shard", "cassettes"})
"""The keys of a selection that may differ between parts of one run."""


def merge(parts: Sequence[SavedRun], reports: Path, *, partial: bool = False) -> Path:
    """Save these runs as one, under ``reports``. Returns the path of its file.

    Raises RunError if they are not parts of one run, if one of them is missing or unfinished (unless ``partial``), or if the
    disk cannot be written; then nothing is saved.
    """
    parts = sorted(parts, key=lambda part: _shard(part) or (0, 0))
    _check_same(parts)
    missing = [*_missing_shards(parts), *_unfinished(parts), *_in_part(parts)]
    if missing and not partial:
        lines = "".join(f"\n  {line}" for line in missing)
        raise RunError(f"the parts do not make a whole run:{lines}\nuse --partial to merge what is there")
    run = _header(parts, missing)
    path = reports / run["id"] / NAME
    try:
        with os_errors_as(RunError, f"cannot write the run to {path}"):
            path.parent.mkdir(parents=True)
            _write(parts, path, run)
    finally:
        with suppress(OSError):  # it stays if the run is in it
            path.parent.rmdir()
    return path


def _write(parts: Sequence[SavedRun], path: Path, run: RunRow) -> None:
    summary = Summary()
    unasked = 0
    with replacing(path) as out:
        out.write(header_line(run))
        for _, line, row in _trials(parts):
            out.write(line)
            summary.add(row)
            unasked += may_pass(row)
        rows = [_part_row(part) for part in parts]
        run["targets"] = [target for target, _ in summary.by_target()]
        run["notes"] = list(dict.fromkeys(chain(*(part.run["notes"] for part in parts), run["notes"])))  # late ones too
        run["gates"] = evaluate_run(parts[0].run.get("options", {}).get("gate", []), run, summary)
        run["parts"] = rows
        finished = [row["finished"] for row in rows]
        ended = None if None in finished else max(map(str, finished))
        seconds = total(row["seconds"] for row in rows)
        interrupted = any((part.ending or {}).get("interrupted", True) for part in parts)
        out.write(last_line(run, summary, ended, seconds, unasked, interrupted=interrupted))


# --- the trials ---------------------------------------------------------------------------------------


def _trials(parts: Sequence[SavedRun]) -> Iterator[_Trial]:
    """All trials: a case of each shard in turn; other parts one after the other."""
    cases = [_cases(number, part) for number, part in enumerate(parts)]
    in_turn = filter(None, chain.from_iterable(zip_longest(*cases)))
    ordered = in_turn if _shard(parts[0]) else chain.from_iterable(cases)
    owners: dict[tuple[str, str], int] = {}
    for owner, case, trials in ordered:
        if owners.setdefault(case, owner) != owner:
            earlier, later = (parts[part].run["id"] for part in (owners[case], owner))
            raise RunError(f"{'/'.join(case)} is in run {earlier} and in run {later}: a trial may be in one part only")
        yield from trials


def _cases(number: int, part: SavedRun) -> Iterator[tuple[int, tuple[str, str], Iterator[_Trial]]]:
    for case, trials in groupby(part.lines(), key=lambda trial: (trial[2].suite, trial[2].case)):
        yield number, case, trials


# --- what parts of one run have in common -------------------------------------------------------------


def _shard(part: SavedRun) -> tuple[int, int] | None:
    shard = part.run["selection"].get("shard")
    return (shard[0], shard[1]) if isinstance(shard, list) and len(shard) == 2 else None


def _check_same(parts: Sequence[SavedRun]) -> None:
    """Raises RunError, with both values, if two parts cannot belong to one run."""
    first = parts[0]
    files = [part.path.resolve() for part in parts]
    for number, part in enumerate(parts):
        if files[number] in files[:number]:
            raise RunError(f"run {part.run['id']} is named twice")
        if _shard(part) is not None and part is not first and _shard(part) == _shard(parts[number - 1]):
            before, after = parts[number - 1].run["id"], part.run["id"]
            raise RunError(f"runs {before} and {after} are both shard {_spelled(part)}: name one of them")
        for what, mine, theirs in _settings(first, part):
            if mine != theirs:
                sides = f"{_text(mine)} in run {first.run['id']}, {_text(theirs)} in run {part.run['id']}"
                raise RunError(f"these are not parts of one run; {what}: {sides}")
        _check_suites(first, part)


def _settings(first: SavedRun, part: SavedRun) -> Iterator[tuple[str, Json, Json]]:
    yield "record mode", first.run["record_mode"], part.run["record_mode"]
    mine, theirs = first.run["selection"], part.run["selection"]
    for name in sorted({*mine, *theirs} - _OF_THE_MACHINE):
        yield name, mine.get(name), theirs.get(name)
    for name in ("strict", "skip_missing"):
        yield name, bool(first.run.get("options", {}).get(name)), bool(part.run.get("options", {}).get(name))
    yield "--gate", first.run.get("options", {}).get("gate"), part.run.get("options", {}).get("gate")
    yield "number of shards", (_shard(first) or (0, None))[1], (_shard(part) or (0, None))[1]


def _text(value: Json) -> str:
    return "none" if value is None else dumps(value)


def _check_suites(first: SavedRun, part: SavedRun) -> None:
    known = {suite["suite"]: suite for suite in first.run["suites"]}
    for suite in part.run["suites"]:
        other = known.get(suite["suite"])
        differs = other is not None and (
            other["sha256"] != suite["sha256"] or other.get("files", {}) != suite.get("files", {})
        )
        if differs or (other is None and _shard(part)):
            how = "differs" if differs else "is in one of them only"
            raise RunError(
                f"these are not parts of one run; the suite {suite['suite']} ({suite['file']}) {how}: "
                f"run {first.run['id']}, run {part.run['id']}"
            )


def _missing_shards(parts: Sequence[SavedRun]) -> Iterator[str]:
    shards = [shard for part in parts if (shard := _shard(part))]
    for number in range(1, shards[0][1] + 1 if shards else 1):
        if number not in {part for part, _ in shards}:
            yield f"shard {number}/{shards[0][1]} is not among them"


def _unfinished(parts: Sequence[SavedRun]) -> Iterator[str]:
    for part in parts:
        if not load(part.path).is_finished():  # read apart: the last line of a part completes its own header only
            shard = f" (shard {_spelled(part)})" if _shard(part) else ""
            yield f"run {part.run['id']}{shard} {_how_unfinished(part)}"


def _how_unfinished(part: SavedRun) -> str:
    """Why a part is unfinished, and what to do."""
    if is_locked(part.path.parent):
        return "is still being played by another process; wait for it, or end it"
    resumable = "options" in part.run
    return f"was cut short; {f'go on with it: {resume(part.run)}' if resumable else 'run its suites again'}"


def _in_part(parts: Sequence[SavedRun]) -> Iterator[str]:
    """What parts that are merged runs themselves lack."""
    for part in parts:
        for note in part.run["notes"]:
            if note.startswith(_LACKS):
                yield note.removeprefix(_LACKS)


def _spelled(part: SavedRun) -> str:
    return "/".join(map(str, _shard(part) or ()))


# --- the header ---------------------------------------------------------------------------------------


def _header(parts: Sequence[SavedRun], missing: Sequence[str]) -> RunRow:
    runs = [part.run for part in parts]
    suites: dict[str, SuiteRow] = {suite["suite"]: suite for run in runs for suite in run["suites"]}
    selection: Mapping[str, Json] = {
        name: value for name, value in runs[0]["selection"].items() if name not in _OF_THE_MACHINE
    }
    header = run_row(
        record_mode=runs[0]["record_mode"],
        front="merge",
        suites=list(suites.values()),
        selection=selection,
        notes=[f"{_LACKS}{name}" for name in missing],
        prices=" and ".join(dict.fromkeys(prices for run in runs if (prices := run.get("prices")))) or None,
    )
    header["started"] = min((run["started"] for run in runs if run["started"]), key=instant, default="")
    planned = [run.get("planned") for run in runs]
    if None not in planned:
        header["planned"] = sum(number or 0 for number in planned)
    return header


def _part_row(part: SavedRun) -> PartRow:
    """The row of a part that has been read to its end."""
    shard, ending = _shard(part), part.ending or {}
    return {
        "id": part.run["id"],
        "shard": list(shard) if shard else None,
        "started": part.run["started"],
        "finished": ending.get("finished"),
        "seconds": ending.get("seconds"),
        "trials": ending.get("trials", 0),
    }
