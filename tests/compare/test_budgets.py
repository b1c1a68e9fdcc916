"""The budgets of suites, under ``compare: gate:``; they are evaluated where a whole suite was played."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.results.load import load, saved_runs
from tests.capitals import CAPITALS, WRONG

CROSSED = "{latency: {max: 1h, rise: 25%}, totalTokenCount: {max: 0}, hard: [text]}"


@dataclass
class Project:
    """A folder with the recorded suites, in which runs are played."""

    capsys: pytest.CaptureFixture[str]

    def gate(self, suite: str, text: str, gate: str) -> None:
        """Write a suite with that block of gates."""
        Path(f"suites/{suite}.yaml").write_text(f"{text}\ncompare: {{gate: {gate}}}\n")

    def run(self, *argv: str) -> tuple[int, str, str]:
        """(exit code, stdout as one line, stderr)."""
        code = main(argv)
        captured = self.capsys.readouterr()
        return code, " ".join(captured.out.split()), captured.err

    def gates(self, *argv: str) -> tuple[int, list[dict[str, Any]]]:
        """The exit code, and the gates of the JSON document."""
        code = main([*argv, "--format", "json"])
        found: list[dict[str, Any]] = json.loads(self.capsys.readouterr().out)["gates"]
        return code, found

    def junit(self, *argv: str) -> tuple[int, ET.Element]:
        code = main([*argv, "--format", "junit"])
        return code, ET.fromstring(self.capsys.readouterr().out)


@pytest.fixture
def project(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    folder = tmp_path / "project"
    shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("reports"))
    monkeypatch.chdir(folder)
    (folder / "suites/known.yaml").unlink()
    return Project(capsys)


# --- asked --------------------------------------------------------------------------------------------


def test_a_run_is_held_to_the_budgets_of_its_suites(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    code, output, _ = project.run("run", "suites/capitals.yaml")
    assert code == 1
    assert "gate latency may be at most 3,600 s (capitals): holds: latency is" in output
    assert "gate totalTokenCount may be at most 0 (capitals): crossed: totalTokenCount is" in output
    assert "6 passed, 1 gate crossed (6 trials)" in output
    assert "text" not in output.partition("Notes")[2].partition("target")[0]
    project.gate("capitals", CAPITALS, "{latency: {max: 1h}}")
    assert project.run("run", "suites/capitals.yaml")[0] == 0


def test_suite_budgets_cover_a_suite_and_options_all_suites(project: Project) -> None:
    project.gate("capitals", CAPITALS, "{pass_rate: {min: 100%}}")
    code, gates = project.gates("run", "--gate", "pass_rate.min=90%")
    assert [(gate["name"], gate["suite"], gate["crossed"]) for gate in gates] == [
        ("pass_rate", None, True),
        ("pass_rate", "capitals", False),
    ]
    assert code == 1


def test_a_budget_without_an_answer_has_its_own_exit_code(project: Project) -> None:
    project.gate("capitals", CAPITALS, "{latency: {max: 1h, confidence: 95%}}")
    code, output, _ = project.run("run", "suites/capitals.yaml")
    assert (code, "2 cases are too few for an interval" in output) == (7, True)
    assert "6 passed, 1 gate cannot be answered (6 trials)" in output


def test_quiet_runs_print_the_gates_that_do_not_hold(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    _, _, errors = project.run("run", "suites/capitals.yaml", "--quiet")
    assert errors.startswith("gate totalTokenCount may be at most 0 (capitals): crossed: ")
    assert "latency" not in errors


def test_a_pass_rate_forgives_cells_of_its_own_suite(project: Project) -> None:
    project.gate("wrong", WRONG, "{pass_rate: {min: 0%}}")
    assert project.run("run", "suites")[0] == 0
    project.gate("wrong", WRONG, "{latency: {max: 1h}}")
    project.gate("capitals", CAPITALS, "{pass_rate: {min: 0%}}")
    assert project.run("run", "suites")[0] == 1


def test_an_invalid_gate_is_refused_before_the_run(project: Project) -> None:
    project.gate("capitals", CAPITALS, "{latency: {max: -1}}")
    for command in ("check", "run"):
        code, _, errors = project.run(command, "suites")
        assert code == 4
        assert errors.startswith("suites/capitals.yaml:")
        assert "expected a time span such as 800ms or 2s or a number that is at least 0, got the number -1\n" in errors
    assert not saved_runs(Path("reports"))


# --- not asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (["-k", "oslo"], 2),
        (["-k", "oslo and gemini-2.5"], 1),
        (["--shard", "1/2"], 2),
    ],
)
def test_a_part_of_a_suite_is_not_held_to_budgets_of_the_whole(project: Project, chosen: list[str], left: int) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    code, output, _ = project.run("run", "suites/capitals.yaml", *chosen)
    assert code == 0
    assert f"2 gates of capitals: not asked: {left} of the suite's 6 trials are in this run" in output
    assert ("gemini-harness merge asks of all shards" in output) == ("--shard" in chosen)
    code, gates = project.gates("run", "suites/capitals.yaml", *chosen)
    assert {(gate["asked"], gate["crossed"]) for gate in gates} == {(False, None)}


@pytest.mark.parametrize("chosen", [["-k", "capitals"], ["--shard", "1/1"], ["--tag", "geography"], ["--repeat", "1"]])
def test_a_selection_with_all_trials_is_held_to_the_budgets(project: Project, chosen: list[str]) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    assert project.run("run", "suites", *chosen)[0] == 1


def test_suites_that_were_not_selected_have_no_gate_results(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    project.gate("wrong", WRONG, "{latency: {max: 1h}}")
    _, gates = project.gates("run", "suites", "-k", "not-bergen")
    assert [gate["suite"] for gate in gates] == ["wrong"]
    assert "(capitals)" not in project.run("run", "suites", "-k", "not-bergen", "--dry-run")[1]


def test_other_targets_are_held_to_the_same_budgets(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    code, gates = project.gates("run", "suites/capitals.yaml", "--model", "gemini-2.5-flash")
    assert (code, [gate["asked"] for gate in gates]) == (1, [True, True])


def test_a_pass_rate_gate_that_is_not_asked_forgives_nothing(project: Project) -> None:
    second = WRONG.replace("cases:", "matrix: {model: [gemini-3-flash-preview]}\ncases:\n  - {id: other, prompt: x}")
    project.gate("wrong", second, "{pass_rate: {min: 0%}}")
    assert project.run("run", "suites/wrong.yaml", "-k", "not-bergen")[0] == 1


def test_trials_that_a_suite_skips_are_not_missing(project: Project) -> None:
    skipping = CAPITALS.replace("- id: oslo", "- id: oslo\n    skip: not now")
    project.gate("capitals", skipping, CROSSED)
    assert [gate["asked"] for gate in project.gates("run", "suites/capitals.yaml")[1]] == [True, True]
    none = skipping.replace("- id: streamed", "- id: streamed\n    skip: not now")
    project.gate("capitals", none, CROSSED)
    code, gates = project.gates("run", "suites/capitals.yaml")
    assert (code, {gate["message"] for gate in gates}) == (5, {"not asked: the suite skips all of its trials"})


def test_missing_recordings_that_are_skipped_are_missing(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    shutil.rmtree("cassettes/capitals/oslo")
    code, gates = project.gates("run", "suites/capitals.yaml", "--skip-missing")
    assert (code, {gate["asked"] for gate in gates}) == (0, {False})


def test_a_resumed_run_is_held_to_the_budgets_when_complete(project: Project) -> None:
    failing = CAPITALS.replace("icontains: oslo", "icontains: bergen", 1)
    project.gate("capitals", failing, "{pass_rate: {min: 50%}, totalTokenCount: {max: 0}}")
    code, gates = project.gates("run", "suites/capitals.yaml", "--fail-fast")
    assert (code, {gate["message"] for gate in gates}) == (
        1,
        {"not asked: 1 of the suite's 6 trials are in this run"},
    )
    _, output, _ = project.run("run", "--resume")
    assert "pass_rate is 66.67%, 4 of 6 attempts in 6 cells" in output
    assert "not asked" not in output


def test_a_finished_run_is_not_reported_as_cut_short(project: Project) -> None:
    project.gate("capitals", CAPITALS, "{cost: {total: 1}}")
    model = ("--model", "gemini-3.8-flash")
    code, said, _ = project.run("run", "suites/capitals.yaml", "--live", "--max-cost", "0.0000001", *model)
    assert (
        code,
        "* the ceiling of $0.00000010 would be exceeded" in said,
        "1 gate of capitals: not asked" in said,
    ) == (
        6,
        True,
        True,
    )
    code, output, _ = project.run("run", "--resume", "--max-cost", "5")
    assert (code, "ceiling" in output, "gate cost may be at most $1 in all (capitals): holds" in output) == (
        0,
        False,
        True,
    )
    assert "ceiling" not in project.run("report", "last")[1]


def test_a_dry_run_names_the_gates_that_will_be_asked(project: Project) -> None:
    project.gate("capitals", CAPITALS, "{latency: {max: 2s, rise: 25%}}")
    _, said, _ = project.run("run", "suites", "--dry-run", "--gate", "cost.total=1")
    assert "gate cost may be at most $1 in all: will be checked" in said
    assert "gate latency may be at most 2 s (capitals): will be checked" in said
    assert "rise" not in said
    part = ("run", "suites/capitals.yaml", "--dry-run", "-k", "oslo")
    why = "2 of the suite's 6 trials are in this run"
    assert f"gate latency may be at most 2 s (capitals): will not be checked: {why}" in project.run(*part)[1]
    assert project.gates(*part)[1] == [
        {"gate": "latency may be at most 2 s", "suite": "capitals", "asked": False, "why": why}
    ]


# --- of a candidate -----------------------------------------------------------------------------------


def test_a_candidate_with_a_part_of_a_suite_has_no_budgets(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    project.run("run", "suites/capitals.yaml")
    project.run("run", "suites/capitals.yaml", "-k", "oslo")
    whole, part = saved_runs(Path("reports"))
    code, gates = project.gates("compare", whole, part)
    assert code == 0
    assert [(gate["name"], gate["asked"], gate["crossed"]) for gate in gates] == [
        ("latency", True, False),
        ("latency", False, None),
        ("totalTokenCount", False, None),
        ("hard", True, False),
    ]
    assert {gate["message"] for gate in gates[1:3]} == {f"not asked: 2 of the suite's 6 trials are in run {part}"}
    for shown in ("table", "markdown"):
        _, output, _ = project.run("compare", whole, part, "--format", shown)
        assert output.count(f"2 gates of capitals: not asked: 2 of the suite's 6 trials are in run {part}") == 1
    _, output, _ = project.run("compare", whole, part, "--format", "html")
    assert output.count(f"2 gates of capitals: not asked: 2 of the suite&#x27;s 6 trials are in run {part}") == 1
    _, output, _ = project.run("compare", whole, part, "--format", "github")
    assert "cannot tell" not in output.partition("::notice")[0]
    code, gates = project.gates("compare", part, whole)
    assert (code, [gate["asked"] for gate in gates]) == (1, [True] * 4)


def test_axis_values_of_a_partial_run_have_no_budgets(project: Project) -> None:
    project.gate("capitals", CAPITALS, "{totalTokenCount: {max: 0}}")
    project.run("run", "suites/capitals.yaml", "-k", "oslo")
    project.run("run", "suites/capitals.yaml")
    part, whole = saved_runs(Path("reports"))
    assert [
        project.run("compare", run, "--axis", "model=gemini-2.5-flash", "--axis", "model=gemini-3-flash-preview")[0]
        for run in (part, whole)
    ] == [0, 1]
    assert project.run("compare", part, "--gate", "totalTokenCount.max=0")[0] == 1


def test_a_candidate_of_unknown_size_is_held_to_budgets(project: Project) -> None:
    project.run("run", "suites/capitals.yaml", "-k", "oslo")
    project.gate("capitals", CAPITALS, "{totalTokenCount: {max: 0}}")
    assert project.gates("compare", "last", "last")[0] == 1


def test_a_run_cut_short_before_it_had_budgets_has_none(project: Project) -> None:
    project.run("run", "suites/wrong.yaml", "suites/capitals.yaml", "--fail-fast")
    project.gate("wrong", WRONG, "{totalTokenCount: {max: 0}}")
    code, gates = project.gates("compare", "last", "last")
    (run,) = saved_runs(Path("reports"))
    assert (code, [gate["message"] for gate in gates]) == (
        0,
        [f"not asked: 1 of the 7 trials that were to be played are in run {run}"],
    )


# --- saved, merged, shown again -----------------------------------------------------------------------


def test_a_saved_run_shows_its_gates_again(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    _, gates = project.gates("run", "suites/capitals.yaml", "--gate", "cost.total=1")
    assert len(gates) == 3
    assert project.gates("report", "last") == (0, gates)
    _, junit = project.junit("report", "last")
    assert len(junit.findall("testsuite[@name='gates']/testcase/failure")) == 1
    _, output, _ = project.run("report", "last", "--format", "markdown")
    assert "**6 passed, 1 gate crossed**" in output


def test_a_merged_run_is_held_to_the_budgets_of_its_suites(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    whole = project.gates("run", "suites", "--gate", "pass_rate.min=50%", "--gate", "latency.max=1h")
    for number in (1, 2):
        project.run(
            "run", "suites", "--shard", f"{number}/2", "--gate", "pass_rate.min=50%", "--gate", "latency.max=1h"
        )
    parts = saved_runs(Path("reports"))[1:]
    assert project.gates("merge", *parts) == whole
    _, output, _ = project.run("report", "last")
    assert "not asked" not in output


def test_a_folder_with_one_run_stands_for_it(project: Project) -> None:
    for number in (1, 2):
        project.run("run", "suites", "--shard", f"{number}/2", "--reports", f"shard-{number}")
    code, output, errors = project.run("merge", "shard-1", "shard-2")
    assert (code, "trials" in output, errors) == (1, True, "")
    project.run("run", "suites", "--shard", "1/2", "--reports", "shard-1")
    code, _, errors = project.run("merge", "shard-1", "shard-2")
    assert (code, "shard-1 holds 2 saved runs, such as shard-1/" in errors) == (4, True)


def test_shards_with_different_gates_cannot_be_merged(project: Project) -> None:
    project.run("run", "suites", "--shard", "1/2", "--gate", "pass_rate.min=50%")
    project.run("run", "suites", "--shard", "2/2")
    code, _, errors = project.run("merge", *saved_runs(Path("reports")))
    assert (code, "these are not parts of one run; --gate: " in errors) == (4, True)


def test_a_merge_of_some_shards_is_not_held_to_budgets(project: Project) -> None:
    project.gate("capitals", CAPITALS, CROSSED)
    project.run("run", "suites/capitals.yaml", "--shard", "1/2")
    code, gates = project.gates("merge", "last", "--partial")
    assert (code, {gate["message"] for gate in gates}) == (0, {"not asked: 2 of the suite's 6 trials are in this run"})


@pytest.mark.parametrize("damage", ['"none"', "[1]", '[{"gate": "latency"}]'])
def test_invalid_gates_in_a_run_file_are_a_damaged_run(project: Project, damage: str) -> None:
    project.run("run", "suites/capitals.yaml", "--gate", "latency.max=1h")
    path = load("last").path
    *lines, last = path.read_text().splitlines()
    ending = json.loads(last)
    ending["run"]["gates"] = json.loads(damage)
    path.write_text("\n".join([*lines, json.dumps(ending)]) + "\n")
    code, _, errors = project.run("report", "last")
    assert (code, "`$.gates" in errors, "in its header" in errors) == (4, True, True)


# --- JUnit agrees with the exit code ------------------------------------------------------------------


def test_servers_see_no_failure_where_a_gate_forgives_it(project: Project) -> None:
    paths = ("run", "suites/capitals.yaml", "suites/wrong.yaml")
    code, root = project.junit(*paths)
    assert (code, root.get("failures")) == (1, "1")
    code, root = project.junit(*paths, "--gate", "pass_rate.min=50%")
    assert (code, root.get("failures"), root.get("errors")) == (0, "0", "0")
    suite = root.find("testsuite[@name='wrong']")
    assert suite is not None
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    skipped = suite.find("testcase/skipped")
    assert skipped is not None
    message = "failed, but forgiven because pass_rate must be at least 50% holds: text: expected"
    assert str(skipped.get("message")).startswith(message)
    assert "again: gemini-harness run" in str(skipped.text)


@pytest.mark.parametrize("gate", ["pass_rate.min=99%", "pass_rate.min=50%@95%", "latency.max=1h"])
def test_a_failure_that_no_gate_forgives_is_a_failure(project: Project, gate: str) -> None:
    code, root = project.junit("run", "suites/wrong.yaml", "suites/capitals.yaml", "--gate", gate)
    assert (code in (1, 7), root.find("testsuite[@name='wrong']/testcase/failure") is not None) == (True, True)


def test_a_comparison_has_a_case_for_its_bottom_line_and_one_for_each_gate(project: Project) -> None:
    project.run("run", "suites/capitals.yaml")
    code, root = project.junit("compare", "last", "last", "--gate", "hard=text", "--gate", "totalTokenCount.max=0")
    assert (code, [case.get("name") for case in root.iter("testcase")]) == (
        1,
        ["bottom line", "hard: text", "totalTokenCount may be at most 0"],
    )
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    assert str(root.findtext("testsuite/testcase/system-out")).startswith("same: ")
    assert [one.attrib for one in suite.iterfind("properties/property")] == [{"name": "simulated", "value": "true"}]


def test_a_comparison_without_a_cell_on_both_sides_is_an_error(project: Project) -> None:
    for suite in ("capitals", "wrong"):
        project.run("run", f"suites/{suite}.yaml")
    first, second = saved_runs(Path("reports"))[-2:]
    code, root = project.junit("compare", first, second)
    error = root.find("testsuite/testcase/error")
    assert (code, error is not None and error.get("message")) == (
        5,
        "cannot tell: the two sides have no cell in common",
    )


def test_github_shows_a_forgiven_failure_as_a_warning(project: Project) -> None:
    paths = ("run", "suites", "--format", "github")
    assert "::error file=suites/wrong.yaml" in project.run(*paths)[1]
    _, output, _ = project.run(*paths, "--gate", "pass_rate.min=50%")
    assert "::warning file=suites/wrong.yaml" in output
    assert "forgiven: pass_rate must be at least 50%" in output
    assert "::error" not in output
