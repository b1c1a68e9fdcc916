"""Uploaded and generated files."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.messages import camel_fields, stamp
from harness.simulator.shelf import Collection

LIFE = 48 * 3600.0
"""Seconds until a file expires."""
PROCESSING = 1.0
"""Seconds in which a video is ``PROCESSING``. Other files are ``ACTIVE`` at once."""
_FIELDS = frozenset(["name", "displayName", "mimeType", "sizeBytes"])
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_URI = re.compile(r"/files/([\w-]+)$")


@dataclass(frozen=True, slots=True)
class File:
    """One file. Times are seconds since the epoch. ``generated``: the output of a batch, which can be downloaded."""

    name: str
    mime: str
    data: bytes
    created: float
    uri: str
    display: str = ""
    generated: bool = False

    def state(self, now: float) -> str:
        return "PROCESSING" if self.mime.startswith("video/") and now < self.created + PROCESSING else "ACTIVE"

    def shown(self, now: float) -> dict[str, Any]:
        shown = {
            "name": self.name,
            "displayName": self.display,
            "mimeType": self.mime,
            "sizeBytes": str(len(self.data)),
            "createTime": stamp(self.created),
            "updateTime": stamp(self.created),
            "expirationTime": stamp(self.created + LIFE),
            "sha256Hash": base64.b64encode(hashlib.sha256(self.data).hexdigest().encode()).decode(),
            "uri": self.uri,
            "downloadUri": f"{self.uri}:download?alt=media" if self.generated else "",
            "state": self.state(now),
            "source": "GENERATED" if self.generated else "UPLOADED",
        }
        return {key: value for key, value in shown.items() if value}


class Files(Collection[File]):
    """The files of one simulator."""

    def store(self, file: File) -> File:
        """Keep a whole file. Raises the API's 409 if its name is taken."""
        if self.kept.get(file.name):
            raise refusal("exists")
        self.kept.put(file.name, file)
        return file

    def get(self, name: str) -> File:
        """A file. Raises the API's 403 for an unknown or expired one."""
        found = self.kept.get(name)
        if found is None or found.created + LIFE <= self.now():
            raise refusal("file_missing", name=name.partition("/")[2])
        return found

    def at(self, uri: str) -> File | None:
        """The file at an address; None if the address is not one of a file. Raises the API's 403, or its 400 while it is processed."""
        found = _URI.search(uri)
        if not found or "youtu" in uri:
            return None
        file = self.get(f"files/{found[1]}")
        if file.state(self.now()) != "ACTIVE":
            raise refusal("file_processing", name=found[1])
        return file

    def shown(self, resource: File) -> dict[str, Any]:
        return resource.shown(self.now())

    def page(self, size: int, token: str) -> tuple[list[dict[str, Any]], str]:
        now = self.now()
        self.kept.drop(lambda file: file.created + LIFE <= now)
        return super().page(size, token)


def described(body: Any, mime: str, site: str, name: str, now: float) -> File:
    """An empty file, as the body of an upload describes it. ``mime`` and ``name`` count where the body has none; ``site`` is the address
    of this endpoint, with the version. Raises the API's 400 for an invalid name."""
    asked = body.get("file") if isinstance(body, Mapping) else None
    about = camel_fields(asked or {}, _FIELDS, "file")
    known = str(about.get("name") or name).removeprefix("files/")
    if not _ID.fullmatch(known):
        raise refusal("invalid_argument")
    kind = str(about.get("mimeType") or mime or "application/octet-stream")
    return File(f"files/{known}", kind, b"", now, f"{site}/files/{known}", str(about.get("displayName") or ""))
