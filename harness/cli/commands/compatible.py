"""``compatible``: what works natively and in the OpenAI-compatible dialect, side by side, from a saved run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from harness.cli import options as shared
from harness.cli import printing, saved_run
from harness.compare import compatible
from harness.config import load as load_config
from harness.errors import RunError, UsageError
from harness.report import words
from harness.results.load import SavedRun

ABOUT = "native against OpenAI-compatible: what works where, for one model, from a saved run"
EXAMPLES = (
    "gemini-harness run --live --provider google --provider google-openai",
    "gemini-harness compatible",
    "gemini-harness compatible last --model gemini-3.8-flash --format html:compatible.html",
)


def add_options(parser: ArgumentParser) -> None:
    shared.run(parser)
    parser.add_argument("--model", metavar="ID", help="the model of the columns (default: that of most trials)")
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "compatible")
    saved = _saved(options)
    summary = saved.summary()
    providers = load_config(Path()).providers
    found = compatible.compatible(summary.groups.values(), saved.rows_of, providers, options.model)
    document = replace(
        found,
        run=saved.run["id"],
        notes=[f"answers: {words.provenance(summary)}", *saved_run.notes(saved, summary)],
        simulated=words.simulated(summary),
        command=words.command(
            "compatible", saved.run["id"], *words.given(model=options.model, reports=options.reports)
        ),
    )
    printing.show(document, "compatible", options)
    return 0


def _saved(options: Namespace) -> SavedRun:
    """The run. Raises UsageError, with the command that makes one, if no run was saved."""
    try:
        return saved_run.find(options.run, options)
    except RunError as fault:
        if options.run != "last":
            raise
        raise UsageError(f"{fault}; {compatible.HOW}") from None
