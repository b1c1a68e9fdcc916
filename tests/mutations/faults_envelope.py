"""Faults of status, headers, candidates, ends and identity."""

from __future__ import annotations

import json

from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault

ERRORS = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def _failed(d: Draft) -> int:
    """Turn the answer into a healthy error and return its status."""
    d.status, d.form = d.random.choice(list(ERRORS)), "json"
    d.headers = {**d.headers, "content-type": "application/json; charset=UTF-8"}
    d.events = [{"error": {"code": d.status, "message": "The request failed.", "status": ERRORS[d.status]}}]
    return d.status


@fault("http-status")
def fails(d: Draft) -> None:
    need(d.status == 200)
    _failed(d)


@fault("error-envelope")
def other_code(d: Draft) -> None:
    d.events[0]["error"]["code"] = _failed(d) + 1


@fault("error-envelope")
def code_of_a_gateway(d: Draft) -> None:
    _failed(d)
    d.events[0]["error"] = {"message": "upstream failed", "type": "api_error", "code": "upstream_error"}


@fault("error-envelope")
def page_of_a_proxy(d: Draft) -> None:
    _failed(d)
    d.raw = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@fault("error-envelope")
def error_without_a_body(d: Draft) -> None:
    _failed(d)
    d.raw = b""


@fault("error-envelope")
def nested_error(d: Draft) -> None:
    _failed(d)
    d.events[0]["error"]["message"] = json.dumps(d.events[0])


@fault("error-envelope")
def no_message(d: Draft) -> None:
    _failed(d)
    del d.events[0]["error"]["message"]


@fault("error-status-name", "error-status-name error-envelope")
def name_of_another_status(d: Draft) -> None:
    status = _failed(d)
    d.events[0]["error"]["status"] = d.random.choice([name for code, name in ERRORS.items() if code != status])


@fault("content-type")
def other_content_type(d: Draft) -> None:
    need(d.exchange.verbatim and d.headers.get("content-type") and (d.exchange.own or "?" in d.url))
    d.headers["content-type"] = d.random.choice(["text/html", "text/plain; charset=utf-8", "application/octet-stream"])


@fault("content-type")
def no_content_type(d: Draft) -> None:
    need(d.exchange.own)
    del d.headers["content-type"]


