"""``explain``: what an id in a message means."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import chain
from textwrap import indent, wrap

from harness.cli.explanations import Explanation, explanations, ids
from harness.errors import UsageError
from harness.text.shape import nearest

ABOUT = "explain the id of a check, an invariant, a fault, a kind of change, an error or an exit code"
EXAMPLES = (
    "gemini-harness explain usage-sum",
    "gemini-harness explain 6",
)

_WIDTH = 80


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="as a message names it (default: list all ids)")


def main(options: Namespace) -> int:
    lines = _all() if options.id is None else _of(options.id.removeprefix("invariant:"))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _of(id: str) -> Iterator[str]:
    """Raises UsageError for an unknown id."""
    found = [explanation for explanation in explanations() if explanation.id == id]
    if not found:
        hint = nearest(id, list(chain.from_iterable(ids().values())))
        raise UsageError(
            f"nothing has the id {id!r}; {hint}" if hint else f"nothing has the id {id!r}: `explain` alone lists all"
        )
    for number, explanation in enumerate(found):
        yield from [""] if number else []
        yield from _lines(explanation)


def _lines(explanation: Explanation) -> Iterator[str]:
    yield f"{explanation.id}  ({explanation.kind})"
    yield ""
    yield from _wrapped(_plain(explanation.about))
    for heading, text in explanation.parts.items():
        yield from ("", f"{_plain(heading)}:", *_wrapped(text, "  "))
    for heading, text in explanation.examples.items():
        yield from ("", f"{_plain(heading)}:", *indent(text, "  ").splitlines())


def _wrapped(text: str, margin: str = "") -> Iterator[str]:
    """Lines that fit a terminal. Paragraphs stay, and lists line by line."""
    for line in re.sub(r"(?<=\S)\n(?=[^\s-])", " ", text).split("\n"):
        yield from wrap(
            line,
            _WIDTH,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]


def _plain(text: str) -> str:
    return text.replace("``", "").replace("`", "")


def _all() -> Iterator[str]:
    for kind, names in ids().items():
        yield f"{kind}: {', '.join(names)}"
        yield ""
