"""The conversation of one trial: makes its requests one after the other, and judges the answers. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from harness.answer import reply as replies
from harness.config import Config
from harness.errors import NotAvailable, UsageError
from harness.gemini import media
from harness.gemini.definition import answer_of
from harness.gemini.prices import bill
from harness.gemini.providers import api_request, build, native_body
from harness.judge.judging import FindViolations, judge, violations
from harness.judge.predicates import ABSENT, Absent, holds
from harness.judge.registry import find_check
from harness.model import (
    ApiCall,
    Assessment,
    Bill,
    Evidence,
    Exchange,
    Expectation,
    Json,
    Poll,
    Question,
    Reply,
    Request,
    Step,
    Target,
    Trial,
    Turn,
    Verdict,
)
from harness.suite import turns
from harness.suite.template import as_text, fill
from harness.text import jsonpath, patterns
from harness.text.amounts import count
from harness.text.jsontext import values_in
from harness.text.project import Project, Unreadable

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


_EXCERPT = 120
"""Characters of an answer that a message quotes."""


class ConversationEnded(Exception):
    """The conversation cannot go on, because of an answer. ``verdict``: None if the reason is among the verdicts already."""

    def __init__(self, verdict: Verdict | None) -> None:
        self.verdict = verdict
        super().__init__(verdict.message if verdict else "")


class Conversation(Struct):
    """The turns of one trial so far, and their verdicts."""

    trial: Trial
    config: Config
    find_violations: FindViolations = violations
    contents: list[Json] = field(default_factory=list)
    captures: dict[str, Json] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    invariants_passed: int = 0
    assessments: dict[str, list[Assessment]] = field(default_factory=dict)
    """Check -> every answer to its questions."""
    answer: Json = None
    """The model's last turn, which goes into the next request."""
    _calls: Sequence[Mapping[str, Json]] = ()
    """The function calls of that turn."""
    _asked: bool = False

    # requests

    def request(self, step: Step) -> Request:
        """The next request, for a step that is ``filled``; the conversation then holds its contents. Raises ConversationEnded if there
        can be none, UsageError for an upload that cannot be read."""
        if step.call is not None:
            return self._call_request(step, step.call)
        self._continue(step)
        body = {**step.body, "contents": list(self.contents)}
        provider = self.config.find(self.trial.target.provider)
        self._asked = True
        request = build(provider, self.trial.target.model, body, step.transport, expected_statuses(step.expect))
        return replace(request, access=self.trial.access)

    def follow(self, step: Step) -> None:
        """Take a scripted turn, ``filled``, into the conversation. Raises as ``request`` does."""
        self._continue(step)
        assert step.script is not None
        *before, self.answer = step.script
        self.contents += before
        parts = replies.parts_of({"content": self.answer})
        self._calls = [part["functionCall"] for part in parts if isinstance(part.get("functionCall"), dict)]
        self._asked = True

    def _continue(self, step: Step) -> None:
        """Add the model's last turn, and what this step answers and says."""
        if self._asked:
            if self.answer is None:
                message = "the model gave no turn to go on from"
                raise ConversationEnded(_failed(step, "turns", "an answer to go on from", None, message))
            self.contents.append(self.answer)
        if step.replies is not None:
            self.contents.append(_replies(step, self._calls))
        self.contents.extend(step.contents)

    def _call_request(self, step: Step, call: ApiCall) -> Request:
        provider = self.config.find(self.trial.target.provider)
        upload = None
        for name, value in (("a path", call.path), ("upload:", call.upload or "")):
            if not isinstance(value, str):
                raise UsageError(f"{step.place}: {name} is a text, got {as_text(value)[:_EXCERPT]}")
        if call.upload is not None:
            try:
                content = Project(self.trial.folder, self.config.outside_files).read(call.upload)
            except Unreadable as problem:
                raise UsageError(f"{step.place}: cannot upload {call.upload}: {problem}") from None
            upload = (media.type_of(call.upload, content), content)
        request = api_request(provider, self.trial.target.model, call, upload, expected_statuses(step.expect))
        return replace(request, access=self.trial.access)

    def filled(self, step: Step) -> Step:
        """The step with ``${capture.name}`` filled in. Raises Undefined."""
        if not self.captures and not (step.call or step.cleanup):
            return step
        scope = {"capture": self.captures}
        expect = [replace(line, parameter=fill(line.parameter, scope)) for line in step.expect]
        return replace(turns.filled(step, scope), expect=expect)

    # answers

    def read(self, step: Step, exchange: Exchange) -> Turn:
        """Read and price the answer to the request of a ``filled`` step, and take it into the conversation."""
        reply = replies.read(exchange)
        turn = Turn(step, exchange.request, exchange, reply, self.price(exchange, reply))
        self.turns.append(turn)
        if step.call is None:
            self.answer, self._calls = reply.content, reply.function_calls
        return turn

    def price(self, exchange: Exchange, reply: Reply) -> Bill:
        return bill(exchange, reply, self.config.tariff(exchange.request.provider))

    def evidence(self, turn: Turn) -> Evidence:
        """What checks look at: an answer, and all turns before it."""
        return Evidence(
            exchange=turn.exchange,
            reply=turn.reply,
            request_body=native_body(turn.request),
            model=self.trial.target.model,
            transport=turn.request.transport,
            expects={line.check: line.parameter for line in turn.step.expect},
            operation=answer_of(turn.request.method, turn.request.url)[0] if turn.step.call else "generateContent",
            folder=self.trial.folder,
            earlier=tuple(earlier for earlier in self.turns if earlier is not turn),
            bill=turn.bill,
        )

    def questions(self, evidence: Evidence, turn: Turn) -> Iterator[tuple[str, Target, Request]]:
        """(check, target, request) for every question that the checks of a turn ask about an answer."""
        for line in turn.step.expect:
            check = find_check(line.check)
            if check is not None and check.asking is not None and turn.exchange.status < 400:
                for question in check.asking.questions(evidence, line.parameter):
                    yield line.check, *self._question_request(question)

    def _question_request(self, question: Question) -> tuple[Target, Request]:
        own = self.trial.target
        target = Target(question.provider or own.provider, question.model or own.model)
        call = ApiCall("POST", f"models/{target.model}:{question.method}", question.body)
        try:
            return target, api_request(self.config.find(target.provider), target.model, call)
        except NotAvailable:
            message = f"a check asks a model natively, and {target.provider} does not answer so: name another with by: PROVIDER/MODEL"
            raise UsageError(message) from None

    def judge(self, turn: Turn, evidence: Evidence) -> None:
        """Judge an answer. Raises ConversationEnded after a call that failed."""
        judgement = judge(evidence, turn.step.expect, self.trial.waive, self.find_violations)
        self.verdicts.extend(judgement.verdicts)
        self.invariants_passed += judgement.invariants_passed
        for check, answers in evidence.assessments.items():
            self.assessments.setdefault(check, []).extend(answers)
        refused = turn.exchange.status >= 400 and turn.exchange.status not in turn.request.expects_status
        if turn.step.call is not None and refused:
            raise ConversationEnded(None)

    def capture(self, turn: Turn) -> None:
        """Keep what later steps use of an answer. Raises ConversationEnded if it is not there; a refusal holds nothing."""
        if turn.exchange.status < 400 and turn.reply.error is None:
            for name, path in turn.step.capture.items():
                self.captures[name] = _captured(turn, name, path)


