"""``pytest suites/``: every trial of a suite is a test item. Public pytest API only.

Collected are YAML files with a top-level ``suite:`` key under the configured suites folder, or named on the command line.
Asking is an item's setup and judging its call, so that what could not be asked or judged is pytest's *error*, and what the
provider did not do is *failed*. Where a case tolerates failing attempts (``require: 4/5``), those within the tolerance are
*xfailed*, the first beyond it fails. The verdict that counts is the group's: at the end the whole run, whichever workers
played it, is judged by groups, unary and stream are held against each other, and what fails there fails the session.

This file is loaded in every pytest run of its environment: until a suite is met, it imports nothing of its own package.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

if TYPE_CHECKING:
    from harness.config import Config
    from harness.model import Target, Trial
    from harness.results.rows import GateRow, Row, RunRow, SuiteRow
    from harness.results.store import RunWriter
    from harness.results.summary import Summary
    from harness.run.budget import Budget
    from harness.run.session import Plan
    from harness.suite.cases import Suite
    from harness.suite.matrix import Selection
    from harness.transport.journal import RecordingLock
    from harness.transport.redaction import Leaks


class SuiteNotes(TypedDict):
    """What a trial's suite says of itself, and what was left out of it."""

    suite: SuiteRow
    notes: list[str]


class TrialReport(SuiteNotes):
    """How a trial ended, and how many the session plays."""

    row: Row
    planned: int


RECORD_MODES = ("none", "once", "new_episodes", "all", "stale")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gemini-harness", "Gemini suites (YAML files with a top-level suite: key)")
    add = group.addoption
    add(
        "--harness-record-mode",
        metavar="MODE",
        choices=RECORD_MODES,
        default="none",
        help=f"{', '.join(RECORD_MODES)} (default: replay only)",
    )
    add("--harness-live", action="store_true", help="send everything; read and write no cassette")
    add("--harness-target", metavar="PROVIDER/MODEL", action="append", default=[], help="instead of the suites' own")
    add("--harness-provider", metavar="NAME", action="append", default=[], help="instead of the suites' own")
    add("--harness-model", metavar="ID", action="append", default=[], help="instead of the suites' own")
    add("--harness-repeat", metavar="N", type=int, help="attempts at each case")
    add("--harness-shard", metavar="I/N", help="the I-th of N equal parts of the trials")
    add(
        "--harness-max-cost",
        metavar="USD",
        type=float,
        help="ask nothing that would take what is spent on live answers beyond this (shared out among xdist's workers)",
    )
    add("--harness-skip-missing", action="store_true", help="skip what was not recorded, instead of an error")
    add("--harness-strict", action="store_true", help="warnings fail too")
    add("--harness-reports", metavar="DIR", help="where the run is saved (default: reports/)")
    add("--harness-cassettes", metavar="DIR", help="where cassettes are kept")
    add("--harness-allow-outside-files", action="store_true", help="suites may read files outside of their project")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--harness-live") and config.getoption("--harness-record-mode") != "none":
        raise pytest.UsageError("say --harness-live (no cassette is touched) or --harness-record-mode, not both")
    if not (config.getoption("--harness-max-cost") is None or config.getoption("--harness-max-cost") > 0):
        raise pytest.UsageError("--harness-max-cost: expected dollars above 0")
    asking = config.stash[_ASKING] = _Asking(config)
    _ = asking.shard  # a complaint about it comes first
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Run(asking), "gemini-harness-run")
        if config.getoption("--harness-record-mode") != "none":
            config.pluginmanager.register(_Recording(asking), "gemini-harness-recording")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    from harness.errors import UsageError

    try:
        suites = parent.config.stash[_ASKING].config.suites.resolve()
    except UsageError as error:
        raise parent.CollectError(_plainly(error)) from None
    if not (parent.session.isinitpath(file_path) or suites in file_path.resolve().parents):
        return None
    from harness.run.session import is_suite

    return SuiteFile.from_parent(parent, path=file_path) if is_suite(file_path) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what is left to play, this shard's part: cases (rows apart) are dealt in turn, so that attempts stay together."""
    shard = config.stash[_ASKING].shard
    if shard is None:
        return
    cases: dict[object, int] = {}
    mine: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        case = (item.path, item.trial.place, item.trial.row) if isinstance(item, TrialItem) else None
        dealt = cases.setdefault(case, len(cases)) if case else shard[0] - 1
        (mine if dealt % shard[1] == shard[0] - 1 else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = mine


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """However few of them -x, --maxfail or Ctrl-C leave."""
    asking = session.config.stash[_ASKING]
    trials = [item.trial for item in session.items if isinstance(item, TrialItem)]
    asking.planned, asking.folders = len(trials), {trial.cassette.parent for trial in trials}
    if trials:
        _end_by_sigterm(session.config)
        asking.look()
        run = session.config.pluginmanager.get_plugin("gemini-harness-run")
        if run is not None:
            run.warn(trial.target for trial in trials)


def _end_by_sigterm(config: pytest.Config) -> None:
    """SIGTERM ends the session as Ctrl-C does, unless somebody else has a use for it."""
    from harness.cli.main import as_ctrl_c

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, as_ctrl_c)
        config.add_cleanup(partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))  # type: ignore[arg-type]


