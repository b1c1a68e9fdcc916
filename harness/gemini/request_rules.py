"""What the Gemini API refuses about a valid payload, before it asks the model; and what it accepts and ignores.

The rules are data in ``request_rules.yaml``. What cannot be said there is a function below, named by ``check`` in the data.
Nothing here knows a limit or a text of the API: those stand in the data, in ``models.yaml`` and in ``schemas.refused``.

Sources: recorded 400s, the issues and probes named in the data, Google's documentation. The rules are those of the Gemini API;
Vertex AI accepts more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.gemini.models import Thinking, bare, undated
from harness.gemini.request_view import RequestView, texts
from harness.gemini.schemas import refused
from harness.gemini.schemas.refused import At, Fault
from harness.gemini.signatures import corrupted
from harness.text import safeyaml
from harness.text.jsontext import is_number
from harness.text.names import snake
from harness.text.shape import Later


class RequestRefusal(Struct, frozen=True):
    """A rule that a request breaks.

    ``at``: the keys and indices of the place in the canonical body. ``message`` says what is wrong, ``instead`` what to write
    (perhaps empty), both for people. ``words`` fill the placeholders of the API's text. ``ignored``: nothing is refused, but the API
    ignores what is there. ``sure``: false for an estimate. ``by_model``: other models may accept it.
    """

    rule: str
    at: At
    message: str
    instead: str
    words: Mapping[str, object] = {}
    ignored: bool = False
    sure: bool = True
    by_model: bool = False


_Test = Callable[[RequestView, bool], bool]
"""A test of the request, and of whether it is a stream."""


class _Rule(Struct, frozen=True):
    """One row of the data. ``about``: the first names of what it looks at; a request without them is not looked at. ``needs``: each test with what it
    must give."""

    name: str
    row: Mapping[str, Any]
    at: Sequence[tuple[str, ...]]
    about: frozenset[tuple[str, ...]]
    test: Callable[[Any], bool]
    needs: Sequence[tuple[_Test, bool]]
    by_model: bool


def refusals(view: RequestView, *, stream: bool = False) -> Iterator[RequestRefusal]:
    """Every rule that the request breaks, in the order of the API's checks. Rules that depend on the model are left out for a
    model that is not known. ``stream``: the operation is ``streamGenerateContent``."""
    for rule in _rules_about(frozenset(_fields(view))):
        if rule.by_model and view.facts is None:
            continue
        for fault in _faults(rule, view, stream):
            yield _refusal(fault, view)


# --- data ---------------------------------------------------------------------------------------------------------


@cache
def _document() -> Mapping[str, Any]:
    read: Mapping[str, Any] = safeyaml.shipped(Path(__file__).with_name("request_rules.yaml"))
    return read


@cache
def rules() -> Mapping[str, _Rule]:
    """The rules by their names, in the order of the API's checks. Parsed once and cached."""
    return {name: _rule(name, row) for name, row in _document()["rules"].items()}


def _rule(name: str, row: Mapping[str, Any]) -> _Rule:
    features = [(feature, key == "has") for key in ("has", "lacks") for feature in row.get(key, "").split()]
    conditions = [(text, key == "with") for key in ("with", "without") for text in row.get(key, ())]
    needs = [
        *((_feature(feature), wanted) for feature, wanted in features),
        *((_condition(text), wanted) for text, wanted in conditions),
    ]
    by_model = bool(features) or row.get("by_model", False) or ("before Gemini 3", True) in conditions
    at = paths(row.get("at", ""))
    about = frozenset(map(_field, [*at, *paths(row.get("reads", ""))]))
    return _Rule(name, row, at, about, _test(row.get("if", {})), needs, by_model)


def paths(text: str) -> Sequence[tuple[str, ...]]:
    """``a.b[].c|d`` as paths; the last name may have alternatives."""
    *above, last = text.replace("[]", ".[]").split(".")
    return [(*above, name) for name in last.split("|")] if text else []


def _feature(name: str) -> _Test:
    return lambda view, _stream: name in view.features


def _condition(text: str) -> _Test:
    places = paths(text)
    return CONDITIONS.get(text) or (lambda view, _stream: any(_values(view.whole, path) for path in places))


CONDITIONS: Mapping[str, _Test] = {
    "json mode": lambda view, _stream: view.mime == "application/json",
    "plain text": lambda view, _stream: view.mime == "text/plain",
    "functions": lambda view, _stream: bool(view.declarations),
    "built-in tool": lambda view, _stream: bool(view.built_in),
    "tools in mode AUTO": lambda view, _stream: bool(view.tools) and view.calling.get("mode") == "AUTO",
    "tool steps": lambda view, _stream: view.shows_tool_steps,
    "logprobs": lambda view, _stream: view.config.get("responseLogprobs") is True,
    "before Gemini 3": lambda view, _stream: view.generation < (3, 0),
    "makes media": lambda view, _stream: not view.features.isdisjoint({"image_out", "audio_out"}),
    "stream": lambda _view, stream: stream,
}
"""What ``with`` and ``without`` may name besides places."""


