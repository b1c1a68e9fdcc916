"""Long answers of Gemini 4, sent over several requests. A ``continuationToken`` says where the next one continues."""

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
    """The position in an answer: the key of the answer's seed, the bytes of text sent, the tokens spent."""

    key: bytes = bytes(16)
    sent: int = 0
    spent: int = 0

    @property
    def seed(self) -> Seed:
        return Seed(self.key)

    def token(self) -> str:
        packed = _FORM.pack(_MAGIC, self.key, self.sent, self.spent, 0)
        return base64.b64encode(packed).decode()


def progress_of(ask: Ask) -> AnswerProgress | None:
    """The position at which the request continues; None without a token. Raises the API's 400 for an invalid token, and for a model
    that does not continue answers."""
    token = ask.body.get("continuationToken")
    if not token:
        return None
    try:
        magic, key, sent, spent, _ = _FORM.unpack(base64.b64decode(str(token).translate(_STANDARD), validate=True))
    except (binascii.Error, ValueError, struct.error):
        magic = b""
    if magic != _MAGIC or "long_decode" not in ask.facts.features:
        raise refusal("invalid_argument")
    return AnswerProgress(key, sent, spent)


_STANDARD = str.maketrans("-_", "+/")


def remaining(parts: list[Mapping[str, Any]], sent: int) -> list[Mapping[str, Any]]:
    """The parts without their first ``sent`` bytes of text, and without the parts before the remaining text."""
    for index, part in enumerate(parts):
        data = str(part.get("text", "")).encode("utf-8", "surrogatepass")
        if sent < len(data):
            return [{**part, "text": data[sent:].decode("utf-8", "replace")}, *parts[index + 1 :]]
        sent -= len(data)
    return []
