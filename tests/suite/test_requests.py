"""What ``check`` says of requests that some models refuse, or whose parts the API ignores, without an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.errors import SuiteError
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse

SUITE = """
suite: requests
matrix: {model: [gemini-2.5-flash, gemini-3.8-flash, gemini-4-neon]}
cases:
"""


def test_a_value_that_varies_is_left_out_where_a_model_refuses_it() -> None:
    suite = parse(SUITE + "  - {id: two, prompt: hi, candidateCount: [1, 2]}\n", "requests.yaml", environ={})
    found = expand(suite)
    assert "requests/two[candidateCount=2]@google/gemini-4-neon#1" not in list(found.ids())
    assert "requests/two[candidateCount=2]@google/gemini-2.5-flash#1" in list(found.ids())
    assert [note.message for note in found.notes] == [
        "candidateCount=2 is left out for gemini-4-neon (1 case): only one candidate is given"
    ]


def test_a_model_of_the_command_line_is_asked_as_it_is() -> None:
    suite = parse(
        SUITE
        + "  - {id: search, prompt: hi, model: [gemini-3.8-flash], tools: [googleSearch], schema: {type: STRING}}\n",
        "requests.yaml",
        environ={},
    )
    assert len(expand(suite, Selection(models=["gemini-2.5-flash"]))) == 1


@pytest.mark.parametrize(
    ("case", "note"),
    [
        ("temperature: 0.2", "temperature has no effect on gemini-3.8-flash and gemini-4-neon; leave it out"),
        ("jsonSchema: {type: string, not: {const: a}}", '"not" has no effect in a schema; say it in another keyword or in a description'),
        ("jsonSchema: {type: array, items: {type: string}, maxItems: 2000}", "the API may refuse generationConfig.responseJsonSchema: the lists of this schema"),
        ("model: gemini-2.5-flahs", 'there is no model "gemini-2.5-flahs" in the catalogue; did you mean "gemini-2.5-flash"?'),
        ("system: 'Call her {{ name }}.'", "{{ name }} is sent as it stands; a placeholder is written ${row.name}"),
        ("model: models/gemini-2.5-flash", 'did you mean "gemini-2.5-flash"?'),
        ("model: 'google:gemini-2.5-flash'", 'did you mean "gemini-2.5-flash"?'),
        ("model: gemini-3-flash", 'did you mean "gemini-3-flash-preview"?'),
        ("model: gemini-3-*", 'the name of a model holds no "*"; write {name: "gemini-3-*"}, or a list'),
        ("model: 'gemini-2.5-flash, gemini-2.5-pro'", 'the name of a model holds no ","'),
        ("expect: {latency: {max: 3000}}", "3000 are seconds; write 3000ms if milliseconds are meant"),
        ("transport: stream, expect: {stream: {ttft: {max: 800}}}", "800 are seconds; write 800ms"),
        ("expect: {text: {contains: 'in {row.city}'}}", "{row.city} is sent as it stands; a placeholder is written ${row.city}"),
        ("system: Where is $row.city?", "$row.city is sent as it stands; a placeholder is written ${row.city}"),
        ("expect: {text: {matches: /paris/i}}", 'an expression stands without slashes: "(?i)paris"'),
        ("expect: {text: “hi”}", """YAML knows only the quotes " and '; “hi” is a text with its own"""),
    ],
)  # fmt: skip
def test_what_does_no_harm_is_a_note(
    case: str, note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requests.yaml").write_text(SUITE + f"  - {{id: a, prompt: hi, {case}}}\n")
    assert main(["check", "requests.yaml"]) == 0
    out = capsys.readouterr().out
    assert "note: requests.yaml:5:" in out
    assert note in out
    assert "no problem found" in out


@pytest.mark.parametrize("model", ["gemini-3.9-flash", "gemini-5-xenon", "my-own-model", "gemini-flash-latest"])
def test_a_name_that_may_be_a_newer_model_is_no_typo(model: str) -> None:
    suite = parse(SUITE + f"  - {{id: a, prompt: hi, model: {model}}}\n", "requests.yaml", environ={})
    assert suite.notes == ()


def test_an_odd_value_that_may_be_meant_is_no_slip() -> None:
    lawful = """{latency: {max: 120}, ttft: {max: 3000ms}, http: 200, text: {any: ["“hi”", {matches: "^/v1/"}, "> 5"]},
      headers: {content-type: {starts_with: text}}, images: {mimeType: {starts_with: image}}}"""
    assert parse(f"{SUITE}  - {{id: a, prompt: 'Is 6 > 5?', expect: {lawful}}}\n", "requests.yaml").notes == ()


def test_nothing_is_claimed_about_an_unknown_model() -> None:
    case = "{id: a, prompt: hi, model: my-own-model, presencePenalty: 1, candidateCount: 4, tools: [googleSearch], schema: {type: STRING}}"
    assert len(expand(parse(f"{SUITE}  - {case}\n", "requests.yaml", environ={}))) == 1


def test_many_models_are_one_message() -> None:
    models = [
        f"gemini-{name}"
        for name in ("2.5-flash", "2.5-pro", "2.5-flash-lite", "3.8-flash", "3.6-flash", "3.1-flash-lite")
    ]
    case = f"{{id: a, prompt: hi, model: [{', '.join(models)}], presencePenalty: 1, transport: [unary, stream]}}"
    with pytest.raises(SuiteError) as caught:
        parse(f"{SUITE}  - {case}\n", "requests.yaml", environ={})
    (complaint,) = caught.value.complaints
    assert "gemini-2.5-flash, gemini-2.5-pro, gemini-2.5-flash-lite, gemini-3.8-flash and 2 others would refuse" in str(
        complaint
    )


def test_what_a_row_breaks_is_said_beside_a_case_that_writes_the_same() -> None:
    cases = (
        "  - {id: written, prompt: hi, request: {generationConfig: {topK: many}}}\n"
        "  - id: from-a-row\n    prompt: hi\n    each: [{k: many}]\n    request: {generationConfig: {topK: '${row.k}'}}\n"
    )
    with pytest.raises(SuiteError) as caught:
        parse(SUITE + cases, "requests.yaml", environ={})
    messages = [str(complaint).splitlines()[0] for complaint in caught.value.complaints]
    refused = "Invalid value at 'generation_config.top_k' (TYPE_INT32), \"many\""
    assert messages == [
        f"requests.yaml:5:66: the API refuses this: {refused}",
        f"requests.yaml:9:40: the API refuses generationConfig.topK: row 1: {refused}",
    ]
