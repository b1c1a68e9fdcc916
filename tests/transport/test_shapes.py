"""Recordings of tools that have no name here: the reader by shape finds exchanges at any depth, under any keys."""

from __future__ import annotations

import gzip
import json
import tempfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import brotli
import pytest
import yaml
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.answer import reply
from harness.cli.main import main
from harness.errors import BadCassette
from harness.judge.recorded import operation
from harness.simulator import replay
from harness.transport import cassette
from harness.transport.cassette import maintenance
from tests.growth import loops

BASE = "https://generativelanguage.googleapis.com/v1beta"
MODEL = "gemini-2.5-flash"


def asks(text: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": {"temperature": 0}}


def events(text: str, count: int) -> list[dict[str, Any]]:
    """An answer in so many events; the last ends it."""
    found: list[dict[str, Any]] = [
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": f"{text}{n}"}]}, "index": 0}],
            "modelVersion": MODEL,
        }
        for n in range(count)
    ]
    found[-1]["candidates"][0]["finishReason"] = "STOP"
    found[-1]["usageMetadata"] = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    return found


def _sse(parts: Sequence[Any]) -> str:
    return "".join(f"data: {json.dumps(part)}\r\n\r\n" for part in parts)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


UNARY: Mapping[str, Callable[[Any], Any]] = {
    "value": lambda value: value,
    "text": json.dumps,
    "pretty": lambda value: json.dumps(value, indent=2),
    "base64": lambda value: _base64(json.dumps(value)),
    "gzip": lambda value: b64encode(gzip.compress(json.dumps(value).encode())).decode(),
    "numbers": lambda value: list(json.dumps(value).encode()),
    "pieces": lambda value: [json.dumps(value)[:40], json.dumps(value)[40:]],
    "wrapped": lambda value: {"mime": "application/json", "text": json.dumps(value)},
    "kind": lambda value: {"kind": "json", "value": value},
}
STREAM: Mapping[str, Callable[[Any], Any]] = {
    "events": lambda parts: parts,
    "sse": _sse,
    "array": json.dumps,
    "texts": lambda parts: [json.dumps(part) for part in parts],
    "frames": lambda parts: [f"data: {json.dumps(part)}\n\n" for part in parts],
    "lines": lambda parts: [f"data: {json.dumps(part)}" for part in parts],
    "cut": lambda parts: [_sse(parts)[:50], _sse(parts)[50:]],
    "timed": lambda parts: [{"ms": 12.5 * n, "chunk": part} for n, part in enumerate(parts)],
    "datas": lambda parts: [{"at": n, "data": json.dumps(part)} for n, part in enumerate(parts)],
    "base64": lambda parts: _base64(_sse(parts)),
    "json lines": lambda parts: "\n".join(json.dumps(part) for part in parts),
}
ADDRESS: Mapping[str, Callable[[str], Mapping[str, Any]]] = {
    "url": lambda verb: {"where": f"{BASE}/models/{MODEL}:{verb}"},
    "line": lambda verb: {"what": f"POST {BASE}/models/{MODEL}:{verb}?alt=sse HTTP/1.1"},
    "path": lambda verb: {"there": f"/v1beta/models/{MODEL}:{verb}"},
    "vertex": lambda verb: {
        "u": f"https://x-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/{MODEL}:{verb}"
    },
    "model": lambda _verb: {"model": MODEL},
    "models/": lambda _verb: {"model_name": f"models/{MODEL}"},
}
NAMES = st.text("abcdefghijklmnopqrstuvwxyzäß_-", min_size=1, max_size=9).map(lambda name: f"q{name}")
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 90),
    st.text(max_size=12),
    st.lists(st.integers(0, 9), max_size=3),
    st.just({"a": "b"}),
)


@st.composite
def wrapped(draw: st.DrawFn, value: Any, deepest: int = 3) -> Any:
    """The value under a few mappings and lists that hold nothing else of interest."""
    for _ in range(draw(st.integers(0, deepest))):
        value = (
            {**draw(st.dictionaries(NAMES, JUNK, max_size=2)), draw(NAMES): value} if draw(st.booleans()) else [value]
        )
    return value


@st.composite
def recorded(draw: st.DrawFn, number: int) -> tuple[Any, tuple[str, str, bool]]:
    """An exchange in a shape of its own; and its prompt, its answer, and whether it is a stream."""
    stream, prompt, answered = draw(st.booleans()), f"prompt {number}", f"answer {number} "
    parts = events(answered, 3 if stream else 1)
    answer = (
        STREAM[draw(st.sampled_from(sorted(STREAM)))](parts)
        if stream
        else UNARY[draw(st.sampled_from(sorted(UNARY)))](parts[0])
    )
    request = UNARY[draw(st.sampled_from(sorted(UNARY)))](asks(prompt))
    address = ADDRESS[draw(st.sampled_from(sorted(ADDRESS)))]("streamGenerateContent" if stream else "generateContent")
    sides = [
        {**address, **draw(st.dictionaries(NAMES, JUNK, max_size=2))},
        {draw(NAMES.map("r".__add__)): draw(wrapped(request))},
        {draw(NAMES.map("s".__add__)): draw(wrapped(answer))},
    ]
    arrangement = draw(st.sampled_from(["flat", "request and answer", "nested", "around"]))
    if arrangement == "flat":
        record: Any = {key: item for side in draw(st.permutations(sides)) for key, item in side.items()}
    elif arrangement == "request and answer":
        record = {draw(NAMES.map("x".__add__)): {**sides[0], **sides[1]}, draw(NAMES.map("y".__add__)): sides[2]}
    elif arrangement == "nested":
        record = {
            draw(NAMES.map("x".__add__)): sides[0],
            draw(NAMES.map("y".__add__)): {"z": {**sides[1]}, "zz": sides[2]},
        }
    else:
        record = {**sides[0], draw(NAMES.map("x".__add__)): [{**sides[1], **sides[2]}]}
    return draw(wrapped(record)), (prompt, answered + (f"0{answered}1{answered}2" if stream else "0"), stream)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str, bool]]]:
    """The name and the text of a file, and the exchanges in it."""
    records = [draw(recorded(number)) for number in range(draw(st.integers(1, 3)))]
    values, expected = [value for value, _ in records], [about for _, about in records]
    kind = draw(st.sampled_from(["json", "yaml", "lines", "documents", "mapping"]))
    if kind == "lines":
        return "a.jsonl", "\n".join(map(json.dumps, values)), expected
    if kind == "documents":
        return "a.yaml", yaml.safe_dump_all(values, allow_unicode=True), expected
    whole = {f"n{number}": value for number, value in enumerate(values)} if kind == "mapping" else draw(wrapped(values))
    return (
        ("a.yaml", yaml.safe_dump(whole, sort_keys=False), expected)
        if kind == "yaml"
        else ("a.json", json.dumps(whole), expected)
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(files())
def test_any_shape_yields_its_exchanges(file: tuple[str, str, list[tuple[str, str, bool]]]) -> None:
    name, text, expected = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, "utf-8")
        tape = cassette.read(path)
    found = [interaction.exchange for interaction in tape.interactions]
    assert [(one.request.body, reply.read(one).text, one.request.transport == "stream") for one in found] == [
        (asks(prompt), answered, stream) for prompt, answered, stream in expected
    ]
    assert {one.request.model for one in found} == {MODEL}
    assert (tape.unanswered, tape.unread) == ([], [])


# --- formats as tools write them ------------------------------------------------------------------------------

PATH = f"/v1beta/models/{MODEL}:generateContent"
HOST = "generativelanguage.googleapis.com"
ASKED, ANSWERED = asks("hi"), events("yes ", 1)[0]
ASKED_TEXT, ANSWERED_TEXT = json.dumps(ASKED), json.dumps(ANSWERED)
RAW = f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n\r\n{ASKED_TEXT}"
RAW_ANSWER = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{ANSWERED_TEXT}"


