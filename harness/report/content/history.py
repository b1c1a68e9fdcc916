"""A history: what became worse in the latest runs, then a table per subject, a row per run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

from harness.report import View, words
from harness.report.blocks import SIMULATED, Block, Code, Details, Heading, Paragraph, Styled, Table, document
from harness.report.content.parts import notes
from harness.results.history_lines import History, HistoryEntry, QueryResult
from harness.text.amounts import count, some
from harness.text.grouping import gathered

HISTORY_COLUMNS: Mapping[str, Callable[[HistoryEntry], str]] = {
    "run": lambda line: line.run,
    "passed": lambda line: f"{line.passed}/{line.total}",
    "change": lambda line: line.change,
    "tokens": lambda line: words.measured("totalTokenCount", line.tokens),
    "thoughts": lambda line: words.measured("thoughtsTokenCount", line.thoughts),
    "ttft s": lambda line: words.measured("ttft_s", line.ttft_s),
    "latency s": lambda line: words.measured("latency_s", line.latency_s),
    "cost $": lambda line: words.measured("cost_usd", line.cost_usd),
}
"""The columns of a history. There is no column for the time, since a run's id begins with it."""
SPARE = ("ttft s", "thoughts", "cost $", "latency s", "tokens")
"""The columns that a narrow terminal leaves out, the first one first."""

UNFOLDED = 10
"""How many runs of a subject a page shows without a click, the latest."""


@document("history", "table", "markdown", "html")
def history_blocks(history: History | QueryResult, view: View) -> Iterator[Block]:
    """The results of runs over time, or that of a query."""
    if view.page:
        yield Heading("history", level=1)
    if isinstance(history, QueryResult):
        yield _of_query(history)
        return
    if view.page and any(line.simulated for line in history.lines):
        yield SIMULATED
    yield Paragraph([bottom_line(history)], strong=True)
    if view.page:
        yield Heading("runs")
    for lines in history.by_subject().values():
        yield Heading(subject(lines), level=3)
        yield from _on_a_page(lines, view) if view.page else [_table(lines, columns(lines), view)]
    if history.earlier:
        yield Paragraph([f"{count(history.earlier, 'earlier run')} left out: --last shows more"])
    yield from notes(history.notes)


def _of_query(answer: QueryResult) -> Block:
    rows = [["-" if value is None else words.shortened(str(value), 60) for value in row] for row in answer.rows]
    columns = enumerate(zip(*answer.rows, strict=True))
    texts = frozenset(at for at, cells in columns if any(isinstance(cell, str) for cell in cells))
    return Table(answer.columns, rows, words=texts) if rows else Paragraph(["no rows"])


def bottom_line(history: History) -> str:
    """What passes less, or more, in its latest run than in the run before."""
    if not history.lines:
        return "no saved run has results yet"
    last = [(lines[-2], lines[-1]) for lines in history.by_subject().values() if len(lines) > 1]
    steps = gathered(
        (_rank(before, now), f"{_name(now)} {now.passed}/{now.total} after {before.passed}/{before.total}")
        for before, now in last
    )
    ways = ((-1, "worse"), (1, "better"))
    parts = [f"{way} than in the run before: {some(steps[rank])}" for rank, way in ways if rank in steps]
    if same := len(steps.get(0, ())):
        parts.append(f"as many passed as in the run before: {same:,} of {count(len(last), 'subject')}")
    return "; ".join(parts) or "a single run so far"


def _rank(before: HistoryEntry, now: HistoryEntry) -> int:
    was, is_now = (entry.passed / (entry.total or 1) for entry in (before, now))
    return (is_now > was) - (is_now < was)


def _name(entry: HistoryEntry) -> str:
    return entry.group or f"{entry.suite} at {entry.target}"


def _on_a_page(lines: Sequence[HistoryEntry], view: View) -> Iterator[Block]:
    """The latest runs, newest first, and the earlier ones folded."""
    shown, newest = columns(lines), list(reversed(lines))
    yield _table(newest[:UNFOLDED], shown, view)
    if earlier := newest[UNFOLDED:]:
        yield Details([f"{len(earlier):,} before them"], [_table(earlier, shown, view)])


def subject(lines: Sequence[HistoryEntry]) -> str:
    """The group, or suite and target, of the lines, and the sources of the answers."""
    entry = lines[-1]
    sources = dict.fromkeys(line.sources for line in lines if line.sources)
    simulated = [line.simulated for line in lines if line.sources]
    mark = "" if not any(simulated) else " (SIMULATED answers)" if all(simulated) else " (some answers SIMULATED)"
    answers = f"answered by {' / '.join(sources)}{mark}" if sources else "no answers"
    return f"{_name(entry)}, {answers}"


def columns(lines: Sequence[HistoryEntry]) -> list[str]:
    """The names of the columns that are not empty."""
    found = {name: {show(line) for line in lines} for name, show in HISTORY_COLUMNS.items()}
    return [name for name, cells in found.items() if name in ("run", "passed") or cells - {"", "-"}]


def _table(lines: Sequence[HistoryEntry], shown: Sequence[str], view: View) -> Table:
    at = {name: number for number, name in enumerate(shown)}
    rows = [[_run(line, view), *(HISTORY_COLUMNS[name](line) for name in shown[1:])] for line in lines]
    texts = frozenset({at["change"]} if "change" in at else ())
    caption = f"runs of {_name(lines[0])}"
    return Table(list(shown), rows, caption, words=texts, spare=[at[name] for name in SPARE if name in at])


def _run(line: HistoryEntry, view: View) -> str:
    name = line.run
    return Styled(name, address=f"{view.home}run/{quote(name)}") if view.home else Code(name) if view.page else name
