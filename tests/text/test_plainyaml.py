"""The quick reader of cassettes reads nothing else than the slow one does, and leaves to it whatever is not in the layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.text import plainyaml, safeyaml

CASSETTES = sorted((Path(__file__).parents[2] / "cassettes").rglob("*.yaml"))
TYPICAL = """\
version: 1
interactions:
- request:
    method: POST
    uri: https://simulator.invalid/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse
    headers:
      accept: ['*/*']
      content-type: [application/json]
    body: |-
      {
        "contents": []
      }
  response:
    status:
      code: 200
      message: OK
    body:
      string: |+
        data: {"a": "é"}

        data: {}

    x-recording:
      v: 1
      at: '2026-11-28T23:21:16+00:00'
      slot: [0, 0, 0]
      simulated: true
      head_ms: 371.732
      t_ms: '371.8 402'
- request:
    method: GET
    headers:
      accept: [a b, 'c d']
    body: ''
  response:
    head_ms: null
    body:
      string: |
        x

recorded_with:
  harness: 0.1.0
"""
PIECES = [
    " ", "  ", "\n", "    ", ": ", ":", "- ", "'", '"', "#", " #", "|", "|-", "|2", ">", "[", "]", ",", ", ", "{", "}", "&a ", "*a", "!x ",
    "yes", "null", "~", "1", "012", "0x1", "1e3", ".5", "1_0", "12:30", "2026-01-01", "---\n", "...\n", "? ", "%", "\t", "\r\n", "\x85",
    "\u2028", "\ufeff", "\0", "\ud800", "=", "<<", "a: b", "- a\n", "\\",
]  # fmt: skip
"""What has a meaning in YAML, or none where it stands."""
Edit = tuple[int, int, int, str]


def both(content: bytes) -> tuple[object, object]:
    """What the quick reader and the slow one read."""
    try:
        return plainyaml.read(content), safeyaml.load(content)
    except yaml.YAMLError as fault:
        return plainyaml.read(content), fault


def edited(text: str, edits: list[Edit]) -> str:
    """Each edit replaces a few characters of a line, near its beginning or anywhere."""
    for number, at, length, piece in edits:
        lines = text.split("\n")
        line = lines[number % len(lines)]
        start = len(line) - len(line.lstrip()) if at == 0 else line.find(": ") + 2 if at == 1 else at % (len(line) + 1)
        lines[number % len(lines)] = line[:start] + piece + line[start + length :]
        text = "\n".join(lines)
    return text


def test_a_typical_cassette_is_read() -> None:
    quick, slow = both(TYPICAL.encode())
    assert quick == slow
    assert quick is not None


def test_shipped_cassettes_are_read_as_by_libyaml() -> None:
    read = [both(path.read_bytes()) for path in CASSETTES[::4]]
    assert all(quick == slow for quick, slow in read if quick is not None)
    assert sum(quick is not None for quick, _ in read) > 0.9 * len(read)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 60), st.integers(0, 4), st.sampled_from(PIECES)),
        min_size=1,
        max_size=3,
    )
)
def test_an_edited_cassette_is_read_as_by_libyaml_or_left(edits: list[Edit]) -> None:
    quick, slow = both(edited(TYPICAL, edits).encode("utf-8", "surrogatepass"))
    assert quick is None or repr(quick) == repr(slow)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: b",
        "a: b\nc\n",
        "a: b\na: c\n",
        "a: b\n  c: d\n",
        "a:\nb: c\n",
        "a:\n    b: c\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !x b\n",
        "a: b # c\n",
        "a: b: c\n",
        "a: {b: c}\n",
        "a: [b, [c]]\n",
        "a: [b,c]\n",
        'a: "b"\n',
        "a: 'b''c'\n",
        "a: >\n  b\n",
        "a: |2\n   b\n",
        "a: |\n    b\n   c\n",
        "a: |\n\n  b\n",
        "a: |\n  b\tc\n",
        "yes: b\n",
        "- a\n",
        "a: b\n...\n",
    ],
)
def test_another_layout_is_left(text: str) -> None:
    assert plainyaml.read(text.encode()) is None


@pytest.mark.parametrize(
    "value", ["yes", "null", "0x1F", "012", "1e3", "1_000", "12:30:45", "2026-01-02", "1.5", "7", "NaN", "off"]
)
def test_a_plain_value_has_the_type_that_yaml_gives_it(value: str) -> None:
    quick, slow = both(f"a: {value}\n".encode())
    assert repr(quick) == repr(slow)
