"""Google's own SDK, pointed at the simulator by base URL only."""

from __future__ import annotations

import asyncio
import enum
import io
import json
import time
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

FLASH3, FLASH25, EMBEDS, PAINTS = (
    "gemini-3-flash-preview",
    "gemini-2.5-flash",
    "gemini-embedding-001",
    "gemini-3.1-flash-image",
)
CAPITAL = "What is the capital of Norway? One word."


@pytest.fixture(params=[None, "v1beta"], ids=["default-version", "v1beta"], scope="session")
def settings(request: pytest.FixtureRequest, url: str) -> dict[str, Any]:
    version = {"api_version": request.param} if request.param else {}
    return {"api_key": "simulated", "http_options": {"base_url": url, **version}}


@pytest.fixture(scope="session")
def client(settings: dict[str, Any]) -> genai.Client:
    return genai.Client(**settings)


class Invoice(BaseModel):
    number: str
    total: float
    paid: bool | None


class Mood(enum.Enum):
    POSITIVE = "positive"
    NEGATIVE = "negative"


def get_weather(city: str) -> dict[str, Any]:
    """The weather in a city right now."""
    return {"city": city, "temp_c": -4, "sky": "snow"}


# --- answers ------------------------------------------------------------------------------------------


def test_answers(client: genai.Client, model: str) -> None:
    answer = client.models.generate_content(model=model, contents=CAPITAL)
    assert answer.text == "Oslo"
    assert answer.model_version == model
    assert answer.response_id
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    usage = answer.usage_metadata
    thought = usage.thoughts_token_count or 0
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + thought


def test_answers_async(settings: dict[str, Any]) -> None:
    async def ask() -> Any:
        async with genai.Client(**settings).aio as client:
            return await client.models.generate_content(model=FLASH3, contents=CAPITAL)

    assert asyncio.run(ask()).text == "Oslo"


def test_streams(client: genai.Client, model: str) -> None:
    chunks = list(client.models.generate_content_stream(model=model, contents="Tell me a story about a lighthouse."))
    assert len(chunks) > 3
    assert "lighthouse" in "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert chunks[-1].usage_metadata.total_token_count > 0


def test_streams_async(settings: dict[str, Any]) -> None:
    async def ask() -> list[str]:
        async with genai.Client(**settings).aio as client:
            stream = await client.models.generate_content_stream(model=FLASH3, contents="Count to 60.")
            return [chunk.text or "" async for chunk in stream]

    texts = asyncio.run(ask())
    assert len(texts) > 1
    assert "".join(texts).rstrip(".").endswith("60")


def test_every_setting_is_accepted(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        system_instruction="Answer every message with the single word PONG.",
        temperature=0.2,
        top_p=0.9,
        top_k=5,
        candidate_count=1,
        max_output_tokens=2000,
        stop_sequences=["###"],
        seed=7,
        safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_ONLY_HIGH")],
    )
    assert client.models.generate_content(model=FLASH25, contents="hi", config=config).text == "PONG"


def test_several_candidates(client: genai.Client) -> None:
    config = types.GenerateContentConfig(candidate_count=2)
    answer = client.models.generate_content(model=FLASH25, contents="Name a colour.", config=config)
    assert [candidate.index or 0 for candidate in answer.candidates] == [0, 1]


def test_the_limit_ends_an_answer(client: genai.Client) -> None:
    thinking = types.ThinkingConfig(thinking_budget=0)
    config = types.GenerateContentConfig(max_output_tokens=20, thinking_config=thinking)
    answer = client.models.generate_content(model=FLASH25, contents="Count from 1 to 500.", config=config)
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata.candidates_token_count <= 20


def test_a_blocked_prompt(client: genai.Client) -> None:
    answer = client.models.generate_content(model=FLASH3, contents="[simulate: block SAFETY]")
    assert answer.prompt_feedback.block_reason is types.BlockedReason.SAFETY
    assert answer.text is None


# --- thinking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "thinking"),
    [(FLASH3, {"thinking_level": "low"}), (FLASH25, {"thinking_budget": 1024})],
)
def test_thoughts_are_separate(client: genai.Client, model: str, thinking: dict[str, Any]) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True, **thinking))
    answer = client.models.generate_content(model=model, contents="What is 17 * 23? The number only.", config=config)
    assert answer.text == "391"
    assert any(part.thought and part.text for part in answer.candidates[0].content.parts)
    assert 0 < answer.usage_metadata.thoughts_token_count <= 1024


