"""The characters and the wording of an answer: it was decoded as UTF-8, and did not fall into a loop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from harness.judge.invariants.request_fields import has_answer
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch


@rule("unicode", "warn", per_candidate=True)
def unicode(evidence: Evidence) -> Iterator[Mismatch]:
    """The text has whole characters, and is not UTF-8 that was decoded as Latin-1 or Windows-1252 (``Ã©`` for ``é``)."""
    calls = [json.dumps(call.get("args"), ensure_ascii=False) for call in evidence.reply.function_calls]
    for at, text in (("text", evidence.reply.text), ("thoughts", evidence.reply.thoughts), ("args", "".join(calls))):
        if text.isascii():
            continue
        if half := _HALF.search(text):
            message = f"half a surrogate pair at {half.start()}: the text is no valid Unicode"
            yield Mismatch(at, "whole characters", ascii(half[0]), message)
        elif wrong := wrongly_decoded(text):
            message = f"{wrong[0]!r} is {wrong[1]!r} decoded as Latin-1: the text is broken"
            yield Mismatch(at, wrong[1], wrong[0], message)


_HALF = re.compile("[\ud800-\udfff]")
_FOREIGN = re.compile("[\u0080-\U0010ffff]+")
_MOST_READ = 200_000
"""Characters of a text that are looked at: what is wrong in a longer one shows in its beginning, a loop at its end."""
_MOST_WHOLE = 0.1
"""The share of groups of characters that are right in a text that is taken for wrongly decoded: an event in many may be right."""


def wrongly_decoded(text: str) -> tuple[str, str] | None:
    """(as it is, as it was meant) for the first group of characters that is UTF-8 decoded as Latin-1 or Windows-1252.

    One group of three is enough (``â€™``). Of shorter ones, nearly all must be such: ``Â°`` occurs in right texts too, and
    ``SÃO PAULO`` is right, since its ``Ã`` is not UTF-8 with what follows it.
    """
    groups = [found[0] for found in _FOREIGN.finditer(text[:_MOST_READ])]
    meant = [(group, right) for group in groups if (right := _decoded(group)) is not None]
    long = next((pair for pair in meant if len(pair[0]) > 2), None)
    whole = len(groups) - len(meant)
    return long or (meant[0] if meant and whole <= _MOST_WHOLE * len(groups) else None)


def _decoded(group: str) -> str | None:
    """What the group was before its bytes were decoded wrongly; None if it is right."""
    try:
        return bytes(_byte(character) for character in group).decode()
    except ValueError:
        return None


def _byte(character: str) -> int:
    """The byte that Latin-1 or Windows-1252 decodes to this character. Raises ValueError if there is none."""
    return ord(character) if ord(character) < 256 else character.encode("cp1252")[0]


# --- loops --------------------------------------------------------------------------------------------------------


_LOOP = 30
"""Repetitions in a row. Fewer occur in lists and tables that are meant so."""
_LONGEST_CYCLE = 4
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s*")
_DIGITS = re.compile(r"(\d{1,4}?)\1{99,}")
_BLANKS = re.compile(r"(?<!\s)(?<!\\[nt])(?:\s|\\n|\\t){1000,}")


@rule("text-loop", "warn", per_candidate=True)
def text_loop(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer did not fall into a loop: the same line, sentence, word or element of an array 30 times in a row.

    Also 100 times the same digits, and 1,000 blanks, as constrained decoding writes them into JSON.
    """
    if not has_answer(evidence):
        return
    found = _loop_of_text(evidence.reply.text) or _loop_of_values(
        [call.get("args") for call in evidence.reply.function_calls]
    )
    if found is not None:
        unit, times = found
        yield Mismatch("text", "no loop", unit[:200], f"{unit[:60]!r} comes {times} times in a row: a loop")


def _loop_of_text(text: str) -> tuple[str, int] | None:
    if len(text) < 2 * _LOOP:
        return None
    text = text[-_MOST_READ:]
    for found in (_DIGITS.search(text), _BLANKS.search(text)):
        if found is not None:
            unit = found[1] if found.re is _DIGITS else "white space"
            return unit, len(found[0]) // len(found[1]) if found.re is _DIGITS else len(found[0])
    units = (text.splitlines(), _SENTENCE.split(text), text.split(","), text.split())
    loops = (_loop_of_units([unit.strip() for unit in pieces]) for pieces in units)
    return next((loop for loop in loops if loop), None) or _loop_in_json(text)


def _loop_of_units(units: Sequence[str]) -> tuple[str, int] | None:
    """The unit, or the cycle of up to four units, that is repeated. Rules and empty cells (``---``, ``|``) are none."""
    filled = [unit for unit in units if unit]
    for length in range(1, _LONGEST_CYCLE + 1):
        repeated = [before == after for before, after in zip(filled, filled[length:], strict=False)]
        at = 0
        for same, run in groupby(repeated):
            count = len(list(run))
            unit = " ".join(filled[at : at + length])
            if same and count >= (_LOOP - 1) * length and any(character.isalnum() for character in unit):
                return unit, count // length + 1
            at += count
    return None


def _loop_in_json(text: str) -> tuple[str, int] | None:
    try:
        return _loop_of_values([json.loads(text)]) if text.lstrip()[:1] in "[{" else None
    except (ValueError, RecursionError):
        return None


def _loop_of_values(values: Iterable[Json]) -> tuple[str, int] | None:
    """The element of an array that is repeated, at any depth."""
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += [item for item in value if isinstance(item, (dict, list))]
            for item, run in groupby(value):
                if (count := len(list(run))) >= _LOOP:
                    return json.dumps(item, ensure_ascii=False), count
        elif isinstance(value, str) and (loop := _loop_of_units([line.strip() for line in value.splitlines()])):
            return loop
    return None
