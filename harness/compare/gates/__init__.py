"""Gates: limits that a comparison or a run must not cross. Each is crossed, holds, cannot tell, or was not asked.

In: gates as a suite or the command line writes them, and one or two sides. Out: a `GateResult` per gate, with a sentence.
May import: ``compare`` and its statistics, ``results``, ``judge``, ``text``.
"""

from __future__ import annotations

from harness.compare.gates.budgets import budgets as budgets
from harness.compare.gates.budgets import evaluate_level as evaluate_level
from harness.compare.gates.budgets import evaluate_run as evaluate_run
from harness.compare.gates.budgets import partial_suites as partial_suites
from harness.compare.gates.budgets import reason_not_asked as reason_not_asked
from harness.compare.gates.change import evaluate as evaluate
from harness.compare.gates.gate import Gate as Gate
from harness.compare.gates.gate import GateResult as GateResult
from harness.compare.gates.parse import from_option as from_option
from harness.compare.gates.parse import from_suite as from_suite
