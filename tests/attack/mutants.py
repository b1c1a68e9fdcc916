"""Run files, cassettes and answers with one thing changed in them, through the commands that read them.

The number of a mutant is its seed, so it always names the same one. ``python -m tests.attack.mutants NUMBER...`` shows how
commands react to some.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from tests.attack import Figures

ROOT = Path(__file__).parents[2]
SUITES = ("thinking-levels", "streaming")
BATCH = 125
LONGEST = 20
"""Seconds for one command, hundreds of times more than it needs."""
RUN, OTHER = "20260101-000000-a", "20260102-000000-b"

# --- mutants ------------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**6, 10**17, -(10**30), 10**400, 1e308),
    *("", "x", "\ud83d", "\0", "\x1b[31m\x9b\u202e", "a\nb", "x" * 5000, "2026-99-99", "0001-01-01T00:00:00+14:00"),
    *("https://[", "../../x", "9" * 5000, "=", "%", "1/0", "none", "passed"),
    *([], [None], [[]], {}, {"a": 1}, {"": None}),
)
TOKENS = ("NaN", "-Infinity", "1e999", "9" * 5000, "[" * 300 + "]" * 300, '{"a":' * 5000 + "1" + "}" * 5000, "")
"""Marks the place of a value in the text of a file."""
_HERE = "here stands the token"


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a value with every key or index in it."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def changed(value: Any, chance: random.Random) -> str | None:
    """One value is replaced, removed or renamed. A token marks a value that is inserted as text."""
    found = list(places(value))
    if not found:
        return None
    inside, key = chance.choice(found)
    way = chance.random()
    if way < 0.1:
        del inside[key]
    elif way < 0.15 and isinstance(inside, dict):
        inside[str(chance.choice(VALUES))] = inside.pop(key)
    elif way < 0.25:
        inside[key] = _HERE
        return chance.choice(TOKENS)
    else:
        inside[key] = chance.choice([chance.choice(VALUES), _twisted(inside[key], chance)])
    return None


def _twisted(value: Any, chance: random.Random) -> Any:
    """A value that is nearly the same."""
    if isinstance(value, str) and value:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(["", "\0", "\u2028", "\udc80", ":", "[", value]) + value[at + 1 :]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return chance.choice([-value, value * 10**12, value + 0.5, str(value), [value]])
    return [value, value]


def of_bytes(raw: bytes, chance: random.Random) -> bytes:
    at, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
    odd = chance.choice(
        [b"", b"\0", b"\xff", b"\n", b"\x1b]0;x\x07", b"[" * 3000, b"*a &a ", b'"', b"{", b"\xed\xa0\x80"]
    )
    return chance.choice([raw[:at], raw[:at] + odd + raw[at:], raw[:at] + odd + raw[at + 1 :], raw[:at] + raw[end:]])


def of_lines(raw: bytes, chance: random.Random) -> bytes:
    """A run file with one line changed: its value, its position, or how often it is there."""
    lines = raw.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    if chance.random() < 0.1:
        other = chance.choice(lines)
        return b"".join([*lines[:at], *chance.choice([[], [other], [lines[at], lines[at]], [lines[at].rstrip()]]), *lines[at + 1 :]])  # fmt: skip
    lines[at] = _as_json(json.loads(lines[at]), chance) + b"\n"
    return b"".join(lines)


def _as_json(value: Any, chance: random.Random) -> bytes:
    token = changed(value, chance)
    text = json.dumps(value, separators=(",", ":"))
    return (text if token is None else text.replace(json.dumps(_HERE), token)).encode()


def of_cassette(raw: bytes, chance: random.Random) -> bytes:
    whole = yaml.load(raw, yaml.CSafeLoader)
    if chance.random() < 0.3:
        return _as_json(json.loads(json.dumps(whole, default=str)), chance)
    token = changed(chance.choice(whole["interactions"]) if chance.random() < 0.9 else whole, chance)
    text = yaml.dump(json.loads(re.sub(r"\\ud[89a-f]..", "?", json.dumps(whole, default=str))))
    return (text if token is None else text.replace(_HERE, token)).encode()


def of_answer(raw: bytes, chance: random.Random) -> bytes:
    """A cassette with a changed answer."""
    whole = yaml.load(raw, yaml.CSafeLoader)
    body = chance.choice(whole["interactions"])["response"]["body"]
    text = body["string"] if isinstance(body["string"], bytes) else body["string"].encode()
    lines = text.split(b"\n")
    events = [at for at, line in enumerate(lines) if line.startswith(b"data: ")]
    if chance.random() < 0.3:
        text = of_bytes(text, chance)
    elif events:
        at = chance.choice(events)
        lines[at] = b"data: " + _as_json(json.loads(lines[at][6:]), chance)
        text = b"\n".join(lines)
    else:
        text = _as_json(json.loads(text), chance)
    body["string"] = text
    return yaml.dump(whole, Dumper=yaml.CSafeDumper).encode()


# --- commands -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """What is changed, how, and which commands read it."""

    tries: int
    change: Sequence[Callable[[bytes, random.Random], bytes]]
    commands: Sequence[str]


KINDS: Mapping[str, Kind] = {
    "run files": Kind(
        3000,
        (of_lines, of_lines, of_lines, of_bytes),
        (
            *(f"report {RUN} --format {name}" for name in ("html", "json", "junit", "csv", "github", "markdown", "table")),
            *(f"compare {RUN}", f"compare {RUN} {OTHER}", f"compare {OTHER} {RUN} --format html", f"sweep {RUN}"),
            *(f"compare {RUN} --axis transport=unary --axis transport=stream", "history --format json", "view"),
            *(f"merge {RUN} {OTHER} --partial", f"merge {RUN} --partial", f"run --resume {RUN}", f"migrate --resume {RUN}"),
            *("run --resume", "migrate --resume", "report last -v"),
        ),
    ),
    "cassettes": Kind(
        1250,
        (of_cassette, of_cassette, of_bytes),
        ("run suites -v", "audit cassettes", "import cassettes --suite made", "cassettes check", "cassettes stale", "cassettes prune"),
    ),
    "answers": Kind(750, (of_answer,), ("run suites -v", "run suites --format json", "audit cassettes --format json")),
}  # fmt: skip


class Hung(BaseException):
    """A command that does not end in time."""


def outcome(argv: Sequence[str]) -> str:
    """What is wrong with the end of a command; empty if nothing is wrong."""
    from harness.cli import main

    seen: list[str] = []
    plain = main._internal
    main._internal = lambda argv: seen.append(_traceback()) or plain([*argv, "-v"])  # type: ignore[func-returns-value]
    out, err = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, _hung)
    signal.alarm(LONGEST)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _view() if argv[0] == "view" else main.main(argv)
    except Hung:
        return f"did not end in {LONGEST} s"
    except SystemExit as left:
        return f"left with {left.code}"
    except Exception:  # noqa: BLE001 - that is what is looked for
        return _traceback()
    finally:
        signal.alarm(0)
        main._internal = plain
    if code == 3 or seen or "Traceback" in err.getvalue():
        return (seen or [err.getvalue()[-600:] or out.getvalue()[-600:]])[0]
    return ""


def _view() -> int:
    from harness.cli.commands.view import _page
    from harness.errors import HarnessError

    for path in ("/", f"/run/{RUN}", "/history", f"/sweep/{RUN}", "/compare"):
        with contextlib.suppress(HarnessError):
            "".join(_page(path, {"base": RUN, "candidate": OTHER}, Path("reports")))
    return 0


def _hung(*_: object) -> None:
    raise Hung


def _traceback() -> str:
    import traceback

    return traceback.format_exc()


# --- a folder to do it in -----------------------------------------------------------------------------


def project(folder: Path) -> None:
    """Two suites, their cassettes, and two runs in ``folder``: one that was cut short, and a migration or another."""
    from harness.cli.main import main

    (folder / "pyproject.toml").write_text('[tool.gemini-harness]\nprovider = "simulator"\n')
    for suite in SUITES:
        (folder / "suites").mkdir(exist_ok=True)
        shutil.copyfile(ROOT / f"suites/{suite}.yaml", folder / f"suites/{suite}.yaml")
        shutil.copytree(ROOT / "cassettes" / suite, folder / "cassettes" / suite)
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(["run", "suites", "--gate", "latency.max=1h", "--reports", "made/run"])
        main(["run", "suites", "--shard", "1/2", "--reports", "made/shard"])
        main(["migrate", "gemini-2.5-flash", "gemini-3-flash-preview", "suites/streaming.yaml", "--record-mode", "none", "--reports", "made/migration"])  # fmt: skip


def mutate(folder: Path, number: int) -> tuple[str, str]:
    """Put a mutant into the project. Returns its kind and the command that reads it."""
    chance = random.Random(number)
    kind = _kind(number)
    if kind == "run files":
        _with_runs(folder, chance)
    else:
        files = sorted((folder / "cassettes").rglob("*.yaml"))
        for made in files:
            shutil.copyfile(ROOT / made.relative_to(folder), made)
        file = chance.choice(files)
        file.write_bytes(chance.choice(KINDS[kind].change)(file.read_bytes(), chance))
    return kind, chance.choice(KINDS[kind].commands)


def _with_runs(folder: Path, chance: random.Random) -> None:
    shutil.rmtree(folder / "reports", ignore_errors=True)
    for name, kind in ((RUN, chance.choice(["run", "run", "shard", "migration"])), (OTHER, "run")):
        made = next((folder / "made" / kind).glob("*/run.jsonl"))
        raw = made.read_bytes().replace(made.parent.name.encode(), name.encode())
        if name == RUN and chance.random() < 0.4:
            raw = b"".join(raw.splitlines(keepends=True)[: -chance.randrange(1, 4)])
        if name == RUN:
            raw = chance.choice(KINDS["run files"].change)(raw, chance)
        (folder / "reports" / name).mkdir(parents=True)
        (folder / "reports" / name / "run.jsonl").write_bytes(raw)


def _kind(number: int) -> str:
    for name, kind in KINDS.items():
        if number < kind.tries:
            return name
        number -= kind.tries
    raise ValueError(number)


def wrong(numbers: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """The mutants with a bad outcome: number, command, and what happened."""
    with tempfile.TemporaryDirectory() as at, contextlib.chdir(at):
        project(Path(at))
        for number in numbers:
            _, command = mutate(Path(at), number)
            if output := outcome(command.split()):
                yield number, command, output
            for made in (Path("suites/made.yaml"), Path("suites/imported.yaml")):
                made.unlink(missing_ok=True)
            shutil.rmtree("cassettes/made", ignore_errors=True)


def _batch(numbers: Sequence[int]) -> list[tuple[int, str, str]]:
    os.environ.pop("GITHUB_STEP_SUMMARY", None)
    return list(wrong(numbers))


def attack() -> Iterator[Figures]:
    every = range(sum(kind.tries for kind in KINDS.values()))
    batches = [every[at : at + BATCH] for at in range(0, len(every), BATCH)]
    found: list[tuple[int, str, str]] = []
    with get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=4) as pool:
        waiting = [(batch, pool.apply_async(_batch, [batch])) for batch in batches]
        for batch, later in waiting:
            try:
                found += later.get(timeout=BATCH * LONGEST)
            except Exception as fault:  # noqa: BLE001 - a process that hangs where no signal reaches it, or died
                found.append((batch[0], "a batch", repr(fault)))
    for number, command, output in found:
        print(f"mutant {number}: {command}\n{output[-1500:]}", file=sys.stderr)
    for name, kind in KINDS.items():
        bad = sum(_kind(number) == name for number, *_ in found)
        yield Figures(f"mutants of {name}", kind.tries, internal_errors=bad)


if __name__ == "__main__":
    for fault in wrong([int(text) for text in sys.argv[1:]]):
        print(*fault, sep="\n")
