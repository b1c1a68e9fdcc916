"""A request as its rules look at it: views of the canonical body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct

from harness.gemini.models import ModelFacts, generation
from harness.gemini.schemas.request_schema import RequestSchema, request_schema, requested_type
from harness.text.jsontext import a_list, an_object

BUILT_IN = (
    "googleSearch",
    "googleSearchRetrieval",
    "googleMaps",
    "urlContext",
    "codeExecution",
    "fileSearch",
    "computerUse",
)
"""The tools that run at Google, by their fields in ``Tool``."""


class RequestView(Struct, frozen=True, dict=True):
    """One request. ``body`` is a ``GenerateContentRequest`` in canonical spelling; the properties are views of it, each made once.

    ``requested`` is the name in the URL; ``facts`` describe the model that answers, None if it is not known.
    """

    requested: str
    facts: ModelFacts | None
    body: Mapping[str, Any]

    @property
    def whole(self) -> Mapping[str, Any]:
        """The body, and the tools that it refers to, as far as they are known."""
        return self.body

    @property
    def contents(self) -> Sequence[Mapping[str, Any]]:
        """The turns, and those that it refers to before them, as far as they are known."""
        return a_list(self.body.get("contents"))

    @cached_property
    def config(self) -> Mapping[str, Any]:
        return an_object(self.body.get("generationConfig"))

    @property
    def thinking(self) -> Mapping[str, Any]:
        return an_object(self.config.get("thinkingConfig"))

    @cached_property
    def tools(self) -> Mapping[str, Any]:
        """All tools in one object: all function declarations, and the first of each built-in tool."""
        merged: dict[str, Any] = {}
        for tool in self.whole.get("tools", ()):
            for name, value in tool.items():
                if name == "functionDeclarations":
                    merged[name] = [*merged.get(name, ()), *value]
                else:
                    merged.setdefault(name, value)
        return merged

    @property
    def built_in(self) -> Sequence[str]:
        """The names of the built-in tools."""
        tools = self.tools
        return [name for name in BUILT_IN if name in tools]

    @cached_property
    def declarations(self) -> Sequence[Mapping[str, Any]]:
        return a_list(self.tools.get("functionDeclarations"))

    @property
    def tool_config(self) -> Mapping[str, Any]:
        return an_object(self.whole.get("toolConfig"))

    @cached_property
    def calling(self) -> Mapping[str, Any]:
        """``functionCallingConfig``."""
        return an_object(self.tool_config.get("functionCallingConfig"))

    @property
    def shows_tool_steps(self) -> bool:
        """Whether the steps of built-in tools are shown (``includeServerSideToolInvocations``)."""
        return bool(self.tool_config.get("includeServerSideToolInvocations"))

    @property
    def features(self) -> frozenset[str]:
        """The features of the model; none if it is not known."""
        return self.facts.features if self.facts else frozenset()

    @cached_property
    def generation(self) -> tuple[int, int]:
        return generation(self.facts.name if self.facts else self.requested) or (3, 0)

    @property
    def requires_signatures(self) -> bool:
        """Whether this model requires its function calls back with their signatures."""
        return self.generation >= (3, 0)

    @cached_property
    def mime(self) -> str:
        """The MIME type of the answer."""
        return requested_type(self.body)

    @cached_property
    def requested_schema(self) -> RequestSchema | None:
        """The schema of the answer."""
        return request_schema(self.body)

    @property
    def schema(self) -> Any:
        """The schema of the answer as it is written; None without one."""
        return self.requested_schema and self.requested_schema.schema


def texts(content: Mapping[str, Any]) -> str:
    """The text parts of a turn, one per line, without thoughts."""
    return "\n".join(part["text"] for part in content.get("parts", ()) if part.get("text") and not part.get("thought"))
