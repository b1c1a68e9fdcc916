"""When asking a provider ends: three trials prove that its key is refused or its host is dead, one that a day's quota is used up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from tests.endpoint import Endpoint, Script, answer, closed_address
from tests.factories import PARIS

CONFIG = """
concurrency = 1
provider = "near"
[providers.near]
base_url = "http://127.0.0.1:9"
base_url_from = "NEAR"
keys = ["NEAR_KEY"]
[providers.far]
base_url = "http://127.0.0.1:9"
base_url_from = "FAR"
auth = "none"
"""
MODEL = "gemini-2.5-flash"


def suite(cases: int, expect: str = "{text: {equals: Paris}}") -> str:
    lines = [f"  - {{id: c{number}, prompt: Where?, expect: {expect}}}" for number in range(cases)]
    return "\n".join([f"suite: s\ndefaults: {{model: {MODEL}}}\ncases:", *lines])


def refusal(status: int, message: str, **detail: Any) -> Script:
    return answer({"error": {"code": status, "message": message, "status": "ANY", "details": [detail]}}, status)


def quota(name: str) -> Script:
    return refusal(429, "You exceeded it.", **{"@type": "x/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]})


KEY = refusal(400, "API key not valid.", reason="API_KEY_INVALID")
DAILY = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")


@dataclass(frozen=True)
class Outcome:
    code: int
    printed: str
    rows: list[dict[str, Any]]

    @property
    def statuses(self) -> str:
        """A letter a trial."""
        return "".join(row["status"][0] for row in self.rows)

    @property
    def unasked(self) -> list[str]:
        messages = (row["error"]["message"] for row in self.rows if row["error"])
        return [message for message in messages if message.startswith("not asked: ")]


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Plays the suite in a folder of its own, live; the rows of the run that was played last."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "harness.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEAR_KEY", "a-key-that-nobody-knows")

    def play(text: str, *argv: str, near: str = "", far: str = "") -> Outcome:
        monkeypatch.setenv("NEAR", near or closed_address())
        monkeypatch.setenv("FAR", far or closed_address())
        Path("suites/s.yaml").write_text(text)
        code = main(["run", *(argv or ("--live",))])
        output = capsys.readouterr()
        (file,) = Path("reports").glob("*/run.jsonl")
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        return Outcome(code, output.out + output.err, [line for line in lines if "group" in line])

    return play


@pytest.mark.parametrize(
    "script",
    [
        KEY,
        refusal(401, "Request had invalid authentication credentials."),
        answer(b"Unauthorized", 401),
        refusal(403, "Method doesn't allow unregistered callers. Please use API Key."),
        refusal(403, "Your API key was reported as leaked. Please use another API key."),
        refusal(403, "Gemini API is off.", reason="SERVICE_DISABLED"),
        refusal(403, "Requests from referer <empty> are blocked.", reason="API_KEY_HTTP_REFERRER_BLOCKED"),
    ],
)
def test_a_refused_key_ends_the_asking_after_three_trials(run: Run, script: Script) -> None:
    with Endpoint(script) as endpoint:
        done = run(suite(12), near=endpoint.url)
    assert (done.code, done.statuses, len(endpoint.requests)) == (6, "e" * 12, 3)
    assert len(done.unasked) == 9
    assert "not asked: provider 'near' refuses the key in 3 trials in a row (HTTP 40" in " ".join(done.printed.split())
    assert "put a valid key into NEAR_KEY" in " ".join(done.printed.split())
    assert "go on with it: gemini-harness run --resume" in done.printed
    assert "a-key-that-nobody-knows" not in done.printed


@pytest.mark.parametrize(
    ("script", "expect"),
    [
        (refusal(403, "Use an API key."), "{http: 403}"),
        (refusal(403, "Use an API key."), "{error: {status: PERMISSION_DENIED}}"),
        (refusal(401, "Use an API key."), "{error: {code: 401}}"),
        (KEY, "{http: {in: [400, 401]}}"),
        (
            refusal(403, "You do not have permission to access the File abc or it may not exist."),
            "{text: {present: true}}",
        ),
        (refusal(400, "User location is not supported."), "{text: {present: true}}"),
        (quota("GenerateRequestsPerMinutePerProjectPerModel"), "{http: 429}"),
        (DAILY, "{http: 429}"),
    ],
)
def test_what_is_expected_or_not_about_the_key_proves_nothing(run: Run, script: Script, expect: str) -> None:
    with Endpoint(script) as endpoint:
        done = run(suite(7, expect), near=endpoint.url)
    assert len(endpoint.requests) == 7
    assert done.code in (0, 1)
    assert not done.unasked


@pytest.mark.parametrize("access", ["apiKey: wrong", "auth: none", "auth: bearer"])
def test_a_key_that_a_case_chose_proves_nothing(run: Run, access: str) -> None:
    with Endpoint(KEY) as endpoint:
        done = run(suite(4).replace("prompt:", f"{access}, prompt:"), near=endpoint.url)
    assert (done.code, done.statuses, len(endpoint.requests)) == (1, "ffff", 4)


def test_a_success_in_between_begins_the_count_again(run: Run) -> None:
    with Endpoint(KEY, KEY, answer(PARIS), KEY, KEY, answer(PARIS), KEY) as endpoint:
        done = run(suite(12), near=endpoint.url)
    assert (done.statuses, len(endpoint.requests)) == ("eepeepeeeeee", 9)
    assert len(done.unasked) == 3


def test_other_providers_go_on(run: Run) -> None:
    with Endpoint(KEY) as near, Endpoint(answer(PARIS)) as far:
        targets = ("--target", f"near/{MODEL}", "--target", f"far/{MODEL}")
        done = run(suite(8), "--live", *targets, near=near.url, far=far.url)
    assert (len(near.requests), len(far.requests)) == (3, 8)
    assert sorted(done.statuses) == sorted("p" * 8 + "e" * 8)
    assert done.code == 6


def test_what_is_in_flight_is_all_that_is_asked_beyond_three(run: Run) -> None:
    Path("harness.toml").write_text(CONFIG.replace("concurrency = 1", "concurrency = 8"))
    with Endpoint(KEY) as endpoint:
        done = run(suite(60), near=endpoint.url)
    assert 3 <= len(endpoint.requests) <= 3 + 8
    assert done.statuses == "e" * 60


def test_a_dead_host_is_left_after_three_trials(run: Run) -> None:
    with Endpoint(answer(PARIS)) as far:
        targets = ("--target", f"near/{MODEL}", "--target", f"far/{MODEL}")
        done = run(suite(20), "--live", *targets, far=far.url)
    assert len(far.requests) == 20
    assert len(done.unasked) == 17
    assert "Connection refused (3 attempts)" in done.printed
    messages = " ".join(done.printed.split())
    assert "not asked: provider 'near' was not reached in 3 trials in a row (http://127.0.0.1:" in messages
    assert "no connection: Connection refused); check that http://127.0.0.1:" in messages


def test_silent_and_unknown_hosts_count_as_unreached(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    Path("harness.toml").write_text(f"{CONFIG}[timeouts]\nconnect = 0.2\n")
    with Endpoint(answer(PARIS)) as endpoint:  # it waits for a request, and its caller for TLS
        done = run(suite(9), near=endpoint.url.replace("http:", "https:"))
    assert len(done.unasked) == 6
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    done = run(suite(9), "--live", "--resume", "last", near="http://no-such-host.invalid")
    assert len(done.unasked) == 6


@pytest.mark.parametrize("framed", [False, True])
def test_a_daily_quota_ends_the_asking_of_its_model_at_once(run: Run, *, framed: bool) -> None:
    body = {"error": {"code": 429, "message": "Quota.", "details": [{"@type": "x/google.rpc.QuotaFailure"}]}}
    body["error"]["details"][0]["violations"] = [{"quotaId": "RequestsPerDay"}]  # type: ignore[index]
    script = answer(b"data: " + json.dumps(body).encode() + b"\n\n", 429) if framed else answer(body, 429)
    with Endpoint(script, answer(PARIS)) as endpoint:
        done = run(suite(5), "--live", "--model", MODEL, "--model", "gemini-2.5-pro", near=endpoint.url)
    assert len(endpoint.requests) == 1 + 5
    assert sorted(done.statuses) == sorted("e" * 5 + "p" * 5)
    assert f"not asked: the daily quota of {MODEL} at provider 'near' is used up (HTTP 429: Quota.)" in done.unasked[0]
    assert len(done.unasked) == 4


def test_the_rest_is_asked_when_the_run_goes_on(run: Run) -> None:
    with Endpoint(KEY) as endpoint:
        first = run(suite(6), near=endpoint.url)
    with Endpoint(answer(PARIS)) as endpoint:
        Path("suites/s.yaml").touch()
        done = run(suite(6), "--live", "--resume", "last", near=endpoint.url)
    assert (first.statuses, done.code, done.statuses, len(endpoint.requests)) == ("eeeeee", 0, "pppppp", 6)


def test_recording_ends_alike_and_records_nothing(run: Run) -> None:
    with Endpoint(refusal(403, "API key expired.")) as endpoint:
        done = run(suite(6), "--record-mode", "all", near=endpoint.url)
    assert (done.code, len(endpoint.requests), len(done.unasked)) == (6, 3, 3)
    assert not list(Path("cassettes").rglob("*.yaml"))


def test_pytest_ends_the_asking_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.mkdir("suites").joinpath("s.yaml").write_text(suite(7))
    pytester.path.joinpath("harness.toml").write_text(CONFIG)
    monkeypatch.setenv("NEAR_KEY", "a-key-that-nobody-knows")
    with Endpoint(KEY) as endpoint:
        monkeypatch.setenv("NEAR", endpoint.url)
        result = pytester.runpytest("suites", "--harness-live")
    result.assert_outcomes(errors=7)
    assert len(endpoint.requests) == 3
    result.stdout.fnmatch_lines(["*not asked: provider 'near' refuses the key in 3 trials in a row*"])
