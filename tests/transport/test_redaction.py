"""No credential reaches a disk, however it is spelled."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gemini.providers import ROWS
from harness.transport.redaction import Leaks, known
from tests.factories import URL, body, exchange, request

KEY = 'hunter2/"+=hunter2'
LEAKS = Leaks({"MY_KEY": KEY, "SHORT": "abc"})


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        quote(KEY, safe=""),
        json.dumps(KEY),
        b64encode(KEY.encode()).decode(),
        b64encode(b"user:" + KEY.encode() + b" and more").decode(),
        urlsafe_b64encode(b"{}" + KEY.encode()).decode(),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        json.dumps(json.dumps(KEY)),
        "".join(f"\\u{ord(character):04X}" for character in KEY),
        "".join(f"%{ord(character):02x}" for character in KEY),
        quote(b64encode(b"12" + KEY.encode()).decode(), safe=""),
    ],
    ids=[
        *("raw", "url", "json", "base64", "basic-auth", "urlsafe-base64"),
        *("hex", "upper-hex", "json-in-json", "all-u-escapes", "all-percent", "base64-in-address"),
    ],
)
def test_a_known_secret_is_found_in_every_spelling(text: str) -> None:
    leak = LEAKS.find(exchange(f'{{"echo": {text}}}'.encode()))
    assert leak is not None
    assert leak.startswith("the value of MY_KEY in the response's body, at byte ")
    assert KEY not in leak
    assert "[the value of MY_KEY]" in str(LEAKS.hidden({"echo": text, text: 1}))
    assert LEAKS.search(str(LEAKS.hidden({"echo": text, text: 1})).encode()) is None


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (exchange(sent=request(url=f"{URL}?key={quote(KEY, safe='')}")), "the request's address"),
        (exchange(sent=request(headers={"x-custom": KEY})), "the request's headers"),
        (exchange(sent=request(body(KEY))), "the request's body"),
        (exchange(headers={"x-echo": KEY}), "the response's headers"),
    ],
)
def test_it_is_looked_for_everywhere(found: object, place: str) -> None:
    assert place in str(LEAKS.find(found))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"[:35], "a Google API key"),
        ("token ya29." + "a" * 40, "a Google access token"),
        ("Authorization: Bearer " + "x1" * 12, "a bearer token"),
        ("at /v1/sk-abcdefghijklmnopqrstuv0123", "a key of a gateway"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
    ],
)
def test_what_looks_like_a_credential_is_one(text: str, what: str) -> None:
    assert str(Leaks({}).find(exchange(text.encode()))).startswith(what)


def test_ordinary_answers_are_clean() -> None:
    assert (
        LEAKS.find(
            exchange(b'{"text": "abc is short; the bearer of news; Bearer YOUR_ACCESS_TOKEN; AIza; my AIzaSyTooShort"}')
        )
        is None
    )
    assert Leaks({}).find(exchange(b'{"data": "zzAIza' + b"x" * 200 + b'"}')) is None


@given(st.text(min_size=8, max_size=30).filter(str.strip), st.binary(max_size=9), st.binary(max_size=9))
def test_base64_hides_nothing(secret: str, before: bytes, after: bytes) -> None:
    hidden = b64encode(before + secret.encode() + after)
    assert Leaks({"K": secret}).search(b'"' + hidden + b'"') is not None


def test_a_made_up_key_leaves_the_names_of_a_row() -> None:
    row = {"simulated": True, "recorded_from": "a simulated answer"}
    assert Leaks({"GEMINI_API_KEY": "simulated"}).hidden(row) == {
        "simulated": True,
        "recorded_from": "a [the value of GEMINI_API_KEY] answer",
    }


def test_what_is_told_names_the_secret_and_does_not_hold_it() -> None:
    value = {"text": f"my key is {KEY}.", "list": [1, None, {"url": f"?key={quote(KEY, safe='')}"}], "other": "abc"}
    redacted = LEAKS.hidden(value)
    assert redacted == {
        "text": "my key is [the value of MY_KEY].",
        "list": [1, None, {"url": "?key=[the value of MY_KEY]"}],
        "other": "abc",
    }
    clean = {"text": "nothing"}
    assert LEAKS.hidden(clean) is clean


def test_provider_keys_and_variables_named_secret_are_secrets() -> None:
    environ = {
        "GEMINI_API_KEY": " g ",
        "DB_PASSWORD": "p",
        "github_token": "t",
        "KEYBOARD": "de",
        "TOKENS": "9",
        "A": "b",
    }
    assert known(environ, ROWS) == {"GEMINI_API_KEY": "g", "DB_PASSWORD": "p", "github_token": "t"}


def test_what_its_name_or_its_value_says_is_a_secret() -> None:
    environ = {
        "GATEWAY_APIKEY": "one",
        "GITHUBTOKEN": "two",
        "SMTP_PASS": "three",
        "API_KEY_2": "four",
        "DB_URL": "postgres://me:hunter2%2F@db.example/x",
        "HTTPS_PROXY": "me:hunter3@proxy.example:3128",
        "WEBHOOK_URL": "https://example.com/?api_key=hunter4hunter4",
        "PLAIN": "sk-abcdefghijklmnopqrstuvwxyz0123",
        "PWD": "/somewhere",
        "MONKEY": "business",
        "HOME_URL": "https://example.com:8080/a@b",
    }
    assert known(environ) == {
        "GATEWAY_APIKEY": "one",
        "GITHUBTOKEN": "two",
        "SMTP_PASS": "three",
        "API_KEY_2": "four",
        "DB_URL": "hunter2/",
        "HTTPS_PROXY": "hunter3",
        "WEBHOOK_URL": "hunter4hunter4",
        "PLAIN": "sk-abcdefghijklmnopqrstuvwxyz0123",
    }


@pytest.mark.parametrize("place", ["text of one part", "text of two parts", "arguments"])
def test_a_key_in_pieces_over_events_is_found(place: str) -> None:
    def event(piece: str, number: int) -> bytes:
        parts = {
            "text of one part": [{"text": piece}],
            "text of two parts": [{"text": ""}] * number + [{"text": piece}],
            "arguments": [{"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": piece}]}}],
        }[place]
        return b"data: " + json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode() + b"\r\n\r\n"

    answer = event(f"my key: {KEY[:7]}", 0) + event(f"{KEY[7:]}.", 1)
    streamed = request(url=f"{URL.replace('generateContent', 'streamGenerateContent')}?alt=sse", transport="stream")
    found = LEAKS.find(exchange(answer, streamed, headers={"content-type": "text/event-stream"}))
    assert found == "the value of MY_KEY in the response's body, in pieces"
