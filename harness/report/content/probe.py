"""What a probe found: the answers of each target, what differs first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.gemini.capabilities import Finding, Probe
from harness.report import View
from harness.report.blocks import Annotation, Block, Facts, Heading, Paragraph, document
from harness.text import amounts
from harness.text.grouping import grouped

_MARKS = {"differs": "DIFFERS", "open": "?", "news": "new", "agrees": "as known"}
"""Verdict -> its mark, in the order in which they are shown."""


@document("probe")
def probe_blocks(probe: Probe, view: View) -> Iterator[Block]:
    """What differs from the catalogue."""
    yield Heading("What differs from the catalogue", level=1)
    for target in dict.fromkeys(finding.target for finding in probe.findings):
        mine = [finding for finding in probe.findings if finding.target == target]
        yield Heading(f"{target}: {_counted(mine)}", level=3)
        yield Facts(
            [fact for verdict in _MARKS if verdict != "agrees" or view.details is None for fact in _of(verdict, mine)]
        )
        differing = [finding for finding in mine if finding.verdict == "differs"]
        yield from (Annotation("error", f"{finding.ask} of {target}", in_words(finding)) for finding in differing)
    cost = "not known" if probe.spent is None else f"${amounts.dollars(probe.spent)}"
    yield Paragraph([f"cost {cost}"], strong=True)


def _of(verdict: str, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """A line for each finding with this verdict, and one for all that are alike."""
    alike = grouped((finding for finding in findings if finding.verdict == verdict), in_words)
    for text, same in alike.items():
        yield _MARKS[verdict], f"{', '.join(finding.ask for finding in same)}: {text}"


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
    words_of = {"works": "works", "refused": "refused", "unanswered": "no answer", "no sign": "accepted, but not done"}
    status = f"HTTP {finding.status}: " if finding.outcome == "refused" else ""
    detail = f": {status}{finding.message}" if status or finding.message else ""
    return f"{words_of[finding.outcome]}{but}{detail}"
