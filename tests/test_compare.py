"""What differs between two runs, or two targets of one run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.compare import compare_runs, compare_targets
from harness.summary import summarise
from tests.made import failed, row, unjudged, verdict

statuses = st.sampled_from(["passed", "failed", "error", "skipped"])


def test_flips_are_named_by_check() -> None:
    base = summarise([row("a", verdicts=[verdict("text", ok=True)]), row("b"), row("gone")])
    candidate = summarise([failed("a"), row("b"), row("new")])
    comparison = compare_runs(base, candidate, ("run 1", "run 2"))
    assert [(f.id, f.check, f.before, f.after) for f in comparison.flips] == [
        ("geography/a@simulator/flash", "text", "passed", "failed")
    ]
    assert comparison.notes == [
        "only in run 1: geography/gone@simulator/flash",
        "only in run 2: geography/new@simulator/flash",
    ]


def test_an_invariant_that_broke_is_a_flip() -> None:
    broken = row(status="failed", verdicts=[verdict("invariant:usage-sum", ok=False)])
    comparison = compare_runs(summarise([row()]), summarise([broken]), ("1", "2"))
    assert [(f.check, f.before, f.after) for f in comparison.flips] == [("invariant:usage-sum", "passed", "failed")]


def test_a_cell_that_could_not_be_judged_is_a_flip_of_status() -> None:
    comparison = compare_runs(summarise([row()]), summarise([unjudged()]), ("1", "2"))
    assert [(f.check, f.before, f.after) for f in comparison.flips] == [("status", "passed", "error")]


def test_two_targets_are_paired_by_case_and_axes() -> None:
    rows = [
        row(target=target, axes={"thinking": level}, measures={"thoughtsTokenCount": thoughts})
        for target, level, thoughts in [
            ("g/a", "low", 10),
            ("g/a", "high", 100),
            ("g/b", "low", 14),
            ("g/b", "high", 140),
        ]
    ]
    comparison = compare_targets(summarise(rows), "g/a", "g/b")
    assert len(comparison.paired) == 2
    difference = next(each for each in comparison.differences if each.measure == "thoughtsTokenCount")
    assert (difference.reference, difference.candidate, difference.estimate, difference.pairs) == (55, 77, 22, 2)


def test_a_comparison_claims_no_verdict() -> None:
    verdicts = compare_runs(summarise([row()]), summarise([row()]), ("1", "2")).to_json()["verdicts"]
    assert {(each["verdict"], each["interval"], each["p"], each["needs"]) for each in verdicts} == {
        ("cannot tell", None, None, None)
    }


@given(st.lists(statuses, min_size=1, max_size=5))
def test_a_run_does_not_differ_from_itself(attempts: list[str]) -> None:
    summary = summarise([row(n=n, status=each) for n, each in enumerate(attempts)])
    comparison = compare_runs(summary, summary, ("1", "1"))
    assert not comparison.flips
    assert all(each.estimate == 0 for each in comparison.differences)
