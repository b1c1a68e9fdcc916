"""Request bodies in layers: a deep merge in which lists replace, and where each part of the outcome came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.model import Json

Body = Mapping[str, Json]


class Layer(NamedTuple):
    """Part of a body, and who wrote it: ``defaults.request``, ``schema``, ``axis thinking``."""

    origin: str
    body: Body


def merge(under: Body, over: Body) -> Body:
    """``over`` laid on ``under``: objects merge, everything else (lists too) replaces. Neither is changed."""
    if not under or not over:
        return over or under
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def merged(layers: Sequence[Layer]) -> Body:
    """All layers, each laid on those before it."""
    body: Body = {}
    for layer in layers:
        body = merge(body, layer.body)
    return body


class Origins(Mapping[str, str]):
    """JSON path -> who wrote the value there. Made when it is first looked at: only ``show`` does."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._made: dict[str, str] | None = None

    @property
    def _paths(self) -> dict[str, str]:
        if self._made is None:
            self._made = {}
            for layer in self._layers:
                for path in _leaves(layer.body, "$"):
                    self._set(path, layer.origin)
        return self._made

    def _set(self, path: str, origin: str) -> None:
        made = self._made
        assert made is not None
        for other in [each for each in made if _within(each, path) or _within(path, each)]:
            del made[other]
        made[path] = origin

    def __getitem__(self, path: str) -> str:
        return self._paths[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))


def _leaves(body: Json, path: str) -> Iterator[str]:
    """The paths of everything that a merge replaces as a whole."""
    if not isinstance(body, Mapping) or not body:
        yield path
        return
    for key, value in body.items():
        yield from _leaves(value, f"{path}.{key}" if re.fullmatch(r"\w+", key) else f"{path}[{key!r}]")
