"""Faults of function calls."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _declared_call(d: Draft) -> tuple[Object, Object]:
    """A call and its declaration."""
    call = d.call()
    need(not d.get("cachedContent") and "computer" not in json.dumps(d.body.get("tools", [])).lower())
    (declaration,) = [one for one in d.declarations() if one.get("name") == call["name"]] or [{}]
    need(declaration)
    return call, declaration


def _schema(declaration: Object) -> Object:
    found: Any = (
        declaration.get("parameters")
        or declaration.get("parametersJsonSchema")
        or declaration.get("parameters_json_schema")
    )
    need(isinstance(found, dict) and isinstance(found.get("properties"), dict))
    return dict(found)


def _copied(d: Draft, **changes: Any) -> None:
    """Put a copy of a call behind it."""
    candidate = d.random.choice(d.carriers("functionCall"))
    parts = candidate["content"]["parts"]
    at = next(index for index, part in enumerate(parts) if "functionCall" in part)
    copy = {"functionCall": {**deepcopy(parts[at]["functionCall"]), **changes}}
    parts.insert(at + 1, copy)


@fault("function-declared")
def renamed_call(d: Draft) -> None:
    call, _ = _declared_call(d)
    call["name"] = d.random.choice(
        [call["name"].upper() + "X", f"default_api.{call['name']}", "print", call["name"] + "_v2"]
    )


@fault("function-declared")
def declarations_lost(d: Draft) -> None:
    _declared_call(d)
    d.put(None, "tools")


@fault("function-args")
def required_argument_missing(d: Draft) -> None:
    call, declaration = _declared_call(d)
    required = [name for name in _schema(declaration).get("required", ()) if name in (call.get("args") or {})]
    del call["args"][d.random.choice(required)]


@fault("function-args")
def argument_of_another_type(d: Draft) -> None:
    call, declaration = _declared_call(d)
    properties = _schema(declaration)["properties"]
    known = [
        name
        for name in call.get("args") or {}
        if properties.get(name, {}).get("type") and not isinstance(call["args"][name], dict)
    ]
    need(known)
    call["args"][d.random.choice(known)] = {"value": 1}


@fault("function-args")
def argument_undeclared(d: Draft) -> None:
    call, declaration = _declared_call(d)
    need(_schema(declaration)["properties"])
    call.setdefault("args", {})["surprise"] = True


@fault("function-duplicate", "function-duplicate call-id-unique")
def called_twice(d: Draft) -> None:
    call = d.call()
    need(call.get("args"))
    _copied(d)


@fault("thought-signature")
def signatures_lost(d: Draft) -> None:
    need(d.generation >= (3, 0) and d.parts("functionCall")[0].get("thoughtSignature"))
    for candidate in d.candidates():
        for part in candidate.get("content", {}).get("parts", []):
            part.pop("thoughtSignature", None)


@fault("calling-mode")
def any_but_text(d: Draft) -> None:
    d.stopped()
    need(d.text and d.declarations() and not any("functionCall" in json.dumps(one) for one in d.candidates()))
    d.calling("ANY")


@fault("calling-mode")
def call_becomes_text(d: Draft) -> None:
    d.stopped()
    need(d.declarations())
    d.calling("ANY")
    for part in d.parts("functionCall"):
        part["text"] = json.dumps(part.pop("functionCall").get("args", {}))


@fault("calling-mode")
def call_of_another_function(d: Draft) -> None:
    call, _ = _declared_call(d)
    d.calling("ANY", "another_function")
    tools = d.get("tools")
    next(tool for tool in tools if "functionDeclarations" in tool)["functionDeclarations"].append(
        {"name": "another_function", "description": "Another function."}
    )
    need(call["name"] != "another_function")


@fault("calling-mode")
def call_under_none(d: Draft) -> None:
    _declared_call(d)
    d.calling("NONE")


@fault("call-id-unique")
def ids_repeat(d: Draft) -> None:
    call = d.call()
    _copied(d, id=call["id"], args={**(call.get("args") or {}), "again": 1})


@fault("call-id-unique")
def no_id(d: Draft) -> None:
    """Before May 2026, when the service tier appeared in the usage, right answers of Gemini 3 came with and without ids."""
    need(d.generation >= (3, 0) and "generativelanguage" in d.url)
    need("serviceTier" in d.usage)
    need(any(part["functionCall"].pop("id", None) for part in d.parts("functionCall")))


@fault("call-complete")
def last_piece_lost(d: Draft) -> None:
    """A call in pieces, as Vertex AI streams it, without its end."""
    need(d.streams and d.last.get("finishReason") == "STOP" and len(d.parts("functionCall")) == 1)
    call = d.call()
    call["partialArgs"] = [
        {"jsonPath": f"$.{name}", "stringValue": str(value)} for name, value in call.pop("args").items()
    ]
    call["willContinue"] = True


@fault("call-as-text", "call-as-text thought-leak")
def call_written_as_code(d: Draft) -> None:
    call, _ = _declared_call(d)
    arguments = ", ".join(f"{name}={value!r}" for name, value in (call.get("args") or {}).items())
    form = d.random.choice(
        ["print(default_api.{})", "```tool_code\nprint(default_api.{})\n```", "tool_code\nprint({})"]
    )
    for part in d.parts("functionCall"):
        part.pop("functionCall")
        part["text"] = form.format(f"{call['name']}({arguments})")
    d.calling("AUTO")


@fault("31b-raw-call-text", "call-as-text")
def call_written_as_json(d: Draft) -> None:
    _declared_call(d)
    d.calling("AUTO")
    for part in d.parts("functionCall"):
        part["text"] = json.dumps({"functionCall": part.pop("functionCall")})


@fault("02a-mode-any-text-answer", "calling-mode")
def any_becomes_auto(d: Draft) -> None:
    call_becomes_text(d)


@fault("02d-mode-none-but-call", "calling-mode")
def none_is_dropped(d: Draft) -> None:
    call_under_none(d)


@fault("03a-same-id-twice", "call-id-unique function-duplicate")
def parallel_calls_share_an_id(d: Draft) -> None:
    calls = [part["functionCall"] for part in d.parts("functionCall")]
    need(len(calls) > 1 and calls[0].get("id"))
    calls[-1]["id"] = calls[0]["id"]


@fault("function-duplicate")
def call_of_the_turn_before(d: Draft) -> None:
    d.stopped()
    call, _ = _declared_call(d)
    need(re.match("get|search|find|list", call["name"]) and not re.search("random|next|status", call["name"]))
    need(call.get("args") and "ANY" not in json.dumps([d.get("toolConfig")]).upper() and d.body.get("contents"))
    made = {"functionCall": {"name": call["name"], "args": deepcopy(call["args"])}}
    given = {"functionResponse": {"name": call["name"], "response": {"result": "done"}}}
    d.body["contents"] = [
        {"role": "user", "parts": [{"text": "Do it."}]},
        {"role": "model", "parts": [made]},
        {"role": "user", "parts": [given]},
    ]
