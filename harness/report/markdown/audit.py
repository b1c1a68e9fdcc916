"""An audit: its rules, then its findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output, words
from harness.report.content.audit import RULE_HEADER, audit_summary, formats, rule_rows, unreadable
from harness.report.markdown.drawing import escaped, table_lines

if TYPE_CHECKING:
    from harness.judge.audit import Audit


@output("markdown", of="audit")
def audit_markdown(audit: Audit, view: View, out: TextIO) -> None:
    """The rules that recordings violate, for a pull request."""
    out.writelines(f"{line}\n" for line in _audit_lines(audit, view))


def _audit_lines(audit: Audit, view: View) -> Iterator[str]:
    yield f"**{escaped(audit_summary(audit))}**"
    yield ""
    if audit.findings:
        yield from table_lines(RULE_HEADER, rule_rows(audit))
        yield ""
        shown = sorted(audit.findings, key=lambda finding: finding.severity != "error")[: view.details]
        rows = [
            [f"{finding.file} interaction {finding.index}", finding.rule, finding.at, _clipped_message(finding.message)]
            for finding in shown
        ]
        yield from table_lines(["where", "rule", "at", "finding"], rows)
        yield ""
        if len(shown) < len(audit.findings):
            yield f"and {len(audit.findings) - len(shown):,} more (errors are above): -v shows all"
            yield ""
    yield from (f"- {escaped(message)}" for message, _ in unreadable(audit))
    if formats(audit):
        yield f"- {escaped(formats(audit))}"


def _clipped_message(text: str) -> str:
    return words.shortened(text, 400)
