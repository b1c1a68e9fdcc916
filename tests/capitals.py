"""A folder of small suites, with cassettes recorded from the simulator."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from harness.cli.main import main

CAPITALS = """
suite: capitals
tags: [geography]
matrix:
  model: [gemini-3-flash-preview, gemini-2.5-flash]
cases:
  - id: oslo
    prompt: What is the capital of Norway? One word.
    expect:
      text: {icontains: oslo}
  - id: streamed
    prompt: What is the capital of Norway? One word.
    transport: [unary, stream]
    expect:
      text: {icontains: oslo}
"""
WRONG = """
suite: wrong
cases:
  - id: not-bergen
    model: gemini-3-flash-preview
    prompt: What is the capital of Norway? One word.
    expect:
      text: {equals: Bergen}
"""
XFAIL = """
suite: known
cases:
  - id: still-fails
    model: gemini-3-flash-preview
    prompt: What is the capital of Norway? One word.
    xfail: {why: "issue 7"}
    expect:
      text: {equals: Bergen}
"""
CONFIG = 'provider = "simulator"\n'


def record(folder: Path) -> Path:
    """Write the suites into the folder and record their cassettes."""
    (folder / "suites").mkdir()
    for name, text in (("capitals", CAPITALS), ("wrong", WRONG), ("known", XFAIL)):
        (folder / "suites" / f"{name}.yaml").write_text(text)
    (folder / "harness.toml").write_text(CONFIG)
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main(["run", "--record-mode", "all"])
    assert code == 1, printed.getvalue()
    return folder
