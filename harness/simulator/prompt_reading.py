"""Finds values for JSON and for arguments of calls in the prompt and in known facts. One reader for both."""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from harness.simulator import world_facts
from harness.simulator.amounts import COUNT_WORDS
from harness.simulator.clues import fits
from harness.simulator.errors import refusal
from harness.simulator.knowledge import KnownFact
from harness.simulator.mentions import Mention, is_region, mentions
from harness.simulator.roles import holder, role_in
from harness.simulator.schema_resolution import Schema, first_type, is_nullable
from harness.simulator.seed import Seed
from harness.simulator.words import by_word

LARGEST = 20_000
"""The maximum of values, characters or keys that one schema may require."""
_LABEL = re.compile(r"^[\s*\-•>]*([A-Za-z][\w .#/()-]{0,40}?)\s*[:=]\s*(\S[^\n]*?)\s*$", re.MULTILINE)
_ONE_LINE = re.compile(
    r"[.;,]\s+(?=[A-Z][\w ]{0,30}[:=]\s)|[.;]\s+(?=[A-Z][\w'’]{0,20}(?: \w{1,20}){0,3} (?:is|are|was|were|has|have)\b)"
)
"""The end of a label on one line: ``Name: Soup. Servings: 4``, ``Owner: Kofi. The task is open``."""
_WITHIN = re.compile(
    r"(?<![\w/])([A-Za-z]\w{0,30}(?: \w{1,30}){0,2}?)\s?(?::\s|=\s?)(?!/)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;\"':](?:[^,;:=\n]|:(?=[\d/]))*?)"
    r"(?=\s*(?:[,;\n]|[.!?](?:\s|$)|$|\s(?:and|with)\s+\w+\s?[:=]))"
)
"""A label in the middle of a line: ``with name: Ada Byron, and greeting: Hello``."""
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_KINDS = by_word("kinds")
"""Words of a name, and the kinds of mentions that such a value is, best first. The last word of the name counts first."""
_QUESTIONS = frozenset(["query", "queries", "q", "search", "question", "prompt", "keywords", "topic", "subject"])
_CONTENT = frozenset(["text", "message", "content", "input", "body"])
_NOT_ASKED = re.compile(
    r"\b(?:what|which|who|when|where|how|is|are|was|were|the|a|an|do|does|did|can|could|you|please|me|i|tell|find|search|for|look|up|use|using|web|tool|current|about"
    r"|give|show|of|to|and|call)\b|[?.!,\"“”]",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\b(?:saying|that says|telling \w+|reads)(?: that)?[:,]? ([^\n]{3,200}?)[.!]?$"
    r"|\b[Rr]emind \w+ (?:to|that|about) ([^\n]{3,200}?)(?= (?:at|on|by|in|every|tomorrow|tonight|today|next)\b|[.!?]?$)"
    r"|^[^:\n]{10,80}: ([^\n]{12,300})$",
    re.IGNORECASE,
)
"""What a message says: *an email saying that all is well*, *remind me to call*, *write to Bo: ...*."""
_NEGATED = r"\b(?:not|no|without|never|isn't|isn’t|n't|off|false|disable[ds]?)\b[^.,;?!]{0,15}"


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where values come from: the text, the known answer to the question, and the seed. ``given``: a value that the text does not give is left
    out where it may be, as in arguments of calls. ``extracts``: it is null where it may be. ``narrow``: the text is about one item of a list;
    ``related``: what it has in turn follows it.
    ``taken`` are the mentions that have been used."""

    text: str
    seed: Seed
    known: KnownFact | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    given: bool = False
    extracts: bool = False
    narrow: bool = False
    related: bool = False
    taken: dict[tuple[str, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, seed: Seed, known: KnownFact | None = None, *, given: bool = False) -> ValueSource:
        return cls(text, seed, known, labels_of(text), given)

    def take(self, kind: str, at: ValuePlace) -> Any:
        """The mention of a kind that this place has claimed, else the first that no other place has taken."""
        found = [mention for mention in mentions(kind, self.text) if kind != "quote" or not _names_field(mention, at)]
        named = mentions("name", self.text) if kind == "person" else ()
        mine = [mention for mention in (*found, *named) if self.taken.get((_pool(kind), mention.at)) == at.path]
        for mention in [*mine, *found]:
            if self.taken.setdefault((_pool(kind), mention.at), at.path) == at.path:
                return mention.value
        return None

    def free(self, kinds: Sequence[str], at: ValuePlace) -> Sequence[Mention]:
        """All mentions of the first kind that the text has, without the addresses and quoted texts that another place has taken."""
        taken = {place for place, path in self.taken.items() if not path.startswith(at.path)}
        quoted = {mention.value for mention in mentions("quote", self.text) if ("quote", mention.at) in taken}
        found = [mention for mention in self.all_of(kinds) if mention.value not in quoted]
        return [mention for mention in found if kinds[0] != "email" or ("email", mention.at) not in taken]

    def all_of(self, kinds: Iterable[str]) -> Sequence[Mention]:
        """All mentions of the first kind that the text has."""
        return next((found for kind in kinds if (found := mentions(kind, self.text))), ())


def _names_field(mention: Mention, at: ValuePlace) -> bool:
    """Whether a quoted text is the name of a property or of a function, and so no value."""
    spelled = str(mention.value).strip("[]#{} ")
    return re.fullmatch(r"\w+\(\)", spelled) is not None or spelled in property_names(at.root)


def property_names(schema: Any) -> Iterator[str]:
    """The names of all properties in a schema."""
    if isinstance(schema, Mapping):
        yield from map(str, schema.get("properties") or ())
    inner = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ()
    for one in inner:
        if isinstance(one, Mapping | list):
            yield from property_names(one)


@lru_cache(maxsize=256)
def labels_of(text: str) -> Mapping[str, str]:
    """The labels of a text in lower case, and their values: ``Name: Soup`` on a line, ``with name: Soup`` in one."""
    within = {found[1].lower(): found[2].strip("\"'") for found in _WITHIN.finditer(text)}
    lines = {found[1].strip().lower(): found[2] for found in _LABEL.finditer(_ONE_LINE.sub("\n", text))}
    return {**within, **lines}


def _pool(kind: str) -> str:
    """Kinds whose mentions overlap share a pool, so that one text is used once."""
    return "name" if kind in ("person", "place", "name", "symbol") else "number" if kind in ("age", "money") else kind


@dataclass(frozen=True, slots=True)
class ValuePlace:
    """A place in the value that is being made: its name, its description, its path (which seeds choices), its depth, the root schema."""

    root: Schema
    name: str = ""
    about: str = ""
    path: str = "$"
    depth: int = 0
    many: int = 1
    """How often this place occurs in the value: the product of the lengths of the lists around it."""

    def under(self, name: str, about: str = "") -> ValuePlace:
        return replace(self, name=name, about=about, path=f"{self.path}.{name}", depth=self.depth + 1)

    def times(self, count: int) -> ValuePlace:
        """This place, ``count`` times. Raises the API's 400 above ``LARGEST``."""
        if self.many * count > LARGEST:
            raise refusal("too_many_states")
        return replace(self, many=self.many * max(count, 1))


