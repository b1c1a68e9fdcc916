from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model import Target
from harness.suite.cases import Suite
from harness.suite.keywords import Keywords
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.text.names import safe_filename


def suite(text: str, name: str = "s") -> Suite:
    return parse(f"suite: {name}\n{text}", f"{name}.yaml", Path())


def ids(text: str, **selection: object) -> list[str]:
    return [trial.id.removeprefix("s/") for trial in expand(suite(text), Selection(**selection))]  # type: ignore[arg-type]


SWEEP = """
matrix: {model: [gemini-3-flash-preview, gemini-3.1-pro-preview], thinking: [low, high]}
cases:
  - {id: sweeps, prompt: hi}
  - {id: pins, prompt: hi, model: gemini-3-flash-preview, thinking: low}
  - {id: replaces, prompt: hi, thinking: [minimal, medium], model: [gemini-3-flash-preview]}
"""


def test_a_scalar_pins_and_a_list_replaces_the_matrix() -> None:
    assert ids(SWEEP) == [
        "sweeps[low]@google/gemini-3-flash-preview#1",
        "sweeps[high]@google/gemini-3-flash-preview#1",
        "sweeps[low]@google/gemini-3.1-pro-preview#1",
        "sweeps[high]@google/gemini-3.1-pro-preview#1",
        "pins@google/gemini-3-flash-preview#1",
        "replaces[minimal]@google/gemini-3-flash-preview#1",
        "replaces[medium]@google/gemini-3-flash-preview#1",
    ]


def test_a_selected_model_replaces_the_axis_but_not_a_pin() -> None:
    assert ids(SWEEP, models=["gemini-4-argon"]) == [
        "sweeps[low]@google/gemini-4-argon#1",
        "sweeps[high]@google/gemini-4-argon#1",
        "pins@google/gemini-3-flash-preview#1",
        "replaces[medium]@google/gemini-4-argon#1",
    ]


def test_a_target_replaces_model_and_provider() -> None:
    text = "matrix: {model: [a, b], provider: [x, y]}\ncases: [{id: c, prompt: hi}, {id: d, prompt: hi, provider: x}]"
    assert ids(text, targets=[Target("z", "m")]) == ["c@z/m#1", "d@x/m#1"]
    assert ids(text, providers=["z"]) == ["c@z/a#1", "c@z/b#1", "d@x/a#1", "d@x/b#1"]


def test_the_default_provider_is_used_if_none_is_given() -> None:
    assert ids("cases: [{id: c, model: m, prompt: hi}]", default_provider="simulator") == ["c@simulator/m#1"]


def test_labels_are_as_short_as_they_can_be() -> None:
    text = """
cases:
  - id: c
    model: gemini-3-flash-preview
    prompt: hi
    thinking: [low, 512, {level: high, includeThoughts: true}]
    temperature: [0, 0.5]
    transport: stream
"""
    assert [name.split("@")[0] for name in ids(text)] == [
        "c[low,temperature=0]",
        "c[low,temperature=0.5]",
        "c[thinking=512,temperature=0]",
        "c[thinking=512,temperature=0.5]",
        "c[high+thoughts,temperature=0]",
        "c[high+thoughts,temperature=0.5]",
    ]


def test_values_per_model_take_the_first_glob_that_matches() -> None:
    text = """
matrix:
  model: [gemini-2.5-flash, gemini-2.5-pro, unknown-model]
  thinking: {gemini-2.5-pro: [-1], gemini-2.5-*: [0, 512]}
cases: [{id: c, prompt: hi}]
"""
    assert ids(text) == [
        "c[thinking=0]@google/gemini-2.5-flash#1",
        "c[thinking=512]@google/gemini-2.5-flash#1",
        "c[thinking=-1]@google/gemini-2.5-pro#1",
        "c@google/unknown-model#1",
    ]


def test_values_that_a_model_rejects_are_left_out_with_a_note() -> None:
    expansion = expand(
        suite("matrix: {model: [gemini-3.1-pro-preview], thinking: [minimal, low]}\ncases: [{id: c, prompt: hi}]")
    )
    assert [trial.id for trial in expansion] == ["s/c[low]@google/gemini-3.1-pro-preview#1"]
    assert [str(note) for note in expansion.notes] == [
        "s.yaml:2:53: minimal is left out for gemini-3.1-pro-preview (1 case): it has no level MINIMAL: LOW, MEDIUM, HIGH"
    ]


def test_only_keeps_the_combinations_it_names() -> None:
    text = "matrix: {model: [a, b], thinking: [low, high]}\ncases: [{id: c, prompt: hi, only: [{model: a, thinking: low}, {model: b}]}]"
    assert ids(text) == ["c[low]@google/a#1", "c[low]@google/b#1", "c[high]@google/b#1"]


def test_skipped_trials_are_included_with_their_reason() -> None:
    text = """
matrix:
  model: [gemini-a, gemini-b]
  skip: [{model: "*-b", why: too slow}]
cases: [{id: c, prompt: hi}, {id: d, prompt: hi, skip: not today}]
"""
    assert [trial.skip for trial in expand(suite(text))] == [None, "too slow", "not today", "not today"]


