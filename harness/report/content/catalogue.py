"""Sheets of models: labels and facts for one, a table for several."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gemini.models import Thinking
from harness.gemini.sheets import Sheet, Sheets, price_in_short, rates_in_words
from harness.report import View
from harness.report.blocks import Block, Code, Facts, Heading, Paragraph, Table, document

_HEADER = ("model", "state", "thinking", "tokens", "$ per 1M")
_LEGEND = "tokens: most in/out. $: in/out on that day; + rises with a long prompt, * changes later. One name shows all."


@document("catalogue", "table", "markdown", "html")
def catalogue_blocks(document: Sheets, _view: View) -> Iterator[Block]:
    """What is known of models."""
    if document.detailed:
        (sheet,) = document.sheets
        known = sheet.facts.name
        yield Heading(known if sheet.name == known else f"{sheet.name} = {known}", level=3)
        yield Facts([(label, text) for label, text in _lines(sheet) if text])
    else:
        yield Heading(f"models on {document.sheets[0].day}", level=1)
        yield Table(_HEADER, [_row(sheet) for sheet in document.sheets], "models", frozenset({1, 2}))
        yield Paragraph([_LEGEND])


def _row(sheet: Sheet) -> list[str]:
    known = sheet.facts
    limits = f"{_short(known.input_tokens)}/{_short(known.output_tokens)}"
    return [Code(sheet.name), _state(sheet), _thinking_in_short(known.thinking), limits, _price(sheet)]


def _state(sheet: Sheet) -> str:
    known, day = sheet.facts, sheet.day.isoformat()
    if sheet.name != known.name:
        return "alias"
    if known.ends is None or known.ends > day:
        return f"ends {known.ends}" if known.ends else known.stage
    return "routed" if known.routed_to and "shut down" not in sheet.life else "shut down"


def _thinking_in_short(thinking: Thinking) -> str:
    if thinking.control == "level":
        first, last = thinking.levels[0].lower(), thinking.levels[-1].lower()
        return f"{first}, {last}" if len(thinking.levels) == 2 else f"{first}..{last}"
    if thinking.control == "budget":
        return f"{0 if thinking.zero else thinking.lowest}..{thinking.highest}"
    return "no" if thinking.control == "none" else "?"


def _short(tokens: int) -> str:
    """``1M``, ``64K``: binary, as the limits are."""
    if tokens >= 1 << 20:
        return f"{tokens >> 20}M"
    return f"{tokens >> 10}K" if tokens >= 1 << 10 else str(tokens)


def _price(sheet: Sheet) -> str:
    if not sheet.prices:
        return "-"
    return price_in_short(sheet.prices[0][1]) + ("*" if len(sheet.prices) > 1 else "")


# --- one model ----------------------------------------------------------------------------------------


def _lines(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """(label, text); an empty text is left out."""
    known = sheet.facts
    yield "stage", f"{known.stage}{f', released {known.since}' if known.since else ''}"
    yield "life", sheet.life
    yield "replacement", known.replacement or ""
    yield "on Vertex", _on_vertex(sheet)
    yield "thinking", _thinking(known.thinking)
    unary = f" ({known.output_unary:,} without a stream)" if known.output_unary else ""
    yield "tokens", f"at most {known.input_tokens:,} in, {known.output_tokens:,} out{unary}"
    for number, (since, rates) in enumerate(sheet.prices):
        yield "" if number else "$ per 1M", f"{f'from {since}: ' if number else ''}{rates_in_words(rates)}"
    yield "$ per 1M", "" if sheet.prices else "not known"
    yield "aliases", ", ".join(sheet.aliases)
    yield "answers for", ", ".join(sheet.answers_for)
    yield "version", known.version or ""
    yield "features", ", ".join(sheet.features) + (" (more may work)" if known.partial else "")
    yield "but", "; ".join(f"{text} ({name})" for name, text in sheet.restrictions.items())


def _on_vertex(sheet: Sheet) -> str:
    end = sheet.facts.vertex_ends
    return f"{'ended' if end <= sheet.day.isoformat() else 'ends'} {end}" if end else ""


_BUDGETS = {
    "any": "budgets are taken too, 0 included",
    "positive": "budgets above 0 are taken too",
    "no": "no budgets",
    None: "whether it takes budgets is not known",
}


def _thinking(thinking: Thinking) -> str:
    default = f"; by default {thinking.default.lower()}" if thinking.default else ""
    if thinking.control == "level":
        return f"levels {', '.join(thinking.levels)}{default}; {_BUDGETS[thinking.budgets]}"
    if thinking.control == "budget":
        return f"budgets {thinking.range}{default}; no levels"
    return "no thinkingConfig is taken" if thinking.control == "none" else "not known"
