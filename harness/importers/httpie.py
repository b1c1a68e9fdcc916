"""Command lines of HTTPie and xh as those of curl: ``http POST URL header:value field=text field:=json a[b][0]=text``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from harness.importers.filling import ReadFile, Unreadable, decoded
from harness.text.jsontext import loads

_ITEM = re.compile(r"((?:\\.|[^\\=:@])+)(:=@?|=@|==?|:)(.*)", re.DOTALL)
_KEY = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")
_TAKE = re.compile("-[aAops]|--(?:auth|auth-type|output|session|timeout|print|style|verify|proxy|pretty|raw)")
"""Options that have a value."""
_DEEPEST = 100


def of_curl(words: Sequence[str], document: str | None, read_file: ReadFile) -> Iterator[str]:
    """The words of the same command of curl. ``document``: what is piped into it. Raises ValueError for JSON that is none."""
    url, query, body = "", list[str](), dict[Any, Any]()
    given = iter(words)
    for word in given:
        name, equals, value = word.partition("=")
        item = _ITEM.fullmatch(word)
        if _TAKE.fullmatch(name):
            value = value if equals else next(given, "")
            yield from ("-d", value) if name == "--raw" else ()
        elif word[0] == "-":
            continue
        elif not url:
            is_method = re.fullmatch("[A-Za-z]{3,7}", word)
            url = "" if is_method else word
            yield from ("-X", word.upper()) if is_method else ()
        elif item and item[2] in (":", "=="):
            query += [f"{item[1]}={item[3]}"] if item[2] == "==" else []
            yield from ("-H", f"{item[1]}:{item[3]}") if item[2] == ":" else ()
        elif item:
            text = decoded(read_file(item[3]), item[3]) if item[2][-1] == "@" else item[3]
            _put(body, _KEY.findall(item[1]), loads(text.encode()) if item[2][0] == ":" else text)
    yield url + ("&" if "?" in url else "?") * bool(query) + "&".join(query)
    if body or document is not None:
        yield from ("-d", json.dumps(_listed(body), ensure_ascii=False) if body else "@-")


def _put(body: dict[Any, Any], keys: Sequence[str], value: Any) -> None:
    """Set a member at any depth. Lists are mappings by place until all is there."""
    if len(keys) > _DEEPEST:
        raise Unreadable(f"a member that is nested more than {_DEEPEST} levels deep")
    for key in keys[:-1]:
        place = _place(body, key)
        body[place] = inside if isinstance(inside := body.get(place), dict) else {}
        body = body[place]
    body[_place(body, keys[-1])] = value


def _place(body: dict[Any, Any], key: str) -> str | int:
    return int(key) if re.fullmatch(r"\d{1,9}", key) else key or len(body)


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inside = {key: _listed(item) for key, item in value.items()}
    return [*inside.values()] if inside and all(isinstance(key, int) for key in inside) else inside
