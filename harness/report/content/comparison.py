"""A comparison: its verdicts as rows, and each in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.compare.candidates import Comparisons
from harness.compare.comparison import Comparison, Flip, answered
from harness.compare.verdicts import Difference, change, sentence
from harness.report import View, words
from harness.text import amounts

DIFFERENCE_HEADER = ["measure", "reference", "candidate", "change (95%)", "verdict"]
READING = (
    "Means over the cells that both have; intervals and p take the cells of a case together, and p is corrected for all "
    "comparisons made here. same: within the margin. cannot tell: neither a difference nor its absence is shown."
)

_STATES = ("failed", "flaky", "passed")


def shown_flips(comparison: Comparison, view: View) -> tuple[Sequence[Flip], int]:
    """The flips that the view shows, the worst first, and how many more there are."""
    shown = worst_first(comparison.flips)[: view.details]
    return answered(shown, comparison.sources), len(comparison.flips) - len(shown)


def worst_first(flips: Sequence[Flip]) -> Sequence[Flip]:
    """What passes less on the candidate, then what was not judged on a side, then what passes more."""
    return sorted(flips, key=_gain)


def _gain(flip: Flip) -> int:
    known = flip.before in _STATES and flip.after in _STATES
    return _STATES.index(flip.after) - _STATES.index(flip.before) if known else 0


def difference_rows(comparison: Comparison) -> list[list[str]]:
    """All suites together, a row per measure."""
    return [
        [words.label(each.measure), *_sides(each), change(each), each.verdict]
        for each in comparison.differences
        if each.suite is None
    ]


def explained(comparison: Comparison) -> Iterator[str]:
    """A sentence per measure over all suites, one for all those that one case shows; pass@k and pass^k where there are repeats."""
    found = [each for each in comparison.differences if each.suite is None]
    alone = [each.measure for each in found if each.verdict == "cannot tell" and each.evidence.cases == 1]
    if len(alone) > 1:
        measures = ", ".join(map(words.label, alone))
        yield f"{measures}: cannot tell: one case says nothing about others, however often it is repeated"
    for each in found:
        if len(alone) < 2 or each.measure not in alone:
            yield f"{words.label(each.measure)}: {sentence(each)}{_seen(each)}"
        yield from _repeated(each)


def _seen(each: Difference) -> str:
    least, seen = each.found.detectable, each.evidence
    if each.verdict != "cannot tell" or least is None or not seen.reference:
        return ""
    points = f"{100 * least:.1f} pp" if each.measure == "pass_rate" else f"{100 * least / seen.reference:.0f}%"
    return f". The smallest difference that {amounts.count(seen.cases, 'case')} can show: about {points}"


def _repeated(each: Difference) -> Iterator[str]:
    if each.repeats is not None:
        k, one, other = (each.repeats[name] for name in ("k", "reference", "candidate"))
        for name, meaning in (("pass@k", "at least one"), ("pass^k", "all")):
            yield f"{name[:-1]}{k} ({meaning} of {k} attempts): {one[name]:.0%} -> {other[name]:.0%}"


def suite_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """(header, a row per suite): the verdict on each measure, and its change where it is not the same."""
    by_suite: dict[str, dict[str, Difference]] = {}
    for each in comparison.differences:
        if each.suite is not None:
            by_suite.setdefault(each.suite, {})[each.measure] = each
    measures = list(dict.fromkeys(each.measure for each in comparison.differences))
    rows = [
        [suite, *(_short_verdict(measured[each]) if each in measured else "" for each in measures)]
        for suite, measured in by_suite.items()
    ]
    return ["suite", *map(words.label, measures)], rows


def overview(document: Comparisons) -> tuple[list[str], list[list[str]]]:
    """(header, a row per candidate): its flips, the verdict on each measure, and its change where it is not the same."""
    found = [{each.measure: each for each in one.differences if each.suite is None} for one in document.each]
    measures = list(dict.fromkeys(measure for each in found for measure in each))
    rows = [
        [
            one.candidate,
            f"{len(one.flips):,}",
            *(_short_verdict(told[each]) if each in told else "-" for each in measures),
        ]
        for one, told in zip(document.each, found, strict=True)
    ]
    return ["candidate", "flips", *map(words.label, measures)], rows


def correction(document: Comparisons) -> str:
    """How many candidates there are, and that each verdict reckons with those on all of them."""
    verdicts = amounts.count(sum(len(each.differences) for each in document.each), "verdict")
    told = f"{len(document.each)} candidates against {document.reference}; {verdicts}, p corrected for all of them together"
    return f"{told}; ? is cannot tell"


def _short_verdict(each: Difference) -> str:
    moved = change(each).partition(" (")[0]
    return {"same": "same", "cannot tell": f"? {moved}"}.get(each.verdict, f"{each.verdict} {moved}")


def _sides(each: Difference) -> tuple[str, str]:
    seen = each.evidence
    one, other = (words.measured(each.measure, value) for value in (seen.reference, seen.candidate))
    if seen.sides is None:
        return one, other
    first, second = (f"{100 * low:.0f}-{100 * high:.0f}" for low, high in seen.sides)
    return f"{one} ({first})", f"{other} ({second})"
