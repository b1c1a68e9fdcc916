"""For people: one file that holds a whole run, works offline and loads nothing.

In: a document. Out: a page; what others wrote is text in it, and its policy allows its own style and script only.
May import: ``report`` and its content, ``compare``, ``results``, ``suite``, ``answer``, ``gemini``, ``text``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from harness.compare.candidates import Comparisons
from harness.compare.comparison import Comparison
from harness.report import Report, View, output, words
from harness.report.html import comparison as comparisons
from harness.report.html import overview, past, sides, sweeping, trials
from harness.report.html.markup import Markup, block, closing, opening

if TYPE_CHECKING:
    from harness.compare.migration import Migration
    from harness.compare.sweeps import Sweeps
    from harness.results.history_lines import History


@output("html", of="run")
def run_html(report: Report, view: View, out: TextIO) -> None:
    """One self-contained page: matrix, plots, and everything that was said in each trial."""
    write_run(report, view, out)


def write_run(report: Report, view: View, out: TextIO, home: str | None = None) -> None:
    """``home``: the address of the list of runs, where there is one."""
    sections = dict(overview.sections(report, view))
    out.writelines(opening(f"{words.totals(report.summary.totals())} - run {report.run['id']}"))
    out.write(overview.heading(f"run {report.run['id']}", list(sections), home) + "\n<main>\n")
    out.write(overview.made_up(report.summary) or "")
    out.write(overview.elsewhere(report, home) if home else "")
    out.writelines(overview.section(name, inside) + "\n" for name, inside in sections.items())
    out.write("</main>\n")
    out.write(block(trials.facts(report.summary, report.run), id="facts") + "\n")
    out.writelines(f"{each}\n" for each in trials.blocks(report.rows(), report.summary))
    out.write(closing())


@output("html", of="comparison")
def comparison_html(comparison: Comparison, view: View, out: TextIO) -> None:
    """One self-contained page: flips, differences, cells side by side."""
    write_comparison(comparison, view, out)


def write_comparison(
    comparison: Comparison, _view: View, out: TextIO, home: str | None = None, ahead: Mapping[str, Markup] | None = None
) -> None:
    """``home``: the address of the list of runs, where there is one. ``ahead``: sections that come before the comparison's."""
    comparison = sides.listed(comparison)
    before = ahead or {}
    said = sides.said([comparison])
    links = (*before, *comparisons.LINKS, *(["trials"] if said.numbers else []))
    parts = [
        comparisons.made_up(comparison),
        *(overview.section(name, inside) for name, inside in before.items()),
        *comparisons.sections(comparison, said.numbers, home),
    ]
    _page(f"{comparison.candidate} against {comparison.reference}", links, parts, out, home, data=said.blocks())


@output("html", of="comparisons")
def comparisons_html(document: Comparisons, _view: View, out: TextIO) -> None:
    """One self-contained page: the verdicts on every candidate, what flipped, and what was said."""
    document = replace(document, each=[sides.listed(each) for each in document.each])
    said = sides.said(document.each)
    title = f"{len(document.each)} candidates against {document.reference}"
    links = ["candidates", *(each.candidate for each in document.each), *(["trials"] if said.numbers else [])]
    parts = [comparisons.made_up(*document.each), *comparisons.several(document, said)]
    _page(title, links, parts, out, data=said.blocks())


@output("html", of="history")
def history_html(document: History, view: View, out: TextIO) -> None:
    """One self-contained page: lines over time, and the tables under them."""
    write_history(document, view, out)


def write_history(document: History, _view: View, out: TextIO, home: str | None = None) -> None:
    """``home``: the address of the list of runs, where there is one."""
    _page("history", (), past.sections(document, home), out, home)


@output("html", of="sweep")
def sweep_html(document: Sweeps, view: View, out: TextIO) -> None:
    """One self-contained page: a table per sweep, and its knee."""
    write_sweep(document, view, out)


def write_sweep(document: Sweeps, _view: View, out: TextIO, home: str | None = None) -> None:
    """``home``: the address of the list of runs, where there is one."""
    _page(f"sweeps of run {document.run}", ("sweeps", "notes"), sweeping.sections(document), out, home)


@output("html", of="migration")
def migration_html(document: Migration, view: View, out: TextIO) -> None:
    """One self-contained page: whether to switch, what changes, and the comparison."""
    write_comparison(document.comparison, view, out, ahead={"migration": comparisons.moved(document)})


def _page(
    title: str,
    links: Sequence[str],
    parts: Iterable[Markup | None],
    out: TextIO,
    home: str | None = None,
    data: Iterable[Markup] = (),
) -> None:
    """``links``: the names of its sections. ``data``: what only the script reads."""
    out.writelines(opening(title))
    out.write(overview.heading(title, links, home) + "\n<main>\n")
    out.writelines(f"{each}\n" for each in parts if each)
    out.write("</main>\n")
    out.writelines(f"{each}\n" for each in data)
    out.write(closing())