def _test(wanted: Mapping[str, Any]) -> Callable[[Any], bool]:
    """The test of ``if``. A value that is not known yet passes none."""
    if "outside" in wanted:
        low, high = wanted["outside"]
        return lambda value: is_number(value) and not low <= value <= high
    if "above" in wanted:
        return lambda value: is_number(value) and value > wanted["above"]
    if "nonzero" in wanted:
        return lambda value: is_number(value) and value != 0
    if "longer" in wanted:
        return lambda value: isinstance(value, list) and len(value) > wanted["longer"]
    if "not_in" in wanted:
        return lambda value: not isinstance(value, Later) and value not in wanted["not_in"]
    return lambda _value: True


# --- applying them ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _rules_about(fields: frozenset[tuple[str, ...]]) -> Sequence[_Rule]:
    """The rules about these fields, in order."""
    looks = (rule for rule in rules().values() if rule.at or "check" in rule.row)
    return [rule for rule in looks if not (rule.about and rule.about.isdisjoint(fields))]


def _field(path: Sequence[str]) -> tuple[str, ...]:
    """What a path is about: its first two names; the first three inside of a part."""
    names = tuple(step for step in path if step != "[]")
    return names[:3] if names[:2] == _PART else names[:2]


_PART = ("contents", "parts")


def _fields(view: RequestView) -> Iterator[tuple[str, ...]]:
    """The names of the first two levels, and those of all parts."""
    for content in view.contents:
        for part in content.get("parts", ()):
            yield from ((*_PART, name) for name in part)
    for name, value in view.whole.items():
        yield (name,)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield from ((name, inner) for inner in item)


def _faults(rule: _Rule, view: RequestView, stream: bool) -> Iterator[Fault]:
    if not all(test(view, stream) is wanted for test, wanted in rule.needs):
        return
    if "check" in rule.row:
        yield from _CHECKS[rule.row["check"]](view)
    for path in rule.at:
        for at, value in _values(view.whole, path):
            if rule.test(value):
                yield Fault(rule.name, at, {"value": value, "field": path[-1]})


def _values(body: Any, path: Sequence[str]) -> list[tuple[At, Any]]:
    """Every place of a path in a body, with its value."""
    found: list[tuple[At, Any]] = [((), body)]
    for step in path:
        if step == "[]":
            lists = [(at, value) for at, value in found if isinstance(value, list)]
            found = [((*at, index), item) for at, value in lists for index, item in enumerate(value)]
        else:
            objects = [(at, value) for at, value in found if isinstance(value, dict)]
            found = [((*at, step), value[step]) for at, value in objects if value.get(step) is not None]
        if not found:
            break
    return found


def _refusal(fault: Fault, view: RequestView) -> RequestRefusal:
    rule = rules()[fault.rule]
    row, words = rule.row, _words(rule, fault, view)
    message = str(words.get("reason") or row.get("says", "")).format(**words)
    return RequestRefusal(
        fault.rule,
        fault.at,
        message,
        row.get("instead", "").format(**words),
        words,
        ignored=row.get("ignored", False),
        sure=row.get("sure", True),
        by_model=rule.by_model,
    )


def _words(rule: _Rule, fault: Fault, view: RequestView) -> Mapping[str, object]:
    known = rule.row.get("if", {}).get("not_in", ())
    tool = next(iter(view.built_in), "")
    return {
        "model": bare(view.requested),
        "tool": tool,
        "tool_snake": snake(tool),
        "known": ", ".join(filter(None, map(str, known))),
        "enum_values": ", ".join(f"HarmCategory.{name}" for name in known),
        **fault.words,
    }


# --- checks that are functions ------------------------------------------------------------------------------------


def _contents(view: RequestView) -> Iterator[Fault]:
    if not view.contents:
        yield Fault("contents_missing", ("contents",))
    for index, content in enumerate(view.body.get("contents", ())):
        at = ("contents", index, "parts")
        if not content.get("parts"):
            yield Fault("parts_empty", at)
        for place, part in enumerate(content.get("parts", ())):
            if not part:
                yield Fault("part_empty", (*at, place, "data"))


def _safety(view: RequestView) -> Iterator[Fault]:
    seen: list[object] = []
    for at, category in _values(view.body, ("safetySettings", "[]", "category")):
        if category in seen and category and not isinstance(category, Later):
            yield Fault("safety_twice", at, {"value": category})
        seen.append(category)


def _schema(view: RequestView) -> Iterator[Fault]:
    if isinstance(schema := view.config.get("responseSchema"), Mapping):
        yield from refused.broken(schema, ("generationConfig", "responseSchema"))


