"""Pages of documentation: all their requests are imported with the model that they name, or listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.main import main

BASE = "https://generativelanguage.googleapis.com/v1beta/models"
ASK = f"{BASE}/gemini-2.5-flash:generateContent"


def body(text: str) -> str:
    return f'{{"contents":[{{"parts":[{{"text":"{text}"}}]}}]}}'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("body.json").write_text(body("hi"))


def models() -> dict[str, str]:
    """Case -> the model that it asks."""
    written: Any = yaml.safe_load(Path("suites/imported.yaml").read_text())
    shared = written.get("defaults", {}).get("model")
    return {case["id"]: case.get("model", shared) for case in written["cases"]}


PROGRAMS = f"""\
```python
MODEL = "gemini-2.5-pro"
url = f"{BASE}/{{MODEL}}:generateContent"
requests.post(url, json={{"contents": [{{"parts": [{{"text": "of Python"}}]}}], "safetySettings": None}})
```
```js
fetch("{BASE}/" + model + ":generateContent?key=" + key, {{
  body: JSON.stringify({{ contents: [{{ parts: [{{ text: "of a browser" }}] }}] }}),
}});
```
```php
$ch = curl_init("{BASE}/gemini-2.5-flash-lite:generateContent");
curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode(['contents' => [['parts' => [['text' => 'of PHP']]]]]));
```
"""
FOUND = {"of-python": "gemini-2.5-pro", "of-a-browser": "unknown-model", "of-php": "gemini-2.5-flash-lite"}


def test_a_request_takes_its_model_from_no_neighbour(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.md").write_text(PROGRAMS)
    assert main(["import", "page.md"]) == 0
    assert models() == FOUND
    assert "the model of of-a-browser is not recorded, or is a variable: write it" in capsys.readouterr().out


def test_programs_beside_commands_are_imported_too() -> None:
    Path("page.md").write_text(f"# Ask\n```bash\ncurl {ASK} -d '{body('of a shell')}'\n```\n{PROGRAMS}")
    assert main(["import", "page.md"]) == 0
    assert models() == {"of-a-shell": "gemini-2.5-flash", **FOUND}


@pytest.mark.parametrize("option", ["-K ask.curl", "--config=ask.curl", "-sK -"])
def test_options_of_curl_in_a_file_are_named(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("ask.sh").write_text(f"curl {option}\n")
    assert main(["import", "ask.sh"]) == 4
    assert "line 1: curl takes options from a file there; write them in the command" in capsys.readouterr().out


def test_variables_of_curl_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("ask.sh").write_text(f"curl {ASK} --variable ask=hi --expand-data '{body('{{ask}}')}'\n")
    assert main(["import", "ask.sh"]) == 4
    assert "curl puts the values of --variable into it" in capsys.readouterr().out


def test_a_block_ends_at_a_fence_of_its_indent_that_is_as_long() -> None:
    shell = f"```\ncurl {ASK} -d '{body('of a shell')}'\n```\n"
    program = f'requests.post("{ASK}", json={{"contents": [{{"parts": [{{"text": "of Python"}}]}}]}})'
    Path("page.md").write_text(f"{shell}  `````\n~~~\n````python\n{program}\n```\n````\n")
    assert main(["import", "page.md"]) == 0
    assert models() == {"of-a-shell": "gemini-2.5-flash", "of-python": "gemini-2.5-flash"}


def test_programs_of_a_page_in_html_are_imported_too() -> None:
    shell = f"curl {ASK} -d '{body('of a shell')}'"
    blocks = (f"<pre><code>{escape(code)}</code></pre>" for code in (shell, *PROGRAMS.split("```"), SDKS))
    Path("page.html").write_text(f"<!doctype html><p>Ask</p>{''.join(blocks)}")
    assert main(["import", "page.html"]) == 0
    asked = {"of-a-shell": "gemini-2.5-flash", **FOUND, "of-the-sdk": "gemini-2.5-pro"}
    assert models() == {**asked, "of-a-stream": "gemini-2.5-flash"}


def test_a_command_with_a_variable_that_is_not_set_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (
        f"curl \"{BASE}/{name}:generateContent\" -d '{body('hi')}'\n" for name in ("gemini-2.5-pro", "$MODEL")
    )
    Path("page.sh").write_text(one + other)
    assert main(["import", "page.sh"]) == 0
    assert models() == {"hi": "gemini-2.5-pro"}
    assert "line 2: its address holds $MODEL, whose value only a shell would know" in capsys.readouterr().out


FORMS: Mapping[str, str] = {
    "a document in quotes": f'curl {ASK} -d "$(cat <<EOF\n{body("hi")}\nEOF\n)"',
    "a document without quotes": f"curl {ASK} -d $(cat <<'EOF'\n{body('hi')}\nEOF\n)",
    "a file that is printed": f'curl {ASK} -d "$(cat body.json)"',
    "a file that is read": f'curl {ASK} -d "$(< body.json)"',
    "an object that jq makes": f"P=hi\njq -n --arg p \"$P\" '{{contents:[{{parts:[{{text:$p}}]}}]}}' | curl {ASK} -d @-",
    "a variable that jq makes": f"B=$(jq -nc --arg p hi '{{contents:[{{parts:[{{text:$p}}]}}]}}')\ncurl {ASK} -d \"$B\"",
    "a text that printf makes": f"curl {ASK} -d \"$(printf '{body('%s')}' hi)\"",
    "the output of a command": f"curl {ASK} -d @<(cat <<EOF\n{body('hi')}\nEOF\n)",
    "a file in a document": f"echo hi > p.txt\nP=$(cat p.txt)\ncat > b.json <<EOF\n{body('$P')}\nEOF\ncurl {ASK} -d @b.json",
    "a declared variable": f"declare -r M=gemini-2.5-flash\ncurl {BASE}/$M:generateContent -d @body.json",
    "remarks in AsciiDoc": f"curl {ASK} \\ <1>\n  -d '{body('hi')}' <2>\n",
    "parameters of PowerShell": f"$p = @{{\n  Uri = '{ASK}'\n  Body = '{body('hi')}'\n}}\nirm @p",
    "an object of Bruno": f'post {{\n  url: {ASK}\n}}\nbody:json {{\n  {{\n    "contents": [{{"parts": [{{"text": "hi"}}]}}]\n  }}\n}}',
    "a cast of PowerShell": f"$a = [ordered]@{{ contents = @([PSCustomObject]@{{ parts = @(@{{ text = 'hi' }}) }}) }}\n"
    f"$b = ConvertTo-Json -InputObject $a -Depth 9 -Compress\nirm {ASK} -Method Post -Body ([Text.Encoding]::UTF8.GetBytes($b))",
    "a variable of the environment of PowerShell": f"$env:M = 'gemini-2.5-flash'\n"
    f"""irm "{BASE}/$($env:M):generateContent" -Method Post -Body '{body("hi")}'""",
    "a text of PowerShell for curl": f"$B = @'\n{body('hi')}\n'@\ncurl.exe {ASK} `\n -d $B\n",
    "a file that PowerShell writes": f"""$b = '{body("hi")}'\n$b | Out-File -Encoding utf8 "a.json"\ncurl.exe {ASK} `\n -d '@a.json'\n""",
    "texts of PowerShell that are added": f"$u = '{BASE}/' + 'gemini-2.5-flash'\nirm -Uri ($u + ':generateContent') -Method Post -Body '{body('hi')}'",
    "curl as PowerShell takes it": f"curl -Method POST -Uri {ASK} -Body '{body('hi')}'",
    "a file that PowerShell sets": f"Set-Content -Path .\\a.json -Value '{body('hi')}' -NoNewline\ncurl.exe {ASK} -d '@a.json'\n",
    "a file that PowerShell sets by place": f"$b = '{body('hi')}'\nSet-Content a.json $b\ncurl.exe {ASK} -d '@a.json'\n",
    "a file that PowerShell redirects to": f"$b = '{body('hi')}'\n$b > a.json\ncurl.exe {ASK} -d '@a.json'\n",
    "prompts of a shell": f"me@host:~$ curl {ASK} \\\n> -d '{body('hi').replace(',', ',' + chr(10) + '> ')}'\nme@host:~$ exit\n",
    "a block of changes": f"```diff\n curl {ASK} \\\n-  -d '{body('before')}'\n+  -d '{body('hi')}'\n```\n",
    "a quotation": f"> curl {ASK} \\\n>   -d '{body('hi')}'\n",
    "a document of cmd": f"@echo {body('hi')} > a.json\r\ncurl {ASK} -d @a.json\r\n",
    "a text that jq quotes": f"P=$(printf hi | jq -Rs .)\ncurl {ASK} -d "
    '"{\\"contents\\":[{\\"parts\\":[{\\"text\\":$P}]}]}"',
    "a variable of cmd": f'set MODEL=gemini-2.5-flash\r\ncurl "{BASE}/%MODEL%:generateContent" -d @body.json\r\n',
    "options without marks of continuation": f"curl {ASK}\n  -H 'a: b'\n  -d '{body('hi')}'\n",
    "a remark between the lines": f"curl {ASK} \\\n  # the body\n  -d '{body('hi')}'\n",
    "a command in a comment": f"## curl {ASK} \\\n##   -d '{body('hi')}'\n",
    "a variable with itself as default": f'M="${{M:-gemini-2.5-flash}}"\ncurl "{BASE}/$M:generateContent" -d @body.json',
    "a default in a default": f'curl "{BASE}/${{A:-${{B:-gemini-2.5-flash}}}}:generateContent" -d @body.json',
    "a default that is set": f': "${{M:=gemini-2.5-flash}}"\ncurl "{BASE}/$M:generateContent" -d @body.json',
    "a variable that a condition sets": f'if [ -z "$M" ]; then M=gemini-2.5-flash; fi\ncurl "{BASE}/$M:generateContent" -d @body.json',
    "a variable of the last case": f"case $1 in\n  p) M=gemini-2.5-pro ;;\n  *) M=gemini-2.5-flash ;;\nesac\ncurl {BASE}/$M:generateContent -d @body.json",
    "lines of JSON that are commented out": f"curl {ASK} -d '{body('hi')[:-1]}\n  # , \"tools\": []\n}}'",
    "words in an array": f'A=(-d @body.json\n  -H "a: b")\nA+=({ASK})\ncurl "${{A[@]}}"\n',
    "a text that is added to": f'P=h\nP+=i\ncurl {ASK} -d "{body("$P").replace(chr(34), chr(92) + chr(34))}"\n',
    "a temporary file": f'A="$(mktemp)"\nF=$(mktemp)\nprintf hi >"$A"\ncat >"$F" <<EOF\n{body("$(cat $A)")}\nEOF\ncurl {ASK} -d "@$F"',
    "a quoted variable of cmd": f'@set "MODEL=gemini-2.5-flash"\r\ncurl "{BASE}/%MODEL%:generateContent" -d @body.json\r\n',
    "quotes that PowerShell escapes": f'curl.exe {ASK} `\n -d "{body("hi").replace(chr(34), chr(96) + chr(34))}"',
    "quotes that PowerShell drops": f"curl.exe {ASK} `\n -d '{body('hi').replace(chr(34), chr(92) + chr(34))}'",
    "remarks in JSON": f"curl {ASK} -d '{{ // the body\n{body('hi')[1:-1]}, /* no more */ }}'",
    "a command for another shell": f"bash -c \"curl {ASK} -d '{body('hi').replace(chr(34), chr(92) + chr(34))}'\" | jq .",
    "a command for another host": f"ssh -p 22 me@host 'curl {ASK} -d @body.json'",
    "a command in a list of JSON": json.dumps(["sh", "-c", f"curl {ASK} -d '{body('hi')}'"]),
    "a command as a value": f'import os\nos.system("""curl {ASK} -d \'{body("hi")}\'""")',
    "a pipe of PowerShell": f"$b = '{body('hi')}'\n$b | curl.exe {ASK} -d '@-'",
    "a command in an object of JSON": json.dumps({"scripts": {"ask": f"curl {ASK} -d '{body('hi')}'"}}),
    "variables on one line": f"A=x; M=gemini-2.5-flash\ncurl {BASE}/$M:generateContent -d @body.json",
    "a function on one line": f"ask() {{ curl {ASK} -d \"$1\"; }}\nask '{body('hi')}'",
    "a file that jq prints": f"jq -c . body.json | curl {ASK} -d @-",
    "entities without tags": f"curl -s &quot;{ASK}&quot; -d &#39;{escape(body('hi'))}&#39;",
    "a format of PowerShell": f"$u = '{BASE}/{{0}}:{{1}}' -f 'gemini-2.5-flash', 'generateContent'\nirm $u -Method Post -Body '{body('hi')}'",
    "a body that is piped in PowerShell": f"$r = @{{ contents = ,@{{ parts = ,@{{ text = 'hi' }} }} }} | ConvertTo-Json -Depth 9 | irm -Uri {ASK} -Method Post",
    "a character of PowerShell": f'irm {ASK} -Method Post -Body "{body("h$([char]105)").replace(chr(34), chr(96) + chr(34))}"',
    "a token of OAuth": f"curl --oauth2-bearer ya29.a0AfH.not-to-be-kept {ASK} -d @body.json",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_body_is_read_where_the_shell_puts_it(form: str) -> None:
    Path("page.sh").write_text(FORMS[form])
    assert main(["import", "page.sh"]) == 0
    assert models() == {"hi": "gemini-2.5-flash"}
    assert "not-to-be-kept" not in Path("suites/imported.yaml").read_text()


