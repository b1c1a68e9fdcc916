"""``drift`` through the front door: what the definition does not know, the list of what was seen before, a renewed definition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.gemini import definition
from tests.endpoint import Endpoint, answer, closed_address
from tests.exchanges import answer as reply

HOST = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent"
SUITE = """
suite: capitals
tags: [text]
cases:
  - {id: one, model: gemini-3.8-flash, prompt: What is the capital of Norway? One word.}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    definition.use(None)


def record(name: str, *answers: dict[str, Any], body: dict[str, Any] | None = None, url: str = HOST) -> None:
    """A recording of these answers, each to the same request."""
    asked = body or {"contents": [{"parts": [{"text": "hi"}]}]}
    pairs = [{"request": {"method": "POST", "url": url, "body": asked}, "response": one} for one in answers]
    log = [{**pair, "response": {"status": 200, "headers": {"date": DATE}, "body": pair["response"]}} for pair in pairs]
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(json.dumps(log))


DATE = "Tue, 03 Nov 2026 10:00:00 GMT"


def candidate(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = reply()
    found["candidates"][0].update(fields)
    return found


def document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["drift", *arguments, "--format", "json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def told(found: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(one["kind"], one["path"], one["count"]) for one in found["findings"]]


def test_fields_values_and_types_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    record("tapes/a.json", candidate(vibe=-1.2), candidate(vibe=0.5, finishReason="TIRED"), candidate(index="0"))
    found = document(capsys, "tapes")
    assert (found["version"], found["answers"], found["simulated"]) == (1, 3, False)
    assert told(found) == [
        ("field", "$.candidates[*].vibe", 2),
        ("type", "$.candidates[*].index", 1),
        ("value", "$.candidates[*].finishReason", 1),
    ]
    first = found["findings"][0]
    assert (first["provider"], first["model"], first["models"]) == ("google", "gemini-3.8-flash", ["gemini-3.8-flash"])
    assert first["first"] == {"date": "2026-11-03", "file": "tapes/a.json", "trial": "interaction 0"}
    assert (found["findings"][1]["value"], found["findings"][1]["expected"]) == ("a text", "int32")
    assert found["findings"][2]["value"] == "TIRED"


def test_an_accepted_request_is_looked_at_too(capsys: pytest.CaptureFixture[str]) -> None:
    part = {"functionResponse": {"name": "f", "response": {}, "mood": "good"}}
    record("a.json", reply(), body={"contents": [{"parts": [part]}]})
    path = "request $.contents[*].parts[*].functionResponse.mood"
    assert told(document(capsys, "a.json")) == [("field", path, 1)]
    record("a.json", reply(), body={"contents": [{"parts": [part]}]}, url=VERTEX)
    assert told(document(capsys, "a.json")) == []


VERTEX = "https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-3.8-flash:generateContent"


def test_a_run_and_its_cassettes_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    Path("suites").mkdir()
    Path("suites/capitals.yaml").write_text(SUITE)
    Path("harness.toml").write_text('provider = "simulator"\n')
    assert main(["run", "--record-mode", "once", "-q"]) == 0
    for file in Path("cassettes").rglob("*.yaml"):
        file.write_text(file.read_text().replace('"finishReason"', '"vibe":1,"finishReason"').replace("STOP", "TIRED"))
    recorded = document(capsys)
    assert recorded["simulated"] is True
    assert {one["provider"] for one in recorded["findings"]} == {"simulator"}
    main(["run", "-q"])
    played = document(capsys, "last")
    assert told(played) == told(recorded)
    assert played["findings"][0]["first"]["trial"].startswith("capitals/one@simulator/")


def test_what_was_seen_before_is_counted_only(capsys: pytest.CaptureFixture[str]) -> None:
    record("a.json", candidate(vibe=1))
    assert main(["drift", "a.json", "--strict"]) == 1
    assert main(["drift", "a.json", "--write-known", "drift.yaml"]) == 0
    assert main(["drift", "a.json", "--known", "drift.yaml", "--strict"]) == 0
    record("b.json", candidate(vibe=1, mood="good"))
    found = document(capsys, "b.json", "--known", "drift.yaml", "--strict", code=1)
    assert [(one["path"], one["known"]) for one in found["findings"]] == [
        ("$.candidates[*].mood", False),
        ("$.candidates[*].vibe", True),
    ]


def test_the_list_keeps_first_sightings_and_reasons() -> None:
    record("a.json", candidate(vibe=1))
    assert main(["drift", "a.json", "--write-known", "drift.yaml"]) == 0
    Path("drift.yaml").write_text(Path("drift.yaml").read_text() + "  why: the documentation has it\n")
    record("b.json", candidate(vibe=1, mood="good"))
    assert main(["drift", "b.json", "--write-known", "drift.yaml"]) == 0
    listed = Path("drift.yaml").read_text()
    assert "date: '2026-11-03'\n    file: a.json\n    trial: interaction 0\n  why: the documentation has it\n" in listed
    assert listed.count("path: $.candidates[*].vibe") == listed.count("path: $.candidates[*].mood") == 1


def test_an_entry_that_is_not_seen_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    record("a.json", reply())
    Path("drift.yaml").write_text("- {kind: field, path: $.turnToken}\n")
    found = document(capsys, "a.json", "--known", "drift.yaml", "--strict")
    assert found["unseen"] == [{"kind": "field", "path": "$.turnToken", "value": None}]


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_every_format_names_the_finding(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    record("a.json", candidate(vibe=1))
    assert main(["drift", "a.json", "--format", name]) == 0
    out = capsys.readouterr().out
    assert "$.candidates[*].vibe" in out
    assert "not a field of Candidate" in out
    assert "interaction 0" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere/"], 4, "no such file or folder: nowhere/"),
        (["nowhere"], 4, "no saved run 'nowhere'"),
        ([], 4, "there is no folder cassettes: name saved runs, recordings or folders of them"),
        (["empty"], 5, "nothing was looked at: no native generateContent answer was found"),
        (
            ["a.json", "--known", "drift.yaml"],
            4,
            "cannot read drift.yaml: No such file or directory; --write-known writes it",
        ),
        (["a.json", "--known", "a.json"], 4, "--known a.json: expected a list of {kind: ..., path: ...}"),
        (["a.json", "--known", "torn.yaml"], 4, "--known torn.yaml: expected a list"),
        (["a.json", "--update", "b.json"], 4, "--update renews the definition and looks at nothing: leave out a.json"),
        (["casettes"], 4, "no such file or folder: casettes (did you mean cassettes?), and no saved run 'casettes'"),
        (["--update", "b.json"], 4, 'add definition = "definition.json" to harness.toml'),
    ],
)
def test_what_cannot_be_done(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    record("a.json", reply())
    Path("empty").mkdir()
    if arguments:
        Path("cassettes").mkdir()
    Path("torn.yaml").write_text("- {kind: field, path\n")
    assert main(["drift", *arguments]) == code
    assert message in capsys.readouterr().err


def test_recordings_of_googles_own_tests_hold_nothing_unknown(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(document(capsys, str(shared / "recordings" / "googleapis+js-genai"))) == []


def test_chat_completions_are_left_out(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["drift", str(shared / "recordings-compatible")])
    assert "$.messages" not in capsys.readouterr().out


# --- renewing the definition ------------------------------------------------------------------------------------


def openapi(**more: dict[str, Any]) -> dict[str, Any]:
    """A small document in the form that Google publishes. ``more``: properties of a candidate."""
    schemas: dict[str, dict[str, Any]] = {
        "GenerateContentRequest": {"properties": {"contents": _list("Content"), "serviceTier": _one("ServiceTier")}},
        "GenerateContentResponse": {"properties": {"candidates": _list("Candidate"), "responseId": {"type": "string"}}},
        "Candidate": {"properties": {"content": _one("Content"), "finishReason": FINISH, "index": INT32, **more}},
        "Content": {"properties": {"parts": _list("Part"), "role": {"type": "string"}}},
        "Part": {
            "properties": {"text": {"type": "string"}, "partMetadata": {"type": "object", "additionalProperties": {}}}
        },
        "ServiceTier": {"type": "string", "enum": ["unspecified", "standard"]},
    }
    for schema in schemas.values():
        schema.setdefault("type", "object")
    return {"info": {"title": "Gemini API", "x-google-revision": "20261201"}, "components": {"schemas": schemas}}


def _one(name: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}]}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


INT32 = {"type": "integer", "format": "int32"}
FINISH = {"type": "string", "enum": ["FINISH_REASON_UNSPECIFIED", "STOP", "TIRED"]}


@pytest.fixture
def named() -> None:
    Path("harness.toml").write_text('definition = "definition.json"\n')


def test_a_renewed_definition_is_used_from_then_on(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    record("a.json", candidate(vibe=1, finishReason="TIRED"))
    assert len(document(capsys, "a.json")["findings"]) == 2
    with Endpoint(answer(openapi(vibe={"type": "number", "format": "double"}))) as server:
        changes = document(capsys, "--update", f"{server.url}/v1beta.json")
    assert {"Candidate.vibe", "Candidate.FinishReason: TIRED"} == set(changes["added"])
    assert "Candidate.groundingMetadata" in changes["removed"]
    assert "Candidate.FinishReason: LANGUAGE" in changes["removed"]
    assert changes["after"].startswith("Gemini API 20261201; Vertex AI ")
    assert document(capsys, "a.json")["findings"][0]["path"] == "$.modelVersion"
    capsys.readouterr()
    assert main(["audit", "a.json", "--format", "json"]) == 0
    places = {one["at"] for one in json.loads(capsys.readouterr().out)["findings"] if one["rule"] == "wire-known"}
    assert "$.modelVersion" in places
    assert "$.candidates[0].vibe" not in places


def test_a_discovery_document_and_a_renewed_file_are_read_too(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    whole = openapi(vibe={"type": "number"})
    text = json.dumps({"schemas": whole["components"]["schemas"], "revision": "20261201"})
    Path("discovery.json").write_text(text.replace("#/components/schemas/", ""))
    assert "Candidate.vibe" in document(capsys, "--update", "discovery.json")["added"]
    Path("definition.json").rename("other.json")
    assert "Candidate.vibe" in document(capsys, "--update", "other.json")["added"]
    assert document(capsys, "--update", "other.json")["added"] == []


def test_an_older_file_lacks_nothing_that_ships(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    older = json.loads(definition.SHIPPED.read_text())
    del older["messages"]["CachedContent"], older["messages"]["ListCachedContentsResponse"]
    Path("definition.json").write_text(json.dumps(older))
    record("one.yaml", {"name": "cachedContents/c1"}, url=f"{HOST.partition('/models')[0]}/cachedContents")
    assert main(["audit", "one.yaml"]) == 0, capsys.readouterr().out


def test_the_shipped_definition_renews_to_itself(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    changes = document(capsys, "--update", str(definition.SHIPPED))
    assert (changes["added"], changes["removed"], changes["changed"]) == ([], [], [])
    assert Path("definition.json").read_text() == definition.SHIPPED.read_text()


def test_a_published_document_is_read(named: None, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published = shared / "reference/wire/generativelanguage.v1beta.openapi-20260413.json"
    changes = document(capsys, "--update", str(published))
    assert [name for name in changes["added"] if not name.startswith("MediaResolution: ")] == []
    assert "VideoMetadata.contentLayers" in changes["removed"]
    assert changes["changed"] == ["Part.mediaResolution: PartMediaResolution -> enum MediaResolution"]
    capsys.readouterr()
    assert main(["drift", "--update", str(definition.SHIPPED)]) == 0
    assert main(["drift", "--update", str(published)]) == 0
    assert "this document is older than what was known" in " ".join(capsys.readouterr().out.split())


PAGE = b"<!doctype html><title>Sign in</title>"
NAMES = {"GenerateContentRequest": {}, "GenerateContentResponse": {"properties": {"a": {"$ref": "Lost"}}}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (PAGE, "this is HTML or XML, not a definition"),
        (json.dumps(openapi()).encode()[:-40], "this is not valid JSON, or was cut off"),
        (b"", "this is empty"),
        (b"[]", "this is JSON, but no object"),
        (b"\xff\xfe\x00", "this is not text in UTF-8"),
        ({}, "this is JSON, but no definition of an API"),
        ({"error": {"message": "API key not valid."}}, "this is an error of the API: API key not valid."),
        ({"title": "Translation API", "schemas": {"Glossary": {}}}, "this is the definition of Translation API"),
        ({"schemas": NAMES}, "this definition is not complete: it refers to Lost, which is not in it"),
        ({"schemas": {**NAMES, "GenerateContentResponse": 3}}, "this is no definition: its schemas have another form"),
        ({"messages": {}}, "this is no definition: revision is missing"),
    ],
)
def test_what_is_no_definition_changes_nothing(
    body: Any, message: str, named: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with Endpoint(answer(body)) as server:
        assert main(["drift", "--update", f"{server.url}/v1beta.json"]) == 4
    err = capsys.readouterr().err
    assert f"{server.url}/v1beta.json: {message}" in err
    assert len(err.splitlines()) == 1
    assert not Path("definition.json").exists()


def test_an_address_that_does_not_answer_is_named(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    address = closed_address()
    assert main(["drift", "--update", address]) == 4
    assert f"cannot read {address}: " in capsys.readouterr().err
    with Endpoint(answer({"error": "gone"}, status=404)) as server:
        assert main(["drift", "--update", server.url]) == 4
    assert f"cannot read {server.url}: HTTP 404; a saved copy" in capsys.readouterr().err
    assert main(["drift", "--update", "nowhere.json"]) == 4
    assert "cannot read nowhere.json: No such file or directory" in capsys.readouterr().err


def test_a_broken_file_in_the_configuration_is_named(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    Path("definition.json").write_text("{")
    assert main(["drift", "a.json"]) == 4
    err = capsys.readouterr().err
    assert "definition.json, which harness.toml names as the definition of the API, cannot be used: " in err
    assert "remove it, then write it with `gemini-harness drift --update`" in err


def test_a_file_that_is_not_written_yet_is_noted(named: None, capsys: pytest.CaptureFixture[str]) -> None:
    record("a.json", reply())
    notes = document(capsys, "a.json")["notes"]
    assert notes == ["definition.json is not written yet: the definition that ships was used (see --update)"]


def test_each_reason_why_files_are_not_read_is_told_with_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in {"a.har": "{broken", "b.yaml": "", "c.yaml": ""}.items():
        (tmp_path / name).write_text(content)
    main(["drift", "."])
    captured = capsys.readouterr()
    shown = " ".join((captured.out + captured.err).split())
    assert "not read: a.har: not decodable as JSON" in shown
    assert "not read: b.yaml and 1 more file: empty" in shown