def hinted(schema: Schema, source: ValueSource, at: ValuePlace) -> Any:
    """The value for this place in the known facts or the text; None without one."""
    kind = first_type(schema)
    if kind == "null":
        return None
    for found in (fact_of(source, at), labelled_as(source, at)):
        if found is not None:
            return found
    if kind in ("integer", "number"):
        return _number(source, at)
    if kind == "boolean":
        return _said_so(source, at)
    if source.known and _is_answer(at):
        return source.known.short if kind != "string" or len(source.known.short) < 40 else source.known.long
    if kind != "string":
        return None
    return (
        _inline(source, at)
        or _exemplary(source, at)
        or _mentioned(source, at, again=not (source.extracts and is_nullable(schema)))
    )


def _exemplary(source: ValueSource, at: ValuePlace) -> str | None:
    """The quoted value of a description that the text has: *`cool` or `warm`*. Of *yes* and *no* it is *yes*."""
    examples = re.findall(r"[`'\"](\w+)[`'\"]", at.about)
    if {"yes", "no"} <= set(examples):
        return "yes"
    return next((one for one in examples if re.search(rf"\b{one}\b", source.text, re.IGNORECASE)), None)


def claim(schema: Schema, source: ValueSource, at: ValuePlace) -> None:
    """Takes the number that stands beside the name of this place, or the one who has this role, so that no other place takes it first."""
    kind = first_type(schema)
    if kind in ("integer", "number"):
        _number_by_name(source, at)
    elif kind == "object":
        for name in schema.get("properties") or ():
            if words_of(str(name))[-1:] == ("name",):
                _claim_role(words_of(at.name), source, at.under(str(name)))
    elif kind == "string" and "person" in kinds_of(at):
        _claim_role(words_of(at.name), source, at)
    elif kind == "string" and (value := _inline(source, at)) is not None:
        for mention in mentions("quote", source.text):
            if mention.value == value:
                source.taken.setdefault(("quote", mention.at), at.path)