@pytest.mark.parametrize(
    ("data", "command"),
    [
        ("'$(base64 $FLAGS $FILE)'", f"FILE=a.png\ncurl {ASK} -d"),
        ("$p", f"""$p = [Convert]::ToBase64String([IO.File]::ReadAllBytes("a.png"))\nirm {ASK} -Method Post -Body"""),
    ],
)
def test_a_picture_in_base64_is_sent(data: str, command: str) -> None:
    Path("a.png").write_bytes(b"\x89PNG")
    asked = f"""{{"contents":[{{"parts":[{{"inline_data":{{"mime_type":"image/png","data":"{data}"}}}}]}}]}}"""
    asked = '"' + asked.replace('"', '`"') + '"' if "irm" in command else f"'{asked}'"
    Path("page.sh").write_text(f"{command} {asked}\n")
    assert main(["import", "page.sh"]) == 0
    assert '"data": "iVBORw=="' in json.dumps(yaml.safe_load(Path("suites/imported.yaml").read_text()))


def test_each_time_that_a_loop_or_a_function_runs_is_a_request() -> None:
    each = f"for m in gemini-2.5-pro 'gemini-2.5-flash'; do\n  curl {BASE}/$m:generateContent -d @body.json\ndone\n"
    ask = f'ask() {{\n  curl {ASK} -d "{QUOTED.replace("$P", "$1")}"\n}}\nask "first"\nask second\n'
    Path("page.sh").write_text(each + ask)
    assert main(["import", "page.sh"]) == 0
    asked: Any = {"hi": ["gemini-2.5-pro", "gemini-2.5-flash"], "first": "gemini-2.5-flash"}
    assert models() == {**asked, "second": "gemini-2.5-flash"}


