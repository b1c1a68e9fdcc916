"""Options that several commands share, and the parsers of their values."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, _ActionsContainer
from datetime import date
from math import isfinite
from typing import get_args

from harness.model import RecordMode

RECORD_MODES = get_args(RecordMode)
_MOST = 1_000_000


def repeatable(parser: _ActionsContainer, name: str, metavar: str, help: str) -> None:
    """An option that may be given several times: a list."""
    parser.add_argument(name, metavar=metavar, action="append", default=[], help=help)


def run(parser: _ActionsContainer) -> None:
    parser.add_argument(
        "run", metavar="RUN", nargs="?", default="last", help="a saved run: its path, its id, or last (the default)"
    )


def reports_folder(parser: _ActionsContainer) -> None:
    parser.add_argument("--reports", metavar="DIR", help="the folder of saved runs (default: reports/)")


def cassettes_folder(parser: _ActionsContainer) -> None:
    parser.add_argument("--cassettes", metavar="DIR", help="the folder of cassettes (default: cassettes/)")


def suites(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", default=[], help="suite files, or folders of them (default: suites/)"
    )
    parser.add_argument(
        "--allow-outside-files", action="store_true", help="let suites read files outside of their project"
    )
    repeatable(parser, "--var", "NAME=VALUE", "the value of ${var.NAME} in suites, read as in YAML (repeatable)")


def selection(parser: ArgumentParser) -> None:
    """The options that select trials."""
    group = parser.add_argument_group("which trials")
    add = group.add_argument
    matches = "only trials whose id matches: words, and, or, not; or a whole id"
    add("-k", metavar="EXPR", dest="keyword", help=matches)
    repeatable(group, "--tag", "TAG", "only suites and cases with this tag (repeatable)")
    repeatable(group, "--target", "PROVIDER/MODEL", "run on this target instead of the suites' own (repeatable)")
    repeatable(group, "--provider", "NAME", "run at this provider instead of the suites' own (repeatable)")
    repeatable(group, "--model", "ID", "run on this model instead of the suites' own (repeatable)")
    add("--repeat", metavar="N", type=positive, help="attempts at each case, instead of the suites' number")
    add("--shard", metavar="I/N", help="only the I-th of N parts, to split a run over machines (see merge)")
    cassettes_folder(group)


def judging(parser: ArgumentParser) -> None:
    """The options that decide the verdicts and gates of a comparison."""
    repeatable(
        parser,
        "--margin",
        "MEASURE=CHANGE",
        "changes up to this count as the same: pass_rate=5pp, latency=20%% (default: 2pp, 10%%; repeatable)",
    )
    parser.add_argument(
        "--scope",
        choices=("these-cases", "cases-like-these"),
        help="what verdicts on pass rates are about: only the cases that were asked, or cases like them (default: these-cases, "
        "and cases-like-these between models)",
    )
    repeatable(
        parser,
        "--gate",
        "GATE",
        "exit with 1 if the candidate crosses this limit, in addition to the gates of the suites: pass_rate=10pp@95%%, "
        "latency=25%%, hard=json,finishReason, latency.max=2s, pass_rate.min=95%%, cost.total=0.50 (repeatable)",
    )


def watch(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument(
        "--watch", action="store_true", help=f"{what} again whenever a suite or a file that it uses is changed"
    )


def until_told(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument("--until-told", action="store_true", help=f"{what}; looked at after each fifth of the cases")


def resume(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument(
        "--resume",
        metavar="RUN",
        nargs="?",
        const="",
        help=f"continue {what} that was cut short (default: the latest): play the trials that are missing or got no answer",
    )


def formats(parser: ArgumentParser, *, measures: bool = False, reports: bool = True) -> None:
    """The options for output. ``measures``: whether the document shows measures in its cells."""
    group = parser.add_argument_group("what is printed")
    add = group.add_argument
    repeatable(
        group,
        "--format",
        "NAME[:FILE]",
        "table (default), markdown, html, json ..., to stdout or FILE; `gemini-harness list formats` lists all (repeatable)",
    )
    add(
        "--measures",
        metavar="NAMES",
        help="what the cells show, with commas: thoughts,tokens,ttft,latency (the default), prompt, candidates, gap, cost, chunks; or a check, such as json: how many attempts passed it, and why the others did not"
        if measures
        else SUPPRESS,  # accepted without effect, for documents without such cells
    )
    add("--width", metavar="N", type=positive, help="width of the table in columns (default: the terminal's, or 80)")
    if reports:
        reports_folder(group)


def concurrency(parser: _ActionsContainer) -> None:
    parser.add_argument(
        "--concurrency", metavar="N", type=positive, help="requests in flight at most (default: as configured, else 8)"
    )


def strict(parser: _ActionsContainer) -> None:
    parser.add_argument("--strict", action="store_true", help="count warnings as failures")


def max_cost(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument("--max-cost", metavar="USD", type=dollars, help=what)


def as_of(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument(
        "--as-of", metavar="DATE", type=day, default=today(), help=f"{what}, as in 2026-12-01 (default: today)"
    )


def today() -> date:
    return date.today()  # noqa: DTZ011 - the day where the user is


def day(text: str) -> date:
    """``2026-12-01``. Raises ArgumentTypeError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"expected a day such as 2026-12-01, got {text!r}") from None


def dollars(text: str) -> float:
    """``0.50`` or ``$0.50``. Raises ArgumentTypeError if it is not above 0."""
    try:
        value = float(text.removeprefix("$"))
    except ValueError:
        value = 0
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"expected dollars above 0, such as 0.50, got {text!r}")
    return value


def positive(text: str) -> int:
    """A whole number from 1 to a million. Raises ArgumentTypeError for anything else."""
    value = int(text) if text.isdecimal() and len(text) <= 10 else 0 if not text.isdecimal() else _MOST + 1
    if not 1 <= value <= _MOST:
        bounds = f"from 1 to {_MOST:,}" if value > _MOST else "above 0"
        raise ArgumentTypeError(f"expected a whole number {bounds}, got {text!r}")
    return value
