"""Reads inline data: the type of a file by its first bytes, the size of an image, the length of a sound."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from harness.model import Json
from harness.text.jsontext import is_utf8

if TYPE_CHECKING:
    from mimetypes import MimeTypes

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
    return decoded(data) if isinstance(data, str) else None


def decoded(data: str) -> bytes | None:
    """The bytes of a text in standard or url-safe base64, padding optional; None if it is none."""
    if "-" in data or "_" in data:
        data = data.translate(_STANDARD)
    if len(data) % 4 or data.endswith("==="):
        data = data.rstrip("=")
        data += "=" * (-len(data) % 4)
    try:
        return binascii.a2b_base64(data, strict_mode=True)  # a picture may be large: ``b64decode`` copies the text
    except (binascii.Error, ValueError):
        return None


_STANDARD = str.maketrans("-_", "+/")


def is_whole_message(content: bytes) -> bool:
    """Whether the bytes are a protocol buffer of fields that hold bytes and numbers, and the last of them is not cut."""
    at = 0
    while at < len(content):
        kind, at = _varint(content, at)
        value, at = _varint(content, at) if kind & 7 in (0, 2) else (0, at)
        at += {0: 0, 1: 8, 2: value, 5: 4}.get(kind & 7, len(content) + 1)
    return at == len(content)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """The number there and the place after it; beyond the end of the bytes if it is cut."""
    value = shift = 0
    while at < len(content):
        value |= (content[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if content[at - 1] < 128:
            return value, at
    return value, at + 1


def mime_type(inline_data: Mapping[str, Json]) -> str:
    """The declared type, lower case, without its parameters."""
    value = inline_data.get("mimeType")
    return value.split(";")[0].strip().lower() if isinstance(value, str) else ""


def mismatched_type(inline_data: Mapping[str, Json]) -> str | None:
    """The type by the first bytes, if it differs from the declared type. None if they agree, or if the declared type is not known here."""
    declared, data = mime_type(inline_data), content(inline_data)
    if declared not in _JUDGED or data is None:
        return None
    seen = _types_by_bytes(data)
    if declared in seen:
        return None
    return min(seen) if seen else "something else"


def _types_by_bytes(data: bytes) -> frozenset[str]:
    return next((types for at, magic, types in _MAGIC if data[at : at + len(magic)] == magic), frozenset())


# --- files as parts of a prompt --------------------------------------------------------------------------

_ADDRESS = r"(https?|gs)://"


def is_address(name: str) -> bool:
    """Whether a file is named by its address: on the web, in a Google Cloud bucket, or uploaded through the Files API."""
    return re.match(_ADDRESS, name) is not None


def address_part(address: str, mime: str | None = None) -> dict[str, Json]:
    """A ``fileData`` part. Without ``mime`` the type follows from the ending of the address, and is left out if that is unknown."""
    guessed = mime or _types().guess_type(address.partition("?")[0])[0]
    return {"fileData": {**({"mimeType": guessed} if guessed else {}), "fileUri": address}}


def inline_part(name: str, data: bytes, mime: str | None = None) -> dict[str, Json]:
    """An ``inlineData`` part with the content of a file."""
    return {"inlineData": {"mimeType": mime or type_of(name, data), "data": base64.b64encode(data).decode()}}


@cache
def _types() -> MimeTypes:
    """Endings of file names -> types, the same on every machine."""
    from mimetypes import MimeTypes

    return MimeTypes()


def type_of(name: str, data: bytes) -> str:
    """The MIME type of a file: by its first bytes, else by its name, else plain text or ``application/octet-stream``."""
    seen = _types_by_bytes(data)
    guessed = _types().guess_type(name)[0]
    if seen:
        found = guessed if guessed in seen else min(seen)
        return _USUAL.get(found, found)
    if guessed and guessed not in _JUDGED:
        return guessed
    return "text/plain" if is_utf8(data) else "application/octet-stream"


_USUAL: Mapping[str, str] = {"audio/mp3": "audio/mpeg", "audio/mp4": "video/mp4", "audio/x-wav": "audio/wav"}
"""Spelling of a type -> the one that the API's pages use."""


