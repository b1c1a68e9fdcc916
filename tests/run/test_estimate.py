"""What a run will cost, told before it asks, and the ceiling, through the front door."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import load
from harness.gemini.price_rates import Unpriced
from harness.gemini.prices import OwnPrice
from harness.model import Trial
from harness.run.estimate import Estimate, Estimates
from tests.endpoint import Endpoint, answer
from tests.factories import PARIS, config, step, trial, user

SHORT = """
suite: short
matrix:
  model: [gemini-3-flash-preview]
repeat: 20
defaults:
  request: {generationConfig: {maxOutputTokens: 2000}}
cases:
  - id: oslo
    prompt: What is the capital of Norway? One word.
    expect: {text: {icontains: oslo}}
"""


@pytest.fixture
def project(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("reports"))
    (folder / "suites/short.yaml").write_text(SHORT)
    monkeypatch.chdir(folder)
    return folder


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["run", *argv])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def rows(project: Path) -> list[dict[str, Any]]:
    path = max((project / "reports").glob("*/run.jsonl"))
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- one trial ----------------------------------------------------------------------------------------


def estimated(one: Trial, model: str = "gemini-2.5-flash", **price: float) -> Estimate:
    own = OwnPrice(**{"input": 1e6, "output": 1e6, **price})
    return Estimates(config(prices={model: own}, reports=Path("none")), live=True).of(one)


def bounded(**more: Any) -> Trial:
    return trial([step("x" * 400, body={"generationConfig": {"maxOutputTokens": 50}, **more})], cassette=Path("none"))


def test_the_most_is_the_prompt_and_the_longest_answer() -> None:
    found = estimated(bounded())
    assert 100 <= found.least < 130
    assert found.about is None
    assert 250 <= found.most < 310


def test_without_a_limit_the_models_own_holds() -> None:
    assert estimated(trial(cassette=Path("none")), input=0).most == 65536


def test_later_turns_hold_what_was_said_before() -> None:
    body = {"generationConfig": {"maxOutputTokens": 50}}
    one = trial([step("x" * 400, body=body), step("y" * 400, body=body)], cassette=Path("none"))
    alone = estimated(bounded()).most
    assert estimated(one).most >= 2 * alone + 50 + 200


@pytest.mark.parametrize(("generation", "searches"), [("gemini-2.5-flash", 1), ("gemini-3-flash-preview", 5)])
def test_searches_may_come(generation: str, searches: int) -> None:
    from harness.model import Target

    one = trial(
        [step("hi", body={"tools": [{"googleSearch": {}}]})], target=Target("here", generation), cassette=Path("none")
    )
    own = {"input": 0, "output": 0, "search": 1000}
    assert estimated(one, generation, **own).most == searches
    with pytest.raises(Unpriced, match="search"):
        estimated(one, generation)


def test_maps_have_no_price() -> None:
    with pytest.raises(Unpriced, match="Maps"):
        estimated(bounded(tools=[{"googleMaps": {}}]))


def test_pictures_and_files_are_counted() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "A" * 100_000}}
    address = {"fileData": {"mimeType": "image/png", "fileUri": "https://files.example/1.png"}}
    file = {"fileData": {"fileUri": "https://files.example/1"}}
    plain = {"body": {"generationConfig": {"maxOutputTokens": 1}}}
    shown = [
        estimated(trial([step("", contents=[{**user("hi"), "parts": [part]}], **plain)], cassette=Path("none"))).most
        for part in ({"text": "hi"}, picture, address, file)
    ]
    assert shown[0] < 50
    assert 1200 < shown[1] < 5000
    assert 1200 < shown[2] < 1300
    assert shown[3] > 1_000_000


@pytest.mark.parametrize(
    "body", [{"generationConfig": "hot"}, {"generationConfig": {"maxOutputTokens": "9"}}, {"tools": 5}]
)
def test_a_body_that_the_api_would_refuse_has_an_estimate_too(body: dict[str, Any]) -> None:
    assert estimated(trial([step(body=body)], cassette=Path("none"))).most > 65_000


# --- a run --------------------------------------------------------------------------------------------


def test_a_dry_run_ends_with_what_it_would_cost(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "suites/short.yaml", "--dry-run", "--live")[1].splitlines()[-1]
    assert text.startswith("asks 20 trials: at most $0.12 (genai-prices ")
    assert text.endswith("SIMULATED, so nothing is really paid)")
    cost = json.loads(run(capsys, "suites/short.yaml", "--dry-run", "--live", "--format", "json")[1])["cost"]
    assert (cost["asked"], cost["about_usd"], cost["unknown"]) == (20, None, 0)


LIMITS = """
provider = "simulator"
[providers.simulator]
rpm = 60
limits."gemini-2.5*".rpm = 2
"""


@pytest.mark.parametrize(
    ("suite", "repeat", "takes"),
    [
        ("short", 20, "takes at least 19 s: 20 requests to gemini-3-flash-preview at simulator, at most 60 a minute"),
        ("short", 1, None),
        ("old", 20, "takes at least 10 min: 20 requests to gemini-2.5-flash at simulator, at most 2 a minute"),
        ("old", 1000, "takes at least 8.3 h: 1,000 requests to gemini-2.5-flash at simulator, at most 2 a minute"),
    ],
)
def test_a_dry_run_says_how_long_its_limits_make_it(
    suite: str, repeat: int, takes: str | None, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "harness.toml").write_text(LIMITS)
    (project / "suites/old.yaml").write_text(SHORT.replace("gemini-3-flash-preview", "gemini-2.5-flash"))
    asked = (f"suites/{suite}.yaml", "--dry-run", "--live", "--repeat", str(repeat))
    lines = run(capsys, *asked)[1].splitlines()
    assert [line for line in lines if line.startswith("takes")] == ([takes] if takes else [])
    seconds = json.loads(run(capsys, *asked, "--format", "json")[1])["cost"]["seconds_at_least"]
    assert (seconds is None) is (takes is None)


def test_without_limits_a_dry_run_says_nothing_of_time(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "takes" not in run(capsys, "suites/short.yaml", "--dry-run", "--live")[1]


def test_a_dry_run_says_what_no_cassette_answers(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    *_, missing, cost = run(capsys, "suites/short.yaml", "--dry-run")[1].splitlines()
    assert missing == "not recorded: 20 trials; --live or --record-mode once asks for them:"
    assert cost.startswith("asks 20 trials: at most $0.12 (genai-prices ")
    assert run(capsys, "suites/capitals.yaml", "--dry-run")[1].endswith("costs nothing: no request will be sent live\n")


def test_another_providers_answers_say_about_how_much(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "suites/capitals.yaml")
    paid = rows(project)[-1]["cost"]["usd"]
    asked = ("suites/capitals.yaml", "--provider", "google", "--dry-run", "--repeat", "3")
    assert "asks 18 trials: about $" in (line := run(capsys, *asked)[1].splitlines()[-1])
    assert " by answers of simulator, at most $" in line
    cost = json.loads(run(capsys, *asked, "--format", "json")[1])["cost"]
    assert (cost["about_usd"], cost["about_by"]) == (pytest.approx(3 * paid), {"simulator": 18})


def test_an_expected_refusal_costs_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "suites/refused.yaml").write_text(
        "suite: refused\ncases:\n"
        "  - {id: unknown, model: gemini-9, prompt: hi, expect: {http: 404}}\n"
        "  - {id: known, model: gemini-3-flash-preview, prompt: hi, expect: {error: {status: INVALID_ARGUMENT}}}\n"
        "  - {id: perhaps, model: gemini-9, prompt: hi, expect: {http: {in: [200, 404]}}}\n"
    )
    *_, asks, unknown = run(capsys, "suites/refused.yaml", "--dry-run", "--live")[1].splitlines()
    assert asks.startswith("asks 3 trials: about $0.00, at most $0.20 without 1 trial of unknown price")
    assert unknown == f"cost of 1 trial unknown: {load(project).price_source} has no price for gemini-9"


def test_only_what_no_cassette_answers_is_counted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def asks(*argv: str) -> str:
        return run(capsys, "--dry-run", "-k", "capitals or short", *argv)[1].splitlines()[-1].partition(":")[0]

    assert asks("--record-mode", "new_episodes") == "asks 20 trials"
    assert asks("--record-mode", "once") == "asks 20 trials"
    assert asks("--record-mode", "all") == "asks 26 trials"
    assert asks("--record-mode", "stale") == "costs nothing"
    suite = project / "suites/capitals.yaml"
    suite.write_text(suite.read_text().replace("What is the capital", "Name the capital", 1))
    assert asks("--record-mode", "stale") == "asks 2 trials"
    assert asks("--record-mode", "new_episodes") == "asks 22 trials"


def test_earlier_answers_say_about_how_much(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "suites/capitals.yaml")
    paid = rows(project)[-1]["cost"]["usd"]
    text = json.loads(run(capsys, "suites/capitals.yaml", "--dry-run", "--live", "--format", "json")[1])["cost"]
    assert (text["about_usd"], text["about_of"]) == (pytest.approx(paid), 6)
    shutil.rmtree(project / "cassettes")
    again = json.loads(run(capsys, "suites/capitals.yaml", "--dry-run", "--live", "--format", "json")[1])["cost"]
    assert again["about_usd"] == pytest.approx(paid)


def half_of_the_cost(project: Path, capsys: pytest.CaptureFixture[str]) -> float:
    """Half of what the short suite costs, in USD. No run is left that could tell."""
    run(capsys, "suites/short.yaml", "--live", "-q")
    paid = float(rows(project)[-1]["cost"]["usd"])
    shutil.rmtree(project / "reports")
    return paid / 2


def test_a_ceiling_stops_the_run_and_keeps_what_was_played(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    most = half_of_the_cost(project, capsys)
    code, out, err = run(capsys, "suites/short.yaml", "--live", "--max-cost", f"{most:.6f}", "--concurrency", "8")
    assert code == 6
    announced, reached, left, again = err.splitlines()
    assert announced.startswith("asks 20 trials: at most $0.12 (genai-prices ")
    assert reached.startswith("the ceiling of $0.00")
    assert left.endswith(" of 20 trials were not played")
    assert again.startswith("go on with it: gemini-harness run --resume ")
    header, *played, ending = rows(project)
    spent = sum(row["measures"]["cost_usd"] for row in played)
    assert 0 < len(played) < 20
    assert spent <= most + 2100 * 3e-6
    assert ending["cost"] == {"usd": pytest.approx(spent), "unknown": 0, "why": {}, "prices": header["run"]["prices"]}
    assert reached in ending["run"]["notes"]
    assert f"({len(played)} trials in" in out


def test_a_ceiling_drops_no_recording(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def recorded() -> dict[str, int]:
        tapes = (project / "cassettes/short").rglob("*.yaml")
        return {path.name: path.read_text().count("x-recording:") for path in tapes}

    run(capsys, "suites/short.yaml", "--record-mode", "all", "-q")
    before = recorded()
    assert before == {"simulator.gemini-3-flash-preview.yaml": 20}
    most = f"{half_of_the_cost(project, capsys):.6f}"
    code, _, err = run(capsys, "suites/short.yaml", "--record-mode", "all", "--max-cost", most, "-q")
    assert (code, "were not played" in err) == (6, True)
    assert recorded() == before
    assert run(capsys, "suites/short.yaml")[0] == 0


def test_the_configured_ceiling_counts_live_answers_only(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "harness.toml").write_text('provider = "simulator"\nmax_cost = 0.0000001\n')
    assert run(capsys, "suites/capitals.yaml")[0] == 0
    assert run(capsys, "suites/capitals.yaml", "--record-mode", "new_episodes")[::2] == (0, "")
    code, _, err = run(capsys, "suites/capitals.yaml", "--live")
    assert (code, "6 of 6 trials were not played" in err) == (6, True)


def test_a_ceiling_with_an_unknown_price_is_refused_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("suites/short.yaml", "--live", "--max-cost", "1", "--provider", "cometapi")
    code, out, err = run(capsys, *asked)
    assert (code, out) == (4, "")
    assert err.startswith(
        "--max-cost cannot be kept:\n"
        "cost of 20 trials unknown: provider 'cometapi' has no price for gemini-3-flash-preview\n"
        '  set its price: [tool.gemini-harness.prices."cometapi/gemini-3-flash-preview"] with input and output'
    )
    assert err.endswith("No request was sent.\n")
    assert not (project / "reports").exists()


def test_unknown_prices_are_named_before_a_live_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "suites/short.yaml", "--dry-run", "--live", "--model", "gemini-9-carbon")
    assert out.splitlines()[-1] == (
        f"cost of 20 trials unknown: {load(project).price_source} has no price for gemini-9-carbon"
    )


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "much"])
def test_a_ceiling_is_dollars_above_nothing(project: Path, capsys: pytest.CaptureFixture[str], amount: str) -> None:
    code, _, err = run(capsys, "--max-cost", amount)
    assert (code, f"expected dollars above 0, such as 0.50, got '{amount}'" in err) == (4, True)


def test_a_paid_run_announces_its_cost_and_retries_for_free(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    busy = answer({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, 503, {"retry-after": "0"})
    oslo = {**PARIS, "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 1, "totalTokenCount": 11}}
    with Endpoint(busy, answer(oslo)) as endpoint:
        (project / "harness.toml").write_text(
            f'provider = "mine"\n[providers.mine]\nbase_url = "{endpoint.url}"\nauth = "none"\nprices = "google"\n'
        )
        asked = ("suites/short.yaml", "--live", "--repeat", "1", "--model", "gemini-2.5-flash", "--max-cost", "1")
        code, out, err = run(capsys, *asked)
        assert run(capsys, *asked, "-q")[2] == ""
    assert code == 1
    assert err.startswith("asks 1 trial: at most $0.0050 (genai-prices ")
    assert "really paid" not in err
    paid = (10 * 0.3 + 1 * 2.5) / 1e6
    assert rows(project)[1]["measures"]["cost_usd"] == pytest.approx(paid)
    assert "cost $0.0000055 at the prices of genai-prices " in out
    assert "SIMULATED" not in out
