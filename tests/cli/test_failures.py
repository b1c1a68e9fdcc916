"""What a failure shows: every check that failed and the answer, in every format alike."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.report import Report, View, find
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.endpoint import Endpoint, answer
from tests.sample_rows import failed, row, run, verdict

LONG = "\n".join(f"line {number} of an answer that says nothing of what was asked" for number in range(60))
SUITE = """
suite: five
cases:
  - id: wrong
    prompt: Say it.
    expect:
      text: {contains: "Oslo", starts_with: "The capital", length: {max: 10}}
      finishReason: MAX_TOKENS
      thoughtsTokenCount: {min: 4000}
"""
FORMATS = ("table", "markdown", "github", "junit")


def body(text: str) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 9, "totalTokenCount": 12}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "a"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of a case that fails five checks of a long answer."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/five.yaml").write_text(SUITE)
    (tmp_path / "harness.toml").write_text(
        '[providers.near]\nbase_url = "http://127.0.0.1:9"\nbase_url_from = "NEAR"\nauth = "none"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


WANTED = ("Oslo", "The capital", "length at most 10", "MAX_TOKENS", "at least 4000")


@pytest.mark.parametrize("verbose", [False, True])
def test_every_format_shows_all_failed_checks_and_the_answer(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, verbose: bool
) -> None:
    files = [f"--format={name}:{project / name}" for name in FORMATS if name != "table"]
    with Endpoint(answer(body(LONG))) as endpoint:
        monkeypatch.setenv("NEAR", endpoint.url)
        more = ["-v"] if verbose else []
        code = main(["run", "--live", "--target", "near/gemini-2.5-flash", "--format", "table", *files, *more])
    shown = {"table": capsys.readouterr().out, **{name: (project / name).read_text() for name in FORMATS[1:]}}
    shown["junit"] = "".join(ET.fromstring(shown["junit"]).itertext())
    assert code == 1
    for name, text in shown.items():
        assert all(word in text for word in WANTED), name
        assert "line 0 of an answer" in text, name
        assert "line 20 of an answer" in text, name
        assert ("line 59 of an answer" in text) is verbose, name
        assert (f"... ({len(LONG):,} characters in all; -v shows them)" in text) is not verbose, name
        assert text.count("line 7 of an answer") == 1, name


@pytest.mark.parametrize("verbose", [False, True])
def test_pytest_shows_the_same(
    project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *, verbose: bool
) -> None:
    for name in ("harness.toml", "suites/five.yaml"):
        pytester.path.joinpath(name).parent.mkdir(exist_ok=True)
        pytester.path.joinpath(name).write_text((project / name).read_text())
    monkeypatch.chdir(pytester.path)
    monkeypatch.setenv("COLUMNS", "200")
    with Endpoint(answer(body(LONG))) as endpoint:
        monkeypatch.setenv("NEAR", endpoint.url)
        more = ["-v"] if verbose else []
        result = pytester.runpytest("suites", "--harness-live", "--harness-target", "near/gemini-2.5-flash", *more)
    result.assert_outcomes(failed=1)
    text = "\n".join(result.outlines)
    assert all(word in text for word in WANTED)
    assert "FAILED suites/five.yaml::wrong@near/gemini-2.5-flash#1 - Failed: text: expected" in text
    assert "line 20 of an answer" in text
    assert ("line 59 of an answer" in text) is verbose


def printed(rows: list[Row], name: str = "table", **view: Any) -> str:
    out = io.StringIO()
    find(name, "run")(Report(run(), summarise(rows), lambda: rows), View(**view), out)
    return out.getvalue()


def outcome(text: str) -> dict[str, Any]:
    return {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": text}


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_that_a_check_shows_whole_is_not_told_twice(name: str) -> None:
    wrong = [
        verdict("text", ok=False, message=f'expected text containing "{city}", got string "Rome"') for city in "AB"
    ]
    shown = printed([row(status="failed", verdicts=wrong, outcome=outcome("Rome"))], name)
    assert shown.replace("&quot;", '"').count("Rome") == (2 if name != "junit" else 3)
    assert "answer" not in shown.partition("FAIL")[2].partition("replayed")[0]


@pytest.mark.parametrize("name", FORMATS)
def test_a_value_too_long_for_its_check_is_shown_below(name: str) -> None:
    value = {"cities": [f"city {number}" for number in range(40)]}
    message = 'expected {"cities": []}, got object {"cities": ["city 0", "city 1…'
    wrong = verdict("json", ok=False, at="$", expected={"cities": []}, actual=value, message=message)
    shown = printed([row(status="failed", verdicts=[wrong], outcome=outcome("{}"))], name)
    assert "city 39" in shown


def test_warnings_are_told_after_what_fails() -> None:
    wrong = [
        verdict("invariant:role", ok=False, severity="warn", message="the role is user"),
        verdict("text", ok=False, message="expected 1, got 2"),
    ]
    shown = printed([row(status="failed", verdicts=wrong)])
    assert shown.index("7  text\n") < shown.index("7  invariant:role (warning)\n")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_of_an_answer_steers_the_terminal(name: str) -> None:
    shown = printed([failed(outcome=outcome("\x1b[2J gone \x07\u202e\n```\n# no heading"))], name)
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    if name == "markdown":
        assert "````text" in shown


def test_lines_fold_at_the_width_of_the_terminal() -> None:
    wrong = verdict("text", ok=False, message=f'expected {"a word " * 30}, got string "{"another " * 30}"')
    shown = printed([row(status="failed", verdicts=[wrong], outcome=outcome("word " * 60))], width=60)
    assert max(len(line) for line in shown.splitlines() if "again:" not in line) <= 60


COSTS = """
suite: costs
cases:
  - id: cheap
    prompt: Say it.
    repeat: 3
    expect: {cost: {max: 0.01}}
  - id: other
    prompt: Say more.
    repeat: 3
    expect: {text: {contains: it}, finishReason: STOP}
  - id: another
    prompt: Say less.
    repeat: 3
    expect: {text: {contains: it}, finishReason: STOP}
