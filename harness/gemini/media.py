"""Reads inline data, and recognises the type of a file by its first bytes."""

from __future__ import annotations

import base64
import binascii
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
