"""Uploads of files, and of documents of stores: in one request, multipart, or resumable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.resources import Upload, Uploaded
from harness.simulator.routed_call import RoutedCall
from harness.simulator.traffic import Sent

_NUMBER = re.compile(r"[0-9]{1,15}")
_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]+)\"|([^;\s]+))", re.IGNORECASE)
_TYPE = re.compile(rb"(?im)^content-type:[ \t]*([^\r\n;]+)")


def upload(
    described: Callable[[RoutedCall, Any, str], Uploaded], keep: Callable[[RoutedCall, Any], dict[str, Any]]
) -> Callable[[RoutedCall], Sent]:
    """A handler that starts a resumable upload, goes on with one, or takes what is sent in one request.

    ``described`` makes what is uploaded, still empty, of the JSON about it and of its MIME type. ``keep`` keeps it, and returns the answer.
    """

    def handler(routed: RoutedCall) -> Sent:
        call = routed.call
        if (
            "upload_id" in call.query
        ):  # clients send no key with the bytes: the upload id in the address authorises them
            return _more(routed, keep)
        routed.authorise()
        if "start" in call.headers.get("x-goog-upload-command", ""):
            kind = call.headers.get("x-goog-upload-header-content-type", "")
            return _started(routed, described(routed, _read(call.body or b"{}"), kind))
        about, kind, data = b"{}", call.headers.get("content-type", ""), call.body
        if kind.lower().startswith("multipart/"):
            about, kind, data = _envelope(kind, data)
        return routed.whole(keep(routed, replace(described(routed, _read(about), kind), data=data)))

    return handler


def _started(routed: RoutedCall, empty: Uploaded) -> Sent:
    call, resources = routed.call, routed.app.resources
    name = resources.name("upload")
    resources.uploads.put(name, Upload(empty, _whole_number(call.headers.get("x-goog-upload-header-content-length"))))
    url = f"{routed.site.rpartition('/')[0]}{call.path}?upload_id={name}&upload_protocol=resumable"
    return routed.whole({}, [(b"x-goog-upload-status", b"active"), (b"x-goog-upload-url", url.encode())])


def _more(routed: RoutedCall, keep: Callable[[RoutedCall, Any], dict[str, Any]]) -> Sent:
    """Append bytes to an upload. Raises the API's 404 for an unknown upload, and its 400 if the bytes do not follow those before, or if their
    number is not the announced one."""
    call, uploads = routed.call, routed.app.resources.uploads
    name, command = call.query["upload_id"], call.headers.get("x-goog-upload-command", "finalize")
    under_way = uploads.get(name)
    if under_way is None:
        raise refusal("no_route")
    received, final = len(under_way.so_far.data), "finalize" in command
    if "query" in command:
        size = (b"x-goog-upload-size-received", str(received).encode())
        return routed.whole({}, [(b"x-goog-upload-status", b"active"), size])
    grown = replace(under_way.so_far, data=under_way.so_far.data + call.body)
    size_now, whole = len(grown.data), under_way.size
    offset = _whole_number(call.headers.get("x-goog-upload-offset"))
    if offset not in (None, received) or (whole is not None and (size_now > whole or (final and size_now < whole))):
        raise refusal("invalid_argument")
    if not final:
        uploads.put(name, under_way._replace(so_far=grown))
        return routed.whole({}, [(b"x-goog-upload-status", b"active")])
    uploads.remove(name)
    return routed.whole(keep(routed, grown), [(b"x-goog-upload-status", b"final")])


def _read(about: bytes) -> Any:
    try:
        return json.loads(about)
    except (ValueError, RecursionError):
        raise refusal("invalid_argument") from None


def _whole_number(text: str | None) -> int | None:
    """A header with a number; None without it. Raises the API's 400 for anything else."""
    if text is not None and not _NUMBER.fullmatch(text):
        raise refusal("invalid_argument")
    return None if text is None else int(text)


def _envelope(content_type: str, body: bytes) -> tuple[bytes, str, bytes]:
    """The parts of a ``multipart/related`` upload: the JSON that describes the file, the file's type, and its bytes.

    Raises the API's 400 unless it has these two parts.
    """
    found = _BOUNDARY.search(content_type)
    mark = (found[1] or found[2]).encode("latin-1") if found else b""
    pieces = re.split(rb"\r?\n--" + re.escape(mark), b"\r\n" + body) if mark else []
    if len(pieces) < 3:
        raise refusal("invalid_argument")
    (_, about), (head, data) = (_part(piece) for piece in pieces[1:3])
    kind = _TYPE.search(head)
    return about, kind[1].decode("latin-1").strip() if kind else "", data


def _part(piece: bytes) -> tuple[bytes, bytes]:
    """The header lines and the bytes of one part."""
    found = re.search(rb"\r?\n\r?\n", piece)
    return (piece[: found.start()], piece[found.end() :]) if found else (b"", piece)
