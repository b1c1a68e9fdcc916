"""The pure core: a normalised request in, an answer out. No network, no clock, no state.

``answer`` decides what is said (block, call, code, JSON, text), how much was thought, where a limit cuts it off, and counts it all.
"""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.simulator import functions, grounding, images, marks, world
from harness.simulator.knowledge import Known, recall
from harness.simulator.manners import Manners, manners
from harness.simulator.refusing import check
from harness.simulator.request import Ask, texts
from harness.simulator.seed import Seed
from harness.simulator.structured import Source, keys_asked, obey
from harness.simulator.thinking import Thoughts, think
from harness.simulator.tokens import clip, details, part_tokens, tally, tokens, value_tokens

CALLED = "Model generated function call(s)."
_URL = re.compile(r"https?://[^\s\"'<>)\]]+[^\s\"'<>)\].,;:!?]")
_CODE = re.compile(
    r"\b(?:code|python|calculate|compute|script|program|run|sum|prime|fibonacci|factorial)\b|\d\s*[-+*/×^]\s*\d",
    re.IGNORECASE,
)
_NAME_IS = re.compile(r"\b(?:my name is|i am called|call me)\s+([A-Z]\w+)", re.IGNORECASE)
_NAME_ASKED = re.compile(r"\bwhat(?:'s| is) my name\b|\bwho am i\b", re.IGNORECASE)
_PAGE_TOKENS = 640


@dataclass(frozen=True, slots=True)
class Said:
    """What the model produced, before limits: parts of the answer and what came with them. ``tool_tokens`` are those of
    built-in tool results."""

    parts: Sequence[Mapping[str, Any]]
    finish: str = "STOP"
    message: str = ""
    grounding: Mapping[str, Any] | None = None
    url_context: Mapping[str, Any] | None = None
    tool_tokens: int = 0
    ratings: Sequence[Mapping[str, Any]] = ()
    citations: Sequence[Mapping[str, Any]] = ()

    @property
    def called(self) -> bool:
        return any("functionCall" in part for part in self.parts)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate as it is sent. ``signature`` signs an answer without calls (it stands on its last part)."""

    said: Said
    thoughts: Thoughts
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Counts are tokens by modality; ``blocked`` is the ``promptFeedback`` of a blocked prompt."""

    model: str
    response_id: str
    candidates: Sequence[Candidate]
    prompt: Mapping[str, int]
    cached: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, Any] | None = None
    tier: str = "standard"
    lists_candidates: bool = False
    """Whether ``candidatesTokensDetails`` is sent: image models only."""

    @property
    def thoughts(self) -> int:
        return sum(candidate.thoughts.tokens for candidate in self.candidates)

    @property
    def tool_tokens(self) -> int:
        return sum(candidate.said.tool_tokens for candidate in self.candidates)

    @property
    def output(self) -> dict[str, int]:
        """Tokens of the answer itself, by modality."""
        return tally(part for candidate in self.candidates for part in candidate.said.parts)


def answer(ask: Ask, seed: Seed, *, stream: bool = False, scripted: Said | None = None) -> Answer:
    """The answer to a request; ``scripted`` is what a rule says instead. Raises ``Refusal`` where the API would answer so."""
    check(ask, stream)
    prompt = functions.question(ask)
    empty = Answer(ask.facts.name, seed.response_id(), (), ask.prompt_tokens(), ask.cached_tokens(), tier=_tier(ask))
    if reason := marks.block(prompt):
        return replace(empty, blocked=_feedback(reason))
    seeds = [
        seed,
        *(Seed.of(seed.bytes("candidate", 16), str(n)) for n in range(1, ask.config.get("candidateCount", 1))),
    ]
    candidates = [_candidate(ask, prompt, each, scripted) for each in seeds]
    return replace(empty, candidates=candidates, lists_candidates=images.makes(ask))


def count(ask: Ask) -> dict[str, Any]:
    """What ``countTokens`` answers."""
    counts = ask.prompt_tokens()
    return {"totalTokens": sum(counts.values()), "promptTokensDetails": details(counts)}


