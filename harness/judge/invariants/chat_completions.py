"""Chat completions, the OpenAI-compatible dialect: the form of an answer, its end, its usage, its tool calls and its errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.answer import chat_answer
from harness.answer.chat_answer import ChatCall
from harness.answer.framing import DONE
from harness.answer.reply import error_of
from harness.gemini.definition import enum_values
from harness.judge.invariants.request_fields import is_natural, is_stream, wants_sse
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch, Severity
from harness.text.jsontext import an_object, objects_in

_CUT = ("content_filter", "function_call_filter")
"""What stands before Gemini's own finish reason at Google's endpoint: ``content_filter: RECITATION``."""


def _completions(evidence: Evidence) -> list[dict[str, Json]]:
    return [value for value in evidence.reply.chat if chat_answer.is_completion(value)]


def _calls(evidence: Evidence) -> Sequence[ChatCall]:
    return chat_answer.calls(evidence.reply.chat) if evidence.exchange.status == 200 else ()


@rule("chat-completion", "error", dialect="openai")
def chat_completion(evidence: Evidence) -> Iterator[Mismatch]:
    """A chat completion has ``choices`` with a ``message``, each chunk of a stream ``choices`` with a ``delta``, and no ``candidates``.
    A client that reads a stream looks for deltas only. A warning if its ``object`` is another, the role is not
    ``assistant``, a tool call is not of the type ``function``, ``created`` is no time in whole seconds, ``index`` no number, the content no text,
    it has a refusal too, the ``model`` is missing beside an ``id``, or it ended for tool calls, and there are none.

    right: {"choices": [{"message": {"content": "Oslo"}}]}
    wrong: {"choices": [{"message": null, "delta": {"content": "Oslo"}}]}
    """
    if evidence.exchange.status != 200:
        return
    for fault in evidence.reply.faults:
        if fault.rule == "chat-completion":
            yield Mismatch(fault.at, "choices", "candidates", fault.message)
    wanted, other = ("delta", "message") if evidence.reply.form == "sse" else ("message", "delta")
    for number, value in enumerate(_completions(evidence)):
        for index, choice in chat_answer.choices_of(value):
            if other in choice and wanted not in choice:
                at = f"events[{number}].choices[{index}]"
                yield Mismatch(at, wanted, other, f"{at} has {other}, not {wanted}")
                return
            yield from _strange_fields(value, an_object(choice.get(wanted)), evidence.reply.form == "sse")
            if wrong := _strange_values(value, choice, an_object(choice.get(wanted))):
                yield Mismatch(f"events[{number}]", "an answer as OpenAI gives it", None, wrong, "warn")
                return
    choices = (choice for value in _completions(evidence) for _, choice in chat_answer.choices_of(value))
    if "tool_calls" in [choice.get("finish_reason") for choice in choices] and not evidence.reply.function_calls:
        message = "finish_reason is tool_calls, but no tool call came: was it lost?"
        yield Mismatch("choices[0].message.tool_calls", "a tool call", None, message, "warn")


def _strange_values(value: Mapping[str, Json], choice: Mapping[str, Json], message: Mapping[str, Json]) -> str:
    """What a typed client cannot read; empty if there is nothing."""
    created, content = value.get("created"), message.get("content")
    if created is not None and not (is_natural(created) and created < 1e10):
        return f"created is {created!r}: not a time in whole seconds"
    if not is_natural(choice.get("index", 0) or 0):
        return f"the index of a choice is {choice['index']!r}: not a number"
    if value.get("id") and not value.get("model"):
        return "the answer does not say which model gave it"
    if content is not None and not isinstance(content, str):
        return f"the content is of the type {type(content).__name__}: clients read text"
    return "the message has a refusal beside its content" if content and message.get("refusal") else ""


def _strange_fields(value: Mapping[str, Json], message: Mapping[str, Json], is_stream: bool) -> Iterator[Mismatch]:
    """Fields by which typed clients tell what they read."""
    absent = "function" if is_stream else "absent"
    found = [(value.get("object"), f"chat.completion{'.chunk' * is_stream}"), (message.get("role"), "assistant")]
    found += [(call.get("type", absent), "function") for call in objects_in(message.get("tool_calls"))]
    for actual, right in found:
        if actual not in (None, "", right):
            yield Mismatch("$.choices", right, actual, f"{actual!r} stands in the place of {right!r}", "warn")
            return


@rule("chat-done", "error", of="answer", of_bytes=True, dialect="openai")
def chat_done(evidence: Evidence) -> Iterator[Mismatch]:
    """A stream of chunks ends with one ``data: [DONE]``, and nothing comes after it. Not checked where an error ended the stream.

    right: [{"choices": [{"delta": {"content": "Oslo"}}]}, "[DONE]"]
    wrong: [{"choices": [{"delta": {"content": "Oslo"}}]}]
    """
    reply = evidence.reply
    if reply.form != "sse" or not _completions(evidence):
        return
    marks = [fault.at for fault in reply.faults if fault.rule == DONE]
    end = f"events[{len(reply.events)}]"
    if not marks:
        yield Mismatch(end, "[DONE]", None, "the stream ended without [DONE]: clients may take it for cut off")
    elif marks != [end]:
        message = f"[DONE] came {len(marks)} times" if len(marks) > 1 else "something comes after [DONE]"
        yield Mismatch(marks[0], "[DONE] once, at the end", marks, message)


@rule("chat-usage", "error", of="answer", dialect="openai")
def chat_usage(evidence: Evidence) -> Iterator[Mismatch]:
    """An answer has ``usage``, a stream if it was asked for: counts, whose total is at least prompt and completion. There is no native
    ``usageMetadata`` beside it. Costs are computed from ``usage``.

    right: {"usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}}
    wrong: {"usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 1}}
    """
    found = _completions(evidence)
    native = any("usageMetadata" in value for value in found)
    if native:
        yield Mismatch(
            "$.usageMetadata", None, "usageMetadata", "the answer has usageMetadata, which is Gemini's native usage"
        )
    usages = [an_object(value.get("usage")) for value in found if value.get("usage")]
    if not usages:
        options = an_object(an_object(evidence.exchange.request.body).get("stream_options"))
        is_due = not is_stream(evidence) or options.get("include_usage") is True
        if found and is_due and not native:
            what = "stream" if evidence.reply.form == "sse" else "answer"
            yield Mismatch("$.usage", "a usage", None, f"the {what} has no usage")
        return
    yield from _counts(usages[-1])


def _counts(usage: Mapping[str, Json]) -> Iterator[Mismatch]:
    prompt, completion, total = (usage.get(f"{name}_tokens") for name in ("prompt", "completion", "total"))
    if total is None:
        yield Mismatch("$.usage.total_tokens", "a count", None, "the usage has no total_tokens")
    elif not total:
        yield Mismatch("$.usage.total_tokens", "a count", total, "total_tokens is 0: nothing can be billed by it")
    elif all(map(is_natural, (prompt or 0, completion or 0, total))) and total < (prompt or 0) + (completion or 0):
        message = f"total_tokens is {total}, less than prompt {prompt} + completion {completion}"
        yield Mismatch("$.usage.total_tokens", (prompt or 0) + (completion or 0), total, message)


@rule("chat-finish", "error", dialect="openai")
def chat_finish(evidence: Evidence) -> Iterator[Mismatch]:
    """A ``finish_reason`` is one of OpenAI's, or Gemini's own behind ``content_filter: `` or ``function_call_filter: ``.
    A typed client refuses any other.

    right: {"choices": [{"finish_reason": "stop"}]}
    wrong: {"choices": [{"finish_reason": "STOP"}]}
    """
    for value in _completions(evidence):
        for index, choice in chat_answer.choices_of(value):
            reason = choice.get("finish_reason")
            if reason is not None and not value.get("error") and not _is_finish(reason):
                known = ", ".join(chat_answer.FINISHES)
                message = f"finish_reason is {reason!r}: not one of {known}"
                yield Mismatch(f"$.choices[{index}].finish_reason", known, reason, message)
                return


def _is_finish(reason: Json) -> bool:
    if not isinstance(reason, str):
        return False
    kind, colon, own = reason.partition(": ")
    gemini = (*enum_values("Candidate.FinishReason"), *enum_values("PromptFeedback.BlockReason"))
    return reason in chat_answer.FINISHES or (bool(colon) and kind in _CUT and own in gemini)


@rule("chat-call-id", "error", dialect="openai")
def chat_call_id(evidence: Evidence) -> Iterator[Mismatch]:
    """Every tool call has an ``id`` of its own, by which its result is returned. An empty one is a warning: Google sent such until 2025.

    right: {"choices": [{"message": {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}]}
    wrong: {"choices": [{"message": {"tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}]}
    """
    calls = _calls(evidence)
    counted = Counter(call.id for call in calls if isinstance(call.id, str) and call.id)
    for call_id, times in counted.items():
        if times > 1:
            message = f"{times} tool calls have the id {call_id!r}: their results cannot be told apart"
            yield Mismatch("tool_calls[].id", "ids of their own", call_id, message)
    for number, call in enumerate(calls):
        if not isinstance(call.id, str) or not call.id:
            severity: Severity = "warn" if call.id == "" else "error"
            message = f"the call of {call.name!r} has no id"
            yield Mismatch(f"tool_calls[{number}].id", "an id", call.id, message, severity)
            return


@rule("chat-arguments", "error", dialect="openai")
def chat_arguments(evidence: Evidence) -> Iterator[Mismatch]:
    """The arguments of a tool call, joined over its deltas, are the text of one JSON object. Deltas of one call, and no others, share an ``index``.

    right: {"choices": [{"message": {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}]}
    wrong: {"choices": [{"message": {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{"}}]}, "finish_reason": "tool_calls"}]}
    """
    calls = _calls(evidence)
    for number, call in enumerate(calls):
        at, strange = f"tool_calls[{number}].function", [one for one in call.pieces if isinstance(one, (dict, list))]
        if not isinstance(call.name, str) or not call.name:
            yield Mismatch(
                f"{at}.name", "a name", call.name, "a tool call has no name: do its deltas have another index?"
            )
        elif strange or (not isinstance(call.args, dict) and evidence.reply.finish_reason != "MAX_TOKENS"):
            shown = strange or call.arguments[:80]
            pieces = f", in {len(call.pieces)} deltas" if len(call.pieces) > 1 else ""
            message = f"the arguments of {call.name!r} are no text of a JSON object{pieces}: {shown!r}"
            yield Mismatch(f"{at}.arguments", "a JSON object", shown, message)
        elif len(call.pieces) > 1 and call.index is None:
            message = f"the arguments of {call.name!r} come in {len(call.pieces)} deltas without an index: clients cannot join them"
            yield Mismatch(f"tool_calls[{number}].index", "an index", None, message)
    places = Counter((call.choice, call.index) for call in calls if call.index is not None)
    for (_, index), times in places.items():
        if times > 1:
            message = f"{times} tool calls have the index {index}: clients join their arguments"
            yield Mismatch("tool_calls[].index", "an index of its own", index, message)


@rule("chat-error", "error", dialect="openai")
def chat_error(evidence: Evidence) -> Iterator[Mismatch]:
    """The body of an error is ``{"error": {message, ...}}`` with a ``code`` or ``type``, at Google in a list of one.
    Clients show the message, and decide by the code whether to ask again.

    right: {"status": 429, "body": {"error": {"message": "Quota exceeded.", "code": 429}}}
    wrong: {"status": 429, "body": {"detail": "Quota exceeded."}}
    """
    status = evidence.exchange.status
    if status == 200 or (wants_sse(evidence) and evidence.reply.form == "sse"):
        return
    values = [item for value in evidence.reply.chat for item in (objects_in(value) or [value])]
    error = next((found for value in values if (found := error_of(value)) is not None), None)
    if not isinstance(error, dict):
        body = evidence.exchange.content[:200].decode(errors="replace")
        yield Mismatch("error", "{message, code}", body, f"the body of HTTP {status} holds no error object")
    elif not isinstance(error.get("message"), str) or not error["message"]:
        yield Mismatch("error.message", "some text", error.get("message"), "error.message is missing")
    elif not error.keys() & {"code", "type"}:
        yield Mismatch("error", "a code or a type", list(error), "the error has neither code nor type")
