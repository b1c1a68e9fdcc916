"""Faults in the fields around the content, and in the order of a stream."""

from __future__ import annotations

import copy

from harness.simulator.faults.registry import edits
from harness.simulator.faults.values import Json, candidates, parts, text_of, texts, usages
from harness.simulator.request import Ask


@edits("model-version")
def substituted_model(values: list[Json], _: Ask) -> None:
    """A cheaper model answers."""
    for value in values:
        value["modelVersion"] = "gemini-2.0-flash-lite"


@edits("visible-output")
def empty_stop(values: list[Json], _: Ask) -> None:
    """STOP without any content."""
    if any(candidate.get("finishReason") == "STOP" for candidate in candidates(values)):
        for candidate in candidates(values):
            candidate["content"] = {"role": "model"}


@edits("prompt-blocked")
def blocked(values: list[Json], _: Ask) -> list[Json]:
    """A harmless prompt is blocked: no candidates, and blockReason OTHER without an explanation."""
    last = values[-1]
    counted = last["usageMetadata"]["promptTokenCount"]
    last.pop("candidates", None)
    last["promptFeedback"] = {"blockReason": "OTHER"}
    last["usageMetadata"] = {"promptTokenCount": counted, "totalTokenCount": counted}
    return [last]


@edits("candidates")
def no_candidates(values: list[Json], _: Ask) -> list[Json]:
    """No candidates and no reason."""
    values[-1].pop("candidates", None)
    return values[-1:]


@edits("finish-reason")
def no_finish(values: list[Json], _: Ask) -> None:
    """The finish reason is missing."""
    for candidate in candidates(values):
        candidate.pop("finishReason", None)


@edits("output-limit")
def hidden_truncation(values: list[Json], ask: Ask) -> None:
    """An answer that was cut at the token limit says STOP."""
    most = ask.config.get("maxOutputTokens")
    for usage in usages(values)[-1:]:
        missing = (most or 0) - usage.get("candidatesTokenCount", 0) - usage.get("thoughtsTokenCount", 0)
        if missing > 0:
            usage["candidatesTokenCount"] = usage.get("candidatesTokenCount", 0) + missing
            usage["totalTokenCount"] += missing
    for candidate in candidates(values):
        if candidate.get("finishReason") == "MAX_TOKENS":
            candidate["finishReason"] = "STOP"


@edits()
def truncation_as_other(values: list[Json], _: Ask) -> None:
    """An answer that was cut at the token limit says OTHER (only an expected finishReason in the suite can detect that)."""
    for candidate in candidates(values):
        if candidate.get("finishReason") == "MAX_TOKENS":
            candidate["finishReason"] = "OTHER"


@edits("replacement-character")
def broken_characters(values: list[Json], _: Ask) -> None:
    """The text has a broken character (U+FFFD)."""
    for part in texts(values)[:1]:
        part["text"] = part["text"][:-1] + "\ufffd"


@edits("wire-known")
def unknown_field(values: list[Json], _: Ask) -> None:
    """A field that is not in the definition."""
    for value in values:
        value["simulatedNews"] = {"anything": 1}


@edits("finish-reason")
def unknown_finish(values: list[Json], _: Ask) -> None:
    """A finish reason that is not in the definition."""
    for candidate in candidates(values):
        if "finishReason" in candidate:
            candidate["finishReason"] = "SIMULATED_NEW_REASON"


@edits("wire-type")
def wrong_type(values: list[Json], _: Ask) -> None:
    """The index is text and not a number."""
    for candidate in candidates(values):
        candidate["index"] = "first"


@edits("inline-mime")
def wrong_image_type(values: list[Json], _: Ask) -> None:
    """An image that is declared as JPEG is a PNG, or the reverse."""
    for part in parts(values):
        if "inlineData" in part:
            blob = part["inlineData"]
            blob["mimeType"] = "image/png" if blob["mimeType"] == "image/jpeg" else "image/jpeg"


@edits("modality")
def no_image(values: list[Json], _: Ask) -> None:
    """The request asks for an image, and only text comes."""
    for part in parts(values):
        if part.pop("inlineData", None):
            part["text"] = "I drew it."


@edits("stream-end")
def early_finish(values: list[Json], _: Ask) -> None:
    """Every chunk of a stream says STOP."""
    for candidate in candidates(values if len(values) > 1 else []):
        candidate["finishReason"] = "STOP"


@edits("stream-end")
def no_end(values: list[Json], _: Ask) -> list[Json]:
    """A stream ends cleanly before its last chunk."""
    return values[:-1] if len(values) > 1 else values


@edits("stream-delta")
def snapshots(values: list[Json], _: Ask) -> None:
    """Each chunk of a stream repeats all earlier text."""
    so_far = ""
    for part in texts(values):
        so_far += part["text"]
        part["text"] = so_far


@edits("stream-delta")
def repeated_text(values: list[Json], _: Ask) -> list[Json]:
    """The last chunk of a stream repeats the whole text."""
    whole = text_of(values)
    if len(values) == 1 or not whole:
        return values
    again = copy.deepcopy(values[-1])
    again["candidates"][0]["content"] = {"parts": [{"text": whole}], "role": "model"}
    for candidate in candidates(values):
        candidate.pop("finishReason", None)
    return [*values, again]
