"""A trial, from its steps to its result; and many trials at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.config import Config
from harness.errors import MissingKey, NetworkFault
from harness.gemini.prices import OwnPrice
from harness.model import Chunk, Expectation, Provenance, Result, Trial
from harness.results.rows import plain, result_row
from harness.run.conversation import expected_statuses
from harness.run.play import Stop, finish, play, play_all, prepare
from harness.run.session import Judge
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.text.jsontext import compact
from harness.transport.cassette import document, dump
from harness.transport.recorder import Player, Recorder
from harness.transport.wire import Wire
from tests.endpoint import Endpoint, answer, hang, stream
from tests.factories import PARIS, PLACE, Script, config, exchange, step, trial, user

CALL: dict[str, Any] = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Let me look.", "thought": True},
                    {
                        "functionCall": {"id": "c1", "name": "weather", "args": {"city": "Oslo"}},
                        "thoughtSignature": "AbC+/==",
                    },
                ],
            },
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "totalTokenCount": 22,
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "r1",
}


def played(one: Trial, *answers: Any) -> Result:
    return finish(play(one, Script(*answers), config()))


def complaints(result: Result) -> list[str]:
    return [verdict.message for verdict in result.verdicts if verdict.status == "failed"]


# --- one step -----------------------------------------------------------------------------------------


def test_a_trial_passes_with_its_measures_and_provenance() -> None:
    one = trial([step("Capital of France?", {"text": "Paris"})])
    result = played(one, PARIS)
    assert (result.status, result.problem) == ("passed", None)
    assert result.invariants_passed > 10
    assert result.measures == {
        "latency_s": 0.25,
        "ttft_s": 0.25,
        "gap_s": None,
        "chunks": 1,
        "promptTokenCount": 4,
        "candidatesTokenCount": 1,
        "thoughtsTokenCount": 0,
        "totalTokenCount": 5,
        "toolUsePromptTokenCount": 0,
        "cachedContentTokenCount": 0,
        "cost_usd": None,
    }
    assert result.provenance is not None
    assert result.provenance.recorded_from == "google"


def test_what_is_sent_is_what_show_shows() -> None:
    script = Script(PARIS)
    one = trial([step("hi", body={"generationConfig": {"topK": 1}})], attempt=3, row=2)
    finish(play(one, script, config()))
    ((request, slot),) = script.sent
    assert request == prepare(one, config())
    assert request.body == {"generationConfig": {"topK": 1}, "contents": [user("hi")]}
    assert (slot.row, slot.repeat, slot.step) == (2, 2, 0)


def test_a_failed_check_fails_the_trial() -> None:
    result = played(trial([step("?", {"text": "Rome", "finishReason": "STOP"})]), PARIS)
    assert result.status == "failed"
    assert [(verdict.check, verdict.status) for verdict in result.verdicts] == [
        ("text", "failed"),
        ("finishReason", "passed"),
    ]


@pytest.mark.parametrize(("wanted", "status"), [("Rome", "xfailed"), ("Paris", "xpassed")])
def test_a_known_failure_must_still_fail(wanted: str, status: str) -> None:
    assert played(trial([step("?", {"text": wanted})], xfail="bug 7"), PARIS).status == status


@pytest.mark.parametrize(("strict", "status"), [(False, "passed"), (True, "failed")])
def test_strict_lets_a_warning_fail_the_trial(strict: bool, status: str) -> None:
    result = played(trial(), exchange({**PARIS, "modelVersion": "gemini-9"}))
    assert [(verdict.check, verdict.severity) for verdict in result.verdicts] == [("invariant:model-version", "warn")]
    assert Judge(Config(), strict=strict).row(result).status == status


def test_a_skipped_trial_asks_nobody() -> None:
    script = Script(PARIS)
    assert finish(play(trial(skip="not in production"), script, config())).status == "skipped"
    assert script.sent == []


def test_lost_timing_leaves_times_unknown() -> None:
    lost = exchange(PARIS, provenance=Provenance("replay", "import", timing="lost"))
    measures = played(trial(), lost).measures
    assert (measures["latency_s"], measures["ttft_s"], measures["totalTokenCount"]) == (None, None, 5)


def test_the_longest_gap_of_a_stream_is_measured() -> None:
    event = b'data: {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}\r\n\r\n'
    chunks = [Chunk(event, 0.1), Chunk(event, 0.7), Chunk(event, 0.8)]
    result = played(
        trial([step(transport="stream")]), exchange(b"", chunks=chunks, headers={"content-type": "text/event-stream"})
    )
    assert result.measures["gap_s"] == pytest.approx(0.6)
    assert (result.measures["ttft_s"], result.measures["chunks"], result.measures["totalTokenCount"]) == (0.1, 3, None)


# --- what is an error, and whose ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 499, 500, 503, 504, 529])
def test_a_passing_refusal_is_never_a_mark_against_the_feature(status: int) -> None:
    body = {"error": {"code": status, "message": "Try later.\nReally.", "status": "UNAVAILABLE"}}
    result = played(trial([step("?", {"text": "Paris"})], xfail="bug 7"), exchange(body, status=status, attempts=3))
    assert (result.status, result.verdicts) == ("error", ())
    assert result.problem is not None
    assert (result.problem.kind, result.problem.message) == (
        "ask",
        f"HTTP {status}: Try later; given up after 3 attempts",
    )
    assert result.turns
    assert result.measures["latency_s"] is None, "a refusal is quick: no median should count it"


def test_a_rate_limit_in_words_is_no_mark_against_the_feature() -> None:
    content = {"parts": [{"text": "Rate limit exceeded, try again later."}], "role": "model"}
    limited = exchange({"candidates": [{"content": content, "finishReason": "STOP"}]})
    result = played(trial([step("?", {"text": "Paris"})]), limited)
    assert (result.status, result.verdicts) == ("error", ())
    assert result.problem is not None
    assert result.problem.message == "HTTP 200, yet its text is a rate limit: Rate limit exceeded, try again later."


_DETAIL = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
KEY_INVALID = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "No.", "details": [_DETAIL]}}


@pytest.mark.parametrize(("status", "body"), [(401, {}), (400, KEY_INVALID)])
def test_a_refused_key_is_never_a_mark_against_the_feature(status: int, body: Any) -> None:
    result = played(trial([step("?", {"text": "Paris"})]), exchange(body, status=status))
    assert (result.status, result.verdicts) == ("error", ())
    assert result.problem is not None
    assert result.problem.message.endswith("provider 'here' refuses the key: is it the right one?")
    asked = played(trial([step("?", {"error": {"status": "INVALID_ARGUMENT"}})]), exchange(KEY_INVALID, status=400))
    assert (asked.status, complaints(asked)) == ("passed", [])


def test_unless_the_case_asks_for_just_that() -> None:
    body = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    result = played(
        trial([step("?", {"http": 429, "error": {"status": "RESOURCE_EXHAUSTED"}})]), exchange(body, status=429)
    )
    assert (result.status, complaints(result)) == ("passed", [])


@pytest.mark.parametrize(
    ("expect", "statuses"),
    [
        ({"http": 429}, {429}),
        ({"http": 400}, {400}),
        ({"http": [200, 503]}, set()),
        ({"http": {"any": [400, 503]}}, {400, 503}),
        ({"error": {"status": "UNAUTHENTICATED"}}, {401}),
        ({"http": {"min": 500}}, {500, 502, 503, 504}),
        ({"error": {"status": "UNAVAILABLE"}}, {502, 503}),
        ({"error": {"code": 500, "message": "x"}}, {500}),
        ({"error": {"message": "x"}}, set()),
        ({"text": "429"}, set()),
    ],
)
def test_expected_statuses(expect: dict[str, Any], statuses: set[int]) -> None:
    assert expected_statuses([Expectation(name, parameter, PLACE) for name, parameter in expect.items()]) == statuses


def test_a_broken_off_answer_is_not_judged() -> None:
    result = played(trial(), exchange(PARIS, fault="cut: the connection was lost"))
    assert result.problem is not None
    assert (result.status, result.problem.kind) == ("error", "ask")
    assert "the answer broke off: cut: the connection was lost" in result.problem.message


@pytest.mark.parametrize("fault", [NetworkFault("reset"), MissingKey("set X_KEY")])
def test_when_we_could_not_ask_the_trial_is_an_error(fault: Exception) -> None:
    result = played(trial(), fault)
    assert result.problem is not None
    assert (result.status, result.problem.kind, result.problem.message) == ("error", "ask", str(fault))


def test_a_missing_recording_says_how_to_record_it(tmp_path: Path) -> None:
    result = finish(play(trial(cassette=tmp_path / "none.yaml"), Player(), config()))
    assert result.problem is not None
    assert result.problem.message == (
        f"{tmp_path / 'none.yaml'} does not exist\n"
        "record it: gemini-harness run suites/capitals.yaml -k capitals/france@here/gemini-2.5-flash "
        "--record-mode new_episodes"
    )


def test_a_broken_cassette_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("hello")
    result = finish(play(trial(cassette=tmp_path / "a.yaml"), Player(), config()))
    assert result.problem is not None
    assert result.problem.message.endswith("\nit is never overwritten: repair it, or remove it and record again")


def test_our_own_fault_keeps_its_traceback() -> None:
    result = played(trial(), ZeroDivisionError("oops"))
    assert result.problem is not None
    assert (result.problem.kind, result.problem.message) == ("internal", "ZeroDivisionError: oops")
    assert "Traceback" in str(result.problem.traceback)


def test_a_check_that_breaks_is_the_suite_s_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def broken(result):\n    return 1 / 0\n")
    result = played(trial([step("?", {"python": "mine.py:broken"})], folder=tmp_path), PARIS)
    assert result.problem is not None
    assert (result.status, result.problem.kind) == ("error", "suite")


# --- conversations ------------------------------------------------------------------------------------


def talk(*later: Any) -> Trial:
    body = {
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}
                ]
            }
        ],
    }
    return trial([step("Weather in Oslo?", {"functionCalls": [{"name": "weather"}]}, body=body), *later])


def test_the_models_turn_is_sent_back_unchanged() -> None:
    script = Script(CALL, PARIS)
    result = finish(play(talk(step("", {"text": "Paris"}, replies={"weather": {"temp": -4}})), script, config()))
    assert (result.status, complaints(result)) == ("passed", [])
    assert [slot.step for _, slot in script.sent] == [0, 1]
    assert script.sent[1][0].body["contents"] == [
        user("Weather in Oslo?"),
        CALL["candidates"][0]["content"],
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "weather", "response": {"temp": -4}}}]},
    ]
    assert result.measures["totalTokenCount"] == 27
    assert result.measures["latency_s"] == 0.5


def test_a_missing_id_stays_missing_and_bare_values_are_wrapped() -> None:
    call = {
        "candidates": [
            {"content": {"parts": [{"functionCall": {"name": "weather"}}], "role": "model"}, "finishReason": "STOP"}
        ]
    }
    script = Script(call, PARIS)
    finish(play(talk(step("", replies={"weather": "cold"})), script, config()))
    (part,) = script.sent[1][0].body["contents"][2]["parts"]
    assert part == {"functionResponse": {"name": "weather", "response": {"result": "cold"}}}


def test_a_call_that_never_came_fails_the_trial() -> None:
    result = played(trial([step("?"), step("", replies={"weather": {}})]), PARIS)
    assert result.status == "failed"
    assert complaints(result) == ["the next turn replies to weather, the model called no function"]
    assert len(result.turns) == 1


def test_no_turn_to_go_on_from_fails_the_trial() -> None:
    refused = {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}
    result = played(trial([step("?", {"http": 400}), step("and now?")]), exchange(refused, status=400))
    assert result.status == "failed"
    assert complaints(result) == ["the model gave no turn to go on from"]


CAPTURING = """\
suite: captures
cases:
  - id: goes-on
    model: gemini-2.5-flash
    turns:
      - user: Capital?
        capture: {city: "$.candidates[0].content.parts[0].text", usage: $.usageMetadata}
      - user: Is ${capture.city} nice? ${file:note.txt}
        expect: {text: "${capture.city}"}
