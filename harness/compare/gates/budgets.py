"""Budgets: limits on one side alone. Those of a suite are asked if all of its trials were played."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.compare.gates.gate import Gate, GateResult, quantity
from harness.compare.gates.parse import from_option, from_suite
from harness.errors import NOT_AVAILABLE
from harness.results.groups import Group, Tally, case_numbers
from harness.results.rows import GateRow, RunRow, SuiteRow
from harness.results.summary import Summary
from harness.text.amounts import count

if TYPE_CHECKING:
    from harness.compare.stats.evidence import Interval


def budgets(suites: Iterable[SuiteRow]) -> list[Gate]:
    """The gates of these suites that need no second side. Raises UsageError for an invalid limit."""
    return [gate for row in suites for gate in from_suite(row.get("gate", {}), row["suite"]) if gate.is_budget]


def evaluate_run(options: Iterable[str], run: RunRow, summary: Summary) -> list[GateRow]:
    """The results of the ``--gate`` options, over all trials of the run, then of the budgets of the run's suites.

    Raises UsageError for an invalid gate.
    """
    answers = [evaluate_level(from_option(option), summary.groups.values()) for option in options]
    for suite in run["suites"]:
        answers += _suite_results(suite, run, summary)
    return [result.to_json() for result in answers]


def _suite_results(suite: SuiteRow, run: RunRow, summary: Summary) -> Iterator[GateResult]:
    """No results where keywords or tags select no trial of the suite."""
    asked = budgets([suite])
    groups = [group for group in summary.groups.values() if group.suite == suite["suite"]] if asked else []
    chosen = run["selection"]
    if not groups and (chosen.get("keywords") or chosen.get("tags")):
        return
    played = sum(_played(group.tally, group.skip) for group in groups)
    why = reason_not_asked(suite, played, sharded=chosen.get("shard") is not None)
    for gate in asked:
        yield GateResult(gate, None, why, asked=False) if why else evaluate_level(gate, groups)


def _played(tally: Tally, skip: str | None) -> int:
    """The trials of a group that were played, or that the dialect of their provider cannot express."""
    return tally.attempts + (tally.skipped if (skip or "").startswith(NOT_AVAILABLE) else 0)


def partial_suites(run: RunRow, summary: Summary) -> Mapping[str, str]:
    """Suite -> why its budgets are not evaluated for a candidate of this run, because only a part of it was played.

    Suites that were played completely are left out; a trial that its dialect cannot express counts as played. Where the run does not record how many trials a suite has (it had no
    budgets then, or pytest was killed), the suite counts as complete if the whole run is complete.
    """
    played = Counter[str]()
    for group in summary.groups.values():
        played[group.suite] += _played(group.tally, group.skip)
    where, sharded = f"run {run['id']}", run["selection"].get("shard") is not None
    planned = run.get("planned", 0)
    cut = f"{summary.trials:,} of the {planned:,} trials that were to be played are in {where}"
    whys: dict[str, str | None] = dict.fromkeys(played, cut if summary.trials < planned else None)
    for suite in run["suites"]:
        if "trials" in suite:
            whys[suite["suite"]] = reason_not_asked(suite, played[suite["suite"]], sharded=sharded, where=where)
    return {suite: why for suite, why in whys.items() if why}


def reason_not_asked(suite: SuiteRow, played: int, *, sharded: bool, where: str = "this run") -> str | None:
    """Why the budgets of a suite are not evaluated, given how many of its trials were played; None where they are."""
    whole = suite.get("trials", 0)
    if not whole:
        return "the suite skips all of its trials"
    if played >= whole:
        return None
    later = "; gemini-harness merge asks of all shards" if sharded else ""
    return f"{played:,} of the suite's {whole:,} trials are in {where}{later}"


# --- one budget ---------------------------------------------------------------------------------------


_MISSING_REASONS = {
    "cost_usd": "a price is missing (gemini-harness list models shows those that are known)",
    "ttft_s": "only streams have one, where their recording kept times",
    "gap_s": "only streams have one, where their recording kept times",
    "latency_s": "nothing answered, or the recordings kept no times",
}
"""Why no cell has the measure. For token counts the reason is that no answer reported one."""


def evaluate_level(gate: Gate, groups: Iterable[Group]) -> GateResult:
    """The result of a budget.

    A pass rate is that of all attempts. Seconds, tokens and dollars are per trial: the mean over cells, with equal weights.
    """
    cells = [cell for cell in groups if cell.attempts and gate.suite in (None, cell.suite)]
    if not cells:
        return GateResult(gate, None, "no cell was played")
    if gate.measure == "pass_rate":
        return _rate_result(gate, cells)
    seen = [cell for cell in cells if cell.values(gate.measure)]
    if not seen:
        why = _MISSING_REASONS.get(gate.measure, "no answer reported one")
        return GateResult(gate, None, f"no {gate.name} in {_cells(cells)}: {why}")
    return _total_result(gate, cells, seen) if gate.kind == "total" else _mean_result(gate, cells, seen)


def _rate_result(gate: Gate, cells: Sequence[Group]) -> GateResult:
    judged = [cell for cell in cells if cell.judged]
    passed, of, made = (sum(column) for column in zip(*((e.passed, e.judged, e.attempts) for e in cells), strict=True))
    if not of:
        return GateResult(gate, None, f"none of {count(made, 'attempt')} in {_cells(cells)} could be judged")
    rate = passed / of
    ends = rate_ends(gate, passed, of)
    unjudged = f", {made - of:,} not judged" if made > of else ""
    seen = f"{passed:,} of {count(of, 'attempt')} in {_cells(judged)}{unjudged}"
    return GateResult(
        gate, gate.crossed(*ends), f"pass_rate is {quantity('pass_rate', rate)}{_interval_text(gate, ends)}, {seen}"
    )


def _mean_result(gate: Gate, cells: Sequence[Group], seen: Sequence[Group]) -> GateResult:
    means = [math.fsum(values) / len(values) for values in (cell.values(gate.measure) for cell in seen)]
    mean = math.fsum(means) / len(means)
    ends: Interval | None = (mean, mean)
    if gate.confidence is not None:
        from harness.compare.stats.numbers import mean_interval

        ends = mean_interval(case_numbers(seen), means, gate.interval_confidence)
    seen_text = f"{gate.name} is {quantity(gate.measure, mean)}{_interval_text(gate, ends)} on average in {_share_of_cells(seen, cells)}"
    if ends is None:
        cases = len(set(case_numbers(seen)))
        return GateResult(
            gate, None, f"{seen_text}, and {cases} case{' is' if cases == 1 else 's are'} too few for an interval"
        )
    return _with_unpriced(gate, gate.crossed(*ends), seen_text, cells)


def _total_result(gate: Gate, cells: Sequence[Group], seen: Sequence[Group]) -> GateResult:
    paid = [cell.values(gate.measure) for cell in seen]
    total, attempts = sum(map(math.fsum, paid)), sum(map(len, paid))
    seen_text = f"{gate.name} is {quantity(gate.measure, total)} in all of {count(attempts, 'attempt')} in {_share_of_cells(seen, cells)}"
    return _with_unpriced(gate, gate.crossed(total, total), seen_text, cells)


def _with_unpriced(gate: Gate, crossed: bool | None, seen_text: str, cells: Sequence[Group]) -> GateResult:
    """The result of a gate on cost. An unknown cost may be any amount: then the budget is crossed, or cannot be decided."""
    unpriced = sum(cell.tally.unpriced for cell in cells) if gate.name == "cost" else 0
    if not unpriced:
        return GateResult(gate, crossed, seen_text)
    return GateResult(gate, crossed or None, f"{seen_text}, and that of {count(unpriced, 'attempt')} is not known")


def rate_ends(gate: Gate, passed: int, judged: int) -> Interval:
    """The exact interval of the rate of these cases, whose attempts are independent; the rate itself for a gate without a confidence."""
    if gate.confidence is None:
        return passed / judged, passed / judged
    from harness.compare.stats.rates import clopper_pearson

    return clopper_pearson(passed, judged, gate.interval_confidence)


def _interval_text(gate: Gate, ends: Interval | None) -> str:
    if gate.confidence is None or ends is None:
        return ""
    return f" ({' to '.join(quantity(gate.measure, end) for end in ends)} at {gate.confidence:.6g}%)"


def _cells(cells: Sequence[Group]) -> str:
    return count(len(cells), "cell")


def _share_of_cells(seen: Sequence[Group], cells: Sequence[Group]) -> str:
    return _cells(cells) if len(seen) == len(cells) else f"{len(seen):,} of {_cells(cells)}"
