"""Bad suites beside the exact message that each must produce: ``bad_suites/NAME.yaml`` and ``NAME.txt``.

To add one, write ``NAME.yaml``, then write or update the messages with

    GEMINI_HARNESS_RENEW=1 .venv/bin/pytest tests/suite/test_bad_suites.py

and read the diff before you commit it, because users read these messages.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.parse import parse

FOLDER = Path(__file__).parents[1] / "bad_suites"


def message(suite: Path) -> str:
    with pytest.raises(SuiteError) as caught:
        parse(suite.read_text("utf-8"), suite.name, FOLDER, environ={"PATH": "x"})
    return str(caught.value).replace(str(FOLDER), "tests/bad_suites") + "\n"


@pytest.mark.parametrize("suite", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_suite_says_what_is_wrong(suite: Path) -> None:
    expected = suite.with_suffix(".txt")
    if os.environ.get("GEMINI_HARNESS_RENEW"):
        expected.write_text(message(suite), "utf-8")
    assert message(suite) == expected.read_text("utf-8")


def test_every_message_has_its_suite() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in FOLDER.glob("*.yaml")}
