"""Answers to questions: capitals, arithmetic, a few facts, lists, translations, stories and some others."""

# ruff: noqa: RUF001 - other scripts and typographic signs are data here

from __future__ import annotations

import ast
import math
import operator
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

from harness.simulator import world_facts
from harness.simulator.amounts import COUNT_WORDS
from harness.simulator.clues import best_label
from harness.simulator.style import LANGUAGES

MOST_COUNTED = 100_000
LARGEST = 1e300
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One answer. ``short`` is the bare answer, ``long`` a sentence, ``more`` a second sentence.

    ``facts`` are named values for structured answers, ``items`` the answer as a list, ``domains`` the sites to cite.
    """

    short: str
    long: str
    more: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    def sentence(self, language: str) -> str:
        """The answer as one sentence in ``language`` (a two-letter code)."""
        local = world_facts.LOCAL.get(language, {})
        if "spelled" in self.facts:
            country, capital = str(self.facts["country"]), str(self.facts["capital"])
            form = world_facts.SENTENCES[language]["capital"]
            country = str(self.facts.get("spelled") or local.get(country, country))
            return form.format(country=country, capital=local.get(capital, capital))
        if language == "en":
            return self.long
        if "translation" in self.facts:
            return self.short
        if "greeting" in self.facts:
            return world_facts.TRANSLATIONS["hello"].get(language, self.short)
        return world_facts.SENTENCES[language]["answer"].format(short=local.get(self.short, self.short))


@lru_cache(maxsize=512)
def recall(question: str) -> KnownFact | None:
    """The answer to ``question``; None if it is not known."""
    return next(filter(None, (ability(question) for ability in ABILITIES)), None)


# --- abilities, most special first --------------------------------------------------------------------

_CAPITAL = re.compile(
    r"\bcapitals?(?: city)? of (?:the )?([A-Za-z .]+?)(?:$|[^A-Za-z .]|[.](?:\s|$)| and | in )", re.IGNORECASE
)
_TIMES = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_STOPS = re.compile(
    r"\bstops?\b[^.\d]{0,80}?\b(once|twice|\d+ times|two times|three times)?\s*(?:for|of) (\d+) minutes?", re.IGNORECASE
)
_EXPRESSION = re.compile(r"[-(]{0,5}\d[\d\s.,+\-*/×÷^()%]{0,100}[+\-*/×÷^]\s?[\d.(][\d\s.,+\-*/×÷^()%]{0,100}")
_SPELLED_SIGNS = {
    "*": r"\btimes\b|\bmultiplied by\b|(?<=\d)\s*x\s*(?=\d)",
    "/": r"\bdivided by\b",
    "-": r"\bminus\b",
    "+": r"\bplus\b",
    "^2": r" squared\b",
}
_CALCULATE = re.compile(
    r"\bwhat(?:'s| is| are)\b|\bwas (?:ist|ergibt)\b|\bwie ?viel|\bcombien\b|\bcuánto\b|\bquanto\b|\bcalculat|\bcomput|\bevaluat|\bsolve|\bhow much is\b|\bresult\b|\badd\b|=",
    re.IGNORECASE,
)
"""Words that mark numbers and signs as a calculation, not as a date or an article number."""
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}\b")
_COUNT = re.compile(r"\bcount(?:ing)? (?:up )?(?:from (\d+) )?to (\d+)\b", re.IGNORECASE)
_ALPHABET = re.compile(r"\b(?:write|say|recite|list|print|give)\b[^.?\n]{0,80}\balphabet\b", re.IGNORECASE)
_LIST = re.compile(
    r"(?:\b(?:list|name|give|tell|write|what are|show|generate|suggest)\b[^.?\n]{0,40}?|^\W*top )\b(one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2}|the|some|all)\s+"
    r"((?:[a-z-]+ ){0,3}[a-z]+)",
    re.IGNORECASE,
)
_OWN_NAMES = {
    "englisch": "en", "deutsch": "de", "französisch": "fr", "spanisch": "es", "italienisch": "it", "anglais": "en", "allemand": "de", "français": "fr",
    "espagnol": "es", "inglés": "en", "alemán": "de", "español": "es",
}  # fmt: skip
"""A language in another language -> its code."""
_TONGUE = "|".join([*LANGUAGES, *_OWN_NAMES])
_TRANSLATE = re.compile(
    rf"\b(?:translate|übersetze|traduis|traduce)\b(?: (?:the|this|following|word|phrase|text|sentence)){{0,4}} (?:to|into|in|ins|auf|en|al) (?P<to>{_TONGUE})\b(?: only)?\s*[:,]\s*(?P<text>[^\n]{{1,200}})"
    rf"|\b(?:translate|übersetze|traduis|traduce)\b(?: (?:the|this|word|phrase|das wort)){{0,4}}:? (?P<quote>[\"'“„]?[^\n:]{{1,80}}?[\"'”“]?) (?:to|into|in|ins|auf|en|al) (?P<into>{_TONGUE})\b"
    rf"|\b(?:word|say|translation|heißt|wort|dit-on|se dice)\b(?: (?:the|word|for|of)){{0,4}} (?P<word>[\"'“„]?[^\n?]{{1,80}}?[\"'”“]?) (?:in|auf|en) (?P<in>{_TONGUE})\b",
    re.IGNORECASE,
)
_STORY = re.compile(
    r"\b(?:story|poem|essay|tale|paragraph|article|haiku|song|blog post)\b(?: about| on| of)?\s*(.*)", re.IGNORECASE
)
_LENGTH = re.compile(r"(\d{2,4})[- ]words?\b", re.IGNORECASE)
_REPEAT = re.compile(
    r"^\s*(?:please )?(?:repeat(?: after me)?|echo|say)[:\s]+[\"'“]?(.+?)[\"'”]?[.!:]?\s*$", re.IGNORECASE | re.DOTALL
)
_LETTERS = re.compile(
    r"\bhow many (?:times does )?(?:the )?(?:letters? )?[\"'“]?([a-z])[\"'”]?(?:'?s)?\b.{0,30}?\bin (?:the word )?[\"'“]?(\w+)",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(?:^|\s)\(?([A-H])[).:]\s*(.+?)(?=\s+\(?[A-H][).:]\s|[.\n]|$)", re.MULTILINE)
_PRIMES = re.compile(r"\bsum of the first (\d+) prime", re.IGNORECASE)
_PRIME = re.compile(r"\bis (\d+) (?:a )?prime\b", re.IGNORECASE)
_FACTORIAL = re.compile(r"\bfactorial of (\d+)|\b(\d+) factorial\b|\b(\d+)!", re.IGNORECASE)
_FIBONACCI = re.compile(r"\b(\d+)(?:st|nd|rd|th)? fibonacci\b|\bfibonacci\b\D{0,20}(\d+)", re.IGNORECASE)
_ROOT = re.compile(r"\bsquare root of (\d+(?:\.\d+)?)", re.IGNORECASE)
_GREETING = re.compile(r"^\s*(?:hi|hello|hey|good (?:morning|evening|afternoon))\b.{0,20}$", re.IGNORECASE | re.DOTALL)
_INTRODUCED = re.compile(r"^\W*(?i:my name is|i am|i'm) ([A-Z]\w+)\W*$")
_SENTIMENT = re.compile(r"\b(?:sentiment|positive|negative|review|classify)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w']+")


def _trains(question: str) -> KnownFact | None:
    times = _TIMES.findall(question) if "minute" in question else ()
    if len(times) != 2:
        return None
    (h1, m1), (h2, m2) = times
    minutes = (int(h2) * 60 + int(m2) - int(h1) * 60 - int(m1)) % (24 * 60)
    for often, length in _STOPS.findall(question):
        minutes -= _how_often(often) * _whole(length)
    return KnownFact(str(minutes), f"It was moving for {minutes} minutes.", facts={"minutes": minutes})


def _whole(digits: str) -> int:
    """A whole number, at most ``10**MOST_DIGITS``."""
    return int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS


def _how_often(word: str) -> int:
    first = word.lower().split(" ")[0]
    return {"": 1, "once": 1, "twice": 2}.get(first) or COUNT_WORDS.get(first) or _whole(first)


def _capital(question: str) -> KnownFact | None:
    names = (name.strip(" .").lower() for name in _CAPITAL.findall(question))
    english = ((name, "") for name in names if name in world_facts.COUNTRIES)
    found = next(chain(english, _foreign(question)), None)
    if found is None:
        return None
    name, spelled = found
    country = world_facts.COUNTRIES[name]
    capital = world_facts.CAPITALS[country]
    long = world_facts.SENTENCES["en"]["capital"].format(country=country, capital=capital)
    facts = {"country": country, "capital": capital, "city": capital, "answer": capital, "spelled": spelled}
    return KnownFact(capital, long, "", facts, domains=("wikipedia.org", "britannica.com"))


def _foreign(question: str) -> Iterator[tuple[str, str]]:
    """The countries whose capital is asked for in another language than English, and their names there."""
    if not _ABROAD.search(question):
        return
    for name, country in _LOCAL_NAMES.items():
        if found := re.search(rf"(?:\bl['’]|\b[Ll]a |\b[Ll]e )?{re.escape(name)}", question, re.IGNORECASE):
            yield country.lower(), found[0]


_ABROAD = re.compile(
    r"\bhauptstadt\b|\bcapitale\b|\bcapital (?:de|del|da|do)\b|\bhoofdstad\b|\bhovedstad|\bhuvudstad|столица|首都|수도|राजधानी",
    re.IGNORECASE,
)
_LOCAL_NAMES = (
    {
        name.removeprefix("l'").removeprefix("la ").lower(): country
        for table in world_facts.LOCAL.values()
        for country, name in table.items()
        if country in world_facts.CAPITALS
    }
    | {name.lower(): country for name, country in world_facts.NAMED_ABROAD.items()}
    | world_facts.COUNTRIES
)
"""The name of a country in some language, in lower case -> its English name."""


def _arithmetic(question: str) -> KnownFact | None:
    text = question
    for sign, words in _SPELLED_SIGNS.items():
        text = re.sub(words, sign, text)
    found = _EXPRESSION.search(text)
    if found and not _DATE.match(found[0]) and (_CALCULATE.search(text) or len(found[0]) * 2 > len(text)):
        spelled = found[0].strip().rstrip(".,(")
        value = evaluate(spelled)
        if value is not None:
            return _number(value, f"{' '.join(spelled.split())} = {{value}}")
    return None


def _number(value: float, sentence: str) -> KnownFact:
    whole = int(value) if float(value).is_integer() and abs(value) < 1e15 else value
    short = str(whole) if isinstance(whole, int) else f"{whole:.10g}"
    return KnownFact(short, sentence.format(value=short), facts={"result": whole, "answer": whole, "value": whole})


_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def evaluate(expression: str) -> float | None:
    """The value of an arithmetic expression (+ - * / % ^ and brackets); None if it cannot be computed."""
    if len(expression) > 200:
        return None
    spelled = expression.replace("×", "*").replace("÷", "/").replace("^", "**").replace(",", "")
    try:
        value = _value(ast.parse(spelled.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None
    return value if abs(value) < LARGEST else None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > 64 or abs(left) > 1e6):
            raise ValueError("too large")
        value = _OPERATORS[type(node.op)](left, right)
        if isinstance(value, int | float):
            return value
    raise ValueError("not arithmetic")


def _mathematics(question: str) -> KnownFact | None:
    if found := _PRIMES.search(question):
        count = min(_whole(found[1]), 2000)
        return _number(sum(primes(count)), f"The sum of the first {count} prime numbers is {{value}}.")
    if found := _FACTORIAL.search(question):
        number = _whole(next(filter(None, found.groups())))
        if number <= 20:
            return _number(math.factorial(number), f"{number}! = {{value}}")
    if found := _FIBONACCI.search(question):
        number = min(_whole(found[1] or found[2]), 90)
        return _number(fibonacci(number), f"Fibonacci number {number} is {{value}}.")
    if found := _ROOT.search(question):
        return _number(math.sqrt(float(found[1])), f"The square root of {found[1]} is {{value}}.")
    if (found := _PRIME.search(question)) and _whole(found[1]) < 10**9:
        number = _whole(found[1])
        prime = number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))
        short, whether = ("Yes", "is") if prime else ("No", "is not")
        return KnownFact(short, f"{short}, {number} {whether} a prime number.", facts={"answer": prime})
    return None


def primes(count: int) -> list[int]:
    """The first ``count`` prime numbers."""
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found if prime * prime <= number):
            found.append(number)
        number += 1
    return found


def fibonacci(number: int) -> int:
    before, now = 0, 1
    for _ in range(number):
        before, now = now, before + now
    return before


def _letters(question: str) -> KnownFact | None:
    found = _LETTERS.search(question)
    if not found:
        return None
    letter, word = found.groups()
    count = word.lower().count(letter.lower())
    return KnownFact(
        str(count), f'The letter "{letter}" occurs {count} times in "{word}".', facts={"count": count, "answer": count}
    )


def _option(question: str) -> KnownFact | None:
    """The letter of the option that is known to be right, else of the first."""
    options = {letter: text.strip() for letter, text in _OPTION.findall(question)} if "B" in question else {}
    if len(options) < 2:
        return None
    known = recall(_OPTION.sub("", question).strip())
    fits = (
        letter
        for letter, text in options.items()
        if known and re.search(rf"\b{re.escape(text)}\b", known.long, re.IGNORECASE)
    )
    letter = next(fits, min(options))
    facts = {"answer": letter, "choice": letter, "letter": letter, "option": letter}
    return KnownFact(letter, _shown(question, letter, options[letter]), facts=facts)


def _shown(question: str, letter: str, text: str) -> str:
    if "ANSWER:" in question:
        return f"ANSWER: {letter}"
    return letter if re.search(r"\bletter\b", question) else f"{letter}) {text}"


def _facts(question: str) -> KnownFact | None:
    words = set(_WORD.findall(question.lower()))
    for keys, short, long, more, domains in world_facts.FACTS:
        if keys <= words:
            named = {} if short[0].isdigit() else dict.fromkeys(("winner", "team", "name"), short)
            return KnownFact(short, long, more, {**facts_about(short), "answer": short, **named}, (), domains)
    return None


def facts_about(name: str) -> dict[str, Any]:
    """What is known of a country or its capital."""
    named = [one for one, capital in world_facts.CAPITALS.items() if name in (one, capital)]
    country = max(named, key=len, default="")  # United Kingdom, not UK
    return {"country": country, "capital": world_facts.CAPITALS[country]} if country else {}


def _counting(question: str) -> KnownFact | None:
    found = _COUNT.search(question)
    if not found:
        letters = tuple(string.ascii_uppercase) if _ALPHABET.search(question) else ()
        return KnownFact("A", ", ".join(letters), items=letters) if letters else None
    first, last = _whole(found[1] or "1"), _whole(found[2])
    numbers = tuple(str(n) for n in range(first, min(last, first + MOST_COUNTED) + 1))
    return KnownFact(numbers[-1] if numbers else "0", ", ".join(numbers) or "0", items=numbers)


def _listing(question: str) -> KnownFact | None:
    found = _LIST.search(question)
    if not found:
        return None
    nouns = found[2].lower().split()
    kind = next((kind for noun in nouns for kind in world_facts.LISTS if noun.startswith(kind)), None)
    if kind is None:
        return None
    rest = len(world_facts.LISTS[kind]) if found[1].lower() in ("the", "all") else 3
    many = COUNT_WORDS.get(found[1].lower()) or (int(found[1]) if found[1].isdigit() else rest)
    items = tuple(world_facts.LISTS[kind][: max(1, many)])
    numbered = re.search(r"\b(?:numbered|ordered) list\b", question, re.IGNORECASE)
    inline = re.search(r"\bcomma[- ]separated\b|\bseparated by commas?\b|\bin one line\b", question, re.IGNORECASE)
    return KnownFact(
        items[0],
        ", ".join(items)
        if inline
        else "\n".join(f"{n}. {item}" if numbered else f"* {item}" for n, item in enumerate(items, 1)),
        items=items,
    )


def _translation(question: str) -> KnownFact | None:
    found = _TRANSLATE.search(question)
    if not found:
        return None
    text, language = found["text"] or found["quote"] or found["word"], found["to"] or found["into"] or found["in"]
    spelled = text.strip(" \"'“”").lower().rstrip(".!?\"'")
    spoken = world_facts.TRANSLATIONS.get(spelled) or next(
        (row for row in _ROWS if spelled in map(str.lower, row.values())), {}
    )
    word = spoken.get(LANGUAGES.get(language.lower()) or _OWN_NAMES[language.lower()])
    if word is None:
        return None
    every = {name: spoken[code] for name, code in LANGUAGES.items() if code in spoken}
    return KnownFact(word, word, facts={**every, "translation": word, "answer": word, "text": word})


def translated(system: str, text: str) -> KnownFact | None:
    """The translation of a text by instructions such as *You translate English to French*; None if it is not known."""
    found = _TRANSLATOR.search(system)
    return _translation(f"translate: '{text.strip()}' to {found[1]}") if found else None


_TRANSLATOR = re.compile(
    rf"\btranslat(?:es?|ors?|ing|ions?)\b[^.\n]*?\b(?:to|into) ({'|'.join(LANGUAGES)})\b", re.IGNORECASE
)
_ROWS = [{"en": word, **row} for word, row in world_facts.TRANSLATIONS.items()]


def _summary(question: str) -> KnownFact | None:
    """The first sentence of a text to summarise."""
    found = _SUMMARY.search(question)
    sentence = re.split(r"(?<=[.!?])\s", found[1].strip(" \"'“”"))[0] if found else ""
    return KnownFact(sentence, sentence, facts={"summary": sentence}) if sentence else None


_SUMMARY = re.compile(r"\bsummari[sz]e\b[^:\n]*:\s*(.+)", re.IGNORECASE | re.DOTALL)


def _sentiment(question: str) -> KnownFact | None:
    word = best_label(("positive", "negative"), question) if _SENTIMENT.search(question) else None
    if word is None:
        return None
    return KnownFact(word, f"The sentiment is {word}.", facts={"sentiment": word, "label": word, "answer": word})


def _repetition(question: str) -> KnownFact | None:
    found = _REPEAT.match(question)
    return KnownFact(found[1], found[1]) if found else None


def _greeting(question: str) -> KnownFact | None:
    if found := _INTRODUCED.match(question):
        return KnownFact("Hello", f"Nice to meet you, {found[1]}!", facts={"name": found[1]})
    if not _GREETING.match(question):
        return None
    return KnownFact("Hello", "Hello! How can I help you today?", facts={"greeting": "Hello"})


def _story(question: str) -> KnownFact | None:
    found = _STORY.search(question)
    if not found:
        return None
    topic = re.split(r"[,.?!\n]|\bin \d| with | of about", found[1])[0].strip() or "a lighthouse"
    if "haiku" in found[0].lower():
        lines = f"{topic.capitalize()} at the shore,\na lantern in the grey dusk,\nthe sea holds its breath."
        return KnownFact(topic, lines, facts={"title": topic.capitalize(), "topic": topic})
    length = _LENGTH.search(question)
    return KnownFact(
        topic, story(topic, int(length[1]) if length else 120), facts={"title": topic.capitalize(), "topic": topic}
    )


def story(topic: str, words: int) -> str:
    """A small story about ``topic`` of about ``words`` words (at most 5,000)."""
    sentences: list[str] = []
    count = 0
    while count < min(words, 5000):
        sentence = world_facts.STORY[len(sentences) % len(world_facts.STORY)].format(topic=topic)
        sentences.append(sentence)
        count += len(sentence.split())
    return " ".join(sentences)


ABILITIES: Sequence[Callable[[str], KnownFact | None]] = (
    _summary, _option, _trains, _capital, _mathematics, _letters, _translation, _counting, _facts, _story, _listing, _arithmetic, _sentiment,
    _repetition, _greeting,
)  # fmt: skip
