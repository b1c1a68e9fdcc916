"""For GitHub Actions: annotations on the lines of suites for failures and flips, and for what is bad in other documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from harness.compare.candidates import Comparisons
from harness.compare.comparison import Comparison, Flip
from harness.errors import HarnessError, SuiteError
from harness.model import Place
from harness.report import Report, View, output, words
from harness.report.blocks import Annotation, Block, Bullets, Level, Paragraph, Table, title
from harness.report.content.causes import causes
from harness.report.content.comparison import worst_first
from harness.report.content.failure import failures
from harness.results.groups import Group
from harness.results.rows import GateRow, PlaceRow
from harness.text import amounts
from harness.text.yamltext import Complaint

if TYPE_CHECKING:
    from harness.compare.migration import Migration

MAX_ANNOTATIONS = 10
"""How many annotations of a level GitHub shows for a step. It drops further ones without a message."""
_LEVELS: dict[str, Level] = {"failed": "error", "xpassed": "error", "error": "warning"}
_MEASURES_NAMED = 3
"""How many verdicts on measures the closing line of a comparison names."""


@output("github", of="run")
def github(report: Report, view: View, out: TextIO) -> None:
    """Annotations for GitHub Actions, on the suite's own lines; in a step also its summary."""
    wrong = list(_group_annotations(report, view))
    counted = f"{words.totals(report.summary.totals())}{words.gate_counts(report.gates)}"
    message = f"{counted} - {words.provenance(report.summary)}"
    gates = [_gate_annotation(gate) for gate in report.gates if gate["asked"] and gate["crossed"] is not False]
    _write([*gates, *wrong, Annotation("notice", "gemini-harness", message)], view, out)


@output("github", of="comparison")
def comparison_github(comparison: Comparison, view: View, out: TextIO) -> None:
    """Annotations for GitHub Actions: gates that do not hold, and flips, on the suite's own lines."""
    _write(
        [*_comparison_annotations(comparison), Annotation("notice", "gemini-harness", _closing_line(comparison))],
        view,
        out,
    )


@output("github", of="comparisons")
def comparisons_github(document: Comparisons, view: View, out: TextIO) -> None:
    """Annotations for GitHub Actions: gates that do not hold and flips of every candidate."""
    found = [
        annotation
        for comparison in document.comparisons
        for annotation in _comparison_annotations(comparison, f" by {comparison.candidate}")
    ]
    message = "\n".join(map(_closing_line, document.comparisons))
    _write([*found, Annotation("notice", "gemini-harness", message)], view, out)


def _comparison_annotations(comparison: Comparison, by: str = "") -> Iterator[Annotation]:
    yield from (_gate_annotation(gate.to_json(), by) for gate in comparison.gates if gate.crossed or gate.unknown)
    yield from (Annotation("error", f"break{by}", str(broken)) for broken in comparison.breaks)
    yield from map(_flip_annotation, worst_first(comparison.flips))


@output("github", of="migration")
def migration_github(document: Migration, view: View, out: TextIO) -> None:
    """Annotations for GitHub Actions: those of the comparison."""
    comparison_github(document.comparison, view, out)


def write_blocks(blocks: Sequence[Block], view: View, out: TextIO) -> None:
    """The annotations, those of the rows and items that have a level, and the strong paragraphs as the closing notice."""
    found = [annotation for block in blocks for annotation in _of_block(block)]
    strong = " ".join("".join(block.texts) for block in blocks if isinstance(block, Paragraph) and block.strong)
    _write([*found, Annotation("notice", title(blocks), strong)], view, out)


def _of_block(block: Block) -> Iterator[Annotation]:
    if isinstance(block, Annotation):
        yield block
    elif isinstance(block, Table):
        for level, (name, *cells) in zip(block.levels, block.rows, strict=False):
            about = "; ".join(f"{header}: {cell}" for header, cell in zip(block.header[1:], cells, strict=True))
            yield from [Annotation(level, name, about)] if level else []
    elif isinstance(block, Bullets):
        for level, item in zip(block.levels, block.items, strict=False):
            yield from [Annotation(level, "gemini-harness", "".join(item))] if level else []


def error_annotations(error: HarnessError, view: View) -> list[str]:
    """The lines for a command that ended with an error: one for each complaint about a suite, at its place."""
    if not isinstance(error, SuiteError):
        return [_line(Annotation("error", "gemini-harness", str(error)), view)]
    placed = [complaint for complaint in error.complaints if isinstance(complaint, Complaint)]
    found = [Annotation("error", "suite", _complaint(complaint), _row(complaint.place)) for complaint in placed]
    found += [
        Annotation("error", "suite", str(other)) for other in error.complaints if not isinstance(other, Complaint)
    ]
    return [_line(annotation, view) for annotation in found[:MAX_ANNOTATIONS]]


