"""What a recorded exchange is evidence of, without a suite.

Only native ``generateContent`` and ``streamGenerateContent`` exchanges, at any host and under any path prefix, and chat completions
are judged by all rules. The other calls (``countTokens``, embeddings, models, files, caches, batches ...) are judged by the
definition and by rules of their own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from harness.answer import reply
from harness.gemini.definition import answer_of
from harness.gemini.providers import is_chat, native_body
from harness.model import UNKNOWN_MODEL, Evidence, Exchange, Request, Transport

_NATIVE = re.compile(r"/(?:models|tunedModels|endpoints|dynamic)/([^/:]+):(generateContent|streamGenerateContent)$")

_MODEL = re.compile(r"/models/([^/:]+):(\w+)$")
_API = re.compile(r"https?://generativelanguage\.googleapis\.com/|/v1(?:alpha|beta)/")


def operation(request: Request) -> tuple[str, str] | None:
    """Model and operation of a request whose answer is judged; None for any other. The operation of a chat completion is ``CHAT``."""
    if request.method == "OPTIONS":
        return None  # a browser asks first whether it may call
    if is_chat(request.url):
        return request.model.removeprefix("google/"), CHAT
    return operation_at(request.url)


def other_call(exchange: Exchange) -> tuple[str, str] | None:
    """Model, empty for none, and method or collection of another call that is judged; None if it is not.

    The bytes of a file are no answer, and the start of an upload has none.
    """
    request = exchange.request
    url = request.url
    call, answer = answer_of(request.method, url)
    of_model = _called(_MODEL, url)
    is_named = answer and (of_model or (_API.search(url) and "/openai/" not in url))
    if not is_named or "alt=media" in url or ("/upload/" in url and not exchange.content):
        return None
    return of_model[0] if of_model else "", call


CHAT = "chat/completions"
"""The operation of the OpenAI-compatible dialect."""


def operation_at(url: str) -> tuple[str, str] | None:
    """Model and operation of a native call at this URL; None for any other."""
    return _called(_NATIVE, url)


@lru_cache(500)
def _called(form: re.Pattern[str], url: str) -> tuple[str, str] | None:
    found = form.search(urlsplit(url).path)
    return (unquote(found[1]), found[2]) if found else None


def evidence(exchange: Exchange) -> Evidence:
    """The evidence for a recorded exchange, without expectations."""
    other = other_call(exchange)
    model, called = operation(exchange.request) or other or (exchange.request.model, "")
    native: Transport = "stream" if called.startswith("stream") else "unary"
    return Evidence(
        exchange=exchange,
        reply=reply.read(exchange),
        request_body=native_body(exchange.request),
        model=None if model in ("", UNKNOWN_MODEL) else model,
        transport=exchange.request.transport if called == CHAT else native,
        audit=True,
        operation=called if other else "generateContent",
    )
