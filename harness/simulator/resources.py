"""What a caller keeps at the API: caches, files, batches and file search stores, in memory."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from harness.simulator.batches import Batches
from harness.simulator.caches import Caches
from harness.simulator.files import File, Files
from harness.simulator.seed import Seed
from harness.simulator.shelf import Shelf
from harness.simulator.stores import Document, Stores

_READABLE = 200_000
"""Bytes of a text file that are read."""


Uploaded = File | Document


class Upload(NamedTuple):
    """A resumable upload under way: what it is so far, and its whole size in bytes, None if it was not announced."""

    so_far: Uploaded
    size: int | None = None


class Resources:
    """The resources of one simulator. ``now`` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.caches = Caches(now)
        self.files = Files(now)
        self.batches = Batches(now, self.files)
        self.stores = Stores(now)
        self.uploads = Shelf[Upload]()
        self._count = 0

    def name(self, kind: str) -> str:
        """A new name: twelve lower-case letters and digits."""
        self._count += 1
        seed = Seed.of(kind, str(self._count))
        return seed.call_id("a") + seed.call_id("b")[:4]

    def opened(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request with the content of its uploaded files: text files as text, others as inline data."""
        if not any("fileData" in part for content in request.get("contents", ()) for part in content.get("parts", ())):
            return request
        contents = [
            {**content, "parts": [self._opened(part) for part in content.get("parts", ())]}
            for content in request["contents"]
        ]
        return {**request, "contents": contents}

    def _opened(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        file = self.files.at(str(part.get("fileData", {}).get("fileUri", "")))
        if file is None:
            return part
        if file.mime.startswith("text/") or file.mime == "application/json":
            return {"text": file.data[:_READABLE].decode("utf-8", "replace")}
        more = {name: value for name, value in part.items() if name != "fileData"}
        return {**more, "inlineData": {"mimeType": file.mime, "data": base64.b64encode(file.data).decode() or "AA=="}}
