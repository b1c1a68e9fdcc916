"""Recognises the recordings of other tools, so that an error message can name the format."""

from __future__ import annotations

from typing import Any


def not_vcrpy(whole: Any) -> str | None:
    """Why this document is not a vcrpy cassette; None if it is one."""
    if whole is None:
        return "empty"
    if not isinstance(whole, dict) or not isinstance(whole.get("interactions"), list):
        return _foreign_document(whole)
    if "recordID" in whole:
        return "a recording of Google's test-server, not a vcrpy cassette"
    for index, item in enumerate(whole["interactions"]):
        request, response = (item.get("request"), item.get("response")) if isinstance(item, dict) else (None, None)
        if not isinstance(request, dict) or not isinstance(response, dict):
            return f"interaction {index} has no request and response: not a vcrpy cassette"
        if not isinstance(request.get("uri"), str):
            tool = "a go-vcr cassette" if "url" in request else f"interaction {index} has no uri"
            return f"{tool}, not a vcrpy cassette"
    return None


_KEYS_OF = (
    ("http_interactions", "a Ruby VCR (or R vcr) cassette"),
    ("when", "an httpmock recording"),
    ("recordID", "a recording of Google's test-server"),
    ("entries", "a Braintrust cassette"),
    ("log", "a HAR file"),
    ("candidates", "a bare Gemini answer"),
    ("request", "a single exchange, as the Datadog test agent stores it"),
)


def _foreign_document(whole: Any) -> str:
    first = whole[0] if isinstance(whole, list) and whole else whole
    if isinstance(whole, list) and isinstance(first, dict):
        if "scope" in first:
            return "a nock recording, not a vcrpy cassette"
        if "request" in first:
            return "vcrpy's layout from before version 1; migrate it with `python -m vcr.migration FILE`"
    if isinstance(first, dict):
        for key, name in _KEYS_OF:
            if key in first:
                return f"{name}, not a vcrpy cassette"
    return "not a cassette: no list of interactions"


def foreign_text(raw: bytes) -> str | None:
    """The format of a file by its first bytes; None if they do not tell."""
    if raw.startswith(b"httprr trace"):
        return "an httprr trace, not a vcrpy cassette"
    if raw.startswith(b"when:"):
        return "an httpmock recording, not a vcrpy cassette"
    if b"http_interactions:" in raw[:100]:
        return "a Ruby VCR (or R vcr) cassette, not a vcrpy cassette"
    if raw.startswith((b"data:", b"event:")):
        return "a bare event stream, not a vcrpy cassette"
    if b"!!python/" in raw:
        return "it holds Python objects, which are never loaded from a cassette"
    return None
