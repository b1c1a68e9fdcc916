"""Where the simulator is. Without one (a plain ``make test``) nothing here is collected: the clients are in other environments."""

from __future__ import annotations

import os

import pytest

URL = os.environ.get("GEMINI_SIMULATOR", "")
collect_ignore_glob = [] if URL else ["test_*.py"]

FLASH3, FLASH25 = "gemini-3-flash-preview", "gemini-2.5-flash"


@pytest.fixture(scope="session")
def url() -> str:
    """The simulator's, without a slash at its end."""
    return URL


@pytest.fixture(params=[FLASH3, FLASH25])
def model(request: pytest.FixtureRequest) -> str:
    """One that thinks by level and signs its calls, and one that thinks by budget."""
    return str(request.param)
