"""How fast requests go out: the limits of a row, and what a server's 429s teach. The server here has a limit of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.gemini.providers import Limits
from harness.transport.pacing import Answered, Pace, PaceTurn
from tests.endpoint import Endpoint, Script, answer
from tests.factories import PARIS

SUITE = """
suite: s
defaults: {model: gemini-2.5-flash, provider: near}
cases:
  - {id: a, repeat: REPEAT, prompt: Where?, expect: {text: {equals: Paris}}}
"""


class LimitedServer:
    """Takes ``rate`` requests a second, in bursts of as many, and refuses the others. ``most``: how many it had at once."""

    def __init__(self, rate: float, **refusal: Any) -> None:
        self.taken = self.refused = self.most = self._now = 0
        self._rate = self._tokens = rate
        self._at = time.monotonic()
        self._refusal = {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", **refusal}
        self._lock = threading.Lock()

    def script(self) -> Script:
        def serve(connection: Any) -> None:
            with self._lock:
                now = time.monotonic()
                self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
                self._at = now
                takes = self._tokens >= 1
                self._tokens -= takes
                self.taken += takes
                self.refused += not takes
                self._now += 1
                self.most = max(self.most, self._now)
            if takes:
                time.sleep(0.02)
            with self._lock:
                self._now -= 1
            answer(PARIS if takes else {"error": self._refusal}, 200 if takes else 429)(connection)

        return serve


def retry_info(delay: str) -> dict[str, Any]:
    return {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]}


def play(folder: Path, server: LimitedServer, repeat: int, row: str = "", in_flight: int = 32) -> int:
    (folder / "s.yaml").write_text(SUITE.replace("REPEAT", str(repeat)))
    with Endpoint(server.script()) as endpoint:
        (folder / "harness.toml").write_text(f'[providers.near]\nbase_url = "{endpoint.url}"\nauth = "none"\n{row}\n')
        return main(["run", str(folder / "s.yaml"), "--live", "--concurrency", str(in_flight)])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("refusal", [retry_info("0.5s"), {}], ids=["RetryInfo", "nothing"])
def test_a_limit_is_learned_and_every_trial_is_answered(
    here: Path, refusal: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    server = LimitedServer(20, **refusal)
    assert play(here, server, 50) == 0
    assert server.taken == 50
    shown = " ".join(capsys.readouterr().out.split())
    assert f"requests were sent again {server.refused} x" in shown
    assert server.refused < 50


def test_rpm_spaces_the_requests(here: Path) -> None:
    server = LimitedServer(1000)
    start = time.monotonic()
    assert play(here, server, 11, "rpm = 600") == 0
    assert time.monotonic() - start >= 0.9
    assert server.refused == 0


def test_concurrency_of_a_model_is_kept(here: Path) -> None:
    server = LimitedServer(1000)
    assert play(here, server, 12, '[providers.near.limits."gemini-2.5*"]\nconcurrency = 2') == 0
    assert server.most <= 2


def test_a_wait_beyond_the_limit_is_explained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = LimitedServer(0, **retry_info("31536000s"))
    assert play(here, server, 1) == 6
    assert "it asks for a wait of 31,536,000 s, and `timeouts.wait` of the configuration allows 60 s" in (
        " ".join(capsys.readouterr().out.split())
    )
    assert server.refused == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("rpm = 0", "providers.near.rpm: expected a whole number above 0, got the number 0"),
        ("[providers.near.limits.m]\nrmp = 3", 'providers.near.limits.m.rmp: unknown key, did you mean "rpm"?'),
        ("limits = 3", "providers.near.limits: expected a table, got the number 3"),
    ],
)
def test_a_wrong_limit_is_a_sentence(here: Path, row: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert play(here, LimitedServer(1), 1, row) == 4
    assert message in capsys.readouterr().err


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_tokens_a_minute_are_kept_with_what_answers_cost() -> None:
    clock = Clock()
    pace = Pace(Limits(tpm=1000), clock)
    asked = 100

    async def first() -> None:
        async with PaceTurn(pace, asked) as turn:
            await turn.note(Answered(False, tokens=950), 60)

    asyncio.run(first())
    clock.now += 30
    assert 29 < pace._until(asked) < 31
    clock.now += 31
    assert pace._until(asked) == 0


def test_the_rate_comes_back_after_a_burst_was_refused() -> None:
    clock = Clock()
    pace = Pace(Limits(), clock)
    asked, refused, good = 100, Answered(True), Answered(False)
    for _ in range(30):
        assert pace._until(asked) == 0
    for number in range(30):
        pace.note(clock(), asked, good if number < 10 else refused, 60)
    clock.now += 5
    pace._until(asked)
    slow = pace.rate
    assert slow is not None
    for _ in range(20):
        clock.now += 1
        while pace._until(asked) == 0:
            pace.note(clock(), asked, good, 60)
    assert pace.rate is not None
    assert pace.rate > 2 * slow


@pytest.mark.parametrize("burst", [5, 20])
def test_a_wait_that_is_over_at_once_does_not_stop_the_run(burst: int) -> None:
    """A server of 20 requests a second that says how soon the next one may come: 300 of them, 64 in flight."""
    clock, limit, left, taken, allowed = Clock(), 20.0, 300, 0, float(burst)
    pace = Pace(Limits(), clock)
    arrivals: deque[float] = deque()
    start = clock()
    while taken < left:
        while taken + len(arrivals) < left and len(arrivals) < 64 and pace._until(1) == 0:
            arrivals.append(clock())
        clock.now += 0.01
        allowed = min(burst, allowed + limit * 0.01)
        while arrivals and arrivals[0] <= clock.now - 0.02:
            is_taken = allowed >= 1
            allowed, taken = allowed - is_taken, taken + is_taken
            pace.note(arrivals.popleft(), 1, Answered(not is_taken, max(0.0, 1 - allowed) / limit), 60)
    assert clock() - start < 1.6 * left / limit
