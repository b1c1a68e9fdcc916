"""What models and the programs on the way leave in a text: escapes, tokens of chat templates, stop sequences, a second copy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from harness.answer.structured import wants_json
from harness.judge.invariants.request_fields import field, has_answer, items_of
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch

_ENTITY = re.compile(r"&(?:quot|apos|lt|gt|amp|#39|#x27|#34|#60|#62);")
_RAW = re.compile(r"[<>\"']")
_ESCAPE = re.compile(r"(?<!\\)\\[nrt\"]")
_FEWEST_ESCAPES = 2


@rule("escaped-text", "warn", per_candidate=True)
def escaped_text(evidence: Evidence) -> Iterator[Mismatch]:
    r"""The text is not escaped once more than it should: ``&quot;`` for a quote, or ``\n`` as two characters for the end of a line.
    Two and more are noticed, in a text without the plain characters. Users see them.

    right: {"candidates": [{"content": {"parts": [{"text": "\"Oslo\" & \"Bergen\""}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "&quot;Oslo&quot; &amp; &quot;Bergen&quot;"}]}}]}
    """
    text = evidence.reply.text
    if not has_answer(evidence) or wants_json(evidence):
        return
    found = [] if _RAW.search(text) else _ENTITY.findall(text)
    if not found and "\n" not in text.strip() and "`" not in text:
        found = _ESCAPE.findall(text)
    if len(found) >= _FEWEST_ESCAPES:
        message = f"the text holds {found[0]!r} as characters: it was escaped once too often"
        yield Mismatch("text", "plain characters", text[:200], message)


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
    found = _TOKEN.search(evidence.reply.text)
    if found and found[0] not in json.dumps(evidence.request_body):
        around = evidence.reply.text[max(0, found.start() - 20) : found.end() + 20]
        yield Mismatch("text", "no control token", around, f"the text holds the control token {found[0]!r}")


@rule("stop-sequence", "error", per_candidate=True)
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
    text = evidence.reply.text.strip()
    half = text[: len(text) // 2].strip()
    is_pair = len(half) >= _SHORTEST_COPY and text.startswith(half) and text[len(half) :].strip() == half
    if is_pair and len(evidence.reply.events) < 2 and len(set(half.split())) > 2:
        yield Mismatch("text", half[:200], text[:200], f"the whole text of {len(half):,} characters comes twice")
