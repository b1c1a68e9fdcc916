"""The navigation of the documentation's site, which mkdocs asks for as a hook: the tables of docs/README.md, a section each."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

INDEX = "docs/README.md"
Section = dict[str, list[dict[str, str]]]


def navigation(index: str) -> list[Section]:
    """The headings of an index page that stand above a table of links, and the pages of that table."""
    parts = re.split(r"^## (.+)\n", index, flags=re.MULTILINE)
    sections = zip(parts[1::2], parts[2::2], strict=True)
    return [{title: pages} for title, text in sections if (pages := _pages(text))]


def _pages(text: str) -> list[dict[str, str]]:
    rows = re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\) \|", text, re.MULTILINE)
    return [{title: posixpath.normpath(posixpath.join("docs", link))} for title, link in rows]


def on_config(config: Any) -> Any:
    """Gives mkdocs the front page, the index, and the sections of the index."""
    index = Path(config.docs_dir, INDEX).read_text("utf-8")
    config.nav = [{"gemini-harness": "README.md"}, {"All pages": INDEX}, *navigation(index)]
    return config
