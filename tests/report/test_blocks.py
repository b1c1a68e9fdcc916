"""A document of blocks in every format: the whole text that it writes."""

from __future__ import annotations

from io import StringIO

import pytest

from harness.model import Place
from harness.report import View
from harness.report.blocks import (
    FORMATS,
    Annotation,
    Block,
    Bullets,
    Code,
    CodeBlock,
    ComparedLines,
    Details,
    Facts,
    Heading,
    Lines,
    Paragraph,
    Table,
    document,
)
from harness.report.github import write_blocks as github
from harness.report.html.blocks import write_blocks as html
from harness.report.markdown import write_blocks as markdown
from harness.report.table.blocks import write_blocks as table

BLOCKS: list[Block] = [
    Heading("What changes", level=1),
    Paragraph(["3 of 4 ", Code("$.a|b"), " are <new>"], strong=True),
    Heading("changes"),
    Annotation("error", "dropped", "$.id", Place("a.yaml", 3)),
    Heading("in pairs", level=3),
    Table(["path", "change", "pairs"], [[Code("$.id"), "dropped", "4"], ["header x", "added", "12"]], "all", frozenset({1}), ["warning", None]),
    Bullets([["see ", Code("a *trial*")], ["and *this*"]], ["error", None]),
    Facts([("stage", "ga & new"), ("", "since 2026"), ("at", "*home*")]),
    CodeBlock(["gemini-harness fidelity last"]),
    Details([Code("$.id"), " dropped"], [ComparedLines(("a", "b"), (["x: 1", "id: 2"], ["x: 1"]), (frozenset({1}), frozenset()))]),
]  # fmt: skip


def written(write: object, view: View | None = None) -> str:
    out = StringIO()
    write(BLOCKS, view or View(), out)  # type: ignore[operator]
    return out.getvalue()


def test_a_terminal_shows_text_and_no_details() -> None:
    assert written(table) == (
        "What changes\n"
        "\n"
        "3 of 4 $.a|b are <new>\n"
        "\n"
        "changes\n"
        "\n"
        "in pairs\n"
        "path      change   pairs\n"
        "--------  -------  -----\n"
        "$.id      dropped      4\n"
        "header x  added       12\n"
        "\n"
        "* see a *trial*\n"
        "* and *this*\n"
        "\n"
        "  stage  ga & new\n"
        "         since 2026\n"
        "  at     *home*\n"
        "\n"
        "  gemini-harness fidelity last\n"
    )


def test_a_terminal_shows_details_where_all_is_asked_for() -> None:
    whole = written(table, View(details=None))
    assert whole.endswith("\n$.id dropped\n  a:\n    x: 1\n  - id: 2\n  b:\n    x: 1\n")


def test_github_annotates_what_is_bad() -> None:
    assert written(github) == (
        "::error file=a.yaml,line=3,title=dropped::$.id\n"
        "::error title=gemini-harness::see a *trial*\n"
        "::warning title=$.id::change: dropped; pairs: 4\n"
        "::notice title=What changes::3 of 4 $.a|b are <new>\n"
    )


def test_markdown_escapes_and_folds() -> None:
    assert written(markdown) == (
        "## What changes\n"
        "\n"
        "**3 of 4 `$.a|b` are &lt;new&gt;**\n"
        "\n"
        "### changes\n"
        "\n"
        "#### in pairs\n"
        "\n"
        "| path | change | pairs |\n"
        "|---|---|---:|\n"
        "| `$.id` | dropped | 4 |\n"
        "| header x | added | 12 |\n"
        "\n"
        "- see `a *trial*`\n"
        "- and \\*this\\*\n"
        "\n"
        "- **stage**: ga &amp; new\n"
        "- since 2026\n"
        "- **at**: \\*home\\*\n"
        "\n"
        "```text\n"
        "gemini-harness fidelity last\n"
        "```\n"
        "\n"
        "<details><summary>$.id dropped</summary>\n"
        "\n"
        "```diff\n"
        "--- a\n"
        "+++ b\n"
        "  x: 1\n"
        "- id: 2\n"
        "```\n"
        "\n"
        "</details>\n"
        "\n"
    )


def test_html_escapes_marks_and_links_its_sections() -> None:
    page = written(html)
    assert "<title>What changes</title>" in page
    assert '<a href="#changes">changes</a>' in page
    assert '<a href="#in pairs">' not in page
    assert "<h3>in pairs</h3>" in page
    assert "<code>$.a|b</code> are &lt;new&gt;" in page
    assert "<summary><code>$.id</code> dropped</summary>" in page
    assert "x: 1\n<mark>id: 2</mark>" in page
    assert "<dt>stage</dt><dd>ga &amp; new</dd><dt></dt><dd>since 2026</dd>" in page
    assert page.count("<h4>") == 2


def test_a_narrow_terminal_leaves_out_spare_columns() -> None:
    blocks = [Table(["run", "tokens", "cost"], [["x" * 60, "9" * 10, "1" * 10]], spare=[1, 2])]
    headers = []
    for width in (90, 80, 70):
        table(blocks, View(width=width), out := StringIO())
        headers.append(out.getvalue().split()[:3])
    assert headers == [["run", "tokens", "cost"], ["run", "cost", "-" * 60], ["run", "-" * 60, "x" * 60]]


@pytest.mark.parametrize("name", FORMATS)
def test_a_kind_is_registered_for_every_format_at_once(name: str) -> None:
    from harness.report import find

    assert find(name, "fidelity").__doc__ == FORMATS[name][1]
    with pytest.raises(ValueError, match="two formats of a fidelity"):
        document("fidelity")(lambda _document, _view: [])


def test_an_address_that_was_asked_stays_on_its_line() -> None:
    asked = f"    asked https://gateway.example/{'v1beta/' * 12}models"
    table([Lines([asked])], View(width=60), out := StringIO())
    assert out.getvalue().strip("\n") == asked


def test_the_words_of_a_second_column_fold_at_the_width_of_the_terminal() -> None:
    rows = [["text", "three words here " * 5], ["json", "none"]]
    out = StringIO()
    table([Table(["feature", "changes"], rows, words=frozenset({1}))], View(width=60), out)
    assert out.getvalue().splitlines() == [
        "feature  changes",
        "-------  " + "-" * 51,
        "text     three words here three words here three words here",
        "         three words here three words here",
        "json     none",
    ]
