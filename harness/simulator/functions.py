"""Function calling: which declared functions to call, with which arguments, and what to say to their results."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from harness.simulator.request import Ask, texts
from harness.simulator.seed import Seed
from harness.simulator.structured import Source, obey

MOST_CALLS = 8
SYNONYMS = {
    "wear": "weather", "coat": "weather", "jacket": "weather", "umbrella": "weather", "forecast": "weather", "rain": "weather",
    "warm": "weather", "cold": "weather", "temperature": "weather", "plus": "add", "sum": "add", "times": "multiply",
    "mail": "email", "cost": "price", "costs": "price", "worth": "price", "lamp": "light", "lights": "light", "clock": "time",
}  # fmt: skip
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
        "tool",
        "call",
    ]
)
_WORD = re.compile(r"[A-Za-z]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = r"[A-ZÀ-Þ][\w'’.-]*(?: (?:de |del |la )?[A-ZÀ-Þ][\w'’-]*)*"
_PLACES = re.compile(
    rf"\b(?:in|at|for|of|to|near|from|between)\s+(?:the )?({_NAME}(?:(?:\s*,\s*(?:and )?|\s+(?:and|or)\s+)(?:in |at |for )?{_NAME})*)"
)
_SEPARATOR = re.compile(r"\s*,\s*(?:and\s+)?|\s+(?:and|or)\s+")
_LEAD = re.compile(r"^(?:in|at|for|of|to)\s+")
_QUOTED = re.compile(r"[\"“'`]([^\"”'`\n]+)[\"”'`]")
_FIGURE = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_PLACE_NAMES = frozenset(
    ["city", "location", "place", "town", "country", "destination", "origin", "region", "area", "where", "address"]
)
_TEMPERATURE = re.compile(r"temp|celsius|degree|^c$", re.IGNORECASE)
_NOT_PLACES = frozenset(
    [
        "I",
        "What",
        "Which",
        "How",
        "Who",
        "When",
        "Where",
        "Please",
        "Celsius",
        "Fahrenheit",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ]
)


def calls(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The ``functionCall`` objects (name and args) of this turn; empty where the model answers in words."""
    mode = ask.calling.get("mode", "AUTO")
    if not ask.declarations or mode == "NONE":
        return []
    allowed = ask.calling.get("allowedFunctionNames") or [each.get("name") for each in ask.declarations]
    offered = [each for each in ask.declarations if each.get("name") in allowed]
    if responses(ask):
        return _again(ask, offered, prompt, seed) if mode == "ANY" else []
    chosen = [each for each in offered if _score(each, prompt) >= 2]
    if not chosen and mode == "ANY":
        chosen = [max(offered, key=lambda each: _score(each, prompt))]
    return [call for each in _best(chosen, prompt) for call in _made(each, prompt, seed)][:MOST_CALLS]


def _again(ask: Ask, offered: Sequence[Mapping[str, Any]], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """Under ANY a model must call after results too: a function not yet called, if there is one."""
    called = {
        part["functionCall"].get("name")
        for content in ask.contents
        for part in content.get("parts", ())
        if "functionCall" in part
    }
    fresh = [each for each in offered if each.get("name") not in called] or list(offered)
    known = prompt + "\n" + "\n".join(said(each) for each in responses(ask))
    return _made(max(fresh, key=lambda each: _score(each, prompt)), known, seed)[:1]


def responses(ask: Ask) -> list[Mapping[str, Any]]:
    """The ``functionResponse`` objects after the model's last turn; empty where it called nothing."""
    last = list(takewhile(lambda content: content.get("role") != "model", reversed(ask.contents)))
    parts = [part for content in reversed(last) for part in content.get("parts", ())]
    return [part["functionResponse"] for part in parts if "functionResponse" in part]


# --- choosing -----------------------------------------------------------------------------------------


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text).replace("_", " ")))
    return {SYNONYMS.get(word, word.rstrip("s") if len(word) > 3 else word) for word in words if word not in _IGNORED}


def _score(declaration: Mapping[str, Any], prompt: str) -> float:
    """How well a declaration fits: its name in the prompt counts most, words of its name 2, of its description 0.5."""
    name = str(declaration.get("name", ""))
    said = _stems(prompt)
    named = 10 if re.search(rf"\b{re.escape(name)}\b", prompt) else 0
    about = _stems(str(declaration.get("description", "")))
    return named + 2 * len(_stems(name) & said) + 0.5 * len(about & said)


def _best(chosen: Sequence[Mapping[str, Any]], prompt: str) -> list[Mapping[str, Any]]:
    """All functions that fit about as well as the best one, in declared order."""
    if not chosen:
        return []
    top = max(_score(each, prompt) for each in chosen)
    return [each for each in chosen if _score(each, prompt) >= min(top, 10) * 0.6 or _score(each, prompt) >= 4]


# --- arguments ----------------------------------------------------------------------------------------


