"""Files that hold files: zip (also Fiddler's ``.saz``, Inspect's ``.eval``, HAR with attachments) and tar."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO

_ZIP, _TAR, _TAR_AT = b"PK\x03\x04", b"ustar", 257
_ROOM, _TIMES, _MOST = 20_000_000, 200, 400_000_000
_FILES = 20_000
"""The most bytes that all members may hold together (``_ROOM`` plus ``_TIMES`` the size of the archive), and the most members."""


class BadArchive(ValueError):
    """The archive is broken, or unfolds to more than it may. The message says which."""


def is_archive(raw: bytes) -> bool:
    """Whether the bytes begin as an archive does."""
    return raw.startswith(_ZIP) or raw[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def members(raw: bytes) -> Mapping[str, bytes]:
    """The files in an archive by their names, in the order of these. Raises BadArchive."""
    found: dict[str, bytes] = {}
    left = min(_MOST, _ROOM + _TIMES * len(raw))
    try:
        for name, content in (_zipped if raw.startswith(_ZIP) else _tarred)(raw, left):
            found[name] = content
            left -= len(content)
            if left < 0 or len(found) > _FILES:
                raise BadArchive(f"too large: an archive of {len(raw):,} bytes unfolds beyond what is read")
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as fault:
        if isinstance(fault, BadArchive):
            raise
        raise BadArchive(f"an archive, and broken: {fault}") from fault
    return dict(sorted(found.items()))


def _zipped(raw: bytes, most: int) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        if len(archive.infolist()) > _FILES:
            raise BadArchive(f"too large: an archive of {len(archive.infolist()):,} files")
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as file:
                    content = file.read(most + 1)
                    most -= len(content)
                    yield info.filename, content


def _tarred(raw: bytes, most: int) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=BytesIO(raw), mode="r:") as archive:
        for info in archive:
            if info.isfile() and (file := archive.extractfile(info)):
                yield info.name, file.read(most + 1)
