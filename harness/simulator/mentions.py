"""What a text mentions: quoted texts, numbers, places, names, dates, addresses and the like, each with the character where it starts."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here, and lists of words

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from harness.simulator import world_facts
from harness.simulator.amounts import things
from harness.simulator.clues import language_of
from harness.simulator.style import LANGUAGES
from harness.simulator.words import WORDS

MOST_DIGITS = 18


class Mention(NamedTuple):
    """A value, and the character of the text where it starts."""

    at: int
    value: Any


_QUOTED = re.compile(
    r"(?<!\w)(?:\"([^\"\n]+)\"|“([^”\n]+)”|„([^“”\n]+)[“”]|«\s*([^»\n]+?)\s*»|`([^`\n]+)`|‘([^’\n]+)’(?!\w)|'([^\s'](?:[^'\n]|(?<=\w)'(?=\w))*)'(?!\w))"
)
"""Text in quotation marks. An apostrophe is one only at the edge of a word, and inside a quoted text it may stand within a word."""
_CONTINENTAL = re.compile(
    r"(?<![\w.,])(?:(\d{1,3}(?:[.\u00a0 ]\d{3})+)(?:,(\d{1,2}))?|(\d{1,9}),(\d{1,2}))(?=\s?(?:€|EUR\b|[Ee]uros?\b|kg\b|cm\b|km\b|m²|Uhr\b|°|%|Prozent\b|CHF\b|Franken\b))"
)
"""A number with a decimal comma. Only a unit after it tells that it is no list."""
_COMMA_LANGUAGES = ("german", "french", "spanish", "italian", "portuguese")
_DECIMAL_COMMA = re.compile(
    r"(?<![\w.,])(?:(\d{1,3}(?:[.\u00a0 ]\d{3})+)(?:,(\d{1,2}))?|(\d{1,9}),(\d{1,2}))(?![\w.,]?\d|\w)"
)
"""A number as these languages write it."""
_CJK = "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
"""Letters that stand beside a number without a space."""
_NUMBER = re.compile(
    rf"(?<![^\W{_CJK}])(?<!\.)(?<!\d,(?=\d{{3}}))(?<![:/-](?<=\d[:/-]))[-−]?[$€£]?\d+(?:,\d{{3}})*(?:\.\d+)?(?![^\W{_CJK}])(?!:\d)"
    r"|(?<=[*/+])\d+(?:\.\d+)?\b|(?<![\w.])(?!0x)\d+(?:\.\d+)?(?=[x×]\d)|(?:(?<=[1-9][x×])|(?<=\d0[x×]))\d+(?:\.\d+)?(?![^\Wx×])"
)
_EXPRESSION = re.compile(r"[-(]{0,5}\d[\d .,+\-*/×÷^()%]{0,100}[+\-*/×÷^] ?[\d.(][\d .,+\-*/×÷^()%]{0,100}")
_PERCENTAGE = re.compile(r"(?<!\d)\d+(?:\.\d+)?\s?% of [$€£]?\d[\d,.]*\b")
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b")
_URL = re.compile(r"https?://[^\s\"'<>)]+[^\s\"'<>).,;:!?]")
_MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan ene gen", "feb fév", "mar mär", "apr avr abr", "mai may mag maj", "jun juin giu", "jul juil lug", "aug août ago", "sep set", "oct okt out ott", "nov",
            "dec dez déc dic",
        ),
        1,
    )
    for word in words.split()
}  # fmt: skip
"""The beginning of a month's name in several languages -> its number."""
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})[a-zéûàä]*\.?"
_DATE = re.compile(
    r"\b(?P<iso>\d{4}-\d{2}-\d{2})\b|\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})\b"
    rf"|\b(?P<name>(?i:{_MONTH})) (?P<on>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<of>\d{{4}})\b"
    rf"|\b(?P<first>\d{{1,2}})(?:\.|er|st|nd|rd|th)?(?: de| of)? (?P<named>(?i:{_MONTH}))(?: de)?,? (?P<in>\d{{4}})\b"
    r"|(?P<nen>\d{4})年(?P<gatsu>\d{1,2})月(?P<nichi>\d{1,2})日"
    r"|\b(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\b"
)
_TIME = re.compile(
    r"\b\d{1,2}h\d{2}\b|\b\d{1,2} (?=Uhr\b)|\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\b)?|\b\d{1,2}\s?[AaPp][Mm]\b"
)
_ID = re.compile(
    r"\b[A-Za-z]{1,30}[-_]\d[\w-]{0,40}(?:/\d{1,6})?\b|\b[A-Z]{1,5}\d[\w-]{0,40}\b|\b\d{1,10}-[A-Z]\w{0,10}\b|#\d{1,20}\b",
    re.ASCII,
)
_SYMBOL = re.compile(r"\b[A-Z]{2,5}\b")
_PHONE = re.compile(r"\+?\d[\d ()-]{6,20}\d")
_CALENDAR = re.compile(
    r"\b(?:(?:next |this |last )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|today|tomorrow|tonight|yesterday|next (?:week|month|year)"
    r"|Jan(?:uary)?|Feb(?:ruary)?|March|April|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
    r"(?: \d{1,2}(?:st|nd|rd|th)?\b)?"
)
NAME = r"(?:[A-Z]\.[ ]?){0,3}[A-ZÀ-ÞÄÖÜА-ЯЁ][\w'’-]{0,30}(?:(?<=\b[A-Z])\. (?=[A-Z]))?(?:[ ](?:(?:de|del|la|der|of|von|van|da) ){0,2}[A-ZÀ-ÞÄÖÜА-ЯЁ][\w'’-]{0,30}){0,4}"
"""A name: at most five words of bounded length, so that no text takes long to search."""
_PREPOSITION = (
    "in|at|for|of|to|near|from|between|around|about|inside|nach|von|für|bei|aus|à|a|au|en|de|pour|para|em|no|na|di|per|van|voor|"
    "på|i|til|w|we|do|в|во|для|из"
)
_AFTER_ZIP = re.compile(rf"(?<=[,\n] )\d{{4,5}} (?P<names>{NAME}(?:, {NAME})?)")
_CURRENCIES = {
    "EUR": r"€|\beuros?\b", "USD": r"\$|\b(?:us[- ])?dollars?\b", "GBP": r"£|\bpounds? sterling\b|\bpounds?\b", "JPY": r"¥|\byen\b",
    "CHF": r"\bfranken\b|\bswiss francs?\b", "INR": r"₹|\brupees?\b",
}  # fmt: skip
_CURRENCY = re.compile(
    "|".join(rf"(?P<{code}>{words}|\b{code}\b)" for code, words in _CURRENCIES.items()), re.IGNORECASE
)
_PLACES = re.compile(
    rf"(?<![\w'’])(?i:{_PREPOSITION})\s+(?:(?i:the|der|die|das|la|le|el|il|city of|stadt|ville de)\s+)?"
    rf"(?P<names>{NAME}(?:(?:\s*,\s*(?:(?:and|or)\s+)?|\s+(?:and|or|und|et|y|e|og|och|и)\s+)(?:(?:in|at|for|from|to)\s+)?{NAME}){{0,20}})"
)
_SEPARATOR = re.compile(
    r"\s*,\s*(?:(?:and|or)\s+)?(?:(?:in|at|for|from|to)\s+)?|\s+(?:and|or|und|et|y|e|og|och|и)\s+(?:(?:in|at|for|from|to)\s+)?"
)
_NAMED_THING = re.compile(
    r"(?:['’]s)? (?:weather|temperature|forecast|time|population|climate|traffic|airport|hotels?)\b"
)
_LAST_NAME = re.compile(rf"(?<![\w'’-]){NAME}$")
_NEAR = 60
"""Characters before such a word in which the name of a place is looked for."""
_SPELLED_LOW = re.compile(
    r"\b(?:in|at|for|near|to|from)\s+(?:the city of )?((?:(?:new|san|los|las|saint|st|santa|rio|buenos|mexico|hong|cape|tel|abu|sao|kuala|el|la|le|den|the)\s+)?"
    r"[a-zß-ÿ][a-zß-ÿ'’-]{2,}(?:\s*,\s*[a-z]{2,}\b)?)"
)
_IDEOGRAMS = re.compile(
    r"([\u4e00-\u9fff\u30a0-\u30ff]{2,8}?)(?:の|的)?(?:今日の|現在の|今天|现在)?(?:的)?(?:天気|天气|天氣|気温|气温|時間|时间)|([\uac00-\ud7af]{2,12}?)(?:의)?\s+(?:오늘\s+|현재\s+)?(?:날씨|기온|시간)"
)
_LIVES = re.compile(
    r"([\u0900-\u097f]{2,20})(?= में (?:रहत|मौसम|तापमान|समय))|([\u4e00-\u9fff\u30a0-\u30ff]{2,8})(?=に住|に在住|在住|出身|に行|へ行|で働|で開)|(?:住在|来自|去|位于)([\u4e00-\u9fff]{2,4}?)(?=[，。、,.]|的|工作|$)"
)
_ROOM = re.compile(
    r"\b(?:Room|Hall|Gate|Terminal|Platform|Suite|Building|Studio|Lab|Raum|Saal|Halle|Gleis|[Ss]alle|[Ss]ala)\s[A-Z]?\d{1,4}[A-Z]?\b"
)
_NOT_NAMES = frozenset(WORDS["no_names"].split())
_REGIONS = frozenset(WORDS["regions"].split())
_SHORT_PLACES = frozenset(["UK", "USA", "US", "UAE", "NYC", "LA", "SF", "DC"])
_LOW_STOPS = frozenset(WORDS["no_places"].split())
_WORLD = {name.lower() for name in (*world_facts.CAPITALS, *world_facts.CAPITALS.values())}
_BY_INITIAL = {
    first: "|".join(sorted((re.escape(name[1:]) for name in _WORLD if name[0] == first), key=len, reverse=True))
    for first in sorted({name[0] for name in _WORLD})
}
_WORLD_WORD = re.compile(
    rf"\b(?:{'|'.join(f'{first}(?:{rests})' for first, rests in _BY_INITIAL.items())})\b", re.IGNORECASE
)
_STREET = re.compile(
    r"\b\d{1,6}[a-zA-Z]? (?:[A-Z][\w.]{0,30} ){1,5}(?:St|Street|Ave|Avenue|Rd|Road|Blvd|Lane|Ln|Dr|Drive|Way|Square|Sq)\b"
    r"|\b[A-ZÄÖÜ][\w-]{0,30}(?:straße|strasse|str\.|weg|platz|allee|gasse) \d{1,4}[a-z]?\b"
    r"|\b\d{1,4}[a-z]? [A-ZÄÖÜ][\w-]{0,30}(?:straße|strasse|weg|platz|allee|gasse)\b"
    r"|\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin)(?: (?:de|des|du|la|le|les|d'|l'))* [A-ZÀ-Þ][\w'’-]{0,30}(?: [A-ZÀ-Þ][\w'’-]{0,30}){0,3}"
    r"|\b(?:[Cc]alle|[Aa]venida|[Pp]aseo|[Pp]laza|[Vv]ia|[Pp]iazza|[Rr]ua)(?: (?:de|del|la|las|los))* [A-ZÀ-Þ][\w'’-]{0,30}(?: [A-ZÀ-Þ][\w'’-]{0,30}){0,3},? \d{1,4}\b"
)
_AFTER_STREET = re.compile(rf"(?:{_STREET.pattern}),? (?:in )?(?P<names>{NAME}(?:, {NAME})?)")
_ZIP = re.compile(
    r"(?<=[A-Z]{2} )\d{5}\b|(?<=[,\n] )(?!(?:19|20)\d\d )\d{4,5}(?= [A-ZÄÖÜ])|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"
)
_SPEAKER = re.compile(
    r"([\u4e00-\u9fff\u30a0-\u30ff]{2,8})(?=さん|様|氏|くん|ちゃん|先生|女士)|(?:我叫|名叫|叫做|名字是|名前は|名は)([^\W\d_a-z]{2,6}?)(?=です|だ|と|[。，、,.]|\s|$)|(?:नाम|मैं) ([\u0900-\u097f]{2,20})(?= (?:है|हूँ|हूं))|(?:^|[。，：:])([\u4e00-\u9fff]{2,3})(?=今年)|([\u0900-\u097f]{2,20})(?= \d{1,3} (?:साल|वर्ष))"
    rf"|\b(?i:my name is|i am called|call me|named|called|name is|president|chancellor|senator|minister|professor|m\.|mme|mlle|mr\.?|mrs\.?|ms\.?|dr\.?|herrn?|frau|señora?|monsieur|madame|ich heiße|je m['’]appelle|me llamo|meu nome é|me chamo|mi chiamo|mi nombre es|mein name ist)\s+({NAME})|\b(?:I am|I'm|I’m) ({NAME})"
)
_AGED = re.compile(
    r"(\d{1,3}) ?(?:歳|岁|歲|세|살|साल|वर्ष)|\b(\d{1,3})[- ]years?[- ]old\b|\baged? (?:of |is )?(\d{1,3})\b|\b(\d{1,3}) (?:Jahre alt|ans|años|anos|anni)\b",
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
    continental = _DECIMAL_COMMA if language_of(text) in _COMMA_LANGUAGES else _CONTINENTAL
    for found in continental.finditer(text):
        whole, cents = found[1] or found[3], found[2] or found[4]
        digits = re.sub(r"\D", "", whole)
        yield Mention(found.start(), float(f"{digits}.{cents}") if cents else int(digits))
    taken = [found.span() for pattern in (continental, *_NO_NUMBERS) for found in pattern.finditer(text)]
    for found in _NUMBER.finditer(text):
        figure = found[0].replace(",", "").replace("−", "-").translate(_NO_MONEY)
        if len(figure) <= MOST_DIGITS and not any(start <= found.start() < end for start, end in taken):
            value = float(figure) if "." in figure else int(figure)
            scale = _SCALE.match(text, found.end())
            yield Mention(found.start(), _scaled(value, scale[1]) if scale else value)


def _scaled(value: float, word: str) -> float:
    scaled = value * _SCALES[word[0].lower() if word[0] in "mM" else word[:2].lower()]
    return int(scaled) if scaled == int(scaled) else scaled


_SCALE = re.compile(r"\s(thousand|tausend|million|Million|millones|millón|Mio|billion)\w{0,3}\b")
_SCALES = {"th": 1_000, "ta": 1_000, "m": 1_000_000, "bi": 1_000_000_000}


_NO_NUMBERS = (_DATE, _TIME, _URL, _EMAIL, _ID, _STREET, _ZIP)
"""What has digits and is no plain number."""
_NO_MONEY = str.maketrans("", "", "$€£")


def ages(text: str) -> Iterable[Mention]:
    return (Mention(at, int(value)) for at, value in _of_groups(_AGED, text))


def expressions(text: str) -> Iterable[Mention]:
    """Arithmetic, as it is written."""
    for found in (*_EXPRESSION.finditer(text), *_PERCENTAGE.finditer(text)):
        if not _DATE.match(found[0]):
            yield Mention(found.start(), found[0].strip().rstrip(".,("))


def dates(text: str) -> Iterable[Mention]:
    """Dates as ``YYYY-MM-DD``, and words such as *tomorrow* as they are written, unless a date explains them."""
    whole = list(_DATE.finditer(text))
    for found in whole:
        month = found["month"] or found["m"] or found["gatsu"] or _month(found["name"] or found["named"])
        day = found["day"] or found["d"] or found["on"] or found["first"] or found["nichi"]
        year = found["year"] or found["y"] or found["of"] or found["in"] or found["nen"]
        yield Mention(found.start(), found["iso"] or f"{year}-{int(month):02}-{int(day):02}")
    for word in _CALENDAR.finditer(text):
        explained = _DATE.match(text, word.end() + 2) and text[word.end() :].startswith(" (")
        if not explained and not any(found.start() <= word.start() < found.end() for found in whole):
            yield Mention(word.start(), word[0])


def moments(text: str) -> Iterator[Mention]:
    """Dates and times as they are written; a date and the time beside it are one."""
    spans = sorted({found.span() for pattern in (_DATE, _CALENDAR, _TIME) for found in pattern.finditer(text)})
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        beside = joined and (start < joined[-1][1] or _BETWEEN.fullmatch(text[joined[-1][1] : start]))
        first, last = joined.pop() if beside else (start, end)
        joined.append((first, max(last, end)))
    return (Mention(start, text[start:end]) for start, end in joined)


_BETWEEN = re.compile(r",? ?(?:at|on|um|at around|à|a las|alle|@|T)? ?")


def _month(name: str | None) -> int:
    return next((number for start, number in _MONTHS.items() if name and name.lower().startswith(start)), 1)


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
    others = {found.start() for pattern in (_STREET, _ROOM) for found in pattern.finditer(text)}
    others |= {found.start(3) for found in _ORGANIZATION.finditer(text)}
    for group in _PLACES.finditer(text):
        if group.start("names") in others:
            continue
        taken.append(group.span("names"))
        yield from _listed_places(group["names"], group.start("names"))
    for group in (*_AFTER_STREET.finditer(text), *_AFTER_ZIP.finditer(text)):
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
    yield from _of_groups(_LIVES, text)
    yield from (Mention(found.start(), found[0]) for found in _ROOM.finditer(text))


def _listed_places(names: str, start: int) -> Iterator[Mention]:
    """The places of a list. A region or country after a comma belongs to the place before it."""
    held: Mention | None = None
    at = 0
    for separator in [*_SEPARATOR.finditer(names), None]:
        end = separator.start() if separator else len(names)
        name = names[at:end].strip(" .")
        joins = held is not None and names[:at].rstrip().endswith(",") and is_region(name, str(held.value))
        if held is not None and joins:
            held = Mention(held.at, f"{held.value}, {name}")
        else:
            yield from [held] if held else []
            name = _without_lead(name)
            held = Mention(start + at, name) if name and _is_place(name) else None
        at = separator.end() if separator else at
    yield from [held] if held else []


def is_region(name: str, before: str = "") -> bool:
    """Whether a name after a comma is a region or a country of the place before it."""
    return name in _REGIONS or (name.lower() in world_facts.COUNTRIES and before.lower() not in world_facts.COUNTRIES)


def _is_place(name: str) -> bool:
    if name.isupper() and len(name) > 1 and name not in _SHORT_PLACES:
        return False
    return not _CALENDAR.fullmatch(name) and not _is_given(name) and name.split(maxsplit=1)[0].lower() not in _NOT_NAMES


def _without_lead(name: str) -> str:
    """The name without words in front of it that are no names, and without a genitive."""
    words = name.split()
    while words and words[0].lower().strip(".,") in _NOT_NAMES:
        words = words[1:]
    return re.sub(r"['’]s?$", "", " ".join(words))


def people(text: str) -> Iterable[Mention]:
    """Names after *my name is* and the like, and those that start with a given name; without one, the other names in capitals that are no
    places and no dates."""
    spoken = [Mention(at, name) for at, value in _of_groups(_SPEAKER, text) if (name := _without_lead(value))]
    taken = {str(mention.value) for mention in spoken}
    taken |= {found[3] for found in _ORGANIZATION.finditer(text)}
    capitals = [mention for mention in _capitals(text) if mention.value not in taken]
    is_given = [_is_given(value) or bool(_IS_SO_OLD.match(text, at + len(value))) for at, value in capitals]
    for n, (first, second) in enumerate(pairwise(capitals)):
        if text[first.at + len(str(first.value)) : second.at] in _LISTED and (is_given[n] or is_given[n + 1]):
            is_given[n] = is_given[n + 1] = True  # listed beside a given name: Ana, Raj and Tom
    given = [mention for mention, is_one in zip(capitals, is_given, strict=True) if is_one]
    return [*spoken, *given] or names(text)


_IS_SO_OLD = re.compile(
    r" (?:is|ist|turns|tiene|tem|a|ha) \d{1,2}(?= ?(?:years|jahre|ans|años|anos|anni|and|und|et|y|e)\b|[,.;]|$)",
    re.IGNORECASE,
)
_LISTED = (", ", " and ", ", and ", " und ", " et ", " y ", " e ", " & ")


def _is_given(name: str) -> bool:
    return _plain_letters(name.partition(" ")[0]) in _GIVEN


def _plain_letters(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))


