"""The bottom line of a comparison, and the breaks that need no statistics."""

from __future__ import annotations

import io

import pytest

from harness.cli.commands.compare import code
from harness.compare.comparison import Comparison, compare_runs
from harness.report import View, find
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.sample_rows import failed, row, unjudged, verdict
from tests.simulated import Checked, wrong_lines


def compared(before: list[list[bool]], after: list[list[bool]], check: str = "json") -> Comparison:
    """The outcome of a check at every attempt of every case, on both sides."""
    reference, candidate = (
        summarise(
            row(
                f"case-{case}",
                n=n + 1,
                status="passed" if ok else "failed",
                verdicts=[] if ok and check.startswith("invariant:") else [verdict(check, ok=ok)],
            )
            for case, attempts in enumerate(side)
            for n, ok in enumerate(attempts)
        )
        for side in (before, after)
    )
    return compare_runs(reference, candidate, ("1", "2"))


@pytest.mark.parametrize("check", ["json", "invariant:usage-sum"])
@pytest.mark.parametrize(("cells", "attempts"), [(3, 2), (6, 1), (3, 5)])
def test_a_check_that_fails_everywhere_is_a_break(check: str, cells: int, attempts: int) -> None:
    found = compared([[True] * attempts] * cells, [[False] * attempts] * cells, check)
    assert [(one.check, one.cells, one.attempts) for one in found.breaks] == [(check, cells, cells * attempts)]
    assert found.conclusion.verdict == "worse"
    assert found.conclusion.message.startswith(
        f"{check} held in every attempt of the reference, and fails in all {cells * attempts} attempts at {cells} cells"
    )
    assert code(found) == 1
    assert found.to_json()["breaks"][0]["check"] == check


def test_a_break_stands_in_every_format() -> None:
    found = compared([[True]] * 6, [[False]] * 6)
    for name in ("table", "markdown", "html", "github"):
        out = io.StringIO()
        find(name, "comparison")(found, View(), out)
        shown = " ".join(out.getvalue().split())
        assert "json held in every attempt of the reference, and fails in all 6 attempts at 6 cells" in shown


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([[True] * 3] * 2, [[False] * 3] * 2),  # two cells
        ([[True]] * 5, [[False]] * 5),  # five attempts
        ([[True] * 2] * 5 + [[True, False]], [[False] * 2] * 6),  # it failed before
        ([[True] * 2] * 6, [[False] * 2] * 5 + [[True, False]]),  # it holds at times
    ],
)
def test_less_than_everywhere_is_no_break(before: list[list[bool]], after: list[list[bool]]) -> None:
    found = compared(before, after)
    assert not found.breaks
    assert code(found) == 0


def test_a_break_of_one_suite_is_named() -> None:
    def rows(ok: bool) -> list[Row]:
        return [
            *(row(f"a-{n}", suite="a", verdicts=[verdict("text", ok=True)]) for n in range(8)),
            *(
                row(f"b-{n}", suite="b", status="passed" if ok else "failed", verdicts=[verdict("text", ok=ok)])
                for n in range(8)
            ),
        ]

    [found] = compare_runs(summarise(rows(True)), summarise(rows(False)), ("1", "2")).breaks
    assert (found.check, found.suite, found.cells) == ("text", "b", 8)


@pytest.mark.parametrize(("cases", "found"), [(6, []), (12, ["suite-0"])])
def test_among_many_suites_a_break_takes_more_attempts(cases: int, found: list[str]) -> None:
    """In one of 40 suites a check that passes half of the time holds 6 times, and then fails 6 times, in 1% of reports."""

    def rows(ok: bool) -> list[Row]:
        held = [(f"suite-{suite}", n, ok if not suite else bool(n % 2)) for suite in range(40) for n in range(cases)]
        return [row(f"case-{n}", suite=suite, verdicts=[verdict("text", ok=holds)]) for suite, n, holds in held]

    broken = compare_runs(summarise(rows(True)), summarise(rows(False)), ("1", "2")).breaks
    assert [one.suite for one in broken] == found


def test_sides_that_are_alike_seldom_end_in_a_break() -> None:
    """8 reports on 40 suites, each with four checks that pass half of the time: 6 attempts alone would break in half of them."""
    assert wrong_lines(Checked(40, 3, 2, 4, 0.5), 8).broke == 0


def test_answers_that_could_not_be_judged_are_no_break() -> None:
    before = summarise(row(f"case-{n}", verdicts=[verdict("json", ok=True)]) for n in range(8))
    after = summarise(unjudged(f"case-{n}") for n in range(8))
    assert not compare_runs(before, after, ("1", "2")).breaks


def test_a_report_leads_with_one_bottom_line() -> None:
    before = summarise(row(f"case-{n:03}") for n in range(180))
    after = summarise((failed if n < 21 else row)(f"case-{n:03}") for n in range(180))
    found = compare_runs(before, after, ("1", "2")).conclusion
    assert str(found).startswith("worse: 21 of 180 cells flipped, all one way; pass rate -11.7 pp (")
    assert str(found).endswith(") on these cases")
    unclear = str(compare_runs(before, before, ("1", "1")).conclusion)
    assert unclear.startswith("cannot tell: none of 180 cells flipped; needs at least 3 ")


def test_with_repeats_the_bottom_line_counts_cells_that_pass_less_or_more_often() -> None:
    """A cell that was flaky and is flaky still has no flip, and yet its rate moved."""
    found = compared([[True, True, False]] * 9, [[True, False, False]] * 7 + [[True] * 3] * 2)
    assert found.conclusion.message.startswith("7 of 9 cells passed less often, 2 more often; pass rate ")
    alike = compared([[True, False]] * 3, [[False, True]] * 3)
    assert alike.conclusion.message.startswith("none of 3 cells passed more or less often; ")


def test_the_bottom_line_names_measures_as_people_do() -> None:
    before, after = (
        summarise(row(f"case-{n}", measures={"latency_s": times * (1 + n / 9)}) for n in range(9)) for times in (1, 2)
    )
    assert str(compare_runs(before, after, ("1", "2")).conclusion).endswith("; latency worse, +100%")


def test_a_side_without_a_judged_answer_says_why_and_is_not_faster() -> None:
    before = summarise(row(f"case-{n}", measures={"latency_s": 1.0}) for n in range(9))
    after = summarise(unjudged(f"case-{n}", measures={"latency_s": 0.01}) for n in range(9))
    found = compare_runs(before, after, ("1", "2"))
    assert found.conclusion.message.startswith("no cell was judged on both sides; the first problem of the candidate: ")
    assert not found.differences
