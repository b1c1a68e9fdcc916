"""Facts about Gemini models: thinking options, limits, features, aliases and replacements.

The facts are in ``models.yaml`` in this folder. A model that is not in it is unknown: nothing is claimed about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, convert, field

from harness.model import Json
from harness.text import safeyaml

LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
"""Every ``thinkingLevel`` of the API, weakest first."""

_DATED = r"(-preview|-exp)?(-\d{2}-\d{2}(\d{2})?|-\d{3})$"
_NUMBERED = r"-\d{3}$"
_GENERATION = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?:-|$)")


ThinkingRefusal = tuple[str, Mapping[str, object]]
"""The rule of ``request_rules.yaml`` that a ``thinkingConfig`` breaks; ``reason`` for people, and words for the API's text."""


class Thinking(Struct, frozen=True):
    """The thinking options of a model.

    ``control``: ``level``, ``budget``, ``none`` (any thinkingConfig is refused) or ``unknown``. ``default`` is a level,
    ``dynamic`` or ``off``; None if unknown. ``lowest`` and ``highest`` are the bounds of a positive budget in tokens. ``zero`` and
    ``dynamic`` say whether 0 (off) and -1 are accepted. ``budgets`` says which budgets a model with levels accepts:
    ``any``, ``positive`` (0 is refused), ``no``, or None if unknown.
    """

    control: Literal["level", "budget", "none", "unknown"]
    levels: tuple[str, ...] = ()
    default: str | None = None
    lowest: int | None = None
    highest: int | None = None
    zero: bool = False
    dynamic: bool = False
    budgets: Literal["any", "positive", "no"] | None = None

    def refuses(self, config: Mapping[str, Any]) -> str | None:
        """Why the API answers 400 to this ``thinkingConfig``; None if it accepts it, or if that is unknown."""
        found = self.refusal(config)
        return str(found[1]["reason"]) if found else None

    def refusal(self, config: Mapping[str, Any]) -> ThinkingRefusal | None:
        """The rule that this ``thinkingConfig`` breaks; None if it breaks none, or if that is unknown."""
        level, budget = config.get("thinkingLevel"), config.get("thinkingBudget")
        if level is not None and budget is not None:
            return "think_both", {"reason": "thinkingLevel and thinkingBudget cannot be sent together"}
        if self.control == "none" and any(value is not None for value in config.values()):
            return "think_not_enabled", {"reason": "it takes no thinkingConfig"}
        if level is not None:
            return self._refused_level(str(level).upper())
        if isinstance(budget, int) and not isinstance(budget, bool):
            return self._refused_budget(budget)
        return None

    def _refused_level(self, level: str) -> ThinkingRefusal | None:
        if self.control == "budget":
            return "think_level_unsupported", {"reason": f"it takes thinking budgets, not levels: {self.range}"}
        if self.levels and level not in self.levels:
            return "think_level_wrong", {"reason": f"it has no level {level}: {', '.join(self.levels)}", "level": level}
        return None

    def _refused_budget(self, budget: int) -> ThinkingRefusal | None:
        if self.control == "budget" and not self._in_range(budget):
            reason = f"budget {budget} is out of range: {self.range}"
            words = {"reason": reason, "budget": budget, "lowest": self.lowest, "highest": self.highest}
            return "think_zero" if budget == 0 else "think_budget_range", words
        if self.budgets == "no":
            reason = f"it takes thinking levels, not budgets: {', '.join(self.levels)}"
            return "think_budget_unsupported", {"reason": reason}
        if self.budgets == "positive" and budget == 0:
            return "think_zero", {"reason": "its thinking cannot be switched off: a budget of 0 is refused"}
        return None

    def _in_range(self, budget: int) -> bool:
        if budget in (0, -1):
            return self.zero if budget == 0 else self.dynamic
        return self.lowest is not None and self.highest is not None and self.lowest <= budget <= self.highest

    @property
    def range(self) -> str:
        """The accepted budgets as text: ``0 (off), 512 to 24576, or -1 (dynamic)``."""
        parts = ["0 (off)"] * self.zero + [f"{self.lowest} to {self.highest}"] + ["or -1 (dynamic)"] * self.dynamic
        return ", ".join(parts)


class ModelFacts(Struct, frozen=True):
    """Facts about one model. Dates are ISO strings, limits are tokens.

    ``ends``: the day it is retired or shut down. ``routed_to``: the model that answers for it now or from ``ends`` on.
    ``output_unary``: the limit of one unary request, if it is lower. ``features``: names such as
    ``google_search``, ``structured_output``, ``builtin_tools_with_functions``, ``json_mode_with_tools``, ``image_out``; some
    take something away (``no_penalties``; see ``Catalogue.restrictions``). ``vertex_ends``: the end on Vertex, if it is another.
    ``partial``: not every feature is known, so a missing one is not denied.
    """

    name: str
    stage: Literal["ga", "preview", "deprecated", "retired", "shutdown"]
    thinking: Thinking
    input_tokens: int = field(name="in")
    output_tokens: int = field(name="out")
    features: frozenset[str]
    since: str | None = None
    ends: str | None = None
    routed_to: str | None = None
    replacement: str | None = None
    output_unary: int | None = field(name="out_unary", default=None)
    version: str | None = None
    vertex_ends: str | None = None
    closed_to_new_keys: bool = False
    partial: bool = False


