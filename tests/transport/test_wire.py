"""Live over loopback: the exact bytes that go out, the chunks that come back, and every way in which it can go wrong."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness import __version__
from harness.config import Config, Timeouts
from harness.errors import MissingKey, NetworkFault, NoConnection, UsageError
from harness.gemini.providers import ROWS, Provider, build
from harness.model import Exchange, Transport
from harness.run.session import start_simulator
from harness.transport.wire import Wire, download
from tests.endpoint import Endpoint, Script, answer, closed_address, drop, hang, stream
from tests.factories import PARIS, config, slot

BODY = {"contents": [{"role": "user", "parts": [{"text": "Où?"}]}], "generationConfig": {"topK": 1}}
SSE = [b'data: {"n": 1}\r\n\r\n', b'data: {"n": 2}\r\n\r\n', b'data: {"n": 3}\r\n\r\n']


def send(
    settings: Config,
    transport: Transport = "unary",
    environ: dict[str, str] | None = None,
    expects: frozenset[int] = frozenset(),
) -> Exchange:
    """One request over a new Wire, in a new event loop."""

    async def ask() -> Exchange:
        async with Wire(settings, environ or {}, simulator=start_simulator) as wire:
            request = build(settings.find(settings.provider), "gemini-2.5-flash", BODY, transport, expects)
            return await wire.send(request, slot(Path("case.yaml")))

    return asyncio.run(ask())


def ask(*scripts: Script, **more: Any) -> tuple[Exchange, list[bytes]]:
    """What came of a request to an endpoint with these scripts, and what that endpoint was sent."""
    changes = {name: more.pop(name) for name in ("attempts", "max_body_bytes", "timeouts") if name in more}
    with Endpoint(*scripts) as endpoint:
        return send(config(endpoint.url, **changes), **more), endpoint.requests


# --- what goes out ------------------------------------------------------------------------------------

CONTENT = '{"contents":[{"role":"user","parts":[{"text":"Où?"}]}],"generationConfig":{"topK":1}}'.encode()


@pytest.mark.parametrize(
    ("name", "transport", "path", "proof"),
    [
        ("google", "unary", "/v1beta/models/gemini-2.5-flash:generateContent", "x-goog-api-key: the-google-key"),
        (
            "google",
            "stream",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            "x-goog-api-key: the-google-key",
        ),
        ("cometapi", "unary", "/v1beta/models/gemini-2.5-flash:generateContent", "x-goog-api-key: the-comet-key"),
        (
            "cometapi-bearer",
            "stream",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            "authorization: Bearer the-comet-key",
        ),
        ("simulator", "unary", "/v1beta/models/gemini-2.5-flash:generateContent", "x-goog-api-key: simulator"),
        (
            "simulator-gateway",
            "unary",
            "/gateway/v1beta/models/gemini-2.5-flash:generateContent",
            "x-goog-api-key: simulator",
        ),
    ],
)
def test_the_exact_bytes_that_go_out(name: str, transport: Transport, path: str, proof: str) -> None:
    environ = {"GOOGLE_API_KEY": "the-google-key", "COMETAPI_KEY": "the-comet-key"}
    with Endpoint(answer(PARIS)) as endpoint:
        prefix = "/gateway" if name == "simulator-gateway" else ""
        row = replace(ROWS[name], base_url=endpoint.url + prefix)
        send(Config(provider=name, providers={name: row}), transport, environ)
    head, _, content = endpoint.request.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == f"POST {path} HTTP/1.1"
    assert sorted(f"{name.lower()}:{value}" for name, value in (line.split(":", 1) for line in headers)) == sorted(
        [
            f"host: 127.0.0.1:{endpoint.port}",
            "accept: */*",
            "accept-encoding: gzip",
            "content-type: application/json",
            f"user-agent: gemini-harness/{__version__}",
            f"content-length: {len(CONTENT)}",
            proof,
        ]
    )
    assert content == CONTENT


def test_a_missing_key_is_said_before_anything_is_sent() -> None:
    with Endpoint(answer(PARIS)) as endpoint, pytest.raises(MissingKey, match="COMETAPI_KEY"):
        send(Config(provider="c", providers={"c": Provider("c", endpoint.url, "cometapi", keys=("COMETAPI_KEY",))}))
    assert endpoint.requests == []


def test_no_key_goes_to_another_origin() -> None:
    async def stray(settings: Config, url: str) -> None:
        request = replace(build(settings.find("here"), "m", BODY, "unary"), url=url)
        async with Wire(settings, {}) as wire:
            await wire.send(request, slot(Path("case.yaml")))

    with Endpoint(answer(PARIS)) as endpoint, pytest.raises(UsageError, match="no key of 'here' goes there"):
        asyncio.run(stray(config(), f"{endpoint.url}/v1beta/models/m:generateContent"))
    assert endpoint.requests == []


def test_redirects_are_answers() -> None:
    with Endpoint(answer(PARIS)) as elsewhere:
        exchange, _ = ask(answer(b"", 307, {"location": elsewhere.url}))
    assert exchange.status == 307
    assert elsewhere.requests == []


def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Endpoint(answer(PARIS)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        exchange = send(config("http://gateway.example"))
    assert json.loads(exchange.content) == PARIS
    assert proxy.request.startswith(b"POST http://gateway.example/v1beta/models/")


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        (
            "http://127.0.0.1:notaport",
            "the proxy that is set for gateway.example is no address: write http://HOST:PORT",
        ),
        ("CLOSED", "no connection to the proxy: Connection refused"),
    ],
)
def test_a_proxy_that_does_not_work_is_named(proxy: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy.replace("CLOSED", closed_address()))
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises((UsageError, NoConnection), match=message):
        send(config("http://gateway.example", attempts=1))


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_certificates_that_cannot_be_read_are_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(UsageError, match=f"^SSL_CERT_FILE={file}: no certificates can be read there: "):
        send(config("https://gateway.example", attempts=1))
    with pytest.raises(UsageError, match=f"^SSL_CERT_FILE={file}: no certificates can be read there: "):
        download("https://gateway.example", Timeouts(), 100)


# --- what comes back ----------------------------------------------------------------------------------


def test_an_answer_with_its_provenance() -> None:
    exchange, _ = ask(answer(PARIS, headers={"X-Thing": "a"}))
    assert (exchange.status, json.loads(exchange.content), exchange.attempts, exchange.fault) == (200, PARIS, 1, None)
    assert exchange.headers["x-thing"] == "a"
    assert (exchange.provenance.mode, exchange.provenance.recorded_from, exchange.provenance.timing) == (
        "live",
        "import",
        "live",
    )


@pytest.mark.parametrize("packed", [False, True])
def test_chunks_keep_their_borders_and_times(packed: bool) -> None:
    pieces, headers = (_packed(SSE), {"content-encoding": "gzip"}) if packed else (SSE, {})
    exchange, _ = ask(stream(pieces, 0.1, headers=headers), transport="stream")
    assert [chunk.data for chunk in exchange.chunks] == SSE
    times = [chunk.at for chunk in exchange.chunks]
    assert all(at > due - 0.01 for at, due in zip(times, [0.1, 0.2, 0.3], strict=True))
    assert times[0] < times[2] - 0.05
    assert exchange.head_at is not None
    assert exchange.head_at < times[0]


def _packed(pieces: list[bytes]) -> list[bytes]:
    import zlib

    deflate = zlib.compressobj(wbits=31)
    packed = [deflate.compress(piece) + deflate.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return [*packed[:-1], packed[-1] + deflate.flush()]


def test_the_loop_turns_between_two_answers_that_came_together() -> None:
    """Each answer is judged after ``send``. Judged in a row, they would hold up the chunks of streams."""

    async def twenty(settings: Config) -> list[int]:
        passes = 0

        async def count() -> None:
            nonlocal passes
            while True:
                passes += 1
                await asyncio.sleep(0)

        async def one(wire: Wire) -> int:
            await wire.send(build(settings.find("here"), "m", BODY, "unary"), slot(Path("a")))
            time.sleep(0.005)  # noqa: ASYNC251 - it is judged, and the others arrive
            return passes

        counting = asyncio.create_task(count())
        async with Wire(settings, {}) as wire:
            judged_in = await asyncio.gather(*(one(wire) for _ in range(20)))
        counting.cancel()
        return judged_in

    with Endpoint(answer(PARIS)) as endpoint:
        judged_in = asyncio.run(twenty(config(endpoint.url)))
    assert len(set(judged_in)) == 20


def test_the_time_to_open_a_connection_is_not_the_time_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, wait = socket.getaddrinfo, 0.5

    def slowly(*address: Any, **more: Any) -> Any:
        time.sleep(wait)
        return look_up(*address, **more)

    with Endpoint(answer(PARIS)) as endpoint:
        monkeypatch.setattr(socket, "getaddrinfo", slowly)
        started = time.perf_counter()
        exchange = send(config(endpoint.url.replace("127.0.0.1", "localhost")))
        assert time.perf_counter() - started > wait
    assert exchange.head_at is not None
    assert exchange.head_at < wait


def test_a_wire_serves_one_event_loop_after_another() -> None:
    async def five(wire: Wire, settings: Config) -> list[Exchange]:
        asked = build(settings.find("here"), "m", BODY, "unary")
        async with wire:
            return await asyncio.gather(*(wire.send(asked, slot(Path("a"))) for _ in range(5)))

    with Endpoint(answer(PARIS)) as endpoint:
        settings = config(endpoint.url)
        wire = Wire(settings, {})
        answers = [one for _ in range(2) for one in asyncio.run(five(wire, settings))]
    assert [one.status for one in answers] == [200] * 10


def test_cookies_are_not_kept() -> None:
    async def twice(settings: Config) -> None:
        request = build(settings.find("here"), "m", BODY, "unary")
        async with Wire(settings, {}) as wire:
            await wire.send(request, slot(Path("a")))
            await wire.send(request, slot(Path("a")))

    with Endpoint(answer(PARIS, headers={"set-cookie": "a=b"})) as endpoint:
        asyncio.run(twice(config(endpoint.url)))
    assert len(endpoint.requests) == 2
    assert b"cookie" not in endpoint.requests[1].lower()


def test_html_is_an_answer_too() -> None:
    exchange, _ = ask(answer(b"<html>busy</html>", 502, {"content-type": "text/html"}))
    assert (exchange.status, exchange.content) == (502, b"<html>busy</html>")


# --- what breaks --------------------------------------------------------------------------------------


def test_a_server_that_says_nothing_is_given_up() -> None:
    with pytest.raises(NetworkFault, match=r"generateContent: no answer: nothing came for 0\.2 s"):
        ask(hang, timeouts=Timeouts(gap=0.2))


def test_a_stream_that_stalls_keeps_what_came() -> None:
    exchange, _ = ask(stream(SSE[:1], then=hang), transport="stream", timeouts=Timeouts(gap=0.2))
    assert (exchange.content, exchange.fault) == (SSE[0], "stalled: nothing came for 0.2 s")


def test_a_stream_that_drips_for_ever_is_given_up() -> None:
    exchange, _ = ask(stream([b"."] * 60_000, 0.01), transport="stream", timeouts=Timeouts(gap=20, total=0.3))
    assert exchange.fault == "not complete within 0.3 s"
    assert len(exchange.content) >= 3


def test_a_cut_stream_keeps_what_came() -> None:
    exchange, requests = ask(stream(SSE[:2], 0.02, then=drop), transport="stream")
    assert exchange.content == b"".join(SSE[:2])
    assert str(exchange.fault).startswith("cut: ")
    assert len(requests) == 1


def test_a_cut_gzip_stream_says_so() -> None:
    exchange, _ = ask(stream(_packed(SSE)[:2], headers={"content-encoding": "gzip"}))
    assert (exchange.content, exchange.fault) == (b"".join(SSE[:2]), "cut: the compressed body ends early")


def test_gzip_in_several_members_is_read_whole() -> None:
    exchange, _ = ask(
        answer(gzip.compress(SSE[0]) + gzip.compress(SSE[1]), headers={"content-encoding": "gzip"}), transport="stream"
    )
    assert (exchange.content, exchange.fault) == (SSE[0] + SSE[1], None)


def test_padding_behind_gzip_is_no_part_of_the_answer() -> None:
    exchange, _ = ask(answer(gzip.compress(b"{}") + bytes(16), headers={"content-encoding": "gzip"}))
    assert (exchange.content, exchange.fault) == (b"{}", None)


def test_gzip_that_is_none_says_so() -> None:
    exchange, _ = ask(answer(b"{}", headers={"content-encoding": "gzip"}))
    assert str(exchange.fault).startswith("not the gzip it says it is")


def test_an_endless_body_is_cut_at_the_limit() -> None:
    exchange, _ = ask(stream([b"x" * 65536] * 1600), max_body_bytes=1_000_000)
    assert (len(exchange.content), exchange.fault) == (1_000_000, "too large: stopped at 1,000,000 bytes")


def test_a_gzip_bomb_is_cut_at_the_limit() -> None:
    exchange, _ = ask(
        answer(gzip.compress(b"x" * 50_000_000), headers={"content-encoding": "gzip"}), max_body_bytes=1_000_000
    )
    assert (len(exchange.content), exchange.fault) == (1_000_000, "too large: stopped at 1,000,000 bytes")


def test_a_refused_connection_is_tried_three_times() -> None:
    url = closed_address()
    with pytest.raises(
        NetworkFault,
        match=rf"^{url}/v1beta/models/gemini-2\.5-flash:generateContent: no connection: Connection refused \(3 attempts\)$",
    ):
        send(config(url))


def test_an_unknown_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NetworkFault, match=r"the host is not known: Name or service not known"):
        send(config("http://no-such-host.invalid", attempts=1))


def test_a_connection_dropped_before_an_answer_is_retried() -> None:
    exchange, requests = ask(drop, answer(PARIS))
    assert (exchange.status, exchange.attempts, len(requests)) == (200, 2, 2)


def test_a_lost_connection_may_have_sent_the_request() -> None:
    with pytest.raises(NetworkFault, match="the connection was lost") as lost:
        ask(drop)
    assert not isinstance(lost.value, NoConnection)
    with pytest.raises(NoConnection):
        send(config(closed_address()))


def test_what_is_not_http_is_a_network_fault() -> None:
    with pytest.raises(NetworkFault, match="generateContent: "):
        ask(lambda connection: connection.sendall(b"SSH-2.0-nothing\r\n\r\n"))


# --- asking again -------------------------------------------------------------------------------------


def refusal(
    delay: str | None = None, quota: str = "GenerateRequestsPerMinutePerProjectPerModel", code: int = 429
) -> dict[str, Any]:
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}
    ]
    if delay is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return {"error": {"code": code, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": details}}


@pytest.mark.parametrize(
    ("first", "at_least"),
    [
        (answer(refusal("0.3s"), 429), 0.3),
        (answer([refusal("0.3s")], 429), 0.3),
        (answer(refusal(), 429, {"retry-after": "0.3"}), 0.3),
        (answer(refusal("0s"), 503, {"retry-after": "60"}), 0.0),
        (answer(b"oops", 500), 0.0),
    ],
    ids=["RetryInfo", "RetryInfo-in-array", "Retry-After", "RetryInfo-first", "neither"],
)
def test_a_refusal_is_asked_again_after_the_wait_it_names(first: Script, at_least: float) -> None:
    start = time.monotonic()
    exchange, requests = ask(first, answer(PARIS))
    assert (exchange.status, exchange.attempts, len(requests)) == (200, 2, 2)
    took = time.monotonic() - start
    assert at_least <= took < 60
    assert exchange.latency is not None
    assert exchange.latency <= took - at_least  # the answer's own, without the wait
    assert requests[0] == requests[1]


def test_after_three_attempts_the_refusal_stands() -> None:
    exchange, requests = ask(answer(refusal("0.01s"), 429))
    assert (exchange.status, exchange.attempts, len(requests)) == (429, 3, 3)


@pytest.mark.parametrize(
    ("script", "expects"),
    [
        (answer(refusal("0.01s"), 429), frozenset({429})),
        (answer(refusal("0.01s", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"), 429), frozenset()),
        (answer(refusal("3600s"), 429), frozenset()),
        (answer(refusal(code=400), 400), frozenset()),
        (answer(b"", 404), frozenset()),
    ],
    ids=["expected", "daily-quota", "too-long", "400", "404"],
)
def test_these_are_asked_once(script: Script, expects: frozenset[int]) -> None:
    exchange, requests = ask(script, expects=expects)
    assert (exchange.attempts, len(requests)) == (1, 1)


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "Wed, 21 Oct 2015 07:28:00 -0000", "-5"])
def test_odd_retry_after_headers_do_no_harm(header: str) -> None:
    exchange, _ = ask(answer(b"", 503, {"retry-after": header}), answer(PARIS))
    assert exchange.attempts == 2


# --- beside vcrpy, and beside the simulator -----------------------------------------------------------


def test_nothing_is_sent_while_vcrpy_records(tmp_path: Path) -> None:
    import vcr

    path = tmp_path / "theirs.yaml"
    with (
        Endpoint(answer(PARIS)) as endpoint,
        vcr.use_cassette(str(path)),
        pytest.raises(UsageError, match="vcrpy is recording"),
    ):
        send(config(endpoint.url))
    assert endpoint.requests == []
    assert not path.exists()


@pytest.mark.parametrize("name", ["simulator", "simulator-gateway"])
def test_the_simulator_is_started_when_it_is_asked(name: str) -> None:
    exchange = send(Config(provider=name), "stream")
    assert (exchange.status, exchange.fault) == (200, None)
    assert (exchange.provenance.recorded_from, exchange.provenance.simulated) == (name, True)
    assert exchange.request.url.startswith("http://simulator.invalid/")


def test_a_simulator_at_a_providers_address_stays_simulated() -> None:
    exchange, _ = ask(answer(PARIS, headers={"x-simulated": "gemini-harness"}))
    assert exchange.provenance.simulated


def test_many_in_flight_share_one_client() -> None:
    async def ask_all(settings: Config) -> list[Exchange]:
        request = build(settings.find("here"), "m", BODY, "unary")
        async with Wire(settings, {}) as wire:
            return await asyncio.gather(*(wire.send(request, slot(Path("a"), row=n)) for n in range(150)))

    with Endpoint(answer(PARIS)) as endpoint:
        answers = asyncio.run(ask_all(config(endpoint.url)))
    assert [answer.status for answer in answers] == [200] * 150
