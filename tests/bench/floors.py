"""What the same work costs with nothing around it: the denominators."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def json_and_check(bodies: Sequence[bytes], schema: dict[str, Any]) -> float:
    """Seconds to decode each body and hold its answer to the schema with a validator that is kept."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema)
    started = time.perf_counter()
    for body in bodies:
        answer = json.loads(json.loads(body)["candidates"][0]["content"]["parts"][0]["text"])
        if not validator.is_valid(answer):
            raise ValueError("the floor's own answers must be valid")
    return time.perf_counter() - started


async def _ask(url: str, body: bytes, requests: int, in_flight: int) -> tuple[float, list[float]]:
    import httpx
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    gate = asyncio.Semaphore(in_flight)
    firsts: list[float] = []
    headers = {"x-goog-api-key": "sim-bench", "content-type": "application/json", "accept-encoding": "gzip"}

    async def one(client: httpx.AsyncClient) -> None:
        async with gate:
            started, first = time.perf_counter(), None
            async with client.stream("POST", url, content=body, headers=headers) as response:
                async for _ in response.aiter_raw():
                    first = first or time.perf_counter() - started
            firsts.append(first or 0.0)

    transport = AiohttpTransport(limits=limits)
    async with httpx.AsyncClient(transport=transport, timeout=60) as client:
        started = time.perf_counter()
        await asyncio.gather(*(one(client) for _ in range(requests)))
        return time.perf_counter() - started, firsts


def bare_client(url: str, body: bytes, requests: int, in_flight: int) -> tuple[float, list[float]]:
    """Seconds for that many requests over httpx with the harness's own transport, and each time to first bytes."""
    import uvloop

    return uvloop.run(_ask(url, body, requests, in_flight))


def answers_of(cassettes: Path) -> list[bytes]:
    """The response bodies under a folder of cassettes, for the floor to chew on."""
    from harness.cassette import read

    return [
        interaction.exchange.content
        for path in sorted(cassettes.rglob("*.yaml"))
        for interaction in read(path).interactions
    ]
