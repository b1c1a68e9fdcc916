"""The words by which the simulator reads prompts: ``words.yaml`` in this folder, which says what each table is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.text import safeyaml

WORDS: Mapping[str, Any] = safeyaml.shipped(Path(__file__).with_name("words.yaml"))


def by_word(table: str) -> dict[str, str]:
    """Each word of a table -> what it stands for there."""
    return {word: meaning for meaning, words in WORDS[table].items() for word in words.split()}
