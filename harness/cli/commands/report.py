"""``report``: print a saved run again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from msgspec.structs import replace

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.config import load
from harness.errors import UsageError
from harness.gemini.models import catalogue, facts
from harness.gemini.price_rates import Unpriced
from harness.report import Report
from harness.results.repricing import Repricing, day_of
from harness.results.summary import summarise
from harness.text.shape import nearest

ABOUT = "print a saved run again, in any format"
EXAMPLES = (
    "gemini-harness report",
    "gemini-harness report last --format html:report.html",
    "gemini-harness report last --price-as gemini-3.5-flash-lite",
)


def add_options(parser: ArgumentParser) -> None:
    shared.run(parser)
    parser.add_argument(
        "--price-as",
        metavar="MODEL",
        help="show also what the same tokens would have cost on this model on the day of the run; PROVIDER/MODEL for the prices "
        "of another provider than google",
    )
    shared.formats(parser, measures=True)


def main(options: Namespace) -> int:
    saved = saved_run.find(options.run, options)
    report = saved_run.report(saved)
    printing.show(_repriced(report, options.price_as) if options.price_as else report, "run", options)
    return 0


def _repriced(report: Report, wanted: str) -> Report:
    """The report with the cost on another model as one more measure. Raises UsageError for a model without a price."""
    prices = _prices(wanted, report)
    summary = summarise(prices.counted(report.rows()))
    return replace(report, summary=summary, rows=prices.again(report.rows), rows_of=None, price_as=prices)


def _prices(wanted: str, report: Report) -> Repricing:
    provider, slash, model = wanted.partition("/")
    tariff = load(Path()).tariff(provider if slash else "google")
    name, day = model if slash else wanted, day_of(report.run)
    alias = catalogue().aliases.get(name)
    prices = Repricing(alias.target if alias else name, day, tariff)
    try:
        tariff.rates(prices.model, day)
    except Unpriced as unknown:
        hint = "" if facts(name) else nearest(name, catalogue().names)
        lines = [f"--price-as: {unknown}{f'; {hint}' if hint else ''}", unknown.remedy]
        raise UsageError("\n  ".join(line for line in lines if line)) from None
    return prices
