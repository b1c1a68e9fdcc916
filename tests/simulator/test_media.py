"""Images and speech of the simulator are real files, and media tokens are counted as in recorded answers."""

from __future__ import annotations

import base64
import io
import json
import struct
import wave
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gemini.media import mismatched_type
from harness.simulator.app import Simulator
from harness.simulator.images import jpeg
from harness.simulator.traffic import Call

IMAGE, SPEECH = "gemini-3-pro-image", "gemini-3.8-flash-tts"


def answer(model: str, body: dict[str, Any], verb: str = "generateContent") -> Any:
    path = f"/v1beta/models/{model}:{verb}"
    sent = Simulator().handle(Call("POST", path, {}, {"x-goog-api-key": "k"}, json.dumps(body).encode()))
    assert sent.status == 200, sent.content
    return json.loads(sent.content)


def asking(text: str = "hi", *parts: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}, *parts]}], "generationConfig": config}


def data(found: Any) -> tuple[dict[str, str], bytes]:
    blob = found["candidates"][0]["content"]["parts"][-1]["inlineData"]
    return blob, base64.b64decode(blob["data"])


# --- media in the prompt -------------------------------------------------------------------------------


def picture(colour: tuple[int, int, int], width: int = 20, height: int = 10, filtered: int = 0) -> bytes:
    """A PNG file of one colour with a black first row, its rows filtered by none, Sub, Up or Paeth."""
    rows, before = b"", bytes(3 * width)
    for row in [bytes(3 * width), *[bytes(colour) * width] * (height - 1)]:
        left, corner = bytes(3) + row[:-3], bytes(3) + before[:-3]
        guesses = {0: bytes(3 * width), 1: left, 2: before, 4: bytes(map(nearest, left, before, corner))}[filtered]
        rows += bytes([filtered]) + bytes((value - guess) & 255 for value, guess in zip(row, guesses, strict=True))
        before = row
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def nearest(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def sound(value: Callable[[int], int], seconds: float = 1.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(b"".join(struct.pack("<h", value(at)) for at in range(int(8000 * seconds))))
    return file.getvalue()


def page(*lines: str) -> bytes:
    shown = "BT " + " T* ".join(f"({line}) Tj" for line in lines) + " ET"
    return b"%PDF-1.4\n<< /Type /Page >>\nstream\n" + zlib.compress(shown.encode()) + b"\nendstream\n"


RED, BLUE = picture((230, 20, 25)), picture((20, 40, 200), 30, 12)
BILL = page("Bill number: B-77", "Customer: Iris Wolf", "tea, quantity 3, price 4.50", "jam, quantity 1, price 6.25")


def blob(mime: str, content: bytes) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(content).decode()}}


@pytest.mark.parametrize(
    ("question", "parts", "words"),
    [
        ("Which colour is this? One word.", [blob("image/png", RED)], ["red"]),
        ("How large is it?", [blob("image/png", BLUE)], ["blue", "30 by 12 pixels"]),
        ("Compare the pictures.", [blob("image/png", RED), blob("image/png", BLUE)], ["first picture is red", "second picture is blue"]),
        ("What is this?", [blob("image/jpeg", jpeg(48, 16))], ["JPEG image of 48 by 16 pixels"]),
        ("What do you hear?", [blob("audio/wav", sound(lambda at: 9000 * (1 if at % 20 < 10 else -1)))], ["steady tone", "1.5 seconds"]),
        ("What do you hear?", [blob("audio/wav", sound(lambda _at: 0))], ["silence"]),
        ("What is the bill number? Number only.", [blob("application/pdf", BILL)], ["B-77"]),
        ("Sum this up.", [blob("application/pdf", BILL)], ["1 page", "Bill number: B-77"]),
        ("Sum this up.", [blob("text/plain", b"Lamps are lit at dusk.")], ["Lamps are lit at dusk."]),
    ],
)  # fmt: skip
def test_a_question_about_media_is_answered_from_their_bytes(question: str, parts: list[Any], words: list[str]) -> None:
    found = answer("gemini-3.8-flash", {"contents": [{"parts": [*parts, {"text": question}]}]})
    text = found["candidates"][0]["content"]["parts"][0]["text"]
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("filtered", [0, 1, 2, 4])
@pytest.mark.parametrize(
    ("name", "colour"), [("green", (40, 150, 70)), ("orange", (255, 145, 10)), ("white", (250, 250, 250))]
)
def test_a_colour_is_found_through_the_filters_of_png(filtered: int, name: str, colour: tuple[int, int, int]) -> None:
    body = {
        "contents": [
            {"parts": [blob("image/png", picture(colour, filtered=filtered)), {"text": "Which colour? One word."}]}
        ]
    }
    assert answer("gemini-3.8-flash", body)["candidates"][0]["content"]["parts"][0]["text"] == name


