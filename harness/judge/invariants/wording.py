"""The characters and the wording of an answer: it was decoded as UTF-8, and did not fall into a loop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import eq
from unicodedata import category, normalize

from harness.answer.structured import values_of, wants_json
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import PROGRAMS, has_text, is_about, is_finished, is_unfinished, prompted
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import json_of, values_in


@rule("unicode", "warn", per_candidate=True)
def unicode(evidence: Evidence) -> Iterator[Mismatch]:
    """The text has whole characters, and is not UTF-8 that was decoded as Latin-1 or Windows-1252 (``Ã©`` for ``é``).
    Nor were accents taken from their letters, question marks put in the place of characters, characters without a width
    between ASCII letters, or a byte order mark or a colour of a terminal before it, or NUL in it.

    right: {"candidates": [{"content": {"parts": [{"text": "café"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "cafÃ©"}]}}]}
    """
    calls = [json.dumps(call.get("args"), ensure_ascii=False) for call in evidence.reply.function_calls]
    for at, text in (("text", evidence.reply.text), ("thoughts", evidence.reply.thoughts), ("args", "".join(calls))):
        if text.startswith(("\ufeff", "\x1b[")) or "\0" in text:
            yield Mismatch(
                at, "characters", ascii(text[:40]), "the text has a byte order mark, a colour of a terminal or NUL"
            )
        if text.isascii():
            yield from _question_marks(evidence, at, text)
            continue
        if text.count("\xa0") > _MOST_HARD and len(re.findall(_HARD, text)) > _MOST_HARD / 2:
            yield Mismatch(at, "blanks", text[:80], "blanks of the text are no-break spaces")
        elif len(re.findall(_NO_WIDTH, text[:_MOST_READ])) > _FEW_LOST and not is_about(
            evidence, f"{_NO_WIDTH}|hyphen"
        ):
            yield Mismatch(at, "letters", ascii(text[:40]), "characters without a width stand between letters")
        elif half := re.search(_HALF, text):
            message = f"half a surrogate pair at {half.start()}: the text is no valid Unicode"
            yield Mismatch(at, "whole characters", ascii(half[0]), message)
        elif (wrong := wrongly_decoded(text)) and not _asks_for_it(evidence, wrong[0]):
            message = f"{wrong[0][:40]!r} is {wrong[1][:20]!r} decoded as Latin-1: the text is broken"
            yield Mismatch(at, wrong[1][:200], wrong[0][:200], message)
        elif (taken := _taken_apart(text)) and not is_about(evidence, PROGRAMS):
            message = f"{taken!r} is two characters: something on the way normalised the text"
            yield Mismatch(at, "whole characters", ascii(taken), message)
        elif not text.replace("\n", "").isprintable() and (none := _unassigned(text)):
            message = f"{min(none)!r} is no character: the text was decoded wrongly"
            yield Mismatch(at, "characters", ascii(min(none)), message)


def _asks_for_it(evidence: Evidence, wrong: str) -> bool:
    """Whether the request has such characters, or asks how they come about."""
    return has_text(evidence, wrong[:3]) or is_about(evidence, r"mojibake|latin.?1|utf.?8")


def _unassigned(text: str) -> list[str]:
    """The characters that Unicode does not have, and the control characters beyond ASCII."""
    return [one for one in {*text[:_MOST_READ]} if "\x7f" < one < _NEWEST and category(one) in ("Cn", "Cc")]


def _question_marks(evidence: Evidence, at: str, text: str) -> Iterator[Mismatch]:
    """Question marks that stand for characters, where there are several, or one that can be nothing else."""
    if "?" not in text or "`" in text:
        return
    lost = re.findall(_LOST, text[:_MOST_READ])
    is_slang = text.count(" ") < len(lost) or (text.islower() and "".join(prompted(evidence)).islower())
    sure = re.findall(_SURELY_LOST, text[:_MOST_READ])
    if (sure or (len(lost) > _FEW_LOST and not is_slang)) and not is_about(evidence, rf"{PROGRAMS}|{_PUZZLE}"):
        found = (sure or lost)[0]
        yield Mismatch(at, "characters", found, f"question marks stand for characters, as in {found!r}")


_LOST = r"(?<![/.\w])[A-Za-z]++\?[a-z]++(?![=/:])|(?<![\w?!])\?{6,}|(?<=\d)\?[CF]\b|(?<=[a-z]) \? (?=[a-z])"
_SURELY_LOST = r"(?<=\d)\?[CF]\b|(?<=[a-z])\?(?:s|re|ll|ve)\b(?![=/])|\A[?\s]{6,}\Z"
_NO_WIDTH = "(?<=[A-Za-z ])[\xad\u200b-\u200d\u2060\ufeff](?=[A-Za-z ])"
_HARD = "(?<=[a-z])\xa0(?=[a-z])"
_FEW_LOST, _MOST_HARD = 2, 10
_PUZZLE = r"\w\?\w|\?{3}|pattern|question mark|wildcard|letter|vowel|buchstab|lettre|letra|буква|puzzle|crossword"


def _taken_apart(text: str) -> str | None:
    """The first Latin letter and the accent after it that could be one character, in a text where no such are one."""
    found = re.search(_ACCENTED, text)
    if found is None or len(normalize("NFC", found[0])) == len(found[0]) or re.search(_COMPOSED, text):
        return None
    return found[0]


_ACCENTED = "[A-Za-z][\u0300-\u036f]"
_COMPOSED = "[\xc0-\xd6\xd8-\xf6\xf8-\xff]"


_HALF = "[\ud800-\udfff]"
_NEWEST = "\U0001f000"
"""From there on, new versions of Unicode have characters that are not known here."""
_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_WINDOWS = {ord(bytes((byte,)).decode("cp1252")): byte for byte in range(0x80, 0xA0) if byte not in _UNDEFINED}
"""Characters of Windows-1252 that Latin-1 does not have -> their byte."""
_UTF_8 = "(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+"
_CODE_PAGES = ("cp437", "cp850", "cp866", "cp1250", "cp1251", "koi8-r", "mac_roman", "gb18030")
"""In these, a right text is hardly ever valid UTF-8, but for one pair with a sign of `_SIGNS`, such as ``√π``."""
_SIGNS = "[\u221a\u2248\u2206\u2550-\u256c\u2588-\u2593]"
_CONTROLS = "[\x80-\x9f]"
_MOST_READ = 200_000
"""Characters of a text that are looked at: what is wrong in a longer one shows in its beginning, a loop at its end."""
_MOST_RIGHT = 0.1
"""The share of characters beyond ASCII that may be right in a text that is taken for wrongly decoded."""


def wrongly_decoded(text: str) -> tuple[str, str] | None:
    """(as it is, as it was meant) for the first characters that are UTF-8 decoded as Latin-1 or Windows-1252.

    Or the whole text was read as another code page. Four characters in a row are enough, and fewer with a control character, or as ``â€``.
    Otherwise nearly all characters beyond ASCII must be such: ``É”`` and ``Â°`` occur in right texts too.
    """
    text = text[:_MOST_READ]
    runs = [(text[found.start() : found.end()], found[0]) for found in re.finditer(_UTF_8, text.translate(_WINDOWS))]
    meant = [(run, right) for run, code in runs if (right := _decoded(code)) is not None]
    sure = next(
        (pair for pair in meant if len(pair[0]) > 3 or re.search(_CONTROLS, pair[0]) or pair[0][:2] == "â€"), None
    )
    for page in () if sure or text.isascii() else _CODE_PAGES:
        with suppress(UnicodeError):
            right = text.encode(page).decode()
            if len({letter for letter in right if not letter.isascii()}) > 1 or not re.search(_SIGNS, text):
                return text, right
    if sure or not meant:
        return sure
    wrong, foreign = sum(len(run) for run, _ in meant), sum(not character.isascii() for character in text)
    return meant[0] if foreign - wrong <= _MOST_RIGHT * foreign else None


def _decoded(code: str) -> str | None:
    try:
        return code.encode("latin-1").decode()
    except UnicodeDecodeError:
        return None


@rule("text-form", "warn", of="finished", per_candidate=True)
def text_form(evidence: Evidence) -> Iterator[Mismatch]:
    """Prose is written as people write it: not in capitals or small letters throughout, not backwards, with one blank between words
    and none between letters, without the marks of a tokenizer. And it has a beginning: no small letter or blank at its start, if its
    other sentences have a capital.

    Not checked for JSON, after a turn of the model that it goes on with, and where the request is about letters, ways of writing, programs or copies.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo lies at the end of the Oslofjord."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo  lies  at  the  end  of  the  Oslofjord,  between  wooded  hills."}]}}]}
    """
    text = "" if wants_json(evidence) else evidence.reply.text[:400]
    for what, pattern, least, right in _FORMS if text else ():
        found = len(re.findall(pattern, text))
        if found >= least and found > 2 * len(re.findall(right, text)) and not _is_about_form(evidence, text):
            turn = [*items_of(field(evidence.request_body, "contents"))][-1:]
            is_alike = what == "has no capitals" and "".join(prompted(evidence)).islower()
            is_continued = is_alike or (what == "has no beginning" and is_unfinished(evidence))
            if (not turn or field(turn[0], "role") != "model") and not is_continued:
                yield Mismatch("text", "prose", text[:80], f"the text {what}: something on the way changed it")
            return


def _is_about_form(evidence: Evidence, text: str) -> bool:
    """Whether the request is about ways of writing, or about the program whose name begins the text, such as curl."""
    name = re.match(r"([a-z]+) (?:is|was|has|does|can)\b", text)
    return is_about(evidence, rf"{_WAYS}|\b{name[1]}\b" if name else _WAYS)


_WAYS = rf"{PROGRAMS}|\bcaps|in capitals|capitali[sz]|\b(?:upper|lower)|\bcase\b|\bshout|\bspell|letter|alphabet|backward|revers|\bspac(?:e|ing)|full.?width|\bfont|style|quot|transcri|verbatim|\bocr\b|\bread\b|as written|\btab|\b(?:complete|continue|finish) (?:th|my|it\b|with|from)|fill in|cummings|casual|\btext(?:s|ing)\b|licen[cs]e|legal|disclaim|warrant"
_FORWARDS = r"[\w)*`\"'][.,:;!?](?!\w)|[A-Z][a-z]"
_FORMS = (
    ("has lost backslashes", r"(?<![\\a-z])(?:frac|sqrt|boxed|mathrm|mathbf)\{[^}]*\}", 1, r"\\[a-z]"),
    ("has no small letters", r"(?<![\w'])[A-Z']++,? (?:[A-Z']++,? ){5}[^.!?]{0,200}+[.!?]", 1, "[a-z]"),
    ("has no capitals", r"(?<![\w'])[a-z']++,? (?:[a-z']++,? ){7}[^.!?]{0,200}+[.!?]", 1, "[A-Z]"),
    ("has no blanks", r"([\t_+.~=^-])(?<=[A-Za-z'].)(?:[A-Za-z']++\1){5}(?=.*[a-z][.!?](?:\1|$))", 1, r"\w (?=\w)"),
    ("has blanks between letters", r" (?<![^\W_][^\W\d_] )(?<=[^\W\d_] ) *+(?:[^\W\d_A-Z] ++){19}", 1, r"[^\W\d_]{5}"),
    ("has two blank lines between lines", r"\n{3,}", 4, r"(?<!\n)\n\n?(?!\n)"),
    ("has two blanks between words", r"  (?<=\w  )(?=\w)", 8, r"\w (?=\w)"),
    ("is written backwards", r" (?:,|\.(?<=[a-z][A-Z] \.))[a-z]", 1, _FORWARDS),
    ("is written backwards", r"\A[.!?]\w+ .*[A-Z]\Z", 1, _FORWARDS),
    ("has no beginning", r"\A(?: (?=[\w*(\"'])|(?:[a-z]+ [a-z]+[ ,]|[,;:)] ?\w)(?s:.*?)[.!?]\s+[A-Z])", 1, "`"),
    ("has codes of bytes", r"<0x[0-9A-F]{2}>|\+[AIJ][A-Za-z0-9/]{2}-", 2, "(?!)"),
    ("has marks of a tokenizer", "[\u2581\u0120\u010a](?<=\\w.)(?=\\w)", 3, r"\w \w"),
)
"""What the message says, a pattern, the fewest places where it matches, and the pattern of right text. A text is left alone if the
second pattern matches in half as many places as the first, or in more. A pattern that begins with one plain character is found fastest."""


# --- loops --------------------------------------------------------------------------------------------------------


_LOOP = 30
"""Repetitions in a row. Fewer occur in lists and tables that are meant so."""
_LONGEST_CYCLE = 4
_MOST_AT_END = 200
_ENDS = ".!?\u3002\uff01\uff1f"
_NO_SIGN = r"(?:[^\W_\u0640]|[\U0001f000-\U0010ffff])"
"""A letter, a digit or a picture. U+0640 only draws out a letter."""
_MOST_IN_RUN = 8
_RUN = rf"(?=\S{{0,7}}?{_NO_SIGN})(\S{{1,8}}?)\1{{99,}}"
"""Up to eight characters, and not signs alone, as in a line that is drawn."""
_SHORTEST_RUN, _END_OF_WORD = 100, 10_000
_PIECE = _SHORTEST_RUN // 2
_BLANKS = r"(?<!\s)(?<!\\[nt])(?:\s|\\n|\\t){1000,}"
_MAYBE_BLANKS = re.compile(r"[\s\\nt]{10}")
_SAMPLED = slice(99, None, 100)
"""Every hundredth character: ten in a row are in a run of 1,000 blanks."""


@rule("text-loop", "warn", of="answer", per_candidate=True)
def text_loop(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer did not fall into a loop: the same line, sentence, word or element of an array 30 times in a row.

    Also 100 times the same characters without a blank, and 1,000 blanks, at the end or before its brackets 200, as constrained decoding writes them into JSON. Not checked where the answer ended
    by itself and the request wants it: it asks for zeros, the same, or a number of ``times``, or names the number that came, or has as
    many items, and the whole answer is one value for each.

    right: {"candidates": [{"content": {"parts": [{"text": "la la la"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "la la la la la la la la la la la la la la la la la la la la la la la la la la la la la la"}]}}]}
    """
    calls = [call.get("args") for call in evidence.reply.function_calls]
    found = _loop_of_text(evidence.reply.text) or _loop_in_json(evidence) or _loop_of_values(values_in(calls))
    if found is not None:
        unit, times = found
        numbers = "|".join(rf"\b{number}\b" for number in range(times, times + 3))
        topics = rf"\brepeat|\btimes\b|\bzeros?\b|{_ALIKE}|{numbers}"
        if is_finished(evidence) and (is_about(evidence, topics) or _is_one_for_each(evidence, times)):
            return
        yield Mismatch("text", "no loop", unit[:200], f"{unit[:60]!r} comes {times} times in a row: a loop")


