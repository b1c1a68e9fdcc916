"""Gates: what a comparison or a run must not show. Each is answered in one sentence with its numbers.

In: gates as a suite or the command line writes them, and one or two sides. Out: answers: crossed, kept, or cannot tell.
May import: ``compare`` and its statistics, ``results``, ``judge``.

- `parse`: gates as a suite and the command line write them.
- `gate`: a gate and its answer.
- `change`: what a candidate may not do beside its reference: hard checks, a measure that drops or rises.
- `level`: budgets, which limit one side by itself: at least, at most, in all.
- `budgets`: those of a run: of its command line and of its suites.
"""

from __future__ import annotations

from harness.compare.gates.budgets import answered, budgets, exit_code, not_asked, parts
from harness.compare.gates.change import answer
from harness.compare.gates.gate import Gate, GateResult
from harness.compare.gates.level import held
from harness.compare.gates.parse import from_option, from_suite

__all__ = [
    "Gate",
    "GateResult",
    "answer",
    "answered",
    "budgets",
    "exit_code",
    "from_option",
    "from_suite",
    "held",
    "not_asked",
    "parts",
]
