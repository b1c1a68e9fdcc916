"""What both fronts need: suites on disk -> trials, and a way to ask, by record mode."""

from __future__ import annotations

import json
import os
import re
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

from harness.config import Config
from harness.errors import NoRecording, SuiteError, UsageError, cause
from harness.gemini import providers
from harness.gemini.models import ends_by, lifecycles
from harness.judge.registry import all_rules
from harness.model import Expectation, Json, Result, Target, Trial
from harness.results.rows import GateRow, OptionsRow, Row, RunRow, SuiteRow, TurnRow, dumps, plain, result_row, row_line
from harness.results.store import run_row
from harness.results.summary import Summary
from harness.run.play import prepared
from harness.suite.cases import Suite
from harness.suite.matrix import Expansion, Selection, expand
from harness.suite.parse import load
from harness.suite.validate.request import no_such_model
from harness.text import amounts, project
from harness.text.grouping import gathered
from harness.text.yamltext import scalar
from harness.transport import cassette
from harness.transport.cassette import Tape
from harness.transport.redaction import Leaks, known
from harness.transport.wrapping import Transport

if TYPE_CHECKING:
    from harness.run.budget import Account, Budget
    from harness.transport.pacing import GiveTurn
    from harness.transport.recorder import Coworker, Player, Recorder
    from harness.transport.wire import LocalServer

_IS_SUITE = rb"""(?m)^["']?(suite|cases)["']?[ \t]*:|\A\s*\{(?:[^{}\[\]\n]*,)?\s*["']?(suite|cases)["']?\s*:"""
"""Also a mapping in braces, on one line or several, as JSON writes it."""

SOON = 60
"""Days before a model's end from which on a live run warns of it."""


class Plan(Struct, frozen=True):
    """What is to be played, and under which configuration."""

    config: Config
    suites: Sequence[Suite]
    trials: Expansion

    @property
    def notes(self) -> list[str]:
        """What a suite says in vain, what was left out, and what is known today about the days of the models that are asked."""
        suites = [f"{note.place}: {note.message}" for suite in self.suites for note in suite.notes]
        ends = lifecycles([target.model for target in self.trials.targets], date.today())  # noqa: DTZ011 - days, not hours
        return [*self._mistaken(), *suites, *self.left_out, *ends]

    def _mistaken(self) -> Iterator[str]:
        """What is likely to be a slip of the command line: a folder whose configuration is elsewhere, the name of a model."""
        folders = dict.fromkeys(suite.folder for suite in self.suites)
        for file in filter(None, dict.fromkeys(map(self.config.passed_over, folders))):
            shown = Path(os.path.relpath(file))
            yield f"{shown} is not used: run in {shown.parent}/ for its provider and folders"
        asked = self.trials.selection
        yield from filter(None, map(no_such_model, [*asked.models, *(target.model for target in asked.targets)]))
        for target in self.trials.targets:
            name, _, model = target.model.partition("/")
            at = self.config.providers.get(target.provider)
            if model and name in self.config.providers and at and at.dialect == "gemini":
                yield f"the model is called {target.model}; to ask {name}, write provider: {name}, model: {model}"
        yield from self._fixed("provider", asked.providers)
        yield from self._fixed("model", asked.models)

    def _fixed(self, name: str, asked: Sequence[str]) -> Iterator[str]:
        """That cases ask another model or provider than the command line, since they fix it."""
        wanted = asked or [getattr(target, name) for target in self.trials.selection.targets]
        others = {getattr(target, name) for target in self.trials.targets} - set(wanted)
        axes = (case.axes.get(name) for suite in self.suites for case, _ in suite.distinct if wanted and others)
        if fixed := [axis.place for axis in axes if axis and axis.pinned and axis.values in others]:
            cases = amounts.count(len(fixed), "case")
            yield f"{fixed[0]}: the {name} is fixed, in {cases}, whatever the command line says"

    @property
    def left_out(self) -> list[str]:
        """The pairs of model and thinking that are not asked, and why."""
        return [f"{note.place.file}: {note.message}" for note in self.trials.notes]

    def suite_row(self, suite: Suite) -> SuiteRow:
        """What a run says of a suite that takes part, and what that holds it to. Raises UsageError for a gate that makes no sense."""
        row = suite_row_of(suite)
        gate = (suite.compare or {}).get("gate")
        if gate:
            from harness.compare.gates import budgets

            held: SuiteRow = {**row, "gate": gate}
            if budgets([held]):
                return {**held, "trials": self.trials.trials_in_suite(suite)}
        return row

    def header(self, record_mode: str, front: str, options: Mapping[str, Json], **repeated: Json) -> RunRow:
        """The header of a run of this plan, that starts now. ``options`` let it be resumed; ``repeated``: what else of the
        command would have to be repeated."""
        row = run_row(
            record_mode=record_mode,
            suites=[self.suite_row(suite) for suite in self.suites],
            front=front,
            selection={
                **selection_row(self.trials.selection),
                **{name: value for name, value in repeated.items() if value},
            },
            notes=self.notes,
            prices=self.config.price_source,
        )
        return {**row, "options": cast("OptionsRow", dict(options)), "planned": len(self.trials)}


