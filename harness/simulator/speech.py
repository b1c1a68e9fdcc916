"""Audio of speech models: real samples with a tone for each word. The pitch depends on the voice."""

from __future__ import annotations

import base64
import math
import re
import struct
from array import array
from functools import lru_cache
from typing import Any

from harness.simulator.request import Ask
from harness.simulator.seed import Seed

RATE = 24_000
"""Samples a second, 16 bits each, one channel, as Gemini sends them."""
WORD, GAP = 0.08, 0.04
"""Seconds of the tone for a word, and of the silence after it. Real speech is three times as long; short tones keep recordings small."""
MOST_WORDS = 250
_SECONDS = re.compile(r"\b(\d{1,2}|one|two|three|five|ten|twenty|thirty)[- ]seconds?\b", re.IGNORECASE)
_SPELLED = {"one": 1, "two": 2, "three": 3, "five": 5, "ten": 10, "twenty": 20, "thirty": 30}
RAW = f"audio/L16;codec=pcm;rate={RATE}"


def speaks(ask: Ask) -> bool:
    """Whether the answer is speech."""
    return "audio_out" in ask.facts.features and "text_out" not in ask.facts.features


def parts(ask: Ask, prompt: str) -> list[dict[str, Any]]:
    """The prompt as audio: raw samples, or a WAV file if ``responseFormat`` asks for one."""
    words = _spoken(prompt)
    samples = b"".join(_tone(_pitch(_voice(ask, word), word)) for word in words)
    asked = str(ask.config.get("responseFormat", {}).get("audio", {}).get("mimeType", "")).lower()
    wav = "wav" in asked
    data = base64.b64encode(_wav(samples) if wav else samples).decode()
    return [{"inlineData": {"mimeType": "audio/wav" if wav else RAW, "data": data}}]


def _spoken(prompt: str) -> list[str]:
    """The words of the prompt; repeated or cut to the length that it asks for (``for about 5 seconds``)."""
    words = prompt.split()[:MOST_WORDS] or ["silence"]
    if not (asked := _SECONDS.search(prompt)):
        return words
    seconds = _SPELLED.get(asked[1].lower()) or int(asked[1])
    count = min(round(seconds / (WORD + GAP)), 2 * MOST_WORDS)
    return (words * (1 + count // len(words)))[: max(count, 1)]


def _voice(ask: Ask, word: str) -> str:
    """The name of the voice. With several speakers: the voice of the speaker that the word names."""
    speech = ask.config.get("speechConfig", {})
    speakers = speech.get("multiSpeakerVoiceConfig", {}).get("speakerVoiceConfigs", ())
    named = next(
        (speaker for speaker in speakers if str(speaker.get("speaker", "")).lower() == word.strip(":,.").lower()), None
    )
    config = (named or speech).get("voiceConfig", {})
    return str(config.get("prebuiltVoiceConfig", {}).get("voiceName", ""))


def _pitch(voice: str, word: str) -> int:
    """The frequency of the tone in hertz, a multiple of 20."""
    return 140 + 20 * (Seed.of("voice", voice).number("pitch") % 8) + 20 * (len(word) % 5)


@lru_cache(maxsize=64)
def _tone(hertz: int) -> bytes:
    """The samples of one word (16-bit little-endian): a sine tone, then silence."""
    count = int(RATE * WORD)
    swell = [8000 * math.sin(math.pi * n / count) * math.sin(2 * math.pi * hertz * n / RATE) for n in range(count)]
    samples = array("h", [int(value) for value in swell] + [0] * int(RATE * GAP))
    return struct.pack(f"<{len(samples)}h", *samples)


def _wav(samples: bytes) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    data = struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data
