"""Imports point one way, from the fronts down to the nouns; there are no circles; the house stays small at one glance."""

from __future__ import annotations

import pytest

from tests import architecture
from tests.architecture import ORDER, circles, graph, misplaced_libraries, rooms, sources, tree, upward

FLAT = 8
ROOMS = 36


def test_no_import_reaches_up() -> None:
    assert upward(graph(sources())) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(graph(sources())) == []


def test_costly_libraries_stay_in_their_rooms() -> None:
    assert misplaced_libraries(sources()) == []


def test_the_house_is_understood_at_one_glance() -> None:
    found = rooms(sources())
    flat = [room for room in found if "." not in room and not architecture._is_package(room)]
    assert len(flat) <= FLAT, f"too many modules lie flat in harness/: {flat}"
    assert len(found) <= ROOMS, f"too many rooms: {found}"
    assert {room.partition(".")[0] for room in found} <= {"__init__", *ORDER}, "a room has no place in ORDER"


def test_every_package_tells_in_its_docstring_what_it_is() -> None:
    shown = tree()
    print(shown)
    for room in rooms(sources()):
        assert room.rpartition(".")[2] in shown


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("answer.reply", "from harness import cli", "answer.reply:1 reaches up to cli"),
        ("answer.reply", "import harness.transport.wire", "answer.reply:1 reaches up to transport.wire"),
        ("suite.parse", "from harness.report.words import x", "suite.parse:1 reaches up to report.words"),
        ("judge.checks.calls", "from ...run import play", "judge.checks.calls:1 reaches up to run.play"),
        ("report.words", "from .. import run", "report.words:1 reaches up to run"),
        ("model", "def f():\n    from harness.answer import reply", "model:2 reaches up to answer.reply"),
        ("run.play", "from harness.answer import reply\nimport json", None),
        ("judge.checks.calls", "from .parameters import x\nfrom harness.text.shape import y", None),
    ],
)
def test_what_reaches_up_is_named(module: str, source: str, complaint: str | None) -> None:
    found = upward(graph({**sources(), module: source}))
    assert found == ([] if complaint is None else [complaint])


def test_a_circle_is_named() -> None:
    modules = {
        "model": "import harness.errors",
        "errors": "from harness import model",
        "config": "import harness.model",
    }
    assert circles(graph(modules)) == [["errors", "model"]]


@pytest.mark.parametrize(
    ("module", "source", "library"),
    [("run.session", "import httpx", "httpx"), ("results.rows", "def f():\n    from scipy import stats", "scipy")],
)
def test_a_costly_library_elsewhere_is_named(module: str, source: str, library: str) -> None:
    (found,) = misplaced_libraries({module: source})
    assert found.startswith(f"{module}:{source.count(chr(10)) + 1} imports {library}: that belongs in")
