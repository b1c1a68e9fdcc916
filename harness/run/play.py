"""One trial, played: prepare, send, read, judge, for each of its steps. And many trials, a few at a time.

``play`` is a coroutine over any Transport. Over cassettes it never suspends, so ``play_all`` drives it by hand and a replay
needs no event loop; live it runs them in one, with as many requests in flight as the configuration says.
"""

from __future__ import annotations

import json
import shlex
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness.answer import reply as replies
from harness.answer.refusals import error_summary, is_binary
from harness.config import Config
from harness.errors import (
    BadCassette,
    CannotAsk,
    CannotWrite,
    CassetteError,
    HarnessError,
    NetworkFault,
    NoRecording,
    StaleRecording,
)
from harness.gemini.prices import bill
from harness.gemini.providers import build
from harness.judge.judging import judge
from harness.judge.predicates import holds
from harness.model import (
    Chunk,
    Evidence,
    Exchange,
    Expectation,
    Json,
    Problem,
    Provenance,
    Reply,
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
from harness.suite.template import fill
from harness.text import jsonpath, patterns
from harness.transport.provider_health import is_daily
from harness.transport.recorder import is_passing, refuses_key

COUNTS = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
)

PASSING = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    408: "CANCELLED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The API's names for the HTTP statuses that may say nothing about a feature (400 and 403 where it is the key that is refused)."""


class Transport(Protocol):
    """Whatever turns a request into an exchange: ``Player``, ``Recorder``, ``Wire``."""

    async def send(self, request: Request, slot: Slot) -> Exchange: ...


class MissRecorder:
    """A transport that notes the places (cassette, row, attempt from 0) where it failed for a reason that ``counts``."""

    def __init__(self, inner: Any, places: set[tuple[Path, int, int]], counts: Callable[[HarnessError], bool]) -> None:
        self._inner = inner
        self._places = places
        self._counts = counts
        self.live = getattr(inner, "live", False)

    async def send(self, request: Request, slot: Slot) -> Exchange:
        try:
            exchange: Exchange = await self._inner.send(request, slot)
        except HarnessError as fault:
            if self._counts(fault):
                self._places.add((slot.cassette, slot.row, slot.repeat))
            raise
        return exchange

    async def __aenter__(self) -> Any:
        return await self._inner.__aenter__()

    async def __aexit__(self, *reason: Any) -> Any:
        return await self._inner.__aexit__(*reason)


class _Broken(Exception):
    """The conversation cannot go on, and that is the answer's doing: holds the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.message)


# --- one trial ----------------------------------------------------------------------------------------


def prepare(trial: Trial, config: Config) -> Request:
    """The first request of a trial, as it would be sent. Sends nothing."""
    return _Conversation(trial, config).request(0)


def prepared(trial: Trial, config: Config, turns: Sequence[TurnRow]) -> Iterator[Request]:
    """The requests of a trial that was played before, as they would be sent now, if it were answered the same. Sends nothing.

    Each is of use only as long as those before it are what they were. It ends where a dialect sends no ``contents``.
    """
    talk = _Conversation(trial, config)
    for number, turn in enumerate(turns):
        try:
            request = talk.request(number)
        except _Broken:
            return
        yield request
        content = _sent_back(turns[number + 1 :], len(talk.contents))
        if content is None:
            return
        talk.turns.append(_played(talk.filled(trial.steps[number]), request, turn, content))


def _sent_back(later: Sequence[TurnRow], at: int) -> Json:
    """The model's turn as the next request holds it, part by part as it came: the answer is saved merged. None where it does not."""
    body = later[0]["request"] if later else None
    contents = body.get("contents") if isinstance(body, dict) else None
    return contents[at] if isinstance(contents, list) and len(contents) > at else None


def _played(step: Step, request: Request, turn: TurnRow, content: Json) -> Turn:
    """A turn that was saved, as far as the next request looks at it."""
    raw = json.dumps(turn["response"]).encode()
    exchange = Exchange(request, turn["status"], {}, [Chunk(raw, 0.0)], None, Provenance("replay", ""))
    return Turn(step, request, exchange, replace(replies.read(exchange), content=content))


