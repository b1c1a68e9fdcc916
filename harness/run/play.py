"""One trial, played: prepare, send, read, judge, for each of its steps. And many trials, a few at a time.

``play`` is a coroutine over any Transport. Over cassettes it never suspends, so ``play_all`` drives it by hand and needs no event
loop; live ones it runs in one, with as many requests in flight as the configuration says.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from harness.answer import reply as replies
from harness.answer.refusals import error_summary, is_binary
from harness.config import Config
from harness.errors import (
    BadCassette,
    CannotAsk,
    CannotJudge,
    CannotWrite,
    CassetteError,
    HarnessError,
    NetworkFault,
    NoRecording,
    NotAvailable,
    RefusedKey,
    StaleRecording,
    UsageError,
    cause,
    trace,
)
from harness.gemini.providers import api_request, build
from harness.judge.judging import FindViolations, violations
from harness.judge.registry import find_check
from harness.model import (
    Assessment,
    Evidence,
    Exchange,
    Json,
    Problem,
    Request,
    Result,
    Slot,
    Status,
    Step,
    Trial,
    Turn,
    Verdict,
)
from harness.results.rows import LARGEST, TurnRow
from harness.results.saved_turns import exchange_of
from harness.run.conversation import Conversation, ConversationEnded, gave_up, unmet
from harness.suite.template import Undefined
from harness.text.amounts import count
from harness.transport.provider_health import refused_key
from harness.transport.recorder import is_passing, refuses_key
from harness.transport.retrying import asked_wait, is_daily, is_worded_limit
from harness.transport.wrapping import Transport

COUNTS = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
)


# --- one trial ----------------------------------------------------------------------------------------


def prepare(trial: Trial, config: Config) -> Request:
    """The first request of a trial, as it would be sent. Sends nothing."""
    talk = Conversation(trial, config)
    for step in trial.steps:
        try:
            if step.sends:
                return talk.request(talk.filled(step))
            talk.follow(talk.filled(step))
        except ConversationEnded as ended:
            raise UsageError(f"{step.place}: {ended}") from None
    raise AssertionError("a case asks something: see suite.validate")


def prepared(trial: Trial, config: Config, turns: Sequence[TurnRow]) -> Iterator[Request]:
    """The requests of a trial that was played before, as they would be sent now, if it were answered the same. Sends nothing.

    Each is of use only as long as those before it are what they were. It ends where a dialect sends no ``contents``.
    """
    talk = Conversation(trial, config)
    rows = iter(enumerate(turns))
    for plan in trial.steps:
        try:
            step = talk.filled(plan)
            if not step.sends:
                talk.follow(step)
                continue
            number, row = next(rows)
            request = talk.request(step)
        except (ConversationEnded, Undefined, StopIteration):
            return
        yield request
        turn = talk.read(step, exchange_of(request, row))
        if step.call is None:
            later = [row for row in turns[number + 1 :] if isinstance(row.request, dict) and "contents" in row.request]
            content = _sent_back(later, len(talk.contents))
            if content is None:
                return
            talk.answer = content
        with suppress(ConversationEnded):
            talk.capture(turn)


def _sent_back(later: Sequence[TurnRow], at: int) -> Json:
    """The model's turn as the next request holds it, part by part as it came: the answer is saved merged. None where it does not."""
    body = later[0].request if later else None
    contents = body.get("contents") if isinstance(body, dict) else None
    return contents[at] if isinstance(contents, list) and len(contents) > at else None


def as_played(trial: Trial, config: Config) -> Trial:
    """The trial, skipped if the dialect of its provider cannot express what it asks; the reason says what."""
    try:
        provider = config.find(trial.target.provider)
        if provider.dialect == "gemini" or trial.skip is not None:
            return trial
        for step in trial.steps:
            if step.call is not None:
                api_request(provider, trial.target.model, step.call)
            else:
                turns = [*(step.script or ()), *step.contents]
                build(provider, trial.target.model, {**step.body, "contents": turns}, step.transport)
    except NotAvailable as gap:
        return replace(trial, skip=str(gap))
    except Exception:  # noqa: BLE001 - whatever it is, playing the trial meets it too, and reports it
        return trial
    return trial


