"""Holds the simulator to recorded answers: to each recorded request it answers with the same status, keys, kinds of chunks and finish
reason, and with token counts of the same magnitude. What differs has a reason here; a reason may explain only so many answers."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from tests.simulator.recordings import Compared, candidate, compared, keys, kinds, usage

TIMES = 3
"""Token counts are of the same magnitude within this factor, or within ``FEW`` tokens."""
FEW = 12
SHARES = {"promptTokenCount": 0.95, "candidatesTokenCount": 0.77, "thoughtsTokenCount": 0.77}
"""Count -> the least fraction of answers in which it has the recorded magnitude. Answers and thoughts of one request vary: the thoughts of
one recorded request (``get_file`` on gemini-3-flash-preview) from 39 to 2,688."""


@pytest.fixture(scope="module")
def pairs(shared: Path) -> Sequence[Compared]:
    found = compared(shared / "recordings")
    assert len(found) > 1000
    return found


class Reason(NamedTuple):
    """Why an answer differs from the recorded one. ``most``: how many answers it may explain."""

    text: str
    most: int
    holds: Callable[[Compared], bool]


def sent(pair: Compared, *words: str) -> bool:
    """Whether the request has one of these words."""
    request = json.dumps(pair.request)
    return any(word in request for word in words)


def generates(pair: Compared) -> bool:
    return pair.answered and pair.operation.endswith("enerateContent")


# --- statuses -----------------------------------------------------------------------------------------

STATUSES = (
    Reason(
        "what the request names was made by another exchange",
        40,
        lambda pair: (
            pair.statuses[1] in (403, 404)
            and sent(pair, "cachedContent", "file_data", "fileData", "file_search", "fileSearch")
        ),
    ),
    Reason(
        "the model is not served any more",
        12,
        lambda pair: pair.statuses[1] == 404 and pair.model.startswith(("gemini-1.5", "gemma-3", "embedding-0")),
    ),
    Reason(
        "the recorded error is about the key or the quota",
        6,
        lambda pair: pair.statuses[0] in (400, 429) and pair.statuses[1] == 200,
    ),
    Reason("an alias of 2.0 that thought", 1, lambda pair: "thinking-exp" in pair.model),
    Reason(
        "file_data in a function's result is not in the definition",
        3,
        lambda pair: sent(pair, "function_response", "functionResponse") and sent(pair, "file_data"),
    ),
)


def test_recorded_requests_get_their_recorded_status(pairs: Sequence[Compared]) -> None:
    wrong = [pair for pair in pairs if pair.statuses[0] != pair.statuses[1]]
    assert unexplained(wrong, STATUSES) == []


# --- keys, chunks, ends -------------------------------------------------------------------------------


def called(chunks: Sequence[Any]) -> bool:
    return any("functionCall" in kinds(chunk) for chunk in chunks)


def steps(chunks: Sequence[Any]) -> int:
    """How many parts run code or show a tool's step."""
    shown = [name for chunk in chunks for name in kinds(chunk)]
    return sum(name in ("executableCode", "toolCall", "toolResponse") for name in shown)


def ends(chunks: Sequence[Any]) -> list[str]:
    return [candidate(chunk)["finishReason"] for chunk in chunks if candidate(chunk).get("finishReason")]


def sequence(chunks: Sequence[Any]) -> list[str]:
    """The kinds of the chunks, equal neighbours once; ``!`` marks the end. Chunks of text are as many as the text needs."""
    found: list[str] = []
    for chunk in chunks:
        kind = "+".join(kinds(chunk)) + "!" * ("finishReason" in candidate(chunk))
        if kind == "text!" and found[-1:] == ["text"]:
            found.pop()
        if found[-1:] != [kind]:
            found.append(kind)
    return found


def missing(pair: Compared) -> set[str]:
    """Keys that the recorded answer has and the simulated one has not."""
    return set(keys(pair.recorded)) - set(keys(pair.simulated))


def of_cache(name: str) -> bool:
    return "cache" in name.rpartition(".usageMetadata.")[2].lower()


def of_thoughts(name: str) -> bool:
    return name.endswith(("thoughtsTokenCount", "thoughtSignature", ".thought"))


def results(pair: Compared) -> bool:
    return sent(pair, "functionResponse", "function_response")


KEYS = (
    Reason("the model calls or does not: its choice", 10, lambda pair: called(pair.recorded) != called(pair.simulated)),
    Reason(
        "the model took another number of steps with tools",
        22,
        lambda pair: steps(pair.recorded) != steps(pair.simulated),
    ),
    Reason("an earlier request had the same beginning", 34, lambda pair: any(map(of_cache, missing(pair)))),
    Reason("turnToken is not in the definition", 16, lambda pair: "[].turnToken" in missing(pair)),
    Reason(
        "the model thought again after results, or not: its choice",
        30,
        lambda pair: results(pair) and all(map(of_thoughts, missing(pair))),
    ),
    Reason(
        "the model searched, or not: its choice",
        4,
        lambda pair: sent(pair, "google_search", "googleSearch", "url_context", "urlContext"),
    ),
    Reason("details of countTokens that only one answer has", 1, lambda pair: pair.operation == "countTokens"),
    Reason("an alias of 2.0 that thought", 1, lambda pair: "thinking-exp" in pair.model),
    Reason("usage of an embedding preview, once of six", 1, lambda pair: pair.operation == "batchEmbedContents"),
    Reason(
        "an answer that ends in its thoughts, or has no text",
        6,
        lambda pair: generates(pair) and "text!" not in sequence(pair.recorded)[-1],
    ),
    Reason(
        "ratings that the request did not ask to block",
        1,
        lambda pair: any("safetyRatings" in name for name in missing(pair)),
    ),
)
CHUNKS = (
    *KEYS[:2],
    Reason(
        "a text in one chunk or several: chance",
        6,
        lambda pair: without_text(pair.recorded) == without_text(pair.simulated),
    ),
    Reason(
        "no summary though thoughts were asked for, or none were spent",
        9,
        lambda pair: unthought(pair.recorded) == unthought(pair.simulated),
    ),
    Reason(
        "an empty last chunk of 2.x, or an answer without a text",
        6,
        lambda pair: {"!", "", "empty!", "thought!"} & set(sequence(pair.recorded)) != set(),
    ),
    Reason("steps in another order, or beside an empty text", 2, lambda pair: steps(pair.recorded) > 0),
    Reason(
        "a text before a call or between thoughts",
        2,
        lambda pair: any("+text" in kind or "text+" in kind for kind in sequence(pair.recorded)),
    ),
)
ENDS = (
    *KEYS[:2],
    Reason(
        "the answer met the limit, or did not: lengths vary",
        21,
        lambda pair: sent(pair, "maxOutputTokens", "max_output_tokens"),
    ),
)