def gates(asked: Sequence[str], run: RunRow, summary: Summary) -> list[GateRow]:
    """The answers to gates of the command line, and to the budgets of the run's suites. Raises UsageError for an invalid gate."""
    if not asked and not any("gate" in suite for suite in run["suites"]):
        return []
    from harness.compare.gates import evaluate_run

    return evaluate_run(asked, run, summary)


def is_unmet(gate: GateRow) -> bool:
    """Whether a gate fails the run: it is crossed, or it cannot be decided."""
    return gate["asked"] and gate["crossed"] is not False


def endings(asked: Iterable[Target], config: Config) -> Iterator[str]:
    """A warning for each model that has ended or ends soon, where a real provider is about to be asked for it."""
    today = date.today()  # noqa: DTZ011
    soon = today + timedelta(days=SOON)
    models = {target.model: None for target in asked if not config.find(target.provider).simulated}
    yield from (f"warning: {note}" for note in lifecycles((model for model in models if ends_by(model, soon)), today))


def hazards(asked: Iterable[Target], config: Config) -> Iterator[str]:
    """A warning for each provider that would be sent its key in a way that it should not be."""
    for name in dict.fromkeys(target.provider for target in asked):
        yield from (f"warning: {hazard}" for hazard in providers.hazards(config.find(name), os.environ))


def selection_row(chosen: Selection) -> Mapping[str, Json]:
    """What a run says of what was selected; what was not used is left out."""
    chosen_values = {
        "keywords": chosen.keywords,
        "tags": list(chosen.tags),
        "targets": [str(target) for target in chosen.targets],
        "providers": list(chosen.providers),
        "models": list(chosen.models),
        "repeat": chosen.repeat,
        "shard": list(chosen.shard) if chosen.shard else None,
    }
    return {name: value for name, value in chosen_values.items() if value}


def suite_row_of(suite: Suite) -> SuiteRow:
    """What a run says of a suite that took part."""
    digest = sha256((suite.folder / Path(suite.file).name).read_bytes()).hexdigest()
    row: SuiteRow = {"suite": suite.name, "file": suite.file, "sha256": digest, "about": suite.about}
    files = {**suite.files, **_of_checks(suite)}
    return {**row, "files": files} if files else row


def _of_checks(suite: Suite) -> Mapping[str, str]:
    """The files that checks of the suite look at, by name, with the SHA-256 of those that are there."""
    expectations = (expectation for case in suite.cases for turn in case.turns for expectation in turn.expect)
    names = dict.fromkeys(name for one in expectations for name in _files_of(one))
    paths = {name: suite.folder / name for name in names}
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in paths.items() if path.is_file()}


