"""A request as the API reads it: camelCase or snake_case, one item for a list, null for an absent field. ``refusals`` has the errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from harness.gemini.canonical import RequestFinding, camel, reading
from harness.gemini.models import ModelFacts
from harness.gemini.request_view import RequestView
from harness.gemini.request_view import texts as every_text
from harness.simulator.errors import bad_payload
from harness.simulator.media import Scale, input_scale, output_scale
from harness.simulator.tokens import SIGNATURE, TOOLS, declaration_tokens, tally

__all__ = ["Ask", "camel", "normal", "readable", "texts"]

READ = 4096
"""Characters that are read at each end of a long text."""
GAP = re.compile(r"\s{3,}")
"""Longer gaps carry no meaning, and would take long to search."""


class Ask(RequestView, frozen=True, dict=True):
    """One request, normalised, and the model that answers it.

    ``cached`` holds the contents of a ``cachedContent``, which precede its own. ``seen``: tokens by modality of a beginning that an
    earlier request had. ``passages`` are what a file search finds: ``retrievedContext`` objects, the best first.
    """

    facts: ModelFacts
    cached: Mapping[str, Any] = {}
    seen: Mapping[str, int] = {}
    passages: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def whole(self) -> Mapping[str, Any]:
        """The body with the tools of the cached content."""
        if not self.cached:
            return self.body
        kept = {name: value for name, value in self.body.items() if name != "cachedContent"}
        tools = [*self.cached.get("tools", ()), *self.body.get("tools", ())]
        config = self.body.get("toolConfig") or self.cached.get("toolConfig")
        return {**kept, **({"tools": tools} if tools else {}), "toolConfig": config or {}}

    @cached_property
    def contents(self) -> Sequence[Mapping[str, Any]]:
        return [*self.cached.get("contents", ()), *self.body.get("contents", ())]

    @cached_property
    def system(self) -> str:
        instruction = self.body.get("systemInstruction") or self.cached.get("systemInstruction") or {}
        return texts(instruction)

    @cached_property
    def turn(self) -> str:
        """The whole text of the user's last turn that has text."""
        return next((text for content in self.user_turns if (text := texts(content)).strip()), "")

    @cached_property
    def question(self) -> str:
        """The last text part of that turn. Notes in ``<system>`` tags are no question."""
        for content in self.user_turns:
            found = [
                part["text"]
                for part in content.get("parts", ())
                if part.get("text", "").strip() and not part.get("thought")
            ]
            if found:
                asked = [text for text in found if not text.lstrip().startswith("<system>")]
                return _closed(readable((asked or found)[-1]))
        return ""

    @property
    def parts(self) -> Iterator[Mapping[str, Any]]:
        """The parts of all turns, in their order."""
        return (part for content in self.contents for part in content.get("parts", ()))

    @property
    def user_turns(self) -> Iterator[Mapping[str, Any]]:
        """The turns of the user, latest first."""
        return (content for content in reversed(self.contents) if content.get("role", "user") != "model")

    @cached_property
    def scale(self) -> Scale:
        """The tokens of media in this request."""
        return input_scale(self.generation).at(str(self.config.get("mediaResolution", "")))

    @cached_property
    def output_scale(self) -> Scale:
        """The tokens of media in the answer."""
        asked = self.config.get("responseFormat", {}).get("image", {}).get("imageSize")
        return output_scale(self.generation, str(asked or self.config.get("imageConfig", {}).get("imageSize") or ""))

    def cached_tokens(self) -> dict[str, int]:
        """Cached tokens of the prompt, by modality: those of its ``cachedContent``, else of a beginning seen before."""
        prompt = self.prompt_tokens()
        return self._tokens(self.cached) or {name: min(count, prompt.get(name, 0)) for name, count in self.seen.items()}

    def prompt_tokens(self) -> dict[str, int]:
        """Tokens of the whole prompt, cached content included, by modality."""
        return dict(self._prompt)

    @cached_property
    def _prompt(self) -> dict[str, int]:
        counts = self._tokens(self.cached)
        for modality, count in self._tokens(self.body).items():
            counts[modality] = counts.get(modality, 0) + count
        return counts

    def _tokens(self, request: Mapping[str, Any]) -> dict[str, int]:
        """Tokens of the turns, the system instruction and the function declarations, by modality."""
        if not request:
            return {}
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
    return readable(every_text(content))


def readable(text: str) -> str:
    """What is read of a text for its meaning. A long one costs a millisecond for each kilobyte, so only its two ends are read."""
    return text if len(text) <= 2 * READ else f"{text[:READ]}\n{text[-READ:]}"


def _closed(text: str) -> str:
    return GAP.sub(lambda gap: "\n\n" if "\n" in gap[0] else "  ", text)


# --- reading ------------------------------------------------------------------------------------------


def normal(body: Any, inside: str = "") -> dict[str, Any]:
    """The body in canonical spelling. Raises the API's 400 for unknown names and invalid values.

    ``inside`` is the snake_case field that holds the body, if it is not the whole payload.
    """
    value, findings = reading(body)
    if findings:
        raise bad_payload([_placed(finding, inside) for finding in findings])
    return value


def _placed(finding: RequestFinding, inside: str) -> tuple[str, str]:
    if not inside:
        return finding.field, finding.message
    if finding.field:
        field = f"{inside}.{finding.field}"
        return field, finding.message.replace(f"'{finding.field}'", f"'{field}'", 1)
    return inside, finding.message.replace(f'"{finding.name}"', f"\"{finding.name}\" at '{inside}'", 1)
