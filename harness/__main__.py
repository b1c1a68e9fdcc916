"""``python -m harness`` is the command."""

from harness.cli.main import entry

if __name__ == "__main__":
    entry()
