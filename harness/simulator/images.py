"""Images of image models: real files in the sizes of Google's table. PNG with one colour and a diagonal, or a grey JPEG if
``responseFormat`` asks for it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.seed import Seed

SIDES = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:4": (896, 1200), "4:5": (928, 1152), "9:16": (768, 1376), "9:21": (672, 1584),
    "1:4": (512, 2048), "1:8": (384, 3072),
}  # fmt: skip
"""Ratio -> width and height of a 1K image in pixels, upright; the other ratios are these on their side. From the documentation of image
generation; the first six were measured too. 512 is half of it, 2K and 4K twice and four times as much."""
SIDES_25 = {
    **SIDES,
    "2:3": (832, 1248),
    "3:4": (864, 1184),
    "4:5": (896, 1152),
    "9:16": (768, 1344),
    "9:21": (672, 1536),
}
"""The same for gemini-2.5-flash-image, which has one size."""
_SCALES = {"512": 0.5, "FIVE_TWELVE": 0.5, "1K": 1, "ONE_K": 1, "2K": 2, "TWO_K": 2, "4K": 4, "FOUR_K": 4}
_WORDS = {
    "ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5, "EIGHT": 8, "NINE": 9, "SIXTEEN": 16, "TWENTY_ONE": 21,
}  # fmt: skip


def makes(ask: Ask) -> bool:
    """Whether the answer is an image."""
    return "image_out" in ask.facts.features and ask.config.get("responseModalities", ["IMAGE"]) != ["TEXT"]


def parts(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """An image, after a sentence if the request asks for text too."""
    red, green, blue = seed.bytes("colour", 3)
    asked: Mapping[str, Any] = ask.config.get("responseFormat", {}).get("image", {})
    plain: Mapping[str, Any] = ask.config.get("imageConfig", {})
    ratio = str(asked.get("aspectRatio") or plain.get("aspectRatio") or "1:1")
    size = str(asked.get("imageSize") or plain.get("imageSize") or "1K")
    width, height = sides(ratio, size, SIDES if ask.requires_signatures else SIDES_25)
    is_jpeg = asked.get("mimeType") == "IMAGE_JPEG"
    drawn = jpeg(width, height) if is_jpeg else png(width, height, (red, green, blue))
    data = base64.b64encode(drawn).decode()
    image = {"inlineData": {"mimeType": "image/jpeg" if is_jpeg else "image/png", "data": data}}
    wanted = ask.config.get("responseModalities", ["TEXT", "IMAGE"])
    return [{"text": f"Here is a simulated image of {prompt.strip()[:60]}."}, image] if "TEXT" in wanted else [image]


def sides(ratio: str, size: str = "1K", known: Mapping[str, tuple[int, int]] = SIDES) -> tuple[int, int]:
    """Width and height in pixels for ``16:9`` or ``ASPECT_RATIO_SIXTEEN_BY_NINE``, and ``2K`` or ``IMAGE_SIZE_TWO_K``; a square of 1K for
    other texts."""
    across, _, down = ratio.removeprefix("ASPECT_RATIO_").replace("_BY_", ":").partition(":")
    wide, high = (str(_WORDS.get(text, text)) for text in (across, down))
    scale = _SCALES.get(size.upper().removeprefix("IMAGE_SIZE_").rstrip("PX"), 1) if known is SIDES else 1
    short, long = known.get(f"{wide}:{high}") or known.get(f"{high}:{wide}", known["1:1"])
    width, height = (short, long) if f"{wide}:{high}" in known else (long, short)
    return int(width * scale), int(height * scale)


@lru_cache(maxsize=16)
def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG file: ``colour`` all over, its complement on a diagonal. With a palette of these two, one bit for each pixel, so that a large
    picture is a small file."""
    row, rows = bytes(-(-width // 8)), bytearray()
    for y in range(height):
        x = y * width // height
        rows += b"\0" + row[: x // 8] + bytes([0x80 >> x % 8]) + row[x // 8 + 1 :]
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"PLTE", bytes(colour) + bytes(255 - component for component in colour))
        + _chunk(b"IDAT", zlib.compress(bytes(rows)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_ONE_CODE = bytes((1,)) + bytes(16)
"""A Huffman table with one code, which is one bit and means nothing."""


@lru_cache(maxsize=16)
def jpeg(width: int, height: int) -> bytes:
    """A grey JPEG file: each block of eight by eight pixels is two bits, no change of its mean and no detail."""
    segments = {
        b"\xe0": b"JFIF\0\1\1\0\0\1\0\1\0\0",
        b"\xdb": b"\0" + bytes([8] * 64),
        b"\xc0": struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0",
        b"\xc4": b"\0" + _ONE_CODE + b"\x10" + _ONE_CODE,
        b"\xda": b"\1\1\0\0\x3f\0",
    }
    head = (b"\xff" + marker + struct.pack(">H", len(content) + 2) + content for marker, content in segments.items())
    whole, rest = divmod(2 * -(-width // 8) * -(-height // 8), 8)
    return b"".join((b"\xff\xd8", *head, bytes(whole), bytes([0xFF >> rest] if rest else []), b"\xff\xd9"))
