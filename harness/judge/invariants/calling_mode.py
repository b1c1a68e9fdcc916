"""The mode of function calling: a call comes where one must, none where none may, and it is no text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import calling_mode as mode_of
from harness.judge.invariants.request_fields import declared, has_hidden_functions, has_text, is_finished
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch


@rule("calling-mode", "error", per_candidate=True, needs="functionCallingConfig")
def calling_mode(evidence: Evidence) -> Iterator[Mismatch]:
    """In the mode ANY there is a call, in NONE there is none, and ``allowedFunctionNames`` are kept.
    An agent that waits for a call stops there.

    ANY needs declared functions: with built-in tools alone, an answer in words is right.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather"}]}], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    right: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "It is sunny."}]}}]}
    """
    mode, known = mode_of(evidence), declared(evidence)
    if mode == "ANY" and _lacks_a_call(evidence):
        text = evidence.reply.text[:200]
        yield Mismatch("functionCalls", "a call", text, "the mode is ANY, but the answer has no function call")
    config = field(evidence.request_body, "toolConfig", "functionCallingConfig")
    allowed = [str(name) for name in items_of(field(config, "allowedFunctionNames"))]
    for index, call in enumerate(evidence.reply.function_calls):
        name, at = str(call.get("name")), f"functionCalls[{index}].name"
        if name not in known and not has_hidden_functions(evidence):
            continue  # function-declared reports it
        if mode == "NONE":
            yield Mismatch(at, "no call", name, f"{name!r} is called, but the mode is NONE")
        elif mode in ("ANY", "VALIDATED") and allowed and name not in allowed:
            message = f"{name!r} is called, but allowedFunctionNames has {', '.join(allowed)}"
            yield Mismatch(at, allowed, name, message)


def _lacks_a_call(evidence: Evidence) -> bool:
    """Whether a finished answer in words has no call, although functions are declared."""
    reply = evidence.reply
    spoke = bool(reply.text.strip() or reply.inline_data)
    return is_finished(evidence) and spoke and not reply.function_calls and bool(declared(evidence))


_CALL_AS_TEXT = (
    r"(?mi)^Action: *\S+\s+Action Input:|```tool_code|^[ \t]*+tool_code\b|\bdefault_api[.:]\w+|<ctrl\d+>call\b"
    r"|\{\s*\"(functionCall|function_call|tool_call|tool_calls|tool_use)\"\s*:"
    r"|<\|?(tool_call|function_call|function=|invoke|tool_use|python_tag)|\[(tool|function)[_ ]call\b"
)
"""The notations in which models and gateways write calls: Gemini's ``tool_code``, JSON, and the tags of other makers."""
_WORDS_OF_CALLS = ("tool", "function", "invoke", "default_api", "<ctrl", "python_tag", "action input")
"""Each of them has one of these."""


@rule("call-as-text", "warn", per_candidate=True, needs="functionDeclarations")
def call_as_text(evidence: Evidence) -> Iterator[Mismatch]:
    """A call of a declared function comes as a function call, not written in the text: ``print(default_api.``, ``tool_code``.
    An agent would show it to its user, and call nothing.

    Not checked where the mode ANY demands a call that did not come, which another rule reports.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather"}]}]}
    right: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "weather", "args": {}}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "print(default_api.weather())"}]}}]}
    """
    text = evidence.reply.text
    if not declared(evidence) or (mode_of(evidence) == "ANY" and _lacks_a_call(evidence)):
        return
    lower = text.lower()
    noted = re.search(_CALL_AS_TEXT, text) if any(word in lower for word in _WORDS_OF_CALLS) else None
    found = noted or _named_call(evidence, text)
    if found is not None and not has_text(evidence, "Action Input:"):
        around = text[max(0, found.start() - 20) : found.start() + 60]
        yield Mismatch("text", "a function call", around, f"a function call is written in the text: {around!r}")


def _named_call(evidence: Evidence, text: str) -> re.Match[str] | None:
    """The name of a declared function, where the text is its call in JSON: ``{"name": "f", "args": {...}}``, or ``f(city="Oslo")``."""
    if "{" not in text and text.rstrip()[-1:] not in (")", "]"):
        return None
    names = "|".join(re.escape(name) for name in declared(evidence))
    as_json = rf'\{{\s*"(?:name|function|tool|tool_name)"\s*:\s*"(?:{names})"\s*,\s*"(?:args|arguments|parameters|params|input|tool_input)"\s*:'
    as_code = rf"[\s\[]*(?:{names})(?:\([^()]*\)|\s*\{{[^{{}}]*\}})[\s\]]*"
    as_words = rf"(?i)\bcall(?:ed|ing)?\b[^\n]{{0,30}}\b(?:{names})\b[^\n{{]{{0,30}}\{{.*\}}\W*\Z"
    return re.search(as_json, text) or re.fullmatch(as_code, text) or re.search(as_words, text)
