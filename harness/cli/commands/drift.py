"""``drift``: what answers hold that the official definition does not know; renews that definition."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from harness.cli import known, printing, saved_run
from harness.cli import options as shared
from harness.compare.drift import Drift, DriftFinding, drift, from_rows, from_tapes
from harness.compare.known import Entry, stands_for
from harness.config import Config
from harness.config import load as load_config
from harness.errors import NetworkFault, UsageError, os_errors_as
from harness.gemini import definition
from harness.gemini.renewal import renewed
from harness.transport.recordings import tapes

ABOUT = "show fields and enum values of answers that the official definition does not know, or renew that definition"
EXAMPLES = (
    "gemini-harness drift recordings/ --write-known drift.yaml",
    "gemini-harness drift last --known drift.yaml --strict",
    "gemini-harness drift --update 'https://generativelanguage.googleapis.com/$discovery/OPENAPI3_0?version=v1beta'",
)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "paths",
        metavar="PATH",
        nargs="*",
        help="saved runs (a path, an id, or last), recordings, or folders of them (default: cassettes/)",
    )
    add(
        "--known",
        metavar="FILE",
        help="a list of what was seen before: only the rest is shown as new",
    )
    add(
        "--write-known",
        metavar="FILE",
        help="write all that was seen, and what --known lists, to a list for --known",
    )
    add("--strict", action="store_true", help="exit with 1 if there is anything new")
    add(
        "--update",
        metavar="FILE|URL",
        help="renew the definition that the configuration names from the OpenAPI or discovery document of the API",
    )
    shared.formats(parser)


def main(options: Namespace) -> int:
    config = load_config(Path())
    if options.update is not None:
        return _update(options, config)
    printing.check(options, "drift")
    before = known.entries(Path(options.known), _MORE) if options.known else []
    document = _document(options, config, before)
    printing.show(document, "drift", options)
    if options.write_known:
        file = Path(options.write_known)
        _write_known(file, document, before or (known.entries(file, _MORE) if file.is_file() else []))
    if options.strict and document.new:
        return 1
    if not document.answers:
        sys.stderr.write("nothing was looked at: no native generateContent answer was found\n")
        return 5
    return 0


def _document(options: Namespace, config: Config, before: Collection[Entry]) -> Drift:
    found = saved_run.named(options.paths or [_default(config)], options)
    unreadable: dict[str, str] = {}
    runs = (from_rows(saved.run, saved.rows(), str(saved.path)) for saved in found.runs)
    recorded = from_tapes(tapes(found.recordings, unreadable))
    document = drift(chain(*runs, recorded), before)
    notes = [*saved_run.unreadable(unreadable), *(note for saved in found.runs for note in saved.notes)]
    if config.definition and not config.definition.exists():
        notes.append(f"{config.definition} is not written yet: the definition that ships was used (see --update)")
    return replace(document, notes=notes, listed=options.known or "")


def _default(config: Config) -> str:
    if not config.cassettes.exists():
        raise UsageError(f"there is no folder {config.cassettes}: name saved runs, recordings or folders of them")
    return str(config.cassettes)


# --- what was seen before ---------------------------------------------------------------------------------------


_MORE = ("value", "provider", "model", "first", "why")
"""What an entry may say besides its kind and path."""


def _write_known(file: Path, document: Drift, before: Collection[Entry]) -> None:
    """Write the list of what was seen before and now. Entries stay as they are. Raises UsageError."""
    new = [finding for finding in document.new if not any(stands_for(entry, finding.named) for entry in before)]
    about = f"What answers hold that the definition does not know ({document.revision})."
    known.write(file, about, [*before, *map(_row, new)])


def _row(finding: DriftFinding) -> dict[str, Any]:
    first = finding.first
    row = {**finding.named, "model": first.model}
    seen = {"date": first.date, "file": first.file, "trial": first.trial}
    return {
        **{name: text for name, text in row.items() if text},
        "first": {name: text for name, text in seen.items() if text},
    }


# --- renewing the definition ------------------------------------------------------------------------------------


def _update(options: Namespace, config: Config) -> int:
    printing.check(options, "renewal")
    for name in _used_with_update(options):
        raise UsageError(f"--update renews the definition and looks at nothing: leave out {name}")
    if config.definition is None:
        place = config.file or Path("harness.toml")
        raise UsageError(
            f'nothing names the file of the definition: add definition = "definition.json" to {place}, then try again'
        )
    try:
        renewal = renewed(_read(options.update, config), definition.table())
    except ValueError as fault:
        raise UsageError(f"{options.update}: {fault}; {config.definition} stays as it was") from fault
    with printing.into(config.definition) as out:
        out.write(renewal.text)
    printing.show(replace(renewal, file=str(config.definition)), "renewal", options)
    return 0


def _used_with_update(options: Namespace) -> Iterator[str]:
    yield from options.paths
    yield from (f"--{name}" for name in ("known", "write-known", "strict") if getattr(options, name.replace("-", "_")))


def _read(place: str, config: Config) -> bytes:
    """The bytes at an address or in a file. Raises UsageError."""
    if place.startswith(("http://", "https://")):
        from harness.transport.wire import download

        try:
            return download(place, config.timeouts, config.max_body_bytes)
        except NetworkFault as fault:
            raise UsageError(
                f"cannot read {fault}; a saved copy of the document serves as well: --update FILE"
            ) from fault
    if not place:
        raise UsageError("--update: expected a file, or an address with https://")
    with os_errors_as(UsageError, f"cannot read {place}", "; give a file, or an address with https://"):
        return Path(place).read_bytes()
