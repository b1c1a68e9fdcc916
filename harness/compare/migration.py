"""From one model to another: what is known to change, what the new one cannot be asked, and whether to switch, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from harness.compare.comparison import Comparison, Flip
from harness.compare.verdicts import sentence
from harness.gemini.models import ModelFacts, Thinking, facts, lifecycle
from harness.results.groups import Group
from harness.suite.axes import refusal, thinking_config


class BottomLine(NamedTuple):
    """``verdict``: *may be switched*, *not yet* or *cannot tell*. ``because``: the reasons, at least one."""

    verdict: str
    because: Sequence[str]

    def __str__(self) -> str:
        return f"{self.verdict}: {'; '.join(self.because)}"


@dataclass(frozen=True, slots=True)
class Migration:
    """``comparison`` has the old model as its reference. ``answers``: where those of the old and of the new came from.

    ``changes`` are facts about the models, in words; ``unsupported`` the cells that the new one cannot be asked, and why;
    ``cut_short`` says that others were not asked yet, where that is so.
    """

    comparison: Comparison
    changes: Sequence[str]
    unsupported: Sequence[tuple[str, str]]
    answers: tuple[str, str]
    simulated: bool
    cut_short: Sequence[str] = ()

    @property
    def bottom_line(self) -> BottomLine:
        return bottom_line(self.comparison, self.unsupported, self.cut_short)

    def to_json(self) -> dict[str, Any]:
        """The document of ``compare``, and ``migration``."""
        line = self.bottom_line
        return {
            **self.comparison.to_json(),
            "migration": {
                "verdict": line.verdict,
                "because": list(line.because),
                "changes": list(self.changes),
                "unsupported": [{"id": cell, "why": why} for cell, why in self.unsupported],
                "answers": dict(zip(("reference", "candidate"), self.answers, strict=True)),
                "simulated": self.simulated,
            },
        }


# --- what is known beforehand -------------------------------------------------------------------------


def changes(old: str, new: str, day: date) -> Iterator[str]:
    """What the facts say that differs between two models, and the days of both; one fact a line."""
    one, other = facts(old), facts(new)
    for model, known in ((old, one), (new, other)):
        if known is None:
            yield f"nothing is known about {model}"
    if one and other:
        yield from _thinking(one.thinking, other.thinking)
        yield from _limits(one, other)
        yield from _features(one, other)
        if one.stage != other.stage:
            yield f"stage: {one.stage} -> {other.stage}"
    for model in (old, new):
        if life := lifecycle(model, day):
            yield life.message


def _thinking(one: Thinking, other: Thinking) -> Iterator[str]:
    if _takes(one) != _takes(other):
        yield f"thinking: {_takes(one)} -> {_takes(other)}"
    if one.default != other.default:
        yield f"thinking unless asked: {(one.default or 'not known').lower()} -> {(other.default or 'not known').lower()}"
    sent = [("thinkingLevel", level) for level in one.levels] + [("thinkingBudget", each) for each in _budgets(one)]
    refused: dict[tuple[str, str], list[str]] = {}
    for name, value in sent:
        if why := other.refuses({name: value}):
            refused.setdefault((name, _general(why, value)), []).append(str(value))
    for (name, why), values in refused.items():
        yield f"{name} {', '.join(values)} will be refused: {why}"


def _general(why: str, value: str | int) -> str:
    """The reason without the value that is named before it anyway."""
    return why.replace(f"budget {value} is", "it is")


def _takes(thinking: Thinking) -> str:
    if thinking.control == "level":
        return f"levels {', '.join(thinking.levels)}"
    return {"budget": f"budgets {thinking.range}", "none": "no thinkingConfig"}.get(thinking.control, "not known")


def _budgets(thinking: Thinking) -> list[int]:
    """The budgets at the edges of what it takes: 0, the least, the most, dynamic."""
    if thinking.control != "budget":
        return []
    edges = (
        [0] * thinking.zero + [each for each in (thinking.lowest, thinking.highest) if each] + [-1] * thinking.dynamic
    )
    return list(dict.fromkeys(edges))


def _limits(one: ModelFacts, other: ModelFacts) -> Iterator[str]:
    said = (
        ("input tokens", one.input_tokens, other.input_tokens),
        ("output tokens", one.output_tokens, other.output_tokens),
        (
            "output tokens without a stream",
            one.output_unary or one.output_tokens,
            other.output_unary or other.output_tokens,
        ),
    )
    seen = set()
    for name, before, after in said:
        if before != after and (before, after) not in seen:
            yield f"{name}: at most {before:,} -> {after:,}"
            seen.add((before, after))


def _features(one: ModelFacts, other: ModelFacts) -> Iterator[str]:
    ignored = "sampling_ignored"
    if ignored in other.features - one.features:
        yield "temperature, topP and topK are taken, and ignored"
    if ignored in one.features - other.features:
        yield "temperature, topP and topK count again"
    for word, names in (("lost", one.features - other.features), ("gained", other.features - one.features)):
        if names - {ignored}:
            yield f"{word}: {', '.join(sorted(names - {ignored}))}"


def unsupported(comparison: Comparison, model: str) -> list[tuple[str, str]]:
    """The cells of the old model that the new one (``model``) was not asked, and why."""
    lone = [pair.reference for pair in comparison.pairs if pair.reference and pair.candidate is None]
    return [(group.id, _why(group, model)) for group in lone]


def _why(group: Group, model: str) -> str:
    if "thinking" not in group.axes:
        return "not asked: see the notes"
    config = thinking_config(group.axes["thinking"])
    return (
        refusal(model, config) or "the suite asks the new model for other thinking: let both take the same, or neither"
    )


# --- whether to switch --------------------------------------------------------------------------------


def bottom_line(
    comparison: Comparison, unsupported: Sequence[tuple[str, str]], cut_short: Sequence[str] = ()
) -> BottomLine:
    """*not yet* for whatever got worse or cannot be asked; *cannot tell* where too little is known; else *may be switched*."""
    if not comparison.paired:
        return BottomLine("cannot tell", ["the two sides have no cell in common"])
    against = list(_against(comparison, unsupported))
    if against:
        return BottomLine("not yet", against)
    cells = f"{len(comparison.paired):,} cell{'' if len(comparison.paired) == 1 else 's'}"
    kept = f"no check got worse in {cells}"
    unclear = [*_unclear(comparison), *cut_short]
    if unclear:
        return BottomLine("cannot tell", [f"{kept}, but that is not enough", *unclear])
    return BottomLine("may be switched", [kept, *_overall(comparison)])


def _against(comparison: Comparison, unsupported: Sequence[tuple[str, str]]) -> Iterator[str]:
    worse = [flip for flip in comparison.flips if flip.worse or _breaks_anew(flip)]
    if worse:
        named = ", ".join(f"{flip.check} of {flip.id}" for flip in worse[:3])
        more = f" and {len(worse) - 3:,} more" if len(worse) > 3 else ""
        yield f"{len(worse):,} flip{'' if len(worse) == 1 else 's'} for the worse ({named}{more})"
    for each in comparison.differences:
        if each.measure == "pass_rate" and each.suite is None and each.verdict == "worse":
            yield f"pass rate {sentence(each)}"
    yield from (f"gate {each.gate}: {each.message}" for each in comparison.gates if each.crossed)
    if unsupported:
        more = f" and {len(unsupported) - 1:,} more" if len(unsupported) > 1 else ""
        yield f"{unsupported[0][0]}{more} cannot be asked as it is: {unsupported[0][1]}"


def _breaks_anew(flip: Flip) -> bool:
    """A check that the old model's answers gave no cause to look at, and the new one's fail."""
    return flip.before == "not judged" and flip.after in ("failed", "flaky")


def _unclear(comparison: Comparison) -> Iterator[str]:
    lost = sum(1 for pair in comparison.paired for side in (pair.reference, pair.candidate) if side and not side.judged)
    if lost:
        yield f"{lost:,} answer{'' if lost == 1 else 's'} could not be judged"
    for each in comparison.differences:
        if each.measure == "pass_rate" and each.suite is None and each.verdict == "cannot tell":
            yield f"pass rate {sentence(each).removeprefix('cannot tell: ')}"
    yield from (f"gate {each.gate}: {each.message}" for each in comparison.gates if each.unknown)


def _overall(comparison: Comparison) -> Iterator[str]:
    for each in comparison.differences:
        if each.suite is None and (each.measure == "pass_rate" or each.verdict in ("better", "worse")):
            yield f"{each.measure} {sentence(each)}"