def _tier(ask: Ask) -> str:
    tier = str(ask.body.get("serviceTier", "standard"))
    return "standard" if tier == "unspecified" else tier


def _feedback(reason: str) -> dict[str, Any]:
    return (
        {"blockReason": reason, "safetyRatings": marks.ratings("HIGH")}
        if reason == "SAFETY"
        else {"blockReason": reason}
    )


def _candidate(ask: Ask, prompt: str, seed: Seed, scripted: Said | None) -> Candidate:
    said = scripted or _say(ask, prompt, seed)
    thoughts = think(ask.facts, ask.thinking, _topic(prompt), seed)
    said, thoughts = _limited(ask, _stopped(ask, said), thoughts)
    return _signed(ask, Candidate(said, thoughts), seed)


def _signed(ask: Ask, candidate: Candidate, seed: Seed) -> Candidate:
    """Gemini 3 signs the first call always, 2.5 where it thought; an answer without calls is signed where 3.x thought."""
    said = candidate.said
    if said.called and (ask.signs or candidate.thoughts.tokens):
        first = next(index for index, part in enumerate(said.parts) if "functionCall" in part)
        parts = [
            {**part, "thoughtSignature": seed.signature("call")} if n == first else part
            for n, part in enumerate(said.parts)
        ]
        return replace(candidate, said=replace(said, parts=parts))
    if ask.signs and candidate.thoughts.tokens and said.finish == "STOP" and said.parts and not said.called:
        return replace(candidate, signature=seed.signature("answer"))
    return candidate


# --- what is said -------------------------------------------------------------------------------------


def _say(ask: Ask, prompt: str, seed: Seed) -> Said:
    if finish := marks.finish(prompt):
        return Said(
            (), finish, marks.MESSAGES.get(finish, ""), ratings=marks.ratings("HIGH") if finish == "SAFETY" else ()
        )
    if images.makes(ask):
        return Said(images.parts(ask, prompt, seed), "STOP")
    if made := functions.calls(ask, prompt, seed):
        return Said(_call_parts(ask, made, seed), "STOP", CALLED)
    manner = manners(ask.system, prompt)
    known = _known(ask, prompt)
    if ask.mime != "text/plain":
        return _searched(ask, prompt, Said([{"text": _formatted(ask, prompt, manner, known, seed)}]), known, seed)
    if functions.responses(ask):
        return Said([{"text": manner.fixed or manner.dress(functions.about_results(ask))}])
    if "codeExecution" in ask.tools and _CODE.search(prompt):
        return _computed(ask, prompt, manner, known, seed)
    return _searched(ask, prompt, Said([{"text": _text(ask, prompt, manner, known, seed)}]), known, seed)


def _call_parts(ask: Ask, made: Sequence[Mapping[str, Any]], seed: Seed) -> list[dict[str, Any]]:
    if not ask.signs:
        return [{"functionCall": dict(call)} for call in made]
    return [{"functionCall": {**call, "id": seed.call_id(f"call {n}")}} for n, call in enumerate(made)]


def _known(ask: Ask, prompt: str) -> Known | None:
    if _NAME_ASKED.search(prompt):
        for content in reversed(ask.contents):
            if found := _NAME_IS.search(texts(content)):
                return Known(found[1], f"Your name is {found[1]}.", facts={"name": found[1]})
    return recall(prompt)


def _text(ask: Ask, prompt: str, manner: Manners, known: Known | None, seed: Seed) -> str:
    if manner.fixed:
        return manner.fixed
    if manner.json:
        return _json_text(ask, prompt, known, seed)
    if known is None:
        return manner.dress(_unknown(ask, prompt, manner, seed))
    if manner.short and not known.items:
        return manner.dress(
            known.short.replace(" ", "\u00a0") if manner.one_word and " " in known.short else known.short
        )
    return manner.dress(_cited(known, manner) if "googleSearch" in ask.tools else known.sentence(manner.language))