def _declared(view: RequestView) -> list[tuple[At, Any]]:
    return _values(view.whole, ("tools", "[]", "functionDeclarations", "[]"))


_NAME = r"[A-Za-z_][\w.:-]{0,127}"


def _declarations(view: RequestView) -> Iterator[Fault]:
    for at, declaration in _declared(view):
        name = declaration.get("name", "")
        if not isinstance(name, Later) and not re.fullmatch(_NAME, name):
            yield Fault("function_name", (*at, "name"), {"value": name})
        if "parameters" in declaration:
            yield from refused.broken(declaration["parameters"], (*at, "parameters"), function=True)


_MEDIA = r"(image|audio|video|text|application)/[\w.+-]+"


def _media(view: RequestView) -> Iterator[Fault]:
    for at, part in _values(view.body, ("contents", "[]", "parts", "[]")):
        blob = part.get("inlineData")
        if blob is not None and not (blob.get("data") and blob.get("mimeType")):
            yield Fault("media_incomplete", (*at, "inlineData"))
            continue
        if str(part.get("fileData", {}).get("fileUri", "")).startswith("gs://"):
            yield Fault("media_storage", (*at, "fileData", "fileUri"))
        mime = str((blob or part.get("fileData") or {}).get("mimeType", ""))
        if blob is not None and not isinstance(blob["mimeType"], Later) and not re.match(_MEDIA, mime):
            yield Fault("mime_unsupported", (*at, "inlineData", "mimeType"), {"mime": mime})
        elif kind := _missing_input(mime, view.features):
            yield Fault("input_off", at, {"kind": kind, "Kind": kind.capitalize()})


def _missing_input(mime: str, features: frozenset[str]) -> str:
    """The kind of input that a model does not take; empty where nothing is known about its inputs."""
    kind = mime.partition("/")[0]
    listed = not features.isdisjoint({"image_in", "audio_out"})
    return kind if kind in ("image", "audio", "video") and listed and f"{kind}_in" not in features else ""


def _prefill(view: RequestView) -> Iterator[Fault]:
    contents = view.body.get("contents", ())
    if contents and contents[-1].get("role") == "model":
        yield Fault("prefill", ("contents", len(contents) - 1))


def _modalities(view: RequestView) -> Iterator[Fault]:
    asked = [str(modality) for modality in view.config.get("responseModalities", ())]
    features, at = view.features, ("generationConfig", "responseModalities")
    if view.facts is None or any(isinstance(item, Later) for item in view.config.get("responseModalities", ())):
        return
    if "audio_out" in features and "text_out" not in features:
        if asked != ["AUDIO"]:
            yield Fault("modalities", at, {"asked": ", ".join(asked) or "TEXT", "accepted": "AUDIO"})
    elif ("IMAGE" in asked and "image_out" not in features) or ("AUDIO" in asked and "audio_out" not in features):
        yield Fault("modalities", at, {"asked": ", ".join(asked), "accepted": "TEXT"})


_SIZES = ("512", "1K", "2K", "4K", "512P", "512PX")


def _images(view: RequestView) -> Iterator[Fault]:
    known = _document()["images"].get(undated(view.facts.name if view.facts else view.requested))
    config = view.config.get("imageConfig", {})
    ratio, size = config.get("aspectRatio"), config.get("imageSize")
    every = rules()["aspect_ratio"].row["if"]["not_in"]
    if known and ratio in every and ratio not in known["ratios"].split():
        at = ("generationConfig", "imageConfig", "aspectRatio")
        yield Fault("aspect_ratio_model", at, {"value": ratio, "known": known["ratios"].replace(" ", ", ")})
    if known and isinstance(size, str) and not isinstance(size, Later):
        yield from _image_size(size, known["sizes"], ("generationConfig", "imageConfig", "imageSize"))


def _image_size(size: str, known: str, at: At) -> Iterator[Fault]:
    if not known:
        yield Fault("image_size_ignored", at)
    elif size not in _SIZES:
        yield Fault("image_size", at, {"value": size})
    elif size.removesuffix("X").removesuffix("P") not in known.split():
        yield Fault("image_size_model", at, {"value": size, "known": known.replace(" ", ", ")})


def _format(view: RequestView) -> Iterator[Fault]:
    names = [
        name
        for name in ("responseSchema", "responseJsonSchema", "_responseJsonSchema", "responseFormat")
        if name in view.config
    ]
    if len(names) > 1:
        yield Fault("schema_twice", ("generationConfig", names[-1]), {"names": " and ".join(names)})


def _enum(view: RequestView) -> Iterator[Fault]:
    if view.mime == "text/x.enum" and not refused.is_enum(view.schema):
        yield Fault("enum_schema", ("generationConfig", "responseMimeType"))


