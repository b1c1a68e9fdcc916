"""The definition: valid answers and valid requests."""

from __future__ import annotations

from typing import Any

import pytest

from harness.gemini import definition
from harness.gemini.canonical import request_findings
from tests.exchanges import answer, chunk


def walked(value: Any) -> list[str]:
    found = definition.walk("GenerateContentResponse", value)
    return [f"{finding.kind} {finding.at} ({finding.expected})" for finding in found]


def test_a_healthy_answer_is_as_defined() -> None:
    assert walked(answer()) == []


@pytest.mark.parametrize(
    "part",
    [
        {"functionCall": {"name": "f", "args": {"any": [{"thing": None}]}}},
        {"inlineData": {"mimeType": "image/png", "data": "_-8="}},
        {"text": None, "thought": None},
        {"executableCode": {"language": 1, "code": "1"}},
        {"videoMetadata": {"fps": 2.5, "startOffset": "1.5s"}},
        {"partMetadata": {"free": {"json": True}}},
    ],
)
def test_proto_json_is_read_leniently(part: dict[str, Any]) -> None:
    assert walked(chunk(part)) == []


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        ({"news": 1}, "unknown-field $.news (GenerateContentResponse)"),
        (
            {"candidates": [{"finishReason": "TIRED"}]},
            "unknown-value $.candidates[0].finishReason (Candidate.FinishReason)",
        ),
        ({"candidates": [{"finishReason": 99}]}, "unknown-value $.candidates[0].finishReason (Candidate.FinishReason)"),
        ({"candidates": [{"index": "0"}]}, "wrong-type $.candidates[0].index (int32)"),
        ({"candidates": {}}, "wrong-type $.candidates (a list)"),
        ({"usageMetadata": [1]}, "wrong-type $.usageMetadata (an object (UsageMetadata))"),
        (chunk({"inlineData": {"data": "ö"}}), "wrong-type $.candidates[0].content.parts[0].inlineData.data (bytes)"),
        (
            chunk({"functionCall": {"args": "{}"}}),
            "wrong-type $.candidates[0].content.parts[0].functionCall.args (object)",
        ),
        ({"createTime": "yesterday"}, "wrong-type $.createTime (datetime)"),
    ],
)
def test_a_difference_from_the_definition_has_its_place(value: Any, finding: str) -> None:
    assert walked(value) == [finding]


def test_fields_of_vertex_ai_are_known() -> None:
    assert walked({"usageMetadata": {"trafficType": "ON_DEMAND"}, "createTime": "2026-05-27T16:53:45.443719Z"}) == []


def test_enum_numbers_get_the_names_of_their_api() -> None:
    value = {"candidates": [{"finishReason": 7, "safetyRatings": [{"category": 1}], "index": 1}]}
    named = definition.name_enums("GenerateContentResponse", value, vertex=True)
    ratings = [{"category": "HARM_CATEGORY_HATE_SPEECH"}]
    assert named == {"candidates": [{"finishReason": "PROHIBITED_CONTENT", "safetyRatings": ratings, "index": 1}]}
    assert value["candidates"][0]["finishReason"] == 7, "nothing is changed in place"


def test_every_name_in_the_definition_can_be_looked_up() -> None:
    assert definition.fields("ThinkingConfig")["thinkingBudget"] == "int32"
    assert definition.enum_values("ThinkingConfig.ThinkingLevel")[1:3] == ("MINIMAL", "LOW")
    with pytest.raises(KeyError):
        definition.fields("Nothing")


# --- requests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"contents": {"parts": {"text": "hi"}}, "generation_config": {"thinkingConfig": {"thinking_level": "low"}}},
        {"contents": [], "tools": {"googleSearch": {}}, "system_instruction": None, "serviceTier": "FLEX"},
        {"generationConfig": {"maxOutputTokens": "100", "topK": 4.0, "responseModalities": "TEXT", "seed": None}},
        {
            "generationConfig": {
                "responseSchema": {"type": "object", "minItems": "2", "properties": {"a_b": {"type": 1}}}
            }
        },
        {"generationConfig": {"responseJsonSchema": {"whatever": [{"stands": "here"}]}}},
    ],
)
def test_every_spelling_that_the_api_accepts_is_accepted(body: Any) -> None:
    assert list(request_findings(body)) == []


NOT_FOUND = "Invalid JSON payload received. Unknown name"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"foo": 1}, "", f'{NOT_FOUND} "foo": Cannot find field.'),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingLevle": "LOW"}}},
            "generation_config.thinking_config",
            f"{NOT_FOUND} \"thinkingLevle\" at 'generation_config.thinking_config': Cannot find field.",
        ),
        (
            {"generationConfig": {"responseSchema": {"type": ["string", "null"]}}},
            "generation_config.response_schema",
            f"{NOT_FOUND} \"type\" at 'generation_config.response_schema': Proto field is not repeating, cannot start list.",
        ),
        (
            {
                "tools": [
                    {
                        "functionDeclarations": [
                            {"parameters": {"properties": {"a": {}, "b": {"anyOf": [{"const": 1}]}}}}
                        ]
                    }
                ]
            },
            "tools[0].function_declarations[0].parameters.properties[1].value.any_of[0]",
            (
                f"{NOT_FOUND} \"const\" at 'tools[0].function_declarations[0].parameters.properties[1].value.any_of[0]': "
                "Cannot find field."
            ),
        ),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HUGE"}}},
            "generation_config.thinking_config.thinking_level",
            (
                "Invalid value at 'generation_config.thinking_config.thinking_level' "
                '(type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), "HUGE"'
            ),
        ),
        (
            {"generationConfig": {"temperature": "warm"}},
            "generation_config.temperature",
            "Invalid value at 'generation_config.temperature' (TYPE_DOUBLE), \"warm\"",
        ),
        (
            {"contents": "hi"},
            "contents",
            "Invalid value at 'contents' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content), \"hi\"",
        ),
    ],
)
def test_a_refused_request_has_the_message_of_the_api(body: Any, field: str, message: str) -> None:
    (found,) = request_findings(body)
    assert (found.field, found.message) == (field, message)


def test_a_finding_has_its_place_and_the_known_names() -> None:
    (found,) = request_findings({"generation_config": {"thinkingConfig": {"thinkingLevle": "LOW"}}})
    assert found.at == ("generation_config", "thinkingConfig", "thinkingLevle")
    assert set(found.known) == {"thinkingLevel", "thinkingBudget", "includeThoughts"}
