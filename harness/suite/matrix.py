"""Expands suites x targets x axes x rows x attempts to trials, with their ids and cassettes, and selects among them.

Trials are made one at a time, during iteration, so that memory does not grow. The attempts of a group share their steps.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import product
from math import prod
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from harness.errors import UsageError
from harness.model import Access, Expectation, Json, Place, Step, Target, Trial
from harness.suite import language, template, turns
from harness.suite.axes import OUTSIDE, Axis, axis_matches, fragment, label, refusal, thinking_config, value_refusal
from harness.suite.body import Layer, merge, origins
from harness.suite.cases import MOST_ATTEMPTS, Case, Choice, Suite
from harness.suite.keywords import Keywords
from harness.text import amounts
from harness.text.jsontext import an_object
from harness.text.names import safe_filename
from harness.text.shape import fit, nearest
from harness.text.yamltext import Complaint


class Selection(Struct, frozen=True):
    """Which trials to run, on which targets, and how often. Every field is optional.

    ``targets`` replace the model and provider axes, ``models`` and ``providers`` one of them; values that a case pins do not
    change. ``keywords`` is an expression over trial ids (``trains and not stream``). ``tags`` keeps cases with any of them.
    ``shard`` is (i, n) with i from 1: shard i of n gets every n-th case, with all trials of the case.
    """

    targets: Sequence[Target] = ()
    providers: Sequence[str] = ()
    models: Sequence[str] = ()
    keywords: str = ""
    tags: Sequence[str] = ()
    repeat: int | None = None
    shard: tuple[int, int] | None = None
    default_provider: str = "google"
    cassettes_dir: Path = Path("cassettes")


OWN = Selection(default_provider="")
"""What the suite itself states, at a provider that is not known yet."""
MOST_COMBINATIONS = 100_000
"""The most combinations of targets and axes of one case."""
MOST_TRIALS = 10_000_000
"""The most trials of a run."""


class TooMany(UsageError):
    """A case has too many combinations. ``place`` is that of the case."""

    def __init__(self, place: Place, message: str) -> None:
        self.place, self.message = place, message
        super().__init__(f"{place}: {message}")


class Combination(Struct, frozen=True):
    """One target, and one value for each axis. ``swept`` are the values that ids show.

    Where a case runs it, ``id`` is ``[labels]@target``, the end of its group ids, and ``skip`` says why it is skipped.
    """

    target: Target
    axes: Mapping[str, Json]
    swept: Mapping[str, Json]
    id: str = ""
    skip: str | None = None

    @property
    def values(self) -> dict[str, Json]:
        """The values of all axes, model and provider included."""
        return {**self.axes, "model": self.target.model, "provider": self.target.provider}

    @property
    def labels(self) -> str:
        return ",".join(label(name, value, self.swept) for name, value in self.swept.items())

    def chosen_by(self, choice: Choice) -> bool:
        """Whether a ``skip`` or ``only`` row matches this combination: by the values, or by their names in ids."""
        known = (self.values, self.swept)
        return all(
            any(name in values and axis_matches(name, wanted, values[name]) for values in known)
            for name, wanted in choice.axes.items()
        )

    def refused(self, case: Case) -> tuple[str, str] | None:
        """The axis whose value the model rejects, and why: its thinking, or a value that varies. None if it rejects none, or if the
        case expects that."""
        if case.expects_refusal:
            return None
        if thinking := self._refused_thinking(case):
            return "thinking", thinking
        swept = (item for item in self.swept.items() if case.axes[item[0]].typed)
        values = ((name, value) for name, value in swept if name not in ("thinking", *OUTSIDE))
        reasons = ((name, value_refusal(self.target.model, name, value)) for name, value in values)
        return next(((name, reason) for name, reason in reasons if reason), None)

    def _refused_thinking(self, case: Case) -> str | None:
        literal = an_object(an_object(case.body.get("generationConfig")).get("thinkingConfig"))
        own = thinking_config(self.axes["thinking"]) if "thinking" in self.axes else {}
        return refusal(self.target.model, {**literal, **own})


class TrialGroup(Struct, frozen=True):
    """The attempts of one case, row, target and axes. ``attempts`` is their number; ``played`` are the selected ones, as bits:
    attempt n, from 1, is bit n."""

    suite: Suite
    case: Case
    row: int
    cell: Combination
    id: str
    attempts: int
    played: int

    @property
    def target(self) -> Target:
        return self.cell.target

    @property
    def case_key(self) -> tuple[str, str, int]:
        """Suite, case and row: what groups of the same case on other targets and axes have in common."""
        return self.suite.name, self.case.id, self.row

    @property
    def trial_ids(self) -> Iterator[str]:
        return (f"{self.id}#{attempt}" for attempt in _attempts(self))


class Expansion(Struct, frozen=True):
    """The trials of a selection. Every iteration makes new trials.

    ``len`` is their number. ``notes`` say what was left out and why. ``targets`` are the different targets of trials that are
    not skipped.
    """

    suites: Sequence[Suite]
    selection: Selection
    count: int = 0
    notes: Sequence[Complaint] = ()
    targets: Sequence[Target] = ()
    wanted: Sequence[Callable[[TrialGroup], bool]] = ()
    done: Mapping[str, int] = field(default_factory=dict)
    """Id of a group -> attempts that are left out because they are done, as bits, as in ``TrialGroup.played``."""

    def where(self, wanted: Callable[[TrialGroup], bool]) -> Expansion:
        """The trials of the groups for which ``wanted`` is true."""
        return _counted(replace(self, wanted=[*self.wanted, wanted]))

    def without(self, done: Mapping[str, int]) -> Expansion:
        """The trials that are not done yet. ``done`` maps the id of a group to its attempts that are done, as bits."""
        return _counted(replace(self, done=done))

    def groups(self) -> Iterator[TrialGroup]:
        """The groups with at least one selected attempt. This is fast, because only their names are filled in."""
        for group in _selected(self.suites, self.selection):
            if self._wants(group):
                played = group.played & ~self.done.get(group.id, 0)
                if played:
                    yield group if played == group.played else replace(group, played=played)

    def _wants(self, group: TrialGroup) -> bool:
        return all(wanted(group) for wanted in self.wanted)

    @property
    def has_batches(self) -> bool:
        """Whether trials may be asked in batches."""
        axes = (case.axes.get("transport") for suite in self.suites for case, _ in suite.distinct)
        return any(axis is not None and "batch" in axis.for_model("") for axis in axes)

    def ids(self) -> Iterator[str]:
        """The ids of the trials, in their order."""
        for group in self.groups():
            yield from group.trial_ids

    def folders(self) -> set[Path]:
        """The folders that recordings go to, also of trials that are done."""
        everything = replace(self, done={}).groups()
        return {cassette_path(group, self.selection).parent for group in everything if group.cell.skip is None}

    def of(self, group: TrialGroup) -> Iterator[Trial]:
        """The trials of a group."""
        return _trials(group, self.selection)

    def first(self, group: TrialGroup) -> Trial:
        """The first trial of a group."""
        return next(self.of(group))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Trial]:
        for group in self.groups():
            yield from self.of(group)

    def at(self, wanted: Callable[[int], bool]) -> Iterator[Trial]:
        """The trials at the wanted positions, counted from 0. Groups without one are not filled in."""
        end = 0
        for group in self.groups():
            here = range(end, end + group.played.bit_count())
            end = here.stop
            if any(map(wanted, here)):
                found = zip(here, self.of(group), strict=True)
                yield from (trial for position, trial in found if wanted(position))

    def trials_in_suite(self, suite: Suite) -> int:
        """The number of trials of a suite. Trials that keywords, tags and shards leave out count; trials that the suite skips,
        or that ``where`` left out, do not."""
        groups = filter(self._wants, _groups(suite, replace(self.selection, keywords="")))
        return sum(group.attempts for group in groups if group.cell.skip is None)

    def find(self, id: str) -> Trial:
        """The trial with that id; without ``#n`` its first attempt. Raises UsageError with the nearest id."""
        wanted = id if re.search(r"#\d+$", id) else f"{id}#1"
        for group in self.groups():
            if wanted.startswith(f"{group.id}#"):
                found = (trial for trial in self.of(group) if trial.id == wanted)
                if trial := next(found, None):
                    return trial
        raise UsageError(
            f"there is no trial {id}; {nearest(wanted, list(self.ids())) or '`gemini-harness list` shows all'}"
        )


