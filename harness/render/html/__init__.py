"""For people: one file that holds a whole run, works offline and loads nothing."""

from __future__ import annotations

from typing import TextIO

from harness.compare import Comparison
from harness.render import Report, View, output, words
from harness.render.html import comparison as comparisons
from harness.render.html import overview, trials
from harness.render.html.markup import block, closing, opening


@output("html", of="run")
def run_html(report: Report, view: View, out: TextIO) -> None:
    """One self-contained page: matrix, plots, and everything that was said in each trial."""
    out.writelines(opening(f"{words.totals(report.summary.totals())} - run {report.run['id']}"))
    sections = dict(overview.sections(report, view))
    out.write(overview.heading("gemini-harness", f"run {report.run['id']}", list(sections)))
    out.write("<main>\n")
    out.write(overview.simulated(report.summary) or "")
    out.writelines(overview.section(name, inside) + "\n" for name, inside in sections.items())
    out.write("</main>\n")
    out.write(block(trials.facts(report.summary), id="facts") + "\n")
    out.writelines(f"{each}\n" for each in trials.blocks(report.rows(), report.summary))
    out.write(closing())


@output("html", of="comparison")
def comparison_html(comparison: Comparison, _view: View, out: TextIO) -> None:
    """One self-contained page: flips, differences, cells side by side."""
    out.writelines(opening(f"{comparison.candidate} against {comparison.reference}"))
    out.write(overview.heading("gemini-harness", "comparison", comparisons.LINKS))
    out.write("<main>\n")
    out.writelines(f"{each}\n" for each in comparisons.sections(comparison))
    out.write("</main>\n")
    out.write(closing())
