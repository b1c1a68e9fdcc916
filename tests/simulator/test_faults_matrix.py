"""The shipped suites against every fault of the simulator. Each fault is detected by its rule, in exactly the affected trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.model import Trial
from harness.simulator.faults import FAULTS
from tests import faults

SOMETIMES_WARN = {
    "unasked-thoughts": "an error if the request configures thinking, else a warning",
    "early-finish": "an error if content follows, else a warning",
}


def test_without_a_fault_all_is_green() -> None:
    found = faults.observations()
    assert len(found) > 100
    assert Counter(observation.colour for observation in found) == {"green": len(found)}


@pytest.mark.parametrize(("number", "fault"), list(enumerate(FAULTS)))
def test_a_fault_is_detected_in_exactly_the_affected_trials(number: int, fault: str) -> None:
    """A third of the trials that it affects, and a tenth of the others; `make nightly` plays them all."""
    ids = faults.affected_trials(fault)
    affected = [trial for trial in faults.trials() if trial.id in ids]
    others = [trial for trial in faults.trials() if trial.id not in ids]
    detected(fault, [*(affected[number % 3 :: 3] or affected), *others[number % 10 :: 10]])


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_detected_in_no_other_trial(fault: str) -> None:
    detected(fault, faults.trials())


def detected(fault: str, played: Sequence[Trial]) -> None:
    """Of these trials, those that the fault affects are not green, for the right reason."""
    affected = [observation for observation in faults.observations(fault, played) if observation.colour != "green"]
    assert {observation.trial.id for observation in affected} == faults.affected_trials(fault) & {
        one.id for one in played
    }
    for observation in affected:
        if fault in faults.ERRORS:
            assert observation.colour == "error", (observation.trial.id, observation.names)
            assert all(faults.ERRORS[fault] in name for name in observation.names)
        else:
            warns = faults.only_warns(fault) or fault in SOMETIMES_WARN
            assert observation.colour in (("red", "warn") if warns else ("red",)), (
                observation.trial.id,
                observation.names,
            )
            assert observation.names & faults.detectors(fault), (observation.trial.id, observation.names)


def test_every_fault_with_a_rule_affects_a_shipped_suite() -> None:
    assert [name for name, fault in FAULTS.items() if fault.rule and not faults.affected_trials(name)] == []


def test_every_word_of_reach_is_true_of_some_trial() -> None:
    words = {word for reach in faults.REACH.values() for word in reach.where.replace(" or ", " ").split()}
    assert words <= {word for turns in faults.healthy().values() for turn in turns for word in turn}


def test_reach_and_faults_are_the_same_names() -> None:
    healthy = {"glued", "split", "comments"}
    assert set(faults.REACH) | healthy | {"forgets-cache", "forgets-dimensions", "forgets-media"} == set(FAULTS)


def test_every_shipped_suite_has_a_fault_of_its_own() -> None:
    assert {trial.suite for trial in faults.shipped()} == set(faults.OF_SUITE)


@pytest.mark.parametrize(("suite", "fault"), faults.OF_SUITE.items())
def test_the_fault_of_its_feature_turns_a_suite_red(suite: str, fault: str) -> None:
    assert [found for found in faults.observed(suite) if found.colour == "red"] == []
    assert [found for found in faults.observed(suite, fault) if found.colour == "red"] != []


def test_the_table_counts_trials_and_detectors(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line.split() for line in faults.table(["", "done", "503"]).splitlines()[2:]]
    streams, processed = len(faults.affected_trials("done")), len(faults.affected_trials("503"))
    every = len(faults.trials())
    assert rows[0] == ["(none)", str(every)]
    assert rows[1][:5] == ["done", str(streams), str(every - streams), "sse-framing", str(streams)]
    assert rows[2][:5] == ["503", str(processed), str(every - processed), "HTTP", "503"]
    assert faults.main(["done"]) == 0
    assert capsys.readouterr().out.count("sse-framing") == streams
    assert faults.main(["nonsense"]) == 4


# --- public defects -----------------------------------------------------------------------------------

FAULT_OF_DEFECT = {
    "001 005": "ignored-budget",
    "003": "missing-thoughts",
    "007": "thought-leak",
    "009": "control-text",
    "011 083": "eaten-by-thoughts",
    "013": "unasked-thoughts",
    "015": "thoughts-in-json",
    "016": "no-thinking",
    "017": "number-loop",
    "019": "reversed-keys",
    "021": "prose-for-json",
    "025": "extra-json",
    "027": "missing-key",
    "031 033 110": "400",
    "035 037": "no-chunks",
    "039": "empty-grounding",
    "041": "wrong-part",
    "045": "footnotes",
    "047": "bytes-literal",
    "049": "torn-event",
    "051": "json-instead",
    "053": "error-event",
    "055": "early-finish",
    "057": "no-finish",
    "059": "repeated-text",
    "061": "broken-characters",
    "063": "no-content-type",
    "064": "negative-count",
    "066": "no-thoughts-count",
    "069": "prompt-drift",
    "071": "empty-stop",
    "073": "unexpected-call",
    "075 077": "blocked",
    "079": "no-image",
    "081": "truncation-as-other",
    "085": "wrong-image-type",
    "086": "malformed-call",
    "088": "lost-signature",
    "090": "duplicate-call",
    "092": "substituted-model",
    "096": "forgets-system",
    "098": "forgets-config",
    "100": "503",
    "102": "429-daily",
    "104": "nested-error",
    "106": "openai-error",
    "108": "empty",
    "112": "all-failed",
    "t01": "comments",
    "t13": "split",
}
"""Public defect -> the fault that imitates it."""

LEFT_OUT = {
    "023": "the text null is valid as text: only a suite with that schema can detect it",
    "029": "the limit is a case of its own in the shipped suites; cut JSON is number-loop and truncated-json",
    "043": "healthy answers hold redirects too",
    "094": "the simulator sends no modelStatus that could be dropped",
    "t03 t05 t07 t09 t11": "healthy: what the simulator sends without a fault, or a recording shows",
}


def test_every_public_defect_has_a_fault_or_a_reason(shared: Path) -> None:
    numbers = {path.name[:3] for path in (shared / "defects").glob("*.json")}
    assert {name for names in (*FAULT_OF_DEFECT, *LEFT_OUT) for name in names.split()} == numbers
    assert set(FAULT_OF_DEFECT.values()) <= set(FAULTS)
