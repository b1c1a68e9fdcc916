"""Cached contents: created, changed, listed, and gone when their time is over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.gemini.models import ModelFacts, bare, generation
from harness.simulator.errors import bad_payload, refusal
from harness.simulator.messages import camel_fields, moment, seconds, stamp
from harness.simulator.request import Ask, normal
from harness.simulator.shelf import Collection

LIFE = 3600.0
"""Seconds until a cache without ``ttl`` and ``expireTime`` expires."""
CONTENT = ("contents", "systemInstruction", "tools", "toolConfig")
_FIELDS = frozenset(["name", "model", "displayName", "ttl", "expireTime", *CONTENT])
_CHANGEABLE = frozenset(["ttl", "expireTime"])
_SMALLEST, _SMALLEST_FLASH_25 = 4096, 1024


@dataclass(frozen=True, slots=True)
class Cache:
    """One ``cachedContent``. ``request`` is its content in canonical spelling, ``tokens`` their number. Times are seconds since the epoch."""

    name: str
    model: str
    request: Mapping[str, Any]
    tokens: int
    created: float
    updated: float
    expires: float
    display: str = ""

    def shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "model": self.model,
            "createTime": stamp(self.created),
            "updateTime": stamp(self.updated),
            "expireTime": stamp(self.expires),
            "displayName": self.display,
            "usageMetadata": {"totalTokenCount": self.tokens},
        }


class Caches(Collection[Cache]):
    """The caches of one simulator."""

    def create(self, body: Any, name: str, facts: Callable[[str], ModelFacts]) -> Cache:
        """A new cache called ``name``. ``facts`` finds its model, or raises the API's 404. Raises the API's 400 for a cache that is too small."""
        fields = camel_fields(body, _FIELDS)
        model = bare(str(fields.get("model", "")))
        found = facts(model)
        request = normal({part: fields[part] for part in CONTENT if fields.get(part)})
        total, least = sum(Ask(model, found, request, {}).prompt_tokens().values()), smallest(found)
        if total < least:
            raise refusal("cache_small", total=total, least=least)
        now = self.now()
        expires = _expiry(fields, now)
        cache = Cache(
            f"cachedContents/{name}", f"models/{model}", request, total, now, now, now + LIFE if expires is None else expires,
            str(fields.get("displayName") or ""),
        )  # fmt: skip
        self.kept.put(cache.name, cache)
        return cache

    def get(self, name: str) -> Cache:
        """A cache that has not expired. Raises the API's 400 for an invalid name, and its 403 for an unknown one."""
        if not re.fullmatch(r"cachedContents/[\w-]+", name):
            raise refusal("invalid_argument")
        found = self.kept.get(name)
        if found is None or found.expires <= self.now():
            raise refusal("cache_missing")
        return found

    def update(self, name: str, body: Any, mask: str) -> Cache:
        """The cache with another expiry; nothing else can be changed. ``mask``: the names in ``updateMask``; empty: all."""
        fields, now = camel_fields(body, _FIELDS), self.now()
        named = {part.rpartition(".")[2] for part in mask.replace("expire_time", "expireTime").split(",") if part}
        if named - _CHANGEABLE or (not named and set(fields) - _CHANGEABLE):
            raise refusal("invalid_argument")
        expires = _expiry({part: value for part, value in fields.items() if part in (named or _CHANGEABLE)}, now)
        cache = self.get(name)
        cache = replace(cache, updated=now, expires=cache.expires if expires is None else expires)
        self.kept.put(name, cache)
        return cache

    def page(self, size: int, token: str) -> tuple[list[dict[str, Any]], str]:
        now = self.now()
        self.kept.drop(lambda cache: cache.expires <= now)
        return super().page(size, token)


def smallest(model: ModelFacts) -> int:
    """The fewest tokens that a cache of this model may have."""
    flash_25 = (generation(model.name) or (3, 0)) < (3, 0) and "flash" in model.name
    return _SMALLEST_FLASH_25 if flash_25 else _SMALLEST


def _expiry(fields: Mapping[str, Any], now: float) -> float | None:
    """When a cache expires, by ``ttl`` or ``expireTime``; None without either. Raises the API's 400 for both."""
    if "ttl" in fields and "expireTime" in fields:
        text = "Invalid value at 'cached_content' (oneof), oneof field 'expiration' is already set. Cannot set 'ttl'"
        raise bad_payload([("cached_content", text)])
    if "ttl" in fields:
        return now + seconds(fields["ttl"], "cached_content.ttl")
    return moment(fields["expireTime"], "cached_content.expire_time") if "expireTime" in fields else None
