"""A gate, its result, and the text of both."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from harness.compare.verdicts import percent
from harness.results.rows import GateRow

MEASURES = {"latency": "latency_s", "ttft": "ttft_s", "gap": "gap_s", "cost": "cost_usd"}
"""The name of a measure in gates -> its name in rows, where they differ."""
LimitKind = Literal["drop", "rise", "min", "max", "total"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit on one measure, or (``checks``) checks that may not get worse.

    ``kind``: the measure may not ``drop`` or ``rise`` by more than the limit, must be at least (``min``) or at most (``max``)
    the limit, or its sum (``total``) at most. ``limit``: for a change a fraction (0.02 is 2 percentage points of a pass rate,
    2% of any other measure); for a level seconds, tokens, US dollars, or a fraction for a pass rate. ``confidence``: in
    percent, from which on the gate holds or is crossed; None compares the observed value itself. ``suite``: limits the
    gate to one suite.
    """

    name: str
    kind: LimitKind = "rise"
    limit: float = 0.0
    confidence: float | None = None
    checks: tuple[str, ...] = ()
    suite: str | None = None

    def __str__(self) -> str:
        if self.checks:
            return f"hard: {', '.join(self.checks)}"
        sure = "" if self.confidence is None else f" with {self.confidence:.4g}% confidence"
        return f"{self.name} {self.allowed}{sure}"

    @property
    def much(self) -> str:
        """The limit: ``25%``, ``2 s``."""
        return quantity(self.measure, self.limit) if self.is_budget else percent(self.name, self.limit)

    @property
    def allowed(self) -> str:
        """``may rise by 25%``, ``may be at most 2 s``."""
        if not self.is_budget:
            return f"may {self.kind} by {self.much}"
        least = f"must be at least {self.much}"
        return least if self.kind == "min" else f"may be at most {self.much}{' in all' * (self.kind == 'total')}"

    @property
    def is_budget(self) -> bool:
        """Whether it limits one side alone, without a reference."""
        return not self.checks and self.kind not in ("drop", "rise")

    @property
    def measure(self) -> str:
        return MEASURES.get(self.name, self.name)

    @property
    def interval_confidence(self) -> float:
        """The confidence, 0 to 1, of the two-sided interval whose one end the gate compares with its limit."""
        return 0.9 if self.confidence is None else 2 * self.confidence / 100 - 1

    def crossed(self, low: float, high: float) -> bool | None:
        """Whether an interval from ``low`` to ``high`` crosses the limit; None where the limit lies inside it."""
        if self.kind in ("drop", "min"):
            low, high = -high, -low
        limit = -self.limit if self.kind == "min" else self.limit
        slack = 1e-12 * max(1.0, abs(limit))
        return True if low > limit + slack else False if high <= limit + slack else None


@dataclass(frozen=True, slots=True)
class GateResult:
    """``crossed`` is None where the data cannot decide, and where the gate was not evaluated at all (``asked`` is False).

    ``seen``: what was seen, or why it was not asked.
    """

    gate: Gate
    crossed: bool | None
    seen: str
    asked: bool = True

    @property
    def unknown(self) -> bool:
        """Whether it was evaluated, and the data cannot decide."""
        return self.asked and self.crossed is None

    @property
    def message(self) -> str:
        """The verdict, and what was seen. It stands beside the gate, which says what is allowed."""
        word = {True: "crossed", False: "holds", None: "cannot tell"}[self.crossed]
        return f"{word if self.asked else 'not asked'}: {self.seen}"

    def to_json(self) -> GateRow:
        return {
            "gate": str(self.gate),
            "name": self.gate.name,
            "suite": self.gate.suite,
            "asked": self.asked,
            "crossed": self.crossed,
            "message": self.message,
        }


def quantity(measure: str, value: float) -> str:
    """``1.25 s``, ``$0.002``, ``95%``, ``5,000``."""
    if measure in ("pass_rate", "kept"):
        return f"{_plain(100 * value)}%"
    if measure.endswith("_s"):
        return f"{_plain(value)} s"
    return f"${_plain(value)}" if measure == "cost_usd" else _plain(value)


def _plain(value: float) -> str:
    """Four significant digits, and all digits before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{Decimal(f'{value:.4g}'):f}"
