"""The OpenAI-compatible endpoint: chat completions, embeddings and models.

Under ``/openai/`` it is Google's own: a bearer token is the only key, and unknown names are refused. At ``/v1/chat/completions`` it is as
gateways serve it: any key, and unknown names are ignored.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.simulator import catalogue, embeddings, gateways, generating, openai_answer, openai_request
from harness.simulator.errors import bad_payload, refusal
from harness.simulator.faults import CHAT_FAULTS
from harness.simulator.request import Ask, normal
from harness.simulator.traffic import EVENTS, JSON, Sent

if TYPE_CHECKING:
    from harness.simulator.routed_call import RoutedCall

VERSION = "v1main"
"""The version that error messages name."""
_EMBEDDED = frozenset(["input", "model", "dimensions", "encoding_format", "user"])


def complete(routed: RoutedCall) -> Sent:
    """``chat/completions``, with and without ``stream``. Raises ``Refusal``."""
    body = _body(routed, openai_request.NAMES)
    if not isinstance(body.get("messages"), list):
        raise refusal("invalid_argument")
    name = str(body.get("model", ""))
    model = name.removeprefix("models/")
    facts = routed._replace(version=VERSION).model(model, "generateContent")
    ask = generating.prepared(routed.app, Ask(model, facts, normal(openai_request.native(body, facts.thinking)), {}))
    fault = generating.fault_of(routed, ask, chat=True)
    own = CHAT_FAULTS.get(fault.name) if fault else None
    if fault and fault.refuse:
        raise fault.refuse(ask)
    stream = body.get("stream") is True
    answer = generating.answered(routed, ask, stream=False)
    now, app, call = int(routed.app.now()), routed.app, routed.call
    if not stream:
        whole = openai_answer.completion(answer, name, now)
        whole = gateways.chat_completion(whole) if routed.profile.chats else whole
        (whole,) = own.edit([whole], ask) if own and own.edit else [whole]
        return Sent(200, routed.profile.headers(JSON, call), (_bytes(whole),), app.latency)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    chunks: Iterable[Any] = openai_answer.chunks(answer, name, now, usage=usage)
    chunks = gateways.chat_chunks(list(chunks)) if routed.profile.chats else chunks
    chunks = own.edit(list(chunks), ask) if own and own.edit else chunks
    events = [b"data: " + _bytes(chunk) + b"\n\n" for chunk in chunks]
    sent = Sent(200, routed.profile.headers(EVENTS, call), (*events, b"data: [DONE]\n\n"), app.latency, app.pace)
    return own.rewire(sent, "sse") if own and own.rewire else sent


def embed(routed: RoutedCall) -> Sent:
    """``embeddings``: of one text or of a list of texts. Raises ``Refusal``."""
    body = _body(routed, _EMBEDDED)
    name, given = str(body.get("model", "")), body.get("input")
    routed._replace(version=VERSION).model(name.removeprefix("models/"), "embedContent")
    texts = given if isinstance(given, list) else [given]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise refusal("invalid_argument")
    size = {"outputDimensionality": body["dimensions"]} if body.get("dimensions") else {}
    vectors = embeddings.embed_all({"requests": [{"content": {"parts": [{"text": text}]}, **size} for text in texts]})
    packs = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(row["values"]) if packs else row["values"]}
        for index, row in enumerate(vectors["embeddings"])
    ]
    return routed.whole({"object": "list", "data": data, "model": name})


def list_models(routed: RoutedCall) -> Sent:
    """``GET models``."""
    _authorise(routed)
    return routed.whole(models())


def show_model(routed: RoutedCall) -> Sent:
    """``GET models/{id}``, with or without ``models/`` before the name. Raises the API's 404."""
    _authorise(routed)
    name = routed.names["model"].removeprefix("models/")
    catalogue.described(name, VERSION)
    return routed.whole(_listed(name))


def models() -> dict[str, Any]:
    """The list of models in OpenAI's shape."""
    names = [str(model["name"]).removeprefix("models/") for model in catalogue.listed(1000, "")["models"]]
    return {"object": "list", "data": [_listed(name) for name in names]}


def _listed(name: str) -> dict[str, Any]:
    return {"id": f"models/{name}", "object": "model", "owned_by": "google"}


# --- reading ------------------------------------------------------------------------------------------


def _body(routed: RoutedCall, known: frozenset[str]) -> Mapping[str, Any]:
    """The body of a request with a valid key. Raises the API's errors, for unknown names only at Google's own endpoint."""
    body = routed.body()
    _authorise(routed)
    if not isinstance(body, Mapping):
        raise refusal("invalid_argument")
    unknown = [name for name in body if name not in known] if _is_googles(routed) else []
    if unknown:
        raise bad_payload([("", openai_request.unknown(name)) for name in unknown])
    return body


def _authorise(routed: RoutedCall) -> None:
    """Check the key. At Google's own endpoint only a bearer token is one, and a second key is refused."""
    call = routed.call
    if _is_googles(routed):
        if not call.bearer:
            raise refusal("bearer_missing")
        if "x-goog-api-key" in call.headers or "key" in call.query:
            raise refusal("keys_many")
    routed.authorise()


def _is_googles(routed: RoutedCall) -> bool:
    return "/openai/" in routed.call.path


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace")


def _packed(values: list[float]) -> str:
    """32-bit floats, little endian, in base64."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
