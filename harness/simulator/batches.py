"""Batches of requests: pending, running, then done, with their answers inline or as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.gemini.definition import STATUSES
from harness.simulator.errors import Refusal, bad_payload, refusal
from harness.simulator.files import File, Files
from harness.simulator.messages import camel_fields, stamp
from harness.simulator.shelf import Collection

PENDING, RUNNING = 1.0, 2.0
"""Seconds after its creation at which a batch is no longer pending, and at which it is done."""
_BATCH = frozenset(["name", "model", "displayName", "inputConfig", "priority"])
_CODES = {name: code for code, name in enumerate(STATUSES, 1)}
"""Name of a status -> its code in ``google.rpc.Status``."""
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."
_KINDS = {"batchGenerateContent": "GenerateContentBatch", "asyncBatchEmbedContent": "EmbedContentBatch"}

Answer = Callable[[str, str, Any], dict[str, Any]]
"""The answer to one request of a batch: (method, model, body). Raises ``Refusal``."""


class BatchRequest(NamedTuple):
    """One request and what identifies it: ``metadata`` inline, a ``key`` in a file. ``body`` is None for a line that cannot be read."""

    body: Any
    label: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. ``method`` is the one that created it, ``source`` the name of its input file (empty: inline).

    Times are seconds since the epoch. ``results`` are set as soon as somebody looks at the batch after its end.
    """

    name: str
    method: str
    model: str
    display: str
    requests: Sequence[BatchRequest]
    source: str
    created: float
    cancelled: float | None = None
    results: Sequence[Mapping[str, Any]] | None = None

    def state(self, now: float) -> str:
        if self.cancelled is not None:
            return "CANCELLED"
        if now < self.created + PENDING:
            return "PENDING"
        return "RUNNING" if now < self.created + RUNNING else "SUCCEEDED"

    def ended(self, now: float) -> float | None:
        """When it ended; None while it is pending or running."""
        end = self.created + RUNNING
        return self.cancelled if self.cancelled is not None else end if now >= end else None

    def shown(self, now: float) -> dict[str, Any]:
        """The batch as an operation."""
        ended, kind, output = self.ended(now), _TYPE + _KINDS[self.method], self._output()
        metadata = {
            "@type": kind,
            "model": self.model,
            "displayName": self.display,
            "inputConfig": {"fileName": self.source} if self.source else None,
            "output": output,
            "createTime": stamp(self.created),
            "endTime": stamp(ended) if ended is not None else None,
            "updateTime": stamp(self.created if ended is None else ended),
            "batchStats": self._stats(),
            "state": f"BATCH_STATE_{self.state(now)}",
            "name": self.name,
        }
        shown: dict[str, Any] = {
            "name": self.name,
            "metadata": {key: value for key, value in metadata.items() if value},
        }
        if self.cancelled is not None:
            return {**shown, "done": True, "error": {"code": 1, "message": refusal("cancelled").args[0]}}
        return {**shown, "done": True, "response": {"@type": f"{kind}Output", **output}} if output else shown

    def _output(self) -> dict[str, Any]:
        if self.results is None:
            return {}
        return (
            {"responsesFile": self.output_file}
            if self.source
            else {"inlinedResponses": {"inlinedResponses": list(self.results)}}
        )

    @property
    def output_file(self) -> str:
        """The name of the file with the answers."""
        return f"files/batch-{self.name.removeprefix('batches/')}"

    def _stats(self) -> dict[str, str]:
        """The numbers of requests, as text, without zeros."""
        total, results = len(self.requests), self.results
        failed = sum("error" in result for result in results or ())
        waiting = total if results is None and self.cancelled is None else 0
        counts = {
            "requestCount": total,
            "successfulRequestCount": len(results or ()) - failed,
            "failedRequestCount": failed,
            "pendingRequestCount": waiting,
        }
        return {name: str(count) for name, count in counts.items() if count}


