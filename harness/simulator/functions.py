"""Function calling: chooses the declared functions to call, and the part of the question that each is about."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from harness.simulator.arguments import build_calls, gives_all, parameters
from harness.simulator.background import background
from harness.simulator.function_results import in_words, responses
from harness.simulator.knowledge import recall
from harness.simulator.mentions import mentions
from harness.simulator.request import Ask
from harness.simulator.seed import Seed

Declaration = Mapping[str, Any]
MOST_CALLS = 8
SYNONYMS = {
    word: stem
    for stem, words in {
        "weather": "wear coat jacket umbrella forecast rain rainy warm cold temperature wetter temperatur regen météo clima tiempo pluie lluvia "
        "tempo погода погоду weer väder vær 天気 天气 天氣 날씨 気温 气温",
        "add": "plus sum addition addiere somme suma",
        "subtract": "minus difference subtraction subtrahiere",
        "multiply": "times product multiplication multiplied multipliziere",
        "divide": "divided quotient division divides dividiere",
        "calculate": "calculator calculation calc compute math maths mathematics arithmetic evaluate equation berechne rechne calcule calcula",
        "email": "mail e-mail",
        "price": "cost costs worth preis prix precio kurs",
        "light": "lamp lights licht lumière luz",
        "time": "clock hour uhrzeit heure hora spät 時間 时间 시간",
        "translate": "translation übersetze traduis traduce",
        "greet": "greeting greeter",
        "population": "inhabitants einwohner habitants habitantes",
        "stock": "ticker share shares aktie",
    }.items()
    for word in words.split()
}
"""Word -> the word that function names have for it."""
_IGNORED = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "do",
        "for",
        "from",
        "get",
        "give",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "need",
        "of",
        "on",
        "or",
        "please",
        "right",
        "now",
        "set",
        "should",
        "some",
        "that",
        "the",
        "their",
        "them",
        "this",
        "to",
        "use",
        "using",
        "what",
        "which",
        "with",
        "you",
        "your",
        "data",
        "value",
        "values",
        "current",
        "function",
        "functions",
        "tool",
        "tools",
        "call",
        "customized",
        "custom",
        "user",
        "info",
        "information",
        "name",
        "result",
    ]
)
_SEARCHES = frozenset(["search", "find", "lookup", "query", "retrieve", "browse", "google", "research"])
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STEP = re.compile(r"(\d+(?:\.\d+)?)\s*([-+*/×÷])\s*\(?\s*(\d+(?:\.\d+)?)")
_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "×": "multiply", "/": "divide", "÷": "divide"}
_MATHS = frozenset(["calculate", *_OPERATIONS.values()])
_REFRAINS = re.compile(
    r"\b(?:without|do not|don't|don’t|never) (?:call|us)(?:e|ing)?\b[^.]{0,25}\b(?:tool|function|it)s?\b|\bno tools?\b|\bwithout calling\b"
    r"|(?-i:\b(?:[Rr]eply|[Rr]espond|[Aa]nswer) (?:with )?exactly:? (?=[\"'“A-Z]))",
    re.IGNORECASE,
)
_PAST = re.compile(r"\b(?:earlier|previously|already)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"(?<=[.?!;])\s+|\n|,? (?:and )?then ")
_DEPENDS = re.compile(
    r"\b(?:that|the|this|its)\s+(?:\w+\s)?(?:result|sum|difference|product|quotient|number|value|answer|output|total)\b|\b(?:from|with|to) it\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(r"\b(?:what|how|where|which|who|when|is|are|the|please|tell|give|about)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"^\s*(?:i|i'm|my|we|it|he|she|thanks?|ok)\b(?![^.]*\?)", re.IGNORECASE)


def calls(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The ``functionCall`` objects (name and args) of this turn; empty if the model answers with text."""
    mode = ask.calling.get("mode", "AUTO")
    if not ask.declarations or mode == "NONE":
        return []
    allowed = ask.calling.get("allowedFunctionNames") or [declaration.get("name") for declaration in ask.declarations]
    offered = [declaration for declaration in ask.declarations if declaration.get("name") in allowed]
    if mode != "ANY" and _refrains(ask, prompt, offered):
        return []
    if responses(ask):
        return _again(ask, offered, prompt, seed) if mode == "ANY" else _pending(ask, offered, prompt, seed)
    plan = [step for step in planned(ask, offered, prompt, seed) if not step.waits]
    if not plan and mode == "ANY":
        plan = [PlannedCall(max(offered, key=lambda declaration: _score(declaration, prompt)), prompt)]
    return _made(plan, background(ask), seed)


