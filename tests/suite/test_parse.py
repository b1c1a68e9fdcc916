from __future__ import annotations

import json
import random
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import HarnessError, SuiteError
from harness.model import Step, Trial
from harness.suite.cases import Suite
from harness.suite.matrix import expand
from harness.suite.parse import load, parse

SAMPLE = Path(__file__).parents[1] / "suites" / "sample.yaml"


def suite(text: str, **environ: str) -> Suite:
    return parse(text, "a.yaml", SAMPLE.parent, environ)


def trials(text: str, **environ: str) -> list[Trial]:
    return list(expand(suite(f"suite: s\nmatrix: {{model: m}}\n{text}", **environ)))


def step(text: str) -> Step:
    (only,) = trials(text)[0].steps
    return only


def complaints(text: str) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        suite(f"suite: s\nmatrix: {{model: m}}\n{text}")
    return [str(complaint).split("\n")[0] for complaint in caught.value.complaints]


# --- the sample -----------------------------------------------------------------------------------------------


def test_the_sample_parses() -> None:
    sample = load(SAMPLE)
    assert [str(case.id) for case in sample.cases][-1] == "capital-of-${row.country}"
    assert len(sample.cases[-1].rows) == 3


def test_the_sample_expands() -> None:
    expansion = expand(load(SAMPLE))
    found = list(expansion)
    assert len(found) == len(expansion) == 5 * (6 + 12 + 6 + 1 + 6 + 3 * 6)
    assert len({trial.id for trial in found}) == len(found)
    skipped = {trial.id for trial in found if trial.skip}
    assert "sample/parcels[low]@google/gemini-3.1-pro-preview#1" in skipped
    assert "sample/parcels[high]@google/gemini-3.1-pro-preview#1" not in skipped


def test_a_trial_of_the_sample() -> None:
    trial = expand(load(SAMPLE)).find("sample/invoice[high,stream]@google/gemini-3.1-pro-preview#5")
    assert trial.require == 4
    assert trial.agree == "shape"
    assert trial.attempt == 5
    assert trial.axes == {"thinking": "high", "transport": "stream"}
    (only,) = trial.steps
    assert only.transport == "stream"
    config = only.body["generationConfig"]
    assert config["maxOutputTokens"] == 4096
    assert config["responseMimeType"] == "application/json"
    assert config["responseSchema"]["propertyOrdering"] == ["total", "currency"]
    assert config["thinkingConfig"] == {"thinkingLevel": "HIGH"}
    assert only.contents[0]["parts"][0]["text"].startswith("Read this invoice. ${row.total} and ${capture.x} stay")
    assert only.origins()["$.generationConfig.maxOutputTokens"] == "defaults.request"
    assert only.origins()["$.generationConfig.thinkingConfig.thinkingLevel"] == "axis thinking"
    assert only.origins()["$.generationConfig.responseSchema.propertyOrdering"] == "schema"


def test_a_conversation_of_the_sample() -> None:
    trial = expand(load(SAMPLE)).find("sample/weather-round-trip[low]@google/gemini-3-flash-preview")
    first, second = trial.steps
    assert first.contents == [{"role": "user", "parts": [{"text": "What should I wear in Oslo today?"}]}]
    assert first.capture == {"city": "$.candidates[0].content.parts[0].functionCall.args.city"}
    assert second.contents == []
    assert second.replies == {"get_weather": {"city": "${capture.city}", "temp_c": -4, "sky": "snow"}}
    assert first.body["tools"] == second.body["tools"]


def test_a_row_of_the_sample() -> None:
    trial = expand(load(SAMPLE)).find("sample/capital-of-Bosnia-and-Herzegovina[thinking=0]@google/gemini-2.5-flash")
    assert trial.row == 1
    assert {line.check: line.parameter for line in trial.steps[0].expect} == {
        "text": {"icontains": "Sarajevo"},
        "python": "checks.py:one_word",
    }
    assert str(trial.steps[0].expect[0].place) == f"{SAMPLE}:72:7"


