"""The verdict on each measure of paired cells, and the sentence that explains it with its numbers."""

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
"""The measures that get a verdict. A higher pass rate is better; of the others, lower is better."""
MARGINS: Mapping[str, float] = {"pass_rate": 0.02}
MARGIN = 0.1
"""The equivalence margin: smaller changes are *same*. Pass rates: a difference (0.02 is 2 pp); others: relative (0.1 is 10%)."""


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
        """An item of ``verdicts``: estimate and interval in the measure's own unit; null: not known."""
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
    """Verdicts on cells that both sides have: over all suites (``suite`` is None), then, if there are several, over each."""
    from harness.compare.stats import assess

    sides = _PairedCells(cells)
    members = _rows_by_suite([asked.suite for asked in sides.asked])
    scopes: dict[str | None, Rows] = {None: slice(None)}
    if len(members) > 1:
        scopes.update(members)
    found = [
        item
        for measure in JUDGED
        for seen in [sides.seen(measure)]
        for suite, rows in scopes.items()
        for item in _evidence_of(
            measure, suite, seen.of(rows), (margins or {}).get(measure, MARGINS.get(measure, MARGIN))
        )
    ]
    order = {suite: place for place, suite in enumerate(scopes)}
    found.sort(key=lambda item: order[item.suite])
    assessed = assess([item.evidence for item in found], [item.measure == "pass_rate" for item in found])
    return [
        Difference(item.measure, item.suite, verdict, item.repeats)
        for item, verdict in zip(found, assessed, strict=True)
    ]


def corrected(reports: Sequence[Sequence[Difference]]) -> list[list[Difference]]:
    """The verdicts of several comparisons, corrected together as one report (Holm)."""
    from harness.compare.stats import assess

    every = [difference for report in reports for difference in report]
    assessed = iter(
        assess(
            [difference.evidence for difference in every], [difference.measure == "pass_rate" for difference in every]
        )
    )
    return [[replace(difference, found=next(assessed)) for difference in report] for report in reports]


def measure_evidence(measure: str, cells: Pairs, confidence: float) -> PairedEvidence | None:
    """The evidence on any measure, with intervals of that confidence (0 to 1); None where nothing was measured."""
    seen = _PairedCells(cells).seen(measure).of(slice(None))
    return seen.evidence(MARGINS.get(measure, MARGIN), confidence)


class _MeasureEvidence(NamedTuple):
    measure: str
    suite: str | None
    evidence: PairedEvidence
    repeats: Mapping[str, Any] | None = None


def _evidence_of(
    measure: str, suite: str | None, seen: Verdicts | Measured, margin: float
) -> Iterator[_MeasureEvidence]:
    evidence = seen.evidence(margin)
    if evidence is None:
        return
    if measure == "pass_rate":
        yield _MeasureEvidence(measure, suite, evidence, cast("Verdicts", seen).repeats())
    elif evidence.reference or evidence.candidate:
        yield _MeasureEvidence(measure, suite, evidence)


class _PairedCells:
    """The cells that both sides have, as arrays."""

    def __init__(self, cells: Pairs) -> None:
        self._sides = cells.sides
        self.asked = [cells.candidate.settings[twin] for twin in cells.candidate_rows]
        numbers: dict[tuple[str, str], int] = {}
        cases = zip(
            [cell.suite for cell in self.asked],
            [cells.candidate.cases[twin] for twin in cells.candidate_rows],
            strict=True,
        )
        self._cases = array("q", [numbers.setdefault(case, len(numbers)) for case in cases])

    def seen(self, measure: str) -> Verdicts | Measured:
        from harness.compare.stats import Attempts, Measured, Verdicts

        if measure != "pass_rate":
            return Measured(self._cases, *(_side(groups, rows, measure) for groups, rows in self._sides))
        tallies = [[groups.tallies[row] for row in rows] for groups, rows in self._sides]
        passed, judged = ([array("q", map(count, side)) for side in tallies] for count in (_passed, _judged))
        return Verdicts(self._cases, *map(Attempts, passed, judged))


_passed, _judged = attrgetter("passed"), attrgetter("judged")


