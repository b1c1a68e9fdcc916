"""The schema for editors: it accepts every suite that plays, refuses what ``check`` refuses about keys and values, and offers names."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from harness.errors import HarnessError, SuiteError
from harness.gemini import definition
from harness.gemini.models import catalogue
from harness.judge.registry import all_checks
from harness.model import Json
from harness.suite.language import suite_json_schema
from harness.suite.parse import parse
from harness.text import yamltext
from harness.text.yamltext import Complaint
from harness.text.yamltext import Path as Route
from tests.suite.test_parse import damage
from tests.test_docs import PAGES, blocks

ROOT = Path(__file__).parents[2]
SUITES = sorted(
    path for folder in ("suites", "tests/suites", "harness/cli/starter") for path in (ROOT / folder).rglob("*.yaml")
    if "cassettes" not in path.parts
)  # fmt: skip
BAD = sorted((ROOT / "tests/bad_suites").glob("*.yaml"))
EXAMPLES = [block for page in PAGES for block in blocks(page, "yaml") if block.startswith("suite:")]

CASE = "suite: s\ncases:\n- id: a\n  prompt: hi\n  "


@cache
def schema() -> Any:
    return json.loads(json.dumps(suite_json_schema()))


def errors(text: str) -> list[ValidationError]:
    return list(Draft202012Validator(schema()).iter_errors(yamltext.read(text, "a.yaml").value))


def accepted(text: str) -> bool:
    return errors(text) == []


def test_it_is_a_valid_schema() -> None:
    own = {name: value for name, value in schema()["$defs"].items() if not name.startswith(("api.", "closed."))}
    Draft202012Validator.check_schema({**schema(), "$defs": own})


# --- what it accepts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_suite_of_the_project_is_accepted(path: Path) -> None:
    assert errors(path.read_text("utf-8")) == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_suite_of_the_documentation_is_accepted(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize("name", all_checks())
def test_every_example_of_a_check_is_accepted(name: str) -> None:
    examples = all_checks()[name].page.partition("```yaml\n")[2].removesuffix("\n```")
    lines = re.split(rf"^(?={name}:)", examples, flags=re.MULTILINE)[1:]
    assert lines
    for line in lines:
        suite = {"suite": "s", "cases": [{"id": "a", "prompt": "hi", "expect": yaml.safe_load(line)}]}
        assert list(Draft202012Validator(schema()).iter_errors(suite)) == []


@pytest.mark.parametrize(
    "case",
    [
        "request: {generation_config: {thinking_config: {thinking_level: low}, max_output_tokens: '5'}}",
        "request: {generationConfig: {mediaResolution: media_resolution_low}, tools: {google_search: {}}}",
        "request: {generationConfig: null, safetySettings: {category: 7, threshold: 'off'}}",
        "request: {generationConfig: {seed: '${row.a}', temperature: '${row.b}'}, safetySettings: '${file:s.json}'}",
        "request: ${file:body.json}",
        "model: [my-model, 'gemini-*', '${env:MODEL}']",
        "expect: {finishReason: NEW, blockReason: {not: {in: [A, B]}}, modelVersion: {starts_with: gemini}}",
        "mediaResolution: [MEDIA_RESOLUTION_LOW, NEW]",
    ],
)
def test_what_the_api_may_take_is_accepted(case: str) -> None:
    assert errors(CASE + case) == []


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_a_changed_suite_that_parses_is_accepted(seed: int) -> None:
    dice = random.Random(seed)
    path = dice.choice(SUITES)
    tree = json.loads(json.dumps(yamltext.read(path.read_text("utf-8"), path.name).value))
    damage(tree, dice)
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    with suppress(HarnessError):
        parse(text, path.name, path.parent, {})
        assert errors(text) == []


# --- what it refuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "at"),
    [
        ("request: {generationConfg: {}}", "request"),
        ("request: {generationConfig: {thinkingConfig: {thinkingLevl: low}}}", "request.generationConfig.thinkingConfig"),
        ("tools: [{googleSerch: {}}]", "tools.0"),
        ("schema: {type: OBJECT, propertys: {}}", "schema"),
        ("expect: {http: 200}\n  request: {generationConfg: {}}", "request"),
    ],
)  # fmt: skip
def test_what_the_api_refuses_is_refused(case: str, at: str) -> None:
    (error,) = errors(CASE + case)
    innermost = {".".join(map(str, path)) for path in paths(error)}
    assert f"cases.0.{at}" in innermost
    with pytest.raises(SuiteError):
        parse(CASE + case, "a.yaml", ROOT)


@pytest.mark.parametrize(
    "excuse",
    [
        "expect: {http: 400}",
        "expect: {error: {status: INVALID_ARGUMENT}}",
        "waive: {request-known: the field is new}",
    ],
)
def test_a_case_may_send_what_is_refused_on_purpose(excuse: str) -> None:
    wrong = "request: {generationConfg: {}}"
    assert not accepted(CASE + wrong)
    assert accepted(f"{CASE}{wrong}\n  {excuse}")
    assert accepted(f"defaults: {{{wrong}, {excuse}}}\nsuite: s\ncases: [{{id: a, prompt: hi}}]")
    assert accepted(f"defaults: {{{wrong}}}\n{CASE}{excuse}")
    assert not accepted(f"defaults: {{{wrong}}}\n{CASE}{excuse}\n- id: b\n  prompt: hi")


LOOSE = {
    ("rows.yaml", 5): "a text under each: may be a template",
    ("calls.yaml", 18): "what a turn adds to the body is open, since its case may expect a refusal",
    ("calls.yaml", 37): "the predicates of until: are open",
    ("unread.yaml", 18): "a mapping of thinking may have a value per model, under any glob",
    ("unread.yaml", 30): "a mapping of thinking may have a value per model, under any glob",
}
"""Complaints about keys and values that a schema cannot express: (file, line) -> why."""
OF_SHAPE = re.compile(r"unknown key|has no field|^expected .*, got ")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_key_that_check_refuses_is_refused(path: Path) -> None:
    document = yamltext.read(path.read_text("utf-8"), path.name)
    with pytest.raises(SuiteError) as caught:
        parse(path.read_text("utf-8"), path.name, path.parent, {"PATH": "x"})
    found = Draft202012Validator(schema()).iter_errors(json.loads(json.dumps(document.value)))
    places = {document.place(at, key=key) for error in found for at in paths(error) for key in (True, False)}
    complaints = [found for found in caught.value.complaints if isinstance(found, Complaint)]
    of_shape = [complaint.place for complaint in complaints if OF_SHAPE.search(complaint.message)]
    missed = {(path.name, place.line) for place in of_shape if place not in places}
    assert missed == {place for place in LOOSE if place[0] == path.name}


def paths(error: ValidationError) -> Iterator[Route]:
    """Where an error is: the value that is wrong, the key that is unknown, and the same of the alternatives that failed."""
    at, instance = tuple(error.absolute_path), cast("Any", error.instance)
    yield at
    if error.validator == "additionalProperties":
        yield from ((*at, key) for key in instance if repr(key) in error.message)
    for inner in cast("Any", error.context) or ():
        yield from paths(inner)


# --- what it offers and explains ------------------------------------------------------------------------------------


def offered(definition_name: str) -> list[str]:
    values: list[str] = schema()["$defs"][definition_name]["enum"]
    return values


def test_models_and_features_of_the_catalogue_are_offered() -> None:
    known = catalogue()
    assert offered("ModelName") == [*known.models, *known.aliases]
    assert {feature for facts in known.models.values() for feature in facts.features} == {*offered("Feature")}


def test_a_model_says_how_it_thinks_and_when_it_ends() -> None:
    names = schema()["$defs"]["ModelName"]
    about = dict(zip(names["enum"], names["enumDescriptions"], strict=True))
    assert "thinking budgets" in about["gemini-2.5-flash"]
    assert "ends 2026-12-01" in about["gemini-2.5-flash"]
    assert about["gemini-pro-latest"].startswith("points to gemini-")


@pytest.mark.parametrize(
    "enum", ["Candidate.FinishReason", "PromptFeedback.BlockReason", "CodeExecutionResult.Outcome"]
)
def test_values_of_answers_are_offered(enum: str) -> None:
    assert {*definition.enum_values(enum)[1:]} <= {*offered(enum)}


def described(value: Json) -> bool:
    """Whether a key has a description, or the type that it refers to."""
    name = value.get("$ref", "").rpartition("/")[2]
    return bool(value.get("description") or (name and schema()["$defs"][name].get("description")))


@pytest.mark.parametrize(
    "words", ["SuiteWords", "CaseWords", "RequestWords", "Matrix", "Skip", "TurnWords", "GateWords", "Expect", "Waive"]
)
def test_every_key_is_explained(words: str) -> None:
    properties = schema()["$defs"][words]["properties"]
    assert [name for name, value in properties.items() if not described(value)] == []
