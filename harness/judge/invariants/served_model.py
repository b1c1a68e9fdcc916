"""Who answered: the requested model, one maker, one answer from the first chunk to the last, and in the requested tier."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.answer.structured import once
from harness.gemini import models
from harness.gemini.models import answers_for, bare, family, is_googles, is_target
from harness.gemini.models import service_tier as tier_of
from harness.gemini.providers import is_chat
from harness.gemini.schemas.request_schema import field
from harness.judge.invariants.request_fields import event_without
from harness.judge.registry import SEVERAL_EVENTS, rule
from harness.model import Evidence, Mismatch
from harness.text.jsontext import an_object


@rule("model-version", "warn", of="answer", dialect="gemini")
def model_version(evidence: Evidence) -> Iterator[Mismatch]:
    """``modelVersion`` is the requested model, a dated version of it, or a present or past alias or redirection of it, and no alias
    itself. It is there where a ``responseId`` is. Price, limits and quality are those of the other. Not checked for a tuned model, or an endpoint of Vertex AI.

    asked: {"model": "gemini-2.5-flash"}
    right: {"modelVersion": "gemini-2.5-flash-preview-09-2025"}
    wrong: {"modelVersion": "gemini-2.0-flash"}
    """
    model, version = evidence.model, evidence.reply.model_version
    if not version and evidence.reply.response.get("responseId"):
        yield Mismatch("$.modelVersion", model, None, "the answer does not say which model gave it")
    if not version or _is_foreign(evidence) or _OWN.search(evidence.exchange.request.url):
        return
    if _is_alias(version) or version.startswith("projects/"):
        yield Mismatch("$.modelVersion", "a model", version, f"{version} is an alias or a path: a program wrote it")
    elif model and not _is_alias(model) and not answers_for(model, version):
        yield Mismatch("$.modelVersion", model, version, f"{version} answered for {model}")


_OWN = re.compile(r"/(?:tunedModels|endpoints|dynamic)/")


@rule("alias-family", "warn")
def alias_family(evidence: Evidence) -> Iterator[Mismatch]:
    """A model of the same family answers for a name that ends with ``-latest``. Which one is Google's to change, without notice.
    Names of Gemini 4 (``gemini-4-hydrogen``) do not say the family.

    asked: {"model": "gemini-pro-latest"}
    right: {"modelVersion": "gemini-2.5-pro"}
    wrong: {"modelVersion": "gemini-2.5-flash"}
    """
    model, version = evidence.model, evidence.reply.model_version
    if not model or not version or not _is_alias(model) or _is_foreign(evidence):
        return
    if family(version) not in (family(model), "gemini") and not is_target(model, version):
        message = f"{version} answered for {model}: it is of another family"
        yield Mismatch("$.modelVersion", family(model), version, message)


def _is_alias(model: str) -> bool:
    return model.endswith("-latest")


@rule("other-maker", "error")
def other_maker(evidence: Evidence) -> Iterator[Mismatch]:
    """``modelVersion`` is a model of Google, if the requested model is one.

    asked: {"model": "gemini-2.5-flash"}
    right: {"modelVersion": "gemini-2.5-flash"}
    wrong: {"modelVersion": "gpt-5-mini"}
    """
    if _is_foreign(evidence):
        version = evidence.reply.model_version
        message = f"{version} answered for {evidence.model}: it is no model of Google"
        yield Mismatch("$.modelVersion", evidence.model, version, message)


@once
def _is_foreign(evidence: Evidence) -> bool:
    model, version = evidence.model, evidence.reply.model_version
    is_google = bool(model and version) and is_googles(bare(model or "")) and not is_googles(bare(version or ""))
    return is_google and not _OWN.search(evidence.exchange.request.url)


@rule("model-version-stable", "error", of_events=True, needs=SEVERAL_EVENTS)
def model_version_stable(evidence: Evidence) -> Iterator[Mismatch]:
    """``modelVersion`` is the same in every chunk of a stream. Otherwise the pieces are of two answers. A warning if a chunk with content
    has none, but others have.

    right: [{"modelVersion": "gemini-2.5-flash"}, {"modelVersion": "gemini-2.5-flash"}]
    wrong: [{"modelVersion": "gemini-2.5-pro"}, {"modelVersion": "gemini-2.5-flash"}]
    """
    yield from _changes(evidence, "modelVersion")


@rule("response-id-stable", "error", of_events=True, needs=SEVERAL_EVENTS)
def response_id_stable(evidence: Evidence) -> Iterator[Mismatch]:
    """``responseId`` is the same in every chunk of a stream, and so is ``createTime``. Logs find an answer by it. A warning if a chunk with
    content has none, but others have: something on the way made it.

    right: [{"responseId": "a"}, {"responseId": "a"}]
    wrong: [{"responseId": "a"}, {"responseId": "b"}]
    """
    yield from _changes(evidence, "responseId")
    yield from () if is_chat(evidence.exchange.request.url) else _changes(evidence, "createTime")


@rule("foreign-id", "warn", of="answer", dialect="gemini")
def foreign_id(evidence: Evidence) -> Iterator[Mismatch]:
    """``responseId`` is not empty, nor missing from Gemini 3 on, and neither it nor the id of a call is an id of another maker's API (``chatcmpl-1``): something on the
    way made it up. Google finds an answer by it.

    right: {"responseId": "aBcD"}
    wrong: {"responseId": "chatcmpl-1"}
    """
    found = evidence.reply.response.get("responseId")
    if isinstance(found, str) and (not found or _FOREIGN_ID.match(found)):
        what = f"the id {found!r} is of another maker's API" if found else "responseId is empty"
        yield Mismatch("$.responseId", "an id of Gemini", found, what)
    elif found is None and _is_new(evidence):
        yield Mismatch("$.responseId", "an id of Gemini", None, "the answer has no responseId")
    for index, call in enumerate(evidence.reply.function_calls):
        if isinstance(made := call.get("id"), str) and (_FOREIGN_CALL.match(made) or made == call.get("name")):
            what = f"the id {made!r} of a call is not one of Gemini's"
            yield Mismatch(f"functionCalls[{index}].id", "an id of Gemini", made, what)


def _is_new(evidence: Evidence) -> bool:
    """Whether the answer names its model, and is of a time when answers have an id."""
    version, usage = evidence.reply.model_version, evidence.reply.usage
    return bool(version) and ("serviceTier" in usage or (models.generation(version or "") or (0, 0)) >= (3, 0))


_FOREIGN_ID = re.compile(
    r"(?:chat)?cmpl-|gemini-|msg_|gen-|resp_|req_\w{10}|\d{14}|[0-9a-f]{32}$|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-"
)
_FOREIGN_CALL = re.compile(r"toolu_|tooluse_|chatcmpl-|call_[\w-]{8,}$")


def _changes(evidence: Evidence, name: str) -> Iterator[Mismatch]:
    first = None
    for index, event in enumerate(evidence.reply.events):
        value = an_object(event.value).get(name)
        first = first or value
        if value and value != first:
            message = f"{name} changes from {first!r} to {value!r} during the stream"
            yield Mismatch(f"events[{index}].{name}", first, value, message)
            return
    if (at := event_without(evidence, name)) is not None:
        message = f"a chunk has no {name}, but others have: something on the way made it"
        yield Mismatch(f"events[{at}].{name}", first, None, message, "warn")


@rule("service-tier", "warn", of="answer")
def service_tier(evidence: Evidence) -> Iterator[Mismatch]:
    """The requested service tier answered, and the standard one where none was requested in the body of a request to the Gemini API.
    Not checked if the answer does not say which one did; its header says the same. Tiers have prices of their own.

    asked: {"serviceTier": "priority"}
    right: {"usageMetadata": {"serviceTier": "priority", "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}}
    wrong: {"usageMetadata": {"serviceTier": "standard", "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}]}}
    """
    headed = tier_of(evidence.exchange.headers.get(_HEADER))
    own = tier_of(evidence.reply.usage.get("serviceTier")) or headed
    served = own or _TRAFFIC.get(str(evidence.reply.usage.get("trafficType")), "")
    if not served:
        return
    headers = {name.lower(): value for name, value in evidence.exchange.request.headers.items()}
    asked = tier_of(field(evidence.request_body, "serviceTier")) or tier_of(headers.get(_VERTEX_HEADER))
    if asked and asked != served:
        message = f"the tier {asked} was requested, {served} answered"
        yield Mismatch("$.usageMetadata.serviceTier", asked, served, message)
    if headed and headed != own != asked:
        message = f"the answer says that the tier {own} answered, its header says {headed}"
        yield Mismatch("$.usageMetadata.serviceTier", headed, own, message)
    if not asked and own in ("flex", "priority") and field(evidence.request_body, "contents"):
        yield Mismatch("$.usageMetadata.serviceTier", "standard", own, f"no tier was requested, {own} answered")


_TRAFFIC = {"ON_DEMAND": "standard", "ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}
"""``trafficType`` of Vertex -> the tier. Provisioned throughput is none of them."""
_HEADER = "x-gemini-service-tier"
_VERTEX_HEADER = "x-vertex-ai-llm-shared-request-type"
