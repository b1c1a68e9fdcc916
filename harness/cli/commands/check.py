"""``check``: validate suites without playing them."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import date, timedelta

from harness.cli import from_options, gate_reach
from harness.cli import options as shared
from harness.cli.watching import watch
from harness.config import no_provider
from harness.errors import UsageError
from harness.gemini.models import ends_by, facts, lifecycle
from harness.gemini.providers import dialect_of
from harness.run.session import Plan
from harness.text import amounts

ABOUT = "validate suites without playing them, and report all problems at once"
EXAMPLES = (
    "gemini-harness check",
    "gemini-harness check suites/thinking.yaml",
    "gemini-harness check --ends-within 60d",
)


def add_options(parser: ArgumentParser) -> None:
    shared.suites(parser)
    parser.add_argument(
        "--ends-within",
        metavar="DAYS",
        type=_days,
        help="exit with 1 if a model of the suites has ended, or ends or is routed to another within this time: 60d, 8w",
    )
    shared.as_of(parser, "for --ends-within: count from this day")
    shared.watch(parser, "check")
    parser.add_argument(
        "--format",
        choices=("text", "github"),
        default="text",
        help="text (default), or annotations of what is wrong for GitHub Actions",
    )


def _days(text: str) -> timedelta:
    """``60d`` or ``8w``. Raises ArgumentTypeError for anything else."""
    found = re.fullmatch(r"(\d{1,5})([dw])", text)
    if not found:
        raise ArgumentTypeError(f"expected days or weeks, such as 60d or 8w, got {text!r}")
    return timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))


def main(options: Namespace) -> int:
    if options.watch:
        return watch(options, main)
    plan = from_options.plan(options)
    if unknown := {target.provider for target in plan.trials.targets} - plan.config.providers.keys():
        asking = next(group for group in plan.trials.groups() if group.target.provider in unknown)
        message = no_provider(asking.target.provider, plan.config.providers)
        raise UsageError(f"{asking.case.axes['provider'].place}: {message}")  # `run` would refuse it
    for target in plan.trials.targets:
        dialect_of(plan.config.find(target.provider))
    for note in plan.notes if options.ends_within is None else plan.left_out:
        sys.stdout.write(f"note: {note}\n")
    sys.stdout.writelines(f"{line}\n" for line in gate_reach.lines(plan))
    cases = sum(len(suite.cases) for suite in plan.suites)
    numbers = {"suite": len(plan.suites), "case": cases, "trial": len(plan.trials)}
    counts = ", ".join(amounts.count(number, noun) for noun, number in numbers.items())
    ending = [] if options.ends_within is None else list(_ending(plan, options.as_of, options.ends_within))
    sys.stdout.writelines(f"{line}\n" for line in ending)
    models = amounts.count(len(ending), "model")
    sys.stdout.write(f"{counts}: {f'{models} to replace' if ending else 'no problem found'}\n")
    return 1 if ending else 0


def _ending(plan: Plan, day: date, within: timedelta) -> Iterator[str]:
    """A line for each model that the suites ask and that ends by then: its end, its replacement, where it is written."""
    places: dict[str, dict[str, None]] = {}
    for group in plan.trials.groups():
        if group.cell.skip is None:
            written = group.case.axes.get("model", group.case)
            places.setdefault(group.target.model, {})[str(written.place)] = None
    for model, uses in places.items():
        life = lifecycle(model, day)
        if life and ends_by(model, day + within):
            known = facts(model)
            instead = known.replacement if known and known.replacement else ""
            more = f"; replacement: {instead}" if instead and instead not in life.message else ""
            yield f"{life.message}{more}; asked in {', '.join(uses)}"
