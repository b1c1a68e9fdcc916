"""Builds HTML safely: text is escaped where it is inserted.

An `element` takes strings, which are escaped, and `Markup`, which is not. Data for the page's script is JSON in
``<script type="application/json">``, without a ``<`` in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

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


def section(name: str, *inside: str | None) -> Markup:
    """A section with its heading, to which the bar at the top links; without a name, the first one of the page."""
    return element("section", element("h2", name) if name else None, *inside, id=name or None)


def _plain(text: str) -> str:
    """Text as HTML, with control characters and lone surrogates as escapes, which every encoding can write."""
    return escape(printable(text))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_plain(str(value))}"'


def data(value: object, **attributes: object) -> Markup:
    """Data for the script. What a model wrote cannot end the element: ``<`` is spelled ``\\u003c``."""
    return element("script", Markup(dumps(value).replace("<", "\\u003c")), type="application/json", **attributes)
