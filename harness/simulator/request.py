"""A request as the API reads it: camelCase or snake_case, one item for a list, null for an absent field. ``refusals`` has the errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.gemini import definition
from harness.gemini.canonical import camel, canonical, clashes
from harness.gemini.models import ModelFacts
from harness.gemini.request_view import RequestView, texts
from harness.simulator.errors import bad_payload
from harness.simulator.media import Scale, input_scale
from harness.simulator.tokens import tally

__all__ = ["Ask", "camel", "normal", "texts"]


@dataclass(frozen=True)
class Ask(RequestView):
    """One request, normalised, and the model that answers it.

    ``seen``: tokens by modality of a beginning that an earlier request had.
    """

    facts: ModelFacts
    seen: Mapping[str, int] = field(default_factory=dict)

    @property
    def system(self) -> str:
        instruction = self.body.get("systemInstruction") or self.cached.get("systemInstruction") or {}
        return texts(instruction)

    @property
    def scale(self) -> Scale:
        """The tokens of media in this request."""
        return input_scale(self.generation).at(str(self.config.get("mediaResolution", "")))

    def cached_tokens(self) -> dict[str, int]:
        """Cached tokens of the prompt, by modality: those of its ``cachedContent``, else of a beginning seen before."""
        return _request_tokens(self.cached, self.scale) or dict(self.seen)

    def prompt_tokens(self) -> dict[str, int]:
        """Tokens of the whole prompt, cached content included, by modality."""
        counts = _request_tokens(self.cached, self.scale)
        for modality, count in _request_tokens(self.body, self.scale).items():
            counts[modality] = counts.get(modality, 0) + count
        return counts


def _request_tokens(request: Mapping[str, Any], scale: Scale) -> dict[str, int]:
    """Tokens of the turns, the system instruction and the function declarations, by modality."""
    parts = [part for content in request.get("contents", ()) for part in content.get("parts", ())]
    parts += request.get("systemInstruction", {}).get("parts", ())
    tools = [declaration for tool in request.get("tools", ()) for declaration in tool.get("functionDeclarations", ())]
    return tally([*parts, {"functionDeclarations": tools}] if tools else parts, scale)


# --- reading ------------------------------------------------------------------------------------------


def normal(body: Any, inside: str = "") -> dict[str, Any]:
    """The body in canonical spelling. Raises the API's 400 for unknown names and invalid values.

    ``inside`` is the snake_case field that holds the body, if it is not the whole payload.
    """
    findings = list(definition.request_findings(body))
    if findings:
        raise bad_payload([_placed(finding, inside) for finding in findings])
    value = canonical(body)
    if clashing := list(clashes(value)):
        raise bad_payload([(f"{inside}.{at}" if inside else at, text) for at, text in clashing])
    return value


def _placed(finding: definition.RequestFinding, inside: str) -> tuple[str, str]:
    if not inside:
        return finding.field, finding.message
    if finding.field:
        field = f"{inside}.{finding.field}"
        return field, finding.message.replace(f"'{finding.field}'", f"'{field}'", 1)
    return inside, finding.message.replace(f'"{finding.name}"', f"\"{finding.name}\" at '{inside}'", 1)
