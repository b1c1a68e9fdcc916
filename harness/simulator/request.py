"""A request as the API reads it: any casing, one for a list, null for nothing; and what it refuses, with its own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any

from harness import definition
from harness.models import ModelFacts, generation
from harness.simulator import schemas, thinking
from harness.simulator.errors import bad_payload, refusal, rules
from harness.simulator.tokens import tally

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
MOST_CANDIDATES = 8
_SCALARS = frozenset({"string", "bytes", "boolean", "number", "datetime", "duration", "object", "any"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_SNAKE = re.compile(r"_([a-z0-9])")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, normalised. ``body`` is a ``GenerateContentRequest`` in canonical spelling; the rest are views on it.

    ``requested`` is the name in the URL; ``facts`` are those of the model that answers. ``cached`` holds the contents of a
    ``cachedContent``, which come before the request's own.
    """

    requested: str
    facts: ModelFacts
    body: Mapping[str, Any]
    cached: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("generationConfig", {})
        return found

    @property
    def thinking(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.config.get("thinkingConfig", {})
        return found

    @property
    def contents(self) -> Sequence[Mapping[str, Any]]:
        return [*self.cached.get("contents", ()), *self.body.get("contents", ())]

    @property
    def tools(self) -> Mapping[str, Any]:
        """All tools as one: function declarations joined, the first of each built-in tool."""
        merged: dict[str, Any] = {}
        for tool in (*self.cached.get("tools", ()), *self.body.get("tools", ())):
            for name, value in tool.items():
                if name == "functionDeclarations":
                    merged[name] = [*merged.get(name, ()), *value]
                else:
                    merged.setdefault(name, value)
        return merged

    @property
    def declarations(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.tools.get("functionDeclarations", ())
        return found

    @property
    def calling(self) -> Mapping[str, Any]:
        """``functionCallingConfig``."""
        config = self.body.get("toolConfig") or self.cached.get("toolConfig") or {}
        found: Mapping[str, Any] = config.get("functionCallingConfig", {})
        return found

    @property
    def system(self) -> str:
        instruction = self.body.get("systemInstruction") or self.cached.get("systemInstruction") or {}
        return texts(instruction)

    @property
    def generation(self) -> tuple[int, int]:
        return generation(self.facts.name) or (3, 0)

    @property
    def signs(self) -> bool:
        """Whether this model's function calls must come back with their signature."""
        return self.generation >= (3, 0)

    @property
    def mime(self) -> str:
        form = self.config.get("responseFormat", {}).get("text", {}).get("mimeType")
        if form:
            return {"APPLICATION_JSON": "application/json"}.get(form, "text/plain")
        return str(self.config.get("responseMimeType") or "text/plain")

    @property
    def schema(self) -> Any:
        """The schema that the answer must obey; None where there is none."""
        config = self.config
        for name in ("responseJsonSchema", "_responseJsonSchema", "responseSchema"):
            if config.get(name) is not None:
                return config[name]
        return config.get("responseFormat", {}).get("text", {}).get("schema")

    def cached_tokens(self) -> dict[str, int]:
        """Tokens of the cached content, by modality."""
        return _request_tokens(self.cached)

    def prompt_tokens(self) -> dict[str, int]:
        """Tokens of everything that was sent, the cached content included, by modality."""
        counts = self.cached_tokens()
        for modality, count in _request_tokens(self.body).items():
            counts[modality] = counts.get(modality, 0) + count
        return counts


def _request_tokens(request: Mapping[str, Any]) -> dict[str, int]:
    """Turns, system instruction and function declarations."""
    parts = [part for content in request.get("contents", ()) for part in content.get("parts", ())]
    parts += request.get("systemInstruction", {}).get("parts", ())
    tools = [each for tool in request.get("tools", ()) for each in tool.get("functionDeclarations", ())]
    return tally([*parts, {"functionDeclarations": tools}] if tools else parts)


def texts(content: Mapping[str, Any]) -> str:
    """The text parts of a turn, one per line; thoughts left out."""
    return "\n".join(part["text"] for part in content.get("parts", ()) if part.get("text") and not part.get("thought"))


# --- reading ------------------------------------------------------------------------------------------


def normal(body: Any, inside: str = "") -> dict[str, Any]:
    """A body in canonical spelling. Raises the API's 400 for names and values that it does not know.

    ``inside`` is the snake_case field that the body stands in, where it is not the whole payload.
    """
    findings = list(definition.request_findings(body))
    if findings:
        raise bad_payload([_placed(each, inside) for each in findings])
    value: dict[str, Any] = _message("GenerateContentRequest", body)
    return value


def _placed(finding: definition.RequestFinding, inside: str) -> tuple[str, str]:
    if not inside:
        return finding.field, finding.message
    if finding.field:
        field = f"{inside}.{finding.field}"
        return field, finding.message.replace(f"'{finding.field}'", f"'{field}'", 1)
    return inside, finding.message.replace(f'"{finding.name}"', f"\"{finding.name}\" at '{inside}'", 1)


def camel(name: str) -> str:
    """``include_thoughts`` -> ``includeThoughts``; a leading underscore stays."""
    return name[:1] + _SNAKE.sub(lambda found: found[1].upper(), name[1:]) if "_" in name[1:] else name


@cache
def _field(message: str, name: str) -> tuple[str, str]:
    """Canonical name and type of a field in either spelling."""
    kinds = definition.fields(message)
    if name in kinds:
        return name, kinds[name]
    spelled = next((each for each in kinds if definition.snake(each) == name), camel(name))
    return spelled, kinds.get(spelled, "any")


def _message(message: str, value: Mapping[str, Any]) -> Any:
    read: dict[str, Any] = {}
    for name, each in value.items():
        if each is not None:
            spelled, kind = _field(message, name)
            read[spelled] = _typed(kind, each)
    return read


def _typed(kind: str, value: Any) -> Any:
    if kind in _SCALARS:
        return float(value) if kind == "number" and isinstance(value, str) else value
    if kind.endswith("[]"):
        items = value if isinstance(value, list) else [value]
        return [_typed(kind[:-2], each) for each in items if each is not None]
    if kind.startswith("enum "):
        return _enum(kind[5:], value) if isinstance(value, str) else definition.named(kind, value)
    if kind.startswith("map "):
        return {key: _typed(kind[4:], each) for key, each in value.items()}
    if kind in ("int32", "int64"):
        return int(float(value)) if isinstance(value, str | float) else value
    return _message(kind, value)


@cache
def _enum(name: str, value: str) -> str:
    upper = value.upper()
    return next((each for each in definition.enum_values(name) if each.upper() == upper), value)


# --- refusing -----------------------------------------------------------------------------------------


def check(ask: Ask, stream: bool) -> None:
    """Raise the refusal that the API would answer with, if there is one."""
    if broken := list(_rule_lines(ask)):
        raise rules(broken)
    for rule in _RULES:
        rule(ask, stream)


def _rule_lines(ask: Ask) -> Iterator[str]:
    """Everything that is said as ``* path: rule`` lines, all at once."""
    root, config = "GenerateContentRequest", ask.config
    if not ask.contents:
        yield f"{root}.contents: contents is not specified"
    for index, content in enumerate(ask.body.get("contents", ())):
        if not content.get("parts"):
            yield f"{root}.contents[{index}].parts: contents.parts must not be empty."
        for place, part in enumerate(content.get("parts", ())):
            if not part:
                yield f"{root}.contents[{index}].parts[{place}].data: required oneof field 'data' must have one initialized field"
    if not 0 <= config.get("temperature", 1) <= 2:
        yield f"{root}.generation_config.temperature: temperature must be in the range [0.0, 2.0]."
    if config.get("maxOutputTokens", 1) < 1:
        yield f"{root}.generation_config.max_output_tokens: max_output_tokens must be positive."
    if not 1 <= config.get("candidateCount", 1) <= MOST_CANDIDATES:
        yield f"{root}.generation_config.candidate_count: candidate_count must be in the range [1, {MOST_CANDIDATES}]."
    if "responseSchema" in config:
        yield from schemas.broken(config["responseSchema"], f"{root}.generation_config.response_schema")
    yield from _declaration_lines(ask, root)


def _declaration_lines(ask: Ask, root: str) -> Iterator[str]:
    for place, tool in enumerate(ask.body.get("tools", ())):
        for index, declaration in enumerate(tool.get("functionDeclarations", ())):
            at = f"{root}.tools[{place}].function_declarations[{index}]"
            if not re.fullmatch(r"[A-Za-z_][\w.:-]{0,127}", declaration.get("name", "")):
                yield f"{at}.name: Invalid function name. Must start with a letter or an underscore."
            if "parameters" in declaration:
                yield from schemas.broken(declaration["parameters"], f"{at}.parameters", may_be_empty=True)


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
    if ask.mime != "text/plain" and "structured_output" not in ask.facts.features and "image_out" in ask.facts.features:
        raise refusal("json_mode_off", model=ask.requested)
    if "responseSchema" not in config and isinstance(ask.schema, Mapping):
        schemas.check_json_schema(ask.schema)
    if len(config.get("stopSequences", ())) > LONGEST_STOPS:
        raise refusal("invalid_argument")


def _tool_mix(ask: Ask, _stream: bool) -> None:
    features, tools = ask.facts.features, ask.tools
    built_in = [name for name in BUILT_IN if name in tools]
    circulates = ask.body.get("toolConfig", {}).get("includeServerSideToolInvocations", False)
    if circulates and "server_side_tool_invocations" not in features:
        raise refusal("circulation")
    if ask.declarations and built_in and not circulates:
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
    if ask.calling.get("mode") and not ask.declarations:
        raise refusal("fc_config_alone")
    names = [declaration.get("name") for declaration in ask.declarations]
    for name in names:
        if names.count(name) > 1:
            raise refusal("duplicate_function", name=name)
    if set(ask.calling.get("allowedFunctionNames", ())) - set(names):
        raise refusal("invalid_argument")


def _history(ask: Ask, _stream: bool) -> None:
    """Calls and responses pair up, and on Gemini 3 the calls of the running turn come with their signatures."""
    contents = ask.contents
    asked = max(
        (n for n, content in enumerate(contents) if content.get("role", "user") != "model" and texts(content)),
        default=-1,
    )
    for position, content in enumerate(contents):
        if content.get("role") != "model":
            continue
        calls = [part for part in content.get("parts", ()) if "functionCall" in part]
        if calls and ask.signs and position > asked:
            _signed(calls[0], position + 1)
        if calls:
            _answered(calls, contents[position + 1 :])


def _signed(call: Mapping[str, Any], position: int) -> None:
    signature = call.get("thoughtSignature")
    if not signature:
        raise refusal("signature_missing", name=call["functionCall"].get("name", ""), position=position)
    if not isinstance(signature, str) or not _BASE64.fullmatch(signature):
        raise refusal("signature_bad")


def _answered(calls: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> None:
    """As many results as calls, in one turn or in several; or none at all, when the user went on to something else."""
    turns = takewhile(lambda content: content.get("role") != "model", after)
    results = [part for content in turns for part in content.get("parts", ()) if "functionResponse" in part]
    if results and len(results) != len(calls):
        raise refusal("response_parts")


def _modalities(ask: Ask, _stream: bool) -> None:
    asked = [str(each) for each in ask.config.get("responseModalities", ())]
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
        raise refusal("logprobs_stream") if stream else refusal("logprobs_off")


def _length(ask: Ask, _stream: bool) -> None:
    count = sum(ask.prompt_tokens().values())
    if count > ask.facts.input_tokens:
        raise refusal("too_long", count=count, most=ask.facts.input_tokens)


_RULES: tuple[Callable[[Ask, bool], None], ...] = (
    _roles, _media, _modalities, _format, _tool_mix, _calling, _thinking, _history, _logprobs, _length,
)  # fmt: skip
