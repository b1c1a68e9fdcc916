"""Which interaction answers a request, and what is said where none does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import BadCassette, NoRecording, StaleRecording
from harness.gemini.providers import ROWS, build
from harness.model import Exchange, Request
from harness.text.jsontext import canonical
from harness.transport import matching
from harness.transport.cassette import Interaction, Tape, read
from tests.factories import URL, body, exchange, request, slot

HOST = "generativelanguage.googleapis.com"
CASE = Path("case.yaml")


def tape(*exchanges: Exchange, slots: Any = None) -> matching.Index:
    where = slots or [None] * len(exchanges)
    interactions = [Interaction(n, exchange, where[n]) for n, exchange in enumerate(exchanges)]
    return matching.Index(Tape(CASE, interactions, {}))


def replayed(index: matching.Index, asked: Request, **where: Any) -> bytes:
    return matching.find(index, asked, slot(CASE, **where), HOST).exchange.content


def changes(index: matching.Index, asked: Request, host: str = HOST) -> tuple[str, ...]:
    with pytest.raises(StaleRecording) as stale:
        matching.find(index, asked, slot(CASE), host)
    return stale.value.changes


# --- what is the same request -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        request({"b": [1.0, {"y": 2, "x": True}], "a": "é"}),
        request({"a": "é", "b": [1, {"x": True, "y": 2.0}]}, URL + "?alt=sse&key=hunter2"),
    ],
)
def test_spelling_does_not_count(asked: Request) -> None:
    recorded = request({"a": "é", "b": [1, {"x": True, "y": 2}]}, asked.url.replace("&key=hunter2", ""))
    assert replayed(tape(exchange(b"yes", recorded)), asked) == b"yes"


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), ("1", 1), (None, 0), ([1, 2], [2, 1]), ({}, None)])
def test_these_are_different(old: Any, new: Any) -> None:
    assert changes(tape(exchange(b"no", request({"a": old}))), request({"a": new}))


def test_another_route_matches_in_a_foreign_file_only() -> None:
    recorded = request(url="https://gateway.example/gemini/v1beta/models/gemini-2.5-flash:generateContent")
    foreign, own = exchange(b"yes", recorded, own=False), exchange(b"yes", recorded)
    assert replayed(tape(foreign), request()) == b"yes"
    vertex = "https://x-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent"
    assert replayed(tape(exchange(b"yes", request(url=f"{vertex}?alt=json"), own=False)), request()) == b"yes"
    assert changes(tape(own), request()) == (f"host: was gateway.example, now {HOST}",)


# --- repeats ------------------------------------------------------------------------------------------


def test_attempts_play_in_file_order_where_there_are_no_slots() -> None:
    index = tape(exchange(b"first"), exchange(b"other", request(body("other"))), exchange(b"second"))
    assert replayed(index, request(), repeat=1) == b"second"
    assert replayed(index, request(), repeat=0) == b"first"
    assert replayed(index, request(), repeat=0) == b"first"
    with pytest.raises(NoRecording, match=r"holds 2 recordings of .*, none for attempt 3"):
        replayed(index, request(), repeat=2)


def test_the_same_slot_is_preferred() -> None:
    index = tape(exchange(b"one"), exchange(b"two"), slots=[(0, 1, 0), (0, 0, 0)])
    assert [replayed(index, request(), repeat=n) for n in range(2)] == [b"two", b"one"]
    with pytest.raises(NoRecording, match="attempt 3"):
        replayed(index, request(), repeat=2)


def test_a_row_that_moved_keeps_its_recordings() -> None:
    index = tape(exchange(b"one"), exchange(b"two"), slots=[(4, 0, 0), (4, 1, 0)])
    assert [replayed(index, request(), row=5, repeat=n) for n in range(2)] == [b"one", b"two"]


def test_a_row_that_was_never_recorded_is_missing_not_stale() -> None:
    index = tape(exchange(b"one", request(body("Oslo?"))), slots=[(0, 0, 0)])
    with pytest.raises(NoRecording, match=r"row 4, turn 1"):
        replayed(index, request(body("Rome?")), row=3)


# --- what changed -------------------------------------------------------------------------------------


def test_changes_are_named_by_path() -> None:
    old = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"topP": 1, "seed": 4}, "labels": {"a b": 1}}
    new = {
        "contents": [{"parts": [{"text": "ho"}, {"text": "x"}]}],
        "generationConfig": {"topP": 1, "topK": 3},
        "labels": {"a b": 2},
    }
    assert changes(tape(exchange(b"", request(old))), request(new)) == (
        '$.contents[0].parts[0].text: was "hi", now "ho"',
        '$.contents[0].parts[1]: added: now {"text":"x"}',
        "$.generationConfig.seed: removed: was 4",
        "$.generationConfig.topK: added: now 3",
        '$.labels["a b"]: was 1, now 2',
    )


def test_a_long_text_shows_the_place() -> None:
    old = "The train leaves at nine. " * 40
    new = old[:812] + "but" + old[812:]
    (change,) = changes(tape(exchange(b"", request({"text": old}))), request({"text": new}))
    assert change.startswith('$.text: changed at char 812: was "…')
    assert 'now "…' in change
    assert len(change) < 250


def test_large_data_is_told_by_its_hash() -> None:
    old, new = "QUJD" * 500, "QUJE" * 500
    (change,) = changes(tape(exchange(b"", request({"data": old}))), request({"data": new}))
    assert change.startswith("$.data: data changed: was 2000 characters of data, sha256 ")
    assert len(change) < 200


def test_a_new_model_shows_as_a_new_address() -> None:
    asked = request(url=URL.replace("2.5-flash", "3-flash-preview"))
    with pytest.raises(
        StaleRecording, match=r"case\.yaml is stale for POST /v1beta/models/gemini-3-flash-preview:generateContent:"
    ) as stale:
        matching.find(tape(exchange(b""), slots=[(0, 0, 0)]), asked, slot(CASE), HOST)
    assert stale.value.changes == (
        "address: was /v1beta/models/gemini-2.5-flash:generateContent, now /v1beta/models/gemini-3-flash-preview:generateContent",
    )


def test_without_slots_the_nearest_recording_is_named() -> None:
    far, near = request(body("hi", a=1, b=2)), request(body("hi", a=9))
    assert changes(tape(exchange(b"", far), exchange(b"", near)), request(body("hi", a=8))) == ("$.a: was 9, now 8",)


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.floats(-2, 2).map(lambda f: round(f, 1)),
        st.text("ab", max_size=3),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)),
    max_leaves=8,
)


@given(json_values, json_values)
def test_a_stale_recording_always_says_what_changed(old: Any, new: Any) -> None:
    assert (list(matching.differences(old, new)) == []) == (canonical(old) == canonical(new))


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4))
def test_key_order_and_number_spelling_never_matter(value: dict[str, Any]) -> None:
    turned = {key: float(item) if type(item) is int else item for key, item in reversed(value.items())}
    assert canonical(turned) == canonical(value)


def test_the_host_is_compared_for_our_own_files() -> None:
    own = replace(exchange(b"x"), own=True)
    assert changes(tape(own), request(), host="simulator.invalid") == (f"host: was {HOST}, now simulator.invalid",)


def test_every_real_recording_is_found_by_its_request(shared: Path) -> None:
    row = ROWS["google"]
    found = 0
    for path in sorted((shared / "recordings").rglob("cassettes/**/*.yaml")):
        try:
            index = matching.Index(read(path))
        except BadCassette:
            continue
        for interaction in index.tape.interactions:
            asked = interaction.exchange.request
            if asked.model and ":" in asked.url.rpartition("/")[2] and isinstance(asked.body, dict):
                ours = build(row, asked.model, asked.body, asked.transport)
                if matching.operation(asked.url) == matching.operation(ours.url):
                    repeat = index.by_key[matching.keys(asked, matching.operation(asked.url))[0]].index(interaction)
                    assert matching.find(index, ours, slot(path, repeat=repeat), HOST) is interaction
                    found += 1
    assert found > 400
