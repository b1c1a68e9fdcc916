"""The words and numbers that every format shares."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.errors import NOT_AVAILABLE
from harness.model import Json, Place, Status, Verdict
from harness.report import Report, View
from harness.results.groups import FirstFailure, Group, total_of
from harness.results.rows import GateRow, RunRow, dumps
from harness.results.summary import Summary
from harness.text.amounts import count, dollars, some, with_status
from harness.text.grouping import grouped

LABELS = {
    "thoughtsTokenCount": "thoughts",
    "promptTokenCount": "prompt",
    "candidatesTokenCount": "candidates",
    "totalTokenCount": "tokens",
    "ttft_s": "ttft s",
    "latency_s": "latency s",
    "gap_s": "gap s",
    "cost_usd": "cost $",
    "cost_as_usd": "as $",
    "pass_rate": "pass rate",
    "retries": "retries",
    "judge_score": "score",
    "similarity": "similarity",
    "judge_cost_usd": "judging $",
    "judge_requests": "requests of checks",
}
SHORT = {label.split()[0]: measure for measure, label in LABELS.items()}
"""The names of measures on the command line."""
MARKS: dict[Status, str] = {
    "passed": "pass",
    "failed": "FAIL",
    "error": "ERROR",
    "skipped": "skip",
    "xfailed": "xfail",
    "xpassed": "XPASS",
}
SIMULATED = "some or all of these answers are SIMULATED"
"""The note on a comparison, shown where its other notes may be left out."""
WRONG: frozenset[Status] = frozenset({"failed", "error", "xpassed"})


def verdict(group: Group) -> str:
    """``pass``, ``FAIL 2/5``, ``pass 4/5 flaky``; ``seen 2/5`` for a group that is only observed; ``n/a`` for one that its provider's
    dialect cannot express (see ``errors.NotAvailable``)."""
    gap = group.status == "skipped" and (group.skip or "").startswith(NOT_AVAILABLE)
    mark = "n/a" if gap else "seen" if group.require == 0 and group.status == "passed" else MARKS[group.status]
    if group.attempts > 1 or (group.require == 0 and group.attempts):
        mark += f" {group.passed}/{group.attempts}"
    return mark + (" flaky" if group.flaky else "")


def label(measure: str) -> str:
    return LABELS.get(measure, measure)


def measured(measure: str, value: float | None) -> str:
    """A value of a measure; ``-`` where it is not known. Seconds have two or three significant digits."""
    if value is None:
        return "-"
    if measure.endswith("_s"):
        return f"{value:,.{3 if value and abs(value) < 0.1 else 2 if abs(value) < 10 else 1}f}"
    if measure in ("cost_usd", "cost_as_usd", "judge_cost_usd"):
        return dollars(value)
    if measure == "similarity":
        return f"{value:.3f}"
    if measure == "pass_rate":
        return f"{value:.0%}"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}"


def cell(group: Group, name: str) -> list[str]:
    """A measure or a check of a group, in pieces: ``2.5``; ``3/5 cut 1`` and ``fence 1``; ``missing key 1`` where no attempt passed.

    Empty if it has neither.
    """
    if name == "warnings":
        return [f"{group.tally.warnings:,}"] if group.tally.warnings else []
    value = group.typical(name)
    if value is not None:
        return [measured(name, value)]
    found = group.outcomes(name)
    if found is None:
        return []
    held, judged, numbers = found
    by_number = sorted(numbers.items(), key=lambda item: -item[1])
    reasons = [f"{shortened(reason, 30)} {number}" for reason, number in by_number]
    if held or not reasons:
        return [" ".join([f"{held}/{judged}", *reasons[:1]]), *reasons[1:]]
    return reasons


def value(value: Json, limit: int | None = 200) -> str:
    """A JSON value on one line, cut in the middle where it is longer than ``limit``."""
    return shortened(dumps(value), limit)


def shortened(text: str, limit: int | None) -> str:
    """The text on one line. If it is longer than ``limit`` columns: its beginning, its length and its end. None: unchanged."""
    if limit is None:
        return text
    text = printable(" ".join(text.split()) if "\n" in text else text)
    if width(text) <= limit:
        return text
    note = f" ... ({len(text):,} characters) ... "
    room = max(limit - len(note), 12)
    return clipped(text, room * 2 // 3) + note + text[-(room // 3) :]


def one_line(message: str, limit: int) -> str:
    """A message on one line, shortened; a semicolon ends each line that has no mark at its end."""
    return shortened(re.sub(r"(?<=[^\s.,:;])\n\s*", "; ", message), limit)


def clipped(text: str, limit: int) -> str:
    """The beginning of the text that fits in ``limit`` columns."""
    used = 0
    for index, character in enumerate(text):
        used += width(character)
        if used > limit:
            return text[:index]
    return text


def printable(text: str) -> str:
    """The text with control characters as escapes, so that an answer cannot control the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def width(text: str) -> int:
    """How many columns the text takes on a terminal. Wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth, wcwidth

    columns = wcswidth(text)
    return columns if columns >= 0 else sum(max(wcwidth(character), 0) for character in text)


def place(where: Place) -> str:
    return f"{where.file}:{where.line}"


def where(group: Group) -> Place:
    """The line of the failed expectation, else that of the case."""
    row = group.trouble.verdict if group.trouble else None
    return row.place or group.place if row and group.status == "failed" else group.place


def expected_and_actual(row: Verdict, limit: int | None = 200) -> tuple[str, str, str]:
    """(message, expected, actual) of a mismatch; empty strings are not shown. ``limit``: characters; None: not shortened."""
    twice = None if limit is None else limit * 2
    found = re.fullmatch(r"expected (.*?), got (.*)", row.message, re.DOTALL)
    if found:
        return "", shortened(found[1], limit), shortened(found[2], limit)
    if row.expected is None and row.actual is None:
        return shortened(row.message, twice), "", ""
    return shortened(row.message, twice), value(row.expected, limit), value(row.actual, limit)


def why(group: Group) -> str:
    """Why the group has its status, in a line; in another, what an earlier turn failed before an error."""
    if group.status == "xpassed":
        return f"was expected to fail ({group.xfail}) but did not: take the xfail away"
    trouble = group.trouble
    first = "" if only_modes_disagree(group) else (group.skip or "") if trouble is None else reason(trouble)
    return "; ".join(filter(None, [first, disagreement(group)]))


def only_modes_disagree(group: Group) -> bool:
    """Whether the group failed only because unary and stream disagree: enough of its attempts passed."""
    return group.status == "failed" and not group.agrees and group.passed >= group.needed


def disagreement(group: Group) -> str:
    """What unary and stream disagree on, if the group failed; else empty."""
    if group.status != "failed" or group.agrees:
        return ""
    share = f" in {group.tally.disagreed} of {group.tally.pairs} pairs" if group.tally.pairs > 1 else ""
    return f"unary and stream disagree{share}: {group.disagreement}"


def reason(trouble: FirstFailure) -> str:
    """The first mismatch on one line: ``text: expected 'a', got 'b'``."""
    row = trouble.verdict
    if row is None and trouble.before is not None:
        return f"{printable(trouble.message)}\nbefore that, {_mismatch(trouble.before)}"
    return printable(trouble.message) if row is None else _mismatch(row)


def _mismatch(row: Verdict) -> str:
    at = f" {row.at}" if row.at and row.at != row.check else ""
    message = row.message or f"expected {value(row.expected)}, got {value(row.actual)}"
    return printable(f"{row.check}{at}: {message}")


def needs(group: Group) -> str:
    """``2/5 passed, needs all``; empty for a single attempt."""
    if group.attempts <= 1:
        return ""
    wanted = "all" if group.require is None else f"{group.needed}"
    return f"{group.passed}/{group.attempts} passed, needs {wanted}"


def provenance(summary: Summary) -> str:
    """The sources of the answers, in a line. Simulated answers are always marked."""
    sources_by_mode: dict[tuple[str, bool], list[str]] = {}
    dates: dict[tuple[str, bool], list[str]] = {}
    for (mode, source, simulated), days in summary.provenance.items():
        sources_by_mode.setdefault((mode, simulated), []).append(source)
        dates.setdefault((mode, simulated), []).extend(days)
    parts = [_source_text(*key, sources, sorted(dates[key])) for key, sources in sources_by_mode.items()]
    if summary.lost_timing:
        parts.append(f"timing lost in {count(summary.lost_timing, 'recording')}")
    return "; ".join(parts) or "no answers"


def _source_text(mode: str, simulated: bool, sources: Sequence[str], days: Sequence[str]) -> str:
    mark = " (SIMULATED answers)" if simulated else ""
    if mode == "live":
        return f"live from {', '.join(sources)}{mark}"
    when = "" if not days else f" {days[0]}" if days[0] == days[-1] else f" {days[0]} to {days[-1]}"
    return f"replayed; recorded from {', '.join(sources)}{mark}{when}"


def simulated(summary: Summary) -> bool:
    return any(simulated for _, _, simulated in summary.provenance)


def totals(counts: Mapping[Status, int]) -> str:
    """``12 passed, 2 errors``; ``nothing ran`` if all counts are 0."""
    return ", ".join(with_status(number, status) for status, number in counts.items() if number) or "nothing ran"


def trials(summary: Summary) -> str:
    """``5 trials``; ``150 trials in 30 groups`` where groups have several."""
    groups = f" in {count(len(summary.groups), 'group')}" if summary.trials != len(summary.groups) else ""
    return f"{count(summary.trials, 'trial')}{groups}"


def rerun(group: Group, run: RunRow) -> str:
    """The command that plays this group again with the options of the run: ``--live``, cassettes, repeats, variables ..."""
    return command("run", group.place.file, "-k", group.id, *_same_options(run))


def whole_report(report: Report, view: View) -> str:
    """The command that shows the whole report in the format of the view."""
    chosen = [] if view.format == "table" else ["--format", view.format]
    return command("report", report.run["id"], *chosen, "-v")


def same_command(run: RunRow, *more: str) -> str:
    """The command that plays the suites of a run again with its selection, and with ``more`` options."""
    chosen, began = run["selection"], run.get("options", {})
    paths = began.get("paths", []) if "options" in run else [row["file"] for row in run["suites"]]
    found = [*paths, *(["-k", chosen["keywords"]] if chosen.get("keywords") else [])]
    names = {"tag": "tags", "target": "targets", "provider": "providers", "model": "models"}
    found += given(**{option: chosen.get(name) for option, name in names.items()})
    if shard := chosen.get("shard"):
        found += ["--shard", "/".join(map(str, shard))]
    return command("run", *found, *_same_options(run), *more)


def _same_options(run: RunRow) -> Iterator[str]:
    if run["record_mode"] == "live":
        yield "--live"
    chosen = run["selection"]
    yield from given(cassettes=chosen.get("cassettes"), repeat=chosen.get("repeat"))
    if chosen.get("strict"):
        yield "--strict"
    yield from given(var=chosen.get("var"))


def given(**options: object) -> Iterator[str]:
    """``--name value`` of each option that has a value; of one with a list, for each value in it."""
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            yield from (f"--{name}", str(one)) if one else ()


def command(*words: str) -> str:
    """A command of this program, quoted for a shell."""
    return " ".join(["gemini-harness", *map(shlex.quote, words)])


def cost_of(groups: Sequence[Group]) -> str:
    """What these groups cost: ``>0.25`` if the cost of some attempts is not known, ``-`` if that of all is not."""
    paid = total_of(groups, "cost_usd")
    unknown = any(group.tally.unpriced for group in groups)
    return f"{'>' if unknown and paid is not None else ''}{measured('cost_usd', paid)}"


def cost(summary: Summary, prices: str | None) -> str:
    """What a run cost at the price list of that name, in a line; empty if no cost is known."""
    known = summary.cost(prices)
    if known["usd"] is None:
        return ""
    least = f"at least (unknown in {count(known['unknown'], 'trial')}) " if known["unknown"] else ""
    made_up = ", for tokens that were SIMULATED" if simulated(summary) else ""
    source = f"the prices of {known['prices']}" if known["prices"] else "list prices"
    return f"cost {least}${dollars(known['usd'])} at {source}{made_up}"


def price_as(report: Report) -> str:
    """What the same tokens would have cost on another model, in a line; empty if that was not asked for."""
    other = report.price_as
    if other is None:
        return ""
    unknown = f" (unknown in {count(other.why.total(), 'trial')}: {', '.join(other.why)})" if other.why else ""
    if not other.known:
        return f"as $: the same tokens on {other.model} have no known cost{unknown}"
    searches = f"{other.searches:,} Google search{'' if other.searches == 1 else 'es'}"
    fees = f", with ${dollars(other.fees)} for {searches} that it may not make" if other.searches else ""
    made_up = ", for tokens that were SIMULATED" if simulated(report.summary) else ""
    return f"as $: the same tokens on {other.model}, at its prices of {other.day}: ${dollars(other.usd)}{fees}{made_up}{unknown}"


def incomplete(report: Report) -> str:
    """Why the run is not complete; empty if it finished."""
    return "still being played" if report.playing else "interrupted" if report.interrupted else ""


def asked_by_checks(groups: Collection[Group]) -> Iterator[str]:
    """What checks asked models, apart from the cases: how often, for how much, and how far the judge agrees with itself."""
    requests = total_of(groups, "judge_requests")
    if not requests:
        return
    cost = total_of(groups, "judge_cost_usd")
    sizes = [sum(len(group.values(name)) for group in groups) for name in ("judge_requests", "judge_cost_usd")]
    price = "an unknown cost" if not cost else f"{'' if sizes[0] == sizes[1] else 'at least '}${dollars(cost)}"
    times = "once" if requests == 1 else f"{requests:,.0f} times"
    yield f"checks asked models {times}, for {price} beside the cost of the cases"
    scores = [found for group in groups if len(found := [*group.values("judge_score")]) > 1]
    if scores:
        same = sum(max(found) == min(found) for found in scores)
        widest = max(max(found) - min(found) for found in scores)
        spread = f", at most {widest:g} apart" if widest else ""
        yield f"the judge gave all repeats one score in {same} of {count(len(scores), 'group')}{spread}"


def remarks(report: Report) -> list[str]:
    """Notes below the verdicts: dropped pairs, known failures, waivers, unknown costs, warnings."""
    summary = report.summary
    groups = summary.groups.values()
    lines = [*report.run["notes"], *report.notes, *asked_by_checks(groups)]
    if retries := total_of(groups, "retries"):
        lines.append(
            f"requests were sent again {retries:,.0f} x, since the server was busy or refused them for a while"
        )
    lost = [
        (cell.id, one_line(cell.problem.message, 200)) for cell in groups if cell.problem and cell.status != "error"
    ]
    lines += _for_reasons("some attempts could not be judged, and count as not passed", lost)
    lines += _for_reasons(
        "expected to fail", [(group.id, group.xfail) for group in groups if group.status == "xfailed"]
    )
    lines += _for_reasons("skipped", [(group.id, group.skip) for group in groups if group.status == "skipped"])
    for check, reasons in summary.waived.items():
        lines += [
            f"waived {check.removeprefix('invariant:')} {times:,} x: {reason}" for reason, times in reasons.items()
        ]
    for reason, times in summary.unpriced.items():
        lines.append(f"cost unknown in {count(times, 'trial')}: {reason}")
    for check, times in summary.warnings.most_common():
        lines.append(f"warning {check.removeprefix('invariant:')} {times:,} x")
    return lines


def gates(results: Sequence[GateRow]) -> list[str]:
    """A line for each gate; the gates of a suite that were not asked share one."""
    return [*(f"gate {gate(row)}: {row['message']}" for row in results if row["asked"]), *gates_not_asked(results)]


def gates_not_asked(results: Sequence[GateRow]) -> list[str]:
    """A line for the gates of each suite that were not asked."""
    numbers = Counter((row["suite"], row["message"]) for row in results if not row["asked"])
    return [f"{count(number, 'gate')} of {suite}: {message}" for (suite, message), number in numbers.items()]


def gate_counts(results: Sequence[GateRow]) -> str:
    """``, 1 gate crossed``, to follow the totals; empty if all gates hold."""
    asked = [row["crossed"] for row in results if row["asked"]]
    numbers = {"crossed": asked.count(True), "cannot be answered": asked.count(None)}
    return "".join(f", {count(number, 'gate')} {how}" for how, number in numbers.items() if number)


def gate(results: GateRow) -> str:
    """``latency may be at most 2 s``, with its suite in brackets."""
    return results["gate"] + (f" ({results['suite']})" if results["suite"] else "")


def _for_reasons(what: str, cases: Sequence[tuple[str, str | None]]) -> list[str]:
    """A line for each reason, with the first group that has it and the number of others."""
    by_reason = grouped(cases, lambda case: case[1] or "no reason given")
    return [f"{what}: {some([group for group, _ in same], 1)}: {reason}" for reason, same in by_reason.items()]
