"""The frame that all pages share: head, bar at the top, and the script. Only the page's own style and script are used, by their hashes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files

from harness.report.html.markup import Markup, element


def page(
    title: str,
    parts: Iterable[Markup | None],
    *,
    what: str = "",
    links: Sequence[str] = (),
    home: str | None = None,
    data: Iterable[Markup] = (),
    forms: bool = False,
) -> Iterator[str]:
    """A whole page. ``parts``: its content. ``what``: the heading, if that is not the title. ``links``: the names of its sections.
    ``home``: the address of the list of runs, where there is one. ``data``: the data blocks for the script.
    ``forms``: the page may send forms to the server that serves it.
    """
    yield from _opening(title, forms)
    yield f"{_bar(what or title, links, home)}\n<main>\n"
    yield from (f"{part}\n" for part in parts if part)
    yield "</main>\n"
    yield from (f"{block}\n" for block in data)
    yield f"<script>{_asset('page.js')}</script>\n</html>\n"


def _opening(title: str, forms: bool) -> Iterator[str]:
    """The document up to its body. Its content security policy allows only this style, this script, and data images."""
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


def _bar(what: str, links: Sequence[str], home: str | None) -> Markup:
    """The bar at the top of every page."""
    name = element("strong", "gemini-harness")
    return element(
        "header",
        element("a", name, href=home, class_="home", title="all runs") if home else name,
        element("h1", what, class_="what"),
        element("nav", *(element("a", link, href=f"#{link}") for link in links), aria_label="on this page")
        if links
        else None,
        element("span", class_="gap"),
        element("button", "theme", id="theme", type="button", title="auto, light, dark (t)"),
        element("button", "?", id="help", type="button", title="keys (?)", aria_label="keys"),
        class_="top",
    )


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
