"""The handlers of caches, files, uploads and batches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.simulator import embeddings, files, generating
from harness.simulator.batches import Answer
from harness.simulator.errors import refusal
from harness.simulator.routed_call import RoutedCall
from harness.simulator.traffic import Sent

CACHES, FILES, BATCHES = (1000, 1000), (10, 100), (50, 1000)
"""The number of resources on one page: by default, and at most."""
_NUMBER = re.compile(r"[0-9]{1,15}")


def stored(act: Callable[[RoutedCall, str], Any]) -> Callable[[RoutedCall], Sent]:
    """A handler that checks the key, acts on the resource named in the path, and sends the result."""

    def handler(routed: RoutedCall) -> Sent:
        routed.authorise()
        return routed.whole(act(routed, routed.names.get("name", "")))

    return handler


def paged(rows: list[dict[str, Any]], name: str, following: str) -> dict[str, Any]:
    """A page of a list, without empty fields."""
    return {**({name: rows} if rows else {}), **({"nextPageToken": following} if following else {})}


# --- caches -------------------------------------------------------------------------------------------


def _create_cache(routed: RoutedCall, _: str) -> dict[str, Any]:
    resources = routed.app.resources
    name = resources.name("cache")
    return resources.caches.create(
        routed.body(), name, lambda model: routed.model(model, "createCachedContent")
    ).shown()


def _update_cache(routed: RoutedCall, name: str) -> dict[str, Any]:
    return routed.app.resources.caches.update(name, routed.body(), routed.option("update", "Mask")).shown()


def _delete_cache(routed: RoutedCall, name: str) -> dict[str, Any]:
    routed.app.resources.caches.delete(name)
    return {}


def _list_caches(routed: RoutedCall, _: str) -> dict[str, Any]:
    caches, following = routed.app.resources.caches.page(routed.page_size(*CACHES), routed.option("page", "Token"))
    return paged([cache.shown() for cache in caches], "cachedContents", following)


# --- files --------------------------------------------------------------------------------------------


def _upload(routed: RoutedCall) -> Sent:
    """Start a resumable upload, go on with one, or store a file that is sent in one request."""
    call = routed.call
    if "upload_id" in call.query:  # clients send no key with the bytes: the upload id in the address authorises them
        return _more_upload(routed)
    routed.authorise()
    if "start" in call.headers.get("x-goog-upload-command", ""):
        return _start_upload(routed)
    kind, data = call.headers.get("content-type", ""), call.body
    about: bytes = b"{}"
    if kind.lower().startswith("multipart/"):
        about, kind, data = files.envelope(kind, data)
    whole = replace(_described(routed, about, kind), data=data)
    return routed.whole({"file": routed.app.resources.files.store(whole).shown(routed.app.now())})


def _start_upload(routed: RoutedCall) -> Sent:
    call, resources = routed.call, routed.app.resources
    file = _described(routed, call.body or b"{}", call.headers.get("x-goog-upload-header-content-type", ""))
    upload = resources.name("upload")
    resources.files.start(upload, file, _whole_number(call.headers.get("x-goog-upload-header-content-length")))
    url = f"{routed.site.rpartition('/')[0]}{call.path}?upload_id={upload}&upload_protocol=resumable"
    return routed.whole({}, [(b"x-goog-upload-status", b"active"), (b"x-goog-upload-url", url.encode())])


def _described(routed: RoutedCall, about: bytes, kind: str) -> files.File:
    try:
        body = json.loads(about)
    except (ValueError, RecursionError):
        raise refusal("invalid_argument") from None
    resources = routed.app.resources
    return files.described(body, kind, routed.site, resources.name("file"), routed.app.now())


def _more_upload(routed: RoutedCall) -> Sent:
    call, kept = routed.call, routed.app.resources.files
    upload, command = call.query["upload_id"], call.headers.get("x-goog-upload-command", "finalize")
    if "query" in command:
        received = str(len(kept.under_way(upload).file.data)).encode()
        return routed.whole({}, [(b"x-goog-upload-status", b"active"), (b"x-goog-upload-size-received", received)])
    final = "finalize" in command
    file = kept.add(upload, call.body, _whole_number(call.headers.get("x-goog-upload-offset")), final=final)
    status = [(b"x-goog-upload-status", b"final" if final else b"active")]
    return routed.whole({"file": file.shown(routed.app.now())} if final else {}, status)


def _whole_number(text: str | None) -> int | None:
    """A header with a number; None without it. Raises the API's 400 for anything else."""
    if text is not None and not _NUMBER.fullmatch(text):
        raise refusal("invalid_argument")
    return None if text is None else int(text)


