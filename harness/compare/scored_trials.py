"""Judged trials for a scoreboard, from the rows of a run or from recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.answer.refusals import message_of
from harness.compare.fidelity_answers import features_of
from harness.compare.scoreboard import Outcome, ScoredTrial
from harness.judge.judging import violations
from harness.judge.recorded import evidence, operation
from harness.model import Exchange
from harness.results.rows import Row, RunRow
from harness.transport.cassette import Tape

NOT_AVAILABLE = "not available:"
"""How the reason begins for which a trial is skipped, or cannot be asked, because the provider's dialect cannot express it."""
_PASSING = frozenset({401, 407, 408, 429})
"""Statuses of 4xx that say nothing about a feature: no valid key, too many requests."""


def from_rows(run: RunRow, rows: Iterable[Row]) -> Iterator[ScoredTrial]:
    """The trials of a saved run. Those without tags have no feature."""
    for row in rows:
        source = row.provenance
        outcome, reason = _outcome(row)
        yield ScoredTrial(
            id=row.id,
            group=row.group,
            target=row.target,
            features=tuple(row.tags),
            outcome=outcome,
            date=(source and source.day) or run["started"][:10],
            place=f"run {run['id']}",
            reason=reason,
            at_least=row.require,
            simulated=bool(source and source.simulated),
        )


def _outcome(row: Row) -> tuple[Outcome, str]:
    status = row.status
    if status in ("passed", "xpassed"):
        return "passed", ""
    reason = row.skip or (row.error.message if row.error else "").partition("\n")[0]
    if NOT_AVAILABLE in reason:
        return "not available", reason[reason.index(NOT_AVAILABLE) + len(NOT_AVAILABLE) :].strip()
    if status in ("skipped", "error"):
        return "unasked", reason
    if row.require == 0:
        return "unasked", "observed only: no attempt has to pass"
    http = row.outcome.http if row.outcome else 0
    wrong = (verdict.message for verdict in row.verdicts if verdict.status in ("failed", "error"))
    reason = row.xfail or next(wrong, "")
    if http in _PASSING:
        return "unasked", f"HTTP {http}"
    return ("refused", f"HTTP {http}: {reason}") if 400 <= http < 500 else ("failed", reason)


# --- recordings -------------------------------------------------------------------------------------------------


def from_tapes(tapes: Iterable[Tape], left_out: list[str]) -> Iterator[ScoredTrial]:
    """The native exchanges of recordings: an answer passes if it breaks no invariant. Their features are what they ask for.

    A refusal on a cassette of a suite may be what the suite expects: such exchanges are added to ``left_out``.
    """
    for tape in tapes:
        for interaction in tape.interactions:
            exchange = interaction.exchange
            native = operation(exchange)
            if native is None:
                continue
            at = f"{tape.path}#{interaction.index}"
            if exchange.own and exchange.status != 200:
                left_out.append(at)
                continue
            outcome, reason = _judged(exchange)
            yield ScoredTrial(
                id=at,
                group=at,
                target=f"{exchange.provenance.recorded_from}/{native[0]}",
                features=tuple(features_of(exchange.request.body, native[1])),
                outcome=outcome,
                date=exchange.provenance.day,
                place=str(tape.path),
                reason=reason,
                simulated=exchange.provenance.simulated,
            )


def _judged(exchange: Exchange) -> tuple[Outcome, str]:
    status, case = exchange.status, evidence(exchange)
    if status in _PASSING or status >= 500:
        return "unasked", f"HTTP {status}"
    if 400 <= status < 500:
        message = message_of(case.reply.error) or "no message"
        return "unasked" if "API key" in message else "refused", f"HTTP {status}: {message}"
    broken = next((one for one in violations(case) if one.severity == "error"), None)
    return ("failed", f"{broken.rule.id}: {broken.mismatch.message}") if broken else ("passed", "")
