"""The address of the simulator. Without it (in a plain ``make test``) these tests are not collected: the clients are in other environments."""

from __future__ import annotations

import os

import pytest

URL = os.environ.get("GEMINI_SIMULATOR", "")
collect_ignore_glob = [] if URL else ["test_*.py"]

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"


@pytest.fixture(scope="session")
def url() -> str:
    """The URL of the simulator, without a slash at its end."""
    return URL


@pytest.fixture(params=[FLASH3, FLASH25])
def model(request: pytest.FixtureRequest) -> str:
    """A model with thinking levels and signed calls, and a model with thinking budgets."""
    return str(request.param)
