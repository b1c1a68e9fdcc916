"""A loopback server that sends exactly the given bytes, and keeps exactly the bytes that it receives."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

Script = Callable[[socket.socket], None]
"""Answers one request on a connection."""


class Endpoint:
    """Answers the n-th request with the n-th script. The last script also answers all later requests."""

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[bytes] = []
        self._scripts = scripts
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._workers: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def request(self) -> bytes:
        """The only request that was received."""
        (only,) = self.requests
        return only

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._connections:
            connection.close()
        self._thread.join(5)
        for worker in self._workers:
            worker.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            worker = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._workers.append(worker)
            worker.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while request := _read_request(connection):
                with self._lock:
                    self.requests.append(request)
                    script = self._scripts[min(len(self.requests), len(self._scripts)) - 1]
                script(connection)
        except OSError:
            pass
        finally:
            connection.close()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """A script that sends a complete answer: bytes unchanged, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    return lambda connection: connection.sendall(_head(status, fields) + content)


def stream(
    pieces: Iterable[bytes], pause: float = 0.0, *, then: Script | None = None, headers: Mapping[str, str] | None = None
) -> Script:
    """A script that sends chunks, with a pause in seconds before each. ``then`` replaces the end of the stream."""
    fields = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})}

    def script(connection: socket.socket) -> None:
        connection.sendall(_head(200, fields))
        for piece in pieces:
            time.sleep(pause)
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if then is not None:
            then(connection)
        else:
            connection.sendall(b"0\r\n\r\n")

    return script


def hang(connection: socket.socket) -> None:
    """Send nothing until the client disconnects."""
    connection.recv(1)


def drop(connection: socket.socket) -> None:
    """Close the connection without an answer."""
    raise OSError("dropped")


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def closed_address() -> str:
    """The URL of a loopback port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"
