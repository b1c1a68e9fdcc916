"""``bug-report``: what a report of a fault needs, without secrets, addresses of your own and contents of suites."""

from __future__ import annotations

import os
import platform
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import fields

from harness import __version__
from harness.cli import options as shared
from harness.config import Config, load
from harness.errors import HarnessError
from harness.gemini.providers import ROWS, Provider
from harness.report import words
from harness.results.load import load as load_run
from harness.text.amounts import count

ABOUT = "print what a report of a fault needs: versions, configuration, the last run; nothing secret"
EXAMPLES = ("gemini-harness bug-report > report.md",)

_SWITCHES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "NO_COLOR", "PYTHONIOENCODING", "PYTHONUTF8", "TERM")
"""Variables whose values say how the program runs, and nothing else."""
_ADDRESSES = ("HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "GOOGLE_GEMINI_BASE_URL", "SIMULATOR_BASE_URL")


def add_options(parser: ArgumentParser) -> None:
    shared.reports_folder(parser)


def main(options: Namespace) -> int:
    parts: dict[str, Iterator[str]] = {"Program": _program(), "Environment": _environment()}
    reports = Config().reports
    try:
        config = load(Path())
        parts["Configuration"] = _configuration(config)
        reports = config.reports
    except HarnessError as fault:
        parts["Configuration"] = iter([f"faulty: {re.sub(_FOLDERS, '', str(fault))}"])
    parts["Last run"] = _last_run(Path(options.reports or reports))
    for title, lines in parts.items():
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


def _configuration(config: Config) -> Iterator[str]:
    yield f"file: {config.file.name if config.file else 'none'}"
    plain = Config()
    for field in fields(Config):
        value = getattr(config, field.name)
        if isinstance(value, (str, int, float)) and value != getattr(plain, field.name):
            yield f"{field.name}: {value}"
    for name, row in config.providers.items():
        if row != ROWS.get(name):
            yield f"provider {name}: {_provider(row)}"


def _provider(row: Provider) -> str:
    own = urlsplit(row.base_url).hostname not in {urlsplit(known.base_url).hostname for known in ROWS.values()}
    where = f"{urlsplit(row.base_url).scheme} at a host of your own" if own else row.base_url
    path = "" if row.path == Provider("", "", kind="").path else ", another path"
    return f"{where}{path}, auth {row.auth}, {count(len(row.keys), 'name')} of keys"


def _last_run(reports: Path) -> Iterator[str]:
    try:
        saved = load_run("last", reports)
    except HarnessError:
        yield "none"
        return
    with suppress(HarnessError):
        saved.read_ending()  # it completes the header
    run: Mapping[str, object] = dict(saved.run)
    yield ", ".join(
        f"{name}: {run[name]}" for name in ("id", "record_mode", "front", "harness", "python") if name in run
    )
    suites, targets = count(len(saved.run["suites"]), "suite"), count(len(saved.run["targets"]), "target")
    yield f"planned trials: {run.get('planned', 'unknown')}, of {suites} at {targets}"
    try:
        summary = saved.summary()
    except HarnessError:
        yield "its file is damaged"
        return
    yield f"{count(summary.trials, 'trial')} played, {'complete' if saved.is_finished() else 'cut short'}; groups: {words.totals(summary.totals())}"


_FOLDERS = r"(?<![\w.])(~|[A-Za-z]:)?[/\\][\w.\\/ -]*[/\\]"