def test_a_document_is_read_into_a_schema() -> None:
    line = {"type": "OBJECT", "properties": {"quantity": {"type": "INTEGER"}, "price": {"type": "NUMBER"}}}
    properties = {"customer": {"type": "STRING"}, "lines": {"type": "ARRAY", "items": line}}
    config = {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": properties}}
    found = answer("gemini-3.8-flash", asking("Extract it.", blob("application/pdf", BILL), **config))
    value = json.loads(found["candidates"][0]["content"]["parts"][0]["text"])
    assert value["customer"] == "Iris Wolf"
    assert value["lines"] == [{"quantity": 3, "price": 4.5}, {"quantity": 1, "price": 6.25}]


@given(
    st.sampled_from([RED, BILL, sound(lambda at: at % 100, 0.1), b"\0\0\0\x10ftypmvhd"]),
    st.integers(0, 200),
    st.binary(max_size=30),
)
def test_broken_media_are_no_error(content: bytes, cut: int, rest: bytes) -> None:
    for mime in ("image/png", "audio/wav", "application/pdf", "video/mp4"):
        answer(
            "gemini-3.8-flash", asking("What is this?", blob(mime, (content[:cut] + rest + content[cut + 9 :]) or b"x"))
        )


# --- images -------------------------------------------------------------------------------------------


def png_size(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", content[16:24])
    bits = {0: 1, 2: 3, 3: 1}[content[25]] * content[24]
    at = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[at - 4 : at])
    assert len(zlib.decompress(content[at + 4 : at + 4 + length])) == height * (1 + -(-bits * width // 8))
    return width, height


@pytest.mark.parametrize(("ratio", "size"), [("1:1", (1024, 1024)), ("16:9", (1376, 768)), ("3:4", (896, 1200))])
def test_an_image_is_a_png_of_the_requested_shape(ratio: str, size: tuple[int, int]) -> None:
    blob, content = data(answer(IMAGE, asking("A cat.", imageConfig={"aspectRatio": ratio})))
    assert len(content) < 5000
    assert blob["mimeType"] == "image/png"
    assert mismatched_type(blob) is None
    assert png_size(content) == size


@pytest.mark.parametrize(
    ("model", "size", "side", "tokens"),
    [("gemini-3.1-flash-image", "512", 512, 1120), (IMAGE, "2K", 2048, 1120), (IMAGE, "4K", 4096, 2000)],
)
def test_an_image_has_the_requested_size(model: str, size: str, side: int, tokens: int) -> None:
    found = answer(
        model, asking("A cat.", responseModalities=["IMAGE"], imageConfig={"aspectRatio": "1:1", "imageSize": size})
    )
    assert png_size(data(found)[1]) == (side, side)
    (counted,) = found["usageMetadata"]["candidatesTokensDetails"]
    assert (counted["modality"], counted["tokenCount"]) == ("IMAGE", tokens)


@pytest.mark.parametrize(
    ("model", "ratio", "size"),
    [
        ("gemini-2.5-flash-image", "16:9", (1344, 768)),
        ("gemini-2.5-flash-image", "2:3", (832, 1248)),
        ("gemini-3.1-flash-image", "8:1", (3072, 384)),
        ("gemini-3.1-flash-image", "9:16", (768, 1376)),
    ],
)
def test_an_image_has_the_size_that_its_model_draws(model: str, ratio: str, size: tuple[int, int]) -> None:
    assert png_size(data(answer(model, asking("A cat.", imageConfig={"aspectRatio": ratio})))[1]) == size


def test_a_jpeg_on_request() -> None:
    image = {"mimeType": "IMAGE_JPEG", "aspectRatio": "ASPECT_RATIO_SIXTEEN_BY_NINE"}
    blob, content = data(answer(IMAGE, asking("A cat.", responseFormat={"image": image})))
    assert blob["mimeType"] == "image/jpeg"
    assert mismatched_type(blob) is None
    assert struct.pack(">HH", 768, 1376) in content[:200]
    assert content[-2:] == b"\xff\xd9"


@pytest.mark.parametrize("asked", ["Hum for 4 seconds.", "A hum, about four words and 4 seconds long"])
def test_speech_has_the_requested_length(asked: str) -> None:
    content = data(answer(SPEECH, asking(asked, responseModalities=["AUDIO"])))[1]
    assert abs(len(content) / 48_000 - 4) < 0.2


def test_speech_is_raw_samples_and_longer_for_more_words() -> None:
    found = [answer(SPEECH, asking(text, responseModalities=["AUDIO"])) for text in ("Hello", "Hello to all of you")]
    short, long = (data(candidate) for candidate in found)
    assert short[0]["mimeType"] == "audio/L16;codec=pcm;rate=24000"
    assert len(long[1]) == 5 * len(short[1])
    samples = struct.unpack(f"<{len(short[1]) // 2}h", short[1])
    assert max(samples) > 5000
    assert min(samples) < -5000
    seconds = len(long[1]) / 48_000
    assert found[1]["usageMetadata"]["candidatesTokensDetails"] == [
        {"modality": "AUDIO", "tokenCount": round(25 * seconds)}
    ]


def test_a_wav_file_on_request() -> None:
    blob, content = data(
        answer(
            SPEECH, asking("Hello", responseModalities=["AUDIO"], responseFormat={"audio": {"mimeType": "audio/wav"}})
        )
    )
    assert mismatched_type(blob) is None
    assert struct.unpack("<4sI4s", content[:12]) == (b"RIFF", len(content) - 8, b"WAVE")
    assert struct.unpack("<HHIIHH", content[20:36]) == (1, 1, 24_000, 48_000, 2, 16)


def test_voices_sound_different() -> None:
    def spoken(voice: str) -> bytes:
        speech = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
        return data(answer(SPEECH, asking("Hello", responseModalities=["AUDIO"], speechConfig=speech)))[1]

    assert len({spoken(voice) for voice in ("Kore", "Puck", "Zephyr", "Charon")}) > 1


# --- token counts -------------------------------------------------------------------------------------


def wav(seconds: int) -> str:
    samples = bytes(8000 * seconds)
    head = (
        b"RIFF"
        + struct.pack("<I", 36 + len(samples))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    )
    return base64.b64encode(head + b"data" + struct.pack("<I", len(samples)) + samples).decode()


PDF = base64.b64encode(b"%PDF-1.4\n<< /Type /Pages /Count 3 >>" + b"<< /Type /Page >>" * 3).decode()
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


@pytest.mark.parametrize(
    ("part", "model", "modality", "count"),
    [
        (PICTURE, "gemini-2.5-flash", "IMAGE", 258),
        (PICTURE, "gemini-3-flash-preview", "IMAGE", 1088),
        ({**PICTURE, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}, "gemini-3-flash-preview", "IMAGE", 280),
        ({"inlineData": {"mimeType": "application/pdf", "data": PDF}}, "gemini-2.5-flash", "DOCUMENT", 3 * 258),
        ({"inlineData": {"mimeType": "application/pdf", "data": PDF}}, "gemini-3-flash-preview", "IMAGE", 3 * 532),
        ({"inlineData": {"mimeType": "audio/wav", "data": wav(4)}}, "gemini-2.5-flash", "AUDIO", 4 * 32),
        ({"inlineData": {"mimeType": "audio/wav", "data": wav(4)}}, "gemini-3-flash-preview", "AUDIO", 4 * 25),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}, "videoMetadata": {"startOffset": "2s", "endOffset": "7s"}}, "gemini-2.5-flash", "VIDEO", 5 * 263),
    ],
)  # fmt: skip
def test_media_are_counted_as_recorded(part: Any, model: str, modality: str, count: int) -> None:
    body = asking("hi", part)
    usage = answer(model, body)["usageMetadata"]
    assert {"modality": modality, "tokenCount": count} in usage["promptTokensDetails"]
    sound = 5 * 32 if "videoMetadata" in part else 0
    assert usage["promptTokenCount"] == count + sound + 1
    counted = answer(model, {"contents": body["contents"]}, "countTokens")
    assert counted["totalTokens"] == usage["promptTokenCount"]


def test_a_lower_resolution_for_the_whole_request() -> None:
    usage = answer("gemini-3-flash-preview", asking("hi", PICTURE, mediaResolution="MEDIA_RESOLUTION_MEDIUM"))[
        "usageMetadata"
    ]
    assert {"modality": "IMAGE", "tokenCount": 560} in usage["promptTokensDetails"]
