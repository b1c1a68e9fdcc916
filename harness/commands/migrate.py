"""``migrate``: an old model from its cassettes against a new one, both in one saved run; what changes, and whether to switch."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from harness import gates, session
from harness.commands import choosing, compare, costs, printing
from harness.commands.progress import Progress
from harness.compare import Comparison, compare_axis
from harness.config import Config
from harness.errors import HarnessError, NoRecording, UsageError
from harness.matrix import Selection
from harness.migration import Migration, changes, untaken
from harness.model import Place, Result, Target, Trial
from harness.play import play_all
from harness.render import words
from harness.rows import RunRow
from harness.session import Plan
from harness.store import RunWriter, load
from harness.summary import Summary

if TYPE_CHECKING:
    from harness.spending import Purse


def main(options: Namespace) -> int:
    printing.check(options, "migration")
    margins, asked = compare.margins(options), [gates.from_option(each) for each in options.gate]
    settings = choosing.config(options)
    old, new = sides(options, settings)
    plan = session.plan(options.paths, _selection(options, settings, old, new), settings)
    played = _played(plan, old, new, options)
    if played.interrupted:
        sys.stderr.write(f"interrupted; what was played is in run {played.writer.run['id']}\n")
        return 2
    document = _document(played, old, new, margins, asked)
    printing.show(document, "migration", options)
    code = compare.code(document.comparison)
    return 6 if code != 1 and played.summary.totals()["error"] else code


# --- who is asked, and how ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models. ``live``: everything is sent, no cassette is touched; else by ``record_mode``."""

    target: Target
    record_mode: str
    live: bool = False

    @property
    def asks(self) -> bool:
        """Whether anything may be sent."""
        return self.live or self.record_mode != "none"

    @property
    def model(self) -> str:
        return self.target.model

    def __str__(self) -> str:
        return str(self.target)


def sides(options: Namespace, settings: Config) -> tuple[Side, Side]:
    """The old model, from its cassettes, and the new one, live, unless the options say otherwise. Raises UsageError."""
    if options.live and options.record_mode:
        raise UsageError("say --live (the new model's cassettes are not touched) or --record-mode, not both")
    old, new = (_target(text, settings) for text in (options.old, options.new))
    if old == new:
        raise UsageError(f"{old} is both the old and the new model: name two")
    return Side(old, options.old_record_mode), Side(new, options.record_mode or "none", live=not options.record_mode)


def _target(text: str, settings: Config) -> Target:
    """``provider/model``, or a model of the default provider."""
    provider, slash, model = text.removeprefix("models/").partition("/")
    target = Target(provider, model) if slash else Target(settings.provider, provider)
    if not (target.provider and target.model):
        raise UsageError(f"{text!r} is no target: write provider/model, or a model of {settings.provider}")
    return target


def _selection(options: Namespace, settings: Config, old: Side, new: Side) -> Selection:
    return Selection(
        targets=[old.target, new.target],
        keywords=options.keyword or "",
        tags=options.tag,
        repeat=options.repeat,
        cassettes_dir=settings.cassettes,
    )


# --- playing both -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Played:
    """Both sides, as far as they went. ``heard`` is each side by itself: where its answers came from."""

    plan: Plan
    writer: RunWriter
    judge: session.Judge
    progress: Progress
    summary: Summary = field(default_factory=Summary)
    heard: dict[str, Summary] = field(default_factory=dict)
    interrupted: bool = False
    spent: float = 0.0
    """Dollars, where there is a ceiling."""

    def play(self, side: Side, *, quiet: bool) -> None:
        """Every trial of a side, within what is left of the ceiling. Raises HarnessError."""
        self.heard[str(side)] = Summary()
        config = self.plan.config
        if side.asks:
            sys.stderr.writelines(f"{each}\n" for each in self._beforehand(side, quiet=quiet))
        purse = self._purse(side)
        try:
            with session.transport(config, side.record_mode, live=side.live, partial=True) as transport:
                heard = purse.watch(transport) if purse else transport
                play_all(self._trials(side), self.judge.watch(heard), config, self._take, purse=purse)
                if purse:
                    self.spent = purse.spent
                    purse.check()
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self.progress.clear()

    def _beforehand(self, side: Side, *, quiet: bool) -> Iterator[str]:
        """That the model ends, and what it will cost, where it costs money."""
        from harness.estimate import Estimates, forecast

        yield from session.endings([side.target], self.plan.config)
        expected = forecast(self._trials(side), Estimates(self.plan.config, side.record_mode, live=side.live))
        if expected.paid and not quiet:
            yield from costs.lines(expected)

    def _purse(self, side: Side) -> Purse | None:
        if self.plan.config.max_cost is None or not side.asks:
            return None
        from harness.estimate import Estimates
        from harness.spending import Purse

        left = max(self.plan.config.max_cost - self.spent, 0)
        return Purse(left, Estimates(self.plan.config, side.record_mode, live=side.live))

    def _trials(self, side: Side) -> Iterator[Trial]:
        pinned = _pinned(self.plan)
        return (trial for trial in self.plan.trials if trial.target == side.target and trial.place not in pinned)

    def _take(self, result: Result) -> None:
        row = self.judge.row(result)
        self.summary.add(row)
        self.heard[row["target"]].add(row)
        self.writer.append(row)
        self.progress.show(row)


