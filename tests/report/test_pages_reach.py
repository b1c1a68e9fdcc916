"""Accessibility: every page works with keys alone, with a screen reader, and in a narrow window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.report.test_html import answer_turn, page
from tests.report.test_pages_hostile import pages
from tests.sample_rows import failed, row

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

KINDS = sorted(pages())
DAILY = ("comparison", "run, served", "sweep")
"""Pages that every test run looks at; `make nightly` looks at all."""
SOME = [kind if kind in DAILY else pytest.param(kind, marks=pytest.mark.nightly) for kind in KINDS]
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"
NAMED = {
    *("button", "link", "checkbox", "radio", "combobox", "textbox", "searchbox", "listbox", "option"),
    *("DisclosureTriangle", "image", "table", "dialog", "heading", "complementary"),
}
"""Roles that need an accessible name."""


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Iterator[Any]:
    def open_page(text: str, width: int = 1400) -> Chrome:
        file = tmp_path / "page.html"
        file.write_text(text, "utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get("about:blank")
        browser.get(file.as_uri())
        settle(browser)
        return browser

    yield open_page
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def press(browser: Chrome, *keys: str) -> None:
    settle(browser)  # a dialog that closes gives the focus back
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
        settle(browser)


def settle(browser: Chrome) -> None:
    """Wait until the page has drawn what its script changed: two frames, however busy the machine is."""
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def accessible_nodes(browser: Chrome) -> list[tuple[str, str]]:
    """(role, name) of the nodes of the accessibility tree that are not ignored."""
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]


def in_order(levels: list[int]) -> bool:
    """One heading of the first level, at the top, and none that skips a level."""
    return (
        levels[:1] == [1]
        and levels.count(1) == 1
        and all(level <= before + 1 for before, level in zip([0, *levels], levels, strict=False))
    )


@pytest.mark.parametrize("kind", SOME)
def test_controls_and_regions_have_accessible_names(opened: Any, kind: str) -> None:
    browser = opened(pages()[kind])
    press(browser, "j", ENTER)
    browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    nodes = accessible_nodes(browser)
    assert [node for node in nodes if node[0] in NAMED and not node[1].strip()] == []
    assert {"banner", "main"} <= {role for role, _ in nodes}
    levels = "return [...document.querySelectorAll('h1, h2, h3, h4')].filter((each) => each.checkVisibility()).map((each) => +each.tagName[1])"
    assert in_order(browser.execute_script(levels))


@pytest.mark.parametrize("kind", KINDS)
def test_tables_have_captions_and_their_cells_have_headers(opened: Any, kind: str) -> None:
    browser = opened(pages()[kind])
    script = "return [...document.querySelectorAll('main table')].filter((each) => !({}).call(each)).length"
    caption = "function () { return this.caption?.textContent.trim(); }"
    scopes = "function () { return [...this.querySelectorAll('th')].every((th) => th.scope && th.textContent.trim()); }"
    rows = "function () { return [...this.tBodies[0].rows].every((tr) => tr.className === 'message' || tr.querySelector('th[scope=row]')); }"
    for holds in (caption, scopes, rows):
        assert browser.execute_script(script.format(holds)) == 0


WATCH = """
window.wanted = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter((each) =>
  each.checkVisibility({visibilityProperty: true}) && !each.closest('[inert]') && (each.type !== 'radio' || each.checked));
