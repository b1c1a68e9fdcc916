"""What differs between two runs, or two targets of one run."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.comparison import (
    Comparison,
    by_value,
    combine,
    compare_axis,
    compare_runs,
    read_answers,
    reference_first,
)
from harness.compare.stats.verdict import Difference
from harness.compare.verdicts import Criteria, sentence
from harness.results.rows import OutcomeRow, Row
from harness.results.summary import summarise
from tests.sample_rows import failed, row, rows_of, run, unjudged, verdict

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


def test_an_invariant_that_fails_is_a_flip() -> None:
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
    comparison = compare_axis(summarise(rows), "target", "g/a", "g/b")
    assert len(comparison.paired) == 2
    difference = next(difference for difference in comparison.differences if difference.measure == "thoughtsTokenCount")
    seen = difference.evidence
    assert (seen.reference, seen.candidate, seen.estimate, seen.pairs, seen.cases) == (55, 77, 22, 2, 1)


def test_the_bottom_line_counts_the_cells_that_are_missing() -> None:
    before, after = [row("a"), row("b"), row("c")], [row("a"), row("d")]
    found = compare_runs(summarise(before), summarise(after), ("1", "2"))
    assert found.conclusion.message.endswith("; the candidate lacks 2 of 3 cells")
    assert (
        "lacks"
        not in compare_runs(summarise(after), summarise([row("a"), row("d"), row("e")]), ("1", "2")).conclusion.message
    )


def test_too_few_cases_name_the_least_number_it_takes() -> None:
    base = summarise([row(name, measures={"totalTokenCount": 100}) for name in "ab"])
    candidate = summarise(
        [row(name, measures={"totalTokenCount": tokens}) for name, tokens in (("a", 110), ("b", 130))]
    )
    found = compare_runs(base, candidate, ("1", "2")).differences
    tokens = next(difference for difference in found if difference.measure == "totalTokenCount")
    assert sentence(tokens).endswith("in 2 cases; p 0.500; needs at least 6 cases")


def test_one_case_says_nothing_about_others() -> None:
    compared = compare_runs(summarise([row()]), summarise([row()]), ("1", "2"), Criteria(scope="cases like these"))
    verdicts = compared.to_json()["verdicts"]
    assert {(verdict["verdict"], verdict["interval"], verdict["needs"]) for verdict in verdicts} == {
        ("cannot tell", None, None)
    }
    assert verdicts[0]["message"] == (
        "cannot tell about cases like these: no difference in 1 case; one case says nothing about others, however often it is repeated"
    )


def swept(**values: list[int]) -> list[Row]:
    """A row per value of ``thinking`` and case; the numbers are thought tokens."""
    return [
        row(f"case-{n}", axes={"thinking": level}, measures={"thoughtsTokenCount": thoughts})
        for level, counted in values.items()
        for n, thoughts in enumerate(counted)
    ]


def test_two_values_of_an_axis_are_paired_by_everything_else() -> None:
    summary = summarise(swept(low=[10, 20, 30, 40, 50, 60, 70], high=[20, 41, 62, 79, 103, 118, 145]))
    assert list(by_value(summary, "thinking")) == ["low", "high"]
    comparison = compare_axis(summary, "thinking", "low", "high")
    assert (comparison.reference, comparison.candidate) == ("thinking=low", "thinking=high")
    thoughts = next(difference for difference in comparison.differences if difference.measure == "thoughtsTokenCount")
    assert thoughts.verdict == "worse"
    assert sentence(thoughts) == (
        "worse on cases like these: +103% (+96 to +107); p 0.016; the typical case +103% (+98 to +107)"
    )


def test_a_level_of_models_is_compared_within_each_model() -> None:
    rows = [row(n, f"g/{m}", axes={"thinking": level}) for n in "ab" for m in "xy" for level in ("low", "high")]
    assert len(compare_axis(summarise(rows), "model", "x", "y").paired) == 4
    assert len(compare_axis(summarise(rows), "thinking", "low", "high").paired) == 4


@pytest.mark.parametrize(
    ("cases", "word", "message"),
    [
        (36, "same", "same on cases like these: all 36 pairs are equal"),
        (
            6,
            "cannot tell",
            (
                "cannot tell about cases like these: no difference in 6 cases; a change in up to 39% of cases would not show; "
                "needs 30 more cases"
            ),
        ),
    ],
)
def test_equal_numbers_say_what_could_not_be_seen(cases: int, word: str, message: str) -> None:
    summary = summarise([row(f"case-{n}", measures={"totalTokenCount": 30 + n}) for n in range(cases)])
    found = compare_runs(summary, summary, ("1", "1")).to_json()["verdicts"]
    tokens = next(verdict for verdict in found if verdict["measure"] == "totalTokenCount")
    assert (tokens["verdict"], tokens["message"]) == (word, message)
    assert (tokens["interval"], tokens["p"]) == (None, None)


def test_no_flip_in_few_cases_is_no_proof_that_there_are_none() -> None:
    summary = summarise([row(f"case-{n}") for n in range(8)])
    rate = compare_runs(summary, summary, ("1", "1")).differences[0]
    assert rate.verdict == "cannot tell"
    assert sentence(rate).startswith(
        "cannot tell about these cases: no difference in 8 cases; a change in up to 31% of cases would not show; "
        "needs 175 to 3,142 more cases, or 22 to 393 more attempts at each"
    )


def test_the_margin_decides_what_is_the_same() -> None:
    summary = summarise([row(f"case-{n}") for n in range(100)])
    verdicts = [
        compare_runs(summary, summary, ("1", "1"), Criteria({"pass_rate": margin})).differences[0].verdict
        for margin in (0.02, 0.05)
    ]
    assert verdicts == ["cannot tell", "same"]


def test_a_comparison_in_which_nothing_passed_says_so() -> None:
    summary = summarise([failed(f"case-{n}") for n in range(8)])
    rate = compare_runs(summary, summary, ("1", "1")).differences[0]
    assert sentence(rate).startswith("cannot tell about these cases: nothing passed on either side in 8 cases; ")


def test_cells_that_could_not_be_judged_give_no_verdict() -> None:
    summary = summarise([unjudged(measures={})])
    assert not compare_runs(summary, summary, ("1", "1")).differences


def test_repeats_give_pass_at_k_and_pass_hat_k() -> None:
    rows = [row(case, n=n, status=status) for case in "ab" for n, status in enumerate(["passed", "passed", "failed"])]
    found = compare_runs(summarise(rows), summarise(rows), ("1", "1")).to_json()["verdicts"][0]
    assert found["repeats"] == {
        "k": 3,
        "reference": {"pass@k": 1, "pass^k": 0},
        "candidate": {"pass@k": 1, "pass^k": 0},
    }


def test_several_candidates_are_corrected_as_one_report() -> None:
    def cells(target: str, passing: int) -> list[Row]:
        return [row(f"case-{n}", target, "passed" if n < passing else "failed") for n in range(12)]

    rows = [*cells("x/one", 12), *cells("x/two", 5), *cells("x/three", 5)]
    alone = [compare_axis(summarise(rows), "target", "x/one", target) for target in ("x/two", "x/three")]
    document = combine("target", alone)
    before, after = ([_rate(comparison) for comparison in report] for report in (alone, document.comparisons))
    assert [assessment.comparisons for assessment in before] == [1, 1]
    assert [assessment.comparisons for assessment in after] == [2, 2] == [document.corrected_for] * 2
    for assessment, corrected in zip(before, after, strict=True):
        assert assessment.p is not None
        assert corrected.p == pytest.approx(2 * assessment.p)
    assert (document.reference, [comparison.candidate for comparison in document.comparisons]) == (
        "x/one",
        ["x/two", "x/three"],
    )


def _rate(comparison: Comparison) -> Difference:
    return next(difference for difference in comparison.differences if difference.measure == "pass_rate")


def test_a_flip_shows_the_answers_of_both_sides() -> None:
    reference = row("a", verdicts=[verdict("text", ok=True)], outcome=outcome_row("Oslo"))
    candidate = [
        row("a", n=1, verdicts=[verdict("text", ok=True)], outcome=outcome_row("Oslo!")),
        failed("a", n=2, outcome=outcome_row("Bergen")),
    ]
    comparison = compare_runs(summarise([reference]), summarise(candidate), ("1", "2"))
    compared = replace(comparison, sources=((run(id="1"), rows_of(reference)), (run(id="2"), rows_of(*candidate))))
    (flip,) = read_answers(compared.flips, compared.sources)
    assert (flip.before, flip.after, flip.answers) == ("passed", "flaky", ("Oslo", "Bergen"))
    document = compared.to_json()
    assert document["runs"] == {"reference": "1", "candidate": "2"}
    assert next(document["flips"])["trials"] == {
        "reference": "geography/a@simulator/flash#1",
        "candidate": "geography/a@simulator/flash#2",
    }


def test_a_flip_shows_the_failure_of_its_own_check() -> None:
    """The cell keeps only its first mismatch; that of another check is read from the rows."""
    reference = row(
        "a", verdicts=[verdict("text", ok=True), verdict("finishReason", ok=True)], outcome=outcome_row("Oslo")
    )
    wrong = [verdict("text", ok=False, message="no Oslo"), verdict("finishReason", ok=False, message="no STOP")]
    candidate = row("a", status="failed", verdicts=wrong, outcome=outcome_row("Bergen"))
    comparison = compare_runs(summarise([reference]), summarise([candidate]), ("1", "2"))
    text, finish = comparison.flips
    assert text.trouble is not None
    assert finish.trouble is None
    found = read_answers(comparison.flips, ((run(id="1"), rows_of(reference)), (run(id="2"), rows_of(candidate))))
    assert [(flip.check, flip.trouble and flip.trouble.verdict) for flip in found] == [
        ("text", wrong[0]),
        ("finishReason", wrong[1]),
    ]


def test_a_flip_of_unary_and_stream_that_disagree_says_so() -> None:
    def twins(streamed: str) -> list[Row]:
        return [
            row("a", axes={"transport": transport}, agree="text", outcome=outcome_row(text))
            for transport, text in (("unary", "Oslo"), ("stream", streamed))
        ]

    comparison = compare_runs(summarise(twins("Oslo")), summarise(twins("Bergen")), ("1", "2"))
    (flip,) = comparison.flips
    assert (flip.check, flip.before, flip.after) == ("status", "passed", "failed")
    assert flip.trouble is not None
    assert flip.trouble.message == "unary and stream disagree: text: 'Oslo' unary, 'Bergen' streamed"


def test_few_cases_within_the_margin_say_what_is_unseen() -> None:
    """Eight cases are 1% slower to 1% faster. One case in three may be far slower, and none of eight would show it."""
    before, after = (
        summarise(row(f"case-{n}", measures={"latency_s": seconds}) for n, seconds in enumerate(times))
        for times in ([1.0] * 8, [1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.003, 0.996])
    )
    latency = compare_runs(before, after, ("1", "2")).differences[1]
    assert latency.verdict == "cannot tell"
    assert "a change in up to 31% of cases would not show" in sentence(latency)


def test_each_side_names_the_sources_of_its_answers() -> None:
    live: Any = {"mode": "live", "recorded_from": "google", "recorded_at": None, "timing": "live", "simulated": False}
    rows = [row("a", "google/pro", provenance=live), row("a", "simulator/pro"), unjudged("b", "google/pro")]
    compared = compare_axis(summarise(rows), "target", "google/pro", "simulator/pro")
    assert compared.simulated
    assert compared.to_json()["provenance"] == {
        "reference": [{"mode": "live", "recorded_from": "google", "simulated": False}],
        "candidate": [{"mode": "replay", "recorded_from": "simulator", "simulated": True}],
    }


def outcome_row(text: str) -> OutcomeRow:
    return OutcomeRow(200, "STOP", ["text"], text)


@given(st.lists(statuses, min_size=1, max_size=5))
def test_a_run_does_not_differ_from_itself(attempts: list[str]) -> None:
    summary = summarise([row(n=n, status=status) for n, status in enumerate(attempts)])
    comparison = compare_runs(summary, summary, ("1", "1"))
    assert not comparison.flips
    assert all(difference.evidence.estimate == 0 for difference in comparison.differences)
    assert all(difference.verdict in ("same", "cannot tell") for difference in comparison.differences)


def test_the_reference_shares_the_most_cells_with_the_others() -> None:
    rows = [
        row("gone", "google/no-such-model"),
        *(row(case, target) for case in "ab" for target in ("google/pro", "google/flash")),
        row("a", "google/lite"),
        row("c", "google/lite"),
    ]
    assert reference_first(by_value(summarise(rows), "target"))[0] == "google/pro"
    assert reference_first(by_value(summarise(rows[:3]), "target"))[0] == "google/pro"
    assert reference_first(by_value(summarise(rows[:1]), "target")) == ["google/no-such-model"]
    assert reference_first(by_value(summarise([]), "target")) == []


def test_answers_of_flips_are_read_only_when_needed() -> None:
    asked: list[str] = []

    def read(_: Container[str], /) -> list[Row]:
        asked.append("rows")
        return []

    comparison = compare_runs(summarise([row("a")]), summarise([failed("a")]), ("1", "2"))
    document = dict(replace(comparison, sources=((run(id="1"), read), (run(id="2"), read))).to_json())
    assert not asked
    assert len(list(document["flips"])) == 1
    assert asked == ["rows", "rows"]
