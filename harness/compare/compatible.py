"""What works in Gemini's native API and in the OpenAI-compatible one, side by side, as a run has measured it.

A row is a case, a side an endpoint in one dialect. A cell works, differs from the native side, is not available (the dialect cannot
express it, or the endpoint refuses it), or failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, NamedTuple

from harness.answer.reply import parts_of
from harness.errors import NOT_AVAILABLE, UsageError
from harness.gemini.providers import Provider, is_chat
from harness.model import Json
from harness.results.groups import Group
from harness.results.rows import VERSION, Row, RowsOf, TurnRow
from harness.text.amounts import count
from harness.text.grouping import grouped
from harness.text.jsontext import a_list

State = Literal["works", "differs", "not available", "failed"]

_REFUSED = frozenset((400, 401, 403, 404, 405, 415, 422, 501))
"""Statuses by which an endpoint says that it does not take a request."""


class Side(NamedTuple):
    """A column. ``target``: provider and model; ``title``: the dialect; ``providers``: all that ask this endpoint in this dialect."""

    target: str
    title: str
    native: bool
    providers: tuple[str, ...]


class FeatureCell(NamedTuple):
    """A feature on a side. ``reason``: what differs, why it failed, or what was seen. ``trials``: what shows it."""

    side: str
    state: State
    reason: str
    trials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compatibility:
    """The document. A row is a feature with its cells; a side on which a feature was not tried has no cell."""

    model: str
    sides: Sequence[Side]
    rows: Sequence[tuple[str, Sequence[FeatureCell]]]
    notes: Sequence[str] = ()
    simulated: bool = False
    command: str = ""
    run: str = ""

    def to_json(self) -> dict[str, Json]:
        """The document that ``--format json`` prints, version 1."""
        rows = [{"feature": feature, "cells": [cell._asdict() for cell in cells]} for feature, cells in self.rows]
        about = {
            "version": VERSION,
            "run": self.run,
            "model": self.model,
            "sides": [side.target for side in self.sides],
        }
        return {**about, "rows": rows, "simulated": self.simulated}


def compatible(
    groups: Iterable[Group], rows_of: RowsOf, providers: Mapping[str, Provider], model: str | None = None
) -> Compatibility:
    """What the groups of a run say. ``model``: that of the columns; None: the one of most groups. Raises UsageError."""
    found = list(groups)
    chosen = _model(found, model)
    sides = _sides(found, providers, chosen)
    kinds = {side.native for side in sides}
    if kinds != {True, False}:
        raise UsageError(
            f"the run asks {chosen} at no {'OpenAI-compatible' if True in kinds else 'native'} endpoint; {HOW}"
        )
    features = grouped(found, lambda group: group.case.replace("-", " "))
    shared = {name: own for name, own in features.items() if len({_provider(group) for group in own}) > 1}
    wanted = {group.id for own in shared.values() for group in own}
    trials = grouped(rows_of(wanted), attrgetter("group"))
    table = [
        (name, _cells(name, [(side, _on(side, own, chosen)) for side in sides], trials, providers))
        for name, own in shared.items()
    ]
    return Compatibility(chosen, sides, table)


HOW = "play a suite on both: gemini-harness run SUITE --live --provider google --provider google-openai"


def _provider(group: Group) -> str:
    return group.target.partition("/")[0]


def _model(groups: Sequence[Group], asked: str | None) -> str:
    counted = Counter(group.target.partition("/")[2] for group in groups)
    if not counted:
        raise UsageError(f"the run has no trials; {HOW}")
    if asked is not None and asked not in counted:
        raise UsageError(f"the run does not ask {asked}; it asks {', '.join(counted)}")
    most = [name for name, number in counted.items() if number == max(counted.values())]
    if asked is None and len(most) > 1:
        raise UsageError(f"the run asks several models as often: choose one with --model: {', '.join(most)}")
    return asked or most[0]


# --- sides --------------------------------------------------------------------------------------------


def _sides(groups: Sequence[Group], providers: Mapping[str, Provider], model: str) -> list[Side]:
    """The endpoints, native first, then without and with ``extra_body``. Two providers of one endpoint are one side."""
    found: dict[tuple[int, str], list[str]] = {}
    for group in groups:
        name, _, asked = group.target.partition("/")
        if asked == model:
            names = found.setdefault(_endpoint(name, providers), [])
            names.extend([] if name in names else [name])
    ranked = sorted(found.items(), key=lambda item: item[0][0])
    return [Side(f"{names[0]}/{model}", _TITLES[rank], rank == 0, tuple(names)) for (rank, _), names in ranked]


_TITLES = ("native", "compatible", "with extra_body")


def _endpoint(name: str, providers: Mapping[str, Provider]) -> tuple[int, str]:
    """(rank of the dialect, address). A provider that the configuration does not know is taken for native."""
    row = providers.get(name)
    if row is None or row.dialect != "openai":
        return 0, row.base_url if row else name
    return 1 + row.extra_body, row.base_url


# --- cells --------------------------------------------------------------------------------------------


def _on(side: Side, groups: Sequence[Group], model: str) -> list[Group]:
    """The groups on a side: those of the model of the columns, else those of a model that the case names."""
    own = [group for group in groups if _provider(group) in side.providers]
    return [group for group in own if group.target.endswith(f"/{model}")] or own


def _cells(
    feature: str,
    tried: Iterable[tuple[Side, Sequence[Group]]],
    trials: Mapping[str, Sequence[Row]],
    providers: Mapping[str, Provider],
) -> list[FeatureCell]:
    native: str | None = None
    cells: list[FeatureCell] = []
    for side, groups in tried:
        if not groups:
            continue
        rows = [row for group in groups for row in trials.get(group.id, ())]
        seen = _SEEN[feature](rows, providers) if feature in _SEEN else ""
        cell = _cell(side, groups, rows, seen)
        if cell.state == "works" and side.native and native is None:
            native = seen
        elif cell.state == "works" and native is not None and seen != native:
            cell = cell._replace(state="differs", reason=f"{seen}; natively {native}")
        cells.append(cell)
    return cells


def _cell(side: Side, groups: Sequence[Group], trials: Sequence[Row], seen: str) -> FeatureCell:
    """The cell of these groups: the worst of them decides, and its worst trial comes first."""
    worst = min(groups, key=lambda group: _ORDER.index(group.status))
    rows = sorted(trials, key=lambda row: (row.group != worst.id, _ORDER.index(row.status)))
    ids = tuple(row.id for row in rows)
    if worst.status == "skipped":
        return FeatureCell(side.target, "not available", (rows[0].skip or "").removeprefix(NOT_AVAILABLE), ids)
    if worst.status in ("passed", "xfailed"):
        return FeatureCell(side.target, "works", seen, ids)
    refused = _refusal(rows[0])
    return FeatureCell(side.target, "not available" if refused else "failed", refused or _fault(rows[0]), ids)


_ORDER = ("error", "failed", "xpassed", "skipped", "xfailed", "passed")


def _refusal(row: Row) -> str:
    """The error by which the endpoint refuses the request; empty if it does not."""
    turn = next(reversed(row.turns or ()), None)
    if turn is None or turn.status not in _REFUSED:
        return ""
    found = next((verdict for verdict in row.verdicts if verdict.check == "invariant:http-status"), None)
    return found.message if found else f"HTTP {turn.status}"


def _fault(row: Row) -> str:
    if row.error is not None:
        return row.error.message.splitlines()[0]
    failed = (verdict for verdict in row.verdicts if verdict.status != "passed" and verdict.severity == "error")
    return next((f"{one.check}: {one.message or 'not as expected'}" for one in failed), "unexpectedly passed")


# --- what is compared with the native side ------------------------------------------------------------


def _turns(rows: Sequence[Row]) -> list[TurnRow]:
    return [turn for row in rows for turn in row.turns or ()]


def _headers(rows: Sequence[Row], providers: Mapping[str, Provider]) -> str:
    names = {"x-goog-api-key": "x-goog-api-key", "bearer": "Bearer", "both": "both headers at once", "none": "no key"}
    passed = [row.target.partition("/")[0] for row in rows if row.status == "passed"]
    auths = [providers[name].auth for name in passed if name in providers]
    return ", ".join(dict.fromkeys(names.get(auth, auth) for auth in auths))


def _format(rows: Sequence[Row], _: Mapping[str, Provider]) -> str:
    chats = {is_chat(turn.url) for turn in _turns(rows)}
    return ", ".join("choices, message" if chat else "candidates, parts" for chat in sorted(chats))


def _counts(rows: Sequence[Row], _: Mapping[str, Provider]) -> str:
    usages = [turn.response.get("usageMetadata", {}) for turn in _turns(rows) if isinstance(turn.response, dict)]
    prompts = sorted({usage["promptTokenCount"] for usage in usages if "promptTokenCount" in usage})
    kinds = [name for name, key in _COUNTED.items() if any(key in usage for usage in usages)]
    return f"prompt {', '.join(map(str, prompts)) or 'not counted'}; {', '.join(kinds)}"


_COUNTED = {
    "answer": "candidatesTokenCount",
    "thoughts": "thoughtsTokenCount",
    "total": "totalTokenCount",
    "by modality": "promptTokensDetails",
}


def _usages(rows: Sequence[Row], _: Mapping[str, Provider]) -> str:
    """In how many events of a stream there is a usage."""
    found = set()
    for turn in _turns(rows):
        usages = turn.framing.usages if turn.framing else 0
        names = {1: "the last event", len(turn.times): "every event", 0: "no event"}
        found.add(names.get(usages, "some events"))
    return f"in {', '.join(sorted(found))}" if found else ""


def _calls(rows: Sequence[Row], _: Mapping[str, Provider]) -> str:
    answers = [row.turns[0].response for row in rows if row.turns]
    candidates = [a_list(answer.get("candidates")) for answer in answers if isinstance(answer, dict)]
    numbers = {sum("functionCall" in part for one in all_of for part in parts_of(one)) for all_of in candidates}
    return ", ".join(count(number, "call") for number in sorted(numbers))


_SEEN: Mapping[str, Callable[[Sequence[Row], Mapping[str, Provider]], str]] = {
    "auth header": _headers,
    "response format": _format,
    "token counts": _counts,
    "usage in streams": _usages,
    "parallel calls": _calls,
}
"""Feature -> what was seen of it. A side differs where it is not what was seen on the native side."""