@pytest.mark.parametrize("shipped", sorted((SAMPLE.parents[2] / "suites").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_suites_parse_and_expand(shipped: Path) -> None:
    assert len(expand(load(shipped))) > 0


# --- what is sent -----------------------------------------------------------------------------------------------


def test_short_forms_become_fields_of_the_api() -> None:
    made = step(
        """
defaults:
  request: {generationConfig: {stopSequences: [a, b], maxOutputTokens: 5}, tools: [{urlContext: {}}]}
  system: be brief
cases:
  - id: a
    prompt: hi
    tools: [googleSearch, {codeExecution: {}}]
    jsonSchema: {type: object}
    thinking: {level: low, includeThoughts: true}
    temperature: 0.5
    request: {generationConfig: {stopSequences: [c]}, labels: {a: b}}
"""
    )
    assert made.body == {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}],
        "labels": {"a": "b"},
        "generationConfig": {
            "stopSequences": ["c"],
            "maxOutputTokens": 5,
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True},
            "temperature": 0.5,
        },
    }
    assert made.transport == "unary"
    assert made.origins()["$.tools"] == "tools"
    assert made.origins()["$.generationConfig.stopSequences"] == "request"
    assert made.origins()["$.systemInstruction.parts"] == "defaults.system"


def test_literal_contents_come_before_the_prompt() -> None:
    made = step("cases: [{id: a, prompt: hi, request: {contents: [{role: user, parts: [{text: earlier}]}]}}]")
    assert [part["parts"][0]["text"] for part in made.contents] == ["earlier", "hi"]
    assert "contents" not in made.body


def test_a_schema_of_a_case_replaces_that_of_the_defaults() -> None:
    made = step("defaults: {schema: {type: STRING}}\ncases: [{id: a, prompt: hi, jsonSchema: {type: string}}]")
    assert made.body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "string"},
    }


def test_a_literal_mime_type_beside_a_schema_stays() -> None:
    made = step(
        "cases: [{id: a, prompt: hi, schema: {type: STRING, enum: [x]},"
        " request: {generationConfig: {responseMimeType: text/x.enum}}}]"
    )
    assert made.body["generationConfig"]["responseMimeType"] == "text/x.enum"


def test_defaults_expect_for_every_step_that_expects_no_error() -> None:
    first, second = trials(
        """
defaults: {expect: {finishReason: STOP, text: {present: true}}}
cases:
  - {id: a, prompt: hi, expect: {text: hello}}
  - {id: b, prompt: hi, expect: {http: 400}}
"""
    )
    assert {line.check: line.parameter for line in first.steps[0].expect} == {"text": "hello", "finishReason": "STOP"}
    assert [line.check for line in second.steps[0].expect] == ["http"]


def test_defaults_may_refer_to_the_rows_of_cases() -> None:
    first, second = trials(
        """
defaults: {expect: {text: "${row.capital}"}, system: "Be ${row.manner}."}
cases:
  - {id: "a-${row.capital}", prompt: hi, each: [{capital: Oslo, manner: kind}]}
  - {id: b, prompt: hi, system: Be brief., expect: {text: x}}
"""
    )
    assert first.steps[0].expect[0].parameter == "Oslo"
    assert first.steps[0].body == {"systemInstruction": {"parts": [{"text": "Be kind."}]}}
    assert second.steps[0].expect[0].parameter == "x"


def test_expectations_of_a_case_are_for_its_last_turn() -> None:
    (trial,) = trials("cases: [{id: a, turns: [{user: a, expect: {text: x}}, {user: b}], expect: {text: y}}]")
    assert [[line.parameter for line in step.expect] for step in trial.steps] == [["x"], ["y"]]