_GIVEN = frozenset(map(_plain_letters, world_facts.GIVEN_NAMES))


def names(text: str) -> list[Mention]:
    """Names in capitals, without places of a list of places, days and months."""
    located = {str(mention.value) for mention in places(text)}
    return [mention for mention in _capitals(text) if mention.value not in located]


def _capitals(text: str) -> Iterator[Mention]:
    """All names in capitals, without days and months, and without words before a colon."""
    for name in _ANY_NAME.finditer(text):
        value = _own(_without_lead(name[0]))
        value = "" if text[name.end() : name.end() + 1] == ":" and not _is_given(value) else value
        shouted = value.isupper() and len(value) > 1
        if value and not _CALENDAR.fullmatch(value) and not shouted:
            yield Mention(name.start() + name[0].index(value), value)


def _own(name: str) -> str:
    """The part of *Order of Jane Doe* that is a person's name."""
    joint = _JOINT.search(f" {name}")
    last = name[joint.end() - 1 :] if joint else ""
    return last if _is_given(last) and not _is_given(name) else name


_JOINT = re.compile(r" (?:von|de|of|van|da|del|CEO|CTO|CFO|President|Minister|Senator|Chancellor|Director|Professor) ")
_ANY_NAME = re.compile(rf"\b{NAME}")