def _files_of(expectation: Expectation) -> Iterator[str]:
    """The Python file of a ``python`` check, the schema's of ``json: {valid: file}``."""
    wanted = expectation.parameter
    if expectation.check == "python":
        for name in [wanted] if isinstance(wanted, str) else wanted:
            yield str(name).rpartition(":")[0]
    elif expectation.check == "json" and isinstance(wanted, Mapping) and isinstance(wanted.get("valid"), str):
        yield wanted["valid"]


def plan(paths: Sequence[str], selection: Selection, config: Config) -> Plan:
    """The suites at these paths (default: the configured folder) and the trials that the selection leaves.

    Raises SuiteError with the complaints of all files, and UsageError.
    """
    if not paths and not config.suites.exists():
        raise UsageError(
            f"there is no folder {config.suites}/ here: name suites, or let `gemini-harness init` make a first one"
        )
    files = suite_files([Path(path) for path in paths] or [config.suites])
    suites = read(files, anywhere=config.outside_files, variables=config.variables)
    return plan_of(suites, selection, config)


def tagged(config: Config) -> dict[str, list[str]]:
    """Tag -> the suites of the configured folder that have it, or have a case with it. Raises SuiteError."""
    files = suite_files([config.suites]) if config.suites.exists() else []
    suites = read(files, anywhere=config.outside_files, variables=config.variables)
    tags = [(suite.name, dict.fromkeys(tag for case in suite.cases for tag in case.tags)) for suite in suites]
    return gathered((tag, name) for name, own in tags for tag in own)


def plan_of(suites: Sequence[Suite], selection: Selection, config: Config) -> Plan:
    """The trials of these suites that the selection leaves. Raises UsageError."""
    for name in (*selection.providers, *(target.provider for target in selection.targets)):
        config.find(name)
    return Plan(config, suites, expand(suites, replace(selection, default_provider=config.provider)))


def suite_files(paths: Sequence[Path]) -> list[Path]:
    """The suites named, and those in the folders named, sorted, each once. Raises UsageError where there is none."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            if not os.access(path, os.R_OK | os.X_OK):
                raise UsageError(f"cannot read the folder {path}: permission denied")
            for file in sorted(path.rglob("*.y*ml")):
                if is_suite(file):
                    found.setdefault(file.resolve(), file)
        elif path.exists():
            found.setdefault(path.resolve(), path)
        else:
            from harness.transport.recordings import check_exist

            check_exist([path])
    if not found:
        raise UsageError(
            f"no suite in {', '.join(map(str, paths))}: a suite is a YAML file with a top-level suite: key; "
            "`gemini-harness import` makes one of recordings"
        )
    return list(found.values())


def is_suite(path: Path) -> bool:
    """Whether a YAML file has a top-level key of a suite. UTF-16 counts, and a file without permission: reading it says what is wrong."""
    if path.suffix not in (".yaml", ".yml"):
        return False
    try:
        raw = project.read(path)
    except project.Unreadable:
        return path.is_file() and not os.access(path, os.R_OK)
    return raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or re.search(_IS_SUITE, raw) is not None


def read(files: Sequence[Path], *, anywhere: bool = False, variables: Mapping[str, Json] | None = None) -> list[Suite]:
    """Every suite, or every complaint about any of them."""
    suites: list[Suite] = []
    complaints: list[object] = []
    for file in files:
        try:
            suites.append(load(file, anywhere=anywhere, variables=variables))
        except SuiteError as error:
            complaints += error.complaints
    complaints += same_names(suites)
    if complaints:
        raise SuiteError(complaints)
    return suites


def same_names(suites: Iterable[Suite]) -> Iterator[str]:
    """A complaint for every suite that is called as one before it."""
    first: dict[str, Suite] = {}
    for suite in suites:
        other = first.setdefault(suite.name, suite)
        if other is not suite:
            yield f"{suite.place}: the suite is called {suite.name!r}, and so is {other.file}: ids and cassettes would collide"


_VARIABLE = r"(?s)([\w-]+)=(.*)"


def variables(texts: Sequence[str]) -> dict[str, Json]:
    """``name=value`` as values, read as in YAML: ``n=3`` is a number, ``n="3"`` a text. Raises UsageError for anything else."""
    found: dict[str, Json] = {}
    for text in texts:
        match = re.fullmatch(_VARIABLE, text)
        if match is None:
            raise UsageError(f"--var {text}: write NAME=VALUE, as in --var tone=formal")
        name, value = match.groups()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[name] = value[1:-1] if quoted else scalar(value) if value else ""
    return found


def targets(texts: Sequence[str]) -> list[Target]:
    """``provider/model`` as targets. Raises UsageError for anything else."""
    for text in texts:
        if not all(text.partition("/")):
            raise UsageError(f"--target {text!r}: write provider/model, as in google/gemini-3-flash-preview")
    return [Target(*text.split("/", 1)) for text in texts]


def shard(text: str | None) -> tuple[int, int] | None:
    """``I/N`` as numbers. Raises UsageError for anything else."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard {text}: write I/N with I from 1 to N, as in 1/4")
    return part, parts


