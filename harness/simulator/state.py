"""The settings of a simulator, and its state between requests."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from harness.simulator import catalogue
from harness.simulator.faults import Fault
from harness.simulator.implicit_cache import Prefixes
from harness.simulator.profiles import GOOGLE, Profile
from harness.simulator.resources import Resources
from harness.simulator.rules import PinnedAnswer
from harness.simulator.seed import Seed
from harness.simulator.traffic import Call

if TYPE_CHECKING:
    from harness.simulator.replay import Replay

_REMEMBERED = 4096
"""How many different requests are counted, for ``vary``."""


@dataclass(slots=True)
class State:
    """The settings of a simulator, and its state between requests.

    ``seed`` changes all made-up content. ``latency`` and ``pace`` are seconds before the first byte and between chunks. With
    ``vary`` each repetition of a request has its own answer. ``strict`` refuses models that were shut down. ``as_of`` is the day whose
    routing of models counts. ``profile`` says how the endpoint answers where the path names no profile. ``rules`` pin answers.
    ``faults`` occur at random, each with its rate (0 to 1). ``replay`` answers from cassettes only. ``log`` is called with a line per
    request. ``now`` gives seconds since the epoch.
    """

    seed: str = ""
    latency: float = 0.0
    pace: float = 0.0
    vary: bool = False
    strict: bool = False
    as_of: date = catalogue.AS_OF
    profile: Profile = GOOGLE
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
        self._chance = random.Random(self.seed)  # noqa: S311 - random faults, not secrets

    def seed_of(self, call: Call, model: str) -> Seed:
        """The seed of this request; it depends on the header ``x-simulator-seed`` and, with ``vary``, on the number of the repetition."""
        seed = Seed.of(self.seed, call.headers.get("x-simulator-seed", ""), model, call.body)
        if not self.vary:
            return seed
        key = seed.bytes("request", 16)
        count = self._seen[key] = self._seen.pop(key, -1) + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return Seed.of(key, str(count)) if count else seed

    def random_fault(self) -> Fault | None:
        """A fault of ``faults`` at random, by its rate; mostly None."""
        return next((fault for fault, rate in self.faults.items() if self._chance.random() < rate), None)