def _claim_role(words: Sequence[str], source: ValueSource, at: ValuePlace) -> None:
    """Takes the name of the one who has this role."""
    found = holder(role_in(words), source.text) if role_in(words) else None
    for mention in (*mentions("person", source.text), *mentions("name", source.text)):
        if found and mention.at < found.at + len(str(found.value)) and found.at < mention.at + len(str(mention.value)):
            source.taken.setdefault((_pool("person"), mention.at), at.path)
            return


def _is_answer(at: ValuePlace) -> bool:
    words = words_of(at.name)
    return at.depth <= 1 and bool(words) and words[-1] in ("answer", "response", "text", "output", "result")


def fact_of(source: ValueSource, at: ValuePlace) -> Any:
    facts = source.known.facts if source.known else {}
    if at.name in facts:
        return facts[at.name]
    words = words_of(at.name)
    return next((facts[word] for word in reversed(words) if word in facts), None) if words else None


def labelled_as(source: ValueSource, at: ValuePlace) -> str | None:
    """The value after the label that shares the most words with the name of this place, then with its description."""
    wanted = set(words_of(at.name))
    if not wanted:
        return None
    best: tuple[float, str] | None = None
    about = set(words_of(at.about))
    for label, value in source.labels.items():
        words = set(words_of(label))
        shared = len(words & wanted)
        score = shared / len(wanted) + 0.5 * len(words & about) / max(len(words), 1) - 0.1 * len(words - wanted - about)
        if shared and score > 0.4 and (best is None or score > best[0]):
            best = (score, value)
    return best[1] if best else None


# --- one type each ------------------------------------------------------------------------------------


def _number(source: ValueSource, at: ValuePlace) -> Any:
    """The number that the name stands for, else the next number of the text that no other place has taken."""
    named = _number_by_name(source, at)
    if named is not None or GUESSED & set(words_of(at.name)):
        return named
    alone = NUMBER.fullmatch(source.text)
    reads = source.given or source.narrow or alone or (at.depth <= 1 and not _REQUEST.match(source.text))
    found = source.take("number", at) if reads else None
    return found if found is not None or not reads else _spelled(source, at)


def _spelled(source: ValueSource, at: ValuePlace) -> int | None:
    """The number in words, if the text has one: *a table for four*. In capitals it may be a name: Otto."""
    found = list(_NUMBER_WORD.finditer(source.text))
    mine = len(found) == 1 and source.taken.setdefault((_pool("number"), found[0].start()), at.path) == at.path
    return COUNT_WORDS[found[0][0]] if mine else None


_REQUEST = re.compile(
    r"\W*(?:please )?(?:create|generate|invent|make up|give|list|write|suggest|recommend|tell)\b[^:\n]*$", re.IGNORECASE
)
"""A text that asks for something new, whose numbers are no values."""


def _number_by_name(source: ValueSource, at: ValuePlace) -> Any:
    """Takes the number next to the name, else an age or an amount of money if the name stands for one."""
    near = _number_near(source, at)
    if near is not None:
        source.taken.setdefault(("number", near[0]), at.path)
        return near[1]
    kind = next((kind for kind in ("age", "money") if kind in kinds_of(at)), None)
    return source.take(kind, at) if kind else None


def _number_near(source: ValueSource, at: ValuePlace) -> tuple[int, Any] | None:
    """``quantity 4`` or ``4 items``: the number next to the last word of the name that is no unit, else to its unit, and where it starts."""
    words = words_of(at.name)[::-1]
    for word in [*(word for word in words if word not in _UNITS), *(word for word in words if word in _UNITS)]:
        found = _beside(word.rstrip("s"), source.text) if len(word) > 1 else None
        for spelled in _SPELLED.get(word, "").split():
            found = found or _before(spelled, source.text) or _after(spelled, source.text)
        if found:
            return _as_read(source.text, found)
    return None


