"""Routes each path to its handler.

Any path prefix is accepted. ``/gateway`` answers as a healthy gateway does, ``/lossy`` as one that drops fields.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from harness.simulator import catalogue, embeddings, generating, openai
from harness.simulator.errors import Refusal, bad_payload, refusal
from harness.simulator.profiles import GOOGLE, Profile, profile_for
from harness.simulator.routed_call import RoutedCall
from harness.simulator.state import State
from harness.simulator.traffic import EVENTS, JSON, LARGEST, Call, Headers, Sent

_INT = re.compile(r"[0-9]{1,9}")
_QUERY = frozenset(
    [
        "key", "alt", "$alt", "prettyPrint", "$prettyPrint", "fields", "$fields", "callback", "$callback", "quotaUser", "$.xgafv",
        "access_token", "oauth_token", "uploadType", "upload_protocol", "upload_id", "pageSize", "page_size", "pageToken", "page_token",
        "filter", "updateMask", "update_mask",
    ]
)  # fmt: skip
"""Parameters that a query may have."""
_PATH = re.compile(r"^(?P<prefix>/.*?)??(?P<upload>/upload)?/(?P<version>v1beta|v1alpha|v1)/(?P<rest>.*)$")


def respond(app: State, call: Call) -> Sent:
    """The answer to any request. Errors have the shape that clients of this path expect."""
    found = _PATH.match(call.path)
    profile = profile_for(found["prefix"] or "" if found else "")
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
        if method == call.method and (names := pattern.fullmatch(rest)):
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
    streams = call.path.endswith(":streamGenerateContent")
    in_array = (streams and not call.events) or call.path.endswith("/chat/completions")
    headers = profile.headers(EVENTS if streams and call.events else JSON)
    body = profile.body([refused.body] if in_array else refused.body)
    return Sent(refused.status, headers, (body,), note=f"  {str(refused).splitlines()[0][:100]}")


def _whole(routed: RoutedCall, value: Any, more: Headers | None = None) -> Sent:
    return Sent(200, [*routed.profile.headers(JSON), *(more or ())], (routed.profile.body(value),))


# --- models -------------------------------------------------------------------------------------------


def _generate(routed: RoutedCall) -> Sent:
    return generating.generate(routed, routed.names["model"], stream=routed.names["verb"].startswith("stream"))


def _count(routed: RoutedCall) -> Sent:
    return _whole(routed, generating.count(routed, routed.names["model"]))


def _models(routed: RoutedCall) -> Sent:
    routed.authorise()
    if routed.call.bearer and "x-goog-api-key" not in routed.call.headers:
        return _whole(routed, openai.models())
    page = catalogue.listed(
        _number(routed.call, "page", "Size", catalogue.PAGE), _number(routed.call, "page", "Token", 0)
    )
    return _zipped(routed.call, _whole(routed, page))


def _number(call: Call, first: str, second: str, default: int) -> int:
    """A number in the query; its name may be camelCase or snake_case. Raises the API's 400 if it is not a number."""
    snake = f"{first}_{second.lower()}"
    value = call.query.get(first + second) or call.query.get(snake) or str(default)
    if not _INT.fullmatch(value):
        raise bad_payload([(snake, f"Invalid value at '{snake}' (TYPE_INT32), \"{value[:100]}\"")])
    return int(value)


def _zipped(call: Call, sent: Sent) -> Sent:
    """The answer compressed with gzip, if the caller accepts that."""
    if "gzip" not in call.headers.get("accept-encoding", ""):
        return sent
    headers = [*sent.headers, (b"content-encoding", b"gzip")]
    return replace(sent, headers=headers, body=(gzip.compress(sent.content, mtime=0),))


def _model(routed: RoutedCall) -> Sent:
    routed.authorise()
    return _whole(routed, catalogue.described(routed.names["model"], routed.version))