def expand(suites: Suite | Sequence[Suite], selection: Selection | None = None) -> Expansion:
    """The trials of these suites in that selection (default: all of them).

    If the keywords are one whole id, its target is used too. Raises UsageError if a selector selects nothing (with the nearest
    names), if the keyword expression is invalid, and if a case has no model.
    """
    suites = [suites] if isinstance(suites, Suite) else list(suites)
    selection = selection or Selection()
    _check(selection)
    found = _counted(Expansion(suites, selection))
    target = Keywords(selection.keywords).target
    if not found and target and not (selection.targets or selection.models or selection.providers):
        with suppress(UsageError):
            return expand(suites, replace(selection, targets=[Target(*target)]))
    if not found:
        _explain_nothing(suites, selection)
    return replace(found, notes=[note for suite in suites for note in _dropped(suite, selection)])


def _counted(expansion: Expansion) -> Expansion:
    """The expansion with its number of trials and its targets."""
    count, found = 0, dict[Target, None]()
    for group in expansion.groups():
        count += group.played.bit_count()
        if count > MOST_TRIALS:
            raise UsageError(
                f"these are more than {MOST_TRIALS:,} trials, the most that a run plays: select fewer, or --shard them"
            )
        if group.cell.skip is None:
            found[group.target] = None
    return replace(expansion, count=count, targets=list(found))


