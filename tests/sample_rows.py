"""Sample rows of runs, for tests of comparisons and reports."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, cast

from msgspec import convert, to_builtins

from harness.model import Verdict
from harness.results.rows import Row, RowsOf, RunRow

PROVENANCE: dict[str, Any] = {
    "mode": "replay",
    "recorded_from": "simulator",
    "recorded_at": "2026-11-21T10:00:00+00:00",
    "timing": "recorded",
    "simulated": True,
}


def verdict(check: str, *, ok: bool, **more: Any) -> Verdict:
    plain: dict[str, Any] = {"severity": "error", "at": "", "expected": None, "actual": None, "message": ""}
    return convert({"check": check, "status": "passed" if ok else "failed", **plain, **more}, Verdict)


def row(
    case: str = "capital", target: str = "simulator/flash", status: str = "passed", *, n: int = 1, **more: Any
) -> Row:
    """The row of a passed trial; ``more`` replaces or adds fields. An ``outcome`` needs no ``http``."""
    suite = more.pop("suite", "geography")
    axes = more.pop("axes", {})
    inside = ",".join(f"{name}={value}" for name, value in axes.items())
    group = f"{suite}/{case}{f'[{inside}]' if inside else ''}@{target}"
    made = {
        "id": f"{group}#{n}",
        "group": group,
        "suite": suite,
        "case": case,
        "target": target,
        "axes": axes,
        "attempt": n,
        "streamed": axes.get("transport") == "stream",
        "status": status,
        "verdicts": [],
        "invariants_passed": 30,
        "measures": {"thoughtsTokenCount": 12, "totalTokenCount": 30, "latency_s": 0.5, "ttft_s": None},
        "provenance": PROVENANCE,
        "error": None,
        "place": {"file": f"suites/{suite}.yaml", "line": 7},
        "require": None,
        "xfail": None,
        "skip": None,
        "agree": None,
        "outcome": None,
    }
    if outcome := more.get("outcome"):
        more["outcome"] = {"http": 200, **to_builtins(outcome)}
    return convert(to_builtins({**made, **more}, enc_hook=float), Row)


def failed(case: str = "capital", target: str = "simulator/flash", status: str = "failed", **more: Any) -> Row:
    """A row whose ``text`` check failed."""
    wrong = verdict(
        "text", ok=False, at="text", expected="Oslo", actual="Bergen", message='expected "Oslo", got "Bergen"'
    )
    return row(case, target, status, **{"verdicts": [wrong], **more})


def unjudged(case: str = "capital", target: str = "simulator/flash", kind: str = "ask", **more: Any) -> Row:
    error = {"kind": kind, "message": "no recording of this request", "traceback": None}
    return row(case, target, "error", **{"error": error, "provenance": None, **more})


def run(**more: Any) -> RunRow:
    plain: RunRow = {
        "id": "20261121-070000-ab12",
        "started": "2026-11-21T07:00:00+00:00",
        "record_mode": "none",
        "targets": ["simulator/flash"],
        "suites": [],
        "harness": "0.1.0",
        "python": "3.11.7",
        "front": "cli",
        "selection": {},
        "notes": [],
    }
    return cast("RunRow", {**plain, **more})


def rows_of(*rows: Row) -> RowsOf:
    """The reader of a saved run that has these rows."""

    def read(groups: Container[str], /) -> list[Row]:
        return [sample for sample in rows if sample.group in groups]

    return read
