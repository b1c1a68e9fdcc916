"""Six faults at 5 % each over 2,000 trials, on two processes and on two workers of Ray: all that is asked, saved and recorded is counted.

The answers are recorded and then replayed. Every trial has to be in the run's file once, every request has to belong to a trial, and
every answer that is worth keeping has to be on its cassette once.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from harness.simulator.faults import EVERY
from harness.transport.cassette import load
from tests.attack import Figures
from tests.attack._project import Project, project

FAULTS = ("503", "html", "cut", "empty", "broken-json", "no-usage")
RATE = 0.05
TRIALS = 2_000
SUITE = """
suite: attacked
defaults: {model: gemini-2.5-flash}
repeat: 2
cases:
  - id: country-${row.n}
    each: ${file:numbers.csv}
    transport: [unary, stream]
    prompt: "What is the capital of Peru? One word. ${row.n}"
    expect: {text: {icontains: lima}}
"""
CODES = (1, 6)
"""Trials fail, and some cannot be asked."""


def attack() -> Iterator[Figures]:
    ways = {"-j 2": ([], ["-j", "2"]), "Ray": (["--ray", "-j", "2"], ["--ray", "-j", "2"])}
    if find_spec("ray") is None:
        del ways["Ray"]
        print("Ray is not installed, so its attack is left out: `make attack` installs it", file=sys.stderr)
    for name, (recording, replaying) in ways.items():
        faults: Any = {EVERY[fault]: RATE for fault in FAULTS}
        with project(latency=0.005, suite=SUITE, patience=1_200, faults=faults) as place:
            numbers = "".join(f"{n}\n" for n in range(TRIALS // 4))
            (place.folder / "suites/numbers.csv").write_text(f"n\n{numbers}")
            lost, twice = _try(place, recording, replaying)
            for text in place.broken:
                print(text)
            yield Figures(f"{len(FAULTS)} faults at {RATE:.0%}, {name}", TRIALS, lost, twice, 0, len(place.broken))


def _try(place: Project, recording: Sequence[str], replaying: Sequence[str]) -> tuple[int, int]:
    """Trials, requests and answers that are lost, and those that are there twice."""
    place.run("run", "--record-mode", "all", "-q", *recording, may_end_with=CODES)
    rows, asked = place.rows(), len(place.asked)
    sent = sum(turn.get("attempts") or 1 for row in rows for turn in row["turns"])
    kept = Counter(row["id"] for row in rows if row["status"] != "error")
    lost, twice = _not_once(Counter(row["id"] for row in rows))
    taped = _taped(place)
    lost += max(0, sent - asked) + max(0, kept.total() - taped.total()) + len(place.left_over())
    twice += max(0, asked - sent) + max(0, taped.total() - kept.total()) + taped.total() - len(taped)
    shutil.rmtree(place.folder / "reports")
    place.run("run", "-q", *replaying, may_end_with=CODES)
    replayed = place.rows()
    again = Counter(row["id"] for row in replayed if row["status"] != "error")
    more = _not_once(Counter(row["id"] for row in replayed))
    return lost + more[0] + (kept - again).total(), twice + more[1] + (again - kept).total() + len(place.asked) - asked


def _not_once(trials: Counter[str]) -> tuple[int, int]:
    return TRIALS - len(trials), trials.total() - len(trials)


def _taped(place: Project) -> Counter[str]:
    """Cassette and slot -> how often it is there."""
    tapes = (place.folder / "cassettes").rglob("*.yaml")
    return Counter(
        json.dumps([tape.name, entry["response"]["x-recording"]["slot"]])
        for tape in tapes
        for entry in load(tape)["interactions"]
    )
