"""Recordings of real traffic: all are read, and only true faults are found."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from harness.judge.audit import Audit, audit
from harness.transport import cassette

CREW = "crewAIInc+crewAI/lib/crewai/tests/cassettes/llms/google/test_gemini_tool_returning_float.yaml"
LMNR = "lmnr-ai+lmnr-python/tests/cassettes/test_google_genai/test_google_genai_no_tokens.yaml"
TRUE_FAULTS = {
    (CREW, "visible-output"): 2,  # STOP with one empty text part
    (LMNR, "usage-present"): 1,  # the total was edited to null
}
"""(file, rule) -> how often. The rest are calls of ``list_files``, which the request never declared."""


@pytest.fixture(scope="module")
def audited(shared: Path) -> tuple[Audit, Path, list[dict[str, str]]]:
    recordings = shared / "recordings"
    rows = list(csv.DictReader((recordings / "INDEX.csv").read_text("utf-8").splitlines()))
    ours = [row for row in rows if row["format"].startswith("vcrpy")]
    files = sorted({recordings / row["repo"] / row["file"] for row in ours})
    return audit(cassette.read(file) for file in files), recordings, ours


def test_every_native_exchange_of_the_index_is_heard(audited: tuple[Audit, Path, list[dict[str, str]]]) -> None:
    done, recordings, rows = audited
    native = {
        (str(recordings / row["repo"] / row["file"]), int(row["index"])): row
        for row in rows
        if row["operation"] in ("generateContent", "streamGenerateContent")
    }
    heard = {(each.file, each.index): each for each in done.exchanges}
    assert heard.keys() == native.keys()
    for key, row in native.items():
        assert str(heard[key].status) == row["http_status"]
        assert heard[key].operation == row["operation"]
        last = row["finish_reasons"].split(";")[-1] if row["finish_reasons"] else ""
        if not last.isdigit():
            assert (heard[key].finishReason or "") == last, key


def test_only_true_faults_are_errors(audited: tuple[Audit, Path, list[dict[str, str]]]) -> None:
    done, recordings, _ = audited
    found = Counter((str(Path(each.file).relative_to(recordings)), each.rule) for each in done.errors)
    undeclared = {key: count for key, count in found.items() if key[1] == "function-declared"}
    assert {key: count for key, count in found.items() if key not in undeclared} == TRUE_FAULTS
    messages = {each.message for each in done.errors if each.rule == "function-declared"}
    assert messages == {"'list_files' is not declared in the request; declared: get_file"}
    assert sum(undeclared.values()) == 10


def test_warnings_stay_rare(audited: tuple[Audit, Path, list[dict[str, str]]]) -> None:
    done, *_ = audited
    warnings = [each for each in done.findings if each.severity == "warn"]
    assert len(warnings) < len(done.exchanges) / 5
