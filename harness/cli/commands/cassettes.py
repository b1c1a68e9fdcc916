"""``cassettes``: check, stale, prune, recover."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.cli import from_options
from harness.config import Config
from harness.errors import UsageError
from harness.run import session
from harness.run.play import finish, play
from harness.run.session import Plan
from harness.suite.matrix import Selection
from harness.transport.cassette import maintenance
from harness.transport.cassette.maintenance import CassetteFinding, ReplayProbe
from harness.transport.redaction import known

ABOUT = "look after cassettes"
EXAMPLES = (
    "gemini-harness cassettes check",
    "gemini-harness cassettes stale suites/",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["check", "stale", "prune", "recover"],
        help="check: readable, standard, free of secrets; stale: which answer other requests than the suites now send; "
        "prune: remove what no trial asks for; recover: fold in what an interrupted recording left",
    )
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="suites for stale and prune, else files or folders of cassettes"
    )
    parser.add_argument("--cassettes", metavar="DIR", help="where cassettes are kept")
    parser.add_argument("--dry-run", action="store_true", help="prune: only say what would go")


def main(options: Namespace) -> int:
    settings = from_options.config(options)
    if options.action == "recover":
        return _recover(options.paths or [settings.cassettes])
    if options.action == "check":
        return _check(_there(options.paths), settings)
    plan = _plan(options.paths, settings)
    return _stale(plan) if options.action == "stale" else _prune(plan, whole=not options.paths, dry=options.dry_run)


def _plan(paths: Sequence[str], settings: Config) -> Plan:
    return session.plan(paths, Selection(cassettes_dir=settings.cassettes), settings)


def _there(paths: Sequence[str]) -> list[Path]:
    found = [Path(path) for path in paths]
    missing = [path for path in found if not path.exists()]
    if missing:
        raise UsageError(f"no such file or folder: {missing[0]}")
    return found


def _recover(paths: Iterable[str | Path]) -> int:
    done = maintenance.recover(map(Path, paths))
    for recovered in done:
        sys.stdout.write(f"{recovered.path}: {_count(recovered.exchanges, 'finished exchange')} recovered\n")
    if not done:
        sys.stdout.write("nothing to recover: no recording was interrupted\n")
    return 0


def _check(paths: Sequence[Path], settings: Config) -> int:
    """The files named; without any, the whole folder, which is then held against the suites too."""
    if not paths and not settings.cassettes.is_dir():
        sys.stdout.write(f"no cassette is there: {settings.cassettes}/ does not exist\n")
        return 5
    number = len(maintenance.cassettes_in(paths or [settings.cassettes]))
    findings = maintenance.inspect(paths or [settings.cassettes], secrets=known(os.environ, settings.providers))
    if not paths and settings.suites.is_dir():
        findings += _beside_the_suites(_plan([], settings))
    _say(findings)
    sys.stdout.write(f"{_count(number, 'cassette')}, {_count(len(findings), 'problem')}\n")
    return 1 if findings else 0 if number else 5


def _beside_the_suites(plan: Plan) -> list[CassetteFinding]:
    """What no case asks for, and what answers another request than the suites now send. Missing ones are no problem here."""
    said = "no case asks for it; `gemini-harness cassettes prune` removes it"
    orphaned = [CassetteFinding(path, "orphaned", said) for path in _orphans(plan, whole=True)]
    return [*orphaned, *(finding for finding in _unanswered(plan).findings if finding.kind == "stale")]


def _orphans(plan: Plan, *, whole: bool) -> list[Path]:
    return maintenance.orphans(plan.config.cassettes, plan.suites, plan.config.provider, whole=whole)


def _unanswered(plan: Plan) -> ReplayProbe:
    """Play everything from tape."""
    asking = ReplayProbe(plan.config.providers)
    for trial in plan.trials:
        finish(play(trial, asking, plan.config))
    return asking


def _stale(plan: Plan) -> int:
    """What the tapes do not answer is stale or missing."""
    done = _unanswered(plan)
    _say(done.findings)
    sys.stdout.write(f"{_count(done.asked, 'request')}, {_count(len(done.findings), 'of them')} not answered\n")
    return 6 if done.findings else 0 if done.asked else 5


def _prune(plan: Plan, *, whole: bool, dry: bool) -> int:
    """Remove the cassettes of ours that no trial asks for. Files that other tools made are left alone."""
    unused = _orphans(plan, whole=whole)
    for path in unused:
        sys.stdout.write(f"{path}: no trial asks for it{'' if dry else ', removed'}\n")
        if not dry:
            path.unlink()
    sys.stdout.write(f"{_count(len(unused), 'orphaned cassette')}\n")
    return 0


def _say(findings: Iterable[CassetteFinding]) -> None:
    lines = Counter(
        f"{finding.path}: {finding.kind}: {finding.message.removeprefix(f'{finding.path} ')}" for finding in findings
    )
    sys.stdout.writelines(f"{line}{f' ({times} times)' if times > 1 else ''}\n" for line, times in lines.items())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 or noun.endswith('them') else 's'}"
