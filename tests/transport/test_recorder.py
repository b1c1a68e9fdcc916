"""Recording and replaying: modes, the journal, and what survives when things go wrong."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from harness.errors import (
    BadCassette,
    CassetteError,
    NetworkFault,
    NoRecording,
    SecretOnTape,
    StaleRecording,
    UnfinishedCassette,
    UsageError,
)
from harness.model import Exchange, RecordMode, Request
from harness.run.play import finish
from harness.transport import journal
from harness.transport.cassette import document, dump, read
from harness.transport.recorder import Coworker, Player, Recorder
from tests.factories import Script, body, exchange, request, slot

CAPITALS = ("Oslo", "Paris", "Rome")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "suite" / "case.yaml"


def asked(text: str = "hi") -> Request:
    return request(body(text))


def on_tape(case: Path, *answers: tuple[str, str]) -> Path:
    """A cassette that answers the n-th attempt at a request with a text."""
    case.parent.mkdir(parents=True, exist_ok=True)
    items = [
        document(exchange({"message": messages}, asked(text)), (0, n, 0)) for n, (text, messages) in enumerate(answers)
    ]
    case.write_text(dump(items), "utf-8")
    return case


def send(transport: Any, case: Path, text: str = "hi", **where: Any) -> Any:
    """What was answered, decoded."""
    import json

    answer: Exchange = asyncio.run(transport.send(asked(text), slot(case, **where)))
    return json.loads(answer.content)["message"]


def texts(case: Path) -> list[str]:
    import json

    return [json.loads(interaction.exchange.content)["message"] for interaction in read(case).interactions]


def live(*messages: str) -> Script:
    return Script(*({"message": text} for text in messages or ("live",)))


# --- modes --------------------------------------------------------------------------------------------


def test_a_replay_needs_no_event_loop_and_asks_nobody(case: Path) -> None:
    on_tape(case, ("hi", "Oslo"))
    answer = finish(Player().send(asked(), slot(case)))
    assert answer.content == b'{"message":"Oslo"}'
    assert answer.provenance.mode == "replay"


def test_a_player_that_has_nothing_says_so(case: Path) -> None:
    with pytest.raises(NoRecording, match="does not exist"):
        send(Player(), case)


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_what_was_never_recorded_is_recorded(case: Path, mode: RecordMode) -> None:
    with Recorder(mode, live("Oslo")) as recorder:
        assert send(recorder, case) == "Oslo"
    assert send(Player(), case) == "Oslo"
    assert [path.name for path in case.parent.iterdir()] == ["case.yaml"]


# Asked: what the tape holds, what it holds otherwise, what it does not hold.
KEPT = ["Oslo"]


@pytest.mark.parametrize(
    ("mode", "same", "changed", "missing"),
    [
        ("once", "Oslo", StaleRecording, NoRecording),
        ("stale", "Oslo", "live", NoRecording),
        ("new_episodes", "Oslo", "live", "live"),
        ("all", "live", "live", "live"),
    ],
)
def test_modes(case: Path, mode: RecordMode, same: Any, changed: Any, missing: Any) -> None:
    on_tape(case, ("hi", "Oslo"), ("old", "Paris"))
    with Recorder(mode, live()) as recorder:
        for wanted, text, repeat in ((same, "hi", 0), (changed, "new", 1), (missing, "hi", 2)):
            if isinstance(wanted, str):
                assert send(recorder, case, text, repeat=repeat) == wanted
            else:
                with pytest.raises(wanted):
                    send(recorder, case, text, repeat=repeat)
    expected = [same, changed if changed == "live" else "Paris", *(["live"] if missing == "live" else [])]
    assert texts(case) == expected


LIMITED = "Rate limit exceeded for gemini-2.5-flash. Please try again in 20 s."


def answered(text: str, asks: str = "hi") -> Exchange:
    content = {"parts": [{"text": text}], "role": "model"}
    return exchange({"candidates": [{"content": content, "finishReason": "STOP"}]}, asked(asks))


@pytest.mark.parametrize(
    ("text", "asks", "kept"),
    [
        (LIMITED, "hi", False),
        ("Error: 429 Too Many Requests", "hi", False),
        ("You exceeded your current quota, please check your plan.", "hi", False),
        ("Oslo", "hi", True),
        ("Too many requests.", "What does HTTP 429 too many requests mean?", True),
        (f"{LIMITED} " + "This is a sentence of a long text about servers. " * 9, "hi", True),
    ],
)
def test_a_rate_limit_in_words_is_not_recorded(case: Path, text: str, asks: str, kept: bool) -> None:
    with Recorder("once", Script(answered(text, asks))) as recorder:
        asyncio.run(recorder.send(asked(asks), slot(case)))
    assert case.exists() is kept


def test_new_episodes_never_replays_what_it_just_recorded(case: Path) -> None:
    on_tape(case, ("hi", "Oslo"))
    with Recorder("new_episodes", live("one", "two", "three")) as recorder:
        messages = [send(recorder, case, repeat=n) for n in range(4)]
    assert messages == ["Oslo", "one", "two", "three"]
    assert [send(Player(), case, repeat=n) for n in range(4)] == messages


def test_mode_all_drops_unused_exchanges_after_a_whole_run(case: Path) -> None:
    on_tape(case, *(("hi", capital) for capital in CAPITALS))
    with Recorder("all", live("new"), partial=True) as recorder:
        send(recorder, case)
    assert texts(case) == ["new", "Paris", "Rome"]
    with Recorder("all", Script({"message": "newer"}, NetworkFault("reset"))) as recorder:
        send(recorder, case)
        with pytest.raises(NetworkFault):
            send(recorder, case, repeat=1)
    assert texts(case) == ["newer", "Paris", "Rome"]
    with Recorder("all", live("newest")) as recorder:
        send(recorder, case)
    assert texts(case) == ["newest"]


def test_an_interrupted_recording_keeps_what_it_has(case: Path) -> None:
    on_tape(case, ("hi", "Oslo"), ("hi", "Paris"))
    with suppress(KeyboardInterrupt), Recorder("all", Script({"message": "new"}, KeyboardInterrupt())) as recorder:
        send(recorder, case)
        send(recorder, case, repeat=1)
    assert texts(case) == ["new", "Paris"]


def test_slots_make_the_order_not_the_clock(case: Path) -> None:
    with Recorder("all", live("third", "first", "second")) as recorder:
        for repeat in (2, 0, 1):
            send(recorder, case, repeat=repeat)
    assert texts(case) == ["first", "second", "third"]


@pytest.fixture
def foreign(case: Path) -> Path:
    """A cassette that another tool recorded."""
    item = document(exchange({"message": "stock"}, asked()), None)
    del item["response"]["x-recording"]
    case.parent.mkdir()
    case.write_text(dump([item]), "utf-8")
    return case


@pytest.mark.parametrize("mode", ["new_episodes", "stale", "all"])
def test_a_named_file_stays_and_new_recordings_go_beside_it(foreign: Path, tmp_path: Path, mode: RecordMode) -> None:
    before, own = foreign.read_bytes(), tmp_path / "own" / "case.yaml"
    with Recorder(mode, live("ours")) as recorder:
        assert [send(recorder, foreign, own=own), send(recorder, foreign, "other", own=own, step=1)] == [
            "stock",
            "ours",
        ]
    assert foreign.read_bytes() == before
    assert not list(foreign.parent.glob("*.journal"))
    assert texts(own) == ["ours"]
    assert recorder.beside == {foreign: own}
    assert [send(Player(), foreign, own=own), send(Player(), foreign, "other", own=own, step=1)] == ["stock", "ours"]


def test_what_both_files_lack_is_compared_with_our_recording(foreign: Path, tmp_path: Path) -> None:
    own = on_tape(tmp_path / "own" / "case.yaml", ("longer words", "ours"))
    with pytest.raises(StaleRecording, match="longer words"):
        send(Player(), foreign, "other", own=own)


def test_once_records_where_a_named_file_is_missing(tmp_path: Path) -> None:
    missing, own = tmp_path / "missing.yaml", tmp_path / "own" / "case.yaml"
    with Recorder("once", live("ours")) as recorder:
        assert send(recorder, missing, own=own) == "ours"
    assert not missing.exists()
    assert texts(own) == ["ours"]


def test_once_asks_for_nothing_that_a_named_file_lacks(foreign: Path, tmp_path: Path) -> None:
    with Recorder("once", live()) as recorder, pytest.raises(StaleRecording):
        send(recorder, foreign, "other", own=tmp_path / "own" / "case.yaml")


def test_what_other_tools_recorded_is_not_recorded_again(foreign: Path, tmp_path: Path) -> None:
    with Recorder("all", live("ours")) as recorder:
        assert send(recorder, foreign, own=tmp_path / "own" / "case.yaml") == "stock"
    assert recorder.foreign == {foreign}


@pytest.mark.parametrize("mode", ["none", "sometimes"])
def test_other_modes_are_a_usage_error(mode: Any) -> None:
    with pytest.raises(UsageError, match="once, new_episodes, all, stale"):
        Recorder(mode, live())


# --- what is not recorded -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 499, 500, 503, 529])
def test_a_passing_failure_is_kept_only_if_the_case_expects_it(case: Path, status: int) -> None:
    on_tape(case, ("hi", "Oslo"))
    refusal = exchange({"message": "later"}, status=status)
    with Recorder("all", Script(refusal)) as recorder:
        assert send(recorder, case) == "later"
    assert texts(case) == ["Oslo"]
    with Recorder("all", Script(refusal)) as recorder:
        asyncio.run(recorder.send(request(body("hi"), expects_status=frozenset({status})), slot(case)))
    assert texts(case) == ["later"]


def test_a_broken_answer_is_not_kept(case: Path) -> None:
    with Recorder("all", Script(exchange({"message": "half"}, fault="cut"))) as recorder:
        send(recorder, case)
    assert not case.exists()


def test_an_answer_that_echoes_a_key_is_not_written(case: Path) -> None:
    with Recorder("all", live("your key is hunter2hunter2"), secrets={"MY_KEY": "hunter2hunter2"}) as recorder:
        with pytest.raises(
            SecretOnTape, match=r"the value of MY_KEY in the response's body, at byte 24\. Nothing was written"
        ) as refused:
            send(recorder, case)
        assert "hunter2" not in str(refused.value)
        assert journal.journal_of(case).read_bytes() == b""
    assert list(case.parent.iterdir()) == []


# --- when things go wrong -----------------------------------------------------------------------------

RECORD = """
import asyncio, sys
from pathlib import Path
from harness.transport.recorder import Recorder
from tests.factories import Script, body, request, slot

