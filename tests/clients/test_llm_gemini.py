"""llm-gemini. It uses HTTP directly, streams a JSON array, and has a fixed address, so the test rewrites the host in the transport."""

from __future__ import annotations

from typing import Any

import httpx
import llm
import pytest
from pydantic import BaseModel

CAPITAL = "What is the capital of Norway? One word."


class Dog(BaseModel):
    name: str
    age: int


@pytest.fixture(autouse=True)
def _at_the_simulator(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = httpx.URL(url)
    send = httpx.HTTPTransport.handle_request

    def rewritten(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme=site.scheme, host=site.host, port=site.port)
        return send(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", rewritten)
    monkeypatch.setenv("LLM_GEMINI_KEY", "simulated")


@pytest.fixture(params=["gemini/gemini-3-flash-preview", "gemini/gemini-2.5-flash"])
def model(request: pytest.FixtureRequest) -> Any:
    return llm.get_model(request.param)


def test_answers(model: Any) -> None:
    answer = model.prompt(CAPITAL, stream=False)
    assert answer.text() == "Oslo"
    assert answer.usage().input > 0


def test_streams(model: Any) -> None:
    pieces = list(model.prompt("Count to 90."))
    assert len(pieces) > 3
    assert "90" in pieces[-1] + pieces[-2]


def test_a_schema_is_followed(model: Any) -> None:
    found = Dog.model_validate_json(model.prompt("Invent a dog.", schema=Dog, stream=False).text())
    assert found.name


def test_tools_are_called(model: Any) -> None:
    def get_weather(city: str) -> str:
        """The weather in a city right now."""
        return f"-4 degrees and snow in {city}"

    chain = model.chain("What should I wear in Oslo today?", tools=[get_weather])
    assert "snow in Oslo" in chain.text()


def test_a_conversation_goes_on(model: Any) -> None:
    talk = model.conversation()
    talk.prompt("Hello!").text()
    assert talk.prompt(CAPITAL).text() == "Oslo"


@pytest.mark.parametrize(("fault", "message"), [("429", "quota"), ("503", "high demand")])
def test_faults_become_errors(model: Any, fault: str, message: str) -> None:
    with pytest.raises(llm.ModelError, match=message):
        model.prompt(f"hi [simulate: fault {fault}]").text()
