"""What a transport is to who sends with it, and transports around others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

from harness.model import Exchange, Request, Slot


class Transport(Protocol):
    """Whatever turns a request into an exchange: ``Player``, ``Recorder``, ``Wire``."""

    async def send(self, request: Request, slot: Slot) -> Exchange: ...


class LiveTransport(Transport, Protocol):
    """A transport that goes to the network, opened and closed inside an event loop."""

    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, *reason: Any) -> Any: ...


class Around:
    """A transport that sends with another one, ``inner``, and is opened and closed with it. The others override ``send``."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.live: bool = getattr(inner, "live", False)

    async def send(self, request: Request, slot: Slot) -> Exchange:
        exchange: Exchange = await self._inner.send(request, slot)
        return exchange

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *reason: Any) -> None:
        await self._inner.__aexit__(*reason)


class Counting(Around):
    """A transport that counts its requests. ``count`` takes (provider, change of the requests in flight, repetitions)."""

    def __init__(self, inner: Any, count: Callable[[str, int, int], None]) -> None:
        super().__init__(inner)
        self._count = count

    async def send(self, request: Request, slot: Slot) -> Exchange:
        self._count(request.provider, 1, 0)
        again = 0
        try:
            exchange = await super().send(request, slot)
            again = exchange.attempts - 1
        finally:
            self._count(request.provider, -1, again)
        return exchange
