"""The OpenAI-compatible dialect: ``POST {base}{path}``, with the model in the body and a Bearer token as the only key."""

from __future__ import annotations

from harness.errors import NotAvailable
from harness.gemini.chat_request import chat_body
from harness.gemini.providers import Provider, dialect, posted
from harness.model import Json, Request, Transport


@dialect("openai")
def build(provider: Provider, model: str, body: Json, transport: Transport, expects_status: frozenset[int]) -> Request:
    """The native body as a chat completion. Raises NotAvailable for what cannot be expressed."""
    if transport == "batch":
        raise NotAvailable("the OpenAI-compatible dialect has no transport: batch")
    sent = chat_body(body, model, transport, google=provider.extra_body)
    return posted(provider, model, provider.path, sent, transport, expects_status)
