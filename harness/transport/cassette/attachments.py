"""Bodies in files of their own: HAR with attachments (``_file``), WireMock (``bodyFileName`` in ``__files``), traces of Playwright (``_sha1``)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from harness.transport.cassette.values import Elements

_KEYS = ("_file", "bodyFileName", "_sha1")
_KEY = re.compile(rb"_(?:file|sha1)\b(?<=\W.{5})")
"""Two of them. It begins with a plain character, since that is found faster than a choice."""
_LARGEST = 200_000_000
_DEEPEST = 60

Beside: TypeAlias = Callable[[str], bytes | None]
"""The name of a file -> its bytes; None if there is none."""


def are_named(content: bytes) -> bool:
    """Whether a text may name such files."""
    return b"bodyFileName" in content or _KEY.search(content) is not None


def near(recording: Path, name: str) -> bytes | None:
    """A file that a recording names: in its own folder, or in ``__files`` next to that. No name leads out of these."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
        return None
    for folder in (recording.parent, recording.parent.parent / "__files"):
        path = folder / name
        try:
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
                return path.read_bytes()
        except (OSError, ValueError):
            return None
    return None


def attached(value: Any, beside: Beside, deep: int = 0) -> Any:
    """The value with the bodies in it, each beside the name of its file."""
    if isinstance(value, Elements):
        return value.changed(lambda item: attached(item, beside, deep + 1))
    if isinstance(value, list) and deep < _DEEPEST:
        return [attached(item, beside, deep + 1) for item in value]
    if not isinstance(value, dict) or deep >= _DEEPEST:
        return value
    found = {key: attached(item, beside, deep + 1) for key, item in value.items()}
    name = next((found[key] for key in _KEYS if isinstance(found.get(key), str)), None)
    content = beside(name) if name and not found.get("text") else None
    return found if content is None else {**found, **_body(content)}


def _body(content: bytes) -> dict[str, str]:
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"text": b64encode(content).decode(), "encoding": "base64"}
