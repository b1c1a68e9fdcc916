"""Numbers without a sensible meaning are refused with a sentence, wherever they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.config import load
from harness.errors import UsageError

PLENTY = list(range(1000))
HUGE = "9" * 900


def check(folder: Path, text: str, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """The message about a suite that ends with exit code 4."""
    (folder / "s.yaml").write_text(f"suite: s\nmatrix: {{model: gemini-3.8-flash}}\n{text}")
    code = main([*(command or ("check",)), str(folder / "s.yaml")])
    message = capsys.readouterr()
    assert code == 4, message
    return message.err


@pytest.mark.parametrize("repeat", ["1000000000000", "1e12", "1e400", "-1", "0", ".nan", "true", "1.5", HUGE])
@pytest.mark.parametrize(
    "where", ["repeat: %s\ncases: [{id: a, prompt: hi}]", "cases: [{id: a, prompt: hi, repeat: %s}]"]
)
def test_attempts(tmp_path: Path, repeat: str, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = check(tmp_path, where % repeat, capsys)
    assert "repeat must be at " in output or "expected a whole number" in output


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cases: [{id: a, prompt: hi, require: 1/1000000}]", "at most 100,000 attempts are played"),
        (f"cases: [{{id: a, prompt: hi, require: 1/{HUGE}}}]", "expected "),
        (f"cases: [{{id: a, prompt: hi, seed: {PLENTY}, topK: {PLENTY}}}]", "at most 100,000 combinations"),
        (f"repeat: 100000\ncases: [{{id: a, prompt: hi, seed: {PLENTY}}}]", "more than 10,000,000 trials"),
        (f"cases: [{{id: a, prompt: hi, maxOutputTokens: {HUGE}}}]", "got a number of 2990 bits"),
        (f"cases: [{{id: a, prompt: hi, temperature: {HUGE}}}]", "got a number of 2990 bits"),
        (f"cases: [{{id: a, prompt: hi, thinking: [low, {HUGE}]}}]", "got a number of 2990 bits"),
        (f"cases: [{{id: a, prompt: hi, expect: {{latency: {{max: {HUGE}}}}}}}]", "got a number of 2990 bits"),
    ],
)
def test_suites(tmp_path: Path, text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reason in check(tmp_path, text, capsys)


def test_a_case_that_is_too_large_does_not_hide_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = check(
        tmp_path, f"cases: [{{id: a, promt: hi, seed: {PLENTY}, topK: {PLENTY}, logprobs: {PLENTY}}}]", capsys
    )
    assert 'did you mean "prompt"?' in output
    assert "this one 1,000,000,000" in output


@pytest.mark.parametrize("option", ["--repeat", "--concurrency", "--width"])
@pytest.mark.parametrize("value", ["1000000000000", "1e400", "-1", "0", "nan", "9" * 5000])
def test_options(tmp_path: Path, option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected a whole number" in check(
        tmp_path, "cases: [{id: a, prompt: hi}]", capsys, "run", f"{option}={value}"
    )


@pytest.mark.parametrize("value", [f"1/{HUGE}", "1/" + "9" * 5000, "2/1", "0/0"])
def test_shards(tmp_path: Path, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "write I/N" in check(tmp_path, "cases: [{id: a, prompt: hi}]", capsys, "run", f"--shard={value}")


@pytest.mark.parametrize("key", ["concurrency", "attempts", "max_body_bytes", "max_cost", "timeouts.total"])
@pytest.mark.parametrize("value", [f"1{'0' * 400}", "-1", "0", "true", "nan", "inf"])
def test_the_configuration(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "harness.toml").write_text(f"{key} = {value}\n")
    with pytest.raises(UsageError, match=f"{key}: expected "):
        load(tmp_path, {})