@pytest.mark.parametrize(
    "loop", ["for m in {}; do\n  ask $m\ndone", "for m in {}; do ask $m; done", "if true; then ask {}; fi"]
)
def test_a_function_may_be_called_in_a_loop(loop: str) -> None:
    ask = f"ask() {{\n  curl {BASE}/$1:generateContent -d @body.json\n}}\n"
    Path("page.sh").write_text(ask + loop.format("gemini-2.5-pro gemini-2.5-flash") + "\n")
    assert main(["import", "page.sh"]) == 0
    assert models() == {"hi": ["gemini-2.5-pro", "gemini-2.5-flash"] if "do" in loop else "gemini-2.5-pro"}


def test_a_variable_has_the_value_that_it_was_set_to_last() -> None:
    Path("page.sh").write_text("".join(f'P={one}\ncurl {ASK} -d "{QUOTED}"\n' for one in ("one", "two")))
    assert main(["import", "page.sh"]) == 0
    assert [*models()] == ["one", "two"]


QUOTED = body("$P").replace('"', '\\"')


def test_turns_in_no_list_and_streams_of_chats_are_sent_as_suites_send_them() -> None:
    chat = {"model": "gemini-2.5-flash", "stream": True, "messages": [{"role": "user", "content": "of a chat"}]}
    turn = {"contents": {"role": "user", "parts": [{"text": "in no list"}]}}
    asks = {ASK: turn, BASE.replace("models", "openai/chat/completions"): chat}
    Path("page.sh").write_text("".join(f"curl {url} -d '{json.dumps(asked)}'\n" for url, asked in asks.items()))
    assert main(["import", "page.sh"]) == 0
    assert [*models()] == ["in-no-list", "of-a-chat"]


