"""The harness inside your own tests: play suites, compare runs, audit recordings, judge a reply.

from harness import audit, compare_runs, judge_reply, play
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec.structs import replace

from harness.answer import reply as replies
from harness.config import Config, load
from harness.errors import SuiteError, UsageError
from harness.gemini.providers import GOOGLE_MODELS
from harness.judge.judging import Judgement
from harness.judge.judging import judge as judged
from harness.judge.recorded import evidence, operation_at
from harness.judge.registry import all_rules, find_check
from harness.model import UNKNOWN_MODEL, Chunk, Exchange, Expectation, Json, Provenance, Request, Result, Verdict
from harness.results.load import load as load_run
from harness.results.summary import Summary, summarise
from harness.run import session
from harness.run.play import play_all
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.text.amounts import with_status
from harness.text.jsontext import compact
from harness.text.shape import nearest
from harness.transport.cassette import read_request

if TYPE_CHECKING:
    from harness.compare.audit import Audit
    from harness.compare.comparison import Comparison


class Verdicts(list[Verdict]):
    """The verdicts on one answer: one for each check, and one for every invariant that it breaks or may break.

    ``assert verdicts.passed`` shows what failed.
    """

    @property
    def failures(self) -> list[Verdict]:
        """Those that fail the answer: failed checks, broken invariants, and checks that could not judge. Warnings are left out."""
        return [one for one in self if one.status == "error" or (one.status == "failed" and one.severity == "error")]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def __repr__(self) -> str:
        lines = [f"{one.check}: {_at(one)}{one.message}" for one in self.failures]
        return (
            "\n".join([f"{len(lines)} of {len(self)} verdicts failed", *lines])
            if lines
            else f"{len(self)} verdicts passed"
        )


def _at(verdict: Verdict) -> str:
    return f"at {verdict.at}: " if verdict.at.startswith("$") else ""


class Results(list[Result]):
    """The results of the trials of suites, in their order. ``summary`` has their groups, totals and exit code."""

    config: Config

    @cached_property
    def summary(self) -> Summary:
        """Groups (case, target, axes) with the verdict that counts, totals, costs; input of ``compare_runs``."""
        judge = session.Judge(self.config)
        return summarise(map(judge.row, self))

    @property
    def passed(self) -> bool:
        """Whether the run is green: exit code 0, so something ran and no group failed."""
        return self.summary.exit_code() == 0

    def __repr__(self) -> str:
        counts = ", ".join(with_status(number, status) for status, number in self.summary.totals().items() if number)
        failed = [_failed(result) for result in self if result.status in ("failed", "error", "xpassed")]
        return "\n".join([counts or "nothing ran", *failed])


def _failed(result: Result) -> str:
    why = [verdict.message for verdict in result.verdicts if verdict.status in ("failed", "error")]
    why += [result.problem.message] if result.problem else []
    return f"{result.trial.id}: {'; '.join(why) or result.status}"


def play(
    *suites: str | Path,
    provider: str | None = None,
    model: str | None = None,
    record_mode: str = "none",
    live: bool = False,
    repeat: int | None = None,
    keywords: str = "",
    variables: Mapping[str, Json] | None = None,
) -> Results:
    """Play suites (files or folders; default: the configured folder) and return a result for each trial.

    As ``gemini-harness run``: ``provider`` and ``model`` replace those of the suites, ``record_mode`` is ``none`` (replay), ``once``,
    ``new_episodes``, ``stale`` or ``all``, ``live`` sends everything and touches no cassette, ``keywords`` is the ``-k`` expression,
    ``variables`` are values of ``${var.x}``. No run is saved. Raises SuiteError with all complaints, UsageError, and CannotWrite.
    """
    config = load(Path())
    config = replace(config, variables=variables) if variables else config
    selection = Selection(
        providers=[provider] if provider else [],
        models=[model] if model else [],
        keywords=keywords,
        repeat=repeat,
        cassettes_dir=config.cassettes,
    )
    plan = session.plan([str(suite) for suite in suites], selection, config)
    results = Results()
    results.config = config
    policy = session.RecordPolicy(record_mode, live)
    with session.transport(config, policy, partial=True, folders=plan.trials.folders) as transport:
        play_all(plan.trials, transport, config, results.append)
    places = {trial: place for place, trial in enumerate(plan.trials.ids())}
    results.sort(key=lambda result: places[result.trial.id])
    return results


def compare_runs(
    reference: Results | str | Path, candidate: Results | str | Path, margins: Mapping[str, float] | None = None
) -> Comparison:
    """Compare two runs: what ``play`` returned, or a saved run by its path, its id, ``last`` or ``baseline``.

    Cells are paired by case, target and axes. The result has ``flips`` and ``differences`` (verdicts on measures: better, worse, same,
    cannot tell). ``margins``: measure -> the share up to which a change counts as none. Raises RunError.
    """
    from harness.compare import comparison
    from harness.compare.verdicts import Criteria

    (one, first), (other, second) = _side(reference, "reference"), _side(candidate, "candidate")
    return comparison.compare_runs(first, second, (one, other), Criteria(margins or {}))


def _side(run: Results | str | Path, name: str) -> tuple[str, Summary]:
    if isinstance(run, Results):
        return name, run.summary
    config = load(Path())
    kept = config.folder / "baseline"
    saved = load_run(kept if str(run) == "baseline" and kept.is_dir() else run, config.reports)
    return f"run {saved.run['id']}", saved.summary()


def audit(*paths: str | Path) -> Audit:
    """Hold recordings of any tool (files or folders) to the invariants, without a suite.

    ``findings`` are the violations of invariants, ``errors`` those that are no warnings. ``unreadable`` names files that could not be read,
    ``passed_over`` counts those that are no recordings.
    Raises UsageError for a path that does not exist.
    """
    from harness.compare.audit import audit as audited
    from harness.transport.recordings import tapes

    load(Path())  # it may name another definition of the API
    unreadable, passed_over = dict[str, str](), Counter[str]()
    return audited(tapes([str(path) for path in paths], unreadable, passed_over), unreadable, passed_over)


# --- one reply ------------------------------------------------------------------------------------------


def judge_reply(
    response: Any,
    request: Mapping[str, Json] | None = None,
    expect: Mapping[str, Json] | None = None,
    *,
    model: str | None = None,
    waive: Mapping[str, str] | None = None,
    status: int = 200,
) -> Verdicts:
    """Judge one reply by all invariants, and by the checks of ``expect``, which are written as in a suite.

    ``response``: the JSON of a ``generateContent`` answer (a mapping, text or bytes), of a stream (a list of its chunks, or its SSE
    text), a response of google-genai, or one of httpx. ``request``: the body that was sent; without it the invariants that need it are not checked.
    ``model``: who was asked (default: the ``modelVersion`` of the answer). ``waive``: invariant -> reason. ``status``: the HTTP status.

        assert judge_reply(response, expect={"text": {"icontains": "oslo"}}).passed

    Raises SuiteError for an ``expect`` that a suite could not hold, UsageError for a check that asks a model, and for an invariant to
    waive that does not exist.
    """
    __tracebackhide__ = True  # pytest then shows the line of the test
    exchange = _exchange(response, request, model, status)
    return judge_exchange(exchange, expectations(expect or {}), waivers(waive or {}))


def judge_exchange(exchange: Exchange, expected: Sequence[Expectation], waive: Mapping[str, str]) -> Verdicts:
    """The verdicts on an exchange, as in ``judge_reply``."""
    wanted = {one.check: one.parameter for one in expected}
    case = replace(evidence(exchange), audit=False, expects=wanted, folder=Path())
    judgement: Judgement = judged(case, expected, waive)
    return Verdicts(judgement.verdicts)


def expectations(expect: Mapping[str, Json]) -> Sequence[Expectation]:
    """The checks of an ``expect:``, read as a suite reads them. Raises SuiteError with every complaint, UsageError."""
    __tracebackhide__ = True
    if not expect:
        return ()
    for name in expect:
        check = find_check(name)
        if check is not None and check.asking is not None:
            raise UsageError(f"{name} asks a model, which a reply alone cannot do; write a suite, and play it")
    case = {"id": "reply", "model": "gemini-3.8-flash", "prompt": "hi", "expect": dict(expect)}
    try:
        suite = parse(json.dumps({"suite": "reply", "cases": [case]}, indent=1), "expect", Path(), {})
    except SuiteError as fault:
        raise SuiteError([_without_place(complaint) for complaint in fault.complaints]) from None
    return next(iter(expand([suite]))).steps[0].expect


def _without_place(complaint: Any) -> str:
    """A complaint about an ``expect:`` that stands in no file."""
    lines = (complaint.line.strip().rstrip(","), complaint.hint)
    return "\n  ".join([f"expect: {complaint.message}", *filter(None, lines)])


def waivers(waive: Mapping[str, str]) -> Mapping[str, str]:
    """What may be broken, invariant -> reason. Raises UsageError for a name that no invariant has."""
    __tracebackhide__ = True
    rules = all_rules()
    for name in waive:
        if name not in rules:
            hint = nearest(name, rules) or "`gemini-harness list rules` prints them"
            raise UsageError(f"no invariant has the id {name!r}; {hint}")
    return waive


def _exchange(response: Any, request: Mapping[str, Json] | None, model: str | None, status: int) -> Exchange:
    """The reply as it would stand on a cassette. One that was not received as bytes is not ``verbatim``."""
    headers: Mapping[str, str] = {}
    content, verbatim = _content(response)
    if hasattr(response, "status_code") and hasattr(response, "headers"):
        status = response.status_code
        headers = {
            name.lower(): value for name, value in response.headers.items() if name.lower() != "content-encoding"
        }
        request = _sent(response, request)
    stream = content.lstrip()[:5] == b"data:" or isinstance(response, (list, tuple))
    operation = "streamGenerateContent?alt=sse" if stream else "generateContent"
    body = None if request is None else compact(dict(request))

    def asked(name: str) -> Request:
        address = f"{GOOGLE_MODELS}/{quote(name, errors='replace')}:{operation}"
        return replace(read_request({"uri": address, "body": body}), model=name)

    found = {"content-type": "text/event-stream" if stream else "application/json", **headers}
    chunks, origin = (Chunk(content, 0.0),), Provenance("replay", "library", None, "lost")
    exchange = Exchange(asked(UNKNOWN_MODEL), status, found, chunks, None, origin, 1, verbatim, own=False)
    return replace(exchange, request=asked(model or replies.read(exchange).model_version or UNKNOWN_MODEL))


def _content(response: Any) -> tuple[bytes, bool]:
    """The bytes of a reply, and whether they are those that were received."""
    if isinstance(response, (bytes, str)):
        return response.encode() if isinstance(response, str) else response, True
    if isinstance(getattr(response, "content", None), bytes):
        return response.content, True
    if isinstance(response, (list, tuple)):
        return b"".join(b"data: " + json.dumps(_plain(chunk)).encode() + b"\n\n" for chunk in response), False
    return json.dumps(_plain(response)).encode(), False


def _plain(response: Any) -> Json:
    """A response as JSON; for one of google-genai the fields of the wire."""
    if hasattr(response, "model_dump"):
        dumped = response.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in dumped.items() if name not in _OF_THE_SDK}
    if isinstance(response, Mapping):
        return dict(response)
    raise UsageError(
        f"expected a reply as a mapping, text, bytes, a list of chunks, or a response of google-genai or httpx, got {type(response).__name__}"
    )


_OF_THE_SDK = ("sdkHttpResponse", "parsed", "automaticFunctionCallingHistory")
"""What google-genai adds to a response."""


def _sent(response: Any, request: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    """The body that an httpx response answers, if it is known and JSON."""
    if request is not None:
        return request
    try:
        sent = json.loads(response.request.content)
    except (RuntimeError, ValueError):  # no request is known, or it was streamed
        return None
    native = operation_at(str(response.request.url)) is not None
    return sent if native and isinstance(sent, dict) else None
