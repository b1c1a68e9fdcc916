"""XML of proxies (Burp, Charles) -> mappings: an element by its name, with its attributes, its children and its text."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from harness.text.jsontext import is_utf8
from harness.transport.cassette.sources import Item, by_shape, source

_XML = re.compile(rb"\s*<(?:\?xml|[A-Za-z][\w.:-]*[\s>])")
_HINTS = (b"enerateContent", b"candidates", b"contents")
_DEEPEST = 50


@source("XML")
def xml(_path: Path, raw: bytes) -> Iterable[Item] | None:
    """The exchanges in an XML text. One that defines entities is not read: they may unfold without end."""
    if not _XML.match(raw) or b"<!ENTITY" in raw or not any(hint in raw for hint in _HINTS):
        return None
    try:
        root = ET.fromstring(raw)  # noqa: S314 - see above
        return list(by_shape([{root.tag: _value(root)}])) or None
    except (ET.ParseError, ValueError, LookupError, RecursionError):
        return None


def _value(element: ET.Element, deep: int = 0) -> Any:
    text = _text(element)
    if deep > _DEEPEST:
        raise ValueError("nested too deeply")
    if not len(element) and (isinstance(text, bytes) or text.strip()):
        return text
    found: dict[str, Any] = {key: value for key, value in element.attrib.items() if value not in ("true", "false")}
    inside: dict[str, list[Any]] = {}
    for child in element:
        name = child.tag if len(child) else child.get("name", child.tag).rpartition(".")[2]  # of JMeter
        inside.setdefault((name or child.tag).rpartition("}")[2], []).append(_value(child, deep + 1))
    return found | {name: values[0] if len(values) == 1 else values for name, values in inside.items()}


def _text(element: ET.Element) -> str | bytes:
    text = element.text or ""
    if element.get("base64") != "true" and element.get("encoding") != "base64":
        return text
    try:
        content = b64decode(text)
        return content.decode() if is_utf8(content) else content
    except Error:
        return text
