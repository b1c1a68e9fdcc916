"""Function calling: the calls of a turn, in their order, with those that wait for the results of others."""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile, pairwise, takewhile
from typing import Any, NamedTuple

from harness.simulator.arguments import build_calls, gives_all, lacking, parameters
from harness.simulator.arithmetic import chained
from harness.simulator.background import background
from harness.simulator.function_choice import (
    OPERATIONS,
    STEP,
    Declaration,
    best,
    is_instructed,
    is_named,
    name_stems,
    needed,
    score,
    stem_of,
)
from harness.simulator.function_results import finding, in_words, responses, words_of_result
from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import words_of
from harness.simulator.request import Ask, texts
from harness.simulator.seed import Seed

MOST_CALLS = 8
_REFRAINS = re.compile(
    r"\b(?:without|do not|don't|don’t|never) (?:call|us)(?:e|ing)?\b(?! any other| other| more)[^.]{0,25}\b(?:tool|function|it)s?\b|\bno tools?\b"
    r"|\bwithout calling\b|(?-i:\b(?:[Rr]eply|[Rr]espond|[Aa]nswer) (?:with )?exactly:? (?=[\"'“A-Z]))",
    re.IGNORECASE,
)
_PAST = re.compile(r"\b(?:earlier|previously|already)\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"(?<=[.?!;])\s+|\n|,? (?:and )?then |,? and (?=\w+ (?:if |whether |that )?(?:it|that|the result)\b)"
)
_DEPENDS = re.compile(
    r"\b(?:that|the|this|its)\s+(?:\w+\s)?(?:result|sum|difference|product|quotient|number|value|answer|output|total)\b|(?<=\bfrom )it\b"
    r"|(?<=\bwith )it\b|(?<=\bto )it\b|(?<=\bby )it\b",
    re.IGNORECASE,
)
"""Words for the result of another call."""
_REPORTS = re.compile(
    r"^\W*(?:and )?(?:reply|respond|answer|report|state|tell|say|return|output|remember|show|give|write|print|submit|line|if)\b|<[^>]*>",
    re.IGNORECASE,
)
"""A clause about what to do with a result, or one that only shows its place."""
_REDIRECTS = re.compile(r"\b(?:instead|try again|retry)\b", re.IGNORECASE)
_TIMES = {"once": 1, "twice": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_WORDS, _DIGIT = re.compile(r"[^\W\d_]+"), re.compile(r"\d")
_OFTEN = re.compile(rf"\b({'|'.join(_TIMES)}|[2-6])\b", re.IGNORECASE)


def calls(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The ``functionCall`` objects (name and args) of this turn; empty if the model answers with text."""
    return [_concluded(ask, call) for call in _chosen(ask, prompt, seed)]


def _concluded(ask: Ask, call: dict[str, Any]) -> dict[str, Any]:
    """A call that ends the work, such as *submit*, has what was found as its only argument, unless the question quotes it."""
    found = finding(ask) if _ENDS.search(call["name"]) else ""
    [(name, value)] = call["args"].items() if len(call["args"]) == 1 else [("", None)]
    quoted = value in [mention.value for mention in mentions("quote", ask.question)]
    return {**call, "args": {name: found}} if found and isinstance(value, str) and not quoted else call


_ENDS = re.compile(r"^(?:submit|finish|conclude|done)(?:_|$)|final_?(?:answer|result)", re.IGNORECASE)
"""Names of functions that end the work of an agent."""


def _chosen(ask: Ask, prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls with the arguments that the prompt gives."""
    mode = ask.calling.get("mode", "AUTO")
    if not ask.declarations or mode == "NONE":
        return []
    allowed = ask.calling.get("allowedFunctionNames") or [declaration.get("name") for declaration in ask.declarations]
    offered = [declaration for declaration in ask.declarations if declaration.get("name") in allowed]
    if mode != "ANY" and _refrains(ask, prompt, offered):
        return []
    if responses(ask):
        return _again(ask, offered, prompt, seed) if mode == "ANY" else _left(ask, offered, prompt, seed)
    if (chain := chained(ask, offered, prompt)) is not None:
        return chain
    plan = [step for step in planned(ask, offered, prompt) if step.ready]
    plan = plan or [
        PlannedCall(one, prompt if parameters(one) else "") for one in offered if is_instructed(one, ask.system, prompt)
    ]
    if not plan and mode == "ANY":
        ending = [one for one in offered if finding(ask) and _ENDS.search(str(one.get("name", "")))]
        plan = [PlannedCall(max(ending or offered, key=lambda declaration: score(declaration, prompt)), prompt)]
    earlier = background(ask) if plan else ""
    return [call for step in plan for call in _made(step, earlier, seed)][:MOST_CALLS]


def _made(step: PlannedCall, earlier: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls of a step. A function without parameters is called as often as the text says."""
    found = build_calls(step.declaration, step.text, earlier, seed)
    often = _OFTEN.search(step.text) if not parameters(step.declaration).get("properties") else None
    return found * (_TIMES.get(often[1].lower()) or int(often[1])) if often else found


def _made_calls(ask: Ask) -> list[Mapping[str, Any]]:
    """The calls since the user's last question; what follows the last turn of the model is no question."""
    turns = dropwhile(lambda content: content.get("role", "user") != "model", reversed(ask.contents))
    since = takewhile(lambda content: not _asks(content), turns)
    parts = (part for content in since for part in content.get("parts", ()))
    return [part["functionCall"] for part in parts if "functionCall" in part]


def _asks(content: Mapping[str, Any]) -> bool:
    """Whether a turn is a question of the user, not a note in ``<system>`` tags or a result."""
    text = texts(content).strip()
    return content.get("role", "user") != "model" and bool(text) and not text.startswith("<system>")


def _refrains(ask: Ask, prompt: str, offered: Sequence[Declaration]) -> bool:
    """Whether the prompt forbids calls, or asks for what an earlier call has found."""
    if _PAST.search(prompt) and any("functionCall" in part for part in ask.parts) and not responses(ask):
        return True
    named = any(is_named(str(one.get("name", "")), prompt) for one in offered)
    found = _REFRAINS.search(prompt)
    return found is not None and (not named or "exactly" not in found[0])


# --- after results ------------------------------------------------------------------------------------


def _left(ask: Ask, offered: Sequence[Declaration], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls that the prompt needs and that were not made yet: first those that wait for nothing; then one that a result asks for."""
    if (chain := chained(ask, offered, prompt)) is not None:
        return chain
    earlier = background(ask)
    if again := [one for one in offered if one.get("name") in _failed_once(ask)]:
        return [call for one in again for call in build_calls(one, prompt, earlier, seed)][:1]
    result = words_of_result(responses(ask)[-1])
    steps = [resumed for step in planned(ask, offered, prompt) if (resumed := _resumed(step, result)).text]
    made = [(step, call) for step in steps for call in _made(step, earlier, seed)]
    left = list(_not_made(made, _made_calls(ask)))
    ready = [call for step, call in left if step.ready]
    return ready or [call for _, call in left[:1]] or _redirected(ask, offered, seed)


def _not_made(
    steps: Sequence[tuple[PlannedCall, dict[str, Any]]], made: list[Mapping[str, Any]]
) -> Iterator[tuple[PlannedCall, dict[str, Any]]]:
    """The planned calls without those that were made: of this function, or of another with the same arguments."""
    for step, call in steps:
        same = [one for one in made if call["args"] and one.get("args") == call["args"]]
        done = next(iter([*same, *(one for one in made if one.get("name") == call["name"])]), None)
        if done is None:
            yield step, call
        else:
            made.remove(done)


def _resumed(step: PlannedCall, result: str) -> PlannedCall:
    """The step with a result in place of the words that stand for it, or as the argument that was missing."""
    if step.waits and step.waits == step.text:
        return step._replace(text=_branch(step.text, result))
    text = step.text.replace(step.waits, result) if step.waits else step.text
    text += f"\n{step.lacks}: {result}" if step.lacks else ""
    return step._replace(text=text)


def _redirected(ask: Ask, offered: Sequence[Declaration], seed: Seed) -> list[dict[str, Any]]:
    """A call that a result asks for, of the same function if it names no other: *use the other one instead*."""
    result, made = words_of_result(responses(ask)[-1]), _made_calls(ask)
    if not _REDIRECTS.search(result):
        return []
    chosen = best(offered, result) or [one for one in offered if made and one.get("name") == made[0].get("name")]
    found = [call for one in chosen for call in build_calls(one, result, "", seed)]
    return [call for call in found if call["args"] not in [one.get("args") for one in made]][:1]


def _failed_once(ask: Ask) -> set[str]:
    """Functions whose first result is an error. The model tries those once more."""
    failed = [str(result.get("name")) for result in responses(ask) if "error" in (result.get("response") or {})]
    called = Counter(call.get("name") for call in _made_calls(ask))
    return {name for name in failed if called[name] == 1}


def _again(ask: Ask, offered: Sequence[Declaration], prompt: str, seed: Seed) -> list[dict[str, Any]]:
    """In mode ANY the model calls a function after results too: one that was not called yet, if possible."""
    done = {call.get("name") for call in _made_calls(ask)}
    fresh = [declaration for declaration in offered if declaration.get("name") not in done] or list(offered)
    known = prompt + "\n" + "\n".join(in_words(response) for response in responses(ask))
    return build_calls(max(fresh, key=lambda declaration: score(declaration, prompt)), known, "", seed)[:1]


# --- the plan -----------------------------------------------------------------------------------------


class PlannedCall(NamedTuple):
    """A function to call, and the text that its arguments come from. ``waits``: the words of the text that stand for the result of another
    call. ``lacks``: the argument that only a result can give."""

    declaration: Declaration
    text: str
    waits: str = ""
    lacks: str = ""

    @property
    def ready(self) -> bool:
        """Whether the call waits for nothing."""
        return not self.waits and not self.lacks


def planned(ask: Ask, offered: Sequence[Declaration], prompt: str) -> list[PlannedCall]:
    """The calls that the prompt needs, in the order of the declarations."""
    chosen = best(offered, prompt) or (needed(offered, prompt) if set(ask.tools) == {"functionDeclarations"} else [])
    steps = [step for declaration in chosen for step in _steps(declaration, chosen, prompt)]
    steps = [step._replace(lacks=lacking(step.declaration, prompt)) if step.ready else step for step in steps]
    steps = [*_finding_out(steps, offered, prompt), *steps]
    ready = any(step.ready for step in steps)
    return _after_condition(steps, prompt) if ready else [PlannedCall(step.declaration, prompt) for step in steps]


def _finding_out(steps: Sequence[PlannedCall], offered: Sequence[Declaration], prompt: str) -> Iterator[PlannedCall]:
    """The call of a function that finds out what another one lacks: *get_user_id* for a *user_id*."""
    for step in steps:
        wanted = set(words_of(step.lacks))
        for one in offered if wanted else ():
            named = set(words_of(str(one.get("name", ""))))
            if wanted < named and one not in [other.declaration for other in steps] and gives_all(one, prompt):
                yield PlannedCall(one, prompt)


_IF = re.compile(
    r"\bif (?P<condition>[^,]{0,200}?)(?:,| then) ?(?P<then>.*?)(?:[,.;]? (?:otherwise|else|if not),? (?P<other>.*))?$",
    re.IGNORECASE | re.DOTALL,
)
_MORE = re.compile(r"\b(?:warmer|hotter|above|over|more|greater|higher|exceeds)\b", re.IGNORECASE)
_LESS = re.compile(r"\b(?:colder|cooler|below|under|less|lower|smaller)\b", re.IGNORECASE)


def _after_condition(steps: list[PlannedCall], prompt: str) -> list[PlannedCall]:
    """The calls that a condition needs, and the others, which wait for it: *if it is warmer than 20 degrees, open the window*."""
    found = _IF.search(prompt)
    first = [step for step in steps if found and score(step.declaration, found["condition"]) >= 2]
    if not found or not 0 < len(first) < len(steps):
        return steps
    rest = [step._replace(text=found[0], waits=found[0]) for step in steps if step not in first]
    return [*(step._replace(text=found["condition"]) for step in first), *rest]


def _branch(text: str, result: str) -> str:
    """What to do by the result of a condition: the text after it or after *otherwise*; empty if there is nothing to do."""
    found = _IF.search(text)
    limits, figures = (mentions("number", words) for words in (found["condition"] if found else "", result))
    if not found or not (limits and figures):
        return found["then"] if found else ""
    above, below = figures[0].value > limits[0].value, figures[0].value < limits[0].value
    holds = (
        above
        if _MORE.search(found["condition"])
        else below
        if _LESS.search(found["condition"])
        else not above and not below
    )
    return found["then"] if holds else found["other"] or ""


def _steps(declaration: Declaration, chosen: Sequence[Declaration], prompt: str) -> Iterator[PlannedCall]:
    """The calls of one function: one for each ``name(...)`` in the prompt, else one for the clauses that are about it and one for each
    clause that needs the result of another call."""
    name = str(declaration.get("name", ""))
    if name and (spelled := re.findall(rf"\b{re.escape(name)}\(([^()]+)\)", prompt)):
        yield from (PlannedCall(declaration, text) for text in spelled)
        return
    own = [step[0] for step in STEP.finditer(prompt) if OPERATIONS[step[2]] in name_stems(declaration)]
    if own and len(chosen) > 1:
        yield from (PlannedCall(declaration, text) for text in own)
        return
    clauses = [clause for clause in _clauses(prompt, chosen) if _is_about(clause, declaration, chosen)]
    waiting = {clause: words for clause in clauses if (words := _awaited(clause, declaration, chosen))}
    ready = [clause for clause in clauses if clause not in waiting]
    if ready or not clauses:
        yield PlannedCall(declaration, prompt if not clauses or len(chosen) + len(waiting) == 1 else " ".join(ready))
    for clause, words in waiting.items():
        if not ready or mentions("number", clause) or mentions("quote", clause):
            yield PlannedCall(declaration, clause, words)


def _awaited(clause: str, declaration: Declaration, chosen: Sequence[Declaration]) -> str:
    """The words of a clause that stand for a result: *the sum*, or *the capital of Peru* if another function finds capitals."""
    found = _DEPENDS.search(clause)
    if found and not _REPORTS.search(clause):
        return found[0]
    mine, others = name_stems(declaration), [one for one in chosen if one is not declaration]
    for stem in {stem for one in others for stem in name_stems(one) - mine}:
        inner = re.search(
            rf"\b(?:of|in|at|for) ((?:the |my |our )?{re.escape(stem)}\w* (?:of|in|for) [^?.,;!]+)", clause
        )
        if inner and score(declaration, clause[: inner.start()]) >= 2:
            return inner[1]
    return ""


def _clauses(prompt: str, chosen: Sequence[Declaration]) -> list[str]:
    """The sentences of a prompt. A sentence that names several functions is cut before each of them."""
    return [
        sentence[start:end]
        for sentence in filter(str.strip, _CLAUSE.split(prompt))
        for start, end in pairwise([*_cuts(sentence, chosen), len(sentence)])
        if sentence[start:end].strip()
    ]


def _cuts(sentence: str, chosen: Sequence[Declaration]) -> list[int]:
    """Where the clauses of a sentence start: at 0, and at the first mention of each function that it names after another one; at words of
    their names too, if each clause has a number."""
    names = [str(declaration.get("name", "")) for declaration in chosen]
    found = [place.start() for name in names if is_named(name, sentence) and (place := _spelled(name, sentence))]
    if len(found) < 2:
        stems = [
            name_stems(one).difference(*(name_stems(other) for other in chosen if other is not one)) for one in chosen
        ]
        found = [word.start() for word in _WORDS.finditer(sentence) if any(stem_of(word[0]) in some for some in stems)]
        pieces = [sentence[start:end] for start, end in pairwise([*found, len(sentence)])]
        found = found if all(map(_DIGIT.search, pieces)) else []
    return [0, *sorted(set(found))[1:]]


def _spelled(name: str, sentence: str) -> re.Match[str] | None:
    return re.search(rf"\b{re.escape(name)}\b", sentence)


def _is_about(clause: str, declaration: Declaration, chosen: Sequence[Declaration]) -> bool:
    clause = _DEPENDS.sub("", clause)
    points = score(declaration, clause)
    return points >= 2 and points >= 0.6 * min(max(score(other, clause) for other in chosen), 10)
