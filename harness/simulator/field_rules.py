"""Rules about single fields. The API lists all broken ones in one error, as ``* path: rule`` lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.simulator import prompt_markers, schemas
from harness.simulator.request import Ask

CATEGORIES = (*prompt_markers.CATEGORIES, "HARM_CATEGORY_CIVIC_INTEGRITY")
"""The categories that ``safetySettings`` may have."""
MOST_CANDIDATES = 8
MOST_LOGPROBS = 20
_ROOT = "GenerateContentRequest"
_CONFIG = f"{_ROOT}.generation_config"
_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,127}")


def broken(ask: Ask) -> Iterator[str]:
    """``path: rule`` for every rule that the request breaks."""
    yield from _contents(ask)
    yield from _safety(ask)
    yield from _ranges(ask)
    yield from _speech(ask)
    if "responseSchema" in ask.config:
        yield from schemas.broken(ask.config["responseSchema"], f"{_CONFIG}.response_schema")
    yield from _declarations(ask)


def _contents(ask: Ask) -> Iterator[str]:
    if not ask.contents:
        yield f"{_ROOT}.contents: contents is not specified"
    for index, content in enumerate(ask.body.get("contents", ())):
        at = f"{_ROOT}.contents[{index}].parts"
        if not content.get("parts"):
            yield f"{at}: contents.parts must not be empty."
        for place, part in enumerate(content.get("parts", ())):
            if not part:
                yield f"{at}[{place}].data: required oneof field 'data' must have one initialized field"


def _safety(ask: Ask) -> Iterator[str]:
    for index, setting in enumerate(ask.body.get("safetySettings", ())):
        if setting.get("category") not in CATEGORIES:
            among = ", ".join(f"HarmCategory.{category}" for category in CATEGORIES)
            yield f"{_ROOT}.safety_settings[{index}]: element predicate failed: $.category in ({among})"


def _ranges(ask: Ask) -> Iterator[str]:
    config = ask.config
    if not 0 <= config.get("temperature", 1) <= 2:
        yield f"{_CONFIG}.temperature: temperature must be in the range [0.0, 2.0]."
    if not 0 <= config.get("topP", 1) <= 1:
        yield f"{_CONFIG}.top_p: top_p must be in the range [0.0, 1.0]."
    if config.get("maxOutputTokens", 1) < 1:
        yield f"{_CONFIG}.max_output_tokens: max_output_tokens must be positive."
    if not 1 <= config.get("candidateCount", 1) <= MOST_CANDIDATES:
        yield f"{_CONFIG}.candidate_count: candidate_count must be in the range [1, {MOST_CANDIDATES}]."
    if not 0 <= config.get("logprobs", 1) <= MOST_LOGPROBS:
        yield f"{_CONFIG}.logprobs: logprobs must be in the range [0, {MOST_LOGPROBS}]."


def _speech(ask: Ask) -> Iterator[str]:
    speech = ask.config.get("speechConfig", {})
    if "voiceConfig" in speech and "multiSpeakerVoiceConfig" in speech:
        yield f"{_CONFIG}.speech_config: voice_config and multi_speaker_voice_config are mutually exclusive."


def _declarations(ask: Ask) -> Iterator[str]:
    for place, tool in enumerate(ask.body.get("tools", ())):
        for index, declaration in enumerate(tool.get("functionDeclarations", ())):
            at = f"{_ROOT}.tools[{place}].function_declarations[{index}]"
            if not _NAME.fullmatch(declaration.get("name", "")):
                yield f"{at}.name: Invalid function name. Must start with a letter or an underscore."
            if "parameters" in declaration:
                yield from schemas.broken(declaration["parameters"], f"{at}.parameters", function=True)