def _side(groups: Groups, rows: Sequence[int], measure: str) -> SideMeasures:
    from harness.compare.stats import side

    found = side(groups.measures, rows, measure)
    if measure in STREAM_ONLY:
        found.sizes[[at for at, row in enumerate(rows) if not groups.settings[row].streamed]] = 0.0
    return found


def _rows_by_suite(suites: Sequence[str]) -> dict[str, Rows]:
    """Suite -> the positions of its cells, a slice where they are adjacent, in the order in which suites first occur."""
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
    how = {"same": _same_text, "cannot tell": _unclear_text}.get(word, _difference_text)(difference)
    return f"{word}: {how}"


def change(difference: Difference) -> str:
    """``+12% (+8 to +17)``, ``-6.0 pp (-9.1 to -2.8)``; an unknown interval is left out."""
    seen = difference.evidence
    if seen.change is None:
        return "from none to some"
    unit = _unit(difference.measure)
    text = f"{_points(difference, seen.change)}{unit}"
    return text if seen.change_interval is None else f"{text} ({_interval_text(difference, seen.change_interval)})"


def percent(measure: str, share: float, *, signed: bool = False) -> str:
    """``2 pp`` of a pass rate, ``25%`` of anything else."""
    return f"{100 * share:{'+' if signed else ''}.4g}{_unit(measure)}"


def _unit(measure: str) -> str:
    return " pp" if measure == "pass_rate" else "%"


def _points(difference: Difference, value: float) -> str:
    digits = 1 if difference.measure == "pass_rate" or abs(value) < 0.1 else 0
    text = f"{100 * value:+.{digits}f}"
    return "0" if not float(text) else text


def _interval_text(difference: Difference, interval: Interval) -> str:
    return " to ".join(_points(difference, end) for end in interval)


def _margin(difference: Difference) -> str:
    return percent(difference.measure, difference.evidence.margin)


def _p_text(p: float | None) -> str:
    return "" if p is None else "p < 0.001" if p < 0.001 else f"p {p:.3f}"


def _correction_text(found: Assessment) -> str:
    return f" corrected for {found.comparisons} comparisons" if found.comparisons > 1 else ""


def _difference_text(difference: Difference) -> str:
    return f"{change(difference)}, {_p_text(difference.found.p)}{_correction_text(difference.found)}{_within_margin_note(difference)}"


def _within_margin_note(difference: Difference) -> str:
    """A note for an interval within the margin that is not *same*: the correction for all comparisons makes it unsure."""
    seen = difference.evidence
    within = seen.change_interval is not None and max(map(abs, seen.change_interval)) < seen.margin
    return f", within {_margin(difference)} only if it were the one comparison" if within else ""


def _same_text(difference: Difference) -> str:
    seen = difference.evidence
    if seen.constant:
        return f"all {seen.pairs:,} pairs {'are equal' if not seen.change else f'differ by {change(difference)}'}"
    return f"{change(difference)}, within {_margin(difference)} either way"


def _unclear_text(difference: Difference) -> str:
    seen, found = difference.evidence, difference.found
    if seen.cases == 1:
        return f"{change(difference)} in one case, which says nothing about others, however often it is repeated"
    if seen.constant and not seen.change:
        return f"equal in {seen.cases} cases, too few to conclude from; {_needs_text(found)}"
    text = f"{change(difference)} in {seen.cases} cases"
    if seen.p is not None:
        text += f", {_p_text(found.p)}{_correction_text(found)}{_within_margin_note(difference)}"
    if seen.sides and not seen.reference and not seen.candidate:
        text = "nothing passed on either side"
    return f"{text}; {_needs_text(found)}"


def _needs_text(found: Assessment) -> str:
    if found.needs is None and found.evidence.cases < found.min_cases:
        return f"it takes at least {found.min_cases} cases; how many is not known"
    if found.needs is None:
        return "how much more it would take is not known"
    cases = f"{found.needs_cases:,} more case{'' if found.needs_cases == 1 else 's'}"
    repeats = f", or {found.needs_repeats:,} more of each" if found.needs_repeats else ""
    return f"needs about {found.needs:,} more pair{'' if found.needs == 1 else 's'} ({cases}{repeats})"
