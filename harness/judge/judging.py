"""Judges an answer by what its step expects, and by every invariant. No side effects.

Outcomes: a rule of severity ``outcome`` (``http-status``, ``prompt-blocked``, ``finish-reason``) does not apply where the step
states what it expects there, with a check that the rule is ``stated_by``. The check judges instead, so that one fault is reported once.
What follows from an outcome (no text after a block, truncated JSON after MAX_TOKENS, no answer in a 429) is not reported
either, because those rules apply to complete answers only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from harness.answer import reply
from harness.errors import CannotJudge, HarnessError, cause, trace
from harness.gemini.providers import is_chat
from harness.judge.invariants.request_fields import is_stream, subjects
from harness.judge.registry import FAILURE, GENERATING, SEVERAL_EVENTS, STREAM, Rule, all_rules, find_check
from harness.model import Evidence, Expectation, Mismatch, Severity, Verdict
from harness.text.grouping import grouped
from harness.text.jsontext import keys_in
from harness.text.patterns import TooSlow, reset_time_limit

_MAX_MISMATCHES = 20
"""The most mismatches that one rule reports of one answer. A broken stream could repeat the same one thousands of times."""


class Judgement(Struct, frozen=True):
    """``verdicts``: one for each check that passed, one for each mismatch, and every invariant violated or waived.

    ``invariants_passed`` counts the other invariants.
    """

    verdicts: Sequence[Verdict]
    invariants_passed: int


class RuleViolation(NamedTuple):
    """A rule that an answer breaks. ``traceback`` is set if the rule itself raised an error; it is empty if it timed out."""

    rule: Rule
    mismatch: Mismatch
    severity: Severity
    traceback: str | None = None

    @property
    def message(self) -> str:
        """What is wrong, with the traceback if there is one."""
        return f"{self.mismatch.message}\n{self.traceback}" if self.traceback else self.mismatch.message


def violations(evidence: Evidence) -> Iterator[RuleViolation]:
    """Every rule for this answer that it breaks. Outcomes are left out if the step expects them, and in an audit."""
    alone = [(0, evidence, subjects(evidence))]
    several = ((index, replace(evidence, reply=one, memo={})) for index, one in reply.by_candidate(evidence.reply))
    candidates = [(index, case, subjects(case)) for index, case in several] or alone
    fields = keys_in((evidence.reply.response, evidence.request_body))
    fields |= {SEVERAL_EVENTS} if len(evidence.reply.events) > 1 else set()
    fields |= {FAILURE} if evidence.exchange.status != 200 or evidence.reply.error is not None else set()
    fields |= {STREAM, evidence.operation} if is_stream(evidence) or evidence.reply.faults else {evidence.operation}
    about, registered = _about(evidence)
    known, stated = _needed(registered) & fields, frozenset(evidence.expects)
    for rule in _applicable(about, registered, known, stated, verbatim=evidence.exchange.verbatim):
        for index, case, is_of in candidates if rule.per_candidate else alone:
            if rule.of not in is_of:
                continue
            found, error = _collect(rule.function, case, _MAX_MISMATCHES)
            if found or error:
                named = [_of_candidate(mismatch, index) for mismatch in found] if index else found
                yield from _violations_of(rule, named, error, audit=evidence.audit)


FindViolations = Callable[[Evidence], Iterable[RuleViolation]]
"""``violations``, or another way to the same."""


def judge(
    evidence: Evidence,
    expectations: Sequence[Expectation],
    waive: Mapping[str, str],
    find_violations: FindViolations = violations,
) -> Judgement:
    """Judge an answer by its expectations and by all invariants.

    ``waive`` maps the id of an invariant to the reason for which it may be violated.
    """
    verdicts = [verdict for expectation in expectations for verdict in _verdicts(evidence, expectation)]
    broken = grouped(find_violations(evidence), lambda violation: violation.rule.id)
    for rule_id, found in broken.items():
        if rule_id in waive:
            new = [_waived_verdict(found, waive[rule_id])]
        else:
            new = [_violation_verdict(violation) for violation in found]
        verdicts = [*new, *verdicts] if found[0].rule.is_cause else [*verdicts, *new]
    return Judgement(tuple(verdicts), len(_rules(*_about(evidence))) - len(broken))


def _of_candidate(found: Mismatch, index: int) -> Mismatch:
    """The mismatch with the number of the candidate, which is not the first."""
    at = found.at.replace("candidates[0]", f"candidates[{index}]")
    place = at if at != found.at else f"candidates[{index}].{at}"
    return replace(found, at=place, message=f"candidate {index}: {found.message}")


def _about(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    """The dialect of an answer, empty for a call that is no ``generateContent``; and the rules that are registered."""
    if is_chat(evidence.exchange.request.url):
        return "openai", tuple(all_rules())
    return "gemini" if evidence.operation in GENERATING else "", tuple(all_rules())


@lru_cache
def _rules(dialect: str, registered: tuple[str, ...]) -> Sequence[Rule]:
    """Those of the registered rules that are about an answer in this dialect."""
    rules = map(all_rules().__getitem__, registered)
    return [rule for rule in rules if (rule.dialect in (None, dialect) if dialect else rule.any_call)]


@lru_cache
def _needed(registered: tuple[str, ...]) -> frozenset[str]:
    """The fields that some of the registered rules need."""
    return frozenset().union(*(rule.needs for rule in map(all_rules().__getitem__, registered)))


@lru_cache(1000)
def _applicable(
    dialect: str, registered: tuple[str, ...], fields: frozenset[str], stated: frozenset[str], *, verbatim: bool
) -> Sequence[Rule]:
    """The rules that may find something in an answer with these fields, where the step states these checks. Most answers of a run
    have the same ones."""
    return [
        rule
        for rule in _rules(dialect, registered)
        if not (rule.needs and rule.needs.isdisjoint(fields))
        and rule.stated_by.isdisjoint(stated)
        and (verbatim or not rule.of_bytes)
    ]


def _violations_of(
    rule: Rule, found: Iterable[Mismatch], error: Exception | None, *, audit: bool
) -> Iterator[RuleViolation]:
    for mismatch in found:
        if rule.severity != "outcome":
            yield RuleViolation(rule, mismatch, mismatch.severity or rule.severity)
        elif mismatch.severity or not audit:
            yield RuleViolation(rule, mismatch, mismatch.severity or "error")
    if isinstance(error, TooSlow):
        yield RuleViolation(rule, Mismatch("", None, None, f"the rule cannot judge: {error}"), "error", "")
    elif error is not None:
        message = f"the rule itself broke: {type(error).__name__}: {error}"
        yield RuleViolation(rule, Mismatch("", None, None, message), "error", trace(error))


def _collect(
    function: Callable[[Evidence], Iterable[Mismatch]], evidence: Evidence, most: int | None = None
) -> tuple[list[Mismatch], Exception | None]:
    """What a check or a rule finds, and the exception that ended it, if there was one."""
    found: list[Mismatch] = []
    reset_time_limit()
    try:
        for mismatch in function(evidence):  # most rules find nothing: to cut the sequence takes as long as to judge
            found.append(mismatch)
            if len(found) == most:
                break
    except Exception as error:  # noqa: BLE001 - a broken check is a finding of its own, whatever broke it
        return found, error
    return found, None


def _verdicts(evidence: Evidence, expectation: Expectation) -> Iterator[Verdict]:
    name, place = expectation.check, expectation.place
    check = find_check(name)
    if check is None:
        yield Verdict(name, "error", message=f"there is no check called {name!r}", place=place)
        return
    mismatches, error = _collect(lambda of: check.function(of, expectation.parameter), evidence)
    for found in mismatches:
        severity = found.severity or "error"
        yield Verdict(
            name, "failed", severity, found.at, found.expected, found.actual, found.message, place, found.reason
        )
    if error is not None:
        broke = f"the check itself broke: {type(error).__name__}: {error}\n{trace(error)}"
        message = str(error) if isinstance(error, HarnessError) else broke
        reason = cause(error) if isinstance(error, CannotJudge) else ""
        yield Verdict(name, "error", expected=expectation.parameter, message=message, place=place, reason=reason)
    elif not mismatches:
        yield Verdict(name, "passed", expected=expectation.parameter, place=place)


def _violation_verdict(violation: RuleViolation) -> Verdict:
    rule, found, severity, traceback = violation
    return Verdict(
        f"invariant:{rule.id}",
        "failed" if traceback is None else "error",
        severity,
        found.at,
        found.expected,
        found.actual,
        violation.message,
        reason=found.reason,
    )


def _waived_verdict(found: Sequence[RuleViolation], reason: str) -> Verdict:
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    message = f"{reason}; found: {first.mismatch.message}{more}"
    return replace(_violation_verdict(first), status="waived", message=message, reason="")
