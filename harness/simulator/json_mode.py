"""The text of an answer in JSON mode, with a schema or without, and of an enum."""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import json
import re
from typing import Any

from harness.simulator import function_results, schemas
from harness.simulator.knowledge import KnownFact
from harness.simulator.prompt_reading import ValueSource, keys_asked
from harness.simulator.request import Ask, texts
from harness.simulator.seed import Seed
from harness.simulator.structured import obey
from harness.simulator.style import StyleRules


def formatted(ask: Ask, prompt: str, manner: StyleRules, known: KnownFact | None, seed: Seed) -> str:
    """The text of JSON mode (two spaces of indent, as Gemini mostly writes) or of an enum."""
    source = ValueSource.of(_reading(ask, prompt), seed, known or _fixed_known(manner))
    if ask.mime == "text/x.enum":
        return str(obey(ask.schema, source))
    if ask.schema is not None:
        return _written(obey(ask.schema, source))
    return json_text(ask, prompt, known, seed)


def _reading(ask: Ask, prompt: str) -> str:
    """What a structured answer is read from: the question, results of calls, and what a file or an earlier turn said."""
    told = [function_results.said(response) for response in function_results.responses(ask)]
    earlier = [texts(content) for content in ask.contents if content.get("role", "user") != "model"]
    return "\n".join([prompt, *told, *(text for text in earlier if text != prompt)])


def _fixed_known(manner: StyleRules) -> KnownFact | None:
    return KnownFact(manner.fixed, manner.fixed) if manner.fixed else None


def json_text(ask: Ask, prompt: str, known: KnownFact | None, seed: Seed) -> str:
    schema = _schema_in(ask.system) or _schema_in(prompt)
    if schema is not None:
        return _written(obey(schema, ValueSource.of(_reading(ask, prompt), seed, known)))
    names = keys_asked(prompt) or keys_asked(ask.system)
    if names:
        properties = {name: {"type": "string"} for name in names}
        return _written(
            obey({"type": "object", "properties": properties, "required": names}, ValueSource.of(prompt, seed, known))
        )
    if known and known.items:
        return _written(list(known.items))
    return _written({"answer": known.short if known else f"This is a simulated answer about {topic(prompt)}."})


def _schema_in(text: str) -> Any:
    """A JSON schema that stands in a text; None where there is none."""
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and "properties" in value and schemas.is_json_schema(value):
            return value
        start = text.find("{", start + 1)
    return None


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def topic(prompt: str) -> str:
    words = re.findall(r"[^\W_][\w'’-]*", prompt)[:12]
    return " ".join(words) or "nothing in particular"
