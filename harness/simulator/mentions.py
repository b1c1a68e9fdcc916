"""What a text mentions: quoted texts, numbers, places, names, dates, addresses and the like, each with the character where it starts."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from harness.simulator import world_facts

MOST_DIGITS = 18


class Mention(NamedTuple):
    """A value, and the character of the text where it starts."""

    at: int
    value: Any


_QUOTED = re.compile(
    r"(?<!\w)(?:\"([^\"\n]+)\"|“([^”\n]+)”|„([^“”\n]+)[“”]|«\s*([^»\n]+?)\s*»|`([^`\n]+)`|‘([^’\n]+)’(?!\w)|'([^\s'](?:[^'\n]|(?<=\w)'(?=\w))*)'(?!\w))"
)
"""Text in quotation marks. An apostrophe is one only at the edge of a word, and inside a quoted text it may stand within a word."""
_NUMBER = re.compile(
    r"(?<![\w.,])(?<![:/-](?<=\d[:/-]))[-−]?[$€£]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w])(?!:\d)|(?<=[*/+])\d+(?:\.\d+)?\b"
)
_EXPRESSION = re.compile(r"[-(]{0,5}\d[\d .,+\-*/×÷^()%]{0,100}[+\-*/×÷^] ?[\d.(][\d .,+\-*/×÷^()%]{0,100}")
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b")
_URL = re.compile(r"https?://[^\s\"'<>)]+[^\s\"'<>).,;:!?]")
_DATE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\b|\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})\b"
    r"|\b(?P<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* (?P<on>\d{1,2})(?:st|nd|rd|th)?,? (?P<of>\d{4})\b"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\b)?|\b\d{1,2}\s?[AaPp][Mm]\b")
_ID = re.compile(r"\b[A-Za-z]{1,30}[-_]\d[\w-]{0,40}\b|\b[A-Z]{1,5}\d[\w-]{0,40}\b|#\d{1,20}\b")
_SYMBOL = re.compile(r"\b[A-Z]{2,5}\b")
_PHONE = re.compile(r"\+?\d[\d ()-]{6,20}\d")
_CALENDAR = re.compile(
    r"\b(?:(?:next |this |last )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|today|tomorrow|tonight|yesterday|next (?:week|month|year)"
    r"|Jan(?:uary)?|Feb(?:ruary)?|March|April|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
)
_NAME = r"[A-ZÀ-ÞÄÖÜА-ЯЁ][\w'’-]{0,30}(?:(?<=\b[A-Z])\. (?=[A-Z]))?(?:[ ](?:(?:de|del|la|of|von|van|da) )?[A-ZÀ-ÞÄÖÜА-ЯЁ][\w'’-]{0,30}){0,4}"
"""A name: at most five words of bounded length, so that no text takes long to search."""
_PREPOSITION = (
    "in|at|for|of|to|near|from|between|around|about|inside|nach|von|für|bei|aus|à|a|au|en|de|pour|para|em|no|na|di|per|van|voor|"
    "på|i|til|w|we|do|в|во|для|из"
)
_PLACES = re.compile(
    rf"(?<![\w'’])(?i:{_PREPOSITION})\s+(?:(?i:the|der|die|das|la|le|el|il|city of|stadt|ville de)\s+)?"
    rf"(?P<names>{_NAME}(?:(?:\s*,\s*(?:(?:and|or)\s+)?|\s+(?:and|or|und|et|y|e|og|och|и)\s+)(?:(?:in|at|for|from|to)\s+)?{_NAME}){{0,20}})"
)
_SEPARATOR = re.compile(
    r"\s*,\s*(?:(?:and|or)\s+)?(?:(?:in|at|for|from|to)\s+)?|\s+(?:and|or|und|et|y|e|og|och|и)\s+(?:(?:in|at|for|from|to)\s+)?"
)
_NAMED_THING = re.compile(
    r"(?:['’]s)? (?:weather|temperature|forecast|time|population|climate|traffic|airport|hotels?)\b"
)
_LAST_NAME = re.compile(rf"(?<![\w'’-]){_NAME}$")
_NEAR = 60
"""Characters before such a word in which the name of a place is looked for."""
_SPELLED_LOW = re.compile(
    r"\b(?:in|at|for|near|to|from)\s+(?:the city of )?((?:(?:new|san|los|las|saint|st|santa|rio|buenos|mexico|hong|cape|tel|abu|sao|kuala|el|la|le|den|the)\s+)?"
    r"[a-zß-ÿ][a-zß-ÿ'’-]{2,}(?:\s*,\s*[a-z]{2,}\b)?)"
)
_IDEOGRAMS = re.compile(
    r"([\u4e00-\u9fff\u30a0-\u30ff]{2,8}?)(?:の|的)?(?:今日の|現在の|今天|现在)?(?:的)?(?:天気|天气|天氣|気温|气温|時間|时间)|([\uac00-\ud7af]{2,}?)(?:의)?\s+(?:오늘\s+|현재\s+)?(?:날씨|기온|시간)"
)
_NOT_NAMES = frozenset(
    [
        "a",
        "about",
        "according",
        "add",
        "after",
        "all",
        "also",
        "am",
        "an",
        "and",
        "answer",
        "any",
        "are",
        "as",
        "at",
        "based",
        "be",
        "begin",
        "book",
        "but",
        "buy",
        "by",
        "calculate",
        "call",
        "can",
        "check",
        "choose",
        "compare",
        "compute",
        "convert",
        "could",
        "count",
        "create",
        "current",
        "define",
        "describe",
        "did",
        "divide",
        "do",
        "does",
        "draw",
        "each",
        "evaluate",
        "explain",
        "extract",
        "fetch",
        "find",
        "first",
        "for",
        "from",
        "generate",
        "get",
        "give",
        "go",
        "hallo",
        "has",
        "have",
        "he",
        "hello",
        "help",
        "her",
        "hey",
        "hi",
        "his",
        "how",
        "i",
        "i'm",
        "if",
        "in",
        "independently",
        "invent",
        "is",
        "it",
        "it's",
        "just",
        "keep",
        "let",
        "list",
        "look",
        "make",
        "may",
        "me",
        "multiply",
        "my",
        "name",
        "need",
        "next",
        "no",
        "not",
        "now",
        "of",
        "ok",
        "on",
        "one",
        "open",
        "or",
        "order",
        "our",
        "pick",
        "plan",
        "play",
        "please",
        "print",
        "provide",
        "read",
        "record",
        "register",
        "remember",
        "remind",
        "repeat",
        "reply",
        "report",
        "return",
        "run",
        "save",
        "say",
        "search",
        "select",
        "send",
        "set",
        "she",
        "should",
        "show",
        "sing",
        "solve",
        "some",
        "start",
        "stop",
        "subtract",
        "sum",
        "summarize",
        "take",
        "tell",
        "thank",
        "thanks",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "think",
        "this",
        "those",
        "to",
        "today",
        "tomorrow",
        "translate",
        "turn",
        "two",
        "update",
        "use",
        "using",
        "was",
        "wear",
        "weather",
        "what",
        "what's",
        "when",
        "where",
        "which",
        "who",
        "who's",
        "whose",
        "why",
        "will",
        "with",
        "work",
        "would",
        "write",
        "yes",
        "you",
        "your",
        "wie",
        "was",
        "wo",
        "wer",
        "wann",
        "warum",
        "ist",
        "der",
        "die",
        "das",
        "ich",
        "bitte",
        "quel",
        "quelle",
        "comment",
        "est",
        "le",
        "la",
        "les",
        "qué",
        "cuál",
        "cómo",
        "es",
        "el",
        "dame",
        "какая",
        "какой",
        "celsius",
        "fahrenheit",
        "json",
        "xml",
        "html",
        "yaml",
        "api",
        "ai",
        "kelvin",
        "usd",
        "eur",
        "gbp",
    ]
)
_REGIONS = frozenset(
    [
        "AL",
        "AK",
        "AZ",
        "AR",
        "CA",
        "CO",
        "CT",
        "DE",
        "FL",
        "GA",
        "HI",
        "ID",
        "IL",
        "IN",
        "IA",
        "KS",
        "KY",
        "LA",
        "ME",
        "MD",
        "MA",
        "MI",
        "MN",
        "MS",
        "MO",
        "MT",
        "NE",
        "NV",
        "NH",
        "NJ",
        "NM",
        "NY",
        "NC",
        "ND",
        "OH",
        "OK",
        "OR",
        "PA",
        "RI",
        "SC",
        "SD",
        "TN",
        "TX",
        "UT",
        "VT",
        "VA",
        "WA",
        "WV",
        "WI",
        "WY",
        "DC",
        "UK",
        "USA",
        "US",
        "UAE",
        "ON",
        "BC",
        "QC",
        "AB",
        "NSW",
        "VIC",
        "California",
        "Texas",
        "Florida",
        "Washington",
        "Massachusetts",
        "Illinois",
        "Ontario",
        "Bavaria",
        "Queensland",
    ]
)
_SHORT_PLACES = frozenset(["UK", "USA", "US", "UAE", "NYC", "LA", "SF", "DC"])
_LOW_STOPS = frozenset(
    [
        "the",
        "this",
        "that",
        "these",
        "those",
        "fahrenheit",
        "celsius",
        "degrees",
        "kelvin",
        "english",
        "french",
        "german",
        "spanish",
        "general",
        "total",
        "order",
        "case",
        "example",
        "short",
        "one",
        "two",
        "three",
        "dollars",
        "euros",
        "me",
        "you",
        "him",
        "her",
        "them",
        "it",
        "us",
        "work",
        "home",
        "school",
        "today",
        "tomorrow",
        "now",
        "which",
        "what",
        "my",
        "your",
        "our",
        "their",
        "his",
        "some",
        "any",
        "each",
        "all",
        "more",
        "less",
        "most",
        "least",
        "json",
        "text",
        "addition",
        "use",
        "help",
        "details",
        "information",
        "detail",
        "words",
        "word",
        "sentence",
        "sentences",
        "mind",
        "fact",
        "front",
        "need",
        "sure",
        "find",
        "get",
        "date",
        "time",
        "next",
        "last",
        "order-",
    ]
)
_WORLD = {name.lower() for name in (*world_facts.CAPITALS, *world_facts.CAPITALS.values())}
_WORLD_WORD = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, _WORLD), key=len, reverse=True)) + r")\b", re.IGNORECASE
)
_STREET = re.compile(
    r"\b\d{1,6}[a-z]? (?:[A-Z][\w.]{0,30} ){1,5}(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Lane|Ln|Dr|Drive|Way|Square|Sq)\b\.?"
)
_AFTER_STREET = re.compile(rf"{_STREET.pattern},? (?:in )?(?P<names>{_NAME}(?:, {_NAME})?)")
_ZIP = re.compile(r"(?<=[A-Z]{2} )\d{5}\b")
_SPEAKER = re.compile(
    rf"\b(?i:my name is|i am called|call me|named|called|name is|mr\.?|mrs\.?|ms\.?|dr\.?|ich heiße|je m'appelle|me llamo)\s+({_NAME})|\b(?:I am|I'm|I’m) ({_NAME})"
)
_AGED = re.compile(
    r"\b(\d{1,3})[- ]years?[- ]old\b|\baged? (?:of |is )?(\d{1,3})\b|\b(\d{1,3}) (?:Jahre alt|ans|años)\b",
    re.IGNORECASE,
)


def _of_groups(pattern: re.Pattern[str], text: str) -> Iterator[Mention]:
    for found in pattern.finditer(text):
        group = next((n for n, value in enumerate(found.groups(), 1) if value), 0)
        yield Mention(found.start(group), found[group])


def quoted(text: str) -> Iterable[Mention]:
    return _of_groups(_QUOTED, text)


def numbers(text: str) -> Iterable[Mention]:
    """Numbers that are not part of a date, a time, an address or a quoted text."""
    taken = [
        found.span() for pattern in (_DATE, _TIME, _URL, _EMAIL, _ID, _STREET, _ZIP) for found in pattern.finditer(text)
    ]
    for found in _NUMBER.finditer(text):
        figure = found[0].replace(",", "").replace("−", "-").translate(_NO_MONEY)
        if len(figure) <= MOST_DIGITS and not any(start <= found.start() < end for start, end in taken):
            yield Mention(found.start(), float(figure) if "." in figure else int(figure))


_NO_MONEY = str.maketrans("", "", "$€£")


def ages(text: str) -> Iterable[Mention]:
    return (Mention(at, int(value)) for at, value in _of_groups(_AGED, text))


def expressions(text: str) -> Iterable[Mention]:
    """Arithmetic, as it is written."""
    for found in _EXPRESSION.finditer(text):
        if not _DATE.match(found[0]):
            yield Mention(found.start(), found[0].strip().rstrip(".,("))


def dates(text: str) -> Iterable[Mention]:
    """Dates as ``YYYY-MM-DD``, and words such as *tomorrow* as they are written."""
    for found in _DATE.finditer(text):
        month = found["month"] or (_MONTHS.index(found["name"].lower()) + 1 if found["name"] else None)
        day, year = found["day"] or found["on"], found["year"] or found["of"]
        yield Mention(found.start(), f"{year}-{int(month):02}-{int(day):02}" if month else found[0])
    yield from (Mention(found.start(), found[0]) for found in _CALENDAR.finditer(text))


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Iterable[Mention]]:
    return lambda text: (Mention(found.start(), found[0]) for found in pattern.finditer(text))


def symbols(text: str) -> Iterable[Mention]:
    """Words in capitals, such as GOOG or USD."""
    return (
        Mention(found.start(), found[0])
        for found in _SYMBOL.finditer(text)
        if found[0] not in ("AND", "OR", "NOT", "JSON", "I", "AI", "API")
    )


def places(text: str) -> Iterable[Mention]:
    """Cities, regions and countries: *San Francisco, CA* is one. In lower case only if no place is in capitals."""
    found = sorted({mention.value: mention for mention in _spelled_places(text)}.values()) if text else []
    if found:
        return found
    low = [
        Mention(place.start(1), place[1])
        for place in _SPELLED_LOW.finditer(text)
        if place[1].split()[0] not in _LOW_STOPS
    ]
    return low or [Mention(place.start(), place[0]) for place in _WORLD_WORD.finditer(text)]


def _spelled_places(text: str) -> Iterator[Mention]:
    taken = []
    for group in _PLACES.finditer(text):
        taken.append(group.span("names"))
        yield from _listed_places(group["names"], group.start("names"))
    for group in _AFTER_STREET.finditer(text):
        taken.append(group.span("names"))
        yield from _listed_places(group["names"], group.start("names"))
    for thing in _NAMED_THING.finditer(text):
        start = max(0, thing.start() - _NEAR)
        before = _LAST_NAME.search(text[start : thing.start()])
        name = _without_lead(before[0]) if before else ""
        if before and name and _is_place(name):
            yield Mention(start + before.start() + before[0].index(name), name)
    for found in _WORLD_WORD.finditer(text):
        if found[0][0].isupper() and not any(start <= found.start() < end for start, end in taken):
            yield Mention(found.start(), found[0])
    yield from _of_groups(_IDEOGRAMS, text)


def _listed_places(names: str, start: int) -> Iterator[Mention]:
    """The places of a list. A region or country after a comma belongs to the place before it."""
    held: Mention | None = None
    at = 0
    for separator in [*_SEPARATOR.finditer(names), None]:
        end = separator.start() if separator else len(names)
        name = names[at:end].strip(" .")
        joins = held is not None and names[:at].rstrip().endswith(",") and _is_region(name, str(held.value))
        if held is not None and joins:
            held = Mention(held.at, f"{held.value}, {name}")
        else:
            yield from [held] if held else []
            name = _without_lead(name)
            held = Mention(start + at, name) if name and _is_place(name) else None
        at = separator.end() if separator else at
    yield from [held] if held else []


def _is_region(name: str, before: str) -> bool:
    return name in _REGIONS or (name.lower() in world_facts.COUNTRIES and before.lower() not in world_facts.COUNTRIES)


def _is_place(name: str) -> bool:
    if name.isupper() and len(name) > 1 and name not in _SHORT_PLACES:
        return False
    return not _CALENDAR.fullmatch(name) and name.split(maxsplit=1)[0].lower() not in _NOT_NAMES


def _without_lead(name: str) -> str:
    """The name without words in front of it that are no names, and without a genitive."""
    words = name.split()
    while words and words[0].lower().strip(".,") in _NOT_NAMES:
        words = words[1:]
    return re.sub(r"['’]s$", "", " ".join(words))


def people(text: str) -> Iterable[Mention]:
    """Names after *my name is* and the like; without one, the other names in capitals that are no places and no dates."""
    spoken = list(_of_groups(_SPEAKER, text))
    spoken = [Mention(at, name) for at, value in spoken if (name := _without_lead(value))]
    return spoken or names(text)


def names(text: str) -> list[Mention]:
    """Names in capitals, without places of a list of places, days and months."""
    found: list[Mention] = []
    located = {str(mention.value) for mention in places(text)}
    for name in _ANY_NAME.finditer(text):
        value = "" if text[name.end() : name.end() + 1] == ":" else _without_lead(name[0])
        if (
            value
            and value not in located
            and not _CALENDAR.fullmatch(value)
            and not (value.isupper() and len(value) > 1)
        ):
            found.append(Mention(name.start() + name[0].index(value), value))
    return found


_ANY_NAME = re.compile(rf"\b{_NAME}")

FINDERS: Mapping[str, Callable[[str], Iterable[Mention]]] = {
    "quote": quoted, "number": numbers, "age": ages, "expression": expressions, "date": dates, "time": _plain(_TIME),
    "email": _plain(_EMAIL), "url": _plain(_URL), "phone": _plain(_PHONE), "street": _plain(_STREET), "zip": _plain(_ZIP), "id": _plain(_ID), "symbol": symbols, "place": places,
    "person": people, "name": names,
}  # fmt: skip
"""Kind of mention -> finder."""


@lru_cache(maxsize=512)
def mentions(kind: str, text: str) -> tuple[Mention, ...]:
    """All mentions of a kind, in the order of the text, each value once."""
    found: dict[Any, Mention] = {}
    for mention in FINDERS[kind](text):
        found.setdefault((mention.value, mention.at) if kind == "number" else mention.value, mention)
    return tuple(sorted(found.values(), key=lambda mention: mention.at))
