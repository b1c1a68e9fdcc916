"""A plain load generator: raw sockets and one selector, in a separate process, so that its cost is not counted as the server's.

    python -m tests.bench.load unary PORT PATH SECONDS CONNECTIONS     -> {"answers": n, "seconds": s}
    python -m tests.bench.load count PORT PATH REQUESTS CONNECTIONS    -> the same, after so many requests
    python -m tests.bench.load beside PORT PATH LONG                   -> {"waited": s}
    python -m tests.bench.load streams PORT PATH LATENCY PACE STREAMS  -> {"first": [s...], "later": [s...]}

The body to send comes on stdin; where it holds ``{n}`` each request says another number. ``first`` is how many
seconds each first chunk came after its time (the request's plus LATENCY), ``later`` the same for all others (the first chunk's plus
PACE each). ``waited`` is how long the slowest of 20 short requests took, each asked right after a long one if LONG is 1.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

END = b"0\r\n\r\n"
"""The last bytes of a chunked body."""


@dataclass
class Connection:
    """One persistent connection with at most one request in flight. ``at``: when the request was sent, ``chunks``: when events arrived."""

    socket: socket.socket
    at: float = 0.0
    tail: bytes = b""
    chunks: list[float] = field(default_factory=list)

    def ask(self, request: bytes) -> None:
        self.tail, self.chunks, self.at = b"", [], time.perf_counter()
        self.socket.sendall(request)

    def read(self, data: bytes, now: float) -> bool:
        """Reads what has arrived. Returns whether the answer is complete. Raises if it is no 200 or the connection closes."""
        if not data or (not self.tail and not data.startswith(b"HTTP/1.1 200 ")):
            raise ConnectionError(f"no answer: {data[:200]!r}")
        self.chunks += [now] * data.count(b"data: ")
        self.tail = (self.tail + data)[-len(END) :]
        return self.tail == END


def connected(port: int, count: int) -> list[Connection]:
    made = []
    for _ in range(count):
        connected_socket = socket.create_connection(("127.0.0.1", port))
        connected_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.append(Connection(connected_socket))
    return made


def requests(path: str, body: bytes) -> Iterator[bytes]:
    number = 0
    while True:
        numbered = body.replace(b"{n}", str(number).encode())
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-goog-api-key: sim\r\ncontent-type: application/json\r\n"
        yield f"{head}content-length: {len(numbered)}\r\n\r\n".encode() + numbered
        number += 1


def whole_answers(
    port: int, path: str, body: bytes, connections: int, *, seconds: float, most: float
) -> dict[str, float]:
    """Sends the next request on a connection when its answer is complete, for this time or this number of requests."""
    following, chosen = requests(path, body), selectors.DefaultSelector()
    for connection in connected(port, connections):
        chosen.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask(next(following))
    answers, started = 0, time.perf_counter()
    while answers < most and time.perf_counter() - started < seconds:
        for key, _ in chosen.select(5):
            if key.data.read(key.data.socket.recv(1 << 18), 0.0):
                answers += 1
                key.data.ask(next(following))
    return {"answers": answers, "seconds": time.perf_counter() - started}


def beside(port: int, path: str, body: bytes, *, long: bool) -> float:
    """The latency of the slowest short request."""
    following, short = requests(path, body), requests(path, b'{"contents":{"parts":{"text":"Hello {n}"}}}')
    slow, quick = connected(port, 2)
    waited = []
    for _ in range(20):
        if long:
            slow.ask(next(following))
        quick.ask(next(short))
        finish(quick)
        waited.append(time.perf_counter() - quick.at)
        if long:
            finish(slow)
    return max(waited)


def finish(connection: Connection) -> None:
    while not connection.read(connection.socket.recv(1 << 18), 0.0):
        pass


def streams(port: int, path: str, body: bytes, latency: float, pace: float, count: int) -> dict[str, list[float]]:
    """Opens all streams at once. Returns the delay of every chunk."""
    following, chosen = requests(path, body), selectors.DefaultSelector()
    made = connected(port, count)
    for connection in made:
        chosen.register(connection.socket, selectors.EVENT_READ, connection)
    time.sleep(0.3)
    for connection in made:
        connection.ask(next(following))
    left = count
    while left:
        came = [(key.data, key.data.socket.recv(1 << 18), time.perf_counter()) for key, _ in chosen.select(10)]
        for connection, data, now in came:
            if connection.read(data, now):
                chosen.unregister(connection.socket)
                left -= 1
    first = [connection.chunks[0] - connection.at - latency for connection in made]
    later = [at - connection.chunks[0] - n * pace for connection in made for n, at in enumerate(connection.chunks) if n]
    return {"first": first, "later": later}


def main(what: str, port: str, path: str, *numbers: str) -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    body, values = sys.stdin.buffer.read(), [float(text) for text in numbers]
    if what == "streams":
        found: object = streams(int(port), path, body, values[0], values[1], int(values[2]))
    elif what == "beside":
        found = {"waited": beside(int(port), path, body, long=bool(values[0]))}
    else:
        limits = {"seconds": values[0], "most": 1e12} if what == "unary" else {"seconds": 1e12, "most": values[0]}
        found = whole_answers(int(port), path, body, int(values[1]), **limits)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
