"""``schema``: the JSON Schema of the suite language, for editors."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from harness.errors import UsageError
from harness.language import suite_json_schema


def main(options: Namespace) -> int:
    text = schema_text()
    if options.output in (None, "-"):
        sys.stdout.write(text)
        return 0
    try:
        Path(options.output).write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {options.output}: {error.strerror or error}") from error
    return 0


def schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(suite_json_schema(), indent=2, ensure_ascii=False) + "\n"