async def play(trial: Trial, transport: Transport, config: Config) -> Result:
    """Ask and judge. Never raises for what a provider, a network, a cassette or a check does: that is the result.

    Raises CannotWrite, since what is asked then would be lost.
    """
    if trial.skip is not None:
        return Result(trial, "skipped")
    talk = _Conversation(trial, config)
    try:
        for number in range(len(trial.steps)):
            request = talk.request(number)
            exchange = await transport.send(request, Slot(trial.cassette, trial.row, trial.attempt - 1, number))
            talk.take(number, exchange)
    except _Broken as broken:
        talk.verdicts.append(broken.verdict)
    except CannotWrite:
        raise
    except (CannotAsk, CassetteError) as fault:
        return talk.result(Problem("ask", f"{fault}{_remedy(trial, fault, config.repeated)}"))
    except HarnessError as fault:
        return talk.result(Problem("suite", str(fault)))
    except Exception as fault:  # noqa: BLE001 - whatever it is, it must not take the other trials down
        return talk.result(Problem("internal", f"{type(fault).__name__}: {fault}", traceback.format_exc()))
    return talk.result(talk.broken_check())


def _refuse_passing(turn: Turn) -> None:
    """Raises NetworkFault where the answer says nothing about the feature, unless the case asks for just that."""
    exchange = turn.exchange
    if exchange.fault is not None:
        unread = is_binary(exchange.content, encoded=True)
        broke = exchange.fault if unread else f"the answer broke off: {exchange.fault}"
        raise NetworkFault(f"{turn.request.url}: HTTP {exchange.status}: {broke}")
    if exchange.status in turn.request.expects_status:
        return
    if refuses_key(exchange):
        key = f"provider {turn.request.provider!r} refuses the key: is it the right one?"
        raise NetworkFault(f"{error_summary(exchange, turn.reply)}\n{key}")
    if is_passing(exchange.status):
        daily = "; that is a quota of the day" if is_daily(exchange) else ""
        raise NetworkFault(f"{error_summary(exchange, turn.reply)} after {_attempts(exchange.attempts)}{daily}")


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def _remedy(trial: Trial, fault: Exception, repeated: Sequence[str]) -> str:
    if isinstance(fault, BadCassette):
        return "\nit is never overwritten: repair it, or remove it and record again"
    if not isinstance(fault, (NoRecording, StaleRecording)):
        return ""
    mode = "stale" if isinstance(fault, StaleRecording) else "new_episodes"
    command = " ".join(map(shlex.quote, ("gemini-harness", "run", trial.place.file, "-k", trial.group, *repeated)))
    return f"\nrecord it: {command} --record-mode {mode}"