"""


def test_captures_are_filled_into_later_turns_only_once(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("literally ${capture.city}", "utf-8")
    script = Script(PARIS)
    (one,) = expand(parse(CAPTURING, "captures.yaml", tmp_path), Selection(default_provider="here"))
    result = finish(play(one, script, config()))
    assert result.status == "passed"
    body = script.sent[1][0].body
    assert body["contents"][2] == user("Is Paris nice? literally ${capture.city}")


def test_a_capture_that_finds_nothing_fails_the_trial() -> None:
    result = played(trial([step("?", capture={"city": "$.nowhere"}), step("next")]), PARIS)
    assert complaints(result) == ["nothing at $.nowhere to capture as city"]


# --- many trials --------------------------------------------------------------------------------------


def several(count: int, folder: Path) -> Iterator[Trial]:
    for n in range(1, count + 1):
        yield trial([step(f"{n}", {"text": "Paris"})], folder / "case.yaml", attempt=n)


def test_a_replay_of_many_needs_no_asyncio(tmp_path: Path) -> None:
    request = prepare(next(several(1, tmp_path)), config())
    (tmp_path / "case.yaml").write_text(dump([document(exchange(PARIS, request), (0, 0, 0))]), "utf-8")
    program = """
import sys
from pathlib import Path
from tests.factories import config, trial, step
from harness.suite.matrix import Selection, expand
from harness.model import Chunk, Expectation, Provenance, Result, Trial
from harness.run.play import play_all
from harness.transport.recorder import Player
statuses = []
case = Path(sys.argv[1])
play_all([trial([step("1", {"text": "Paris"})], case)], Player(), config(), lambda result: statuses.append(result.status))
assert statuses == ["passed"], statuses
heavy = {"asyncio", "httpx", "aiohttp", "vcr", "jsonschema", "uvicorn", "pytest", "tabulate"} & sys.modules.keys()
assert not heavy, heavy
"""
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "case.yaml")], check=True, cwd=root, env=env)


def test_live_results_come_at_once_and_a_few_are_in_flight(tmp_path: Path) -> None:
    in_flight = [0, 0]

    class Busy(Script):
        live = True

        async def send(self, request: Any, slot: Any) -> Any:
            in_flight[0] += 1
            in_flight[1] = max(in_flight)
            await asyncio.sleep(0.02 if slot.repeat % 4 == 0 else 0.001)
            in_flight[0] -= 1
            return exchange(PARIS, request)

    attempts: list[int] = []
    assert play_all(
        several(40, tmp_path), Busy(), config(concurrency=5), lambda result: attempts.append(result.trial.attempt)
    )
    assert sorted(attempts) == list(range(1, 41))
    assert attempts.index(2) < attempts.index(1), "a slow one holds up no other"
    assert in_flight == [0, 5]


@pytest.mark.parametrize("live", [False, True])
def test_fail_fast_stops_at_the_first_failure(tmp_path: Path, live: bool) -> None:
    script = Script(PARIS, {}, PARIS)
    script.live = live  # type: ignore[attr-defined]
    seen: list[str] = []

    def until_failure(result: Result) -> None:
        seen.append(result.status)
        if result.status == "failed":
            raise Stop

    whole = play_all(several(50, tmp_path), script, config(concurrency=1), until_failure)
    assert not whole
    assert seen == ["passed", "failed"]
    assert len(script.sent) < 5


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_what_ran(tmp_path: Path) -> None:
    seen: list[int] = []

    def interrupt(result: Result) -> None:
        seen.append(result.trial.attempt)
        if len(seen) == 2:
            threading.Timer(
                0.05, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            ).start()

    with Endpoint(answer(PARIS), answer(PARIS), hang) as endpoint:
        settings = config(endpoint.url, concurrency=1)
        with pytest.raises(KeyboardInterrupt), Recorder("all", Wire(settings, {}), settings.providers) as recorder:
            play_all(several(30, tmp_path), recorder, settings, interrupt)
    assert seen == [1, 2]
    replayed: list[Result] = []
    play_all(several(2, tmp_path), Player(settings.providers), settings, replayed.append)
    assert [result.status for result in replayed] == ["passed", "passed"]


def test_live_and_replay_are_judged_alike(tmp_path: Path) -> None:
    last = {
        **PARIS,
        "candidates": [{**PARIS["candidates"][0], "content": {"parts": [{"text": "ris"}], "role": "model"}}],
    }
    first = {**last, "candidates": [{"content": {"parts": [{"text": "Pa"}], "role": "model"}, "index": 0}]}
    pieces = [b"data: " + compact(event) + b"\r\n\r\n" for event in (first, last)]
    one = trial([step("?", {"text": "Paris", "stream": {"chunks": 2}}, transport="stream")], tmp_path / "case.yaml")
    with Endpoint(stream(pieces, 0.03)) as endpoint:
        settings = config(endpoint.url)
        live: list[Result] = []
        with Recorder("all", Wire(settings, {}), settings.providers) as recorder:
            play_all([one], recorder, settings, live.append)
    replay = finish(play(one, Player(settings.providers), settings))
    assert (live[0].status, complaints(live[0])) == ("passed", [])
    assert replay.verdicts == live[0].verdicts
    assert replay.measures == pytest.approx(live[0].measures, abs=1e-5, nan_ok=True)
    assert replay.provenance == replace(live[0].provenance, mode="replay", timing="recorded")  # type: ignore[type-var]


# --- what it cost -------------------------------------------------------------------------------------


def priced(**prices: float) -> Config:
    return config(prices={"gemini-2.5-flash": OwnPrice(1, 2, **prices)})


def test_the_cost_of_all_turns_adds_up() -> None:
    one = trial([step("What to wear?"), step("", replies={"weather": {"sky": "snow"}})])
    result = finish(play(one, Script(CALL, PARIS), priced()))
    assert result.measures["cost_usd"] == pytest.approx((10 + 4 + 2 * (5 + 7 + 1)) / 1e6)
    assert result_row(result).unpriced is None


def test_a_turn_without_a_price_makes_the_cost_unknown() -> None:
    row = result_row(played(trial([step()]), PARIS))
    assert row.measures["cost_usd"] is None
    assert row.unpriced == "provider 'here' has no price for gemini-2.5-flash"
    assert list(plain(row))[-1] == "turns"


def test_a_cost_that_cannot_be_judged_is_an_error_not_a_failure() -> None:
    one = trial([step(expect={"cost": {"max": 1}})])
    result = played(one, PARIS)
    assert result.status == "error"
    assert result.problem is not None
    assert result.problem.kind == "unknown"
    assert '[tool.gemini-harness.prices."here/gemini-2.5-flash"]' in result.problem.message
    assert finish(play(one, Script(PARIS), priced())).status == "passed"
