"""Check recordings against the invariants, without a suite. No side effects: takes cassettes in memory, returns findings.

Only native ``generateContent`` and ``streamGenerateContent`` exchanges are judged, at any host and under any path prefix;
all others are only counted. There are no expectations here, so an outcome (a 429, MAX_TOKENS, a blocked prompt) is listed
with its exchange and is never a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from harness.answer import reply
from harness.gemini.providers import is_chat, native_body
from harness.judge.judging import RuleViolation, violations
from harness.model import UNKNOWN_MODEL, Evidence, Exchange, Json, Request, Severity, Transport

_NATIVE = re.compile(r"/(?:models|tunedModels|endpoints|dynamic)/([^/:]+):(generateContent|streamGenerateContent)$")


class AuditedInteraction(Protocol):
    """One recorded exchange. ``index`` is its place in the file, from 0."""

    @property
    def index(self) -> int: ...
    @property
    def exchange(self) -> Exchange: ...


class UnansweredRequest(Protocol):
    """A request whose answer was not recorded."""

    @property
    def request(self) -> Request: ...


class UnreadPart(Protocol):
    """A part of a recording that cannot be read, and the reason."""

    @property
    def where(self) -> str: ...
    @property
    def reason(self) -> str: ...


class AuditedTape(Protocol):
    """A recording in memory: ``cassette.read`` returns one."""

    @property
    def path(self) -> Path: ...
    @property
    def interactions(self) -> Sequence[AuditedInteraction]: ...
    @property
    def format(self) -> str: ...
    @property
    def unanswered(self) -> Sequence[UnansweredRequest]: ...
    @property
    def unread(self) -> Sequence[UnreadPart]: ...


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """A rule that a recorded exchange breaks. ``index`` counts the interactions of the file from 0."""

    file: str
    index: int
    rule: str
    severity: Severity
    at: str
    expected: Json
    actual: Json
    message: str


@dataclass(frozen=True, slots=True)
class AuditedExchange:
    """A summary of one native exchange. ``status`` is the HTTP status; ``usage`` is the last usage metadata."""

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
    suffix of files that are no recordings -> how many. ``simulated``: native exchanges that the simulator answered.
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
            "formats": [
                {"format": name, "files": files, "native_interactions": found}
                for name, (files, found) in self.formats.items()
            ],
            "unreadable": [{"file": file, "reason": reason} for file, reason in self.unreadable.items()],
            "unread": [{"file": file, "where": where, "reason": reason} for file, where, reason in self.unread],
            "passed_over": dict(self.passed_over),
            "normalised": self.normalised,
            "findings": [asdict(finding) for finding in self.findings],
            "exchanges": [asdict(exchange) for exchange in self.exchanges],
        }


def audit(tapes: Iterable[AuditedTape], unreadable: Mapping[str, str] | None = None) -> Audit:
    """Check every native exchange on the tapes against the invariants.

    ``unreadable``: files that could not be read, with the reason; they count as ``files`` too.
    """
    result = Audit(files=len(unreadable or {}), unreadable=dict(unreadable or {}))
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
        result.unanswered += sum(operation_of(item.request) is not None for item in tape.unanswered)
        result.unread += [(file, part.where, part.reason) for part in tape.unread]
        files, native = result.formats.get(tape.format, (0, 0))
        result.formats[tape.format] = (files + 1, native + len(result.exchanges) - before)
    return result


def operation(exchange: Exchange) -> tuple[str, str] | None:
    """Model and operation of an exchange that is judged; None for any other. The operation of a chat completion is ``CHAT``."""
    return operation_of(exchange.request)


def operation_of(request: Request) -> tuple[str, str] | None:
    """Model and operation of a request whose answer is judged; None for any other."""
    if is_chat(request.url):
        return request.model.removeprefix("google/"), CHAT
    return operation_at(request.url)


CHAT = "chat/completions"
"""The operation of the OpenAI-compatible dialect."""


def operation_at(url: str) -> tuple[str, str] | None:
    """Model and operation of a native call at this URL; None for any other."""
    found = _NATIVE.search(urlsplit(url).path)
    return (unquote(found[1]), found[2]) if found else None


def evidence(exchange: Exchange) -> Evidence:
    """The evidence for a recorded exchange, without expectations."""
    model, called = operation(exchange) or (exchange.request.model, "")
    native: Transport = "stream" if called.startswith("stream") else "unary"
    return Evidence(
        exchange=exchange,
        reply=reply.read(exchange),
        request_body=native_body(exchange.request),
        model=None if model in ("", UNKNOWN_MODEL) else model,
        transport=exchange.request.transport if called == CHAT else native,
        audit=True,
    )


def _audit_interaction(result: Audit, file: str, interaction: AuditedInteraction) -> None:
    native = operation(interaction.exchange)
    if native is None:
        return
    case = evidence(interaction.exchange)
    result.simulated += interaction.exchange.provenance.simulated
    result.findings += [_finding(file, interaction.index, violation) for violation in violations(case)]
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


def _finding(file: str, index: int, violation: RuleViolation) -> AuditFinding:
    rule, found, severity, _ = violation
    return AuditFinding(file, index, rule.id, severity, found.at, found.expected, found.actual, violation.message)
