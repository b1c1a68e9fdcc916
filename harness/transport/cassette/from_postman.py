"""Collections of Postman (v2): requests with variables, and the examples that were saved with them.

The format is that of https://schema.postman.com/collection/json/v2.1.0/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.transport.cassette.interaction import UNREADABLE, Interaction, credentials, read_interaction, read_request
from harness.transport.cassette.messages import address_in
from harness.transport.cassette.sources import Item, Recorded, Unread, source
from harness.transport.cassette.values import relaxed

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_KEY = re.compile(r"(?<=[?&])(?:key|access_token)=\{\{[^&#]*&?")
"""A credential in an address that is a variable: no request keeps it."""


@source("Postman collection")
def postman(_path: Path, raw: bytes) -> Iterator[Item] | None:
    """The requests of a collection without an example, and the examples of the others."""
    if b"schema.getpostman.com/json/collection" not in raw and b"schema.postman.com/" not in raw:
        return None
    whole = json.loads(raw)
    return _items(whole.get("collection", whole), {})


def _items(folder: Mapping[str, Any], outer: Mapping[str, str]) -> Iterator[Item]:
    stated = {item["key"]: str(item.get("value", "")) for item in folder.get("variable") or () if "key" in item}
    values = {**outer, **stated}
    for item in folder.get("item") or ():
        if "item" in item:
            yield from _items(item, values)
            continue
        name = str(item.get("name", "a request"))
        asked = item.get("request")
        examples = [example for example in item.get("response") or () if isinstance(example, Mapping)]
        for index, example in enumerate(examples):
            request = example.get("originalRequest") or asked
            yield _filled_and_read(f"{name}, example {index}", _example, index, request, example, values)
        if not any(_is_same(asked, example.get("originalRequest") or asked, values) for example in examples):
            yield _filled_and_read(name, _request, asked, values)


def _filled_and_read(name: str, read_one: Callable[..., Interaction | Recorded], *values: Any) -> Item:
    try:
        return read_one(*values)
    except _NotSet as fault:
        return Unread(name, str(fault))
    except UNREADABLE as fault:
        return Unread(name, f"it is no request of Postman: {type(fault).__name__}: {fault}")


class _NotSet(ValueError):
    """A variable without a value."""


def _is_same(asked: Any, example: Any, values: Mapping[str, str]) -> bool:
    try:
        return read_request(_sent(asked, values)) == read_request(_sent(example, values))
    except UNREADABLE:
        return False


def _request(asked: Any, values: Mapping[str, str]) -> Recorded:
    sent = _sent(asked, values)
    return Recorded(read_request(sent), None, credentials(sent))


def _example(index: int, asked: Any, example: Mapping[str, Any], values: Mapping[str, str]) -> Interaction:
    answer = {
        "status": example.get("code") or 200,
        "headers": _headers(example.get("header")),
        "body": example.get("body"),
    }
    return read_interaction(index, {"request": _sent(asked, values), "response": answer}, verbatim=False)


def _sent(asked: Any, values: Mapping[str, str]) -> dict[str, Any]:
    """The request as vcrpy has it. Raises _NotSet for a variable that the collection does not set."""
    asked = {"url": asked} if isinstance(asked, str) else asked
    url, body = asked["url"], asked.get("body") or {}
    address = _KEY.sub("", url if isinstance(url, str) else url["raw"]).rstrip("?&")
    for part in url.get("variable") or () if isinstance(url, Mapping) else ():
        address = address.replace(f"/:{part['key']}", f"/{part.get('value', '')}")
    return {
        "method": asked.get("method", "GET"),
        "uri": _filled(_with_host(address, values), values),
        "headers": _headers(asked.get("header")),
        "body": relaxed(_filled(body.get("raw", ""), values)),
    }


def _with_host(address: str, values: Mapping[str, str]) -> str:
    """The address with a host that stands for the one that only an environment sets."""
    host = _VARIABLE.match(address)
    return (
        address if host is None or host[1] in values else address_in(_filled(address[host.end() :], values)) or address
    )


def _headers(stated: Any) -> dict[str, str]:
    """The headers whose values are no variables, which credentials are."""
    listed = [
        item for item in (stated if isinstance(stated, list) else ()) if isinstance(item, Mapping) and "key" in item
    ]
    return {item["key"]: value for item in listed if not _VARIABLE.search(value := str(item.get("value", "")))}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables, also those in values of variables."""
    for _ in range(3):
        text = _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
    if left := _VARIABLE.search(text):
        raise _NotSet(f"the collection does not set {left[0]}; give it a value in the variables of the collection")
    return text
