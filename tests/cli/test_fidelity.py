"""``fidelity`` through the front door: targets of a run, two runs, recordings; gates, known changes, and what cannot be compared."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main

SUITE = """
suite: capitals
tags: [text]
matrix: {transport: [unary, stream]}
cases:
  - id: one
    prompt: What is the capital of Norway? One word.
  - id: two
    prompt: What is the capital of France? One word.
  - id: wrong
    tags: [errors]
    request: {generationConfig: {temperature: 99}}
    prompt: hi
    expect: {http: 400}
repeat: 3
"""
SIDES = ("--target", "simulator", "--target", "simulator-gateway")
FLASH = "gemini-2.5-flash"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a suite at the simulator and at the simulated gateway; recordings of both."""
    folder = tmp_path_factory.mktemp("played")
    (folder / "suites").mkdir()
    (folder / "suites" / "capitals.yaml").write_text(SUITE)
    (folder / "harness.toml").write_text('provider = "simulator"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for provider in ("simulator", "simulator-gateway"):
            recorded = ["--record-mode", "once", "--cassettes", provider]
            assert main(["run", "--target", f"{provider}/{FLASH}", "-q", "--reports", "each", *recorded]) == 0
        both = [f"--target={provider}/{FLASH}" for provider in ("simulator", "simulator-gateway")]
        assert main(["run", "--live", "-q", *both]) == 0
    return folder


@pytest.fixture
def project(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(played, folder)
    monkeypatch.chdir(folder)
    return folder


def document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["fidelity", *arguments, "--format", "json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def changes(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(change["kind"], change["path"]) for change in found["overall"]["changes"] if change["kind"] != "order"}


def test_two_providers_of_a_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "last", *SIDES)
    assert (found["version"], found["reference"], found["candidate"]) == (1, "simulator", "simulator-gateway")
    assert {("framing", "stream line endings"), ("header", "header x-gemini-service-tier")} <= changes(found)
    assert [feature["feature"] for feature in found["features"]] == ["errors", "text"]
    text = found["features"][1]
    assert text["pairs"] == found["overall"]["pairs"] == 18
    (endings,) = (change for change in text["changes"] if change["path"] == "stream line endings")
    assert endings["kind"] == "framing"
    assert endings["pairs"] == endings["of"] <= 9
    assert endings["message"] == "crlf -> lf"
    assert endings["trials"][0].startswith("capitals/one[stream]@simulator-gateway/")


def test_targets_need_not_be_named_where_a_run_has_two(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = document(capsys, "last", "--target", f"simulator/{FLASH}", "--target", f"simulator-gateway/{FLASH}")
    assert changes(document(capsys, "last")) == changes(whole)


def test_what_is_ignored_must_be_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "last", "--ignore", "respnseId", "--ignore", "$.usageMetadata", "--ignore", "header x-*")
    notes = [note for note in found["notes"] if "--ignore" in note]
    assert notes == ['--ignore respnseId leaves nothing out, no answer has it; did you mean "$.responseId"?']
    assert main(["fidelity", "last", "--ignore", "$.usageMetadata"]) == 0
    assert "again: gemini-harness fidelity " in capsys.readouterr().out


def test_two_runs_and_two_folders_say_the_same(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted((project / "each").iterdir())
    runs = document(capsys, str(first), str(second))
    folders = document(capsys, "simulator", "simulator-gateway")
    assert runs["overall"]["pairs"] == folders["overall"]["pairs"] == 18
    kinds = {"dropped", "added", "framing", "header"}
    assert {change for change in changes(runs) if change[0] in kinds} == {
        change for change in changes(folders) if change[0] in kinds
    }
    assert {("header", "header x-gemini-service-tier"), ("header", "header vary")} < changes(folders)
    assert folders["features"][0]["feature"] == "stream"
    assert folders["simulated"] is True


def test_a_side_against_itself_changes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "simulator", "simulator", "--gate", "kept=100%")
    assert changes(found) == set()
    assert found["overall"]["kept"] == 1.0
    assert found["gates"][0]["crossed"] is False


def test_a_gate_that_is_crossed_ends_with_1(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "last", *SIDES, "--gate", "kept=100%", code=1)["gates"][0]["crossed"] is True
    assert document(capsys, "last", *SIDES, "--gate", "kept=10%")["gates"][0]["crossed"] is False


def test_a_list_of_known_changes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "last", *SIDES, "--write-known", "known.yaml"]) == 0
    found = document(capsys, "last", *SIDES, "--known", "known.yaml", "--gate", "kept=100%")
    assert all(change["known"] for change in found["overall"]["changes"] if change["kind"] != "order")
    assert found["overall"]["kept"] < 1
    Path("known.yaml").write_text("- {kind: framing, path: stream line endings, why: the proxy does that}\n")
    found = document(capsys, "last", *SIDES, "--known", "known.yaml", code=1)
    assert [change["path"] for change in found["overall"]["changes"] if change["known"]] == ["stream line endings"]


