"""Text that no person writes is read or refused in time that grows with its length, not faster."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from harness import importers
from harness.errors import BadCassette

TEXTS: Mapping[str, str] = {
    "documents that do not end": "cat <<A\n",
    "documents of variables that do not end": "X=$(cat <<A\n",
    "documents in words that do not end": 'curl -d "$(cat <<A\n',
    "documents of commands that do not end": "curl -d @- <<A\n",
    "quotes that are not closed": "curl -d '",
    "substitutions that are not closed": "curl $(",
    "values that do not end": "a = [\n",
    "texts that do not end": 'a = """\n"\n',
    "loops that do not end": "for a in b; do\n",
    "functions that do not end": "a() {\na 'b\n",
    "lists in lists": '{"candidates": [\n',
    "broken events": "data: {\n",
    "calls that are not closed": "models.generate_content(",
    "one long word": "7b22",
}
LENGTH = 200_000
REASONABLE = 4.0
"""Seconds of CPU. Each takes 0.1 to 1.0; with a reading that is quadratic, over 10."""


@pytest.mark.parametrize("name", TEXTS)
def test_text_takes_time_that_grows_with_its_length(name: str, tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text('"candidates" "contents"\n' + TEXTS[name] * (LENGTH // len(TEXTS[name])))
    began = time.process_time()
    with suppress(BadCassette):  # refused in time is as good
        importers.read(path)
    assert time.process_time() - began < REASONABLE


def test_a_block_of_html_that_is_not_closed_takes_no_time(tmp_path: Path) -> None:
    ask = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    path = tmp_path / "page.html"
    path.write_text("<pre>" * 40_000 + f"\ncurl {ask} -d '{{\"contents\": []}}'\n")
    began = time.process_time()
    assert len(importers.read(path)) == 1
    assert time.process_time() - began < REASONABLE
