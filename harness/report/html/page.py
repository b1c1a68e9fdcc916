"""The frame that all pages share: head, bar at the top, and the script. Only the page's own style and script are used, by their hashes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from string import Template

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
    name = element("strong", "gemini-harness")
    jumps = (element("a", link, href=f"#{link}") for link in links)
    yield Template(_asset("page.html")).substitute(
        policy=element("meta", http_equiv="Content-Security-Policy", content=_policy(forms)),
        title=element("title", title),
        style=_asset("page.css"),
        home=element("a", name, href=home, class_="home", title="all runs") if home else name,
        what=element("h1", what or title, class_="what"),
        links=element("nav", *jumps, aria_label="on this page") if links else "",
    )
    yield from (f"{part}\n" for part in parts if part)
    yield "</main>\n"
    yield from (f"{block}\n" for block in data)
    yield f"<script>{_asset('page.js')}</script>\n</html>\n"


def _policy(forms: bool) -> str:
    """The content security policy: it allows only this style, this script, and data images."""
    style, script = map(_hash, map(_asset, ("page.css", "page.js")))
    own = "'self'" if forms else "'none'"
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action {own}"
    )


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