@pytest.mark.parametrize(
    "name", ["MODEL_ID", "<model>", "{model}", "{{model}}", "[MODEL]", "your-model", "%MODEL_NAME%"]
)
def test_a_placeholder_of_a_model_is_to_be_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.txt").write_text(f"curl '{BASE}/{name}:generateContent' -d '{body('hi')}'\n")
    assert main(["import", "page.txt"]) == 0
    assert models() == {"hi": "unknown-model"}
    assert "is not recorded, or is a variable: write it" in capsys.readouterr().out


def test_an_apostrophe_behind_a_command_ends_it() -> None:
    Path("page.txt").write_text(
        f"Hier: curl {ASK} -H 'x-goog-api-key: $K' -d '{body('eins')}' und schon ist's fertig.\n\n"
        f"Encore : curl {ASK} -d '{body('deux')}' comme l'exemple.\n"
    )
    assert main(["import", "page.txt"]) == 0
    assert list(models()) == ["eins", "deux"]


def test_a_second_import_of_a_page_changes_nothing() -> None:
    Path("page.md").write_text(PROGRAMS)
    for _ in range(2):
        assert main(["import", "page.md"]) == 0
    assert main(["check"]) == 0


SDKS = """\
```python
MODEL_ID = "gemini-2.5-pro"
client.models.generate_content(
    model=MODEL_ID,
    contents=["of the SDK", types.Part(text='''in
two lines''')],
    config=types.GenerateContentConfig(system_instruction="Be brief.", temperature=0, tools=[types.Tool(google_search=types.GoogleSearch())],
        safety_settings=[types.SafetySetting(category=types.HarmCategory.HARM_CATEGORY_HARASSMENT, threshold="OFF")]),
)
```
```ts
const chunks = await ai.models.generateContentStream({
  model: "gemini-2.5-flash",
  contents: [{ role: "user", parts: [{ text: "of a stream" }] }],
  config: { maxOutputTokens: 9 },
});
```
```python
client.models.generate_content(model="gemini-2.5-flash", contents=[image, "what is it?"])
client.models.generate_content(model=None, contents="of no model")
```
"""


