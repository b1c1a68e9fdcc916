"""A gate, its answer, and the words that both are told in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from harness.compare.verdicts import percent
from harness.results.rows import GateRow

MEASURES = {"latency": "latency_s", "ttft": "ttft_s", "gap": "gap_s", "cost": "cost_usd"}
"""The word for a measure that rows call otherwise."""
Way = Literal["drop", "rise", "min", "max", "total"]


@dataclass(frozen=True, slots=True)
class Gate:
    """How far a measure may ``drop`` or ``rise``, what it must be at least or at most, or (``checks``) which checks may not flip.

    ``limit``: of a change a share (0.02 is 2 points of a pass rate, 2% of any other); of a level seconds, tokens, dollars or, of
    a pass rate, a share; ``total`` is at most so many dollars in all. ``confidence``: how sure it must be, either way, in percent;
    without, what was seen decides. ``suite``: the only one it looks at.
    """

    name: str
    way: Way = "rise"
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
    def allowed(self) -> str:
        """``may rise by 25%``, ``may be at most 2 s``."""
        if not self.alone:
            return f"may {self.way} by {percent(self.name, self.limit)}"
        much = quantity(self.measure, self.limit)
        return {"min": f"must be at least {much}", "max": f"may be at most {much}"}.get(
            self.way, f"may be at most {much} in all"
        )

    @property
    def alone(self) -> bool:
        """Whether one side is held to it by itself."""
        return not self.checks and self.way not in ("drop", "rise")

    @property
    def measure(self) -> str:
        return MEASURES.get(self.name, self.name)

    @property
    def two_sided(self) -> float:
        """The confidence of the interval of which a gate looks at one end only, 0 to 1."""
        return 0.9 if self.confidence is None else 2 * self.confidence / 100 - 1

    def crossed(self, low: float, high: float) -> bool | None:
        """By the ends of what it may be; None where the limit lies between them."""
        if self.way in ("drop", "min"):
            low, high = -high, -low
        limit = -self.limit if self.way == "min" else self.limit
        slack = 1e-12 * max(1.0, abs(limit))
        return True if low > limit + slack else False if high <= limit + slack else None


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a gate was crossed; None where that cannot be told, or, unless ``asked``, where it was not."""

    gate: Gate
    crossed: bool | None
    message: str
    asked: bool = True

    @property
    def unknown(self) -> bool:
        """Whether it was asked, and nobody can tell."""
        return self.asked and self.crossed is None

    def to_json(self) -> GateRow:
        return {
            "gate": str(self.gate),
            "name": self.gate.name,
            "suite": self.gate.suite,
            "asked": self.asked,
            "crossed": self.crossed,
            "message": self.message,
        }


def unasked(gate: Gate, why: str) -> GateResult:
    return GateResult(gate, None, f"not asked: {why}", asked=False)


def told(gate: Gate, crossed: bool | None, seen: str) -> GateResult:
    """What was seen, after the word for it, before what is allowed."""
    word = {True: "crossed", False: "holds", None: "cannot tell"}[crossed]
    return GateResult(gate, crossed, f"{word}: {seen}; it {gate.allowed}")


def quantity(measure: str, value: float) -> str:
    """``1.25 s``, ``$0.002``, ``95%``, ``5,000``."""
    if measure == "pass_rate":
        return f"{_plain(100 * value)}%"
    if measure.endswith("_s"):
        return f"{_plain(value)} s"
    return f"${_plain(value)}" if measure == "cost_usd" else _plain(value)


def _plain(value: float) -> str:
    """Four digits that matter, and all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{Decimal(f'{value:.4g}'):f}"
