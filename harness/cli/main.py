"""The command line: what may be written, and which file of ``commands/`` does it.

Exit codes: 0 all passed, 1 a check failed, 2 interrupted, 3 internal error, 4 bad usage, suite or configuration, 5 nothing
ran, 6 could not ask, 7 a gate asked and nobody can tell. ``--version`` and a wrong command import nothing heavy;
every command imports its own rooms.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from harness import __version__
from harness.cli.stdout import Stdout, for_people, speak_any_language
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, _ActionsContainer, _SubParsersAction
    from types import FrameType

    from harness.report import Kind

    Commands = _SubParsersAction[ArgumentParser]

_OF_THE_USER = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""What a file may be refused for that is no fault of this program."""
_VERSION = (["--version"], ["-V"])
RECORD_MODES = ("none", "once", "new_episodes", "all", "stale")
FORMATS: dict[Kind, tuple[str, ...]] = {
    "run": ("markdown", "html", "json", "junit", "csv", "github"),
    "comparison": ("markdown", "html", "json", "csv", "github"),
    "migration": ("markdown", "html", "json", "csv", "github"),
    "sweep": ("markdown", "html", "json", "csv"),
    "history": ("markdown", "html", "json", "csv"),
    "audit": ("markdown", "json", "github"),
}
"""Of each kind of document beside its table; written here, since finding them imports them all."""
NEEDS_HELP = """\
exit codes: 0 all passed  1 a check failed or a gate was crossed  2 interrupted
            3 internal error  4 bad usage, suite or configuration  5 nothing ran
            6 could not ask  7 a gate asked and nobody can tell"""


def entry() -> NoReturn:
    """The ``gemini-harness`` command."""
    signal.signal(signal.SIGTERM, as_ctrl_c)
    with suppress(KeyboardInterrupt):  # once more, while the first was being told
        code = main(sys.argv[1:])
        if code != 2:
            sys.exit(code)
    _leave(2)


def as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Takes SIGTERM for Ctrl-C, also where Ctrl-C is ignored, as it is behind a script's ``&``."""
    interrupt = signal.getsignal(signal.SIGINT)
    (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)


def _leave(code: int) -> NoReturn:
    """At once: Ctrl-C while Python shuts down, or earlier while it imported something, would give another exit code."""
    with suppress(OSError, ValueError, KeyboardInterrupt):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say; the exit code. Prints results to stdout, everything else to stderr."""
    speak_any_language()
    if list(argv) in _VERSION:
        return _main(argv)
    from harness.cli import discreet

    with discreet.streams(), for_people():
        return _main(argv)


def _main(argv: Sequence[str]) -> int:
    code = 0
    try:
        with Stdout():
            code = _command(argv)
    except HarnessError as error:
        sys.stderr.write(f"{_without_secrets(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 2
    except OSError as error:
        if error.filename is None or error.errno not in _OF_THE_USER:
            return _internal(argv)
        sys.stderr.write(_without_secrets(f"cannot use {error.filename}: {error.strerror}\n"))
        return 4
    except Exception:  # noqa: BLE001  the last resort: say it in two lines, keep the rest in a file
        return _internal(argv)
    return code


def _command(argv: Sequence[str]) -> int:
    if list(argv) in _VERSION:
        sys.stdout.write(f"gemini-harness {__version__}\n")
        return 0
    from importlib import import_module

    options = _parser(argv).parse_args(argv)
    command = import_module(f"harness.cli.commands.{options.module}")
    code: int = command.main(options)
    return code


def _without_secrets(text: str) -> str:
    from harness.cli import discreet

    return discreet.text(text)


def _internal(argv: Sequence[str]) -> int:
    import tempfile
    import traceback

    text = _without_secrets(traceback.format_exc())
    if any(each in ("-v", "-vv", "--verbose") for each in argv):
        sys.stderr.write(text)
        return 3
    with tempfile.NamedTemporaryFile(
        "w", prefix="gemini-harness-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    last = text.strip().splitlines()[-1]
    sys.stderr.write(f"internal error: {last}\nThis is a fault of gemini-harness. The traceback is in {file.name}\n")
    return 3


# --- what may be written ------------------------------------------------------------------------------


def _parser(argv: Sequence[str]) -> ArgumentParser:
    """Of the command that is called; of all of them, which takes longer than many a command, where it is none."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    class Parser(ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{self.prog}: {message}\n(try {self.prog} --help)")

    class Leaf(Parser):
        """Options may stand between the words: ``show TRIAL --model m PATH``."""

        mixing = False

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
            if self.mixing:
                return super().parse_known_args(args, namespace)
            self.mixing = True
            return self.parse_known_intermixed_args(args, namespace)

    parser = Parser(
        prog="gemini-harness",
        description="Tests and evals for Gemini's native API: suites in, verdicts and comparison tables out.",
        epilog=NEEDS_HELP,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"gemini-harness {__version__}")
    commands: Commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Leaf)
    adders = _commands()
    for name in argv[:1] if argv and argv[0] in adders else adders:
        adders[name](commands)
    return parser


