"""A comparison: its conclusion, the flips, its verdicts as rows and each in a sentence, gates and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from statistics import NormalDist
from typing import TYPE_CHECKING

from harness.compare.comparison import Comparison, Comparisons
from harness.compare.pairs import Pair
from harness.compare.verdicts import NAMES, change, needs, remarks
from harness.report import View, words
from harness.report.blocks import Block, Bullets, Facts, Heading, Level, Paragraph, Styled, Table, document
from harness.report.content.flips import SIDES, flips
from harness.report.content.parts import gates
from harness.results.groups import Group, total_of
from harness.text import amounts

if TYPE_CHECKING:
    from harness.compare.stats.verdict import Difference

READING = (
    "Means over the cells that both sides have. these cases: only the attempts are chance. cases like these: the cases are, too. "
    "Intervals and p are corrected for the number of comparisons. same: within the margin. cannot tell: neither a difference nor its "
    "absence is shown."
)


@document("comparison")
def comparison_blocks(document: Comparison | Comparisons, view: View) -> Iterator[Block]:
    """What differs between a reference and a candidate, or each of several."""
    candidates = document.candidate if isinstance(document, Comparison) else f"{len(document.comparisons)} candidates"
    if view.page:
        yield Heading(f"{candidates} against {document.reference}", level=1)
    if isinstance(document, Comparisons):
        yield from _all_candidates(document, view)
    yield from compared_blocks(document.comparisons, view)


def _all_candidates(document: Comparisons, view: View) -> Iterator[Block]:
    """All candidates in a table."""
    verdicts = (f"{comparison.candidate}: {comparison.conclusion.verdict}" for comparison in document.comparisons)
    yield Paragraph(["; ".join(verdicts)], strong=True)
    if view.page:
        yield Heading("candidates")
    yield Paragraph([correction_note(document)])
    yield Table(*overview(document), "verdicts on each candidate")
    if not view.quiet:
        yield Paragraph([READING])
        yield Bullets([[note] for note in document.notes])


def compared_blocks(comparisons: Sequence[Comparison], view: View, *, concluded: bool = False) -> Iterator[Block]:
    """The parts of one comparison, or, each below its heading, of one for each candidate. A page ends with the trials of the flips.

    ``concluded``: a line above already says what it comes to.
    """
    from harness.report.content.flip_trials import flip_trials, with_answers

    found = list(map(with_answers, comparisons)) if view.page else comparisons
    trials = flip_trials(found) if view.page else None
    for place, comparison in enumerate(found):
        alone = len(found) == 1
        if not alone:
            yield Heading(comparison.candidate)
        shown = flips(comparison, view, trials.numbers if trials else {}, place + 1)
        yield from _parts(comparison, view, shown, alone=alone, concluded=concluded)
    if trials and trials.numbers:
        yield Heading("trials")
        yield trials


def _parts(
    comparison: Comparison, view: View, found: Iterable[Block], *, alone: bool, concluded: bool
) -> Iterator[Block]:
    """``alone``: with sections on a page, all cells, and a note on how to read the verdicts."""
    verdicts = _differences(comparison, view, alone=alone)
    held = gates([gate.to_json() for gate in comparison.gates])
    notes = [Bullets([[note] for note in comparison.notes])] if comparison.notes and not view.quiet else []
    if not concluded:
        yield Paragraph([str(comparison.conclusion)], strong=True)
    yield Facts([(name, _side(comparison, at, view)) for at, name in enumerate(SIDES)])
    yield Bullets([[str(broken)] for broken in comparison.breaks[1:] if not concluded])
    if view.format == "table":
        yield from (block for part in (found, verdicts, [held], notes) for block in part)
        return
    yield held
    sections: list[tuple[str, Iterable[Block]]] = [("differences", verdicts), ("flips", found)]
    sections += [("cells", _cells(comparison.pairs))] if alone and view.page else []
    for name, part in [*sections, ("notes", notes)]:
        blocks = list(part)
        yield from [Heading(name), *blocks] if alone and blocks and view.page else blocks


def _side(comparison: Comparison, at: int, view: View) -> str:
    """The name of a side, and what was asked; on a page, which has room, also who answered."""
    name = (comparison.reference, comparison.candidate)[at]
    cells = comparison.pairs.sides[at]
    attempts = sum(cell.attempts for cell in cells)
    cost = total_of(cells, "cost_usd")
    asked = f"{amounts.count(attempts, 'attempt')}{f' for ${amounts.dollars(cost)}' if cost else ''}"
    sources = [f"{source}{' (SIMULATED)' if simulated else ''}" for _, source, simulated in comparison.provenance[at]]
    answers = f"answers of {', '.join(sources)}" if sources and view.page else ""
    return "; ".join(filter(None, [name, asked, answers]))


# --- differences --------------------------------------------------------------------------------------


def _differences(comparison: Comparison, view: View, *, alone: bool) -> Iterator[Block]:
    """A row per measure, over all suites, a sentence for each, and the verdicts on single suites."""
    if not comparison.differences:
        return
    rows = [
        [words.label(measure), *_sides(one), change(one), Styled(one.verdict, status=one.verdict.replace(" ", "-"))]
        for measure, one in comparison.overall.items()
    ]
    sure = f"change ({100 * (1 - comparison.differences[0].alpha):.6g}%)"
    yield Table(["measure", "reference", "candidate", sure, "verdict"], rows, "verdicts on measures")
    if view.quiet:
        return
    yield Bullets([[line] for line in explanations(comparison)])
    header, by_suite = suite_rows(comparison)
    if len(by_suite) > 1:
        yield Table(header, by_suite, "verdicts on each suite")
    if alone:
        yield Paragraph([READING])


def explanations(comparison: Comparison) -> Iterator[str]:
    """What the table of verdicts does not show of each measure over all suites; and pass@k and pass^k where cases have repeats.

    Measures with the same text share a line.
    """
    for text, alike in groupby(comparison.overall.values(), _explanation):
        same = list(alike)
        if text:
            yield f"{', '.join(NAMES[difference.measure] for difference in same)}, {same[0].evidence.scope}: {text}"
        for difference in same:
            yield from _repeat_rates(difference)


def _explanation(difference: Difference) -> str:
    """The bottom line says what the pass rate needs."""
    told = needs(difference) if difference.measure == "pass_rate" else None
    return "; ".join([*(text for text in remarks(difference) if text != told), *_detectable(difference)])


def _detectable(difference: Difference) -> Iterator[str]:
    least, seen = difference.detectable, difference.evidence
    if difference.verdict == "cannot tell" and least is not None and seen.reference and not seen.constant:
        rate = difference.measure == "pass_rate"
        share = least if rate else least / seen.reference
        yield (
            f"{amounts.count(seen.cases, 'case')} can show a difference of about "
            f"{100 * share:.{0 if share >= 0.1 else 1}f}{' pp' if rate else '%'}"
        )


def _repeat_rates(difference: Difference) -> Iterator[str]:
    if (repeats := difference.evidence.repeats) is not None:
        k, reference, candidate = (repeats[name] for name in ("k", "reference", "candidate"))
        for name, meaning in (("pass@k", "at least one"), ("pass^k", "all")):
            yield f"{name[:-1]}{k} ({meaning} of {k} attempts): {reference[name]:.0%} -> {candidate[name]:.0%}"


def suite_rows(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """(header, a row per suite): the verdict on each measure, and its change where it is not the same."""
    by_suite: dict[str, dict[str, Difference]] = {}
    for difference in comparison.differences:
        if difference.suite is not None:
            by_suite.setdefault(difference.suite, {})[difference.measure] = difference
    measures = list(dict.fromkeys(difference.measure for difference in comparison.differences))
    rows = [
        [suite, *(_short_verdict(measured[measure]) if measure in measured else "" for measure in measures)]
        for suite, measured in by_suite.items()
    ]
    return ["suite", *map(words.label, measures)], rows


def overview(document: Comparisons) -> tuple[list[str], list[list[str]]]:
    """(header, the reference, then a row per candidate): its flips, its value and the verdict on each measure, and its change
    where it is not the same."""
    found = [comparison.overall for comparison in document.comparisons]
    measures = list(dict.fromkeys(measure for verdicts in found for measure in verdicts))
    first = {measure: difference for verdicts in reversed(found) for measure, difference in verdicts.items()}
    reference = [words.measured(measure, first[measure].evidence.reference) for measure in measures]
    rows = [
        [
            comparison.candidate,
            f"{len(comparison.flips):,}",
            *(
                f"{words.measured(measure, one.evidence.candidate)} {_short_verdict(one)}"
                if (one := by_measure.get(measure))
                else "-"
                for measure in measures
            ),
        ]
        for comparison, by_measure in zip(document.comparisons, found, strict=True)
    ]
    return ["side", "flips", *map(words.label, measures)], [[document.reference, "-", *reference], *rows]


def correction_note(document: Comparisons) -> str:
    """How many candidates there are, what p is corrected for, and what it costs to choose the best of them."""
    number = len(document.comparisons)
    text = f"{number} candidates against {document.reference}; pass rates are corrected for {number} candidates, "
    text += "measures also for each other; ? is cannot tell"
    cost = best_of(document)
    return f"{text}. {cost}" if cost else text


def best_of(document: Comparisons) -> str:
    """What choosing the highest of several pass rates costs: the highest is also the luckiest.

    The errors of N rates that are alike have an expected maximum of about the normal quantile of (N - 0.375) / (N + 0.25) (Blom
    1958, "Statistical Estimates and Transformed Beta-Variables").
    """
    rates = [comparison.overall.get("pass_rate") for comparison in document.comparisons]
    seen = [rate.evidence for rate in rates if rate]
    errors = [evidence.spread / evidence.cases**0.5 for evidence in seen if evidence.spread]
    if not errors:
        return ""
    options = len(document.comparisons) + 1
    luck = NormalDist().inv_cdf((options - 0.375) / (options + 0.25)) * sum(errors) / len(errors) / 2**0.5
    return f"Of {options} that are alike, the best by chance looks about {100 * luck:.1f} pp better than it is"


def _short_verdict(difference: Difference) -> str:
    moved = change(difference).partition(" (")[0]
    return {"same": "same", "cannot tell": f"? {moved}"}.get(difference.verdict, f"{difference.verdict} {moved}")


def _sides(difference: Difference) -> tuple[str, str]:
    seen = difference.evidence
    reference, candidate = (words.measured(difference.measure, value) for value in (seen.reference, seen.candidate))
    if seen.sides is None:
        return reference, candidate
    first, second = (f"{100 * low:.0f}-{100 * high:.0f}" for low, high in seen.sides)
    return f"{reference} ({first})", f"{candidate} ({second})"


# --- cells --------------------------------------------------------------------------------------------

CELLS = 5_000
"""The most cells in the table."""
_MEASURES = ("thoughtsTokenCount", "totalTokenCount", "latency_s")


def _cells(pairs: Sequence[Pair]) -> Iterator[Block]:
    """A row per cell: both verdicts, and the measures that any cell has. Rows whose verdict differs have a level."""
    shown = pairs if len(pairs) <= CELLS else sorted(pairs, key=lambda pair: not _differs(pair))[:CELLS]
    measures = [measure for measure in _MEASURES if any(_typical(side, measure) for pair in shown for side in pair)]
    header = ["cell", "reference", "candidate"]
    header += [f"{words.label(measure)} {side}" for measure in measures for side in ("ref.", "cand.")]
    rows = [
        [
            pair.id,
            *map(_mark, pair),
            *(words.measured(measure, _typical(side, measure)) for measure in measures for side in pair),
        ]
        for pair in shown
    ]
    levels: list[Level | None] = ["notice" if _differs(pair) else None for pair in shown]
    if len(shown) < len(pairs):
        first = "those whose verdict differs first; --format json has all"
        yield Paragraph([f"{CELLS:,} of {len(pairs):,} cells, {first}"])
    yield Table(
        header,
        rows,
        "cells on both sides",
        frozenset({1, 2}),
        levels,
        filter="cells",
        only="only where the verdict differs",
    )


def _differs(pair: Pair) -> bool:
    reference, candidate = map(_mark, pair)
    return reference != candidate


def _typical(side: Group | None, measure: str) -> float | None:
    return None if side is None else side.typical(measure)


def _mark(side: Group | None) -> Styled:
    if side is None:
        return Styled("not there", status="none")
    attempts = f" {side.passed}/{side.attempts}" if side.attempts > 1 else ""
    return Styled(f"{words.MARKS[side.status]}{attempts}", status=side.status)
