"""``view``: what the server answers, asked over loopback."""

from __future__ import annotations

import html
import http.client
import io
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.commands.view import serve
from harness.errors import UsageError
from harness.report import View, find
from harness.results.history_lines import History
from harness.results.rows import GateRow, Row
from harness.results.store import RunWriter
from harness.results.summary import summarise
from tests.sample_rows import failed, row, run, verdict

Ask = Callable[..., tuple[int, str]]


def save(reports: Path, name: str, rows: list[Row], *, finished: bool = True) -> None:
    with RunWriter(reports, run(id=name)) as writer:
        for row in rows:
            writer.append(row)
        if finished:
            writer.close(summarise(rows))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    good = [verdict("text", ok=True)]
    targets = ("simulator/flash", "simulator/pro")
    save(folder, "20260101-000000-a", [row(target=target, verdicts=good) for target in targets])
    save(folder, "20260102-000000-b", [row(target=targets[0], verdicts=good), failed(target=targets[1])])
    return folder


@pytest.fixture
def ask(reports: Path) -> Iterator[Ask]:
    server = serve(reports, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def get(path: str, host: str = "localhost") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.server_address[1]), timeout=60)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    yield get
    server.shutdown()
    thread.join()
    server.server_close()


def visible_text(page: str) -> str:
    """The text of a page's body."""
    return re.sub(r"<[^>]+>", " ", page[page.index("<main>") : page.index("</main>")])


def test_the_list_has_every_run_the_newest_first(ask: Ask, reports: Path) -> None:
    save(reports, "20260103-000000-c", [row()], finished=False)
    (reports / "20251231-000000-d").mkdir()
    (reports / "20251231-000000-d" / "run.jsonl").write_text("not a run\n")
    status, page = ask("/")
    text = visible_text(page)
    assert status == 200
    assert re.findall(r"2025\d{4}-\S+|2026\d{4}-\S+", text)[:4] == [
        "20260103-000000-c",
        "20260102-000000-b",
        "20260101-000000-a",
        "20251231-000000-d",
    ]
    assert "unfinished" in text
    assert "1 passed" in text
    assert "1 failed" in text
    assert "SIMULATED" in text
    assert "its first line is not JSON" in text


def test_a_run_in_a_renamed_folder_is_found_by_its_id(ask: Ask, reports: Path) -> None:
    (reports / "20260102-000000-b").rename(reports / "the-release")
    _, page = ask("/history")
    links = sorted(set(re.findall(r'href="(/run/[^"]+)"', page)))
    assert links == ["/run/20260101-000000-a", "/run/20260102-000000-b"]
    assert [ask(link)[0] for link in [*links, "/run/the-release"]] == [200, 200, 200]
    assert ask("/run/20260102")[0] == 404


HEADER = '{"version":1,"run":{"id":"x","started":"2026-01-01","record_mode":"none"}}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\x00\xff", "its first line is not JSON"),
        (b"", "its first line is not JSON"),
        (b'{"version":1,"run":{"id":"x","started":5}}\n', "`$.started` in its header"),
        (b'{"version":1,"run":{"id":"x","suites":[3]}}\n', "`$.suites[0]` in its header"),
        (HEADER.encode(), "unfinished"),
        (HEADER.encode() + b'{"totals": 4, "run": 7}\n', "in its last line; the file was damaged"),
        (
            HEADER.encode() + b'{"totals": {"passed": 1}, "run": {"targets": "x"}}\n',
            "`$.targets` in its header",
        ),
        (HEADER.encode() + b'{"id": "cut', "unfinished"),
    ],
)
def test_a_damaged_run_takes_no_other_down(ask: Ask, reports: Path, text: bytes, problem: str) -> None:
    (reports / "odd").mkdir()
    (reports / "odd" / "run.jsonl").write_bytes(text)
    status, page = ask("/")
    assert status == 200
    assert problem in visible_text(page)
    assert "20260102-000000-b" in page
    assert ask("/run/odd")[0] in (200, 404)
    assert ask("/run/20260102-000000-b")[0] == 200


