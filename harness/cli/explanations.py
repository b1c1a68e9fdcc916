"""What is known of an id: of a check, an invariant, a fault, a kind of change, an error of a trial, or an exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from harness.judge.registry import all_checks, all_rules
from harness.simulator.faults import FAULTS
from harness.text import safeyaml


@dataclass(frozen=True, slots=True)
class Explanation:
    """``about`` is Markdown-like text. Heading -> text: ``parts`` such as what to do next, then ``examples``, which stay as they are."""

    id: str
    kind: str
    about: str
    parts: Mapping[str, str]
    examples: Mapping[str, str] = field(default_factory=dict)


def explanations(id: str) -> list[Explanation]:
    """All that have this id: a check and a fault may share one. Empty for an unknown id."""
    found = [_SOURCES[kind]().get(id) for kind in _SOURCES]
    return [explanation for explanation in found if explanation is not None]


def ids() -> dict[str, list[str]]:
    """Kind -> its ids."""
    return {kind: list(source()) for kind, source in _SOURCES.items()}


def _checks() -> dict[str, Explanation]:
    found = {}
    for name, check in sorted(all_checks().items()):
        prose, examples = check.prose_and_examples
        found[name] = Explanation(name, "check", prose, {}, {"Under `expect`": examples})
    return found


def _rules() -> dict[str, Explanation]:
    found = {}
    for rule in all_rules().values():
        examples = {_EXAMPLES[label]: text for label, text in rule.examples.items()}
        severity = "A violation is a warning" if rule.severity == "warn" else "A violation fails the trial"
        kind = "chat completion" if rule.dialect == "openai" else "answer"
        parts = {"Severity": f"{severity}. It is checked on every {kind}."}
        if faults := [fault.name for fault in FAULTS.values() if fault.rule == rule.id]:
            examples["To see it"] = "\n".join(f"gemini-harness simulate --fault {fault}" for fault in faults[:3])
        examples["To allow it in a case"] = f"waive: {{{rule.id}: the reason}}"
        found[rule.id] = Explanation(rule.id, "invariant", rule.doc, parts, examples)
    return found


_EXAMPLES = {"asked": "A request", "right": "A right answer, without what does not matter", "wrong": "A wrong one"}


def _faults() -> dict[str, Explanation]:
    return {fault.name: _of_fault(fault) for fault in FAULTS.values()}


def _of_fault(fault: Any) -> Explanation:
    found = (
        f"the invariant {fault.rule} (gemini-harness explain {fault.rule})"
        if fault.rule
        else "none: the answer stays valid"
    )
    use = f"gemini-harness simulate --fault {fault.name}\n[simulate: fault {fault.name}]   in a prompt"
    return Explanation(fault.name, "fault", f"{fault.about}.", {"Found by": found}, {"To use it": use})


def _written(kind: str) -> dict[str, Explanation]:
    return {str(key): _from_row(str(key), kind, row) for key, row in _rows()[kind].items()}


@cache
def _rows() -> Mapping[str, Mapping[Any, Mapping[str, str]]]:
    """Kind -> id -> row of ``explanations.yaml``."""
    rows: Mapping[str, Mapping[Any, Mapping[str, str]]]
    rows = safeyaml.load(Path(__file__).with_name("explanations.yaml").read_bytes())
    return rows


def _from_row(id: str, kind: str, row: Mapping[str, str]) -> Explanation:
    names = {"why": "Why", "next": "What to do next"}
    return Explanation(id, kind, row["about"], {names[key]: text for key, text in row.items() if key != "about"})


_SOURCES: Mapping[str, Callable[[], dict[str, Explanation]]] = {
    "check": _checks,
    "invariant": _rules,
    "fault": _faults,
    **{kind: partial(_written, kind) for kind in ("kind of change", "error of a trial", "exit code")},
}
