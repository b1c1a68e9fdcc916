"""What can be asked of a model to see whether the catalogue is right about it: minimal questions, and the verdict on each.

The questions are in ``capabilities.yaml`` in this folder; those about thinking follow from the model's own facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from harness.gemini.models import LEVELS, ModelFacts, Thinking
from harness.model import Json, Reply, Transport
from harness.text import safeyaml
from harness.text.jsontext import json_of

Outcome = Literal["works", "no sign", "refused", "unanswered"]
"""``no sign``: it was accepted, but the answer does not show that it was done. ``unanswered``: nobody could say."""
Verdict = Literal["agrees", "differs", "news", "open"]
"""``news``: the catalogue says nothing about it. ``open``: no answer."""

PLAIN = "plain answer"
_SHORT, _LONG = 64, 4096
"""Tokens of an answer whose text does not matter, and of one that must show a sign."""
_BUDGET = 512
"""A thinking budget within the range of every model that takes budgets."""


class Question(NamedTuple):
    """A request that needs one capability. ``claim``: whether the catalogue says that it works; None: it does not say.

    ``sign``: a JSONPath into the answer, ``json``, or empty: any answer will do. ``certain``: whoever can do it, does it here.
    """

    ask: str
    claim: bool | None
    body: Mapping[str, Json]
    contents: Json
    transport: Transport = "unary"
    sign: str = ""
    certain: bool = False

    def shown_by(self, reply: Reply) -> bool:
        """Whether the answer shows that it was done."""
        if self.sign == "json":
            return isinstance(json_of(reply.text), dict)
        from harness.text import jsonpath

        return not self.sign or bool(jsonpath.find(self.sign, reply.response))

    def verdict(self, outcome: Outcome) -> Verdict:
        if outcome == "unanswered":
            return "open"
        if self.claim is None:
            return "news"
        if outcome == "no sign":
            return "differs" if self.claim and self.certain else "agrees"
        return "agrees" if self.claim == (outcome == "works") else "differs"


class Finding(NamedTuple):
    """The answer to a question. ``message``: the error, or what else there is to say. ``status``: of HTTP; None: no answer."""

    target: str
    ask: str
    claim: bool | None
    outcome: Outcome
    verdict: Verdict
    status: int | None = None
    message: str = ""


class Probe(NamedTuple):
    """The document of the command ``probe``. ``simulated``: the answers are no model's. ``spent``: US dollars, None: not known."""

    findings: list[Finding]
    simulated: bool
    spent: float | None

    def to_json(self) -> dict[str, Any]:
        """``findings``: target, capability, ``claimed`` (null: the catalogue does not say), outcome, verdict, status, message."""
        rows = [
            {"target": finding.target, "capability": finding.ask, "claimed": finding.claim}
            | {name: getattr(finding, name) for name in ("outcome", "verdict", "status", "message")}
            for finding in self.findings
        ]
        counted = Counter(finding.verdict for finding in self.findings)
        totals = {"asked": len(rows), **{verdict: counted[verdict] for verdict in get_args(Verdict)}}
        return {"version": 1, "simulated": self.simulated, "findings": rows, "totals": totals, "cost_usd": self.spent}


def probeable(known: ModelFacts) -> bool:
    """Whether the model answers ``generateContent``."""
    return "live" not in known.features and bool({"text_out", "image_out", "audio_out"} & known.features)


def questions(known: ModelFacts | None, day: date) -> list[Question]:
    """The questions for a model on that day, the plain one first. For an unknown model the catalogue claims nothing."""
    output = _output(known)
    asked = [_question(row, known) for row in _rows() if _concerns(row, known, output)]
    asked[0] = asked[0]._replace(claim=_is_there(known, day))
    return asked if output == "speech" else [*asked, *_of_thinking(known.thinking if known else Thinking("unknown"))]


def _is_there(known: ModelFacts | None, day: date) -> bool | None:
    """Whether the model answers at all; None where that depends on the key."""
    if known is None or known.closed_to_new_keys:
        return None
    return known.ends is None or day.isoformat() < known.ends


def _output(known: ModelFacts | None) -> str:
    features = known.features if known else frozenset({"text_out"})
    return "image" if "image_out" in features else "text" if "text_out" in features else "speech"


def _concerns(row: Mapping[str, Any], known: ModelFacts | None, output: str) -> bool:
    claims = known is not None and row.get("feature") in known.features
    return output in row.get("models", "text image").split() and (claims or not row.get("claimed"))


def _question(row: Mapping[str, Any], known: ModelFacts | None) -> Question:
    names = ("transport", "sign", "certain")
    tokens = row.get("tokens", _LONG if row.keys() >= {"prompt", "sign"} else _SHORT)
    config = {"maxOutputTokens": tokens, **row.get("config", {})}
    body = {**row.get("body", {}), "generationConfig": config}
    contents = row.get("contents") or _user(row.get("prompt", "Say ok."))
    return Question(
        row["ask"], _claim(row, known), body, contents, **{name: row[name] for name in names if name in row}
    )


def _user(text: str) -> Json:
    return [{"role": "user", "parts": [{"text": text}]}]


def _claim(row: Mapping[str, Any], known: ModelFacts | None) -> bool | None:
    if known is None:
        return None
    if "restriction" in row:
        return False if row["restriction"] in known.features else None
    if "feature" not in row or row["feature"] in known.features:
        return True
    return None if known.partial else False


def _of_thinking(thinking: Thinking) -> Iterator[Question]:
    for level in LEVELS:
        yield _thinking({"thinkingLevel": level}, thinking)
    budgets = [0, -1, _BUDGET] + ([thinking.highest + 1] if thinking.highest else [])
    for budget in budgets:
        yield _thinking({"thinkingBudget": budget}, thinking)
    yield _thinking({"thinkingLevel": "LOW", "thinkingBudget": _BUDGET}, thinking)


def _thinking(config: Mapping[str, Json], thinking: Thinking) -> Question:
    name = " with ".join(f"{key} {value}" for key, value in config.items())
    body = {"generationConfig": {"maxOutputTokens": _SHORT, "thinkingConfig": config}}
    return Question(name, _claims(thinking, config), body, _user("Say ok."))


def _claims(thinking: Thinking, config: Mapping[str, Json]) -> bool | None:
    """Whether the model takes it, by its facts; None where they do not say."""
    if thinking.refuses(config):
        return False
    if "thinkingLevel" in config:
        return True if thinking.control == "level" else None
    if thinking.control == "level":
        return True if thinking.budgets in ("any", "positive") and config["thinkingBudget"] != -1 else None
    return True if thinking.control == "budget" else None


@cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = safeyaml.load(Path(__file__).with_name("capabilities.yaml").read_bytes())
    return rows
