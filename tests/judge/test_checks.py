"""The named checks, each against an answer made by hand. The parameters are written as in a suite."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.answer import reply
from harness.errors import CannotJudge, SuiteError
from harness.judge.checks.parameters import complaints
from harness.judge.registry import find_check
from harness.model import Bill, Chunk, Evidence, Exchange, Provenance, Request
from harness.text import shape
from harness.text.project import Project

LIVE = Provenance("live", "google")
LOST = Provenance("replay", "import", timing="lost")


def evidence(
    *chunks: Any,
    times: Sequence[float] = (),
    status: int = 200,
    body: Any = None,
    folder: Path = Path(),
    provenance: Provenance = LIVE,
) -> Evidence:
    """What a check sees: one body for a unary answer, several for a stream."""
    stream = len(chunks) > 1
    frames = [f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks] if stream else [json.dumps(chunks[0])]
    at = times or [0.5 * (number + 1) for number in range(len(frames))]
    request = Request(
        "google", "gemini-3-flash-preview", "POST", "https://host/x", {}, body, b"", "stream" if stream else "unary"
    )
    exchange = Exchange(
        request,
        status,
        {"content-type": "text/event-stream" if stream else "application/json"},
        [Chunk(frame.encode(), time) for frame, time in zip(frames, at, strict=True)],
        at[0],
        provenance,
    )
    return Evidence(exchange, reply.read(exchange), body, "gemini-3-flash-preview", request.transport, folder=folder)


def answer(*parts: Any, finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """A GenerateContentResponse; ``more`` are fields of the candidate, those of the response in camelCase among them."""
    top: dict[str, Any] = {
        key: more.pop(key) for key in ("usageMetadata", "modelVersion", "promptFeedback") if key in more
    }
    whole = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate = {"content": {"role": "model", "parts": whole}, "index": 0, **more}
    return {"candidates": [{**candidate, **({"finishReason": finish} if finish else {})}], **top}


def messages(name: str, parameter: Any, found: Evidence) -> list[str]:
    """The messages of one check. Its parameter is validated first, as in a suite."""
    check = find_check(name)
    assert check is not None
    assert shape.findings(parameter, check.parameter) == []
    assert not list(complaints(check.parameter, parameter, Project(found.folder)))
    return [f"{mismatch.at}: {mismatch.message}" for mismatch in check.function(found, parameter)]


def complaints_of(name: str, parameter: Any, folder: Path = Path()) -> list[str]:
    """Why a suite with this parameter is rejected."""
    check = find_check(name)
    assert check is not None
    return [finding.message for finding in shape.findings(parameter, check.parameter)] or [
        f"{'.'.join(map(str, at))}: {message}" if at else message
        for at, message in complaints(check.parameter, parameter, Project(folder))
    ]


# --- outcome


def test_finish_reason() -> None:
    cut = evidence(answer("x", finish="MAX_TOKENS"))
    assert messages("finishReason", "MAX_TOKENS", cut) == []
    assert messages("finishReason", {"in": ["STOP", "MAX_TOKENS"]}, cut) == []
    assert messages("finishReason", "STOP", cut) == ['finishReason: expected string "STOP", got string "MAX_TOKENS"']
    assert messages("finishReason", "STOP", evidence(answer("x", finish=None))) == [
        'finishReason: expected string "STOP", got absent'
    ]


def test_a_blocked_prompt() -> None:
    blocked = evidence({"promptFeedback": {"blockReason": "SAFETY"}})
    assert messages("blockReason", "SAFETY", blocked) == []
    assert messages("blockReason", {"present": False}, evidence(answer("x"))) == []
    assert messages("blockReason", "SAFETY", evidence(answer("x"))) == [
        'blockReason: expected string "SAFETY", got absent'
    ]
    assert messages("candidates", 0, blocked) == []


def test_an_error_answer() -> None:
    error = {
        "code": 400,
        "message": "Thinking level is not supported",
        "status": "INVALID_ARGUMENT",
        "details": [{"a": 1}],
    }
    no = evidence({"error": error}, status=400)
    assert messages("http", 400, no) == []
    assert messages("http", {"in": [200, 503]}, no) == [
        "HTTP status: expected one of [200, 503], got integer 400: Thinking level is not supported"
    ]
    assert (
        messages("error", {"status": "INVALID_ARGUMENT", "message": {"icontains": "thinking"}, "code": 400}, no) == []
    )
    assert messages("error", {"details": {"some": {"fields": {"a": 1}}}}, no) == []
    assert messages("error", {"status": "NOT_FOUND"}, no) == [
        'error.status: expected string "NOT_FOUND", got string "INVALID_ARGUMENT"'
    ]
    assert messages("error", {"status": "NOT_FOUND"}, evidence(answer("x"))) == [
        "error: expected an error answer, got none (HTTP 200)"
    ]


def test_header_names_match_in_any_case() -> None:
    assert (
        messages("headers", {"Content-Type": {"contains": "json"}, "via": {"present": False}}, evidence(answer("x")))
        == []
    )


def test_model_version() -> None:
    assert (
        messages("modelVersion", {"starts_with": "gemini-3"}, evidence(answer("x", modelVersion="gemini-3-flash")))
        == []
    )
    assert messages("modelVersion", "m", evidence(answer("x"))) == ['modelVersion: expected string "m", got absent']


def test_safety_ratings() -> None:
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "MEDIUM"}
    rated = evidence(answer("x", safetyRatings=[rating]))
    assert messages("safetyRatings", {"present": True, "blocked": False, "max": "HIGH"}, rated) == []
    assert messages("safetyRatings", {"max": "LOW"}, rated) == [
        'candidates[0].safetyRatings[0].probability: expected one of ["NEGLIGIBLE", "LOW"], got string "MEDIUM"'
    ]
    assert messages("safetyRatings", {"present": False}, evidence(answer("x"))) == []


# --- tokens, text


def test_token_counts_absent_is_zero() -> None:
    used = evidence(answer("x", usageMetadata={"promptTokenCount": 5, "totalTokenCount": 20, "thoughtsTokenCount": 12}))
    assert messages("thoughtsTokenCount", {"min": 1, "max": 100}, used) == []
    assert messages("thoughtsTokenCount", {"max": 10}, used) == [
        "thoughtsTokenCount: expected at most 10, got integer 12"
    ]
    assert messages("cachedContentTokenCount", 0, used) == []
    assert messages("candidatesTokenCount", {"min": 1}, used) == [
        "candidatesTokenCount: expected at least 1, got integer 0"
    ]


def test_text_never_holds_thoughts() -> None:
    mixed = evidence(answer({"text": "Hm, coat?", "thought": True}, "Take a jacket."))
    assert messages("text", {"any": [{"icontains": "coat"}, {"icontains": "jacket"}]}, mixed) == []
    assert messages("text", {"not": {"contains": "coat"}}, mixed) == []
    assert messages("thoughts", {"present": True, "contains": "coat"}, mixed) == []
    assert messages("thoughts", {"present": False}, evidence(answer("x"))) == []
    assert messages("text", {"present": True}, evidence(answer())) == ["text: expected present, got absent"]


# --- JSON

SCHEMA: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {"total": {"type": "NUMBER"}, "lines": {"type": "ARRAY", "items": {"type": "STRING"}}},
    "required": ["total"],
    "propertyOrdering": ["lines", "total"],
}
ASKED = {"generationConfig": {"responseMimeType": "application/json", "responseSchema": SCHEMA}}


def test_json_validity_order_and_values() -> None:
    good = evidence(answer('{"lines": ["AB-1", "CD-2"], "total": 118.4}'), body=ASKED)
    assert messages("json", {}, good) == []
    whole = {
        "valid": "request",
        "order": "request",
        "at": {
            "$.total": {"approx": 118.40, "abs": 0.01},
            "$.lines[*]": {"matches": r"^[A-Z]{2}-\d$"},
            "$.x": {"present": False},
        },
    }
    assert messages("json", whole, good) == []
    assert messages("json", {"order": ["lines", "total"]}, good) == []
    assert messages("json", {"equals": {"total": 118.4, "lines": ["AB-1", "CD-2"]}}, good) == []


def test_json_reports_every_mismatch() -> None:
    bad = evidence(answer('{"total": "much", "lines": ["AB-1", 2]}'), body=ASKED)
    assert messages(
        "json", {"valid": "request", "order": "request", "at": {"$.lines[*]": {"type": "string"}}}, bad
    ) == [
        '$.total: expected number, got string "much" (type of the schema)',
        "$.lines[1]: expected string, got integer 2 (type of the schema)",
        "$: expected the keys in the order lines, total, got total, lines",
        "$.lines[1]: expected type string, got integer 2",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected one JSON value, got no text"),
        ('```json\n{"a": 1}\n```', "expected one JSON value, got a code fence around it"),
        ('{"a": 1} {"b": 2}', "expected one JSON value, got more text after it"),
        ("Hello!", "expected one JSON value, got text that is not JSON"),
    ],
)
def test_text_that_is_not_json(text: str, reason: str) -> None:
    (message,) = messages("json", {"valid": "request"}, evidence(answer(text), body=ASKED))
    assert message.startswith(f"json: {reason}")


def test_truncated_json_names_the_cause() -> None:
    (message,) = messages("json", {}, evidence(answer('{"a": [1,', finish="MAX_TOKENS"), body=ASKED))
    assert "raise maxOutputTokens" in message


def reasons(parameter: Any, found: Evidence) -> list[str]:
    check = find_check("json")
    assert check is not None
    return [mismatch.reason for mismatch in check.function(found, parameter)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"lines": []}', "missing key"),
        ('{"total": "much"}', "wrong type"),
        ('{"total": -1}', "wrong value"),
        ('{"total": 1, "unit": "m"}', "extra value"),
        ('{"total": 1, "size": "XXL"}', "extra value"),
        ('{"total": 1, "age": "old"}', "wrong type"),
        ('{"total": 1, "lines": []}', "wrong order"),
        (" ", "no answer"),
        ("Hello!", "not JSON"),
        ('{"total": 1} Done.', "not JSON"),
        ('{"total": NaN}', "not JSON"),
        ('```json\n{"total": 1}\n```', "fence"),
        ('{"total": 1', "cut"),
        ('{"lines": ["AB-', "cut"),
    ],
)
def test_why_json_fails_in_a_word(text: str, reason: str) -> None:
    properties = {
        **SCHEMA["properties"],
        "total": {"type": "NUMBER", "minimum": 0},
        "size": {"type": "STRING", "enum": ["S", "L"]},
        "age": {"anyOf": [{"type": "INTEGER"}, {"type": "NULL"}]},
    }
    schema = {**SCHEMA, "properties": properties, "additionalProperties": False}
    body = {"generationConfig": {"responseMimeType": "application/json", "responseSchema": schema}}
    assert reasons({"valid": "request", "order": "request"}, evidence(answer(text), body=body)) == [reason]


def test_why_a_value_in_json_fails() -> None:
    found = evidence(answer('{"a": 1}'))
    assert reasons({"at": {"$.b": 1, "$.a": 2}, "equals": []}, found) == ["wrong value", "missing key", "wrong value"]


def test_an_answer_at_the_output_limit_is_cut_whatever_it_is() -> None:
    for text in ("", "```json\n{", "Let me think"):
        assert reasons({}, evidence(answer(text, finish="MAX_TOKENS"))) == ["cut"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON_VALUES, max_size=3) | st.dictionaries(st.text(max_size=3), JSON_VALUES, max_size=3), st.data())
def test_the_beginning_of_a_json_object_or_list_is_cut(value: Any, data: st.DataObject) -> None:
    whole = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    beginning = whole[: data.draw(st.integers(1, len(whole) - 1))]
    assert reasons({}, evidence(answer(beginning))) == ["cut"]


def test_a_schema_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "own.schema.json").write_text(json.dumps({"type": "array"}))
    (tmp_path / "own.schema.yaml").write_text("type: ARRAY\nmaxItems: 1\n")
    found = evidence(answer("[1, 2]"), folder=tmp_path)
    assert messages("json", {"valid": "own.schema.json"}, found) == []
    assert messages("json", {"valid": "own.schema.yaml"}, found) == [
        "$: expected at most 1 items, got array of 2 [1, 2] (maxItems of the schema)"
    ]
    assert messages("json", {"valid": {"type": "OBJECT"}}, found) == [
        "$: expected object, got array of 2 [1, 2] (type of the schema)"
    ]
    assert complaints_of("json", {"valid": "gone.json"}, tmp_path) == [
        f"valid: cannot read the schema {tmp_path / 'gone.json'}: no such file or directory"
    ]
    assert complaints_of("json", {"valid": {"type": "OBJEKT"}})[0].startswith(
        'valid: $.type: string "OBJEKT" is not a type'
    )


def test_valid_request_needs_a_schema_in_the_request() -> None:
    with pytest.raises(SuiteError, match="this request sends no schema"):
        messages("json", {"valid": "request"}, evidence(answer("{}"), body={}))


def test_the_value_of_an_enum_answer_is_its_word() -> None:
    body = {
        "generationConfig": {
            "responseMimeType": "text/x.enum",
            "responseSchema": {"type": "STRING", "enum": ["good", "bad"]},
        }
    }
    assert messages("json", {"valid": "request"}, evidence(answer("good"), body=body)) == []
    assert messages("json", {"valid": "request"}, evidence(answer("fine"), body=body)) != []


def test_path_finds_any_value_of_the_merged_response() -> None:
    found = evidence(answer("a", finish=None), answer("b", modelVersion="m"))
    good = {
        "$.candidates[0].index": 0,
        "$.candidates[*].content.parts[0].text": "ab",
        "$.modelStatus": {"present": False},
    }
    assert messages("path", good, found) == []
    assert messages("path", {"$.modelVersion": "n", "$.gone": 1}, found) == [
        '$.modelVersion: expected string "n", got string "m"',
        "$.gone: expected integer 1, got absent",
    ]
    assert messages("path", {"$.error.code": 400}, evidence({"error": {"code": 400}}, status=400)) == []


# --- grounding

TEXT = "日本の首都は東京です。Tokyo has 14 million people."
FIRST, SECOND = "日本の首都は東京です。", "Tokyo has 14 million people."
REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/abc"


def support(text: str, start: int, *chunks: int, **more: Any) -> dict[str, Any]:
    end = start + len(text.encode())
    segment = {"text": text, "endIndex": end, **({"startIndex": start} if start else {}), **more}
    return {"segment": segment, "groundingChunkIndices": list(chunks)}


def grounded(*supports: Any, parts: Sequence[Any] = (TEXT,)) -> Evidence:
    metadata = {
        "webSearchQueries": ["capital of japan", "population tokyo"],
        "groundingChunks": [
            {"web": {"uri": REDIRECT, "title": "example.com"}},
            {"maps": {"uri": "https://maps.google.com/?cid=1", "title": "Tokyo"}},
        ],
        "groundingSupports": list(supports),
    }
    return evidence(answer(*parts, groundingMetadata=metadata))


def test_supports_are_verified_by_bytes() -> None:
    good = grounded(support(FIRST, 0, 0), support(SECOND, len(FIRST.encode()), 0, 1))
    assert messages("groundingSupports", "verified", good) == []
    assert messages("groundingSupports", {"min": 2, "verified": True}, good) == []
    assert messages("coverage", {"min": "100%"}, good) == []


def test_offsets_in_characters_are_detected() -> None:
    wrong = support(SECOND, len(FIRST), 0)
    found = messages("groundingSupports", "verified", grounded(wrong))
    assert found[0].startswith(
        'groundingSupports[0].segment: expected string "Tokyo has 14 million people." at bytes 11-39'
    )


def test_a_part_index_counts_in_that_part() -> None:
    parts = ["I will look that up. ", "Part A is common."]
    assert messages("groundingSupports", "verified", grounded(support(parts[1], 0, 0, partIndex=1), parts=parts)) == []
    assert messages("groundingSupports", "verified", grounded(support(parts[1], 0, 0), parts=parts)) != []
    (share,) = messages("coverage", {"min": "50%"}, grounded(support(parts[1], 0, 0, partIndex=1), parts=parts))
    assert share == "coverage: expected at least 50 %, got 44.7368 %"


def test_stray_chunks_and_offsets_outside_the_text() -> None:
    outside, stray = messages(
        "groundingSupports", "verified", grounded(support(FIRST, 0, 0, 7), support("xyz" * 50, 0, 0))
    )
    assert outside.endswith("at bytes 0-150 of the answer, got nothing: they are outside of the text")
    assert stray == (
        "groundingSupports[0].groundingChunkIndices[1]: expected the index of an existing chunk, got integer 7"
    )


def test_verified_needs_at_least_one_support() -> None:
    assert messages("groundingSupports", "verified", evidence(answer("x"))) == [
        "groundingSupports (count): expected at least 1, got integer 0"
    ]
    assert messages("groundingSupports", {"min": 0, "verified": True}, evidence(answer("x"))) == []


def test_grounding_chunks() -> None:
    found = grounded()
    assert messages("groundingChunks", {"min": 1, "max": 2}, found) == []
    assert messages("groundingChunks", {"kind": "web", "domains": ["example.com"]}, found) == []
    assert messages("groundingChunks", {"kind": "retrievedContext"}, found) == [
        "groundingChunks (retrievedContext) (count): expected at least 1, got integer 0"
    ]
    assert (
        messages("groundingChunks", {"uris": {"each": {"starts_with": "https://"}}, "titles": {"some": "Tokyo"}}, found)
        == []
    )
    assert messages("groundingChunks", {"deny": ["EXAMPLE.com"]}, found) == [
        f'groundingChunks[0]: expected no source from EXAMPLE.com, got string "{REDIRECT}" (example.com)'
    ]
    assert messages("groundingChunks", 0, evidence(answer("x"))) == []


def test_web_search_queries() -> None:
    assert messages("webSearchQueries", {"min": 1, "some": {"icontains": "Tokyo"}}, grounded()) == []
    assert messages("webSearchQueries", {"each": {"contains": "tokyo"}}, grounded()) == [
        'webSearchQueries[0]: expected text containing "tokyo", got string "capital of japan"'
    ]
    assert messages("webSearchQueries", {"min": 1}, evidence(answer("x"))) != []


def test_url_context() -> None:
    urls = [{"retrievedUrl": "https://example.org/a", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}]
    failed = [*urls, {"urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"}]
    assert messages("urlContext", "success", evidence(answer("x", urlContextMetadata={"urlMetadata": urls}))) == []
    assert (
        messages(
            "urlContext",
            {"urls": {"some": {"contains": "example.org"}}},
            evidence(answer("x", urlContextMetadata={"urlMetadata": urls})),
        )
        == []
    )
    assert (
        len(messages("urlContext", "success", evidence(answer("x", urlContextMetadata={"urlMetadata": failed})))) == 1
    )
    assert len(messages("urlContext", "success", evidence(answer("x")))) == 1


def test_confidence_scores() -> None:
    def supported(*supports: dict[str, Any]) -> Evidence:
        return evidence(answer("x", groundingMetadata={"groundingSupports": list(supports)}))

    sure = supported({"groundingChunkIndices": [0, 1], "confidenceScores": [0.9, 0.6]})
    assert messages("groundingSupports", {"confidenceScores": {"min": 0.5}}, sure) == []
    assert messages("groundingSupports", {"confidenceScores": {"min": 0.7}}, sure) == [
        "groundingSupports[0].confidenceScores[1]: expected at least 0.7, got number 0.6"
    ]
    without = supported({"groundingChunkIndices": [0]})
    assert messages("groundingSupports", {"confidenceScores": {"present": False}}, without) == []
    assert messages("groundingSupports", {"confidenceScores": {"min": 0.5}}, without) == [
        "groundingSupports[0].confidenceScores: expected at least 0.5, got absent"
    ]


def test_citations() -> None:
    source = {"startIndex": 1, "endIndex": 9, "uri": "https://example.org/poem", "license": "mit"}
    for name in ("citationSources", "citations"):
        cited = evidence(answer("x", citationMetadata={name: [source, {"uri": "http://example.net"}]}))
        assert messages("citations", {"count": 2, "uri": {"starts_with": "http"}}, cited) == []
        assert messages("citations", {"uri": {"starts_with": "https"}}, cited) == [
            'citations[1].uri: expected text starting with "https", got string "http://example.net"'
        ]
    assert messages("citations", 0, evidence(answer("x"))) == []
    assert messages("citations", {}, evidence(answer("x"))) == ["citations (count): expected at least 1, got integer 0"]


# --- calls, code, files


def call(name: str, **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


def test_a_list_of_function_calls_is_complete_in_any_order() -> None:
    two = evidence(answer(call("get_weather", city="Lima"), call("get_weather", city="Oslo", unit="C")))
    assert (
        messages("functionCalls", [{"name": "get_weather", "args": {"city": "Oslo"}}, {"name": "get_weather"}], two)
        == []
    )
    assert messages("functionCalls", {"min": 1}, two) == []
    assert messages("functionCalls", [{"name": "get_weather", "args": {"city": "Lima"}}], two) == [
        'functionCalls[1]: expected no such call, got get_weather with object {"city": "Oslo", "unit": "C"}'
    ]
    assert messages(
        "functionCalls", [{"name": "get_weather", "args": {"city": {"icontains": "rome"}}}, {"name": "buy"}], two
    ) == [
        'functionCalls[0].args.city: expected text containing "rome" (any case), got string "Lima"',
        'functionCalls: expected a call of string "buy", got calls of get_weather, get_weather',
        'functionCalls[1]: expected no such call, got get_weather with object {"city": "Oslo", "unit": "C"}',
    ]


def test_no_function_calls() -> None:
    assert messages("functionCalls", "none", evidence(answer("x"))) == []
    assert messages("functionCalls", "none", evidence(answer(call("buy")))) != []
    assert messages("functionCalls", [{"name": "buy"}], evidence(answer("x"))) == [
        'functionCalls: expected a call of string "buy", got no function call'
    ]


def test_nested_arguments() -> None:
    booked = evidence(answer(call("book", room={"beds": 2, "view": "sea"})))
    assert (
        messages("functionCalls", [{"name": "book", "args": {"room": {"fields": {"beds": {"min": 2}}}}}], booked) == []
    )
    assert messages("functionCalls", [{"name": "book", "args": {"room": {"equals": {"beds": 2}}}}], booked) != []


def test_thought_signatures() -> None:
    signed = evidence(answer({**call("a"), "thoughtSignature": "c2ln"}, call("b")))
    late = evidence(answer(call("a"), {**call("b"), "thoughtSignature": "c2ln"}))
    assert messages("thoughtSignature", "on-first-call", signed) == []
    assert messages("thoughtSignature", "on-first-call", late) != []
    assert messages("thoughtSignature", "present", late) == []
    assert messages("thoughtSignature", "absent", late) == ["thoughtSignature: expected no signed part, got 1 of 2"]


def test_code_that_ran() -> None:
    ran = evidence(
        answer(
            {"executableCode": {"language": "PYTHON", "code": "print(17 * 301)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "5117\n"}},
        )
    )
    assert messages("executableCode", {"code": {"contains": "print"}}, ran) == []
    assert (
        messages("codeExecutionResult", {"outcome": "OUTCOME_OK", "output": {"equals": "5117", "trim": True}}, ran)
        == []
    )
    assert messages("codeExecutionResult", {"outcome": "OUTCOME_FAILED"}, ran) != []
    assert messages("executableCode", 0, evidence(answer("x"))) == []
    thought = evidence(answer({"executableCode": {"code": "print(1)"}, "thought": True}, "x"))
    assert messages("executableCode", 0, thought) == []


def test_inline_data() -> None:
    data = base64.b64encode(b"\xff\xd8\xff\xe0" + b"0" * 100).decode()
    photo = evidence(answer({"inlineData": {"mimeType": "image/jpeg", "data": data}}))
    assert messages("inlineData", {"mimeType": {"starts_with": "image/"}, "bytes": {"min": 100}}, photo) == []
    assert messages("inlineData", {"min": 1}, evidence(answer("x"))) == [
        "inlineData (count): expected at least 1, got integer 0"
    ]


def test_draft_pictures_are_not_part_of_the_answer() -> None:
    data = base64.b64encode(b"\xff\xd8\xff\xe0" + b"0" * 100).decode()
    final = {"inlineData": {"mimeType": "image/jpeg", "data": data}}
    draft = {"inlineData": {"mimeType": "image/png", "data": data}, "thought": True}
    both = evidence(answer({"text": "a sketch", "thought": True}, draft, final))
    assert messages("inlineData", 1, both) == []
    assert messages("inlineData", {"mimeType": "image/jpeg"}, both) == []
    assert messages("inlineData", 1, evidence(answer("words", draft))) == [
        "inlineData (count): expected integer 1, got integer 0"
    ]


def image(data: bytes, kind: str = "image/png", **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}, **more}


def png(width: int, height: int) -> bytes:
    """The header of a PNG file, which is all that is read."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def test_images() -> None:
    wide = evidence(answer("Here it is.", image(png(640, 640), thought=True), image(png(1344, 768))))
    assert messages("images", 1, wide) == []
    assert messages("images", {"count": 1, "mimeType": "image/png", "width": 1344, "height": {"max": 768}}, wide) == []
    assert messages("images", {"mimeType": "image/jpeg", "width": {"min": 2048}}, wide) == [
        'images[0].mimeType: expected string "image/jpeg", got string "image/png"',
        "images[0].width: expected at least 2048, got integer 1344",
    ]
    assert messages("images", {"height": 768}, evidence(answer("No image."))) == [
        "images (count): expected at least 1, got integer 0"
    ]
    assert messages("images", 0, evidence(answer("No image."))) == []
    assert messages("images", {"width": 1}, evidence(answer(image(b"hello")))) == [
        "images[0]: expected a PNG, JPEG, WebP or GIF file whose size can be read, got 5 other bytes"
    ]


