"""Files are replaced in one step, and what killed processes leave is swept; what living ones write is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.disk import FolderLock, is_locked, replacing, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of the system, signals")

WRITES = """
import sys, time
from pathlib import Path
from harness.disk import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of replacing the file."""
    command = [sys.executable, "-c", WRITES, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_writer_leaves_the_old_file_intact(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with writer(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (path.read_text(), len(names(tmp_path))) == ("old", 2)
        with replacing(path) as file:
            file.write(b"new")
    assert (path.read_text(), names(tmp_path)) == ("new", ["page.html"])


def test_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    with writer(tmp_path / "page.html"):
        (temporary,) = names(tmp_path)
        sweep(tmp_path)
        with replacing(tmp_path / "page.html") as file:
            file.write(b"new")
        assert names(tmp_path) == [temporary, "page.html"]


def test_what_others_call_temporary_is_left_alone(tmp_path: Path) -> None:
    for name in (".notes.tmp", "a.1.tmp", ".page.html.swp", ".other.html.12ab.tmp"):
        (tmp_path / name).touch()
    with replacing(tmp_path / "page.html") as file:
        file.write(b"new")
    assert len(names(tmp_path)) == 5
    sweep(tmp_path)
    assert names(tmp_path) == [".notes.tmp", ".page.html.swp", "a.1.tmp", "page.html"]


def test_a_link_and_a_mode_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert ((tmp_path / "real").read_text(), (tmp_path / "real").stat().st_mode & 0o777) == ("new", 0o600)


def test_the_longest_name_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 125 + ".html")
    for text in (b"one", b"two"):
        with replacing(path) as file:
            file.write(text)
    assert path.read_bytes() == b"two"


def test_a_folder_has_one_owner_until_that_ends(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    assert is_locked(tmp_path)
    with pytest.raises(BlockingIOError):
        FolderLock(tmp_path)
    first.close()
    FolderLock(tmp_path).close()
    assert not is_locked(tmp_path)


# --- what commands write ------------------------------------------------------------------------------

LIMITED = """
import resource, sys
from harness.cli.main import main
sys.dont_write_bytecode = True  # a file of compiled code that is cut short breaks later imports
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("name", ["html", "json", "junit", "markdown", "csv"])
def test_a_report_that_cannot_be_written_leaves_the_old_one(recorded: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / f"out.{name}"
    out.write_text("old")
    command = [sys.executable, "-c", LIMITED, "report", "last", "--format", f"{name}:{out}"]
    done = subprocess.run(command, cwd=recorded, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (4, f"cannot write {out}: File too large\n")
    assert (out.read_text(), names(tmp_path)) == ("old", [out.name])


def test_a_pipe_is_written_to_and_not_replaced(recorded: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "harness", "report", "last", "--format", f"json:{pipe}"]
    with subprocess.Popen(command, cwd=recorded, stdout=subprocess.DEVNULL) as process:
        assert pipe.read_text().startswith("{")
    assert process.returncode == 0
    assert names(tmp_path) == ["pipe"]


def test_a_new_run_sweeps_what_killed_ones_left(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(recorded)
    left = tmp_path / "20261121-070000-ab12" / ".run.jsonl.4711.tmp"
    left.parent.mkdir()
    left.touch()
    assert main(["run", "suites/capitals.yaml", "--reports", str(tmp_path)]) == 0
    assert not left.exists()
