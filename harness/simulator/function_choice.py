"""Which declared functions a prompt needs: by its words, in several languages, and by the arguments that it gives."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here, and lists of words

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from harness.simulator.arguments import gives_all, parameters
from harness.simulator.clues import fits, language_of
from harness.simulator.function_results import HANDS_OVER
from harness.simulator.knowledge import recall
from harness.simulator.mentions import mentions
from harness.simulator.words import WORDS, by_word

Declaration = Mapping[str, Any]
SYNONYMS = by_word("synonyms")
"""Word -> the word that function names have for it."""
_IGNORED = frozenset(WORDS["function_words"].split())
_SEARCHES = frozenset(["search", "find", "lookup", "query", "retrieve", "browse", "google", "research"])
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
STEP = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)\s*([-+*/×÷])\s*\(?\s*(\d+(?:\.\d+)?)")
"""A step of arithmetic: a number, a sign, a number."""
OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "×": "multiply", "/": "divide", "÷": "divide"}
"""Sign -> the stem of a function that computes it."""
_MATHS = frozenset(["calculate", *OPERATIONS.values()])
_ENGLISH = re.compile(r"\b(?:what|how|where|which|who|when|is|are|the|please|tell|give|about)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"^\s*(?:i|i'm|my|we|it|he|she|thanks?|ok)\b(?![^.]*\?)", re.IGNORECASE)
_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|hallo|bonjour|hola|thanks?|thank you|ok(?:ay)?|yes|no|bye|good (?:morning|evening|night))\b"
    r"|\b(?:joke|story|poem|haiku|essay|who are you|what can you do|how are you|what(?:'s| is) your)\b",
    re.IGNORECASE,
)
"""Talk that needs no tool."""
_USE_IT = re.compile(
    r"\b(?:us(?:e|ing)|call|invoke)\s+(?:(?:the|this|your|my|a|an|provided|available|given)\s+){0,3}(?:\w+\s+)?(?:tool|function)s?\b",
    re.IGNORECASE,
)


def best(offered: Sequence[Declaration], prompt: str) -> list[Declaration]:
    """All functions that fit the prompt, or one of its questions, about as well as the best one, in the order of their declaration; none if
    none fits."""
    chosen = [one for clause in (prompt, *_questions(prompt)) for one in _best(offered, clause)]
    found = [one for one in offered if one in chosen]
    return [one for one in found if not _is_worse(one, found, prompt)]


def _questions(prompt: str) -> list[str]:
    """The questions of a prompt that has several: *the weather in Rome and the price of tea*."""
    found = _ASKS_ALSO.split(prompt) if len(prompt) < 400 else []
    return found if len(found) > 1 else []


_ASKS_ALSO = re.compile(
    r"(?<=\?)\s+|,? (?:and|und|et|y|e) (?=(?:the|what|how|die|das|der|le|la|el)\b)|,? and (?=\w+ (?:if |whether |that )?(?:it|that|the result)\b)",
    re.IGNORECASE,
)


def _best(offered: Sequence[Declaration], clause: str) -> list[Declaration]:
    scores = [score(declaration, clause) for declaration in offered]
    top = max(scores, default=0)
    least = 4 if top < 10 else 6
    return [
        declaration
        for declaration, points in zip(offered, scores, strict=True)
        if points >= 2 and (points >= min(top, 10) * 0.6 or points >= least)
    ]


def _is_worse(declaration: Declaration, others: Sequence[Declaration], prompt: str) -> bool:
    """Whether another function is asked for with the same words, and it has no further ones, or the prompt gives its arguments only."""
    asked = name_stems(declaration) & asked_stems(prompt)
    rivals = [one for one in others if one is not declaration and name_stems(one) & asked_stems(prompt) == asked]
    if any(name_stems(one) < name_stems(declaration) for one in rivals):
        return True
    return bool(rivals) and not gives_all(declaration, prompt) and any(gives_all(one, prompt) for one in rivals)


def needed(offered: Sequence[Declaration], prompt: str) -> list[Declaration]:
    """The functions that the prompt needs though it does not name them: for arithmetic, for a search, or a lone one that it asks for or
    whose arguments it gives."""
    if (fitting := [one for one in offered if _hands_over(one, prompt)]) and not _TALK.search(prompt):
        return fitting[:1]
    lone = offered[0] if len(offered) == 1 else None
    if lone and _USE_IT.search(prompt):
        return [lone]
    if _STATEMENT.search(prompt) or (lone and "?" not in prompt and _is_form(lone, prompt)):
        return [lone] if lone and _is_form(lone, prompt) else []
    if mentions("expression", prompt) and (maths := [one for one in offered if _does_maths(one)]):
        return maths[:1]
    if recall(prompt) is not None or _TALK.search(prompt):
        return []
    if lone and _fits(lone, prompt) and gives_all(lone, prompt):
        return [lone]
    return _searching(offered, prompt)


def _hands_over(declaration: Declaration, prompt: str) -> bool:
    """Whether a function gives the conversation to an agent for the language of the prompt, or for what it is about."""
    name = str(declaration.get("name", "")).lower()
    if not name.startswith(HANDS_OVER):
        return False
    agents = [
        value
        for inner in (parameters(declaration).get("properties") or {}).values()
        for value in inner.get("enum") or ()
    ]
    about = f"{name.replace('_', ' ')} {declaration.get('description', '')}"
    fitting = language_of(prompt) in name or fits(about, prompt) > 0
    return fitting or any(_stems(str(agent)) & asked_stems(prompt) for agent in agents)


def is_instructed(declaration: Declaration, system: str, prompt: str) -> bool:
    """Whether the instructions say to use a function whose arguments the prompt gives: *You should roll the die*."""
    required = parameters(declaration).get("required") or ()
    if not system or _TALK.search(prompt) or (required and not gives_all(declaration, prompt)):
        return False
    stems = name_stems(declaration)
    return bool(stems) and any(stems <= asked_stems(sentence) for sentence in _INSTRUCTED.findall(system))


_INSTRUCTED = re.compile(r"\b(?:[Yy]ou (?:should|must|always)|[Uu]se|[Cc]all) ([^.\n]{1,200})")


def _searching(offered: Sequence[Declaration], prompt: str) -> list[Declaration]:
    """A function that searches: for a question, for a topic if there is no other function, or for more tools for a task."""
    found = [one for one in offered if name_stems(one) & _SEARCHES]
    if prompt.rstrip().endswith("?") or len(offered) == 1:
        return found[:1]
    return [one for one in found if _OF_TOOLS.search(str(one.get("description", "")))][:1]


_OF_TOOLS = re.compile(r"\b(?:additional|other|more|available|discover) tools\b", re.IGNORECASE)


def _is_form(declaration: Declaration, prompt: str) -> bool:
    """Whether a statement gives every argument of a function that takes several."""
    wanted = parameters(declaration).get("required") or ()
    return len(wanted) > 1 and gives_all(declaration, prompt)


def _fits(declaration: Declaration, prompt: str) -> bool:
    """Whether a description or a parameter has a word of the prompt. In other languages than English that cannot be seen."""
    parameter_stems = _stems(" ".join(map(str, parameters(declaration).get("properties") or ())))
    return not _ENGLISH.search(prompt) or score(declaration, prompt) > 0 or bool(parameter_stems & asked_stems(prompt))


def _does_maths(declaration: Declaration) -> bool:
    properties = parameters(declaration).get("properties") or {}
    return (
        bool((name_stems(declaration) | _stems(str(declaration.get("description", "")))) & _MATHS)
        or "expression" in properties
    )


# --- how well a function fits -------------------------------------------------------------------------


def score(declaration: Declaration, prompt: str) -> float:
    """How well a declaration fits the prompt: 10 for its whole name, 2 for each word of its name, 0.5 for each of its description."""
    asked = asked_stems(prompt)
    named = 10 if is_named(str(declaration.get("name", "")), prompt) else 0
    about = _stems(str(declaration.get("description", ""))) & asked
    return named + 2 * sum(_is_asked(stem, asked) for stem in name_stems(declaration)) + 0.5 * len(about)


def is_named(name: str, prompt: str) -> bool:
    """Whether a prompt names a function. A name that is a word counts only beside *tool* or *function*, in quotes or before a bracket."""
    spelled = rf"\b{re.escape(name)}\b"
    if name.isalpha() and name.islower():
        spelled = rf"{spelled}(?:\(|['\"`]|[ ](?:tool|function))|[`'\"]{spelled}|\b(?:tool|function) {spelled}"
    return bool(name and re.search(spelled, prompt))


def _is_asked(stem: str, asked: frozenset[str]) -> bool:
    """Whether a stem is asked for, in this form or a longer one."""
    return stem in asked or (len(stem) > 3 and any(word.startswith(stem) for word in asked))


@lru_cache(maxsize=512)
def _stems(text: str) -> frozenset[str]:
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ")))
    return frozenset(stem_of(word) for word in words if word not in _IGNORED)


def stem_of(word: str) -> str:
    """The form in which a word is compared: without an s at its end, and one of its synonyms."""
    word = word.lower()
    singular = word.rstrip("s") if len(word) > 3 else word
    return SYNONYMS.get(word) or SYNONYMS.get(singular) or singular


def name_stems(declaration: Declaration) -> frozenset[str]:
    """The stems of a function's name."""
    return _stems(str(declaration.get("name", "")))


@lru_cache(maxsize=512)
def asked_stems(prompt: str) -> frozenset[str]:
    """The stems of a prompt, the operations of its arithmetic, and words of scripts without spaces."""
    signs, stems = [sign for _, sign, _ in STEP.findall(prompt)], _stems(prompt)
    found = {*(OPERATIONS[sign] for sign in signs), "calculate"} if signs or _counts(prompt, stems) else set()
    unspaced = {stem for word, stem in SYNONYMS.items() if not word.isascii() and word in prompt}
    return stems | found | unspaced


def _counts(prompt: str, stems: frozenset[str]) -> bool:
    """Whether an operation is asked for in words, with two numbers."""
    return bool(stems & _MATHS) and len(mentions("number", prompt)) > 1
