"""Options that several commands share, and the readers of their values."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, _ActionsContainer
from math import isfinite

RECORD_MODES = ("none", "once", "new_episodes", "all", "stale")
_MOST = 1_000_000


def suites(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", default=[], help="suites, or folders of them (default: suites/)"
    )
    parser.add_argument(
        "--allow-outside-files", action="store_true", help="suites may read files outside of their project"
    )


def selection(parser: ArgumentParser, *, keyword: bool = True) -> None:
    """Which trials of the suites."""
    add = parser.add_argument_group("which trials").add_argument
    if keyword:
        add("-k", metavar="EXPR", dest="keyword", help="trials whose id matches: words, and, or, not; or a whole id")
    add("--tag", metavar="TAG", action="append", default=[], help="suites and cases with this tag (repeatable)")
    add(
        "--target",
        metavar="PROVIDER/MODEL",
        action="append",
        default=[],
        help="instead of the suites' own (repeatable)",
    )
    add("--provider", metavar="NAME", action="append", default=[], help="(repeatable)")
    add("--model", metavar="ID", action="append", default=[], help="(repeatable)")
    add("--repeat", metavar="N", type=positive, help="attempts at each case, instead of the suites' own")
    add("--shard", metavar="I/N", help="the I-th of N equal parts")
    add("--cassettes", metavar="DIR", help="where cassettes are kept")


def judging(parser: ArgumentParser) -> None:
    """What the two sides of a comparison are held to."""
    parser.add_argument(
        "--margin",
        metavar="MEASURE=CHANGE",
        action="append",
        default=[],
        help="changes up to this are the same: pass_rate=5pp, latency=20%% (default: 2pp, 10%%; repeatable)",
    )
    parser.add_argument(
        "--gate",
        metavar="GATE",
        action="append",
        default=[],
        help="beside the gates of the suites: pass_rate=2pp@95%%, latency=25%%, hard=json,finishReason, "
        "latency.max=2s, pass_rate.min=95%%, cost.total=0.50 (repeatable)",
    )


def resume(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument(
        "--resume",
        metavar="RUN",
        nargs="?",
        const="",
        help=f"go on with {what} that was cut short (default: the last such): plays what is missing or could not be asked",
    )


def formats(parser: ArgumentParser, *, measures: bool = False, reports: bool = True) -> None:
    """What is printed. ``measures``: the document has cells that show some."""
    add = parser.add_argument_group("what is printed").add_argument
    add(
        "--format",
        metavar="NAME[:FILE]",
        action="append",
        default=[],
        help="table (default), markdown, html, json ...: `gemini-harness list formats` names them all (repeatable)",
    )
    add(
        "--measures",
        metavar="NAMES",
        help="what cells show: thoughts,tokens,ttft,latency (the default), prompt, candidates, gap, cost, chunks"
        if measures
        else SUPPRESS,  # taken, and without a meaning where there are no such cells
    )
    add("--width", metavar="N", type=positive, help="columns of the table (default: the terminal's, or 80)")
    if reports:
        add("--reports", metavar="DIR", help="where runs are saved (default: reports/)")


def dollars(text: str) -> float:
    """``0.50`` or ``$0.50``. Raises argparse's error for what is not above 0."""
    try:
        value = float(text.removeprefix("$"))
    except ValueError:
        value = 0
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"expected dollars above 0, such as 0.50, got {text!r}")
    return value


def positive(text: str) -> int:
    """A whole number from 1 to a million. Raises argparse's error for anything else."""
    value = int(text) if text.isdecimal() and len(text) <= 10 else 0 if not text.isdecimal() else _MOST + 1
    if not 1 <= value <= _MOST:
        bounds = f"from 1 to {_MOST:,}" if value > _MOST else "above 0"
        raise ArgumentTypeError(f"expected a whole number {bounds}, got {text!r}")
    return value
