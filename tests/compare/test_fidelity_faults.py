"""Every fault of the simulator, as ``fidelity`` sees it in all requests of the shipped suites: all that is claimed, and nothing else."""

from __future__ import annotations

import pytest

from harness.simulator.faults import FAULTS
from tests.compare.test_fidelity import FAULTS as TESTED
from tests.fidelity import answers, claims, compared

CLAIMS = """
truncated-json: ignored $.generationConfig.responseMimeType
extra-json: ignored $.generationConfig.responseMimeType
prose-for-json: ignored $.generationConfig.responseMimeType
thoughts-in-json: ignored $.generationConfig.responseMimeType
number-loop: ignored $.generationConfig.responseMimeType; value $.candidates[*].finishReason
schema-violation: ignored $.generationConfig.responseSchema
missing-key: ignored $.generationConfig.responseSchema; value $.candidates[*].content.parts[*].text
reversed-keys: value $.candidates[*].content.parts[*].text
wrong-args: added $.candidates[*].content.parts[*].functionCall.args.city.wrong; retyped $.candidates[*].content.parts[*].functionCall.args.city
missing-args: dropped $.candidates[*].content.parts[*].functionCall.args.city
duplicate-call: value $.candidates[*].content.parts
malformed-call: added $.candidates[*].finishMessage; dropped $.candidates[*].content; dropped $.usageMetadata.candidatesTokenCount; framing stream events; value $.candidates[*].finishReason
unexpected-call: added $.candidates[*].finishMessage; dropped $.candidates[*].content; dropped $.usageMetadata.candidatesTokenCount; framing stream events; value $.candidates[*].finishReason
negative-count: value $.usageMetadata.candidatesTokenCount
wrong-details: value $.usageMetadata.promptTokensDetails[*].tokenCount
prompt-drift:
no-candidates-count: dropped $.usageMetadata.candidatesTokenCount
ignored-budget: added $.usageMetadata.thoughtsTokenCount; value $.usageMetadata.thoughtsTokenCount
unasked-thoughts: added $.candidates[*].content.parts[*].text; added $.candidates[*].content.parts[*].thought; value $.candidates[*].content.parts; value $.candidates[*].content.parts[*].text
missing-thoughts: ignored $.generationConfig.thinkingConfig
thought-leak: ignored $.generationConfig.responseMimeType; value $.candidates[*].content.parts[*].text
control-text: ignored $.generationConfig.responseMimeType; value $.candidates[*].content.parts[*].text
no-thinking: dropped $.usageMetadata.thoughtsTokenCount; ignored $.generationConfig.thinkingConfig
eaten-by-thoughts: added $.usageMetadata.thoughtsTokenCount; dropped $.candidates[*].content.parts; dropped $.usageMetadata.candidatesTokenCount; framing stream events; value $.candidates[*].finishReason; value $.usageMetadata.thoughtsTokenCount
untagged-thoughts: ignored $.generationConfig.thinkingConfig
empty-stop: dropped $.candidates[*].content.parts; dropped $.candidates[*].content.parts[*]
blocked: added $.promptFeedback; dropped $.candidates; dropped $.usageMetadata.candidatesTokenCount; dropped $.usageMetadata.promptTokensDetails; dropped $.usageMetadata.serviceTier; dropped $.usageMetadata.thoughtsTokenCount; framing stream events
no-candidates: dropped $.candidates; framing stream events
no-finish: dropped $.candidates[*].finishReason
hidden-truncation: value $.usageMetadata.candidatesTokenCount
truncation-as-other:
broken-characters: ignored $.generationConfig.responseMimeType
unknown-finish: value $.candidates[*].finishReason
wrong-image-type: value $.candidates[*].content.parts[*].inlineData.mimeType
early-finish: framing stream events with finishReason
no-end: dropped $.candidates[*].content.parts[*].thoughtSignature; dropped $.candidates[*].finishReason; framing stream events
snapshots: value $.candidates[*].content.parts[*].text
repeated-text: framing stream events; value $.candidates[*].content.parts; value $.candidates[*].content.parts[*].text
400: status; value $.error.message
403: status; value $.error.code; value $.error.message; value $.error.status
429: added $.error.details; status; value $.error.code; value $.error.message; value $.error.status
429-daily: added $.error.details; status; value $.error.code; value $.error.message; value $.error.status
429-short: status; value $.error.code; value $.error.message; value $.error.status
429-capacity: status; value $.error.code; value $.error.message; value $.error.status
499: status; value $.error.code; value $.error.message; value $.error.status
500: status; value $.error.code; value $.error.message; value $.error.status
503: status; value $.error.code; value $.error.message; value $.error.status
503-deadline: status; value $.error.code; value $.error.status
504: status; value $.error.code; value $.error.message; value $.error.status
forgets-config: ignored $.generationConfig.responseMimeType; ignored $.generationConfig.thinkingConfig; status; value $.usageMetadata.thoughtsTokenCount
character-offsets: value $.candidates[*].groundingMetadata.groundingSupports[*].segment.endIndex
dangling-chunk: value $.candidates[*].groundingMetadata.groundingSupports[*].groundingChunkIndices; value $.candidates[*].groundingMetadata.groundingSupports[*].groundingChunkIndices[*]
wrong-part: added $.candidates[*].groundingMetadata.groundingSupports[*].segment.partIndex
footnotes:
no-chunks: dropped $.candidates[*].groundingMetadata.groundingChunks; dropped $.candidates[*].groundingMetadata.groundingSupports
empty-grounding: dropped $.candidates[*].groundingMetadata.groundingChunks; dropped $.candidates[*].groundingMetadata.groundingSupports; dropped $.candidates[*].groundingMetadata.searchEntryPoint; dropped $.candidates[*].groundingMetadata.webSearchQueries
slow: timing latency; timing stream first event
stall: dropped $; dropped $.candidates[*].finishReason; framing stream events; value $.candidates[*].content.parts[*].text; value $.usageMetadata.candidatesTokenCount
cut: dropped $; dropped $.candidates[*].finishReason; framing stream events; value $.candidates[*].content.parts[*].text; value $.usageMetadata.candidatesTokenCount
glued:
split:
firewall: status
html-200: dropped $; framing stream events; framing stream form; header content-type
empty: dropped $; framing stream events; framing stream form
openai-error: status
nested-error: status
all-failed: status
error-200: added $.error; dropped $.candidates; dropped $.modelVersion; dropped $.responseId; dropped $.usageMetadata; framing stream events; framing stream form; header content-type
broken-json: dropped $; framing stream events; framing stream events that are not valid; value $.candidates[*].content.parts[*].text
wrong-content-type: header content-type
error-event: added $.error; dropped $.candidates[*].finishReason; framing stream events with usageMetadata; value $.candidates[*].content.parts[*].text; value $.usageMetadata.candidatesTokenCount
done: framing stream [DONE]
bytes-literal: dropped $; framing stream events; framing stream events that are not valid; framing stream line endings
torn-event: framing stream events; framing stream events that are not valid; value $.candidates[*].content.parts[*].text
no-last-blank-line: framing stream events that are not valid
comments: framing stream comments
json-instead: framing stream form; header content-type
events-instead: header content-type
"""
"""A line per fault: everything that is claimed, with ``kind path`` or a header, separated by semicolons. A fault that changes too few
answers, or only what the whole answer does not show, has none."""
EXPECTED = {name: claimed.strip() for name, _, claimed in (line.partition(":") for line in CLAIMS.split("\n")[1:-1])}


@pytest.mark.nightly
@pytest.mark.parametrize("fault", EXPECTED)
def test_all_that_is_claimed_of_a_fault(fault: str) -> None:
    found = {
        path if path.startswith(kind) else f"{kind} {path}"
        for kind, path in claims(compared(answers(), answers(fault)))
    }
    assert found == set(filter(None, EXPECTED[fault].split("; ")))


def test_every_fault_is_tested() -> None:
    assert {*EXPECTED, *TESTED} == set(FAULTS)
