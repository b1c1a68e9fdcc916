"""The HTTP server: uvicorn's own, with the API's error shape for what is no HTTP, and an answer for callers that have said all."""

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

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are not the API's
        body = pretty(refusal("invalid_argument").body)
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a connection open whose caller has sent a whole request and closed its own side, until that is answered."""
        waits = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if waits:
            self.cycle.keep_alive = False
        return waits


def server(app: Simulator, backlog: int) -> uvicorn.Server:
    """A server for ``app``, not yet started. ``backlog``: connections that may wait to be taken."""
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
