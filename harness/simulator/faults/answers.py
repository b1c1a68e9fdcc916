"""Answers that say something wrong. ``values`` are the response objects: one, or one a chunk of a stream."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from harness.simulator.faults.registry import edits
from harness.simulator.request import Ask

Json = dict[str, Any]
JSON_MODE = "application/json"


def _candidates(values: list[Json]) -> Iterator[Json]:
    for value in values:
        yield from value.get("candidates", ())


def _parts(values: list[Json]) -> Iterator[Json]:
    for candidate in _candidates(values):
        yield from candidate.get("content", {}).get("parts", ())


def _texts(values: list[Json]) -> list[Json]:
    """The parts of the answer's text, thoughts left out."""
    return [part for part in _parts(values) if part.get("text") and not part.get("thought")]


def _calls(values: list[Json]) -> list[Json]:
    return [part["functionCall"] for part in _parts(values) if "functionCall" in part]


def _usages(values: list[Json]) -> list[Json]:
    return [value["usageMetadata"] for value in values if "usageMetadata" in value]


def _say(values: list[Json], text: str) -> None:
    """Make ``text`` the whole answer: in the first text part, the others emptied."""
    for number, part in enumerate(_texts(values)):
        part["text"] = text if number == 0 else ""


def _said(values: list[Json]) -> str:
    return "".join(part["text"] for part in _texts(values))


def _say_json(values: list[Json], ask: Ask, text: str) -> None:
    """Make ``text`` the whole answer where JSON was asked for; other answers stay as they are."""
    if ask.mime == JSON_MODE:
        _say(values, text)


def _ends(values: list[Json], finish: str) -> None:
    for candidate in _candidates(values):
        if "finishReason" in candidate:
            candidate["finishReason"] = finish


# --- usage --------------------------------------------------------------------------------------------


@edits("usage-present")
def no_usage(values: list[Json], _: Ask) -> None:
    """No usageMetadata at all."""
    for value in values:
        value.pop("usageMetadata", None)


@edits("usage-sum")
def no_thoughts_count(values: list[Json], _: Ask) -> None:
    """The thoughtsTokenCount is dropped, the total still holds it."""
    for usage in _usages(values):
        usage.pop("thoughtsTokenCount", None)


@edits("usage-sum")
def wrong_sum(values: list[Json], _: Ask) -> None:
    """The totalTokenCount is seven too many."""
    for usage in _usages(values):
        usage["totalTokenCount"] += 7


@edits("usage-natural")
def negative_count(values: list[Json], _: Ask) -> None:
    """The candidatesTokenCount is negative."""
    for usage in _usages(values):
        usage["candidatesTokenCount"] = -1


@edits("usage-details")
def wrong_details(values: list[Json], _: Ask) -> None:
    """The promptTokensDetails do not sum to the promptTokenCount."""
    for usage in _usages(values):
        for detail in usage.get("promptTokensDetails", ()):
            detail["tokenCount"] += 1


@edits("usage-prompt-stable")
def prompt_drift(values: list[Json], _: Ask) -> None:
    """The promptTokenCount changes from chunk to chunk."""
    for number, usage in enumerate(_usages(values)[:-1], 1):
        usage["promptTokenCount"] += number
        usage["totalTokenCount"] += number


@edits("candidates-count")
def no_candidates_count(values: list[Json], _: Ask) -> None:
    """The candidatesTokenCount is missing though there is an answer."""
    for usage in _usages(values):
        usage["totalTokenCount"] -= usage.pop("candidatesTokenCount", 0)


# --- thinking -----------------------------------------------------------------------------------------


@edits("thinking-budget")
def ignored_budget(values: list[Json], ask: Ask) -> None:
    """More is thought than the thinkingBudget allows; with a budget of 0 at all."""
    budget = ask.thinking.get("thinkingBudget", 0)
    for usage in _usages(values):
        more = max(budget, 0) + 500 - usage.get("thoughtsTokenCount", 0)
        usage["thoughtsTokenCount"] = usage.get("thoughtsTokenCount", 0) + more
        usage["totalTokenCount"] += more


@edits("thoughts-unasked")
def unasked_thoughts(values: list[Json], _: Ask) -> None:
    """Thought parts come though nobody asked for them."""
    for candidate in list(_candidates(values))[:1]:
        candidate.setdefault("content", {"role": "model"}).setdefault("parts", []).insert(
            0, {"text": "Let me think.", "thought": True}
        )


@edits("thoughts-missing")
def missing_thoughts(values: list[Json], _: Ask) -> None:
    """Thoughts are counted and were asked for, but no thought part comes."""
    _without_thoughts(values)