# --- polls --------------------------------------------------------------------------------------------


def unmet(poll: Poll, exchange: Exchange) -> tuple[str, Json, Json | Absent] | None:
    """(path, wanted, actual) of the first thing that the answer to a poll is not yet; None if it is as wanted, or refused.

    Every value that a path selects must be as wanted; a path that selects nothing is one absent value, as in the check ``path``.
    """
    if exchange.status >= 400:
        return None
    response = replies.read(exchange).response
    patterns.reset_time_limit()
    for path, wanted in poll.wanted.items():
        for _, actual in jsonpath.find(path, response) or [(path, ABSENT)]:
            if not holds(actual, wanted):
                return path, wanted, actual
    return None


def gave_up(turn: Turn, poll: Poll) -> Verdict | None:
    """The verdict on a call whose last poll is not as wanted; None if it is."""
    missing = unmet(poll, turn.exchange)
    if missing is None:
        return None
    path, wanted, actual = missing
    seen = _excerpt(turn) if not turn.reply.response else "it is absent" if actual is ABSENT else f"it is {actual!r}"
    seen += jsonpath.hint(path, turn.reply.response) if actual is ABSENT else ""
    message = f"{turn.step.call}: {path} is not as wanted after {count(poll.most, 'call')} in {poll.limit:g} s: {seen}"
    return _failed(turn.step, "until", wanted, None if actual is ABSENT else actual, message)


