"""What a text is about, by the words that give it away: praise, spam, a bill, a failure. Chooses a label for it."""

# ruff: noqa: RUF001 - other scripts are data here

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from harness.simulator.cued_pattern import cues

_CLUES = {
    topic: re.compile(rf"(?<!\w)(?:{words})", re.IGNORECASE)
    for topic, words in {
        "positive": r"love|wonderful|great|excellent|amazing|happy|glad|good|best|fantastic|perfect|enjoy|superb|nice|recommend|delicious|awesome|beautiful|"
        r"thank|toll|wunderbar|super|magnifique|génial|excelente|encanta",
        "negative": r"hate|terrible|awful|bad\b|worst|worse|broken|sad\b|angry|poor|disappoint|boring|died|never again|rude|waste|slow|horrible|annoying|"
        r"schlecht|furchtbar|unhöflich|langsam|enttäuscht|horrible|nul\b|malo|terrible",
        "spam": r"click here|you(?:'ve| have)? won|win \$|free\b|prize|lottery|claim now|limited offer|act now|\$\d{4,}|winner|viagra|cash",
        "high": r"urgent|asap|immediately|emergency|critical|is down|outage|right now|cannot|can't|fire\b|deadline today|severe",
        "low": r"whenever|no rush|no hurry|minor|someday|when you have time|nice to have|typo",
        "billing": r"charged|invoice|refund|payment|paid|subscription|credit card|\bbill|price|fee",
        "technical": r"error|crash|bug|password|install|update|log ?in|not work|doesn't work|freez|timeout|server|app\b|screen",
        "shipping": r"deliver|shipped|shipping|parcel|package|courier|tracking",
        "question": r"what\b|how\b|why\b|when\b|where\b|who\b|which\b",
        "sports": r"match|goal|team|league|football|soccer|tennis|championship|coach|player|cup\b",
        "politics": r"election|parliament|president|minister|vote|senate|government|law\b",
        "technology": r"software|computer|chip|smartphone|\bAI\b|robot|internet|startup",
        "business": r"market|stock|shares|profit|revenue|company|merger|bank",
        "food": r"recipe|cook|restaurant|dish|flavou?r|cake|meal|delicious",
        "travel": r"flight|hotel|trip|holiday|beach|airport",
        "history": r"president|war\b|king\b|queen|empire|century|revolution|ancient|civil|founded|historical|treaty",
        "math": r"math|solve|equation|calculate|\d ?[-+*/^=] ?\d|sum of|square root|integral|derivative|algebra",
        "image": r"picture|photo|image|drawing",
        "video": r"video|clip|watch|footage",
        "health": r"doctor|hospital|disease|vaccine|symptom|patient|diet",
    }.items()
}
"""Topic -> words that give it away."""
_SMALL_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "english": "the and is are you how what good of to in my for do",
        "german": "der die das und ist wie was guten nicht ich dir von ein eine wieviel bitte heißt auf den für",
        "french": "le la les et est bonjour je vous comment merci quelle quel de du un une combien font pour",
        "spanish": "el los y es hola buenos cómo gracias está qué cuál cuánto la de por una para",
        "italian": "il gli è ciao buongiorno come grazie sono che",
        "portuguese": "o os é olá bom como obrigado você não",
    }.items()
}
"""Language -> small words that tell it."""
_SAME = {
    "urgent": "high", "critical": "high", "p1": "high", "important": "high", "p3": "low", "minor": "low", "trivial": "low", "good": "positive", "praise": "positive",
    "happy": "positive", "bad": "negative", "complaint": "negative", "angry": "negative", "sad": "negative", "payment": "billing", "invoice": "billing",
    "finance": "business", "tech": "technology", "bug": "technical", "support": "technical", "delivery": "shipping", "sport": "sports", "junk": "spam",
    "positiv": "positive", "positif": "positive", "positivo": "positive", "negativ": "negative", "négatif": "negative", "negativo": "negative",
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese", "deutsch": "german", "français": "french",
}  # fmt: skip
"""A label -> the topic that it stands for."""
_OPPOSITES = {"ham": "spam", "clean": "spam", "legitimate": "spam", "safe": "spam", "calm": "high"}
_ELSE = ("neutral", "medium", "normal", "other", "general", "unknown", "mixed", "moderate")
"""Labels for a text that has no clue of another one."""
_WORD = re.compile(r"[a-z0-9]+|[A-Z][a-z0-9]*|[^\W_a-zA-Z]+")


@lru_cache(maxsize=1024)
def _strength(topic: str, text: str) -> int:
    """How many words of a text give a topic away."""
    if topic in _SMALL_WORDS:
        return len(_SMALL_WORDS[topic] & cues(text))
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
    words = cues(text)
    points = {name: len(small & words) for name, small in _SMALL_WORDS.items()}
    best = max(points, key=lambda name: points[name])
    return best if points[best] >= 2 and points[best] > points["english"] else "english"


_SCRIPTS = {
    "japanese": re.compile(r"[\u3040-\u30ff]"), "korean": re.compile(r"[\uac00-\ud7af]"), "chinese": re.compile(r"[\u4e00-\u9fff]"),
    "russian": re.compile(r"[а-яё]{3}", re.IGNORECASE), "greek": re.compile(r"[α-ω]{3}"), "arabic": re.compile(r"[\u0600-\u06ff]{3}"),
    "hindi": re.compile(r"[\u0900-\u097f]{3}"),
}  # fmt: skip
"""A language that its script tells."""
