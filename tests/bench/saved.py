"""Saved runs of any size, with rows as long as real ones: made, not played, so that reading and comparing them can be measured."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from msgspec.json import Encoder

from harness.store import NAME

MODELS = ("gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-2.5-flash", "gemini-2.5-pro")
CASES = 2_500
"""Cases a suite."""
PROMPT = "A train leaves at 09:40 and arrives at 13:05. It stops twice for 7 minutes. How many minutes was it moving? "
SAID = "It was under way for 205 minutes and stood for 14 of them: the train was moving for 191 minutes. "
PLACE = {"file": "suites/thinking-levels.yaml", "line": 24}
HEARD = {
    "mode": "live",
    "recorded_from": "google",
    "recorded_at": "2026-11-21T08:06:08+00:00",
    "timing": "live",
    "simulated": False,
}


def write(folder: Path, cells: int, attempts: int, seed: int) -> Path:
    """A run of so many cells (case x model), so many attempts each, one in fourteen of which fails. Reproducible."""
    chance = random.Random(seed)
    encode = Encoder().encode
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    groups: list[dict[str, Any]] = []
    with path.open("wb") as file:
        file.write(encode({"version": 1, "run": _run(f"2026112{seed % 10}-070000-00000")}) + b"\n")
        for cell in range(cells):
            passed = 0
            for attempt in range(1, attempts + 1):
                row = _row(cell, attempt, chance)
                passed += row["status"] == "passed"
                file.write(encode(row) + b"\n")
            status = "passed" if passed == attempts else "failed"
            groups.append({"id": row["group"], "status": status, "passed": passed, "attempts": attempts})
        ended = {"finished": "2026-11-21T08:00:00+00:00", "seconds": 3600.0, "interrupted": False}
        file.write(encode({"run": {}, "groups": groups, "totals": _totals(groups), **ended}) + b"\n")
    return path


def _run(run: str) -> dict[str, Any]:
    asked = {"record_mode": "live", "targets": [f"google/{each}" for each in MODELS], "suites": [], "selection": {}}
    made = {"harness": "0.1.0", "python": "3.11.7", "front": "cli", "notes": []}
    return {"id": run, "started": "2026-11-21T07:00:00+00:00", **asked, **made}


def _totals(groups: list[dict[str, Any]]) -> dict[str, int]:
    statuses = [each["status"] for each in groups]
    return {each: statuses.count(each) for each in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")}


def _row(cell: int, attempt: int, chance: random.Random) -> dict[str, Any]:
    number, model = divmod(cell, len(MODELS))
    suite, case, target = f"suite-{number // CASES}", f"how-long-did-it-move-{number:06}", f"google/{MODELS[model]}"
    group = f"{suite}/{case}@{target}"
    broken = chance.random() < 1 / 14
    measures = _measures(chance)
    return {
        "id": f"{group}#{attempt}",
        "group": group,
        "suite": suite,
        "case": case,
        "target": target,
        "axes": {},
        "attempt": attempt,
        "streamed": True,
        "place": PLACE,
        "require": None,
        "xfail": None,
        "skip": None,
        "agree": None,
        "cassette": f"cassettes/{suite}/{case}/google.{MODELS[model]}.yaml",
        "status": "failed" if broken else "passed",
        "verdicts": _verdicts(broken=broken),
        "held": 41,
        "measures": measures,
        "provenance": HEARD,
        "error": None,
        "outcome": {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": SAID * 4},
        "turns": [_turn(model, measures)],
    }


def _measures(chance: random.Random) -> dict[str, Any]:
    slow = chance.lognormvariate(0, 0.3)
    thoughts, candidates = int(600 * slow), int(180 * chance.lognormvariate(0, 0.2))
    return {
        "latency_s": round(2.4 * slow, 6),
        "ttft_s": round(1.1 * slow, 6),
        "gap_s": round(chance.uniform(0.02, 0.2), 6),
        "chunks": chance.randrange(5, 12),
        "promptTokenCount": 57,
        "candidatesTokenCount": candidates,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": 57 + thoughts + candidates,
        "toolUsePromptTokenCount": 0,
        "cachedContentTokenCount": 0,
        "cost_usd": round(57e-7 + 3e-6 * (thoughts + candidates), 8),
    }


def _verdicts(*, broken: bool) -> list[dict[str, Any]]:
    return [
        {
            "check": check,
            "status": "failed" if broken and check == "text" else "passed",
            "severity": "error",
            "at": "text" if check == "text" else "",
            "expected": "191",
            "actual": SAID if broken and check == "text" else None,
            "message": f'expected "191", got "{SAID}"' if broken and check == "text" else "",
            "place": PLACE,
        }
        for check in ("finishReason", "text", "thoughtsTokenCount", "latency")
    ]


def _turn(model: int, measures: dict[str, Any]) -> dict[str, Any]:
    parts = [{"text": SAID * 4, "thoughtSignature": "CpYCAdHtim9" * 30}]
    usage = {name: count for name, count in measures.items() if name.endswith("TokenCount")}
    return {
        "transport": "stream",
        "url": f"https://generativelanguage.googleapis.com/v1beta/models/{MODELS[model]}:streamGenerateContent?alt=sse",
        "request": {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]},
        "status": 200,
        "text": SAID * 4,
        "thoughts": "",
        "response": {
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": usage,
            "modelVersion": MODELS[model],
            "responseId": "4kZ5aKzuL5-vmtkPp4LtiQ8",
        },
        "times": [measures["ttft_s"], measures["latency_s"]],
        "attempts": 1,
    }