TOOLS: Mapping[str, Any] = {
    "arrays of JavaScript": {"url": f"https://{HOST}{PATH}", "req": dict(enumerate(ASKED_TEXT.encode())), "res": dict(enumerate(ANSWERED_TEXT.encode()))},
    "made JSON twice": {"url": f"https://{HOST}{PATH}", "request": json.dumps(ASKED_TEXT), "response": json.dumps(ANSWERED_TEXT), "status": 200},
    "bytes of Python": {"url": f"https://{HOST}{PATH}", "request_body": repr(ASKED_TEXT.encode()), "response_body": repr(ANSWERED_TEXT.encode())},
    "deflated": {"url": f"https://{HOST}{PATH}", "sent": ASKED_TEXT, "response": {"status": 200, "body": b64encode(zlib.compress(ANSWERED_TEXT.encode())).decode()}},
    "one of several texts": {"request": {"url": f"https://{HOST}{PATH}", "body": {"value": {"asJson": ASKED_TEXT, "asText": None}}}, "response": {"status": 200, "body": {"value": {"asJson": ANSWERED_TEXT, "asText": None}}}},
    "an empty body beside": [{"request": {"url": f"~r/https://{HOST}{PATH}/", "body": "", "request_body": ASKED_TEXT}, "response": {"status_code": 200, "body": ANSWERED_TEXT}}],
    "both in one": {"model": MODEL, **ASKED, **ANSWERED},
    "a line in parts": [{"log": part} for part in (f"POST https://{HOST}{PATH}\n", f"sent {ASKED_TEXT}\n", f"got {ANSWERED_TEXT[:30]}", f"{ANSWERED_TEXT[30:]}\n")],
    "wiremock": {
        "request": {"method": "POST", "urlPath": PATH, "bodyPatterns": [{"equalToJson": ASKED_TEXT}]},
        "response": {"status": 200, "jsonBody": ANSWERED, "headers": {"Content-Type": "application/json"}},
    },
    "mockserver": [
        {"httpRequest": {"method": "POST", "path": PATH, "body": {"type": "JSON", "json": ASKED}}, "httpResponse": {"statusCode": 200, "body": ANSWERED}}
    ],
    "hoverfly": {
        "data": {
            "pairs": [
                {
                    "request": {
                        "method": [{"matcher": "exact", "value": "POST"}],
                        "destination": [{"matcher": "exact", "value": HOST}],
                        "path": [{"matcher": "exact", "value": PATH}],
                        "body": [{"matcher": "json", "value": ASKED_TEXT}],
                    },
                    "response": {"status": 200, "body": ANSWERED_TEXT, "encodedBody": False},
                }
            ]
        }
    },
    "postman": {
        "item": [
            {
                "name": "ask",
                "request": {"method": "POST", "url": {"raw": f"https://{HOST}{PATH}"}, "body": {"mode": "raw", "raw": ASKED_TEXT}},
                "response": [{"status": "OK", "code": 200, "header": [{"key": "Content-Type", "value": "application/json"}], "body": ANSWERED_TEXT}],
            }
        ]
    },
    "pact": {"interactions": [{"description": "d", "request": {"method": "POST", "path": PATH, "body": ASKED}, "response": {"status": 200, "body": ANSWERED}}]},
    "mountebank": {"stubs": [{"predicates": [{"equals": {"method": "POST", "path": PATH, "body": ASKED_TEXT}}], "responses": [{"is": {"statusCode": 200, "body": ANSWERED_TEXT}}]}]},
    "exvcr": [{"request": {"body": ASKED_TEXT, "headers": {}, "method": "post", "options": [], "url": f"https://{HOST}{PATH}"}, "response": {"binary": False, "body": ANSWERED_TEXT, "headers": {}, "status_code": 200, "type": "ok"}}],
    "scotch": [{"Request": {"Method": "POST", "Uri": f"https://{HOST}{PATH}", "Body": ASKED_TEXT}, "Response": {"Status": {"Code": 200, "Message": "OK"}, "Body": ANSWERED_TEXT}}],
    "proxy": [
        {
            "host": HOST,
            "path": PATH,
            "method": "POST",
            "request": {"header": {"headers": [{"name": "a", "value": "b"}]}, "body": {"text": ASKED_TEXT}},
            "response": {"status": 200, "body": {"encoded": _base64(ANSWERED_TEXT)}},
        }
    ],
    "flows": {"flows": [{"request": {"scheme": "https", "host": HOST, "path": PATH, "headers": [["a", "b"]], "content": ASKED_TEXT}, "response": {"status_code": 200, "content": ANSWERED_TEXT}}]},
    "lambda": {"request": {"rawPath": PATH, "body": _base64(ASKED_TEXT), "isBase64Encoded": True}, "response": {"statusCode": 200, "body": _base64(ANSWERED_TEXT), "isBase64Encoded": True}},
    "raw messages": {"request": RAW, "response": RAW_ANSWER},
    "raw message": {"url": f"https://{HOST}{PATH}", "body": ASKED_TEXT, "response": RAW_ANSWER},
    "azure test-proxy": {"Entries": [{"RequestUri": f"https://{HOST}{PATH}", "RequestMethod": "POST", "RequestBody": ASKED, "StatusCode": 200, "ResponseBody": ANSWERED}], "Variables": {}},
    "envoy tap": {
        "http_buffered_trace": {
            "request": {"headers": [{"key": ":path", "value": PATH}, {"key": ":method", "value": "POST"}], "body": {"as_bytes": _base64(ASKED_TEXT)}},
            "response": {"headers": [{"key": ":status", "value": "200"}], "body": {"as_string": ANSWERED_TEXT}},
        }
    },
    "req_cassette": {"version": "1.0", "interactions": [{"request": {"method": "POST", "uri": f"https://{HOST}{PATH}", "body_type": "json", "body_json": ASKED}, "response": {"status": 200, "body_type": "blob", "body_blob": _base64(ANSWERED_TEXT)}}]},
    "bytes of mockserver": [{"httpRequest": {"method": "POST", "path": PATH, "body": {"type": "STRING", "string": ASKED_TEXT}}, "httpResponse": {"statusCode": 200, "body": {"type": "BINARY", "base64Bytes": _base64(ANSWERED_TEXT)}}}],
    "pattern of an address": {"mappings": [{"request": {"method": "POST", "urlPathPattern": PATH.replace(".", "\\."), "bodyPatterns": [{"equalToJson": ASKED}]}, "response": {"status": 200, "base64Body": _base64(ANSWERED_TEXT)}}]},
    "hex of messages": {HOST: {"443": {"ab12": {"request": RAW, "response": RAW_ANSWER.encode().hex(" ")}}}},
    "packets": [{"layers": {"http": {"full_uri": f"http://{HOST}{PATH}", "file_data": ASKED_TEXT.encode().hex(":")}}}, {"layers": {"http": {"file_data": ANSWERED_TEXT.encode().hex(":")}}}],
    "columns and rows": {"columns": ["url", "request", "response"], "data": [[f"https://{HOST}{PATH}", ASKED_TEXT, ANSWERED_TEXT]]},
    "the answer twice": {"model": MODEL, "full_request": ASKED, "full_response": {**ANSWERED, "responseId": "r"}, "request_payload": [ASKED_TEXT], "response_payload": [json.dumps({**ANSWERED, "responseId": "r"})]},
    "lines of a container": [{"log": line, "stream": "stdout"} for line in [f"POST https://{HOST}{PATH}\n", *json.dumps(ASKED, indent=1).splitlines(True), *json.dumps(ANSWERED, indent=1).splitlines(True)]],
    "JSON in a message": [{"textPayload": f"POST https://{HOST}{PATH} {ASKED_TEXT}"}, {"textPayload": f"200 {ANSWERED_TEXT}"}],
    "names of .NET": {"Model": MODEL, "Request": ASKED, "Response": {"Candidates": [{"Content": {"Role": "model", "Parts": [{"Text": "yes 0"}]}, "FinishReason": "STOP"}]}},
    "by address": {f"POST https://{HOST}{PATH}": {"sent": ASKED, "got": ANSWERED}},
    "cache by request": {ASKED_TEXT: {"model": MODEL, "value": ANSWERED}},
    "trace": {"inputs": {"model": MODEL, **ASKED}, "outputs": ANSWERED},
    "span": {"name": "x", "attributes": {"gen_ai.request.model": MODEL, "input": ASKED_TEXT, "output": ANSWERED_TEXT}},
    "log message": [{"level": "debug", "message": f"-> https://{HOST}{PATH} {ASKED_TEXT}".split(" {")[0], "payload": ASKED_TEXT}, {"level": "debug", "payload": ANSWERED_TEXT}],
    "parallel": {"model": MODEL, "requests": [ASKED], "responses": [ANSWERED]},
    "pair": [[ASKED, ANSWERED], {"model": MODEL}],
    "pair of texts": {"title": f"POST https://{HOST}{PATH}", "texts": [ASKED_TEXT, ANSWERED_TEXT]},
    "fields of the body": {"url": PATH, **ASKED, "reply": ANSWERED},
    "fields of the answer": {"url": PATH, "asked": ASKED, **ANSWERED},
    "sdk": {"model": MODEL, "request": ASKED, "response": {"candidates": [{"content": {"parts": [{"text": "yes 0", "thought": None}], "role": "model"}, "finish_reason": "STOP"}], "usage_metadata": {"prompt_token_count": 3}, "model_version": MODEL}},
}  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_without_a_name_here_are_read(tool: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TOOLS[tool]), "utf-8")
    (found,) = cassette.read(tmp_path / "a.json").interactions
    assert (found.exchange.request.body, found.exchange.request.model, found.exchange.status) == (ASKED, MODEL, 200)
    assert reply.read(found.exchange).text == "yes 0"
    assert reply.read(found.exchange).finish_reason == "STOP"


