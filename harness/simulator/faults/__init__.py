"""Failures on purpose: asked for by a header, by a mark in the prompt, by a rule, or at a rate.

In: a request, the values of an answer, or the bytes to be sent. Out: the same, damaged.
May import: the rest of ``simulator``.

The header is ``x-simulator-fault: NAME``, the mark ``[simulate: fault NAME]``. A fault says what it does and which of the harness's
rules names it (``""`` where the answer stays healthy).

Four kinds: a refusal instead of an answer (``refusals``), a request that arrives without something (``requests``), an answer that
says something wrong (``counts``, ``contents``, ``sources``, ``envelopes``), bytes that come wrong (``transport``). A new one is one function with
``@edits`` or ``@rewires``, or one call of ``refuses`` or ``forgets``.
"""

from __future__ import annotations

import importlib
import pkgutil

from harness.simulator.faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "listing"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def listing() -> str:
    """Every fault with one line, for ``gemini-harness simulate --faults``."""
    width = max(map(len, FAULTS))
    rules = max(len(fault.rule) for fault in FAULTS.values())
    return "\n".join(f"{fault.name:<{width}}  {fault.rule or '-':<{rules}}  {fault.about}" for fault in FAULTS.values())
