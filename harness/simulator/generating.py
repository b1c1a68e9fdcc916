"""``generateContent``, its stream and ``countTokens``: from a body to what is sent, with rules and faults on the way."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.simulator import answering, catalogue, faults, marks, rules, sending
from harness.simulator.errors import bad_payload, refusal
from harness.simulator.functions import question
from harness.simulator.profiles import Profile
from harness.simulator.request import Ask, normal
from harness.simulator.traffic import EVENTS, JSON, Headers, Piece, Sent

if TYPE_CHECKING:
    from harness.simulator.app import Simulator
    from harness.simulator.routes import Asked

_COUNTED = {"contents": 0, "generateContentRequest": 1, "generate_content_request": 1, "model": 0}


def generate(asked: Asked, model: str, *, stream: bool) -> Sent:
    """The answer to ``generateContent`` or ``streamGenerateContent``. Raises ``Refusal``."""
    request = normal(asked.body())
    asked.authorise()
    method = "streamGenerateContent" if stream else "generateContent"
    facts = catalogue.answering(model, asked.version, method, strict=asked.app.strict)
    ask = prepared(asked.app, Ask(model, facts, request, {}))
    fault = fault_of(asked, ask)
    if fault and fault.refuse:
        raise fault.refuse(ask)
    answer = answered(asked, ask, stream=stream)
    values = list(sending.chunks(answer)) if stream else [sending.whole(answer)]
    return _sent(
        asked, ask, values, [*asked.where.losses, *([fault] if fault else [])], stream=stream, note=_note(answer, fault)
    )


def answered(asked: Asked, ask: Ask, *, stream: bool) -> answering.Answer:
    """What is answered: a rule's, or the simulator's own. Raises ``Refusal``."""
    seed = asked.app.seed_of(asked.call, ask.requested)
    return answering.answer(ask, seed, stream=stream, scripted=rules.said(asked.app.rules, ask))


def prepared(app: Simulator, ask: Ask) -> Ask:
    """The request with its cached content and its uploaded files in place. Raises the API's refusals for missing ones."""
    ask = replace(ask, body=app.resources.opened(ask.body))
    name = ask.body.get("cachedContent")
    if not name:
        return ask
    if any(ask.body.get(key) for key in ("tools", "toolConfig", "systemInstruction")):
        raise refusal("cache_conflict")
    return replace(ask, cached=app.resources.cache(str(name)).request)


def fault_of(asked: Asked, ask: Ask) -> faults.Fault | None:
    """The fault that a header, a mark, a rule or chance asks for, in that order."""
    named = (
        asked.call.headers.get("x-simulator-fault") or marks.fault(question(ask)) or rules.fault(asked.app.rules, ask)
    )
    return faults.FAULTS.get(named) if named else asked.app.mishap()


def count(asked: Asked, model: str) -> dict[str, Any]:
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


def _sent(asked: Asked, ask: Ask, values: list[Any], wrong: Iterable[faults.Fault], *, stream: bool, note: str) -> Sent:
    wrong = list(wrong)
    if wrong:
        values = copy.deepcopy(values)
    for fault in wrong:
        values = fault.edit(values, ask) if fault.edit else values
    framing = "array" if stream and not asked.call.events else "sse" if stream else "json"
    tier = (
        values[-1].get("usageMetadata", {}).get("serviceTier") if values and isinstance(values[-1], Mapping) else None
    )
    sent = Sent(
        200,
        _headers(asked.where, framing, tier),
        _pieces(asked.where, framing, values),
        asked.app.latency,
        asked.app.pace,
        note,
    )
    for fault in wrong:
        sent = fault.rewire(sent, framing) if fault.rewire else sent
    return sent


def _headers(where: Profile, framing: str, tier: str | None) -> Headers:
    return where.headers({"json": JSON, "sse": EVENTS}.get(framing, "application/json"), tier)


def _pieces(where: Profile, framing: str, values: list[Any]) -> list[Piece]:
    if framing == "array":
        return list(where.elements(iter(values)))
    return [where.event(value) if framing == "sse" else where.body(value) for value in values]


def _note(answer: answering.Answer, fault: faults.Fault | None) -> str:
    finish = (
        answer.candidates[0].said.finish
        if answer.candidates
        else f"blocked {(answer.blocked or {}).get('blockReason')}"
    )
    said = f"  {finish}, {sum(answer.output.values())} tokens, {answer.thoughts} thought"
    return f"{said}, fault {fault.name}" if fault else said
