"""``cassettes``: check, stale, prune, recover."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness import cassette, config, journal
from harness.config import Config
from harness.errors import BadCassette, HarnessError, UsageError
from harness.leaks import Leaks
from harness.providers import secrets


def main(options: Namespace) -> int:
    settings = config.load(Path())
    folder = Path(options.cassettes) if options.cassettes else settings.cassettes
    if options.action == "recover":
        return _recover(options.paths or [str(folder)])
    if options.action == "check":
        return _check(options.paths or [str(folder)], settings)
    from harness.commands import tapes

    return tapes.prune(options, folder) if options.action == "prune" else tapes.stale(options)


def _recover(paths: list[str]) -> int:
    code, found = 0, list(_with_suffix(paths, ".journal"))
    for file in found:
        path = file.with_name(file.name.removesuffix(".journal"))
        owner = journal.recorder_of(path)
        try:
            if owner is not None:
                raise UsageError(f"{path} is being recorded by process {owner}; wait for it")
            number = journal.fold(path)
            journal.unlock(path)
            sys.stdout.write(f"{path}: {number} finished {'exchange' if number == 1 else 'exchanges'} recovered\n")
        except HarnessError as error:
            sys.stderr.write(f"{error}\n")
            code = code or error.exit_code
    if not found:
        sys.stdout.write("nothing to recover: no recording was interrupted\n")
    return code


def _check(paths: list[str], settings: Config) -> int:
    files = list(_with_suffix(paths, ".yaml", ".yml", ".json"))
    known = {name: value for row in settings.providers.values() for name, value in secrets(row, os.environ).items()}
    leaks = Leaks(known)
    bad = 0
    for file in files:
        for problem in _problems(file, leaks):
            bad += 1
            sys.stdout.write(f"{file}: {problem}\n")
    sys.stdout.write(f"{len(files)} {'cassette' if len(files) == 1 else 'cassettes'}, ")
    sys.stdout.write(f"{bad} {'problem' if bad == 1 else 'problems'}\n")
    return 1 if bad else 0 if files else 5


def _problems(file: Path, leaks: Leaks) -> Iterator[str]:
    if journal.journal_of(file).exists():
        yield f"unfinished: its recording was interrupted; run: {journal.RECOVER} {file}"
    try:
        tape = cassette.read(file)
    except BadCassette as error:
        yield f"unreadable: {str(error).removeprefix(f'{file}: ')}"
        return
    if not tape.interactions:
        yield "empty: it holds no interaction"
    for interaction in tape.interactions:
        leak = leaks.find(interaction.exchange)
        if leak:
            yield f"interaction {interaction.index} holds a secret: {leak}. Revoke that key; then record anew"
    yield from _not_standard(file)


def _not_standard(file: Path) -> Iterator[str]:
    """What stock vcrpy says when it loads the file."""
    from vcr.serialize import deserialize
    from vcr.serializers import jsonserializer, yamlserializer

    try:
        deserialize(file.read_text("utf-8"), jsonserializer if file.suffix == ".json" else yamlserializer)
    except Exception as error:  # noqa: BLE001  whatever vcrpy raises is the answer
        yield f"not standard: vcrpy cannot load it: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def _with_suffix(paths: Iterable[str], *suffixes: str) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix in suffixes and each.is_file())
        elif ".journal" in suffixes and journal.journal_of(path).exists():
            yield journal.journal_of(path)
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"no such file or folder: {path}")
