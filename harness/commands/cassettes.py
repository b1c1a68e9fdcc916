"""``cassettes``: check, stale, prune, recover."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness import cassette, session, upkeep
from harness.commands import choosing
from harness.config import Config
from harness.errors import CassetteError, UsageError
from harness.matrix import Selection
from harness.model import Exchange, Request, Slot
from harness.play import finish, play
from harness.providers import secrets
from harness.recorder import Player
from harness.session import Plan
from harness.upkeep import Finding


def main(options: Namespace) -> int:
    settings = choosing.config(options)
    if options.action == "recover":
        return _recover(options.paths or [settings.cassettes])
    if options.action == "check":
        return _check(_there(options.paths) or [settings.cassettes], settings)
    plan = session.plan(options.paths, Selection(cassettes_dir=settings.cassettes), settings)
    return _stale(plan) if options.action == "stale" else _prune(plan, dry=options.dry_run)


class _Asking:
    """A transport that answers from tape and keeps what it was asked."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self.requests: list[tuple[Request, Slot]] = []

    async def send(self, request: Request, slot: Slot) -> Exchange:
        self.requests.append((request, slot))
        return await self._player.send(request, slot)


def _there(paths: Sequence[str]) -> list[Path]:
    found = [Path(path) for path in paths]
    missing = [path for path in found if not path.exists()]
    if missing:
        raise UsageError(f"no such file or folder: {missing[0]}")
    return found


def _recover(paths: Iterable[str | Path]) -> int:
    done = upkeep.recover(map(Path, paths))
    for each in done:
        sys.stdout.write(f"{each.path}: {_count(each.exchanges, 'finished exchange')} recovered\n")
    if not done:
        sys.stdout.write("nothing to recover: no recording was interrupted\n")
    return 0


def _check(paths: Sequence[Path], settings: Config) -> int:
    known = {name: value for row in settings.providers.values() for name, value in secrets(row, os.environ).items()}
    number = len(upkeep.cassettes_in(paths))
    findings = upkeep.inspect(paths, secrets=known)
    _say(findings)
    sys.stdout.write(f"{_count(number, 'cassette')}, {_count(len(findings), 'problem')}\n")
    return 1 if findings else 0 if number else 5


def _stale(plan: Plan) -> int:
    """Play everything from tape; what the tapes do not answer is stale or missing."""
    asked = _Asking(Player(plan.config.providers))
    for trial in plan.trials:
        finish(play(trial, asked, plan.config))
    findings = list(upkeep.stale(asked.requests, plan.config.providers))
    _say(findings)
    sys.stdout.write(f"{_count(len(asked.requests), 'request')}, {_count(len(findings), 'of them')} not answered\n")
    return 6 if findings else 0 if asked.requests else 5


def _prune(plan: Plan, *, dry: bool) -> int:
    """Remove the cassettes of ours that no trial names. Files that other tools made are left alone."""
    used = {trial.cassette.resolve() for trial in plan.trials}
    unused = [
        path for path in upkeep.cassettes_in([plan.config.cassettes]) if path.resolve() not in used and _ours(path)
    ]
    for path in unused:
        sys.stdout.write(f"{path}: no trial asks for it{'' if dry else ', removed'}\n")
        if not dry:
            path.unlink()
    sys.stdout.write(f"{_count(len(unused), 'orphaned cassette')}\n")
    return 0


def _ours(path: Path) -> bool:
    try:
        return "harness" in cassette.read(path).recorded_with
    except CassetteError:
        return False


def _say(findings: Iterable[Finding]) -> None:
    sys.stdout.writelines(f"{each.path}: {each.kind}: {each.message}\n" for each in findings)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 or noun.endswith('them') else 's'}"
