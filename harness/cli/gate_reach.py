"""What the gates and comparisons of a plan can be answered with: printed by ``check``, ``list`` and ``run --dry-run``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.run.session import Plan
from harness.suite.matrix import TrialGroup

if TYPE_CHECKING:
    from harness.compare.gates.gate import Gate


def lines(plan: Plan, options: Sequence[str] = ()) -> Iterator[str]:
    """A line for each gate (``options``: of ``--gate``) that the cells may not answer, and for models that have none in common."""
    if not options and not any({"gate", "by"} & (suite.compare or {}).keys() for suite in plan.suites):
        return
    from harness.compare import gates

    groups = [group for group in plan.trials.groups() if group.cell.skip is None]
    for text in options:
        gate = gates.from_option(text)
        yield from _line(gate, "", len(groups), groups)
    for suite in plan.suites:
        own = [group for group in groups if group.suite is suite]
        sides = {(group.id.partition("@")[0], group.target) for group in own}
        apart = len(sides) == len({name for name, _ in sides}) and len({target for _, target in sides}) > 1
        if apart and (suite.compare or {}).get("by") == "model":
            yield f"{suite.file}: compare by model: no two models have a cell in common, since another axis has values of its own for each"
        for gate in gates.from_suite((suite.compare or {}).get("gate", {}), suite.name) if own else ():
            cells = len(own) if gate.is_budget else max(Counter(group.target for group in own).values())
            yield from _line(gate, f" ({suite.name})", cells, own)


def _line(gate: Gate, suite: str, cells: int, groups: Sequence[TrialGroup]) -> Iterator[str]:
    from harness.compare.gates.reach import reach

    attempts = min((group.attempts for group in groups), default=0)
    if cells and (found := reach(gate, cells, attempts)):
        yield f"gate {gate}{suite}: {found}"
