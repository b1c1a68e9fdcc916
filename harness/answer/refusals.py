"""Messages for error answers: the error message of the API, or the start of the body if it has none."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from unicodedata import category

from harness.model import Exchange, Json, Reply
from harness.text.describe import clipped

QUOTED = 300
"""The maximum number of characters of a body in a message."""
KEPT = 4_000
"""The maximum number of characters of a body that are saved with a run."""
_TITLE = r"(?is)<title[^>]*>(.*?)</title"


def error_summary(exchange: Exchange, reply: Reply) -> str:
    """``HTTP 503: The model is overloaded.``; without an error message, a description of the body."""
    message = message_of(reply.error)
    if message:
        return f"HTTP {exchange.status}: {clipped(_plain(message.splitlines()[0]), QUOTED)}"
    return f"HTTP {exchange.status}; {describe_body(exchange)}"


def message_of(error: Json) -> str:
    """The message of the API's error object; empty without one."""
    message = error.get("message") if isinstance(error, dict) else None
    return message.strip() if isinstance(message, str) else ""


def describe_body(exchange: Exchange) -> str:
    """A description of a body without an error message: the title of a page, and the start of the text."""
    if not exchange.content.strip():
        return "the body is empty"
    if is_binary(exchange.content) and (exchange.fault or "").startswith("compressed"):
        return f"the body is {exchange.fault}"
    if is_binary(exchange.content):
        return f"the body is {len(exchange.content):,} bytes that are not text"
    begins = clipped(start_of_body(exchange), QUOTED)
    title = re.search(_TITLE, start_of_body(exchange))
    from html import unescape

    named = _plain(unescape(title[1])) if title else ""
    page = f'is a page "{named}", and ' if named and named not in begins else ""
    return f"the body {page}begins: {begins}"


def saved_body(exchange: Exchange) -> str:
    """The text of such a body that is saved with a run."""
    return describe_body(exchange) if is_binary(exchange.content) else start_of_body(exchange)


def start_of_body(exchange: Exchange) -> str:
    """The start of a text body, on one line, with control characters escaped."""
    content = b"".join(chunk.data for chunk in exchange.chunks[:KEPT])[: 4 * KEPT]
    return clipped(_plain(content.decode("utf-8", "replace")), KEPT)


def is_binary(content: bytes, *, encoded: bool = False) -> bool:
    """Whether these bytes are compressed or binary, not text. ``encoded``: a header says that they are compressed."""
    head = content[:512].removeprefix(b"\xef\xbb\xbf")
    try:
        text = getincrementaldecoder("utf-8")().decode(head)
        most = 0 if encoded else len(text)
    except UnicodeDecodeError:
        text = head.decode("latin-1")
        most = -1 if encoded else len(text) // 10
    return sum(category(character) == "Cc" and not character.isspace() for character in text) > most


def _plain(text: str) -> str:
    """The text on one line, with control characters escaped."""
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )
