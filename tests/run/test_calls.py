"""Other calls of the API as turns of a case: what is sent, in which order, and what a failure means."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.config import Config
from harness.errors import NetworkFault, UsageError
from harness.gemini.prices import OwnPrice
from harness.gemini.providers import api_request
from harness.model import ApiCall, Provenance, Result
from harness.run.play import finish, play, play_all, prepare
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.transport import cassette
from harness.transport.recorder import Player, Recorder
from harness.transport.wire import Wire
from tests.endpoint import Endpoint, answer
from tests.factories import PARIS, Script, config, exchange, user

CACHE = {"name": "cachedContents/c1"}
FROM_CACHE = PARIS | {"usageMetadata": PARIS["usageMetadata"] | {"cachedContentTokenCount": 3}}
GONE = {"error": {"code": 404, "message": "No such cache.", "status": "NOT_FOUND"}}
BUSY = {"error": {"code": 503, "message": "Try later.", "status": "UNAVAILABLE"}}


def load(turns: str, folder: Path = Path(), **more: Any) -> Any:
    """The trials of a case with these lines, for the provider ``here``."""
    text = f"suite: s\ncases:\n  - id: c\n    model: gemini-2.5-flash\n{turns}"
    return list(expand(parse(text, "s.yaml", folder), Selection(default_provider="here", **more)))


def played(turns: str, *answers: Any, settings: Config | None = None, **more: Any) -> tuple[Result, Script]:
    (one,) = load(turns, **more)
    script = Script(*answers)
    return finish(play(one, script, settings or config())), script


def sent(script: Script) -> list[str]:
    return [f"{request.method} {request.url.removeprefix('http://127.0.0.1:9/')}" for request, _ in script.sent]


def slots(script: Script) -> list[tuple[int, ...]]:
    return [slot.position for _, slot in script.sent]


def found(result: Result) -> list[tuple[str, str, str]]:
    return [
        (verdict.check, verdict.severity, verdict.message) for verdict in result.verdicts if verdict.status == "failed"
    ]


CACHED = """\
    turns:
      - call: POST cachedContents
        body: {model: "models/${model}", ttl: 300s}
        capture: {cache: $.name}
      - user: What is it about?
        request: {cachedContent: "${capture.cache}"}
    finally:
      - call: DELETE ${capture.cache}
"""


def test_a_call_goes_below_the_version_and_is_captured() -> None:
    result, script = played(CACHED, CACHE, FROM_CACHE, {})
    assert result.status == "passed"
    assert sent(script) == [
        "POST v1beta/cachedContents",
        "POST v1beta/models/gemini-2.5-flash:generateContent",
        "DELETE v1beta/cachedContents/c1",
    ]
    assert [request.body for request, _ in script.sent] == [
        {"model": "models/gemini-2.5-flash", "ttl": "300s"},
        {"cachedContent": "cachedContents/c1", "contents": [user("What is it about?")]},
        None,
    ]
    assert slots(script) == [(0, 0, 0), (0, 0, 1), (0, 0, 2)]


def test_measures_are_those_of_the_conversation() -> None:
    result, _ = played(CACHED, CACHE, FROM_CACHE, {})
    assert (result.measures["totalTokenCount"], result.measures["latency_s"]) == (5, 0.25)
    assert len(result.turns) == 3
    only, _ = played("    turns: [{call: GET models}]\n", {"models": []})
    assert (only.status, only.measures["totalTokenCount"], only.measures["latency_s"]) == ("passed", None, 0.25)


@pytest.mark.parametrize(
    ("call", "cost"),
    [
        ("GET models", 0),
        ("DELETE cachedContents/c1", 0),
        ("POST models/gemini-2.5-flash:countTokens", 0),
        ("POST cachedContents", None),
    ],
)
def test_what_a_call_costs(call: str, cost: float | None) -> None:
    settings = config(prices={"gemini-2.5-flash": OwnPrice(1.0, 1.0)})
    result, _ = played(f"    turns: [{{call: '{call}'}}]\n", CACHE, settings=settings)
    assert result.measures["cost_usd"] == cost


# --- what ends a case ---------------------------------------------------------------------------------


def test_a_refused_call_ends_the_case_and_is_cleaned_up_after() -> None:
    result, script = played(CACHED, exchange(GONE, status=404))
    assert (result.status, len(script.sent)) == ("failed", 1)
    ((check, _, message),) = found(result)
    assert (check, message.split(":")[0]) == ("invariant:http-status", "HTTP 404, NOT_FOUND")


def test_a_refusal_that_is_expected_goes_on() -> None:
    turns = "    turns: [{call: GET cachedContents/none, expect: {http: 404}}, {user: hi}]\n"
    result, script = played(turns, exchange(GONE, status=404), PARIS)
    assert (result.status, len(script.sent)) == ("passed", 2)


def test_a_passing_refusal_is_an_error_and_still_cleaned_up() -> None:
    result, script = played(CACHED, CACHE, exchange(BUSY, status=503), {})
    assert result.status == "error"
    assert sent(script)[-1] == "DELETE v1beta/cachedContents/c1"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"other": 1}, "nothing at $.name to capture as cache"),
        ({"names": "x"}, "nothing at $.name to capture as cache; did you mean $.names?"),
        (
            b"<html>busy</html>",
            "nothing at $.name to capture as cache: the answer is no JSON object: '<html>busy</html>'",
        ),
        (b"", "nothing at $.name to capture as cache: the answer is empty"),
    ],
)
def test_a_capture_that_finds_nothing_ends_the_case(raw: Any, why: str) -> None:
    result, script = played(CACHED, raw)
    assert (result.status, len(script.sent)) == ("failed", 1)
    assert ("capture", "error", why) in found(result)


# --- what is captured ---------------------------------------------------------------------------------


def test_objects_are_written_as_json_inside_a_text() -> None:
    turns = "    turns: [{call: GET models, capture: {all: $.models, n: '$.models[0].n'}}, {user: '${capture.all} ${capture.n}'}]\n"
    _, script = played(turns, {"models": [{"n": 1}]}, PARIS)
    assert script.sent[1][0].body["contents"] == [user('[{"n": 1}] 1')]


def test_a_number_may_be_a_path_an_object_may_not() -> None:
    turns = "    turns: [{call: GET models, capture: {x: $.x}}, {call: 'GET ${capture.x}'}]\n"
    _, script = played(turns, {"x": 7}, {})
    assert sent(script)[1] == "GET v1beta/7"
    result, script = played(turns, {"x": {"a": 1}}, {})
    assert (result.status, len(script.sent)) == ("error", 1)
    assert result.problem is not None
    assert (result.problem.kind, result.problem.message) == ("suite", 's.yaml:5:52: a path is a text, got {"a": 1}')


# --- polls --------------------------------------------------------------------------------------------

POLLED = """\
    turns:
      - call: GET files/f1
        until: {path: {$.state: ACTIVE}, every: 2s, for: 6s}
        capture: {uri: $.uri}
      - user: hi
"""
WAITING = {"name": "files/f1", "state": "PROCESSING"}
READY = {"name": "files/f1", "state": "ACTIVE", "uri": "u"}


def test_every_poll_has_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", asleep)
    result, script = played(POLLED, WAITING, WAITING, READY, PARIS)
    assert (result.status, waits) == ("passed", [2, 2])
    assert slots(script) == [(0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 2), (0, 0, 1)]
    assert len(result.turns) == 2


def replayed(value: Any, **more: Any) -> Any:
    return exchange(value, provenance=Provenance("replay", "google"), **more)


def test_a_replay_does_not_wait() -> None:
    result, _ = played(POLLED, replayed(WAITING), replayed(READY), replayed(PARIS))  # finish() fails for what suspends
    assert result.status == "passed"


def test_a_poll_that_never_comes_fails() -> None:
    result, script = played(POLLED, replayed({**WAITING, "uri": "u"}))
    assert (result.status, slots(script)[-1]) == ("failed", (0, 0, 0, 3))
    assert found(result) == [
        ("until", "error", "GET files/f1: $.state is not as wanted after 4 calls in 6 s: it is 'PROCESSING'")
    ]


def test_a_poll_reads_an_operation_that_failed() -> None:
    turns = POLLED.replace("$.state: ACTIVE", "$.done: true").replace("$.uri", "$.error.code")
    failed = {"name": "batches/b1", "done": True, "error": {"code": 1, "message": "cancelled"}}
    result, script = played(turns, replayed({"name": "batches/b1", "done": False}), replayed(failed), replayed(PARIS))
    assert (result.status, len(script.sent)) == ("passed", 3)


def test_a_poll_that_is_refused_stops_at_once() -> None:
    result, script = played(POLLED, replayed(WAITING), replayed(GONE, status=404))
    assert (result.status, len(script.sent)) == ("failed", 2)


def test_a_poll_may_wait_until_something_is_gone() -> None:
    turns = POLLED.replace("{$.state: ACTIVE}", "{$.state: {present: false}}")
    result, script = played(turns, replayed(WAITING), replayed({"uri": "u"}), replayed(PARIS))
    assert (result.status, len(script.sent)) == ("passed", 3)


@pytest.mark.parametrize("wanted", ["{not: PROCESSING}", "{any: [ACTIVE, {present: false}]}"])
def test_a_poll_judges_an_absent_value_as_checks_do(wanted: str) -> None:
    turns = POLLED.replace("{$.state: ACTIVE}", f"{{$.state: {wanted}}}")
    result, script = played(turns, replayed(WAITING), replayed({"uri": "u"}), replayed(PARIS))
    assert (result.status, len(script.sent)) == ("passed", 3)


def test_a_poll_waits_for_every_value_of_its_path() -> None:
    turns = (
        POLLED.replace("files/f1", "files")
        .replace("$.state", "'$.files[*].state'")
        .replace("$.uri", "'$.files[0].uri'")
    )
    other = {**READY, "name": "files/f2"}
    one_ready, all_ready = {"files": [other, WAITING]}, {"files": [other, READY]}
    result, script = played(turns, replayed(one_ready), replayed(all_ready), replayed(PARIS))
    assert (result.status, len(script.sent)) == ("passed", 3)


# --- uploads ------------------------------------------------------------------------------------------


def test_an_upload_is_two_parts_with_the_type_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "red.bin").write_bytes(b"\x89PNG\r\n\x1a\n...")
    turns = "    turns: [{call: POST files, upload: red.bin, body: {file: {displayName: red}}}]\n"
    _, script = played(turns, {}, folder=tmp_path)
    request = script.sent[0][0]
    assert request.url.endswith("/upload/v1beta/files?uploadType=multipart")
    assert request.headers["content-type"].startswith("multipart/related; boundary=")
    assert b'{"file":{"displayName":"red"}}' in request.content
    assert b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n..." in request.content


def test_an_upload_that_went_away_is_the_suites_fault(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (one,) = load("    turns: [{call: POST files, upload: a.txt}]\n", tmp_path)
    (tmp_path / "a.txt").unlink()
    result = finish(play(one, Script({}), config()))
    assert result.problem is not None
    assert (result.problem.kind, result.problem.message) == (
        "suite",
        "s.yaml:5:13: cannot upload a.txt: no such file or directory",
    )


def test_an_upload_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(257 * 2**20)
    (one,) = load("    turns: [{call: POST files, upload: large.bin}]\n", tmp_path)
    with pytest.raises(UsageError, match=r"cannot upload large\.bin: it has 257 MiB; a file may have at most 256 MiB"):
        prepare(one, config())


# --- cleaning up --------------------------------------------------------------------------------------


def test_what_was_never_captured_is_not_cleaned_up() -> None:
    turns = CACHED + "      - call: GET models\n"
    _, script = played(turns, exchange(GONE, status=404), {})
    assert sent(script) == ["POST v1beta/cachedContents", "GET v1beta/models"]


@pytest.mark.parametrize(
    ("last", "check"),
    [
        (exchange(GONE, status=404), "invariant:http-status"),
        (exchange(BUSY, status=503), "finally"),
        (NetworkFault("reset"), "finally"),
    ],
)
def test_a_failure_to_clean_up_is_a_warning(last: Any, check: str) -> None:
    result, _ = played(CACHED, CACHE, FROM_CACHE, last)
    assert result.status == "passed"
    assert [(name, severity) for name, severity, _ in found(result)] == [(check, "warn")]


def test_calls_that_clean_up_poll_and_capture_too() -> None:
    turns = """\
    prompt: hi
    finally:
      - call: GET operations/o1
        until: {path: {$.done: true}, every: 1s}
        capture: {made: $.name}
      - call: DELETE ${capture.made}
"""
    waiting, made = {"name": "operations/o1", "done": False}, {"name": "operations/o2", "done": True}
    answers = (replayed(PARIS), replayed(waiting), replayed(made), replayed({}))
    result, script = played(turns, *answers)
    assert (result.status, found(result)) == ("passed", [])
    assert sent(script)[1:] == ["GET v1beta/operations/o1", "GET v1beta/operations/o1", "DELETE v1beta/operations/o2"]


def test_one_that_fails_leaves_the_others_to_run() -> None:
    turns = """\
    turns: [{call: GET models, capture: {all: $}}, {user: hi}]
    finally: [{call: "GET ${capture.all}"}, {call: GET models}]
"""
    result, script = played(turns, {"models": [{"name": "models/m"}]}, PARIS, {})
    assert (result.status, len(script.sent)) == ("passed", 3)
    assert [(name, severity) for name, severity, _ in found(result)] == [("finally", "warn")]


def test_a_cancelled_trial_is_cleaned_up() -> None:
    (one,) = load(CACHED)

    class Stuck(Script):
        async def send(self, request: Any, slot: Any) -> Any:
            found = await super().send(request, slot)
            if slot.step == 1:
                stuck.set()
                await asyncio.Event().wait()
            return found

    async def cancelled(script: Stuck) -> None:
        task = asyncio.create_task(play(one, script, config()))
        await stuck.wait()
        task.cancel()
        await task

    stuck, script = asyncio.Event(), Stuck(CACHE, PARIS, {})
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled(script))
    assert sent(script)[-1] == "DELETE v1beta/cachedContents/c1"


def test_rows_reach_the_calls_that_clean_up() -> None:
    turns = "    each: [{n: one}]\n    prompt: hi\n    finally: [{call: 'DELETE cachedContents/${row.n}'}]\n"
    _, script = played(turns, PARIS, {})
    assert sent(script)[1] == "DELETE v1beta/cachedContents/one"


# --- scripted turns and replies -----------------------------------------------------------------------


def called(*names: str) -> dict[str, Any]:
    parts = [{"functionCall": {"id": f"i{n}", "name": name, "args": {}}} for n, name in enumerate(names)]
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}]}


SCRIPTED = """\
    turns:
      - user: My name is Ada.
        model: Nice to meet you.
      - model: [{functionCall: {name: f, args: {}}, thoughtSignature: AbC+/==}]
      - reply: {f: {x: 1}}
      - user: And now?
"""


def test_a_scripted_turn_sends_nothing_and_keeps_its_signature() -> None:
    _, script = played(SCRIPTED, PARIS)
    assert slots(script) == [(0, 0, 2), (0, 0, 3)]
    assert script.sent[0][0].body["contents"] == [
        user("My name is Ada."),
        {"role": "model", "parts": [{"text": "Nice to meet you."}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "AbC+/=="}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"x": 1}}}]},
    ]
    assert script.sent[1][0].body["contents"][4:] == [PARIS["candidates"][0]["content"], user("And now?")]


REPLIES = """\
    turns:
      - user: Compare Oslo and Rome.
      - reply: [{name: w, response: {t: -4}}, {name: w, response: {t: 21}}]
