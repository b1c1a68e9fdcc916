"""What stands around generateContent: scripted rules, replay, options of the command."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import pytest

from harness.cli.commands import simulate
from harness.errors import UsageError
from harness.simulator import replay, rules
from harness.simulator.app import Simulator
from harness.simulator.faults import FAULTS
from harness.simulator.profiles import PROFILES
from harness.simulator.serve import PORT
from tests.simulator.client import FLASH3, FLASH25, call, prompt, text_of

# --- rules --------------------------------------------------------------------------------------------


def scripted(tmp_path: Path, text: str) -> Simulator:
    file = tmp_path / "rules.yaml"
    file.write_text(text, "utf-8")
    return Simulator(rules=rules.load(file))


def test_rules_pin_answers(tmp_path: Path) -> None:
    app = scripted(
        tmp_path,
        """
- when: {model: gemini-2.5-*, text: "(?i)refund"}
  answer: {text: Within 30 days.}
- when: {config: {responseMimeType: application/json}}
  answer: {json: {total: 12.5}}
- when: {text: weather}
  answer: {calls: [{name: get_weather, args: {city: Oslo}}]}
- when: {text: boom}
  fault: "503"
""",
    )
    path = f"/v1beta/models/{FLASH25}:generateContent"
    assert text_of(call(app, "POST", path, prompt("A refund, please"))[1]) == "Within 30 days."
    answer = call(app, "POST", path, prompt("x", generationConfig={"responseMimeType": "application/json"}))[1]
    assert json.loads(text_of(answer)) == {"total": 12.5}
    part = call(app, "POST", path, prompt("the weather?"))[1]["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"] == {"name": "get_weather", "args": {"city": "Oslo"}}
    assert call(app, "POST", path, prompt("boom"))[0] == 503
    assert "Paris" in text_of(call(app, "POST", path, prompt("What is the capital of France?"))[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answer: 1", "expected a list of rules"),
        ("- when: {}", "rule 1: expected either `answer` or `fault`"),
        ("- fault: nope", "no fault is called 'nope'"),
        ("- {when: {txt: x}, fault: '503'}", "unknown key 'txt'; known: config, model, text"),
        ("- {when: {text: '('}, answer: {text: x}}", "text is not a regular expression"),
        ("- answer: {text: x, finishReason: DONE}", "no finishReason is called 'DONE'"),
        ("- [", "rules.yaml:2:1: cannot read the rules"),
        ("- fault: '503'\n- fault: nope", "rules.yaml:2: rule 2"),
    ],
)
def test_bad_rules_are_reported_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        scripted(tmp_path, text)
    assert message in str(caught.value)
    assert "rules.yaml" in str(caught.value)


def test_faults_at_a_rate_repeat_with_the_seed() -> None:
    def statuses() -> list[int]:
        app = Simulator(faults={FAULTS["503"]: 0.5}, seed="a")
        return [call(app, "POST", f"/v1beta/models/{FLASH3}:generateContent", prompt("hi"))[0] for _ in range(20)]

    assert set(statuses()) == {200, 503}
    assert statuses() == statuses()


# --- replay -------------------------------------------------------------------------------------------

TAPE = """
version: 1
interactions:
- request: {method: POST, uri: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent',
            body: '{"contents": [{"parts": [{"text": "hi"}]}]}', headers: {}}
  response: {status: {code: 200, message: OK}, headers: {Content-Type: [application/json]}, body: {string: '{"n": 1}'}}
- request: {method: POST, uri: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent',
            body: '{"contents": [{"parts": [{"text": "hi"}]}]}', headers: {}}
  response: {status: {code: 503, message: no}, headers: {Content-Type: [application/json]}, body: {string: '{"n": 2}'}}
"""


def test_a_cassette_is_served_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TAPE, "utf-8")
    app = Simulator(replay=replay.load([tmp_path]))
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    assert [call(app, "POST", path, body)[:2] for _ in range(3)] == [(200, {"n": 1}), (503, {"n": 2}), (503, {"n": 2})]
    status, error, _ = call(app, "POST", path, prompt("something else"))
    assert (status, error["error"]["status"]) == (404, "NOT_FOUND")
    assert "2 recordings are loaded" in error["error"]["message"]


# --- options ------------------------------------------------------------------------------------------


def test_options_are_read() -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    read = parser.parse_args(["--latency", "100ms", "--pace", "0.5", "--fault", "503:0.1", "--as-of", "2026-12-05"])
    assert (read.latency, read.pace, read.port, read.fault) == (0.1, 0.5, PORT, ["503:0.1"])
    assert read.as_of == date(2026, 12, 5)


def test_a_long_time_needs_a_unit(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--latency", "100"])
    assert "argument --latency: '100' has no unit: write 100ms or 100s" in capsys.readouterr().err


def test_faults_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    assert simulate.main(parser.parse_args(["--faults"])) == 0
    assert "wrong-sum" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("xyzzy", "no fault is called 'xyzzy'; --faults lists them"),
        ("no-usge:0.1", "no fault is called 'no-usge'; did you mean \"no-usage\"\\? --faults lists them"),
        ("503:2", "expected a rate from 0 to 1"),
    ],
)
def test_bad_faults_are_reported(fault: str, message: str) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    with pytest.raises(UsageError, match=message):
        simulate.main(parser.parse_args(["--fault", fault]))


def test_profiles_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    assert simulate.main(parser.parse_args(["--profiles"])) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(PROFILES)


def test_an_unknown_profile_is_reported() -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    with pytest.raises(UsageError, match="no profile is called 'nope'; known here: google"):
        simulate.main(parser.parse_args(["--profile", "nope"]))


def test_a_bad_day_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--as-of", "tomorrow"])
    assert "expected a day such as 2026-12-01, got 'tomorrow'" in capsys.readouterr().err
