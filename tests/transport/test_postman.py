"""Collections of Postman become suites: their variables are filled in, their examples are answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import main

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Oslo"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1, "totalTokenCount": 8},
    "modelVersion": "gemini-3.8-flash",
    "responseId": "a",
}


def asks(text: str) -> dict[str, Any]:
    return {
        "method": "POST",
        "header": [{"key": "x-goog-api-key", "value": "{{key}}"}],
        "url": {"raw": "{{base}}/models/{{model}}:generateContent?key={{key}}"},
        "body": {"mode": "raw", "raw": json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]})},
    }


def example(text: str) -> dict[str, Any]:
    header = [{"key": "Content-Type", "value": "application/json"}]
    return {"originalRequest": asks(text), "code": 200, "header": header, "body": json.dumps(ANSWER)}


def collection(*items: dict[str, Any], **values: str) -> str:
    set_here = {"host": "https://generativelanguage.googleapis.com", "base": "{{host}}/v1beta", **values}
    variables = [{"key": key, "value": value} for key, value in set_here.items()]
    folder = {"name": "folder", "item": list(items)}
    return json.dumps({"info": {"name": "Gemini", "schema": SCHEMA}, "variable": variables, "item": [folder]})


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def imported(text: str, code: int = 0) -> dict[str, str]:
    """Case -> what it asks."""
    Path("gemini.postman_collection.json").write_text(text)
    assert main(["import", "gemini.postman_collection.json", "--suite", "p"]) == code
    if code:
        return {}
    suite = yaml.safe_load(Path("suites/p.yaml").read_text())
    assert suite["defaults"]["model"] == "gemini-3.8-flash"
    return {
        case["id"]: case.get("prompt") or case["request"]["contents"][0]["parts"][0]["text"] for case in suite["cases"]
    }


def test_variables_are_filled_in_and_examples_are_answers(capsys: pytest.CaptureFixture[str]) -> None:
    items: list[dict[str, Any]] = [
        {"name": "plain", "request": asks("Norway?")},
        {"name": "answered", "request": asks("Capital?"), "response": [example("Capital?")]},
        {"name": "both", "request": asks("One?"), "response": [example("Another?")]},
    ]
    found = imported(collection(*items, model="gemini-3.8-flash"))
    assert sorted(found.values()) == ["Another?", "Capital?", "Norway?", "One?"]
    out = capsys.readouterr().out
    assert "4 cases, 2 answers on cassettes" in out
    assert "now: gemini-harness run suites/p.yaml --record-mode once" in out, "some have no answer yet"
    for case in ("Capital?", "Another?"):
        name = next(name for name, text in found.items() if text == case)
        assert main(["run", "suites/p.yaml", "-k", name]) == 0


def test_a_variable_of_a_path_is_filled_in() -> None:
    asked = asks("Norway?")
    url = "https://generativelanguage.googleapis.com/v1beta/models/:model:generateContent"
    path = {"key": "model", "type": "text", "value": "gemini-3.8-flash"}
    asked["url"] = {"raw": url, "variable": [path]}
    Path("p.json").write_text(collection({"name": "plain", "request": asked}))
    assert main(["import", "p.json"]) == 0
    assert yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"][0]["model"] == "gemini-3.8-flash"


def test_the_variables_of_hoppscotch_have_a_first_value() -> None:
    body = {"contentType": "application/json", "body": json.dumps({"contents": [{"parts": [{"text": "<<say>>"}]}]})}
    asked = {"method": "POST", "endpoint": "<<base>>/models/<<model>>:generateContent", "body": body}
    values = {"base": "https://generativelanguage.googleapis.com/v1beta", "model": "gemini-3.8-flash", "say": "Norway?"}
    variables = [{"key": key, "initialValue": value, "currentValue": value} for key, value in values.items()]
    Path("p.json").write_text(json.dumps({"v": 2, "requests": [asked], "variables": variables}))
    assert main(["import", "p.json"]) == 0
    (case,) = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    assert (case["model"], case["request"]["contents"][0]["parts"][0]["text"]) == ("gemini-3.8-flash", "Norway?")


def test_a_model_that_is_not_set_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("gemini.postman_collection.json").write_text(collection({"name": "plain", "request": asks("Norway?")}))
    assert main(["import", "gemini.postman_collection.json"]) == 0
    assert "the model of norway is not recorded, or is a variable: write it in the place of unknown-model" in capsys.readouterr().out  # fmt: skip


def test_a_host_that_an_environment_sets_is_not_needed() -> None:
    both = {"name": "both", "request": asks("One?"), "response": [example("Another?")]}
    text = collection(both, model="gemini-3.8-flash").replace('"base"', '"other"')
    assert sorted(imported(text).values()) == ["Another?", "One?"]


def test_a_key_in_a_collection_is_not_carried_over(capsys: pytest.CaptureFixture[str]) -> None:
    key = "AIza" + "x" * 35
    text = collection({"name": "plain", "request": asks("Norway?")}, model="gemini-3.8-flash")
    Path("gemini.postman_collection.json").write_text(text.replace("{{key}}", key))
    assert main(["import", "gemini.postman_collection.json"]) == 0
    assert "a key was recorded with norway" in capsys.readouterr().out
    assert not any(key in path.read_text() for path in Path().rglob("*.yaml"))


@pytest.mark.parametrize("text", ["[]", "{", '{"item": 3}', '{"item": [3]}', '{"item": [{"request": {"url": 3}}]}'])
def test_a_faulty_collection_is_a_sentence(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    imported(f'{text}\n{{"schema": "{SCHEMA}"}}' if text != "{" else f'{{"{SCHEMA}"', code=4)
    assert "left out: gemini.postman_collection.json" in capsys.readouterr().out