def _pinned(plan: Plan) -> dict[Place, str]:
    """The cases that pin their model: no migration moves them."""
    return {
        case.place: f"{suite.name}/{case.id}"
        for suite in plan.suites
        for case in suite.cases
        if "model" in case.axes and case.axes["model"].pinned
    }


def _played(plan: Plan, old: Side, new: Side, options: Namespace) -> _Played:
    """The old side first: where nothing of it is there, the new one is not asked. Raises NoRecording, UsageError."""
    with RunWriter(plan.config.reports, _header(plan, old, new)) as writer:
        judge = session.Judge(plan.config)
        played = _Played(plan, writer, judge, Progress(len(plan.trials), options))
        try:
            played.play(old, quiet=bool(options.quiet))
            if not played.interrupted:
                _check(played, old)
                played.play(new, quiet=bool(options.quiet))
        except HarnessError:
            writer.close(played.summary, interrupted=True)
            raise
        writer.close(played.summary, interrupted=played.interrupted)
    return played


def _header(plan: Plan, old: Side, new: Side) -> RunRow:
    """Without the options of a run: what was cut short is migrated anew, not resumed."""
    row = plan.header("live" if new.live else new.record_mode, "cli", {})
    row.pop("options", None)
    row.pop("planned", None)
    row["migration"] = [str(old), str(new)]
    return row


def _check(played: _Played, old: Side) -> None:
    """Raises UsageError or NoRecording where there is nothing to compare the new model with."""
    groups = [group for group in played.summary.groups.values() if group.attempts]
    if not groups:
        raise UsageError(f"no case asks {old}: each pins another model, or is skipped")
    if any(group.judged for group in groups):
        return
    first = next((group.trouble.message for group in groups if group.trouble), "")
    paths = " ".join(words.quoted(suite.file) for suite in played.plan.suites[:5])
    said = [
        f"nothing of {old} could be judged, so the new model was not asked",
        first,
        f"record all of it: gemini-harness run {paths} --target {old} --record-mode once",
        *session.lifecycles([old.model]),
    ]
    raise NoRecording("\n".join(each for each in said if each))


# --- what came of it ----------------------------------------------------------------------------------


def _document(played: _Played, old: Side, new: Side, margins: dict[str, float], asked: list[gates.Gate]) -> Migration:
    saved = load(played.writer.path)
    found = compare_axis(played.summary, "target", str(old), str(new), margins)
    source = (saved.run, saved.rows_of)
    found = compare.gated(replace(found, sources=(source, source)), asked, saved, "target")
    facts = list(changes(old.model, new.model, date.today()))  # noqa: DTZ011 - days, not hours
    answers = tuple(words.provenance(played.heard[str(side)]) for side in (old, new))
    notes = [
        *(f"{name}: {said}" for name, said in zip(("reference", "candidate"), answers, strict=True)),
        *_stayed_out(played.plan),
        *_not_there(played, old),
        *played.plan.left_out,
        *(note for note in found.notes if not note.startswith(f"only in {old}: ")),
        *_no_price(found),
        f"saved as run {played.writer.run['id']}",
    ]
    return Migration(
        comparison=replace(
            found,
            notes=[note for note in dict.fromkeys(notes) if note not in facts],
            again=words.command("compare", saved.run["id"], "--target", str(old), "--target", str(new)),
        ),
        changes=facts,
        untaken=untaken(found, new.model),
        answers=(answers[0], answers[1]),
        simulated=words.simulated(played.summary),
    )


def _stayed_out(plan: Plan) -> Iterator[str]:
    names = list(dict.fromkeys(_pinned(plan).values()))
    if names:
        yield f"{words.count(len(names), 'case')} pinned to a model stayed out: {_some(names)}"


def _not_there(played: _Played, old: Side) -> Iterator[str]:
    lost = [group for group in played.heard[str(old)].groups.values() if group.attempts and not group.judged]
    if lost:
        why = words.printable(lost[0].trouble.message) if lost[0].trouble else ""
        yield f"{words.count(len(lost), 'cell')} of {old} could not be judged: {_some([each.id for each in lost])}. {why}"


def _no_price(comparison: Comparison) -> Iterator[str]:
    if not any(each.measure == "cost_usd" for each in comparison.differences):
        yield "what it costs is not known on both sides"


def _some(names: Iterable[str]) -> str:
    first = list(names)
    return ", ".join(first[:3]) + (f" and {len(first) - 3:,} more" if len(first) > 3 else "")
