"""Imports point one way: nouns <- reading and saying <- judging runs <- shell <- fronts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[1] / "harness"
ROOMS = {
    "nouns": "model errors __init__",
    "reading": "extensions framing reply predicates dialect definition jsonpath jsontext media grounding outcome structured checks judge",
    "saying": "yamltext names shape language sense keywords axes body suite template matrix models providers",
    "judging runs": "rows summary compare differences gates stats render audit",
    "shell": "cassette matching journal leaks recorder upkeep inflight wire play store config simulator",
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
    "scipy": {"stats"},
}
"""Libraries that cost much, and the only rooms that may import them."""

room_of = {module: room for room, modules in ROOMS.items() for module in modules.split()}
level_of = {room: number for number, rooms in enumerate(LEVELS) for room in ROOMS if room in rooms}
FILES = sorted(HARNESS.rglob("*.py"))


def top(path: Path) -> str:
    """The module or package of ``harness/`` that a file belongs to."""
    return path.relative_to(HARNESS).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of a file, those within functions too; not those for types alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module == "harness"
            yield from ((node.lineno, f"harness.{alias.name}" if inside else node.module) for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HARNESS)))
def test_no_file_reaches_up(path: Path) -> None:
    own = room_of.get(top(path))
    assert own is not None, f"harness/{path.relative_to(HARNESS)} is in no room: name it in ROOMS"
    for line, name in imported(path):
        package, _, rest = name.partition(".")
        other = room_of.get(rest.partition(".")[0], "nouns") if package == "harness" else "nouns"
        assert level_of[other] <= level_of[own], (
            f"harness/{path.relative_to(HARNESS)}:{line} ({own}) reaches up to {name} ({other})"
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HARNESS)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    module = ".".join(path.relative_to(HARNESS).with_suffix("").parts)
    for line, name in imported(path):
        rooms = KEPT_IN.get(name.partition(".")[0])
        allowed = rooms is None or any(module == room or module.startswith(f"{room}.") for room in rooms)
        assert allowed, (
            f"harness/{path.relative_to(HARNESS)}:{line} imports {name}: that belongs in {', '.join(sorted(rooms or ()))} only"
        )


def test_every_room_is_named_once() -> None:
    names = [name for modules in ROOMS.values() for name in modules.split()]
    assert len(names) == len(set(names))
