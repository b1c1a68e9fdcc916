"""The lines of a failure: every check that an attempt failed, with expected and actual value, then the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.answer.reply import candidate_of, parts_of
from harness.model import Place, Verdict
from harness.report import Report, words
from harness.results.groups import Group, failed_verdicts
from harness.results.rows import Row, TurnRow, dumps

_ELLIPSIS = "…"
"""Marks in a message where a long value was cut."""
_MAX_LINES = 24
"""How many lines are shown of a text that is too long."""

_STATUS = ("http", "invariant:http-status")
"""Checks of the status. A failed one leaves the others nothing to judge."""

_OF_ADDRESSES = frozenset({301, 302, 307, 308, 404, 405})
"""Statuses that may be about the address, and not about what was asked."""

Source = Callable[[Place], Iterable[str]]


def failed_lines(report: Report, groups: Sequence[Group], limit: int | None) -> dict[str, list[str]]:
    """Group -> the lines of the attempt that failed it, for groups that failed by checks. Reads the rows of these groups."""
    explained = [group for group in groups if failed_by_checks(group)]
    trials = {group.trouble.trial for group in explained if group.trouble}
    rows = report.attempts({group.id for group in explained}) if explained else ()
    return {row.group: list(lines(row, limit)) for row in rows if row.id in trials}


def failed_by_checks(group: Group) -> bool:
    """Whether the failed checks of an attempt are the reason for the group's status."""
    known = group.trouble is not None and group.trouble.verdict is not None
    return known and group.status != "xpassed" and not words.only_modes_disagree(group)


def lines(row: Row, limit: int | None, source: Source = lambda _: ()) -> Iterator[str]:
    """The failed checks of an attempt, with texts of at most ``limit`` characters (None: no limit).

    ``source``: the lines to show for the place of a check.
    """
    wrong = failed_verdicts(row)
    shown = wrong if limit is None else without_consequences(wrong, row.verdicts)
    for verdict in shown:
        where = verdict.place or row.place
        warning = " (warning)" if verdict.severity == "warn" else ""
        yield f"{words.place(where)}  {verdict.check}{warning}{_at(verdict)}"
        yield from source(where)
        message, expected, actual = words.expected_and_actual(verdict, None)
        yield from _block("  ", message, limit) if message else ()
        if expected or actual:
            yield from _block("  expected  ", expected, limit)
            yield from _block("  actual    ", actual, limit)
        yield from _wrong_address(verdict, row)
    if rest := [verdict.check for verdict in wrong if verdict not in shown]:
        yield f"with no answer to judge, these fail too: {', '.join(dict.fromkeys(rest))} (-v shows them)"
    for text, name in {text: name for name, text in _texts_below(row)}.items():
        yield f"{name}:"
        yield from _block("  ", text, limit)


def without_consequences(wrong: Sequence[Verdict], verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """Of failed checks, those that are not explained by another: where the status is an error, nothing else was to be expected.

    ``verdicts``: all of the trial, in the order in which they were judged. What an earlier turn failed comes first, also a
    warning: it may be the cause.
    """
    status = [verdict for verdict in wrong if verdict.check in _STATUS and verdict.severity == "error"]
    if not status:
        return wrong
    earlier = verdicts[: verdicts.index(status[0])]
    return [*(verdict for verdict in earlier if verdict in wrong), *status]


def _wrong_address(verdict: Verdict, row: Row) -> Iterator[str]:
    """What was asked, where the status may say that there is nothing at this address."""
    if verdict.check in _STATUS and verdict.actual in _OF_ADDRESSES:
        asked = [turn.url for turn in row.turns or () if turn.status == verdict.actual]
        yield from (f"  asked     {url}" for url in asked[-1:])


def _texts_below(row: Row) -> Iterator[tuple[str, str]]:
    """(name, text) of the texts that no check shows completely: values that are too long for a message, and the answers."""
    answers = dict(_answers(row))
    shown = ""
    for verdict in failed_verdicts(row):
        _, *sides = words.expected_and_actual(verdict, None)
        for side, phrase in zip(("expected", "actual"), sides, strict=True):
            value = getattr(verdict, side)
            text = value if isinstance(value, str) else dumps(value)
            known = any(answer.startswith(text.removesuffix(_ELLIPSIS)) for answer in answers.values())
            if _ELLIPSIS in phrase and value is not None and not known:
                yield f"{side} of {verdict.check}{_at(verdict)}", text
            shown += phrase
    yield from ((name, answer) for name, answer in answers.items() if dumps(answer) not in shown)


def _at(verdict: Verdict) -> str:
    return f"  {verdict.at}" if verdict.at and verdict.at != verdict.check else ""


def _answers(row: Row) -> Iterator[tuple[str, str]]:
    """(name, answer) for each turn that has text or function calls."""
    last = [row.outcome.text] if row.outcome else []
    texts = [_answer(turn) for turn in row.turns] if row.turns is not None else last
    for number, text in enumerate(texts, 1):
        if text:
            yield "answer" if len(texts) == 1 else f"answer of turn {number}", text


def _answer(turn: TurnRow) -> str:
    calls = [part["functionCall"] for part in parts_of(candidate_of(turn.response)) if "functionCall" in part]
    return "\n".join(filter(None, [turn.text, *(f"functionCall {dumps(call)}" for call in calls)]))


def _block(head: str, text: str, limit: int | None) -> Iterator[str]:
    """The text after a head; its further lines are indented by the width of the head."""
    first, *rest = _shortened_lines(text, limit)
    yield f"{head}{first}".rstrip()
    yield from (f"{' ' * len(head)}{line}".rstrip() for line in rest)


def _shortened_lines(text: str, limit: int | None) -> list[str]:
    """The lines of the text; of a text that is too long, its beginning and a line that says how long it is."""
    every = words.printable(text).split("\n")
    if limit is None or (len(text) <= limit and len(every) <= _MAX_LINES):
        return every
    head = words.printable(text[:limit]).split("\n")[:_MAX_LINES]
    return [*head, f"... ({len(text):,} characters in all; -v shows them)"]
