"""The answers of the simulator to requests."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.errors import UsageError
from harness.gemini import definition, schemas
from harness.gemini.models import catalogue
from harness.simulator import serve
from harness.simulator.app import Simulator
from harness.simulator.knowledge import evaluate
from harness.simulator.traffic import Call

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"
KEY = {"x-goog-api-key": "simulated"}
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city right now.",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
}


def prompt(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def post(
    path: str, body: Any, headers: dict[str, str] = KEY, query: dict[str, str] | None = None, **options: Any
) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = Simulator(**options).handle(Call("POST", path, query or {}, headers, content))
    return sent.status, sent.content, dict(sent.headers)


def ask(text_or_body: Any, model: str = FLASH3, **more: Any) -> dict[str, Any]:
    """The whole answer to a prompt (or a body), which must be a 200."""
    body = prompt(text_or_body, **more) if isinstance(text_or_body, str) else text_or_body
    status, content, _ = post(f"/v1beta/models/{model}:generateContent", body)
    answer: dict[str, Any] = json.loads(content)
    assert status == 200, answer
    return answer


def refused(body: Any, model: str = FLASH3, headers: dict[str, str] = KEY) -> tuple[int, str]:
    status, content, _ = post(f"/v1beta/models/{model}:generateContent", body, headers)
    error = json.loads(content)["error"]
    assert error["code"] == status
    return status, error["message"]


def text(answer: dict[str, Any]) -> str:
    parts = answer["candidates"][0]["content"].get("parts", ())
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def stream(text_or_body: Any, model: str = FLASH3, **more: Any) -> list[dict[str, Any]]:
    body = prompt(text_or_body, **more) if isinstance(text_or_body, str) else text_or_body
    status, content, _ = post(f"/v1beta/models/{model}:streamGenerateContent", body, query={"alt": "sse"})
    assert status == 200, content
    return [json.loads(event.removeprefix(b"data: ")) for event in content.split(b"\r\n\r\n")[:-1]]


# --- answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the capital of France? One word.", "Paris"),
        ("What is the capital of Brazil? One word.", "Brasília"),
        ("What is 17 * 23? Answer with the number only.", "391"),
        ("Compute (2 + 3) * 4. Only the number.", "20"),
        (
            "A train leaves at 09:40 and arrives at 13:05. It stops twice for 7 minutes. How many minutes was it moving? Number only.",
            "191",
        ),
        ("How many r's are in strawberry? Answer with the number only.", "3"),
        ("What is the sum of the first 50 prime numbers? Number only.", "5117"),
        ('Translate "good morning" to French. Answer with the translation in at most 3 words.', "bonjour"),
    ],
)
def test_small_questions_get_the_true_answer(question: str, answer: str) -> None:
    assert text(ask(question)) == answer


@pytest.mark.parametrize(
    ("system", "question", "expected"),
    [
        ("Answer every message with the single word PONG.", "hi", r"PONG"),
        ('Always reply with exactly "no comment".', "What is 1 + 1?", r"no comment"),
        ("Answer in French.", "What is the capital of Norway?", r"La capitale de la Norvège est Oslo\."),
        ("Reply in upper case.", "What is the capital of Norway?", r"THE CAPITAL OF NORWAY IS OSLO\."),
        ("You are a pirate.", "What is the capital of Norway?", r"Arr! The capital.*"),
        ("End every answer with 'Over.'", "What is the capital of Norway?", r".*Oslo\. Over\."),
        ("Answer with one word only.", "What is the capital of Japan?", r"Tokyo"),
    ],
)
def test_system_instructions_are_followed(system: str, question: str, expected: str) -> None:
    answer = ask(question, systemInstruction={"parts": [{"text": system}]})
    assert re.fullmatch(expected, text(answer), re.DOTALL)


def test_earlier_turns_are_remembered() -> None:
    turns = [("user", "My name is Ada."), ("model", "Hello Ada."), ("user", "What is my name? One word.")]
    assert text(ask({"contents": [{"role": role, "parts": [{"text": text}]} for role, text in turns]})) == "Ada"


def test_equal_requests_get_equal_answers_for_one_seed() -> None:
    body = prompt("Tell me something new.")
    path = f"/v1beta/models/{FLASH3}:generateContent"
    first = post(path, body)
    assert post(path, body) == first
    assert post(path, body, {**KEY, "x-simulator-seed": "2"})[1] != first[1]


def test_vary_gives_a_repeatable_series_of_different_answers() -> None:
    def series() -> list[bytes]:
        app = Simulator(vary=True)
        call = Call("POST", f"/v1beta/models/{FLASH3}:generateContent", {}, KEY, json.dumps(prompt("hi")).encode())
        return [app.handle(call).content for _ in range(3)]

    assert len(set(series())) == 3
    assert series() == series()


def test_every_answer_is_marked_as_simulated() -> None:
    _, content, headers = post(f"/v1beta/models/{FLASH3}:generateContent", prompt("hi"))
    assert headers[b"x-simulated"] == b"gemini-harness"
    assert json.loads(content)["responseId"].startswith("sim")


# --- thinking -----------------------------------------------------------------------------------------


def thought(answer: dict[str, Any]) -> int:
    return int(answer["usageMetadata"].get("thoughtsTokenCount", 0))


def thinks(model: str, **config: Any) -> dict[str, Any]:
    return ask("What is 17 * 23?", model, generationConfig={"thinkingConfig": config})


def test_a_higher_level_thinks_more() -> None:
    levels = [thought(thinks(FLASH3, thinkingLevel=level)) for level in ("minimal", "low", "medium", "high")]
    assert levels == sorted(levels)
    assert levels[0] == 0 < levels[1]


def test_a_budget_is_a_cap_zero_is_off_and_minus_one_is_dynamic() -> None:
    assert thought(thinks(FLASH25, thinkingBudget=0)) == 0
    assert 0 < thought(thinks(FLASH25, thinkingBudget=24)) <= 24
    assert thought(thinks(FLASH25, thinkingBudget=24)) < thought(thinks(FLASH25, thinkingBudget=2048)) <= 2048
    assert thought(thinks(FLASH25, thinkingBudget=-1)) > 0


def test_thought_parts_come_first_and_only_when_asked_for() -> None:
    shown = thinks(FLASH3, thinkingLevel="HIGH", includeThoughts=True)["candidates"][0]["content"]["parts"]
    assert shown[0]["thought"] is True
    assert not any(
        "thought" in part for part in thinks(FLASH3, thinkingLevel="HIGH")["candidates"][0]["content"]["parts"]
    )


def test_thoughts_can_use_up_the_whole_limit() -> None:
    answer = ask("hi", generationConfig={"maxOutputTokens": 20})
    assert answer["candidates"][0]["content"] == {"role": "model"}
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert "candidatesTokenCount" not in answer["usageMetadata"]
    assert thought(answer) == 20


@pytest.mark.parametrize(
    ("model", "least", "most"), [(FLASH25, 10, 40), (FLASH3, 25, 100), ("gemini-3.8-flash", 50, 200)]
)
def test_a_short_request_is_thought_about_shortly(model: str, least: int, most: int) -> None:
    answer = ask("Say 'done'", model, generationConfig={"maxOutputTokens": 250})
    assert (answer["candidates"][0]["finishReason"], text(answer)) == ("STOP", "done")
    assert least < thought(answer) < most


def test_thoughts_leave_room_for_the_answer() -> None:
    free = ask("What is the capital of Norway?", FLASH3)
    tight = ask("What is the capital of Norway?", FLASH3, generationConfig={"maxOutputTokens": 60})
    assert thought(free) + free["usageMetadata"]["candidatesTokenCount"] > 60
    assert (tight["candidates"][0]["finishReason"], text(tight)) == ("STOP", text(free))
    assert 0 < thought(tight) < thought(free)


def test_a_harder_question_takes_more_thoughts() -> None:
    hard = "Prove step by step, carefully, that there are infinitely many primes."
    assert thought(ask(hard, FLASH25)) > 3 * thought(ask("Say 'done'", FLASH25))


def test_a_cut_answer_stays_below_the_limit() -> None:
    config = {"maxOutputTokens": 40, "thinkingConfig": {"thinkingLevel": "MINIMAL"}}
    answer = ask("Count from 1 to 500.", generationConfig=config)
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert 0 < answer["usageMetadata"]["candidatesTokenCount"] <= 40
    assert text(answer).startswith("1, 2, 3")


# --- structured output --------------------------------------------------------------------------------


def structured(question: str, schema: Any, field: str = "responseSchema", model: str = FLASH3) -> Any:
    config = {"responseMimeType": "application/json", field: schema}
    return json.loads(text(ask(question, model, generationConfig=config)))


def test_a_schema_is_filled_from_the_prompt() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "number": {"type": "STRING", "description": "invoice number"},
            "date": {"type": "STRING", "format": "date"},
            "lines": {
                "type": "ARRAY",
                "items": {
                    "type": "OBJECT",
                    "properties": {
                        "sku": {"type": "STRING", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
                        "quantity": {"type": "INTEGER"},
                        "price": {"type": "NUMBER"},
                    },
                    "required": ["sku", "quantity", "price"],
                },
            },
            "total": {"type": "NUMBER"},
            "currency": {"type": "STRING", "enum": ["USD", "EUR"]},
            "note": {"type": "STRING", "nullable": True},
        },
        "required": ["number", "lines", "total", "currency"],
        "propertyOrdering": ["total", "number", "date", "currency", "lines", "note"],
    }
    question = (
        "Extract this invoice.\n\nInvoice number: A-17\nDate: 2026-11-02\n\nLines:\n- SKU ABC-1001, wax, quantity 4, unit price 12.10\n"
        "- SKU DEF-2040, gloves, quantity 2, unit price 35.00\n\nTotal: 118.40\nCurrency: EUR\n"
    )
    value = structured(question, schema)
    assert value == {
        "total": 118.4,
        "number": "A-17",
        "date": "2026-11-02",
        "currency": "EUR",
        "lines": [
            {"sku": "ABC-1001", "quantity": 4, "price": 12.1},
            {"sku": "DEF-2040", "quantity": 2, "price": 35},
        ],
        "note": None,
    }
    assert list(value) == schema["propertyOrdering"]


def test_recursion_ends() -> None:
    schema = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["name", "children"],
            }
        },
        "$ref": "#/$defs/node",
    }
    value = structured("A tree.", schema, "responseJsonSchema")
    assert not schemas.violations(schema, value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
        {"type": "array", "minItems": 900, "items": {"type": "array", "minItems": 900, "items": {"type": "null"}}},
        {"type": "string", "minLength": 10**9},
        {"type": "object", "minProperties": 10**9},
        {"type": "string", "pattern": "^a{100000}$"},
        {"type": "string", "pattern": "^((a{500}){500}){500}$"},
    ],
)
def test_a_schema_that_requires_too_much_is_refused(schema: Any) -> None:
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    status, message = refused(prompt("hi", generationConfig=config))
    assert status == 400
    assert "too many states" in message


def test_json_mode_without_a_schema() -> None:
    config = {"responseMimeType": "application/json"}
    colours = json.loads(text(ask("List three colours as a JSON array of strings.", generationConfig=config)))
    assert len(colours) == 3
    capital = 'What is the capital of Norway? Answer as a JSON object with the keys "country" and "capital".'
    assert json.loads(text(ask(capital, generationConfig=config))) == {"country": "Norway", "capital": "Oslo"}


def test_an_enum_is_the_bare_word() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["negative", "positive"]}}
    assert text(ask('Is this review good? "I love it."', generationConfig=config)) == "positive"


_SCALARS = st.one_of(
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-500, 500),
        st.integers(0, 50),
    ),
    st.builds(
        lambda low, more: {"type": "number", "minimum": low, "maximum": low + more},
        st.integers(-500, 500),
        st.integers(0, 50),
    ),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 30),
        st.integers(0, 9),
    ),
    st.builds(
        lambda values: {"type": "string", "enum": values},
        st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True),
    ),
    st.sampled_from(["date", "date-time", "time"]).map(lambda form: {"type": "string", "format": form}),
    st.sampled_from([r"^[A-Z]{3}-\d{4}$", r"^(yes|no)$", r"\d+", r"^a+b?$", r"^[^a-z]{2,5}$"]).map(
        lambda p: {"type": "string", "pattern": p}
    ),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["string", "null"]},
            {"const": 7},
            {"enum": [1, 2, "three"]},
            {},
        ]
    ),
)
_NAMES = st.sampled_from(["name", "total", "city", "kind", "items", "is_open", "createdAt", "a"])


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def build(properties: dict[str, Any], share: int) -> dict[str, Any]:
        required = list(properties)[:share]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    arrays = st.builds(
        lambda items, low, more: {"type": "array", "items": items, "minItems": low, "maxItems": low + more},
        inner,
        st.integers(0, 3),
        st.integers(0, 3),
    )
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    return st.one_of(st.builds(build, st.dictionaries(_NAMES, inner, max_size=4), st.integers(0, 4)), arrays, unions)


@given(
    st.recursive(_SCALARS, _objects, max_leaves=12),
    st.sampled_from(["Total: 12.5, name is Ada", "hi", "- a\n- b: 2\n- c"]),
)
def test_the_answer_is_valid_against_any_json_schema(schema: Any, question: str) -> None:
    value = structured(question, schema, "responseJsonSchema")
    assert not schemas.violations(schema, value), value


# --- grounding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["Who won the euro 2024?", "What is the capital of Brazil? Answer in Japanese.", "Tell me news."]
)
@pytest.mark.parametrize("model", [FLASH3, FLASH25])
def test_grounding_offsets_are_bytes_of_the_text(question: str, model: str) -> None:
    answer = ask(question, model, tools=[{"googleSearch": {}}])
    found, answer_text = answer["candidates"][0]["groundingMetadata"], text(answer).encode()
    assert found["webSearchQueries"]
    assert found["searchEntryPoint"]["renderedContent"]
    for support in found["groundingSupports"]:
        segment = support["segment"]
        assert segment.get("startIndex") != 0
        assert "confidenceScores" not in support
        assert answer_text[segment.get("startIndex", 0) : segment["endIndex"]].decode() == segment["text"]
        assert max(support["groundingChunkIndices"]) < len(found["groundingChunks"])


def test_a_stream_grounds_with_its_last_text() -> None:
    chunks = stream("Who won the euro 2024?", tools=[{"googleSearch": {}}])
    found = [chunk["candidates"][0].get("groundingMetadata") for chunk in chunks]
    assert found[0] == {}
    assert [bool(metadata) for metadata in found].count(True) == 1


# --- functions ----------------------------------------------------------------------------------------


def calls(answer: dict[str, Any]) -> list[Any]:
    return [part["functionCall"] for part in answer["candidates"][0]["content"]["parts"] if "functionCall" in part]


def test_a_call_and_its_round_trip() -> None:
    tools = [{"functionDeclarations": [WEATHER]}]
    first = ask("What should I wear in Oslo today?", tools=tools)
    turn = first["candidates"][0]["content"]
    call = turn["parts"][0]["functionCall"]
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"})
    assert re.fullmatch(r"[a-z0-9]{8}", call["id"])
    assert turn["parts"][0]["thoughtSignature"]
    result = {"functionResponse": {"id": call["id"], "name": "get_weather", "response": {"temp_c": -4, "sky": "snow"}}}
    body = prompt("What should I wear in Oslo today?", tools=tools)
    body["contents"] += [turn, {"role": "user", "parts": [result]}]
    second = ask(body)
    assert not calls(second)
    assert "coat" in text(second)
    assert "snow" in text(second)


def test_a_signature_is_as_long_as_its_length_field_says() -> None:
    tools = [{"functionDeclarations": [WEATHER]}]
    signed = ask("What is the weather in Oslo?", tools=tools)["candidates"][0]["content"]["parts"][0]
    field, length, *content = base64.b64decode(signed["thoughtSignature"])
    assert (field >> 3, field & 7) == (2, 2), "field 2 of a protobuf message, with a length"
    assert len(content) == length


def test_a_signature_that_was_cut_is_refused() -> None:
    tools = [{"functionDeclarations": [WEATHER]}]
    turn = ask("What is the weather in Oslo?", tools=tools)["candidates"][0]["content"]
    whole = turn["parts"][0]["thoughtSignature"]
    result = {"functionResponse": {"name": "get_weather", "response": {"temp_c": 3}, "id": turn["parts"][0]["functionCall"]["id"]}}  # fmt: skip
    body = prompt("What is the weather in Oslo?", tools=tools)
    body["contents"] += [turn, {"role": "user", "parts": [result]}]
    assert text(ask(body))
    turn["parts"][0]["thoughtSignature"] = whole[:-8]
    assert refused(body)[0] == 400


def test_only_gemini_3_refuses_a_call_without_its_signature() -> None:
    turn = {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}]}
    result = {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"temp_c": 21}}}]}
    body: dict[str, Any] = prompt("What should I wear in Oslo?", tools=[{"functionDeclarations": [WEATHER]}])
    body["contents"] += [turn, result]
    status, message = refused(body)
    assert status == 400
    assert "missing a thought_signature" in message
    assert "`default_api:get_weather` , position 2." in message
    assert text(ask(body, FLASH25))


def test_two_cities_are_two_calls_and_only_the_first_is_signed() -> None:
    answer = ask("What is the weather in Oslo and in Lima?", tools=[{"functionDeclarations": [WEATHER]}])
    assert [call["args"] for call in calls(answer)] == [{"city": "Oslo"}, {"city": "Lima"}]
    parts = answer["candidates"][0]["content"]["parts"]
    assert ["thoughtSignature" in part for part in parts] == [True, False]
    assert answer["candidates"][0]["finishMessage"] == "Model generated function call(s)."


@pytest.mark.parametrize(("mode", "called"), [("AUTO", False), ("ANY", True), ("NONE", False), ("VALIDATED", False)])
def test_function_calling_modes(mode: str, called: bool) -> None:
    answer = ask(
        "What is the capital of France?",
        tools=[{"functionDeclarations": [WEATHER]}],
        toolConfig={"functionCallingConfig": {"mode": mode}},
    )
    assert bool(calls(answer)) is called


def test_25_calls_have_no_id() -> None:
    assert "id" not in calls(ask("Weather in Oslo?", FLASH25, tools=[{"functionDeclarations": [WEATHER]}]))[0]


def test_arguments_come_from_the_prompt() -> None:
    add = {
        "name": "add_numbers",
        "description": "Add two numbers together.",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    }
    assert calls(ask("Calculate 15 + 27 using add_numbers.", tools=[{"functionDeclarations": [add]}]))[0]["args"] == {
        "a": 15,
        "b": 27,
    }


def test_arguments_follow_the_labels_in_the_prompt() -> None:
    fields = {"number": {"type": "STRING"}, "total": {"type": "NUMBER"}}
    keep = {"name": "keep_invoice", "parameters": {"type": "OBJECT", "properties": fields, "required": ["number"]}}
    answer = ask("Keep this. Invoice INV-7. Total: 118.40 EUR.", tools=[{"functionDeclarations": [keep]}])
    assert calls(answer)[0]["args"]["total"] == 118.4


def test_code_execution_pairs_code_with_its_result() -> None:
    answer = ask("What is the sum of the first 50 prime numbers? Run code.", tools=[{"codeExecution": {}}])
    code, result, sentence = answer["candidates"][0]["content"]["parts"]
    assert code["executableCode"]["id"] == result["codeExecutionResult"]["id"]
    assert result["codeExecutionResult"]["output"] == "5117\n"
    assert "5117" in sentence["text"]
    assert answer["usageMetadata"]["toolUsePromptTokenCount"] > 0


# --- streams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        prompt("Tell me a short story about a lighthouse, about 120 words."),
        prompt("Count to 300.", generationConfig={"thinkingConfig": {"includeThoughts": True}}),
        prompt("What is the weather in Oslo and in Lima?", tools=[{"functionDeclarations": [WEATHER]}]),
        prompt("Who won the euro 2024? Answer in Russian.", tools=[{"googleSearch": {}}]),
        prompt("Sum of the first 10 primes? Run code.", tools=[{"codeExecution": {}}]),
        prompt("hi", generationConfig={"maxOutputTokens": 10}),
        prompt("[simulate: block SAFETY]"),
        prompt("[simulate: finish RECITATION]"),
    ],
)
@pytest.mark.parametrize("model", [FLASH3, FLASH25, "gemini-3.1-pro-preview"])
def test_a_stream_has_the_content_of_the_unary_answer(body: Any, model: str) -> None:
    whole, chunks = ask(body, model), stream(body, model)
    assert chunks[-1]["usageMetadata"] == whole["usageMetadata"]
    assert {chunk["responseId"] for chunk in chunks} == {whole["responseId"]}
    if "candidates" not in whole:
        assert [chunk["promptFeedback"] for chunk in chunks] == [whole["promptFeedback"]]
        return
    finishes = [chunk["candidates"][0].get("finishReason") for chunk in chunks]
    assert finishes == [None] * (len(chunks) - 1) + [whole["candidates"][0]["finishReason"]]
    parts = [part for chunk in chunks for part in chunk["candidates"][0].get("content", {}).get("parts", ())]
    expected = whole["candidates"][0].get("content", {}).get("parts", ())
    for kind in (True, False):
        joined = [
            [part["text"] for part in side if "text" in part and part.get("thought", False) is kind]
            for side in (parts, expected)
        ]
        assert "".join(joined[0]) == "".join(joined[1])
    assert [part["functionCall"] for part in parts if "functionCall" in part] == [
        part["functionCall"] for part in expected if "functionCall" in part
    ]
    totals = [chunk["usageMetadata"]["totalTokenCount"] for chunk in chunks]
    assert totals == sorted(totals)


def test_framing_of_streams() -> None:
    path = f"/v1beta/models/{FLASH3}:streamGenerateContent"
    _, events, headers = post(path, prompt("Count to 100."), query={"alt": "sse"})
    assert headers[b"content-type"] == b"text/event-stream"
    assert re.fullmatch(rb"(data: \{[^\r\n]*\}\r\n\r\n)+", events)
    assert b'{"candidates": [{"content": {"parts": [{"text": ' in events
    _, array, headers = post(path, prompt("Count to 100."))
    assert headers[b"content-type"] == b"application/json"
    assert array.startswith(b"[{\n")
    assert b"}\n,\r\n{" in array
    assert len(json.loads(array)) == events.count(b"data: ")


def test_a_gateway_differs_and_stays_healthy() -> None:
    path = f"/gateway/v1beta/models/{FLASH3}:streamGenerateContent"
    _, events, headers = post(path, prompt("Count to 100."), query={"alt": "sse"})
    assert re.fullmatch(rb"(data: \{[^\r\n]*\}\n\n)+", events)
    assert b"serviceTier" not in events
    assert b"x-gemini-service-tier" not in headers
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events.split(b"\n\n")[:-1]]
    assert "".join(text(chunk) for chunk in chunks) == "".join(text(chunk) for chunk in stream("Count to 100."))


def test_stop_sequences_and_candidates() -> None:
    config = {"stopSequences": ["5"], "candidateCount": 2}
    answer = ask("Count to 9.", generationConfig=config)
    assert [candidate["index"] for candidate in answer["candidates"]] == [0, 1]
    assert text(answer) == "1, 2, 3, 4, "
    assert answer["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(("model", "chunks"), [(FLASH25, 1), ("gemini-2.0-flash", 1), (FLASH3, 3)])
def test_old_models_send_calls_and_their_end_in_one_chunk(model: str, chunks: int) -> None:
    sent = stream("What is the weather in Oslo and in Lima?", model, tools=[{"functionDeclarations": [WEATHER]}])
    assert len(sent) == chunks
    assert [call["args"]["city"] for chunk in sent for call in calls(chunk)] == ["Oslo", "Lima"]
    assert sent[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_25_answer_is_signed_on_its_last_text_if_functions_are_declared() -> None:
    tools = [{"functionDeclarations": [WEATHER]}]
    last = stream("What is the capital of France?", FLASH25, tools=tools)[-1]["candidates"][0]["content"]["parts"][-1]
    assert last["text"]
    assert last["thoughtSignature"]
    assert (
        "thoughtSignature"
        not in stream("What is the capital of France?", FLASH25)[-1]["candidates"][0]["content"]["parts"][-1]
    )


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "body", "headers", "status", "message"),
    [
        (FLASH3, prompt("hi"), {}, 403, "Method doesn't allow unregistered callers"),
        (FLASH3, prompt("hi"), {"x-goog-api-key": "wrong-key"}, 400, "API key not valid. Please pass a valid API key."),
        (
            "gemini-no-such-model-9000",
            prompt("hi"),
            KEY,
            404,
            "models/gemini-no-such-model-9000 is not found for API version v1beta",
        ),
        ("gemini-embedding-001", prompt("hi"), KEY, 404, "is not supported for generateContent"),
        (
            FLASH25,
            prompt("hi", generationConfig={"thinkingConfig": {"thinkingLevel": "low"}}),
            KEY,
            400,
            "Thinking level is not supported for this model.",
        ),
        (
            FLASH3,
            prompt("hi", generationConfig={"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 1}}),
            KEY,
            400,
            "You can only set only one of thinking budget and thinking level.",
        ),
        (
            "gemini-3.1-pro-preview",
            prompt("hi", generationConfig={"thinkingConfig": {"thinkingLevel": "MINIMAL"}}),
            KEY,
            400,
            "Thinking level MINIMAL is not supported for this model.",
        ),
        (
            "gemini-2.5-flash-lite",
            prompt("hi", generationConfig={"thinkingConfig": {"thinkingBudget": 256}}),
            KEY,
            400,
            "The thinking budget 256 is invalid. Please choose a value between 512 and 24576.",
        ),
        (
            "gemini-2.5-pro",
            prompt("hi", generationConfig={"thinkingConfig": {"thinkingBudget": 0}}),
            KEY,
            400,
            "Budget 0 is invalid. This model only works in thinking mode.",
        ),
        (
            FLASH3,
            prompt("hi", generationConfig={"thinkingConfg": {}}),
            KEY,
            400,
            "Invalid JSON payload received. Unknown name \"thinkingConfg\" at 'generation_config': Cannot find field.",
        ),
        (
            FLASH3,
            prompt("hi", generationConfig={"responseSchema": {"type": "STRING"}}),
            KEY,
            400,
            "Response_schema with a response mime type",
        ),
        (
            FLASH3,
            prompt(
                "hi",
                generationConfig={
                    "responseMimeType": "application/json",
                    "responseSchema": {"type": "OBJECT", "properties": {"tags": {"type": "ARRAY"}}},
                },
            ),
            KEY,
            400,
            "* GenerateContentRequest.generation_config.response_schema.properties[tags].items: missing field\n",
        ),
        (
            FLASH25,
            prompt(
                "hi",
                tools=[{"functionDeclarations": [WEATHER]}],
                generationConfig={"responseMimeType": "application/json"},
            ),
            KEY,
            400,
            "Function calling with a response mime type: 'application/json' is unsupported",
        ),
        (
            FLASH25,
            prompt("hi", tools=[{"functionDeclarations": [WEATHER]}, {"googleSearch": {}}]),
            KEY,
            400,
            "Built-in tools ({google_search})",
        ),
        (
            FLASH3,
            prompt("hi", tools=[{"functionDeclarations": [WEATHER]}, {"googleSearch": {}}]),
            KEY,
            400,
            "Please enable tool_config",
        ),
        (FLASH3, {}, KEY, 400, "* GenerateContentRequest.contents: contents is not specified"),
        (FLASH3, b"{not json", KEY, 400, "Invalid JSON payload received."),
    ],
)
def test_refusals(model: str, body: Any, headers: dict[str, str], status: int, message: str) -> None:
    found = refused(body, model, headers)
    assert found[0] == status
    assert message in found[1]


def test_an_error_before_a_stream_is_plain_json() -> None:
    path = "/v1beta/models/gemini-none-1:streamGenerateContent"
    status, content, headers = post(path, prompt("hi"), query={"alt": "sse"})
    assert (status, headers[b"content-type"]) == (404, b"text/event-stream")
    assert json.loads(content)["error"]["status"] == "NOT_FOUND"


def test_requests_are_read_as_leniently_as_google_reads_them() -> None:
    body: dict[str, Any] = {
        "contents": {"parts": {"text": "What is 17 * 23? Answer with the number only."}},
        "system_instruction": None,
        "generation_config": {
            "thinking_config": {"thinking_level": "low", "include_thoughts": True},
            "max_output_tokens": "4000",
        },
        "safetySettings": [],
    }
    answer = ask(body)
    assert text(answer) == "391"
    assert answer["candidates"][0]["content"]["parts"][0]["thought"] is True


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
@pytest.mark.parametrize(
    ("headers", "query"),
    [(KEY, {}), ({}, {"key": "abc"}), ({"authorization": "Bearer abc"}, {})],
    ids=["header", "query", "bearer"],
)
def test_versions_and_keys(version: str, headers: dict[str, str], query: dict[str, str]) -> None:
    status, _, _ = post(f"/{version}/models/{FLASH3}:generateContent", prompt("hi"), headers, query)
    assert status == 200


@pytest.mark.parametrize("fault", ["429", "500", "503", "504"])
def test_faults_by_header_and_by_marker(fault: str) -> None:
    status, message = refused(prompt("hi"), headers={**KEY, "x-simulator-fault": fault})
    assert status == int(fault)
    assert refused(prompt(f"[simulate: fault {fault}]")) == (status, message)


def test_a_quota_error_says_when_to_retry() -> None:
    _, content, _ = post(f"/v1beta/models/{FLASH3}:generateContent", prompt("hi"), {**KEY, "x-simulator-fault": "429"})
    details = {detail["@type"].rpartition(".")[2]: detail for detail in json.loads(content)["error"]["details"]}
    assert details["RetryInfo"]["retryDelay"] == "1s"
    assert details["QuotaFailure"]["violations"][0]["quotaDimensions"]["model"] == FLASH3


# --- models and counting ------------------------------------------------------------------------------


def get(path: str, query: dict[str, str] | None = None) -> tuple[int, Any]:
    sent = Simulator().handle(Call("GET", path, query or {}, KEY, b""))
    return sent.status, json.loads(sent.content)


def test_models_are_listed_in_pages() -> None:
    seen: list[str] = []
    query = {"pageSize": "7"}
    while True:
        _, page = get("/v1beta/models", query)
        assert len(page["models"]) <= 7
        seen += [model["name"] for model in page["models"]]
        if "nextPageToken" not in page:
            break
        query["pageToken"] = page["nextPageToken"]
    assert f"models/{FLASH3}" in seen
    assert len(seen) == len(set(seen))


def test_one_model() -> None:
    status, model = get(f"/v1/models/{FLASH25}")
    assert (status, model["thinking"], model["outputTokenLimit"]) == (200, True, 65536)
    assert get("/v1beta/models/gemini-none")[0] == 404


def test_the_model_version_names_the_model_that_answers() -> None:
    for name, facts in catalogue().models.items():
        if "text_out" in facts.features:
            tools = [{"computerUse": {"environment": "ENVIRONMENT_BROWSER"}}] if "computer-use" in name else []
            assert ask("hi", name, tools=tools)["modelVersion"] == (
                facts.routed_to if facts.stage in ("retired", "shutdown") and facts.routed_to else name
            )


def test_count_tokens_agrees_with_the_usage() -> None:
    body = prompt("What is the capital of France?")
    _, plain, _ = post(f"/v1beta/models/{FLASH3}:countTokens", body)
    whole = {
        "generateContentRequest": {
            "model": f"models/{FLASH3}",
            **body,
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
        }
    }
    _, more, _ = post(f"/v1beta/models/{FLASH3}:countTokens", whole)
    assert json.loads(plain)["totalTokens"] == ask(body)["usageMetadata"]["promptTokenCount"]
    assert json.loads(more)["totalTokens"] > json.loads(plain)["totalTokens"]
    status, content, _ = post(f"/v1beta/models/{FLASH3}:countTokens", {**body, "systemInstruction": {}})
    assert status == 400
    assert b'Unknown name \\"systemInstruction\\"' in content


# --- the definition -----------------------------------------------------------------------------------

_TEXTS = st.sampled_from(
    [
        "hi", "Who won the euro 2024?", "What is 2 + 3?", "Weather in Oslo and Lima?", "List 5 planets", "[simulate: finish SAFETY]",
        "[simulate: block OTHER]", "Write a story of 60 words", "日本の首都は", "[simulate: finish MALFORMED_FUNCTION_CALL]", "https://example.com/a",
    ]
)  # fmt: skip
_CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "maxOutputTokens": st.integers(1, 3000),
        "stopSequences": st.lists(st.sampled_from(["a", ".", "\n"]), max_size=2),
        "candidateCount": st.integers(1, 3),
        "responseMimeType": st.sampled_from(["text/plain", "application/json"]),
        "thinkingConfig": st.fixed_dictionaries(
            {}, optional={"includeThoughts": st.booleans(), "thinkingLevel": st.sampled_from(["LOW", "HIGH"])}
        ),
        "seed": st.integers(0, 9),
    },
)
_TOOLS: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        {"googleSearch": {}},
        {"codeExecution": {}},
        {"urlContext": {}},
        {"googleMaps": {}},
        {"functionDeclarations": [WEATHER]},
    ]
)
_MODELS = st.sampled_from(
    [FLASH3, "gemini-3.8-flash", "gemini-4-hydrogen", "gemini-3.1-flash-lite", "gemini-3.1-flash-image"]
)


@given(_TEXTS, _CONFIGS, _TOOLS, _MODELS)
def test_usage_adds_up_and_every_field_is_defined(question: str, config: Any, tool: Any, model: str) -> None:
    body = prompt(question, generationConfig=config, **({"tools": [tool]} if tool else {}))
    path = f"/v1beta/models/{model}:"
    status, content, _ = post(path + "generateContent", body)
    if status != 200:
        assert status == 400
        return
    _, array, _ = post(path + "streamGenerateContent", body)
    for response in (json.loads(content), *json.loads(array)):
        assert definition.walk("GenerateContentResponse", response) == []
        usage = response["usageMetadata"]
        names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
        assert usage["totalTokenCount"] == sum(usage.get(name, 0) for name in names)
        for name in ("prompt", "toolUsePrompt", "cache"):
            details = usage.get(f"{name}TokensDetails", [])
            counted = usage.get("cachedContentTokenCount" if name == "cache" else f"{name}TokenCount", 0)
            assert sum(detail["tokenCount"] for detail in details) == counted
        assert 0 not in usage.values()
    limit = config.get("maxOutputTokens", 10**9) * config.get("candidateCount", 1)
    if "image" not in model:
        assert usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0) <= limit


def test_answers_are_valid_against_the_official_definition(shared: Any) -> None:
    schema = json.loads((shared / "reference/wire/generateContent.response.strict.schema.json").read_bytes())
    validator = Draft202012Validator(schema)
    bodies = [
        prompt("hi", generationConfig={"thinkingConfig": {"includeThoughts": True}}),
        prompt("Who won the euro 2024?", tools=[{"googleSearch": {}}]),
        prompt("Read https://example.com/a", tools=[{"urlContext": {}}]),
        prompt("Where can I eat in Oslo?", tools=[{"googleMaps": {"enableWidget": True}}]),
        prompt("What is 2 + 3? Run code", tools=[{"codeExecution": {}}]),
        prompt("Weather in Oslo and Lima?", tools=[{"functionDeclarations": [WEATHER]}]),
        prompt("[simulate: block SAFETY]"),
        prompt("[simulate: finish SAFETY]"),
    ]
    for body in bodies:
        for model in (FLASH3, FLASH25):
            for response in (ask(body, model), *stream(body, model)):
                assert [error.message for error in validator.iter_errors(response)] == []


_PATHS = st.sampled_from(
    [f"/v1beta/models/{FLASH3}:generateContent", f"/v1/models/{FLASH25}:streamGenerateContent", f"/v1beta/models/{FLASH3}:countTokens",
     "/gateway/v1beta/models/x:generateContent", "/v1beta/models", "/v1beta/cachedContents", "/v1beta/files", "/", "/v1beta/models/%00:x"]
)  # fmt: skip
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["contents", "parts", "text", "role", "generationConfig", "tools", "functionDeclarations", "name", "parameters", "type", "properties", "responseSchema",
             "responseJsonSchema", "responseMimeType", "thinkingConfig", "thinkingBudget", "toolConfig", "functionCallingConfig", "mode", "systemInstruction", "items",
             "functionCall", "functionResponse", "response", "candidateCount", "stopSequences", "inlineData", "mimeType", "data", "anyOf", "enum", "x"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    _PATHS | st.text(max_size=20).map("/".__add__),
    _JSON.map(lambda v: json.dumps(v).encode()) | st.binary(max_size=60),
)
def test_any_bytes_to_any_path_get_a_valid_answer(method: str, path: str, content: bytes) -> None:
    sent = Simulator().handle(Call(method, path, {}, KEY, content))
    body = sent.content
    if sent.status != 200:
        value = json.loads(body)
        error = (value[0] if isinstance(value, list) else value)["error"]
        assert error["code"] == sent.status < 500
        assert {"code", "message", "status"} <= set(error)


@given(st.text(alphabet="0123456789+-*/()^. ", max_size=30))
def test_arithmetic_never_raises(expression: str) -> None:
    assert evaluate(expression) is None or isinstance(evaluate(expression), int | float)


# --- serving ------------------------------------------------------------------------------------------


def test_the_server_answers_requests_and_stops() -> None:
    with serve.start() as running, httpx.Client(base_url=running.url, headers=KEY) as client:
        answer = client.post(f"/v1beta/models/{FLASH3}:generateContent", json=prompt("What is the capital of Norway?"))
        assert "Oslo" in text(answer.json())
        assert answer.headers["server"] == "scaffolding on HTTPServer2"
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)


def test_a_cut_answer_drops_its_connection_only() -> None:
    path = f"/v1beta/models/{FLASH3}:streamGenerateContent?alt=sse"
    with serve.start() as running, httpx.Client(base_url=running.url, headers=KEY) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(path, json=prompt("Count to 60."), headers={"x-simulator-fault": "cut"})
        assert client.post(path, json=prompt("Count to 60.")).content.endswith(b"\r\n\r\n")


def test_pace_and_latency_are_kept() -> None:
    messages: list[tuple[float, Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()

        async def receive() -> Any:
            return {"type": "http.request", "body": json.dumps(prompt("Count to 60.")).encode()}

        async def send(message: Any) -> None:
            messages.append((loop.time() - started, message))

        scope = {
            "type": "http", "method": "POST", "path": f"/v1beta/models/{FLASH3}:streamGenerateContent", "query_string": b"alt=sse",
            "headers": [(b"x-goog-api-key", b"k")],
        }  # fmt: skip
        await Simulator(latency=0.05, pace=0.02)(scope, receive, send)

    asyncio.run(main())
    times = [at for at, message in messages if message.get("body")]
    assert times[0] >= 0.05
    assert times[-1] - times[0] >= 0.02 * (len(times) - 1) - 0.005


def test_a_port_in_use_is_reported() -> None:
    with serve.start() as running, pytest.raises(UsageError, match="cannot serve on"):
        serve.start(int(running.url.rpartition(":")[2]))
