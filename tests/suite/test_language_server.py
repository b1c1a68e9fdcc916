"""What an editor with ``yaml-language-server`` shows of suites. See ``tests/language_server.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.main import main
from tests.language_server import LanguageServer, language_server
from tests.suite.test_editors import EXAMPLES, SUITES

CASE = "suite: s\ncases:\n  - id: a\n    prompt: hi\n    "
BODY = f"{CASE}request:\n      "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    schema = tmp_path_factory.mktemp("editor") / "suite.schema.json"
    assert main(["schema", "-o", str(schema)]) == 0
    yield from language_server(schema)


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_no_suite_of_the_project_is_underlined(server: LanguageServer, path: Path) -> None:
    assert server.complaints(path.read_text("utf-8")) == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_no_suite_of_the_documentation_is_underlined(server: LanguageServer, text: str) -> None:
    assert server.complaints(text) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (CASE + "propmt: hi", "Property propmt is not allowed."),
        (BODY + "generationConfg: {}", "Property generationConfg is not allowed."),
        (BODY + "generationConfig: {topp: 1}", "Property topp is not allowed."),
        (BODY + "generationConfig: {mediaResolution: LOW}", "Valid values"),
        (BODY + "generationConfig: {maxOutputTokens: many}", "Incorrect type"),
        (CASE + "tools: [{googleSerch: {}}]", "Property googleSerch is not allowed."),
    ],
)
def test_a_mistake_is_underlined(server: LanguageServer, text: str, complaint: str) -> None:
    (found,) = server.complaints(text)
    assert complaint in found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (CASE + "model: ¦", "gemini-3.8-flash"),
        (CASE + "model: [gemini-2.5-flash, ¦]", "gemini-3.8-flash"),
        (CASE + "model: {feature: ¦}", "image_out"),
        ("suite: s\nmatrix:\n  skip:\n    - model: ¦\n", "gemini-3.8-flash"),
        (CASE + "xfail: {why: x, targets: [¦]}", "gemini-3.8-flash"),
        (CASE + "¦", "thinking"),
        (CASE + "thinking: ¦", "low"),
        (CASE + "transport: ¦", "stream"),
        (CASE + "tools: [¦]", "googleSearch"),
        (CASE + "waive:\n      ¦", "usage-sum"),
        (CASE + "expect:\n      ¦", "finishReason"),
        (CASE + "expect: {finishReason: ¦}", "MAX_TOKENS"),
        (CASE + "expect: {finishReason: {in: [STOP, ¦]}}", "MAX_TOKENS"),
        (CASE + "expect: {error: {status: ¦}}", "RESOURCE_EXHAUSTED"),
        (CASE + "expect: {blockReason: {not: ¦}}", "PROHIBITED_CONTENT"),
        (CASE + "schema: {type: ¦}", "OBJECT"),
        (BODY + "¦", "generationConfig"),
        (BODY + "generationConfig:\n        ¦", "thinkingConfig"),
        (BODY + "generationConfig: {thinkingConfig: {thinkingLevel: ¦}}", "HIGH"),
        (BODY + "generation_config: {thinking_config: {thinking_level: ¦}}", "HIGH"),
        (BODY + "generationConfig: {responseModalities: [TEXT, ¦]}", "IMAGE"),
        (BODY + "safetySettings:\n        - category: ¦", "HARM_CATEGORY_HARASSMENT"),
        (CASE + "expect: {http: 400}\n    request:\n      generationConfig:\n        ¦", "mediaResolution"),
        ("suite: s\ncases:\n  - id: a\n    turns:\n      - user: x\n        request:\n          ¦", "safetySettings"),
        ("suite: s\ncompare:\n  gate:\n    hard: [¦]", "finishReason"),
    ],
)  # fmt: skip
def test_a_word_is_offered(server: LanguageServer, text: str, word: str) -> None:
    offered = server.completions(text)
    assert word in offered
    assert "generation_config" not in offered


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CASE + "mo¦del: gemini-2.5-flash", "ends 2026-12-01"),
        (CASE + "thin¦king: low", "a list sweeps"),
        (CASE + "temper¦ature: 1", "From 0 to 2"),
        (CASE + "exp¦ect: {text: hi}", "what the answer must be"),
        (CASE + "expect: {finish¦Reason: STOP}", "finishReason: {in: [STOP, MAX_TOKENS]}"),
        (CASE + "waive: {usage-¦sum: why}", "is the sum of"),
        (BODY + "generation¦Config: {seed: 1}", "How the answer is generated"),
        (BODY + "generation_config: {thinking_config: {thinking_¦level: LOW}}", "excludes thinkingBudget"),
    ],
)
def test_a_key_is_explained(server: LanguageServer, text: str, words: str) -> None:
    assert words in server.hover(text)
