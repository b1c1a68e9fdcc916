"""Faults as public reports tell them, where no other class is of the same kind."""

from __future__ import annotations

import json
from copy import deepcopy

from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


@fault("04a-candidate-count-not-kept", "candidate-count")
def one_of_eight(d: Draft) -> None:
    d.stopped()
    d.configure(candidateCount=8)


@fault("05a-priority-served-standard", "service-tier")
def priority_is_dropped(d: Draft) -> None:
    d.stopped()
    d.put("priority", "serviceTier")
    d.usage["serviceTier"] = "standard"


@fault("21a-cached-above-prompt", "cached-within-prompt")
def cached_subtracted(d: Draft) -> None:
    d.stopped()
    need(d.usage.get("promptTokenCount") and not d.usage.get("toolUsePromptTokenCount"))
    d.recount(cachedContentTokenCount=d.usage["promptTokenCount"] * 60 + 4)


@fault("23b-400-masked-as-429", "error-envelope")
def refusal_masked_as_quota(d: Draft) -> None:
    inner = {"error": {"code": 400, "message": "Corrupted thought signature.", "status": "INVALID_ARGUMENT"}}
    d.status, d.form = 429, "json"
    d.raw = f"All accounts are exhausted. Last error: HTTP 400: {json.dumps(inner)}".encode()


# --- candidates beyond the first ------------------------------------------------------------------------


def _second(d: Draft) -> Object:
    """A second candidate, which was asked for."""
    d.stopped()
    need(d.form == "json" and "nlineData" not in json.dumps(d.last))
    d.configure(candidateCount=2)
    found: Object = {**deepcopy(d.last), "index": 1}
    d.events[0]["candidates"].append(found)
    return found


@fault("second-candidate", "finish-reason candidates visible-output")
def second_has_no_content(d: Draft) -> None:
    del _second(d)["content"]


@fault("second-candidate", "role")
def second_has_another_role(d: Draft) -> None:
    _second(d)["content"]["role"] = "assistant"


@fault("second-candidate", "finish-reason")
def second_has_no_reason(d: Draft) -> None:
    del _second(d)["finishReason"]


@fault("second-candidate", "replacement-character")
def second_lost_a_character(d: Draft) -> None:
    need(d.exchange.verbatim)
    part = next(part for part in _second(d)["content"]["parts"] if part.get("text") and not part.get("thought"))
    part["text"] += "\ufffd"


@fault("second-candidate", "function-declared")
def second_calls_what_is_undeclared(d: Draft) -> None:
    need(d.declarations() and not d.get("cachedContent"))
    call = next(part for part in _second(d)["content"]["parts"] if "functionCall" in part)
    call["functionCall"]["name"] = "undeclared"


@fault("second-candidate", "json-parses")
def second_is_cut(d: Draft) -> None:
    need(d.get("generationConfig", "responseMimeType") == "application/json")
    part = next(part for part in _second(d)["content"]["parts"] if part.get("text") and not part.get("thought"))
    need(part["text"].lstrip().startswith(("{", "[")))
    part["text"] = part["text"].rstrip()[:-1]


# --- the definition -------------------------------------------------------------------------------------


@fault("wire-known")
def field_of_another_api(d: Draft) -> None:
    need(d.status == 200)
    place = d.random.choice([d.events[0], d.usage, d.last])
    place[d.random.choice(["object", "promptTokens", "finish_details", "billed"])] = d.random.choice([1, "x"])


@fault("wire-known")
def reason_of_another_api(d: Draft) -> None:
    d.stopped()
    d.last["finishReason"] = d.random.choice(["stop", "end_turn", "length", "COMPLETED"])


@fault("wire-type")
def text_is_a_list(d: Draft) -> None:
    part = d.one("text")
    part["text"] = [{"type": "text", "text": part["text"]}]


@fault("wire-type")
def index_is_a_word(d: Draft) -> None:
    d.last["index"] = "first"


@fault("wire-type")
def usage_is_a_list(d: Draft) -> None:
    d.usage["promptTokensDetails"] = {"TEXT": d.usage["promptTokenCount"]}


@fault("wire-type")
def version_is_an_object(d: Draft) -> None:
    need(d.status == 200)
    for event in d.events:
        event["modelVersion"] = {"name": event.get("modelVersion") or d.model}