def test_calls_of_an_sdk_become_what_it_sends(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.md").write_text(SDKS)
    assert main(["import", "page.md"]) == 0
    assert models() == {"of-the-sdk": "gemini-2.5-pro", "of-a-stream": "gemini-2.5-flash"}
    first, second = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    assert first["request"] == {
        "contents": [{"role": "user", "parts": [{"text": "of the SDK"}, {"text": "in\ntwo lines"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"googleSearch": {}}],
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "generationConfig": {"temperature": 0},
    }
    assert second["transport"] == "stream"
    assert "line 19: a call of an SDK with values that only the program knows" in capsys.readouterr().out


def test_the_same_request_in_several_languages_is_one_case() -> None:
    curl = f'curl {ASK} -d \'{body("hi")[:-1]}, "system_instruction":{{"parts":{{"text":"Be brief."}}}}}}\''
    python = 'client.models.generate_content(model="gemini-2.5-flash", contents="hi", config={"system_instruction": "Be brief."})'
    Path("page.md").write_text(f"```sh\n{curl}\n```\n```python\n{python}\n```\n")
    assert main(["import", "page.md"]) == 0
    assert models() == {"hi": "gemini-2.5-flash"}


def test_a_command_whose_answer_stands_below_it_is_imported() -> None:
    answer = json.dumps({"candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}]})
    blocks = (escape(f"curl {ASK} -d '{body('hi')}'"), answer)
    Path("page.html").write_text(f"<!doctype html>{''.join(f'<pre>{block}</pre>' for block in blocks)}")
    assert main(["import", "page.html"]) == 0
    assert models() == {"hi": "gemini-2.5-flash"}


@pytest.mark.parametrize("model", ["${MODEL}", "{MODEL}"])
def test_a_command_in_a_notebook_uses_texts_of_its_program(model: str) -> None:
    cells = ('MODEL = "gemini-2.5-flash"  # @param', f"!curl {BASE}/{model}:generateContent -d '{body('hi')}'")
    Path("page.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}))
    assert main(["import", "page.ipynb"]) == 0
    assert models() == {"hi": "gemini-2.5-flash"}


JOB = f"""
env:
  MODEL: gemini-2.5-flash
steps:
  - run: >-
      curl -s "{ASK}"
      -H 'a: b'
      -d '{body("folded")}'
      --fail
  - 'curl "{BASE}/$MODEL:generateContent" -d "@body.json"'
"""


def test_commands_of_a_job_are_read_or_name_their_variables(capsys: pytest.CaptureFixture[str]) -> None:
    Path("job.yml").write_text(JOB)
    assert main(["import", "job.yml"]) == 0
    assert models() == {"folded": "gemini-2.5-flash"}
    assert "its address holds $MODEL, whose value only a shell would know" in capsys.readouterr().out


def test_the_file_that_a_command_sends_is_no_case_of_its_own() -> None:
    Path("docs").mkdir()
    Path("docs/body.json").write_text(body("hi"))
    Path("docs/ask.sh").write_text(f"curl {ASK} -d @body.json")
    assert main(["import", "docs"]) == 0
    assert models() == {"hi": "gemini-2.5-flash"}


def test_an_answer_in_a_notebook_is_that_of_no_other_command() -> None:
    cells: list[dict[str, Any]] = [
        {"source": [f"!curl {ASK} -d '{body('first')}'"], "outputs": []},
        {
            "source": [f"%%bash\ncurl {BASE}/gemini-2.5-pro:generateContent -d '{body('second')}'"],
            "outputs": [{"text": ['{"candidates": []}\n']}],
        },
    ]
    Path("page.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", **cell} for cell in cells]}, indent=1))
    assert main(["import", "page.ipynb"]) == 0
    assert models() == {"first": "gemini-2.5-flash", "second": "gemini-2.5-pro"}


@pytest.mark.parametrize(("encoding", "is_read"), [("utf-16", True), ("shift_jis", True), ("cp1251", False)])
def test_a_page_in_another_encoding_is_read_or_listed(
    encoding: str, is_read: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    head = '<meta charset="shift_jis">' if encoding == "shift_jis" else ""
    Path("page.html").write_bytes(f"{head}<pre>curl {ASK} -d '{body('Да')}'</pre>".encode(encoding))
    assert main(["import", "page.html"]) == (0 if is_read else 5)
    assert ("save the file as UTF-8" in capsys.readouterr().out) is not is_read
    assert not is_read or "Да" in Path("suites/imported.yaml").read_text("utf-8")


def test_a_request_that_is_left_out_names_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.md").write_text(f"# Page\n\ncurl {ASK} -d '{{ ... }}'\n\ncurl {ASK} -d @body.json\n")
    assert main(["import", "page.md"]) == 0
    assert "left out: page.md, line 3: not a native generateContent request: its body is not JSON" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'P=hi\ncurl {ASK} -d "QUOTED"', "line 2: its body holds ${P^^}, whose value only a shell would know"),
        (
            f'P=$1\ncurl {ASK} -d "{body("$P").replace(chr(34), chr(92) + chr(34))}"',
            "line 2: its body holds $1, whose value only",
        ),
        (
            f"curl {ASK} -d '{body('hi')[:-1]}, \"a\": \"'$(base64 $FLAGS $PATH)'\"}}'",
            "its body holds $(base64 $FLAGS $PATH), whose",
        ),
        (f"""irm {ASK} -Method Post -Body '{body("$Prompt")}'""", "$Prompt is not set in the script"),
        (f"jq .a b.json | curl {ASK} -d @-", "line 1: curl sends what is piped into it, which only a shell would know"),
    ],
)
def test_what_only_a_shell_would_know_is_listed(text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.sh").write_text(text.replace("QUOTED", QUOTED.replace("$P", "${P^^}")))
    assert main(["import", "page.sh"]) == 4
    assert reason in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sh", "curl ASK -d @../secret.txt"),
        ("a.sh", "curl ASK -d @HERE/../secret.txt"),
        ("a.sh", "curl ASK -K ../secret.txt"),
        ("a.sh", "cat ../secret.txt body.json | curl ASK -d @-"),
        ("a.sh", f"curl ASK -d '{body('DATA')}'".replace("DATA", "'$(base64 ../secret.txt)'")),
        (
            "a.ps1",
            f"irm ASK -Body ('{body('DATA')}')".replace("DATA", "' + [IO.File]::ReadAllText('../secret.txt') + '"),
        ),
    ],
)
def test_a_command_reads_no_file_outside_of_its_project(
    name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("../secret.txt").write_text('url = "hunter2"')
    Path(name).write_text(text.replace("ASK", ASK).replace("HERE", str(Path.cwd())))
    assert main(["import", name]) == 4
    assert f"left out: {name}: line 1" in capsys.readouterr().out


def test_a_page_without_a_request_says_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.md").write_text("```\nAsk gemini-2.5-flash: 'please'\n```\n")
    assert main(["import", "page.md"]) == 4
    assert "it names a Gemini model, but holds no request or answer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "where"), [("-u me:open-sesame", "curl -u"), ("--oauth2-bearer open-sesame", "--oauth2-bearer")]
)
def test_a_secret_in_an_option_is_named_as_not_copied(
    option: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("page.sh").write_text(f"curl {ASK} {option} -d '{body('hi')}'\n")
    assert main(["import", "page.sh"]) == 0
    assert f"a key was recorded with hi ({where}) and was not copied" in capsys.readouterr().out
    assert "open-sesame" not in Path("suites/imported.yaml").read_text()


def test_an_audit_of_commands_names_the_import(capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.sh").write_text(f"curl {ASK} -d '{body('hi')}'\n")
    assert main(["audit", "page.sh", "--width", "200"]) == 6
    assert "`gemini-harness import` makes a suite of them" in capsys.readouterr().out


def test_calls_of_other_libraries_beside_a_command_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("page.md").write_text(
        f"""```bash\ncurl {ASK} -d '{{"contents": [{{"parts": [{{"text": "Hi"}}]}}]}}'\n```\n"""
        """```python\nChatGoogleGenerativeAI(model="gemini-2.5-flash").invoke("Hi")\n```\n"""
        """```ts\nawait generateText({ model: google('gemini-2.5-flash'), prompt: 'Hi' });\n```\n"""
    )
    assert main(["import", "page.md"]) == 0
    out = capsys.readouterr().out
    assert "left out: page.md: line 5: ChatGoogleGenerativeAI(...: a call of a library with requests of its own" in out
    assert "left out: page.md: line 8: google('...: a call of a library with requests of its own" in out