case = Path(sys.argv[1])
recorder = Recorder("all", Script(*({"message": str(n)} for n in range(1000))))

async def record():
    for n in range(1000):
        await recorder.send(request(body("hi")), slot(case, repeat=n))
        print(n, flush=True)

asyncio.run(record())
"""


def killed_while_recording(case: Path) -> int:
    """Kill -9 a process that records; how many exchanges it had said were finished."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", RECORD, str(case)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "20\n":
                break
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    return 21 + len(rest)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_kill_9_loses_nothing_that_was_finished(case: Path) -> None:
    on_tape(case, ("hi", "Oslo"))
    before = case.read_bytes()
    finished = killed_while_recording(case)
    assert case.read_bytes() == before

    with pytest.raises(UnfinishedCassette, match=f"gemini-harness cassettes recover {case.parent.parent}$"):
        send(Player(), case)

    with Recorder("once", live()) as recorder:  # any recording mode picks up what was left behind
        assert send(recorder, case, repeat=20) == "20"
    assert len(texts(case)) >= finished
    assert texts(case)[:3] == ["0", "1", "2"]
    assert [path.name for path in case.parent.iterdir()] == ["case.yaml"]


def test_a_torn_last_line_is_left_out(case: Path) -> None:
    case.parent.mkdir()
    for n, capital in enumerate(CAPITALS):
        journal.append(case, document(exchange({"message": capital}, asked()), (0, n, 0)))
    whole = journal.journal_of(case).read_bytes()
    journal.journal_of(case).write_bytes(whole[:-30])
    assert journal.fold({case: True}) == 2
    assert texts(case) == ["Oslo", "Paris"]


