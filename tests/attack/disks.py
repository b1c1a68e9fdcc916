"""Full and read-only disks, and files in the way. No request is sent whose answer cannot be saved, and the run can be resumed.

Permission bits do not stop root, so small file systems are mounted where that is allowed. Where it is not, a line says so.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.attack import Figures
from tests.attack._project import FLIGHT, REQUESTS, TRIALS, Project, project

STOPPED = (4, 6)
"""Exit codes of a run that could not write: its file, or a cassette."""
MODES = (["--live"], ["--record-mode", "once"], ["--record-mode", "all"])
LIMITED = """
import resource, sys
from harness.cli.main import main
limit = int(sys.argv[1])
sys.dont_write_bytecode = True  # a file of compiled code that is cut short breaks later imports
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main(sys.argv[2:]))
"""
OLD = "what was there before"


def attack() -> Iterator[Figures]:
    yield from _found("files that may not grow", [(_limited, size, mode) for size in (3_000, 20_000) for mode in MODES])
    ways = [(_in_the_way, name, mode) for name in ("cassettes", "cassettes/attacked", "reports") for mode in MODES[1:]]
    yield from _found("a file in the way", ways)
    yield from _found("outputs that cannot be written", [(_output, name) for name in ("html", "json", "junit", "csv")])
    if not _may_mount():
        print("full and read-only disks: not tried, since nothing may be mounted here")
        return
    full = [(_full, name, size, mode) for name in ("cassettes", "reports") for size in (24, 64) for mode in MODES]
    yield from _found("a full disk", full)
    yield from _found(
        "a read-only disk", [(_read_only, name, mode) for name in ("cassettes", "reports") for mode in MODES]
    )


def _found(name: str, tries: Sequence[Sequence[object]]) -> Iterator[Figures]:
    lost = twice = broken = 0
    for how, *given in tries:
        with project() as place:
            before = how(place, *given)  # type: ignore[operator]
            lost, twice = lost + before[0], twice + before[1]
            if any(before) or place.broken:
                print(name, given, f"lost {before[0]}, twice {before[1]}", *place.broken, sep="\n")
            broken += len(place.broken)
    yield Figures(name, len(tries), lost, twice, 0, broken)


def _goes_on(place: Project, mode: list[str], finished: int) -> tuple[int, int]:
    """Answers lost and requested twice, after there is space again. At most the answers in flight, and the one that did not fit,
    are requested again (live: whole conversations)."""
    asked = len(place.asked)
    file = place.run_file()
    place.run("run", *(["--resume", file.parent.name] if file else mode))
    lost = TRIALS - len(place.trials()) + max(0, finished - TRIALS)
    twice = max(0, len(place.asked) - REQUESTS - 2 * (FLIGHT + 1)) + sum(place.trials().values()) - len(place.trials())
    if mode != ["--live"]:
        asked = len(place.asked)
        lost += f"({TRIALS} trials)" not in place.run("run", "--reports", "replayed")
        twice += len(place.asked) - asked + len(place.left_over())
    return lost, twice


def _limited(place: Project, size: int, mode: list[str]) -> tuple[int, int]:
    place.run(str(size), "run", *mode, program=["-c", LIMITED], may_end_with=(0, *STOPPED))
    return _goes_on(place, mode, len(place.trials()))


def _in_the_way(place: Project, name: str, mode: list[str]) -> tuple[int, int]:
    path = place.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(OLD)
    out = place.run("run", *mode, may_end_with=STOPPED)
    if name not in out:
        place.broken.append(f"{name} is not named: {out}")
    asked = len(place.asked)
    path.unlink()
    lost, twice = _goes_on(place, mode, 0)
    return lost, twice + asked


def _output(place: Project, name: str) -> tuple[int, int]:
    place.run("run", "--live")
    out = place.folder / f"out.{name}"
    out.write_text(OLD)
    argv = ("report", "last", "--format", f"{name}:{out.name}")
    place.run("500", *argv, program=["-c", LIMITED], may_end_with=(4,))
    lost = int(out.read_text() != OLD)
    place.run(*argv)
    return lost + (out.read_text() == OLD), len(place.left_over())


# --- disks of their own -------------------------------------------------------------------------------


def _full(place: Project, name: str, size: int, mode: list[str]) -> tuple[int, int]:
    with _disk(place.folder / name, f"size={size}k") as disk:
        place.run("run", *mode, may_end_with=(0, *STOPPED))
        finished = len(place.trials())
        _mount("remount,size=10m", disk)
        return _goes_on(place, mode, finished)


def _read_only(place: Project, name: str, mode: list[str]) -> tuple[int, int]:
    with _disk(place.folder / name, "size=10m") as disk:
        _mount("remount,ro", disk)
        stops = name == "reports" or mode != ["--live"]
        place.run("run", *mode, may_end_with=STOPPED if stops else (0,))
        asked = len(place.asked) if stops else 0
        _mount("remount,rw", disk)
        lost, twice = _goes_on(place, mode, 0)
        return lost, twice + asked if stops else 0


@contextmanager
def _disk(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    _mount(options, folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)


def _may_mount() -> bool:
    if sys.platform != "linux":
        return False
    try:
        with project() as place, _disk(place.folder / "disk", "size=16k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
