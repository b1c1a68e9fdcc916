"""HTML that cannot be broken out of: text is escaped where it is put in, scripts run only if their hash is known.

An `element` takes strings, which are escaped, and `Markup`, which is not. Data for the page's script travels as JSON in
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
    """``<name attributes>children</name>``. ``class_`` is ``class``, ``data_group`` ``data-group``; True: no value, None and False: none."""
    given = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    inside = "".join(child if isinstance(child, Markup) else _plain(child) for child in children if child is not None)
    return Markup(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{inside}</{name}>")


def table(caption: str, head: Sequence[Markup], rows: Iterable[Markup], **attributes: object) -> Markup:
    """A table that may be wider than the page: it moves by itself then. ``caption`` is for who hears it; ``head`` and ``rows`` are rows."""
    whole = element(
        "table",
        element("caption", caption, class_="unseen"),
        element("thead", *head),
        element("tbody", *rows),
        **attributes,
    )
    return element("div", whole, class_="wide")


def columns(names: Sequence[str], numbers_from: int) -> Markup:
    """The row of a table's head; from which column on there are numbers."""
    cells = (
        element("th", name, class_="n" if place >= numbers_from else None, scope="col")
        for place, name in enumerate(names)
    )
    return element("tr", *cells)


def _plain(text: str) -> str:
    """Text as HTML; control characters and lone surrogates as escapes, which no encoding and no terminal stumbles over."""
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
    """The document up to its body. Nothing is loaded from anywhere: the policy allows this style, this script, data images.

    ``forms``: the page is served, and may send its forms there.
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
    """The script, once all that it reads is there."""
    return Markup(f"<script>{_asset('page.js')}</script>\n</html>\n")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
