"""Providers and dialects: the request that is built, and the key that is used."""

from __future__ import annotations

import logging

import pytest
from msgspec.structs import replace

from harness.errors import MissingKey, UsageError
from harness.gemini.providers import ROWS, Provider, build, credentials, dialect
from harness.model import Transport

BODY = {"contents": [{"parts": [{"text": "é"}]}], "generationConfig": {"topK": 1, "a": 1.0}}
PLAIN = {"contents": [{"parts": [{"text": "é"}]}]}


@pytest.mark.parametrize(
    ("name", "model", "transport", "url"),
    [
        (
            "google",
            "gemini-2.5-flash",
            "unary",
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
        ),
        ("cometapi", "m", "stream", "https://api.cometapi.com/v1beta/models/m:streamGenerateContent?alt=sse"),
        ("cometapi-bearer", "models/m", "unary", "https://api.cometapi.com/v1beta/models/m:generateContent"),
        ("simulator", "m", "unary", "http://simulator.invalid/v1beta/models/m:generateContent"),
        ("google-openai", "m", "stream", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"),
        ("cometapi-openai", "m", "unary", "https://api.cometapi.com/v1/chat/completions"),
        ("simulator-openai", "m", "unary", "http://simulator.invalid/v1/chat/completions"),
        ("simulator-google-openai", "m", "unary", "http://simulator.invalid/v1beta/openai/chat/completions"),
        (
            "simulator-gateway",
            "a b?",
            "unary",
            "http://simulator.invalid/gateway/v1beta/models/a%20b%3F:generateContent",
        ),
    ],
)
def test_addresses(name: str, model: str, transport: Transport, url: str) -> None:
    assert build(ROWS[name], model, PLAIN, transport).url == url


def test_the_body_goes_out_as_it_was_written() -> None:
    request = build(ROWS["google"], "m", BODY, "unary", frozenset({400}))
    assert request.content == '{"contents":[{"parts":[{"text":"é"}]}],"generationConfig":{"topK":1,"a":1.0}}'.encode()
    assert request.body is BODY
    assert request.expects_status == {400}
    assert not {"x-goog-api-key", "authorization"} & request.headers.keys()


@pytest.mark.parametrize(
    ("name", "environ", "headers"),
    [
        ("google", {"GOOGLE_API_KEY": " g "}, {"x-goog-api-key": "g"}),
        ("google", {"GOOGLE_API_KEY": "", "GEMINI_API_KEY": "e"}, {"x-goog-api-key": "e"}),
        ("cometapi", {"COMETAPI_KEY": "c"}, {"x-goog-api-key": "c"}),
        ("cometapi-bearer", {"COMETAPI_KEY": "c"}, {"authorization": "Bearer c"}),
        ("simulator", {}, {"x-goog-api-key": "simulator"}),
        ("google-openai", {"GOOGLE_API_KEY": "g"}, {"authorization": "Bearer g"}),
        ("cometapi-openai", {"COMETAPI_KEY": "c"}, {"authorization": "Bearer c"}),
    ],
)
def test_credentials(name: str, environ: dict[str, str], headers: dict[str, str]) -> None:
    assert credentials(ROWS[name], environ) == headers


def test_a_key_in_both_headers() -> None:
    both = replace(ROWS["cometapi"], auth="both")
    assert credentials(both, {"COMETAPI_KEY": "c"}) == {"x-goog-api-key": "c", "authorization": "Bearer c"}
    assert both.key_headers == ["x-goog-api-key: $COMETAPI_KEY", "Authorization: Bearer $COMETAPI_KEY"]


def test_a_second_google_key_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        headers = credentials(ROWS["google"], {"GOOGLE_API_KEY": "first-key", "GEMINI_API_KEY": "second-key"})
    assert headers == {"x-goog-api-key": "first-key"}
    assert caplog.messages == ["GOOGLE_API_KEY and GEMINI_API_KEY are both set; GOOGLE_API_KEY is used"]


@pytest.mark.parametrize("key", ["one\ntwo", "ключ", "a\x00b"])
def test_a_key_invalid_in_a_header_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(MissingKey) as refused:
        credentials(ROWS["cometapi"], {"COMETAPI_KEY": key})
    assert str(refused.value).startswith("COMETAPI_KEY is not a valid key: ")
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("google", "No key for provider 'google': set the environment variable GOOGLE_API_KEY or GEMINI_API_KEY."),
        ("cometapi", "No key for provider 'cometapi': set the environment variable COMETAPI_KEY."),
    ],
)
def test_a_missing_key_names_its_variables(name: str, sentence: str) -> None:
    with pytest.raises(MissingKey) as missing:
        credentials(ROWS[name], {})
    assert str(missing.value) == sentence


def test_a_new_dialect_is_one_function() -> None:
    @dialect("shouting")
    def shouting(provider, model, body, transport, expects_status):  # type: ignore[no-untyped-def]
        return build(ROWS["google"], model.upper(), body, transport, expects_status)

    row = Provider("loud", "https://loud.example", kind="loud", dialect="shouting")
    assert "/models/M:" in build(row, "m", {}, "unary").url
    with pytest.raises(ValueError, match="two dialects"):
        dialect("shouting")(shouting)


def test_an_unknown_dialect_is_named() -> None:
    with pytest.raises(UsageError, match="no dialect is called 'klingon'"):
        build(Provider("x", "https://x.example", kind="x", dialect="klingon"), "m", {}, "unary")
