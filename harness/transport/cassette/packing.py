"""Bodies without their content encoding: gzip, deflate, br, zstd. A body that unfolds without end is cut and named."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from harness.answer.refusals import is_binary

_ROOM = 20_000_000
_TIMES = 200
_LARGEST = 1_000_000_000
"""The most bytes that a body may unfold to: ``_ROOM`` plus ``_TIMES`` its size, and never more than ``_LARGEST``."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WINDOW = 1 << 27
"""Bytes. The largest window that a zstd stream may ask for, which is that of the zstd tool."""
_PIECE = 1024


def most_bytes(packed: int, largest: int = _LARGEST) -> int:
    """The most bytes that ``packed`` bytes may unfold to."""
    return min(largest, _ROOM + _TIMES * packed)


class Unpacked(NamedTuple):
    """A body as the client sees it. ``fault``: how it is broken; None if it is whole."""

    content: bytes
    fault: str | None = None


class _Broken(ValueError):
    """The bytes are not of this encoding."""


def unpack(content: bytes, encoding: str = "") -> Unpacked:
    """The body without its encoding. ``encoding`` is its content-encoding header, which may be missing or no longer apply."""
    if content.startswith(_GZIP):
        return _unpacked(content, "gzip")
    if content.startswith(_ZSTD):
        return _unpacked(content, "zstd")
    if "deflate" in encoding and content:
        found = next((one for name in ("zlib", "deflate") if not (one := _unpacked(content, name)).fault), None)
        return found or Unpacked(content)
    if "br" in encoding.replace(" ", "").split(",") and is_binary(content, encoded=True):
        return _unpacked(content, "br")
    return Unpacked(content)


def _unpacked(content: bytes, name: str) -> Unpacked:
    most = most_bytes(len(content))
    try:
        plain, ended = _UNPACKERS[name](content, most)
    except (_Broken, MemoryError) as fault:
        return Unpacked(content, f"compressed ({name}), and broken: {fault}")
    if len(plain) > most:
        return Unpacked(plain[:most], f"too large: {len(content):,} bytes of {name} unfold beyond {most:,}")
    return Unpacked(plain, None if ended else f"cut: the body, compressed with {name}, ends early")


def _inflate(content: bytes, most: int, window: int) -> tuple[bytes, bool]:
    inflate = zlib.decompressobj(window)
    try:
        plain = inflate.decompress(content, most + 1)
    except zlib.error as fault:
        raise _Broken(fault) from fault
    return plain, inflate.eof


def _unbrotli(content: bytes, most: int) -> tuple[bytes, bool]:
    import brotli

    unpacker, plain = brotli.Decompressor(), bytearray()
    try:
        plain += unpacker.process(content, output_buffer_limit=most + 1)
        while len(plain) <= most and not unpacker.can_accept_more_data():
            plain += unpacker.process(b"", output_buffer_limit=most + 1)
    except brotli.error as fault:
        raise _Broken(fault) from fault
    return bytes(plain), unpacker.is_finished()


def _unzstd(content: bytes, most: int) -> tuple[bytes, bool]:
    """Fed in small pieces, since one block of a few bytes may unfold to 128 kB."""
    import zstandard

    tool = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    unpacker, plain, ended = tool.decompressobj(), bytearray(), False
    try:
        for start in range(0, len(content), _PIECE):
            piece = content[start : start + _PIECE]
            while piece and len(plain) <= most:
                unpacker = tool.decompressobj() if ended else unpacker
                plain += unpacker.decompress(piece)
                ended, piece = unpacker.eof, unpacker.unused_data
    except zstandard.ZstdError as fault:
        raise _Broken(fault) from fault
    return bytes(plain), ended


_UNPACKERS = {
    "gzip": lambda content, most: _inflate(content, most, 31),
    "zlib": lambda content, most: _inflate(content, most, 15),
    "deflate": lambda content, most: _inflate(content, most, -15),
    "br": _unbrotli,
    "zstd": _unzstd,
}
