"""Reported defects of Gemini endpoints and gateways, played with the checks that a user would write."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.answer import reply
from harness.judge import recorded as recordings
from harness.judge.judging import Judgement, judge
from harness.model import Evidence, Exchange, Expectation, Place
from tests.exchanges import exchange, request

EXPECT: Mapping[str, Mapping[str, Any]] = yaml.safe_load("""
d001: {thoughtsTokenCount: 0}
d003: {thoughts: {present: true}, thoughtsTokenCount: {min: 1}}
d005: {thoughtsTokenCount: {max: 50}}
d007: {text: {not: {starts_with: 'THOUGHT:'}}, thoughts: {present: true}}
d009: {text: {not: {matches: thought CRITICAL INSTRUCTION}}}
d011: {text: {present: true}, finishReason: STOP}
d013: {thoughts: {present: false}}
d015: {json: {valid: request}}
d016: {thoughtsTokenCount: {min: 1}}
d017: {json: {valid: request}, finishReason: STOP}
d019: {json: {valid: request, order: request, at: {$.final_answer: -15/4}}}
d021: {json: {valid: request}}
d023: {json: {valid: request}}
d025: {json: {valid: request}}
d027: {json: {valid: request, at: {$.title: {present: true}}}}
d029: {json: {valid: request}, finishReason: STOP}
d031: {http: 200, json: {valid: request}}
d033: {http: 200, functionCalls: {min: 1}}
d035: {groundingChunks: {min: 1}, groundingSupports: {min: 1}}
d037: {groundingChunks: {min: 1, kind: retrievedContext}}
d039: {groundingChunks: {min: 1}, webSearchQueries: {min: 1}}
d041: {groundingSupports: verified}
d043:
  groundingChunks: {uris: {each: {not: {contains: grounding-api-redirect}}}}
  path: {'$.candidates[0].groundingMetadata.groundingChunks[*].web.domain': {present: true}}
d045: {groundingChunks: {min: 1}}
d047: {text: {present: true}}
d049: {text: {starts_with: Hello}}
d051: {headers: {content-type: text/event-stream}}
d053: {finishReason: STOP}
d055: {text: {present: true}}
d057: {finishReason: STOP, text: {present: true}}
d059: {text: 'Hello there, friend'}
d061: {text: {contains: 🌍}}
d063: {headers: {content-type: text/event-stream}}
d064: {candidatesTokenCount: {min: 0}}
d066: {totalTokenCount: {min: 1}}
d069: {promptTokenCount: {min: 1}}
d071: {text: {present: true}}
d073: {finishReason: STOP, text: {present: true}}
d075: {candidates: 1, blockReason: {present: false}}
d077: {candidates: 1}
d079: {finishReason: STOP}
d081: {finishReason: MAX_TOKENS}
d083: {text: {present: true}, finishReason: MAX_TOKENS}
d085: {inlineData: {min: 1}}
d086: {functionCalls: [{name: create}], finishReason: STOP}
d088: {http: 200}
d090: {functionCalls: 1}
d092: {modelVersion: {starts_with: gemini-3-pro-preview}, thoughtsTokenCount: {max: 128}}
d094: {path: {$.modelStatus: {present: true}}}
d096: {text: PONG}
d098: {json: {valid: request}}
d100: {http: 200}
d102: {http: 200}
d104: {http: 200}
d106: {http: 200}
d108: {text: {present: true}}
d110: {http: 200}
d112: {http: 200, json: {valid: request}}
t01: {functionCalls: [{name: terminal}], thoughtsTokenCount: {min: 1}}
t03: {groundingSupports: {min: 1}}
t05: {groundingChunks: {min: 1}}
t07: {totalTokenCount: 238}
t09: {json: {valid: request}}
t11: {finishReason: STOP, totalTokenCount: 14}
t13: {text: héllo 世界}
""")
"""``d`` (a defect) or ``t`` (a trap: a correct answer that looks wrong) and number -> what a user would expect, as in a suite."""

DEFECTS = [key for key in EXPECT if key.startswith("d")]
TRAPS = [key for key in EXPECT if key.startswith("t")]
BY_INVARIANTS = frozenset(DEFECTS) - {"d016", "d037", "d039", "d043", "d045", "d094", "d096"}
"""Caught by invariants alone. In the others, only the user knows that the answer is wrong."""


@pytest.fixture
def defect(request: pytest.FixtureRequest, shared: Path) -> dict[str, Any]:
    (path,) = (shared / "defects").glob(f"{request.param.removeprefix('d')}-*.json")
    return dict(json.loads(path.read_text("utf-8")))


def number(name: str) -> str:
    return name[:3] if name.startswith("t") else f"d{name[:3]}"


def played(defect: Mapping[str, Any], response: Mapping[str, Any], wire: list[str] | None = None) -> Exchange:
    path = defect["request"]["path"]
    sent = request(defect["request"].get("body"), stream="streamGenerateContent" in path, path=path)
    return exchange(content(response, wire), sent, status=response["status"], headers=response["headers"])


def content(response: Mapping[str, Any], wire: list[str] | None) -> Any:
    if wire:
        return [base64.b64decode(piece) for piece in wire]
    return response["raw"].encode() if "raw" in response else response["body"]


def judged(defect: Mapping[str, Any], recorded: Exchange, expect: Mapping[str, Any]) -> Judgement:
    model, _ = recordings.operation(recorded.request) or (None, None)
    evidence = Evidence(
        exchange=recorded,
        reply=reply.read(recorded),
        request_body=defect["request"].get("body"),
        model=model,
        transport=recorded.request.transport,
        expects=expect,
    )
    expectations = [Expectation(name, parameter, Place("defect", 1)) for name, parameter in expect.items()]
    return judge(evidence, expectations, {})


def failures(judgement: Judgement, *severities: str) -> list[str]:
    bad = (verdict for verdict in judgement.verdicts if verdict.status in ("failed", "error"))
    return [f"{verdict.check}: {verdict.message}" for verdict in bad if verdict.severity in severities]


def expected(defect: Mapping[str, Any]) -> Mapping[str, Any]:
    return EXPECT[number(defect["id"])]


@pytest.mark.parametrize("defect", DEFECTS, indirect=True)
def test_a_defect_is_caught(defect: Mapping[str, Any]) -> None:
    recorded = played(defect, defect["response"], defect.get("wire_chunks_base64"))
    assert failures(judged(defect, recorded, expected(defect)), "error", "warn"), defect["defect"]


@pytest.mark.parametrize("defect", sorted(BY_INVARIANTS), indirect=True)
def test_an_invariant_catches_the_defect(defect: Mapping[str, Any]) -> None:
    recorded = played(defect, defect["response"], defect.get("wire_chunks_base64"))
    found = judged(defect, recorded, {})
    assert failures(found, "error", "warn"), defect["defect"]
    assert not [verdict for verdict in found.verdicts if verdict.status == "error"]


@pytest.mark.parametrize("defect", DEFECTS, indirect=True)
def test_its_healthy_twin_passes(defect: Mapping[str, Any]) -> None:
    recorded = played(defect, defect["healthy_variant"])
    assert failures(judged(defect, recorded, expected(defect)), "error") == []


@pytest.mark.parametrize("defect", TRAPS, indirect=True)
def test_a_trap_passes(defect: Mapping[str, Any]) -> None:
    recorded = played(defect, defect["response"], defect.get("wire_chunks_base64"))
    assert failures(judged(defect, recorded, expected(defect)), "error") == []


def test_every_defect_is_in_the_table(shared: Path) -> None:
    assert {number(path.name) for path in (shared / "defects").glob("*.json")} == set(EXPECT)
