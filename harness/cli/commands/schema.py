"""``schema``: print the JSON Schema of the suite language, for editors."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from msgspec import json

from harness.cli import printing
from harness.suite.language import suite_json_schema

ABOUT = "print the JSON Schema of the suite language, for editors"
EXAMPLES = (
    "gemini-harness schema",
    "gemini-harness schema -o suites/.gemini-harness.schema.json",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write it to this file (default, and with -: stdout)")


def main(options: Namespace) -> int:
    text = schema_text()
    if options.output in (None, "-"):
        sys.stdout.write(text)
        return 0
    with printing.into(Path(options.output)) as out:
        out.write(text)
    return 0


def schema_text() -> str:
    """The schema as the text of a file. The encoder of the standard library would take ten times as long to indent it."""
    return json.format(json.encode(suite_json_schema()), indent=2).decode() + "\n"
