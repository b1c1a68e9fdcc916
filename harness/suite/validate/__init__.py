"""What the types of the language cannot say about a suite.

In: a suite as it was read. Out: complaints, each at its place.
May import: the rest of ``suite``, ``judge``, ``gemini``, ``text``.

It looks at ids, rows, turns, schemas, requests that the API would refuse, levels that a model does not have, and rows of the
matrix that mean nothing. One case alone is looked at in ``case``, literal bodies and schemas in ``body``, the suite as a whole in ``whole``.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.suite.cases import Suite
from harness.suite.validate.body import literal, waived
from harness.suite.validate.case import CaseSense
from harness.suite.validate.diagnostics import Diagnostics, Table, some_attempts
from harness.suite.validate.patterns import unread
from harness.suite.validate.whole import compare, matrix, unique


def check(suite: Suite, root: Table, tell: Diagnostics) -> None:
    """Tell everything that is wrong with a suite whose shape is right (what was wrong in shape has been taken out)."""
    tables = {
        index: table
        for index, table in enumerate(root.get("cases", []))
        if isinstance(table, Mapping) and "id" in table
    }
    literal(("defaults",), root.get("defaults", {}), tell, waived(suite.cases))
    for (index, table), case in zip(tables.items(), suite.cases, strict=True):
        CaseSense(suite, case, table, ("cases", index), root, tell).check()
    if root.get("cases") == []:
        tell.complain(("cases",), "there are no cases")
    unique(suite, list(tables), tell)
    matrix(suite, tell)
    unread(suite, list(tables), root, tell)
    compare(suite, root, tell)
    for route in (("repeat",), ("defaults", "repeat")):
        some_attempts(route, root, tell)
