"""Faults on purpose: requested by a header, by a marker in the prompt or by a rule, or at random with a rate.

In: a request, the values of an answer, or the bytes to be sent. Out: the same with a fault.
May import: the rest of ``simulator``.

The header is ``x-simulator-fault: NAME``, the marker ``[simulate: fault NAME]``. A fault says what it does and which of the harness's
rules detects it (``""`` if the answer stays healthy).

Four kinds: an error instead of an answer (``refusals``), a request that loses fields (``requests``), an answer with wrong values
(``counts``, ``contents``, ``sources``, ``envelopes``), wrong bytes or times (``transport``). To add one, write a function with ``@edits`` or
``@rewires``, or call ``refuses`` or ``forgets``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from harness.simulator import prompt_markers
from harness.simulator.faults.registry import CHAT_FAULTS, FAULTS, Fault

__all__ = ["CHAT_FAULTS", "EVERY", "FAULTS", "Fault", "listing"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


EVERY: Mapping[str, Fault] = {**FAULTS, **CHAT_FAULTS}
"""Those of any answer, and those of chat completions only."""


def listing() -> str:
    """One line per fault, and one per marker of a prompt, for ``gemini-harness simulate --faults``."""
    listed = EVERY.values()
    width = max(len(fault.name) for fault in listed)
    rules = max(len(fault.rule) for fault in listed)
    rows = [f"{fault.name:<{width}}  {fault.rule or '-':<{rules}}  {fault.about}" for fault in listed]
    return "\n".join([*rows, "", "In a prompt:", prompt_markers.listing()])
