"""The jobs of a run with ``transport: batch``, in a journal beside the run, so that a resumed run looks at them again.

A line is written before a job is submitted, with a name of our own, and one when the API has named it. A process that dies between
the two can therefore find the job by our name, and pays nothing twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from harness.errors import CannotWrite, os_errors_as
from harness.model import Request, Slot
from harness.text.jsontext import an_object, json_of

NAME = "batches.jsonl"
"""The name of the journal in the folder of its run."""
MOST_WAITING = 10_000
"""Trials that wait for jobs at once."""


class BatchJob(Struct):
    """A job: our name of it (``displayName``), the keys of its requests in order, and its name at the API once that is known."""

    display: str
    keys: Sequence[str]
    name: str | None = None


def key_of(request: Request, slot: Slot) -> str:
    """What identifies a request in a job: by its place in the run and by what it asks."""
    place = f"{slot.cassette}\n{slot.position}\n{request.url}\n".encode()
    return sha256(place + request.content).hexdigest()[:24]


class BatchJobs(Struct):
    """The jobs that a journal knows. Raises CannotWrite where it cannot be written."""

    path: Path
    _job_of: dict[str, BatchJob] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            jobs: dict[str, BatchJob] = {}
            for line in self.path.read_text("utf-8").splitlines():
                self._replay(an_object(json_of(line)), jobs)  # the last one may be cut off

    def find(self, key: str) -> BatchJob | None:
        """The job that answers this request, or may."""
        return self._job_of.get(key)

    def begin(self, keys: Sequence[str]) -> BatchJob:
        """A job that is about to be submitted."""
        job = BatchJob(f"gemini-harness-{os.urandom(8).hex()}", keys)
        self._write({"job": job.display, "keys": list(keys)})
        self._job_of |= dict.fromkeys(keys, job)
        return job

    def call(self, job: BatchJob, name: str) -> None:
        """Keep the name that the API gave a job."""
        job.name = name
        self._write({"job": job.display, "name": name})

    def forget(self, keys: Sequence[str]) -> None:
        """No job answers these requests: they may be submitted again."""
        if keys:
            self._write({"forget": list(keys)})
            self._drop(keys)

    def _replay(self, line: Mapping[str, Any], jobs: dict[str, BatchJob]) -> None:
        if "keys" in line:
            job = jobs[line["job"]] = BatchJob(line["job"], line["keys"])
            self._job_of |= dict.fromkeys(job.keys, job)
        elif "name" in line:
            jobs[line["job"]].name = line["name"]
        self._drop(line.get("forget", ()))

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._job_of.pop(key, None)

    def _write(self, line: Mapping[str, Any]) -> None:
        cannot = f"cannot write the jobs of the run to {self.path}"
        with os_errors_as(CannotWrite, cannot), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
