"""Counts facts over pairs, and turns those that differ more often than chance allows into changes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.compare.fidelity_changes import AnswerPair, Change, ChangeKind, FidelityOptions
from harness.compare.fidelity_facts import EXPLAINS, LENGTHS, RETRIES, Fact, FactKind, Shape, above, last_key
from harness.compare.verdicts import ALPHA
from harness.text.grouping import grouped
from harness.text.jsonpath import is_below

KINDS: Mapping[FactKind, ChangeKind] = {
    "type": "retyped", "value": "value", "header": "header", "framing": "framing", "status": "status", "model": "model",
    "follows": "ignored", "order": "order",
}  # fmt: skip
"""The kind of change of a fact; that of a path depends on the direction."""
TIMES = ("stream first event", "stream pacing", "latency")
SLOWER, SECONDS = 0.25, 0.05
"""A time differs if it is longer by a quarter and by 50 ms; less is noise of any network."""
_OFTEN = 0.2
"""The share of pairs that must be slower, less those that are faster, for a claim about times."""
_MIXED = 0.5
"""The share of pairs from which on another order of keys is noted."""


# --- counting ---------------------------------------------------------------------------------------------

Strata = Counter[tuple[int, int, int]]
Combination = tuple[Shape, Shape, bool]
"""The shapes of both sides, and whether their bodies can be compared."""


@dataclass(slots=True)
class FactCounts:
    """``strata``: see `stats.exact`. ``there`` and ``back`` identify the pairs in which the sides differ, and in which direction:
    facts that always differ together are one test."""

    strata: Strata
    there: int = 0
    back: int = 0

    @property
    def pattern(self) -> frozenset[int]:
        return frozenset((self.there, self.back))

    @property
    def has_one_direction(self) -> bool:
        """Whether no case has it more often on the one side and another case on the other side."""
        return len({key[1] > key[2] for key in self.strata if key[1] != key[2]}) == 1

    @property
    def is_less(self) -> bool:
        """Whether the candidate has it less often."""
        return sum((key[1] - key[2]) * number for key, number in self.strata.items()) > 0

    def add(self, counts: tuple[int, int, int], number: int, where: object, signs: tuple[int, ...]) -> None:
        self.strata[counts] += number
        self.there += hash((where, signs))
        self.back += hash((where, tuple(-sign for sign in signs)))


def counted_facts(pairs: Sequence[AnswerPair], options: FidelityOptions) -> dict[Fact, FactCounts]:
    """For each fact that is not on every answer of a case: its counts on both sides, by case. For numbers: which side is larger."""
    counted: dict[Fact, FactCounts] = defaultdict(lambda: FactCounts(Counter()))
    cases: Counter[tuple[Combination, ...]] = Counter()
    for members in by_case(pairs).values():
        cases[tuple(_combination(pairs[at]) for at in members)] += 1
    for place, (combinations, number) in enumerate(cases.items()):
        for fact, counts, signs in _case_counts(combinations):
            counted[fact].add(counts, number, place, signs)
    for place, path, sign in _signs(pairs):
        counted[Fact("number", path)].add((1, 1, 0) if sign < 0 else (1, 0, 1), 1, place, (sign,))
    return {fact: counts for fact, counts in counted.items() if not options.ignores(fact.path)}


def by_case(pairs: Sequence[AnswerPair]) -> dict[str, list[int]]:
    return grouped(range(len(pairs)), lambda at: pairs[at].reference.case)


def _combination(pair: AnswerPair) -> Combination:
    reference, candidate = pair.reference.facts, pair.candidate.facts
    return reference.shape, candidate.shape, reference.outcome == candidate.outcome


def _case_counts(
    combinations: Sequence[Combination],
) -> Iterator[tuple[Fact, tuple[int, int, int], tuple[int, ...]]]:
    """(fact, its counts, for each pair which side has it: 1 the candidate, -1 the reference, 0 both or none)."""
    shapes = [shape for reference, candidate, _ in combinations for shape in (reference, candidate)]
    differing = frozenset.union(*shapes) - frozenset.intersection(*shapes)
    for fact in differing:
        if fact.kind in ("order", "hidden"):
            continue
        able = [combination for combination in combinations if _can_show(fact, *combination)]
        before, after = [fact in reference for reference, _, _ in able], [fact in candidate for _, candidate, _ in able]
        counts = len(able), sum(before), sum(after)
        if 0 < counts[1] + counts[2] < 2 * len(able):
            yield fact, counts, tuple(new - old for old, new in zip(before, after, strict=True))


def _can_show(fact: Fact, reference: Shape, candidate: Shape, comparable: bool) -> bool:
    """Whether a difference in the fact says something about this pair."""
    if not comparable:
        return fact.kind == "status"
    needed = above(fact)
    return needed is None or (needed in reference and needed in candidate)


def _signs(pairs: Sequence[AnswerPair]) -> Iterator[tuple[int, str, int]]:
    """(pair, path, -1 or 1) of the numbers that differ: 1 if the candidate's is larger. The same two numbers in answers to one
    question count once: an answer that is the same every time says no more by being asked again."""
    counted: set[tuple[int, str, float, float]] = set()
    for at, pair in enumerate(pairs):
        before, after = (side.facts for side in pair)
        if before.outcome != after.outcome:
            continue
        for path, value in before.numbers.items():
            other = after.numbers.get(path)
            if other is None or not (sign := _sign(path, value, other)):
                continue
            key = (before.question, path, value, other)
            if key not in counted:
                counted.add(key)
                yield at, path, sign


def _sign(path: str, before: float, after: float) -> int:
    if path in TIMES and abs(after - before) < max(SECONDS, SLOWER * min(before, after)):
        return 0
    return (after > before) - (after < before)


# --- more often than chance allows ------------------------------------------------------------------------
#
# Numbers are many and vary by themselves, so they share a fifth of the probability of a wrong claim; what is there or not has the rest.
# Each part is corrected by Holm's method, and facts that always differ together are one test.

_OF_NUMBERS = 0.2 * ALPHA
_OF_THE_REST = ALPHA - _OF_NUMBERS
"""The probability of any wrong claim on what is there or not: a field, a type, a value, a header."""


def claimed_facts(counted: Mapping[Fact, FactCounts]) -> tuple[list[Fact], float]:
    """The facts that differ more often than chance allows, and the level that any claim on what is there or not keeps."""
    numbers = {fact: counts for fact, counts in counted.items() if fact.kind == "number"}
    others = {fact: counts for fact, counts in counted.items() if fact.kind != "number"}
    claimed, level = _of_family(others, _OF_THE_REST)
    return [*claimed, *_of_family(numbers, _OF_NUMBERS)[0]], level


def _of_family(counted: Mapping[Fact, FactCounts], alpha: float) -> tuple[list[Fact], float]:
    from harness.compare.stats.exact import presence
    from harness.compare.stats.multiple_comparisons import holm

    found = {fact: presence(counts.strata) for fact, counts in counted.items()}
    alike = grouped(counted, lambda fact: counted[fact].pattern)
    corrected = holm(
        [min(found[fact].p for fact in facts) for facts in alike.values()],
        [min(found[fact].least for fact in facts) for facts in alike.values()],
        alpha,
    )
    levels = {pattern: one.level for pattern, one in zip(alike, corrected, strict=True)}
    claimed = [fact for fact, counts in counted.items() if found[fact].p <= levels[counts.pattern]]
    return claimed, min(levels.values(), default=alpha)


# --- claims -----------------------------------------------------------------------------------------------


Direction = tuple[Fact, bool]
"""A fact, and whether the candidate has it less often."""
PairOutcome = tuple[bool, bool, bool, tuple[str, str]]
"""Whether a pair can show a change, shows it, shows the opposite; and the words before and after."""


def changes_of(directions: Iterable[Direction], pairs: Sequence[AnswerPair]) -> list[Change]:
    """The changes that these make: those of one kind at one path are one."""
    shown = ((fact, less) for fact, less in directions if fact.kind != "follows" or less)
    places = grouped(shown, lambda one: (_change_kind(*one), one[0].path))
    return [_seen_in(kind, path, facts, pairs) for (kind, path), facts in places.items()]


def _change_kind(fact: Fact, less: bool) -> ChangeKind:
    if fact.kind == "path":
        return "dropped" if less else "added"
    if fact.kind == "number":
        return "timing" if fact.path in TIMES else "framing" if fact.path.startswith("stream ") else "value"
    return KINDS[fact.kind]


def _seen_in(kind: ChangeKind, path: str, facts: Sequence[Direction], pairs: Sequence[AnswerPair]) -> Change:
    first, less = facts[0]
    is_number = first.kind == "number"
    directions = tuple(facts)
    outcomes = [
        _number_outcome(path, less, pair) if is_number else _outcome(directions, *_combination(pair)) for pair in pairs
    ]
    able = [at for at, (can, _, _, _) in enumerate(outcomes) if can]
    hits = [at for at, (_, hit, _, _) in enumerate(outcomes) if hit]
    opposite = [at for at, (_, hit, back, _) in enumerate(outcomes) if back and not hit]
    if is_number:
        ways = ("faster", "slower") if kind == "timing" else ("smaller", "larger")
        return Change(kind, path, _middles(path, hits, pairs), hits, able, opposite, after=ways[not less])
    found = Change(kind, path, _gone_or_new(first, less), hits, able, opposite)
    words = Counter(outcomes[at][3] for at in hits)
    before, after = max(words, key=words.__getitem__, default=("", ""))
    return with_values(found, before, after) if before or after else found


def with_values(change: Change, before: str, after: str) -> Change:
    """The change from one value to another; a header that is not there on one side is dropped or added."""
    message = f"{before} -> {after}"
    if change.kind == "header" and "none" in (before, after):
        message = "dropped" if after == "none" else "added"
    return replace(change, before=before, after=after, message=message)


def _gone_or_new(fact: Fact, less: bool) -> str:
    if fact.path == "$":
        return "the body is cut, empty or not JSON"
    if fact.kind == "follows":
        return ""
    if fact.path == RETRIES:
        return "answers at the first attempt" if less else "answers after another attempt only"
    return "" if fact.kind == "path" else "dropped" if less else "added"


@lru_cache(maxsize=65536)
def _outcome(facts: tuple[Direction, ...], reference: Shape, candidate: Shape, comparable: bool) -> PairOutcome:
    """Whether this pair can show the change, shows it, shows the opposite; and the words before and after."""
    able = [(fact, less) for fact, less in facts if _can_show(fact, reference, candidate, comparable)]
    changed = [(fact in reference) == less for fact, less in able if (fact in reference) != (fact in candidate)]
    hit, back = any(changed), not all(changed)
    simple = len(facts) == 1 and not facts[0][0].detail
    can = any((fact in reference) == less for fact, less in able) if simple else bool(able)
    return can, hit, back, details(facts[0][0], reference, candidate) if hit else ("", "")


def details(fact: Fact, *sides: Shape) -> tuple[str, str]:
    """The values of both sides at the place of the fact."""
    before, after = (
        ", ".join(sorted(other.detail for other in side if other[:2] == fact[:2] and other.detail)) for side in sides
    )
    return (before or "none", after or "none") if before or after else ("", "")


def _number_outcome(path: str, less: bool, pair: AnswerPair) -> PairOutcome:
    """The same for a number."""
    before, after = (side.facts.numbers.get(path) for side in pair)
    if before is None or after is None or pair.reference.facts.outcome != pair.candidate.facts.outcome:
        return False, False, False, ("", "")
    sign = _sign(path, before, after)
    return True, bool(sign) and (sign < 0) == less, bool(sign) and (sign < 0) != less, ("", "")


def _middles(path: str, hits: Sequence[int], pairs: Sequence[AnswerPair]) -> str:
    """``length 120 -> 80 (medians)``: the numbers on both sides."""
    sides = zip(*([side.facts.numbers[path] for side in pairs[at]] for at in hits), strict=True) if hits else ((), ())
    what = "length " if last_key(path) in LENGTHS else ""
    return f"{what}{' -> '.join(_middle(side, path) for side in sides)}{' (medians)' if len(hits) > 1 else ''}"


def _matters(change: Change) -> bool:
    """Whether the change is seen at all, and, if it is one of time, often enough: a slow answer now and then is no change."""
    often = len(change.hits) - len(change.opposite) >= _OFTEN * len(change.able)
    return bool(change.hits) and (often or change.kind != "timing")


def _middle(values: Sequence[float], path: str) -> str:
    """The median, with its unit."""
    if not values:
        return "none"
    value = sorted(values)[len(values) // 2]
    return f"{value:.3f} s" if path in TIMES else f"{value:.4g}"


PROMPT_TOKENS = "$.usageMetadata.promptTokenCount"
_PARTS: Mapping[str, frozenset[str]] = {
    "stream events with usageMetadata": frozenset({"stream events"}),
    **{
        f"$.usageMetadata.{name}TokensDetails[*].tokenCount": frozenset({f"$.usageMetadata.{name}TokenCount"})
        for name in ("prompt", "candidates", "toolUsePrompt")
    },
    "$.usageMetadata.totalTokenCount": frozenset(
        f"$.usageMetadata.{name}TokenCount" for name in ("prompt", "candidates", "thoughts", "toolUsePrompt")
    ),
}
"""What changes with one of its parts."""
_NEARLY_ALL, _MOSTLY = 0.9, 0.8


def with_ignored(seen: Sequence[Change], pairs: Sequence[AnswerPair]) -> list[Change]:
    """The changes that matter. Where the prompt has fewer tokens in the very pairs that send a field, that field was ignored."""
    found = list(filter(_matters, seen))
    for change in [one for one in found if one.path == PROMPT_TOKENS and one.after == "smaller"]:
        for path in sorted({path for at in change.hits for path in pairs[at].reference.facts.asks}):
            senders = [at for at in change.able if path in pairs[at].reference.facts.asks]
            hits = sorted(set(senders).intersection(change.hits))
            if len(hits) >= _NEARLY_ALL * max(len(senders), len(change.hits)) and path in EXPLAINS:
                found.append(Change("ignored", path, f"tokens of the prompt {change.message}", hits, senders))
    return found


def is_explained(change: Change, others: Sequence[Change], pairs: Sequence[AnswerPair]) -> bool:
    """Whether the change follows from another: an ignored field of the request, another type of its object, or, for a sum, a part."""
    if change.kind == "ignored":
        return False
    parts = _PARTS.get(change.path, ())
    causes = {at for other in others if other.path in parts or _holds(other, change) for at in other.hits}
    if len(causes.intersection(change.hits)) >= _MOSTLY * len(change.hits):
        return True
    return any(_explains(other, change, pairs) for other in others if other.kind == "ignored")


def _holds(other: Change, change: Change) -> bool:
    """Whether the fields of an object are gone because it is an object no more."""
    path = other.path
    return other.kind == "retyped" and path != change.path and is_below(change.path, path)


def _explains(ignored: Change, change: Change, pairs: Sequence[AnswerPair]) -> bool:
    path = change.path
    sent = sum(ignored.path in pairs[at].reference.facts.asks for at in change.hits)
    if max(sent / len(change.hits), share_in(change, ignored)) < _MOSTLY:
        return False
    if path.startswith("$.usageMetadata"):
        return True
    keys = EXPLAINS.get(ignored.path, frozenset())
    below = any(f".{key}" in path for key in keys - {"text", "parts"})
    return last_key(path) in keys or below or path.startswith(("stream ", "latency"))


def share_in(change: Change, other: Change) -> float:
    return len(set(change.hits).intersection(other.hits)) / len(change.hits)


def other_orders(pairs: Sequence[AnswerPair], options: FidelityOptions) -> list[Change]:
    """Where most pairs have the keys of an object in another order."""
    found: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for at, pair in enumerate(pairs):
        for path, differs in _order(*_combination(pair)):
            found[path][0].append(at)
            if differs:
                found[path][1].append(at)
    return [
        Change("order", path, "keys in another order", hits, able)
        for path, (able, hits) in found.items()
        if len(hits) > _MIXED * len(able) and not options.ignores(path)
    ]


@lru_cache(maxsize=65536)
def _order(reference: Shape, candidate: Shape, comparable: bool) -> tuple[tuple[str, bool], ...]:
    before, after = (_key_orders(shape) if comparable else {} for shape in (reference, candidate))
    found = []
    for path in before.keys() & after.keys():
        common = set(before[path]) & set(after[path])
        kept = [[key for key in keys if key in common] for keys in (before[path], after[path])]
        found.append((path, kept[0] != kept[1]))
    return tuple(sorted(found))


@lru_cache(maxsize=65536)
def _key_orders(shape: Shape) -> Mapping[str, list[str]]:
    """Path -> keys, of objects that have one order of keys in the answer."""
    found = [(fact.path, fact.detail.split("\0")) for fact in shape if fact.kind == "order"]
    once = Counter(path for path, _ in found)
    return {path: keys for path, keys in found if once[path] == 1}
