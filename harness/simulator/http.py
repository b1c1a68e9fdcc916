"""The HTTP server: uvicorn, with the API's error body for invalid HTTP, and with answers for clients that closed their sending side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from harness.simulator.errors import refusal
from harness.simulator.traffic import JSON
from harness.simulator.wire_format import pretty

if TYPE_CHECKING:
    from harness.simulator.app import Simulator


class Protocol(HttpToolsProtocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the API has its own text
        body = pretty(refusal("invalid_argument").body)
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open until the answer is sent, if the client sent a whole request and then closed its sending side."""
        waits = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if waits:
            self.cycle.keep_alive = False
        return waits


def server(app: Simulator, backlog: int) -> uvicorn.Server:
    """A server for ``app``, not yet started. ``backlog``: how many connections may wait to be accepted."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
        backlog=backlog,
    )
    return uvicorn.Server(config)
