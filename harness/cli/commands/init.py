"""``init``: write a suite, its cassettes and a CI workflow, which pass at once. Existing files are kept."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from harness.cli.commands.schema import schema_text
from harness.errors import UsageError

STARTER = Path(__file__).parents[1] / "starter"
"""The files as they are written, in their folders."""


ABOUT = "write a first suite, its cassettes and a CI workflow, which pass at once"
EXAMPLES = (
    "gemini-harness init",
    "gemini-harness init evals/",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="the folder to write to (default: the current one)"
    )


def main(options: Namespace) -> int:
    folder = Path(options.folder)
    files = dict(_files())
    new = {name: content for name, content in files.items() if not (folder / name).exists()}
    for name, content in new.items():
        _write(folder / name, content)
    say = sys.stdout.write
    for name in files:
        say(f"{'wrote' if name in new else 'kept '}  {folder / name}\n")
    say(_next(folder))
    return 0


def _files() -> Iterator[tuple[str, bytes]]:
    """Path below the folder -> what stands in it."""
    for path in sorted(STARTER.rglob("*")):
        if path.is_file():
            yield path.relative_to(STARTER).as_posix(), path.read_bytes()
    yield "suites/.gemini-harness.schema.json", schema_text().encode()
    yield "reports/.gitignore", b"*\n"


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _next(folder: Path) -> str:
    go = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    return f"""
{go}gemini-harness run
    replays the cassettes: they hold answers of the simulator, which says so
export GEMINI_API_KEY=... && {go}gemini-harness run --provider google --record-mode once
    asks Gemini once and records; then set provider = "google" in harness.toml, and CI replays it
"""
