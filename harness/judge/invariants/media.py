"""Media: the data is whole, matches its type, and is what was requested: the modality, the shape, the length that is billed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from math import sqrt

from harness.gemini import media
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import (
    by_modality,
    has_several_candidates,
    is_placeholder,
    number,
)
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import an_object


@rule("inline-mime", "error", per_candidate=True, needs="inlineData")
def inline_mime(evidence: Evidence) -> Iterator[Mismatch]:
    """The first bytes of inline data agree with its ``mimeType``, for types that have known first bytes. It is in small letters. Raw
    samples (``audio/L16``) have a rate there, and two bytes each.
    A viewer that trusts the type shows nothing.

    right: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/jpeg", "data": "iVBORw0KGgo="}}]}}]}
    """
    for index, blob in enumerate(evidence.reply.inline_data):
        if blob.get("data") and (found := media.mismatched_type(blob)) is not None:
            declared = media.mime_type(blob)
            message = f"mimeType is {declared}, the bytes are {found}"
            yield Mismatch(f"inlineData[{index}].mimeType", found, declared, message)
        elif isinstance(kind := blob.get("mimeType"), str) and not (_TYPE.match(kind) or is_placeholder(kind)):
            message = f"mimeType is {kind!r}: no media type"
            yield Mismatch(f"inlineData[{index}].mimeType", "type/subtype", kind, message)
        elif wrong := media.wrong_samples(blob):
            yield Mismatch(f"inlineData[{index}]", "16 bits at a rate", blob.get("mimeType"), wrong)


_TYPE = re.compile("(?!image/jpg|audio/mp3)[a-z]+/")


@rule("modality", "warn", of="finished", per_candidate=True, needs="responseModalities")
def modality(evidence: Evidence) -> Iterator[Mismatch]:
    """If IMAGE or AUDIO output is requested, the answer has such a part. A draft among the thoughts does not count.
    If other modalities are requested, it has none, except for pictures that code drew.

    asked: {"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}
    right: {"candidates": [{"content": {"parts": [{"text": "A fjord:"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "A fjord with a boat."}]}}]}
    """
    kinds = _kinds(evidence.reply.inline_data)
    drafts = _kinds(_drafts(evidence))
    asked = items_of(field(evidence.request_body, "generationConfig", "responseModalities"))
    modalities = [str(wanted).upper() for wanted in asked]
    drawn = any("executableCode" in part for part in evidence.reply.parts)
    for wanted in ("IMAGE", "AUDIO"):
        if wanted in modalities and wanted not in kinds:
            got = "got only a draft" if wanted in drafts else "got none"
            yield Mismatch("inlineData", wanted, sorted(kinds), f"{wanted} was requested, {got}")
        elif modalities and wanted in kinds - {*modalities} and not drawn:
            message = f"{wanted} came, requested was {', '.join(modalities)}"
            yield Mismatch("inlineData", modalities, wanted, message)


def _kinds(blobs: Iterable[Mapping[str, Json]]) -> set[str]:
    return {media.mime_type(blob).partition("/")[0].upper() for blob in blobs}


@rule("base64", "error", per_candidate=True, needs=("inlineData", "thoughtSignature"))
def base64(evidence: Evidence) -> Iterator[Mismatch]:
    """Inline data is base64, and not empty. A data URI (``data:image/png;base64,...``) is not. A warning if the data
    is in the url-safe alphabet or without its padding, or a thought signature is cut. The API refuses it in the next turn.

    right: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "data:image/png;base64,iVBORw0KGgo="}}]}}]}
    """
    for index, blob in enumerate(_all_data(evidence)):
        data = blob.get("data", "" if evidence.exchange.verbatim else None)
        if isinstance(data, str) and not is_placeholder(data):
            yield from _wrongly_encoded(data, f"inlineData[{index}].data")
    for index, part in enumerate(evidence.reply.parts):
        signature = part.get("thoughtSignature")
        if isinstance(signature, str) and not _is_whole_signature(signature) and not re.search(_SCRUBBED, signature):
            message = f"the thoughtSignature of parts[{index}] is cut, or no base64: it ends {signature[-40:]!r}"
            yield Mismatch(f"parts[{index}].thoughtSignature", "base64", signature[-80:], message, "warn")


def _wrongly_encoded(data: str, at: str) -> Iterator[Mismatch]:
    """What is no base64 or is empty, base64 that readers take only if they are lenient, and base64 of base64."""
    content = media.decoded(data)
    if not content:
        what = f"no base64: it begins {data[:40]!r}" if data else "empty"
        yield Mismatch(at, "base64", data[:80], f"{at} is {what}")
        return
    if "-" in data or "_" in data or len(data) % 4:
        what = "without its padding" if len(data) % 4 else "in the url-safe alphabet"
        yield Mismatch(at, "standard base64", data[-40:], f"{at} is base64 {what}", "warn")
    inside = content[:_INSIDE]
    if len(inside) == _INSIDE and re.fullmatch(_TWICE, inside):
        yield Mismatch(at, "the data", inside[:40].decode(), f"{at} is base64 of base64")


_INSIDE = 400
_TWICE = rb"(?=[^+/]*+[+/])[A-Za-z0-9+/]+"
_SHORTEST_JUDGED = 60
_FIELDS_OF_BYTES = (0x0A, 0x12)
"""How real signatures begin: a protocol buffer, whose first field holds bytes (in 750 recordings; a few begin with 1)."""


def _is_whole_signature(signature: str) -> bool:
    """Whether it is base64 and, where it is a protocol buffer, as long as its fields say."""
    packed = media.decoded(signature)
    if packed is None or (len(signature) > _LETTERS and signature == signature.lower()):
        return False
    if len(packed) > 2 * _SHORTEST_JUDGED and re.fullmatch(_TWICE, packed.rstrip(b"=")):
        return False
    is_message = len(packed) >= _SHORTEST_JUDGED and packed[0] in _FIELDS_OF_BYTES
    return not is_message or media.is_whole_message(packed)


_LETTERS = 35
"""Characters. As many in base64 have a capital letter; hexadecimal numbers and UUIDs have none."""
_SCRUBBED = r"(?i)redact|signature|scrub|placeholder|dummy|fake|skip|mask|[<{*x]{3}|^<|^.{0,15}$"
"""Signatures that recorders and tests write in the place of real ones."""


def _all_data(evidence: Evidence) -> list[Mapping[str, Json]]:
    """The inline data of the answer, and after it that of its drafts."""
    return [*evidence.reply.inline_data, *_drafts(evidence)]


def _drafts(evidence: Evidence) -> Iterator[Mapping[str, Json]]:
    """The inline data among the thoughts."""
    drafts = (an_object(part.get("inlineData")) for part in evidence.reply.parts if part.get("thought"))
    return filter(None, drafts)


@rule("image-whole", "error", per_candidate=True, needs="inlineData")
def image_whole(evidence: Evidence) -> Iterator[Mismatch]:
    """A picture is complete: a PNG, a JPEG, a GIF or a WebP file has its end. Proxies and logs cut what is long.

    right: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"}}]}}]}
    """
    for index, blob in enumerate(_all_data(evidence)):
        content = media.content(blob)
        if content and len(content) > _EXCERPT and (missing := media.missing_end(content)) is not None:
            message = f"the {media.mime_type(blob)} of {len(content):,} bytes is cut off: {missing}"
            yield Mismatch(f"inlineData[{index}].data", "a whole picture", len(content), message)


_EXCERPT = 64
"""Bytes. No picture is that small: such data is the beginning of one, in an example."""


_RATIO_MARGIN = 0.06
"""Pictures come in multiples of 32 pixels or so: 896 x 1152 for 4:5 is 3 % off. The nearest other ratio is 6.7 % away."""
_SIZE_MARGIN = 1.45
"""A side may be longer or shorter than the nominal size by this factor. The next size is twice as long."""


@rule("image-shape", "error", per_candidate=True, needs=("aspectRatio", "imageSize"))
def image_shape(evidence: Evidence) -> Iterator[Mismatch]:
    """A picture has the requested ``aspectRatio``, give or take 6 %. A warning if it is not of the requested ``imageSize``.

    Simulated pictures are small, whatever size is requested.

    asked: {"generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}}
    right: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/gif", "data": "R0lGODlhAAQABAAA"}}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/gif", "data": "R0lGODlhAAQAAgAA"}}]}}]}
    """
    if not evidence.reply.inline_data:
        return
    ratio = _requested_ratio(evidence)
    named = str(_image_config(evidence, "imageSize") or "").upper().removeprefix("IMAGE_SIZE_")
    side = None if evidence.exchange.provenance.simulated else _SIDES.get(named)
    for index, blob in enumerate(evidence.reply.inline_data if ratio or side else ()):
        width, height = media.image_size(media.content(blob) or b"") or (0, 0)
        if not width or not height:
            continue
        at, size = f"inlineData[{index}]", f"{width} x {height}"
        if ratio and not 1 - _RATIO_MARGIN <= width / height / ratio <= 1 + _RATIO_MARGIN:
            asked = _image_config(evidence, "aspectRatio")
            yield Mismatch(at, asked, size, f"the picture has {size} pixels, the requested aspectRatio is {asked}")
        if side and not 1 / _SIZE_MARGIN <= sqrt(width * height) / side <= _SIZE_MARGIN:
            asked = _image_config(evidence, "imageSize")
            message = f"the picture has {size} pixels, the requested imageSize is {asked}"
            yield Mismatch(at, asked, size, message, "warn")


def _image_config(evidence: Evidence, name: str) -> Json:
    """A field of ``imageConfig``, or of the newer ``responseFormat.image``, a list in Vertex AI."""
    found = field(evidence.request_body, "generationConfig", "imageConfig", name)
    if found is None:
        formats = items_of(field(evidence.request_body, "generationConfig", "responseFormat"))
        found = next((field(one, "image", name) for one in formats if field(one, "image", name)), None)
    return found


_WORDS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5, "EIGHT": 8, "NINE": 9, "SIXTEEN": 16, "TWENTY": 21}
_SIDES = {"512": 512, "0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096}
_SIDES |= {"FIVE_TWELVE": 512, "ONE_K": 1024, "TWO_K": 2048, "FOUR_K": 4096}
"""Size -> the nominal side of a square picture in pixels."""


def _requested_ratio(evidence: Evidence) -> float | None:
    """Width by height: from ``16:9``, or from ``ASPECT_RATIO_SIXTEEN_BY_NINE``."""
    asked = str(_image_config(evidence, "aspectRatio") or "").upper().removeprefix("ASPECT_RATIO_")
    sides = [number(side) or _WORDS.get(side.partition("_")[0]) for side in asked.replace("_BY_", ":").split(":")]
    width, height = sides if len(sides) == 2 else (None, None)
    return width / height if width and height else None


_HEADER, _SHORTEST_SILENCE = 44, 0.2
"""Bytes of a WAV file before its samples, and seconds."""
_TOKENS_A_SECOND = 25
"""Of audio output, by the price page of the API."""


@rule("audio-length", "warn", of="answer", per_candidate=True, needs="inlineData")
def audio_length(evidence: Evidence) -> Iterator[Mismatch]:
    """The audio is half to twice as long as its tokens, at 25 a second, and not silent throughout. Otherwise a part of it was lost, or
    more came than was billed.

    right: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "audio/L16;rate=200", "data": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}}]}}], "usageMetadata": {"candidatesTokenCount": 3}}
    wrong: {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "audio/L16;rate=200", "data": "AAAAAAAAAAAAAAAA"}}]}}], "usageMetadata": {"candidatesTokenCount": 3}}
    """
    blobs = [blob for blob in evidence.reply.inline_data if media.mime_type(blob).startswith("audio/")]
    lengths = [media.seconds(blob) for blob in blobs]
    for blob, seconds in zip(blobs, lengths, strict=True):
        if (seconds or 0) >= _SHORTEST_SILENCE and not (media.content(blob) or b"")[_HEADER:].strip(b"\0"):
            yield Mismatch("inlineData", "sound", f"{seconds:.1f} s", f"{seconds:.1f} s of audio are silent: all zeros")
    by_kind = by_modality(evidence.reply.usage, "candidatesTokensDetails")
    alone = 0 if evidence.reply.text else evidence.reply.count("candidatesTokenCount")
    billed = (by_kind.get("AUDIO", 0) if by_kind else alone) / _TOKENS_A_SECOND
    if not blobs or not billed or None in lengths or has_several_candidates(evidence):
        return
    length = sum(seconds or 0 for seconds in lengths)
    if not billed / 2 <= length <= 2 * billed + 1:
        message = f"{length:.1f} s of audio for {billed * _TOKENS_A_SECOND:.0f} tokens, which are {billed:.1f} s"
        yield Mismatch("inlineData", f"{billed:.1f} s", f"{length:.1f} s", message)
