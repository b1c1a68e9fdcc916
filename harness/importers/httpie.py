"""HTTPie and xh command lines -> those of curl: ``http POST ADDRESS Header:value name==value key=text key:=json key[0][name]=text``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

_ITEM = re.compile(r"(?P<key>(?:\\.|[^\\])*?)(?P<sign>:=@|:=|==|=@|=|:|;$|@)(?P<value>.*)", re.DOTALL)
"""The first sign in an item says what it is."""
_STEP = re.compile(r"\[([^\[\]]*)\]")
_METHOD = re.compile(r"[A-Za-z]{3,7}")
_VALUES = frozenset(
    ("-a", "--auth", "-A", "--auth-type", "--timeout", "-o", "--output", "-p", "--print", "-s", "--style", "--pretty",
     "--session", "--bearer", "--session-read-only", "--verify", "--proxy", "--cert", "--cert-key", "--format-options", "--raw", "--default-scheme")
)  # fmt: skip
"""Options that have a value."""
_MOST = 10_000
"""The highest index of a list that a key may name."""


def as_curl(name: str, words: list[str], read_file: Callable[[str], str], *, piped: bool) -> Iterator[str]:
    """The words of a command as those of curl. ``piped``: its body is piped in. Raises ValueError for a value that is no JSON."""
    options, given = _options(words)
    if len(given) > 1 and _METHOD.fullmatch(given[0]):
        yield from ("-X", given.pop(0).upper())
    address, body = given.pop(0) if given else "", dict[str, Any]()
    query: list[str] = []
    for item in given:
        found = _ITEM.fullmatch(item)
        if found is None:
            raise ValueError(f"an HTTPie command that is not understood: {item[:80]!r} is no header, field or query")
        key, sign, value = re.sub(r"\\(.)", r"\1", found["key"]), found["sign"], found["value"]
        if sign in (":", ";"):
            yield from ("-H", f"{key}: {value}")
        elif sign == "==":
            query.append(f"{quote(key)}={quote(value)}")
        else:
            _put(body, key, _value(sign, value, read_file))
    yield from _authorised(options)
    yield _address(name, address) + (f"{'&' if '?' in address else '?'}{'&'.join(query)}" if query else "")
    data = options.get("--raw") or (json.dumps(body, ensure_ascii=False) if body else "@-" if piped else "")
    yield from ("-d", data) if data else ()


def _options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options with their values, and the other words."""
    options, rest, given = dict[str, str](), list[str](), iter(words)
    for word in given:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
        elif name in _VALUES:
            options[name] = value if equals else next(given, "")
    return options, rest


def _authorised(options: dict[str, str]) -> Iterator[str]:
    kind = options.get("-A", options.get("--auth-type"))
    token = options.get("--bearer") or (options.get("-a", options.get("--auth")) if kind == "bearer" else None)
    if token:
        yield from ("-H", f"Authorization: Bearer {token}")


def _address(name: str, address: str) -> str:
    if "://" in address or address.startswith("\ue000"):
        return address
    host = f"localhost{address}" if address.startswith(":") else address
    return f"{'https' if name in ('https', 'xhs') else 'http'}://{host}"


def _value(sign: str, value: str, read_file: Callable[[str], str]) -> Any:
    text = read_file(value) if sign.endswith("@") else value
    if not sign.startswith(":="):
        return text
    try:
        return json.loads(text)
    except ValueError as fault:
        raise ValueError(f"a field of HTTPie is not JSON: {fault}, in {text[:80]!r}") from fault


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    """Put a value at a place such as ``contents[0][parts][][text]``."""
    place: list[str] = [key.partition("[")[0], *_STEP.findall(key)] if key.endswith("]") else [key]
    inside: Any = body
    for step, after in zip(place, [*place[1:], None], strict=True):
        new = value if after is None else [] if not after or after.isdigit() else {}
        inside = _stepped(inside, step, new, last=after is None)


def _stepped(inside: Any, step: str, new: Any, *, last: bool) -> Any:
    """What stands at a step of a place; ``new`` if nothing does."""
    if isinstance(inside, dict):
        inside[step] = new if last else inside.get(step, new)
        return inside[step]
    index = int(step) if step else len(inside)
    if index > _MOST:
        raise ValueError(f"an HTTPie command that is not understood: a list of {index:,} items")
    inside += [None] * (index + 1 - len(inside))
    inside[index] = new if last or inside[index] is None else inside[index]
    return inside[index]
