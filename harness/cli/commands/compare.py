"""``compare``: compare two runs, or targets or axis values of one run: the first with each of the others."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.compare import gates, looks
from harness.compare.comparison import (
    Comparison,
    Comparisons,
    Values,
    by_value,
    combine,
    compare_runs,
    compare_sides,
    compares_itself,
    reference_first,
    replays_the_same,
    why_apart,
)
from harness.compare.verdicts import JUDGED, Criteria
from harness.errors import UsageError, first
from harness.gemini import models
from harness.model import Json
from harness.report import words
from harness.results.load import SavedRun
from harness.results.rows import RunRow
from harness.results.summary import Summary
from harness.suite.axes import short_label
from harness.text.shape import nearest

if TYPE_CHECKING:
    from harness.compare.stats.evidence import Scope

ABOUT = "compare two runs, or targets or axis values of one run: flips, and verdicts on measures"
EXAMPLES = (
    "gemini-harness compare last --target google/gemini-3-flash-preview --target google/gemini-3.1-pro-preview",
    "gemini-harness compare baseline last --gate pass_rate=10pp@95%",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("base", metavar="BASE", help="a saved run: its path, its id, or last")
    parser.add_argument(
        "candidate",
        metavar="CANDIDATE",
        nargs="?",
        help="another run; without it, compare the values that the suites of BASE name, or else its targets",
    )
    shared.repeatable(
        parser,
        "--target",
        "PROVIDER/MODEL",
        "a target of BASE; give the reference first, then one or more candidates; with two runs: the target of BASE, then "
        "that of CANDIDATE (repeatable)",
    )
    shared.repeatable(
        parser,
        "--axis",
        "NAME=VALUE",
        "a value of one axis of BASE (thinking, transport, model, provider ...); give the reference first, then one or "
        "more candidates; a single value is compared with the baseline of the suites, NAME alone compares all (repeatable)",
    )
    shared.judging(parser)
    shared.formats(parser)


DEFAULTS: Mapping[str, Any] = {"candidate": None, "target": [], "axis": [], "margin": [], "gate": [], "scope": None}
"""The defaults of options of ``compare``, for other commands that call its functions and lack these options."""


def main(options: Namespace) -> int:
    printing.check(options, "comparison")
    found = compared(options)
    printing.show(found, "comparison", options)
    return first(map(code, found.comparisons))


def code(comparison: Comparison) -> int:
    """The exit code: 1 if a gate is crossed, or a check breaks everywhere, 5 if no cell was judged on both sides, 7 if a gate cannot be decided, else 0."""
    if comparison.breaks or any(gate.crossed for gate in comparison.gates):
        return 1
    if not comparison.judged:
        why = "no cell was judged on both sides" if comparison.paired else _apart(comparison)
        sys.stderr.write(f"nothing to compare: {why}\n")
        return 5
    return 7 if any(gate.unknown for gate in comparison.gates) else 0


def _apart(comparison: Comparison) -> str:
    why, names = why_apart(comparison)
    if "target" in names:
        return f"{why}; {', '.join(_replaced(comparison))}"
    if comparison.axis not in ("target", "model"):
        return why
    before, after = ({(group.suite, group.case) for group in side} for side in comparison.pairs.sides)
    if before.isdisjoint(after):
        return f"{why}; `gemini-harness run --model ONE --model OTHER` asks both models every case"
    if names:
        return f"{why}; with one value for each model, `{names[0]}: {{MODEL: VALUE, OTHER: VALUE}}`, their cells meet"
    return why


def compared(options: Namespace) -> Comparison | Comparisons:
    """The comparison of these options, with answers to its gates. Raises UsageError, RunError."""
    asked = [gates.from_option(text) for text in options.gate]
    base = saved_run.find(options.base, options)
    if not options.candidate:
        return _within(base, options, asked)
    other = saved_run.find(options.candidate, options)
    reference, candidate = (base, base.summary()), (other, other.summary())
    comparison = gated(_two_runs(reference, candidate, options), asked, base, candidate)
    sides = words.given(target=options.target, axis=options.axis)
    return replace(comparison, command=_again(options, (base, other), sides))


def _again(options: Namespace, runs: Sequence[SavedRun], sides: Iterable[str]) -> str:
    """The command that repeats the comparison. ``last`` is replaced by the run that it means now."""
    named = zip((options.base, options.candidate), runs, strict=False)
    names = (saved.path.parent.name if name == "last" else name for name, saved in named)
    more = words.given(scope=options.scope, margin=options.margin, gate=options.gate, reports=options.reports)
    return words.command("compare", *names, *sides, *more)


def criteria(options: Namespace, *runs: RunRow) -> Criteria:
    """What ``--margin`` and ``--scope`` say, and the level of these runs. Raises UsageError."""
    scopes: dict[str, Scope] = {"these-cases": "these cases", "cases-like-these": "cases like these"}
    return Criteria(dict(map(margin, options.margin)), scopes.get(options.scope), looks.alpha(*runs))


def gated(
    comparison: Comparison,
    requested: Sequence[gates.Gate],
    base: SavedRun,
    candidate: tuple[SavedRun, Summary],
) -> Comparison:
    """The comparison with the answers to the gates of the command line (``requested``) and of its suites.

    ``candidate``: the run of the candidate, and its summary.
    """
    asked, notes = list(requested), list(comparison.notes)
    for row in base.run["suites"]:
        file = Path(row["file"])
        if file.is_file():
            asked += _suite_gates(file, row["suite"], comparison.axis)
        else:
            notes.append(f"{file} is missing: gates of {row['suite']} were not checked")
    notes += models.lifecycles(_models(comparison), shared.today())
    parts = gates.partial_suites(candidate[0].run, candidate[1]) if any(gate.is_budget for gate in asked) else {}
    look = looks.look_of(base.run, candidate[0].run)

    def answer(gate: gates.Gate) -> gates.GateResult:
        if gate.is_budget and "whole" in candidate[0].run:
            cells = [pair.candidate for pair in comparison.pairs if pair.candidate]
            return looks.stopped_answer(gate, candidate[0].run, candidate[1], cells)
        held = gate if look is None else looks.at_look(gate, look)
        held = replace(held, confidence=None) if comparison.same_answers and not gate.is_budget else held
        return replace(gates.evaluate(held, comparison, parts), gate=gate)

    return replace(comparison, gates=list(map(answer, asked)), notes=notes)


def _models(comparison: Comparison) -> list[str]:
    targets = dict.fromkeys(cell.target for side in comparison.pairs.sides for cell in side)
    return [target.partition("/")[2] for target in targets]


def _suite_gates(file: Path, suite: str, by: str | None) -> list[gates.Gate]:
    """The gates of the suite as its file is now. None if the suite compares by another axis."""
    block = _block(file)
    own = block.get("by")
    if by is not None and own not in (None, by) and not (by == "target" and own in ("model", "provider")):
        return []
    return list(gates.from_suite(block.get("gate", {}), suite))


def _block(file: Path) -> Mapping[str, Json]:
    """The block ``compare:`` of a suite as its file is now; empty if there is none. Raises SuiteError."""
    from harness.suite.parse import load
    from harness.text.project import Unreadable, read

    with suppress(Unreadable, UnicodeDecodeError):  # ``load`` reports these
        if "compare:" not in read(file).decode():
            return {}
    return load(file, anywhere=True).compare or {}


def _two_runs(reference: tuple[SavedRun, Summary], other: tuple[SavedRun, Summary], options: Namespace) -> Comparison:
    (base, base_summary), (candidate, candidate_summary) = reference, other
    sure = criteria(options, base.run, candidate.run)
    if options.target or options.axis:
        comparison = _values_of_two(reference, other, options, sure)
    else:
        names = (f"run {base.run['id']}", f"run {candidate.run['id']}")
        comparison = compare_runs(base_summary, candidate_summary, names, sure)
    same = _why_same(comparison, base.run, candidate.run)
    if same:
        comparison = replace(comparison, differences=(), same_answers=True)
    notes = [
        f"reference: {words.provenance(base_summary)}",
        f"candidate: {words.provenance(candidate_summary)}",
        *([same] if same else looks.notes(*{row["id"]: row for row in (base.run, candidate.run)}.values())),
        *dict.fromkeys([*saved_run.notes(base, base_summary), *saved_run.notes(candidate, candidate_summary)]),
        *_changed(base.run, candidate.run),
        *comparison.notes,
        *_replaced(comparison),
    ]
    return replace(comparison, sources=((base.run, base.rows_of), (candidate.run, candidate.rows_of)), notes=notes)


def _why_same(comparison: Comparison, base: RunRow, candidate: RunRow) -> str:
    """Why both sides are the same answers; empty if they are not."""
    if base["id"] == candidate["id"] and compares_itself(comparison):
        return f"both sides are run {base['id']}: this compares a run with itself, so nothing can differ"
    if candidate.get("rejudged") == base["id"] or (not comparison.axis and replays_the_same(comparison)):
        return "both sides are the same answers: what differs is how they are judged, so there is nothing to estimate"
    return ""


def _values_of_two(
    reference: tuple[SavedRun, Summary], candidate: tuple[SavedRun, Summary], options: Namespace, sure: Criteria
) -> Comparison:
    """One value of an axis in the first run, with another in the second. Raises UsageError."""
    axis, asked = _asked(options)
    if len(asked) != 2:
        wanted = f"that of {options.base}, then that of {options.candidate}"
        raise UsageError(f"of two runs, {_option(axis)} names two values: {wanted}")
    cells = []
    for (saved, summary), value in zip((reference, candidate), asked, strict=True):
        found = _cells(summary, axis, saved.run["id"])
        if value not in found:
            raise UsageError(f"{value} is not a value of {axis} in run {saved.run['id']}: it has {', '.join(found)}")
        cells.append(found[value])
    return compare_sides((cells[0], cells[1]), axis, (asked[0], asked[1]), sure)


def _replaced(comparison: Comparison) -> Iterator[str]:
    """How a target that only the reference has is compared with one that only the candidate has."""
    before, after = ({group.target: None for group in side} for side in comparison.pairs.sides)
    gone, new = (
        [target for target in side if target not in other] for side, other in ((before, after), (after, before))
    )
    if comparison.axis is None and gone and new:
        yield f"--target {gone[0]} --target {new[0]} compares a target of the first run with one of the second"


def _changed(base: RunRow, candidate: RunRow) -> Iterator[str]:
    before = {suite["suite"]: suite["sha256"] for suite in base["suites"]}
    for suite in candidate["suites"]:
        if before.get(suite["suite"], suite["sha256"]) != suite["sha256"]:
            yield f"the suite {suite['suite']} was changed between the two runs: a flip may come from that change"


def _within(base: SavedRun, options: Namespace, requested: Sequence[gates.Gate]) -> Comparison | Comparisons:
    """Compare values of one axis of a run with the first. Values without a common cell are left out, unless none has one."""
    summary = base.summary()
    axis, reason, cells, (reference, *candidates) = _sides(summary, base, options)
    sure = criteria(options, base.run)
    found_by_value = {
        value: compare_sides((cells[reference], cells[value]), axis, (reference, value), sure) for value in candidates
    }
    kept = {value: found for value, found in found_by_value.items() if found.paired} or {
        candidates[0]: found_by_value[candidates[0]]
    }
    apart = [value for value in candidates if value not in kept]
    notes = [f"answers: {words.provenance(summary)}", *looks.notes(base.run), *reason, *saved_run.notes(base, summary)]
    notes += [f"left out, since they have no cell in common with {reference}: {', '.join(apart)}"] if apart else []
    source = (base.run, base.rows_of)
    found = []
    for value, comparison in kept.items():
        noted = replace(comparison, sources=(source, source), notes=[*notes, *comparison.notes])
        again = _again(options, (base,), [*_named(axis, reference), *_named(axis, value)])
        found.append(replace(gated(noted, requested, base, (base, summary)), command=again))
    return found[0] if len(found) == 1 else combine(axis, found)


def _named(axis: str, value: str) -> tuple[str, str]:
    return ("--target", value) if axis == "target" else ("--axis", f"{axis}={value}")


def _option(axis: str) -> str:
    return "--target" if axis == "target" else f"--axis {axis}=..."


def _sides(summary: Summary, base: SavedRun, options: Namespace) -> tuple[str, list[str], Values, list[str]]:
    """(axis, a note about its choice, cells by value, the compared values with the reference first), from the options, or
    else from the suites of the run."""
    axis, asked = _asked(options)
    by, baseline, suites = _declared(base)
    reason = []
    if by and len(by_value(summary, by)) > 1 and not (asked or options.axis):
        axis, reason = by, [f"compared by {by}, as {suites}"]
    cells = _cells(summary, axis, base.run["id"])
    baseline = baseline if axis == by else None
    if baseline in cells and len(set(asked)) < 2:
        others = [value for value in cells if value != baseline]
        if baseline in asked:
            there = f"there are {', '.join(others)}" if others else "this run has no other value"
            raise UsageError(f"{baseline} is the baseline, as {suites}: name what to compare with it; {there}")
        asked = [str(baseline), *(asked or others)]
    return axis, reason, cells, _values(cells, axis, asked, base.run["id"], baseline)


def _declared(base: SavedRun) -> tuple[str | None, str | None, str]:
    """The axis and the baseline that the suites of a run name, None if none does or if they differ; and which suites do."""
    files = {row["suite"]: Path(row["file"]) for row in base.run["suites"]}
    blocks = {suite: block for suite, file in files.items() if file.is_file() and (block := _block(file)).get("by")}
    axes = {str(block["by"]) for block in blocks.values()}
    if len(axes) != 1:
        return None, None, ""
    baselines = {_baseline(block) for block in blocks.values() if "baseline" in block}
    suites = f"the suite {next(iter(blocks))} says" if len(blocks) == 1 else f"the suites {', '.join(blocks)} say"
    return axes.pop(), baselines.pop() if len(baselines) == 1 else None, suites


def _baseline(block: Mapping[str, Json]) -> str:
    axis, baseline = block["by"], block["baseline"]
    return str(baseline) if axis in ("model", "provider") else short_label(axis, baseline)


def _asked(options: Namespace) -> tuple[str, list[str]]:
    if not options.axis:
        return "target", options.target
    named = [text.partition("=") for text in options.axis]
    names = list(dict.fromkeys(name for name, _, _ in named))
    if options.target or len(names) != 1 or not (all(value for _, _, value in named) or len(named) == 1):
        raise UsageError("--axis takes values of one axis, without --target: --axis thinking=low --axis thinking=high")
    return names[0], [value for _, _, value in named if value]


def _cells(summary: Summary, axis: str, run: str) -> Values:
    """The cells by their value. Raises UsageError for an axis that no cell has."""
    cells, known = by_value(summary, axis), {name for group in summary.groups.values() for name in group.axes}
    if not cells and axis != "target":
        raise UsageError(f"run {run} has no axis {axis!r}; {nearest(axis, sorted(known | {'model', 'provider'}))}")
    return cells


def _values(cells: Values, axis: str, asked: Sequence[str], run: str, baseline: str | None) -> list[str]:
    """The named values, or all values, with the reference first. Raises UsageError if fewer than two remain."""
    values = reference_first(cells)
    chosen = list(dict.fromkeys(asked or (values if baseline is None else [])))
    unknown = [name for name in chosen if name not in values]
    if len(chosen) > 1 and not unknown:
        return chosen
    what = "a target" if axis == "target" else f"a value of {axis}"
    wanted = f"name two or more with {_option(axis)}, reference first"
    if len(values) == 1 and not asked and baseline is None:
        wanted = f"one {axis} alone cannot be compared: name another run, as in gemini-harness compare baseline {run}"
    elif baseline is not None and not asked:
        wanted = f"the baseline is {baseline}, which the run does not have: {wanted}"
    wrong = f"{unknown[0]} is not {what} of this run" if unknown else wanted
    raise UsageError(f"{wrong}; run {run} has {', '.join(values) or 'none'}")


def margin(text: str) -> tuple[str, float]:
    """``pass_rate=5pp``, ``latency=20%`` as a measure and a share from 0 to 1. Raises UsageError."""
    name, _, value = text.partition("=")
    measure = words.SHORT.get(name, name)
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
