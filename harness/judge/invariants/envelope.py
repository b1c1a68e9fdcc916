"""The envelope of an answer: its status, its headers, whether it has content, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.answer import framing
from harness.answer.refusals import describe_body
from harness.answer.reply import OUTPUT, STEPS, answer_parts, candidate_of, error_of, is_vertex
from harness.gemini import definition, models
from harness.gemini.definition import STATUSES
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.limits import is_cut_unasked
from harness.judge.invariants.request_fields import SIGNS, has_answer, has_text, is_finished, is_stream, wants_sse
from harness.judge.registry import FAILURE, GENERATING, rule
from harness.model import Evidence, Json, Mismatch, Severity
from harness.text.jsontext import an_object, is_number, objects_in

NULL_WORDS = ("null", "None", "undefined", "nil", "[object Object]")
"""How programs write that there is no value."""


@rule("http-status", "outcome", any_call=True, is_cause=True, needs=FAILURE, stated_by=("http", "error"))
def http_status(evidence: Evidence) -> Iterator[Mismatch]:
    """The HTTP status is 200, or the one that the step expects.

    right: {"status": 200}
    wrong: {"status": 429, "body": {"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}}
    """
    status = evidence.exchange.status
    if status != 200:
        error = an_object(evidence.reply.error)
        reported = ": ".join(str(error[key]) for key in ("status", "message") if error.get(key))
        reason = f", {reported}" if reported else f"; {describe_body(evidence.exchange)}"
        yield Mismatch("http", 200, status, f"HTTP {status}{reason}")


@rule("error-envelope", "error", any_call=True, dialect="gemini", needs=FAILURE)
def error_envelope(evidence: Evidence) -> Iterator[Mismatch]:
    """The body of an error is ``{"error": {code, message, status}}``: the HTTP status, a text, and a google.rpc name.
    Clients decide by ``code`` and ``status`` whether to ask again, and when by the ``details``: a list of objects with their ``@type``
    and what it is for, a RetryInfo with the delay that the message names. It comes alone, in a list only where a stream of JSON was requested, or one of Vertex.

    right: {"status": 429, "body": {"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}}
    wrong: {"status": 429, "body": {"detail": "Quota exceeded."}}
    """
    status, reply = evidence.exchange.status, evidence.reply
    if status == 200:
        return
    if not isinstance(reply.error, dict):
        body = evidence.exchange.content[:200].decode(errors="replace")
        what = {"empty": "", "text": " is not JSON"}.get(reply.form, " holds no error object")
        reason = f"the body of HTTP {status}{what}; {describe_body(evidence.exchange)}"
        yield Mismatch("error", "{code, message, status}", body, reason)
        return
    code, name, message = (reply.error.get(key) for key in ("code", "status", "message"))
    if code != status or isinstance(code, bool):
        yield Mismatch("error.code", status, code, f"error.code is {code!r} under HTTP {status}")
    if not isinstance(name, str) or name not in STATUSES:
        yield Mismatch("error.status", "a google.rpc name", name, f"error.status is {name!r}: not a google.rpc name")
    if not isinstance(message, str) or message in ("", *NULL_WORDS):
        yield Mismatch("error.message", "some text", message, "error.message is missing")
    elif _is_nested(message):
        yield Mismatch("error.message", "a sentence", message, "error.message is another error, as JSON or HTML")
    for wrong, severity in _wrong_details(reply.error.get("details", []), str(message)):
        yield Mismatch("error.details", "a list", reply.error["details"], f"error.details {wrong}", severity)
    inside = reply.error.keys() - _OF_ERRORS if code == status else ()
    if beside := sorted({*an_object(reply.events[0].value), *reply.response, *inside} - {"error"}):
        yield Mismatch("body", ["error"], beside, f"the body has {beside[0]!r} beside the error", "warn")
    yield from _broken_json(evidence)
    url = evidence.exchange.request.url
    # The list of Gemini's OpenAI endpoint is how it answers; of Vertex's streams no recording tells.
    may_be_listed = "/openai/" in url or (
        evidence.transport == "stream" and (is_vertex(url) or not wants_sse(evidence))
    )
    if reply.form in _NOT_ALONE and not may_be_listed:
        yield Mismatch("body", "an object", reply.form, f"the error comes {_NOT_ALONE[reply.form]}")


_OF_ERRORS = {"code", "message", "status", "details", "errors"}
_NOT_ALONE = {"sse": "as an event", "array": "in a list"}


@rule("error-status-name", "error", any_call=True, needs=FAILURE)
def error_status_name(evidence: Evidence) -> Iterator[Mismatch]:
    """``error.status`` is the google.rpc name of the HTTP status: INVALID_ARGUMENT of 400, UNAVAILABLE of 503.
    Clients that go by the name would repeat what cannot succeed. A warning if the API sends the message under another HTTP status, or it is about another model.

    right: {"status": 400, "body": {"error": {"code": 400, "message": "No such field.", "status": "INVALID_ARGUMENT"}}}
    wrong: {"status": 400, "body": {"error": {"code": 400, "message": "No such field.", "status": "UNAVAILABLE"}}}
    """
    status, error = evidence.exchange.status, an_object(evidence.reply.error)
    name, code = error.get("status"), error.get("code")
    usual = next((http for start, http in _MESSAGES if re.match(start, str(error.get("message")))), (status,))
    if status != 200 and status not in usual:
        message = f"HTTP {status} has a message of HTTP {usual[0]}: clients go by the status"
        yield Mismatch("error.message", usual[0], status, message, "warn")
    named = re.match(r"(?:This model )?models/([\w.-]+) is no", str(error.get("message")))
    if status != 200 and named and evidence.model and not models.answers_for(evidence.model, named[1]):
        yield Mismatch("error.message", evidence.model, named[1], f"the error is about the model {named[1]}", "warn")
    if status not in STATUSES.values() or not isinstance(name, str) or name not in STATUSES:
        return
    if STATUSES[name] not in (status, code):
        message = f"{name} belongs to HTTP {STATUSES[name]}, not to {status}"
        yield Mismatch("error.status", [key for key, http in STATUSES.items() if http == status], name, message)


_MESSAGES = (
    (r"API [Kk]ey (?:not (?:valid|found)|expired)", (400,)),
    (r"You exceeded your current quota|Resource (?:has been )?exhausted", (429,)),
    (r"models/\S+ is not found for API version", (404,)),
    (r"(?:The|This) model is (?:overloaded|currently experiencing high demand)", (503, 429)),
    (r"Invalid JSON payload received|\* GenerateContentRequest", (400,)),
    (r"The caller does not have permission", (403,)),
)
"""The start of a message of the API, and the HTTP statuses under which it comes."""


def _wrong_details(details: Json, message: str) -> Iterator[tuple[str, Severity]]:
    """What is wrong with the details of an error with this message, and how much it matters."""
    if not isinstance(details, list) or not all("/" in str(an_object(one).get("@type")) for one in details):
        yield "is no list of objects with the address of a @type", "error"
        return
    for one in details:
        kind = str(one["@type"]).rpartition(".")[2]
        found = definition.walk(kind, {**one, "@type": None}) if kind in definition.table()["messages"] else ()
        if ".rpc." in one["@type"] and kind not in _OTHERS | definition.table()["messages"].keys():
            yield f"has a {kind}, which is no type of google.rpc", "warn"
        elif found:
            severity: Severity = "warn" if found[0].kind == "unknown-field" else "error"
            yield f"has a {kind} whose {found[0].at[2:]} is {str(found[0].actual)[:60]!r}", severity
        elif not one.get(name := _NEEDED.get(kind, "@type")):
            yield f"has a {kind} whose {name} is {one.get(name)!r}", "error"
        elif str(one.get("retryDelay", "0s")).startswith(("-", "None")):
            yield f"has the retryDelay {one['retryDelay']}", "error"
        elif details.count(one) > 1:
            yield f"has a {kind} twice", "warn"
    delay, named = (re.search(_DELAY, text) for text in (str(details), message))
    if named and delay and abs(float(named[1]) - float(delay[1])) > 1:
        yield f"has the retryDelay {delay[1]}s, the message says {named[1]}s", "error"


_OTHERS = {"PreconditionFailure", "RequestInfo", "ResourceInfo"}
_DELAY = r"(?:'retryDelay': '|Please retry in )(\d+(?:\.\d+)?)s"
_NEEDED = {"QuotaFailure": "violations", "BadRequest": "fieldViolations", "ErrorInfo": "reason", "LocalizedMessage": "message"}  # fmt: skip
"""A type of google.rpc -> the field that it is for. A RetryInfo without a delay means none: zeros are left out."""


def _is_nested(message: str) -> bool:
    if "{'error':" in message or re.match(r"(?i)\s*<(?:!doctype|html|head|body|center|h1)\b", message):
        return True
    if not message.lstrip().startswith("{"):
        return False
    try:
        return error_of(framing.parse(message.strip()).value) is not None
    except framing.NotJson:
        return False


@rule("content-type", "error", any_call=True, of_events=True)
def content_type(evidence: Evidence) -> Iterator[Mismatch]:
    """The content type is that of the body: ``text/event-stream`` for SSE, else ``application/json``. Errors may always be JSON.
    Clients choose their parser by it. A charset, if it names one, is UTF-8.

    Not checked for a body that is neither, and where the requested form did not come: other rules report that.

    right: {"headers": {"content-type": "application/json; charset=UTF-8"}}
    wrong: {"headers": {"content-type": "text/html"}}
    """
    form, found = evidence.reply.form, evidence.exchange.headers.get("content-type")
    kind = (found or "").partition(";")[0].strip().lower()
    asked = "text/event-stream" if wants_sse(evidence) else "application/json"
    wanted = {"sse": "text/event-stream", "json": "application/json", "array": "application/json"}.get(form)
    if wanted is None or (found is None and not evidence.exchange.own) or (kind == asked != wanted):
        return
    if kind != wanted and not (evidence.exchange.status != 200 and kind == "application/json"):
        yield Mismatch("headers.content-type", wanted, found, f"content-type is {found or 'absent'}, not {wanted}")
    elif (charset := _CHARSET.search(found or "")) and charset[1].lower() not in _UTF_8:
        yield Mismatch("headers.content-type", "UTF-8", found, f"the charset is {charset[1]}: JSON is in UTF-8")


_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)
_UTF_8 = ("utf-8", "utf8", "us-ascii")


@rule("json-body", "error", any_call=True, is_cause=True)
def json_body(evidence: Evidence) -> Iterator[Mismatch]:
    """The body of a 200 is a JSON object with ``candidates``, ``promptFeedback`` or ``usageMetadata``, and without ``error``.
    Clients read the answer and check nothing else.

    right: {"body": {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}}}
    wrong: {"status": 200, "body": {"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}}
    """
    reply = evidence.reply
    if evidence.exchange.status != 200:
        return
    if reply.faults:
        yield from _broken_json(evidence)
    if reply.form == "empty":
        yield Mismatch("body", "a JSON object", "", "the body is empty")
    elif reply.form == "json" and reply.events:
        yield from _one_object(
            reply.events[0].value, "body", SIGNS if evidence.operation in GENERATING else frozenset()
        )
    elif reply.form == "array" and evidence.transport != "stream":
        yield Mismatch("body", "a JSON object", "an array", "the body is a JSON array")
    elif reply.form in ("sse", "array") and not has_answer(evidence) and reply.error is None and not reply.faults:
        yield Mismatch("body", "candidates", None, "the stream has no answer")


def _broken_json(evidence: Evidence) -> Iterator[Mismatch]:
    for fault in evidence.reply.faults:
        if fault.rule == "json-body":
            yield Mismatch(fault.at, "JSON", None, fault.message)


def _one_object(value: Json, at: str, signs: frozenset[str]) -> Iterator[Mismatch]:
    if not isinstance(value, dict):
        yield Mismatch(at, "a JSON object", value, f"the body is not a JSON object but {type(value).__name__}")
    elif (error := error_of(value)) is not None:
        yield Mismatch(f"{at}.error", None, error, "an error came with HTTP 200")
    elif signs and signs.isdisjoint(value):
        keys = ", ".join(list(value)[:8]) or "nothing"
        yield Mismatch(at, "candidates", list(value), f"the body has no answer: it has {keys}")


@rule("candidates", "error", of="answer")
def candidates(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer has at least one candidate, or a block reason. Clients read ``candidates[0]``.

    right: {"candidates": null, "promptFeedback": {"blockReason": "SAFETY"}}
    wrong: {"candidates": null}
    """
    reply = evidence.reply
    if not reply.response.get("candidates") and reply.block_reason is None:
        yield Mismatch(
            "$.candidates", "at least one", reply.response.get("candidates"), "no candidate, no block reason"
        )


@rule("prompt-blocked", "outcome", is_cause=True, needs="blockReason", stated_by=("blockReason",))
def prompt_blocked(evidence: Evidence) -> Iterator[Mismatch]:
    """The prompt was not blocked, unless the step expects that.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": null, "promptFeedback": {"blockReason": "SAFETY"}}
    """
    blocked = evidence.reply.block_reason
    if blocked is not None and not _answers(evidence):
        yield Mismatch("$.promptFeedback.blockReason", None, blocked, f"the prompt was blocked: {blocked}")


@rule("block-with-answer", "error", per_candidate=True, needs=("blockReason", "safetyRatings"))
def block_with_answer(evidence: Evidence) -> Iterator[Mismatch]:
    """A blocked prompt has no answer, and no safety rating of an answer that ended with STOP is ``blocked``.
    A client sees only one of them.

    right: {"candidates": null, "promptFeedback": {"blockReason": "SAFETY"}}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}], "promptFeedback": {"blockReason": "SAFETY"}}
    """
    blocked = evidence.reply.block_reason
    if blocked is not None and _answers(evidence):
        message = f"the prompt was blocked ({blocked}), but there is an answer"
        yield Mismatch("$.promptFeedback.blockReason", None, blocked, message)
    elif is_finished(evidence):
        rating = next((rating for rating in _ratings(evidence) if rating.get("blocked") is True), None)
        if rating is not None:
            message = f"{rating.get('category')} blocked the answer, but it ended with STOP"
            yield Mismatch("$.candidates[0].safetyRatings", "blocked: false", rating, message)


@rule("safety-ratings", "warn", per_candidate=True, needs="safetyRatings")
def safety_ratings(evidence: Evidence) -> Iterator[Mismatch]:
    """A list of safety ratings has each category once, with its probability, which is below the threshold of the request if there is an answer, and scores from 0 to 1.

    right: {"candidates": [{"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]}]}
    wrong: {"candidates": [{"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}, {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]}]}
    """
    both = ((an_object(one.value).get("promptFeedback"), candidate_of(one.value)) for one in evidence.reply.events)
    for rated in (one for pair in both for one in pair):
        ratings = objects_in(an_object(rated).get("safetyRatings"))
        categories = [rating.get("category") for rating in ratings]
        lost = next((name for one in ratings for name in ("category", "probability") if not one.get(name)), None)
        scores = [
            value for one in ratings for name, value in one.items() if name.endswith("Score") and is_number(value)
        ]
        if strange := [score for score in scores if not 0 <= score <= 1]:
            yield Mismatch(
                "$.candidates[0].safetyRatings", "0 to 1", strange[0], f"{strange[0]} is no score: it is from 0 to 1"
            )
            return
        if lost is not None:
            yield Mismatch("$.candidates[0].safetyRatings", lost, None, f"a safety rating has no {lost}")
            return
        twice = next((one for index, one in enumerate(categories) if one in categories[:index]), None)
        if twice is not None:
            yield Mismatch("$.candidates[0].safetyRatings", "each once", twice, f"{twice} is rated twice")
            return
    settings = [one for one in items_of(field(evidence.request_body, "safetySettings")) if not field(one, "method")]
    limits = {field(one, "category"): str(field(one, "threshold")) for one in settings}
    for rating in _ratings(evidence) if limits and is_finished(evidence) else ():
        limit, probability = limits.get(rating.get("category"), ""), rating.get("probability")
        if probability in _BLOCKED.get(limit, "").split():
            message = (
                f"{rating['category']} is {probability} under {limit}, but there is an answer: was the setting dropped?"
            )
            yield Mismatch("$.candidates[0].safetyRatings", limit, probability, message)
            return


_BLOCKED = {
    "BLOCK_LOW_AND_ABOVE": "LOW MEDIUM HIGH",
    "BLOCK_MEDIUM_AND_ABOVE": "MEDIUM HIGH",
    "BLOCK_ONLY_HIGH": "HIGH",
}
"""Threshold -> the probabilities that it blocks."""


def _answers(evidence: Evidence) -> bool:
    return bool(evidence.reply.parts) or evidence.reply.finish_reason == "STOP"


def _ratings(evidence: Evidence) -> Iterator[Mapping[str, Json]]:
    """The safety ratings of every chunk, of the prompt and of the answer."""
    for event in evidence.reply.events:
        yield from objects_in(an_object(an_object(event.value).get("promptFeedback")).get("safetyRatings"))
        yield from objects_in(candidate_of(event.value).get("safetyRatings"))


@rule("role", "error", of_events=True, per_candidate=True)
def role(evidence: Evidence) -> Iterator[Mismatch]:
    """The ``role`` of the content is ``model``, in every chunk. Absent is a warning beside a ``serviceTier``; old versions of the API send none.

    right: {"candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": [{"content": {"role": "assistant", "parts": [{"text": "Oslo"}]}}]}
    """
    for event in evidence.reply.events:
        content = an_object(candidate_of(event.value).get("content"))
        if "role" not in content and content.get("parts") and "serviceTier" in evidence.reply.usage:
            message = "the content has no role, which the API writes beside serviceTier: it was lost on the way"
            yield Mismatch("$.candidates[0].content.role", "model", None, message, "warn")
            return
        if content.get("role") not in (None, "model"):
            message = f"the role is {content['role']!r}: the API will reject it in the next turn"
            yield Mismatch("$.candidates[0].content.role", "model", content["role"], message)
            return


@rule(
    "finish-reason",
    "outcome",
    of="answer",
    is_cause=True,
    per_candidate=True,
    stated_by=("finishReason", "blockReason"),
)
def finish_reason(evidence: Evidence) -> Iterator[Mismatch]:
    """The final ``finishReason`` is STOP, or the one that the step expects. A missing one is always an error.

    A truncation that no limit explains is reported by ``max-tokens-unasked``. A warning if the answer ended with STOP, and its
    ``finishMessage`` says more than that a function call came, or none came; or it was broken off, and has a call; or it ended with
    SAFETY, and all its ratings are NEGLIGIBLE, or for a picture that was not requested, and has text, or with CONTINUATION, and has no
    token for it.

    right: {"candidates": [{"finishReason": "STOP"}]}
    wrong: {"candidates": [{"finishReason": "SAFETY"}]}
    """
    reply, at = evidence.reply, "$.candidates[0].finishReason"
    if not reply.response.get("candidates") or reply.block_reason is not None:
        return
    if reply.finish_reason is None:
        if not is_stream(evidence):
            yield Mismatch(at, "STOP", None, "the answer has no finishReason", "error")
    elif reply.finish_reason != "STOP" and not is_cut_unasked(evidence):
        yield Mismatch(at, "STOP", reply.finish_reason, _why(reply.finish_reason, evidence))
        if contrary := _contrary(reply.finish_reason, evidence):
            yield Mismatch(at, "STOP", reply.finish_reason, f"{reply.finish_reason}, but {contrary}", "warn")
    elif reply.finish_reason == "STOP":
        if candidate_of(reply.response).get("continuationToken"):
            yield Mismatch(at, "CONTINUATION", "STOP", "STOP, but there is a continuationToken: is there more?", "warn")
        message = str(candidate_of(reply.response).get("finishMessage"))
        is_call = message == "Model generated function call(s)."
        if message not in ("None", "") and not (is_call and reply.function_calls):
            yield Mismatch(at, "another reason", "STOP", f"STOP, but the finishMessage is {message[:80]!r}", "warn")


def _contrary(reason: str, evidence: Evidence) -> str:
    """What in the answer speaks against its finish reason; empty if nothing does."""
    ratings = {(one.get("probability"), bool(one.get("blocked"))) for one in _ratings(evidence)}
    if reason == "SAFETY" and ratings == {("NEGLIGIBLE", False)}:
        return "all safety ratings are NEGLIGIBLE"
    if reason == "CONTINUATION" and not candidate_of(evidence.reply.response).get("continuationToken"):
        return "there is no continuationToken, with which the rest is requested"
    if "IMAGE" in reason and evidence.reply.text.strip() and not _may_draw(evidence):
        return "the answer has text, and no picture was requested"
    is_called = reason in _BREAKS_OFF and evidence.reply.function_calls and "TOOL" not in reason
    return "the answer has a call" if is_called else ""


_BREAKS_OFF = (
    "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
)  # fmt: skip
"""Reasons for which an answer has no content, or a part of it."""


def _may_draw(evidence: Evidence) -> bool:
    """Whether the request is for a picture, which models of pictures give without being asked."""
    modalities = str(field(evidence.request_body, "generationConfig", "responseModalities")).upper()
    known = models.facts(evidence.model or "")
    return not evidence.request_body or "IMAGE" in modalities or known is None or "image_out" in known.features


def _why(reason: str, evidence: Evidence) -> str:
    if reason == "MAX_TOKENS":
        usage = evidence.reply
        spent = f"{usage.count('thoughtsTokenCount')} thought and {usage.count('candidatesTokenCount')} answer tokens"
        return f"the answer is truncated: MAX_TOKENS after {spent}"
    return f"the answer ended with {reason}"


@rule("visible-output", "error", of="finished", per_candidate=True)
def visible_output(evidence: Evidence) -> Iterator[Mismatch]:
    """An answer that ended with STOP has text that is not a thought, or a call, data, code or a tool part. A warning if a part of
    an answer in one piece is empty.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": ""}]}}]}
    """
    if not any(map(_is_visible, answer_parts(evidence.reply.parts))):
        thoughts = evidence.reply.count("thoughtsTokenCount")
        yield Mismatch("text", "some output", "", f"STOP, but no visible output ({thoughts} thought tokens)")
    elif {} in evidence.reply.parts and not is_stream(evidence):
        yield Mismatch("parts", "a part", {}, "a part is empty: what it held was lost", "warn")


def _is_visible(part: Json) -> bool:
    is_text = bool(str(part.get("text") or "").strip())
    return is_text or any(part.get(kind) not in (None, "") for kind in (*OUTPUT[1:], *STEPS[2:]))


@rule("replacement-character", "error", per_candidate=True)
def replacement_character(evidence: Evidence) -> Iterator[Mismatch]:
    r"""The text has no replacement character (U+FFFD), which shows that bytes were lost. Not checked where it is explained.

    right: {"candidates": [{"content": {"parts": [{"text": "café"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "caf\ufffd"}]}}]}
    """
    text = evidence.reply.text
    at = text.find("\ufffd")
    if at >= 0 and "FFFD" not in text and not has_text(evidence, "\ufffd"):
        around = text[max(0, at - 20) : at + 20]
        yield Mismatch("text", "no U+FFFD", around, f"a replacement character at {at}: {around!r}")
