"""Repeatable random choices: each value is a function of a seed and a name."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TypeVar

from harness.gemini import signatures

T = TypeVar("T")

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class Seed:
    """A source of repeatable choices. The same seed and the same name always give the same value."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, *parts: bytes | str) -> Seed:
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            digest.update(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
            digest.update(b"\0")
        return cls(digest.digest())

    @property
    def key(self) -> bytes:
        """16 bytes from which the same seed can be made."""
        return self._key

    def number(self, name: str) -> int:
        """A 64-bit number."""
        return int.from_bytes(self.bytes(name, 8), "big")

    def bytes(self, name: str, count: int) -> bytes:
        """``count`` bytes, at most 64."""
        return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=self._key, digest_size=count).digest()

    def between(self, name: str, lowest: int, highest: int) -> int:
        """A whole number, both ends included."""
        return lowest + self.number(name) % (highest - lowest + 1)

    def share(self, name: str) -> float:
        """A number from 0 (included) to 1 (excluded)."""
        return self.number(name) / 2**64

    def choose(self, name: str, among: Sequence[T]) -> T:
        return among[self.number(name) % len(among)]

    def response_id(self) -> str:
        """23 url-safe characters as Google sends them, starting with ``sim``."""
        return "sim" + base64.urlsafe_b64encode(self.bytes("response", 15)).decode()

    def call_id(self, name: str) -> str:
        """8 lower-case letters and digits, as Gemini 3 numbers its function calls."""
        number = self.number(name)
        return "".join(_ALPHABET[(number >> (6 * place)) % 36] for place in range(8))

    def signature(self, name: str) -> str:
        """A thought signature."""
        return signatures.signature(self.bytes(name, 40))
