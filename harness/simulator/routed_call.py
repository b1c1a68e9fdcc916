"""A request that found its way to who answers it."""

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
    """A request that found its way: the simulator, the call, whose habits, the API version, and the names in the path."""

    app: State
    call: Call
    where: Profile
    version: str
    names: Mapping[str, str]

    def body(self) -> Any:
        """The JSON that was sent. Raises the API's 400 for what is none."""
        try:
            return json.loads(self.call.body or b"{}")
        except (ValueError, RecursionError):
            start = self.call.body[:40].decode("utf-8", "replace")
            raise bad_payload([("", f"Invalid JSON payload received. Unexpected token.\n{start}\n^")]) from None

    def authorise(self) -> None:
        """Raises the API's refusal for a key that is missing or known to be bad."""
        keys.check(self.call.key)