def test_attempts_share_their_steps() -> None:
    first, second = expand(suite("repeat: 2\ncases: [{id: c, model: m, prompt: hi}]"))
    assert (first.id, second.id) == ("s/c@google/m#1", "s/c@google/m#2")
    assert first.group == second.group == "s/c@google/m"
    assert first.steps is second.steps


@pytest.mark.parametrize(
    ("require", "repeat", "attempts", "at_least"),
    [("4/5", None, 5, 4), ("4/5", 1, 1, 1), ("4/5", 10, 10, 8), ("all", 3, 3, None), ("none", 3, 3, 0)],
)
def test_require_is_a_share_of_the_attempts(
    require: str, repeat: int | None, attempts: int, at_least: int | None
) -> None:
    made = suite(f"cases: [{{id: c, model: m, prompt: hi, require: {require}}}]")
    trials = list(expand(made, Selection(repeat=repeat)))
    assert len(trials) == attempts
    assert trials[0].require == at_least


def test_unary_and_stream_must_agree_if_both_are_run() -> None:
    text = "cases: [{id: c, model: m, prompt: hi, transport: [unary, stream]%s}, {id: d, model: m, prompt: hi}]"
    assert [trial.agree for trial in expand(suite(text % ""))] == ["shape", "shape", None]
    assert [trial.agree for trial in expand(suite(text % ", agree: text"))] == ["text", "text", None]


# --- selection ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("", ["aa", "ab", "bb"]),
        ("a", ["aa", "ab"]),
        ("A and b", ["ab"]),
        ("not a", ["bb"]),
        ("aa or bb", ["aa", "bb"]),
        ("not (aa or bb)", ["ab"]),
        ("not a or not b", ["aa", "bb"]),
    ],
)
def test_keyword_expressions(expression: str, chosen: list[str]) -> None:
    assert [name for name in ("aa", "ab", "bb") if Keywords(expression).match(name)] == chosen


@pytest.mark.parametrize("expression", ["and", "a and", "(a", "a)", "a b", "not", "()"])
def test_keyword_expressions_that_cannot_be_read(expression: str) -> None:
    with pytest.raises(UsageError, match="write words with and, or, not and parentheses"):
        Keywords(expression)


def test_a_whole_id_selects_one_trial_and_its_target() -> None:
    text = "cases: [{id: c, model: [m, m-lite], prompt: hi}, {id: free, prompt: hi}]"
    assert ids(text, models=["m"], keywords="s/c@google/m") == ["c@google/m#1"]
    assert ids("cases: [{id: c, model: [m, m-lite], prompt: hi}]", keywords="s/c@google/m") == ["c@google/m#1"]
    assert ids("cases: [{id: c, model: [m, m-lite], prompt: hi}]", keywords="s/c@simulator/m") == ["c@simulator/m#1"]
    assert ids("matrix: {model: [m]}\ncases: [{id: c, prompt: hi}]", keywords="s/c@x/n#1") == ["c@x/n#1"]
    with pytest.raises(UsageError, match="selects none of 2"):
        ids("cases: [{id: c, model: [m, m-lite], prompt: hi}]", keywords="s/d@simulator/m")


def test_an_attempt_can_be_chosen() -> None:
    text = "repeat: 12\ncases: [{id: c, model: m, prompt: hi}]"
    assert ids(text, keywords="c@google/m#2") == ["c@google/m#2"]
    assert ids(text, keywords="#1") == ["c@google/m#1", "c@google/m#10", "c@google/m#11", "c@google/m#12"]


def test_a_selector_that_selects_nothing_names_the_nearest() -> None:
    made = suite("tags: [nightly]\ncases: [{id: two-trains, model: m, prompt: hi}]")
    with pytest.raises(UsageError, match=r"-k 'two-trians' selects none of 1 .*; did you mean \"two-trains\"\?"):
        expand(made, Selection(keywords="two-trians"))
    with pytest.raises(UsageError, match=r'no case has the tag nightyl; did you mean "nightly"\?'):
        expand(made, Selection(tags=["nightyl"]))
    with pytest.raises(
        UsageError, match=r'there is no trial s/two-trians@google/m; did you mean "s/two-trains@google/m#1"'
    ):
        expand(made).find("s/two-trians@google/m")


def test_a_case_without_a_model_says_what_to_write() -> None:
    with pytest.raises(
        UsageError, match=r"s\.yaml:2:14: s/c has no model: write model: in the matrix, or give --model"
    ):
        expand(suite("cases: [{id: c, prompt: hi}]"))
    assert ids("cases: [{id: c, prompt: hi}]", models=["m"]) == ["c@google/m#1"]


def test_invalid_selections_are_rejected() -> None:
    made = suite("cases: [{id: c, model: m, prompt: hi}]")
    for selection in (
        Selection(targets=[Target("a", "b")], models=["c"]),
        Selection(repeat=0),
        Selection(shard=(3, 2)),
        Selection(shard=(0, 2)),
    ):
        with pytest.raises(UsageError):
            expand(made, selection)


