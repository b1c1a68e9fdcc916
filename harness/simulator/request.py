"""A request as the API reads it: camelCase or snake_case, one item for a list, null for an absent field. ``refusals`` has the errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from harness.gemini import definition
from harness.gemini.models import ModelFacts, generation
from harness.simulator.errors import bad_payload
from harness.simulator.media import Scale, input_scale, output_scale
from harness.simulator.tokens import SIGNATURE, TOOLS, declaration_tokens, tally

DATA = frozenset(
    [
        "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
    ]
)  # fmt: skip
"""The kinds of parts. A part has exactly one of these fields."""
READ = 4096
"""Characters that are read at each end of a long text."""
_SCALARS = frozenset({"string", "bytes", "boolean", "number", "datetime", "duration", "object", "any"})
_SNAKE = re.compile(r"_([a-z0-9])")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, normalised. ``body`` is a ``GenerateContentRequest`` in camelCase; the properties are views of it.

    ``requested`` is the name in the URL; ``facts`` describe the model that answers. ``cached`` holds the contents of a
    ``cachedContent``, which precede the request's own. ``seen``: tokens by modality of a beginning that an earlier request had.
    ``passages`` are what a file search finds: ``retrievedContext`` objects, the best first.
    """

    requested: str
    facts: ModelFacts
    body: Mapping[str, Any]
    cached: Mapping[str, Any]
    seen: Mapping[str, int] = field(default_factory=dict)
    passages: Sequence[Mapping[str, Any]] = ()

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
        """All tools in one object: all function declarations, and the first of each built-in tool."""
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
    def requires_signatures(self) -> bool:
        """Whether this model requires its function calls back with their signatures."""
        return self.generation >= (3, 0)

    @property
    def mime(self) -> str:
        form = self.config.get("responseFormat", {}).get("text", {}).get("mimeType")
        if form:
            return {"APPLICATION_JSON": "application/json"}.get(form, "text/plain")
        return str(self.config.get("responseMimeType") or "text/plain")

    @property
    def schema(self) -> Any:
        """The schema of the answer; None without one."""
        config = self.config
        for name in ("responseJsonSchema", "_responseJsonSchema", "responseSchema"):
            if config.get(name) is not None:
                return config[name]
        return config.get("responseFormat", {}).get("text", {}).get("schema")

    @property
    def scale(self) -> Scale:
        """The tokens of media in this request."""
        return input_scale(self.generation).at(str(self.config.get("mediaResolution", "")))

    @property
    def output_scale(self) -> Scale:
        """The tokens of media in the answer."""
        asked = self.config.get("responseFormat", {}).get("image", {}).get("imageSize")
        return output_scale(self.generation, str(asked or self.config.get("imageConfig", {}).get("imageSize") or ""))

    @property
    def shows_tool_steps(self) -> bool:
        """Whether the steps of built-in tools are shown (``includeServerSideToolInvocations``)."""
        config = self.body.get("toolConfig") or self.cached.get("toolConfig") or {}
        return bool(config.get("includeServerSideToolInvocations"))

    def cached_tokens(self) -> dict[str, int]:
        """Cached tokens of the prompt, by modality: those of its ``cachedContent``, else of a beginning seen before."""
        prompt = self.prompt_tokens()
        return self._tokens(self.cached) or {name: min(count, prompt.get(name, 0)) for name, count in self.seen.items()}

    def prompt_tokens(self) -> dict[str, int]:
        """Tokens of the whole prompt, cached content included, by modality."""
        counts = self._tokens(self.cached)
        for modality, count in self._tokens(self.body).items():
            counts[modality] = counts.get(modality, 0) + count
        return counts

    def _tokens(self, request: Mapping[str, Any]) -> dict[str, int]:
        """Tokens of the turns, the system instruction and the function declarations, by modality."""
        parts = [part for content in request.get("contents", ()) for part in content.get("parts", ())]
        counts = tally([*parts, *request.get("systemInstruction", {}).get("parts", ())], self.scale)
        tools = request.get("tools", ())
        declared = [one for tool in tools for one in tool.get("functionDeclarations", ())]
        more = declaration_tokens(declared, terse=self.generation < (2, 5)) if declared else 0
        if self.requires_signatures:
            more += sum(TOOLS.get(name, 0) for tool in tools for name in tool) + _signed_tokens(request)
        if more:
            counts["TEXT"] = counts.get("TEXT", 0) + more
        return counts


def _signed_tokens(request: Mapping[str, Any]) -> int:
    """Tokens of the thoughts since the last text of the user, which Gemini 3 reads again from their signatures."""
    count = 0
    for content in reversed(request.get("contents", ())):
        if content.get("role", "user") != "model" and texts(content):
            break
        count += sum(len(str(part.get("thoughtSignature") or "")) for part in content.get("parts", ()))
    return int(count / SIGNATURE)


def texts(content: Mapping[str, Any]) -> str:
    """The text parts of a turn, one per line, without thoughts; of a long text its two ends."""
    return readable(
        "\n".join(part["text"] for part in content.get("parts", ()) if part.get("text") and not part.get("thought"))
    )


def readable(text: str) -> str:
    """What is read of a text for its meaning. A long one costs a millisecond for each kilobyte, so only its two ends are read."""
    return text if len(text) <= 2 * READ else f"{text[:READ]}\n{text[-READ:]}"


# --- reading ------------------------------------------------------------------------------------------


def normal(body: Any, inside: str = "") -> dict[str, Any]:
    """The body in canonical spelling. Raises the API's 400 for unknown names and invalid values.

    ``inside`` is the snake_case field that holds the body, if it is not the whole payload.
    """
    findings = list(definition.request_findings(body))
    if findings:
        raise bad_payload([_placed(finding, inside) for finding in findings])
    value: dict[str, Any] = _message("GenerateContentRequest", body)
    if clashes := list(_clashes(value)):
        raise bad_payload([(f"{inside}.{at}" if inside else at, text) for at, text in clashes])
    return value


def _clashes(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Parts with more than one of the fields in ``DATA``: (path, message)."""
    for index, content in enumerate(request.get("contents", ())):
        for place, part in enumerate(content.get("parts", ())):
            present = [name for name in part if name in DATA]
            if len(present) > 1:
                at = f"contents[{index}].parts[{place}]"
                yield (
                    at,
                    f"Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{present[1]}'",
                )


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
    spelled = next((field_name for field_name in kinds if definition.snake(field_name) == name), camel(name))
    return spelled, kinds.get(spelled, "any")


def _message(message: str, value: Mapping[str, Any]) -> Any:
    read: dict[str, Any] = {}
    for name, field_value in value.items():
        if field_value is not None:
            spelled, kind = _field(message, name)
            read[spelled] = _typed(kind, field_value)
    return read


def _typed(kind: str, value: Any) -> Any:
    if kind in _SCALARS:
        return float(value) if kind == "number" and isinstance(value, str) else value
    if kind.endswith("[]"):
        items = value if isinstance(value, list) else [value]
        return [_typed(kind[:-2], item) for item in items if item is not None]
    if kind.startswith("enum "):
        return _enum(kind[5:], value) if isinstance(value, str) else definition.name_enums(kind, value)
    if kind.startswith("map "):
        return {key: _typed(kind[4:], item) for key, item in value.items()}
    if kind in ("int32", "int64"):
        return int(float(value)) if isinstance(value, str | float) else value
    return _message(kind, value)


@lru_cache(maxsize=2048)
def _enum(name: str, value: str) -> str:
    upper = value.upper()
    return next((known for known in definition.enum_values(name) if known.upper() == upper), value)