def read_lines(folder: Path, *values: Any) -> list[tuple[Any, str, int]]:
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, values)), "utf-8")
    found = [interaction.exchange for interaction in cassette.read(folder / "a.jsonl").interactions]
    return [(one.request.body, reply.read(one).text, one.status) for one in found]


@pytest.mark.parametrize("name", ["id", "reqId", "span_id"])
def test_a_log_is_put_together_by_its_ids(name: str, tmp_path: Path) -> None:
    assert read_lines(
        tmp_path,
        {name: "1", "type": "request", "model": MODEL, "body": asks("a")},
        {name: "2", "type": "request", "model": MODEL, "body": asks("b")},
        {name: "2", "type": "response", "body": events("to b ", 1)[0]},
        {name: "1", "type": "response", "body": events("to a ", 1)[0]},
    ) == [(asks("b"), "to b 0", 200), (asks("a"), "to a 0", 200)]


TAGS: Mapping[str, tuple[str, str]] = {
    "in brackets": ("[a1b2c3d4]", "[e5f6a7b8]"),
    "by name": ("INFO request_id=1a", "INFO request_id=2b"),
    "of requests": ("INFO req-71", "INFO req-72"),
    "of threads": ("[http-nio-8080-exec-1] DEBUG", "[http-nio-8080-exec-2] DEBUG"),
    "of their own": ("368c9764-1c6d-493a-9c93-095bdd9340c9 :", "e21d9494-01e2-418b-aaf6-50f2492c6c0f :"),
}


@pytest.mark.parametrize("kind", TAGS)
def test_calls_at_the_same_time_are_put_together_by_the_ids_in_their_lines(kind: str, tmp_path: Path) -> None:
    one, two = TAGS[kind]
    lines = [f"{who} POST {URL} {json.dumps(asks(who))}" for who in (one, two)]
    lines += [f"{who} got {json.dumps(events(f'to {who} ', 1)[0])}" for who in (two, one)]
    (tmp_path / "a.log").write_text("".join(f"10:52:01 {line}\n" for line in lines))
    found = [one.exchange for one in cassette.read(tmp_path / "a.log").interactions]
    assert [(call.request.body, reply.read(call).text) for call in found] == [
        (asks(two), f"to {two} 0"),
        (asks(one), f"to {one} 0"),
    ]


def test_streams_at_the_same_time_are_put_together_by_their_ids(tmp_path: Path) -> None:
    asked = [{"id": who, "url": f"{URL.replace(':g', ':streamG')}?alt=sse", "sent": asks(who)} for who in "ab"]
    chunks = [{"id": who, "chunk": part} for parts in zip(events("a", 3), events("b", 3), strict=True) for who, part in zip("ab", parts, strict=True)]  # fmt: skip
    assert read_lines(tmp_path, *asked, *chunks) == [(asks("a"), "a0a1a2", 200), (asks("b"), "b0b1b2", 200)]


def test_headers_beside_an_answer_with_its_own_are_those_of_the_request(tmp_path: Path) -> None:
    answer = {"ok": {"originalRequest": {"endpoint": URL}, "code": 200, "body": json.dumps(events("a", 1)[0])}}
    call = {"endpoint": URL, "headers": [{"key": "x-a", "value": "b"}], "body": {"body": json.dumps(asks("a"))}}
    (tmp_path / "a.json").write_text(json.dumps([{**call, "responses": answer}]))
    (found,) = cassette.read(tmp_path / "a.json").interactions
    assert (dict(found.exchange.request.headers), dict(found.exchange.headers)) == ({"x-a": "b"}, {})


def test_chunks_in_a_log_are_one_answer(tmp_path: Path) -> None:
    asked = {"event": "request", "url": PATH.replace(":g", ":streamG"), "body": asks("a")}
    chunks = [{"event": "chunk", "data": part} for part in events("c ", 3)]
    assert read_lines(tmp_path, asked, *chunks, {**asked, "body": asks("b")}, *chunks) == [
        (asks("a"), "c 0c 1c 2", 200),
        (asks("b"), "c 0c 1c 2", 200),
    ]


def test_chunks_with_times_are_one_answer(tmp_path: Path) -> None:
    text = _sse(events("c ", 3))
    pieces = [{"t": 0.1 * n, "raw": text[n : n + 37]} for n in range(0, len(text), 37)]
    assert read_lines(tmp_path, {"url": PATH.replace(":g", ":streamG"), "in": asks("a"), "out": pieces}) == [
        (asks("a"), "c 0c 1c 2", 200)
    ]


def test_answers_alone_are_several_or_one_stream(tmp_path: Path) -> None:
    assert [text for _, text, _ in read_lines(tmp_path, *events("a ", 3))] == ["a 0a 1a 2"]
    assert [text for _, text, _ in read_lines(tmp_path, *events("a ", 1), *events("b ", 1))] == ["a 0", "b 0"]


def test_the_numbers_of_mongodb_are_numbers(tmp_path: Path) -> None:
    answer = events("a ", 1)[0]
    typed = {name: {"$numberInt": str(count)} for name, count in answer["usageMetadata"].items()}
    (tmp_path / "a.json").write_text(
        json.dumps({"model": MODEL, "sent": asks("a"), "got": {**answer, "usageMetadata": typed}})
    )
    (found,) = cassette.read(tmp_path / "a.json").interactions
    assert reply.read(found.exchange).usage == answer["usageMetadata"]


def test_answers_by_method_stay_apart(tmp_path: Path) -> None:
    lines = [
        {"method": "generateContent", "response": events("a ", 1)[0]},
        {"method": "generateContentStream", "response": events("b ", 2)},
        {"method": "generateContentStream", "response": [events("c ", 2)]},
        {"method": "countTokens", "response": {"totalTokens": 3}},
        {"method": "generateContent", "response": events("d ", 1)[0]},
    ]
    assert [text for _, text, _ in read_lines(tmp_path, *lines)] == ["a 0", "b 0b 1", "c 0c 1", "d 0"]
    assert [text for _, text, _ in read_lines(tmp_path, [events("a ", 2), events("b ", 3)])] == ["a 0a 1", "b 0b 1b 2"]


