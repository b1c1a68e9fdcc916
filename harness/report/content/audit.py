"""An audit: findings by rule, unreadable files, and a summary."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.report import words
from harness.text import amounts

if TYPE_CHECKING:
    from harness.judge.audit import Audit

RULE_HEADER = ["rule", "severity", "findings"]


def rule_rows(audit: Audit) -> list[list[str]]:
    """A row per violated rule, the most frequent first."""
    counts = Counter((finding.rule, finding.severity) for finding in audit.findings)
    return [[rule, severity, f"{number:,}"] for (rule, severity), number in counts.most_common()]


def unreadable(audit: Audit) -> list[tuple[str, list[str]]]:
    """(message, files) for each reason, the most frequent first."""
    by_reason: dict[str, list[str]] = {}
    for file, reason in audit.unreadable.items():
        by_reason.setdefault(reason, []).append(file)
    found = [
        (f"unreadable: {amounts.count(len(files), 'file')}: {words.shortened(reason, 300)}", files)
        for reason, files in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    ]
    parts = [f"{file} {where}: {words.shortened(reason, 300)}" for file, where, reason in audit.unread]
    return (
        [*found, (f"unreadable: {amounts.count(len(parts), 'part')} of files that are read otherwise", parts)]
        if parts
        else found
    )


def formats(audit: Audit) -> str:
    """How many native exchanges were read from how many files, by format; what was passed over."""
    read = ", ".join(
        f"{name} {found:,} in {amounts.count(files, 'file')}"
        for name, (files, found) in sorted(audit.formats.items(), key=lambda item: -item[1][1])
    )
    lines = [f"read: {read}"] if read else []
    if audit.unanswered:
        har = "; HAR keeps answers only if it is exported with content" if "HAR" in audit.formats else ""
        lines.append(f"without an answer, not judged: {amounts.count(audit.unanswered, 'request')}{har}")
    if audit.passed_over:
        kinds = ", ".join(f"{suffix or 'no suffix'} {number:,}" for suffix, number in audit.passed_over.items())
        lines.append(f"no recordings, passed over: {amounts.count(sum(audit.passed_over.values()), 'file')} ({kinds})")
    return "; ".join(lines)


def _judged(audit: Audit) -> str:
    native = f"{len(audit.exchanges) - audit.compatible:,} native"
    return f"{native} and {audit.compatible:,} compatible" if audit.compatible else native


def audit_summary(audit: Audit) -> str:
    """How many files and interactions were checked, and how many findings there are, in a line."""
    parts = [
        amounts.count(audit.files, "file"),
        amounts.count(len(audit.unreadable), "unreadable file"),
        f"{_judged(audit)} of {amounts.count(audit.interactions, 'interaction')}",
        amounts.count(len(audit.errors), "error"),
        amounts.count(len(audit.findings) - len(audit.errors), "warning"),
    ]
    if audit.normalised:
        parts.append(
            f"{amounts.count(len(audit.normalised), 'file')} normalised by another tool: rules about bytes are not checked there"
        )
    return "; ".join(parts)
