"""The parts of an answer: each is of one kind, steps of built-in tools have their results, and such tools were requested."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping

from harness.answer.reply import OUTPUT, STEPS, candidate_of, received
from harness.gemini import grounding
from harness.gemini.schemas.request_schema import field
from harness.judge.invariants.request_fields import (
    USED,
    has_hidden_functions,
    is_about,
    is_finished,
    is_stream,
    media_parts,
    offers_builtin_tools,
    tools,
)
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import an_object

_KINDS = (*OUTPUT, "functionResponse", *STEPS[2:])


@rule("part-kind", "error", per_candidate=True, dialect="gemini", needs=(*_KINDS[1:], "thought"))
def part_kind(evidence: Evidence) -> Iterator[Mismatch]:
    """A part is of one kind: a text, or a call, or data. Typed clients keep one of two, and drop the other. The result of a
    function comes from the client, not from the model. A warning if thoughts come behind text, so parts changed places,
    or a call lacks its ``args``, or a step of a built-in tool its ``id`` or ``toolType``.

    asked: {"tools": [{"functionDeclarations": [{"name": "weather"}]}]}
    right: {"candidates": [{"content": {"parts": [{"text": "I look it up."}, {"functionCall": {"name": "weather", "args": {}}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "I look it up.", "functionCall": {"name": "weather", "args": {}}}]}}]}
    """
    for index, part in enumerate(received(evidence.reply)):
        kinds = [kind for kind in _KINDS if part.get(kind) not in (None, "")]
        if len(kinds) > 1:
            message = f"parts[{index}] is {' and '.join(kinds)} at once: clients read one of them"
            yield Mismatch(f"parts[{index}]", "one kind", kinds, message)
        elif "functionResponse" in part and evidence.request_body and not has_hidden_functions(evidence):
            message = f"parts[{index}] is a functionResponse: the client sends it, not the model"
            yield Mismatch(f"parts[{index}]", "a part of an answer", "functionResponse", message)
        elif (lost := _lost(part)) and not is_stream(evidence):
            message = f"parts[{index}] has no {lost[0]}, as the API writes it"
            yield Mismatch(f"parts[{index}]", lost[0], part, message, "warn")
        elif part.get("thought") and part.get("text") == "":
            yield Mismatch(f"parts[{index}]", "a thought", "", f"parts[{index}] is a thought without a text", "warn")
    spoken = [bool(part.get("thought")) for part in received(evidence.reply) if part.get("text")]
    is_text = not any(kind in part for part in received(evidence.reply) for kind in _KINDS[1:])
    if is_text and spoken and spoken[-1] > spoken[0] and is_finished(evidence):
        message = "the thoughts come behind the text: parts changed places"
        yield Mismatch("parts", "thoughts first", spoken, message, "warn")


def _lost(part: Mapping[str, Json]) -> list[str]:
    """The fields that a call, or a step of a built-in tool, always has, and this one has not."""
    call, steps = an_object(part.get("functionCall")), [(kind, part[kind]) for kind in STEPS[2:] if kind in part]
    lost = [f"{kind}.{name}" for kind, step in steps for name in ("id", "toolType") if not field(step, name)]
    if "name" in call and call.keys().isdisjoint(("args", "partialArgs", "willContinue")):
        lost.append("functionCall.args")
    return lost


@rule("code-result", "warn", of="finished", per_candidate=True, needs=(*STEPS, "toolUsePromptTokenCount"))
def code_result(evidence: Evidence) -> Iterator[Mismatch]:
    """Code that the model ran has its result behind it in the same answer, with the same id and an outcome; a step of another built-in
    tool has its response. Tokens of tool use come with what the tools gave. Otherwise a part was dropped on the way.

    asked: {"tools": [{"codeExecution": {}}]}
    right: {"candidates": [{"content": {"parts": [{"executableCode": {"language": "PYTHON", "code": "print(1)"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\\n"}}, {"text": "1"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"executableCode": {"language": "PYTHON", "code": "print(1)"}}, {"text": "1"}]}}]}
    """
    parts = received(evidence.reply)
    for step, answer in (STEPS[:2], STEPS[2:]):
        ran, results = ([an_object(part[kind]) for part in parts if kind in part] for kind in (step, answer))
        ids, answered = ({str(one["id"]) for one in found if one.get("id")} for found in (ran, results))
        lost = [name for name in ("language", "code") for one in ran if str(one.get(name) or "```").startswith("```")]
        is_known = step == "toolCall" or tools(evidence, "codeExecution") or has_hidden_functions(evidence)
        if len(ran) < len(results) or (len(ran) > len(results) and is_known):
            message = f"{len(ran)} {step} and {len(results)} {answer} came: a part was lost on the way"
            yield Mismatch("parts", len(ran), len(results), message)
        elif [kind for part in parts for kind in (step, answer) if kind in part][:1] == [answer]:
            yield Mismatch("parts", step, answer, f"{answer} comes before {step}: parts changed places")
        elif ids and answered and ids != answered:
            message = f"the ids of {step} and {answer} differ: {min(ids ^ answered)!r} is in one of them"
            yield Mismatch("parts", sorted(ids), sorted(answered), message)
        elif answer == "codeExecutionResult" and not all(one.get("outcome") for one in results):
            yield Mismatch("parts", "an outcome", None, "a codeExecutionResult has no outcome: did the code run?")
        elif failed := next((one for one in results if _is_failure(one)), None):
            message = "the output of code is a traceback, but its outcome is OUTCOME_OK"
            yield Mismatch("parts", "OUTCOME_FAILED", failed.get("output"), message)
        elif step == "executableCode" and lost:
            yield Mismatch("parts", lost[0], None, f"an executableCode has no plain {lost[0]}")
        elif step == "executableCode" and (wrong := next(filter(None, map(_unlike, ran, results)), "")):
            yield Mismatch("parts", "code and its result", None, f"{wrong}: something on the way changed it", "warn")
    used, signs = evidence.reply.count("toolUsePromptTokenCount"), _signs(evidence)
    expected = [sign for tool, sign in _GIVEN.items() if tools(evidence, tool)]
    is_lost = expected and not any(signs[sign] for sign in (*expected, "toolCall"))
    if parts and used and is_lost and not has_hidden_functions(evidence):
        message = (
            f"{used} tokens of tool use are counted, but no {' or '.join(expected)} came: it was dropped on the way"
        )
        yield Mismatch("parts", expected, None, message)


def _unlike(code: Mapping[str, Json], result: Mapping[str, Json]) -> str:
    """What speaks against it that the code ran and gave the result; empty if nothing does."""
    source = str(code.get("code"))
    if result.get("outcome") != "OUTCOME_OK" or code.get("language") != "PYTHON" or len(source) > 20_000:
        return ""
    output = str(result.get("output") or "")
    if re.search(r"^print\((?!.*\bend=)", source, re.MULTILINE) and not output:
        return "the code prints, but its result has no output"
    if output.endswith("\\n") and "\n" not in output:
        return "the ends of the lines of its output are escaped"
    with warnings.catch_warnings(action="ignore"):
        try:
            lines = ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # or of a later Python
            if "line continuation" in str(error) and "\n" not in source.strip():
                return "the ends of the lines of the code are escaped"
            is_newer = re.search(r"\b[fFtT]['\"]", str(getattr(error, "text", "")))
            is_broken = re.search(_BROKEN, str(error)) and not is_newer
            is_line = re.match(r"(?!type |[!%])[^\n]{80,}\Z|(?s:.*&(?:[lg]t|amp|quot|#x?\d\d);)", source.strip())
            is_changed = is_broken or (is_line and "invalid syntax" in str(error))
            return f"the code ran, but is broken ({error})" if is_changed else ""
    is_text = len(lines) == 1 and isinstance(getattr(lines[0], "value", None), ast.Constant) and source[0] in "'\""
    return "the code is one text" if is_text else ""


_BROKEN = r"never closed|unterminated (?!f)|an indented block|unexpected indent|unindent"
"""What a parser says of code that lost its end, or its indents, and not of what a newer Python would read."""


def _is_failure(result: Mapping[str, Json]) -> bool:
    """Whether a result that is called right is a traceback alone."""
    output = str(result.get("output", ""))
    return result.get("outcome") == "OUTCOME_OK" and output.startswith("Traceback (most recent call last)")


_GIVERS = {"maps": ("googleMaps",), "retrievedContext": ("fileSearch", "retrieval")}
"""The kind of a source -> the tools that give it."""
_GIVEN = {"googleSearch": "groundingMetadata", "urlContext": "urlContextMetadata", "codeExecution": "executableCode"}
"""A built-in tool -> what it adds to the answer."""


@rule("tool-unasked", "warn", of="answer", per_candidate=True, dialect="gemini", needs=USED)
def tool_unasked(evidence: Evidence) -> Iterator[Mismatch]:
    """What built-in tools add comes only if the request has one: sources, read pages, code that ran, and tokens of tool use. Places
    of Google Maps come only with ``googleMaps``, passages of files only with ``fileSearch``, read pages only with ``urlContext``.
    Otherwise it is the answer to another request, or something on the way added the tool. Tools are billed.

    asked: {"contents": [{"parts": [{"text": "What is the capital of Norway?"}]}]}
    right: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"executableCode": {"language": "PYTHON", "code": "print(1)"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}]}}]}
    """
    if not field(evidence.request_body, "contents") or has_hidden_functions(evidence):
        return
    if offers_builtin_tools(evidence):
        kinds = {one.kind for one in grounding.chunks(evidence.reply)}
        for kind, givers in _GIVERS.items():
            if kind in kinds and not any(tools(evidence, tool) for tool in givers):
                message = f"a source is of the kind {kind}, but no {givers[0]} was requested"
                yield Mismatch("groundingChunks", f"no {kind}", kind, message)
        if _signs(evidence)["urlContextMetadata"] and not tools(evidence, "urlContext"):
            message = "the answer has urlContextMetadata, but no urlContext was requested"
            yield Mismatch("urlContextMetadata", "nothing", "urlContextMetadata", message)
        return
    signs = {"toolUsePromptTokenCount": evidence.reply.count("toolUsePromptTokenCount"), **_signs(evidence)}
    if found := next((name for name, value in signs.items() if value), None):
        message = f"the answer has {found}, but the request has no built-in tool"
        yield Mismatch(found, "nothing", found, message)


@rule(
    "input-lost",
    "warn",
    of="finished",
    per_candidate=True,
    needs=("inlineData", "fileData", "googleSearch", "urlContext"),
)
def input_lost(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer does not say that it lacks what the request gives: a picture, a file, or the web where a search or pages are offered
    and none was used. Then it was dropped on the way.

    asked: {"contents": [{"parts": [{"text": "What is it?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}]}
    right: {"candidates": [{"content": {"parts": [{"text": "A red barn."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "I don't see an image. Please upload it."}]}}]}
    """
    start = evidence.reply.text[:_START]
    no_file = media_parts(evidence) and re.match(_NO_FILE, start)
    searches = tools(evidence, "googleSearch") or tools(evidence, "urlContext")
    no_web = searches and not any(_signs(evidence).values()) and re.match(_NO_WEB, start)
    if (found := no_file or no_web) and not is_about(evidence, _IS_ONE):
        yield Mismatch("text", "an answer", start, f"the model lacks what the request gives: {found[0]!r}")


_START = 300
_NOT = r"(?i)(?:[^.!?\n]*\b(?:sorry|apolog\w+|hello|hi)\b[^.!?\n]*[.!?] )?[^.:!?\n]*?\b(?:do(?:es)?n[o']?t|do not|did(?:n't| not)|can(?:'t|not| not)|unable to|no)\b[^.\n]{0,40}"
_FILE = r"(?:image|picture|photo|file|attachment|document|pdf|audio|video)"
_LACKING = r"\W*(?:$|[.,;!\n]|attached|uploaded|provided|in (?:your|our)|yet|you\b|so\b)"
_NO_FILE = rf"{_NOT}\b(?:(?:see|view|receive|access) (?:an?|any|the|your|this) {_FILE}\b(?={_LACKING})|{_FILE} (?:was |is )?(?:attached|provided))"
_NO_WEB = rf"{_NOT}\b(?:access|browse|search)\b(?![^.\n]*\byour\b)[^.\n]{{0,30}}\b(?:real-time|internet|web|links?|urls?|(?:live|current) (?:information|data|events|news|weather|prices))\b"
_IS_ONE = r"\b(?:is|are|was) there\b|\b(?:do|can) you see\b|\b(?:does|did|has|have) \w+ [^.!?]*\battach"
"""A question whether there is a picture or a file: "no" is its answer."""


def _signs(evidence: Evidence) -> dict[str, Json]:
    """What built-in tools added to the answer, by the name of the field; empty values for what did not come."""
    candidate, found = candidate_of(evidence.reply.response), evidence.reply.grounding
    return {
        "groundingMetadata": found.get("groundingChunks") or found.get("webSearchQueries"),
        "urlContextMetadata": candidate.get("urlContextMetadata"),
        **{kind: any(kind in part for part in received(evidence.reply)) for kind in STEPS},
    }
