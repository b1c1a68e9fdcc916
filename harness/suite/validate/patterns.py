"""Globs of models that nothing reads: keys of values per model, targets of ``xfail``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from harness.gemini.models import catalogue, facts
from harness.suite import language, template
from harness.suite.axes import THINKING_KEYS, Axis, axis_matches
from harness.suite.cases import Case, Suite
from harness.suite.matrix import axis_for
from harness.suite.validate.diagnostics import Diagnostics, Table
from harness.text.grouping import grouped
from harness.text.shape import closest, nearest
from harness.text.yamltext import Path as Route


def unread(suite: Suite, diagnostics: Diagnostics) -> None:
    """Complains about every glob that matches no model which its cases can be asked with."""
    cases = [case for case, _ in suite.distinct]
    axes, users = dict[Route, Axis](), dict[Route, list[Case]]()
    for case in cases:
        for axis in case.axes.values():
            at: Route = ("cases", case.index) if axis.source == "case" else (axis.source,)
            axes.setdefault((*at, axis.name), axis)
            users.setdefault((*at, axis.name), []).append(case)
    sources: tuple[Literal["defaults", "matrix"], ...] = ("defaults", "matrix")
    for source in sources:  # those included that every case replaces
        for name, values in diagnostics.tree.get(source, {}).items():
            if name in language.AXES:
                axes.setdefault((source, name), Axis(name, values, source, diagnostics.document.place((source, name))))
    for route, axis in axes.items():
        _keys(route, axis, users.get(route, cases), diagnostics)
    expected = [case for case in cases if case.xfail and case.xfail.targets]
    for route, takers in grouped(expected, lambda case: _xfail(case.index, diagnostics.tree)).items():
        _targets(route, takers, diagnostics)


def _xfail(index: int, root: Table) -> Route:
    if "xfail" in root["cases"][index]:
        return ("cases", index, "xfail")
    return ("defaults", "xfail") if "xfail" in root.get("defaults", {}) else ("xfail",)


def _asked(cases: Sequence[Case]) -> set[str]:
    """The models that the suite itself asks in these cases."""
    axes = [axis for case in cases if "model" in case.axes for axis in _by_row(case, case.axes["model"])]
    return {str(model) for axis in axes for model in axis.for_model("")}


def _by_row(case: Case, axis: Axis) -> Iterator[Axis]:
    """The axis; where it waits for rows, what each row that has all of it makes of it."""
    for row in case.rows if template.has_references(axis.values) else ({},):
        try:
            yield axis_for(axis, row)
        except template.Undefined:
            continue


def _keys(route: Route, axis: Axis, cases: Sequence[Case], diagnostics: Diagnostics) -> None:
    from_rows = template.has_references(axis.values)
    asked = _asked(cases)
    closed = bool(asked) and (
        route[0] == "matrix" or all("model" in case.axes and case.axes["model"].pinned for case in cases)
    )
    for filled in (filled for case in cases for filled in _by_row(case, axis) if filled.per_model):
        for glob, message, hint in _unmatched(filled, asked, closed=closed):
            if from_rows:
                diagnostics.complain(route, f"from a row: {message}", hint)
            else:
                diagnostics.complain((*route, glob), message, hint, key=True)


def _unmatched(axis: Axis, asked: set[str], *, closed: bool) -> Iterator[tuple[str, str, str]]:
    """The globs that are never read, why, and a hint. ``closed``: no other model than those that are asked can be."""
    known = asked | {*catalogue().names} | {glob for glob in axis.values if facts(glob)}
    read = {axis.glob(model) for model in known}
    for glob in axis.values:
        alone = replace(axis, values={glob: None})
        if not any(alone.glob(model) for model in (asked if closed else known)):
            message = f'"{glob}" matches no model of this suite{"" if closed else " or the catalogue"}'
            yield glob, message, _meant(axis, glob, asked, closed=closed)
        elif glob not in read:
            first = next(axis.glob(model) for model in sorted(known) if alone.glob(model))
            yield (
                glob,
                f'"{glob}" is never read: the first that matches counts, which is "{first}"',
                "write it before that",
            )


def _meant(axis: Axis, glob: str, asked: set[str], *, closed: bool) -> str:
    """What may have been meant: a key of thinking's long form, a model, or the start of one before a star."""
    long = THINKING_KEYS if axis.name == "thinking" else ()
    glob = next((key for key in long if glob.endswith(f"_{key}")), glob)
    if closed:
        return nearest(glob, [*filter(None, [closest(glob, long)]), *sorted(asked)])
    names = [*sorted(asked), *sorted(catalogue().names)]
    if glob.endswith("*"):
        names = [f"{name[: part.end()]}*" for name in names for part in re.finditer(r"[^-.]+", name)]
    return nearest(glob, dict.fromkeys([*long, *names])) or nearest(glob, sorted(asked))


def _targets(route: Route, cases: Sequence[Case], diagnostics: Diagnostics) -> None:
    """Those of one case must match a model of it; those that several share, at least one of the catalogue."""
    asked = _asked(cases)
    models = asked if route[0] == "cases" else asked | {*catalogue().names}
    wanted = cases[0].xfail
    for number, glob in enumerate(wanted.targets if wanted and asked else ()):
        if not any(axis_matches("model", glob.rpartition("/")[2], model) for model in models):
            whose = "case" if route[0] == "cases" else "suite or the catalogue"
            message = f'"{glob}" matches no model of this {whose}'
            diagnostics.complain((*route, "targets", number), message, nearest(glob, sorted(asked)))
