"""Paths, keys, and who handles what.

Any path prefix is taken; ``/gateway`` answers as a healthy gateway would, ``/lossy`` as one that loses things on the way.
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
from harness.simulator.profiles import GOOGLE, Profile, profile
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
"""Names that a query may hold."""
_PATH = re.compile(r"^(?P<prefix>/.*?)??(?P<upload>/upload)?/(?P<version>v1beta|v1alpha|v1)/(?P<rest>.*)$")


def respond(app: State, call: Call) -> Sent:
    """The answer to any request; refusals in the shape that this path's callers expect."""
    found = _PATH.match(call.path)
    where = profile(found["prefix"] or "" if found else "")
    if not found:
        return _refused(refusal("no_route"), call, where)
    if len(call.body) > LARGEST:
        return _refused(refusal("too_large", most=LARGEST), call, where)
    try:
        if app.replay:
            return app.replay.answer(call)
        rest = ("upload/" if found["upload"] else "") + unquote(found["rest"]).strip("/")
        return _in_time(_handled(app, call, where, found["version"], rest), call, where)
    except Refusal as refused:
        return _refused(refused, call, where)
    except RecursionError:
        return _refused(refusal("too_deep"), call, where)


def failed(call: Call, fault: Exception) -> Sent:
    """The answer where the simulator itself failed: the API's 500, and what happened in the log."""
    return replace(_refused(refusal("internal"), call, GOOGLE), note=f"  a fault of the simulator: {fault!r}"[:200])


def _handled(app: State, call: Call, where: Profile, version: str, rest: str) -> Sent:
    if where is GOOGLE and (unknown := [name for name in call.query if name not in _QUERY]):
        raise bad_payload([("", _unbound(name)) for name in unknown])
    for method, pattern, handler in ROUTES:
        if method == call.method and (names := pattern.fullmatch(rest)):
            return handler(RoutedCall(app, call, where, version, names.groupdict()))
    raise refusal("no_route")


def _unbound(name: str) -> str:
    return (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )


def _in_time(sent: Sent, call: Call, where: Profile) -> Sent:
    """What was to be sent, or a 504 where the caller's ``x-server-timeout`` (seconds) is over before it begins."""
    try:
        patience = float(call.headers.get("x-server-timeout", 0))
    except ValueError:
        return sent
    if not 0 < patience < sent.delay:
        return sent
    return replace(_refused(refusal("deadline"), call, where), delay=patience)


def _refused(refused: Refusal, call: Call, where: Profile) -> Sent:
    """An error before anything was sent: plain JSON, even under ``alt=sse``; an array where an array was asked for."""
    streams = call.path.endswith(":streamGenerateContent")
    in_array = (streams and not call.events) or call.path.endswith("/chat/completions")
    headers = where.headers(EVENTS if streams and call.events else JSON)
    body = where.body([refused.body] if in_array else refused.body)
    return Sent(refused.status, headers, (body,), note=f"  {str(refused).splitlines()[0][:100]}")


def _whole(asked: RoutedCall, value: Any, more: Headers | None = None) -> Sent:
    return Sent(200, [*asked.where.headers(JSON), *(more or ())], (asked.where.body(value),))


# --- models -------------------------------------------------------------------------------------------


def _generate(asked: RoutedCall) -> Sent:
    return generating.generate(asked, asked.names["model"], stream=asked.names["verb"].startswith("stream"))


def _count(asked: RoutedCall) -> Sent:
    return _whole(asked, generating.count(asked, asked.names["model"]))


def _models(asked: RoutedCall) -> Sent:
    asked.authorise()
    if asked.call.bearer and "x-goog-api-key" not in asked.call.headers:
        return _whole(asked, openai.models())
    page = catalogue.listed(
        _number(asked.call, "page", "Size", catalogue.PAGE), _number(asked.call, "page", "Token", 0)
    )
    return _zipped(asked.call, _whole(asked, page))


def _number(call: Call, first: str, second: str, default: int) -> int:
    """A number in the query, in either spelling of its name. Raises the API's 400 for what is none."""
    snake = f"{first}_{second.lower()}"
    value = call.query.get(first + second) or call.query.get(snake) or str(default)
    if not _INT.fullmatch(value):
        raise bad_payload([(snake, f"Invalid value at '{snake}' (TYPE_INT32), \"{value[:100]}\"")])
    return int(value)


def _zipped(call: Call, sent: Sent) -> Sent:
    """The same in gzip, for callers that take it."""
    if "gzip" not in call.headers.get("accept-encoding", ""):
        return sent
    headers = [*sent.headers, (b"content-encoding", b"gzip")]
    return replace(sent, headers=headers, body=(gzip.compress(sent.content, mtime=0),))


def _model(asked: RoutedCall) -> Sent:
    asked.authorise()
    return _whole(asked, catalogue.described(asked.names["model"], asked.version))


def _embed(asked: RoutedCall) -> Sent:
    body = asked.body()
    asked.authorise()
    verb = asked.names["verb"]
    catalogue.answering(asked.names["model"], asked.version, verb)
    return _whole(asked, embeddings.embed(body) if verb == "embedContent" else embeddings.embed_all(body))


# --- caches and files ---------------------------------------------------------------------------------


def _stored(act: Callable[[RoutedCall, str], Any]) -> Callable[[RoutedCall], Sent]:
    """A handler that authorises, acts on the resource named in the path, and sends what comes of it."""

    def handler(asked: RoutedCall) -> Sent:
        asked.authorise()
        return _whole(asked, act(asked, asked.names.get("name", "")))

    return handler


def _start_upload(asked: RoutedCall) -> Sent:
    """Begin a resumable upload, or take one whole file at once."""
    call, kept = asked.call, asked.app.resources
    if "upload_id" in call.query:  # the address itself is the proof: clients send no key with the bytes
        return _more_upload(asked)
    asked.authorise()
    site = f"http://{call.headers.get('host', 'simulator.invalid')}"
    mime = call.headers.get("x-goog-upload-header-content-type", "")
    if "start" not in call.headers.get("x-goog-upload-command", ""):
        upload = kept.start_upload({}, call.headers.get("content-type", ""), f"{site}/{asked.version}")
        return _whole(asked, {"file": kept.add(upload, call.body, final=True).shown()})
    upload = kept.start_upload(asked.body(), mime, f"{site}/{asked.version}")
    url = f"{site}{call.path}?upload_id={upload}&upload_protocol=resumable"
    return _whole(asked, {}, [(b"x-goog-upload-status", b"active"), (b"x-goog-upload-url", url.encode())])


def _more_upload(asked: RoutedCall) -> Sent:
    final = "finalize" in asked.call.headers.get("x-goog-upload-command", "finalize")
    file = asked.app.resources.add(asked.call.query.get("upload_id", ""), asked.call.body, final=final)
    status = [(b"x-goog-upload-status", b"final" if final else b"active")]
    return _whole(asked, {"file": file.shown()} if final else {}, status)


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
        ("GET", r"openai/models", lambda asked: _whole(asked, openai.models())),
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
