"""The style of an answer: reads the style rules in system instructions and prompts, and applies them to a text.

Understood, in a system instruction or in the prompt itself: *answer with the single word X*, *reply with exactly "X"*, *one word*,
*the number only*, *the city only*, *in French* (and 13 other languages), *upper case*, *lower case*, *at most N words*, *start every answer with X*,
*end with X*, *like a pirate*, *as JSON*.
"""

# ruff: noqa: RUF001 - typographic signs are data here, and lists of words

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from harness.simulator.amounts import COUNT_WORDS
from harness.simulator.clues import language_of, words_in
from harness.simulator.words import WORDS

LANGUAGES = {
    "arabic": "ar", "chinese": "zh", "dutch": "nl", "english": "en", "french": "fr", "german": "de", "greek": "el",
    "hindi": "hi", "italian": "it", "japanese": "ja", "korean": "ko", "norwegian": "no", "portuguese": "pt",
    "russian": "ru", "spanish": "es", "swedish": "sv",
}  # fmt: skip

_VERB = r"(?:answer|reply|respond|say|write|speak|output|return|talk|explain)"
_FIXED = (
    re.compile(
        rf"\b{_VERB}\b[^.\n]{{0,60}}?\bthe (?:single |one |exact )?(?:word|phrase|text|string)s?\b:? +"
        r"[\"'“`]?([^\"'”`\n.]+?)[\"'”`]?(?: only|,? (?:and )?nothing else| in your (?:answer|reply))?(?:[.!\n]|$)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_VERB}\b[^.\n\"]{{0,60}}?\b(?:exactly|only|just|always|with)\b:? *(?:with )?[\"“`]([^\"”`\n]+)[\"”`]",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_VERB}\b[^.\n]{{0,40}}?\b(?:exactly|only|just)\b(?: \w+){{0,4}}: *([^\n]+?)\s*$",
        re.IGNORECASE | re.MULTILINE,
    ),
    re.compile(
        rf"\b(?i:{_VERB})\b(?: with| only| just| exactly| the word)+ ([A-Z]{{2,}}(?:[-_][A-Z0-9]+)*)\b(?! only)"
    ),
)
_SPOKEN_TEXT = re.compile(r"[\"'“„«‘「『]\s*([^\"”»」』\n]+?)\s*[\"'”“»’」』](?![A-Za-z])")
_INSTRUCTING = frozenset(WORDS["instructing"].split())
_BESIDE_TEXT = _INSTRUCTING | frozenset(WORDS["beside_text"].split())
"""Words of an instruction to write one text and nothing else."""
_ONE_WORD = re.compile(
    r"\b(?:one|single|1)[- ]word\b|\b(?:only|just|answer|reply|respond)\b[^.\n]{0,20}\byes or no\b|\byes/no\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:number|integer|digits?|result) only\b|\b(?:only|just) (?:with )?(?:the |a |an )?(?:number|integer|digits?|numeric)\b",
    re.IGNORECASE,
)
_NOUNS = "name|title|city|capital|country|answer|translation"
_BARE = re.compile(rf"\b(?:only|just) (?:with )?the (?:{_NOUNS})\b|\bthe (?:{_NOUNS})(?: name)? only\b", re.IGNORECASE)
_LANGUAGE = re.compile(
    rf"\b{_VERB}\b[^.\n]{{0,40}}?\b(?:in|only) ({'|'.join(LANGUAGES)})\b|^in ({'|'.join(LANGUAGES)})\b|\b(?:only speak|translat\w+ [^.\n]*?\b(?:to|into)) ({'|'.join(LANGUAGES)})\b",
    re.IGNORECASE,
)
_UPPER = re.compile(r"\bupper[- ]?case\b|\ball caps\b|\bcapital letters\b", re.IGNORECASE)
_LOWER = re.compile(r"\blower[- ]?case\b", re.IGNORECASE)
_WORDS = re.compile(
    r"\b(?:at most|no more than|under|fewer than|maximum of|max|exactly|in) (\d{1,4}) words\b", re.IGNORECASE
)
_SENTENCES = re.compile(
    r"\b(one|two|three|four|\d)(?: or \w+)?(?: \w+)? (?:sentences?|paragraphs?|lines?)\b", re.IGNORECASE
)
_LENGTH = re.compile(r"\b(\d{2,4})[- ]words?\b", re.IGNORECASE)
_SHORT = re.compile(
    r"\b(?:short|brief(?:ly)?|concise(?:ly)?|only|just|one word|yes or no|quick(?:ly)?)\b", re.IGNORECASE
)
_OPEN = re.compile(
    r"\b(?:why|how do|how does|how can|how to|explain|describe|tell me about|write|summari[sz]e|compare|discuss|essay|story|plan|list|report|analy[sz]e|what is|what are)\b",
    re.IGNORECASE,
)
_PIRATE = re.compile(r"\bpirate\b", re.IGNORECASE)
_JSON = re.compile(rf"\b{_VERB}\b[^.\n]{{0,50}}?\bjson\b|\bas (?:a )?json\b", re.IGNORECASE)
_WITH = r"\b[^.\n\"]{0,40}\bwith (?:the (?:word|phrase|text) )?(?:[\"'“]([^\"'”\n]+)|([^\"'”\n.]+))"
_START = re.compile(r"\b(?:start|begin)" + _WITH, re.IGNORECASE)
_END = re.compile(r"\b(?:end|finish|conclude|sign)" + _WITH, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StyleRules:
    """The requested style. ``fixed`` is the whole answer, word for word. ``language`` is a two-letter code, ``words`` the maximum."""

    fixed: str | None = None
    language: str = "en"
    one_word: bool = False
    number: bool = False
    bare: bool = False
    upper: bool = False
    lower: bool = False
    words: int | None = None
    start: str = ""
    end: str = ""
    json: bool = False

    @property
    def short(self) -> bool:
        return self.one_word or self.number or self.bare

    def apply(self, text: str) -> str:
        """``text`` in this style: first its length, then its case, then its start and end."""
        if self.one_word:
            text = _first_word(text)
        if self.words is not None:
            text = " ".join(text.split(" ")[: self.words])
        if self.upper:
            text = text.upper()
        elif self.lower:
            text = text.lower()
        if self.start and not text.startswith(self.start):
            text = f"{self.start} {text}"
        if self.end and not text.endswith(self.end):
            text = f"{text} {self.end}"
        return text


@lru_cache(maxsize=256)
def style_rules(system: str, prompt: str) -> StyleRules:
    """The style rules in ``system`` and ``prompt``. If both name a language, the prompt's is used."""
    both = f"{system}\n{prompt}" if system else prompt
    return StyleRules(
        fixed=_fixed(system) or _fixed(prompt),
        language=_language(prompt) or _language(system) or _spoken(prompt),
        one_word=bool(_ONE_WORD.search(both)),
        number=bool(_NUMBER.search(both)),
        bare=bool(_BARE.search(both)),
        upper=bool(_UPPER.search(both)),
        lower=bool(_LOWER.search(both)),
        words=int(found[1]) if (found := _WORDS.search(both)) else None,
        start=_capture(_START, system) or ("Arr!" if _PIRATE.search(system) else ""),
        end=_capture(_END, system),
        json=bool(_JSON.search(both)),
    )


def expected_words(prompt: str) -> int:
    """About how many words an answer to this prompt has: as many as it asks for, few for a short answer, 100 for an open question."""
    if found := _LENGTH.search(prompt):
        return int(found[1])
    if found := _SENTENCES.search(prompt):
        number = COUNT_WORDS.get(found[1].lower()) or int(found[1])
        return (60 if "paragraph" in found[0].lower() else 18) * number
    if _SHORT.search(prompt):
        return 18
    return 100 if _OPEN.search(prompt) else 24


def _fixed(text: str) -> str | None:
    if (alone := word_for_word(text)) is not None:
        return alone
    for pattern in _FIXED:
        found = pattern.search(text)
        if found and not _TURNED.search(found[1]):
            return found[1].strip()
    return None


def word_for_word(text: str) -> str | None:
    """The quoted text of an instruction that asks for nothing else: *Say 'hi'*, *Antworte nur mit „Ja“*."""
    found = _SPOKEN_TEXT.findall(text) if len(text) < 300 else ()
    if len(found) != 1:
        return None
    beside = words_in(_SPOKEN_TEXT.sub(" ", text))
    return str(found[0]) if beside <= _BESIDE_TEXT and beside & _INSTRUCTING else None


_TURNED = re.compile(r" in (?:all )?(?:upper|lower|capital)|\bbackwards?\b|\b(?:twice|times)$", re.IGNORECASE)
"""A text that is to be written in another form is not written word for word."""


def _language(text: str) -> str | None:
    found = _LANGUAGE.search(text)
    return LANGUAGES[(found[1] or found[2] or found[3]).lower()] if found else None


def _spoken(prompt: str) -> str:
    """The language of a prompt without quotes, by its small words."""
    return LANGUAGES.get(language_of(_QUOTED.sub("", prompt[:400])), "en")


_QUOTED = re.compile(r"[\"'“„][^\"'”“\n]*[\"'”“]")


def _capture(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return next(filter(None, found.groups())).strip() if found else ""


def _first_word(text: str) -> str:
    words = text.split()
    return words[0].strip(".,;:!?") if words else text
