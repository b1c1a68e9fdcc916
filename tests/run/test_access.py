"""How a case shows its key: in which headers, and a key that no provider knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from tests.endpoint import Endpoint, answer
from tests.factories import PARIS

SUITE = """
suite: access
defaults: {model: gemini-3.8-flash}
cases:
  - id: asks
    ACCESS
    prompt: hi
"""
OWN = "set-in-the-environment"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", OWN)
    return tmp_path


def sent(project: Path, access: str) -> list[dict[str, str]]:
    """The credentials of every request of a suite whose case has this line."""
    (project / "access.yaml").write_text(SUITE.replace("ACCESS", access))
    with Endpoint(answer(PARIS)) as endpoint:
        (project / "harness.toml").write_text(
            f'provider = "mine"\nconcurrency = 1\n[providers.mine]\nbase_url = "{endpoint.url}"\nkeys = ["MINE"]\n'
        )
        main(["run", "access.yaml", "--live", "-q"])
    return [_credentials(request) for request in endpoint.requests]


def _credentials(request: bytes) -> dict[str, str]:
    lines = request.decode().partition("\r\n\r\n")[0].split("\r\n")[1:]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return {name: headers[name] for name in ("x-goog-api-key", "authorization") if name in headers}


def test_a_case_chooses_the_header_of_the_key(project: Path) -> None:
    key, bearer = {"x-goog-api-key": OWN}, {"authorization": f"Bearer {OWN}"}
    assert sent(project, "auth: bearer") == [bearer]
    assert sent(project, "auth: [x-goog-api-key, bearer, both, none]") == [key, bearer, key | bearer, {}]


def test_a_wrong_key_takes_the_place_of_the_right_one(project: Path) -> None:
    assert sent(project, "apiKey: wrong") == [{"x-goog-api-key": "wrong-key"}]
    right, wrong = sent(project, "apiKey: [valid, wrong]\n    auth: bearer")
    assert (right, wrong) == ({"authorization": f"Bearer {OWN}"}, {"authorization": "Bearer wrong-key"})


def test_a_wrong_key_needs_no_right_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINE")
    assert sent(project, "apiKey: wrong") == [{"x-goog-api-key": "wrong-key"}]


def test_show_prints_the_headers_of_the_case(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent(project, "auth: both\n    apiKey: wrong")
    capsys.readouterr()
    assert main(["show", "access/asks@mine/gemini-3.8-flash", "access.yaml"]) == 0
    shown = capsys.readouterr().out
    assert '-H "x-goog-api-key: wrong-key"' in shown
    assert '-H "Authorization: Bearer wrong-key"' in shown


def test_an_unknown_way_to_show_a_key_is_a_mistake(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sent(project, "auth: basic") == []
    assert 'access.yaml:6:11: expected "x-goog-api-key", "bearer", "both" or "none"' in capsys.readouterr().err
