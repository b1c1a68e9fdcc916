"""What a gateway changes, for those who run it: the conclusion, then examples that they can send again and find in their logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from harness import __version__
from harness.answer.refusals import message_of
from harness.answer.wire_form import ids
from harness.compare.fidelity_changes import Change, Exhibit, Fidelity
from harness.gemini.providers import WRONG_KEY
from harness.report import words
from harness.report.blocks import Block, Bullets, Code, CodeBlock, Facts, Heading, Paragraph, Table
from harness.report.content.fidelity_excerpts import excerpts, interval, kept, what
from harness.report.curl import curl
from harness.results.rows import TurnRow, dumps
from harness.text.amounts import count
from harness.text.grouping import grouped

WORST = 3
"""How many changes the conclusion names."""
LONGEST_BODY = 8_000
"""Characters of a request that a command holds; a longer one stands for a file."""
_KEY = ("x-goog-api-key: $API_KEY",)
_WRONG = re.compile("API_KEY_INVALID|ACCESS_TOKEN_TYPE_UNSUPPORTED|UNAUTHENTICATED")
"""How Google refuses a key: the request was sent with a wrong one."""


def vendor_blocks(fidelity: Fidelity) -> Iterator[Block]:
    """The document. Known changes and notes are left out."""
    changes = [change for change in fidelity.overall.changes if not change.known and not change.note]
    bodies = [change for change in changes if change.kind != "header"]
    yield Heading(f"What {fidelity.candidate} changes against {fidelity.reference}", level=1)
    yield from _conclusion(fidelity, bodies or changes, len(changes))
    # the same in all of a few answers, and any other status: too few to exclude chance, enough to look at
    rare = [change for change in fidelity.unsure if change.pairs == change.of or change.path == "status"]
    if changes:
        yield Heading("differences")
        yield _table(changes, "the differences, the worst first", ("share (95%)", interval))
    if rare:
        yield Heading("seen in few answers")
        yield Paragraph(["These may be differences too, yet there are too few answers to be sure."])
        yield _table(rare, "what may be a difference")
    for number, (exhibit, shown) in enumerate(_examples([*bodies, *rare]), 1):
        yield from _example(number, exhibit, shown, fidelity)
    yield Heading("how this was found")
    yield Bullets(list(_method(fidelity)))


def _conclusion(fidelity: Fidelity, worst: Sequence[Change], total: int) -> Iterator[Block]:
    pairs = count(fidelity.overall.pairs, "time")
    asked = f"The same requests went to {fidelity.reference} and to {fidelity.candidate}, {pairs}"
    if not total:
        yield Paragraph([f"{asked}. No difference was found."], strong=True)
        return
    yield Paragraph([f"{asked}: the answers of {fidelity.candidate} differ in {count(total, 'way')}."], strong=True)
    first = f" The first {WORST} are the worst:" if len(worst) > WORST else ""
    yield Paragraph([f"{kept(fidelity.overall)} of what {fidelity.reference} sends arrives unchanged.{first}"])
    yield Bullets([[Code(change.path), f" {what(change)}, in {_share(change)}"] for change in worst[:WORST]])


def _share(change: Change) -> str:
    return f"{change.pairs:,} of {count(change.of, 'answer')}"


def _table(changes: Sequence[Change], caption: str, *more: tuple[str, Callable[[Change], str]]) -> Table:
    columns = [("change", what), ("seen in", _share), *more]
    rows = [[Code(change.path), *(text(change) for _, text in columns)] for change in changes]
    return Table(["path", *(name for name, _ in columns)], rows, caption, frozenset({1, 2}))


# --- examples ---------------------------------------------------------------------------------------------


def _examples(changes: Sequence[Change]) -> list[tuple[Exhibit, list[Change]]]:
    found: dict[tuple[str, int], tuple[Exhibit, list[Change]]] = {}
    for change in changes:
        if (exhibit := change.exhibit) is not None:
            found.setdefault((exhibit.trial, id(exhibit.candidate)), (exhibit, []))[1].append(change)
    return list(found.values())


def _example(number: int, exhibit: Exhibit, changes: Sequence[Change], fidelity: Fidelity) -> Iterator[Block]:
    yield Heading(f"example {number}: {changes[0].path}, {what(changes[0])}")
    yield CodeBlock(_command(exhibit, fidelity))
    for side, turn in ((fidelity.candidate, exhibit.candidate), (fidelity.reference, exhibit.reference)):
        yield Paragraph([f"{side} answered:"])
        yield Facts(list(_facts(turn)))
    for alike in grouped(changes, lambda change: dumps(change.excerpts)).values():  # those of one object together
        named = [piece for change in alike for piece in (", ", Code(change.path), f" {what(change)}")]
        if compared := excerpts(alike, fidelity):
            yield Paragraph([*named[1:], ":"])
            yield compared


def _command(exhibit: Exhibit, fidelity: Fidelity) -> list[str]:
    turn = exhibit.candidate
    body = "" if turn.request is None else dumps(turn.request)
    provider = exhibit.trial.rpartition("@")[2].partition("/")[0]
    keys = fidelity.key_headers.get(provider) or _KEY
    if _WRONG.search(dumps(exhibit.reference.response)):
        keys = [re.sub(r"\$\w+", WRONG_KEY, key) for key in keys]
    note = [f"# request.json holds a body of {len(body):,} characters"] if len(body) > LONGEST_BODY else []
    return [
        *note,
        *curl(
            turn.url,
            "@request.json" if note else body,
            method=turn.method,
            headers={"content-type": "application/json"} if body else {},
            key_headers=keys,
            stream=turn.transport == "stream",
        ),
    ]


def _facts(turn: TurnRow) -> Iterator[tuple[str, str]]:
    """What finds the answer in a log: status, time, ids; then the error, if it is one."""
    yield "status", str(turn.status)
    headers = turn.headers or {}
    if date := headers.get("date"):
        yield "time", date
    yield from ids(headers).items()
    response = turn.response if isinstance(turn.response, dict) else {}
    if response.get("responseId"):
        yield "responseId", str(response["responseId"])
    if turn.status >= 400:
        yield "error", words.shortened(message_of(response.get("error")) or turn.body or "the body is empty", 300)


def _method(fidelity: Fidelity) -> Iterator[list[str]]:
    yield [
        "Every request went to both sides with the same body. A difference is listed where it is more frequent than chance allows."
    ]
    yield [
        "A path is a JSONPath of the body, with [*] for any index. In examples, - marks lines of the reference, + those of the candidate."
    ]
    yield [f"gemini-harness {__version__}; {next(iter(fidelity.notes), '')}".removesuffix("; ")]
