"""The cost of the same work with nothing around it: the denominators."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def json_and_check(bodies: Sequence[bytes], schema: dict[str, Any]) -> float:
    """Seconds to decode every body and to validate its answer with one validator."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema)
    started = time.perf_counter()
    for body in bodies:
        answer = json.loads(json.loads(body)["candidates"][0]["content"]["parts"][0]["text"])
        if not validator.is_valid(answer):
            raise ValueError("the floor's own answers must be valid")
    return time.perf_counter() - started


def load_and_check(cassettes: Path, schema: dict[str, Any]) -> float:
    """Seconds to load every cassette with libyaml and to validate its answers with one validator."""
    import yaml
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema)
    started = time.perf_counter()
    for path in sorted(cassettes.rglob("*.yaml")):
        for interaction in yaml.load(path.read_bytes(), yaml.CSafeLoader)["interactions"]:
            body = interaction["response"]["body"]["string"]
            answer = json.loads(json.loads(body)["candidates"][0]["content"]["parts"][0]["text"])
            if not validator.is_valid(answer):
                raise ValueError("the floor's own answers must be valid")
    return time.perf_counter() - started


def imports() -> float:
    """Seconds of a process that only imports the libraries that a replay needs: the median of nine."""
    command = [sys.executable, "-c", "import argparse, hashlib, json, pathlib, tomllib, msgspec, yaml"]
    walls = []
    for _ in range(9):
        started = time.perf_counter()
        subprocess.run(command, check=True)
        walls.append(time.perf_counter() - started)
    return statistics.median(walls)


async def _ask(url: str, body: bytes, requests: int, in_flight: int) -> list[float]:
    import aiohttp

    gate = asyncio.Semaphore(in_flight)
    firsts: list[float] = []
    headers = {"x-goog-api-key": "sim-bench", "content-type": "application/json", "accept-encoding": "gzip"}

    async def one(session: aiohttp.ClientSession) -> None:
        async with gate:
            started, first = time.perf_counter(), None
            async with session.post(url, data=body, headers=headers) as response:
                async for _ in response.content.iter_any():
                    first = first or time.perf_counter() - started
            firsts.append(first or 0.0)

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as session:
        await asyncio.gather(*(one(session) for _ in range(requests)))
    return firsts


def main() -> None:
    """The bare client as a separate process: URL, REQUESTS and IN_FLIGHT as arguments, the body on standard input."""
    import uvloop

    url, requests, in_flight = sys.argv[1:]
    print(statistics.median(uvloop.run(_ask(url, sys.stdin.buffer.read(), int(requests), int(in_flight)))))


def answers_of(cassettes: Path) -> list[bytes]:
    """The response bodies in a folder of cassettes."""
    from harness.transport.cassette import read

    return [
        interaction.exchange.content
        for path in sorted(cassettes.rglob("*.yaml"))
        for interaction in read(path).interactions
    ]


if __name__ == "__main__":
    main()
