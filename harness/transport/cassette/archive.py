"""Files that hold files: zip (also Fiddler's ``.saz``, Inspect's ``.eval``, HAR with attachments) and tar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import IO

from harness.transport.cassette.packing import most_bytes

_ZIP, _TAR, _TAR_AT = b"PK\x03\x04", b"ustar", 257
_LARGEST, _FILES = 400_000_000, 20_000
"""The most bytes that all members may hold together, whatever the size of the archive, and the most members."""


class BadArchive(Exception):
    """The archive is broken, or unfolds to more than it may. The message says which."""


def is_archive(raw: bytes) -> bool:
    """Whether the bytes begin as an archive does."""
    return raw.startswith(_ZIP) or raw[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def members(raw: bytes) -> Mapping[str, bytes]:
    """The files in an archive by their names, in the order of these. Raises BadArchive."""
    import tarfile
    import zipfile

    found: dict[str, bytes] = {}
    left = most_bytes(len(raw), _LARGEST)
    try:
        for name, size, file in (_zipped if raw.startswith(_ZIP) else _tarred)(raw):
            most = min(left, most_bytes(size))
            found[name] = content = file.read(most + 1)
            left -= len(content)
            if len(content) > most or len(found) > _FILES:
                raise BadArchive(f"too large: an archive of {len(raw):,} bytes unfolds beyond what is read")
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, RuntimeError, ValueError) as fault:
        raise BadArchive(f"an archive, and broken: {fault}") from fault
    return dict(sorted(found.items()))


def _zipped(raw: bytes) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, packed size and content of each file."""
    import zipfile

    with zipfile.ZipFile(BytesIO(raw)) as archive:
        if len(archive.infolist()) > _FILES:
            raise BadArchive(f"too large: an archive of {len(archive.infolist()):,} files")
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as file:
                    yield info.filename, info.compress_size, file


def _tarred(raw: bytes) -> Iterator[tuple[str, int, IO[bytes]]]:
    import tarfile

    with tarfile.open(fileobj=BytesIO(raw), mode="r:") as archive:
        for info in archive:
            if info.isfile() and (file := archive.extractfile(info)):
                yield info.name, info.size, file