def _commands() -> dict[str, Callable[[Commands], None]]:
    """What adds each command to the parser."""
    return {
        "init": _init,
        "run": _run,
        "check": _check,
        "list": _list,
        "show": _show,
        "compare": _compare,
        "sweep": _sweep,
        "migrate": _migrate,
        "report": _report,
        "merge": _merge,
        "history": _history,
        "view": _view,
        "audit": _audit,
        "import": _import,
        "cassettes": _cassettes,
        "simulate": _simulate,
        "schema": _schema,
    }


def _add(commands: Commands, name: str, about: str, module: str | None = None) -> ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    parser.set_defaults(module=module or name)
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; all failures in full")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="say less")
    return parser


def _init(commands: Commands) -> None:
    parser = _add(commands, "init", "a suite, its cassettes and a CI workflow that go green at once")
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="where (default: here)")


def _run(commands: Commands) -> None:
    parser = _add(commands, "run", "play suites, print the comparison table, save the run")
    _suites(parser)
    _selection(parser)
    _playing(parser)
    _formats(parser)
    add = parser.add_argument
    add(
        "--gate",
        metavar="GATE",
        action="append",
        default=[],
        help="hold the run to it, beside the budgets of its suites: pass_rate.min=95%%, latency.max=2s, totalTokenCount.max=5000, cost.total=0.50; "
        "@95%% after it for confidence (repeatable)",
    )
    add("--dry-run", action="store_true", help="show what would be sent, and how many; send nothing")
    add("--no-progress", action="store_true", help="no line of progress on a terminal")
    _resume(parser, "a run")


def _resume(parser: _ActionsContainer, what: str) -> None:
    parser.add_argument(
        "--resume",
        metavar="RUN",
        nargs="?",
        const="",
        help=f"go on with {what} that was cut short (default: the last such): plays what is missing or could not be asked",
    )


def _check(commands: Commands) -> None:
    parser = _add(commands, "check", "validate suites without playing them; all problems at once")
    _suites(parser)


def _list(commands: Commands) -> None:
    parser = _add(
        commands, "list", "the trials of suites; or: checks, rules, providers, models, formats", module="listing"
    )
    _suites(parser)
    _selection(parser)


def _show(commands: Commands) -> None:
    parser = _add(commands, "show", "the exact request of a trial, where each part came from, and the curl for it")
    parser.add_argument("trial", metavar="TRIAL", help="a trial's id, or an unambiguous part of it")
    _suites(parser)
    _selection(parser, keyword=False)


def _compare(commands: Commands) -> None:
    parser = _add(
        commands, "compare", "two runs, or targets or values of an axis of one run: flips, and verdicts on measures"
    )
    parser.add_argument("base", metavar="BASE", help="a saved run: its path, its id, or last")
    parser.add_argument(
        "candidate",
        metavar="CANDIDATE",
        nargs="?",
        help="another run; without it, what the suites of BASE compare, else its targets, each with the one that has most in common with them",
    )
    parser.add_argument(
        "--target",
        metavar="PROVIDER/MODEL",
        action="append",
        default=[],
        help="targets of BASE, reference first: twice, or more often for several candidates",
    )
    parser.add_argument(
        "--axis",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="values of one axis of BASE (thinking, transport, model, provider ...), reference first: twice, or more "
        "often for several candidates; once: against the baseline of its suites",
    )
    _judging(parser)
    _formats(parser, of="comparison")


def _judging(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--margin",
        metavar="MEASURE=CHANGE",
        action="append",
        default=[],
        help="changes up to this are the same: pass_rate=5pp, latency=20%% (default: 2pp, 10%%; repeatable)",
    )
    parser.add_argument(
        "--gate",
        metavar="GATE",
        action="append",
        default=[],
        help="beside the gates of the suites: pass_rate=2pp@95%%, latency=25%%, hard=json,finishReason, "
        "latency.max=2s, pass_rate.min=95%%, cost.total=0.50 (repeatable)",
    )


