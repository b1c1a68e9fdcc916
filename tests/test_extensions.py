"""What another package adds, seen from the front door: a check, an invariant, a format and a dialect of its own."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = '''
from harness import Mismatch, Recorded, Request, check, dialect, output, rule, source
from harness.gemini.providers import build, ROWS
from harness.report.blocks import block_format

@check("vowels")
def vowels(evidence, expected: int):
    """How many vowels the answer has."""
    found = sum(letter in "aeiouAEIOU" for letter in evidence.reply.text)
    if found != expected:
        yield Mismatch("text", expected, found, f"expected {expected} vowels, got {found}")

@rule("no-oslo", "warn")
def no_oslo(evidence):
    """The answer does not say Oslo."""
    if "Oslo" in evidence.reply.text:
        yield Mismatch("text", "no Oslo", "Oslo", "it says Oslo")

@output("count", of="run")
def count(report, view, out):
    """The number of trials."""
    out.write(f"{report.summary.trials} trials, counted\\n")

@block_format("first")
def first(blocks, view, out):
    """The first block of a document."""
    out.write(f"{type(blocks[0]).__name__}: {blocks[0].text}\\n")

@source
def questions(path, raw):
    """Files of questions, one a line."""
    if path.suffix != ".txt":
        return None
    return [asked(line) for line in raw.decode().splitlines()]

def asked(text):
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    return Recorded(Request("google", "gemini-2.5-flash", "POST", url, {}, body, b"", "unary"))

@dialect("renamed")
def renamed(provider, model, body, transport, expects_status):
    return build(ROWS["simulator"], "gemini-3-flash-preview", body, transport, expects_status)
'''
GROUPS = "".join(f"[gemini_harness.{group}]\nextra = extra\n\n" for group in ("checks", "formats", "sources"))
SUITE = """
suite: wrong
cases:
  - id: not-bergen
    model: {model}
    prompt: What is the capital of Norway? One word.
    expect: {{vowels: {vowels}}}
"""


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("reports"))
    info = tmp_path / "packages/extra-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(GROUPS + "[gemini_harness.dialects]\nrenamed = extra\n")
    (info.parent / "extra.py").write_text(MODULE)
    return folder


def harness(project: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(project.parent / "packages")}
    command = [sys.executable, "-m", "harness", *argv]
    return subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)


def suite(project: Path, vowels: object, model: str = "gemini-3-flash-preview") -> str:
    (project / "suites/wrong.yaml").write_text(SUITE.format(vowels=vowels, model=model))
    return "suites/wrong.yaml"


def test_its_check_and_its_invariant_judge(project: Path) -> None:
    done = harness(project, "run", suite(project, 3), "--format", "json")
    assert done.returncode == 1, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    verdicts = [(verdict["check"], verdict["severity"], verdict["message"]) for verdict in result["verdicts"]]
    assert verdicts == [("vowels", "error", "expected 3 vowels, got 2"), ("invariant:no-oslo", "warn", "it says Oslo")]
    assert harness(project, "run", suite(project, 2)).returncode == 0


def test_its_check_has_a_type_like_ours(project: Path) -> None:
    done = harness(project, "check", suite(project, "many"))
    assert done.returncode == 4
    assert 'expected a whole number, got the text "many"' in done.stderr


def test_its_format_of_blocks_writes_every_document(project: Path) -> None:
    shown = harness(project, "run", suite(project, 2), "--format", "first").stdout
    assert shown == "Totals: 1 passed\n"
    assert harness(project, "models", "--format", "first").stdout.startswith("Heading: models on ")


def test_its_format_writes(project: Path) -> None:
    assert harness(project, "run", suite(project, 2), "--format", "count").stdout == "1 trials, counted\n"


def test_its_kind_of_recording_is_imported(project: Path) -> None:
    (project / "questions.txt").write_text("What is the capital of Norway?\n")
    done = harness(project, "import", "questions.txt", "--suite", "asked")
    assert (done.returncode, done.stderr) == (0, "")
    assert "What is the capital of Norway?" in (project / "suites/asked.yaml").read_text()


def test_its_dialect_builds(project: Path) -> None:
    with (project / "harness.toml").open("a") as config:
        config.write('[providers.simulator]\ndialect = "renamed"\n')
    shown = harness(project, "show", "not-bergen", suite(project, 2, "another-name")).stdout
    assert "/v1beta/models/gemini-3-flash-preview:generateContent" in shown


def test_all_of_it_is_listed(project: Path) -> None:
    for what, line in (
        ("checks", "How many vowels the answer has."),
        ("rules", "The answer does not say Oslo."),
        ("formats", "The number of trials."),
    ):
        assert line in harness(project, "list", what).stdout


def test_a_broken_package_is_named(project: Path) -> None:
    (project.parent / "packages/extra.py").write_text("import nonsense_that_is_not_there\n")
    done = harness(project, "run")
    assert done.returncode == 4
    assert done.stderr == (
        "extra: its entry point extra = extra (gemini_harness.checks) cannot be loaded: "
        "ModuleNotFoundError: No module named 'nonsense_that_is_not_there'\n"
    )


def test_what_harness_exports_is_there_and_typed() -> None:
    import harness

    stub = ast.parse(Path(harness.__file__).with_suffix(".pyi").read_text())
    typed = {alias.name for node in ast.walk(stub) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(harness.__all__)
    assert all(callable(getattr(harness, name)) or name == "Json" for name in typed)
