"""What the measures of paired cells say: the verdict on each, and the sentence that explains it with its numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from harness.compare.pairs import Pairs
from harness.results.groups import STREAM_ONLY, Groups

if TYPE_CHECKING:
    from harness.compare.stats import Assessment, Interval, Measured, PairedEvidence, Verdicts
    from harness.compare.stats.cells import Rows, SideMeasures


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
    def evidence(self) -> PairedEvidence:
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
            "message": sentence(self),
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


def differences(cells: Pairs, margins: Mapping[str, float] | None = None) -> list[Difference]:
    """Verdicts on cells that both sides have: over all suites (``suite`` None), then over each where there are several."""
    from harness.compare.stats import assess

    sides = _Sides(cells)
    members = _members([asked.suite for asked in sides.asked])
    scopes: dict[str | None, Rows] = {None: slice(None)}
    if len(members) > 1:
        scopes.update(members)
    found = [
        each
        for measure in JUDGED
        for seen in [sides.seen(measure)]
        for suite, rows in scopes.items()
        for each in _found(measure, suite, seen.of(rows), (margins or {}).get(measure, MARGINS.get(measure, MARGIN)))
    ]
    order = {suite: place for place, suite in enumerate(scopes)}
    found.sort(key=lambda each: order[each.suite])
    assessed = assess([each.evidence for each in found], [each.measure == "pass_rate" for each in found])
    return [
        Difference(each.measure, each.suite, verdict, each.repeats)
        for each, verdict in zip(found, assessed, strict=True)
    ]


def corrected(reports: Sequence[Sequence[Difference]]) -> list[list[Difference]]:
    """The verdicts of several comparisons, corrected as one report."""
    from harness.compare.stats import assess

    every = [each for report in reports for each in report]
    assessed = iter(assess([each.evidence for each in every], [each.measure == "pass_rate" for each in every]))
    return [[replace(each, found=next(assessed)) for each in report] for report in reports]


def measured(measure: str, cells: Pairs, confidence: float) -> PairedEvidence | None:
    """What the cells say about one measure, whichever, with intervals of that confidence; None where nothing was measured."""
    seen = _Sides(cells).seen(measure).of(slice(None))
    return seen.evidence(MARGINS.get(measure, MARGIN), confidence)


class _Found(NamedTuple):
    measure: str
    suite: str | None
    evidence: PairedEvidence
    repeats: Mapping[str, Any] | None = None


def _found(measure: str, suite: str | None, seen: Verdicts | Measured, margin: float) -> Iterator[_Found]:
    evidence = seen.evidence(margin)
    if evidence is None:
        return
    if measure == "pass_rate":
        yield _Found(measure, suite, evidence, cast("Verdicts", seen).repeats())
    elif evidence.reference or evidence.candidate:
        yield _Found(measure, suite, evidence)


class _Sides:
    """The reference and the candidate of cells that both have, in arrays."""

    def __init__(self, cells: Pairs) -> None:
        self._sides = cells.sides
        self.asked = [cells.candidate.settings[twin] for twin in cells.twins]
        numbers: dict[tuple[str, str], int] = {}
        cases = zip(
            [each.suite for each in self.asked], [cells.candidate.cases[twin] for twin in cells.twins], strict=True
        )
        self._cases = array("q", [numbers.setdefault(case, len(numbers)) for case in cases])

    def seen(self, measure: str) -> Verdicts | Measured:
        from harness.compare.stats import Attempts, Measured, Verdicts

        if measure != "pass_rate":
            return Measured(self._cases, *(_side(groups, rows, measure) for groups, rows in self._sides))
        tallies = [[groups.tallies[row] for row in rows] for groups, rows in self._sides]
        passed, judged = ([array("q", map(each, side)) for side in tallies] for each in (_passed, _judged))
        return Verdicts(self._cases, *map(Attempts, passed, judged))


_passed, _judged = attrgetter("passed"), attrgetter("judged")


def _side(groups: Groups, rows: Sequence[int], measure: str) -> SideMeasures:
    from harness.compare.stats import side

    found = side(groups.measures, rows, measure)
    if measure in STREAM_ONLY:
        found.sizes[[at for at, row in enumerate(rows) if not groups.settings[row].streamed]] = 0.0
    return found


def _members(suites: Sequence[str]) -> dict[str, Rows]:
    """The places of the cells of each suite, which mostly follow each other, in the order in which suites are first met."""
    members: dict[str, list[int]] = {}
    for suite, run in groupby(range(len(suites)), key=suites.__getitem__):
        members.setdefault(suite, []).extend(run)
    return {
        suite: slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] == len(rows) - 1 else rows
        for suite, rows in members.items()
    }


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
    return f"{change(difference)}, {_surely(difference.found.p)}{_of(difference.found)}{_alone(difference)}"


def _alone(difference: Difference) -> str:
    """An interval within the margin that is no *same*: one interval is right more often than all of a report."""
    seen = difference.evidence
    within = seen.change_interval is not None and max(map(abs, seen.change_interval)) < seen.margin
    return f", within {_margin(difference)} only if it were the one comparison" if within else ""


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
        said += f", {_surely(found.p)}{_of(found)}{_alone(difference)}"
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
