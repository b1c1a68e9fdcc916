"""The handlers of file search stores and their documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.resource_routes import paged, stored
from harness.simulator.routed_call import RoutedCall
from harness.simulator.stores import Document
from harness.simulator.traffic import Sent

PAGE = (10, 20)
"""The number of stores or documents on one page: by default, and at most."""


def _create(routed: RoutedCall, _: str) -> dict[str, Any]:
    return routed.app.resources.stores.create(routed.body(), routed.app.resources.name("store")).shown()


def _list(routed: RoutedCall, _: str) -> dict[str, Any]:
    found, following = routed.app.resources.stores.kept.page(routed.page_size(*PAGE), routed.option("page", "Token"))
    return paged([store.shown() for store in found], "fileSearchStores", following)


def _delete(routed: RoutedCall, name: str) -> dict[str, Any]:
    routed.app.resources.stores.delete(name, force=routed.call.query.get("force", "").lower() == "true")
    return {}


def _list_documents(routed: RoutedCall, name: str) -> dict[str, Any]:
    documents = routed.app.resources.stores.get(name).documents
    found, following = documents.page(routed.page_size(*PAGE), routed.option("page", "Token"))
    return paged([document.shown() for document in found], "documents", following)


def _delete_document(routed: RoutedCall, name: str) -> dict[str, Any]:
    stores = routed.app.resources.stores
    stores.document(name)
    stores.get(name.partition("/documents/")[0]).documents.remove(name)
    return {}


def _import(routed: RoutedCall, name: str) -> dict[str, Any]:
    """Add an uploaded file to a store."""
    body = routed.body()
    file = routed.app.resources.files.get(
        str(body.get("fileName") or body.get("file_name") if isinstance(body, dict) else "")
    )
    about = {key: value for key, value in body.items() if key not in ("fileName", "file_name")}
    document = replace(
        _described(routed, name, json.dumps(about).encode(), file.mime), data=file.data, display=file.display
    )
    done = routed.app.resources.stores.add(name, document)
    return {"name": done["name"].replace("/upload/", "/")}


def _upload(routed: RoutedCall) -> Sent:
    """Start a resumable upload, go on with one, or add a document that is sent in one request."""
    call, stores, name = routed.call, routed.app.resources.stores, routed.names["name"]
    if upload := call.query.get("upload_id"):
        final = "finalize" in call.headers.get("x-goog-upload-command", "finalize")
        done = stores.grow(upload, call.body, final=final)
        return routed.whole(done or {}, [(b"x-goog-upload-status", b"final" if final else b"active")])
    routed.authorise()
    kind = call.headers.get("x-goog-upload-header-content-type", "")
    if "start" not in call.headers.get("x-goog-upload-command", ""):
        kind = call.headers.get("content-type", "")
        return routed.whole(stores.add(name, replace(_described(routed, name, b"{}", kind), data=call.body)))
    upload = routed.app.resources.name("upload")
    stores.uploads.put(upload, (name, _described(routed, name, call.body or b"{}", kind)))
    url = f"{routed.site.rpartition('/')[0]}{call.path}?upload_id={upload}&upload_protocol=resumable"
    return routed.whole({}, [(b"x-goog-upload-status", b"active"), (b"x-goog-upload-url", url.encode())])


def _described(routed: RoutedCall, store: str, about: bytes, kind: str) -> Document:
    try:
        body = json.loads(about)
    except (ValueError, RecursionError):
        raise refusal("invalid_argument") from None
    name = f"{routed.app.resources.name('document')}-{routed.app.resources.name('document')}"
    return routed.app.resources.stores.described(store, body, name, kind)


_STORE = r"(?P<name>fileSearchStores/[^/:]+)"
_DOCUMENT = r"(?P<name>fileSearchStores/[^/:]+/documents/[^/:]+)"
ROWS: tuple[tuple[str, str, Callable[[RoutedCall], Sent]], ...] = (
    ("POST", r"fileSearchStores", stored(_create)),
    ("GET", r"fileSearchStores", stored(_list)),
    ("GET", _STORE, stored(lambda routed, name: routed.app.resources.stores.get(name).shown())),
    ("DELETE", _STORE, stored(_delete)),
    ("POST", _STORE + ":importFile", stored(_import)),
    ("POST", rf"upload/{_STORE}:uploadToFileSearchStore", _upload),
    ("PUT", rf"upload/{_STORE}:uploadToFileSearchStore", _upload),
    (
        "GET",
        r"(?P<name>fileSearchStores/[^/:]+(?:/upload)?/operations/[^/:]+)",
        stored(lambda routed, name: routed.app.resources.stores.operation(name)),
    ),
    ("GET", _STORE + "/documents", stored(_list_documents)),
    ("GET", _DOCUMENT, stored(lambda routed, name: routed.app.resources.stores.document(name).shown())),
    ("DELETE", _DOCUMENT, stored(_delete_document)),
)
"""Method, path after the version, handler."""
