"""What a run is held to by itself: the budgets of its suites, each where all of that suite was played, and those of the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.compare.gates.gate import Gate, GateResult, unasked
from harness.compare.gates.level import held
from harness.compare.gates.parse import from_option, from_suite
from harness.errors import first
from harness.results.rows import GateRow, RunRow, SuiteRow
from harness.results.summary import Summary


def budgets(suites: Iterable[SuiteRow]) -> list[Gate]:
    """The gates of these suites that need no second side. Raises UsageError for a limit that makes no sense."""
    return [gate for row in suites for gate in from_suite(row.get("gate", {}), row["suite"]) if gate.alone]


def answered(said: Iterable[str], run: RunRow, summary: Summary) -> list[GateRow]:
    """The gates ``said`` as ``--gate`` says them, over all that was played, and the budgets of the run's suites. Raises UsageError."""
    answers = [held(from_option(each), summary.groups.values()) for each in said]
    for suite in run["suites"]:
        answers += _of_suite(suite, run, summary)
    return [each.to_json() for each in answers]


def _of_suite(suite: SuiteRow, run: RunRow, summary: Summary) -> Iterator[GateResult]:
    """No answers where keywords or tags chose nothing of the suite: that goes without saying."""
    asked = budgets([suite])
    groups = [group for group in summary.groups.values() if group.suite == suite["suite"]] if asked else []
    chosen = run["selection"]
    if not groups and (chosen.get("keywords") or chosen.get("tags")):
        return
    why = not_asked(suite, sum(group.attempts for group in groups), sharded=chosen.get("shard") is not None)
    for gate in asked:
        yield unasked(gate, why) if why else held(gate, groups)


def parts(run: RunRow, summary: Summary) -> Mapping[str, str]:
    """Suite -> why a candidate that is taken from this run is not held to its budgets; those that are held are left out.

    Where the run does not say how many trials of a suite there are to play (it had no budgets then, or pytest was killed), what
    counts is whether all of the run is there.
    """
    played = Counter[str]()
    for asked, tally in zip(summary.groups.settings, summary.groups.tallies, strict=True):
        played[asked.suite] += tally.attempts
    where, sharded = f"run {run['id']}", run["selection"].get("shard") is not None
    planned = run.get("planned", 0)
    cut = f"{summary.trials:,} of the {planned:,} trials that were to be played are in {where}"
    whys: dict[str, str | None] = dict.fromkeys(played, cut if summary.trials < planned else None)
    for suite in run["suites"]:
        if "trials" in suite:
            whys[suite["suite"]] = not_asked(suite, played[suite["suite"]], sharded=sharded, where=where)
    return {suite: why for suite, why in whys.items() if why}


def not_asked(suite: SuiteRow, played: int, *, sharded: bool, where: str = "this run") -> str | None:
    """Why a suite of which so many trials were played is not held to its budgets; None where it is."""
    whole = suite.get("trials", 0)
    if not whole:
        return "the suite skips all of its trials"
    if played >= whole:
        return None
    later = "; gemini-harness merge asks of all shards" if sharded else ""
    return f"{played:,} of the suite's {whole:,} trials are in {where}{later}"


def exit_code(summary: Summary, gates: Sequence[GateRow], *, interrupted: bool = False) -> int:
    """Of a run that was held to these gates. One that was not asked changes nothing: it forgives no cell either."""
    asked = [each for each in gates if each["asked"]]
    rates = {each["suite"] for each in asked if each["name"] == "pass_rate"}
    suites = {group.suite for group in summary.groups.values()}
    code = summary.exit_code(interrupted=interrupted, by_rate=suites if None in rates else suites & rates)
    if code == 5:
        return code
    return first([code, *(1 if each["crossed"] else 7 for each in asked if each["crossed"] is not False)])
