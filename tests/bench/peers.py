"""What users would pick instead, on the same cases: pytest with vcrpy by hand, and promptfoo. They are installed once, outside of the
repository, in a folder of the user's cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.gemini.schemas import to_json_schema
from tests.bench.suites import SCHEMA

HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gemini-harness-bench"
MODEL = "gemini-2.5-flash"
_PACKAGES = ("pytest>=9", "vcrpy>=9.4", "httpx", "jsonschema")
_PROMPTFOO = "promptfoo@0.123.1"
_MOST_SECONDS = 900

TEST = """
import json, os
from pathlib import Path

import httpx, pytest, vcr
from jsonschema import Draft202012Validator

GIVEN = json.loads(Path(__file__).with_name("given.json").read_text())
VALIDATOR = Draft202012Validator(GIVEN["schema"])
RECORDER = vcr.VCR(record_mode="none", match_on=["method", "uri", "body"])


@pytest.fixture(scope="session")
def client():
    with httpx.Client() as client:
        yield client


@pytest.mark.parametrize(("prompt", "cassette"), GIVEN["cases"])
def test_answer(client, prompt, cassette, record_property):
    body = {"generationConfig": GIVEN["config"], "contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    with RECORDER.use_cassette(cassette):
        response = client.post(GIVEN["url"], json=body)
    answer = response.json()
    assert answer["candidates"][0]["finishReason"] == "STOP"
    assert answer["usageMetadata"].get("thoughtsTokenCount", 0) <= 30_000
    assert VALIDATOR.is_valid(json.loads(answer["candidates"][0]["content"]["parts"][0]["text"]))
    record_property("latency", response.elapsed.total_seconds())
"""


class NotInstallable(Exception):
    """A peer cannot be installed. The message says why."""


def pytest_with_vcrpy(folder: Path, cassettes: Path, trials: int) -> list[str]:
    """The command that replays our cassettes by hand. Raises NotInstallable."""
    home = HOME / "pytest-vcrpy"
    python = str(home / "bin" / "python")
    _install(home, [[sys.executable, "-m", "venv", str(home)], [python, "-m", "pip", "install", "--quiet", *_PACKAGES]])
    folder.mkdir()
    given = {
        "url": f"https://simulator.invalid/v1beta/models/{MODEL}:generateContent",
        "schema": to_json_schema(SCHEMA),
        "config": {"responseMimeType": "application/json", "responseSchema": SCHEMA},
        "cases": [*zip(_prompts(trials), map(str, sorted(cassettes.rglob("*.yaml"))), strict=True)],
    }
    (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
    (folder / "test_by_hand.py").write_text(TEST, encoding="utf-8")
    return [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "test_by_hand.py")]


def promptfoo(folder: Path, trials: int) -> list[str]:
    """The command that evaluates the same cases; from the second time on its cache answers. Raises NotInstallable."""
    home = HOME / "promptfoo"
    options = ["--loglevel=error", "--engine-strict", "--no-audit", "--no-fund", "--prefix", str(home)]
    _install(home, [["npm", "install", *options, _PROMPTFOO]])
    folder.mkdir()
    config = {"responseMimeType": "application/json", "responseSchema": SCHEMA}
    evaluation = {
        "providers": [{"id": f"google:{MODEL}", "config": {"generationConfig": config}}],
        "prompts": ["{{prompt}}"],
        "defaultTest": {"assert": [{"type": "is-json", "value": to_json_schema(SCHEMA)}, *_ASSERTED]},
        "tests": [{"vars": {"prompt": prompt}} for prompt in _prompts(trials)],
    }
    file = folder / "promptfooconfig.json"
    file.write_text(json.dumps(evaluation), encoding="utf-8")
    options = ["--no-progress-bar", "--no-table", "--max-concurrency", "32", "--output", str(folder / "results.json")]
    return [str(home / "node_modules" / ".bin" / "promptfoo"), "eval", "-c", str(file), *options]


_ASSERTED = [
    {"type": "javascript", "value": "context.providerResponse.tokenUsage.total > 0"},
    {"type": "javascript", "value": "!context.providerResponse.error"},
    {"type": "javascript", "value": "output !== undefined"},
]


def environment(folder: Path, url: str) -> list[str]:
    """Variables for promptfoo, as ``NAME=value``: it asks the simulator at this address, keeps its files in the folder, and calls nobody else."""
    names = ("TELEMETRY", "UPDATE", "REMOTE_GENERATION", "SHARING")
    return [
        "GOOGLE_API_KEY=sim-bench",
        f"GOOGLE_API_BASE_URL={url}",
        f"PROMPTFOO_CONFIG_DIR={folder}",
        f"PROMPTFOO_CACHE_PATH={folder / 'cache'}",
        *(f"PROMPTFOO_DISABLE_{name}=1" for name in names),
    ]


def _prompts(trials: int) -> list[str]:
    return [f"Describe person number {number}." for number in range(trials)]


def _install(home: Path, commands: Sequence[Sequence[str]]) -> None:
    """Run the commands, unless the same ones have been run for this folder."""
    mark, wanted = home / "installed.json", json.dumps(commands)
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    home.mkdir(parents=True, exist_ok=True)
    for command in commands:
        print("  ".join(("installing", *command[-1:])), file=sys.stderr)
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_MOST_SECONDS)
        except (OSError, subprocess.SubprocessError) as fault:
            output = " ".join((getattr(fault, "stderr", None) or b"").decode("utf-8", "replace").split())
            raise NotInstallable(f"{Path(command[0]).name}: {output or fault}"[:300]) from fault
    mark.write_text(wanted, encoding="utf-8")