def test_a_known_status_does_not_hide_another(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_statuses({"wrong": 401})
    assert main(["fidelity", "last", *SIDES, "--write-known", "known.yaml"]) == 0
    listed = Path("known.yaml").read_text()
    assert "- kind: status\n  path: status\n  from: '400'\n  to: '401'\n  pairs: 6\n  of: 6\n" in listed
    document(capsys, "last", *SIDES, "--known", "known.yaml")
    with_statuses({"one": 500, "two": 500})
    found = document(capsys, "last", *SIDES, "--known", "known.yaml", code=1)
    rows = [change for change in found["overall"]["changes"] if change["kind"] == "status"]
    assert [(row["from"], row["to"], row["known"]) for row in rows] == [("200", "500", False), ("400", "401", True)]


def test_reasons_stay_when_the_list_is_written_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("known.yaml").write_text("- {kind: framing, path: stream line endings, why: the proxy does that}\n")
    assert main(["fidelity", "last", *SIDES, "--write-known", "known.yaml"]) == 0
    assert Path("known.yaml").read_text().count("why: the proxy does that") == 1


def test_a_list_without_values_says_that_it_covers_all(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_statuses({"wrong": 401})
    Path("old.yaml").write_text("- {kind: status, path: status}\n")
    found = document(capsys, "last", *SIDES, "--known", "old.yaml", code=1)
    assert [change["known"] for change in found["overall"]["changes"] if change["kind"] == "status"] == [True]
    assert any("1 known change of old.yaml without 'from' and 'to', such as status:" in note for note in found["notes"])


def with_statuses(codes: dict[str, int]) -> None:
    """The gateway answers these cases of the saved run with errors."""
    path = next(Path("reports").iterdir()) / "run.jsonl"
    lines = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if "@simulator-gateway/" in row.get("id", "") and row["case"] in codes:
            code = codes[row["case"]]
            for turn in row["turns"]:
                turn["status"], turn["response"] = code, {"error": {"code": code, "message": "no"}}
        lines.append(json.dumps(row))
    path.write_text("\n".join(lines) + "\n")


def test_paths_are_ignored_with_all_below(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(
        capsys, "last", *SIDES, "--ignore", "header *", "--ignore", "$.usageMetadata", "--ignore", "stream*"
    )
    assert not any(path.startswith(("header", "$.usageMetadata", "stream")) for _, path in changes(found))


def test_recordings_of_other_models_are_paired_by_request(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in Path("simulator-gateway").rglob("*.yaml"):
        file.write_text(file.read_text().replace("models/gemini-2.5-flash:", "models/gemini-3.8-flash:"))
    found = document(capsys, "simulator", "simulator-gateway")
    assert found["overall"]["pairs"] == 18
    assert "no request is to the same model on both sides: requests were paired whatever the model" in found["notes"]


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_every_format_names_the_changes(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "last", *SIDES, "--format", name]) == 0
    out = capsys.readouterr().out
    assert "stream line endings" in out
    assert "SIMULATED" in out
    assert "capitals/one[stream]@simulator-gateway" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["last", "--target", "simulator"], 4, "name two with --target, the reference first"),
        (["last", "--target", "simulator", "--target", "google"], 4, "google is no target of this run"),
        (["last", "last", "--target", "simulator"], 4, "--target compares within one run"),
        (["nowhere"], 4, "no saved run 'nowhere'"),
        (["simulator", "nowhere"], 4, "no such file or folder: nowhere"),
        (["simulator", "suites"], 5, "nothing to compare: the two sides have no answer to the same question"),
        (["last", "--gate", "kept=high"], 4, "expected kept= with a percentage"),
        (["last", "--known", "missing.yaml"], 4, "cannot read missing.yaml"),
        (["last", "--known", "harness.toml"], 4, "--known harness.toml: expected a list of {kind: ..., path: ...}"),
        (
            ["last", "--known", "words.yaml"],
            4,
            "--known words.yaml: pairs and of are whole numbers, in the entry of status",
        ),
        (["last", "--known", "torn.yaml"], 4, "--known torn.yaml: expected a list of {kind: ..., path: ...}"),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str], code: int, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("torn.yaml").write_text("- {kind: framing, path\n")
    Path("words.yaml").write_text("- {kind: status, path: status, pairs: many}\n")
    assert main(["fidelity", *arguments]) == code
    assert message in capsys.readouterr().err


def test_a_side_of_errors_only_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(Path("reports").iterdir()) / "run.jsonl"
    lines = [_with_error(line) if "@simulator-gateway/" in line else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    found = document(capsys, "last", *SIDES)
    assert "every answer of simulator-gateway is an error: only statuses and errors can be compared" in found["notes"]
    assert changes(found) >= {("status", "status")}


def _with_error(line: str) -> str:
    row = json.loads(line)
    for turn in row.get("turns", ()):
        turn["status"], turn["response"] = 503, {"error": {"message": "no channel", "type": "gateway_error"}}
    return json.dumps(row)


def test_a_run_without_headers_and_framing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(Path("reports").iterdir()) / "run.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for turn in (turn for row in lines for turn in row.get("turns", ())):
        del turn["headers"], turn["framing"]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in lines))
    found = document(capsys, "last", *SIDES)
    assert "some answers were saved without headers and framing: these were not compared there" in found["notes"]
    assert not any(path.startswith(("header", "stream line")) for _, path in changes(found))


