"""Drift: what the definition does not know, new things first, with where each was seen first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.compare.drift import Drift, DriftFinding
from harness.report import View, words
from harness.report.blocks import Block, Bullets, Code, Details, Heading, Paragraph, Table, document
from harness.report.content.parts import cut, notes
from harness.text.amounts import count, some

ADVICE = (
    "A new field is no error: the API grows. What stays is written to a list with --write-known; a newer definition is "
    "fetched with --update."
)


@document("drift")
def drift_blocks(drift: Drift, view: View) -> Iterator[Block]:
    """What the official definition does not know."""
    yield Heading("What the definition does not know", level=1)
    yield Paragraph([_verdict(drift)], strong=True)
    new, known = drift.new, [finding for finding in drift.findings if finding.known]
    if new:
        yield Heading("new" if drift.listed else "findings")
        yield from _shown(new, view)
    if known:
        yield Details([f"seen before: {count(len(known), 'finding')}"], [_table(known, "seen before"), _places(known)])
    unseen = [f"{one['path']} {one.get('value') or ''}".rstrip() for one in drift.unseen]
    listed = [f"on the list {drift.listed}, and not seen here: {some(unseen)}"] if unseen else []
    yield from notes([*drift.notes, *listed, f"definition: {drift.revision}", *([ADVICE] if new else [])])


def _verdict(drift: Drift) -> str:
    if not drift.answers:
        return "Nothing was looked at: there is no native answer."
    known = len(drift.findings) - len(drift.new)
    new = count(len(drift.new), "new finding" if drift.listed else "finding") if drift.new else "Nothing new"
    new = "The definition knows everything" if not drift.findings else new
    return f"{new} in {count(drift.answers, 'answer')}{f'; {known:,} seen before' if known else ''}."


def _shown(findings: Sequence[DriftFinding], view: View) -> Iterator[Block]:
    yield _table(findings, "what the definition does not know, the most frequent first")
    if view.quiet:
        return
    shown, more = cut(findings, view)
    yield _places(shown)
    yield from more


def _table(findings: Sequence[DriftFinding], caption: str) -> Table:
    rows = [[_name(one), one.unknown.kind, one.provider, f"{one.count:,}", one.first.date or "-"] for one in findings]
    return Table(["path", "kind", "provider", "answers", "first"], rows, caption, frozenset({1, 2}))


def _name(finding: DriftFinding) -> Code:
    one = finding.unknown
    return Code(f"{one.path}: {words.shortened(one.value, 60)}" if one.kind == "value" else one.path)


def _places(findings: Sequence[DriftFinding]) -> Bullets:
    return Bullets([_place(one) for one in findings])


def _place(finding: DriftFinding) -> list[str]:
    models = ", ".join(finding.models[:3])
    more = f" and {count(len(finding.models) - 3, 'more model')}" if len(finding.models) > 3 else ""
    first = f"; first in {finding.first.file}, "
    return [Code(finding.unknown.path), f": {_what(finding)}; {models}{more}{first}", Code(finding.first.trial)]


def _what(finding: DriftFinding) -> str:
    one = finding.unknown
    value = words.shortened(one.value, 60)
    match one.kind:
        case "field":
            return f"not a field of {one.expected}"
        case "value":
            return f"{value} is not a value of {one.expected}"
        case _:
            return f"{value} stands where {one.expected} is defined"
