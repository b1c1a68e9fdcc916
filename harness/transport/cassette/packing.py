"""Bodies without their content encoding: gzip, deflate, br, zstd. A body that unfolds without end is cut and named."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from msgspec import Struct, field

from harness.answer.refusals import is_binary

_ROOM = 4_000_000
_TIMES = 200
_LARGEST = 1_000_000_000
"""The most bytes that a body may unfold to: ``_ROOM`` plus ``_TIMES`` its size, and never more than ``_LARGEST``."""
_KEPT = 100_000
"""Bytes. What is kept of a body that is larger."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""How a deflated body begins, one for each level."""
_WINDOW = 1 << 27
"""Bytes. The largest window that a zstd stream may ask for, which is that of the zstd tool."""


_PATIENCE = 30_000_000
"""Bytes. When so much of a file was unfolded in vain, its other bodies may unfold to little."""


class Unpacked(NamedTuple):
    """A body as the client sees it. ``fault``: how it is broken; None if it is whole."""

    content: bytes
    fault: str | None = None


class _Suspects(Struct):
    """The bodies of a file that unfold to ``_TIMES`` their size or more, each unfolded once, and to how many bytes in all."""

    known: dict[bytes, Unpacked] = field(default_factory=dict)
    total: int = 0


_suspects: ContextVar[_Suspects] = ContextVar("suspects of this file")


@contextmanager
def one_file() -> Iterator[None]:
    """While a file is read: many small bombs in it together cost little more than one."""
    token = _suspects.set(_Suspects())
    try:
        yield
    finally:
        _suspects.reset(token)


def most_bytes(packed: int, largest: int = _LARGEST) -> int:
    """The most bytes that ``packed`` bytes may unfold to."""
    if _suspects.get(_Suspects()).total < _PATIENCE:
        return min(largest, _ROOM + _TIMES * packed)
    return min(largest, _ROOM // 40 + _TIMES // 4 * packed)


class _Broken(ValueError):
    """The bytes are not of this encoding."""


class _TooLarge(Exception):
    """The bytes so far unfold beyond the most that they may. ``args``: that number, and what was unfolded."""


def unpack(content: bytes, encoding: str = "") -> Unpacked:
    """The body without its encoding. ``encoding`` is its content-encoding header, which may be missing or no longer apply."""
    if content.startswith(_GZIP):
        return _unpacked(content, "gzip")
    if content.startswith(_ZSTD):
        return _unpacked(content, "zstd")
    if content[:2] in ZLIB and not (inflated := _unpacked(content, "zlib")).fault:
        return inflated
    if "deflate" in encoding and content:
        found = next((one for name in ("zlib", "deflate") if not (one := _unpacked(content, name)).fault), None)
        return found or Unpacked(content)
    if "br" in encoding.replace(" ", "").split(",") and is_binary(content, encoded=True):
        return _unpacked(content, "br")
    return Unpacked(content)


def _unpacked(content: bytes, name: str) -> Unpacked:
    suspects = _suspects.get(_Suspects())
    if suspects.known and content in suspects.known:
        return suspects.known[content]
    try:
        plain, ended = _UNPACKERS[name](content)
        size = len(plain)
        found = Unpacked(plain, None if ended else f"cut: the body, compressed with {name}, ends early")
    except (_Broken, MemoryError) as fault:
        return Unpacked(content, f"compressed ({name}), and broken: {fault}")
    except _TooLarge as fault:
        size, start = fault.args
        found = Unpacked(start, f"too large: {len(content):,} bytes of {name} unfold beyond {size:,}")
    if size > _TIMES * len(content):
        suspects.known[content] = found
        suspects.total += size
    return found


def _pieces(content: bytes, size: int, plain: bytearray) -> Iterator[tuple[bytes, int]]:
    """The content in pieces, each with the most bytes that ``plain`` may be after it. Raises _TooLarge as soon as it is more."""
    for end in range(size, len(content) + size, size):
        most = most_bytes(min(end, len(content)))
        yield content[end - size : end], most
        if len(plain) > most:
            raise _TooLarge(most, bytes(plain[:_KEPT]))


def _inflate(content: bytes, window: int) -> tuple[bytes, bool]:
    try:
        return _in_frames(content, lambda: zlib.decompressobj(window), 16_384, lambda one, *args: one.decompress(*args))
    except zlib.error as fault:
        raise _Broken(fault) from fault


def _unzstd(content: bytes) -> tuple[bytes, bool]:
    import zstandard

    try:
        # One block of a few bytes may unfold to 128 kB, so a frame that says how long it is, is taken at its word.
        most, size = most_bytes(len(content)), zstandard.frame_content_size(content)
        if size > most:
            raise _TooLarge(most, b"")
        begin = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj
        return _in_frames(content, begin, 256, lambda one, piece, _most: one.decompress(piece))
    except zstandard.ZstdError as fault:
        raise _Broken(fault) from fault


def _in_frames(
    content: bytes, begin: Callable[[], Any], size: int, decompress: Callable[[Any, bytes, int], bytes]
) -> tuple[bytes, bool]:
    """What the frames in the content hold, one after another, and whether the last of them ends. What follows the last is no frame."""
    unpacker, plain, magic = begin(), bytearray(), content[:2]
    for piece, most in _pieces(content, size, plain):
        rest = piece
        while rest and len(plain) <= most and not (unpacker.eof and rest[:2] not in (magic, magic[:1])):
            unpacker = begin() if unpacker.eof else unpacker
            plain += decompress(unpacker, rest, most + 1 - len(plain))
            rest = unpacker.unused_data if unpacker.eof else getattr(unpacker, "unconsumed_tail", b"")
    return bytes(plain), unpacker.eof


def _unbrotli(content: bytes) -> tuple[bytes, bool]:
    import brotli

    unpacker, plain = brotli.Decompressor(), bytearray()
    try:
        for piece, most in _pieces(content, 16_384, plain):
            plain += unpacker.process(piece, output_buffer_limit=most + 1 - len(plain))
            while len(plain) <= most and not unpacker.can_accept_more_data():
                plain += unpacker.process(b"", output_buffer_limit=most + 1 - len(plain))
    except brotli.error as fault:
        raise _Broken(fault) from fault
    return bytes(plain), unpacker.is_finished()


_UNPACKERS: dict[str, Callable[[bytes], tuple[bytes, bool]]] = {
    "gzip": lambda content: _inflate(content, 31),
    "zlib": lambda content: _inflate(content, 15),
    "deflate": lambda content: _inflate(content, -15),
    "br": _unbrotli,
    "zstd": _unzstd,
}
