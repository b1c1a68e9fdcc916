"""The output of each format; complete texts for the formats that people read."""

from __future__ import annotations

import csv
import io
import json
import re
import textwrap
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.cli import printing
from harness.compare.comparison import compare_axis, compare_runs
from harness.compare.gates import evaluate, from_option
from harness.errors import UsageError
from harness.report import Report, View, all_formats, find, layout, words
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.sample_rows import PROVENANCE, failed, row, rows_of, run, unjudged, verdict

PRO, FLASH = "simulator/gemini-3.1-pro-preview", "simulator/gemini-3-flash-preview"


def printed(rows: list[Row], name: str = "table", *, notes: list[str] | None = None, **view: Any) -> str:
    out = io.StringIO()
    find(name, "run")(Report(run(notes=notes or []), summarise(rows), lambda: rows), View(**view), out)
    return out.getvalue()


def text(block: str) -> str:
    return textwrap.dedent(block).lstrip("\n")


def test_one_target_has_a_line_per_case() -> None:
    assert printed([row("oslo-is-a-capital"), failed("and-bergen-is-not")]) == text("""
        geography at simulator

        flash
        case               verdict  thoughts  tokens  latency s
        -----------------  -------  --------  ------  ---------
        oslo-is-a-capital     pass        12      30       0.50
        and-bergen-is-not     FAIL        12      30       0.50

        FAIL geography/and-bergen-is-not@simulator/flash
          suites/geography.yaml:7  text
            expected  "Oslo"
            actual    "Bergen"
          again: gemini-harness run suites/geography.yaml -k geography/and-bergen-is-not@simulator/flash

        What is behind an id: gemini-harness explain text

        target           passed  failed  tokens  thoughts  latency s
        ---------------  ------  ------  ------  --------  ---------
        simulator/flash       1       1      60        24       0.50

        replayed; recorded from simulator (SIMULATED answers) 2026-11-21
        1 passed, 1 failed (2 trials); run 20261121-070000-ab12
        """)


def test_targets_are_columns_and_measures_are_below_verdicts() -> None:
    rows = [
        row(
            "two-trains",
            target,
            axes={"thinking": level},
            n=n,
            measures={"thoughtsTokenCount": 10 * n, "latency_s": 12.0},
        )
        for target in (FLASH, PRO)
        for level in ("low", "high")
        for n in (1, 2, 3)
    ]
    rows[4] = failed("two-trains", FLASH, axes={"thinking": "high"}, n=2, measures={})
    assert printed(rows).startswith(
        text("""
        geography at simulator

        case          gemini-3-flash-preview   gemini-3.1-pro-preview
        thinking          low            high         low        high
        -----------  --------  --------------  ----------  ----------
        two-trains   pass 3/3  FAIL 2/3 flaky    pass 3/3    pass 3/3
          thoughts         20              20          20          20
          latency s      12.0            12.0        12.0        12.0

        FAIL geography/two-trains[thinking=high]@simulator/gemini-3-flash-preview  2/3 passed, needs all
        """)
    )
    assert "Numbers in a cell are medians of its attempts." in printed(rows)


def test_columns_that_do_not_fit_go_into_another_block() -> None:
    models = ["gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-2.5-flash"]
    rows = [row("two-trains", f"simulator/{model}", axes={"thinking": level}) for model in models for level in range(9)]
    shown = printed(rows, width=80)
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert shown.count("two-trains") == 3
    assert all(shown.count(f" {model}\n") == 1 for model in models)
    assert len(printed(rows, width=200).splitlines()) < len(shown.splitlines())