def _as_read(text: str, found: re.Match[str]) -> tuple[int, Any]:
    """The number that was found, with the separators of its language."""
    start = found.start(1)
    read = next((mention for mention in mentions("number", text) if start - 3 <= mention.at <= start), None)
    return (read.at, read.value) if read else (start, COUNT_WORDS.get(found[1].lower(), found[1]))


def _beside(word: str, text: str) -> re.Match[str] | None:
    """The number after a word, or before it: *3 bedrooms, 2 baths* has 3 bedrooms."""
    after, before = _after(word, text), _before(word, text)
    apart = after and "," in text[after.start() : after.start(1)]
    return before if before and (apart or not after) else after


def _after(word: str, text: str) -> re.Match[str] | None:
    """The number after a word: ``quantity: 4``."""
    stem = re.escape(word)
    return re.search(
        rf"\b{stem}s?\b\W{{0,6}}?(?:is |of |was |to |= |ist |von )?[-−]?[$€£]?({NUMBER.pattern}|(?-i:{_COUNTS})\b)",
        text,
        re.IGNORECASE,
    )


def _before(word: str, text: str) -> re.Match[str] | None:
    """The number before a word: ``4 blue items``."""
    stem = re.escape(word)
    return re.search(
        rf"(?<![\w.-])({NUMBER.pattern}|{_COUNTS})(?!\d)[ -]?(?:(?!and|und|or)\w+ ){{0,2}}?{stem}s?\b",
        text,
        re.IGNORECASE,
    )


_COUNTS = "|".join(word for word, number in COUNT_WORDS.items() if number > 1)
_NUMBER_WORD = re.compile(rf"\b(?:{_COUNTS})\b")


GUESSED = frozenset(["confidence", "probability", "likelihood", "certainty"])
"""Words of a number that a model judges by itself."""
_UNITS = frozenset(
    ["kg", "g", "cm", "mm", "m", "km", "percent", "usd", "eur", "c", "f", "minutes", "hours", "days", "celsius"]
)
_SPELLED = {
    "height": "tall high hoch", "width": "wide breit", "length": "long lang", "weight": "weighs heavy wiegt schwer", "depth": "deep tief",
    "price": "cost costs preis kostet", "temperature": "degrees", "duration": "lasts takes dauert", "people": "guests persons personen", "guests": "people persons",
    "servings": "serves portions portionen", "serves": "servings", "mileage": "km miles", "year": "baujahr", "reviews": "avis bewertungen reseñas",
    "quantity": "pieces", "distance": "away", "total": "gesamtbetrag summe montant importe", "passengers": "tickets seats people adults", "rating": "rated stars étoiles sterne estrellas", "score": "scored points",
}  # fmt: skip
"""Word of a name -> other words beside which its number stands."""


def _said_so(source: ValueSource, at: ValuePlace) -> bool | None:
    """Whether the text has the words of the name, and does not negate them."""
    words = [
        word
        for word in words_of(at.name)
        if word not in ("is", "has", "are", "can", "should", "include", "use", "with", "enable", "enabled")
    ]
    if not words:
        return None
    if words[-1] in _JUDGED and (judged := quoted_text(source.text)):
        return fits(words[-1], judged) > fits(_JUDGED[words[-1]], judged)
    said = r"\b" + r"[\s_-]".join(re.escape(_PARTICIPLE.sub("", word)) for word in words) + r"\w{0,3}\b"
    if not re.search(said, source.text, re.IGNORECASE):
        return None
    return not re.search(_NEGATED + said, source.text, re.IGNORECASE)


_JUDGED = {"positive": "negative", "negative": "positive", "spam": "ham", "urgent": "low"}
"""Word of a boolean that is judged by a quoted text -> its opposite."""


def quoted_text(text: str) -> str:
    """The longest quoted text of at least four words, which a question is about; empty without one."""
    found = [str(mention.value) for mention in mentions("quote", text)]
    return max((value for value in found if value.count(" ") > 2), key=len, default="")


_PARTICIPLE = re.compile(r"(?<=\w{3})(?:ed|d|s)$")


