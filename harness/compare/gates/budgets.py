"""The budgets of a run: those of its suites, if all trials of the suite were played, and those of the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.compare.gates.gate import Gate, GateResult
from harness.compare.gates.level import evaluate_level
from harness.compare.gates.parse import from_option, from_suite
from harness.errors import NOT_AVAILABLE, first
from harness.results.groups import Tally
from harness.results.rows import GateRow, RunRow, SuiteRow
from harness.results.summary import Summary


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


def exit_code(summary: Summary, gates: Sequence[GateRow], *, interrupted: bool = False) -> int:
    """The exit code of a run with these gate results.

    A gate that was not asked changes nothing. In particular, it forgives no failed cell.
    """
    asked = [gate for gate in gates if gate["asked"]]
    rates = {gate["suite"] for gate in asked if gate["name"] == "pass_rate"}
    suites = {group.suite for group in summary.groups.values()}
    code = summary.exit_code(interrupted=interrupted, by_rate=suites if None in rates else suites & rates)
    if code == 5:
        return code
    return first([code, *(1 if gate["crossed"] else 7 for gate in asked if gate["crossed"] is not False)])