SIZES = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:4": (864, 1184),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
"""What gemini-2.5-flash-image draws for each aspect ratio."""


@pytest.mark.parametrize("aspect", SIZES)
def test_the_aspect_ratios_that_models_round(aspect: str) -> None:
    drawn = evidence(answer(image(png(*SIZES[aspect]))))
    assert messages("images", {"aspect": aspect}, drawn) == []
    others = [name for name in SIZES if name != aspect]
    assert all(messages("images", {"aspect": other}, drawn) for other in others)


def test_a_wrong_aspect_ratio_says_what_was_drawn() -> None:
    assert messages("images", {"aspect": "16:9"}, evidence(answer(image(png(1024, 1024))))) == [
        "images[0] (aspect): expected 16:9, got 1024x1024, which is not within 3% of it"
    ]
    assert messages("images", {"aspect": "16:9"}, evidence(answer(image(png(1024, 0))))) != []


@pytest.mark.parametrize("aspect", ["wide", "16/9", "0:1", "1:0", ":", "-1:2"])
def test_what_is_not_an_aspect_ratio(aspect: str) -> None:
    assert complaints_of("images", {"aspect": aspect}) == [
        f'aspect: {aspect!r} is not an aspect ratio; write it in quotes, like "16:9"'
    ]


def test_sound() -> None:
    second = image(bytes(2 * 24_000), "audio/L16;codec=pcm;rate=24000")
    pieces = evidence(answer(second, finish=None), answer(second))
    assert messages("audio", {"seconds": {"min": 2, "max": 2}, "mimeType": "audio/l16"}, pieces) == []
    assert messages("audio", {"seconds": {"max": 1.5}, "mimeType": "audio/wav"}, pieces) == [
        'audio[0].mimeType: expected string "audio/wav", got string "audio/l16"',
        'audio[1].mimeType: expected string "audio/wav", got string "audio/l16"',
        "audio (seconds): expected at most 1.5, got number 2.0",
    ]
    assert messages("audio", {"seconds": 1}, evidence(answer(image(b"ID3", "audio/mpeg")))) == [
        "audio[0]: expected WAV, or raw samples with a rate, to read the length of, got 'audio/mpeg'"
    ]
    assert messages("audio", {}, evidence(answer("words"))) == [
        "audio: expected sound, got an answer without any audio part"
    ]


