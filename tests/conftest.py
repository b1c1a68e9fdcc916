"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings and reference data that lies beside this repository; the test skips where it is absent."""
    folder = Path(os.environ.get("GEMINI_HARNESS_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "recordings").is_dir():
        pytest.skip(
            f"needs the shared reference data, which is not at {folder}; GEMINI_HARNESS_SHARED names another place"
        )
    return folder


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small suites (see ``tests/capitals.py``) and their cassettes, recorded from the simulator."""
    from tests.capitals import record

    return record(tmp_path_factory.mktemp("recorded"))
