"""The evidence of changes: fields that were renamed, and what stood in both answers of the first pair that shows a change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import SequenceMatcher

from harness.compare.fidelity_changes import AnswerPair, Change, Exhibit, FidelityOptions, ReadTurns
from harness.compare.fidelity_claims import share_in
from harness.compare.fidelity_facts import RETRIES, last_key, parent
from harness.compare.known import Entry, stands_for
from harness.model import Json
from harness.results.rows import TurnRow, dumps
from harness.text import jsonpath
from harness.text.amounts import count

_TOKEN = re.compile(r"[\w+/=-]+")
_ALIKE = 0.6
_TOGETHER = 0.8
"""The share of pairs in which a field must come where another one goes, so that it may be the same field."""
_SAMPLES = 5


Evidence = Mapping[int, Exhibit]
"""The number of a pair -> its answers."""


def evidence_of(pairs: Sequence[AnswerPair], read: tuple[ReadTurns, ReadTurns], seen: Sequence[Change]) -> Evidence:
    """The answers of the first pairs that show each change, read at once. Pairs that cannot be read any more are left out."""
    wanted = sorted({at for change in seen for at in change.hits[:_SAMPLES]})
    before, after = (
        one_side({pairs[at][side].at for at in wanted}) if wanted else {} for side, one_side in enumerate(read)
    )
    places = {at: (pairs[at].reference.at, pairs[at].candidate.at) for at in wanted}
    return {
        at: Exhibit(candidate[0], before[reference], after[candidate])
        for at, (reference, candidate) in places.items()
        if reference in before and candidate in after
    }


def _samples(change: Change, evidence: Evidence) -> list[Exhibit]:
    return [evidence[at] for at in change.hits[:_SAMPLES] if at in evidence]


def with_renames(seen: Sequence[Change], evidence: Evidence) -> list[Change]:
    """The changes; a field that goes where a similar one comes becomes one change."""
    left = list(seen)
    for gone in [change for change in seen if change.kind == "dropped"]:
        rivals = [other for other in left if other.kind == "added" and _may_be_same(gone, other)]
        scores = {_likeness(gone, other, evidence): other for other in rivals}
        if scores and max(scores) >= _ALIKE:
            came = scores[max(scores)]
            left = [change for change in left if change is not came]
            names = [last_key(change.path) for change in (gone, came)]
            left[left.index(gone)] = replace(
                gone, kind="renamed", message=" -> ".join(names), before=names[0], after=names[1]
            )
    return left


def _may_be_same(gone: Change, came: Change) -> bool:
    together = gone.hits and came.hits and min(share_in(gone, came), share_in(came, gone)) >= _TOGETHER
    return bool(together) and parent(gone.path) == parent(came.path)


def _likeness(gone: Change, came: Change, evidence: Evidence) -> float:
    """0 to 1: how alike the names are, or the values in the same pairs."""
    names = [re.sub(r"[^a-z]", "", last_key(change.path).lower()) for change in (gone, came)]
    return max(SequenceMatcher(None, names[0], names[1]).ratio(), _values_alike(gone, came, evidence))


def _values_alike(gone: Change, came: Change, evidence: Evidence) -> float:
    found = [
        _alike(before, after)
        for both in _samples(gone, evidence)
        for before, after in zip(
            values(both.reference.response, gone.path),
            values(both.candidate.response, came.path),
            strict=False,
        )
    ]
    return sum(found) / len(found) if found else 0.0


def _alike(before: Json, after: Json) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return bool(before) and before.keys() == after.keys()
    if isinstance(before, list) and isinstance(after, list):
        return bool(before and after) and _alike(before[0], after[0])
    if isinstance(before, str) and isinstance(after, str):
        same_form = bool(_TOKEN.fullmatch(before) and _TOKEN.fullmatch(after)) and len(before) == len(after) > 8
        return before == after or same_form
    return type(before) is type(after) and before == after


def finished(change: Change, evidence: Evidence, options: FidelityOptions) -> Change:
    """The change with excerpts of both answers, and whether it is known."""
    listed = next((entry for entry in options.known if stands_for(entry, change.named)), None)
    return replace(shown(change, evidence), known=listed is not None and not _has_grown(change, listed))


def shown(change: Change, evidence: Evidence) -> Change:
    """The change with what stands in both answers at its place, in the pair with the shortest request: it is the easiest to send again."""
    seen = min(_samples(change, evidence), key=lambda both: len(dumps(both.candidate.request)), default=None)
    excerpts = seen and (_excerpt(seen.reference, change), _excerpt(seen.candidate, change))
    return replace(change, excerpts=excerpts, exhibit=seen)


def _has_grown(change: Change, listed: Entry) -> bool:
    """Whether the intervals of both shares do not touch. Times vary with the hour, so their shares are not compared."""
    from harness.compare.stats.rates import wilson

    before = listed.get("pairs", 0), listed.get("of", 0)
    return change.kind != "timing" and bool(before[1]) and change.interval[0] > wilson(*before)[1]


def marked_keys(change: Change) -> frozenset[str]:
    """The keys of an excerpt that are about the change."""
    if change.path.startswith("header "):
        return frozenset({change.path.removeprefix("header ")})
    if not change.path.startswith("$"):
        return frozenset({"attempts" if change.path == RETRIES else change.path.removeprefix("stream ")})
    new = change.message.rpartition(" -> ")[2] if change.kind == "renamed" else ""
    return frozenset({last_key(change.path), new, "text"} if change.kind == "ignored" else {last_key(change.path), new})


def _excerpt(turn: TurnRow, change: Change) -> Json:
    """What the answer has at the place of the change; for a field, the object around it."""
    response = turn.response
    if change.path.startswith("header "):
        return {name: value or "(its value is not kept)" for name, value in (turn.headers or {}).items()}
    if change.kind == "ignored":
        return {last_key(change.path): next(values(turn.request, change.path), None), "text": turn.text}
    if change.path == RETRIES:
        return {"attempts": turn.attempts, "status": turn.status}
    if change.kind == "status":
        return {"status": turn.status, "error": next(values(response, "$.error"), turn.body)}
    if not change.path.startswith("$"):
        return dict(_wire(turn))
    if change.path == "$":
        return response or turn.body
    if change.kind in ("dropped", "added", "renamed"):
        return next(values(response, parent(change.path)), None)
    return next(values(response, change.path), None)


_LINE_ENDINGS = {"crlf": "CRLF", "lf": "LF", "cr": "CR"}


def _wire(turn: TurnRow) -> Iterator[tuple[str, Json]]:
    known = [at for at in turn.times if at is not None]
    seconds = [f"{at:.3f} s" for at in known]
    if turn.transport != "stream":
        yield from [("latency", seconds[-1])] if known else []
        return
    yield "events", len(turn.times)
    if known:
        yield "first event", f"after {seconds[0]}"
        yield "pacing", f"{known[-1] - known[0]:.3f} s from the first to the last event"
    if framed := turn.framing:
        yield "form", framed.form
        yield "line endings", _LINE_ENDINGS.get(framed.eol, framed.eol or "none")
        yield "comments", count(framed.comments, "line")
        yield "[DONE]", "at the end" if framed.done else "none"
        yield "events that are not valid", framed.faults
        yield "events with finishReason", framed.finishes or "one at most"
        yield "events with usageMetadata", framed.usages


def values(value: Json, path: str) -> Iterator[Json]:
    """Everything at a path with ``[*]``; nothing where a key has characters that no JSONPath takes."""
    with suppress(ValueError):
        yield from (found for _, found in jsonpath.find(path, value))
