"""A history: what its lines are about, and their columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.report import words
from harness.results.history_lines import Line


def subject(lines: Sequence[Line]) -> str:
    """What the lines are about, and who answered."""
    entry = lines[-1].entry
    sources = dict.fromkeys(line.entry.sources for line in lines if line.entry.sources)
    simulated = [line.entry.simulated for line in lines if line.entry.sources]
    mark = "" if not any(simulated) else " (SIMULATED answers)" if all(simulated) else " (some answers SIMULATED)"
    return f"{entry.group or f'{entry.suite} at {entry.target}'}, answered by {' / '.join(sources) or 'nobody'}{mark}"


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
