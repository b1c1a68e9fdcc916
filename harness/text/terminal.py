"""What text of other people cannot do to a terminal, or to the log of a step of GitHub Actions, where lines may be commands."""

from __future__ import annotations

import os
import re

_STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, colours, hides or turns round what a terminal shows: controls and marks of direction. Joiners do not."""


def for_people(text: str) -> str:
    """The text as it may stand where people read: on a terminal, or in a log."""
    return no_command(escape_controls(text))


def escape_controls(text: str) -> str:
    """The text with whatever steers a terminal spelled out, so that JSON is still JSON."""
    return _STEERS.sub(_escaped, text)


def _escaped(odd: re.Match[str]) -> str:
    code = ord(odd[0])
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}"  # JSON holds no bare character below 0x20


def no_command(text: str) -> str:
    """The text with what the log of GitHub Actions would take for a command of the workflow spelled out: ``::`` at the beginning
    of a line, after any blanks, and ``##[`` anywhere (the runner's ActionCommand). The same text where no such log is written.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1\\x3a", text).replace("##[", r"\x23#[")
