"""``transport: batch``: requests are collected, sent as jobs of the Batch API, and answered when their job has ended.

A job is one call of ``batchGenerateContent`` for one model of one provider. It is submitted when for a moment nobody asks for more:
all trials that could start wait then. So a conversation takes a job for each of its turns. The answer to a request is that of a
unary call, without times. Requests with other transports pass through.

Limits of the Batch API (ai.google.dev, "Batch API"): 20 MB for requests in the call itself; a job may take 24 hours.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from harness.answer import reply as replies
from harness.answer.refusals import error_summary
from harness.errors import BatchFailed
from harness.gemini.definition import STATUSES
from harness.model import Chunk, Exchange, Json, Provenance, Request, Slot
from harness.text.amounts import count
from harness.text.jsontext import an_object, compact
from harness.transport.batch_jobs import BatchJob, BatchJobs, key_of
from harness.transport.wrapping import Around, LiveTransport

_MOST = 1_000
"""Requests of one job. Their answers come in one body."""
_LARGEST = 19_000_000
"""Bytes of the requests of one job: what is around them takes the rest of the 20 MB."""
_AROUND = 100
"""Bytes around one request."""
_QUIET = 0.5
"""Seconds without a further request after which those collected are submitted."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds between two looks at a job: the first, growing by half up to the longest."""
_UNCLEAR = frozenset({500, 502, 504})
"""After these statuses the job may exist. It is looked up before it is submitted again."""
_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"})
_NAMES = {**dict(enumerate((name for name in STATUSES if name != "UNAUTHENTICATED"), 1)), 16: "UNAUTHENTICATED"}
"""Code of ``google.rpc.Status`` -> the name of the same error outside of a batch (google/rpc/code.proto)."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that waits for its answer."""

    request: Request
    slot: Slot
    key: str
    answer: asyncio.Future[Exchange]


