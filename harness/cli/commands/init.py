"""``init``: write a suite, its cassettes and a CI workflow, which pass at once. Existing files are kept."""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from harness.cli import printing
from harness.cli.commands import import_
from harness.cli.commands.schema import schema_text
from harness.config import Config, load
from harness.errors import UsageError
from harness.importers.promptfoo_sources import is_config
from harness.run.session import is_suite

STARTER = Path(__file__).parents[1] / "starter"
"""The files as they are written, in their folders."""


ABOUT = "write a first suite, its cassettes and a CI job, which pass at once and fit what the folder holds"
EXAMPLES = (
    "gemini-harness init",
    "gemini-harness init evals/",
    "gemini-harness init --from-recordings tests/cassettes/",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="the folder to write to (default: the current one)"
    )
    parser.add_argument(
        "--from-recordings",
        metavar="PATH",
        action="append",
        help="make the suite of these recordings, of any tool, instead of the sample suite (repeatable)",
    )


def main(options: Namespace) -> int:
    folder = Path(options.folder)
    settings = _settings(folder, "google" if options.from_recordings else "simulator")
    around = _look(folder, settings)
    if around.suites and _is_sample(settings):
        around = around._replace(suites=False)
    suite = _recorded(settings, options) if options.from_recordings else {} if around.suites else _sample(settings)
    provider = "google" if options.from_recordings or around.suites else "simulator"
    files = {**_frame(folder, around, settings, provider), **suite}
    new = {path: content for path, content in files.items() if not path.exists()}
    for path, content in new.items():
        printing.write(path, content)
    say = sys.stdout.write
    for line in _found(folder, around, settings):
        say(f"found  {line}\n")
    for path in files:
        say(f"{'wrote' if path in new else 'kept '}  {path}\n")
    say(_next(folder, around, settings, recorded=bool(options.from_recordings)))
    return 0


# --- what a folder holds that a first suite should fit: its CI, its configuration, its suites ----------


class Surroundings(NamedTuple):
    """``above``: the top of the repository, where CI looks for its files, if that is not the folder itself, as the user would write it.

    ``github``, ``gitlab``: whether a job is wanted. ``suites``: whether there are suites in their folder.
    """

    above: Path | None
    github: bool
    gitlab: bool
    configured: bool
    suites: bool


def _look(folder: Path, settings: Config) -> Surroundings:
    """What there is in the folder, which has these settings, and in the repository that it belongs to. Reads only; a folder that is
    missing is empty."""
    above = _above(folder)
    gitlab = (folder / ".gitlab-ci.yml").is_file()
    project = folder / "pyproject.toml"
    return Surroundings(
        above,
        github=above is None and ((folder / ".github").is_dir() or not gitlab),
        gitlab=gitlab,
        configured=project.is_file() and "[tool.gemini-harness" in project.read_text("utf-8", "replace"),
        suites=any(map(is_suite, settings.suites.rglob("*.y*ml"))),
    )


def _above(folder: Path) -> Path | None:
    """The nearest folder above with ``.git``; None where the folder itself has it, or none has."""
    real = folder.resolve()
    root = next((path for path in (real, *real.parents) if (path / ".git").exists()), real)
    return None if root == real else Path(os.path.relpath(root))


# --- the files ----------------------------------------------------------------------------------------


def _settings(folder: Path, provider: str) -> Config:
    """The configuration of the folder itself: one above it is of other suites. A folder without one gets the defaults, and this provider."""
    found = load(folder)
    if found.file and found.file.parent == folder:
        return found
    places = {name: folder / name for name in ("suites", "cassettes", "reports")}
    return replace(found, file=None, provider=provider, **places)


def _sample(settings: Config) -> dict[Path, bytes]:
    """The sample suite with its cassettes. It states its provider where the configuration asks another."""
    made: dict[Path, bytes] = {}
    for name, content in _starter():
        kind, _, rest = name.partition("/")
        if kind == "cassettes":
            made[settings.cassettes / rest] = content
        elif kind == "suites":
            asked = b"" if settings.provider == "simulator" else _ASKS_SIMULATOR
            made[settings.suites / rest] = content.replace(b"\ncases:\n", asked + b"\ncases:\n", 1)
    return made


_ASKS_SIMULATOR = (
    b"\ndefaults: {provider: simulator}    # its answers are made up; without this line, your provider is asked\n"
)


def _is_sample(settings: Config) -> bool:
    return any(
        path.suffix == ".yaml" and path.is_relative_to(settings.suites) and import_.has(path, content)
        for path, content in _sample(settings).items()
    )


