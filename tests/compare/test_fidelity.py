"""What ``fidelity`` claims, against truth: a proxy and the simulator's faults change answers, and each change is named by its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies
from msgspec.structs import replace

from harness.compare.fidelity import gated, kept_gate, percent
from harness.compare.fidelity_changes import Fidelity, FidelityOptions
from harness.errors import UsageError
from harness.model import Chunk, Exchange
from tests import fidelity_proxy as proxy
from tests.exchanges import exchange, request
from tests.fidelity import Recorded, Rewrite, answers, claims, compared, false_claims

nightly = pytest.mark.nightly
KEYS = strategies.sampled_from(
    ["candidates", "content", "parts", "text", "thought", "usageMetadata", "error", "responseModalities", "responseMimeType",
     "responseSchema", "thinkingConfig", "thinkingBudget", "stopSequences", "groundingMetadata", "functionCall", "args"]
)  # fmt: skip
"""Names that are read."""


@pytest.fixture(scope="module")
def google() -> Recorded:
    return answers()


def behind(google: Recorded, rewrite: Rewrite) -> Fidelity:
    return compared(google, answers(rewrite=rewrite))


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize(
    "path",
    [
        "$.responseId",
        "$.usageMetadata",
        "$.usageMetadata.promptTokensDetails",
        "$.usageMetadata.promptTokensDetails[*].modality",
        "$.candidates[*].finishReason",
        "$.candidates[*].content.parts[*].thoughtSignature",
        "$.usageMetadata.thoughtsTokenCount",
    ],
)
def test_a_dropped_path_is_named_and_nothing_else(google: Recorded, path: str, every: int) -> None:
    document = behind(google, proxy.at(path, proxy.drop, every=every))
    assert claims(document) == {("dropped", path)}
    (change,) = document.overall.changes
    share = change.pairs / change.of
    assert share == 1.0 if every == 1 else 0.2 < share < 0.5
    assert change.interval[0] < share <= change.interval[1]
    assert document.overall.kept < 1


@pytest.mark.parametrize(
    "path",
    [
        "$.candidates[*].content.parts[*].functionCall",
        "$.candidates[*].content.parts[*].inlineData",
        "$.candidates[*].content.parts[*].thought",
        "$.candidates[*].groundingMetadata",
        "$.candidates[*].groundingMetadata.groundingSupports",
    ],
)
def test_a_path_of_few_answers_is_named_where_it_is_always_dropped(google: Recorded, path: str) -> None:
    assert claims(behind(google, proxy.at(path, proxy.drop))) == {("dropped", path)}


@pytest.mark.parametrize("every", [1, 3])
def test_added_paths_are_named(google: Recorded, every: int) -> None:
    document = behind(google, proxy.at("$.usageMetadata.cacheReads", proxy.add, every=every))
    assert claims(document) == {("added", "$.usageMetadata.cacheReads")}


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("$.usageMetadata", "cpaUsageMetadata"),
        ("$.modelVersion", "model"),
        ("$.candidates[*].finishReason", "finish_reason"),
        ("$.responseId", "id"),
    ],
)
def test_a_renamed_path_is_one_change(google: Recorded, path: str, new: str) -> None:
    document = behind(google, proxy.at(path, proxy.rename(new), every=3))
    assert claims(document) == {("renamed", path)}
    assert document.overall.changes[0].message == f"{path.rpartition('.')[2]} -> {new}"


def test_two_changes_at_once_are_not_a_rename(google: Recorded) -> None:
    both = [proxy.at("$.responseId", proxy.drop), proxy.at("$.cost", proxy.add)]
    document = behind(google, lambda exchange, number: both[1](both[0](exchange, number), number))
    assert claims(document) == {("dropped", "$.responseId"), ("added", "$.cost")}


@pytest.mark.parametrize("every", [1, 3])
def test_a_number_as_text_is_retyped(google: Recorded, every: int) -> None:
    document = behind(google, proxy.at("$.usageMetadata.totalTokenCount", proxy.retype, every=every))
    assert claims(document) == {("retyped", "$.usageMetadata.totalTokenCount")}
    assert document.overall.changes[0].message == "number -> string"


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize(
    ("name", "value"), [("x-gemini-service-tier", None), ("x-oneapi-request-id", "42"), ("content-type", "text/plain")]
)
def test_headers_are_named(google: Recorded, name: str, value: str | None, every: int) -> None:
    assert claims(behind(google, proxy.header(name, value, every=every))) == {("header", f"header {name}")}


@pytest.mark.parametrize(
    ("change", "rewrite"),
    [
        ("stream line endings", proxy.events(lambda pieces: [piece.replace(b"\r\n", b"\n") for piece in pieces])),
        ("stream [DONE]", proxy.events(lambda pieces: [*pieces, b"data: [DONE]\r\n\r\n"])),
        ("stream comments", proxy.events(lambda pieces: [b": ping\r\n\r\n", *pieces])),
    ],
)
def test_the_framing_of_streams_is_named(google: Recorded, change: str, rewrite: Rewrite) -> None:
    assert claims(behind(google, rewrite)) == {("framing", change)}


def test_slower_streams_are_named(google: Recorded) -> None:
    document = behind(google, proxy.events(list, pace=0.1))
    assert claims(document) == {("timing", "stream first event"), ("timing", "stream pacing")}


def test_one_event_for_many_is_named(google: Recorded) -> None:
    found = claims(behind(google, proxy.events(lambda pieces: pieces[-1:])))
    assert {("framing", "stream events")} <= found


def test_three_of_many_is_never_a_claim(google: Recorded) -> None:
    drop = proxy.at("$.responseId", proxy.drop)
    document = behind(google, lambda exchange, number: drop(exchange, number) if number in (3, 40, 77) else exchange)
    assert claims(document) == set()
    assert document.overall.kept == 1.0


def test_few_pairs_cannot_tell_and_say_how_many_would(google: Recorded) -> None:
    dropped = answers(rewrite=proxy.at("$.responseId", proxy.drop))
    few, fewer = (Recorded(side.exchanges[20:24]) for side in (google, dropped))
    document = compared(few, fewer)
    assert (claims(document), document.enough) == (set(), False)
    (unsure,) = document.unsure
    assert (unsure.kind, unsure.path, unsure.pairs, unsure.of, unsure.needs) == ("dropped", "$.responseId", 4, 4, 2)
    gate = gated(document, kept_gate("kept=100%"))
    assert gate.crossed is None
    assert gate.message.startswith("cannot tell: ")


def test_the_order_of_keys_is_a_note_and_no_loss(google: Recorded) -> None:
    document = behind(google, proxy.at("$.candidates[*].index", proxy.rename("index"), every=1))
    assert claims(document) == set()
    assert {(change.kind, change.path) for change in document.overall.changes} <= {("order", "$.candidates[*]")}
    assert document.overall.kept == 1.0


def test_ignored_and_known_changes(google: Recorded) -> None:
    side = answers(rewrite=proxy.at("$.usageMetadata.promptTokensDetails", proxy.drop))
    assert claims(compared(google, side, FidelityOptions(ignore=["$.usageMetadata"]))) == set()
    known = FidelityOptions(known=[{"kind": "dropped", "path": "$.usageMetadata.promptTokensDetails"}])
    document = compared(google, side, known)
    assert document.overall.kept < 1 == document.overall.kept_new
    assert gated(document, kept_gate("kept=100%")).crossed is False
    assert gated(compared(google, side), kept_gate("kept=100%")).crossed is True


@pytest.mark.parametrize("gate", ["kept", "kept=100", "kept=101%", "dropped=0%", "kept=x%"])
def test_gates_that_cannot_be_read(gate: str, google: Recorded) -> None:
    with pytest.raises(UsageError, match="expected kept= with a percentage"):
        kept_gate(gate)


def test_percentages_are_rounded_down() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.5, 0.0)] == ["100%", "99.9%", "50%", "0%"]


FAULTS: dict[str, str] = {
    "lost-signature": "dropped $.candidates[*].content.parts[*].thoughtSignature",
    "no-usage": "dropped $.usageMetadata",
    "no-thoughts-count": "dropped $.usageMetadata.thoughtsTokenCount",
    "wrong-sum": "value $.usageMetadata.totalTokenCount",
    "substituted-model": "model $.modelVersion",
    "unknown-field": "added $.simulatedNews",
    "wrong-type": "retyped $.candidates[*].index",
    "undeclared-call": "value $.candidates[*].content.parts[*].functionCall.name",
    "forgets-system": "ignored $.systemInstruction",
    "forgets-tools": "ignored $.tools",
    "no-image": "ignored $.generationConfig.responseModalities",
    "fenced-json": "ignored $.generationConfig.responseMimeType",
    "no-content-type": "header header content-type",
    "html": "status status",
}
"""Fault -> everything that is claimed."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_nothing_else(google: Recorded, fault: str) -> None:
    assert claims(compared(google, answers(fault))) == {_claim(FAULTS[fault])}


