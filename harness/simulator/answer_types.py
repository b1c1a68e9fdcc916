"""The data of an answer, before it becomes JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.simulator.media import OUTPUT_25, Scale
from harness.simulator.thinking import Thoughts
from harness.simulator.tokens import part_tokens, tally

CALLED = "Model generated function call(s)."
STEPS = ("toolCall", "toolResponse")
"""Parts that show steps of built-in tools. They are not output."""


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """The output of the model before limits: the parts and their metadata. ``tool_tokens`` counts the results of built-in tools;
    ``citations`` are the sources that the text recites."""

    parts: Sequence[Mapping[str, Any]]
    finish: str = "STOP"
    message: str = ""
    grounding: Mapping[str, Any] | None = None
    url_context: Mapping[str, Any] | None = None
    tool_tokens: int = 0
    ratings: Sequence[Mapping[str, Any]] = ()
    citations: Sequence[Mapping[str, Any]] = ()

    @property
    def called(self) -> bool:
        return any("functionCall" in part for part in self.parts)

    @property
    def text(self) -> str:
        return "".join(part.get("text", "") for part in self.parts)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate as it is sent. ``signature`` is the thought signature of an answer without calls, put on its last part. ``token`` is
    the ``continuationToken`` of an answer that continues. ``logprobs`` is the ``logprobsResult``, ``average`` the ``avgLogprobs``."""

    output: ModelOutput
    thoughts: Thoughts
    signature: str = ""
    token: str = ""
    logprobs: Mapping[str, Any] | None = None
    average: float | None = None


@dataclass(frozen=True)
class SimulatedAnswer:
    """A whole answer. Counts are tokens by modality; ``blocked`` is the ``promptFeedback`` of a blocked prompt.

    ``numbered``: candidates have an index even if it is 0. ``lists_candidates``: ``candidatesTokensDetails`` is sent.
    ``ends_empty``: a stream ends with an empty text after a call or a signed answer, as on Gemini 3; else the last chunk with content
    is the last one, and parallel calls are in one chunk. ``chunk``: characters of a text chunk after the first.
    """

    model: str
    response_id: str
    candidates: Sequence[Candidate]
    prompt: Mapping[str, int]
    cached: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, Any] | None = None
    tier: str = "standard"
    scale: Scale = OUTPUT_25
    numbered: bool = True
    lists_candidates: bool = False
    ends_empty: bool = True
    chunk: int = 90

    @property
    def thoughts(self) -> int:
        return sum(candidate.thoughts.tokens for candidate in self.candidates)

    @property
    def tool_tokens(self) -> int:
        return sum(candidate.output.tool_tokens for candidate in self.candidates)

    @cached_property
    def output(self) -> dict[str, int]:
        """Tokens of the answer itself, by modality."""
        parts = (part for candidate in self.candidates for part in candidate.output.parts)
        return tally((part for part in parts if not is_step(part)), self.scale)


def is_step(part: Mapping[str, Any]) -> bool:
    """Whether a part shows a step of a built-in tool."""
    return any(name in part for name in STEPS)


def output_tokens(part: Mapping[str, Any], scale: Scale) -> int:
    """Tokens of one part of the output; 0 for steps of built-in tools."""
    return 0 if is_step(part) else part_tokens(part, scale)[1]