def _without_thoughts(values: list[Json]) -> None:
    for candidate in _candidates(values):
        content = candidate.get("content", {})
        if "parts" in content:
            content["parts"] = [part for part in content["parts"] if not part.get("thought")]


@edits("thought-leak")
def thought_leak(values: list[Json], _: Ask) -> None:
    """The answer begins with the raw thinking."""
    for part in _texts(values)[:1]:
        part["text"] = "THOUGHT: The user wants an answer.\n" + part["text"]


@edits("thought-leak")
def control_text(values: list[Json], _: Ask) -> None:
    """The answer begins with a fragment of the model's own instructions."""
    for part in _texts(values)[:1]:
        part["text"] = "...94>thought CRITICAL INSTRUCTION 1: simulated.\n" + part["text"]


@edits()
def no_thinking(values: list[Json], _: Ask) -> None:
    """Nothing is thought, whatever the request says: no thought parts, no thoughtsTokenCount."""
    _without_thoughts(values)
    for usage in _usages(values):
        usage["totalTokenCount"] -= usage.pop("thoughtsTokenCount", 0)


@edits("finish-reason")
def eaten_by_thoughts(values: list[Json], _: Ask) -> list[Json]:
    """MAX_TOKENS, and nothing was said: thoughts ate the whole limit."""
    last = values[-1]
    if "candidates" in last:
        last["candidates"] = [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]
        usage = last["usageMetadata"]
        usage["thoughtsTokenCount"] = usage.get("thoughtsTokenCount", 0) + usage.pop("candidatesTokenCount", 0)
        usage.pop("candidatesTokensDetails", None)
    return [last]


@edits("thought-leak")
def untagged_thoughts(values: list[Json], _: Ask) -> None:
    """Thought parts lose their mark and become part of the answer, between <think> tags."""
    for part in _parts(values):
        if part.pop("thought", None):
            part["text"] = f"<think>{part['text']}</think>"


# --- structured output --------------------------------------------------------------------------------


@edits("json-parses")
def fenced_json(values: list[Json], ask: Ask) -> None:
    """JSON between ``` fences."""
    _say_json(values, ask, f"```json\n{_said(values)}\n```")