_ALIKE = r"\b(?:(?:all|of) the same|same (?:value|number|word|line|item|element|text|letter)s?|identical|equal|ones|grid|matrix|mask|fill(?:ed)?|initiali[sz]ed?)\b"
"""Of values that are wanted alike. An answer in *the same language* may not loop."""


def _is_one_for_each(evidence: Evidence, times: int) -> bool:
    """Whether the loop is a whole array, or the whole text, and the request has as many lines, items between commas, or parts."""
    text, sent = evidence.reply.text, prompted(evidence)
    arrays = (one for one in values_in(json_of(text)) if isinstance(one, list) and len(one) >= times)
    is_array = any(len(set(map(str, one))) == 1 and not isinstance(one[0], (dict, list)) for one in arrays)
    items = [len(sent), *(1 + max(one.count("\n"), one.count(",")) for one in sent)]
    return max(items) >= times and (is_array or sum(map(bool, map(str.strip, text.splitlines()))) == times)


def _run_in(word: str) -> re.Match[str] | None:
    """The same characters again and again. The pattern takes its time: it is tried where a piece repeats itself."""
    pieces = (word[at : at + _PIECE] for at in range(0, len(word) - _PIECE + 1, _PIECE))
    return re.search(_RUN, word) if any(map(_repeats_itself, pieces)) else None


