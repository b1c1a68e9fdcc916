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
OF_OTHERS = """\
---
interactions:
- request:
    method: POST
    uri: https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent
    headers:
      Accept:
      - '*/*'
      User-Agent:
      - Faraday v2.14.1
      X-Goog-Api-Key:
      - <KEY>
      Accept-Encoding: []
    body: '{"contents":[{"parts":[{"text":"It''s one line
      and another"}]}]}

      '
  response:
    body:
      string: "{\\n  \\"candidates\\": [],\\n
        \\  \\"text\\": \\"caf\\xE9 \\U0001F600\\"}"
    status:
      code: 200
    headers: {}
    note: A text that is plain,
      on three lines
      of-a#kind
  parsed_body:
    values:
    - 0.1
    - -6.5e-05
    - 7
    - - 1.5
      - x y
      - - a: null
          b:
    picture: !!binary |
      aGVs
      bG8=
    code:
    - |
      x = 1

      y = 2
    - last
  recorded_at: Fri, 26 Jun 2026 11:28:30 GMT
recorded_with: VCR 6.4.0
"""
PIECES = [
    " ", "  ", "\n", "    ", ": ", ":", "- ", "'", '"', "#", " #", "|", "|-", "|2", ">", "[", "]", ",", ", ", "{", "}", "&a ", "*a", "!x ",
    "yes", "null", "~", "1", "012", "0x1", "1e3", ".5", "1_0", "12:30", "2026-01-01", "---\n", "...\n", "? ", "%", "\t", "\r\n", "\x85",
    "\u2028", "\ufeff", "\0", "\ud800", "=", "<<", "a: b", "- a\n", "\\", "''", "\\n", "\n\n", "\n        ", "\n---\n", "- - ",
    "!!binary |\n        ", "- |\n", "1e-05",
]  # fmt: skip
"""What has a meaning in YAML, or none where it stands."""
Edit = tuple[int, int, int, str]


def both(content: bytes) -> tuple[object, object]:
    """What the quick reader and the slow one read: documents, None where the quick one reads none, and the error of the slow one."""
    try:
        return plainyaml.read_all(content) or None, safeyaml.load_all(content)
    except yaml.YAMLError as fault:
        return plainyaml.read_all(content) or None, fault


def edited(text: str, edits: list[Edit]) -> str:
    """Each edit replaces a few characters of a line, near its beginning or anywhere."""
    for number, at, length, piece in edits:
        lines = text.split("\n")
        line = lines[number % len(lines)]
        start = len(line) - len(line.lstrip()) if at == 0 else line.find(": ") + 2 if at == 1 else at % (len(line) + 1)
        lines[number % len(lines)] = line[:start] + piece + line[start + length :]
        text = "\n".join(lines)
    return text


@pytest.mark.parametrize("text", [TYPICAL, OF_OTHERS, f"{OF_OTHERS}---\n{TYPICAL}"])
def test_a_typical_cassette_is_read(text: str) -> None:
    quick, slow = both(text.encode())
    assert quick == slow
    assert quick is not None


def test_shipped_cassettes_are_read_as_by_libyaml() -> None:
    read = [both(path.read_bytes()) for path in CASSETTES[::4]]
    assert all(quick == slow for quick, slow in read if quick is not None)
    assert sum(quick is not None for quick, _ in read) > 0.9 * len(read)


@given(
    st.sampled_from([TYPICAL, OF_OTHERS]),
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 4), st.sampled_from(PIECES)),
        min_size=1,
        max_size=3,
    ),
)
def test_an_edited_cassette_is_read_as_by_libyaml_or_left(text: str, edits: list[Edit]) -> None:
    quick, slow = both(edited(text, edits).encode("utf-8", "surrogatepass"))
    assert quick is None or repr(quick) == repr(slow)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: b",
        "a: b\nc\n",
        "a: b\na: c\n",
        "a: b\n  c: d\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !x b\n",
        "a: b # c\n",
        "a: b: c\n",
        "a: {b: c}\n",
        "a: [b, [c]]\n",
        "a: [b,c]\n",
        "a: >\n  b\n",
        "a: |2\n   b\n",
        "a: |\n    b\n   c\n",
        "a: |\n\n  b\n",
        "a: |\n  b\tc\n",
        "yes: b\n",
        "- a\n",
        "a:\n- \n",
        "a: b\n...\n",
        f"a:\n{'- ' * 200}b\n",
    ],
)
def test_another_layout_is_left(text: str) -> None:
    assert plainyaml.read(text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "a:\nb: c\n",
        "a:\n    b: c\n",
        'a: "b"\n',
        "a: 'b''c'\n",
        "a: b\n  c\n",
        "a: 'b \n\n  c'\n",
        'a: "b\\\n  c"\n',
        "a: - b\n",
        "a:\n- b\n- [c]\n- d: e\n  f:\n",
    ],
)
def test_what_recorders_write_is_read_as_by_libyaml_or_left(text: str) -> None:
    quick, slow = both(text.encode())
    assert quick == slow or (quick is None and isinstance(slow, yaml.YAMLError))


@pytest.mark.parametrize(
    "value", ["yes", "null", "0x1F", "012", "1e3", "1_000", "12:30:45", "2026-01-02", "1.5", "7", "NaN", "off"]
)
def test_a_plain_value_has_the_type_that_yaml_gives_it(value: str) -> None:
    quick, slow = both(f"a: {value}\n".encode())
    assert repr(quick) == repr(slow)
