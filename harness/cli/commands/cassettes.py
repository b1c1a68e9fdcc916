"""``cassettes``: check, find stale ones, prune, recover."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from harness.cli import from_options
from harness.cli import options as shared
from harness.config import Config
from harness.run.play import finish, play
from harness.run.session import Plan
from harness.text.amounts import count
from harness.transport.cassette import maintenance
from harness.transport.cassette.maintenance import CassetteFinding, ReplayProbe
from harness.transport.recordings import check_exist
from harness.transport.redaction import known

ABOUT = "check, prune and recover cassettes; find stale ones"
EXAMPLES = (
    "gemini-harness cassettes check",
    "gemini-harness cassettes stale suites/",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["check", "stale", "prune", "recover"],
        help="check: find cassettes that are unreadable, not standard or hold secrets; stale: find those whose requests differ "
        "from what the suites now send; prune: remove those that no trial uses; recover: save the exchanges of an "
        "interrupted recording",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        default=[],
        help="for stale and prune: suites; for check and recover: cassettes, or folders of them",
    )
    shared.cassettes_folder(parser)
    parser.add_argument("--dry-run", action="store_true", help="prune: list the cassettes, but remove nothing")


def main(options: Namespace) -> int:
    settings = from_options.config(options)
    if options.action == "recover":
        return _recover(options.paths or [settings.cassettes])
    if options.action == "check":
        check_exist(options.paths)
        return _check(options, settings)
    plan = from_options.plan(options)
    return _stale(plan) if options.action == "stale" else _prune(plan, whole=not options.paths, dry=options.dry_run)


def _recover(paths: Iterable[str | Path]) -> int:
    done = maintenance.recover(map(Path, paths))
    for recovered in done:
        sys.stdout.write(f"{recovered.path}: {count(recovered.exchanges, 'finished exchange')} recovered\n")
    if not done:
        sys.stdout.write("nothing to recover: no recording was interrupted\n")
    return 0


def _check(options: Namespace, settings: Config) -> int:
    """Check the named files; without any, the whole folder, which is then also compared with the suites."""
    paths = [Path(path) for path in options.paths]
    if not paths and not settings.cassettes.is_dir():
        sys.stdout.write(f"no cassettes: the folder {settings.cassettes}/ does not exist\n")
        return 5
    number = len(maintenance.cassettes_in(paths or [settings.cassettes]))
    findings = maintenance.inspect(paths or [settings.cassettes], secrets=known(os.environ, settings.providers))
    if not paths and settings.suites.is_dir():
        findings += _beside_the_suites(from_options.plan(options))
    _say(findings)
    sys.stdout.write(f"{count(number, 'cassette')}, {count(len(findings), 'problem')}\n")
    return 1 if findings else 0 if number else 5


def _beside_the_suites(plan: Plan) -> list[CassetteFinding]:
    """Cassettes that no case uses, and those with other requests than the suites now send. Missing ones are no problem here."""
    message = "no case uses it; `gemini-harness cassettes prune` removes it"
    orphaned = [CassetteFinding(path, "orphaned", message) for path in _orphans(plan, whole=True)]
    return [*orphaned, *(finding for finding in _unanswered(plan).findings if finding.kind == "stale")]


def _orphans(plan: Plan, *, whole: bool) -> list[Path]:
    return maintenance.orphans(plan.config.cassettes, plan.suites, plan.config.provider, whole=whole)


def _unanswered(plan: Plan) -> ReplayProbe:
    probe = ReplayProbe(plan.config.providers, plan.config.redact)
    for trial in plan.trials:
        finish(play(trial, probe, plan.config))
    return probe


def _stale(plan: Plan) -> int:
    done = _unanswered(plan)
    _say(done.findings)
    sys.stdout.write(f"{count(done.asked, 'request')}, {len(done.findings):,} of them not answered\n")
    return 6 if done.findings else 0 if done.asked else 5


def _prune(plan: Plan, *, whole: bool, dry: bool) -> int:
    """Remove our cassettes that no trial uses. Files that other tools made are kept."""
    unused = _orphans(plan, whole=whole)
    for path in unused:
        sys.stdout.write(f"{path}: no trial uses it{'' if dry else ', removed'}\n")
        if not dry:
            path.unlink()
    sys.stdout.write(f"{count(len(unused), 'orphaned cassette')}\n")
    return 0


def _say(findings: Iterable[CassetteFinding]) -> None:
    faults = ((one, one.message.removeprefix(f"{one.path} ").removeprefix("is stale ")) for one in findings)
    lines = Counter(f"{one.path}: {one.kind}: {message}" for one, message in faults)
    sys.stdout.writelines(f"{line}{f' ({times} times)' if times > 1 else ''}\n" for line, times in lines.items())
