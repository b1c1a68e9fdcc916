"""Blocks of code in a page: between fences in Markdown, between lines of hyphens in AsciiDoc, indented in reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARK = re.compile(
    r"^([ \t]*)(?:(?P<mark>`{3,}|~{3,}|-{4,}(?=[ \t]*$))(?P<info>[^`\n]*)(?:\n|\Z)"
    r"|\.\. (?:code-block|code|sourcecode)::(?P<language>[^\n]*)\n(?P<indented>(?:[ \t]*+\n|\1[ \t]++\S[^\n]*\n?)++))",
    re.MULTILINE,
)
"""The line at the beginning or the end of a block in Markdown or AsciiDoc, and a block in reStructuredText."""


class CodeBlock(NamedTuple):
    """Where a block begins and ends, with its marks, and the language and the text in it."""

    begin: int
    end: int
    language: str
    text: str


def code_blocks(text: str) -> Iterator[CodeBlock]:
    """The blocks of a page. As CommonMark has it, a fence of the same character that is as long ends one, or else the page."""
    opened: re.Match[str] | None = None
    for line in _MARK.finditer(text):
        mark = line["mark"]
        if opened is None:
            if mark is None:
                yield CodeBlock(*line.span(), line["language"].strip(), line["indented"])
            elif mark[0] != "-" or text.endswith("]\n", 0, line.start()):
                opened = line
        elif mark and _ends(opened, line):
            yield CodeBlock(opened.start(), line.end(), opened["info"].strip(), text[opened.end() : line.start()])
            opened = None
    if opened:
        yield CodeBlock(opened.start(), len(text), opened["info"].strip(), text[opened.end() :])


def _ends(opened: re.Match[str], line: re.Match[str]) -> bool:
    return line["mark"].startswith(opened["mark"]) and not line["info"].strip() and len(line[1]) < len(opened[1]) + 4