def test_of_a_very_large_answer_a_part_is_compared(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(Path("reports").iterdir()) / "run.jsonl"
    row = json.loads(next(line for line in path.read_text().splitlines() if "/one[unary]@simulator/" in line))
    row["turns"][0]["response"]["numbers"] = [{"number": number} for number in range(300_000)]
    lines = path.read_text().splitlines()
    at = next(index for index, line in enumerate(lines) if "/one[unary]@simulator/" in line)
    path.write_text("\n".join([*lines[:at], json.dumps(row), *lines[at + 1 :]]) + "\n")
    notes = document(capsys, "last", *SIDES)["notes"]
    assert "only a part of 1 answer of simulator was compared: too many values" in notes


def test_the_worst_comes_first_and_is_named_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "last", *SIDES, "--width", "120"]) == 0
    text = capsys.readouterr().out
    table = text.partition("\nchanges\n")[2].partition("\n\n*")[0]
    lines = [line for line in table.splitlines() if line.startswith(("$", "header", "stream"))]
    assert [line.split()[0] for line in lines[:3]] == ["$.usageMetadata.serviceTier", "stream", "header"]
    assert "dropped" in lines[0]
    assert "framing: crlf -> lf" in lines[1]
    bullets = [line for line in text.splitlines() if line.startswith("* capitals/")]
    assert len(bullets) == 1
    assert bullets[0].endswith("#1 shows all of them")
    assert text.count("gemini-harness show") == 1


def edited(edit: Callable[[dict[str, Any]], None]) -> None:
    """The latest run, with the turns of the gateway edited."""
    path = max(Path("reports").iterdir()) / "run.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for turn in (turn for row in rows if "@simulator-gateway/" in row.get("id", "") for turn in row["turns"]):
        edit(turn)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def test_times_have_their_unit_and_no_internal_names(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited(lambda turn: turn.update(times=[at + 2 for at in turn["times"]]))
    assert main(["fidelity", "last", *SIDES, "--format", "markdown", "-v"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"timing: 0\.\d+ s -&gt; 2(\.\d+)? s|timing: 0\.\d+ s -> 2(\.\d+)? s", text)
    assert re.search(r"^- first event: after 0\.\d+ s$", text, re.MULTILINE)
    assert "- line endings: CRLF\n" in text
    assert "+ line endings: LF\n" in text
    assert not any(name in text for name in ("eol:", "times:", "usages:", "bytes:"))


def test_what_may_be_dropped_is_not_all_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--ignore", "header *", "--ignore", "stream*", "--ignore", "$.usageMetadata.serviceTier"]
    both = [f"--target={provider}/{FLASH}" for provider in ("simulator", "simulator-gateway")]
    assert main(["run", "--live", "-q", "--repeat", "1", *both]) == 0
    edited(lambda turn: turn["response"].pop("responseId", None) if turn["transport"] == "unary" else None)
    assert main(["fidelity", "last", *SIDES, *few]) == 0
    text = capsys.readouterr().out
    assert "$.responseId  dropped" in text.partition("cannot tell")[2]
    assert re.search(r"\d\d(\.\d)?% to 100% kept", text)


def test_commands_name_the_suite_and_the_target(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.move("suites", "mine")
    both = [f"--target={provider}/{FLASH}" for provider in ("simulator", "simulator-gateway")]
    assert main(["run", "mine", "--live", "-q", *both]) == 0
    assert main(["fidelity", "last", *SIDES, "--format", "markdown"]) == 0
    (command,) = re.findall(r"^gemini-harness (show .*)$", capsys.readouterr().out, re.MULTILINE)
    assert main(shlex.split(command)) == 0
    assert f"/gateway/v1beta/models/{FLASH}:streamGenerateContent" in capsys.readouterr().out


def test_the_command_names_the_run_that_was_compared(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = Path("reports").iterdir()
    assert main(["fidelity", "last", *SIDES]) == 0
    assert f"gemini-harness fidelity {run.name} --target simulator" in capsys.readouterr().out