@dataclass(slots=True)
class _Conversation:
    """The turns of one trial so far, and their verdicts."""

    trial: Trial
    config: Config
    contents: list[Json] = field(default_factory=list)
    captures: dict[str, Json] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    invariants_passed: int = 0

    def request(self, number: int) -> Request:
        """The next request; the conversation then holds its contents. Raises _Broken where no next turn is possible."""
        if number:
            self._go_on(self.turns[-1], self.trial.steps[number])
        step = self.filled(self.trial.steps[number])
        if step.replies is not None:
            self.contents.append(_answers(step, self.turns[-1].reply))
        self.contents.extend(step.contents)
        body = {**step.body, "contents": list(self.contents)}
        provider = self.config.find(self.trial.target.provider)
        return build(provider, self.trial.target.model, body, step.transport, expected_statuses(step.expect))

    def _go_on(self, last: Turn, step: Step) -> None:
        if last.reply.content is None:
            raise _Broken(
                _verdict(step, "turns", "an answer to go on from", None, "the model gave no turn to go on from")
            )
        for name, path in last.step.capture.items():
            self.captures[name] = _captured(step, name, path, last.reply)
        self.contents.append(last.reply.content)

    def filled(self, step: Step) -> Step:
        """The step with ``${capture.name}`` filled in."""
        if not self.captures:
            return step
        scope = {"capture": self.captures}
        return replace(
            step,
            body=fill(step.body, scope),
            contents=fill(step.contents, scope),
            replies=fill(step.replies, scope),
            expect=[replace(line, parameter=fill(line.parameter, scope)) for line in step.expect],
        )

    def take(self, number: int, exchange: Exchange) -> None:
        """Read, price and judge the answer to a request. Raises NetworkFault: see ``_refuse_passing``."""
        reply = replies.read(exchange)
        cost = bill(exchange, reply, self.config.tariff(exchange.request.provider))
        turn = Turn(self.filled(self.trial.steps[number]), exchange.request, exchange, reply, cost)
        self.turns.append(turn)
        _refuse_passing(turn)
        self._judge(turn)

    def _judge(self, turn: Turn) -> None:
        step = turn.step
        evidence = Evidence(
            exchange=turn.exchange,
            reply=turn.reply,
            request_body=turn.request.body,
            model=self.trial.target.model,
            transport=turn.request.transport,
            expects={line.check: line.parameter for line in step.expect},
            folder=self.trial.folder,
            earlier=tuple(self.turns[:-1]),
            bill=turn.bill,
        )
        judgement = judge(evidence, step.expect, self.trial.waive)
        self.verdicts.extend(judgement.verdicts)
        self.invariants_passed += judgement.invariants_passed

    def broken_check(self) -> Problem | None:
        """A check that could not judge makes the trial an error, whatever else was found."""
        for verdict in self.verdicts:
            if verdict.status == "error":
                ours = verdict.check.startswith("invariant:") and "Traceback" in verdict.message
                return Problem("internal" if ours else "suite", verdict.message)
        return None

    def result(self, problem: Problem | None) -> Result:
        return Result(
            trial=self.trial,
            status="error" if problem else self._status(),
            verdicts=tuple(self.verdicts),
            invariants_passed=self.invariants_passed,
            measures=measures(self.turns),
            provenance=self.turns[-1].exchange.provenance if self.turns else None,
            problem=problem,
            turns=tuple(self.turns),
        )

    def _status(self) -> Status:
        failed = any(verdict.status == "failed" and verdict.severity == "error" for verdict in self.verdicts)
        if self.trial.xfail is not None:
            return "xfailed" if failed else "xpassed"
        return "failed" if failed else "passed"


# --- what goes into the next turn ---------------------------------------------------------------------


def _answers(step: Step, reply: Reply) -> Json:
    """The user's turn that answers every function call of the last answer, ids echoed."""
    assert step.replies is not None
    called = [str(call.get("name")) for call in reply.function_calls]
    unanswered = [name for name in called if name not in step.replies]
    uncalled = [name for name in step.replies if name not in called]
    if uncalled or unanswered:
        calls = f"called {', '.join(called)}" if called else "called no function"
        wanted = ", ".join(step.replies)
        raise _Broken(
            _verdict(step, "turns", list(step.replies), called, f"the next turn replies to {wanted}, the model {calls}")
        )
    return {
        "role": "user",
        "parts": [_response(call, step.replies[str(call["name"])]) for call in reply.function_calls],
    }


def _response(call: Mapping[str, Json], value: Json) -> Json:
    answer = {"name": call["name"], "response": value if isinstance(value, Mapping) else {"result": value}}
    return {"functionResponse": {"id": call["id"], **answer} if "id" in call else answer}


def _verdict(step: Step, check: str, expected: Json, actual: Json, message: str) -> Verdict:
    return Verdict(check, "failed", expected=expected, actual=actual, message=message, place=step.place)


def _captured(step: Step, name: str, path: str, reply: Reply) -> Json:
    patterns.reset_time_limit()
    found = jsonpath.find(path, reply.response)
    if not found:
        raise _Broken(_verdict(step, "capture", path, None, f"nothing at {path} to capture as {name}"))
    return found[0][1]


def expected_statuses(expectations: Sequence[Expectation]) -> frozenset[int]:
    """The HTTP statuses that a step itself asks for, in its ``http`` and ``error`` expectations."""
    found: set[int] = set()
    for expectation in expectations:
        if expectation.check == "http":
            found |= {
                status
                for status in (*PASSING, *_numbers(expectation.parameter))
                if holds(status, expectation.parameter)
            }
        if expectation.check == "error" and isinstance(expectation.parameter, Mapping):
            found |= _of_error(expectation.parameter)
    return frozenset(found)


def _of_error(parameter: Mapping[str, Json]) -> set[int]:
    code, name = parameter.get("code"), parameter.get("status")
    if code is None and name is None:
        return set()
    return {
        status
        for status, its_name in PASSING.items()
        if (code is None or holds(status, code)) and (name is None or holds(its_name, name))
    }


