"""The errors of the API. Each name is one error body. Their texts are in ``errors.yaml`` in this folder; those about what a request says are
in ``harness/gemini/request_rules.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.gemini import request_rules
from harness.gemini.definition import STATUSES
from harness.text import safeyaml

MESSAGES: Mapping[str, tuple[str, str]] = {
    name: (status, text)
    for status, texts in [
        ("INVALID_ARGUMENT", {name: one.row["api"] for name, one in request_rules.rules().items() if "api" in one.row}),
        *safeyaml.shipped(Path(__file__).with_name("errors.yaml")).items(),
    ]
    for name, text in texts.items()
}
"""Id of an error -> the name of its status, and its text with placeholders."""


class Refusal(Exception):
    """An error of the API. ``body`` is the whole JSON value, ``status`` the HTTP status that belongs to the one that is ``named``, ``key`` its
    key in ``MESSAGES`` if it has one."""

    def __init__(self, named: str, message: str, details: Sequence[Mapping[str, Any]] = (), key: str = "") -> None:
        super().__init__(message)
        self.status = STATUSES[named]
        self.key = key
        error: dict[str, Any] = {"code": self.status, "message": message, "status": named}
        if details:
            error["details"] = list(details)
        self.body = {"error": error}


def refusal(name: str, /, **words: object) -> Refusal:
    """The error called ``name`` (a key of ``MESSAGES``), with its placeholders replaced by ``words``."""
    named, text = MESSAGES[name]
    message = text.format(**words)
    return Refusal(named, message, _details(name, message), name)


def rules(lines: Sequence[str]) -> Refusal:
    """The error for a valid payload that breaks rules: one ``* path: rule`` line per rule."""
    return Refusal("INVALID_ARGUMENT", "".join(f"* {line}\n" for line in lines))


def bad_payload(violations: Sequence[tuple[str, str]]) -> Refusal:
    """The error for a payload that does not fit the definition. ``violations``: (snake_case path, message); the path is empty at the root."""
    found: list[Any] = [{"field": at, "description": text} if at else {"description": text} for at, text in violations]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": found}
    return Refusal("INVALID_ARGUMENT", "\n".join(text for _, text in violations), [detail])


def quota(model: str, seconds: float, *, daily: bool = False) -> Refusal:
    """429 with Help, QuotaFailure and RetryInfo. RetryInfo has the delay in whole seconds, the message in full."""
    metric = f"generativelanguage.googleapis.com/generate_content_{'free_tier_requests' if daily else 'paid_tier_input_token_count'}"
    limit = "250" if daily else "1000000"
    learn = "https://ai.google.dev/gemini-api/docs/rate-limits"
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        f"error, head to: {learn}. To monitor your current usage, head to: https://ai.dev/rate-limit. \n"
        f"* Quota exceeded for metric: {metric}, limit: {limit}, model: {model}\n"
        f"Please retry in {seconds:.9f}s."
    )
    violation = {
        "quotaMetric": metric,
        "quotaId": (
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
            if daily
            else "GenerateContentPaidTierInputTokensPerModelPerMinute"
        ),
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": limit,
    }
    details: list[Mapping[str, Any]] = [
        {"@type": _RPC + "Help", "links": [{"description": "Learn more about Gemini API quotas", "url": learn}]},
        {"@type": _RPC + "QuotaFailure", "violations": [violation]},
        {"@type": _RPC + "RetryInfo", "retryDelay": f"{int(seconds)}s"},
    ]
    return Refusal("RESOURCE_EXHAUSTED", message, details)


_RPC = "type.googleapis.com/google.rpc."


def _details(name: str, message: str) -> list[dict[str, Any]]:
    """The ``details`` of errors about a key."""
    if name not in _REASONS:
        return []
    metadata = {"service": "generativelanguage.googleapis.com"}
    info = {"@type": _RPC + "ErrorInfo", "reason": _REASONS[name], "domain": "googleapis.com", "metadata": metadata}
    if name == "service_disabled":
        return [{"@type": _RPC + "Help"}, info]
    text = {"@type": _RPC + "LocalizedMessage", "locale": "en-US", "message": message}
    return [info] if name == "key_not_found" else [info, text]


_REASONS = {
    "key_invalid": "API_KEY_INVALID",
    "key_expired": "API_KEY_INVALID",
    "key_not_found": "API_KEY_INVALID",
    "service_disabled": "SERVICE_DISABLED",
}
