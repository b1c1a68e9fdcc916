"""What the media of a prompt show: the colour and size of a picture, the kind and length of a sound, the text of a PDF.

What cannot be read without a decoder (JPEG, H.264, speech) is described by its size or its length only.
"""

from __future__ import annotations

import io
import re
import struct
import wave
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice, pairwise
from typing import Any, NamedTuple

from harness.gemini import media
from harness.simulator.knowledge import KnownFact
from harness.simulator.media import page_count
from harness.simulator.prompt_reading import labels_of, words_of

COLOURS = {
    "red": (220, 30, 30), "green": (30, 160, 60), "blue": (30, 60, 220), "yellow": (240, 220, 40), "orange": (250, 140, 20), "purple": (130, 40, 160),
    "pink": (250, 150, 190), "brown": (130, 80, 40), "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "cyan": (30, 210, 220),
}  # fmt: skip
MOST_PIXELS = 40_000
"""The colour of a larger picture is not read: that would take too long."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""PNG colour type -> bytes of a pixel, at 8 bits."""
MOST_TEXT = 20_000
_MOST_READ, _MOST_STREAMS, _MOST_INFLATED = 2_000_000, 20, 200_000
"""The most bytes of a PDF that are read, the most streams of them, and the most bytes of a stream."""
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.){1,2000})\)\s*(?:Tj|'|\")|\[((?:[^\[\]\\]|\\.){1,5000})\]\s*TJ")
_PIECE = re.compile(rb"\(((?:[^()\\]|\\.)*)\)")
_ESCAPE = re.compile(rb"\\([()\\])")
_QUIET, _STEADY = 200, 0.1
"""A peak of samples below this is silence; crossings of zero whose distances vary by less than this share are one tone."""


class Medium(NamedTuple):
    """What is true of one file: a ``kind`` (picture, sound, video, document), a ``word`` that answers what it shows (empty if that is not known),
    a sentence ``about`` it without its subject, the ``text`` of a document, and named ``facts``."""

    kind: str
    word: str
    about: str
    text: str = ""
    facts: Mapping[str, Any] = {}


def shown(parts: Iterable[Mapping[str, Any]]) -> list[Medium]:
    """What the inline media among these parts show."""
    blobs = [part["inlineData"] for part in parts if "inlineData" in part]
    return [found for blob in blobs if (found := _medium(media.mime_type(blob), media.content(blob) or b"", blob))]


def answer(prompt: str, found: Sequence[Medium]) -> KnownFact | None:
    """The answer to a question about these media; None if nothing is known about them."""
    text = "\n".join(medium.text for medium in found if medium.text)
    if text and (labelled := _labelled(prompt, text)):
        return labelled
    if not found:
        return None
    words = " and ".join(dict.fromkeys(medium.word for medium in found if medium.word))
    names = [_named(found, place) for place in range(len(found))]
    sentences = [f"{name} {medium.about}." for name, medium in zip(names, found, strict=True)]
    if _TIMED.search(prompt):
        sentences = [f"[{n // 60:02}:{n % 60:02}] {sentence}" for n, sentence in enumerate(sentences)]
    return KnownFact(words or found[0].kind, " ".join(sentences), facts=found[0].facts)


_TIMED = re.compile(r"\btime ?(?:stamp|code)s?\b", re.IGNORECASE)


def documents(parts: Iterable[Mapping[str, Any]]) -> list[str]:
    """The texts of the documents among these parts."""
    return [medium.text for medium in shown(part for part in parts if is_document(part)) if medium.text]


def is_document(part: Mapping[str, Any]) -> bool:
    return str(part.get("inlineData", {}).get("mimeType")).startswith(("text/", "application/pdf"))


def _named(found: Sequence[Medium], place: int) -> str:
    same = [medium.kind for medium in found].count(found[place].kind)
    if same == 1:
        return f"The {found[place].kind}"
    number = [medium.kind for medium in found[: place + 1]].count(found[place].kind)
    return (
        f"The {('first', 'second', 'third', 'fourth')[number - 1] if number < 5 else f'{number}th'} {found[place].kind}"
    )


def _labelled(prompt: str, text: str) -> KnownFact | None:
    """The value after the longest label of a document whose words are all in the question."""
    asked, labels = set(words_of(prompt)), labels_of(text)
    fitting = [label for label in labels if set(words_of(label)) and set(words_of(label)) <= asked]
    label = max(fitting, key=len, default="")
    return KnownFact(labels[label], f"The {label} is {labels[label]}.", facts={label: labels[label]}) if label else None


def _medium(mime: str, data: bytes, blob: Mapping[str, Any]) -> Medium | None:
    if mime.startswith("text/"):
        text = data[:MOST_TEXT].decode("utf-8", "replace")
        return Medium("document", "", f'begins with "{text.strip().partition(chr(10))[0][:100]}"', text)
    if mime == "application/pdf":
        return _document(data)
    if mime.startswith("image/"):
        return _picture(mime, data)
    if mime.startswith("audio/"):
        return _sound(data, media.seconds(blob))
    if mime.startswith("video/"):
        return _video(data)
    return None


# --- pictures -----------------------------------------------------------------------------------------


def _picture(mime: str, data: bytes) -> Medium | None:
    size = media.image_size(data)
    if size is None:
        return None
    with suppress(zlib.error, IndexError, ValueError, KeyError):
        colour = _colour(data, *size) if mime == "image/png" and size[0] * size[1] <= MOST_PIXELS else ""
        facts = {"width": size[0], "height": size[1], **({"colour": colour, "color": colour} if colour else {})}
        kind = f"a {mime.partition('/')[2].upper()} image of {size[0]} by {size[1]} pixels"
        return Medium("picture", colour, f"is {colour}. It is {kind}" if colour else f"is {kind}", facts=facts)
    return None


def _colour(data: bytes, width: int, height: int) -> str:
    """The name of the most frequent colour of a PNG; empty for interlaced ones and depths other than 8 bits and palettes."""
    depth, kind, interlaced = data[24], data[25], data[28]
    if interlaced or (depth != 8 and kind != 3):
        return ""
    chunks = _chunks(data)
    pixel = _CHANNELS[kind] if depth == 8 else 1
    rows = _rows(
        zlib.decompressobj().decompress(chunks[b"IDAT"], 8 * MOST_PIXELS), -(-width * pixel * depth // 8), pixel
    )
    counts: dict[bytes, int] = {}
    for row in list(rows)[:height]:
        for place in range(0, len(row), pixel):
            value = row[place : place + pixel]
            counts[value] = counts.get(value, 0) + 1
    return _nearest(_rgb(max(counts, key=counts.__getitem__), kind, depth, chunks.get(b"PLTE", b"")))


def _chunks(data: bytes) -> Mapping[bytes, bytes]:
    """Name and content of the chunks of a PNG; those of one name as one."""
    at, found = 8, defaultdict[bytes, bytearray](bytearray)
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        found[name] += data[at + 8 : at + 8 + size]
        at += 12 + size
    return {name: bytes(content) for name, content in found.items()}


def _rows(data: bytes, length: int, pixel: int) -> Iterator[bytes]:
    """The rows without their filters (PNG, section 9)."""
    before = bytes(length)
    for start in range(0, len(data) - length, length + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + length])
        if kind > 2 or (kind and any(row)):
            for at in range(length):
                left, corner = (row[at - pixel], before[at - pixel]) if at >= pixel else (0, 0)
                row[at] = (row[at] + _predicted(kind, left, before[at], corner)) & 0xFF
        before = before if kind == 2 and not any(row) else bytes(row)
        yield before


def _predicted(kind: int, left: int, above: int, corner: int) -> int:
    if kind < 4:
        return (0, left, above, (left + above) // 2)[kind]
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def _rgb(value: bytes, kind: int, depth: int, palette: bytes) -> Sequence[int]:
    if kind == 3:
        place = 3 * (value[0] >> (8 - depth))
        return palette[place : place + 3]
    return value[:3] if kind in (2, 6) else value[:1] * 3


def _nearest(colour: Sequence[int]) -> str:
    return min(COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(colour, COLOURS[name], strict=True)))


# --- sounds and videos --------------------------------------------------------------------------------


def _sound(data: bytes, seconds: float | None) -> Medium | None:
    if seconds is None:
        return None
    word = _character(_samples(data))
    is_one = {"tone": "is a steady tone. It ", "silence": "is silence. It "}.get(word, "")
    seconds = round(seconds, 1)
    return Medium(
        "sound", word, f"{is_one}lasts {seconds:.1f} seconds", facts={"seconds": seconds, "duration": seconds}
    )


def _samples(data: bytes) -> Sequence[int]:
    """The first samples of a WAV file with one channel of 8 or 16 bits, as 16 bits; none of another file."""
    try:
        with wave.open(io.BytesIO(data)) as sound:
            width, frames = sound.getsampwidth(), sound.readframes(32_000) if sound.getnchannels() == 1 else b""
    except (wave.Error, EOFError, struct.error):
        return ()
    if width == 1:
        return [(sample - 128) * 256 for sample in frames]
    return array("h", frames[: len(frames) // 2 * 2]) if width == 2 else ()


def _character(samples: Sequence[int]) -> str:
    """``silence`` or ``tone``; empty for any other sound."""
    if not samples or max(map(abs, samples)) < _QUIET:
        return "silence" if samples else ""
    crossings = [at for at, (one, two) in enumerate(pairwise(samples)) if one < 0 <= two]
    gaps = [two - one for one, two in pairwise(crossings)]
    return "tone" if gaps and max(gaps) - min(gaps) <= max(1, _STEADY * max(gaps)) else ""


def _video(data: bytes) -> Medium | None:
    """The length of an MP4, from its ``mvhd`` box (ISO 14496-12)."""
    at = data.find(b"mvhd") + 4
    scale, length = (int.from_bytes(data[at + place : at + place + 4], "big") for place in (12, 16))
    if at < 4 or data[at : at + 1] != b"\0" or not scale:
        return None
    seconds = round(length / scale, 1)
    return Medium("video", "", f"lasts {seconds:.1f} seconds", facts={"seconds": seconds, "duration": seconds})


# --- documents ----------------------------------------------------------------------------------------


def _document(data: bytes) -> Medium:
    pages = page_count(data)
    streams = (_inflated(found[1]) for found in islice(_STREAM.finditer(data, 0, _MOST_READ), _MOST_STREAMS))
    lines = [line for stream in streams if b"BT" in stream for line in _lines(stream)]
    starts = f'. It begins with "{lines[0][:100]}"' if lines else ""
    text = "\n".join(lines)[:MOST_TEXT]
    return Medium("document", "", f"has {pages} page{'s' * (pages > 1)}{starts}", text, {"pages": pages})


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream, _MOST_INFLATED)
    except zlib.error:
        return stream[:_MOST_INFLATED]


def _lines(stream: bytes) -> Iterator[str]:
    """The texts that a page shows, one for each operator."""
    for found in _SHOWN.finditer(stream):
        pieces = [found[1]] if found[1] else _PIECE.findall(found[2])
        yield _ESCAPE.sub(rb"\1", b"".join(pieces)).decode("latin-1")
