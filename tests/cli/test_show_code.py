"""``show TRIAL --python`` and ``--js``: code for google-genai that sends the request of the trial."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import load
from harness.run import session
from harness.run.play import prepare
from harness.simulator import serve
from harness.suite.matrix import Selection
from tests.actions import ROOT

CLIENTS = ROOT / ".venv-clients/bin/python"
SUITE = """
suite: code
defaults: {model: gemini-3.8-flash, system: "Be brief.", maxOutputTokens: 900}
cases:
  - {id: plain, prompt: "What is the capital of Norway? One word."}
  - {id: odd-text, prompt: "quotes ' and \\" and \\\\ and ${'${'} and \\n a line"}
  - {id: stream, prompt: hi, transport: stream}
  - {id: schema, prompt: hi, schema: {type: OBJECT, properties: {b: {type: STRING, nullable: true}, a: {type: INTEGER}}, propertyOrdering: [b, a]}}
  - {id: json-schema, prompt: hi, jsonSchema: {type: object, properties: {a: {anyOf: [{type: string}, {type: "null"}]}}}}
  - {id: search, prompt: hi, tools: [googleSearch]}
  - id: function
    prompt: hi
    tools: [{functionDeclarations: [{name: f, parametersJsonSchema: {type: object, additionalProperties: false}}]}]
    request: {toolConfig: {functionCallingConfig: {mode: ANY}}}
  - {id: thinking, prompt: hi, thinking: {level: low, includeThoughts: true}}
  - {id: turns, turns: [{user: a, model: b}, {user: c}]}
  - {id: safety, prompt: hi, request: {safetySettings: [{category: HARM_CATEGORY_HARASSMENT, threshold: BLOCK_NONE}]}}
  - {id: refused, prompt: hi, request: {generationConfig: {seed: x}}, expect: {http: 400}}
  - {id: unknown, prompt: hi, request: {newField: {a: 1}}, expect: {http: 400}}
"""
NAMES = re.findall(r"id: ([\w-]+)", SUITE)
CAPTURE = """
import contextlib, io, json, sys
import httpx2
sent = []
def send(self, request, **options):
    request.read()
    sent.append(json.loads(request.content))
    return httpx2.Response(200, json={"candidates": []}, request=request)
httpx2.Client.send = send
for code in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, {})
print(json.dumps(sent))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.toml").write_text('provider = "simulator"\n')
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/code.yaml").write_text(SUITE.replace("${'${'}", "$${"))
    return tmp_path


def shown(name: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    capsys.readouterr()
    assert main(["show", f"code/{name}@" if name != "turns" else "code/turns", *options]) == 0
    return capsys.readouterr().out


def bodies() -> dict[str, Any]:
    config = load(Path())
    trials = session.plan([], Selection(cassettes_dir=config.cassettes), config).trials
    return {trial.case: prepare(trial, config).body for trial in trials}


def as_proto(value: Any) -> Any:
    """A body as proto3's JSON has it: keys in either spelling are the same, and so are null and absent."""
    if isinstance(value, Mapping):
        return {
            re.sub(r"_(\w)", lambda found: found[1].upper(), name): as_proto(item)
            for name, item in value.items()
            if item is not None
        }
    return [as_proto(item) for item in value] if isinstance(value, list) else value


def test_the_code_sends_the_same_body(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [shown(name, capsys, "--python") for name in NAMES]
    for code in codes:
        compile(code, "ask.py", "exec")
    if not CLIENTS.exists():
        pytest.skip("google-genai is not here: `make clients` installs it")
    done = subprocess.run(
        [CLIENTS, "-W", "ignore", "-c", CAPTURE], input=json.dumps(codes), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    wanted = bodies()
    for name, sent in zip(NAMES, json.loads(done.stdout), strict=True):
        assert as_proto(sent) == as_proto(wanted[name]), name


def test_the_code_gets_an_answer(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not CLIENTS.exists():
        pytest.skip("google-genai is not here: `make clients` installs it")
    with serve.start() as simulator:
        for name in ("plain", "stream"):
            code = shown(name, capsys, "--python").replace("http://simulator.invalid", simulator.url)
            done = subprocess.run([CLIENTS, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert done.stdout.strip()
            assert name == "stream" or "Oslo" in done.stdout


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not here")
def test_the_javascript_is_valid(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("plain", "odd-text", "stream", "schema", "function"):
        (project / f"{name}.mjs").write_text(shown(name, capsys, "--js"))
        done = subprocess.run(["node", "--check", f"{name}.mjs"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_body_in_javascript_is_that_of_the_trial(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = shown("schema", capsys, "--js")
    asked = json.loads(re.findall(r"generateContent\((.*)\);\nconsole", code, re.DOTALL)[0])
    assert asked["contents"] == bodies()["schema"]["contents"]
    settings = bodies()["schema"]["generationConfig"]
    extra = asked["config"].pop("httpOptions")["extraBody"]
    assert extra == {"generationConfig": {"responseSchema": settings.pop("responseSchema")}}
    assert asked["config"].pop("systemInstruction") == bodies()["schema"]["systemInstruction"]
    assert asked["config"] == settings


def test_a_key_is_read_from_the_environment(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = shown("plain", capsys, "--python", "--provider", "google")
    assert 'api_key=os.environ.get("GOOGLE_API_KEY") or os.environ["GEMINI_API_KEY"],' in code
    assert "'base_url': 'https://generativelanguage.googleapis.com'" in code
    script = shown("plain", capsys, "--js", "--provider", "google")
    assert "apiKey: process.env.GOOGLE_API_KEY ?? process.env.GEMINI_API_KEY" in script


@pytest.mark.parametrize(
    ("case", "provider", "complaint"),
    [
        ("{id: a, prompt: hi}", "cometapi-bearer", "google-genai sends its key as x-goog-api-key, not as bearer"),
        ("{id: a, prompt: hi}", "own", "google-genai cannot send to the path /ask/{model}"),
        ("{id: a, turns: [{call: GET models}]}", "google", "begins with another call than generateContent"),
        ("{id: a, request: {contents: []}, expect: {http: 400}}", "google", "sends nothing without contents"),
    ],
)
def test_what_the_sdk_cannot_send_is_said(
    project: Path, capsys: pytest.CaptureFixture[str], case: str, provider: str, complaint: str
) -> None:
    (project / "harness.toml").write_text('[providers.own]\nbase_url = "https://a.example"\npath = "/ask/{model}"\n')
    (project / "suites/code.yaml").write_text(f"suite: code\ndefaults: {{model: gemini-3.8-flash}}\ncases: [{case}]\n")
    assert main(["show", "code/a", "--python", "--provider", provider]) == 4
    assert complaint in capsys.readouterr().err
