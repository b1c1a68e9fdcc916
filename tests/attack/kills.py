"""``kill -9`` at random moments of recording and live runs. The run is resumed, and the recording is replayed."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from random import Random

from harness.transport.cassette import load
from tests.attack import Figures
from tests.attack._project import FLIGHT, REQUESTS, TRIALS, Project, project

TRIES = 40
MODES = (["--record-mode", "once"], ["--live"], ["--record-mode", "all"], ["--live"])


def attack() -> Iterator[Figures]:
    """One run after the other. Every run is killed once or twice."""
    chance = Random(20261128)
    lost = twice = 0
    with project() as place:
        start = time.monotonic()
        place.run("run", "--live")
        whole = time.monotonic() - start
        for number in range(TRIES):
            found = _try(place, MODES[number % len(MODES)], chance, whole)
            lost, twice = lost + found[0], twice + found[1]
        for text in place.broken:
            print(text)
        yield Figures(f"kill -9 of runs, {len(MODES)} ways", TRIES, lost, twice, 0, len(place.broken))


def _try(place: Project, mode: list[str], chance: Random, whole: float) -> tuple[int, int]:
    """Answers lost, and answers requested or written twice."""
    for folder in ("reports", "cassettes"):
        shutil.rmtree(place.folder / folder, ignore_errors=True)
    place.asked.clear()
    in_flight = 0
    for argv in ([*mode], ["--resume"])[: chance.choice((1, 1, 2))]:
        process = place.start("run", *argv)
        time.sleep(chance.uniform(0.1, 1.2) * whole)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            in_flight += FLIGHT * (2 if mode == ["--live"] else 1)  # live, a conversation is kept when it is whole
        process.communicate()
        if place.run_file() is None:
            break
    # What the simulator has answered is kept, but for what was on its way.
    lost = max(0, len(place.asked) - in_flight - _kept(place, mode))
    place.run("run", *(["--resume", place.run_file().parent.name] if place.run_file() else mode))  # type: ignore[union-attr]
    lost += TRIALS - len(place.trials())
    twice = max(0, len(place.asked) - REQUESTS - in_flight) + sum(place.trials().values()) - len(place.trials())
    if mode != ["--live"]:
        asked = len(place.asked)
        out = place.run("run", "--reports", "replayed")
        lost += f"({TRIALS} trials)" not in out
        twice += len(place.asked) - asked + len(place.left_over())
    if lost or twice:
        print(mode, f"lost {lost}, twice {twice}: {len(place.asked)} asked, {place.left_over()}")
    return lost, twice


def _kept(place: Project, mode: list[str]) -> int:
    """Answers on disk: in journals and cassettes; of a live run in its file, where a conversation has two."""
    if mode == ["--live"]:
        return sum(2 if "/talk" in trial else 1 for trial in place.trials())
    tapes = (place.folder / "cassettes").rglob("*.yaml")
    journals = (place.folder / "cassettes").rglob("*.journal")
    return sum(len(load(tape)["interactions"]) for tape in tapes) + sum(j.read_bytes().count(b"\n") for j in journals)
