"""Amounts of things that a text names: *three mugs and a teapot*, *200 g flour*, *zwei Flaschen Wasser*."""

# ruff: noqa: RUF001 - signs of multiplication, and lists of words

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from harness.simulator.words import WORDS

COUNT_WORDS = {word: number for number, words in enumerate(WORDS["counts"], 1) for word in words.split()} | {
    "a dozen": 12,
    "half a dozen": 6,
}
_NO_NAME = r"(?!(?-i:Otto|Sei|Sept)\b)"
"""Not before a name that is spelled as a number: case tells them apart."""
_ARTICLES = frozenset(word for word, number in COUNT_WORDS.items() if number == 1 and word != "one")
_UNITS = (
    "kg|g|mg|grams?|gramm|kilos?|ml|cl|l|lit(?:er|re)s?|oz|ounces?|lbs?|pounds?|cups?|tbsp|tsp|tablespoons?|teaspoons?|pieces?|slices?|bottles?|boxes|box"
    "|packs?|bags?|cans?|pairs?|cartons?|flaschen?|packungen?|stück"
)
_AMOUNT = re.compile(
    rf"(?<![\w.,/:-])(?P<count>(?!(?:19|20)\d\d\b|\d{{4,5}} [A-ZÄÖÜ])\d{{1,6}}(?:[.,]\d{{1,3}})?|{_NO_NAME}(?i:{'|'.join(sorted(COUNT_WORDS, key=len, reverse=True))}))"
    rf"(?:\s?(?P<unit>(?i:{_UNITS}))\b(?:\s+(?:of|de|di|von)\b)?|\s?[x×](?=\s))?\s+(?P<thing>[^\W\d_][\w'-]*(?: [^\W\d_][\w'-]*){{0,3}})"
)
_ENDS = frozenset(WORDS["ends_of_things"].split())
"""Words at which the name of a thing ends."""
_NO_THINGS = frozenset(WORDS["no_things"].split())


class Amount(NamedTuple):
    """A number of things: where it starts, how many, their unit (empty without one) and their name."""

    at: int
    number: float
    unit: str
    thing: str


@lru_cache(maxsize=256)
def amounts(text: str) -> tuple[Amount, ...]:
    """The amounts of a text. *A* and *an* count as one beside other amounts only."""
    found = list(_every(text))
    counted = any(not article for _, article in found)
    return tuple(amount for amount, _ in found) if counted else tuple(_reversed(text))


def _every(text: str) -> Iterator[tuple[Amount, bool]]:
    """Each amount, and whether its count is an article."""
    at = 0
    while found := _AMOUNT.search(text, at):
        words = _thing(found["thing"])
        at = found.start("thing") + len(words) if words else found.end("count")
        if words and not _STREET.search(words):
            yield (
                Amount(found.start(), _count(found["count"]), found["unit"] or "", words),
                found["count"].lower() in _ARTICLES,
            )


def _reversed(text: str) -> list[Amount]:
    """*apples 3, pears 4*: at least two things, each before its number."""
    found = [Amount(piece.start(), _count(piece[2]), "", piece[1]) for piece in _REVERSED.finditer(text)]
    return found if len(found) > 1 else []


_REVERSED = re.compile(
    r"(?:(?<=[,:;] )|(?<=and )|^)([^\W\d_][\w'-]*(?: (?!is|are|was|has|ist|sind|est|tiene|at|in|of)[^\W\d_][\w'-]*)?)(?<! is)(?<! at)(?<! in)(?<! of)(?: x|:| ×)? (\d{1,6})(?=[,;.]|\s(?:and|und|et|y)\b|\s*$)",
    re.MULTILINE,
)


def things(text: str) -> Iterator[tuple[int, str]]:
    """The names of things after a number or an article, and where they start."""
    return ((amount.at, amount.thing) for amount, _ in _every(text))


_STREET = re.compile(r"\b(?:St|Street|Ave|Avenue|Rd|Road|Lane|Drive|Way|Square)\b")


def _thing(words: str) -> str:
    """The words before one that ends a name; empty if they name no thing."""
    kept: list[str] = []
    for word in words.split():
        if word.lower() in _ENDS or (kept and word.lower() in COUNT_WORDS):
            break
        kept.append(word)
    return "" if not kept or kept[0].lower() in _NO_THINGS else " ".join(kept)


def _count(spelled: str) -> float:
    number = COUNT_WORDS.get(spelled.lower())
    value = float(number if number is not None else spelled.replace(",", "."))
    return int(value) if value.is_integer() else value
