"""A history: a table per subject, a row per run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.report import View, words
from harness.report.blocks import Block, Bullets, Heading, Paragraph, Table, document
from harness.results.history_lines import History, Line
from harness.text.amounts import count

HISTORY_COLUMNS: Mapping[str, Callable[[Line], str]] = {
    "run": lambda line: line.entry.run,
    "passed": lambda line: f"{line.entry.passed}/{line.entry.total}",
    "change": lambda line: line.change,
    "tokens": lambda line: words.measured("totalTokenCount", line.entry.tokens),
    "thoughts": lambda line: words.measured("thoughtsTokenCount", line.entry.thoughts),
    "ttft s": lambda line: words.measured("ttft_s", line.entry.ttft_s),
    "latency s": lambda line: words.measured("latency_s", line.entry.latency_s),
    "cost $": lambda line: words.measured("cost_usd", line.entry.cost_usd),
}
"""The columns of a history. There is no column for the time, since a run's id begins with it."""
SPARE = ("ttft s", "thoughts", "cost $", "latency s", "tokens")
"""The columns that a narrow terminal leaves out, the first one first."""


@document("history", "table", "markdown")
def history_blocks(history: History, _view: View) -> Iterator[Block]:
    """The results of runs over time."""
    for lines in history.by_subject().values():
        yield Heading(subject(lines), level=3)
        yield _table(lines)
    if history.earlier:
        yield Paragraph([f"{count(history.earlier, 'earlier run')} left out: --last shows more"])
    yield Bullets([[note] for note in history.notes])


def subject(lines: Sequence[Line]) -> str:
    """The group, or suite and target, of the lines, and the sources of the answers."""
    entry = lines[-1].entry
    sources = dict.fromkeys(line.entry.sources for line in lines if line.entry.sources)
    simulated = [line.entry.simulated for line in lines if line.entry.sources]
    mark = "" if not any(simulated) else " (SIMULATED answers)" if all(simulated) else " (some answers SIMULATED)"
    answers = f"answered by {' / '.join(sources)}{mark}" if sources else "no answers"
    return f"{entry.group or f'{entry.suite} at {entry.target}'}, {answers}"


def columns(lines: Sequence[Line]) -> Mapping[str, Sequence[str]]:
    """Name -> cells, without columns that are empty."""
    found = {name: [show(line) for line in lines] for name, show in HISTORY_COLUMNS.items()}
    return {name: cells for name, cells in found.items() if name in ("run", "passed") or {*cells} - {"", "-"}}


def _table(lines: Sequence[Line]) -> Table:
    shown = columns(lines)
    at = {name: number for number, name in enumerate(shown)}
    rows = list(zip(*shown.values(), strict=True))
    texts = frozenset({at["change"]} if "change" in at else ())
    return Table(list(shown), rows, words=texts, spare=[at[name] for name in SPARE if name in at])
