"""What the Gemini API refuses about a request: by example, and against every recording of real traffic."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from harness.gemini.canonical import canonical, request_findings
from harness.gemini.models import facts
from harness.gemini.request_rules import RequestRefusal, refusals, rules
from harness.gemini.request_view import RequestView
from harness.simulator.refusals import api_text
from harness.transport import cassette

FLASH25, FLASH3, FLASH38, NEON = "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash", "gemini-4-neon"
DRAWS, DRAWS_SMALL, SPEAKS, GEMMA = (
    "gemini-3.1-flash-image",
    "gemini-3.1-flash-lite-image",
    "gemini-3.8-flash-tts",
    "gemma-4-31b-it",
)
ASKED = {"role": "user", "parts": [{"text": "hi"}]}
SEARCH: dict[str, Any] = {"googleSearch": {}}
HATE = {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "OFF"}
FUNCTION = {"functionDeclarations": [{"name": "f"}]}


def asking(**more: Any) -> dict[str, Any]:
    return {"contents": [ASKED], **more}


def config(**values: Any) -> dict[str, Any]:
    return asking(generationConfig=values)


def media(mime: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"inlineData": {"mimeType": mime, "data": "AAAA"}}]}]}


def found(body: Any, model: str, *, stream: bool = False) -> list[RequestRefusal]:
    assert list(request_findings(body)) == []
    return list(refusals(RequestView(model, facts(model), canonical(body)), stream=stream))


def names(body: Any, model: str, *, stream: bool = False) -> list[str]:
    return [broken.rule for broken in found(body, model, stream=stream)]


@pytest.mark.parametrize(
    ("body", "refusing", "accepting", "rule"),
    [
        (asking(tools=[SEARCH, FUNCTION]), FLASH25, None, "builtin_functions_old"),
        (asking(tools=[SEARCH, FUNCTION]), FLASH3, None, "builtin_functions"),
        (asking(tools=[SEARCH], generationConfig={"responseMimeType": "application/json"}), FLASH25, FLASH3, "tool_json_25"),
        (asking(tools=[{"googleSearchRetrieval": {}}]), FLASH25, None, "search_retrieval"),
        (asking(toolConfig={"includeServerSideToolInvocations": True}), FLASH25, FLASH3, "circulation"),
        (config(presencePenalty=0.5), FLASH38, GEMMA, "penalty"),
        (config(candidateCount=2), NEON, FLASH25, "candidates_off"),
        (config(responseLogprobs=True), FLASH3, "gemini-2.0-flash", "logprobs_off"),
        (config(responseModalities=["IMAGE"]), FLASH3, DRAWS, "modalities"),
        (config(responseModalities=["AUDIO"]), FLASH3, SPEAKS, "modalities"),
        (config(imageConfig={"aspectRatio": "16:9"}), FLASH3, DRAWS, "aspect_ratio_off"),
        (config(imageConfig={"aspectRatio": "1:8"}), DRAWS_SMALL, DRAWS, "aspect_ratio_model"),
        (config(imageConfig={"imageSize": "4K"}), DRAWS_SMALL, DRAWS, "image_size_model"),
        (config(imageConfig={"imageSize": "8K"}), DRAWS, None, "image_size"),
        (media("audio/mpeg"), DRAWS, FLASH3, "input_off"),
        (media("image/png"), SPEAKS, GEMMA, "input_off"),
        ({"contents": [ASKED, {"role": "model", "parts": [{"text": "I"}]}]}, FLASH38, FLASH25, "prefill"),
        (config(thinkingConfig={"thinkingLevel": "LOW"}), FLASH25, FLASH3, "think_level_unsupported"),
        (config(thinkingConfig={"thinkingLevel": "MINIMAL"}), FLASH38, FLASH3, "think_level_wrong"),
        (config(thinkingConfig={"thinkingBudget": 512}), NEON, FLASH25, "think_budget_unsupported"),
        (config(thinkingConfig={"includeThoughts": True}), "gemini-2.5-flash-image", FLASH25, "think_not_enabled"),
        (config(temperature=0.2), FLASH38, FLASH3, "sampling_ignored"),
    ],
)  # fmt: skip
def test_some_models_refuse_what_others_accept(body: Any, refusing: str, accepting: str | None, rule: str) -> None:
    assert rule in names(body, refusing)
    assert rule not in names(body, "a-model-nobody-knows")
    if accepting:
        assert rule not in names(body, accepting)


@pytest.mark.parametrize(
    ("body", "rule", "api_message"),
    [
        (config(temperature=2.1), "temperature", "GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0]."),
        (config(stopSequences=list("abcdef")), "stop_sequences", "GenerateContentRequest.generation_config.stop_sequences: the number of stop_sequences must not exceed 5"),
        (config(logprobs=21, responseLogprobs=True), "logprobs_range", "GenerateContentRequest.generation_config.logprobs: logprobs must be in the range [0, 20]."),
        (asking(safetySettings=[HATE, {**HATE, "threshold": "BLOCK_NONE"}]), "safety_twice", "Multiple safety settings with the same category."),
        (config(responseSchema={"type": "STRING"}), "schema_no_mime", "Response_schema with a response mime type 'text/plain' is unsupported"),
        (asking(cachedContent="cachedContents/a", systemInstruction={"parts": [{"text": "a"}]}), "cache_conflict",
         "Tool config, tools and system instruction should not be set in the request when using cached content."),
        (asking(tools=[FUNCTION], toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}), "allowed_functions",
         "allowed_function_names should be a subset of the provided function_declarations"),
        (asking(tools=[{"functionDeclarations": [{"name": "9"}]}]), "function_name",
         "GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start with a letter or an underscore."),
        (config(responseMimeType="application/json", responseSchema={"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}), "schema_items",
         "GenerateContentRequest.generation_config.response_schema.properties[a].items: missing field"),
    ],
)  # fmt: skip
def test_every_model_refuses_these(body: Any, rule: str, api_message: str) -> None:
    for model in (FLASH3, "a-model-nobody-knows"):
        (broken,) = [broken for broken in found(body, model) if broken.rule == rule]
        assert (api_text(broken), broken.by_model) == (api_message, False)


def test_what_is_at_the_limit_is_accepted() -> None:
    body = config(temperature=2, topP=1, topK=0, stopSequences=list("abcde"), presencePenalty=0, candidateCount=1)
    assert names(body, FLASH3) == []
    assert names(config(candidateCount=8), FLASH25) == []


def test_a_choice_in_the_parameters_of_a_function_may_be_an_object_of_any_keys() -> None:
    data = {"anyOf": [{"type": "STRING"}, {"type": "OBJECT"}]}
    parameters = {"type": "OBJECT", "properties": {"data": data}}
    assert names(asking(tools=[{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]), FLASH25) == []


def test_a_stream_has_no_logprobs() -> None:
    body = config(responseLogprobs=True)
    assert names(body, "gemini-2.0-flash", stream=True) == ["logprobs_stream"]
    assert names(body, "gemini-2.0-flash") == []


def test_spelling_does_not_matter() -> None:
    body = {"contents": ASKED, "generation_config": {"response_schema": {"type": "array"}}}
    assert names(body, FLASH3) == ["schema_items", "schema_no_mime"]


def test_every_rule_says_what_is_wrong() -> None:
    for name, rule in rules().items():
        assert name.startswith("think_") or rule.row["says"], name
        assert {"line", "api", "ignored"} & set(rule.row), name


# --- recordings ---------------------------------------------------------------------------------------------------

VERTEX_ACCEPTS = {"penalty", "media_storage", "logprobs_off", "builtin_functions"}
"""Rules of the Gemini API that recordings of Vertex AI break: it takes penalties and logprobs on 2.5, addresses of Cloud
Storage, and functions beside built-in tools on 3 (it has no switch for that)."""
NOT_FORESEEN = {
    "API key not valid": "about the key",
    "Cannot fetch content from the provided URL": "about what another server says",
}
"""Recorded 400s that no rule about the request can foresee, and why."""
OTHER_WORDS = {
    "supported range is from 0 (inclusive) to 2.0001": "temperature",
    "Please use a valid role: user, model.": "role_bad",
}
"""Messages of recorded 400s -> the rule."""


class Recorded(NamedTuple):
    name: str
    api: str
    model: str
    stream: bool
    status: int
    body: Any
    message: str


@pytest.fixture(scope="module")
def recorded(shared: Path) -> list[Recorded]:
    """The requests of all recordings in formats that are read here."""
    return list(_recorded(shared / "recordings"))


def _recorded(folder: Path) -> Iterator[Recorded]:
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            if row["operation"] in ("generateContent", "streamGenerateContent") and row["has_request_body"] == "1":
                body, message = READERS.get(row["format"], _unread)(
                    folder / row["repo"] / row["file"], int(row["index"])
                )
                if isinstance(body, dict):
                    name = f"{row['repo']} {row['file']} {row['index']}"
                    stream = row["operation"].startswith("stream")
                    yield Recorded(name, row["api"], row["model"], stream, int(row["http_status"]), body, message)


@lru_cache(maxsize=4)
def _tape(path: Path) -> Any:
    return cassette.read(path).interactions


@lru_cache(maxsize=4)
def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


@lru_cache(maxsize=4)
def _yaml(path: Path) -> Any:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return list(yaml.load_all(path.read_text("utf-8").replace("!binary", "!!binary"), Loader=loader))


def _vcrpy(path: Path, index: int) -> tuple[Any, str]:
    exchange = _tape(path)[index].exchange
    return exchange.request.body, exchange.content.decode("utf-8", "replace") if exchange.status == 400 else ""


def _vcr(path: Path, index: int) -> tuple[Any, str]:
    return json.loads(_yaml(path)[0]["http_interactions"][index]["request"]["body"]["string"]), ""


def _httpmock(path: Path, index: int) -> tuple[Any, str]:
    return json.loads(_yaml(path)[index]["when"]["body"]), str(_yaml(path)[index]["then"].get("body", ""))


def _test_server(path: Path, index: int) -> tuple[Any, str]:
    return _json(path)["interactions"][index]["request"]["bodySegments"][0], ""


def _braintrust(path: Path, index: int) -> tuple[Any, str]:
    return _json(path)["entries"][index]["request"]["body"].get("value"), ""


def _unread(_path: Path, _index: int) -> tuple[Any, str]:
    return None, ""


READERS = {
    "vcrpy": _vcrpy, "vcrpy-parsed_body": _vcrpy, "ruby-vcr": _vcr, "r-vcr": _vcr, "httpmock-yaml": _httpmock, "test-server-json": _test_server,
    "braintrust-cassette": _braintrust,
}  # fmt: skip
NEWER_FIELDS = {"file_data", "streamFunctionCallArguments", "modelArmorConfig", "partialArgs", "imageOutputOptions"}
"""Fields that recordings send and that the definition of the Gemini API does not have: those of Vertex AI, and files in the
result of a function."""


def test_no_recorded_request_that_was_answered_is_refused(recorded: list[Recorded]) -> None:
    looked_at: Counter[str] = Counter()
    wrong = []
    for request in (request for request in recorded if request.status == 200):
        payload = list(request_findings(request.body))
        assert {finding.name for finding in payload} <= NEWER_FIELDS, request.name
        looked_at[request.api] += not payload
        broken = [] if payload else found(request.body, request.model, stream=request.stream)
        allowed = VERTEX_ACCEPTS if request.api == "vertex" else set()
        wrong += [(request.name, rule) for rule in {one.rule for one in broken if not one.ignored} - allowed]
    assert wrong == []
    assert looked_at["gemini"] > 1000
    assert looked_at["vertex"] > 100


def test_recorded_refusals_are_foreseen(recorded: list[Recorded]) -> None:
    refused = [request for request in recorded if request.status == 400]
    assert len(refused) > 5
    for request in refused:
        if not any(text in request.message for text in NOT_FORESEEN):
            (rule,) = {rule for text, rule in OTHER_WORDS.items() if text in request.message}
            assert rule in names(request.body, request.model, stream=request.stream), request.name