window.reached = [];
window.unseen = [];
addEventListener('focusin', ({target}) => {
  reached.push(wanted.indexOf(target));
  if (getComputedStyle(target).outlineStyle === 'none') unseen.push(target.outerHTML);
});
return wanted.length;
"""
"""Records which controls get the focus, and which of them are hidden then."""


@pytest.mark.parametrize("kind", SOME)
def test_tab_visits_all_controls_in_order_and_leaves(opened: Any, kind: str) -> None:
    browser = opened(pages()[kind])
    number = browser.execute_script(WATCH)
    press(browser, TAB * number)
    assert browser.execute_script("return [reached, unseen]") == [list(range(number)), []]
    press(browser, TAB)
    assert browser.execute_script("return document.activeElement !== wanted.at(-1)")


@pytest.mark.parametrize("kind", SOME)
def test_nothing_is_lost_in_a_window_of_320_pixels(opened: Any, kind: str) -> None:
    browser = opened(pages()[kind], 320)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
    press(browser, "j", ENTER)
    browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
    panel = "const panel = document.querySelector('#trial'); return panel ? [panel.getBoundingClientRect().left, panel.scrollWidth - panel.clientWidth] : [0, 0]"
    assert browser.execute_script(panel) == [0, 0]


def rows() -> list[Any]:
    return [row("one", turns=[answer_turn("Oslo")]), failed("two", turns=[answer_turn("Bergen")])]


def test_focus_stays_in_a_trial_that_covers_the_page(opened: Any) -> None:
    browser = opened(page(rows()), 500)
    inert = "return document.querySelector('main').inert"
    press(browser, "j", ENTER)
    assert browser.execute_script(inert)
    press(browser, "j")
    assert browser.find_element("css selector", "#trial .answer").text == "Bergen"
    press(browser, ESCAPE)
    assert not browser.execute_script(inert)
    assert browser.switch_to.active_element.get_attribute("id") == "rows"
    browser = opened(page(rows()), 1400)
    press(browser, "j", ENTER)
    assert not browser.execute_script(inert)


@pytest.mark.parametrize(("width", "lines"), [(1400, 1), (320, 2)])
def test_the_list_of_trials_is_aligned_and_names_its_cases(opened: Any, width: int, lines: int) -> None:
    levels = [row("two-trains", axes={"thinking": level}) for level in ("low", "high")]
    browser = opened(page([*levels, row("who-won"), *(row(f"case-{n}") for n in range(300))]), width)
    press(browser, "j")
    script = """return [...document.querySelectorAll('.columns, .line')].map((line) =>
        [...line.children].slice(0, 5).map((each) => Math.round(each.getBoundingClientRect().left - line.getBoundingClientRect().left)))"""
    head, *drawn = browser.execute_script(script)
    assert all(position == drawn[0] for position in drawn)
    apart = [at - before for at, before in zip(head, drawn[0], strict=True)]
    assert max(apart) - min(apart) <= 1
    cut = "return [...document.querySelectorAll('.line > :nth-child(2)')].filter((each) => each.scrollWidth > each.clientWidth).length"
    assert browser.execute_script(cut) == 0
    tall = "const [one, two] = document.querySelectorAll('.line'); return [two.offsetTop - one.offsetTop, one.offsetHeight]"
    apart, high = browser.execute_script(tall)
    assert apart == high == 6 + 20 * lines
    press(browser, "G", ENTER)
    assert browser.find_element("css selector", "#trial .id").text == "geography/case-299@simulator/flash#1"


def test_letter_keys_can_be_turned_off(opened: Any) -> None:
    browser = opened(page(rows()))
    theme = "return document.documentElement.dataset.theme"
    press(browser, "?")
    browser.find_element("css selector", "#letters").click()
    browser.find_element("css selector", "dialog button").click()
    press(browser, "t", "j")
    assert browser.execute_script(theme) == "auto"
    assert not browser.find_elements("css selector", "[aria-selected=true]")
    browser.refresh()
    settle(browser)
    press(browser, "t")
    assert browser.execute_script(theme) == "auto"
    browser.find_element("css selector", "#help").click()
    browser.find_element("css selector", "#letters").click()
    press(browser, ESCAPE, "t")
    assert browser.execute_script(theme) == "light"


def test_a_hidden_trial_is_not_named_as_the_active_one(opened: Any) -> None:
    browser = opened(page([row(f"case-{n}") for n in range(500)]))
    press(browser, "j")
    held = "return document.querySelector('#rows').getAttribute('aria-activedescendant')"
    assert browser.execute_script(held) == "line-0"
    browser.execute_script("scrollTo(0, document.body.scrollHeight)")
    settle(browser)
    assert browser.execute_script(held) is None
    browser.execute_script("document.querySelector('#rows').focus({preventScroll: true})")
    assert browser.execute_script(held) == "line-0"
