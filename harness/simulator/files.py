"""Uploaded and generated files, and the uploads under way: resumable, multipart, or in one request."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.messages import camel_fields, stamp
from harness.simulator.shelf import MOST, Shelf

LIFE = 48 * 3600.0
"""Seconds until a file expires."""
PROCESSING = 1.0
"""Seconds in which a video is ``PROCESSING``. Other files are ``ACTIVE`` at once."""
_FIELDS = frozenset(["name", "displayName", "mimeType", "sizeBytes"])
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_URI = re.compile(r"/files/([\w-]+)$")
_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]+)\"|([^;\s]+))", re.IGNORECASE)
_TYPE = re.compile(rb"(?im)^content-type:[ \t]*([^\r\n;]+)")


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


@dataclass(frozen=True, slots=True)
class Upload:
    """A resumable upload under way: the file so far, and its whole size in bytes, None if it was not announced."""

    file: File
    size: int | None = None


@dataclass(slots=True)
class Files:
    """The files of one simulator. ``now`` gives seconds since the epoch."""

    now: Callable[[], float]
    kept: Shelf[File] = field(default_factory=Shelf)
    uploads: OrderedDict[str, Upload] = field(default_factory=OrderedDict)

    def start(self, upload: str, about: File, size: int | None) -> None:
        """Start the resumable upload called ``upload``."""
        self.uploads[upload] = Upload(about, size)
        if len(self.uploads) > MOST:
            self.uploads.popitem(last=False)

    def add(self, upload: str, data: bytes, offset: int | None, *, final: bool) -> File:
        """Append bytes to an upload. If ``final``, it becomes a file. Raises the API's 404 for an unknown upload, and its 400 if the
        bytes do not follow those before, or if their number is not the announced one."""
        under_way = self.under_way(upload)
        grown = replace(under_way.file, data=under_way.file.data + data)
        size = len(grown.data) if under_way.size is None else under_way.size
        if (
            offset not in (None, len(under_way.file.data))
            or len(grown.data) > size
            or (final and len(grown.data) < size)
        ):
            raise refusal("invalid_argument")
        if not final:
            self.uploads[upload] = replace(under_way, file=grown)
            return grown
        del self.uploads[upload]
        return self.store(grown)

    def under_way(self, upload: str) -> Upload:
        found = self.uploads.get(upload)
        if found is None:
            raise refusal("no_route")
        return found

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

    def delete(self, name: str) -> None:
        self.kept.remove(self.get(name).name)

    def page(self, size: int, token: str) -> tuple[list[File], str]:
        now = self.now()
        self.kept.drop(lambda file: file.created + LIFE <= now)
        return self.kept.page(size, token)


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


def envelope(content_type: str, body: bytes) -> tuple[bytes, str, bytes]:
    """The parts of a ``multipart/related`` upload: the JSON that describes the file, the file's type, and its bytes.

    Raises the API's 400 unless it has these two parts.
    """
    found = _BOUNDARY.search(content_type)
    mark = (found[1] or found[2]).encode("latin-1") if found else b""
    pieces = re.split(rb"\r?\n--" + re.escape(mark), b"\r\n" + body) if mark else []
    if len(pieces) < 3:
        raise refusal("invalid_argument")
    (_, about), (head, data) = (_part(piece) for piece in pieces[1:3])
    kind = _TYPE.search(head)
    return about, kind[1].decode("latin-1").strip() if kind else "", data


def _part(piece: bytes) -> tuple[bytes, bytes]:
    """The header lines and the bytes of one part."""
    found = re.search(rb"\r?\n\r?\n", piece)
    return (piece[: found.start()], piece[found.end() :]) if found else (b"", piece)
