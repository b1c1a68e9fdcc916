"""Cached contents and uploaded files of a caller, in memory. The oldest are dropped first."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from harness.gemini.models import bare
from harness.simulator import catalogue
from harness.simulator.errors import bad_payload, refusal
from harness.simulator.request import camel, normal
from harness.simulator.seed import Seed
from harness.simulator.tokens import tally

MOST = 500
"""The maximum number of caches, of files, and of unfinished uploads."""
LIFE = 3600.0
"""Seconds until a cache without ``ttl`` expires."""
FILE_LIFE = 48 * 3600.0
_CACHE_FIELDS = frozenset(
    ["name", "model", "displayName", "ttl", "expireTime", "contents", "systemInstruction", "tools", "toolConfig"]
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
_FILE_URI = re.compile(r"/files/([\w-]+)$")
_READABLE = 200_000


@dataclass(frozen=True, slots=True)
class Cache:
    """One ``cachedContent``. ``request`` is its content in canonical spelling. Times are seconds since the epoch."""

    name: str
    model: str
    request: Mapping[str, Any]
    created: float
    updated: float
    expires: float
    display: str = ""

    def shown(self) -> dict[str, Any]:
        parts = [part for content in self.request.get("contents", ()) for part in content.get("parts", ())]
        parts += self.request.get("systemInstruction", {}).get("parts", ())
        shown = {
            "name": self.name,
            "model": self.model,
            "createTime": _stamp(self.created),
            "updateTime": _stamp(self.updated),
            "expireTime": _stamp(self.expires),
            "displayName": self.display,
            "usageMetadata": {"totalTokenCount": sum(tally(parts).values())},
        }
        return {key: value for key, value in shown.items() if value}


@dataclass(frozen=True, slots=True)
class File:
    """One uploaded file."""

    name: str
    mime: str
    data: bytes
    created: float
    uri: str
    display: str = ""

    def shown(self) -> dict[str, Any]:
        shown = {
            "name": self.name,
            "displayName": self.display,
            "mimeType": self.mime,
            "sizeBytes": str(len(self.data)),
            "createTime": _stamp(self.created),
            "updateTime": _stamp(self.created),
            "expirationTime": _stamp(self.created + FILE_LIFE),
            "sha256Hash": base64.b64encode(hashlib.sha256(self.data).hexdigest().encode()).decode(),
            "uri": self.uri,
            "state": "ACTIVE",
            "source": "UPLOADED",
        }
        return {key: value for key, value in shown.items() if value}


@dataclass(slots=True)
class Resources:
    """Caches, files and unfinished uploads of one simulator. ``now`` gives seconds since the epoch."""

    now: Callable[[], float] = time.time
    caches: OrderedDict[str, Cache] = field(default_factory=OrderedDict)
    files: OrderedDict[str, File] = field(default_factory=OrderedDict)
    uploads: OrderedDict[str, File] = field(default_factory=OrderedDict)
    _count: int = 0

    # --- caches ---

    def create_cache(self, body: Any, version: str) -> dict[str, Any]:
        fields = camel_fields(body, _CACHE_FIELDS)
        model = str(fields.get("model", ""))
        catalogue.answering(bare(model), version, "createCachedContent")
        request = normal(
            {
                name: fields[name]
                for name in ("contents", "systemInstruction", "tools", "toolConfig")
                if fields.get(name)
            }
        )
        now = self.now()
        name = f"cachedContents/{self._name('cache')}"
        cache = Cache(
            name, f"models/{bare(model)}", request, now, now, now + _life(fields), str(fields.get("displayName") or "")
        )
        _keep(self.caches, name, cache)
        return cache.shown()

    def cache(self, name: str) -> Cache:
        """A cache that has not expired. Raises the API's 400 for an invalid name, and its 403 for an unknown one."""
        if not re.fullmatch(r"cachedContents/[\w-]+", name):
            raise refusal("invalid_argument")
        found = self.caches.get(name)
        if found is None or found.expires <= self.now():
            raise refusal("cache_missing")
        return found

    def update_cache(self, name: str, body: Any) -> dict[str, Any]:
        fields = camel_fields(body, _CACHE_FIELDS)
        now = self.now()
        cache = replace(self.cache(name), updated=now, expires=now + _life(fields))
        _keep(self.caches, name, cache)
        return cache.shown()

    def delete_cache(self, name: str) -> dict[str, Any]:
        self.caches.pop(self.cache(name).name)
        return {}

    def list_caches(self) -> dict[str, Any]:
        living = [cache.shown() for cache in self.caches.values() if cache.expires > self.now()]
        return {"cachedContents": living} if living else {}

    # --- files ---

    def start_upload(self, body: Any, mime: str, site: str) -> str:
        """Start a resumable upload and return its id. ``site`` is the address of this endpoint, with the version."""
        asked = body.get("file") if isinstance(body, Mapping) else None
        about = {camel(key): value for key, value in asked.items()} if isinstance(asked, Mapping) else {}
        name = str(about.get("name") or f"files/{self._name('file')}")
        kind = str(about.get("mimeType") or mime or "application/octet-stream")
        upload_file = File(name, kind, b"", self.now(), f"{site}/{name}", str(about.get("displayName") or ""))
        upload = self._name("upload")
        _keep(self.uploads, upload, upload_file)
        return upload

    def add(self, upload: str, data: bytes, *, final: bool) -> File:
        """Append bytes to an upload. If ``final``, it becomes a file."""
        unfinished = self.uploads.get(upload)
        if unfinished is None:
            raise refusal("no_route")
        grown = replace(unfinished, data=unfinished.data + data)
        if final:
            del self.uploads[upload]
            _keep(self.files, grown.name, grown)
        else:
            self.uploads[upload] = grown
        return grown

    def file(self, name: str) -> File:
        found = self.files.get(name)
        if found is None:
            raise refusal("file_missing", name=name.partition("/")[2])
        return found

    def delete_file(self, name: str) -> dict[str, Any]:
        self.files.pop(self.file(name).name)
        return {}

    def list_files(self) -> dict[str, Any]:
        return {"files": [file.shown() for file in self.files.values()]} if self.files else {}

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
        uri = str(part.get("fileData", {}).get("fileUri", ""))
        found = _FILE_URI.search(uri)
        if not found or "youtube" in uri:
            return part
        file = self.file(f"files/{found[1]}")
        if file.mime.startswith("text/") or file.mime == "application/json":
            return {"text": file.data[:_READABLE].decode("utf-8", "replace")}
        return {"inlineData": {"mimeType": file.mime, "data": base64.b64encode(file.data).decode() or "AA=="}}

    def _name(self, kind: str) -> str:
        self._count += 1
        seed = Seed.of(kind, str(self._count))
        return seed.call_id("a") + seed.call_id("b")[:4]


def _keep(kept: OrderedDict[str, Any], name: str, value: Any) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > MOST:
        kept.popitem(last=False)


def camel_fields(body: Any, known: frozenset[str]) -> dict[str, Any]:
    """The fields of a body with camelCase names. Raises the API's 400 for names that are not in ``known``."""
    if not isinstance(body, Mapping):
        raise bad_payload([("", 'Invalid JSON payload received. Unknown name "": Root element must be a message.')])
    fields = {camel(str(name)): value for name, value in body.items()}
    unknown = [name for name in body if camel(str(name)) not in known]
    if unknown:
        raise bad_payload(
            [("", f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.') for name in unknown]
        )
    return fields


def _life(fields: Mapping[str, Any]) -> float:
    if fields.get("ttl") is None:
        return LIFE
    found = _DURATION.fullmatch(str(fields["ttl"]))
    if not found:
        raise bad_payload(
            [("ttl", f"Invalid value at 'ttl' (type.googleapis.com/google.protobuf.Duration), \"{fields['ttl']}\"")]
        )
    return float(found[1])


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