def _recorded(settings: Config, options: Namespace) -> dict[Path, bytes]:
    """The suite ``recorded`` with its cassettes. Raises UsageError if the recordings hold no request."""
    for path in filter(is_config, map(Path, options.from_recordings)):
        raise UsageError(f"{path} holds no recordings: `gemini-harness import {path}` makes suites of it")
    done = import_.suite_of_recordings(options.from_recordings, "recorded", settings)
    for line in import_.remarks(done, everything=bool(options.verbose)):
        sys.stdout.write(f"{line}\n")
    if not done.cases:
        raise UsageError(f"{' '.join(options.from_recordings)}: holds no generateContent request that a suite can send")
    return import_.contents(done.files)


def _frame(folder: Path, around: Surroundings, settings: Config, provider: str) -> dict[Path, bytes]:
    """What stands around a suite: the configuration, the jobs of CI, the schema for editors."""
    files = dict(_starter())
    made: dict[Path, bytes] = {}
    if not around.configured:
        made[folder / "harness.toml"] = files["harness.toml"].replace(b'"simulator"', f'"{provider}"'.encode())
    for name, wanted in ((GITHUB, around.github), (GITLAB, around.gitlab)):
        if wanted:
            made[folder / name] = files[name].replace(b"gemini-harness[stats]", _requirement())
    made[settings.suites / ".gemini-harness.schema.json"] = schema_text().encode()
    if not any(
        kept.resolve().is_relative_to(settings.reports.resolve())
        for kept in (folder, settings.suites, settings.cassettes)
    ):
        made[settings.reports / ".gitignore"] = b"*\n"
    return made


def _requirement() -> bytes:
    """What CI installs: this copy, if pip took it from a repository or an address (PEP 610), else the package of the index."""
    records = (copy.read_text("direct_url.json") for copy in distributions(name="gemini-harness"))
    record = json.loads(next(records, None) or "{}")
    vcs, url = record.get("vcs_info"), record.get("url", "file:")
    address = f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url
    return b"gemini-harness[stats]" + (b"" if address.startswith("file:") else f" @ {address}".encode())


GITHUB, GITLAB = ".github/workflows/gemini-harness.yml", ".gitlab/gemini-harness.yml"


def _starter() -> Iterator[tuple[str, bytes]]:
    for path in sorted(STARTER.rglob("*")):
        if path.is_file():
            yield path.relative_to(STARTER).as_posix(), path.read_bytes()


# --- what is printed ----------------------------------------------------------------------------------


def _found(folder: Path, around: Surroundings, settings: Config) -> Iterator[str]:
    if around.gitlab:
        yield f".gitlab-ci.yml: add `include: [{{local: {GITLAB}}}]` to it"
    if around.above:
        go = shlex.quote(Path(os.path.relpath(folder, around.above)).as_posix())
        yield f"a repository in {around.above}/, where CI looks for its jobs: add `cd {go} && gemini-harness run` to one"
    if around.suites:
        yield f"suites in {Path(os.path.relpath(settings.suites, folder)).as_posix()}/, so no sample is written"
    if around.configured:
        yield "[tool.gemini-harness] in pyproject.toml, which stays the configuration"


def _next(folder: Path, around: Surroundings, settings: Config, *, recorded: bool) -> str:
    go = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    replay = (f"{go}gemini-harness run", _REPLAYS_RECORDED if recorded or around.suites else _REPLAYS)
    if around.suites and not recorded:
        steps = [(f"{replay[0]} --record-mode once", _RECORDS), replay]
    else:
        file = settings.file or Path("harness.toml")
        change = _IN_FILE.format(file.name) if settings.provider == "simulator" else _IN_SUITE
        asks = f"{_ASKS}; {change}, and CI replays it"
        steps = [replay, *([] if recorded else [(f"{replay[0]} --provider google --record-mode once", asks)])]
    steps.append((f"{go}gemini-harness baseline set last", _KEEPS))
    return "".join(("\n", *(f"{command}\n    {what}\n" for command, what in steps), f"\n{_IMPORTS}\n"))


_REPLAYS = "replays the cassettes: they hold answers of the simulator, which says so"
_REPLAYS_RECORDED = "replays the recordings, without a key; write what you expect of the answers under `expect:`"
_RECORDS = "asks for what was not recorded yet, with the key in GEMINI_API_KEY"
_ASKS = "asks Gemini once, with the key in GEMINI_API_KEY, and records"
_IN_FILE = 'set provider = "google" in {}'
_IN_SUITE = "remove `defaults: {provider: simulator}` from the suite"
_IMPORTS = "Recordings of any tool, and suites of promptfoo: `gemini-harness import PATH` makes suites of them."
_KEEPS = "keeps the last run in baseline/: commit it, and CI compares with it"
