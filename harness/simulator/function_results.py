"""The answer of the model to the results of its function calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from harness.simulator.request import Ask

_FIGURE = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
_TEMPERATURE = re.compile(r"temp|celsius|degree|^c$", re.IGNORECASE)


def responses(ask: Ask) -> list[Mapping[str, Any]]:
    """The ``functionResponse`` objects after the model's last turn, without those of a change of agents; empty if there are none."""
    last = list(takewhile(lambda content: content.get("role") != "model", reversed(ask.contents)))
    parts = [part for content in reversed(last) for part in content.get("parts", ())]
    found = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return [result for result in found if not str(result.get("name")).startswith(HANDS_OVER)]


HANDS_OVER = ("transfer_to_", "handoff_to_")
"""How names of functions start that give the conversation to another agent. Their results say nothing."""


def about_results(ask: Ask) -> str:
    """The answer to the results: the results in words, and advice if they are about weather."""
    results = responses(ask)
    places = _called_with(ask)
    sentences = [in_words(result, places.get(index)) for index, result in enumerate(results)]
    advice = [words for result in results if (words := _advice(result.get("response") or {}))]
    return " ".join([*sentences, *dict.fromkeys(advice)])


def finding(ask: Ask) -> str:
    """What the model knows so far: the results of its calls, an observation in the question, or what it has written last; else empty."""
    if responses(ask):
        return about_results(ask)
    if observed := _OBSERVED.match(ask.question):
        return observed[1].strip()
    turn = next((content for content in reversed(ask.contents) if content.get("role") == "model"), None)
    written = [part.get("text", "") for part in (turn or {}).get("parts", ()) if not part.get("thought")]
    return "".join(written).strip()


_OBSERVED = re.compile(r"\s*Observation:?\s*(.+)", re.DOTALL)


def in_words(result: Mapping[str, Any], place: str | None = None) -> str:
    """One result as a sentence."""
    response = result.get("response")
    where = f" for {place}" if place else ""
    return f"{result.get('name', 'The function')}{where} says: {_words(response)}."


def words_of_result(result: Mapping[str, Any]) -> str:
    """What a function has returned, without a sentence around it."""
    return _words(result.get("response"))


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        if set(value) == {"name", "content"}:
            return _words(value["content"])
        if len(value) == 1:
            return _words(next(iter(value.values())))
        return ", ".join(f"{str(key).replace('_', ' ')} {_words(item)}" for key, item in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "nothing"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value).rstrip(".")


def _called_with(ask: Ask) -> dict[int, str]:
    """The first text argument of each call of the last turn with calls, by position."""
    turns = [content for content in ask.contents if any("functionCall" in part for part in content.get("parts", ()))]
    calls = [part["functionCall"] for part in turns[-1]["parts"] if "functionCall" in part] if turns else []
    firsts = {
        n: next((v for v in (call.get("args") or {}).values() if isinstance(v, str)), None)
        for n, call in enumerate(calls)
    }
    return {n: value for n, value in firsts.items() if value}


def _advice(response: Any) -> str:
    """What to wear, by the first number under a key about temperature."""
    degrees = next(_temperatures(response), None)
    if degrees is None:
        return ""
    if degrees < 10:
        return "Wear a warm coat, and gloves if it snows."
    return "A light jacket is enough." if degrees < 20 else "Light clothes are fine."


def _temperatures(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if (
                _TEMPERATURE.search(str(key))
                and isinstance(item, int | float | str)
                and (found := _FIGURE.search(f" {item} ".replace("°", " ")))
            ):
                fahrenheit = re.search(r"_f$|fahrenheit|°F", f"{key}") is not None
                yield (float(found[0]) - 32) * 5 / 9 if fahrenheit else float(found[0])
            else:
                yield from _temperatures(item)
