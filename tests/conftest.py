"""What every test may ask for."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import harness
from harness.gemini.providers import ROWS

pytest_plugins = ["pytester"]

# Many tests start processes, and one that has to compile the package first takes three times as long. Containers often forbid to
# write what is compiled, to keep an image small.
sys.dont_write_bytecode = False

# What a shell or a CI service sets changes what is printed, asked and kept secret: lines of progress, annotations, colours,
# widths, keys, addresses, proxies, warnings. A test that is about one of them sets it itself.
INHERITED = re.compile(
    r"CI|(GITHUB|GITLAB|GIT)_.*|(NO|FORCE|PY)_COLORS?|COLUMNS|LINES|(https?|all|no)_proxy|PYTEST_ADDOPTS"
    r"|PYTHON(DEVMODE|DONTWRITEBYTECODE|IOENCODING|OPTIMIZE|SAFEPATH|WARNINGS)|SSL_CERT_(FILE|DIR)",
    re.IGNORECASE,
)
ASKED = {name for row in ROWS.values() for name in (*row.keys, row.base_url_from)}
for variable in [name for name in os.environ if name in ASKED or INHERITED.fullmatch(name)]:
    del os.environ[variable]

# A shell starts what runs in the background with Ctrl-C ignored, and processes inherit that. Tests interrupt the ones they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Thousands of tests are millions of objects that live until the end: looking for cycles among them takes a third of their
# collection, and a second at the end of every run of pytest inside of a test.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # as the command does
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file run in one process, so that what they share is made once, and so do all that look at pages in the
    browser. ``--dist`` may say otherwise."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # their order is that of the collection
    scheduling = LoadFileScheduling(config, log)
    file_of = scheduling._split_scope
    scheduling._split_scope = lambda test: "browser" if Path(file_of(test)).stem in BROWSER else file_of(test)
    return scheduling


BROWSER = ("test_html", "test_pages_reach", "test_pages_hostile")
"""The files whose tests share a browser."""
LONG = (
    *BROWSER,
    "test_pytest_plugin",
    "test_resume",
    "test_batching",
    "test_main",
    "test_faults_matrix",
    "test_fidelity",
    "test_shapes",
    "test_ci_files",
    "test_strangers",
    "test_processes",
)
"""The files that take longest. They come first, so that no process is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True, scope="session")
def _short_waits() -> Iterator[None]:
    """What this process sends again after a fault waits for hundredths of a second, not for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.transport.wire.backoff", lambda attempt: 0.01 * attempt)
        yield


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


@pytest.fixture(scope="session")
def _all_imported(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a run imports is imported: pytester drops what is new after its runs in this process, and a second copy of a
    compiled library raises errors that the code of the first does not catch, and leaves its sockets open."""
    from harness.cli.main import main

    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    reports = str(tmp_path_factory.mktemp("imported"))
    suite = str(recorded / "suites" / "capitals.yaml")
    assert main(["run", suite, "--provider", "simulator", "--live", "--quiet", "--reports", reports]) == 0


@pytest.fixture
def pytester(_all_imported: None, pytester: pytest.Pytester) -> pytest.Pytester:
    return pytester
