"""Recordings inside other files: archives, tables, XML, flows of mitmproxy, logs and program code, files beside the recording."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.answer import reply
from harness.cli.main import main
from harness.errors import BadCassette
from harness.transport import cassette

MODEL, HOST = "gemini-2.5-flash", "generativelanguage.googleapis.com"
PATH = f"/v1beta/models/{MODEL}:generateContent"
URL = f"https://{HOST}{PATH}"
ASKED = {"contents": [{"role": "user", "parts": [{"text": 'Say "yes" to Zoë\'s question'}]}]}
ANSWERED = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": 'It\'s "yes", Zoë.\n'}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 8, "totalTokenCount": 17},
    "modelVersion": MODEL,
}
ASKED_TEXT, ANSWERED_TEXT = json.dumps(ASKED), json.dumps(ANSWERED)
PRETTY = json.dumps(ANSWERED, indent=2)
RAW = f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n{ASKED_TEXT}"
RAW_ANSWER = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{ANSWERED_TEXT}"
RECORD = json.dumps({"url": URL, "request": ASKED, "response": ANSWERED})


def har(**content: Any) -> str:
    entry = {
        "request": {"method": "POST", "url": URL, "headers": [], "postData": {"text": ASKED_TEXT}},
        "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", **content}},
    }
    return json.dumps({"log": {"entries": [entry]}})


def zipped(**files: str) -> bytes:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return stored.getvalue()


def tarred(name: str, text: str) -> bytes:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w:gz") as archive:
        about = tarfile.TarInfo(name)
        about.size = len(text.encode())
        archive.addfile(about, io.BytesIO(text.encode()))
    return stored.getvalue()


def table(delimiter: str) -> bytes:
    stored = io.StringIO()
    row = {"model": MODEL, "asked": ASKED_TEXT, "answered": PRETTY}
    writer = csv.DictWriter(stored, list(row), delimiter=delimiter)
    writer.writeheader()
    writer.writerow(row)
    return stored.getvalue().encode()


def database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute('CREATE TABLE "log""s" (model TEXT, asked TEXT, answered TEXT)')
        base.execute('INSERT INTO "log""s" VALUES (?, ?, ?)', (MODEL, ASKED_TEXT, ANSWERED_TEXT))
        return base.serialize()


def burp(packed: Callable[[str], str], flag: str) -> bytes:
    side = '<{0} base64="{1}"><![CDATA[{2}]]></{0}>'
    sides = [side.format(name, flag, packed(text)) for name, text in (("request", RAW), ("response", RAW_ANSWER))]
    return f'<?xml version="1.0"?>\n<items><item><url>{URL}</url>{"".join(sides)}</item></items>'.encode()


def netstring(value: Any) -> bytes:
    if isinstance(value, dict):
        data, kind = b"".join(netstring(key) + netstring(item) for key, item in value.items()), b"}"
    elif isinstance(value, list):
        data, kind = b"".join(map(netstring, value)), b"]"
    elif isinstance(value, (int, float)):
        data, kind = str(value).encode(), b"#" if isinstance(value, int) else b"^"
    else:
        data, kind = (value, b",") if isinstance(value, bytes) else (value.encode(), b";")
    return b"%d:%s%s" % (len(data), data, kind)


FLOW = {
    "request": {"method": b"POST", "scheme": b"https", "host": HOST, "authority": b"", "path": PATH.encode(), "timestamp_start": 1.5, "headers": [], "content": ASKED_TEXT.encode()},
    "response": {"status_code": 200, "headers": [[b"content-encoding", b"gzip"]], "content": gzip.compress(ANSWERED_TEXT.encode())},
}  # fmt: skip


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def prefixed(text: str) -> str:
    return "".join(f"01-02 10:00:0{n % 10} D/Http: {line}\n" for n, line in enumerate(text.splitlines()))


def in_pieces(written: Callable[[bytes], str]) -> list[str]:
    """The compressed answer in two pieces, as Polly.js keeps those that came."""
    packed = gzip.compress(ANSWERED_TEXT.encode())
    return [written(packed[:90]), written(packed[90:])]


PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(ANSWERED_TEXT.encode())
FILES: Mapping[str, bytes] = {
    "a folder.zip": zipped(a_json=RECORD, readme_md="none"),
    "Fiddler.saz": zipped(**{"raw/1_c.txt": RAW, "raw/1_s.txt": RAW_ANSWER, "raw/1_m.xml": "<Session/>"}),
    "attached.har.zip": zipped(har_har=har(_file="b.json"), b_json=ANSWERED_TEXT),
    "a folder.tar.gz": tarred("a/b.json", RECORD),
    "comma.csv": table(","),
    "tab.tsv": table("\t"),
    "logs.db": database(),
    "Burp.xml": burp(encoded, "true"),
    "Burp as text.xml": burp(str, "false"),
    "Charles.chlsx": f'<charles-session><transaction method="POST" host="{HOST}" path="{PATH}"><request><body><![CDATA[{ASKED_TEXT}]]></body></request><response status="200"><body encoding="base64">{encoded(ANSWERED_TEXT)}</body></response></transaction></charles-session>'.encode(),
    "flows.mitm": netstring(FLOW),
    "tape.json5": f"{{url: '{URL}', request: {ASKED!r}, // by hand\n response: {ANSWERED!r},}}".encode(),
    "printed by Python.log": f"DEBUG {URL}\nDEBUG asked {ASKED!r}\nDEBUG got {ANSWERED!r}\n".encode(),
    "every line behind a prefix.log": prefixed(f"--> POST {URL}\n{ASKED_TEXT}\n<-- 200\n{PRETTY}\n<-- END").encode(),
    "key=value.log": f"url={URL} body={json.dumps(ASKED_TEXT)}\nstatus=200 body={json.dumps(ANSWERED_TEXT)}\n".encode(),
    "blocks of YAML.md": f"# Asked\n\nPOST {URL}\n\n```yaml\n{yaml.safe_dump(ASKED)}```\n\nIt answers:\n\n```yml\n{yaml.safe_dump(ANSWERED)}```\n".encode(),
    "Polly in hex.har": har(_isBinary=True, text=json.dumps(in_pieces(bytes.hex))).encode(),
    "Polly in base64.har": har(encoding="base64", text=json.dumps(in_pieces(lambda piece: b64encode(piece).decode()))).encode(),
    "messages with a compressed body.txt": RAW.encode() + b"\n" + PACKED,
    "a trace.httprr": f"httprr trace v1\n{len(RAW.encode())} {len(PACKED)}\n{RAW}".encode() + PACKED,
    "packed twice.json.gz": gzip.compress(gzip.compress(RECORD.encode())),
    "a command and its answer.log": f"curl -X POST {URL} -d '{ASKED_TEXT}'\n{PRETTY}\n".encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_recording_is_read_out_of(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    tape = cassette.read(tmp_path / name)
    (found,) = tape.interactions
    assert found.exchange.request.model == MODEL
    assert "Zoë's question" in json.dumps(found.exchange.request.body, ensure_ascii=False)
    assert reply.read(found.exchange).text == 'It\'s "yes", Zoë.\n'
    assert (tape.unanswered, tape.unread) == ([], [])


@pytest.mark.parametrize("name", ["a folder.zip", "comma.csv", "Burp.xml", "flows.mitm"])
def test_what_is_read_is_imported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(FILES[name])
    assert main(["import", name, "--suite", "taken"]) == 0
    assert main(["run", "suites/taken.yaml"]) == 0


def test_a_program_with_an_answer_gives_the_answer(tmp_path: Path) -> None:
    (tmp_path / "fixture.py").write_text(f"ANSWER = {PRETTY}\n", "utf-8")
    (found,) = cassette.read(tmp_path / "fixture.py").interactions
    assert reply.read(found.exchange).text == 'It\'s "yes", Zoë.\n'


def test_what_ends_a_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table(",") + b"m," + b"x" * 16_000_001 + b",\n" + table(","))
    tape = cassette.read(tmp_path / "a.csv")
    assert len(tape.interactions) == 1
    assert [(one.where, one.reason) for one in tape.unread] == [
        ("row 2", "nor are the rows behind it: field larger than field limit (16000000); export them as JSON lines")
    ]


def test_a_line_that_is_cut_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f"{RECORD}\n{RECORD[:60]}", "utf-8")
    tape = cassette.read(tmp_path / "a.jsonl")
    assert (len(tape.interactions), [part.where for part in tape.unread]) == (1, ["line 2"])


# --- bodies in files of their own -----------------------------------------------------------------------------


def stub(name: str) -> str:
    return json.dumps(
        {
            "request": {"url": PATH, "method": "POST", "bodyPatterns": [{"equalToJson": ASKED_TEXT}]},
            "response": {"status": 200, "bodyFileName": name},
        }
    )


def test_bodies_beside_a_recording_are_read(tmp_path: Path) -> None:
    for folder in ("mappings", "__files"):
        (tmp_path / folder).mkdir()
    (tmp_path / "__files" / "b.json").write_text(ANSWERED_TEXT, "utf-8")
    (tmp_path / "mappings" / "a.json").write_text(stub("b.json"), "utf-8")
    (found,) = cassette.read(tmp_path / "mappings" / "a.json").interactions
    assert reply.read(found.exchange).finish_reason == "STOP"


@pytest.mark.parametrize("name", ["../secret.json", "/etc/hostname", "missing.json", "..\\secret.json"])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(ANSWERED_TEXT, "utf-8")
    (tmp_path / "in" / "mappings").mkdir(parents=True)
    (tmp_path / "in" / "mappings" / "a.json").write_text(stub(name), "utf-8")
    tape = cassette.read(tmp_path / "in" / "mappings" / "a.json")
    assert (len(tape.interactions), len(tape.unanswered)) == (0, 1)


# --- what is not read says why ----------------------------------------------------------------------------------

SPANS = {"gen_ai.request.model": MODEL, "gen_ai.prompt.0.content": "hi", "gen_ai.completion.0.content": "yes"}
REFUSED: Mapping[str, tuple[bytes, str]] = {
    "spans.json": (
        json.dumps([{"attributes": SPANS}]).encode(),
        "names a Gemini model, but holds no request or answer",
    ),
    "live.json": (b'[{"setup": {}}, {"setupComplete": {}}]', "messages of the Live API"),
    "interaction.json": (b'{"object": "interaction", "model": "gemini-3.8-flash"}', "messages of the Interactions API"),
    "interaction.txt": (b'event: x\ndata: {"event_type": "interaction.start"}\n\n', "messages of the Interactions API"),
    "a.pcap": (b"\xd4\xc3\xb2\xa1" + bytes(90), "HTTPS is encrypted"),
    "a.parquet": (b"PAR1" + bytes(90), "export its rows"),
    "a.pkl": (b"\x80\x04\x95" + bytes(90), "never loaded"),
    "cut.zip": (FILES["a folder.zip"][:200], "an archive, and broken"),
    "nested.zip": (zipped(a="x") + b"", "no request or answer"),
    "empty.zip": (zipped(a_json='{"a": 1}'), "no request or answer"),
    "entities.xml": (b'<!DOCTYPE a [<!ENTITY b "candidates">]><a>&b;</a>', "no request or answer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_says_why(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(REFUSED[name][0])
    with pytest.raises(BadCassette, match=REFUSED[name][1]):
        cassette.read(tmp_path / name)


def test_a_bomb_in_a_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(gzip.compress(bytes(20_000_000)) + bytes(100_000)))
    with pytest.raises(BadCassette, match="binary data"):
        cassette.read(tmp_path / "a.json.gz")


def test_an_archive_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"{number}.json", b"0" * 20_000_000)
    (tmp_path / "bomb.zip").write_bytes(stored.getvalue())
    with pytest.raises(BadCassette, match="too large"):
        cassette.read(tmp_path / "bomb.zip")
