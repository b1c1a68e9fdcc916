"""Writes what code can write: ``python -m tests.generated``. With ``--check`` it only says what is out of date, and exits 1."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from harness.cli.main import main
from harness.gemini.features import features
from harness.judge.registry import all_checks
from harness.model import Trial
from harness.simulator import prompt_markers
from harness.text import safeyaml
from tests import faults, price_library
from tests.check_reference import reference

ROOT = Path(__file__).parents[1]
SAMPLE = "suites/thinking-levels.yaml"
SHORT = (SAMPLE, "-k", "two-trains", "--measures", "thoughts,cost")
"""What the README shows of it."""
FAULTS = (
    "",
    "wrong-sum",
    "ignored-budget",
    "missing-key",
    "character-offsets",
    "torn-event",
    "forgets-system",
    "substituted-model",
    "503",
)
"""Those that the page about the simulator shows."""
FEATURES = """# Features

Every feature of the native API that the shipped suites look at, the checks that judge it, and the providers whose documentation promises it. This page
is generated. The tags are one vocabulary for suites and reports: `gemini-harness list tags` prints it, and `run --tag` plays what has one.

The [invariants](checks.md#invariants) are judged in every suite, also where no check names them."""
WIRE = """Where a feature is on the wire:"""


DATA = (
    "gemini/models",
    "gemini/providers",
    "gemini/request_rules",
    "simulator/errors",
    "simulator/words",
    "simulator/world_facts",
)
"""The data files that every run, or every simulator, reads."""


def data_copy(name: str) -> tuple[str, str]:
    """The copy of a data file as JSON, which a run reads instead."""
    file = Path(f"harness/{name}.yaml")
    content = file.read_bytes()
    return str(
        file.with_suffix(".json")
    ), f"{json.dumps([sha256(content).hexdigest(), safeyaml.load(content)], ensure_ascii=False)}\n"


def command(*argv: str, code: int = 0) -> str:
    """What a command prints to stdout. Raises where it does not end with ``code``."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        ended = main(argv)
    if ended != code:
        raise RuntimeError(f"gemini-harness {' '.join(argv)} ended with {ended}:\n{out.getvalue()}")
    return out.getvalue()


def played(*argv: str, code: int = 0) -> str:
    """A run from the shipped cassettes, at 80 columns, without what differs from run to run."""
    with tempfile.TemporaryDirectory() as reports:
        text = command("run", *argv, "--reports", reports, "--width", "80", code=code)
    text = re.sub(r"( in [\d.]+ s)?; run \S+$", "", text, flags=re.MULTILINE)
    return re.sub(r"^- \*\*(run|asked)\*\*: .*\n", "", text, flags=re.MULTILINE)


def scoreboard() -> str:
    """The scoreboard of the shipped suites, played from their cassettes, without its title."""
    with tempfile.TemporaryDirectory() as reports:
        command("run", "suites/", "--reports", reports)
        _as_recorded(next(Path(reports).glob("*/run.jsonl")))
        text = command("scoreboard", "last", "--reports", reports, "--format", "markdown")
    return text.partition("\n")[2].replace(f" --reports {reports}", "").strip()


def _as_recorded(run: Path) -> None:
    """Dates a saved run as its newest recording, so that what was not sent has no date of today."""
    rows = run.read_text("utf-8")
    newest = max(re.findall(r'"recorded_at": ?"([^"]+)"', rows))
    run.write_text(re.sub(r'("started": ?)"[^"]+"', rf'\1"{newest}"', rows, count=1), "utf-8")


def failing() -> str:
    """What a failure looks like: a shipped case that expects the wrong number."""
    suite = (ROOT / SAMPLE).read_text("utf-8").replace('"191"', '"192"')
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("suites").mkdir()
        Path("suites/trains.yaml").write_text(suite, "utf-8")
        Path("harness.toml").write_text('provider = "simulator"\n', "utf-8")
        Path("cassettes").symlink_to(ROOT / "cassettes")
        text = played("suites/trains.yaml", "-k", "two-trains and low and gemini-3.8-flash", code=1)
    return text[text.index("FAIL thinking") :].partition("\n\n")[0]


def compatible() -> str:
    """The table of native and OpenAI-compatible, from the shipped cassettes."""
    with tempfile.TemporaryDirectory() as reports:
        command("run", "suites/compatible.yaml", "-q", "--reports", reports)
        text = command("compatible", "--reports", reports, "-q", "--width", "80")
    return text[: text.index("\nnotes")]


def commands() -> str:
    """The commands as ``--help`` lists them."""
    lines = command_help().splitlines()
    listed = lines[lines.index("  COMMAND") + 1 : lines.index("options:") - 1]
    return "\n".join(line.removeprefix("    ") for line in listed)


def checks() -> str:
    """The reference page, with a table of contents after its first paragraph."""
    title, about, rest = reference().split("\n\n", 2)
    links = ", ".join(f"[{name}](#{name.lower()})" for name in sorted(all_checks(), key=str.lower))
    others = "[predicates](#predicates), [invariants](#invariants)"
    return f"{title}\n\n{about}\n\n- Checks: {links}\n- Below them: {others}\n\n{rest}"


def feature_page() -> str:
    """Each feature of the API: the shipped suites and the checks that judge it, and who promises it."""
    known, trials = features(), faults.shipped()
    rows = [
        [
            f"`{tag}`",
            feature.about,
            ", ".join(f"[{name}](../suites/{name}.yaml)" for name in _suites_with(tag, trials)),
            ", ".join(f"[{name}](checks.md#{name.lower()})" for name in _checks_with(tag, trials)),
            ", ".join(feature.promised),
        ]
        for tag, feature in known.items()
    ]
    wire = [
        [f"`{tag}`", ", ".join(f"`{name}`" for name in feature.fields)]
        for tag, feature in known.items()
        if feature.fields
    ]
    tables = [
        _markdown(["tag", "feature", "suites", "checks", "promised by"], rows),
        _markdown(["tag", "on the wire"], wire),
    ]
    return f"{FEATURES}\n\n{tables[0]}\n\n{WIRE}\n\n{tables[1]}\n"


def _suites_with(tag: str, trials: Sequence[Trial]) -> list[str]:
    return sorted({trial.suite for trial in trials if tag in trial.tags})


def _checks_with(tag: str, trials: Sequence[Trial]) -> list[str]:
    steps = [step for trial in trials if tag in trial.tags for step in trial.steps]
    return sorted({expectation.check for step in steps for expectation in step.expect}, key=str.lower)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def command_help() -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(["--help"])
    return out.getvalue()


def price_list() -> str:
    """The prices of the locked library, a row per model."""
    document = msgspec.to_builtins(price_library.extracted())
    for unit in document["units"]:
        unit["dimensions"] = sorted(unit["dimensions"])
    lines = [f"{json.dumps(name)}: {_rows(value)}" for name, value in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rows(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n]"
    if isinstance(value, dict):
        return "{\n  " + ",\n  ".join(f"{json.dumps(name)}: {json.dumps(item)}" for name, item in value.items()) + "\n}"
    return json.dumps(value)


def fenced(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"


def with_blocks(file: str, blocks: Mapping[str, str]) -> str:
    """The file's text with each ``<!-- generated: name -->`` block filled in."""
    text = (ROOT / file).read_text("utf-8")
    for name, block in blocks.items():
        pattern = re.compile(rf"<!-- generated: {name} -->\n.*?<!-- end -->", re.DOTALL)
        if not pattern.search(text):
            raise RuntimeError(f"{file} has no block {name!r}")
        before, after = pattern.split(text, maxsplit=1)
        text = f"{before}<!-- generated: {name} -->\n{block.rstrip()}\n<!-- end -->{after}"
    return text


def files() -> Iterator[tuple[str, str]]:
    """(path, text) of everything that is generated."""
    yield "harness/gemini/google_prices.json", price_list()
    yield "README.md", with_blocks("README.md", {"table": fenced(played(*SHORT)), "failure": fenced(failing())})
    yield "docs/README.md", with_blocks("docs/README.md", {"commands": fenced(commands())})
    simulator = {
        "marks": fenced(prompt_markers.listing()),
        "faults": fenced(faults.table(FAULTS)),
        "profiles": fenced(command("simulate", "--profiles")),
    }
    yield "docs/simulator.md", with_blocks("docs/simulator.md", simulator)
    yield "docs/scoreboard.md", with_blocks("docs/scoreboard.md", {"scoreboard": scoreboard()})
    yield "docs/compatible.md", with_blocks("docs/compatible.md", {"compatible": fenced(compatible())})
    yield "docs/checks.md", checks()
    yield "docs/features.md", feature_page()
    yield "suites/.gemini-harness.schema.json", command("schema")
    yield from map(data_copy, DATA)
    yield "reports/sample.md", played(SAMPLE, "--format", "markdown")


def run(*, check: bool) -> int:
    """Write the files, or say which are not current. The exit code."""
    os.chdir(ROOT)
    os.environ["COLUMNS"] = "80"
    stale = [(path, text) for path, text in files() if not Path(path).exists() or Path(path).read_text("utf-8") != text]
    for path, text in stale:
        if check:
            print(f"{path} is out of date: run `make docs`")
        else:
            Path(path).write_text(text, "utf-8")
            print(f"wrote {path}")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))