# --- a way to ask -------------------------------------------------------------------------------------


class RecordPolicy(Struct, frozen=True):
    """How trials are asked. ``live``: everything is sent, no cassette is touched; else by ``record_mode``."""

    record_mode: str = "none"
    live: bool = False

    @property
    def asks(self) -> bool:
        """Whether anything may be sent."""
        return self.live or self.record_mode != "none"

    def __str__(self) -> str:
        """What a run says about how it asked."""
        return "live" if self.live else self.record_mode


def budget(
    config: Config, policy: RecordPolicy, spent: float = 0.0, workers: int = 1, account: Account | None = None
) -> Budget | None:
    """What one of so many processes may still spend, after ``spent`` US dollars; None if there is no ceiling, or if no request is sent live.

    ``account``: see `Budget`.
    """
    if config.max_cost is None or not policy.asks:
        return None
    from harness.run.budget import Budget
    from harness.run.estimate import Estimates

    estimates = Estimates(config, policy.record_mode, live=policy.live)
    return Budget(max(config.max_cost - spent, 0.0), estimates, workers, account)


@contextmanager
def transport(
    config: Config,
    policy: RecordPolicy,
    *,
    partial: bool = False,
    since: datetime | None = None,
    folders: Callable[[], Iterable[Path]] = tuple,
    worker: Coworker | None = None,
    batching: Callable[[Any], Any] | None = None,
) -> Iterator[Transport]:
    """A transport for this way to ask; leaving the block writes what was recorded.

    ``partial``: not everything that a cassette holds is asked for.
    ``since``: what was recorded from then on is of the same run, and not asked for again. ``folders``: where cassettes may
    be recorded; while another process records there this says so and waits. ``worker``: see `Coworker`. ``batching``: wraps the way to
    the network so that it sends requests with ``transport: batch``.
    """
    if policy.record_mode == "none" and not policy.live:
        yield player(config)
        return
    wire = _wire(config, batching, worker.turn if worker else None)
    if policy.live:
        yield wire
        return
    from harness.transport.recorder import Recorder

    mode: Any = policy.record_mode
    secrets = known(os.environ, config.providers)
    recorder = Recorder(mode, wire, config.providers, secrets, partial=partial, since=since, worker=worker)
    with _recording(recorder, folders):
        yield recorder


