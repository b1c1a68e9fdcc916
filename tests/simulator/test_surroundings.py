"""What stands around generateContent: caches, files, embeddings, scripted rules, the OpenAI-compatible endpoint, options."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli.commands import simulate
from harness.errors import UsageError
from harness.simulator import replay, rules
from harness.simulator.app import Simulator
from harness.simulator.faults import FAULTS
from harness.simulator.serve import PORT
from harness.simulator.traffic import Call

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"
KEY = {"x-goog-api-key": "simulated", "host": "simulator.invalid"}


def prompt(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def call(
    app: Simulator, method: str, path: str, body: Any = None, headers: Any = KEY, query: Any = None
) -> tuple[int, Any, Any]:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = app.handle(Call(method, path, query or {}, headers, content))
    return sent.status, json.loads(sent.content), {key.decode(): value.decode() for key, value in sent.headers}


def text_of(answer: Any) -> str:
    return "".join(part.get("text", "") for part in answer["candidates"][0]["content"]["parts"])


# --- cached contents ----------------------------------------------------------------------------------


def test_a_cache_is_created_used_and_expires() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    body = {
        "model": f"models/{FLASH25}",
        "contents": [{"role": "user", "parts": [{"text": "A long story. " * 50}]}],
        "system_instruction": {"parts": [{"text": "Answer in French."}]},
        "ttl": "300s",
    }
    status, cache, _ = call(app, "POST", "/v1beta/cachedContents", body)
    assert (status, cache["expireTime"]) == (200, "1970-01-01T00:21:40.000000Z")
    name = cache["name"]
    asked = prompt("What is the capital of Norway?", cachedContent=name)
    _, answer, _ = call(app, "POST", f"/v1beta/models/{FLASH25}:generateContent", asked)
    assert text_of(answer) == "La capitale de la Norvège est Oslo."
    usage = answer["usageMetadata"]
    assert usage["cachedContentTokenCount"] == cache["usageMetadata"]["totalTokenCount"] < usage["promptTokenCount"]
    status, error, _ = call(
        app, "POST", f"/v1beta/models/{FLASH25}:generateContent", {**asked, "tools": [{"googleSearch": {}}]}
    )
    assert (status, error["error"]["message"][:12]) == (400, "Tool config,")
    assert call(app, "GET", "/v1beta/cachedContents")[1]["cachedContents"] == [cache]
    call(app, "PATCH", f"/v1beta/{name}", {"ttl": "900s"})
    now[0] += 600
    assert call(app, "GET", f"/v1beta/{name}")[0] == 200
    now[0] += 600
    status, error, _ = call(app, "GET", f"/v1beta/{name}")
    assert (status, error["error"]["message"]) == (403, "CachedContent not found (or permission denied)")


def test_a_deleted_cache_is_gone() -> None:
    app = Simulator()
    _, cache, _ = call(app, "POST", "/v1beta/cachedContents", {"model": FLASH25, **prompt("x")})
    assert call(app, "DELETE", f"/v1beta/{cache['name']}")[:2] == (200, {})
    assert call(app, "DELETE", f"/v1beta/{cache['name']}")[0] == 403
    assert call(app, "POST", "/v1beta/cachedContents", {"model": FLASH25, "ttl": "soon", **prompt("x")})[0] == 400
    assert call(app, "POST", "/v1beta/cachedContents", {"model": FLASH25, "colour": "red"})[0] == 400


# --- files --------------------------------------------------------------------------------------------


def upload(app: Simulator, data: bytes, mime: str) -> Any:
    """A resumable upload in two steps, as Google's own SDKs do it: no key with the bytes."""
    start = {**KEY, "x-goog-upload-command": "start", "x-goog-upload-header-content-type": mime}
    _, _, headers = call(app, "POST", "/upload/v1beta/files", {"file": {"display_name": "a"}}, start)
    path, _, query = headers["x-goog-upload-url"].removeprefix("http://simulator.invalid").partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&"))
    half = len(data) // 2
    first = call(
        app, "POST", path, data[:half], {"x-goog-upload-command": "upload", "x-goog-upload-offset": "0"}, pairs
    )
    assert first[2]["x-goog-upload-status"] == "active"
    _, done, headers = call(app, "POST", path, data[half:], {"x-goog-upload-command": "upload, finalize"}, pairs)
    assert headers["x-goog-upload-status"] == "final"
    return done["file"]