def test_an_error_keeps_its_status_and_its_page(tmp_path: Path) -> None:
    quota = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}
    page = {
        "request": {"url": PATH, "body": asks("b")},
        "response": {"status": 502, "body": "<html>Bad gateway</html>"},
    }
    assert read_lines(tmp_path, {"u": PATH, "q": asks("a"), "a": quota}, page) == [
        (asks("a"), "", 429),
        (asks("b"), "", 502),
    ]


@pytest.mark.parametrize("query", [{"asText": "alt=sse"}, {"asText": None, "asJsonString": '{"alt": "sse"}'}])
def test_a_query_in_a_text_of_its_own_is_part_of_the_address(query: Any, tmp_path: Path) -> None:
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    request = {"host": "generativelanguage.googleapis.com", "path": path, "method": "POST", "query": query}
    both = {"request": {**request, "body": asks("a")}, "response": {"statusCode": 200, "body": _sse(events("b", 2))}}
    (tmp_path / "a.json").write_text(json.dumps({"session": [both]}))
    (item,) = cassette.read(tmp_path / "a.json").interactions
    assert item.exchange.request.url == f"https://generativelanguage.googleapis.com{path}?alt=sse"


@pytest.mark.parametrize("contents", ["a", asks("a")["contents"]])
def test_the_parameters_of_an_sdk_without_settings_are_the_request(contents: Any, tmp_path: Path) -> None:
    called = {"inputs": {"model": MODEL, "contents": contents, "config": None}, "output": events("b", 1)[0]}
    (tmp_path / "a.jsonl").write_text(json.dumps(called))
    (item,) = cassette.read(tmp_path / "a.jsonl").interactions
    assert item.exchange.request.body == {"contents": asks("a")["contents"]}


@pytest.mark.parametrize(
    ("inputs", "settings"),
    [
        ({"model": MODEL, "contents": "a", "config": {"temperature": 0, "max_output_tokens": 9}}, {"temperature": 0, "maxOutputTokens": 9}),
        ({"model": MODEL, "contents": ["a"], "config": {"http_options": None}}, None),
        ({"self": "<Models>", "model": MODEL, "contents": "a"}, None),
    ],
)  # fmt: skip
def test_what_an_sdk_was_called_with_is_the_request_of_the_answer(inputs: Any, settings: Any, tmp_path: Path) -> None:
    run = {"run_type": "llm", "inputs": inputs, "outputs": events("b", 1)[0]}
    wanted = {"contents": asks("a")["contents"], **({"generationConfig": settings} if settings else {})}
    assert read_lines(tmp_path, run) == [(wanted, "b0", 200)]


@pytest.mark.parametrize(
    "called", [{"contents": "a", "config": {"temperature": 0}}, {"contents": ["a"], "config": None}, {"contents": "a"}]
)
def test_what_an_sdk_was_called_with_stands_beside_the_answer(called: Any, tmp_path: Path) -> None:
    settings = {"generationConfig": {"temperature": 0}} if called.get("config") else {}
    run = {"model": MODEL, **called, "response": events("b", 1)[0]}
    wanted = [({"contents": asks("a")["contents"], **settings}, "b0", 200)]
    assert read_lines(tmp_path, run) == wanted
    assert read_lines(tmp_path, {"call": called}, {"model": MODEL, "result": run["response"]}) == wanted


@pytest.mark.parametrize("names", [("url", "body", "status"), ("uri", "data", "statusCode"), ("path", "json", "code")])
def test_a_message_may_be_json_in_a_text(names: tuple[str, str, str], tmp_path: Path) -> None:
    address, body, status = names
    both = {
        "Request": json.dumps({address: PATH, body: asks("a")}),
        "Response": json.dumps({status: 200, body: json.dumps(events("b", 1)[0])}),
    }
    assert read_lines(tmp_path, both, {"row": both}) == [(asks("a"), "b0", 200)] * 2


def test_the_id_of_a_line_is_no_field_of_its_request(tmp_path: Path) -> None:
    lines = [{"id": 1, "model": MODEL, **asks("a")}, {"id": 1, "response": events("b", 1)[0]}]
    assert read_lines(tmp_path, *lines) == [(asks("a"), "b0", 200)]


@pytest.mark.parametrize(
    "record",
    [
        {"raw": json.dumps(asks("a")), "parsed": asks("a"), "url": PATH, "response": events("b", 1)[0]},
        {"span": {"input": json.dumps(asks("a"))}, "trace": {"input": asks("a"), "output": events("b", 1)[0]}},
        {"api_base": PATH, "messages": [{"content": json.dumps(asks("a"))}], "proxied": {"url": PATH, "body": asks("a")}, "response": events("b", 1)[0]},
    ],
)  # fmt: skip
def test_a_request_that_a_record_keeps_twice_is_one(record: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(record))
    tape = cassette.read(tmp_path / "a.json")
    assert [one.exchange.request.body for one in tape.interactions] == [asks("a")]
    assert not tape.unanswered


@pytest.mark.parametrize("size", [30, 100, 170])
def test_a_stream_in_pieces_of_base64_is_one(size: int, tmp_path: Path) -> None:
    whole = _sse(events("b", 3))
    pieces = [_base64(whole[at : at + size]) for at in range(0, len(whole), size)]
    both = {
        "url": PATH.replace("gen", "streamGen"),
        "request": asks("a"),
        "response": {"status": 200, "chunks": pieces},
    }
    (tmp_path / "a.json").write_text(json.dumps(both))
    (item,) = cassette.read(tmp_path / "a.json").interactions
    assert item.exchange.content.decode() == whole


def test_native_bodies_at_an_address_of_a_gateway_s_own_are_read(tmp_path: Path) -> None:
    both = {
        "url": f"https://llm.example/ask/{MODEL}",
        "request": asks("a"),
        "response": events("b", 1)[0],
        "status": 200,
    }
    own = {"url": "https://app.example/api", "request": asks("a"), "response": events("b", 1)[0], "status": 200}
    streamed = {
        "url": "https://app.example/api",
        "request": asks("a"),
        "response": {"status": 200, "body": _sse(events("b", 1))},
    }
    assert read_lines(tmp_path, both, own, streamed) == [(asks("a"), "b0", 200)] * 3
    found = cassette.read(tmp_path / "a.jsonl").interactions
    calls = ["generateContent", "generateContent", "streamGenerateContent"]
    assert [operation(one.exchange.request) for one in found] == [(MODEL, call) for call in calls]


def test_what_a_browser_asks_before_a_call_is_not_judged(tmp_path: Path) -> None:
    called = {
        "request": {"url": PATH, "method": "POST", "body": asks("a")},
        "response": {"status": 200, "body": events("b", 1)[0]},
    }
    before = {"request": {"url": PATH, "method": "OPTIONS"}, "response": {"status": 204, "body": ""}}
    assert read_lines(tmp_path, before, called)[1:] == [(asks("a"), "b0", 200)]
    found = cassette.read(tmp_path / "a.jsonl").interactions
    assert [operation(one.exchange.request) for one in found] == [None, (MODEL, "generateContent")]


def test_tools_that_an_sdk_was_called_with_are_in_the_request(tmp_path: Path) -> None:
    tools = [{"function_declarations": [{"name": "weather"}]}, {"google_search": {}}]
    run: dict[str, Any] = {
        "inputs": {"model": MODEL, "contents": "a", "config": {"tools": tools}},
        "outputs": events("b", 1)[0],
    }
    sent = [{"functionDeclarations": [{"name": "weather"}]}, {"googleSearch": {}}]
    assert read_lines(tmp_path, run) == [({"contents": asks("a")["contents"], "tools": sent}, "b0", 200)]
    run["inputs"]["config"]["tools"] = ["<function weather>"]
    assert read_lines(tmp_path, run) == [(None, "b0", 200)]


WITHOUT_MODEL = {"candidates": events("b", 1)[0]["candidates"]}