def _repeats_itself(piece: str) -> bool:
    return any(piece[size:] == piece[:-size] for size in range(1, _MOST_IN_RUN + 1)) and bool(
        re.search(_NO_SIGN, piece)
    )


def _loop_of_text(text: str) -> tuple[str, int] | None:
    text = text[-_MOST_READ:]
    for word in text.split():
        if len(word) >= _SHORTEST_RUN and (run := _run_in(word[-_END_OF_WORD:])):
            return run[1], len(run[0]) // len(run[1])
    end = text.rstrip("]}")
    if (blank := len(end) - len(end.rstrip())) >= _MOST_AT_END:
        return "white space", blank
    if _MAYBE_BLANKS.search(text[_SAMPLED]) and (blanks := re.search(_BLANKS, text)):
        return "white space", len(blanks[0])
    return next((loop for units in _units(text) if units and (loop := _loop_of_units(units))), None)


def _units(text: str) -> Iterator[Sequence[str]]:
    """The text as lines, sentences, what stands between commas, and words. Those that are too few for a loop are left out."""
    yield _stripped(text.splitlines())
    ends = _ENDS[:3] if text.isascii() else _ENDS  # a search for others takes three times as long
    yield _stripped(re.findall(f"[^{ends}]+[{ends}]*", text)) if sum(map(text.count, ends)) >= _LOOP - 1 else ()
    yield _stripped(text.split(","))
    yield text.split()


