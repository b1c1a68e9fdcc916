"""``python -m harness`` is the command."""

from harness.cli import entry

entry()
