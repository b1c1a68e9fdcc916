"""``--until-told``: whole cases in random order, five looks, and an end as soon as it can be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli.main import main
from harness.compare.gates import from_option
from harness.compare.looks import BOUNDS, blocks, decided, futile, level
from harness.compare.stats.rates import Attempts, rates
from harness.results.summary import summarise
from tests.sample_rows import failed, row

NEW = "gemini-3-flash-preview"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suites").mkdir()
    return tmp_path


def suite(expect: str, cases: int = 40) -> None:
    """``expect``: what each case expects; ``{n}`` is its number."""
    lines = ["suite: many", "defaults: {provider: simulator}", "cases:"]
    for n in range(cases):
        prompt = f"What is {n} plus 1? Answer with the number only."
        lines.append(f"  - {{id: case-{n:02}, prompt: '{prompt}', expect: {{{expect.replace('{n}', str(n))}}}}}")
    Path("suites/many.yaml").write_text("\n".join(lines) + "\n")


def document(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict[str, Any], str]:
    code = main([*command, "--format", "json"])
    shown = capsys.readouterr()
    return code, json.loads(shown.out), shown.err


RUN = ("run", "--live", "--model", "gemini-2.5-flash", "--concurrency", "1", "--until-told")


def test_a_run_ends_when_its_gate_cannot_change(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("http: 200")
    code, run, said = document(capsys, *RUN, "--gate", "pass_rate.min=50%")
    assert (code, len(run["results"])) == (0, 20)
    assert "told after 20 of 40 cases; $" in said
    assert "go on with it" not in said
    [gate] = run["run"]["gates"]
    assert gate["crossed"] is False
    assert "the 20 attempts left cannot change it" in gate["message"]
    order = [result["case"] for result in run["results"]]
    assert order == sorted(order)
    assert order != [f"case-{n:02}" for n in range(20)]


def test_a_run_that_fails_its_gate_ends_early(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("http: 500")
    code, run, _ = document(capsys, *RUN, "--gate", "pass_rate.min=90%")
    assert (code, len(run["results"]), run["run"]["looks"]) == (1, 5, 1)


def test_a_comparison_answers_the_budgets_of_a_stopped_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """95% of 40: three failed attempts decide it. The other budget is still open there."""
    suite("http: 500")
    budgets = "compare: {gate: {pass_rate: {min: 95%}, latency: {max: 60s}}}\n"
    Path("suites/many.yaml").write_text(Path("suites/many.yaml").read_text() + budgets)
    document(capsys, *RUN)
    code, compared, _ = document(capsys, "compare", "last", "last", "--gate", "pass_rate.min=99%")
    shown = {gate["gate"]: gate["message"] for gate in compared["gates"]}
    assert code == 1
    assert shown.popitem()[1].startswith("not asked: the run stopped early by design: latency is ")
    assert all(
        message.startswith("crossed: pass_rate is 0%, 0 of 3 attempts in 3 cells, ") for message in shown.values()
    )


def test_a_comparison_says_what_a_stopped_run_asks_of_a_verdict(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite("http: 500")
    assert main(["run", "--live", "--model", "gemini-2.5-flash", "-q"]) == 1
    [whole] = project.glob("reports/*")
    capsys.readouterr()
    document(capsys, *RUN, "--gate", "pass_rate.min=90%")
    assert main(["compare", whole.name, "last"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ended at look 1 of 5: where a run may stop early, a difference counts at p 0.000005 or less" in shown
    assert "change (99.9995%)" in shown
    assert "the candidate lacks 35 of 40 cells" in shown


def test_a_resumed_run_goes_on_with_the_same_looks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("http: 200")
    _, whole, _ = document(capsys, *RUN, "--gate", "pass_rate.min=50%")
    [file] = project.glob("reports/*/run.jsonl")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:12]))
    code, again, said = document(capsys, "run", "--resume")
    assert code == 0
    assert "told after 20 of 40 cases" in said
    assert {result["id"] for result in again["results"]} == {result["id"] for result in whole["results"]}


def test_a_run_that_stopped_early_has_nothing_to_resume(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("http: 200")
    document(capsys, *RUN, "--gate", "pass_rate.min=50%")
    [run] = project.glob("reports/*")
    assert main(["run", "--resume", run.name]) == 4
    shown = capsys.readouterr().err
    assert "it stopped early because its answer was known, after 20 of 40 trials" in shown
    assert "run the suites again without --until-told" in shown


def test_nothing_to_be_told_is_a_mistake(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("http: 200")
    assert main([*RUN]) == 4
    assert "--until-told stops when the gates are answered, and there are none" in capsys.readouterr().err
    assert main([*RUN, "--gate", "pass_rate.min=50%", "--shard", "1/2"]) == 4
    assert "give either --until-told or --shard" in capsys.readouterr().err


MIGRATE = ("migrate", "simulator/gemini-2.5-flash", f"simulator/{NEW}", "--old-record-mode", "once", "--until-told")


def test_a_migration_ends_when_the_models_differ(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("path: {$.modelVersion: gemini-2.5-flash}")
    code, found, said = document(capsys, *MIGRATE)
    assert code == 1
    assert "told after 8 of 40 cases" in said
    assert found["migration"]["verdict"] == "not yet"
    assert not found["migration"]["unsupported"]
    rate = found["verdicts"][0]
    assert rate["level"] == pytest.approx(level(1), rel=0.01)
    compared = document(capsys, "compare", "last", "--target", MIGRATE[1], "--target", MIGRATE[2])[1]
    assert compared["verdicts"][0]["interval"] == rate["interval"]


def test_equal_models_are_given_up_as_futile(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite("http: 200")
    _, found, said = document(capsys, *MIGRATE)
    assert "given up as futile after 24 of 40 cases" in said
    assert found["migration"]["verdict"] == "cannot tell"


def test_the_order_is_random_and_the_same_every_time() -> None:
    cases = list(range(300))
    cut = blocks(cases)
    assert [len(part) for part in cut] == [60] * 5
    assert sorted(case for part in cut for case in part) == cases
    assert cut == blocks(cases)
    assert list(cut[0]) != cases[:60]
    assert [len(part) for part in blocks([1, 2, 3])] == [1, 1, 0, 1, 0]


def test_a_rate_is_known_before_the_end_only_if_nothing_changes_it() -> None:
    groups = list(summarise([*(row(f"a-{n}") for n in range(9)), failed("b")]).groups.values())
    for limit, left, answer in (("50%", 8, False), ("50%", 9, None), ("95%", 4, True), ("90%@95%", 40, None)):
        assert decided(from_option(f"pass_rate.min={limit}"), groups, left, 1).crossed is answer


def test_five_looks_keep_the_level_and_the_power() -> None:
    """120 cases: 95% on both sides, and 95 against 82%. A fixed run of all cases sees the latter in 87% of reports."""
    rng, ends = np.random.default_rng(1), np.cumsum([len(part) for part in blocks(list(range(120)))])
    alarms, seen, fixed, asked = (0, 0, 0, 0)
    for after in [0.95] * 200 + [0.82] * 200:
        passed = [(rng.random(120) < chance).astype(int) for chance in (0.95, after)]
        for look, end in enumerate(ends, 1):
            sides = (Attempts(side[:end], np.ones(end, int)) for side in passed)
            evidence = rates(range(end), *sides, margin=0.02, scope="these cases")
            told = (evidence.p or 1) <= level(look)
            if told or futile(evidence.p, look):
                break
        if after == 0.95:
            alarms, asked = alarms + told, asked + end
        else:
            whole = rates(range(120), *(Attempts(side, [1] * 120) for side in passed), margin=0.02, scope="these cases")
            seen, fixed = seen + told, fixed + ((whole.p or 1) <= 0.05)
    assert alarms <= 0.09 * 200
    assert seen >= fixed - 0.06 * 200
    assert asked / 200 < 0.85 * 120
    assert level(5) == pytest.approx(0.0413, abs=1e-4)
    assert len(BOUNDS) == 5
