"""Command lines of HTTPie and xh as those of curl: ``http POST URL header:value field=text field:=json a[b][0]=text``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.importers.filling import ReadFile, Unreadable, decoded
from harness.text.jsontext import loads

_ITEM = re.compile(r"([^=:@]+)(:=@?|=@|==?|:)(.*)", re.DOTALL)
_KEY = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")
_TAKE = re.compile("-[aAops]|--(?:auth|auth-type|output|session|timeout|print|style|verify|proxy|pretty|raw)")
"""An option that has a value."""


def of_curl(words: Sequence[str], document: str | None, read_file: ReadFile) -> Iterator[str]:
    """The words of the same command of curl. ``document``: what is piped into it. Raises Unreadable."""
    url, body, given = "", dict[Any, Any](), iter(words)
    for word in given:
        name, equals, value = word.partition("=")
        item = _ITEM.fullmatch(word)
        if word[:1] == "-":
            value = (value if equals else next(given, "")) if _TAKE.fullmatch(name) else ""
            yield from ("-d", value) if name == "--raw" else ()
        elif not url and re.fullmatch("[A-Za-z]{3,7}", word):
            yield from ("-X", word.upper())
        elif not (url and item):
            url = url or word
        elif item[2] == "==":
            url += f"{'&' if '?' in url else '?'}{item[1]}={item[3]}"
        elif item[2] == ":":
            yield from ("-H", word)
        else:
            text = decoded(read_file(item[3]), item[3]) if item[2][-1] == "@" else item[3]
            try:
                inside, (*keys, last) = body, _KEY.findall(item[1])[:50]
                for key in keys:  # lists are mappings by place until all is there
                    inside = inside.setdefault(key or str(len(inside)), {})
                inside[last or str(len(inside))] = loads(text.encode()) if item[2][0] == ":" else text
            except (AttributeError, TypeError, ValueError):
                raise Unreadable(f"a request item that is not understood: {word[:80]}") from None
    yield url
    if body or document is not None:
        made = json.loads(
            json.dumps(body), object_hook=lambda one: [*one.values()] if one and all(map(str.isdigit, one)) else one
        )
        yield from ("-d", json.dumps(made, ensure_ascii=False) if body else "@-")
