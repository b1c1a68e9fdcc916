"""File search stores: their documents, and the passages that a search finds in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.simulator.errors import refusal
from harness.simulator.messages import camel_fields, stamp
from harness.simulator.shelf import Collection

MOST_SEARCHED = 5
"""The maximum number of stores in one request."""
_PASSAGE = 2000
"""Characters of a passage."""
_NAME = re.compile(r"fileSearchStores/[a-z0-9-]+")
_NUMBER = re.compile(r"[a-z0-9-]+")
_WORD = re.compile(r"\w{3,}")
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a store. ``metadata`` are its ``customMetadata``."""

    name: str
    mime: str
    data: bytes
    created: float
    display: str = ""
    metadata: Sequence[Mapping[str, Any]] = ()

    def shown(self) -> dict[str, Any]:
        shown = {
            "name": self.name,
            "displayName": self.display,
            "customMetadata": list(self.metadata),
            "createTime": stamp(self.created),
            "updateTime": stamp(self.created),
            "state": "STATE_ACTIVE",
            "sizeBytes": str(len(self.data)),
            "mimeType": self.mime,
        }
        return {name: value for name, value in shown.items() if value}

    def passage(self, words: set[str]) -> tuple[int, str]:
        """How many of ``words`` the best passage has, and the passage."""
        text = self.data.decode("utf-8", "replace")
        pieces = [text[start : start + _PASSAGE] for start in range(0, min(len(text), 50 * _PASSAGE), _PASSAGE)]
        return max(((len(words & _words(piece)), piece) for piece in pieces), default=(0, ""))


class Documents(Collection[Document]):
    """The documents of one store."""

    def get(self, name: str) -> Document:
        """A document. Raises the API's 400 for an invalid name, and its 404 without one."""
        if not _NUMBER.fullmatch(name.rpartition("/")[2]):
            raise refusal("invalid_argument")
        found = self.kept.get(name)
        if found is None:
            raise refusal("document_missing")
        return found


@dataclass(frozen=True, slots=True)
class Store:
    """One file search store."""

    name: str
    display: str
    created: float
    documents: Documents

    def shown(self) -> dict[str, Any]:
        documents = self.documents.kept.values()
        shown = {
            "name": self.name,
            "displayName": self.display,
            "createTime": stamp(self.created),
            "updateTime": stamp(self.created),
            "embeddingModel": "models/gemini-embedding-001",
            "activeDocumentsCount": str(len(documents)) if documents else "",
            "sizeBytes": str(sum(len(document.data) for document in documents)) if documents else "",
        }
        return {name: value for name, value in shown.items() if value}


class Stores(Collection[Store]):
    """The stores of one simulator."""

    def create(self, body: Any, name: str) -> Store:
        """A new store. Its name starts with the letters and digits of its display name."""
        display = str(camel_fields(body, frozenset(["displayName", "embeddingModel"])).get("displayName") or "")
        slug = re.sub(r"[^a-z0-9]", "", display.lower())[:27]
        name = f"fileSearchStores/{slug}-{name}" if slug else f"fileSearchStores/{name}"
        store = Store(name, display, self.now(), Documents(self.now))
        self.kept.put(store.name, store)
        return store

    def get(self, name: str) -> Store:
        """A store. Raises the API's 400 for an invalid name, and its 403 without one."""
        if not _NAME.fullmatch(name):
            raise refusal("invalid_argument")
        found = self.kept.get(name)
        if found is None:
            raise refusal("store_missing", name=name.rpartition("/")[2])
        return found

    def check_empty(self, name: str) -> None:
        """Raises the API's 400 for a store with documents."""
        if self.get(name).documents.kept.values():
            raise refusal("store_full")

    def described(self, store: str, body: Any, name: str, kind: str) -> Document:
        """The document that an upload to a store announces."""
        fields = camel_fields(body, frozenset(["displayName", "mimeType", "customMetadata", "chunkingConfig", "file"]))
        metadata = [camel_fields(one, _METADATA) for one in fields.get("customMetadata") or ()]
        mime = str(fields.get("mimeType") or kind or "application/octet-stream")
        display = str(fields.get("displayName") or "")
        return Document(f"{self.get(store).name}/documents/{name}", mime, b"", self.now(), display, metadata)

    def add(self, document: Document) -> dict[str, Any]:
        """Add a document; the operation that has added it."""
        store, _, number = document.name.partition("/documents/")
        self.get(store).documents.kept.put(document.name, document)
        added = {
            "@type": _TYPE + "UploadToFileSearchStoreResponse",
            "parent": store,
            "documentName": document.name,
            "mimeType": document.mime,
            "sizeBytes": str(len(document.data)),
        }
        return {"name": f"{store}/upload/operations/{number}", "response": added}

    def operation(self, name: str) -> dict[str, Any]:
        """A finished operation. Raises the API's 404 for an unknown one."""
        store, _, number = name.partition("/operations/")
        store = store.removesuffix("/upload")
        document = self.get(store).documents.get(f"{store}/documents/{number}")
        response = {"@type": _TYPE + "ImportFileResponse", "parent": store, "documentName": document.name}
        return {"name": name, "done": True, "response": response}

    def search(self, tool: Mapping[str, Any], question: str) -> list[dict[str, Any]]:
        """The ``retrievedContext`` of each document that has words of the question, the best first; of all documents without one.

        Raises the API's 404 for an unknown store, and its 400 for more than ``MOST_SEARCHED``.
        """
        names = tool.get("fileSearchStoreNames") or ()
        if not names or len(names) > MOST_SEARCHED:
            raise refusal("invalid_argument")
        if unknown := next((name for name in names if self.kept.get(str(name)) is None), None):
            raise refusal("store_unknown", name=unknown)
        words = _words(question)
        scored = [
            (*document.passage(words), store, document)
            for store in (self.get(str(name)) for name in names)
            for document in store.documents.kept.values()
        ]
        best = sorted(scored, key=lambda found: -found[0])[: int(tool.get("topK") or 5)]
        found = [one for one in best if one[0]] or best
        return [_context(passage, store, document) for _, passage, store, document in found]


_METADATA = frozenset(["key", "stringValue", "numericValue", "stringListValue"])


def _context(passage: str, store: Store, document: Document) -> dict[str, Any]:
    context = {
        "title": document.display,
        "text": passage,
        "fileSearchStore": store.name,
        "customMetadata": list(document.metadata),
    }
    return {name: value for name, value in context.items() if value}


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}