# --- time


def test_streams() -> None:
    times = [0.4, 0.9, 3.0]
    streamed = evidence(
        answer({"text": "hm", "thought": True}, finish=None), answer("a", finish=None), answer("b"), times=times
    )
    assert (
        messages(
            "stream", {"chunks": 3, "ttft": {"max": "1s"}, "gap": {"max": "2.2s"}, "duration": {"max": 2.7}}, streamed
        )
        == []
    )
    assert messages("stream", {"chunks": {"min": 4}, "ttft": {"max": "500ms"}, "gap": {"max": 2}}, streamed) == [
        "stream.chunks: expected at least 4, got integer 3",
        "stream.ttft: expected at most 0.5 s, got 0.9 s",
        "stream.gap: expected at most 2 s, got 2.1 s",
    ]
    assert messages("ttft", {"max": "900ms"}, streamed) == []
    assert messages("latency", {"max": "2.9s"}, streamed) == ["latency: expected at most 2.9 s, got 3 s"]


def test_the_events_of_a_stream() -> None:
    named = evidence(
        answer("a", finish=None, modelVersion="gemini-x"),
        answer("b", finish=None),
        answer("c", finish=None),
        answer("d", modelVersion="gemini-x"),
    )
    assert messages("stream", {"last": {"$.candidates[0].finishReason": "STOP"}}, named) == []
    assert messages("stream", {"first": {"$.candidates[0].finishReason": {"present": False}}}, named) == []
    assert messages("stream", {"each": {"$.candidates[0].index": 0}}, named) == []
    assert messages("stream", {"each": {"$.modelVersion": {"present": True}}}, named) == [
        "event 2 $.modelVersion: expected present, got absent; also in 1 more event"
    ]
    assert messages("stream", {"first": {"$.candidates[0].content.parts[*].text": "b"}}, named) == [
        'event 1 $.candidates[0].content.parts[0].text: expected string "b", got string "a"'
    ]
    assert messages("stream", {"last": {"$.modelVersion": "gemini-y"}}, named) == [
        'event 4 $.modelVersion: expected string "gemini-y", got string "gemini-x"'
    ]
    assert messages("stream", {"each": {"$.modelVersion": 3}}, evidence(answer("whole"))) == []
    assert complaints_of("stream", {"each": {"modelVersion": 3}}) != []


