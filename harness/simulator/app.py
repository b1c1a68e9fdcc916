"""The endpoint as an ASGI app. Where a request goes is said in ``routes``, what is answered in ``answering``."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.simulator import routes
from harness.simulator.faults import Fault
from harness.simulator.prefixes import Prefixes
from harness.simulator.resources import Resources
from harness.simulator.rules import Rule
from harness.simulator.seed import Seed
from harness.simulator.traffic import Call, Gone, Receive, Scope, Send, Sent, deliver, read

if TYPE_CHECKING:
    from harness.simulator.tapes import Replay

_REMEMBERED = 4096
"""How many requests are remembered, to tell the second from the first."""


@dataclass(slots=True)
class Simulator:
    """The ASGI app.

    ``seed`` changes all that is made up. ``latency`` and ``pace`` are seconds before the first byte and between chunks. ``vary``
    makes the nth repetition of one request its own answer. ``strict`` refuses models that were shut down. ``rules`` pin answers,
    ``faults`` happen at their rate (0 to 1). ``replay`` answers from cassettes and makes nothing up. ``log`` gets a line a request. ``now`` gives seconds since the epoch.
    """

    seed: str = ""
    latency: float = 0.0
    pace: float = 0.0
    vary: bool = False
    strict: bool = False
    rules: Sequence[Rule] = ()
    faults: Mapping[Fault, float] = field(default_factory=dict)
    replay: Replay | None = None
    log: Callable[[str], None] | None = None
    now: Callable[[], float] = time.time
    resources: Resources = field(init=False)
    prefixes: Prefixes = field(init=False, default_factory=Prefixes)
    _seen: OrderedDict[bytes, int] = field(init=False, default_factory=OrderedDict)
    _chance: random.Random = field(init=False)
    _turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.resources = Resources(self.now)
        self._chance = random.Random(self.seed)  # noqa: S311 - faults by chance, not secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        arrived = time.perf_counter()
        try:
            call = await read(scope, receive)
        except Gone:
            return
        try:
            sent = await self._in_turn(call) if self.latency or self.pace else self.handle(call)
        except Exception as failed:  # noqa: BLE001 - a fault of ours is an error of the API to its callers
            sent = routes.failed(call, failed)
        await deliver(sent, send, arrived)
        if self.log:
            took = (time.perf_counter() - arrived) * 1000
            line = f"{call.method:<5} {call.path}  {sent.status}  {took:.0f} ms{sent.note}"
            self.log(line if line.isprintable() else ascii(line)[1:-1])

    async def _in_turn(self, call: Call) -> Sent:
        """Where time is kept, one request is answered between two looks at the sockets: none is noticed or sent late."""
        loop = asyncio.get_running_loop()
        if self._turn is None or self._turn[0] is not loop:
            self._turn = loop, asyncio.Lock()
        async with self._turn[1]:
            await asyncio.sleep(0)
            return self.handle(call)

    def handle(self, call: Call) -> Sent:
        """The answer to one request, whatever it is: a refusal too."""
        return routes.respond(self, call)

    def seed_of(self, call: Call, model: str) -> Seed:
        """The seed of this request; header ``x-simulator-seed`` changes it, and under ``vary`` each repetition does."""
        seed = Seed.of(self.seed, call.headers.get("x-simulator-seed", ""), model, call.body)
        if not self.vary:
            return seed
        key = seed.bytes("request", 16)
        count = self._seen[key] = self._seen.pop(key, -1) + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return Seed.of(key, str(count)) if count else seed

    def mishap(self) -> Fault | None:
        """A fault by chance."""
        return next((fault for fault, rate in self.faults.items() if self._chance.random() < rate), None)
