"""Counts tokens of text as Gemini does, within a few percent for prose: a word, a digit or a sign is one token, a long word several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from harness.simulator.media import GEMINI_25, Scale

BYTES_PER_TOKEN = 4
"""Beyond the first ``EXACT`` characters of a text, so many UTF-8 bytes are one token."""
SIGNATURE = 5.6
"""Characters of a thought signature for each token of the thoughts that it holds, by a fit to recorded ones."""
TOOLS = {"codeExecution": 70, "fileSearch": 85}
"""Tokens that a built-in tool adds to a prompt of Gemini 3."""
EXACT = 4096
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W\d_]{1,8}|\d|[^\w\s]|_|\n+|[ \t]{2,}")


def tokens(text: str) -> int:
    """Tokens of a text; 0 only for the empty text."""
    if len(text) <= EXACT:
        return _exact(text)
    rest = len(text[EXACT:].encode("utf-8", "surrogatepass"))
    return _exact(text[:EXACT]) - (-rest // BYTES_PER_TOKEN)


@lru_cache(maxsize=128)
def _exact(text: str) -> int:
    return max(len(_TOKEN.findall(text)), bool(text))


def clip(text: str, most: int) -> str:
    """The longest beginning of ``text`` with at most ``most`` tokens. No character is cut."""
    ends = [found.end() for found in islice(_TOKEN.finditer(text, 0, EXACT), max(most, 0) + 1)]
    if len(ends) > most:
        return text[: ends[most - 1]] if most > 0 else ""
    rest = text[EXACT:].encode("utf-8", "surrogatepass")[: (most - len(ends)) * BYTES_PER_TOKEN]
    return text[:EXACT] + rest.decode("utf-8", "ignore")


def value_tokens(value: Any) -> int:
    """Tokens of a JSON value: those of its names and values, two for each member of an object, and one for each item of a list."""
    count, left = 0, [value]
    while left:
        item = left.pop()
        if isinstance(item, Mapping):
            count += sum(2 + tokens(str(name)) for name in item)
            left += item.values()
        elif isinstance(item, list):
            count += len(item)
            left += item
        else:
            count += tokens(item if isinstance(item, str) else str(item))
    return count


def declaration_tokens(declarations: Sequence[Mapping[str, Any]], *, terse: bool) -> int:
    """Tokens of function declarations, by a fit to recorded counts. ``terse``: only names and descriptions count, as before Gemini 2.5."""
    words, parameters, left = 0, 0, list[Any](declarations)
    while left:
        item = left.pop()
        if isinstance(item, Mapping):
            words += sum(tokens(str(item[name])) for name in _WORDED if isinstance(item.get(name), str | list))
            properties = item.get("properties")
            parameters += len(properties) if isinstance(properties, Mapping) else 0
            left += item.values()
        elif isinstance(item, list):
            left += item
    return words if terse else words + 12 * len(declarations) + 12 * parameters


_WORDED = ("name", "description", "enum", "title")


def part_tokens(part: Mapping[str, Any], scale: Scale = GEMINI_25) -> tuple[str, int]:
    """Modality and tokens of one part of a request or an answer."""
    text = part.get("text")
    if isinstance(text, str):
        return "TEXT", tokens(text)
    for kind in ("inlineData", "fileData"):
        if kind in part:
            return scale.tokens(part, part[kind])
    data = {key: value for key, value in part.items() if key not in ("thoughtSignature", "thought")}
    return "TEXT", value_tokens(data) if data else 0


def tally(parts: Iterable[Mapping[str, Any]], scale: Scale = GEMINI_25) -> dict[str, int]:
    """Tokens by modality, without zeros."""
    counts: dict[str, int] = {}
    for part in _opened(parts):
        for modality, count in (part_tokens(part, scale), ("AUDIO", scale.sound(part))):
            if count:
                counts[modality] = counts.get(modality, 0) + count
    return counts


def _opened(parts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The parts, with the media of a function's result as parts of their own."""
    for part in parts:
        result = part.get("functionResponse")
        if isinstance(result, Mapping) and result.get("parts"):
            yield {**part, "functionResponse": {name: value for name, value in result.items() if name != "parts"}}
            yield from result["parts"]
        else:
            yield part


def details(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """``...TokensDetails`` of a tally."""
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items() if count]
