"""Programs in any language: a request is read where its variables, its host or its model stand apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import importers
from harness.cli.main import main
from harness.importers.programs import inlined
from harness.transport.cassette import Unread

HOST = "https://generativelanguage.googleapis.com"
ASK = f"{HOST}/v1beta/models/gemini-2.5-flash:generateContent"
PYTHON = f"""\
MODEL = "gemini-2.5-flash"
prompt = "Capital of Norway?"
data = {{"contents": [{{"parts": [{{"text": prompt}}]}}]}}
requests.post(f"{HOST}/v1beta/models/{{MODEL}}:generateContent", json=data)
"""
PROGRAMS: Mapping[str, str] = {
    "variables.py": PYTHON,
    "host.py": f"""
client = httpx.Client(base_url="{HOST}/v1beta")
client.post("/models/gemini-2.5-flash:generateContent", json={{"contents": [{{"parts": [{{"text": "Capital of Norway?"}}]}}]}})
""",
    "locustfile.py": f"""
class User(HttpUser):
    host = "{HOST}"
    def ask(self):
        body = {{"contents": [{{"parts": [{{"text": "Capital of Norway?"}}]}}]}}
        self.client.post("/v1beta/models/gemini-2.5-flash:generateContent", json=body)
""",
    "sdk.py": """
MODEL = "gemini-2.5-flash"
PROMPT = \"\"\"Capital of Norway?\"\"\"
client.models.generate_content(model=MODEL, contents=PROMPT)
""",
    "turns.py": """
turns = [types.Content(role="user", parts=[types.Part.from_text(text="Capital of Norway?")])]
client.models.generate_content(model="gemini-2.5-flash", contents=turns)
""",
    "axios.ts": f"""
const BASE: string = '{HOST}/v1beta';
const prompt = 'Capital of Norway?';
await axios.post(`${{BASE}}/models/gemini-2.5-flash:generateContent`, {{ contents: [{{ parts: [{{ text: prompt }}] }}] }});
""",
    "main.go": """
result, _ := client.Models.GenerateContent(ctx, "gemini-2.5-flash", genai.Text("Capital of Norway?"), nil)
""",
    "Main.java": """
var response = client.models.generateContent("gemini-2.5-flash", "Capital of Norway?", null);
""",
    "older.js": """
const model = genAI.getGenerativeModel({ model: "gemini-2.5-flash" });
const result = await model.generateContent({ contents: [{ role: "user", parts: [{ text: "Capital of Norway?" }] }] });
""",
    "older.go": """
model := client.GenerativeModel("gemini-2.5-flash")
answer, err := model.GenerateContent(ctx, genai.Text("Capital of Norway?"))
""",
    "older.php": """
$answer = $client->generativeModel(model: 'gemini-2.5-flash')->generateContent('Capital of Norway?');
""",
    "Older.swift": """
let model = GenerativeModel(name: "gemini-2.5-flash", apiKey: APIKey.default)
let answer = try await model.generateContent("Capital of Norway?")
""",
    "Older.kt": """
val model = GenerativeModel(modelName = "gemini-2.5-flash", apiKey = BuildConfig.apiKey)
val answer = model.generateContent("Capital of Norway?")
""",
    "older.dart": """
final model = GenerativeModel(model: 'gemini-2.5-flash', apiKey: apiKey);
final answer = await model.generateContent([Content.text('Capital of Norway?')]);
""",
    "Asynchronous.cs": """
var response = await client.Models.GenerateContentAsync(model: "gemini-2.5-flash", contents: "Capital of Norway?");
""",
    "Firebase.swift": """
let model = FirebaseAI.firebaseAI(backend: .googleAI()).generativeModel(modelName: "gemini-2.5-flash")
let answer = try await model.generateContent("Capital of Norway?")
""",
    "parts.js": """
await ai.models.generateContent({
  model: "gemini-2.5-flash",
  contents: createUserContent(["Capital of Norway?", createPartFromUri("https://example.org/map.png", "image/png")]),
});
""",
    "key.php": f"""
