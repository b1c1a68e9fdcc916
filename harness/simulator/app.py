"""The endpoint as an ASGI app. ``routes`` finds the handler of a request, ``answering`` makes the answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from harness.simulator import routes
from harness.simulator.state import State
from harness.simulator.traffic import Call, Disconnected, Receive, Scope, Send, Sent, deliver, read


@dataclass(slots=True)
class Simulator(State):
    """The ASGI app. Its settings are those of ``State``."""

    _turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = field(init=False, default=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        arrived = time.perf_counter()
        try:
            call = await read(scope, receive)
        except Disconnected:
            return
        try:
            sent = await self._in_turn(call) if self.latency or self.pace else self.handle(call)
        except Exception as failed:  # noqa: BLE001 - clients see an exception of the simulator as the API's 500
            sent = routes.failed(call, failed)
        await deliver(sent, send, arrived)
        if self.log:
            took = (time.perf_counter() - arrived) * 1000
            line = f"{call.method:<5} {call.path}  {sent.status}  {took:.0f} ms{sent.note}"
            self.log(line if line.isprintable() else ascii(line)[1:-1])

    async def _in_turn(self, call: Call) -> Sent:
        """With a latency or a pace, answers one request per turn of the event loop, so that no request is accepted or sent late."""
        loop = asyncio.get_running_loop()
        if self._turn is None or self._turn[0] is not loop:
            self._turn = loop, asyncio.Lock()
        async with self._turn[1]:
            await asyncio.sleep(0)
            return self.handle(call)

    def handle(self, call: Call) -> Sent:
        """The answer to one request, also if it is an error."""
        return routes.respond(self, call)