def test_a_stream_without_an_event() -> None:
    silent = evidence(answer("a"), answer("b"))
    silent = replace(silent, reply=replace(silent.reply, events=()))
    assert messages("stream", {"last": {"$.x": 1}}, silent) == ["stream: expected an event, got an empty stream"]


def test_the_stream_check_passes_for_a_unary_answer() -> None:
    assert messages("stream", {"chunks": {"min": 2}}, evidence(answer("a"))) == []


def test_a_recording_without_times_does_not_pass() -> None:
    lost = evidence(answer("a", finish=None), answer("b"), provenance=LOST)
    for name in ("latency", "ttft"):
        (message,) = messages(name, {"max": "9s"}, lost)
        assert "has no times; record it again" in message
    assert (
        len(messages("stream", {"chunks": 2, "ttft": {"max": 9}, "gap": {"max": 9}, "duration": {"max": 9}}, lost)) == 3
    )


def test_an_answer_without_output_has_no_first_token() -> None:
    (message,) = messages("ttft", {"max": "9s"}, evidence(answer()))
    assert message == "ttft: expected a first output, got an answer without text, call or data"


# --- Python checks

OWN_CHECKS = """
def holds(result): assert result.json["a"] == 1 and result.usage["totalTokenCount"] == 3 and result.status == 200
def nothing(result): return None
def no(result): return False
def reason(result): return f"expected one word, got {result.text!r}"
def asserts(result): assert result.finish_reason == "MAX_TOKENS", result.finish_reason
def not_json(result): return result.json
def breaks(result): return result.nonsense
def odd(result): return 3
async def waits(result): return True
def leaves(result): raise SystemExit(0)
def bare(result):
    assert result.text == 'b'
def prints(result): print("asked")
three = 3
print("loaded")
"""


