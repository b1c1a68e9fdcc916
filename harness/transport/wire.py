"""The live transport: one request becomes one Exchange over aiohttp, whose request costs a third of httpx's with many in flight.

Credentials are added here and nowhere above, and go to the provider's own origin only. Redirects are answers, not
followed. Chunks are kept as they arrive, each with its time; gzip is undone chunk by chunk.

A request is retried after a status that may pass and when there is no connection, up to ``attempts`` times in all, after
the wait that the server asks for, else after 1, 2, 4 ... seconds: see ``retrying``. A 429 counts as an attempt only if no
other request to the model was answered meanwhile, since all requests share one pace: see ``pacing``. It is not retried for a
status that the case expects, for a daily quota, for a wait beyond ``timeouts.wait``, or once an answer has started. A host
that the last trial did not reach is tried once. What would fail again is not sent at all: see ``provider_health``.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

from msgspec.structs import replace

from harness.answer.refusals import is_binary
from harness.config import Config, Timeouts
from harness.errors import NetworkFault, NoConnection, UsageError
from harness.gemini.providers import SIMULATOR_URL, Provider, credentials
from harness.model import Access, Chunk, Exchange, Provenance, Request, Slot
from harness.transport.cassette.interaction import ABOUT_BYTES
from harness.transport.cassette.origin import SIMULATED_HEADER
from harness.transport.pacing import GiveTurn, Pacing, answered, estimate
from harness.transport.provider_health import ProviderHealth
from harness.transport.retrying import asked_wait, backoff, is_retried

if TYPE_CHECKING:
    import ssl

    import aiohttp

_MOST_SENT = 50
"""How often a request is sent at most, however many 429s do not count."""
_MESSAGE_INTERVAL = 10
"""Seconds between two messages about the same provider."""


class LocalServer(Protocol):
    """A server that runs on this machine until ``stop`` is called."""

    @property
    def url(self) -> str: ...
    def stop(self) -> None: ...


class Wire:
    """Sends requests, live. An async context manager: it holds one session per provider.

    Raises NetworkFault (there is no answer), MissingKey, UsageError (vcrpy is recording this process). An answer that
    broke off is returned with ``fault``. After the last retry the refusal is returned.
    """

    live = True

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
        simulator: Callable[[], LocalServer] | None = None,
        turn: GiveTurn | None = None,
    ) -> None:
        """``say`` shows the user why a request waits. ``simulator`` starts the server for ``SIMULATOR_URL``; it is called at
        the first request. ``turn``: of the pacing that this process shares with others."""
        self._start_simulator = simulator
        self._config = config
        self._environ = os.environ if environ is None else environ
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._credentials: dict[tuple[str, Access], Mapping[str, str]] = {}
        self._tls: ssl.SSLContext | None = None
        self._simulator: LocalServer | None = None
        self._health = ProviderHealth()
        self._turn = turn or Pacing(perf_counter).turn
        self._say = say
        self._explained: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        _refuse_patched()
        self._sends, self._answers = asyncio.Lock(), asyncio.Lock()  # which belong to an event loop, as the sessions do
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        if self._simulator is not None:
            self._simulator.stop()
            self._simulator = None

    async def send(self, request: Request, slot: Slot) -> Exchange:  # noqa: ARG002 - the seam's shape
        _refuse_patched()
        if request.transport == "batch":
            raise UsageError(
                "transport: batch takes many trials at once: `gemini-harness run` plays it, and pytest only replays it"
            )
        provider = self._config.find(request.provider)
        headers = {**request.headers, "accept-encoding": "gzip", **self._credential(provider, request)}
        self._health.check(provider, request.model)
        try:
            exchange = await self._send_with_retries(provider, request, headers)
        except NoConnection as fault:
            self._health.note_unreached(provider, fault)
            raise
        self._health.note_answer(request, exchange)
        return exchange

    async def _send_with_retries(self, provider: Provider, request: Request, headers: Mapping[str, str]) -> Exchange:
        """Send until there is an answer that is not retried, or ``attempts`` are used up."""
        counted, sent, tokens, longest = 0, 0, estimate(request), self._config.timeouts.wait
        while True:
            sent, counted = sent + 1, counted + 1
            turn = self._turn(provider, request.model, tokens)
            try:
                async with turn:
                    exchange = await self._once(provider, request, headers)
            except _NoConnection as fault:
                if counted >= self._config.attempts or self._health.was_unreached(provider):
                    named = NetworkFault if fault.sent else NoConnection
                    raise named(f"{fault}{f' ({sent} attempts)' if sent > 1 else ''}") from fault.__cause__
                wait = backoff(counted)
                self._explain(provider, str(fault), wait)
                await asyncio.sleep(wait)
                continue
            others_get_through = await turn.note(answered(exchange, provider), longest)
            if exchange.status == 429 and others_get_through and sent < _MOST_SENT:
                counted -= 1
            wanted = self._wait(exchange, max(counted, 1)) if counted < self._config.attempts else None
            if wanted is None:
                await _one_a_pass(self._answers)
                return exchange if sent == 1 else replace(exchange, attempts=sent)
            self._explain(provider, f"HTTP {exchange.status}", wanted)
            await asyncio.sleep(wanted)

    def _wait(self, exchange: Exchange, attempt: int) -> float | None:
        """Seconds until the next attempt; None if this answer is final."""
        if not is_retried(exchange):
            return None
        asked, longest = asked_wait(exchange), self._config.timeouts.wait
        if asked is None:
            return min(backoff(attempt), longest)
        return asked if asked <= longest else None

    def _explain(self, provider: Provider, why: str, wait: float | None) -> None:
        """Say why a provider is waited for, at most once in ``_MESSAGE_INTERVAL``."""
        now = perf_counter()
        if now - self._explained.get(provider.name, -_MESSAGE_INTERVAL) >= _MESSAGE_INTERVAL:
            self._explained[provider.name] = now
            self._say(f"waiting for {provider.name} ({why}); next attempt in {wait or 0:.0f} s")

    def _credential(self, provider: Provider, request: Request) -> Mapping[str, str]:
        parts = urlsplit(request.url)
        if (parts.scheme, parts.netloc) != provider.origin:
            raise UsageError(f"{request.url} is not at {provider.base_url}: no key of {provider.name!r} goes there")
        shown = provider.name, request.access
        if shown not in self._credentials:
            self._credentials[shown] = credentials(provider.as_accessed(request.access), self._environ)
        return self._credentials[shown]

    async def _once(self, provider: Provider, request: Request, headers: Mapping[str, str]) -> Exchange:
        import aiohttp

        session, waits = self._session(provider), self._config.timeouts
        await _one_a_pass(self._sends)
        asked = datetime.now(UTC).isoformat(timespec="seconds")
        answer = _IncomingAnswer(self._config.max_body_bytes)
        outgoing = session.request(
            request.method,
            self._address(request.url),
            headers=headers,
            data=request.content or None,
            allow_redirects=False,
            trace_request_ctx=answer,
        )
        try:
            async with asyncio.timeout(waits.total):
                await answer.take(outgoing)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            answer.broke_off(request.url, fault, waits)
        return Exchange(
            request=request,
            status=answer.status,
            headers={name: value for name, value in answer.headers.items() if name not in ABOUT_BYTES},
            chunks=answer.chunks,
            head_at=answer.head_at,
            provenance=Provenance(
                "live", provider.source, asked, "live", provider.simulated or SIMULATED_HEADER in answer.headers
            ),
            fault=answer.fault,
        )

    def _address(self, url: str) -> str:
        """The address to send to. ``SIMULATOR_URL`` stands for a simulator that is started at its first request."""
        if not url.startswith(SIMULATOR_URL):
            return url
        if self._simulator is None:
            if self._start_simulator is None:
                raise UsageError(
                    f"no simulator can be started for {url}; set SIMULATOR_BASE_URL to the address of a running one"
                )
            self._simulator = self._start_simulator()
        return self._simulator.url.rstrip("/") + url.removeprefix(SIMULATOR_URL)

    def _session(self, provider: Provider) -> aiohttp.ClientSession:
        """The provider's connection pool: no limit (the caller limits what is in flight), no cookies, nothing from the environment."""
        if provider.name not in self._sessions:
            import aiohttp

            proxy, waits = _proxy(provider), self._config.timeouts
            self._sessions[provider.name] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._certificates(provider, proxy), ttl_dns_cache=300),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(sock_connect=waits.connect, sock_read=waits.gap),
                auto_decompress=False,
                trust_env=False,
                proxy=proxy,
                trace_configs=[_times_from_the_connection()],
            )
        return self._sessions[provider.name]

    def _certificates(self, provider: Provider, proxy: str | None) -> ssl.SSLContext:
        """Whom to trust: one list for all providers, which takes 30 ms to read. Nobody, where no connection is encrypted."""
        import ssl

        if not provider.base_url.startswith("https:") and not (proxy or "").startswith("https:"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._tls is None:
            self._tls = _trusted()
        return self._tls


def _trusted() -> ssl.SSLContext:
    """The certificates to trust; the environment may name them. Raises UsageError if they cannot be read."""
    import ssl

    import certifi

    named, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if folder and not named:
            return ssl.create_default_context(capath=folder)
        return ssl.create_default_context(cafile=named or certifi.where())
    except OSError as fault:
        raise UsageError(f"SSL_CERT_FILE={named}: no certificates can be read there: {fault.strerror}") from None


def _proxy(provider: Provider) -> str | None:
    """The address of the proxy that the environment names for this provider's host."""
    from urllib.request import getproxies, proxy_bypass

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
    if not _is_address(address):  # which is not shown: it may hold a password
        raise UsageError(f"the proxy that is set for {parts.hostname} is no address: write http://HOST:PORT")
    return address


def _is_address(url: str) -> bool:
    """Whether an address has a host, and no port that is no number."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _refuse_patched() -> None:
    """Raises UsageError if vcrpy is active: it would buffer every stream and write our key into its own cassette."""
    import aiohttp

    if hasattr(aiohttp.ClientSession._request, "__wrapped__"):  # noqa: SLF001
        raise UsageError(
            "vcrpy is recording in this process (use_cassette, or a vcr mark on the test): nothing is sent live. "
            "Leave its context first; cassettes are recorded with --record-mode."
        )


async def _one_a_pass(lock: asyncio.Lock) -> None:
    """Let one task go on in each pass of the event loop.

    Many requests start at once, and many answers are judged as soon as they are complete. Between two of them the loop reads
    what arrived, so that a chunk has the time when it came and not the time when others were dealt with.
    """
    async with lock:
        await asyncio.sleep(0)


# --- one attempt --------------------------------------------------------------------------------------


class _NoConnection(Exception):
    """There was no answer, and a retry can help. ``sent``: the request may have gone out before the connection was lost."""

    def __init__(self, message: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(message)


class _IncomingAnswer:
    """An answer while it arrives."""

    def __init__(self, largest: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.head_at: float | None = None
        self.chunks: list[Chunk] = []
        self.fault: str | None = None
        self._largest = largest
        self._size = 0
        self._inflate: Any = None
        self._start = 0.0

    def connected(self) -> None:
        """Count its times from now: the first requests open connections, which is not what the model took."""
        self._start = perf_counter()

    async def take(self, outgoing: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> None:
        """Send the request, and keep what arrives until its end."""
        self._start = perf_counter()
        async with outgoing as response:
            self._begin(response, perf_counter() - self._start)
            async for raw in response.content.iter_any():
                if not self._add(raw, perf_counter() - self._start):
                    break
            else:
                self._end()

    def _begin(self, response: aiohttp.ClientResponse, at: float) -> None:
        """Take its status and headers."""
        self.head_at = at
        self.status, self.headers = response.status, _read_headers(response.raw_headers)
        self._encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if self._encoding in ("gzip", "x-gzip", "deflate"):
            self._inflate = zlib.decompressobj(47)

    def _add(self, raw: bytes, at: float) -> bool:
        """Keep what arrived, decompressed. Returns False once nothing more is wanted: the body is too large, or cannot be read."""
        if self._inflate is None:
            return self._keep(raw, at)
        try:
            while raw and not (self._inflate.eof and raw[:1] != b"\x1f"):  # else it is padding
                if self._inflate.eof:  # another member follows
                    self._inflate = zlib.decompressobj(47)
                if not self._keep(self._inflate.decompress(raw, self._largest + 1), at):
                    return False
                raw = self._inflate.unused_data
        except zlib.error as fault:
            self.fault = f"not the gzip it says it is: {fault}"
        return self.fault is None

    def _keep(self, data: bytes, at: float) -> bool:
        """Keep a chunk, up to the limit. Returns False beyond it."""
        room = self._largest - self._size
        if len(data) > room:
            self.fault = f"too large: stopped at {self._largest:,} bytes"
            data = data[:room]
        if data:
            self.chunks.append(Chunk(data, at))
            self._size += len(data)
        return self.fault is None

    def _end(self) -> None:
        """It is complete. Set ``fault`` if its encoding was not, or is unknown."""
        if self._inflate is not None:
            self.fault = None if self._inflate.eof else "cut: the compressed body ends early"
        elif self._encoding not in ("", "identity") and is_binary(
            b"".join(chunk.data for chunk in self.chunks[:16]), encoded=True
        ):
            self.fault = f"the body is encoded in {self._encoding}, which was not asked for and is not decoded here"

    def broke_off(self, url: str, fault: Exception, timeouts: Timeouts) -> None:
        """Set ``fault``. Raises NetworkFault or _NoConnection if not even a status arrived."""
        answered = self.head_at is not None
        what, again = _named(fault, timeouts, answered=answered)
        if answered:
            self.fault = what
        elif again:
            raise _NoConnection(f"{url}: {what}", sent=_may_be_sent(fault)) from fault
        else:
            raise (NetworkFault if _may_be_sent(fault) else NoConnection)(f"{url}: {what}") from fault


def _times_from_the_connection() -> aiohttp.TraceConfig:
    """Calls ``connected`` of an answer whose request has a new connection."""
    import aiohttp

    async def connected(_session: object, context: Any, _params: object) -> None:
        context.trace_request_ctx.connected()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    return trace


def _read_headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Name in lower case -> value; values of one name are joined by commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _named(fault: Exception, timeouts: Timeouts, *, answered: bool) -> tuple[str, bool]:
    """What happened, in words, and whether a retry can help."""
    import aiohttp

    if isinstance(fault, aiohttp.SocketTimeoutError):
        return f"{'stalled' if answered else 'no answer'}: nothing came for {timeouts.gap:g} s", False
    if isinstance(fault, aiohttp.ConnectionTimeoutError):
        return f"no connection within {timeouts.connect:g} s", True
    if isinstance(fault, TimeoutError):
        return f"not complete within {timeouts.total:g} s", False
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        return (
            f"the certificate is not trusted: {fault.certificate_error}; SSL_CERT_FILE may name others to trust",
            False,
        )
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return f"the host is not known: {_because(fault.os_error)}", True
    if isinstance(fault, aiohttp.ClientConnectorError):
        where = " to the proxy" if isinstance(fault, aiohttp.ClientProxyConnectionError) else ""
        return f"no connection{where}: {_because(fault.os_error)}", True
    if isinstance(fault, aiohttp.ClientPayloadError):
        return "cut: the connection closed before the answer was complete", False
    if isinstance(fault, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return ("cut: " if answered else "") + "the connection was lost", not answered
    if isinstance(fault, aiohttp.ClientResponseError):
        return f"the answer is not HTTP:  {' '.join(fault.message.split())}", False
    return f"{type(fault).__name__}: {fault}", False


def _may_be_sent(fault: Exception) -> bool:
    """Whether there was a connection, so that the request may have been sent."""
    import aiohttp

    return not isinstance(fault, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def _because(fault: OSError) -> str:
    # The event loops put the address into ``strerror``; the message has it already.
    return os.strerror(fault.errno) if fault.errno and fault.errno > 0 else fault.strerror or str(fault)


# --- documents ------------------------------------------------------------------------------------------------


def download(url: str, timeouts: Timeouts, largest: int) -> bytes:
    """The document at an address, which needs no key. Raises NetworkFault: no connection, another status than 200, too large."""
    import httpx

    limits = httpx.Timeout(timeouts.gap, connect=timeouts.connect)
    found = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=limits, verify=_trusted()) as answer:
            for piece in answer.iter_bytes():
                found += piece
                if len(found) > largest:
                    raise NetworkFault(f"{url}: more than {largest:,} bytes")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as fault:
        raise NetworkFault(f"{url}: {str(fault) or type(fault).__name__}") from fault
    if answer.status_code != 200:
        raise NetworkFault(f"{url}: HTTP {answer.status_code}")
    return bytes(found)
