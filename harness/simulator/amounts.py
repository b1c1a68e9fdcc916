"""Amounts of things that a text names: *three mugs and a teapot*, *200 g flour*, *zwei Flaschen Wasser*."""

# ruff: noqa: RUF001, SIM905 - signs of multiplication, and lists of words

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

COUNT_WORDS = {
    word: number
    for number, words in {
        1: "a an one ein eine einen un une una uno um uma",
        2: "two couple zwei deux dos due dois duas",
        3: "three drei trois tres tre três",
        4: "four vier quatre cuatro quattro quatro",
        5: "five fünf cinq cinco cinque",
        6: "six sechs seis sei",
        7: "seven sieben sept siete sette sete",
        8: "eight acht huit ocho otto oito",
        9: "nine neun neuf nueve nove",
        10: "ten zehn dix diez dieci dez",
        11: "eleven elf onze",
        13: "thirteen",
        14: "fourteen",
        15: "fifteen",
        16: "sixteen",
        17: "seventeen",
        18: "eighteen",
        19: "nineteen",
        20: "twenty",
        12: "twelve dozen zwölf dutzend douze doce dodici",
    }.items()
    for word in words.split()
} | {"a dozen": 12, "half a dozen": 6}
NO_NAME = r"(?!(?-i:Otto|Sei|Sept)\b)"
"""Not before a name that is spelled as a number: case tells them apart."""
_ARTICLES = frozenset(word for word, number in COUNT_WORDS.items() if number == 1 and word != "one")
_UNITS = (
    "kg|g|mg|grams?|gramm|kilos?|ml|cl|l|lit(?:er|re)s?|oz|ounces?|lbs?|pounds?|cups?|tbsp|tsp|tablespoons?|teaspoons?|pieces?|slices?|bottles?|boxes|box"
    "|packs?|bags?|cans?|pairs?|cartons?|flaschen?|packungen?|stück"
)
_AMOUNT = re.compile(
    rf"(?<![\w.,/:-])(?P<count>(?!(?:19|20)\d\d\b|\d{{4,5}} [A-ZÄÖÜ])\d{{1,6}}(?:[.,]\d{{1,3}})?|{NO_NAME}(?i:{'|'.join(sorted(COUNT_WORDS, key=len, reverse=True))}))"
    rf"(?:\s?(?P<unit>(?i:{_UNITS}))\b(?:\s+(?:of|de|di|von)\b)?|\s?[x×](?=\s))?\s+(?P<thing>[^\W\d_][\w'-]*(?: [^\W\d_][\w'-]*){{0,3}})"
)
_ENDS = frozenset(
    (
        "and or und oder et ou y o e with without for to from in on at by of off is are was were be please each per plus then that which who mit ohne für zu "
        "von nach avec pour de à con para por di per as but because if so too also now today tomorrow costs cost priced herr frau mr mrs ms"
    ).split()
)
"""Words at which the name of a thing ends."""
_NO_THINGS = frozenset(
    (
        "order list reservation booking cart invoice years year days day weeks week months month hours hour minutes minute seconds second o'clock am pm percent degrees dollars dollar euros euro "
        "cents pounds usd eur gbp km cm mm m miles mile feet inches times people persons items item things thing children words sentences letters "
        "characters lot few bit little jahre tage stunden minuten uhr ans jours heures años días horas"
    ).split()
)


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