def _show_file(routed: RoutedCall, name: str) -> dict[str, Any]:
    return routed.app.resources.files.get(name).shown(routed.app.now())


def _delete_file(routed: RoutedCall, name: str) -> dict[str, Any]:
    routed.app.resources.files.delete(name)
    return {}


def _list_files(routed: RoutedCall, _: str) -> dict[str, Any]:
    found, following = routed.app.resources.files.page(routed.page_size(*FILES), routed.option("page", "Token"))
    return paged([file.shown(routed.app.now()) for file in found], "files", following)


def _download(routed: RoutedCall) -> Sent:
    """The bytes of a generated file. Uploaded files cannot be downloaded."""
    routed.authorise()
    file = routed.app.resources.files.get(routed.names["name"])
    if not file.generated:
        raise refusal("invalid_argument")
    return Sent(200, routed.profile.headers(file.mime, routed.call), (file.data,))


# --- batches ------------------------------------------------------------------------------------------


def _create_batch(routed: RoutedCall) -> Sent:
    body = routed.body()
    routed.authorise()
    model, method = routed.names["model"], routed.names["verb"]
    routed.model(model, "embedContent" if method == "asyncBatchEmbedContent" else method)
    resources = routed.app.resources
    return routed.whole(resources.batches.create(body, method, model, resources.name("batch")).shown(routed.app.now()))


def _answer_in(routed: RoutedCall) -> Answer:
    """What answers one request of a batch: the same as without a batch."""

    def answer(method: str, model: str, body: Any) -> dict[str, Any]:
        if method == "asyncBatchEmbedContent":
            return embeddings.embed(body)
        call = replace(routed.call, body=json.dumps(body).encode())
        return generating.whole_answer(routed._replace(call=call), model.removeprefix("models/"))

    return answer


def _show_batch(routed: RoutedCall, name: str) -> dict[str, Any]:
    return routed.app.resources.batches.get(name, _answer_in(routed), routed.site).shown(routed.app.now())


def _cancel_batch(routed: RoutedCall, name: str) -> dict[str, Any]:
    routed.app.resources.batches.cancel(name, _answer_in(routed), routed.site)
    return {}


def _delete_batch(routed: RoutedCall, name: str) -> dict[str, Any]:
    routed.app.resources.batches.delete(name, _answer_in(routed), routed.site)
    return {}


def _list_batches(routed: RoutedCall, _: str) -> dict[str, Any]:
    size, token = routed.page_size(*BATCHES), routed.option("page", "Token")
    found, following = routed.app.resources.batches.page(size, token, _answer_in(routed), routed.site)
    return paged([batch.shown(routed.app.now()) for batch in found], "operations", following)


_CACHE, _FILE, _BATCH = r"(?P<name>cachedContents/[^/]*)", r"(?P<name>files/[^/:]+)", r"(?P<name>batches/[^/:]+)"
ROWS: tuple[tuple[str, str, Callable[[RoutedCall], Sent]], ...] = (
    ("POST", r"cachedContents", stored(_create_cache)),
    ("GET", r"cachedContents", stored(_list_caches)),
    ("GET", _CACHE, stored(lambda routed, name: routed.app.resources.caches.get(name).shown())),
    ("PATCH", _CACHE, stored(_update_cache)),
    ("DELETE", _CACHE, stored(_delete_cache)),
    ("POST", r"upload/files", _upload),
    ("PUT", r"upload/files", _upload),
    ("GET", r"files", stored(_list_files)),
    ("GET", _FILE, stored(_show_file)),
    ("DELETE", _FILE, stored(_delete_file)),
    ("GET", _FILE + ":download", _download),
    ("POST", r"models/(?P<model>[^/:]+):(?P<verb>batchGenerateContent|asyncBatchEmbedContent)", _create_batch),
    ("GET", r"batches", stored(_list_batches)),
    ("GET", _BATCH, stored(_show_batch)),
    ("POST", _BATCH + ":cancel", stored(_cancel_batch)),
    ("DELETE", _BATCH, stored(_delete_batch)),
)
"""Method, path after the version, handler."""
