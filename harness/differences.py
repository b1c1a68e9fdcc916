"""What the measures of paired cells say: the verdict on each, and the sentence that explains it with its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.summary import Group

if TYPE_CHECKING:
    from harness.stats import Assessment, Attempts, Evidence, Interval

Cells = Sequence[tuple[Group, Group]]
"""Reference and candidate of every cell that both sides have."""

JUDGED = ("pass_rate", "thoughtsTokenCount", "totalTokenCount", "ttft_s", "latency_s", "cost_usd")
"""More of the first is better, less of the others."""
MARGINS: Mapping[str, float] = {"pass_rate": 0.02}
MARGIN = 0.1
"""Changes up to this count as the same: pass rates as points (0.02 is 2 pp), the others as a part of the reference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The verdict on one measure, over all cells or (``suite``) those of one suite."""

    measure: str
    suite: str | None
    found: Assessment
    repeats: Mapping[str, Any] | None = None
    """``k``, and pass@k and pass^k on both sides, where every cell has k attempts; pass rates only."""

    @property
    def evidence(self) -> Evidence:
        return self.found.evidence

    @property
    def verdict(self) -> str:
        return self.found.verdict

    def to_json(self) -> dict[str, Any]:
        """One of ``verdicts``: estimate and interval in the measure's own unit; null is not known."""
        seen = self.evidence
        row: dict[str, Any] = {
            "measure": self.measure,
            "suite": self.suite,
            "verdict": self.verdict,
            "says": sentence(self),
            "reference": seen.reference,
            "candidate": seen.candidate,
            "estimate": seen.estimate,
            "interval": seen.interval,
            "change": seen.change,
            "change_interval": seen.change_interval,
            "margin": seen.margin,
            "p": self.found.p,
            "p_alone": seen.p,
            "comparisons": self.found.comparisons,
            "effect": self.found.effect,
            "detectable": self.found.detectable,
            "pairs": seen.pairs,
            "cases": seen.cases,
            "needs": self.found.needs,
            "needs_cases": self.found.needs_cases,
            "needs_repeats": self.found.needs_repeats,
        }
        if seen.sides:
            row |= {"reference_interval": seen.sides[0], "candidate_interval": seen.sides[1], "repeats": self.repeats}
        return row