class Alias(Struct, frozen=True):
    """An alias, its current target, and its earlier targets."""

    name: str
    target: str
    earlier: tuple[str, ...]


class Route(Struct, frozen=True):
    """A retired name that Google routes to another model. ISO dates; ``until`` is exclusive."""

    origin: str = field(name="from")
    to: str
    since: str
    until: str | None = None

    def holds(self, day: str) -> bool:
        """Whether the other model answers on that day."""
        return self.since <= day < (self.until or "9999")


class Catalogue(Struct, frozen=True):
    """Everything in ``models.yaml``.

    ``restrictions``: feature -> what it takes away, as a sentence. ``prices``: model -> rows that the price list lacks, oldest
    first; a row maps names of units to dollars, and ``from`` to an ISO date.
    """

    models: Mapping[str, ModelFacts]
    aliases: Mapping[str, Alias]
    routing: tuple[Route, ...]
    restrictions: Mapping[str, str]
    prices: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def names(self) -> list[str]:
        """Every name: models, then aliases."""
        return [*self.models, *self.aliases]

    @property
    def features(self) -> list[str]:
        """Every feature that a model has, sorted."""
        return sorted({name for facts in self.models.values() for name in facts.features})


@cache
def catalogue() -> Catalogue:
    """The facts that ship with this package. Parsed once and cached."""
    document = safeyaml.shipped(Path(__file__).with_name("models.yaml"))
    routing = convert(document["routing"], tuple[Route, ...])
    routes = {route.origin: route.to for route in routing}
    models = {name: _facts(name, row, document, routes.get(name)) for name, row in document["models"].items()}
    names = {name: targets.split() for name, targets in document["aliases"].items()}
    aliases = {name: Alias(name, first, tuple(rest)) for name, (first, *rest) in names.items()}
    return Catalogue(models, aliases, routing, document["restrictions"], document["prices"])


def _facts(name: str, row: Mapping[str, Any], document: Mapping[str, Any], routed_to: str | None) -> ModelFacts:
    derived = {
        "name": name,
        "thinking": _thinking(row),
        "features": [*document["kinds"][row["kind"]].split(), *row.get("with", "").split()],
        "routed_to": routed_to,
        "partial": row["kind"] in document["partial"].split(),
    }
    return convert({"replacement": routed_to, **row, **derived}, ModelFacts)


def _thinking(row: Mapping[str, Any]) -> dict[str, Any]:
    lowest, highest = row.get("range", (None, None))
    control = "budget" if "range" in row else "level" if "levels" in row else "unknown"
    return {
        **row,
        "control": control if row.get("thinks", True) else "none",
        "levels": row.get("levels", "").split(),
        "lowest": lowest,
        "highest": highest,
    }


def bare(model: str) -> str:
    """The name without ``models/`` or ``publishers/google/models/`` before it."""
    return model.rpartition("models/")[2]


def service_tier(value: Json) -> str:
    """The name of a tier, as prices have it: ``flex`` for ``SERVICE_TIER_FLEX``; empty if none is stated."""
    tier = str(value or "").lower().removeprefix("service_tier_")
    return "" if tier == "unspecified" else tier


def undated(model: str) -> str:
    """The name without its version or date suffix: ``gemini-2.5-flash-preview-09-2025``, ``...-001``, ``...-exp-03-25``."""
    name = bare(model)
    return name if name in catalogue().models else re.sub(_DATED, "", name)


def facts(model: str) -> ModelFacts | None:
    """The facts about a model, by its name, a dated form of it, or an alias (its current target). None for an unknown model."""
    known = catalogue()
    name = bare(model)
    if name in known.aliases:
        name = known.aliases[name].target
    return known.models.get(name) or known.models.get(undated(name))


def answering(model: str, day: date) -> ModelFacts | None:
    """The facts about the model that answers for this one on that day: itself, or the target of the route that holds."""
    known = facts(model)
    routes = (route for route in catalogue().routing if known and route.origin == known.name)
    route = next((route for route in routes if route.holds(day.isoformat())), None)
    return catalogue().models[route.to] if route else known


def generation(model: str) -> tuple[int, int] | None:
    """``(2, 5)`` for gemini-2.5-pro, ``(3, 0)`` for gemini-3-flash-preview; None if the name has no number."""
    alias = catalogue().aliases.get(bare(model))
    found = _GENERATION.match(alias.target if alias else bare(model))
    return (int(found[1]), int(found[2] or 0)) if found else None


