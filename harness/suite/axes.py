"""An axis of the matrix: its values for a model, what a value adds to the request, and how an id shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePath
from typing import Literal

from msgspec import Struct

from harness.gemini.models import LEVELS, ModelFacts, Thinking, bare, catalogue, facts
from harness.gemini.request_rules import refusals
from harness.gemini.request_view import RequestView
from harness.model import Json, Place
from harness.suite.template import referenced_file
from harness.text.names import slug

Body = Mapping[str, Json]

OUTSIDE = ("transport", "auth", "apiKey")
"""Axes that are not in the body."""

THINKING_KEYS = ("level", "budget", "includeThoughts")
"""The keys of a thinking value in its long form."""


AxisSource = Literal["case", "matrix", "defaults"]


class Axis(Struct, frozen=True):
    """``values`` as in the suite: one value (a pin), a list (a sweep), or a mapping from model globs to either.

    ``source`` is the place where it is written. An axis of a case replaces that of the matrix, which replaces that of the
    defaults. ``names``: how ids show the values, if they are too long for that. ``typed``: its values have a type of their own and
    a place in ``generationConfig``, unlike those of a free name or of a path of the body.
    """

    name: str
    values: Json
    source: AxisSource
    place: Place
    names: Sequence[str] = ()
    typed: bool = True

    @property
    def per_model(self) -> bool:
        if not isinstance(self.values, Mapping) or not self.typed:
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

    def choices(self, model: str) -> Sequence[tuple[Json, Json]]:
        """(value, value as ids show it) for a model, in order."""
        values = self.for_model(model)
        return list(zip(values, self.names if len(self.names) == len(values) else values, strict=True))

    def glob(self, model: str) -> str | None:
        """The first glob of a mapping that matches the model; None if none does."""
        return next((glob for glob in self.values if fnmatchcase(bare(model), glob)), None)


def fragment(name: str, value: Json) -> Body:
    """What a value of an axis with its own type adds to ``generationConfig``."""
    return {"thinkingConfig": thinking_config(value)} if name == "thinking" else {name: value}


_LONGEST_NAME = 24
"""Characters of a value that ids show as it is."""


def value_names(values: Json, written: Json) -> Sequence[str]:
    """Names of the values, if one of them is too long for an id: the file that holds it, its title, the first words of a text, the
    first keys of an object, else its number. ``written``: the values as they stand in the suite. Empty if all are short, and
    differ in an id."""
    if not isinstance(values, list):
        return ()
    shown = {_plain(value).strip("-") for value in values} - {""}
    by_row = any("${" in str(value) for value in values)  # its texts would keep the rows in columns of their own
    if not by_row and all(map(_is_short, values)) and len(shown) == len(values):
        return ()
    sources = written if isinstance(written, list) and len(written) == len(values) else values
    names: list[str] = []
    for number, (value, source) in enumerate(zip(values, sources, strict=True), 1):
        name = _value_name(value, source) or str(number)
        names.append(f"{name}-{number}" if name in names else name)
    return names


def _is_short(value: Json) -> bool:
    return not isinstance(value, list | Mapping) and len(str(value)) <= _LONGEST_NAME


def _value_name(value: Json, source: Json) -> str:
    if file := referenced_file(source):
        return slug(PurePath(file).name.partition(".")[0])
    if isinstance(value, Mapping) and isinstance(value.get("title"), str):
        return slug(value["title"])[:_LONGEST_NAME]
    if isinstance(value, list):
        return slug("+".join(map(_item_name, source if isinstance(source, list) else value)))[:_LONGEST_NAME] or "none"
    return "" if isinstance(value, Mapping) else slug(re.sub(r"\$\{[^}]*\}", "", str(value)).strip()[:_LONGEST_NAME])


def _item_name(item: Json) -> str:
    """The name of a tool or of a file."""
    if isinstance(item, Mapping):
        return PurePath(str(item.get("path", item.get("uri", next(iter(item), ""))))).stem
    return PurePath(str(item)).stem


def selected_models(selector: Mapping[str, Json]) -> list[str]:
    """The current models (stage ``ga`` or ``preview``) of the catalogue with all properties of a selector, in its order."""
    return [
        name
        for name, known in catalogue().models.items()
        if known.stage in ("ga", "preview") and all(_has(known, key, wanted) for key, wanted in selector.items())
    ]


def _has(known: ModelFacts, key: str, wanted: Json) -> bool:
    if key == "feature":
        return known.features.issuperset([wanted] if isinstance(wanted, str) else wanted)
    if key == "thinking":
        return bool(known.thinking.control == wanted)
    return fnmatchcase(known.name, str(wanted))


def thinking_config(value: Json) -> Body:
    """The ``thinkingConfig`` of a value: ``low`` is a thinkingLevel, ``512`` a thinkingBudget; the long form has all keys."""
    if isinstance(value, str):
        return {"thinkingLevel": value.upper() if value.upper() in LEVELS else value}
    if not isinstance(value, Mapping):
        return {"thinkingBudget": value}
    level = thinking_config(value["level"]) if "level" in value else {}
    rest = {"thinkingBudget": "budget", "includeThoughts": "includeThoughts"}
    return {**level, **{name: value[key] for name, key in rest.items() if key in value}}


def refusal(model: str, config: Body) -> str | None:
    """Why a model rejects this ``thinkingConfig``; None if it accepts it, or if the model is unknown."""
    known = facts(model)
    return (known.thinking if known else Thinking("unknown")).refuses(config)


@lru_cache(maxsize=4096, typed=True)
def value_refusal(model: str, name: str, value: str | float) -> str | None:
    """Why a model rejects a value of ``generationConfig`` that others accept; None if it accepts it, or if it is unknown."""
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


def label(name: str, value: Json, beside: Iterable[str] = ()) -> str:
    """A value as an id shows it: ``low``, ``stream``, ``thinking=0``, ``temperature=0.2``, ``high+thoughts``. ``beside``: the axes
    that the id shows, for a path of the body that ends like another of them."""
    if name == "transport":
        return str(value)
    if name != "thinking":
        shared = "." in name and any(short_name(other) == short_name(name) for other in beside if other != name)
        return f"{name.removeprefix('request.') if shared else short_name(name)}={_plain(value)}"
    config = thinking_config(value)
    parts = [str(config["thinkingLevel"]).lower()] if "thinkingLevel" in config else []
    if "thinkingBudget" in config or not parts:
        parts.append(f"thinking={_plain(config.get('thinkingBudget', 'default'))}")
    if "includeThoughts" in config:
        parts.append("thoughts" if config["includeThoughts"] else "silent")
    return "+".join(parts)


def short_label(name: str, value: Json) -> str:
    """A value without the name of its axis, as table headers show it: ``low``, ``0``, ``high+thoughts``."""
    return label(name, value).removeprefix(f"{short_name(name)}=")


def short_name(name: str) -> str:
    """The name of an axis as ids and tables show it: of a path of the body its last key."""
    return name.rpartition(".")[2]


def _plain(value: Json) -> str:
    text = str(value).lower() if isinstance(value, bool | None) else str(value)
    return re.sub(r"[^\w.+-]+", "-", text)