def _inline(source: ValueSource, at: ValuePlace) -> str | None:
    """``sku ABC-1001``, ``name is Ada`` or ``message 'two words'``: what follows the name."""
    words = words_of(at.name)
    if not words:
        return None
    name = r"[\s_-]".join(re.escape(word) for word in words)
    quote = re.search(
        rf"\b{name}\b(?: is| was| of|:)?\s+(?:\"([^\"\n]+)\"|“([^”\n]+)”|'([^\n]+?)'(?!\w))", source.text, re.IGNORECASE
    )
    if quote:
        return str(next(filter(None, quote.groups())))
    if {"place", "date", "time", "moment"} & set(kinds_of(at)):
        return None
    found = re.search(
        rf"\b{name}\b(?: is| was|:)?\s+[\"“]?([A-Z0-9][\w@./-]*\w(?: [A-Z][\w-]*)*)", source.text
    ) or re.search(rf"\b(?i:{name})\b(?: is| was|:) (?:an? |the )?[\"'“]?([\w@.+-]*[\w@-])", source.text)
    return str(found[1]) if found else None


def _mentioned(source: ValueSource, at: ValuePlace, *, again: bool = True) -> str | None:
    """The next mention of the kind that the name stands for; the question itself for a query; else the next quoted text. ``again``: the last
    date serves several places."""
    kinds = kinds_of(at)
    if (
        found := _headline(source, at) or _part_of_place(source, at) or _subject(source, at) or _whole_item(source, at)
    ) is not None:
        return found
    if "person" in kinds and (part := _PART_OF_NAME.keys() & set(words_of(at.name))):
        return _part_of_name(source, _PART_OF_NAME[part.pop()])
    for kind in kinds:
        value = None if kind == "name" and source.given else source.take(kind, at)
        if value is not None and not (kind == "place" and "name" in words_of(at.name) and str(value).islower()):
            return str(value)
    if source.given and kinds[:1] == ("id",) and (number := source.take("number", at)) is not None:
        return str(number)
    if again and kinds[:1] == ("date",) and (dates := mentions("date", source.text)):
        return str(dates[-1].value)
    if kinds and kinds[-1] != "quote" and source.given:
        return None
    value = source.take("quote", at)
    return str(value) if value is not None else _unquoted(source, (words_of(at.name) or ("",))[-1])


def _unquoted(source: ValueSource, last: str) -> str | None:
    """What a message says, the name of an item of a list, or the question itself. ``last``: the last word of the property's name."""
    if last in _CONTENT and (spoken := _SPOKEN.search(source.text)):
        return str(next(filter(None, spoken.groups()))).strip()
    if source.narrow and last in ("name", "product", "item") and not source.text.startswith(("named ", "in ")):
        return _REMARK.split(source.text)[0].removeprefix("and ").strip(" .") or None
    if last in _QUESTIONS or (last in _CONTENT and source.given):
        return asked(source.text) or None
    return None


def _part_of_place(source: ValueSource, at: ValuePlace) -> str | None:
    """The country of a text, or the city alone where its country or state has a place of its own."""
    word = (words_of(at.name) or ("",))[-1]
    if word in _COUNTRY:
        parts = [part for mention in mentions("place", source.text) for part in str(mention.value).split(", ")]
        fits_it = is_region if word == "state" else lambda part: part.lower() in world_facts.COUNTRIES
        return next(filter(fits_it, parts), None)
    if word == "capital":
        countries = _WORD.findall(source.text)
        return next((world_facts.CAPITALS[name] for name in countries if name in world_facts.CAPITALS), None)
    if word in _CITY and any(_COUNTRY & set(words_of(name)) for name in property_names(at.root)):
        cities = (
            mention
            for mention in mentions("place", source.text)
            if str(mention.value).lower() not in world_facts.COUNTRIES
        )
        for mention in cities:
            if source.taken.setdefault(("name", mention.at), at.path) == at.path:
                return str(mention.value).partition(", ")[0]
    return None


_WORD = re.compile(r"[A-Z]\w+(?: [A-Z]\w+)?")
_CITY = frozenset(["city", "town", "stadt", "ville", "ciudad"])
_COUNTRY = frozenset(["country", "state", "land", "pays", "país"])


def _headline(source: ValueSource, at: ValuePlace) -> str | None:
    """The name of what the text is about: a dish, a book, an event that has guests; or what a thing is called."""
    word = (words_of(at.name) or ("",))[-1]
    if word not in ("name", "title", "label", "event", "recipe", "dish"):
        return None
    guests = any(_GUESTS & set(words_of(name)) for name in property_names(at.root))
    found = (
        (_THING.search(source.text) if at.depth <= 2 and not source.narrow else None)
        or (_EVENT.search(source.text) if guests and at.depth <= 1 else None)
        or (_CALLED.search(source.text) if source.given and word != "name" else None)
    )
    return next(filter(None, found.groups())) if found else None


