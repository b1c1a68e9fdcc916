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
_DEEPEST, _MOST_ITEMS = 50, 1_000
_TAKE = re.compile(
    "-[aAops]|--(?:auth|auth-type|output|session|session-read-only|timeout|print|style|verify|proxy|pretty|raw|cert|cert-key|ssl|max-redirects)"
)
"""An option that has a value."""
_OF_CURL = {"--raw": "-d", "-a": "-u", "--auth": "-u"}


def of_curl(words: Sequence[str], document: str | None, read_file: ReadFile) -> Iterator[str]:
    """The words of the same command of curl. ``document``: what is piped into it. Raises Unreadable."""
    url, body, given = "", dict[str, Any](), iter(words)
    for word in given:
        item = _ITEM.fullmatch(word)
        if word[:1] == "-":
            name, equals, value = word.partition("=")
            value = (value if equals else next(given, "")) if _TAKE.fullmatch(name) else ""
            yield from (_OF_CURL[name], value) if name in _OF_CURL else ()
        elif not url and re.fullmatch("[A-Za-z]{3,7}", word):
            yield from ("-X", word.upper())
        elif not url:
            url = word
        elif word[0] == "@":
            yield from ("-d", word)
        elif item and item[2] == "==":
            url += f"{'&' if '?' in url else '?'}{item[1]}={item[3]}"
        elif item and item[2] == ":":
            yield from ("-H", word)
        elif item:
            _set(body, item, read_file)
    yield url
    if body or document is not None:
        yield from ("-d", json.dumps(body, ensure_ascii=False) if body else "@-")


def _set(body: dict[str, Any], item: re.Match[str], read_file: ReadFile) -> None:
    """Put the value of an item into the body. Raises Unreadable."""
    path, sign, given = item.groups()
    text = decoded(read_file(given), given) if sign[-1] == "@" else given
    try:
        name, *keys = _KEY.findall(path)[:_DEEPEST]
        body[name] = _with_value(body.get(name), keys, loads(text.encode()) if sign[0] == ":" else text)
    except (AttributeError, TypeError, ValueError):
        raise Unreadable(f"a request item that is not understood: {item[0][:80]}") from None


def _with_value(held: Any, keys: Sequence[str], value: Any) -> Any:
    """What a field holds, with the value at the place below it that the keys name: of an object, a place in a list, or empty, its end."""
    if not keys:
        return value
    key, *rest = keys
    if key and not key.isdigit():
        fields = held or {}
        return {**fields, key: _with_value(fields.get(key), rest, value)}
    items = [] if held is None else held
    at = int(key or len(items))
    if not isinstance(items, list) or at > _MOST_ITEMS:
        raise TypeError
    items += [None] * (at + 1 - len(items))
    items[at] = _with_value(items[at], rest, value)
    return items
