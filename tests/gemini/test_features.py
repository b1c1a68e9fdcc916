"""The vocabulary of features: every shipped suite has its tags from there, and what is promised is in a suite."""

from __future__ import annotations

import re
from pathlib import Path

from harness.config import load
from harness.gemini.features import features
from harness.gemini.providers import ROWS
from harness.run.session import tagged

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"`([^`]+)`")
WORD = re.compile(
    r"[a-z]+(?:[A-Z][a-z]+)+\b|google_search|x-goog-api-key|Bearer"
    r"|\b(?:role|index|license|probability|blocked|category|modality|uri|title|thought)\b"
)


def test_shipped_suites_have_the_tags_of_the_vocabulary() -> None:
    used = tagged(load(ROOT))
    assert set(used) == set(features())
    assert len({suite for suites in used.values() for suite in suites}) == len(list((ROOT / "suites").glob("*.yaml")))


def test_a_feature_is_promised_by_known_providers() -> None:
    assert {name for feature in features().values() for name in feature.promised} <= set(ROWS)
    assert all(feature.about and feature.promised for feature in features().values())


def test_what_the_page_of_the_gateway_promises_is_in_a_suite(shared: Path) -> None:
    page = (shared / "reference/page.md").read_text("utf-8").partition("**Native against")[0]
    promised = {word for name in NAME.findall(page) for word in WORD.findall(name)}
    suites = "".join(path.read_text("utf-8") for path in (ROOT / "suites").glob("*.yaml"))
    assert len(promised) > 40
    assert {word for word in promised if word not in suites} == set()
