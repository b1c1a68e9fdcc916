from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite import template
from harness.suite.template import Reader, Template, Undefined
from harness.text.project import Project


class Messages(list[str]):
    def __call__(self, _route: Any, text: str, message: str, _hint: str) -> None:
        self.append(f"{text}: {message}")


def resolve(value: Any, folder: Path = Path(), route: Any = (), **environ: str) -> Any:
    messages = Messages()
    made = Reader(Project(folder), environ, messages, {}).resolve(value, route)
    assert not messages, messages
    return made


def complaints(value: Any, folder: Path = Path(), route: Any = ()) -> list[str]:
    messages = Messages()
    Reader(Project(folder), {}, messages, {}).resolve(value, route)
    return messages


def filled(value: Any, **scope: Any) -> Any:
    return template.fill(resolve(value), scope)


def test_a_row_fills_texts_and_whole_values() -> None:
    row = {"city": "Oslo", "n": 3, "list": [1, {"x": 2}], "no": None}
    assert filled("in ${row.city}, ${row.n} times, ${row.no}", row=row) == "in Oslo, 3 times, null"
    assert filled({"max": "${row.n}", "all": ["${row.list}"]}, row=row) == {"max": 3, "all": [[1, {"x": 2}]]}
    assert filled("${row.list.1.x}", row=row) == 2


def test_captures_stay_when_rows_are_filled() -> None:
    made = filled("${row.a} ${capture.b}", row={"a": "x ${capture.b}"})
    assert made == "x ${capture.b} ${capture.b}"
    assert template.fill(made, {"capture": {"b": 7}}) == "x ${capture.b} 7"


def test_placeholders_in_filled_values_are_not_filled(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("${row.x} ${env:HOME} $${")
    made = resolve("<${file:a.txt}> ${row.x} ${env:V}", tmp_path, V="${row.x}")
    assert template.fill(made, {"row": {"x": "${row.x}"}}) == "<${row.x} ${env:HOME} $${> ${row.x} ${row.x}"


def test_two_dollars_escape_a_placeholder() -> None:
    assert resolve("$${row.x} costs $5 and $${") == "${row.x} costs $5 and ${"
    assert filled("$${row.x} ${row.x}", row={"x": 1}) == "${row.x} 1"


def test_the_first_variable_that_is_set_is_used() -> None:
    assert resolve("${env:A|B}", B="b", C="c") == "b"
    assert complaints("x ${env:A|B}") == ["${env:A|B}: A and B: not set in the environment"]


def test_a_file_becomes_a_value_or_text_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "STRING"}')
    (tmp_path / "s.yaml").write_text("{type: NO}")
    (tmp_path / "p.png").write_bytes(b"\x89PNG\xff")
    assert resolve("${file:s.json}", tmp_path, ("cases", 0, "schema")) == {"type": "STRING"}
    assert resolve({"x": "${file:s.yaml}"}, tmp_path, ("cases", 0, "request")) == {"x": {"type": "NO"}}
    assert resolve("${file:s.json}", tmp_path, ("cases", 0, "prompt")) == '{"type": "STRING"}'
    assert resolve("a ${file:s.json}", tmp_path, ("cases", 0, "request", "x")) == 'a {"type": "STRING"}'
    part = {"text": "${file:s.json}", "inlineData": {"data": "${file:p.png}"}}
    assert resolve(part, tmp_path, ("cases", 0, "request")) == {
        "text": '{"type": "STRING"}',
        "inlineData": {"data": "iVBOR/8="},
    }


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("${foo}", "${foo}: ${foo} is not a known placeholder"),
        ("${HOME}/x", "${HOME}: ${HOME} is not a known placeholder"),
        ("a ${row.x", "${row.x: ${ is never closed"),
        ("${file:none.txt}", "${file:none.txt}: cannot read none.txt: no such file or directory"),
        ("${file:.}", "${file:.}: cannot read .: is a directory"),
        ("${file:bad.txt}", "${file:bad.txt}: bad.txt is not UTF-8 text (byte 1)"),
    ],
)
def test_invalid_placeholders_are_reported(tmp_path: Path, text: str, messages: str) -> None:
    (tmp_path / "bad.txt").write_bytes(b"a\xff")
    assert complaints(text, tmp_path) == [messages]