"""


def live(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setenv("NEAR", endpoint.url)
    return main(["run", "suites/costs.yaml", "--target", "near/gemini-2.5-flash", *options])


def test_a_price_that_is_not_known_is_no_bad_usage(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "suites/costs.yaml").write_text(COSTS)
    with Endpoint(answer(body("it"))) as endpoint:
        assert live(endpoint, monkeypatch, "--live") == 6
    shown = capsys.readouterr()
    assert "cannot judge the cost: provider 'near' has no price for gemini-2.5-flash" in shown.out
    assert "--resume" not in shown.err


def test_one_page_of_a_gateway_is_told_once_with_its_count(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "suites/costs.yaml").write_text(COSTS)
    page = b"<html><title>Access denied</title><h1>You have been blocked</h1></html>"
    with Endpoint(answer(page, status=403, headers={"content-type": "text/html"})) as endpoint:
        assert live(endpoint, monkeypatch, "--live", "-k", "other") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "6 trials of 2 cells: " in shown
    assert "HTTP 403; the body begins: <html><title>Access denied" in shown
    assert "with no answer to judge, these fail too: text, finishReason" in shown


def test_a_recording_of_another_address_names_the_variable_that_moves_it(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "suites/costs.yaml").write_text(COSTS)
    with Endpoint(answer(body("it"))) as endpoint:
        live(endpoint, monkeypatch, "--record-mode", "once", "-k", "other")
    monkeypatch.delenv("NEAR")
    assert main(["run", "suites/costs.yaml", "--target", "near/gemini-2.5-flash", "-k", "other"]) == 6
    assert "NEAR moves near to another address: set it as it was when this was recorded" in capsys.readouterr().out


GATEWAY = """
[providers.near]
base_url = "http://127.0.0.1:9"
base_url_from = "NEAR"
keys = ["NEAR_KEY"]
auth = "{auth}"
"""
REFUSED = {"error": {"message": "no token (request id: 7)", "type": "new_api_error"}}


@pytest.mark.parametrize(("auth", "other"), [("x-goog-api-key", "bearer"), ("bearer", "x-goog-api-key")])
def test_a_refused_key_suggests_the_other_header(
    auth: str, other: str, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "suites/costs.yaml").write_text(COSTS)
    (project / "harness.toml").write_text(GATEWAY.format(auth=auth))
    monkeypatch.setenv("NEAR_KEY", "key-of-near")
    with Endpoint(answer(REFUSED, status=401)) as endpoint:
        assert live(endpoint, monkeypatch, "--live", "-k", "cheap", "--repeat", "1") == 6
    shown = " ".join(capsys.readouterr().out.split())
    assert f"near refuses the key of NEAR_KEY in {auth}" in shown
    assert f'auth = "{other}" in [providers.near]' in shown
    assert "gemini-harness explain refused-key" in shown
    assert main(["explain", "refused-key"]) == 0
    assert "auth" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "shows"), [(404, True), (301, True), (405, True), (400, False)])
def test_a_wrong_address_is_shown(
    status: int, shows: bool, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "suites/costs.yaml").write_text(COSTS)
    with Endpoint(answer(b"<html>nothing here</html>", status=status)) as endpoint:
        assert live(endpoint, monkeypatch, "--live", "-k", "other") == 1
        asked = f"{endpoint.url}/v1beta/models/gemini-2.5-flash:generateContent"
    assert (f"asked {asked}" in " ".join(capsys.readouterr().out.split())) is shows


CONVERSATION = """
suite: costs
cases:
  - id: talk
    turns:
      - user: Say it.
        expect: {text: {contains: Oslo}}
      - user: Say it again.
        expect: {text: {contains: Oslo}}
