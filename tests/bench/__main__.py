"""``make bench``: times whole processes, and floors in the same run. ``--quick`` takes a tenth of the trials; ``--peers`` adds what
users would pick instead, which is installed first."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.gemini.schemas import to_json_schema
from tests.bench import floors, pages, peers, recordings, suites, workers
from tests.bench import simulator as endpoint

COMMAND = [str(Path(sys.executable).with_name("gemini-harness"))]
SERVER = """
import sys
from harness.simulator.serve import start
running = start(latency=float(sys.argv[1]), pace=float(sys.argv[2]))
print(running.url, flush=True)
sys.stdin.read()
running.stop()
"""
Row = tuple[str, str, str, str]
PARTS = ("start", "replay", "recordings", "live", "streams", "simulator", "compare", "fidelity", "resume", "pages")
ASKED_FOR = ("million", "workers", "peers")
"""They only run if they are named: several minutes and 8 GB of disk; Ray; what is installed from elsewhere."""


@dataclass(frozen=True)
class Cost:
    """The cost of one process: seconds, and peak memory in MB."""

    wall: float
    peak_mb: float


def timed(command: Sequence[str], *, runs: int = 1, codes: Sequence[int] = (0,), **env: str) -> Cost:
    """The median of ``runs`` runs of a command, as whole processes. Raises if the exit code is not in ``codes``."""
    walls, peaks = [], []
    for _ in range(runs):
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **env}
        )
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        walls.append(time.perf_counter() - started)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode not in codes:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{errors.decode()}")
        peaks.append(usage.ru_maxrss / 1024)
    return Cost(statistics.median(walls), max(peaks))


def bare_python() -> Cost:
    """The cost of a process that does nothing."""
    return timed([sys.executable, "-c", "pass"], runs=9)


@contextmanager
def simulator(latency: float = 0.0, pace: float = 0.0) -> Iterator[str]:
    """The URL of a simulator in a separate process."""
    command = [sys.executable, "-c", SERVER, str(latency), str(pace)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


class Bench:
    """All measurements, in one folder. Every method yields rows: what, measured, floor, ratio."""

    def __init__(self, folder: Path, scale: float) -> None:
        self.folder = folder
        self.scale = scale
        (folder / "harness.toml").write_text('provider = "simulator"\nconcurrency = 8\n', encoding="utf-8")

    def run(self, suite: Path, *options: str, **kwargs: object) -> Cost:
        reports = self.folder / "reports"
        cassettes = self.folder / "cassettes"
        command = [*COMMAND, "run", str(suite), "--reports", str(reports), "--cassettes", str(cassettes), *options]
        return timed(command, **kwargs)  # type: ignore[arg-type]

    def start(self) -> Iterator[Row]:
        bare = bare_python()
        version = timed([*COMMAND, "--version"], runs=9)
        yield "--version", ms(version.wall), f"bare Python {ms(bare.wall)}", ratio(version.wall, bare.wall, "4x")

    def replay(self) -> Iterator[Row]:
        one, imports = self.replayed("1", suites.json_cases(1)), floors.imports()
        yield (
            "1 replayed case, whole process",
            ms(one.wall),
            f"the imports it needs {ms(imports)}",
            ratio(one.wall, imports, "1.5x"),
        )
        floor = (
            floors.json_and_check(floors.answers_of(self.folder / "tapes-1") * 1_000, to_json_schema(suites.SCHEMA))
            / 1_000
        )
        for trials in (self.count(1_000), self.count(10_000)):
            yield from self.per_trial(
                f"{trials:,} replayed trials, a cassette each, again", trials, one, floor, suites.json_cases(trials)
            )
            text, rows = suites.json_rows(trials)
            suites.write(self.folder, f"rows-{trials}", "").with_name("rows.jsonl").write_text(rows, encoding="utf-8")
            yield from self.per_trial(
                f"{trials:,} replayed rows of one cassette, again", trials, one, floor, text, name=f"rows-{trials}"
            )
            yield from self.whole(trials)

    def whole(self, trials: int) -> Iterator[Row]:
        """The whole process compared with loading and checking alone, on one process and on two, without and with a cache."""
        cassettes = self.folder / f"tapes-{trials}"
        suite = self.folder / str(trials) / f"{trials}.yaml"
        floor = floors.load_and_check(cassettes, to_json_schema(suites.SCHEMA))
        for processes in ("1", "2"):
            for when, runs, target in (("first time", 1, "2.6x"), ("again", 3, "1.8x")):
                if when == "first time":
                    shutil.rmtree(cassettes / ".cache", ignore_errors=True)
                cost = self.run(suite, "--cassettes", str(cassettes), "-j", processes, runs=runs)
                yield (
                    f"{trials:,} replayed, a cassette each, -j {processes}, {when}",
                    f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB a process",
                    f"load and check alone {floor:.2f} s",
                    ratio(cost.wall, floor, target),
                )

    def peers(self) -> Iterator[Row]:
        """The same cases on ours, on pytest with vcrpy by hand, and on promptfoo."""
        trials = self.count(1_000)
        ours, cassettes = self.replayed("peers", suites.json_cases(trials)), self.folder / "tapes-peers"
        floor = floors.load_and_check(cassettes, to_json_schema(suites.SCHEMA))
        with simulator() as url:
            others = {
                "ours": lambda: ours,
                "pytest + vcrpy by hand": lambda: self.by_hand(cassettes, trials),
                "promptfoo, from its cache": lambda: self.by_promptfoo(url, trials),
            }
            for name, measure in others.items():
                yield self.peer(f"{trials:,} replayed by {name}", measure, floor)

    def peer(self, what: str, measure: Callable[[], Cost], floor: float) -> Row:
        beside = f"load and check alone {floor:.2f} s"
        try:
            cost = measure()
        except peers.NotInstallable as why:
            return what, f"skipped: {why}", beside, ""
        return what, f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB", beside, f"{cost.wall / floor:.1f}x"

    def by_hand(self, cassettes: Path, trials: int) -> Cost:
        return timed(peers.pytest_with_vcrpy(self.folder / "by-hand", cassettes, trials), runs=3)

    def by_promptfoo(self, url: str, trials: int) -> Cost:
        folder = self.folder / "promptfoo"
        command = ["env", *peers.environment(folder, url), *peers.promptfoo(folder, trials)]
        timed(command)  # fills its cache
        return timed(command, runs=3)

    def recordings(self) -> Iterator[Row]:
        """Audit a folder in several formats, and one long file."""
        folder, long = self.folder / "recordings", self.folder / "long"
        files, size = recordings.folder(folder, self.count(1_000))
        cost, floor = timed([*COMMAND, "audit", str(folder)], runs=3), recordings.loaded(folder)
        yield (
            f"audit of {files:,} recordings, {size / 1e6:.0f} MB",
            f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB",
            f"yaml and json of them {floor:.2f} s",
            f"{cost.wall / floor:.1f}x, target for 24 MB: 3 s",
        )
        for path, size in recordings.long(long, self.count(200) * 1_000_000):
            cost = timed([*COMMAND, "audit", str(path)], codes=(0, 1))
            yield (
                f"audit of one file, {path.suffix}, {size / 1e6:.0f} MB",
                f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB",
                f"its size {size / 1e6:.0f} MB",
                f"{cost.peak_mb * 1e6 / size:.1f}x, target for 200 MB: 4x",
            )

    def per_trial(self, what: str, trials: int, one: Cost, floor: float, text: str, name: str = "") -> Iterator[Row]:
        cost = self.replayed(name or str(trials), text)
        seconds = (cost.wall - one.wall) / trials
        yield f"{what}: one", ms(seconds), f"json + check {ms(floor)}", f"{seconds / floor:.1f}x, target 1.2 ms"
        yield f"{what}: peak memory", f"{cost.peak_mb:.0f} MB", f"1 trial {one.peak_mb:.0f} MB", ""

    def replayed(self, name: str, text: str) -> Cost:
        """Record a suite from the simulator, then the median cost of replaying it."""
        suite = suites.write(self.folder, name, text)
        options = ["--cassettes", str(self.folder / f"tapes-{name}")]
        self.run(suite, *options, "--record-mode", "all", "--concurrency", "32")
        return self.run(suite, *options, runs=5)

    def live(self) -> Iterator[Row]:
        trials = self.count(1_000)
        text = suites.write(self.folder, "live", suites.text_rows(trials, "unary")), suites.ASKED_FOR_TEXT
        schema = suites.write(self.folder, "live-json", suites.json_attempts(trials)), suites.ASKED_FOR_JSON
        for kind, work, latency, in_flight, runs, target in (
            ("text", text, 0.0, 32, 3, "2.6x"),
            ("text", text, 0.1, 8, 1, ""),
            ("text", text, 0.1, 128, 3, "1.4x"),
            ("JSON mode", schema, 0.0, 32, 3, "2.6x"),
            ("JSON mode", schema, 0.1, 128, 3, "1.4x"),
        ):
            with simulator(latency=latency) as url:
                ours, bare, _ = self.beside_the_bare_client(work, url, "generateContent", trials, in_flight, runs)
            ideal = trials / in_flight * latency
            yield (
                f"{trials:,} live trials, {kind}, at {1000 * latency:.0f} ms, {in_flight} in flight",
                f"{ours:.2f} s",
                f"bare aiohttp {bare:.2f} s" + (f", ideal {ideal:.2f} s" if ideal else ""),
                ratio(ours, bare, target) if target else f"{ours / bare:.2f}x",
            )

    def streams(self) -> Iterator[Row]:
        trials = self.count(400)
        work = suites.write(self.folder, "streams", suites.text_rows(trials, "stream")), suites.ASKED_FOR_TEXT
        method = "streamGenerateContent?alt=sse"
        with simulator(latency=0.1, pace=0.02) as url:
            for in_flight, runs in ((8, 1), (128, 3)):
                name = f"{self.folder}/streams-{in_flight}.json"
                ours, bare, first = self.beside_the_bare_client(
                    work, url, method, trials, in_flight, runs, "--format", f"json:{name}"
                )
                measured = [
                    result["measures"] for result in json.loads(Path(name).read_text(encoding="utf-8"))["results"]
                ]
                ttft = statistics.median(measures["ttft_s"] for measures in measured)
                chunks = statistics.median(measures["chunks"] for measures in measured)
                yield (
                    f"{trials:,} streams of {chunks:.0f} chunks, {in_flight} in flight",
                    f"{ours:.2f} s",
                    f"bare aiohttp {bare:.2f} s",
                    f"{ours / bare:.2f}x the client",
                )
                yield (
                    f"  ttft (sent at 100 ms), {in_flight} in flight",
                    ms(ttft),
                    f"bare aiohttp {ms(first)}",
                    f"error {ms(ttft - 0.1)}, of the bare client {ms(first - 0.1)}",
                )

    def pages(self) -> Iterator[Row]:
        yield from pages.lines(self.folder / "reports", self.count(5_000), timed, COMMAND)

    def workers(self) -> Iterator[Row]:
        with simulator(latency=0.1) as url:
            yield from workers.rows(self.folder, self.count(1_000), self.run, url)

    def simulator(self) -> Iterator[Row]:
        yield from endpoint.rows(self.scale)

    def compare(self) -> Iterator[Row]:
        results = self.count(100_000)
        halves, _ = self.written(results // 2, 1)
        yield self.compared(f"{results:,} results compared: two runs of {results // 2:,}", halves)
        wholes, _ = self.written(results, 1)
        yield self.compared(f"{results:,} results compared: the four targets of one run", wholes[:1])
        yield self.compared(f"two runs of {results:,} results each", wholes)
        yield self.compared(f"two runs of {results:,} results each, as JSON", wholes, "--format", "json")
        yield from self.flat(self.count(1_000))

    def compared(self, what: str, runs: list[str], *options: str) -> Row:
        floor = timed([sys.executable, "-m", "tests.bench.saved", "decode", *runs])
        cost = timed([*COMMAND, "compare", *runs, *options], codes=(0, 7))
        return (
            what,
            f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB",
            f"json.loads of each line {floor.wall:.2f} s",
            f"{cost.wall / floor.wall:.1f}x, target for 100,000: 5 s and 300 MB",
        )

    def fidelity(self) -> Iterator[Row]:
        trials = self.count(10_000)
        runs, _ = self.written(trials, 1)
        floor = timed([sys.executable, "-m", "tests.bench.saved", "decode", *runs])
        cost = timed([*COMMAND, "fidelity", *runs])
        yield (
            f"fidelity of two runs of {trials:,} trials",
            f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB",
            f"json.loads of each line {floor.wall:.2f} s",
            f"{cost.wall / floor.wall:.1f}x, target for 10,000: 10 s and 300 MB",
        )

    def resume(self) -> Iterator[Row]:
        """Resumes a run that lacks its last 99 trials."""
        cases, attempts, left = self.count(1_000), 100, 99
        suite = suites.write(self.folder, "again", suites.text_cases(cases, attempts))
        reports = self.folder / "again-reports"
        timed([sys.executable, "-m", "tests.bench.saved", "cut", str(reports), str(suite), str(left)])
        (file,) = reports.glob("*/run.jsonl")
        floor = timed([sys.executable, "-m", "tests.bench.saved", "decode", str(file)])
        cost = timed([*COMMAND, "run", "--resume", "--reports", str(reports), "--quiet"], codes=(1,))
        yield (
            f"{cases * attempts:,} trials, all but {left} of them kept: taken up",
            f"{cost.wall:.2f} s, {cost.peak_mb:.0f} MB",
            f"json.loads of them {floor.wall:.2f} s",
            f"{cost.wall / floor.wall:.1f}x",
        )

    def million(self) -> Iterator[Row]:
        yield from self.flat(self.count(10_000))

    def flat(self, cells: int) -> Iterator[Row]:
        """Memory for ten times the attempts at the same cells, to write and to compare them."""
        few, many = (self.both(cells, attempts) for attempts in (10, 100))
        for what, less, more in zip(("written", "compared"), few, many, strict=True):
            yield (
                f"{cells:,} cells, 100 attempts each: {cells * 100:,} trials {what}",
                f"{more.wall:.1f} s, {more.peak_mb:.0f} MB",
                f"10 attempts each {less.wall:.1f} s, {less.peak_mb:.0f} MB",
                f"{more.peak_mb / less.peak_mb:.2f}x the memory",
            )

    def both(self, cells: int, attempts: int) -> tuple[Cost, Cost]:
        sides, cost = self.written(cells, attempts)
        compared = timed([*COMMAND, "compare", *sides], codes=(0, 7))
        for side in sides:
            Path(side).unlink()
        return cost, compared

    def written(self, cells: int, attempts: int) -> tuple[list[str], Cost]:
        """The files of two runs with these numbers of cells and attempts, and the cost to write the first one."""
        folder = self.folder / "saved"
        costs = [
            timed([sys.executable, "-m", "tests.bench.saved", "write", *map(str, (folder, cells, attempts, seed))])
            for seed in (1, 2)
        ]
        return [str(folder / f"{cells}x{attempts}-{seed}" / "run.jsonl") for seed in (1, 2)], costs[0]

    def beside_the_bare_client(
        self, work: tuple[Path, Any], url: str, method: str, trials: int, in_flight: int, runs: int, *options: str
    ) -> tuple[float, float, float]:
        """Seconds of ours and of the bare client, alternating whole processes, and the client's time to the first bytes. All are medians.

        ``work``: the suite, and the body that it sends.
        """
        ours, bare, firsts = [], [], []
        suite, asked = work
        address, body = f"{url}/v1beta/models/gemini-2.5-flash:{method}", json.dumps(asked).encode()
        for _ in range(runs):
            ours.append(
                self.run(suite, "--live", "--concurrency", str(in_flight), *options, SIMULATOR_BASE_URL=url).wall
            )
            started = time.perf_counter()
            command = [sys.executable, "-m", "tests.bench.floors", address, str(trials), str(in_flight)]
            completed = subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True)
            bare.append(time.perf_counter() - started)
            firsts.append(float(completed.stdout))
        return statistics.median(ours), statistics.median(bare), statistics.median(firsts)

    def count(self, trials: int) -> int:
        return max(10, int(trials * self.scale))


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def ratio(measured: float, floor: float, target: str) -> str:
    return f"{measured / floor:.2f}x, target {target}"


def main() -> None:
    from tabulate import tabulate

    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the trials")
    parser.add_argument("--peers", action="store_true", help="beside pytest + vcrpy and promptfoo too")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all of these); {', '.join(ASKED_FOR)}"
    )
    options = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), 0.1 if options.quick else 1.0)
        for part in (*(options.parts or PARTS), *(["peers"] if options.peers else [])):
            for row in getattr(bench, part)():
                print("  ".join(text for text in row if text), file=sys.stderr)
                rows.append(row)
    print(tabulate(rows, headers=("what", "measured", "floor", "ratio"), tablefmt="simple"))


if __name__ == "__main__":
    main()