def _embed(routed: RoutedCall) -> Sent:
    body = routed.body()
    routed.authorise()
    verb = routed.names["verb"]
    catalogue.answering(routed.names["model"], routed.version, verb)
    return _whole(routed, embeddings.embed(body) if verb == "embedContent" else embeddings.embed_all(body))


# --- caches and files ---------------------------------------------------------------------------------


def _stored(act: Callable[[RoutedCall, str], Any]) -> Callable[[RoutedCall], Sent]:
    """A handler that checks the key, acts on the resource named in the path, and sends the result."""

    def handler(routed: RoutedCall) -> Sent:
        routed.authorise()
        return _whole(routed, act(routed, routed.names.get("name", "")))

    return handler


def _start_upload(routed: RoutedCall) -> Sent:
    """Start a resumable upload, or store a file that is sent in one request."""
    call, kept = routed.call, routed.app.resources
    if "upload_id" in call.query:  # clients send no key with the bytes: the upload id in the address authorises them
        return _more_upload(routed)
    routed.authorise()
    site = f"http://{call.headers.get('host', 'simulator.invalid')}"
    mime = call.headers.get("x-goog-upload-header-content-type", "")
    if "start" not in call.headers.get("x-goog-upload-command", ""):
        upload = kept.start_upload({}, call.headers.get("content-type", ""), f"{site}/{routed.version}")
        return _whole(routed, {"file": kept.add(upload, call.body, final=True).shown()})
    upload = kept.start_upload(routed.body(), mime, f"{site}/{routed.version}")
    url = f"{site}{call.path}?upload_id={upload}&upload_protocol=resumable"
    return _whole(routed, {}, [(b"x-goog-upload-status", b"active"), (b"x-goog-upload-url", url.encode())])


def _more_upload(routed: RoutedCall) -> Sent:
    final = "finalize" in routed.call.headers.get("x-goog-upload-command", "finalize")
    file = routed.app.resources.add(routed.call.query.get("upload_id", ""), routed.call.body, final=final)
    status = [(b"x-goog-upload-status", b"final" if final else b"active")]
    return _whole(routed, {"file": file.shown()} if final else {}, status)


def _routes() -> Iterator[tuple[str, re.Pattern[str], Callable[[RoutedCall], Sent]]]:
    model = r"models/(?P<model>[^:]+)"
    cache, file = r"(?P<name>cachedContents/[^/]*)", r"(?P<name>files/[^/]+)"
    rows: tuple[tuple[str, str, Callable[[RoutedCall], Sent]], ...] = (
        ("POST", model + r":(?P<verb>generateContent|streamGenerateContent)", _generate),
        ("POST", model + r":countTokens", _count),
        ("POST", model + r":(?P<verb>embedContent|batchEmbedContents)", _embed),
        ("GET", r"models", _models),
        ("GET", r"models/(?P<model>.+)", _model),
        ("POST", r"(?:openai/)?chat/completions", openai.complete),
        ("GET", r"openai/models", lambda routed: _whole(routed, openai.models())),
        ("POST", r"cachedContents", _stored(lambda a, _: a.app.resources.create_cache(a.body(), a.version))),
        ("GET", r"cachedContents", _stored(lambda a, _: a.app.resources.list_caches())),
        ("GET", cache, _stored(lambda a, name: a.app.resources.cache(name).shown())),
        ("PATCH", cache, _stored(lambda a, name: a.app.resources.update_cache(name, a.body()))),
        ("DELETE", cache, _stored(lambda a, name: a.app.resources.delete_cache(name))),
        ("POST", r"upload/files", _start_upload),
        ("PUT", r"upload/files", _more_upload),
        ("GET", r"files", _stored(lambda a, _: a.app.resources.list_files())),
        ("GET", file, _stored(lambda a, name: a.app.resources.file(name).shown())),
        ("DELETE", file, _stored(lambda a, name: a.app.resources.delete_file(name))),
    )
    for method, pattern, handler in rows:
        yield method, re.compile(pattern), handler


ROUTES = tuple(_routes())
