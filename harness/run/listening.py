"""Listens to the HTTP clients of somebody's own program: every answer of ``generateContent`` is judged, and perhaps recorded.

The clients are those built on httpx or its fork httpx2, as google-genai is. Their method ``send`` is replaced for a while; the
bytes pass through unchanged, at the same time. The bodies of other requests are not touched.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from harness.answer import reply as replies
from harness.config import load
from harness.disk import replacing
from harness.errors import CannotWrite, SecretOnTape, os_errors_as
from harness.gemini.providers import Provider
from harness.judge.recorded import operation_at
from harness.model import Chunk, Exchange, Expectation, Json, Provenance, Reply, Request
from harness.run.library import Verdicts, expectations, judge_exchange, waivers
from harness.text.amounts import count
from harness.text.credentials import credentials_in
from harness.transport.cassette import document, dump, origin, read_request
from harness.transport.cassette.interaction import ABOUT_BYTES, SIMULATOR_HOST
from harness.transport.recorder import is_passing
from harness.transport.redaction import Leaks, known

_LIVE_FOR = timedelta(minutes=5)
"""How much older than the clock of this machine the date of a live answer may be. Clocks differ."""
_TOO_LATE = "it holds for the answers that come after it; expect it before the client asks"
Patch = Callable[[Any, str, Any], None]
"""Sets an attribute, and takes it back later: ``monkeypatch.setattr``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that a client got: the exchange on the wire, the decoded reply, and the checks that were wanted of it.

    ``secrets``: place -> value of the credentials that were sent with it; the exchange holds none.
    """

    exchange: Exchange
    reply: Reply
    expected: Sequence[Expectation]
    secrets: Mapping[str, str]

    @property
    def is_judged(self) -> bool:
        """Whether it is no answer that clients retry: a rate limit, a server error."""
        return not is_passing(self.exchange.status) or self.exchange.status in self.exchange.request.expects_status

    def verdicts(self, waive: Mapping[str, str] | None = None) -> Verdicts:
        """By all invariants and the wanted checks. Empty for an answer that is not judged."""
        return judge_exchange(self.exchange, self.expected, waive or {}) if self.is_judged else Verdicts()


class Listener:
    """The answers of this process's clients, as they are read. The pytest fixture ``gemini_harness`` is one."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        """Complete answers of ``generateContent`` and ``streamGenerateContent``, in the order in which they ended."""
        self._expected: Sequence[Expectation] = ()
        self._expectations: list[tuple[Sequence[Expectation], str]] = []
        """Everything that ``expect`` was given, with the names of its checks."""
        self._others: list[str] = []
        """Requests that are not judged: method, host and path."""
        self._waived: dict[str, str] = {}
        self._cassette: Path | None = None
        self._config = load(Path())

    def expect(self, checks: Mapping[str, Json]) -> None:
        """Hold every answer from now on to these checks, written as under ``expect:`` of a suite. Raises SuiteError, UsageError."""
        __tracebackhide__ = True  # of pytest: the line of the test is what is wrong
        self._expected = expectations(checks)
        if checks:
            self._expectations.append((self._expected, ", ".join(checks)))

    def waive(self, rule: str, why: str) -> None:
        """Let answers break this invariant. Raises UsageError for one that does not exist."""
        __tracebackhide__ = True
        self._waived.update(waivers({rule: why}))

    def record(self, cassette: str | Path) -> None:
        """Write the answers to this cassette at the end; one that is there is replaced."""
        self._cassette = Path(cassette)

    def check(self) -> None:
        """Raise AssertionError with the complaint, if there is one."""
        if complaint := self.complaint():
            raise AssertionError(complaint)

    def complaint(self) -> str:
        """What fails the test: answers that break an invariant or a wanted check, a wanted check that judged no answer, or that there
        was no answer at all. Empty if nothing does."""
        if not self.answers:
            return self._unseen()
        if failures := list(self.failures()):
            return "\n".join(failures)
        judged = [answer.expected for answer in self.answers if answer.is_judged]
        unused = (names for wanted, names in self._expectations if not any(wanted is expected for expected in judged))
        return next((f"expect({names}) judged no answer: {_TOO_LATE}" for names in unused), "")

    def failures(self) -> Iterator[str]:
        """A line for everything that fails an answer, then what to do about broken invariants."""
        rules: dict[str, None] = {}
        for number, answer in enumerate(self.answers, 1):
            for one in answer.verdicts(self._waived).failures:
                kind, _, rule = one.check.rpartition(":")
                rules |= {rule: None} if kind else {}
                yield f"{rule}: {one.message} (answer {number}{f', {one.at}' if one.at.startswith('$') else ''})"
        if rule := next(iter(rules), ""):
            yield f'  what it is: gemini-harness explain {rule}; to let it pass: gemini_harness.waive("{rule}", WHY)'

    def _unseen(self) -> str:
        if self._others:
            number, kinds = count(len(self._others), "request"), list(dict.fromkeys(self._others))
            return (
                f"no answer of generateContent was seen, only {number} of other kinds, which are not judged: "
                f"{', '.join(kinds[:3])}{' ...' if len(kinds) > 3 else ''}; leave gemini_harness out of a test that calls nothing else"
            )
        return (
            "no answer of Gemini was seen: it listens to httpx and httpx2; import google.genai at the top of the "
            "test's module, so that its async client uses them too"
        )

    def close(self) -> None:
        """Write the cassette, if one was asked for. Raises SecretOnTape and CannotWrite; nothing is then written."""
        if self._cassette is None or not self.answers:
            return
        for answer in self.answers:
            own = Leaks({f"its own {place}": value.rpartition(" ")[2] for place, value in answer.secrets.items()})
            for leaks in (own, Leaks(known(os.environ, self._config.providers))):
                if leak := leaks.find(answer.exchange):
                    raise SecretOnTape(f"{self._cassette}: not recorded: {leak}. Nothing was written.")
        documents = (
            document(one.exchange, (0, 0, number), SIMULATOR_HOST if one.exchange.provenance.simulated else None)
            for number, one in enumerate(self.answers)
        )
        text = dump(documents)
        with os_errors_as(CannotWrite, f"cannot write {self._cassette}"):
            self._cassette.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._cassette) as file:
                file.write(text.encode("utf-8", "surrogatepass"))

    # --- the clients ----------------------------------------------------------------------------------

    def install(self, patch: Patch) -> None:
        """Listen to httpx and httpx2, until what ``patch`` set is taken back."""
        for name in ("httpx", "httpx2"):
            if find_spec(name):
                library = import_module(name)
                patch(library.Client, "send", self._sync(library, library.Client.send))
                patch(library.AsyncClient, "send", self._async(library, library.AsyncClient.send))
        google = sys.modules.get("google.genai._api_client")
        if hasattr(google, "has_aiohttp"):
            patch(google, "has_aiohttp", False)  # its async client then uses httpx

    def _sync(self, library: Any, original: Any) -> Any:
        def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            if self._is_other(request):
                return original(client, request, stream=stream, **options)
            request.read()
            incoming = _Incoming(self, library, request)
            response = original(client, request, stream=True, **options)
            if not incoming.began(response):
                response.stream = _stream(library, response.stream, incoming)
                if not stream:
                    response.read()
            return response

        return send

    def _async(self, library: Any, original: Any) -> Any:
        async def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            if self._is_other(request):
                return await original(client, request, stream=stream, **options)
            await request.aread()
            incoming = _Incoming(self, library, request)
            response = await original(client, request, stream=True, **options)
            if not incoming.began(response):
                response.stream = _stream(library, response.stream, incoming)
                if not stream:
                    await response.aread()
            return response

        return send

    def _is_other(self, request: Any) -> bool:
        """Whether the answer to it is not judged; then it is only counted."""
        if operation_at(str(request.url)) is not None:
            return False
        self._others.append(f"{request.method} {request.url.host}{request.url.path}")
        return True

    def note(self, exchange: Exchange, secrets: Mapping[str, str]) -> None:
        """Keep a complete exchange."""
        self.answers.append(Answer(exchange, replies.read(exchange), self._expected, secrets))

    def provider(self, url: str) -> Provider | None:
        """The configured provider at this address, if there is one."""
        parts = urlsplit(url)
        rows = self._config.providers.values()
        return next((row for row in rows if row.origin == (parts.scheme, parts.netloc)), None)


