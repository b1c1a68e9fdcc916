"""When a request may go out: within the limits of its provider and model, and no faster than the server takes them.

The limits of a provider's row (``rpm``, ``tpm``, ``concurrency``) are kept from the first request on. What a server allows
beyond that is learned: a 429 stops all requests to that model for the wait that it names, and after it they go out at the
rate at which the server took them before. Without further 429s it grows again, ever faster. All trials of a run share this.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, Self

from msgspec import Struct

from harness.answer import reply as replies
from harness.gemini.providers import Limits, Provider
from harness.model import Exchange, Request
from harness.transport.retrying import asked_wait, backoff

_SLOWER = 0.95
"""A learned rate, as a share of the rate at which requests were taken before."""
_FASTER = 1.03
"""How much faster a second without a 429 makes it, to the power of how often what the last stop took has passed since then."""
_MOST_POWER = 12
_SLOWEST = 0.1
"""Requests a second, where nothing is known but 429s."""
_TAKEN = 1.0
"""Seconds after which a request in flight counts as taken: a server refuses at once."""
_MINUTE = 60.0
_BYTES_A_TOKEN = 4


class Answered(Struct, frozen=True):
    """What an answer says about the pace. ``refused``: a 429 that the case does not expect; it asks for a wait of ``wait`` seconds.
    ``tokens``: of the request and the answer; 0 if they are not known."""

    refused: bool
    wait: float | None = None
    tokens: int = 0


@dataclass(slots=True)
class Pace:
    """The pace of requests to one model at one provider. Times are in seconds of ``clock``."""

    limits: Limits
    clock: Callable[[], float]
    rate: float | None = None
    """Requests a second, as learned; None: no 429 yet."""
    answered: int = 0
    """Answers so far that were no 429."""
    _closed_until: float = 0.0
    _next: float = 0.0
    _stopped: float = 1.0
    """Seconds of the last stop, at least 1."""
    _refusals: int = 0
    """Times in a row that it was closed without an answer in between."""
    _since: float = 0.0
    """When the requests were let out that ``_sent`` and ``_refused`` count."""
    _sent: int = 0
    _refused: int = 0
    _grown_at: float = 0.0
    _in_flight: list[float] = field(default_factory=list)
    _slots: asyncio.Semaphore = field(init=False)
    _spent: deque[tuple[float, int]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limits.concurrency or sys.maxsize)

    async def begin(self, tokens: int) -> float:
        """Waits until a request of about ``tokens`` tokens may go out. Returns when it went, for ``end``."""
        await self._slots.acquire()
        try:
            while (seconds := self._until(tokens)) > 0:  # noqa: ASYNC110 - a time is waited for, not an event
                await asyncio.sleep(seconds)
        except BaseException:
            self._slots.release()
            raise
        self._in_flight.append(at := self.clock())
        return at

    def end(self, at: float) -> None:
        """The request that went out at this time has ended."""
        self._in_flight.remove(at)
        self._slots.release()

    def progresses(self, answered: int) -> bool:
        """Whether requests get through: since ``answered`` was read there was an answer, or one is being made."""
        oldest = self._in_flight[0] if self._in_flight else self.clock()
        return self.answered > answered or self.clock() - oldest > _TAKEN

    def note(self, at: float, tokens: int, answered: Answered, longest: float) -> None:
        """Learn from an answer to a request of about ``tokens`` tokens that went out at this time. ``longest``: the longest wait, in
        seconds, that a server may ask for."""
        now = self.clock()
        if answered.refused:
            self._close(at, now, answered.wait, longest)
            return
        self._refusals = 0
        self.answered += 1
        if self.rate is not None and now - self._grown_at >= 1 and self._next > now:  # it is what requests wait for
            self.rate *= _FASTER ** min((now - self._since) / self._stopped, self._sent, _MOST_POWER)
            self._grown_at = now
        if self.limits.tpm and answered.tokens > tokens:
            self._spent.append((now, answered.tokens - tokens))

    def _until(self, tokens: int) -> float:
        """Seconds until it may go out; 0: now, and its place is taken."""
        now = self.clock()
        at = max(self._closed_until, self._next, self._when_tokens(tokens, now))
        if at > now:
            return at - now + random.uniform(0, 0.02)  # noqa: S311 - jitter is no secret
        if self._refused or not self._sent:
            self._open(now)
        self._sent += 1
        rates = [rate for rate in (self.rate, self.limits.rpm and self.limits.rpm / _MINUTE) if rate]
        if rates:
            self._next = max(self._next, now - 0.05) + 1 / min(rates)
        if self.limits.tpm:
            self._spent.append((now, tokens))
        return 0.0

    def _close(self, at: float, now: float, wait: float | None, longest: float) -> None:
        if at >= self._since:
            self._refused += 1
            if now >= self._closed_until:  # not for the others of one burst
                self._refusals += 1
                wait = backoff(self._refusals) if wait is None else wait
                self._stopped = max(1.0, min(wait, longest))
        self._closed_until = max(self._closed_until, now + min(wait or 0.0, longest))

    def _open(self, now: float) -> None:
        """Let requests out again, at the rate at which they were taken since the last time. One that was refused alone shows no rate: the
        server says how long it is to wait."""
        if self._sent > 1:
            taken = self._sent - self._refused
            measured = taken / max(now - self._since, 1.0)
            self.rate = max(_SLOWEST, _SLOWER * max(measured, (self.rate or 0.0) * taken / self._sent))
        self._since, self._sent, self._refused, self._grown_at = now, 0, 0, now

    def _when_tokens(self, tokens: int, now: float) -> float:
        """When the tokens of the last minute leave room for ``tokens`` more."""
        if not self.limits.tpm:
            return now
        while self._spent and self._spent[0][0] <= now - _MINUTE:
            self._spent.popleft()
        room = self.limits.tpm - tokens
        total, when = sum(spent for _, spent in self._spent), now
        for at, spent in self._spent:
            if total <= room:
                break
            total, when = total - spent, at + _MINUTE
        return when


class Turn(AbstractAsyncContextManager["Turn"], Protocol):
    """One attempt to send a request. The block waits until it may go out; it is the request."""

    async def note(self, answered: Answered, longest: float) -> bool:
        """Learn from the answer, after the block. Returns whether others got through, where it is a 429: see ``Pace.progresses``."""


GiveTurn = Callable[[Provider, str, int], Turn]
"""(provider, model, tokens) -> a turn: that of `Pacing`, or of another process."""


class Pacing:
    """The paces of a run, by provider and model."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._paces: dict[tuple[str, str], Pace] = {}

    def turn(self, provider: Provider, model: str, tokens: int) -> PaceTurn:
        key = (provider.name, model)
        if key not in self._paces:
            self._paces[key] = Pace(provider.limits_of(model), self._clock)
        return PaceTurn(self._paces[key], tokens)


class PaceTurn:
    """A turn at a pace of this process: see `Turn`."""

    def __init__(self, pace: Pace, tokens: int) -> None:
        self._pace, self._tokens = pace, tokens
        self._before = pace.answered

    async def __aenter__(self) -> Self:
        self._at = await self._pace.begin(self._tokens)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pace.end(self._at)

    async def note(self, answered: Answered, longest: float) -> bool:
        self._pace.note(self._at, self._tokens, answered, longest)
        return self._pace.progresses(self._before)


def estimate(request: Request) -> int:
    """About how many tokens a request has."""
    return max(1, len(request.content) // _BYTES_A_TOKEN)


def answered(exchange: Exchange, provider: Provider) -> Answered:
    """What the pace learns from an exchange. Its tokens are only counted where the provider has a limit of them."""
    if exchange.status == 429 and 429 not in exchange.request.expects_status:
        return Answered(True, asked_wait(exchange))
    is_counted = (provider.tpm or provider.limits) and provider.limits_of(exchange.request.model).tpm
    return Answered(False, tokens=replies.read(exchange).count("totalTokenCount") if is_counted else 0)
