"""What the measures of paired cells say: the verdict on each, and the sentence that explains it with its numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress, count, groupby
from operator import add, mul
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from harness.summary import Group, column

if TYPE_CHECKING:
    from harness.stats import Assessment, Attempts, Evidence, Interval

T = TypeVar("T", int, float)
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

    cases, members = _cases(cells), _members([other.suite for _, other in cells])
    found = [
        each
        for measure in JUDGED
        for seen in [_rates(cells, cases) if measure == "pass_rate" else _numbers(measure, cells, cases)]
        for suite, part in _scopes(seen, members if len(members) > 1 else {})
        for each in _evidence(measure, suite, part, (margins or {}).get(measure, MARGINS.get(measure, MARGIN)))
    ]
    order = {suite: place for place, suite in enumerate((None, *members))}
    found.sort(key=lambda each: order[each.suite])
    assessed = assess([each.evidence for each in found], [each.measure == "pass_rate" for each in found])
    return [
        Difference(each.measure, each.suite, verdict, each.repeats)
        for each, verdict in zip(found, assessed, strict=True)
    ]


def corrected(reports: Sequence[Sequence[Difference]]) -> list[list[Difference]]:
    """The verdicts of several comparisons, corrected as one report."""
    from harness.stats import assess

    every = [each for report in reports for each in report]
    assessed = iter(assess([each.evidence for each in every], [each.measure == "pass_rate" for each in every]))
    return [[replace(each, found=next(assessed)) for each in report] for report in reports]


def measured(measure: str, cells: Cells, confidence: float) -> Evidence | None:
    """What the cells say about one measure, whichever, with intervals of that confidence; None where nothing was measured."""
    from harness.stats import numbers, rates

    cases = _cases(cells)
    column = _rates(cells, cases) if measure == "pass_rate" else _numbers(measure, cells, cases)
    if not column.cells:
        return None
    if measure == "pass_rate":
        return rates(column.cases, *_attempts(column), margin=MARGINS[measure], confidence=confidence)
    one, other, noise, pairs = column.seen
    return numbers(column.cases, one, other, margin=MARGIN, noise=noise, pairs=int(sum(pairs)), confidence=confidence)


class _Column(NamedTuple):
    """One measure of the cells that have it on both sides, in parallel arrays: where the cell stands, its case, what was seen."""

    cells: array[int]
    cases: array[int]
    seen: tuple[array[float], ...]
    """Passed and judged on both sides; or the means, the noise and the pairs."""


class _Found(NamedTuple):
    measure: str
    suite: str | None
    evidence: Evidence
    repeats: Mapping[str, Any] | None = None


def _members(suites: Sequence[str]) -> dict[str, list[int]]:
    """The places of the cells of each suite, in the order in which suites are first met."""
    members: dict[str, list[int]] = {}
    for suite, run in groupby(range(len(suites)), key=suites.__getitem__):
        members.setdefault(suite, []).extend(run)
    return members


def _scopes(column: _Column, members: Mapping[str, Sequence[int]]) -> Iterator[tuple[str | None, _Column]]:
    yield None, column
    whole = len(column.cells) == sum(map(len, members.values()))
    row_of = {} if whole else {cell: row for row, cell in enumerate(column.cells)}
    for suite, cells in members.items():
        rows = cells if whole else [row_of[cell] for cell in cells if cell in row_of]
        seen = tuple(_at(each, rows) for each in column.seen)
        yield suite, _Column(_at(column.cells, rows), _at(column.cases, rows), seen)


def _at(values: array[T], rows: Sequence[int]) -> array[T]:
    """The values of these rows, which mostly follow each other."""
    if rows and rows[-1] - rows[0] == len(rows) - 1:
        return values[rows[0] : rows[-1] + 1]
    return array(values.typecode, [values[row] for row in rows])


def _evidence(measure: str, suite: str | None, column: _Column, margin: float) -> Iterator[_Found]:
    from harness.stats import numbers, rates

    if not column.cells:
        return
    if measure == "pass_rate":
        before, after = _attempts(column)
        evidence = rates(column.cases, before, after, margin=margin)
        yield _Found(measure, suite, evidence, _repeats(before, after))
        return
    one, other, noise, pairs = column.seen
    if any(one) or any(other):
        evidence = numbers(column.cases, one, other, margin=margin, noise=noise, pairs=int(sum(pairs)))
        yield _Found(measure, suite, evidence)


def _attempts(column: _Column) -> tuple[Attempts, Attempts]:
    from harness.stats import Attempts

    passed, judged, passed_after, judged_after = (array("q", map(int, each)) for each in column.seen)
    return Attempts(passed, judged), Attempts(passed_after, judged_after)


def _repeats(before: Attempts, after: Attempts) -> dict[str, Any] | None:
    from harness.stats import pass_all, pass_at

    k = min(map(min, (before.judged, after.judged)))
    if k < 2:
        return None
    sides = {"reference": before, "candidate": after}
    return {"k": k} | {
        name: {"pass@k": pass_at(*side, k), "pass^k": pass_all(*side, k)} for name, side in sides.items()
    }


def _cases(cells: Cells) -> array[int]:
    """The number of each cell's case."""
    numbers: dict[tuple[str, str], int] = {}
    return array("q", [numbers.setdefault((other.suite, other.case), len(numbers)) for _, other in cells])


