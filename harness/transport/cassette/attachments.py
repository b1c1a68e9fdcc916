"""Bodies in files of their own, which a recording names: HAR (``_file``), WireMock (``bodyFileName`` in ``__files``), traces of Playwright
(``_sha1``), logs of JetBrains (``<> answer.json``), and under any key of a recording that is not whole without them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from msgspec import Struct, field

from harness.text.grouping import gathered
from harness.transport.cassette.values import Elements

_KEYS = ("_file", "bodyFileName", "_sha1")
_KEY = re.compile(rb"_(?:file|sha1)\b(?<=\W.{5})")
"""Two of them. It begins with a plain character, since that is found faster than a choice."""
_NAME = re.compile(rb"""(?::\s*["']?|^<> +)([\w@-][\w@./-]{0,200}\.\w{1,8})["']?\s*(?=[,}\]\r\n]|\Z)""", re.MULTILINE)
_INCLUDED = re.compile(rb"^<> +(\S+)[ \t\r]*$", re.MULTILINE)
_ABOUT = re.compile(r"(?i)_?(?:file_?name|file|path|sha1)$")
_IS_NAME = re.compile(r"[\w@-][\w@./-]{0,200}\.\w{1,8}")
_NAMING = frozenset((".json", ".jsonl", ".yaml", ".yml", ".har", ".http", ".rest", ".toml"))
_LARGEST, _MOST_INDEXED = 200_000_000, 50_000_000
_DEEPEST, _LONGEST = 60, 300

Beside: TypeAlias = Callable[[str], bytes | None]
"""The name of a file -> its bytes; None if there is none."""


def are_named(content: bytes) -> bool:
    """Whether a text may name such files under the keys of tools."""
    return b"bodyFileName" in content or _KEY.search(content) is not None


def may_be_named(content: bytes) -> bool:
    """Whether a text may name such files under other keys."""
    return _NAME.search(content) is not None


def is_name(body: bytes) -> bool:
    """Whether a body is the name of a file."""
    return len(body) < _LONGEST and _IS_NAME.fullmatch(body.decode("latin-1")) is not None


def included(content: bytes, beside: Beside) -> bytes:
    """The text of a log of JetBrains with the answers in the place of the names of their files."""
    if b"<> " not in content:
        return content
    return _INCLUDED.sub(lambda name: beside(name[1].decode("utf-8", "replace")) or name[0], content)


def naming(path: Path) -> Iterator[Path]:
    """The recordings near a file that may name it as one of their bodies."""
    above = path.parent.parent
    for folder in (path.parent, above, above / "mappings"):
        with suppress(OSError):
            yield from _index(folder, folder.stat().st_mtime_ns).get(path, ())


@lru_cache(64)
def _index(folder: Path, _changed: int) -> Mapping[Path, Sequence[Path]]:
    """Each file that recordings in a folder may name -> these. Of a large folder only a part is looked at."""
    found, left = list[tuple[Path, Path]](), _MOST_INDEXED
    for file in sorted(folder.iterdir()):
        left -= file.stat().st_size if file.is_file() and file.suffix.lower() in _NAMING else 0
        if left > 0 and file.is_file() and file.suffix.lower() in _NAMING:
            names = {name.decode("utf-8", "replace") for name in _NAME.findall(file.read_bytes())} - {file.name}
            found += ((place / name, file) for name in names for place in (folder, folder.parent / "__files"))
    return gathered(found)


class Near(Struct):
    """The files that a recording names: in its own folder, or in ``__files`` next to that. No name leads out of these.

    ``anywhere``: under any key; ``used``: those that were read.
    """

    recording: Path
    anywhere: bool = False
    used: set[Path] = field(default_factory=set)

    def __call__(self, name: str) -> bytes | None:
        """The bytes of the file with this name; None if there is none."""
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
            return None
        for folder in (self.recording.parent, self.recording.parent.parent / "__files"):
            path = folder / name
            try:
                if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
                    self.used.add(path)
                    return path.read_bytes()
            except (OSError, ValueError):
                return None
        return None


def attached(value: Any, beside: Beside, deep: int = 0, *, anywhere: bool = False) -> Any:
    """The value with the bodies in it, each in the place of the name of its file, or beside it. ``anywhere``: under any key."""
    if isinstance(value, Elements):
        return value.changed(lambda item: attached(item, beside, deep + 1, anywhere=anywhere))
    if isinstance(value, list) and deep < _DEEPEST:
        return [attached(item, beside, deep + 1, anywhere=anywhere) for item in value]
    if not isinstance(value, dict) or deep >= _DEEPEST:
        return value
    found = {key: attached(item, beside, deep + 1, anywhere=anywhere) for key, item in value.items()}
    keys = [key for key in (found if anywhere else _KEYS) if isinstance(found.get(key), str)]
    for key in keys if not found.get("text") else ():
        content = beside(found[key]) if not anywhere or _IS_NAME.fullmatch(found[key]) else None
        if content is not None and not (anywhere and b"enerateContent" in content):
            own = _ABOUT.sub("", str(key)) if anywhere else ""
            found |= {own: _body(content)} if own else _body(content)
    return found


def _body(content: bytes) -> dict[str, str]:
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"text": b64encode(content).decode(), "encoding": "base64"}
