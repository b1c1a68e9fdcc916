"""What a probe found: a block per target, what differs first."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from harness.gemini.capabilities import Finding, Probe
from harness.report import View, output
from harness.report.table.drawing import write
from harness.text import amounts

_MARKS = {"differs": "DIFFERS", "open": "?", "news": "new", "agrees": "as known"}
"""Verdict -> its mark, in the order in which they are shown."""


@output("table", of="probe")
def probe_table(probe: Probe, view: View, out: TextIO) -> None:
    """What differs from the catalogue, for a terminal."""
    write(_lines(probe, view), view, out)


def _lines(probe: Probe, view: View) -> Iterator[str]:
    for target in dict.fromkeys(finding.target for finding in probe.findings):
        mine = [finding for finding in probe.findings if finding.target == target]
        yield from _folded(f"{target}: {_counted(mine)}", view, "  ")
        for verdict, mark in _MARKS.items():
            if verdict != "agrees" or view.details is None:
                for line in _of_verdict([finding for finding in mine if finding.verdict == verdict]):
                    yield from _folded(f"  {mark:9}{line}", view, " " * 11)
    yield ""
    simulated = "SIMULATED answers; " if probe.simulated else ""
    yield simulated + ("cost not known" if probe.spent is None else f"cost ${amounts.dollars(probe.spent)}")


def _of_verdict(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each finding, and one for all that are alike."""
    alike: dict[str, list[str]] = {}
    for finding in findings:
        alike.setdefault(in_words(finding), []).append(finding.ask)
    yield from (f"{', '.join(asks)}: {text}" for text, asks in alike.items())


def _folded(line: str, view: View, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(line, max(view.width, 40), subsequent_indent=indent, break_on_hyphens=False)


def _counted(findings: Sequence[Finding]) -> str:
    number = Counter(finding.verdict for finding in findings)
    parts = [f"{number['agrees']:,} of {amounts.count(len(findings), 'answer')} as the catalogue says"]
    parts += [f"{number['differs']:,} differ" + "s" * (number["differs"] == 1)] if number["differs"] else []
    parts += [f"{number['news']:,} that it does not say"] if number["news"] else []
    parts += [f"{number['open']:,} without an answer"] if number["open"] else []
    return ", ".join(parts)


def in_words(finding: Finding) -> str:
    """``refused, though the catalogue has it: HTTP 400: Budget 0 is invalid.``"""
    against = {True: ", though the catalogue has it", False: ", though the catalogue denies it", None: ""}
    but = against[finding.claim] if finding.verdict == "differs" else ""
    said = {"works": "works", "refused": "refused", "unanswered": "no answer", "no sign": "accepted, but not done"}
    detail = f": {_status(finding)}{finding.message}" if finding.outcome == "refused" or finding.message else ""
    return f"{said[finding.outcome]}{but}{detail}"


def _status(finding: Finding) -> str:
    return f"HTTP {finding.status}: " if finding.outcome == "refused" else ""


def dry_lines(asked: Mapping[str, Sequence[str]], *, detailed: bool) -> Iterator[str]:
    """What would be asked: target -> names of questions."""
    for target, names in asked.items():
        yield f"{target}: {amounts.count(len(names), 'request')}"
        if detailed:
            yield from (f"  {name}" for name in names)
    total = sum(map(len, asked.values()))
    yield f"\n{amounts.count(total, 'request')} to {amounts.count(len(asked), 'model')}; nothing was sent"
