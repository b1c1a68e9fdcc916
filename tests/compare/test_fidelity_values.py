"""``fidelity`` names a change of a value by the values, knows known changes by them, and says what is too rare to be sure of."""

from __future__ import annotations

from typing import Any

import pytest

from harness.compare.fidelity_changes import Fidelity, FidelityOptions
from tests.exchanges import exchange, request
from tests.fidelity import Recorded, compared

Answers = list[tuple[int, Any]]


def answer(finish: str = "STOP", length: int = 5) -> Any:
    content = {"role": "model", "parts": [{"text": "x" * length}]}
    return {"candidates": [{"content": content, "finishReason": finish}], "modelVersion": "gemini-2.5-flash"}


def refusal(code: int) -> Any:
    return {"error": {"code": code, "message": "no", "status": "INVALID_ARGUMENT"}}


def side(answers: Answers) -> Recorded:
    """The answers to as many questions."""
    asked = (request({"contents": [{"parts": [{"text": f"question {number}"}]}]}) for number in range(len(answers)))
    return Recorded([exchange(body, sent, status=status) for (status, body), sent in zip(answers, asked, strict=True)])


def statuses(*codes: int) -> Recorded:
    return side([(code, answer() if code == 200 else refusal(code)) for code in codes])


def finishes(*reasons: str) -> Recorded:
    return side([(200, answer(reason)) for reason in reasons])


def rows(document: Fidelity, path: str) -> list[tuple[str, int, int, bool]]:
    return [
        (change.message, change.pairs, change.of, change.known)
        for change in document.overall.changes
        if change.path == path
    ]


REFUSED = statuses(*[400] * 12, *[200] * 12)
KNOWN_STATUS = FidelityOptions(known=[{"kind": "status", "path": "status", "from": "400", "to": "401"}])


def test_each_pair_of_values_is_a_row() -> None:
    document = compared(REFUSED, statuses(*[401] * 12, *[500] * 12))
    assert rows(document, "status") == [("200 -> 500", 12, 12, False), ("400 -> 401", 12, 12, False)]


def test_a_rare_status_beside_a_sure_one_is_listed_once() -> None:
    document = compared(statuses(*[400] * 16, 403, *[200] * 20), statuses(*[500] * 12, *[401] * 5, *[200] * 20))
    rare = [change.message for change in document.unsure if change.path == "status"]
    assert sorted(rare) == ["400 -> 401", "403 -> 401"]


def test_a_known_status_hides_no_other() -> None:
    document = compared(REFUSED, statuses(*[401] * 12, *[500] * 12), KNOWN_STATUS)
    assert rows(document, "status") == [("200 -> 500", 12, 12, False), ("400 -> 401", 12, 12, True)]


def test_a_known_finish_reason_hides_no_other() -> None:
    stopped = finishes(*["STOP"] * 24)
    known = FidelityOptions(
        known=[{"kind": "value", "path": "$.candidates[*].finishReason", "from": "STOP", "to": "OTHER"}]
    )
    path = "$.candidates[*].finishReason"
    assert rows(compared(stopped, finishes(*["OTHER"] * 24), known), path) == [("STOP -> OTHER", 24, 24, True)]
    assert rows(compared(stopped, finishes(*["SAFETY"] * 24), known), path) == [("STOP -> SAFETY", 24, 24, False)]


def test_values_too_rare_to_be_sure_of_are_not_lost() -> None:
    document = compared(REFUSED, statuses(*[401] * 12, 500, 503, *[200] * 10))
    assert rows(document, "status") == [("400 -> 401", 12, 12, False)]
    rare = [(change.path, change.message, change.pairs) for change in document.unsure]
    assert rare == [("status", "200 -> 500", 1), ("status", "200 -> 503", 1)]


def test_rare_values_that_are_many_are_one_row() -> None:
    codes = [500, 501, 502, 503, 504, 508]
    document = compared(statuses(*[200] * 24), statuses(*codes, *codes, *codes, *[200] * 6))
    (row,) = rows(document, "status")
    assert row == ("200 -> 500, 501, 502, 503, 504, 508", 18, 24, False)


