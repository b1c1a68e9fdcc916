"""The page of a comparison: differences, flips, and the cells of both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.compare.candidates import Comparisons
from harness.compare.comparison import ANSWER, Comparison, Flip
from harness.compare.pairs import Pair
from harness.model import Json
from harness.report import words
from harness.report.content.comparison import READING, correction_note, overview
from harness.report.content.migration import bottom_line
from harness.report.html import flip_trials
from harness.report.html.markup import Markup, columns, element, table
from harness.report.html.run_sections import NO_SCRIPT, section, simulated_band
from harness.results.groups import Group
from harness.text import amounts

if TYPE_CHECKING:
    from harness.compare.migration import Migration

LINKS = ("summary", "differences", "flips", "cells")
CELLS = 5_000
"""The most cells in the table."""
OPEN = 20
"""How many flips are shown; further ones are folded."""
_SHOWN = ("thoughtsTokenCount", "totalTokenCount", "latency_s")

Object = Mapping[str, Any]


def sections(comparison: Comparison, numbers: flip_trials.Numbers, home: str | None) -> Iterator[Markup]:
    """``numbers``: the numbers of the trials in the script's data; ``home``: the address of the list of runs, if served."""
    document = {name: value for name, value in comparison.fields() if name not in ("cells", "flips")}
    yield _summary(document, comparison)
    yield section("differences", _differences(document["verdicts"]))
    yield section("flips", _flips(comparison, numbers, home))
    yield section("cells", _cells(comparison.pairs))
    if numbers:
        yield _trials("Both sides of the flips.")


def _trials(about: str) -> Markup:
    return section("trials", element("p", about, class_="about"), NO_SCRIPT, element("div", id="list"))


def candidate_sections(document: Comparisons, data: flip_trials.SidesData) -> Iterator[Markup]:
    """All candidates in a table, then a section for each with its differences and flips, then the trials of the flips."""
    names, rows = overview(document)
    listed = [
        element("tr", element("th", name, scope="row"), *(element("td", cell, class_="n") for cell in cells))
        for name, *cells in rows
    ]
    verdicts = table("verdicts on each candidate", [columns(names, 1)], listed, class_="candidates")
    introduction = (element("p", text, class_="about") for text in (correction_note(document), READING))
    yield section("candidates", *introduction, verdicts, _listed(document.notes))
    for place, comparison in enumerate(document.comparisons):
        found = _differences([verdict.to_json() for verdict in comparison.differences])
        whole = element("p", "All cells: ", element("code", f"{comparison.command} --format html:FILE"), class_="about")
        yield section(
            comparison.candidate,
            element("p", element("b", str(comparison.conclusion))),
            _listed([str(broken) for broken in comparison.breaks]),
            element("ul", *(_gate(gate.to_json()) for gate in comparison.gates), class_="notes")
            if comparison.gates
            else None,
            _listed(comparison.notes),
            element("h3", "differences"),
            found,
            element("h3", f"flips of {comparison.candidate}"),
            _flips(comparison, data.of(place), None),
            whole,
        )
    if data.numbers:
        yield _trials("The reference and the candidates, where they flip.")


def _listed(notes: Sequence[str]) -> Markup | None:
    return element("ul", *(element("li", note) for note in notes), class_="notes") if notes else None


def simulated_note(*compared: Comparison) -> Markup | None:
    """The band over comparisons with simulated answers; None where there are none."""
    simulated_sides = [made for comparison in compared for side in comparison.provenance for _, _, made in side]
    if not any(simulated_sides):
        return None
    real = not all(simulated_sides)
    return simulated_band("Some of these answers were" if real else "These answers were")


def migration_section(document: Migration) -> Markup:
    """The section of a migration: whether to switch, what changes, which cells the new model did not play."""
    verdict, others = bottom_line(document)
    refused = [element("li", f"{cell}: {why}") for cell, why in document.unsupported]
    return element(
        "div",
        element("p", element("b", verdict)),
        element("ul", *(element("li", reason) for reason in others), class_="notes") if others else None,
        element("h3", "what changes"),
        element("ul", *(element("li", change) for change in document.changes), class_="notes"),
        element("h3", f"what {document.comparison.candidate} was not asked") if refused else None,
        element("ul", *refused, class_="notes") if refused else None,
    )


