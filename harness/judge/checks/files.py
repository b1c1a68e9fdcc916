"""Files in the answer: images, sound and documents."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypedDict

from harness.gemini import media
from harness.judge.checks.parameters import Count, MimeType, Refuse
from harness.judge.predicates import NumberPredicate, NumberWords, differs, split_count, with_count
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch
from harness.text.project import Project

ASPECT_TOLERANCE = 0.03
"""How far an image may be from its aspect ratio, as a share of it. Models round to whole blocks: 16:9 is 1344x768 (1.6% off),
and 5:4 is 1152x896 (2.9% off). The nearest two ratios of the API, 5:4 and 4:3, are 6.7% apart."""


class InlineWords(NumberWords, total=False):
    """How many files there are, and what each file must be."""

    mimeType: Annotated[MimeType, "the declared type"]  # noqa: N815  the wire's word
    bytes: Annotated[NumberPredicate, "the size of the decoded file, in bytes"]


def _aspect_complaint(value: Any, _: Project) -> str | None:
    return None if _ratio(value) else f'{value!r} is not an aspect ratio; write it in quotes, like "16:9"'


def _ratio(text: str) -> float | None:
    across, _, down = text.partition(":")
    numbers = [int(side) for side in (across, down) if side.isdecimal() and len(side) < 6]
    return numbers[0] / numbers[1] if len(numbers) == 2 and all(numbers) else None


class ImageWords(TypedDict, total=False):
    """How many images there are, and what each image must be."""

    count: Annotated[Count, "how many images there are; at least one, if this is not given"]
    mimeType: Annotated[MimeType, "the declared type"]
    width: Annotated[NumberPredicate, "pixels, as the header of the file says"]
    height: Annotated[NumberPredicate, "pixels, as the header of the file says"]
    aspect: Annotated[str, 'width to height, such as "16:9"; up to 3% off, as models round', Refuse(_aspect_complaint)]


class AudioWords(TypedDict, total=False):
    """What the sound must be."""

    seconds: Annotated[NumberPredicate, "the length of all sound in the answer, of raw samples (L16) or WAV files"]
    mimeType: Annotated[MimeType, "the declared type of each piece, without its parameters"]


@check("inlineData")
def inline_data(evidence: Evidence, expected: NumberPredicate | InlineWords) -> Iterator[Mismatch]:
    """The files in the answer (``inlineData`` parts).

    A number is how many files there are (at least one, if none is given). Every file must have the given fields. Draft
    images, which are thoughts, do not count. The invariant ``inline-mime`` compares their first bytes with their type.

        inlineData: {mimeType: {starts_with: image/}, bytes: {min: 10000}}
        inlineData: 0
    """
    count, words = split_count(expected, {"min": 1})
    found = evidence.reply.inline_data
    yield from differs("inlineData (count)", len(found), count)
    for index, file in enumerate(found):
        at = f"inlineData[{index}]"
        if "mimeType" in words:
            yield from differs(f"{at}.mimeType", media.mime_type(file), words["mimeType"])
        if "bytes" in words:
            yield from differs(f"{at} (bytes)", len(media.content(file) or b""), words["bytes"])


@check("images")
def images(evidence: Evidence, expected: int | ImageWords) -> Iterator[Mismatch]:
    """The images in the answer: their number, type, size and aspect ratio. Draft images, which are thoughts, do not count.

    A number is how many images there are. Every image must have the given fields. Sizes are read from the headers of PNG,
    JPEG, WebP and GIF files.

        images: {count: 1, mimeType: image/png, aspect: "16:9"}
        images: {width: {min: 1024}, height: {min: 1024}}
        images: 0
    """
    words = with_count(expected)
    found = [file for file in evidence.reply.inline_data if media.mime_type(file).startswith("image/")]
    yield from differs("images (count)", len(found), words["count"])
    for index, image in enumerate(found):
        if "mimeType" in words:
            yield from differs(f"images[{index}].mimeType", media.mime_type(image), words["mimeType"])
        if words.keys() & {"width", "height", "aspect"}:
            yield from _wrong_size(f"images[{index}]", media.content(image) or b"", words)


def _wrong_size(at: str, data: bytes, words: Mapping[str, Any]) -> Iterator[Mismatch]:
    size = media.image_size(data)
    if size is None:
        message = f"expected a PNG, JPEG, WebP or GIF file whose size can be read, got {len(data):,} other bytes"
        yield Mismatch(at, "an image", None, message)
        return
    for name, pixels in zip(("width", "height"), size, strict=True):
        if name in words:
            yield from differs(f"{at}.{name}", pixels, words[name])
    wanted = _ratio(words.get("aspect", ""))
    if wanted and not (size[1] > 0 and abs(size[0] / size[1] / wanted - 1) <= ASPECT_TOLERANCE):
        message = f"expected {words['aspect']}, got {size[0]}x{size[1]}, which is not within 3% of it"
        yield Mismatch(f"{at} (aspect)", words["aspect"], f"{size[0]}x{size[1]}", message)


@check("audio")
def audio(evidence: Evidence, expected: AudioWords) -> Iterator[Mismatch]:
    """The sound in the answer: its type, and its length in seconds. There must be some; a stream sends it in pieces.

    The length is read from WAV files, and from raw 16-bit samples with a rate (``audio/L16;codec=pcm;rate=24000``).

        audio: {seconds: {min: 1, max: 20}, mimeType: audio/l16}
    """
    found = [file for file in evidence.reply.inline_data if media.mime_type(file).startswith("audio/")]
    if not found:
        yield Mismatch("audio", dict(expected), None, "expected sound, got an answer without any audio part")
        return
    if "mimeType" in expected:
        for index, piece in enumerate(found):
            yield from differs(f"audio[{index}].mimeType", media.mime_type(piece), expected["mimeType"])
    if "seconds" in expected:
        yield from _wrong_length(found, expected["seconds"])


def _wrong_length(pieces: Sequence[Mapping[str, Json]], expected: NumberPredicate) -> Iterator[Mismatch]:
    total = 0.0
    for index, piece in enumerate(pieces):
        length = media.seconds(piece)
        if length is None:
            message = f"expected WAV, or raw samples with a rate, to read the length of, got {piece.get('mimeType')!r}"
            yield Mismatch(f"audio[{index}]", expected, piece.get("mimeType"), message)
            return
        total += length
    yield from differs("audio (seconds)", round(total, 3), expected)