"""


@pytest.mark.parametrize(("status", "code"), [(400, 1), (500, 6)])
def test_a_second_failure_leaves_the_first_in_sight(
    status: int, code: int, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "suites/costs.yaml").write_text(CONVERSATION)
    monkeypatch.setenv("NEAR", "")
    with Endpoint(answer(body("Rome")), answer({"error": {"message": "a turn is missing"}}, status=status)) as endpoint:
        assert live(endpoint, monkeypatch, "--live") == code
    shown = " ".join(capsys.readouterr().out.split())
    assert "a turn is missing" in shown
    assert 'text containing "Oslo"' in shown
    assert '"Rome"' in shown


def test_a_warning_of_the_first_turn_is_shown_before_an_error() -> None:
    wrong = [
        verdict("invariant:thought-signature", ok=False, severity="warn", message="the call has no signature"),
        verdict("invariant:http-status", ok=False, expected=200, actual=400, message="HTTP 400"),
        verdict("text", ok=False, message="expected 1, got none"),
    ]
    shown = printed([row(status="failed", verdicts=wrong)])
    assert shown.index("the call has no signature") < shown.index("invariant:http-status")
    assert "with no answer to judge, these fail too: text" in shown


def test_a_refused_comparison_leaves_the_junit_file_that_ci_expects(project: Path) -> None:
    assert main(["compare", "nothing", "last", "--format", "junit:junit.xml"]) == 4
    ((case,),) = ET.parse(project / "junit.xml").getroot()
    assert case[0].get("message", "").startswith("no saved run 'nothing' in reports/")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--live", "--target", "google/gemini-3.8-flash"], [("MissingKey", None, "No key for provider 'google'")]),
        (["suites/nowhere.yaml"], [("UsageError", None, "no such file or folder: suites/nowhere.yaml")]),
        (["suites/bad.yaml"], [("SuiteError", "5", 'unknown key "promt"'), ("SuiteError", "6", 'unknown key "expct"')]),
    ],
)
def test_a_run_that_cannot_begin_leaves_the_junit_file_that_ci_expects(
    arguments: list[str], expected: list[Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "suite: bad\ncases:\n  - id: a\n    model: gemini-3.8-flash\n    promt: hi\n    expct: {}\n"
    (project / "suites/bad.yaml").write_text(bad)
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    where = arguments if any(word.endswith(".yaml") for word in arguments) else ["suites/five.yaml", *arguments]
    assert main(["run", *where, "--format", "junit:out/junit.xml"]) in (4, 6)
    (suite,) = ET.parse(project / "out/junit.xml").getroot()
    assert int(suite.get("errors", "")) == len(suite) == len(expected)
    for case, (kind, line, message) in zip(suite, expected, strict=True):
        (error,) = case
        assert (error.get("type"), case.get("line")) == (kind, line)
        assert error.get("message", "").startswith(message)
        assert message in (error.text or "")
