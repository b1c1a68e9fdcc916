"""langchain-google-genai (on google-genai 2), by ``base_url``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from pydantic import BaseModel

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"
CAPITAL = "What is the capital of Norway? One word."


class Invoice(BaseModel):
    """An invoice."""

    number: str
    total: float


@tool
def get_weather(city: str) -> dict[str, Any]:
    """The weather in a city right now."""
    return {"temp_c": -4, "sky": "snow", "city": city}


def chat_model(url: str, model: str, **more: Any) -> ChatGoogleGenerativeAI:
    return ChatGoogleGenerativeAI(model=model, api_key="simulated", base_url=url, max_retries=1, **more)


@pytest.fixture
def chat(url: str, model: str) -> ChatGoogleGenerativeAI:
    return chat_model(url, model)


def test_answers(chat: ChatGoogleGenerativeAI) -> None:
    answer = chat.invoke(CAPITAL)
    assert answer.text == "Oslo"
    usage = answer.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert answer.response_metadata["finish_reason"] == "STOP"


def test_answers_async(url: str) -> None:
    assert asyncio.run(chat_model(url, FLASH3).ainvoke(CAPITAL)).text == "Oslo"


def test_streams(chat: ChatGoogleGenerativeAI) -> None:
    chunks = list(chat.stream("Tell me a story about a lighthouse."))
    assert len(chunks) > 3
    assert "lighthouse" in "".join(chunk.text for chunk in chunks)
    assert sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata) > 0


def test_streams_async(url: str) -> None:
    async def ask() -> str:
        return "".join([chunk.text async for chunk in chat_model(url, FLASH3).astream("Count to 60.")])

    assert asyncio.run(ask()).rstrip(".").endswith("60")


def test_a_system_message_is_followed(chat: ChatGoogleGenerativeAI) -> None:
    asked = [SystemMessage("Answer every message with the single word PONG."), HumanMessage("hi")]
    assert chat.invoke(asked).text == "PONG"


def test_thoughts_are_separate(url: str) -> None:
    answer = chat_model(url, FLASH25, thinking_budget=1024, include_thoughts=True).invoke(
        "What is 17 * 23? The number only."
    )
    assert answer.text == "391"
    assert any(block["type"] == "reasoning" for block in answer.content_blocks)
    assert answer.usage_metadata["output_token_details"]["reasoning"] > 0


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_is_parsed(chat: ChatGoogleGenerativeAI, method: Any) -> None:
    found = chat.with_structured_output(Invoice, method=method).invoke("Invoice INV-7. Total: 118.40 EUR.")
    assert isinstance(found, Invoice)
    assert found.total == pytest.approx(118.40)


def test_tools_make_a_round_trip(chat: ChatGoogleGenerativeAI) -> None:
    bound = chat.bind_tools([get_weather])
    asked: list[Any] = [HumanMessage("What should I wear in Oslo today?")]
    first = bound.invoke(asked)
    (call,) = first.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"})
    asked += [first, ToolMessage(str(get_weather.invoke(call["args"])), tool_call_id=call["id"])]
    assert "snow" in bound.invoke(asked).text


def test_a_tool_can_be_forced(chat: ChatGoogleGenerativeAI) -> None:
    answer = chat.bind_tools([get_weather], tool_choice="any").invoke("Hello!")
    assert [call["name"] for call in answer.tool_calls] == ["get_weather"]


def test_grounding_is_read(chat: ChatGoogleGenerativeAI) -> None:
    answer = chat.bind_tools([{"google_search": {}}]).invoke("Who won the euro 2024?")
    assert answer.response_metadata["grounding_metadata"]["grounding_chunks"]


def test_tokens_are_counted(chat: ChatGoogleGenerativeAI) -> None:
    assert chat.get_num_tokens(CAPITAL) > 5


def test_texts_are_embedded(url: str) -> None:
    embedder = GoogleGenerativeAIEmbeddings(
        model="models/gemini-embedding-001", google_api_key="simulated", base_url=url
    )
    assert len(embedder.embed_query("the cat sat")) == 3072


@pytest.mark.parametrize(
    ("model", "prompt", "message"),
    [
        (FLASH3, "hi [simulate: fault 429]", "429 RESOURCE_EXHAUSTED"),
        (FLASH3, "hi [simulate: fault 503]", "503 UNAVAILABLE"),
        ("gemini-no-such-model-9000", "hi", "404 NOT_FOUND"),
    ],
    ids=["429", "503", "unknown-model"],
)
def test_errors(url: str, model: str, prompt: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        chat_model(url, model).invoke(prompt)
