"""Tokens of images, pages and seconds of media, by model generation. The numbers are from recorded answers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MODALITIES = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "application": "DOCUMENT"}
BYTES_PER_TOKEN = 4
_BYTES_PER_SECOND = {"AUDIO": 16_000, "VIDEO": 125_000}
"""For media without a readable header: 128 kbit/s of sound, 1 Mbit/s of video."""
_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
_SECONDS = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)s")
_RATE = re.compile(r"rate=(\d{1,9})(?!\d)")
_YOUTUBE = re.compile(r"https?://(?:[\w-]+\.)?(?:youtube\.com|youtu\.be)/", re.IGNORECASE)
_YOUTUBE_SECONDS = 60.0
"""How long every video of YouTube is here."""


class Scale(NamedTuple):
    """Tokens of one image, one page, one second of video and one of audio. ``pages``: the modality of pages."""

    image: int
    page: int
    video: int
    audio: int
    pages: str = "DOCUMENT"

    def at(self, level: str) -> Scale:
        """The scale for a ``mediaResolution``; unchanged for an unknown level."""
        found = (_LEVELS_3 if self.pages == "IMAGE" else _LEVELS_2).get(level.removeprefix("MEDIA_RESOLUTION_"))
        return self._replace(image=found[0], page=found[0], video=found[1]) if found else self

    def tokens(self, part: Mapping[str, Any], blob: Mapping[str, Any]) -> tuple[str, int]:
        """Modality and tokens of a part that holds ``blob`` (an ``inlineData`` or a ``fileData``)."""
        youtube = is_youtube(blob)
        mime = "video/mp4" if youtube else str(blob.get("mimeType") or "application/octet-stream")
        data = str(blob.get("data") or "")
        level = (part.get("mediaResolution") or {}).get("level")
        if level:
            return self.at(str(level)).tokens({**part, "mediaResolution": None}, blob)
        if mime.startswith("text/"):
            return "TEXT", 1 + len(data) * 3 // 4 // BYTES_PER_TOKEN
        modality = MODALITIES.get(mime.partition("/")[0], "DOCUMENT")
        if modality == "IMAGE":
            return modality, self.image
        if modality == "DOCUMENT":
            return self.pages, self.page * page_count(_decoded(data) if data.startswith("JVBER") else b"")
        metadata = part.get("videoMetadata") or {}
        seconds = _clipped(metadata, _YOUTUBE_SECONDS if youtube else _seconds(modality, mime, data))
        rate = self.video * float(metadata.get("fps") or 1) if modality == "VIDEO" else self.audio
        return modality, max(1, round(rate * seconds))

    def sound(self, part: Mapping[str, Any]) -> int:
        """Tokens of the sound of a video of YouTube, which is counted beside its pictures; 0 for other parts."""
        if not is_youtube(part.get("fileData") or {}):
            return 0
        return round(self.audio * _clipped(part.get("videoMetadata") or {}, _YOUTUBE_SECONDS))


def is_youtube(blob: Mapping[str, Any]) -> bool:
    """Whether a ``fileData`` is a video of YouTube, whatever its ``mimeType`` says."""
    return bool(_YOUTUBE.match(str(blob.get("fileUri", ""))))


_LEVELS_2 = {"LOW": (64, 66), "MEDIUM": (258, 263)}
_LEVELS_3 = {"LOW": (280, 70), "MEDIUM": (560, 70), "HIGH": (1120, 280), "ULTRA_HIGH": (2240, 280)}
"""Tokens of an image and of a second of video, by media resolution."""
GEMINI_20 = Scale(258, 258, 258, 25)
GEMINI_25 = Scale(258, 258, 263, 32)
GEMINI_3 = Scale(1088, 532, 64, 25, "IMAGE")
OUTPUT_25, OUTPUT_3 = GEMINI_25._replace(image=1290, audio=25), GEMINI_3._replace(image=1120)
"""For images and speech that the model makes."""
LARGE_IMAGE = 2000
"""Tokens of a 4K image: by the prices of gemini-3-pro-image (0.24 for 4K, 0.134 below, 120 for 1M tokens)."""


def input_scale(generation: tuple[int, int]) -> Scale:
    """How a model generation counts media in a request."""
    return GEMINI_3 if generation >= (3, 0) else GEMINI_25 if generation >= (2, 5) else GEMINI_20


def output_scale(generation: tuple[int, int], size: str = "") -> Scale:
    """How it counts media in an answer. ``size``: the ``imageSize`` asked for."""
    scale = OUTPUT_3 if generation >= (3, 0) else OUTPUT_25
    return scale._replace(image=LARGE_IMAGE) if size.upper().endswith(("4K", "FOUR_K")) else scale


# --- sizes --------------------------------------------------------------------------------------------


def page_count(content: bytes) -> int:
    """The number of pages of a PDF; 1 for anything else."""
    return max(1, len(_PAGE.findall(content)) if content.startswith(b"%PDF") else 0)


def _seconds(modality: str, mime: str, data: str) -> float:
    """The duration in seconds: from the header of a WAV file or the MIME type of raw samples, else estimated from the size; 10 without data."""
    if not data:
        return 10.0
    size = len(data) * 3 // 4
    rate = _RATE.search(mime)
    if rate:
        return size / (2 * max(int(rate[1]), 1))
    head = _decoded(data[:64])
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return (size - 44) / max(int.from_bytes(head[28:32], "little"), 1)
    return size / _BYTES_PER_SECOND[modality]


def _clipped(metadata: Mapping[str, Any], seconds: float) -> float:
    """The seconds between ``startOffset`` and ``endOffset``."""
    bounds = [_SECONDS.fullmatch(str(metadata.get(name, ""))) for name in ("startOffset", "endOffset")]
    start = float(bounds[0][1]) if bounds[0] else 0.0
    end = float(bounds[1][1]) if bounds[1] else max(seconds, start)
    return max(0.0, end - start)


def _decoded(data: str) -> bytes:
    plain = data.translate(_STANDARD).rstrip("=")
    try:
        return base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


_STANDARD = str.maketrans("-_", "+/")