$url = "{ASK}?key=" . $key;
$data = ["contents" => [["parts" => [["text" => "Capital of Norway?"]]]]];
$curl = curl_init($url); // as curl -d does
curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($data));
""",
    "Ask.cs": f"""
var payload = new
{{
    contents = new[]
    {{
        new {{ parts = new[] {{ new {{ text = "Capital of Norway?" }} }} }}
    }}
}};
await http.PostAsJsonAsync("{ASK}", payload);
""",
    "Added.java": f"""
static final String URL = "{ASK}?key=" + KEY;
String body = "{{\\n" +
    "  \\"contents\\": [{{\\n" +
    "    \\"parts\\": [{{\\"text\\": \\"Capital of Norway?\\"}}]\\n" +
    "  }}]\\n" +
    "}}";
var request = new Request.Builder().url(URL).post(RequestBody.create(body, JSON)).build();
""",
    "template.js": f"""
const prompt = 'Capital of Norway?';
const body = `{{"contents": [{{"parts": [{{"text": "${{prompt}}"}}]}}]}}`;
fetch("{ASK}", {{ method: "POST", body }});
""",
    "template.kt": f"""
val prompt = "Capital of Norway?"
val json = \"\"\"{{"contents": [{{"parts": [{{"text": "$prompt"}}]}}]}}\"\"\"
val request = Request.Builder().url("{ASK}").post(json.toRequestBody()).build()
""",
    "doubled.vb": f"""
Dim json As String = "{{""contents"": [{{""parts"": [{{""text"": ""Capital of Norway?""}}]}}]}}"
Await http.PostAsync("{ASK}", New StringContent(json))
""",
    "Filled.cs": f"""
string prompt = "Capital of Norway?";
var json = $@"{{{{""contents"":[{{{{""parts"":[{{{{""text"":""{{prompt}}""}}}}]}}}}]}}}}";
await http.PostAsync("{ASK}", new StringContent(json));
""",
    "one_line.js": f"""
const model = 'gemini-2.5-flash'; const prompt = 'Capital of Norway?';
fetch(`{HOST}/v1beta/models/${{model}}:generateContent`, {{body: JSON.stringify({{contents: [{{parts: [{{text: prompt}}]}}]}})}});
""",
    "config.js": f"""
const data = JSON.stringify({{"contents": [{{"parts": [{{"text": "Capital of Norway?"}}]}}]}});
const config = {{ method: 'post', url: '{ASK}', data: data }};
axios.request(config);
""",
    "prefix.mjs": f"""
const api = ky.create({{ prefixUrl: '{HOST}/v1beta' }});
await api.post('models/gemini-2.5-flash:generateContent', {{ json: {{ contents: [{{ parts: [{{ text: 'Capital of Norway?' }}] }}] }} }});
""",
    "appended.R": f"""
request("{HOST}/v1beta/models") |> req_url_path_append("gemini-2.5-flash:generateContent") |>
  req_body_json(list(contents = list(list(parts = list(list(text = "Capital of Norway?"))))))
""",
    "Put.java": f"""
Map<String, Object> part = new HashMap<>();
part.put("text", "Capital of Norway?");
List<Object> parts = new ArrayList<>();
parts.add(part);
Map<String, Object> turn = new HashMap<>();
turn.put("parts", parts);
List<Object> turns = new ArrayList<>();
turns.add(turn);
Map<String, Object> body = new HashMap<>();
body.put("contents", turns);
post("{ASK}", mapper.writeValueAsString(body));
""",
    "pushed.mjs": f"""
const turns = [];
turns.push({{ role: "user", parts: [{{ text: "Capital of Norway?" }}] }});
await fetch("{ASK}", {{ body: JSON.stringify({{ contents: turns }}) }});
""",
    "Coded.swift": f"""
let payload = Ask(contents: [Content(parts: [Part(text: "Capital of Norway?")])])
request(URL(string: "{ASK}")!, JSONEncoder().encode(payload))
""",
    "page.rst": f"""
