"""``explain``: every id that a message can show is known."""

from __future__ import annotations

from typing import get_args

import pytest

from harness import errors
from harness.cli.commands.explain import ids
from harness.cli.main import main
from harness.compare.fidelity_changes import ChangeKind
from harness.judge.registry import all_checks, all_rules
from harness.simulator.faults import FAULTS


def explained(capsys: pytest.CaptureFixture[str], id: str) -> str:
    assert main(["explain", id]) == 0
    return capsys.readouterr().out


def test_a_rule_says_what_holds_how_to_see_it_and_how_to_allow_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, "invariant:usage-sum")
    assert text.startswith("usage-sum  (invariant)\n\ntotalTokenCount is the sum of")
    assert '\n\nA wrong one:\n  {"usageMetadata": {"promptTokenCount": 5, ' in text
    assert "gemini-harness simulate --fault wrong-sum\n" in text
    assert "waive: {usage-sum: the reason}\n" in text


def test_a_check_shows_how_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "  finishReason: MAX_TOKENS\n" in explained(capsys, "finishReason")


def test_an_exit_code_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert "What to do next:\n  `gemini-harness run --resume` goes on.\n" in explained(capsys, "2")


@pytest.mark.parametrize("id", ["groundingSupports", "candidates-count", "framing", "6"])
def test_sentences_fit_a_terminal(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert max(map(len, explained(capsys, id).splitlines())) <= 80


def test_every_id_is_there() -> None:
    known = ids()
    trials = [fault for fault in vars(errors).values() if isinstance(fault, type)]
    named = {errors.cause(fault("")) for fault in trials if issubclass(fault, errors.CannotAsk | errors.CassetteError)}
    assert set(known["check"]) == set(all_checks())
    assert set(known["invariant"]) == set(all_rules())
    assert set(known["fault"]) == set(FAULTS)
    assert set(known["kind of change"]) == set(get_args(ChangeKind))
    assert known["exit code"] == [str(code) for code in range(8)]
    assert named - set(known["error of a trial"]) == {"cannot-ask", "cassette-error"}


def test_an_unknown_id_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "usage-sun"]) == 4
    assert capsys.readouterr().err == "nothing has the id 'usage-sun'; did you mean \"usage-sum\"?\n"


def test_alone_it_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert "exit code: 0, 1, 2, 3, 4, 5, 6, 7\n" in capsys.readouterr().out