def test_an_undefined_name_suggests_a_defined_one() -> None:
    with pytest.raises(Undefined, match=r'\$\{row.cuntry\} is not defined; did you mean "country"\?'):
        filled("${row.cuntry}", row={"country": "x"})


def rows(folder: Path, name: str, content: str) -> tuple[Any, list[str]]:
    (folder / name).write_text(content, "utf-8", newline="")
    messages = Messages()
    return Reader(Project(folder), {}, messages, {}).rows(name, (), "${file:" + name + "}"), messages


def test_rows_of_every_kind(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", '\ufeffa,b\r\n1,"x, y"\r\n\r\n2,"two\nlines"\r\n')[0] == [
        {"a": "1", "b": "x, y"},
        {"a": "2", "b": "two\nlines"},
    ]
    assert rows(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": [2]}\n')[0] == [{"a": 1}, {"a": [2]}]
    assert rows(tmp_path, "a.json", '[{"a": 1}]')[0] == [{"a": 1}]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "a,b\n1,2\n3\n", "a.csv:3: expected a value for each of 2 columns, got 1"),
        ("a.csv", "a,a\n1,2\n", "a.csv:1: two columns have the same name"),
        ("a.csv", 'a\n"x" y\n', "a.csv:2:"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "a.jsonl:2: not JSON"),
        ("a.jsonl", "3\n", "a.jsonl:1: a row must be an object"),
        ("a.json", "{}", "a.json must hold a list of objects"),
        ("a.txt", "x", "rows come from .csv, .jsonl or .json"),
    ],
)
def test_rows_that_cannot_be_read(tmp_path: Path, name: str, content: str, words: str) -> None:
    found, (messages,) = rows(tmp_path, name, content)
    assert found == []
    assert words in messages


