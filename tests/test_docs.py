"""The documentation holds what it says: links lead somewhere, suites parse, commands exist, and the examples for contributors work."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.cli.main import _parser, command_names
from harness.config import load as load_config
from harness.simulator.faults import FAULTS
from harness.suite.matrix import expand
from harness.suite.parse import parse
from tests.architecture import ORDER, _arrows, _is_package, graph, rooms, sources

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / name
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "suites/README.md",
        *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
    )
]
README_BYTES = 9_000
SHARED_NOUNS = {"model", "errors"}
"""What every package may import."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def found_in_pages(find: str) -> list[tuple[Path, str]]:
    return [(page, match) for page in PAGES for match in re.findall(find, page.read_text("utf-8"))]


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


# --- pages --------------------------------------------------------------------------------------------


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_begins_with_a_title_and_a_sentence(page: Path) -> None:
    title, sentence, *_ = page.read_text("utf-8").split("\n\n")
    assert re.fullmatch(r"# \S.*", title)
    assert sentence.endswith((".", ":"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]+`", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: {link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link}: there is no such heading"


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"]({page.name})" not in index] == [
        "README.md"
    ]


def test_every_option_of_the_pytest_plugin_is_in_the_documentation() -> None:
    options = set(re.findall(r"--harness-[a-z-]+", (ROOT / "harness/pytest_plugin.py").read_text("utf-8")))
    assert options == set(re.findall(r"--harness-[a-z-]+", (ROOT / "docs/ci.md").read_text("utf-8")))


def test_every_shipped_suite_is_in_its_index() -> None:
    index = (ROOT / "suites/README.md").read_text("utf-8")
    assert [suite.name for suite in (ROOT / "suites").glob("*.yaml") if f"]({suite.name})" not in index] == []


@pytest.mark.parametrize(("page", "path"), found_in_pages(r"`((?:harness|tests)/[\w./-]+)`"), ids=str)
def test_every_path_that_is_named_exists(page: Path, path: str) -> None:
    assert (ROOT / path).exists() or "NAME" in path, f"{name_of(page)} names {path}"


# --- what may be typed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [block for page in PAGES for block in blocks(page, "yaml") if block.startswith("suite:")]
)
def test_every_suite_parses(text: str) -> None:
    assert len(expand(parse(text, "example.yaml", ROOT / "suites", {}))) > 0


def command_lines() -> Iterator[str]:
    for page in PAGES:
        for block in blocks(page, "(?:sh|yaml)"):
            yield from (
                line.strip().removeprefix("- ")
                for line in block.splitlines()
                if "gemini-harness " in line.split("#")[0]
            )
        prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        yield from (f"gemini-harness {line}" for line in re.findall(r"`gemini-harness ([^`]+)`", prose))


COMMANDS = sorted(
    {line for line in command_lines() if line.startswith("gemini-harness ")} - {"gemini-harness COMMAND --help"}
)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_may_be_typed(line: str) -> None:
    argv = shlex.split(line, comments=True)[1:]
    if argv[0] not in command_names():
        pytest.skip("a command that an example adds")
    options = _parser(argv).parse_args(argv)
    for fault in getattr(options, "fault", ()):
        assert fault.partition(":")[0] in FAULTS


@pytest.mark.parametrize(
    "text", [block for page in PAGES for block in blocks(page, "toml") if "[tool.gemini-harness" in block]
)
def test_every_configuration_is_one(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    assert load_config(tmp_path, {}).file == tmp_path / "pyproject.toml"


# --- the examples for contributors --------------------------------------------------------------------

ADDED = {
    name: block
    for block in (*blocks(ROOT / "CONTRIBUTING.md", "python"), *blocks(ROOT / "CONTRIBUTING.md", "toml"))
    for name in re.findall(r"\A# (\S+)\n", block)
}
TRIED = {
    "list checks": "vowels",
    "list rules": "response-id",
    "list providers": "my-gateway",
    "show example/capital --provider tagged": "x-team: search",
    "run example.yaml --live --format count --no-progress": "trials: 1, groups passed: 1",
    "import questions.prompts --suite questions": "1 case",
    "simulate --faults": "fractional-count",
    "count last": "1",
}
SUITE = """
suite: example
cases:
  - id: capital
    model: gemini-3-flash-preview
    provider: simulator
    prompt: What is the capital of Norway? One word.
    expect: {vowels: 2}
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the program to which every example was added, and a suite."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "harness", folder / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in ADDED.items():
        assert not (folder / name).exists(), f"{name} exists already: the example would replace it"
        (folder / name).write_text(text, "utf-8")
    with (folder / "harness.toml").open("a", encoding="utf-8") as file:
        file.write('\n[providers.tagged]\nbase_url = "https://a.example"\ndialect = "tagged"\n')
    (folder / "suites").mkdir()
    (folder / "suites/example.yaml").write_text(SUITE.replace("    provider: simulator\n", ""), "utf-8")
    (folder / "example.yaml").write_text(SUITE, "utf-8")
    (folder / "questions.prompts").write_text("What is the capital of Peru?\n", "utf-8")
    return folder


TYPES = """
import contextlib, io, json, shlex, sys
from harness.cli.main import main

done = {}
for line in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        done[line] = main(shlex.split(line)), out.getvalue()
json.dump(done, sys.stdout)
"""


def test_the_examples_do_what_they_say(extended: Path) -> None:
    """In a process of their own, since they are added to a copy of the program."""
    environ = {**os.environ, "PYTHONPATH": str(extended)}
    typed = json.dumps(list(TRIED))
    done = subprocess.run(
        [sys.executable, "-c", TYPES],
        input=typed,
        cwd=extended,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line, (code, printed) in json.loads(done.stdout).items():
        assert code == 0, (line, printed, done.stderr)
        assert TRIED[line] in printed, (line, printed, done.stderr)


# --- the docstrings of packages -----------------------------------------------------------------------

PACKAGES = [room for room in rooms(sources()) if _is_package(room)]


def top(room: str) -> str:
    return room.partition(".")[0]


@cache
def arrows() -> dict[str, set[str]]:
    return _arrows(graph(sources()))


def docstring(package: str) -> str:
    import ast

    return ast.get_docstring(ast.parse(sources()[package])) or ""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_docstring_says_what_comes_in_and_goes_out(package: str) -> None:
    first, _, rest = docstring(package).partition("\n")
    assert first.endswith("."), "the first line is a sentence"
    assert re.match(r"\nIn: .+ Out: .+\.\nMay import: .+\.", rest, re.DOTALL), "then: In: ... Out: ... May import: ..."


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_what_it_says(package: str) -> None:
    (line,) = re.findall(r"^May import: (.+)\.$", docstring(package), re.MULTILINE)
    allowed = {name for name in re.findall(r"``(\w+)``", line) if name in ORDER}
    if "everything but" in line:
        allowed = set(ORDER) - {"pytest_plugin", "__main__"}
    imports = {top(room) for room in arrows().get(package, ())} - SHARED_NOUNS - {top(package)}
    assert imports <= allowed, f"{package} imports more than it says"
    assert all(ORDER.index(name) <= ORDER.index(top(package)) for name in allowed), f"{package} says too much"
