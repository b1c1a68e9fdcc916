"""Actions of the Computer Use tool: predefined function calls, one each turn, until the task is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.gemini.models import catalogue, undated
from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import asked
from harness.simulator.request import Ask
from harness.simulator.seed import Seed

_SITE = re.compile(r"\b(?:[\w-]+\.)+(?:com|org|net|io|dev|edu|gov|de|uk|invalid)\b(?:/[^\s\"'<>]*)?")
_RISKY = re.compile(
    r"\b(?:buy|purchase|order|pay|checkout|delete|remove|send|submit|password|log ?in|sign ?in|captcha|cookies?|terms|consent)\b",
    re.IGNORECASE,
)
_SEARCH = re.compile(r"\b(?:search(?: for)?|find|look up|type|enter)\b\s*(.*)", re.IGNORECASE)
_OPENING = {
    "ENVIRONMENT_BROWSER": "open_web_browser",
    "ENVIRONMENT_MOBILE": "open_app",
    "ENVIRONMENT_DESKTOP": "take_screenshot",
}


def serves(ask: Ask) -> bool:
    """Whether the model that is asked for, or the one that answers, has the tool."""
    requested = catalogue().models.get(undated(ask.requested))
    return "computer_use" in ask.facts.features or bool(requested and "computer_use" in requested.features)


def action(ask: Ask, prompt: str, seed: Seed) -> dict[str, Any] | None:
    """The next action as a function call without an id; None if all of them were taken."""
    tool = ask.tools["computerUse"]
    left = set(tool.get("excludedPredefinedFunctions") or ()) | _taken(ask)
    found = next(
        (call for call in _actions(str(tool.get("environment")), prompt, seed) if call["name"] not in left), None
    )
    if found and _RISKY.search(prompt):
        decision = {
            "decision": "require_confirmation",
            "explanation": f"The next step may have an effect outside: {asked(prompt)}.",
        }
        return {**found, "args": {**found["args"], "safety_decision": decision}}
    return found


def _taken(ask: Ask) -> set[str]:
    return {str(part["functionCall"].get("name")) for part in ask.parts if "functionCall" in part}


def _actions(environment: str, prompt: str, seed: Seed) -> Iterator[dict[str, Any]]:
    """The actions that the task takes, in their order. Coordinates are thousandths of the screen."""
    opening = _OPENING.get(environment, "open_web_browser")
    names = mentions("name", prompt)
    yield {
        "name": opening,
        "args": {"app_name": str(names[-1].value) if names else "Browser"} if opening == "open_app" else {},
    }
    if site := _SITE.search(prompt):
        yield {"name": "navigate", "args": {"url": f"https://{site[0]}"}}
    spot = {"x": seed.between("x", 100, 900), "y": seed.between("y", 100, 900)}
    if search := _SEARCH.search(prompt):
        yield {
            "name": "type_text_at",
            "args": {**spot, "text": search[1].strip(" .'\"") or asked(prompt), "press_enter": True},
        }
    elif re.search(r"\b(?:click|press|tap|choose|select)\b", prompt, re.IGNORECASE):
        yield {"name": "click_at", "args": spot}
