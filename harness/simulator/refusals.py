"""The errors of the API for a request with a valid payload: its texts, in the order of its checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.gemini import definition
from harness.simulator import computer, field_rules, logprobs, schemas, signatures, thinking
from harness.simulator.errors import refusal, rules
from harness.simulator.request import Ask, texts

BUILT_IN = (
    "googleSearch",
    "googleSearchRetrieval",
    "googleMaps",
    "urlContext",
    "codeExecution",
    "fileSearch",
    "computerUse",
)
LONGEST_STOPS = 5


def check(ask: Ask, stream: bool) -> None:
    """Raise the API's error for this request, if it has one."""
    if broken := list(field_rules.broken(ask)):
        raise rules(broken)
    for rule in _RULES:
        rule(ask, stream)


def _thinking(ask: Ask, _stream: bool) -> None:
    thinking.check(ask.facts, ask.thinking)


def _roles(ask: Ask, _stream: bool) -> None:
    for content in ask.contents:
        if content.get("role", "user") not in ("user", "model", "function", ""):
            raise refusal("role_bad")


def _media(ask: Ask, _stream: bool) -> None:
    for content in ask.contents:
        for part in content.get("parts", ()):
            blob = part.get("inlineData")
            if blob is not None and not (blob.get("data") and blob.get("mimeType")):
                raise refusal("invalid_argument")
            if str(part.get("fileData", {}).get("fileUri", "")).startswith("gs://"):
                raise refusal("invalid_argument")
            if blob is not None and not _MEDIA.match(blob["mimeType"]):
                raise refusal("mime_unsupported", mime=blob["mimeType"])


_MEDIA = re.compile(r"(?:image|audio|video|text|application)/[\w.+-]+")


def _format(ask: Ask, _stream: bool) -> None:
    config = ask.config
    classic = [name for name in ("responseSchema", "responseJsonSchema", "_responseJsonSchema") if name in config]
    if len(classic) > 1 or (classic and "responseFormat" in config):
        raise refusal("invalid_argument")
    if classic and ask.mime == "text/plain":
        raise refusal("schema_no_mime")
    if ask.mime not in ("text/plain", "application/json", "text/x.enum"):
        raise refusal("mime_bad")
    if ask.mime == "text/x.enum" and not schemas.is_enum(ask.schema):
        raise refusal("invalid_argument")
    if ask.mime != "text/plain" and "structured_output" not in ask.facts.features and _makes_media(ask):
        raise refusal("json_mode_off", model=ask.requested)
    if "responseSchema" not in config and ask.schema is not None:
        schemas.check_json_schema(ask.schema)
    if ask.schema is not None and schemas.listed(ask.schema) > schemas.MOST_ITEMS:
        raise refusal("invalid_argument")
    if len(config.get("stopSequences", ())) > LONGEST_STOPS:
        raise refusal("invalid_argument")


def _makes_media(ask: Ask) -> bool:
    return bool({"image_out", "audio_out"} & ask.facts.features)


def _tools_on(ask: Ask, _stream: bool) -> None:
    """Models that make images or speech support few tools or none."""
    for tool, feature, name in _SWITCHES:
        if tool in ask.tools and feature not in ask.facts.features and _makes_media(ask):
            raise refusal(name, model=ask.requested)


_SWITCHES = (
    ("functionDeclarations", "function_calling", "functions_off"),
    ("codeExecution", "code_execution", "code_off"),
    ("googleSearch", "google_search", "search_off"),
    ("urlContext", "url_context", "browse_off"),
)


def _old_tools(ask: Ask, _stream: bool) -> None:
    """Tools of one model family: Computer Use, and the search of Gemini 1.5."""
    if "computerUse" in ask.tools and not computer.serves(ask):
        raise refusal("computer_off", model=ask.requested)
    if "computer-use" in ask.facts.name and "computerUse" not in ask.tools:
        raise refusal("computer_only")
    if "googleSearchRetrieval" in ask.tools and ask.generation >= (2, 0):
        raise refusal("retrieval_old")