_GUESTS = frozenset(["participants", "attendees", "guests", "invitees"])
_EVENT = re.compile(
    r"\b(?:going to|attend\w*|host\w*|having|have|organi[sz]\w+|plan\w*) (?:an? |the )((?:[\w-]+ ){0,3}?[\w-]+)(?= (?:on|at|in|this|next|with|tomorrow)\b|[.,!?]|$)"
)
_THING = re.compile(
    r"\b(?i:recipe) (?:for|of) (?:an? |the |some )?([\w' -]{3,60})|\b((?!a |an |the |me |one |new )[a-z-]+(?: [a-z-]+)?) recipe\b|\b(?:book|novel|movie|film|song|album) [\"'“]?([^\"'”\n.,?]{1,60}?)[\"'”]? (?:by|directed by)\b"
)
_CALLED = re.compile(r"\b(?:called|named|labell?ed|titled|entitled) [\"'“]?([\w-]+)")


def _subject(source: ValueSource, at: ValuePlace) -> str | None:
    """What a meeting, a message or a search is about."""
    found = _ABOUT.search(source.text) if {"topic", "subject", "agenda"} & set(words_of(at.name)[-1:]) else None
    return found[1].strip(" \"'“”") if found else None


def _whole_item(source: ValueSource, at: ValuePlace) -> str | None:
    """The text of one item of a list, up to its date or its remarks, for a property such as *title*."""
    fits_it = source.narrow and _ITEM & set(words_of(at.name)[-1:]) and "\n" not in source.text
    return _REMARK.split(source.text)[0].strip(" .") if fits_it and not mentions("quote", source.text) else None


_ITEM = frozenset(["title", "task", "todo", "step", "description", "text"])
_REMARK = re.compile(r" (?:by|until|before|bis|due|on|for) (?=[A-Z\d])|[;(,]| - |: |^(?:named|in) ")
_ABOUT = re.compile(
    r"\b(?:about|regarding|concerning|to discuss|on the topic of|über|zum Thema|betreffs?|au sujet de|sobre)\s+(?:the |das |die |den |le |la |el )?([^.,;:!?\n]{3,60})"
)


def _part_of_name(source: ValueSource, part: int) -> str | None:
    """The first or the last word of the first person's name, which no other place takes then."""
    for mention in mentions("person", source.text):
        words = str(mention.value).split()
        if len(words) > 1 and source.taken.setdefault(("name", mention.at), "parts") == "parts":
            return words[part]
    return None


_PART_OF_NAME = {"first": 0, "given": 0, "forename": 0, "last": -1, "family": -1, "surname": -1}
"""Word of a property -> the part of a person's name that it is."""


def asked(text: str) -> str:
    """What a question is about, without its question words."""
    return " ".join(_NOT_ASKED.sub(" ", text[:400]).split()[:10])


@lru_cache(maxsize=2048)
def _kinds(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in (*(word for word in words if word in _FORMS), *reversed(words)):
        if found := _KINDS.get(word) or _KINDS.get(word.removesuffix("s")):
            return tuple(found.split())
    return ()


_FORMS = frozenset(["postal", "zip", "phone", "email", "url"])
"""Words that tell more than the last word of a name: *postal code*."""


def kinds_of(at: ValuePlace) -> tuple[str, ...]:
    """The kinds of mentions that this place takes, by its name, else by its description."""
    return _kinds(words_of(at.name)) or _kinds(words_of(at.about[:80])[-4:])


@lru_cache(maxsize=2048)
def words_of(name: str) -> tuple[str, ...]:
    spaced = _CAMEL.sub(" ", name).lower()
    return tuple(word for word in re.split(r"[\W_]+", spaced) if word and word not in ("the", "of", "a", "an"))


def requested_keys(prompt: str) -> list[str]:
    """The quoted keys of ``with the keys "a" and "b"``."""
    found = _KEYS.search(prompt)
    return re.findall(r"\w+", _AND.sub(" ", next(filter(None, found.groups())))) if found else []


_KEYS = re.compile(
    r"\b(?:keys?|fields?|properties)\b:?\s+(?:((?:(?:and|,|or)?\s*[\"'`“]\w+[\"'`”]\s*)+)|((?:[a-z_]+, ){0,8}[a-z_]+,? and [a-z_]+)\b)",
    re.IGNORECASE,
)
_AND = re.compile(r"\b(?:and|or)\b")
