"""Saved runs of any size, with rows as long as real ones. They are generated, not played, so that only writing and comparing is measured.

python -m tests.bench.saved write REPORTS CELLS ATTEMPTS SEED    -> REPORTS/<CELLS>x<ATTEMPTS>-<SEED>/run.jsonl
python -m tests.bench.saved cut REPORTS SUITE LEFT               -> a live run of the suite that was cut short: its last trials are missing
python -m tests.bench.saved decode FILE...                       what reading them costs at least: json.loads of each line
"""

from __future__ import annotations

import json
import random
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import convert
from msgspec.structs import replace

from harness.config import load
from harness.results.rows import Row
from harness.results.store import RunWriter, run_row
from harness.results.summary import Summary
from harness.run import session
from harness.run.play import prepare
from harness.suite.matrix import Selection

MODELS = ("gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-2.5-flash", "gemini-2.5-pro")
CASES = 2_500
"""Cases a suite."""
PROMPT = "A train leaves at 09:40 and arrives at 13:05. It stops twice for 7 minutes. How many minutes was it moving? "
SAID = "It was under way for 205 minutes and stood for 14 of them: the train was moving for 191 minutes. "
HEARD = {
    "mode": "live",
    "recorded_from": "google",
    "recorded_at": "2026-11-21T08:06:08+00:00",
    "timing": "live",
    "simulated": False,
}


def write(reports: Path, cells: int, attempts: int, seed: int) -> Path:
    """A run with this number of cells (case x model) and of attempts at a cell. One attempt in fourteen fails. Reproducible.

    It is summarised and written as ``run`` does it: what this keeps in memory, ``run`` keeps too. With a seed above 1, every second
    answer has no ``responseId``.
    """
    chance = random.Random(seed)
    summary = Summary()
    header = run_row(record_mode="live", front="cli")
    header["id"] = f"{cells}x{attempts}-{seed}"
    with RunWriter(reports, header) as writer:
        for cell in range(cells):
            for attempt in range(1, attempts + 1):
                row = _row(cell, attempt, chance)
                if seed > 1 and cell % 2 and row.turns:
                    del row.turns[0].response["responseId"]
                summary.add(row)
                writer.append(row)
        writer.close(summary)
    return writer.path


def cut(reports: Path, suite: str, left: int) -> Path:
    """A live run of this suite without this number of its last trials and without its last line, as after kill -9."""
    chance = random.Random(1)
    config = load(Path())
    plan = session.plan([suite], Selection(), config)
    header = plan.header("live", "cli", {"paths": [suite], "live": True})
    writer = RunWriter(reports, header)
    for trial in islice(plan.trials, len(plan.trials) - left):
        row = _row(0, trial.attempt, chance)
        request = prepare(trial, config)
        turns = [replace(turn, url=request.url, request=request.body) for turn in row.turns or ()]
        named = {
            "id": trial.id,
            "group": trial.group,
            "suite": trial.suite,
            "case": trial.case,
            "target": str(trial.target),
        }
        writer.append(replace(row, turns=turns, **named))
    writer.close()
    return writer.path


def _row(cell: int, attempt: int, chance: random.Random) -> Row:
    number, model = divmod(cell, len(MODELS))
    suite, case, target = f"suite-{number // CASES}", f"how-long-did-it-move-{number:06}", f"google/{MODELS[model]}"
    group = f"{suite}/{case}@{target}"
    place = {"file": "suites/thinking-levels.yaml", "line": 24 + 9 * (number % 400)}
    broken = chance.random() < 1 / 14
    measures = _measures(chance)
    row = {
        "id": f"{group}#{attempt}",
        "group": group,
        "suite": suite,
        "case": case,
        "target": target,
        "axes": {},
        "attempt": attempt,
        "streamed": True,
        "place": place,
        "require": None,
        "xfail": None,
        "skip": None,
        "agree": None,
        "cassette": f"cassettes/{suite}/{case}/google.{MODELS[model]}.yaml",
        "status": "failed" if broken else "passed",
        "verdicts": _verdicts(str(100 + number % 900), place, broken=broken),
        "invariants_passed": 41,
        "measures": measures,
        "provenance": HEARD,
        "error": None,
        "outcome": {"http": 200, "finishReason": "STOP", "parts": ["text"], "text": SAID * 4},
        "turns": [_turn(model, measures)],
    }
    return convert(row, Row)


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


def _verdicts(right: str, place: dict[str, Any], *, broken: bool) -> list[dict[str, Any]]:
    """Most cases have other values than the previous case."""
    return [
        {
            "check": check,
            "status": "failed" if broken and check == "text" else "passed",
            "severity": "error",
            "at": "text" if check == "text" else "",
            "expected": right,
            "actual": SAID if broken and check == "text" else None,
            "message": f'expected "{right}", got "{SAID}"' if broken and check == "text" else "",
            "place": place,
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
        "headers": dict.fromkeys(("content-type", "date", "server", "server-timing", "vary", "x-frame-options"), ""),
        "framing": {"form": "sse", "bytes": 2900, "eol": "crlf", "usages": measures["chunks"]},
        "times": [measures["ttft_s"], measures["latency_s"]],
        "attempts": 1,
    }


def decode(*files: str) -> None:
    for name in files:
        with Path(name).open("rb") as file:
            for line in file:
                json.loads(line)


def main(what: str, *arguments: str) -> None:
    if what == "decode":
        decode(*arguments)
    elif what == "cut":
        reports, suite, left = arguments
        cut(Path(reports), suite, int(left))
    else:
        reports, *numbers = arguments
        write(Path(reports), *map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
