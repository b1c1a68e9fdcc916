"""Finds the recorded interaction that answers a request, or says what changed in the request since the recording.

These are compared: the method, the host, the path from ``/v1...`` on, the query without secrets, and the body as JSON.
The interaction in the same slot is preferred. Files without slots answer the n-th attempt with the n-th recording of the
same request, in file order. An interaction can be replayed any number of times.

In files that other tools made, only the model, the method and the body are compared: the host, the API version, the
project and the query are those of the other tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import takewhile, zip_longest
from urllib.parse import parse_qsl, urlencode, urlsplit

from harness.errors import CannotAsk, NoRecording, StaleRecording
from harness.model import Json, Request, Slot
from harness.text.amounts import count
from harness.text.describe import clipped
from harness.text.grouping import grouped
from harness.text.jsontext import canonical, compact
from harness.transport.cassette import Interaction, Tape, without_secrets

Key = tuple[str, str, str]
"""Method, address (``operation`` in files that other tools made), and the body's canonical text."""

_EXCERPT = 60
_LONG = 120
_NEAREST_OF = 50
_VERSION = re.compile(r"/v\d\w*/")
_OPERATION = r"/(models/[^/]+:\w+|chat/completions)$"


@lru_cache(500)
def address(url: str) -> str:
    """The path from ``/v1...`` on with its query: sorted, without secrets."""
    parts = urlsplit(without_secrets(url))
    found = _VERSION.search(parts.path)
    path = parts.path[found.start() :] if found else parts.path
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{path}?{query}" if query else path


@lru_cache(500)
def operation(url: str) -> str:
    """``models/M:generateContent`` or ``chat/completions`` for any provider; the ``address`` of any other URL."""
    found = re.search(_OPERATION, urlsplit(url).path)
    return found[1] if found else address(url)


def moved(before: str, now: str) -> bool:
    """Whether another model or method is asked than before. Recordings of other tools have another host, version and query."""
    return operation(before) != operation(now)


def keys(request: Request, *addresses: str) -> list[Key]:
    """The request's keys at these addresses. Requests with equal keys are the same, apart from the host."""
    body = canonical(request.body) if request.body is not None else request.content.decode("latin-1")
    return [(request.method.upper(), place, body) for place in dict.fromkeys(addresses)]


@lru_cache(500)
def host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower()


