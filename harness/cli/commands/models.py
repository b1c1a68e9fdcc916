"""``models``: what is known of the models."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from harness.cli import options as shared
from harness.cli import printing
from harness.config import load
from harness.errors import UsageError
from harness.gemini import sheets
from harness.gemini.models import catalogue
from harness.gemini.sheets import Sheet, Sheets
from harness.text.shape import nearest

ABOUT = "what is known of models: thinking, limits, prices, features, end dates"
EXAMPLES = (
    "gemini-harness models gemini-3.8-flash",
    "gemini-harness models 'gemini-4*' --format json",
    "gemini-harness models --feature image_out",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "names", metavar="NAME", nargs="*", default=[], help="models or aliases; * stands for anything (default: all)"
    )
    shared.repeatable(
        parser,
        "--feature",
        "NAME",
        "only models with this feature, such as image_out or no_prefill (repeatable: with all of them)",
    )
    shared.as_of(parser, "prices and stages of this day")
    shared.formats(parser, reports=False)


def main(options: Namespace) -> int:
    found = list(_with_features(sheets_of(options.names, options.as_of), options.feature))
    if not found:
        sys.stderr.write(f"none of these models has {' and '.join(options.feature)}\n")
        return 5
    detailed = len(found) == 1 and len(options.names) == 1
    printing.show(Sheets(found, detailed), "catalogue", options)
    return 0


def sheets_of(globs: Iterable[str], day: date) -> Iterator[Sheet]:
    """The sheets of these models, of all without a name. Raises UsageError for a name that matches none."""
    tariff = load(Path()).tariff("google")
    for name in dict.fromkeys(_names(list(globs))):
        if sheet := sheets.sheet(name, day, tariff):
            yield sheet


def _names(globs: list[str]) -> Iterator[str]:
    if not globs:
        yield from catalogue().names
    for glob, found in sheets.matching(globs):
        if not found:
            hint = nearest(glob, catalogue().names)
            raise UsageError(f"no model {glob!r} in the catalogue{f'; {hint}' if hint else ''}")
        yield from found


def _with_features(found: Iterable[Sheet], wanted: list[str]) -> Iterator[Sheet]:
    known = catalogue().features
    for feature in wanted:
        if feature not in known:
            hint = nearest(feature, known) or f"there are {', '.join(known)}"
            raise UsageError(f"--feature: no model has {feature!r}; {hint}")
    yield from (sheet for sheet in found if sheet.facts.features.issuperset(wanted))