def test_rows_fill_every_key_and_texts_become_numbers() -> None:
    first, second = trials(
        """
cases:
  - id: ask-${row.name}
    each: [{name: a b, level: low, most: "10", part: {text: x}}, {name: c/d, level: 0, most: 20, part: {text: y}}]
    prompt: ${row.name} ${row.most}
    thinking: ${row.level}
    request: {safetySettings: [], contents: [{role: user, parts: ["${row.part}"]}]}
    expect: {thoughtsTokenCount: {max: "${row.most}"}, text: "${row.most}"}
"""
    )
    assert (first.case, second.case) == ("ask-a-b", "ask-c-d")
    assert first.steps[0].body["generationConfig"] == {"thinkingConfig": {"thinkingLevel": "LOW"}}
    assert second.steps[0].body["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}
    assert [line.parameter for line in first.steps[0].expect] == [{"max": 10}, "10"]
    assert [line.parameter for line in second.steps[0].expect] == [{"max": 20}, "20"]
    assert first.steps[0].contents == [
        {"role": "user", "parts": [{"text": "x"}]},
        {"role": "user", "parts": [{"text": "a b 10"}]},
    ]
    assert first.cassette == second.cassette
    assert (first.row, second.row) == (0, 1)


def test_waivers_tags_and_expected_failures() -> None:
    first, second = trials(
        """
tags: [one]
waive: {usage-sum: known}
cases:
  - id: a
    tags: [two]
    model: [m-pro, m-flash]
    prompt: hi
    waive: {model-version: behind a gateway}
    xfail: {why: not yet, targets: ["*pro"]}
"""
    )
    assert first.tags == ("one", "two")
    assert first.waive == {"usage-sum": "known", "model-version": "behind a gateway"}
    assert (first.xfail, second.xfail) == ("not yet", None)


def test_an_existing_cassette_is_relative_to_the_suite(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("interactions: []\nversion: 1\n")
    made = parse("suite: s\ncases: [{id: a, model: m, prompt: hi, cassette: old.yaml}]", "x.yaml", tmp_path)
    assert next(iter(expand(made))).cassette == tmp_path / "old.yaml"


def test_models_may_come_from_the_environment() -> None:
    (trial,) = trials("cases: [{id: a, model: '${env:MODEL}', prompt: hi}]", MODEL="gemini-x")
    assert trial.target.model == "gemini-x"


# --- what is rejected ---------------------------------------------------------------------------------------------


def test_a_rejected_level_is_allowed_if_a_400_is_expected() -> None:
    case = "cases: [{id: a, model: gemini-2.5-flash, thinking: low, prompt: hi, expect: %s}]"
    assert trials(case % "{http: 400}")
    assert trials(case % "{http: {in: [400, 404]}}")
    assert trials(case % "{error: {status: INVALID_ARGUMENT}}")
    assert complaints(case % "{http: 200}") == [
        "a.yaml:3:52: gemini-2.5-flash would refuse generationConfig.thinkingConfig: it takes thinking budgets, not levels: 0 (off), 1 to 24576, or -1 (dynamic)"
    ]


@pytest.mark.parametrize(
    ("expect", "hint"),
    [
        ("finishReason: STOPP", 'did you mean "STOP"?'),
        ("finishReason: stop", 'did you mean "STOP"?'),
        ("finishReason: {in: [STOP, MAX_TOKEN]}", 'did you mean "MAX_TOKENS"?'),
        ("error: {status: INVALID_ARGUMNT}", 'did you mean "INVALID_ARGUMENT"?'),
        ("finishReason: QUITE_NEW", None),
        ("finishReason: {in: [STOP, MAX_TOKENS]}", None),
    ],
)
def test_a_misspelled_value_of_an_enum_is_noted(expect: str, hint: str | None) -> None:
    notes = suite(f"suite: s\nmatrix: {{model: m}}\ncases: [{{id: a, prompt: hi, expect: {{{expect}}}}}]").notes
    assert [note.message.partition("; ")[2] for note in notes] == ([] if hint is None else [hint])


def test_an_error_beside_its_status_allows_a_refused_request() -> None:
    text = "{id: a, model: gemini-3.8-flash, prompt: hi, expect: {http: 404, error: {code: 404}}}"
    (case,) = suite(f"suite: s\ncases: [{text}]").cases
    assert case.expects_refusal


def test_a_new_field_of_the_api_can_be_waived() -> None:
    case = "cases: [{id: a, prompt: hi, request: {brandNew: 1}%s}]"
    assert complaints(case % "") == ['a.yaml:3:39: the API has no field "brandNew" here']
    assert step(case % ", waive: {request-known: newer than the definition}").body == {"brandNew": 1}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"none\.yaml:1:1: cannot be read: no such file or directory"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"suite: s\nabout: caf\xe9\n")
    with pytest.raises(SuiteError, match=r"latin\.yaml:2:\d+: this is no UTF-8 text: byte 0x"):
        load(tmp_path / "latin.yaml")


VALUES: list[Any] = [
    *(None, True, 3, -1, 2.5, "x", "", "low", "a/b", "é", "${row.x}", "${capture.a}", "${file:nope}", "${", 10**30),
    *([], {}, [None], [{}], {"a": 1}, [[1]], ["low"], ["a", "a"], {"why": "x"}, {"gemini-*": "low"}, {"x": None}),
]
KEYS = [
    "id",
    "prompt",
    "model",
    "thinking",
    "matrix",
    "skip",
    "only",
    "turns",
    "each",
    "expect",
    "request",
    "schema",
    "tools",
    "compare",
    "defaults",
    "require",
    "xfail",
    "waive",
    "transport",
    "why",
    "cassette",
    "user",
    "reply",
    "capture",
    "text",
    "http",
    "error",
    "json",
]


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@cache
def sample() -> Any:
    return yaml.safe_load(SAMPLE.read_text())


def damage(tree: Any, dice: random.Random) -> None:
    path = dice.choice(places(tree)[1:])
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    value = json.loads(json.dumps(dice.choice(VALUES)))
    if dice.random() < 0.6:
        parent[path[-1]] = value
    elif isinstance(parent, dict):
        parent[dice.choice(KEYS)] = value
    else:
        del parent[path[-1]]


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_any_damaged_suite_plays_or_is_a_bad_suite(seed: int, count: int) -> None:
    dice = random.Random(seed)
    tree = deepcopy(sample())
    for _ in range(count):
        damage(tree, dice)
    assert outcome(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)) in ("plays", "bad suite")


