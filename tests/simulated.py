"""Simulates how often verdicts are wrong, for many distributions: ``python -m tests.simulated [RUNS]`` prints the table.

In each line both sides have the same mean. The columns are fractions of the simulated comparisons: ``alarms`` say that the sides
differ (promised: 5%), ``missed`` have an interval without the true value (5%), ``same`` call a change as large as the margin the
same (2.5%). Then follow budgets equal to the mean of one side, at 95%: how many were held, and how many crossed (5% each).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from harness.compare.comparison import compare_runs
from harness.compare.stats.evidence import PairedEvidence, Scope
from harness.compare.stats.numbers import mean_interval, numbers
from harness.compare.stats.rates import Attempts, rates
from harness.compare.stats.sign_flip import flip_p
from harness.compare.stats.verdict import Difference, Question, assess, is_same
from harness.results.summary import Summary, summarise
from tests.sample_rows import row, verdict

Rng = np.random.Generator
Draw = Callable[[Rng, tuple[int, ...]], np.ndarray]
ALPHA = 0.05
MARGIN = 0.1
UNEQUAL = (1, 1, 2, 4, 8)
"""The number of cells of a case is drawn from these."""


def constant(_: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape)


def nearly(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(1, 0.05, shape)


def normal(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return np.clip(rng.normal(1, 0.3, shape), 0.05, 1.95)


def exponential(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.exponential(1, shape)


def lognormal(sigma: float) -> Draw:
    return lambda rng, shape: rng.lognormal(-sigma * sigma / 2, sigma, shape)


def cold_starts(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.lognormal(0, 0.1, shape) * np.where(rng.random(shape) < 0.05, 5.0, 1.0)


def rare(rng: Rng, shape: tuple[int, ...], share: float) -> np.ndarray:
    return nearly(rng, shape) * np.where(rng.random(shape) < share, 5.0, 1.0) / (1 + 4 * share)


SHAPES: Mapping[str, tuple[Draw, Draw]] = {
    "normal, normal": (normal, normal),
    "lognormal 0.5, the same": (lognormal(0.5), lognormal(0.5)),
    "constant, exponential": (constant, exponential),
    "nearly constant, exponential": (nearly, exponential),
    "constant, lognormal 0.5": (constant, lognormal(0.5)),
    "lognormal 0.3, lognormal 1": (lognormal(0.3), lognormal(1.0)),
    "exponential, lognormal 1": (exponential, lognormal(1.0)),
}
"""Reference and candidate, both with a mean of 1."""
RARE: Mapping[str, tuple[Draw, Draw]] = {
    "steady, 1 in 20 takes 5 times": (nearly, lambda rng, shape: rare(rng, shape, 0.05)),
    "steady, 1 in 8 takes 5 times": (nearly, lambda rng, shape: rare(rng, shape, 0.125)),
}
"""The same, where no test knows what the cases do not show."""
EXTREME = ("lognormal 0.3, lognormal 1", "exponential, lognormal 1")
"""One answer in fifty is over seven times as large as the typical one, so few cases do not show the mean."""


def steady(share: float) -> Draw:
    return lambda _, shape: np.full(shape, share)


def never_or_always(share: float) -> Draw:
    return lambda rng, shape: (rng.random(shape) < share).astype(float)


def mixed(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    return rng.beta(3, 1, shape)


CHANCES: Mapping[str, tuple[Draw, Draw]] = {
    "easy and hard cases": (mixed, mixed),
    "steady 75%, easy and hard": (steady(0.75), mixed),
    "steady 90%, 10% always fail": (steady(0.9), never_or_always(0.9)),
    "steady 98%, 2% always fail": (steady(0.98), never_or_always(0.98)),
    "10% always fail, others do": (never_or_always(0.9), never_or_always(0.9)),
}
"""The distributions of each case's probability to pass, on the reference and on the candidate."""


ONE_SIDE: Mapping[str, Draw] = {
    "normal": normal,
    "nearly constant": nearly,
    "exponential": exponential,
    "lognormal 0.5": lognormal(0.5),
    "lognormal 1": lognormal(1.0),
    "lognormal 1.5": lognormal(1.5),
}
"""The distributions of the numbers of one side, with a mean of 1."""


class Sample(NamedTuple):
    cases: int
    attempts: int
    unequal: bool = False
    """Whether cases have one to eight cells, rather than one each."""

    def owners(self, rng: Rng) -> np.ndarray:
        """The number of each cell's case."""
        return np.repeat(np.arange(self.cases), rng.choice(UNEQUAL, self.cases) if self.unequal else 1)

    def __str__(self) -> str:
        return f"{self.cases:5} x {self.attempts}{' u' if self.unequal else '  '}"


