"""vcrpy's cassettes, in every layout that it has written, ours among them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.importers import Asked, source
from harness.transport import cassette


@source
def tape(path: Path, raw: bytes) -> Iterable[Asked] | None:
    if b"interactions" not in raw:
        return None
    return [
        Asked(interaction.exchange.request, interaction.exchange, interaction.credentials)
        for interaction in cassette.read(path).interactions
    ]