def test_thinking_off(client: genai.Client) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(thinking_budget=0))
    answer = client.models.generate_content(model=FLASH25, contents=CAPITAL, config=config)
    assert not answer.usage_metadata.thoughts_token_count


# --- structured output --------------------------------------------------------------------------------


def structured(
    client: genai.Client, contents: str, schema: Any, *, mime: str = "application/json", key: str = "response_schema"
) -> Any:
    config = types.GenerateContentConfig(response_mime_type=mime, **{key: schema})
    return client.models.generate_content(model=FLASH3, contents=contents, config=config)


def test_a_pydantic_class_is_parsed(client: genai.Client) -> None:
    answer = structured(client, "Invoice INV-7. Total: 118.40 EUR. Not paid.", Invoice)
    assert isinstance(answer.parsed, Invoice)
    assert answer.parsed.total == pytest.approx(118.40)


def test_a_list_of_classes_is_parsed(client: genai.Client) -> None:
    answer = structured(client, "Two invoices: INV-7 over 10, INV-8 over 20.", list[Invoice])
    assert all(isinstance(invoice, Invoice) for invoice in answer.parsed)


def test_an_enum_is_parsed(client: genai.Client) -> None:
    answer = structured(client, 'Positive or negative? "I love it, wonderful."', Mood, mime="text/x.enum")
    assert answer.parsed is Mood.POSITIVE


def test_a_json_schema_is_followed(client: genai.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"capital": {"type": "string"}},
        "required": ["capital"],
        "additionalProperties": False,
    }
    answer = structured(client, "What is the capital of Japan?", schema, key="response_json_schema")
    assert json.loads(answer.text) == {"capital": "Tokyo"}


# --- functions ----------------------------------------------------------------------------------------


def test_a_chat_calls_a_function_by_itself(client: genai.Client, model: str) -> None:
    chat = client.chats.create(model=model, config=types.GenerateContentConfig(tools=[get_weather]))
    answer = chat.send_message("What should I wear in Oslo today?")
    kinds = [
        name
        for turn in chat.get_history()
        for part in turn.parts
        for name in ("function_call", "function_response")
        if getattr(part, name)
    ]
    assert kinds == ["function_call", "function_response"]
    assert "coat" in answer.text
    assert chat.send_message(CAPITAL).text == "Oslo"


def test_a_chat_streams(client: genai.Client, model: str) -> None:
    chat = client.chats.create(model=model)
    for prompt in ("Hello!", CAPITAL):
        text = "".join(chunk.text or "" for chunk in chat.send_message_stream(prompt))
    assert text == "Oslo"
    assert [turn.parts[0].text for turn in chat.get_history() if turn.role == "user"] == ["Hello!", CAPITAL]


def test_a_function_is_called_in_a_stream(client: genai.Client, model: str) -> None:
    tool = types.Tool(
        function_declarations=[types.FunctionDeclaration.from_callable(client=client._api_client, callable=get_weather)]
    )
    config = types.GenerateContentConfig(tools=[tool])
    chunks = list(
        client.models.generate_content_stream(model=model, contents="Weather in Oslo and in Lima?", config=config)
    )
    calls = [call for chunk in chunks for call in chunk.function_calls or ()]
    assert [(call.name, call.args["city"]) for call in calls] == [("get_weather", "Oslo"), ("get_weather", "Lima")]


def test_a_forced_call(client: genai.Client) -> None:
    forced = types.FunctionCallingConfig(mode="ANY", allowed_function_names=["get_weather"])
    config = types.GenerateContentConfig(
        tools=[get_weather],
        tool_config=types.ToolConfig(function_calling_config=forced),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    answer = client.models.generate_content(model=FLASH3, contents="Hello!", config=config)
    assert [call.name for call in answer.function_calls] == ["get_weather"]


# --- tools and media ----------------------------------------------------------------------------------


def test_grounding_is_read(client: genai.Client, model: str) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    answer = client.models.generate_content(
        model=model, contents="Who won the euro 2024? Answer in German.", config=config
    )
    found = answer.candidates[0].grounding_metadata
    assert found.web_search_queries
    assert found.grounding_chunks[0].web.uri
    for support in found.grounding_supports:
        segment = support.segment
        assert answer.text.encode()[segment.start_index or 0 : segment.end_index].decode() == segment.text


def test_pages_are_read(client: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(url_context=types.UrlContext())])
    answer = client.models.generate_content(model=FLASH25, contents="What is at https://example.com/a?", config=config)
    pages = answer.candidates[0].url_context_metadata.url_metadata
    assert [page.retrieved_url for page in pages] == ["https://example.com/a"]


