"""The official definition of the API: every field is known, and has its type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.answer.reply import error_of
from harness.answer.structured import once
from harness.gemini.definition import DefinitionFinding, answer_of, fields, walk
from harness.judge.invariants.request_fields import is_chunk, is_placeholder
from harness.judge.registry import GENERATING, rule
from harness.model import Evidence, Mismatch

_INDEX = r"\[\d+\]"
_OF_PROMPT = [("promptTokenCount", "promptTokensDetails"), ("cachedContentTokenCount", "cacheTokensDetails")]
_OF_VERTEX = [("candidatesTokenCount", "candidatesTokensDetails"), ("totalTokenCount", "createTime")]
_TOGETHER = {"serviceTier": _OF_PROMPT, "trafficType": _OF_PROMPT + _OF_VERTEX}
"""A field of the usage -> pairs of a count, and of what comes with it. In recordings, none of 632 such answers lacks one."""


@rule("wire-known", "warn", any_call=True, dialect="gemini")
def wire_known(evidence: Evidence) -> Iterator[Mismatch]:
    """Every field and enum value is in the official definition. An unknown one may be new in the API, so it is a warning.

    right: {"responseId": "r"}
    wrong: {"system_fingerprint": "fp_1"}
    """
    for at, finding in _findings(evidence):
        if finding.kind == "unknown-field":
            name = at.rpartition(".")[2]
            yield Mismatch(
                at, f"a field of {finding.expected}", finding.actual, f"{finding.expected} has no field {name!r}"
            )
        elif finding.kind == "unknown-value":
            message = f"{finding.actual!r} is not a value of {finding.expected}"
            yield Mismatch(at, finding.expected, finding.actual, message)


@rule("wire-type", "error", any_call=True, dialect="gemini")
def wire_type(evidence: Evidence) -> Iterator[Mismatch]:
    """Every known field has its type, by the rules of proto3 JSON. Inline data is judged by ``base64``.
    A typed client fails to read any other.

    A placeholder (``<REDACTED>``) is not judged: whoever recorded the answer wrote it.

    right: {"candidates": [{"index": 0}]}
    wrong: {"candidates": [{"index": "0"}]}
    """
    for at, finding in _findings(evidence):
        data = at.endswith("inlineData.data") and isinstance(finding.actual, str)
        if finding.kind == "wrong-type" and not data and not is_placeholder(finding.actual):
            shown = repr(finding.actual)[:60]
            yield Mismatch(at, finding.expected, finding.actual, f"{shown} is not {finding.expected}")


@rule("fields-together", "warn", of="finished", dialect="gemini", needs=tuple(_TOGETHER))
def fields_together(evidence: Evidence) -> Iterator[Mismatch]:
    """What Google writes together comes together: ``serviceTier`` (the Gemini API since May 2026) or ``trafficType`` (Vertex AI) with the
    details of the prompt and of the cached tokens, and of Vertex AI those of the answer and ``createTime``. Otherwise a program on the
    way wrote the answer a second time, without the fields that it does not know.

    right: {"usageMetadata": {"promptTokenCount": 5, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}], "serviceTier": "standard"}}
    wrong: {"usageMetadata": {"promptTokenCount": 5, "serviceTier": "standard"}}
    """
    usage, found = evidence.reply.usage, {**evidence.reply.response, **evidence.reply.usage}
    for sign, (counted, name) in ((sign, pair) for sign, pairs in _TOGETHER.items() for pair in pairs):
        if usage.get(sign) and usage.get(counted) and not found.get(name):
            message = f"{name} is missing, which the API writes beside {sign} and {counted}: it was lost on the way"
            yield Mismatch(f"$..{name}", "a value", found.get(name), message)
            return


@once
def _findings(evidence: Evidence) -> Sequence[tuple[str, DefinitionFinding]]:
    """(place, finding) for every event. A place that several chunks or list items repeat is reported once.

    Events without any field of an answer are left to ``sse-framing``, those of other calls to ``resource`` and its like.
    """
    found: list[tuple[str, DefinitionFinding]] = []
    request, is_other = evidence.exchange.request, evidence.operation not in GENERATING
    message = answer_of(request.method, request.url)[1] if is_other else "GenerateContentResponse"
    own = fields(message, vertex=True).keys() if is_other and message else ()
    reported: set[tuple[str, str]] = set()
    several = len(evidence.reply.events) > 1
    for index, event in enumerate(evidence.reply.events if evidence.exchange.status == 200 and message else ()):
        if not isinstance(event.value, dict) or error_of(event.value) is not None:
            continue
        if (several and not is_chunk(event.value)) or (own and own.isdisjoint(event.value)):
            continue
        for finding in walk(message, event.value):
            place = (finding.kind, re.sub(_INDEX, "", finding.at))
            if place not in reported:
                reported.add(place)
                found.append((f"events[{index}]{finding.at[1:]}" if several else finding.at, finding))
    return found