# --- what goes into the next turn ---------------------------------------------------------------------


def _replies(step: Step, calls: Sequence[Mapping[str, Json]]) -> Json:
    """The user's turn that answers every function call of the last answer, ids echoed."""
    called = [str(call.get("name")) for call in calls]
    stated = step.replies or {}
    wanted = list(stated) if isinstance(stated, Mapping) else [str(reply["name"]) for reply in stated]
    fits = set(called) == set(wanted) if isinstance(stated, Mapping) else called == wanted
    if not fits:
        actual = f"called {', '.join(called)}" if called else "called no function"
        message = f"the next turn replies to {', '.join(wanted)}, the model {actual}"
        raise ConversationEnded(_failed(step, "turns", wanted, called, message))
    responses = (
        [stated[name] for name in called] if isinstance(stated, Mapping) else [reply["response"] for reply in stated]
    )
    return {"role": "user", "parts": [_response(call, value) for call, value in zip(calls, responses, strict=True)]}


def _response(call: Mapping[str, Json], value: Json) -> Json:
    answer = {"name": call["name"], "response": value if isinstance(value, Mapping) else {"result": value}}
    return {"functionResponse": {"id": call["id"], **answer} if "id" in call else answer}


def _failed(step: Step, check: str, expected: Json, actual: Json, message: str) -> Verdict:
    return Verdict(check, "failed", expected=expected, actual=actual, message=message, place=step.place)


def _captured(turn: Turn, name: str, path: str) -> Json:
    patterns.reset_time_limit()
    found = jsonpath.find(path, turn.reply.response)
    if found:
        return found[0][1]
    seen = jsonpath.hint(path, turn.reply.response) if turn.reply.response else f": {_excerpt(turn)}"
    message = f"nothing at {path} to capture as {name}{seen}"
    raise ConversationEnded(_failed(turn.step, "capture", path, None, message))


def _excerpt(turn: Turn) -> str:
    text = turn.exchange.content[: 4 * _EXCERPT].decode("utf-8", "replace")
    if not text.strip():
        return "the answer is empty"
    return f"the answer is no JSON object: {text[:_EXCERPT]!r}{'...' if len(text) > _EXCERPT else ''}"


def expected_statuses(expectations: Sequence[Expectation]) -> frozenset[int]:
    """The HTTP statuses that a step itself asks for, in its ``http`` and ``error`` expectations."""
    found: set[int] = set()
    for expectation in expectations:
        if expectation.check == "http":
            named = [number for number in values_in(expectation.parameter) if type(number) is int]
            found |= {status for status in (*PASSING, *named) if holds(status, expectation.parameter)}
        if expectation.check == "error" and isinstance(expectation.parameter, Mapping):
            code, name = expectation.parameter.get("code"), expectation.parameter.get("status")
            found |= {
                status
                for status, its_name in PASSING.items()
                if (code, name) != (None, None)
                and (code is None or holds(status, code))
                and (name is None or holds(its_name, name))
            }
    return frozenset(found)


def requests_of(trial: Trial) -> int:
    """How many requests a trial sends, if its conversation goes to its end and each poll is answered at once."""
    if trial.skip is not None:
        return 0
    checks = [find_check(line.check) for step in trial.steps for line in step.expect]
    questions = sum(check is not None and check.asking is not None for check in checks)
    return questions + sum(step.sends for step in trial.steps)
