"""The nouns of a fidelity report: paired answers, changes, features, gates, and the document with its JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from harness.compare.fidelity_facts import AnswerFacts
from harness.compare.gates.gate import GateResult
from harness.compare.known import Entry
from harness.model import Json
from harness.results.rows import TurnRow
from harness.text.jsonpath import is_below

ChangeKind = Literal[
    "model", "ignored", "status", "dropped", "retyped", "renamed", "value", "framing", "timing", "added", "header", "order",
]  # fmt: skip
"""What breaks callers most, first: another answer, then less of it, then another shape, then more of it."""

_COSMETIC = ("stream line endings", "stream comments", "stream events", "stream events with usageMetadata")

INSTEAD = ("$.error", "$.promptFeedback")
"""What comes in the place of an answer."""
Where = tuple[str, int]
"""The trial, and its turn, from 0."""


class Answer(NamedTuple):
    """One answer of a side. ``case``: what both sides asked alike; its attempts count together. ``at``: where it is saved."""

    case: str
    features: tuple[str, ...]
    at: Where
    facts: AnswerFacts


class AnswerPair(NamedTuple):
    """The same question on both sides."""

    reference: Answer
    candidate: Answer


class Exhibit(NamedTuple):
    """Both answers of a pair that shows a change. ``trial``: that of the candidate."""

    trial: str
    reference: TurnRow
    candidate: TurnRow


ReadTurns = Callable[[Collection[Where]], Mapping[Where, TurnRow]]
"""Reads the turns at these places."""


@dataclass(frozen=True, slots=True)
class Change:
    """A claim. ``hits``: the numbers of the pairs in which it is seen; ``able``: of those in which it could be; ``opposite``: of those
    that show the opposite.

    ``message``: from what to what. ``trials``: some that show it. ``excerpts``: the parts of both answers in ``exhibit``.
    ``before`` and ``after``: the values, where it is about values; for a number ``after`` is its direction. ``known``: whether it is on
    the list of known changes, and not clearly more frequent now. ``needs``: of what is not claimed yet, how many more pairs would decide.
    """

    kind: ChangeKind
    path: str
    message: str
    hits: Sequence[int] = ()
    able: Sequence[int] = ()
    opposite: Sequence[int] = ()
    trials: Sequence[str] = ()
    excerpts: tuple[Json, Json] | None = None
    exhibit: Exhibit | None = None
    before: str = ""
    after: str = ""
    known: bool = False
    needs: int = 0

    @property
    def pairs(self) -> int:
        """In how many pairs it is seen."""
        return len(self.hits)

    @property
    def of(self) -> int:
        """In how many pairs it could be seen."""
        return len(self.able)

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share of the pairs that show it, at 95%."""
        from harness.compare.stats.rates import wilson

        return wilson(self.pairs, max(self.of, self.pairs))

    @property
    def named(self) -> dict[str, str]:
        """What an entry of a list says of it."""
        return {"kind": self.kind, "path": self.path, "from": self.before, "to": self.after}

    @property
    def note(self) -> bool:
        """Whether it is a note only: nothing is lost."""
        return self.kind == "order"

    @property
    def cosmetic(self) -> bool:
        """Whether clients that pass over what they do not know lose nothing by it."""
        added = self.kind == "added" and self.path not in INSTEAD
        plain = self.kind == "header" and self.path not in ("header content-type", "header retry-after")
        return added or plain or self.kind == "order" or self.path in _COSMETIC

    def within(self, pairs: Container[int]) -> Change:
        """The change in these pairs alone."""
        hits, able, opposite = ([at for at in side if at in pairs] for side in (self.hits, self.able, self.opposite))
        return replace(self, hits=hits, able=able, opposite=opposite)

    def to_json(self) -> dict[str, Any]:
        row = {"kind": self.kind, "path": self.path, "pairs": self.pairs, "of": self.of, "trials": list(self.trials)}
        values = {"message": self.message, "from": self.before or None, "to": self.after or None}
        return {**row, **values, "reverse": len(self.opposite), "interval": list(self.interval), "known": self.known}

    def to_unsure_json(self) -> dict[str, Any]:
        row = {"kind": self.kind, "path": self.path, "message": self.message, "pairs": self.pairs, "of": self.of}
        return {**row, "needs": self.needs, "trials": list(self.trials)}


@dataclass(frozen=True, slots=True)
class FeatureFidelity:
    """The changes of one feature. ``kept``: the share of what the reference shows that arrives unchanged, 0 to 1; ``kept_new``: the
    same without the loss through known changes; ``kept_least``: the same if all that is unsure is a change."""

    feature: str
    pairs: int
    kept: float
    kept_new: float
    kept_least: float
    changes: Sequence[Change]

    def to_json(self) -> dict[str, Any]:
        changes = [change.to_json() for change in self.changes]
        kept = {"kept": self.kept, "kept_least": self.kept_least}
        return {"feature": self.feature, "pairs": self.pairs, **kept, "changes": changes}


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The document. ``overall`` counts every pair once; a pair may belong to several features."""

    reference: str
    candidate: str
    overall: FeatureFidelity
    features: Sequence[FeatureFidelity]
    unsure: Sequence[Change] = ()
    notes: Sequence[str] = ()
    gates: Sequence[GateResult] = ()
    command: str = ""
    show: Mapping[str, str] = field(default_factory=dict)
    """Trial -> the command that shows its request."""
    simulated: bool = False
    for_vendor: bool = False
    """Whether it is to be sent to those who run the candidate."""
    key_headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Provider -> the headers with its key, as a shell variable."""
    enough: bool = True
    """Whether there are enough pairs to claim that something is always dropped."""

    def to_json(self) -> dict[str, Any]:
        overall = self.overall.to_json()
        return {
            "version": 1,
            "reference": self.reference,
            "candidate": self.candidate,
            "features": [feature.to_json() for feature in self.features],
            "overall": {name: overall[name] for name in ("pairs", "kept", "kept_least", "changes")},
            "cannot_tell": [change.to_unsure_json() for change in self.unsure],
            "gates": [gate.to_json() for gate in self.gates],
            "notes": list(self.notes),
            "simulated": self.simulated,
        }


@dataclass(frozen=True, slots=True)
class FidelityOptions:
    """``ignore``: paths, with everything below them; ``*`` at the end of a name stands for the rest. ``known``: entries that may
    say how frequent a change was: in how many ``pairs`` ``of`` all."""

    ignore: Sequence[str] = ()
    known: Sequence[Entry] = ()

    def ignores(self, path: str) -> bool:
        return any(
            path.startswith(pattern[:-1])
            if pattern.endswith("*") and not pattern.endswith("[*]")
            else is_below(path, pattern)
            for pattern in self.ignore
        )
