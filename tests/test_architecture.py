"""Imports point one way: nouns <- reading and saying <- judging runs <- shell <- fronts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[1] / "harness"
ROOMS = {
    "nouns": "model errors __init__",
    "reading": "extensions safeyaml framing refusals reply predicates dialect definition jsonpath jsontext media grounding outcome structured checks judge patterns",
    "saying": "yamltext names project shape language sense keywords axes body cases suite template matrix models providers prices",
    "judging runs": "rows spread groups decoding passed summary pairs compare comparisons differences sweeps migration gates trend stats render audit",
    "shell": "disk cassette matching journal leaks recorder proofs upkeep inflight wire play store saved beside unfinished merge history config estimate spending sources imported simulator",
    "fronts": "session commands cli pytest_plugin __main__",
}
LEVELS = ["nouns", "reading saying", "judging runs", "shell", "fronts"]
"""Reading and saying may look at each other: a check's type is part of the language."""
KEPT_IN = {
    "httpx": {"wire"},
    "aiohttp": {"wire"},
    "vcr": {"upkeep"},
    "uvicorn": {"simulator"},
    "pytest": {"pytest_plugin"},
    "numpy": {"stats"},
    "regex": {"patterns"},
    "scipy": {"stats"},
}
"""Libraries that cost much, and the only rooms that may import them."""

room_of = {module: room for room, modules in ROOMS.items() for module in modules.split()}
level_of = {room: number for number, rooms in enumerate(LEVELS) for room in ROOMS if room in rooms}
FILES = sorted(HARNESS.rglob("*.py"))


def dotted(path: Path) -> str:
    """The module of a file: ``checks.outcome``, ``stats.__init__``."""
    return ".".join(path.relative_to(HARNESS).with_suffix("").parts)


def imported(module: str, source: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of a module: within functions and for types alone too, relative ones resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ["harness", *module.split(".")][: -node.level] if node.level else []
            name = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{name}.{alias.name}" for alias in node.names] if name == "harness" else [name]
            yield from ((node.lineno, each) for each in names)


def complaints(module: str, source: str) -> Iterator[str]:
    """Every import that reaches up, or that belongs in another room."""
    own = room_of[module.partition(".")[0]]
    for line, name in imported(module, source):
        package, _, rest = name.partition(".")
        other = room_of.get(rest.partition(".")[0], "nouns") if package == "harness" else "nouns"
        if level_of[other] > level_of[own]:
            yield f"{module}:{line} ({own}) reaches up to {name} ({other})"
        rooms = KEPT_IN.get(package)
        if rooms is not None and not any(module == room or module.startswith(f"{room}.") for room in rooms):
            yield f"{module}:{line} imports {name}: that belongs in {', '.join(sorted(rooms))} only"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HARNESS)))
def test_imports_point_one_way_and_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    module = dotted(path)
    assert module.partition(".")[0] in room_of, f"{module} is in no room: name it in ROOMS"
    assert list(complaints(module, path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("reply", "from harness import cli", "reply:1 (reading) reaches up to harness.cli (fronts)"),
        ("reply", "import harness.wire", "reply:1 (reading) reaches up to harness.wire (shell)"),
        ("suite", "from harness.render.table import x", "suite:1 (saying) reaches up to harness.render.table (judging"),
        ("checks.calls", "from ..store import load", "checks.calls:1 (reading) reaches up to harness.store (shell)"),
        ("render.table", "from .. import play", "render.table:1 (judging runs) reaches up to harness.play (shell)"),
        (
            "model",
            "def f():\n    from harness.judge import judge",
            "model:2 (nouns) reaches up to harness.judge (reading",
        ),
        ("session", "import httpx", "session:1 imports httpx: that belongs in wire only"),
        ("cassette", "from vcr.request import Request", "cassette:1 imports vcr.request: that belongs in upkeep only"),
        ("play", "from harness import judge, reply\nimport json", None),
        ("checks.calls", "from .parameters import x\nfrom harness.cases import Suite", None),
    ],
)
def test_what_reaches_up_is_named(module: str, source: str, complaint: str | None) -> None:
    found = list(complaints(module, source))
    assert [each.startswith(complaint or "") for each in found] == ([] if complaint is None else [True])


def test_every_room_is_named_once() -> None:
    names = [name for modules in ROOMS.values() for name in modules.split()]
    assert len(names) == len(set(names))