def _stripped(pieces: Sequence[str]) -> Sequence[str]:
    return list(filter(None, map(str.strip, pieces))) if len(pieces) >= _LOOP else ()


def _loop_of_units(units: Sequence[str]) -> tuple[str, int] | None:
    """The unit, or the cycle of up to four units, that is repeated. Rules and empty cells (``---``, ``|``) are none."""
    if not any(map(eq, units[::15], units[12::15])):
        return None  # each of these cycles is the same after twelve units, at half of its places
    for length in range(1, _LONGEST_CYCLE + 1):
        for start, end in _repeats(units, length, (_LOOP - 1) * length):
            unit = " ".join(units[start : start + length])
            if any(map(str.isalnum, unit)):
                return unit, (end - start) // length + 1
    return None


def _repeats(units: Sequence[str], length: int, least: int) -> Iterator[tuple[int, int]]:
    """Where at least ``least`` units in a row are the same as the one ``length`` units later. One unit in ``least`` is looked at:
    no such row lies between two of them."""
    at, last = least - 1, len(units) - length
    while at < last:
        start = end = at
        while end < last and units[end] == units[end + length]:
            end += 1
        while end > at and start and units[start - 1] == units[start - 1 + length]:
            start -= 1
        if end - start >= least:
            yield start, end
        at = max(at, end) + least


def _loop_in_json(evidence: Evidence) -> tuple[str, int] | None:
    text = evidence.reply.text
    if len(text) > _MOST_READ or text.lstrip()[:1] not in ("[", "{"):
        return None
    return _loop_of_values(values_of(evidence))


def _loop_of_values(values: Iterable[Json]) -> tuple[str, int] | None:
    """The element of one of the arrays, or the line of one of the texts, that is repeated."""
    for value in values:
        if not isinstance(value, (list, str)) or len(value) < _LOOP:
            continue
        if isinstance(value, str):
            if (lines := _stripped(value.splitlines())) and (loop := _loop_of_units(lines)):
                return loop
            continue
        for item, run in groupby(value):
            if (count := len(list(run))) >= _LOOP:
                return json.dumps(item, ensure_ascii=False), count
    return None