def _migrate(commands: Commands) -> None:
    parser = _add(
        commands,
        "migrate",
        "an old model from its cassettes against a new one live: what changes, flips, whether to switch",
    )
    add = parser.add_argument
    add("old", metavar="OLD", nargs="?", help="provider/model, or a model of the default provider")
    add("new", metavar="NEW", nargs="?", help="the model that is to take its place")
    _suites(parser)
    group = parser.add_argument_group("which trials")
    group.add_argument("-k", metavar="EXPR", dest="keyword", help="trials whose id matches: words, and, or, not")
    group.add_argument("--tag", metavar="TAG", action="append", default=[], help="cases with this tag (repeatable)")
    group.add_argument("--repeat", metavar="N", type=_positive, help="attempts at each case, on both sides")
    group.add_argument("--cassettes", metavar="DIR", help="where cassettes are kept")
    group = parser.add_argument_group("how")
    group.add_argument("--live", action="store_true", help="ask the new model for everything (the default)")
    group.add_argument("--record-mode", metavar="MODE", choices=RECORD_MODES, help="play the new model so instead")
    group.add_argument(
        "--old-record-mode",
        metavar="MODE",
        choices=RECORD_MODES,
        default="none",
        help="of the old (default: replay only)",
    )
    group.add_argument("--concurrency", metavar="N", type=_positive, help="trials in flight")
    group.add_argument(
        "--max-cost", metavar="USD", type=_dollars, help="what may be spent on live answers, both sides together"
    )
    group.add_argument(
        "--fail-fast",
        action="store_true",
        help="stop at the first trial that the new model does not pass, and the old does",
    )
    group.add_argument("--no-progress", action="store_true", help="no line of progress on a terminal")
    _resume(group, "a migration")
    _judging(parser)
    _formats(parser, of="migration")


def _sweep(commands: Commands) -> None:
    parser = _add(
        commands, "sweep", "what each thinking level, budget or other ordered value of a run buys and costs; the knee"
    )
    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="its path, its id, or last (the default)")
    add = parser.add_argument
    add("--axis", metavar="NAME", action="append", default=[], help="this axis only, as in thinking (repeatable)")
    add("--suite", metavar="NAME", action="append", default=[], help="this suite only (repeatable)")
    add("--margin", metavar="N", default="2pp", help="a pass rate this far below the best's is as good (default: 2pp)")
    _formats(parser, of="sweep")


def _report(commands: Commands) -> None:
    parser = _add(commands, "report", "render a saved run again, in any format")
    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="its path, its id, or last (the default)")
    _formats(parser)


def _merge(commands: Commands) -> None:
    parser = _add(
        commands, "merge", "the shards of one run as one, with the totals that it would have had", module="merging"
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help="saved runs: their paths or ids")
    parser.add_argument(
        "--partial", action="store_true", help="merge what there is, though shards or trials are missing"
    )
    _formats(parser)


def _history(commands: Commands) -> None:
    parser = _add(commands, "history", "what the saved runs said over time: a line per run, suite and target")
    add = parser.add_argument
    add("--last", metavar="N", type=_positive, default=20, help="of the latest N runs (default: %(default)s)")
    add("--since", metavar="DATE", help="of runs that started then or later: 2026-11-21, or with a time (UTC)")
    add("--suite", metavar="NAME", help="of this suite")
    add("--target", metavar="TARGET", help="of this provider/model, or of this model anywhere")
    add("-k", metavar="CASE", dest="case", help="a line per run of each group of this case (or of this group's id)")
    add("--sql", metavar="SELECT", help="what a query gives: over the tables runs, lines and groups")
    add("--rebuild", action="store_true", help="forget the database, read all runs anew")
    _formats(parser, of="history")


def _view(commands: Commands) -> None:
    parser = _add(commands, "view", "the saved runs in a browser: a list, each in full, any two compared")
    parser.add_argument("--port", metavar="N", type=int, default=8766, help="default: %(default)s; 0: any that is free")
    parser.add_argument("--reports", metavar="DIR", help="where runs are saved (default: reports/)")


def _audit(commands: Commands) -> None:
    parser = _add(commands, "audit", "hold any recording to the invariants, with no suite")
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files or folders of recordings")
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    _formats(parser, of="audit", reports=False)


def _import(commands: Commands) -> None:
    about = "recordings of other tools (vcrpy, HAR) and curl commands -> a suite and its cassettes"
    parser = _add(commands, "import", about, module="importing")
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files or folders")
    parser.add_argument("--suite", metavar="NAME", default="imported", help="what to call it (default: %(default)s)")
    parser.add_argument("--cassettes", metavar="DIR", help="where cassettes are kept")


