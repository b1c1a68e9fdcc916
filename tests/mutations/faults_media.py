"""Faults of pictures and sound."""

from __future__ import annotations

import base64

from harness.answer.reply import parts_of
from harness.gemini import media
from tests.mutations.draft import Draft, Object, need
from tests.mutations.registry import fault


def _blob(d: Draft, kind: str = "") -> Object:
    found = [
        part["inlineData"]
        for part in d.parts("inlineData")
        if str(part["inlineData"].get("mimeType", "")).startswith(kind)
    ]
    need(found)
    blob: Object = d.random.choice(found)
    need(len(blob.get("data", "")) > 40)
    return blob


def _bytes(blob: Object) -> bytes:
    return base64.b64decode(blob["data"])


def _store(blob: Object, data: bytes) -> None:
    blob["data"] = base64.b64encode(data).decode()


def _shaped(d: Draft) -> tuple[Object, tuple[int, int]]:
    d.stopped()
    blob = _blob(d, "image/")
    size = media.image_size(_bytes(blob))
    need(size and len(d.parts("inlineData")) == 1)
    assert size is not None
    return blob, size


@fault("inline-mime")
def other_type(d: Draft) -> None:
    blob = _blob(d, "image/")
    declared = blob["mimeType"]
    blob["mimeType"] = d.random.choice([one for one in ("image/png", "image/jpeg", "image/webp") if one != declared])


@fault("modality")
def picture_lost(d: Draft) -> None:
    d.stopped()
    need(d.get("generationConfig", "responseModalities"))
    for part in d.parts("inlineData"):
        part.pop("inlineData")
        part["text"] = "Here is your picture."


@fault("10c-text-and-only-a-draft", "modality")
def only_a_draft(d: Draft) -> None:
    d.stopped()
    _blob(d, "image/")
    d.configure(responseModalities=["TEXT", "IMAGE"])
    d.put({"includeThoughts": True}, "generationConfig", "thinkingConfig")
    for part in d.parts("inlineData"):
        part["thought"] = True
    d.last.setdefault("content", {"role": "model", "parts": []}).setdefault("parts", []).append({"text": "Here it is."})


@fault("base64")
def character_outside_base64(d: Draft) -> None:
    blob = _blob(d)
    at = d.random.randrange(len(blob["data"]))
    blob["data"] = blob["data"][:at] + d.random.choice(["*", "%", "$", "\u2026"]) + blob["data"][at + 1 :]


@fault("base64")
def address_in_place_of_data(d: Draft) -> None:
    _blob(d)["data"] = "https://storage.example.com/a.png"


@fault("image-whole")
def picture_cut(d: Draft) -> None:
    blob = _blob(d, "image/")
    need(blob["mimeType"] in ("image/png", "image/jpeg"))
    whole = _bytes(blob)
    _store(blob, whole[: max(60, int(len(whole) * d.random.uniform(0.3, 0.95)))])


@fault("image-shape")
def other_aspect_ratio(d: Draft) -> None:
    _, (width, height) = _shaped(d)
    asked = d.random.choice([(1, 1), (16, 9), (9, 16), (3, 4), (21, 9)])
    need(abs(width / height - asked[0] / asked[1]) > 0.3)
    d.configure(imageConfig={"aspectRatio": f"{asked[0]}:{asked[1]}"})


@fault("01b-image-size-ignored", "image-shape")
def small_picture_for_a_large_one(d: Draft) -> None:
    _, (width, height) = _shaped(d)
    need(max(width, height) < 1500 and not d.exchange.provenance.simulated)
    d.configure(imageConfig={"imageSize": "4K"})


def _sound(d: Draft) -> Object:
    d.stopped()
    blob = _blob(d, "audio/")
    need(media.seconds(blob))
    return blob


@fault("audio-length")
def sound_cut(d: Draft) -> None:
    blob = _sound(d)
    length = media.seconds(blob) or 0.0
    need(length > 1 and "L16" in blob["mimeType"] and len(d.parts("inlineData")) == 1)
    need(d.usage.get("candidatesTokenCount", 0) >= 20 * length)
    whole = _bytes(blob)
    _store(blob, whole[: int(len(whole) * d.random.uniform(0.05, 0.35)) // 2 * 2])


@fault("27b-audio-shorter-than-billed-stream", "audio-length")
def billed_for_more_sound(d: Draft) -> None:
    blob = _sound(d)
    tokens = int(25 * (media.seconds(blob) or 0) * d.random.uniform(3, 8)) + 25
    d.recount(candidatesTokenCount=tokens)
    d.usage["candidatesTokensDetails"] = [{"modality": "AUDIO", "tokenCount": tokens}]
    need(len(d.parts("inlineData")) == 1)


@fault("inline-mime")
def page_in_place_of_a_picture(d: Draft) -> None:
    _store(_blob(d, "image/"), b"<html><body>Payment required</body></html>" * 3)


@fault("base64")
def signature_cut(d: Draft) -> None:
    found = [part for one in d.candidates() for part in parts_of(one) if len(part.get("thoughtSignature", "")) > 40]
    need(found and "REDACTED" not in found[-1]["thoughtSignature"])
    found[-1]["thoughtSignature"] = found[-1]["thoughtSignature"][:30] + d.random.choice(["…", "...", " [cut]"])
