"""The live transport: one request becomes one Exchange over httpx, with aiohttp's pool and parser underneath.

Credentials are added here and nowhere above, and go to the provider's own origin only. Redirects are answers, not
followed. Chunks are kept as they arrive, each with its time; gzip is undone chunk by chunk.

A request is tried again on 429, 500 and 503 and where no connection came about, as often as ``attempts`` says, after the
wait that the server asks for (``google.rpc.RetryInfo`` or ``Retry-After``), else after 1, 2, 4 ... seconds. Never: a status
that the case expects, a quota that counts by the day, a wait beyond ``timeouts.wait``, or once an answer has begun. A host
that the last trial did not reach is tried once, and what is in vain is not asked at all: see ``proofs``.
"""

from __future__ import annotations

import asyncio
import os
import random
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from harness.answer.refusals import is_binary
from harness.config import Config, Timeouts
from harness.errors import NetworkFault, NoConnection, UsageError
from harness.gemini.providers import SIMULATOR_URL, Provider, credentials
from harness.model import Chunk, Exchange, Json, Provenance, Request, Slot
from harness.transport.proofs import Proofs, details, is_daily

if TYPE_CHECKING:
    import ssl

    import aiohttp
    import httpx

_AGAIN = frozenset({429, 500, 503})
_NOW_AND_THEN = 10
"""Seconds."""
_SIMULATED = "x-simulated"
"""A simulator says so, whatever the address it was asked at."""
_ABOUT_BYTES = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class LocalServer(Protocol):
    """A server on this machine, until it is stopped."""

    @property
    def url(self) -> str: ...
    def stop(self) -> None: ...


class Wire:
    """Sends requests, live. An async context manager: it holds one client per provider.

    Raises NetworkFault (no answer came about), MissingKey, UsageError (vcrpy is recording this process). An answer that
    broke off is returned with ``fault``; the last of several refusals is returned as it is.
    """

    live = True

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
        simulator: Callable[[], LocalServer] | None = None,
    ) -> None:
        """``say`` shows somebody who waits why. ``simulator`` starts the one that answers under ``SIMULATOR_URL``, when it is
        first asked."""
        self._start_simulator = simulator
        self._config = config
        self._environ = os.environ if environ is None else environ
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}
        self._credentials: dict[str, Mapping[str, str]] = {}
        self._tls: ssl.SSLContext | None = None
        self._simulator: LocalServer | None = None
        self._proofs = Proofs()
        self._say = say
        self._explained: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        _refuse_patched()
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()
        if self._simulator is not None:
            self._simulator.stop()
            self._simulator = None

    async def send(self, request: Request, slot: Slot) -> Exchange:  # noqa: ARG002 - the seam's shape
        _refuse_patched()
        provider = self._config.find(request.provider)
        headers = {**request.headers, "accept-encoding": "gzip", **self._credential(provider, request)}
        self._proofs.check(provider, request.model)
        try:
            exchange = await self._insist(provider, request, headers)
        except NoConnection as fault:
            self._proofs.unreached(provider, fault)
            raise
        self._proofs.answered(request, exchange)
        return exchange

    async def _insist(self, provider: Provider, request: Request, headers: Mapping[str, str]) -> Exchange:
        """Ask as often as it takes, and may."""
        for attempt in range(1, self._config.attempts + 1):
            last = attempt == self._config.attempts
            try:
                exchange = await self._once(provider, request, headers)
            except _NoConnection as fault:
                if last or self._proofs.doubts(provider):
                    named = NetworkFault if fault.asked else NoConnection
                    raise named(f"{fault}{f' ({attempt} attempts)' if attempt > 1 else ''}") from fault.__cause__
                wait: float | None = _backoff(attempt)
                self._explain(provider, str(fault), wait)
            else:
                wait = None if last else _wait(exchange, attempt, self._config.timeouts)
                if wait is None:
                    await asyncio.sleep(0)  # what arrived meanwhile gets its time before this one is judged
                    return replace(exchange, attempts=attempt)
                self._explain(provider, f"HTTP {exchange.status}", wait)
            await asyncio.sleep(wait or 0)
        raise AssertionError("the last attempt returns or raises")

    def _explain(self, provider: Provider, why: str, wait: float | None) -> None:
        """A line now and then for each provider that is waited for."""
        now = perf_counter()
        if now - self._explained.get(provider.name, -_NOW_AND_THEN) >= _NOW_AND_THEN:
            self._explained[provider.name] = now
            self._say(f"waiting for {provider.name} ({why}), and trying again in {wait or 0:.0f} s")

    def _credential(self, provider: Provider, request: Request) -> Mapping[str, str]:
        parts = urlsplit(request.url)
        if (parts.scheme, parts.netloc) != provider.origin:
            raise UsageError(f"{request.url} is not at {provider.base_url}: no key of {provider.name!r} goes there")
        if provider.name not in self._credentials:
            self._credentials[provider.name] = credentials(provider, self._environ)
        return self._credentials[provider.name]

    async def _once(self, provider: Provider, request: Request, headers: Mapping[str, str]) -> Exchange:
        import aiohttp
        import httpx

        transport = self._transport(provider)
        url = self._address(request.url)
        outgoing = httpx.Request(
            request.method, url, headers=headers, content=request.content, extensions=self._patience
        )
        asked = datetime.now(UTC).isoformat(timespec="seconds")
        answer = _IncomingAnswer(self._config.max_body_bytes)
        try:
            async with asyncio.timeout(self._config.timeouts.total):
                await _exchange(transport, outgoing, answer)
        except (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError) as fault:
            answer.broke_off(request.url, fault, self._config.timeouts)
        return Exchange(
            request=request,
            status=answer.status,
            headers={name: value for name, value in answer.headers.items() if name not in _ABOUT_BYTES},
            chunks=answer.chunks,
            head_at=answer.head_at,
            provenance=Provenance(
                "live", provider.source, asked, "live", provider.simulated or _SIMULATED in answer.headers
            ),
            fault=answer.fault,
        )

    def _address(self, url: str) -> str:
        """Where this address really is: the simulator's own stands for one that is started when it is first asked."""
        if not url.startswith(SIMULATOR_URL):
            return url
        if self._simulator is None:
            if self._start_simulator is None:
                raise UsageError(f"no simulator is at hand to answer {url}; SIMULATOR_BASE_URL may name a running one")
            self._simulator = self._start_simulator()
        return self._simulator.url.rstrip("/") + url.removeprefix(SIMULATOR_URL)

    @property
    def _patience(self) -> dict[str, Any]:
        timeouts = self._config.timeouts
        return {"timeout": {"connect": timeouts.connect, "read": timeouts.gap}}

    def _transport(self, provider: Provider) -> httpx.AsyncBaseTransport:
        """The provider's pool of connections. A transport alone: no redirects, no cookies, nothing from the environment."""
        found = self._transports.get(provider.name)
        if found is None:
            found = self._transports[provider.name] = self._make_transport(provider)
        return found

    def _make_transport(self, provider: Provider) -> httpx.AsyncBaseTransport:
        import httpx
        from httpx_aiohttp import AiohttpTransport

        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        tls = self._tls
        return AiohttpTransport(verify=tls, proxy=_proxy(provider), client=lambda: _session(tls))