class Batching(Around):
    """Sends requests with ``transport: batch`` in jobs, and others at once, up to ``at_once`` of them in flight.

    ``jobs`` are those of earlier sessions of the run; they are looked at instead of being submitted again. ``say`` shows the user
    how the jobs are. Leaving it leaves the jobs running. Raises BatchFailed, and what ``inner`` raises.
    """

    def __init__(self, inner: LiveTransport, jobs: BatchJobs, at_once: int, say: Callable[[str], None]) -> None:
        super().__init__(inner)
        self.live = True
        self._jobs, self._say = jobs, say
        self._others = asyncio.Semaphore(at_once)
        self._submission = asyncio.Lock()
        self._collected: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: dict[str, Request] = {}

    async def __aexit__(self, *reason: object) -> None:
        async with self._submission:  # a job that is being submitted gets its name first
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for name, request in self._running.items():
            cancel = f"POST {_address(request, name)}:cancel"
            self._say(f"{name} goes on at {request.provider}: --resume collects its answers, {cancel} ends it")
        await self._inner.__aexit__(*reason)

    async def send(self, request: Request, slot: Slot) -> Exchange:
        if request.transport != "batch":
            async with self._others:
                return await super().send(request, slot)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, slot, key_of(request, slot), loop.create_future())
        self._collected.append(waiting)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(_QUIET, self._start)
        return await waiting.answer

    def _start(self) -> None:
        """Start a job for everything that was collected, by provider and model; what a known job answers waits for that."""
        groups: dict[tuple[object, ...], list[_Waiting]] = {}
        for one in _still(self._collected):
            job = self._jobs.find(one.key)
            of = one.request.provider, one.request.model, one.request.access, job and job.display
            groups.setdefault(of, []).append(one)
        self._collected = []
        for group in groups.values():
            job = self._jobs.find(group[0].key)
            for asked in [group] if job else _in_jobs(group):
                task = asyncio.create_task(self._run(job, asked))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run(self, job: BatchJob | None, asked: Sequence[_Waiting]) -> None:
        """Answer everything that is asked by one job: one of an earlier session, else a new one."""
        first = asked[0]
        try:
            async with self._submission:
                job = (job and await self._named(job, first)) or await self._submitted(_still(asked))
            if job is not None:
                self._hand_over(job, await self._ended(job, first), asked)
        except Exception as fault:  # noqa: BLE001 - whatever it is, nobody may wait forever
            for one in _still(asked):
                one.answer.set_exception(fault)

    # one job

    async def _submitted(self, asked: Sequence[_Waiting]) -> BatchJob | None:
        """A new job; None if nobody waits for it any more. Raises BatchFailed if it is refused."""
        if not asked:
            return None
        first, keys = asked[0].request, [one.key for one in asked]
        job = self._jobs.begin(keys)
        rows = [{"request": one.request.body, "metadata": {"key": one.key}} for one in asked]
        body = {"batch": {"displayName": job.display, "inputConfig": {"requests": {"requests": rows}}}}
        address = first.url.replace(":generateContent", ":batchGenerateContent")
        call = replace(_call(first, "POST", address, body), expects_status=_UNCLEAR)
        exchange = await super().send(call, asked[0].slot)
        name = _object(exchange).get("name")
        if exchange.status >= 400 or not isinstance(name, str):
            if exchange.status not in _UNCLEAR:
                self._jobs.forget(keys)
            raise BatchFailed(_refused(exchange, asked))
        self._jobs.call(job, name)
        self._running[name] = first
        self._say(
            f"{name}: {count(len(asked), 'request')} of {first.provider}/{first.model} submitted, at half the price"
        )
        return job

    async def _named(self, job: BatchJob, first: _Waiting) -> BatchJob | None:
        """A job of an earlier session, with its name; None if it never came into being."""
        token: str | None = ""
        while job.name is None and token is not None:
            path = f"batches?pageSize=100&pageToken={quote(token)}" if token else "batches?pageSize=100"
            page = _object(await self._look(path, first))
            for row in page.get("operations") or ():
                if row.get("metadata", {}).get("displayName") == job.display:
                    self._jobs.call(job, row["name"])
            token = page.get("nextPageToken")
        if job.name is not None:
            self._running[job.name] = first.request
        return job if job.name is not None else None

    async def _ended(self, job: BatchJob, first: _Waiting) -> Exchange:
        """The last look at the job, when it has ended. Raises BatchFailed if it cannot be looked at."""
        wait, shown = _FIRST_WAIT, ""
        while True:
            exchange = await self._look(str(job.name), first, job)
            found = _object(exchange)
            if (line := f"{job.name}: {_progress(found)}") != shown:
                self._say(shown := line)
            if found.get("done") or _state(found) in _ENDED:
                return exchange
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    async def _look(self, path: str, first: _Waiting, job: BatchJob | None = None) -> Exchange:
        """The answer to a GET of the API. Raises BatchFailed; a job that is gone is forgotten."""
        exchange = await super().send(_call(first.request, "GET", _address(first.request, path)), first.slot)
        if exchange.status < 400 and exchange.fault is None:
            return exchange
        why = (
            exchange.fault
            and f"{exchange.fault} (`max_body_bytes` and `timeouts` of the configuration say how much is read)"
        )
        why = why or error_summary(exchange, replies.read(exchange))
        if exchange.status == 404 and job is not None:
            self._close(job, job.keys)
            raise BatchFailed(f"{path} is gone: {why}; --resume submits its requests again")
        raise BatchFailed(f"cannot look at {path}: {why}; it goes on, and --resume looks again")

    def _hand_over(self, job: BatchJob, exchange: Exchange, asked: Sequence[_Waiting]) -> None:
        """Give everyone the answer; without one, why the job has none."""
        ended = _object(exchange)
        rows = {
            row.get("metadata", {}).get("key") or key: row for key, row in zip(job.keys, _rows(ended), strict=False)
        }
        failed = [one.key for one in asked if "response" not in rows.get(one.key, {})]
        self._close(job, failed)
        for one in _still(asked):
            if one.key in rows:
                one.answer.set_result(_answer(one.request, rows[one.key], exchange.provenance))
            else:
                one.answer.set_exception(BatchFailed(f"{job.name} has no answer: {_end(ended)}"))

    def _close(self, job: BatchJob, failed: Sequence[str]) -> None:
        """The job has ended. What it did not answer may be submitted again."""
        self._running.pop(str(job.name), None)
        self._jobs.forget(failed)


# --- what is collected --------------------------------------------------------------------------------


