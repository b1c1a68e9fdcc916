"""``generateContent``, its stream and ``countTokens``: from a body to what is sent, with rules and faults on the way."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.gemini.models import bare, undated
from harness.simulator import answering, catalogue, faults, keys, prompt_markers, rules, wire_format
from harness.simulator.answer_types import SimulatedAnswer
from harness.simulator.enum_numbers import numbered
from harness.simulator.errors import bad_payload, refusal
from harness.simulator.functions import question
from harness.simulator.request import Ask, normal
from harness.simulator.traffic import EVENTS, JSON, Sent

if TYPE_CHECKING:
    from harness.simulator.routed_call import RoutedCall
    from harness.simulator.state import State

LONG = 4096
"""Bytes of a body below which it is not looked at whether its beginning came before."""
KINDS = {"json": JSON, "sse": EVENTS, "array": "application/json"}
"""Framing -> content type."""
_COUNTED = {"contents": 0, "generateContentRequest": 1, "generate_content_request": 1, "model": 0}


def generate(asked: RoutedCall, model: str, *, stream: bool) -> Sent:
    """The answer to ``generateContent`` or ``streamGenerateContent``. Raises ``Refusal``."""
    request = normal(asked.body())
    asked.authorise()
    method = "streamGenerateContent" if stream else "generateContent"
    facts = catalogue.answering(model, asked.version, method, strict=asked.app.strict)
    keys.check_model(asked.call.key, model, facts)
    ask = prepared(asked.app, Ask(model, facts, request, {}))
    fault = fault_of(asked, ask)
    if fault and fault.refuse:
        raise fault.refuse(ask)
    if fault and fault.forget:
        ask = replace(ask, body={name: value for name, value in ask.body.items() if name not in fault.forget})
    answer = answered(asked, ask, stream=stream)
    framing = ("sse" if asked.call.events else "array") if stream else "json"
    wrong = [*asked.where.losses, *([fault] if fault else [])]
    return _sent(asked, ask, answer, framing, wrong)


def answered(asked: RoutedCall, ask: Ask, *, stream: bool) -> SimulatedAnswer:
    """What is answered: a rule's, or the simulator's own. Raises ``Refusal``."""
    seed = asked.app.seed_of(asked.call, ask.requested)
    if len(asked.call.body) > LONG:
        ask = replace(ask, seen=asked.app.prefixes.seen(ask))
    return answering.answer(ask, seed, stream=stream, scripted=rules.said(asked.app.rules, ask))


def prepared(app: State, ask: Ask) -> Ask:
    """The request with its cached content and its uploaded files in place. Raises the API's refusals for missing ones."""
    ask = replace(ask, body=app.resources.opened(ask.body))
    name = ask.body.get("cachedContent")
    if not name:
        return ask
    if any(ask.body.get(key) for key in ("tools", "toolConfig", "systemInstruction")):
        raise refusal("cache_conflict")
    cache = app.resources.cache(str(name))
    if undated(cache.model) != undated(ask.requested):
        raise refusal("cache_model", model=ask.requested, cached=bare(cache.model))
    return replace(ask, cached=cache.request)


def fault_of(asked: RoutedCall, ask: Ask) -> faults.Fault | None:
    """The fault that a header, a mark, a rule or chance asks for, in that order."""
    named = (
        asked.call.headers.get("x-simulator-fault")
        or prompt_markers.fault(question(ask))
        or rules.fault(asked.app.rules, ask)
    )
    return faults.FAULTS.get(named) if named else asked.app.mishap()


def count(asked: RoutedCall, model: str) -> dict[str, Any]:
    """What ``countTokens`` answers. Raises ``Refusal``."""
    request = _countable(asked.body())
    asked.authorise()
    facts = catalogue.answering(model, asked.version, "countTokens", strict=asked.app.strict)
    return answering.count(prepared(asked.app, Ask(model, facts, request, {})))


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


def _sent(asked: RoutedCall, ask: Ask, answer: SimulatedAnswer, framing: str, wrong: Sequence[faults.Fault]) -> Sent:
    """The answer in its framing, each fault having had its way; without faults a stream is made as it is sent."""
    values: Iterable[Any] = (wire_format.whole(answer),) if framing == "json" else wire_format.chunks(answer)
    for fault in wrong:
        values = fault.edit(copy.deepcopy(list(values)), ask) if fault.edit else values
    headers = asked.where.headers(KINDS[framing], answer.tier)
    pieces = asked.where.pieces(map(numbered, values) if asked.call.numbers else values, framing)
    sent = Sent(200, headers, pieces, asked.app.latency, asked.app.pace, _note(answer, wrong))
    for fault in wrong:
        sent = fault.rewire(sent, framing) if fault.rewire else sent
    return sent


def _note(answer: SimulatedAnswer, wrong: Sequence[faults.Fault]) -> str:
    blocked = f"blocked {(answer.blocked or {}).get('blockReason')}"
    finish = answer.candidates[0].said.finish if answer.candidates else blocked
    said = f"  {finish}, {sum(answer.output.values())} tokens, {answer.thoughts} thought"
    return said + "".join(f", fault {fault.name}" for fault in wrong)
