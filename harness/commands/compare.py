"""``compare``: two runs, or two targets or values of an axis of one run."""

from __future__ import annotations

import gc
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness import gates
from harness.commands import printing, reading
from harness.compare import Comparison, axis_values, compare_axis, compare_runs, with_answers
from harness.differences import JUDGED
from harness.errors import UsageError
from harness.render import words
from harness.rows import RunRow
from harness.store import SavedRun
from harness.summary import Summary, summarise


def main(options: Namespace) -> int:
    gc.disable()  # Everything that a comparison builds stays until its end: looking for cycles takes half of the time.
    try:
        return _compare(options)
    finally:
        gc.enable()


def _compare(options: Namespace) -> int:
    printing.check(options, "comparison")
    comparison = compared(options)
    printing.show(comparison, "comparison", options)
    return _code(comparison)


def _code(comparison: Comparison) -> int:
    if any(each.crossed for each in comparison.gates):
        return 1
    if not comparison.paired:
        sys.stderr.write("nothing to compare: the two sides have no cell in common\n")
        return 5
    return 7 if any(each.crossed is None for each in comparison.gates) else 0


def compared(options: Namespace) -> Comparison:
    """What the options ask to compare, gates answered: ``base``, ``candidate``, ``target``, ``axis``, ``margin``, ``gate``, ``reports``.

    Raises UsageError, RunError.
    """
    margins = dict(_margin(each) for each in options.margin)
    asked = [gates.from_option(each) for each in options.gate]
    base = reading.run(options.base, options)
    if not options.candidate:
        return _gated(_within(base, options, margins), asked, base, _asked(options)[0])
    if options.target or options.axis:
        raise UsageError("--target and --axis choose within one run: leave out the second run, or them")
    return _gated(_two_runs(base, reading.run(options.candidate, options), margins), asked, base, None)


def _gated(comparison: Comparison, asked: list[gates.Gate], base: SavedRun, by: str | None) -> Comparison:
    """The comparison with the answers to the gates of the command line and of the suites that took part."""
    notes = list(comparison.notes)
    for row in base.run["suites"]:
        file = Path(row["file"])
        if file.is_file():
            asked += _suite_gates(file, row["suite"], by)
        else:
            notes.append(f"{file} is not here: gates of {row['suite']} were not asked")
    return replace(comparison, gates=[gates.answer(each, comparison) for each in asked], notes=notes)


def _suite_gates(file: Path, suite: str, by: str | None) -> list[gates.Gate]:
    """Those of the suite as it is now, unless it compares by another axis than is done here."""
    text = file.read_text("utf-8")
    if "compare:" not in text:
        return []
    from harness.suite import parse

    block = parse(text, str(file)).compare or {}
    own = block.get("by")
    if by is not None and own not in (None, by) and not (by == "target" and own in ("model", "provider")):
        return []
    return list(gates.from_suite(block.get("gate", {}), suite))


def _two_runs(base: SavedRun, candidate: SavedRun, margins: dict[str, float]) -> Comparison:
    names = (f"run {base.run['id']}", f"run {candidate.run['id']}")
    one = summarise(base.rows(turns=False))
    other = summarise(candidate.rows(turns=False), like=one)
    comparison = compare_runs(one, other, names, margins)
    heard = [f"{side}: {words.provenance(each)}" for side, each in (("reference", one), ("candidate", other))]
    notes = [*heard, *base.notes, *candidate.notes, *_changed(base.run, candidate.run), *comparison.notes]
    return replace(with_answers(comparison, (base.run, base.rows_of), (candidate.run, candidate.rows_of)), notes=notes)


def _changed(base: RunRow, candidate: RunRow) -> Iterator[str]:
    before = {each["suite"]: each["sha256"] for each in base["suites"]}
    for suite in candidate["suites"]:
        if before.get(suite["suite"], suite["sha256"]) != suite["sha256"]:
            yield f"the suite {suite['suite']} was changed between the two runs: a flip may be the suite's"


def _within(base: SavedRun, options: Namespace, margins: dict[str, float]) -> Comparison:
    summary = summarise(base.rows(turns=False))
    axis, asked = _asked(options)
    chosen = _two_values(summary, axis, asked, base.run["id"])
    comparison = compare_axis(summary, axis, *chosen, margins)
    notes = [f"answers: {words.provenance(summary)}", *base.notes, *comparison.notes]
    source = (base.run, base.rows_of)
    return replace(with_answers(comparison, source, source), notes=notes)


def _asked(options: Namespace) -> tuple[str, list[str]]:
    """The axis that is compared by, and the values that were named."""
    if not options.axis:
        return "target", options.target
    named = [each.partition("=") for each in options.axis]
    names = list(dict.fromkeys(name for name, _, _ in named))
    if options.target or len(names) != 1 or not all(value for _, _, value in named):
        raise UsageError(
            "--axis takes two values of one axis, without --target: --axis thinking=low --axis thinking=high"
        )
    return names[0], [value for _, _, value in named]


def _two_values(summary: Summary, axis: str, asked: Sequence[str], run: str) -> tuple[str, str]:
    """The values that were asked for, or the only two there are."""
    values = axis_values(summary, axis)
    chosen = asked or (values if len(values) == 2 else [])
    unknown = [each for each in chosen if each not in values]
    if len(chosen) == 2 and not unknown:
        return chosen[0], chosen[1]
    what = "a target" if axis == "target" else f"a value of {axis}"
    how = "--target" if axis == "target" else f"--axis {axis}=..."
    wrong = f"{unknown[0]} is not {what} of this run" if unknown else f"name two with {how}, reference first"
    raise UsageError(f"{wrong}; run {run} has {', '.join(values) or 'none'}")


def _margin(text: str) -> tuple[str, float]:
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
