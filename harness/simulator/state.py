"""What a simulator is set to, and what it remembers between requests."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.simulator.faults import Fault
from harness.simulator.implicit_cache import Prefixes
from harness.simulator.resources import Resources
from harness.simulator.rules import PinnedAnswer
from harness.simulator.seed import Seed
from harness.simulator.traffic import Call

if TYPE_CHECKING:
    from harness.simulator.replay import Replay

_REMEMBERED = 4096
"""How many requests are remembered, to tell the second from the first."""


@dataclass(slots=True)
class State:
    """What a simulator is set to, and what it remembers between requests.

    ``seed`` changes all that is made up. ``latency`` and ``pace`` are seconds before the first byte and between chunks. ``vary``
    makes the nth repetition of one request its own answer. ``strict`` refuses models that were shut down. ``rules`` pin answers,
    ``faults`` happen at their rate (0 to 1). ``replay`` answers from cassettes and makes nothing up. ``log`` gets a line a request. ``now`` gives seconds since the epoch.
    """

    seed: str = ""
    latency: float = 0.0
    pace: float = 0.0
    vary: bool = False
    strict: bool = False
    rules: Sequence[PinnedAnswer] = ()
    faults: Mapping[Fault, float] = field(default_factory=dict)
    replay: Replay | None = None
    log: Callable[[str], None] | None = None
    now: Callable[[], float] = time.time
    resources: Resources = field(init=False)
    prefixes: Prefixes = field(init=False, default_factory=Prefixes)
    _seen: OrderedDict[bytes, int] = field(init=False, default_factory=OrderedDict)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.resources = Resources(self.now)
        self._chance = random.Random(self.seed)  # noqa: S311 - faults by chance, not secrets

    def seed_of(self, call: Call, model: str) -> Seed:
        """The seed of this request; header ``x-simulator-seed`` changes it, and under ``vary`` each repetition does."""
        seed = Seed.of(self.seed, call.headers.get("x-simulator-seed", ""), model, call.body)
        if not self.vary:
            return seed
        key = seed.bytes("request", 16)
        count = self._seen[key] = self._seen.pop(key, -1) + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return Seed.of(key, str(count)) if count else seed

    def mishap(self) -> Fault | None:
        """A fault by chance."""
        return next((fault for fault, rate in self.faults.items() if self._chance.random() < rate), None)