@pytest.fixture
def own(tmp_path: Path) -> Evidence:
    (tmp_path / "checks.py").write_text(OWN_CHECKS)
    return evidence(answer('{"a": 1}', usageMetadata={"totalTokenCount": 3}), folder=tmp_path)


def test_python_checks(own: Evidence) -> None:
    assert messages("python", ["checks.py:holds", "checks.py:nothing"], own) == []
    assert messages("python", "checks.py:no", own) == ["checks.py:no: checks.py:no returned False"]
    assert messages("python", "checks.py:reason", own) == ["""checks.py:reason: expected one word, got '{"a": 1}'"""]
    assert messages("python", "checks.py:asserts", own) == ["checks.py:asserts: STOP"]


def test_a_python_check_takes_values_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("def same(result, total):\n    return float(result.text) == total\n")
    of_text = evidence(answer("12.5"), folder=tmp_path)
    assert messages("python", {"checks.py:same": {"total": 12.5}}, of_text) == []
    assert messages("python", {"checks.py:same": {"total": 3}}, of_text) == [
        "checks.py:same: checks.py:same returned False"
    ]
    with pytest.raises(SuiteError, match="missing 1 required positional argument: 'total'"):
        messages("python", "checks.py:same", of_text)
    assert "checks.py has no function 'sme'" in complaints_of("python", {"checks.py:sme": {}}, tmp_path)[0]