@pytest.mark.parametrize(
    "record",
    [
        {"providedModelName": MODEL, "input": asks("a"), "output": WITHOUT_MODEL},
        {"endpoint": f"projects/1/locations/l/publishers/google/models/{MODEL}", "request": asks("a"), "response": WITHOUT_MODEL},
        {"provider": {"id": f"google:{MODEL}"}, "prompt": {"raw": json.dumps(asks("a")["contents"])}, "response": {"raw": WITHOUT_MODEL}},
        {"attributes": {"llm.model_name": MODEL, "input.value": ASKED_TEXT, "output.value": json.dumps(WITHOUT_MODEL)}},
        {"request": {"uri": "/gemini"}, "response": {"status": 200}, "ai": {"meta": {"used": MODEL}, "payload": {"request": ASKED_TEXT, "response": json.dumps(WITHOUT_MODEL)}}},
        f"--> POST {BASE}/models/{MODEL}:generateContent\n{ASKED_TEXT}\n<-- 200 {BASE}/models/{MODEL}:generateContent\n{json.dumps(WITHOUT_MODEL)}",
        f"10:00 asks {MODEL} with {ASKED_TEXT}\n10:01 {MODEL} answers {json.dumps(WITHOUT_MODEL)}",
    ],
    ids=["another key", "a resource", "a provider", "a key with a prefix", "behind a gateway", "a log that names it twice", "a log"],
)  # fmt: skip
def test_the_model_is_known_wherever_a_recording_names_it(record: Any, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(record if isinstance(record, str) else json.dumps(record))
    (found,) = cassette.read(tmp_path / "a.log").interactions
    assert found.exchange.request.model == MODEL
    assert found.exchange.request.body["contents"]


def test_keys_of_yaml_that_are_no_texts_disturb_nothing(tmp_path: Path) -> None:
    path = tmp_path / "call.yaml"
    keys: dict[Any, Any] = {**asks("hi"), **events("Oslo", 1)[0], 1: "one", None: "none"}
    path.write_text(yaml.safe_dump(keys))
    (found,) = cassette.read(path).interactions
    assert reply.read(found.exchange).text == "Oslo0"


def test_requests_one_after_another_without_answers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_text(json.dumps(asks("a")) + json.dumps(asks("b")) + json.dumps(asks("c")))
    assert [one.request.body for one in cassette.read(path).unanswered] == [asks("a"), asks("b"), asks("c")]


def test_half_a_character_in_a_text_beside_an_answer_disturbs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(json.dumps({"prompt": "[{ \ud83d", "response": events("Oslo", 1)[0]}))
    (found,) = cassette.read(path).interactions
    assert reply.read(found.exchange).text == "Oslo0"


def test_half_a_character_in_a_query_disturbs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(
        json.dumps(
            {"url": f"{BASE}/models/{MODEL}:generateContent", "query": "{\ud83d", "response": events("Oslo", 1)[0]}
        )
    )
    assert len(cassette.read(path).interactions) == 1


def test_an_answer_goes_to_no_request_of_another_method(tmp_path: Path) -> None:
    refused = {"error": {"code": 404, "message": "no such page", "status": "NOT_FOUND"}}
    got = {"method": "GET", "url": f"{BASE}/models", "status": 404, "response": refused}
    sent = {"method": "POST", "url": f"{BASE}/models/{MODEL}:generateContent", "body": asks("a")}
    (tmp_path / "a.json").write_text(json.dumps([got, sent]))
    (item, *_) = cassette.read(tmp_path / "a.json").interactions
    assert (item.exchange.request.method, item.exchange.request.content) == ("GET", b"")


def test_the_parameters_of_an_sdk_are_no_request(tmp_path: Path) -> None:
    sdk = {"model": MODEL, "contents": "hi", "config": {"tools": []}}
    assert read_lines(tmp_path, {"request": sdk, "response": ANSWERED}) == [(None, "yes 0", 200)]


LOGGED = "\n".join(
    [
        f"2026-11-20 12:00:01 INFO sent POST {BASE}/models/{MODEL}:generateContent",
        f"2026-11-20 12:00:01 INFO request {ASKED_TEXT}",
        '[warn] {not json} {"level": 3}',
        f"2026-11-20 12:00:02 INFO response {json.dumps(json.loads(ANSWERED_TEXT), indent=1)} after 1 s",
    ]
)
URL = f"{BASE}/models/{MODEL}:generateContent"
PAIR = f'"request": {ASKED_TEXT}, /* asked */\n "response": {ANSWERED_TEXT},'
NOT_QUITE_JSON: Mapping[str, str] = {
    "lines of a log": LOGGED,
    "JSON with comments": f'// by hand\n{{"url": "{URL}", {PAIR}\n}}',
    "JSON5": f"{{ // by hand\n url: '{URL}', {PAIR}}}",
    "lines with a time each": "\n".join(
        f"2026-11-20 12:00:0{n} {line}"
        for n, line in enumerate([f"POST: {URL}", f"sent: {ASKED_TEXT}", f"got: {ANSWERED_TEXT!r}"])
    ),
    "snapshot of Jest": f'// Jest Snapshot v1\nexports[`a`] = `\nObject {{\n"url": "{URL}",\n"sent": {ASKED_TEXT.replace("[", "Array [")},\n"got": {ANSWERED_TEXT},\n}}\n`;\n',
    "XML with names of a space": f"<a:call xmlns:a='b' url='{URL}'><a:request><![CDATA[{ASKED_TEXT}]]></a:request><a:response><![CDATA[{ANSWERED_TEXT}]]></a:response></a:call>",
    "TOML": f"# by hand\n[call]\nurl = '{URL}'\nrequest = '{ASKED_TEXT}'\n[call.response]\nstatus = 200\nbody = '{ANSWERED_TEXT}'\n",
}


@pytest.mark.parametrize("kind", NOT_QUITE_JSON)
def test_what_is_almost_json_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(NOT_QUITE_JSON[kind], "utf-8")
    (interaction,) = cassette.read(path).interactions
    assert interaction.exchange.request.body == json.loads(ASKED_TEXT)
    assert interaction.exchange.request.url == URL
    assert reply.read(interaction.exchange).response == json.loads(ANSWERED_TEXT)


SHOWN: Mapping[str, Callable[[str, str, str], str]] = {
    "OkHttp": lambda url, asked, answered: (
        f"--> POST {url}\n\n{asked}\n--> END POST\n<-- 200 {url} (5ms)\n\n{answered}\n<-- END HTTP\n"
    ),
    "curl": lambda url, asked, answered: (
        f"$ curl -v '{url}' -d '{asked}'\n> POST {url.partition(HOST)[2]} HTTP/2\n> Host: {HOST}\n> \n< HTTP/2 200\n< \n{answered}\n"
    ),
}


@pytest.mark.parametrize("tool", SHOWN)
def test_a_log_names_an_address_with_the_request_and_with_the_answer(tool: str, tmp_path: Path) -> None:
    calls = [(URL, asks("it's a")), (URL.replace("flash", "pro"), asks("b"))]
    bodies = [json.dumps(asked).replace("'", r"'\''" if tool == "curl" else "'") for _, asked in calls]
    answered = json.dumps(events("c", 1)[0])
    log = "".join(SHOWN[tool](url, asked, answered) for (url, _), asked in zip(calls, bodies, strict=True))
    (tmp_path / "a.log").write_text(log)
    found = [one.exchange for one in cassette.read(tmp_path / "a.log").interactions]
    assert [(one.request.url, one.request.body) for one in found] == calls


def _prefixed(text: str) -> str:
    return "".join(f"I, [2026-11-20T12:00:{n:02} #7]  INFO -- {line}\n" for n, line in enumerate(text.splitlines()))


def _pieces(kind: str, text: str, key: str, written: Callable[[bytes], Any]) -> str:
    cut = [text.encode()[n : n + 40] for n in range(0, len(text.encode()), 40)]
    return "\n".join(json.dumps({"kind": kind, key: written(piece)}) for piece in cut)


TRANSCRIPTS: Mapping[str, Callable[[str, str, str], str]] = {
    "the same prefix on all lines": lambda url, asked, answered: _prefixed(f"request: POST {url}\nrequest: {asked}\nresponse: {answered}"),
    "texts in quotes": lambda url, asked, answered: f"msg=request url={url} body={json.dumps(asked)}\nmsg=response status=200 body={json.dumps(answered)}",
    "texts of Python": lambda url, asked, answered: f"DEBUG url={url!r} body={asked!r}\nDEBUG content={answered!r}",
    "bytes of Python": lambda url, asked, answered: f"DEBUG url={url!r} body={asked.encode()!r}\nDEBUG content={answered.encode()!r}",
    "pieces in lines": lambda url, asked, answered: f"{json.dumps({'to': url, 'body': asked})}\n{_pieces('chunk', answered, 'text', bytes.decode)}\n{json.dumps({'kind': 'end'})}",
    "pieces in base64": lambda url, asked, answered: f"{json.dumps({'to': url, 'body': asked})}\n{_pieces('chunk', answered, 'b64', lambda piece: b64encode(piece).decode())}\n{json.dumps({'kind': 'end'})}",
    "pieces in events": lambda url, asked, answered: f"{json.dumps({'to': url, 'body': asked})}\n{_pieces('chunk', answered, 'params', lambda piece: {'size': 9, 'bytes': b64encode(piece).decode()})}",
    "packed bodies": lambda url, asked, answered: json.dumps({"url": url, "request": {"data": _packed(asked)}, "response": {"data": _packed(answered)}}),
    "HTTP": lambda url, asked, answered: f"POST {url.partition(HOST)[2]} HTTP/1.1\r\nHost: {HOST}\r\n\r\n{asked}\r\nHTTP/2 200\r\ncontent-type: text/event-stream\r\n\r\n{answered}\r\n",
    "a body beside its headers": lambda url, asked, answered: json.dumps({"request": {"url": url, "method": "POST", "body": asked}, "response": {"status": 200, "headers": {"a": "b"}}, "chunks": [{"at": 3, "b64": _base64(answered)}]}),
}  # fmt: skip
"""What a log or a recorder makes of an address, a request and an answer."""


def _packed(text: str) -> str:
    return b64encode(gzip.compress(text.encode())).decode()


BODIES = {
    "an answer": json.dumps(events("käse ", 1)[0], indent=2),
    "a stream": _sse(events('a\\n"b" ', 3)),
    "a list": json.dumps(events("c ", 3), indent=1),
}
QUOTA = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_keeps_every_body(name: str, kind: str, tmp_path: Path) -> None:
    url = URL if kind == "an answer" else f"{URL.replace(':g', ':streamG')}?alt=sse"
    path = tmp_path / "a.log"
    path.write_text(TRANSCRIPTS[name](url, json.dumps(asks("q"), indent=1), BODIES[kind]), "utf-8", newline="")
    tape = cassette.read(path)
    (interaction,) = tape.interactions
    assert interaction.exchange.request.body == asks("q")
    assert reply.read(interaction.exchange).text == {"an answer": "käse 0", "a stream": 'a\\n"b" 0a\\n"b" 1a\\n"b" 2', "a list": "c 0c 1c 2"}[kind]  # fmt: skip
    assert (tape.unanswered, tape.unread) == ([], [])


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_keeps_an_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(TRANSCRIPTS[name](URL, ASKED_TEXT, json.dumps(QUOTA, indent=2)), "utf-8", newline="")
    (interaction,) = cassette.read(path).interactions
    assert reply.read(interaction.exchange).error == QUOTA["error"]


def test_an_answer_in_a_trace_and_in_its_span_is_one(tmp_path: Path) -> None:
    kept = {"input": json.dumps({"model": MODEL, "contents": "a"}), "output": json.dumps(json.dumps(ANSWERED))}
    other = {"input": ASKED_TEXT, "output": json.dumps(events("no ", 1)[0])}
    traces = {"trace": {"id": "t", **kept}, "observations": [{"id": "o", **other}, {"id": "p", **kept}]}
    span = {"attributes": {"input.value": ASKED_TEXT, "output.value": ANSWERED_TEXT}, "events": [{"completion": ANSWERED_TEXT}]}  # fmt: skip
    assert [text for _, text, _ in read_lines(tmp_path, traces)] == ["no 0", "yes 0"]
    assert read_lines(tmp_path, span) == [(ASKED, "yes 0", 200)]


def test_requests_and_answers_by_name_are_put_together_by_their_names(tmp_path: Path) -> None:
    fixtures = {
        "requests": {"basic": asks("a"), "tools": asks("b")},
        "responses": {"cut": events("cut ", 1)[0], "basic": events("basic ", 1)[0]},
    }
    assert read_lines(tmp_path, fixtures) == [(None, "cut 0", 200), (asks("a"), "basic 0", 200)]


def test_a_request_by_name_without_an_answer_is_unanswered(tmp_path: Path) -> None:
    fixtures = {"requests": {"basic": asks("a"), "tools": asks("b")}, "responses": {"cut": events("cut ", 1)[0], "basic": events("basic ", 1)[0]}}  # fmt: skip
    path = tmp_path / "fixtures.json"
    path.write_text(json.dumps(fixtures))
    assert [one.request.body for one in cassette.read(path).unanswered] == [asks("b")]


def test_a_row_that_a_batch_failed_is_named_beside_the_others(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    rows = [{"key": "a", "response": events("yes ", 1)[0]}, {"key": "b", "error": {"code": 3, "message": "too long"}}]
    path.write_text("\n".join(map(json.dumps, rows)))
    tape = cassette.read(path)
    assert [reply.read(one.exchange).text for one in tape.interactions] == ["yes 0"]
    (unread,) = tape.unread
    assert (unread.where, "code 3 (too long)" in unread.reason) == ("exchange 1", True)


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_a_cassette_of_an_address_that_wraps_is_read_by_shape(method: str, tmp_path: Path) -> None:
    url, wrapped = f"https://cloudcode.example/v1internal:{method}", [{"traceId": "t", "response": part} for part in events("yes ", 2)]  # fmt: skip
    body = _sse(wrapped) if "stream" in method else json.dumps({"response": events("yes ", 1)[0]})
    asked = {"method": "POST", "uri": url, "body": json.dumps({"model": MODEL, "project": "p", "request": asks("a")})}
    item = {"request": asked, "response": {"status": {"code": 200}, "headers": {}, "body": {"string": body}}}
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump({"interactions": [item], "version": 1}))
    (found,) = cassette.read(path).interactions
    assert (found.exchange.request.body, found.exchange.request.model) == (asks("a"), MODEL)
    assert reply.read(found.exchange).text == ("yes 0yes 1" if "stream" in method else "yes 0")


def test_turns_beside_an_answer_are_its_request(tmp_path: Path) -> None:
    result = {"prompt": {"raw": json.dumps(asks("a")["contents"])}, "response": {"raw": events("yes ", 1)[0]}}
    assert read_lines(tmp_path, {"results": [result]}) == [({"contents": asks("a")["contents"]}, "yes 0", 200)]


def test_events_in_lines_are_one_stream(tmp_path: Path) -> None:
    assert read_lines(
        tmp_path, *({"at": n, "line": f"data: {json.dumps(part)}"} for n, part in enumerate(events("c ", 3)))
    ) == [(None, "c 0c 1c 2", 200)]


PRINTED: Mapping[str, str] = {
    "by JavaScript": "response: {\n  candidates: [\n    { content: { parts: [ { text: 'yes' } ], role: 'model' }, finishReason: 'STOP' }\n  ]\n}",
    "by Node": "got {\n  candidates: [ { content: { parts: [ { text: 'yes' } ], role: 'model' }, finishReason: 'STOP' } ],\n  usageMetadata: { promptTokenCount: 2, promptTokensDetails: [ [Object] ] }\n}",
    "by an SDK": "got {'candidates': [{'content': {'parts': [{'text': 'yes', 'thought_signature': b'\\x12\\xb4'}], 'role': 'model'}, 'finish_reason': <FinishReason.STOP: 'STOP'>, 'index': None}], 'parsed': None}",
    "by syrupy": "# name: test_it\n  dict({\n    'candidates': list([\n      dict({\n        'content': dict({\n          'parts': list([\n            dict({\n              'text': 'yes',\n            }),\n          ]),\n        }),\n        'finishReason': 'STOP',\n      }),\n    ]),\n  })\n# ---",
}  # fmt: skip


FIRST, LAST = (json.dumps(event) for event in events("c ", 2))
WHOLE = json.dumps(events("yes ", 1)[0])
PROGRAMS: Mapping[str, tuple[str, list[str]]] = {
    "strings of events in Go": (f"a := {json.dumps(f'data: {FIRST}')}\nb := {json.dumps(f'data: {LAST}')}\n", ["c 0c 1"]),
    "events in a template": (f"export const sse = `data: {FIRST}\n\ndata: {LAST}\n`;\n", ["c 0c 1"]),
    "two streams in fences": (f"1.\n```\ndata: {FIRST}\n\ndata: {LAST}\n```\n2.\n```\ndata: {LAST}\n```\n", ["c 0c 1", "c 1"]),
    "a list in a raw string": (f'const BODY: &str = r#"[{FIRST}\n,\n{LAST}]"#;\n', ["c 0c 1"]),
    "strings that follow each other": (f"A = (\n    'data: {LAST[:40]}'\n    '{LAST[40:]}'\n)\n", ["c 1"]),
    "strings that are added": (f"var a = {json.dumps(WHOLE[:50])} +\n  {json.dumps(WHOLE[50:])};\n", ["yes 0"]),
    "strings that are added from the first bracket on": (f'String a = "{{" +\n  {json.dumps(WHOLE[1:-1])} +\n  "}}";\n', ["yes 0"]),
    "a margin in Scala": ('val a = """{\n    |  "candidates": [{"content": {"parts": [{"text": "yes"}]}}]\n    |}""".stripMargin\n', ["yes"]),
    "objects of the SDK for Go": ('a := &genai.GenerateContentResponse{\n\tCandidates: []*genai.Candidate{{\n\t\tContent: &genai.Content{Role: genai.RoleModel, Parts: []*genai.Part{{Text: "yes"}}},\n\t\tFinishReason: genai.FinishReasonMaxTokens,\n\t}},\n}\n', ["yes"]),
    "lines of events in a list": (f"LINES = [\n    'data: {FIRST}',\n    '',\n    'data: {LAST}',\n    '',\n]\n", ["c 0c 1"]),
    "a dictionary of Python": ("x = mock(json={\"candidates\": [{\"content\": {\"parts\": [{\"text\": 'a \"b\"'}]}, \"finishReason\": \"STOP\", \"index\": None},],},)\n", ['a "b"']),
    "a map of Elixir": ('x = %{\n  "candidates" => [%{"content" => %{"parts" => [%{"text" => "yes"}]}, "finishReason" => "STOP", "index" => nil}]\n}\n', ["yes"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROGRAMS)
def test_answers_in_a_program_are_read(kind: str, tmp_path: Path) -> None:
    written, texts = PROGRAMS[kind]
    path = tmp_path / "a.txt"
    path.write_text(f"before\n{written}after\n", "utf-8")
    exchanges = [interaction.exchange for interaction in cassette.read(path).interactions]
    assert [reply.read(exchange).text for exchange in exchanges] == texts
    assert [fault for exchange in exchanges for fault in reply.read(exchange).faults] == []


def test_an_answer_that_calls_is_not_of_a_request_without_tools(tmp_path: Path) -> None:
    called = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}}]}
    path = tmp_path / "a.kt"
    path.write_text(f"/* {ASKED_TEXT} */\n/* {json.dumps(called)} */\n", "utf-8")
    (interaction,) = cassette.read(path).interactions
    assert interaction.exchange.request.body is None