@edits("json-parses")
def truncated_json(values: list[Json], ask: Ask) -> None:
    """JSON that ends in the middle, under STOP."""
    text = _said(values)
    _say_json(values, ask, text[: max(1, len(text) // 2)])


@edits("json-parses")
def extra_json(values: list[Json], ask: Ask) -> None:
    """Two JSON values in a row."""
    _say_json(values, ask, f"{_said(values)}\n{_said(values)}")


@edits("json-parses")
def prose_for_json(values: list[Json], ask: Ask) -> None:
    """Prose where JSON was asked for, as from a gateway that does not pass the schema on."""
    _say_json(values, ask, "Here is what you asked for: it is simulated.")


@edits("json-parses")
def thoughts_in_json(values: list[Json], ask: Ask) -> None:
    """Thoughts stand before the JSON, unmarked, in the same text."""
    _say_json(values, ask, f"**Determining the answer**\n\nI look at each field in turn.\n\n{_said(values)}")


@edits("finish-reason")
def number_loop(values: list[Json], ask: Ask) -> None:
    """JSON in which the digits of a number repeat until MAX_TOKENS."""
    if ask.mime == JSON_MODE:
        _say(values, '{"simulated": 0.1' + "3" * 2000)
        _ends(values, "MAX_TOKENS")


@edits("json-schema")
def schema_violation(values: list[Json], ask: Ask) -> None:
    """The first value of the JSON answer has a wrong type, or the whole is no object."""
    value = _json(_said(values))
    if isinstance(value, dict) and value:
        first = next(iter(value))
        value[first] = {"wrong": [value[first]]}
    _say_json(values, ask, json.dumps(value if isinstance(value, dict) and value else {"wrong": True}))


@edits("json-schema")
def missing_key(values: list[Json], ask: Ask) -> None:
    """The first key of the JSON answer is missing."""
    value = _json(_said(values))
    if isinstance(value, dict) and value:
        value.pop(next(iter(value)))
        _say_json(values, ask, json.dumps(value))


@edits("json-order")
def reversed_keys(values: list[Json], ask: Ask) -> None:
    """The keys of the JSON answer come in the opposite order."""
    value = _json(_said(values))
    if isinstance(value, dict):
        _say_json(values, ask, json.dumps(dict(reversed(value.items()))))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


# --- functions ----------------------------------------------------------------------------------------


@edits("thought-signature")
def lost_signature(values: list[Json], _: Ask) -> None:
    """Thought signatures are gone."""
    for part in _parts(values):
        part.pop("thoughtSignature", None)


@edits("function-declared")
def undeclared_call(values: list[Json], _: Ask) -> None:
    """A function is called that nobody declared."""
    for call in _calls(values)[:1]:
        call["name"] = "simulated_undeclared"


@edits("function-args")
def wrong_args(values: list[Json], _: Ask) -> None:
    """A call's arguments have the wrong types."""
    for call in _calls(values):
        call["args"] = {name: {"wrong": value} for name, value in call.get("args", {}).items()}


@edits("function-args")
def missing_args(values: list[Json], _: Ask) -> None:
    """Calls come without arguments."""
    for call in _calls(values):
        call["args"] = {}


@edits("function-duplicate")
def duplicate_call(values: list[Json], _: Ask) -> None:
    """The first call comes twice."""
    for candidate in _candidates(values):
        parts = candidate.get("content", {}).get("parts", [])
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None:
            call = {key: value for key, value in first["functionCall"].items() if key != "id"}
            first["functionCall"].pop("id", None)
            parts.append({"functionCall": call})
            return


@edits("finish-reason")
def malformed_call(values: list[Json], _: Ask) -> list[Json]:
    """MALFORMED_FUNCTION_CALL: no content, only a finish message."""
    return _only_ends(values, "MALFORMED_FUNCTION_CALL", "Malformed function call: print(default_api.simulated(")


@edits("finish-reason")
def unexpected_call(values: list[Json], _: Ask) -> list[Json]:
    """UNEXPECTED_TOOL_CALL: a candidate without content, tools or not."""
    return _only_ends(values, "UNEXPECTED_TOOL_CALL", "Unexpected tool call: simulated")


def _only_ends(values: list[Json], finish: str, message: str) -> list[Json]:
    """The last value alone, its candidate without content."""
    last = values[-1]
    if "candidates" in last:
        last["candidates"] = [{"finishReason": finish, "index": 0, "finishMessage": message}]
        last["usageMetadata"]["totalTokenCount"] -= last["usageMetadata"].pop("candidatesTokenCount", 0)
        last["usageMetadata"].pop("candidatesTokensDetails", None)
    return [last]


# --- grounding ----------------------------------------------------------------------------------------


def _groundings(values: list[Json]) -> list[Json]:
    return [found for candidate in _candidates(values) if (found := candidate.get("groundingMetadata"))]


@edits("grounding-segment")
def character_offsets(values: list[Json], _: Ask) -> None:
    """Grounding offsets count characters instead of bytes (the same in plain ASCII), and start one late."""
    text = _said(values).encode()
    for found in _groundings(values):
        for support in found.get("groundingSupports", ()):
            segment = support["segment"]
            for name in ("startIndex", "endIndex"):
                segment[name] = len(text[: segment.get(name, 0)].decode("utf-8", "ignore")) + 1


@edits("grounding-index")
def dangling_chunk(values: list[Json], _: Ask) -> None:
    """A support names a chunk that is not there."""
    for found in _groundings(values):
        for support in found.get("groundingSupports", ()):
            support["groundingChunkIndices"] = [len(found.get("groundingChunks", ())) + 3]


@edits("grounding-segment")
def wrong_part(values: list[Json], _: Ask) -> None:
    """Segments of the answer's text name a part that it is not in."""
    for found in _groundings(values):
        for support in found.get("groundingSupports", ()):
            support["segment"]["partIndex"] = 7


@edits()
def footnotes(values: list[Json], _: Ask) -> None:
    """The answer has footnote marks, and no grounding that says what they mean."""
    if not _groundings(values):
        return
    for candidate in _candidates(values):
        candidate.pop("groundingMetadata", None)
    for part in _texts(values)[-1:]:
        part["text"] += " [1][2]"


@edits("grounding-chunks")
def no_chunks(values: list[Json], _: Ask) -> None:
    """The search ran, but no chunks and supports came back."""
    for found in _groundings(values):
        found.pop("groundingChunks", None)
        found.pop("groundingSupports", None)


@edits()
def empty_grounding(values: list[Json], _: Ask) -> None:
    """The groundingMetadata is {} (real answers do that too)."""
    for candidate in _candidates(values):
        if "groundingMetadata" in candidate:
            candidate["groundingMetadata"] = {}


# --- the envelope -------------------------------------------------------------------------------------


@edits("model-version")
def substituted_model(values: list[Json], _: Ask) -> None:
    """A cheaper model answers."""
    for value in values:
        value["modelVersion"] = "gemini-2.0-flash-lite"


@edits("visible-output")
def empty_stop(values: list[Json], _: Ask) -> None:
    """STOP, and nothing was said."""
    if any(candidate.get("finishReason") == "STOP" for candidate in _candidates(values)):
        for candidate in _candidates(values):
            candidate["content"] = {"role": "model"}


@edits("prompt-blocked")
def blocked(values: list[Json], _: Ask) -> list[Json]:
    """A harmless prompt is blocked: no candidates, blockReason OTHER, and not a word why."""
    last = values[-1]
    counted = last["usageMetadata"]["promptTokenCount"]
    last.pop("candidates", None)
    last["promptFeedback"] = {"blockReason": "OTHER"}
    last["usageMetadata"] = {"promptTokenCount": counted, "totalTokenCount": counted}
    return [last]


@edits("candidates")
def no_candidates(values: list[Json], _: Ask) -> list[Json]:
    """No candidates and no reason why."""
    values[-1].pop("candidates", None)
    return values[-1:]


@edits("finish-reason")
def no_finish(values: list[Json], _: Ask) -> None:
    """The finish reason is missing."""
    for candidate in _candidates(values):
        candidate.pop("finishReason", None)


@edits("output-limit")
def hidden_truncation(values: list[Json], ask: Ask) -> None:
    """An answer that was cut at the limit says STOP."""
    most = ask.config.get("maxOutputTokens")
    for usage in _usages(values)[-1:]:
        missing = (most or 0) - usage.get("candidatesTokenCount", 0) - usage.get("thoughtsTokenCount", 0)
        if missing > 0:
            usage["candidatesTokenCount"] = usage.get("candidatesTokenCount", 0) + missing
            usage["totalTokenCount"] += missing
    for candidate in _candidates(values):
        if candidate.get("finishReason") == "MAX_TOKENS":
            candidate["finishReason"] = "STOP"


@edits()
def truncation_as_other(values: list[Json], _: Ask) -> None:
    """An answer that was cut at the limit says OTHER (an outcome that only its suite can tell from another)."""
    for candidate in _candidates(values):
        if candidate.get("finishReason") == "MAX_TOKENS":
            candidate["finishReason"] = "OTHER"


@edits("replacement-character")
def broken_characters(values: list[Json], _: Ask) -> None:
    """A character was cut in the middle on the way."""
    for part in _texts(values)[:1]:
        part["text"] = part["text"][:-1] + "\ufffd"


@edits("wire-known")
def unknown_field(values: list[Json], _: Ask) -> None:
    """A field that the definition does not know."""
    for value in values:
        value["simulatedNews"] = {"anything": 1}


@edits("finish-reason")
def unknown_finish(values: list[Json], _: Ask) -> None:
    """A finish reason that the definition does not know."""
    for candidate in _candidates(values):
        if "finishReason" in candidate:
            candidate["finishReason"] = "SIMULATED_NEW_REASON"


@edits("wire-type")
def wrong_type(values: list[Json], _: Ask) -> None:
    """The index is text that is no number."""
    for candidate in _candidates(values):
        candidate["index"] = "first"


@edits("inline-mime")
def wrong_image_type(values: list[Json], _: Ask) -> None:
    """An image says that it is a JPEG and is a PNG, or the other way round."""
    for part in _parts(values):
        if "inlineData" in part:
            blob = part["inlineData"]
            blob["mimeType"] = "image/png" if blob["mimeType"] == "image/jpeg" else "image/jpeg"


@edits("modality")
def no_image(values: list[Json], _: Ask) -> None:
    """An image was asked for, and only words come."""
    for part in _parts(values):
        if part.pop("inlineData", None):
            part["text"] = "I drew it."


# --- the order of a stream ----------------------------------------------------------------------------


@edits("stream-end")
def early_finish(values: list[Json], _: Ask) -> None:
    """Every chunk of a stream says STOP."""
    for candidate in _candidates(values if len(values) > 1 else []):
        candidate["finishReason"] = "STOP"


@edits("stream-end")
def no_end(values: list[Json], _: Ask) -> list[Json]:
    """A stream ends cleanly before its last chunk."""
    return values[:-1] if len(values) > 1 else values


@edits("stream-delta")
def snapshots(values: list[Json], _: Ask) -> None:
    """Each chunk of a stream repeats all text so far."""
    told = ""
    for part in _texts(values):
        told += part["text"]
        part["text"] = told


@edits("stream-delta")
def repeated_text(values: list[Json], _: Ask) -> list[Json]:
    """After its chunks a stream tells the whole text again."""
    told = _said(values)
    if len(values) == 1 or not told:
        return values
    again = copy.deepcopy(values[-1])
    again["candidates"][0]["content"] = {"parts": [{"text": told}], "role": "model"}
    for candidate in _candidates(values):
        candidate.pop("finishReason", None)
    return [*values, again]