@contextmanager
def _recording(recorder: Recorder, folders: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """Claims the folders, says what an interrupted recording left there, and at the end what was not recorded."""
    from harness.transport.journal import recovered

    try:
        with recorder:
            recorder.claim(folders(), _tell)
            if recorder.recovered:
                _tell(recovered(recorder.recovered))
            yield
    except KeyboardInterrupt:
        if recorder.unwritten:
            _tell(_UNWRITTEN.format(amounts.count(recorder.unwritten, "cassette")))
        raise
    if recorder.foreign:
        _tell(_replayed(sorted(recorder.foreign)))
    for named, own in sorted(recorder.beside.items()):
        _tell(f"{named} stays as it is, since a case names it; what it lacked is recorded in {own.parent}/")


def player(config: Config, read: Callable[[Path], Tape] = cassette.read) -> Player:
    """A transport that only replays; ``read`` reads a cassette."""
    from harness.transport.recorder import Player

    return Player(config.providers, redaction=config.redact, say=_tell, read=read)


def _replayed(foreign: Sequence[Path]) -> str:
    are, them = ("was", "it") if len(foreign) == 1 else ("were", "them")
    return (
        f"{amounts.count(len(foreign), 'cassette')} of another tool {are} replayed, not recorded again: {foreign[0]}"
        f"{' ...' if len(foreign) > 1 else ''}; remove {them} to record"
    )


def _wire(config: Config, batching: Callable[[Any], Any] | None, turn: GiveTurn | None) -> Any:
    """The way to the network; personal data is taken out of what it brings back."""
    from harness.transport.wire import Wire

    all_rules()  # loaded at the first judgement, they would hold up the chunks of every other answer
    wire: Any = Wire(config, say=_say, simulator=start_simulator, turn=turn)
    if batching is not None:
        wire = batching(wire)
    if not config.redact:
        return wire
    from harness.transport.redacting import Redacting

    return Redacting(wire, config.redact)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


_UNWRITTEN = "interrupted before {} could be written: the answers are kept in journals, which the next run puts into the cassettes"


def _say(line: str) -> None:
    """To who sits at a terminal and waits."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}\n")
        sys.stderr.flush()


def start_simulator() -> LocalServer:
    """The simulator that answers for the provider of that name, in this process."""
    from harness.simulator import serve

    return serve.start(latency=0.03, pace=0.01)


class Judge:
    """How a result becomes a row: warnings fail under ``strict``, missing recordings may be skipped, secrets
    are hidden."""

    def __init__(self, config: Config, strict: bool = False, skip_missing: bool = False) -> None:
        self.config = config
        self.strict = strict
        self.skip_missing = skip_missing
        self.leaks = Leaks(known(os.environ, config.providers))

    def row(self, result: Result) -> Row:
        """The row of a result, as it is saved and shown. Raises as ``saved`` does."""
        return self.saved(result)[0]

    def saved(self, result: Result) -> tuple[Row, bytes]:
        """The row of a result, and the same as a line of the run's file. Raises UsageError where a pattern of ``[redact]`` changes more
        than texts."""
        row = result_row(self._taken(result))
        written = row_line(row)
        if not self.config.redact and not self.leaks.may_be_in(written):
            return row, written
        known = plain(row)
        shown = self.leaks.hidden(self.config.redact.row(known))
        try:
            return (row, written) if shown is known else (convert(shown, Row), dumps(shown).encode())
        except ValidationError as fault:
            raise UsageError(
                f"{row.id}: a pattern of [redact] changes what a saved run is read by ({fault}); narrow it"
            ) from None

    def sent(self, trial: Trial, turns: Sequence[TurnRow]) -> Iterator[Mapping[str, Json]]:
        """The address and the body of a trial's requests, as its row shows them: see ``play.prepared``."""
        for request in prepared(trial, self.config, turns):
            sent: Mapping[str, Json] = json.loads(dumps({"url": request.url, "request": request.body}))
            shown: Mapping[str, Json] = self.leaks.hidden(self.config.redact.row(sent))
            yield shown

    def _taken(self, result: Result) -> Result:
        if self.skip_missing and result.problem and result.problem.cause == _NOT_RECORDED:
            return Result(replace(result.trial, skip="not recorded"), "skipped")
        warned = any(verdict.status == "failed" for verdict in result.verdicts)
        if self.strict and result.status == "passed" and warned:
            return replace(result, status="failed")
        return result


_NOT_RECORDED = cause(NoRecording())