def _rates(cells: Cells, cases: array[int]) -> _Column:
    """Passed and judged on both sides, of the cells that were judged on both."""
    judged = array("q", (row for row, (one, other) in enumerate(cells) if one.judged and other.judged))
    seen = [cells[row] for row in judged]
    counts = (
        [one.passed for one, _ in seen],
        [one.judged for one, _ in seen],
        [other.passed for _, other in seen],
        [other.judged for _, other in seen],
    )
    return _Column(judged, _at(cases, judged), tuple(array("d", each) for each in counts))


def _numbers(measure: str, cells: Cells, cases: array[int]) -> _Column:
    """The means of both sides, the variance of their difference that more attempts would lessen (nan: not known), the pairs."""
    one, other = (column([cell[side] for cell in cells], measure) for side in (0, 1))
    both = array("q", compress(count(), map(mul, one.sizes, other.sizes)))
    noises = array("d", map(add, one.noises, other.noises))
    pairs = array("d", map(min, one.sizes, other.sizes))
    return _Column(both, _at(cases, both), tuple(_at(each, both) for each in (one.means, other.means, noises, pairs)))


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


def percent(measure: str, share: float, *, signed: bool = False) -> str:
    """``2 pp`` of a pass rate, ``25%`` of anything else."""
    return f"{100 * share:{'+' if signed else ''}.4g}{_unit(measure)}"


def _unit(measure: str) -> str:
    return " pp" if measure == "pass_rate" else "%"


def _points(difference: Difference, value: float) -> str:
    digits = 1 if difference.measure == "pass_rate" or abs(value) < 0.1 else 0
    text = f"{100 * value:+.{digits}f}"
    return "0" if not float(text) else text


def _ends(difference: Difference, interval: Interval) -> str:
    return " to ".join(_points(difference, each) for each in interval)


def _margin(difference: Difference) -> str:
    return percent(difference.measure, difference.evidence.margin)


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
    said = f"{change(difference)} in {seen.cases} cases"
    if seen.p is not None:
        said += f", {_surely(found.p)}{_of(found)}"
    if seen.sides and not seen.reference and not seen.candidate:
        said = "nothing passed on either side"
    return f"{said}; {_needs(found)}"


def _needs(found: Assessment) -> str:
    if found.needs is None and found.evidence.cases < found.fewest:
        return f"it takes at least {found.fewest} cases, how many is not known"
    if found.needs is None:
        return "how much more it would take is not known"
    cases = f"{found.needs_cases:,} more case{'' if found.needs_cases == 1 else 's'}"
    repeats = f", or {found.needs_repeats:,} more of each" if found.needs_repeats else ""
    return f"needs about {found.needs:,} more pair{'' if found.needs == 1 else 's'} ({cases}{repeats})"
