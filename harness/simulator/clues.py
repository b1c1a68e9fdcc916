"""What a text is about, by the words that give it away: praise, spam, a bill, a failure. Chooses a label for it."""

# ruff: noqa: RUF001 - other scripts are data here

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from harness.simulator.words import WORDS, by_word

_CLUES = {topic: re.compile(rf"(?<!\w)(?:{words})", re.IGNORECASE) for topic, words in WORDS["clues"].items()}
"""Topic -> words that give it away."""
_SMALL_WORDS = {language: frozenset(words.split()) for language, words in WORDS["small_words"].items()}
"""Language -> small words that tell it."""
_SAME = by_word("labels")
"""A label -> the topic that it stands for."""
_OPPOSITES = {"ham": "spam", "clean": "spam", "legitimate": "spam", "safe": "spam", "calm": "high"}
_ELSE = ("neutral", "medium", "normal", "other", "general", "unknown", "mixed", "moderate")
"""Labels for a text that has no clue of another one."""
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[a-z0-9]+|[A-Z][a-z0-9]*|[^\W_a-zA-Z]+")


@lru_cache(maxsize=64)
def words_in(text: str) -> frozenset[str]:
    """The words of a text in lower case."""
    return frozenset(_LETTERS.findall(text.lower()))


@lru_cache(maxsize=1024)
def _strength(topic: str, text: str) -> int:
    """How many words of a text give a topic away."""
    if topic in _SMALL_WORDS:
        return len(_SMALL_WORDS[topic] & words_in(text))
    return len({found.lower() for found in _CLUES[topic].findall(text)}) if topic in _CLUES else 0


def _points(label: str, text: str) -> float:
    """How well a label fits: the clues of its topics; fewer than none if it denies a topic that the text has."""
    words = [word.lower() for word in _WORD.findall(label.lower() if label.isupper() else label)]
    denies = bool({"not", "non", "no"} & set(words))
    topics = [_SAME.get(word, word) for word in words]
    opposed = [_strength(_OPPOSITES[word], text) for word in words if word in _OPPOSITES]
    points: float = sum(_strength(topic, text) for topic in topics)
    if denies or opposed:
        return 0.5 if points + sum(opposed) == 0 else -1.0
    return points


def best_label(labels: Sequence[str], text: str) -> str | None:
    """The label for which a text has the most clues; None without one."""
    points = {label: _points(label, text) for label in labels}
    best = max(points, key=lambda label: points[label], default=None)
    tied = best is not None and sum(value == points[best] for value in points.values()) > 1
    alike = best is not None and len({_topics(label) for label in labels if points[label] == points[best]}) == 1
    return best if best is not None and points[best] > 0 and (alike or not tied) else None


def _topics(label: str) -> frozenset[str]:
    return frozenset(_SAME.get(word.lower(), word.lower()) for word in _WORD.findall(label.lower()))


def chosen(labels: Sequence[str], text: str) -> str | None:
    """The label that fits a text, else one such as *other*; None without one."""
    found = best_label(labels, text)
    return found if found is not None else next((label for label in labels if label.lower() in _ELSE), None)


def fits(about: str, text: str) -> float:
    """Whether a description fits a text: 1 with a clue, -1 if it denies one, else 0."""
    points = _points(about, text)
    return (points > 0) - (points < 0)


def language_of(text: str) -> str:
    """The language of a text by its small words, such as *german*; English if two of its words do not tell."""
    scripts = () if text.isascii() else _SCRIPTS.items()
    if found := next((name for name, letters in scripts if letters.search(text)), None):
        return found
    words = words_in(text)
    points = {name: len(small & words) for name, small in _SMALL_WORDS.items()}
    best = max(points, key=lambda name: points[name])
    return best if points[best] >= 2 and points[best] > points["english"] else "english"


_SCRIPTS = {
    "japanese": re.compile(r"[\u3040-\u30ff]"), "korean": re.compile(r"[\uac00-\ud7af]"), "chinese": re.compile(r"[\u4e00-\u9fff]"),
    "russian": re.compile(r"[а-яё]{3}", re.IGNORECASE), "greek": re.compile(r"[α-ω]{3}"), "arabic": re.compile(r"[\u0600-\u06ff]{3}"),
    "hindi": re.compile(r"[\u0900-\u097f]{3}"),
}  # fmt: skip
"""A language that its script tells."""
