"""The cost of an answer in US dollars, with thoughts, cached tokens and searches, at the list prices of the day of the request."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import CannotJudge
from harness.judge.predicates import NumberPredicate, differs
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


@check("cost")
def cost(evidence: Evidence, expected: NumberPredicate) -> Iterator[Mismatch]:
    """The cost of the answer in US dollars, at list prices. If a price is not known, the check ends with an error.

    cost: {max: 0.002}
    """
    bill = evidence.bill
    if bill.dollars is None:
        remedy = f"; {bill.remedy}" if bill.remedy else ""
        raise CannotJudge(
            f"cannot judge the cost: {bill.why or 'no price list is configured for this provider'}{remedy}"
        )
    yield from differs("cost", bill.dollars, expected, unit="$")