@fault("json-body")
def cut_body(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    whole = d.bytes()
    d.raw = whole[: d.random.randrange(2, len(whole) - 1)]


@fault("json-body")
def empty_body(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    d.raw = b""


@fault("json-body")
def page_under_200(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    d.raw = b"<!doctype html><title>Sign in</title>"


@fault("json-body")
def error_under_200(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    _failed(d)
    d.status = 200


@fault("json-body")
def answer_of_openai(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    d.events = [{"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "Hello"}}]}]


@fault("json-body")
def array_of_one(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    d.raw = b"[" + d.bytes() + b"]"


@fault("json-body")
def body_sent_twice(d: Draft) -> None:
    need(d.form == "json" and d.status == 200)
    d.raw = d.bytes() * 2


@fault("candidates")
def no_candidates(d: Draft) -> None:
    d.stopped()
    for event in d.events:
        event["candidates"] = []


@fault("candidates")
def only_usage(d: Draft) -> None:
    d.stopped()
    d.events = [{key: value for key, value in event.items() if key != "candidates"} for event in d.events]


@fault("prompt-blocked")
def blocked_prompt(d: Draft) -> None:
    d.stopped()
    usage = {"promptTokenCount": 7, "totalTokenCount": 7}
    d.events = [
        {
            "promptFeedback": {"blockReason": d.random.choice(["SAFETY", "PROHIBITED_CONTENT", "OTHER"])},
            "usageMetadata": usage,
        }
    ]


@fault("finish-reason", "finish-reason max-tokens-unasked")
def other_reason(d: Draft) -> None:
    d.stopped()
    d.last["finishReason"] = d.random.choice(["SAFETY", "RECITATION", "OTHER", "MALFORMED_FUNCTION_CALL", "MAX_TOKENS"])


@fault("finish-reason")
def no_reason(d: Draft) -> None:
    need(d.form == "json")
    d.stopped()
    del d.last["finishReason"]


@fault("visible-output")
def empty_text(d: Draft) -> None:
    d.stopped()
    need(
        all(
            set(part) <= {"text", "thoughtSignature", "thought"}
            for one in d.candidates()
            for part in one["content"].get("parts", [])
        )
    )
    for part in d.parts("text"):
        part["text"] = ""


@fault("visible-output")
def no_parts(d: Draft) -> None:
    d.stopped()
    for candidate in d.candidates():
        candidate["content"] = {"role": "model"}


@fault("visible-output")
def only_thoughts(d: Draft) -> None:
    d.stopped()
    for candidate in d.candidates():
        for part in candidate.get("content", {}).get("parts", []):
            part["thought"] = True


@fault("replacement-character")
def lost_character(d: Draft) -> None:
    need(d.exchange.verbatim and d.status == 200)
    part = d.one("text")
    at = d.random.randrange(len(part["text"]))
    part["text"] = part["text"][:at] + "\ufffd" + part["text"][at + 1 :]


@fault("model-version")
def older_model_answers(d: Draft) -> None:
    need(d.status == 200 and "latest" not in d.model and d.model.startswith("gemini-"))
    for event in d.events:
        event["modelVersion"] = "gemini-2.0-flash-lite" if "pro" in d.model or "2.5" in d.model else "gemini-2.5-flash"


@fault("role", "role")
def other_role(d: Draft) -> None:
    need(d.status == 200)
    name = d.random.choice(["assistant", "user", "Model", "ai", "system", "function"])
    for candidate in d.candidates():
        candidate["content"]["role"] = name


@fault("max-tokens-unasked")
def cut_without_a_limit(d: Draft) -> None:
    d.stopped()
    d.configure(maxOutputTokens=None)
    need(0 < d.usage.get("candidatesTokenCount", 0) + d.usage.get("thoughtsTokenCount", 0) < 1000)
    d.last["finishReason"] = "MAX_TOKENS"


@fault("max-tokens-unasked")
def cut_far_under_the_limit(d: Draft) -> None:
    d.stopped()
    spent = d.usage.get("candidatesTokenCount", 0) + d.usage.get("thoughtsTokenCount", 0)
    need(spent > 0)
    d.configure(maxOutputTokens=2 * spent + d.random.randint(17, 500))
    d.last["finishReason"] = "MAX_TOKENS"


@fault("block-with-answer")
def blocked_and_answered(d: Draft) -> None:
    d.stopped()
    d.random.choice(d.events)["promptFeedback"] = {"blockReason": d.random.choice(["SAFETY", "OTHER", "BLOCKLIST"])}


@fault("block-with-answer")
def blocked_rating_under_stop(d: Draft) -> None:
    d.stopped()
    rating = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": True}
    d.last["safetyRatings"] = [rating]


@fault("candidate-count")
def second_candidate_unasked(d: Draft) -> None:
    d.stopped()
    need(d.form == "json" and (d.get("generationConfig", "candidateCount") or 1) == 1)
    second = json.loads(json.dumps(d.last))
    d.events[0]["candidates"].append({**second, "index": 1})


@fault("candidate-count")
def higher_index(d: Draft) -> None:
    d.stopped()
    need((d.get("generationConfig", "candidateCount") or 1) == 1)
    index = d.random.randint(1, 7)
    for candidate in list(d.candidates()):
        candidate["index"] = index


@fault("candidate-count")
def fewer_than_asked(d: Draft) -> None:
    d.stopped()
    d.configure(candidateCount=d.random.randint(2, 8))


@fault("alias-family", "alias-family model-version")
def pro_answers_for_flash(d: Draft) -> None:
    need(d.status == 200 and d.model.startswith("gemini-"))
    alias, version = d.random.choice(
        [
            ("gemini-flash-latest", "gemini-3.1-pro-preview"),
            ("gemini-flash-lite-latest", "gemini-2.5-flash"),
            ("gemini-pro-latest", "gemini-2.5-flash-lite"),
        ]
    )
    d.ask(alias)
    for event in d.events:
        event["modelVersion"] = version


@fault("other-maker", "other-maker model-version")
def model_of_another_maker(d: Draft) -> None:
    need(d.status == 200)
    version = d.random.choice(["gpt-4o-mini", "claude-sonnet-4-5", "deepseek-chat", "qwen3-max", "llama-3.3-70b"])
    for event in d.events:
        event["modelVersion"] = version


@fault("service-tier")
def standard_for_priority(d: Draft) -> None:
    d.stopped()
    d.put(d.random.choice(["priority", "flex"]), "serviceTier")
    d.usage["serviceTier"] = "standard"


@fault("error-status-name")
def key_refused_as_500(d: Draft) -> None:
    _failed(d)
    d.status = 500
    d.events[0]["error"] = {"code": 500, "message": "API key not valid.", "status": "INTERNAL"}


_RPC = "type.googleapis.com/google.rpc."


@fault("error-envelope")
def detail_without_its_field(d: Draft) -> None:
    _failed(d)
    kind = d.random.choice(["QuotaFailure", "BadRequest", "ErrorInfo"])
    d.events[0]["error"]["details"] = [{"@type": _RPC + kind}]


@fault("error-envelope")
def detail_of_another_form(d: Draft) -> None:
    _failed(d)
    kind, value = d.random.choice(_STRANGE)
    d.events[0]["error"]["details"] = [{"@type": _RPC + kind, **value}]


_STRANGE: list[tuple[str, Object]] = [
    ("RetryInfo", {"retryDelay": {"seconds": 3}}),
    ("RetryInfo", {"retry_delay": "3s"}),
    ("RetryInfo", {"retryDelay": None}),
    ("RetryInfo", {"retryDelay": "-3s"}),
    ("Help", {"links": ["https://example.com"]}),
    ("QuotaFailure", {"violations": [{"quotaDimensions": "model"}]}),
    ("BadRequest", {"fieldViolations": [{"field": ["tools", 0]}]}),
    ("ErrorInfo", {"reason": "API_KEY_INVALID", "metadata": ["service"]}),
]


@fault("error-envelope")
def something_behind_the_error(d: Draft) -> None:
    _failed(d)
    d.raw = d.bytes() + d.random.choice([b"upstream failed", d.bytes()])


@fault("error-envelope")
def something_in_the_error(d: Draft) -> None:
    _failed(d)
    need(d.form == "json")
    d.events[0]["error"]["request_id"] = "r"


@fault("error-status-name")
def error_about_another_model(d: Draft) -> None:
    need(_failed(d) == 404 and d.model.startswith("gemini-"))
    d.events[0]["error"]["message"] = "models/gemini-1.0-ultra is not found for API version v1beta."


@fault("error-envelope")
def delay_of_another_message(d: Draft) -> None:
    _failed(d)
    error = d.events[0]["error"]
    error["message"] += " Please retry in 12.5s."
    error["details"] = [{"@type": f"{_RPC}RetryInfo", "retryDelay": "600s"}]


@fault("finish-reason")
def token_of_the_rest_lost(d: Draft) -> None:
    d.stopped()
    d.last["finishReason"] = "CONTINUATION"
