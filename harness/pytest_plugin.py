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
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.config import Config
    from harness.model import Trial
    from harness.rows import Row, SuiteRow
    from harness.store import RunWriter
    from harness.suite import Suite
    from harness.summary import Summary

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
    add("--harness-skip-missing", action="store_true", help="skip what was not recorded, instead of an error")
    add("--harness-strict", action="store_true", help="warnings fail too")
    add("--harness-reports", metavar="DIR", help="where the run is saved (default: reports/)")
    add("--harness-cassettes", metavar="DIR", help="where cassettes are kept")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--harness-live") and config.getoption("--harness-record-mode") != "none":
        raise pytest.UsageError("say --harness-live (no cassette is touched) or --harness-record-mode, not both")
    if config.getoption("--harness-record-mode") != "none" and config.getoption("dist", "no") not in (
        "no",
        "loadgroup",
    ):
        raise pytest.UsageError("recording in several processes needs --dist loadgroup: a cassette has one writer")
    asking = config.stash[_ASKING] = _Asking(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Run(asking), "gemini-harness-run")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    asking = parent.config.stash[_ASKING]
    if not (parent.session.isinitpath(file_path) or asking.config.suites.resolve() in file_path.resolve().parents):
        return None
    from harness.session import is_suite

    return SuiteFile.from_parent(parent, path=file_path) if is_suite(file_path) else None


# --- items --------------------------------------------------------------------------------------------


class SuiteFile(pytest.File):
    """One suite."""

    def collect(self) -> Iterator[TrialItem]:
        from harness.errors import HarnessError
        from harness.leaks import Leaks, known
        from harness.session import suite_row_of

        asking = self.config.stash[_ASKING]
        try:
            suite = asking.load(self.path)
            trials = asking.expand(suite)
        except HarnessError as error:
            raise self.CollectError(Leaks(known(os.environ)).hidden(str(error))) from None
        about = suite_row_of(suite)
        attempts = Counter(trial.group for trial in trials)
        for tag in dict.fromkeys(tag for trial in trials for tag in trial.tags):
            self.config.addinivalue_line("markers", f"{tag}: a tag of a suite")
        for trial in trials:
            name = trial.id.removeprefix(f"{trial.suite}/")
            yield TrialItem.from_parent(self, name=name, trial=trial, suite=about, attempts=attempts[trial.group])


class TrialItem(pytest.Item):
    """One trial: asked in setup, judged in the call."""

    def __init__(self, *, trial: Trial, suite: SuiteRow, attempts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trial = trial
        self.suite = suite
        self.attempts = attempts
        self.row: Row | None = None
        for tag in trial.tags:
            self.add_marker(tag)
        if trial.skip is not None:
            self.add_marker(pytest.mark.skip(reason=trial.skip))
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(name=str(trial.cassette)))
        self.extra_keyword_matches.update({trial.suite, trial.case, str(trial.target)})

    def setup(self) -> None:
        self.row = self.config.stash[_ASKING].play(self.trial)
        if self.row["status"] == "skipped":
            pytest.skip(self.row["skip"] or "")
        if self.row["status"] == "error":
            pytest.fail(_unjudged(self.row), pytrace=False)

    def runtest(self) -> None:
        row = self.row
        assert row is not None
        if row["status"] == "xfailed":
            pytest.xfail(row["xfail"] or "")
        if row["status"] == "xpassed":
            pytest.fail(f"{_place(row)}\n{row['id']}: was expected to fail ({row['xfail']}) but did not", pytrace=False)
        if row["status"] == "failed":
            tolerated = self.config.stash[_ASKING].tolerate(self)
            if tolerated:
                pytest.xfail(tolerated)
            pytest.fail(_mismatches(row), pytrace=False)

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        return self.path, self.trial.place.line - 1, self.trial.id


def _place(row: Row) -> str:
    return f"{row['place']['file']}:{row['place']['line']}"


def _unjudged(row: Row) -> str:
    error = row["error"]
    assert error is not None
    lines = [_place(row), *_source(row["place"]["file"], row["place"]["line"]), row["id"], error["message"]]
    return "\n".join([*lines, *([error["traceback"]] if error["traceback"] else [])])


def _mismatches(row: Row) -> str:
    """Every mismatch of the attempt: the line that asked for it, expected, actual."""
    from harness.render import words

    lines = [row["id"]]
    for verdict in row["verdicts"]:
        if verdict["status"] != "failed":
            continue
        where = verdict.get("place", row["place"])
        at = f"  {verdict['at']}" if verdict["at"] and verdict["at"] != verdict["check"] else ""
        warning = " (warning)" if verdict["severity"] == "warn" else ""
        said, expected, actual = words.wanted_and_got(verdict, 1000)
        lines += ["", f"{words.place(where)}: {verdict['check']}{warning}{words.printable(at)}"]
        lines += _source(where["file"], where["line"])
        lines += [f"  {said}"] if said else []
        lines += [f"  expected  {expected}", f"  actual    {actual}"] if expected or actual else []
    return "\n".join(lines)


def _source(file: str, line: int) -> list[str]:
    import linecache

    text = linecache.getline(file, line).rstrip()
    return [f"{line:6} | {text}"] if text else []


