"""Native requests as chat completions: what is sent, and what cannot be expressed."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import NotAvailable
from harness.gemini.chat_request import chat_body
from harness.gemini.native_request import native_body
from harness.gemini.providers import ROWS, build

USER: dict[str, Any] = {"role": "user", "parts": [{"text": "hi"}]}
CITY = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
AS_JSON_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"functionDeclarations": [{"name": "get_weather", "parameters": CITY}]}


def sent(body: dict[str, Any], *, google: bool = False) -> dict[str, Any]:
    """What is sent beside the model and the prompt."""
    whole = chat_body({"contents": [USER], **body}, "m", "unary", google=google)
    return {name: value for name, value in whole.items() if name not in ("model", "messages")}


def messages(*contents: Any, **body: Any) -> Any:
    return chat_body({"contents": list(contents), **body}, "m", "unary", google=False)["messages"]


@pytest.mark.parametrize(
    ("native", "chat"),
    [
        ({"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 9, "seed": 1}, {"temperature": 0.5, "top_p": 0.9, "max_tokens": 9, "seed": 1}),
        ({"stopSequences": ["x"], "candidateCount": 2}, {"stop": ["x"], "n": 2}),
        ({"responseMimeType": "application/json"}, {"response_format": {"type": "json_object"}}),
        (
            {"responseMimeType": "application/json", "responseSchema": CITY},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": AS_JSON_SCHEMA}}},
        ),
        ({"responseModalities": ["TEXT"]}, {}),
        ({"thinkingConfig": {"thinkingLevel": "LOW"}}, {"reasoning_effort": "low"}),
        ({"thinkingConfig": {"thinkingBudget": 0}}, {"reasoning_effort": "none"}),
        ({"thinkingConfig": {"thinkingBudget": -1}}, {}),
    ],
)  # fmt: skip
def test_a_configuration(native: dict[str, Any], chat: dict[str, Any]) -> None:
    assert sent({"generationConfig": native}) == chat


def test_snake_case_is_read_too() -> None:
    assert sent({"generation_config": {"max_output_tokens": 9}}) == {"max_tokens": 9}


def test_extra_body_takes_what_google_adds() -> None:
    thinking = {"thinkingBudget": 500, "includeThoughts": True}
    body = {"generationConfig": {"thinkingConfig": thinking}, "cachedContent": "cachedContents/a"}
    own = {"thinking_config": {"thinking_budget": 500, "include_thoughts": True}, "cached_content": "cachedContents/a"}
    assert sent(body, google=True) == {"extra_body": {"google": own}}


def test_a_stream_asks_for_its_usage() -> None:
    body = chat_body({"contents": [USER]}, "m", "stream", google=False)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    ("mode", "choice"),
    [
        ({"mode": "AUTO"}, "auto"),
        ({"mode": "NONE"}, "none"),
        ({"mode": "ANY"}, "required"),
        ({"mode": "ANY", "allowedFunctionNames": ["a"]}, {"type": "function", "function": {"name": "a"}}),
    ],
)
def test_functions(mode: dict[str, Any], choice: Any) -> None:
    found = sent({"tools": [WEATHER], "toolConfig": {"functionCallingConfig": mode}})
    function = {"name": "get_weather", "parameters": AS_JSON_SCHEMA}
    assert found == {"tools": [{"type": "function", "function": function}], "tool_choice": choice}


def test_a_conversation_with_calls() -> None:
    called = [{"functionCall": {"name": "f", "args": {"city": name}}} for name in ("Oslo", "Rome")]
    replies = [{"functionResponse": {"name": "f", "response": {"temp": temp}}} for temp in (-4, 21)]
    turns = [
        USER,
        {
            "role": "model",
            "parts": [{"text": "hm", "thought": True}, {**called[0], "thoughtSignature": "s"}, called[1]],
        },
        {"role": "user", "parts": replies},
    ]
    system, user, model, *results = messages(*turns, systemInstruction={"parts": [{"text": "Be short."}]})
    assert system == {"role": "system", "content": "Be short."}
    assert user == {"role": "user", "content": "hi"}
    assert "content" not in model
    ids = [call["id"] for call in model["tool_calls"]]
    assert len(set(ids)) == 2
    assert model["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    assert model["tool_calls"][1]["function"] == {"name": "f", "arguments": '{"city":"Rome"}'}
    assert [(result["tool_call_id"], result["content"]) for result in results] == [
        (ids[0], '{"temp":-4}'),
        (ids[1], '{"temp":21}'),
    ]


def test_a_reply_goes_back_to_the_id_of_its_call() -> None:
    call = {"functionCall": {"name": "f", "args": {}, "id": "function-call-1"}}
    reply = {"functionResponse": {"name": "f", "response": {}, "id": "function-call-1"}}
    *_, result = messages(USER, {"role": "model", "parts": [call]}, {"role": "user", "parts": [reply]})
    assert result["tool_call_id"] == "function-call-1"


def test_pictures_and_sounds_are_parts() -> None:
    parts = [
        {"text": "What?"},
        *({"inlineData": {"mimeType": mime, "data": "AA=="}} for mime in ("image/png", "audio/wav")),
    ]
    (message,) = messages({"role": "user", "parts": parts})
    assert message["content"] == [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"tools": [{"googleSearch": {}}]}, "tools.googleSearch"),
        ({"tools": [{"google_maps": {}}]}, "tools.googleMaps"),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "generationConfig.responseModalities"),
        ({"generationConfig": {"topK": 3}}, "generationConfig.topK"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "generationConfig.responseMimeType text/x.enum"),
        ({"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}, "thinkingConfig.includeThoughts"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 500}}}, "a thinkingBudget of 500"),
        ({"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]}, "safetySettings"),
        ({"cachedContent": "cachedContents/a"}, "cachedContent"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}}, "functionCallingConfig.mode VALIDATED"),
        ({"toolConfig": {"retrievalConfig": {"languageCode": "en"}}}, "toolConfig.retrievalConfig"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "application/pdf", "data": ""}}]}]}, "inlineData of application/pdf"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://a.example/b.png"}}]}]}, "parts[].fileData"),
        ({"nonsense": 1}, "nonsense"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_named(body: dict[str, Any], name: str) -> None:
    with pytest.raises(NotAvailable) as gap:
        sent(body)
    assert str(gap.value) == f"not available: chat completions have no field for {name}"


CALL = {"functionCall": {"id": "c1", "name": "f", "args": {"city": "Oslo"}}, "thoughtSignature": "s"}
WHOLE: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": "What?"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
        {"role": "model", "parts": [{"text": "Hm."}, CALL]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"temp": 1}}}]},
        {"role": "model", "parts": [{"text": "Cold.", "thoughtSignature": "t"}]},
        {"role": "user", "parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AA=="}}]},
    ],
    "systemInstruction": {"parts": [{"text": "Be short."}]},
    "generationConfig": {
        "temperature": 0.5,
        "maxOutputTokens": 9,
        "stopSequences": ["x"],
        "responseMimeType": "application/json",
        "responseJsonSchema": AS_JSON_SCHEMA,
        "thinkingConfig": {"thinkingLevel": "LOW"},
    },
    "tools": [{"functionDeclarations": [{"name": "f", "description": "F.", "parametersJsonSchema": AS_JSON_SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
}


@pytest.mark.parametrize(
    "odd",
    [
        {"contents": [{"parts": [{"inlineData": {"mimeType": 1}}]}]},
        {"systemInstruction": {"parts": [{"text": 1}]}},
        {"contents": "hi"},
        {"generationConfig": []},
        {"generationConfig": {"thinkingConfig": []}},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": 1}]}]},
    ],
)
def test_a_value_of_another_type_cannot_be_expressed(odd: dict[str, Any]) -> None:
    with pytest.raises(NotAvailable, match=r"^not available: "):
        sent(odd)


def test_a_list_in_place_of_an_object_is_named() -> None:
    with pytest.raises(NotAvailable, match='Unknown name "systemInstruction": Proto field is not repeating'):
        sent({"systemInstruction": []})


def test_a_chat_completion_says_what_its_native_request_says() -> None:
    assert native_body(chat_body(WHOLE, "m", "unary", google=False)) == WHOLE


def test_and_the_reverse() -> None:
    sent = chat_body(WHOLE, "m", "stream", google=True)
    assert chat_body(native_body(sent), "m", "stream", google=True) == sent


@pytest.mark.parametrize("odd", [{"messages": 1}, {"tools": [1], "response_format": 2}, {"extra_body": []}])
def test_any_body_can_be_read(odd: dict[str, Any]) -> None:
    assert native_body(odd)["contents"] == []


def test_the_request_of_a_provider() -> None:
    request = build(ROWS["google-openai"], "gemini-3.8-flash", {"contents": [USER]}, "stream")
    assert request.url == "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
    assert request.body["model"] == "gemini-3.8-flash"
    assert request.transport == "stream"
