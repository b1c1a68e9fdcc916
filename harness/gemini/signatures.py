"""Thought signatures: those that the simulator makes, and whether one that a client sends back is whole."""

from __future__ import annotations

import base64

from harness.gemini.media import decoded

OWN = b"\x12\x28"
"""The first two bytes of the simulator's signatures: field 2 of a protobuf message, and how many bytes it has."""
SHORTEST = 4


def signature(secret: bytes) -> str:
    """A signature in base64. ``secret``: 40 bytes."""
    return base64.b64encode(OWN + secret).decode()


def corrupted(value: str) -> bool:
    """Whether a signature was cut or changed. Signatures of real models and the placeholders of clients are accepted."""
    data = decoded(value)
    return data is None or len(data) < SHORTEST or (data.startswith(OWN) and len(data) != len(OWN) + OWN[1])
