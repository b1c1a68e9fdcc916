"""The verdict on each measure of paired cells, and the sentence that explains it with its numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.compare.pairs import Pairs
from harness.results.groups import Group
from harness.text.amounts import count
from harness.text.grouping import grouped

if TYPE_CHECKING:
    from harness.compare.stats.cells import Rows
    from harness.compare.stats.evidence import Interval, PairedEvidence, Scope
    from harness.compare.stats.verdict import Difference, Needs


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


def verdict_row(difference: Difference) -> dict[str, Any]:
    """An item of ``verdicts``: estimate and interval in the measure's own unit; null: not known.

    ``level``: the intervals have a confidence of 1 - ``level``, the level at which the verdict was found. ``needs``,
    ``needs_cases``, ``needs_repeats``: how many more, at least and at most (null: not known). ``typical``: see ``Typical``.
    """
    seen = difference.evidence
    row: dict[str, Any] = {"measure": difference.measure, "suite": difference.suite, "message": sentence(difference)}
    row |= {name: getattr(seen, name) for name in _OF_EVIDENCE}
    row |= {name: getattr(difference, name) for name in _OF_VERDICT}
    row |= {"interval": difference.ends.own, "change_interval": difference.ends.change, "p_alone": seen.p}
    if difference.typical:
        row["typical"] = difference.typical._asdict()
    if seen.sides:
        row |= {"reference_interval": seen.sides[0], "candidate_interval": seen.sides[1], "repeats": seen.repeats}
    return row


_OF_EVIDENCE = ("scope", "reference", "candidate", "estimate", "change", "margin", "pairs", "cases")
_OF_VERDICT = ("verdict", "level", "p", "comparisons", "detectable", "needs", "needs_cases", "needs_repeats")


def differences(cells: Pairs, criteria: Criteria) -> list[Difference]:
    """Verdicts on cells that both sides have: over all suites (``suite`` is None), then, if there are several, over each."""
    from harness.compare.stats.cells import PairedCells
    from harness.compare.stats.verdict import Question, assess

    sides = PairedCells(*cells.sides)
    by_suite = grouped(range(len(cells)), lambda at: cells[at].suite)
    parts: dict[str | None, Rows] = {None: slice(None)}
    if len(by_suite) > 1:
        parts |= {suite: array("q", rows) for suite, rows in by_suite.items()}
    found = [
        Question(measure, suite, evidence)
        for suite, rows in parts.items()
        for measure in JUDGED
        if (evidence := sides.evidence(measure, rows, criteria.margin(measure), criteria.scope or "these cases"))
        if measure == "pass_rate" or evidence.reference or evidence.candidate
    ]
    return assess([found], criteria.alpha)[0]


def overall(differences: Sequence[Difference]) -> dict[str, Difference]:
    """Measure -> the verdict on it over all suites."""
    return {difference.measure: difference for difference in differences if difference.suite is None}


def corrected(reports: Sequence[Sequence[Difference]]) -> list[list[Difference]]:
    """The verdicts of several comparisons, corrected together as one report."""
    from harness.compare.stats.verdict import Question, assess

    alpha = min((one.alpha for report in reports for one in report), default=ALPHA)
    return assess([[Question(one.measure, one.suite, one.evidence) for one in report] for report in reports], alpha)


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
    from harness.compare.stats.cells import PairedCells

    return PairedCells(*cells.sides).evidence(measure, slice(None), Criteria().margin(measure), "these cases")


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
    seen = difference.evidence
    if seen.constant and difference.verdict == "same":
        return []
    if difference.verdict == "same":
        return [f"within {percent(difference.measure, seen.margin)} either way", *_typical_text(difference)]
    p = difference.p
    sure = "" if p is None else "p < 0.001" if p < 0.001 else f"p {p:.3f}"
    if sure and difference.comparisons > 1:
        sure += f" corrected for {difference.comparisons} comparisons"
    if difference.verdict != "cannot tell":
        return [sure, *_typical_text(difference)]
    if seen.cases == 1 and seen.scope == "cases like these":
        return ["one case says nothing about others, however often it is repeated"]
    if seen.constant and not seen.change:
        sure = ""
    few = _unseen_text(difference) if _may_be_rare(seen) else ""
    return list(filter(None, [sure, *_typical_text(difference), few, needs(difference)]))


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
    interval = difference.ends.change
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
    typical = difference.typical
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


def needs(difference: Difference) -> str:
    """``needs 40 to 130 more cases, or 2 to 7 more attempts at each``: what would decide."""
    if difference.needs_cases is None:
        return _fewest(difference)
    asked = [(difference.needs_cases, "case", ""), (difference.needs_repeats, "attempt", " at each")]
    return "needs " + ", or ".join(f"{_span(span, what)}{rest}" for span, what, rest in asked if span)


def _fewest(difference: Difference) -> str:
    seen = difference.evidence
    least = seen.min_cases(difference.level)
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