async def play(
    trial: Trial, transport: Transport, config: Config, find_violations: FindViolations = violations
) -> Result:
    """Ask and judge. Never raises for what a provider, a network, a cassette or a check does: that is the result. Steps that clean up
    run whatever happened before them, also when the trial is cancelled. ``find_violations``: see `judging.judge`.

    Raises CannotWrite, since what is asked then would be lost.
    """
    trial = as_played(trial, config)
    if trial.skip is not None:
        return Result(trial, "skipped")
    talk = Conversation(trial, config, find_violations)
    problem: Problem | None = None
    try:
        for number, step in enumerate(trial.steps):
            if not step.sends:
                talk.follow(talk.filled(step))
            elif not step.cleanup:
                await _play_step(talk, transport, number, step)
    except ConversationEnded as ended:
        talk.verdicts.extend([ended.verdict] if ended.verdict else [])
    except GeneratorExit:
        raise
    except BaseException as fault:
        if isinstance(fault, CannotWrite) or not isinstance(fault, Exception):  # the latter: cancelled or interrupted
            await _clean_up(talk, transport)
            raise
        problem = _problem(talk, fault)
    await _clean_up(talk, transport)
    return _result(talk, problem or _broken_check(talk.verdicts))


def _problem(talk: Conversation, fault: Exception) -> Problem:
    """Why a trial could not be judged: whatever it is, it must not take the other trials down."""
    if isinstance(fault, (CannotAsk, CassetteError)):
        message = f"{fault}{_remedy(talk.trial, fault, talk.config.repeated)}"
        return Problem("ask", message, None, cause(fault))
    if isinstance(fault, HarnessError):
        return Problem("suite", str(fault), None, cause(fault))
    return Problem("internal", f"{type(fault).__name__}: {fault}", trace(fault))


def slot_of(trial: Trial, number: int) -> Slot:
    """The place on tape of the answer to a step, from 0."""
    return Slot(trial.cassette, trial.row, trial.attempt - 1, number, own=trial.own)


async def _play_step(talk: Conversation, transport: Transport, number: int, plan: Step) -> None:
    """Ask, and ask again where the step polls; then let its checks ask, and judge."""
    trial, step = talk.trial, talk.filled(plan)
    request = talk.request(step)
    slot = slot_of(trial, number)
    poll = step.call.poll if step.call else None
    exchange = await transport.send(request, slot)
    while poll and slot.part + 1 < poll.most and unmet(poll, exchange):
        if exchange.provenance.mode == "live":
            import asyncio

            await asyncio.sleep(poll.every)
        slot = replace(slot, part=slot.part + 1)
        exchange = await transport.send(request, slot)
    turn = talk.read(step, exchange)
    _refuse_passing(turn, talk.config)
    talk.judge(turn, await _assessed(talk, transport, slot, turn))
    talk.capture(turn)
    if poll and (verdict := gave_up(turn, poll)):
        raise ConversationEnded(verdict)


async def _assessed(talk: Conversation, transport: Transport, slot: Slot, turn: Turn) -> Evidence:
    """The evidence of a turn, with the answers to what its checks ask. Raises what `_refuse_passing` raises."""
    evidence = talk.evidence(turn)
    answers: dict[str, list[Assessment]] = {}
    for part, (check, target, request) in enumerate(talk.questions(evidence, turn), slot.part + 1):
        try:
            exchange = await transport.send(request, replace(slot, part=part))
            reply = replies.read(exchange)
            _refuse_passing(Turn(turn.step, request, exchange, reply), talk.config)
        except (NetworkFault, RefusedKey) as fault:
            raise type(fault)(f"the check {check} asks {target}: {fault}") from fault
        assessment = Assessment(target, exchange, reply, talk.price(exchange, reply))
        answers.setdefault(check, []).append(assessment)
    return replace(evidence, assessments=answers) if answers else evidence


async def _clean_up(talk: Conversation, transport: Transport) -> None:
    """Play the steps that clean up. What fails is a warning; what there is nothing to clean up of is left out."""
    for number, step in enumerate(talk.trial.steps):
        if not step.cleanup:
            continue
        before = len(talk.verdicts)
        try:
            await _play_step(talk, transport, number, step)
        except Undefined:
            continue
        except ConversationEnded as ended:
            talk.verdicts.extend([ended.verdict] if ended.verdict else [])
        except CannotWrite:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, the other calls clean up too
            message = str(fault) if isinstance(fault, HarnessError) else f"{type(fault).__name__}: {fault}"
            talk.verdicts.append(Verdict("finally", "failed", message=message, place=step.place))
        talk.verdicts[before:] = [replace(verdict, severity="warn") for verdict in talk.verdicts[before:]]