def test_a_stream_in_a_file_may_lack_its_last_blank_line(tmp_path: Path) -> None:
    path = tmp_path / "a.sse"
    path.write_text(_sse(events("c ", 2)).rstrip(), "utf-8", newline="")
    (interaction,) = cassette.read(path).interactions
    assert not reply.read(interaction.exchange).faults


@pytest.mark.parametrize("who", PRINTED)
def test_a_printed_answer_is_read(who: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"12:00 INFO begin\n12:01 DEBUG {PRINTED[who]}\n12:02 INFO end\n", "utf-8")
    (interaction,) = cassette.read(path).interactions
    found = reply.read(interaction.exchange)
    assert (found.text, found.finish_reason) == ("yes", "STOP")


def test_an_error_in_a_program_is_read_with_its_address_only(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(f"raise_for({json.dumps(QUOTA)})\nother = {ANSWERED_TEXT}\n", "utf-8")
    assert [reply.read(one.exchange).text for one in cassette.read(path).interactions] == ["yes 0"]
    path.write_text(f'serve("{URL}", {json.dumps(QUOTA)})\n', "utf-8")
    assert [one.exchange.status for one in cassette.read(path).interactions] == [429]


QUOTA = {"error": {"code": 429, "message": "You exceeded your quota.\nWait.", "status": "RESOURCE_EXHAUSTED"}}


def test_the_same_error_twice_in_a_log_is_two(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(f"10:52 - Response: {json.dumps(QUOTA, indent=1)}\n\n" * 2)
    assert len(cassette.read(tmp_path / "a.log").interactions) == 2


def test_an_error_of_another_api_in_a_page_is_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text('Others fail with `{"error": {"code": 400, "message": "no"}}` too.\n', "utf-8")
    with pytest.raises(BadCassette, match="no request or answer of Gemini"):
        cassette.read(path)
    path.write_text(f"Too many: `{json.dumps(QUOTA)}`.\n", "utf-8")
    assert [one.exchange.status for one in cassette.read(path).interactions] == [429]


def test_what_an_sdk_adds_to_an_answer_is_left_out(tmp_path: Path) -> None:
    added = {"sdkHttpResponse": {"headers": {"a": "b"}}, **ANSWERED, "automaticFunctionCallingHistory": []}
    (tmp_path / "a.json").write_text(json.dumps(added), "utf-8")
    (interaction,) = cassette.read(tmp_path / "a.json").interactions
    assert reply.read(interaction.exchange).response == ANSWERED


@pytest.mark.parametrize(
    "line",
    ['INFO {"contents": [' + "1, " * 200, "INFO {'candidates': [{", 'contents {"a": ' * 300, "// {contents" * 90],
)
def test_a_log_without_an_end_is_refused_at_once(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(f"{line}\n" * 500, "utf-8")

    def work() -> None:
        with pytest.raises(BadCassette):
            cassette.read(path)

    assert loops(work) < 150


def test_a_long_log_is_read_behind_many_objects_that_are_cut(tmp_path: Path) -> None:
    """Objects over several lines behind the same prefix; a few of the first are cut."""
    whole = "".join(
        f"[12:00:0{at % 10}] DEBUG {line}\n" for at, line in enumerate(json.dumps(ANSWERED, indent=1).split("\n"))
    )
    words = "2026 INFO nothing of interest here\n" * 1_600
    cut = '2026 INFO {\n  "candidates": [\n'
    path = tmp_path / "a.log"
    path.write_text("".join((words, cut) * 33) + whole, "utf-8")
    (interaction,) = cassette.read(path).interactions
    assert json.loads(interaction.exchange.content) == ANSWERED


def test_a_har_file_that_is_cut_says_so(tmp_path: Path) -> None:
    request = {"method": "POST", "url": f"https://{HOST}{PATH}", "headers": [], "postData": {"text": ASKED_TEXT}}
    answer = {"status": 200, "headers": [], "content": {"text": ANSWERED_TEXT}}
    text = json.dumps({"log": {"entries": [{"request": request, "response": answer}] * 2}})
    (tmp_path / "a.har").write_text(text[: len(text) * 2 // 3], "utf-8")
    tape = cassette.read(tmp_path / "a.har")
    assert len(tape.interactions) == 1
    assert [(part.where, part.reason.partition(";")[0]) for part in tape.unread] == [
        ("its end", "the file is cut there")
    ]


KEY = "gw-9f8e-7d6c-5b4a-3f2e-1d0c"


def test_a_dump_of_http_messages_is_read(tmp_path: Path) -> None:
    (tmp_path / "dump.http").write_text(
        f"{RAW}\n{RAW_ANSWER}\n".replace(" HTTP/1.1\r\nH", f"?key={KEY} HTTP/1.1\r\nH"), "utf-8", newline=""
    )
    (found,) = cassette.read(tmp_path / "dump.http").interactions
    assert found.credentials == (("?key=", KEY),)
    assert (found.exchange.request.url, found.exchange.request.body) == (f"https://{HOST}{PATH}", ASKED)
    assert reply.read(found.exchange).text == "yes 0"


def test_colours_of_a_terminal_are_part_of_no_message(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"\x1b[32m{RAW[:4]}\x1b[39m{RAW[4:]}\n\x1b[1m{RAW_ANSWER}\n", "utf-8", newline="")
    (found,) = cassette.read(tmp_path / "a.txt").interactions
    assert (found.exchange.request.body, reply.read(found.exchange).text) == (ASKED, "yes 0")


def test_a_line_between_messages_is_part_of_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{RAW}\n{RAW_ANSWER}\n\n{66 * '-'}\n\n" * 2, "utf-8", newline="")
    found = cassette.read(tmp_path / "a.txt").interactions
    assert [reply.read(one.exchange).text for one in found] == ["yes 0", "yes 0"]


# --- everywhere ------------------------------------------------------------------------------------------------


def test_a_suite_replays_from_a_recording_in_any_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("pact", "raw messages", "trace"):
        Path(f"{name}.json").write_text(json.dumps(TOOLS[name]), "utf-8")
    cases = "".join(
        f"  - {{id: c{number}, cassette: {name}.json, prompt: hi, request: {{generationConfig: {{temperature: 0}}}}, expect: {{text: yes 0}}}}\n"
        for number, name in enumerate(("pact", "raw messages", "trace"))
    )
    Path("any.yaml").write_text(f"suite: any\ndefaults: {{provider: google, model: {MODEL}}}\ncases:\n{cases}", "utf-8")
    assert main(["run", "any.yaml"]) == 0, capsys.readouterr()
    assert "3 passed (3 trials)" in capsys.readouterr().out


def test_the_simulator_replays_recordings_in_any_format(tmp_path: Path) -> None:
    (tmp_path / "pact.json").write_text(json.dumps(TOOLS["pact"]), "utf-8")
    (tmp_path / "notes.md").write_text("none", "utf-8")
    assert [len(answers) for answers in replay.load([tmp_path]).answers.values()] == [1]


def test_a_recording_of_another_format_is_not_standard(tmp_path: Path) -> None:
    path = tmp_path / "pact.yaml"
    path.write_text(yaml.safe_dump(TOOLS["pact"]), "utf-8")
    (finding,) = maintenance.inspect([path])
    assert (finding.kind, finding.message) == (
        "non-standard",
        "by shape: stock vcrpy cannot load it; `import` makes a cassette of it",
    )


# --- bad input ------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "url",
        "request",
        "response",
        "body",
        "status",
        "headers",
        "contents",
        "candidates",
        "error",
        "code",
        "model",
        "id",
        "kind",
        "interactions",
        "log",
        "entries",
        "uri",
    ]
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**65), st.floats(), st.text(max_size=6), st.sampled_from([PATH, RAW, RAW_ANSWER, ASKED_TEXT, 'data: {"candidates": []', "\ud800", ASKED_TEXT[:30], _base64(ANSWERED_TEXT)])
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(WORDS, NAMES), inner, max_size=5)),
    max_leaves=25,
)


