"""The suite as a whole: ids that are taken, rows of the matrix that mean nothing, a comparison of nothing, likely slips."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from harness.judge.registry import names_like
from harness.model import Json, Place
from harness.suite import language, template
from harness.suite.axes import OUTSIDE, Axis
from harness.suite.cases import Case, Suite
from harness.suite.template import Template
from harness.suite.validate.case import combinations_of, unmatched
from harness.suite.validate.diagnostics import Diagnostics
from harness.text.jsontext import is_number
from harness.text.shape import nearest
from harness.text.yamltext import Path as Route


def unique(suite: Suite, diagnostics: Diagnostics) -> None:
    """Complains about ids that are taken, over all rows."""
    seen: dict[str, Place] = {}
    for case in suite.cases:
        for number, row in enumerate(case.rows, 1):
            try:
                name = case.named(row)
            except template.Undefined:
                break
            if name in seen:
                _twice(case, number, name, seen[name], diagnostics)
                break
            seen[name] = case.place


def _twice(case: Case, number: int, name: str, first: Place, diagnostics: Diagnostics) -> None:
    hint = ""
    if first == case.place and not case.rows[number - 1]:
        message = f'the case "{name}" is in the list again, through an alias (*): each case has an id of its own'
    elif first == case.place:
        column = next(iter(case.rows[0]), "column")
        message = f'{template.row_label(case.rows[number - 1], number)} has the id "{name}" again'
        hint = "" if isinstance(case.id, Template) else f"write the row into the id: {name}-${{row.{column}}}"
    else:
        message = f'the id "{name}" is taken; the first is in line {first.line}'
    diagnostics.complain(("cases", case.index, "id"), message, hint)


def matrix(suite: Suite, diagnostics: Diagnostics) -> None:
    """Complains about ``skip`` rows, values and globs that match nothing, and about cases that have nothing left."""
    skips = suite.skips
    combinations = [pair for case in suite.cases if skips and not case.axes_by_row for pair in combinations_of(case)]
    for choice in skips:
        unmatched(choice, combinations, "this skip row matches nothing in the matrix", diagnostics)
    for axis in {id(axis): axis for case in suite.cases for axis in case.axes.values()}.values():
        _sweep(axis, diagnostics)
    _left(suite, diagnostics)


def _sweep(axis: Axis, diagnostics: Diagnostics) -> None:
    if axis.values == {} and axis.name != "thinking":
        diagnostics.add(axis.place, f"{axis.name} has no values")
    lists = list(axis.values.values()) if axis.per_model else [axis.values]
    for values in lists:
        if isinstance(values, list | tuple):
            if not values and not diagnostics.complained(axis.place):
                diagnostics.add(axis.place, f"{axis.name} has no values")
            shown = [str(value).lower() for value in values]
            twice = next((value for value in shown if shown.count(value) > 1), None)
            if twice is not None:
                diagnostics.add(axis.place, f"{axis.name} has the value {twice} twice")


def _left(suite: Suite, diagnostics: Diagnostics) -> None:
    """A case that has nothing left to play."""
    for case in suite.cases:
        swept = [name for name, axis in case.axes.items() if axis.swept and name not in ("model", "provider", *OUTSIDE)]
        if not swept or case.axes_by_row:
            continue
        combinations = list(combinations_of(case))
        if combinations and all(pair.refused(case) for pair in combinations):
            diagnostics.add(
                case.place,
                f"nothing is left of this case: no model of it takes any of its {' and '.join(swept)} values",
            )


def compare(suite: Suite, diagnostics: Diagnostics) -> None:
    """Complains about a comparison by an axis, with a baseline or of checks that are not there."""
    compare = diagnostics.tree.get("compare")
    if not isinstance(compare, Mapping):
        return
    by = compare.get("by")
    if by is not None:
        _baseline(suite, str(by), compare.get("baseline"), diagnostics)
    _hard(suite, compare.get("gate", {}).get("hard", ()), diagnostics)


def _hard(suite: Suite, names: Json, diagnostics: Diagnostics) -> None:
    at = ("compare", "gate", "hard")
    checks = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    unknown = {name: known for name in checks if name not in (known := names_like(name))}
    for name, known in unknown.items():
        diagnostics.complain((*at, checks.index(name)), f'there is no check "{name}"', nearest(name, known))
    expected = {line.check for case in suite.cases for turn in case.turns for line in turn.expect}
    invariants = any(name.startswith("invariant:") for name in checks)
    if checks and suite.cases and not (unknown or invariants or expected.intersection(checks)):
        diagnostics.complain(at, f"no case of this suite expects {' or '.join(checks)}, so this gate can never tell")


def _baseline(suite: Suite, by: str, baseline: Json, diagnostics: Diagnostics) -> None:
    axes = {*language.AXES, *language.BODY_AXES, *(name for case in suite.cases for name in case.axes)}
    if by not in axes:
        diagnostics.complain(("compare", "by"), f'there is no axis "{by}"', nearest(by, sorted(axes)))
        return
    known: dict[str, None] = {}
    for case in suite.cases:
        if by in case.axes and not case.axes_by_row:
            axis = case.axes[by]
            for entry in axis.values.values() if axis.per_model else [axis.names or axis.values]:
                known.update(dict.fromkeys(map(str, entry if isinstance(entry, list | tuple) else [entry])))
    if baseline is not None and known and str(baseline) not in known:
        diagnostics.complain(
            ("compare", "baseline"), f"{baseline} is no value of {by} in this suite", nearest(str(baseline), known)
        )
    elif not known and suite.cases:
        diagnostics.complain(("compare", "by"), f"no case of this suite says {by}:, so there is nothing to compare")


def slips(diagnostics: Diagnostics) -> None:
    """A note at each value that is allowed and hardly ever meant: another unit, or the notation of another tool."""
    document = diagnostics.document
    for route, value in _scalars(document.value, ()):
        above, key = ("", "", *route)[-2:]
        is_asked = not {above, key}.isdisjoint(("prompt", "system", "user"))
        place = document.place(route) if isinstance(value, str) and _IN_QUOTES.fullmatch(value) else None
        if place and document.lines[place.line - 1].startswith(str(value)[0], place.column - 1):  # no quotes of YAML
            diagnostics.note(place, f"YAML knows only the quotes \" and '; {value} is a text with its own")
        elif key == "max" and above in ("latency", "ttft", "gap", "duration") and is_number(value) and value >= 300:
            diagnostics.note(document.place(route), f"{value} are seconds; write {value}ms if milliseconds are meant")
        elif key == "matches" and (found := re.fullmatch(r"/(.+)/([gimsuy]*)", str(value))):
            expression = json.dumps("(?i)" * ("i" in found[2]) + found[1], ensure_ascii=False)
            diagnostics.note(document.place(route), f"an expression stands without slashes: {expression}")
        elif (found := _UNFILLED.search(str(value))) and (found[1] or (is_asked and "${" not in value)):
            named = f"${{{found[1] or f'row.{found[2]}'}}}"
            message = f"{found[0]} is sent as it stands; a placeholder is written {named}"
            diagnostics.note(document.place(route), message)


_UNFILLED = re.compile(r"(?<!\$)(?:\{|\$)((?:row|axis|var|capture)\.\w+)\}?|\{\{ ?(\w+) ?\}\}")
"""Placeholders without their dollar sign or their brace, and those of other tools, which are lawful elsewhere than in a prompt."""
_IN_QUOTES = re.compile("[“„‘«].*[”“’»]", re.DOTALL)  # noqa: RUF001


def _scalars(value: Json, route: Route) -> Iterator[tuple[Route, Json]]:
    if isinstance(value, Mapping | list):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            if key not in ("request", "schema", "jsonSchema", "vars"):
                yield from _scalars(item, (*route, key))
    else:
        yield route, value