@pytest.mark.skipif(sys.platform == "win32", reason="os.write is patched with POSIX flags")
def test_a_full_disk_while_recording_keeps_what_was_finished(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_tape(case, ("hi", "Oslo"), ("hi", "Paris"))
    before = case.read_bytes()
    script = live("one", "two", "three")
    with Recorder("all", script) as recorder:
        send(recorder, case)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full_after(40, os.write))
            with pytest.raises(CassetteError, match=r"journal: cannot be written: No space left.*cassettes recover"):
                send(recorder, case, repeat=1)
        assert case.read_bytes() == before
        with pytest.raises(CassetteError, match="No space left"):
            send(recorder, case, repeat=2)
        assert len(script.sent) == 2  # what cannot be kept is not asked for
    assert texts(case) == ["one", "Paris"]


def full_after(room: int, write: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    """``os.write`` on a disk with that many bytes left."""
    left = [room]

    def writes(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, data[: left[0]])
        left[0] -= written
        return written

    return writes


def test_a_full_disk_keeps_the_old_file_and_the_journal(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_tape(case, ("hi", "Oslo"))
    before = case.read_bytes()

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    recorder = Recorder("all", live("new"))
    send(recorder, case)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_room)
        with pytest.raises(CassetteError, match=r"No space left on device. The old file is unchanged"):
            recorder.close()
    assert case.read_bytes() == before
    assert sorted(path.name for path in case.parent.iterdir()) == ["case.yaml", "case.yaml.journal"]
    journal.fold({case: True})
    assert texts(case) == ["new"]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "stale", "all"])
