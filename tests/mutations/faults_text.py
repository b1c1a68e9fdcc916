"""Faults of the text: thoughts, JSON answers, encoding, loops."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from html import escape
from typing import Any

from harness.answer.reply import parts_of
from harness.gemini import schemas
from tests.mutations.draft import Draft, need
from tests.mutations.registry import fault

# --- thinking -----------------------------------------------------------------------------------------


def _think(d: Draft, **values: Any) -> None:
    d.put(values, "generationConfig", "thinkingConfig")


@fault("thinking-off")
def thinks_all_the_same(d: Draft) -> None:
    need(d.status == 200 and d.usage.get("thoughtsTokenCount"))
    _think(d, thinkingBudget=0)


@fault("thinking-budget")
def thinks_beyond_the_budget(d: Draft) -> None:
    need(d.status == 200 and d.usage.get("thoughtsTokenCount", 0) > 1)
    _think(d, thinkingBudget=d.random.randrange(1, d.usage["thoughtsTokenCount"]))


@fault("thoughts-unasked")
def thoughts_turned_off(d: Draft) -> None:
    d.parts("text", thought=True)
    _think(d, includeThoughts=False)


@fault("thoughts-unasked")
def thoughts_among_the_answer(d: Draft) -> None:
    d.stopped()
    _think(d, thinkingBudget=512)
    next(d.candidates())["content"]["parts"].insert(0, {"text": "I weigh the question.", "thought": True})


@fault("thoughts-missing")
def thoughts_lost(d: Draft) -> None:
    d.stopped()
    need(d.generation == (2, 5) and d.usage.get("thoughtsTokenCount"))
    _think(d, includeThoughts=True)
    for candidate in d.candidates():
        content = candidate.get("content") or {}
        content["parts"] = [part for part in content.get("parts", ()) if not part.get("thought")]


@fault("thoughts-missing")
def flag_of_thoughts_lost(d: Draft) -> None:
    d.stopped()
    need(d.generation >= (3, 0) and d.usage.get("thoughtsTokenCount"))
    _think(d, includeThoughts=True)
    for candidate in d.candidates():
        content = candidate.get("content") or {}
        content["parts"] = [part for part in content.get("parts", ()) if not part.get("thought")]
    part = d.parts("text")[0]
    part["text"] = f"**Weighing the Question**\n\nI look at what is asked.\n\n\n{part['text']}"


@fault("thinking-level")
def level_of_another_model(d: Draft) -> None:
    need(d.generation == (2, 5))
    _think(d, thinkingLevel="MINIMAL")


@fault("thought-leak")
def marker_of_thoughts(d: Draft) -> None:
    part = d.parts("text")[0]
    marker = d.random.choice(["THOUGHT: ", "<think>", "<thought>", "<thinking>\n", "<ctrl42>", "<unused94>"])
    part["text"] = marker + part["text"]


@fault("thought-repeated")
def thoughts_in_the_answer(d: Draft) -> None:
    thoughts = "".join(part["text"] for part in d.parts("text", thought=True))
    need(len(thoughts) >= 40 and d.last.get("finishReason") == "STOP" and not schemas.json_mode(d.body))
    part = d.parts("text")[0]
    part["text"] = thoughts + "\n\n" + part["text"]


@fault("thought-repeated")
def thoughts_are_the_answer(d: Draft) -> None:
    thoughts = "".join(part["text"] for part in d.parts("text", thought=True))
    need(len(thoughts) >= 40 and d.last.get("finishReason") == "STOP" and not schemas.json_mode(d.body))
    d.write(thoughts)


# --- JSON ---------------------------------------------------------------------------------------------


def _json(d: Draft) -> Any:
    """The JSON that the answer holds."""
    d.stopped()
    need(schemas.json_mode(d.body) and d.text and not any("functionCall" in str(one) for one in d.candidates()))
    try:
        return json.loads(d.text)
    except ValueError:
        need(False)


@fault("json-parses")
def fenced(d: Draft) -> None:
    _json(d)
    d.write(f"```json\n{d.text}\n```")


@fault("json-parses")
def introduced(d: Draft) -> None:
    _json(d)
    d.write(f"Here is the JSON requested:\n{d.text}")


@fault("json-parses")
def sent_twice(d: Draft) -> None:
    _json(d)
    d.write(f"{d.text}\n{d.text}")


@fault("26a-json-cut-stop", "json-parses")
def cut_under_stop(d: Draft) -> None:
    need(isinstance(_json(d), (dict, list)))
    d.write(d.text.rstrip()[: d.random.randrange(1, len(d.text.rstrip()))])


@fault("json-schema")
def required_key_missing(d: Draft) -> None:
    value = _json(d)
    required = (
        d.get("generationConfig", "responseSchema") or d.get("generationConfig", "responseJsonSchema") or {}
    ).get("required", ())
    del value[d.random.choice([key for key in required if key in value])]
    d.write(json.dumps(value))


@fault("json-schema")
def value_of_another_type(d: Draft) -> None:
    value = _json(d)
    schema = d.get("generationConfig", "responseSchema") or d.get("generationConfig", "responseJsonSchema") or {}
    known = {key: one for key, one in schema.get("properties", {}).items() if one.get("type") and key in value}
    key = d.random.choice(sorted(known))
    value[key] = [[value[key]]] if not isinstance(value[key], list) else "none"
    d.write(json.dumps(value))


@fault("json-order")
def keys_turned_round(d: Draft) -> None:
    value = _json(d)
    ordering = (d.get("generationConfig", "responseSchema") or {}).get("propertyOrdering", ())
    need(isinstance(value, dict) and len([key for key in ordering if key in value]) > 1)
    d.write(json.dumps(dict(reversed(value.items()))))


# --- encoding -----------------------------------------------------------------------------------------


@fault("unicode")
def half_an_emoji(d: Draft) -> None:
    need(d.status == 200)
    part = d.one("text")
    need(not schemas.json_mode(d.body))
    at = d.random.randrange(len(part["text"]) + 1)
    half = d.random.choice(["\ud83d", "\ude00"])
    part["text"] = part["text"][:at] + half + part["text"][at:]
    events = d.events if d.form != "json" else d.events[:1]
    text = [json.dumps(event) for event in events]
    d.raw = {
        "sse": "".join(f"data: {one}\r\n\r\n" for one in text),
        "array": f"[{','.join(text)}]",
    }.get(d.form, text[0]).encode()


@fault("unicode")
def mojibake(d: Draft) -> None:
    need(d.status == 200 and sum(ord(letter) > 0x7F for letter in d.text) >= 2)
    for part in d.parts("text"):
        part["text"] = part["text"].encode().decode("latin-1")


@fault("17a-mojibake-stream", "unicode")
def mojibake_in_a_stream(d: Draft) -> None:
    need(d.streams and d.status == 200)
    letters = d.random.choice(["你好世界", "Привет, мир", "Zażółć gęślą jaźń", "안녕하세요"])
    part = d.one("text")
    part["text"] += letters.encode().decode("latin-1")


# --- loops --------------------------------------------------------------------------------------------


@fault("text-loop")
def line_in_a_loop(d: Draft) -> None:
    need(d.last and not schemas.json_mode(d.body))
    line = d.random.choice(["- the harbour", "I will now answer the question.", "0", "| a | b |"])
    d.write(d.text + f"\n{line}" * d.random.randint(40, 200))


@fault("text-loop")
def sentence_in_a_loop(d: Draft) -> None:
    need(d.last and not schemas.json_mode(d.body))
    sentence = d.random.choice(["The ship sails at dawn. ", "Please wait while I look it up. ", "No, that is wrong. "])
    d.write(d.text + " " + sentence * d.random.randint(40, 120))


@fault("text-loop")
def element_in_a_loop(d: Draft) -> None:
    value = _json(d)
    lists = [key for key, one in value.items() if isinstance(one, list) and one]
    key = d.random.choice(lists)
    value[key] += [value[key][-1]] * d.random.randint(40, 120)
    d.write(json.dumps(value))


# --- what is left in a text ---------------------------------------------------------------------------------------


def _plain_text(d: Draft) -> str:
    d.stopped()
    need(len(d.text) > 60 and not d.get("generationConfig", "responseMimeType"))
    return d.text


@fault("escaped-text")
def entities(d: Draft) -> None:
    need(sum(map(_plain_text(d).count, "<>&\"'")) > 1)
    for part in d.parts("text"):
        part["text"] = escape(part["text"])


@fault("escaped-text")
def ends_of_lines_as_two_characters(d: Draft) -> None:
    need(_plain_text(d).strip().count("\n") > 1 and "`" not in d.text)
    for part in d.parts("text"):
        part["text"] = part["text"].replace("\n", "\\n")


@fault("control-token")
def token_of_a_template(d: Draft) -> None:
    _plain_text(d)
    d.parts("text")[-1]["text"] += d.random.choice(["<end_of_turn>", "<|im_end|>", "<eos>", "</s>", "<|endoftext|>"])


@fault("stop-sequence")
def stop_sequence_passed_over(d: Draft) -> None:
    start = d.random.randrange(5, len(_plain_text(d)) - 20)
    need(d.text[start : start + 8].strip())
    d.configure(stopSequences=["\n\nEND", d.text[start : start + 8]])


@fault("text-twice")
def whole_text_twice(d: Draft) -> None:
    need(not d.streams and len(set(_plain_text(d).split())) > 3)
    d.write(d.text + d.random.choice(["", "\n", "\n\n"]) + d.text)


@fault("json-parses", "json-parses json-schema")
def json_in_a_json_text(d: Draft) -> None:
    d.stopped()
    need(d.get("generationConfig", "responseMimeType") == "application/json" and d.text.lstrip()[:1] in "{[")
    d.write(json.dumps(d.text))


@fault("text-per-token")
def most_of_the_text_lost(d: Draft) -> None:
    need(d.usage.get("candidatesTokenCount", 0) > 150 and not d.get("tools") and _plain_text(d))
    need(all("text" in part for candidate in d.candidates() for part in parts_of(candidate)))
    d.write(d.text[:30])


@fault("error-as-text")
def error_for_an_answer(d: Draft) -> None:
    _plain_text(d)
    need("rror" not in json.dumps(d.body))
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    d.write(d.random.choice(["Error: 429 Too Many Requests", "502 Bad Gateway", json.dumps(error)]))


@fault("prompt-repeated", "prompt-repeated thought-repeated")
def prompt_before_the_answer(d: Draft) -> None:
    last = d.get("contents")[-1]["parts"][-1]["text"].strip()
    need(len(last) >= 60 and len(_plain_text(d)) > 60)
    d.write(f"{last}\n{d.text}")


@fault("thought-leak")
def end_of_thoughts(d: Draft) -> None:
    need("think>" not in json.dumps(d.body))
    d.write(f"The user asks for it.\n</think>\n{_plain_text(d)}")


@fault("thought-leak")
def name_of_the_role(d: Draft) -> None:
    d.write(d.random.choice(["assistant\n", "model\n", "model: "]) + _plain_text(d))


@fault("control-token")
def end_of_another_stream(d: Draft) -> None:
    d.write(f"{_plain_text(d)}data: [DONE]")


@fault("escaped-text", "escaped-text json-parses")
def whole_text_in_base64(d: Draft) -> None:
    need("ase64" not in json.dumps(d.body))
    d.write(b64encode(_plain_text(d).encode()).decode())


@fault("escaped-text")
def ends_of_lines_lost(d: Draft) -> None:
    need(len(_plain_text(d)) > 400 and sum(map(d.text.count, ("\n* **", "\n*   **", "\n## ", "\n### "))) > 3)
    d.write(d.text.replace("\n", " "))


@fault("unicode")
def question_marks_for_accents(d: Draft) -> None:
    need("`" not in _plain_text(d) and len(re.findall("[A-Za-z][\xe0-\xff][a-z]", d.text)) > 3)
    d.write("".join(character if character.isascii() else "?" for character in d.text))
