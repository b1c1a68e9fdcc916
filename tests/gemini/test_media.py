"""The type of bytes compared with their declared type."""

from __future__ import annotations

import base64

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