def _claim(text: str) -> tuple[str, str]:
    kind, _, path = text.partition(" ")
    return kind, path


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.floats() | strategies.integers() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(KEYS | strategies.text(), inner),
    max_leaves=12,
)


@given(JSON, JSON, strategies.sampled_from([200, 429]), strategies.sampled_from(["unary", "stream"]))
def test_any_answer_to_any_request_is_compared(body: Any, response: Any, status: int, transport: str) -> None:
    sent = request({"generationConfig": body, "tools": body}, stream=transport == "stream")
    reference, candidate = (
        Recorded([exchange(answer, sent, status=status)] * 12) for answer in (response, {"candidates": response})
    )
    compared(reference, candidate)


@nightly
def test_the_simulator_against_itself_makes_no_claims() -> None:
    assert len(false_claims(100)) <= 9  # 5% of 100, and what chance may add (97.5% quantile)


# --- few answers ------------------------------------------------------------------------------------------


def only_at(status: int, rewrite: Rewrite) -> Rewrite:
    """The proxy changes answers with this status only."""
    return lambda exchange, number: rewrite(exchange, number) if exchange.status == status else exchange


@pytest.mark.parametrize(
    ("kind", "path", "edit"),
    [
        ("dropped", "$.error.status", proxy.drop),
        ("dropped", "$.error.code", proxy.drop),
        ("retyped", "$.error.code", proxy.retype),
        ("retyped", "$.error", proxy.retype),
        ("added", "$.error.type", proxy.add),
    ],
)
def test_what_few_errors_lose_is_named_with_their_status(
    google: Recorded, path: str, kind: str, edit: proxy.Edit
) -> None:
    document = behind(google, only_at(404, proxy.at(path, edit)))
    assert claims(document) == set()
    found = [(change.kind, change.path, change.pairs, change.of) for change in document.unsure]
    assert (kind, path, 3, 3) in found
    (change,) = (change for change in document.unsure if (change.kind, change.path) == (kind, path))
    assert change.message.endswith("at HTTP 404")
    assert len(change.trials) == 3


