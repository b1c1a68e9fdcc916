"""``list``: list the trials of suites, or all checks, rules, tags, providers, models or formats."""

from __future__ import annotations

import shutil
import sys
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

from harness.cli import from_options, gate_reach
from harness.cli import options as shared
from harness.config import load
from harness.errors import UsageError
from harness.gemini.providers import Limits, Provider
from harness.run.session import tagged
from harness.text import amounts
from harness.text.shape import nearest

ABOUT = "list the trials of suites; or, as PATH: checks, rules, tags, providers, models, formats"
EXAMPLES = (
    "gemini-harness list",
    "gemini-harness list checks",
    "gemini-harness list tags",
)


def add_options(parser: ArgumentParser) -> None:
    shared.suites(parser)
    shared.selection(parser)


def main(options: Namespace) -> int:
    lines = (
        _thing(options.paths[0])()
        if len(options.paths) == 1 and not Path(options.paths[0]).exists()
        else _trials(options)
    )
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _trials(options: Namespace) -> Iterator[str]:
    plan = from_options.plan(options)
    yield from (f"{trial.id}{f'  skipped: {trial.skip}' if trial.skip else ''}" for trial in plan.trials)
    if not options.quiet:
        sys.stderr.write(f"{amounts.count(len(plan.trials), 'trial')} of {amounts.count(len(plan.suites), 'suite')}\n")
        sys.stderr.writelines(f"note: {note}\n" for note in [*plan.notes, *gate_reach.lines(plan)])


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The rows as columns. A terminal folds the last one; for other programs a row is a line."""
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    indent = sum(width + 2 for width in widths)
    room = max(shutil.get_terminal_size().columns - indent, 30) if sys.stdout.isatty() else sys.maxsize
    for *row, last in rows:
        left = "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=True))
        folded = textwrap.wrap(last, room, break_on_hyphens=False) or [""]
        yield f"{left}{folded[0]}".rstrip()
        yield from (" " * indent + line for line in folded[1:])


def _checks() -> Iterator[str]:
    from harness.judge.registry import all_checks

    yield from _columns([(check.name, _first_line(check.doc)) for _, check in sorted(all_checks().items())])


def _rules() -> Iterator[str]:
    from harness.judge.registry import all_rules

    yield from _columns([(rule.id, rule.severity, _first_line(rule.doc)) for rule in all_rules().values()])


def _tags() -> Iterator[str]:
    """The vocabulary and the tags of the suites here: what each means, and which suites have it."""
    from harness.gemini.features import features

    known, used = features(), tagged(load(Path()))
    rows = [(tag, feature.about, ", ".join(used.get(tag, ()))) for tag, feature in known.items()]
    rows += [(tag, "(a tag of these suites)", ", ".join(used[tag])) for tag in sorted(used.keys() - known.keys())]
    yield from _columns(rows)


def _formats() -> Iterator[str]:
    from harness.report import all_formats

    rows = []
    for name, writers in all_formats().items():
        about = (next(iter(writers.values())).__doc__ or "").strip().partition("\n")[0]
        rows.append((name, f"{about} It writes: {', '.join(writers)}."))
    yield from _columns(rows)


def _providers() -> Iterator[str]:
    settings = load(Path())
    rows = []
    for name, row in sorted(settings.providers.items()):
        default = "default" if name == settings.provider else ""
        rows.append((name, row.base_url, row.auth, " or ".join(row.keys) or "no key", _limits_of(row), default))
    yield from _columns(rows)


def _limits_of(row: Provider) -> str:
    """The limits that count for each model, then those of single models."""
    own = {"": Limits(row.rpm, row.tpm, row.concurrency), **row.limits}
    known = {name: text for name, limits in own.items() if (text := _amounts(limits))}
    return "; ".join(f"{name}: {text}" if name else text for name, text in known.items()) or "no limits"


def _amounts(limits: Limits) -> str:
    names = {"requests a minute": limits.rpm, "tokens a minute": limits.tpm, "in flight": limits.concurrency}
    return ", ".join(f"{number:,} {name}" for name, number in names.items() if number)


def _models() -> Iterator[str]:
    from harness.cli.commands.models import sheets_of
    from harness.gemini.sheets import Sheets
    from harness.report import View, find

    text = StringIO()
    find("table", "catalogue")(Sheets(list(sheets_of([], shared.today())), detailed=False), View(), text)
    yield from text.getvalue().splitlines()


def _first_line(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def _thing(name: str) -> Callable[[], Iterator[str]]:
    """What lists the things of that name. Raises UsageError."""
    if name not in _THINGS:
        raise UsageError(f"no such file or folder, and no such list: {name}; {nearest(name, _THINGS)}")
    return _THINGS[name]


_THINGS: Mapping[str, Callable[[], Iterator[str]]] = {
    "checks": _checks,
    "rules": _rules,
    "tags": _tags,
    "formats": _formats,
    "providers": _providers,
    "models": _models,
}
