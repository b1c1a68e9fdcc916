"""Tools that the API runs itself: file search, Computer Use, MCP servers, maps, and a search beside functions."""

from __future__ import annotations

from typing import Any

import pytest

from harness.simulator.app import Simulator
from tests.simulator.client import FLASH3, FLASH25, KEY, call, prompt, text_of

COMPUTER, BROWSER = "gemini-2.5-computer-use-preview-10-2025", {"computerUse": {"environment": "ENVIRONMENT_BROWSER"}}
SHOWN = {"includeServerSideToolInvocations": True}


def ask(question: str, model: str = FLASH3, app: Simulator | None = None, **more: Any) -> tuple[int, Any]:
    path = f"/v1beta/models/{model}:generateContent"
    status, answer, _ = call(app or Simulator(), "POST", path, prompt(question, **more))
    return status, answer


def parts(answer: Any) -> list[Any]:
    found: list[Any] = answer["candidates"][0]["content"]["parts"]
    return found


# --- file search --------------------------------------------------------------------------------------


def upload(app: Simulator, store: str, data: bytes, **about: Any) -> Any:
    path = f"/upload/v1beta/{store}:uploadToFileSearchStore"
    start = {**KEY, "x-goog-upload-command": "start"}
    _, _, headers = call(app, "POST", path, {"mimeType": "text/plain", **about}, start)
    address = headers["x-goog-upload-url"].partition(".invalid")[2]
    return call(app, "POST", address, data, {"x-goog-upload-command": "upload, finalize"})[1]


@pytest.fixture
def app() -> Simulator:
    return Simulator()


@pytest.fixture
def store(app: Simulator) -> str:
    name: str = call(app, "POST", "/v1beta/fileSearchStores", {"displayName": "House rules"})[1]["name"]
    metadata = [{"key": "part", "string_value": "pets"}]
    upload(
        app,
        name,
        b"Dogs are welcome in the garden. Cats stay inside.",
        displayName="rules.txt",
        customMetadata=metadata,
    )
    upload(app, name, b"The lift is closed at night.")
    return name


@pytest.mark.parametrize("model", [FLASH3, FLASH25])
def test_a_file_search_answers_from_its_store(app: Simulator, store: str, model: str) -> None:
    _, answer = ask("Where are dogs welcome?", model, app, tools=[{"fileSearch": {"fileSearchStoreNames": [store]}}])
    assert text_of(answer) == "Dogs are welcome in the garden."
    grounds = answer["candidates"][0]["groundingMetadata"]
    assert grounds["groundingChunks"] == [
        {
            "retrievedContext": {
                "title": "rules.txt",
                "text": "Dogs are welcome in the garden. Cats stay inside.",
                "fileSearchStore": store,
                "customMetadata": [{"key": "part", "stringValue": "pets"}],
            }
        }
    ]
    assert grounds["groundingSupports"][0]["segment"]["text"] == text_of(answer)
    assert answer["usageMetadata"]["toolUsePromptTokenCount"] > 250


def test_the_steps_of_a_file_search_are_signed_and_empty(app: Simulator, store: str) -> None:
    tools = [{"fileSearch": {"fileSearchStoreNames": [store]}}]
    called, answered, _ = parts(ask("Is the lift open?", FLASH3, app, tools=tools, toolConfig=SHOWN)[1])
    assert called["toolCall"] == {"toolType": "FILE_SEARCH", "id": answered["toolResponse"]["id"]}
    assert called["thoughtSignature"]


def test_an_unknown_store_is_404() -> None:
    status, answer = ask("hi", tools=[{"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/none"]}}])
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