def _cited(known: Known, manner: Manners) -> str:
    """A searched answer says a little more: the second sentence, or who confirms the first."""
    sources = ", ".join(known.domains or grounding.FALLBACK[:2])
    more = (
        known.more
        if manner.language == "en" and known.more
        else world.CONFIRMED[manner.language].format(sources=sources)
    )
    gap = "" if manner.language in ("ja", "zh") else " "
    return known.sentence(manner.language) + gap + more


def _unknown(ask: Ask, prompt: str, manner: Manners, seed: Seed) -> str:
    """What is said where nothing is known: that it is simulated, and the topic back."""
    topic = _topic(prompt)
    if manner.number:
        return str(seed.between("number", 1, 100))
    if manner.one_word:
        return topic.split()[-1]
    if manner.language != "en":
        return (
            world.ANSWER_IS[manner.language].format(short=topic)
            + " "
            + world.CONFIRMED[manner.language].format(sources="simulator.invalid")
        )
    media = [kind.lower() for kind, _ in map(part_tokens, _last_parts(ask)) if kind != "TEXT"]
    seen = f" I was given {' and '.join(media)} input with it." if media else ""
    ending = seed.choose("ending", _ENDINGS)
    return f"This is a simulated answer about {topic}.{seen} {ending}"


_ENDINGS = (
    "A real model would say more about it here.",
    "It stands in for what a real model would say.",
    "Its wording is made up; its shape is the API's own.",
    "Point the same request at a real endpoint to read a real answer.",
)


def _last_parts(ask: Ask) -> Sequence[Mapping[str, Any]]:
    turns = [content for content in ask.contents if content.get("role", "user") != "model"]
    found: Sequence[Mapping[str, Any]] = turns[-1].get("parts", ()) if turns else ()
    return found


def _topic(prompt: str) -> str:
    words = re.findall(r"[^\W_][\w'’-]*", prompt)[:12]
    return " ".join(words) or "nothing in particular"


# --- JSON and words -----------------------------------------------------------------------------------


def _formatted(ask: Ask, prompt: str, manner: Manners, known: Known | None, seed: Seed) -> str:
    """The text of JSON mode (two spaces of indent, as Gemini mostly writes) or of an enum."""
    source = Source.of(_reading(ask, prompt), seed, known or _fixed_known(manner))
    if ask.mime == "text/x.enum":
        return str(obey(ask.schema, source))
    if ask.schema is not None:
        return _written(obey(ask.schema, source))
    return _json_text(ask, prompt, known, seed)


def _reading(ask: Ask, prompt: str) -> str:
    """What a structured answer is read from: the question, results of calls, and what a file or an earlier turn said."""
    results = [functions.said(each) for each in functions.responses(ask)]
    earlier = [texts(content) for content in ask.contents if content.get("role", "user") != "model"]
    return "\n".join([prompt, *results, *(text for text in earlier if text != prompt)])


def _fixed_known(manner: Manners) -> Known | None:
    return Known(manner.fixed, manner.fixed) if manner.fixed else None


def _json_text(ask: Ask, prompt: str, known: Known | None, seed: Seed) -> str:
    schema = _schema_in(ask.system) or _schema_in(prompt)
    if schema is not None:
        return _written(obey(schema, Source.of(_reading(ask, prompt), seed, known)))
    names = keys_asked(prompt) or keys_asked(ask.system)
    if names:
        properties = {name: {"type": "string"} for name in names}
        return _written(
            obey({"type": "object", "properties": properties, "required": names}, Source.of(prompt, seed, known))
        )
    if known and known.items:
        return _written(list(known.items))
    return _written({"answer": known.short if known else f"This is a simulated answer about {_topic(prompt)}."})


def _schema_in(text: str) -> Any:
    """A JSON schema that stands in a text; None where there is none."""
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and "properties" in value:
            return value
        start = text.find("{", start + 1)
    return None


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


# --- built-in tools -----------------------------------------------------------------------------------