def is_target(alias: str, version: str) -> bool:
    """Whether an alias points or pointed to that model, by itself: not by a route from one of its targets."""
    found = catalogue().aliases.get(bare(alias))
    return found is not None and undated(version) in {undated(name) for name in (found.target, *found.earlier)}


_FAMILY = r"flash-lite|flash|pro|ultra|nano"
_USES = ("image", "tts", "live", "audio", "embedding", "computer-use", "robotics")


def family(model: str) -> str:
    """What stays the same when an alias moves: ``gemini flash-lite``, ``gemini flash image``; a new use is another family."""
    name = bare(model).lower()
    size = re.search(_FAMILY, name)
    uses = (use for use in _USES if use in name)
    return " ".join([name.partition("-")[0], *([size[0]] if size else []), *uses])


def is_googles(model: str) -> bool:
    """Whether a name may be one of Google's models. A tuned model or an endpoint has a number or a name of its own."""
    name = model.rpartition("/")[2].lower()
    return model.startswith(("tunedModels/", "projects/")) or name.isdecimal() or name.startswith(_GOOGLES)


_GOOGLES = (
    "gemini", "gemma", "learnlm", "medlm", "txgemma", "shieldgemma", "paligemma", "codegemma", "palm", "aqa", "imagen", "veo",
    "lyria", "nano-banana", "deep-research", "text-", "chat-bison", "code-", "codechat", "embedding",
)  # fmt: skip
"""How their names begin."""


def answers_for(model: str, version: str) -> bool:
    """Whether a ``modelVersion`` is a legitimate answer to a request for ``model``.

    True for the model itself, a dated form of it, and all current and earlier targets of its aliases and routes.
    """
    return undated(version) in _answering(undated(model)) or _is_dated(bare(model), bare(version))


def _is_dated(model: str, version: str) -> bool:
    """Whether the version is the name and a date: ``...-thinking-exp-01-21`` of ``...-thinking-exp``."""
    return version.startswith(model) and re.fullmatch(_DATED, version[len(model) :]) is not None


@cache
def _answering(model: str) -> frozenset[str]:
    known = catalogue()
    reached: set[str] = set()
    waiting = [model]
    while waiting:
        name = undated(waiting.pop())
        if name in reached:
            continue
        reached.add(name)
        alias = known.aliases.get(name)
        waiting += [alias.target, *alias.earlier] if alias else []
        waiting += [route.to for route in known.routing if route.origin == name]
    return frozenset(reached)


# --- lifecycle ----------------------------------------------------------------------------------------


class Lifecycle(Struct, frozen=True):
    """The lifecycle of a model as a message with dates. ``ends``: the ISO date on which it ended or will end."""

    message: str
    ends: str | None = None


def lifecycle(model: str, day: date) -> Lifecycle | None:
    """Whether a model has ended by that day or will end, its replacement, and whether its name is an alias.

    None if there is nothing to report, and for previews with a date in their name, whose dates are not known.
    """
    known, name = catalogue(), bare(model)
    if alias := known.aliases.get(name):
        before = f" (before: {', '.join(alias.earlier)})" if alias.earlier else ""
        return Lifecycle(f"{name} moves without notice: it points to {alias.target}{before}")
    row = known.models.get(name) or known.models.get(re.sub(_NUMBERED, "", name))
    route = next((route for route in known.routing if route.origin == (row.name if row else name)), None)
    message = "; ".join(
        [*_end(row, route, day.isoformat()), *(["closed to new keys"] if row and row.closed_to_new_keys else [])]
    )
    return Lifecycle(f"{name}: {message}", (row and row.ends) or (route.since if route else None)) if message else None


def lifecycles(models: Iterable[str], day: date) -> list[str]:
    """A message for each model that has ended by that day, will end, or is an alias."""
    found = (lifecycle(model, day) for model in dict.fromkeys(models))
    return [lifecycle.message for lifecycle in found if lifecycle is not None]


def _end(row: ModelFacts | None, route: Route | None, day: str) -> Iterator[str]:
    if row is None or row.ends is None:
        if row and row.stage == "deprecated":
            yield "deprecated, its end is not known"
            if row.replacement and not route:
                yield f"its replacement is {row.replacement}"
        if route:
            yield f"{route.to} answers for it since {route.since}"
    elif day < row.ends:
        mark = "deprecated, " if row.stage == "deprecated" else ""
        yield f"{mark}ends {row.ends}" + (f", from then on {route.to} answers for it" if route else "")
    elif route and (route.until is None or day < route.until):
        yield f"retired {row.ends}, since then {route.to} answers for it"
    else:
        yield f"shut down {row.ends}" + (f"; {route.to} answered for it until {route.until}" if route else "")


def ends_by(model: str, day: date) -> bool:
    """Whether the model is known to have ended by that day."""
    found = lifecycle(model, day)
    return found is not None and found.ends is not None and found.ends <= day.isoformat()
