"""pydantic-ai (on google-genai 2): agents with tools and validated outputs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"
CAPITAL = "What is the capital of Norway? One word."


class Invoice(BaseModel):
    number: str
    total: float


@pytest.fixture
def agent(url: str, model: str) -> Any:
    provider = GoogleProvider(api_key="simulated", base_url=url)
    return lambda **more: Agent(GoogleModel(model, provider=provider), **more)


def test_answers(agent: Any) -> None:
    run = agent().run_sync(CAPITAL)
    assert run.output == "Oslo"
    assert run.usage.output_tokens > 0


def test_streams(agent: Any) -> None:
    async def ask() -> list[str]:
        async with agent().run_stream("Tell me a story about a lighthouse.") as run:
            return [text async for text in run.stream_text(delta=True, debounce_by=None)]

    texts = asyncio.run(ask())
    assert len(texts) > 3
    assert "lighthouse" in "".join(texts)


def test_instructions_are_followed(agent: Any) -> None:
    assert agent(instructions="Answer every message with the single word PONG.").run_sync("hi").output == "PONG"


def test_tools_make_a_round_trip(agent: Any) -> None:
    def get_weather(city: str) -> str:
        """The weather in a city right now."""
        return f"-4 degrees and snow in {city}"

    run = agent(tools=[get_weather]).run_sync("What should I wear in Oslo today?")
    assert "snow in Oslo" in run.output


@pytest.mark.parametrize("kind", [NativeOutput, ToolOutput, PromptedOutput])
def test_outputs_are_validated(agent: Any, kind: Any) -> None:
    run = agent(output_type=kind(Invoice)).run_sync("Invoice INV-7. Total: 118.40 EUR.")
    assert run.output.total == pytest.approx(118.40)


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("503", 503)])
def test_faults_become_errors(agent: Any, fault: str, status: int) -> None:
    with pytest.raises(ModelHTTPError) as caught:
        agent().run_sync(f"hi [simulate: fault {fault}]")
    assert caught.value.status_code == status
