"""The command line: what may be written, and which file of ``commands/`` does it.

``--version`` imports nothing heavy; a command imports what it needs.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness import __version__
from harness.cli import streams
from harness.cli.streams import flushed, without_secrets
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from types import FrameType

_OF_THE_USER = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""What a file may be refused for that is no fault of this program."""
_VERSION = (["--version"], ["-V"])
EXAMPLES = ("gemini-harness init", "gemini-harness run suites/")
EXIT_CODES = """\
exit codes: 0 all passed  1 a check failed or a gate was crossed  2 interrupted
            3 internal error  4 bad usage, suite or configuration  5 nothing ran
            6 could not judge  7 a gate cannot be answered"""


def entry() -> NoReturn:
    """The ``gemini-harness`` command."""
    # Modules, suites and rows hold few cycles: looking for them takes a tenth of a short run, half of it at the end.
    gc.set_threshold(100_000, 20, 50)
    signal.signal(signal.SIGTERM, as_ctrl_c)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # behind a script's `&`
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # still without effect, but SIGTERM finds a handler
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):  # once more, while the first was being handled
            code = main(sys.argv[1:])
            if code != 2:
                gc.freeze()
                sys.exit(code)
        _leave(2)
    except KeyboardInterrupt:  # and again, before it left
        _leave(2)


def as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Takes SIGTERM for Ctrl-C, also where Ctrl-C is ignored."""
    interrupt = signal.getsignal(signal.SIGINT)
    (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)


def _leave(code: int) -> NoReturn:
    """At once: Ctrl-C while Python shuts down, or earlier while it imported something, would give another exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, ValueError, KeyboardInterrupt):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say; the exit code. Prints results to stdout, everything else to stderr."""
    streams.configure_encoding()
    if list(argv) in _VERSION:
        return _version()
    with streams.filtered():
        code: int = 0
        try:
            with flushed():
                options = _parser(argv).parse_args(argv)
                code = options.main(options)
        except HarnessError as error:
            sys.stderr.write(f"{without_secrets(str(error))}\n")
            if any(text.startswith("--format") for text in argv):
                _document(error, argv)
            return error.exit_code
        except KeyboardInterrupt:
            sys.stderr.write("interrupted\n")
            return 2
        except OSError as error:
            if error.filename is None or error.errno not in _OF_THE_USER:
                return _internal(argv)
            sys.stderr.write(without_secrets(f"cannot use {error.filename}: {error.strerror}\n"))
            return 4
        except Exception:  # noqa: BLE001  the last resort: two lines here, the rest in a file
            return _internal(argv)
        return code


def _document(error: HarnessError, argv: Sequence[str]) -> None:
    """Annotations, and the JUnit file that a CI server waits for. The arguments may be faulty, so they are not parsed."""
    from harness.cli import printing, step_summary
    from harness.report import View
    from harness.report.github import error_annotations
    from harness.report.junit import error_document

    formats = [text.removeprefix("--format=") for text in argv if text.startswith("--format=")]
    formats += [text for option, text in pairwise(argv) if option == "--format"]
    if "github" in formats:
        view = View(display_path=step_summary.named)
        lines = (f"{without_secrets(line)}\n" for line in error_annotations(error, view))
        streams.under(sys.stdout).writelines(lines)  # the filter takes commands of a workflow for text of others
    files = [text.removeprefix("junit:") for text in formats if text.startswith("junit:")]
    for file in [file for file in files if not str(error).startswith(f"cannot write {file}:")]:
        with suppress(UsageError):
            printing.write(Path(file), error_document(error, without_secrets).encode())


def _version() -> int:
    try:
        with flushed():
            sys.stdout.write(f"gemini-harness {__version__}\n")
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _internal(argv: Sequence[str]) -> int:
    import tempfile
    import traceback

    text = without_secrets(traceback.format_exc())
    if any(argument in ("-v", "-vv", "--verbose") for argument in argv):
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
    """The parser of the command that is called; where it is none, of all of them, which takes longer."""
    from argparse import RawDescriptionHelpFormatter

    names = command_names()
    if argv and not argv[0].startswith("-") and argv[0] not in names:
        raise UsageError(f"gemini-harness: {_unknown('command', argv[0], names)}")
    # A formatter asks for the width of the terminal for each option, and a leaf for its usage: both are only seen in a help.
    may_help = not argv or any(word[:1] == "-" and "h" in word for word in argv)
    formatter = RawDescriptionHelpFormatter if may_help else partial(RawDescriptionHelpFormatter, width=80)
    whole, leaf = _parser_classes(may_help=may_help)
    parser = whole(
        prog="gemini-harness",
        description="Tests and evals for Gemini's native API: suites in, verdicts and comparison tables out.",
        epilog=f"{EXIT_CODES}\n\n{_examples(EXAMPLES)}",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"gemini-harness {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=leaf, prog=parser.prog)
    for name in argv[:1] if argv and argv[0] in names else names:
        _add_command(commands, name, import_module(names[name]), formatter)
    return parser


def _parser_classes(*, may_help: bool) -> tuple[type[ArgumentParser], type[ArgumentParser]]:
    """The class for the whole command line, and the one for a command."""
    from argparse import ArgumentParser

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
            self.usage = None if may_help else ""
            options, unknown = self.parse_known_intermixed_args(args, namespace)
            if unknown and unknown[0].startswith("-"):
                message = _unknown("option", unknown[0].partition("=")[0], self._option_string_actions)
                self.error(message if "did you mean" in message else f"{message}\n{self.epilog}")
            if unknown:
                self.error(
                    f"{unknown[0]!r} belongs to no option, and stands where no argument is expected\n{self.epilog}"
                )
            return options, unknown

    return Parser, Leaf


def _add_command(commands: Any, name: str, command: Any, formatter: Any) -> None:
    """The parser of a command, with its own options. ``command``: its module."""
    leaf = commands.add_parser(
        name,
        help=command.ABOUT,
        description=command.ABOUT,
        epilog=_examples(command.EXAMPLES),
        formatter_class=formatter,
        allow_abbrev=False,
    )
    leaf.set_defaults(command=name, main=command.main, default_of=leaf.get_default)
    leaf.add_argument("-v", "--verbose", action="count", default=0, help="show more: failures and tables in full")
    leaf.add_argument("-q", "--quiet", action="count", default=0, help="show less")
    command.add_options(leaf)


def _unknown(kind: str, word: str, known: Iterable[str]) -> str:
    from harness.text.shape import meant, nearest

    near = meant(word, [*known, "--help", "--version"]) or nearest(word, known, 0.75 if word[:1] == "-" else 0.6)
    return f"there is no {kind} {word!r}; {near}".removesuffix("; ")


def command_names() -> dict[str, str]:
    """The commands, each with its module: a file of ``commands/``. One that is a word of Python has ``_`` at its
    end; any other ``_`` is a hyphen."""
    from harness.cli import commands
    from harness.extensions import modules_in

    modules = modules_in(commands.__path__)
    return {module.removesuffix("_").replace("_", "-"): f"{commands.__name__}.{module}" for module in modules}


def _examples(lines: Sequence[str]) -> str:
    return "\n".join(("examples:", *(f"  {line}" for line in lines)))
