"""``fidelity --vendor``: a report that can be sent to those who run the gateway as it is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.simulator.serve import start

SUITE = """
suite: capitals
cases:
  - id: one
    transport: [unary, stream]
    prompt: What is the capital of Norway? One word.
    repeat: 5
  - id: wrong
    request: {generationConfig: {temperature: 99}}
    prompt: It's hot.
    expect: {http: 400}
    repeat: 2
"""
CONFIG = """
[providers.near]
base_url = "{url}"
keys = ["NEAR_KEY"]
[providers.far]
base_url = "{url}/comet"
keys = ["FAR_KEY"]
auth = "bearer"
"""
SIDES = ("--target", "near", "--target", "far", "--vendor")
SECRET = "far-8d1f0c9a7b6e5d4c"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run at a simulated Google and at a simulated gateway that are still up."""
    folder = tmp_path_factory.mktemp("vendor")
    (folder / "mine.yaml").write_text(SUITE)
    with start(latency=0, pace=0) as running, pytest.MonkeyPatch.context() as patch:
        (folder / "harness.toml").write_text(CONFIG.format(url=running.url))
        patch.chdir(folder)
        patch.setenv("NEAR_KEY", "near-key")
        patch.setenv("FAR_KEY", SECRET)
        targets = [f"--target={name}/gemini-2.5-flash" for name in ("near", "far")]
        assert main(["run", "mine.yaml", "--live", "-q", *targets]) == 1
        yield folder


@pytest.fixture
def text(project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(project)
    assert main(["fidelity", "last", *SIDES, "--format", "markdown:sent.md"]) == 0
    return Path("sent.md").read_text()


def parts(text: str) -> dict[str, str]:
    """Heading -> what is below it."""
    found = re.split(r"^#+ (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_the_conclusion_comes_first(text: str) -> None:
    head, *others = parts(text).items()
    assert head[0] == "What far changes against near"
    assert re.search(r"\*\*The same requests went to near and to far, 12 times: .* differ in \d+ ways\.\*\*", head[1])
    assert "SIMULATED" in head[1]
    assert others[0][0] == "differences"
    assert others[-1][0] == "how this was found"


def test_an_example_has_question_answers_ids_and_times(text: str) -> None:
    example = next(below for title, below in parts(text).items() if title.startswith("example 1"))
    assert "curl http" in example
    assert '-H "Authorization: Bearer $FAR_KEY"' in example
    assert example.index("far answered:") < example.index("near answered:")
    assert re.search(r"^- \*\*x-oneapi-request-id\*\*: \w{20,}$", example, re.MULTILINE)
    assert len(re.findall(r"^- \*\*time\*\*: \w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT$", example, re.MULTILINE)) == 2
    assert "```diff\n--- near\n+++ far\n" in example


def test_nothing_secret_and_nothing_local_is_sent(text: str, project: Path) -> None:
    assert SECRET not in text
    assert "gemini-harness show" not in text
    assert str(project) not in text


def test_the_commands_send_what_was_sent(text: str) -> None:
    commands = re.findall(r"^```text\n(curl .*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        body = json.loads(words[words.index("--data-raw") + 1])
        assert body["contents"][0]["role"] == "user"
        assert re.fullmatch(
            r"http://.*/comet/v1beta/models/gemini-2\.5-flash:(g|streamG)enerateContent(\?alt=sse)?", words[1]
        )


def test_headers_are_among_the_differences(text: str) -> None:
    assert "| `header x-oneapi-request-id` | added |" in parts(text)["differences"]


def test_few_errors_have_an_example_too(text: str) -> None:
    assert "| `$.error.status` | dropped | 2 of 2 answers |" in parts(text)["seen in few answers"]
    example = next(below for title, below in parts(text).items() if "$.error" in title.replace("\\", ""))
    assert "**status**: 400" in example
    assert '- status: "INVALID_ARGUMENT"' in example


def test_equal_sides_have_no_difference(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert main(["run", "mine.yaml", "--live", "-q", "--target=near/gemini-2.5-flash", "--reports", "alike"]) == 0
    (run,) = Path("alike").iterdir()
    capsys.readouterr()
    assert main(["fidelity", str(run), str(run), "--vendor", "--format", "markdown"]) == 0
    printed = capsys.readouterr().out
    assert "12 times. No difference was found.**" in printed
    assert "example 1" not in printed


def test_a_wrong_key_and_a_long_body_are_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    cases = "cases:\n  - {id: key, prompt: hi, apiKey: wrong, repeat: 2, expect: {http: {in: [400, 401]}}}\n"
    Path("key.yaml").write_text(f"suite: key\n{cases}  - {{id: long, prompt: {'word ' * 2000}, repeat: 9}}\n")
    targets = [f"--target={name}/gemini-2.5-flash" for name in ("near", "far")]
    main(["run", "key.yaml", "--live", "-q", *targets])
    capsys.readouterr()
    assert main(["fidelity", "last", *SIDES, "--format", "markdown"]) == 0
    printed = capsys.readouterr().out
    assert "Authorization: Bearer wrong-key" in printed
    assert re.search(r"^# request\.json holds a body of 10,\d{3} characters$", printed, re.MULTILINE)
    assert "--data-binary @request.json" in printed
