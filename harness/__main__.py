"""``python -m harness`` is the command."""

from harness.cli import entry

if __name__ == "__main__":
    entry()
