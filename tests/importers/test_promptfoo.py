"""``import promptfooconfig.yaml``: its Gemini models, prompts, tests and assertions become suites; the rest is listed by its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import main

CONFIG = """\
description: Capitals
prompts: ["What is the capital of {{country}}? One word."]
providers: [google:gemini-3.8-flash]
tests:
  - vars: {country: Norway}
    assert: [{type: icontains, value: Oslo}]
"""

Import = Callable[..., str]


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Import:
    """Imports a configuration with these files beside it, and returns what is printed. The result passes ``check``."""
    monkeypatch.chdir(tmp_path)

    def run(config: str, *, code: int = 0, **files: str) -> str:
        Path("promptfooconfig.yaml").write_text(config)
        for name, text in files.items():
            path = Path(name.replace("__", "/").replace("_", "."))
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert main(["import", "promptfooconfig.yaml"]) == code
        printed = capsys.readouterr()
        if code == 0:
            assert main(["check"]) == 0
            capsys.readouterr()
        return printed.out + printed.err

    return run


def suite(name: str = "imported") -> Any:
    return yaml.safe_load(Path(f"suites/{name}.yaml").read_text())


def with_assertion(assertion: str) -> str:
    return CONFIG.replace("{type: icontains, value: Oslo}", assertion)


def test_a_configuration_becomes_a_suite_as_people_write_it(imported: Import) -> None:
    imported(CONFIG)
    assert Path("suites/imported.yaml").read_text() == (
        "# yaml-language-server: $schema=./.gemini-harness.schema.json\n"
        "suite: imported\n"
        "about: Capitals\n"
        "defaults:\n"
        "  model: gemini-3.8-flash\n"
        "  prompt: What is the capital of ${row.country}? One word.\n"
        "cases:\n"
        "  - id: norway\n"
        "    each: [{country: Norway}]\n"
        "    expect: {text: {icontains: Oslo}}\n"
    )


def test_it_goes_green_with_the_simulator(imported: Import) -> None:
    imported(CONFIG)
    assert main(["run", "--provider", "simulator", "--record-mode", "once"]) == 0
    assert main(["run", "--provider", "simulator", "--strict"]) == 0


@pytest.mark.parametrize(
    ("assertion", "expect"),
    [
        ("{type: equals, value: Oslo}", {"text": {"equals": "Oslo"}}),
        ("{type: equals, value: {a: 1}}", {"json": {"equals": {"a": 1}}}),
        ("{type: contains, value: '{{country}}'}", {"text": {"contains": "${row.country}"}}),
        ("{type: not-contains, value: Rome}", {"text": {"not": {"contains": "Rome"}}}),
        ("{type: contains-any, value: 'a, b'}", {"text": {"any": [{"contains": "a"}, {"contains": "b"}]}}),
        ("{type: icontains-all, value: [a, b]}", {"text": {"all": [{"icontains": "a"}, {"icontains": "b"}]}}),
        ("{type: starts-with, value: Os}", {"text": {"starts_with": "Os"}}),
        (r"{type: regex, value: '^\w+$'}", {"text": {"matches": r"^\w+$"}}),
        ("{type: is-json}", {"json": {}}),
        ("{type: is-json, value: {type: object}}", {"json": {"valid": {"type": "object"}}}),
        ("{type: latency, threshold: 1500}", {"latency": {"max": "1500ms"}}),
        ("{type: cost, threshold: 0.01}", {"cost": {"max": 0.01}}),
        ("{type: llm-rubric, value: is polite}", {"judge": {"rubric": "is polite", "min": 4}}),
        ("{type: llm-rubric, value: a, threshold: 0.5}", {"judge": {"rubric": "a", "min": 3}}),
        ("{type: similar, value: Oslo}", {"similar": {"to": "Oslo", "min": 0.75}}),
        ("{type: finish-reason, value: length}", {"finishReason": "MAX_TOKENS"}),
        (
            "{type: contains, value: a}, {type: contains, value: b}",
            {"text": {"all": [{"contains": "a"}, {"contains": "b"}]}},
        ),
        ("{type: assert-set, assert: [{type: contains, value: a}]}", {"text": {"contains": "a"}}),
    ],
)
def test_an_assertion_becomes_a_check(imported: Import, assertion: str, expect: Any) -> None:
    assert "left out" not in imported(with_assertion(assertion))
    assert suite()["cases"][0]["expect"] == expect


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ("{type: javascript, value: output.length > 3}", "javascript: code is not carried over"),
        ("{type: contains-jsn}", "contains-jsn: no check is like it"),
        ("{type: contains-json}", "contains-json: the check `json` wants the whole text"),
        ("{type: latency}", "latency: it has no threshold"),
        ("{type: regex, value: '(?<a>b'}", "regex: "),
        ("{type: not-latency, threshold: 5}", "not-latency: only checks of the text can be turned round"),
        ("{type: equals, value: 'file://a.js'}", "a.js is code, which is not executed here"),
        ("{type: equals, value: 'file://../a.txt'}", "../a.txt cannot be read: it lies outside"),
        (
            "{type: contains, value: '{{ country | wordcount }}'}",
            "the template '{{ country | wordcount }}' is more than",
        ),
        ("{type: contains, value: a, weight: 2}", "contains: its weight is not carried over"),
        ("{type: similar, value: a}, {type: similar, value: b}", "a case has one check `similar`"),
    ],
)
def test_what_has_no_counterpart_is_listed_by_its_place(imported: Import, assertion: str, reason: str) -> None:
    assert f"left out: promptfooconfig.yaml:6: {reason}" in imported(with_assertion(assertion))


def test_what_is_left_out_of_a_case_is_a_comment_in_it(imported: Import) -> None:
    imported(with_assertion("{type: javascript, value: output.length > 3}"))
    assert "  # left out: javascript: output.length > 3\n  - id: norway\n" in Path("suites/imported.yaml").read_text()


PROVIDERS = """
  - google:gemini-3.8-flash
  - google:gemini-3.5-flash-lite
  - {id: "google:gemini-2.5-flash", config: {max_tokens: 900, generationConfig: {topP: 0.5, thinkingConfig: {thinkingBudget: 0}}, apiKey: secret}}
  - openai:gpt-5