def outcome(text: str) -> str:
    try:
        expansion = expand(suite(text))
    except HarnessError as error:
        return "bad suite" if error.exit_code == 4 and str(error) else "lost"
    ids = [trial.id for trial in expansion]
    return "plays" if len(ids) == len(set(ids)) == len(expansion) else "ids collide"


def test_a_default_that_every_case_replaces_is_checked_too() -> None:
    text = "defaults: {temperature: {gemni-3*: 0.5}}\ncases: [{id: a, prompt: hi, temperature: 1}]"
    assert complaints(text) == ['a.yaml:3:26: "gemni-3*" matches no model of this suite or the catalogue']


@pytest.mark.parametrize(
    "text",
    [
        "cases: [{id: a, model: my-model, prompt: hi, temperature: {my-*: 1}}]",
        "cases: [{id: a, prompt: hi, temperature: {m: 1}}]",
        "cases: [{id: a, prompt: hi, thinking: {gemini-2.5-*: 512, gemini-3*: {level: low}, '*': [1, 2]}}]",
        "cases: [{id: a, prompt: hi, each: [{m: my-model}], model: '${row.m}', temperature: {my-*: 1}}]",
        "cases: [{id: a, prompt: hi, seed: {gemini-2.5-flash-preview-09-2025: 1, gemini-flash-latest: 2}}]",
        "cases: [{id: a, prompt: hi, xfail: {why: x, targets: ['*/m', google/*]}}]",
    ],
)
def test_globs_that_a_model_matches_are_accepted(text: str) -> None:
    assert suite(f"suite: s\nmatrix: {{model: m}}\n{text}")


def test_a_target_that_is_no_text_is_one_complaint() -> None:
    found = complaints('cases:\n- {id: a, prompt: hi, xfail: {why: x, targets: ["m*", null]}}')
    assert found == ["a.yaml:4:55: expected text, got nothing"]


# --- plain cases: an id and a prompt ----------------------------------------------------------------------------


def _alike(defaults: str, more: str = "", prompts: tuple[str, ...] = ("One", "Two", "Three")) -> str:
    cases = "\n".join(f"- {{id: c{number}, prompt: {prompt}{more}}}" for number, prompt in enumerate(prompts))
    return f"defaults: {defaults}\ncases:\n{cases}\n"


@pytest.mark.parametrize(
    "defaults",
    ["{}", "{system: Be brief., thinking: [low, high]}", "{jsonSchema: {type: object}, expect: {text: {contains: a}}}"],
)
def test_plain_cases_are_what_cases_with_more_keys_are(defaults: str) -> None:
    plain, others = trials(_alike(defaults)), trials(_alike(defaults, ", about: x"))
    assert [replace(trial, steps=()) for trial in plain] == [replace(trial, steps=(), about="") for trial in others]
    sent = [[(step.body, step.contents, step.expect, step.place) for step in trial.steps] for trial in plain]
    assert sent == [[(step.body, step.contents, step.expect, step.place) for step in trial.steps] for trial in others]


@pytest.mark.parametrize(
    "defaults",
    ["{system: '${row.x}'}", "{expect: {text: {matches: '('}}}", "{request: {generationConfig: {topK: x}}}"],
)
def test_plain_cases_have_the_complaints_of_cases_with_more_keys(defaults: str) -> None:
    assert complaints(_alike(defaults)) == complaints(_alike(defaults, ", about: x"))


def test_a_plain_case_has_complaints_of_its_own() -> None:
    assert complaints(_alike("{}", prompts=("One", "'${row.x}'", "''"))) == complaints(
        _alike("{}", ", about: x", prompts=("One", "'${row.x}'", "''"))
    )
