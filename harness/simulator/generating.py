"""``generateContent``, ``streamGenerateContent`` and ``countTokens``: from a request body to the bytes sent. Applies rules and faults."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from harness.gemini import definition
from harness.gemini.models import bare, undated
from harness.simulator import answering, faults, keys, prompt_markers, rules, wire_format
from harness.simulator.answer_types import SimulatedAnswer
from harness.simulator.errors import bad_payload, refusal
from harness.simulator.request import Ask, normal
from harness.simulator.traffic import EVENTS, JSON, Sent

if TYPE_CHECKING:
    from harness.simulator.routed_call import RoutedCall
    from harness.simulator.state import State

LONG = 4096
"""A body of at most this many bytes is not looked up in the implicit cache."""
KINDS = {"json": JSON, "sse": EVENTS, "array": "application/json"}
"""Framing -> content type."""
_COUNTED = {"contents": 0, "generateContentRequest": 1, "generate_content_request": 1, "model": 0}


def generate(routed: RoutedCall, model: str, *, stream: bool) -> Sent:
    """The answer to ``generateContent`` or ``streamGenerateContent``. Raises ``Refusal``."""
    ask = _asked(routed, model, "streamGenerateContent" if stream else "generateContent")
    fault = fault_of(routed, ask)
    if fault and fault.refuse:
        raise fault.refuse(ask)
    if fault and fault.forget:
        body = fault.forget(ask.body)
        cached, passages = ("cachedContent" in body and ask.cached) or {}, ask.passages if "tools" in body else ()
        ask = replace(ask, body=body, cached=cached, passages=passages)
    answer = answered(routed, ask, stream=stream)
    events = routed.call.events or routed.profile.events_only
    framing = ("sse" if events else "array") if stream else "json"
    wrong = [*routed.profile.losses, *([fault] if fault else [])]
    return _sent(routed, ask, answer, framing, wrong)


def whole_answer(routed: RoutedCall, model: str) -> dict[str, Any]:
    """The value that answers ``generateContent``, without faults. Raises ``Refusal``."""
    return wire_format.whole(answered(routed, _asked(routed, model, "generateContent"), stream=False))


def _asked(routed: RoutedCall, model: str, method: str) -> Ask:
    """The request, with its cached content and its files in place. Raises ``Refusal``."""
    request = normal(routed.request())
    routed.authorise()
    facts = routed.model(model, method)
    keys.check_model(routed.call.key, model, facts)
    return prepared(routed.app, Ask(model, facts, request, {}))


def answered(routed: RoutedCall, ask: Ask, *, stream: bool) -> SimulatedAnswer:
    """The answer: from a rule if one matches, else made up. Raises ``Refusal``."""
    seed = routed.app.seed_of(routed.call, ask.requested)
    if len(routed.call.body) > LONG:
        ask = replace(ask, seen=routed.app.prefixes.seen(ask))
    return answering.answer(ask, seed, stream=stream, scripted=rules.scripted_output(routed.app.rules, ask))


def prepared(app: State, ask: Ask) -> Ask:
    """The request with its cached content and its uploaded files in place. Raises the API's error if one is missing."""
    body = app.resources.opened(ask.body)
    ask = ask if body is ask.body else replace(ask, body=body)
    if "fileSearch" in ask.tools:
        ask = replace(ask, passages=app.resources.stores.search(ask.tools["fileSearch"], ask.turn))
    name = ask.body.get("cachedContent")
    if not name:
        return ask
    if any(ask.body.get(key) for key in ("tools", "toolConfig", "systemInstruction")):
        raise refusal("cache_conflict")
    cache = app.resources.caches.get(str(name))
    if undated(cache.model) != undated(ask.requested):
        raise refusal("cache_model", model=ask.requested, cached=bare(cache.model))
    return replace(ask, cached=cache.request)


def fault_of(routed: RoutedCall, ask: Ask, *, chat: bool = False) -> faults.Fault | None:
    """The fault named by a header, a marker in the prompt or a rule, else one at random; the first of these that applies.

    ``chat``: whether the answer is a chat completion, which has faults of its own.
    """
    named = (
        routed.call.headers.get("x-simulator-fault")
        or prompt_markers.fault(ask.turn)
        or rules.fault(routed.app.rules, ask)
    )
    known = faults.EVERY if chat else faults.FAULTS
    found = known.get(named) if named else routed.app.random_fault()
    return found if found and found.name in known else None


def count(routed: RoutedCall, model: str) -> dict[str, Any]:
    """The body of ``countTokens``. Raises ``Refusal``."""
    request = _countable(routed.body())
    routed.authorise()
    return answering.count(prepared(routed.app, Ask(model, routed.model(model, "countTokens"), request, {})))


def _countable(body: Any) -> dict[str, Any]:
    """The request whose tokens are counted: ``contents``, or a whole ``generateContentRequest``."""
    if not isinstance(body, Mapping):
        raise bad_payload([("", 'Invalid JSON payload received. Unknown name "": Root element must be a message.')])
    unknown = [name for name in body if name not in _COUNTED]
    if unknown:
        raise bad_payload(
            [("", f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.') for name in unknown]
        )
    whole = body.get("generateContentRequest") or body.get("generate_content_request")
    return (
        normal(whole, "generate_content_request") if whole is not None else normal({"contents": body.get("contents")})
    )


# --- on the wire --------------------------------------------------------------------------------------


def _sent(routed: RoutedCall, ask: Ask, answer: SimulatedAnswer, framing: str, wrong: Sequence[faults.Fault]) -> Sent:
    """The answer in its framing, after all faults. Without faults, the chunks of a stream are made while they are sent."""
    values: Iterable[Any] = (wire_format.whole(answer),) if framing == "json" else wire_format.chunks(answer)
    if routed.profile.edits or routed.profile.dated:
        values = map(routed.profile.shown, values, repeat(routed.app.now()))
    for fault in wrong:
        values = fault.edit(copy.deepcopy(list(values)), ask) if fault.edit else values
    headers = routed.profile.headers(KINDS[framing], routed.call, answer.tier)
    pieces: Iterable[bytes] = routed.profile.pieces(
        map(definition.number_enums, repeat("GenerateContentResponse"), values) if routed.call.numbers else values,
        framing,
    )
    pieces = tuple(pieces) if framing == "json" else pieces
    sent = Sent(200, headers, pieces, _delay(routed), routed.app.pace, _note(answer, wrong) if routed.app.log else "")
    for fault in wrong:
        sent = fault.rewire(sent, framing) if fault.rewire else sent
    return sent


def _delay(routed: RoutedCall) -> float:
    """Seconds before the first byte. The clients round a deadline of a millisecond up to a second; it passes as with the API."""
    hurried = routed.call.headers.get("x-server-timeout") == "1"
    return max(routed.app.latency, _SHORTEST if hurried else 0.0)


_SHORTEST = 0.02
"""Seconds: less than any model needs for an answer."""


def _note(answer: SimulatedAnswer, wrong: Sequence[faults.Fault]) -> str:
    blocked = f"blocked {(answer.blocked or {}).get('blockReason')}"
    finish = answer.candidates[0].output.finish if answer.candidates else blocked
    summary = f"  {finish}, {sum(answer.output.values())} tokens, {answer.thoughts} thought"
    return summary + "".join(f", fault {fault.name}" for fault in wrong)
