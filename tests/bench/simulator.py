"""Speed, timing and memory of the simulator: one server on one core, its load on another.

python -m tests.bench.simulator LATENCY PACE [constant]     # serves until stdin ends; constant: one body, whatever is asked
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from harness.simulator.serve import start
from harness.simulator.traffic import Receive, Scope, Send, read

Row = tuple[str, str, str, str]

LATENCY, PACE, STREAMS = 0.1, 0.02, 128
UNARY = "/v1beta/models/gemini-3-flash-preview:generateContent"
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


def body(question: str, **config: Any) -> bytes:
    return json.dumps({"generationConfig": config, "contents": [{"parts": [{"text": question}]}]}).encode()


QUESTION = body("What is the capital of France? This is question {n}.")
STORY = body("Tell me a short story about a lighthouse, about 240 words. {n}", thinkingConfig={"thinkingBudget": 0})

LONG = body("Name: Soup. Servings: 4. What is the capital of France? " * 8_000 + "{n}")


class Served(NamedTuple):
    """A server in a separate process."""

    port: str
    pid: int

    def load(self, what: str, path: str, sent: bytes, *numbers: float) -> Any:
        """The measurements of the load generator."""
        command = [sys.executable, "-m", "tests.bench.load", what, self.port, path, *map(str, numbers)]
        return json.loads(subprocess.run(command, input=sent, stdout=subprocess.PIPE, check=True).stdout)

    def memory(self) -> float | None:
        """MB that the server uses now; None if the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def processor(self) -> float | None:
        """Seconds of processor time of the server; None if the system does not tell."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return None
        user, system = stat.read_text("utf-8").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def rate(self, path: str, sent: bytes, seconds: float) -> float:
        """Answers per second of the server's processor time, or of the clock if that is unknown."""
        before = self.processor()
        found = self.load("unary", path, sent, seconds, 16)
        after = self.processor()
        used = after - before if before is not None and after is not None else found["seconds"]
        return float(found["answers"] / used)


@contextmanager
def serving(*options: str | float) -> Iterator[Served]:
    command = [sys.executable, "-m", "tests.bench.simulator", *map(str, options)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        served = Served(process.stdout.readline().strip().rpartition(":")[2], process.pid)
        served.load("count", UNARY, QUESTION, 50, 1)
        yield served
        process.stdin.close()


def rows(scale: float) -> Iterator[Row]:
    """Every measurement with its floor. ``scale`` shortens them."""
    yield from answers(3 * max(scale, 0.3))
    yield from timing()
    yield from beside()
    yield from memory(int(100_000 * scale))


def answers(seconds: float) -> Iterator[Row]:
    rates = []
    for options in ([0, 0], [0, 0, "constant"]):
        with serving(*options) as served:
            rates.append(served.rate(UNARY, QUESTION, seconds))
    measured, floor = rates
    yield (
        "simulator, unary answers on one core",
        f"{measured:,.0f}/s",
        f"a constant body {floor:,.0f}/s",
        f"{floor / measured:.1f}x, target 2,000/s",
    )


def timing() -> Iterator[Row]:
    with serving(LATENCY, PACE) as served:
        found = served.load("streams", STREAM, STORY, LATENCY, PACE, STREAMS)
    asked = f"{STREAMS} streams at once, every {PACE * 1000:.0f} ms"
    yield f"simulator, {asked}: chunks off their time", _spread(found["later"]), "0", "target 5 ms"
    yield f"  first chunks off {LATENCY * 1000:.0f} ms, in one burst", _spread(found["first"]), "0", ""


def beside() -> Iterator[Row]:
    """The latency of a short request while a long prompt is answered."""
    with serving(0, 0) as served:
        alone, waited = served.load("beside", UNARY, LONG, 0)["waited"], served.load("beside", UNARY, LONG, 1)["waited"]
    yield (
        f"simulator, a short request beside {len(LONG) // 1000} kB of prompt",
        f"{waited * 1000:.0f} ms",
        f"alone {alone * 1000:.0f} ms",
        "target 100 ms",
    )


def memory(requests: int) -> Iterator[Row]:
    with serving(0, 0) as served:
        served.load("count", UNARY, QUESTION, 1_000, 16)
        before = served.memory()
        served.load("count", UNARY, QUESTION, requests, 16)
        after = served.memory()
    if before is not None and after is not None:
        yield (
            f"simulator, memory after {requests:,} more requests",
            f"{after:.1f} MB",
            f"before {before:.1f} MB",
            f"{after - before:+.1f} MB",
        )


def _spread(late: list[float]) -> str:
    ordered = sorted(map(abs, late))
    return f"p50 {ordered[len(ordered) // 2] * 1000:.1f} ms, p99 {ordered[int(len(ordered) * 0.99)] * 1000:.1f} ms"


# --- the server ---------------------------------------------------------------------------------------


async def constant(_app: object, scope: Scope, receive: Receive, send: Send) -> None:
    """One answer to everything: the cost of the same server without a simulator."""
    await read(scope, receive)
    headers = [(b"content-type", b"application/json; charset=UTF-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": CONSTANT, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


CONSTANT = b'{"candidates": [{"content": {"parts": [{"text": "Paris"}]}}]}\n' * 9
"""About as long as a real answer."""


def main(latency: str, pace: str, what: str = "") -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    running = start(latency=float(latency), pace=float(pace))
    if what == "constant":
        type(running.app).__call__ = constant  # type: ignore[method-assign, assignment]
    print(running.url, flush=True)
    sys.stdin.read()
    running.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
