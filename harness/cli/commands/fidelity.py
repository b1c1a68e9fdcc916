"""``fidelity``: what one side changes against the other, field by field: two targets of a run, two runs, two sets of recordings."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.cli import fidelity_sides, known, printing
from harness.cli import options as shared
from harness.compare import fidelity
from harness.compare.fidelity_changes import AnswerPair, Change, Fidelity, FidelityOptions
from harness.compare.fidelity_values import is_valued
from harness.compare.known import Entry, stands_for
from harness.config import load as load_config
from harness.model import Json
from harness.report import words
from harness.text.amounts import count
from harness.text.shape import nearest

ABOUT = "what a gateway changes, field by field: two targets of a run, two runs, or two folders of recordings"
EXAMPLES = (
    "gemini-harness fidelity last --target google --target cometapi",
    "gemini-harness fidelity baseline last --gate kept=100% --known known-changes.yaml",
    "gemini-harness fidelity last --target google --target cometapi --vendor --format markdown:changes.md",
    "gemini-harness fidelity recordings/google recordings/gateway",
)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "reference",
        metavar="REFERENCE",
        help="a saved run (its path, its id, or last), or a file or folder of recordings",
    )
    add(
        "candidate",
        metavar="CANDIDATE",
        nargs="?",
        help="the same for the other side; without it, two targets are compared",
    )
    shared.repeatable(
        parser,
        "--target",
        "PROVIDER[/MODEL]",
        "a provider or target of the run; the reference first, then the candidate",
    )
    shared.repeatable(
        parser,
        "--ignore",
        "PATH",
        "leave out a path and all below it: $.responseId, 'header x-*', 'stream pacing' (repeatable)",
    )
    add("--known", metavar="FILE", help="a list of known changes: exit with 1 only if there are others")
    add("--write-known", metavar="FILE", help="write all changes to a list for --known")
    shared.repeatable(parser, "--gate", "kept=PERCENT", "exit with 1 if a feature keeps less: kept=100%%")
    add(
        "--vendor",
        action="store_true",
        help="write the report for those who run the candidate: requests as curl, both answers, request ids and times",
    )
    shared.formats(parser)


def main(options: Namespace) -> int:
    printing.check(options, "fidelity")
    asked = [fidelity.kept_gate(text) for text in options.gate]
    listed = known.entries(Path(options.known), _VALUES) if options.known else []
    document = _document(options, listed)
    document = replace(document, gates=[fidelity.gated(document, gate) for gate in asked])
    printing.show(document, "fidelity", options)
    if options.write_known:
        write_known(Path(options.write_known), document, listed)
    return _exit_code(document, new_fail=bool(options.known))


def _document(options: Namespace, listed: Sequence[Entry]) -> Fidelity:
    sides = fidelity_sides.find(options)
    pairs = fidelity.pair_answers(sides.reference, sides.candidate)
    found = fidelity.fidelity(pairs, sides.names, sides.read, FidelityOptions(options.ignore, listed))
    return replace(
        found,
        notes=[*sides.notes, *_notes(sides, pairs, options.ignore), *_known_notes(options.known, listed)],
        command=_again(sides.sources, options),
        show={trial: sides.show(trial) for trial in _trials(found)} if sides.show else {},
        simulated=sides.simulated,
        for_vendor=options.vendor,
        key_headers={name: row.key_headers for name, row in load_config(Path()).providers.items()},
    )


def _trials(document: Fidelity) -> set[str]:
    trials = [*(change.trials for change in document.overall.changes), *(change.trials for change in document.unsure)]
    return {trial for some in trials for trial in some}


def _exit_code(document: Fidelity, *, new_fail: bool) -> int:
    new = [change for change in document.overall.changes if not change.known and not change.note]
    if any(gate.crossed for gate in document.gates) or (new_fail and new):
        return 1
    if not document.overall.pairs:
        sys.stderr.write("nothing to compare: the two sides have no answer to the same question\n")
        return 5
    return 7 if any(gate.unknown for gate in document.gates) else 0


def _notes(sides: fidelity_sides.Sides, pairs: Sequence[AnswerPair], ignore: Sequence[str]) -> Iterator[str]:
    for name, answers in zip(sides.names, (sides.reference, sides.candidate), strict=True):
        if not answers:
            yield f"{name} has no answers: every request failed, or none was made"
        elif all(answer.facts.outcome == "error" for answer in answers):
            yield f"every answer of {name} is an error: only statuses and errors can be compared"
        elif len(answers) > len(pairs):
            alone = count(len(answers) - len(pairs), "answer")
            yield f"{alone} of {name} {'has' if alone.startswith('1 ') else 'have'} no partner on the other side"
        if partial := sum(answer.facts.partial for answer in answers):
            yield f"only a part of {count(partial, 'answer')} of {name} was compared: too many values"
    if mixed := sum(pair.reference.facts.stream != pair.candidate.facts.stream for pair in pairs):
        yield f"{count(mixed, 'pair')} of a stream and a unary answer: only bodies were compared there"
    if any(all(fact.path != "headers" for fact in side.facts.shape) for pair in pairs for side in pair):
        yield "some answers were saved without headers and framing: these were not compared there"
    sides_facts = [side.facts for pair in pairs for side in pair]
    paths = sorted({path for facts in sides_facts for path in (*(fact.path for fact in facts.shape), *facts.numbers)})
    for pattern in (one for one in ignore if not any(map(FidelityOptions([one]).ignores, paths))):
        yield f"--ignore {pattern} leaves nothing out, no answer has it; {nearest(pattern, paths)}".removesuffix("; ")


def _again(sources: Sequence[str], options: Namespace) -> str:
    given = {name: getattr(options, name) for name in ("target", "ignore", "gate", "known", "reports")}
    return words.command("fidelity", *sources, *words.given(**given), *(["--vendor"] if options.vendor else []))


# --- known changes ----------------------------------------------------------------------------------------


_VALUES = ("from", "to", "pairs", "of", "why")
"""What an entry may say besides its kind and path."""


def _known_notes(file: str | None, listed: Sequence[Entry]) -> Iterator[str]:
    wide = [entry for entry in listed if is_valued(str(entry["kind"])) and not (entry.get("from") or entry.get("to"))]
    if wide:
        entries = f"{count(len(wide), 'known change')} of {file} without 'from' and 'to', such as {wide[0]['path']}"
        yield f"{entries}: every change of that kind at that path counts as known; --write-known writes the values"


def write_known(file: Path, document: Fidelity, listed: Sequence[Entry]) -> None:
    """Write the list of all changes, with the reasons of the list before. Raises UsageError."""
    before = listed or (known.entries(file, _VALUES) if file.exists() else [])
    rows = [_entry(change, before) for change in document.overall.changes if not change.note]
    known.write(file, f"What {document.candidate} changes against {document.reference}.", rows)


def _entry(change: Change, before: Sequence[Entry]) -> dict[str, Json]:
    row: dict[str, Json] = {name: value for name, value in change.named.items() if value}
    if change.kind != "timing":
        row.update(pairs=change.pairs, of=change.of)
    why = next((entry["why"] for entry in before if entry.get("why") and stands_for(entry, change.named)), "")
    return {**row, "why": why} if why else row