def _json_schema(view: RequestView) -> Iterator[Fault]:
    found = view.requested_schema
    if found and "responseSchema" not in found.at and not isinstance(found.schema, Later):
        yield from refused.broken_json_schema(found.schema, found.at)


def _items_sum(view: RequestView) -> Iterator[Fault]:
    found = view.requested_schema
    if found and (count := refused.listed(found.schema)) > refused.MOST_ITEMS:
        yield Fault("schema_opaque", found.at, {"count": count, "most": refused.MOST_ITEMS})


def _ignored_keywords(view: RequestView) -> Iterator[Fault]:
    found = view.requested_schema
    if found and "responseSchema" not in found.at:
        yield from refused.ignored_keywords(found.schema, found.at)


def _functions(view: RequestView) -> Iterator[Fault]:
    for at, declaration in _declared(view):
        for names in (("parameters", "parametersJsonSchema"), ("response", "responseJsonSchema")):
            if set(names) <= set(declaration):
                yield Fault("schemas_twice", (*at, names[1]), {"names": " and ".join(names)})
        schema = declaration.get("parametersJsonSchema")
        if schema is not None and not isinstance(schema, Later):
            yield from refused.broken_json_schema(schema, (*at, "parametersJsonSchema"))


def _names(view: RequestView) -> Iterator[Fault]:
    seen: list[object] = []
    for at, declaration in _declared(view):
        name = declaration.get("name")
        if name in seen:
            yield Fault("duplicate_function", (*at, "name"), {"name": name})
        seen.append(name)
    for index, name in enumerate(view.calling.get("allowedFunctionNames", ())):
        if name not in seen and not any(isinstance(item, Later) for item in (name, *seen)):
            at = ("toolConfig", "functionCallingConfig", "allowedFunctionNames", index)
            yield Fault("allowed_functions", at, {"name": name, "known": ", ".join(map(str, seen))})


def _thinking(view: RequestView) -> Iterator[Fault]:
    found = (view.facts.thinking if view.facts else Thinking("unknown")).refusal(view.thinking)
    if found is not None:
        rule, words = found
        opaque = rule == "think_zero" and view.generation > (3, 1)
        yield Fault("think_zero_opaque" if opaque else rule, ("generationConfig", "thinkingConfig"), words)


def _history(view: RequestView) -> Iterator[Fault]:
    """Each call has a response, and on Gemini 3 the calls since the last user text have their signatures."""
    contents, before = view.contents, len(view.contents) - len(view.body.get("contents", ()))
    asked = max((n for n, content in enumerate(contents) if _role(content) != "model" and texts(content)), default=-1)
    waiting: list[Mapping[str, Any]] = []
    for position, content in enumerate(contents):
        calls = _calls(content)
        if calls and view.facts and view.requires_signatures and position > asked:
            yield from _signed(calls[0], position + 1, ("contents", position - before))
        waiting += (
            calls[_results([content]) :] if calls else ()
        )  # tools of MCP servers answer in the turn of their calls
        if waiting and (position + 1 == len(contents) or _role(contents[position + 1]) != "model"):
            yield from _answered(waiting, contents[position + 1 :], ("contents", position - before))
            waiting = []


def _role(content: Mapping[str, Any]) -> str:
    return str(content.get("role", "user"))


def _calls(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The calls in a turn of the model."""
    return [part for part in content.get("parts", ()) if "functionCall" in part] if _role(content) == "model" else []


def _signed(call: Mapping[str, Any], position: int, at: At) -> Iterator[Fault]:
    signature = call.get("thoughtSignature")
    if not signature:
        words = {"name": call["functionCall"].get("name", ""), "position": position}
        yield Fault("signature_missing", at, words)
    elif not isinstance(signature, Later) and corrupted(signature):
        yield Fault("signature_bad", at)


def _answered(calls: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], at: At) -> Iterator[Fault]:
    """There are as many results as calls, both in one turn or in several. No result at all is accepted too: the user changed the
    subject."""
    results = _results(takewhile(lambda content: content.get("role") != "model", after))
    if results and results != len(calls):
        yield Fault("response_parts", at, {"results": results, "calls": len(calls)})


def _results(contents: Iterable[Mapping[str, Any]]) -> int:
    """How many results of calls are in these turns."""
    return sum("functionResponse" in part for content in contents for part in content.get("parts", ()))


_CHECKS: Mapping[str, Callable[[RequestView], Iterator[Fault]]] = {
    "contents": _contents, "safety": _safety, "schema": _schema, "declarations": _declarations, "media": _media, "prefill": _prefill, "modalities": _modalities,
    "images": _images, "format": _format, "enum": _enum, "json_schema": _json_schema, "schema_items_sum": _items_sum,
    "ignored_keywords": _ignored_keywords, "functions": _functions, "names": _names, "thinking": _thinking, "history": _history,
}  # fmt: skip
