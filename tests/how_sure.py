"""Writes the figures of ``docs/how-sure.md``: ``python -m tests.how_sure [RUNS] [BLOCK ...]``, RUNS simulated reports a row.

Every block of figures stands between two marks of its name. A few blocks may be renewed alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from harness.compare.gates import from_option
from harness.compare.looks import Curtailment, blocks, futile, level
from harness.compare.stats.evidence import PairedEvidence, Scope
from harness.compare.stats.exact import divisions, tail
from harness.compare.stats.multiple_comparisons import shared_signs
from harness.compare.stats.numbers import numbers
from harness.compare.stats.rates import Attempts, rates
from harness.compare.stats.sign_flip import flip_p
from harness.compare.stats.verdict import is_same
from tests.simulated import (
    ALPHA,
    CHANCES,
    MARGIN,
    ONE_SIDE,
    RARE,
    SHAPES,
    WORLDS,
    Checked,
    Rng,
    Sample,
    cold_starts,
    passes,
    settled,
    wrong_budgets,
    wrong_lines,
    wrong_numbers,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "how-sure.md"
PEERS = Path(__file__).parents[1] / ".venv-peers"
SIZES = [(cases, attempts) for attempts in (1, 5) for cases in (5, 12, 30, 100, 400)]
FALL = 0.1


def table(runs: int, header: Sequence[str], rows: Iterator[Sequence[str | float]]) -> str:
    lines = [f"Each row is {runs:,} simulated reports.", "", f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for row in rows:
        lines.append(f"| {' | '.join(cell if isinstance(cell, str) else f'{cell:.1%}' for cell in row)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def seen(found: Sequence[PairedEvidence]) -> float:
    return float(np.mean([(evidence.p or 1.0) <= ALPHA for evidence in found]))


def missed(found: Sequence[PairedEvidence], truth: float) -> float:
    ends = [evidence.change_interval or (-np.inf, np.inf) for evidence in found]
    return float(np.mean([not low - 1e-9 <= truth <= high + 1e-9 for low, high in ends]))


# --- pass rates ---------------------------------------------------------------------------------------


def two_rates(
    rng: Rng, size: tuple[int, int], before: float, after: float, scope: Scope = "these cases"
) -> PairedEvidence:
    cases, attempts = size
    judged = [attempts] * cases
    sides = (Attempts(rng.binomial(attempts, rate, cases).tolist(), judged) for rate in (before, after))
    return rates(range(cases), *sides, margin=0.02, scope=scope)


def of_rates(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for size in [(3, 1), *SIZES, (20, 2)]:
            for rate in (0.99, 0.9):
                rng = np.random.default_rng(size[0] * 10 + size[1])
                equal, near, fallen = (
                    [two_rates(rng, size, rate, rate - fall) for _ in range(runs)] for fall in (0, 0.02, FALL)
                )
                best = [randomised(rng, size, rate) for _ in range(runs)]
                same = float(np.mean([is_same(evidence) for evidence in near]))
                yield (
                    f"{size[0]} x {size[1]}",
                    f"{rate:.0%}",
                    seen(equal),
                    same,
                    missed(fallen, -FALL),
                    seen(fallen),
                    float(np.mean(best)),
                )

    header = (
        "cases x attempts",
        "pass rate",
        "false alarms",
        "*same*, though 2 pp worse",
        "interval misses a fall of 10 pp",
        "sees it",
        "best test",
    )
    return table(runs, header, rows())


def randomised(rng: Rng, size: tuple[int, int], rate: float) -> float:
    """The probability with which the randomised exact stratified test, which uses the full level, sees the fall."""
    cases, attempts = size
    passed = np.array([rng.binomial(attempts, rate, cases), rng.binomial(attempts, rate - FALL, cases)])
    found = tail(int((passed[1] - passed[0]).sum()), divisions(np.full((2, cases), attempts), passed, attempts))
    beyond = found.p - found.at
    return float(np.clip((ALPHA - beyond) / (2 * found.at), 0, 1)) if found.at else float(found.p <= ALPHA)


def of_kinds(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for name in CHANCES:
            for cases, attempts in ((30, 1), (100, 1), (30, 5), (100, 5)):
                rng = np.random.default_rng(cases + attempts)
                found = [passes(rng, CHANCES[name], Sample(cases, attempts)) for _ in range(runs)]
                yield name, f"{cases} x {attempts}", seen(found), missed(found, 0.0)

    return table(runs, ("chance of a case", "cases x attempts", "false alarms", "interval misses"), rows())


# --- numbers ------------------------------------------------------------------------------------------


def times(rng: Rng, cases: int, attempts: int, kind: str, factor: float) -> tuple[PairedEvidence, float]:
    """Both sides in seconds, and the p value of the sign-flip test alone."""
    if kind == "long tails":
        base = rng.lognormal(0, 1, (cases, 1))
        sides = [(base * rng.lognormal(0, 0.5, (cases, attempts))).mean(axis=1) for _ in "ab"]
    else:
        sides = [cold_starts(rng, (cases, attempts)).mean(axis=1) for _ in "ab"]
    return numbers(range(cases), sides[0], factor * sides[1], margin=MARGIN), flip_p(factor * sides[1] - sides[0])


def of_numbers(runs: int) -> str:
    kinds = [("long tails", *size) for size in SIZES] + [("1 in 20 takes 5 times", n, 1) for n in (30, 100, 400)]

    def rows() -> Iterator[Sequence[str | float]]:
        for kind, cases, attempts in kinds:
            rng = np.random.default_rng(cases * 10 + attempts)
            factor = float(np.exp(2.0 / np.sqrt(cases * attempts)))
            equal, near, slower = (
                [times(rng, cases, attempts, kind, by) for _ in range(runs)] for by in (1.0, 1 + MARGIN, factor)
            )
            yield (
                kind,
                f"{cases} x {attempts}",
                seen([one for one, _ in equal]),
                float(np.mean([is_same(one) for one, _ in near])),
                missed([one for one, _ in slower], factor - 1),
                f"{factor - 1:+.0%}",
                seen([one for one, _ in slower]),
                float(np.mean([p <= ALPHA for _, p in slower])),
            )

    header = (
        "times",
        "cases x attempts",
        "false alarms",
        "*same*, though 10% more",
        "interval misses",
        "a change of",
        "is seen in",
        "sign flip alone",
    )
    return table(runs, header, rows())


def of_shapes(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for cases, name in product((12, 30), [*SHAPES, *RARE]):
            found = wrong_numbers(name, Sample(cases, 1), runs)
            yield name, f"{cases}", found.alarms, found.flips, found.missed, found.same

    header = (
        "reference, candidate",
        "cases",
        "false alarms",
        "by the sign flip alone",
        "interval misses",
        "*same*, though 10% apart",
    )
    return table(runs, header, rows())


def of_budgets(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for name in ONE_SIDE:
            for cases in (5, 20, 100):
                found = wrong_budgets(name, cases, runs)
                yield name, f"{cases}", found.held, found.crossed

    return table(runs, ("times, their mean at the limit", "cases", "kept", "crossed"), rows())


# --- reports, looks, needs ----------------------------------------------------------------------------


def five_measures(rng: Rng, cases: int) -> list[PairedEvidence]:
    """Thoughts, tokens, cost, latency and time to the first token of equal sides."""
    base = rng.lognormal(0, 0.8, cases)

    def side() -> list[np.ndarray]:
        thoughts = 100 * base * rng.lognormal(0, 1, cases)
        tokens = 200 + thoughts + rng.normal(0, 5, cases)
        seconds = 0.5 + thoughts / 200 * rng.lognormal(0, 0.3, cases)
        return [thoughts, tokens, tokens * 1e-6, seconds, rng.lognormal(0, 0.6, cases)]

    return [numbers(range(cases), *sides, margin=MARGIN) for sides in zip(side(), side(), strict=True)]


def of_reports(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for cases, candidates in ((12, 1), (30, 1), (100, 1), (400, 1), (30, 5)):
            rng = np.random.default_rng(cases + candidates)
            wrong = [
                any(
                    found.p <= ALPHA / candidates
                    for _ in range(candidates)
                    for found in shared_signs(five_measures(rng, cases), ALPHA / candidates)
                )
                for _ in range(runs)
            ]
            yield f"{cases}", f"{candidates}", float(np.mean(wrong))

    return table(runs, ("cases", "candidates", "a measure is called different"), rows())


def of_breaks(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for world in (
            Checked(1, 3, 2, 1, 0.5),
            Checked(1, 12, 1, 4, 0.5),
            Checked(1, 30, 5, 4, 0.9),
            Checked(10, 3, 2, 4, 0.5),
            Checked(10, 6, 3, 4, 0.8),
            Checked(50, 3, 2, 4, 0.5),
        ):
            found = wrong_lines(world, runs)
            size = f"{world.cases} x {world.attempts}"
            yield f"{world.suites}", size, f"{world.checks}", f"{world.chance:.0%}", found.broke, found.differ

    header = ("suites", "cases x attempts", "checks", "each passes in", "a break", "bottom line *better* or *worse*")
    return table(runs, header, rows())


def of_looks(runs: int) -> str:
    worlds: list[tuple[str, tuple[int, int], float, float, Scope]] = [
        ("90% and 90%", (300, 1), 0.9, 0.9, "these cases"),
        ("90% and 80%", (300, 1), 0.9, 0.8, "these cases"),
        ("95% and 95%, 3 attempts", (300, 3), 0.95, 0.95, "these cases"),
        ("90% and 80%, cases like these", (300, 1), 0.9, 0.8, "cases like these"),
        ("17 x 3, 90% and 90%", (17, 3), 0.9, 0.9, "these cases"),
        ("17 x 3, 90% and 65%", (17, 3), 0.9, 0.65, "these cases"),
        ("17 x 3, 90% and 65%, cases like these", (17, 3), 0.9, 0.65, "cases like these"),
        ("60 x 1, 85% and 85%", (60, 1), 0.85, 0.85, "these cases"),
        ("60 x 1, 85% and 65%", (60, 1), 0.85, 0.65, "these cases"),
        ("250 x 2, 90% and 90%", (250, 2), 0.9, 0.9, "these cases"),
        ("250 x 2, 90% and 83%", (250, 2), 0.9, 0.83, "these cases"),
        ("33 x 4, 95% and 85%, cases like these", (33, 4), 0.95, 0.85, "cases like these"),
    ]

    def rows() -> Iterator[Sequence[str | float]]:
        for name, size, before, after, scope in worlds:
            rng = np.random.default_rng(size[1])
            made = [looked(rng, size, before, after, scope) for _ in range(runs)]
            told, whole, miss, asked = np.mean(made, axis=0)
            yield name, float(told), float(whole), float(miss), f"{asked:.0f}"

    header = ("pass rates", "called different", "with all cases", "interval misses", "cases asked on average")
    return table(runs, header, rows())


def looked(
    rng: Rng, size: tuple[int, int], before: float, after: float, scope: Scope
) -> tuple[bool, bool, bool, float]:
    """Whether a run that may stop calls the sides different, whether one of all cases does, whether the interval misses, and the cases."""
    cases, attempts = size
    passed = [rng.binomial(attempts, rate, cases) for rate in (before, after)]

    def evidence(end: int) -> PairedEvidence:
        sides = (Attempts(side[:end], np.full(end, attempts)) for side in passed)
        return rates(range(end), *sides, margin=0.02, scope=scope)

    ends = np.cumsum([len(part) for part in blocks(list(range(cases)))])
    for look, end in enumerate(ends, 1):
        found = evidence(int(end))
        told = (found.p or 1.0) <= level(look)
        if told or futile(found.p, look):
            break
    low, high = found.ends(1 - level(look)).own or (-1.0, 1.0)
    whole = (evidence(cases).p or 1.0) <= ALPHA
    return told, whole, not low <= after - before <= high, float(end)


def of_certain(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for rate in (0.99, 0.95, 0.9, 0.85):
            rng = np.random.default_rng(int(100 * rate))
            made = [calls(rng.random(300) < rate) for _ in range(runs)]
            yield (
                f"{rate:.0%}",
                float(np.mean([crossed for _, crossed in made])),
                f"{np.mean([n for n, _ in made]):.0f}",
            )

    return table(runs, ("pass rate", "crossed", "attempts on average, of 300"), rows())


def calls(passed: np.ndarray) -> tuple[int, bool]:
    """After how many attempts ``pass_rate.min=95%`` is certain, and whether it is crossed."""
    gate = from_option("pass_rate.min=95%")
    sure = Curtailment([gate], {None: len(passed)})
    attempts = 0
    while not sure.certain:
        sure.add("", int(passed[attempts]), 1)
        attempts += 1
    return attempts, bool(sure.crossed(gate))


def of_needs(runs: int) -> str:
    def rows() -> Iterator[Sequence[str | float]]:
        for name in WORLDS:
            found = settled(name, runs)
            yield name, found.least, found.most

    header = ("cases x attempts, or cases", "settled with the least", "with the most")
    return table(runs, header, rows())


# --- peers --------------------------------------------------------------------------------------------


Compared = Callable[[np.ndarray, np.ndarray], tuple[float, tuple[float, float]]]
"""Values by case and attempt, reference and candidate -> p value, and the interval of the difference."""


def of_peers(runs: int) -> str:
    """Raises ImportError where the peers are not installed: ``make nightly`` installs them."""
    sys.path.insert(0, str(PEERS))
    worlds: Mapping[str, Callable[[Rng, bool], tuple[np.ndarray, np.ndarray]]] = {
        "30 x 1, 90%; 80%": lambda rng, falls: (rng.random((30, 1)) < 0.9, rng.random((30, 1)) < 0.9 - 0.1 * falls),
        "30 x 5, 99%; 93%": lambda rng, falls: (rng.random((30, 5)) < 0.99, rng.random((30, 5)) < 0.99 - 0.06 * falls),
        "12 times, steady; long tails": lambda rng, falls: (
            np.ones((12, 1)),
            rng.exponential(1 + 0.8 * falls, (12, 1)),
        ),
        "30 times, long tails; +50%": lambda rng, falls: (
            rng.lognormal(0, 0.5, (30, 1)),
            (1 + 0.5 * falls) * rng.lognormal(0, 0.5, (30, 1)),
        ),
    }
    truths = {"30 x 1, 90%; 80%": -0.1, "30 x 5, 99%; 93%": -0.06}

    def rows() -> Iterator[Sequence[str | float]]:
        for world, draw in worlds.items():
            for tool, compared in (
                ("gemini-harness", ours),
                ("noisecheck 0.1.1", noisecheck),
                ("evalsig 0.1.2", evalsig),
            ):
                rng = np.random.default_rng(1)
                alike, apart = (
                    [compared(*(np.asarray(side, float) for side in draw(rng, falls))) for _ in range(runs)]
                    for falls in (False, True)
                )
                truth = truths.get(world)
                miss = "" if truth is None else float(np.mean([not low <= truth <= high for _, (low, high) in apart]))
                yield (
                    world,
                    tool,
                    float(np.mean([p <= ALPHA for p, _ in alike])),
                    float(np.mean([p <= ALPHA for p, _ in apart])),
                    miss,
                )

    return table(runs, ("data; what changes", "tool", "false alarms", "sees it", "interval misses"), rows())


def ours(before: np.ndarray, after: np.ndarray) -> tuple[float, tuple[float, float]]:
    if set(np.unique([before, after])) <= {0.0, 1.0}:
        sides = (Attempts(side.sum(axis=1).astype(int), np.full(len(side), side.shape[1])) for side in (before, after))
        found = rates(range(len(before)), *sides, margin=0.02, scope="these cases")
    else:
        found = numbers(range(len(before)), before.mean(axis=1), after.mean(axis=1), margin=MARGIN)
    return found.p or 1.0, found.interval or (-np.inf, np.inf)


def noisecheck(before: np.ndarray, after: np.ndarray) -> tuple[float, tuple[float, float]]:
    from noisecheck.schema import PairedData
    from noisecheck.stats.paired import compare_paired

    cases, attempts = before.shape
    names = tuple(str(case) for case in range(cases) for _ in range(attempts))
    tries = tuple(str(attempt) for _ in range(cases) for attempt in range(attempts))
    clusters = names if attempts > 1 else (None,) * cases
    pairs = PairedData("m", names, tries, clusters, tuple(before.ravel()), tuple(after.ravel()), 0, 0)
    found = compare_paired(pairs, b=1_000)
    return found.p_value, (found.ci_low, found.ci_high)


def evalsig(before: np.ndarray, after: np.ndarray) -> tuple[float, tuple[float, float]]:
    from evalsig.compare.compare import compare
    from evalsig.types import ItemResult, RunFrame

    cases, attempts = before.shape
    cluster = "case" if attempts > 1 else None
    frames = [
        RunFrame(
            name,
            name,
            "t",
            "m",
            [
                ItemResult(f"{case}.{at}", float(side[case, at]), str(case) if cluster else None)
                for case in range(cases)
                for at in range(attempts)
            ],
        )
        for name, side in (("a", before), ("b", after))
    ]
    found = compare(*frames, cluster=cluster, n_resamples=1_000)
    return found.p_value, found.ci


# ------------------------------------------------------------------------------------------------------

BLOCKS: Mapping[str, Callable[[int], str]] = {
    "rates": of_rates,
    "kinds": of_kinds,
    "numbers": of_numbers,
    "shapes": of_shapes,
    "budgets": of_budgets,
    "reports": of_reports,
    "breaks": of_breaks,
    "looks": of_looks,
    "certain": of_certain,
    "needs": of_needs,
    "peers": of_peers,
}


def write(name: str, figures: str) -> None:
    """Replace the figures between the marks of a block."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, _, rest = DOCUMENT.read_text("utf-8").partition(begin)
    DOCUMENT.write_text(f"{head}{begin}\n\n{figures}\n\n{end}{rest.partition(end)[2]}", "utf-8")


if __name__ == "__main__":
    asked = [word for word in sys.argv[1:] if not word.isdigit()]
    number = next((int(word) for word in sys.argv[1:] if word.isdigit()), 2_000)
    for block in asked or BLOCKS:
        write(block, BLOCKS[block](number))
