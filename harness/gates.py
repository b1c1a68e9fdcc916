"""Gates: what a comparison must not show. Each is answered in one sentence with its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.compare import Comparison, Flip
from harness.differences import measured, percent
from harness.errors import UsageError
from harness.model import Json

if TYPE_CHECKING:
    from harness.stats import Evidence

_MEASURES = {"latency": "latency_s", "ttft": "ttft_s", "cost": "cost_usd"}


@dataclass(frozen=True, slots=True)
class Gate:
    """How far a measure may ``drop`` or ``rise``, or (``checks``) which checks may not flip for the worse.

    ``limit``: 0.02 is 2 points of a pass rate, 2% of any other. ``confidence``: how sure it must be, either way; without, the
    change that was seen decides. ``suite``: the only one it looks at.
    """

    name: str
    way: Literal["drop", "rise"] = "rise"
    limit: float = 0.0
    confidence: float | None = None
    checks: tuple[str, ...] = ()
    suite: str | None = None

    def __str__(self) -> str:
        if self.checks:
            return f"hard: {', '.join(self.checks)}"
        sure = "" if self.confidence is None else f" with {self.confidence:.4g}% confidence"
        return f"{self.name} may {self.way} by {percent(self.name, self.limit)}{sure}"

    @property
    def measure(self) -> str:
        return _MEASURES.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a gate was crossed; None where the comparison cannot tell."""

    gate: Gate
    crossed: bool | None
    says: str

    def to_json(self) -> dict[str, Any]:
        return {"gate": str(self.gate), "suite": self.gate.suite, "crossed": self.crossed, "says": self.says}


def from_suite(gate: Mapping[str, Json], suite: str) -> Iterator[Gate]:
    """The gates of a suite's ``compare:`` block, already validated. Raises UsageError for a limit that makes no sense."""
    for name, value in gate.items():
        if name == "hard":
            yield Gate("hard", checks=tuple(value), suite=suite)
            continue
        sure = value.get("confidence")
        for way in ("drop", "rise"):
            if way in value:
                yield Gate(name, way, _share(name, value[way]), _confidence(name, sure), suite=suite)


def from_option(text: str) -> Gate:
    """``pass_rate=2pp@95%``, ``latency=25%``, ``hard=json,finishReason``: pass rates may not drop, others not rise, by more."""
    name, _, value = text.partition("=")
    if name == "hard" and value:
        return Gate("hard", checks=tuple(part.strip() for part in value.split(",")))
    limit, _, sure = value.partition("@")
    if not name or not limit:
        raise UsageError(f"--gate {text}: expected pass_rate=2pp@95%, latency=25% or hard=json,finishReason")
    return Gate(name, "drop" if name == "pass_rate" else "rise", _share(name, limit), _confidence(name, sure or None))


def _share(name: str, value: Json) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%|pp)?", str(value))
    if found is None or (found[2] == "pp" and name != "pass_rate"):
        kinds = "points such as 2pp" if name == "pass_rate" else "a percentage such as 25%"
        raise UsageError(f"gate {name}: expected {kinds}, got {value!r}")
    return float(found[1]) / (100 if found[2] else 1)


def _confidence(name: str, value: Json) -> float | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)%", str(value))
    if found is None or not 50 < float(found[1]) < 100:
        raise UsageError(f"gate {name}: expected a confidence between 50% and 100%, got {value!r}")
    return float(found[1])


def answer(gate: Gate, comparison: Comparison) -> Answer:
    """Look at the cells that both sides have. No correction for other comparisons: each gate is a promise of its own."""
    cells = [
        (pair.reference, pair.candidate)
        for pair in comparison.paired
        if pair.reference and pair.candidate and gate.suite in (None, pair.suite)
    ]
    if not cells:
        return Answer(gate, None, "cannot tell: the two sides have no cell in common")
    if gate.checks:
        return _hard(gate, [each for each in comparison.flips if gate.suite in (None, each.suite)], len(cells))
    evidence = measured(gate.measure, cells, _two_sided(gate.confidence))
    if evidence is None or evidence.change is None:
        return Answer(gate, None, f"cannot tell: no {gate.name} on both sides to reckon with")
    return _moved(gate, evidence)


def _two_sided(confidence: float | None) -> float:
    """A gate looks at one end of the interval only."""
    return 0.9 if confidence is None else 2 * confidence / 100 - 1


def _hard(gate: Gate, flips: Sequence[Flip], cells: int) -> Answer:
    worse = [each for each in flips if each.check in gate.checks and each.worse]
    if not worse:
        return Answer(gate, False, f"holds: none of {', '.join(gate.checks)} got worse in {cells} cells")
    first = worse[0]
    more = f", and {len(worse) - 1} more" if len(worse) > 1 else ""
    return Answer(gate, True, f"crossed: {first.check} of {first.id} went from {first.before} to {first.after}{more}")


def _moved(gate: Gate, evidence: Evidence) -> Answer:
    change, sign = evidence.change or 0.0, 1 if gate.way == "rise" else -1
    seen = f"{gate.name} changed by {percent(gate.name, change, signed=True)} in {evidence.pairs} pairs"
    allowed = f"may {gate.way} by {percent(gate.name, gate.limit)}"
    if gate.confidence is None:
        crossed = sign * change > gate.limit + 1e-12
        return Answer(gate, crossed, f"{'crossed' if crossed else 'holds'}: {seen}; it {allowed}")
    ends = evidence.change_interval
    if evidence.constant and evidence.cases >= 5:
        ends = (change, change)
    if ends is None:
        return Answer(gate, None, f"cannot tell: {seen}, too few for an interval; it {allowed}")
    low, high = sorted(sign * end for end in ends)
    word = "crossed" if low > gate.limit else "holds" if high <= gate.limit else "cannot tell"
    far = " to ".join(percent(gate.name, end, signed=True) for end in ends)
    crossed_or_not = {"crossed": True, "holds": False}.get(word)
    return Answer(gate, crossed_or_not, f"{word}: {seen} ({far} at {gate.confidence:.4g}%); it {allowed}")
