"""``python -m tests.mutations``: put faults into real answers, print how many are noticed, end with 1 below 97 %."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from tabulate import tabulate

from tests.mutations import registry
from tests.mutations.trying import Sample, Tally, disturbed, mean, read_as_it_should, samples, tried

AIM = 0.97
SHIPPED = Path(__file__).parents[2] / "cassettes"


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    pool = samples([SHIPPED, *options.recordings])
    faults = play(pool, options.only, seed=options.seed, tries=options.tries)
    changes = play_lawful(pool, options.only, seed=options.seed, tries=options.tries)
    print(_table(faults), f"\n{len(faults)} classes, mean {mean(faults):.1%} on {len(pool):,} exchanges", sep="\n")
    print("", _table_of_lawful(changes), sep="\n")
    if options.show:
        print(*_shown({**faults, **changes}, options.show), sep="\n")
    noisy = any(tally.missed for tally in changes.values())
    return 1 if mean(faults) < AIM or noisy else 0


def play(pool: Sequence[Sample], only: str = "*", *, seed: int = 1, tries: int = 20) -> dict[str, Tally]:
    """Class -> what came of its faults, and of its cases of reading."""
    found = {
        kind: tried(kind, mutations, pool, seed=seed, tries=tries)
        for kind, mutations in registry.faults().items()
        if fnmatch(kind, only)
    }
    cases = {
        kind: read_as_it_should(kind, check, pool, seed=seed, tries=max(1, tries // 5))
        for kind, check in registry.readings().items()
        if fnmatch(kind, only)
    }
    return {**found, **cases}


def play_lawful(pool: Sequence[Sample], only: str = "*", *, seed: int = 1, tries: int = 20) -> dict[str, Tally]:
    """Lawful change -> what came of it."""
    return {
        kind: disturbed(kind, mutations, pool, seed=seed, tries=tries)
        for kind, mutations in registry.lawful_changes().items()
        if fnmatch(kind, only)
    }


def _table(tallies: Mapping[str, Tally]) -> str:
    rows = [
        (one.kind, one.tried, one.errors or "", one.warnings or "", len(one.missed) or "", f"{one.share:.0%}")
        for one in sorted(tallies.values(), key=lambda tally: tally.share)
    ]
    return tabulate(
        rows, ["class", "tried", "caught", "warned", "missed", "noticed"], colalign=["left", *["right"] * 5]
    )


def _table_of_lawful(tallies: Mapping[str, Tally]) -> str:
    rows = [(one.kind, one.tried, len(one.missed) or "") for one in tallies.values()]
    return tabulate(rows, ["lawful change", "tried", "disturbed"], colalign=["left", "right", "right"])


def _shown(tallies: Mapping[str, Tally], most: int) -> Sequence[str]:
    return [
        f"\n{kind}\n" + "\n".join(f"  {line}" for line in dict.fromkeys(tally.missed[:most]))
        for kind, tally in tallies.items()
        if tally.missed
    ]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    shared = os.environ.get("GEMINI_HARNESS_SHARED", str(SHIPPED.parents[1] / "shared"))
    recordings = Path(shared) / "recordings"
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=40, help="of each class (default: 40)")
    parser.add_argument("--only", metavar="CLASS", default="*", help="a class, or a pattern of them")
    parser.add_argument(
        "--show", metavar="N", type=int, nargs="?", const=5, default=0, help="print what was missed, N each"
    )
    parser.add_argument(
        "--recordings",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=None,
        help="folders of recordings to mutate besides the shipped cassettes (default: those of GEMINI_HARNESS_SHARED)",
    )
    options = parser.parse_args(arguments)
    if options.recordings is None:
        options.recordings = [recordings] if recordings.is_dir() else []
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
