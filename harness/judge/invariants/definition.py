"""The official definition: every field known, every field of its type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.answer.reply import error_of
from harness.gemini.definition import DefinitionFinding, walk
from harness.judge.registry import rule
from harness.model import Evidence, Mismatch

_INDEX = re.compile(r"\[\d+\]")


@rule("wire-known", "warn")
def wire_known(evidence: Evidence) -> Iterator[Mismatch]:
    """Every field and enum value is in the official definition. An unknown one is news, not a fault."""
    for at, finding in _findings(evidence):
        if finding.kind == "unknown-field":
            name = at.rpartition(".")[2]
            yield Mismatch(
                at, f"a field of {finding.expected}", finding.actual, f"{finding.expected} has no field {name!r}"
            )
        elif finding.kind == "unknown-value":
            message = f"{finding.actual!r} is not a value of {finding.expected}"
            yield Mismatch(at, finding.expected, finding.actual, message)


@rule("wire-type", "error")
def wire_type(evidence: Evidence) -> Iterator[Mismatch]:
    """Every known field has its type, as proto3 JSON is read."""
    for at, finding in _findings(evidence):
        if finding.kind == "wrong-type":
            shown = repr(finding.actual)[:60]
            yield Mismatch(at, finding.expected, finding.actual, f"{shown} is not {finding.expected}")


def _findings(evidence: Evidence) -> Iterator[tuple[str, DefinitionFinding]]:
    """What the walk of every event finds, each place once however many chunks and list items repeat it."""
    if evidence.exchange.status != 200:
        return
    told: set[tuple[str, str]] = set()
    several = len(evidence.reply.events) > 1
    for index, event in enumerate(evidence.reply.events):
        if not isinstance(event.value, dict) or error_of(event.value) is not None:
            continue
        for finding in walk("GenerateContentResponse", event.value):
            place = (finding.kind, _INDEX.sub("", finding.at))
            if place not in told:
                told.add(place)
                yield f"events[{index}]{finding.at[1:]}" if several else finding.at, finding
