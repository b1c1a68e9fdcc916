"""Check recordings against the invariants, without a suite. No side effects: takes cassettes in memory, returns findings.

Exchanges that are not judged are counted by their address. There are no expectations here, so an outcome (a 429, MAX_TOKENS, a blocked prompt)
is listed with its exchange and is never a finding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.judge.judging import RuleViolation, violations
from harness.judge.recorded import CHAT, evidence, operation, other_call
from harness.model import Json, Severity
from harness.transport.cassette import Interaction, Tape


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """A rule that a recorded exchange breaks. ``index`` counts the interactions of the file from 0; ``id`` is what the file calls it,
    or empty."""

    file: str
    index: int
    rule: str
    severity: Severity
    at: str
    expected: Json
    actual: Json
    message: str
    id: str = ""

    @property
    def interaction(self) -> str:
        """What people call it."""
        return f"interaction {self.index}{f' ({self.id})' if self.id else ''}"


@dataclass(frozen=True, slots=True)
class AuditedExchange:
    """A summary of one judged exchange. ``status`` is the HTTP status; ``usage`` is the last usage metadata."""

    file: str
    index: int
    model: str
    operation: str
    status: int
    finishReason: str | None  # noqa: N815 - the name on the wire
    stream: bool
    usage: Mapping[str, Json]


@dataclass(slots=True)
class Audit:
    """The result of an audit. ``unreadable`` maps a file to the reason.

    ``normalised`` lists the files whose bodies another tool changed, so that rules about bytes do not apply. ``formats``: the
    name of a format -> (files, native exchanges). ``unanswered``: requests whose answer was not recorded. ``passed_over``: the
    suffix of files that are no recordings -> how many. ``simulated``: native exchanges that the simulator answered. ``not_judged``: the
    beginning of an address that is of another API -> how many exchanges.
    """

    files: int = 0
    interactions: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    normalised: list[str] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)
    exchanges: list[AuditedExchange] = field(default_factory=list)
    formats: dict[str, tuple[int, int]] = field(default_factory=dict)
    unanswered: int = 0
    unread: list[tuple[str, str, str]] = field(default_factory=list)
    """(file, place, reason) of each part that cannot be read in a file whose other parts can."""
    passed_over: Mapping[str, int] = field(default_factory=dict)
    simulated: int = 0
    not_judged: Counter[str] = field(default_factory=Counter)

    @property
    def compatible(self) -> int:
        """How many of the exchanges are chat completions, the OpenAI-compatible dialect."""
        return sum(exchange.operation == CHAT for exchange in self.exchanges)

    @property
    def errors(self) -> Sequence[AuditFinding]:
        """The findings that fail an audit; the others are warnings."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def to_json(self) -> dict[str, Json]:
        """The document that ``--format json`` prints, version 1."""
        return {
            "version": 1,
            "files": self.files,
            "interactions": self.interactions,
            "native_interactions": len(self.exchanges) - self.compatible,
            "compatible_interactions": self.compatible,
            "simulated": self.simulated,
            "unanswered": self.unanswered,
            "not_judged": dict(self.not_judged.most_common()),
            "formats": [
                {"format": name, "files": files, "native_interactions": found}
                for name, (files, found) in self.formats.items()
            ],
            "unreadable": [{"file": file, "reason": reason} for file, reason in self.unreadable.items()],
            "unread": [{"file": file, "where": where, "reason": reason} for file, where, reason in self.unread],
            "passed_over": dict(self.passed_over),
            "normalised": self.normalised,
            "findings": list(map(_row, self.findings)),
            "exchanges": list(map(_row, self.exchanges)),
        }


def _row(item: AuditFinding | AuditedExchange) -> dict[str, Json]:
    """Its fields by their names. ``asdict`` copies every value in them too."""
    return {name: getattr(item, name) for name in item.__slots__}


def audit(tapes: Iterable[Tape], unreadable: Mapping[str, str] = {}, passed_over: Mapping[str, int] = {}) -> Audit:
    """Check every native exchange on the tapes against the invariants.

    ``unreadable``: files that could not be read, with the reason; they count as ``files`` too. ``passed_over``: see `Audit`. To read the tapes may
    fill both.
    """
    result = Audit()
    for tape in tapes:
        result.files += 1
        before = len(result.exchanges)
        result.interactions += len(tape.interactions)
        file, verbatim = str(tape.path), True
        for interaction in tape.interactions:
            verbatim = verbatim and interaction.exchange.verbatim
            _audit_interaction(result, file, interaction)
        if not verbatim:
            result.normalised.append(file)
        result.unanswered += sum(operation(item.request) is not None for item in tape.unanswered)
        result.unread += [(file, part.where, part.reason) for part in tape.unread]
        files, native = result.formats.get(tape.format, (0, 0))
        result.formats[tape.format] = (files + 1, native + len(result.exchanges) - before)
    result.files += len(unreadable)
    result.unreadable, result.passed_over = dict(unreadable), dict(Counter(passed_over).most_common())
    return result


_OTHER = re.compile(r"\w+://([^/?#]+(?:/[^/?#]+){0,2})")


def _audit_interaction(result: Audit, file: str, interaction: Interaction) -> None:
    native = operation(interaction.exchange.request) or other_call(interaction.exchange)
    if native is None:
        address = _OTHER.match(interaction.exchange.request.url)
        result.not_judged[address[1] if address else "no address"] += 1
        return
    case = evidence(interaction.exchange)
    result.simulated += interaction.exchange.provenance.simulated
    result.findings += [_finding(file, interaction, violation) for violation in violations(case)]
    result.exchanges.append(
        AuditedExchange(
            file=file,
            index=interaction.index,
            model=native[0],
            operation=native[1],
            status=interaction.exchange.status,
            finishReason=case.reply.finish_reason,
            stream=case.transport == "stream",
            usage=case.reply.usage,
        )
    )


def _finding(file: str, interaction: Interaction, violation: RuleViolation) -> AuditFinding:
    rule, found, severity, _ = violation
    place, message = (file, interaction.index), violation.message
    return AuditFinding(*place, rule.id, severity, found.at, found.expected, found.actual, message, interaction.id)