def _numbers(parameter: Json) -> Iterator[int]:
    if isinstance(parameter, int) and not isinstance(parameter, bool):
        yield parameter
    elif isinstance(parameter, (list, Mapping)):
        for value in parameter.values() if isinstance(parameter, Mapping) else parameter:
            yield from _numbers(value)


# --- measures -----------------------------------------------------------------------------------------


def measures(turns: Sequence[Turn]) -> dict[str, float | int | None]:
    """Seconds, tokens and dollars over all turns: summed, but of ``ttft_s`` and ``gap_s`` the worst.

    Absent counts of an answer that has usage are 0; without usage they are not known.
    """
    found: dict[str, float | int | None] = {
        "latency_s": _over(sum, [turn.exchange.latency for turn in turns]),
        "ttft_s": _over(max, [turn.reply.ttft for turn in turns]),
        "gap_s": _over(max, [_gap(turn.exchange) for turn in turns]),
        "chunks": _over(sum, [len(turn.reply.events) for turn in turns]),
    }
    for name in COUNTS:
        found[name] = _over(sum, [turn.reply.count(name) if turn.reply.usage else None for turn in turns])
    return {**found, "cost_usd": _over(_whole, [turn.bill.dollars for turn in turns])}


def _whole(dollars: Sequence[float]) -> float:
    return round(sum(dollars), 12)


def _over(reduce: Callable[[Any], Any], values: Sequence[float | None]) -> float | None:
    found = None if not values or None in values else reduce(values)
    return found if found is None or abs(found) <= LARGEST else None


def _gap(exchange: Exchange) -> float | None:
    """The longest wait between two chunks; None for fewer than two, and where timing was lost."""
    if exchange.provenance.timing == "lost" or len(exchange.chunks) < 2:
        return None
    return max(later.at - earlier.at for earlier, later in pairwise(exchange.chunks))


# --- many trials --------------------------------------------------------------------------------------

T = TypeVar("T")
OnResult = Callable[[Any], None]
Keep = Callable[[Result], Any]


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
    on_result: OnResult,
    *,
    fail_fast: bool = False,
    limit: SpendingLimit | None = None,
    keep: Keep = lambda result: result,
) -> bool:
    """Play every trial and hand each result to ``on_result``, in the order of ``trials``. True: all were played.

    ``keep`` gets each result as soon as there is one, whatever it is that still waits for its turn; what it returns is
    handed over in the result's place.

    Trials are taken from the iterable as they are needed, so memory does not grow with their number. Ctrl-C cancels what
    is in flight, hands over what was finished, and raises KeyboardInterrupt. A transport with ``live = True`` is run in an
    event loop, up to ``config.concurrency`` trials at a time, and is entered and left there; all others without one.
    A trial that the ``limit`` does not admit is not started, nor is any after it; what is in flight then is finished.
    """
    deliver = _until_failure(on_result) if fail_fast else on_result
    try:
        if getattr(transport, "live", False):
            from harness.run.concurrency import Stage, play_some

            with Stage(transport) as stage:  # type: ignore[arg-type]
                one = partial(_play_within, transport=transport, config=config, limit=limit, keep=keep)
                stage.run(play_some(one, trials, deliver, config.concurrency))
        else:
            for trial in trials:
                deliver(keep(finish(play(trial, transport, config))))
    except Stop:
        return False
    return True


async def _play_within(
    trial: Trial, *, transport: Transport, config: Config, limit: SpendingLimit | None, keep: Keep
) -> Any:
    """``play``, within the limit; what ``keep`` makes of the result. Raises Stop where the limit does not admit the trial."""
    if limit is not None and not await limit.admit(trial):
        raise Stop
    result = await play(trial, transport, config)
    if limit is not None:
        limit.settle(result)
    return keep(result)


async def pay_and_play(trial: Trial, transport: Transport, config: Config, limit: SpendingLimit | None) -> Result:
    """One trial within the limit. Raises Stop where the limit does not admit it."""
    result: Result = await _play_within(
        trial, transport=transport, config=config, limit=limit, keep=lambda result: result
    )
    return result


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError("a transport that suspends needs an event loop: it must say `live = True`")


def _until_failure(on_result: OnResult) -> OnResult:
    def deliver(result: Result) -> None:
        on_result(result)
        if result.status in ("failed", "error", "xpassed"):
            raise Stop

    return deliver
