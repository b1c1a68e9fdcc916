"""The openai package at the OpenAI-compatible paths."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

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
