"""The native dialect: ``POST {base}/v1beta/models/{model}:generateContent`` and ``:streamGenerateContent?alt=sse``."""

from __future__ import annotations

from urllib.parse import quote

from harness import __version__
from harness.gemini.providers import Provider, dialect
from harness.model import Json, Request, Transport
from harness.text.jsontext import compact

_METHOD = {"unary": "generateContent", "stream": "streamGenerateContent?alt=sse", "batch": "generateContent"}
"""A request of a batch is recorded and matched like a unary one."""


@dialect("gemini")
def build(provider: Provider, model: str, body: Json, transport: Transport, expects_status: frozenset[int]) -> Request:
    """The body is sent unchanged: compact UTF-8 JSON, with the keys in the suite's order."""
    path = provider.path.format(model=quote(model.removeprefix("models/"), safe="/-._~"), method=_METHOD[transport])
    return Request(
        provider=provider.name,
        model=model,
        method="POST",
        url=provider.base_url.rstrip("/") + path,
        headers={
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": f"gemini-harness/{__version__}",
        },
        body=body,
        content=compact(body),
        transport=transport,
        expects_status=expects_status,
    )