def _tool_mix(ask: Ask, _stream: bool) -> None:
    features, tools = ask.facts.features, ask.tools
    built_in = [name for name in BUILT_IN if name in tools]
    if ask.shows_tool_steps and "server_side_tool_invocations" not in features:
        raise refusal("circulation")
    if ask.declarations and built_in and not ask.shows_tool_steps:
        mixes = "builtin_tools_with_functions" in features
        raise (
            refusal("builtin_functions")
            if mixes
            else refusal("builtin_functions_old", tool=definition.snake(built_in[0]))
        )
    if ask.mime == "application/json":
        if ask.declarations and "json_mode_with_tools" not in features:
            raise refusal("tools_json_25")
        if built_in and "json_mode_with_tools" not in features:
            raise refusal("tool_json_25")
        if "googleMaps" in tools and "responseFormat" not in ask.config:
            raise refusal("maps_json")


def _calling(ask: Ask, _stream: bool) -> None:
    for declaration in ask.declarations:
        if {"parameters", "parametersJsonSchema"} <= set(declaration) or {"response", "responseJsonSchema"} <= set(
            declaration
        ):
            raise refusal("invalid_argument")
        if declaration.get("parametersJsonSchema") is not None:
            schemas.check_json_schema(declaration["parametersJsonSchema"])
    if ask.calling.get("mode") and not ask.declarations and not (ask.tools and ask.calling["mode"] == "AUTO"):
        raise refusal("fc_config_alone")
    names = [declaration.get("name") for declaration in ask.declarations]
    for name in names:
        if names.count(name) > 1:
            raise refusal("duplicate_function", name=name)
    if set(ask.calling.get("allowedFunctionNames", ())) - set(names):
        raise refusal("invalid_argument")


def _history(ask: Ask, _stream: bool) -> None:
    """Each call has a response, and on Gemini 3 the calls since the last user text have their signatures."""
    contents = ask.contents
    asked = max(
        (n for n, content in enumerate(contents) if content.get("role", "user") != "model" and texts(content)),
        default=-1,
    )
    for position, content in enumerate(contents):
        if content.get("role") != "model":
            continue
        calls = [part for part in content.get("parts", ()) if "functionCall" in part]
        if calls and ask.requires_signatures and position > asked:
            _signed(calls[0], position + 1)
    for called, answered in _rounds(contents):
        if answered and answered != called:
            raise refusal("response_parts")


def _signed(call: Mapping[str, Any], position: int) -> None:
    signature = call.get("thoughtSignature")
    if not signature:
        raise refusal("signature_missing", name=call["functionCall"].get("name", ""), position=position)
    if signatures.corrupted(signature):
        raise refusal("signature_bad")


def _rounds(contents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """The number of calls and of results of each round: turns of the model, and those after them. No result at all is accepted too: the
    user changed the subject. Tools of MCP servers have their results beside their calls."""
    calls = results = 0
    answering = False
    for content in contents:
        model = content.get("role") == "model"
        if model and answering:
            yield calls, results
            calls = results = 0
        answering = not model
        calls += sum("functionCall" in part for part in content.get("parts", ()))
        results += sum("functionResponse" in part for part in content.get("parts", ()))
    yield calls, results


def _modalities(ask: Ask, _stream: bool) -> None:
    asked = [str(modality) for modality in ask.config.get("responseModalities", ())]
    features = ask.facts.features
    speaks = "audio_out" in features and "text_out" not in features
    if speaks and asked != ["AUDIO"]:
        raise refusal("modalities", asked=", ".join(asked) or "TEXT", model=ask.requested, accepted="AUDIO")
    if ("IMAGE" in asked and "image_out" not in features) or ("AUDIO" in asked and "audio_out" not in features):
        raise refusal("modalities", asked=", ".join(asked), model=ask.requested, accepted="TEXT")


def _logprobs(ask: Ask, stream: bool) -> None:
    if ask.config.get("logprobs") is not None and not ask.config.get("responseLogprobs"):
        raise refusal("logprobs_alone")
    if ask.config.get("responseLogprobs"):
        if stream:
            raise refusal("logprobs_stream")
        if not logprobs.supported(ask):
            raise refusal("logprobs_off")


def _length(ask: Ask, _stream: bool) -> None:
    count = sum(ask.prompt_tokens().values())
    if count > ask.facts.input_tokens:
        raise refusal("too_long", count=count, most=ask.facts.input_tokens)


_RULES: tuple[Callable[[Ask, bool], None], ...] = (
    _roles, _media, _modalities, _format, _tools_on, _old_tools, _tool_mix, _calling, _thinking, _history, _logprobs, _length,
)  # fmt: skip
