"""Tools of MCP servers, which the API calls itself. The simulator reaches no server: it makes up the tool and its result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import asked

TOKENS = 400
"""Tokens of the tools that a server lists."""


def parts(servers: Sequence[Mapping[str, Any]], prompt: str) -> list[dict[str, Any]]:
    """The call of a tool of the first server, and its result, as the API shows them. Tools are named after their server."""
    server = str((servers[0] if servers else {}).get("name") or "server")
    places, dates = mentions("place", prompt), mentions("date", prompt)
    name, args = f"{server}_search", {"query": asked(prompt)}
    if places:
        name, args = f"{server}_get_weather", {"location": str(places[0].value)}
        args |= {"startDate": str(dates[0].value), "endDate": str(dates[-1].value)} if dates else {}
    result = json.dumps({"simulated": True, **args})
    whole = {"meta": None, "content": [{"type": "text", "text": result}], "structuredContent": None, "isError": False}
    response = {"call_tool_result_json": json.dumps(whole), "result": result}
    return [
        {"functionCall": {"name": name, "args": args}},
        {"functionResponse": {"name": name, "response": response}},
    ]