def test_a_known_change_without_values_stands_for_all() -> None:
    known = FidelityOptions(known=[{"kind": "status", "path": "status"}])
    document = compared(REFUSED, statuses(*[401] * 12, *[500] * 12), known)
    assert all(known for *_, known in rows(document, "status"))


def test_a_known_change_that_spreads_is_new() -> None:
    known = FidelityOptions(
        known=[
            {
                "kind": "value",
                "path": "$.candidates[*].finishReason",
                "from": "STOP",
                "to": "OTHER",
                "pairs": 3,
                "of": 60,
            }
        ]
    )
    stopped = finishes(*["STOP"] * 60)
    document = compared(stopped, finishes(*["OTHER"] * 50, *["STOP"] * 10), known)
    (change,) = [change for change in document.overall.changes if change.kind == "value"]
    assert not change.known
    document = compared(stopped, finishes(*["OTHER"] * 8, *["STOP"] * 52), known)
    (change,) = [change for change in document.overall.changes if change.kind == "value"]
    assert change.known


def test_a_known_shorter_text_is_not_a_longer_one() -> None:
    path = "$.candidates[*].content.parts[*].text"
    texts = {length: side([(200, answer(length=length + number)) for number in range(24)]) for length in (1, 40, 80)}
    known = FidelityOptions(known=[{"kind": "value", "path": path, "to": "smaller"}])
    assert [row[-1] for row in rows(compared(texts[40], texts[1], known), path)] == [True]
    assert [row[-1] for row in rows(compared(texts[40], texts[80], known), path)] == [False]


@pytest.mark.parametrize("number", [9, 5])
def test_no_note_hides_what_may_be_a_change(number: int) -> None:
    """Keys in another order are a note on the whole answer; below it, errors as text are still a change."""
    turned = {key: answer()[key] for key in ("modelVersion", "candidates")}
    reference = side([(400, refusal(400))] * number + [(200, answer())] * 51)
    document = compared(reference, side([(400, {"error": "no"})] * number + [(200, turned)] * 51))
    claimed = [(change.kind, change.path, change.message) for change in document.overall.changes if not change.note]
    unsure = [(change.kind, change.path, change.message) for change in document.unsure]
    assert (claimed, unsure)[number < 9] == [("retyped", "$.error", "object -> string")]
    assert (claimed, unsure)[number >= 9] == []


def test_what_is_always_dropped_counts_among_noise() -> None:
    """Numbers that vary by themselves do not weaken the claim on a field that is always retyped."""
    noise = [{f"count{at}": (7 * at * number + number) % 11 for at in range(20)} for number in range(61)]
    reference = side([(400, refusal(400))] * 9 + [(200, {**answer(), **noise[at]}) for at in range(51)])
    candidate = side([(400, {"error": "no"})] * 9 + [(200, {**answer(), **noise[at + 3]}) for at in range(51)])
    assert rows(compared(reference, candidate), "$.error") == [("object -> string", 9, 9, False)]


def test_what_may_be_lost_is_not_called_kept() -> None:
    signed = answer()
    signed["candidates"][0]["content"]["parts"][0]["thoughtSignature"] = "c2ln"
    document = compared(side([(200, signed)] * 4 + [(200, answer())]), side([(200, answer())] * 5))
    assert document.overall.kept == 1.0
    assert document.overall.kept_least < 1
    assert [feature.kept_least < 1 for feature in document.features] == [True]


def test_a_dropped_path_may_have_a_line_break() -> None:
    whole = side([(200, answer() | {"odd\nname": {"inside": 1}})] * 24)
    cut = side([(200, answer() | {"odd\nname": {}})] * 24)
    (change,) = compared(whole, cut).overall.changes
    assert (change.kind, change.path, change.excerpts) == ("dropped", "$['odd\nname'].inside", (None, None))
