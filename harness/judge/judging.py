"""Judgement: an answer held to what its step expects, and to every invariant. Pure.

Outcomes. A rule of severity ``outcome`` (``http-status``, ``prompt-blocked``, ``finish-reason``) is satisfied wherever the step
itself says what it expects there, by the checks in ``SAID_BY``: the check judges then, and nothing is told twice. What
follows from an outcome (no text after a block, cut JSON after MAX_TOKENS, no answer in a 429) is silent by the rules
themselves, which speak about whole answers only.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from harness.errors import HarnessError
from harness.judge.registry import Rule, all_rules, find_check
from harness.model import Evidence, Expectation, Mismatch, Severity, Verdict
from harness.text.patterns import TooSlow, renew

SAID_BY: Mapping[str, frozenset[str]] = {
    "http-status": frozenset(("http", "error")),
    "stream-error": frozenset(("error",)),
    "prompt-blocked": frozenset(("blockReason",)),
    "finish-reason": frozenset(("finishReason", "blockReason")),
}
"""Rule -> the checks that say what is expected there."""

_CAUSES = frozenset(("http-status", "prompt-blocked", "finish-reason", "stream-error", "json-body"))
"""Rules whose violation is why checks fail as well: told before them."""

_MOST = 20
"""Mismatches that one rule may report of one answer; a broken stream would repeat itself for ever."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """``verdicts``: one for each check that held, one for each mismatch, and every invariant violated or waived.

    ``held`` counts the other invariants.
    """

    verdicts: Sequence[Verdict]
    invariants_passed: int


class RuleViolation(NamedTuple):
    """A rule that an answer breaks. ``traceback`` is set where the rule itself broke instead; empty where it took too long."""

    rule: Rule
    mismatch: Mismatch
    severity: Severity
    traceback: str | None = None


def judge(
    evidence: Evidence, expectations: Sequence[Expectation], waive: Mapping[str, str], *, strict: bool = False
) -> Judgement:
    """Hold an answer to its expectations and to all invariants but the waived ones. ``strict`` turns warnings into errors."""
    verdicts = [verdict for expectation in expectations for verdict in _checked(evidence, expectation)]
    broken: dict[str, list[RuleViolation]] = {}
    for violation in violations(evidence):
        broken.setdefault(violation.rule.id, []).append(violation)
    for rule_id, found in broken.items():
        told = (
            [_waived(found, waive[rule_id])] if rule_id in waive else [_violated(each, strict=strict) for each in found]
        )
        verdicts = [*told, *verdicts] if rule_id in _CAUSES else [*verdicts, *told]
    return Judgement(tuple(verdicts), len(all_rules()) - len(broken))


def violations(evidence: Evidence) -> Iterator[RuleViolation]:
    """Every rule that this answer breaks, outcomes that are expected (or that nobody expects, in an audit) left out."""
    verbatim = evidence.exchange.verbatim
    for rule in all_rules().values():
        if (verbatim or not rule.of_bytes) and SAID_BY.get(rule.id, _NOBODY).isdisjoint(evidence.expects):
            yield from _broken(rule, evidence)


_NOBODY: frozenset[str] = frozenset()


def _broken(rule: Rule, evidence: Evidence) -> Iterator[RuleViolation]:
    found, broke = _asked(lambda: rule.function(evidence), _MOST)
    for mismatch in found:
        if rule.severity != "outcome":
            yield RuleViolation(rule, mismatch, mismatch.severity or rule.severity)
        elif mismatch.severity or not evidence.audit:
            yield RuleViolation(rule, mismatch, mismatch.severity or "error")
    if isinstance(broke, TooSlow):
        yield RuleViolation(rule, Mismatch("", None, None, f"the rule cannot tell: {broke}"), "error", "")
    elif broke is not None:
        said = f"the rule itself broke: {type(broke).__name__}: {broke}"
        yield RuleViolation(rule, Mismatch("", None, None, said), "error", "".join(traceback.format_exception(broke)))


def _asked(ask: Callable[[], Iterable[Mismatch]], most: int | None = None) -> tuple[list[Mismatch], Exception | None]:
    """What a check or a rule finds, in the time that it has; and what broke it, if anything did."""
    found: list[Mismatch] = []
    renew()
    try:
        found.extend(islice(ask(), most))
    except Exception as error:  # noqa: BLE001 - a broken check is a finding of its own, whatever broke it
        return found, error
    return found, None


def _checked(evidence: Evidence, expectation: Expectation) -> Iterator[Verdict]:
    name, place = expectation.check, expectation.place
    check = find_check(name)
    if check is None:
        yield Verdict(name, "error", message=f"there is no check called {name!r}", place=place)
        return
    mismatches, broke = _asked(lambda: check.function(evidence, expectation.parameter))
    for found in mismatches:
        severity = found.severity or "error"
        yield Verdict(name, "failed", severity, found.at, found.expected, found.actual, found.message, place)
    if broke is not None:
        message = str(broke) if isinstance(broke, HarnessError) else _traced("check", broke)
        yield Verdict(name, "error", expected=expectation.parameter, message=message, place=place)
    elif not mismatches:
        yield Verdict(name, "passed", expected=expectation.parameter, place=place)


def _traced(what: str, broke: Exception) -> str:
    trace = "".join(traceback.format_exception(broke))
    return f"the {what} itself broke: {type(broke).__name__}: {broke}\n{trace}"


def _violated(violation: RuleViolation, *, strict: bool) -> Verdict:
    rule, found, severity, broke = violation
    return Verdict(
        f"invariant:{rule.id}",
        "failed" if broke is None else "error",
        "error" if strict else severity,
        found.at,
        found.expected,
        found.actual,
        f"{found.message}\n{broke}" if broke else found.message,
    )


def _waived(found: Sequence[RuleViolation], reason: str) -> Verdict:
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    message = f"waived: {reason}; found: {first.mismatch.message}{more}"
    at, expected, actual = first.mismatch.at, first.mismatch.expected, first.mismatch.actual
    return Verdict(f"invariant:{first.rule.id}", "waived", first.severity, at, expected, actual, message)