def test_code_is_run(client: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(code_execution=types.ToolCodeExecution())])
    answer = client.models.generate_content(model=FLASH25, contents="What is 17 * 23? Use code.", config=config)
    assert answer.executable_code
    assert "391" in answer.code_execution_result


def test_an_image_is_generated(client: genai.Client) -> None:
    config = types.GenerateContentConfig(response_modalities=["IMAGE"])
    answer = client.models.generate_content(model=PAINTS, contents="A cat.", config=config)
    images = [part.inline_data for part in answer.candidates[0].content.parts if part.inline_data]
    assert images[0].mime_type == "image/png"
    assert images[0].data.startswith(b"\x89PNG")


def test_an_image_is_sent(client: genai.Client) -> None:
    picture = types.Part.from_bytes(data=b"\x89PNG\r\n\x1a\n" + b"\xfb\xff" * 40, mime_type="image/png")
    answer = client.models.generate_content(model=FLASH25, contents=["What is this?", picture])
    counted = {detail.modality.value for detail in answer.usage_metadata.prompt_tokens_details}
    assert counted == {"TEXT", "IMAGE"}


# --- around -------------------------------------------------------------------------------------------


def test_tokens_are_counted(client: genai.Client) -> None:
    counted = client.models.count_tokens(model=FLASH3, contents=CAPITAL)
    answered = client.models.generate_content(model=FLASH3, contents=CAPITAL)
    assert counted.total_tokens == answered.usage_metadata.prompt_token_count


def test_models_are_listed_in_pages(client: genai.Client) -> None:
    pager = client.models.list(config={"page_size": 5})
    assert len(pager.page) == 5
    assert f"models/{FLASH25}" in {model.name for model in pager}


def test_a_model_is_described(client: genai.Client) -> None:
    found = client.models.get(model=FLASH3)
    assert (found.name, found.input_token_limit) == (f"models/{FLASH3}", 1048576)
    assert "generateContent" in found.supported_actions


@pytest.mark.parametrize("texts", ["the cat sat", ["the cat sat", "the cat ran"]])
def test_texts_are_embedded(client: genai.Client, texts: Any) -> None:
    config = types.EmbedContentConfig(output_dimensionality=256)
    found = client.models.embed_content(model=EMBEDS, contents=texts, config=config).embeddings
    assert [len(embedding.values) for embedding in found] == [256] * (1 if isinstance(texts, str) else len(texts))


def test_a_cache_is_created_used_and_deleted(client: genai.Client) -> None:
    config = types.CreateCachedContentConfig(
        contents=["A long story of a lighthouse. " * 400], system_instruction="Answer in French.", ttl="300s"
    )
    cache = client.caches.create(model=FLASH25, config=config)
    assert cache.name in {cached.name for cached in client.caches.list()}
    used = types.GenerateContentConfig(cached_content=cache.name)
    answer = client.models.generate_content(model=FLASH25, contents="What is the capital of Norway?", config=used)
    assert answer.text == "La capitale de la Norvège est Oslo."
    assert answer.usage_metadata.cached_content_token_count == cache.usage_metadata.total_token_count
    renewed = client.caches.update(name=cache.name, config=types.UpdateCachedContentConfig(ttl="900s"))
    assert renewed.expire_time > cache.expire_time
    client.caches.delete(name=cache.name)
    with pytest.raises(errors.ClientError, match="CachedContent not found"):
        client.caches.get(name=cache.name)


def test_a_file_is_uploaded_read_and_deleted(client: genai.Client) -> None:
    file = client.files.upload(
        file=io.BytesIO(b"Invoice\nTotal: 55\n"), config={"mime_type": "text/plain", "display_name": "invoice"}
    )
    assert (file.size_bytes, file.state, file.display_name) == (18, types.FileState.ACTIVE, "invoice")
    assert file.name in {uploaded.name for uploaded in client.files.list()}
    assert client.files.get(name=file.name).uri == file.uri
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema={"type": "OBJECT", "properties": {"total": {"type": "INTEGER"}}},
    )
    answer = client.models.generate_content(model=FLASH25, contents=["What is the total?", file], config=config)
    assert json.loads(answer.text) == {"total": 55}
    client.files.delete(name=file.name)
    with pytest.raises(errors.ClientError):
        client.files.get(name=file.name)


