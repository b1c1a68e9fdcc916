"""What the tokens of a saved run would have cost on another model, at its prices on the day of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import astuple, replace

from harness.gemini.price_rates import Unpriced
from harness.gemini.prices import Parts, Tariff, cost_as, is_free
from harness.results.rows import Row, RunRow, TurnRow
from harness.text.jsontext import an_object

MEASURE = "cost_as_usd"


@dataclass(slots=True)
class Repricing:
    """The prices of ``model`` on ``day``, and what all trials so far would have cost: US dollars, with ``fees`` for ``searches``
    in it. ``why``: reason -> number of trials whose cost is not known."""

    model: str
    day: date
    tariff: Tariff
    usd: float = 0.0
    fees: float = 0.0
    searches: int = 0
    known: int = 0
    why: Counter[str] = field(default_factory=Counter)

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows with the measure; counts them."""
        for row in rows:
            priced, parts = row, Parts()
            try:
                if row.turns:
                    parts = self._parts(row)
                    self.known += 1
                    priced = replace(row, measures={**row.measures, MEASURE: round(parts.whole, 12)})
            except Unpriced as unknown:
                self.why[str(unknown)] += 1
            self.usd, self.fees = self.usd + parts.whole, self.fees + parts.fees
            self.searches += parts.searches
            yield priced

    def again(self, rows: Callable[[], Iterable[Row]]) -> Callable[[], Iterator[Row]]:
        """A reader of the rows with the measure; counts nothing."""
        return lambda: Repricing(self.model, self.day, self.tariff).counted(rows())

    def _parts(self, row: Row) -> Parts:
        parts = [self._of_turn(turn) for turn in row.turns or ()]
        return Parts(*map(sum, zip(*map(astuple, parts), strict=True)))

    def _of_turn(self, turn: TurnRow) -> Parts:
        method = "GET" if turn.request is None else "POST"
        if turn.status >= 400 or is_free(method, turn.url):
            return Parts()
        return cost_as(self.model, an_object(turn.response), self.tariff, self.day, batched=turn.transport == "batch")

    def to_json(self) -> dict[str, Any]:
        """``usd``: null if no cost is known. ``search_usd`` is the part of it for ``searches``."""
        return {
            "model": self.model,
            "day": self.day.isoformat(),
            "usd": round(self.usd, 12) if self.known else None,
            "searches": self.searches,
            "search_usd": round(self.fees, 12),
            "unknown": self.why.total(),
            "why": dict(self.why),
        }


def day_of(run: RunRow) -> date:
    """The day on which the run started; today for a header without it."""
    try:
        return date.fromisoformat(run["started"][:10])
    except ValueError:
        return datetime.now(UTC).date()