"""


SCENARIOS = """\
prompts: ["Translate {{input}} to {{language}}"]
providers: google:gemini-3.8-flash
defaultTest: {assert: [{type: latency, threshold: 900}]}
scenarios:
  - config:
      - {vars: {language: Spanish, expected: Hola}}
      - {vars: {language: French, expected: Bonjour}, assert: [{type: not-contains, value: hello}]}
    tests:
      - {vars: {input: Hello}, assert: [{type: icontains, value: "{{expected}}"}]}
  - file://more.yaml
"""


def test_scenarios_are_every_entry_with_every_test(imported: Import) -> None:
    more = "config: [{vars: {language: Dutch}}]\ntests: [{vars: {input: Hi}, assert: [{type: contains, value: Hoi}]}]\n"
    assert "left out" not in imported(SCENARIOS, more_yaml=more)
    rows = [row for case in suite()["cases"] for row in case["each"]]
    assert [(row["input"], row["language"]) for row in rows] == [
        ("Hello", "Spanish"),
        ("Hello", "French"),
        ("Hi", "Dutch"),
    ]
    assert [case["expect"]["text"] for case in suite()["cases"]] == [
        {"icontains": "${row.expected}"},
        {"not": {"contains": "hello"}, "icontains": "${row.expected}"},
        {"contains": "Hoi"},
    ]
    assert suite()["defaults"]["expect"] == {"latency": {"max": "900ms"}}


@pytest.mark.parametrize(
    "scenario", ["file://no.yaml", "3", "{config: [1], tests: [{}]}", "{config: [{vars: 3}], tests: [{}]}"]
)
def test_a_faulty_scenario_is_listed(imported: Import, scenario: str) -> None:
    assert "left out: promptfooconfig.yaml:7: tests: " in imported(f"{CONFIG}scenarios: [{scenario}]\n")
    assert len(suite()["cases"]) == 1


@pytest.mark.parametrize(
    "changed",
    [
        CONFIG.replace("value: Oslo}", "value: Oslo, transform: output.x}"),
        CONFIG.replace("    assert:", "    options: {transform: output.x}\n    assert:"),
        f"{CONFIG}defaultTest: {{options: {{transform: output.x}}}}\n",
    ],
)
def test_what_code_changes_first_is_not_judged_as_it_is(imported: Import, changed: str) -> None:
    out = imported(changed)
    assert "icontains: it judges what code makes of the answer (transform); write `json: {at: {$.name: ...}}`" in out
    assert "expect" not in suite()["cases"][0]


@pytest.mark.parametrize(
    ("code", "assertion", "expect"),
    [
        ("output.trim()", "{type: icontains, value: Oslo}", {"text": {"icontains": "Oslo", "trim": True}}),
        ("output.strip()", "{type: not-equals, value: Oslo}", {"text": {"not": {"equals": "Oslo"}, "trim": True}}),
        (
            "output.trim().toLowerCase()",
            "{type: contains-any, value: [oslo, bergen]}",
            {"text": {"any": [{"contains": "oslo"}, {"contains": "bergen"}], "trim": True, "ignore_case": True}},
        ),
        ("JSON.parse(output)", "{type: equals, value: {city: Oslo}}", {"json": {"equals": {"city": "Oslo"}}}),
        ("output.trim()", "{type: is-json}", {"json": {}}),
    ],
)
def test_what_code_only_trims_lowers_or_parses_is_judged(
    imported: Import, code: str, assertion: str, expect: dict[str, Any]
) -> None:
    out = imported(with_assertion(assertion).replace("    assert:", f"    options: {{transform: {code}}}\n    assert:"))
    assert (suite()["cases"][0]["expect"], "left out" in out) == (expect, False)


def test_an_assertion_may_be_named(imported: Import) -> None:
    templates = "assertionTemplates: {polite: {type: icontains, value: please}}\n"
    imported(templates + with_assertion('{$ref: "#/assertionTemplates/polite"}'))
    assert suite()["cases"][0]["expect"] == {"text": {"icontains": "please"}}


def test_every_part_may_stand_in_a_file(imported: Import) -> None:
    config = "prompts: file://p.yaml\nproviders: file://m.yaml\ndefaultTest: file://d.yaml\ntests: file://tests/\n"
    out = imported(
        config,
        p_yaml='- "One: {{x}}"\n- {label: b, raw: "Two: {{x}}"}\n',
        m_yaml="- {id: google:gemini-3.8-flash}\n- google:gemini-3.5-flash-lite\n",
        d_yaml="assert: [{type: not-contains, value: error}]\n",
        tests__a_yaml="- {vars: {x: a}, assert: [{type: contains, value: A}]}\n",
        tests__b_jsonl='{"vars": {"x": "b"}, "assert": [{"type": "contains", "value": "B"}]}\n',
    )
    assert "left out" not in out
    assert suite()["defaults"]["prompt"] == ["One: ${row.x}", "Two: ${row.x}"]
    assert suite()["defaults"]["model"] == ["gemini-3.8-flash", "gemini-3.5-flash-lite"]
    assert [case["expect"]["text"]["contains"] for case in suite()["cases"]] == ["A", "B"]


FILTERED = """\
prompts:
  - {label: plain, raw: "{{x}} plain"}
  - {label: "kind:terse", raw: "{{x}} terse"}