@settings(max_examples=40)
@given(
    cases=st.integers(1, 6),
    rows=st.integers(1, 3),
    models=st.integers(1, 3),
    repeat=st.integers(1, 3),
    shards=st.integers(1, 5),
)
def test_shards_are_a_partition_that_keeps_cases_together(
    cases: int, rows: int, models: int, repeat: int, shards: int
) -> None:
    lines = [
        f"  - {{id: 'c{n}-${{row.n}}', prompt: hi, transport: [unary, stream], each: {[{'n': r} for r in range(rows)]}}}"
        for n in range(cases)
    ]
    made = suite(
        f"repeat: {repeat}\nmatrix: {{model: {[f'm{n}' for n in range(models)]}}}\ncases:\n" + "\n".join(lines)
    )
    everything = [trial.id for trial in expand(made)]
    parts = [[trial.id for trial in expand(made, Selection(shard=(n + 1, shards)))] for n in range(shards)]
    assert sorted(trial for part in parts for trial in part) == sorted(everything)
    assert len(everything) == len(set(everything)) == cases * rows * models * repeat * 2
    for part in parts:
        for trial in part:
            case = trial.split("[")[0]
            assert sum(name.startswith(f"{case}[") for name in part) == models * repeat * 2


def test_the_cases_of_several_suites_share_the_shards() -> None:
    suites = [suite("cases: [{id: c, model: m, prompt: hi}]", name) for name in ("one", "two", "three")]
    assert [trial.suite for trial in expand(suites, Selection(shard=(2, 2)))] == ["two"]
    assert [trial.suite for trial in expand(suites, Selection(keywords="two"))] == ["two"]


# --- cassettes ------------------------------------------------------------------------------------------------------


def cassettes(text: str) -> list[str]:
    return list(dict.fromkeys(str(trial.cassette) for trial in expand(suite(text))))


def test_one_cassette_for_a_case_and_target() -> None:
    text = """
repeat: 3
cases:
  - {id: c, model: gemini-3-flash-preview, prompt: hi, thinking: [low, high], transport: [unary, stream]}
  - {id: "d-${row.x}", model: gemini-3-flash-preview, prompt: hi, each: [{x: 1}, {x: 2}]}
"""
    assert cassettes(text) == [
        "cassettes/s/c/google.gemini-3-flash-preview.low,unary.yaml",
        "cassettes/s/c/google.gemini-3-flash-preview.low,stream.yaml",
        "cassettes/s/c/google.gemini-3-flash-preview.high,unary.yaml",
        "cassettes/s/c/google.gemini-3-flash-preview.high,stream.yaml",
        "cassettes/s/d-x/google.gemini-3-flash-preview.yaml",
    ]


def test_ids_that_differ_in_case_only_have_different_cassettes() -> None:
    made = cassettes("cases: [{id: Paris, model: m, prompt: hi}, {id: paris, model: m, prompt: hi}]")
    assert len({path.casefold() for path in made}) == 2


@given(st.text(min_size=1, max_size=300))
def test_a_safe_name_fits_any_file_system(name: str) -> None:
    made = safe_filename(name)
    assert 0 < len(made.encode()) <= 200
    assert not set(made) & set('/\\:*?"<>|\0 \n')
    assert not made.startswith((".", "-"))
    assert safe_filename(made) == made


@given(st.lists(st.text(alphabet="ab/.:é ", min_size=1, max_size=6), unique=True, max_size=20))
def test_different_names_stay_different(names: list[str]) -> None:
    assert len({safe_filename(name) for name in names}) == len(names)


# --- trials that are done ------------------------------------------------------------------------------

MANY = """
matrix: {model: [gemini-3-flash-preview, gemini-2.5-flash], transport: [unary, stream]}
repeat: 3
cases:
  - {id: plain, prompt: hi}
  - {id: "row-${row.n}", prompt: "${row.n}", each: [{n: 1}, {n: 2}], temperature: "${row.n}"}
"""


@given(st.sets(st.integers(0, 35)), st.sampled_from(["", "row", "#2", "plain and unary"]))
def test_without_leaves_out_the_trials_that_are_done(played: set[int], keywords: str) -> None:
    whole = expand(suite(MANY), Selection(keywords=keywords))
    every = [trial.id for trial in whole]
    assert list(whole.ids()) == every
    assert len(whole) == len(every)
    done: dict[str, int] = {}
    for trial in (trial for number, trial in enumerate(whole) if number in played):
        done[trial.group] = done.get(trial.group, 0) | 1 << trial.attempt
    left = whole.without(done)
    assert [trial.id for trial in left] == [name for number, name in enumerate(every) if number not in played]
    assert len(left) == len(list(left.ids())) == len(every) - len(played & set(range(len(every))))


def test_trials_of_some_groups_keep_their_order_and_targets() -> None:
    whole = expand(suite(MANY))
    some = whole.where(lambda group: group.target.model == "gemini-2.5-flash")
    none = some.where(lambda group: group.case.id == "nothing")
    assert [trial.id for trial in some] == [name for name in whole.ids() if "gemini-2.5-flash" in name]
    assert (len(some), list(map(str, some.targets))) == (18, ["google/gemini-2.5-flash"])
    assert (len(none), list(none), list(none.targets)) == (0, [], [])
