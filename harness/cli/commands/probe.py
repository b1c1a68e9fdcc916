"""``probe``: ask models what the catalogue says of them, and show what differs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from harness.cli import costs, dryrun, from_options, printing
from harness.cli import options as shared
from harness.config import Config
from harness.errors import HarnessError, UsageError, first
from harness.gemini import sheets
from harness.gemini.capabilities import Finding, Probe, probeable, questions
from harness.gemini.models import answering, catalogue, ends_by
from harness.model import Result, Target
from harness.results.rows import VERSION, dumps
from harness.run import session
from harness.run.play import play_all, prepare
from harness.run.probe import Probed, all_findings, in_turns, probed
from harness.run.session import RecordPolicy
from harness.text import amounts
from harness.text.grouping import grouped
from harness.text.shape import nearest

ABOUT = "ask models whether they do what the catalogue says, and show what differs"
EXAMPLES = (
    "gemini-harness probe --provider simulator --model gemini-3.8-flash",
    "gemini-harness probe --provider google --model 'gemini-4*' --dry-run",
    "gemini-harness probe --model gemini-3.5-flash-lite --max-cost 0.05",
)
_LIVE = RecordPolicy(live=True)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--provider", metavar="NAME", help="ask at this provider (default: the configured one)")
    shared.repeatable(
        parser, "--model", "ID", "ask this model; * stands for anything (repeatable; default: all that have not ended)"
    )
    shared.concurrency(parser)
    shared.max_cost(parser, "spend at most this: begin no request that would exceed it")
    add("--dry-run", action="store_true", help="show the requests, their number and their cost; send nothing")
    shared.as_of(parser, "compare with what the catalogue says of this day")
    shared.formats(parser, reports=False)


def main(options: Namespace) -> int:
    printing.check(options, "probe")
    config = from_options.config(options)
    provider = config.find(options.provider or config.provider).name
    targets = [Target(provider, model) for model in dict.fromkeys(_models(options.model, options.as_of))]
    asked = [
        one
        for target in targets
        for one in probed(target, questions(answering(target.model, options.as_of), options.as_of))
    ]
    if options.dry_run:
        return _dry_run(asked, config, options)
    costs.announce(config, [one.trial for one in asked], targets, _LIVE, quiet=bool(options.quiet))
    results, ended = _ask(asked, config)
    document = _document(asked, results, ended)
    printing.show(document, "probe", options)
    return _exit_code(document.findings, ended)


def _models(globs: Sequence[str], day: date) -> Iterator[str]:
    """The models that are asked. Raises UsageError for a pattern without one, and for models that take no such questions."""
    if not globs:
        yield from (name for name, known in catalogue().models.items() if probeable(known) and not ends_by(name, day))
    for glob, found in sheets.matching(globs):
        hint = nearest(glob, catalogue().names)
        if not found and "*" in glob:
            raise UsageError(f"--model: no model matches {glob!r} in the catalogue{f'; {hint}' if hint else ''}")
        if not found:
            sys.stderr.write(f"note: nothing is known of {glob}, so nothing can differ{f'; {hint}' if hint else ''}\n")
        yield from _askable(glob, found or [glob], day)


def _askable(glob: str, names: Sequence[str], day: date) -> Iterator[str]:
    able = [name for name in names if (known := answering(name, day)) is None or probeable(known)]
    if not able:
        raise UsageError(f"--model: {glob} does not answer generateContent, so it cannot be probed")
    yield from able


# --- without asking -----------------------------------------------------------------------------------


def _dry_run(asked: Sequence[Probed], config: Config, options: Namespace) -> int:
    dryrun.check(options)
    forecast = costs.forecast_of(config, [one.trial for one in asked], _LIVE)
    if_table = [*_dry_lines(asked_by_target(asked), detailed=bool(options.verbose)), *costs.lines(forecast)]
    if_json = dumps(_dry_document(asked, config, costs.row(forecast)))
    dryrun.write(options, lambda name: [f"{if_json}\n"] if name == "json" else [f"{line}\n" for line in if_table])
    return 0


def _dry_lines(asked: Mapping[str, Sequence[str]], *, detailed: bool) -> Iterator[str]:
    for target, names in asked.items():
        yield f"{target}: {amounts.count(len(names), 'request')}"
        if detailed:
            yield from (f"  {name}" for name in names)
    total = sum(map(len, asked.values()))
    yield f"\n{amounts.count(total, 'request')} to {amounts.count(len(asked), 'model')}; nothing was sent"


def asked_by_target(asked: Iterable[Probed]) -> dict[str, list[str]]:
    """Target -> the names of its questions."""
    found = grouped(asked, lambda one: str(one.target))
    return {target: [one.question.ask for one in mine] for target, mine in found.items()}


def _dry_document(asked: Iterable[Probed], config: Config, cost: object) -> dict[str, object]:
    rows = [
        {"target": str(one.target), "capability": one.question.ask, "claimed": one.question.claim, "url": request.url}
        | {"body": request.body}
        for one in asked
        for request in [prepare(one.trial, config)]
    ]
    return {"version": VERSION, "dry_run": True, "requests": rows, "cost": cost}


# --- asking -------------------------------------------------------------------------------------------

_Ended = HarnessError | KeyboardInterrupt | None
"""What ended the asking early, if anything did."""


def _ask(asked: Sequence[Probed], config: Config) -> tuple[dict[str, Result], _Ended]:
    """Every question, within the ceiling: the results by trial."""
    results: dict[str, Result] = {}
    budget = session.budget(config, _LIVE)

    def take(result: Result) -> None:
        results[result.trial.id] = result

    try:
        with session.transport(config, _LIVE) as transport:
            watched = budget.watch(transport) if budget else transport
            play_all(in_turns(asked, results), watched, config, take, limit=budget)
        if budget:
            budget.check()
    except (KeyboardInterrupt, HarnessError) as ended:
        return results, ended
    return results, None


def _document(asked: Iterable[Probed], results: Mapping[str, Result], ended: _Ended) -> Probe:
    """The findings in the order of the questions."""
    why = "interrupted" if isinstance(ended, KeyboardInterrupt) else str(ended or "not asked")
    bills = [turn.bill.dollars for result in results.values() for turn in result.turns]
    known = [dollars for dollars in bills if dollars is not None]
    simulated = any(result.provenance and result.provenance.simulated for result in results.values())
    found = list(all_findings(asked, results, why))
    return Probe(found, simulated, sum(known) if len(known) == len(bills) else None)


def _exit_code(found: Iterable[Finding], ended: _Ended) -> int:
    verdicts = {finding.verdict for finding in found}
    codes = [0, *([1] if "differs" in verdicts else []), *([6] if "open" in verdicts else [])]
    if isinstance(ended, HarnessError):
        sys.stderr.write(f"{ended}\n")
        codes.append(ended.exit_code)
    return 2 if isinstance(ended, KeyboardInterrupt) else first(codes)
