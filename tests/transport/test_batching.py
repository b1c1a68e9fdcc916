"""Suites with ``transport: batch``: one job for all trials, at half the price, and none of it twice."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.cli.main import main
from harness.errors import UsageError
from harness.model import Slot
from harness.results.load import load, saved_runs
from harness.simulator import serve
from harness.simulator.batches import Batch
from harness.simulator.serve import Running
from harness.transport.wire import Wire
from tests.endpoint import Endpoint, answer
from tests.factories import config, request

MODEL = "gemini-3.5-flash-lite"
CAPITAL = f"""
suite: capitals
defaults: {{model: {MODEL}, transport: batch}}
cases:
  - id: norway
    repeat: 20
    prompt: What is the capital of Norway? One word.
    expect: {{text: {{icontains: oslo}}}}
"""
ALL = ("--record-mode", "all")


@dataclass
class Project:
    """A folder with a suite, and a simulator that keeps the jobs."""

    folder: Path
    simulator: Running
    url: str

    def write(self, suite: str, **settings: str) -> None:
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.folder / "harness.toml").write_text(f'provider = "simulator"\n{lines}')
        (self.folder / "suites").mkdir(exist_ok=True)
        (self.folder / "suites/s.yaml").write_text(suite)

    def run(self, *argv: str) -> tuple[int, str, str]:
        """The exit code, stdout with its lines joined, and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setenv("SIMULATOR_BASE_URL", self.url)
            code = main(["run", *argv])
        return code, " ".join(out.getvalue().split()), err.getvalue()

    def cut(self, how: signal.Signals, *argv: str) -> str:
        """Begin a run in a process of its own, and end it that way when its job is known there; what it wrote to stderr."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("harness.simulator.batches.RUNNING", 600.0)
            return self._cut(how, *argv)

    def _cut(self, how: signal.Signals, *argv: str) -> str:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "run", *argv],
            cwd=self.folder,
            env={**os.environ, "SIMULATOR_BASE_URL": self.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not any("name" in line for line in self.journal()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(how)
        return process.communicate(timeout=60)[1]

    @property
    def jobs(self) -> Sequence[Batch]:
        return self.simulator.app.resources.batches.kept.values()

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    def journal(self) -> list[dict[str, Any]]:
        files = self.reports.glob("*/batches.jsonl")
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def rows(self) -> list[Any]:
        """The trials of the latest run."""
        return list(load(saved_runs(self.reports)[-1], self.reports).rows())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setattr("harness.simulator.batches.PENDING", 0.05)
    monkeypatch.setattr("harness.simulator.batches.RUNNING", 0.1)
    monkeypatch.setattr("harness.transport.batching._FIRST_WAIT", 0.03)
    with serve.start() as running:
        project = Project(tmp_path, running, running.url)
        project.write(CAPITAL)
        yield project


def test_twenty_trials_are_one_job_at_half_the_price(project: Project) -> None:
    code, out, err = project.run(*ALL, "--max-cost", "100")
    assert (code, len(project.jobs), len(project.jobs[0].requests)) == (0, 1, 20)
    assert "pass 20/20" in out
    assert "20 in batches, at half the price" in err
    assert f"{project.jobs[0].name}: succeeded: 20 requests, 20 successful" in err
    batch = [row.measures for row in project.rows()]
    project.write(CAPITAL.replace("batch", "unary"))
    project.run("--live")
    for cheap, dear in zip(batch, [row.measures for row in project.rows()], strict=True):
        assert cheap["totalTokenCount"] == dear["totalTokenCount"]
        assert cheap["cost_usd"] == pytest.approx(dear["cost_usd"] / 2)
        assert cheap["latency_s"] is None
        assert dear["latency_s"] is not None


def test_what_was_recorded_in_a_batch_replays_without_one(project: Project) -> None:
    project.run(*ALL)
    recorded = [row.measures for row in project.rows()]
    project.simulator.stop()
    assert project.run()[0] == 0
    assert [row.measures for row in project.rows()] == recorded
    project.write(CAPITAL.replace("batch", "unary"))
    assert project.run()[0] == 0, "a unary suite takes the same recordings"


def test_a_batch_is_mixed_with_other_transports(project: Project) -> None:
    project.write(CAPITAL.replace("batch", "[unary, stream, batch]"), concurrency="2")
    code, out, _ = project.run("--live")
    assert (code, len(project.jobs[0].requests)) == (0, 20), out
    assert [row.turns[0].transport for row in project.rows()[::20]] == ["unary", "stream", "batch"]


def test_a_conversation_takes_a_job_for_each_turn(project: Project) -> None:
    turns = "turns: [{user: What is the capital of Peru? One word., expect: {text: {icontains: lima}}}, {user: And of Chile?}]"
    project.write(f"suite: s\ncases: [{{id: c, model: {MODEL}, transport: batch, repeat: 3, {turns}}}]")
    assert project.run(*ALL)[0] == 0
    assert [len(job.requests) for job in project.jobs] == [3, 3]
    second = project.jobs[1].requests[0].body["contents"]
    assert [content["role"] for content in second] == ["user", "model", "user"]


def test_a_job_that_failed_in_part_is_judged_in_part(project: Project) -> None:
    bad = "  - {id: bad, prompt: hi, request: {cachedContent: cachedContents/none}}\n"
    wanted = bad.replace("bad", "wanted").replace("none}", "none}, expect: {error: {code: 403}}")
    project.write(CAPITAL + bad + wanted)
    code, out, err = project.run(*ALL)
    assert (code, len(project.jobs)) == (1, 1)
    assert "20 requests" not in err
    assert "22 requests, 20 successful, 2 failed" in err
    assert "HTTP 403, PERMISSION_DENIED: CachedContent not found (or permission denied)" in out
    assert [row.status for row in project.rows()] == ["passed"] * 20 + ["failed", "passed"]


def test_a_job_is_cut_where_it_grows_too_large(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.transport.batching._LARGEST", 2_000)
    assert project.run("--live")[0] == 0
    assert sum(len(job.requests) for job in project.jobs) == 20
    assert len(project.jobs) > 1


def test_a_job_holds_so_many_requests_and_no_more(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.transport.batching._MOST", 8)
    assert project.run("--live")[0] == 0
    assert sorted(len(job.requests) for job in project.jobs) == [4, 8, 8]
    assert len({job.created // 10 for job in project.jobs}) <= 2, "they run at the same time"


# --- going on -----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("how", "mode"),
    [
        pytest.param(signal.SIGKILL, ALL, id="killed-recorded"),
        pytest.param(signal.SIGINT, ("--live",), id="ctrl-c-live"),
        pytest.param(signal.SIGKILL, ("--live",), id="killed-live", marks=pytest.mark.nightly),
        pytest.param(signal.SIGINT, ALL, id="ctrl-c-recorded", marks=pytest.mark.nightly),
    ],
)
def test_a_resumed_run_submits_nothing_twice(project: Project, how: signal.Signals, mode: Sequence[str]) -> None:
    err = project.cut(how, *mode)
    if how == signal.SIGINT:
        name = project.jobs[0].name
        assert f"{name} goes on at simulator: --resume collects its answers" in err
        assert f"/v1beta/{name}:cancel ends it" in err
    code, out, _ = project.run("--resume")
    assert (code, len(project.jobs), len(project.rows())) == (0, 1, 20), out
    assert sum(row.measures["cost_usd"] for row in project.rows()) > 0


def test_a_job_whose_name_was_not_saved_is_found_by_ours(project: Project) -> None:
    project.cut(signal.SIGKILL, "--live")
    (journal,) = project.reports.glob("*/batches.jsonl")
    journal.write_text(journal.read_text().splitlines()[0] + "\n" + '{"job": "gemini-harness-')
    code, out, _ = project.run("--resume")
    assert (code, len(project.jobs), len(project.rows())) == (0, 1, 20), out


def test_a_cancelled_job_is_one_cause_and_may_be_asked_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.simulator.batches.RUNNING", 600.0)
    project.cut(signal.SIGKILL, "--live")
    project.simulator.app.resources.batches.cancel(project.jobs[0].name)
    code, out, _ = project.run("--resume")
    assert code == 6
    assert out.count("ended as CANCELLED") == 1
    assert "batch-failed" in out
    monkeypatch.setattr("harness.simulator.batches.RUNNING", 0.1)
    assert project.run("--resume", saved_runs(project.reports)[-1])[0] == 0
    assert len(project.jobs) == 2


# --- bad input ----------------------------------------------------------------------------------------


def test_a_gateway_without_batches_is_one_cause(project: Project) -> None:
    project.write(CAPITAL.replace("transport", "provider: simulator-comet, transport"))
    code, out, _ = project.run("--live")
    assert code == 6
    assert "simulator-comet refuses a batch of 20 requests of gemini-3.5-flash-lite: HTTP 404" in out
    assert "if not, write transport: unary" in out
    assert out.count("simulator-comet refuses") == 1


def test_a_refused_job_names_the_case_of_its_bad_request(project: Project) -> None:
    message = "Invalid JSON payload: batch.input_config.requests.requests[20].request.contents[0]"
    refusal = {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
    project.write(CAPITAL + "  - {id: bad, prompt: hi}\n")
    with Endpoint(answer(refusal, 400)) as endpoint:
        project.url = endpoint.url
        code, out, _ = project.run("--live")
    assert code == 6
    assert "simulator refuses a batch of 21 requests of gemini-3.5-flash-lite: HTTP 400" in out
    assert f"requests[20] is that of cassettes/capitals/bad/simulator.{MODEL}.yaml, row 0" in out


def test_a_submission_of_unclear_fate_is_not_repeated(project: Project) -> None:
    fault = answer({"error": {"code": 500, "message": "Internal error", "status": "INTERNAL"}}, 500)
    with Endpoint(fault, fault) as endpoint:
        there, project.url = project.url, endpoint.url
        code, out, _ = project.run("--live")
        assert (code, len(endpoint.requests)) == (6, 1), out
    project.url = there
    assert project.run("--resume", saved_runs(project.reports)[-1])[0] == 0
    assert len(project.jobs) == 1


def test_a_batch_has_nothing_to_agree_with(project: Project) -> None:
    project.write(CAPITAL.replace("batch}", "[unary, batch]}").replace("repeat: 20", "agree: text"))
    code, _, err = project.run()
    assert code == 4
    assert "there is nothing to agree with: write transport: [unary, stream]" in err


def test_chat_completions_have_no_batches(project: Project) -> None:
    project.write(CAPITAL.replace("transport", "provider: simulator-openai, transport"))
    code, out, _ = project.run("--live")
    assert code == 5
    assert "not available: the OpenAI-compatible dialect has no transport: batch" in out


@pytest.mark.parametrize("check", ["latency: {max: 1s}", "ttft: {max: 1s}", "stream: {chunks: 1}"])
def test_a_check_of_times_is_refused(project: Project, check: str) -> None:
    project.write(CAPITAL.replace("text: {", f"{check}, text: {{"))
    code, _, err = project.run()
    name = check.partition(":")[0]
    assert code == 4
    assert f"an answer from a batch has no times, so {name} cannot hold" in err
    project.write(CAPITAL.replace("text: {", f"{check}, text: {{").replace("batch", "[unary, batch]"))
    assert project.run("--live")[0] == 0, "where it is swept, the check is about the others"


def test_one_trial_at_a_time_is_no_batch() -> None:
    one = replace(request(), transport="batch")
    with pytest.raises(UsageError, match="pytest only replays it"):
        asyncio.run(Wire(config()).send(one, Slot(Path("c.yaml"), 0, 0, 0)))
