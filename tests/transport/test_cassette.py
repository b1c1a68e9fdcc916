"""The cassette format: any vcrpy file is read, what we write is standard, and bytes and borders come back."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import BadCassette
from harness.gemini.providers import is_chat
from harness.model import Chunk, Exchange, Provenance
from harness.text.jsontext import compact
from harness.transport import cassette
from harness.transport.cassette.interaction import read_interaction
from tests.factories import PARIS, URL, exchange, request


def tape(folder: Path, text: str | bytes) -> Path:
    path = folder / "case.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def foreign(folder: Path, response: dict[str, Any], asked: dict[str, Any] | None = None, **top: Any) -> Exchange:
    """The exchange in a vcrpy file with this response."""
    sent = {"method": "POST", "uri": URL, "body": '{"contents": []}', "headers": {}, **(asked or {})}
    whole = {"version": 1, "interactions": [{"request": sent, "response": response}], **top}
    return cassette.read(tape(folder, yaml.safe_dump(whole))).interactions[0].exchange


def ok(body: Any, **more: Any) -> dict[str, Any]:
    return {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": body}, **more}


def written(*exchanges: Exchange) -> str:
    return cassette.dump(cassette.document(exchange, (0, n, 0)) for n, exchange in enumerate(exchanges))


def reread(folder: Path, *exchanges: Exchange) -> Sequence[cassette.Interaction]:
    return cassette.read(tape(folder, written(*exchanges))).interactions


# --- other people's files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "headers"),
    [
        ('{"a": 1}', {}),
        (b'{"a": 1}', {}),
        (gzip.compress(b'{"a": 1}'), {"content-encoding": ["gzip"]}),
        (gzip.compress(b'{"a": 1}'), {}),
        ('{"a": 1}', {"Content-Encoding": ["gzip"], "Content-Length": ["999"]}),
        ('{"a": 1}', {"content-encoding": "br"}),
        (zlib.compress(b'{"a": 1}'), {"content-encoding": "deflate"}),
        (zlib.compress(b'{"a": 1}')[2:-4], {"content-encoding": "deflate"}),
        ('{"a": 1}', None),
    ],
    ids=[
        "text",
        "binary",
        "gzip",
        "gzip-unsaid",
        "plain-called-gzip",
        "plain-called-br",
        "deflate",
        "raw-deflate",
        "no-headers",
    ],
)
def test_a_body_is_read_however_it_was_stored(tmp_path: Path, stored: Any, headers: Any) -> None:
    read = foreign(tmp_path, ok(stored, headers=headers))
    assert (read.content, read.fault, read.verbatim) == (b'{"a": 1}', None, True)
    assert not {"content-encoding", "content-length"} & read.headers.keys()


@pytest.mark.parametrize(
    "response",
    [
        {"status": {"code": 200, "message": None}, "headers": {}, "body": {"string": "hi"}},
        {"status": {"code": 200}, "headers": {}, "body": "hi"},
        {"status_code": 200, "http_version": "HTTP/1.1", "headers": {"a": "b"}, "content": "hi"},
        {"status": 200, "body": {"base64_string": b64encode(b"hi").decode()}},
    ],
    ids=["today", "bare-string", "old-httpx", "old-base64"],
)
def test_old_layouts_are_read(tmp_path: Path, response: dict[str, Any]) -> None:
    read = foreign(tmp_path, response)
    assert (read.status, read.content) == (200, b"hi")


def test_what_only_we_record_is_not_invented(tmp_path: Path) -> None:
    read = foreign(tmp_path, ok("hi"))
    assert not read.own
    assert (read.provenance.timing, read.latency, read.head_at) == ("lost", None, None)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        (URL, "google"),
        ("https://us-central1-aiplatform.googleapis.com/v1/x", "vertex"),
        ("https://api.cometapi.com/v1beta/models/m:generateContent", "cometapi"),
        ("https://simulator.invalid/v1beta/models/m:generateContent", "simulator"),
        ("https://gateway.example/v1beta/models/m:generateContent", "import"),
    ],
)
def test_the_host_says_who_answered(tmp_path: Path, uri: str, source: str) -> None:
    provenance = foreign(tmp_path, ok("hi"), {"uri": uri}).provenance
    assert provenance.recorded_from == source
    assert provenance.simulated == (source == "simulator")


def test_a_parsed_body_is_json_again_but_not_verbatim(tmp_path: Path) -> None:
    asked = {"parsed_body": {"contents": [{"parts": [{"text": "hi"}]}]}, "body": None}
    read = foreign(tmp_path, {"status": {"code": 200}, "headers": {}, "parsed_body": PARIS}, asked)
    assert json.loads(read.content) == PARIS
    assert read.request.body == asked["parsed_body"]
    assert not read.verbatim


def test_credentials_in_a_foreign_file_are_left_behind(tmp_path: Path) -> None:
    asked = {"uri": f"{URL}?alt=sse&key=hunter2", "headers": {"X-Goog-Api-Key": ["hunter2"], "Accept": ["*/*"]}}
    read = foreign(tmp_path, ok("hi"), asked)
    assert read.request.url == f"{URL}?alt=sse"
    assert read.request.headers == {"accept": "*/*"}


def test_the_model_comes_from_the_address_or_the_body(tmp_path: Path) -> None:
    assert foreign(tmp_path, ok("hi")).request.model == "gemini-2.5-flash"
    asked = {"uri": "https://x.example/v1/chat/completions", "body": '{"model": "gemini-2.0-flash"}'}
    assert foreign(tmp_path, ok("hi"), asked).request.model == "gemini-2.0-flash"


def test_json_cassettes_with_surrogate_pairs_are_read(tmp_path: Path) -> None:
    whole = {"version": 1, "interactions": [{"request": {"method": "POST", "uri": URL}, "response": ok("\U0001f600")}]}
    assert cassette.read(tape(tmp_path, json.dumps(whole))).interactions[0].exchange.content == "\U0001f600".encode()


def test_a_cut_gzip_body_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(b"x" * 5000 + bytes(range(256)) * 20)
    read = foreign(tmp_path, ok(whole[:-40]))
    assert read.fault is not None
    assert read.fault.startswith("cut")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("http_interactions: []", "Ruby VCR: no request or answer of Gemini is in it"),
        ("when:\n  path: /x\nthen: {}\n---\nwhen: {}", "httpmock: no request"),
        ("httprr trace v1\n1 2\n", "httprr: exchange 0 is not readable: the trace is cut"),
        ('data: {"a": 1}\n\ndata: {"b": 2}\n\n', "SSE text: no request or answer"),
        ('[{"scope": "https://x", "path": "/"}]', "nock: no request"),
        ('{"recordID": "a", "interactions": []}', "Google test-server: no request"),
        ('{"log": {"entries": []}}', "HAR: no request"),
        ("version: 2\ninteractions: [{request: {url: 'http://x'}, response: {}}]", "go-vcr: no request"),
        ("- request: {}\n  response: {}", "by shape: no request"),
        ("interactions: [1]", "by shape: no request"),
        ("interactions:\n- request: {uri: x\n", "line 3, column 1"),
        ("interactions: [{request: {uri: x}, response: {status: {}}}]", "KeyError: 'code'"),
        (b"\xff\xfe\x00interactions", "not decodable"),
        (
            "version: 1\ninteractions:\n- request:\n    uri: https://a.example/models/gemini-2",
            "by shape: the file is cut",
        ),
        (f"version: 1\ninteractions:\n- request:\n    uri: {URL}\n  response:\n    status:", "the file is cut before"),
        (f"version: 1\ninteractions:\n- request:\n    uri: {URL}\n    headers: {{a: [b", "the file is cut there"),
        (
            f"version: 1\ninteractions:\n- request:\n    uri: {URL}\n  response:\n    status: {{code: 200}}",
            "the file is cut",
        ),
    ],
)
def test_what_is_no_vcrpy_cassette_is_refused_by_name(tmp_path: Path, text: str | bytes, reason: str) -> None:
    path = tape(tmp_path, text)
    with pytest.raises(BadCassette, match=reason) as refused:
        cassette.read(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_body_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    lines = "".join(f"      {line}\n" for line in bomb.splitlines())
    text = (
        f"interactions:\n- request: {{uri: '{URL}'}}\n  response:\n    status: {{code: 200}}\n    parsed_body:\n{lines}"
    )
    with pytest.raises(BadCassette, match="its aliases unfold"):
        cassette.read(tape(tmp_path, text))


def test_a_missing_file_is_a_bad_cassette(tmp_path: Path) -> None:
    with pytest.raises(BadCassette, match="No such file"):
        cassette.read(tmp_path / "none.yaml")


def test_every_vcrpy_recording_of_real_traffic_is_read(shared: Path) -> None:
    folder = shared / "recordings"
    with (folder / "INDEX.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["format"].startswith("vcrpy")]
    tapes = {name: cassette.read(folder / name) for name in {f"{row['repo']}/{row['file']}" for row in rows}}
    assert len(tapes) > 400
    for row in rows:
        read = tapes[f"{row['repo']}/{row['file']}"].interactions[int(row["index"])].exchange
        assert (str(read.status), read.request.model, read.fault) == (row["http_status"], row["model"], None)
        if not is_chat(read.request.url):  # the index knows streams of the native API only
            assert (read.request.transport == "stream") == (row["streaming"] == "1")
        if row["format"] == "vcrpy":
            assert len(read.content) == int(row["response_bytes"])


# --- our own files ------------------------------------------------------------------------------------


def test_our_file_is_readable_and_says_no_more_than_it_must(tmp_path: Path) -> None:
    live = exchange(
        b'data: {"a": 1}\r\n\r\ndata: {"b": 2}\r\n\r\n',
        request(headers={"x-goog-api-key": "hunter2", "accept": "*/*", "content-type": "application/json"}),
        headers={"content-type": "text/event-stream", "set-cookie": "a=b", "date": "today"},
        chunks=[Chunk(b'data: {"a": 1}\r\n\r\n', 0.0524), Chunk(b'data: {"b": 2}\r\n\r\n', 0.133)],
        head_at=0.0521,
    )
    assert (
        written(live)
        == """\
