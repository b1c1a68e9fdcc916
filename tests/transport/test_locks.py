"""Locked dependencies: with hashes, without addresses, and one version of a package for all of them where that can be."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
LOCKS = ["requirements", *(f"requirements-{group}" for group in GROUPS)]
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / f"{lock}.lock").read_text("utf-8")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address_is_told(lock: str) -> None:
    text = (ROOT / f"{lock}.lock").read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("group", GROUPS)
def test_locks_agree_on_the_versions_of_shared_packages(group: str) -> None:
    ours, theirs = pinned("requirements"), pinned(f"requirements-{group}")
    assert {name: theirs[name] for name in ours.keys() & theirs} == {name: ours[name] for name in ours.keys() & theirs}


@pytest.mark.parametrize("group", GROUPS)
def test_what_a_group_asks_for_is_locked(group: str) -> None:
    wanted = {re.match(r"[a-z0-9-]+", requirement)[0] for requirement in GROUPS[group]}  # type: ignore[index]
    assert wanted <= pinned(f"requirements-{group}").keys()
