"""Recognises credentials in text, and masks that stand in place of a credential."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from harness.text.names import is_secret_name

SHAPES = {
    "a Google API key": ("AIza", r"(?<![\w+/-])AIza[\w-]{35}(?![\w+/-])"),
    "a Google key": ("AQ.", r"(?<![\w.-])AQ\.A[\w-]{30,}"),
    "a Google access token": ("ya29.", r"(?<![\w-])ya29\.[\w-]{20,}"),
    "a key of a gateway": ("sk-", r"(?<![\w-])sk-(?=[\w-]*\d)[\w-]{24,}"),
    "a bearer token": ("earer", r"[Bb]earer\s+(?=\S*\d)[\w.~+/-]{16,}"),
    "a private key": ("-----BEGIN", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
"""Kind of credential -> a text that each one contains (a fast test), and its regular expression."""
SHORTEST = 8
"""Characters. Shorter values do not count as secrets."""
_WORDLIKE = r"[A-Za-z0-9]{16,}"
_MASK = (
    r"(?i)redact|filter|mask|remov|hidden|sanitiz|scrub|conceal|dummy|fake|mock|placeholder|example|your|api.?key|x{4}"
)


def credentials_in(address: str, headers: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """(place, value) of each credential: parameters of the URL and headers that are named like a secret and not masked."""
    pairs = [pair.partition("=") for pair in re.split("[?&#]", address)[1:]]
    found = [(f"?{unquote(name)}=", unquote(value)) for name, _, value in pairs if is_secret_name(unquote(name))]
    found += [(name, value) for name, value in (headers or {}).items() if is_secret_name(name)]
    yield from ((place, value) for place, value in found if not is_masked(value))


def is_masked(value: str) -> bool:
    """Whether the value stands in place of a credential: empty, ``***``, ``<key>``, ``$KEY``, REDACTED."""
    word = re.sub(r"^(bearer|basic)\b", "", value.strip(), flags=re.IGNORECASE).strip()
    if len(word) < SHORTEST or word[0] in "<[{$%" or not re.search(r"[^\W_xX]", word):
        return True
    return re.search(_MASK, word) is not None and not resembles_key(word)


def resembles_key(text: str) -> bool:
    """Whether the text looks like a key: a known kind, or a long word with letters and digits."""
    return credential_kind(text) is not None or any(
        sum(map(str.isdigit, word)) > 2 or (re.search(r"\d", word) and word.upper() != word != word.lower())
        for word in re.findall(_WORDLIKE, text)
        if not word.isdigit()
    )


def credential_kind(text: str) -> str | None:
    """The kind of the first known credential in the text; None if there is none."""
    return next((kind for kind, (hint, shape) in SHAPES.items() if hint in text and re.search(shape, text)), None)