# --- combinations -------------------------------------------------------------------------------------------------


def combinations_for(case: Case, row: Mapping[str, Json], selection: Selection = OWN) -> Iterator[Combination]:
    """Every combination of target and axis values of a case, before ``only`` and refusals. Raises TooMany."""
    axes = {name: axis_for(axis, row) for name, axis in case.axes.items()}
    inner = [axis for name, axis in axes.items() if name not in ("model", "provider")]
    count = 0
    for target in targets(axes, selection):
        choices = [axis.choices(target.model) or ((None, None),) for axis in inner]
        count += prod(map(len, choices))
        if count > MOST_COMBINATIONS:
            raise TooMany(
                case.place,
                f"a case has at most {MOST_COMBINATIONS:,} combinations of targets and axes, this one {count:,}",
            )
        for values in product(*choices):
            chosen_values = {
                axis.name: value
                for axis, (value, _) in zip(inner, values, strict=True)
                if value is not None or not axis.typed
            }
            shown = {axis.name: name for axis, (_, name) in zip(inner, values, strict=True) if axis.swept}
            swept = {name: shown[name] for name in shown if name in chosen_values}
            yield Combination(target, chosen_values, swept)


def axis_for(axis: Axis, row: Mapping[str, Json]) -> Axis:
    """The axis with a row filled in. Raises Undefined."""
    values = template.fill(axis.values, {"row": row})
    if values is axis.values:
        return axis
    return replace(axis, values=fit(values, language.axis_type(axis.name)))


def targets(axes: Mapping[str, Axis], selection: Selection) -> Iterator[Target]:
    """The targets of a case."""
    model, provider = axes.get("model"), axes.get("provider")
    models = model.for_model("") if model else ()
    providers = provider.for_model("") if provider else (selection.default_provider,)
    if selection.targets:
        wanted = [(target.provider, target.model) for target in selection.targets]
    else:
        wanted = list(product(selection.providers or providers, selection.models or models))
    pinned_model = model is not None and model.pinned
    pinned_provider = provider is not None and provider.pinned
    found = dict.fromkeys(
        (providers[0] if pinned_provider else provider_name, models[0] if pinned_model else model_name)
        for provider_name, model_name in wanted
    )
    yield from (Target(*names) for names in found)


def _groups(suite: Suite, selection: Selection) -> Iterator[TrialGroup]:
    keywords = Keywords(selection.keywords)
    cells: Sequence[Combination] = ()
    plain = False
    for case in suite.cases:
        attempts = selection.repeat or case.repeat or case.require.attempts or 1
        is_same, plain = plain and case.plain, case.plain
        for index, row in enumerate(case.rows):
            if not is_same and (not index or case.axes_by_row):
                cells = cells_of(suite, case, row, selection)
                if not cells and next(combinations_for(case, row, selection), None) is None:
                    raise UsageError(
                        f"{case.place}: {suite.name}/{case.id} has no model: write model: in the matrix, or give --model"
                    )
            name = f"{suite.name}/{case.named(row)}"
            for cell in cells:
                group = f"{name}{cell.id}"
                yield TrialGroup(suite, case, index, cell, group, attempts, keywords.attempts(group, attempts))