def differences(cells: Cells, margins: Mapping[str, float] | None = None) -> list[Difference]:
    """Verdicts on the measures that both sides have: over all suites (``suite`` None), then over each where there are several."""
    from harness.stats import assess

    scopes: dict[str | None, Cells] = {None: cells}
    suites = _by_suite(cells)
    if len(suites) > 1:
        scopes |= suites
    found = [each for scope, inside in scopes.items() for each in _evidence(scope, inside, margins or {})]
    assessed = assess([each.evidence for each in found], [each.measure == "pass_rate" for each in found])
    return [
        Difference(each.measure, each.suite, verdict, each.repeats)
        for each, verdict in zip(found, assessed, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    measure: str
    suite: str | None
    evidence: Evidence
    repeats: Mapping[str, Any] | None = None


def _by_suite(cells: Cells) -> dict[str | None, Cells]:
    suites: dict[str | None, list[tuple[Group, Group]]] = {}
    for one, other in cells:
        suites.setdefault(other.suite, []).append((one, other))
    return dict(suites)


def _evidence(suite: str | None, cells: Cells, margins: Mapping[str, float]) -> Iterator[_Found]:
    for measure in JUDGED:
        margin = margins.get(measure, MARGINS.get(measure, MARGIN))
        found = _rates(suite, cells, margin) if measure == "pass_rate" else _numbers(measure, suite, cells, margin)
        if found is not None:
            yield found


def _rates(suite: str | None, cells: Cells, margin: float) -> _Found | None:
    from harness.stats import Attempts, rates

    judged = [(one, other) for one, other in cells if one.judged and other.judged]
    if not judged:
        return None
    before = Attempts([one.passed for one, _ in judged], [one.judged for one, _ in judged])
    after = Attempts([other.passed for _, other in judged], [other.judged for _, other in judged])
    return _Found("pass_rate", suite, rates(_cases(judged), before, after, margin=margin), _repeats(before, after))


def _repeats(before: Attempts, after: Attempts) -> dict[str, Any] | None:
    from harness.stats import pass_all, pass_at

    k = min(*before.judged, *after.judged)
    if k < 2:
        return None
    sides = {"reference": before, "candidate": after}
    return {"k": k} | {
        name: {"pass@k": pass_at(*side, k), "pass^k": pass_all(*side, k)} for name, side in sides.items()
    }


def _numbers(measure: str, suite: str | None, cells: Cells, margin: float) -> _Found | None:
    from harness.stats import numbers

    both = [(one, other) for one, other in cells if one.measured(measure) and other.measured(measure)]
    values = [(one.measures[measure], other.measures[measure]) for one, other in both]
    if not any(any(one) or any(other) for one, other in values):
        return None
    evidence = numbers(
        _cases(both),
        [_mean(one) for one, _ in values],
        [_mean(other) for _, other in values],
        margin=margin,
        noise=[_noise(one) + _noise(other) for one, other in values],
        pairs=sum(min(len(one), len(other)) for one, other in values),
    )
    return _Found(measure, suite, evidence)


def _cases(cells: Cells) -> list[int]:
    """Which case each cell belongs to, numbered from 0."""
    numbers: dict[tuple[str, str], int] = {}
    return [numbers.setdefault((other.suite, other.case), len(numbers)) for _, other in cells]


def _mean(values: Sequence[float]) -> float:
    return values[0] if len(values) == 1 else math.fsum(values) / len(values)


def _noise(values: Sequence[float]) -> float:
    """The variance of the mean of several attempts; nan for one."""
    if len(values) < 2:
        return math.nan
    mean = _mean(values)
    return math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1) / len(values)


# --- in words -----------------------------------------------------------------------------------------


def sentence(difference: Difference) -> str:
    """The verdict and its numbers: ``worse: -6.0 pp (95%: -9.1 to -2.8), p 0.001 of 12 comparisons``."""
    word = difference.verdict
    how = {"same": _same, "cannot tell": _unclear}.get(word, _different)(difference)
    return f"{word}: {how}"


def change(difference: Difference) -> str:
    """``+12% (+8 to +17)``, ``-6.0 pp (-9.1 to -2.8)``; what is not known is left out."""
    seen = difference.evidence
    if seen.change is None:
        return "from none to some"
    unit = _unit(difference.measure)
    text = f"{_points(difference, seen.change)}{unit}"
    return text if seen.change_interval is None else f"{text} ({_ends(difference, seen.change_interval)})"


def _unit(measure: str) -> str:
    return " pp" if measure == "pass_rate" else "%"


def _points(difference: Difference, value: float) -> str:
    digits = 1 if difference.measure == "pass_rate" or abs(value) < 0.1 else 0
    text = f"{100 * value:+.{digits}f}"
    return "0" if not float(text) else text


def _ends(difference: Difference, interval: Interval) -> str:
    return " to ".join(_points(difference, each) for each in interval)


def _margin(difference: Difference) -> str:
    return f"{100 * difference.evidence.margin:g}{_unit(difference.measure)}"


def _surely(p: float | None) -> str:
    return "" if p is None else "p < 0.001" if p < 0.001 else f"p {p:.3f}"


def _of(found: Assessment) -> str:
    return f" corrected for {found.comparisons} comparisons" if found.comparisons > 1 else ""


def _different(difference: Difference) -> str:
    return f"{change(difference)}, {_surely(difference.found.p)}{_of(difference.found)}"


def _same(difference: Difference) -> str:
    seen = difference.evidence
    if seen.constant:
        return f"all {seen.pairs:,} pairs {'are equal' if not seen.change else f'differ by {change(difference)}'}"
    return f"{change(difference)}, within {_margin(difference)} either way"


def _unclear(difference: Difference) -> str:
    seen, found = difference.evidence, difference.found
    if seen.cases == 1:
        return f"{change(difference)} in one case, which says nothing about others, however often it is repeated"
    if seen.constant and not seen.change:
        return f"equal in {seen.cases} cases, too few to conclude from; {_needs(found)}"
    said = f"{change(difference)}, {_surely(found.p)}{_of(found)}" if seen.p is not None else change(difference)
    if seen.sides and not seen.reference and not seen.candidate:
        said = "nothing passed on either side"
    return f"{said}; {_needs(found)}"


def _needs(found: Assessment) -> str:
    if found.needs is None:
        return "how much more it would take is not known"
    cases = f"{found.needs_cases:,} more case{'' if found.needs_cases == 1 else 's'}"
    repeats = f", or {found.needs_repeats:,} more of each" if found.needs_repeats else ""
    return f"needs about {found.needs:,} more pair{'' if found.needs == 1 else 's'} ({cases}{repeats})"
