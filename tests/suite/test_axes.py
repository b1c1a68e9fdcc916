"""Axes of any kind: parts of the body, paths of it, and free names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SuiteError, UsageError
from harness.gemini.models import catalogue
from harness.model import Trial
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse

FLASH = "defaults: {model: gemini-3-flash-preview}\n"


def trials(text: str, folder: Path = Path(), **selection: Any) -> list[Trial]:
    return list(expand(parse(f"suite: s\n{text}", "s.yaml", folder), Selection(**selection)))


def labels(text: str, folder: Path = Path(), **selection: Any) -> list[str]:
    """What ids show of the axes."""
    return [trial.id.split("[")[-1].split("]")[0] for trial in trials(text, folder, **selection)]


def case(*lines: str) -> str:
    return FLASH + "cases:\n  - id: c\n" + "".join(f"    {line}\n" for line in lines)


def texts(found: list[Trial]) -> list[str]:
    """The text of every prompt."""
    return [trial.steps[0].contents[0]["parts"][-1]["text"] for trial in found]


def messages(text: str) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        trials(text)
    return re.findall(r"^s\.yaml:\d+:\d+: (.*)$", str(caught.value), re.MULTILINE)


# --- what they send -----------------------------------------------------------------------------------


def test_a_free_name_fills_prompts_and_expectations() -> None:
    lines = (
        "axes: {tone: [formal, short]}",
        "prompt: In a ${axis.tone} tone",
        'expect: {text: {contains: "${axis.tone}"}}',
    )
    found = trials(case(*lines))
    assert texts(found) == ["In a formal tone", "In a short tone"]
    assert [trial.steps[0].expect[0].parameter for trial in found] == [{"contains": "formal"}, {"contains": "short"}]
    assert [trial.axes for trial in found] == [{"tone": "formal"}, {"tone": "short"}]


def test_ids_show_the_words_of_a_prompt_without_placeholders() -> None:
    lines = (
        "each: [{tone: dry}]",
        "prompt:",
        '  - "You are ${row.tone}. Which city is it?"',
        '  - "And you? ${row.tone}"',
    )
    assert labels(case(*lines)) == ["prompt=You-are-.-Which-city-is", "prompt=And-you"]


def test_ids_show_short_prompts_alike_in_every_row() -> None:
    lines = case("each: [{q: one}, {q: two}]", 'prompt: ["${row.q}", "Please: ${row.q}"]')
    assert labels(lines.replace("id: c", "id: c-${row.q}")) == ["prompt=1", "prompt=Please"] * 2


@pytest.mark.parametrize(
    "line", ["jsonSchema: {type: object}", "topP: 0.5", "request: {generationConfig: {topP: 0.5}}"]
)
def test_settings_of_a_file_per_model_are_merged(tmp_path: Path, line: str) -> None:
    (tmp_path / "gemini-2.5-flash.json").write_text('{"temperature": 0, "maxOutputTokens": 64}')
    settings = 'request: {generationConfig: "${file:${model}.json}"}'
    text = f"defaults: {{model: gemini-2.5-flash, {settings}}}\ncases:\n  - id: c\n    prompt: hi\n    {line}\n"
    [found] = trials(text, tmp_path)
    assert {"temperature": 0, "maxOutputTokens": 64}.items() < found.steps[0].body["generationConfig"].items()
    assert found.steps[0].origins()["$.generationConfig.temperature"] == "defaults.request"


def test_a_path_of_the_body_is_an_axis() -> None:
    found = trials(case("prompt: hi", "temperature: 0", "request.generationConfig.topK: [1, 40]"))
    assert [trial.steps[0].body["generationConfig"] for trial in found] == [
        {"topK": 1, "temperature": 0},
        {"topK": 40, "temperature": 0},
    ]
    assert [trial.id.split("@")[0] for trial in found] == ["s/c[topK=1]", "s/c[topK=40]"]


def test_a_value_that_is_no_list_is_sent_without_a_label() -> None:
    (found,) = trials(case("prompt: hi", "request.labels: {team: a}", "axes: {tone: kind}"))
    assert (found.id, found.steps[0].body) == ("s/c@google/gemini-3-flash-preview#1", {"labels": {"team": "a"}})


def test_null_is_a_value_like_any_other() -> None:
    found = trials(case("prompt: hi", "request.generationConfig.topK: [null, 1]"))
    assert [trial.steps[0].body["generationConfig"]["topK"] for trial in found] == [None, 1]
    assert [trial.axes for trial in found] == [
        {"request.generationConfig.topK": None},
        {"request.generationConfig.topK": 1},
    ]
    assert labels(case("prompt: hi", "request.generationConfig.topK: [null, 1]")) == ["topK=none", "topK=1"]


def test_lists_of_lists_vary_tools_and_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A")
    (tmp_path / "b.txt").write_text("B")
    text = case("prompt: hi", "files: [[], [a.txt], [a.txt, b.txt]]", "tools: [[googleSearch], [codeExecution]]")
    found = trials(text, tmp_path)
    assert [len(trial.steps[0].contents[0]["parts"]) for trial in found[::2]] == [1, 2, 3]
    assert [trial.steps[0].body["tools"] for trial in found[:2]] == [[{"googleSearch": {}}], [{"codeExecution": {}}]]
    assert labels(text, tmp_path)[::2] == [
        "files=none,tools=googleSearch",
        "files=a,tools=googleSearch",
        "files=a+b,tools=googleSearch",
    ]


def test_values_may_name_rows_other_axes_and_the_target() -> None:
    text = """
