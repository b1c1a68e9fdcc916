"""The page of a large run: the cost to write it and to use it in a browser, compared with a page that only contains the same bytes."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.results.rows import Row
from harness.results.store import RunWriter
from harness.results.summary import summarise
from tests.browser import chromium
from tests.sample_rows import failed, row, run

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

Line = tuple[str, str, str, str]
ANSWER = "The train was moving for 191 minutes. " * 20
NEXT_FRAME = "const done = arguments[0], from = performance.now(); {}; requestAnimationFrame(() => setTimeout(() => done(performance.now() - from)))"
"""Milliseconds until a change is drawn."""
FILTER = "const box = document.getElementById('filter'); box.value = 'case-7'; box.dispatchEvent(new Event('input', {bubbles: true}))"
SEEN = "document.querySelector('#matrix').scrollIntoView()"
OPEN = "document.querySelector('.matrix button').click()"
PAINTED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
LOADED = "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def rows(trials: int) -> Iterator[Row]:
    """Ten attempts at every case on five targets. Every seventh fails."""
    for n in range(trials):
        turn: Any = {
            "transport": "stream",
            "url": "https://generativelanguage.googleapis.com/v1beta/models/flash:streamGenerateContent",
            "request": {"contents": [{"role": "user", "parts": [{"text": f"How long, {n}?"}]}]},
            "status": 200,
            "text": f"{ANSWER}{n}",
            "thoughts": ANSWER,
            "response": {
                "candidates": [{"content": {"parts": [{"text": ANSWER, "thought": True}, {"text": f"{ANSWER}{n}"}]}}]
            },
            "times": [0.2, 0.3, 0.5],
            "attempts": 1,
        }
        made = failed if n % 7 == 0 else row
        yield made(f"case-{n // 50}", f"google/model-{n // 10 % 5}", n=n % 10 + 1, turns=[turn])


def saved(folder: Path, trials: int) -> Path:
    """A saved run with this number of trials."""
    with RunWriter(folder, run(id=f"trials-{trials}")) as writer:
        for row in rows(trials):
            writer.append(row)
        writer.close(summarise(rows(trials)))
    return writer.path


def lines(folder: Path, trials: int, timed: Callable[..., Any], command: list[str]) -> Iterator[Line]:
    """What is measured, measured, floor, ratio. ``timed``: the cost of a command as a whole process."""
    file = saved(folder, trials)
    page = folder / "page.html"
    ours = timed([*command, "report", str(file), "--format", f"html:{page}"], runs=3)
    floor = timed(
        [sys.executable, "-c", f"import json\nfor line in open({str(file)!r}, 'rb'): json.dumps(json.loads(line))"],
        runs=3,
    )
    what = f"HTML of {trials:,} trials"
    yield (
        what,
        f"{ours.wall:.2f} s",
        f"the lines read and written once {floor.wall:.2f} s",
        f"{ours.wall / floor.wall:.1f}x",
    )
    yield f"{what}: peak memory", f"{ours.peak_mb:.0f} MB", f"one line at a time {floor.peak_mb:.0f} MB", ""
    size, run_size = (path.stat().st_size / 1e6 for path in (page, file))
    yield f"{what}: size", f"{size:.1f} MB", f"the saved run {run_size:.1f} MB", f"{size / run_size:.1f}x"
    yield from _in_a_browser(what, page, folder)


def _in_a_browser(what: str, page: Path, folder: Path) -> Iterator[Line]:
    bare = folder / "bare.html"
    bare.write_text(
        f"<!doctype html><p>as many bytes</p><script type=application/json>{'x' * page.stat().st_size}</script>"
    )
    with tempfile.TemporaryDirectory() as profile:
        starting = chromium(Path(profile))
        try:
            browser = next(starting)
        except BaseException as absent:  # noqa: BLE001  pytest's own way to say that there is no browser
            yield f"{what}: in a browser", "-", str(absent), ""
            return
        try:
            yield from _used(what, browser, page, bare)
        finally:
            starting.close()  # type: ignore[attr-defined]


def _used(what: str, browser: Chrome, page: Path, bare: Path) -> Iterator[Line]:
    painted, loaded = zip(*(_loaded(browser, page) for _ in range(3)), strict=True)
    shown, parsed = zip(*(_loaded(browser, bare) for _ in range(3)), strict=True)
    for name, ours, floor in (("first paint", painted, shown), ("ready", loaded, parsed)):
        one, other = statistics.median(ours), statistics.median(floor)
        yield f"{what}: {name}", f"{one:.0f} ms", f"a page of as many bytes {other:.0f} ms", f"{one / other:.1f}x"
    for name, ready, script in (("a filter keystroke", "", FILTER), ("opening a trial from the matrix", SEEN, OPEN)):
        idle, spent = (
            statistics.median(times)
            for times in zip(*(_frames(browser, page, ready, script) for _ in range(5)), strict=True)
        )
        yield f"{what}: {name}", f"{spent:.0f} ms", f"a frame {idle:.0f} ms", "target 100 ms"


def _frames(browser: Chrome, page: Path, ready: str, script: str) -> tuple[float, float]:
    """Milliseconds of an idle frame, and until a change by the script is drawn, on a freshly loaded page."""
    _loaded(browser, page)
    browser.execute_async_script(NEXT_FRAME.format(ready))
    idle, spent = (browser.execute_async_script(NEXT_FRAME.format(code)) for code in ("", script))
    return idle, spent


def _loaded(browser: Chrome, page: Path) -> tuple[float, float]:
    """Milliseconds to the first paint, and until the page's script has run."""
    browser.get("about:blank")
    browser.get(page.as_uri())
    end = time.monotonic() + 10
    while (painted := browser.execute_script(PAINTED)) is None and time.monotonic() < end:
        time.sleep(0.05)
    return float(painted or "nan"), float(browser.execute_script(LOADED))
