"""A scoreboard: a row per feature, a column per target, and below it the evidence of every cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.compare.scoreboard import Scoreboard, ScoreCell, ScoreRow
from harness.report import View, words
from harness.report.blocks import Block, Bullets, Code, Details, Heading, Paragraph, Table, document
from harness.report.content.parts import notes
from harness.report.layout import one_provider
from harness.text.amounts import count

FEW = 1 / 4
"""A target that was tried on a smaller share of the features than the most tried one has no column: it is listed."""
LEGEND = (
    "works: every group of trials passed. partly: some did; 3/5 means 3 groups of 5. failed: none did. refused: the API answers with 4xx. "
    "not available: the provider's dialect cannot express it. -: not tried."
)


@document("scoreboard")
def scoreboard_blocks(board: Scoreboard, view: View) -> Iterator[Block]:
    """Which features work at which target."""
    yield Heading("Scoreboard", level=1)
    yield Paragraph([_verdict(board)], strong=True)
    tried = [sum(row.cells[at].state != "not tried" for row in board.rows) for at in range(len(board.targets))]
    wide = [at for at, number in enumerate(tried) if number >= FEW * max(tried, default=0)]
    if any(tried):
        yield Heading("features")
        yield _table(board, wide)
        if narrow := [at for at in range(len(board.targets)) if at not in wide]:
            yield Paragraph(["Tried on few features:"])
            yield Bullets([[Code(board.targets[at]), f": {_listed(board, at)}"] for at in narrow])
    if board.rows and not view.quiet:
        yield Heading("evidence")
        yield Paragraph(
            ["For each feature, what each target did, and the trials that show it; a terminal shows it with -v."]
        )
        yield from (_evidence(row) for row in board.rows)
    untried = [f"in no trial: {', '.join(board.untried)}"] if board.untried else []
    yield from notes([*board.notes, *untried, LEGEND], board.command)


def _verdict(board: Scoreboard) -> str:
    states = Counter(cell.state for cell in board.cells if cell.state != "not tried")
    dates = [cell.date for cell in board.cells if cell.date]
    if not dates:
        return "Nothing was tried."
    when = min(dates) if min(dates) == max(dates) else f"{min(dates)} to {max(dates)}"
    counted = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
    size = f"{count(len(board.rows), 'feature')} at {count(len(board.targets), 'target')}"
    return f"{size}, {when}: {counted}."


def _table(board: Scoreboard, wide: Sequence[int]) -> Table:
    shown = [board.targets[at] for at in wide]
    rows = [[row.feature, *(_cell(row.cells[at]) for at in wide)] for row in board.rows]
    rows = [row for row in rows if set(row[1:]) != {"-"}]
    names = [target.partition("/")[2] for target in shown] if one_provider(shown) else shown
    return Table(["feature", *names], rows, "what works where", frozenset(range(1, len(shown) + 1)))


def _cell(cell: ScoreCell) -> str:
    if cell.state == "not tried":
        return "-"
    return f"partly {cell.passed}/{cell.groups}" if cell.state == "partly" else cell.state


def _listed(board: Scoreboard, at: int) -> str:
    cells = [(row.feature, row.cells[at]) for row in board.rows]
    found = [f"{feature} {_cell(cell)}" for feature, cell in cells if cell.state != "not tried"]
    return ", ".join(found) or "nothing that could be asked"


def _evidence(row: ScoreRow) -> Details:
    cells = [cell for cell in row.cells if cell.state != "not tried" or cell.reason]
    summary = f"{row.feature}: {row.about}" if row.about else row.feature
    return Details([summary], [Bullets([_shown(cell) for cell in cells])])


def _shown(cell: ScoreCell) -> list[str]:
    simulated = ", SIMULATED" if cell.simulated else ""
    reason = f": {words.shortened(cell.reason, 160)}" if cell.reason else ""
    counted = f" ({cell.passed} of {cell.groups}, {cell.date or 'no date'}{simulated})" if cell.groups else ""
    found: list[str] = [Code(cell.target), f" {cell.state}{counted}{reason}"]
    for trial in cell.trials[:2]:
        found += ["; ", Code(trial.id)]
    return found