.. code-block:: console

   $ curl {HOST}/v1beta/models

.. code-block:: python

   requests.post("{ASK}", json={{"contents": [{{"parts": [{{"text": "Capital of Norway?"}}]}}]}})

The end.
""",
    "page.adoc": f"""
[source,bash]
----
curl {HOST}/v1beta/models
----
[source,python]
----
requests.post("{ASK}", json={{"contents": [{{"parts": [{{"text": "Capital of Norway?"}}]}}]}})
----
""",
    "Format.java": f"""
String prompt = "Capital of Norway?";
String body = String.format("{{\\"contents\\":[{{\\"parts\\":[{{\\"text\\":\\"%s\\"}}]}}],\\"labels\\":{{\\"a\\":\\"%d\\"}}}}", prompt, 1);
HttpRequest.newBuilder().uri(URI.create("{ASK}")).POST(BodyPublishers.ofString(body)).build();
""",
    "Formatted.java": f"""
String body = \"\"\"
    {{"contents": [{{"parts": [{{"text": "%s"}}]}}]}}
    \"\"\".formatted("Capital of Norway?");
HttpRequest.newBuilder(URI.create("{ASK}")).POST(BodyPublishers.ofString(body)).build();
""",
    "format.go": f"""
url := fmt.Sprintf("{HOST}/v1beta/models/%s:generateContent", "gemini-2.5-flash")
body := fmt.Sprintf(`{{"contents":[{{"parts":[{{"text":%q}}]}}]}}`, "Capital of Norway?")
http.Post(url, "application/json", strings.NewReader(body))
""",
    "format.rs": f"""