def test_a_trial_that_is_none_is_told_and_the_list_stays(ask: Ask, reports: Path) -> None:
    save(reports, "odd", [row()])
    file = reports / "odd" / "run.jsonl"
    file.write_text(file.read_text().replace('"verdicts":[', '"verdicts":3,"x":['))
    status, page = ask("/run/odd")
    assert (status, "this line is not a trial" in page) == (404, True)
    assert ask("/")[0] == 200


def test_a_fault_of_the_program_is_told_and_the_list_stays(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.cli.commands.view._run", lambda _: 1 / 0)
    status, page = ask("/run/20260102-000000-b")
    assert (status, "internal error: ZeroDivisionError" in page) == (500, True)
    assert "Traceback" in capsys.readouterr().err
    assert ask("/")[0] == 200


def test_the_end_of_a_very_large_run_is_found(ask: Ask, reports: Path) -> None:
    save(reports, "large", [row(f"{'case-' * 99}{n}", "simulator/huge") for n in range(2000)])
    text = visible_text(ask("/")[1])
    assert "2,000 passed" in text
    assert "simulator/huge" in text


def test_the_list_says_which_runs_their_gates_stopped(ask: Ask, reports: Path) -> None:
    gate: GateRow = {
        "gate": "cost may be at most $1 in all",
        "name": "cost",
        "suite": None,
        "asked": True,
        "crossed": True,
        "message": "crossed: cost is $2 in all",
    }
    with RunWriter(reports, run(id="stopped", gates=[gate])) as writer:
        writer.append(row())
        writer.close(summarise([row()]))
    assert re.search(r"1 passed\s+1 gate crossed", visible_text(ask("/")[1]))


def test_one_simulated_answer_is_enough(ask: Ask, reports: Path) -> None:
    live: Any = {"mode": "live", "recorded_from": "google", "recorded_at": None, "timing": "live", "simulated": False}
    for name, rows in (("20270101-mixed", [row(provenance=live), row("b")]), ("20270102-real", [row(provenance=live)])):
        save(reports, name, rows)
    page = ask("/")[1]
    lines = {name: line for line in page.split("<tr>") for name in ("mixed", "real") if f"-{name}</code>" in line}
    assert ("SIMULATED" in lines["mixed"], "SIMULATED" in lines["real"]) == (True, False)


def test_a_flip_leads_to_its_trials(ask: Ask) -> None:
    _, page = ask("/compare?base=20260102-000000-b&candidate=20260102-000000-b")
    link = "/run/20260102-000000-b#trial=geography/capital%40simulator/pro%231"
    assert f'<a href="{link}">in its run</a>' in page


def test_a_run_is_its_report(ask: Ask) -> None:
    status, page = ask("/run/20260102-000000-b")
    assert status == 200
    assert "geography/capital@simulator/pro" in page
    assert '<a href="/" class="home"' in page


def test_two_runs_are_compared(ask: Ask) -> None:
    status, page = ask("/compare?base=20260101-000000-a&candidate=20260102-000000-b")
    assert status == 200
    assert "reference run 20260101-000000-a" in re.sub(r" +", " ", visible_text(page))
    assert "1 flip in 1 of 2 cells" in visible_text(page)


def test_one_run_twice_compares_its_targets(ask: Ask) -> None:
    _, page = ask("/compare?base=20260102-000000-b&candidate=20260102-000000-b")
    assert '<h1 class="what">simulator/pro against simulator/flash</h1>' in page
    assert "1 flip in 1 of 1 cell" in visible_text(page)


@pytest.mark.parametrize(
    ("path", "status", "why"),
    [
        ("/run/../../../etc/passwd", 404, "no saved run"),
        ("/run/%2e%2e%2f%2e%2e", 404, "no saved run"),
        ("/run/", 404, "no saved run"),
        ("/run/<img>", 404, "&lt;img&gt;"),
        ("/elsewhere", 404, "there is nothing at /elsewhere"),
        ("/compare", 404, "no saved run"),
    ],
)
def test_what_is_not_there_is_said(ask: Ask, path: str, status: int, why: str) -> None:
    got, page = ask(path)
    assert got == status
    assert why in page
    assert "<img" not in page


def test_a_name_from_elsewhere_that_leads_here_is_refused(ask: Ask) -> None:
    assert ask("/", host="evil.example")[0] == 403
    assert ask("/", host="127.0.0.1:1234")[0] == 200


def test_a_port_that_is_taken_is_said(reports: Path) -> None:
    server = serve(reports, 0)
    address: Any = server.server_address
    try:
        with pytest.raises(UsageError, match=r"cannot serve on port .*--port 0"):
            serve(reports, address[1])
    finally:
        server.server_close()
    with pytest.raises(UsageError, match="cannot serve on port 70000"):
        serve(reports, 70_000)


def test_the_history_links_to_the_runs(ask: Ask, reports: Path) -> None:
    status, page = ask("/history")
    assert status == 200
    assert "<strong>SIMULATED</strong>" in page
    assert 'href="/run/20260102-000000-b"' in page
    text = re.sub(r"\s+", " ", visible_text(page))
    assert "geography at simulator/pro, answered by simulator (SIMULATED answers)" in text
    assert "+1 failed" in text
    assert 'href="/history"' in ask("/")[1]


def test_an_empty_history_is_a_page(tmp_path: Path) -> None:
    out = io.StringIO()
    find("html", "history")(History([]), View(), out)
    assert "no saved run has results yet" in out.getvalue()


def test_a_run_links_to_its_sweeps_and_names_a_migration(ask: Ask, reports: Path) -> None:
    levels = [row(f"case-{n}", axes={"thinking": level}) for level in ("low", "medium", "high") for n in range(3)]
    save(reports, "20260104-swept", levels)
    assert 'href="/sweep/20260104-swept"' in ask("/run/20260104-swept")[1]
    assert "The knee" in visible_text(ask("/sweep/20260104-swept")[1])
    status, page = ask("/sweep/20260101-000000-a")
    assert (status, "holds no sweep" in visible_text(page)) == (404, True)
    assert "/sweep/" not in ask("/run/20260101-000000-a")[1]
    assert "/compare?" in ask("/run/20260102-000000-b")[1]
    save(reports, "20260103-alone", [row()])
    assert "/compare?" not in ask("/run/20260103-alone")[1]

    both = ["simulator/flash", "simulator/pro"]
    with RunWriter(reports, run(id="20260105-moved", migration=both)) as writer:
        for trial in [row(target=both[0]), failed(target=both[1])]:
            writer.append(trial)
    assert "SIMULATED migration" in re.sub(r"\s+", " ", visible_text(ask("/")[1]))
    page = ask("/run/20260105-moved")[1]
    assert "migration: simulator/flash to simulator/pro" in visible_text(page)
    (link,) = re.findall(r'href="(/compare[^"]*)"', page)
    assert ask(html.unescape(link))[0] == 200


ODD = [
    "[",
    "]",
    "[::1",
    "[v1.x]",
    "[::1%25]",
    "a:b:c",
    "@",
    "localhost@evil",
    "\udcff",
    "\u2100",
    "x" * 9000,
    "%5b",
    "//[",
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "GET {} HTTP/1.1", "GET /?{0}={0} HTTP/1.1", "GET //{}/x?%00=%ff HTTP/1.1", "{} / HTTP/1.1", "GET /run/{} HTTP/1.1", "HEAD /{} HTTP/1.0"])  # fmt: skip
def test_whatever_is_asked_gets_an_answer(reports: Path, capsys: pytest.CaptureFixture[str], request_line: str, odd: str) -> None:  # fmt: skip
    server = serve(reports, 0)
    client, far_end = socket.socketpair()
    text = f"{request_line.format(odd)}\r\nHost: {odd if '{' not in request_line else 'localhost'}\r\nConnection: close\r\n\r\n"
    try:
        client.sendall(text.encode("utf-8", "surrogateescape"))
        client.shutdown(socket.SHUT_WR)
        server.RequestHandlerClass(far_end, ("127.0.0.1", 1), server)
        far_end.close()
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    finally:
        client.close()
        server.server_close()
    assert re.match(rb"HTTP/1\.\d [2345]\d\d ", answer) or b"Error response" in answer
    assert b" 500 " not in answer[:20]
    assert "Traceback" not in capsys.readouterr().err
