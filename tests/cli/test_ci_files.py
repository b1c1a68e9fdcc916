"""The action, the job for GitLab and the hook do what they say: their own steps are run, on suites of the simulator."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import main
from tests.actions import ROOT, Job

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the steps are written for bash")

GH = """#!/bin/bash
# A stand-in for the command of GitHub: comments are files.
echo "$*" >> "$COMMENTS/log"
for word in "$@"; do case "$word" in body=@*) body="${word#body=@}";; esac; done
case "$*" in
  *"--method POST"*) cp "$body" "$COMMENTS/7" ;;
  *"--method PATCH"*) cp "$body" "$COMMENTS/7" ;;
  *--jq*) [ -f "$COMMENTS/7" ] && echo 7; true ;;
esac
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A project that ``init`` made, on a machine with the harness and stand-ins for ``gh`` and ``pip``."""
    project, programs, temp = (tmp_path / name for name in ("project", "bin", "temp"))
    for folder in (project, programs, temp, tmp_path / "comments"):
        folder.mkdir()
    (programs / "gemini-harness").symlink_to(Path(sys.executable).parent / "gemini-harness")
    for name, text in (("gh", GH), ("python", '#!/bin/bash\necho "$*" > "$COMMENTS/installed"\n')):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("COMMENTS", str(tmp_path / "comments"))
    monkeypatch.chdir(project)
    assert main(["init"]) == 0
    return Job(project, programs, temp)


def test_the_action_installs_its_own_version(job: Job, tmp_path: Path) -> None:
    installed = tmp_path / "comments/installed"
    job.run()
    assert installed.read_text() == f"-m pip install --quiet {ROOT}[stats]\n"
    job.run(install="gemini-harness[stats]==0.1.0 my-checks")
    assert installed.read_text() == "-m pip install --quiet gemini-harness[stats]==0.1.0 my-checks\n"


def break_suite(project: Path) -> None:
    suite = project / "suites/first.yaml"
    suite.write_text(suite.read_text().replace("icontains: oslo", "icontains: bergen"))


def test_the_action_replays_annotates_uploads_and_keeps_one_comment_up_to_date(job: Job, tmp_path: Path) -> None:
    assert main(["run"]) == 0
    assert main(["baseline", "set", "last"]) == 0
    job.pull_request = 12
    assert job.run(gates="cost=50%") == 0
    assert job.uploaded == ["gemini-harness"]
    found = {path.name for path in (job.temp / "gemini-harness").iterdir()}
    assert {"run.html", "junit.xml"} <= found
    comment = tmp_path / "comments/7"
    assert comment.read_text().startswith("<!-- gemini-harness: gemini-harness -->\n")
    break_suite(job.workspace)
    assert job.run() == 1
    assert "::error file=suites/first.yaml,line=" in job.printed
    assert "first" in (job.temp / "summary.md").read_text()
    assert job.uploaded == ["gemini-harness"], "what failed is uploaded too"
    log = (tmp_path / "comments/log").read_text().splitlines()
    assert [re.findall(r"--method \w+ \S+", line)[0] for line in log if "--method" in line] == [
        "--method POST repos/someone/project/issues/12/comments",
        "--method PATCH repos/someone/project/issues/comments/7",
    ]
    assert "capital" in comment.read_text()


def test_a_faulty_suite_is_annotated_at_its_line(job: Job) -> None:
    suite = job.workspace / "suites/first.yaml"
    suite.write_text(suite.read_text().replace("prompt: What is the capital of Norway? One word.", "promt: hi"))
    assert job.run() == 4
    assert re.search(r"^::error file=suites/first.yaml,line=11,", job.printed, re.MULTILINE)


def test_a_gate_against_the_baseline_fails_the_job(job: Job) -> None:
    assert main(["run"]) == 0
    assert main(["baseline", "set", "last"]) == 0
    baseline = job.workspace / "baseline/run.jsonl"
    baseline.write_text(re.sub(r'"cost_usd":[\d.e-]+', '"cost_usd":1e-9', baseline.read_text()))
    assert job.run(gates="cost=50%") == 1
    assert job.outputs["play"]["code"] == "0"


def test_shards_are_merged_to_the_whole_run(job: Job) -> None:
    for shard in ("1/2", "2/2"):
        assert job.run(shard=shard) == 0
        shutil.copytree(job.temp / "gemini-harness", job.workspace / "shards" / job.uploaded[0])
    assert job.uploaded == ["gemini-harness-shard-2-of-2"]
    assert job.run(merge="shards") == 0
    assert "8 passed (8 trials)" in job.printed


def test_a_live_run_has_a_ceiling(job: Job) -> None:
    assert job.run(live="true", max_cost="0.0000001", options="--provider simulator") == 6
    assert "the ceiling of $0.00000010 would be exceeded" in job.printed


def test_another_folder_of_the_repository(job: Job) -> None:
    (job.workspace / "evals").mkdir()
    for name in ("suites", "cassettes", "harness.toml"):
        shutil.move(job.workspace / name, job.workspace / "evals" / name)
    break_suite(job.workspace / "evals")
    assert job.run(working_directory="evals") == 1
    assert "::error file=evals/suites/first.yaml,line=" in job.printed


def test_the_job_for_gitlab_passes(job: Job) -> None:
    page = (ROOT / "docs/ci.md").read_text()
    (text,) = re.findall(r"```yaml\n(evals:.*?)```", page, re.DOTALL)
    for steps in (yaml.safe_load(text)["evals"], starter()):
        script = "\n".join(line for line in steps["script"] if not line.startswith("pip "))
        environ = {**os.environ, "PATH": f"{job.bin}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-e", "-c", script], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert Path(steps["artifacts"]["reports"]["junit"]).is_file()


def starter() -> Any:
    return yaml.safe_load((ROOT / "harness/cli/starter/.gitlab/gemini-harness.yml").read_text())["gemini-harness"]


def test_every_input_of_the_action_is_used_and_known() -> None:
    text = (ROOT / "action.yml").read_text()
    named = set(re.findall(r"inputs\.([\w-]+)", text))
    assert named == set(yaml.safe_load(text)["inputs"])


def test_the_hook_refuses_a_faulty_suite(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    command = hook["entry"].split()[1:]
    assert main(command) == 0
    Path("suites/first.yaml").write_text("suite: first\ncasse: []\n")
    assert main(command) == 4
    assert "did you mean" in capsys.readouterr().err
    assert re.search(hook["files"], "evals/suites/first.yaml")


# --- the baseline -------------------------------------------------------------------------------------


def test_a_baseline_is_small_and_compares_as_the_run(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 0
    capsys.readouterr()
    assert main(["compare", "last", "last", "--format", "json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert main(["baseline", "set", "last"]) == 0
    assert "baseline/run.jsonl: run " in capsys.readouterr().out
    (saved,) = Path("reports").glob("*/run.jsonl")
    assert Path("baseline/run.jsonl").stat().st_size < saved.stat().st_size * 0.7
    assert "contents" not in Path("baseline/run.jsonl").read_text()
    assert main(["compare", "baseline", "last", "--format", "json"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert [cell["reference"] for cell in kept["cells"]] == [cell["reference"] for cell in whole["cells"]]


def test_the_baseline_of_a_project_is_found_from_below(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["run"]) == 0
    assert main(["baseline", "set", "last"]) == 0
    monkeypatch.chdir("suites")
    assert main(["compare", "baseline", "last"]) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["compare", "baseline", "last"], "there is no baseline/run.jsonl yet; `gemini-harness baseline set RUN`"),
        (["baseline", "set", "none"], "no saved run 'none'"),
    ],
)
def test_a_missing_baseline_is_a_complaint(
    job: Job, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(arguments) == 4
    assert capsys.readouterr().err.startswith(complaint)


def test_a_run_that_was_cut_short_is_no_baseline(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 0
    (saved,) = Path("reports").glob("*/run.jsonl")
    saved.write_text("".join(saved.read_text().splitlines(keepends=True)[:-1]))
    assert main(["baseline", "set", "last"]) == 4
    assert "was cut short" in capsys.readouterr().err