@given(TREES)
def test_any_value_is_read_or_refused_with_a_reason(tree: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_text(json.dumps(tree), "utf-8")
        with suppress(BadCassette):
            for interaction in cassette.read(path).interactions:
                reply.read(interaction.exchange)


SEEDS = [json.dumps(tool).encode() for tool in TOOLS.values()] + [
    f"httprr trace v1\n9 9\n{RAW}{RAW_ANSWER}".encode(),
    f"{RAW}\n{RAW_ANSWER}".encode(),
    _sse(events("a", 3)).encode(),
]


@given(st.sampled_from(SEEDS), st.data())
def test_any_bytes_are_read_or_refused_with_a_reason(seed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(seed)))
    raw = seed[:at] + data.draw(st.binary(max_size=6)) + seed[at + data.draw(st.integers(0, 40)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_bytes(raw)
        with suppress(BadCassette):
            cassette.read(path)


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": partial(brotli.compress, quality=1),
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_cut_and_named(name: str, tmp_path: Path) -> None:
    packed = PACKERS[name](bytes(90_000_000))
    item = {
        "request": {"method": "POST", "uri": f"https://{HOST}{PATH}", "body": None},
        "response": {
            "status": 200,
            "headers": {"content-encoding": [name]},
            "body": {"base64_string": b64encode(packed).decode()},
        },
    }
    (tmp_path / "a.json").write_text(json.dumps({"interactions": [item]}), "utf-8")
    (found,) = cassette.read(tmp_path / "a.json").interactions
    assert found.exchange.fault is not None
    assert found.exchange.fault.startswith(f"too large: {len(packed):,} bytes of {name} unfold beyond ")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_large_bomb_is_refused_at_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(PACKERS[name](bytes(100_000_000)) * (60 if name == "gzip" else 600))

    def work() -> None:
        with pytest.raises(BadCassette, match="too large"):
            cassette.read(path)

    assert loops(work) < 100


@pytest.mark.parametrize("name", PACKERS)
def test_many_small_bombs_cost_little(name: str, tmp_path: Path) -> None:
    packed = b64encode(PACKERS[name](bytes(20_000_000))).decode()
    asked = {"method": "POST", "uri": f"https://{HOST}{PATH}", "body": None}
    answered = {"status": 200, "headers": {"content-encoding": [name]}, "body": {"base64_string": packed}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"interactions": [{"request": asked, "response": answered}] * 150}), "utf-8")
    assert loops(lambda: cassette.read(path)) < 300
    tape = cassette.read(path)
    assert all("too large" in str(interaction.exchange.fault) for interaction in tape.interactions)


