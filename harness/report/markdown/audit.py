"""An audit: its rules, then its findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.report import View, output, words
from harness.report.content.audit import RULE_HEADER, looked_at, rule_rows, unreadable
from harness.report.markdown.drawing import drawn, escaped

if TYPE_CHECKING:
    from harness.judge.audit import Audit


@output("markdown", of="audit")
def audit_markdown(audit: Audit, view: View, out: TextIO) -> None:
    """What recordings break, for a pull request."""
    out.writelines(f"{line}\n" for line in _audited(audit, view))


def _audited(audit: Audit, view: View) -> Iterator[str]:
    yield f"**{escaped(looked_at(audit))}**"
    yield ""
    if audit.findings:
        yield from drawn(RULE_HEADER, rule_rows(audit))
        yield ""
        shown = sorted(audit.findings, key=lambda each: each.severity != "error")[: view.details]
        rows = [[f"{each.file} interaction {each.index}", each.rule, each.at, _said(each.message)] for each in shown]
        yield from drawn(["where", "rule", "at", "finding"], rows)
        yield ""
        if len(shown) < len(audit.findings):
            yield f"and {len(audit.findings) - len(shown):,} more (errors are above): -v shows all"
            yield ""
    yield from (f"- {escaped(said)}" for said, _ in unreadable(audit))


def _said(text: str) -> str:
    return words.shortened(text, 400)
