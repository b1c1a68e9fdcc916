"""Fidelity: what one side changes against the other, the worst first, with what shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.compare.fidelity_changes import Change, FeatureFidelity, Fidelity
from harness.report import View
from harness.report.blocks import Block, Bullets, Code, CodeBlock, Details, Heading, Level, Paragraph, Table, document
from harness.report.content.fidelity_excerpts import excerpts, interval, kept, name, what
from harness.report.content.parts import cut, gates, notes
from harness.text.amounts import count

PATHS = 8
"""The most paths that are named with a trial."""
METHOD = (
    "A change is claimed where it is more frequent than chance allows: of reports on two equal sides, at most one in twenty makes a claim. "
    "kept: the share of fields, headers and events of the reference that arrive unchanged; the lower figure counts all of cannot tell as changed."
)


@document("fidelity")
def fidelity_blocks(fidelity: Fidelity, view: View) -> Iterator[Block]:
    """What one side changes against the other, field by field."""
    if fidelity.for_vendor:
        from harness.report.content.vendor import vendor_blocks

        yield from vendor_blocks(fidelity)
        return
    yield Heading(f"What {fidelity.candidate} changes against {fidelity.reference}", level=1)
    yield Paragraph([_verdict(fidelity)], strong=True)
    if fidelity.overall.pairs:
        if not view.quiet:
            yield Heading("features")
            yield _features(fidelity)
        yield from _changes(fidelity, view)
        yield from _unsure(fidelity, view)
    if fidelity.gates:
        yield Heading("gates")
        yield gates([gate.to_json() for gate in fidelity.gates])
    yield from notes([*fidelity.notes, METHOD], fidelity.command)


def _verdict(fidelity: Fidelity) -> str:
    overall = fidelity.overall
    if not overall.pairs:
        return "Nothing to compare: the two sides have no answer to the same question."
    changes = [change for change in overall.changes if not change.note]
    known = sum(change.known for change in changes)
    what = count(len(changes), "change") if changes else "no change was found"
    few = "" if fidelity.enough else "; these are too few pairs to claim anything"
    return (
        f"{kept(overall)} kept in {count(overall.pairs, 'pair')}: {what}"
        f"{f', {known} of them known' if known else ''}{few}."
    )


def _features(fidelity: Fidelity) -> Table:
    worst = sorted(fidelity.features, key=lambda feature: feature.kept)
    rows = [[feature.feature, f"{feature.pairs:,}", kept(feature), _counted(feature)] for feature in worst]
    return Table(["feature", "pairs", "kept", "changes"], rows, "the features, the worst first", frozenset({3}))


def _counted(feature: FeatureFidelity) -> str:
    kinds = Counter(change.kind for change in feature.changes if not change.note)
    return ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()) or "none"


def _changes(fidelity: Fidelity, view: View) -> Iterator[Block]:
    changes = fidelity.overall.changes
    if not changes:
        return
    yield Heading("changes")
    header = ["path", "change", "pairs", "share (95%)"]
    rows = [
        [Code(change.path), what(change), f"{change.pairs:,} of {change.of:,}", interval(change)] for change in changes
    ]
    levels: list[Level | None] = [None if change.known or change.note else "warning" for change in changes]
    yield Table(header, rows, "the changes, the worst first", frozenset({1}), levels, spare=[3])
    yield from _where(changes, fidelity.show)
    yield from (block for change in changes[: view.details] for block in _details(change, fidelity))


def _details(change: Change, fidelity: Fidelity) -> Iterator[Block]:
    if compared := excerpts([change], fidelity):
        yield Details([name(change)], [compared, Bullets([[Code(trial)] for trial in change.trials])])


def _where(changes: Sequence[Change], show: Mapping[str, str]) -> Iterator[Block]:
    """The fewest trials that show every change between them, with the commands that show these where the answers are of a run."""
    left = [change for change in changes if change.trials]
    found: dict[str, list[Change]] = {}
    while left:
        trial = Counter(trial for change in left for trial in change.trials).most_common(1)[0][0]
        found[trial] = [change for change in left if trial in change.trials]
        left = [change for change in left if trial not in change.trials]
    yield Bullets([_seen(trial, seen, len(changes)) for trial, seen in found.items()])
    if commands := [show[trial] for trial in found if trial in show]:
        yield CodeBlock(commands)


def _seen(trial: str, changes: Sequence[Change], total: int) -> list[str]:
    if len(changes) == total:
        return [Code(trial), " shows all of them" if total > 1 else " shows it"]
    paths = list(dict.fromkeys(change.path for change in changes))
    listed = [text for path in paths[:PATHS] for text in (", ", Code(path))]
    more = f" and {len(paths) - PATHS} more" if len(paths) > PATHS else ""
    return [Code(trial), " shows ", *listed[1:], more]


def _unsure(fidelity: Fidelity, view: View) -> Iterator[Block]:
    if not fidelity.unsure:
        return
    yield Heading("cannot tell")
    shown, more = cut(fidelity.unsure, view)
    rows = [[Code(one.path), what(one), f"{one.pairs:,} of {one.of:,}", f"{one.needs:,}"] for one in shown]
    yield Table(["path", "change", "pairs", "more pairs needed"], rows, "what may be a change", frozenset({1}))
    yield from more