def test_a_python_check_fails_if_it_needs_json_and_gets_none(own: Evidence) -> None:
    (message,) = messages("python", "checks.py:not_json", evidence(answer("hi"), folder=own.folder))
    assert "got text that is not JSON" in message


BROKEN = {
    "breaks": "checks.py:breaks broke: AttributeError: 'Outcome' object has no attribute 'nonsense'",
    "odd": "checks.py:odd returned 3; a check returns True, None, False or a text that says what is wrong",
    "waits": "checks.py:waits is async; a check is a plain function",
    "leaves": "checks.py:leaves broke: SystemExit: 0",
    "three": "checks.py has no function 'three'",
}


@pytest.mark.parametrize(("name", "message"), BROKEN.items())
def test_a_broken_python_check_shows_its_own_lines_only(own: Evidence, name: str, message: str) -> None:
    with pytest.raises(SuiteError) as broken:
        messages("python", f"checks.py:{name}", own)
    assert str(broken.value).startswith(message)
    assert "harness" not in str(broken.value)


def test_an_assertion_without_message_shows_its_line(own: Evidence) -> None:
    assert messages("python", "checks.py:bare", own) == ["checks.py:bare: assert result.text == 'b' is false"]


def test_python_checks_print_to_stderr(own: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages("python", "checks.py:prints", own) == []
    assert capsys.readouterr() == ("", "loaded\nasked\n")


def test_python_checks_may_define_dataclasses(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
    (tmp_path / "checks.py").write_text(text + "def one(result): return A(1).x == 1\n")
    assert messages("python", "checks.py:one", evidence(answer("a"), folder=tmp_path)) == []


def test_python_checks_that_do_not_exist_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("def one_word(result): ...\nif True:\n    from os.path import join as joined\n")
    (tmp_path / "stars.py").write_text("from os.path import *\n")
    (tmp_path / "bad.py").write_text("\ndef one(result) return True\n")
    (tmp_path / "latin.py").write_bytes(b"def one(result): return '\xe9'\n")
    assert complaints_of("python", "one_word", tmp_path) == [
        "'one_word' does not name a function; write file.py:function"
    ]
    assert complaints_of("python", "gone.py:one_word", tmp_path) == [f"there is no file {tmp_path / 'gone.py'}"]
    assert complaints_of("python", "checks.py:one_wrd", tmp_path) == [
        "checks.py has no function 'one_wrd', did you mean \"one_word\"?"
    ]
    assert complaints_of("python", "bad.py:one", tmp_path) == ["bad.py:2 is not Python: expected ':'"]
    assert " is not Python: " in complaints_of("python", "latin.py:one", tmp_path)[0]
    for good in ("checks.py:one_word", "checks.py:joined", "stars.py:join"):
        assert complaints_of("python", good, tmp_path) == []


# --- rejected before any request


@pytest.mark.parametrize(
    ("name", "parameter", "start"),
    [
        ("thoughtsTokenCount", {"contains": "a"}, 'unknown key "contains"'),
        ("thoughtsTokenCount", "12", "expected a number"),
        ("thoughtsTokenCount", {"min": 9, "max": 1}, "min 9 is more than max 1"),
        ("text", {"min": 3}, 'unknown key "min"'),
        ("text", 191, "expected text"),
        ("text", {"matches": "["}, "matches: '[' is not a regular expression"),
        ("latency", {"max": "2 seconds"}, 'max: string "2 seconds" is not a time span'),
        ("coverage", {"min": 50}, "min: integer 50 is not a share"),
        ("json", {"at": {"total": 1}}, "at.total: 'total' is not a JSONPath"),
        ("json", {"at": {"$.a": {"contians": "x"}}}, 'unknown key "contians"'),
        ("groundingChunks", {"min": 3, "max": 1}, "min 3 is more than max 1"),
        ("groundingChunks", {"domains": {"each": {"matches": "("}}}, "domains: each: matches: '(' is not"),
        ("functionCalls", [{"args": {}}], 'the key "name" is missing'),
        ("thoughtSignature", "on first call", 'expected "present", "absent" or "on-first-call"'),
    ],
)
def test_an_invalid_parameter_is_rejected(name: str, parameter: Any, start: str) -> None:
    assert complaints_of(name, parameter)[0].startswith(start)


def test_a_value_that_is_not_known_yet_is_not_rejected() -> None:
    assert complaints_of("thoughtsTokenCount", {"min": shape.Later("${row.min}"), "max": 1}) == []
    assert complaints_of("python", shape.Later("${row.check}")) == []


def test_cost_is_a_number_of_dollars() -> None:
    found = replace(evidence(answer("ok")), bill=Bill(0.0021))
    assert messages("cost", {"max": 0.003}, found) == []
    assert messages("cost", {"max": 0.002}, found) == ["cost: expected at most $0.002, got $0.0021"]
    assert messages("cost", {"max": 0.00001}, found) == ["cost: expected at most $0.00001, got $0.0021"]


def test_cost_without_a_price_cannot_be_judged() -> None:
    found = replace(evidence(answer("ok")), bill=Bill(None, "no price for gemini-9", "say what it costs"))
    with pytest.raises(CannotJudge, match="cannot judge the cost: no price for gemini-9; say what it costs"):
        messages("cost", {"max": 1}, found)