def test_stores_and_their_documents_are_listed_and_deleted(app: Simulator, store: str) -> None:
    assert store.startswith("fileSearchStores/houserules-")
    assert call(app, "GET", f"/v1beta/{store}")[1]["activeDocumentsCount"] == "2"
    assert [one["name"] for one in call(app, "GET", "/v1beta/fileSearchStores")[1]["fileSearchStores"]] == [store]
    documents = call(app, "GET", f"/v1beta/{store}/documents?pageSize=1")[1]
    assert (len(documents["documents"]), documents["documents"][0]["state"]) == (1, "STATE_ACTIVE")
    assert documents["nextPageToken"]
    assert call(app, "DELETE", f"/v1beta/{store}")[0] == 400
    assert call(app, "DELETE", f"/v1beta/{store}?force=true")[:2] == (200, {})
    assert call(app, "GET", f"/v1beta/{store}")[0] == 403


@pytest.mark.parametrize(
    ("name", "status"),
    [("fileSearchStores/none", 403), ("fileSearchStores/not_a_name", 400), ("fileSearchStores", 200)],
)
def test_a_store_that_is_not_there(app: Simulator, name: str, status: int) -> None:
    assert call(app, "GET", f"/v1beta/{name}")[0] == status


def test_a_document_that_is_not_there(app: Simulator, store: str) -> None:
    assert call(app, "GET", f"/v1beta/{store}/documents/none")[0] == 404
    assert call(app, "GET", f"/v1beta/{store}/documents/not_a_name")[0] == 400


def test_an_upload_and_an_import_end_as_operations(app: Simulator, store: str) -> None:
    operation = upload(app, store, b"Bins go out on Monday.")
    assert operation["response"]["documentName"].startswith(f"{store}/documents/")
    assert call(app, "GET", f"/v1beta/{operation['name']}")[1]["done"] is True
    file = call(app, "POST", "/upload/v1beta/files", b"Bikes go to the shed.", {**KEY, "content-type": "text/plain"})[1]
    imported = call(app, "POST", f"/v1beta/{store}:importFile", {"fileName": file["file"]["name"]})[1]
    assert call(app, "GET", f"/v1beta/{imported['name']}")[1]["done"] is True
    answer = ask("Where do bikes go?", FLASH25, app, tools=[{"fileSearch": {"fileSearchStoreNames": [store]}}])[1]
    assert text_of(answer) == "Bikes go to the shed."


# --- other tools --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [COMPUTER, FLASH3, "gemini-3.5-flash"])
def test_computer_use_acts_step_by_step_and_ends(model: str) -> None:
    question = "Visit example.org and search for lamps"
    contents: list[Any] = [{"role": "user", "parts": [{"text": question}]}]
    names = []
    for _ in range(5):
        path = f"/v1beta/models/{model}:generateContent"
        turn = call(Simulator(), "POST", path, {"contents": contents, "tools": [BROWSER]})[1]["candidates"][0][
            "content"
        ]
        acted = [part["functionCall"] for part in turn["parts"] if "functionCall" in part]
        if not acted:
            break
        names.append(acted[0]["name"])
        result = {"name": acted[0]["name"], "response": {"url": "https://example.org"}}
        contents += [turn, {"role": "user", "parts": [{"functionResponse": result}]}]
    assert names == ["open_web_browser", "navigate", "type_text_at"]


def test_an_action_with_an_effect_asks_for_confirmation() -> None:
    tool = {"computerUse": {"environment": "ENVIRONMENT_BROWSER", "excludedPredefinedFunctions": ["open_web_browser"]}}
    action = parts(ask("Buy a lamp at shop.example.com", COMPUTER, tools=[tool])[1])[0]["functionCall"]
    assert action["name"] == "navigate"
    assert action["args"]["url"] == "https://shop.example.com"
    assert action["args"]["safety_decision"]["decision"] == "require_confirmation"


@pytest.mark.parametrize(
    ("model", "tools", "message"),
    [
        (FLASH25, [BROWSER], "Computer Use is not enabled for models/gemini-2.5-flash"),
        (COMPUTER, [], "This model requires the use of the Computer Use tool."),
        (FLASH3, [{"googleSearchRetrieval": {}}], "google_search_retrieval is not supported"),
    ],
)
def test_a_tool_that_a_model_lacks_is_refused(model: str, tools: Any, message: str) -> None:
    status, answer = ask("hi", model, tools=tools)
    assert status == 400
    assert message in answer["error"]["message"]


