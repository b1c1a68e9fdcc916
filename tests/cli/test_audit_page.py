"""The commands of the page on auditing a gateway, typed as they stand there, at simulated endpoints."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.simulator.serve import start

ROOT = Path(__file__).parents[2]
COMMANDS = [
    line
    for block in re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "docs/audit-a-gateway.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for line in block.splitlines()
]
CONFIG = """
[providers.google]
base_url = "{url}"
[providers.cometapi]
base_url = "{url}/comet"
[providers.cometapi-bearer]
base_url = "{url}/comet"
"""
PLAYED = ("text.yaml", "streaming.yaml", "auth.yaml", "checks.py")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A few of the suites, and a configuration that points at the simulator in place of Google and CometAPI."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "suites").mkdir()
    for name in PLAYED:
        shutil.copy(ROOT / "suites" / name, folder / "suites")
    with start(latency=0, pace=0) as running, pytest.MonkeyPatch.context() as patch:
        (folder / "harness.toml").write_text(CONFIG.format(url=running.url))
        patch.chdir(folder)
        patch.setenv("GEMINI_API_KEY", "one")
        patch.setenv("COMETAPI_KEY", "other")
        patch.delenv("GOOGLE_API_KEY", raising=False)
        yield folder


@pytest.fixture(scope="module")
def typed(project: Path) -> dict[str, tuple[int, str]]:
    """Command, without the program -> its exit code, and what it printed. They are typed once, in their order."""
    found = {}
    for line in COMMANDS:
        with redirect_stdout(StringIO()) as out:
            code = main(shlex.split(line)[1:])
        found[line.removeprefix("gemini-harness ")] = code, out.getvalue()
    return found


ASK = "run suites/ --tag page --provider google --provider cometapi --provider cometapi-bearer"
COMPARE = "fidelity last --target google --target cometapi"


def test_the_dry_run_says_what_it_costs(typed: dict[str, tuple[int, str]]) -> None:
    code, text = typed[f"{ASK} --dry-run"]
    assert code == 0
    assert "--live or --record-mode once asks for them" in text
    assert "provider 'cometapi' has no price for gemini-3.8-flash" in text


def test_what_the_gateway_changes_is_named(typed: dict[str, tuple[int, str]]) -> None:
    assert typed[f"{ASK} --live"][0] == 1
    code, text = typed[COMPARE]
    assert code == 0
    changes = text.partition("\nchanges\n")[2]
    assert [line.split()[0] for line in changes.splitlines()[3:5]] == [
        "$.error.status",
        "$.error.code",
    ]


def test_both_headers_get_the_same_answers(typed: dict[str, tuple[int, str]]) -> None:
    code, text = typed["fidelity last --target cometapi --target cometapi-bearer"]
    assert code == 0
    assert "100% kept" in text


def test_changes_are_written_to_be_sent_and_kept(typed: dict[str, tuple[int, str]], project: Path) -> None:
    assert typed[f"{COMPARE} --vendor --format markdown:changes.md --format html:changes.html"][0] == 0
    assert (project / "changes.md").read_text().startswith("## What cometapi changes against google\n")
    assert "path: $.usageMetadata.serviceTier" in (project / "known-changes.yaml").read_text()
    assert typed[f"{COMPARE} --known known-changes.yaml"][0] == 0


def test_the_simulator_plays_both_sides(typed: dict[str, tuple[int, str]]) -> None:
    code, text = typed["fidelity last --target simulator --target simulator-comet"]
    assert (code, "SIMULATED" in text) == (0, True)
