"""A baseline JPEG file of blocks of eight by eight pixels. Each block has one colour, so only its mean is encoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import chain

Colour = tuple[int, int, int]

BLOCK = 8
_STEP = 8
"""The quantisation step. The encoded value is the mean of a block times eight, so no precision is lost."""
_COUNTS = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1)) + bytes(7)
"""How many Huffman codes of each length the DC table has. The code lengths of sizes 0 to 11 follow from it."""
_SIZES = bytes(range(12))
_END_OF_BLOCK = "0"
_NO_DETAIL = bytes((1,)) + bytes(15)
"""The AC table: one code of one bit, the end of the block."""


def jpeg(width: int, height: int, blocks: Sequence[Sequence[Colour]]) -> bytes:
    """The file. ``blocks``: rows of colours (red, green, blue; 0 to 255), enough to cover ``width`` by ``height`` pixels."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"".join(bytes((n, 0x11, 0)) for n in (1, 2, 3))
    scan = bytes((3, 1, 0, 2, 0, 3, 0, 0, 63, 0))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            _segment(0xDB, b"\0" + bytes([_STEP] * 64)),
            _segment(0xC0, frame),
            _segment(0xC4, b"\x00" + _COUNTS + _SIZES),
            _segment(0xC4, b"\x10" + _NO_DETAIL + b"\0"),
            _segment(0xDA, scan),
            _packed("".join(_coded(blocks))),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _coded(blocks: Sequence[Sequence[Colour]]) -> Iterator[str]:
    """The bits of each block: Y, Cb and Cr, each as its difference from the block before."""
    before, last = [0, 0, 0], None
    for colour in chain.from_iterable(blocks):
        if colour == last:
            yield _SAME
            continue
        last = colour
        for component, mean in enumerate(_brightness_first(colour)):
            yield _difference(mean - before[component]) + _END_OF_BLOCK
            before[component] = mean


def _brightness_first(colour: Colour) -> tuple[int, int, int]:
    """Y, Cb, Cr around zero."""
    red, green, blue = colour
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    values = (brightness - 128, (blue - brightness) / 1.772, (red - brightness) / 1.402)
    first, second, third = (max(-128, min(127, round(value))) for value in values)
    return first, second, third


def _difference(value: int) -> str:
    """The Huffman code of the size of a difference, then its bits. A negative one is encoded as ``value + 2**size - 1``."""
    size = abs(value).bit_length()
    return _CODES[size] + (format(value if value > 0 else value + (1 << size) - 1, f"0{size}b") if size else "")


def _codes() -> Iterator[str]:
    code = 0
    for length, count in enumerate(_COUNTS, 1):
        for _ in range(count):
            yield format(code, f"0{length}b")
            code += 1
        code <<= 1


_CODES = tuple(_codes())
_SAME = 3 * (_CODES[0] + _END_OF_BLOCK)
"""A block of the same colour as the one before."""


def _packed(bits: str) -> bytes:
    """The bits as whole bytes, padded with ones. A zero follows each 0xFF, so that it is not read as a marker."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