def _searched(ask: Ask, prompt: str, said: Said, known: Known | None, seed: Seed) -> Said:
    """Grounding for a text answer, where a tool that grounds was offered."""
    text = said.parts[0]["text"]
    urls = _URL.findall(prompt)[:20] if "urlContext" in ask.tools else []
    if urls:
        pages = {
            "urlMetadata": [{"retrievedUrl": url, "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"} for url in urls]
        }
        return replace(
            said, grounding=grounding.pages(text, urls), url_context=pages, tool_tokens=_PAGE_TOKENS * len(urls)
        )
    if "googleMaps" in ask.tools:
        return replace(
            said, grounding=grounding.maps(text, prompt, seed, widget=bool(ask.tools["googleMaps"].get("enableWidget")))
        )
    if "googleSearch" in ask.tools and text:
        found = grounding.search(prompt, text, known.domains if known else (), seed)
        return replace(said, grounding=found, tool_tokens=0 if ask.signs else 40 + seed.number("search") % 60)
    return said


def _computed(ask: Ask, prompt: str, manner: Manners, known: Known | None, seed: Seed) -> Said:
    """Code, its result, and a sentence on it. Gemini 3 numbers both; the result counts as tool use."""
    result = known.short if known else str(seed.between("result", 2, 1000))
    code = (
        f"result = {result}\nprint(result)\n"
        if known is None
        else f"# {_topic(prompt)}\nresult = {_literal(result)}\nprint(result)\n"
    )
    number = {"id": f"call_{seed.between('code', 10000, 99999)}"} if ask.signs else {}
    sentence = known.sentence(manner.language) if known and not manner.short else result
    parts: list[dict[str, Any]] = [
        {"executableCode": {"language": "PYTHON", "code": code, **number}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": f"{result}\n", **number}},
        {"text": manner.fixed or manner.dress(sentence)},
    ]
    return Said(parts, tool_tokens=tokens(code) + tokens(result) + value_tokens(number))


def _literal(text: str) -> str:
    return text if re.fullmatch(r"-?\d+(\.\d+)?", text) else repr(text)


# --- limits -------------------------------------------------------------------------------------------


def _stopped(ask: Ask, said: Said) -> Said:
    """The answer up to the first stop sequence, which is left out."""
    stops = [stop for stop in ask.config.get("stopSequences", ()) if stop]
    kept: list[Mapping[str, Any]] = []
    for part in said.parts if stops else ():
        text = part.get("text", "")
        cut = min((at for stop in stops if (at := text.find(stop)) >= 0), default=-1)
        if cut >= 0:
            kept += [{**part, "text": text[:cut]}] if cut else []
            return _reground(replace(said, parts=kept))
        kept.append(part)
    return said


def _limited(ask: Ask, said: Said, thoughts: Thoughts) -> tuple[Said, Thoughts]:
    """What fits into ``maxOutputTokens``: thoughts first, then the answer; what does not fit ends as MAX_TOKENS."""
    most = min(ask.config.get("maxOutputTokens", ask.facts.output_tokens), ask.facts.output_tokens)
    if thoughts.tokens >= most:
        summary = thoughts.summary
        return Said((), "MAX_TOKENS"), Thoughts(most, clip(summary, most))
    left = most - thoughts.tokens
    if "image_out" in ask.facts.features:
        return said, thoughts
    kept: list[Mapping[str, Any]] = []
    for part in said.parts:
        size = part_tokens(part)[1]
        if size > left:
            text = clip(part["text"], left) if "text" in part else ""
            kept += [{**part, "text": text}] if text else []
            return _reground(replace(said, parts=kept, finish="MAX_TOKENS", message="")), thoughts
        left -= size
        kept.append(part)
    return said, thoughts


def _reground(said: Said) -> Said:
    """Supports that point past the end of a cut text are gone."""
    if not said.grounding:
        return said
    size = len("".join(part.get("text", "") for part in said.parts).encode())
    inside = [each for each in said.grounding.get("groundingSupports", ()) if each["segment"]["endIndex"] <= size]
    rest = {key: value for key, value in said.grounding.items() if key != "groundingSupports"}
    return replace(said, grounding={**rest, "groundingSupports": inside} if inside else rest)
