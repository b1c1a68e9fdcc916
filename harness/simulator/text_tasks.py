"""Small tasks on a text that the prompt gives: extract, count, reverse, sort, compare, convert, classify; and on dates."""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import calendar
import re
import string
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

from harness.simulator.amounts import COUNT_WORDS, NO_NAME
from harness.simulator.clues import chosen, language_of
from harness.simulator.cued_pattern import CuedPattern, CuedTasks
from harness.simulator.knowledge import KnownFact, yes_or_no
from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import words_of
from harness.simulator.world_facts import LISTS

_QUOTE = r"[\"'“‘„]?(.+?)[\"'”’“]?"
_GIVEN = rf"(?:\s+(?:in|of|from|the|this|these|that|following|text|words?|string|sentence|phrase|numbers?|list|name|letters?|characters?|vowels?)){{0,6}}:?\s+{_QUOTE}\s*(?:[.?!]\s*(?:answer|reply|number|only|one word|just|no)\b.*|[.?!]|$)"
_EXTRACT = CuedPattern(
    ":",
    r"\b(?:extract|find|what is|give me|return|get|identify)\b (?:only |just |all )?(?:the |an? |all )?(e-?mail(?: address)?(?:es)?|urls?|links?|phone(?: number)?s?|dates?|numbers?|cit(?:y|ies)|"
    r"places?|names?|persons?|people|prices?|amounts?)\b(?: mentioned)?(?: only)?\s*(?:from|in|of|out of)?\s*(?:the |this )?(?:following |text|sentence|string)*\s*:\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_KIND = {
    "link": "url", "city": "place", "citie": "place", "name": "person", "people": "person", "price": "money", "amount": "money",
}  # fmt: skip
"""Word without an s at its end -> the kind of mentions that it asks for; other words are the kind themselves."""
_COUNTED = CuedPattern(
    "letters characters words vowels sentences",
    rf"\b(?:how many|number of|count(?: the)?) (?:of )?(?:the )?(letters|characters|words|vowels|sentences)\b(?: are| does| do)?(?: there)?{_GIVEN}",
    re.IGNORECASE | re.DOTALL,
)
_REVERSED = re.compile(rf"\b(?:reverse|spell|write)\b{_GIVEN}(?: backwards?| in reverse)?$", re.IGNORECASE | re.DOTALL)
_BACKWARDS = CuedPattern("reverse backward backwards", r"\breverse\b|\bbackwards?\b|\bin reverse\b")
_CASED = CuedPattern(
    "write convert put turn make say change spell",
    r"\b(?:write|convert|put|turn|make|say|change|spell)\b (?:the )?(?:word |text |string |following )*:?\s*[\"'“]?(.{1,200}?)[\"'”]? (?:in|to|into) (?:all )?(upper|lower|capital)",
)
_SORTED = CuedPattern(
    "sort order alphabetically",
    r"(?:\bsort\b|\b(?:put|arrange|order)\b[^:\d]{0,60}?\b(?:order|alphabetically)\b)[^:]*?(descending|alphabetical\w*)?[^:\d]*:?\s+(.+)",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = CuedPattern(
    "first last second third",
    rf"\b(first|last|second|third) (word|letter|character|number)\b{_GIVEN}",
    re.IGNORECASE | re.DOTALL,
)
_COMPARED = CuedPattern(
    "larger bigger greater higher more smaller less lower",
    r"\b(?:which|what)\b[^?]{0,80}?\b(larger|bigger|greater|higher|more|smaller|less|lower)\b[^?\d]*(-?\d[\d.,]{0,20}\d|-?\d)[^?\d-]+(-?\d[\d.,]{0,20}\d|-?\d)",
)
_GREATER = CuedPattern(
    "than", r"\bis (-?\d[\d.]{0,20}) (greater|larger|bigger|more|less|smaller) than (-?\d[\d.]{0,20})"
)
_PERCENT = CuedPattern(
    "% percent cent prozent",
    r"(\d{1,15}(?:\.\d{1,15})?) ?(?:%|percent|per cent|prozent) (?:of|von) (\d{1,15}(?:[.,]\d{1,15})?)",
)
_SQUARED = CuedPattern(
    "squared cubed square cube",
    r"\b(\d{1,15}(?:\.\d{1,15})?) (squared|cubed)\b|\b(square|cube) of (\d{1,15}(?:\.\d{1,15})?)",
)
_ORDERED = CuedPattern(
    "multiply divide add subtract",
    r"\b(multiply|divide|add|subtract) (-?\d{1,15}(?:\.\d{1,15})?) (?:by|to|and|from|with) (-?\d{1,15}(?:\.\d{1,15})?)",
)
_VERBS = {"multiply": "*", "divide": "/", "add": "+"}
_SIGNS = {
    "*": "times|multiplied by|mal|fois|por|multiplicado por|vezes|per|乘以?|かける|गुना",
    "+": "plus|più|más|mais|加上?|足す|たす",
    "-": "minus|moins|menos|meno|减去?|引く|ひく",
    "/": "divided by|geteilt durch|divisé par|dividido por|diviso|除以|割る|わる",
}
"""Sign -> the words for it."""
_FIGURE = rf"\d{{1,15}}(?:[.,]\d{{1,15}})?|\b{NO_NAME}(?:{'|'.join(word for word, number in COUNT_WORDS.items() if number > 1)})\b"
_WORDED = CuedPattern(
    " ".join([*re.findall(r"[^\W\d_]+", " ".join(_SIGNS.values()).replace("?", "")), "乘", "加", "减"]),
    rf"({_FIGURE})\s*(?:{'|'.join(f'({words})' for words in _SIGNS.values())})\s*({_FIGURE})",
)
_OF_BOTH = CuedPattern(
    "sum product difference summe somme suma soma produkt produit producto produto योग गुणनफल य ग",
    rf"\b(?:(sum|summe|somme|suma|soma)|product|produkt|produit|producto|produto|(difference)) (?:of|between|von|de) ({_FIGURE}) (?:and|und|et|y|e) ({_FIGURE})"
    rf"|({_FIGURE}) और ({_FIGURE}) का (?:(योग)|गुणनफल)",
)
_HELD = CuedPattern(
    "have has had are were buy buys bought",
    rf"\b(?:have|has|had|are|were|buys?|bought)\b ({_FIGURE}) ([a-z]+(?: (?!in\b|on\b|and\b|but\b)[a-z]+)?)",
)
_CHANGED = re.compile(
    r"\b(?:(?P<less>eats?|ate|gives?|gave|loses?|lost|sells?|sold|takes?|removes?|uses?|used|break\w*|leave\w*)"
    rf"|buys?|bought|gets?|got|finds?|found|receives?|received|picks?|picked|adds?|added)(?: away)? (?:\w+ )?(?P<by>{_FIGURE}|an?|one)\b",
    re.IGNORECASE,
)
_EACH = re.compile(rf"\beach \D{{0,40}}?({_FIGURE})", re.IGNORECASE)
_SPEED = CuedPattern(
    "hour hours",
    r"(\d{1,6}(?:\.\d{1,3})?) ?(?:(miles|kilomet(?:er|re)s|km)(?: per | an |/)h(?:our)?|mph)\b[^?]{0,80}?\bfor (\d{1,6}(?:\.\d{1,3})?) hours?\b",
)
_UNKNOWN = CuedPattern(
    "=", r"\b(?:solve|what is x|find x)\b[^\d=]*?(-?\d{0,9})\s*\*?\s*([a-z])\s*([+-])\s*(\d{1,15})\s*=\s*(-?\d{1,15})"
)
_MEASURES = {
    "length": "km kilometer kilometre:1000 mile:1609.344 m meter metre:1 cm centimeter centimetre:0.01 mm millimeter millimetre:0.001 inch inche:0.0254 feet foot ft:0.3048 yard:0.9144",
    "weight": "kg kilogram kilo:1000 gram g:1 pound lb:453.592 ounce oz:28.3495 ton tonne:1000000",
    "volume": "l liter litre:1 ml milliliter millilitre:0.001 gallon:3.785412 cup:0.236588",
    "time": "second:1 minute:60 hour:3600 day:86400 week:604800",
    "temperature": "c celsiu °c:1 fahrenheit f °f:2",
}
"""What is measured -> its units without an s at their end, and their size."""
_SIZES = {
    name: (measure, float(size))
    for measure, row in _MEASURES.items()
    for names, size in re.findall(r"(\D+?):([\d.]+) ?", row)
    for name in names.split()
}
_UNIT = rf"(?:degrees )?(?:{'|'.join(sorted(map(re.escape, _SIZES), key=len, reverse=True))})e?s?"
_CONVERT = CuedPattern(
    "to in into as many",
    rf"(-?\d{{1,15}}(?:\.\d{{1,15}})?) ?({_UNIT})\b (?:to|in|into|as) ({_UNIT})\b"
    rf"|\bhow many ({_UNIT}) (?:are )?(?:there )?(?:in|make) (an?|\d{{1,15}}(?:\.\d{{1,15}})?) ({_UNIT})\b",
)
_NEXT = CuedPattern("day month", r"\b(?:what|which) (day|month) (?:comes|is) (?:right |directly )?(after|before) (\w+)")
_OPTIONS = CuedPattern(
    "or /",
    r"\b(?:classify|is (?:this|the following|it)|categori[sz]e|label|decide|choose|pick|which|sentiment)\b[^:\n\"“]{0,120}?(?:\bas\b|:|\bbetween\b|\bone of\b)?\s*\(?((?:[\w-]+(?:, | / |/))*[\w-]+,? or [\w-]+|[\w-]+(?:/[\w-]+)+)\)?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_PICKED = re.compile(r"\b(?:choose|pick)\b", re.IGNORECASE)
_TONGUE = CuedPattern(
    "language sprache langue", r"\b(?:which|what) language\b|\bin welcher sprache\b|\bquelle langue\b"
)
_SUMMARY = CuedPattern("summarise summarize", r"\bsummari[sz]e\b[^:\n]*:\s*(.+)", re.IGNORECASE | re.DOTALL)
_THRICE = CuedPattern(
    "twice times",
    r"^\W*(?:please )?(?:repeat|say) (?:the word |the phrase )?[\"'“]?(.+?)[\"'”]? (twice|(?:\d|two|three|four|five)(?= times))(?: times)?\W*$",
)
_EXACTLY = CuedPattern(
    ":",
    r"^\W*(?:please )?(?:repeat|echo|say|output|print) (?:exactly|verbatim|after me|this|the following)(?: text| exactly)?:\s*(.+?)\s*$",
    re.IGNORECASE | re.DOTALL,
)

_LEAP = CuedPattern("leap", r"\bis (?:the year )?(\d{4}) a leap year\b|\bleap year\b\D{0,20}(\d{4})")
_BETWEEN = CuedPattern("days weeks", r"\bhow many (days|weeks)\b.*\b(?:between|from)\b")
_WEEKDAY = CuedPattern("day weekday wochentag", r"\b(?:what|which) (?:day|weekday)\b|\bday of the week\b|\bwochentag\b")
_LATER = CuedPattern(
    "days weeks day week",
    r"\b(\d{1,4}) (day|week)s? (after|from|before|prior to)\b|\badd (\d{1,4}) (day|week)s? to\b",
)


LONGEST = 2000
"""Longer prompts set other tasks."""


@lru_cache(maxsize=512)
def done(prompt: str) -> KnownFact | None:
    """The outcome of the task that the prompt sets; None if it sets none of these."""
    return TASKS.first(prompt) if len(prompt) < LONGEST else None


def _fact(short: object, long: str = "", **named: object) -> KnownFact:
    """An answer, by the names of answers and those in ``named``."""
    text = str(short)
    return KnownFact(text, long or text, facts={"answer": short, "result": short, **named})


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{round(value, 4):g}"


def _extracted(prompt: str) -> KnownFact | None:
    if not (found := _EXTRACT.search(prompt)):
        return None
    word = words_of(found[1].replace("-", ""))[0].rstrip("s")
    values = [str(mention.value) for mention in mentions(_KIND.get(word, word), found[2])]
    return KnownFact(values[0], ", ".join(values), items=tuple(values) if len(values) > 1 else ()) if values else None


def _counted(prompt: str) -> KnownFact | None:
    if not (found := _COUNTED.search(prompt)):
        return None
    quotes = mentions("quote", prompt)
    what, text = found[1].lower(), str(quotes[0].value) if quotes else found[2]
    counts = {
        "letters": sum(map(str.isalpha, text)),
        "characters": len(text),
        "words": len(text.split()),
        "vowels": len(re.findall("[aeiou]", text, re.IGNORECASE)),
        "sentences": len(re.findall(r"[.!?]+", text)) or 1,
    }
    return _fact(counts[what], f'"{text}" has {counts[what]} {what}.')


def _turned(prompt: str) -> KnownFact | None:
    if (found := _CASED.search(prompt)) is not None:
        return _fact(found[1].lower() if found[2].lower() == "lower" else found[1].upper())
    if not _BACKWARDS.search(prompt):
        return None
    quotes = mentions("quote", prompt)
    found = _REVERSED.search(_BACKWARDS.pattern.sub("reverse", prompt, count=1) if not quotes else "")
    text = str(quotes[0].value) if quotes else found[1] if found else ""
    return _fact(text[::-1]) if text else None


def _in_order(prompt: str) -> KnownFact | None:
    found = _SORTED.search(prompt)
    numbers = [mention.value for mention in mentions("number", found[2])] if found else []
    words = re.split(r",\s*(?:and )?", found[2].strip(" .?!")) if found and not numbers else []
    items = sorted(numbers or words, reverse="descending" in prompt.lower())
    return (
        KnownFact(str(items[0]), ", ".join(map(str, items)), items=tuple(map(str, items))) if len(items) > 1 else None
    )


def _at_the_end(prompt: str) -> KnownFact | None:
    if not (found := _ENDS.search(prompt)):
        return None
    text = string.ascii_lowercase if found[3].endswith("alphabet") else found[3]
    pieces = text.split() if found[2].lower() == "word" else list(text.strip())
    if found[2].lower() == "number":
        pieces = [str(mention.value) for mention in mentions("number", found[3])]
    place = {"first": 0, "second": 1, "third": 2, "last": -1}[found[1].lower()]
    return _fact(pieces[place].strip(".,;:!?")) if len(pieces) > max(place, 0) else None


def _compared(prompt: str) -> KnownFact | None:
    if found := _GREATER.search(prompt):
        left, right = float(found[1]), float(found[3].rstrip("."))
        yes = left < right if found[2].lower() in ("less", "smaller") else left > right
        return yes_or_no(yes, f"{found[1]} is {{}}{found[2]} than {found[3].rstrip('.')}.")
    if found := _COMPARED.search(prompt):
        both = sorted((found[2], found[3]), key=lambda figure: float(figure.replace(",", "")))
        value = both[0] if found[1].lower() in ("smaller", "less", "lower") else both[1]
        return _fact(value, f"{value} is {found[1]}.")
    return None


def _computed(prompt: str) -> KnownFact | None:
    if found := _PERCENT.search(prompt):
        value = float(found[1]) * float(found[2].replace(",", "")) / 100
        return _fact(_number(value), f"{found[1]}% of {found[2]} is {_number(value)}.")
    if found := _SQUARED.search(prompt):
        base, power = found[1] or found[4], 2 if (found[2] or found[3]).lower().startswith("square") else 3
        return _fact(_number(float(base) ** power))
    if found := _ORDERED.search(prompt):
        return _ordered(found)
    if found := _WORDED.search(prompt):
        sign = next(sign for sign, word in zip(_SIGNS, found.groups()[1:], strict=False) if word)
        return _worded(found[1], sign, found[6])
    if found := _OF_BOTH.search(prompt):
        sign = "+" if found[1] or found[7] else "-" if found[2] else "*"
        return _worded(found[3] or found[5], sign, found[4] or found[6])
    if found := _UNKNOWN.search(prompt):
        factor = {"": 1, "-": -1}.get(found[1]) or int(found[1])
        value = (int(found[5]) - int(found[3] + found[4])) / factor if factor else 0
        return KnownFact(
            _number(value), f"{found[2]} = {_number(value)}", facts={found[2]: value, "answer": _number(value)}
        )
    return None


def _ordered(found: re.Match[str]) -> KnownFact:
    verb, left, right = found[1].lower(), float(found[2]), float(found[3])
    value = _result("-", right, left) if verb == "subtract" else _result(_VERBS[verb], left, right)
    return _fact(_number(value), f"The result is {_number(value)}.")


def _worded(first: str, sign: str, second: str) -> KnownFact:
    value = _result(sign, _figure(first), _figure(second))
    return _fact(_number(value), f"{first} {sign} {second} = {_number(value)}")


def _figure(word: str) -> float:
    """The value of a figure or of a number word."""
    return float(COUNT_WORDS.get(word.lower()) or word.replace(",", "."))


def _result(sign: str, left: float, right: float) -> float:
    """The result of an operation; 0 for a division by zero."""
    return {"+": left + right, "-": left - right, "*": left * right, "/": left / right if right else 0}[sign]


def _told(prompt: str) -> KnownFact | None:
    """The answer to a small story: what is left or comes together, or how far something goes."""
    if found := _SPEED.search(prompt):
        way = _number(float(found[1]) * float(found[3]))
        return _fact(way, f"It goes {way} {found[2] or 'miles'}.")
    held, asked = _HELD.search(prompt), prompt.lower().rfind("how many")
    change = _CHANGED.search(prompt, held.end(), max(asked, held.end())) if held else None
    if not held or not change:
        return None
    each = _EACH.search(prompt, change.end(), asked)
    by = _figure(change["by"]) * (_figure(each[1]) if each else 1)
    value, things = _number(_figure(held[1]) + (-by if change["less"] else by)), held[2]
    return _fact(value, f"{value} {things} are left." if change["less"] else f"There are {value} {things}.")


def _converted(prompt: str) -> KnownFact | None:
    """All conversions that the prompt asks for."""
    found = [(one[0] or one[4], one[1] or one[5], one[2] or one[3]) for one in _CONVERT.findall(prompt)]
    results = [(*one, value) for one in found if (value := _measured(*one)) is not None]
    sentences = [f"{number} {source} is {value} {target}." for number, source, target, value in results]
    return _fact(", ".join(value for *_, value in results), " ".join(sentences)) if results else None


def _measured(number: str, source: str, target: str) -> str | None:
    """An amount in another unit; None if the units do not measure the same."""
    value = 1.0 if number.startswith("a") else float(number)
    (measure, size), (other, wanted) = _size(source), _size(target)
    if measure != other:
        return None
    if measure == "temperature":
        result = value if size == wanted else value * 9 / 5 + 32 if size < wanted else (value - 32) * 5 / 9
    else:
        result = value * size / wanted
    return _number(round(result, 2))


def _size(word: str) -> tuple[str, float]:
    short = word.lower().removeprefix("degrees ")
    return _SIZES.get(short) or _SIZES[short.rstrip("s")]


def _following(prompt: str) -> KnownFact | None:
    found = _NEXT.search(prompt)
    names = LISTS[found[1].lower()] if found else []
    word = found[3].capitalize() if found else ""
    if not found or word not in names:
        return None
    name = names[(names.index(word) + (1 if found[2].lower() == "after" else -1)) % len(names)]
    return _fact(name, f"{name} comes {found[2].lower()} {word}.")


def _labelled(prompt: str) -> KnownFact | None:
    """One of the labels that the prompt offers: *Is this positive or negative?*"""
    found = _OPTIONS.search(prompt)
    labels = re.split(r",? or |, | / |/", found[1]) if found else []
    if not found or not 2 <= len(labels) <= 8 or any(label.isdigit() for label in labels):
        return None
    quotes = mentions("quote", prompt)
    text = " ".join(str(mention.value) for mention in quotes) or found[2] or prompt[: found.start(1)]
    picks = bool(_PICKED.search(prompt))
    label = chosen(labels, text) or (labels[0] if picks else None)
    if label is None:
        return None
    feeling = label in ("positive", "negative", "neutral", "mixed")
    sentence = f"The sentiment is {label}." if feeling else f"This is {label}."
    return KnownFact(label, label if picks else sentence, facts={"label": label, "answer": label, "sentiment": label})


def _read(prompt: str) -> KnownFact | None:
    """The language of a quoted text, or the first sentence of a text to summarise."""
    if _TONGUE.search(prompt) and (quotes := mentions("quote", prompt)):
        name = language_of(str(quotes[0].value)).capitalize()
        return KnownFact(name, f"This is {name}.", facts={"language": name, "answer": name})
    if found := _SUMMARY.search(prompt):
        sentence = re.split(r"(?<=[.!?])\s", found[1].strip(" \"'“”"))[0]
        return KnownFact(sentence, sentence, facts={"summary": sentence})
    return None


def _repeated(prompt: str) -> KnownFact | None:
    if found := _EXACTLY.search(prompt):
        return _fact(found[1])
    if found := _THRICE.search(prompt):
        often = {"twice": 2}.get(found[2].lower()) or int(_figure(found[2]))
        return _fact(" ".join([found[1]] * often))
    return None


# --- dates ---------------------------------------------------------------------------------------------


def _dated(prompt: str) -> KnownFact | None:
    """The answer to a question about dates; None if it asks for none of these."""
    if found := _LEAP.search(prompt):
        year = int(found[1] or found[2])
        return yes_or_no(calendar.isleap(year), f"{year} is {{}}a leap year.")
    between, later, weekday = (pattern.search(prompt) for pattern in (_BETWEEN, _LATER, _WEEKDAY))
    if not (between or later or weekday):
        return None
    dates = _dates(prompt)
    if between and len(dates) == 2:
        apart = abs((dates[1] - dates[0]).days) // (7 if between[1].lower() == "weeks" else 1)
        return _fact(apart, f"There are {apart} {between[1].lower()} between {dates[0]} and {dates[1]}.", days=apart)
    if later and dates:
        return _moved(dates[0], later[1] or later[4], later[2] or later[5], (later[3] or "").lower())
    if weekday and dates:
        name = calendar.day_name[dates[0].weekday()]
        return _fact(name, f"{_written(dates[0])} is a {name}.", day=name)
    return None


def _dates(prompt: str) -> list[date]:
    """The dates of a text that the calendar has."""
    found = []
    for mention in mentions("date", prompt):
        try:
            found.append(date.fromisoformat(str(mention.value)))
        except ValueError:
            continue
    return found


def _moved(start: date, number: str, unit: str, way: str) -> KnownFact | None:
    """The date some days or weeks after another one, or before it; None if the calendar does not have it."""
    days = int(number) * (7 if unit.lower() == "week" else 1)
    try:
        moved = start + timedelta(days=-days if way in ("before", "prior to") else days)
    except OverflowError:
        return None
    return replace(_fact(str(moved), f"It is {_written(moved)} ({moved}).", date=str(moved)), short=_written(moved))


def _written(day: date) -> str:
    return f"{calendar.month_name[day.month]} {day.day}, {day.year}"


TASKS = CuedTasks[KnownFact](
    (_repeated, _EXACTLY, _THRICE), (_dated, _LEAP, _BETWEEN, _WEEKDAY, _LATER), (_extracted, _EXTRACT), (_counted, _COUNTED), (_turned, _CASED, _BACKWARDS),
    (_in_order, _SORTED), (_at_the_end, _ENDS), (_compared, _GREATER, _COMPARED),
    (_computed, _PERCENT, _SQUARED, _ORDERED, _WORDED, _OF_BOTH, _UNKNOWN), (_told, _SPEED, _HELD), (_converted, _CONVERT),
    (_following, _NEXT), (_labelled, _OPTIONS), (_read, _TONGUE, _SUMMARY),
)  # fmt: skip
