"""``compare``: two runs, or targets or values of an axis of one run, the first against each other."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.compare import gates, parallel_load
from harness.compare.candidates import Comparisons, combine
from harness.compare.comparison import Comparison, Values, by_value, compare_runs, compare_values, reference_first
from harness.compare.pairs import NONE
from harness.compare.verdicts import JUDGED
from harness.errors import UsageError, first
from harness.gemini import models
from harness.model import Json
from harness.report import words
from harness.results.load import SavedRun
from harness.results.rows import RunRow
from harness.results.summary import Summary
from harness.suite.axes import short_label

ABOUT = "two runs, or targets or values of an axis of one run: flips, and verdicts on measures"
EXAMPLES = (
    "gemini-harness compare last --target google/gemini-3-flash-preview --target google/gemini-3.1-pro-preview",
    "gemini-harness compare baseline last --gate pass_rate=2pp@95%",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("base", metavar="BASE", help="a saved run: its path, its id, or last")
    parser.add_argument(
        "candidate",
        metavar="CANDIDATE",
        nargs="?",
        help="another run; without it, what the suites of BASE compare, else its targets, each with the one that has most in common with them",
    )
    parser.add_argument(
        "--target",
        metavar="PROVIDER/MODEL",
        action="append",
        default=[],
        help="targets of BASE, reference first: twice, or more often for several candidates",
    )
    parser.add_argument(
        "--axis",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="values of one axis of BASE (thinking, transport, model, provider ...), reference first: twice, or more "
        "often for several candidates; once: against the baseline of its suites",
    )
    shared.judging(parser)
    shared.formats(parser)


def main(options: Namespace) -> int:
    gc.disable()  # Everything that a comparison builds stays until its end: looking for cycles takes half of the time.
    try:
        return _compare(options)
    finally:
        gc.enable()


def _compare(options: Namespace) -> int:
    printing.check(options, "comparison")
    found = _found(options)
    if isinstance(found, Comparison):
        printing.show(found, "comparison", options)
        return code(found)
    printing.show(found, "comparisons", options)
    return first(map(code, found.comparisons))


def code(comparison: Comparison) -> int:
    """1 where a gate was crossed, 5 where nothing was judged on both sides, 7 where a gate cannot be answered; else 0."""
    if any(gate.crossed for gate in comparison.gates):
        return 1
    paired = comparison.paired
    if not any(
        pair.reference and pair.candidate and pair.reference.judged and pair.candidate.judged for pair in paired
    ):
        why = "no cell was judged on both sides" if paired else "the two sides have no cell in common"
        sys.stderr.write(f"nothing to compare: {why}\n")
        return 5
    return 7 if any(gate.unknown for gate in comparison.gates) else 0


def compared(options: Namespace) -> Comparison:
    """The one comparison that the options ask for, gates answered: ``base``, ``candidate``, ``target``, ``axis``, ``margin``, ``gate``,
    ``reports``. Raises UsageError, RunError.
    """
    found = _found(options)
    return found if isinstance(found, Comparison) else found.comparisons[0]


def _found(options: Namespace) -> Comparison | Comparisons:
    asked = [gates.from_option(text) for text in options.gate]
    base = saved_run.find(options.base, options)
    if not options.candidate:
        return _within(base, options, asked)
    if options.target or options.axis:
        raise UsageError("--target and --axis choose within one run: leave out the second run, or them")
    reference, candidate = parallel_load.load_both(base, saved_run.find(options.candidate, options))
    comparison = gated(_two_runs(reference, candidate, margins(options)), asked, base, candidate, None)
    return replace(comparison, command=_again(options, (base, candidate[0]), []))


def _again(options: Namespace, runs: Sequence[SavedRun], sides: Sequence[str]) -> str:
    """The command that compares the same again; ``last`` is the run that it is now."""
    named = zip((options.base, options.candidate), runs, strict=False)
    said = [*(saved.path.parent.name if name == "last" else name for name, saved in named), *sides]
    for name in ("margin", "gate"):
        said += [part for value in getattr(options, name) for part in (f"--{name}", value)]
    said += ["--reports", options.reports] if options.reports else []
    return words.command("compare", *said)


def margins(options: Namespace) -> dict[str, float]:
    """What ``--margin`` says, by measure. Raises UsageError."""
    return dict(margin(text) for text in options.margin)


def gated(
    comparison: Comparison,
    said: Sequence[gates.Gate],
    base: SavedRun,
    candidate: tuple[SavedRun, Summary],
    by: str | None,
) -> Comparison:
    """The comparison with the answers to the gates of the command line and of the suites that took part.

    ``candidate``: the run that the candidate was taken from, and all of it.
    """
    asked, notes = list(said), list(comparison.notes)
    for row in base.run["suites"]:
        file = Path(row["file"])
        if file.is_file():
            asked += _suite_gates(file, row["suite"], by)
        else:
            notes.append(f"{file} is not here: gates of {row['suite']} were not asked")
    notes += models.lifecycles(_models(comparison))
    parts = gates.partial_suites(candidate[0].run, candidate[1]) if any(gate.is_budget for gate in asked) else {}
    return replace(comparison, gates=[gates.evaluate(gate, comparison, parts) for gate in asked], notes=notes)


def _models(comparison: Comparison) -> list[str]:
    sides = comparison.pairs.sides
    targets = dict.fromkeys(groups.settings[row].target for groups, rows in sides for row in rows if row != NONE)
    return [target.partition("/")[2] for target in targets]


def _suite_gates(file: Path, suite: str, by: str | None) -> list[gates.Gate]:
    """Those of the suite as it is now, unless it compares by another axis than is done here."""
    block = _block(file)
    own = block.get("by")
    if by is not None and own not in (None, by) and not (by == "target" and own in ("model", "provider")):
        return []
    return list(gates.from_suite(block.get("gate", {}), suite))


def _block(file: Path) -> Mapping[str, Json]:
    """The ``compare:`` of a suite as it is now; empty where it has none. Raises SuiteError."""
    from harness.suite.parse import load
    from harness.text.project import Unreadable, read

    with suppress(Unreadable, UnicodeDecodeError):  # which ``load`` puts in words
        if "compare:" not in read(file).decode():
            return {}
    return load(file, anywhere=True).compare or {}


def _two_runs(
    reference: tuple[SavedRun, Summary], compared: tuple[SavedRun, Summary], margins: dict[str, float]
) -> Comparison:
    (base, one), (candidate, other) = reference, compared
    names = (f"run {base.run['id']}", f"run {candidate.run['id']}")
    comparison = compare_runs(one, other, names, margins)
    heard = [f"{side}: {words.provenance(summary)}" for side, summary in (("reference", one), ("candidate", other))]
    same = base.run["id"] == candidate.run["id"]
    heard += [f"both sides are run {base.run['id']}: this says nothing about another"] if same else []
    told = dict.fromkeys([*saved_run.notes(base, one), *saved_run.notes(candidate, other)])
    notes = [*heard, *told, *_changed(base.run, candidate.run), *comparison.notes]
    return replace(comparison, sources=((base.run, base.rows_of), (candidate.run, candidate.rows_of)), notes=notes)


def _changed(base: RunRow, candidate: RunRow) -> Iterator[str]:
    before = {suite["suite"]: suite["sha256"] for suite in base["suites"]}
    for suite in candidate["suites"]:
        if before.get(suite["suite"], suite["sha256"]) != suite["sha256"]:
            yield f"the suite {suite['suite']} was changed between the two runs: a flip may be the suite's"


def _within(base: SavedRun, options: Namespace, promised: Sequence[gates.Gate]) -> Comparison | Comparisons:
    """Values of one axis of a run, each against the first. One that has no cell in common with it is left out, if others have."""
    summary = base.summary()
    axis, said, cells, (reference, *candidates) = _sides(summary, base, options)
    each = {value: compare_values(cells, axis, reference, value, margins(options)) for value in candidates}
    kept = {value: found for value, found in each.items() if found.paired} or {candidates[0]: each[candidates[0]]}
    apart = [value for value in candidates if value not in kept]
    heard = [f"answers: {words.provenance(summary)}", *said, *saved_run.notes(base, summary)]
    heard += [f"left out, without a cell that {reference} has too: {', '.join(apart)}"] if apart else []
    source = (base.run, base.rows_of)
    found = []
    for value, comparison in kept.items():
        told = replace(comparison, sources=(source, source), notes=[*heard, *comparison.notes])
        again = _again(options, (base,), [*_named(axis, reference), *_named(axis, value)])
        found.append(replace(gated(told, promised, base, (base, summary), axis), command=again))
    return found[0] if len(found) == 1 else combine(axis, found)


def _named(axis: str, value: str) -> tuple[str, str]:
    """The option that names a value."""
    return ("--target", value) if axis == "target" else ("--axis", f"{axis}={value}")


def _sides(summary: Summary, base: SavedRun, options: Namespace) -> tuple[str, list[str], Values, list[str]]:
    """(axis, what is to be said of it, cells by value, the values that are compared, the reference first): as the options
    say, else the suites of the run."""
    axis, asked = _asked(options)
    declared = _declared(base)
    said = []
    if declared.by and len(by_value(summary, declared.by)) > 1 and not asked:
        axis = declared.by
        said = [f"compared by {axis}, as {declared.suites}"]
    cells = by_value(summary, axis)
    baseline = declared.baseline if axis == declared.by else None
    if baseline in cells and len(set(asked)) < 2:
        asked = _from_baseline(declared, asked, cells)
    return axis, said, cells, _values(cells, axis, asked, base.run["id"], baseline)


class _Declared(NamedTuple):
    """What the suites of a run agree to compare by; None where none says it, or they differ."""

    by: str | None = None
    baseline: str | None = None
    suites: str = ""


def _declared(base: SavedRun) -> _Declared:
    files = {row["suite"]: Path(row["file"]) for row in base.run["suites"]}
    blocks = {suite: block for suite, file in files.items() if file.is_file() and (block := _block(file)).get("by")}
    axes = {str(block["by"]) for block in blocks.values()}
    baselines = {_baseline(block) for block in blocks.values() if "baseline" in block}
    if len(axes) != 1:
        return _Declared()
    baseline = baselines.pop() if len(baselines) == 1 else None
    said = f"the suite {next(iter(blocks))} says" if len(blocks) == 1 else f"the suites {', '.join(blocks)} say"
    return _Declared(axes.pop(), baseline, said)


def _baseline(block: Mapping[str, Json]) -> str:
    """As ids spell it."""
    axis, baseline = block["by"], block["baseline"]
    return str(baseline) if axis in ("model", "provider") else short_label(axis, baseline)


def _from_baseline(declared: _Declared, asked: Sequence[str], cells: Values) -> list[str]:
    """The baseline, which is there, then the value that was named, or all others. Raises UsageError where that is the baseline."""
    baseline = str(declared.baseline)
    others = [value for value in cells if value != baseline]
    if baseline in asked:
        there = f"there are {', '.join(others)}" if others else "this run has nothing else"
        raise UsageError(f"{baseline} is the baseline, as {declared.suites}: name what to compare with it; {there}")
    return [baseline, *(asked or others)]


def _asked(options: Namespace) -> tuple[str, list[str]]:
    """The axis that is compared by, and the values that were named."""
    if not options.axis:
        return "target", options.target
    named = [text.partition("=") for text in options.axis]
    names = list(dict.fromkeys(name for name, _, _ in named))
    if options.target or len(names) != 1 or not all(value for _, _, value in named):
        raise UsageError("--axis takes values of one axis, without --target: --axis thinking=low --axis thinking=high")
    return names[0], [value for _, _, value in named]


def _values(cells: Values, axis: str, asked: Sequence[str], run: str, baseline: str | None) -> list[str]:
    """The values that were asked for, or all there are, unless their baseline is not there; the reference first."""
    values = reference_first(cells)
    chosen = list(dict.fromkeys(asked or (values if baseline is None else [])))
    unknown = [name for name in chosen if name not in values]
    if len(chosen) > 1 and not unknown:
        return chosen
    what = "a target" if axis == "target" else f"a value of {axis}"
    how = "--target" if axis == "target" else f"--axis {axis}=..."
    wanted = f"name two or more with {how}, reference first"
    if baseline is not None and not asked:
        wanted = f"the baseline is {baseline}, which is not there: {wanted}"
    wrong = f"{unknown[0]} is not {what} of this run" if unknown else wanted
    raise UsageError(f"{wrong}; run {run} has {', '.join(values) or 'none'}")


def margin(text: str) -> tuple[str, float]:
    """``pass_rate=5pp``, ``latency=20%`` as a measure and a share."""
    name, _, value = text.partition("=")
    short = {label.split()[0]: measure for measure, label in words.LABELS.items()} | {"pass": "pass_rate"}
    measure = short.get(name, name)
    unit = "pp" if measure == "pass_rate" else "%"
    number = value.removesuffix(unit).strip()
    if measure not in JUDGED:
        raise UsageError(f"--margin: no verdict is given on {name!r}; there are {', '.join(JUDGED)}")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not value.endswith(unit) or not 0 < share < float("inf"):
        raise UsageError(f"--margin {name}: expected a number above 0 with {unit}, as in {name}=5{unit}; got {value!r}")
    return measure, share
