"""Which files are suites, and what is advised where a cassette cannot be read."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.run.session import is_suite

OPEN = open
LINE = '{"suite": "one", "defaults": {"provider": "simulator", "model": "gemini-2.5-flash"}, "cases": [{"id": "a", "prompt": "hi"}]}'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LINE, True),
        ('{"description": "d", "cases": []}', True),
        ('{\n "suite": "one"}', True),
        ("{suite: one, cases: []}", True),
        ("suite: one\ncases: []\n", True),
        ('{"tests": [{"suite": "no"}]}', False),
        ('[{"suite": "no"}]', False),
    ],
)
def test_a_suite_in_braces_is_one(text: str, found: bool, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    assert is_suite(tmp_path / "a.yaml") is found


def _refuse(path: Any, *how: Any, **more: Any) -> Any:
    """``open``, but for files under ``cassettes``: root may read what others may not."""
    if "cassettes" in str(path):
        raise PermissionError(errno.EACCES, "Permission denied")
    return OPEN(path, *how, **more)


def test_a_cassette_without_permission_is_no_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("suites").mkdir()
    Path("suites/one.yaml").write_text(LINE, "utf-8")
    assert main(["run", "--record-mode", "once"]) == 0
    assert main(["run"]) == 0
    for module in ("builtins", "io"):
        monkeypatch.setattr(f"{module}.open", _refuse)
    main(["run"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "cannot be read: Permission denied allow this user to read it" in shown
    assert "repair it" not in shown