def cells_of(suite: Suite, case: Case, row: Mapping[str, Json], selection: Selection) -> Sequence[Combination]:
    """The combinations that a case runs or skips; none for a case without a model."""
    cells: dict[str, Combination] = {}
    for pair in combinations_for(case, row, selection):
        if (case.only and not any(map(pair.chosen_by, case.only))) or pair.refused(case):
            continue
        name = f"{f'[{pair.labels}]' if pair.swept else ''}@{pair.target}"
        while name in cells:
            name += "'"
        why = case.skip or next((choice.why for choice in suite.skips if pair.chosen_by(choice)), None)
        cells[name] = replace(pair, id=name, skip=why)
    return list(cells.values())


def _dropped(suite: Suite, selection: Selection) -> Iterator[Complaint]:
    """A note for each model and value that is left out, with the number of cases."""
    counts: Counter[tuple[Place, str, str, str]] = Counter()
    for case, number in suite.distinct:
        for pair in combinations_for(case, case.rows[0], selection):
            if refused := pair.refused(case):
                name, reason = refused
                shown = label(name, pair.axes[name]) if name in pair.axes else "thinkingConfig"
                place = case.axes[name].place if name in case.axes else case.place
                counts[place, pair.target.model, shown, reason] += number
    for (place, model, shown, reason), count in counts.items():
        yield Complaint(place, f"{shown} is left out for {model} ({amounts.count(count, 'case')}): {reason}")


# --- selection ----------------------------------------------------------------------------------------------------


def _check(selection: Selection) -> None:
    if selection.targets and (selection.models or selection.providers):
        raise UsageError("use --target, or --model and --provider, not both")
    if selection.repeat is not None and not 1 <= selection.repeat <= MOST_ATTEMPTS:
        raise UsageError(f"--repeat {selection.repeat}: at least 1, at most {MOST_ATTEMPTS:,}")
    if selection.shard is not None and not 1 <= selection.shard[0] <= selection.shard[1]:
        raise UsageError(f"--shard {selection.shard[0]}/{selection.shard[1]}: write I/N with I from 1 to N")


def _selected(suites: Sequence[Suite], selection: Selection) -> Iterator[TrialGroup]:
    """The groups with at least one selected attempt. Shards take turns at the selected cases; each row counts as a case."""
    part, parts = selection.shard or (1, 1)
    position = -1
    last: tuple[int, int, int] | None = None
    for number, suite in enumerate(suites):
        for group in _groups(suite, selection):
            if group.played and (not selection.tags or not set(selection.tags).isdisjoint(group.case.tags)):
                unit = (number, id(group.case), group.row)
                position += unit != last
                last = unit
                if position % parts == part - 1:
                    yield group


def _explain_nothing(suites: Sequence[Suite], selection: Selection) -> None:
    """Raise UsageError if a selector is the reason that no trial is left. An empty shard is not an error."""
    if selection.shard:
        expand(suites, replace(selection, shard=None))
        return
    tags = {tag for suite in suites for case in suite.cases for tag in case.tags}
    if selection.tags and tags.isdisjoint(selection.tags):
        wanted = " or ".join(selection.tags)
        raise UsageError(f"no case has the tag {wanted}; {nearest(selection.tags[0], sorted(tags))}".rstrip("; "))
    if selection.keywords:
        ids = [group.id for suite in suites for group in _groups(suite, replace(selection, keywords=""))]
        words = {word for name in ids for word in re.split(r"[/@#\[\],]", name)} - {""}
        hint = Keywords(selection.keywords).nearest(sorted(words))
        raise UsageError(f"-k {selection.keywords!r} selects none of {len(ids)} groups of trials; {hint}".rstrip("; "))


# --- trials -------------------------------------------------------------------------------------------------------


def _trials(group: TrialGroup, selection: Selection) -> Iterator[Trial]:
    suite, case, pair = group.suite, group.case, group.cell
    row, own = case.rows[group.row], cassette_path(group, selection)
    try:
        made = tuple(steps(case, row, pair))
    except template.Undefined as problem:
        raise template.Undefined(f"{case.place}: {case.named(row)} at {pair.target}: {problem}") from None
    trial = Trial(
        id="",
        group=group.id,
        suite=suite.name,
        case=case.named(row),
        target=pair.target,
        axes=pair.swept,
        attempt=0,
        row=group.row,
        steps=made,
        cassette=case.cassette or own,
        own=own if case.cassette else None,
        place=case.place,
        about=case.about,
        tags=case.tags,
        require=case.require.of(group.attempts),
        xfail=case.xfail.why if case.xfail and case.xfail.applies_to(pair.target) else None,
        skip=pair.skip,
        waive=case.waive,
        agree=(case.agree or "shape") if _has_twin(case, pair) else None,
        folder=suite.folder,
        access=Access(pair.axes.get("auth"), pair.axes.get("apiKey") == "wrong"),
    )
    for attempt in _attempts(group):
        yield replace(trial, id=f"{group.id}#{attempt}", attempt=attempt)