class _Incoming:
    """An answer while it arrives."""

    def __init__(self, listener: Listener, library: Any, request: Any) -> None:
        self._listener, self._library, self._request = listener, library, request
        self._asked, self._start = datetime.now(UTC), perf_counter()
        self._response: Any = None
        self._chunks: list[Chunk] = []
        self._head_at = 0.0

    def began(self, response: Any) -> bool:
        """Note the head. True if the whole answer is there already, as it is from a transport for tests."""
        self._response, self._head_at = response, perf_counter() - self._start
        try:
            content = response.content
        except self._library.ResponseNotRead:
            return False
        self._chunks = [Chunk(content, self._head_at)]
        self._note(self._chunks)
        return True

    def add(self, data: bytes) -> None:
        if data:
            self._chunks.append(Chunk(data, perf_counter() - self._start))

    def ended(self) -> None:
        """The last byte was read."""
        self._note(self._decoded())

    def _decoded(self) -> list[Chunk]:
        """The chunks without their compression; one chunk for a compression that is not undone piece by piece."""
        encoding = self._response.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("", "identity") or not self._chunks:
            return self._chunks
        if encoding in ("gzip", "x-gzip", "deflate"):
            inflate = zlib.decompressobj(47)
            pieces = [Chunk(inflate.decompress(chunk.data), chunk.at) for chunk in self._chunks]
            return [piece for piece in pieces if piece.data]
        raw = b"".join(chunk.data for chunk in self._chunks)
        headers = {"content-encoding": encoding}
        return [Chunk(self._library.Response(200, headers=headers, content=raw).content, self._chunks[-1].at)]

    def _note(self, chunks: Sequence[Chunk]) -> None:
        url, headers = str(self._request.url), dict(self._request.headers)
        answered = {name.lower(): value for name, value in self._response.headers.items()}
        row = self._listener.provider(url)
        provenance = self._provenance(row, answered, chunks)
        if provenance.timing == "lost":
            chunks = [Chunk(chunk.data, 0.0) for chunk in chunks]
        exchange = Exchange(
            request=self._sent(row.name if row else "", url, headers),
            status=self._response.status_code,
            headers={name: value for name, value in answered.items() if name not in ABOUT_BYTES},
            chunks=tuple(chunks),
            head_at=None if provenance.timing == "lost" else self._head_at,
            provenance=provenance,
        )
        self._listener.note(exchange, dict(credentials_in(url, headers)))

    def _provenance(self, provider: Provider | None, headers: Mapping[str, str], chunks: Sequence[Chunk]) -> Provenance:
        """An answer with an old date was replayed, by vcrpy or the like: it is of that day, and its times say nothing."""
        simulated = origin.is_simulated(headers, b"".join(chunk.data for chunk in chunks))
        host = urlsplit(str(self._request.url)).hostname or "unknown"
        source = "simulator" if simulated else provider.source if provider else host
        sent = origin.moment(headers.get("date", ""))
        if sent is None or self._asked - sent < _LIVE_FOR:
            return Provenance("live", source, self._asked.isoformat(timespec="seconds"), "live", simulated)
        return Provenance("replay", source, sent.isoformat(timespec="seconds"), "lost", simulated)

    def _sent(self, provider: str, url: str, headers: Mapping[str, str]) -> Request:
        """The request without its credentials."""
        kept = {name: value for name, value in headers.items() if name in ("accept", "content-type")}
        sent = {"method": "POST", "uri": url, "headers": kept, "body": self._request.content}
        return replace(read_request(sent), provider=provider)


def _stream(library: Any, inner: Any, incoming: _Incoming) -> Any:
    class Stream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            for data in inner:
                incoming.add(data)
                yield data
            incoming.ended()

        def close(self) -> None:
            inner.close()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for data in inner:
                incoming.add(data)
                yield data
            incoming.ended()

        async def aclose(self) -> None:
            await inner.aclose()

    return Stream()
