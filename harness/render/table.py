"""For a terminal: a block per suite, a cell per case and column; below it what went wrong, and where it came from.

Plain text. Never wider than the view where that can be helped: headers fold at hyphens, and columns that do not fit go
into a further block of the same rows.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from harness.compare import Comparison, Flip
from harness.differences import Difference, change, sentence
from harness.render import Report, View, layout, output, words
from harness.render.layout import Column, Grid
from harness.rows import RunRow
from harness.summary import Group
from harness.trend import Answer, History, Line

if TYPE_CHECKING:
    from harness.audit import Audit, Finding
    from harness.migration import Migration
    from harness.sweeps import Point, Sweep, Sweeps

_GAP = 2
_COLORS = {"pass": "32", "seen": "32", "FAIL": "31", "ERROR": "35", "XPASS": "31", "xfail": "33", "skip": "33"}


@output("table", of="run")
def table(report: Report, view: View, out: TextIO) -> None:
    """The comparison table, for a terminal."""
    out.writelines(f"{line}\n" for line in _lines(report, view))


def _lines(report: Report, view: View) -> Iterator[str]:
    if not view.quiet:
        for suite, groups in report.summary.by_suite():
            yield from _suite(suite, groups, words.about(report, suite), view)
    yield from _failures(report, view)
    if not view.quiet:
        yield from _remarks(report, view)
        yield from _targets(report, view)
    yield from _ending(report, view)


# --- one suite ----------------------------------------------------------------------------------------


def _suite(suite: str, groups: Sequence[Group], about: str, view: View) -> Iterator[str]:
    provider = layout.one_provider(groups)
    yield f"{suite} at {provider}" if provider else suite
    yield from _wrapped(about, view, "")
    yield ""
    for grid in layout.grids(groups):
        drawn = _flat(grid, provider, view) if len(grid.columns) == 1 else _stacked(grid, provider, view)
        yield from drawn
        yield ""
    said = list(differences(groups, provider))
    yield from _listed(said, view)
    if said:
        yield ""


def _flat(grid: Grid, provider: str | None, view: View) -> Iterator[str]:
    """One column: the measures lie beside the verdict."""
    groups = [group for case in grid.cases for group in grid.row(case)]
    measures = layout.shown(view.measures, groups)
    warned = any(group and group.warnings for group in groups)
    header = ["case", "verdict", *map(words.label, measures), *(["warnings"] if warned else [])]
    yield column_name(grid.columns[0], provider)
    yield from _fitted(header, [_flat_row(case, grid, measures, warned=warned) for case in grid.cases], view)


def _flat_row(case: str, grid: Grid, measures: Sequence[str], *, warned: bool) -> list[str]:
    group = grid.cells[case, grid.columns[0]]
    numbers = [words.measured(each, group.typical(each)) for each in measures]
    return [case, words.verdict(group), *numbers, *([str(group.warnings or "")] if warned else [])]


def _fitted(header: list[str], rows: list[list[str]], view: View) -> Iterator[str]:
    """A table whose first column folds so that the rest fits."""
    rest = sum(max(words.width(row[index]) for row in [header, *rows]) + _GAP for index in range(1, len(header)))
    yield from _drawn([header], _folded_first(rows, max(view.width - rest, 20)), view)


def column_name(column: Column, provider: str | None) -> str:
    """The target, without its provider where that goes without saying, and the axis values."""
    return " ".join([_short(column.target, provider), *(f"{name}={value}" for name, value in column.axes)])


def _short(target: str, provider: str | None) -> str:
    return target.removeprefix(f"{provider}/") if provider else target


def _folded_first(rows: Sequence[list[str]], limit: int) -> list[list[str]]:
    """A long first cell goes on in the lines below it."""
    folded = []
    for first, *rest in rows:
        lines = layout.folded(first, limit - 2) if words.width(first) > limit else [first]
        folded.append([lines[0], *rest])
        folded += [[f"  {line}", *([""] * len(rest))] for line in lines[1:]]
    return folded


def _stacked(grid: Grid, provider: str | None, view: View) -> Iterator[str]:
    """Several columns: the measures lie below the verdict, their names in the first column; a target's name over its columns."""
    body = [line for case in grid.cases for line in _case(case, grid, view)]
    longest = max(words.width(line[0]) for line in body)
    first = max(min(longest, max(view.width * 2 // 5, 24)), *map(len, grid.axes), 4)
    for number, block in enumerate(_blocks(grid, provider, body, view.width - first)):
        if number:
            yield ""
        yield from _block(grid, block, body, first, view)


def _case(case: str, grid: Grid, view: View) -> Iterator[list[str]]:
    groups = grid.row(case)
    yield [case, *(words.verdict(group) if group else "" for group in groups)]
    for measure in layout.shown(view.measures, groups):
        values = [words.measured(measure, group.typical(measure)) if group else "" for group in groups]
        yield [f"  {words.label(measure)}", *values]
    if any(group and group.warnings for group in groups):
        yield ["  warnings", *(str(group.warnings) if group and group.warnings else "" for group in groups)]


@dataclass(frozen=True, slots=True)
class _Head:
    """Neighbouring columns of one target: their indices and widths, and the lines of the name above them."""

    name: Sequence[str]
    columns: Sequence[int]
    widths: Sequence[int]

    @property
    def width(self) -> int:
        return sum(self.widths) + _GAP * (len(self.widths) - 1)


def _blocks(grid: Grid, provider: str | None, body: Sequence[Sequence[str]], room: int) -> list[list[_Head]]:
    """What stands side by side: names fold no more than it takes to have one block; a target's columns stay together."""
    cells = [_widest(grid, index, body) for index in range(len(grid.columns))]
    runs = [run for target in _targets_of(grid) for run in _runs(target, cells, room)]
    names = [_short(grid.columns[run[0]].target, provider) for run in runs]
    for limit in (max(map(words.width, names)), 24, 16, 12):
        heads = [_head(name, run, cells, limit) for name, run in zip(names, runs, strict=True)]
        blocks = list(_side_by_side(heads, room))
        if len(blocks) == 1:
            break
    return blocks


def _targets_of(grid: Grid) -> list[list[int]]:
    """The columns of each target."""
    found: dict[str, list[int]] = {}
    for index, column in enumerate(grid.columns):
        found.setdefault(column.target, []).append(index)
    return list(found.values())


def _runs(columns: Sequence[int], cells: Sequence[int], room: int) -> Iterator[list[int]]:
    """One target's columns, in as many runs as the width makes necessary."""
    run: list[int] = []
    for index in columns:
        if run and sum(cells[each] + _GAP for each in [*run, index]) > room:
            yield run
            run = []
        run.append(index)
    yield run


def _head(name: str, columns: Sequence[int], cells: Sequence[int], limit: int) -> _Head:
    widths = [cells[index] for index in columns]
    span = sum(widths) + _GAP * (len(widths) - 1)
    lines = layout.folded(name, max(limit, span))
    short = max(map(words.width, lines)) - span
    for at in range(short):
        widths[at % len(widths)] += 1
    return _Head(lines, columns, widths)


def _side_by_side(heads: Sequence[_Head], room: int) -> Iterator[list[_Head]]:
    block: list[_Head] = []
    for head in heads:
        if block and sum(each.width + _GAP for each in [*block, head]) > room:
            yield block
            block = []
        block.append(head)
    yield block


def _widest(grid: Grid, index: int, body: Sequence[Sequence[str]]) -> int:
    values = [words.width(value) for _, value in grid.columns[index].axes]
    return max([words.width(line[index + 1]) for line in body] + values)


def _block(grid: Grid, block: Sequence[_Head], body: Sequence[Sequence[str]], first: int, view: View) -> Iterator[str]:
    span = [index for head in block for index in head.columns]
    widths = [width for head in block for width in head.widths]
    header = [[axis, *(grid.columns[index].axes[at][1] for index in span)] for at, axis in enumerate(grid.axes)]
    asked = [[line[0], *(line[index + 1] for index in span)] for line in body if any(line[index + 1] for index in span)]
    rows = _folded_first(asked, first)
    rows[0] = [
        rows[0][0],
        *(" " * (width - words.width(cell)) + cell for cell, width in zip(rows[0][1:], widths, strict=True)),
    ]
    drawn = list(_drawn(header, rows, view))
    margin = len(drawn[len(header)].partition(" ")[0])
    yield from _names(block, margin)
    yield from drawn


def _names(block: Sequence[_Head], margin: int) -> Iterator[str]:
    """The targets' names, each in the middle above its columns, the last lines level."""
    tallest = max(len(head.name) for head in block)
    for line in range(tallest):
        cells = [_middle(head, line - tallest + len(head.name)) for head in block]
        yield (" " * _GAP).join([("case" if line == tallest - 1 else "").ljust(margin), *cells]).rstrip()


def _middle(head: _Head, line: int) -> str:
    text = head.name[line] if line >= 0 else ""
    room = head.width - words.width(text)
    left = room if len(head.columns) == 1 else (room + 1) // 2
    return " " * left + text + " " * (room - left)


def _drawn(header: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], view: View) -> Iterator[str]:
    from tabulate import SEPARATING_LINE, tabulate

    painted = [[row[0], *(_painted(cell, view) for cell in row[1:])] for row in rows]
    text = tabulate(
        [*header, SEPARATING_LINE, *painted] if header else painted,
        tablefmt="simple",
        disable_numparse=True,
        colalign=("left", *["right"] * (len(rows[0]) - 1)),
        preserve_whitespace=True,
    )
    yield from (line.rstrip() for line in text.splitlines()[1 if header else 0 : -1])


def _painted(cell: str, view: View) -> str:
    color = _COLORS.get(cell.partition(" ")[0]) if view.color else None
    return f"\x1b[{color}m{cell}\x1b[0m" if color else cell


# --- below the tables ---------------------------------------------------------------------------------


def differences(groups: Sequence[Group], provider: str | None) -> Iterator[str]:
    """Where unary and stream, or columns, do not say the same of a case."""
    for group in groups:
        if group.disagreed:
            share = f" in {group.disagreed} of {group.pairs} pairs" if group.pairs > 1 else ""
            where = f"{group.case} on {_short(group.target, provider)}"
            yield f"{where}: unary and stream disagree{share}: {group.disagreement}"
    told = {group.case for group in groups if group.disagreed}
    for grid in layout.grids(groups):
        for case in grid.cases:
            said = [
                (column_name(column, provider), words.MARKS[group.status])
                for column, group in zip(grid.columns, grid.row(case), strict=True)
                if group
            ]
            if case not in told and len({mark for _, mark in said}) > 1:
                yield f"{case}: " + "; ".join(_by_mark(said))


def _by_mark(said: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The rarer verdicts with the columns that have them; the commonest may be the rest."""
    names: dict[str, list[str]] = {}
    for name, mark in said:
        names.setdefault(mark, []).append(name)
    *rarer, (most, others) = sorted(names.items(), key=lambda each: len(each[1]))
    yield from (f"{mark} on {', '.join(each)}" for mark, each in rarer)
    yield f"{most} on {', '.join(others)}" if len(others) < 3 else f"{most} on the other {len(others)}"


def _failures(report: Report, view: View) -> Iterator[str]:
    """What went wrong, group by group; those that could not be judged for one and the same reason once."""
    wrong: dict[object, list[Group]] = {}
    for group in report.summary.groups.values():
        if group.status in words.WRONG:
            same = group.trouble.message if group.status == "error" and group.trouble else ""
            wrong.setdefault(same or group.id, []).append(group)
    for first, *others in list(wrong.values())[: view.details]:
        yield from _failure(first, report.run, view)
        if others:
            shown = ", ".join(group.id for group in others[:3]) + (", ..." if len(others) > 3 else "")
            yield from _wrapped(f"the same for {len(others):,} more: {shown}", view, "  ")
        yield ""
    if view.details is not None and len(wrong) > view.details:
        yield f"and {len(wrong) - view.details:,} more: gemini-harness report {report.run['id']} -v"
        yield ""


def _failure(group: Group, run: RunRow, view: View) -> Iterator[str]:
    mark = words.MARKS[group.status]
    needs = words.needs(group)
    yield f"{_painted(mark, view)} {group.id}" + (f"  {needs}" if needs else "")
    trouble = group.trouble
    limit = max(view.width - 14, 40)
    if group.status == "xpassed" or trouble is None or (group.status == "failed" and not group.agrees):
        yield f"  {words.place(group.place)}"
        yield from _wrapped(words.why(group), view, "    ")
    elif trouble.verdict is None:
        yield f"  {words.place(group.place)}"
        for line in trouble.message.splitlines():
            yield f"    {words.printable(line)}"
    else:
        row = trouble.verdict
        at = f"  {words.shortened(row['at'], 60)}" if row["at"] and row["at"] != row["check"] else ""
        yield f"  {words.place(words.where(group))}  {row['check']}{at}"
        said, expected, actual = words.wanted_and_got(row, limit)
        yield from _wrapped(said, view, "    ")
        if expected or actual:
            yield f"    expected  {expected}"
            yield f"    actual    {actual}"
    if trouble is not None and trouble.more:
        yield f"    and {trouble.more} more in this attempt"
    yield f"  again: {words.rerun(group, run)}"


def _wrapped(text: str, view: View, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        max(view.width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(said: Sequence[str], view: View) -> Iterator[str]:
    for each in said:
        lines = textwrap.wrap(
            words.printable(each),
            max(view.width, 40),
            initial_indent="* ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from lines


def _remarks(report: Report, view: View) -> Iterator[str]:
    said = words.remarks(report)
    if said:
        yield "Notes"
        yield from _listed(said, view)
        yield ""


_TALLIES: Sequence[tuple[str, Callable[[Sequence[Group]], str]]] = (
    ("tokens", lambda groups: words.measured("totalTokenCount", words.whole(groups, "totalTokenCount"))),
    ("thoughts", lambda groups: words.measured("thoughtsTokenCount", words.whole(groups, "thoughtsTokenCount"))),
    ("cost $", words.spent),
    ("latency s", lambda groups: words.measured("latency_s", words.middle(groups, "latency_s"))),
)


def _targets(report: Report, view: View) -> Iterator[str]:
    header, rows = summary_rows(report)
    if rows:
        yield from _fitted(header, rows, view)
        yield ""


def summary_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """(header, a row per target): groups by the statuses that occur, all tokens, what they cost, the median latency."""
    by_target = list(report.summary.by_target())
    counted = {target: _counted(groups) for target, groups in by_target}
    totals = report.summary.totals()
    statuses = [status for status, number in totals.items() if number or status == "passed"]
    reckoned = any(group.unpriced or "cost_usd" in group.measures for _, groups in by_target for group in groups)
    tallies = [each for each in _TALLIES if reckoned or each[1] is not words.spent]
    header = ["target", *statuses, *(name for name, _ in tallies)]
    rows = [
        [
            target,
            *(f"{counted[target].get(status, 0):,}" for status in statuses),
            *(tally(groups) for _, tally in tallies),
        ]
        for target, groups in by_target
    ]
    return header, rows


def _counted(groups: Sequence[Group]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        counts[group.status] = counts.get(group.status, 0) + 1
    return counts


def _ending(report: Report, view: View) -> Iterator[str]:
    summary = report.summary
    if any(group.attempts > 1 for group in summary.groups.values()):
        yield "Numbers in a cell are medians of its attempts."
    yield from _wrapped(words.provenance(summary), view, "")
    yield from _wrapped(words.cost(report), view, "") if words.cost(report) else ()
    took = "" if report.seconds is None else f" in {report.seconds:.2f} s"
    cut = "interrupted: " if report.interrupted else ""
    yield f"{cut}{words.totals(summary.totals())} ({words.count(summary.trials, 'trial')}){took}; run {report.run['id']}"


# --- a comparison -------------------------------------------------------------------------------------


@output("table", of="comparison")
def comparison_table(comparison: Comparison, view: View, out: TextIO) -> None:
    """What differs between two sides, for a terminal."""
    out.writelines(f"{line}\n" for line in _compared(comparison, view))


def _compared(comparison: Comparison, view: View) -> Iterator[str]:
    yield f"reference  {comparison.reference}"
    yield f"candidate  {comparison.candidate}"
    yield ""
    yield f"{words.count(len(comparison.flips), 'flip')} in {words.count(len(comparison.paired), 'cell')}"
    for flip in comparison.flips[: view.details]:
        yield from _flip(flip, view)
    if len(comparison.flips) > len(comparison.flips[: view.details]):
        yield f"  and {len(comparison.flips[view.details :]):,} more; -v shows all"
    yield ""
    if comparison.differences:
        yield from _fitted(DIFFERENCE_HEADER, difference_rows(comparison), view)
        yield ""
        yield from _listed(list(explained(comparison)), view)
        yield ""
        header, rows = suite_rows(comparison)
        if len(rows) > 1:
            yield from _fitted(header, rows, view)
            yield ""
        yield from _wrapped(READING, view, "")
    yield from _listed([f"gate {each.gate}: {each.says}" for each in comparison.gates], view)
    yield from _listed(comparison.notes, view)


def _flip(flip: Flip, view: View) -> Iterator[str]:
    yield f"  {flip.before} -> {flip.after}  {flip.check}  {flip.id}"
    if flip.after != "passed" and flip.trouble is not None:
        yield from _wrapped(words.shortened(words.reason(flip.trouble), 300), view, "      ")
    for side, answer in zip(("reference", "candidate"), flip.answers, strict=True):
        if answer is not None:
            yield from _wrapped(f"{side} said: {words.value(answer, 160)}", view, "      ")


DIFFERENCE_HEADER = ["measure", "reference", "candidate", "change (95%)", "verdict"]
READING = (
    "Means over the cells that both have; intervals and p take the cells of a case together, and p is corrected for all "
    "comparisons made here. same: within the margin. cannot tell: neither a difference nor its absence is shown."
)


def difference_rows(comparison: Comparison) -> list[list[str]]:
    """All suites together, a row per measure."""
    return [
        [words.label(each.measure), *_sides(each), change(each), each.verdict]
        for each in comparison.differences
        if each.suite is None
    ]


def explained(comparison: Comparison) -> Iterator[str]:
    """A sentence per measure over all suites; pass@k and pass^k where there are repeats."""
    for each in comparison.differences:
        if each.suite is None:
            yield f"{words.label(each.measure)}: {sentence(each)}{_seen(each)}"
            yield from _repeated(each)


def _seen(each: Difference) -> str:
    least, seen = each.found.detectable, each.evidence
    if each.verdict != "cannot tell" or least is None or not seen.reference:
        return ""
    points = f"{100 * least:.1f} pp" if each.measure == "pass_rate" else f"{100 * least / seen.reference:.0f}%"
    return f". The smallest difference that {words.count(seen.cases, 'case')} can show: about {points}"


def _repeated(each: Difference) -> Iterator[str]:
    if each.repeats is not None:
        k, one, other = (each.repeats[name] for name in ("k", "reference", "candidate"))
        for name, meaning in (("pass@k", "at least one"), ("pass^k", "all")):
            yield f"{name[:-1]}{k} ({meaning} of {k} attempts): {one[name]:.0%} -> {other[name]:.0%}"


def suite_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """(header, a row per suite): the verdict on each measure, and its change where it is not the same."""
    by_suite: dict[str, dict[str, Difference]] = {}
    for each in comparison.differences:
        if each.suite is not None:
            by_suite.setdefault(each.suite, {})[each.measure] = each
    measures = list(dict.fromkeys(each.measure for each in comparison.differences))
    rows = [
        [suite, *(_short_verdict(measured[each]) if each in measured else "" for each in measures)]
        for suite, measured in by_suite.items()
    ]
    return ["suite", *map(words.label, measures)], rows


def _short_verdict(each: Difference) -> str:
    moved = change(each).partition(" (")[0]
    return {"same": "same", "cannot tell": f"? {moved}"}.get(each.verdict, f"{each.verdict} {moved}")


def _sides(each: Difference) -> tuple[str, str]:
    seen = each.evidence
    one, other = (words.measured(each.measure, value) for value in (seen.reference, seen.candidate))
    if seen.sides is None:
        return one, other
    first, second = (f"{100 * low:.0f}-{100 * high:.0f}" for low, high in seen.sides)
    return f"{one} ({first})", f"{other} ({second})"


# --- a history ----------------------------------------------------------------------------------------


@output("table", of="history")
def history_table(history: History, view: View, out: TextIO) -> None:
    """What runs said over time, for a terminal."""
    out.writelines(f"{line}\n" for line in _past(history, view))


def _past(history: History, view: View) -> Iterator[str]:
    for lines in history.by_subject().values():
        yield from _wrapped(subject(lines), view, "")
        yield from _drawn(*_narrowed(lines, view), view)
        yield ""
    if history.earlier:
        yield from _wrapped(f"{words.count(history.earlier, 'earlier run')} left out: --last shows more", view, "")
    yield from _listed(history.notes, view)


def subject(lines: Sequence[Line]) -> str:
    """What the lines are about, and who answered."""
    entry = lines[-1].entry
    sources = dict.fromkeys(line.entry.sources for line in lines if line.entry.sources)
    simulated = [line.entry.simulated for line in lines if line.entry.sources]
    mark = "" if not any(simulated) else " (SIMULATED answers)" if all(simulated) else " (some answers SIMULATED)"
    return f"{entry.group or f'{entry.suite} at {entry.target}'}, answered by {' / '.join(sources) or 'nobody'}{mark}"


def _narrowed(lines: Sequence[Line], view: View) -> tuple[list[list[str]], list[list[str]]]:
    """(header, rows) without columns that say nothing; the least telling go until the rest fits."""
    columns = {name: [show(line) for line in lines] for name, show in PAST.items()}
    columns = {name: cells for name, cells in columns.items() if name in ("run", "passed") or {*cells} - {"", "-"}}
    for name in ("ttft s", "thoughts", "cost $", "latency s", "tokens"):
        if sum(max(map(words.width, [head, *cells])) + _GAP for head, cells in columns.items()) - _GAP > view.width:
            columns.pop(name, None)
    return [list(columns)], [list(row) for row in zip(*columns.values(), strict=True)]


PAST: Mapping[str, Callable[[Line], str]] = {
    "run": lambda line: line.entry.run,
    "passed": lambda line: f"{line.entry.passed}/{line.entry.total}",
    "change": lambda line: line.change,
    "tokens": lambda line: words.measured("totalTokenCount", line.entry.tokens),
    "thoughts": lambda line: words.measured("thoughtsTokenCount", line.entry.thoughts),
    "ttft s": lambda line: words.measured("ttft_s", line.entry.ttft_s),
    "latency s": lambda line: words.measured("latency_s", line.entry.latency_s),
    "cost $": lambda line: words.measured("cost_usd", line.entry.cost_usd),
}
"""The columns of a history. A run's id begins with when it was played."""


@output("table", of="query")
def query_table(answer: Answer, view: View, out: TextIO) -> None:
    """What a query gave, for a terminal."""
    rows = [["-" if value is None else words.shortened(str(value), 60) for value in row] for row in answer.rows]
    if rows:
        out.writelines(f"{line}\n" for line in _drawn([list(answer.columns)], rows, view))
    else:
        out.write("no rows\n")


# --- a migration --------------------------------------------------------------------------------------


@output("table", of="migration")
def migration_table(document: Migration, view: View, out: TextIO) -> None:
    """Whether a new model may take the place of an old one, for a terminal."""
    out.writelines(f"{line}\n" for line in _migrated(document, view))


def _migrated(document: Migration, view: View) -> Iterator[str]:
    yield from _wrapped(bottom_line(document), view, "")
    yield ""
    if document.changes:
        yield "What changes"
        yield from _listed(document.changes, view)
        yield ""
    if document.untaken:
        yield f"What {document.comparison.candidate} was not asked"
        shown = document.untaken[: view.details]
        yield from _listed([f"{cell}: {why}" for cell, why in shown], view)
        if len(shown) < len(document.untaken):
            yield f"  and {len(document.untaken) - len(shown)} more; -v shows all"
        yield ""
    yield from _compared(document.comparison, view)


def bottom_line(document: Migration) -> str:
    made_up = " (SIMULATED answers: this says nothing about Gemini)" if document.simulated else ""
    return words.printable(f"{document.bottom_line}{made_up}")


# --- sweeps -------------------------------------------------------------------------------------------

SWEPT = (
    "Means over the cells that were judged at every value, each with the median of its attempts. beaten: another value is "
    "as good for less, or better for no more. The knee is the cheapest value that is surely not worse than the best, with "
    "every cheaper one surely worse."
)


@output("table", of="sweep")
def sweep_table(document: Sweeps, view: View, out: TextIO) -> None:
    """What each value of an axis buys and costs, and the knee, for a terminal."""
    out.writelines(f"{line}\n" for line in _swept(document, view))


def _swept(document: Sweeps, view: View) -> Iterator[str]:
    for each in document.sweeps:
        yield from _wrapped(sweep_title(each), view, "")
        yield ""
        yield from _fitted(*sweep_rows(each), view)
        yield ""
        yield from _wrapped(words.printable(each.knee.says), view, "")
        yield ""
    if not view.quiet:
        yield from _wrapped(SWEPT, view, "")
    yield from _listed(document.notes, view)
    yield from _wrapped(document.answers, view, "")
    yield f"{words.count(len(document.sweeps), 'sweep')}; run {document.run}"


def sweep_title(sweep: Sweep) -> str:
    """``thinking on google/gemini-3-flash-preview: trains, 24 cells of 12 cases``."""
    of = f" of {words.count(sweep.cases, 'case')}" if sweep.cases != sweep.cells else ""
    return f"{sweep.axis} on {sweep.target}: {sweep.suite or 'all suites'}, {words.count(sweep.cells, 'cell')}{of}"


_SWEPT_NUMBERS = ("thoughtsTokenCount", "totalTokenCount", "ttft_s", "latency_s", "cost_usd")


def sweep_rows(sweep: Sweep) -> tuple[list[str], list[list[str]]]:
    """(header, a row per value): the pass rate with its interval, what was measured, and its mark."""
    measures = [each for each in _SWEPT_NUMBERS if any(each in point.numbers for point in sweep.points)]
    rows = [
        [
            point.name,
            _rated(point),
            *(words.measured(each, point.numbers.get(each)) for each in measures),
            sweep_mark(sweep, point),
        ]
        for point in sweep.points
    ]
    return ["value", "passed (95%)", *map(words.label, measures), ""], rows


def _rated(point: Point) -> str:
    low, high = point.interval
    return f"{point.rate:.0%} ({100 * low:.0f}-{100 * high:.0f})"


def sweep_mark(sweep: Sweep, point: Point) -> str:
    """``knee``, ``knee?`` where it only seems to be, ``best``, ``beaten``."""
    knee = sweep.knee
    if point.name == knee.value:
        return "knee"
    if point.name == knee.seems:
        return "knee?"
    if point.name == sweep.best:
        return "best"
    return "beaten" if point.dominated_by else ""


# --- an audit -----------------------------------------------------------------------------------------


@output("table", of="audit")
def audit_table(audit: Audit, view: View, out: TextIO) -> None:
    """Findings by file, for a terminal."""
    out.writelines(f"{line}\n" for line in _audited(audit, view))


def _audited(audit: Audit, view: View) -> Iterator[str]:
    by_place: dict[tuple[str, int], list[Finding]] = {}
    for finding in audit.findings:
        by_place.setdefault((finding.file, finding.index), []).append(finding)
    for (file, index), findings in by_place.items():
        yield f"{file} interaction {index}"
        for finding in findings:
            yield from _found(finding, view)
        yield ""
    if audit.findings:
        yield from _fitted(["rule", "severity", "findings"], _by_rule(audit), view)
        yield ""
    yield from _unreadable(audit, view)
    yield _audit_ending(audit)


def _found(finding: Finding, view: View) -> Iterator[str]:
    at = f" at {words.shortened(finding.at, 60)}" if finding.at else ""
    yield f"  {finding.severity} {finding.rule}{at}"
    yield from _wrapped(words.shortened(finding.message, 400), view, "    ")


def _by_rule(audit: Audit) -> list[list[str]]:
    counts = Counter((finding.rule, finding.severity) for finding in audit.findings)
    return [[rule, severity, str(number)] for (rule, severity), number in counts.most_common()]


def _unreadable(audit: Audit, view: View) -> Iterator[str]:
    """The files by reason; each by name only where all details are asked for, or where they are few."""
    by_reason: dict[str, list[str]] = {}
    for file, reason in audit.unreadable.items():
        by_reason.setdefault(reason, []).append(file)
    few = view.details is None or len(audit.unreadable) <= view.details
    for reason, files in sorted(by_reason.items(), key=lambda each: -len(each[1])):
        yield from _wrapped(f"unreadable: {words.count(len(files), 'file')}: {words.shortened(reason, 300)}", view, "")
        if few:
            yield from (f"  {file}" for file in files)
    if by_reason:
        yield "" if few else "(-v names them)\n"


def _audit_ending(audit: Audit) -> str:
    warnings = len(audit.findings) - len(audit.errors)
    said = [
        words.count(audit.files, "file"),
        words.count(len(audit.unreadable), "unreadable file"),
        f"{len(audit.exchanges):,} native of {words.count(audit.interactions, 'interaction')}",
        words.count(len(audit.errors), "error"),
        words.count(warnings, "warning"),
    ]
    if audit.normalised:
        said.append(
            f"{words.count(len(audit.normalised), 'file')} normalised by another tool: rules about bytes are silent there"
        )
    return "; ".join(said)
