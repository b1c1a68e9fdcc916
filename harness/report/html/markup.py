"""Builds HTML safely: text is escaped where it is inserted, and only the page's own script runs, by its hash.

An `element` takes strings, which are escaped, and `Markup`, which is not. Data for the page's script is JSON in
``<script type="application/json">``, without a ``<`` in it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from harness.report.words import printable
from harness.results.rows import dumps

VOID = frozenset({"input", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *children: str | None, **attributes: object) -> Markup:
    """``<name attributes>children</name>``. ``class_`` becomes ``class``, ``data_group`` becomes ``data-group``.

    True writes an attribute without a value; None and False leave it out.
    """
    given = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    inside = "".join(child if isinstance(child, Markup) else _plain(child) for child in children if child is not None)
    return Markup(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{inside}</{name}>")


def table(caption: str, head: Sequence[Markup], rows: Iterable[Markup], **attributes: object) -> Markup:
    """A table, which scrolls by itself if it is wider than the page. ``caption`` is for screen readers."""
    whole = element(
        "table",
        element("caption", caption, class_="unseen"),
        element("thead", *head),
        element("tbody", *rows),
        **attributes,
    )
    return element("div", whole, class_="wide")


def columns(names: Sequence[str], numbers_from: int) -> Markup:
    """The header row of a table. ``numbers_from``: the index of the first column with numbers."""
    cells = (
        element("th", name, class_="n" if place >= numbers_from else None, scope="col")
        for place, name in enumerate(names)
    )
    return element("tr", *cells)


def _plain(text: str) -> str:
    """Text as HTML, with control characters and lone surrogates as escapes, which every encoding can write."""
    return escape(printable(text))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_plain(str(value))}"'


def block(value: object, **attributes: object) -> Markup:
    """Data for the script. What a model wrote cannot end the element: ``<`` is spelled ``\\u003c``."""
    return element("script", Markup(dumps(value).replace("<", "\\u003c")), type="application/json", **attributes)


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def opening(title: str, *, forms: bool = False) -> Iterator[str]:
    """The document up to its body. Its content security policy allows only this style, this script, and data images.

    ``forms``: the page may send forms to the server that serves it.
    """
    style, script = _asset("page.css"), _asset("page.js")
    own = "'self'" if forms else "'none'"
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        f"base-uri 'none'; form-action {own}"
    )
    yield '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
    yield element("meta", http_equiv="Content-Security-Policy", content=policy) + "\n"
    yield element("meta", name="viewport", content="width=device-width, initial-scale=1") + "\n"
    yield element("meta", name="referrer", content="no-referrer") + "\n"
    yield element("title", title) + "\n"
    yield f"<style>{style}</style>\n"


def closing() -> Markup:
    """The script, which comes after all data that it reads."""
    return Markup(f"<script>{_asset('page.js')}</script>\n</html>\n")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
