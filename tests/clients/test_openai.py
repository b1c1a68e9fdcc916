"""The openai package at the OpenAI-compatible paths."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from harness.answer import chat_answer
from harness.answer.framing import Framed
from harness.gemini.chat_request import chat_body
from harness.model import Event

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"
CAPITAL = [{"role": "user", "content": "What is the capital of Norway? One word."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Invoice(BaseModel):
    number: str
    total: float


@pytest.fixture(params=["/v1", "/v1beta/openai/"], scope="session")
def settings(request: pytest.FixtureRequest, url: str) -> dict[str, Any]:
    return {"api_key": "simulated", "base_url": url + request.param, "max_retries": 0}


@pytest.fixture(scope="session")
def client(settings: dict[str, Any]) -> openai.OpenAI:
    return openai.OpenAI(**settings)


def thoughts(answer: Any) -> int:
    """The tokens of the thoughts: what is in the total only."""
    return int(answer.usage.total_tokens - answer.usage.prompt_tokens - answer.usage.completion_tokens)


def test_answers(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=CAPITAL)
    assert answer.choices[0].message.content == "Oslo"
    assert (answer.choices[0].finish_reason, answer.model) == ("stop", model)
    assert answer.usage.total_tokens >= answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_answers_async(settings: dict[str, Any]) -> None:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(**settings) as client:
            return await client.chat.completions.create(model=FLASH3, messages=CAPITAL)

    assert asyncio.run(ask()).choices[0].message.content == "Oslo"


def test_streams_with_usage_at_the_end(client: openai.OpenAI, model: str) -> None:
    story = [{"role": "user", "content": "Tell me a story about a lighthouse."}]
    chunks = list(
        client.chat.completions.create(model=model, messages=story, stream=True, stream_options={"include_usage": True})
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert len(chunks) > 3
    assert "lighthouse" in text
    assert chunks[-1].usage.total_tokens > 0


def test_streams_async(settings: dict[str, Any]) -> None:
    async def ask() -> str:
        async with openai.AsyncOpenAI(**settings) as client:
            stream = await client.chat.completions.create(model=FLASH3, messages=CAPITAL, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(ask()) == "Oslo"


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_reasoning_effort_makes_thoughts(client: openai.OpenAI, effort: Any) -> None:
    question = [{"role": "user", "content": "What is 17 * 23? The number only."}]
    answer = client.chat.completions.create(model=FLASH25, messages=question, reasoning_effort=effort)
    assert answer.choices[0].message.content == "391"
    assert thoughts(answer) > 0


def test_no_reasoning_effort_makes_no_thoughts(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=FLASH25, messages=CAPITAL, reasoning_effort="none")
    assert thoughts(answer) == 0


def test_tools_make_a_round_trip(client: openai.OpenAI, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "What should I wear in Oslo today?"}]
    first = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    (call,) = first.choices[0].message.tool_calls
    assert (first.choices[0].finish_reason, call.function.name) == ("tool_calls", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    result = json.dumps({"temp_c": -4, "sky": "snow"})
    messages += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": result}]
    second = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    assert "coat" in second.choices[0].message.content


def test_tools_are_called_in_a_stream(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Weather in Oslo and in Lima?"}]
    chunks = client.chat.completions.create(model=FLASH3, messages=messages, tools=[WEATHER], stream=True)
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Oslo"}, {"city": "Lima"}]
    assert len({call.id for call in calls}) == 2


def test_a_pydantic_class_is_parsed(client: openai.OpenAI) -> None:
    text = "Invoice INV-7. Total: 118.40 EUR."
    answer = client.chat.completions.parse(
        model=FLASH3, messages=[{"role": "user", "content": text}], response_format=Invoice
    )
    assert answer.choices[0].message.parsed.total == pytest.approx(118.40)


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert any(model.id.endswith(FLASH25) for model in client.models.list())


def test_one_model_is_shown(settings: dict[str, Any]) -> None:
    if settings["base_url"].endswith("/openai/"):
        assert openai.OpenAI(**settings).models.retrieve(FLASH25).id == f"models/{FLASH25}"


def test_texts_are_embedded(client: openai.OpenAI) -> None:
    found = client.embeddings.create(model="gemini-embedding-001", input=["the cat sat", "numbers"], dimensions=64)
    assert [len(row.embedding) for row in found.data] == [64, 64]


@pytest.mark.parametrize(
    ("settings_more", "request_more", "kind", "message"),
    [
        ({}, {"model": "gemini-no-such-model-9000"}, openai.NotFoundError, "is not found"),
        ({}, {"reasoning_effort": "huge"}, openai.BadRequestError, "Invalid reasoning_effort: huge"),
        ({"api_key": "invalid"}, {}, openai.BadRequestError, "API key not valid"),
    ],
    ids=["unknown-model", "unknown-effort", "bad-key"],
)
def test_refusals(client: openai.OpenAI, settings_more: Any, request_more: Any, kind: Any, message: str) -> None:
    asking = {"model": FLASH25, "messages": CAPITAL, **request_more}
    with pytest.raises(kind) as caught:
        client.with_options(**settings_more).chat.completions.create(**asking)
    assert message in caught.value.response.json()[0]["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("429", openai.RateLimitError), ("500", openai.InternalServerError), ("503", openai.InternalServerError)],
)
def test_faults_become_errors(client: openai.OpenAI, fault: str, kind: Any) -> None:
    with pytest.raises(kind):
        client.chat.completions.create(
            model=FLASH3, messages=[{"role": "user", "content": f"hi [simulate: fault {fault}]"}]
        )


# --- what the harness sends and reads, against the package --------------------------------------------

TOOLS = [
    {
        "functionDeclarations": [
            {"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}
        ]
    }
]
ASKED: dict[str, dict[str, Any]] = {
    "a prompt": {"contents": [{"role": "user", "parts": [{"text": "What is the capital of Norway? One word."}]}]},
    "a system instruction and limits": {
        "systemInstruction": {"parts": [{"text": "Answer in one word."}]},
        "contents": [{"role": "user", "parts": [{"text": "What is the capital of Norway?"}]}],
        "generationConfig": {"temperature": 0, "topP": 0.9, "maxOutputTokens": 2000, "stopSequences": ["x"]},
    },
    "a schema": {
        "contents": [{"role": "user", "parts": [{"text": "What is the capital of Norway?"}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"capital": {"type": "STRING"}}, "required": ["capital"]},
        },
    },
    "parallel calls": {"contents": [{"role": "user", "parts": [{"text": "Weather in Oslo and in Lima?"}]}], "tools": TOOLS},
}  # fmt: skip


def native(values: list[Any], form: Any) -> list[Any]:
    """The events as the harness reads them."""
    framed = Framed(form, [Event(value) for value in values])
    return [event.value for event in chat_answer.as_native(framed).events]


def parts_of(values: list[Any]) -> list[Any]:
    return [part for value in values for one in value.get("candidates", []) for part in one["content"].get("parts", [])]


@pytest.mark.parametrize("body", ASKED.values(), ids=ASKED)
def test_the_package_takes_and_reads_what_the_harness_does(client: openai.OpenAI, model: str, body: Any) -> None:
    sent = chat_body(body, model, "unary", google=False)
    answer = client.chat.completions.create(**sent)
    message = answer.choices[0].message
    (value,) = native([answer.model_dump(exclude_unset=True)], "json")
    parts = parts_of([value])
    assert "".join(part.get("text", "") for part in parts) == (message.content or "")
    called = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [(call["id"], call["name"], call["args"]) for call in called] == [
        (call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()
    ]
    assert bool(called) == ("tools" in body)
    assert value["usageMetadata"]["totalTokenCount"] == answer.usage.total_tokens


@pytest.mark.parametrize("body", ASKED.values(), ids=ASKED)
def test_a_stream_says_what_the_package_reads(client: openai.OpenAI, model: str, body: Any) -> None:
    sent = chat_body(body, model, "stream", google=False)
    chunks = list(client.chat.completions.create(**sent))
    values = native([chunk.model_dump(exclude_unset=True) for chunk in chunks], "sse")
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    text = "".join(part.get("text", "") for part in parts_of(values))
    assert text == "".join(delta.content or "" for delta in deltas)
    called = [part["functionCall"]["args"] for part in parts_of(values) if "functionCall" in part]
    assert called == [json.loads(call.function.arguments) for delta in deltas for call in delta.tool_calls or ()]
    assert values[-1]["usageMetadata"]["totalTokenCount"] == chunks[-1].usage.total_tokens


def test_a_round_trip_with_signatures(client: openai.OpenAI) -> None:
    body = ASKED["parallel calls"]
    answer = client.chat.completions.create(**chat_body(body, FLASH3, "unary", google=False))
    (value,) = native([answer.model_dump(exclude_unset=True)], "json")
    turn = value["candidates"][0]["content"]
    calls = [part["functionCall"] for part in turn["parts"]]
    replies = [
        {"functionResponse": {"id": call["id"], "name": call["name"], "response": {"temp_c": 22}}} for call in calls
    ]
    contents = [*body["contents"], turn, {"role": "user", "parts": replies}]
    second = client.chat.completions.create(**chat_body({**body, "contents": contents}, FLASH3, "unary", google=False))
    assert "22" in second.choices[0].message.content
