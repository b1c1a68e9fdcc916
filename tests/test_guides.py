"""The tutorial and the how-tos do what they say: their files are written, their commands run, and the output that they show comes."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.cli.main import main
from harness.gemini.providers import ROWS
from harness.simulator import serve

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```', re.DOTALL | re.MULTILINE)
GUIDES = (
    "tutorial",
    "from-pytest-recording",
    "from-promptfoo",
    "migrate-a-model",
    "thinking-sweep",
    "streaming-checks",
    "schemas-of-models",
    "personal-data",
    "quotas",
    "many-machines",
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve.start() as server:
        yield server.url


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> Reader:
    """Someone in an empty repository, whose questions for Google go to the simulator, at the prices of Google."""
    monkeypatch.chdir(tmp_path)
    Path(".git").mkdir()
    monkeypatch.setitem(ROWS, "google", replace(ROWS["google"], base_url=endpoint))
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", endpoint)
    monkeypatch.setenv("GEMINI_API_KEY", "a-key-of-nobody")
    return Reader(monkeypatch)


class Reader:
    """Follows a page, a block at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._printed = ""

    def follow(self, language: str, title: str, text: str) -> None:
        if title:
            Path(title).parent.mkdir(parents=True, exist_ok=True)
            Path(title).write_text(text, "utf-8")
        elif language == "sh":
            self._printed = "".join([self._type(line) for line in text.splitlines()])
        elif not language:
            self._see(text)
        else:
            pytest.fail(f'a block of {language} without a title: ```{language} title="FILE"')

    def _type(self, line: str) -> str:
        program, *argv = [name for word in shlex.split(line, comments=True) for name in _names(word)]
        if "--ray" in argv and find_spec("ray") is None:
            return ""  # `make ray` types it
        expected = int((re.findall(r"# .*exit code (\d)", line) or ["0"])[0])
        match program:
            case "export":
                name, _, value = argv[0].partition("=")
                self._monkeypatch.setenv(name, value)
                return ""
            case "gemini-harness":
                return self._run(argv, expected)
            case "pytest":
                return _outside([sys.executable, "-m", "pytest", *FEW_PLUGINS, *argv], expected)
        return pytest.fail(f"nobody can type this here: {line}")

    def _run(self, argv: list[str], expected: int) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = main(argv)
        assert code == expected, (argv, code, printed.getvalue())
        return printed.getvalue()

    def _see(self, text: str) -> None:
        assert [line for line in text.splitlines() if line.strip() not in f"{self._printed}..."] == [], self._printed


def _names(word: str) -> list[str]:
    """As a shell does: the folders and files that a pattern matches."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


FEW_PLUGINS = [f"-pno:{name}" for name in ("cacheprovider", "recording", "hypothesispytest", "anyio")]
"""What others installed here takes half of the time in which pytest starts."""


def _outside(argv: list[str], expected: int) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == expected, (argv, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("page", GUIDES)
def test_a_guide_may_be_followed(page: str, reader: Reader) -> None:
    text = (DOCS / f"{page}.md").read_text("utf-8").replace("pip install './gemini-harness[stats]'\n", "")
    for block in BLOCK.findall(text):
        reader.follow(*block)