def _summary(document: Object, comparison: Comparison) -> Markup:
    paired, cells, flips = (len(part) for part in (comparison.paired, comparison.pairs, comparison.flips))
    facts = {
        **{side: _side(document, side) for side in _SIDES},
        "paired": f"{amounts.count(paired, 'cell')} of {cells:,}; {amounts.count(flips, 'flip')}",
    }
    listed = (part for name, text in facts.items() for part in (element("dt", name), element("dd", text)))
    gates = [_gate(gate) for gate in document["gates"]]
    return section(
        "summary",
        element("p", element("b", str(comparison.conclusion))),
        _listed([str(broken) for broken in comparison.breaks]),
        element("dl", *listed, class_="facts"),
        element("ul", *gates, class_="notes") if gates else None,
        _listed(document["notes"]),
    )


def _side(document: Object, side: str) -> str:
    provenance = document["provenance"][side]
    sources = [f"{source['recorded_from']}{' (SIMULATED)' if source['simulated'] else ''}" for source in provenance]
    return f"{document[side]}; answers of {', '.join(sources)}" if sources else f"{document[side]}"


def _gate(gate: Object) -> Markup:
    marks = {True: ("crossed", "failed"), False: ("kept", "passed"), None: ("cannot tell", "xfailed")}
    mark, kind = marks[gate["crossed"]] if gate["asked"] else ("not asked", "skipped")
    suite = f" ({gate['suite']})" if gate["suite"] else ""
    return element("li", element("b", mark, class_=f"mark {kind}"), f" {gate['gate']}{suite}: {gate['message']}")


def _flips(comparison: Comparison, numbers: flip_trials.Numbers, home: str | None) -> Markup:
    flips = comparison.flips
    if not flips:
        return element("p", "no check judges the two sides differently", class_="about")
    listed = [_flip(flip, comparison.runs, numbers, home) for flip in flips[: flip_trials.SHOWN]]
    more = len(flips) - len(listed)
    message = f"and {more:,} more (the worst are above): {comparison.command} --format json has all of them"
    rest = element("p", message, class_="about") if more else None
    folded = element("summary", f"{len(flips) - OPEN:,} more")
    return element(
        "div",
        element("ol", *listed[:OPEN], class_="failures flips"),
        element("details", folded, element("ol", *listed[OPEN:], class_="failures flips"), rest)
        if listed[OPEN:]
        else None,
    )


def _flip(flip: Flip, runs: tuple[str | None, str | None], numbers: flip_trials.Numbers, home: str | None) -> Markup:
    head = element(
        "p",
        element("b", flip.check),
        " ",
        element("span", flip.before, class_=f"mark {_kind(flip.before)}"),
        " to ",
        element("span", flip.after, class_=f"mark {_kind(flip.after)}"),
        element("small", element("code", flip.id)),
    )
    answers = [
        element(
            "div",
            element("small", name, *_links(flip.trials[side], (side, runs[side]), numbers, home)),
            _answer(flip.answers[side]),
        )
        for side, name in enumerate(_SIDES)
        if flip.trials[side] is not None
    ]
    why = words.shortened(words.reason(flip.trouble), 600) if flip.trouble and flip.after != "passed" else None
    return element(
        "li",
        head,
        element("p", why, class_="about") if why else None,
        element("div", *answers, class_="pair") if answers else None,
    )


def _answer(text: str | None) -> Markup | None:
    cut = "..." if text is not None and len(text) >= ANSWER else ""
    return None if text is None else element("pre", text + cut, dir="auto", class_="prose")


def _links(
    trial: str | None, where: tuple[int, str | None], numbers: flip_trials.Numbers, home: str | None
) -> Iterator[Markup]:
    """Links to the trial in this page, and, if the page is served, in the page of its run."""
    side, run = where
    number = numbers.get((side, trial or ""))
    if number is not None:
        yield element(
            "button", f"#{(trial or '').rpartition('#')[2]}, all of it", type="button", data_trial=number, class_="link"
        )
    if home and run and trial:
        yield element("a", "in its run", href=f"{home}run/{quote(run)}#trial={quote(trial)}")


def _kind(state: str) -> str:
    return "none" if state == "not judged" else state


_COLUMNS = ("measure", "suite", "verdict", "scope", "reference", "candidate", "difference", "interval", "p", "pairs")