def test_a_batch_of_inline_requests_is_answered(client: genai.Client) -> None:
    asked = [{"contents": f"What is {number} + {number}? The number only."} for number in (1, 2)]
    job = client.batches.create(model=FLASH25, src=asked, config={"display_name": "sums"})
    assert (job.state, job.display_name) == (types.JobState.JOB_STATE_PENDING, "sums")
    assert job.name in {listed.name for listed in client.batches.list(config={"page_size": 2})}
    done = ended(client, job.name)
    assert done.state == types.JobState.JOB_STATE_SUCCEEDED
    assert [row.response.text for row in done.dest.inlined_responses] == ["2", "4"]
    client.batches.delete(name=job.name)
    with pytest.raises(errors.ClientError):
        client.batches.get(name=job.name)


def test_a_batch_from_a_file_is_downloaded(client: genai.Client) -> None:
    line = {"key": "a", "request": {"contents": [{"parts": [{"text": "What is the capital of Norway? One word."}]}]}}
    file = client.files.upload(file=io.BytesIO(json.dumps(line).encode()), config={"mime_type": "application/jsonl"})
    done = ended(client, client.batches.create(model=FLASH25, src=file.name).name)
    (row,) = map(json.loads, client.files.download(file=done.dest.file_name).decode().splitlines())
    assert (row["key"], row["response"]["candidates"][0]["content"]["parts"][0]["text"]) == ("a", "Oslo")


def test_a_batch_is_cancelled(client: genai.Client) -> None:
    job = client.batches.create(model=FLASH25, src=[{"contents": "hi"}])
    client.batches.cancel(name=job.name)
    assert client.batches.get(name=job.name).state == types.JobState.JOB_STATE_CANCELLED


def ended(client: genai.Client, name: str) -> types.BatchJob:
    """The batch when it has ended. It takes two seconds."""
    for _ in range(40):
        job = client.batches.get(name=name)
        if job.done:
            break
        time.sleep(0.2)
    return job


def test_lists_come_in_pages(client: genai.Client) -> None:
    named = [client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"}).name for _ in range(3)]
    found = [file.name for file in client.files.list(config={"page_size": 1})]
    assert [name for name in found if name in named] == named[::-1]


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind", "code", "status"),
    [
        ("429", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        ("500", errors.ServerError, 500, "INTERNAL"),
        ("503", errors.ServerError, 503, "UNAVAILABLE"),
        ("504", errors.ServerError, 504, "DEADLINE_EXCEEDED"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_faults_become_errors(
    client: genai.Client, fault: str, kind: Any, code: int, status: str, stream: bool
) -> None:
    ask = client.models.generate_content_stream if stream else client.models.generate_content
    with pytest.raises(kind) as caught:
        list(ask(model=FLASH3, contents=f"hi [simulate: fault {fault}]"))
    assert (caught.value.code, caught.value.status) == (code, status)


def test_quota_errors_say_when_to_retry(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=FLASH3, contents="hi [simulate: fault 429]")
    kinds = {detail["@type"].rpartition(".")[2] for detail in caught.value.details["error"]["details"]}
    assert {"QuotaFailure", "RetryInfo"} <= kinds


def test_an_error_inside_a_stream(client: genai.Client) -> None:
    prompt = "Count to 90. [simulate: fault error-event]"
    stream = iter(client.models.generate_content_stream(model=FLASH3, contents=prompt))
    assert next(stream).text
    with pytest.raises(errors.ServerError, match="overloaded"):
        list(stream)


@pytest.mark.parametrize(
    ("model", "config", "code", "message"),
    [
        ("gemini-no-such-model-9000", {}, 404, "is not found for API version"),
        (FLASH25, {"thinking_config": {"thinking_level": "LOW"}}, 400, "hinking level"),
        ("gemini-2.5-pro", {"thinking_config": {"thinking_budget": 0}}, 400, "thinking mode"),
        (
            FLASH3,
            {"response_mime_type": "application/json", "response_schema": {"type": "ARRAY"}},
            400,
            "items: missing field",
        ),
    ],
    ids=["unknown-model", "level-on-2.5", "budget-0-on-pro", "array-without-items"],
)
def test_refusals_are_client_errors(client: genai.Client, model: str, config: Any, code: int, message: str) -> None:
    with pytest.raises(errors.ClientError, match=message) as caught:
        client.models.generate_content(model=model, contents="hi", config=config)
    assert caught.value.code == code


def test_a_bad_key_is_refused(url: str) -> None:
    client = genai.Client(api_key="invalid", http_options={"base_url": url})
    with pytest.raises(errors.ClientError, match="API key not valid"):
        client.models.generate_content(model=FLASH3, contents="hi")
