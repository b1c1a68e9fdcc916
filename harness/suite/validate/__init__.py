"""What the types of the language cannot say about a suite.

In: a suite as it was read. Out: complaints, each at its place.
May import: the rest of ``suite``, ``judge``, ``gemini``, ``text``.

It looks at ids, rows, turns, schemas, requests that the API would refuse, levels that a model does not have, and rows of the
matrix that mean nothing. One case alone is looked at in ``case``, literal bodies and schemas in ``body``, whole requests
in ``request``, the suite as a whole in ``whole``.
"""

from __future__ import annotations

from harness.suite.cases import Suite
from harness.suite.validate import axes
from harness.suite.validate.body import literal, waived
from harness.suite.validate.case import CaseValidator
from harness.suite.validate.diagnostics import Diagnostics
from harness.suite.validate.patterns import unread
from harness.suite.validate.request import RequestLint, misspelled_models
from harness.suite.validate.whole import compare, matrix, slips, unique


def check(suite: Suite, diagnostics: Diagnostics) -> None:
    """Complain about everything that is wrong with a suite whose shape is right."""
    tree = diagnostics.tree
    literal(("defaults",), tree.get("defaults", {}), diagnostics, waived(suite.cases))
    for key in ("matrix", "defaults"):
        axes.names(tree.get(key, {}), (key,), diagnostics)
    lint = RequestLint(suite, diagnostics)
    plain_is_sound = False
    for case in suite.cases:
        validator = CaseValidator(suite, case, diagnostics)
        if case.plain and plain_is_sound:
            validator.id()
            continue
        validator.check()
        if not waived([case]):
            lint.look_at(case)
        plain_is_sound = case.plain and not (diagnostics.complaints or diagnostics.notes or lint.found)
    lint.report()
    misspelled_models(suite, diagnostics)
    slips(diagnostics)
    if tree.get("cases") == []:
        diagnostics.complain(("cases",), "there are no cases")
    unique(suite, diagnostics)
    matrix(suite, diagnostics)
    unread(suite, diagnostics)
    compare(suite, diagnostics)
