"""No credential reaches a disk, however it is spelled."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.leaks import Leaks, known
from harness.providers import ROWS
from tests.asked import URL, body, exchange, request

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
    ],
    ids=["raw", "url", "json", "base64", "basic-auth", "urlsafe-base64"],
)
def test_a_known_secret_is_found_in_every_spelling(text: str) -> None:
    leak = LEAKS.find(exchange(f'{{"echo": {text}}}'.encode()))
    assert leak is not None
    assert leak.startswith("the value of MY_KEY in the response's body, at byte ")
    assert KEY not in leak


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (exchange(asked=request(url=f"{URL}?key={quote(KEY, safe='')}")), "the request's address"),
        (exchange(asked=request(headers={"x-custom": KEY})), "the request's headers"),
        (exchange(asked=request(body(KEY))), "the request's body"),
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


def test_what_is_told_names_the_secret_and_does_not_hold_it() -> None:
    value = {"text": f"my key is {KEY}.", "list": [1, None, {"url": f"?key={quote(KEY, safe='')}"}], "other": "abc"}
    told = LEAKS.hidden(value)
    assert told == {
        "text": "my key is [the value of MY_KEY].",
        "list": [1, None, {"url": "?key=[the value of MY_KEY]"}],
        "other": "abc",
    }
    clean = {"text": "nothing"}
    assert LEAKS.hidden(clean) is clean


def test_keys_of_providers_and_what_is_called_a_secret_are_secrets() -> None:
    environ = {
        "GEMINI_API_KEY": " g ",
        "DB_PASSWORD": "p",
        "github_token": "t",
        "KEYBOARD": "de",
        "TOKENS": "9",
        "A": "b",
    }
    assert known(environ, ROWS) == {"GEMINI_API_KEY": "g", "DB_PASSWORD": "p", "github_token": "t"}
