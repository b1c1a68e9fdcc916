"""``bug-report``: what a report of a fault needs, without secrets."""

from __future__ import annotations

import os
import platform
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from harness import __version__
from harness.gemini.providers import ROWS

ABOUT = "print what a report of a fault needs: versions and how the program runs; nothing secret"
EXAMPLES = ("gemini-harness bug-report > report.md",)

_SWITCHES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "NO_COLOR", "PYTHONIOENCODING", "PYTHONUTF8", "TERM")
"""Variables whose values say how the program runs, and nothing else."""
_ADDRESSES = ("HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "GOOGLE_GEMINI_BASE_URL", "SIMULATOR_BASE_URL")


def add_options(_parser: ArgumentParser) -> None:
    """None of its own."""


def main(_options: Namespace) -> int:
    for title, lines in (("Program", _program()), ("Environment", _environment())):
        sys.stdout.write(f"## {title}\n\n" + "".join(f"- {line}\n" for line in lines) + "\n")
    sys.stdout.write("Please add: what you did, what you expected, and what came. Read this before you send it.\n")
    return 0


def _program() -> Iterator[str]:
    yield f"gemini-harness {__version__}"
    yield f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} processors"
    names = {re.split(r"[^\w.-]", line)[0] for line in requires("gemini-harness") or ()}
    found = {name: _version(name) for name in sorted(names | {"google-genai", "httpx2", "pytest-xdist"})}
    yield ", ".join(f"{name} {number}" for name, number in found.items() if number)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _environment() -> Iterator[str]:
    yield f"stdout is {'a terminal' if sys.stdout.isatty() else 'no terminal'}, in {sys.stdout.encoding}"
    yield from (f"{name}={value}" for name in _SWITCHES if (value := os.environ.get(name)))
    keys = [name for row in ROWS.values() for name in row.keys]
    yield from (f"{name} is set" for name in dict.fromkeys((*keys, *_ADDRESSES)) if os.environ.get(name))
