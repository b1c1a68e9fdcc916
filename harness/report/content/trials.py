"""The trials of a run for the script of its page: an index, and details in blocks, which it parses when a trial is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from harness.answer.reply import candidate_of, parts_of, text_of
from harness.gemini import grounding
from harness.gemini.providers import ROWS
from harness.model import Json, Reply
from harness.report import Report, words
from harness.report.blocks import Trials
from harness.results.groups import Group, failed_verdicts
from harness.results.rows import Row, RunRow, TurnRow, dumps, plain
from harness.results.summary import STATUSES, Summary, summarise
from harness.suite.axes import short_label
from harness.text.jsontext import a_list, an_object, objects_in

BLOCK = 50
"""How many trials a block has."""
DETAILED = 20_000
"""How many trials keep all details. Later trials keep them only if they failed."""
COLUMNS = ("thoughtsTokenCount", "totalTokenCount", "ttft_s", "latency_s", "cost_usd")
"""Measures that the list of trials shows."""


def trials(report: Report) -> Trials:
    """The trials of a run, read from disk when they are written."""
    groups = report.summary.groups
    facts = facts_of([_group(group, report.run) for group in groups.values()])
    return Trials(facts, _parts(report.rows(), report.summary), {name: number for number, name in enumerate(groups)})


def facts_of(groups: Sequence[list[Json]]) -> dict[str, Any]:
    """The data that the script needs for these groups; see ``group_facts`` for one group."""
    return {
        "block": BLOCK,
        "statuses": list(STATUSES),
        "marks": [words.MARKS[status] for status in STATUSES],
        "columns": [[name, words.label(name)] for name in COLUMNS],
        "labels": words.LABELS,
        "groups": groups,
        "keys": {target: _key(target) for target in dict.fromkeys(str(group[3]) for group in groups)},
    }


def _group(group: Group, run: RunRow) -> list[Json]:
    axes = " ".join(f"{name}={short_label(name, value)}" for name, value in group.axes.items())
    return [group.id, group.suite, group.case, group.target, axes, words.place(group.place), words.rerun(group, run)]


def group_facts(row: Row, run: RunRow, side: str, pair: int) -> list[Json]:
    """The group of a row of a comparison. Groups of one ``pair`` are shown together; ``side`` is the name of the group."""
    (group,) = summarise([row]).groups.values()
    return [*_group(group, run), side, pair]


def _key(target: str) -> str | None:
    provider = ROWS.get(target.partition("/")[0])
    return '" -H "'.join(provider.key_headers) or None if provider else "x-goog-api-key: $KEY"


def _parts(rows: Iterable[Row], summary: Summary) -> Iterator[tuple[Json, Json]]:
    """An index and details for every ``BLOCK`` trials, in the order of the rows."""
    numbers = {name: number for number, name in enumerate(summary.groups)}
    waiting = iter(rows)
    read = 0
    while some := list(islice(waiting, BLOCK)):
        keep = read < DETAILED
        index_rows: list[Json] = [index(row, numbers[row.group]) for row in some]
        yield index_rows, [detail(row) if keep or row.status in words.WRONG else None for row in some]
        read += len(some)


def index(row: Row, group: int) -> list[Json]:
    """[group, attempt, status, simulated, why, measures as in ``COLUMNS``]."""
    measures = row.measures
    shown = [measures.get(name) if row.streamed or name != "ttft_s" else None for name in COLUMNS]
    provenance = row.provenance
    return [
        group,
        row.attempt,
        STATUSES.index(row.status),
        int(bool(provenance and provenance.simulated)),
        _why(row),
        shown,
    ]


def _why(row: Row) -> str:
    if row.error is not None:
        return words.one_line(row.error.message, 160)
    wrong = failed_verdicts(row)
    if not wrong:
        return row.skip or "" if row.status == "skipped" else ""
    mark = "warning: " if wrong[0].severity == "warn" else ""
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return words.shortened(f"{mark}{wrong[0].check}: {wrong[0].message}", 160) + more


def detail(row: Row) -> dict[str, Json]:
    """Everything that the panel shows of one trial, except its index."""
    kept = ("verdicts", "invariants_passed", "measures", "provenance", "error", "cassette", "xfail", "skip", "unpriced")
    shown = {name: getattr(row, name) for name in kept}
    return {**shown, "turns": [_turn(turn) for turn in row.turns or ()]}


def _turn(turn: TurnRow) -> dict[str, Json]:
    """The request is kept as text, as it was sent. Text and thoughts are left out where the response contains them."""
    fields: dict[str, Json] = {**plain(turn), "request": dumps(turn.request)}
    parts = parts_of(candidate_of(turn.response))
    for name, thought in (("text", False), ("thoughts", True)):
        if fields[name] == text_of(parts, thought=thought):
            del fields[name]
    if marks := list(grounded(turn.response, turn.text)):
        fields["grounded"] = marks
    return fields


def grounded(response: Json, text: str) -> Iterator[list[Json]]:
    """[start, end, sources, exact] of every supported piece of the answer; start and end count code points.

    The API's offsets count UTF-8 bytes. ``exact`` is False where they do not cut out the text of the segment. Then the piece
    is where that text occurs, if it occurs once, else where the offsets point. With ``partIndex`` ``exact`` is always True,
    since a saved response has its parts joined.
    """
    candidate = candidate_of(response)
    support = an_object(candidate.get("groundingMetadata"))
    if not support:
        return
    reply = Reply(
        "json", (), an_object(response), None, (), text=text, grounding=support, content=candidate.get("content")
    )
    cited = [one for one in objects_in(support.get("groundingSupports")) if isinstance(one.get("segment"), dict)]
    parts = parts_of(candidate)
    for segment, one in zip(grounding.segments(reply), cited, strict=True):
        before = "" if segment.part is None else text_of(parts[: segment.part])
        start, end = (len(before) + _characters(text[len(before) :], at) for at in (segment.start, segment.end))
        if not segment.agrees and segment.text and text.count(segment.text) == 1:
            start = text.index(segment.text)
            end = start + len(segment.text)
        sources = [index for index in a_list(one.get("groundingChunkIndices")) if type(index) is int and index >= 0]
        yield [start, end, sources, segment.agrees or segment.part is not None]


def _characters(text: str, offset: int) -> int:
    """How many code points the first ``offset`` UTF-8 bytes are. One that is cut does not count."""
    return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))
