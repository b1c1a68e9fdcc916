"""Tables, and text escaped for Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.report import words


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(escaped(cell) for cell in header) + " |"
    yield "|" + "|".join(["---", *["---:"] * (len(header) - 1)]) + "|"
    for row in rows:
        yield "| " + " | ".join(_table_cell(cell) for cell in row) + " |"


def _table_cell(text: str) -> str:
    return "<br>".join(line if line.startswith("**") else escaped(line) for line in text.split("\n"))


def code(text: str) -> str:
    """A command as code; the fence is longer than any run of backticks in it."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{words.printable(text)}{fence}"


def fenced(lines: Sequence[str]) -> Iterator[str]:
    """Lines in a fenced code block."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", "\n".join(lines))), default=0))
    yield f"{fence}text"
    yield from map(words.printable, lines)
    yield fence


def escaped(text: str) -> str:
    """Text with Markdown's and HTML's special characters escaped."""
    plain = words.printable(text).replace("\n", " ")
    return re.sub(r"([\\`*_|~#\[\]])", r"\\\1", plain).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
