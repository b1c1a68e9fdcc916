"""Noise: how many cells change by themselves, and the smallest change that can be seen."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.noise import NoiseReport, TargetNoise, unstable_text
from harness.report import View, words
from harness.report.blocks import Block, Code, Heading, Paragraph, Table, document
from harness.report.content.parts import cut, notes

METHOD = (
    "flips: how often two attempts at the same cell disagree, one passing and the other not, as a share of all pairs of attempts. "
    "smallest change: if the change is this large, a comparison of two such runs calls it better or worse in 80% of reports, on these cases; "
    "any: the attempts at each case are equal, so any change is seen."
)


@document("noise")
def noise_blocks(report: NoiseReport, view: View) -> Iterator[Block]:
    """What changes by itself, and the smallest change that a suite can see."""
    yield Heading("What changes by itself", level=1)
    for target in report.targets:
        yield from _target(target, view)
    yield from notes([*report.notes, METHOD])


def _target(target: TargetNoise, view: View) -> Iterator[Block]:
    low, high = target.interval
    unstable = unstable_text(len(target.unstable), target.cells)
    flips = f"two attempts disagree in {target.flips:.1%} of pairs ({low:.1%} to {high:.1%})"
    yield Heading(target.target)
    yield Paragraph([f"{unstable}; {flips}"], strong=True)
    yield _visible(target)
    shown, more = cut(target.unstable, view)
    if shown and not view.quiet:
        rows = [
            [Code(one.id), f"{one.passed}/{one.judged}", f"{one.flips:.0%}", "{:.0%} to {:.0%}".format(*one.interval)]
            for one in shown
        ]
        yield Table(["cell", "passed", "flips", "95%"], rows, "unstable cells, the worst first")
        yield from more


def _visible(target: TargetNoise) -> Table:
    header = ["smallest change"]
    header += [f"{k} x{' (now)' if k == target.repeats else ''}" for k in target.visible[0].by_repeats]
    units = {"pass_rate": " pp"}
    rows = [
        [words.label(one.measure), *(_change(share, units.get(one.measure, "%")) for share in one.by_repeats.values())]
        for one in target.visible
    ]
    return Table(header, rows, "by the number of repeats")


def _change(share: float, unit: str) -> str:
    """``5.6 pp``, ``120%``; ``any`` where all attempts are equal."""
    return f"{100 * share:{'.0f' if share >= 0.1 else '.2g'}}{unit}" if share else "any"
