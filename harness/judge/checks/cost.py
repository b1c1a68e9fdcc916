"""What the answer cost in dollars, thoughts, cached tokens and searches included: list prices of the day it was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import UsageError
from harness.judge.predicates import NumberPredicate, differs
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


@check("cost")
def cost(evidence: Evidence, expected: NumberPredicate) -> Iterator[Mismatch]:
    """US dollars that this answer cost at list price. Where a price is not known the check is an error: it cannot judge.

    cost: {max: 0.002}
    """
    bill = evidence.bill
    if bill.dollars is None:
        remedy = f"; {bill.remedy}" if bill.remedy else ""
        raise UsageError(f"cannot judge the cost: {bill.why or 'nobody says whose prices hold'}{remedy}")
    yield from differs("cost", bill.dollars, expected, unit="$")
