"""The errors of the API. Each name is one error body. The texts are copied from real traffic, oddities included.

Those about what a request says are in ``harness/gemini/request_rules.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.gemini import request_rules

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

MESSAGES: Mapping[str, tuple[int, str]] = {
    **{name: (400, text) for name, text in request_rules.messages().items()},
    "key_invalid": (400, "API key not valid. Please pass a valid API key."),
    "key_missing": (
        403,
        (
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
            "form of API consumer identity to call this API."
        ),
    ),
    "bearer_missing": (
        401,
        (
            "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid "
            "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
        ),
    ),
    "keys_many": (400, "Multiple authentication credentials received. Please pass only one."),
    "effort_both": (400, "Expected one of either `reasoning_effort` or custom `thinking_config`; found both."),
    "key_expired": (400, "API key expired. Please renew the API key."),
    "key_not_found": (400, "API Key not found. Please pass a valid API key."),
    "service_disabled": (
        403,
        (
            "Generative Language API has not been used in project {project} before or it is disabled. Enable it by visiting "
            "https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project={project} "
            "then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems "
            "and retry."
        ),
    ),
    "permission": (403, "The caller does not have permission"),
    "location": (400, "User location is not supported for the API use."),
    "billing": (
        400,
        (
            "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI "
            "Studio."
        ),
    ),
    "cache_missing": (403, "CachedContent not found (or permission denied)"),
    "cache_small": (
        400,
        "Cached content is too small. total_token_count={total}, min_total_token_count={least}",
    ),
    "file_processing": (400, "The File {name} is not in an ACTIVE state and usage is not allowed."),
    "exists": (409, "Requested entity already exists"),
    "file_missing": (403, "You do not have permission to access the File {name} or it may not exist."),
    "store_missing": (403, "You do not have permission to access the FileSearchStore {name} or it may not exist."),
    "store_unknown": (404, "The FileSearchStore {name} does not exist."),
    "document_missing": (404, "Documents does not exist."),
    "no_route": (404, "Requested entity was not found."),
    "model_unknown": (
        404,
        (
            "models/{model} is not found for API version {version}, or is not supported for {method}. Call "
            "ModelService.ListModels to see the list of available models and their supported methods."
        ),
    ),
    "model_gone": (
        404,
        "This model models/{model} is no longer available. Please update your code to use models/{replacement}",
    ),
    "model_closed": (
        404,
        (
            "This model models/{model} is no longer available to new users. Please update your code to use a newer model "
            "for the latest features and improvements."
        ),
    ),
    "model_name_bad": (400, "* GenerateContentRequest.model: unexpected model name format\n"),
    "cache_model": (
        400,
        (
            "Model used by GenerateContent request (models/{model}) and CachedContent (models/{cached}) has to be the same."
        ),
    ),
    "invalid_argument": (400, "Request contains an invalid argument."),
    "too_many_states": (
        400,
        (
            "The specified schema produces a constraint that has too many states for serving.  Typical causes of this "
            "error are schemas with lots of text (for example, very long property or enum names), schemas with long "
            "array length limits (especially when nested), or schemas using complex value matchers (for example, "
            "integers or numbers with minimum/maximum bounds or strings with complex formats like date-time)"
        ),
    ),
    "too_deep": (400, "Invalid JSON payload received. Message too deep. Max recursion depth reached."),
    "too_large": (400, "Request payload size exceeds the limit: {most} bytes."),
    "computer_off": (400, "Computer Use is not enabled for models/{model}"),
    "computer_only": (400, "This model requires the use of the Computer Use tool."),
    "too_long": (
        400,
        "The input token count ({count}) exceeds the maximum number of tokens allowed ({most}).",
    ),
    "quota_short": (429, "Resource has been exhausted (e.g. check quota)."),
    "capacity": (
        429,
        (
            "Resource exhausted. Please try again later. Please refer to "
            "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details."
        ),
    ),
    "internal": (
        500,
        (
            "An internal error has occurred. Please retry or report in "
            "https://developers.generativeai.google/guide/troubleshooting"
        ),
    ),
    "overloaded": (
        503,
        (
            "This model is currently experiencing high demand. Spikes in demand are usually temporary. "
            "Please try again later."
        ),
    ),
    "deadline_503": (503, "Deadline expired before operation could complete."),
    "deadline": (504, "The request timed out. Please try again."),
    "cancelled": (499, "The operation was cancelled."),
}


NAMED = dict.fromkeys(("location", "billing", "file_processing"), "FAILED_PRECONDITION")
"""Errors whose status name does not follow from the HTTP status."""


class Refusal(Exception):
    """An error of the API. ``body`` is the whole JSON value, ``status`` the HTTP status, ``named`` the status name if it does not
    follow from the HTTP status, ``key`` its key in ``MESSAGES`` if it has one."""

    def __init__(
        self, status: int, message: str, details: Sequence[Mapping[str, Any]] = (), named: str = "", key: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.key = key
        error: dict[str, Any] = {"code": status, "message": message, "status": named or STATUS[status]}
        if details:
            error["details"] = list(details)
        self.body = {"error": error}


def refusal(name: str, /, **words: object) -> Refusal:
    """The error called ``name`` (a key of ``MESSAGES``), with its placeholders replaced by ``words``."""
    status, text = MESSAGES[name]
    message = text.format(**words)
    return Refusal(status, message, _details(name, message), NAMED.get(name, ""), name)


def rules(lines: Sequence[str]) -> Refusal:
    """The error for a valid payload that breaks rules: one ``* path: rule`` line per rule."""
    return Refusal(400, "".join(f"* {line}\n" for line in lines))


def bad_payload(violations: Sequence[tuple[str, str]]) -> Refusal:
    """The error for a payload that does not fit the definition. ``violations``: (snake_case path, message); the path is empty at the root."""
    found: list[Any] = [{"field": at, "description": text} if at else {"description": text} for at, text in violations]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": found}
    return Refusal(400, "\n".join(text for _, text in violations), [detail])


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
    return Refusal(429, message, details)


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
