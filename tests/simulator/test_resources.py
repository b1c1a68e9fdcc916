"""Caches, files, batches and embeddings: what a caller keeps at the API, and what it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.simulator.app import Simulator
from harness.simulator.traffic import Call
from tests.simulator.client import FLASH3, FLASH25, KEY, call, prompt, text_of

STORY = "A long story of a lighthouse. " * 200
"""About 1,500 tokens: more than the smallest cache of gemini-2.5-flash."""


# --- cached contents ----------------------------------------------------------------------------------


def test_a_cache_is_created_used_and_expires() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    body = {
        "model": f"models/{FLASH25}",
        "contents": [{"role": "user", "parts": [{"text": STORY}]}],
        "system_instruction": {"parts": [{"text": "Answer in French."}]},
        "ttl": "300s",
    }
    status, cache, _ = call(app, "POST", "/v1beta/cachedContents", body)
    assert (status, cache["expireTime"]) == (200, "1970-01-01T00:21:40Z")
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
    _, cache, _ = call(app, "POST", "/v1beta/cachedContents", {"model": FLASH25, **prompt(STORY)})
    assert call(app, "DELETE", f"/v1beta/{cache['name']}")[:2] == (200, {})
    assert call(app, "DELETE", f"/v1beta/{cache['name']}")[0] == 403


@pytest.mark.parametrize(
    "more",
    [{"ttl": "soon"}, {"colour": "red"}, {"expireTime": "tomorrow"}, {"ttl": "60s", "expireTime": "2030-01-01T00:00:00Z"}, {"ttl": "-1s"}],
)  # fmt: skip
def test_a_bad_cache_is_refused(more: Any) -> None:
    status, error, _ = call(Simulator(), "POST", "/v1beta/cachedContents", {"model": FLASH25, **prompt(STORY), **more})
    assert (status, error["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_small_cache_is_refused() -> None:
    status, error, _ = call(Simulator(), "POST", "/v1beta/cachedContents", {"model": FLASH25, **prompt("Hello")})
    assert status == 400
    assert error["error"]["message"] == "Cached content is too small. total_token_count=1, min_total_token_count=1024"


def test_a_cache_expires_at_its_time() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    body = {"model": FLASH25, **prompt(STORY), "expireTime": "1970-01-01T01:00:00Z"}
    _, cache, _ = call(app, "POST", "/v1beta/cachedContents", body)
    assert cache["expireTime"] == "1970-01-01T01:00:00Z"
    later = {"expireTime": "2030-01-01T00:00:00Z"}
    _, moved, _ = call(app, "PATCH", f"/v1beta/{cache['name']}?updateMask=expireTime", later)
    assert moved["expireTime"] == "2030-01-01T00:00:00Z"
    assert moved["createTime"] == cache["createTime"]
    now[0] = 9e8
    assert call(app, "GET", f"/v1beta/{cache['name']}")[0] == 200
    assert call(app, "PATCH", f"/v1beta/{cache['name']}", {"displayName": "other"})[0] == 400


def test_a_cache_that_expired_on_creation_is_gone() -> None:
    app = Simulator()
    body = {"model": FLASH25, **prompt(STORY), "expireTime": "2020-01-01T00:00:00Z"}
    status, cache, _ = call(app, "POST", "/v1beta/cachedContents", body)
    assert (status, cache["expireTime"]) == (200, "2020-01-01T00:00:00Z")
    assert call(app, "DELETE", f"/v1beta/{cache['name']}")[0] == 403
    assert call(app, "GET", "/v1beta/cachedContents")[1] == {}


# --- pages --------------------------------------------------------------------------------------------


def pages(app: Simulator, path: str, size: int) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    found: list[list[dict[str, Any]]] = []
    token = ""
    while True:
        _, page, _ = call(app, "GET", path, query={"pageSize": str(size), **({"pageToken": token} if token else {})})
        token = page.pop("nextPageToken", "")
        found.append(next(iter(page.values()), []))
        if not token:
            return found


def test_caches_are_listed_in_pages_newest_first() -> None:
    app = Simulator()
    for name in "abc":
        call(app, "POST", "/v1beta/cachedContents", {"model": FLASH25, **prompt(STORY), "displayName": name})
    assert [[cache["displayName"] for cache in page] for page in pages(app, "/v1beta/cachedContents", 2)] == [
        ["c", "b"],
        ["a"],
    ]


def test_files_can_be_deleted_while_they_are_listed() -> None:
    app = Simulator()
    for _ in range(25):
        upload(app, b"x", "text/plain")
    first = call(app, "GET", "/v1beta/files")[1]
    assert len(first["files"]) == 10
    for file in first["files"]:
        call(app, "DELETE", f"/v1beta/{file['name']}")
    second = call(app, "GET", "/v1beta/files", query={"pageToken": first["nextPageToken"], "pageSize": "100"})[1]
    assert len(second["files"]) == 15
    assert "nextPageToken" not in second


@pytest.mark.parametrize("query", [{"pageToken": "²"}, {"pageToken": "bm8="}, {"pageSize": "ten"}])
@pytest.mark.parametrize("path", ["files", "cachedContents", "batches"])
def test_a_bad_page_is_refused(path: str, query: dict[str, str]) -> None:
    assert call(Simulator(), "GET", f"/v1beta/{path}", query=query)[0] == 400


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


# --- uploads ------------------------------------------------------------------------------------------

ENVELOPE = (
    b'--B\r\nContent-Type: application/json\r\n\r\n{"file":{"displayName":"m.txt"}}\r\n'
    b"--B\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\nmulti\r\n--B--\r\n"
)


def test_the_envelope_of_a_multipart_upload_is_not_the_file() -> None:
    headers = {**KEY, "content-type": "multipart/related; boundary=B", "x-goog-upload-protocol": "multipart"}
    _, answer, _ = call(Simulator(), "POST", "/upload/v1beta/files?uploadType=multipart", ENVELOPE, headers)
    file = answer["file"]
    assert (file["displayName"], file["mimeType"], file["sizeBytes"]) == (
        "m.txt",
        "text/plain",
        str(len(b"hello\r\n\r\nmulti")),
    )


@pytest.mark.parametrize("kind", ["multipart/related", "multipart/related; boundary=C"])
def test_a_broken_envelope_is_refused(kind: str) -> None:
    assert call(Simulator(), "POST", "/upload/v1beta/files", ENVELOPE, {**KEY, "content-type": kind})[0] == 400


def started(app: Simulator, size: int, body: Any = None) -> str:
    """The address of a resumable upload of ``size`` bytes."""
    headers = {**KEY, "x-goog-upload-command": "start", "x-goog-upload-header-content-length": str(size)}
    _, _, answered = call(app, "POST", "/upload/v1beta/files", body or {}, headers)
    return answered["x-goog-upload-url"].removeprefix("http://simulator.invalid")


def test_an_upload_goes_on_where_it_was_cut() -> None:
    app = Simulator()
    address = started(app, 6)
    call(app, "POST", address, b"abc", {"x-goog-upload-command": "upload", "x-goog-upload-offset": "0"})
    _, _, headers = call(app, "POST", address, b"", {"x-goog-upload-command": "query"})
    assert (headers["x-goog-upload-status"], headers["x-goog-upload-size-received"]) == ("active", "3")
    _, done, _ = call(
        app, "POST", address, b"def", {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "3"}
    )
    assert done["file"]["sizeBytes"] == "6"


@pytest.mark.parametrize(
    ("data", "offset"), [(b"abc", "3"), (b"abc", "0"), (b"abcdefg", "0"), (b"abcdef", "many")], ids=["gap", "short", "long", "text"]
)  # fmt: skip
def test_bytes_that_do_not_fit_are_refused(data: bytes, offset: str) -> None:
    app = Simulator()
    headers = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": offset}
    assert call(app, "POST", started(app, 6), data, headers)[0] == 400
    assert call(app, "GET", "/v1beta/files")[1] == {}


def test_a_file_may_have_a_name_once() -> None:
    app = Simulator()
    done = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
    named = {"file": {"name": "files/my-name"}}
    assert call(app, "POST", started(app, 1, named), b"x", done)[1]["file"]["name"] == "files/my-name"
    assert call(app, "POST", started(app, 1, named), b"x", done)[1]["error"]["status"] == "ALREADY_EXISTS"
    start = {**KEY, "x-goog-upload-command": "start"}
    assert call(app, "POST", "/upload/v1beta/files", {"file": {"name": "files/My_Name"}}, start)[0] == 400


def test_a_video_is_processed_before_it_can_be_used() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    file = upload(app, b"video", "video/mp4")
    assert file["state"] == "PROCESSING"
    body = prompt("What is this?")
    body["contents"][0]["parts"].append({"fileData": {"fileUri": file["uri"], "mimeType": "video/mp4"}})
    status, error, _ = call(app, "POST", f"/v1beta/models/{FLASH3}:generateContent", body)
    assert (status, error["error"]["status"]) == (400, "FAILED_PRECONDITION")
    now[0] += 5
    assert call(app, "GET", f"/v1beta/{file['name']}")[1]["state"] == "ACTIVE"
    assert call(app, "POST", f"/v1beta/models/{FLASH3}:generateContent", body)[0] == 200


def test_uploaded_files_cannot_be_downloaded() -> None:
    app = Simulator()
    file = upload(app, b"x", "text/plain")
    assert call(app, "GET", f"/v1beta/{file['name']}:download?alt=media")[0] == 400


# --- counting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri", ["https://www.youtube.com/watch?v=9hE5", "https://youtu.be/9hE5", "https://m.youtube.com/watch?v=9hE5"]
)
def test_a_video_of_youtube_is_pictures_and_sound(uri: str) -> None:
    body = {"contents": [{"parts": [{"fileData": {"fileUri": uri}}, {"text": "Hello"}]}]}
    _, answer, _ = call(Simulator(), "POST", f"/v1beta/models/{FLASH25}:generateContent", body)
    counts = {row["modality"]: row["tokenCount"] for row in answer["usageMetadata"]["promptTokensDetails"]}
    assert counts == {"VIDEO": 263 * 60, "AUDIO": 32 * 60, "TEXT": 1}


def count(body: Any, app: Simulator | None = None) -> tuple[int, Any]:
    return call(app or Simulator(), "POST", f"/v1beta/models/{FLASH25}:countTokens", body)[:2]


def test_tokens_of_every_form_of_a_request_are_counted() -> None:
    asked = prompt("one two three four five")
    plain = count(asked)[1]
    assert plain == {"totalTokens": 5, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}
    assert count({"generateContentRequest": {"model": f"models/{FLASH25}", **asked}})[1] == plain
    system = {"systemInstruction": {"parts": [{"text": "six seven"}]}}
    assert count({"generate_content_request": {**asked, **system}})[1]["totalTokens"] == 7
    assert count({**asked, **system})[0] == 400


def test_cached_tokens_are_counted_apart() -> None:
    app = Simulator()
    _, cache, _ = call(app, "POST", "/v1beta/cachedContents", {"model": FLASH25, **prompt(STORY)})
    _, counted = count({"generateContentRequest": prompt("four", cachedContent=cache["name"])}, app)
    assert counted["totalTokens"] == counted["cachedContentTokenCount"] + 1


# --- batches ------------------------------------------------------------------------------------------


def batch(source: Any) -> dict[str, Any]:
    return {"batch": {"displayName": "b", "inputConfig": source}}


INLINE = {
    "requests": {
        "requests": [
            {"request": prompt("What is the capital of Peru? One word."), "metadata": {"key": "1"}},
            {"request": prompt("hi", nonsense=1)},
        ]
    }
}
GENERATE = f"/v1beta/models/{FLASH25}:batchGenerateContent"


def test_a_batch_goes_through_its_states() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    _, created, _ = call(app, "POST", GENERATE, batch(INLINE))
    assert created["metadata"]["batchStats"] == {"requestCount": "2", "pendingRequestCount": "2"}
    states = []
    for _ in range(3):
        _, shown, _ = call(app, "GET", f"/v1beta/{created['name']}")
        states.append(shown["metadata"]["state"])
        now[0] += 1.1
    assert states == ["BATCH_STATE_PENDING", "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED"]
    assert shown["done"]
    first, second = shown["response"]["inlinedResponses"]["inlinedResponses"]
    assert (text_of(first["response"]), first["metadata"]) == ("Lima", {"key": "1"})
    assert second["error"]["code"] == 3
    assert 'Unknown name "nonsense"' in second["error"]["message"]
    assert shown["metadata"]["batchStats"] == {
        "requestCount": "2",
        "successfulRequestCount": "1",
        "failedRequestCount": "1",
    }


def test_a_batch_reads_and_writes_files() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    lines = [json.dumps({"key": str(n), "request": prompt(f"What is {n} + {n}?")}) for n in range(3)]
    file = upload(app, "\n".join([*lines, "not JSON"]).encode(), "application/jsonl")
    _, created, _ = call(app, "POST", GENERATE, batch({"fileName": file["name"]}))
    now[0] += 10
    _, shown, _ = call(app, "GET", f"/v1beta/{created['name']}")
    output = shown["metadata"]["output"]["responsesFile"]
    about = call(app, "GET", f"/v1beta/{output}")[1]
    assert (about["source"], about["downloadUri"]) == ("GENERATED", f"{about['uri']}:download?alt=media")
    sent = app.handle(Call("GET", f"/v1beta/{output}:download", {"alt": "media"}, KEY, b""))
    rows = [json.loads(line) for line in sent.content.splitlines()]
    assert [row.get("key") for row in rows] == ["0", "1", "2", None]
    assert ["response" in row for row in rows] == [True, True, True, False]


def test_a_batch_is_cancelled_and_deleted() -> None:
    app = Simulator()
    _, created, _ = call(app, "POST", GENERATE, batch(INLINE))
    assert call(app, "POST", f"/v1beta/{created['name']}:cancel")[:2] == (200, {})
    _, shown, _ = call(app, "GET", f"/v1beta/{created['name']}")
    assert (shown["metadata"]["state"], shown["error"]["code"]) == ("BATCH_STATE_CANCELLED", 1)
    assert [row["name"] for row in call(app, "GET", "/v1beta/batches")[1]["operations"]] == [created["name"]]
    assert call(app, "DELETE", f"/v1beta/{created['name']}")[:2] == (200, {})
    assert call(app, "GET", f"/v1beta/{created['name']}")[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        (batch({}), 400),
        (batch({"requests": {"requests": [{}]}}), 400),
        (batch({"fileName": "files/none"}), 403),
    ],
)
def test_a_batch_without_requests_is_refused(body: Any, status: int) -> None:
    assert call(Simulator(), "POST", GENERATE, body)[0] == status


def test_embeddings_come_in_batches_too() -> None:
    now = [1000.0]
    app = Simulator(now=lambda: now[0])
    request = {"request": {"content": {"parts": [{"text": "hi"}]}, "outputDimensionality": 8}}
    path = "/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent"
    _, created, _ = call(app, "POST", path, batch({"requests": {"requests": [request]}}))
    now[0] += 10
    _, shown, _ = call(app, "GET", f"/v1beta/{created['name']}")
    (row,) = shown["response"]["inlinedResponses"]["inlinedResponses"]
    assert len(row["response"]["embedding"]["values"]) == 8


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


EMBED = "/v1beta/models/gemini-embedding-001:embedContent"


@pytest.mark.parametrize(
    "more",
    [
        {"taskType": "GUESSING"},
        {"outputDimensionality": 0},
        {"outputDimensionality": 5000},
        {"content": {}},
        {"colour": "red"},
    ],
)
def test_a_bad_embedding_is_refused(more: Any) -> None:
    assert call(Simulator(), "POST", EMBED, {"content": {"parts": [{"text": "hi"}]}, **more})[0] == 400


@pytest.mark.parametrize("requests", [5, [5], [{"content": "hi"}]])
def test_a_bad_list_of_texts_is_refused(requests: Any) -> None:
    path = EMBED.replace("embedContent", "batchEmbedContents")
    assert call(Simulator(), "POST", path, {"requests": requests})[0] == 400


def test_a_hundred_texts_are_embedded_at_once() -> None:
    one = {"content": {"parts": [{"text": "hi"}]}, "outputDimensionality": 1}
    path = EMBED.replace("embedContent", "batchEmbedContents")
    assert len(call(Simulator(), "POST", path, {"requests": [one] * 100})[1]["embeddings"]) == 100
    status, error, _ = call(Simulator(), "POST", path, {"requests": [one] * 101})
    assert (status, "at most 100 requests can be in one batch" in error["error"]["message"]) == (400, True)


def test_the_second_embedding_model_counts_its_tokens() -> None:
    body = {"content": {"parts": [{"text": "a short text"}]}, "outputDimensionality": 8}
    answers = [
        call(Simulator(), "POST", f"/v1beta/models/gemini-embedding-{name}:embedContent", body)[1]
        for name in ("001", "2")
    ]
    assert "usageMetadata" not in answers[0]
    usage = answers[1]["usageMetadata"]
    assert usage["promptTokenDetails"] == [{"modality": "TEXT", "tokenCount": usage["promptTokenCount"]}]
