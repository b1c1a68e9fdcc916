"""``init``: from an empty folder to a green run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.commands.init import STARTER
from harness.cli.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_what_it_writes_goes_green_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert "wrote  suites/first.yaml" in capsys.readouterr().out
    assert main(["check"]) == 0
    assert main(["run", "--strict"]) == 0
    out = capsys.readouterr().out
    assert "8 passed (8 trials)" in out
    assert "SIMULATED" in out


def test_its_cassettes_are_in_order(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert main(["cassettes", "check"]) == 0
    assert main(["cassettes", "stale"]) == 0
    assert main(["cassettes", "prune", "--dry-run"]) == 0
    assert "would remove" not in capsys.readouterr().out


def test_another_folder_is_made_and_the_way_there_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "my tests/gemini"]) == 0
    assert (project / "my tests/gemini/suites/first.yaml").is_file()
    assert "cd 'my tests/gemini' && gemini-harness run\n" in capsys.readouterr().out


def test_what_is_there_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "harness.toml").write_text('provider = "google"\n')
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert "kept   harness.toml" in out
    assert "wrote  suites/first.yaml" in out
    assert (project / "harness.toml").read_text() == 'provider = "google"\n'
    assert main(["init"]) == 0
    assert "wrote" not in capsys.readouterr().out


def test_a_file_in_the_way_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "suites").write_text("no folder")
    assert main(["init"]) == 4
    assert capsys.readouterr().err.startswith("cannot write suites/")


REPOSITORY = {"url": "https://git.example/gemini-harness", "vcs_info": {"vcs": "git", "commit_id": "4f2a"}}


@pytest.mark.parametrize(
    ("source", "installs"),
    [
        (REPOSITORY, "gemini-harness[stats] @ git+https://git.example/gemini-harness@4f2a"),
        ({"url": "https://example.com/gemini_harness.whl"}, "gemini-harness[stats] @ https://example.com/gemini_harness.whl"),
        ({"url": "file:///home/ada/gemini-harness", "dir_info": {}}, "gemini-harness[stats]"),
    ],
)  # fmt: skip
def test_the_job_installs_the_harness_from_where_this_copy_comes(
    source: dict[str, Any],
    installs: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = project.parent / "site/gemini_harness-0.1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: gemini-harness\nVersion: 0.1.0\n")
    (record / "direct_url.json").write_text(json.dumps(source))
    monkeypatch.syspath_prepend(record.parent)
    (project / ".gitlab-ci.yml").touch()
    (project / ".github").mkdir()
    assert main(["init"]) == 0
    for job in (".github/workflows/gemini-harness.yml", ".gitlab/gemini-harness.yml"):
        assert f"pip install '{installs}'\n" in (project / job).read_text()


def test_runs_are_ignored_by_git_and_the_workflow_passes(project: Path) -> None:
    assert main(["init"]) == 0
    assert (project / "reports/.gitignore").read_text() == "*\n"
    workflow = yaml.safe_load((project / ".github/workflows/gemini-harness.yml").read_text())
    steps = workflow["jobs"]["replay"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("run", "").startswith("gemini-harness")]
    assert main(command.split()[1:]) == 0
    assert (project / "report.xml").is_file()


def recorded(path: Path) -> None:
    """A cassette of pytest-recording with one question and its answer."""
    path.parent.mkdir(parents=True)
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1, "totalTokenCount": 8},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "abc",
    }
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    question = {"contents": [{"role": "user", "parts": [{"text": "Capital of Norway?"}]}]}
    interaction = {
        "request": {"method": "POST", "uri": url, "body": json.dumps(question), "headers": {}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": json.dumps(answer)},
        },
    }
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [interaction]}))


def test_beside_suites_it_writes_no_sample(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "suites").mkdir()
    (project / "suites/first.yaml").write_text("suite: first\ncases: [{id: a, model: gemini-3.8-flash, prompt: hi}]\n")
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert "found  suites in suites/, so no sample is written\n" in out
    assert "cassettes/first/" not in out
    assert 'provider = "google"' in (project / "harness.toml").read_text(), "who is asked does not change"
    assert "\ngemini-harness run --record-mode once\n" in out
    assert main(["run", "--provider", "simulator", "--record-mode", "once"]) == 0


FOLDERS: dict[str, dict[str, str]] = {
    "empty": {},
    "pytest": {
        "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n",
        "tests/test_a.py": "def test_a(): pass\n",
    },
    "GitHub": {".git/HEAD": "", ".github/workflows/ci.yml": "name: ci\n"},
    "GitLab": {".git/HEAD": "", ".gitlab-ci.yml": "stages: [test]\n"},
    "both": {".git/HEAD": "", ".gitlab-ci.yml": "stages: [test]\n", ".github/workflows/ci.yml": "name: ci\n"},
    "promptfoo": {"promptfooconfig.yaml": "prompts: [hi]\nproviders: [google:gemini-3.8-flash]\n"},
    "another file of the same name": {
        ".github/workflows/gemini-harness.yml": "name: mine\n",
        "reports/.gitignore": "x\n",
    },
    "broken files": {
        "a.yaml": ":\n- {",
        "promptfooconfig.yaml": "\x00",
        "b.json": '{"a": "generateContent"',
    },
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_kind_of_folder_is_green_and_keeps_its_files(project: Path, kind: str) -> None:
    for name, text in FOLDERS[kind].items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    assert main(["init"]) == 0
    assert {name: (project / name).read_text() for name in FOLDERS[kind]} == FOLDERS[kind]
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert main(["init"]) == 0
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
    assert main(["run", "--strict"]) == 0


def test_every_next_step_works_when_pasted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("`gemini-harness import PATH` makes suites of them.\n")
    steps = [line for line in out.splitlines() if line.startswith("gemini-harness ")]
    assert [line.split()[1] for line in steps] == ["run", "run", "baseline"]
    for line in steps:
        options = shlex.split(line)[1:]
        assert main([*options, *(["--dry-run"] if "--record-mode" in options else [])]) == 0, line
    assert main(["check"]) == 0


def test_the_jobs_compare_with_a_baseline(project: Path) -> None:
    for folder in (".github", ".git"):
        (project / folder).mkdir()
    (project / ".gitlab-ci.yml").touch()
    assert main(["init"]) == 0
    steps = yaml.safe_load((project / ".github/workflows/gemini-harness.yml").read_text())["jobs"]["replay"]["steps"]
    script = yaml.safe_load((project / ".gitlab/gemini-harness.yml").read_text())["gemini-harness"]["script"]
    jobs = {"GitHub": [step["run"] for step in steps if "run" in step][1:], "GitLab": script[1:]}
    assert all("reference" not in shell(*commands) for commands in jobs.values()), "there is none yet"
    assert main(["baseline", "set", "last"]) == 0
    assert all("* reference: replayed" in shell(*commands) for commands in jobs.values())


def shell(*commands: str) -> str:
    """What commands of a job print, with this program in the place of the installed one. Each of them passes."""
    program = f'gemini-harness() {{ "{sys.executable}" -m harness "$@"; }}'
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join((program, *commands))], env=env, capture_output=True, check=True
    )
    return done.stdout.decode()


def test_recordings_become_the_first_suite(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(project / "tests/cassettes/test_x/test_norway.yaml")
    assert main(["init", "--from-recordings", "tests/cassettes"]) == 0
    assert (project / "harness.toml").read_text().endswith('provider = "google"\n')
    assert not (project / "suites/first.yaml").exists()
    assert main(["check"]) == 0
    assert main(["run", "--strict"]) == 0
    assert "recorded from google" in capsys.readouterr().out


def test_recordings_without_a_request_are_a_complaint(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "a.json").write_text("{}")
    assert main(["init", "--from-recordings", "a.json"]) == 4
    assert "a.json: holds no generateContent request" in capsys.readouterr().err
    assert not (project / "suites").exists()


def test_suites_of_promptfoo_are_no_recordings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "promptfooconfig.yaml").write_text("prompts: []\n")
    assert main(["init", "--from-recordings", "promptfooconfig.yaml"]) == 4
    assert "`gemini-harness import promptfooconfig.yaml` makes suites of it" in capsys.readouterr().err


def test_recordings_are_no_suite_and_say_what_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(project / "tests/cassettes/test_norway.yaml")
    assert main(["run", "tests/cassettes/test_norway.yaml"]) == 4
    assert "these are recordings: `gemini-harness import` makes a suite of them" in capsys.readouterr().err


def test_gitlab_gets_a_job_that_passes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".gitlab-ci.yml").write_text("stages: [test]\n")
    assert main(["init"]) == 0
    assert "found  .gitlab-ci.yml: add `include: [{local: .gitlab/gemini-harness.yml}]`" in capsys.readouterr().out
    assert not (project / ".github").exists()
    job = yaml.safe_load((project / ".gitlab/gemini-harness.yml").read_text())["gemini-harness"]
    assert main(job["script"][1].split()[1:]) == 0
    assert (project / job["artifacts"]["reports"]["junit"]).is_file()


def test_below_a_repository_ci_gets_no_job_that_it_would_not_see(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".git").mkdir()
    (project / ".gitlab-ci.yml").touch()
    assert main(["init", "my evals"]) == 0
    assert "where CI looks for its jobs: add `cd 'my evals' && gemini-harness run` to one" in capsys.readouterr().out
    assert not list(project.rglob("gemini-harness.yml"))


def test_a_configuration_in_pyproject_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text("[tool.gemini-harness]\nprovider = 'simulator'\n")
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert "found  [tool.gemini-harness] in pyproject.toml" in out
    assert 'set provider = "google" in pyproject.toml, and CI replays it' in out
    assert not (project / "harness.toml").exists()
    assert main(["run"]) == 0


@pytest.mark.parametrize("file", ["harness.toml", "pyproject.toml"])
def test_folders_of_a_configuration_are_used(project: Path, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = "[tool.gemini-harness]\n" if file == "pyproject.toml" else ""
    (project / file).write_text(f'{table}suites = "evals/suites"\ncassettes = "evals/tapes"\nreports = "out/runs"\n')
    assert main(["init"]) == 0
    assert "remove `defaults: {provider: simulator}` from the suite, and CI replays it" in capsys.readouterr().out
    assert not any((project / name).exists() for name in ("suites", "cassettes", "reports"))
    assert (project / "out/runs/.gitignore").exists()
    assert main(["run", "--strict"]) == 0, "the sample asks the simulator, whoever is asked by default"
    (project / "evals/suites/first.yaml").write_text(
        "suite: mine\ncases: [{id: a, model: gemini-3.8-flash, prompt: hi}]\n"
    )
    capsys.readouterr()
    assert main(["init"]) == 0
    assert "found  suites in evals/suites/, so no sample is written\n" in capsys.readouterr().out


def test_a_folder_of_all_reports_hides_no_other_files(project: Path) -> None:
    (project / "harness.toml").write_text('reports = "."\n')
    assert main(["init"]) == 0
    assert not (project / ".gitignore").exists()


NOCK = [
    {
        "scope": "https://generativelanguage.googleapis.com:443",
        "method": "POST",
        "path": "/v1beta/models/gemini-2.5-flash:generateContent",
        "body": {"contents": [{"role": "user", "parts": [{"text": "Capital of Norway?"}]}]},
        "status": 200,
        "response": {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1, "totalTokenCount": 8},
            "modelVersion": "gemini-2.5-flash",
            "responseId": "abc",
        },
        "rawHeaders": ["content-type", "application/json"],
    }
]
URL = f"https://generativelanguage.googleapis.com{NOCK[0]['path']}"
ASKED, ANSWERED = json.dumps(NOCK[0]["body"]), json.dumps(NOCK[0]["response"])
TAPES: dict[str, Any] = {
    "test/fixtures/capital.json": NOCK,
    "e2e/session.har": {
        "log": {
            "entries": [
                {
                    "startedDateTime": "2026-11-01T10:00:00Z",
                    "request": {"method": "POST", "url": URL, "headers": [], "postData": {"text": ASKED}},
                    "response": {"status": 200, "headers": [], "content": {"text": ANSWERED}},
                }
            ]
        }
    },
    "spec/cassettes/capital.yml": {
        "http_interactions": [
            {
                "request": {"method": "post", "uri": URL, "body": {"string": ASKED}, "headers": {}},
                "response": {"status": {"code": 200}, "headers": {}, "body": {"string": ANSWERED}},
                "recorded_at": "Sun, 01 Nov 2026 10:00:00 GMT",
            }
        ],
        "recorded_with": "VCR 6.2.0",
    },
}


@pytest.mark.parametrize("name", TAPES)
def test_recordings_of_other_tools_replay(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    tape = project / name
    tape.parent.mkdir(parents=True)
    tape.write_text((yaml.safe_dump if tape.suffix == ".yml" else json.dumps)(TAPES[name]))
    folder = Path(name).parent.as_posix()
    assert main(["init", "--from-recordings", folder]) == 0
    assert main(["run", "--strict"]) == 0
    assert "1 passed (1 trial)" in capsys.readouterr().out


def test_the_wheel_carries_all_of_it(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    starter = {
        f"harness/cli/starter/{path.relative_to(STARTER).as_posix()}" for path in STARTER.rglob("*") if path.is_file()
    }
    assert starter <= packed
