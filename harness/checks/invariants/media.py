"""Media: the bytes are what their type says, and the modality that was asked for came."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from harness.checks import rule
from harness.checks.invariants.asked import each, field, is_finished
from harness.model import Evidence, Json, Mismatch

_LOOKED_AT = 64
_KINDS = (
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "audio/wav",
    "audio/mpeg",
    "audio/ogg",
    "application/pdf",
    "video/mp4",
)
_SPELLINGS = {
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "video/ogg": "audio/ogg",
    "audio/mp4": "video/mp4",
}


@rule("inline-mime", "error")
def inline_mime(evidence: Evidence) -> Iterator[Mismatch]:
    """The first bytes of inline data agree with its ``mimeType``, for the types that can be told."""
    for index, blob in enumerate(evidence.reply.inline_data):
        kind = str(blob.get("mimeType", "")).partition(";")[0].strip().lower()
        head = _head(blob.get("data"))
        if head and _SPELLINGS.get(kind, kind) in _KINDS and (found := _kind(head)) != _SPELLINGS.get(kind, kind):
            actual = found or f"unknown ({head[:8].hex(' ')})"
            yield Mismatch(f"inlineData[{index}].mimeType", kind, actual, f"mimeType is {kind}, the bytes are {actual}")


def _head(data: Json) -> bytes:
    """The first bytes of base64 in either alphabet; empty where it is none."""
    if not isinstance(data, str):
        return b""
    start = data[:_LOOKED_AT].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(start + "=" * (-len(start) % 4), validate=True)
    except ValueError:
        return b""


def _kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0:
        return "audio/mpeg"
    starts = {
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"\xff\xd8\xff": "image/jpeg",
        b"GIF8": "image/gif",
        b"OggS": "audio/ogg",
        b"%PDF-": "application/pdf",
        b"ID3": "audio/mpeg",
    }
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


@rule("modality", "warn")
def modality(evidence: Evidence) -> Iterator[Mismatch]:
    """A requested IMAGE or AUDIO modality yields such a part."""
    asked = each(field(evidence.request_body, "generationConfig", "responseModalities"))
    if not is_finished(evidence):
        return
    kinds = {str(blob.get("mimeType", "")).partition("/")[0].upper() for blob in evidence.reply.inline_data}
    for wanted in asked:
        if str(wanted).upper() in ("IMAGE", "AUDIO") and str(wanted).upper() not in kinds:
            yield Mismatch("inlineData", wanted, sorted(kinds), f"{wanted} was asked for, none came")
