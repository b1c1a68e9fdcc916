"""Which files a suite may name: regular files of its project. Through the command line."""

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
    """A folder for a suite, with files outside of it that the suite may not read."""
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
    captured = capsys.readouterr()
    return code, captured.out + captured.err


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
def test_a_file_outside_of_the_project_is_not_read(
    strange: Path, case: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = case.replace("NAME", name.replace("ABSOLUTE", str(strange.parent)))
    code, output = check(strange, named, capsys)
    assert "a harness.toml further up, or --allow-outside-files, allows it" in output
    assert (code, OUTSIDE in output, "--allow-outside-files" in output, ":4:" in output) == (4, True, True, True)
    assert OUTSIDE not in check(strange, named, capsys, "--allow-outside-files")[1]


@pytest.mark.parametrize("name", ["/etc/passwd", "/proc/self/environ", "link.txt", "/dev/zero", "../../nothing"])
def test_a_file_of_the_system_is_not_read(strange: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = check(strange, f'system: "${{file:{name}}}"', capsys)
    assert (code, OUTSIDE in output) == (4, True)


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "zero"])
@pytest.mark.parametrize("case", [*EVERY_WAY[:2], "expect: {json: {valid: NAME.txt}}", "cassette: NAME.txt"])
def test_a_pipe_or_a_device_is_not_read(
    strange: Path, case: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = check(strange, case.replace("NAME.txt", name), capsys, "--allow-outside-files")
    assert (code, "it is not a regular file" in output) == (4, True)


def test_a_folder_of_suites_may_contain_a_pipe(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(strange / "other.yaml")
    check(strange, "tags: []", capsys)
    assert main(["check", str(strange)]) == 0


@pytest.mark.parametrize(
    "mark",
    [("harness.toml", ""), ("pyproject.toml", "[tool.gemini-harness]\n"), (".git", "gitdir: elsewhere\n")],
    ids=lambda mark: mark[0],
)
def test_the_project_is_the_folder_of_the_configuration(
    strange: Path, mark: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (strange.parent / mark[0]).write_text(mark[1])
    assert check(strange, 'system: "${file:../secret.txt}"', capsys)[0] == 0
    assert check(strange, 'system: "${file:../../secret.txt}"', capsys)[0] == 4


def test_a_file_that_is_too_large_is_not_read(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "MOST", 2 << 20)
    (strange / "large.txt").write_bytes(b"x" * (3 << 20))
    code, output = check(strange, 'system: "${file:large.txt}"', capsys)
    assert (code, "it has 3 MiB; a file may have at most 2 MiB" in output) == (4, True)


def test_every_place_that_names_the_file_is_reported(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, output = check(strange, 'system: "${file:../secret.json}", schema: "${file:../secret.json}"', capsys)
    assert output.count("cannot read ../secret.json") == 2


@pytest.mark.parametrize("text", ["[" * 200_000, "[" * 500 + "]" * 500, '{"a": NaN}', '{"a": 1e999}'])
def test_json_that_cannot_be_sent_is_rejected(strange: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (strange / "a.json").write_text(text)
    assert "is not JSON" in check(strange, 'schema: "${file:a.json}"', capsys)[1]
    assert "holds no schema" in check(strange, "expect: {json: {valid: a.json}}", capsys)[1]


def test_a_schema_in_a_file_is_strict_yaml(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    (strange / "bomb.yaml").write_text("\n".join(bomb))
    code, output = check(strange, "expect: {json: {valid: bomb.yaml}}", capsys)
    assert (code, "holds no schema" in output) == (4, True)


def test_an_answer_of_the_model_cannot_name_a_file(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turns = "turns: [{user: hi, capture: {f: $.x}}, {user: you, expect: %s}]"
    for expect in ('{python: "${capture.f}"}', '{python: ["${capture.f}:g"]}', '{json: {valid: "${capture.f}"}}'):
        text = f"suite: s\nmatrix: {{model: gemini-3.8-flash}}\ncases:\n  - id: a\n    {turns % expect}\n"
        (strange / "s.yaml").write_text(text)
        assert main(["check", str(strange / "s.yaml")]) == 4
        assert "the file must be known before the first request is sent" in capsys.readouterr().err


def test_only_a_run_executes_the_python_of_a_suite(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(strange)
    ran = strange / "ran"
    (strange / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\ndef f(result): return True\n")
    assert check(strange, 'expect: {python: "own.py:f"}', capsys)[0] == 0
    options = ["s.yaml", "--provider", "simulator"]
    assert not ran.exists()
    assert main(["run", *options, "--record-mode", "all"]) == 0
    assert ran.exists()
    ran.unlink()
    for command in (
        ["check", "s.yaml"],
        ["list", *options],
        ["show", "a", *options],
        ["run", *options, "--dry-run"],
        ["audit", "cassettes"],
        ["report", "last"],
        ["import", "cassettes", "--suite", "others"],
    ):
        assert main(command) == 0, (command, capsys.readouterr())
        assert not ran.exists(), command


def test_a_run_may_be_allowed_to_read_outside_files(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(strange)
    check(strange, 'system: "${file:../secret.txt}"', capsys)
    assert main(["run", "s.yaml", "--provider", "simulator", "--record-mode", "all"]) == 4
    assert OUTSIDE in capsys.readouterr().err
    options = ["s.yaml", "--allow-outside-files", "--provider", "simulator", "--format", "json"]
    assert main(["run", *options, "--record-mode", "all"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["passed"] == 1
    assert main(["run", "s.yaml", "--allow-outside-files", "--provider", "simulator", "--dry-run"]) == 0
    capsys.readouterr()


def test_pytest_may_be_allowed_to_read_outside_files(strange: Path, pytester: pytest.Pytester) -> None:
    (pytester.path.parent / "outside.txt").write_text("hi")
    pytester.makefile(".yaml", s='suite: s\ncases: [{id: a, model: m, prompt: "${file:../outside.txt}"}]\n')
    refused = pytester.runpytest_inprocess("s.yaml", "--collect-only")
    assert OUTSIDE in refused.stdout.str()
    allowed = pytester.runpytest_inprocess("s.yaml", "--collect-only", "--harness-allow-outside-files")
    assert OUTSIDE not in allowed.stdout.str()
    assert "TrialItem" in allowed.stdout.str()
