"""The errors of the API for a request with a valid payload: those of ``request_rules``, and what only a server can know."""

from __future__ import annotations

from harness.gemini.request_rules import refusals
from harness.simulator import computer, logprobs
from harness.simulator.errors import refusal, rules
from harness.simulator.request import Ask


def check(ask: Ask, stream: bool) -> None:
    """Raise the API's error for this request, if it has one."""
    found = [broken for broken in refusals(ask, stream=stream) if not broken.ignored]
    if lines := [broken.api_message for broken in found if broken.line]:
        raise rules(lines)
    for broken in found:
        raise refusal(broken.rule, **broken.words)
    if ask.config.get("responseLogprobs") and not logprobs.supported(ask):
        raise refusal("logprobs_off")
    _computer(ask)
    count = sum(ask.prompt_tokens().values())
    if count > ask.facts.input_tokens:
        raise refusal("too_long", count=count, most=ask.facts.input_tokens)


def _computer(ask: Ask) -> None:
    """Computer Use is a tool of some models, and the only one of others."""
    if "computerUse" in ask.tools and not computer.serves(ask):
        raise refusal("computer_off", model=ask.requested)
    if "computer-use" in ask.facts.name and "computerUse" not in ask.tools:
        raise refusal("computer_only")