def test_a_text_file_is_read() -> None:
    app = Simulator()
    file = upload(app, b"Invoice\nTotal: 55\n", "text/plain")
    assert (file["sizeBytes"], file["state"], file["mimeType"], file["displayName"]) == (
        "18",
        "ACTIVE",
        "text/plain",
        "a",
    )
    schema = {"type": "OBJECT", "properties": {"total": {"type": "INTEGER"}}, "required": ["total"]}
    body = prompt(
        "What is the total?", generationConfig={"responseMimeType": "application/json", "responseSchema": schema}
    )
    body["contents"][0]["parts"].append({"fileData": {"fileUri": file["uri"], "mimeType": "text/plain"}})
    _, answer, _ = call(app, "POST", f"/v1beta/models/{FLASH25}:generateContent", body)
    assert json.loads(text_of(answer)) == {"total": 55}
    assert call(app, "DELETE", f"/v1beta/{file['name']}")[0] == 200
    assert call(app, "POST", f"/v1beta/models/{FLASH25}:generateContent", body)[0] == 403


def test_an_image_is_counted_as_one() -> None:
    app = Simulator()
    file = upload(app, b"\x89PNG....", "image/png")
    body = prompt("What is this?")
    body["contents"][0]["parts"].append({"file_data": {"file_uri": file["uri"]}})
    _, answer, _ = call(app, "POST", f"/v1beta/models/{FLASH25}:generateContent", body)
    assert {detail["modality"] for detail in answer["usageMetadata"]["promptTokensDetails"]} == {"TEXT", "IMAGE"}
    assert "image" in text_of(answer)


# --- embeddings ---------------------------------------------------------------------------------------


def test_texts_that_share_words_have_similar_vectors() -> None:
    texts = ["the cat sat", "the cat ran", "quarterly numbers"]
    requests = [
        {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, "outputDimensionality": 256}
        for text in texts
    ]
    _, answer, _ = call(
        Simulator(), "POST", "/v1beta/models/gemini-embedding-001:batchEmbedContents", {"requests": requests}
    )
    first, second, third = (embedding["values"] for embedding in answer["embeddings"])
    near = sum(a * b for a, b in zip(first, second, strict=True))
    assert near > 0.4 > sum(a * b for a, b in zip(first, third, strict=True))
    assert call(Simulator(), "POST", f"/v1beta/models/{FLASH3}:embedContent", requests[0])[0] == 404


# --- rules --------------------------------------------------------------------------------------------


def scripted(tmp_path: Path, text: str) -> Simulator:
    file = tmp_path / "rules.yaml"
    file.write_text(text, "utf-8")
    return Simulator(rules=rules.load(file))


def test_rules_pin_answers(tmp_path: Path) -> None:
    app = scripted(
        tmp_path,
        """
- when: {model: gemini-2.5-*, text: "(?i)refund"}
  answer: {text: Within 30 days.}
- when: {config: {responseMimeType: application/json}}
  answer: {json: {total: 12.5}}
- when: {text: weather}
  answer: {calls: [{name: get_weather, args: {city: Oslo}}]}
- when: {text: boom}
  fault: "503"
""",
    )
    path = f"/v1beta/models/{FLASH25}:generateContent"
    assert text_of(call(app, "POST", path, prompt("A refund, please"))[1]) == "Within 30 days."
    answer = call(app, "POST", path, prompt("x", generationConfig={"responseMimeType": "application/json"}))[1]
    assert json.loads(text_of(answer)) == {"total": 12.5}
    part = call(app, "POST", path, prompt("the weather?"))[1]["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"] == {"name": "get_weather", "args": {"city": "Oslo"}}
    assert call(app, "POST", path, prompt("boom"))[0] == 503
    assert "Paris" in text_of(call(app, "POST", path, prompt("What is the capital of France?"))[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answer: 1", "expected a list of rules"),
        ("- when: {}", "rule 1: expected either `answer` or `fault`"),
        ("- fault: nope", "no fault is called 'nope'"),
        ("- {when: {txt: x}, fault: '503'}", "unknown key 'txt'; known: config, model, text"),
        ("- {when: {text: '('}, answer: {text: x}}", "text is not a regular expression"),
        ("- answer: {text: x, finishReason: DONE}", "no finishReason is called 'DONE'"),
        ("- [", "rules.yaml:2:1: cannot read the rules"),
        ("- fault: '503'\n- fault: nope", "rules.yaml:2: rule 2"),
    ],
)
def test_bad_rules_are_reported_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        scripted(tmp_path, text)
    assert message in str(caught.value)
    assert "rules.yaml" in str(caught.value)


def test_faults_at_a_rate_repeat_with_the_seed() -> None:
    def statuses() -> list[int]:
        app = Simulator(faults={FAULTS["503"]: 0.5}, seed="a")
        return [call(app, "POST", f"/v1beta/models/{FLASH3}:generateContent", prompt("hi"))[0] for _ in range(20)]

    assert set(statuses()) == {200, 503}
    assert statuses() == statuses()