def _cassettes(commands: Commands) -> None:
    parser = _add(commands, "cassettes", "look after cassettes")
    parser.add_argument(
        "action",
        choices=["check", "stale", "prune", "recover"],
        help="check: readable, standard, free of secrets; stale: which answer other requests than the suites now send; "
        "prune: remove what no trial asks for; recover: fold in what an interrupted recording left",
    )
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="suites for stale and prune, else files or folders of cassettes"
    )
    parser.add_argument("--cassettes", metavar="DIR", help="where cassettes are kept")
    parser.add_argument("--dry-run", action="store_true", help="prune: only say what would go")


def _simulate(commands: Commands) -> None:
    from harness.simulator.options import add_options

    add_options(_add(commands, "simulate", "serve the local Gemini endpoint"))


def _schema(commands: Commands) -> None:
    parser = _add(commands, "schema", "the JSON Schema of the suite language, for editors")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there (- or nothing: stdout)")


def _suites(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", default=[], help="suites, or folders of them (default: suites/)"
    )
    parser.add_argument(
        "--allow-outside-files", action="store_true", help="suites may read files outside of their project"
    )


def _selection(parser: ArgumentParser, *, keyword: bool = True) -> None:
    group = parser.add_argument_group("which trials")
    if keyword:
        group.add_argument(
            "-k", metavar="EXPR", dest="keyword", help="trials whose id matches: words, and, or, not; or a whole id"
        )
    group.add_argument(
        "--tag", metavar="TAG", action="append", default=[], help="suites and cases with this tag (repeatable)"
    )
    group.add_argument(
        "--target",
        metavar="PROVIDER/MODEL",
        action="append",
        default=[],
        help="instead of the suites' own (repeatable)",
    )
    group.add_argument("--provider", metavar="NAME", action="append", default=[], help="(repeatable)")
    group.add_argument("--model", metavar="ID", action="append", default=[], help="(repeatable)")
    group.add_argument(
        "--repeat", metavar="N", type=_positive, help="attempts at each case, instead of the suites' own"
    )
    group.add_argument("--shard", metavar="I/N", help="the I-th of N equal parts")
    group.add_argument("--cassettes", metavar="DIR", help="where cassettes are kept")


def _playing(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    add = group.add_argument
    add(
        "--record-mode",
        metavar="MODE",
        choices=RECORD_MODES,
        default="none",
        help=f"{', '.join(RECORD_MODES)} (default: replay only)",
    )
    add("--live", action="store_true", help="send everything; read and write no cassette")
    add("--skip-missing", action="store_true", help="skip what was not recorded, instead of an error")
    add("--concurrency", metavar="N", type=_positive, help="trials in flight")
    add(
        "--max-cost",
        metavar="USD",
        type=_dollars,
        help="begin no trial that would take what is spent on live answers beyond this",
    )
    add("--fail-fast", action="store_true", help="stop at the first trial that does not pass")
    add("--strict", action="store_true", help="warnings fail too")


def _formats(parser: ArgumentParser, *, of: Kind = "run", reports: bool = True) -> None:
    from argparse import SUPPRESS

    group = parser.add_argument_group("what is printed")
    add = group.add_argument
    add(
        "--format",
        metavar="NAME[:FILE]",
        action="append",
        default=[],
        help=f"table (default), {', '.join(FORMATS[of])} (repeatable)",
    )
    add(
        "--measures",
        metavar="NAMES",
        help="what cells show: thoughts,tokens,ttft,latency (the default), prompt, candidates, gap, cost, chunks"
        if of == "run"
        else SUPPRESS,  # taken, and without a meaning where there are no such cells
    )
    add("--width", metavar="N", type=_positive, help="columns of the table (default: the terminal's, or 80)")
    if reports:
        add("--reports", metavar="DIR", help="where runs are saved (default: reports/)")


def _dollars(text: str) -> float:
    from argparse import ArgumentTypeError
    from math import isfinite

    try:
        value = float(text.removeprefix("$"))
    except ValueError:
        value = 0
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"expected dollars above 0, such as 0.50, got {text!r}")
    return value


def _positive(text: str) -> int:
    from argparse import ArgumentTypeError

    value = int(text) if text.isdecimal() and len(text) <= 10 else 0 if not text.isdecimal() else _MOST + 1
    if not 1 <= value <= _MOST:
        bounds = f"from 1 to {_MOST:,}" if value > _MOST else "above 0"
        raise ArgumentTypeError(f"expected a whole number {bounds}, got {text!r}")
    return value


_MOST = 1_000_000
