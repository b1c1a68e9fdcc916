"""The structure of ``harness/`` as its imports show it: ``python -m tests.architecture`` prints the tree.

A room is a package, or a module that lies flat in ``harness/``. Imports point down the list ``ORDER``, whose first room stands
at the bottom.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

HARNESS = Path(__file__).parents[1] / "harness"
ORDER = [
    "model",
    "errors",
    "extensions",
    "disk",
    "text",
    "gemini",
    "config",
    "answer",
    "judge",
    "suite",
    "transport",
    "results",
    "compare",
    "report",
    "simulator",
    "run",
    "importers",
    "cli",
    "pytest_plugin",
    "__main__",
]
"""From the nouns at the bottom to the fronts at the top. A package stands for all that is in it."""
KEPT_IN = {
    "httpx": {"transport.wire"},
    "aiohttp": {"transport.wire"},
    "vcr": {"transport.cassette.maintenance"},
    "ray": {"run.cluster"},
    "uvicorn": {"simulator"},
    "pytest": {"pytest_plugin"},
    "numpy": {"compare.stats"},
    "scipy": {"compare.stats"},
}
"""Libraries that cost much to import, and the only rooms that may import them."""

Graph = Mapping[str, Mapping[str, int]]
"""Of each module, the modules that it imports, with the line."""


def sources() -> dict[str, str]:
    """Module -> source: ``judge.checks.outcome``; a package is called by its own name, ``harness`` itself ``__init__``."""
    return {_dotted(path): path.read_text("utf-8") for path in sorted(HARNESS.rglob("*.py"))}


def graph(modules: Mapping[str, str]) -> Graph:
    """Imports within functions and for types alone count too. The face of the house, which exports lazily, is left out."""
    return {
        module: dict(_imports(module, source, modules)) for module, source in modules.items() if module != "__init__"
    }


def libraries(module: str, source: str) -> Iterator[tuple[int, str]]:
    """(line, package) of every import that is not of ``harness``."""
    for line, name in _names(module, source):
        if not name.startswith("harness"):
            yield line, name.partition(".")[0]


def rooms(modules: Mapping[str, str]) -> list[str]:
    """Packages, and the modules that lie flat in ``harness/``."""
    return sorted(module for module in modules if "." not in module or _is_package(module))


def upward(graph: Graph) -> list[str]:
    """Every import that reaches up, as ``judge.audit:12 reaches up to cli.main``."""
    return [
        f"{module}:{line} reaches up to {other}"
        for module, others in graph.items()
        for other, line in others.items()
        if _level(other) > _level(module)
    ]


def circles(graph: Graph) -> list[list[str]]:
    """Sets of modules that import each other, smallest first (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in graph.get(module, ()):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            circle = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in graph:
        if module not in number:
            visit(module)
    return sorted(found, key=len)


def misplaced_libraries(modules: Mapping[str, str]) -> list[str]:
    """Every import of a costly library outside its room."""
    return [
        f"{module}:{line} imports {library}: that belongs in {', '.join(sorted(KEPT_IN[library]))} only"
        for module, source in modules.items()
        for line, library in libraries(module, source)
        if library in KEPT_IN and not any(module == room or module.startswith(f"{room}.") for room in KEPT_IN[library])
    ]


def tree() -> str:
    """Rooms from the top to the bottom, each with the first line of its docstring, its size, and the rooms it imports."""
    modules = sources()
    arrows = _arrows(graph(modules))
    lines = []
    for room in sorted(rooms(modules), key=lambda name: (-_level(name), name)):
        depth = room.count(".")
        docstring = (ast.get_docstring(ast.parse(modules[room])) or "").split("\n")[0]
        size = sum(source.count("\n") for module, source in modules.items() if _room(module) == room)
        lines.append(f"{'  ' * depth}{room.rpartition('.')[2]:<{24 - 2 * depth}} {size:>5}  {docstring}")
        if arrows.get(room):
            lines.append(f"{'  ' * depth}{'':<{24 - 2 * depth}}        -> {' '.join(sorted(arrows[room]))}")
    return "\n".join(lines)


def _arrows(graph: Graph) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module, others in graph.items():
        room = _room(module)
        found.setdefault(room, set()).update(_room(other) for other in others if _room(other) != room)
    return found


def _room(module: str) -> str:
    return module if "." not in module or _is_package(module) else module.rpartition(".")[0]


def _level(module: str) -> int:
    return -1 if module == "__init__" else ORDER.index(module.partition(".")[0])


@cache
def _is_package(module: str) -> bool:
    return (HARNESS / module.replace(".", "/") / "__init__.py").is_file()


def _dotted(path: Path) -> str:
    parts = path.relative_to(HARNESS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _imports(module: str, source: str, modules: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for line, name in _names(module, source):
        other = name.removeprefix("harness").removeprefix(".")
        if not name.startswith("harness"):
            continue
        while other not in modules and "." in other:
            other = other.rpartition(".")[0]
        if other in modules and other != module:
            yield other, line


@cache
def _names(module: str, source: str) -> tuple[tuple[int, str], ...]:
    return tuple(_every_name(module, source))


def _every_name(module: str, source: str) -> Iterator[tuple[int, str]]:
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["harness", *module.split(".")]
            package = package if _is_package(module) else package[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node. Most of a tree is expressions, which hold none."""
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        for below in getattr(node, name, ()):
            yield below
            yield from _statements(below)


if __name__ == "__main__":
    print(tree())