_OCCUPATION = re.compile(
    r"\b(?:work(?:s|ed|ing)?|employed|job|hired)(?: [\w ]{0,20})? as (?:an? |the )?([a-z][a-z-]+(?: [a-z][a-z-]+){0,2}?)(?=\s(?:at|for|in|from|and|since)\b|[.,;:!?)]|$)"
    r"|\b(?:is|am|was) an? (?:\d{1,3}[- ]years?[- ]old )?((?:[a-z-]+ ){0,2}?[a-z]+(?:er|or|ist|ian|ant|eer|yst|ect|chef|nurse|man|woman))(?=\s(?:at|for|in|from|and|who|by)\b|[.,;:!?)]|$)"
    r"|\b(?:arbeitet|travaille|trabaja|lavora)(?: [^.;\n]{0,30}?)? (?:als|comme|como|come) (?:ein |eine |un |une |una )?([^\W\d_]+)"
)
_ORGANIZATION = re.compile(
    rf"\b((?:[A-Z][\w&'’-]{{0,30}} ){{1,4}}(?:Inc|Corp|Ltd|LLC|GmbH|AG|SA|Co|University|Institute|Bank|Group)\b)|({NAME})(?=(?:['’]s)? (?:CEO|CTO|CFO|stock|shares?)\b)"
    rf"|\b(?i:works? (?:at|for)|working (?:at|for)|employed by|joined|arbeitet bei|travaille chez|trabaja en|trabalha na) ({NAME})"
)
_ROOMS = re.compile(
    r"\b(?:kitchen|(?:living|dining|bed|bath|guest|meeting|conference) ?room|office|garage|hallway|basement|attic|nursery|study|porch|garden"
    r"|wohnzimmer|schlafzimmer|küche|bad|büro|flur|keller|salon|cuisine|chambre|cocina|dormitorio|salón)\b",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"\b(?:" + "|".join(LANGUAGES) + r")\b", re.IGNORECASE)
