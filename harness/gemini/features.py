"""The features of the native API that users look for: one vocabulary for the tags of suites. The data is ``features.yaml`` in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from harness.text import safeyaml


class Feature(NamedTuple):
    """One feature. ``fields``: its names on the wire. ``promised``: the providers whose documentation offers it."""

    about: str
    fields: tuple[str, ...]
    promised: tuple[str, ...]


_BOTH = "google cometapi"


@cache
def features() -> Mapping[str, Feature]:
    """Tag -> feature, in the order of the file."""
    rows = safeyaml.load(Path(__file__).with_name("features.yaml").read_bytes())
    return {
        tag: Feature(row["about"], tuple(row.get("fields", "").split()), tuple(row.get("promised", _BOTH).split()))
        for tag, row in rows.items()
    }