# --- replay -------------------------------------------------------------------------------------------

TAPE = """
version: 1
interactions:
- request: {method: POST, uri: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent',
            body: '{"contents": [{"parts": [{"text": "hi"}]}]}', headers: {}}
  response: {status: {code: 200, message: OK}, headers: {Content-Type: [application/json]}, body: {string: '{"n": 1}'}}
- request: {method: POST, uri: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent',
            body: '{"contents": [{"parts": [{"text": "hi"}]}]}', headers: {}}
  response: {status: {code: 503, message: no}, headers: {Content-Type: [application/json]}, body: {string: '{"n": 2}'}}
"""


def test_a_cassette_is_served_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TAPE, "utf-8")
    app = Simulator(replay=replay.load([tmp_path]))
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    assert [call(app, "POST", path, body)[:2] for _ in range(3)] == [(200, {"n": 1}), (503, {"n": 2}), (503, {"n": 2})]
    status, error, _ = call(app, "POST", path, prompt("something else"))
    assert (status, error["error"]["status"]) == (404, "NOT_FOUND")
    assert "2 recordings are loaded" in error["error"]["message"]


# --- OpenAI -------------------------------------------------------------------------------------------

BEARER = {"authorization": "Bearer simulated"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1beta/openai/chat/completions"])
def test_a_chat_completion(path: str) -> None:
    messages = [
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "What is the capital of Peru?"},
    ]
    _, answer, _ = call(
        Simulator(), "POST", path, {"model": FLASH25, "messages": messages, "reasoning_effort": "low"}, BEARER
    )
    assert answer["choices"][0]["message"]["content"] == "Lima"
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] <= 1024


def test_a_streamed_completion_equals_the_unary_one() -> None:
    body = {"model": FLASH3, "messages": [{"role": "user", "content": "Count to 60."}]}
    _, whole, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    sent = Simulator().handle(Call("POST", "/v1/chat/completions", {}, BEARER, json.dumps(streamed).encode()))
    *events, done = sent.content.decode().strip().split("\n\n")
    assert done == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"]["total_tokens"] > 0


def test_tool_calls_and_signatures_make_a_round_trip() -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo and in Lima?"}]
    body = {"model": FLASH3, "messages": messages, "tools": [TOOL]}
    _, first, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    choice = first["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    calls = choice["message"]["tool_calls"]
    assert [json.loads(tool_call["function"]["arguments"]) for tool_call in calls] == [
        {"city": "Oslo"},
        {"city": "Lima"},
    ]
    messages += [
        choice["message"],
        *({"role": "tool", "tool_call_id": tool_call["id"], "content": '{"temp_c": 22}'} for tool_call in calls),
    ]
    _, second, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    assert "22" in second["choices"][0]["message"]["content"]
    del messages[1]["tool_calls"][0]["extra_content"]
    status, error, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    assert status == 400
    assert "thought_signature" in error[0]["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [{}, {"model": FLASH3}, {"model": FLASH3, "messages": [{}]}, {"model": FLASH3, "messages": [{"role": "user", "content": [1]}]}, {"model": FLASH3, "messages": "x"},
     {"model": FLASH25, "messages": [{"role": "user", "content": "hi"}], "reasoning_effort": "huge"}, []],
)  # fmt: skip
def test_bad_completions_are_refused_in_an_array(body: Any) -> None:
    status, error, _ = call(Simulator(), "POST", "/v1/chat/completions", body, BEARER)
    assert error[0]["error"]["code"] == status
    assert 400 <= status < 500


def test_the_kind_of_key_decides_the_format_of_the_model_list() -> None:
    assert call(Simulator(), "GET", "/v1/models", headers=BEARER)[1]["object"] == "list"
    assert "models" in call(Simulator(), "GET", "/v1/models")[1]


# --- options ------------------------------------------------------------------------------------------


def test_options_are_read() -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    read = parser.parse_args(["--latency", "100ms", "--pace", "0.5", "--fault", "503:0.1"])
    assert (read.latency, read.pace, read.port, read.fault) == (0.1, 0.5, PORT, ["503:0.1"])


def test_faults_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    assert simulate.main(parser.parse_args(["--faults"])) == 0
    assert "wrong-sum" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "message"), [("nope", "no fault is called 'nope'"), ("503:2", "expected a rate from 0 to 1")]
)
def test_bad_faults_are_reported(fault: str, message: str) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    with pytest.raises(UsageError, match=message):
        simulate.main(parser.parse_args(["--fault", fault]))
