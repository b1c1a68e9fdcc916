"""Answers from what the conversation, its instructions and its documents say: *What is my dog called?*"""

# ruff: noqa: RUF001, SIM905 - typographic signs are data here, and lists of words

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from harness.simulator.background import background
from harness.simulator.knowledge import KnownFact
from harness.simulator.mentions import mentions
from harness.simulator.request import Ask, texts

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.](?=\w)[^.!?\n]*)*")
_WORD = re.compile(r"[^\W_]{3,}")
_COMMON = frozenset(
    (
        "what who where when which how the and are was were did does you your that this with for from have has had can could would "
        "tell told ask asked about remember know is my name please said say just now there wie wer ich quel quelle est qué cuál mein "
        "meine mon"
    ).split()
)
_KINDS = (
    (
        re.compile(
            r"\bwho am i\b|\bmy name\b|\bheiße ich\b|\bmein name\b|\bje m'appelle\b|\bmon nom\b|\bme llamo\b|\bmi nombre\b|\bme chamo\b|\bmeu nome\b|私の名前|我叫什么|我的名字|मेरा नाम",
            re.IGNORECASE,
        ),
        ("person",),
    ),
    (re.compile(r"\bhow old\b|\bmy age\b|\bwie alt\b|\bquel âge\b", re.IGNORECASE), ("age", "number")),
    (re.compile(r"\bwhere\b|\bwo\b|\boù\b|\bdónde\b|\bwhich (?:city|country|town)\b", re.IGNORECASE), ("place",)),
    (re.compile(r"\bwhen\b|\bwhat (?:day|date|time)\b|\bwann\b|\bquand\b|\bcuándo\b", re.IGNORECASE), ("date", "time")),
    (re.compile(r"\bhow (?:many|much)\b|\bnumber\b|\bwie viele?\b|\bcombien\b|\bcuánt", re.IGNORECASE), ("number",)),
    (re.compile(r"\be-?mail\b", re.IGNORECASE), ("email",)),
    (re.compile(r"\bwho\b|\bwer\b|\bqui\b|\bquién\b", re.IGNORECASE), ("person",)),
)
"""A question -> the kinds of mentions that answer it."""
_IS = re.compile(
    r"\b(?:is called|are called|is named|called|named|name is|is|are|was|heißt|ist|s'appelle|est|se llama|es)\b:? +(.+)$|: *(.+)$",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"\bwhat(?:'s| is) your name\b|\bwho are you\b|\b(?:what|which) (?:ai )?model are you\b|\bwie heißt du\b|\bwer bist du\b",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(?:[Yy]ou are|[Yy]our name is|[Yy]ou're|Du bist) (?:called |named )?([A-Z]\w+)\b")
_OWN = re.compile(r"\b(?:my|i|me|our|we|ich|mein\w*|mon|ma|mi|you|your)\b", re.IGNORECASE)
_SWAPS = {
    "my": "your",
    "i": "you",
    "i'm": "you are",
    "i’m": "you are",
    "am": "are",
    "me": "you",
    "our": "your",
    "mine": "yours",
}
_SWAPPED = re.compile(rf"(?<!\w)(?:{'|'.join(_SWAPS)})(?!\w|['’])|\bI['’]m\b", re.IGNORECASE)


def recollected(ask: Ask, prompt: str) -> KnownFact | None:
    """What earlier turns, the instructions or the documents say about the question; None if they say nothing."""
    turns = [text for content in islice(ask.user_turns, 1, None) if (text := texts(content)).strip()]
    if _MODEL.search(prompt):
        if name := _CALLED.search(ask.system):
            return KnownFact(name[1], f"I am {name[1]}.")
        return KnownFact(ask.facts.name, f"I am {ask.facts.name}, simulated.")
    kinds = next((kinds for pattern, kinds in _KINDS if pattern.search(prompt)), ())
    if kinds == ("person",) and "who" not in prompt.lower().split()[:1]:
        return _named(turns)
    wanted = _content(prompt)
    for sentence in sorted(_sentences(ask), key=lambda one: -len(wanted & _content(one))):
        shared = len(wanted & _content(sentence))
        about_it = bool(turns) and (bool(_OWN.search(prompt)) or shared == len(wanted))
        if shared < (1 if about_it else 2) or shared < len(wanted) / 2:
            return None
        if value := _value(sentence, kinds):
            return KnownFact(value, _addressed(sentence, value), facts={"answer": value})
    return None


def _sentences(ask: Ask) -> Iterator[str]:
    """What the user, the instructions and the documents say; no questions."""
    for text in (background(ask), ask.system):
        for found in _SENTENCE.finditer(text):
            if text[found.end() : found.end() + 1] != "?" and found[0].strip():
                yield found[0].strip()


def _content(text: str) -> frozenset[str]:
    """The words of a text that have a meaning of their own, without an s or an ed at their end."""
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(re.sub(r"(?:ed|s|d)$", "", word) for word in words if word not in _COMMON)


def _named(turns: Sequence[str]) -> KnownFact | None:
    found = [str(mention.value) for text in turns for mention in mentions("person", text)]
    return KnownFact(found[0], f"Your name is {found[0]}.", facts={"name": found[0]}) if found else None


def _value(sentence: str, kinds: Sequence[str]) -> str:
    """The part of a sentence that answers: what is of the kind, else what follows *is*."""
    found = [mention for kind in kinds for mention in mentions(kind, sentence)]
    if kinds == ("date", "time") and len(found) > 1:
        ends = [mention.at + len(str(mention.value)) for mention in found]
        return sentence[min(mention.at for mention in found) : max(ends)]
    if found:
        return str(found[0].value)
    if quotes := mentions("quote", sentence):
        return str(quotes[-1].value)
    rest = _IS.search(sentence)
    return "" if kinds or not rest else (rest[1] or rest[2]).strip(" .\"'")


def _addressed(sentence: str, value: str) -> str:
    """The clause of a sentence with the value, as the model says it to the user."""
    clauses = re.split(r",\s+(?=the |my |i |your )", sentence, flags=re.IGNORECASE)
    clause = next((clause for clause in reversed(clauses) if value in clause), sentence)
    swapped = _SWAPPED.sub(lambda word: _SWAPS.get(word[0].lower(), word[0]), clause)
    return f"{swapped[:1].upper()}{swapped[1:]}."
