"""For programs: exactly one JSON document. Long lists in it are written as they come, so that they are never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TextIO, get_args

from harness.report import Kind, View, output
from harness.results.rows import dumps, row_line


def write_document(document: Any, _view: View, out: TextIO) -> None:
    """One JSON document, with all that the others show."""
    out.writelines(written(document.to_json()))
    out.write("\n")


def written(document: Mapping[str, Any]) -> Iterator[str]:
    """A list that comes as an iterator has one element a line; one of its elements may have such lists too."""
    if not _has_long_lists(document):
        yield dumps(document, indent=1)
        return
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' if number else '{'}\n {dumps(name)}: "
        yield from _elements(value) if isinstance(value, Iterator) else [dumps(value, indent=1)]
    yield "\n}"


def _elements(values: Iterator[Any]) -> Iterator[str]:
    yield "["
    for number, value in enumerate(values):
        yield f"{',' if number else ''}\n  "
        yield from written(value) if _has_long_lists(value) else [row_line(value).decode()]
    yield "\n ]"


def _has_long_lists(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(item, Iterator) for item in value.values())


for _kind in get_args(Kind):
    output("json", of=_kind)(write_document)