def _refuse_passing(turn: Turn, config: Config) -> None:
    """Raises NetworkFault or RefusedKey where the answer says nothing about the feature, unless the case asks for just that."""
    exchange = turn.exchange
    if exchange.fault is not None:
        unread = is_binary(exchange.content, encoded=True)
        broke = exchange.fault if unread else f"the answer broke off: {exchange.fault}"
        raise NetworkFault(f"{turn.request.url}: HTTP {exchange.status}: {broke}")
    if exchange.status in turn.request.expects_status:
        return
    if refuses_key(exchange):
        why = refused_key(config.find(turn.request.provider))
        raise RefusedKey(f"{error_summary(exchange, turn.reply)}\n{why}")
    if is_worded_limit(exchange, turn.reply.text):
        raise NetworkFault(f"HTTP {exchange.status}, yet its text is a rate limit: {' '.join(turn.reply.text.split())}")
    if is_passing(exchange.status):
        summary, tries = error_summary(exchange, turn.reply).rstrip("."), count(exchange.attempts, "attempt")
        raise NetworkFault(f"{summary}; given up after {tries}{_why_no_more(exchange, config.timeouts.wait)}")


def _why_no_more(exchange: Exchange, longest: float) -> str:
    """Why a request was not sent again, where the answer says so."""
    if is_daily(exchange):
        return "; that is a quota of the day"
    wait = asked_wait(exchange)
    if exchange.provenance.mode != "live" or wait is None or wait <= longest:
        return ""
    return f"; it asks for a wait of {wait:,.0f} s, and `timeouts.wait` of the configuration allows {longest:g} s"


def _remedy(trial: Trial, fault: Exception, repeated: Sequence[str]) -> str:
    if isinstance(fault, BadCassette) and isinstance(fault.__cause__, PermissionError):
        return "\nallow this user to read it"
    if isinstance(fault, BadCassette):
        return "\nit is never overwritten: repair it, or remove it and record again"
    if not isinstance(fault, (NoRecording, StaleRecording)):
        return ""
    mode = "stale" if isinstance(fault, StaleRecording) else "new_episodes"
    command = " ".join(map(shlex.quote, ("gemini-harness", "run", trial.place.file, "-k", trial.group, *repeated)))
    return f"\nrecord it: {command} --record-mode {mode}"


def _broken_check(verdicts: Sequence[Verdict]) -> Problem | None:
    """A check that could not judge makes the trial an error, whatever else was found."""
    for verdict in verdicts:
        if verdict.status == "error" and verdict.severity == "error":
            if verdict.reason == cause(CannotJudge()):
                return Problem("unknown", verdict.message, None, verdict.reason)
            ours = verdict.check.startswith("invariant:") and "Traceback" in verdict.message
            return Problem("internal" if ours else "suite", verdict.message, None)
    return None


def _result(talk: Conversation, problem: Problem | None) -> Result:
    asked = [turn for turn in talk.turns if not turn.step.cleanup]
    found = {**measures(asked), **judged(talk.assessments)}
    if problem and problem.kind == "ask":
        found |= dict.fromkeys(("latency_s", "ttft_s", "gap_s"))  # a refusal is quick, and says nothing of answers
    return Result(
        trial=talk.trial,
        status="error" if problem else status_of(talk.trial, talk.verdicts),
        verdicts=tuple(talk.verdicts),
        invariants_passed=talk.invariants_passed,
        measures=found,
        provenance=asked[-1].exchange.provenance if asked else None,
        problem=problem,
        turns=tuple(talk.turns),
    )


def status_of(trial: Trial, verdicts: Iterable[Verdict]) -> Status:
    """The status of a trial that could be judged."""
    failed = any(verdict.status == "failed" and verdict.severity == "error" for verdict in verdicts)
    if trial.xfail is not None:
        return "xfailed" if failed else "xpassed"
    return "failed" if failed else "passed"


# --- measures -----------------------------------------------------------------------------------------


