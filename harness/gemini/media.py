"""Reads inline data, and recognises the type of a file by its first bytes."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Mapping

from harness.model import Json

_MAGIC: tuple[tuple[int, bytes, frozenset[str]], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", frozenset({"image/png"})),
    (0, b"\xff\xd8\xff", frozenset({"image/jpeg", "image/jpg"})),
    (8, b"WEBP", frozenset({"image/webp"})),
    (0, b"GIF8", frozenset({"image/gif"})),
    (8, b"WAVE", frozenset({"audio/wav", "audio/x-wav", "audio/wave"})),
    (0, b"ID3", frozenset({"audio/mpeg", "audio/mp3"})),
    *((0, bytes((0xFF, frame)), frozenset({"audio/mpeg", "audio/mp3"})) for frame in (0xFA, 0xFB, 0xF2, 0xF3)),
    (0, b"OggS", frozenset({"audio/ogg", "video/ogg", "audio/opus"})),
    (0, b"%PDF-", frozenset({"application/pdf"})),
    (4, b"ftyp", frozenset({"video/mp4", "audio/mp4", "video/quicktime", "image/heic", "image/avif"})),
)
_JUDGED = frozenset[str]().union(*(types for _, _, types in _MAGIC))


def content(inline_data: Mapping[str, Json]) -> bytes | None:
    """The bytes of an ``inlineData``, standard or url-safe base64, padding optional; None if it is not base64."""
    data = inline_data.get("data")
    if not isinstance(data, str):
        return None
    plain = data.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def mime_type(inline_data: Mapping[str, Json]) -> str:
    """The declared type, lower case, without its parameters."""
    value = inline_data.get("mimeType")
    return value.split(";")[0].strip().lower() if isinstance(value, str) else ""


def mismatched_type(inline_data: Mapping[str, Json]) -> str | None:
    """The type by the first bytes, if it differs from the declared type. None if they agree, or if the declared type is not known here."""
    declared, data = mime_type(inline_data), content(inline_data)
    if declared not in _JUDGED or data is None:
        return None
    seen = next((types for at, magic, types in _MAGIC if data[at : at + len(magic)] == magic), frozenset[str]())
    if declared in seen:
        return None
    return min(seen) if seen else "something else"


_ADDRESS = re.compile(r"(https?|gs)://")


def is_address(name: str) -> bool:
    """Whether a file is named by its address: on the web, in a Google Cloud bucket, or uploaded through the Files API."""
    return _ADDRESS.match(name) is not None


def address_part(address: str, mime: str | None = None) -> dict[str, Json]:
    """A ``fileData`` part. Without ``mime`` the type follows from the ending of the address, and is left out if that is unknown."""
    guessed = mime or mimetypes.guess_type(address.partition("?")[0])[0]
    return {"fileData": {**({"mimeType": guessed} if guessed else {}), "fileUri": address}}


def inline_part(name: str, data: bytes, mime: str | None = None) -> dict[str, Json]:
    """An ``inlineData`` part with the content of a file."""
    return {"inlineData": {"mimeType": mime or type_of(name, data), "data": base64.b64encode(data).decode()}}


def type_of(name: str, data: bytes) -> str:
    """The MIME type of a file: by its first bytes, else by its name, else plain text or ``application/octet-stream``."""
    seen = next((types for at, magic, types in _MAGIC if data[at : at + len(magic)] == magic), frozenset[str]())
    guessed = mimetypes.guess_type(name)[0]
    if seen:
        found = guessed if guessed in seen else min(seen)
        return _USUAL.get(found, found)
    if guessed and guessed not in _JUDGED:
        return guessed
    return "text/plain" if _is_text(data) else "application/octet-stream"


_USUAL: Mapping[str, str] = {"audio/mp3": "audio/mpeg", "audio/mp4": "video/mp4", "audio/x-wav": "audio/wav"}
"""Spelling of a type -> the one that the API's pages use."""


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
