"""An audit: what recordings break, by rule and by interaction, and which files were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.compare.audit import Audit, AuditFinding
from harness.model import Place
from harness.report import View, words
from harness.report.blocks import Annotation, Block, Bullets, Code, Heading, Level, Paragraph, Table, document
from harness.report.content.parts import cut
from harness.text.amounts import count, some
from harness.text.grouping import grouped


@document("audit")
def audit_blocks(audit: Audit, view: View) -> Iterator[Block]:
    """The rules that recordings violate."""
    yield Heading("What recordings break", level=1)
    yield Paragraph([_summary(audit)], strong=True)
    yield from _annotations(audit)
    if audit.findings:
        yield Heading("findings")
        yield Table(["rule", "severity", "findings"], _rule_rows(audit), "findings by rule", frozenset({1}))
        yield from _findings(audit, view)
    yield Heading("files")
    yield Bullets([[line] for line in (*_unreadable(audit, view), *_read(audit))])


def _annotations(audit: Audit) -> Iterator[Annotation]:
    """On the first line of a file, since a recording does not tell the lines of an interaction."""
    for finding in audit.findings:
        at = f"{finding.at}: " if finding.at else ""
        title = f"{finding.rule} in {finding.interaction}"
        level: Level = "error" if finding.severity == "error" else "warning"
        yield Annotation(level, title, f"{at}{finding.message}", Place(finding.file, 1))
    for file, reason in audit.unreadable.items():
        yield Annotation("warning", "unreadable", reason, Place(file, 1))


def _findings(audit: Audit, view: View) -> Iterator[Block]:
    shown, more = cut(_by_turns(audit.findings), view)
    for place, findings in grouped(shown, lambda found: f"{found.file} {found.interaction}").items():
        yield Heading(place, level=3)
        yield Bullets([_item(finding) for finding in findings])
    yield from more


def _by_turns(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """The first of every rule, errors before warnings, then the second of every rule: a frequent one hides no other."""
    ranked = [
        (place, finding.severity != "error", finding)
        for of_rule in grouped(findings, lambda found: (found.rule, found.severity)).values()
        for place, finding in enumerate(of_rule)
    ]
    return [finding for *_, finding in sorted(ranked, key=lambda one: one[:2])]


def _item(finding: AuditFinding) -> list[str]:
    at = [" at ", Code(words.shortened(finding.at, 60))] if finding.at else []
    return [f"{finding.severity} ", Code(finding.rule), *at, f": {words.shortened(finding.message, 400)}"]


def _rule_rows(audit: Audit) -> list[list[str]]:
    counts = Counter((finding.rule, finding.severity) for finding in audit.findings)
    return [[Code(rule), severity, f"{number:,}"] for (rule, severity), number in counts.most_common()]


def _unreadable(audit: Audit, view: View) -> Iterator[str]:
    """A line for each reason, the most frequent first, with the files."""
    by_reason = grouped(audit.unreadable, audit.unreadable.__getitem__)
    for reason, files in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        yield f"unreadable: {count(len(files), 'file')}: {words.shortened(reason, 300)}: {_named(files, view)}"
    parts = [f"{file} {where}: {words.shortened(reason, 300)}" for file, where, reason in audit.unread]
    if parts:
        yield f"unreadable: {count(len(parts), 'part')} of files that are read otherwise: {_named(parts, view)}"


def _named(names: Sequence[str], view: View) -> str:
    some = names[: view.details]
    more = f" and {len(names) - len(some):,} more: -v names them" if len(some) < len(names) else ""
    return f"{', '.join(some)}{more}"


def _read(audit: Audit) -> Iterator[str]:
    """How many native exchanges were read from how many files, by format; what was passed over."""
    if audit.formats:
        by_number = sorted(audit.formats.items(), key=lambda item: -item[1][1])
        yield "read: " + ", ".join(f"{name} {found:,} in {count(files, 'file')}" for name, (files, found) in by_number)
    if audit.simulated:
        yield f"SIMULATED answers, which say nothing about Gemini: {audit.simulated:,} of {len(audit.exchanges):,}"
    if audit.unanswered:
        har = "; HAR keeps answers only if it is exported with content" if "HAR" in audit.formats else ""
        yield f"without an answer, not judged: {count(audit.unanswered, 'request')}{har}"
    if audit.not_judged:
        addresses = some([f"{address} {number:,}" for address, number in audit.not_judged.most_common()])
        yield f"of other APIs, not judged: {count(audit.not_judged.total(), 'exchange')} ({addresses})"
    if audit.passed_over:
        kinds = ", ".join(f"{suffix or 'no suffix'} {number:,}" for suffix, number in audit.passed_over.items())
        yield f"no recordings, passed over: {count(sum(audit.passed_over.values()), 'file')} ({kinds})"
    if audit.normalised:
        files = count(len(audit.normalised), "file")
        yield f"without the bytes that came: {files}: rules about them are not checked there"


def _summary(audit: Audit) -> str:
    native = f"{len(audit.exchanges) - audit.compatible:,} native"
    judged = f"{native} and {audit.compatible:,} compatible" if audit.compatible else native
    return "; ".join(
        [
            count(audit.files, "file"),
            count(len(audit.unreadable), "unreadable file"),
            f"{judged} of {count(audit.interactions, 'interaction')}",
            count(len(audit.errors), "error"),
            count(len(audit.findings) - len(audit.errors), "warning"),
        ]
    )