cases:
  - id: c-${row.n}
    model: [gemini-2.5-flash, gemini-3-flash-preview]
    each: [{n: 1}, {n: 2}]
    axes: {tone: ["formal ${row.n}", short]}
    prompt: ["${axis.tone} at ${axis.model}", "${provider} of ${row.n}"]
"""
    assert texts(trials(text))[:4] == [
        "formal 1 at gemini-2.5-flash",
        "google of 1",
        "short at gemini-2.5-flash",
        "google of 1",
    ]


def test_rows_may_hold_all_values_of_an_axis() -> None:
    text = case("each: [{n: a, heat: [0, 1]}, {n: b, heat: 2}]", "prompt: hi", "axes: {heat: '${row.heat}'}")
    assert labels(text.replace("id: c", "id: c-${row.n}"))[:2] == ["heat=0", "heat=1"]


@pytest.mark.parametrize(
    ("row", "sent"), [("3", "3"), ("true", "true"), ("null", "null"), ("[{text: a}, {text: b}]", "b"), ("x", "x")]
)
def test_a_prompt_from_a_row_is_a_text_or_parts(row: str, sent: str) -> None:
    assert texts(trials(case(f"each: [{{n: {row}}}]", 'prompt: "${row.n}"'))) == [sent]


# --- where they are written ---------------------------------------------------------------------------

OVERRIDES = """
defaults: {model: gemini-3-flash-preview, axes: {tone: [a, b]}, request.generationConfig.topK: [1, 2]}
matrix: {axes: {tone: [c, d]}}
cases:
  - {id: free, prompt: "${axis.tone}"}
  - {id: own, prompt: hi, axes: {tone: e}, request.generationConfig.topK: 9}
"""


def test_the_case_comes_before_matrix_and_defaults() -> None:
    assert [trial.id.split("@")[0] for trial in trials(OVERRIDES)] == [
        "s/free[tone=c,topK=1]",
        "s/free[tone=c,topK=2]",
        "s/free[tone=d,topK=1]",
        "s/free[tone=d,topK=2]",
        "s/own",
    ]
    assert trials(OVERRIDES)[-1].steps[0].body == {"generationConfig": {"topK": 9}}


def test_a_schema_of_a_case_replaces_either_kind() -> None:
    text = """
defaults:
  model: gemini-3-flash-preview
  schema: [{type: STRING}, {type: INTEGER}]
cases:
  - {id: own, prompt: hi, jsonSchema: {type: string}}
"""
    (found,) = trials(text)
    assert "responseSchema" not in found.steps[0].body["generationConfig"]


# --- their names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ("[a, 1, true]", ["t=a", "t=1", "t=true"]),
        ("['a b', 'a-b', 'a/b']", ["t=a-b", "t=a-b-2", "t=a-b-3"]),
        ("['', ' ', é/ü]", ["t=1", "t=2", "t=é-ü"]),
        ("['a long text that no id can show', b]", ["t=a-long-text-that-no-id-c", "t=b"]),
        ("['${file:kind.txt}', '${file:brief.md}']", ["t=kind", "t=brief"]),
    ],
)
def test_every_value_has_a_name_of_its_own(tmp_path: Path, values: str, shown: list[str]) -> None:
    (tmp_path / "kind.txt").write_text("You are kind, and you say so at length.")
    (tmp_path / "brief.md").write_text("You are brief.")
    text = case("prompt: hi", f"axes: {{t: {values}}}")
    assert labels(text, tmp_path) == shown
    assert len({trial.cassette for trial in trials(text, tmp_path)}) == len(shown)


def test_objects_are_named_by_title_or_number() -> None:
    assert labels(case("prompt: hi", "schema: [{type: STRING, title: A word}, {type: INTEGER}]")) == [
        "schema=A-word",
        "schema=2",
    ]


def test_paths_with_one_last_key_show_all_of_it() -> None:
    text = case(
        "prompt: hi", "request.labels.team: [a, b]", "request.generationConfig.topK: [1, 2]", "axes: {topK2: [1, 2]}"
    )
    assert labels(text)[0] == "team=a,topK=1,topK2=1"
    text = case(
        "prompt: hi",
        "request.generationConfig.thinkingConfig.includeThoughts: [true, false]",
        "axes: {includeThoughts: [a, b]}",
    )
    assert labels(text)[0] == "generationConfig.thinkingConfig.includeThoughts=true,includeThoughts=a"


# --- what chooses among them --------------------------------------------------------------------------

CHOSEN = """
defaults: {model: gemini-3-flash-preview}
matrix:
  axes: {tone: [formal, short]}
  system: [You are a long and patient teacher of small children., Brief.]
  request.generationConfig.topK: [1, 40]
  skip: [{axes: {tone: short}, request.generationConfig.topK: 40, why: too wild}]