version: 1
interactions:
- request:
    method: POST
    uri: https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent
    headers:
      accept: ['*/*']
      content-type: [application/json]
    body: |-
      {
        "contents": [
          {
            "role": "user",
            "parts": [
              {
                "text": "hi"
              }
            ]
          }
        ]
      }
  response:
    status:
      code: 200
      message: OK
    headers:
      content-type: [text/event-stream]
    body:
      string: |+
        data: {"a": 1}

        data: {"b": 2}

    x-recording:
      v: 1
      at: '2026-11-21T10:00:00+00:00'
      from: google
      slot: [0, 0, 0]
      headers: date set-cookie
      head_ms: 52.1
      t_ms: 52.4 133
      bytes: 18 18
      eol: crlf
"""
    )


def test_an_exchange_comes_back_as_it_was(tmp_path: Path) -> None:
    live = exchange(attempts=2, provenance=Provenance("live", "cometapi", "2026-11-21T10:00:00+00:00"))
    (back,) = reread(tmp_path, live)
    expected = replace(
        live,
        request=replace(
            live.request, headers={"accept": "*/*", "content-type": "application/json"}, provider="cometapi"
        ),
        provenance=Provenance("replay", "cometapi", "2026-11-21T10:00:00+00:00", "recorded"),
    )
    assert back.exchange == expected
    assert back.slot == (0, 0, 0)


def test_a_later_version_is_refused_and_not_half_read(tmp_path: Path) -> None:
    path = tape(tmp_path, written(exchange()))
    path.write_text(path.read_text().replace("      v: 1\n", "      v: 2\n"))
    with pytest.raises(BadCassette, match="version 2 of x-recording; this program reads version 1"):
        cassette.read(path)


def test_of_most_headers_only_the_names_are_stored(tmp_path: Path) -> None:
    headers = {"content-type": "application/json", "via": "1.1 proxy", "cf-ray": "8f2a-ARN", "x-account": "Ada's"}
    live = exchange(b"{}", headers=headers)
    assert "8f2a" not in written(live)
    assert "Ada" not in written(live)
    (again,) = reread(tmp_path, live)
    assert again.exchange.headers == {**headers, "cf-ray": "", "x-account": ""}


def test_simulated_answers_are_stored_under_the_fixed_host(tmp_path: Path) -> None:
    live = exchange(sent=request(url="http://127.0.0.1:8765/gateway/v1beta/models/m:generateContent"))
    simulated = replace(live, provenance=replace(live.provenance, recorded_from="simulator-gateway", simulated=True))
    item = cassette.document(simulated, (0, 0, 0), cassette.SIMULATOR_HOST)
    back = cassette.read(tape(tmp_path, cassette.dump([item]))).interactions[0].exchange
    assert back.request.url == "https://simulator.invalid/gateway/v1beta/models/m:generateContent"
    assert back.provenance.recorded_from == "simulator-gateway"
    assert back.provenance.simulated


def test_a_body_edited_by_hand_has_lost_its_timing(tmp_path: Path) -> None:
    text = written(exchange()).replace("Paris", "Lyon, surely")
    read = cassette.read(tape(tmp_path, text)).interactions[0].exchange
    assert (read.provenance.timing, len(read.chunks), read.latency) == ("lost", 1, None)
    assert b"Lyon, surely" in read.content


line_ends = st.sampled_from(
    [b"\n", b"\r\n", b"\r", "\u2028".encode(), "\x85".encode(), b"---\n", b"\t", b" \n", b"\xef\xbb\xbf"]
)
any_bytes = st.one_of(
    st.binary(max_size=80),
    st.lists(st.one_of(st.text(max_size=8).map(lambda t: t.encode("utf-8", "replace")), line_ends)).map(b"".join),
)


@given(st.lists(st.tuples(any_bytes, st.floats(0, 900)), max_size=5), any_bytes)
def test_any_bytes_come_back_with_their_borders(pieces: list[tuple[bytes, float]], sent: bytes) -> None:
    chunks = [Chunk(data, round(at, 6)) for data, at in pieces if data]
    live = exchange(b"", request(content=sent), chunks=chunks, headers={})
    item = cassette.document(live, None)
    whole = yaml.load(cassette.dump([item]), yaml.CSafeLoader)
    read = read_interaction(0, whole["interactions"][0], verbatim=True).exchange
    assert [chunk.data for chunk in read.chunks] == [chunk.data for chunk in chunks]
    assert [chunk.at for chunk in read.chunks] == pytest.approx([chunk.at for chunk in chunks], abs=1e-6)
    assert read.request.content == sent


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(json_values)
def test_the_bytes_of_any_json_request_come_back(value: Any) -> None:
    sent = compact(value)
    whole = yaml.load(cassette.dump([cassette.document(exchange(sent=request(content=sent)), None)]), yaml.CSafeLoader)
    assert read_interaction(0, whole["interactions"][0], verbatim=True).exchange.request.content == sent


# --- long cassettes --------------------------------------------------------------------------------------


LURE = "a body may say anything:\n      slot: [9, 9, 9]\n- request:\ninteractions:\n"


def long_tape(tmp_path: Path) -> Path:
    """Three rows with two attempts each, too long to be read at once, one of them with a body that looks like a tape."""
    asked = [request({"contents": [{"parts": [{"text": text}]}]}) for text in ("one", LURE, "x" * 1_200_000)]
    documents = [
        cassette.document(exchange(PARIS, asked[row]), (row, attempt, 0)) for row in range(3) for attempt in range(2)
    ]
    path = tmp_path / "long.yaml"
    path.write_text(cassette.dump(documents, {"harness": "1"}), "utf-8")
    return path


def test_a_long_cassette_says_what_a_short_one_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = long_tape(tmp_path)
    long = cassette.read(path)
    monkeypatch.setattr(cassette, "_LONG", 10**9)
    short = cassette.read(path)
    assert type(long.interactions) is not type(short.interactions)
    assert list(long.interactions) == list(short.interactions)
    assert long.recorded_with == short.recorded_with == {"harness": "1"}
    assert list(long.interactions[-2:]) == short.interactions[-2:]


def test_a_long_cassette_is_looked_up_by_slot(tmp_path: Path) -> None:
    tape = cassette.read(long_tape(tmp_path))
    found = tape.at((1, 1, 0))
    assert found is not None
    assert found.slot == (1, 1, 0)
    assert found.exchange.request.body["contents"][0]["parts"][0]["text"] == LURE
    assert tape.at((9, 9, 9)) is None


@pytest.mark.parametrize("longest", [0, 10**9])
def test_a_broken_cassette_names_its_line_however_long_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    path = long_tape(tmp_path)
    monkeypatch.setattr(cassette, "_LONG", longest)
    text = path.read_text("utf-8")
    path.write_text(text.replace("code: 200", "code: [200", 1), "utf-8")
    with pytest.raises(BadCassette, match=r"long\.yaml: not decodable at line "):
        cassette.read(path)


# --- beside stock vcrpy -------------------------------------------------------------------------------


def test_stock_vcrpy_replays_our_file(tmp_path: Path) -> None:
    import httpx
    import vcr

    asked = request()
    answers = [exchange({"n": n}, asked) for n in range(3)]
    path = tape(tmp_path, written(*answers))
    player = vcr.VCR(record_mode="none", match_on=["method", "scheme", "host", "path", "query", "body"])
    with player.use_cassette(str(path)), httpx.Client() as client:
        replies = [
            client.post(URL, content=asked.content, headers={"content-type": "application/json"}) for _ in range(3)
        ]
    assert [response.json() for response in replies] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_stock_vcrpy_preserves_our_keys_when_it_rewrites(tmp_path: Path) -> None:
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import yamlserializer

    live = exchange(chunks=[Chunk(b"a\r\nb", 0.1), Chunk(b"c\r\n", 0.2)])
    path = tape(tmp_path, written(live))
    requests, responses, *_ = FilesystemPersister.load_cassette(path, yamlserializer)
    FilesystemPersister.save_cassette(path, {"requests": requests, "responses": responses}, yamlserializer)
    back = cassette.read(path).interactions[0]
    assert [(chunk.data, chunk.at) for chunk in back.exchange.chunks] == [(b"a\r\nb", 0.1), (b"c\r\n", 0.2)]
    assert (back.slot, back.exchange.own) == ((0, 0, 0), True)


def test_we_replay_what_stock_vcrpy_records(tmp_path: Path) -> None:
    import httpx
    import vcr

    from tests.endpoint import Endpoint, answer

    path = tmp_path / "stock.yaml"
    packed = answer(gzip.compress(b'{"text": "\xc3\xa9"}'), headers={"content-encoding": "gzip"})
    with Endpoint(answer(PARIS), packed) as endpoint, httpx.Client() as client, vcr.use_cassette(str(path)):
        client.post(f"{endpoint.url}/v1beta/models/m:generateContent", json={"a": 1})
        client.post(f"{endpoint.url}/v1beta/models/m:generateContent", json={"a": 2})
    first, second = cassette.read(path).interactions
    assert json.loads(first.exchange.content) == PARIS
    assert first.exchange.request.body == {"a": 1}
    assert second.exchange.content == b'{"text": "\xc3\xa9"}'


def test_pytest_recording_replays_our_file(tmp_path: Path, pytester: pytest.Pytester) -> None:
    folder = pytester.path / "cassettes" / "test_it"
    folder.mkdir(parents=True)
    asked = request()
    (folder / "test_answer.yaml").write_text(written(exchange({"n": 7}, asked)), "utf-8")
    pytester.makepyfile(
        test_it=f"""
        import httpx, pytest

        @pytest.mark.vcr(match_on=["method", "path", "query", "body"])
        def test_answer():
            said = httpx.post({URL!r}, content={asked.content!r}, headers={{"content-type": "application/json"}})
            assert said.json() == {{"n": 7}}
        """
    )
    pytester.runpytest_subprocess(
        "-p", "no:gemini-harness", "-p", "no:cacheprovider", "--block-network"
    ).assert_outcomes(passed=1)
