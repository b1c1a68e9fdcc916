"""For spreadsheets: a line per trial."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from typing import TextIO

from harness.model import Json
from harness.report import Report, View, output, words
from harness.results.groups import failed_verdicts
from harness.results.history_lines import History, HistoryEntry, QueryResult
from harness.results.rows import Row
from harness.suite.axes import short_label

_FIRST = ("id", "suite", "case", "target", "axes", "attempt", "status")
_LAST = ("failed", "reason", "message", "mode", "recorded_from", "simulated", "recorded_at", "file", "line")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@output("csv", of="run")
def run_csv(report: Report, _view: View, out: TextIO) -> None:
    """A line per trial, for a spreadsheet."""
    measures = list(dict.fromkeys(name for group in report.summary.groups.values() for name in group.measures))
    _write(
        out,
        [*_FIRST, *measures, *_LAST],
        ([*_identity(row), *map(row.measures.get, measures), *_outcome(row)] for row in report.rows()),
    )


def _write(out: TextIO, header: list[str], lines: Iterable[list[Json]]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_no_formula(value) for value in line] for line in lines)


def _no_formula(value: Json) -> Json:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(value, str):
        text = words.printable(value)
        return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
    return value


def _identity(row: Row) -> list[Json]:
    axes = " ".join(f"{name}={short_label(name, value)}" for name, value in row.axes.items())
    return [row.id, row.suite, row.case, row.target, axes, row.attempt, row.status]


def _outcome(row: Row) -> list[Json]:
    wrong = [verdict for verdict in failed_verdicts(row) if verdict.severity == "error"]
    message = row.error.message if row.error else wrong[0].message if wrong else ""
    source = [getattr(row.provenance, name, None) for name in ("mode", "recorded_from", "simulated", "recorded_at")]
    checks = " ".join(dict.fromkeys(verdict.check for verdict in wrong))
    reasons = ", ".join(dict.fromkeys(verdict.reason for verdict in wrong if verdict.reason))
    return [checks, reasons, words.one_line(message, 500), *source, row.place.file, row.place.line]


@output("csv", of="history")
def history_csv(document: History | QueryResult, _view: View, out: TextIO) -> None:
    """A line per run, suite and target, or the result of a query, for a spreadsheet."""
    if isinstance(document, QueryResult):
        _write(out, list(document.columns), map(list, document.rows))
    else:
        _write(out, [field.name for field in fields(HistoryEntry)], map(list, map(astuple, document.lines)))
