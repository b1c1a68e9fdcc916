"""No page loads anything, or runs foreign text as a script: checked with an HTML parser and in a browser."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.compare.audit import Audit, AuditFinding
from harness.compare.comparison import combine, compare_axis
from harness.compare.drift import Drift, DriftFinding, Sighting, Unknown
from harness.compare.gates import Gate, GateResult
from harness.compare.migration import Migration
from harness.compare.scoreboard import Scoreboard, ScoredTrial, scoreboard
from harness.compare.sweeps import Sweeps, sweeps
from harness.report import Report, View, find
from harness.report.html import server_pages
from harness.report.html.server_pages import RunListItem
from harness.results.history_lines import History, HistoryEntry
from harness.results.rows import Row
from harness.results.summary import summarise
from tests.sample_rows import failed, row, rows_of, run, unjudged, verdict

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BAD = "</script></title></style>\"'><img src=x onerror=\"document.title='owned'\"><svg/onload=document.title='owned'>${x}{{y}}"
LINK = "javascript:document.title='owned'"
DATA = "data:text/html,<script>parent.document.title='owned'</script>"
LOADING = {"src", "srcset", "data", "poster", "background", "formaction", "srcdoc", "ping", "style"}
INERT = {"link", "iframe", "object", "embed", "base", "img", "video", "audio", "form", "source", "frame"}


class Reader(HTMLParser):
    """Parses a page; everything that could run or fetch something is a complaint."""

    def __init__(self, *, served: bool) -> None:
        super().__init__()
        self.served = served
        self.policy = ""
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.kept: list[str] | None = None
        self.complaints: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in INERT - ({"form"} if self.served else set()):
            self.complaints.append(f"<{tag}>")
        for name, value in given.items():
            if name in LOADING or name.startswith("on"):
                self.complaints.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "xlink:href", "action") and not re.match(r"#|/(?!/)" if self.served else "#", value):
                self.complaints.append(f"<{tag} {name}={value!r}>")
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        elif "http-equiv" in given:
            self.complaints.append(f"<meta http-equiv={given['http-equiv']!r}>")
        if tag == "style" or (tag == "script" and given.get("type") != "application/json"):
            self.inside[tag].append("")
            self.kept = self.inside[tag]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            self.kept = None

    def handle_data(self, data: str) -> None:
        if self.kept is not None:
            self.kept[-1] += data


def harmless(page: str, *, served: bool = False) -> None:
    """Asserts that a page has one script and one style, that its policy allows only these, and that no link leads elsewhere."""
    reader = Reader(served=served)
    reader.feed(page)
    assert reader.complaints == []
    rules = dict(rule.strip().split(" ", 1) for rule in reader.policy.split(";"))
    own = {name: re.sub(r"^'|'$", "", rules[f"{name}-src"]) for name in ("script", "style")}
    for name, (text,) in reader.inside.items():
        assert own[name] == f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        assert not re.search(r"@import|\burl\(|\bfetch\(|XMLHttp|\bimport\(|\beval\(|innerHTML|insertAdjacent", text)
    assert rules["default-src"] == rules["base-uri"] == "'none'"
    assert rules["form-action"] == ("'self'" if "<form" in page else "'none'")


TURN: dict[str, Any] = {
    "transport": "stream",
    "url": BAD,
    "request": {BAD: BAD},
    "status": 200,
    "text": BAD,
    "thoughts": BAD,
    "times": [0.1, None],
    "attempts": 2,
    "response": {
        "candidates": [
            {
                "finishReason": BAD,
                "content": {
                    "parts": [
                        {"text": BAD, "thought": True},
                        {"text": BAD},
                        {"functionCall": {"name": BAD, "args": {BAD: [BAD]}}},
                        {"executableCode": {"code": BAD}},
                        {"inlineData": {"mimeType": "image/svg+xml", "data": base64.b64encode(BAD.encode()).decode()}},
                        {"inlineData": {"mimeType": BAD, "data": BAD}},
                        {BAD: BAD},
                    ]
                },
                "groundingMetadata": {
                    "webSearchQueries": [BAD],
                    "groundingChunks": [
                        {"web": {"uri": uri, "title": title}}
                        for uri, title in (
                            (LINK, BAD),
                            (f" {LINK}", ""),
                            (DATA, BAD),
                            (f"https://x/{BAD}", BAD),
                            (BAD, BAD),
                        )
                    ],
                    "groundingSupports": [
                        {
                            "segment": {"startIndex": 0, "endIndex": 9, "text": BAD},
                            "groundingChunkIndices": [0, 1, 2, 3],
                        }
                    ],
                },
            }
        ],
        "error": {"status": BAD, "message": BAD},
    },
}
OUTCOME: Any = {"http": 400, "finishReason": BAD, "parts": [BAD], "text": BAD}
BAD_PROVENANCE: Any = {"mode": "live", "recorded_from": BAD, "recorded_at": BAD, "timing": "lost", "simulated": True}


def hostile() -> list[Row]:
    """A run on two targets and three levels of an axis in which all foreign text is ``BAD``."""
    wrong = [
        verdict(BAD, ok=False, at=BAD, expected=BAD, actual={BAD: BAD}, message=BAD),
        verdict(BAD, ok=False, severity="warn", message=BAD, place={"file": BAD, "line": 1}),
    ]
    more: Any = {
        "turns": [TURN],
        "outcome": OUTCOME,
        "provenance": BAD_PROVENANCE,
        "suite": BAD,
        "cassette": BAD,
        "unpriced": BAD,
    }
    place = {"file": BAD, "line": 3}
    rows = []
    for target in (f"{BAD}/flash", f"{BAD}/pro"):
        for level in ("low", "medium", "high"):
            axes = {"thinking": level, BAD: BAD}
            made = row if target.endswith("pro") or level == "low" else failed
            rows.append(made(BAD, target, axes=axes, verdicts=[] if made is row else wrong, place=place, **more))
        error = {"kind": "ask", "cause": BAD, "message": BAD, "traceback": BAD}
        rows.append(unjudged(f"error {BAD}", target, suite=BAD, error=error, cassette=BAD))
        rows.append(row(f"skip {BAD}", target, "skipped", suite=BAD, skip=BAD))
        rows.append(row(f"xfail {BAD}", target, "xfailed", xfail=BAD, **more))
    return rows


HEADER: dict[str, Any] = {
    "id": BAD,
    "started": BAD,
    "record_mode": BAD,
    "targets": [BAD, f"{BAD}/flash"],
    "suites": [{"suite": BAD, "file": BAD, "sha256": BAD, "about": BAD}],
    "harness": BAD,
    "python": BAD,
    "front": BAD,
    "selection": {BAD: BAD},
    "notes": [BAD],
    "prices": BAD,
    "migration": [BAD, f"{BAD}/flash"],
}


def _history_entry() -> HistoryEntry:
    counts: Any = {"passed": 1, "failed": 1, "errors": 0, "skipped": 0, "total": 2, "attempts": 2}
    measures: Any = {"tokens": 3, "thoughts": 1, "ttft_s": 0.1, "latency_s": 0.2, "cost_usd": 0.1}
    named: Any = {
        "run": BAD,
        "started": BAD,
        "record_mode": BAD,
        "suite": BAD,
        "target": BAD,
        "group": BAD,
        "status": BAD,
    }
    return HistoryEntry(**named, **counts, **measures, complete=False, sources=BAD, simulated=True, change=BAD)


@cache
def pages() -> dict[str, str]:
    """Kind -> page: every kind of page, with hostile text."""
    rows, header = hostile(), run(**HEADER)
    summary = summarise(rows)
    compared = compare_axis(summary, "target", f"{BAD}/flash", f"{BAD}/pro")
    source = (header, rows_of(*rows))
    gates = [GateResult(Gate("hard", checks=(BAD,)), crossed=True, seen=BAD)]
    compared = type(compared)(**{**_fields(compared), "sources": (source, source), "gates": gates, "notes": [BAD]})
    report = Report(header, summary, lambda: rows, notes=(BAD,))
    documents: list[tuple[Any, Any]] = [
        ("run", report),
        ("comparison", compared),
        ("comparisons", combine("target", [compared, compared])),
        ("migration", Migration(compared, [BAD], [(BAD, BAD)])),
        ("sweep", Sweeps(BAD, BAD, True, sweeps(summary), [BAD])),
        ("history", History([_history_entry()], [BAD], 3)),
        ("audit", Audit(1, 1, {BAD: BAD}, findings=[AuditFinding(BAD, 0, BAD, "error", BAD, BAD, BAD, BAD)])),
        ("drift", _drift()),
        ("scoreboard", _scoreboard()),
    ]
    made: dict[str, str] = {}
    for kind, document in documents:
        out = io.StringIO()
        find("html", "comparison" if kind == "comparisons" else kind)(document, View(details=None), out)
        made[kind] = out.getvalue()
    for kind, document in documents[:2]:
        find("html", kind)(document, View(home="/"), out := io.StringIO())
        made[f"{kind}, served"] = out.getvalue()
    entries = [RunListItem(BAD, header, {"totals": {"passed": 1}}, simulated=True), RunListItem(BAD, problem=BAD)]
    made["list, served"] = "".join(server_pages.listing(entries, BAD))
    made["problem, served"] = "".join(server_pages.problem(BAD))
    return made


def _drift() -> Drift:
    seen = Sighting(BAD, BAD, BAD, BAD, BAD, simulated=True)
    finding = DriftFinding(Unknown("value", BAD, BAD, BAD), (BAD,), seen)
    known = DriftFinding(Unknown("field", BAD, "", BAD), (BAD,), seen, known=True)
    return Drift(
        BAD,
        2,
        [finding, known],
        [{"kind": "field", "path": BAD, "value": BAD, "provider": BAD}],
        [BAD],
        simulated=True,
        listed=BAD,
    )


def _scoreboard() -> Scoreboard:
    trials = [ScoredTrial(BAD, BAD, f"{BAD}/flash", (BAD,), "failed", BAD, BAD, simulated=True)]
    return replace(scoreboard(trials), notes=[BAD], command=BAD)


def _fields(document: Any) -> dict[str, Any]:
    return {name: getattr(document, name) for name in type(document).__slots__}


KINDS = ("run", "comparison", "comparisons", "migration", "sweep", "history", "audit", "drift", "scoreboard")
SERVED = ("run", "comparison", "list", "problem")


@pytest.mark.parametrize("kind", [*KINDS, *(f"{kind}, served" for kind in SERVED)])
def test_no_page_fetches_or_runs_anything_of_others(kind: str) -> None:
    page = pages()[kind]
    assert "owned" in page
    harmless(page, served="served" in kind)


@pytest.mark.parametrize(
    "harm", ['<img src="x">', '<p onclick="x()">', f'<a href="{LINK}">', "<script>x</script>", "<base href='/'>"]
)
def test_the_check_for_harmful_pages_finds_harm(harm: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        harmless(pages()["run"].replace("<main>", f"<main>{harm}", 1))


OPEN_ALL = """
const harm = [];
const look = () => {
  for (const each of document.querySelectorAll('script:not([type]), img, iframe, a[href]')) {
    if (each.matches('a') ? !/^(#|https:|file:)/.test(each.href && each.getAttribute('href')) : each.matches('img') ? !each.src.startsWith('data:image/') : each !== own)
      harm.push(each.outerHTML.slice(0, 200));
  }
};
const own = document.querySelector('script:not([type])');
look();
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'g', bubbles: true}));
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
for (let n = 0; n < 40; n++) {
  for (const each of document.querySelectorAll('#trial details')) each.open = true;
  look();
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}));
}
const done = arguments[0];
setTimeout(() => { look(); done([harm, document.title, document.querySelectorAll('#trial').length]); }, 200);
"""
"""Opens every trial and every folded part, and returns what could do harm."""


@pytest.mark.parametrize("kind", ["run", "comparison", "comparisons"])
def test_nothing_runs_when_every_trial_is_opened(browser: Chrome, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(pages()[kind], "utf-8")
    browser.get("about:blank")
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get(file.as_uri())
    title = browser.title
    harm, after, panels = browser.execute_async_script(OPEN_ALL)
    assert harm == []
    assert panels == 1
    assert browser.find_elements("css selector", "#trial .sources a[href^='https://x/']")
    assert after == title
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
