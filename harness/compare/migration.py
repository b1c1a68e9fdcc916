"""From one model to another: what is known to change, which cells the new model cannot play, and whether to switch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from harness.compare.comparison import Comparison
from harness.compare.verdicts import NAMES, reason, sentence
from harness.gemini.models import ModelFacts, Thinking, catalogue, facts, lifecycle
from harness.results.groups import Group
from harness.suite.axes import refusal, thinking_config
from harness.text.amounts import count, some
from harness.text.grouping import gathered


class BottomLine(NamedTuple):
    """``verdict``: *may be switched*, *not yet* or *cannot tell*. ``because``: the reasons, at least one."""

    verdict: str
    because: Sequence[str]

    def __str__(self) -> str:
        return f"{self.verdict}: {'; '.join(self.because)}"


@dataclass(frozen=True, slots=True)
class Migration:
    """A comparison whose reference is the old model, and what is known about both models.

    ``changes``: facts about the models, as sentences. ``unsupported``: (cell, reason) for the cells that the new model cannot
    play. ``cut_short``: notes that other cells were not played yet.
    """

    comparison: Comparison
    changes: Sequence[str]
    unsupported: Sequence[tuple[str, str]]
    cut_short: Sequence[str] = ()

    @property
    def simulated(self) -> bool:
        return self.comparison.simulated

    @property
    def bottom_line(self) -> BottomLine:
        return bottom_line(self.comparison, self.unsupported, self.cut_short)

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare --format json``, with one more key, ``migration``."""
        line = self.bottom_line
        return {
            **self.comparison.to_json(),
            "migration": {
                "verdict": line.verdict,
                "because": list(line.because),
                "changes": list(self.changes),
                "unsupported": [{"id": cell, "why": why} for cell, why in self.unsupported],
                "simulated": self.simulated,
            },
        }


# --- what is known beforehand -------------------------------------------------------------------------


def changes(old: str, new: str, day: date) -> Iterator[str]:
    """How the known facts of two models differ, one fact a line, then the lifecycle dates of both."""
    before, after = facts(old), facts(new)
    for model, known in ((old, before), (new, after)):
        if known is None:
            yield f"nothing is known about {model}"
    if before and after:
        yield from _thinking(before.thinking, after.thinking)
        yield from _limits(before, after)
        yield from _features(before, after)
        if before.stage != after.stage:
            yield f"stage: {before.stage} -> {after.stage}"
    for model in (old, new):
        if life := lifecycle(model, day):
            yield life.message


def _thinking(old: Thinking, new: Thinking) -> Iterator[str]:
    if _accepted(old) != _accepted(new):
        yield f"thinking: {_accepted(old)} -> {_accepted(new)}"
    if old.default != new.default:
        yield f"default thinking: {(old.default or 'not known').lower()} -> {(new.default or 'not known').lower()}"
    sent = [("thinkingLevel", level) for level in old.levels] + [("thinkingBudget", budget) for budget in _budgets(old)]
    refused = gathered(
        ((name, why.replace(f"budget {value} is", "it is")), str(value))
        for name, value in sent
        if (why := new.refuses({name: value}))
    )
    for (name, why), values in refused.items():
        yield f"{name} {', '.join(values)} will be refused: {why}"


def _accepted(thinking: Thinking) -> str:
    if thinking.control == "level":
        return f"levels {', '.join(thinking.levels)}"
    return {"budget": f"budgets {thinking.range}", "none": "no thinkingConfig"}.get(thinking.control, "not known")


def _budgets(thinking: Thinking) -> list[int]:
    """The thinking budgets at the limits of what the model accepts: 0, lowest, highest, dynamic (-1)."""
    if thinking.control != "budget":
        return []
    edges = (
        [0] * thinking.zero
        + [budget for budget in (thinking.lowest, thinking.highest) if budget]
        + [-1] * thinking.dynamic
    )
    return list(dict.fromkeys(edges))


