"""When workers pay: the same trials by one process, by two, and by two workers of a Ray that is started for the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench import suites

RAY = ("--ray", "-j", "2")


def rows(folder: Path, trials: int, run: Callable[..., Any], url: str) -> Iterator[tuple[str, str, str, str]]:
    """``run``: plays a suite with these options, and returns its cost. ``url``: a simulator that answers after 100 ms."""
    if find_spec("ray") is None:
        yield "workers of Ray", "Ray is not installed", "`make bench` installs it", ""
        return
    few = suites.write(folder, "workers-1", suites.text_rows(1, "unary"))
    one, started = (run(few, *options, "--live", SIMULATOR_BASE_URL=url).wall for options in ((), RAY))
    yield "one live trial: Ray", f"{started:.1f} s", f"one process {one:.1f} s", f"Ray starts in {started - one:.1f} s"
    yield from _replayed(folder, trials * 10, run)
    yield from _live(folder, trials, run, url)


def _replayed(folder: Path, trials: int, run: Callable[..., Any]) -> Iterator[tuple[str, str, str, str]]:
    suite = suites.write(folder, "workers", suites.json_cases(trials))
    tapes = ("--cassettes", str(folder / "tapes-workers"))
    run(suite, *tapes, "--record-mode", "all", "--concurrency", "32")
    one = run(suite, *tapes, "-j", "1").wall
    for name, options in (("-j 2", ("-j", "2")), ("Ray", RAY)):
        cost = run(suite, *tapes, *options).wall
        yield f"{trials:,} replayed: {name}", f"{cost:.1f} s", f"one process {one:.1f} s", f"{one / cost:.2f}x as fast"


def _live(folder: Path, trials: int, run: Callable[..., Any], url: str) -> Iterator[tuple[str, str, str, str]]:
    suite = suites.write(folder, "workers-live", suites.text_cases(trials, 1))
    for in_flight in ("8", "64"):
        asked = ("--live", "--concurrency", in_flight)
        one, ray = (run(suite, *asked, *options, SIMULATOR_BASE_URL=url).wall for options in ((), RAY))
        what = f"{trials:,} live at 100 ms, {in_flight} in flight: Ray"
        yield what, f"{ray:.1f} s", f"one process {one:.1f} s", f"{one / ray:.2f}x as fast"