def _differences(verdicts: Sequence[Object]) -> Markup:
    if not verdicts:
        return element("p", "no measure that both sides have", class_="about")
    rows = []
    for verdict in verdicts:
        rows.append(element("tr", *(_difference(verdict, name) for name in _COLUMNS)))
        if verdict.get("message"):
            message = element("td", element("span", verdict["message"]), colspan=len(_COLUMNS))
            rows.append(element("tr", message, class_="message"))
    return table("verdicts on measures", [columns(_COLUMNS, 4)], rows, class_="differences")


def _column_text(verdict: Object, column: str) -> str:
    measure = verdict["measure"]
    value: Json = verdict.get("estimate" if column == "difference" else column)
    if value is None:
        return ""
    if column in ("reference", "candidate") and isinstance(value, int | float):
        return words.measured(measure, value)
    if column == "difference" and isinstance(value, int | float):
        return _signed(measure, value)
    if column == "interval" and isinstance(value, list | tuple) and all(isinstance(end, int | float) for end in value):
        return " to ".join(_signed(measure, end) for end in value)
    if column == "measure":
        return words.label(measure)
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _signed(measure: str, value: float) -> str:
    text = f"{value * 100:.1f} pp" if measure == "pass_rate" else words.measured(measure, value)
    return f"+{text}" if value > 0 else text


def _difference(verdict: Object, column: str) -> Markup:
    text = _column_text(verdict, column) or ("all suites" if column == "suite" else "-")
    if column == "verdict":
        return element("td", text, class_=f"verdict {text.replace(' ', '-')}")
    if column == "measure":
        return element("th", text, scope="row")
    return element("td", text, class_=None if column in ("suite", "scope") else "n")


def _cells(pairs: Sequence[Pair]) -> Markup:
    shown, part = _part(pairs)
    measures = [
        measure
        for measure in _SHOWN
        if any(_typical(side, measure) is not None for pair in shown for side in _both(pair))
    ]
    header = ["cell", "reference", "candidate"]
    header += [f"{words.label(measure)} {side}" for measure in measures for side in ("ref.", "cand.")]
    tools = element(
        "p",
        filtering("cells"),
        element("label", element("input", type="checkbox", id="differing"), " only where the verdict differs"),
        class_="tools",
    )
    rows = [_cell(pair, measures) for pair in shown]
    listed = table("cells on both sides", [columns(header, 3)], rows, id="cells-table")
    return element("div", element("p", part, class_="about") if part else None, tools, listed)


def _part(pairs: Sequence[Pair]) -> tuple[Sequence[Pair], str]:
    """(the cells that the page shows, a note where some are left out). Cells whose verdicts differ are kept first."""
    if len(pairs) <= CELLS:
        return pairs, ""
    differing = [pair for pair in pairs if _differs(pair)]
    first = chain(differing, (pair for pair in pairs if not _differs(pair)))
    differ = len(differing)
    kept = f"all {differ:,} whose" if differ <= CELLS else f"of the {differ:,} whose"
    return list(islice(first, CELLS)), (
        f"{CELLS:,} of {len(pairs):,} cells: first {kept} verdict differs, then in their order; --format json has all"
    )


def filtering(what: str) -> Markup:
    """The field that filters the table of the page, with a count of the rows that are shown."""
    field = element("input", type="search", id="cells-filter", placeholder="filter  /", aria_label=f"filter {what}")
    return element("span", field, element("output", id="cells-shown"), class_="filtering")


_SIDES = flip_trials.NAMES


def _both(pair: Pair) -> tuple[Group | None, Group | None]:
    return pair.reference, pair.candidate


def _differs(pair: Pair) -> bool:
    reference, candidate = map(_mark, _both(pair))
    return reference != candidate


def _typical(side: Group | None, measure: str) -> float | None:
    return None if side is None else side.typical(measure)


def _cell(pair: Pair, measures: Sequence[str]) -> Markup:
    numbers = (
        element("td", words.measured(measure, _typical(side, measure)), class_="n")
        for measure in measures
        for side in _both(pair)
    )
    marks = (element("td", _mark(side), class_=side.status if side else "none") for side in _both(pair))
    return element("tr", element("th", pair.id, scope="row"), *marks, *numbers, data_differs=_differs(pair))


def _mark(side: Group | None) -> str:
    if side is None:
        return "not there"
    return words.MARKS[side.status] + (f" {side.passed}/{side.attempts}" if side.attempts > 1 else "")