def parameters(declaration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a declaration's arguments, in whichever field it came."""
    found = declaration.get("parametersJsonSchema") or declaration.get("parameters") or {}
    return found if isinstance(found, Mapping) else {}


def _made(declaration: Mapping[str, Any], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    schema = parameters(declaration)
    source = Source.of(prompt, seed)
    places = _places(prompt)
    main = next((name for name in schema.get("properties", {}) if _is_place(name)), None)
    rounds: Sequence[str | None] = (
        places if main and len(places) > 1 and _separate(schema, main) else [places[0] if places else None]
    )
    return [_call(declaration, schema, source, {main: place} if main and place else {}) for place in rounds]


def _separate(schema: Mapping[str, Any], main: str) -> bool:
    """Whether several places mean several calls: not where there are two place parameters (from ... to ...)."""
    properties = schema["properties"]
    return sum(map(_is_place, properties)) == 1 and str(properties[main].get("type", "string")).lower() == "string"


def _is_place(name: str) -> bool:
    return bool(_PLACE_NAMES & set(_WORD.findall(_CAMEL.sub(" ", name).replace("_", " ").lower())))


def _places(prompt: str) -> list[str]:
    found: list[str] = []
    for group in _PLACES.findall(prompt):
        for name in _SEPARATOR.split(group):
            place = _LEAD.sub("", name).strip(" .")
            if place and place not in _NOT_PLACES and place not in found:
                found.append(place)
    return found


def _call(
    declaration: Mapping[str, Any], schema: Mapping[str, Any], source: Source, given: Mapping[str, Any]
) -> dict[str, Any]:
    call: dict[str, Any] = {"name": declaration.get("name", "")}
    args = _arguments(schema, source, given)
    return {**call, "args": args}


def _arguments(schema: Mapping[str, Any], source: Source, given: Mapping[str, Any]) -> dict[str, Any]:
    """Required arguments always; optional ones where the prompt gives them. What cannot be found obeys the schema."""
    properties = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    hints = _hints(properties, source.text, given)
    wanted = {name: each for name, each in properties.items() if name in required or name in hints}
    narrowed = {**schema, "properties": wanted, "required": [name for name in properties if name in required]}
    labels = {**source.labels, **{name.replace("_", " ").lower(): str(value) for name, value in hints.items()}}
    value = obey(narrowed, replace(source, labels=labels)) if wanted or required else {}
    args = value if isinstance(value, dict) else {}
    for name, hint in hints.items():
        if _fits(properties[name], hint):
            args[name] = hint
    return args


def _hints(properties: Mapping[str, Any], prompt: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the prompt says for each parameter: places, figures in order, quoted texts in order, enum words."""
    hints = dict(given)
    figures, quotes = iter(_figures(prompt)), iter(_QUOTED.findall(prompt))
    for name, each in properties.items():
        if name in hints or not isinstance(each, Mapping):
            continue
        value = _hinted(each, prompt, figures, quotes)
        if value is not None:
            hints[name] = value
    return hints


def _hinted(schema: Mapping[str, Any], prompt: str, figures: Iterator[float], quotes: Iterator[str]) -> Any:
    kind = schema.get("type")
    kind = str(kind).lower() if not isinstance(kind, list) else str(next((k for k in kind if k != "null"), "")).lower()
    values = schema.get("enum")
    if values:
        return next(
            (
                value
                for value in values
                if isinstance(value, str) and re.search(rf"\b{re.escape(value)}\b", prompt, re.IGNORECASE)
            ),
            None,
        )
    if kind in ("integer", "number"):
        return next(figures, None)
    return next(quotes, None) if kind == "string" else None


def _figures(prompt: str) -> list[float]:
    return [float(text) if "." in text else int(text) for text in _FIGURE.findall(prompt)]


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(schema, Mapping) or any(
        key in schema for key in ("minimum", "maximum", "pattern", "minLength", "maxLength", "format")
    ):
        return False
    kinds = schema.get("type", "string")
    names = {str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds])}
    if schema.get("enum") and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return "string" in names
    return "number" in names or ("integer" in names and isinstance(value, int))


# --- results ------------------------------------------------------------------------------------------


def about_results(ask: Ask) -> str:
    """What the model says to the results of its calls: the results in words, and advice where they are about weather."""
    results = responses(ask)
    places = _called_with(ask)
    said_all = [said(each, places.get(index)) for index, each in enumerate(results)]
    advice = [words for each in results if (words := _advice(each.get("response") or {}))]
    return " ".join([*said_all, *dict.fromkeys(advice)])


def said(result: Mapping[str, Any], place: str | None = None) -> str:
    """One result as a sentence."""
    response = result.get("response")
    where = f" for {place}" if place else ""
    return f"{result.get('name', 'The function')}{where} says: {_words(response)}."


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        if set(value) == {"name", "content"}:
            return _words(value["content"])
        if len(value) == 1:
            return _words(next(iter(value.values())))
        return ", ".join(f"{str(key).replace('_', ' ')} {_words(each)}" for key, each in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "nothing"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value).rstrip(".")


def _called_with(ask: Ask) -> dict[int, str]:
    """The first text argument of each call that the results answer, by position."""
    turns = [content for content in ask.contents if any("functionCall" in part for part in content.get("parts", ()))]
    made = [part["functionCall"] for part in turns[-1]["parts"] if "functionCall" in part] if turns else []
    firsts = {
        n: next((v for v in (call.get("args") or {}).values() if isinstance(v, str)), None)
        for n, call in enumerate(made)
    }
    return {n: value for n, value in firsts.items() if value}


def _advice(response: Any) -> str:
    """What to wear: the first number under a key that speaks of temperature decides."""
    degrees = next(_temperatures(response), None)
    if degrees is None:
        return ""
    if degrees < 10:
        return "Wear a warm coat, and gloves if it snows."
    return "A light jacket is enough." if degrees < 20 else "Light clothes are fine."


def _temperatures(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if (
                _TEMPERATURE.search(str(key))
                and isinstance(each, int | float | str)
                and (found := _FIGURE.search(f" {each} ".replace("°", " ")))
            ):
                fahrenheit = re.search(r"_f$|fahrenheit|°F", f"{key}") is not None
                yield (float(found[0]) - 32) * 5 / 9 if fahrenheit else float(found[0])
            else:
                yield from _temperatures(each)


def question(ask: Ask) -> str:
    """The last thing that a user said in words."""
    return next(
        (
            text
            for content in reversed(ask.contents)
            if content.get("role", "user") != "model" and (text := texts(content))
        ),
        "",
    )