def without_text(chunks: Sequence[Any]) -> list[str]:
    return [kind.replace("text!", "!") for kind in sequence(chunks) if kind != "text"]


def unthought(chunks: Sequence[Any]) -> list[str]:
    plain = [kind.replace("thought+", "") for kind in sequence(chunks) if kind not in ("thought", "text")]
    return [kind.replace("text!", "!") for kind in plain]


ASPECTS: dict[str, tuple[Callable[[Compared], bool], Sequence[Reason]]] = {
    "keys": (lambda pair: bool(missing(pair)), KEYS),
    "chunks": (lambda pair: sequence(pair.recorded) != sequence(pair.simulated), CHUNKS),
    "ends": (lambda pair: ends(pair.recorded) != ends(pair.simulated), ENDS),
}


@pytest.mark.parametrize("aspect", ASPECTS)
def test_answers_have_the_form_of_the_recorded_ones(pairs: Sequence[Compared], aspect: str) -> None:
    differs, reasons = ASPECTS[aspect]
    answered = [pair for pair in pairs if pair.answered and pair.recorded]
    assert unexplained([pair for pair in answered if differs(pair)], reasons) == []


def unexplained(pairs: Sequence[Compared], reasons: Sequence[Reason]) -> list[str]:
    """The names of the pairs without a reason, and the reasons that explain too much."""
    found = [(pair, next((reason for reason in reasons if reason.holds(pair)), None)) for pair in pairs]
    counts = Counter(reason for _, reason in found if reason)
    return [pair.name for pair, reason in found if reason is None] + [
        f"{reason.text}: {count} answers, at most {reason.most}"
        for reason, count in counts.items()
        if count > reason.most
    ]


# --- magnitudes ---------------------------------------------------------------------------------------


def counts(pairs: Sequence[Compared], name: str) -> Iterator[tuple[Compared, int, int]]:
    """The recorded and the simulated count of every answer that has one of them and makes the same choice: a call or a text. Whether a model
    thinks at all after results is chance, so thoughts are compared where both think."""
    for pair in filter(generates, pairs):
        recorded, simulated = (usage(side).get(name) or 0 for side in (pair.recorded, pair.simulated))
        thinks = name != "thoughtsTokenCount" or (recorded and simulated)
        if (
            usage(pair.recorded)
            and (recorded or simulated)
            and thinks
            and called(pair.recorded) == called(pair.simulated)
        ):
            yield pair, recorded, simulated


def same_magnitude(recorded: int, simulated: int) -> bool:
    larger, smaller = max(recorded, simulated), min(recorded, simulated)
    return larger <= TIMES * smaller or larger - smaller <= FEW


@pytest.mark.parametrize("name", SHARES)
def test_token_counts_have_the_recorded_magnitude(pairs: Sequence[Compared], name: str) -> None:
    same = [same_magnitude(recorded, simulated) for _, recorded, simulated in counts(pairs, name)]
    assert len(same) > 500
    assert sum(same) / len(same) >= SHARES[name]


def test_median_thoughts_of_each_model_and_kind_of_answer_are_the_recorded_ones(pairs: Sequence[Compared]) -> None:
    grouped: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for pair, recorded, simulated in counts(pairs, "thoughtsTokenCount"):
        if not sent(pair, "thinkingConfig", "thinking_config"):
            kind = "call" if called(pair.recorded) else "after results" if results(pair) else "text"
            grouped[str(pair.recorded[-1].get("modelVersion")), kind].append((recorded, simulated))
    large = {key: rows for key, rows in grouped.items() if len(rows) >= 10}
    assert len(large) >= 5
    medians = {key: tuple(median(side) for side in zip(*rows, strict=True)) for key, rows in large.items()}
    assert {key: sides for key, sides in medians.items() if not 0.5 <= sides[0] / sides[1] <= 2} == {}


def test_countTokens_counts_what_was_recorded(pairs: Sequence[Compared]) -> None:  # noqa: N802 - the API's name
    found = [
        (pair.recorded[0]["totalTokens"], pair.simulated[0]["totalTokens"])
        for pair in pairs
        if pair.answered and pair.operation == "countTokens"
    ]
    assert len(found) >= 8
    assert [row for row in found if not 0.6 <= row[1] / row[0] <= 1.5] == []