def _limits(old: ModelFacts, new: ModelFacts) -> Iterator[str]:
    limits = (
        ("input tokens", old.input_tokens, new.input_tokens),
        ("output tokens", old.output_tokens, new.output_tokens),
        (
            "output tokens without a stream",
            old.output_unary or old.output_tokens,
            new.output_unary or new.output_tokens,
        ),
    )
    seen = set()
    for name, before, after in limits:
        if before != after and (before, after) not in seen:
            yield f"{name}: at most {before:,} -> {after:,}"
            seen.add((before, after))


def _features(old: ModelFacts, new: ModelFacts) -> Iterator[str]:
    restrictions = catalogue().restrictions
    for feature, effect in restrictions.items():
        if feature in new.features ^ old.features:
            yield effect if feature in new.features else f"not known to hold any more: {effect}"
    for word, names in (("lost", old.features - new.features), ("gained", new.features - old.features)):
        if names - restrictions.keys():
            yield f"{word}: {', '.join(sorted(names - restrictions.keys()))}"


def unsupported(comparison: Comparison, model: str) -> list[tuple[str, str]]:
    """(id, reason) of the cells of the old model that the new one (``model``) did not play."""
    lone = [pair.reference for pair in comparison.pairs if pair.reference and pair.candidate is None]
    return [(group.id, _reason_unsupported(group, model)) for group in lone]


def _reason_unsupported(group: Group, model: str) -> str:
    if "thinking" not in group.axes:
        return "not asked: see the notes"
    config = thinking_config(group.axes["thinking"])
    return (
        refusal(model, config)
        or "the suite sets other thinking values for the new model: set the same values for both, or none"
    )


# --- whether to switch --------------------------------------------------------------------------------


def bottom_line(
    comparison: Comparison, unsupported: Sequence[tuple[str, str]], cut_short: Sequence[str] = ()
) -> BottomLine:
    """*not yet* if anything got worse or is not supported; *cannot tell* if too little is known; else *may be switched*."""
    if not comparison.paired:
        return BottomLine("cannot tell", ["the two sides have no cell in common"])
    against = list(_reasons_against(comparison, unsupported))
    if against:
        return BottomLine("not yet", against)
    cells = count(len(comparison.paired), "cell")
    kept = f"no check got worse in {cells}"
    unclear = [*_unclear(comparison), *cut_short]
    if not any(group.judged for group in comparison.paired.sides[1]):
        problem = [group.problem.message for group in comparison.paired.sides[1] if group.problem][:1]
        because = [f"no answer of the new model could be judged ({cells})", *problem, *unclear]
        return BottomLine("cannot tell", because)
    if unclear:
        return BottomLine("cannot tell", [f"{kept}, but that is not enough", *unclear])
    return BottomLine("may be switched", [kept, *_overall_changes(comparison)])


def _reasons_against(comparison: Comparison, unsupported: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from map(str, comparison.breaks)
    worse = {flip.id: flip.check for flip in reversed(comparison.flips) if flip.worse}
    if worse:
        named = some([f"{check} of {cell}" for cell, check in reversed(worse.items())])
        yield f"{count(len(worse), 'cell')} got worse ({named})"
    rate = comparison.overall.get("pass_rate")
    if rate and rate.verdict == "worse":
        yield f"pass rate {sentence(rate)}"
    yield from (f"gate {result.gate}: {result.message}" for result in comparison.gates if result.crossed)
    if unsupported:
        more = f" and {len(unsupported) - 1:,} more" if len(unsupported) > 1 else ""
        yield f"{unsupported[0][0]}{more} cannot be asked as it is: {unsupported[0][1]}"


def _unclear(comparison: Comparison) -> Iterator[str]:
    lost = sum(1 for pair in comparison.paired for side in (pair.reference, pair.candidate) if side and not side.judged)
    if lost:
        yield f"{lost:,} answer{'' if lost == 1 else 's'} could not be judged"
    rate = comparison.overall.get("pass_rate")
    if rate and rate.verdict == "cannot tell":
        yield f"pass rate {reason(rate)}"
    yield from (f"gate {result.gate}: {result.message}" for result in comparison.gates if result.unknown)


def _overall_changes(comparison: Comparison) -> Iterator[str]:
    for measure, difference in comparison.overall.items():
        if measure == "pass_rate" or difference.verdict in ("better", "worse"):
            yield f"{NAMES[measure]} {sentence(difference)}"
