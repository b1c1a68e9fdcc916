"""A request with the handler's context."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.simulator import keys
from harness.simulator.errors import bad_payload
from harness.simulator.profiles import Profile
from harness.simulator.state import State
from harness.simulator.traffic import Call


class RoutedCall(NamedTuple):
    """A request that was routed: the simulator, the call, the profile of the endpoint, the API version, and the names in the path."""

    app: State
    call: Call
    profile: Profile
    version: str
    names: Mapping[str, str]

    def body(self) -> Any:
        """The body as JSON. Raises the API's 400 if it is not JSON."""
        try:
            return json.loads(self.call.body or b"{}")
        except (ValueError, RecursionError):
            start = self.call.body[:40].decode("utf-8", "replace")
            raise bad_payload([("", f"Invalid JSON payload received. Unexpected token.\n{start}\n^")]) from None

    def authorise(self) -> None:
        """Raises the API's error for a key that is missing or not valid."""
        keys.check(self.call.key)
