"""The HTML pages: their text is always tested, their script in a real browser if there is one."""

from __future__ import annotations

import io
import json
import random
import re
import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert, structs

from harness.compare.comparison import combine, compare_axis, compare_runs
from harness.compare.gates import Gate, GateResult
from harness.report import Report, View, find
from harness.report.content import comparison as compared
from harness.report.content import flip_trials
from harness.report.content.flips import SHOWN
from harness.report.content.trials import BLOCK, grounded
from harness.report.html import plots
from harness.report.html.markup import data as data_block
from harness.report.html.markup import element
from harness.results.rows import Row, TurnRow, dumps
from harness.results.summary import summarise
from tests.sample_rows import failed, row, rows_of, run, unjudged, verdict

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

HOSTILE = (
    "</script><img src=x onerror=\"document.title='owned'\"><!-- <script>document.title='owned'</script> \u202e ]]>"
)
PROSE = "Spanien gewann 2024 das Finale. スペインが優勝しました 🏆 — финал в Берлине."


def answer_turn(text: str, *, thoughts: str = "", transport: str = "unary", **more: Any) -> dict[str, Any]:
    """A turn with that answer text; ``more``: fields of the candidate."""
    parts = ([{"text": thoughts, "thought": True}] if thoughts else []) + [{"text": text}]
    return {
        "transport": transport,
        "url": "https://generativelanguage.googleapis.com/v1beta/models/flash:generateContent",
        "request": {"contents": [{"role": "user", "parts": [{"text": "it's a question"}]}], "big": 2**60 + 1},
        "status": 200,
        "text": text,
        "thoughts": thoughts,
        "response": {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", **more}]},
        "times": [0.2, 0.3, 0.5] if transport == "stream" else [0.5],
        "attempts": 1,
    }


def grounding_metadata(text: str, *pieces: str) -> dict[str, Any]:
    """Grounding of those pieces of the text, in UTF-8 bytes, each from its own source."""
    supports = []
    for index, piece in enumerate(pieces):
        start = len(text[: text.index(piece)].encode())
        segment = {"startIndex": start, "endIndex": start + len(piece.encode()), "text": piece}
        supports.append({"segment": segment, "groundingChunkIndices": [index]})
    chunks = [{"web": {"uri": f"https://example.org/{n}", "title": f"source {n}"}} for n in range(len(pieces))]
    return {"groundingMetadata": {"groundingSupports": supports, "groundingChunks": chunks}}


def page(rows: list[Row], **more: Any) -> str:
    out = io.StringIO()
    find("html", "run")(Report(run(**more), summarise(rows), lambda: rows), View(), out)
    return out.getvalue()


# --- what is written ----------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(), max_size=40))
def test_text_cannot_become_markup(text: str) -> None:
    made = element("p", f"<{text}>", title=f'"{text}')
    inside = made.removeprefix("<p ").removesuffix("</p>")
    assert inside.count("<") == 0
    assert inside.count(">") == 1
    assert made.count('"') == 2


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4))
def test_data_cannot_end_its_element_and_stays_complete(value: Any) -> None:
    inside = data_block(value).removeprefix('<script type="application/json">').removesuffix("</script>")
    assert "<" not in inside
    assert json.loads(inside) == json.loads(dumps(value))


def test_model_output_is_never_markup_and_loads_nothing() -> None:
    wrong = verdict("text", ok=False, at=HOSTILE, expected=HOSTILE, actual=HOSTILE, message=HOSTILE)
    hostile = failed(verdicts=[wrong], turns=[answer_turn(HOSTILE, thoughts=HOSTILE)])
    text = page(
        [hostile, unjudged("other", error={"kind": "ask", "message": HOSTILE, "traceback": HOSTILE})], notes=[HOSTILE]
    )
    assert "<img" not in text
    assert len(re.findall(r"<script>", text)) == 1
    assert "default-src &#x27;none&#x27;" in text
    loads = re.findall(r"""(?:src|href)="(?!#)([^"]*)|\burl\(|@import""", text)
    assert loads == []


def test_simulated_answers_are_marked() -> None:
    real = {"mode": "live", "recorded_from": "google", "recorded_at": None, "timing": "live", "simulated": False}
    for rows in ([row()], [row(), row("other", provenance=real)]):
        assert "<strong>SIMULATED</strong><span> some or all of these answers were made up" in page(rows)
    assert "<strong>SIMULATED" not in page([row(provenance=real)])


@pytest.mark.parametrize("piece", ["Spanien gewann", "スペインが優勝しました 🏆", "финал в Берлине", PROSE])
def test_grounding_offsets_count_bytes(piece: str) -> None:
    ((start, end, sources, exact),) = grounded({"candidates": [grounding_metadata(PROSE, piece)]}, PROSE)
    assert PROSE[start:end] == piece
    assert (sources, exact) == ([0], True)


