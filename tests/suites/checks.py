"""Own checks of the sample suite."""

from __future__ import annotations

from typing import Any


def one_word(result: Any) -> bool | str:
    return len(result.text.split()) == 1 or f"expected one word, got {result.text!r}"
