"""The pages that only the server has: the list of runs, and problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from harness.report import words
from harness.report.html.markup import Markup, element, section, table
from harness.report.html.page import page
from harness.results.rows import EndingRow, RunRow
from harness.results.summary import STATUSES
from harness.text.amounts import some, with_status


@dataclass(frozen=True, slots=True)
class RunListItem:
    """A run in the list. ``ending``: its last line, empty if it has not finished; ``playing``: it still runs; ``problem``: why it
    cannot be read."""

    id: str
    run: RunRow | None = None
    ending: EndingRow = field(default_factory=EndingRow)
    simulated: bool = False
    playing: bool = False
    problem: str = ""


def listing(entries: Sequence[RunListItem], where: str) -> Iterator[str]:
    """The list of all runs, newest first, with a form that sends two of them to ``/compare``."""
    nothing = element("p", f"no run has been saved in {where} yet", class_="about")
    yield from page("runs", [section("runs", _table(entries) if entries else nothing)], what=where, forms=True)


def _table(entries: Sequence[RunListItem]) -> Markup:
    head = ("ref.", "cand.", "run", "verdicts", "started", "took s", "suites", "targets", "mode")
    readable = [entry.id for entry in entries if entry.run]
    chosen = (readable[1:2] or readable)[:1], readable[:1]
    rows = [_row(entry, entry.id in chosen[0], entry.id in chosen[1]) for entry in entries]
    names = element("tr", *(element("th", name, scope="col") for name in head))
    listed = table("saved runs", [names], rows, class_="runs", data_filter="runs")
    button = element("button", "compare", type="submit", class_="go") if readable else None
    note = element("small", " twice the same run: its targets, or what its suites compare") if readable else None
    over_time = element("a", "history", href="/history")
    tools = element("p", button, note, over_time, class_="tools sticky")
    return element("form", tools, listed, action="/compare", method="get")


def _row(entry: RunListItem, base: bool, candidate: bool) -> Markup:
    run = entry.run
    if run is None:
        return element(
            "tr",
            element("td"),
            element("td"),
            element("th", entry.id, scope="row"),
            element("td", entry.problem, colspan=6, class_="error"),
        )
    return element(
        "tr",
        *(
            element(
                "td",
                element("input", type="radio", name=name, value=entry.id, checked=on, aria_label=f"{name} {entry.id}"),
            )
            for name, on in (("base", base), ("candidate", candidate))
        ),
        element("th", element("a", element("code", entry.id), href=f"/run/{quote(entry.id)}"), scope="row"),
        element("td", *_verdicts(entry)),
        element("td", run["started"][:16].replace("T", " ")),
        element("td", words.measured("latency_s", entry.ending.get("seconds")), class_="n"),
        element("td", some([suite["suite"] for suite in run["suites"]]), class_="names"),
        element("td", some(run["targets"]), class_="names"),
        element("td", run["record_mode"]),
    )


def _verdicts(entry: RunListItem) -> Iterator[Markup | str]:
    if "totals" not in entry.ending:
        yield element("span", "still being played" if entry.playing else "unfinished", class_="xfailed")
    if entry.ending.get("interrupted"):
        yield element("span", "interrupted ", class_="xfailed")
    for status in STATUSES:
        if number := entry.ending.get("totals", {}).get(status):
            yield element("span", f"{with_status(number, status)} ", class_=status)
    if entry.run and (stopped := words.gate_counts(entry.run.get("gates", ()))):
        yield element("span", f"{stopped.removeprefix(', ')} ", class_="failed")
    if entry.simulated:
        yield element("span", "SIMULATED", class_="sim")
    if entry.run and entry.run.get("migration"):
        yield element("small", " migration")


def problem(message: str) -> Iterator[str]:
    """The page of an error, with the message of the command line."""
    yield from page("cannot show that", [section("what is wrong", element("pre", words.printable(message)))], home="/")
