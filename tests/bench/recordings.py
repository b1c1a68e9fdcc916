"""Recordings in several formats for the benchmark: a folder of small files, and one long file of every format."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def folder(path: Path, files: int) -> tuple[int, int]:
    """Writes this number of files of about 24 kB, two thirds of them YAML. Returns their number and size in bytes."""
    path.mkdir()
    size = 0
    for number in range(files):
        items = [_item(number * 10 + turn, 1_200) for turn in range(2)]
        whole: Any = {"interactions": items} if number % 3 else [_shaped(item) for item in items]
        file = path / f"{number}.{'yaml' if number % 3 else 'json'}"
        file.write_text(yaml.safe_dump(whole) if number % 3 else json.dumps(whole), "utf-8")
        size += file.stat().st_size
    return files, size


def loaded(path: Path) -> float:
    """Seconds to load all of these files as plain values."""
    started = time.perf_counter()
    for file in path.iterdir():
        text = file.read_bytes()
        json.loads(text) if file.suffix == ".json" else yaml.load(text, _LOADER)
    return time.perf_counter() - started


def long(path: Path, size: int) -> Iterator[tuple[Path, int]]:
    """One file of about so many bytes in JSON lines, one in JSON, and one that is a single stream."""
    path.mkdir()
    one = _shaped(_item(0, 4_000))
    count = max(1, size // len(json.dumps(one)))
    with (path / "long.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for _ in range(count))
    (path / "long.json").write_text(json.dumps([one] * count), "utf-8")
    with (path / "long.sse").open("w", encoding="utf-8") as file:
        file.writelines(f"data: {json.dumps(_event(number))}\r\n\r\n" for number in range(size // 1_000))
    for written in sorted(path.iterdir()):
        yield written, written.stat().st_size


def _item(number: int, words: int) -> dict[str, Any]:
    text = f"{number} " + "word " * words
    asked = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": words, "candidatesTokenCount": words, "totalTokenCount": 2 * words},
    }
    return {
        "request": {"method": "POST", "uri": URL, "headers": {}, "body": json.dumps(asked)},
        "response": {"status": {"code": 200}, "headers": {}, "body": {"string": json.dumps(answer)}},
    }


def _event(number: int) -> dict[str, Any]:
    """An event of about 1 kB."""
    content = {"role": "model", "parts": [{"text": f"{number} " + "word " * 140}]}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 150 * number, "totalTokenCount": 7 + 150 * number}
    details = [{"modality": "TEXT", "tokenCount": 7}]
    return {
        "candidates": [{"content": content, "index": 0}],
        "usageMetadata": {**usage, "promptTokensDetails": details},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "a",
    }


def _shaped(item: dict[str, Any]) -> dict[str, Any]:
    """The same in an unknown shape."""
    return {
        "to": item["request"]["uri"],
        "asked": json.loads(item["request"]["body"]),
        "came": json.loads(item["response"]["body"]["string"]),
    }
