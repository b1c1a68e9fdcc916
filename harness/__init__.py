"""Declarative tests and evals for Gemini's native API.

The public names for other packages, independent of inner paths: the decorators ``check``, ``rule``, ``dialect``, ``output`` and
``source``, and the types that these functions take and return. For your own tests: ``play``, ``compare_runs``, ``audit`` and
``judge_reply``. Each is imported when it is first used.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "harness.gemini.providers": ("Provider", "dialect"),
    "harness.judge.registry": ("check", "rule"),
    "harness.model": (
        *("Chunk", "Event", "Evidence", "Exchange", "Json", "Mismatch", "Provenance"),
        *("Reply", "Request", "Result", "Target", "Trial", "Turn", "Verdict"),
    ),
    "harness.report": ("Report", "View", "output"),
    "harness.run.library": ("Results", "Verdicts", "audit", "compare_runs", "judge_reply", "play"),
    "harness.transport.cassette.sources": ("Recorded", "source"),
}
"""Module -> its public names."""

_MODULES = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_MODULES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value
