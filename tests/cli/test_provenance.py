"""Who answered, and where: a provider at another address is called by its host, and no key goes astray without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.config import load
from harness.gemini.providers import Provider, hazards, is_this_machine
from tests.endpoint import Endpoint, answer
from tests.factories import PARIS

SUITE = "suite: s\ncases:\n  - {id: c, model: gemini-2.5-flash, prompt: Where?, expect: {text: {equals: Paris}}}\n"
KEYS = {"GOOGLE_API_KEY": "g-1234567890", "COMETAPI_KEY": "c-1234567890", "MY_KEY": "m-1234567890"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/s.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def configured(folder: Path, table: str) -> None:
    (folder / "harness.toml").write_text(table)


MOVED = '[providers.google]\nbase_url = "{url}"\n'
OWN = 'provider = "my-gateway"\n[providers.my-gateway]\nbase_url = "{url}"\nkeys = ["MY_KEY"]\n'
POSING = 'provider = "mine"\n[providers.mine]\nkind = "google"\nbase_url = "{url}"\nkeys = ["MY_KEY"]\n'


@pytest.mark.parametrize(
    ("table", "named"),
    [(MOVED, "google at 127.0.0.1"), (OWN, "my-gateway at 127.0.0.1"), (POSING, "google at 127.0.0.1")],
)
def test_every_report_names_the_host(project: Path, capsys: pytest.CaptureFixture[str], table: str, named: str) -> None:
    names = ("markdown", "html", "github", "junit", "csv", "json")
    with Endpoint(answer(PARIS)) as endpoint:
        configured(project, table.format(url=endpoint.url))
        formats = [f"--format={name}:{project / name}" for name in names]
        assert main(["run", "--live", "--format=table", *formats]) == 0
    shown = {"table": capsys.readouterr().out, **{name: (project / name).read_text() for name in names}}
    assert f"live from {named}" in shown["table"]
    for name, text in shown.items():
        assert named in text, name
    (saved,) = project.glob("reports/*/run.jsonl")
    assert json.loads(saved.read_text().splitlines()[1])["provenance"]["recorded_from"] == named


@pytest.mark.parametrize(
    ("table", "name", "kind"),
    [
        (MOVED.format(url="https://proxy.example/gw"), "google", "google at proxy.example"),
        (MOVED.format(url="https://generativelanguage.googleapis.com"), "google", "google"),
        ('[providers.cometapi]\nbase_url = "http://10.0.0.7:4000"\n', "cometapi", "cometapi at 10.0.0.7"),
        ('[providers.simulator]\nbase_url = "http://127.0.0.1:4000"\n', "simulator", "simulator"),
        ('[providers.cometapi]\nauth = "bearer"\n', "cometapi", "cometapi"),
    ],
)
def test_a_configuration_that_moves_a_provider_says_so(tmp_path: Path, table: str, name: str, kind: str) -> None:
    configured(tmp_path, table)
    row = load(tmp_path, {}).find(name)
    assert (row.kind, row.source) == (kind, kind)


def test_a_provider_moved_twice_is_called_by_the_last_host(tmp_path: Path) -> None:
    configured(tmp_path, MOVED.format(url="https://one.example"))
    row = load(tmp_path, {"GOOGLE_GEMINI_BASE_URL": "https://two.example"}).find("google")
    assert (row.kind, row.source) == ("google at two.example", "google at two.example")


@pytest.mark.parametrize(
    ("row", "warned"),
    [
        (Provider("google", "https://generativelanguage.googleapis.com", "google", ("GOOGLE_API_KEY",)), []),
        (Provider("vertex", "https://aiplatform.googleapis.com", "vertex", ("GOOGLE_API_KEY",)), []),
        (Provider("google", "http://proxy.example", "google", ("GOOGLE_API_KEY",)), ["plain http", "GOOGLE_API_KEY, which is"]),
        (Provider("google", "https://proxy.example", "google", ("GEMINI_API_KEY",)), ["GEMINI_API_KEY, which is a key of gen"]),
        (Provider("mine", "https://proxy.example", "mine", ("COMETAPI_KEY",)), ["COMETAPI_KEY, which is a key of api.comet"]),
        (Provider("mine", "https://proxy.example", "mine", ("OPENAI_API_KEY",)), ["which is a key of api.openai.com"]),
        (Provider("mine", "https://evil-googleapis.com", "mine", ("GOOGLE_API_KEY",)), ["which is a key of"]),
        (Provider("mine", "https://proxy.example", "mine", ("MY_KEY", "GOOGLE_API_KEY")), []),
        (Provider("mine", "https://proxy.example", "mine", ("NOT_SET", "GOOGLE_API_KEY")), ["GOOGLE_API_KEY, which is"]),
        (Provider("mine", "http://proxy.example", "mine", ("MY_KEY",)), ["MY_KEY is sent over plain http"]),
        (Provider("mine", "http://proxy.example", "mine", auth="none"), []),
        (Provider("mine", "http://127.0.0.1:4000", "mine", ("MY_KEY",)), []),
        (Provider("mine", "http://[::1]:4000", "mine", ("MY_KEY",)), []),
        (Provider("mine", "http://localhost", "mine", ("MY_KEY",)), []),
        (Provider("simulator", "http://simulator.example", "simulator", simulated=True, key="simulator"), []),
    ],
)  # fmt: skip
def test_what_is_risky_about_a_key(row: Provider, warned: list[str]) -> None:
    output = list(hazards(row, KEYS))
    assert len(output) == len(warned)
    for text, wanted in zip(output, warned, strict=True):
        assert wanted in text
        assert not any(value in text for value in KEYS.values())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST.", "api.localhost"])
def test_this_machine(host: str) -> None:
    assert is_this_machine(host)
    assert not any(map(is_this_machine, ["10.0.0.1", "localhost.example", "0.0.0.0", "example.com", ""]))


@pytest.mark.parametrize("more", [["--live"], ["--dry-run"], ["--live", "-q"], ["--record-mode", "all"]])
def test_the_warning_comes_before_the_first_call(
    project: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    with Endpoint(answer(PARIS)) as endpoint:
        configured(project, MOVED.format(url=endpoint.url))
        assert main(["run", *more]) == 0
    output = capsys.readouterr().err
    warning = f"warning: provider 'google' is at {endpoint.url}, and is sent GOOGLE_API_KEY, which is a key of "
    assert output.startswith(warning)
    assert output.count("warning: provider") == 1


def test_a_replay_warns_of_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(project, MOVED.format(url="http://gateway.example"))
    assert main(["run"]) == 6
    assert "warning: provider" not in capsys.readouterr().err


@pytest.mark.parametrize("workers", [[], pytest.param(["-n", "2"], marks=pytest.mark.nightly)])
def test_pytest_warns_too(project: Path, pytester: pytest.Pytester, workers: list[str]) -> None:
    pytester.mkdir("suites").joinpath("s.yaml").write_text(SUITE)
    with Endpoint(answer(PARIS)) as endpoint:
        configured(pytester.path, MOVED.format(url=endpoint.url))
        result = pytester.runpytest("suites", "--harness-live", *workers)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*warning: provider 'google' is at http*is sent GOOGLE_API_KEY*", "live from google at 127*"]
    )
    assert "\n".join(result.outlines).count("warning: provider") == 1
    assert project.is_dir()
