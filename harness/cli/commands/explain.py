"""``explain``: what an id in a message means."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from textwrap import indent, wrap
from typing import Any

from harness.errors import UsageError
from harness.judge.registry import all_checks, all_rules
from harness.simulator.faults import FAULTS
from harness.text import safeyaml
from harness.text.grouping import grouped
from harness.text.shape import nearest

ABOUT = "explain the id of a check, an invariant, a fault, a kind of change, an error or an exit code"
EXAMPLES = (
    "gemini-harness explain usage-sum",
    "gemini-harness explain 6",
)

_WIDTH = 80


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="as a message names it (default: list all ids)")


def main(options: Namespace) -> int:
    lines = _all() if options.id is None else _of(options.id.removeprefix("invariant:"))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _of(id: str) -> Iterator[str]:
    """Raises UsageError for an unknown id."""
    found = [explanation for explanation in explanations() if explanation.id == id]
    if not found:
        hint = nearest(id, list(chain.from_iterable(ids().values())))
        raise UsageError(
            f"nothing has the id {id!r}; {hint}" if hint else f"nothing has the id {id!r}: `explain` alone lists all"
        )
    for number, explanation in enumerate(found):
        yield from [""] if number else []
        yield from _lines(explanation)


def _lines(explanation: Explanation) -> Iterator[str]:
    yield f"{explanation.id}  ({explanation.kind})"
    yield ""
    yield from _wrapped(_plain(explanation.about))
    for heading, text in explanation.parts.items():
        yield from ("", f"{_plain(heading)}:", *_wrapped(text, "  "))
    for heading, text in explanation.examples.items():
        yield from ("", f"{_plain(heading)}:", *indent(text, "  ").splitlines())


def _wrapped(text: str, margin: str = "") -> Iterator[str]:
    """Lines that fit a terminal. Paragraphs stay, and lists line by line."""
    for line in re.sub(r"(?<=\S)\n(?=[^\s-])", " ", text).split("\n"):
        yield from wrap(
            line,
            _WIDTH,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]


def _plain(text: str) -> str:
    return text.replace("``", "").replace("`", "")


def _all() -> Iterator[str]:
    for kind, names in ids().items():
        yield f"{kind}: {', '.join(names)}"
        yield ""


# --- what is known ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explanation:
    """``about`` is Markdown-like text. Heading -> text: ``parts`` such as what to do next, then ``examples``, which stay as they are."""

    id: str
    kind: str
    about: str
    parts: Mapping[str, str]
    examples: Mapping[str, str] = field(default_factory=dict)


def explanations() -> Iterator[Explanation]:
    """Everything that has an id, kind by kind. A check and a fault may share one."""
    yield from _checks()
    yield from _rules()
    yield from map(_of_fault, FAULTS.values())
    yield from _written()


def ids() -> dict[str, list[str]]:
    """Kind -> its ids."""
    kinds = grouped(explanations(), lambda explanation: explanation.kind)
    return {kind: [explanation.id for explanation in found] for kind, found in kinds.items()}


def _checks() -> Iterator[Explanation]:
    for name, check in sorted(all_checks().items()):
        prose, examples = check.prose_and_examples
        yield Explanation(name, "check", prose, {}, {"Under `expect`": examples})


def _rules() -> Iterator[Explanation]:
    for rule in all_rules().values():
        examples = {_EXAMPLES[label]: text for label, text in rule.examples.items()}
        severity = _SEVERITIES[rule.severity]
        kind = "chat completion" if rule.dialect == "openai" else "answer"
        parts = {"Severity": f"{severity}. It is checked on every {kind}."}
        if faults := [fault.name for fault in FAULTS.values() if fault.rule == rule.id]:
            examples["To see it"] = "\n".join(f"gemini-harness simulate --fault {fault}" for fault in faults[:3])
        examples["To allow it in a case"] = f"waive: {{{rule.id}: the reason}}"
        yield Explanation(rule.id, "invariant", rule.doc, parts, examples)


_SEVERITIES = {
    "error": "A violation fails the trial",
    "warn": "A violation is a warning",
    "outcome": "A violation fails the trial, unless the case expects it. `audit` does not report it",
}
_EXAMPLES = {"asked": "A request", "right": "A right answer, without what does not matter", "wrong": "A wrong one"}


def _of_fault(fault: Any) -> Explanation:
    found = (
        f"the invariant {fault.rule} (gemini-harness explain {fault.rule})"
        if fault.rule
        else "none: the answer stays valid"
    )
    use = f"gemini-harness simulate --fault {fault.name}\n[simulate: fault {fault.name}]   in a prompt"
    return Explanation(fault.name, "fault", f"{fault.about}.", {"Found by": found}, {"To use it": use})


def _written() -> Iterator[Explanation]:
    """Those of ``explanations.yaml``: kind -> id -> row."""
    names = {"why": "Why", "next": "What to do next"}
    kinds = safeyaml.load((Path(__file__).parents[1] / "explanations.yaml").read_bytes())
    for kind in ("kind of change", "error of a trial", "exit code"):
        for key, row in kinds[kind].items():
            parts = {heading: row[name] for name, heading in names.items() if name in row}
            yield Explanation(str(key), kind, row["about"], parts)