def test_pages_in_place_of_few_errors_are_named(google: Recorded) -> None:
    page = only_at(403, lambda exchange, _: replace(exchange, chunks=[Chunk(b"<html>no</html>", 0.1)]))
    document = behind(google, page)
    (change,) = (change for change in document.unsure if change.path == "$")
    assert (change.kind, change.pairs, change.of) == ("dropped", 3, 3)
    assert change.message == "the body is cut, empty or not JSON, at HTTP 403"


def test_an_error_that_differs_once_of_many_is_no_finding(google: Recorded) -> None:
    seldom = only_at(400, proxy.at("$.error.status", proxy.drop, every=20))
    assert not [change for change in behind(google, seldom).unsure if change.path == "$.error.status"]


# --- what comes first -------------------------------------------------------------------------------------


def test_what_callers_read_comes_first(google: Recorded) -> None:
    lost = ("$.responseId", "$.usageMetadata.thoughtsTokenCount", "$.candidates[*].content.parts[*].thoughtSignature")
    rewrites = [proxy.at(path, proxy.drop) for path in lost]

    def all_of_them(exchange: Exchange, number: int) -> Exchange:
        for rewrite in rewrites:
            exchange = rewrite(exchange, number)
        return exchange

    assert [change.path for change in behind(google, all_of_them).overall.changes] == list(reversed(lost))


@pytest.mark.parametrize(
    ("fault", "kind", "path"),
    [
        ("lost-signature", "dropped", "$.candidates[*].content.parts[*].thoughtSignature"),
        ("no-usage", "dropped", "$.usageMetadata"),
        ("error-200", "added", "$.error"),
        ("blocked", "added", "$.promptFeedback"),
        ("html", "status", "status"),
        ("empty", "dropped", "$"),
        ("substituted-model", "model", "$.modelVersion"),
        ("forgets-tools", "ignored", "$.tools"),
        ("wrong-content-type", "header", "header content-type"),
        ("comments", "framing", "stream comments"),
    ],
)
def test_a_fault_is_named_first(google: Recorded, fault: str, kind: str, path: str) -> None:
    document = compared(google, answers(fault))
    first = document.overall.changes[0] if document.overall.changes else document.unsure[0]
    assert (first.kind, first.path) == (kind, path)
    assert first.exhibit is not None


def test_answers_after_another_attempt_are_named(google: Recorded) -> None:
    def slow(exchange: Exchange, number: int) -> Exchange:
        return exchange if number % 4 else replace(exchange, attempts=2)

    document = behind(google, slow)
    assert claims(document) == {("status", "retries")}
    (change,) = document.overall.changes
    assert change.message == "answers after another attempt only"
    assert document.overall.kept > 0.9


def test_the_details_of_a_count_are_no_second_change(google: Recorded) -> None:
    def fewer(found: dict[str, Any], key: str) -> None:
        if key in found:
            found[key] -= 1

    paths = ("$.usageMetadata.promptTokenCount", "$.usageMetadata.promptTokensDetails[*].tokenCount")

    def both(exchange: Exchange, number: int) -> Exchange:
        return proxy.at(paths[0], fewer)(proxy.at(paths[1], fewer)(exchange, number), number)

    document = behind(google, both)
    assert {path for kind, path in claims(document) if kind == "value"} == {paths[0]}


def test_other_arguments_in_one_answer_are_no_finding(google: Recorded) -> None:
    path = "$.candidates[*].content.parts[*].functionCall.args.city"
    with_city = [number for number, sent in enumerate(google.exchanges) if b'"city"' in sent.content]

    def once(exchange: Exchange, number: int) -> Exchange:
        return proxy.at(path, proxy.drop)(exchange, number) if number == with_city[0] else exchange

    assert with_city
    document = behind(google, once)
    assert path not in [change.path for change in document.unsure]
    assert claims(document) == set()
