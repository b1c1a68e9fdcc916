"""Long answers of Gemini 4: more than one request may yield, told in several. A ``continuationToken`` says where it goes on."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.simulator.errors import refusal
from harness.simulator.request import Ask
from harness.simulator.seed import Seed

_MAGIC = b"\x1ason"
_FORM = struct.Struct(">4s16sIII")


class AnswerProgress(NamedTuple):
    """How far an answer is: which one (the key of its seed), bytes of text said, tokens spent."""

    key: bytes = bytes(16)
    said: int = 0
    spent: int = 0

    @property
    def seed(self) -> Seed:
        return Seed(self.key)

    def token(self) -> str:
        packed = _FORM.pack(_MAGIC, self.key, self.said, self.spent, 0)
        return base64.b64encode(packed).decode()


def reached(ask: Ask) -> AnswerProgress | None:
    """Where the request goes on; None for one that begins. Raises the API's 400 for a token that is none, or no use here."""
    token = ask.body.get("continuationToken")
    if not token:
        return None
    try:
        magic, key, said, spent, _ = _FORM.unpack(base64.b64decode(str(token).translate(_STANDARD), validate=True))
    except (binascii.Error, ValueError, struct.error):
        magic = b""
    if magic != _MAGIC or "long_decode" not in ask.facts.features:
        raise refusal("invalid_argument")
    return AnswerProgress(key, said, spent)


_STANDARD = str.maketrans("-_", "+/")


def rest(parts: list[Mapping[str, Any]], said: int) -> list[Mapping[str, Any]]:
    """The parts without their first ``said`` bytes of text, and without all that stands before what is left."""
    for index, part in enumerate(parts):
        data = str(part.get("text", "")).encode("utf-8", "surrogatepass")
        if said < len(data):
            return [{**part, "text": data[said:].decode("utf-8", "replace")}, *parts[index + 1 :]]
        said -= len(data)
    return []
