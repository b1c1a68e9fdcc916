"""Images that image models answer with: real PNG files, a flat colour with a diagonal, sized by the aspect ratio."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import lru_cache
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.seed import Seed

LONG_SIDE = 64
"""Pixels of the longer side. Real ones are 1,024 and more; the simulator keeps recordings small."""


def makes(ask: Ask) -> bool:
    """Whether the answer is an image."""
    return "image_out" in ask.facts.features and ask.config.get("responseModalities", ["IMAGE"]) != ["TEXT"]


def parts(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """An image, with a sentence before it where text is wanted too."""
    red, green, blue = seed.bytes("colour", 3)
    width, height = _size(ask.config.get("imageConfig", {}).get("aspectRatio", "1:1"))
    data = base64.b64encode(png(width, height, (red, green, blue))).decode()
    image = {"inlineData": {"mimeType": "image/png", "data": data}}
    wanted = ask.config.get("responseModalities", ["TEXT", "IMAGE"])
    return [{"text": f"Here is a simulated image of {prompt.strip()[:60]}."}, image] if "TEXT" in wanted else [image]


def _size(ratio: str) -> tuple[int, int]:
    across, _, down = ratio.partition(":")
    if not (across.isdigit() and down.isdigit() and int(across) and int(down)):
        return LONG_SIDE, LONG_SIDE
    wide, high = int(across), int(down)
    longer = max(wide, high)
    return max(1, LONG_SIDE * wide // longer), max(1, LONG_SIDE * high // longer)


@lru_cache(maxsize=64)
def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A PNG file: ``colour`` all over, its complement on a diagonal."""
    fill, line = bytes(colour), bytes(255 - each for each in colour)
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
