"""Cassettes of vcrpy, in every layout that it has written, and our own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.importers import Recorded, source
from harness.transport import cassette


@source
def vcrpy(path: Path, raw: bytes) -> Iterable[Recorded] | None:
    if b"interactions" not in raw:
        return None
    return [
        Recorded(interaction.exchange.request, interaction.exchange, interaction.credentials)
        for interaction in cassette.read(path).interactions
    ]