# --- asking -------------------------------------------------------------------------------------------


class _Asking:
    """What the items of one process share. Everything is made when it is first needed."""

    def __init__(self, config: pytest.Config) -> None:
        self._pytest = config
        self._exit = ExitStack()
        self._failed: Counter[str] = Counter()

    @cached_property
    def config(self) -> Config:
        from dataclasses import replace

        from harness.config import load

        settings = load(self._pytest.rootpath)
        said = {name: self.option(name) for name in ("cassettes", "reports")}
        here = self._pytest.invocation_params.dir
        return replace(settings, **{name: here / path for name, path in said.items() if path})

    def option(self, name: str) -> Any:
        return self._pytest.getoption(f"--harness-{name}")

    def load(self, path: Path) -> Suite:
        """The suite at that path, called by the name that is shortest from here."""
        from harness.suite import load

        here = self._pytest.invocation_params.dir
        return load(path.relative_to(here) if path.is_relative_to(here) and here == Path.cwd() else path)

    def expand(self, suite: Suite) -> Sequence[Trial]:
        from harness.matrix import Selection, expand
        from harness.session import targets

        selection = Selection(
            targets=targets(self.option("target")),
            providers=self.option("provider"),
            models=self.option("model"),
            repeat=self.option("repeat"),
            default_provider=self.config.provider,
            cassettes_dir=self.config.cassettes,
        )
        return list(expand(suite, selection))

    def play(self, trial: Trial) -> Row:
        from harness.play import play

        judge, transport, run = self._opened
        row: Row = judge.row(run(play(trial, transport, self.config)))
        return row

    @cached_property
    def _opened(self) -> Any:
        """(how results are taken, the transport, what runs a coroutine); open until the session ends."""
        from harness import session
        from harness.play import finish

        judge = session.Judge(self.config, self.option("strict"), self.option("skip-missing"))
        opened = session.transport(self.config, self.option("record-mode"), live=self.option("live"), partial=True)
        transport: Any = judge.watch(self._exit.enter_context(opened))
        if not getattr(transport, "live", False):
            return judge, transport, finish
        from harness.inflight import Stage

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
        """Write what was recorded. Raises what the recorder raises."""
        self._exit.close()


_ASKING = pytest.StashKey[_Asking]()


# --- telling ------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """The report of how a trial ended carries its row: that is how workers tell the controller."""
    report = yield
    if isinstance(item, TrialItem) and _is_last(item, report):
        from harness.rows import dumps

        report.harness = dumps({"row": item.row or _skipped(item.trial), "suite": item.suite})
    return report


def _is_last(item: TrialItem, report: pytest.TestReport) -> bool:
    """Whether this is how the trial ended: its call, or a setup that did not lead to one."""
    if report.when == "setup":
        return report.skipped or (report.failed and item.row is not None)
    return report.when == "call"


def _skipped(trial: Trial) -> Row:
    from harness.model import Result
    from harness.rows import result_json

    return result_json(Result(trial, "skipped"))


class _Run:
    """On the controller: writes the run, and judges it by groups when all of it is there."""

    def __init__(self, asking: _Asking) -> None:
        self._asking = asking
        self._writer: RunWriter | None = None
        self._summary: Summary | None = None
        self._suites: dict[str, SuiteRow] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told = getattr(report, "harness", None)
        if told is not None:
            import json

            value = json.loads(told)
            self._take(value["row"], value["suite"])

    def _take(self, row: Row, suite: SuiteRow) -> None:
        if self._writer is None or self._summary is None:
            from harness.summary import Summary

            self._writer, self._summary = self._begin(), Summary()
        self._suites[suite["suite"]] = suite
        self._writer.append(row)
        self._summary.add(row)

    def _begin(self) -> RunWriter:
        from harness import session
        from harness.store import RunWriter, run_row

        mode = session.mode_of(self._asking.option("record-mode"), live=self._asking.option("live"))
        return RunWriter(self._asking.config.reports, run_row(record_mode=mode, front="pytest"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._writer is None or self._summary is None:
            return
        interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
        self._writer.close(self._summary, interrupted=interrupted, suites=list(self._suites.values()))
        code = self._summary.exit_code()
        if session.exitstatus == pytest.ExitCode.OK and code == 1:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if session.exitstatus == pytest.ExitCode.OK and code == 5 and session.testscollected == self._summary.trials:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._writer is None or self._summary is None:
            return
        from harness.render import words

        say = terminalreporter.write_line
        terminalreporter.section("gemini-harness")
        for group in self._summary.groups.values():
            if group.status == "failed":
                say(f"FAIL {group.id}: {': '.join(filter(None, [words.needs(group), words.why(group)]))}", red=True)
        say(words.provenance(self._summary))
        say(
            f"{words.totals(self._summary.totals())} (of groups); tables: gemini-harness report {self._writer.run['id']}"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Every process writes what it recorded."""
    from harness.errors import HarnessError

    asking = session.config.stash.get(_ASKING, None)
    try:
        if asking is not None:
            asking.close()
    except HarnessError as error:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(f"\n{error}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
