"""What a change of a fidelity report is, in words, and what stands in both answers at its place."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.fidelity import percent
from harness.compare.fidelity_changes import Change, FeatureFidelity, Fidelity
from harness.compare.fidelity_evidence import marked_keys
from harness.compare.fidelity_facts import RETRIES
from harness.model import Json
from harness.report import words
from harness.report.blocks import ComparedLines

LINES, LINE, MESSAGE = 14, 110, 60
"""The most lines of an excerpt, and the most columns of a line and of what a change is."""


def what(change: Change) -> str:
    """``dropped``, ``added (known)``, ``value: 400 -> none``, ``dropped at HTTP 404``."""
    is_named = change.kind in change.path or change.path == RETRIES or change.message in ("dropped", "added")
    pieces: list[str] = [] if is_named and change.message else [change.kind]
    pieces += [words.shortened(change.message, MESSAGE)] if change.message else []
    joint = " " if change.message.startswith("at ") else ": "
    mark = " (known)" if change.known else " (note)" if change.note else ""
    opposite = f"; the opposite in {len(change.opposite):,}" if change.opposite else ""
    return f"{joint.join(pieces)}{mark}{opposite}"


def kept(feature: FeatureFidelity) -> str:
    """``98.2%``; ``98.2% to 100%`` where there may be changes that are too rare to claim."""
    least, most = percent(feature.kept_least), percent(feature.kept)
    return most if least == most else f"{least} to {most}"


def interval(change: Change) -> str:
    """The share of the pairs that show it, at 95%: ``99% to 100%``."""
    low, high = change.interval
    return f"{low:.0%} to {high:.0%}"


def excerpts(changes: Sequence[Change], fidelity: Fidelity) -> ComparedLines | None:
    """What stands in both answers at the place of these changes, which is one; None where they cannot be read any more."""
    if changes[0].excerpts is None:
        return None
    sides = [_lines(excerpt, changes) for excerpt in changes[0].excerpts]
    return ComparedLines(
        (fidelity.reference, fidelity.candidate), (sides[0][0], sides[1][0]), (sides[0][1], sides[1][1])
    )


def name(change: Change) -> str:
    """``dropped $.candidates[*].index``."""
    return change.path if change.path.startswith(change.kind) else f"{change.kind} {change.path}"


def _lines(excerpt: Json, changes: Sequence[Change]) -> tuple[list[str], frozenset[int]]:
    """The lines of an excerpt, and which of them are about the changes."""
    if not isinstance(excerpt, dict):
        return [words.value(excerpt, LINE)], frozenset({0})
    keys = frozenset[str]().union(*map(marked_keys, changes))
    first = [key for key in excerpt if key in keys]
    order = [key for key in excerpt if key in set([*first, *excerpt][:LINES])]
    lines = [f"{key}: {_value(excerpt[key], changes[0])}" for key in order]
    return lines or ["(nothing)"], frozenset(at for at, key in enumerate(order) if key in keys)


def _value(value: Json, change: Change) -> str:
    """JSON of a body; words of all around it."""
    is_word = isinstance(value, str) and not change.path.startswith("$") and change.kind != "status"
    return words.shortened(value, LINE) if isinstance(value, str) and is_word else words.value(value, LINE)
