"""``view``: serve the saved runs to a browser, until Ctrl-C. Pages are rendered on request."""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, TextIO, cast
from urllib.parse import parse_qs, unquote, urlsplit

from harness.cli import options as shared
from harness.cli import saved_run, streams
from harness.cli.commands import compare, sweep
from harness.disk import is_locked
from harness.errors import HarnessError, RunError, UsageError
from harness.report import Kind, View, find
from harness.report.html import server_pages
from harness.report.html.server_pages import RunListItem
from harness.results.history import PastRuns
from harness.results.history_lines import History, lines
from harness.results.load import load, saved_runs, with_id
from harness.results.rows import EndingRow
from harness.results.store import NAME

LOOPBACK = "127.0.0.1"
NAMES = frozenset({LOOPBACK, "localhost"})
"""Accepted ``Host`` headers. A page of another site whose name resolves to this machine is refused (DNS rebinding)."""
PAGE_BUFFER = 4 << 20
"""Bytes of a page that are kept in memory."""
HISTORY_RUNS = 200
"""The number of runs in the history."""
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


ABOUT = "show the saved runs in a browser: a list, each run in full, and any two compared"
EXAMPLES = (
    "gemini-harness view",
    "gemini-harness view --port 0",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port", metavar="N", type=int, default=8766, help="the port (default: %(default)s; 0: any free one)"
    )
    shared.reports_folder(parser)


def main(options: Namespace) -> int:
    reports = saved_run.folder(options)
    server = serve(reports, options.port)
    sys.stdout.write(f"{reports} at http://{LOOPBACK}:{server.server_address[1]}/ (Ctrl-C stops it)\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.stdout.write("stopped\n")
    finally:
        server.server_close()
    return 0


def serve(reports: Path, port: int) -> ThreadingHTTPServer:
    """A listening server, on the loopback interface only. Raises UsageError if the port is taken."""
    try:
        return ThreadingHTTPServer((LOOPBACK, port), partial(_Handler, reports))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot serve on port {port}: {reason}; --port 0 takes any free one") from error


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, reports: Path, *given: Any) -> None:
        self.reports = reports
        super().__init__(*given)

    def do_GET(self) -> None:
        if _host(self.headers.get("Host", "")) not in NAMES:
            return self._send(403, server_pages.problem("This server answers to 127.0.0.1 and localhost only."))
        try:
            status, page = 200, _page(*_asked(self.path), self.reports)
        except HarnessError as error:
            status, page = 404 if isinstance(error, RunError) else 400, server_pages.problem(str(error))
        except Exception as error:  # noqa: BLE001  a damaged run must not stop the server
            traceback.print_exc()
            message = f"internal error: {type(error).__name__}: {error}\nSee the terminal of gemini-harness view for the traceback."
            status, page = 500, server_pages.problem(message)
        return self._send(status, page)

    def _send(self, status: int, page: Iterable[str]) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            leaks = streams.leaks()
            self.wfile.writelines(str(leaks.hidden(text)).encode("utf-8", "replace") for text in page)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the terminal is for errors."""


def _host(header: str) -> str | None:
    with suppress(ValueError):
        return urlsplit(f"//{header}").hostname
    return None


def _asked(address: str) -> tuple[str, dict[str, str]]:
    """The path and the query of an address. Raises UsageError."""
    try:
        url = urlsplit(address)
        return unquote(url.path), {name: values[-1] for name, values in parse_qs(url.query).items()}
    except ValueError as fault:
        raise UsageError(f"this is not an address: {fault}") from None


def _page(path: str, asked: Mapping[str, str], reports: Path) -> Iterable[str]:
    """The page at a path, complete before its first byte is sent. Raises HarnessError if there is none."""
    if path == "/":
        return server_pages.listing([_entry(path) for path in saved(reports)], str(reports))
    if path.startswith("/run/"):
        return _run(_known(path.removeprefix("/run/"), reports))
    if path == "/compare":
        base, candidate = (_known(asked.get(name, ""), reports) for name in ("base", "candidate"))
        return _compared(base, None if base == candidate else str(candidate))
    if path.startswith("/sweep/"):
        return _sweep(_known(path.removeprefix("/sweep/"), reports))
    if path == "/history":
        return _history(reports)
    raise RunError(f"there is nothing at {path}")


def saved(reports: Path) -> list[Path]:
    """The files of the saved runs, newest first."""
    return [reports / name / NAME for name in reversed(saved_runs(reports))]


def _known(name: str, reports: Path) -> Path:
    """The file of a listed run, by the name of its folder or by its id. Other files are never opened. Raises RunError."""
    found = next((path for path in saved(reports) if path.parent.name == name), None) or with_id(name, reports)
    if found is None:
        raise RunError(f"no saved run {name!r} in {reports}")
    return found


def _run(path: Path) -> Iterable[str]:
    return _written("run", saved_run.report(load(path)))


def _sweep(path: Path) -> Iterable[str]:
    run = load(path)
    summary = run.summary()
    document = sweep.swept_run(summary, run)
    if not document.sweeps:
        raise RunError(sweep.nothing(summary, run))
    return _written("sweep", document)


def _history(reports: Path) -> Iterable[str]:
    with PastRuns(reports) as past:
        entries, earlier = past.entries(suite=None, target=None, case=None, since=None, last=HISTORY_RUNS)
        document = History(list(lines(entries)), past.notes, earlier)
    return _written("history", document)


def _written(kind: Kind, document: object) -> Iterator[str]:
    """The page of a document, complete before its first byte is sent. A large page is in a temporary file."""
    file = cast("TextIO", SpooledTemporaryFile(PAGE_BUFFER, "w+", encoding="utf-8", errors="replace", newline=""))  # noqa: SIM115 - closed once it is sent
    try:
        with streams.writing(file) as out:
            find("html", kind)(document, View(home="/"), out)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _pieces(file)


def _pieces(file: TextIO) -> Iterator[str]:
    with file:
        yield from iter(partial(file.read, 1 << 16), "")


def _compared(base: Path, candidate: str | None) -> Iterable[str]:
    """Two runs, or, without a candidate, what the suites of the run compare, or else its targets."""
    given = {"base": str(base), "candidate": candidate, "reports": str(base.parent.parent)}
    return _written("comparison", compare.compared(Namespace(**{**compare.DEFAULTS, **given})))


def _entry(path: Path) -> RunListItem:
    name = path.parent.name
    try:
        run = load(path)
        ending: EndingRow = run.read_ending() or {}
        first = next(run.rows(), None)
    except (HarnessError, OSError) as error:
        return RunListItem(name, problem=str(error))
    simulated = ending.get("simulated", bool(first and first.provenance and first.provenance.simulated))
    return RunListItem(name, run.run, ending, simulated, playing=run.ending is None and is_locked(path.parent))