def _session(tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """No limit on connections (the caller limits what is in flight), no cookies, nothing from the environment."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, ssl=tls, ttl_dns_cache=300)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def _proxy(provider: Provider) -> httpx.Proxy | None:
    """The proxy that the environment names for this provider's host."""
    from urllib.request import getproxies, proxy_bypass

    import httpx

    parts = urlsplit(provider.base_url)
    proxies = getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    if not address or provider.base_url.startswith(SIMULATOR_URL) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    if "://" not in address:  # as curl takes it
        address = f"http://{address}"
    if not address.startswith(("http://", "https://")):
        scheme = address.partition("://")[0]
        raise UsageError(f"a {scheme} proxy is set for {parts.hostname}; only http:// and https:// proxies work here")
    return httpx.Proxy(address)


def _refuse_patched() -> None:
    """vcrpy inside would buffer every stream and write our key into its own cassette."""
    import aiohttp
    import httpx

    for function in (aiohttp.ClientSession._request, httpx.AsyncHTTPTransport.handle_async_request):  # noqa: SLF001
        if hasattr(function, "__wrapped__"):
            raise UsageError(
                "vcrpy is recording in this process (use_cassette, or a vcr mark on the test): nothing is sent live. "
                "Leave its context first; cassettes are recorded with --record-mode."
            )


# --- one attempt --------------------------------------------------------------------------------------


class _NoConnection(Exception):
    """Nothing was heard, and asking again can help. ``asked``: the request may have gone out before the connection was lost."""

    def __init__(self, message: str, *, asked: bool) -> None:
        self.asked = asked
        super().__init__(message)


class _IncomingAnswer:
    """An answer as it comes in."""

    def __init__(self, largest: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.head_at: float | None = None
        self.chunks: list[Chunk] = []
        self.fault: str | None = None
        self._largest = largest
        self._size = 0

    def head(self, status: int, headers: Mapping[str, str], at: float) -> None:
        self.status, self.headers, self.head_at = status, dict(headers), at

    def add(self, data: bytes, at: float) -> bool:
        """Keep a chunk; False once there is too much."""
        room = self._largest - self._size
        if data[:room]:
            self.chunks.append(Chunk(data[:room], at))
            self._size += len(data[:room])
        if len(data) > room:
            self.fault = f"too large: stopped at {self._largest:,} bytes"
        return self.fault is None

    @property
    def head_of_body(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks[:16])

    def broke_off(self, url: str, fault: Exception, timeouts: Timeouts) -> None:
        """Say what went wrong. Raises NetworkFault or _NoConnection where not even a status came."""
        heard = self.head_at is not None
        what, again = _named(fault, timeouts, heard=heard)
        if heard:
            self.fault = what
        elif again:
            raise _NoConnection(f"{url}: {what}", asked=_was_asked(fault)) from fault
        else:
            raise (NetworkFault if _was_asked(fault) else NoConnection)(f"{url}: {what}") from fault


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, answer: _IncomingAnswer) -> None:
    start = perf_counter()
    response = await transport.handle_async_request(request)
    try:
        answer.head(response.status_code, dict(response.headers), perf_counter() - start)
        async with aclosing(_decoded(response, answer)) as body:
            async for data in body:
                if data and not answer.add(data, perf_counter() - start):
                    break
    finally:
        with suppress(Exception):
            await response.aclose()


async def _decoded(response: httpx.Response, answer: _IncomingAnswer) -> AsyncGenerator[bytes, None]:
    """The body chunk by chunk as it arrives, gzip undone; a little beyond the limit at most."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    inflate = zlib.decompressobj(47) if encoding in ("gzip", "x-gzip", "deflate") else None
    async for raw in response.aiter_raw():
        if inflate is None:
            yield raw
            continue
        try:
            yield inflate.decompress(raw, answer._largest + 1)  # noqa: SLF001
        except zlib.error as fault:
            answer.fault = f"not the gzip it says it is: {fault}"
            return
    if inflate is None and encoding not in ("", "identity") and is_binary(answer.head_of_body, encoded=True):
        answer.fault = f"the body is encoded in {encoding}, which was not asked for and is not decoded here"
    if inflate is not None and not inflate.eof and answer.fault is None:
        answer.fault = "cut: the compressed body ends early"


def _named(fault: Exception, timeouts: Timeouts, *, heard: bool) -> tuple[str, bool]:
    """What happened, in words, and whether asking again can help. Looks at what aiohttp raised: httpx-aiohttp calls a
    lost connection, and a refused one, a ConnectTimeout."""
    import aiohttp

    cause = fault.__cause__ if isinstance(fault.__cause__, aiohttp.ClientError) else fault
    if isinstance(fault, TimeoutError):
        return f"not complete within {timeouts.total:g} s", False
    if isinstance(cause, aiohttp.SocketTimeoutError):
        return f"{'stalled' if heard else 'no answer'}: nothing came for {timeouts.gap:g} s", False
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return f"no connection within {timeouts.connect:g} s", True
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not trusted: {cause.certificate_error}", False
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return f"the host is not known: {_because(cause.os_error)}", True
    if isinstance(cause, aiohttp.ClientConnectorError):
        return f"no connection: {_because(cause.os_error)}", True
    if isinstance(cause, aiohttp.ClientPayloadError):
        return "cut: the connection closed before the answer was complete", False
    if isinstance(cause, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return ("cut: " if heard else "") + "the connection was lost", not heard
    if isinstance(cause, aiohttp.ClientResponseError):
        return f"what came is not HTTP: {' '.join(cause.message.split())}", False
    return f"{type(cause).__name__}: {cause}", False


def _was_asked(fault: Exception) -> bool:
    """Whether there was a connection, so that something may have been asked."""
    import aiohttp

    return not isinstance(fault.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def _because(fault: OSError) -> str:
    # The event loops put the address into ``strerror``; the address is said already.
    return os.strerror(fault.errno) if fault.errno and fault.errno > 0 else str(fault)


# --- asking again -------------------------------------------------------------------------------------


def _wait(exchange: Exchange, attempt: int, timeouts: Timeouts) -> float | None:
    """Seconds until the next attempt; None where this answer stands."""
    status = exchange.status
    if status not in _AGAIN or status in exchange.request.expects_status or exchange.fault is not None:
        return None
    if is_daily(exchange):
        return None
    asked = _retry_delay(details(exchange))
    if asked is None:
        asked = _retry_after(exchange.headers.get("retry-after", ""))
    if asked is None:
        return min(_backoff(attempt), timeouts.wait)
    return asked if asked <= timeouts.wait else None


def _backoff(attempt: int) -> float:
    return 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret


def _retry_delay(found: list[dict[str, Json]]) -> float | None:
    for each in found:
        if str(each.get("@type", "")).endswith("RetryInfo"):
            with suppress(ValueError):
                return max(0.0, float(str(each.get("retryDelay", "")).removesuffix("s")))
    return None


def _retry_after(header: str) -> float | None:
    with suppress(ValueError):
        return max(0.0, float(header))
    with suppress(ValueError):
        at = parsedate_to_datetime(header)
        return max(0.0, (at - datetime.now(at.tzinfo or UTC)).total_seconds()) if at.tzinfo else None
    return None
