"""Blocks of code in pages end where the mark that began them ends."""

from __future__ import annotations

import pytest

from harness.text.code_blocks import code_blocks


@pytest.mark.parametrize(
    ("page", "blocks"),
    [
        ("```sh\na\n```\nb\n```\nc\n```\n", [("sh", "a\n"), ("", "c\n")]),
        ("````md\n```yaml\na\n```\n````\n", [("md", "```yaml\na\n```\n")]),
        ("~~~ yaml\n```\na\n~~~~\n", [("yaml", "```\na\n")]),
        ("- b\n  ```py\n      ```\n  ```\n", [("py", "      ```\n")]),
        ("``` is no `block` here\n```\na\n```\n", [("", "a\n")]),
        ("```sh\na\n", [("sh", "a\n")]),
        ("[source,sh]\n----\na\n----\nb\n----\nc\n", [("", "a\n")]),
        (".. code-block:: sh\n\n   a\n\nb\n", [("sh", "\n   a\n\n")]),
    ],
)
def test_a_block_has_a_language_and_a_text(page: str, blocks: list[tuple[str, str]]) -> None:
    assert [(block.language, block.text) for block in code_blocks(page)] == blocks