def seconds(rng: Rng, shapes: tuple[Draw, Draw], sample: Sample, *, times: float = 1.0) -> PairedEvidence:
    """Numbers of both sides. With several cells a case, half of each cell's value is common to the case."""
    of = sample.owners(rng)
    sides = []
    for draw in shapes:
        cell = draw(rng, (of.size, sample.attempts)).mean(axis=1)
        sides.append((cell + draw(rng, (sample.cases,))[of]) / 2 if sample.unequal else cell)
    return numbers(of, sides[0], sides[1] * times, margin=MARGIN)


def passes(rng: Rng, chances: tuple[Draw, Draw], sample: Sample) -> PairedEvidence:
    of = sample.owners(rng)
    judged = [sample.attempts] * of.size
    sides = [
        Attempts(rng.binomial(sample.attempts, draw(rng, (sample.cases,))[of]).tolist(), judged) for draw in chances
    ]
    return rates(of.tolist(), *sides, margin=0.02)


@dataclass(slots=True)
class Wrong:
    """Fractions of all runs, 0 to 1; ``same`` and ``flips``, the alarms of the sign-flip test alone, are not simulated for pass rates (-1)."""

    alarms: float
    missed: float
    same: float = -1.0
    flips: float = -1.0


def wrong_numbers(name: str, sample: Sample, runs: int, seed: int = 1) -> Wrong:
    rng = np.random.default_rng(seed)
    shapes = {**SHAPES, **RARE}[name]
    found = [seconds(rng, shapes, sample) for _ in range(runs)]
    at_margin = [seconds(rng, shapes, sample, times=1 + way * MARGIN) for way in (-1, 1) for _ in range(runs // 2)]
    same = float(np.mean([is_same(evidence) for evidence in at_margin]))
    flips = float(np.mean([one.flips is not None and flip_p(one.flips[0]) <= ALPHA for one in found]))
    return Wrong(_alarms(found), _missed(found), same, flips)


def wrong_rates(name: str, sample: Sample, runs: int, seed: int = 1) -> Wrong:
    rng = np.random.default_rng(seed)
    found = [passes(rng, CHANCES[name], sample) for _ in range(runs)]
    return Wrong(_alarms(found), _missed(found))


class WrongBudgets(NamedTuple):
    """Fractions of all runs in which a side whose mean is the limit held, or crossed, a budget with 95% confidence."""

    held: float
    crossed: float


def wrong_budgets(name: str, cases: int, runs: int) -> WrongBudgets:
    rng = np.random.default_rng(cases)
    ends = [mean_interval(range(cases), ONE_SIDE[name](rng, (cases,)), 0.9) or (-1, 2) for _ in range(runs)]
    return WrongBudgets(float(np.mean([high < 1 for _, high in ends])), float(np.mean([low > 1 for low, _ in ends])))


def _rates_of(cases: int, repeats: int, before: float, after: float, scope: Scope) -> Sampler:
    def draw(rng: Rng, more: int) -> PairedEvidence:
        judged = [repeats] * (cases + more)
        sides = (Attempts(rng.binomial(repeats, rate, len(judged)).tolist(), judged) for rate in (before, after))
        return rates(range(len(judged)), *sides, margin=0.02, scope=scope)

    return draw


def _seconds_of(cases: int, times: float, spread: float, scatter: float) -> Sampler:
    """``spread``: how far cases differ, ``scatter``: how far each side of them does; both of logarithms."""

    def draw(rng: Rng, more: int) -> PairedEvidence:
        base = rng.lognormal(0, spread, cases + more)
        before, after = (base * rng.lognormal(0, scatter, base.size) for _ in "ab")
        return numbers(range(base.size), before, after * times, margin=MARGIN)

    return draw


def _apart(cases: int, draw: Draw, times: float = 1.0) -> Sampler:
    """Numbers of both sides that have nothing in common."""
    return lambda rng, more: numbers(
        range(cases + more), draw(rng, (cases + more,)), times * draw(rng, (cases + more,)), margin=MARGIN
    )


Sampler = Callable[[Rng, int], PairedEvidence]
"""Draws the evidence of a world, with so many more cases than at first."""
WORLDS: Mapping[str, Sampler] = {
    "30 x 1, 95% and 95%": _rates_of(30, 1, 0.95, 0.95, "these cases"),
    "100 x 1, 95% and 95%": _rates_of(100, 1, 0.95, 0.95, "these cases"),
    "30 x 1, 90% and 80%": _rates_of(30, 1, 0.9, 0.8, "these cases"),
    "30 x 5, 95% and 90%": _rates_of(30, 5, 0.95, 0.9, "these cases"),
    "60 x 1, 85% and 75%": _rates_of(60, 1, 0.85, 0.75, "these cases"),
    "12 x 3, 90% and 75%": _rates_of(12, 3, 0.9, 0.75, "these cases"),
    "100 x 1, 97% and 93%": _rates_of(100, 1, 0.97, 0.93, "these cases"),
    "50 x 3, 95% and 95%, like these": _rates_of(50, 3, 0.95, 0.95, "cases like these"),
    "20 latencies, equal": _seconds_of(20, 1.0, 0.5, 0.3),
    "20 latencies, +15%": _seconds_of(20, 1.15, 0.5, 0.3),
    "12 latencies, long tails, equal": _seconds_of(12, 1.0, 1.0, 0.5),
    "30 latencies, long tails, equal": _seconds_of(30, 1.0, 1.0, 0.5),
    "30 latencies, exponential, equal": _apart(30, exponential),
    "30 latencies, lognormal 1, equal": _apart(30, lognormal(1.0)),
    "12 latencies, 1 in 20 takes 5 times, equal": _apart(12, cold_starts),
    "30 latencies, 1 in 20 takes 5 times, equal": _apart(30, cold_starts),
    "50 latencies, 1 in 20 takes 5 times, equal": _apart(50, cold_starts),
}
"""Worlds in which a verdict may need more cases."""


def verdict_of(evidence: PairedEvidence) -> Difference:
    [[found]] = assess([[Question("pass_rate", None, evidence)]])
    return found


class Settled(NamedTuple):
    """The fractions of fresh samples that got a verdict, with the least and with the most cases that one needs."""

    least: float
    most: float


def settled(name: str, runs: int, seed: int = 1) -> Settled:
    rng, draw, made = np.random.default_rng(seed), WORLDS[name], list[tuple[bool, bool]]()
    while len(made) < runs:
        needs = verdict_of(draw(rng, 0)).needs_cases
        if needs is not None and needs[1] is not None:
            low, high = (verdict_of(draw(rng, more)).verdict != "cannot tell" for more in needs if more is not None)
            made.append((low, high))
    low, high = np.mean(made, axis=0)
    return Settled(float(low), float(high))


# --- the bottom line ----------------------------------------------------------------------------------


class Checked(NamedTuple):
    """Suites whose attempts pass each check with this chance, on both sides."""

    suites: int
    cases: int
    attempts: int
    checks: int
    chance: float

    def run(self, rng: Rng) -> Summary:
        held = rng.random((self.suites, self.cases, self.attempts, self.checks)) < self.chance
        return summarise(
            row(
                f"case-{case}",
                suite=f"suite-{suite}",
                n=attempt + 1,
                status="passed" if held[suite, case, attempt].all() else "failed",
                verdicts=[VERDICTS[at, bool(ok)] for at, ok in enumerate(held[suite, case, attempt])],
                measures={},
            )
            for suite, case, attempt in np.ndindex(held.shape[:3])
        )


VERDICTS = {(at, ok): verdict(f"check-{at}", ok=ok) for at in range(4) for ok in (False, True)}


class WrongLines(NamedTuple):
    """Fractions of reports on two sides that are alike: those with a break, and those whose bottom line is *better* or *worse*."""

    broke: float
    differ: float


def wrong_lines(world: Checked, runs: int, seed: int = 1) -> WrongLines:
    rng = np.random.default_rng(seed)
    found = [compare_runs(world.run(rng), world.run(rng), ("1", "2")) for _ in range(runs)]
    differ = [one.conclusion.verdict in ("better", "worse") for one in found]
    return WrongLines(float(np.mean([bool(one.breaks) for one in found])), float(np.mean(differ)))


def _alarms(found: list[PairedEvidence]) -> float:
    return float(np.mean([evidence.p is not None and evidence.p <= ALPHA for evidence in found]))


def _missed(found: list[PairedEvidence]) -> float:
    ends = [evidence.change_interval for evidence in found]
    return float(np.mean([interval is not None and not interval[0] <= 0 <= interval[1] for interval in ends]))


def table(runs: int) -> Iterator[str]:
    yield f"{'reference, candidate':30} {'cases x attempts':>16}  alarms  missed  same"
    samples = [Sample(*sizes) for sizes in product((6, 8, 12, 20, 50, 200), (1, 5), (False, True))]
    for worlds, wrong in ((SHAPES, wrong_numbers), (CHANCES, wrong_rates)):
        for name, sample in product(worlds, samples):
            found = wrong(name, sample, runs)
            same = f"{found.same:6.1%}" if found.same >= 0 else "     -"
            yield f"{name:30} {sample!s:>16}  {found.alarms:6.1%}  {found.missed:6.1%}  {same}"
    yield ""
    yield f"{'one side, at its budget':30} {'cases':>16}    held  crossed"
    for name, cases in product(ONE_SIDE, (5, 6, 8, 12, 20, 50, 200)):
        budget = wrong_budgets(name, cases, runs)
        yield f"{name:30} {cases:16}  {budget.held:6.1%}   {budget.crossed:6.1%}"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 300):
        print(line, flush=True)
