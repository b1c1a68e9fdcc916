"""An axis of the matrix: its values for a model, what a value adds to the request, and how an id shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from harness.gemini.models import LEVELS, Thinking, bare, facts
from harness.model import Json, Place

Body = Mapping[str, Json]

THINKING_KEYS = ("level", "budget", "includeThoughts")
"""The keys of a thinking value in its long form."""


class Axis(NamedTuple):
    """``values`` as in the suite: one value (a pin), a list (a sweep), or a mapping from model globs to either.

    ``source`` is the place where it is written. An axis of a case replaces that of the matrix, which replaces that of the
    defaults.
    """

    name: str
    values: Json
    source: Literal["case", "matrix", "defaults"]
    place: Place

    @property
    def per_model(self) -> bool:
        if not isinstance(self.values, Mapping):
            return False
        return self.name != "thinking" or (bool(self.values) and self.values.keys().isdisjoint(THINKING_KEYS))

    @property
    def swept(self) -> bool:
        """Whether the axis has several values, so that ids must show them."""
        if self.per_model:
            return any(isinstance(values, list | tuple) for values in self.values.values())
        return isinstance(self.values, list | tuple)

    @property
    def pinned(self) -> bool:
        """Whether a case fixes the value, so that no selection changes it."""
        return self.source == "case" and not self.swept

    def for_model(self, model: str) -> Sequence[Json]:
        """The values for a model, in order. The first glob that matches counts; if none does, the result is empty (nothing is
        sent)."""
        values = self.values
        if self.per_model:
            glob = self.glob(model)
            values = [] if glob is None else self.values[glob]
        return values if isinstance(values, list | tuple) else [values]

    def glob(self, model: str) -> str | None:
        """The first glob of a mapping that matches the model; None if none does."""
        return next((glob for glob in self.values if fnmatchcase(bare(model), glob)), None)


def fragment(name: str, value: Json) -> Body:
    """What a value adds to ``generationConfig``."""
    if name == "transport":
        return {}
    return {"thinkingConfig": thinking_config(value)} if name == "thinking" else {name: value}


def thinking_config(value: Json) -> Body:
    """The ``thinkingConfig`` of a value: ``low`` is a thinkingLevel, ``512`` a thinkingBudget; the long form has all keys."""
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


def refusal(model: str, config: Body) -> str | None:
    """Why a model rejects this ``thinkingConfig``; None if it accepts it, or if the model is unknown."""
    known = facts(model)
    return (known.thinking if known else Thinking("unknown")).refuses(config)


def value_refusal(model: str, name: str, value: Json) -> str | None:
    """Why a model rejects a value of ``generationConfig`` that others accept; None if it accepts it, or if it is unknown."""
    from harness.gemini.request_rules import refusals
    from harness.gemini.request_view import RequestView

    view = RequestView(model, facts(model), {"generationConfig": {name: value}, "contents": [_ASKING]})
    found = (broken for broken in refusals(view) if broken.at == ("generationConfig", name))
    return next((broken.message for broken in found if broken.by_model and broken.sure and not broken.ignored), None)


_ASKING = {"parts": [{"text": "hi"}]}


def axis_matches(name: str, wanted: Json, value: Json) -> bool:
    """Whether a value of an axis matches that of a ``skip`` or ``only`` row: a value, a list of values, or a model glob."""
    if isinstance(wanted, list | tuple):
        return any(axis_matches(name, item, value) for item in wanted)
    if name in ("model", "provider"):
        return fnmatchcase(bare(str(value)), bare(str(wanted)))
    if name == "thinking" and value is not None:
        return thinking_config(wanted).items() <= thinking_config(value).items()
    return bool(wanted == value)


def label(name: str, value: Json) -> str:
    """A value as an id shows it: ``low``, ``stream``, ``thinking=0``, ``temperature=0.2``, ``high+thoughts``."""
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


def short_label(name: str, value: Json) -> str:
    """A value without the name of its axis, as table headers show it: ``low``, ``0``, ``high+thoughts``."""
    return label(name, value).removeprefix(f"{name}=")


def _plain(value: Json) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"[^\w.+-]+", "-", text)