_VERSION = re.compile(r"\bv?\d{1,4}(?:\.\d{1,5}){1,3}(?:-\w{1,12})?\b")
_ADDRESS = re.compile(
    rf"(?:{_STREET.pattern})(?:,? (?:in )?(?:\d{{4,5}} )?{NAME}(?:, {NAME}| [A-Z]{{2}} \d{{5}}){{0,2}})?"
)
_COLOUR = re.compile(
    r"\b(?:"
    + "|".join(world_facts.COLOURS)
    + r"|rote[rsnm]?|blaue?[rsnm]?|grüne?[rsnm]?|schwarze?[rsnm]?|weiße?[rsnm]?"
    r"|gelbe?[rsnm]?|rouges?|bleue?s?|vertes?|noire?s?|blanche?s?|roj[oa]s?|azul(?:es)?|negr[oa]s?|blanc[oa]s?|amarill[oa]s?)\b",
    re.IGNORECASE,
)


def currencies(text: str) -> Iterable[Mention]:
    """The codes of the currencies that signs, words or codes name."""
    return (Mention(found.start(), str(found.lastgroup)) for found in _CURRENCY.finditer(text))


def money(text: str) -> Iterable[Mention]:
    """Numbers beside a sign or a word of a currency."""
    signs = [(found.start(), found.end()) for found in _CURRENCY.finditer(text)]
    for mention in numbers(text):
        end = _FIGURE_END.match(text, mention.at)
        after = end.end() if end else mention.at
        if any(start <= mention.at <= stop or 0 <= start - after <= 1 for start, stop in signs):
            yield mention


