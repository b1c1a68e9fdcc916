"""A real ``yaml-language-server`` for the tests, over stdin and stdout. Tests that use it are skipped where it is missing.

``make editors`` installs it with npm and runs those tests.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

INSTALLED = Path(__file__).parents[1] / ".venv-editors/node_modules/.bin/yaml-language-server"
SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
MARK = "¦"
"""Where the cursor is in a text."""


class LanguageServer:
    """One server, and one schema for every text. ``folder`` is where texts seem to be; nothing is written there."""

    def __init__(self, process: subprocess.Popen[bytes], schema: Path, folder: Path) -> None:
        self.process, self.schema, self.folder = process, schema, folder
        self.diagnostics: dict[str, Sequence[str]] = {}
        self.count = 0
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": {"yaml": SETTINGS}})

    def complaints(self, text: str) -> Sequence[str]:
        """The messages of everything that an editor underlines."""
        return self.diagnostics[self.opened(text)["textDocument"]["uri"]]

    def completions(self, text: str) -> Sequence[str]:
        """What an editor offers at the mark."""
        found = self.ask("textDocument/completion", self.opened(text))
        return [item["label"] for item in found["items"]]

    def hover(self, text: str) -> str:
        """What an editor shows at the mark; empty if nothing."""
        found = self.ask("textDocument/hover", self.opened(text))
        return str(found["contents"]["value"]) if found else ""

    def opened(self, text: str) -> dict[str, Any]:
        """Opens a text, waits until it is validated, and returns the place of its mark."""
        text = f"# yaml-language-server: $schema={self.schema.as_uri()}\n{text}"
        before = text.partition(MARK)[0]
        uri = (self.folder / f"{self.count}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text.replace(MARK, "")}
        self.tell("textDocument/didOpen", {"textDocument": document})
        while uri not in self.diagnostics:
            self.read()
        at = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return {"textDocument": {"uri": uri}, "position": at}

    def ask(self, method: str, params: Any) -> Any:
        self.count += 1
        asked = self.count
        self.send({"id": asked, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == asked and "method" not in message:
                return message["result"]

    def tell(self, method: str, params: Any) -> None:
        self.count += 1
        self.send({"method": method, "params": params})

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """The next message of the server. Diagnostics are kept, and what it asks is answered with nothing."""
        assert self.process.stdout
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            found = message["params"]["diagnostics"]
            self.diagnostics[message["params"]["uri"]] = [item["message"] for item in found]
        elif "method" in message and "id" in message:
            self.send({"id": message["id"], "result": None})
        return message


def language_server(schema: Path) -> Iterator[LanguageServer]:
    """A server that knows the schema; skips where ``yaml-language-server`` is missing."""
    program = str(INSTALLED) if INSTALLED.exists() else shutil.which("yaml-language-server")
    if not program:
        pytest.skip("needs yaml-language-server: make editors")
    process = subprocess.Popen(
        [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield LanguageServer(process, schema, schema.parent)
    finally:
        process.kill()
        process.communicate()