def measures(turns: Sequence[Turn]) -> dict[str, float | int | None]:
    """Seconds, tokens and dollars over the turns of the conversation: summed, but of ``ttft_s`` and ``gap_s`` the worst. The dollars
    are those of other calls too.

    ``retries`` is there if a request was sent more than once. Absent counts of an answer that has usage are 0; without usage they are not known.
    """
    dollars = _over(_whole, [turn.bill.dollars for turn in turns])
    turns = [turn for turn in turns if turn.step.call is None] or turns
    found: dict[str, float | int | None] = {
        "latency_s": _over(sum, [turn.exchange.latency for turn in turns]),
        "ttft_s": _over(max, [turn.reply.ttft for turn in turns]),
        "gap_s": _over(max, [_gap(turn.exchange) for turn in turns]),
        "chunks": _over(sum, [len(turn.reply.events) for turn in turns]),
    }
    for name in COUNTS:
        found[name] = _over(sum, [turn.reply.count(name) if turn.reply.usage else None for turn in turns])
    retries = sum(turn.exchange.attempts - 1 for turn in turns)
    return {**found, "cost_usd": dollars, **({"retries": retries} if retries else {})}


def judged(assessments: Mapping[str, Sequence[Assessment]]) -> dict[str, float | int | None]:
    """What checks that ask found: the number of each, how many requests they sent, and what these cost in US dollars."""
    if not assessments:
        return {}
    found: dict[str, float | int | None] = {}
    for name, answers in assessments.items():
        check = find_check(name)
        if check is not None and check.asking is not None:
            found[check.asking.measure] = check.asking.value(answers)
    everything = [answer for answers in assessments.values() for answer in answers]
    cost = _over(_whole, [answer.bill.dollars for answer in everything])
    return {**found, "judge_requests": len(everything), "judge_cost_usd": cost}


def _whole(dollars: Sequence[float]) -> float:
    return round(sum(dollars), 12)


def _over(reduce: Callable[[Any], Any], values: Sequence[float | None]) -> float | None:
    found = None if not values or None in values else values[0] if len(values) == 1 else reduce(values)
    return found if found is None or abs(found) <= LARGEST else None


def _gap(exchange: Exchange) -> float | None:
    """The longest wait between two chunks; None for fewer than two, and where timing was lost."""
    if exchange.provenance.timing == "lost" or len(exchange.chunks) < 2:
        return None
    return max(later.at - earlier.at for earlier, later in pairwise(exchange.chunks))


# --- many trials --------------------------------------------------------------------------------------

T = TypeVar("T")


class SpendingLimit(Protocol):
    """Decides whether a trial may start, and counts what it cost: see ``budget``."""

    async def admit(self, trial: Trial) -> bool: ...
    def settle(self, result: Result) -> None: ...


class Stop(Exception):
    """Raised by ``on_result`` to play no further trials; what is in flight is cancelled."""


def play_all(
    trials: Iterable[Trial],
    transport: Transport,
    config: Config,
    on_result: Callable[[Result], None],
    *,
    limit: SpendingLimit | None = None,
    find_violations: FindViolations = violations,
) -> bool:
    """Play every trial and hand each result to ``on_result`` as soon as there is one. True: all were played.

    Trials are taken from the iterable as they are needed, so memory does not grow with their number. Ctrl-C cancels what
    is in flight, and raises KeyboardInterrupt. A transport with ``live = True`` is run in an event loop, up to
    ``config.concurrency`` trials at a time, so a result may overtake an earlier one; it is entered and left there. All others
    are played in order, without a loop. A trial that the ``limit`` does not admit is not started, nor is any after it; what is
    in flight then is finished.
    """
    try:
        if getattr(transport, "live", False):
            from harness.run.concurrency import play_some, stage

            one = partial(pay_and_play, transport=transport, config=config, limit=limit)
            with stage(transport) as runner:  # type: ignore[arg-type]
                runner.run(play_some(one, trials, on_result, config.concurrency))
        else:
            for trial in trials:
                on_result(finish(play(trial, transport, config, find_violations)))
    except Stop:
        return False
    return True


async def pay_and_play(trial: Trial, transport: Transport, config: Config, limit: SpendingLimit | None) -> Result:
    """One trial within the limit. Raises Stop where the limit does not admit it."""
    if limit is not None and not await limit.admit(trial):
        raise Stop
    result = await play(trial, transport, config)
    if limit is not None:
        limit.settle(result)
    return result


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("a transport that suspends needs an event loop: it must say `live = True`")
