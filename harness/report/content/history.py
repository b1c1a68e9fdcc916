"""A history: the title of its lines, and their columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.report import words
from harness.results.history_lines import Line


def subject(lines: Sequence[Line]) -> str:
    """The group, or suite and target, of the lines, and the sources of the answers."""
    entry = lines[-1].entry
    sources = dict.fromkeys(line.entry.sources for line in lines if line.entry.sources)
    simulated = [line.entry.simulated for line in lines if line.entry.sources]
    mark = "" if not any(simulated) else " (SIMULATED answers)" if all(simulated) else " (some answers SIMULATED)"
    answers = f"answered by {' / '.join(sources)}{mark}" if sources else "no answers"
    return f"{entry.group or f'{entry.suite} at {entry.target}'}, {answers}"


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