def _still(asked: Sequence[_Waiting]) -> list[_Waiting]:
    """Those whose trials still wait."""
    return [one for one in asked if not one.answer.done()]


def _in_jobs(asked: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
    """The requests in the order they came, in lists that fit into a job."""
    job: list[_Waiting] = []
    size = 0
    for one in asked:
        size += len(one.request.content) + _AROUND
        if job and (size > _LARGEST or len(job) == _MOST):
            yield job
            job, size = [], len(one.request.content) + _AROUND
        job.append(one)
    yield job


# --- calls of the API ---------------------------------------------------------------------------------


def _address(request: Request, path: str) -> str:
    """The address of a resource at the same version of the same provider."""
    return f"{request.url.rpartition('/models/')[0]}/{path}"


def _call(like: Request, method: str, address: str, body: Json = None) -> Request:
    content = b"" if body is None else compact(body)
    headers = {name: value for name, value in like.headers.items() if content or name != "content-type"}
    return Request(
        like.provider, like.model, method, address, headers, body, content, transport="unary", access=like.access
    )


def _object(exchange: Exchange) -> Mapping[str, Any]:
    return an_object(replies.read(exchange).response)


def _refused(exchange: Exchange, asked: Sequence[_Waiting]) -> str:
    """Why there is no job, with the cassette of the request that the API complains of."""
    first, why = asked[0].request, error_summary(exchange, replies.read(exchange))
    text = f"{first.provider} refuses a batch of {count(len(asked), 'request')} of {first.model}: {why}"
    if exchange.status in (404, 405, 501):
        return f"{text}\ndoes it have batchGenerateContent at {first.url.partition('?')[0]}? if not, write transport: unary"
    with suppress(TypeError, IndexError):
        number = int(re.search(r"requests\[(\d+)\]", why)[1])  # type: ignore[index]
        text += f"\nrequests[{number}] is that of {asked[number].slot.cassette}, row {asked[number].slot.row}"
    return text


# --- what a job says ----------------------------------------------------------------------------------


def _state(job: Mapping[str, Any]) -> str:
    """``RUNNING``, of ``BATCH_STATE_RUNNING`` or ``JOB_STATE_RUNNING``."""
    metadata = job.get("metadata")
    state = metadata.get("state") if isinstance(metadata, dict) else None
    return str(state or "UNSPECIFIED").rpartition("STATE_")[2]


def _progress(job: Mapping[str, Any]) -> str:
    """``running: 20 requests, 12 pending``."""
    stats = (job.get("metadata") or {}).get("batchStats") or {}
    numbers = {name.removesuffix("Count"): int(number) for name, number in stats.items()}
    all_of_them = count(numbers.pop("request", 0), "request")
    others = (f"{number:,} {name.removesuffix('Request')}" for name, number in numbers.items())
    return f"{_state(job).lower()}: {', '.join([all_of_them, *others])}"


def _rows(job: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The answers and errors of an ended job, one for each request that it came to."""
    for output in (job.get("response"), (job.get("metadata") or {}).get("output")):
        inlined = output.get("inlinedResponses") if isinstance(output, dict) else None
        rows = inlined.get("inlinedResponses") if isinstance(inlined, dict) else inlined
        if isinstance(rows, list):
            return [row if isinstance(row, dict) else {} for row in rows]
    return ()


def _end(job: Mapping[str, Any]) -> str:
    error = job.get("error")
    why = f" ({error.get('message')})" if isinstance(error, dict) else ""
    return f"it ended as {_state(job)}{why}; --resume submits the request again"


def _answer(request: Request, row: Mapping[str, Any], provenance: Provenance) -> Exchange:
    """The exchange as it would have been outside of a batch, without times."""
    status, body = 200, row.get("response")
    if body is None:
        error: Mapping[str, Any] = row.get("error") or {
            "message": "the job has neither an answer nor an error for this request"
        }
        name = _NAMES.get(error.get("code", 2), "UNKNOWN")
        status = STATUSES[name]
        body = {"error": {"code": status, "message": error.get("message", ""), "status": name}}
    headers = {"content-type": "application/json; charset=UTF-8"}
    return Exchange(request, status, headers, [Chunk(compact(body), 0.0)], None, replace(provenance, timing="lost"))
