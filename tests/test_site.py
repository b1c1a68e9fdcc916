"""The navigation of the site has every page once. ``make site`` builds it, and checks every link."""

from __future__ import annotations

from pathlib import Path

from tests.site import INDEX, navigation

ROOT = Path(__file__).parents[1]


def test_the_navigation_has_every_page_of_the_documentation_once() -> None:
    sections = navigation((ROOT / INDEX).read_text("utf-8"))
    pages = [path for section in sections for pages in section.values() for page in pages for path in page.values()]
    assert sorted(page for page in pages if page.startswith("docs/")) == sorted(
        f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"
    )


def test_a_heading_without_a_table_of_links_is_no_section() -> None:
    index = "# All\n\n## Begin\n\n| page | |\n|---|---|\n| [One](one.md) | first |\n| [Up](../UP.md) | |\n\n## Commands\n\ntext\n"
    assert navigation(index) == [{"Begin": [{"One": "docs/one.md"}, {"Up": "UP.md"}]}]
