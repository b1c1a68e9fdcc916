"""What models and the programs on the way leave in a text: escapes, tokens of chat templates, stop sequences, a second copy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from harness.answer.structured import wants_json
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import has_answer, is_finished
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch

_ENTITY = re.compile(r"&(?:quot|apos|lt|gt|amp|#39|#x27|#34|#60|#62);")
_RAW = re.compile(r"[<>\"']")
_ESCAPE = re.compile(r"(?<!\\)\\[nrt\"]")
_FEWEST_ESCAPES = 2


@rule("escaped-text", "warn", per_candidate=True)
def escaped_text(evidence: Evidence) -> Iterator[Mismatch]:
    r"""The text is not escaped once more than it should: ``&quot;`` for a quote, ``%20`` for a blank, or ``\n`` as two characters for
    the end of a line. Two and more are noticed, in a text without the plain characters, and in the arguments of calls. Users see them.

    Also: lines end with one character, not with CR and LF, which the API does not write unless the prompt does.

    right: {"candidates": [{"content": {"parts": [{"text": "\"Oslo\" & \"Bergen\""}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "&quot;Oslo&quot; &amp; &quot;Bergen&quot;"}]}}]}
    """
    text = evidence.reply.text
    if not has_answer(evidence):
        return
    found = [] if wants_json(evidence) else _escapes(text)
    called = [call.get("args") for call in evidence.reply.function_calls]
    calls = json.dumps(called, ensure_ascii=False) if called else ""
    entities = [] if _PLAIN_IN_ARGS.search(calls) else _ENTITY.findall(calls)
    for place, escapes, whole in (("text", found, text), ("args", entities, calls)):
        if len(escapes) >= _FEWEST_ESCAPES:
            message = f"the {place} holds {escapes[0]!r} as characters: it was escaped once too often"
            yield Mismatch(place, "plain characters", whole[:200], message)
    if "\r\n" in text and not _is_asked(evidence, "\r"):
        yield Mismatch("text", "LF", "CR LF", "lines of the text end with CR and LF: something on the way changed them")


_PLAIN_IN_ARGS = re.compile(r"[<>']")


def _is_asked(evidence: Evidence, text: str) -> bool:
    """Whether the request has the text: then the answer may have it too."""
    return json.dumps(text)[1:-1] in json.dumps(evidence.request_body)


def _escapes(text: str) -> list[str]:
    """What stands in the text in the place of plain characters."""
    if "&" in text and not _RAW.search(text) and (entities := _some(_ENTITY, text)):
        return entities
    if "://" not in text and not _TWO_WORDS.search(text) and (blanks := _some(_IN_ADDRESS, text)):
        return blanks
    if "\\" in text and "`" not in text and ("\n" not in text or "\n" not in text.strip()):
        return _some(_ESCAPE, text)
    return []


_TWO_WORDS = re.compile(r"\S\s+\S")


def _some(pattern: re.Pattern[str], text: str) -> list[str]:
    """The first matches. A long text may have millions."""
    return [found[0] for found in islice(pattern.finditer(text), _FEWEST_ESCAPES)]


_IN_ADDRESS = re.compile(r"%20|%[CDE][0-9A-F]%|(?<=[a-z])\+(?=[a-z]{2})")


_OBJECT = re.compile(r"\[object \w+\]")
_MISSING = re.compile(r"(?<=[\w.!?])(?:undefined|NaN)$|(?<=[.!?])(?:None|null)$|^(?:None|null|undefined)(?=[A-Z])")


@rule("missing-value", "warn", per_candidate=True)
def missing_value(evidence: Evidence) -> Iterator[Mismatch]:
    """The text does not hold, or is, how a program writes a value that is missing: ``undefined``, ``None``, ``[object Object]``.
    Not checked for JSON, and where the request has the word.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo.undefined"}]}}]}
    """
    if not is_finished(evidence) or wants_json(evidence):
        return
    text = evidence.reply.text
    text = (f"{text[:60]} {text[-60:]}" if len(text) > 1_000 else text).strip()  # a long text is not copied
    found = _OBJECT.search(evidence.reply.text) or _MISSING.search(text)
    word = found[0] if found else text if text in ("None", "null", "undefined", "NaN") else ""
    if word and not _is_asked(evidence, word):
        yield Mismatch("text", "an answer", text[-60:], f"the text holds {word!r}: a program wrote a missing value")


_TOKEN = re.compile(
    r"<(?:end_of_turn|start_of_turn|eos|bos|pad|unk|/s|ctrl\d+"
    r"|\|(?:im_end|im_start|endoftext|eot_id|end|assistant|user|system)\|)>|\[/INST\]"
)


@rule("control-token", "warn", per_candidate=True)
def control_token(evidence: Evidence) -> Iterator[Mismatch]:
    """The text holds no token of a chat template, such as ``<end_of_turn>`` or ``<|im_end|>``, unless the request has it.
    Servers of models cut them off.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo.<end_of_turn>"}]}}]}
    """
    text = evidence.reply.text
    found = _TOKEN.search(text) if "<" in text or "[/INST]" in text else None
    if found and not _is_asked(evidence, found[0]):
        around = text[max(0, found.start() - 20) : found.end() + 20]
        yield Mismatch("text", "no control token", around, f"the text holds the control token {found[0]!r}")


@rule("stop-sequence", "error", per_candidate=True, needs="stopSequences")
def stop_sequence(evidence: Evidence) -> Iterator[Mismatch]:
    """The text ends before a sequence of ``stopSequences``, and does not hold it. Otherwise the field was not passed on.

    asked: {"generationConfig": {"stopSequences": ["END"]}}
    right: {"candidates": [{"content": {"parts": [{"text": "Oslo. "}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo. END of the answer."}]}}]}
    """
    sequences = items_of(field(evidence.request_body, "generationConfig", "stopSequences"))
    for sequence in sequences if has_answer(evidence) else ():
        if isinstance(sequence, str) and sequence and (at := evidence.reply.text.find(sequence)) >= 0:
            around = evidence.reply.text[max(0, at - 20) : at + 60]
            message = f"the text goes on beyond the stop sequence {sequence!r}"
            yield Mismatch("text", f"nothing from {sequence!r} on", around, message)
            return


_SHORTEST_COPY = 40


@rule("text-twice", "error", per_candidate=True)
def text_twice(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer (40 characters and more) does not come twice in a row. Another rule reports a stream that repeats its events.

    right: {"candidates": [{"content": {"parts": [{"text": "The capital of Norway is Oslo, at the Oslofjord."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "The capital of Norway is Oslo, at the Oslofjord."}, {"text": "The capital of Norway is Oslo, at the Oslofjord."}]}}]}
    """
    if len(evidence.reply.events) > 1:
        return
    text = evidence.reply.text.strip()
    half = text[: len(text) // 2].strip()
    is_pair = len(half) >= _SHORTEST_COPY and text.startswith(half) and text[len(half) :].strip() == half
    if is_pair and len(set(half.split())) > 2:
        yield Mismatch("text", half[:200], text[:200], f"the whole text of {len(half):,} characters comes twice")
