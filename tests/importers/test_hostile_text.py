"""Text that no person writes is read or refused in time that grows with its length, not faster."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from harness import importers
from harness.answer.reply import by_candidate, read
from harness.errors import BadCassette
from harness.transport.cassette import Interaction, Unread, sources
from tests.factories import exchange
from tests.growth import grows_evenly

TEXTS: Mapping[str, str] = {
    "documents that do not end": "cat <<A\n",
    "documents of variables that do not end": "X=$(cat <<A\n",
    "documents in words that do not end": 'curl -d "$(cat <<A\n',
    "documents of commands that do not end": "curl -d @- <<A\n",
    "quotes that are not closed": "curl -d '",
    "quotes in quotes with commands": "'\\''curl ",
    "substitutions that are not closed": "curl $(",
    "values that do not end": "a = [\n",
    "texts that do not end": 'a = """\n"\n',
    "loops that do not end": "for a in b; do\n",
    "functions that do not end": "a() {\na 'b\n",
    "lists in lists": '{"candidates": [\n',
    "broken events": "data: {\n",
    "calls that are not closed": "models.generate_content(",
    "prompts without an end": "$ curl ",
    "functions with texts": 'f("a", "b") {',
    "models that are not closed": "GenerativeModel(",
    "models with many calls": "a = GenerativeModel('b')\na.generateContent('c')\n",
    "chats in chats": "a=b.startChat(c).startChat(d)\n",
    "defaults of defaults": "A=${A:-${B:-",
    "conditions without an end": "if ; ; ",
    "fields of fields": "a.",
    "keywords without a name": "const\n",
    "blanks": " ",
    "one long word": "7b22",
    "a word of letters with accents": "\u00ff",
    "here-strings that do not end": "irm @'\n",
    "comments that do not end": "irm -a <#",
    "values that PowerShell writes": "$a | ",
    "here-strings on their own": "@'\n",
    "methods in methods": "irm [a]::GetBytes(",
    "hash tables in hash tables": "irm @{a=",
    "commands of PowerShell": "irm $",
    "events of no stream": 'data: {"a":1}\n',
    "texts that are added to each other": '"{\\"a\\": " +\n',
    "lists of answers in lists": '[{"candidates":[]}, ',
    "documents with an anchor": "a: &a [x]\n---\n",
    "documents of one word": "a\n---\n",
    "fences further and further from the margin": "```yaml\n".join(" " * margin for margin in range(200)),
    "comments with commands": "// curl curl curl",
    "remarks that do not end": "curl -d '{ /* /*",
    "arrays that do not end": "a=(\n",
    "arrays that grow": "a+=(b)\n",
    "texts of PowerShell that do not end": '"{`"',
    "variables of cmd": "set a=b ",
    "calls of functions": "models.generate_content(f(",
    "builders that build nothing": "models.generateContent(A.builder().a(",
    "commands for other shells": "sh -c \"curl 'curl ",
    "quotes in quotes before a command": '\\"curl ',
    "shells as options of shells": "sh -",
    "values of a job of CI": "  A: b" + 400 * " " + "#\n",
    "functions of PowerShell": "function a($b) {\nirm -a $b\n}\na $c\n",
    "functions of PowerShell that do not end": "function a(\n(",
    "parameters of PowerShell": "param([a]",
    "lines between messages": "GET / HTTP/1.1\n-----\n",
    "names of threads": "[a-1",
    "raw texts that do not end": 'enerate format!(r#"',
    "texts with places": 'enerate f"{a}" % (',
    "calls of functions that ask": "def a(b):\n enerate\na('c')\n",
    "tables that hold themselves": "$a=@{a=$a}\n",
}


def read_or_refuse(path: Path, content: str) -> None:
    path.write_text(content)
    with suppress(BadCassette):  # refused in time is as good
        importers.read(path)


def test_blanks_behind_the_mark_of_a_comment_take_time_that_grows_with_their_number(tmp_path: Path) -> None:
    command = f"curl {ASK} -d '{{\"contents\": []}}'\n; "
    assert grows_evenly(lambda size: read_or_refuse(tmp_path / "a.sh", command + " " * size), 4_000)


