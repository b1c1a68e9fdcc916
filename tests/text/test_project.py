"""Which files a suite may name: regular ones of its project. Through the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.text import project

OUTSIDE = "it lies outside of"


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder with a suite to come, beside files that are none of its business."""
    (tmp_path / "secret.txt").write_text("the secret")
    (tmp_path / "secret.json").write_text('[{"id": "a"}]')
    (tmp_path / "secret.py").write_text("def f(result): return True\n")
    (tmp_path / "secret.yaml").write_text("interactions: []\nversion: 1\n")
    (folder := tmp_path / "strange").mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "way").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    return folder


def check(folder: Path, case: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    text = f"suite: s\nmatrix: {{model: gemini-3.8-flash}}\ncases:\n  - {{id: a, prompt: hi, {case}}}\n"
    (folder / "s.yaml").write_text(text)
    code = main(["check", str(folder / "s.yaml"), *options])
    told = capsys.readouterr()
    return code, told.out + told.err


EVERY_WAY = [
    'system: "${file:NAME.txt}"',
    'system: "so: ${file:NAME.txt}."',
    'request: {contents: [{parts: [{inlineData: {mimeType: text/plain, data: "${file:NAME.txt}"}}]}]}',
    'each: "${file:NAME.json}"',
    'schema: "${file:NAME.json}"',
    "expect: {json: {valid: NAME.json}}",
    'expect: {python: "NAME.py:f"}',
    "cassette: NAME.yaml",
]


@pytest.mark.parametrize("name", ["../secret", "way/secret", "ABSOLUTE/secret"])
@pytest.mark.parametrize("case", EVERY_WAY)
def test_what_lies_outside_is_not_read(strange: Path, case: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    named = case.replace("NAME", name.replace("ABSOLUTE", str(strange.parent)))
    code, said = check(strange, named, capsys)
    assert (code, OUTSIDE in said, "--allow-outside-files" in said, ":4:" in said) == (4, True, True, True)
    assert OUTSIDE not in check(strange, named, capsys, "--allow-outside-files")[1]


@pytest.mark.parametrize("name", ["/etc/passwd", "/proc/self/environ", "link.txt", "/dev/zero", "../../nothing"])
def test_neither_are_the_files_of_the_system(strange: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = check(strange, f'system: "${{file:{name}}}"', capsys)
    assert (code, OUTSIDE in said) == (4, True)


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "zero"])
@pytest.mark.parametrize("case", [*EVERY_WAY[:2], "expect: {json: {valid: NAME.txt}}", "cassette: NAME.txt"])
def test_nobody_waits_for_a_pipe_or_a_device(
    strange: Path, case: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = check(strange, case.replace("NAME.txt", name), capsys, "--allow-outside-files")
    assert (code, "it is not a regular file" in said) == (4, True)


def test_folders_of_suites_may_hold_a_pipe(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(strange / "other.yaml")
    check(strange, "tags: []", capsys)
    assert main(["check", str(strange)]) == 0


@pytest.mark.parametrize(
    "mark",
    [("harness.toml", ""), ("pyproject.toml", "[tool.gemini-harness]\n"), (".git", "gitdir: elsewhere\n")],
    ids=lambda mark: mark[0],
)
def test_the_project_is_the_folder_of_the_configuration_or_of_the_repository(
    strange: Path, mark: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (strange.parent / mark[0]).write_text(mark[1])
    assert check(strange, 'system: "${file:../secret.txt}"', capsys)[0] == 0
    assert check(strange, 'system: "${file:../../secret.txt}"', capsys)[0] == 4


def test_a_file_may_be_too_large(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "MOST", 2 << 20)
    (strange / "large.txt").write_bytes(b"x" * (3 << 20))
    code, said = check(strange, 'system: "${file:large.txt}"', capsys)
    assert (code, "it holds 3 MiB, and at most 2 MiB of a file are read" in said) == (4, True)


def test_every_place_that_names_a_file_says_so(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = check(strange, 'system: "${file:../secret.json}", schema: "${file:../secret.json}"', capsys)
    assert said.count("cannot read ../secret.json") == 2


@pytest.mark.parametrize("text", ["[" * 200_000, "[" * 500 + "]" * 500, '{"a": NaN}', '{"a": 1e999}'])
def test_json_that_cannot_be_sent_is_refused(strange: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (strange / "a.json").write_text(text)
    assert "is not JSON" in check(strange, 'schema: "${file:a.json}"', capsys)[1]
    assert "holds no schema" in check(strange, "expect: {json: {valid: a.json}}", capsys)[1]


def test_the_schema_in_a_file_is_strict_yaml(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    (strange / "bomb.yaml").write_text("\n".join(bomb))
    code, said = check(strange, "expect: {json: {valid: bomb.yaml}}", capsys)
    assert (code, "holds no schema" in said) == (4, True)


def test_the_model_names_no_file(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turns = "turns: [{user: hi, capture: {f: $.x}}, {user: you, expect: %s}]"
    for expect in ('{python: "${capture.f}"}', '{python: ["${capture.f}:g"]}', '{json: {valid: "${capture.f}"}}'):
        text = f"suite: s\nmatrix: {{model: gemini-3.8-flash}}\ncases:\n  - id: a\n    {turns % expect}\n"
        (strange / "s.yaml").write_text(text)
        assert main(["check", str(strange / "s.yaml")]) == 4
        assert "the file must be known before the first request is sent" in capsys.readouterr().err


def test_only_playing_a_suite_runs_its_python(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(strange)
    ran = strange / "ran"
    (strange / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\ndef f(result): return True\n")
    assert check(strange, 'expect: {python: "own.py:f"}', capsys)[0] == 0
    asked = ["s.yaml", "--provider", "simulator"]
    assert not ran.exists()
    assert main(["run", *asked, "--record-mode", "all"]) == 0
    assert ran.exists()
    ran.unlink()
    for command in (
        ["check", "s.yaml"],
        ["list", *asked],
        ["show", "a", *asked],
        ["run", *asked, "--dry-run"],
        ["audit", "cassettes"],
        ["report", "last"],
        ["import", "cassettes", "--suite", "others"],
    ):
        assert main(command) == 0, (command, capsys.readouterr())
        assert not ran.exists(), command


def test_a_run_reads_them_if_it_may(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(strange)
    check(strange, 'system: "${file:../secret.txt}"', capsys)
    assert main(["run", "s.yaml", "--provider", "simulator", "--record-mode", "all"]) == 4
    assert OUTSIDE in capsys.readouterr().err
    said = ["s.yaml", "--allow-outside-files", "--provider", "simulator", "--format", "json"]
    assert main(["run", *said, "--record-mode", "all"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["passed"] == 1
    assert main(["run", "s.yaml", "--allow-outside-files", "--provider", "simulator", "--dry-run"]) == 0
    capsys.readouterr()


def test_pytest_reads_them_if_it_may(strange: Path, pytester: pytest.Pytester) -> None:
    (pytester.path.parent / "outside.txt").write_text("hi")
    pytester.makefile(".yaml", s='suite: s\ncases: [{id: a, model: m, prompt: "${file:../outside.txt}"}]\n')
    refused = pytester.runpytest_inprocess("s.yaml", "--collect-only")
    assert OUTSIDE in refused.stdout.str()
    allowed = pytester.runpytest_inprocess("s.yaml", "--collect-only", "--harness-allow-outside-files")
    assert OUTSIDE not in allowed.stdout.str()
    assert "TrialItem" in allowed.stdout.str()
