"""The reference page, which is generated from the checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from harness.judge.checks.parameters import complaints
from harness.judge.registry import all_checks, all_rules
from harness.text import shape
from harness.text.project import Project
from tests.check_reference import reference

PAGE = reference()
EXAMPLES = [
    yaml.safe_load(line)
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for line in re.split(r"\n(?! )", block.strip())
]


def test_every_check_and_rule_is_on_the_page() -> None:
    assert all(f"\n## `{name}`\n" in PAGE for name in all_checks())
    assert all(f"| `{rule}` |" in PAGE for rule in all_rules())
    assert all(check.doc.splitlines()[0].endswith(".") for check in all_checks().values())
    assert "Annotated" not in PAGE
    assert "ForwardRef" not in PAGE


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_is_valid(example: dict[str, object]) -> None:
    ((name, parameter),) = example.items()
    kind = all_checks()[name].parameter
    assert shape.findings(parameter, kind) == []
    assert [
        message for _, message in complaints(kind, parameter, Project(Path())) if "there is no file" not in message
    ] == []


def test_the_page_has_an_example_for_each_check() -> None:
    assert {name for example in EXAMPLES for name in example} == all_checks().keys()
