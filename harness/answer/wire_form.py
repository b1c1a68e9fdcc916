"""The form of an answer on the wire in a few words: its framing and its headers, as a saved run keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from harness.answer.framing import DONE
from harness.model import Exchange, Reply
from harness.text.jsontext import an_object, objects_in

KEPT_HEADERS = ("content-type", "server", "server-timing", "retry-after", "via", "x-gemini-service-tier")
"""The response headers whose values are stored in cassettes and runs. Others may hold ids of accounts."""
_OF_ONE_ANSWER = re.compile(r"date|cf-ray|(?:[\w-]+-)?(?:request|call|trace|log|correlation)-?id")
"""Headers whose values a run keeps beside: the time of the answer, and the id by which an operator finds it."""
LONGEST_HEADER = 200
"""Characters of the value of a header that are kept."""
_MOST_HEADERS = 60
_NAME = r"[!-~]{1,64}"


class FramingRow(Struct, frozen=True, omit_defaults=True, gc=False):
    """``form``: see `Reply`. ``bytes``: the size of the body. The others are there for event streams only.

    ``eol``: ``crlf``, ``lf``, ``cr``, ``mixed`` or ``none``. ``comments``: how many comment lines, such as heartbeats. ``done``:
    whether a ``[DONE]`` came. ``faults``: how many faults of framing. ``finishes``, ``usages``: how many events have a
    ``finishReason``, if several, or a ``usageMetadata``. Zeros are left out.
    """

    form: str
    bytes: int
    eol: str = ""
    comments: int = 0
    done: bool = False
    faults: int = 0
    finishes: int = 0
    usages: int = 0


def framing(exchange: Exchange, reply: Reply) -> FramingRow:
    """The framing of an answer."""
    content = exchange.content
    if reply.form != "sse":
        return FramingRow(reply.form, len(content))
    done = sum(fault.rule == DONE for fault in reply.faults)
    candidates = (objects_in(an_object(event.value).get("candidates")) for event in reply.events)
    finishes = sum(any(one.get("finishReason") for one in found) for found in candidates)
    return FramingRow(
        reply.form,
        len(content),
        eol=_line_ending(content),
        comments=content.count(b"\n:") + content.startswith(b":"),
        done=done > 0,
        faults=len(reply.faults) - done,
        finishes=finishes if finishes > 1 else 0,
        usages=sum("usageMetadata" in an_object(event.value) for event in reply.events),
    )


def headers(received: Mapping[str, str]) -> dict[str, str]:
    """The headers of `KEPT_HEADERS`, the date, and ids of requests with their values, all others with an empty value."""
    names = sorted(received)[:_MOST_HEADERS]
    return {name: received[name][:LONGEST_HEADER] if _is_kept(name) else "" for name in names}


@lru_cache(1000)
def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or _OF_ONE_ANSWER.fullmatch(name) is not None


def ids(received: Mapping[str, str]) -> dict[str, str]:
    """The headers with an id of the request, and their values, where these are kept."""
    found = {name: value for name, value in received.items() if value and _OF_ONE_ANSWER.fullmatch(name)}
    return {name: value for name, value in found.items() if name != "date"}


def other_headers(received: Mapping[str, str]) -> list[str]:
    """The names of the headers whose values are not stored, in their order."""
    return [name for name in sorted(received) if name not in KEPT_HEADERS and re.fullmatch(_NAME, name)][:_MOST_HEADERS]


def shows_all(received: Mapping[str, str]) -> bool:
    """Whether these are all headers of an answer, and not those of `KEPT_HEADERS` only: every server sends others too."""
    return not received.keys() <= set(KEPT_HEADERS)


def _line_ending(content: bytes) -> str:
    both = content.count(b"\r\n")
    numbers = {"crlf": both, "lf": content.count(b"\n") - both, "cr": content.count(b"\r") - both}
    found = [name for name, number in numbers.items() if number]
    return found[0] if len(found) == 1 else "mixed" if found else "none"
