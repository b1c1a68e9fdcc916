"""HTML pages: one self-contained file for a whole run, which works offline and loads nothing.

In: a document. Out: a page. Foreign text is escaped; the content security policy allows only the page's own style and script.
May import: ``report`` and its content, ``compare``, ``results``, ``suite``, ``answer``, ``gemini``, ``text``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TextIO

from harness.compare.candidates import Comparisons
from harness.compare.comparison import Comparison
from harness.report import Report, View, output, words
from harness.report.html import comparison as comparisons
from harness.report.html import flip_trials, history, run_sections, trials
from harness.report.html.markup import Markup, block
from harness.report.html.page import page

if TYPE_CHECKING:
    from harness.compare.migration import Migration
    from harness.results.history_lines import History


@output("html", of="run")
def run_html(report: Report, view: View, out: TextIO) -> None:
    """One self-contained page: matrix, plots, and all requests and responses of each trial."""
    write_run(report, view, out)


def write_run(report: Report, view: View, out: TextIO, home: str | None = None) -> None:
    """``home``: the address of the list of runs, where there is one."""
    sections = dict(run_sections.sections(report, view))
    parts = [
        run_sections.simulated_note(report.summary),
        run_sections.related_pages(report, home) if home else None,
        *(run_sections.section(name, inside) for name, inside in sections.items()),
    ]
    data = chain(
        [block(trials.facts(report.summary, report.run), id="facts")], trials.blocks(report.rows(), report.summary)
    )
    name = f"run {report.run['id']}"
    title = f"{words.totals(report.summary.totals())} - {name}"
    out.writelines(page(title, parts, what=name, links=list(sections), home=home, data=data))


@output("html", of="comparison")
def comparison_html(comparison: Comparison, view: View, out: TextIO) -> None:
    """One self-contained page: flips, differences, cells side by side."""
    write_comparison(comparison, view, out)


def write_comparison(
    comparison: Comparison, _view: View, out: TextIO, home: str | None = None, ahead: Mapping[str, Markup] | None = None
) -> None:
    """``home``: the address of the list of runs, where there is one. ``ahead``: sections to show before the comparison's."""
    comparison = flip_trials.with_answers(comparison)
    before = ahead or {}
    data_of_trials = flip_trials.read([comparison])
    links = (*before, *comparisons.LINKS, *(["trials"] if data_of_trials.numbers else []))
    parts = [
        comparisons.simulated_note(comparison),
        *(run_sections.section(name, inside) for name, inside in before.items()),
        *comparisons.sections(comparison, data_of_trials.numbers, home),
    ]
    title = f"{comparison.candidate} against {comparison.reference}"
    out.writelines(page(title, parts, links=links, home=home, data=data_of_trials.blocks()))


@output("html", of="comparisons")
def comparisons_html(document: Comparisons, _view: View, out: TextIO) -> None:
    """One self-contained page: the verdicts on every candidate, flips, and their requests and responses."""
    document = replace(
        document, comparisons=[flip_trials.with_answers(comparison) for comparison in document.comparisons]
    )
    data_of_trials = flip_trials.read(document.comparisons)
    title = f"{len(document.comparisons)} candidates against {document.reference}"
    links = [
        "candidates",
        *(comparison.candidate for comparison in document.comparisons),
        *(["trials"] if data_of_trials.numbers else []),
    ]
    parts = [
        comparisons.simulated_note(*document.comparisons),
        *comparisons.candidate_sections(document, data_of_trials),
    ]
    out.writelines(page(title, parts, links=links, data=data_of_trials.blocks()))


@output("html", of="history")
def history_html(document: History, view: View, out: TextIO) -> None:
    """One self-contained page: lines over time, and the tables under them."""
    write_history(document, view, out)


def write_history(document: History, _view: View, out: TextIO, home: str | None = None) -> None:
    """``home``: the address of the list of runs, where there is one."""
    out.writelines(page("history", history.sections(document, home), home=home))


@output("html", of="migration")
def migration_html(document: Migration, view: View, out: TextIO) -> None:
    """One self-contained page: whether to switch, what changes, and the comparison."""
    write_comparison(document.comparison, view, out, ahead={"migration": comparisons.migration_section(document)})
