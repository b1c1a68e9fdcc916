"""The two sides of ``fidelity``: targets of a run, runs, or recordings, as answers that can be paired."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from harness.cli import saved_run
from harness.cli.saved_run import is_at, named, unreadable
from harness.compare.fidelity_answers import case_of, dated, from_rows, from_tapes, turn_of
from harness.compare.fidelity_changes import Answer, ReadTurns, Where
from harness.errors import UsageError
from harness.report import words
from harness.results import baseline
from harness.results.load import SavedRun
from harness.results.rows import Row, TurnRow
from harness.text.amounts import some
from harness.text.grouping import gathered
from harness.transport import cassette
from harness.transport.cassette import Tape
from harness.transport.recordings import tapes


class Sides(NamedTuple):
    """Both sides. ``sources``: what they were read from, under names that stay. ``read``: how to read their turns again. ``show``: the command that shows the request of a
    trial; None for recordings."""

    names: tuple[str, str]
    sources: Sequence[str]
    reference: Sequence[Answer]
    candidate: Sequence[Answer]
    read: tuple[ReadTurns, ReadTurns]
    notes: Sequence[str]
    show: Callable[[str], str] | None
    simulated: bool


def find(options: Namespace) -> Sides:
    """The sides that ``reference``, ``candidate``, ``target`` and ``reports`` name. Raises UsageError, RunError."""
    if options.candidate is None:
        saved = saved_run.find(options.reference, options)
        return _two_targets(saved, options.target)._replace(sources=[_lasting(options.reference, saved)])
    if options.target:
        raise UsageError("--target compares within one run: leave out either the second run or this option")
    both = options.reference, options.candidate
    if named(both, options).recordings:
        return _two_folders(*both)
    runs = [saved_run.find(name, options) for name in both]
    return _two_runs(*runs)._replace(sources=list(map(_lasting, both, runs)))


def _lasting(name: str, saved: SavedRun) -> str:
    """A name that means the same run tomorrow, unlike ``last``."""
    return name if name == baseline.FOLDER or Path(name).exists() else saved.run["id"]


# --- runs -------------------------------------------------------------------------------------------------


def _show(saved: SavedRun) -> Callable[[str], str]:
    """The command that shows the request of a trial, with what else the run was given to make it."""
    files = {row["suite"]: [row["file"]] for row in saved.run["suites"]}
    variables = list(words.given(var=saved.run["selection"].get("var")))

    def command(trial: str) -> str:
        target = trial.rpartition("@")[2].rpartition("#")[0]
        return words.command("show", trial, *files.get(trial.partition("/")[0], []), "--target", target, *variables)

    return command


def _two_targets(saved: SavedRun, asked: Sequence[str]) -> Sides:
    summary = saved.summary()
    targets = list(dict.fromkeys(group.target for group in summary.groups.values()))
    providers = list(dict.fromkeys(target.partition("/")[0] for target in targets))
    named = list(dict.fromkeys(asked)) or (providers if len(providers) > 1 else targets)
    wrong = [name for name in named if not any(is_at(target, name) for target in targets)]
    if len(named) != 2 or wrong:
        why = f"{wrong[0]} is no target of this run" if wrong else "name two with --target, the reference first"
        raise UsageError(f"{why}; run {saved.run['id']} has {some([*providers, *targets], 8)}")
    by_model = not all("/" in name for name in named)
    reference, candidate = (_answers(saved, partial(_case_at, name=name, model=by_model)) for name in named)
    notes = [f"answers: {words.provenance(summary)}", *saved_run.notes(saved, summary)]
    read = _reader(saved)
    simulated = words.simulated(summary)
    return Sides((named[0], named[1]), (), reference, candidate, (read, read), notes, _show(saved), simulated)


def _case_at(row: Row, name: str, *, model: bool) -> str | None:
    return case_of(row, provider=False, model=model) if is_at(row.target, name) else None


def _two_runs(base: SavedRun, candidate: SavedRun) -> Sides:
    """Runs of the same targets are paired by target; else by model, at whatever provider; else by case alone, if each has one."""
    summaries = base.summary(), candidate.summary()
    before, after = ({group.target for group in summary.groups.values()} for summary in summaries)
    provider = bool(before & after)
    model = provider or bool({_model(name) for name in before} & {_model(name) for name in after})
    if not model and (len(before) > 1 or len(after) > 1):
        both = " and ".join(", ".join(sorted(side)) or "nothing" for side in (before, after))
        raise UsageError(f"the two runs have no model in common: {both}; compare two targets of one run with --target")
    sides = (base, summaries[0]), (candidate, summaries[1])
    answers = [_answers(saved, lambda row: case_of(row, provider=provider, model=model)) for saved, _ in sides]
    notes = [f"{saved.run['id']}: {words.provenance(summary)}" for saved, summary in sides]
    notes += dict.fromkeys(note for side in sides for note in saved_run.notes(*side))
    names = (f"run {base.run['id']}", f"run {candidate.run['id']}")
    simulated = any(map(words.simulated, summaries))
    return Sides(
        names, (), answers[0], answers[1], (_reader(base), _reader(candidate)), notes, _show(candidate), simulated
    )


def _model(target: str) -> str:
    return target.partition("/")[2]


def _answers(saved: SavedRun, name: Callable[[Row], str | None]) -> list[Answer]:
    return list(from_rows(saved.rows(), name))


def _reader(saved: SavedRun) -> ReadTurns:
    def read(wanted: Collection[Where]) -> Mapping[Where, TurnRow]:
        trials = {trial for trial, _ in wanted}
        groups = {trial.rpartition("#")[0] for trial in trials}
        rows = (row for row in saved.rows_of(groups) if row.id in trials)
        turns = ((row, at, turn) for row in rows for at, turn in enumerate(row.turns or ()))
        return {
            (row.id, at): dated(turn, row.provenance.recorded_at if row.provenance else None) for row, at, turn in turns
        }

    return read


# --- recordings -------------------------------------------------------------------------------------------


def _two_folders(*paths: str) -> Sides:
    notes: list[str] = []
    simulated: list[bool] = []
    answers = [list(from_tapes(_tapes(path, notes, simulated))) for path in paths]
    if not _have_common_cases(answers):
        answers = [list(from_tapes(_tapes(path, [], []), model=False)) for path in paths]
        if _have_common_cases(answers):
            notes.append("no request is to the same model on both sides: requests were paired whatever the model")
    names = (paths[0], paths[1])
    return Sides(names, names, answers[0], answers[1], (_read_recording, _read_recording), notes, None, any(simulated))


def _have_common_cases(answers: Sequence[Sequence[Answer]]) -> bool:
    reference, candidate = ({answer.case for answer in side} for side in answers)
    return not reference.isdisjoint(candidate)


def _tapes(path: str, notes: list[str], simulated: list[bool]) -> Iterator[Tape]:
    """Adds to ``notes`` what is unreadable, and to ``simulated`` whether answers were the simulator's."""
    faulty: dict[str, str] = {}
    for tape in tapes([path], faulty):
        simulated += [interaction.exchange.provenance.simulated for interaction in tape.interactions]
        yield tape
    notes += unreadable(faulty)


def _read_recording(wanted: Collection[Where]) -> Mapping[Where, TurnRow]:
    files = gathered((file, int(index)) for place, _ in wanted for file, _, index in [place.rpartition("#")])
    found = {}
    for file, indexes in files.items():
        for interaction in cassette.read(Path(file)).interactions:
            if interaction.index in indexes:
                exchange = interaction.exchange
                found[f"{file}#{interaction.index}", 0] = dated(turn_of(exchange), exchange.provenance.recorded_at)
    return found
