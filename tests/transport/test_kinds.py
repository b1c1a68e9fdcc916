"""Requests and answers as programs, logs, tables and traces keep them: read as they were sent."""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
import yaml

from harness.answer import reply
from harness.cli.main import main
from harness.errors import BadCassette
from harness.transport import cassette

HOST = "generativelanguage.googleapis.com"
PATH = "/v1beta/models/gemini-2.5-flash:generateContent"
URL = f"https://{HOST}{PATH}"
ASKED = {"contents": [{"role": "user", "parts": [{"text": 'Say "it\'s on".'}]}], "generationConfig": {"topK": 3}}
ANSWERED = {
    "candidates": [
        {"content": {"parts": [{"text": 'It\'s "on".'}], "role": "model"}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 5, "totalTokenCount": 9},
}
ASKED_TEXT, ANSWERED_TEXT = json.dumps(ASKED), json.dumps(ANSWERED)
LONG_ANSWER = json.dumps(ANSWERED, indent=2)


def spelled(value: Any, thing: str, items: str, key: str, text: Callable[[str], str] = json.dumps) -> str:
    """The value in the spelling of a language: that of an object, of a list, of a key with its sign, and of a text."""
    if isinstance(value, dict):
        return thing % ", ".join(
            f"{key % name}{spelled(item, thing, items, key, text)}" for name, item in value.items()
        )
    if isinstance(value, list):
        return items % ", ".join(spelled(item, thing, items, key, text) for item in value)
    return text(value) if isinstance(value, str) else str(value)


def in_single_quotes(value: str) -> str:
    return "'{}'".format(value.replace("'", "\\'"))


def in_binary(value: str) -> str:
    return f"<<{json.dumps(value)}/utf8>>"


def program(before: str, *style: Any) -> str:
    return f'{before}url = "{URL}";\nasked = {spelled(ASKED, *style)};\ngot = {spelled(ANSWERED, *style)};\n'


def exported(value: Any, pad: str = "") -> str:
    """As var_export of PHP prints it."""
    if not isinstance(value, dict | list):
        return in_single_quotes(value) if isinstance(value, str) else str(value)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    lines = (f"{pad}  {name if isinstance(name, int) else repr(name)} => {exported(item, pad + '  ')},\n" for name, item in pairs)  # fmt: skip
    return f"\n{pad}array (\n{''.join(lines)}{pad})"


def table(delimiter: str, *rows: list[str]) -> str:
    into = StringIO()
    csv.writer(into, delimiter=delimiter).writerows(rows)
    return into.getvalue()


FLAT = {"url": URL, "sent": ASKED, "got": ANSWERED}
KINDS: Mapping[str, str] = {
    "arrays of PHP": program("<?php\n", "[%s]", "[%s]", "'%s' => ", in_single_quotes),
    "old arrays of PHP": program("<?php\n", "array(%s)", "array(%s)", "'%s' => ", in_single_quotes),
    "var_export of PHP": f"<?php return {exported(FLAT)};\n",
    "maps of Go": program("package a\n", "map[string]any{%s}", "[]any{%s}", '"%s": '),
    "dictionaries of Swift": program("let body: [String: Any] = [:]\n", "[%s]", "[%s]", '"%s": '),
    "maps of Groovy": program("", "[%s]", "[%s]", "%s: "),
    "tables of Lua": f"return {spelled(FLAT, '{%s}', '{%s}', '%s = ')}\n",
    "maps of Erlang": "{{ok, {}}}.\n".format(spelled(FLAT, "#{%s}", "[%s]", '<<"%s">> => ', in_binary)),
    "counts with a fraction": json.dumps({"url": URL, "request": ASKED, "response": {**ANSWERED, "usageMetadata": {"promptTokenCount": 4.0, "candidatesTokenCount": 5.0, "totalTokenCount": 9.0}}}),
    "keywords of Python": f"exchange = {spelled(FLAT, 'dict(%s)', '[%s]', '%s=')}\n",
    "lists of R": f"x <- {spelled(FLAT, 'list(%s)', 'list(%s)', '%s = ')}\n",
    "maps of Kotlin": "val x = {}\n".format(spelled(FLAT, "mapOf(%s)", "listOf(%s)", '"%s" to ')),
    "constants of an enumeration": f"const url = '{URL}';\nsend({ASKED_TEXT});\ngot = {ANSWERED_TEXT.replace(chr(34) + 'STOP' + chr(34), 'FinishReason.STOP')};\n",
    "anonymous objects of C#": program("", "new { %s }", "new[] { %s }", "%s = "),
    "verbatim strings of C#": 'var u = "{}"; var a = @"{}";\nvar b = @"{}";\n'.format(URL, *(text.replace('"', '""') for text in (ASKED_TEXT, ANSWERED_TEXT))),
    "symbols of Ruby": f"D, -- : POST {URL}\nD, -- : {spelled(ASKED, '{%s}', '[%s]', ':%s=>')}\nD, -- : {spelled(ANSWERED, '{%s}', '[%s]', ':%s=>')}\n",
    "pprint of Python": f"url: {URL}\nrequest:\n{pformat(ASKED, width=40)}\nresponse:\n{pformat(ANSWERED, width=40)}\n",
    "lines that YAML takes for keys": "".join(f"Jan  1 10:00:00 host app[12]: {json.dumps(one)}\n" for one in ({"url": URL, "request": ASKED}, {"response": ANSWERED})),
    "SQL": "INSERT INTO logs VALUES ('{}', '{}', '{}');\n".format(URL, *(text.replace("'", "''") for text in (ASKED_TEXT, ANSWERED_TEXT))),
    "a dump of PostgreSQL": f"COPY public.logs (url, q, a) FROM stdin;\n{URL}\t{ASKED_TEXT}\t{ANSWERED_TEXT}\n\\.\n".replace('\\"', '\\\\"'),
    "CSV with a column of its own for the request": table(",", ["url", "prompt_json", "response_json"], [URL, ASKED_TEXT, ANSWERED_TEXT]),
    "CSV without names": table(",", ["1", URL, ASKED_TEXT, ANSWERED_TEXT]),
    "CSV with bars": table("|", ["url", "q", "a"], [URL, ASKED_TEXT, ANSWERED_TEXT]),
    "bodies apart from their heads": json.dumps({"request": {"url": URL, "method": "POST"}, "response": {"status": 200}, "ai": {"payload": {"request": ASKED_TEXT, "response": ANSWERED_TEXT}}}),
    "the head of an answer apart": json.dumps({"at": URL, "headers": "HTTP/1.1 200 OK\nContent-Type: application/json", "data": ANSWERED_TEXT, "sent": ASKED_TEXT}),
    "the arguments of a method": json.dumps({"url": URL, "inputs": {"self": {"_type": "Models"}, "model": "gemini-2.5-flash", **ASKED}, "output": ANSWERED}),
    "messages in base64": json.dumps([{"request": b64encode(f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n{ASKED_TEXT}".encode()).decode(), "response": b64encode(f"HTTP/1.1 200 OK\r\n\r\n{ANSWERED_TEXT}".encode()).decode()}]),
    "texts in backquotes that go on": f"package a\n\nconst url = `{URL}`\nconst asked = `{ASKED_TEXT[:30]}` +\n\t`{ASKED_TEXT[30:]}`\nconst got = `{ANSWERED_TEXT[:90]}` +\n\t`{ANSWERED_TEXT[90:]}`\n",
    "a body in base64 beside an empty text": json.dumps({"http_interactions": [{"request": {"method": "POST", "uri": URL, "body": {"encoding": "utf-8", "string": ASKED_TEXT}}, "response": {"status": {"code": 200, "message": "OK"}, "body": {"base64_string": b64encode(ANSWERED_TEXT.encode()).decode(), "encoding": "UTF-8", "string": ""}}}], "recorded_with": "betamax/0.9.0"}),
    "an audit log of Google Cloud": json.dumps({"url": URL, "protoPayload": {"methodName": "google.cloud.aiplatform.v1.PredictionService.GenerateContent", "request": {"@type": "type.googleapis.com/x.GenerateContentRequest", **ASKED}, "response": {"@type": "type.googleapis.com/x.GenerateContentResponse", **ANSWERED}}}),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_exchange_is_read_as_it_was_sent(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(KINDS[kind], "utf-8", newline="")
    tape = cassette.read(path)
    (interaction,) = tape.interactions
    assert interaction.exchange.request.url == URL
    assert interaction.exchange.request.body == ASKED
    assert reply.read(interaction.exchange).response == ANSWERED
    assert type(reply.read(interaction.exchange).usage["totalTokenCount"]) is int
    assert (tape.unanswered, tape.unread) == ([], [])


CALL = "content=Content(parts=[Part(text='It\\'s on.')], role='model'), finish_reason=<FinishReason.STOP: 'STOP'>"
PRINTED: Mapping[str, str] = {
    "an answer as a text": f"sdk_http_response=HttpResponse(headers={{'a': 'b'}}) candidates=[Candidate({CALL})] create_time=datetime.datetime(2026, 1, 1, tzinfo=TzInfo(UTC)) model_version='gemini-2.5-flash' parsed=None\n",
    "an answer in a notebook": f"GenerateContentResponse(\n  automatic_function_calling_history=[],\n  candidates=[\n    Candidate(\n      {CALL}\n    ),\n  ],\n  sdk_http_response=HttpResponse(\n    headers=<dict len=11>\n  )\n)\n",
    "an answer with its parts as texts": json.dumps({"candidates": [CALL], "model_version": "gemini-2.5-flash", "parsed": None}),
    "an answer that PHP encodes": "<?php new Response(200, ['Content-Type' => 'application/json'], json_encode([\n 'candidates' => [['content' => ['parts' => [['text' => 'It\\'s on.']], 'role' => 'model'], 'finishReason' => 'STOP']],\n]));\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", PRINTED)
def test_an_answer_is_read_behind_other_values(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(PRINTED[kind], "utf-8")
    (interaction,) = cassette.read(path).interactions
    found = reply.read(interaction.exchange)
    assert (found.text, found.finish_reason) == ("It's on.", "STOP")


def test_a_json_text_in_an_array_of_php_stays_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.php"
    path.write_text(
        "<?php return ['candidates' => [['content' => ['parts' => [['text' => json_encode(['a' => [1]])]]]]]];\n"
    )
    (interaction,) = cassette.read(path).interactions
    assert json.loads(reply.read(interaction.exchange).text) == {"a": [1]}


def test_one_broken_document_of_several_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"a: {{{{ b }}}}: c\n---\n{yaml.safe_dump(FLAT)}")
    tape = cassette.read(path)
    assert len(tape.interactions) == 1
    assert [place.where for place in tape.unread] == ["the document at line 1"]


def test_one_broken_row_of_a_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        table(",", ["url", "q", "a"], [URL, ASKED_TEXT, ANSWERED_TEXT], [URL, ASKED_TEXT, ANSWERED_TEXT[:60]])
    )
    tape = cassette.read(path)
    assert len(tape.interactions) == 1
    assert [place.where for place in tape.unread] == ["row 2"]


COUNTS = {"promptTokenCount": 4, "candidatesTokenCount": 5, "totalTokenCount": 9}
NEAR: Mapping[str, Any] = {
    "places": {"candidates": [{"place_id": "x", "name": "Museum"}], "status": "OK"},
    "candidates of an election": {"contest": {"candidates": [{"id": "a", "partyId": "2"}]}},
    "the result of a framework": {"text": "Paris.", "providerMetadata": {"google": {"groundingMetadata": None, "safetyRatings": None, "usageMetadata": COUNTS}}},
    "the event of an agent": {"content": {"parts": [{"text": "Paris."}], "role": "model"}, "finishReason": "STOP", "usageMetadata": COUNTS, "author": "root_agent"},
    "a failed row of a batch": {"key": "request-3", "error": {"code": 3, "message": "bad"}},
}  # fmt: skip


@pytest.mark.parametrize("kind", NEAR)
def test_what_only_looks_like_an_answer_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(NEAR[kind]))
    with pytest.raises(BadCassette, match="no request or answer"):
        cassette.read(path)


def test_answers_of_several_apis_in_one_cache_stay_apart(tmp_path: Path) -> None:
    foreign = 'event: message_start\ndata: {"type": "message_start"}\n\nevent: message_stop\ndata: {"type": "message_stop"}\n\n'
    path = tmp_path / "cachy.jsonl"
    path.write_text("\n".join(json.dumps({"key": str(n), "response": text}) for n, text in enumerate([foreign, ANSWERED_TEXT, LONG_ANSWER])))  # fmt: skip
    assert [reply.read(one.exchange).response for one in cassette.read(path).interactions] == [ANSWERED, ANSWERED]


def test_a_program_without_an_exchange_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.php"
    path.write_text("<?php $model = 'gemini-2.5-flash'; $body = ['contents' => $contents];\n")
    with pytest.raises(BadCassette, match="names a Gemini model, but holds no request or answer"):
        cassette.read(path)


EVENTS = [
    {"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0}], "responseId": "r"},
    {"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP", "index": 0}], "responseId": "r", "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}},
]  # fmt: skip
STREAM = f"{URL.replace(':g', ':streamG')}?alt=sse"


@pytest.mark.parametrize("got", [json.dumps(EVENTS), "\n\n".join(f"data: {json.dumps(event)}" for event in EVENTS)])
def test_a_log_may_keep_a_stream_in_another_form(got: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table(",", ["url", "q", "a"], [STREAM, ASKED_TEXT, got]))
    assert main(["audit", str(path)]) == 0, capsys.readouterr().out
    (interaction,) = cassette.read(path).interactions
    assert reply.read(interaction.exchange).text == "ab"
