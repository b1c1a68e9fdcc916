"""From an old model to a new one: the old from its cassettes, the new one live, at the simulator."""

from __future__ import annotations

import io
import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.compare.comparison import compare_axis
from harness.compare.migration import Migration, bottom_line, changes, unsupported
from harness.report import View, find
from harness.report.blocks import SIMULATED
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.sample_rows import failed, row, unjudged, verdict

SUITE = """
suite: move
cases:
  - id: oslo
    prompt: What is the capital of Norway? One word.
    expect:
      text: {icontains: oslo}
  - id: who
    prompt: What is the capital of France? One word.
    expect:
      modelVersion: gemini-2.5-flash
  - id: off
    thinking: [0, 512]
    prompt: What is the capital of Norway? One word.
  - id: pinned
    model: gemini-3-flash-preview
    prompt: What is the capital of Norway? One word.
"""
OLD, NEW = "simulator/gemini-2.5-flash", "simulator/gemini-3.1-pro-preview"
TITLE = f"{OLD} to {NEW} {''.join(SIMULATED.texts)}"


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite, and the tape of the old model."""
    folder = tmp_path_factory.mktemp("move")
    (folder / "suites").mkdir()
    (folder / "suites" / "move.yaml").write_text(SUITE)
    (folder / "harness.toml").write_text('provider = "simulator"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", "--record-mode", "once", "--target", OLD, "-q"]) == 0
    return folder


@pytest.fixture
def project(taped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(taped, folder, ignore=shutil.ignore_patterns("reports"))
    monkeypatch.chdir(folder)
    return folder


def test_the_old_model_from_tape_against_the_new_one_live(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(project.glob("cassettes/**/*.yaml"))
    assert main(["migrate", OLD, NEW]) == 0
    out = capsys.readouterr().out
    flat = " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    assert flat.startswith(
        f"{TITLE} not yet: 1 cell got worse (modelVersion of move/who@simulator/gemini-3.1-pro-preview) "
        "* move/off[thinking=0]@simulator/gemini-2.5-flash cannot be asked"
    )
    assert "* thinking: budgets 0 (off), 1 to 24576, or -1 (dynamic) -> levels LOW, MEDIUM, HIGH" in flat
    assert "move/off[thinking=0]@simulator/gemini-2.5-flash: its thinking cannot be switched off" in flat
    assert "* reference: replayed; recorded from simulator (SIMULATED answers)" in flat
    assert "* candidate: live from simulator (SIMULATED answers)" in flat
    assert "* 1 case pinned to a model stayed out: move/pinned" in flat
    assert "passed -> failed modelVersion" in flat
    assert sorted(project.glob("cassettes/**/*.yaml")) == before  # live touches no cassette
    assert main(["compare", "last", "--target", OLD, "--target", NEW]) == 0  # both sides are in one saved run


def test_a_name_that_is_nearly_one_of_a_model_is_noted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate", OLD, NEW.replace("preview", "previw"), "-k", "oslo"])
    assert 'did you mean "gemini-3.1-pro-preview"?' in " ".join(capsys.readouterr().out.split())


def test_every_format_has_the_bottom_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, message in (
        ("markdown", "**not yet: 1 cell got worse"),
        ("html", '<p class="bottom-line">not yet: 1 cell got worse'),
    ):
        assert main(["migrate", OLD, "gemini-3.1-pro-preview", "--format", name]) == 0
        assert message in capsys.readouterr().out
    assert main(["migrate", OLD, NEW, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert [flip["check"] for flip in document["flips"]] == ["modelVersion"]
    assert document["migration"]["verdict"] == "not yet"
    assert document["migration"]["simulated"] is True
    assert [cell["id"] for cell in document["migration"]["unsupported"]] == [
        "move/off[thinking=0]@simulator/gemini-2.5-flash"
    ]


def test_the_provider_is_a_part_of_the_models(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", OLD, NEW, "--provider", "simulator"]) == 4
    assert (
        "examples:\n  gemini-harness migrate google/gemini-2.5-flash google/gemini-3-flash-preview\n"
        in capsys.readouterr().err
    )


def test_a_gate_fails_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", OLD, NEW, "--gate", "hard=modelVersion"]) == 1
    assert "gate hard: modelVersion: crossed" in capsys.readouterr().out


def test_budgets_are_asked_of_all_that_a_migration_can_play(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = project / "suites/move.yaml"
    suite.write_text(f"{SUITE}compare: {{gate: {{totalTokenCount: {{max: 0}}}}}}\n")
    assert main(["migrate", OLD, NEW, "-k", "oslo"]) == 0
    message = " ".join(capsys.readouterr().out.split())
    assert "1 gate of move: not asked: 2 of the suite's 7 trials are in run " in message
    assert not message.startswith("not yet")
    assert main(["migrate", OLD, NEW]) == 1
    assert "gate totalTokenCount may be at most 0 (move): crossed" in capsys.readouterr().out


def test_the_new_model_may_be_recorded_and_replayed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", OLD, NEW, "-k", "oslo", "--record-mode", "once"]) == 0
    assert list(project.glob("cassettes/**/simulator.gemini-3.1-pro-preview.yaml"))
    capsys.readouterr()
    assert main(["migrate", OLD, NEW, "-k", "oslo", "--record-mode", "none"]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "candidate: replayed; recorded from simulator (SIMULATED answers)" in flat


def test_what_the_new_side_lacks_is_never_green(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", OLD, NEW, "-k", "oslo", "--record-mode", "none"]) == 6
    flat = " ".join(capsys.readouterr().out.split())
    assert "cannot tell: no answer of the new model could be judged (1 cell)" in flat
    assert "* 1 answer could not be judged" in flat


def test_without_a_tape_of_the_old_one_the_new_one_is_not_asked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / "cassettes")
    assert main(["migrate", OLD, NEW]) == 6
    error = capsys.readouterr().err
    assert "no trial of simulator/gemini-2.5-flash could be judged, so the new model was not played" in error
    assert f"gemini-harness run suites/move.yaml --target {OLD} --record-mode once" in error
    assert "2026-12-01" in error  # until when there is somebody to record from


def test_a_ceiling_ends_it_and_what_was_played_is_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", OLD, NEW, "--max-cost", "0.0000001"]) == 6
    assert "the ceiling of $0.00000010 would be exceeded" in capsys.readouterr().err
    assert main(["report", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run"]["interrupted"] is True
    assert {row["target"] for row in document["results"]} == {OLD}
    kept = len(document["results"])
    assert main(["migrate", "--resume", "--max-cost", "5"]) == 0
    message = capsys.readouterr()
    assert f"goes on: {kept} trials kept, " in message.err
    assert " ".join(message.out.split()).startswith(f"{TITLE} not yet: 1 cell got worse")
    assert main(["migrate", "--resume"]) == 4
    assert "(migrate --resume ID plays again what got no answer)" in capsys.readouterr().err


def test_fail_fast_stops_at_the_first_trial_that_got_worse(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["--record-mode", "once"]):
        assert main(["migrate", OLD, NEW, "--fail-fast", "--concurrency", "1", *argv]) == 1
        message = capsys.readouterr()
        flat = " ".join(message.out.split())
        assert flat.startswith(
            f"{TITLE} not yet: 1 cell got worse (modelVersion of move/who@simulator/gemini-3.1-pro-preview)"
        )
        assert "move/off[thinking=0]@simulator/gemini-2.5-flash: its thinking cannot be switched off" in flat
        assert "move/off[thinking=512]" not in flat
        (run,) = re.findall(r"\* run (\S+) was cut short: 6 of 7 trials are in it", flat)
        assert f"go on with it: gemini-harness migrate --resume {run}" in message.err
        assert main(["migrate", "--resume", "--fail-fast"]) == 0
        message = capsys.readouterr()
        assert "6 trials kept, 1 to play" in message.err
        assert "cut short" not in message.out


def test_a_misspelled_old_model_names_the_near_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "gemini-2.5-flsh", NEW]) == 6
    assert 'did you mean "gemini-2.5-flash"?' in capsys.readouterr().err


def test_fail_fast_goes_past_what_the_old_model_fails_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = project / "suites/move.yaml"
    suite.write_text(SUITE.replace("icontains: oslo", "icontains: bergen"))
    assert main(["migrate", OLD, NEW, "--fail-fast", "--concurrency", "1"]) == 1
    assert "modelVersion of move/who@simulator/gemini-3.1-pro-preview" in " ".join(capsys.readouterr().out.split())


def test_fail_fast_of_what_could_not_be_asked_is_6(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", OLD, NEW, "-k", "oslo or who", "--fail-fast", "--record-mode", "none"]) == 6
    flat = " ".join(capsys.readouterr().out.split())
    assert flat.startswith(f"{TITLE} cannot tell: no answer of the new model could be judged (1 cell)")
    assert "1 answer could not be judged" in flat
    assert "was cut short: 3 of 4 trials are in it" in flat


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([OLD, OLD], f"{OLD} is both the old and the new model"),
        ([OLD, "simulator/"], "'simulator/' is not a target: write provider/model, or a model of simulator"),
        ([OLD, "gogle/gemini-4-carbon"], "gogle"),
        ([OLD, NEW, "--live", "--record-mode", "once"], "not both"),
        ([OLD, NEW, "-k", "pinned"], f"no case runs on {OLD}: every case pins another model, or is skipped"),
        ([OLD, NEW, "--fail-fast", "--gate", "pass_rate=2pp"], "--fail-fast and --max-failures end early"),
        ([OLD, NEW, "--format", "junit"], "no format 'junit' for a migration"),
    ],
)
def test_bad_usage_is_a_sentence_and_4(
    project: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    assert main(["migrate", *argv]) == 4
    assert message in capsys.readouterr().err


# --- facts and the bottom line ------------------------------------------------------------------------

DAY = date(2026, 11, 20)


def test_what_the_new_model_refuses_is_reported_beforehand() -> None:
    message = list(changes("gemini-2.5-flash", "gemini-4-carbon", DAY))
    assert message == [
        "thinking: budgets 0 (off), 1 to 24576, or -1 (dynamic) -> levels LOW, MEDIUM, HIGH",
        "default thinking: dynamic -> medium",
        "thinkingBudget 0, 1, 24576, -1 will be refused: it takes thinking levels, not budgets: LOW, MEDIUM, HIGH",
        "output tokens without a stream: at most 65,536 -> 32,768",
        "temperature, topP and topK are accepted, but ignored",
        "not known to hold any more: responseLogprobs is refused",
        "there is no free tier",
        "lost: explicit_cache",
        "gained: builtin_tools_with_functions, computer_use, json_mode_with_tools, long_decode, office_files_in, server_side_tool_invocations",
        "stage: deprecated -> ga",
        "gemini-2.5-flash: deprecated, ends 2026-12-01, from then on gemini-3.5-flash-lite answers for it; closed to new keys",
    ]


def test_a_level_that_the_new_model_lacks_is_named() -> None:
    message = list(changes("gemini-3-flash-preview", "gemini-3.1-pro-preview", DAY))
    assert "thinkingLevel MINIMAL will be refused: it has no level MINIMAL: LOW, MEDIUM, HIGH" in message


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert list(changes("gemini-99-ultra", "gemini-4-argon", DAY)) == ["nothing is known about gemini-99-ultra"]


def sides(passing: int, of: int, *more: Row) -> list[Row]:
    """A reference that passes all, and a candidate that passes so many."""
    make = [row if number < passing else failed for number in range(of)]
    new = [make_row(f"case-{number:03}", "p/new") for number, make_row in enumerate(make)]
    return [*(row(f"case-{number:03}", "p/old") for number in range(of)), *new, *more]


def line(rows: list[Row]) -> str:
    comparison = compare_axis(summarise(rows), "target", "p/old", "p/new")
    return str(bottom_line(comparison, unsupported(comparison, "new")))


def test_switching_is_safe_if_nothing_got_worse() -> None:
    assert line(sides(400, 400)).startswith("may be switched: no check got worse in 400 cells; pass rate same on cases")


def test_few_cells_cannot_tell() -> None:
    message = line(sides(3, 3))
    assert message.startswith(
        "cannot tell: no check got worse in 3 cells, but that is not enough; pass rate no difference in"
    )
    assert "more cases" in message


def test_a_flip_for_the_worse_is_not_yet() -> None:
    assert line(sides(399, 400)).startswith("not yet: 1 cell got worse (text of geography/case-399@p/new)")
    assert "pass rate worse on cases like these: -50.0 pp" in line(sides(200, 400))


@pytest.mark.parametrize(("passing", "of"), [(400, 400), (200, 400), (3, 3), (2, 3)])
def test_a_report_says_once_what_the_pass_rate_comes_to(passing: int, of: int) -> None:
    comparison = compare_axis(summarise(sides(passing, of)), "target", "p/old", "p/new")
    out = io.StringIO()
    find("table", "migration")(Migration(comparison, [], []), View(), out)
    above = " ".join(out.getvalue().partition("measure  ")[0].split())
    assert len(re.findall(r"pass rate (same|worse|no difference|-\d)", above)) == 1


def test_two_checks_of_one_cell_are_one_cell_that_got_worse() -> None:
    passes, fails = ([verdict(check, ok=ok) for check in ("json", "finishReason")] for ok in (True, False))
    rows = [row("a", "p/old", verdicts=passes), row("a", "p/new", "failed", verdicts=fails)]
    assert line(rows).startswith("not yet: 1 cell got worse (json of geography/a@p/new)")


def test_what_the_new_one_cannot_be_asked_is_not_yet() -> None:
    lone = row("thinks", "p/old", axes={"thinking": 0})
    assert line(sides(400, 400, lone)).startswith(
        "not yet: geography/thinks[thinking=0]@p/old cannot be asked as it is: the suite sets other thinking values"
    )


def test_what_could_not_be_judged_cannot_tell() -> None:
    lost = [row("lost", "p/old"), unjudged("lost", "p/new")]
    assert "1 answer could not be judged" in line(sides(400, 400, *lost))
    assert line([row("a", "p/old")]) == "cannot tell: the two sides have no cell in common"
    error = unjudged("a").error
    nothing = line([row("a", "p/old"), unjudged("a", "p/new")])
    assert error
    assert nothing.startswith(f"cannot tell: no answer of the new model could be judged (1 cell); {error.message};")
