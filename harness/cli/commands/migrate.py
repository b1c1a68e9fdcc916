"""``migrate``: compare an old model, replayed from cassettes, with a new one, live. Both are in one saved run."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path

from msgspec import structs

from harness.cli import costs, earlier_run, early_stopping, from_options, printing, saved_run
from harness.cli import options as shared
from harness.cli.commands import compare
from harness.cli.playing import Played, RunSession, check_fail_fast, open_session
from harness.cli.progress import Progress
from harness.compare import gates, looks
from harness.compare.comparison import compare_axis
from harness.compare.migration import Migration, changes, unsupported
from harness.config import Config
from harness.errors import NoRecording, UsageError, first
from harness.extensions import check_statistics
from harness.gemini.models import lifecycles
from harness.model import Place, Target
from harness.report import words
from harness.results.groups import Group
from harness.results.load import SavedRun, load
from harness.results.rows import Row, RunRow
from harness.results.summary import Summary, summarise
from harness.run import session
from harness.run.session import Plan, RecordPolicy
from harness.suite.matrix import Expansion
from harness.suite.validate.request import no_such_model
from harness.text import amounts

ABOUT = "compare an old model, replayed, with a new one, live: what changes, which checks flip, whether to switch"
EXAMPLES = (
    "gemini-harness migrate google/gemini-2.5-flash google/gemini-3-flash-preview",
    "gemini-harness migrate --resume",
)


def add_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("old", metavar="OLD", nargs="?", help="the model in use: provider/model, or a model of the default provider")
    add("new", metavar="NEW", nargs="?", help="the model that replaces it")
    shared.suites(parser)
    group = parser.add_argument_group("which trials")
    group.add_argument("-k", metavar="EXPR", dest="keyword", help="only trials whose id matches: words, and, or, not")
    shared.repeatable(group, "--tag", "TAG", "only suites and cases with this tag (repeatable)")
    group.add_argument("--repeat", metavar="N", type=shared.positive, help="attempts at each case, on both sides")
    shared.cassettes_folder(group)
    group = parser.add_argument_group("how")
    group.add_argument("--live", action="store_true", help="send every request to the new model (the default)")
    group.add_argument(
        "--record-mode",
        metavar="MODE",
        choices=shared.RECORD_MODES,
        help="the record mode for the new model, as of `run`, instead of --live",
    )
    group.add_argument(
        "--old-record-mode",
        metavar="MODE",
        choices=shared.RECORD_MODES,
        default="none",
        help="the record mode for the old model (default: none, replay only)",
    )
    shared.concurrency(group)
    shared.max_cost(group, "spend at most this on live answers of both models: begin no trial that would exceed it")
    group.add_argument(
        "--fail-fast",
        action="store_true",
        help="stop at the first trial that the old model passes and the new one does not",
    )
    shared.until_told(group, "stop as soon as there is a verdict on the pass rate, or the gates are answered")
    group.add_argument("--no-progress", action="store_true", help="show no progress")
    shared.resume(group, "a migration")
    shared.judging(parser)
    shared.formats(parser)


def main(options: Namespace) -> int:
    check_statistics()  # before anything is asked
    saved = _resumed(options)
    printing.check(options, "migration")
    compare.criteria(options)
    asked = [gates.from_option(text) for text in options.gate]
    if options.fail_fast:
        check_fail_fast(asked)
    if options.until_told:
        early_stopping.check(options)
    settings = from_options.config(options)
    old, new = sides(options, settings)
    selection = structs.replace(from_options.selection(options, settings), targets=[old.target, new.target])
    whole = session.plan(options.paths, selection, settings)
    pinned = _pinned(whole)
    plan = structs.replace(whole, trials=whole.trials.where(lambda group: group.case.place not in pinned))
    if all(group.cell.skip is not None for group in old.trials(plan).groups()):
        raise UsageError(f"no case runs on {old}: every case pins another model, or is skipped")
    with open_session(plan, session.Judge(settings), saved) as run_session:
        played = _played(run_session, old, new, options, asked)
    if not played.ended_early:
        document = _document(plan, played.writer.path, old, new, options, asked)
        printing.show(document, "migration", options)
        codes = [compare.code(document.comparison), *_of_trials(played)]
    else:
        codes = [2] * played.interrupted + [fault.exit_code for fault in played.faults]
        played.say_faults()
        sys.stderr.write(f"what was played is in run {played.writer.run['id']}\n")
    played.say_how_to_go_on(options, asks=old.policy.asks or new.policy.asks)
    return first(codes)


def _of_trials(played: Played) -> Iterator[int]:
    """The exit codes from the trials: 6 if some could not be judged, 1 for a failed trial that stopped the run."""
    if played.summary.totals()["error"]:
        yield 6
    if played.stopped is not None and played.stopped.status != "error":
        yield 1


def _resumed(options: Namespace) -> SavedRun | None:
    """The run to resume, if any. Raises UsageError if neither a run nor two models are named."""
    if options.resume is not None:
        return earlier_run.resumed(options)
    missing = [name.upper() for name in ("old", "new") if getattr(options, name) is None]
    if missing:
        raise UsageError(
            f"gemini-harness migrate: the following arguments are required: {', '.join(missing)}\n"
            "(or --resume, to continue a migration that was cut short)"
        )
    return None


# --- the two sides ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MigrationSide:
    """One of the two models, and its record policy."""

    target: Target
    policy: RecordPolicy

    def trials(self, plan: Plan) -> Expansion:
        return plan.trials.where(lambda group: group.target == self.target)

    def groups(self, summary: Summary) -> list[Group]:
        """Those of this model in a run of both."""
        return [group for group in summary.groups.values() if group.target == str(self.target)]

    def __str__(self) -> str:
        return str(self.target)


def sides(options: Namespace, settings: Config) -> tuple[MigrationSide, MigrationSide]:
    """The old model, replayed, and the new one, live, unless the options say otherwise. Raises UsageError."""
    if options.live and options.record_mode:
        raise UsageError("give either --live (it does not use the new model's cassettes) or --record-mode, not both")
    old, new = (_target(text, settings) for text in (options.old, options.new))
    if old == new:
        raise UsageError(f"{old} is both the old and the new model: name two")
    policy = RecordPolicy(options.record_mode or "none", live=not options.record_mode)
    return MigrationSide(old, RecordPolicy(options.old_record_mode)), MigrationSide(new, policy)


def _target(text: str, settings: Config) -> Target:
    """``provider/model``, or a model of the default provider."""
    provider, slash, model = text.removeprefix("models/").partition("/")
    target = Target(provider, model) if slash else Target(settings.provider, provider)
    if not (target.provider and target.model):
        raise UsageError(f"{text!r} is not a target: write provider/model, or a model of {settings.provider}")
    return target


def _pinned(plan: Plan) -> dict[Place, str]:
    """Place -> id of the cases that pin their model. A migration leaves them out."""
    return {
        case.place: f"{suite.name}/{case.id}"
        for suite in plan.suites
        for case in suite.cases
        if "model" in case.axes and case.axes["model"].pinned
    }


# --- playing both -------------------------------------------------------------------------------------


def _played(
    run_session: RunSession, old: MigrationSide, new: MigrationSide, options: Namespace, asked: list[gates.Gate]
) -> Played:
    """Play the old side first. If none of its trials can be judged, the new one is not played. Raises NoRecording, UsageError."""
    plan = run_session.plan
    of_old, of_new = (run_session.left(side.trials(plan)) for side in (old, new))
    for side, trials in ((old, of_old), (new, of_new)):
        costs.announce(plan.config, trials, trials.targets, side.policy, quiet=bool(options.quiet))
    with run_session.open(lambda: _header(plan, old, new, options)) as writer:
        played = Played(writer, run_session.judge, Progress(options))
        try:
            played.play(of_old, old.policy, partial=True)
            if not played.ended_early:
                summary = load(writer.path).summary()
                _check_judged(plan, summary, old)
                if options.fail_fast:
                    played.stops = _got_worse(summary, old, new)
                if options.until_told:
                    _play_until_decided(plan, played, of_new, (old, new), options, asked)
                else:
                    played.play(of_new, new.policy, partial=True)
        finally:
            played.settle(chain(old.trials(plan).ids(), new.trials(plan).ids()))
            missing = writer.trials < writer.run.get("planned", 0)
            played.close(interrupted=missing and played.stopped is None, notes=writer.run["notes"])
    return played


def _play_until_decided(
    plan: Plan,
    played: Played,
    left: Expansion,
    sides: tuple[MigrationSide, MigrationSide],
    options: Namespace,
    asked: list[gates.Gate],
) -> None:
    """Play the new side look by look. The notes of the run say where it stopped."""
    old, new = sides
    criteria = compare.criteria(options)

    def why_stop(look: int, counted: Set[str]) -> str | None:
        rows = load(played.writer.path).rows()
        summary = summarise(row for row in rows if row.target == str(old) or row.group in counted)
        found = compare_axis(summary, "target", str(old), str(new), replace(criteria, alpha=looks.level(look)))
        wanted = [looks.at_look(gate, look) for gate in asked]
        return looks.told(found, [gates.evaluate(gate, found) for gate in wanted], look)

    stopped = early_stopping.play(played, new.trials(plan), left, new.policy, why_stop)
    if stopped:
        summary = _summaries(load(played.writer.path))[1][str(new)]
        run = played.writer.run
        note = early_stopping.say(stopped, summary, run.get("prices"), len(new.trials(plan)))
        run["notes"] = [*run["notes"], note]


def _got_worse(summary: Summary, old: MigrationSide, new: MigrationSide) -> Callable[[Row], bool]:
    """A function: whether the new model does not pass this row, and the old one passes its cell."""
    good = {_cell(group.id, old) for group in old.groups(summary) if group.status in ("passed", "xfailed")}
    return lambda row: row.status in words.WRONG and _cell(row.group, new) in good


def _cell(group: str, side: MigrationSide) -> str:
    return group.removesuffix(f"@{side}")


def _header(plan: Plan, old: MigrationSide, new: MigrationSide, options: Namespace) -> RunRow:
    row = plan.header(str(new.policy), "cli", earlier_run.given(options))
    row["migration"] = [str(old), str(new)]
    return row


def _check_judged(plan: Plan, summary: Summary, old: MigrationSide) -> None:
    """Raises NoRecording if no trial of the old side could be judged."""
    groups = old.groups(summary)
    if any(group.judged for group in groups):
        return
    why = next((group.trouble.message for group in groups if group.trouble), "")
    paths = " ".join(shlex.quote(suite.file) for suite in plan.suites[:5])
    lines = [
        f"no trial of {old} could be judged, so the new model was not played",
        no_such_model(old.target.model) or why,
        f"record the old model: gemini-harness run {paths} --target {old} --record-mode once",
        *lifecycles([old.target.model], shared.today()),
    ]
    raise NoRecording("\n".join(line for line in lines if line))


# --- the document -------------------------------------------------------------------------------------


def _document(
    plan: Plan, path: Path, old: MigrationSide, new: MigrationSide, options: Namespace, asked: list[gates.Gate]
) -> Migration:
    saved = load(path)
    whole, by_target = _summaries(saved)
    cut_short = saved_run.notes(saved, whole)
    planned = (
        {_cell(group.id, new) for group in new.trials(plan).groups()} if cut_short or "looks" in saved.run else set()
    )
    sides = whole, "target", str(old), str(new)
    found = compare_axis(*sides, compare.criteria(options, saved.run))
    source = (saved.run, saved.rows_of)
    found = compare.gated(replace(found, sources=(source, source)), asked, saved, (saved, whole))
    facts = list(changes(old.target.model, new.target.model, date.today()))  # noqa: DTZ011 - days, not hours
    answers = [words.provenance(by_target.get(str(side), Summary())) for side in (old, new)]
    compared = {difference.measure for difference in found.differences}
    notes = [
        *(f"{name}: {answer}" for name, answer in zip(("reference", "candidate"), answers, strict=True)),
        *cut_short,
        *_stayed_out(plan),
        *_not_there(whole, old),
        *plan.notes,
        *(note for note in found.notes if not note.startswith(f"only in {old}: ")),
        *([] if "cost_usd" in compared else ["the cost is not known on both sides"]),
        f"saved as run {saved.run['id']}",
    ]
    return Migration(
        comparison=replace(
            found,
            notes=[note for note in dict.fromkeys(notes) if note not in facts],
            command=words.command("compare", saved.run["id"], "--target", str(old), "--target", str(new)),
        ),
        changes=facts,
        unsupported=[cell for cell in unsupported(found, new.target.model) if _cell(cell[0], old) not in planned],
        cut_short=cut_short,
    )


def _summaries(saved: SavedRun) -> tuple[Summary, dict[str, Summary]]:
    whole, sides = Summary(), dict[str, Summary]()
    for row in saved.rows():
        whole.add(row)
        sides.setdefault(row.target, Summary()).add(row)
    return whole, sides


def _stayed_out(plan: Plan) -> Iterator[str]:
    names = list(dict.fromkeys(_pinned(plan).values()))
    if names:
        yield f"{amounts.count(len(names), 'case')} pinned to a model stayed out: {amounts.some(names)}"


def _not_there(whole: Summary, old: MigrationSide) -> Iterator[str]:
    lost = [group for group in old.groups(whole) if group.attempts and not group.judged]
    if lost:
        why = words.printable(lost[0].trouble.message) if lost[0].trouble else ""
        yield f"{amounts.count(len(lost), 'cell')} of {old} could not be judged: {amounts.some([group.id for group in lost])}. {why}"
