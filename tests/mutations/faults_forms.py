"""Faults of the form of a text: how it is written, what hides it, and what a program filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from harness.answer.reply import parts_of
from harness.text.jsontext import mapped, objects_in
from tests.mutations.draft import Draft, need
from tests.mutations.registry import fault


def _prose(d: Draft, least: int = 60) -> str:
    """The text of a whole answer in sentences, to a prompt that is not about texts for programs."""
    d.stopped()
    need(len(d.text) >= least and d.text.isascii() and re.search(r"(?:[a-z]+ ){6}[a-z]+[.!?]", d.text))
    need(not d.get("generationConfig", "responseMimeType") and "`" not in d.text)
    asked = json.dumps([d.get("contents"), d.get("systemInstruction")])
    need(not re.search(r"(?i)code|letter|style|program|html|json|error|spell|case|token|tag|web", asked))
    return d.text


def _each(d: Draft, change: Callable[[str], str]) -> None:
    """Change every piece of the text."""
    _prose(d)
    for part in d.parts("text"):
        part["text"] = change(part["text"])


@fault("text-form")
def capitals(d: Draft) -> None:
    need(len(re.findall("[a-z]{6}", _prose(d))) > 5)
    _each(d, str.upper)


@fault("text-form")
def small_letters(d: Draft) -> None:
    need(re.search(r"(?:[A-Za-z']+ ){9}[^.!?]{0,150}[.!?]", _prose(d)[:1000]))
    _each(d, str.lower)


@fault("text-form")
def blanks_doubled(d: Draft) -> None:
    need(len(re.findall(r"\w (?=\w)", _prose(d)[:900])) > 9)
    _each(d, lambda text: text.replace(" ", "  "))


@fault("text-form")
def letters_apart(d: Draft) -> None:
    _each(d, " ".join)


@fault("text-form")
def backwards(d: Draft) -> None:
    need(re.match(r"[A-Z][a-z]+ .*[a-z]\.\s*\Z", _prose(d)))
    d.write(d.text.strip()[::-1])


@fault("text-form")
def marks_of_a_tokenizer(d: Draft) -> None:
    mark = d.random.choice("\u2581\u0120")
    _each(d, lambda text: text.replace(" ", mark))


@fault("text-form")
def first_words_lost(d: Draft) -> None:
    found = re.match(r"[A-Z][a-z]* (?=[a-z]+ [a-z]+[ ,])", _prose(d))
    need(found and re.search(r"[.!?]\s+[A-Z]", d.text[:1000]) and not re.search(r"[a-z][.!?]\s+[a-z]", d.text))
    d.write(d.text[found.end() if found else 0 :])


@fault("unicode")
def another_code_page(d: Draft) -> None:
    d.stopped()
    page = d.random.choice(["cp437", "cp850", "mac_roman"])
    need(not d.text.isascii())
    d.write(d.text.encode().decode(page))


@fault("escaped-text")
def whole_text_in_hexadecimal(d: Draft) -> None:
    d.write(_prose(d).encode().hex())


@fault("escaped-text")
def text_as_an_argument(d: Draft) -> None:
    need('"' not in _prose(d))
    d.write(json.dumps({"response": d.text}))


@fault("escaped-text")
def line_of_a_log(d: Draft) -> None:
    d.write(f"2026-11-20 12:00:01 INFO proxy: {_prose(d)}")


@fault("escaped-text")
def section_of_xml(d: Draft) -> None:
    d.write(f"<![CDATA[{_prose(d)}]]>")


@fault("control-token")
def unused_token(d: Draft) -> None:
    d.write(_prose(d) + d.random.choice(["<unused94>", "<|return|>", "[INST]"]))


@fault("missing-value")
def digits_hidden(d: Draft) -> None:
    _prose(d)
    need(len(re.findall(r"(?<=[a-z] )\d+(?=[ ,;])", d.text)) > 2)
    d.write(re.sub(r"\d", "#", d.text))


@fault("missing-value")
def values_not_filled_in(d: Draft) -> None:
    call = d.call()
    need(any(isinstance(value, str) and value for value in call.get("args", {}).values()))
    need(len(d.parts("functionCall")) == 1 and not re.search("(?i)code|html|template|program", json.dumps(d.body)))
    call["args"] = mapped(call["args"], lambda value: "string" if isinstance(value, str) else value)


@fault("error-as-text")
def advertisement(d: Draft) -> None:
    need("http" not in json.dumps(d.body) and not any("groundingMetadata" in one for one in d.candidates()))
    d.write(f"{_prose(d)}\n\n---\nPowered by Free AI: https://ai.example.com")


@fault("prompt-repeated")
def question_for_an_answer(d: Draft) -> None:
    d.stopped()
    question = d.get("contents")[-1]["parts"][-1]["text"]
    need(len(question) > 30 and question.endswith("?") and len(d.get("contents")[-1]["parts"]) == 1 and _prose(d, 1))
    d.write(question)


@fault("text-twice")
def thought_twice(d: Draft) -> None:
    thoughts = d.parts("text", thought=True)
    need(len(d.events) == 1 and len(thoughts[0]["text"]) > 40)
    parts = parts_of(next(d.candidates()))
    parts.insert(0, dict(parts[parts.index(thoughts[0])]))


@fault("finish-reason")
def message_of_a_failure(d: Draft) -> None:
    d.stopped()
    d.last["finishMessage"] = "Internal error encountered."


@fault("part-kind")
def thought_emptied(d: Draft) -> None:
    d.stopped()
    d.parts("text", thought=True)[0]["text"] = ""


@fault("code-result")
def code_as_a_text(d: Draft) -> None:
    need(len(d.parts("executableCode")) == len(d.parts("codeExecutionResult")) == 1)
    d.stopped()
    need(d.one("codeExecutionResult")["codeExecutionResult"].get("outcome") == "OUTCOME_OK")
    code = d.one("executableCode")["executableCode"]
    code["code"] = json.dumps(code["code"])


@fault("grounding-chunks")
def suggestions_in_base64(d: Draft) -> None:
    found = [
        one["groundingMetadata"] for one in d.candidates() if "searchEntryPoint" in (one.get("groundingMetadata") or {})
    ]
    need(found and len(found[0]["searchEntryPoint"]["renderedContent"]) > 60)
    found[0]["searchEntryPoint"]["renderedContent"] = "PGRpdj48L2Rpdj4" * 6


@fault("grounding-uri")
def one_uri_for_all(d: Draft) -> None:
    chunks = d.grounding("groundingChunks")
    need(len(chunks) > 2 and all("web" in chunk for chunk in chunks))
    for chunk in chunks:
        chunk["web"]["uri"] = chunks[0]["web"]["uri"]


@fault("logprobs")
def log_probabilities_unasked(d: Draft) -> None:
    need(objects_in(d.last["logprobsResult"].get("chosenCandidates")))
    d.stopped()
    d.configure(responseLogprobs=None, logprobs=None)


@fault("error-envelope")
def candidates_beside_an_error(d: Draft) -> None:
    need(d.status >= 400 and isinstance(d.events[0].get("error"), dict))
    d.events[0]["candidates"] = []
