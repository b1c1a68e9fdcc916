"""Declarative tests and evals for Gemini's native API.

The public names for other packages, independent of inner paths: the decorators ``check``, ``rule``, ``dialect``, ``output`` and
``source``, and the types that these functions take and return. For somebody's own tests: ``play``, ``compare_runs``, ``audit`` and
``judge_reply``. Each is imported when it is first used.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

__all__ = [
    "Chunk",
    "Event",
    "Evidence",
    "Exchange",
    "Json",
    "Mismatch",
    "Provenance",
    "Provider",
    "Recorded",
    "Reply",
    "Report",
    "Request",
    "Result",
    "Results",
    "Target",
    "Trial",
    "Turn",
    "Verdict",
    "Verdicts",
    "View",
    "audit",
    "check",
    "compare_runs",
    "dialect",
    "judge_reply",
    "output",
    "play",
    "rule",
    "source",
]

_HOMES = {
    "harness.gemini.providers": ("Provider", "dialect"),
    "harness.judge.registry": ("check", "rule"),
    "harness.report": ("Report", "View", "output"),
    "harness.run.library": ("Results", "Verdicts", "audit", "compare_runs", "judge_reply", "play"),
    "harness.transport.cassette.sources": ("Recorded", "source"),
}
"""Module -> its public names. All others are types of ``harness.model``."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module

    home = next((module for module, names in _HOMES.items() if name in names), "harness.model")
    value = globals()[name] = getattr(import_module(home), name)
    return value
