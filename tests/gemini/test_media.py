"""The type of bytes compared with their declared type."""

from __future__ import annotations

import base64
import io
import struct
import wave
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gemini import media


@given(st.binary(max_size=40), st.booleans(), st.booleans())
def test_base64_of_either_alphabet_with_or_without_padding(data: bytes, safe: bool, padded: bool) -> None:
    text = (base64.urlsafe_b64encode if safe else base64.b64encode)(data).decode()
    assert media.content({"data": text if padded else text.rstrip("=")}) == data


@pytest.mark.parametrize("data", [None, 3, "a", "%%%%", "ab cd"])
def test_what_is_not_base64(data: object) -> None:
    assert media.content({"data": data}) is None


@pytest.mark.parametrize(
    ("start", "mime_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mp3"),
        (b"OggS", "audio/ogg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\0\0\0 ftypisom", "video/mp4"),
    ],
)
def test_first_bytes_agree_with_the_type(start: bytes, mime_type: str) -> None:
    data = base64.b64encode(start + b"0" * 20).decode()
    assert media.mismatched_type({"mimeType": f"{mime_type}; rate=1", "data": data}) is None
    assert (
        media.mismatched_type({"mimeType": "image/png" if mime_type != "image/png" else "image/gif", "data": data})
        is not None
    )


def test_types_without_a_signature_are_not_judged() -> None:
    assert media.mismatched_type({"mimeType": "audio/l16; rate=24000", "data": "AAAA"}) is None


# --- the size of an image

SIDES = st.integers(1, 0x3FFF)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height)


def jpeg(width: int, height: int) -> bytes:
    """With what may stand before the frame: a comment that looks like a frame, fill bytes, tables, a marker alone."""
    comment = b"\xff\xfe" + struct.pack(">H", 11) + b"\xff\xc0\0\x11\x08\0\x01\0\x01"
    tables = b"\xff\xc4" + struct.pack(">H", 4) + b"\xff\xff"
    frame = b"\xff\xff\xff\xc2" + struct.pack(">HBHHB", 8, 8, height, width, 3)
    return b"\xff\xd8" + comment + b"\xff\x01" + tables + frame


def webp(kind: bytes, content: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(content)) + content


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height | 0x8000))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14 | 1 << 28))


def extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


@pytest.mark.parametrize("made", [png, gif, jpeg, lossy, lossless, extended])
@given(width=SIDES, height=SIDES, cut=st.integers(0, 100))
def test_image_sizes(made: Callable[[int, int], bytes], width: int, height: int, cut: int) -> None:
    whole = made(width, height)
    assert media.image_size(whole + b"more") == (width, height)
    assert media.image_size(whole[:cut]) in (None, (width, height))


@given(
    st.sampled_from([b"", b"\xff\xd8", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n"]), st.binary(max_size=60)
)
def test_any_bytes_have_a_size_or_none(start: bytes, rest: bytes) -> None:
    found = media.image_size(start + rest)
    assert found is None or len(found) == 2


def test_images_of_the_simulator_have_their_size() -> None:
    from harness.simulator import images

    assert media.image_size(images.png(96, 54, (1, 2, 3))) == (96, 54)
    assert media.image_size(images.jpeg(96, 54)) == (96, 54)


# --- the length of a sound


def sound(kind: str, data: bytes) -> dict[str, str]:
    return {"mimeType": kind, "data": base64.b64encode(data).decode()}


@given(st.integers(0, 2000), st.sampled_from([8_000, 24_000]), st.integers(1, 2))
def test_the_length_of_raw_samples(count: int, rate: int, channels: int) -> None:
    samples = bytes(2 * channels * count)
    assert media.seconds(sound(f"audio/L16;codec=pcm;rate={rate};channels={channels}", samples)) == count / rate
    assert media.seconds(sound(f"audio/pcm; Rate={rate}", bytes(2 * count))) == count / rate


@given(st.integers(0, 2000), st.sampled_from([8_000, 24_000]), st.integers(1, 2), st.integers(1, 3))
def test_the_length_of_a_wav_file(count: int, rate: int, channels: int, width: int) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, width, rate, 0, "NONE", ""))
        writer.writeframes(bytes(count * channels * width))
    found = media.seconds(sound("audio/wav", file.getvalue()))
    assert found is not None
    assert found == pytest.approx(count / rate)


def test_a_wav_file_whose_length_was_not_known_yet() -> None:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 24_000, 48_000, 2, 16)
    streamed = b"RIFF\xff\xff\xff\xffWAVE" + form + struct.pack("<4sI", b"data", 0xFFFFFFFF) + bytes(24_000)
    assert media.seconds(sound("audio/wav", streamed)) == 0.5


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("audio/mpeg", b"ID3"),
        ("audio/L16", bytes(8)),
        ("audio/L16;rate=0", bytes(8)),
        ("audio/wav", b"RIFF\0\0\0\0WAVE"),
    ],
)
def test_a_length_that_cannot_be_read(kind: str, data: bytes) -> None:
    assert media.seconds(sound(kind, data)) is None
    assert media.seconds({"mimeType": "audio/L16;rate=8000", "data": "%%"}) is None
