"""Messages for error answers: an HTML page of a gateway, a binary body, a text with control characters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.answer.refusals import is_binary
from harness.cli.main import main
from tests.endpoint import Endpoint, Script, answer

CONFIG = """
attempts = 1
[providers.near]
base_url = "http://127.0.0.1:9"
base_url_from = "NEAR"
auth = "none"
"""
SUITE = "suite: s\ncases:\n  - {id: c, prompt: Hello, expect: {text: {present: true}}}\n"
PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center>nginx/1.27</center></body></html>"
STYLED = (
    b"<!DOCTYPE html><style>"
    + b"p { color: red } " * 60
    + b"</style><title>example.com | 502: Bad&nbsp;gateway</title>"
)
BROTLI = bytes.fromhex("1b2b00f88d944bdbd2b5e4a5c1f0a31a93e3c6e4d8f6b1c79c21dd01")
HTML = {"content-type": "text/html"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/s.yaml").write_text(SUITE)
    (tmp_path / "harness.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(project: Path, script: Script, monkeypatch: pytest.MonkeyPatch, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the only trial of the saved run."""
    with Endpoint(script) as endpoint:
        monkeypatch.setenv("NEAR", endpoint.url)
        code = main(["run", "--live", "--target", "near/gemini-2.5-flash", *more])
    (saved,) = project.glob("reports/*/run.jsonl")
    return code, json.loads(saved.read_text().splitlines()[1])


@pytest.mark.parametrize(
    ("status", "body", "headers", "fragments"),
    [
        (502, PAGE, HTML, ["HTTP 502; the body begins: <html> <head><title>502 Bad Gateway</title>"]),
        (
            502,
            STYLED,
            HTML,
            ['the body is a page "example.com | 502: Bad gateway", and begins: <!DOCTYPE html><style>'],
        ),
        (503, b"upstream connect error or disconnect/reset before headers", {}, ["begins: upstream connect error"]),
        (
            503,
            b'{"detail": "no healthy upstream"}',
            {},
            ['HTTP 503; the body begins: {"detail": "no healthy upstream"}'],
        ),
        (429, b'{"error": "slow down"}', {}, ['HTTP 429; the body begins: {"error": "slow down"}']),
        (500, b"", {}, ["HTTP 500; the body is empty"]),
        (502, "Passerelle défaillante".encode("latin-1"), HTML, ["begins: Passerelle d\ufffdfaillante"]),
        (502, BROTLI, {"content-encoding": "br"}, ["HTTP 502: the body is encoded in br, which was not asked for"]),
        (200, BROTLI, {"content-encoding": "zstd"}, ["HTTP 200: the body is encoded in zstd"]),
        (502, PAGE, {"content-encoding": "br"}, ["HTTP 502; the body begins: <html>"]),
        (502, BROTLI, {}, ["HTTP 502; the body is 28 bytes that are not text"]),
        (503, b"\x1b[2Jgone\x07 \xc2\x9b31m", {}, ["HTTP 503; the body begins: \\x1b[2Jgone\\x07 \\x9b31m"]),
        (
            503,
            b'{"error": {"message": "a\\u001b[2J bell"}}',
            {},
            ["HTTP 503: a\\x1b[2J bell; given up after 1 attempt"],
        ),
    ],
)
def test_an_error_message_shows_the_body(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: bytes,
    headers: dict[str, str],
    fragments: list[str],
) -> None:
    code, row = run(project, answer(body, status, headers), monkeypatch, "--width", "1000")
    printed = capsys.readouterr().out
    assert code == 6
    assert row["status"] == "error"
    for fragment in fragments:
        assert fragment in printed
    assert not {"\x1b", "\x07", "\x9b"} & set(printed)
    (turn,) = row["turns"]
    assert bool(turn.get("body") or turn["response"]) is bool(body)
    if body == PAGE:
        assert turn["body"].endswith("nginx/1.27</center></body></html>")


def test_a_failed_check_shows_the_error_body_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, row = run(project, answer(b"404 page not found", 404, {"content-type": "text/plain"}), monkeypatch)
    assert code == 1
    assert "HTTP 404; the body begins: 404 page not found" in capsys.readouterr().out
    assert row["turns"][0]["body"] == "404 page not found"


def test_pytest_output_has_no_control_characters(
    project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with Endpoint(answer(b"\x1b[2Jgone\x07", 503)) as endpoint:
        monkeypatch.setenv("NEAR", endpoint.url)
        asked = ("--harness-live", "--harness-target", "near/gemini-2.5-flash")
        result = pytester.runpytest(str(project / "suites"), "--rootdir", str(project), "-c", "/dev/null", *asked)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*HTTP 503; the body begins: \\x1b?2Jgone\\x07; given up after 1 attempt"])


def test_text_is_not_binary() -> None:
    for text in ("", "Oslo", "{}", "日本語のページ", "d\xe9faillante", "\ufeffOslo", "\x1b[31mred\x1b[0m is a colour"):
        assert not is_binary(text.encode())
    assert not is_binary(("日本語" * 200).encode()[:511])
    assert is_binary(BROTLI)
    assert is_binary(bytes(range(256)))
