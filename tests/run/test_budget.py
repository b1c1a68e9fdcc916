"""A ceiling holds: no run goes further beyond it than one trial costs more than was expected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.config import Config
from harness.errors import HarnessError, MissingKey, NetworkFault, NoConnection, UsageError
from harness.gemini.prices import OwnPrice
from harness.model import Exchange, Request, Result, Slot, Trial
from harness.run.budget import Budget
from harness.run.estimate import Estimates
from harness.run.play import play_all
from tests.factories import PARIS, config, exchange, step, trial

LONGEST = 1000
A_TOKEN = 1e-6
MOST = LONGEST * A_TOKEN
"""What the dearest answer costs: tokens of the answer are all that costs something."""


@dataclass
class Paid:
    """A live transport whose n-th answer has so many tokens; None: no usage; a fault is raised. All take their time."""

    answers: Sequence[int | HarnessError | None]
    live: bool = True
    asked: int = 0
    at_once: list[int] = field(default_factory=lambda: [0])

    async def send(self, request: Request, slot: Slot) -> Exchange:  # noqa: ARG002 - the seam's shape
        text = self.answers[self.asked % len(self.answers)]
        self.asked += 1
        self.at_once.append(self.at_once[-1] + 1)
        for _ in range(self.asked % 3 + 1):
            await asyncio.sleep(0)
        self.at_once.append(self.at_once[-1] - 1)
        if isinstance(text, HarnessError):
            raise text
        usage = {"promptTokenCount": 0, "candidatesTokenCount": text, "totalTokenCount": text}
        return exchange({**PARIS, "usageMetadata": usage if text is not None else None}, request)

    async def __aenter__(self) -> Paid:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def settings(**more: Any) -> Config:
    return config(prices={"gemini-2.5-flash": OwnPrice(0, 1)}, reports=Path("no-such-folder"), **more)


def asked(number: int) -> Trial:
    body = {"generationConfig": {"maxOutputTokens": LONGEST}}
    return trial([step(body=body)], cassette=Path("no-such-cassette.yaml"), attempt=number + 1)


def played(transport: Paid, ceiling: float, trials: int, **more: Any) -> tuple[Budget, list[Result], bool]:
    chosen = settings(**more)
    purse = Budget(ceiling, Estimates(chosen, live=True))
    results: list[Result] = []
    every = play_all(map(asked, range(trials)), purse.watch(transport), chosen, results.append, limit=purse)
    return purse, results, every


@given(
    answers=st.lists(st.integers(0, LONGEST) | st.none(), min_size=1, max_size=12),
    ceiling=st.integers(1, 12 * LONGEST),
    concurrency=st.integers(1, 9),
)
def test_no_run_goes_further_than_one_trial_beyond_its_ceiling(
    answers: list[int | None], ceiling: int, concurrency: int
) -> None:
    transport = Paid(answers)
    purse, results, every = played(transport, ceiling * A_TOKEN, 24, concurrency=concurrency)
    costs = (answers * 24)[: transport.asked]
    paid = sum(LONGEST if cost is None else cost for cost in costs)
    assert purse.spent == pytest.approx(paid * A_TOKEN)
    assert purse.spent <= ceiling * A_TOKEN + MOST + 1e-12
    assert len(results) == transport.asked, "what was begun is finished, judged and handed over"
    assert every == (len(results) == 24)
    assert bool(purse.ledger.closed) != every


def test_trials_wait_when_the_budget_is_short() -> None:
    plenty, short = Paid([500]), Paid([500])
    played(plenty, 1, 24, concurrency=6)
    purse, results, _ = played(short, 3 * MOST, 24, concurrency=6)
    assert max(plenty.at_once) == 6
    assert max(short.at_once) <= 4
    assert len(results) == 6
    assert purse.spent == pytest.approx(3 * MOST)


def test_an_answer_without_usage_counts_at_its_maximum() -> None:
    purse, results, every = played(Paid([None, NetworkFault("timed out")]), 2 * MOST, 9, concurrency=1)
    assert purse.spent == pytest.approx(2 * MOST)
    assert (purse.ledger.guessed, len(results), every) == (2, 2, False)
    assert "$0.00200 is spent (2 answers of unknown cost counted at the maximum)" in purse.ledger.closed


@pytest.mark.parametrize("fault", [MissingKey("no key"), NoConnection("refused")])
def test_what_was_never_sent_costs_nothing(fault: HarnessError) -> None:
    purse, results, every = played(Paid([fault]), MOST, 9)
    assert (purse.spent, len(results), every) == (0, 9, True)


def test_what_has_no_price_is_refused() -> None:
    chosen = config(reports=Path("no-such-folder"))
    purse = Budget(1, Estimates(chosen, live=True))
    transport = Paid([1])
    with pytest.raises(UsageError, match="a ceiling cannot be kept: provider 'here' has no price"):
        play_all([asked(0)], purse.watch(transport), chosen, lambda _: None, limit=purse)
    assert transport.asked == 0


class Judged(Paid):
    """Its answers to a judge's questions give a score."""

    async def send(self, request: Request, slot: Slot) -> Exchange:
        found = await super().send(request, slot)
        if not slot.part:
            return found
        content = {"role": "model", "parts": [{"text": '{"reason": "r", "score": 5}'}]}
        answer = {
            "candidates": [{"content": content, "finishReason": "STOP"}],
            "usageMetadata": {"candidatesTokenCount": 90},
        }
        return exchange(answer, request)


def test_what_a_judge_costs_is_spent_too() -> None:
    known = replace(settings(), prices={name: OwnPrice(0, 1) for name in ("gemini-2.5-flash", "gemini-3.8-flash")})
    trials = [trial([step("?", {"judge": {"rubric": "x"}})], attempt=n) for n in range(1, 10)]
    limit = Budget(250 * A_TOKEN, Estimates(known, live=True))
    played: list[Result] = []
    assert not play_all(trials, Judged([10]), replace(known, concurrency=1), played.append, limit=limit)
    assert (len(played), round(limit.spent / A_TOKEN)) == (2, 200)


def test_a_judge_may_answer_at_any_length() -> None:
    priced = Estimates(settings(), live=True)
    body = {"generationConfig": {"maxOutputTokens": 100}}
    plain, judged, compared = (
        priced.of(trial([step("?", expect, body=body)])).most
        for expect in ({}, {"judge": {"rubric": "x"}}, {"similar": {"to": "x"}})
    )
    assert (round(plain / A_TOKEN), round(judged / A_TOKEN), round(compared / A_TOKEN)) == (100, 100 + 65_536, 100)
