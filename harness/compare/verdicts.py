"""The verdict on each measure of paired cells, and the sentence that explains it with its numbers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from harness.compare.pairs import Pairs, case_numbers
from harness.results.groups import STREAM_ONLY, Group
from harness.results.measures import Measures
from harness.text.amounts import count
from harness.text.grouping import grouped

if TYPE_CHECKING:
    from harness.compare.stats.cells import Rows, SideMeasures
    from harness.compare.stats.evidence import Interval, PairedEvidence, Scope
    from harness.compare.stats.verdict import Assessment, Family, Needs


NAMES: Mapping[str, str] = {
    "pass_rate": "pass rate",
    "thoughtsTokenCount": "thoughts",
    "totalTokenCount": "tokens",
    "ttft_s": "ttft",
    "latency_s": "latency",
    "cost_usd": "cost",
}
"""The measures that get a verdict, and their names in sentences. A higher pass rate is better; of the others, lower is better."""
JUDGED = tuple(NAMES)
MARGINS: Mapping[str, float] = {"pass_rate": 0.02}
ALPHA = 0.05
"""The level of a report: how often two sides that are alike may be called different."""
MARGIN = 0.1
"""The equivalence margin: smaller changes are *same*. Pass rates: a difference (0.02 is 2 pp); others: relative (0.1 is 10%)."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """How two sides are compared.

    ``margins``: measure -> its equivalence margin, where it is not that of ``MARGINS``. ``scope``: what verdicts on pass rates are about;
    None: what suits the two sides. Verdicts on numbers are about cases like these. ``alpha``: the level of the report, see ``looks``.
    """

    margins: Mapping[str, float] = field(default_factory=dict)
    scope: Scope | None = None
    alpha: float = ALPHA

    def margin(self, measure: str) -> float:
        return self.margins.get(measure, MARGINS.get(measure, MARGIN))


@dataclass(frozen=True, slots=True)
class Difference:
    """The verdict on one measure, over all cells or (``suite``) those of one suite."""

    measure: str
    suite: str | None
    found: Assessment

    @property
    def evidence(self) -> PairedEvidence:
        return self.found.evidence

    @property
    def verdict(self) -> str:
        return self.found.verdict

    def to_json(self) -> dict[str, Any]:
        """An item of ``verdicts``: estimate and interval in the measure's own unit; null: not known.

        ``level``: the intervals have a confidence of 1 - ``level``, the level at which the verdict was found. ``needs``,
        ``needs_cases``, ``needs_repeats``: how many more, at least and at most (null: not known). ``typical``: see ``Typical``.
        """
        seen, found = self.evidence, self.found
        row: dict[str, Any] = {"measure": self.measure, "suite": self.suite, "message": sentence(self)}
        row |= {name: getattr(seen, name) for name in _OF_EVIDENCE}
        row |= {name: getattr(found, name) for name in _OF_VERDICT}
        row |= {"interval": found.ends.own, "change_interval": found.ends.change, "p_alone": seen.p}
        if found.typical:
            row["typical"] = found.typical._asdict()
        if seen.sides:
            row |= {"reference_interval": seen.sides[0], "candidate_interval": seen.sides[1], "repeats": seen.repeats}
        return row


_OF_EVIDENCE = ("scope", "reference", "candidate", "estimate", "change", "margin", "pairs", "cases")
_OF_VERDICT = ("verdict", "level", "p", "comparisons", "detectable", "needs", "needs_cases", "needs_repeats")


def differences(cells: Pairs, criteria: Criteria) -> list[Difference]:
    """Verdicts on cells that both sides have: over all suites (``suite`` is None), then, if there are several, over each."""
    sides = _PairedCells(cells)
    by_suite = grouped(range(len(sides.suites)), sides.suites.__getitem__)
    parts: dict[str | None, Rows] = {None: slice(None)}
    if len(by_suite) > 1:
        parts |= {suite: array("q", rows) for suite, rows in by_suite.items()}
    found = [
        (measure, suite, evidence)
        for measure in JUDGED
        for seen in [sides.seen(measure)]
        for suite, rows in parts.items()
        if (evidence := seen(rows, criteria.margin(measure), criteria.scope or "these cases"))
        if measure == "pass_rate" or evidence.reference or evidence.candidate
    ]
    order = list(parts)
    found.sort(key=lambda asked: order.index(asked[1]))
    return _assessed([found], criteria.alpha)[0]


def overall(differences: Sequence[Difference]) -> dict[str, Difference]:
    """Measure -> the verdict on it over all suites."""
    return {difference.measure: difference for difference in differences if difference.suite is None}


def corrected(reports: Sequence[Sequence[Difference]]) -> list[list[Difference]]:
    """The verdicts of several comparisons, corrected together as one report."""
    alpha = min((one.found.alpha for report in reports for one in report), default=ALPHA)
    return _assessed([[(one.measure, one.suite, one.evidence) for one in report] for report in reports], alpha)


def _assessed(reports: Sequence[Sequence[_Asked]], alpha: float) -> list[list[Difference]]:
    from harness.compare.stats.verdict import assess

    assessed = assess(
        [[(seen, _family(measure, suite)) for measure, suite, seen in report] for report in reports], alpha
    )
    return [
        [Difference(measure, suite, verdict) for (measure, suite, _), verdict in zip(report, found, strict=True)]
        for report, found in zip(reports, assessed, strict=True)
    ]


def _family(measure: str, suite: str | None) -> Family:
    """The pass rate over all cells is the primary question: other measures, and single suites, make it no less certain."""
    return "part" if suite is not None else "main" if measure == "pass_rate" else "measure"


def faults(cells: Sequence[Group], name: str) -> Iterator[str]:
    """The measures of a side that are no measures, a line each. ``name``: of the side."""
    from harness.compare.stats.cells import faults

    places = [cell.at for cell in cells]
    for measure in JUDGED[1:]:
        found = faults(cells[0].samples, places, measure) if cells else 0
        if found:
            attempts = count(found, "attempt")
            yield f"{NAMES[measure]} of {name}: negative or impossible in {attempts}, which count as not measured"


def measure_evidence(measure: str, cells: Pairs) -> PairedEvidence | None:
    """The evidence on any measure, on these cases; None where nothing was measured."""
    return _PairedCells(cells).seen(measure)(slice(None), Criteria().margin(measure), "these cases")


_Asked = tuple[str, str | None, "PairedEvidence"]
"""A measure, its suite (None: all), and the evidence."""


class _PairedCells:
    """The cells that both sides have, as arrays."""

    def __init__(self, cells: Pairs) -> None:
        self._sides = cells.sides
        self.suites = [cell.suite for cell in self._sides[1]]
        self._lost = [at for at, pair in enumerate(zip(*self._sides, strict=True)) if not all(map(_is_judged, pair))]
        self._cases = array("q", case_numbers(self._sides[1]))

    def seen(self, measure: str) -> Callable[[Rows, float, Scope], PairedEvidence | None]:
        """What gives the evidence on the measure: from the positions of cells, the margin and the scope."""
        from harness.compare.stats.cells import number_evidence, rate_evidence
        from harness.compare.stats.rates import Attempts

        if measure != "pass_rate":
            before, after = (_side(cells, measure) for cells in self._sides)
            before.sizes[self._lost] = 0.0  # the time and cost of a failed request are not those of an answer
            return partial(number_evidence, self._cases, before, after)
        tallies = [[cell.tally for cell in cells] for cells in self._sides]
        passed, judged = ([array("q", map(count, side)) for side in tallies] for count in (_passed, _judged))
        reference, candidate = map(Attempts, passed, judged)
        return partial(rate_evidence, self._cases, reference, candidate)


_passed, _judged, _is_judged = attrgetter("passed"), attrgetter("judged"), attrgetter("tally.judged")


def _side(cells: Sequence[Group], measure: str) -> SideMeasures:
    from harness.compare.stats.cells import side

    found = side(cells[0].samples if cells else Measures(), [cell.at for cell in cells], measure)
    if measure in STREAM_ONLY:
        found.sizes[[at for at, cell in enumerate(cells) if not cell.streamed]] = 0.0
    return found


# --- in words -----------------------------------------------------------------------------------------


def sentence(difference: Difference) -> str:
    """The verdict and its numbers: ``worse on these cases: -6.0 pp (-9.1 to -2.8); p 0.001``."""
    word = difference.verdict
    about = f"{'about' if word == 'cannot tell' else 'on'} {difference.evidence.scope}"
    return f"{word} {about}: {reason(difference)}"


def reason(difference: Difference) -> str:
    """The sentence without its verdict."""
    opening = _opening(difference) or change(difference)
    if difference.verdict == "cannot tell":
        opening += f" in {count(difference.evidence.cases, 'case')}"
    return "; ".join([opening, *remarks(difference)])


def remarks(difference: Difference) -> list[str]:
    """What a table of the changes and verdicts does not show: p, the typical change, what it would take."""
    seen, found = difference.evidence, difference.found
    if seen.constant and difference.verdict == "same":
        return []
    if difference.verdict == "same":
        return [f"within {percent(difference.measure, seen.margin)} either way", *_typical_text(difference)]
    sure = "" if seen.p is None or found.p is None else "p < 0.001" if found.p < 0.001 else f"p {found.p:.3f}"
    if sure and found.comparisons > 1:
        sure += f" corrected for {found.comparisons} comparisons"
    if difference.verdict != "cannot tell":
        return [sure, *_typical_text(difference)]
    if seen.cases == 1 and seen.scope == "cases like these":
        return ["one case says nothing about others, however often it is repeated"]
    if seen.constant and not seen.change:
        sure = ""
    few = _unseen_text(difference) if _may_be_rare(seen) else ""
    return list(filter(None, [sure, *_typical_text(difference), few, needs(found)]))


def _opening(difference: Difference) -> str:
    """The first words about sides without any change; empty if there is a change."""
    seen = difference.evidence
    if seen.sides and difference.verdict == "cannot tell" and not seen.reference and not seen.candidate:
        return "nothing passed on either side"
    if not seen.constant:
        return ""
    if difference.verdict == "same":
        return f"all {seen.pairs:,} pairs {'are equal' if not seen.change else f'differ by {change(difference)}'}"
    return "" if seen.change else "no difference"


def change(difference: Difference) -> str:
    """``+12% (+8 to +17)``, ``-6.0 pp (-9.1 to -2.8)``; an unknown interval is left out."""
    seen = difference.evidence
    if seen.change is None:
        return f"from {seen.reference:.4g} to {seen.candidate:.4g}" if seen.reference else "from none to some"
    text = f"{_points(difference, seen.change)}{_unit(difference.measure)}"
    interval = difference.found.ends.change
    return text if interval is None else f"{text} ({_interval_text(difference, interval)})"


def percent(measure: str, share: float, *, signed: bool = False) -> str:
    """``2 pp`` of a pass rate, ``25%`` of anything else."""
    shown = 0.0 if abs(share) < 5e-6 else 100 * share  # what is smaller comes from a search that stops close to 0
    return f"{shown:{'+' if signed else ''}.4g}{_unit(measure)}"


def _unit(measure: str) -> str:
    return " pp" if measure == "pass_rate" else "%"


def _points(difference: Difference, value: float) -> str:
    digits = 1 if difference.measure == "pass_rate" or abs(value) < 0.1 else 0
    text = f"{100 * value:+.{digits}f}"
    return "0" if not float(text) else text


def _interval_text(difference: Difference, interval: Interval) -> str:
    """``-9.1 to -2.8``; ``-9.1 to below 0`` where the interval excludes 0 by less than is shown."""
    beyond = "below 0" if interval[1] < 0 else "above 0" if interval[0] > 0 else ""
    ends = (_points(difference, end) for end in interval)
    return " to ".join(beyond if beyond and end == "0" else end for end in ends)


def _typical_text(difference: Difference) -> list[str]:
    """``the typical case +8% (+5 to +11)``: the geometric mean, which a few extreme values hardly move."""
    typical = difference.found.typical
    if typical is None or typical.interval is None:
        return []
    around = _interval_text(difference, typical.interval)
    return [f"the typical case {_points(difference, typical.change)}% ({around})"]


def _may_be_rare(seen: PairedEvidence) -> bool:
    """Whether the interval lies within the margin, or no case differs, and too few cases were seen to exclude rare changes."""
    ends = seen.change_interval
    return (seen.constant and not seen.change) or (ends is not None and max(map(abs, ends)) <= seen.margin)


def _unseen_text(difference: Difference) -> str:
    """The rule of three."""
    seen = difference.evidence
    what = "cases" if seen.chances == seen.cases else "answers"
    return f"a change in up to {100 * seen.unseen():.2g}% of {what} would not show"


MOST = 10_000
"""More cases, or attempts at each, than anybody would add."""
WIDE = 20
"""The ends of a range are so many times apart that it is no help."""


def needs(found: Assessment) -> str:
    """``needs 40 to 130 more cases, or 2 to 7 more attempts at each``: what would decide."""
    if found.needs_cases is None:
        return _fewest(found)
    asked = [(found.needs_cases, "case", ""), (found.needs_repeats, "attempt", " at each")]
    return "needs " + ", or ".join(f"{_span(span, what)}{rest}" for span, what, rest in asked if span)


def _fewest(found: Assessment) -> str:
    seen = found.evidence
    least = seen.min_cases(found.level)
    if seen.chances >= least:
        return "how much more it would take is not known"
    several = ", or several attempts at each" if seen.scope == "these cases" else ""
    return f"needs at least {least} cases{several}"


def _span(needs: Needs, what: str) -> str:
    """``40 to 130 more cases``; ``at least 40 more cases`` where the other end is no help; ``over 10,000 more cases``.

    The least is always named. It is right on average over all samples without a verdict: those with a narrow range settle more often.
    """
    low, high = needs
    if low > MOST:
        return f"over {MOST:,} more {what}s"
    if high is None or high > MOST or high >= WIDE * low:
        return f"at least {count(low, f'more {what}')}"
    return count(low, f"more {what}") if low == high else f"{low:,} to {high:,} more {what}s"
