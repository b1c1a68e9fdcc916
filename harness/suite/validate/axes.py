"""The axes of a suite: can they be called that, what do their values refer to, do two of them set the same part of the body."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.gemini.models import catalogue
from harness.suite import language, template
from harness.suite.axes import OUTSIDE, Axis, selected_models
from harness.suite.body import SHORT_FORMS
from harness.suite.cases import Case
from harness.suite.validate.diagnostics import Diagnostics, Table
from harness.text.shape import nearest
from harness.text.yamltext import Path as Route

_WORD = r"[\w-]+"
_PATH = r"request(\.[^.\s]+)+"


def names(table: Table, route: Route, diagnostics: Diagnostics) -> None:
    """Complains about free names and paths of the body that cannot be axes, in a case, the matrix or the defaults."""

    def complain(at: Route, message: str, hint: str = "") -> None:
        diagnostics.complain(at, message, hint, key=True)
        diagnostics.wrong.add(at)

    free = table.get("axes")
    for name in free if isinstance(free, Mapping) else {}:
        at: Route = (*route, "axes", name)
        if name in (*language.AXES, *language.BODY_AXES):
            complain(at, f"{name} is an axis by itself: write {name}: beside axes:, not in it")
        elif not re.fullmatch(_WORD, name):
            complain(at, "the name of an axis is one word of letters, digits, _ and -")
    model = table.get("model")
    if isinstance(model, Mapping) and not selected_models(model):
        hint = nearest(str(model["feature"]), catalogue().features) if isinstance(model.get("feature"), str) else ""
        diagnostics.complain((*route, "model"), "no current model of the catalogue is like this", hint)
    for key in (key for key in table if key.startswith("request.")):
        if not re.fullmatch(_PATH, key):
            complain((*route, key), "expected a path such as request.generationConfig.topK")
        elif key.split(".")[1] == "contents":
            complain((*route, key), "contents cannot be an axis", "write prompt: or turns:")


def values(case: Case, diagnostics: Diagnostics) -> None:
    """Complains about values that refer to what they cannot refer to, and about two axes for one part of the body."""
    for axis in case.axes.values():
        for _, reference in template.references(axis.values):
            if reference.scope != "row" and axis.typed:
                diagnostics.add(axis.place, f"{reference} cannot stand here: only rows fill in values of {axis.name}")
            elif reference.scope == "axis" and _refers_to_axes(case.axes.get(reference.name)):
                diagnostics.add(axis.place, f"{reference} cannot stand here: its own values refer to an axis")
    seen: dict[str, str] = {}
    for name, path in ((name, _path(name)) for name in case.axes):
        if path and path in seen:
            message = f"{seen[path]} and {name} both set {path}; keep one"
            diagnostics.add(case.axes[name].place, message)
        seen[path] = name


def _refers_to_axes(axis: Axis | None) -> bool:
    return axis is not None and any(reference.scope == "axis" for _, reference in template.references(axis.values))


_PATHS = {
    **{name: f"generationConfig.{name}" for name in language.AXES},
    **dict.fromkeys(("model", "provider", *OUTSIDE), ""),
    "thinking": "generationConfig.thinkingConfig",
    **{name: ".".join(path) for name, path in SHORT_FORMS.items()},
}


def _path(name: str) -> str:
    """The part of the body that an axis sets; empty for axes that set none."""
    return name.removeprefix("request.") if name.startswith("request.") else _PATHS.get(name, "")