# --- the size of an image ------------------------------------------------------------------------------


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, from the header of a PNG, JPEG, WebP or GIF file; None for other or cut-off data."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _pair(">II", data, 16)
        if data.startswith((b"GIF87a", b"GIF89a")):
            return _pair("<HH", data, 6)
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        return _webp_size(data) if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
    except (struct.error, IndexError):
        return None


def _pair(form: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, at)
    return first, second


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG segments that hold the size; the three others define tables (ITU-T T.81, table B.1)."""
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD8)))
_END, _SCAN = 0xD9, 0xDA


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment of a JPEG file. ``FF`` is a fill byte."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        yield marker, at
        at += 1 if marker == 0xFF else 2 if marker in _NO_LENGTH else 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    segments = ((marker, at) for marker, at in _jpeg_segments(data) if marker in _FRAMES | {_END, _SCAN})
    marker, at = next(segments, (_END, 0))
    return None if marker in (_END, _SCAN) else _pair(">HH", data, at + 5)[::-1]


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """The three kinds of WebP: lossy (RFC 6386, 14 bits each), lossless and extended (RFC 9649, the numbers minus one)."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def missing_end(data: bytes) -> str | None:
    """What is missing at the end of a PNG, JPEG, GIF or WebP file; None for a whole or another file. Bytes after the end are right."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None if _has_png_end(data) else "it has no IEND"
    if data.startswith(b"\xff\xd8\xff"):
        return None if data.find(b"\xff\xd9", _scan_of_jpeg(data)) >= 0 else "it has no end of image (FFD9)"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return None if data.rstrip(b"\0")[-1:] == b";" else "it has no trailer"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = int.from_bytes(data[4:8], "little") + 8
        return None if len(data) >= size else f"it has {len(data):,} of {size:,} bytes"
    return None


def _has_png_end(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def _scan_of_jpeg(data: bytes) -> int:
    """The place of the first scan, after all segments: a preview in one of them has an end of its own. The length if there is none."""
    return next((at for marker, at in _jpeg_segments(data) if marker == _SCAN), len(data))


# --- the length of a sound -----------------------------------------------------------------------------


_SAMPLES = frozenset(("audio/l16", "audio/pcm"))
"""Raw samples of 16 bits, as Gemini's speech models send them: ``audio/L16;codec=pcm;rate=24000``."""


def seconds(inline_data: Mapping[str, Json]) -> float | None:
    """The length of raw samples (the rate is in the type; one channel, if it names none) or of a WAV file; None for anything else."""
    data = content(inline_data)
    if data is None:
        return None
    if mime_type(inline_data) in _SAMPLES:
        each_second = 2 * _parameter(inline_data, "rate", 0) * _parameter(inline_data, "channels", 1)
        return len(data) / each_second if each_second else None
    return _wav_seconds(data) if data[:4] == b"RIFF" and data[8:12] == b"WAVE" else None


def wrong_samples(inline_data: Mapping[str, Json]) -> str:
    """What keeps a player from playing raw samples of 16 bits; empty if nothing does, or they are none."""
    if mime_type(inline_data) not in _SAMPLES:
        return ""
    if not _parameter(inline_data, "rate", 0):
        return "the samples have no rate in their mimeType: players guess how fast they are"
    data = content(inline_data) or b""
    return f"the samples of two bytes are {len(data):,} bytes: one was lost" if len(data) % 2 else ""


def _parameter(inline_data: Mapping[str, Json], name: str, default: int) -> int:
    found = re.search(rf";\s*{name}\s*=\s*(\d{{1,9}})\b", str(inline_data.get("mimeType")), re.IGNORECASE)
    return int(found[1]) if found else default


def _wav_seconds(data: bytes) -> float | None:
    chunks = dict(_riff_chunks(data))
    samples, form = chunks.get(b"data"), chunks.get(b"fmt ", b"")
    each_second = int.from_bytes(form[8:12], "little")
    return len(samples) / each_second if samples is not None and each_second else None


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk. A chunk whose length is not known yet when a stream is written ends with the data."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
