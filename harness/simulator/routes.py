"""Routes each path to its handler.

Any path prefix is accepted. Its last part may be the name of a profile: ``/gateway/v1beta/...`` answers as a gateway does.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import unquote

from harness.simulator import catalogue, embeddings, generating, openai, resource_routes
from harness.simulator.errors import Refusal, bad_payload, refusal
from harness.simulator.faults import FAULTS
from harness.simulator.profiles import GOOGLE, Profile, profile_for
from harness.simulator.routed_call import RoutedCall
from harness.simulator.state import State
from harness.simulator.traffic import EVENTS, JSON, LARGEST, Call, Sent

_QUERY = frozenset(
    [
        "key", "alt", "$alt", "prettyPrint", "$prettyPrint", "fields", "$fields", "callback", "$callback", "quotaUser", "$.xgafv",
        "access_token", "oauth_token", "uploadType", "upload_protocol", "upload_id", "pageSize", "page_size", "pageToken", "page_token",
        "filter", "force", "updateMask", "update_mask",
    ]
)  # fmt: skip
"""Parameters that a query may have."""
_PATH = re.compile(r"^(?P<prefix>/.*?)??(?P<upload>/upload)?/(?P<version>v1beta|v1alpha|v1)/(?P<rest>.*)$")


def respond(app: State, call: Call) -> Sent:
    """The answer to any request. Errors have the shape that clients of this path expect."""
    call = _opened(call)
    found = _PATH.match(call.path)
    profile = profile_for((found["prefix"] or "") if found else "", app.profile)
    return _zipped(call, _responded(app, call, found, profile))


def _responded(app: State, call: Call, found: re.Match[str] | None, profile: Profile) -> Sent:
    if not found:
        return _refused(refusal("no_route"), call, profile)
    if len(call.body) > LARGEST:
        return _refused(refusal("too_large", most=LARGEST), call, profile)
    try:
        if app.replay:
            return app.replay.answer(call)
        rest = ("upload/" if found["upload"] else "") + unquote(found["rest"]).strip("/")
        return _in_time(_handled(app, call, profile, found["version"], rest), call, profile)
    except Refusal as refused:
        return _refused(refused, call, profile)
    except RecursionError:
        return _refused(refusal("too_deep"), call, profile)


def failed(call: Call, fault: Exception) -> Sent:
    """The answer after an exception in the simulator: the API's 500. The exception is in the log."""
    return replace(_refused(refusal("internal"), call, GOOGLE), note=f"  error in the simulator: {fault!r}"[:200])


def _handled(app: State, call: Call, profile: Profile, version: str, rest: str) -> Sent:
    if profile is GOOGLE and (unknown := [name for name in call.query if name not in _QUERY]):
        raise bad_payload([("", _unbound(name)) for name in unknown])
    for method, pattern, handler in ROUTES:
        if (
            method == call.method
            and (names := pattern.fullmatch(rest))
            and not (profile.narrow and handler not in WIDE)
        ):
            return handler(RoutedCall(app, call, profile, version, names.groupdict()))
    raise refusal("no_route")


def _unbound(name: str) -> str:
    return (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )


def _in_time(sent: Sent, call: Call, profile: Profile) -> Sent:
    """The answer, or a 504 if its delay exceeds the caller's ``x-server-timeout`` (seconds)."""
    try:
        patience = float(call.headers.get("x-server-timeout", 0))
    except ValueError:
        return sent
    if not 0 < patience < sent.delay:
        return sent
    return replace(_refused(refusal("deadline"), call, profile), delay=patience)


def _refused(refused: Refusal, call: Call, profile: Profile) -> Sent:
    """An error before the first byte: plain JSON, even under ``alt=sse``; a JSON array if the request asks for an array."""
    status, body = profile.refused(refused, call)
    streams, chats = (
        call.path.endswith(":streamGenerateContent"),
        "/openai/" in call.path or call.path.endswith("/chat/completions"),
    )
    events = call.events or profile.events_only
    headers = profile.headers(EVENTS if streams and events else JSON, call)
    in_array = (streams and not events) or (chats and not profile.refuses)
    return Sent(
        status, headers, (profile.body([body] if in_array else body),), note=f"  {str(refused).splitlines()[0][:100]}"
    )


