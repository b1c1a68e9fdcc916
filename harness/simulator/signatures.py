"""Thought signatures: how they are made, and which of those that come back are refused."""

from __future__ import annotations

import base64
import binascii

OWN = b"\x12\x2a"
"""How the simulator's own begin; the second byte is the number of bytes that follow, less two."""
SHORTEST = 4


def signature(secret: bytes) -> str:
    """Base64 of opaque bytes. ``secret``: 40 of them."""
    return base64.b64encode(OWN + secret).decode()


def corrupted(value: str) -> bool:
    """Whether it was cut or mangled on the way. Those of real models and the dummies that clients send are fine."""
    plain = value.translate(_STANDARD).rstrip("=")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return True
    return len(data) < SHORTEST or (data.startswith(OWN) and len(data) != OWN[1])


_STANDARD = str.maketrans("-_", "+/")