@pytest.mark.parametrize("name", TEXTS)
def test_text_takes_time_that_grows_with_its_length(name: str, tmp_path: Path) -> None:
    path, text = tmp_path / "page.txt", TEXTS[name]

    def work(size: int) -> None:
        read_or_refuse(path, '"candidates" "contents"\n' + text * (size // len(text)))

    assert grows_evenly(work, 10_000)


@pytest.mark.parametrize(
    ("begin", "piece", "end"),
    [
        ("jq -n '{a: \"", '\\"', "}' | curl https://a.example/v1beta/models/gemini-2.5-flash:generateContent -d @-\n"),
        ('models.generateContent({model: "a", contents: ', "a.", "})"),
    ],
    ids=["quotes in a filter of jq", "names with dots"],
)
def test_a_value_takes_time_that_grows_with_its_length(begin: str, piece: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    assert grows_evenly(lambda size: read_or_refuse(path, begin + piece * size + end), 2_000)


def test_programs_in_a_page_take_time_that_grows_with_their_number(tmp_path: Path) -> None:
    program = 'requests.post("{}", json={{"contents": [{{"parts": [{{"text": "Question {}?"}}]}}]}})\n'

    def work(size: int) -> None:
        page = "".join(f"```python\n{program.format(ASK, number)}```\n\n" for number in range(size))
        read_or_refuse(tmp_path / "page.md", page)

    assert grows_evenly(work, 100)


def test_a_block_of_html_that_is_not_closed_takes_no_time(tmp_path: Path) -> None:
    ask = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
    path, command = tmp_path / "page.html", f"\ncurl {ask} -d '{{\"contents\": []}}'\n"
    assert grows_evenly(lambda size: read_or_refuse(path, "<pre>" * size + command), 4_000)
    assert len(importers.read(path)) == 1


def test_many_bodies_that_unfold_to_much_are_cut(tmp_path: Path) -> None:
    bodies = [b64encode(gzip.compress(b"%d" % number + b" " * 3_900_000)).decode() for number in range(12)]
    ask = {"url": "https://a.example/v1beta/models/gemini-2.5-flash:generateContent", "body": "{}"}
    path = tmp_path / "bodies.json"
    path.write_text(json.dumps([{"request": ask, "response": {"status": 200, "body": body}} for body in bodies]))
    sizes = [len(item.exchange.content) for item in sources.read(path).items if isinstance(item, Interaction)]
    assert len(sizes) == 12
    assert sizes[0] > 3_900_000 > sum(sizes[-3:])


def test_no_more_than_a_hundred_candidates_are_read_on_their_own() -> None:
    answers = {"candidates": [{"content": {"parts": [{"text": "a"}]}}] * 300}
    assert len(list(by_candidate(read(exchange(answers))))) == 100


ASK = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
DOUBLED: Mapping[str, str] = {
    "a.sh": "A='long text'\n" + "A=$A$A\n" * 60 + f'curl {ASK} -d "$A"\n',
    "texts.ps1": "$a = 'long text'\n" + '$a = "$a$a"\n' * 60 + f"irm -Uri {ASK} -Method POST -Body $a\n",
    "lists.ps1": "$a = 'long text'\n"
    + "$a = @($a, $a)\n" * 30
    + f"irm -Uri {ASK} -Method POST -Body ($a | ConvertTo-Json)\n",
    "deep.ps1": "$a = 'text'\n"
    + "$a = @{a = $a}\n" * 5_000
    + f"irm -Uri {ASK} -Method POST -Body ($a | ConvertTo-Json)\n",
    "a.http": "@a = long text\n" + "@a = {{a}}{{a}}\n" * 60 + f"\nPOST {ASK}\n\n{{{{a}}}}\n",
}


@pytest.mark.parametrize("name", DOUBLED)
def test_a_variable_that_doubles_again_and_again_is_no_request_of_gigabytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(DOUBLED[name])
    (found,) = importers.read(path)
    assert isinstance(found, Unread)
    assert "in its place" in found.reason or "in their place" in found.reason


def test_a_format_of_powershell_is_not_filled_in_beyond_its_room(tmp_path: Path) -> None:
    path = tmp_path / "a.ps1"
    path.write_text(f"$a = '{'x' * 20_000}'\n$a = '{'{0}' * 10_000}' -f $a\nirm -Uri {ASK} -Method POST -Body $a\n")
    tracemalloc.start()
    (found,) = importers.read(path)
    assert isinstance(found, Unread)
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_a_program_with_nul_in_its_texts_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "a.java"
    path.write_text('client.models.generateContent("gemini-2.5-flash", "a""\0""""""\0""", null);\n')
    read_or_refuse(path, path.read_text())


@pytest.mark.parametrize("end", ["<<<", "<", "<<", "$(", "$'", "\\"])
def test_a_command_that_ends_within_a_sign_is_no_traceback(end: str, tmp_path: Path) -> None:
    path = tmp_path / "a.sh"
    path.write_text(f"curl {ASK} -d @- {end}")
    assert len(importers.read(path)) == 1
