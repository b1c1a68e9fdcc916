"""What a recording of another tool says of its origin: the day, and whether the simulator answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr
import yaml

from harness.cli.main import main
from harness.simulator import replay, serve
from harness.transport import cassette
from tests.factories import URL

QUESTION = {"contents": [{"role": "user", "parts": [{"text": "What is the capital of Norway? One word."}]}]}
DATE = "Fri, 20 Nov 2026 12:03:32 GMT"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cassette that stock vcrpy recorded from the simulator: unary, stream and chat."""
    path = tmp_path_factory.mktemp("vcrpy") / "norway.yaml"
    chat = {"model": "gemini-3.8-flash", "messages": [{"role": "user", "content": "What is the capital of Norway?"}]}
    with (
        serve.start() as server,
        vcr.VCR(filter_headers=["x-goog-api-key", "authorization"]).use_cassette(str(path)),
        httpx.Client(headers={"x-goog-api-key": "simulated", "authorization": "Bearer simulated"}) as client,
    ):
        model = f"{server.url}/v1beta/models/gemini-3.8-flash"
        client.post(f"{model}:generateContent", json=QUESTION)
        client.post(f"{model}:streamGenerateContent?alt=sse", json=QUESTION)
        client.post(f"{server.url}/v1/chat/completions", json=chat)
    return path


@pytest.fixture
def project(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "norway.yaml").write_bytes(recorded.read_bytes())
    return tmp_path


def without_headers(path: Path) -> None:
    """Take the headers of the answers out, as ``before_record_response`` of vcrpy can."""
    whole = yaml.safe_load(path.read_text())
    for one in whole["interactions"]:
        one["response"]["headers"] = {
            name: value for name, value in one["response"]["headers"].items() if name == "content-encoding"
        }
    path.write_text(yaml.safe_dump(whole))


@pytest.mark.parametrize("headers", ["kept", "lost"])
def test_simulated_answers_are_called_so(project: Path, headers: str) -> None:
    if headers == "lost":
        without_headers(project / "norway.yaml")
    read = [one.exchange.provenance for one in cassette.read(project / "norway.yaml").interactions]
    assert [(one.recorded_from, one.simulated) for one in read] == [("simulator", True)] * 3


def test_an_import_of_simulated_answers_stays_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "norway.yaml", "--suite", "a"]) == 0
    assert "no provider is configured" not in capsys.readouterr().out
    assert main(["run", "suites/a.yaml", "--strict"]) == 0
    shown = capsys.readouterr().out
    assert "google" not in shown
    assert "recorded from simulator (SIMULATED answers) 20" in shown
    assert main(["history"]) == 0
    assert "SIMULATED" in capsys.readouterr().out


CASSETTE = """suite: s
cases:
  - id: c
    provider: google
    model: gemini-3.8-flash
    prompt: What is the capital of Norway? One word.
    cassette: norway.yaml
"""


def test_a_case_that_names_a_cassette_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "s.yaml").write_text(CASSETTE)
    assert main(["run", "s.yaml"]) == 0
    assert "recorded from simulator (SIMULATED answers) 20" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["audit"], ["drift"], ["fidelity", "norway.yaml"]], ids=lambda words: words[0])
def test_reports_on_recordings_say_so(project: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert (project / "norway.yaml").exists()
    main([*command, "norway.yaml"])
    assert "SIMULATED" in capsys.readouterr().out


def test_a_simulator_that_replays_says_so(project: Path) -> None:
    without_headers(project / "norway.yaml")
    with serve.start(replay=replay.load([project / "norway.yaml"])) as server, httpx.Client() as client:
        answer = client.post(
            f"{server.url}/v1beta/models/gemini-3.8-flash:generateContent",
            json=QUESTION,
            headers={"x-goog-api-key": "k"},
        )
    assert (answer.headers["x-simulated"], answer.headers["x-replayed"]) == ("gemini-harness",) * 2


# --- the day --------------------------------------------------------------------------------------------


def dated(path: Path, headers: dict[str, Any], **more: Any) -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}, "finishReason": "STOP"}]}
    response = {"status": {"code": 200}, "headers": headers, "body": {"string": json.dumps(answer)}}
    asked = {"method": "POST", "uri": URL, "body": json.dumps(QUESTION), "headers": {}}
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [{"request": asked, "response": response, **more}]}))


@pytest.mark.parametrize(
    ("headers", "more", "at"),
    [
        ({"Date": [DATE]}, {}, "2026-11-20T12:03:32+00:00"),
        ({"date": DATE}, {"recorded_at": "Thu, 19 Nov 2026 12:00:00 GMT"}, "2026-11-19T12:00:00+00:00"),
        ({}, {"recorded_at": "2026-11-19T13:00:00+01:00"}, "2026-11-19T12:00:00+00:00"),
        ({"date": "REDACTED"}, {}, None),
        ({"date": "0001-01-01T00:00:00+23:59"}, {}, None),
    ],
)
def test_the_day_is_read(tmp_path: Path, headers: dict[str, Any], more: dict[str, Any], at: str | None) -> None:
    dated(tmp_path / "a.yaml", headers, **more)
    (read,) = cassette.read(tmp_path / "a.yaml").interactions
    assert read.exchange.provenance.recorded_at == at


@pytest.mark.parametrize(("top", "name"), [("http_interactions", "recorded_at"), ("calls", "startedDateTime")])
def test_the_day_is_read_whatever_the_tool(tmp_path: Path, top: str, name: str) -> None:
    dated(tmp_path / "a.yaml", {}, **{name: "2026-11-19T13:00:00+01:00"})
    text = (tmp_path / "a.yaml").read_text().replace("interactions:", f"{top}:")
    (tmp_path / "a.yaml").write_text(text)
    (read,) = cassette.read(tmp_path / "a.yaml").interactions
    assert read.exchange.provenance.recorded_at == "2026-11-19T12:00:00+00:00"


def test_an_import_keeps_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dated(tmp_path / "a.yaml", {"date": DATE})
    assert main(["import", "a.yaml"]) == 0
    assert main(["import", "cassettes", "--suite", "again"]) == 0
    main(["run", "suites/again.yaml"])
    assert "recorded from google 2026-11-20;" in capsys.readouterr().out