"""


def test_a_list_replies_in_the_order_of_the_calls() -> None:
    _, script = played(REPLIES, called("w", "w"), PARIS)
    assert [part["functionResponse"] for part in script.sent[1][0].body["contents"][2]["parts"]] == [
        {"id": "i0", "name": "w", "response": {"t": -4}},
        {"id": "i1", "name": "w", "response": {"t": 21}},
    ]


@pytest.mark.parametrize(
    ("names", "actual"), [(("w",), "called w"), (("w", "v"), "called w, v"), (("w", "w", "w"), "called w, w, w")]
)
def test_a_list_that_is_not_what_was_called_fails(names: tuple[str, ...], actual: str) -> None:
    result, _ = played(REPLIES, called(*names), PARIS)
    assert result.status == "failed"
    assert ("turns", "error", f"the next turn replies to w, w, the model {actual}") in found(result)


def test_a_reply_to_no_scripted_call_is_the_suites_fault() -> None:
    (one,) = load("    turns: [{user: a, model: b}, {reply: {f: {x: 1}}}]\n")
    with pytest.raises(UsageError, match=r"^s\.yaml:5:34: the next turn replies to f, the model called no function$"):
        prepare(one, config())


# --- where it goes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("models", "/v1beta/models"),
        ("/v1/models?pageSize=2", "/v1/models?pageSize=2"),
        ("//evil.example/x", "//evil.example/x"),
        ("@evil.example/x", "/v1beta/@evil.example/x"),
        ("models/é#x", "/v1beta/models/%C3%A9%23x"),
    ],
)
def test_a_path_stays_at_the_provider(path: str, address: str) -> None:
    row = config("https://api.example").providers["here"]
    assert api_request(row, "m", ApiCall("GET", path)).url == f"https://api.example{address}"


@pytest.mark.parametrize(
    "address", ["https://evil.example/x", "HTTP://127.0.0.1:1/x", "http://127.0.0.1@evil.example/x", "//evil.example/x"]
)
def test_nothing_goes_to_another_host(address: str) -> None:
    results: list[Result] = []
    with Endpoint(answer({})) as endpoint:
        settings = config(endpoint.url, attempts=1)
        play_all(load(f"    turns: [{{call: 'GET {address}'}}]\n"), Wire(settings), settings, results.append)
        asked = len(endpoint.requests)
    if address.startswith("//"):
        assert asked == 1  # a path below the provider's own host
        return
    (result,) = results
    assert (asked, result.status) == (0, "error")
    assert result.problem is not None
    assert "no key of 'here' goes there" in result.problem.message


def test_calls_are_recorded_and_replayed_with_their_polls(tmp_path: Path) -> None:
    turns = POLLED.replace("every: 2s, for: 6s", "every: 10ms, for: 1s") + "    finally: [{call: DELETE files/f1}]\n"
    trials = load(turns, repeat=2, cassettes_dir=tmp_path)
    live: list[Result] = []
    replay: list[Result] = []
    answers = [answer(value) for value in (WAITING, READY, PARIS, {})] * 2
    with Endpoint(*answers) as endpoint:
        settings = config(endpoint.url, concurrency=1)
        with Recorder("all", Wire(settings, {}), settings.providers) as recorder:
            play_all(trials, recorder, settings, live.append)
    play_all(trials, Player(settings.providers), settings, replay.append)
    assert [result.status for result in [*live, *replay]] == ["passed"] * 4
    assert [len(result.turns) for result in replay] == [3, 3]
    (tape,) = tmp_path.rglob("*.yaml")
    assert [interaction.slot for interaction in cassette.read(tape).interactions] == [
        (0, repeat, *rest) for repeat in (0, 1) for rest in ((0,), (0, 1), (1,), (2,))
    ]
