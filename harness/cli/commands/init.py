"""``init``: write a suite, its cassettes and a CI workflow, which pass at once. Existing files are kept."""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from harness.cli.commands import import_
from harness.cli.commands.schema import schema_text
from harness.cli.surroundings import Surroundings, look
from harness.config import load
from harness.errors import UsageError
from harness.importers.promptfoo_sources import is_config
from harness.text import amounts
from harness.text.names import slug

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
        help="make the suite of these recordings, of any tool, instead of the sample suite; may be repeated",
    )


def main(options: Namespace) -> int:
    folder = Path(options.folder)
    around = look(folder)
    if around.suites and _is_sample(folder):
        around = around._replace(suites=False)
    suite = _recorded(folder, options) if options.from_recordings else {} if around.suites else _sample(folder)
    files = {**_frame(folder, around, "google" if options.from_recordings or around.suites else "simulator"), **suite}
    new = {path: content for path, content in files.items() if not path.exists()}
    for path, content in new.items():
        _write(path, content)
    say = sys.stdout.write
    for line in _found(around):
        say(f"found  {line}\n")
    for path in files:
        say(f"{'wrote' if path in new else 'kept '}  {path}\n")
    say(_next(folder, around, recorded=bool(options.from_recordings)))
    return 0


# --- the files ----------------------------------------------------------------------------------------


def _sample(folder: Path) -> dict[Path, bytes]:
    """The sample suite with its cassettes."""
    return {folder / name: content for name, content in _starter() if name.startswith(("suites/", "cassettes/"))}


def _is_sample(folder: Path) -> bool:
    """Whether ``suites/first.yaml`` is that of an earlier ``init``."""
    name = "suites/first.yaml"
    try:
        return (folder / name).read_bytes() == (STARTER / name).read_bytes()
    except OSError:
        return False


def _recorded(folder: Path, options: Namespace) -> dict[Path, bytes]:
    """The suite ``recorded`` with its cassettes. Raises UsageError if the recordings hold no request."""
    for path in filter(is_config, map(Path, options.from_recordings)):
        raise UsageError(f"{path} holds no recordings: `gemini-harness import {path}` makes suites of it")
    settings = replace(load(folder), suites=folder / "suites", cassettes=folder / "cassettes")
    done = import_.suite_of_recordings(options.from_recordings, "recorded", settings)
    for line in import_.remarks(done, everything=bool(options.verbose)):
        sys.stdout.write(f"{line}\n")
    if not done.cases:
        raise UsageError(f"{' '.join(options.from_recordings)}: holds no generateContent request that a suite can send")
    return {path: text.encode("utf-8", "surrogatepass") for path, text in done.files.items()}


def _frame(folder: Path, around: Surroundings, provider: str) -> dict[Path, bytes]:
    """What stands around a suite: the configuration, the jobs of CI, the schema for editors."""
    files = dict(_starter())
    made: dict[Path, bytes] = {}
    if not around.configured:
        made[folder / "harness.toml"] = files["harness.toml"].replace(b'"simulator"', f'"{provider}"'.encode())
    for name, wanted in ((GITHUB, around.github), (GITLAB, around.gitlab)):
        if wanted:
            made[around.root / name] = _in_subfolder(files[name].decode(), folder, around.root).encode()
    made[folder / "suites/.gemini-harness.schema.json"] = schema_text().encode()
    made[folder / "reports/.gitignore"] = b"*\n"
    return made


GITHUB, GITLAB = ".github/workflows/gemini-harness.yml", ".gitlab/gemini-harness.yml"


def _in_subfolder(job: str, folder: Path, root: Path) -> str:
    """The job of CI, which starts at the root, for suites in a folder below it."""
    below = Path(os.path.relpath(folder, root)).as_posix()
    if below == ".":
        return job
    changes = {
        "runs-on: ubuntu-latest\n": f"runs-on: ubuntu-latest\n    defaults: {{run: {{working-directory: {json.dumps(below)}}}}}\n",
        "path: report.*": f"path: {json.dumps(f'{below}/report.*')}",
        "    - gemini-harness run": f"    - cd {shlex.quote(below)}\n    - gemini-harness run",
        "[report.html]": f"[{json.dumps(f'{below}/report.html')}]",
        "junit: report.xml": f"junit: {json.dumps(f'{below}/report.xml')}",
    }
    for old, new in changes.items():
        job = job.replace(old, new)
    return job


def _starter() -> Iterator[tuple[str, bytes]]:
    """Path below the folder -> what stands in it."""
    for path in sorted(STARTER.rglob("*")):
        if path.is_file():
            yield path.relative_to(STARTER).as_posix(), path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


# --- what is printed ----------------------------------------------------------------------------------


def _found(around: Surroundings) -> Iterator[str]:
    if around.installer:
        yield f"a Python project: `{around.installer}` adds the harness to it, and `pytest suites/` plays its suites too"
    if around.gitlab:
        yield ".gitlab-ci.yml: add `include: [{local: .gitlab/gemini-harness.yml}]` to it"
    if around.suites:
        yield "suites in suites/, so no sample is written"
    if around.configured:
        yield "[tool.gemini-harness] in pyproject.toml, which stays the configuration"
    for path, number in around.recordings.items():
        yield f"{amounts.count(number, 'file')} with recorded requests to Gemini in {path}/"
    for path in around.promptfoo:
        yield f"{path}, suites of promptfoo"


def _next(folder: Path, around: Surroundings, *, recorded: bool) -> str:
    go = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    replay = (f"{go}gemini-harness run", _REPLAYS_RECORDED if recorded or around.suites else _REPLAYS)
    if around.suites and not recorded:
        steps = [(f"{replay[0]} --record-mode once", _RECORDS), replay]
    else:
        steps = [replay, *([] if recorded else [(f"{replay[0]} --provider google --record-mode once", _ASKS)])]
    steps.append((f"{go}gemini-harness baseline set last", _KEEPS))
    steps += [(f"{go}gemini-harness import {rest}", what) for rest, what in _imports(folder, around, recorded=recorded)]
    return "".join(("\n", *(f"{command}\n    {what}\n" for command, what in steps)))


def _imports(folder: Path, around: Surroundings, *, recorded: bool) -> Iterator[tuple[str, str]]:
    """What may be imported and was not yet: the arguments of ``import``, and what it does."""
    back, suites = Path(os.path.relpath(Path.cwd(), folder)), folder / "suites"
    if around.recordings and not recorded and not (suites / "recorded.yaml").exists():
        paths = " ".join(shlex.quote(str(back / path)) for path in around.recordings)
        yield f"{paths} --suite recorded", "makes a suite of those recordings, which replays at once"
    for path in around.promptfoo:
        name = slug(path.stem) if len(around.promptfoo) > 1 else "imported"
        if not any(suites.glob(f"{name}*.yaml")):
            named = "" if name == "imported" else f" --suite {name}"
            yield f"{shlex.quote(str(back / path))}{named}", "makes suites of it, and lists what it cannot carry over"


_REPLAYS = "replays the cassettes: they hold answers of the simulator, which says so"
_REPLAYS_RECORDED = "replays the recordings, without a key; write what you expect of the answers under `expect:`"
_RECORDS = "asks for what was not recorded yet, with the key in GEMINI_API_KEY"
_ASKS = 'asks Gemini once, with the key in GEMINI_API_KEY, and records; set provider = "google" in harness.toml, and CI replays it'
_KEEPS = "keeps the last run in baseline/: commit it, and CI compares with it"