def test_functions_and_a_search_in_one_turn() -> None:
    week = {"name": "week_of", "parameters": {"type": "OBJECT", "properties": {"day": {"type": "INTEGER"}}}}
    tools = [{"functionDeclarations": [week]}, {"googleSearch": {}}]
    question = "Call week_of(3), call week_of(17), and search the web for 'ISO weeks'. All at once."
    called, answered, *calls = parts(ask(question, FLASH3, tools=tools, toolConfig=SHOWN)[1])
    assert called["toolCall"]["args"] == {"queries": ["ISO weeks"]}
    assert answered["toolResponse"]["id"] == called["toolCall"]["id"]
    assert [part["functionCall"]["args"] for part in calls] == [{"day": 3}, {"day": 17}]


def test_a_tool_of_a_server_is_called_and_answered() -> None:
    server = {"name": "sky", "streamableHttpTransport": {"url": "https://sky.invalid/mcp"}}
    called, answered, said = parts(ask("What is the weather in Oslo?", FLASH25, tools=[{"mcpServers": [server]}])[1])
    assert called["functionCall"] == {"name": "sky_get_weather", "args": {"location": "Oslo"}}
    assert answered["functionResponse"]["name"] == "sky_get_weather"
    assert said["text"]


def test_a_stream_with_a_call_of_a_server_ends_twice() -> None:
    server = {"name": "sky", "streamableHttpTransport": {"url": "https://sky.invalid/mcp"}}
    body = prompt("What is the weather in Oslo?", tools=[{"mcpServers": [server]}])
    chunks = call(Simulator(), "POST", f"/v1beta/models/{FLASH25}:streamGenerateContent", body)[1]
    found = [chunk["candidates"][0] for chunk in chunks]
    ends = [
        (next(iter(one["content"]["parts"][0])), one.get("finishMessage")) for one in found if "finishReason" in one
    ]
    assert ends == [("functionCall", "Model generated function call(s)."), ("text", None)]
    assert len(found) > 3


def test_maps_name_several_places_with_a_text() -> None:
    answer = ask("Where can I eat in Bergen?", FLASH25, tools=[{"googleMaps": {}}])[1]
    chunks = [chunk["maps"] for chunk in answer["candidates"][0]["groundingMetadata"]["groundingChunks"]]
    assert len({chunk["placeId"] for chunk in chunks}) == 3
    assert all(chunk["title"].startswith("Bergen") and chunk["title"] in chunk["text"] for chunk in chunks)


def test_parallel_calls_beside_a_search_are_signed_once() -> None:
    clock = {"name": "clock_in", "parameters": {"type": "OBJECT", "properties": {"town": {"type": "STRING"}}}}
    tools = [{"functionDeclarations": [clock]}, {"googleSearch": {}}]
    question = "Search the web for 'summer time' and call clock_in for Oslo and for Lima."
    made = parts(ask(question, FLASH3, tools=tools, toolConfig=SHOWN)[1])
    assert ["thoughtSignature" in part for part in made] == [True, True, True, False]
    assert ">summer time<" in made[1]["toolResponse"]["response"]["search_suggestions"]


def test_a_video_that_the_model_navigates_shows_its_steps() -> None:
    film = {"fileData": {"fileUri": "https://www.youtube.com/watch?v=abc"}, "mediaProcessing": "AGENTIC"}
    contents = [{"role": "user", "parts": [film, {"text": "Who speaks first?"}]}]
    status, answer = ask("", FLASH3, contents=contents)
    called, answered, said = parts(answer)
    assert status == 200
    assert called["toolCall"]["toolType"] == answered["toolResponse"]["toolType"] == "MEDIA_PROCESSING"
    assert said["text"]
    assert answer["usageMetadata"]["toolUsePromptTokenCount"] > 0
