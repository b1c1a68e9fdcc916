"""Serves the simulator over HTTP: ``start`` in a thread, ``serve`` until Ctrl-C. uvicorn is imported only when it starts."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.simulator.app import Simulator

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
PORT = 8765
QUEUED = 2048
"""How many connections may wait to be accepted."""
_STARTS_IN = 10.0
"""Seconds after which a server that has not started is an error. Starting takes about 0.1 seconds."""


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator that serves until ``stop`` is called, or until the ``with`` block ends. ``url`` has no slash at its end."""

    url: str
    app: Simulator
    _server: uvicorn.Server
    _thread: threading.Thread
    _socket: socket.socket

    def stop(self) -> None:
        """Stop the server and close open connections. May be called twice."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(port: int = 0, *, host: str = HOST, **options: Any) -> Running:
    """A simulator in a background thread. It is ready when this returns. ``port`` 0: any free port. ``options`` are those of
    ``Simulator`` (seed, latency, pace, vary, strict, log). Raises UsageError if the port cannot be used."""
    app = Simulator(**options)
    listening = _listen(host, port)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="gemini-simulator", daemon=True)
    thread.start()
    deadline = time.monotonic() + _STARTS_IN
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)
    if not server.started:
        raise UsageError(f"the simulator did not start on {host}:{port}")
    return Running(_url(listening), app, server, thread, listening)


def serve(host: str = HOST, port: int = PORT, say: Callable[[str], None] = print, **options: Any) -> None:
    """Serve until Ctrl-C or SIGTERM. Prints the address, how to point clients at it, and a line per request. ``options`` as for ``start``."""
    listening = _listen(host, port)
    server = _server(Simulator(**{"log": say, **options}))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        say(banner(_url(listening)))
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()
    say("stopped")


def banner(url: str) -> str:
    """The address, and how to point clients at it."""
    return "\n".join(
        (
            f"Simulated Gemini API at {url} (any key; as through a gateway under {url}/gateway). Ctrl-C stops it.",
            f'  google-genai   genai.Client(api_key="simulated", http_options={{"base_url": "{url}"}})',
            f"  environment    GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY=simulated",
            (
                f"  curl           curl '{url}/v1beta/models/gemini-3-flash-preview:generateContent' -H 'x-goog-api-key: simulated' "
                '-d \'{"contents":{"parts":{"text":"What is the capital of France?"}}}\''
            ),
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if sys.platform != "win32":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(QUEUED)  # clients may connect as soon as the address is printed
    except (OSError, OverflowError) as failed:
        listening.close()
        reason = (getattr(failed, "strerror", None) or str(failed)).rstrip(".")
        raise UsageError(
            f"cannot serve on {host}:{port}: {reason}. Choose another --host or --port; --port 0 takes any free one."
        ) from None
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: Simulator) -> uvicorn.Server:
    from harness.simulator.http import server

    return server(app, QUEUED)
