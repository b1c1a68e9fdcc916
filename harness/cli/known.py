"""Lists of what is known, which users commit: ``--known FILE`` of several commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cli import printing
from harness.errors import UsageError, os_errors_as


def entries(file: Path, more: Collection[str]) -> list[dict[str, Any]]:
    """The entries of a list: each has ``kind`` and ``path``, and any of the keys in ``more``. Raises UsageError."""
    import yaml

    from harness.text import safeyaml

    wanted = f"--known {file}: expected a list of {{kind: ..., path: ...}}"
    with os_errors_as(UsageError, f"cannot read {file}", "" if file.exists() else "; --write-known writes it"):
        written = file.read_bytes()
    try:
        listed = safeyaml.load(written)
    except (yaml.YAMLError, ValueError) as fault:
        why = safeyaml.reason(fault) if isinstance(fault, yaml.YAMLError) else fault
        raise UsageError(f"{wanted}; {why}") from fault
    found = listed if isinstance(listed, list) else [] if listed is None else [listed]
    for number, entry in enumerate(found, 1):
        keys = set(entry) if isinstance(entry, dict) else set()
        if not {"kind", "path"} <= keys or keys - {"kind", "path", *more}:
            raise UsageError(f"{wanted}, with {' and '.join(more)} if you like; entry {number} is {str(entry)[:80]!r}")
        if not all(isinstance(entry.get(name, 0), int) for name in ("pairs", "of")):
            raise UsageError(f"--known {file}: pairs and of are whole numbers, in the entry of {entry['path']}")
    return found


def write(file: Path, about: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a list, with a comment at its top. Raises UsageError."""
    import yaml

    with printing.into(file) as out:
        out.write(f"# {about} Read by --known.\n")
        out.write(yaml.safe_dump(rows, sort_keys=False, allow_unicode=True))
