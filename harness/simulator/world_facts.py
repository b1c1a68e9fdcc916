"""The facts that the simulator knows: those of ``world_facts.yaml`` in this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.text import safeyaml

_FACTS: Mapping[str, Any] = safeyaml.shipped(Path(__file__).with_name("world_facts.yaml"))

CAPITALS: Mapping[str, str] = _FACTS["capitals"]
COUNTRIES = {name.lower(): name for name in CAPITALS}
NAMED_ABROAD: Mapping[str, str] = _FACTS["named_abroad"]
LOCAL: Mapping[str, Mapping[str, str]] = _FACTS["local"]
SENTENCES: Mapping[str, Mapping[str, str]] = _FACTS["sentences"]
TRANSLATIONS: Mapping[str, Mapping[str, str]] = _FACTS["translations"]
COLOURS: Sequence[str] = _FACTS["colours"].split()
FACTS = tuple(
    (frozenset(words.split()), short, long, more, tuple(domains.split()))
    for words, short, long, more, domains in _FACTS["facts"]
)
LISTS: Mapping[str, Sequence[str]] = _FACTS["lists"]
GIVEN_NAMES = frozenset(_FACTS["given_names"].split())
STORY: Sequence[str] = _FACTS["story"]
