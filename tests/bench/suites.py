"""The suites that the benchmark plays."""

from __future__ import annotations

import json
from pathlib import Path

SCHEMA = {
    "type": "OBJECT",
    "properties": {
        "name": {"type": "STRING"},
        "city": {"type": "STRING"},
        "age": {"type": "INTEGER", "minimum": 0},
        "score": {"type": "NUMBER"},
        "active": {"type": "BOOLEAN"},
        "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": 3},
        "level": {"type": "STRING", "enum": ["low", "medium", "high"]},
        "notes": {"type": "ARRAY", "minItems": 5, "items": {"type": "STRING", "minLength": 280}},
    },
    "required": ["name", "city", "age", "score", "active", "tags", "level", "notes"],
}
"""Eight properties. The lists make an answer about 2 KiB long."""

STORY = "Tell me a short story about a lighthouse, about 300 words."
"""Answered in about 20 chunks."""

ASKED_FOR_TEXT = {
    "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}},
    "contents": [{"role": "user", "parts": [{"text": STORY}]}],
}
ASKED_FOR_JSON = {
    "generationConfig": {"responseMimeType": "application/json", "responseSchema": SCHEMA},
    "contents": [{"role": "user", "parts": [{"text": "Describe person number 0."}]}],
}
"""The bodies that ``text_rows`` and ``json_attempts`` send, for the bare client."""


def json_cases(cases: int) -> str:
    """``cases`` JSON-mode cases with one cassette and four checks per case."""
    head = {
        "suite": "bench",
        "defaults": {
            "model": "gemini-2.5-flash",
            "schema": SCHEMA,
            "expect": {
                "finishReason": "STOP",
                "thoughtsTokenCount": {"max": 30_000},
                "json": {"valid": "request"},
                "latency": {"max": 60},
            },
        },
        "cases": [{"id": f"case-{n:05}", "prompt": f"Describe person number {n}."} for n in range(cases)],
    }
    return json.dumps(head)


def json_rows(rows: int) -> tuple[str, str]:
    """The same as one case with a row per trial, on one cassette. Returns the suite and its JSONL file."""
    head = json.loads(json_cases(1))
    head["suite"] = "bench-rows"
    head["cases"] = [
        {"id": "person-${row.n}", "each": "${file:rows.jsonl}", "prompt": "Describe person number ${row.n}."}
    ]
    return json.dumps(head), "".join(f'{{"n": {n}}}\n' for n in range(rows))


def text_rows(trials: int, transport: str) -> str:
    """One case with ``trials`` attempts, for live runs."""
    head = {
        "suite": f"bench-{transport}",
        "defaults": {"model": "gemini-2.5-flash", "thinking": 0, "transport": transport},
        "repeat": trials,
        "cases": [{"id": "story", "prompt": STORY}],
    }
    return json.dumps(head)


def json_attempts(trials: int) -> str:
    """The same as one case with ``trials`` attempts, for live runs."""
    return json.dumps({**json.loads(json_cases(1)), "suite": "bench-json", "repeat": trials})


def text_cases(cases: int, attempts: int) -> str:
    """This number of cases, with this number of attempts at each."""
    head = {
        "suite": "bench-cases",
        "defaults": {"model": "gemini-2.5-flash", "thinking": 0},
        "repeat": attempts,
        "cases": [{"id": f"case-{n:05}", "prompt": f"Describe person number {n}."} for n in range(cases)],
    }
    return json.dumps(head)


def write(folder: Path, name: str, text: str) -> Path:
    """A suite file in its own folder under ``folder``; JSON is YAML."""
    path = folder / name / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
