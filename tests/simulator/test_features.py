"""Newer and rarer parts of the API: steps of server-side tools, long answers in parts, log probabilities, caching, enum numbers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call

FLASH3, FLASH25, OLD, CARBON = "gemini-3-flash-preview", "gemini-2.5-flash", "gemini-2.0-flash", "gemini-4-carbon"
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
}


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def send(body: Any, model: str, verb: str = "generateContent", query: Any = None, app: Simulator | None = None) -> Any:
    """The whole answer, or the chunks of a stream; it must be a 200."""
    call = Call(
        "POST", f"/v1beta/models/{model}:{verb}", query or {}, {"x-goog-api-key": "k"}, json.dumps(body).encode()
    )
    sent = (app or Simulator()).handle(call)
    assert sent.status == 200, sent.content
    return json.loads(sent.content)


def candidate(body: Any, model: str = FLASH3, **more: Any) -> Any:
    return send(body, model, **more)["candidates"][0]


def text(found: Any) -> str:
    return "".join(
        part.get("text", "") for part in found.get("content", {}).get("parts", ()) if not part.get("thought")
    )


# --- steps of server-side tools -----------------------------------------------------------------------

SHOWN = {"includeServerSideToolInvocations": True}


@pytest.mark.parametrize(
    ("tool", "prompt", "kind", "args"),
    [
        ("googleSearch", "Who won the euro 2024?", "GOOGLE_SEARCH_WEB", "queries"),
        ("googleMaps", "Where can I eat in Oslo?", "GOOGLE_MAPS", "queries"),
        ("urlContext", "Sum up https://example.com/a", "URL_CONTEXT", "urls"),
    ],
)
def test_tool_steps_are_shown_on_request(tool: str, prompt: str, kind: str, args: str) -> None:
    body = asking(prompt, tools=[{tool: {}}, {"functionDeclarations": [WEATHER]}], toolConfig=SHOWN)
    found = send(body, FLASH3)
    called, answered, sentence = found["candidates"][0]["content"]["parts"]
    assert called["toolCall"]["toolType"] == answered["toolResponse"]["toolType"] == kind
    assert called["toolCall"]["id"] == answered["toolResponse"]["id"]
    assert called["toolCall"]["args"][args]
    assert all(part["thoughtSignature"] for part in (called, answered, sentence))
    chunks = send(body, FLASH3, "streamGenerateContent")
    streamed = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    assert [part for part in streamed if "text" not in part] == [called, answered]
    assert "".join(part.get("text", "") for part in streamed) == sentence["text"]
    assert streamed[-1] == {"text": "", "thoughtSignature": sentence["thoughtSignature"]}
    assert chunks[-1]["usageMetadata"] == found["usageMetadata"]
    body["contents"] += [found["candidates"][0]["content"], {"role": "user", "parts": [{"text": "Thanks."}]}]
    assert send(body, FLASH3)["usageMetadata"]["promptTokenCount"] > found["usageMetadata"]["promptTokenCount"]


def test_no_tool_steps_without_a_request() -> None:
    parts = candidate(asking("Who won the euro 2024?", tools=[{"googleSearch": {}}]))["content"]["parts"]
    assert [list(part) for part in parts] == [["text", "thoughtSignature"]]


# --- grounding ----------------------------------------------------------------------------------------

LANGUAGES = ["English", "Japanese", "Russian", "Hindi", "Arabic", "German"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("tool", "place"), [("googleSearch", ""), ("googleMaps", ""), ("urlContext", " See https://example.com/a and https://example.com/b")]
)  # fmt: skip
def test_offsets_are_bytes_in_any_language(tool: str, place: str, language: str) -> None:
    found = candidate(asking(f"What is the capital of Brazil? Answer in {language}.{place}", tools=[{tool: {}}]))
    answer_text, grounds = text(found).encode(), found["groundingMetadata"]
    assert grounds["groundingSupports"]
    for support in grounds["groundingSupports"]:
        segment = support["segment"]
        assert answer_text[segment.get("startIndex", 0) : segment["endIndex"]].decode() == segment["text"]
        assert max(support["groundingChunkIndices"]) < len(grounds["groundingChunks"])


def test_unreadable_pages_are_not_sources() -> None:
    urls = [
        "https://example.com/a",
        "https://gone.invalid/b",
        "https://paywall.example.com/",
        "https://unsafe.example.com/",
    ]
    found = candidate(asking("Compare " + " and ".join(urls), tools=[{"urlContext": {}}]))
    read = {
        page["retrievedUrl"]: page["urlRetrievalStatus"].rpartition("_")[2]
        for page in found["urlContextMetadata"]["urlMetadata"]
    }
    assert read == dict(zip(urls, ["SUCCESS", "ERROR", "PAYWALL", "UNSAFE"], strict=True))
    assert [chunk["web"]["uri"] for chunk in found["groundingMetadata"]["groundingChunks"]] == urls[:1]
    assert "groundingMetadata" not in candidate(asking("Read https://gone.invalid/b", tools=[{"urlContext": {}}]))


def test_images_are_searched_for_on_request() -> None:
    tool: dict[str, Any] = {"googleSearch": {"searchTypes": {"webSearch": {}, "imageSearch": {}}}}
    grounds = candidate(asking("Show me an axolotl.", tools=[tool]))["groundingMetadata"]
    assert grounds["imageSearchQueries"]
    assert grounds["groundingChunks"][-1]["image"]["imageUri"].startswith("https://")


# --- long answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_a_long_answer_continues_where_it_stopped(streamed: bool) -> None:
    """Carbon returns at most 32,768 tokens in a unary answer and 65,536 in a stream. This list needs about 85,000."""
    body = asking(
        "Count from 1 to 50000.",
        generationConfig={"maxOutputTokens": 200_000, "thinkingConfig": {"thinkingLevel": "LOW"}},
    )
    verb = "streamGenerateContent" if streamed else "generateContent"
    received, finishes, prompts = "", [], []
    for _ in range(5):
        chunks = send(body, CARBON, verb) if streamed else [send(body, CARBON, verb)]
        received += "".join(text(chunk["candidates"][0]) for chunk in chunks)
        last = chunks[-1]["candidates"][0]
        finishes.append(last["finishReason"])
        prompts.append(chunks[-1]["usageMetadata"]["promptTokenCount"])
        if finishes[-1] != "CONTINUATION":
            break
        body["continuationToken"] = last["continuationToken"]
    assert finishes == ["CONTINUATION"] * (len(finishes) - 1) + ["STOP"]
    assert len(finishes) == (2 if streamed else 3)
    assert received == ", ".join(map(str, range(1, 50_001)))
    assert prompts == sorted(prompts)
    assert prompts[1] > prompts[0] + 32_000


def test_the_limit_counts_over_all_parts() -> None:
    body = asking(
        "Count from 1 to 50000.",
        generationConfig={"maxOutputTokens": 40_000, "thinkingConfig": {"thinkingLevel": "LOW"}},
    )
    first = send(body, CARBON)
    second = send({**body, "continuationToken": first["candidates"][0]["continuationToken"]}, CARBON)
    assert second["candidates"][0]["finishReason"] == "MAX_TOKENS"
    spent = [
        response["usageMetadata"].get("candidatesTokenCount", 0)
        + response["usageMetadata"].get("thoughtsTokenCount", 0)
        for response in (first, second)
    ]
    assert sum(spent) == 40_000


def test_a_marker_splits_a_short_answer() -> None:
    body = asking("[simulate: finish CONTINUATION] What is the capital of Brazil?")
    first = candidate(body, CARBON)
    assert first["finishReason"] == "CONTINUATION"
    second = candidate({**body, "continuationToken": first["continuationToken"]}, CARBON)
    assert second["finishReason"] == "STOP"
    assert text(first) + text(second) == "The capital of Brazil is Brasília."


@pytest.mark.parametrize(
    ("model", "token"), [(CARBON, "bm90IG91cnM="), (FLASH3, base64.b64encode(b"\x1ason" + bytes(28)).decode())]
)
def test_an_invalid_token_is_refused(model: str, token: str) -> None:
    content = json.dumps(asking("hi", continuationToken=token)).encode()
    assert (
        Simulator()
        .handle(Call("POST", f"/v1beta/models/{model}:generateContent", {}, {"x-goog-api-key": "k"}, content))
        .status
        == 400
    )


# --- log probabilities --------------------------------------------------------------------------------


def test_log_probabilities_of_each_token() -> None:
    found = candidate(
        asking("What is the capital of Brazil?", generationConfig={"responseLogprobs": True, "logprobs": 3}), OLD
    )
    result = found["logprobsResult"]
    chosen = result["chosenCandidates"]
    assert "".join(token["token"] for token in chosen) == text(found) == "The capital of Brazil is Brasília."
    assert all(token["logProbability"] <= 0 for token in chosen)
    assert sum(token["logProbability"] for token in chosen) == pytest.approx(result["logProbabilitySum"], abs=1e-4)
    for first, top in zip(chosen, result["topCandidates"], strict=True):
        assert top["candidates"][0] == first
        log_probabilities = [token["logProbability"] for token in top["candidates"]]
        assert len(log_probabilities) == 3
        assert log_probabilities == sorted(log_probabilities, reverse=True)
    assert found["avgLogprobs"] == pytest.approx(result["logProbabilitySum"] / len(chosen), abs=1e-4)


def test_old_models_have_no_index_and_count_their_candidates() -> None:
    found = send(asking("hi", tools=[{"googleSearch": {}}]), OLD)
    assert "index" not in found["candidates"][0]
    assert found["usageMetadata"]["candidatesTokensDetails"][0]["modality"] == "TEXT"
    supports = found["candidates"][0]["groundingMetadata"]["groundingSupports"]
    assert all(len(support["confidenceScores"]) == len(support["groundingChunkIndices"]) for support in supports)


# --- blocked, recited, rated --------------------------------------------------------------------------


def test_a_recitation_has_citations() -> None:
    found = candidate(asking("[simulate: finish RECITATION]"))
    assert "content" not in found
    (source,) = found["citationMetadata"]["citationSources"]
    assert source["endIndex"] > source["startIndex"]


def test_ratings_come_with_a_threshold_that_blocks() -> None:
    settings = [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "block_only_high"},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"},
    ]
    assert candidate(asking("hi", safetySettings=settings))["safetyRatings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}
    ]
    assert "safetyRatings" not in candidate(asking("hi", safetySettings=settings[1:]))


# --- caching ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "least"), [(FLASH25, 2048), (FLASH3, 4096), ("gemini-4-argon", 6144)])
def test_a_repeated_long_beginning_is_cached(model: str, least: int) -> None:
    app, story = Simulator(), "Once upon a time there was a lighthouse. " * 800

    def usage(prompt: str) -> Any:
        return send(asking(prompt), model, app=app)["usageMetadata"]

    first, second, third = usage(story + "Who lived there?"), usage(story + "Was it high?"), usage("Never " + story)
    assert "cachedContentTokenCount" not in first
    assert least <= second["cachedContentTokenCount"] < second["promptTokenCount"]
    assert second["cacheTokensDetails"] == [{"modality": "TEXT", "tokenCount": second["cachedContentTokenCount"]}]
    assert "cachedContentTokenCount" not in third


def test_short_prompts_are_never_cached() -> None:
    app = Simulator()
    for _ in range(2):
        assert "cachedContentTokenCount" not in send(asking("word " * 900), FLASH25, app=app)["usageMetadata"]


def test_a_cache_serves_one_model_and_not_gemini_4() -> None:
    app = Simulator()

    def post(path: str, body: Any) -> tuple[int, Any]:
        sent = app.handle(Call("POST", path, {}, {"x-goog-api-key": "k"}, json.dumps(body).encode()))
        return sent.status, json.loads(sent.content)

    _, cache = post("/v1beta/cachedContents", {"model": FLASH25, **asking("A long story. " * 400)})
    status, error = post(f"/v1beta/models/{FLASH3}:generateContent", asking("hi", cachedContent=cache["name"]))
    assert (status, error["error"]["message"][:10]) == (400, "Model used")
    status, error = post("/v1beta/cachedContents", {"model": CARBON, **asking("A long story.")})
    assert (status, "not supported for createCachedContent" in error["error"]["message"]) == (404, True)


# --- enums as numbers ---------------------------------------------------------------------------------


def test_enums_come_as_numbers_on_request() -> None:
    body = asking("hi", safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}])
    found = send(body, FLASH3, query={"$alt": "json;enum-encoding=int"})
    assert found["candidates"][0]["finishReason"] == 1
    assert found["candidates"][0]["safetyRatings"] == [{"category": 7, "probability": 1}]
    assert found["usageMetadata"]["promptTokensDetails"][0]["modality"] == 1
    chunks = send(body, FLASH3, "streamGenerateContent", query={"$alt": "json;enum-encoding=int"})
    assert chunks[-1]["candidates"][0]["finishReason"] == 1


# --- lists --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", [{"pageSize": "many"}, {"pageToken": "²"}, {"page_size": "9" * 5000}, {"pageSiez": "5"}]
)
def test_bad_pages_are_refused(query: dict[str, str]) -> None:
    sent = Simulator().handle(Call("GET", "/v1beta/models", query, {"x-goog-api-key": "k"}, b""))
    assert sent.status == 400
    assert json.loads(sent.content)["error"]["status"] == "INVALID_ARGUMENT"


# --- the definition -----------------------------------------------------------------------------------


def test_new_parts_are_valid_against_the_official_definition(shared: Any) -> None:
    schema = json.loads((shared / "reference/wire/generateContent.response.strict.schema.json").read_bytes())
    validator = Draft202012Validator(schema)
    asked = [
        (FLASH3, asking("Who won?", tools=[{"googleSearch": {"searchTypes": {"imageSearch": {}}}}], toolConfig=SHOWN)),
        (
            FLASH3,
            asking("Read https://example.com/a https://gone.invalid/", tools=[{"urlContext": {}}], toolConfig=SHOWN),
        ),
        (FLASH3, asking("[simulate: finish RECITATION]")),
        (
            FLASH3,
            asking("hi", safetySettings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]),
        ),
        (CARBON, asking("[simulate: finish CONTINUATION] What is the capital of Brazil?")),
        ("gemini-3.8-flash-tts", asking("hi", generationConfig={"responseModalities": ["AUDIO"]})),
        (
            "gemini-3-pro-image",
            asking("hi", generationConfig={"responseFormat": {"image": {"mimeType": "IMAGE_JPEG"}}}),
        ),
    ]
    found = [
        response
        for model, body in asked
        for response in (send(body, model), *send(body, model, "streamGenerateContent"))
    ]
    found.append(send(asking("hi", generationConfig={"responseLogprobs": True, "logprobs": 2}), OLD))
    assert [error.message for response in found for error in validator.iter_errors(response)] == []


def test_a_deadline_of_a_millisecond_passes() -> None:
    """Clients send it rounded up to a second."""

    def delay(headers: dict[str, str]) -> float:
        path = f"/v1beta/models/{FLASH3}:generateContent"
        body = json.dumps(asking("hi")).encode()
        return Simulator().handle(Call("POST", path, {}, {"x-goog-api-key": "k", **headers}, body)).delay

    assert delay({"x-server-timeout": "1"}) > 0.001
    assert delay({"x-server-timeout": "30"}) == 0