class Batches(Collection[Batch]):
    """The batches of one simulator. ``files`` holds their input and output."""

    def __init__(self, now: Callable[[], float], files: Files) -> None:
        super().__init__(now)
        self.files = files

    def create(self, body: Any, method: str, model: str, name: str) -> Batch:
        """A new batch called ``name``. Raises the API's 400 for one without requests, and its 403 for an unknown input file."""
        batch = camel_fields(camel_fields(body, frozenset(["batch"])).get("batch"), _BATCH, "batch")
        source = camel_fields(batch.get("inputConfig"), frozenset(["fileName", "requests"]), "batch.input_config")
        file = str(source.get("fileName") or "")
        requests = _lines(self.files.get(file).data) if file else _inline(source.get("requests"))
        if not requests:
            raise refusal("invalid_argument")
        display = str(batch.get("displayName") or "")
        created = Batch(f"batches/{name}", method, f"models/{model}", display, requests, file, self.now())
        self.kept.put(created.name, created)
        return created

    def get(self, name: str) -> Batch:
        """A batch. Raises the API's 404 for an unknown one."""
        found = self.kept.get(name)
        if found is None:
            raise refusal("no_route")
        return found

    def shown(self, resource: Batch) -> dict[str, Any]:
        return resource.shown(self.now())

    def finish(self, answer: Answer, site: str) -> None:
        """Answer the requests of the batches whose time has come. ``site`` is the address of this endpoint."""
        for batch in self.kept.values():
            if batch.results is None and batch.state(self.now()) == "SUCCEEDED":
                self._finish(replace(batch, results=[_result(batch, one, answer) for one in batch.requests]), site)

    def _finish(self, done: Batch, site: str) -> None:
        self.kept.put(done.name, done)
        if done.source:
            lines = "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in done.results or ())
            data, uri = lines.encode("utf-8", "replace"), f"{site}/{done.output_file}"
            self.files.kept.put(
                done.output_file, File(done.output_file, "application/jsonl", data, self.now(), uri, generated=True)
            )

    def cancel(self, name: str) -> None:
        """Cancel a batch; without effect on one that has ended."""
        batch = self.get(name)
        if batch.ended(self.now()) is None:
            self.kept.put(name, replace(batch, cancelled=self.now()))


def _result(batch: Batch, request: BatchRequest, answer: Answer) -> dict[str, Any]:
    """The answer to one request or its error, with what identifies it."""
    try:
        if request.body is None:
            raise refusal("invalid_argument")
        return {**request.label, "response": answer(batch.method, batch.model, request.body)}
    except Refusal as refused:
        error = refused.body["error"]
        return {**request.label, "error": {"code": _CODES[error["status"]], "message": error["message"]}}


def _inline(value: Any) -> list[BatchRequest]:
    """The requests in the body of the call."""
    at = "batch.input_config.requests"
    rows = camel_fields(value, frozenset(["requests"]), at).get("requests") or []
    fields = [
        camel_fields(row, frozenset(["request", "metadata"]), f"{at}.requests[{number}]")
        for number, row in enumerate(rows if isinstance(rows, list) else [rows])
    ]
    if missing := [number for number, row in enumerate(fields) if not isinstance(row.get("request"), Mapping)]:
        raise bad_payload(
            [(f"{at}.requests[{missing[0]}].request", f"{at}.requests[{missing[0]}].request: missing field")]
        )
    return [
        BatchRequest(row["request"], {"metadata": row["metadata"]} if row.get("metadata") else {}) for row in fields
    ]


def _lines(data: bytes) -> list[BatchRequest]:
    """The requests in a file of JSON lines: ``{"key": ..., "request": {...}}``."""
    return [_line(line) for line in data.splitlines() if line.strip()]


def _line(line: bytes) -> BatchRequest:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, Mapping):
        return BatchRequest(None, {})
    body = row.get("request")
    return BatchRequest(body if isinstance(body, Mapping) else None, {"key": str(row["key"])} if row.get("key") else {})
