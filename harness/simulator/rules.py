"""Scripted answers: a YAML list of rules. The first rule that matches decides the answer.

    - when: {model: gemini-2.5-*, text: "(?i)refund"}      # glob; regular expression in the last user text
      answer: {text: "We refund within 30 days."}
    - when: {config: {responseMimeType: application/json}} # a subset of generationConfig
      answer: {json: {total: 12.5}}
    - when: {text: weather}
      answer: {calls: [{name: get_weather, args: {city: Oslo}}], finishReason: STOP}
    - when: {text: boom}
      fault: "503"

``answer`` takes ``text``, ``json``, ``calls`` or ``parts`` (Part objects), and ``finishReason``. Thinking, limits and token counts
stay those of the simulator. A rule without ``when`` matches everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.gemini import definition
from harness.simulator.answer_types import CALLED, ModelOutput
from harness.simulator.request import Ask
from harness.text import patterns

_KEYS = frozenset({"when", "answer", "fault"})
_WHEN = frozenset({"model", "text", "config"})
_ANSWER = frozenset({"text", "json", "calls", "parts", "finishReason"})


@dataclass(frozen=True, slots=True)
class PinnedAnswer:
    """One rule. ``text`` is a regular expression; ``output`` is the answer, ``fault`` the name of a fault. Exactly one of these two is set."""

    model: str = "*"
    text: str | None = None
    config: Mapping[str, Any] | None = None
    output: ModelOutput | None = None
    fault: str | None = None

    def matches(self, ask: Ask) -> bool:
        if not fnmatchcase(ask.requested, self.model):
            return False
        if self.text and not self.finds(ask.turn):
            return False
        return self.config is None or _within(self.config, ask.config)

    def finds(self, asked: str) -> bool:
        """Whether ``text`` is found; not where that takes too long."""
        patterns.reset_time_limit()
        try:
            return patterns.search(self.text or "", asked) is not None
        except patterns.TooSlow:
            return False


def scripted_output(rules: Sequence[PinnedAnswer], ask: Ask) -> ModelOutput | None:
    """The output of the first matching rule; None if none matches, or if that rule is a fault."""
    rule = next((rule for rule in rules if rule.matches(ask)), None)
    return rule.output if rule else None


def fault(rules: Sequence[PinnedAnswer], ask: Ask) -> str | None:
    """The name of the fault of the first matching rule; None without one."""
    rule = next((rule for rule in rules if rule.matches(ask)), None)
    return rule.fault if rule else None


def load(path: Path) -> tuple[PinnedAnswer, ...]:
    """The rules of a file. Raises UsageError, which names the rule and its error."""
    import yaml

    from harness.text import safeyaml

    try:
        text = path.read_text("utf-8")
        document, places = safeyaml.load(text), yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as failed:
        at = f":{failed.problem_mark.line + 1}:{failed.problem_mark.column + 1}" if failed.problem_mark else ""
        raise UsageError(f"{path}{at}: cannot read the rules: {failed.problem}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failed:
        raise UsageError(f"cannot read the rules in {path}: {failed}") from None
    if not isinstance(document, list):
        raise UsageError(f"{path}: expected a list of rules, each with `answer` or `fault`")
    lines = [node.start_mark.line + 1 for node in (places.value if places else ())]
    return tuple(
        _rule(row, f"{path}:{line}: rule {number}")
        for number, (row, line) in enumerate(zip(document, lines, strict=True), 1)
    )


def _rule(row: Any, at: str) -> PinnedAnswer:
    row = _table(row, _KEYS, at)
    when = _table(row.get("when", {}), _WHEN, f"{at}, when")
    if ("answer" in row) == ("fault" in row):
        raise UsageError(f"{at}: expected either `answer` or `fault`")
    config = when.get("config")
    text = str(when["text"]) if "text" in when else None
    if failed := text and patterns.complaint(text):
        raise UsageError(f"{at}: text is not a regular expression: {failed}")
    answer = _output(_table(row["answer"], _ANSWER, f"{at}, answer"), at) if "answer" in row else None
    return PinnedAnswer(str(when.get("model", "*")), text, config, answer, _fault(row, at))


def _fault(row: Mapping[str, Any], at: str) -> str | None:
    if "fault" not in row:
        return None
    from harness.simulator.faults import EVERY

    if str(row["fault"]) not in EVERY:
        raise UsageError(f"{at}: no fault is called {row['fault']!r}; `gemini-harness simulate --faults` lists them")
    return str(row["fault"])


def _output(answer: Mapping[str, Any], at: str) -> ModelOutput:
    finish = str(answer.get("finishReason", "STOP"))
    if finish not in definition.enum_values("Candidate.FinishReason"):
        raise UsageError(f"{at}: no finishReason is called {finish!r}")
    if "calls" in answer:
        return ModelOutput([{"functionCall": dict(call)} for call in answer["calls"]], finish, CALLED)
    if "parts" in answer:
        return ModelOutput([dict(part) for part in answer["parts"]], finish)
    text = json.dumps(answer["json"], ensure_ascii=False, indent=2) if "json" in answer else str(answer.get("text", ""))
    return ModelOutput([{"text": text}] if text else (), finish)


def _table(value: Any, known: frozenset[str], at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{at}: expected a mapping with {', '.join(sorted(known))}")
    if unknown := sorted(set(map(str, value)) - known):
        raise UsageError(f"{at}: unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}")
    return value


def _within(part: Any, whole: Any) -> bool:
    """Whether ``whole`` contains ``part``: mappings by key, other values by equality."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(
            key in whole and _within(value, whole[key]) for key, value in part.items()
        )
    return bool(part == whole)
