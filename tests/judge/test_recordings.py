"""Recordings of real traffic: every file is read, and only real faults are found."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.compare.audit import Audit, audit
from harness.gemini.definition import CALLS, COLLECTIONS
from harness.judge import judging
from harness.judge.recorded import CHAT, operation_at
from harness.judge.registry import GENERATING, all_rules
from harness.transport import cassette
from harness.transport.cassette import Tape

CREW = "crewAIInc+crewAI/lib/crewai/tests/cassettes/llms/google/test_gemini_tool_returning_float.yaml"
LMNR = "lmnr-ai+lmnr-python/tests/cassettes/test_google_genai/test_google_genai_no_tokens.yaml"
TRUE_FAULTS = {
    (CREW, "visible-output"): 2,  # STOP with one empty text part
    (LMNR, "usage-present"): 1,  # the total was edited to null
}
"""(file, rule) -> how often. The rest are calls of ``list_files``, which the request never declared."""


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((shared / "recordings/INDEX.csv").read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
def tape(shared: Path) -> Callable[[str], Tape]:
    """Reads a file below the folder of recordings, once."""
    return cache(lambda file: cassette.read(shared / "recordings" / file))


@pytest.fixture(scope="module")
def audited(
    shared: Path, rows: list[dict[str, str]], tape: Callable[[str], Tape]
) -> tuple[Audit, Path, list[dict[str, str]]]:
    ours = [row for row in rows if row["format"].startswith("vcrpy")]
    files = sorted({f"{row['repo']}/{row['file']}" for row in ours})
    return audit(map(tape, files)), shared / "recordings", ours


def test_every_native_exchange_of_the_index_is_audited(audited: tuple[Audit, Path, list[dict[str, str]]]) -> None:
    result, recordings, rows = audited
    native = {
        (str(recordings / row["repo"] / row["file"]), int(row["index"])): row
        for row in rows
        if row["operation"] in (*GENERATING, *CALLS)
    }
    others = (CHAT, "uploadToFileSearchStore", *COLLECTIONS)
    exchanges = {(found.file, found.index): found for found in result.exchanges if found.operation not in others}
    assert exchanges.keys() == native.keys()
    for key, row in native.items():
        assert str(exchanges[key].status) == row["http_status"]
        assert exchanges[key].operation == row["operation"]
        last = row["finish_reasons"].split(";")[-1] if row["finish_reasons"] else ""
        if not last.isdigit():
            assert (exchanges[key].finishReason or "") == last, key


def test_only_true_faults_are_errors(audited: tuple[Audit, Path, list[dict[str, str]]]) -> None:
    result, recordings, _ = audited
    found = Counter((str(Path(finding.file).relative_to(recordings)), finding.rule) for finding in result.errors)
    undeclared = {key: count for key, count in found.items() if key[1] == "function-declared"}
    assert {key: count for key, count in found.items() if key not in undeclared} == TRUE_FAULTS
    messages = {finding.message for finding in result.errors if finding.rule == "function-declared"}
    assert messages == {"'list_files' is not declared in the request; declared: get_file"}
    assert sum(undeclared.values()) == 10


def test_warnings_stay_rare(audited: tuple[Audit, Path, list[dict[str, str]]]) -> None:
    result, *_ = audited
    warnings = [finding for finding in result.findings if finding.severity == "warn"]
    assert len(warnings) < len(result.exchanges) / 25


def test_rules_that_are_not_asked_would_find_nothing(
    audited: tuple[Audit, Path, list[dict[str, str]]], tape: Callable[[str], Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _, rows = audited
    asked = {name: replace(rule, needs=frozenset()) for name, rule in all_rules().items()}
    monkeypatch.setattr(judging, "all_rules", lambda: asked)
    files = sorted({f"{row['repo']}/{row['file']}" for row in rows})
    assert audit(map(tape, files)).findings == result.findings


WITHOUT_AN_ANSWER = 3
"""Streams whose recorder kept no event."""


def test_every_native_exchange_of_every_format_is_read(rows: list[dict[str, str]], tape: Callable[[str], Tape]) -> None:
    native = [row for row in rows if row["operation"] in ("generateContent", "streamGenerateContent")]
    files = {f"{row['repo']}/{row['file']}": row["format"] for row in native}
    expected = Counter(row["format"] for row in native)
    found: Counter[str] = Counter()
    unanswered = 0
    for name, kind in sorted(files.items()):
        assert not tape(name).unread, name
        found[kind] += sum(
            operation_at(interaction.exchange.request.url) is not None for interaction in tape(name).interactions
        )
        unanswered += sum(operation_at(item.request.url) is not None for item in tape(name).unanswered)
    assert unanswered == WITHOUT_AN_ANSWER
    assert sum((expected - found).values()) == WITHOUT_AN_ANSWER
    assert found - expected == {}
