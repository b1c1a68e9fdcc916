"""Reading answers from bytes in any framing, split in any way."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.answer import reply
from harness.judge.registry import all_rules
from harness.model import Evidence, Provenance, Reply
from tests.exchanges import answer, chunk, exchange, request, sse

STREAM = request(stream=True)


def read(*pieces: bytes) -> Reply:
    return reply.read(exchange(list(pieces), STREAM, headers={}))


def complaints(found: Reply) -> list[str]:
    return [f"{fault.rule} {fault.at}: {fault.message}" for fault in found.faults]


# --- forms ----------------------------------------------------------------------------------------------------


def test_a_unary_answer() -> None:
    found = reply.read(exchange(answer("Oslo")))
    assert (found.form, found.text, found.finish_reason, found.count("totalTokenCount")) == ("json", "Oslo", "STOP", 6)
    assert found.response == answer("Oslo")
    assert found.content == answer("Oslo")["candidates"][0]["content"]
    assert found.faults == []


@pytest.mark.parametrize(
    "end", ["\r\n\r\n", "\n\n", "\r\r", "\r\n: ping\r\n\r\n", "\nid: 7\nevent: message\nretry: 5\n\n"]
)
def test_an_event_stream_ends_its_lines_in_any_way(end: str) -> None:
    found = read(sse(chunk({"text": "Os"}), chunk({"text": "lo"}, finish="STOP"), end=end))
    assert (found.form, found.text, complaints(found)) == ("sse", "Oslo", [])


def test_a_live_answer_that_is_recorded_and_judged_is_read_once() -> None:
    came = replace(exchange(answer("Oslo")), provenance=Provenance("live", "google"))
    assert reply.read(came) is reply.read(came)
    assert reply.read(replace(came, status=500)) is not reply.read(came)


def test_comments_before_data_and_data_over_several_lines() -> None:
    found = read(b': hello\ndata: {"candidates": [\ndata:  {"content": {"parts": [{"text": "Oslo"}]}}\ndata: ]}\n\n')
    assert (found.text, complaints(found)) == ("Oslo", [])


def test_a_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbf" + sse(answer("Oslo"))).text == "Oslo"
    assert reply.read(exchange(b"\xef\xbb\xbf" + json.dumps(answer("Oslo")).encode())).text == "Oslo"


def test_line_separators_of_unicode_end_no_line() -> None:
    text = "one\u2028two\u0085three\x0bfour"
    body = json.dumps(answer(text), ensure_ascii=False).replace("\\u000b", "\x0b").encode()
    assert read(b"data: " + body + b"\r\n\r\n").text == text


def test_the_last_event_is_read_without_its_blank_line() -> None:
    found = read(sse(chunk({"text": "Os"})) + b"data: " + json.dumps(chunk({"text": "lo"})).encode())
    assert found.text == "Oslo"
    assert complaints(found) == ["sse-framing events[1]: the last event is not ended by a blank line"]


def test_events_without_a_blank_line_are_separated() -> None:
    found = read(sse(chunk({"text": "Os"}), chunk({"text": "lo"}), end="\n"))
    assert found.text == "Oslo"
    assert "is a blank line missing" in complaints(found)[1]


def test_done_is_a_fault_and_not_an_event() -> None:
    found = read(sse(answer("Oslo")) + b"data: [DONE]\n\n")
    assert (found.text, len(found.events)) == ("Oslo", 1)
    assert complaints(found) == ["done events[1]: '[DONE]' is not a Gemini event: the stream just ends"]


@pytest.mark.parametrize("payload", ["b'data: {}'", '{"candidates": [', "[1]", "null", '{"a": 1} {"b": 2}'])
def test_a_payload_that_is_not_an_object_is_a_fault(payload: str) -> None:
    found = read(b"data: " + payload.encode() + b"\n\n" + sse(answer("Oslo")))
    assert found.text == "Oslo"
    assert [fault.rule for fault in found.faults] == ["sse-framing"]


ERROR = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (json.dumps(ERROR, indent=2).encode(), "json"),
        (json.dumps([ERROR]).encode(), "array"),
        (sse(chunk({"text": "Os"}), ERROR), "sse"),
        (sse(chunk({"text": "Os"})) + json.dumps(ERROR, indent=2).encode() + b"\n", "sse"),
    ],
    ids=["before the stream", "in an array", "as an event", "as a bare tail"],
)
def test_errors_are_found_wherever_they_come(body: bytes, form: str) -> None:
    found = read(body)
    assert (found.form, found.error) == (form, ERROR["error"])


def test_an_array_sent_in_pieces_and_cut_off() -> None:
    first, second = (json.dumps(chunk({"text": text}), indent=2).encode() for text in ("Os", "lo"))
    whole = read(b"[" + first + b"\r\n,\r\n", second + b"\n]")
    assert (whole.form, whole.text, complaints(whole)) == ("array", "Oslo", [])
    assert [event.at for event in whole.events] == [0.1, 0.2]
    cut = read(b"[" + first + b"\r\n,\r\n" + second[:-4])
    assert cut.text == "Os"
    assert [fault.rule for fault in cut.faults] == ["json-body"]


@pytest.mark.parametrize(
    ("body", "form", "faults"),
    [
        (b"", "empty", 0),
        (b" \r\n", "empty", 0),
        (b"<html><body>502 Bad Gateway</body></html>", "text", 1),
        (b'{"candidates": [', "json", 1),
        (b'{"candidates": []} trailing', "json", 1),
        (b"null", "json", 0),
        (b"[" * 100_000, "array", 1),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "json", 1),
        (b'{"usageMetadata": {"totalTokenCount": NaN}}', "json", 1),
        (b'{"candidates": [{"content": {"parts": [{"text": "\xff"}]}}]}', "json", 1),
        (b'{"n": ' + b"9" * 10_000 + b"}", "json", 1),
        (b'data: {"candidates": [{"content": {"parts": [{"text": "\xff"}]}}]}\n\n', "sse", 1),
        (b'data: {"n": ' + b"9" * 10_000 + b"}\n\n", "sse", 1),
        (b'data: {"a":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001 + b"\n\n", "sse", 1),
        (b'data: {"usageMetadata": {"totalTokenCount": NaN}}\n\n', "sse", 1),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, bytes) else None,
)
def test_odd_bodies_are_read_by_their_bytes(body: bytes, form: str, faults: int) -> None:
    found = reply.read(exchange(body))
    assert (found.form, len(found.faults)) == (form, faults), complaints(found)


def test_a_lone_surrogate_stays_what_it_is() -> None:
    assert reply.read(exchange(b'{"candidates": [{"content": {"parts": [{"text": "\\ud83d"}]}}]}')).text == "\ud83d"


@pytest.mark.parametrize("end", ["data: %s\n\n", "data: %s\ndata:\n\n"])
def test_events_keep_their_types_beside_equal_ones(end: str) -> None:
    values: list[Any] = [
        {"n": [1, {"a": 0}], "s": "x"},
        {"n": [True, {"a": 0.0}], "s": "x"},
        {"n": [1, {"a": False}, 2], "s": ["x"]},
    ]
    found = read("".join(end % json.dumps(value) for value in values).encode())
    assert [repr(event.value) for event in found.events] == [repr(value) for value in values]


# --- merging --------------------------------------------------------------------------------------------------


def test_thoughts_are_kept_apart_and_texts_of_one_kind_joined() -> None:
    found = read(
        sse(
            chunk({"text": "I thi", "thought": True}),
            chunk({"text": "nk", "thought": True}, {"text": "Os"}),
            chunk({"text": "lo"}, {"text": "", "thoughtSignature": "c2ln"}, finish="STOP"),
        )
    )
    assert (found.thoughts, found.text) == ("I think", "Oslo")
    assert found.parts == [{"text": "I think", "thought": True}, {"text": "Oslo", "thoughtSignature": "c2ln"}]
    assert found.content is not None
    assert len(found.content["parts"]) == 5, "the model's turn goes back as it came"


def test_empty_values_never_replace_earlier_values() -> None:
    grounding = {"webSearchQueries": ["euro 2024"], "groundingChunks": [{"web": {"uri": "https://x/"}}]}
    middle, last = chunk({"text": "Spain"}), chunk({"text": "."}, finish="STOP")
    middle["candidates"][0]["groundingMetadata"] = grounding
    last["candidates"][0]["groundingMetadata"] = {"groundingSupports": [{"groundingChunkIndices": [0]}]}
    tail = chunk()
    tail["candidates"][0]["groundingMetadata"] = {}
    found = read(sse(middle, last, tail))
    assert found.grounding == {**grounding, "groundingSupports": [{"groundingChunkIndices": [0]}]}


def test_the_last_usage_with_a_total_counts() -> None:
    usages = [{"totalTokenCount": 3}, {"promptTokenCount": 5, "totalTokenCount": 9}, {"trafficType": "ON_DEMAND"}]
    found = read(sse(*(chunk({"text": "a"}, usageMetadata=usage) for usage in usages)))
    assert found.usage == usages[1]
    assert found.response["usageMetadata"] == usages[1]


def test_every_finish_reason_is_kept_in_order() -> None:
    found = read(sse(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}), chunk(finish="MAX_TOKENS")))
    assert found.finish_reason == "MAX_TOKENS"


def test_candidates_are_merged_by_index() -> None:
    first, second = chunk({"text": "b"}), chunk({"text": "a"})
    first["candidates"][0]["index"] = 1
    found = read(sse(first, second, first))
    assert found.text == "a"
    assert [candidate["content"]["parts"] for candidate in found.response["candidates"]] == [
        [{"text": "a"}],
        [{"text": "bb"}],
    ]


def test_partial_arguments_become_one_call() -> None:
    pieces: list[dict[str, Any]] = [
        {"name": "book", "id": "c1", "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.room.name", "stringValue": "Bl", "willContinue": True}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.room.name", "stringValue": "ue"}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.guests[1]['age']", "numberValue": 7}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.note", "nullValue": "NULL_VALUE"}, {"jsonPath": "$.ok", "boolValue": True}]},
    ]
    found = read(sse(*(chunk({"functionCall": piece}) for piece in pieces), chunk({"functionCall": {"name": "other"}})))
    args = {"room": {"name": "Blue"}, "guests": [None, {"age": 7}], "note": None, "ok": True}
    assert found.function_calls == [{"name": "book", "id": "c1", "args": args}, {"name": "other"}]


def test_numbers_for_enums_are_read_as_each_api_counts_them() -> None:
    body = {"candidates": [{"finishReason": 7, "content": {"parts": [{"text": "a"}]}}]}
    google = reply.read(exchange(body))
    vertex = reply.read(
        exchange(body, request(path="/v1/projects/p/locations/l/publishers/google/models/m:generateContent"))
    )
    assert (google.finish_reason, vertex.finish_reason) == ("BLOCKLIST", "PROHIBITED_CONTENT")
    assert reply.read(exchange({"candidates": [{"finishReason": 99}]})).finish_reason == "99"


# --- times ----------------------------------------------------------------------------------------------------


def test_an_event_has_the_time_of_its_last_byte() -> None:
    body = sse(chunk({"text": "thinking", "thought": True}), chunk({"text": "Oslo"}), chunk(finish="STOP"))
    cut = body.index(b"Oslo") + 2
    found = read(body[:cut], body[cut : cut + 200], body[cut + 200 :])
    assert [event.at for event in found.events] == [0.1, 0.2, 0.2 if cut + 200 >= len(body) else 0.3]
    assert found.ttft == 0.2


def test_lost_times_stay_unknown() -> None:
    found = reply.read(exchange(sse(answer()), STREAM, timing="lost"))
    assert (found.ttft, found.events[0].at) == (None, None)


# --- any input ------------------------------------------------------------------------------------------------

PARTS = st.fixed_dictionaries(
    {"text": st.text(max_size=8)}, optional={"thought": st.booleans(), "thoughtSignature": st.just("c2ln")}
)
STREAMS = st.lists(st.lists(PARTS, max_size=3), min_size=1, max_size=5)


@given(
    chunks=STREAMS,
    cuts=st.sets(st.integers(1, 2_000)),
    end=st.sampled_from(["\r\n\r\n", "\n\n", "\r\r"]),
    array=st.booleans(),
)
def test_any_split_of_the_same_bytes_gives_the_same_reply(
    chunks: list[list[dict[str, Any]]], cuts: set[int], end: str, array: bool
) -> None:
    values = [chunk(*parts) for parts in chunks]
    body = json.dumps(values, ensure_ascii=False).encode() if array else sse(*values, end=end)
    edges = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    whole, split = read(body), read(*(body[start:stop] for start, stop in pairwise(edges)))
    for name in ("form", "response", "faults", "text", "thoughts", "parts", "content", "finish_reason"):
        assert getattr(split, name) == getattr(whole, name)
    assert [event.value for event in split.events] == values
    times = [event.at for event in split.events]
    assert times == sorted(times, key=lambda at: at or 0)


@given(chunks=STREAMS)
def test_a_stream_reads_as_one_answer_with_all_its_parts(chunks: list[list[dict[str, Any]]]) -> None:
    streamed = read(sse(*(chunk(*parts) for parts in chunks)))
    at_once = reply.read(exchange(chunk(*(part for parts in chunks for part in parts))))
    assert (streamed.parts, streamed.content) == (at_once.parts, at_once.content)
    assert streamed.text == "".join(part["text"] for parts in chunks for part in parts if not part.get("thought"))


NAMES = st.sampled_from(
    [
        "candidates",
        "content",
        "parts",
        "text",
        "thought",
        "functionCall",
        "partialArgs",
        "jsonPath",
        "stringValue",
        "willContinue",
        "args",
        "name",
        "index",
        "role",
        "finishReason",
        "groundingMetadata",
        "groundingSupports",
        "segment",
        "startIndex",
        "endIndex",
        "partIndex",
        "groundingChunkIndices",
        "usageMetadata",
        "totalTokenCount",
        "promptTokenCount",
        "promptTokensDetails",
        "tokenCount",
        "modality",
        "promptFeedback",
        "blockReason",
        "modelVersion",
        "error",
        "code",
        "status",
        "message",
        "inlineData",
        "mimeType",
        "data",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["STOP", "$.a[1].b", "7"]),
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=25,
)
LIKELY = st.fixed_dictionaries(
    {"candidates": st.lists(st.dictionaries(NAMES, ANY, max_size=4) | ANY, max_size=2) | ANY},
    optional={"usageMetadata": st.dictionaries(NAMES, ANY) | ANY, "promptFeedback": ANY, "error": ANY},
)


@given(
    values=st.lists(LIKELY | ANY, min_size=1, max_size=3),
    body=ANY,
    status=st.sampled_from([200, 429]),
    form=st.integers(0, 2),
)
def test_no_json_value_crashes_the_reader_or_a_rule(values: list[Any], body: Any, status: int, form: int) -> None:
    content = [json.dumps(values[0]).encode(), sse(*values), json.dumps(values).encode()][form]
    come = exchange(content, request(body, stream=form > 0, sse=form == 1), status=status)
    found = reply.read(come)
    for rule in all_rules().values():
        for mismatch in rule.function(
            Evidence(come, found, body if isinstance(body, dict) else None, "gemini-2.5-flash", come.request.transport)
        ):
            assert mismatch.message


@given(body=st.binary(max_size=200) | st.text(alphabet='dat: {}[]"\r\n,1e', max_size=200).map(str.encode))
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    assert read(body).form in ("json", "sse", "array", "empty", "text")


def test_a_large_page_as_event_stream_has_few_faults() -> None:
    found = read(sse(answer("Oslo")) + b"<p>\n\n" * 50_000)
    assert found.text == "Oslo"
    assert len(found.faults) == 100


# --- long streams -----------------------------------------------------------------------------------------------

ODD = b'data: {"candidates": [\ndata: ]}\n\ndata: [NaN]\n\n{"error": {"code": 500}}\n\ndata: {"a": "\\ud83d"}\n\n: ping\n\n'


@pytest.mark.parametrize("end", ["\r\n\r\n", "\n\n", "\r\r"])
def test_a_long_stream_reads_as_a_short_one(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = ODD + sse(chunk({"text": "Zü"}), chunk({"text": "rich"}), chunk({"text": "!"}, finish="STOP"), end=end) + ODD
    short = reply.read(exchange(body, STREAM, headers={}))
    monkeypatch.setattr("harness.answer.framing.LONG", 0)
    late = reply.read(exchange(body, STREAM, headers={}))
    assert type(late.events) is not list
    assert (late.text, list(late.events)) == ("Zürich!", list(short.events))
    assert (late.response, late.faults) == (short.response, short.faults)
    assert (late.events[-1], late.events[1:3]) == (short.events[-1], short.events[1:3])