providers:
  - {id: google:gemini-3.8-flash, label: new, prompts: [plain]}
  - {id: google:gemini-3.5-flash-lite, label: small}
  - openai:gpt-5
tests:
  - {vars: {x: all}, assert: [{type: contains, value: a}]}
  - {vars: {x: one}, assert: [{type: contains, value: b}], providers: [small]}
  - {vars: {x: two}, assert: [{type: contains, value: c}], providers: ["google:*"], prompts: [kind]}
  - {vars: {x: none}, assert: [{type: contains, value: d}], providers: [openai]}
"""


def asked() -> set[tuple[str, str, str]]:
    """(variable, prompt, model) of all trials of the suite."""
    shared = suite()["defaults"]
    found = set()
    for case in suite()["cases"]:
        rows = case.get("only", [{"model": model} for model in shared["model"]])
        for only in rows if isinstance(rows, list) else [rows]:
            found |= {(row["x"], case["prompt"].split()[1], only["model"]) for row in case["each"]}
    return found


def test_tests_are_asked_of_their_providers_and_prompts(imported: Import) -> None:
    printed = imported(FILTERED)
    new, small = "gemini-3.8-flash", "gemini-3.5-flash-lite"
    assert asked() == {
        ("all", "plain", new),
        ("all", "plain", small),
        ("all", "terse", small),
        ("one", "plain", small),
        ("one", "terse", small),
        ("two", "terse", small),
    }
    assert "promptfooconfig.yaml:12: providers and prompts of a test: none of them is imported" in printed
    assert printed.count("left out") == 2, "the provider of another vendor, and the test that asks it alone"


def test_providers_of_all_tests_are_those_of_one(imported: Import) -> None:
    imported(
        CONFIG.replace("[google:gemini-3.8-flash]", "[google:gemini-3.8-flash, google:gemini-3.5-flash-lite]")
        + "  - {vars: {country: Peru}, providers: [google:gemini-3.8-flash], assert: [{type: contains, value: Lima}]}\n"
        + "defaultTest: {providers: [google:gemini-3.5-flash-lite]}\n"
    )
    assert [case["only"]["model"] for case in suite()["cases"]] == ["gemini-3.5-flash-lite", "gemini-3.8-flash"]


def test_settings_by_model_do_not_hinder_a_filter(imported: Import) -> None:
    budget = "{id: google:gemini-2.5-flash, config: {generationConfig: {thinkingConfig: {thinkingBudget: 0}}}}"
    printed = imported(
        CONFIG.replace(
            "[google:gemini-3.8-flash]", f"[google:gemini-3.8-flash, google:gemini-3.5-flash-lite, {budget}]"
        )
        + "    providers: [google:gemini-3*]\n"
    )
    assert "left out" not in printed
    assert [row["model"] for row in suite()["cases"][0]["only"]] == ["gemini-3.8-flash", "gemini-3.5-flash-lite"]
    assert main(["run", "--provider", "simulator", "--live"]) == 0


def test_no_key_of_a_provider_or_a_prompt_is_lost(imported: Import) -> None:
    provider = "{id: google:gemini-3.8-flash, label: fast, transform: output.trim(), delay: 3}"
    prompt = '{raw: "{{country}}?", config: {temperature: 1}}'
    out = imported(
        CONFIG.replace("google:gemini-3.8-flash", provider).replace(
            '"What is the capital of {{country}}? One word."', prompt
        )
    )
    for left in (
        "transform of a provider: code",
        "delay of a provider: `limits`",
        "config of a prompt: ",
    ):
        assert f": {left}" in out


def test_gemini_through_another_provider_says_how_to_import_it(imported: Import) -> None:
    printed = imported(CONFIG.replace("[google:", "['openai:chat:gemini-2.5-flash', google:"))
    assert "to import it, write google:gemini-2.5-flash, and ask it with --provider" in printed


def test_settings_of_models_are_stated_by_model(imported: Import) -> None:
    printed = imported(CONFIG.replace(" [google:gemini-3.8-flash]", PROVIDERS))
    assert suite()["defaults"] == {
        "model": ["gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-2.5-flash"],
        "maxOutputTokens": {"gemini-2.5-flash": 900},
        "topP": {"gemini-2.5-flash": 0.5},
        "thinking": {"gemini-2.5-flash": 0},
        "prompt": "What is the capital of ${row.country}? One word.",
    }
    assert "provider 'openai:gpt-5': not a Gemini model" in printed
    assert "config.apiKey: a key is read from the environment" in printed
    assert "secret" not in printed
    assert main(["run", "--provider", "simulator", "--live"]) == 0
    assert main(["compare", "last"]) == 0  # the cells of the three models meet


def test_other_settings_need_a_suite_of_their_own(imported: Import) -> None:
    printed = imported(
        CONFIG.replace(" [google:gemini-3.8-flash]", PROVIDERS.replace("topP: 0.5", "stopSequences: [x]"))
    )
    assert suite()["defaults"]["model"] == ["gemini-3.8-flash", "gemini-3.5-flash-lite"]
    assert suite("imported-2")["defaults"]["request"] == {"generationConfig": {"stopSequences": ["x"]}}
    assert "models whose other settings differ are in suites of their own" in printed


def test_members_become_columns(imported: Import) -> None:
    prompt = "Capital of {{ place.name }}, {{greeting}}?"
    config = CONFIG.replace("What is the capital of {{country}}? One word.", prompt)
    printed = imported(
        config.replace("{country: Norway}", '{place: {name: " Peru "}, who: Ann, greeting: "dear {{who}}"}')
    )
    assert "left out" not in printed
    assert suite()["cases"][0]["each"] == [{"place__name": " Peru ", "greeting": "dear Ann"}]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/host*.txt", "names no files of this folder"),
        ("/etc/hosts.txt", "cannot be read: it lies outside of the project; copy it into it"),
    ],
)
def test_files_of_other_folders_are_not_read(imported: Import, name: str, reason: str) -> None:
    prompt = CONFIG.replace("What is the capital of {{country}}? One word.", f"file://{name}")
    assert f"{name} {reason}" in imported(prompt, code=5)
    tests = f"{CONFIG.partition('tests:')[0]}tests: file://{name.replace('.txt', '.csv')}\n"
    assert reason in imported(tests, code=5)


def test_a_member_of_a_text_is_empty(imported: Import) -> None:
    imported(CONFIG.replace("{{country}}", "{{country}} {{country.name}}"))
    assert suite()["cases"][0]["each"] == [{"country": "Norway", "country__name": ""}]


@pytest.mark.parametrize("value", ["{{ who | upper }}", "{% if a %}"])
def test_a_variable_with_a_template_is_not_sent_as_text(imported: Import, value: str) -> None:
    printed = imported(CONFIG.replace("Norway", f'"{value}"') + "  - vars: {country: Peru}\n")
    assert f"promptfooconfig.yaml:5: tests: the template {value!r} is more than" in printed
    assert [case["id"] for case in suite()["cases"]] == ["peru"]


def test_a_case_of_which_nothing_could_be_judged_is_skipped(
    imported: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(with_assertion("{type: javascript, value: output.length > 3}"))
    assert suite()["cases"][0]["skip"] == "what it expects was left out: nothing would be judged"
    assert main(["run", "--provider", "simulator", "--live"]) == 5
    assert "1 skipped" in capsys.readouterr().out


def test_schemas_in_files_are_read_wherever_they_stand(imported: Import) -> None:
    config = "[{id: 'google:gemini-3.8-flash', config: {generationConfig: {response_schema: 'file://answer.json'}}}]"
    schema = {"type": "OBJECT", "properties": {"capital": {"type": "STRING"}}}
    imported(CONFIG.replace("[google:gemini-3.8-flash]", config), answer_json=json.dumps(schema))
    assert suite()["defaults"]["schema"] == schema


def test_a_configuration_under_any_name_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evals.yaml").write_text(CONFIG)
    assert main(["import", "evals.yaml"]) == 0
    assert suite()["cases"][0]["id"] == "norway"


def test_a_configuration_in_code_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("promptfooconfig.js").write_text("module.exports = {prompts: []}\n")
    assert main(["import", "promptfooconfig.js"]) == 4
    assert "promptfooconfig.js is code, which is not executed here" in capsys.readouterr().err


def test_tools_schema_and_thinking_are_carried_over(imported: Import) -> None:
    config = """[{id: "google:gemini-3.8-flash", config: {
  thinking: {thinkingLevel: LOW}, responseSchema: "file://answer.json", systemInstruction: Be brief.}}]"""
    schema = {"type": "OBJECT", "properties": {"capital": {"type": "STRING"}}}
    imported(CONFIG.replace("[google:gemini-3.8-flash]", config), answer_json=json.dumps(schema))
    defaults = suite()["defaults"]
    assert defaults["schema"] == schema
    assert defaults["system"] == "Be brief."
    assert defaults["thinking"] == "low"


def test_prompts_in_files_are_an_axis(imported: Import) -> None:
    listed = "[file://a.txt, 'Capital of {{country}}?']"
    imported(
        CONFIG.replace('["What is the capital of {{country}}? One word."]', listed), a_txt="One {{ country }}\n---\nTwo"
    )
    assert suite()["defaults"]["prompt"] == ["One ${row.country}", "Two", "Capital of ${row.country}?"]


@pytest.mark.parametrize("native", [False, True])
def test_a_chat_becomes_system_and_prompt_or_turns(imported: Import, *, native: bool) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital of {{country}}?"}]
    turns = [{"role": role, "parts": [{"text": role}]} for role in ("user", "model", "user")]
    listed = CONFIG.replace('["What is the capital of {{country}}? One word."]', "file://chat.json")
    imported(listed, chat_json=json.dumps(turns if native else chat))
    defaults = suite()["defaults"]
    if native:
        assert defaults["request"] == {"contents": turns}
    else:
        assert (defaults["system"], defaults["prompt"]) == ("Be brief.", "Capital of ${row.country}?")


def test_tests_in_a_table_become_rows_of_a_case(imported: Import) -> None:
    table = "country,__expected\nPeru,icontains: lima\nChad,icontains: djamena\nItaly,Rome\n"
    imported(CONFIG[: CONFIG.index("tests:")] + "tests: file://tests.csv\n", tests_csv=table)
    assert suite()["cases"] == [
        {
            "id": "country-${row.country}",
            "each": [{"country": "Peru", "expected": "lima"}, {"country": "Chad", "expected": "djamena"}],
            "expect": {"text": {"icontains": "${row.expected}"}},
        },
        {
            "id": "italy",
            "each": [{"country": "Italy", "expected": "Rome"}],
            "expect": {"text": {"equals": "${row.expected}"}},
        },
    ]


def test_a_table_of_a_spreadsheet_is_read_and_its_lines_are_named(imported: Import) -> None:
    table = "country;__expected\nPeru;icontains: lima\nChad;levenshtein(2): ndjamena\n;yes\n"
    printed = imported(CONFIG[: CONFIG.index("tests:")] + "tests: file://tests.csv\n", tests_csv=table)
    assert suite()["cases"][0]["each"] == [{"country": "Peru", "expected": "lima"}]
    assert "left out: tests.csv:3: levenshtein: " in printed


def test_a_broken_line_of_tests_leaves_the_others(imported: Import) -> None:
    lines = '{"vars": {"country": "Peru"}, "assert": [{"type": "contains", "value": "Lima"}]}\n\n{bad\n'
    printed = imported(CONFIG[: CONFIG.index("tests:")] + "tests: file://tests.jsonl\n", tests_jsonl=lines)
    assert [case["id"] for case in suite()["cases"]] == ["peru"]
    assert "left out: tests.jsonl:3: tests: not JSON: " in printed


def test_a_variable_without_a_value_is_noted_once(imported: Import) -> None:
    printed = imported(CONFIG.replace("vars: {country: Norway}", "vars: {land: Norway}"))
    assert printed.count("{{country}} has no value, and its place stays empty") == 1


def test_a_variable_of_the_environment_does_not_become_an_empty_value(imported: Import) -> None:
    printed = imported(CONFIG.replace("country: Norway", "country: '{{env.LAND}}'"), code=5)
    assert "the template '{{env.LAND}}'" in printed


def test_of_two_limits_the_narrower_one_stays(imported: Import) -> None:
    shared = "defaultTest: {assert: [{type: latency, threshold: 800}]}\n"
    imported(with_assertion("{type: latency, threshold: 700}, {type: latency, threshold: 900}") + shared)
    assert suite()["cases"][0]["expect"] == {"latency": {"max": "700ms"}}


def test_many_rows_get_a_file(imported: Import) -> None:
    imported(CONFIG.replace("{country: Norway}", f"{{country: {json.dumps([f'C{n}' for n in range(20)])}}}"))
    assert suite()["cases"][0]["each"] == "${file:imported/country.jsonl}"
    assert len(Path("suites/imported/country.jsonl").read_text().splitlines()) == 20


def test_checks_of_all_tests_stand_in_defaults(imported: Import) -> None:
    shared = "defaultTest: {assert: [{type: latency, threshold: 900}], options: {transform: x, prefix: y}}\n"
    printed = imported(f"{CONFIG}  - vars: {{country: Peru}}\n{shared}evaluateOptions: {{repeat: 3, cache: false}}\n")
    assert suite()["defaults"]["expect"] == {"latency": {"max": "900ms"}}
    assert suite()["repeat"] == 3
    assert "promptfooconfig.yaml:8: defaultTest.options: `by:` of a `judge:` names who grades" in printed
    assert "promptfooconfig.yaml:9: evaluateOptions.cache: cassettes: " in printed


def test_a_case_that_the_api_refuses_is_left_out(imported: Import) -> None:
    settings = "{id: 'google:gemini-3.8-flash', config: {temperature: 7}}"
    printed = imported(CONFIG.replace("[google:gemini-3.8-flash]", f"[{settings}]"), code=5)
    assert "left out: promptfooconfig.yaml:3: provider google:gemini-3.8-flash, and all that asks it: " in printed
    assert "in `temperature: 7`" in printed
    assert "nothing was imported: no Gemini model with a prompt and a test" in printed


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("prompts: [", "promptfooconfig.yaml:2"),
        ("- a\n", "expected a configuration of promptfoo, with prompts, providers and tests"),
        ("a: 1\na: 2\n", "promptfooconfig.yaml:2"),
    ],
)
def test_a_faulty_configuration_is_a_complaint(imported: Import, config: str, complaint: str) -> None:
    assert complaint in imported(config, code=4)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("{country: Norway}", "{country: []}", "one of its variables is an empty list"),
        ("{country: Norway}", "[a]", "its vars are not a mapping"),
        ("tests:", "tests: [7]\nother:", "they are not in a file of this folder: 7"),
        ('["What is the capital of {{country}}? One word."]', "[7]", "a prompt that is not text or a file: 7"),
    ],
)
def test_odd_values_are_listed(imported: Import, old: str, new: str, reason: str) -> None:
    assert reason in imported(CONFIG.replace(old, new), code=5)


def test_rows_with_long_values_are_numbered(imported: Import) -> None:
    long = [f"{letter} {'word ' * 20}" for letter in "ab"]
    imported(CONFIG.replace("{country: Norway}", json.dumps({"country": long})))
    (case,) = suite()["cases"]
    assert case["id"] == "country-${row.n}"
    assert [row["n"] for row in case["each"]] == [1, 2]


def test_a_variable_may_hold_data(imported: Import) -> None:
    imported(CONFIG.replace("{country: Norway}", "{country: {name: Norway, code: [N, O]}}"))
    assert suite()["cases"][0]["each"] == [{"country": {"name": "Norway", "code": ["N", "O"]}}]


def test_who_is_asked_first_is_said(imported: Import) -> None:
    assert "asks google once, and records; `--provider simulator` needs no key" in imported(CONFIG)
    Path("harness.toml").write_text('provider = "simulator"\n')
    assert "asks simulator once, and records; `--provider google` asks Gemini" in imported(CONFIG)


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_configuration_is_no_suite_and_says_what_to_do(
    imported: Import, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    imported(CONFIG)
    assert main([command, "promptfooconfig.yaml"]) == 4
    assert "this is a configuration of promptfoo: `gemini-harness import` makes suites of it" in capsys.readouterr().err


def test_an_import_that_was_cut_short_is_repeated(imported: Import) -> None:
    several = CONFIG.replace(
        "[google:gemini-3.8-flash]",
        "[{id: google:gemini-3.8-flash, config: {stopSequences: [x]}}, google:gemini-2.5-pro]",
    )
    imported(several)
    Path("suites/imported-2.yaml").unlink()
    imported(several)
    assert Path("suites/imported-2.yaml").is_file()
    Path("suites/imported.yaml").unlink()
    Path("suites/imported-2.yaml").write_text(
        "suite: imported-2\n# mine\ncases: [{id: a, model: gemini-3.8-flash, prompt: hi}]\n"
    )
    assert "suites/imported-2.yaml exists already, and is another" in imported(several, code=4)
    assert not Path("suites/imported.yaml").exists()


def test_a_suite_that_is_there_is_kept(imported: Import) -> None:
    imported(CONFIG)
    assert "suites/imported.yaml exists already" in imported(CONFIG.replace("Norway", "Peru"), code=4)
    assert "Norway" in Path("suites/imported.yaml").read_text()


@pytest.mark.parametrize("paths", [["promptfooconfig.yaml"], ["promptfooconfig.yaml", "a.yaml"]])
def test_a_missing_or_second_file_is_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], paths: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", *paths]) == 4
    assert capsys.readouterr().err.startswith(("no such file", "promptfooconfig.yaml is imported by itself"))
