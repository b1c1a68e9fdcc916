"""Images of image models: real files with one colour and a diagonal, sized by the aspect ratio. PNG, or JPEG if ``responseFormat``
asks for it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from harness.simulator.jpeg import BLOCK, Colour, jpeg
from harness.simulator.request import Ask
from harness.simulator.seed import Seed

LONG_SIDES = {"512": 32, "1K": 64, "2K": 128, "4K": 256}
"""``imageSize`` -> pixels of the longer side. Real images have sixteen times as many; small ones keep recordings small."""
_SIZES = {"FIVE_TWELVE": "512", "ONE_K": "1K", "TWO_K": "2K", "FOUR_K": "4K"}
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
    longer = long_side(str(asked.get("imageSize") or plain.get("imageSize") or "1K"))
    mime, draw = ("image/jpeg", photo) if asked.get("mimeType") == "IMAGE_JPEG" else ("image/png", png)
    data = base64.b64encode(draw(*size(ratio, longer), (red, green, blue))).decode()
    image = {"inlineData": {"mimeType": mime, "data": data}}
    wanted = ask.config.get("responseModalities", ["TEXT", "IMAGE"])
    return [{"text": f"Here is a simulated image of {prompt.strip()[:60]}."}, image] if "TEXT" in wanted else [image]


def long_side(size: str) -> int:
    """Pixels of the longer side for ``2K`` or ``IMAGE_SIZE_TWO_K``; those of ``1K`` for any other text."""
    name = size.upper().removeprefix("IMAGE_SIZE_")
    return LONG_SIDES.get(_SIZES.get(name, name), LONG_SIDES["1K"])


def size(ratio: str, longer: int) -> tuple[int, int]:
    """Width and height in pixels for ``16:9`` or ``ASPECT_RATIO_SIXTEEN_BY_NINE``; a square for any other text."""
    across, _, down = ratio.removeprefix("ASPECT_RATIO_").replace("_BY_", ":").partition(":")
    wide, high = (
        _WORDS.get(text) or (int(text) if text.isdecimal() and len(text) < 6 else 0) for text in (across, down)
    )
    if not wide or not high:
        return longer, longer
    most = max(wide, high)
    return max(1, longer * wide // most), max(1, longer * high // most)


@lru_cache(maxsize=64)
def png(width: int, height: int, colour: Colour) -> bytes:
    """A PNG file: ``colour`` all over, its complement on a diagonal."""
    fill, line = bytes(colour), bytes(255 - component for component in colour)
    rows = bytearray()
    for y in range(height):
        row = bytearray(fill * width)
        x = y * width // height
        row[3 * x : 3 * x + 3] = line
        rows += b"\0" + row
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@lru_cache(maxsize=64)
def photo(width: int, height: int, colour: Colour) -> bytes:
    """A JPEG file of the same picture, in blocks."""
    red, green, blue = colour
    line = (255 - red, 255 - green, 255 - blue)
    across, down = -(-width // BLOCK), -(-height // BLOCK)
    blocks = [[line if x == y * across // down else colour for x in range(across)] for y in range(down)]
    return jpeg(width, height, blocks)
