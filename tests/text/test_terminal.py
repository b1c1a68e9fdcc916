"""Text from elsewhere cannot steer a terminal or a log, whichever command shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.text.terminal import escape_controls

ODD = "\x1b[31m\x1b]0;t\x07\x9b2J\u202etxt\u2066\x7f\b"
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SUITE = f"""
suite: odd
about: {json.dumps(ODD)}
tags: [{json.dumps("t" + ODD)}]
matrix: {{model: [{json.dumps("m" + ODD)}, gemini-2.5-flash]}}
compare: {{by: model}}
cases:
  - id: a-${{row.n}}
    each: [{{n: {json.dumps(ODD)}}}, {{n: "::error::x"}}]
    prompt: {json.dumps(ODD)}
    expect: {{text: {json.dumps(ODD)}}}
  - {{id: b, prompt: x, skip: {json.dumps(ODD + "%0A::error::x")}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"s{ODD}.yaml").write_text(SUITE, "utf-8")
    return tmp_path


COMMANDS = [
    ["list"],
    ["check"],
    ["show", "odd/a"],
    ["show", "odd/b"],
    ["run", "--dry-run"],
    ["run", "-v"],
    ["run", f"nowhere{ODD}"],
    ["run", "-k", ODD],
    ["run", "--resume", ODD],
    ["run", "--resume"],
    ["report", ODD],
    ["report", "-v"],
    ["compare", "last"],
    ["compare", "last", "--target", ODD],
    ["history"],
    ["merge", "last", "--partial"],
    ["audit", "."],
    ["import", "."],
    ["cassettes", "stale"],
    *(["report", "--format", name] for name in ("json", "csv", "junit", "html", "markdown", "github")),
    *(["history", "--format", name] for name in ("json", "csv", "markdown")),
    *(["compare", "last", "--format", name] for name in ("json", "github")),
]


@pytest.mark.parametrize("on_github", [False, True])
def test_control_characters_do_not_reach_the_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_github: bool
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", str(on_github).lower())
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    suite = str(next(folder.glob("*.yaml")))
    main(["run", suite])
    capsys.readouterr()
    for command in COMMANDS:
        takes_suites = command[0] in ("list", "check", "show", "cassettes") or command[1:] in (["--dry-run"], ["-v"])
        code = main([*command, *([suite] if takes_suites and command[0] != "report" else [])])
        out, err = capsys.readouterr()
        assert code != 3, command
        assert out or err
        assert not STEERS.findall(out + err), command
        assert not re.search(r"(?m)^\s*::error::x", out + err), command
        if command[-1] == "json" and out:
            json.loads(out)


def test_ordinary_text_is_not_changed() -> None:
    text = "naïve 日本語 \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER} \t\n\N{NO-BREAK SPACE}"
    assert escape_controls(text) == text
    assert json.loads(escape_controls(json.dumps(ODD, ensure_ascii=False))) == ODD


def test_control_characters_do_not_reach_the_output_of_pytest(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("odd.yaml").write_text(SUITE, "utf-8")
    shown = pytester.runpytest("-v", "-ra", "--color=no", "odd.yaml")
    text = "\n".join([*shown.outlines, *shown.errlines])
    assert "odd" in text
    assert not STEERS.findall(text)
