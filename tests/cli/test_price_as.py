"""``report --price-as``: the tokens of a saved run at the prices of another model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.results.rows import dumps
from tests import sample_rows

MILLION = 1_000_000
Report = Callable[..., tuple[int, str, str]]


GENERATE = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash-preview:generateContent"


def turn(
    status: int = 200, grounding: dict[str, Any] | None = None, url: str = GENERATE, **usage: int
) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": "ok"}]}, **({"groundingMetadata": grounding} if grounding else {})}
    answer: dict[str, Any] = {"candidates": [candidate], "usageMetadata": usage} if status == 200 else {"error": {}}
    return {
        "transport": "unary",
        "url": url,
        "request": {},
        "status": status,
        "text": "ok",
        "thoughts": "",
        "response": answer,
        "times": [0.1],
        "attempts": 1,
    }


SEARCHED = {"webSearchQueries": ["a", "b"], "groundingChunks": [{"web": {"uri": "https://a.example"}}]}
MAPS = {"groundingChunks": [{"maps": {"uri": "https://maps.example"}}]}


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Report:
    """Saves a run of these turns, a trial each, and shows it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def command(turns: list[dict[str, Any]], *argv: str, started: str = "2026-11-20T10:00:00+00:00") -> Any:
        rows = [sample_rows.row(f"case-{n}", turns=[one]) for n, one in enumerate(turns)]
        header = {"version": 1, "run": {**sample_rows.run(), "started": started}}
        path = tmp_path / "reports" / "one" / "run.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{dumps(line)}\n" for line in (header, *rows)))
        code = main(["report", str(path), *argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def priced(report: Report, turns: list[dict[str, Any]], model: str, **more: str) -> dict[str, Any]:
    code, out, _ = report(turns, "--price-as", model, "--format", "json", **more)
    assert code == 0
    found: dict[str, Any] = json.loads(out)["price_as"]
    return found


def test_tokens_are_priced_on_the_day_of_the_run(report: Report) -> None:
    turns = [turn(promptTokenCount=MILLION, candidatesTokenCount=MILLION, thoughtsTokenCount=MILLION)]
    before = priced(report, turns, "gemini-4-carbon", started="2026-11-30T23:00:00+00:00")
    after = priced(report, turns, "gemini-4-carbon", started="2026-12-01T01:00:00+00:00")
    assert (before["usd"], before["day"]) == (2 + 2 * 10, "2026-11-30")
    assert (after["usd"], after["day"]) == (4 + 2 * 20, "2026-12-01")


def test_a_batch_stays_a_batch(report: Report) -> None:
    found = priced(report, [{**turn(promptTokenCount=MILLION), "transport": "batch"}], "gemini-3.8-flash")
    assert found["usd"] == 0.75 / 2


@pytest.mark.parametrize(("model", "fees"), [("gemini-3.8-flash", 2 * 0.014), ("gemini-2.5-flash", 0.035)])
def test_searches_are_counted_as_that_model_counts_them(report: Report, model: str, fees: float) -> None:
    found = priced(report, [turn(grounding=SEARCHED, promptTokenCount=0)], model)
    assert found["search_usd"] == pytest.approx(fees)
    assert found["usd"] == pytest.approx(fees)
    _, out, _ = report([turn(grounding=SEARCHED, promptTokenCount=0)], "--price-as", model)
    assert "that it may not make" in " ".join(out.split())


def test_what_cannot_be_known_is_counted_apart(report: Report) -> None:
    turns = [turn(promptTokenCount=MILLION), turn(grounding=MAPS, promptTokenCount=1), turn(), turn(status=400)]
    found = priced(report, turns, "gemini-3.8-flash")
    assert (found["usd"], found["unknown"]) == (0.75, 2)
    assert any("Google Maps" in reason for reason in found["why"])
    assert any("usageMetadata" in reason for reason in found["why"])


def test_other_calls_are_free_or_unknown(report: Report) -> None:
    count, store = (GENERATE.replace("generateContent", "countTokens"), "https://a.example/v1beta/cachedContents")
    found = priced(report, [turn(url=count), turn(url=store, totalTokenCount=9)], "gemini-3.8-flash")
    assert (found["usd"], found["unknown"]) == (0, 1)
    assert "storage" in next(iter(found["why"]))


def test_a_report_has_a_column_and_a_line(report: Report) -> None:
    _, out, _ = report([turn(promptTokenCount=MILLION)], "--price-as", "gemini-flash-latest")
    (header,) = [line for line in out.splitlines() if line.startswith("target")]
    assert "as $" in header
    assert "as $: the same tokens on gemini-3.8-flash, at its prices of 2026-11-20: $0.75" in " ".join(out.split())
    _, out, _ = report([turn(promptTokenCount=MILLION)])
    assert "as $" not in out


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_other_formats_have_the_line_too(report: Report, name: str) -> None:
    _, out, _ = report([turn(promptTokenCount=MILLION)], "--price-as", "gemini-3.8-flash", "--format", name)
    assert "the same tokens on gemini-3.8-flash, at its prices of 2026-11-20: $0.75" in out


def test_a_spreadsheet_has_the_cost_of_each_trial(report: Report) -> None:
    turns = [turn(promptTokenCount=MILLION), turn(promptTokenCount=2 * MILLION)]
    _, out, _ = report(turns, "--price-as", "gemini-3.8-flash", "--format", "csv")
    assert [float(line["cost_as_usd"]) for line in csv.DictReader(io.StringIO(out))] == [0.75, 1.5]


def test_configured_prices_count(report: Report, tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('[prices."cometapi/gemini-9"]\ninput = 2\noutput = 3\n')
    assert priced(report, [turn(promptTokenCount=MILLION)], "cometapi/gemini-9")["usd"] == 2


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("gemini-3.8-flsh", 'did you mean "gemini-3.8-flash"?'),
        ("gemini-2.0-flash-preview-image-generation", "has no price for gemini-2.0-flash-preview-image-generation\n"),
        ("cometapi/gemini-3.8-flash", "provider 'cometapi' has no price for gemini-3.8-flash"),
        ("gogle/gemini-3.8-flash", "no provider is called 'gogle'; did you mean \"google\"?"),
    ],
)
def test_a_model_without_a_price_is_an_error(report: Report, model: str, message: str) -> None:
    code, out, err = report([turn(promptTokenCount=1)], "--price-as", model)
    assert (code, out) == (4, "")
    assert message in err
