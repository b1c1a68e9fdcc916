"""A long recording is read one exchange at a time: as the same exchanges as in one piece, in little memory."""

from __future__ import annotations

import json
import re
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from harness.compare.audit import Audit, audit
from harness.errors import BadCassette
from harness.text import plainyaml
from harness.transport import cassette
from harness.transport.cassette import Tape, elements
from tests.growth import loops

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
COUNT = 12


def asked(number: int) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": f"- How far is {number}:\n- name"}]}]}


def answered(number: int) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": f'It\'s "{number}" — é 🙂\n\n- request:\n' + "word " * 20}]}
    return {
        "candidates": [{"content": content, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 8, "totalTokenCount": 17},
        "modelVersion": "gemini-2.5-flash",
        "responseId": f"r{number}",
    }


def shaped(number: int) -> str:
    return json.dumps({"id": number, "to": URL, "asked": asked(number), "came": answered(number)})


def interaction(number: int) -> dict[str, Any]:
    return {
        "request": {"method": "POST", "uri": URL, "headers": {}, "body": json.dumps(asked(number))},
        "response": {"status": {"code": 200}, "headers": {}, "body": {"string": json.dumps(answered(number))}},
    }


def entry(number: int) -> dict[str, Any]:
    return {
        "request": {"method": "POST", "url": URL, "headers": [], "postData": {"text": json.dumps(asked(number))}},
        "response": {"status": 200, "headers": [], "content": {"text": json.dumps(answered(number))}},
    }


def lines(count: int) -> str:
    return "\n".join(map(shaped, range(count)))


def vcrpy(count: int) -> str:
    return yaml.safe_dump({"version": 1, "interactions": list(map(interaction, range(count)))}, allow_unicode=True)


def ruby(count: int) -> str:
    http = [
        {
            "request": {"method": "post", "uri": URL, "body": {"string": json.dumps(asked(number))}},
            "response": {"status": {"code": 200}, "headers": {}, "body": {"string": json.dumps(answered(number))}},
        }
        for number in range(count)
    ]
    return "---\n" + yaml.safe_dump({"http_interactions": http}) + "recorded_with: VCR 6.1.0\n"


def indented(count: int) -> str:
    return re.sub(r"^(?=[- ])", "    ", vcrpy(count), flags=re.MULTILINE)


def with_an_alias(count: int) -> str:
    """The second interaction repeats an object of the first, so that it cannot be read on its own."""
    return vcrpy(count).replace("headers: {}", "headers: &none {}", 1).replace("headers: {}", "headers: *none")


FORMATS: dict[str, Callable[[int], str]] = {
    "lines.jsonl": lines,
    "spaced.jsonl": lambda count: lines(count).replace("\n", "\n\n"),
    "cut.jsonl": lambda count: lines(count)[:-20],
    "nan.jsonl": lambda count: lines(count).replace('"id": 3', '"id": NaN'),
    "one-line.jsonl": lambda count: lines(count).replace("\n", " "),
    "array.json": lambda count: f"[{','.join(map(shaped, range(count)))}]",
    "answers.json": lambda count: json.dumps(list(map(answered, range(count)))),
    "stream.json": lambda count: json.dumps([answered(1)] * count),
    "surrogates.json": lambda count: f"[{','.join(map(shaped, range(count)))}]".replace("It's", "\\ud800", 1),
    "any-key.json": lambda count: f'{{"about": 1, "runs": {{"all": [{",".join(map(shaped, range(count)))}]}}}}',
    "events.json": lambda count: json.dumps({"url": URL, "request": asked(1), "responses": [answered(1)] * count}),
    "documents.yaml": lambda count: "---\n".join(yaml.safe_dump(json.loads(shaped(number))) for number in range(count)),
    "a-broken-document.yaml": lambda count: "---\n".join(["a: {{ b }}: c\n", *[yaml.safe_dump(json.loads(shaped(number))) for number in range(count)]]),
    "recording.har": lambda count: json.dumps({"log": {"version": "1.2", "entries": list(map(entry, range(count)))}}),
    "broken.har": lambda count: json.dumps({"log": {"entries": [{"request": 1}, *map(entry, range(count))]}}),
    "vcrpy.json": lambda count: json.dumps({"interactions": list(map(interaction, range(count))), "version": 1}),
    "vcrpy.yaml": vcrpy,
    "parsed.yaml": lambda count: vcrpy(count).replace("    body:", "    parsed_body:", 1),
    "ruby.yml": ruby,
    "indented.yaml": indented,
    "alias.yaml": with_an_alias,
    "two-documents.yaml": lambda count: f"{vcrpy(count)}---\n{vcrpy(2)}",
}  # fmt: skip
"""The name of a file -> the text of so many exchanges in its format."""


def read(path: Path, monkeypatch: pytest.MonkeyPatch, long: int) -> tuple[Tape, list[Any]]:
    monkeypatch.setattr(elements, "LONG", long)
    tape = cassette.read(path)
    return tape, list(tape.interactions)


@pytest.mark.parametrize("name", FORMATS)
def test_a_long_file_says_what_a_short_one_would(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_text(FORMATS[name](COUNT), "utf-8")
    piecewise, found = read(path, monkeypatch, 0)
    at_once, expected = read(path, monkeypatch, 10**9)
    assert found == expected
    assert found
    assert (piecewise.format, piecewise.unread) == (at_once.format, at_once.unread)
    assert piecewise.unanswered == at_once.unanswered
    assert [piecewise.interactions[0], *piecewise.interactions[1:3]] == expected[:3]


@pytest.mark.parametrize(
    "name",
    [
        *("lines.jsonl", "array.json", "recording.har", "vcrpy.yaml"),
        *("ruby.yml", "cut.jsonl", "any-key.json", "documents.yaml"),
    ],
)
def test_a_long_file_takes_less_than_four_times_its_size(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_text(FORMATS[name](COUNT), "utf-8")
    read(path, monkeypatch, 0)  # so that nothing is imported while it is measured
    path.write_text(FORMATS[name](250), "utf-8")
    monkeypatch.setattr(elements, "LONG", 50_000)
    tracemalloc.start()
    try:
        cassette.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * path.stat().st_size, f"{peak / path.stat().st_size:.1f} times"


PICTURE = b64encode(b"\x89PNG\r\n\x1a\n" + Random(1).randbytes(450_000)).decode()


def drawn() -> str:
    parts = [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]
    return json.dumps({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})


def with_body(body: str) -> dict[str, Any]:
    whole = interaction(1)
    return {**whole, "response": {**whole["response"], "body": {"string": body}}}


ONE_LONG: dict[str, Callable[[], str]] = {
    "bare.json": drawn,
    "one.har": lambda: json.dumps({"log": {"entries": [{**entry(1), "response": {"status": 200, "headers": [], "content": {"text": drawn()}}}]}}),
    "one.yaml": lambda: yaml.safe_dump({"interactions": [with_body(drawn())], "version": 1}, width=10**9),
}  # fmt: skip


def judged(path: Path) -> Audit:
    return audit(map(cassette.read, [path]))


@pytest.mark.parametrize("name", ONE_LONG)
def test_one_long_answer_is_judged_in_less_than_four_times_its_size(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, characters in ((elements, "LONG"), (plainyaml, "_LONGEST")):
        monkeypatch.setattr(limit, characters, 50_000)
    path = tmp_path / name
    path.write_text(ONE_LONG[name](), "utf-8")
    judged(path)  # so that nothing is imported while it is measured
    tracemalloc.start()
    try:
        found = judged(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.exchanges) == 1
    assert peak < 4 * path.stat().st_size, f"{peak / path.stat().st_size:.1f} times"


def test_a_bomb_in_a_long_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = "- request: &a [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(
        f"  {after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n" for before, after in pairwise("abcdefgh")
    )
    path = tmp_path / "bomb.yaml"
    path.write_text(vcrpy(100).replace("version: 1\n", "") + bomb, "utf-8")
    monkeypatch.setattr(elements, "LONG", 0)

    def work() -> None:
        with pytest.raises(BadCassette, match="aliases unfold"):
            cassette.read(path)

    assert loops(work) < 500
