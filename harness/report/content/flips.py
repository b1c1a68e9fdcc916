"""The flips of a comparison: the worst first, each with its message and both answers."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from urllib.parse import quote

from harness.compare.comparison import Comparison, Flip, read_answers
from harness.report import View, words
from harness.report.blocks import Block, Code, Heading, Item, Items, Level, Opens, Pair, Paragraph, Styled
from harness.text import amounts

SIDES = ("reference", "candidate")
SHOWN, UNFOLDED = 200, 20
"""How many flips a page lists with their answers, and how many of them without a click."""

Trial = tuple[int, str]
"""A side and the id of a trial. The reference is side 0, the first candidate 1, the second 2."""


def flips(comparison: Comparison, view: View, opened: Container[Opens], candidate: int) -> Iterator[Block]:
    """The worst flips. ``opened``: the trials that the page opens; ``candidate``: the side of these. Checks of one answer that flip alike share an entry; of entries with the same answers only the last has them."""
    limits = {"html": SHOWN, "github": None}
    worst = worst_first(comparison.flips)[: limits.get(view.format, view.details)]
    shown = worst if view.format in limits else list(read_answers(worst, comparison.sources))
    more = len(comparison.flips) - len(shown)
    flipped = len({flip.id for flip in comparison.flips})
    there = amounts.count(len(comparison.paired), "cell")
    counted = f"{amounts.count(len(comparison.flips), 'flip')} in {f'{flipped:,} of ' if flipped else ''}{there}"
    yield Heading(counted, level=3)
    yield Items(
        [
            Item(
                _head(alike),
                [*_messages(alike), *(_answers(alike[0], comparison, view, opened, candidate) if last else [])],
                _level(alike[0]),
                alike[0].place,
            )
            for _, of_answer in groupby(shown, attrgetter("id", "answers"))
            for alike, last in _entries(list(of_answer))
        ],
        UNFOLDED,
    )
    if more:
        chosen = {"table": "-v", "html": "--format json"}.get(view.format, f"--format {view.format} -v")
        yield Paragraph([f"and {more:,} more (the worst are above): ", Code(f"{comparison.command} {chosen}")])


def _entries(flips: Sequence[Flip]) -> Iterator[tuple[Sequence[Flip], bool]]:
    for _, group in groupby(flips, attrgetter("before", "after")):
        alike = list(group)
        yield alike, alike[-1] is flips[-1]


def _messages(flips: Sequence[Flip]) -> list[Block]:
    """The messages of the flips that share an entry, once where several checks have the same one."""
    failed = [flip for flip in flips if flip.trouble and flip.after != "passed"]
    first = {_message(flip): flip.trouble for flip in reversed(failed)}
    reasons = [words.one_line(words.reason(trouble), 400) for trouble in reversed(first.values()) if trouble]
    return [Paragraph([reason]) for reason in reasons if reason]


def _message(flip: Flip) -> str:
    """The failure message of a flip, whatever its check; empty where it is not known."""
    known = flip.trouble
    return "" if known is None else known.verdict.message if known.verdict else known.message


def _level(flip: Flip) -> Level:
    return "notice" if flip.after == "passed" else "error" if flip.after == "failed" else "warning"


def _head(flips: Sequence[Flip]) -> list[str]:
    states = (flips[0].before, flips[0].after)
    before, after = (Styled(state, status="none" if state == "not judged" else state) for state in states)
    checks = ", ".join(flip.check for flip in flips)
    return [before, " -> ", after, "  ", checks, "  ", Styled(flips[0].id)]


def _answers(flip: Flip, comparison: Comparison, view: View, opened: Container[Opens], candidate: int) -> list[Block]:
    if not any(flip.trials) and not any(answer is not None for answer in flip.answers):
        return []
    titles = [
        [f"{name} said", *_links(side, trial, run, view, opened)]
        for name, side, trial, run in zip(SIDES, (0, candidate), flip.trials, comparison.runs, strict=True)
    ]
    return [Pair((titles[0], titles[1]), flip.answers)]


def _links(side: int, trial: str | None, run: str | None, view: View, opened: Container[Opens]) -> Iterator[str]:
    """Links to the trial in this page, and, if the page is served, in the page of its run."""
    if trial and (side, trial) in opened:
        yield Styled(f"#{trial.rpartition('#')[2]}, all of it", opens=(side, trial))
    if trial and run and view.home:
        yield Styled("in its run", address=f"{view.home}run/{quote(run)}#trial={quote(trial)}")


def worst_first(flips: Sequence[Flip]) -> Sequence[Flip]:
    """First the checks that pass less often on the candidate, then those that a side did not judge, then those that pass more."""
    return sorted(flips, key=attrgetter("gain"))