class Index:
    """A tape with an index of its requests, which is built when it is first needed."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    @cached_property
    def by_key(self) -> Mapping[Key, list[Interaction]]:
        return grouped(self.tape.interactions, _key)


def find(index: Index, request: Request, slot: Slot, request_host: str) -> Interaction:
    """The interaction that answers ``request`` at ``slot``. Raises StaleRecording or NoRecording."""
    here = index.tape.at(slot.position)
    if here is not None and _host_fits(here, request_host) and _is_answer(here, request):
        return here
    wanted = keys(request, address(request.url), operation(request.url))
    same = [
        interaction
        for key in wanted
        for interaction in index.by_key.get(key, ())
        if _host_fits(interaction, request_host)
    ]
    if chosen := _choose(same, slot):
        return chosen
    raise _missing(index, same, request, slot, request_host)


def _is_answer(interaction: Interaction, request: Request) -> bool:
    """Whether it was recorded for the same request. Bodies with equal bytes are not parsed."""
    old = interaction.exchange.request
    if old.content == request.content:
        return old.method == request.method and _address_for(old.url, interaction) == _address_for(
            request.url, interaction
        )
    return _key(interaction) in keys(request, _address_for(request.url, interaction))


def _key(interaction: Interaction) -> Key:
    request = interaction.exchange.request
    (found,) = keys(request, _address_for(request.url, interaction))
    return found


def _address_for(url: str, interaction: Interaction) -> str:
    """The part of the address that is compared: less of it in files that other tools made."""
    return address(url) if interaction.exchange.own else operation(url)


def _host_fits(interaction: Interaction, request_host: str) -> bool:
    exchange = interaction.exchange
    return not exchange.own or host(exchange.request.url) == request_host


def _choose(same: list[Interaction], slot: Slot) -> Interaction | None:
    # A row that moved in its data file keeps its recordings: the request and the attempt are the same.
    for interaction in same:
        if interaction.slot is not None and interaction.slot[1:] == slot.position[1:]:
            return interaction
    unslotted = [interaction for interaction in same if interaction.slot is None]
    return unslotted[slot.repeat] if slot.repeat < len(unslotted) else None


def _missing(index: Index, same: list[Interaction], request: Request, slot: Slot, request_host: str) -> CannotAsk:
    path = index.tape.path
    what = f"{request.method} {address(request.url)}"
    if same:
        return NoRecording(
            f"{path} holds {count(len(same), 'recording')} of {what}, none for attempt {slot.repeat + 1}"
        )
    other = index.tape.at(slot.position) or _nearest(index, request)
    if other is None:
        return NoRecording(f"{path} holds no recording of {what} (row {slot.row + 1}, turn {slot.step + 1})")
    changes = tuple(_changes(other, request, request_host))
    return StaleRecording(f"{path} is stale for {what}:" + "".join(f"\n  {change}" for change in changes), changes)


def _nearest(index: Index, request: Request) -> Interaction | None:
    """In a file without slots: the recording at the same address that differs least."""
    candidates = [
        interaction
        for interaction in index.tape.interactions
        if interaction.slot is None
        and _address_for(interaction.exchange.request.url, interaction) == _address_for(request.url, interaction)
    ]
    measured = [
        (sum(1 for _ in differences(candidate.exchange.request.body, request.body)), candidate)
        for candidate in candidates[:_NEAREST_OF]
    ]
    return min(measured, key=lambda pair: pair[0], default=(0, None))[1]


def _changes(other: Interaction, new: Request, request_host: str) -> Iterator[str]:
    old = other.exchange.request
    if old.method.upper() != new.method.upper():
        yield f"method: was {old.method}, now {new.method}"
    if not _host_fits(other, request_host):
        yield f"host: was {host(old.url)}, now {request_host}"
    if _address_for(old.url, other) != _address_for(new.url, other):
        yield f"address: was {_address_for(old.url, other)}, now {_address_for(new.url, other)}"
    if old.body is not None and new.body is not None:
        yield from differences(old.body, new.body)
    elif old.content != new.content:
        yield "body: changed"


# --- what changed -------------------------------------------------------------------------------------


def differences(old: Json, new: Json, at: str = "$") -> Iterator[str]:
    """What changed between two JSON values: a line for each JSON path; no line if their ``canonical`` texts are equal."""
    if not any(isinstance(old, kind) and isinstance(new, kind) for kind in (dict, list)):
        yield from [] if canonical(old) == canonical(new) else [f"{at}: {_changed(old, new)}"]
        return
    for here, before, now in _paired(old, new, at):
        if now is _ABSENT:
            yield f"{here}: removed: was {_short(before)}"
        elif before is _ABSENT:
            yield f"{here}: added: now {_short(now)}"
        else:
            yield from differences(before, now, here)


_ABSENT = object()


def _paired(old: Json, new: Json, at: str) -> Iterator[tuple[str, Json, Json]]:
    """(path, old value, new value) of what two objects or two lists hold; ``_ABSENT``: only the other has it."""
    if isinstance(old, dict):
        yield from ((_member(at, name), old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in {**old, **new})
    else:
        for position, (before, now) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield f"{at}[{position}]", before, now


def _member(at: str, name: str) -> str:
    return f"{at}.{name}" if re.fullmatch(r"[A-Za-z_$]\w*", name) else f"{at}[{_quoted(name)}]"


def _changed(old: Json, new: Json) -> str:
    if not isinstance(old, str) or not isinstance(new, str) or max(len(old), len(new)) <= _LONG:
        return f"was {_short(old)}, now {_short(new)}"
    if _is_data(old) and _is_data(new):
        return f"data changed: was {_short(old)}, now {_short(new)}"
    start = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    since = max(0, start - _EXCERPT // 3)
    return f"changed at char {start}: was {_excerpt(old, since)}, now {_excerpt(new, since)}"


def _excerpt(text: str, since: int) -> str:
    cut = text[since : since + _EXCERPT]
    return _quoted(("…" if since else "") + cut + ("…" if since + _EXCERPT < len(text) else ""))


def _is_data(text: str) -> bool:
    return len(text) > 500 and re.fullmatch(r"[A-Za-z0-9+/_=-]+", text) is not None


def _short(value: Json) -> str:
    if isinstance(value, str) and _is_data(value):
        import hashlib

        return f"{len(value)} characters of data, sha256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    return clipped(_quoted(value))


def _quoted(value: Json) -> str:
    return compact(value).decode("utf-8", "replace")