def test_every_ragged_row_is_reported_with_its_line(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", 'a,b\n1\n"x\ny",2\n3,4,5\n') == (
        [],
        [
            "${file:a.csv}: a.csv:2: expected a value for each of 2 columns, got 1",
            "${file:a.csv}: a.csv:5: expected a value for each of 2 columns, got 3",
        ],
    )
    found, _ = rows(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')
    named = [template.row_label(row, number) for number, row in enumerate(found, 1)]
    assert named == ["row 1 (a.jsonl:1)", "row 2 (a.jsonl:3)"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_do_it(tmp_path: Path, separator: str) -> None:
    text = f'\ufeffcountry{separator}capital\r\nÖsterreich{separator}"Wien{separator} Vienna"\r\n'
    assert rows(tmp_path, "a.csv", text) == ([{"country": "Österreich", "capital": f"Wien{separator} Vienna"}], [])


def test_blanks_after_all_separators_of_the_first_line_are_no_part_of_values(tmp_path: Path) -> None:
    text = 'country, capital\nPeru, "Lima, Perú"\nAustria,Vienna\n'
    assert rows(tmp_path, "a.csv", text)[0] == [
        {"country": "Peru", "capital": "Lima, Perú"},
        {"country": "Austria", "capital": "Vienna"},
    ]
    assert rows(tmp_path, "b.csv", "country,capital\nPeru, Lima\n")[0] == [{"country": "Peru", "capital": " Lima"}]


def test_a_file_without_rows_or_text_is_reported(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", "a,b\n") == ([], ["${file:a.csv}: a.csv holds no rows"])
    (tmp_path / "b.csv").write_bytes(b"a,b\n1,\xff\n")
    messages = Messages()
    assert Reader(Project(tmp_path), {}, messages, {}).rows("b.csv", (), "${file:b.csv}") == []
    assert messages == ["${file:b.csv}: b.csv:2: not UTF-8 text (byte 6); save it as UTF-8"]


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv", f"a\n{'x' * 200_000}\n")[1] == []


TEXT = st.text(alphabet="ab ${}.:\\é", max_size=12)


@given(TEXT)
def test_any_text_can_be_escaped(text: str) -> None:
    assert resolve(text.replace("${", "$${")) == text


@given(st.dictionaries(st.sampled_from("abc"), TEXT, min_size=1), TEXT)
def test_values_of_rows_are_filled_in_unchanged(row: dict[str, str], around: str) -> None:
    around = around.replace("${", "").replace("$", "")
    for name, value in row.items():
        assert filled(f"{around}${{row.{name}}}{around}", row=row) == around + value + around


def test_the_text_of_a_template_is_that_of_the_suite() -> None:
    made = resolve("a ${row.x} b")
    assert isinstance(made, Template)
    assert json.dumps([made]) == '["a ${row.x} b"]'
    assert template.has_references({"x": [made]})
    assert not template.has_references({"x": ["${row.x}"]})


# --- variables, files whose names are filled in, axes and targets -------------------------------------


def variables(value: Any, **given: Any) -> tuple[Any, list[str]]:
    messages = Messages()
    return Reader(Project(Path()), {}, messages, given).resolve(value), messages


def test_a_variable_keeps_its_type_where_it_stands_alone() -> None:
    assert variables(["${var.n}", "n = ${var.n}", "${var.t}"], n=3, t="${row.x}")[0] == [3, "n = 3", "${row.x}"]
    assert variables("${var.wrod}", word="x")[1] == ["${var.wrod}: ${var.wrod} has no value"]


def test_files_are_named_by_rows_axes_and_variables(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A ${row.n}")
    (tmp_path / "b.json").write_text('{"b": 1}')
    reader = Reader(Project(tmp_path), {}, Messages(), variables={"dir": "."})
    row = {"row": {"n": "a", "file": "b.json"}, "axis": {"kind": "txt"}}
    assert template.fill(reader.resolve("<${file:${var.dir}/${row.n}.${axis.kind}}>"), row) == "<A ${row.n}>"
    assert template.fill(reader.resolve("${file:${row.file}}", ("cases", 0, "request", "x")), row) == {"b": 1}
    assert template.fill(reader.resolve("${file:${row.file}}", ("cases", 0, "prompt")), row) == '{"b": 1}'
    assert set(reader.digests()) == {"./a.txt", "b.json"}


def test_a_late_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "pic.png").write_text("")
    made = Reader(Project(tmp_path), {}, Messages(), {}).resolve("${file:${row.n}}")
    with pytest.raises(Undefined, match=r'cannot read pic\.pgn: no such file or directory; did you mean "pic\.png"\?'):
        template.fill(made, {"row": {"n": "pic.pgn"}})


def test_scopes_are_filled_one_after_the_other() -> None:
    made = resolve("${model} ${provider} ${axis.a} ${row.r} ${capture.c} ${file:${capture.f}}")
    after = template.fill(made, {"target": {"model": "m", "provider": "p"}, "axis": {"a": [1]}, "row": {"r": None}})
    assert str(after) == "m p [1] null ${capture.c} ${file:${capture.f}}"
    assert [str(reference) for _, reference in template.references(after)] == ["${capture.c}", "${capture.f}"]


@pytest.mark.parametrize("text", ["${file:${row.x}", "${var.}", "${axis.}", "${Model}", "${ model }"])
def test_placeholders_that_are_none_are_reported(text: str) -> None:
    assert len(complaints(text)) == 1


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)
SCOPES = ("row", "axis", "capture")


@given(st.fixed_dictionaries(dict.fromkeys(SCOPES, VALUE)), st.permutations(SCOPES))
def test_the_order_of_filling_does_not_matter(values: dict[str, Any], order: list[str]) -> None:
    made = resolve(
        {"alone": [f"${{{scope}.x}}" for scope in SCOPES], "text": "".join(f"<${{{scope}.x}}>" for scope in SCOPES)}
    )
    for scope in order:
        assert template.has_references(made)
        made = template.fill(made, {scope: {"x": values[scope]}})
    assert made == {
        "alone": [values[scope] for scope in SCOPES],
        "text": "".join(f"<{template.as_text(values[scope])}>" for scope in SCOPES),
    }


@given(VALUE)
def test_what_holds_no_placeholder_is_returned_itself(value: Any) -> None:
    assert template.fill(value, {"row": {}, "axis": {}, "capture": {}}) is value
