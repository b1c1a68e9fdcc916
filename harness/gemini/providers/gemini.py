"""The native dialect: ``POST {base}/v1beta/models/{model}:generateContent`` and ``:streamGenerateContent?alt=sse``."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from harness.gemini.providers import Provider, dialect, posted
from harness.model import Json, Request, Transport

_METHOD = {"unary": "generateContent", "stream": "streamGenerateContent?alt=sse", "batch": "generateContent"}
"""A request of a batch is recorded and matched like a unary one."""


@dialect("gemini")
def build(provider: Provider, model: str, body: Json, transport: Transport, expects_status: frozenset[int]) -> Request:
    """The body is sent unchanged, with the keys in the suite's order."""
    return posted(provider, model, _path(provider.path, model, transport), body, transport, expects_status)


@lru_cache(1000)
def _path(path: str, model: str, transport: Transport) -> str:
    return path.format(model=quote(model.removeprefix("models/"), safe="/-._~"), method=_METHOD[transport])
