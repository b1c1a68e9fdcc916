"""The table of configuration for an address that no provider serves, from a request that was sent there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from harness.gemini.providers import HEADER, is_chat
from harness.model import Json
from harness.text.names import slug

_CALL = re.compile(r"(?P<root>.*?)(?P<path>/v\d[^/]*/(?:.*/)?|/)[^/:]+:(?:g|streamG)enerateContent")
_USUAL = "/v1beta/models/"
_CHAT = re.compile(r"(?P<root>.*?)(?P<path>(?:/v\d.*)?/chat/completions)")


def toml(url: str, credentials: Collection[str], file: Path | None) -> str:
    """The lines to add. ``credentials``: the places of the keys that were sent; ``file``: the configuration, if there is one."""
    parts, chat = urlsplit(url), is_chat(url)
    name = slug((parts.hostname or "").replace(".", "-"))
    found = (_CHAT if chat else _CALL).fullmatch(parts.path)
    root, path = (found["root"], found["path"]) if found else ("", parts.path)
    row: dict[str, Json] = {"base_url": f"{parts.scheme}://{parts.netloc}{root}"}
    if path != _USUAL:
        row["path"] = path if chat else f"{path}{{model}}:{{method}}"
    row["keys"] = [f"{name.replace('-', '_').upper()}_API_KEY"]
    places = [place.lower() for place in credentials]
    if chat or "authorization" in places:
        row["auth"] = "bearer"
    elif own := [place for place in places if re.fullmatch(HEADER, place)]:
        row["auth"] = own[0]
    if chat:
        row["dialect"] = "openai"
    table = "tool.gemini-harness.providers" if file and file.name == "pyproject.toml" else "providers"
    return "\n".join([f"[{table}.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())])