# --- items --------------------------------------------------------------------------------------------


class SuiteFile(pytest.File):
    """One suite."""

    def collect(self) -> Iterator[TrialItem]:
        from harness.errors import HarnessError

        asking = self.config.stash[_ASKING]
        try:
            plan = asking.plan(self.path)
            trials = list(plan.trials)
            about: SuiteNotes = {"suite": plan.suite_row(plan.suites[0]), "notes": plan.notes}
        except HarnessError as error:
            raise self.CollectError(_shown(_plainly(error))) from None
        attempts = Counter(trial.group for trial in trials)
        for tag in dict.fromkeys(tag for trial in trials for tag in trial.tags):
            self.config.addinivalue_line("markers", f"{tag}: a tag of a suite")
        for trial in trials:
            name = _shown(asking.leaks.hidden(trial.id)).removeprefix(f"{trial.suite}/")
            yield TrialItem.from_parent(self, name=name, trial=trial, about=about, attempts=attempts[trial.group])


class TrialItem(pytest.Item):
    """One trial: asked in setup, judged in the call."""

    def __init__(self, *, trial: Trial, about: SuiteNotes, attempts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trial = trial
        self.about = about
        self.attempts = attempts
        self.row: Row | None = None
        for tag in trial.tags:
            self.add_marker(tag)
        if trial.skip is not None:
            self.add_marker(pytest.mark.skip(reason=_shown(self._leaks.hidden(trial.skip))))
        self.extra_keyword_matches.update({trial.suite, trial.case, str(trial.target)})

    @property
    def _leaks(self) -> Leaks:
        return self.config.stash[_ASKING].leaks

    def setup(self) -> None:
        from harness.errors import CannotWrite, CeilingReached, UsageError

        refused = None
        try:
            self.row = self.config.stash[_ASKING].play(self.trial)
        except (CannotWrite, CeilingReached, UsageError) as fault:
            refused = _shown(f"not played: {fault}")
            if isinstance(fault, CannotWrite):
                self.session.shouldstop = "what is answered cannot be recorded"
        if self.row is None:  # outside of the except, so that pytest does not tell both
            pytest.fail(self._leaks.hidden(refused or ""), pytrace=False)
        if self.row["status"] == "skipped":
            pytest.skip(_shown(self.row["skip"] or ""))
        if self.row["status"] == "error":
            pytest.fail(self._leaks.hidden(_unjudged(self.row)), pytrace=False)

    def runtest(self) -> None:
        row = self.row
        assert row is not None
        if row["status"] == "xfailed":
            pytest.xfail(_shown(row["xfail"] or ""))
        if row["status"] == "xpassed":
            unexpected = f"{_place(row)}\n{row['id']}: was expected to fail ({row['xfail']}) but did not"
            pytest.fail(_shown(unexpected), pytrace=False)
        if row["status"] == "failed":
            tolerated = self.config.stash[_ASKING].tolerate(self)
            if tolerated:
                pytest.xfail(tolerated)
            pytest.fail(self._leaks.hidden(_mismatches(row, whole=self.config.get_verbosity() > 0)), pytrace=False)

    def teardown(self) -> None:
        self.row = None

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        return self.path, self.trial.place.line - 1, _shown(self._leaks.hidden(self.trial.id))


def _plainly(error: Exception) -> str:
    """The message, without secrets."""
    from harness.cli import secret_filter

    return secret_filter.text(str(error))


def _shown(text: str) -> str:
    """What others wrote, as text that neither a terminal nor GitHub's log obeys."""
    from harness.text.terminal import safe_for_display

    return safe_for_display(text)


def _place(row: Row) -> str:
    return f"{row['place']['file']}:{row['place']['line']}"


def _unjudged(row: Row) -> str:
    from harness.report import words

    error = row["error"]
    assert error is not None
    lines = [
        _place(row),
        *_source(row["place"]["file"], row["place"]["line"]),
        row["id"],
        words.printable(error["message"]),
    ]
    return _shown("\n".join([*lines, *([error["traceback"]] if error["traceback"] else [])]))


def _mismatches(row: Row, *, whole: bool) -> str:
    """Every mismatch of the attempt: the line that asked for it, expected, actual; then the answer, not cut where it is ``whole``."""
    from harness.report import View
    from harness.report.content.failure import lines

    told = lines(row, None if whole else View().answer, lambda place: _source(place["file"], place["line"]))
    return _shown("\n".join([row["id"], "", *told]))


def _source(file: str, line: int) -> list[str]:
    import linecache

    text = linecache.getline(file, line).rstrip()
    return [f"{line:6} | {text}"] if text else []


# --- asking -------------------------------------------------------------------------------------------


class _Asking:
    """What the items of one process share. Everything is made when it is first needed."""

    def __init__(self, config: pytest.Config) -> None:
        self.pytest = config
        self._exit = ExitStack()
        self._failed: Counter[str] = Counter()
        self._suites: dict[Path, Suite] = {}
        self.planned = 0
        """The trials that are to be played, known once all are collected; so are the folders of their cassettes."""
        self.folders: set[Path] = set()

    @cached_property
    def config(self) -> Config:
        from dataclasses import replace

        from harness.config import load

        settings = load(self.shortest(self.pytest.rootpath))
        said = {name: self.option(name) for name in ("cassettes", "reports")}
        here = self.shortest(self.pytest.invocation_params.dir)
        settings = replace(
            settings,
            max_cost=self.option("max-cost") or settings.max_cost,
            outside_files=self.option("allow-outside-files"),
        )
        return replace(settings, **{name: here / path for name, path in said.items() if path})

    @cached_property
    def leaks(self) -> Leaks:
        from harness.transport.redaction import Leaks, known

        return Leaks(known(os.environ, self.config.providers))

    def shortest(self, path: Path) -> Path:
        """The path as the command line would call it: seen from here, where here is where pytest was called."""
        here = self.pytest.invocation_params.dir
        return path.relative_to(here) if here == Path.cwd() and path.is_relative_to(here) else path

    def option(self, name: str) -> Any:
        return self.pytest.getoption(f"--harness-{name}")

    @property
    def asks(self) -> bool:
        """Whether anything may be sent."""
        return bool(self.option("live") or self.option("record-mode") != "none")

    @property
    def reporter(self) -> Any:
        return self.pytest.pluginmanager.get_plugin("terminalreporter")

    @cached_property
    def selection(self) -> Selection:
        from harness.run.session import targets
        from harness.suite.matrix import Selection

        return Selection(
            targets=targets(self.option("target")),
            providers=self.option("provider"),
            models=self.option("model"),
            repeat=self.option("repeat"),
            cassettes_dir=self.config.cassettes,
        )

    @cached_property
    def shard(self) -> tuple[int, int] | None:
        if self.option("shard") is None:
            return None
        from harness.errors import UsageError
        from harness.run.session import shard

        try:
            return shard(self.option("shard"))
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None

    def selected(self) -> Selection:
        """What a run says was selected: pytest's own words too."""
        from dataclasses import replace

        words, marks = self.pytest.getoption("keyword"), self.pytest.getoption("markexpr")
        tags = [marks] if marks else []
        return replace(self.selection, keywords=words or "", tags=tags, shard=self.shard)

    def plan(self, path: Path) -> Plan:
        """The trials of the suite at that path."""
        from harness.errors import SuiteError
        from harness.run import session
        from harness.suite.parse import load

        suite = load(self.shortest(path), anywhere=self.config.outside_files)
        self._suites[path] = suite
        if complaints := list(session.same_names(self._suites.values())):
            raise SuiteError(complaints)
        return session.plan_of([suite], self.selection, self.config)

    @property
    def records(self) -> bool:
        return bool(self.option("record-mode") != "none")

    def look(self) -> None:
        """Where this records: see what an earlier recording left, before whoever has custody folds it."""
        from harness.errors import HarnessError

        if self.records:
            with suppress(HarnessError):  # the first trial says it
                _ = self._opened

    def folders_of(self, ids: Iterable[str]) -> set[Path]:
        """Where the suites among these items keep their cassettes."""
        from harness.run.session import is_suite

        files = {self.pytest.rootpath / node.partition("::")[0] for node in ids}
        return {folder for file in sorted(files) if is_suite(file) for folder in self.plan(file).trials.folders()}

    def play(self, trial: Trial) -> Row:
        """Raises CeilingReached where the trial is too dear, UsageError where nobody knows how dear it is, CannotWrite where
        the answer cannot be recorded."""
        from harness.run.play import Stop, pay_and_play

        judge, transport, run = self._opened
        try:
            row: Row = judge.row(run(pay_and_play(trial, transport, self.config, self._purse)))
        except Stop:
            assert self._purse is not None
            self._purse.check()
            raise
        return row

    @cached_property
    def _purse(self) -> Budget | None:
        """What this process may spend; None where nothing bounds it, or nothing is asked live."""
        mode, live = self.option("record-mode"), self.option("live")
        if self.config.max_cost is None or not self.asks:
            return None
        from harness.run.budget import Budget
        from harness.run.estimate import Estimates

        workers = getattr(self.pytest, "workerinput", {}).get("workercount", 1)
        return Budget(self.config.max_cost, Estimates(self.config, mode, live=live), workers)

    @cached_property
    def _opened(self) -> Any:
        """(how results are taken, the transport, what runs a coroutine); open until the session ends."""
        from harness.run import session
        from harness.run.play import finish

        judge = session.Judge(self.config, self.option("strict"), self.option("skip-missing"))
        opened = session.transport(
            self.config,
            self.option("record-mode"),
            live=self.option("live"),
            partial=True,
            folders=lambda: self.folders,
            worker=getattr(self.pytest, "workerinput", {}).get("workerid", ""),
        )
        heard: Any = self._exit.enter_context(opened)
        transport: Any = judge.watch(self._purse.watch(heard) if self._purse else heard)
        if not getattr(transport, "live", False):
            return judge, transport, finish
        from harness.run.concurrency import Stage

        return judge, transport, self._exit.enter_context(Stage(transport)).run

    def tolerate(self, item: TrialItem) -> str | None:
        """Why this failing attempt does not fail its group, or not yet; None where it does."""
        needed = item.trial.require.at_least
        if needed is None or needed >= item.attempts:
            return None
        self._failed[item.trial.group] += 1
        if self._failed[item.trial.group] > item.attempts - needed:
            return None
        return f"tolerated: {needed} of {item.attempts} attempts must pass" if needed else "observed only"

    def close(self) -> None:
        self._exit.close()


_ASKING = pytest.StashKey[_Asking]()


# --- telling ------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """The report of how a trial ended carries its row: that is how workers tell the controller."""
    report = yield
    if isinstance(item, TrialItem) and _is_last(item, report):
        from harness.results.rows import dumps

        planned = item.config.stash[_ASKING].planned
        told: TrialReport = {"row": item.row or _skipped(item.trial), "planned": planned, **item.about}
        report.harness = dumps(item.config.stash[_ASKING].leaks.hidden(told))
    return report


def _is_last(item: TrialItem, report: pytest.TestReport) -> bool:
    """Whether this is how the trial ended: its call, or a setup that did not lead to one."""
    if report.when == "setup":
        return report.skipped or (report.failed and item.row is not None)
    return report.when == "call"


def _skipped(trial: Trial) -> Row:
    from harness.model import Result
    from harness.results.rows import result_json

    return result_json(Result(trial, "skipped"))


class _Run:
    """On the controller: writes the run, and judges it by groups when all of it is there."""

    def __init__(self, asking: _Asking) -> None:
        self._asking = asking
        self._writer: RunWriter | None = None
        self._summary: Summary | None = None
        self._unsaved: str | None = None
        self._run: RunRow | None = None
        self._suites: dict[str, SuiteRow] = {}
        self._gates: list[GateRow] = []
        self._notes: dict[str, None] = {}
        self._warned: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = vars(report).pop("harness", None)  # pytest keeps every report until the end
        if told is not None:
            import json

            self._take(json.loads(told))

    def warn(self, targets: Iterable[Target]) -> None:
        """Of providers that would be sent their key as it should not be: before the first call, or as soon as a worker has asked them."""
        fresh = {target.provider: target for target in targets if target.provider not in self._warned}
        self._warned.update(fresh)
        reporter = self._asking.reporter
        if not fresh or reporter is None or not self._asking.asks:
            return
        from harness.run.session import hazards

        for line in hazards(fresh.values(), self._asking.config):
            reporter.write_line(line, yellow=True)

    def _take(self, told: TrialReport) -> None:
        self.warn(_targets_of(told))
        if self._run is None or self._summary is None:
            from harness.results.summary import Summary

            _end_by_sigterm(self._asking.pytest)
            self._run, self._summary = self._begin(told["planned"]), Summary()
        self._suites[told["suite"]["suite"]] = told["suite"]
        self._notes.update(dict.fromkeys(told["notes"]))
        self._summary.add(told["row"])
        if self._unsaved is None:
            with self._saving():
                self._writer = self._writer or self._open(self._run)
                self._writer.append(told["row"])
        if self._unsaved is not None and (self._asking.records or self._asking.option("live")):
            pytest.exit(self._unsaved, returncode=pytest.ExitCode.TESTS_FAILED)  # nothing more is asked

    def _open(self, run: RunRow) -> RunWriter:
        from harness.results.store import RunWriter

        return RunWriter(self._asking.config.reports, run)

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """What cannot be saved is told at the end, and fails the session."""
        from harness.errors import RunError

        try:
            yield
        except RunError as error:
            self._unsaved = str(error)

    def _begin(self, planned: int) -> RunRow:
        from harness.results.store import run_row
        from harness.run import session

        mode = session.mode_of(self._asking.option("record-mode"), live=self._asking.option("live"))
        selection = session.selection_row(self._asking.selected())
        config = self._asking.config
        row = run_row(record_mode=mode, front="pytest", selection=selection, prices=config.price_source)
        header: RunRow = self._asking.leaks.hidden({**row, "planned": planned})
        return header

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._run is None or self._summary is None:
            return
        suites, notes = list(self._suites.values()), list(self._notes)
        self._gates = self._run["gates"] = self._answered({**self._run, "suites": suites}, self._summary)
        if self._writer is not None and self._unsaved is None:
            interrupted = session.exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
            with self._saving():
                self._writer.close(self._summary, interrupted=interrupted, suites=suites, notes=notes)
        code = self._summary.exit_code()
        wrong = code == 1 or self._unsaved or any(map(_stops, self._gates))
        if session.exitstatus == pytest.ExitCode.OK and wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if session.exitstatus == pytest.ExitCode.OK and code == 5 and session.testscollected == self._summary.trials:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def _answered(self, run: RunRow, summary: Summary) -> list[GateRow]:
        """The budgets of the suites, which are held to them as by ``run``."""
        if not any("gate" in suite for suite in run["suites"]):
            return []
        from harness.compare.gates import evaluate_run

        return evaluate_run((), run, summary)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._run is None or self._summary is None:
            return
        from harness.report import words

        def say(line: str, **paint: bool) -> None:
            terminalreporter.write_line(_shown(line), **paint)

        terminalreporter.section("gemini-harness")
        for group in self._summary.groups.values():
            if group.status == "failed":
                say(f"FAIL {group.id}: {': '.join(filter(None, [words.needs(group), words.why(group)]))}", red=True)
        for note in self._notes:
            say(f"note: {note}")
        wrong = [gate for gate in self._gates if _stops(gate)]
        for line in words.gates(wrong):
            say(line, red=True)
        for line in words.gates([gate for gate in self._gates if gate not in wrong]):
            say(line)
        say(words.provenance(self._summary))
        if cost := words.cost(self._summary, self._run.get("prices")):
            say(cost)
        if self._unsaved is not None:
            say(self._unsaved, red=True)
        tables = f"; tables: gemini-harness report {self._writer.run['id']}" if self._writer else ""
        say(f"{words.totals(self._summary.totals())} (of groups){tables}")


def _targets_of(told: TrialReport) -> list[Target]:
    from harness.model import Target

    provider, _, model = told["row"]["target"].partition("/")
    return [Target(provider, model)]


class _Recording:
    """Where cassettes are recorded, by this process or its workers: has custody of them from before the first is asked for,
    and folds them once all workers are gone."""

    def __init__(self, asking: _Asking) -> None:
        self._asking = asking
        self._lock: RecordingLock | None = None
        self._workers = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        self._workers = len(specs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Called for one worker after the other; xdist gives out the first trial after the last of them."""
        self._workers -= 1
        if self._workers == 0:
            self._take(self._asking.folders_of(ids))

    def pytest_collection_finish(self) -> None:
        """Not on the controller of workers, which collects nothing itself."""
        if self._asking.folders:
            self._take(self._asking.folders)

    def _take(self, folders: Iterable[Path]) -> None:
        from harness.errors import CannotWrite
        from harness.transport.journal import RecordingLock

        self._lock = RecordingLock()
        try:
            self._lock.take(folders, self._say)
        except CannotWrite as fault:
            raise pytest.UsageError(str(fault)) from None

    def _say(self, line: str) -> None:
        reporter = self._asking.pytest.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(f"\n{line}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        from harness.errors import CannotWrite

        if self._lock is None:
            return
        try:
            self._lock.fold()
        except CannotWrite as fault:
            self._say(_shown(_plainly(fault)))
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._lock.close()


def _stops(gate: GateRow) -> bool:
    """Whether a gate fails the session: crossed, or nobody can tell."""
    return gate["asked"] and gate["crossed"] is not False


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Every process lets go of the network."""
    asking = session.config.stash.get(_ASKING, None)
    if asking is not None:
        asking.close()