_UNIT = re.compile(
    r"\d ?(mm|cm|m|km|in|inch(?:es)?|ft|feet|miles?|kg|g|lbs?|oz|ml|l|°[CF]|celsius|fahrenheit|%)(?!\w)", re.IGNORECASE
)
"""A unit behind a number."""
_FIGURE_END = re.compile(r"[-−$€£]*[\d.,\u00a0]*\d")
FINDERS: Mapping[str, Callable[[str], Iterable[Mention]]] = {
    "quote": quoted, "number": numbers, "age": ages, "expression": expressions, "date": dates, "time": _plain(_TIME), "moment": moments,
    "email": _plain(_EMAIL), "url": _plain(_URL), "phone": _plain(_PHONE), "street": _plain(_STREET), "zip": _plain(_ZIP), "id": _plain(_ID), "symbol": symbols, "currency": currencies, "money": money, "thing": lambda text: map(Mention._make, things(text)), "place": places,
    "occupation": lambda text: _of_groups(_OCCUPATION, text), "colour": _plain(_COLOUR), "language": _plain(_LANGUAGE),
    "version": _plain(_VERSION), "address": _plain(_ADDRESS),
    "unit": lambda text: _of_groups(_UNIT, text), "room": _plain(_ROOMS), "organization": lambda text: _of_groups(_ORGANIZATION, text),
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
