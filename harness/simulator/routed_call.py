"""A request with the handler's context."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from harness.gemini.models import ModelFacts
from harness.simulator import catalogue, keys
from harness.simulator.errors import bad_payload
from harness.simulator.profiles import Profile
from harness.simulator.state import State
from harness.simulator.traffic import JSON, Call, Headers, Sent

_INT = re.compile(r"[0-9]{1,9}")


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

    def request(self) -> Any:
        """The body of ``generateContent``, as the profile reads it. Raises the API's 400 if it is not JSON."""
        body = self.body()
        return self.profile.reads(body) if self.profile.reads else body

    def authorise(self) -> None:
        """Raises the API's error for a key that is missing or not valid."""
        keys.check(self.call.key)

    def model(self, name: str, method: str) -> ModelFacts:
        """The model that answers for ``name`` on the day of the simulator. Raises the API's 404."""
        day: date = self.app.as_of
        return catalogue.answering(name, self.version, method, strict=self.app.strict, day=day)

    def whole(self, value: Any, more: Headers | None = None) -> Sent:
        """An answer with this JSON value as its body."""
        return Sent(200, [*self.profile.headers(JSON, self.call), *(more or ())], (self.profile.body(value),))

    def option(self, first: str, second: str = "") -> str:
        """A value in the query; its name may be camelCase or snake_case. Empty without one."""
        query = self.call.query
        return query.get(first + second) or query.get(f"{first}_{second.lower()}") or ""

    def page_size(self, default: int, most: int) -> int:
        """``pageSize``, at least 1 and at most ``most``. Raises the API's 400 if it is not a number."""
        value = self.option("page", "Size") or str(default)
        if not _INT.fullmatch(value):
            raise bad_payload([("page_size", f"Invalid value at 'page_size' (TYPE_INT32), \"{value[:100]}\"")])
        return min(int(value) or default, most)

    @property
    def site(self) -> str:
        """The address of this endpoint, with the version."""
        return f"http://{self.call.headers.get('host', 'simulator.invalid')}/{self.version}"
