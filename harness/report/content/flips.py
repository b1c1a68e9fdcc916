"""The flips of a comparison: the worst first, each with its message and both answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from urllib.parse import quote

from harness.compare.comparison import Comparison, Flip, read_answers
from harness.report import View, words
from harness.report.blocks import Block, Code, Heading, Item, Items, Level, Pair, Paragraph, Styled
from harness.text import amounts

SIDES = ("reference", "candidate")
SHOWN, UNFOLDED = 200, 20
"""How many flips a page lists with their answers, and how many of them without a click."""

Trial = tuple[int, str]
"""A side and the id of a trial. The reference is side 0, the first candidate 1, the second 2."""
Numbers = Mapping[Trial, Trial]
"""A trial as its comparison numbers the sides -> as the page does."""


def flips(comparison: Comparison, view: View, numbers: Numbers) -> Iterator[Block]:
    """The worst flips; of those of one cell with the same answers, only the last has them, of those with one message only the last has that."""
    limits = {"html": SHOWN, "github": None}
    worst = worst_first(comparison.flips)[: limits.get(view.format, view.details)]
    shown = worst if view.format in limits else read_answers(worst, comparison.sources)
    more = len(comparison.flips) - len(shown)
    flipped = len({flip.id for flip in comparison.flips})
    there = amounts.count(len(comparison.paired), "cell")
    counted = f"{amounts.count(len(comparison.flips), 'flip')} in {f'{flipped:,} of ' if flipped else ''}{there}"
    yield Heading(counted, level=3)
    yield Items(
        [
            Item(
                _head(flip),
                [*why, *(_answers(flip, comparison, view, numbers) if last else [])],
                _level(flip),
                flip.place,
            )
            for _, alike in groupby(shown, attrgetter("id", "answers"))
            for flip, why, last in _with_messages(list(alike))
        ],
        UNFOLDED,
    )
    if more:
        chosen = {"table": "-v", "html": "--format json"}.get(view.format, f"--format {view.format} -v")
        yield Paragraph([f"and {more:,} more (the worst are above): ", Code(f"{comparison.command} {chosen}")])


def _with_messages(flips: Sequence[Flip]) -> Iterator[tuple[Flip, list[Block], bool]]:
    """Each flip with its message, and whether it is the last."""
    for _, group in groupby(flips, _message):
        *others, last = same = list(group)
        yield from ((flip, [], False) for flip in others)
        trouble = same[0].trouble
        why = words.shortened(words.reason(trouble), 400) if trouble and last.after != "passed" else ""
        yield last, [Paragraph([why])] if why else [], last is flips[-1]


def _message(flip: Flip) -> str:
    """The failure message of a flip, whatever its check; empty where it is not known."""
    known = flip.trouble
    return "" if known is None else known.verdict.message if known.verdict else known.message


def _level(flip: Flip) -> Level:
    return "notice" if flip.after == "passed" else "error" if flip.after == "failed" else "warning"


def _head(flip: Flip) -> list[str]:
    states = (flip.before, flip.after)
    before, after = (Styled(state, status="none" if state == "not judged" else state) for state in states)
    return [before, " -> ", after, "  ", flip.check, "  ", Styled(flip.id)]


def _answers(flip: Flip, comparison: Comparison, view: View, numbers: Numbers) -> list[Block]:
    if not any(flip.trials) and not any(answer is not None for answer in flip.answers):
        return []
    links = [
        list(_links(flip.trials[at], numbers.get((at, flip.trials[at] or "")), comparison.runs[at], view))
        for at in (0, 1)
    ]
    titles = [[f"{name} said", *link] for name, link in zip(SIDES, links, strict=True)]
    return [Pair((titles[0], titles[1]), flip.answers)]


def _links(trial: str | None, number: tuple[int, str] | None, run: str | None, view: View) -> Iterator[str]:
    """Links to the trial in this page, and, if the page is served, in the page of its run."""
    if trial and number:
        yield Styled(f"#{trial.rpartition('#')[2]}, all of it", opens=number)
    if trial and run and view.home:
        yield Styled("in its run", address=f"{view.home}run/{quote(run)}#trial={quote(trial)}")


def worst_first(flips: Sequence[Flip]) -> Sequence[Flip]:
    """First the checks that pass less often on the candidate, then those that a side did not judge, then those that pass more."""
    return sorted(flips, key=attrgetter("gain"))
