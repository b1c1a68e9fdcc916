"""Lists of what is known, which users commit."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model import Json

Entry = Mapping[str, Json]
"""``kind``, ``path``, and what else it is about, as it is written."""


def stands_for(entry: Entry, named: Mapping[str, str]) -> bool:
    """Whether the entry is about what has these values. One that it does not say may be any."""
    return all(str(entry.get(name) or value) == value for name, value in named.items())
