"""``pytest suites/``: every trial of a suite is a test item. Public pytest API only.

It collects YAML files with a top-level ``suite:`` key in the configured suites folder, or named on the command line. The
setup of an item sends the requests, and its call judges the answers. So a trial that cannot be asked or judged is pytest's
*error*, and one that the provider did not pass is *failed*. If a case tolerates failing attempts (``require: 4/5``), those
within the tolerance are *xfailed*, and the next one fails. The verdict that counts is that of the group: at the end of the
session the run of all workers is judged by groups, unary and stream are compared, and a failure there fails the session.

Every pytest run of the environment loads this file, so it imports nothing of its own package until it finds a suite.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from argparse import Namespace
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.config import Config
    from harness.model import Target, Trial
    from harness.results.rows import GateRow, Row, RunRow, SuiteRow
    from harness.results.store import RunWriter
    from harness.results.summary import Summary
    from harness.run.budget import Budget
    from harness.run.listening import Listener
    from harness.run.session import Plan, RecordPolicy
    from harness.suite.cases import Suite
    from harness.suite.matrix import Selection
    from harness.transport.journal import RecordingLock
    from harness.transport.redaction import Leaks


RECORD_MODES = ("none", "once", "new_episodes", "all", "stale")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gemini-harness", "Gemini suites (YAML files with a top-level suite: key)")
    add = group.addoption
    add(
        "--harness-record-mode",
        metavar="MODE",
        choices=RECORD_MODES,
        default="none",
        help=f"{', '.join(RECORD_MODES)}: as --record-mode of `gemini-harness run` (default: none, replay only)",
    )
    add("--harness-live", action="store_true", help="send every request; read and write no cassette")
    add(
        "--harness-target",
        metavar="PROVIDER/MODEL",
        action="append",
        default=[],
        help="run on this target instead of the suites' own (repeatable)",
    )
    add(
        "--harness-provider",
        metavar="NAME",
        action="append",
        default=[],
        help="run at this provider instead of the suites' own (repeatable)",
    )
    add(
        "--harness-model",
        metavar="ID",
        action="append",
        default=[],
        help="run on this model instead of the suites' own (repeatable)",
    )
    add("--harness-repeat", metavar="N", type=int, help="attempts at each case, instead of the suites' number")
    add("--harness-shard", metavar="I/N", help="only the I-th of N parts, to split a run over machines")
    add(
        "--harness-max-cost",
        metavar="USD",
        type=float,
        help="spend at most this on live answers; workers of xdist share it equally",
    )
    add("--harness-skip-missing", action="store_true", help="skip trials without a recording, instead of an error")
    add("--harness-strict", action="store_true", help="count warnings as failures")
    add("--harness-reports", metavar="DIR", help="the folder of saved runs (default: reports/)")
    add("--harness-cassettes", metavar="DIR", help="the folder of cassettes (default: cassettes/)")
    add("--harness-allow-outside-files", action="store_true", help="let suites read files outside of their project")
    add(
        "--harness-var",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="the value of ${var.NAME} in suites, read as in YAML (repeatable)",
    )


def pytest_load_initial_conftests(early_config: pytest.Config, args: Sequence[str]) -> None:
    """Says what ``-n`` needs, where pytest would only say that it does not know it."""
    wants = any(arg.startswith("--numprocesses") or re.fullmatch(r"-n(\d+|auto|logical)?", arg) for arg in args)
    if wants and not early_config.pluginmanager.hasplugin("xdist"):
        raise pytest.UsageError("-n needs pytest-xdist, which is not here: pip install 'gemini-harness[xdist]'")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--harness-live") and config.getoption("--harness-record-mode") != "none":
        raise pytest.UsageError("give either --harness-live (it uses no cassette) or --harness-record-mode, not both")
    if not (config.getoption("--harness-max-cost") is None or config.getoption("--harness-max-cost") > 0):
        raise pytest.UsageError("--harness-max-cost: expected dollars above 0")
    trials_session = config.stash[_SESSION] = _TrialSession(config)
    _ = trials_session.shard  # reports a faulty shard first
    if trials_session.option("target") or trials_session.option("var"):
        with _refusing():
            _ = trials_session.selection
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Run(trials_session), "gemini-harness-run")
        if config.getoption("--harness-record-mode") != "none":
            config.pluginmanager.register(_Recording(trials_session), "gemini-harness-recording")


@pytest.fixture
def gemini_harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """Judges the answers that the test's own clients get from Gemini (google-genai, httpx), as they come.

    The test fails if an answer breaks an invariant or what ``gemini_harness.expect({...})`` wants of it, and if there was no
    answer. ``gemini_harness.answers`` are the answers, ``gemini_harness.record(PATH)`` writes them to a cassette.
    """
    from harness.run.listening import Listener

    listener = Listener()
    listener.install(monkeypatch.setattr)
    yield listener
    listener.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test whose fixture ``gemini_harness`` saw a faulty answer. Where the test fails by itself, a section of its report says
    what its answers break."""
    listener: Listener | None = getattr(item, "funcargs", {}).get("gemini_harness")
    if listener is None:
        return (yield)
    try:
        outcome = yield
    except BaseException:
        if failures := _plainly("\n".join(listener.failures())):
            item.add_report_section("call", "gemini-harness", _shown(failures))
        raise
    if wrong := listener.complaint():
        pytest.fail(_shown(_plainly(wrong)), pytrace=False)
    return outcome


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    from harness.errors import UsageError

    try:
        suites = parent.config.stash[_SESSION].config.suites.resolve()
    except UsageError as error:
        raise parent.CollectError(_plainly(error)) from None
    if not (parent.session.isinitpath(file_path) or suites in file_path.resolve().parents):
        parent.config.stash[_SESSION].elsewhere.append(file_path)
        return None
    from harness.run.session import is_suite

    return SuiteFile.from_parent(parent, path=file_path) if is_suite(file_path) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep this shard's part: cases and their rows are distributed in turn, so that the attempts at one stay together."""
    shard = config.stash[_SESSION].shard
    if shard is None:
        return
    cases: dict[object, int] = {}
    mine: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        case = (item.path, item.trial.place, item.trial.row) if isinstance(item, TrialItem) else None
        number = cases.setdefault(case, len(cases)) if case else shard[0] - 1
        (mine if number % shard[1] == shard[0] - 1 else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = mine


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note all trials of the session, also those that -x, --maxfail or Ctrl-C will skip."""
    trials_session = session.config.stash[_SESSION]
    trials = [item.trial for item in session.items if isinstance(item, TrialItem)]
    trials_session.planned = len(trials)
    trials_session.folders = {(trial.own or trial.cassette).parent for trial in trials}
    if trials_session.reporter and not session.items:
        from harness.run.session import is_suite

        for folder in {trials_session.shortest(path.parent) for path in trials_session.elsewhere if is_suite(path)}:
            trials_session.reporter.write_line(
                f'{folder}/ has suites that are not collected: name files (pytest {folder}/*.yaml), or put suites = "{folder}" into harness.toml'
            )
    run = session.config.pluginmanager.get_plugin("gemini-harness-run")
    alone = 0 < len(trials) == len(session.items) and not session.config.option.collectonly
    if run is not None and alone:  # other tests would not need the key
        trials_session.check_keys(trials)
    if trials:
        _end_by_sigterm(session.config)
        trials_session.note_interrupted()
        if run is not None:
            run.warn(trial.target for trial in trials)


def _end_by_sigterm(config: pytest.Config) -> None:
    """End the session on SIGTERM as on Ctrl-C, unless another handler is set."""
    from harness.cli.main import as_ctrl_c

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, as_ctrl_c)
        config.add_cleanup(partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))  # type: ignore[arg-type]


# --- items --------------------------------------------------------------------------------------------


class SuiteFile(pytest.File):
    """One suite."""

    def collect(self) -> Iterator[TrialItem]:
        from harness.errors import HarnessError

        trials_session = self.config.stash[_SESSION]
        try:
            plan = trials_session.plan(self.path)
            trials = list(plan.trials)
            about = {"suite": plan.suite_row(plan.suites[0]), "notes": plan.notes}
        except HarnessError as error:
            raise self.CollectError(_shown(_plainly(error))) from None
        attempts = Counter(trial.group for trial in trials)
        for tag in dict.fromkeys(tag for trial in trials for tag in trial.tags):
            self.config.addinivalue_line("markers", f"{tag}: a tag of a suite")
        for trial in trials:
            name = trials_session.name_of(trial)
            yield TrialItem.from_parent(self, name=name, trial=trial, about=about, attempts=attempts[trial.group])


class TrialItem(pytest.Item):
    """One trial: sent in its setup, judged in its call. ``about``: the row of its suite, and notes about what was left out of that."""

    def __init__(self, *, trial: Trial, about: dict[str, Any], attempts: int, **kwargs: Any) -> None:
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
        return self.config.stash[_SESSION].leaks

    def setup(self) -> None:
        from harness.errors import CannotWrite, CeilingReached, UsageError

        refused = None
        try:
            self.row = self.config.stash[_SESSION].play(self.trial)
        except (CannotWrite, CeilingReached, UsageError) as fault:
            refused = _shown(f"not played: {fault}")
            if isinstance(fault, CannotWrite):
                self.session.shouldstop = "answers cannot be recorded"
        if self.row is None:  # outside of the except block, so that pytest does not report both exceptions
            pytest.fail(self._leaks.hidden(refused or ""), pytrace=False)
        if self.row.status == "skipped":
            pytest.skip(_shown(self.row.skip or ""))
        if self.row.status == "error":
            pytest.fail(self._leaks.hidden(_unjudged(self.row)), pytrace=False)

    def runtest(self) -> None:
        row = self.row
        assert row is not None
        if row.status == "xfailed":
            pytest.xfail(_shown(row.xfail or ""))
        if row.status == "xpassed":
            unexpected = f"{row.place.file}:{row.place.line}\n{row.id}: was expected to fail ({row.xfail}) but did not"
            pytest.fail(_shown(unexpected), pytrace=False)
        if row.status == "failed":
            tolerated = self.config.stash[_SESSION].tolerate(self)
            if tolerated:
                pytest.xfail(tolerated)
            pytest.fail(self._leaks.hidden(_mismatches(row, whole=self.config.get_verbosity() > 0)), pytrace=False)

    def teardown(self) -> None:
        self.row = None

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        return self.path, self.trial.place.line - 1, _shown(self._leaks.hidden(self.trial.id))


@contextmanager
def _refusing() -> Iterator[None]:
    """Ends the session with one message where what it needs is missing or wrong."""
    from harness.errors import HarnessError

    try:
        yield
    except HarnessError as error:
        named = re.sub(r"(?<!\S)--(?=(shard|target|var)\b)", "--harness-", _plainly(error))
        raise pytest.UsageError(named) from None


def _plainly(error: Exception | str) -> str:
    """The message, without secrets."""
    from harness.cli import streams

    return streams.without_secrets(str(error))


def _shown(text: str) -> str:
    """Text of others without the control codes of terminals and the commands of GitHub's log."""
    from harness.text.terminal import safe_for_display

    return safe_for_display(text)


def _unjudged(row: Row) -> str:
    from harness.report import words

    error = row.error
    assert error is not None
    lines = [words.printable(error.message), words.place(row.place), *_source(row.place.file, row.place.line)]
    return _shown("\n".join([*lines, *([error.traceback] if error.traceback else [])]))


def _mismatches(row: Row, *, whole: bool) -> str:
    """The first mismatch in a line, which pytest repeats in its summary; then every mismatch of the attempt: the line of its
    check, expected, actual; then the answer, in full if ``whole``."""
    from harness.report import View, words
    from harness.report.content.failure import lines
    from harness.results.groups import first_failure

    mismatches = lines(row, None if whole else View().answer, lambda place: _source(place.file, place.line))
    first = first_failure(row)
    reason = words.one_line(words.reason(first), 200) if first else ""
    return _shown("\n".join([reason, "", *mismatches]))


def _source(file: str, line: int) -> list[str]:
    import linecache

    text = linecache.getline(file, line).rstrip()
    return [f"{line:6} | {text}"] if text else []


# --- playing trials -------------------------------------------------------------------------------------------


class _TrialSession:
    """What the items of one process share. Everything is created when it is first needed."""

    def __init__(self, config: pytest.Config) -> None:
        self.pytest = config
        self.resources = ExitStack()
        self._failed: Counter[str] = Counter()
        self._suites: dict[Path, Suite] = {}
        self.elsewhere: list[Path] = []
        """YAML files that were not collected: they are in no suites folder, and not named."""
        self.planned = 0
        """The number of trials of the session, and the folders of their cassettes; known after the collection."""
        self.folders: set[Path] = set()

    @cached_property
    def _options(self) -> Namespace:
        """The options as the command line has them. Words, tags and shards are left to pytest."""
        here = self.shortest(self.pytest.invocation_params.dir)
        alike = ("target", "provider", "model", "repeat", "max-cost", "allow-outside-files", "var")
        given = {name.replace("-", "_"): self.option(name) for name in alike}
        folders = {name: path and str(here / path) for name in ("cassettes", "reports") for path in [self.option(name)]}
        return Namespace(**given, **folders)

    @cached_property
    def config(self) -> Config:
        from harness.cli import from_options

        return from_options.config(self._options, self.shortest(self.pytest.rootpath))

    @cached_property
    def policy(self) -> RecordPolicy:
        from harness.run.session import RecordPolicy

        return RecordPolicy(self.option("record-mode"), self.option("live"))

    @cached_property
    def leaks(self) -> Leaks:
        from harness.transport.redaction import Leaks, known

        return Leaks(known(os.environ, self.config.providers))

    def shortest(self, path: Path) -> Path:
        """The path as the command line would show it: relative to the folder in which pytest was started."""
        here = self.pytest.invocation_params.dir
        return path.relative_to(here) if here == Path.cwd() and path.is_relative_to(here) else path

    def option(self, name: str) -> Any:
        return self.pytest.getoption(f"--harness-{name}")

    @property
    def reporter(self) -> Any:
        return self.pytest.pluginmanager.get_plugin("terminalreporter")

    @cached_property
    def selection(self) -> Selection:
        from harness.cli import from_options

        return from_options.selection(self._options, self.config)

    @cached_property
    def shard(self) -> tuple[int, int] | None:
        if self.option("shard") is None:
            return None
        from harness.run.session import shard

        with _refusing():
            return shard(self.option("shard"))

    def selected(self) -> Selection:
        """The selection of the run, with ``-k`` and ``-m`` of pytest."""
        from msgspec.structs import replace

        words, marks = self.pytest.getoption("keyword"), self.pytest.getoption("markexpr")
        tags = [marks] if marks else []
        return replace(self.selection, keywords=words or "", tags=tags, shard=self.shard)

    def plan(self, path: Path) -> Plan:
        """The plan of the suite at this path."""
        from harness.errors import SuiteError
        from harness.run import session
        from harness.suite.parse import load

        suite = load(self.shortest(path), anywhere=self.config.outside_files, variables=self.config.variables)
        self._suites[path] = suite
        if complaints := list(session.same_names(self._suites.values())):
            raise SuiteError(complaints)
        return session.plan_of([suite], self.selection, self.config)

    @property
    def records(self) -> bool:
        return bool(self.option("record-mode") != "none")

    def note_interrupted(self) -> None:
        """When recording: note what an interrupted recording left, before the holder of the lock folds it."""
        from harness.errors import HarnessError

        if self.records:
            with suppress(HarnessError):  # the first trial reports it
                _ = self._opened

    def trials_of(self, ids: Iterable[str]) -> list[Trial]:
        """The trials among these items of workers."""
        from harness.run.session import is_suite

        names = {(self.pytest.rootpath / file, name) for file, _, name in (node.partition("::") for node in ids)}
        files = sorted({file for file, _ in names if is_suite(file)})
        return [trial for file in files for trial in self.plan(file).trials if (file, self.name_of(trial)) in names]

    def name_of(self, trial: Trial) -> str:
        """The name of its item."""
        return _shown(self.leaks.hidden(trial.id)).removeprefix(f"{trial.suite}/")

    def check_keys(self, trials: Sequence[Trial]) -> None:
        """End the session with one message if these trials ask a provider without a key."""
        from harness.cli import costs

        if trials and self.policy.asks:
            with _refusing():
                costs.check_keys(self.config, trials, list({trial.target: None for trial in trials}), self.policy)

    def play(self, trial: Trial) -> Row:
        """Play a trial. Raises CeilingReached if it is too expensive, UsageError if its cost cannot be estimated, and
        CannotWrite if the answer cannot be recorded."""
        from harness.run.play import Stop, pay_and_play

        judge, transport, run = self._opened
        try:
            row: Row = judge.row(run(pay_and_play(trial, transport, self.config, self._budget)))
        except Stop:
            assert self._budget is not None
            self._budget.check()
            raise
        return row

    @cached_property
    def _budget(self) -> Budget | None:
        """What this process may spend; None if there is no ceiling, or if no request is sent."""
        from harness.run import session

        workers = getattr(self.pytest, "workerinput", {}).get("workercount", 1)
        return session.budget(self.config, self.policy, workers=workers)

    @cached_property
    def _opened(self) -> Any:
        """(judge, transport, function that runs a coroutine); open until the session ends."""
        from harness.run import session
        from harness.run.play import finish
        from harness.transport.recorder import Coworker

        judge = session.Judge(self.config, self.option("strict"), self.option("skip-missing"))
        opened = session.transport(
            self.config,
            self.policy,
            partial=True,
            folders=lambda: self.folders,
            worker=Coworker(getattr(self.pytest, "workerinput", {}).get("workerid", "")),
        )
        entered: Any = self.resources.enter_context(opened)
        transport: Any = self._budget.watch(entered) if self._budget else entered
        if not getattr(transport, "live", False):
            return judge, transport, finish
        from harness.run.concurrency import stage

        return judge, transport, self.resources.enter_context(stage(transport)).run

    def tolerate(self, item: TrialItem) -> str | None:
        """Why this failing attempt does not fail its group (yet); None if it does."""
        needed = item.trial.require
        if needed is None or needed >= item.attempts:
            return None
        self._failed[item.trial.group] += 1
        if self._failed[item.trial.group] > item.attempts - needed:
            return None
        return f"tolerated: {needed} of {item.attempts} attempts must pass" if needed else "observed only"


_SESSION = pytest.StashKey[_TrialSession]()


# --- reports -------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Attach the row to the report of a finished trial: this is how it reaches the controller of xdist."""
    report = yield
    if isinstance(item, TrialItem) and _is_last(item, report):
        from harness.model import Result
        from harness.results.rows import dumps, plain, result_row

        planned = item.config.stash[_SESSION].planned
        row = item.row or result_row(Result(item.trial, "skipped"))
        finished = {"row": plain(row), "planned": planned, **item.about}
        report.harness = dumps(item.config.stash[_SESSION].leaks.hidden(finished))
    return report


def _is_last(item: TrialItem, report: pytest.TestReport) -> bool:
    """Whether this report ends the trial: that of its call, or of a setup without a call."""
    if report.when == "setup":
        return report.skipped or (report.failed and item.row is not None)
    return report.when == "call"


class _Run:
    """On the controller: writes the run, and judges it by groups at the end."""

    def __init__(self, trials_session: _TrialSession) -> None:
        self._session = trials_session
        self._writer: RunWriter | None = None
        self._summary: Summary | None = None
        self._unsaved: str | None = None
        self._run: RunRow | None = None
        self._suites: dict[str, SuiteRow] = {}
        self._gates: list[GateRow] = []
        self._notes: dict[str, None] = {}
        self._warned: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        finished = vars(report).pop("harness", None)  # pytest keeps every report until the end
        if finished is not None:
            import json

            self._take(json.loads(finished))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Workers collect all items, and have sent nothing yet."""
        trials = self._session.trials_of(ids) if self._session.policy.asks else []
        if len(trials) == len(ids):
            self._session.check_keys(trials)

    def warn(self, targets: Iterable[Target]) -> None:
        """Warn about providers whose key would be sent unsafely: before the first request, or, with xdist, at the first report."""
        fresh = {target.provider: target for target in targets if target.provider not in self._warned}
        self._warned.update(fresh)
        reporter = self._session.reporter
        if not fresh or reporter is None or not self._session.policy.asks:
            return
        from harness.run.session import hazards

        for line in hazards(fresh.values(), self._session.config):
            reporter.write_line(line, yellow=True)

    def _take(self, finished: dict[str, Any]) -> None:
        from msgspec import convert

        from harness.results.rows import Row
        from harness.results.store import RunWriter
        from harness.run.session import targets

        self.warn(targets([finished["row"]["target"]]))
        if self._run is None or self._summary is None:
            from harness.results.summary import Summary

            _end_by_sigterm(self._session.pytest)
            self._run, self._summary = self._begin(finished["planned"]), Summary()
        self._suites[finished["suite"]["suite"]] = finished["suite"]
        self._notes.update(dict.fromkeys(finished["notes"]))
        row = convert(finished["row"], Row)
        self._summary.add(row)
        if self._unsaved is None:
            with self._saving():
                self._writer = self._writer or RunWriter(self._session.config.reports, self._run)
                self._writer.append(row)
        if self._unsaved is not None and (self._session.records or self._session.option("live")):
            pytest.exit(self._unsaved, returncode=pytest.ExitCode.TESTS_FAILED)  # no further request is sent

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """A run that cannot be saved is reported at the end, and fails the session."""
        from harness.errors import RunError

        try:
            yield
        except RunError as error:
            self._unsaved = str(error)

    def _begin(self, planned: int) -> RunRow:
        from harness.results.store import run_row
        from harness.run import session

        mode = str(self._session.policy)
        selection = session.selection_row(self._session.selected())
        if given := self._session.option("var"):
            selection = {**selection, "var": given}
        config = self._session.config
        row = run_row(record_mode=mode, front="pytest", selection=selection, prices=config.price_source)
        header: RunRow = self._session.leaks.hidden({**row, "planned": planned})
        return header

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._run is None or self._summary is None:
            return
        from harness.run.session import gates, is_unmet

        suites, notes = list(self._suites.values()), list(self._notes)
        self._gates = self._run["gates"] = gates((), {**self._run, "suites": suites}, self._summary)
        if self._writer is not None and self._unsaved is None:
            interrupted = session.exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
            with self._saving():
                self._writer.close(self._summary, interrupted=interrupted, suites=suites, notes=notes)
        code = self._summary.exit_code()
        wrong = code == 1 or self._unsaved or any(map(is_unmet, self._gates))
        if session.exitstatus == pytest.ExitCode.OK and wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if session.exitstatus == pytest.ExitCode.OK and code == 5 and session.testscollected == self._summary.trials:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._run is None or self._summary is None:
            return
        from harness.report import words
        from harness.run.session import is_unmet

        def say(line: str, **paint: bool) -> None:
            terminalreporter.write_line(_shown(line), **paint)

        terminalreporter.section("gemini-harness")
        for group in self._summary.groups.values():
            if group.status == "failed":
                say(f"FAIL {group.id}: {': '.join(filter(None, [words.needs(group), words.why(group)]))}", red=True)
        for note in self._notes:
            say(f"note: {note}")
        for wrong in (True, False):
            for line in words.gates([gate for gate in self._gates if is_unmet(gate) is wrong]):
                say(line, red=wrong)
        say(words.provenance(self._summary))
        if cost := words.cost(self._summary, self._run.get("prices")):
            say(cost)
        if self._unsaved is not None:
            say(self._unsaved, red=True)
        tables = f"; tables: gemini-harness report {self._writer.run['id']}" if self._writer else ""
        say(f"{words.totals(self._summary.totals())} ({words.trials(self._summary)}){tables}")


class _Recording:
    """Locks the cassette folders when this process or its workers record: before the first request. Folds the journals after
    all workers have ended."""

    def __init__(self, trials_session: _TrialSession) -> None:
        self._session = trials_session
        self._lock: RecordingLock | None = None
        self._workers = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        self._workers = len(specs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Called once for each worker. xdist sends out the first trial after the last call."""
        self._workers -= 1
        if self._workers == 0:
            self._take({(trial.own or trial.cassette).parent for trial in self._session.trials_of(ids)})

    def pytest_collection_finish(self) -> None:
        """Without xdist: its controller collects no items itself."""
        if self._session.folders:
            self._take(self._session.folders)

    def _take(self, folders: Iterable[Path]) -> None:
        from harness.errors import CannotWrite
        from harness.transport.journal import RecordingLock, recovered

        self._lock = RecordingLock()
        try:
            if found := self._lock.take(folders, self._say):
                self._say(recovered(found))
        except CannotWrite as fault:
            raise pytest.UsageError(str(fault)) from None

    def _say(self, line: str) -> None:
        if self._session.reporter is not None:
            self._session.reporter.write_line(f"\n{line}")

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


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close the connections of every process."""
    trials_session = session.config.stash.get(_SESSION, None)
    if trials_session is not None:
        trials_session.resources.close()