def _made(plan: Sequence[PlannedCall], earlier: str, seed: Seed) -> list[dict[str, Any]]:
    return [call for step in plan for call in build_calls(step.declaration, step.text, earlier, seed)][:MOST_CALLS]


def _called(ask: Ask) -> set[str]:
    parts = (part for content in ask.contents for part in content.get("parts", ()))
    return {str(part["functionCall"].get("name")) for part in parts if "functionCall" in part}


def _refrains(ask: Ask, prompt: str, offered: Sequence[Declaration]) -> bool:
    """Whether the prompt asks not to call, or asks for what an earlier call has found."""
    if _PAST.search(prompt) and _called(ask) and not responses(ask):
        return True
    named = any(re.search(rf"\b{re.escape(str(one.get('name', '')))}\b", prompt) for one in offered)
    found = _REFRAINS.search(prompt)
    return bool(found) and (not named or "exactly" not in str(found and found[0]))


def _pending(ask: Ask, offered: Sequence[Declaration], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls that waited for a result, and those of functions that a search for tools has offered."""
    if failed := _failed_once(ask):
        return [
            call
            for one in offered
            if one.get("name") in failed
            for call in build_calls(one, prompt, background(ask), seed)
        ][:1]
    done = _called(ask)
    searched = any(_stems(name) & _SEARCHES for name in done)
    left = [
        step
        for step in planned(ask, offered, prompt, seed)
        if step.declaration.get("name") not in done and (step.waits or searched)
    ]
    return _made(left[:1], background(ask), seed)


def _failed_once(ask: Ask) -> set[str]:
    """Functions whose first result is an error. The model tries those once more."""
    failed = [str(result.get("name")) for result in responses(ask) if "error" in (result.get("response") or {})]
    calls = [
        part["functionCall"].get("name")
        for content in ask.contents
        for part in content.get("parts", ())
        if "functionCall" in part
    ]
    return {name for name in failed if calls.count(name) == 1}


def _again(ask: Ask, offered: Sequence[Declaration], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """In mode ANY the model calls a function after results too: one that was not called yet, if possible."""
    done = _called(ask)
    fresh = [declaration for declaration in offered if declaration.get("name") not in done] or list(offered)
    known = prompt + "\n" + "\n".join(in_words(response) for response in responses(ask))
    return build_calls(max(fresh, key=lambda declaration: _score(declaration, prompt)), known, "", seed)[:1]


# --- choosing -----------------------------------------------------------------------------------------


class PlannedCall(NamedTuple):
    """A function to call, the text that its arguments come from, and whether it waits for the result of another call."""

    declaration: Declaration
    text: str
    waits: bool = False


def planned(ask: Ask, offered: Sequence[Declaration], prompt: str, seed: Seed) -> list[PlannedCall]:
    """The calls that the prompt needs, in the order of the declarations."""
    chosen = _best(offered, prompt) or (
        _needed(offered, prompt, seed) if set(ask.tools) == {"functionDeclarations"} else []
    )
    return [step for declaration in chosen for step in _steps(declaration, chosen, prompt)]


def _steps(declaration: Declaration, chosen: Sequence[Declaration], prompt: str) -> Iterator[PlannedCall]:
    """The calls of one function: one for each ``name(...)`` in the prompt, else one for the clauses that are about it."""
    name = str(declaration.get("name", ""))
    if name and (spelled := re.findall(rf"\b{re.escape(name)}\(([^()]+)\)", prompt)):
        yield from (PlannedCall(declaration, text) for text in spelled)
        return
    clauses = [clause for clause in _clauses(prompt, chosen) if _is_about(clause, declaration, chosen)]
    ready = [clause for clause in clauses if not _DEPENDS.search(clause)]
    if ready or not clauses:
        yield PlannedCall(declaration, " ".join(ready) if len(chosen) > 1 and ready else prompt)
    else:
        yield PlannedCall(declaration, " ".join(clauses), waits=len(chosen) > 1)


def _clauses(prompt: str, chosen: Sequence[Declaration]) -> list[str]:
    """The sentences of a prompt. A sentence that names several functions is cut before each of them."""
    return [
        sentence[start:end]
        for sentence in filter(str.strip, _CLAUSE.split(prompt))
        for start, end in pairwise([*_cuts(sentence, chosen), len(sentence)])
        if sentence[start:end].strip()
    ]


def _cuts(sentence: str, chosen: Sequence[Declaration]) -> list[int]:
    """Where the clauses of a sentence start: at 0, and at the first mention of each function that it names after another one."""
    names = filter(None, (str(declaration.get("name", "")) for declaration in chosen))
    found = [place.start() for name in names if (place := re.search(rf"\b{re.escape(name)}\b", sentence))]
    return [0, *sorted(set(found))[1:]]


def _is_about(clause: str, declaration: Declaration, chosen: Sequence[Declaration]) -> bool:
    score = _score(declaration, clause)
    return score >= 2 and score >= 0.6 * min(max(_score(other, clause) for other in chosen), 10)


def _needed(offered: Sequence[Declaration], prompt: str, seed: Seed) -> list[Declaration]:
    """The functions that the prompt needs though it does not name them: for arithmetic, for a search, or a lone one whose arguments
    the prompt gives."""
    if _STATEMENT.search(prompt):
        return []
    if mentions("expression", prompt) and (maths := [one for one in offered if _does_maths(one)]):
        return maths[:1]
    if recall(prompt) is not None:
        return []
    if len(offered) == 1 and _fits(offered[0], prompt) and gives_all(offered[0], prompt, seed):
        return list(offered)
    return [one for one in offered if prompt.rstrip().endswith("?") and _name_stems(one) & _SEARCHES][:1]


def _fits(declaration: Declaration, prompt: str) -> bool:
    """Whether a description or a parameter has a word of the prompt. In other languages than English that cannot be seen."""
    parameter_stems = _stems(" ".join(map(str, parameters(declaration).get("properties") or ())))
    return (
        not _ENGLISH.search(prompt) or _score(declaration, prompt) > 0 or bool(parameter_stems & _asked_stems(prompt))
    )


def _does_maths(declaration: Declaration) -> bool:
    properties = parameters(declaration).get("properties") or {}
    return (
        bool((_name_stems(declaration) | _stems(str(declaration.get("description", "")))) & _MATHS)
        or "expression" in properties
    )


@lru_cache(maxsize=512)
def _stems(text: str) -> frozenset[str]:
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ")))
    return frozenset(
        SYNONYMS.get(word, word.rstrip("s") if len(word) > 3 else word) for word in words if word not in _IGNORED
    )


def _name_stems(declaration: Declaration) -> frozenset[str]:
    return _stems(str(declaration.get("name", "")))


@lru_cache(maxsize=512)
def _asked_stems(prompt: str) -> frozenset[str]:
    """The stems of a prompt, the operation of its first arithmetic step, and words of scripts without spaces."""
    step, stems = _STEP.search(prompt), _stems(prompt)
    found = {_OPERATIONS[step[2]], "calculate"} if step else {"calculate"} if _counts(prompt, stems) else set()
    unspaced = {stem for word, stem in SYNONYMS.items() if not word.isascii() and word in prompt}
    return stems | found | unspaced


def _counts(prompt: str, stems: frozenset[str]) -> bool:
    """Whether an operation is asked for in words, with two numbers."""
    return bool(stems & _MATHS) and len(mentions("number", prompt)) > 1


def _score(declaration: Declaration, prompt: str) -> float:
    """How well a declaration fits the prompt: 10 for its whole name, 2 for each word of its name, 0.5 for each of its description."""
    name = str(declaration.get("name", ""))
    asked = _asked_stems(prompt)
    named = 10 if name and re.search(rf"\b{re.escape(name)}\b", prompt) else 0
    about = _stems(str(declaration.get("description", ""))) & asked
    return named + 2 * sum(_is_asked(stem, asked) for stem in _name_stems(declaration)) + 0.5 * len(about)


def _is_asked(stem: str, asked: frozenset[str]) -> bool:
    """Whether a stem is asked for, in this form or a longer one."""
    return stem in asked or (len(stem) > 3 and any(word.startswith(stem) for word in asked))


def _best(offered: Sequence[Declaration], prompt: str) -> list[Declaration]:
    """All functions that fit about as well as the best one, in the order of their declaration."""
    scores = [_score(declaration, prompt) for declaration in offered]
    top = max(scores, default=0)
    least = 4 if top < 10 else 6
    return [
        declaration
        for declaration, score in zip(offered, scores, strict=True)
        if score >= 2 and (score >= min(top, 10) * 0.6 or score >= least)
    ]