let prompt = "Capital of Norway?";
let body = format!(r#"{{{{"contents":[{{{{"parts":[{{{{"text":"{{}}"}}}}]}}}}]}}}}"#, prompt);
client.post("{ASK}").body(body).send()?;
""",
    "percent.py": f"""
body = '{{"contents": [{{"parts": [{{"text": "%s"}}]}}]}}' % "Capital of Norway?"
requests.post("{ASK}", data=body)
""",
    "part.py": f"""
country = "Norway"
requests.post("{ASK}", json={{"contents": [{{"parts": [{{"text": f"Capital of {{country}}?"}}]}}]}})
""",
    "part.js": f"""
const country = 'Norway';
fetch("{ASK}", {{body: JSON.stringify({{contents: [{{parts: [{{text: `Capital of ${{country}}?`}}]}}]}})}});
""",
    "backquotes.js": f"""
fetch("{ASK}", {{body: JSON.stringify({{contents: [{{parts: [{{text: `Capital of Norway?`}}]}}]}})}});
""",
    "notebook.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": PYTHON.splitlines(keepends=True)}]}),
    "insomnia.json": json.dumps(
        [
            {
                "method": "POST",
                "url": "{{ _.base_url }}/v1beta/models/gemini-2.5-flash:generateContent",
                "body": {"text": '{"contents": [{"parts": [{"text": "Capital of Norway?"}]}]}'},
            },
            {"_type": "environment", "data": {"base_url": HOST}},
        ]
    ),
    "hoppscotch.json": json.dumps(
        {
            "requests": [
                {
                    "method": "POST",
                    "endpoint": "<<host>>/v1beta/models/<<model>>:generateContent",
                    "body": {"body": '{"contents": [{"parts": [{"text": "Capital of Norway?"}]}]}'},
                }
            ],
            "variables": [{"key": "host", "value": HOST}, {"key": "model", "value": "gemini-2.5-flash"}],
        }
    ),
    "plan.jmx": """<?xml version="1.0"?><plan><sampler>
<arguments><stringProp name="Argument.value">{"contents":[{"parts":[{"text":"Capital of Norway?"}]}]}</stringProp></arguments>
<stringProp name="HTTPSampler.domain">generativelanguage.googleapis.com</stringProp>
<stringProp name="HTTPSampler.path">/v1beta/models/gemini-2.5-flash:generateContent</stringProp>
</sampler></plan>""",
}


SETTINGS = {
    "generationConfig": {
        "temperature": 0.5,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"capital": {"type": "STRING"}}},
    }
}
CONFIGURED: Mapping[str, str] = {
    "Ask.java": """
GenerateContentConfig config =
    GenerateContentConfig.builder()
        .temperature(0.5f)
        .responseMimeType("application/json")
        .responseSchema(Schema.builder().type(Type.Known.OBJECT)
            .properties(ImmutableMap.of("capital", Schema.builder().type("STRING").build())).build())
        .build();
GenerateContentResponse response = client.models.generateContent("gemini-2.5-flash", "Capital of Norway?", config);
""",
    "ask.go": """
temperature := float32(0.5)
config := &genai.GenerateContentConfig{
    Temperature: &temperature,
    ResponseMIMEType: "application/json",
    ResponseSchema: &genai.Schema{
        Type: genai.TypeObject, Properties: map[string]*genai.Schema{"capital": {Type: genai.TypeString}},
    },
}
result, err := client.Models.GenerateContent(ctx, "gemini-2.5-flash", genai.Text("Capital of Norway?"), config)
""",
    "ask.py": """
client.models.generate_content(model="gemini-2.5-flash", contents="Capital of Norway?", config=types.GenerateContentConfig(
    temperature=0.5,  # neither cold nor hot
    response_mime_type="application/json",
    response_schema=types.Schema(type="OBJECT", properties={"capital": types.Schema(type="STRING")})))
""",
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_the_settings_of_an_sdk_are_sent(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(CONFIGURED[name])
    assert main(["import", name]) == 0
    (case,) = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    assert (case["prompt"], case["request"]) == ("Capital of Norway?", SETTINGS)


def test_values_in_a_schema_keep_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    schema = {"type": "object", "properties": {"place": {"enum": [{"map_id": 1}], "min_items": 1}}}
    Path("a.py").write_text(
        'client.models.generate_content(model="gemini-2.5-flash", contents="Where?", '
        f"config={{'response_mime_type': 'application/json', 'response_json_schema': {schema}}})\n"
    )
    assert main(["import", "a.py"]) == 0
    (case,) = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    sent = case["request"]["generationConfig"]["responseJsonSchema"]
    assert sent["properties"] == {"place": {"enum": [{"map_id": 1}], "minItems": 1}}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_request_is_read_with_what_stands_apart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(PROGRAMS[name])
    assert main(["import", name]) == 0
    assert "no provider is configured" not in capsys.readouterr().out
    suite: Any = yaml.safe_load(Path("suites/imported.yaml").read_text())
    assert [(case["id"], case["model"]) for case in suite["cases"]] == [("capital-of-norway", "gemini-2.5-flash")]


@pytest.mark.parametrize(
    "change",
    [
        'body["contents"][0]["parts"][0]["text"] = question',
        'if heat:\n    body["generationConfig"] = {"temperature": heat}',
    ],
)
def test_a_change_of_a_body_that_is_not_read_is_named(change: str, tmp_path: Path) -> None:
    path = tmp_path / "change.py"
    path.write_text(f"""body = {{"contents": [{{"parts": [{{"text": "Capital of Norway?"}}]}}]}}
{change}
requests.post("{ASK}", json=body)
""")
    (named,) = (item for item in importers.read(path) if isinstance(item, Unread))
    assert "changes a body" in named.reason


def test_an_object_for_a_model_gives_its_settings_to_each_of_its_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = "AIza" + "SyMadeUpMadeUpMadeUpMadeUpMadeUp012"
    Path("older.py").write_text(f"""
short = genai.GenerativeModel("gemini-2.5-flash", api_key="{key}", system_instruction="Be short.")
plain = genai.GenerativeModel("gemini-2.5-flash", generation_config={{"temperature": 0}})
short.generate_content("Capital of Norway?")
short.generate_content("Capital of Peru?")
plain.generate_content("Capital of Chad?", stream=True)
""")
    assert main(["import", "older.py"]) == 0
    text = Path("suites/imported.yaml").read_text()
    brief = {"systemInstruction": {"parts": [{"text": "Be short."}]}}
    assert [(case["prompt"], case["request"]) for case in yaml.safe_load(text)["cases"]] == [
        ("Capital of Norway?", brief),
        ("Capital of Peru?", brief),
        ("Capital of Chad?", {"generationConfig": {"temperature": 0}}),
    ]
    assert main(["import", "older.py"]) == 0
    assert Path("suites/imported.yaml").read_text() == text
    assert key not in text


CHATS: Mapping[str, str] = {
    "today.py": """
chat = client.aio.chats.create(model="gemini-2.5-flash", history=[HISTORY], config={"temperature": 0})
await chat.send_message("Capital of Norway?")
await chat.send_message("And of Peru?")
""",
    "older.py": """
class Asks:
    def __init__(self):
        self.model = genai.GenerativeModel("gemini-2.5-flash", generation_config={"temperature": 0})
        self.chat = self.model.start_chat(history=[{"role": "user", "parts": ["Hello"]}, {"role": "model", "parts": "Hi"}])
    def ask(self):
        self.chat.send_message("Capital of Norway?")
        self.chat.send_message("And of Peru?")
""",
    "chained.py": """
chat = genai.GenerativeModel("gemini-2.5-flash", generation_config={"temperature": 0}).start_chat(history=[HISTORY])
chat.send_message("Capital of Norway?")
chat.send_message("And of Peru?")
""",
    "today.js": """
const chat = ai.chats.create({model: "gemini-2.5-flash", history: [HISTORY], config: {temperature: 0}});
await chat.sendMessage({message: "Capital of Norway?"});
await chat.sendMessage({message: "And of Peru?"});
""",
    "older.js": """
const model = genAI.getGenerativeModel({model: "gemini-2.5-flash"});
const chat = model.startChat({history: [HISTORY], generationConfig: {temperature: 0}});
await chat.sendMessage("Capital of Norway?");
await chat.sendMessage("And of Peru?");
""",
}
HISTORY = '{"role": "user", "parts": [{"text": "Hello"}]}, {"role": "model", "parts": [{"text": "Hi"}]}'


@pytest.mark.parametrize("name", CHATS)
def test_the_first_message_of_a_chat_is_a_request(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(CHATS[name].replace("HISTORY", HISTORY))
    assert main(["import", name]) == 0
    (case,) = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    assert case["request"] == {
        "contents": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{"text": "Hi"}]},
            {"role": "user", "parts": [{"text": "Capital of Norway?"}]},
        ],
        "generationConfig": {"temperature": 0},
    }
    assert "a later message of a chat, which is sent with the answers before it" in capsys.readouterr().out


def test_a_variable_holds_the_object_that_was_made_last_before_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("gemini-2.5-flash", "gemini-2.5-pro")
    asks = (f'm = genai.GenerativeModel("{name}")\nm.generate_content("Ask {name}")\n' for name in names)
    Path("page.md").write_text("".join(asks))
    assert main(["import", "page.md"]) == 0
    first, second = yaml.safe_load(Path("suites/imported.yaml").read_text())["cases"]
    assert "model" not in first  # it is that of all cases
    assert second["prompt"] == "Ask gemini-2.5-pro"
    assert second["model"] == "gemini-2.5-pro"


@pytest.mark.parametrize(
    "value", ["ask()", "a if b else c", "'a' + b", "f'{a}'", "'a', 'b'", "'models.generate_content()'"]
)
def test_a_value_that_only_the_program_knows_stays_where_it_is(value: str) -> None:
    text = f"prompt = {value}\nsend(prompt)\n"
    assert inlined(text) == text


def test_values_in_each_other_do_not_grow_without_end() -> None:
    text = "a0 = 'long text'\n" + "".join(f"a{n + 1} = [a{n}, a{n}]\n" for n in range(60))
    assert len(inlined(text)) < 10_000_000
