"""Gates: limits that a comparison or a run must not cross. Each is crossed, holds, cannot tell, or was not asked.

In: gates as a suite or the command line writes them, and one or two sides. Out: a `GateResult` per gate, with a sentence.
May import: ``compare`` and its statistics, ``results``, ``judge``, ``text``.
"""

from __future__ import annotations

from harness.compare.gates.budgets import (
    budgets,
    evaluate_level,
    evaluate_run,
    partial_suites,
    reason_not_asked,
)
from harness.compare.gates.change import evaluate
from harness.compare.gates.gate import Gate, GateResult
from harness.compare.gates.parse import from_option, from_suite

__all__ = [
    "Gate",
    "GateResult",
    "budgets",
    "evaluate",
    "evaluate_level",
    "evaluate_run",
    "from_option",
    "from_suite",
    "partial_suites",
    "reason_not_asked",
]
