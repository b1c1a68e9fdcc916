"""What editors offer in a suite for names of the API: models, features, values of enums. Any other text stays valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.gemini.models import ModelFacts, catalogue
from harness.text.shape import ForEditors, Offered

_PREDICATE = ("equals", "not", "in", "each", "some")
"""The words of a predicate whose values are of the same kind."""


def values(enum: str, within: Sequence[str] = ()) -> Offered:
    """The values of an enum of the definition, those of Vertex AI included."""

    def known() -> Mapping[str, str]:
        from harness.gemini import definition

        return {name: "" for name in definition.enum_values(enum, vertex=True) if not name.endswith("_UNSPECIFIED")}

    return Offered(enum, known, within)


def expected(enum: str) -> Offered:
    """The same for a predicate: ``STOP``, ``{in: [STOP, MAX_TOKENS]}``."""
    return values(enum, _PREDICATE)


def message(name: str) -> ForEditors:
    """The fields and values of a message, for an object that may be one."""

    def make(definitions: dict[str, Any]) -> dict[str, Any]:
        from harness.gemini import editor_schema

        return {**editor_schema.explained(name, definitions), "type": "object"}

    return ForEditors(make)


def _models() -> Mapping[str, str]:
    known = catalogue()
    aliases = {alias.name: f"points to {alias.target}" for alias in known.aliases.values()}
    return {**{name: _about(facts) for name, facts in known.models.items()}, **aliases}


def _about(facts: ModelFacts) -> str:
    """What is known of a model, in a line: ``ga; thinking levels low, high; ends 2026-12-01; then gemini-3.8-flash``."""
    thinking = facts.thinking
    ways = {
        "level": f"thinking levels {', '.join(thinking.levels).lower()}",
        "budget": f"thinking budgets {thinking.range}",
        "none": "no thinkingConfig",
        "unknown": "",
    }
    ended = facts.stage in ("retired", "shutdown")
    ends = f"{'ended' if ended else 'ends'} {facts.ends}" if facts.ends else ""
    then = f"then {facts.replacement}" if ends and facts.replacement else ""
    return "; ".join(filter(None, (facts.stage, ways[thinking.control], ends, then)))


def _statuses() -> Mapping[str, str]:
    from harness.gemini import definition

    return dict.fromkeys(definition.STATUSES, "")


def _features() -> Mapping[str, str]:
    """Every feature of the catalogue. Those that take something away say what."""
    known = catalogue()
    return {name: known.restrictions.get(name, "") for name in known.features}


MODELS = Offered("ModelName", _models)
MODEL_PREDICATE = Offered("ModelName", _models, _PREDICATE)
STATUSES = Offered("ErrorStatus", _statuses, _PREDICATE)
FEATURES = Offered("Feature", _features)
MIME_TYPES = Offered(
    "ResponseMimeType",
    lambda: {"text/plain": "text", "application/json": "JSON", "text/x.enum": "one value of the schema's enum"},
)
