"""``run --dry-run``: what would be sent, and how many requests. Nothing is sent."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from harness.cli import costs, gate_reach, printing, streams
from harness.cli.streams import flushed
from harness.errors import UsageError
from harness.model import Trial
from harness.report.json import written
from harness.results.rows import VERSION
from harness.run import session
from harness.run.conversation import requests_of
from harness.run.play import as_played, prepare
from harness.run.session import Plan, RecordPolicy
from harness.text import amounts

if TYPE_CHECKING:
    from harness.run.estimate import Forecast

FORMATS = ("table", "json")


def check(options: Namespace) -> None:
    """Raises UsageError for a format that needs answers."""
    wrong = [name for name, _ in printing.wanted(options.format) if name not in FORMATS]
    if wrong:
        raise UsageError(
            f"--dry-run sends nothing, so it has no answers to show as {wrong[0]}; use {' or '.join(FORMATS)}"
        )


def show(plan: Plan, policy: RecordPolicy, options: Namespace) -> int:
    """Print every request, or one JSON document of them. Returns the exit code: 5 if nothing would be sent."""
    sys.stderr.writelines(f"{warning}\n" for warning in session.hazards(plan.trials.targets, plan.config))
    sent = sum(requests_of(trial) for trial in _trials(plan))
    write(options, lambda name: (_document if name == "json" else _lines)(plan, policy, options, sent))
    return 0 if sent else 5


def write(options: Namespace, text: Callable[[str], Iterable[str]]) -> None:
    """Write what would be sent wherever ``--format`` says. ``text``: format -> the pieces of its text."""
    for name, file in printing.wanted(options.format):
        with flushed() if file is None else printing.into(file) as out, streams.writing(out) as filtered:
            filtered.writelines(text(name))


def _trials(plan: Plan) -> Iterator[Trial]:
    return (as_played(trial, plan.config) for trial in plan.trials)


def _document(plan: Plan, policy: RecordPolicy, options: Namespace, sent: int) -> Iterator[str]:
    """``trials``: id, group, target, ``skip`` (reason or null), number of requests; of the first request: method, url, bytes,
    transport, cassette.

    ``cost``: see ``_forecast`` and ``costs.row``. ``gates``: gate, suite (or null), ``asked``, and why not.
    """
    document = {
        "version": VERSION,
        "dry_run": True,
        "trials": (_row(trial, plan) for trial in _trials(plan)),
        "totals": {"trials": len(plan.trials), "requests": sent},
        "notes": plan.notes,
        "cost": costs.row(_forecast(plan, policy)),
        "gates": list(_gates(plan, options)),
        "gate_notes": list(gate_reach.lines(plan, options.gate)),
    }
    return chain(written(document), "\n")


def _row(trial: Trial, plan: Plan) -> dict[str, Any]:
    row: dict[str, Any] = {"id": trial.id, "group": trial.group, "target": str(trial.target), "skip": trial.skip}
    if trial.skip is not None:
        return {**row, "requests": 0}
    request = prepare(trial, plan.config)
    first = {"method": request.method, "url": request.url, "bytes": len(request.content)}
    stored = {"transport": request.transport, "cassette": str(trial.cassette)}
    return {**row, "requests": requests_of(trial), **first, **stored}


def _lines(plan: Plan, policy: RecordPolicy, options: Namespace, sent: int) -> Iterator[str]:
    for trial in _trials(plan):
        yield f"{_line(trial, plan)}  {trial.id}\n"
    counted = f"{amounts.count(len(plan.trials), 'trial')}, {amounts.count(sent, 'request')}"
    yield f"\n{counted}{_to(plan, policy)}; nothing was sent\n"
    yield from (f"note: {note}\n" for note in plan.notes)
    for gate in _gates(plan, options):
        suite = f" ({gate['suite']})" if gate["suite"] else ""
        asked = "will be checked" if gate["asked"] else f"will not be checked: {gate['why']}"
        yield f"gate {gate['gate']}{suite}: {asked}\n"
    yield from (f"{line}\n" for line in gate_reach.lines(plan, options.gate))
    forecast = _forecast(plan, policy)
    if forecast.trials and not policy.asks:
        yield f"not recorded: {amounts.count(forecast.trials, 'trial')}; --live or --record-mode once asks for them:\n"
    yield from (f"{line}\n" for line in costs.lines(forecast))


def _forecast(plan: Plan, policy: RecordPolicy) -> Forecast:
    """What the run would ask live; for a replay, what it would ask if it recorded the trials that no cassette answers."""
    return costs.forecast_of(plan.config, plan.trials, policy if policy.asks else RecordPolicy("once"))


def _line(trial: Trial, plan: Plan) -> str:
    row = _row(trial, plan)
    if trial.skip is not None:
        return f"skipped: {trial.skip}"
    more = f" and {row['requests'] - 1} more" if row["requests"] > 1 else ""
    return f"{row['method']} {row['url']} {row['bytes']:,} bytes{more}"


def _to(plan: Plan, policy: RecordPolicy) -> str:
    cassettes = {trial.cassette for trial in _trials(plan) if trial.skip is None}
    there = sum(path.exists() for path in cassettes)
    if policy.live:
        return ", all of them live"
    if not policy.asks:
        return f", answered from {len(cassettes):,} cassettes ({there:,} exist)"
    return f", recorded into {len(cassettes):,} cassettes ({there:,} exist) in mode {policy.record_mode}"


def _gates(plan: Plan, options: Namespace) -> Iterator[dict[str, Any]]:
    rows = [plan.suite_row(suite) for suite in plan.suites if suite.compare]
    if not options.gate and not any("gate" in row for row in rows):
        return
    from harness.compare.gates import budgets, from_option, reason_not_asked

    yield from ({"gate": str(from_option(text)), "suite": None, "asked": True, "why": None} for text in options.gate)
    chosen = replace(plan.trials, done={})
    played = Counter(trial.suite for trial in chosen if trial.skip is None)
    sharded = chosen.selection.shard is not None
    named = bool(chosen.selection.keywords or chosen.selection.tags)
    for row in rows:
        if named and not played[row["suite"]]:
            continue
        why = reason_not_asked(row, played[row["suite"]], sharded=sharded)
        yield from (
            {"gate": str(gate), "suite": row["suite"], "asked": why is None, "why": why} for gate in budgets([row])
        )
