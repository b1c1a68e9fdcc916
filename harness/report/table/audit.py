"""An audit: findings by file, then by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output, words
from harness.report.content.audit import RULE_HEADER, audit_summary, formats, rule_rows, unreadable
from harness.report.table.drawing import fitted, wrapped, write

if TYPE_CHECKING:
    from harness.judge.audit import Audit, AuditFinding


@output("table", of="audit")
def audit_table(audit: Audit, view: View, out: TextIO) -> None:
    """Findings by file, for a terminal."""
    write(_audit_lines(audit, view), view, out)


def _audit_lines(audit: Audit, view: View) -> Iterator[str]:
    by_place: dict[tuple[str, int], list[AuditFinding]] = {}
    for finding in audit.findings:
        by_place.setdefault((finding.file, finding.index), []).append(finding)
    for (file, index), findings in by_place.items():
        yield f"{file} interaction {index}"
        for finding in findings:
            yield from _finding_lines(finding, view)
        yield ""
    if audit.findings:
        yield from fitted(RULE_HEADER, rule_rows(audit), view)
        yield ""
    yield from _unreadable_lines(audit, view)
    yield from wrapped(formats(audit), view, "") if formats(audit) else ()
    yield audit_summary(audit)


def _finding_lines(finding: AuditFinding, view: View) -> Iterator[str]:
    at = f" at {words.shortened(finding.at, 60)}" if finding.at else ""
    yield f"  {finding.severity} {finding.rule}{at}"
    yield from wrapped(words.shortened(finding.message, 400), view, "    ")


def _unreadable_lines(audit: Audit, view: View) -> Iterator[str]:
    """Names each file only if all details are shown (``-v``), or if there are few."""
    few = view.details is None or len(audit.unreadable) <= view.details
    for message, files in unreadable(audit):
        yield from wrapped(message, view, "")
        if few:
            yield from (f"  {file}" for file in files)
    if audit.unreadable or audit.unread:
        yield "" if few else "(-v names them)\n"
