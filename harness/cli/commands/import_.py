"""``import``: recordings of other tools as a suite and its cassettes, and suites of promptfoo."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from harness import importers
from harness.cli import from_options, printing
from harness.cli import options as shared
from harness.cli.commands.schema import schema_text
from harness.config import Config
from harness.errors import BadCassette, UsageError
from harness.importers.promptfoo_sources import is_config
from harness.importers.to_suite import Imported, LeftOut, build_suite
from harness.text import amounts
from harness.text.amounts import some
from harness.text.names import slug
from harness.text.patterns import TooSlow
from harness.text.personal import Redaction
from harness.transport.cassette import Recorded, Unread
from harness.transport.recordings import check_exist, is_named_a_recording, recordings
from harness.transport.redacting import redacted, redacted_request
from harness.transport.redaction import Leaks, known

SHOWN = 10
"""Lines about requests that were left out, without ``-v``."""


ABOUT = "turn recordings of any tool, commands, programs or a promptfoo configuration into a suite and its cassettes"
EXAMPLES = (
    "gemini-harness import tests/cassettes/ --suite recorded",
    "gemini-harness import requests.sh",
    "gemini-harness import promptfooconfig.yaml",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="recordings, pages with commands, programs, or folders of them; or a promptfoo configuration",
    )
    parser.add_argument(
        "--suite", metavar="NAME", default="imported", help="the name of the new suite (default: %(default)s)"
    )
    shared.cassettes_folder(parser)
    parser.add_argument("--replace", action="store_true", help="replace a suite and its cassettes that exist")


def main(options: Namespace) -> int:
    settings = from_options.config(options)
    name = options.suite
    if slug(name) != name:
        raise UsageError(f"--suite {name!r}: letters, digits and . _ + - only, as in {slug(name) or 'imported'}")
    if texts := [path for path in options.paths if path == "-" or path.startswith("curl ") or "://" in path]:
        raise UsageError(f"{texts[0]}: import reads files: save the page or the command as one, such as requests.sh")
    suite = settings.suites / f"{name}.yaml"
    if (config := _promptfoo(options.paths)) is not None:
        from harness.importers.promptfoo import build_suites

        done = build_suites(config, name, settings)
    else:
        done = suite_of_recordings(options.paths, name, settings)
    files = contents(done.files)
    suites = [path for path in files if path.parent == settings.suites] or [suite]
    if not options.replace and (taken := _taken(files, suites)) is not None:
        raise UsageError(
            f"{taken} exists already, and is another; choose another name with --suite, or write in its place with --replace"
        )
    if done.cases:
        for path, content in {settings.suites / ".gemini-harness.schema.json": schema_text().encode(), **files}.items():
            printing.write(path, content)
    if former := [path for path in (settings.cassettes / name).rglob("*.yaml") if done.cases and path not in files]:
        done.notes.append(f"no case uses {some(sorted(map(str, former)))}; `gemini-harness cassettes prune` removes it")
    _say(done, suites, config, settings, everything=bool(options.verbose))
    return 0 if done.cases else 4 if done.unreadable else 5


def _promptfoo(paths: Sequence[str]) -> Path | None:
    """The configuration of promptfoo, if that is what is imported. Raises UsageError beside other files, or if it is missing."""
    found = [Path(path) for path in paths if is_config(Path(path))]
    if found and len(paths) > 1:
        raise UsageError(f"{found[0]} is imported by itself: its cases are not recordings")
    check_exist(found)
    return found[0] if found else None


def suite_of_recordings(paths: Sequence[str], name: str, settings: Config) -> Imported:
    """The suite ``name`` of the recordings at these paths, and its cassettes; nothing is written."""
    found, unreadable = _read(paths, settings.redact)
    done = build_suite(name, found, settings, Leaks(known(os.environ, settings.providers)))
    done.left_out, done.unreadable = [*unreadable, *done.left_out], len(unreadable)
    return done


def _read(paths: Sequence[str], redaction: Redaction) -> tuple[list[tuple[str, list[Recorded]]], list[LeftOut]]:
    found: list[tuple[str, list[Recorded]]] = []
    unreadable: list[LeftOut] = []
    for file in recordings(paths):
        try:
            held = [_without_personal_data(one, redaction) for one in importers.read(file)]
            found.append((str(file), [asked for asked in held if isinstance(asked, Recorded)]))
            unreadable += [LeftOut(str(file), f"{one.where}: {one.reason}") for one in held if isinstance(one, Unread)]
        except BadCassette as fault:
            if is_named_a_recording(file, paths):
                unreadable.append(LeftOut(str(file), str(fault).removeprefix(f"{file}: ")))
    return found, unreadable


def _without_personal_data(item: Recorded | Unread, redaction: Redaction) -> Recorded | Unread:
    if isinstance(item, Unread):
        return item
    try:
        request = redacted_request(item.request, redaction)
        return replace(item, request=request, answer=redacted(item.answer, redaction) if item.answer else None)
    except TooSlow as fault:
        return Unread("a request", str(fault))


def _taken(files: Mapping[Path, bytes], suites: Sequence[Path]) -> Path | None:
    """The first file that is there with another content. An import that was cut short lacks a suite, and is repeated."""
    there = [path for path in suites if path.exists()]
    checked = [*suites, *files] if len(there) == len(suites) else there
    return next((path for path in checked if path.exists() and not has(path, files.get(path))), None)


def contents(files: Mapping[Path, str]) -> dict[Path, bytes]:
    """What is written to each file. Recordings may hold lone surrogates."""
    return {path: text.encode("utf-8", "surrogatepass") for path, text in files.items()}


def has(path: Path, content: bytes | None) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def remarks(done: Imported, *, everything: bool) -> Iterator[str]:
    """What was left out, the first lines or everything, and the notes."""
    shown = done.left_out if everything else done.left_out[:SHOWN]
    yield from (f"left out: {skipped.where}: {skipped.reason}" for skipped in shown)
    if len(done.left_out) > len(shown):
        kinds = Counter(skipped.reason.split(":")[0] for skipped in done.left_out[len(shown) :])
        most = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common(3))
        yield f"left out too: {most} (-v lists all)"
    yield from (f"note: {note}" for note in done.notes)


def _say(done: Imported, suites: Sequence[Path], promptfoo: Path | None, settings: Config, *, everything: bool) -> None:
    """What was made. ``promptfoo``: the configuration that it was made of, if any. ``everything``: list all that was left out."""
    say = sys.stdout.write
    for line in remarks(done, everything=everything):
        say(f"{line}\n")
    if not done.cases:
        lacks = "Gemini model with a prompt and a test" if promptfoo else "native generateContent request"
        sys.stderr.write(f"nothing was imported: no {lacks} was found that a suite can send\n")
        return
    written = " ".join(map(str, suites))
    say(f"{written}: {amounts.count(done.cases, 'case')}, {amounts.count(done.answers, 'answer')} on cassettes\n")
    say(f"now: gemini-harness run {written}{' --record-mode once' if done.unanswered or not done.answers else ''}\n")
    if promptfoo:
        simulated = settings.find(settings.provider).simulated
        other = "`--provider google` asks Gemini" if simulated else "`--provider simulator` needs no key"
        say(f"     which asks {settings.provider} once, and records; {other}\n")
