"""``pytest suites/``: every trial of a suite is a test item. Public pytest API only.

Loaded in every pytest run of an environment that has this package: until a suite is met, nothing but this file is imported.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gemini-harness", "Gemini suites (YAML files with a top-level suite: key)")
    group.addoption(
        "--harness-record-mode",
        metavar="MODE",
        help="none (replay only, the default), once, new_episodes, all, stale",
    )