def note_annotation(place: Place, message: str, view: View) -> str:
    """The line for a note about a suite."""
    return _line(Annotation("notice", "suite", message, _row(place)), view)


def _complaint(complaint: Complaint) -> str:
    return f"{complaint.message}\n{complaint.hint}" if complaint.hint else complaint.message


def _row(place: Place) -> PlaceRow:
    return PlaceRow(place.file, place.line)


def _group_annotations(report: Report, view: View) -> Iterator[Annotation]:
    """An annotation for the first groups of each cause. Those that GitHub shows have all details."""
    wrong = [group for group in report.summary.groups.values() if group.status in _LEVELS]
    seen = Counter[Level]()
    found = [(cause, group) for cause in causes(report, wrong) for group in cause.shown]
    shown = []
    for _, group in found:
        level = _level(group, report)
        seen[level] += 1
        shown += [group] if seen[level] <= MAX_ANNOTATIONS else []
    details = failures(report, shown, view.answer)
    for cause, group in found:
        more = cause.more if group is cause.shown[-1] else ""
        yield _group_annotation(group, details.get(group.id), report, more)


def _level(group: Group, report: Report) -> Level:
    """A group that a gate forgives is a warning."""
    return "warning" if report.forgiven(group) else _LEVELS[group.status]


def _group_annotation(group: Group, details: Sequence[str] | None, report: Report, more: str) -> Annotation:
    """``more``: the groups that fail for the same reason, in a line."""
    forgiven = report.forgiven(group)
    because = [words.why(group)] if details is None else [*details, words.disagreement(group)]
    why = f"forgiven: {words.gate(forgiven)}" if forgiven else ""
    cause = group.trouble.cause if group.trouble else ""
    about = f"what that is: gemini-harness explain {cause}" if cause else ""
    message = "\n".join(filter(None, [words.needs(group), *because, why, more, about]))
    return Annotation(_level(group, report), f"{words.MARKS[group.status]} {group.id}", message, words.where(group))


def _gate_annotation(gate: GateRow, by: str = "") -> Annotation:
    """``by``: `` by CANDIDATE`` if there are several candidates."""
    level: Level = "error" if gate["crossed"] else "warning"
    title = f"gate crossed{by}" if gate["crossed"] else "gate cannot tell"
    return Annotation(level, title, f"{words.gate(gate)}: {gate['message']}")


def _flip_annotation(flip: Flip) -> Annotation:
    level: Level = "notice" if flip.after == "passed" else "error" if flip.after == "failed" else "warning"
    why = words.reason(flip.trouble) if flip.trouble and flip.after != "passed" else ""
    message = "\n".join(filter(None, [f"{flip.check}: {flip.before} -> {flip.after}", why]))
    return Annotation(level, f"flip {flip.id}", message, flip.place)


def _closing_line(comparison: Comparison) -> str:
    decided = [
        difference
        for difference in comparison.differences
        if difference.suite is None and difference.verdict in ("better", "worse")
    ]
    measures = ", ".join(
        f"{words.label(difference.measure)} {difference.verdict}" for difference in decided[:_MEASURES_NAMED]
    )
    counted = f"{amounts.count(len(comparison.flips), 'flip')} in {amounts.count(len(comparison.paired), 'cell')}"
    sides = f"{comparison.candidate} against {comparison.reference}"
    made_up = words.SIMULATED if comparison.simulated else ""
    return "; ".join(filter(None, [sides, counted, measures, made_up]))


# --- what GitHub reads --------------------------------------------------------------------------------


def _write(annotations: Iterable[Annotation], view: View, out: TextIO) -> None:
    out.writelines(f"{_line(annotation, view)}\n" for annotation in _within_the_limit(list(annotations)))


def _within_the_limit(annotations: list[Annotation]) -> Iterator[Annotation]:
    """The annotations, at most ``MAX_ANNOTATIONS`` per level.

    Where some are left out, the last one of the level says how many. The closing notice is always kept.
    """
    numbers = Counter(annotation.level for annotation in annotations)
    seen: Counter[Level] = Counter()
    *rest, closing = annotations
    for annotation in rest:
        room = MAX_ANNOTATIONS - (annotation.level == closing.level)
        number = numbers[annotation.level] - (annotation.level == closing.level)
        seen[annotation.level] += 1
        if number <= room or seen[annotation.level] < room:
            yield annotation
        elif seen[annotation.level] == room:
            more = f"and {number - room + 1:,} more, which GitHub would not show: see the table or the saved run"
            yield Annotation(annotation.level, "gemini-harness", more)
    yield closing


def _line(annotation: Annotation, view: View) -> str:
    title = f"title={_property(annotation.title)}"
    if annotation.place is not None:
        title = f"file={_property(view.display_path(annotation.place.file))},line={annotation.place.line},{title}"
    return f"::{annotation.level} {title}::{_data(annotation.message)}"


def _data(text: str) -> str:
    return words.printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
