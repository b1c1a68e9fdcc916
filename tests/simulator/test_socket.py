"""The simulator on a real socket. Any bytes get a valid answer, and connections follow HTTP/1.1."""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.simulator import serve
from harness.simulator.serve import Running
from harness.simulator.traffic import LARGEST

PATH = "/v1beta/models/gemini-3-flash-preview:generateContent"
BODY = json.dumps({"contents": {"parts": {"text": "What is the capital of Peru? One word."}}}).encode()
KEY = {"x-goog-api-key": "k"}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serve.start() as server:
        yield server


def has_ipv6() -> bool:
    """Whether this machine can serve on ``::1``."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def port(running: Running) -> int:
    return int(running.url.rpartition(":")[2])


def connected(running: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(running)), timeout=60)


def head(method: str, path: str, *fields: str, length: int | None = 0) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: a", "x-goog-api-key: k", *fields]
    return "\r\n".join([*lines, *([] if length is None else [f"content-length: {length}"])]).encode() + b"\r\n\r\n"


def answered(sent: socket.socket, method: str = "POST") -> tuple[int, Any]:
    """Status and JSON of the next answer on a connection."""
    response = HTTPResponse(sent, method=method)
    response.begin()
    content = response.read()
    return response.status, json.loads(content) if content else None


def asked(running: Running, *pieces: bytes) -> tuple[int, Any]:
    with closing(connected(running)) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return answered(connection)


def is_refusal(status: int, value: Any) -> bool:
    """Whether an answer is an error with the body of the API, and not an error of the simulator."""
    error = (value[0] if isinstance(value, list) else value)["error"]
    return error["code"] == status and 400 <= status < 500 and bool(error["message"]) and bool(error["status"])


# --- connections --------------------------------------------------------------------------------------


def test_a_connection_is_kept() -> None:
    with serve.start() as running, closing(HTTPConnection("127.0.0.1", port(running), timeout=60)) as connection:
        for _ in range(3):
            connection.request("POST", PATH, BODY, KEY)
            response = connection.getresponse()
            assert (response.status, b"Lima" in response.read()) == (200, True)


def test_a_body_in_chunks_is_put_together(running: Running) -> None:
    chunks = b"".join(
        f"{len(BODY[n : n + 7]):x}\r\n".encode() + BODY[n : n + 7] + b"\r\n" for n in range(0, len(BODY), 7)
    )
    status, answer = asked(running, head("POST", PATH, "transfer-encoding: chunked", length=None), chunks, b"0\r\n\r\n")
    assert status == 200
    assert answer["candidates"][0]["content"]["parts"][0]["text"] == "Lima"


def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    with closing(connected(running)) as connection:
        request = head("POST", PATH, length=len(BODY)) + BODY
        connection.sendall(request + head("GET", "/v1beta/models/gemini-none") + request)
        data = b""
        while data.count(b"Lima") < 2:
            data += connection.recv(65536)
    assert [data.index(b"Lima") < data.index(b"gemini-none") < data.rindex(b"Lima")] == [True]


def test_a_client_may_close_its_sending_side(running: Running) -> None:
    with closing(connected(running)) as connection:
        connection.sendall(head("POST", PATH, length=len(BODY)) + BODY)
        connection.shutdown(socket.SHUT_WR)
        assert answered(connection)[0] == 200
        assert connection.recv(1) == b""


def test_a_client_may_disconnect_in_the_middle(running: Running) -> None:
    for _ in range(20):
        with closing(connected(running)) as connection:
            connection.sendall(head("POST", PATH, length=1000) + BODY)
    assert asked(running, head("POST", PATH, length=len(BODY)), BODY)[0] == 200


def test_many_at_once() -> None:
    latency = 0.2
    with serve.start(latency=latency) as running, ThreadPoolExecutor(32) as pool:
        started = time.perf_counter()
        answers = list(pool.map(lambda _: asked(running, head("POST", PATH, length=len(BODY)), BODY)[0], range(32)))
        took = time.perf_counter() - started
    assert answers == [200] * 32
    assert took < 32 * latency / 2, "two at a time would take as long"


def test_chunks_come_at_their_pace() -> None:
    body = json.dumps({"contents": {"parts": {"text": "Count to 150."}}}).encode()
    pace = 0.05
    with serve.start(pace=pace) as running, closing(connected(running)) as connection:
        started = time.perf_counter()
        connection.sendall(
            head("POST", PATH.replace("generate", "streamGenerate") + "?alt=sse", length=len(body)) + body
        )
        received = [connection.recv(65536)]
        while b"0\r\n\r\n" not in received[-1]:
            received.append(connection.recv(65536))
        took = time.perf_counter() - started
    chunks = b"".join(received).count(b"data: ")
    assert took > 0.9 * pace * (chunks - 1)
    assert chunks > 4
    assert len(received) > 4, "they do not come all at once"


def test_a_client_timeout_before_the_answer_is_a_504() -> None:
    with serve.start(latency=3600) as running:
        started = time.perf_counter()
        status, error = asked(running, head("POST", PATH, "x-server-timeout: 0.2", length=len(BODY)), BODY)
        assert (status, error["error"]["status"]) == (504, "DEADLINE_EXCEEDED")
        assert time.perf_counter() - started >= 0.2


def test_the_list_of_models_is_compressed_on_request(running: Running) -> None:
    with closing(HTTPConnection("127.0.0.1", port(running), timeout=60)) as connection:
        connection.request("GET", "/v1beta/models", headers={**KEY, "accept-encoding": "gzip"})
        response = connection.getresponse()
        assert response.headers["content-encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(response.read()))["models"]) > 5


def test_a_compressed_request_is_read(running: Running) -> None:
    packed = {**KEY, "content-encoding": "gzip", "content-type": "application/json"}
    for body, status in ((gzip.compress(BODY), 200), (gzip.compress(BODY)[:9], 400), (b"no gzip", 400)):
        with closing(HTTPConnection("127.0.0.1", port(running), timeout=60)) as connection:
            connection.request("POST", PATH, body, packed)
            response = connection.getresponse()
            assert (response.status, bool(json.loads(response.read()))) == (status, True)


def test_whole_answers_are_compressed_on_request(running: Running) -> None:
    def answer(path: str, accepts: str) -> tuple[str | None, bytes]:
        with closing(HTTPConnection("127.0.0.1", port(running), timeout=60)) as connection:
            connection.request("POST", path, BODY, {**KEY, "accept-encoding": accepts})
            response = connection.getresponse()
            return response.headers["content-encoding"], response.read()

    for path in (PATH, "/v1beta/models/gemini-none:generateContent"):
        encoding, content = answer(path, "gzip, deflate")
        assert encoding == "gzip"
        assert gzip.decompress(content) == answer(path, "identity")[1]
    encoding, content = answer(PATH.replace("generate", "streamGenerate") + "?alt=sse", "gzip")
    assert encoding is None
    assert content.startswith(b"data: ")


# --- sizes --------------------------------------------------------------------------------------------


def test_twelve_megabytes_are_an_ordinary_body(running: Running) -> None:
    part = {"inlineData": {"mimeType": "video/mp4", "data": "AAAA" * 3_000_000}}
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}, part]}]}).encode()
    status, answer = asked(running, head("POST", PATH, length=len(body)), body)
    assert status == 200
    assert {detail["modality"] for detail in answer["usageMetadata"]["promptTokensDetails"]} == {"TEXT", "VIDEO"}


def test_more_than_a_hundred_megabytes_are_refused(running: Running) -> None:
    piece = b"x" * (1 << 20)
    with closing(connected(running)) as connection:
        connection.sendall(head("POST", PATH, length=LARGEST + len(piece)))
        for _ in range(LARGEST // len(piece) + 1):
            connection.sendall(piece)
        status, error = answered(connection)
    assert is_refusal(status, error)
    assert "payload size exceeds the limit" in error["error"]["message"]


def test_large_heads_are_read(running: Running) -> None:
    status, _ = asked(
        running, head("POST", PATH, *[f"x-{n}: {'y' * 1000}" for n in range(200)], length=len(BODY)), BODY
    )
    assert status == 200
    assert is_refusal(*asked(running, head("GET", f"/v1beta/models/{'m' * 50_000}")))


# --- any bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nhost: a\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"GET / HTTP/1.1\r\nhost a\r\n\r\n",
    ],
)  # fmt: skip
def test_invalid_http_gets_an_error_of_the_api(running: Running, data: bytes) -> None:
    assert is_refusal(*asked(running, data))


_PRINTED = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
_FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["x-server-timeout", "x-simulator-seed", "x-simulator-fault", "x-goog-api-key", "authorization", "accept-encoding",
             "content-type", "x-goog-upload-command", "x-goog-upload-offset", "expect"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
    ),
    max_size=4,
)  # fmt: skip
_ROUTES = st.sampled_from(
    ["", PATH, PATH.replace("generate", "streamGenerate"), PATH.replace("generateContent", "countTokens"), "/v1beta/models", "/v1/models/x",
     "/v1beta/cachedContents", "/v1beta/cachedContents/a", "/upload/v1beta/files", "/v1beta/files", "/v1/chat/completions", "/v1beta/openai/models",
     "/v1beta/models/gemini-embedding-001:embedContent", "/v1beta/models/gemini-embedding-001:batchEmbedContents", "/gateway/v1/models",
     PATH.replace("generateContent", "batchGenerateContent"), "/v1beta/batches", "/v1beta/batches/a:cancel", "/v1beta/openai/chat/completions",
     "/v1beta/openai/embeddings", "/v1beta/files/a:download", "/vertex" + PATH, "/bifrost" + PATH]
)  # fmt: skip
_QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["alt", "$alt", "key", "pageSize", "pageToken", "upload_id", "updateMask", "x"]), _PRINTED
    ),
    max_size=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    _ROUTES,
    _PRINTED | st.just(""),
    _QUERIES,
    _FIELDS,
    st.binary(max_size=60),
)
def test_any_request_gets_a_valid_answer(
    running: Running, method: str, route: str, tail: str, query: Any, fields: Any, body: bytes
) -> None:
    path = (route + tail.replace("#", "").replace("?", "")) or "/"
    path = path if path.startswith("/") else "/" + path
    text = "&".join(f"{name}={value.replace('#', '').replace('&', '')}" for name, value in query)
    lines = [f"{method} {path}{'?' + text if text else ''} HTTP/1.1", "host: a", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in fields if name != "expect"]
    with closing(connected(running)) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        response = HTTPResponse(connection, method=method)
        response.begin()
        content = response.read()
    assert response.status < 500, (content, lines)
    if response.status >= 400:
        assert is_refusal(response.status, json.loads(content))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=300))
def test_no_bytes_crash_the_server(running: Running, data: bytes) -> None:
    with closing(connected(running)) as connection:
        connection.sendall(data)
    assert running._thread.is_alive()


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "host"), [(signal.SIGINT, "127.0.0.1"), (signal.SIGTERM, "::1" if has_ipv6() else "127.0.0.1")]
)
def test_the_command_prints_its_address_and_stops_on_signal(number: signal.Signals, host: str) -> None:
    command = [sys.executable, "-u", "-m", "harness", "simulate", "--host", host, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[4]
        with closing(socket.create_connection((host, int(url.rpartition(":")[2])), timeout=60)) as connection:
            connection.sendall(head("GET", "/v1beta/models/gemini-none"))
            assert answered(connection)[0] == 404
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert re.search(r"GET +/v1beta/models/gemini-none +404 ", output)
    assert output.endswith("stopped\n")


def test_it_still_answers(running: Running) -> None:
    assert asked(running, head("POST", PATH, length=len(BODY)), BODY)[0] == 200
