"""The page about JSON formats names every key at the top of a document, and no key that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main

PAGE = Path(__file__).parents[2] / "docs/json-formats.md"
SUITE = """
suite: capitals
cases:
  - id: ${row.country}
    each: [{country: Norway}, {country: Peru}, {country: Chad}, {country: Japan}, {country: France}, {country: Spain}]
    tags: [text]
    model: [gemini-3.8-flash, gemini-3.5-flash-lite]
    prompt: What is the capital of ${row.country}? One word.
    repeat: 2
    expect: {finishReason: STOP}
"""
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "Oslo"}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 9},
    "odd": 3,
}
SIDES = ("--target", "simulator", "--target", "simulator-comet")
FLASH = ("--target", "simulator/gemini-3.8-flash", "--target", "simulator-comet/gemini-3.8-flash")
COMMANDS = {
    "A run": ("report", "last"),
    "An audit": ("audit", "answer.json"),
    "A comparison": ("compare", "last", *FLASH),
    "Several comparisons": ("compare", "last"),
    "Fidelity": ("fidelity", "last", *SIDES),
    "Drift": ("drift", "answer.json"),
    "The scoreboard": ("scoreboard", "last"),
    "Native or compatible": ("compatible", "last", "--model", "gemini-3.8-flash"),
    "The history": ("history",),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a run at four targets, and a recording that breaks a rule."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "capitals.yaml").write_text(SUITE, "utf-8")
    (folder / "answer.json").write_text(json.dumps(ANSWER), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        asked = [f"--provider={name}" for name in ("simulator", "simulator-comet", "simulator-openai")]
        assert main(["run", "capitals.yaml", "--live", "--quiet", *asked]) == 0
        yield folder


def documented(title: str) -> list[str]:
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def found(value: Any, path: list[str]) -> bool:
    """Whether a key is there, in one item at least of each list on the way."""
    if path and isinstance(value, list):
        return any(found(item, path) for item in value)
    return not path or (isinstance(value, dict) and path[0] in value and found(value[path[0]], path[1:]))


@pytest.mark.parametrize("title", COMMANDS)
def test_a_document_has_the_keys_of_its_page(
    title: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    file = tmp_path / "document.json"
    main([*COMMANDS[title], "--format", f"json:{file}"])
    document = json.loads(file.read_text("utf-8"))
    keys = documented(title)
    assert [key for key in keys if "." not in key] == list(document)
    assert [key for key in keys if not found(document, key.replace("[]", "").split("."))] == []


def test_every_document_of_the_page_is_tried() -> None:
    sections = re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [title for title in sections if documented(title)] == list(COMMANDS)