def _opened(call: Call) -> Call:
    """The request with its body decompressed, if it says gzip and that is true. One that grows beyond ``LARGEST`` is cut just above it."""
    if call.headers.get("content-encoding", "").strip().lower() != "gzip":
        return call
    try:
        return replace(call, body=zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(call.body, LARGEST + 1))
    except zlib.error:
        return call


def _zipped(call: Call, sent: Sent) -> Sent:
    """The answer compressed with gzip, if the caller accepts that and the answer is JSON in one piece."""
    if "gzip" not in call.headers.get("accept-encoding", "") or (b"content-type", JSON.encode()) not in sent.headers:
        return sent
    pieces = list(sent.body)
    if len(pieces) != 1 or not isinstance(pieces[0], bytes):
        return replace(sent, body=pieces)
    return replace(
        sent, headers=[*sent.headers, (b"content-encoding", b"gzip")], body=(gzip.compress(pieces[0], 1, mtime=0),)
    )


# --- models -------------------------------------------------------------------------------------------


def _generate(routed: RoutedCall) -> Sent:
    return generating.generate(routed, routed.names["model"], stream=routed.names["verb"].startswith("stream"))


def _count(routed: RoutedCall) -> Sent:
    return routed.whole(generating.count(routed, routed.names["model"]))


def _models(routed: RoutedCall) -> Sent:
    """The list of models: in OpenAI's shape for a bearer token, as on the gateways that serve both lists at this address."""
    routed.authorise()
    if routed.call.bearer and "x-goog-api-key" not in routed.call.headers:
        return routed.whole(openai.models())
    page = catalogue.listed(routed.page_size(catalogue.PAGE, 1000), routed.option("page", "Token"), routed.app.as_of)
    return routed.whole(catalogue.thin(page) if routed.profile.narrow else page)


def _model(routed: RoutedCall) -> Sent:
    routed.authorise()
    return routed.whole(catalogue.described(routed.names["model"], routed.version))


def _embed(routed: RoutedCall) -> Sent:
    body = routed.body()
    routed.authorise()
    routed.model(routed.names["model"], "embedContent")
    fault = FAULTS.get(routed.call.headers.get("x-simulator-fault", ""))
    body = fault.forget(body) if fault and fault.forget and isinstance(body, dict) else body
    single = routed.names["verb"] == "embedContent"
    found = embeddings.embed(body) if single else embeddings.embed_all(body)
    return routed.whole(found | (embeddings.usage(body) if embeddings.counts_tokens(routed.names["model"]) else {}))


def _unsupported(routed: RoutedCall) -> Sent:
    """The API's 404 for a method that this model does not have."""
    routed.authorise()
    raise refusal("model_unknown", model=routed.names["model"], version=routed.version, method=routed.names["verb"])


def _routes() -> Iterator[tuple[str, re.Pattern[str], Callable[[RoutedCall], Sent]]]:
    model = r"models/(?P<model>[^/:]+)"
    rows: tuple[tuple[str, str, Callable[[RoutedCall], Sent]], ...] = (
        ("POST", model + r":(?P<verb>generateContent|streamGenerateContent)", _generate),
        ("POST", model + r":countTokens", _count),
        ("POST", model + r":(?P<verb>embedContent|batchEmbedContents)", _embed),
        ("GET", r"models", _models),
        ("GET", model, _model),
        ("POST", r"(?:openai/)?chat/completions", openai.complete),
        ("POST", r"(?:openai/)?embeddings", openai.embed),
        ("GET", r"openai/models", openai.list_models),
        ("GET", r"openai/models/(?P<model>.+)", openai.show_model),
        *resource_routes.ROWS,
        ("POST", model + r":(?P<verb>\w+)", _unsupported),
    )
    for method, pattern, handler in rows:
        yield method, re.compile(pattern), handler


ROUTES = tuple(_routes())
WIDE = frozenset([_generate, _embed, _models, openai.complete, openai.embed])
"""What endpoints with a ``narrow`` profile serve."""
