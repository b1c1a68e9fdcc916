"""Gates as a list: each with its message in the colour of its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.report import words
from harness.report.blocks import Bullets, Level, Styled
from harness.results.rows import GateRow

RESULTS: Mapping[bool | None, tuple[str, Level | None]] = {
    True: ("failed", "error"),
    False: ("passed", None),
    None: ("xfailed", "warning"),
}
"""Whether a gate is crossed; None: it cannot be told -> the status in whose colour it is shown, and how bad it is."""


def gates(rows: Sequence[GateRow]) -> Bullets:
    """A line for each gate that was asked, and one for those of a suite that were not."""
    asked = [row for row in rows if row["asked"]]
    items = [[f"gate {words.gate(row)}: ", Styled(row["message"], status=RESULTS[row["crossed"]][0])] for row in asked]
    others = [[line] for line in words.gates_not_asked(rows)]
    return Bullets([*items, *others], [RESULTS[row["crossed"]][1] for row in asked])