@pytest.mark.parametrize("name", PACKERS)
def test_a_packed_body_is_unpacked(name: str, tmp_path: Path) -> None:
    packed = PACKERS[name](ANSWERED_TEXT.encode())
    for body, fault in ((packed, None), (packed[:-9], "")):
        item = {
            "request": {"url": PATH, "body": ASKED},
            "response": {
                "status": 200,
                "headers": {"Content-Encoding": name},
                "body": b64encode(body).decode(),
                "bodyEncoding": "base64",
            },
        }
        (tmp_path / "a.json").write_text(json.dumps(item), "utf-8")
        (found,) = cassette.read(tmp_path / "a.json").interactions
        if fault is None:
            assert (found.exchange.content, found.exchange.fault) == (ANSWERED_TEXT.encode(), None)
        else:
            assert name in (found.exchange.fault or "")


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(TOOLS["pact"]).encode()))
    (tmp_path / "b.json").write_bytes(json.dumps(TOOLS["pact"]).encode("utf-16"))
    text = json.dumps(TOOLS["pact"]).encode()
    (tmp_path / "appended.json.gz").write_bytes(gzip.compress(text[:90]) + gzip.compress(text[90:]))
    for name in ("a.json.gz", "b.json", "appended.json.gz"):
        assert len(cassette.read(tmp_path / name).interactions) == 1


@pytest.mark.parametrize("indent", [None, 1])
def test_a_text_holds_a_request_and_its_answer_one_after_another(indent: int | None, tmp_path: Path) -> None:
    asked, answered = (json.dumps(value, indent=indent) for value in (ASKED, ANSWERED))
    (tmp_path / "a.json").write_text(json.dumps({"model": MODEL, "log": f"{asked}\n{answered}"}), "utf-8")
    (found,) = cassette.read(tmp_path / "a.json").interactions
    assert (found.exchange.request.body, found.exchange.content) == (ASKED, answered.encode())