def test_an_undecodable_cassette_is_never_overwritten(case: Path, mode: RecordMode) -> None:
    case.parent.mkdir()
    case.write_text("interactions: [")
    script = live()
    with Recorder(mode, script) as recorder, pytest.raises(BadCassette):
        send(recorder, case)
    assert case.read_text() == "interactions: ["
    assert script.sent == []


def test_one_process_records_a_cassette_at_a_time(case: Path) -> None:
    busy = "is being recorded by another process; wait for it"
    with Recorder("all", live("mine")) as mine:
        send(mine, case)
        script = live("theirs")
        with Recorder("all", script) as theirs, pytest.raises(CassetteError, match=busy):
            send(theirs, case)
        assert script.sent == []
        with pytest.raises(UnfinishedCassette, match=busy):
            send(Player(), case)
    assert texts(case) == ["mine"]


@pytest.mark.parametrize("left", ["1", "", "garbage", "own"])
def test_a_lock_file_of_an_earlier_version_blocks_nothing(case: Path, left: str) -> None:
    case.parent.mkdir()
    case.with_name("case.yaml.lock").write_text(str(os.getpid()) if left == "own" else left)
    journal.append(case, document(exchange({"message": "Oslo"}, asked()), (0, 0, 0)))
    with Recorder("new_episodes", live("mine")) as recorder:
        assert [send(recorder, case), send(recorder, case, repeat=1)] == ["Oslo", "mine"]
    assert texts(case) == ["Oslo", "mine"]


def test_recording_folds_what_killed_recordings_left(case: Path) -> None:
    other = case.with_name("other.yaml")
    case.parent.mkdir()
    for n, worker in enumerate(["", "gw0", "gw1"]):
        journal.append(other, document(exchange({"message": CAPITALS[n]}, asked()), (0, n, 0)), worker)
    torn = case.with_name(".other.yaml.4711.tmp")
    torn.write_text("half")
    with Recorder("once", live("mine")) as recorder:
        send(recorder, case)
    assert sorted(entry.name for entry in case.parent.iterdir()) == ["case.yaml", "other.yaml"]
    assert texts(other) == list(CAPITALS)


def test_once_goes_on_with_what_was_cut_short(case: Path) -> None:
    case.parent.mkdir()
    journal.append(case, document(exchange({"message": "Oslo"}, asked()), (0, 0, 0)))
    script = live("Paris")
    with Recorder("once", script) as recorder:
        assert [send(recorder, case), send(recorder, case, repeat=1)] == ["Oslo", "Paris"]
    assert len(script.sent) == 1
    assert texts(case) == ["Oslo", "Paris"]


def test_workers_of_one_run_share_a_cassette(case: Path) -> None:
    lock = journal.RecordingLock()
    lock.take([case.parent])
    workers = [Recorder("once", live(name), worker=Coworker(name)) for name in ("gw0", "gw1")]
    for repeat in range(4):
        with workers[repeat % 2] as worker:
            send(worker, case, repeat=repeat)
    with pytest.raises(UnfinishedCassette, match="is being recorded by another process"):
        send(Player(), case)
    lock.fold()
    lock.close()
    assert texts(case) == ["gw0", "gw1", "gw0", "gw1"]
    assert [entry.name for entry in case.parent.iterdir()] == ["case.yaml"]


def test_many_in_flight_land_in_their_own_files(tmp_path: Path) -> None:
    async def record(recorder: Recorder) -> None:
        await asyncio.gather(
            *(recorder.send(asked(f"{n}"), slot(tmp_path / f"{n % 8}.yaml", row=n)) for n in range(64))
        )

    with Recorder("all", Slow()) as recorder:
        asyncio.run(record(recorder))
    for n in range(64):
        assert send(Player(), tmp_path / f"{n % 8}.yaml", f"{n}", row=n) == str(n)


def test_journals_are_looked_for_once_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder("all", live("Oslo", "Paris", "Rome")) as recorder:
        cassettes = [tmp_path / f"{capital}.yaml" for capital in CAPITALS]
        for cassette in cassettes:
            send(recorder, cassette)
        look = Mock(wraps=journal.unfinished)
        monkeypatch.setattr(journal, "unfinished", look)
    look.assert_called_once_with(tmp_path)
    assert [texts(cassette) for cassette in cassettes] == [[capital] for capital in CAPITALS]


class Slow(Script):
    """Answers with the question, the later asked the sooner."""

    async def send(self, request: Request, slot: Any) -> Exchange:
        await asyncio.sleep((64 - slot.row) / 10_000)
        return exchange({"message": request.body["contents"][0]["parts"][0]["text"]}, request)
