"""The errors of the API for a request with a valid payload: those of ``request_rules``, and what only a server can know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.gemini import request_rules
from harness.gemini.request_rules import RequestRefusal, refusals
from harness.gemini.schemas.refused import At
from harness.simulator import computer, logprobs
from harness.simulator.errors import refusal, rules
from harness.simulator.request import Ask
from harness.text.names import snake


def check(ask: Ask, stream: bool) -> None:
    """Raise the API's error for this request, if it has one."""
    found = [broken for broken in refusals(ask, stream=stream) if not broken.ignored]
    if lines := [api_text(broken) for broken in found if "line" in _row(broken)]:
        raise rules(lines)
    for broken in found:
        raise refusal(broken.rule, **broken.words)
    if ask.config.get("responseLogprobs") and not logprobs.supported(ask):
        raise refusal("logprobs_off")
    _computer(ask)
    count = sum(ask.prompt_tokens().values())
    if count > ask.facts.input_tokens:
        raise refusal("too_long", count=count, most=ask.facts.input_tokens)


def api_text(broken: RequestRefusal) -> str:
    """What the API says of a rule that a request breaks: its whole error, or its line in the list of them all."""
    row = _row(broken)
    if "line" not in row:
        return str(row["api"]).format(**broken.words)
    depth = len(request_rules.paths(row["line_at"])[0]) if "line_at" in row else None
    return f"{_path(broken.at[:depth])}: {row['line'].format(**broken.words)}"


def _row(broken: RequestRefusal) -> Mapping[str, Any]:
    return request_rules.rules()[broken.rule].row


def _path(at: At) -> str:
    """A place as the API spells it: ``GenerateContentRequest.generation_config.response_schema.properties[a].items``."""
    text, named = "GenerateContentRequest", False
    for step in at:
        named, entry = step == "properties" and not named, named
        text += f"[{step}]" if entry or isinstance(step, int) else f".{snake(step)}"
    return text


def _computer(ask: Ask) -> None:
    """Computer Use is a tool of some models, and the only one of others."""
    if "computerUse" in ask.tools and not computer.serves(ask):
        raise refusal("computer_off", model=ask.requested)
    if "computer-use" in ask.facts.name and "computerUse" not in ask.tools:
        raise refusal("computer_only")