def test_unary_and_stream_that_disagree_are_named() -> None:
    plain = {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": "Oslo"}
    rows = [
        row(axes={"transport": "unary"}, agree="shape", outcome=plain),
        row(axes={"transport": "stream"}, agree="shape", outcome={**plain, "finishReason": "MAX_TOKENS"}),
    ]
    assert "unary and stream disagree: finishReason: STOP unary, MAX_TOKENS streamed" in printed(rows, width=120)


def test_a_failed_check_comes_before_a_disagreement() -> None:
    plain = {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": "Oslo"}
    twins = [
        [
            row(n=n, axes={"transport": "unary"}, agree="shape", outcome=plain, verdicts=[verdict("text", ok=True)]),
            failed(n=n, axes={"transport": "stream"}, agree="shape", outcome={**plain, "text": "Bergen"}),
        ]
        for n in (1, 2)
    ]
    rows = [twins[0][0], twins[1][0], twins[0][1], twins[1][1]]
    shown = printed(rows, width=120)
    failure = text("""
        FAIL geography/capital[transport=stream]@simulator/flash  0/2 passed, needs all
          suites/geography.yaml:7  text
            expected  "Oslo"
            actual    "Bergen"
            unary and stream disagree in 2 of 2 pairs: text: holds unary, fails streamed
    """)
    assert failure in shown
    both = "text.*expected  .Oslo.*actual    .Bergen.*unary and stream disagree in 2 of 2 pairs: text"
    for name in ("junit", "github", "markdown"):
        assert re.search(both, printed(rows, name), re.DOTALL)
    assert re.search(
        ">&quot;Bergen&quot;</pre>.*unary and stream disagree in 2 of 2 pairs: text", printed(rows, "html")
    )


def test_checks_that_one_answer_flipped_share_an_entry() -> None:
    """A broken schema, say, breaks the check and the invariant."""
    wrong = [verdict(check, ok=False, message="no key city") for check in ("json", "invariant:json-schema")]
    outcomes = [{"http": 200, "finishReason": "STOP", "parts": ["text"], "text": text} for text in ("{1}", "{}")]
    rows = (
        [row("a", verdicts=[verdict("json", ok=True)], outcome=outcomes[0]), row("b")],
        [row("a", status="failed", verdicts=wrong, outcome=outcomes[1]), failed("b")],
    )
    compared = compare_runs(summarise(rows[0]), summarise(rows[1]), ("1", "2"))
    sources = ((run(id="1"), rows_of(*rows[0])), (run(id="2"), rows_of(*rows[1])))
    out = io.StringIO()
    find("table", "comparison")(replace(compared, sources=sources), View(), out)
    assert out.getvalue().startswith(
        text("""
        SIMULATED: some or all of these answers were made up by the simulator, not by a
        Gemini model. Those say nothing about Gemini.

        cannot tell: 2 of 2 cells flipped, all one way; pass rate -100.0 pp (-100.0 to
        +34.9) on these cases; needs at least 4 more cases, or at least 2 more attempts
        at each

          reference  1; 2 attempts
          candidate  2; 2 attempts

        3 flips in 2 of 2 cells
        passed -> failed  json, invariant:json-schema  geography/a@simulator/flash
          json: no key city
          reference said: "{1}"
          candidate said: "{}"
        not judged -> failed  text  geography/b@simulator/flash
          text: expected "Oslo", got "Bergen"
        """)
    )


def test_notes_name_dropped_xfailed_waived_and_warned() -> None:
    rows = [
        row(status="xfailed", xfail="issue 7"),
        row("b", status="skipped", skip="not today"),
        row("c", verdicts=[verdict("invariant:usage-sum", ok=False, status="waived", message="known")]),
        row("d", verdicts=[verdict("invariant:model-version", ok=False, severity="warn")]),
    ]
    shown = printed(rows, notes=["dropped flash x minimal"])
    assert (
        text("""
        Notes
        * dropped flash x minimal
        * expected to fail: geography/capital@simulator/flash: issue 7
        * skipped: geography/b@simulator/flash: not today
        * waived usage-sum 1 x: known
        * warning model-version 1 x
        """)
        in shown
    )


def test_a_known_failure_that_passes_says_what_to_do() -> None:
    shown = printed([row(status="xpassed", xfail="issue 7")])
    assert "was expected to fail (issue 7) but did not: take the xfail away" in shown


def test_the_reason_of_an_error_is_shown_unchanged() -> None:
    assert "    no recording of this request\n" in printed([unjudged()])


def test_a_live_answer_and_lost_timing_are_reported() -> None:
    live = {"mode": "live", "recorded_from": "google", "recorded_at": None, "timing": "live", "simulated": False}
    lost = {"mode": "replay", "recorded_from": "import", "recorded_at": None, "timing": "lost", "simulated": False}
    shown = printed([row("a", provenance=live), row("b", provenance=lost)])
    assert "live from google; replayed; recorded from import; timing lost in 1 recording\n" in shown


def test_many_failures_are_cut_unless_all_are_requested() -> None:
    rows = [failed(f"case-{n}") for n in range(25)]
    assert "and 5 more: gemini-harness report 20261121-070000-ab12 -v" in printed(rows)
    assert printed(rows, details=None).count("again:") == 25


@pytest.mark.parametrize("name", ["table", "markdown"])
def test_a_part_of_very_many_cases_has_failures_first(name: str) -> None:
    rows = [row(f"case-{n}") for n in range(150)] + [row("small", suite="other")]
    rows[140] = failed("case-140")
    shown = printed(rows, name)
    listed = re.findall(r"(?m)^(?:\| )?(case-\d+|small) .*(?:pass|FAIL)", shown)
    assert listed == [*(f"case-{n}" for n in range(98)), "case-140", "small"]
    assert "and 51 more cases\n" in shown
    assert "All cases: " in shown
    assert "gemini-harness report 20261121-070000-ab12" in shown
    whole = printed(rows, name, cases=None, details=None)
    assert all(f"case-{n} " in whole for n in range(150))
    assert "more case" not in whole


def test_failures_that_are_not_shown_are_counted() -> None:
    shown = printed([failed(f"case-{n}") for n in range(10)], cases=4)
    assert "and 6 more cases; something went wrong in 6\n" in shown
    assert "* case-9" not in shown


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(0, 300))
def test_tables_share_the_limit_of_cases(sizes: list[int], most: int) -> None:
    rows = [row(f"case-{n}", suite=f"suite-{at}") for at, size in enumerate(sizes) for n in range(size)]
    tables = [list(layout.grids(groups)) for _, groups in summarise(rows).by_suite()]
    shown = [len(grid.cases) for (grid,) in layout.limited(tables, most)]
    assert all(1 <= given <= size for given, size in zip(shown, sizes, strict=True))
    assert sum(shown) <= max(most, len(sizes))
    cut = [given for given, size in zip(shown, sizes, strict=True) if given < size]
    assert not cut or (sum(shown) + len(cut) > most and max(shown) == max(cut) == min(cut))


def test_flips_are_listed_worst_first_with_the_rest_counted() -> None:
    def side(target: str, *texts: bool) -> list[Row]:
        return [
            row(f"case-{n}", target, verdicts=[verdict("text", ok=ok)], status="passed" if ok else "failed")
            for n, ok in enumerate(texts)
        ]

    rows = side(PRO, False, True, False) + side(FLASH, True, False, True)
    compared = replace(compare_axis(summarise(rows), "target", PRO, FLASH), command="gemini-harness compare one other")
    for name, sure in (("table", "-v"), ("markdown", "--format markdown -v")):
        out = io.StringIO()
        find(name, "comparison")(compared, View(details=2, width=200), out)
        assert re.findall(r"case-\d", out.getvalue()) == ["case-1", "case-0"]
        command = f"gemini-harness compare one other {sure}"
        assert (
            f"and 1 more (the worst are above): {f'`{command}`' if name == 'markdown' else command}\n" in out.getvalue()
        )
    out = io.StringIO()
    find("json", "comparison")(compared, View(details=2), out)
    assert [flip["id"].partition("@")[0][-1] for flip in json.loads(out.getvalue())["flips"]] == ["0", "1", "2"]


def test_counts_have_thousands_separators() -> None:
    assert words.totals({"passed": 12345, "failed": 1}) == "12,345 passed, 1 failed"
    shown = printed([row(f"case-{n}", verdicts=[]) for n in range(1_000)])
    assert "1,000 passed (1,000 trials)" in shown
    assert "simulator/flash   1,000" in shown


@pytest.mark.parametrize(
    ("environment", "terminal", "colored"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_the_environment_controls_color(environment: dict[str, str], terminal: bool, colored: bool) -> None:
    assert printing.colored(environment, terminal=terminal, forced=True) is colored
    if not terminal:
        assert printing.colored(environment, terminal=False, forced=False) is False


def test_color_only_if_requested() -> None:
    assert "\x1b[32mpass\x1b[0m" in printed([row()], color=True)
    assert "\x1b" not in printed([row()])


def test_each_verdict_has_its_color_in_a_table_of_several_targets() -> None:
    rows = [row(case, target) for case in ("oslo", "bergen") for target in ("simulator/flash", "simulator/pro")]
    assert printed(rows, color=True).count("pass\x1b[0m") == 4


def test_a_quiet_comparison_keeps_flips_verdicts_and_gates() -> None:
    compared = compare_runs(summarise([row("a")]), summarise([failed("a")]), ("1", "2"))
    gate = evaluate(from_option("hard=text"), compared)
    out = io.StringIO()
    find("table", "comparison")(replace(compared, gates=[gate], notes=["a note"]), View(quiet=True), out)
    shown = out.getvalue()
    assert "not judged -> failed  text  geography/a@simulator/flash" in shown
    assert re.search(r"^pass rate +100% \(21-100\) +0% \(0-79\) +-100.0 pp.*cannot tell$", shown, re.MULTILINE)
    assert shown.startswith("SIMULATED: some or all of these answers")
    assert shown.endswith("went from not\n  judged to failed\n")
    assert "pass rate:" not in shown


def test_a_quiet_run_keeps_failures_and_totals() -> None:
    shown = printed([row("a"), failed("b")], quiet=True)
    assert shown.startswith("FAIL geography/b@simulator/flash\n")
    assert "---" not in shown


EVIL = "a\x1b[31m\x00|<b>`*`\ud800\n::error::&\"'日本"


@pytest.mark.parametrize("name", sorted(all_formats()))
def test_no_answer_can_control_the_terminal(name: str) -> None:
    wrong = verdict("text", ok=False, at=EVIL, expected=EVIL, actual={EVIL: EVIL}, message=EVIL)
    shown = printed(
        [failed(verdicts=[wrong]), unjudged("b", error={"kind": "ask", "message": EVIL, "traceback": None})], name
    )
    assert "\x1b" not in shown
    assert "\x00" not in shown
    shown.encode()


STEERING = "a\x1b[2Jb\u202ec\x9bd\x07e\u2028f"


@pytest.mark.parametrize("color", [False, True])
def test_no_name_can_control_the_terminal(*, color: bool) -> None:
    """A run may come from elsewhere, with names that this version would not accept in a suite."""
    rows = [
        made(STEERING, f"simulator/{STEERING}", axes={"size": STEERING}, suite=STEERING, n=n, provenance=who)
        for who in [{**PROVENANCE, "recorded_from": STEERING}]
        for n, made in enumerate((row, failed), 1)
    ]
    about = [{"suite": STEERING, "file": STEERING, "sha256": "", "about": STEERING}]
    out = io.StringIO()
    find("table", "run")(Report(run(suites=about), summarise(rows), lambda: rows), View(color=color), out)
    plain = re.sub("\x1b\\[(31|32|0)m", "", out.getvalue()) if color else out.getvalue()
    assert [character for character in plain if not character.isprintable() and character != "\n"] == []


@pytest.mark.parametrize("name", [name for name in sorted(all_formats()) if name != "github"])
def test_every_format_says_that_an_answer_was_simulated(name: str) -> None:
    assert "simulated" in printed([row()], name).lower()


@given(
    st.lists(
        st.sampled_from(["日本の首都", "plain", "a-very-long-case-name-" * 4, "é" * 30, "हिन्दी"]),
        min_size=1,
        max_size=3,
        unique=True,
    )
)
def test_the_table_keeps_its_width_and_alignment(cases: list[str]) -> None:
    rows = [row(case, target) for case in cases for target in (FLASH, PRO)]
    lines = printed(rows, width=80).splitlines()
    grid = lines[: next(number for number, line in enumerate(lines) if line.startswith("target"))]
    assert all(words.width(line) <= 80 for line in grid)
    verdicts = [line for line in grid if line.endswith("pass")]
    assert len({words.width(line) for line in verdicts}) == 1


@given(st.text(min_size=1, max_size=60), st.integers(4, 30))
def test_a_folded_label_loses_nothing(label: str, limit: int) -> None:
    lines = layout.folded(label, limit)
    assert "".join("".join(lines).split()) == "".join(label.split())


@pytest.mark.parametrize(
    ("measure", "value", "shown"),
    [
        ("latency_s", 0.0042, "0.004"),
        ("latency_s", 1.234, "1.23"),
        ("latency_s", 123.4, "123.4"),
        ("totalTokenCount", 12345, "12,345"),
        ("totalTokenCount", 12.5, "12.5"),
        ("totalTokenCount", None, "-"),
        ("pass_rate", 0.8, "80%"),
    ],
)
def test_numbers_have_significant_digits(measure: str, value: float | None, shown: str) -> None:
    assert words.measured(measure, value) == shown


# --- for machines -------------------------------------------------------------------------------------


def test_json_is_one_document_without_turns() -> None:
    document = json.loads(printed([row("a", turns=[]), failed("b")], "json"))
    assert document["version"] == 1
    assert [result["case"] for result in document["results"]] == ["a", "b"]
    assert "turns" not in document["results"][0]
    assert document["groups"][1] == {
        "id": "geography/b@simulator/flash",
        "status": "failed",
        "passed": 0,
        "attempts": 1,
        "cost_usd": None,
    }
    assert document["totals"] == {"passed": 1, "failed": 1, "error": 0, "skipped": 0, "xfailed": 0, "xpassed": 0}


def test_junit_has_a_case_per_group_with_file_and_attempts() -> None:
    rows = [
        row("a", n=1),
        failed("a", n=2),
        row("b"),
        unjudged("c"),
        row("d", status="skipped", skip="no"),
        failed("e", status="xfailed", xfail="7"),
    ]
    root = ET.fromstring(printed(rows, "junit"))
    (suite,) = root
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
    }
    first = suite.findall("testcase")[0]
    assert (first.get("classname"), first.get("name"), first.get("file"), first.get("line")) == (
        "geography",
        "a@simulator/flash",
        "suites/geography.yaml",
        "7",
    )
    failure = first.find("failure")
    assert failure is not None
    assert failure.get("message") == '1/2 passed, needs all: text: expected "Oslo", got "Bergen"'
    assert [case[1].tag for case in suite.findall("testcase") if len(case) > 1] == [
        "failure",
        "error",
        "skipped",
        "skipped",
    ]


JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "file", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"},
        {"properties", "testcase"},
    ),
    "testcase": ({"name", "classname", "time", "file", "line"}, {"properties", "failure", "error", "skipped"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""Element -> its attributes, what it may hold: what Jenkins' schema (junit-10.xsd), GitLab and GitHub's reporters read."""


def test_junit_has_only_known_elements_and_attributes() -> None:
    wrong = verdict("text", ok=False, at=EVIL, expected=EVIL, actual="\x08\ufffe", message=EVIL)
    rows = [
        failed(verdicts=[wrong]),
        row("b", n=1),
        failed("b", n=2),
        unjudged("c"),
        row("d", status="skipped", skip=EVIL),
    ]
    root = ET.fromstring(printed(rows, "junit").encode())
    for element in root.iter():
        attributes, inside = JUNIT[element.tag]
        assert set(element.keys()) == attributes
        assert {child.tag for child in element} <= inside
    for suite in root:
        cases = suite.findall("testcase")
        counts = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "error", "skipped")}
        assert (int(suite.get("tests", "")), int(suite.get("failures", ""))) == (len(cases), counts["failure"])
        assert (int(suite.get("errors", "")), int(suite.get("skipped", ""))) == (counts["error"], counts["skipped"])
        assert float(suite.get("time", "")) == pytest.approx(sum(float(case.get("time", "")) for case in cases))
    shares = [entry.get("value") for entry in root.iter("property") if entry.get("name") == "attempts"]
    assert shares == ["0/1", "1/2", "0/1", "0/0"]


def test_csv_has_a_line_per_trial_and_runs_no_formula() -> None:
    wrong = verdict("text", ok=False, message="=cmd()")
    lines = list(csv.DictReader(io.StringIO(printed([row("a"), failed("b", verdicts=[wrong])], "csv"))))
    assert [(line["case"], line["status"], line["thoughtsTokenCount"]) for line in lines] == [
        ("a", "passed", "12"),
        ("b", "failed", "12"),
    ]
    assert lines[1]["message"] == "'=cmd()"


@pytest.mark.parametrize("name", ["csv", "junit"])
def test_a_message_of_several_lines_stays_apart_on_one(name: str) -> None:
    error = {"kind": "ask", "message": "a.yaml is missing\nrecord it: run -k a", "traceback": None}
    assert "a.yaml is missing; record it: run -k a" in printed([unjudged("a", error=error)], name)


def json_attempts(case: str, target: str, *reasons: str) -> list[Row]:
    """One attempt for each reason: it failed the check ``json`` for that reason. With an empty reason it passed."""
    return [
        failed(case, target, n=n, measures={}, verdicts=[verdict("json", ok=False, reason=reason)])
        if reason
        else row(case, target, n=n, measures={}, verdicts=[verdict("json", ok=True)])
        for n, reason in enumerate(reasons, 1)
    ]


CONFORMANCE = [
    *json_attempts("flat", FLASH, "", "", "", "cut", "cut"),
    *json_attempts("flat", PRO, "", "", "", "", ""),
    *json_attempts("nested", FLASH, "missing key", "fence", "missing key", "", "cut"),
    *json_attempts("nested", PRO, "missing key"),
]
"""Two schemas on two models."""


def test_a_cell_counts_why_a_check_failed() -> None:
    assert printed(CONFORMANCE, measures=("json",)).startswith(
        text("""
        geography at simulator

        case    gemini-3-flash-preview  gemini-3.1-pro-preview
        ------  ----------------------  ----------------------
        flat            FAIL 3/5 flaky                pass 5/5
          json               3/5 cut 2                     5/5
        nested          FAIL 1/5 flaky                    FAIL
          json       1/5 missing key 2           missing key 1
                               fence 1
                                 cut 1
        """)
    )


def test_a_flat_table_counts_reasons_in_one_line() -> None:
    shown = printed([attempt for attempt in CONFORMANCE if attempt.target == FLASH], measures=("json",))
    assert "\nnested  FAIL 1/5 flaky  1/5 missing key 2, fence 1, cut 1\n" in shown


def test_other_formats_have_the_reasons_too() -> None:
    assert "<small>1/5 missing key 2, fence 1, cut 1</small>" in printed(CONFORMANCE, "html", measures=("json",))
    shown = printed(CONFORMANCE, "markdown", measures=("json",))
    assert "| flat | **FAIL** 3/5 flaky<br>json: 3/5 cut 2 | pass 5/5<br>json: 5/5 |\n" in shown
    lines = list(csv.DictReader(io.StringIO(printed(CONFORMANCE, "csv"))))
    assert [line["reason"] for line in lines[:5]] == ["", "", "", "cut", "cut"]


def test_checks_without_reasons_are_counted() -> None:
    rows = [row(verdicts=[verdict("text", ok=True)], n=1), failed(n=2), row("other", measures={})]
    shown = printed(rows, measures=("text",))
    assert "capital  FAIL 1/2 flaky   1/2\n" in shown
    assert "other              pass     -\n" in shown


def test_markdown_has_a_table_per_suite() -> None:
    shown = printed([row("a|b"), failed("c")], "markdown")
    assert "| case | flash |\n|---|---:|\n| a\\|b | pass<br>thoughts: 12<br>tokens: 30<br>latency s: 0.50 |\n" in shown
    assert "- **FAIL** geography/c@simulator/flash" in shown


def test_github_annotates_the_line_of_the_case() -> None:
    shown = printed([failed()], "github")
    assert shown.startswith(
        "::error file=suites/geography.yaml,line=7,title=FAIL geography/capital@simulator/flash::"
        "suites/geography.yaml:7  text%0A  expected"
    )


@pytest.mark.parametrize("name", ["table", "markdown", "json"])
def test_every_format_writes_a_comparison(name: str) -> None:
    rows = [row("a", "g/one", verdicts=[verdict("text", ok=True)]), failed("a", "g/two")]
    out = io.StringIO()
    find(name, "comparison")(compare_axis(summarise(rows), "target", "g/one", "g/two"), View(), out)
    assert "totalTokenCount" in out.getvalue() or "tokens" in out.getvalue()


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no format 'makdown' for a run; did you mean \"markdown\""):
        find("makdown", "run")


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [(0, "0.00"), (1234.5, "1,234.50"), (0.123, "0.12"), (0.0123, "0.012"), (0.00123, "0.0012"), (1.5e-6, "0.0000015")],
)
def test_dollars_keep_two_significant_digits(dollars: float, shown: str) -> None:
    assert words.measured("cost_usd", dollars) == shown


def test_a_sum_with_unknown_parts_is_marked() -> None:
    rows = [
        row("a", measures={"cost_usd": 0.25}),
        row("b", measures={"cost_usd": None}, unpriced="the answer broke off"),
        row("c", target="simulator/pro", measures={"cost_usd": None}, unpriced="no price"),
    ]
    output = printed(rows, measures=("cost_usd",))
    assert "target           passed  tokens  thoughts  cost $  latency s" in output
    assert "simulator/flash       2       -         -   >0.25          -" in output
    assert "simulator/pro         1       -         -       -          -" in output
    assert "cost unknown in 1 trial: the answer broke off" in output
    assert "cost at least (unknown in 2 trials) $0.25" in output
    assert "SIMULATED" in output[output.index("cost at least") :]
    document = json.loads(printed(rows, "json"))
    assert document["cost"] == {
        "usd": 0.25,
        "unknown": 2,
        "why": {"the answer broke off": 1, "no price": 1},
        "prices": None,
    }
    assert [group["cost_usd"] for group in document["groups"]] == [0.25, None, None]
    assert "**cost**: at least (unknown in 2 trials)" in printed(rows, "markdown")
    assert "at least (unknown in 2 trials)" in printed(rows, "html")
    assert "cost_usd" in printed(rows, "csv").splitlines()[0]


@pytest.mark.parametrize(
    ("name", "doc"),
    [
        ("table", "Text and tables, for a terminal."),
        ("markdown", "Text and tables, for a pull request or a wiki page."),
        ("csv", "A line per trial, for a spreadsheet."),
    ],
)
def test_formats_are_listed_with_their_descriptions(name: str, doc: str) -> None:
    found = all_formats()[name]
    assert found["run"].__doc__ == doc


def _odd(n: int, case: str) -> Row:
    wrong = verdict("invariant:usage-present", ok=False, at="$.usageMetadata", message="usageMetadata is missing")
    return failed(case, n=n, verdicts=[wrong])


def test_a_cause_is_what_most_attempts_fail_and_counts_only_those() -> None:
    """The first attempt of each cell failed in another way than the rest."""
    rows = [
        attempt
        for case in ("oslo", "bergen")
        for attempt in (_odd(1, case), *(failed(case, n=n) for n in (2, 3)), row(case, n=4))
    ]
    rows = [structs.replace(found, place=rows[0].place, case="one") for found in rows]
    shown = printed(rows)
    assert 'FAIL 4 trials of 2 cells: text: expected "Oslo", got "Bergen"' in shown
    assert "usageMetadata is missing" not in shown


def test_a_title_does_not_give_the_answer_of_one_trial_as_that_of_all() -> None:
    other = verdict("text", ok=False, at="text", message='expected "Oslo", got "Moss"')
    rows = [failed("one"), structs.replace(failed("two", verdicts=[other]), case="one")]
    assert 'FAIL 2 trials, the first: text: expected "Oslo", got "Bergen"' in printed(rows)


def test_attempts_that_could_not_be_judged_are_told_where_their_cells_have_another_verdict() -> None:
    rows = [row("oslo", n=1, require=1), *(unjudged("oslo", n=n, require=1) for n in (2, 3))]
    assert (
        "* some attempts could not be judged, and count as not passed: geography/oslo@simulator/flash: no recording of this request"
        in printed(rows, width=200)
    )
