"""An axis of the matrix: which values it has for a model, what a value puts into the request, how it is written in an id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from harness.gemini.models import LEVELS, Thinking, bare, facts
from harness.model import Json, Place

Body = Mapping[str, Json]

LONG = ("level", "budget", "includeThoughts")
"""The keys of a thinking value in its long form."""


class Axis(NamedTuple):
    """``values`` as the suite has them: one value (a pin), a list (a sweep), or a mapping from model globs to either.

    ``source`` says who wrote it: a case's own axis replaces the matrix's, which replaces the defaults'.
    """

    name: str
    values: Json
    source: Literal["case", "matrix", "defaults"]
    place: Place

    @property
    def per_model(self) -> bool:
        if not isinstance(self.values, Mapping):
            return False
        return self.name != "thinking" or (bool(self.values) and self.values.keys().isdisjoint(LONG))

    @property
    def swept(self) -> bool:
        """Whether it has several values, so that ids must tell them apart."""
        if self.per_model:
            return any(isinstance(each, list | tuple) for each in self.values.values())
        return isinstance(self.values, list | tuple)

    @property
    def pinned(self) -> bool:
        """Whether a case fixes it: no selection changes that."""
        return self.source == "case" and not self.swept

    def for_model(self, model: str) -> Sequence[Json]:
        """The values for a model, in order; empty where no glob matches it (then nothing is sent). The first glob counts."""
        values = self.values
        if self.per_model:
            glob = self.glob(model)
            values = [] if glob is None else self.values[glob]
        return values if isinstance(values, list | tuple) else [values]

    def glob(self, model: str) -> str | None:
        """The glob of a mapping that counts for a model: the first that matches it."""
        return next((glob for glob in self.values if fnmatchcase(bare(model), glob)), None)


def fragment(name: str, value: Json) -> Body:
    """What a value puts into ``generationConfig``."""
    if name == "transport":
        return {}
    return {"thinkingConfig": thinking_config(value)} if name == "thinking" else {name: value}


def thinking_config(value: Json) -> Body:
    """``low`` -> thinkingLevel, ``512`` -> thinkingBudget; the long form may hold both, and includeThoughts."""
    if isinstance(value, str):
        return {"thinkingLevel": value.upper() if value.upper() in LEVELS else value}
    if not isinstance(value, Mapping):
        return {"thinkingBudget": value}
    config: dict[str, Json] = {}
    if "level" in value:
        config.update(thinking_config(value["level"]))
    if "budget" in value:
        config["thinkingBudget"] = value["budget"]
    if "includeThoughts" in value:
        config["includeThoughts"] = value["includeThoughts"]
    return config


def refused(model: str, config: Body) -> str | None:
    """Why a model refuses this ``thinkingConfig``; None where it does not, or nothing is known about the model."""
    known = facts(model)
    return (known.thinking if known else Thinking("unknown")).refuses(config)


def covers(name: str, wanted: Json, value: Json) -> bool:
    """Whether a value of an axis is what a ``skip`` or ``only`` row asks for: the value, one of a list, or a model glob."""
    if isinstance(wanted, list | tuple):
        return any(covers(name, each, value) for each in wanted)
    if name in ("model", "provider"):
        return fnmatchcase(bare(str(value)), bare(str(wanted)))
    if name == "thinking" and value is not None:
        return thinking_config(wanted).items() <= thinking_config(value).items()
    return bool(wanted == value)


def label(name: str, value: Json) -> str:
    """A value as it stands in an id: ``low``, ``stream``, ``thinking=0``, ``temperature=0.2``, ``high+thoughts``."""
    if name == "transport":
        return str(value)
    if name != "thinking":
        return f"{name}={_plain(value)}"
    config = thinking_config(value)
    parts = [str(config["thinkingLevel"]).lower()] if "thinkingLevel" in config else []
    if "thinkingBudget" in config or not parts:
        parts.append(f"thinking={_plain(config.get('thinkingBudget', 'default'))}")
    if "includeThoughts" in config:
        parts.append("thoughts" if config["includeThoughts"] else "silent")
    return "+".join(parts)


def spelled(name: str, value: Json) -> str:
    """A value alone, as headers show it and as it stands in ids: ``low``, ``0``, ``high+thoughts``."""
    return label(name, value).removeprefix(f"{name}=")


def _plain(value: Json) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"[^\w.+-]+", "-", text)