def _attempts(group: TrialGroup) -> Iterator[int]:
    return (attempt for attempt, bit in enumerate(reversed(f"{group.played:b}")) if bit == "1")


def _has_twin(case: Case, pair: Combination) -> bool:
    """Whether the trial is made unary and as a stream. One in a batch agrees with nothing."""
    axis = case.axes.get("transport")
    twins = {"unary", "stream"}
    return axis is not None and axis.swept and twins <= set(axis.for_model("")) and pair.axes.get("transport") in twins


def steps(case: Case, row: Mapping[str, Json], pair: Combination) -> Iterator[Step]:
    """The requests of a case for one row and one combination. Captures are filled in later, during the run. Raises Undefined."""
    axes = [
        Layer(f"axis {name}", {"generationConfig": fragment(name, value)})
        for name, value in pair.axes.items()
        if name not in OUTSIDE and case.axes[name].typed
    ]
    scope = scope_of(row, pair)
    body = case.body_in(scope)
    for layer in axes:
        body = merge(body, layer.body)
    body = {key: value for key, value in body.items() if key != "contents"}
    transport = pair.axes.get("transport", "unary")

    def origins_of() -> Mapping[str, str]:
        return origins([*case.layers_in(scope), *axes])

    for turn in case.turns:
        step = _filled(turn, scope) if case.templated else turn
        yield replace(step, body=merge(body, step.body), transport=transport, origins=origins_of)


def scope_of(row: Mapping[str, Json], pair: Combination) -> template.Scope:
    """What placeholders stand for in one row and one combination. Values of axes may refer to other axes."""
    target = {"model": pair.target.model, "provider": pair.target.provider}
    scope = {"row": row, "axis": pair.values, "target": target}
    return {**scope, "axis": template.fill(scope["axis"], scope)}


def _filled(turn: Step, scope: template.Scope) -> Step:
    turn = turns.filled(turn, scope)
    return replace(
        turn,
        contents=[flat(content) for content in turn.contents],
        script=turn.script and [flat(content) for content in turn.script],
        expect=tuple(fill_expectation(line, scope) for line in turn.expect),
    )


def flat(content: Json) -> Json:
    """The content with lists of parts among its own (those of an axis ``files``, or in place of a text), and with texts for values
    that are none."""
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not isinstance(parts, list) or all(_is_part(part) for part in parts):
        return content
    return {**content, "parts": [item for part in parts for item in _parts(part)]}


def _is_part(value: Json) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("text", ""), str)


def _parts(value: Json) -> Sequence[Json]:
    if isinstance(value, list) or not isinstance(value, Mapping) or _is_part(value):
        return value if isinstance(value, list) else [value]
    text = value["text"]
    return text if isinstance(text, list) else [{**value, "text": template.as_text(text)}]


def fill_expectation(line: Expectation, scope: template.Scope) -> Expectation:
    """An expectation with its row filled in. Texts of the row become numbers if the check needs numbers."""
    parameter = template.fill(line.parameter, scope)
    if parameter is line.parameter:
        return line
    return Expectation(line.check, fit(parameter, language.parameter(line.check)), line.place)


# --- cassettes ----------------------------------------------------------------------------------------------------


def cassette_path(group: TrialGroup, selection: Selection) -> Path:
    """``<folder>/<suite>/<case>/<provider>.<model>[.<axes>].yaml``. Rows, attempts and steps share one cassette."""
    pair = group.cell
    name = f"{safe_filename(pair.target.provider)}.{safe_filename(pair.target.model)}"
    if pair.swept:
        name += f".{pair.labels}"
    file = f"{safe_filename(name, max_bytes=195)}.yaml"
    return _suite_folder(selection.cassettes_dir, group.suite.name).joinpath(group.case.folder, file)


@lru_cache
def _suite_folder(cassettes: Path, suite: str) -> Path:
    return Path(cassettes, safe_filename(suite))
