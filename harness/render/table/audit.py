"""An audit: findings by file, then by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from harness.render import View, output, words
from harness.render.table.drawing import fitted, wrapped

if TYPE_CHECKING:
    from harness.audit import Audit, Finding


@output("table", of="audit")
def audit_table(audit: Audit, view: View, out: TextIO) -> None:
    """Findings by file, for a terminal."""
    out.writelines(f"{line}\n" for line in _audited(audit, view))


def _audited(audit: Audit, view: View) -> Iterator[str]:
    by_place: dict[tuple[str, int], list[Finding]] = {}
    for finding in audit.findings:
        by_place.setdefault((finding.file, finding.index), []).append(finding)
    for (file, index), findings in by_place.items():
        yield f"{file} interaction {index}"
        for finding in findings:
            yield from _found(finding, view)
        yield ""
    if audit.findings:
        yield from fitted(["rule", "severity", "findings"], _by_rule(audit), view)
        yield ""
    yield from _unreadable(audit, view)
    yield _audit_ending(audit)


def _found(finding: Finding, view: View) -> Iterator[str]:
    at = f" at {words.shortened(finding.at, 60)}" if finding.at else ""
    yield f"  {finding.severity} {finding.rule}{at}"
    yield from wrapped(words.shortened(finding.message, 400), view, "    ")


def _by_rule(audit: Audit) -> list[list[str]]:
    counts = Counter((finding.rule, finding.severity) for finding in audit.findings)
    return [[rule, severity, str(number)] for (rule, severity), number in counts.most_common()]


def _unreadable(audit: Audit, view: View) -> Iterator[str]:
    """The files by reason; each by name only where all details are asked for, or where they are few."""
    by_reason: dict[str, list[str]] = {}
    for file, reason in audit.unreadable.items():
        by_reason.setdefault(reason, []).append(file)
    few = view.details is None or len(audit.unreadable) <= view.details
    for reason, files in sorted(by_reason.items(), key=lambda each: -len(each[1])):
        yield from wrapped(f"unreadable: {words.count(len(files), 'file')}: {words.shortened(reason, 300)}", view, "")
        if few:
            yield from (f"  {file}" for file in files)
    if by_reason:
        yield "" if few else "(-v names them)\n"


def _audit_ending(audit: Audit) -> str:
    warnings = len(audit.findings) - len(audit.errors)
    said = [
        words.count(audit.files, "file"),
        words.count(len(audit.unreadable), "unreadable file"),
        f"{len(audit.exchanges):,} native of {words.count(audit.interactions, 'interaction')}",
        words.count(len(audit.errors), "error"),
        words.count(warnings, "warning"),
    ]
    if audit.normalised:
        said.append(
            f"{words.count(len(audit.normalised), 'file')} normalised by another tool: rules about bytes are silent there"
        )
    return "; ".join(said)
