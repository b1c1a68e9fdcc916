"""Makes text from elsewhere safe to print on a terminal, and in a log of GitHub Actions, where lines may be commands."""

from __future__ import annotations

import os
import re

_STEERS = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
"""Characters that change what a terminal shows: control characters and marks of direction. Joiners are not among them."""


def safe_for_display(text: str) -> str:
    """The text, safe to print on a terminal or in a log."""
    return escape_commands(escape_controls(text))


def escape_controls(text: str) -> str:
    """The text with characters that steer a terminal escaped. JSON stays valid JSON."""
    return re.sub(_STEERS, _escaped, text)


def _escaped(odd: re.Match[str]) -> str:
    code = ord(odd[0])
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}"  # JSON holds no bare character below 0x20


def escape_commands(text: str) -> str:
    """The text with workflow commands of GitHub Actions escaped; unchanged outside of GitHub Actions.

    A command is ``::`` at the beginning of a line, after any blanks, and ``##[`` anywhere (ActionCommand of the runner).
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1\\x3a", text).replace("##[", r"\x23#[")