cases:
  - {id: all, prompt: hi}
  - {id: by-value, prompt: hi, only: {system: Brief., axes: {tone: formal}}}
  - {id: by-name, prompt: hi, only: {system: You-are-a-long-and-patie, request.generationConfig.topK: 1}}
"""


def test_skip_and_only_take_values_and_names_of_ids() -> None:
    found = trials(CHOSEN)
    assert [trial.id.split("@")[0] for trial in found if trial.skip] == [
        "s/all[tone=short,system=You-are-a-long-and-patie,topK=40]",
        "s/all[tone=short,system=Brief.,topK=40]",
    ]
    assert [trial.id.split("[")[1].split("]")[0] for trial in found if trial.case != "all"] == [
        "tone=formal,system=Brief.,topK=1",
        "tone=formal,system=Brief.,topK=40",
        "tone=formal,system=You-are-a-long-and-patie,topK=1",
        "tone=short,system=You-are-a-long-and-patie,topK=1",
    ]


@pytest.mark.parametrize(
    ("by", "baseline", "message"),
    [
        ("tone", "formal", None),
        ("system", "Brief.", None),
        ("request.generationConfig.topK", 40, None),
        ("system", "Brie", "Brie is no value of system in this suite"),
        ("tune", "formal", 'there is no axis "tune"'),
    ],
)
def test_a_comparison_may_be_by_any_axis(by: str, baseline: Any, message: str | None) -> None:
    text = CHOSEN + f"compare: {{by: {by}, baseline: {baseline}}}\n"
    assert (messages(text) if message else []) == ([message] if message else [])
    if message is None:
        assert trials(text)


def test_keywords_choose_by_axis() -> None:
    assert len(trials(CHOSEN, keywords="all and tone=formal and topK=40")) == 2


# --- models of the catalogue --------------------------------------------------------------------------


def test_a_selector_takes_current_models_with_a_feature() -> None:
    found = {trial.target.model for trial in trials("cases: [{id: c, prompt: hi, model: {feature: image_out}}]")}
    assert found
    for name in found:
        assert "image_out" in catalogue().models[name].features
        assert catalogue().models[name].stage in ("ga", "preview")
    text = "cases: [{id: c, prompt: hi, model: {thinking: level, name: '*pro*'}}]"
    assert {catalogue().models[trial.target.model].thinking.control for trial in trials(text)} == {"level"}


def test_a_selection_replaces_what_a_selector_found() -> None:
    text = "cases: [{id: c, prompt: hi, model: {feature: image_out}}]"
    assert [trial.target.model for trial in trials(text, models=["gemini-x"])] == ["gemini-x"]


# --- values that are not there ------------------------------------------------------------------------


def test_a_model_without_a_value_is_named() -> None:
    text = case(
        "prompt: at ${axis.temperature}",
        "model: [gemini-3-flash-preview, gemini-2.5-pro]",
        "temperature: {gemini-3*: 1}",
    )
    assert messages(text) == ["${axis.temperature} has no value for gemini-2.5-pro"]


def test_a_chosen_model_without_a_value_is_named_with_its_place() -> None:
    text = case("prompt: at ${axis.temperature}", "temperature: {gemini-3*: 1}")
    with pytest.raises(
        Exception, match=r"s\.yaml:4:9: c at google/gemini-2\.5-pro: \$\{axis\.temperature\} is not defined"
    ) as caught:
        trials(text, models=["gemini-2.5-pro"])
    assert caught.value.exit_code == 4  # type: ignore[attr-defined]


def test_too_many_combinations_are_refused() -> None:
    numbers = list(range(400))
    assert messages(case("prompt: hi", f"axes: {{a: {numbers}, b: {numbers}}}")) == [
        "a case has at most 100,000 combinations of targets and axes, this one 160,000"
    ]


def test_a_keyword_that_fits_no_axis_is_an_error() -> None:
    with pytest.raises(UsageError, match="selects none"):
        trials(CHOSEN, keywords="tone=loud")
