"""The handlers of what callers keep: caches, files, batches, file search stores and their documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.simulator import embeddings, files, generating
from harness.simulator.batches import Batches
from harness.simulator.errors import refusal
from harness.simulator.routed_call import RoutedCall
from harness.simulator.shelf import Collection
from harness.simulator.stores import Document
from harness.simulator.traffic import Sent
from harness.simulator.uploads import upload

Handler = Callable[[RoutedCall], Sent]
Row = tuple[str, str, Handler]
"""Method, path after the version, handler."""


def _stored(act: Callable[[RoutedCall, str], Any]) -> Handler:
    """A handler that checks the key, acts on the resource named in the path, and sends the result."""

    def handler(routed: RoutedCall) -> Sent:
        routed.authorise()
        return routed.whole(act(routed, routed.names.get("name", "")))

    return handler


def _collection(
    path: str,
    sizes: tuple[int, int],
    of: Callable[[RoutedCall], Collection[Any]],
    listed: str = "",
    name: str = r"[^/:]+",
) -> tuple[Row, ...]:
    """The rows of get, list and delete. ``sizes``: the number of resources on one page, by default and at most. ``listed``: the name of the
    list, if it is not the last part of the path. ``name``: a pattern."""
    listed = listed or path.rpartition("/")[2]

    def show(routed: RoutedCall, name: str) -> dict[str, Any]:
        return of(routed).shown(of(routed).get(name))

    def page(routed: RoutedCall, _: str) -> dict[str, Any]:
        rows, following = of(routed).page(routed.page_size(*sizes), routed.option("page", "Token"))
        return {**({listed: rows} if rows else {}), **({"nextPageToken": following} if following else {})}

    def delete(routed: RoutedCall, name: str) -> dict[str, Any]:
        of(routed).delete(name)
        return {}

    one = f"(?P<name>{path}/{name})"
    return ("GET", path, _stored(page)), ("GET", one, _stored(show)), ("DELETE", one, _stored(delete))


# --- caches -------------------------------------------------------------------------------------------


def _create_cache(routed: RoutedCall, _: str) -> dict[str, Any]:
    resources = routed.app.resources
    name = resources.name("cache")
    return resources.caches.create(
        routed.body(), name, lambda model: routed.model(model, "createCachedContent")
    ).shown()


def _update_cache(routed: RoutedCall, name: str) -> dict[str, Any]:
    return routed.app.resources.caches.update(name, routed.body(), routed.option("update", "Mask")).shown()


# --- files --------------------------------------------------------------------------------------------


def _described_file(routed: RoutedCall, about: Any, kind: str) -> files.File:
    return files.described(about, kind, routed.site, routed.app.resources.name("file"), routed.app.now())


def _keep_file(routed: RoutedCall, file: files.File) -> dict[str, Any]:
    return {"file": routed.app.resources.files.store(file).shown(routed.app.now())}


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


def _batches(routed: RoutedCall) -> Batches:
    """The batches; those that are done have their results, the same as without a batch."""

    def answer(method: str, model: str, body: Any) -> dict[str, Any]:
        if method == "asyncBatchEmbedContent":
            return embeddings.embed(body)
        call = replace(routed.call, body=json.dumps(body).encode())
        return generating.whole_answer(routed._replace(call=call), model.removeprefix("models/"))

    batches = routed.app.resources.batches
    batches.finish(answer, routed.site)
    return batches


def _cancel_batch(routed: RoutedCall, name: str) -> dict[str, Any]:
    _batches(routed).cancel(name)
    return {}


# --- file search stores -------------------------------------------------------------------------------


def _create_store(routed: RoutedCall, _: str) -> dict[str, Any]:
    return routed.app.resources.stores.create(routed.body(), routed.app.resources.name("store")).shown()


def _delete_store(routed: RoutedCall, name: str) -> dict[str, Any]:
    stores = routed.app.resources.stores
    if routed.call.query.get("force", "").lower() != "true":
        stores.check_empty(name)
    stores.delete(name)
    return {}


def _import(routed: RoutedCall, _: str) -> dict[str, Any]:
    """Add an uploaded file to a store."""
    body = routed.body()
    file = routed.app.resources.files.get(
        str(body.get("fileName") or body.get("file_name") if isinstance(body, dict) else "")
    )
    about = {key: value for key, value in body.items() if key not in ("fileName", "file_name")}
    document = replace(_described_document(routed, about, file.mime), data=file.data, display=file.display)
    return {"name": _keep_document(routed, document)["name"].replace("/upload/", "/")}


def _described_document(routed: RoutedCall, about: Any, kind: str) -> Document:
    resources = routed.app.resources
    name = f"{resources.name('document')}-{resources.name('document')}"
    return resources.stores.described(routed.names["name"], about, name, kind)


def _keep_document(routed: RoutedCall, document: Document) -> dict[str, Any]:
    return routed.app.resources.stores.add(document)


_STORE = r"fileSearchStores/[^/:]+"
ROWS: tuple[Row, ...] = (
    ("POST", r"cachedContents", _stored(_create_cache)),
    ("PATCH", r"(?P<name>cachedContents/[^/]*)", _stored(_update_cache)),
    *_collection("cachedContents", (1000, 1000), lambda routed: routed.app.resources.caches, name=r"[^/]*"),
    *((method, "upload/files", upload(_described_file, _keep_file)) for method in ("POST", "PUT")),
    *_collection("files", (10, 100), lambda routed: routed.app.resources.files),
    ("GET", r"(?P<name>files/[^/:]+):download", _download),
    ("POST", r"models/(?P<model>[^/:]+):(?P<verb>batchGenerateContent|asyncBatchEmbedContent)", _create_batch),
    *_collection("batches", (50, 1000), _batches, "operations"),
    ("POST", r"(?P<name>batches/[^/:]+):cancel", _stored(_cancel_batch)),
    ("POST", r"fileSearchStores", _stored(_create_store)),
    ("DELETE", rf"(?P<name>{_STORE})", _stored(_delete_store)),
    *_collection("fileSearchStores", (10, 20), lambda routed: routed.app.resources.stores),
    ("POST", rf"(?P<name>{_STORE}):importFile", _stored(_import)),
    *(
        (method, rf"upload/(?P<name>{_STORE}):uploadToFileSearchStore", upload(_described_document, _keep_document))
        for method in ("POST", "PUT")
    ),
    (
        "GET",
        rf"(?P<name>{_STORE}(?:/upload)?/operations/[^/:]+)",
        _stored(lambda routed, name: routed.app.resources.stores.operation(name)),
    ),
    *_collection(
        rf"(?P<store>{_STORE})/documents",
        (10, 20),
        lambda routed: routed.app.resources.stores.get(routed.names["store"]).documents,
    ),
)