@given(st.text(min_size=1, max_size=30), st.data())
def test_any_piece_of_any_text_is_found_at_its_bytes(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(text) - 1))
    last = data.draw(st.integers(first + 1, len(text)))
    before, whole = (len(text[:at].encode("utf-8", "surrogatepass")) for at in (first, last))
    supports = [{"segment": {"startIndex": before, "endIndex": whole}}]
    found = list(grounded({"candidates": [{"groundingMetadata": {"groundingSupports": supports}}]}, text))
    assert found == [[first, last, [], True]]


def test_wrong_offsets_are_marked_and_the_words_are_found() -> None:
    piece = "финал в Берлине"
    start = PROSE.index(piece)
    segment = {"startIndex": start, "endIndex": start + len(piece), "text": piece}
    metadata = {"groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, True, -1, "x"]}]}
    ((found, end, sources, exact),) = grounded({"candidates": [{"groundingMetadata": metadata}]}, PROSE)
    assert (PROSE[found:end], sources, exact) == (piece, [0], False)


@pytest.mark.parametrize(
    "odd", [None, [], {"groundingSupports": "x"}, {"groundingSupports": [None, {}, {"segment": 3}]}]
)
def test_odd_grounding_is_no_grounding(odd: Any) -> None:
    assert list(grounded({"candidates": [{"groundingMetadata": odd}]}, "text")) == []


def test_details_are_in_blocks_and_an_answer_is_written_once() -> None:
    rows = [row(f"case-{n}", turns=[answer_turn(f"answer number {n}")]) for n in range(BLOCK + 1)]
    text = page(rows)
    assert len(re.findall(r'id="details-\d+"', text)) == 2
    assert text.count("answer number 7") == 1
    assert "1152921504606846977" in text


def swept(case: str, levels: dict[str, int]) -> list[Row]:
    """A row for each level: the thought tokens that it takes."""
    return [
        row(case, axes={"thinking": level}, measures={"thoughtsTokenCount": tokens, "latency_s": 1.0})
        for level, tokens in levels.items()
    ]


@pytest.mark.parametrize("levels", [{"low": 100, "high": 400}, {"low": 100, "high": 400, "medium": 300}])
def test_a_sweep_of_thinking_is_drawn(levels: dict[str, int]) -> None:
    text = page([*swept("one", levels), *swept("two", levels)])
    assert text.count("<title>simulator/flash high: 2/2 passed, 400 thoughts</title>") == 2
    assert "pass rate by thought tokens" in text
    assert "latency s by thought tokens" in text


def test_the_label_of_a_point_at_the_edge_is_beside_the_line() -> None:
    text = page(swept("one", {"minimal": 0, "high": 400}))
    spots = re.findall(r'cy="([\d.]+)"[^<]*</circle><text x="[\d.]+" y="([\d.]+)" class="value">minimal', text)
    assert spots
    assert all(abs(float(y) - float(base)) >= 9 for y, base in spots)


def test_two_sweeps_of_one_target_are_two_lines() -> None:
    text = page([*swept("one", {"low": 100, "high": 400}), *swept("two", {"minimal": 10, "high": 300})])
    assert "simulator/flash: minimal, high" in text
    for point in ("low: 1/1 passed, 100", "high: 1/1 passed, 400", "minimal: 1/1 passed, 10", "high: 1/1 passed, 300"):
        assert f"<title>simulator/flash {point} thoughts</title>" in text


@given(st.floats(1e-6, 1e9))
def test_ticks_lie_on_the_axis(high: float) -> None:
    axis = plots.PlotAxis(high, 0, 500)
    assert len(axis.ticks()) > 1
    assert all(-0.1 <= axis.at(tick) <= 500.1 for tick in axis.ticks())


def test_a_comparison_is_a_page_too() -> None:
    rows = [row(target="simulator/pro", verdicts=[verdict("text", ok=True)]), failed(target="simulator/flash")]
    out = io.StringIO()
    find("html", "comparison")(compare_axis(summarise(rows), "target", "simulator/pro", "simulator/flash"), View(), out)
    text = out.getvalue()
    assert "<strong>SIMULATED</strong>" in text
    assert '<b class="mark passed">passed</b> -&gt; <b class="mark failed">failed</b>' in text


def test_a_run_that_crossed_a_gate_says_so_beside_its_totals() -> None:
    gates = [
        GateResult(Gate("latency", "max", 2.0, suite="s"), crossed, f"it says {crossed}") for crossed in (True, False)
    ]
    rows = [row(f"case-{n}", status="skipped", skip=f"reason {n}") for n in range(5)]
    out = io.StringIO()
    report = Report(run(), summarise(rows), lambda: rows, gates=[gate.to_json() for gate in gates])
    find("html", "run")(report, View(), out)
    assert '<span class="failed">1 gate crossed</span>' in out.getvalue()
    assert 'gate latency may be at most 2 s (s): <b class="mark failed">crossed: it says True</b>' in out.getvalue()


def test_gates_say_whether_they_were_crossed() -> None:
    gates = [
        GateResult(Gate("hard", checks=("json",)), crossed, f"it says {crossed}") for crossed in (True, False, None)
    ]
    live: Any = {"mode": "live", "recorded_from": "google", "recorded_at": None, "timing": "live", "simulated": False}
    rows = [row(target=f"google/{model}", provenance=live) for model in ("flash", "pro")]
    comparison_page = compare_axis(summarise(rows), "target", "google/pro", "google/flash")
    out = io.StringIO()
    find("html", "comparison")(replace(comparison_page, gates=gates), View(), out)
    gates_shown = re.findall(r'<li>gate hard: json: <b class="mark (\w+)">[a-z ]+: it says (\w+)', out.getvalue())
    assert gates_shown == [("failed", "True"), ("passed", "False"), ("xfailed", "None")]
    assert "<strong>SIMULATED" not in out.getvalue()


def test_the_command_that_records_has_its_own_line_or_stands_once_for_all() -> None:
    problems = [
        {"kind": "ask", "cause": "no-recording", "message": f"{name}.yaml is missing\nrecord it: run -k {name}"}
        for name in ("a", "b")
    ]
    rows = [unjudged(problem["message"][0], error={**problem, "traceback": None}) for problem in problems]
    alone, both = page(rows[:1]), page(rows)
    assert "<p>a.yaml is missing</p><p>record it: run -k a</p>" in alone
    assert "<p>b.yaml is missing</p>" in both
    assert "record them: " in both
    assert "<p>record it: " not in both


def test_an_address_in_a_title_is_its_host_with_what_follows() -> None:
    errors = [
        {"kind": "ask", "message": f"https://host.example/v1/{n}:ask: not known (2 attempts)", "traceback": None}
        for n in "ab"
    ]
    text = page([unjudged(f"c{n}", error=error) for n, error in enumerate(errors)])
    assert "2 trials: host.example: not known<" in text


def test_a_run_without_trials_is_a_page() -> None:
    assert "nothing ran" in page([])


def comparison_page(reference: list[Row], candidate: list[Row], home: str = "") -> str:
    """The page that compares two runs of these rows."""
    found = compare_runs(summarise(reference), summarise(candidate), ("run 0", "run 1"))
    both = replace(found, sources=((run(id="run-0"), rows_of(*reference)), (run(id="run-1"), rows_of(*candidate))))
    out = io.StringIO()
    find("html", "comparison")(both, View(home=home), out)
    return out.getvalue()


OSLO: Any = {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": "It is Oslo, not Bergen."}
BERGEN: Any = {**OSLO, "text": "It is Bergen, not Oslo."}


def flipped_rows(number: int = 1, **more: Any) -> tuple[list[Row], list[Row]]:
    good = [verdict("text", ok=True)]
    reference = [
        row(f"case-{n}", verdicts=good, outcome=OSLO, turns=[answer_turn(OSLO["text"])], **more) for n in range(number)
    ]
    return reference, [
        failed(f"case-{n}", outcome=BERGEN, turns=[answer_turn(BERGEN["text"])], **more) for n in range(number)
    ]


def test_a_comparison_holds_both_sides_of_its_flips() -> None:
    text = comparison_page(*flipped_rows())
    assert text.count("data-trial=") == 2
    assert text.count('id="details-') == 2
    assert '"request":' in text
    assert "/run/" not in text
    assert '<a href="/run/run-1#trial=geography/case-0%40simulator/flash%231">in its run</a>' in comparison_page(
        *flipped_rows(), "/"
    )


TARGETS = ("simulator/old", "simulator/pro", "simulator/lite")


def page_of_candidates(number: int, answers: dict[str, str]) -> str:
    """The page of three targets and ``number`` cases; only the first target gives the right answers."""
    good = {"verdicts": [verdict("text", ok=True)], "outcome": OSLO}
    bad = {"verdicts": [verdict("text", ok=False, expected="Oslo")], "outcome": BERGEN, "status": "failed"}
    rows = [
        row(
            f"case-{n}",
            target,
            turns=[answer_turn(answers.get(target, "Oslo"))],
            **(bad if target != TARGETS[0] else good),
        )
        for target in TARGETS
        for n in range(number)
    ]
    source = (run(), rows_of(*rows))
    found = [compare_axis(summarise(rows), "target", TARGETS[0], target) for target in TARGETS[1:]]
    document = combine("target", [replace(comparison, sources=(source, source)) for comparison in found])
    find("html", "comparison")(document, View(), out := io.StringIO())
    return out.getvalue()


def test_several_candidates_share_the_reference_trials() -> None:
    text = page_of_candidates(2, {})
    assert text.count('id="details-') == 2 * 3
    assert text.count("data-trial=") == 2 * 2 * 2
    (facts,) = re.findall(r'<script type="application/json" id="facts">(.*?)</script>', text)
    shown_together: dict[int, list[tuple[str, str]]] = {}
    for name, *_, side, pair in json.loads(facts)["groups"]:
        shown_together.setdefault(pair, []).append((side, name))
    names = ("reference", *TARGETS[1:])
    assert list(shown_together.values()) == [
        [(side, f"geography/case-{n}@{target}") for side, target in zip(names, TARGETS, strict=True)] for n in range(2)
    ]
    assert "<h2>trials</h2>" in text


def test_several_candidates_of_very_many_flips_keep_their_size() -> None:
    text = page_of_candidates(SHOWN + 50, {})
    assert text.count('id="details-') == 3 * SHOWN
    assert len(page_of_candidates(SHOWN, dict.fromkeys(TARGETS, "word " * 20_000))) < flip_trials.ROOM * 1.2


def test_a_flip_shows_the_failure_of_the_candidate() -> None:
    text = comparison_page([row(verdicts=[verdict("text", ok=True)])], [failed()])
    assert re.search(r"<li>.*text.*<p>text: expected &quot;Oslo&quot;, got &quot;Bergen&quot;</p>", text)
    assert "Bergen&quot;</p>" not in comparison_page([failed()], [row(verdicts=[verdict("text", ok=True)])])


def test_a_comparison_of_very_many_flips_keeps_its_size() -> None:
    text = comparison_page(*flipped_rows(SHOWN + 50))
    assert text.count('id="details-') == 2 * SHOWN
    assert "and 50 more" in text
    big = "word " * 20_000
    reference, candidate = flipped_rows(SHOWN)
    big_turns = [convert(answer_turn(big), TurnRow)]
    reference, candidate = (
        [structs.replace(trial, turns=big_turns) for trial in side] for side in (reference, candidate)
    )
    text = comparison_page(reference, candidate)
    assert len(text) < flip_trials.ROOM * 1.2
    assert text.count(">[null]<") > 10


def test_very_many_cells_show_those_that_differ_first(monkeypatch: pytest.MonkeyPatch) -> None:
    last = 50
    monkeypatch.setattr(compared, "CELLS", last)
    reference, candidate = [row(f"case-{n}") for n in range(last)], [row(f"case-{n}") for n in range(last)]
    reference, candidate = [*reference, row("the-last")], [*candidate, failed("the-last")]
    text = comparison_page(reference, candidate)
    assert text.count("<tr data-differs") == 1
    assert text.count('<th scope="row">geography/') == last
    assert "50 of 51 cells, those whose verdict differs first" in text
    assert "cells:" not in comparison_page(reference[:3], candidate[:3])


# --- what can be seen ------------------------------------------------------------------------------------

CSS = (files("harness.report.html") / "page.css").read_text("utf-8")
PALETTE = {name: pair for name, *pair in re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\)", CSS)}
STATUSES = ("passed", "failed", "error", "skipped", "xfailed")
Color = tuple[float, float, float]


def rgb(name: str, theme: int) -> Color:
    text = PALETTE[name][theme].lstrip("#")
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def mixed(color: Color, ground: Color, share: float) -> Color:
    """CSS ``color-mix(in srgb, color share, transparent)`` over a ground."""
    red, green, blue = (share * above + (1 - share) * below for above, below in zip(color, ground, strict=True))
    return red, green, blue


def contrast(text: Color, ground: Color) -> float:
    """The ratio of WCAG 2.2: 1 to 21."""

    def luminance(color: Color) -> float:
        lights = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color)
        return sum(share * light for share, light in zip((0.2126, 0.7152, 0.0722), lights, strict=True))

    dark, light = sorted(map(luminance, (text, ground)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast_on_every_background(theme: int) -> None:
    texts = ("ink", "soft", "accent", *STATUSES)
    found = {
        f"{text} on {ground}": contrast(rgb(text, theme), rgb(ground, theme))
        for text in texts
        for ground in ("back", "panel", "raised", "pick")
    }
    found |= {f"{text} on raised": contrast(rgb(text, theme), rgb("raised", theme)) for text in ("s0", "s1", "s2")}
    panel = rgb("panel", theme)
    found |= {
        f"{text} in the matrix": contrast(rgb(text, theme), mixed(rgb(text, theme), panel, 0.16)) for text in STATUSES
    }
    assert {name: round(ratio, 2) for name, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_focus_and_lines_can_be_seen(theme: int) -> None:
    assert re.search(r":focus-visible \{ outline: 2px solid var\(--accent\)", CSS)
    for name in ("accent", "s0", "s1", "s2", "s3", "s4", "s5"):
        assert contrast(rgb(name, theme), rgb("panel", theme)) >= 3


# --- what it does -------------------------------------------------------------------------------------


class Opened:
    """A page in the browser, with helpers to press keys and to read elements."""

    def __init__(self, browser: Chrome, address: str) -> None:
        self.browser = browser
        browser.get("about:blank")
        self.complaints()
        browser.get(address)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements("css selector", selector)

    def text(self, selector: str) -> str:
        (found,) = self.all(selector)
        return found.text

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def wait(self, script: str) -> Any:
        """The first truthy value that the script returns, within a minute."""
        end = time.monotonic() + 60
        while not (found := self.browser.execute_script(f"return {script}")):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)
        return found

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]  # type: ignore[no-untyped-call]


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Any:
    def open_page(rows: list[Row], fragment: str = "") -> Opened:
        file = tmp_path / "page.html"
        file.write_text(page(rows), "utf-8")
        return Opened(browser, file.as_uri() + fragment)

    return open_page


ENTER, ESCAPE, DOWN = "\ue007", "\ue00c", "\ue015"


def thirty_rows() -> list[Row]:
    rows = [row(f"case-{n:02}", turns=[answer_turn(f"answer {n}")]) for n in range(30)]
    rows[20] = failed("case-20", turns=[answer_turn("Bergen")])
    return rows


def test_the_keyboard_is_enough(opened: Any) -> None:
    shown = opened(thirty_rows())
    shown.keys("j", "j", ENTER)
    assert shown.text("#trial .id") == "geography/case-01@simulator/flash#1"
    shown.keys("j")
    assert shown.text("#trial .answer") == "answer 2"
    shown.keys("k", "k", "k")
    assert shown.text("#trial .answer") == "answer 0"
    shown.keys(ESCAPE)
    assert not shown.all("#trial")[0].is_displayed()
    shown.keys(DOWN, ENTER)
    assert shown.text("#trial .answer") == "answer 1"
    shown.keys("n")
    assert shown.text("#trial .answer") == "Bergen"
    shown.keys("?")
    assert shown.all("dialog[open]")
    shown.keys(ESCAPE)
    assert not shown.all("dialog[open]")
    assert shown.text("#trial .answer") == "Bergen"
    assert shown.complaints() == []


def test_a_filter_has_required_and_excluded_words(opened: Any) -> None:
    shown = opened(thirty_rows())
    shown.keys("/", "case-2 -case-21")
    assert shown.text(".tools output") == "9 of 30 trials"
    shown.keys(ENTER, ENTER)
    assert shown.text("#trial .id").startswith("geography/case-20@")
    shown.keys(ESCAPE)
    shown.all(".chip.passed")[0].click()
    assert shown.text(".tools output") == "8 of 30 trials"


def test_verdicts_show_expected_and_actual_values(opened: Any) -> None:
    waived = verdict(
        "invariant:usage-sums", ok=True, status="waived", at="total", expected=3, actual=4, message="known"
    )
    bad = failed(turns=[answer_turn("Bergen", thoughts="Oslo? No.")], cassette="cassettes/geography/capital/x.yaml")
    verdicts = [verdict("http", ok=True, expected=200), waived, *bad.verdicts]
    shown = opened([structs.replace(bad, verdicts=verdicts)])
    shown.keys("j", ENTER)
    assert [node.text for node in shown.all(".verdicts .mark")] == ["FAIL", "waived", "pass"]
    assert [node.text for node in shown.all(".verdicts pre")] == ["Oslo", "Bergen", "3", "4"]
    assert "known" in shown.text(".verdicts")
    facts = shown.text("#trial .facts")
    assert "suites/geography.yaml:7" in facts
    assert "cassettes/geography/capital/x.yaml" in facts
    assert "thoughts, 9 characters" in shown.text("#trial")
    assert not any(node.is_displayed() for node in shown.all("#trial details pre"))


def test_the_curl_holds_the_body_as_it_was_sent_and_no_key(opened: Any) -> None:
    shown = opened([row(target="google/flash", turns=[answer_turn("x")])])
    shown.keys("j", ENTER)
    curl = shown.wait(
        "[...document.querySelectorAll('#trial pre')].map(e => e.textContent).find(t => t.startsWith('curl'))"
    )
    assert '-H "x-goog-api-key: $GOOGLE_API_KEY"' in curl
    assert """[{"text":"it'"'"'s a question"}]""" in curl
    assert '"big":1152921504606846977' in curl


def test_grounding_is_marked_where_the_bytes_are(opened: Any) -> None:
    pieces = ("Spanien gewann", "スペインが優勝しました 🏆", "финал в Берлине")
    shown = opened([row(turns=[answer_turn(PROSE, **grounding_metadata(PROSE, *pieces))])])
    shown.keys("j", ENTER)
    assert tuple(node.text for node in shown.all(".answer mark")) == pieces
    assert [node.text for node in shown.all(".answer sup")] == ["1", "2", "3"]
    assert [node.get_attribute("href") for node in shown.all(".sources a")] == [
        f"https://example.org/{n}" for n in range(3)
    ]


def test_hostile_text_stays_text(opened: Any) -> None:
    call = {"parts": [{"text": HOSTILE}, {"functionCall": {"name": HOSTILE, "args": {HOSTILE: HOSTILE}}}]}
    metadata = {
        "groundingChunks": [{"web": {"uri": "javascript:document.title='owned'", "title": HOSTILE}}],
        "webSearchQueries": [HOSTILE],
    }
    turn = answer_turn(HOSTILE, thoughts=HOSTILE, content=call, groundingMetadata=metadata)
    wrong = verdict("text", ok=False, at=HOSTILE, expected=HOSTILE, actual={HOSTILE: HOSTILE}, message=HOSTILE)
    shown = opened(
        [
            failed(verdicts=[wrong], turns=[turn]),
            unjudged("other", error={"kind": "ask", "message": HOSTILE, "traceback": HOSTILE}),
        ]
    )
    shown.keys("j", ENTER)
    assert shown.text("#trial .answer") == HOSTILE.replace("\u202e", "\\u202e")
    assert not shown.all("img, .sources a, #trial script")
    shown.keys("j")
    assert "<img" in shown.text("#trial")
    assert "owned" not in shown.browser.title
    assert shown.complaints() == []


def test_the_policy_refuses_a_script_that_slipped_in(opened: Any) -> None:
    shown = opened([row()])
    shown.browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')"
    )
    shown.wait("document.images.length")
    assert any("Content Security Policy" in complaint for complaint in shown.complaints())
    assert shown.browser.title != "1"


def test_a_cell_opens_its_first_attempt_that_failed(opened: Any) -> None:
    rows = [
        row(n=1, turns=[answer_turn("Oslo")]),
        failed(n=2, turns=[answer_turn("Bergen")]),
        row(n=3, turns=[answer_turn("Oslo")]),
    ]
    shown = opened(rows)
    shown.all(".matrix button")[0].click()
    assert shown.text("#trial .answer") == "Bergen"
    assert [node.text for node in shown.all(".attempts button")] == ["#1 pass", "#2 FAIL", "#3 pass"]
    shown.all(".attempts button")[2].click()
    assert shown.text("#trial .id").endswith("#3")


def test_an_address_leads_to_a_trial(opened: Any) -> None:
    assert opened(thirty_rows(), "#trial=geography/case-04@simulator/flash%231").text("#trial .answer") == "answer 4"


def test_a_changed_address_is_followed_if_it_is_valid(opened: Any) -> None:
    shown = opened(thirty_rows(), "#trial=%")
    assert not shown.all("#trial")[0].is_displayed()
    shown.browser.execute_script("location.hash = '#trial=geography/case-05@simulator/flash%231'")
    assert shown.wait("document.querySelector('#trial .answer')?.textContent") == "answer 5"
    assert shown.complaints() == []


def test_the_address_keeps_filters_and_order(opened: Any) -> None:
    shown = opened(thirty_rows())
    shown.keys("/", "case-2 -case-21", ENTER, ENTER, ESCAPE)
    shown.all(".chip.passed")[0].click()
    shown.all(".columns [data-sort='id']")[0].click()
    shown.all(".columns [data-sort='id']")[0].click()
    again = opened(thirty_rows(), "#" + shown.browser.current_url.partition("#")[2])
    assert again.text(".tools output") == "8 of 30 trials"
    assert again.all("#filter")[0].get_attribute("value") == "case-2 -case-21"
    assert again.all(".columns [data-sort='id']")[0].get_attribute("data-order") == "descending"
    again.browser.execute_script("location.hash = '#matrix'")
    assert again.text(".tools output") == "8 of 30 trials"


def test_the_address_keeps_which_cells_of_a_comparison_are_shown(browser: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(comparison_page(*flipped_rows(3)), "utf-8")
    shown = Opened(browser, file.as_uri())
    shown.all("#cells-filter")[0].send_keys("case-1")
    shown.all("#differing")[0].click()
    assert shown.text("#cells-shown") == "1 of 3"
    again = Opened(browser, browser.current_url)
    assert (again.text("#cells-shown"), again.all("#differing")[0].is_selected()) == ("1 of 3", True)


def test_a_flip_opens_both_sides_next_to_each_other(browser: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(comparison_page(*flipped_rows(3)), "utf-8")
    shown = Opened(browser, file.as_uri())
    shown.all(".items [data-trial]")[1].click()
    assert shown.text("#trial .id") == "candidate: geography/case-0@simulator/flash#1"
    assert [node.text for node in shown.all(".attempts button")] == ["reference #1 pass", "candidate #1 FAIL"]
    shown.all(".attempts button")[0].click()
    assert shown.text("#trial .answer") == OSLO["text"]
    shown.wait("document.querySelectorAll('.items ins').length === 6")
    assert [node.text for node in shown.all(".items li:first-child del")] == ["Oslo", "Bergen"]
    assert shown.complaints() == []


def test_a_flip_of_several_candidates_opens_all_sides(browser: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page_of_candidates(3, {"simulator/pro": "Bergen", "simulator/lite": "Trondheim"}), "utf-8")
    shown = Opened(browser, file.as_uri())
    shown.all(".items [data-trial]")[-1].click()
    assert shown.text("#trial .id") == "simulator/lite: geography/case-2@simulator/lite#1"
    assert shown.text("#trial .answer") == "Trondheim"
    assert [node.text for node in shown.all(".attempts button")] == [
        "reference #1 pass",
        "simulator/pro #1 FAIL",
        "simulator/lite #1 FAIL",
    ]
    shown.all(".attempts button")[1].click()
    assert shown.text("#trial .answer") == "Bergen"
    shown.browser.execute_script("document.querySelector('#list').scrollIntoView()")
    shown.wait("document.querySelectorAll('.line').length === 9")
    axes = [node.text for node in shown.all(".line span[title]:nth-of-type(3)")]
    assert axes == ["reference"] * 3 + [""] * 6  # a candidate is called by its target, which has a column
    assert shown.complaints() == []


LONG = "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura. " * 60


@pytest.mark.parametrize(
    ("expected", "actual", "gone", "new"),
    [
        ("moving for 191 minutes", "moving for 187 minutes", ["191"], ["187"]),
        ("日本の首都は東京です", "日本の首都は大阪です", ["東京"], ["大阪"]),
        ("the same", "quite other", [], []),
        (LONG + "fine", LONG.replace("selva", "foresta", 1) + "fine", ["selva"], ["foresta"]),
        ("a b c", "a b c d", [], [" d"]),
        (f"a {HOSTILE}", f"b {HOSTILE}", ["a"], ["b"]),
    ],
)
def test_what_differs_is_marked_word_by_word(
    opened: Any, expected: str, actual: str, gone: list[str], new: list[str]
) -> None:
    wrong = verdict("text", ok=False, expected=expected, actual=actual, message="is not")
    shown = opened([failed(verdicts=[wrong])])
    shown.keys("j", ENTER)
    texts = "[...document.querySelectorAll('#trial .verdicts {}')].map(each => each.textContent)"
    assert shown.browser.execute_script(f"return {texts.format('del')}") == gone
    assert shown.browser.execute_script(f"return {texts.format('ins')}") == new
    assert shown.browser.execute_script(f"return {texts.format('pre')}") == [
        text.replace("\u202e", "\\u202e") for text in (expected, actual)
    ]
    assert shown.complaints() == []


def test_texts_of_any_words_keep_what_they_say(opened: Any) -> None:
    chance = random.Random(7)
    texts = [
        "".join(chance.choices(["a", "b", "c", " ", "日", "\n", "🏆"], k=chance.randint(1, 30))) for _ in range(120)
    ]
    pairs = list(zip(texts[::2], texts[1::2], strict=True))
    wrong = [
        verdict("text", ok=False, expected=expected, actual=actual, message="is not") for expected, actual in pairs
    ]
    shown = opened([failed(verdicts=wrong)])
    shown.keys("j", ENTER)
    script = """return [...document.querySelectorAll('#trial .verdicts pre')].map(each => [each.textContent,
        [...each.childNodes].filter(part => part.nodeType === 3).map(part => part.data).join('')])"""
    found = shown.browser.execute_script(script)
    for (one, other), (expected, actual) in zip(pairs, zip(found[::2], found[1::2], strict=True), strict=True):
        assert (expected[0], actual[0]) == (one, other)
        assert expected[1] == actual[1] or (expected[1], actual[1]) == (one, other)


def test_odd_answers_are_shown_and_long_ones_in_part(opened: Any) -> None:
    audio = {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg" * 1000}}
    image = {"inlineData": {"mimeType": "image/png", "data": "not an image"}}
    odd = "\x00\x07\x1b[31m\ud800 \u202e נגמר"
    rows = [
        row("big", turns=[answer_turn("lorem ipsum " * 90_000)]),
        row("audio", turns=[answer_turn("listen", content={"parts": [{"text": "listen"}, audio, image]})]),
        row("odd", turns=[answer_turn(odd, thoughts=odd)], axes={"odd": "name" * 40}),
    ]
    shown = opened(rows)
    shown.keys("j", ENTER)
    assert len(shown.wait("document.querySelector('#trial .answer').textContent")) == 50_000
    assert "the first 50,000 of 1,080,000 characters: show all" in shown.text("#trial")
    shown.keys("j")
    assert "audio/wav" in shown.text("#trial")
    assert shown.all("#trial .picture")
    shown.keys("j")
    assert shown.text("#trial .answer").startswith("\\u0000\\u0007\\u001b[31m\\ud800 \\u202e ")


def test_a_stream_is_drawn_event_by_event(opened: Any) -> None:
    shown = opened([row(axes={"transport": "stream"}, turns=[answer_turn("x", transport="stream")])])
    shown.keys("j", ENTER)
    assert len(shown.all(".timeline line:not(.axis):not(.first)")) == 3
    assert "3 events, first 0.20 s, last 0.50 s, longest gap 0.20 s" in shown.text("#trial")


def test_light_and_dark_follow_the_system_until_one_is_chosen(opened: Any) -> None:
    shown = opened([row()])
    color = "getComputedStyle(document.body).backgroundColor"
    for scheme, expected in (("light", "rgb(247, 247, 245)"), ("dark", "rgb(16, 19, 22)")):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        assert shown.wait(color) == expected
    shown.all("#theme")[0].click()
    assert shown.text("#theme") == "light"
    assert shown.wait(color) == "rgb(247, 247, 245)"
    shown.keys("t", "t")
    assert shown.text("#theme") == "auto"


@pytest.mark.parametrize("width", [500, 1400])
def test_nothing_is_wider_than_the_window(opened: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    levels = ("minimal", "low", "medium", "high")
    rows = [
        row("two-trains", f"simulator/gemini-{n}-preview", axes={"thinking": level})
        for n in range(6)
        for level in levels
    ]
    shown = opened(rows)
    shown.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert shown.wait("document.documentElement.scrollWidth") <= width
        shown.keys("j", ENTER)
        assert shown.wait("document.documentElement.scrollWidth") <= width
    finally:
        shown.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_wide_table_becomes_a_list_in_a_narrow_window(opened: Any) -> None:
    size = {"width": 320, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    shown = opened([row("two-trains", f"simulator/gemini-{n}-preview") for n in range(2)])
    hidden = """[...document.querySelectorAll('main td')].filter((td) =>
      td.getBoundingClientRect().right > document.documentElement.clientWidth).length"""
    assert not shown.all(".stacked")
    shown.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert shown.wait("document.querySelector('.stacked td')?.dataset.name") == "passed"
        assert shown.browser.execute_script(f"return {hidden}") == 0
    finally:
        shown.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_only_the_visible_trials_of_many_are_drawn(opened: Any) -> None:
    answer = "The train was moving for 191 minutes. " * 20
    rows = [row(f"case-{n // 10}", n=n % 10 + 1, turns=[answer_turn(answer, thoughts=answer)]) for n in range(1_000)]
    rows[990] = failed("case-99", turns=[answer_turn("Bergen")])
    shown = opened(rows)
    assert len(shown.all(".line")) < 100
    shown.keys("G", "k", "n", "p", ENTER)
    assert shown.text("#trial .answer") == "Bergen"
    shown.keys("/", "case-99")
    assert shown.text(".tools output") == "10 of 1,000 trials"
    assert len(shown.all(".line")) == 10


def test_a_matrix_of_many_cases_shows_the_first_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.report.content.run.CELLS", 20)
    text = page([row(f"case-{n}") for n in range(30)])
    assert len(re.findall(r"<button[^>]*data-group", text)) == 20
    assert "and 10 more cases: the list of trials has all of them" in text
    assert "more case" not in page([row()])


def test_costs_that_are_not_all_known_say_at_least_and_why(opened: Any) -> None:
    paid, unknown = {"cost_usd": 0.0000015}, {"latency_s": 1.0}
    rows = [row(measures=paid), row("dear", measures=unknown, unpriced="no price of model x", turns=[answer_turn("x")])]
    assert '<td class="n">&gt;0.0000015</td>' in page(rows)
    shown = opened(rows)
    shown.keys("j")
    assert "0.0000015" in shown.text("#line-0")
    shown.keys("j", ENTER)
    assert "no price of model x" in shown.text("#trial .facts")


def test_paper_shows_what_is_folded(opened: Any) -> None:
    shown = opened([failed(f"case-{n:02}", turns=[answer_turn("Bergen")]) for n in range(12)])
    folded = "document.querySelectorAll('main details:not([open])').length"
    assert shown.browser.execute_script(f"return {folded}") == 1
    shown.browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert shown.browser.execute_script(f"return {folded}") == 0
    shown.browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert shown.browser.execute_script(f"return {folded}") == 1


def test_paper_is_as_wide_as_the_list_of_trials(opened: Any) -> None:
    shown = opened(thirty_rows())
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert shown.browser.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
        for hidden in (".top nav", "#theme", "#list .tools"):
            assert not shown.all(hidden)[0].is_displayed(), hidden
        edges = (
            "const [list, page] = ['.rows', 'main'].map((name) => document.querySelector(name).getBoundingClientRect())"
        )
        assert shown.browser.execute_script(f"{edges}; return [list.left - page.left, list.right - page.right]") == [
            0,
            0,
        ]
    finally:
        shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_a_script_the_page_says_what_is_missing(opened: Any) -> None:
    shown = opened(thirty_rows())
    shown.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        shown.browser.refresh()
        assert "need JavaScript" in shown.text("#trials noscript")
        assert not shown.all("#theme")[0].is_displayed()
        assert shown.all(".matrix button")[0].is_displayed()
    finally:
        shown.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
