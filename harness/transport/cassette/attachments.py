"""Bodies in files of their own, which a recording names: HAR (``_file``), WireMock (``bodyFileName`` in ``__files``), traces of Playwright
(``_sha1``), logs of JetBrains (``<> answer.json``), commands of a shell (``> answer.json``), and under any key of a recording that is not whole without them.
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
_A_NAME = r"[\w@-][\w@./-]{0,200}\.\w{1,8}"
_NAME = re.compile(
    rf"""(?::\s*["']?|<(?<=^<)> +|>(?<=[ \t]>)[ \t]*)({_A_NAME})["']?\s*(?=[,}}\]\r\n]|\Z)""".encode(), re.MULTILINE
)
"""Each choice begins with a plain character here too."""
_INCLUDED = re.compile(rb"^<> +(\S+)[ \t\r]*$", re.MULTILINE)
_REDIRECTED = re.compile(rb"[ \t]>[ \t]*([^\s>&]+)[ \t\r]*$", re.MULTILINE)
_SHELLS = (".sh", ".bash", ".zsh")
_ABOUT = re.compile(r"(?i)_?(?:file_?name|file|path|sha1)$")
NAMING = frozenset((".json", ".jsonl", ".yaml", ".yml", ".har", ".http", ".rest", *_SHELLS))
"""Of files that may name others."""
_GZIP = b"\x1f\x8b"
_LARGEST, _MOST_INDEXED = 200_000_000, 50_000_000
_DEEPEST, _LONGEST = 60, 300

Beside: TypeAlias = Callable[[str], bytes | None]
"""The name of a file -> its bytes; None if there is none."""


def are_named(content: bytes, beside: Beside) -> bool:
    """Whether a text may name such files; those under the keys of tools, unless any key will do."""
    return _under_any_key(beside) is not None or b"bodyFileName" in content or _KEY.search(content) is not None


def is_name(body: bytes) -> bool:
    """Whether a body is the name of a file."""
    return len(body) < _LONGEST and re.fullmatch(_A_NAME, body.decode("latin-1")) is not None


def included(content: bytes, beside: Beside) -> bytes:
    """The text of a log of JetBrains, or of a script, with the answers in the place of the names of their files."""
    is_script = isinstance(beside, FilesBeside) and beside.recording.suffix in _SHELLS
    if not is_script and (b"<" not in content or b"<> " not in content):  # one character is found ten times as fast
        return content
    pattern, border = (_REDIRECTED, b"\n") if is_script else (_INCLUDED, b"")
    return pattern.sub(
        lambda name: border + body if (body := beside(name[1].decode("utf-8", "replace"))) else name[0], content
    )


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
    for file in sorted(file for file in folder.iterdir() if file.suffix.lower() in NAMING and file.is_file()):
        left -= file.stat().st_size
        found += ((named, file) for named in _named(file)) if left > 0 else ()
    return gathered(found)


def names_any(recording: Path) -> bool:
    """Whether a recording names a file that is there."""
    return any(map(Path.is_file, _named(recording)))


def _named(recording: Path) -> Iterator[Path]:
    """Where the files may be that a recording may name."""
    names = {name.decode("utf-8", "replace") for name in _NAME.findall(recording.read_bytes())} - {recording.name}
    return (place / name for name in names for place in (recording.parent, recording.parent.parent / "__files"))


class FilesBeside(Struct):
    """The files that a recording names: in its own folder, or in ``__files`` next to that. No name leads out of these.

    ``anywhere``: under any key, and only bodies of Gemini, so that nothing else gets into a recording. ``used``: those that were read.
    ``left``: the bytes that may be read again, or under any key, since a short recording may name a long file many times.
    """

    recording: Path
    anywhere: bool = False
    used: set[Path] = field(default_factory=set)
    left: int = _LARGEST

    def __call__(self, name: str) -> bytes | None:
        """The bytes of the file with this name; None if there is none."""
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
            return None
        own = self.recording.parent
        places = ((own, name), (own.parent, f"__files/{name}"))
        try:
            contents = (self._content(folder, place) for folder, place in places)
            return next((content for content in contents if content is not None), None)
        except (OSError, ValueError):
            return None

    def _content(self, folder: Path, place: str) -> bytes | None:
        """The bytes of a file below a folder; None if it is a link, too long, or no body where it has to be one."""
        path = folder / place
        if not path.is_file() or path.resolve() != folder.resolve() / place:
            return None
        if (size := path.stat().st_size) > self.left:
            return None
        self.left -= size if self.anywhere or path in self.used else 0
        content = path.read_bytes()
        is_body = (content[:2] == _GZIP or b'"parts"' in content) and b"enerateContent" not in content
        if self.anywhere and not is_body:
            return None
        self.used.add(path)
        return content


def _under_any_key(beside: Beside) -> FilesBeside | None:
    """The files beside a recording, if it may name them under any key."""
    return beside if isinstance(beside, FilesBeside) and beside.anywhere else None


def attached(value: Any, beside: Beside, deep: int = 0) -> Any:
    """The value with the bodies in it, each beside the name of its file, or in its place."""
    if isinstance(value, Elements):
        return value.changed(lambda item: attached(item, beside, deep + 1))
    if isinstance(value, list) and deep < _DEEPEST:
        return [attached(item, beside, deep + 1) for item in value]
    if not isinstance(value, dict) or deep >= _DEEPEST:
        return value
    found = {key: attached(item, beside, deep + 1) for key, item in value.items()}
    if near := _under_any_key(beside):
        return {key: item for pair in found.items() for key, item in _with_body(*pair, near)}
    name = next((found[key] for key in _KEYS if isinstance(found.get(key), str)), None)
    content = beside(name) if name and not found.get("text") else None
    return found if content is None else {**found, **_body(content)}


def _with_body(key: Any, item: Any, beside: FilesBeside) -> Iterator[tuple[Any, Any]]:
    """A key and what is under it, also the body in the file that this names."""
    yield key, item
    if isinstance(item, str) and re.fullmatch(_A_NAME, item) and (content := beside(item)):
        yield _ABOUT.sub("", str(key)) or "text", _body(content)


def _body(content: bytes) -> dict[str, str]:
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"text": b64encode(content).decode(), "encoding": "base64"}
